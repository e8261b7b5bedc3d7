//! What is known of grams, in a table that is looked into as it lies.

use serde::{Deserialize, Serialize};

use super::flat::{Flat, Row};
use super::grams::Gram;

/// A value for each of some grams; the default, nothing, for all others.
///
/// A gram's place is what its high bits say, or the next that is free, and its low half stands beside its value: of 65,536
/// grams that are in no place one is taken for its neighbour.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static, T: Row"))]
pub(crate) struct Table<T> {
    /// Values, and which gram each belongs to, in the order of grams.
    places: Flat<(T, u16)>,
    /// Bits that say of nearly every gram that is in no place that it isn't.
    known: Flat<u64>,
}

impl<T: Row + Default + PartialEq> Table<T> {
    /// A table of these. What has no value isn't kept.
    pub fn new(values: impl ExactSizeIterator<Item = (Gram, T)>) -> Table<T> {
        let mut places = vec![(T::default(), 0); values.len() * 5 / 4 + 2];
        let mut known = vec![0; places.len() / 20 + 1];
        for (gram, value) in values.filter(|(_, value)| *value != T::default()) {
            let mut at = spread(gram, places.len());
            while places[at].0 != T::default() {
                at = after(at, places.len());
            }
            places[at] = (value, gram as u16);
            let (word, bit) = bit(gram, known.len());
            known[word] |= bit;
        }
        Table { places: places.into_iter().collect(), known: known.into_iter().collect() }
    }

    /// The value of a gram.
    #[inline(always)]
    pub fn get(&self, gram: Gram) -> T {
        let (word, bit) = bit(gram, self.known.len());
        if self.known.at(word) & bit == 0 {
            return T::default();
        }
        let mut at = spread(gram, self.places.len());
        loop {
            let (value, which) = self.places.at(at);
            if which == gram as u16 || value == T::default() {
                return value;
            }
            at = after(at, self.places.len());
        }
    }

    /// Bytes that it takes.
    pub fn memory(&self) -> usize {
        self.places.memory() + self.known.memory()
    }
}

/// Which bit of so many words says that a gram is known.
#[inline(always)]
fn bit(gram: Gram, words: usize) -> (usize, u64) {
    let bit = gram.wrapping_mul(0x9e37_79b1).rotate_left(16);
    (spread(bit, words), 1 << (bit & 63))
}

/// Which of so many a number stands for, where those from the lowest to the highest are spread over them.
#[inline(always)]
fn spread(number: u32, over: usize) -> usize {
    ((u64::from(number) * over as u64) >> 32) as usize
}

/// The place after one, of so many; after the last the first.
#[inline(always)]
fn after(at: usize, places: usize) -> usize {
    if at + 1 == places { 0 } else { at + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gram_has_its_value_and_no_other_has_one() {
        let grams = |from: u32| (from..from + 2000).map(|gram| gram.wrapping_mul(0x9e37_79b1));
        let table = Table::new(grams(1).zip(1_u16..).collect::<Vec<_>>().into_iter());
        assert!(grams(1).zip(1..).all(|(gram, value)| table.get(gram) == value));
        assert!(grams(5000).filter(|&gram| table.get(gram) != 0).count() <= 1);
        assert_eq!(Table::<u16>::new([].into_iter()).get(7), 0);
    }
}
