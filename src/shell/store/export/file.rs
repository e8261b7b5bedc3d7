//! All records in one checksummed file.
//!
//! `LANTERN2`, then each record as length of the value (u32), key (32 bytes), value and CRC-32 of all that;
//! at the end a length of `u32::MAX`, the number of records (u64) and the CRC-32 of that. Numbers are
//! big-endian. A value stands there as it is stored, in whatever layout, so an old file stays readable.
//! A file is written under another name and renamed when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::super::record::{self, Unreadable};
use super::super::{LONGEST, PersonKey, StoreError};

const MAGIC: &[u8; 8] = b"LANTERN2";
const END: u32 = u32::MAX;
/// Room for what [`record`] puts around a session.
const AROUND: usize = 64;
/// How a file is called until it is whole.
pub(super) const UNFINISHED: &str = "unfinished";

/// A record as it is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Entry {
    pub key: PersonKey,
    /// As it is stored; [`record::read`] takes it apart.
    pub value: Vec<u8>,
}

pub(super) fn failed(path: &Path, reason: impl ToString) -> StoreError {
    StoreError::Export { path: path.to_owned(), reason: reason.to_string() }
}

/// Writes a file that is there as a whole or not at all, even when the power fails.
pub(super) fn write_whole(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{UNFINISHED}"));
    let unfinished = PathBuf::from(name);
    let io = |error: io::Error| failed(path, error);
    let write = || {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = BufWriter::with_capacity(1 << 16, options.open(&unfinished).map_err(io)?);
        content(&mut file)?;
        file.into_inner().map_err(|error| failed(path, error.error()))?.sync_all().map_err(io)?;
        fs::rename(&unfinished, path).map_err(io)?;
        sync_folder(path).map_err(io)
    };
    write().inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// Sees to it that a new, renamed or removed file is so after a power cut as well.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Writes all records. Says how many.
pub(in super::super) fn write(
    path: &Path,
    entries: impl Iterator<Item = Result<Entry, StoreError>>,
) -> Result<u64, StoreError> {
    let mut count = 0u64;
    write_whole(path, |file| {
        let io = |error: io::Error| failed(path, error);
        file.write_all(MAGIC).map_err(io)?;
        for entry in entries {
            let Entry { key, value } = entry?;
            let length = u32::try_from(value.len()).map_err(|error| failed(path, error))?;
            let mut body = Vec::with_capacity(value.len() + 40);
            body.extend(length.to_be_bytes());
            body.extend(key.as_bytes());
            body.extend(&value);
            body.extend(crc32fast::hash(&body).to_be_bytes());
            file.write_all(&body).map_err(io)?;
            count += 1;
        }
        let number = count.to_be_bytes();
        file.write_all(&END.to_be_bytes()).map_err(io)?;
        file.write_all(&number).map_err(io)?;
        file.write_all(&crc32fast::hash(&number).to_be_bytes()).map_err(io)
    })?;
    Ok(count)
}

/// Reads a file record by record; a damaged one ends with an error. What came before it must not be used
/// then, so callers [check] first.
pub(in super::super) fn read(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Entry, StoreError>> + use<>, StoreError> {
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
        let entry = next(&mut file, count).map_err(|reason| failed(&path, reason)).transpose();
        count += 1;
        done = !matches!(entry, Some(Ok(_)));
        entry
    }))
}

fn next(file: &mut impl Read, before: u64) -> Result<Option<Entry>, String> {
    let cut = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("it ends in the middle, after {before} sessions"),
        _ => error.to_string(),
    };
    let damaged = || format!("session {} is damaged", before + 1);
    let mut length = [0; 4];
    file.read_exact(&mut length).map_err(cut)?;
    if u32::from_be_bytes(length) == END {
        let (mut count, mut sum) = ([0; 8], [0; 4]);
        file.read_exact(&mut count).and_then(|()| file.read_exact(&mut sum)).map_err(cut)?;
        if crc32fast::hash(&count).to_be_bytes() != sum || u64::from_be_bytes(count) != before {
            return Err(format!("its end doesn't fit its {before} sessions"));
        }
        return match file.read(&mut [0]).map_err(cut)? {
            0 => Ok(None),
            _ => Err("something follows its end".to_owned()),
        };
    }
    let size = u32::from_be_bytes(length) as usize;
    if size > LONGEST + AROUND {
        return Err(damaged());
    }
    let mut body = vec![0; 36 + size];
    body[..4].copy_from_slice(&length);
    let mut sum = [0; 4];
    file.read_exact(&mut body[4..]).and_then(|()| file.read_exact(&mut sum)).map_err(cut)?;
    if crc32fast::hash(&body).to_be_bytes() != sum {
        return Err(damaged());
    }
    let mut key = [0; 32];
    key.copy_from_slice(&body[4..36]);
    Ok(Some(Entry { key: PersonKey::from_bytes(key), value: body[36..].to_vec() }))
}

/// Reads the whole file and says how many records it has.
pub(in super::super) fn check(path: &Path) -> Result<u64, StoreError> {
    let mut count = 0;
    for entry in read(path)? {
        match record::read(&entry?.value) {
            Ok(_) => count += 1,
            Err(Unreadable::Newer) => {
                return Err(failed(path, "it was written by a newer lantern; please use that one"));
            }
            Err(Unreadable::Damaged) => {
                return Err(failed(path, format!("session {} is damaged", count + 1)));
            }
        }
    }
    Ok(count)
}
