//! The dictionary: all words of all phrase lists, with the spellings under which people hide or miss them.
//!
//! This file fills it; `words` reads messages with it.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::BuildError;
use serde::{Deserialize, Serialize};

use super::flat::{Flat, Lists, Shelves};
use super::hash::{FastMap, hash, hash_number};
use super::search::Search;

/// A word of the dictionary; equal words of all languages share one.
pub(crate) type WordId = u32;

/// Any word that is in no phrase list.
pub(crate) const UNKNOWN: WordId = 0;
/// Any word that begins with a digit and isn't a disguise: what `{number}` stands for.
pub(crate) const NUMBER: WordId = 1;

/// Fewest bytes of a stem.
pub(crate) const START: usize = 3;

/// The first bytes of a word as a number, if it is long enough for a stem.
#[inline(always)]
pub(crate) fn start(word: &[u8]) -> Option<u32> {
    word.first_chunk::<START>().map(|&[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
}

/// Words that are found by how they begin, on the shelves of that beginning: the beginning, and a number.
pub(crate) struct Beginnings(Vec<(u64, (u32, u32))>);

impl Beginnings {
    pub fn new() -> Self {
        Beginnings(Vec::new())
    }

    /// A word that is long enough for a stem; a shorter one is never found.
    pub fn add(&mut self, word: &[u8], number: u32) {
        self.0.extend(start(word).map(|start| (hash_number(start), (start, number))));
    }

    pub fn shelved(self) -> Shelves<(u32, u32)> {
        Shelves::new(self.0)
    }
}

/// The numbers of what begins as a word does, in the order in which they were added.
#[inline(always)]
pub(crate) fn beginning(all: &Shelves<(u32, u32)>, start: u32) -> impl Iterator<Item = u32> {
    all.of(hash_number(start)).filter(move |row| row.0 == start).map(|row| row.1)
}

/// All words of all phrase lists, while they are read.
#[derive(Default)]
pub(crate) struct DictionaryBuilder {
    words: FastMap<Box<str>, WordId>,
    stems: FastMap<Box<str>, WordId>,
    /// For each id, the word; of a stem, with its star.
    names: Vec<Box<str>>,
    /// Words that are read also when disguised.
    rare: Vec<(Box<str>, WordId)>,
    /// Words that are read also when mistyped, and no more than that.
    typed: Vec<(Box<str>, WordId)>,
    /// Spellings that a list gives for a word.
    listed: Vec<(Box<str>, WordId)>,
    /// Words of the lists whose language is typed among all others.
    everywhere: FastMap<WordId, ()>,
    /// Whether such a list is being entered.
    entering: bool,
    /// Words that may have lost their apostrophe ("don t"), as they are then folded.
    contractions: BTreeMap<Box<str>, WordId>,
    glued: Vec<Box<str>>,
}

impl DictionaryBuilder {
    pub fn new() -> Self {
        // No folded word looks like these two, so nothing can be mistaken for them.
        DictionaryBuilder { names: vec!["".into(), "#".into()], ..DictionaryBuilder::default() }
    }

    /// The number of ids given out.
    pub fn len(&self) -> usize {
        self.names.len()
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
            self.everywhere.insert(id, ());
        }
        id
    }

    /// Says whether the words that follow are of a language that is typed among all others, as English is: their slips are
    /// read also where another list has such a word.
    pub fn enter(&mut self, everywhere: bool) {
        self.entering = everywhere;
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
    pub fn build(&self, joined: &[String]) -> Result<Dictionary, BuildError> {
        let (mut slips, foreign) = self.slips();
        // "killin", "thinkin".
        for (word, &id) in &self.words {
            if let Some(dropped) = dropped(word)
                && !self.words.contains_key(dropped.as_str())
            {
                slips.entry(dropped.into()).or_insert(id);
            }
        }
        // What has a space in it is a lost apostrophe: nothing else of two words is asked for.
        let one_word = slips.iter().filter(|(slip, _)| !slip.contains(' '));
        let mut others: BTreeMap<&str, WordId> = one_word.map(|(slip, &id)| (&**slip, id)).collect();
        others.extend(self.contractions.iter().map(|(spelling, &id)| (&**spelling, id)));
        let halves: BTreeSet<&str> = self.rare.iter().flat_map(|(word, _)| halves(word)).collect();
        for half in halves.iter().filter(|&&half| !self.words.contains_key(half)) {
            others.entry(half).or_insert(UNKNOWN);
        }
        let names = self.names.iter().map(|name| &**name);
        let spellings: Vec<&str> = names.chain(others.keys().copied()).collect();
        // Two names are none, and nobody can write a stem.
        let written = |(number, spelling): &(usize, &&str)| {
            *number >= self.names.len() || self.words.get(**spelling) == Some(&(*number as WordId))
        };
        let shelved = spellings.iter().enumerate().filter(written).map(|(number, spelling)| {
            let hash = hash(spelling.as_bytes());
            (hash, (hash as u32, number as u32))
        });
        let mut stems: Vec<(&str, WordId)> = self.stems.iter().map(|(stem, &id)| (&**stem, id)).collect();
        stems.sort_unstable_by_key(|&(stem, id)| (usize::MAX - stem.len(), id));
        let mut by_start = Beginnings::new();
        stems.iter().for_each(|(stem, id)| by_start.add(stem.as_bytes(), *id));
        let mut shorter = vec![UNKNOWN; self.names.len()];
        for (stem, &id) in &self.stems {
            let next = (1..stem.len())
                .rev()
                .filter(|&at| stem.is_char_boundary(at))
                .find_map(|at| self.stems.get(&stem[..at]));
            shorter[id as usize] = next.copied().unwrap_or(UNKNOWN);
        }
        let numbers = self.names.iter().map(|name| name.bytes().next().is_some_and(|b| b.is_ascii_digit()));
        let pieces: Vec<Box<str>> = joined.iter().map(|letters| letters.as_str().into()).collect();
        Ok(Dictionary {
            ids: self.names.len() as u32,
            shelves: Shelves::new(shelved.collect()),
            reads: others.values().copied().collect(),
            halves: bits(spellings.iter().map(|spelling| halves.contains(spelling))),
            spellings: spellings.iter().map(|spelling| spelling.bytes()).collect(),
            stems: by_start.shelved(),
            shorter: shorter.into_iter().collect(),
            numbers: bits(numbers),
            foreign: Shelves::new(
                foreign.into_iter().map(|(id, slip)| (hash_number(id), (id, slip))).collect(),
            ),
            rare: self.rare.iter().map(|&(_, id)| id).collect(),
            glued: self.glued.clone(),
            joined: if joined.is_empty() { None } else { Some(Search::try_from(pieces)?) },
        })
    }

    /// Spellings that are read as a word, and words that are slips in another language.
    fn slips(&self) -> (FastMap<Box<str>, WordId>, BTreeMap<WordId, WordId>) {
        let (mut all, mut foreign) = (FastMap::default(), BTreeMap::new());
        // Rare words first: a slip that could be two words is rather the one that matters.
        let rare = self.rare.iter().map(|(word, id)| (slips(word), *id));
        let typed = self.typed.iter().map(|(word, id)| (mistyped(word), *id));
        let listed = self.listed.iter().map(|(spelling, id)| (vec![spelling.to_string()], *id));
        for (slips, id) in listed.chain(rare).chain(typed) {
            for slip in slips {
                match self.words.get(slip.as_str()) {
                    None => {
                        all.entry(slip.into()).or_insert(id);
                    }
                    Some(&word)
                        if self.everywhere.contains_key(&id) && !self.everywhere.contains_key(&word) =>
                    {
                        foreign.entry(word).or_insert(id);
                    }
                    Some(_) => {}
                }
            }
        }
        (all, foreign)
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

/// One bit for each answer.
pub(crate) fn bits(answers: impl Iterator<Item = bool>) -> Flat<u64> {
    let mut all: Vec<u64> = Vec::new();
    for (at, answer) in answers.enumerate() {
        all.resize(at / 64 + 1, 0);
        all[at / 64] |= u64::from(answer) << (at % 64);
    }
    all.into_iter().collect()
}

/// Whether a bit is set; those that aren't there are not.
#[inline(always)]
pub(crate) fn bit(bits: &Flat<u64>, at: u32) -> bool {
    let word = at as usize / 64;
    word < bits.len() && bits.at(word) >> (at % 64) & 1 == 1
}

/// All words of all phrase lists, and how else they are written: the spellings, of which the first have the numbers of
/// the words' ids.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Dictionary {
    /// The number of ids.
    ids: u32,
    /// Every spelling, by its number; of a stem, with its star.
    spellings: Lists<u8>,
    /// The spellings that can be found: a part of the hash, and the number.
    shelves: Shelves<(u32, u32)>,
    /// For each spelling that isn't a word, the word as which it is read, if it is.
    reads: Flat<WordId>,
    /// The spellings that are first halves of rare words that somebody might part in two.
    halves: Flat<u64>,
    /// The stems, longest first, by how they begin.
    stems: Shelves<(u32, WordId)>,
    /// For each stem, the next shorter one (`suicid*` for `suicida*`).
    shorter: Flat<WordId>,
    /// The words that begin with a digit.
    numbers: Flat<u64>,
    /// Words that are slips in another language, and of what.
    foreign: Shelves<(WordId, WordId)>,
    /// Words that are read also when disguised.
    rare: Flat<WordId>,
    /// Short words that people write together with the next.
    pub(super) glued: Vec<Box<str>>,
    /// Letters that tell that several words were run together.
    joined: Option<Search>,
}

/// A spelling that the dictionary has, or hasn't.
#[derive(Clone, Copy)]
pub(crate) struct Spelling {
    /// The word as which it is read, the one that is spelt so or the one of which it is a slip, or [`UNKNOWN`].
    pub read: WordId,
    /// The first half of a rare word that somebody might part in two.
    pub half: bool,
}

impl Dictionary {
    /// Bytes that it takes, wherever it lies, about.
    pub fn memory(&self) -> usize {
        let spellings = self.spellings.memory() + self.shelves.memory() + self.reads.memory();
        let bits = self.halves.memory() + self.numbers.memory();
        let words = self.stems.memory() + self.shorter.memory() + self.foreign.memory() + self.rare.memory();
        spellings + bits + words + self.joined.as_ref().map_or(0, Search::memory)
    }

    fn find(&self, spelling: &str) -> Option<u32> {
        let hash = hash(spelling.as_bytes());
        let same = |&(part, number): &(u32, u32)| {
            part == hash as u32 && self.spellings.bytes(number as usize) == spelling.as_bytes()
        };
        self.shelves.of(hash).find(same).map(|(_, number)| number)
    }

    /// The word that an id was given to.
    pub fn name(&self, word: WordId) -> &str {
        // Names are the first of all spellings.
        std::str::from_utf8(self.spellings.bytes(word as usize)).unwrap_or_default()
    }

    /// What the dictionary has of a spelling: a word, a slip, or, with a space in it, a lost apostrophe.
    pub fn spelling(&self, spelling: &str) -> Spelling {
        match self.find(spelling) {
            None => Spelling { read: UNKNOWN, half: false },
            Some(number) => {
                let read =
                    if number < self.ids { number } else { self.reads.at((number - self.ids) as usize) };
                Spelling { read, half: bit(&self.halves, number) }
            }
        }
    }

    /// The word that is spelt so, or [`UNKNOWN`].
    pub fn exact(&self, word: &str) -> WordId {
        self.find(word).filter(|&number| number < self.ids).unwrap_or(UNKNOWN)
    }

    /// The longest stem that a word begins with, or [`UNKNOWN`].
    pub fn stem(&self, word: &str) -> WordId {
        let Some(start) = start(word.as_bytes()) else { return UNKNOWN };
        let fits = |&id: &WordId| match self.spellings.bytes(id as usize) {
            [stem @ .., b'*'] => word.as_bytes().starts_with(stem),
            _ => false,
        };
        beginning(&self.stems, start).find(fits).unwrap_or(UNKNOWN)
    }

    /// The next shorter stem, or [`UNKNOWN`].
    pub fn shorter(&self, stem: WordId) -> WordId {
        self.shorter.at(stem as usize)
    }

    /// Whether a word begins with a digit.
    pub fn is_number(&self, word: WordId) -> bool {
        bit(&self.numbers, word)
    }

    /// The word of which this one, where it is spelt as it should be, is a slip in another language, or [`UNKNOWN`].
    pub fn slip(&self, word: WordId, spelling: &str) -> WordId {
        let found = self.foreign.of(hash_number(word)).find(|row| row.0 == word).map_or(UNKNOWN, |row| row.1);
        let spelt = || self.spellings.bytes(word as usize) == spelling.as_bytes();
        if found != UNKNOWN && spelt() { found } else { UNKNOWN }
    }

    /// Whether a word is read also when disguised.
    pub fn is_rare(&self, word: WordId) -> bool {
        self.rare.rows(0..self.rare.len()).any(|rare| rare == word)
    }

    /// Words that are read also when disguised.
    pub fn rare(&self) -> impl Iterator<Item = (&[u8], WordId)> {
        self.rare.rows(0..self.rare.len()).map(|id| (self.spellings.bytes(id as usize), id))
    }

    /// Whether several words seem to be run together.
    #[inline(always)]
    pub fn is_joined(&self, word: &[u8]) -> bool {
        self.joined.as_ref().is_some_and(|joined| joined.automaton().is_match(word))
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
