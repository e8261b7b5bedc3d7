//! Which messages deserve a closer look: one search for the rarest words of all phrases.
//!
//! Words are looked up by a hash of their letters, together with all their misspellings and the halves
//! into which they may be parted; nothing is compared after that, since a chance hit costs no more than a
//! closer look in vain. Texts of scripts without spaces are looked for from every letter.
//!
//! Of every phrase, the rarest elements are chosen, at most four; unless the message has a word of each,
//! the phrase can't match. Every different element is a bit, each word that is found writes the bits of
//! its elements, and what a phrase demands beside its rarest element is asked only where that was seen.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::once;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::dictionary::{Beginnings, Dictionary, DictionaryBuilder, WordId, beginning, start};
use super::flat::{Flat, Lists, Shelves};
use super::hash::{self, FastMap};
use super::letters::single;
use super::tree::{Tree, TreeBuilder};
use super::words::Token;

/// Elements of a phrase that are asked for, at most.
pub(crate) const ASKED: usize = 4;

/// Where a word writes: the number of 64 elements, and which of them.
type Note = (u32, u64);

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
    /// Which elements a word writes.
    notes: BTreeMap<Anchor, BTreeSet<u32>>,
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
                self.notes.insert(word.clone(), BTreeSet::new());
            }
            if let Some(elements) = self.notes.get_mut(word) {
                elements.insert(bit);
            }
        }
        self.elements.insert(asked.lists, bit);
        bit
    }

    /// New numbers for the elements, by their old ones. First come those that are the rarest of a phrase; among them, and
    /// among the others, those that one word writes stand together: so it writes few columns, and few are looked at.
    fn gathered(&self) -> Vec<u32> {
        let rarest: BTreeSet<u32> = self.demands.iter().map(|(demand, _)| demand[0]).collect();
        let mut writers: Vec<Vec<(Reverse<usize>, &Anchor)>> = vec![Vec::new(); self.elements.len()];
        for (word, elements) in &self.notes {
            for &element in elements {
                writers[element as usize].push((Reverse(elements.len()), word));
            }
        }
        writers.iter_mut().for_each(|writers| writers.sort_unstable());
        let mut order: Vec<usize> = (0..writers.len()).collect();
        order.sort_by_key(|&element| (!rarest.contains(&(element as u32)), &writers[element], element));
        let mut numbers = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(&old, new)| numbers[old] = new);
        numbers
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
        let numbers = asked.gathered();
        let number = |element: u32| numbers[element as usize] + first * 64;
        let shifted = |demand: Vec<u32>| demand.into_iter().map(number).collect::<Vec<_>>();
        let before = self.hints.len() as u32;
        self.demands.extend(
            asked.demands.into_iter().map(|(demand, hints)| {
                (shifted(demand), hints.into_iter().map(|hint| hint + before).collect())
            }),
        );
        let hints = asked.hints.into_iter();
        self.hints.extend(hints.map(|phrases| phrases.into_iter().map(shifted).collect()));
        for (word, elements) in asked.notes {
            let mut notes: BTreeMap<u32, u64> = BTreeMap::new();
            for element in elements.into_iter().map(number) {
                *notes.entry(element / 64).or_default() |= 1 << (element % 64);
            }
            self.notes.entry(word).or_default().extend(notes);
        }
    }

    /// Compiles.
    pub fn build(self, dictionary: &DictionaryBuilder) -> Anchors {
        let mut spelt: Vec<(u64, u32)> = Vec::new();
        let mut stems: Vec<(String, u32)> = Vec::new();
        let mut unspaced: Vec<(Box<str>, u32)> = Vec::new();
        let mut notes: Vec<Vec<Note>> = vec![Vec::new(); dictionary.len()];
        for (word, writes) in self.notes {
            let id = match word {
                Anchor::Run(run) => {
                    unspaced.push((run, notes.len() as u32));
                    notes.push(writes);
                    continue;
                }
                Anchor::Word(id) => id,
            };
            notes[id as usize] = writes;
            let word = dictionary.name(id);
            if word.chars().next().is_some_and(single) {
                unspaced.push((word.into(), id));
                continue;
            }
            if let Some(stem) = word.strip_suffix('*') {
                stems.push((stem.to_owned(), id));
                continue;
            }
            spelt.push((hash(word), id));
            if let Some(misspelt) = self.rare.get(word) {
                let disguises = DictionaryBuilder::disguises(word);
                spelt.extend(disguises.iter().chain(misspelt).map(|spelling| (hash(spelling), id)));
            }
            spelt.extend(super::dictionary::dropped(word).map(|spelling| (hash(&spelling), id)));
            if let Some(mistyped) = self.typed.get(word) {
                let typings = DictionaryBuilder::typings(word);
                spelt.extend(typings.iter().chain(mistyped).map(|spelling| (hash(spelling), id)));
            }
            let parted = self.contractions.get(word).into_iter().flatten();
            spelt.extend(parted.map(|spelling| (hash(spelling), id)));
        }
        // Columns with a rarest element come first: only they are looked through.
        let has: BTreeSet<u32> = self.demands.iter().map(|(demand, _)| demand[0] / 64).collect();
        let mut order: Vec<u32> = (0..self.columns.len() as u32).collect();
        order.sort_by_key(|column| (!has.contains(column), *column));
        let mut moved = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(&old, new)| moved[old as usize] = new);
        let element = |old: u32| moved[(old / 64) as usize] * 64 + old % 64;
        let mut rarest = vec![0u64; has.len().next_multiple_of(EIGHT)];
        let mut demands: Vec<Vec<u32>> = vec![Vec::new(); has.len() * 64];
        for (demand, hints) in &self.demands {
            let (first, others) = (element(demand[0]) as usize, &demand[1..]);
            rarest[first / 64] |= 1 << (first % 64);
            demands[first].extend([others.len() as u32, hints.len() as u32]);
            demands[first].extend(others.iter().map(|&other| element(other)).chain(hints.iter().copied()));
        }
        let counted = |phrase: Vec<u32>| once(phrase.len() as u32).chain(phrase.into_iter().map(element));
        for (column, _) in notes.iter_mut().flatten() {
            *column = moved[*column as usize];
        }
        // A text may be a word and a row of them.
        let mut tree = TreeBuilder::default();
        let mut texts: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (text, notes) in unspaced {
            texts.entry(tree.enter(text.chars().map(u32::from))).or_default().push(notes);
        }
        let mut values = vec![0; tree.len()];
        texts.keys().zip(1..).for_each(|(&end, value)| values[end as usize] = value);
        Anchors {
            spelt: Spelt::new(spelt),
            stems: Stems::new(stems),
            unspaced: tree.build(&values),
            unspaced_notes: once(Vec::new()).chain(texts.into_values()).collect(),
            notes: notes.into_iter().collect(),
            rarest,
            demands: demands.into_iter().collect(),
            hints: self.hints.into_iter().map(|phrases| phrases.into_iter().flat_map(counted)).collect(),
            columns: order.iter().map(|&old| self.columns[old as usize]).collect(),
        }
    }
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a word, or of two with a space between them.
fn hash(words: &str) -> u64 {
    let hash = |word: &str| hash::hash(word.as_bytes());
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
#[serde(bound(deserialize = "'de: 'static"))]
struct Spelt {
    bits: Flat<u64>,
    /// A part of the hash, and the word.
    shelves: Shelves<(u32, WordId)>,
}

/// Bits of the small table: as many as the top 18 bits of a hash can say.
const BITS: u64 = 1 << 18;

impl Spelt {
    fn new(spellings: Vec<(u64, WordId)>) -> Self {
        let mut bits = vec![0u64; (BITS / 64) as usize];
        let mut shelved = Vec::new();
        for (hash, word) in spellings {
            let hash = spread(hash);
            let bit = hash >> 46;
            bits[(bit / 64) as usize] |= 1 << (bit % 64);
            shelved.push((hash, (hash as u32, word)));
        }
        Spelt { bits: bits.into_iter().collect(), shelves: Shelves::new(shelved) }
    }

    #[inline(always)]
    fn get(&self, hash: u64, mut show: impl FnMut(WordId)) {
        let hash = spread(hash);
        let bit = hash >> 46;
        if self.bits.at((bit / 64) as usize) >> (bit % 64) & 1 == 0 {
            return;
        }
        for (part, word) in self.shelves.of(hash) {
            if part == hash as u32 {
                show(word);
            }
        }
    }
}

/// Beginnings of words, by their first three bytes.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct Stems {
    bits: Flat<u64>,
    /// By how they begin, where they stand in the next two.
    shelves: Shelves<(u32, u32)>,
    texts: Lists<u8>,
    ids: Flat<WordId>,
}

