//! Exports: what is restored from when a database is damaged, and who must not come back with them.
//!
//! Who asks to be forgotten is noted in a file `forgotten` before the database erases them: a restore passes
//! over them from then on. Then they are taken out of every kept export, and the note goes as well: at once
//! where that takes no noticeable time, with the next sweep where exports are large. The note is a keyed hash,
//! like every key, and names nobody.

mod file;

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

pub(super) use file::{Entry, check, read, write};
use file::{UNFINISHED, failed, sync_folder, write_whole};

use super::{PersonKey, StoreError};

/// How many exports are kept.
const KEPT: usize = 3;
/// How old the newest export may be before another is made, in seconds.
const EVERY: u64 = 3600;
/// Up to how many bytes of exports somebody is taken out of while they wait; some 20,000 sessions.
const AT_ONCE: u64 = 8 << 20;
/// A key and its CRC-32 in the file of the forgotten.
const NOTE: usize = 36;

/// The folder of exports of one store.
pub(super) struct Exports {
    folder: PathBuf,
    /// Held while an export is written.
    writing: Mutex<()>,
    /// Shared by those who are forgetting somebody; a purge waits until the database has erased them, or the
    /// next export could hold somebody whose note is gone.
    forgetting: RwLock<()>,
    /// Held while the file of the forgotten changes.
    noting: Mutex<()>,
}

