//! What was found in a message, weighed: which signs stand, and which are defused by what stands around
//! them.

use super::chart::{Found, Reading};
use super::compile::{ContextEntry, Language, Owner, RuleEntry};
use super::phrase::FARTHEST;
use super::words::Token;
use super::{Level, Who};

/// The longest phrase that is looked for around a sign, in words.
const LONGEST: u32 = 60;

/// A sign or a context, by its index, and the words that it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub index: u16,
    pub start: u32,
    pub end: u32,
}

/// A sign and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Weighed {
    pub sign: Span,
    /// The level that remains.
    pub level: Level,
    /// The contexts that lowered it, most effective last.
    pub by: Vec<Span>,
    /// The hints that it is made of, if it is.
    pub hints: Vec<Span>,
    /// It counts only beside another sign, and there is none.
    pub alone: bool,
    /// Some context speaks against it, whether or not that lowered its level.
    pub doubted: bool,
}

/// Weighs a reading. With `all`, every sign is weighed, for an explanation; without, only those that can
/// still change the answer.
pub(crate) fn weigh(language: &Language, reading: &Reading<'_>, all: bool) -> Vec<Weighed> {
    let mut contexts = Vec::new();
    for &found in &reading.found {
        if let Owner::Context(index) = language.owners[found.phrase as usize] {
            contexts.push(Span { index, start: reading.start(found), end: found.end });
        }
    }
    let signs = signs(language, reading, all);
    let others: Vec<Span> = signs
        .iter()
        .filter(|sign| language.rules[sign.rule as usize].who == Some(Who::Other))
        .map(|sign| sign.span(reading))
        .collect();
    let mut weighed: Vec<Weighed> = Vec::new();
    // Signs that stand by themselves come first: the others ask whether there are any.
    for beside in [false, true] {
        let level = |w: &Weighed| if w.alone { Level::None } else { w.level };
        // What some context speaks against supports nothing: news and a bad day are not a sign.
        let undoubted = weighed.iter().filter(|w| !w.doubted).map(level).max().unwrap_or_default();
        let mut support = undoubted;
        let mut best =
            weighed.iter().map(|w| (level(w), preferred(&language.rules[w.sign.index as usize]))).max();
        for candidate in &signs {
            let index = candidate.rule;
            let rule = &language.rules[index as usize];
            if rule.beside.is_some() != beside {
                continue;
            }
            let late = best.is_some_and(|best| (rule.level, preferred(rule)) <= best);
            if !all && late && (beside || rule.level <= support) {
                continue;
            }
            let alone = rule.beside.is_some_and(|needed| undoubted < needed);
            if alone && !all {
                continue;
            }
            let sign = candidate.span(reading);
            if rule.whole && (sign.start, sign.end as usize) != (0, reading.tokens.len()) {
                continue;
            }
            if all && weighed.iter().any(|w| w.sign == sign) {
                continue;
            }
            let hints = candidate.hints.clone();
            let mut one = Weighed { sign, level: rule.level, by: Vec::new(), hints, alone, doubted: false };
            if rule.who == Some(Who::Oneself) && said_of_another(sign, &others) {
                one.level = one.level.min(Level::Mention);
                one.doubted = true;
            }
            if !rule.certain {
                lower(&mut one, rule, &contexts, &language.contexts, reading.tokens);
            }
            if !one.doubted {
                support = support.max(one.level);
            }
            if !alone {
                best = best.max(Some((one.level, preferred(rule))));
            }
            weighed.push(one);
        }
    }
    weighed
}

/// What a rule may have seen, before anything is weighed.
struct Candidate {
    rule: u16,
    read: Read,
    hints: Vec<Span>,
}

#[derive(PartialEq)]
enum Read {
    /// A phrase; where it begins is only worth finding out if it matters.
    Phrase(Found),
    /// Hints that stand together: the words from the first to the last.
    Hints(u32, u32),
}

impl Candidate {
    fn span(&self, reading: &Reading<'_>) -> Span {
        let (start, end) = match self.read {
            Read::Phrase(found) => (reading.start(found), found.end),
            Read::Hints(start, end) => (start, end),
        };
        Span { index: self.rule, start, end }
    }
}

