//! Hashes by which words are found, and the words of a folded text with theirs.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Phrase lists hash short strings and small numbers that their authors chose, so a fast hash without a
/// secret will do; what people send is only ever looked up.
#[derive(Default)]
pub(crate) struct FastHasher(u64);

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for &eight in eights {
            self.write_u64(u64::from_le_bytes(eight));
        }
        let rest = rest.iter().rev().fold(rest.len() as u64, |word, &byte| word << 8 | u64::from(byte));
        self.write_u64(rest);
    }
    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }
    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn finish(&self) -> u64 {
        // The low bits choose the place in a table, and a product leaves them poor.
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 29
    }
}

pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHasher>>;

/// The hash by which a spelling is found.
#[inline(always)]
pub(crate) fn hash(spelling: &[u8]) -> u64 {
    let mut hasher = FastHasher::default();
    hasher.write(spelling);
    hasher.finish()
}

/// The word of a folded text that begins at a byte: where it ends, at a space or at the end of the text, and its hash,
/// which is that of [`FastHasher`]. Eight bytes are read at once.
#[inline(always)]
pub(crate) fn word(text: &[u8], start: usize) -> (usize, u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (mut hasher, mut at) = (FastHasher::default(), start);
    while let Some(eight) = text[at..].first_chunk::<8>() {
        let eight = u64::from_le_bytes(*eight);
        // The lowest byte that is a space is the first whose highest bit comes out set.
        let spaces = eight ^ (ONES * b' ' as u64);
        let found = spaces.wrapping_sub(ONES) & !spaces & (ONES << 7);
        if found != 0 {
            let length = found.trailing_zeros() / 8;
            let rest = eight & !(u64::MAX << (8 * length));
            hasher.write_u64(rest | u64::from(length) << (8 * length));
            return (at + length as usize, hasher.finish());
        }
        hasher.write_u64(eight);
        at += 8;
    }
    let rest = &text[at..];
    let length = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
    hasher.write(&rest[..length]);
    (at + length, hasher.finish())
}

/// The hash by which words are found that begin alike, and by which ids are.
pub(crate) fn hash_number(number: u32) -> u64 {
    let mut hasher = FastHasher::default();
    hasher.write_u32(number);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_at_the_next_space_and_has_the_hash_of_its_letters_however_it_lies() {
        let text = " a bb  seven77 eight888 nine99999 seventeen17171717 ünïcödé 死にたい the end";
        let mut found = Vec::new();
        let mut start = 0;
        while start < text.len() {
            let (end, number) = word(text.as_bytes(), start);
            assert_eq!(number, hash(&text.as_bytes()[start..end]), "{}", &text[start..end]);
            found.push(&text[start..end]);
            start = end + 1;
        }
        assert_eq!(found, text.split(' ').collect::<Vec<_>>());
    }
}
