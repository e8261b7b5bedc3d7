//! Which messages deserve a closer look: one search for the rarest words of all phrases.
//!
//! Words are looked up by a hash of their letters, together with all their misspellings and the halves
//! into which they may be parted; nothing is compared after that, since a chance hit costs no more than a
//! closer look in vain. Letters of scripts without spaces are searched for by an Aho-Corasick automaton.
//!
//! Of every phrase, the rarest elements are chosen, at most four; unless the message has a word of each,
//! the phrase can't match. Every different element is a bit, each word that is found writes the bits of
//! its elements, and what a phrase demands beside its rarest element is asked only where that was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use aho_corasick::BuildError;
use serde::{Deserialize, Serialize};

use super::dictionary::{Dictionary, FastMap, START, WordId};
use super::letters::single;
use super::search::{Kind, Search};
use super::words::Token;

/// Elements of a phrase that are asked for, at most.
pub(crate) const ASKED: usize = 4;

/// Where a word writes: 64 elements, and which of them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Note {
    column: u32,
    bits: u64,
}

/// A word that a phrase can't do without.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Anchor {
    /// A word of the dictionary, or a stem.
    Word(WordId),
    /// Letters of a script that writes no spaces.
    Run(Box<str>),
}

/// The rarest word of each entry of a list, and about how common it is; nothing where an entry may be any
/// number.
pub(crate) type Rarest = Option<Vec<(usize, Anchor)>>;

/// An element of a phrase: the numbers of its lists in the chart, and the words that are asked for.
pub(crate) struct Asked {
    pub lists: Vec<usize>,
    pub words: Vec<Rc<Rarest>>,
}

/// What the phrases of one language ask for.
#[derive(Default)]
pub(crate) struct AskedOf {
    /// The number of each element, by its lists.
    elements: FastMap<Vec<usize>, u32>,
    /// For each phrase, its elements, the rarest first; where hints stand together, those hints as well.
    demands: BTreeSet<(Vec<u32>, Vec<u32>)>,
    /// For each hint, the elements of each of its phrases.
    hints: Vec<Vec<Vec<u32>>>,
    /// Which elements a word writes: columns of 64.
    notes: BTreeMap<Anchor, BTreeMap<u32, u64>>,
}

impl AskedOf {
    /// A phrase that can't match unless the message has one word of each element, the rarest element first.
    pub fn phrase(&mut self, elements: Vec<Asked>) {
        let demand: Vec<u32> = elements.into_iter().map(|asked| self.element(asked)).collect();
        if !demand.is_empty() {
            self.demands.insert((demand, Vec::new()));
        }
    }

    /// What the phrases of the next hint ask for, one of which has to match.
    pub fn hint(&mut self, phrases: Vec<Vec<Asked>>) {
        let elements = phrases
            .into_iter()
            .map(|phrase| phrase.into_iter().map(|asked| self.element(asked)).collect())
            .collect();
        self.hints.push(elements);
    }

    /// Hints that stand together, by their numbers; `elements` has, for each, any word that one of its phrases can't do
    /// without: a first look, which is cheap.
    pub fn together(&mut self, elements: Vec<Asked>, hints: &[usize]) {
        let demand: Vec<u32> = elements.into_iter().map(|asked| self.element(asked)).collect();
        if !demand.is_empty() {
            self.demands.insert((demand, hints.iter().map(|&hint| hint as u32).collect()));
        }
    }

    fn element(&mut self, asked: Asked) -> u32 {
        if let Some(&bit) = self.elements.get(&asked.lists) {
            return bit;
        }
        let bit = self.elements.len() as u32;
        for (_, word) in asked.words.iter().filter_map(|words| words.as_ref().as_ref()).flatten() {
            if !self.notes.contains_key(word) {
                self.notes.insert(word.clone(), BTreeMap::new());
            }
            if let Some(columns) = self.notes.get_mut(word) {
                *columns.entry(bit / 64).or_default() |= 1 << (bit % 64);
            }
        }
        self.elements.insert(asked.lists, bit);
        bit
    }
}

/// Joins what all languages ask for.
#[derive(Default)]
pub(crate) struct AnchorsBuilder {
    languages: u8,
    demands: BTreeSet<(Vec<u32>, Vec<u32>)>,
    hints: Vec<Vec<Vec<u32>>>,
    /// For each 64 elements, their language.
    columns: Vec<u8>,
    notes: BTreeMap<Anchor, Vec<Note>>,
    rare: BTreeMap<String, Vec<String>>,
    typed: BTreeMap<String, Vec<String>>,
    contractions: BTreeMap<String, BTreeSet<String>>,
}