impl Stems {
    fn new(all: Vec<(String, WordId)>) -> Self {
        let mut bits = vec![0u64; 1 << 9];
        let mut shelved = Beginnings::new();
        for (number, (stem, _)) in all.iter().enumerate() {
            shelved.add(stem.as_bytes(), number as u32);
            if let Some(start) = start(stem.as_bytes()) {
                let bit = Stems::bit(start);
                bits[bit / 64] |= 1 << (bit % 64);
            }
        }
        Stems {
            bits: bits.into_iter().collect(),
            shelves: shelved.shelved(),
            texts: all.iter().map(|(stem, _)| stem.bytes()).collect(),
            ids: all.iter().map(|&(_, id)| id).collect(),
        }
    }

    #[inline(always)]
    fn bit(start: u32) -> usize {
        let [a, b, c, _] = start.to_le_bytes();
        (usize::from(a & 31) << 10 | usize::from(b & 31) << 5 | usize::from(c & 31)) & 0x7fff
    }

    #[inline(always)]
    fn get(&self, word: &[u8], mut show: impl FnMut(WordId)) {
        let Some(start) = start(word) else { return };
        let bit = Stems::bit(start);
        if self.bits.at(bit / 64) >> (bit % 64) & 1 == 1 {
            for number in beginning(&self.shelves, start) {
                if word.starts_with(self.texts.bytes(number as usize)) {
                    show(self.ids.at(number as usize));
                }
            }
        }
    }
}

