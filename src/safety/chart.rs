//! All phrases of a language matched side by side, one word of the message after another.
//!
//! Every element of every phrase (a list of words, a gap) is one bit. For each place between two words,
//! the chart keeps the bits of the elements that were just read there; reading on is a shift and an "and"
//! (Shift-And, after Baeza-Yates and Gonnet 1992, with optional elements as in Navarro and Raffinot 2002).
//! An element may read several words at once: the entries of all lists are in one tree, and an entry that
//! begins at one place writes its bits where it ends. So the time is linear in the message whatever it
//! says: each word costs at most a fixed number of steps.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::dictionary::{Dictionary, WordId, bit};
use super::flat::{Flat, Lists};
use super::hash::FastMap;
use super::tree::{Tree, TreeBuilder};
use super::words::Token;

/// Longest entry of a list, in words.
pub(crate) const LONGEST_ENTRY: usize = 24;
/// Places kept at a time: one more than the longest step, fillers included.
const KEPT: usize = 32;
/// The mask of places where no list ends.
const NONE: u32 = 0;

/// One element of a phrase, ready to be compiled.
#[derive(Debug, Clone)]
pub(crate) enum Element {
    /// One entry of these lists, by their numbers; may be missing if `maybe`.
    Entries { lists: Vec<usize>, maybe: bool },
    /// Up to so many words of any kind.
    Gap(usize),
}

/// A phrase found in a message, by the index that it was added with, ending before the token `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub phrase: u32,
    pub end: u32,
}

/// Collects phrases.
#[derive(Default)]
pub(crate) struct ChartBuilder {
    tree: TreeBuilder,
    /// Where each list's entries end in the tree.
    lists: Vec<Vec<u32>>,
    bits: Vec<Bit>,
    /// For each phrase: first and last bit.
    phrases: Vec<(usize, usize)>,
    uses: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, Default)]
struct Bit {
    first: bool,
    last: bool,
    maybe: bool,
    any: bool,
}

impl ChartBuilder {
    pub fn new() -> Self {
        ChartBuilder::default()
    }

    /// Adds a list of entries and answers its number.
    pub fn list(&mut self, entries: &[Vec<WordId>]) -> usize {
        let mut ends: Vec<u32> = entries.iter().map(|entry| self.tree.enter(entry.iter().copied())).collect();
        ends.sort_unstable();
        ends.dedup();
        self.lists.push(ends);
        self.lists.len() - 1
    }

    /// Adds a phrase; answers false if it has more than 64 elements, or there is no room left.
    pub fn phrase(&mut self, elements: &[Element]) -> bool {
        let length: usize = elements.iter().map(|e| if let Element::Gap(n) = e { *n } else { 1 }).sum();
        if length == 0 || length > 64 || self.bits.len() + 2 * length > LIVE * 64 * 64 {
            return false;
        }
        // A phrase lies within one 64-bit word.
        if self.bits.len() / 64 != (self.bits.len() + length - 1) / 64 {
            self.bits.resize(self.bits.len().next_multiple_of(64), Bit::default());
        }
        let first = self.bits.len();
        for element in elements {
            match element {
                Element::Gap(n) => {
                    self.bits
                        .extend(std::iter::repeat_n(Bit { maybe: true, any: true, ..Bit::default() }, *n));
                }
                Element::Entries { lists, maybe } => {
                    self.uses.extend(lists.iter().map(|&list| (list, self.bits.len())));
                    self.bits.push(Bit { maybe: *maybe, ..Bit::default() });
                }
            }
        }
        let last = self.bits.len() - 1;
        self.bits[first].first = true;
        self.bits[last].last = true;
        self.phrases.push((first, last));
        true
    }

    /// Compiles. `fillers` may stand between any two elements, or inside an entry.
    pub fn build(self, fillers: &[WordId], dictionary: usize) -> Chart {
        let width = self.bits.len().div_ceil(64).max(1);
        let field = |is: fn(&Bit) -> bool| {
            let mut words = vec![0u64; width];
            for (i, _) in self.bits.iter().enumerate().filter(|(_, b)| is(b)) {
                words[i / 64] |= 1 << (i % 64);
            }
            words
        };
        // Which lists end in each place of the tree, and which bits each list writes.
        let mut ends: Vec<Vec<u32>> = vec![Vec::new(); self.tree.len()];
        for (list, nodes) in self.lists.iter().enumerate() {
            nodes.iter().for_each(|&node| ends[node as usize].push(list as u32));
        }
        let mut bits: Vec<Vec<usize>> = vec![Vec::new(); self.lists.len()];
        for &(list, bit) in &self.uses {
            bits[list].push(bit);
        }
        // Many places end the same lists: they share a mask.
        let mut known: FastMap<&[u32], u32> = FastMap::default();
        let mut masks: Vec<BTreeMap<u32, u64>> = vec![BTreeMap::new()];
        let mut mask_of = vec![NONE; self.tree.len()];
        for (node, lists) in ends.iter().enumerate().filter(|(_, lists)| !lists.is_empty()) {
            mask_of[node] = *known.entry(lists.as_slice()).or_insert_with(|| {
                let mut mask: BTreeMap<u32, u64> = BTreeMap::new();
                for &bit in lists.iter().flat_map(|&list| &bits[list as usize]) {
                    *mask.entry((bit / 64) as u32).or_default() |= 1 << (bit % 64);
                }
                masks.push(mask);
                masks.len() as u32 - 1
            });
        }
        let tree = self.tree.build(&mask_of);
        let mut filler = vec![false; dictionary];
        fillers.iter().for_each(|&word| filler[word as usize] = true);
        let mut phrase_of = vec![0; width * 64];
        for (phrase, &(_, last)) in self.phrases.iter().enumerate() {
            phrase_of[last] = phrase as u32;
        }
        Chart {
            width,
            first: field(|b| b.first),
            last: field(|b| b.last),
            maybe: field(|b| b.maybe),
            any: field(|b| b.any),
            tree,
            masks: masks.into_iter().collect(),
            filler: super::dictionary::bits(filler.into_iter()),
            phrase_of: phrase_of.into_iter().collect(),
            phrases: self.phrases.iter().map(|&(first, last)| (first as u32, last as u32)).collect(),
        }
    }
}

