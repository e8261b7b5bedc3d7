//! A small convolutional network that reads a message once more which the weights of its words found heavy.
//!
//! After Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014: every word is a row of numbers,
//! filters pass over three words at a time, of each filter only the most that it found anywhere counts, and what they
//! found is summed. A word is the sum of itself, its beginning and its letters by fours, as in Bojanowski, Grave, Joulin
//! and Mikolov, "Enriching Word Vectors with Subword Information", TACL 2017: so a misspelt word, or a form of it that no
//! lesson has, is still much like the one that was meant. Weights of words, pairs and triples know wordings; this knows
//! which wordings are alike.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::grams::{self, Gram};
use super::table::Table;

mod train;

pub(crate) use train::train;

/// Numbers that say what a word is like.
const NUMBERS: usize = 16;
/// Filters: each looks for something of its own.
const FILTERS: usize = 64;
/// Words that a filter sees at once: one, that before it and that after it.
const SPAN: usize = 3;
/// Words of a text that are read at most.
pub(crate) const LONGEST: usize = 64;
/// What stands before the first word and after the last.
const EDGE: Gram = 1;
/// Letters that are read together.
const LETTERS: usize = 4;
/// Bytes of a long word whose letters are read.
const BYTES: usize = 48;

/// What a word is like.
type Vector = [f32; NUMBERS];

/// The network. Without any features it says nothing: see [`Network::silent`].
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Network {
    /// What each feature of a word adds to what the word is like: a number a byte, signed.
    features: Table<u128>,
    /// What one unit of such a number is worth.
    unit: f32,
    filters: Filters,
}

/// Filters, and what it tells that they found something.
#[derive(Serialize, Deserialize)]
struct Filters {
    /// For each word that a filter sees and each of its numbers, the weights for all filters.
    weights: Vec<f32>,
    /// What each filter has to be given to find anything, or is given for nothing.
    biases: Vec<f32>,
    /// How much what each filter finds tells, for or against.
    outputs: Vec<f32>,
    /// Added at the end.
    bias: f32,
}

/// The most that a filter found in a text, 0 for nothing, and the word that it found it around.
#[derive(Clone, Copy, Default)]
struct Found {
    most: f32,
    around: usize,
}

impl Filters {
    /// What each filter finds in a text.
    fn read(&self, words: &[Vector]) -> [Found; FILTERS] {
        let mut found = [Found::default(); FILTERS];
        let weights = self.weights.as_chunks::<FILTERS>().0;
        for around in 0..words.len() {
            let mut sums: [f32; FILTERS] = std::array::from_fn(|filter| self.biases[filter]);
            for (seen, at) in near(around, words.len()) {
                for (number, weights) in words[at].iter().zip(&weights[seen * NUMBERS..]) {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += number * weight;
                    }
                }
            }
            for (found, most) in found.iter_mut().zip(sums) {
                if most > found.most {
                    *found = Found { most, around };
                }
            }
        }
        found
    }

    /// What they come to.
    fn sum(&self, found: &[Found; FILTERS]) -> f32 {
        self.bias + found.iter().zip(&self.outputs).map(|(found, output)| found.most * output).sum::<f32>()
    }
}

/// The words that a filter sees around one of so many: which of its words each is, and where it stands.
fn near(around: usize, words: usize) -> impl Iterator<Item = (usize, usize)> {
    let seen = (0..SPAN).map(move |seen| (seen, (around + seen).checked_sub(SPAN / 2)));
    seen.filter_map(move |(seen, at)| Some((seen, at.filter(|&at| at < words)?)))
}

impl Network {
    /// One that says nothing.
    pub fn silent() -> Network {
        let filters = Filters { weights: Vec::new(), biases: Vec::new(), outputs: Vec::new(), bias: 0.0 };
        Network { features: Table::new([].into_iter()), unit: 0.0, filters }
    }

    /// What the first [`LONGEST`] words of a folded text come to: above zero is rather yes.
    pub fn weigh(&self, text: &str) -> f32 {
        if self.filters.outputs.is_empty() {
            return 0.0;
        }
        let (words, _) = self.words(text);
        self.filters.sum(&self.filters.read(&words))
    }

    /// Which words tell, and how much: those that the filters found most in.
    pub fn tell(&self, text: &str) -> impl Iterator<Item = (Range<usize>, f32)> {
        let mut told = BTreeMap::<(usize, usize), f32>::new();
        if !self.filters.outputs.is_empty() {
            let (words, places) = self.words(text);
            for (found, output) in self.filters.read(&words).iter().zip(&self.filters.outputs) {
                if found.most > 0.0 {
                    let seen = near(found.around, words.len()).map(|(_, at)| &places[at]);
                    let (start, end) = seen.fold((text.len(), 0), |(start, end), place| {
                        (start.min(place.start), end.max(place.end))
                    });
                    *told.entry((start, end)).or_default() += found.most * output;
                }
            }
        }
        told.into_iter().map(|((start, end), weight)| (start..end, weight))
    }