fn locked(lock: &Mutex<()>) -> MutexGuard<'_, ()> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Exports {
    pub fn new(folder: PathBuf) -> Self {
        Exports { folder, writing: Mutex::default(), forgetting: RwLock::default(), noting: Mutex::default() }
    }

    /// All exports, newest first.
    pub fn kept(&self) -> Vec<PathBuf> {
        let mut kept = self.files("export");
        kept.sort_unstable_by(|a, b| b.cmp(a));
        kept
    }

    /// The newest one that is whole.
    pub fn newest_sound(&self) -> Option<PathBuf> {
        self.kept().into_iter().find(|path| check(path).is_ok())
    }

    /// Makes an export if the newest one is older than an hour. Where nothing is stored and nothing was exported,
    /// there is nothing to do; where something was, the empty export that follows is what lets it go.
    pub fn make_if_due(
        &self,
        now: u64,
        is_empty: bool,
        entries: impl Iterator<Item = Result<Entry, StoreError>>,
    ) -> Result<(), StoreError> {
        let _order = locked(&self.writing);
        let kept = self.kept();
        let due = self.name(now.saturating_sub(EVERY));
        if kept.first().map_or(is_empty, |newest| *newest > due) {
            return Ok(());
        }
        super::make_folder(&self.folder).map_err(|error| failed(&self.folder, error))?;
        write(&self.name(now), entries)?;
        for old in self.kept().iter().skip(KEPT) {
            // One that stays is removed the next time.
            let _ = fs::remove_file(old);
        }
        Ok(())
    }

    /// Removes what a process that died was writing: it restores nobody, and could hold somebody.
    pub fn tidy(&self) {
        for file in self.files(UNFINISHED) {
            let _ = fs::remove_file(file);
        }
    }

    /// Forgets somebody: `erase` takes them out of the database, durably. A process that dies before it is done
    /// has either kept them as they were or forgotten them; no restore brings back an earlier state.
    pub fn forget<T>(
        &self,
        key: &PersonKey,
        erase: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let erased = {
            let _under_way = self.forgetting.read().unwrap_or_else(PoisonError::into_inner);
            self.note(key)?;
            erase()?
        };
        let size = |path: &PathBuf| path.metadata().map_or(0, |file| file.len());
        if self.kept().iter().map(size).sum::<u64>() <= AT_ONCE
            && let Ok(_order) = self.writing.try_lock()
        {
            // They are forgotten already; what fails now is tried again by the next sweep.
            let _ = self.purge_in_order();
        }
        Ok(erased)
    }

    /// Who is passed over by a restore.
    pub fn forgotten(&self) -> HashSet<PersonKey> {
        self.notes().into_iter().flatten().collect()
    }

    /// Takes the forgotten out of every kept export, and then out of their own file.
    pub fn purge(&self) -> Result<(), StoreError> {
        let _order = locked(&self.writing);
        self.purge_in_order()
    }

    /// To be called by who writes exports.
    fn purge_in_order(&self) -> Result<(), StoreError> {
        let notes = {
            let _nobody_under_way = self.forgetting.write().unwrap_or_else(PoisonError::into_inner);
            self.notes()
        };
        if notes.is_empty() {
            return Ok(());
        }
        let gone: HashSet<PersonKey> = notes.iter().copied().flatten().collect();
        for path in self.kept() {
            purge_one(&path, &gone)?;
        }
        // Notes that were added meanwhile stand behind those that are done with.
        let _order = locked(&self.noting);
        let path = self.notes_path();
        let io = |error: io::Error| failed(&path, error);
        let bytes = fs::read(&path).map_err(io)?;
        match bytes.get(notes.len() * NOTE..) {
            Some(left) if left.len() >= NOTE => write_whole(&path, |file| file.write_all(left).map_err(io)),
            _ => fs::remove_file(&path).and_then(|()| sync_folder(&path)).map_err(io),
        }
    }

    fn note(&self, key: &PersonKey) -> Result<(), StoreError> {
        let _order = locked(&self.noting);
        let path = self.notes_path();
        let append = || {
            super::make_folder(&self.folder)?;
            let mut options = OpenOptions::new();
            options.append(true).create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&path)?;
            // A note that was cut short was never answered for; it must not spoil the next.
            let whole = file.metadata()?.len() / NOTE as u64 * NOTE as u64;
            file.set_len(whole)?;
            file.write_all(&note(key))?;
            file.sync_all()?;
            sync_folder(&path)
        };
        append().map_err(|error: io::Error| failed(&path, error))
    }

    /// The notes in order; none for one that is damaged.
    fn notes(&self) -> Vec<Option<PersonKey>> {
        let _order = locked(&self.noting);
        let bytes = fs::read(self.notes_path()).unwrap_or_default();
        let notes = bytes.chunks_exact(NOTE).map(|chunk| {
            let key = PersonKey::from_bytes(*chunk.first_chunk::<32>()?);
            (note(&key) == chunk).then_some(key)
        });
        notes.collect()
    }

    fn notes_path(&self) -> PathBuf {
        self.folder.join("forgotten")
    }

    /// The name of an export made at this second; names sort by age.
    fn name(&self, now: u64) -> PathBuf {
        self.folder.join(format!("sessions-{now:012}.export"))
    }

    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok);
        let paths = entries.map(|entry| entry.path());
        paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
    }
}

fn note(key: &PersonKey) -> [u8; NOTE] {
    let mut note = [0; NOTE];
    note[..32].copy_from_slice(key.as_bytes());
    note[32..].copy_from_slice(&crc32fast::hash(key.as_bytes()).to_be_bytes());
    note
}

fn purge_one(path: &Path, gone: &HashSet<PersonKey>) -> Result<(), StoreError> {
    let mut is_there = false;
    let whole = read(path).and_then(|mut entries| {
        entries.try_for_each(|entry| entry.map(|entry| is_there |= gone.contains(&entry.key)))
    });
    match whole {
        Ok(()) if !is_there => Ok(()),
        Ok(()) => {
            let others =
                read(path)?.filter(|entry| !entry.as_ref().is_ok_and(|entry| gone.contains(&entry.key)));
            write(path, others).map(drop)
        }
        // One that is damaged restores nobody, and could still hold them.
        Err(_) => fs::remove_file(path).map_err(|error| failed(path, error)),
    }
}

#[cfg(test)]
mod tests;
