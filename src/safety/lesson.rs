//! Lessons learned: labelled sentences in, weights out.
//!
//! The classifier is a linear support vector machine with squared hinge loss, fitted by dual coordinate descent (Hsieh,
//! Chang, Lin, Keerthi and Sundararajan, "A dual coordinate descent method for large-scale linear SVM", ICML 2008), over
//! words, pairs and triples of words weighted by their inverse document frequency squared: how rare they are in the
//! language that has them most. The same lessons give the same weights.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use super::case::{Case, Expected, Group};
use super::chance::Chance;
use super::compile::Compiled;
use super::flat;
use super::fold::{self, Folded};
use super::grams::{self, Gram};
use super::hash::FastMap;
use super::learned::{self, Crisis, Learned, Networks, Weights};
use super::network;
use super::{Level, RuleId, Who};
use crate::diagnostic::Diagnostic;

/// A sentence, and what a person says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// The language that it stands under, such as `pt`.
    pub language: String,
    /// What somebody might type.
    pub text: String,
    /// Whether it deserves a crisis reply.
    pub crisis: bool,
    /// Whom it is about, where that was said.
    pub who: Option<Who>,
}

/// Reads a file of lessons: cases as `case` describes them. Its name is its language, or begins with it: `pt/author_a`.
///
/// # Errors
///
/// The same as of [`Group::read`].
pub fn read(name: &str, path: &str, text: &str) -> Result<Vec<Lesson>, Vec<Diagnostic>> {
    Group::read(name, path, text).map(of)
}

/// The lessons of a group of cases.
pub fn of(group: Group) -> Vec<Lesson> {
    let language = group.name.split('/').next().unwrap_or_default();
    let lesson = |case: Case| {
        let (crisis, who) = match case.expected {
            Expected::Recognised(_, who) => (true, who),
            Expected::Quiet => (false, None),
        };
        Lesson { language: language.to_owned(), text: case.text, crisis, who }
    };
    group.cases.into_iter().map(lesson).collect()
}

/// Writes down what was learned, for [`kept`].
///
/// # Errors
///
/// None that could be named: all of it can be written.
// The build script does, and a test.
#[allow(dead_code)]
pub(crate) fn keep(learned: &Learned) -> postcard::Result<Vec<u8>> {
    flat::write(learned)
}

/// What was learned and written down. Its tables stay where they are.
///
/// # Errors
///
/// Where the bytes are something else.
pub(crate) fn kept(bytes: &'static [u8]) -> postcard::Result<Learned> {
    flat::read(bytes)
}

/// How much a mistake costs beside large weights. From 0.1 to 1 makes no difference that could be measured.
const COST: f64 = 0.3;
/// Rounds at most; it is fitted well before.
const ROUNDS: usize = 60;
/// A round that moved no multiplier by more than this is the last.
const ENOUGH: f64 = 0.01;
/// Weights that are kept of English: those that weigh most in all lessons together.
const KEPT_ENGLISH: usize = 480_000;
/// The same of all other languages together.
const KEPT: usize = 1_000_000;
/// The same of those which tell whom a message is about.
const KEPT_OTHER: usize = 4_000;
/// The same of those which tell whether words that a list saw are meant.
const KEPT_MEANT: usize = 200_000;
/// Words by which a language is told from others.
const TELLING: usize = 1500;
/// The language that has a table of its own.
const ENGLISH: &str = "en";
/// What no lesson of a language has is taken to be this part of its words.
const HARDLY: f64 = 1e-5;

/// Words of each language that say nothing by themselves, being in every other sentence; only beside others.
const COMMON: usize = 60;

/// Learns from lessons; `lists` are the phrase lists beside which what was learned will stand.
pub(crate) fn learn(lessons: &[Lesson], lists: &Compiled) -> Learned {
    Learned { networks: networks(lessons), ..weights(lessons, lists) }
}

