//! All records in one checksummed file: what is restored from when a database is damaged.
//!
//! `LANTERN1`, then each record as length (u32), key (32 bytes), expiry (u64), bytes and CRC-32 of all
//! that; at the end a length of `u32::MAX`, the number of records (u64) and the CRC-32 of that. Numbers
//! are big-endian. A file is written under another name and renamed when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::{PersonKey, StoreError};

const MAGIC: &[u8; 8] = b"LANTERN1";
const END: u32 = u32::MAX;
/// The longest record that is believed, in bytes.
const LONGEST: u32 = 1 << 20;
/// How many exports are kept.
const KEPT: usize = 3;

/// A record as it is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub key: PersonKey,
    pub expires: u64,
    pub bytes: Vec<u8>,
}

fn failed(path: &Path, reason: impl ToString) -> StoreError {
    StoreError::Export { path: path.to_owned(), reason: reason.to_string() }
}

/// Writes all records. Says how many.
pub(super) fn write(
    path: &Path,
    records: impl Iterator<Item = Result<Record, StoreError>>,
) -> Result<u64, StoreError> {
    let unfinished = path.with_extension("unfinished");
    let count = write_to(&unfinished, records).inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
    fs::rename(&unfinished, path).map_err(|error| failed(path, error))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(path, error))?;
    Ok(count)
}

fn write_to(
    path: &Path,
    records: impl Iterator<Item = Result<Record, StoreError>>,
) -> Result<u64, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let io = |error: io::Error| failed(path, error);
    let mut file = BufWriter::new(options.open(path).map_err(io)?);
    file.write_all(MAGIC).map_err(io)?;
    let mut count = 0u64;
    for record in records {
        let Record { key, expires, bytes } = record?;
        let length = u32::try_from(bytes.len()).unwrap_or(END);
        let mut body = Vec::with_capacity(bytes.len() + 48);
        body.extend(length.to_be_bytes());
        body.extend(key.as_bytes());
        body.extend(expires.to_be_bytes());
        body.extend(&bytes);
        body.extend(crc32fast::hash(&body).to_be_bytes());
        file.write_all(&body).map_err(io)?;
        count += 1;
    }
    let count_bytes = count.to_be_bytes();
    file.write_all(&END.to_be_bytes()).map_err(io)?;
    file.write_all(&count_bytes).map_err(io)?;
    file.write_all(&crc32fast::hash(&count_bytes).to_be_bytes()).map_err(io)?;
    file.into_inner().map_err(|error| failed(path, error.error()))?.sync_all().map_err(io)?;
    Ok(count)
}

/// Reads a file record by record; a damaged one ends with an error. What came before it must not be used
/// then, so callers [check](check) first.
pub(super) fn read(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Record, StoreError>> + use<>, StoreError> {
    let path = path.to_owned();
    let mut file = BufReader::new(File::open(&path).map_err(|error| failed(&path, error))?);
    let mut magic = [0; 8];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == *MAGIC => {}
        _ => return Err(failed(&path, "this is not a file that lantern store export wrote")),
    }
    let (mut count, mut done) = (0u64, false);
    Ok(std::iter::from_fn(move || {
        if done {
            return None;
        }
        let record = next(&mut file, count).map_err(|reason| failed(&path, reason)).transpose();
        count += 1;
        done = !matches!(record, Some(Ok(_)));
        record
    }))
}

fn next(file: &mut impl Read, before: u64) -> Result<Option<Record>, String> {
    let cut = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("it ends in the middle, after {before} sessions"),
        _ => error.to_string(),
    };
    let mut length = [0; 4];
    file.read_exact(&mut length).map_err(cut)?;
    if u32::from_be_bytes(length) == END {
        let (mut count, mut sum) = ([0; 8], [0; 4]);
        file.read_exact(&mut count).and_then(|()| file.read_exact(&mut sum)).map_err(cut)?;
        let whole = crc32fast::hash(&count).to_be_bytes() == sum && u64::from_be_bytes(count) == before;
        return if whole { Ok(None) } else { Err(format!("its end doesn't fit its {before} sessions")) };
    }
    if u32::from_be_bytes(length) > LONGEST {
        return Err(format!("session {} is damaged", before + 1));
    }
    let mut body = vec![0; 4 + 40 + u32::from_be_bytes(length) as usize];
    body[..4].copy_from_slice(&length);
    let mut sum = [0; 4];
    file.read_exact(&mut body[4..]).and_then(|()| file.read_exact(&mut sum)).map_err(cut)?;
    if crc32fast::hash(&body).to_be_bytes() != sum {
        return Err(format!("session {} is damaged", before + 1));
    }
    let (mut key, mut expires) = ([0; 32], [0; 8]);
    key.copy_from_slice(&body[4..36]);
    expires.copy_from_slice(&body[36..44]);
    Ok(Some(Record {
        key: PersonKey::from_bytes(key),
        expires: u64::from_be_bytes(expires),
        bytes: body[44..].to_vec(),
    }))
}

