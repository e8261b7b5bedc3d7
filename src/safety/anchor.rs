//! Which messages deserve a closer look: one search for the rarest words of all phrases.
//!
//! Of every phrase, the rarest elements are chosen, at most three; unless the message has a word of each,
//! the phrase can't match. Phrases that ask for the same words share one bit in each of three rows, and
//! each word that is found writes its bits. Only a bit that stands in all three rows wakes a language.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};

use super::words::{Dictionary, Token, WordId, single};

/// Where a word writes: a column of 64 bits, a row, and the bits.
#[derive(Debug, Clone, Copy)]
struct Note {
    column: u16,
    row: u16,
    bits: u64,
}

/// Collects the rarest words of phrases.
#[derive(Default)]
pub(crate) struct AnchorsBuilder {
    /// The bit of each demand: language and words of each row.
    demands: BTreeMap<(usize, Vec<Vec<String>>), usize>,
    language: usize,
    /// For each column, its language.
    columns: Vec<u8>,
    /// Bits taken of the last column.
    taken: usize,
    notes: BTreeMap<String, BTreeMap<(usize, usize), u64>>,
    rare: BTreeMap<String, Vec<String>>,
    contractions: BTreeMap<String, BTreeSet<String>>,
}

impl AnchorsBuilder {
    /// What follows belongs to this language.
    pub fn language(&mut self, index: usize) {
        self.language = index;
        self.taken = 64;
    }

    /// A word that is found also when it is disguised, and spellings that are read as it.
    pub fn rare(&mut self, word: &str, misspelt: &[String]) {
        self.rare.entry(word.to_owned()).or_default().extend(misspelt.iter().cloned());
    }

    /// A word that may lose its apostrophe.
    pub fn contraction(&mut self, before: &str, after: &str) {
        self.contractions.entry(format!("{before}{after}")).or_default().insert(format!("{before} {after}"));
    }

    /// A phrase that can't match unless the message has one word of each element; `suicid*` is a stem.
    pub fn phrase(&mut self, elements: Vec<Vec<String>>) {
        let (Some(first), Some(last)) = (elements.first().cloned(), elements.last().cloned()) else { return };
        let rows = [first, elements.get(1).cloned().unwrap_or_else(|| last.clone()), last];
        let demand = (self.language, rows.to_vec());
        if self.demands.contains_key(&demand) {
            return;
        }
        if self.taken == 64 {
            self.columns.push(self.language as u8);
            self.taken = 0;
        }
        let bit = (self.columns.len() - 1) * 64 + self.taken;
        self.taken += 1;
        for (row, words) in rows.into_iter().enumerate() {
            for word in words {
                *self.notes.entry(word).or_default().entry((bit / 64, row)).or_default() |= 1 << (bit % 64);
            }
        }
        self.demands.insert(demand, bit);
    }

    /// Compiles. `joined` are letters that ask for a closer look wherever they stand.
    pub fn build(self, dictionary: &mut Dictionary, joined: &[String]) -> Result<Anchors, BuildError> {
        let mut patterns: Vec<String> = Vec::new();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut notes: Vec<Note> = Vec::new();
        let mut words: Vec<(WordId, (u32, u32))> = Vec::new();
        for (word, writes) in &self.notes {
            let start = notes.len() as u32;
            notes.extend(writes.iter().map(|(&(column, row), &bits)| Note { column: column as u16, row: row as u16, bits }));
            let range = (start, notes.len() as u32);
            let mut pattern = |text: String| {
                patterns.push(text);
                ranges.push(range);
            };
            if word.chars().next().is_some_and(single) {
                pattern(word.clone());
                continue;
            }
            words.push((dictionary.intern(word), range));
            match word.strip_suffix('*') {
                Some(stem) => pattern(format!(" {stem}")),
                None => pattern(format!(" {word} ")),
            }
            if let Some(misspelt) = self.rare.get(word) {
                for disguise in Dictionary::disguises(word).iter().chain(misspelt) {
                    pattern(format!(" {disguise} "));
                }
            }
            for parted in self.contractions.get(word).into_iter().flatten() {
                pattern(format!(" {parted} "));
            }
        }
        let words_end = patterns.len();
        for piece in joined {
            patterns.push(piece.clone());
            ranges.push((0, 0));
        }
        let mut by_word = vec![(0, 0); dictionary.len()];
        for (word, range) in words {
            by_word[word as usize] = range;
        }
        let (mut ascii, mut wide) = (Vec::new(), Vec::new());
        for (index, (pattern, &range)) in patterns.iter().zip(&ranges).enumerate() {
            let unspaced = pattern.chars().next().is_some_and(single);
            let anchor = Anchor { range, unspaced, joined: index >= words_end };
            if pattern.is_ascii() { &mut ascii } else { &mut wide }.push((pattern.as_str(), anchor));
        }
        Ok(Anchors { ascii: Search::build(&ascii)?, wide: Search::build(&wide)?, notes, by_word, columns: self.columns })
    }
}

