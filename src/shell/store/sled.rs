//! The embedded store: sled 0.34.7.
//!
//! A folder holds `secret`, the database `db`, and `exports`. After damage the database is `db-2`, `db-3`, …,
//! and what was damaged lies beside it as `db.broken-…`.
//!
//! One tree: `s` + key -> when written, when it expires, session ([record](super::record)); `x` + expiry + key
//! -> nothing, by which expired sessions are found. Both change in one transaction.
//!
//! What was measured of sled stands behind the care taken here: `flush` does not survive a power cut (sled
//! issue 1452), so the file is synced as well, and writers that wait at the same time share that.

mod check;
mod open;

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use sled::IVec;
use sled::transaction::{
    ConflictableTransactionError as Conflict, TransactionError, TransactionResult, TransactionalTree,
    UnabortableTransactionError,
};

pub use check::{Report, check, export, import};
pub use open::{Opened, open};

use super::export::{self, Entry, Exports};
use super::record::{self, Stored};
use super::{LONGEST, PersonKey, Put, Store, StoreError, folder_error};

/// Entries of the expiry index are all name.
const NOTHING: &[u8] = &[];
/// How many sessions one transaction of a sweep erases: others wait for as long as it takes.
const AT_ONCE: usize = 100;

fn session_name(key: &PersonKey) -> IVec {
    let mut name = [b's'; 33];
    name[1..].copy_from_slice(key.as_bytes());
    IVec::from(&name[..])
}

fn expiry_name(expires: u64, key: &[u8; 32]) -> IVec {
    let mut name = [b'x'; 41];
    name[1..9].copy_from_slice(&expires.to_be_bytes());
    name[9..].copy_from_slice(key);
    IVec::from(&name[..])
}

/// Sessions in sled.
struct SledStore {
    db: sled::Db,
    /// The folder of the database.
    path: PathBuf,
    /// The database file, to be synced.
    file: File,
    exports: Exports,
    turn: Mutex<SyncTurn>,
    done: Condvar,
}

/// Writers that wait for the disk at the same time share one flush.
#[derive(Default)]
struct SyncTurn {
    asked: u64,
    done: u64,
    /// The last round that failed, and why.
    failed: Option<(u64, String)>,
    running: bool,
}

