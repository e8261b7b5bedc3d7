//! Words, pairs and triples of words of a folded text: what lessons are learned by.

use std::ops::Range;

use super::hash::{self, hash};
use super::letters::single;

/// Stands for one word, a pair, a triple, the beginning of a long word, or letters within one.
pub(crate) type Gram = u32;

/// Letters of a long word that its inflections share.
const STEM: usize = 5;

/// Stands before the first word and after the last.
const EDGE: u64 = 0x9e37_79b9_7f4a_7c15;
/// Stands for any number.
const NUMBER: u64 = 0xc2b2_ae3d_27d4_eb4f;
/// Tells letters within a word from a word.
const WITHIN: u64 = 0x2545_f491_4f6c_dd1d;
/// Tells the beginning of a word from a word.
const BEGUN: u64 = 0x1656_67b1_9e37_79f9;

/// Calls `each` with every gram of a folded text, with how many words it has (none for the beginning of a word) and with
/// the bytes of the text that it was read from, and `word` after each word and at the end. `each` says whether the gram
/// tells anything: where a pair doesn't, no triple that ends with it is looked at.
///
/// Letters of scripts that part no words are a word each; marks are words as well; all numbers are the same; where the
/// message begins and ends counts as a word beside others. Time is linear in the length of the text.
#[inline(always)]
pub(crate) fn visit<S>(
    state: &mut S,
    text: &str,
    each: impl Fn(&mut S, Gram, u8, Range<usize>) -> bool,
    word: impl Fn(&mut S),
) {
    // The words before this one: their hashes, and where they begin.
    let (mut last, mut first) = ((EDGE, 0), (0, 0));
    let mut read = |state: &mut S, hash: u64, at: Range<usize>, stem: Option<u64>| {
        let pair = joined(last.0, hash);
        if hash != EDGE {
            each(state, gram(hash), 1, at.clone());
        }
        // Nothing stands before the edge.
        if each(state, gram(pair), 2, last.1..at.end) && first.0 != 0 {
            each(state, gram(joined(first.0, pair)), 3, first.1..at.end);
        }
        if let Some(stem) = stem {
            each(state, gram(stem), 0, at.clone());
        }
        first = last;
        last = (hash, at.start);
        word(state);
    };
    let bytes = text.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let byte = bytes[start];
        if byte == b' ' {
            start += 1;
            continue;
        }
        let (end, whole) = hash::word(bytes, start);
        if byte.is_ascii_digit() {
            read(state, NUMBER, start..end, None);
        } else if byte >= 0xe0 && text[start..].chars().next().is_some_and(single) {
            for (i, letter) in text[start..end].char_indices() {
                let at = start + i..start + i + letter.len_utf8();
                read(state, hash(&bytes[at.clone()]), at, None);
            }
        } else {
            let word = &bytes[start..end];
            let lost = apostrophe(&bytes[end..]);
            if lost > 0 && word.len() + lost <= LONGEST_JOINED {
                let mut whole = [0; LONGEST_JOINED];
                whole[..word.len()].copy_from_slice(word);
                whole[word.len()..word.len() + lost].copy_from_slice(&bytes[end + 1..end + 1 + lost]);
                let word = &whole[..word.len() + lost];
                read(state, hash(word), start..end + 1 + lost, begun(word).map(stem));
                start = end + lost + 2;
                continue;
            }
            read(state, whole, start..end, begun(word).map(stem));
        }
        start = end + 1;
    }
    read(state, EDGE, bytes.len()..bytes.len(), None);
}

/// Longest word that is put together again.
const LONGEST_JOINED: usize = 12;

/// Bytes of what an apostrophe parted from a word and somebody wrote apart ("don t"), at the space after the word.
#[inline(always)]
fn apostrophe(after: &[u8]) -> usize {
    match after {
        [b' ', b't' | b'm' | b's' | b'd', b' ', ..] => 1,
        [b' ', b'l', b'l', b' ', ..] | [b' ', b'v' | b'r', b'e', b' ', ..] => 2,
        _ => 0,
    }
}

/// The gram of the beginning of a word.
#[inline(always)]
fn stem(begun: &[u8]) -> u64 {
    joined(BEGUN, hash(begun))
}

/// The gram of letters within a word.
#[inline(always)]
pub(crate) fn letters(letters: &[u8]) -> Gram {
    gram(joined(WITHIN, hash(letters)))
}

/// The beginning of a word that is longer than that.
#[inline(always)]
fn begun(word: &[u8]) -> Option<&[u8]> {
    if word.len() <= STEM {
        return None;
    }
    // A letter begins at every byte that doesn't go on with one.
    let mut letters = 0;
    for (i, byte) in word.iter().enumerate() {
        letters += usize::from(byte & 0xc0 != 0x80);
        if letters > STEM {
            return Some(&word[..i]);
        }
    }
    None
}

#[inline(always)]
fn joined(first: u64, second: u64) -> u64 {
    (first.rotate_left(23) ^ second).wrapping_mul(0x517c_c1b7_2722_0a95)
}

/// The half of a hash that is mixed best.
#[inline(always)]
fn gram(hash: u64) -> Gram {
    ((hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as Gram
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(Gram, String)> {
        let mut found = Vec::new();
        let each = |found: &mut Vec<(Gram, String)>, gram, _, at: Range<usize>| {
            found.push((gram, text[at].trim().to_owned()));
            true
        };
        visit(&mut found, text, each, |_| ());
        found
    }

    #[test]
    fn words_pairs_and_triples_are_read_and_where_a_message_begins_and_ends() {
        let found = read(" i am off ");
        let words: Vec<&str> = found.iter().map(|(_, words)| words.as_str()).collect();
        assert_eq!(words, ["i", "i", "am", "i am", "i am", "off", "am off", "i am off", "off", "am off"]);
        let mut all: Vec<Gram> = found.iter().map(|&(gram, _)| gram).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), words.len(), "each means something else");
    }

    #[test]
    fn a_lost_apostrophe_changes_nothing() {
        let grams = |text: &str| read(text).into_iter().map(|(gram, _)| gram).collect::<Vec<_>>();
        assert_eq!(grams(" i m sure they ll say it isn t "), grams(" im sure theyll say it isnt "));
    }

    #[test]
    fn a_long_word_is_read_by_its_beginning_too_and_letters_that_no_space_parts_one_by_one() {
        let same = |a: &str, b: &str| {
            let (a, b) = (read(a), read(b));
            a.iter().filter(|(gram, _)| b.iter().any(|(other, _)| other == gram)).count()
        };
        assert_eq!(same(" хотелось ", " хотелбы "), 1);
        assert!(read(" 死にたい ").iter().any(|(_, words)| words == "死にた"));
        assert_eq!(read(" 20 ")[0].0, read(" 7 ")[0].0);
    }
}
