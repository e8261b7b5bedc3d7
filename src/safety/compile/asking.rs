//! What the search asks a message for, before a phrase is looked for in it: its rarest words.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::once;
use std::rc::Rc;

use super::super::anchor::{ASKED, Anchor, Asked, AskedOf, Rarest};
use super::super::chart::ChartBuilder;
use super::super::dictionary::{NUMBER, UNKNOWN, WordId};
use super::super::letters::single;
use super::{Words, Writer};

/// What the words of an element may come to before it is too common to ask for: one word of the tenth rank.
const COMMON: usize = 12_000;

/// Begins the name of an element that no list of the chart is.
const ALONE: usize = usize::MAX / 2;

/// A list in the chart: its number, its rarest words, and its entries.
#[derive(Clone)]
pub(super) struct InChart {
    pub number: usize,
    /// What its rarest words come to.
    price: usize,
    pub rarest: Rc<Rarest>,
    entries: Rc<[Words]>,
}

/// What the rarest words of an element come to.
fn price(lists: &[InChart]) -> usize {
    lists.iter().map(|list| list.price).sum()
}

impl Writer<'_> {
    /// Puts a list into the chart.
    pub(super) fn listed(&self, entries: Rc<[Words]>, builder: &mut ChartBuilder) -> InChart {
        let any_number = entries.iter().flatten().any(|&word| word == NUMBER);
        let rarest: Rarest = (!any_number).then(|| {
            let mut rarest: Vec<_> = entries.iter().map(|entry| self.rarest(entry)).collect();
            rarest.sort_unstable();
            rarest.dedup();
            rarest
        });
        let price = rarest.iter().flatten().map(|(price, _)| price).sum();
        InChart { number: builder.list(&entries), price, rarest: Rc::new(rarest), entries }
    }

    /// The mandatory elements of a phrase, the rarest first.
    pub(super) fn sorted(mandatory: Vec<Vec<InChart>>) -> Vec<Vec<InChart>> {
        let mut elements = mandatory;
        elements
            .sort_by_key(|lists| (price(lists), lists.iter().map(|list| list.number).collect::<Vec<_>>()));
        elements.dedup_by(|a, b| a.iter().map(|list| list.number).eq(b.iter().map(|list| list.number)));
        elements
    }

    /// The rarest elements of a phrase, at most four: for each, words one of which every match contains.
    pub(super) fn anchors(mandatory: Vec<Vec<InChart>>) -> Vec<Asked> {
        // Beside two, words that are in every other message cost more than they spare.
        let worth = |(index, lists): &(usize, Vec<InChart>)| *index < 2 || price(lists) < COMMON;
        let asked = Self::sorted(mandatory).into_iter().enumerate().filter(worth).take(ASKED);
        asked
            .map(|(_, lists)| Asked {
                lists: lists.iter().map(|list| list.number).collect(),
                words: lists.into_iter().map(|list| list.rarest).collect(),
            })
            .collect()
    }

    /// Asks for what a phrase can't do without, its mandatory elements: their rarest words, or, where it is one list and
    /// nothing else, the two rarest of an entry.
    pub(super) fn ask(&self, mandatory: Vec<Vec<InChart>>, asked: &mut AskedOf) {
        if let [only] = mandatory.as_slice()
            && let [list] = only.as_slice()
            && let Some(pairs) = self.pairs(list)
        {
            pairs.into_iter().for_each(|pair| asked.phrase(pair));
        } else {
            asked.phrase(Self::anchors(mandatory));
        }
    }

    /// For each word that is the rarest of an entry: that word, and one of the second rarest of those entries, unless one of
    /// them has no other word. None for scripts without spaces, where an entry is asked for as a whole.
    fn pairs(&self, list: &InChart) -> Option<Vec<Vec<Asked>>> {
        let mut seconds: BTreeMap<WordId, Vec<Option<(usize, Anchor)>>> = BTreeMap::new();
        for entry in list.entries.iter() {
            let (_, Anchor::Word(first)) = self.rarest(entry) else { return None };
            let others: Words = entry.iter().copied().filter(|&word| word != first).collect();
            let second = (!others.is_empty()).then(|| self.rarest(&others));
            let second = second.filter(|(_, word)| matches!(word, Anchor::Word(_)));
            seconds.entry(first).or_default().push(second);
        }
        let pair = |(first, seconds): (WordId, Vec<Option<(usize, Anchor)>>)| {
            let seconds: Option<BTreeSet<_>> = seconds.into_iter().collect();
            let second = seconds.map(|seconds| Asked {
                lists: vec![ALONE, list.number, first as usize],
                words: vec![Rc::new(Some(seconds.into_iter().collect()))],
            });
            once(Self::word(first)).chain(second).collect()
        };
        Some(seconds.into_iter().map(pair).collect())
    }

    /// Asks for one word.
    pub(super) fn word(word: WordId) -> Asked {
        let words = vec![Rc::new(Some(vec![(0, Anchor::Word(word))]))];
        Asked { lists: vec![ALONE, word as usize], words }
    }

    /// The rarest word of an entry, and about how common it is.
    fn rarest(&self, entry: &Words) -> (usize, Anchor) {
        let unspaced = |word: &str| word.chars().next().is_some_and(single);
        if entry.iter().all(|&word| unspaced(self.dictionary.name(word))) {
            let run = entry.iter().map(|&word| self.dictionary.name(word)).collect::<String>();
            return (60 / (entry.len() * entry.len()), Anchor::Run(run.into()));
        }
        let price = |word: WordId| match self.ranks.get(&word) {
            // Zipf's law: the word of rank r is about 1 / r as common as the first.
            Some(&rank) => 60_000 / (rank + 10),
            None => 5,
        };
        let words = entry.iter().map(|&word| {
            let name = self.dictionary.name(word);
            (price(word), usize::MAX - name.len(), name, word)
        });
        words.min().map_or((0, Anchor::Word(UNKNOWN)), |(price, _, _, word)| (price, Anchor::Word(word)))
    }
}