/// Reads the whole file and says how many records it has.
pub(super) fn check(path: &Path) -> Result<u64, StoreError> {
    let mut count = 0;
    for record in read(path)? {
        record?;
        count += 1;
    }
    Ok(count)
}

/// The exports of a folder, newest first.
pub(super) fn kept(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "export"));
    files.sort_unstable_by(|a, b| b.cmp(a));
    files
}

/// The name of an export made at this second; names sort by age.
pub(super) fn name(folder: &Path, now: u64) -> PathBuf {
    folder.join(format!("sessions-{now:012}.export"))
}

/// Removes all exports but the newest ones.
pub(super) fn prune(folder: &Path) {
    for old in kept(folder).iter().skip(KEPT) {
        // One that stays is pruned the next time.
        let _ = fs::remove_file(old);
    }
}

/// Takes one person out of every kept export: who asks to be forgotten must not come back with a restore.
pub(super) fn forget(folder: &Path, key: &PersonKey) -> Result<(), StoreError> {
    for path in kept(folder) {
        let mut is_there = false;
        let whole = read(&path).and_then(|mut records| {
            records.try_for_each(|record| record.map(|record| is_there |= record.key == *key))
        });
        match whole {
            Ok(()) if !is_there => {}
            Ok(()) => {
                let others =
                    read(&path)?.filter(|record| !record.as_ref().is_ok_and(|record| record.key == *key));
                write(&path, others)?;
            }
            // One that is damaged restores nobody, and could still hold the person.
            Err(_) => fs::remove_file(&path).map_err(|error| failed(&path, error))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::store::Secret;

    fn record(n: u64) -> Record {
        let key = PersonKey::new(&Secret::from_seed(1), "test", &n.to_string(), "");
        Record { key, expires: n, bytes: vec![7; n as usize % 50] }
    }

    fn exported(count: u64) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = name(folder.path(), 1);
        assert_eq!(write(&path, (0..count).map(|n| Ok(record(n)))).expect("written"), count);
        (folder, path)
    }

    #[test]
    fn what_is_exported_is_read_back() {
        let (_folder, path) = exported(100);
        let back: Vec<Record> = read(&path).expect("an export").collect::<Result<_, _>>().expect("whole");
        assert_eq!(back, (0..100).map(record).collect::<Vec<_>>());
    }

    #[test]
    fn an_export_that_is_damaged_anywhere_is_noticed() {
        let (_folder, path) = exported(5);
        let whole = fs::read(&path).expect("bytes");
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).expect("written");
            assert!(check(&path).is_err(), "byte {at}");
            fs::write(&path, &whole[..at]).expect("written");
            assert!(check(&path).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn who_is_forgotten_is_gone_from_every_export() {
        let (folder, path) = exported(10);
        let second = name(folder.path(), 2);
        fs::copy(&path, &second).expect("a second one");
        forget(folder.path(), &record(3).key).expect("forgotten");
        for path in [path, second] {
            let left: Vec<Record> = read(&path).expect("an export").collect::<Result<_, _>>().expect("whole");
            assert_eq!(left.len(), 9);
            assert!(left.iter().all(|left| left.key != record(3).key));
        }
    }

    #[test]
    fn only_the_newest_exports_are_kept() {
        let (folder, path) = exported(1);
        for n in 2..7 {
            fs::copy(&path, name(folder.path(), n)).expect("a copy");
        }
        prune(folder.path());
        assert_eq!(kept(folder.path()), [6, 5, 4].map(|n| name(folder.path(), n)));
    }
}