/// The compiled phrases of a language.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Chart {
    /// 64-bit words in a row of bits.
    width: usize,
    first: Vec<u64>,
    last: Vec<u64>,
    maybe: Vec<u64>,
    any: Vec<u64>,
    tree: Tree,
    /// The parts of each mask: which 64-bit words of a row, and which bits of them.
    masks: Lists<(u32, u64)>,
    /// One bit for each word of the dictionary.
    filler: Flat<u64>,
    /// For each element that is the last of a phrase, the phrase.
    phrase_of: Flat<u32>,
    /// For each phrase: first and last bit.
    phrases: Flat<(u32, u32)>,
}

/// An entry read from one place to another.
#[derive(Clone, Copy)]
struct Edge {
    end: u32,
    mask: u32,
}

/// The bits at the places that are still of interest, as a ring; most of them are zero, so each row knows
/// which of its words aren't.
struct Rows {
    width: usize,
    bits: Vec<u64>,
    live: [[u64; LIVE]; KEPT],
}

/// Words of 64 bits that say which words of a row aren't zero: room for 16,384 elements.
const LIVE: usize = 4;

impl Rows {
    /// For a message of so many words.
    fn new(width: usize, words: usize) -> Self {
        Rows { width, bits: vec![0; width * KEPT.min(words + 1)], live: [[0; LIVE]; KEPT] }
    }

    #[inline(always)]
    fn get(&self, at: usize, i: usize) -> u64 {
        self.bits[at % KEPT * self.width + i]
    }

    #[inline(always)]
    fn write(&mut self, at: usize, i: usize, bits: u64) {
        if bits != 0 {
            self.bits[at % KEPT * self.width + i] |= bits;
            self.live[at % KEPT][i / 64] |= 1 << (i % 64);
        }
    }

    /// Shows every word of a row that isn't zero.
    #[inline(always)]
    fn each(&self, at: usize, mut show: impl FnMut(usize, u64)) {
        for (j, &live) in self.live[at % KEPT].iter().enumerate() {
            let mut live = live;
            while live != 0 {
                let i = j * 64 + live.trailing_zeros() as usize;
                show(i, self.get(at, i));
                live &= live - 1;
            }
        }
    }

    /// Writes to the next row what becomes of the words of this one.
    #[inline(always)]
    fn pass(&mut self, at: usize, becomes: impl Fn(usize, u64) -> u64) {
        for j in 0..LIVE {
            let mut live = self.live[at % KEPT][j];
            while live != 0 {
                let i = j * 64 + live.trailing_zeros() as usize;
                self.write(at + 1, i, becomes(i, self.get(at, i)));
                live &= live - 1;
            }
        }
    }

    fn clear(&mut self, at: usize) {
        for j in 0..LIVE {
            let mut live = std::mem::take(&mut self.live[at % KEPT][j]);
            while live != 0 {
                self.bits[at % KEPT * self.width + j * 64 + live.trailing_zeros() as usize] = 0;
                live &= live - 1;
            }
        }
    }
}

/// What was read of one message; kept so that the beginnings of phrases can be found afterwards.
pub(crate) struct Reading<'a> {
    chart: &'a Chart,
    /// The message.
    pub tokens: &'a [Token],
    edges: Vec<Edge>,
    /// For each token, where its edges begin.
    starts: Vec<u32>,
    /// Phrases found, in the order in which they end.
    pub found: Vec<Found>,
}

impl Chart {
    /// Bytes that it takes, wherever it lies, about.
    pub fn memory(&self) -> usize {
        let phrases = self.masks.memory() + self.phrase_of.memory() + self.phrases.memory();
        self.first.len() * 4 * 8 + self.tree.memory() + self.filler.memory() + phrases
    }