impl SledStore {
    fn new(db: sled::Db, dir: &Path, path: &Path) -> Result<Self, StoreError> {
        let failed = |error| folder_error(path, &error);
        let file = fs::OpenOptions::new().read(true).write(true).open(path.join("db")).map_err(failed)?;
        // The files themselves must be found again after a power cut.
        for folder in [path, dir] {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(SledStore {
            db,
            path: path.to_owned(),
            file,
            exports: Exports::new(dir.join("exports")),
            turn: Mutex::default(),
            done: Condvar::new(),
        })
    }

    /// Runs a piece of sled that could panic on a damaged file.
    fn guard<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| Err(self.damaged("reading or writing it fails from within")))
    }

    fn damaged(&self, reason: &str) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), reason: reason.to_owned() }
    }

    fn failed(&self, error: sled::Error) -> StoreError {
        match error {
            sled::Error::Io(error) => folder_error(&self.path, &error),
            other => self.damaged(&other.to_string()),
        }
    }

    /// Takes a value apart; every one was readable when the store was opened.
    fn stored<'v>(&self, value: &'v [u8]) -> Result<Stored<'v>, StoreError> {
        record::read(value).map_err(|_| self.damaged("a session is not readable"))
    }

    fn transaction<T>(
        &self,
        work: impl Fn(&TransactionalTree) -> Result<T, Conflict<StoreError>>,
    ) -> Result<T, StoreError> {
        let done: TransactionResult<T, StoreError> = self.db.transaction(work);
        done.map_err(|error| match error {
            TransactionError::Abort(error) => error,
            TransactionError::Storage(error) => self.failed(error),
        })
    }

    /// Waits until everything written so far is on the disk.
    fn sync(&self) -> Result<(), StoreError> {
        let mut turn = self.turn();
        turn.asked += 1;
        let mine = turn.asked;
        loop {
            if turn.done >= mine {
                let failed = turn.failed.as_ref().filter(|(round, _)| *round >= mine);
                return failed.map_or(Ok(()), |(_, reason)| Err(StoreError::Failed(reason.clone())));
            }
            if turn.running {
                turn = self.done.wait(turn).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            turn.running = true;
            let round = turn.asked;
            drop(turn);
            // Whatever happens in here, those who wait must be told.
            let synced = self.guard(|| {
                self.db.flush().map_err(|error| self.failed(error))?;
                self.file.sync_all().map_err(|error| folder_error(&self.path, &error))
            });
            turn = self.turn();
            (turn.running, turn.done) = (false, round);
            self.done.notify_all();
            if let Err(error) = synced {
                turn.failed = Some((round, error.to_string()));
                return Err(error);
            }
        }
    }

    fn turn(&self) -> MutexGuard<'_, SyncTurn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every record, expired ones included.
    fn entries(&self) -> impl Iterator<Item = Result<Entry, StoreError>> + '_ {
        self.db.scan_prefix(b"s").map(|entry| {
            let (name, value) = entry.map_err(|error| self.failed(error))?;
            let key = name.get(1..).and_then(|key| <[u8; 32]>::try_from(key).ok());
            let key = key.ok_or_else(|| self.damaged("a session is not readable"))?;
            Ok(Entry { key: PersonKey::from_bytes(key), value: value.to_vec() })
        })
    }

    /// Takes what an export, which has been checked, has and the database lacks or has from earlier. What has
    /// expired and who was forgotten stay out. Says how many records it took.
    fn take(&self, file: &Path, now: u64) -> Result<u64, StoreError> {
        let forgotten = self.exports.forgotten();
        let mut count = 0;
        let mut batch = sled::Batch::default();
        for entry in export::read(file)? {
            let Entry { key, value } = entry?;
            let Stored { written, expires, .. } = self.stored(&value)?;
            if expires <= now || forgotten.contains(&key) {
                continue;
            }
            let name = session_name(&key);
            if let Some(there) = self.db.get(&name).map_err(|error| self.failed(error))? {
                let there = self.stored(&there)?;
                if there.written >= written {
                    continue;
                }
                batch.remove(expiry_name(there.expires, key.as_bytes()));
            }
            batch.insert(expiry_name(expires, key.as_bytes()), NOTHING);
            batch.insert(name, value);
            count += 1;
            if count % 1_000 == 0 {
                self.db.apply_batch(std::mem::take(&mut batch)).map_err(|error| self.failed(error))?;
            }
        }
        self.db.apply_batch(batch).map_err(|error| self.failed(error))?;
        if count > 0 {
            self.sync()?;
        }
        Ok(count)
    }

    /// Erases some sessions that were seen to have expired, if they still have. Says how many.
    fn erase_expired(&self, found: &[(IVec, [u8; 32])], now: u64) -> Result<usize, StoreError> {
        self.transaction(|db| {
            let mut erased = 0;
            for (name, key) in found {
                let session = session_name(&PersonKey::from_bytes(*key));
                db.remove(name)?;
                // A session that was renewed meanwhile has another expiry, and stays.
                if let Some(value) = db.get(&session)?
                    && self.stored(&value).map_err(Conflict::Abort)?.expires <= now
                {
                    db.remove(session)?;
                    erased += 1;
                }
            }
            Ok(erased)
        })
    }
}

