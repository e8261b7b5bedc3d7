//! What was found in a message, weighed: which signs stand, and which are defused by what stands around
//! them.

use super::chart::Reading;
use super::compile::{ContextEntry, Language, Owner, RuleEntry};
use super::words::Token;
use super::{Level, Who};

/// Farthest that a context can reach, in words, and the longest phrase that is looked for around a sign.
const FARTHEST: u32 = 30;
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
    let others: Vec<Span> = reading
        .found
        .iter()
        .filter_map(|&found| match language.owners[found.phrase as usize] {
            Owner::Rule(index) if language.rules[index as usize].who == Some(Who::Other) => {
                Some(Span { index, start: reading.start(found), end: found.end })
            }
            _ => None,
        })
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
        for &found in &reading.found {
            let Owner::Rule(index) = language.owners[found.phrase as usize] else { continue };
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
            let sign = Span { index, start: reading.start(found), end: found.end };
            if rule.whole && (sign.start, sign.end as usize) != (0, reading.tokens.len()) {
                continue;
            }
            if all && weighed.iter().any(|w| w.sign == sign) {
                continue;
            }
            let mut one = Weighed { sign, level: rule.level, by: Vec::new(), alone, doubted: false };
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
        if applies && (context.only.is_empty() || context.only.contains(&sign.index)) {
            one.doubted = true;
            if context.to < one.level {
                one.level = context.to;
                one.by.push(span);
            }
        }
    }
}
