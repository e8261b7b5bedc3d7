//! What `lantern store` does with a store that nobody else has open.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::{Secret, StoreError, export as exports, make_folder};
use super::SledStore;
use super::open::{current, try_open};
use crate::shell::clock;

/// What `lantern store check` tells.
#[derive(Debug)]
pub struct Report {
    dir: PathBuf,
    sessions: u64,
    bytes: u64,
    exports: Vec<(PathBuf, Result<u64, String>)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { dir, sessions, bytes, exports } = self;
        writeln!(f, "{}: {sessions} sessions, all readable, {bytes} bytes on disk", dir.display())?;
        for (path, state) in exports {
            match state {
                Ok(count) => writeln!(f, "{}: {count} sessions, whole", path.display())?,
                Err(reason) => writeln!(f, "{reason}")?,
            }
        }
        if exports.is_empty() {
            writeln!(f, "no exports yet; they are made once an hour while Lantern runs")?;
        }
        Ok(())
    }
}

fn open_existing(dir: &Path, limit: Duration) -> Result<SledStore, StoreError> {
    let path = current(dir);
    if !path.is_dir() {
        let reason = "there is no store in it".to_owned();
        return Err(StoreError::Folder { path: dir.to_owned(), reason });
    }
    try_open(dir, &path, limit)
}

/// Opens a store, reads every record and every export, and mends nothing.
///
/// # Errors
///
/// Where there is no store, it is damaged, or another process holds it.
pub fn check(dir: &Path, limit: Duration) -> Result<Report, StoreError> {
    let store = open_existing(dir, limit)?;
    let mut sessions = 0;
    for entry in store.entries() {
        store.stored(&entry?.value)?;
        sessions += 1;
    }
    let bytes = store.db.size_on_disk().map_err(|error| store.failed(error))?;
    let kept = store.exports.kept().into_iter();
    let exports = kept.map(|path| {
        let state = exports::check(&path).map_err(|error| error.to_string());
        (path, state)
    });
    Ok(Report { dir: dir.to_owned(), sessions, bytes, exports: exports.collect() })
}

/// Writes all sessions of a store to a file. Says how many.
///
/// # Errors
///
/// Where the store can't be read or the file can't be written.
pub fn export(dir: &Path, file: &Path, limit: Duration) -> Result<u64, StoreError> {
    let store = open_existing(dir, limit)?;
    store.guard(|| exports::write(file, store.entries()))
}

/// Takes all sessions from a file, which is checked as a whole before anything changes: those that the store
/// lacks or has from earlier, and that have not expired. Says how many.
///
/// # Errors
///
/// Where the file is damaged or the store can't be written.
pub fn import(dir: &Path, file: &Path, limit: Duration) -> Result<u64, StoreError> {
    exports::check(file)?;
    make_folder(dir).map_err(|error| super::folder_error(dir, &error))?;
    Secret::load_or_create(&dir.join("secret"))?;
    let store = try_open(dir, &current(dir), limit)?;
    store.guard(|| store.take(file, clock::now()))
}
