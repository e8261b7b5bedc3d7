//! What the phrase lists see in a message, before anything that was learned is asked.

use std::ops::Range;

use super::chart::Reading;
use super::compile::{Compiled, Language, Owner};
use super::context::{self, Span, Weighed};
use super::fold::Folded;
use super::letters::single;
use super::words::Token;
use super::{Concern, Level};

/// Words to each side of a sign that say most about it.
const NEAR: usize = 3;
/// So many words beside a sign in its sentence can make it harmless, no fewer.
const BESIDE: usize = 3;
/// Words of a message in which signs are doubted, at most.
const LONGEST: usize = 400;
/// Letters of scripts without spaces that say about as much as a word.
pub(crate) const LETTERS: usize = 3;

/// The most serious of what several languages found. Of equals counts the language that reads more of the message: its
/// words decide in which language a person is answered.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// What remains of it after the contexts were weighed.
    pub concern: Concern,
    /// What it would be if no context had spoken against it.
    pub undoubted: Concern,
    /// How many words that language's phrases read, each phrase counted.
    words: u32,
}

impl Listed {
    /// Takes what another language found.
    pub fn take(&mut self, language: &Language, reading: &Reading<'_>, weighed: &[Weighed]) {
        let mut own = Concern::default();
        for one in weighed.iter().filter(|one| !one.alone) {
            own = own.or(concern(language, one.sign, one.level));
            let undoubted = concern(language, one.sign, language.rules[one.sign.index as usize].level);
            self.undoubted = std::mem::take(&mut self.undoubted).or(undoubted);
        }
        if own.rank() < self.concern.rank() || own.level == Level::None {
            return;
        }
        // Hints are words of every day, and say little about the language that somebody means.
        let phrases = reading
            .found
            .iter()
            .filter(|found| !matches!(language.owners[found.phrase as usize], Owner::Hint(_)));
        let words = phrases.map(|&found| found.end - reading.start(found)).sum();
        if (own.rank(), words) > (self.concern.rank(), self.words) {
            (self.concern, self.words) = (own, words);
        }
    }
}

fn concern(language: &Language, sign: Span, level: Level) -> Concern {
    if level == Level::None {
        return Concern::default();
    }
    let rule = &language.rules[sign.index as usize];
    Concern { level, who: rule.who, rule: Some(rule.id.clone()) }
}

impl Compiled {
    /// The words of a message, where it deserves a closer look.
    #[inline]
    pub fn tokens(&self, folded: &Folded) -> Option<Vec<Token>> {
        let closer = folded.is_odd() || self.anchors.search(folded.text(), &self.dictionary);
        closer.then(|| self.dictionary.tokens(folded.text()))
    }

    /// The closer look.
    #[cold]
    #[inline(never)]
    pub fn look(&self, folded: &Folded, tokens: &[Token]) -> Listed {
        let mut listed = Listed::default();
        for (language, reading) in self.readings(folded, tokens) {
            listed.take(language, &reading, &context::weigh(language, &reading, false));
        }
        listed
    }

    /// What stands around the signs that no context defused: for each, the bytes of the folded text of its words and of a
    /// few more to both sides, within its sentence. Nothing where one of them stands in a sentence with hardly a word beside
    /// it, or a rule is certain of one: they say what they say. Nothing, too, for a message so long that one part of it
    /// says little about another.
    pub fn around(&self, folded: &Folded, tokens: &[Token]) -> Option<Vec<Range<usize>>> {
        if tokens.len() > LONGEST {
            return None;
        }
        let mut beside = vec![true; tokens.len()];
        let mut signs = Vec::new();
        for (language, reading) in self.readings(folded, tokens) {
            let weighed = context::weigh(language, &reading, true);
            for one in weighed.iter().filter(|one| !one.alone && one.level >= Level::Concern) {
                if language.rules[one.sign.index as usize].certain {
                    return None;
                }
                let sign = one.sign.start as usize..one.sign.end as usize;
                beside[sign.clone()].fill(false);
                signs.push(sign);
            }
        }
        let says = |at: usize| {
            let letter = folded.text()[tokens[at].start as usize..].chars().next().is_some_and(single);
            if letter { 1 } else { LETTERS }
        };
        let around = signs.into_iter().map(|sign| {
            let from = (0..=sign.start).rev().find(|&at| tokens[at].stop).unwrap_or(0);
            let to = (sign.end..tokens.len()).find(|&at| tokens[at].stop).unwrap_or(tokens.len());
            let words: usize = (from..to).filter(|&at| beside[at]).map(says).sum();
            let (first, last) = (from.max(sign.start.saturating_sub(NEAR)), to.min(sign.end + NEAR) - 1);
            (words >= BESIDE * LETTERS).then(|| tokens[first].start as usize..tokens[last].end as usize)
        });
        around.collect()
    }

    /// What each language reads that a message wakes.
    pub fn readings<'a>(
        &'a self,
        folded: &Folded,
        tokens: &'a [Token],
    ) -> impl Iterator<Item = (&'a Language, Reading<'a>)> {
        let awake = self.anchors.awake(folded.text(), tokens, &self.dictionary);
        let awake = move |(index, _): &(usize, &Language)| awake >> index & 1 == 1;
        let languages = self.languages.iter().enumerate().filter(awake);
        languages.map(|(_, language)| (language, language.chart.read(tokens, &self.dictionary)))
    }
}
