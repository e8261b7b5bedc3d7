//! What was learned from lessons: sentences of which a person said whether they deserve a crisis reply.
//!
//! A phrase list knows wordings; people find others. What no list has, this weighs: every word, pair and triple of
//! words that stood in a lesson has a weight, for or against, and a message that comes out heavy enough is a concern,
//! never more. The weights are those of a linear support vector machine, learned by `lesson` when the program is
//! built, from nothing but the sentences in `lessons/`. `lantern scan --explain` shows the words that told.
//!
//! It only ever raises: what a phrase list recognised stays as it is.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::flat::Flat;
use super::grams::{self, Gram};
use super::{Level, RuleId, Who};

/// Weights of grams, for one question with two answers.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Weights {
    /// A power of two of places. The high half of a place says which gram, the low half its weight.
    places: Flat<u32>,
    /// Bits that say of nearly every gram that is in no place that it isn't.
    known: Flat<u64>,
    /// What one unit of a weight is worth.
    unit: f32,
    /// Added at the end.
    bias: f32,
}

/// What the sum over so many words is divided by: the number of their grams, about, to the power of two thirds. A mean
/// would let one word tell as much in a long message as in a short one, a sum would let chatter add up; between the two,
/// forum posts and one-liners come out alike. A few words say little, so there are never fewer than ten or so.
pub(crate) fn scale(words: u32) -> f32 {
    (words as f32 * 3.3).max(32.0).powf(0.65)
}

/// Nothing learned: no to everything.
impl Default for Weights {
    fn default() -> Self {
        Weights::new(&[], -1.0)
    }
}

/// Grams that are read together: this many words, and as many of those before them.
const STRETCH: u32 = 32;

/// What the words of a message came to.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    weight: i32,
    words: u32,
}

impl Weights {
    /// A table of grams and their weights, of which there may be none of zero.
    pub fn new(weights: &[(Gram, f32)], bias: f32) -> Weights {
        let most = weights.iter().fold(0.0_f32, |most, (_, weight)| most.max(weight.abs()));
        let unit = most.max(f32::MIN_POSITIVE) / f32::from(i16::MAX);
        let mut places = vec![0; (weights.len() * 5 / 4).next_power_of_two().max(2)];
        let mask = places.len() - 1;
        let mut known = vec![0; (places.len() / 16).max(1)];
        for &(gram, weight) in weights {
            let weight = (weight / unit).round() as i16;
            if weight == 0 {
                continue;
            }
            let mut at = gram as usize & mask;
            while places[at] != 0 {
                at = (at + 1) & mask;
            }
            places[at] = gram & 0xffff_0000 | u32::from(weight as u16);
            let (word, bit) = Weights::bit(gram, known.len());
            known[word] |= bit;
        }
        Weights { places: places.into_iter().collect(), known: known.into_iter().collect(), unit, bias }
    }

    /// Bytes that the table takes.
    pub fn memory(&self) -> usize {
        self.places.memory() + self.known.memory()
    }

    /// Which bit of so many words says that a gram is known.
    #[inline(always)]
    fn bit(gram: Gram, words: usize) -> (usize, u64) {
        let bit = gram.wrapping_mul(0x9e37_79b1).rotate_left(16);
        ((bit >> 6) as usize & (words - 1), 1 << (bit & 63))
    }

    /// The weight of a gram, in units; 0 where no lesson had it.
    #[inline(always)]
    fn weight(&self, gram: Gram) -> i32 {
        let (word, bit) = Weights::bit(gram, self.known.len());
        if self.known.at(word) & bit == 0 {
            return 0;
        }
        let mask = self.places.len() - 1;
        let mut at = gram as usize & mask;
        loop {
            let place = self.places.at(at);
            if place == 0 {
                return 0;
            }
            if (place ^ gram) & 0xffff_0000 == 0 {
                return i32::from(place as u16 as i16);
            }
            at = (at + 1) & mask;
        }
    }

    /// What a folded text comes to: above zero is rather yes. Of a long one the stretch that comes to most.
    pub fn weigh(&self, text: &str) -> f32 {
        let mut state = (Sum::default(), Sum::default(), f32::MIN);
        grams::visit(
            &mut state,
            text,
            |(_, now, _), gram, _, _| {
                let weight = self.weight(gram);
                now.weight += weight;
                weight != 0
            },
            |(before, now, most)| {
                now.words += 1;
                if now.words == STRETCH {
                    if before.words > 0 {
                        *most = most.max(self.value(*before, *now));
                    }
                    *before = std::mem::take(now);
                }
            },
        );
        let (before, now, most) = state;
        // The last words alone say too little beside those before them; where nothing came before, they are all.
        most.max(self.value(before, now))
    }