/// Phrases of rules that were found, and hints that stand together, in the order in which they end. The hints
/// themselves are only kept with `all`, for an explanation.
fn signs(language: &Language, reading: &Reading<'_>, all: bool) -> Vec<Candidate> {
    let mut signs: Vec<Candidate> = Vec::new();
    // Where a hint begins is only worth finding out if all that it needs beside it is somewhere in the message.
    let mut seen = vec![false; language.hints.len()];
    for found in &reading.found {
        if let Owner::Hint(hint) = language.owners[found.phrase as usize] {
            seen[hint as usize] = true;
        }
    }
    let whole = |part: &u16| language.together[*part as usize].hints.iter().all(|&hint| seen[hint as usize]);
    let wanted: Vec<bool> = language.parts.iter().map(|parts| parts.iter().any(whole)).collect();
    // Of each hint, the words that begin last among those seen so far.
    let mut last: Vec<Option<Span>> = vec![None; language.hints.len()];
    for &found in &reading.found {
        match language.owners[found.phrase as usize] {
            Owner::Context(_) => {}
            Owner::Rule(rule) => {
                signs.push(Candidate { rule, read: Read::Phrase(found), hints: Vec::new() });
            }
            Owner::Hint(hint) if !wanted[hint as usize] => {}
            Owner::Hint(hint) => {
                let span = Span { index: hint, start: reading.start(found), end: found.end };
                let seen = &mut last[hint as usize];
                if seen.is_some_and(|seen| seen.start >= span.start) {
                    continue;
                }
                *seen = Some(span);
                for &part in &language.parts[hint as usize] {
                    let together = &language.together[part as usize];
                    let near = |&hint: &u16| {
                        last[hint as usize].filter(|other| other.start + together.within >= span.end)
                    };
                    let Some(hints) = together.hints.iter().map(near).collect::<Option<Vec<Span>>>() else {
                        continue;
                    };
                    let start = hints.iter().map(|hint| hint.start).min().unwrap_or(span.start);
                    let between = || &reading.tokens[start as usize + 1..span.end as usize];
                    if together.sentence && between().iter().any(|token| token.stop) {
                        continue;
                    }
                    let read = Read::Hints(start, span.end);
                    // The same words may be a sign of the same rule in several ways.
                    let same = |sign: &Candidate| sign.rule == together.rule && sign.read == read;
                    if !all && signs.iter().rev().take(8).any(same) {
                        continue;
                    }
                    let hints = if all { hints } else { Vec::new() };
                    signs.push(Candidate { rule: together.rule, read, hints });
                }
            }
        }
    }
    signs
}

/// "My friend says he wants to die": the words of the wish are within a sign about somebody else, which
/// speaks for them.
fn said_of_another(sign: Span, others: &[Span]) -> bool {
    let from = others.partition_point(|other| other.end < sign.end);
    others[from..]
        .iter()
        .take_while(|other| other.end <= sign.end + LONGEST)
        .any(|other| other.start <= sign.start && other.index != sign.index)
}

/// Between signs of one level, the person who writes comes first.
pub(crate) fn preferred(rule: &RuleEntry) -> u8 {
    match rule.who {
        Some(Who::Oneself) => 2,
        Some(Who::Other) => 1,
        None => 0,
    }
}

fn lower(one: &mut Weighed, rule: &RuleEntry, contexts: &[Span], entries: &[ContextEntry], tokens: &[Token]) {
    let sign = one.sign;
    // Contexts come in the order in which they end.
    let from = contexts.partition_point(|c| c.end + FARTHEST < sign.start);
    for &span in &contexts[from..] {
        if span.end > sign.end + FARTHEST + LONGEST || one.level == Level::None {
            break;
        }
        let context = &entries[span.index as usize];
        let overlaps = span.start < sign.end && sign.start < span.end;
        let distance = sign.start.saturating_sub(span.end).max(span.start.saturating_sub(sign.end));
        let near = || context.reach.is_some_and(|reach| distance <= reach) && (context.firm || !rule.firm);
        let between = || &tokens[span.end.min(sign.end) as usize..=span.start.max(sign.start) as usize];
        let applies = overlaps || near() && !(context.sentence && between().iter().any(|token| token.stop));
        if applies && context.only.as_ref().is_none_or(|only| only.contains(&sign.index)) {
            one.doubted = true;
            if context.to < one.level {
                one.level = context.to;
                one.by.push(span);
            }
        }
    }
}