impl AnchorsBuilder {
    /// A word that is found also when it is disguised, and spellings that are read as it.
    pub fn rare(&mut self, word: &str, misspelt: &[String]) {
        self.rare.entry(word.to_owned()).or_default().extend(misspelt.iter().cloned());
    }

    /// A word that is found also when it is mistyped, and spellings that are read as it.
    pub fn typed(&mut self, word: &str, mistyped: &[String]) {
        self.typed.entry(word.to_owned()).or_default().extend(mistyped.iter().cloned());
    }

    /// A word that may lose its apostrophe.
    pub fn contraction(&mut self, before: &str, after: &str) {
        self.contractions.entry(format!("{before}{after}")).or_default().insert(format!("{before} {after}"));
    }

    /// What the next language asks for.
    pub fn language(&mut self, asked: AskedOf) {
        let first = self.columns.len() as u32;
        self.columns.resize(self.columns.len() + asked.elements.len().div_ceil(64), self.languages);
        self.languages += 1;
        let shifted = |demand: Vec<u32>| demand.into_iter().map(|bit| bit + first * 64).collect::<Vec<_>>();
        let before = self.hints.len() as u32;
        self.demands.extend(
            asked.demands.into_iter().map(|(demand, hints)| {
                (shifted(demand), hints.into_iter().map(|hint| hint + before).collect())
            }),
        );
        let hints = asked.hints.into_iter();
        self.hints.extend(hints.map(|phrases| phrases.into_iter().map(shifted).collect()));
        for (word, columns) in asked.notes {
            let notes = columns.into_iter().map(|(column, bits)| Note { column: column + first, bits });
            self.notes.entry(word).or_default().extend(notes);
        }
    }

    /// Compiles. `joined` are letters that ask for a closer look wherever they stand.
    pub fn build(self, dictionary: &Dictionary, joined: &[String]) -> Result<Anchors, BuildError> {
        let mut notes: Vec<Note> = Vec::new();
        let mut spelt: Vec<(u64, Range)> = Vec::new();
        let mut stems: Vec<(String, Range)> = Vec::new();
        let mut unspaced: Vec<(Box<str>, Range)> = Vec::new();
        let mut by_word = vec![(0, 0); dictionary.len()];
        for (word, mut writes) in self.notes {
            let start = notes.len() as u32;
            notes.append(&mut writes);
            let range = (start, notes.len() as u32);
            let id = match word {
                Anchor::Run(run) => {
                    unspaced.push((run, range));
                    continue;
                }
                Anchor::Word(id) => id,
            };
            by_word[id as usize] = range;
            let word = dictionary.name(id);
            if word.chars().next().is_some_and(single) {
                unspaced.push((word.into(), range));
                continue;
            }
            if let Some(stem) = word.strip_suffix('*') {
                stems.push((stem.to_owned(), range));
                continue;
            }
            spelt.push((hash(word), range));
            if let Some(misspelt) = self.rare.get(word) {
                let disguises = Dictionary::disguises(word);
                spelt.extend(disguises.iter().chain(misspelt).map(|spelling| (hash(spelling), range)));
            }
            spelt.extend(super::dictionary::dropped(word).map(|spelling| (hash(&spelling), range)));
            if let Some(mistyped) = self.typed.get(word) {
                let typings = Dictionary::typings(word);
                spelt.extend(typings.iter().chain(mistyped).map(|spelling| (hash(spelling), range)));
            }
            let parted = self.contractions.get(word).into_iter().flatten();
            spelt.extend(parted.map(|spelling| (hash(spelling), range)));
        }
        let mut rarest = vec![0; self.columns.len()];
        let mut demands: Vec<Vec<Demand>> = Vec::new();
        demands.resize_with(self.columns.len() * 64, Vec::new);
        for (demand, hints) in &self.demands {
            rarest[(demand[0] / 64) as usize] |= 1 << (demand[0] % 64);
            let others = demand[1..].into();
            demands[demand[0] as usize].push(Demand { others, hints: hints.as_slice().into() });
        }
        let unspaced_ranges = unspaced.iter().map(|&(_, range)| range).collect();
        let joined = joined.iter().map(|letters| letters.as_str().into()).collect();
        Ok(Anchors {
            spelt: Spelt::new(spelt),
            stems: Stems::new(stems),
            joined: Search::new(Kind::Quick, joined)?,
            unspaced: Search::new(Kind::Many, unspaced.into_iter().map(|(text, _)| text).collect())?,
            unspaced_ranges,
            notes,
            by_word,
            rarest,
            demands,
            hints: self.hints,
            columns: self.columns,
        })
    }
}