/// The half of it that the networks learn.
pub(crate) fn networks(lessons: &[Lesson]) -> Networks {
    let [english, others] = [true, false].map(|english| {
        let some: Vec<_> = lessons.iter().filter(|lesson| (lesson.language == ENGLISH) == english).collect();
        let folded: Vec<_> = some.iter().map(|lesson| fold::fold(&lesson.text)).collect();
        let told: Vec<_> =
            folded.iter().zip(some).map(|(folded, lesson)| (folded.text(), lesson.crisis)).collect();
        network::train(&told)
    });
    Networks { english, others }
}

/// The other half: all but the networks.
pub(crate) fn weights(lessons: &[Lesson], lists: &Compiled) -> Learned {
    let read: Vec<Read<'_>> = lessons
        .iter()
        .map(|lesson| {
            let folded = fold::fold(&lesson.text);
            let seen = sees(lists, &folded);
            let mut found = Read { language: &lesson.language, seen, ..Read::default() };
            let each = |found: &mut Read<'_>, gram, words, _: Range<usize>| {
                found.grams.push(gram);
                if words == 1 {
                    found.single.push(gram);
                }
                true
            };
            grams::visit(&mut found, folded.text(), each, |found| found.words += 1);
            found
        })
        .collect();
    let counts = counts(&read);
    let words = commonest(&counts);
    let common = words.values().flat_map(|words| words.iter().take(COMMON)).copied().collect();
    let all: Vec<_> = read.iter().zip(lessons).map(|(read, lesson)| (read, lesson.crisis)).collect();
    let some = |which: fn(&Read<'_>) -> bool| -> Vec<_> {
        all.iter().filter(|(read, _)| which(read)).copied().collect()
    };
    // Who is not named speaks of themselves nearly always.
    let about: Vec<_> = read
        .iter()
        .zip(lessons)
        .filter(|(_, lesson)| lesson.crisis)
        .map(|(read, lesson)| (read, lesson.who == Some(Who::Other)))
        .collect();
    // What stands in English alone is learned from, so that it is known to be nothing, but needn't be kept.
    let foreign: HashSet<Gram> = read
        .iter()
        .filter(|read| read.language != ENGLISH)
        .flat_map(|read| read.grams.iter().copied())
        .collect();
    let crisis = Crisis {
        english: fit(&some(|read| read.language == ENGLISH), &common).keep(KEPT_ENGLISH),
        others: fit(&all, &common).only(&foreign).keep(KEPT),
        tongue: tongue(&counts, &words),
    };
    let none = BTreeSet::new();
    let languages = words.into_iter().map(|(language, mut words)| {
        words.sort_unstable();
        (RuleId::new(&format!("{language}/learned")), words)
    });
    Learned {
        crisis,
        other: fit(&about, &none).keep(KEPT_OTHER),
        meant: fit(&some(|read| read.seen), &none).keep(KEPT_MEANT),
        languages: languages.collect(),
        ..Learned::default()
    }
}

/// Whether a phrase list sees a sign in a message, or the subject, whatever its contexts make of it.
fn sees(lists: &Compiled, folded: &Folded) -> bool {
    lists.tokens(folded).is_some_and(|tokens| lists.look(folded, &tokens).undoubted.level > Level::None)
}

/// How often each word stands in the lessons of each language.
type Counts<'l> = BTreeMap<&'l str, BTreeMap<Gram, u32>>;

fn counts<'l>(read: &[Read<'l>]) -> Counts<'l> {
    let mut counts = Counts::new();
    for read in read {
        let count = counts.entry(read.language).or_default();
        read.single.iter().for_each(|&gram| *count.entry(gram).or_default() += 1);
    }
    counts
}