    /// What the words of a text are like, and where they stand.
    fn words(&self, text: &str) -> (Vec<Vector>, Vec<Range<usize>>) {
        let (mut words, mut places) = (Vec::new(), Vec::new());
        read(text, |features, at| {
            if words.len() < LONGEST {
                let mut word = [0_i32; NUMBERS];
                let mut known = 0;
                for numbers in
                    features.iter().map(|&feature| self.features.get(feature)).filter(|&some| some != 0)
                {
                    let numbers = numbers.to_le_bytes();
                    word.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += i32::from(number as i8));
                    known += 1;
                }
                let share = self.unit * share(known);
                words.push(word.map(|number| number as f32 * share));
                places.push(at);
            }
        });
        (words, places)
    }

    /// Bytes that it takes, about.
    pub fn memory(&self) -> usize {
        let Filters { weights, biases, outputs, .. } = &self.filters;
        self.features.memory() + (weights.len() + biases.len() + outputs.len()) * size_of::<f32>()
    }
}

/// Calls `see` with the features of every word of a folded text, and where it stands in it; where the text begins and
/// ends is a word as well. The first feature is the word itself.
pub(crate) fn read(text: &str, mut see: impl FnMut(&[Gram], Range<usize>)) {
    see(&[EDGE], 0..0);
    let mut state = (Vec::new(), text.len()..text.len(), see);
    grams::visit(
        &mut state,
        text,
        |(features, at, _), gram, words, read| {
            if words == 1 {
                features.push(gram);
                letters(&text[read.clone()], features);
                *at = read;
            } else if words == 0 {
                features.push(gram);
            }
            false
        },
        |(features, at, see)| {
            if features.is_empty() {
                (*at, *features) = (text.len()..text.len(), vec![EDGE]);
            }
            see(features, at.clone());
            features.clear();
        },
    );
}

/// The letters of a word by fours, with where it begins and ends.
fn letters(word: &str, features: &mut Vec<Gram>) {
    if word.starts_with(|letter: char| letter.is_ascii_digit()) || word.chars().nth(LETTERS - 2).is_none() {
        return;
    }
    let word = &word[..word.floor_char_boundary(BYTES)];
    let mut marked = [b'.'; BYTES + 2];
    marked[1..=word.len()].copy_from_slice(word.as_bytes());
    let marked = &marked[..word.len() + 2];
    let mut starts = [0; LETTERS];
    let letters = marked.iter().enumerate().filter(|(_, byte)| *byte & 0xc0 != 0x80).map(|(at, _)| at);
    for (number, at) in letters.chain([marked.len()]).enumerate() {
        // Where the letter stands that is four before this one, or the end.
        let first = std::mem::replace(&mut starts[number % LETTERS], at);
        if number >= LETTERS {
            features.push(grams::letters(&marked[first..at]));
        }
    }
}

/// How much each of so many known features of a word counts.
fn share(features: usize) -> f32 {
    1.0 / (features.max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(text: &str) -> Vec<usize> {
        let mut found = Vec::new();
        read(text, |features, _| found.push(features.len()));
        found
    }

    #[test]
    fn a_word_is_itself_its_beginning_and_its_letters_by_fours() {
        // The edge, "i" alone, "want" as a word and as three fours, "tonight" with its beginning and six, the edge.
        assert_eq!(features(" i want tonight "), [1, 1, 4, 8, 1]);
        assert_eq!(features(" 死に "), [1, 1, 1, 1]);
        assert_eq!(features(" 2026 "), [1, 1, 1]);
        assert_eq!(features(""), [1, 1]);
        let long = "ö".repeat(3000);
        assert!(features(&long)[1] < 60, "of a long word the first letters will do");
    }

    #[test]
    fn a_misspelt_word_shares_most_letters_with_the_one_that_was_meant() {
        let of = |text: &str| {
            let mut all = Vec::new();
            read(text, |features, _| all.extend_from_slice(features));
            all
        };
        let (right, wrong) = (of("disappear"), of("dissappear"));
        assert!(right.iter().filter(|feature| wrong.contains(feature)).count() > right.len() / 2);
    }

    #[test]
    fn one_that_was_never_trained_says_nothing() {
        assert_eq!(Network::silent().weigh("i want to die"), 0.0);
        assert_eq!(Network::silent().tell("i want to die").count(), 0);
        let untaught = train(&[("i want to die", true)]);
        assert_eq!(untaught.weigh("i want to die"), 0.0, "nothing stood there often enough");
    }

    #[test]
    fn what_it_was_taught_it_tells_from_its_opposite_in_other_words_too() {
        let lessons = [(" i want to vanish forever ", true), (" i want to sleep early ", false)].repeat(60);
        let network = train(&lessons);
        assert!(network.weigh(" they want to vanish forever ") > 0.0);
        assert!(network.weigh(" they want to vannish forevr ") > 0.0, "misspelt");
        assert!(network.weigh(" they want to sleep early ") < 0.0);
        let (told, _) = network
            .tell(" i want to vanish forever ")
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
            .expect("something told");
        assert!(" i want to vanish forever "[told].contains("vanish"));
    }
}
