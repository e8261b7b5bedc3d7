//! How the network learns: one lesson after another, each weight by a step that gets the shorter the more it has moved
//! (Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 2011).
//! The same lessons give the same network.

use super::{FILTERS, Filters, Found, LONGEST, NUMBERS, Network, SPAN, Vector, near, read, share};
use crate::safety::chance::Chance;
use crate::safety::grams::Gram;
use crate::safety::hash::FastMap;
use crate::safety::table::Table;

/// Features that stand less often in all lessons together say more about those than about people.
const SEEN: u32 = 6;
/// How often each lesson is read.
const ROUNDS: usize = 6;
/// How long a first step is. By the last round it is a sixth of that.
const RATE: f32 = 0.05;
/// The part of filters that are left out of a lesson, others each time: so that none relies on another.
const LEFT_OUT: f32 = 0.3;
/// The part of words that are as good as unknown when a lesson is read, or known by their letters alone.
const UNKNOWN: f32 = 0.1;
/// A lesson that is wrong by no more than this is known.
const KNOWN: f32 = 0.005;
/// What each step's square is added to.
const FIRST_SQUARE: f32 = 1e-3;

/// A lesson, as rows of the table of vectors.
struct Example {
    /// The features of all its words.
    features: Vec<u32>,
    /// Where each word ends among them.
    ends: Vec<u32>,
    /// 1 for yes, 0 for no.
    yes: f32,
}

/// Numbers that are learned, and the sum of the squares of their slopes.
struct Moving<T> {
    values: T,
    squares: T,
}

/// Learns from folded texts, of which it is said whether they deserve a crisis reply.
pub(crate) fn train(lessons: &[(&str, bool)]) -> Network {
    let rows = rows(lessons);
    if rows.is_empty() {
        return Network::silent();
    }
    let examples: Vec<Example> = lessons.iter().map(|lesson| example(lesson, &rows)).collect();
    let mut chance = Chance::default();
    let mut learner = Learner::new(rows.len(), &mut chance);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    for round in 0..ROUNDS {
        chance.shuffle(&mut order);
        let rate = RATE * (ROUNDS - round) as f32 / ROUNDS as f32;
        order.iter().for_each(|&index| learner.learn(&examples[index], rate, &mut chance));
    }
    learner.network(&rows)
}

/// The row of each feature that stands often enough in lessons, in the order of features.
fn rows(lessons: &[(&str, bool)]) -> FastMap<Gram, u32> {
    let mut counts: FastMap<Gram, u32> = FastMap::default();
    for (text, _) in lessons {
        read(text, |features, _| {
            features.iter().for_each(|&feature| *counts.entry(feature).or_default() += 1);
        });
    }
    let mut features: Vec<Gram> =
        counts.into_iter().filter(|&(_, count)| count >= SEEN).map(|(feature, _)| feature).collect();
    features.sort_unstable();
    features.into_iter().zip(0..).collect()
}

fn example((text, crisis): &(&str, bool), rows: &FastMap<Gram, u32>) -> Example {
    let mut example = Example { features: Vec::new(), ends: Vec::new(), yes: f32::from(*crisis) };
    read(text, |features, _| {
        example.features.extend(features.iter().filter_map(|feature| rows.get(feature)));
        example.ends.push(example.features.len() as u32);
    });
    example
}

/// A network on its way.
struct Learner {
    vectors: Moving<Vec<Vector>>,
    filters: Moving<Filters>,
    /// The features of the words of the lesson that is being read.
    words: Vec<std::ops::Range<usize>>,
    /// What those words are like.
    read: Vec<Vector>,
    /// The slopes of that.
    slopes: Vec<Vector>,
}

impl Learner {
    fn new(features: usize, chance: &mut Chance) -> Learner {
        let mut about =
            |far: f32, numbers: usize| (0..numbers).map(|_| chance.about(far)).collect::<Vec<f32>>();
        let vectors = about(0.1, features * NUMBERS).as_chunks().0.to_vec();
        let filters = Filters {
            weights: about(0.15, SPAN * NUMBERS * FILTERS),
            biases: vec![0.0; FILTERS],
            outputs: about(0.2, FILTERS),
            bias: 0.0,
        };
        let squares = Filters {
            weights: vec![FIRST_SQUARE; SPAN * NUMBERS * FILTERS],
            biases: vec![FIRST_SQUARE; FILTERS],
            outputs: vec![FIRST_SQUARE; FILTERS],
            bias: FIRST_SQUARE,
        };
        Learner {
            vectors: Moving { values: vectors, squares: vec![[FIRST_SQUARE; NUMBERS]; features] },
            filters: Moving { values: filters, squares },
            words: Vec::new(),
            read: Vec::new(),
            slopes: Vec::new(),
        }
    }