/// The compiled search.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Anchors {
    spelt: Spelt,
    stems: Stems,
    /// Texts of scripts without spaces, letter by letter; the value is a number in the next, 0 where no text ends.
    unspaced: Tree,
    /// Whose notes each of these texts writes.
    unspaced_notes: Lists<u32>,
    /// What each word of the dictionary writes, by its id; then what texts write that are no words.
    notes: Lists<Note>,
    /// The elements that are the rarest of some phrase, which stand in the first columns: those, and as many more as can be
    /// looked at [`EIGHT`] by [`EIGHT`].
    rarest: Vec<u64>,
    /// For each element in these columns, what the phrases of which it is the rarest, or hints that stand together, can't do without beside it: how many elements,
    /// how many hints of which some phrase has to have all its elements, those elements, those hints; the same for the
    /// next, and so on.
    demands: Lists<u32>,
    /// For each hint, its phrases: how many elements, and those; the same for the next, and so on.
    hints: Lists<u32>,
    /// For each 64 elements, their language.
    columns: Flat<u8>,
}

thread_local! {
    /// The columns of the last message that this thread looked at, emptied: most messages need some, and new ones cost more
    /// than the look.
    static EMPTIED: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
}

/// The elements that a message has; no columns at all before the first.
struct Seen<'a> {
    anchors: &'a Anchors,
    columns: Vec<u64>,
    /// The word that wrote last: a word that is repeated says nothing new.
    last: WordId,
}

impl<'a> Seen<'a> {
    fn new(anchors: &'a Anchors) -> Self {
        Seen { anchors, columns: Vec::new(), last: WordId::MAX }
    }

    #[inline]
    fn write(&mut self, word: WordId) {
        if self.columns.is_empty() {
            self.columns = EMPTIED.take();
            // Lists that a server changed have other columns.
            self.columns.resize(self.anchors.columns.len().max(self.anchors.rarest.len()), 0);
        }
        if word != self.last {
            self.last = word;
            let columns = self.columns.as_mut_slice();
            self.anchors.notes.of(word as usize).for_each(|(column, bits)| columns[column as usize] |= bits);
        }
    }

    fn has(&self, element: u32) -> bool {
        self.columns[(element / 64) as usize] >> (element % 64) & 1 == 1
    }

    /// Whether some phrase, or hints that stand together, of which this element is the rarest, have all that they
    /// demand.
    fn met(&self, rarest: u32) -> bool {
        let demands = &self.anchors.demands;
        let all = demands.range(rarest as usize);
        let mut at = all.start;
        while at < all.end {
            let mut others = at + 2..at + 2 + demands.row(at) as usize;
            let mut hints = others.end..others.end + demands.row(at + 1) as usize;
            at = hints.end;
            if others.all(|row| self.has(demands.row(row))) && hints.all(|row| self.hinted(demands.row(row)))
            {
                return true;
            }
        }
        false
    }