/// Which of all notes a word writes.
type Range = (u32, u32);

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline(always)]
fn mix(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
}

/// The hash of a word, or of two with a space between them.
fn hash(words: &str) -> u64 {
    let hash = |word: &str| word.bytes().fold(SEED, mix);
    match words.split_once(' ') {
        Some((before, after)) => pair(hash(before), hash(after)),
        None => hash(words),
    }
}

#[inline(always)]
fn pair(before: u64, after: u64) -> u64 {
    before.rotate_left(17) ^ after.wrapping_mul(SEED)
}

/// Makes every bit of a hash depend on all of them.
#[inline(always)]
fn spread(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// Spellings by their hash: a small table of bits that answers "no" to almost everything, and a larger one.
#[derive(Serialize, Deserialize)]
struct Spelt {
    bits: Vec<u64>,
    slots: Vec<(u32, Range)>,
}

/// Bits of the small table: as many as the top 18 bits of a hash can say.
const BITS: u64 = 1 << 18;

impl Spelt {
    fn new(spellings: Vec<(u64, Range)>) -> Self {
        let size = (spellings.len() * 2).next_power_of_two();
        let mut spelt = Spelt { bits: vec![0; (BITS / 64) as usize], slots: vec![(0, (0, 0)); size] };
        for (hash, range) in spellings {
            let hash = spread(hash);
            let bit = hash >> 46;
            spelt.bits[(bit / 64) as usize] |= 1 << (bit % 64);
            let mut slot = (hash >> 20) as usize & (size - 1);
            while spelt.slots[slot].1 != (0, 0) {
                slot = (slot + 1) & (size - 1);
            }
            spelt.slots[slot] = (hash as u32, range);
        }
        spelt
    }

    #[inline(always)]
    fn get(&self, hash: u64, mut show: impl FnMut(Range)) {
        let hash = spread(hash);
        let bit = hash >> 46;
        if self.bits[(bit / 64) as usize] >> (bit % 64) & 1 == 0 {
            return;
        }
        let mut slot = (hash >> 20) as usize & (self.slots.len() - 1);
        while self.slots[slot].1 != (0, 0) {
            if self.slots[slot].0 == hash as u32 {
                show(self.slots[slot].1);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }
}

/// Beginnings of words, by their first three bytes.
#[derive(Serialize, Deserialize)]
struct Stems {
    bits: Vec<u64>,
    stems: FastMap<[u8; START], Vec<(String, Range)>>,
}

impl Stems {
    fn new(all: Vec<(String, Range)>) -> Self {
        let mut stems = Stems { bits: vec![0; 1 << 9], stems: FastMap::default() };
        for (stem, range) in all {
            if let Some(start) = stem.as_bytes().first_chunk::<START>() {
                let bit = Stems::bit(*start);
                stems.bits[bit / 64] |= 1 << (bit % 64);
                stems.stems.entry(*start).or_default().push((stem, range));
            }
        }
        stems
    }

    #[inline(always)]
    fn bit([a, b, c]: [u8; START]) -> usize {
        (usize::from(a & 31) << 10 | usize::from(b & 31) << 5 | usize::from(c & 31)) & 0x7fff
    }

    #[inline(always)]
    fn get(&self, word: &[u8], mut show: impl FnMut(Range)) {
        let Some(start) = word.first_chunk::<START>() else { return };
        let bit = Stems::bit(*start);
        if self.bits[bit / 64] >> (bit % 64) & 1 == 1 {
            for (stem, range) in self.stems.get(start).into_iter().flatten() {
                if word.starts_with(stem.as_bytes()) {
                    show(*range);
                }
            }
        }
    }
}

/// What a phrase, or hints that stand together, can't do without beside the rarest element.
#[derive(Serialize, Deserialize)]
struct Demand {
    others: Box<[u32]>,
    /// Hints of which some phrase has to have all its elements; none for a phrase.
    hints: Box<[u32]>,
}

/// The compiled search.
#[derive(Serialize, Deserialize)]
pub(crate) struct Anchors {
    spelt: Spelt,
    stems: Stems,
    /// Letters that ask for a closer look wherever they stand.
    joined: Search,
    unspaced: Search,
    unspaced_ranges: Vec<Range>,
    notes: Vec<Note>,
    /// For each word of the dictionary, its notes.
    by_word: Vec<Range>,
    /// The elements that are the rarest of some phrase.
    rarest: Vec<u64>,
    /// For each of them, what its phrases demand beside it.
    demands: Vec<Vec<Demand>>,
    /// For each hint, the elements of each of its phrases.
    hints: Vec<Vec<Vec<u32>>>,
    columns: Vec<u8>,
}

/// The elements that were seen; nothing at all before the first.
struct Seen<'a> {
    anchors: &'a Anchors,
    columns: Vec<u64>,
}

impl Seen<'_> {
    #[inline]
    fn write(&mut self, (start, end): Range) {
        if self.columns.is_empty() {
            self.columns = vec![0; self.anchors.columns.len()];
        }
        for note in &self.anchors.notes[start as usize..end as usize] {
            self.columns[note.column as usize] |= note.bits;
        }
    }

    fn has(&self, element: u32) -> bool {
        self.columns[(element / 64) as usize] >> (element % 64) & 1 == 1
    }

    /// The languages of which some phrase has all that it demands, one bit each.
    fn awake(&self) -> u64 {
        let mut awake = 0;
        for (column, &seen) in self.columns.iter().enumerate() {
            let mut rarest = seen & self.anchors.rarest[column];
            while rarest != 0 && awake >> self.anchors.columns[column] & 1 == 0 {
                let element = column as u32 * 64 + rarest.trailing_zeros();
                let all = |elements: &[u32]| elements.iter().all(|&other| self.has(other));
                let hint = |hint: &u32| self.anchors.hints[*hint as usize].iter().any(|phrase| all(phrase));
                let met = |demand: &Demand| all(&demand.others) && demand.hints.iter().all(hint);
                if self.anchors.demands[element as usize].iter().any(met) {
                    awake |= 1 << self.anchors.columns[column];
                }
                rarest &= rarest - 1;
            }
        }
        awake
    }
}

impl Anchors {
    /// Bytes on the heap, about.
    pub fn memory(&self) -> usize {
        let automata = self.joined.memory() + self.unspaced.memory();
        let tables = (self.spelt.bits.len() + self.stems.bits.len()) * 8 + self.spelt.slots.len() * 12;
        automata + tables + self.notes.len() * size_of::<Note>() + self.by_word.len() * 8
    }

    /// Whether a folded text deserves a closer look.
    pub fn search(&self, folded: &str) -> bool {
        let bytes = folded.as_bytes();
        let mut seen = Seen { anchors: self, columns: Vec::new() };
        let (mut hash, mut before, mut start) = (SEED, SEED, 0);
        for (i, &byte) in bytes.iter().enumerate() {
            if byte != b' ' {
                hash = mix(hash, byte);
                continue;
            }
            let word = &bytes[start..i];
            self.spelt.get(hash, |range| seen.write(range));
            self.spelt.get(pair(before, hash), |range| seen.write(range));
            self.stems.get(word, |range| seen.write(range));
            if word.len() >= SHORTEST_JOINED && self.joined.automaton().is_match(word) {
                return true;
            }
            (before, hash, start) = (hash, SEED, i + 1);
        }
        self.write_unspaced(folded, &mut seen);
        seen.awake() != 0
    }

    /// The languages that a message wakes, one bit each.
    pub fn awake(&self, folded: &str, tokens: &[Token], dictionary: &Dictionary) -> u64 {
        let mut seen = Seen { anchors: self, columns: Vec::new() };
        for token in tokens {
            for word in dictionary.readings(token) {
                let range = self.by_word[word as usize];
                if range.0 != range.1 {
                    seen.write(range);
                }
            }
        }
        self.write_unspaced(folded, &mut seen);
        seen.awake()
    }

    fn write_unspaced(&self, folded: &str, seen: &mut Seen<'_>) {
        if !folded.is_ascii() {
            for found in self.unspaced.automaton().find_overlapping_iter(folded) {
                seen.write(self.unspaced_ranges[found.pattern().as_usize()]);
            }
        }
    }
}

/// No shorter word is made of several.
const SHORTEST_JOINED: usize = 6;