    fn value(&self, before: Sum, now: Sum) -> f32 {
        (before.weight + now.weight) as f32 * self.unit / scale(before.words + now.words) + self.bias
    }

    /// The words of a text that tell most, the heaviest first: where they stand, and for or against.
    fn tell(&self, text: &str) -> Vec<(Range<usize>, f32)> {
        let mut told: Vec<(Range<usize>, i32)> = Vec::new();
        grams::visit(
            &mut told,
            text,
            |told, gram, _, at| {
                told.push((at, self.weight(gram)));
                true
            },
            |_| (),
        );
        told.retain(|(_, weight)| *weight != 0);
        told.sort_by_key(|(at, weight)| (-weight.abs(), at.start));
        told.into_iter().map(|(at, weight)| (at, weight as f32 * self.unit)).collect()
    }
}

/// All that was learned.
#[derive(Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Learned {
    /// Whether a message deserves a crisis reply.
    pub crisis: Weights,
    /// Whether such a message is about somebody else.
    pub other: Weights,
    /// For each language, the rule that answers in it, and the commonest words of its lessons.
    pub languages: Vec<(RuleId, Vec<Gram>)>,
}

/// A message that was found heavy enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub rule: RuleId,
    pub who: Who,
    /// A concern, or a mention where there is too little for that.
    pub level: Level,
}

/// How heavy a message has to be for a mention: in a conversation, a line with a number below the answer.
const MENTION: f32 = -0.2;
/// How heavy it has to be for a concern. Chosen on everyday chat that no lesson was taken from, so that lists and lessons
/// together answer fewer than 15 of 10,000 lines of it: `tests/safety/README.md` has the figures.
const CONCERN: f32 = 0.04;
/// The same in English, of which there was more of that chat, and of more kinds.
const CONCERN_ENGLISH: f32 = 0.11;
/// What is asked for beside where a phrase list found a sign, and knows why it is harmless.
const DEFUSED: f32 = 1.6;

impl Learned {
    /// What a folded text deserves. `defused` says whether a phrase list found a sign in it, and knows why that is harmless.
    #[inline]
    pub fn hear(&self, text: &str, defused: bool) -> Option<Heard> {
        let weight = self.crisis.weigh(text) - if defused { DEFUSED } else { 0.0 };
        if weight < MENTION { None } else { Some(self.heard(text, weight)) }
    }

    #[cold]
    fn heard(&self, text: &str, weight: f32) -> Heard {
        let who = if self.other.weigh(text) > 0.0 { Who::Other } else { Who::Oneself };
        let rule = self.language(text);
        let enough = if rule.language() == "en" { CONCERN_ENGLISH } else { CONCERN };
        Heard { rule, who, level: if weight < enough { Level::Mention } else { Level::Concern } }
    }

    /// The rule of the language that knows most of the words; of equals the first.
    fn language(&self, text: &str) -> RuleId {
        let mut all = Vec::new();
        let word = |all: &mut Vec<Gram>, gram, words, _: Range<usize>| {
            if words == 1 {
                all.push(gram);
            }
            false
        };
        grams::visit(&mut all, text, word, |_| ());
        let known = |words: &Vec<Gram>| all.iter().filter(|gram| words.binary_search(gram).is_ok()).count();
        let best = self.languages.iter().rev().max_by_key(|(_, words)| known(words));
        best.map_or_else(|| RuleId::new("en/learned"), |(rule, _)| rule.clone())
    }

    /// What the words of a folded text come to; above zero is rather yes.
    pub fn weigh(&self, text: &str) -> f32 {
        self.crisis.weigh(text)
    }

    /// Bytes that it takes, about.
    pub fn memory(&self) -> usize {
        let words: usize = self.languages.iter().map(|(_, words)| words.len() * size_of::<Gram>()).sum();
        self.crisis.memory() + self.other.memory() + words
    }

    /// The words that tell most, for and against, the heaviest first.
    pub fn tell(&self, text: &str) -> Vec<(Range<usize>, f32)> {
        self.crisis.tell(text)
    }
}
