//! The dictionary: all words of all phrase lists, with the spellings under which people hide or miss them.
//!
//! This file fills it; `words` reads messages with it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use aho_corasick::BuildError;
use serde::{Deserialize, Serialize};

use super::search::{Kind, Search};

/// A word of the dictionary; equal words of all languages share one.
pub(crate) type WordId = u32;

/// Any word that is in no phrase list.
pub(crate) const UNKNOWN: WordId = 0;
/// Any word that begins with a digit and isn't a disguise: what `{number}` stands for.
pub(crate) const NUMBER: WordId = 1;

/// Fewest bytes of a stem.
pub(crate) const START: usize = 3;

/// Phrase lists hash short strings and small numbers that their authors chose, so a fast hash without a
/// secret will do; what people send is only ever looked up.
#[derive(Default)]
pub(crate) struct FastHasher(u64);

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for &eight in eights {
            self.write_u64(u64::from_le_bytes(eight));
        }
        let rest = rest.iter().rev().fold(rest.len() as u64, |word, &byte| word << 8 | u64::from(byte));
        self.write_u64(rest);
    }
    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }
    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn finish(&self) -> u64 {
        // The low bits choose the place in a table, and a product leaves them poor.
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 29
    }
}

pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHasher>>;

/// All words of all phrase lists.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Dictionary {
    pub(super) words: FastMap<Box<str>, WordId>,
    pub(super) stems: FastMap<Box<str>, WordId>,
    /// For the first bytes of a word, the stems that begin with them, longest first.
    pub(super) stems_by_start: FastMap<[u8; START], Vec<(Box<str>, WordId)>>,
    /// For each id, the word; of a stem, with its star.
    pub(super) names: Vec<Box<str>>,
    /// Words that are read also when disguised.
    pub(super) rare: Vec<(Box<str>, WordId)>,
    /// Words that are read also when mistyped, and no more than that. Like the next, only for building.
    #[serde(skip)]
    typed: Vec<(Box<str>, WordId)>,
    /// Spellings that a list gives for a word.
    #[serde(skip)]
    listed: Vec<(Box<str>, WordId)>,
    pub(super) slips: FastMap<Box<str>, WordId>,
    /// Slips that are words of other languages.
    pub(super) foreign: FastMap<Box<str>, WordId>,
    /// Words of the lists that say which of their words may be mistyped; only for building.
    #[serde(skip)]
    own: FastMap<WordId, ()>,
    /// Whether such a list is being entered.
    #[serde(skip)]
    entering: bool,
    /// First halves of rare words that somebody might part in two.
    pub(super) halves: FastMap<Box<str>, ()>,
    /// Words that may have lost their apostrophe ("don t"), as they are then folded.
    pub(super) contractions: FastMap<Box<str>, WordId>,
    /// For each stem, the next shorter one (`suicid*` for `suicida*`).
    pub(super) shorter: Vec<WordId>,
    pub(super) glued: Vec<Box<str>>,
    pub(super) joined: Option<Search>,
}

impl Dictionary {
    pub fn new() -> Self {
        // No folded word looks like these two, so nothing can be mistaken for them.
        Dictionary { names: vec!["".into(), "#".into()], ..Dictionary::default() }
    }

    /// The number of ids given out.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Bytes on the heap, about.
    pub fn memory(&self) -> usize {
        let entries = self.words.capacity()
            + self.stems.capacity()
            + self.slips.capacity()
            + self.halves.capacity()
            + self.contractions.capacity();
        entries * 40 + self.names.len() * 24 + self.joined.as_ref().map_or(0, Search::memory)
    }

    /// The id of a folded word of a phrase; `suicid*` is a stem.
    pub fn intern(&mut self, word: &str) -> WordId {
        let next = self.names.len() as u32;
        let id = match word.strip_suffix('*') {
            Some(stem) => *self.stems.entry(stem.into()).or_insert(next),
            None => *self.words.entry(word.into()).or_insert(next),
        };
        if id == next {
            self.names.push(word.into());
        }
        if self.entering {
            self.own.insert(id, ());
        }
        id
    }

    /// Says whether the words that follow are of a list that says which of them may be mistyped.
    pub fn enter(&mut self, mistyped: bool) {
        self.entering = mistyped;
    }