    /// The bits of one 64-bit word of a mask, whose parts stand in the order of their words.
    fn mask(&self, mask: u32, index: usize) -> u64 {
        let mut parts = self.masks.range(mask as usize);
        while !parts.is_empty() {
            let middle = parts.start + parts.len() / 2;
            let (i, bits) = self.masks.row(middle);
            match (i as usize).cmp(&index) {
                Ordering::Equal => return bits,
                Ordering::Less => parts.start = middle + 1,
                Ordering::Greater => parts.end = middle,
            }
        }
        0
    }

    fn is_filler(&self, token: &Token) -> bool {
        bit(&self.filler, token.word)
    }

    /// Reads a message.
    pub fn read<'a>(&'a self, tokens: &'a [Token], dictionary: &Dictionary) -> Reading<'a> {
        let mut reading = Reading {
            chart: self,
            tokens,
            edges: Vec::new(),
            starts: Vec::with_capacity(tokens.len() + 1),
            found: Vec::new(),
        };
        let mut rows = Rows::new(self.width, tokens.len());
        let mut walk: Vec<(u32, usize)> = Vec::new();
        for at in 0..=tokens.len() {
            reading.starts.push(reading.edges.len() as u32);
            rows.each(at, |i, bits| {
                let mut done = bits & self.last[i];
                while done != 0 {
                    let bit = i * 64 + done.trailing_zeros() as usize;
                    reading.found.push(Found { phrase: self.phrase_of.at(bit), end: at as u32 });
                    done &= done - 1;
                }
            });
            let Some(token) = tokens.get(at) else { break };
            if token.stop {
                rows.clear(at);
            }
            self.entries_from(tokens, at, dictionary, &mut walk, &mut reading.edges);
            for edge in &reading.edges[reading.starts[at] as usize..] {
                for (i, mask) in self.masks.of(edge.mask as usize) {
                    let i = i as usize;
                    rows.write(edge.end as usize, i, self.open(i, rows.get(at, i)) & mask);
                }
            }
            let filler = self.is_filler(token);
            rows.pass(at, |i, bits| {
                self.open(i, bits) & self.any[i] | if filler { bits & !self.last[i] } else { 0 }
            });
            rows.clear(at);
        }
        reading
    }

    /// The elements of one word of a row that may be read next: those after the elements just read, the
    /// first of every phrase, and whatever follows an element that may be missing.
    #[inline(always)]
    fn open(&self, i: usize, bits: u64) -> u64 {
        let open = bits << 1 | self.first[i];
        open | (open & self.maybe[i]).wrapping_add(self.maybe[i]) ^ self.maybe[i]
    }

    /// Every entry of every list that begins at a token.
    fn entries_from(
        &self,
        tokens: &[Token],
        at: usize,
        dictionary: &Dictionary,
        walk: &mut Vec<(u32, usize)>,
        edges: &mut Vec<Edge>,
    ) {
        walk.clear();
        walk.push((0, at));
        let from = edges.len();
        while let Some((node, place)) = walk.pop() {
            let mask = self.tree.value(node);
            if node != 0 && mask != NONE {
                let edge = Edge { end: place as u32, mask };
                if !edges[from..].iter().any(|e| e.end == edge.end && e.mask == edge.mask) {
                    edges.push(edge);
                }
            }
            let Some(token) = tokens.get(place) else { continue };
            if place > at && (token.stop || place - at >= LONGEST_ENTRY) || walk.len() > 64 {
                continue;
            }
            for word in dictionary.readings(token) {
                if let Some(child) = self.tree.child(node, word) {
                    walk.push((child, place + 1));
                }
            }
            if node != 0 && place - at < LONGEST_ENTRY / 2 && self.is_filler(token) {
                walk.push((node, place + 1));
            }
        }
    }
}

impl Reading<'_> {
    /// The token with which a phrase begins that was found: the last that will do.
    pub fn start(&self, found: Found) -> u32 {
        let (first, last) = self.chart.phrases.at(found.phrase as usize);
        let index = first as usize / 64;
        let bits = (u64::MAX >> (63 - (last - first))) << (first % 64);
        let (first, last) = (1u64 << (first % 64), 1u64 << (last % 64));
        let (maybe, any) = (self.chart.maybe[index], self.chart.any[index]);
        let end = found.end as usize;
        // wanted[i]: elements after which the rest of the phrase reads from `end - i` to `end`.
        let mut wanted = [0u64; 129];
        wanted[0] = last;
        for back in 1..wanted.len().min(end + 1) {
            let at = end - back;
            let mut read = wanted[back - 1] & any;
            let edges = self.starts[at] as usize..self.starts[at + 1] as usize;
            for edge in &self.edges[edges] {
                if edge.end as usize <= end {
                    read |= wanted[end - edge.end as usize] & self.chart.mask(edge.mask, index);
                }
            }
            read &= bits;
            if read & first != 0 {
                return at as u32;
            }
            if self.tokens[at].stop {
                break;
            }
            let mut before = read >> 1;
            loop {
                let more = before | (before & maybe) >> 1;
                if more == before {
                    break;
                }
                before = more;
            }
            let kept = if self.chart.is_filler(&self.tokens[at]) { wanted[back - 1] & !last } else { 0 };
            wanted[back] = (before | kept) & bits;
        }
        found.end.saturating_sub(1)
    }
}
