//! Tables that are searched as they lie: bytes of numbers in rows.
//!
//! The phrase lists that come with the program lie in its file in this form, and are searched there: nothing of them is
//! copied at the start, and only the parts that messages ask for are ever in memory. Lists that were compiled at run
//! time have the same form, in memory of their own.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use postcard::{de_flavors, ser_flavors};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a row of a table can be: a fixed number of bytes, the lowest first.
pub(crate) trait Row: Copy {
    /// How many bytes.
    const SIZE: usize;
    /// Reads it off the beginning of `bytes`, which are as many or more.
    fn read(bytes: &[u8]) -> Self;
    /// Writes it to the end of `bytes`.
    fn write(self, bytes: &mut Vec<u8>);
}

macro_rules! rows {
    ($($number:ty),*) => {$(
        impl Row for $number {
            const SIZE: usize = size_of::<$number>();
            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                bytes.first_chunk().map_or(0, |bytes| <$number>::from_le_bytes(*bytes))
            }
            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
rows!(u8, u16, u32, u64, u128);

impl<A: Row, B: Row> Row for (A, B) {
    const SIZE: usize = A::SIZE + B::SIZE;
    #[inline(always)]
    fn read(bytes: &[u8]) -> Self {
        (A::read(bytes), B::read(&bytes[A::SIZE..]))
    }
    fn write(self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
    }
}

/// A table of rows.
pub(crate) struct Flat<T> {
    bytes: Cow<'static, [u8]>,
    rows: PhantomData<fn() -> T>,
}

impl<T: Row> Flat<T> {
    /// The number of rows.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.bytes.len() / T::SIZE
    }

    /// A row. There must be one of that number.
    #[inline(always)]
    pub fn at(&self, row: usize) -> T {
        let start = row * T::SIZE;
        T::read(&self.bytes[start..start + T::SIZE])
    }

    /// Some rows that follow each other, all of which must be there.
    #[inline(always)]
    pub fn rows(&self, rows: Range<usize>) -> impl Iterator<Item = T> {
        self.bytes[rows.start * T::SIZE..rows.end * T::SIZE].chunks_exact(T::SIZE).map(T::read)
    }

    /// Bytes that it takes, wherever it lies.
    pub fn memory(&self) -> usize {
        self.bytes.len()
    }
}

impl<T: Row> FromIterator<T> for Flat<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Self {
        let rows = rows.into_iter();
        let mut bytes = Vec::with_capacity(rows.size_hint().0 * T::SIZE);
        rows.for_each(|row| row.write(&mut bytes));
        bytes.shrink_to_fit();
        Flat { bytes: Cow::Owned(bytes), rows: PhantomData }
    }
}

impl<T> Serialize for Flat<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

/// Only what stays for good is read, so that it need not be copied.
impl<'de: 'static, T: Row> Deserialize<'de> for Flat<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lying;
        impl<'de: 'static> Visitor<'de> for Lying {
            type Value = &'static [u8];
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes that stay where they are")
            }
            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(bytes)
            }
        }
        let bytes = deserializer.deserialize_bytes(Lying)?;
        if bytes.len().is_multiple_of(T::SIZE) {
            Ok(Flat { bytes: Cow::Borrowed(bytes), rows: PhantomData })
        } else {
            Err(D::Error::invalid_length(bytes.len(), &"whole rows"))
        }
    }
}

/// Lists, one after the other in one table.
#[derive(Serialize, Deserialize)]
#[serde(bound(serialize = "", deserialize = "'de: 'static, T: Row"))]
pub(crate) struct Lists<T> {
    /// Where each begins, and where the last ends.
    starts: Flat<u32>,
    rows: Flat<T>,
}

impl<T: Row> Lists<T> {
    /// The number of lists.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Where the rows of a list stand among those of all.
    #[inline(always)]
    pub fn range(&self, list: usize) -> Range<usize> {
        let (start, end) = <(u32, u32)>::read(&self.starts.bytes[list * 4..list * 4 + 8]);
        start as usize..end as usize
    }