    /// The id of a word that was entered before, or [`UNKNOWN`].
    pub fn id(&self, word: &str) -> WordId {
        let id = match word.strip_suffix('*') {
            Some(stem) => self.stems.get(stem),
            None => self.words.get(word),
        };
        id.copied().unwrap_or(UNKNOWN)
    }

    /// The word that an id was given to.
    pub fn name(&self, word: WordId) -> &str {
        &self.names[word as usize]
    }

    /// Reads `word` also when it is censored, parted, or misspelt by one slip.
    pub fn add_rare(&mut self, word: &str) {
        let id = self.intern(word);
        self.rare.push((word.into(), id));
    }

    /// Reads `word` also when it is mistyped by one slip.
    pub fn add_typed(&mut self, word: &str) {
        let id = self.intern(word);
        self.typed.push((word.into(), id));
    }

    /// A spelling that is read as `word`, unless it is a word itself.
    pub fn add_misspelling(&mut self, word: &str, misspelt: &str) {
        let id = self.intern(word);
        self.listed.push((misspelt.into(), id));
    }

    /// A short word that people write together with the next: "imgonna".
    pub fn add_glued(&mut self, word: &str) {
        self.glued.push(word.into());
    }

    /// A word that may lose its apostrophe: `don` and `t`.
    pub fn add_contraction(&mut self, before: &str, after: &str) {
        let id = self.intern(&format!("{before}{after}"));
        self.contractions.insert(format!("{before} {after}").into(), id);
    }

    /// Call once all words are in. `joined` are letters that, inside a longer word, tell that several
    /// were run together.
    pub fn seal(&mut self, joined: &[String]) -> Result<(), BuildError> {
        // Rare words first: a slip that could be two words is rather the one that matters.
        let rare = self.rare.iter().map(|(word, id)| (slips(word), *id));
        let typed = self.typed.iter().map(|(word, id)| (mistyped(word), *id));
        let listed = self.listed.iter().map(|(spelling, id)| (vec![spelling.to_string()], *id));
        for (slips, id) in listed.chain(rare).chain(typed) {
            for slip in slips {
                match self.words.get(slip.as_str()) {
                    None => {
                        self.slips.entry(slip.into()).or_insert(id);
                    }
                    Some(word) if self.own.contains_key(&id) && !self.own.contains_key(word) => {
                        self.foreign.entry(slip.into()).or_insert(id);
                    }
                    Some(_) => {}
                }
            }
        }
        for (word, _) in &self.rare {
            for half in halves(word) {
                self.halves.insert(half.into(), ());
            }
        }
        // "killin", "thinkin".
        let dropped = self.words.iter().filter_map(|(word, &id)| Some((dropped(word)?, id)));
        for (word, id) in dropped.collect::<Vec<_>>() {
            if !self.words.contains_key(word.as_str()) {
                self.slips.entry(word.into()).or_insert(id);
            }
        }
        for (stem, &id) in &self.stems {
            if let Some(start) = stem.as_bytes().first_chunk::<START>() {
                self.stems_by_start.entry(*start).or_default().push((stem.clone(), id));
            }
        }
        self.stems_by_start
            .values_mut()
            .for_each(|stems| stems.sort_by_key(|(stem, _)| usize::MAX - stem.len()));
        self.shorter = vec![UNKNOWN; self.names.len()];
        for (stem, &id) in &self.stems {
            let shorter = (1..stem.len())
                .rev()
                .filter(|&at| stem.is_char_boundary(at))
                .find_map(|at| self.stems.get(&stem[..at]));
            self.shorter[id as usize] = shorter.copied().unwrap_or(UNKNOWN);
        }
        let pieces = joined.iter().map(|letters| letters.as_str().into()).collect();
        self.joined = if joined.is_empty() { None } else { Some(Search::new(Kind::Any, pieces)?) };
        Ok(())
    }

    /// Every spelling under which a rare word may wake the reader, besides its own.
    pub fn disguises(word: &str) -> Vec<String> {
        let mut all = slips(word);
        all.extend(halves(word).map(|half| format!("{half} {}", &word[half.len()..])));
        all
    }