/// What it means that a pattern was found.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    range: (u32, u32),
    /// It is of a script without spaces.
    unspaced: bool,
    /// It asks for a closer look by itself.
    joined: bool,
}

struct Search {
    automaton: AhoCorasick,
    anchors: Vec<Anchor>,
}

impl Search {
    fn build(patterns: &[(&str, Anchor)]) -> Result<Search, BuildError> {
        let texts = patterns.iter().map(|(text, _)| text);
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).prefilter(false).build(texts)?;
        Ok(Search { automaton, anchors: patterns.iter().map(|&(_, anchor)| anchor).collect() })
    }

    fn find<'a>(&'a self, folded: &'a str) -> impl Iterator<Item = Anchor> + 'a {
        self.automaton.find_overlapping_iter(folded).map(|found| self.anchors[found.pattern().as_usize()])
    }
}

/// The compiled search: in two parts, since letters outside ASCII would make the tables of the others
/// several times as large.
pub(crate) struct Anchors {
    ascii: Search,
    wide: Search,
    notes: Vec<Note>,
    /// For each word of the dictionary, its notes.
    by_word: Vec<(u32, u32)>,
    columns: Vec<u8>,
}

/// The rows, written as words are found; nothing at all before the first.
struct Rows<'a> {
    anchors: &'a Anchors,
    rows: Vec<[u64; 3]>,
}

impl Rows<'_> {
    #[inline]
    fn write(&mut self, (start, end): (u32, u32)) {
        if self.rows.is_empty() {
            self.rows = vec![[0; 3]; self.anchors.columns.len()];
        }
        for note in &self.anchors.notes[start as usize..end as usize] {
            self.rows[note.column as usize][note.row as usize] |= note.bits;
        }
    }

    fn awake(&self) -> u64 {
        let woken = self.rows.iter().zip(&self.anchors.columns).filter(|(rows, _)| rows[0] & rows[1] & rows[2] != 0);
        woken.fold(0, |awake, (_, &language)| awake | 1 << language)
    }
}

impl Anchors {
    /// Bytes on the heap, about.
    pub fn memory(&self) -> usize {
        let search = |search: &Search| search.automaton.memory_usage() + search.anchors.len() * size_of::<Anchor>();
        search(&self.ascii) + search(&self.wide) + self.notes.len() * size_of::<Note>() + self.by_word.len() * 8
    }

    /// Whether a folded text deserves a closer look.
    pub fn search(&self, folded: &str) -> bool {
        let mut rows = Rows { anchors: self, rows: Vec::new() };
        for anchor in self.ascii.find(folded) {
            if anchor.joined {
                return true;
            }
            rows.write(anchor.range);
        }
        if !folded.is_ascii() {
            for anchor in self.wide.find(folded) {
                if anchor.joined {
                    return true;
                }
                rows.write(anchor.range);
            }
        }
        rows.awake() != 0
    }

    /// The languages that a message wakes, one bit each.
    pub fn awake(&self, folded: &str, tokens: &[Token], dictionary: &Dictionary) -> u64 {
        let mut rows = Rows { anchors: self, rows: Vec::new() };
        for token in tokens {
            for word in dictionary.readings(token) {
                let range = self.by_word[word as usize];
                if range.0 != range.1 {
                    rows.write(range);
                }
            }
        }
        if !folded.is_ascii() {
            self.wide.find(folded).filter(|anchor| anchor.unspaced).for_each(|anchor| rows.write(anchor.range));
        }
        rows.awake()
    }
}