    /// Learns from one lesson.
    fn learn(&mut self, example: &Example, rate: f32, chance: &mut Chance) {
        self.see(example, chance);
        let mut found = self.filters.values.read(&self.read);
        let kept: [f32; FILTERS] =
            std::array::from_fn(|_| if chance.part() < LEFT_OUT { 0.0 } else { 1.0 / (1.0 - LEFT_OUT) });
        found.iter_mut().zip(kept).for_each(|(found, kept)| found.most *= kept);
        let told = 1.0 / (1.0 + (-self.filters.values.sum(&found)).exp());
        let slope = told - example.yes;
        if slope.abs() < KNOWN {
            return;
        }
        self.slopes.clear();
        self.slopes.resize(self.read.len(), [0.0; NUMBERS]);
        let Moving { values, squares } = &mut self.filters;
        step(&mut values.bias, &mut squares.bias, slope, rate);
        for filter in (0..FILTERS).filter(|&filter| found[filter].most > 0.0) {
            let Found { most, around } = found[filter];
            let through = slope * kept[filter] * values.outputs[filter];
            step(&mut values.outputs[filter], &mut squares.outputs[filter], slope * most, rate);
            step(&mut values.biases[filter], &mut squares.biases[filter], through, rate);
            for (seen, at) in near(around, self.read.len()) {
                for number in 0..NUMBERS {
                    let weight = (seen * NUMBERS + number) * FILTERS + filter;
                    self.slopes[at][number] += through * values.weights[weight];
                    let slope = through * self.read[at][number];
                    step(&mut values.weights[weight], &mut squares.weights[weight], slope, rate);
                }
            }
        }
        for (word, slopes) in self.words.iter().zip(&self.slopes) {
            let share = share(word.len());
            for &row in &example.features[word.clone()] {
                let values = &mut self.vectors.values[row as usize];
                let squares = &mut self.vectors.squares[row as usize];
                for number in 0..NUMBERS {
                    step(&mut values[number], &mut squares[number], slopes[number] * share, rate);
                }
            }
        }
    }

    /// Reads the words of a lesson, some of them as unknown ones; of a long one a part.
    fn see(&mut self, example: &Example, chance: &mut Chance) {
        let words = example.ends.len();
        let from = if words > LONGEST { chance.below(words - LONGEST + 1) } else { 0 };
        self.words.clear();
        self.read.clear();
        for word in from..words.min(from + LONGEST) {
            let start = if word == 0 { 0 } else { example.ends[word - 1] as usize };
            let mut features = start..example.ends[word] as usize;
            if chance.part() < UNKNOWN && !features.is_empty() {
                let by_letters = features.len() > 1 && chance.part() < 0.5;
                features.start = if by_letters { features.start + 1 } else { features.end };
            }
            let mut sum = [0.0; NUMBERS];
            for &row in &example.features[features.clone()] {
                sum.iter_mut()
                    .zip(self.vectors.values[row as usize])
                    .for_each(|(sum, number)| *sum += number);
            }
            let share = share(features.len());
            self.read.push(sum.map(|number| number * share));
            self.words.push(features);
        }
    }

    /// What was learned, with the numbers of features a byte each.
    fn network(self, rows: &FastMap<Gram, u32>) -> Network {
        let vectors = self.vectors.values;
        let most = vectors.iter().flatten().fold(f32::MIN_POSITIVE, |most, number| most.max(number.abs()));
        let unit = most / f32::from(i8::MAX);
        let packed =
            |vector: &Vector| u128::from_le_bytes(vector.map(|number| (number / unit).round() as i8 as u8));
        let mut rows: Vec<(Gram, u32)> = rows.iter().map(|(&feature, &row)| (feature, row)).collect();
        rows.sort_unstable();
        let features = rows.into_iter().map(|(feature, row)| (feature, packed(&vectors[row as usize])));
        Network { features: Table::new(features), unit, filters: self.filters.values }
    }
}

/// Moves a number against its slope.
fn step(value: &mut f32, square: &mut f32, slope: f32, rate: f32) {
    *square += slope * slope;
    *value -= rate * slope / square.sqrt();
}