    /// Every spelling under which a word that may be mistyped wakes the reader, besides its own.
    pub fn typings(word: &str) -> Vec<String> {
        mistyped(word)
    }
}

/// Spellings one slip away: a letter lost, doubled, swapped with its neighbour, or hit beside the key.
/// Never the first letter alone, which makes other words. Short words have no slips.
fn slips(word: &str) -> Vec<String> {
    if word.len() < 6 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return Vec::new();
    }
    let bytes = word.as_bytes();
    let mut all: Vec<Vec<u8>> = Vec::new();
    for i in 0..bytes.len() {
        if i > 0 {
            let mut lost = bytes.to_vec();
            lost.remove(i);
            all.push(lost);
        }
        let mut doubled = bytes.to_vec();
        doubled.insert(i, bytes[i]);
        all.push(doubled);
        if i + 1 < bytes.len() && bytes[i] != bytes[i + 1] {
            let mut swapped = bytes.to_vec();
            swapped.swap(i, i + 1);
            all.push(swapped);
        }
        if i > 0 {
            for &near in neighbours(bytes[i]) {
                let mut wrong = bytes.to_vec();
                wrong[i] = near;
                all.push(wrong);
                let mut extra = bytes.to_vec();
                extra.insert(i, near);
                all.push(extra);
            }
        }
    }
    let mut all: Vec<String> = all.into_iter().filter_map(|b| String::from_utf8(b).ok()).collect();
    all.sort_unstable();
    all.dedup();
    all.retain(|slip| slip != word);
    all
}

/// The slips of a word of every day, from four letters: the shorter, the fewer, as short words lie close together.
fn mistyped(word: &str) -> Vec<String> {
    let mut all = match word.len() {
        0..4 => Vec::new(),
        4 | 5 => {
            let bytes = word.as_bytes();
            let swapped = (0..bytes.len() - 1).map(|at| {
                let mut swapped = bytes.to_vec();
                swapped.swap(at, at + 1);
                swapped
            });
            let wrong = (1..bytes.len()).filter(|&at| !b"aeiou".contains(&bytes[at])).flat_map(|at| {
                neighbours(bytes[at]).iter().map(move |&near| {
                    let mut wrong = bytes.to_vec();
                    wrong[at] = near;
                    wrong
                })
            });
            let lost = (1..bytes.len()).filter(|_| bytes.len() > 4).map(|at| {
                let mut lost = bytes.to_vec();
                lost.remove(at);
                lost
            });
            swapped.chain(wrong).chain(lost).filter_map(|bytes| String::from_utf8(bytes).ok()).collect()
        }
        _ => slips(word),
    };
    all.retain(|slip| slip != word);
    all
}

/// A word that ends in "ing", as it is spoken.
pub(crate) fn dropped(word: &str) -> Option<String> {
    let stem = word.strip_suffix("ing").filter(|stem| stem.len() >= 3 && stem.is_ascii())?;
    Some(format!("{stem}in"))
}

/// Keys next to a key on common keyboards, and vowels that sound alike.
fn neighbours(letter: u8) -> &'static [u8] {
    match letter {
        b'a' => b"sqweiou",
        b'b' => b"vnh",
        b'c' => b"xvs",
        b'd' => b"sfet",
        b'e' => b"wriauo",
        b'f' => b"dgv",
        b'g' => b"fht",
        b'h' => b"gjn",
        b'i' => b"uoyea",
        b'j' => b"hk",
        b'k' => b"jlc",
        b'l' => b"ko",
        b'm' => b"n",
        b'n' => b"mb",
        b'o' => b"ipuae",
        b'p' => b"ol",
        b'q' => b"wa",
        b'r' => b"et",
        b's' => b"adcz",
        b't' => b"ryd",
        b'u' => b"iyoae",
        b'v' => b"bcf",
        b'w' => b"qe",
        b'x' => b"zc",
        b'y' => b"tui",
        b'z' => b"xs",
        _ => b"",
    }
}

/// First halves of a word that somebody might part in two, at least two letters on either side.
fn halves(word: &str) -> impl Iterator<Item = &str> {
    let long = word.len() >= 6 && word.is_ascii();
    (2..word.len().saturating_sub(1)).filter(move |_| long).map(move |at| &word[..at])
}