    /// A row, by where it stands among those of all lists.
    #[inline(always)]
    pub fn row(&self, at: usize) -> T {
        self.rows.at(at)
    }

    /// The rows of a list.
    #[inline(always)]
    pub fn of(&self, list: usize) -> impl Iterator<Item = T> {
        self.rows.rows(self.range(list))
    }

    /// Bytes that they take, wherever they lie.
    pub fn memory(&self) -> usize {
        self.starts.memory() + self.rows.memory()
    }
}

impl Lists<u8> {
    /// The bytes of a list, such as a text.
    #[inline(always)]
    pub fn bytes(&self, list: usize) -> &[u8] {
        &self.rows.bytes[self.range(list)]
    }
}

impl<T: Row, L: IntoIterator<Item = T>> FromIterator<L> for Lists<T> {
    fn from_iter<I: IntoIterator<Item = L>>(lists: I) -> Self {
        let (mut starts, mut rows) = (vec![0], Vec::new());
        for list in lists {
            rows.extend(list);
            starts.push(rows.len() as u32);
        }
        Lists { starts: starts.into_iter().collect(), rows: rows.into_iter().collect() }
    }
}

/// Rows that are found by a hash: as many shelves as rows, so that there is about one on each.
#[derive(Serialize, Deserialize)]
#[serde(bound(serialize = "", deserialize = "'de: 'static, T: Row"))]
pub(crate) struct Shelves<T>(Lists<T>);

impl<T: Row> Shelves<T> {
    /// Puts rows on the shelves that their hashes say; on one shelf they stand in the order in which they came.
    pub fn new(mut rows: Vec<(u64, T)>) -> Self {
        let shelves = rows.len().max(1);
        rows.sort_by_key(|&(hash, _)| shelf(hash, shelves));
        let mut rows = rows.into_iter().peekable();
        let lists = (0..shelves).map(|number| {
            let mut on_it = Vec::new();
            while let Some((_, row)) = rows.next_if(|&(hash, _)| shelf(hash, shelves) == number) {
                on_it.push(row);
            }
            on_it
        });
        Shelves(lists.collect())
    }

    /// All rows on the shelf of a hash: those that were put there by it, and others.
    #[inline(always)]
    pub fn of(&self, hash: u64) -> impl Iterator<Item = T> {
        self.0.of(shelf(hash, self.0.len()))
    }

    /// Bytes that they take, wherever they lie.
    pub fn memory(&self) -> usize {
        self.0.memory()
    }
}

/// The shelf of a hash, by its upper half: the lower one is left for the rows to tell each other apart by.
#[inline(always)]
fn shelf(hash: u64, shelves: usize) -> usize {
    (((hash >> 32) * shelves as u64) >> 32) as usize
}

/// Pieces of so many bytes or more lie apart, after all that is shorter.
const LONG: usize = 64;

/// Writes down something with tables in it: first how many bytes what is short comes to, then that, then the tables. So
/// whoever reads it back touches no table: what was compiled with the program and isn't asked for stays on the disk.
///
/// # Errors
///
/// Where the value can't be written at all.
// The build script writes, and a test.
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) fn write(value: &impl Serialize) -> postcard::Result<Vec<u8>> {
    #[derive(Default)]
    struct Parted {
        short: Vec<u8>,
        long: Vec<u8>,
    }
    impl ser_flavors::Flavor for Parted {
        type Output = Parted;
        fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
            self.short.push(byte);
            Ok(())
        }
        fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
            let part = if bytes.len() < LONG { &mut self.short } else { &mut self.long };
            part.extend_from_slice(bytes);
            Ok(())
        }
        fn finalize(self) -> postcard::Result<Parted> {
            Ok(self)
        }
    }
    let Parted { short, long } = postcard::serialize_with_flavor(value, Parted::default())?;
    Ok([&u64::to_le_bytes(short.len() as u64)[..], &short, &long].concat())
}