    /// Whether some phrase of a hint has all its elements.
    fn hinted(&self, hint: u32) -> bool {
        let hints = &self.anchors.hints;
        let all = hints.range(hint as usize);
        let mut at = all.start;
        while at < all.end {
            let mut elements = at + 1..at + 1 + hints.row(at) as usize;
            at = elements.end;
            if elements.all(|row| self.has(hints.row(row))) {
                return true;
            }
        }
        false
    }

    /// The languages of which some phrase has all that it demands, one bit each; with `any`, the first that is found.
    fn awake(&self, any: bool) -> u64 {
        let mut awake = 0;
        let (seen, asked) = (self.columns.as_chunks::<EIGHT>().0, self.anchors.rarest.as_chunks::<EIGHT>().0);
        let some = (0..).step_by(EIGHT).zip(seen.iter().zip(asked));
        let some =
            some.filter(|(_, (seen, asked))| (0..EIGHT).fold(0, |all, at| all | seen[at] & asked[at]) != 0);
        for column in some.flat_map(|(first, _)| first..first + EIGHT) {
            let mut rarest = self.columns[column] & self.anchors.rarest[column];
            if rarest == 0 {
                continue;
            }
            let language = self.anchors.columns.at(column);
            while rarest != 0 && awake >> language & 1 == 0 {
                if self.met(column as u32 * 64 + rarest.trailing_zeros()) {
                    awake |= 1 << language;
                    if any {
                        return awake;
                    }
                }
                rarest &= rarest - 1;
            }
        }
        awake
    }
}

/// So many columns are looked at together, most of which have nothing.
const EIGHT: usize = 8;

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        if !self.columns.is_empty() {
            let mut columns = std::mem::take(&mut self.columns);
            columns.fill(0);
            EMPTIED.set(columns);
        }
    }
}

impl Anchors {
    /// Bytes that it takes, wherever it lies, about.
    pub fn memory(&self) -> usize {
        let spelt = self.spelt.bits.memory() + self.spelt.shelves.memory();
        let stems = self.stems.bits.memory() + self.stems.shelves.memory() + self.stems.texts.memory();
        let elements =
            self.notes.memory() + self.rarest.len() * 8 + self.demands.memory() + self.hints.memory();
        spelt + stems + elements + self.unspaced.memory() + self.unspaced_notes.memory()
    }

    /// Whether a folded text deserves a closer look.
    pub fn search(&self, folded: &str, dictionary: &Dictionary) -> bool {
        let bytes = folded.as_bytes();
        let mut seen = Seen::new(self);
        let (mut before, mut start) = (SEED, 0);
        while start < bytes.len() {
            let (end, hash) = hash::word(bytes, start);
            let word = &bytes[start..end];
            self.spelt.get(hash, |word| seen.write(word));
            self.spelt.get(pair(before, hash), |word| seen.write(word));
            self.stems.get(word, |word| seen.write(word));
            if word.len() >= SHORTEST_JOINED && dictionary.is_joined(word) {
                return true;
            }
            (before, start) = (hash, end + 1);
        }
        self.write_unspaced(folded, &mut seen);
        seen.awake(true) != 0
    }

    /// The languages that a message wakes, one bit each.
    pub fn awake(&self, folded: &str, tokens: &[Token], dictionary: &Dictionary) -> u64 {
        let mut seen = Seen::new(self);
        for token in tokens {
            for word in dictionary.readings(token) {
                if !self.notes.range(word as usize).is_empty() {
                    seen.write(word);
                }
            }
        }
        self.write_unspaced(folded, &mut seen);
        seen.awake(false)
    }

    fn write_unspaced(&self, folded: &str, seen: &mut Seen<'_>) {
        if folded.is_ascii() {
            return;
        }
        for (at, _) in folded.char_indices().filter(|(_, letter)| !letter.is_ascii()) {
            let mut node = 0;
            for letter in folded[at..].chars() {
                let Some(next) = self.unspaced.child(node, letter.into()) else { break };
                node = next;
                self.unspaced_notes.of(self.unspaced.value(node) as usize).for_each(|word| seen.write(word));
            }
        }
    }
}

/// No shorter word is made of several.
const SHORTEST_JOINED: usize = 6;