/// The commonest words of each language, the commonest first.
fn commonest<'l>(counts: &Counts<'l>) -> BTreeMap<&'l str, Vec<Gram>> {
    let sorted = |count: &BTreeMap<Gram, u32>| {
        let mut words: Vec<(Gram, u32)> = count.iter().map(|(&gram, &count)| (gram, count)).collect();
        words.sort_by_key(|&(gram, count)| (u32::MAX - count, gram));
        words.into_iter().take(TELLING).map(|(gram, _)| gram).collect()
    };
    counts.iter().map(|(&language, count)| (language, sorted(count))).collect()
}

/// How much more often common words stand in English than in any other language, as a logarithm.
fn tongue(counts: &Counts<'_>, words: &BTreeMap<&str, Vec<Gram>>) -> Weights {
    let totals: BTreeMap<&str, f64> = counts
        .iter()
        .map(|(&language, count)| (language, count.values().map(|&count| f64::from(count)).sum()))
        .collect();
    let often = |language: &str, gram: Gram| {
        f64::from(counts[language].get(&gram).copied().unwrap_or(0)) / totals[language]
    };
    let all: BTreeSet<Gram> = words.values().flatten().copied().collect();
    let weights: Vec<(Gram, f32)> = all
        .into_iter()
        .map(|gram| {
            let (mut english, mut elsewhere) = (HARDLY, HARDLY);
            for &language in counts.keys() {
                let most = if language == ENGLISH { &mut english } else { &mut elsewhere };
                *most = most.max(often(language, gram));
            }
            (gram, (english / elsewhere).ln() as f32)
        })
        .collect();
    Weights::new(&weights, 0.0)
}

/// What a lesson is read as: its language and grams, those of them that are one word, how many words it has with its end,
/// and whether a phrase list sees anything in it.
#[derive(Default)]
struct Read<'l> {
    language: &'l str,
    grams: Vec<Gram>,
    single: Vec<Gram>,
    words: u32,
    seen: bool,
}

/// One sentence as the machine sees it.
struct Row {
    /// Columns and their values.
    values: Vec<(u32, f64)>,
    /// 1 for yes, -1 for no.
    sign: f64,
    /// The square of its length, and what the loss adds to it.
    diagonal: f64,
    multiplier: f64,
}