/// Reads what [`write`] wrote. The tables stay where they are.
///
/// # Errors
///
/// Where it is something else.
pub(crate) fn read<T: Deserialize<'static>>(bytes: &'static [u8]) -> postcard::Result<T> {
    struct Parted {
        short: &'static [u8],
        long: &'static [u8],
    }
    impl de_flavors::Flavor<'static> for Parted {
        type Remainder = ();
        type Source = ();
        fn pop(&mut self) -> postcard::Result<u8> {
            self.try_take_n(1).map(|byte| byte[0])
        }
        fn try_take_n(&mut self, number: usize) -> postcard::Result<&'static [u8]> {
            let part = if number < LONG { &mut self.short } else { &mut self.long };
            part.split_off(..number).ok_or(postcard::Error::DeserializeUnexpectedEnd)
        }
        fn finalize(self) -> postcard::Result<()> {
            Ok(())
        }
    }
    let (short, rest) = bytes.split_first_chunk().ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
    let (short, long) = usize::try_from(u64::from_le_bytes(*short))
        .ok()
        .and_then(|short| rest.split_at_checked(short))
        .ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
    T::deserialize(&mut postcard::Deserializer::from_flavor(Parted { short, long }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_where_it_lies() {
        let lists: Lists<(u16, u64)> =
            [vec![(1, u64::MAX), (2, 3)], vec![], vec![(u16::MAX, 4)]].into_iter().collect();
        let bytes: &'static [u8] = write(&lists).expect("it can be written").leak();
        let read: Lists<(u16, u64)> = read(bytes).expect("it can be read");
        assert_eq!(read.len(), 3);
        assert_eq!(read.of(0).collect::<Vec<_>>(), [(1, u64::MAX), (2, 3)]);
        assert_eq!(read.of(1).count(), 0);
        assert_eq!(read.of(2).collect::<Vec<_>>(), [(u16::MAX, 4)]);
        let within = |part: &[u8]| bytes.as_ptr_range().contains(&part.as_ptr());
        assert!(within(&read.rows.bytes) && !within(&lists.rows.bytes), "only what was read lies there");
    }

    #[test]
    fn what_is_long_lies_after_all_that_is_short() {
        let table = |number: u8| std::iter::repeat_n(number, 100).collect::<Flat<u8>>();
        let bytes: &'static [u8] =
            write(&(table(1), "short", table(2), vec![7u32; 50])).expect("it can be written").leak();
        assert_eq!(bytes[bytes.len() - 200..], [[1; 100], [2; 100]].concat());
        let (first, text, second, numbers): (Flat<u8>, String, Flat<u8>, Vec<u32>) =
            read(bytes).expect("it can be read");
        assert_eq!((first.at(99), text.as_str(), second.at(0), numbers), (1, "short", 2, vec![7; 50]));
        for end in 0..bytes.len() {
            assert!(read::<(Flat<u8>, String, Flat<u8>, Vec<u32>)>(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn half_a_row_is_not_read() {
        let bytes: &'static [u8] = postcard::to_stdvec(&[7u8; 7][..].iter().copied().collect::<Flat<u8>>())
            .expect("it can be written")
            .leak();
        assert!(postcard::from_bytes::<Flat<u32>>(bytes).is_err());
    }

    #[test]
    fn a_shelf_has_what_was_put_there_in_its_order() {
        let hash = |number: u32| u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let rows =
            (0..1_000u32).flat_map(|number| [(hash(number), (number, 1u32)), (hash(number), (number, 2))]);
        let shelves = Shelves::new(rows.collect());
        for number in 0..1_000 {
            let own = shelves.of(hash(number)).filter(|row| row.0 == number).collect::<Vec<_>>();
            assert_eq!(own, [(number, 1), (number, 2)]);
        }
        assert_eq!(Shelves::<u32>::new(Vec::new()).of(7).count(), 0);
    }
}