/// Replaces a session and its entry in the index.
fn replace(
    db: &TransactionalTree,
    key: &PersonKey,
    before: Option<u64>,
    value: &[u8],
    expires: u64,
) -> Result<(), UnabortableTransactionError> {
    if before != Some(expires) {
        if let Some(before) = before {
            db.remove(expiry_name(before, key.as_bytes()))?;
        }
        db.insert(expiry_name(expires, key.as_bytes()), NOTHING)?;
    }
    db.insert(session_name(key), value)?;
    Ok(())
}

impl Store for SledStore {
    fn get(&self, key: &PersonKey, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.guard(|| {
            let Some(value) = self.db.get(session_name(key)).map_err(|error| self.failed(error))? else {
                return Ok(None);
            };
            let stored = self.stored(&value)?;
            Ok((stored.expires > now).then(|| stored.session.into_owned()))
        })
    }

    fn put(
        &self,
        key: &PersonKey,
        old: Option<&[u8]>,
        new: &[u8],
        now: u64,
        expires: u64,
    ) -> Result<Put, StoreError> {
        if new.len() > LONGEST {
            return Err(StoreError::TooLong(new.len()));
        }
        let name = session_name(key);
        self.guard(|| {
            let put = self.transaction(|db| {
                let there = db.get(&name)?;
                let there = there.as_deref().map(|value| self.stored(value)).transpose();
                let there = there.map_err(Conflict::Abort)?;
                let live = there.as_ref().filter(|there| there.expires > now);
                if live.map(|there| &*there.session) != old {
                    return Ok(Put::Changed);
                }
                // Two changes in one second, or a clock that was set back, must not look alike to a restore.
                let written = there.as_ref().map_or(now, |there| now.max(there.written.saturating_add(1)));
                let value = record::compose(written, expires, new);
                replace(db, key, there.map(|there| there.expires), &value, expires)?;
                Ok(Put::Done)
            })?;
            if put == Put::Done {
                self.sync()?;
            }
            Ok(put)
        })
    }

    /// In sled's file the bytes can lie until it uses their place again, as with any file that is deleted;
    /// nothing finds them there. A file that an operator exported elsewhere by hand is theirs to look after.
    fn delete(&self, key: &PersonKey) -> Result<bool, StoreError> {
        let name = session_name(key);
        let erase = || {
            let was_there = self.transaction(|db| {
                let Some(value) = db.remove(&name)? else { return Ok(false) };
                let stored = self.stored(&value).map_err(Conflict::Abort)?;
                db.remove(expiry_name(stored.expires, key.as_bytes()))?;
                Ok(true)
            })?;
            if was_there {
                self.sync()?;
            }
            Ok(was_there)
        };
        self.guard(|| self.exports.forget(key, erase))
    }

    fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        self.guard(|| {
            let last = expiry_name(now, &[255; 32]);
            let due = self.db.range(&b"x"[..]..=&last[..]).keys().take(limit);
            let mut found = Vec::new();
            for name in due {
                let name = name.map_err(|error| self.failed(error))?;
                let key = name.get(9..).and_then(|key| <[u8; 32]>::try_from(key).ok());
                found.push((name, key.ok_or_else(|| self.damaged("its index is not readable"))?));
            }
            let mut swept = 0;
            for found in found.chunks(AT_ONCE) {
                swept += self.erase_expired(found, now)?;
            }
            if !found.is_empty() {
                self.sync()?;
            }
            self.exports.purge()?;
            self.exports.make_if_due(now, self.db.is_empty(), self.entries())?;
            Ok(swept)
        })
    }

    fn count(&self) -> Result<u64, StoreError> {
        self.guard(|| {
            let mut count = 0;
            for name in self.db.scan_prefix(b"s").keys() {
                name.map_err(|error| self.failed(error))?;
                count += 1;
            }
            Ok(count)
        })
    }

    fn each(&self, now: u64, look: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.guard(|| {
            for value in self.db.scan_prefix(b"s").values() {
                let value = value.map_err(|error| self.failed(error))?;
                let stored = self.stored(&value)?;
                if stored.expires > now {
                    look(&stored.session);
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