/// Of each column, the part of sentences that have it, in the language in which that is most: what is common in its own
/// language tells little, however rare it is among all.
fn shares(sentences: &[(&Read<'_>, bool)], rows: &[BTreeMap<u32, u32>], columns: usize) -> Vec<f64> {
    let mut languages: BTreeMap<&str, Vec<&BTreeMap<u32, u32>>> = BTreeMap::new();
    for ((read, _), row) in sentences.iter().zip(rows) {
        languages.entry(read.language).or_default().push(row);
    }
    let mut shares = vec![0.0_f64; columns];
    for rows in languages.values() {
        let mut seen: FastMap<u32, u32> = FastMap::default();
        rows.iter().flat_map(|row| row.keys()).for_each(|&column| *seen.entry(column).or_default() += 1);
        for (column, seen) in seen {
            let share = (1.0 + f64::from(seen)) / (1.0 + rows.len() as f64);
            shares[column as usize] = shares[column as usize].max(share);
        }
    }
    shares
}

/// What was fitted.
struct Fitted {
    weights: Vec<Weight>,
    /// Added at the end.
    bias: f32,
}

/// The weight of a gram.
struct Weight {
    gram: Gram,
    weight: f32,
    /// How many lessons have the gram.
    seen: u32,
}

impl Fitted {
    /// Those of some grams.
    fn only(mut self, grams: &HashSet<Gram>) -> Fitted {
        self.weights.retain(|one| grams.contains(&one.gram));
        self
    }

    /// At most so many, those that weigh most. A heavy gram that a single lesson has is mostly that lesson's alone: it
    /// counts as heavy times the root of how many lessons have it. Of what was tried (heavy alone, its power of 0.3, the
    /// root, its power of 0.6, how many) the middle ones hear most with as many weights, and as much as heavy alone
    /// with nearly twice as many.
    fn keep(self, kept: usize) -> Weights {
        let mut heavy = self.weights;
        let much = |one: &Weight| one.weight.abs() * (one.seen as f32).sqrt();
        heavy.sort_by(|a, b| much(b).total_cmp(&much(a)).then(a.gram.cmp(&b.gram)));
        heavy.truncate(kept);
        let weights: Vec<(Gram, f32)> = heavy.into_iter().map(|one| (one.gram, one.weight)).collect();
        Weights::new(&weights, self.bias)
    }
}

/// Fits weights to sentences. What is common has none. Without sentences everything is a no.
fn fit(sentences: &[(&Read<'_>, bool)], common: &BTreeSet<Gram>) -> Fitted {
    if sentences.is_empty() {
        return Fitted { weights: Vec::new(), bias: -1.0 };
    }
    let mut columns: FastMap<Gram, u32> = FastMap::default();
    let mut of: Vec<Gram> = Vec::new();
    let rows: Vec<BTreeMap<u32, u32>> = sentences
        .iter()
        .map(|(read, _)| {
            let mut counts = BTreeMap::new();
            for &gram in read.grams.iter().filter(|gram| !common.contains(gram)) {
                let next = of.len() as u32;
                let column = *columns.entry(gram).or_insert(next);
                if column == next {
                    of.push(gram);
                }
                *counts.entry(column).or_insert(0) += 1;
            }
            counts
        })
        .collect();
    // Squared: what is rare tells more than what is common, by more than its frequency alone says. Of what was tried (the
    // first, one and a half, second, third and fourth power; no rare grams at all) this hears most at the same rate of
    // everyday chat answered. The tenth keeps values, and with them what a mistake costs, about as large as unsquared.
    let rarity: Vec<f64> = shares(sentences, &rows, of.len())
        .into_iter()
        .map(|share| ((1.0 / share).ln() + 1.0).powi(2) / 10.0)
        .collect();
    let mut seen = vec![0; of.len()];
    rows.iter().flat_map(|row| row.keys()).for_each(|&column| seen[column as usize] += 1);
    let bias = of.len();
    let added = 0.5 / COST;
    let mut rows: Vec<Row> = rows
        .into_iter()
        .zip(sentences)
        .map(|(counts, (read, yes))| {
            let length = f64::from(learned::scale(read.words));
            let mut values: Vec<(u32, f64)> = counts
                .into_iter()
                .map(|(column, count)| (column, f64::from(count) * rarity[column as usize] / length))
                .collect();
            values.push((bias as u32, 1.0));
            let diagonal = values.iter().map(|(_, value)| value * value).sum::<f64>() + added;
            Row { values, sign: if *yes { 1.0 } else { -1.0 }, diagonal, multiplier: 0.0 }
        })
        .collect();
    let mut weights = vec![0.0_f64; bias + 1];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut chance = Chance::default();
    for _ in 0..ROUNDS {
        // Any order will do that isn't that of the files.
        chance.shuffle(&mut order);
        let mut moved = 0.0_f64;
        for &index in &order {
            let row = &mut rows[index];
            let value: f64 = row.values.iter().map(|&(column, value)| weights[column as usize] * value).sum();
            let slope = row.sign * value - 1.0 + added * row.multiplier;
            let next = (row.multiplier - slope / row.diagonal).max(0.0);
            let step = (next - row.multiplier) * row.sign;
            if step != 0.0 {
                moved = moved.max(step.abs());
                row.multiplier = next;
                for &(column, value) in &row.values {
                    weights[column as usize] += step * value;
                }
            }
        }
        if moved < ENOUGH {
            break;
        }
    }
    let weight = |(column, &gram): (usize, &Gram)| Weight {
        gram,
        weight: (weights[column] * rarity[column]) as f32,
        seen: seen[column],
    };
    Fitted { weights: of.iter().enumerate().map(weight).collect(), bias: weights[bias] as f32 }
}
