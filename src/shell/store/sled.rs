//! The embedded store: sled 0.34.7.
//!
//! A folder holds `secret`, the database `db`, and `exports`. What was measured of sled stands behind the
//! care taken here: `open` can hang or panic on a damaged file, so it runs in a thread of its own, under a
//! time limit; `flush` does not survive a power cut (sled issue 1452), so the file is synced as well.
//!
//! One tree: `s` + key -> expiry and record, `x` + expiry + key -> nothing. Both change in one transaction.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use sled::IVec;
use sled::transaction::{ConflictableTransactionError, TransactionError};

use super::export::{self, Record};
use super::{PersonKey, Put, Secret, Store, StoreError};
use crate::shell::clock;

/// How long a database that another process holds is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How old the newest export may be before another is made, in seconds.
const EXPORT_EVERY: u64 = 3600;
/// Memory that sled may keep pages in, in bytes: its own default of a gigabyte is more than a bot should take.
const CACHE: u64 = 64 << 20;
/// Entries of the expiry index are all name.
const NOTHING: &[u8] = &[];
/// The layout of a value; a later one adds an arm to [`parse`].
const LAYOUT: u8 = 1;

/// An open store, and what happened on the way.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The secret for its keys.
    pub secret: Secret,
    /// What an operator should know, a sentence each; empty where all was well.
    pub story: Vec<String>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("story", &self.story).finish_non_exhaustive()
    }
}

/// Opens the store in a folder, and makes it where there is none. A damaged database is set aside, never
/// deleted, and the newest sound export is restored; all of it within about `limit`.
///
/// # Errors
///
/// Where the folder can't be used, the secret is wrong, another process holds the database, or the disk is full.
pub fn open(dir: &Path, limit: Duration) -> Result<Opened, StoreError> {
    make_folder(dir)?;
    let secret = Secret::load_or_create(&dir.join("secret"))?;
    let mut story = Vec::new();
    let store = open_or_restore(dir, limit, &mut story)?;
    // sled can open a damaged file without a word and with records missing, so what was exported is compared.
    let newest = export::kept(&store.exports()).into_iter().find(|file| export::check(file).is_ok());
    if let Some(file) = newest {
        let count = store.take(&file, clock::now())?;
        if count > 0 {
            story.push(format!("{count} sessions were missing, and were restored from {}", file.display()));
        }
    }
    Ok(Opened { store: Arc::new(store), secret, story })
}

fn open_or_restore(dir: &Path, limit: Duration, story: &mut Vec<String>) -> Result<SledStore, StoreError> {
    let path = dir.join("db");
    let third = limit / 3;
    let damage = match try_open(dir, third) {
        Err(StoreError::Damaged { reason, .. }) => reason,
        other => return other,
    };
    story.push(format!("the store {} is damaged ({damage})", path.display()));
    // A snapshot that was cut short spoils a database that is whole: without it every record comes back.
    if set_snapshots_aside(dir, story)?
        && let Ok(store) = try_open(dir, third)
    {
        story.push("without its snapshots it opened, with nothing lost".to_owned());
        return Ok(store);
    }
    let aside = unused(&dir.join("db.broken"));
    fs::rename(&path, &aside).map_err(|error| folder_error(dir, &error))?;
    story.push(format!("it was moved to {}, and nothing of it was deleted", aside.display()));
    try_open(dir, third)
}

/// Opens the database in a thread, since a damaged one can hang or panic, and reads every record once.
fn try_open(dir: &Path, limit: Duration) -> Result<SledStore, StoreError> {
    let path = dir.join("db");
    let began = Instant::now();
    loop {
        let (tell, hear) = mpsc::channel();
        let place = path.clone();
        let opening = std::thread::Builder::new().name("open store".into()).spawn(move || {
            let opened = catch_unwind(AssertUnwindSafe(|| open_and_read(&place)));
            // Nobody listens any more once the time is up.
            let _ = tell.send(opened);
        });
        opening.map_err(|error| StoreError::Failed(format!("no thread to open it ({error})")))?;
        let damaged = |reason: &str| StoreError::Damaged { path: path.clone(), reason: reason.to_owned() };
        let answer = hear.recv_timeout(limit.saturating_sub(began.elapsed()).max(Duration::from_millis(100)));
        let error = match answer {
            Ok(Ok(Ok(db))) => return SledStore::new(db, dir),
            Ok(Ok(Err(error))) => error,
            Ok(Err(_)) => return Err(damaged("opening it fails from within")),
            Err(_) => return Err(damaged("opening it takes too long")),
        };
        match &error {
            sled::Error::Io(io)
                if io.kind() == io::ErrorKind::WouldBlock || io.to_string().contains("WouldBlock") =>
            {
                if began.elapsed() >= PATIENCE {
                    return Err(StoreError::Locked(path));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            sled::Error::Io(io) if is_damage(io) => return Err(damaged(&io.to_string())),
            sled::Error::Io(io) => return Err(folder_error(dir, io)),
            other => return Err(damaged(&other.to_string())),
        }
    }
}

/// What sled reports as input or output errors, and is damage all the same.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::Other)
}

fn open_and_read(path: &Path) -> sled::Result<sled::Db> {
    // A panic here is caught and told in one sentence; the default message would tell it in forty lines.
    let db = sled::Config::new().path(path).cache_capacity(CACHE).flush_every_ms(None).open()?;
    for record in db.iter() {
        let (key, value) = record?;
        if key.first() == Some(&b's') && parse(&value).is_none() {
            return Err(sled::Error::Unsupported("a record has an unknown layout".into()));
        }
    }
    Ok(db)
}

fn make_folder(dir: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| folder_error(dir, &error))
}

fn folder_error(dir: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StoreError::Full(dir.to_owned())
        }
        _ => StoreError::Folder { path: dir.to_owned(), reason: error.to_string() },
    }
}

/// Moves `snap.*` into a folder of their own. Says whether there were any.
fn set_snapshots_aside(dir: &Path, story: &mut Vec<String>) -> Result<bool, StoreError> {
    let entries = fs::read_dir(dir.join("db")).map_err(|error| folder_error(dir, &error))?;
    let snapshots: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("snap."))
        .map(|entry| entry.path())
        .collect();
    if snapshots.is_empty() {
        return Ok(false);
    }
    let aside = unused(&dir.join("snapshots.broken"));
    fs::create_dir(&aside).map_err(|error| folder_error(dir, &error))?;
    for file in &snapshots {
        if let Some(name) = file.file_name() {
            fs::rename(file, aside.join(name)).map_err(|error| folder_error(dir, &error))?;
        }
    }
    story.push(format!("its snapshots were moved to {}", aside.display()));
    Ok(true)
}

/// A name that nothing has yet: `db.broken`, `db.broken-2`, …
fn unused(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let numbered = (2..).map(|n| path.with_file_name(format!("{name}-{n}")));
    std::iter::once(path.to_owned())
        .chain(numbered)
        .find(|path| !path.exists())
        .unwrap_or_else(|| path.to_owned())
}

/// The expiry and the record of a value, in this or any earlier layout.
fn parse(value: &[u8]) -> Option<(u64, &[u8])> {
    match value.split_first()? {
        // A later layout adds its own arm and turns what it reads into this shape.
        (&LAYOUT, rest) => {
            let (expires, record) = rest.split_first_chunk::<8>()?;
            Some((u64::from_be_bytes(*expires), record))
        }
        _ => None,
    }
}

fn compose(expires: u64, record: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(record.len() + 9);
    value.push(LAYOUT);
    value.extend(expires.to_be_bytes());
    value.extend(record);
    value
}

fn session_name(key: &PersonKey) -> IVec {
    let mut name = [b's'; 33];
    name[1..].copy_from_slice(key.as_bytes());
    IVec::from(&name[..])
}

fn expiry_name(expires: u64, key: &[u8]) -> IVec {
    let mut name = [b'x'; 41];
    name[1..9].copy_from_slice(&expires.to_be_bytes());
    name[9..].copy_from_slice(key);
    IVec::from(&name[..])
}

/// Sessions in sled.
struct SledStore {
    db: sled::Db,
    dir: PathBuf,
    /// The database file, to be synced.
    file: File,
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
    fn new(db: sled::Db, dir: &Path) -> Result<Self, StoreError> {
        let file = File::open(dir.join("db").join("db")).map_err(|error| folder_error(dir, &error))?;
        Ok(SledStore { db, dir: dir.to_owned(), file, turn: Mutex::default(), done: Condvar::new() })
    }

    fn exports(&self) -> PathBuf {
        self.dir.join("exports")
    }

    /// Runs a piece of sled that could panic on a damaged file.
    fn guard<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            Err(StoreError::Damaged {
                path: self.dir.join("db"),
                reason: "reading or writing it fails from within".to_owned(),
            })
        })
    }

    fn failed(&self, error: sled::Error) -> StoreError {
        match error {
            sled::Error::Io(error) => folder_error(&self.dir, &error),
            other => StoreError::Damaged { path: self.dir.join("db"), reason: other.to_string() },
        }
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
            let synced =
                self.db.flush().map(drop).and_then(|()| self.file.sync_all().map_err(sled::Error::Io));
            turn = self.turn();
            (turn.running, turn.done) = (false, round);
            if let Err(error) = synced {
                turn.failed = Some((round, self.failed(error).to_string()));
            }
            self.done.notify_all();
        }
    }

    fn turn(&self) -> MutexGuard<'_, SyncTurn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every record, expired ones included.
    fn records(&self) -> impl Iterator<Item = Result<Record, StoreError>> + '_ {
        self.db.scan_prefix(b"s").map(|entry| {
            let (name, value) = entry.map_err(|error| self.failed(error))?;
            let parsed = name.get(1..).and_then(|key| <[u8; 32]>::try_from(key).ok()).zip(parse(&value));
            let (key, (expires, bytes)) =
                parsed.ok_or_else(|| StoreError::Failed("a record is not readable".to_owned()))?;
            Ok(Record { key: PersonKey::from_bytes(key), expires, bytes: bytes.to_vec() })
        })
    }

    /// Takes what an export, which has been checked, has and the database lacks or has from earlier. What has
    /// expired stays out, and who was forgotten is in no export. Says how many records it took.
    fn take(&self, file: &Path, now: u64) -> Result<u64, StoreError> {
        let mut count = 0;
        let mut batch = sled::Batch::default();
        for record in export::read(file)? {
            let Record { key, expires, bytes } = record?;
            let name = session_name(&key);
            let there = self.db.get(&name).map_err(|error| self.failed(error))?;
            let before = there.as_deref().and_then(parse).map(|(expires, _)| expires);
            if expires <= now || before.is_some_and(|before| before >= expires) {
                continue;
            }
            if let Some(before) = before {
                batch.remove(expiry_name(before, key.as_bytes()));
            }
            batch.insert(name, compose(expires, &bytes));
            batch.insert(expiry_name(expires, key.as_bytes()), NOTHING);
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

    /// Makes an export if the newest one is older than an hour.
    fn export_if_due(&self, now: u64) -> Result<(), StoreError> {
        let folder = self.exports();
        let due = export::name(&folder, now.saturating_sub(EXPORT_EVERY));
        if self.db.is_empty() || export::kept(&folder).first().is_some_and(|newest| *newest > due) {
            return Ok(());
        }
        make_folder(&folder)?;
        export::write(&export::name(&folder, now), self.records())?;
        export::prune(&folder);
        Ok(())
    }
}

impl Store for SledStore {
    fn get(&self, key: &PersonKey, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.guard(|| {
            let value = self.db.get(session_name(key)).map_err(|error| self.failed(error))?;
            let parsed = value.as_deref().and_then(parse).filter(|(expires, _)| *expires > now);
            Ok(parsed.map(|(_, record)| record.to_vec()))
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
        let name = session_name(key);
        self.guard(|| {
            let written = self.db.transaction(|db| {
                let there = db.get(&name)?;
                let parsed = there.as_deref().and_then(parse);
                if parsed.filter(|(expires, _)| *expires > now).map(|(_, record)| record) != old {
                    return Err(ConflictableTransactionError::Abort(()));
                }
                match parsed {
                    Some((before, _)) if before == expires => {}
                    Some((before, _)) => {
                        db.remove(expiry_name(before, key.as_bytes()))?;
                        db.insert(expiry_name(expires, key.as_bytes()), NOTHING)?;
                    }
                    None => drop(db.insert(expiry_name(expires, key.as_bytes()), NOTHING)?),
                }
                db.insert(&name, compose(expires, new))?;
                Ok(())
            });
            match written {
                Ok(()) => self.sync().map(|()| Put::Done),
                Err(TransactionError::Abort(())) => Ok(Put::Changed),
                Err(TransactionError::Storage(error)) => Err(self.failed(error)),
            }
        })
    }

    fn delete(&self, key: &PersonKey) -> Result<bool, StoreError> {
        let name = session_name(key);
        self.guard(|| {
            if self.db.get(&name).map_err(|error| self.failed(error))?.is_none() {
                return Ok(false);
            }
            // The exports first: whoever dies in between has not forgotten anybody, and has said nothing.
            export::forget(&self.exports(), key)?;
            let erased = self.db.transaction(|db| {
                if let Some((expires, _)) = db.remove(&name)?.as_deref().and_then(parse) {
                    db.remove(expiry_name(expires, key.as_bytes()))?;
                }
                Ok::<_, ConflictableTransactionError<()>>(())
            });
            match erased {
                Ok(()) | Err(TransactionError::Abort(())) => self.sync().map(|()| true),
                Err(TransactionError::Storage(error)) => Err(self.failed(error)),
            }
        })
    }

    fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        self.guard(|| {
            let last = expiry_name(now, &[255; 32]);
            let mut swept = 0;
            let mut batch = sled::Batch::default();
            for entry in self.db.range(&b"x"[..]..=&last[..]).take(limit) {
                let (name, _) = entry.map_err(|error| self.failed(error))?;
                let Some(key) = name.get(9..).and_then(|key| <[u8; 32]>::try_from(key).ok()) else {
                    continue;
                };
                // A session that was renewed meanwhile has another expiry, and stays.
                let session = session_name(&PersonKey::from_bytes(key));
                let value = self.db.get(&session).map_err(|error| self.failed(error))?;
                if value.as_deref().and_then(parse).is_none_or(|(expires, _)| expires <= now) {
                    batch.remove(session);
                    swept += 1;
                }
                batch.remove(name);
            }
            self.db.apply_batch(batch).map_err(|error| self.failed(error))?;
            if swept > 0 {
                self.sync()?;
            }
            self.export_if_due(now)?;
            Ok(swept)
        })
    }

    fn count(&self) -> Result<u64, StoreError> {
        self.guard(|| Ok(self.db.scan_prefix(b"s").count() as u64))
    }
}

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
    if !dir.join("db").is_dir() {
        let reason = "there is no store in it".to_owned();
        return Err(StoreError::Folder { path: dir.to_owned(), reason });
    }
    try_open(dir, limit)
}

/// Opens a store, reads every record and every export, and changes nothing.
///
/// # Errors
///
/// Where there is no store, it is damaged, or another process holds it.
pub fn check(dir: &Path, limit: Duration) -> Result<Report, StoreError> {
    let store = open_existing(dir, limit)?;
    let mut sessions = 0;
    for record in store.records() {
        record?;
        sessions += 1;
    }
    let bytes = store.db.size_on_disk().map_err(|error| store.failed(error))?;
    let exports = export::kept(&store.exports())
        .into_iter()
        .map(|path| (path.clone(), export::check(&path).map_err(|error| error.to_string())))
        .collect();
    Ok(Report { dir: dir.to_owned(), sessions, bytes, exports })
}

/// Writes all sessions of a store to a file. Says how many.
///
/// # Errors
///
/// Where the store can't be read or the file can't be written.
pub fn export(dir: &Path, file: &Path, limit: Duration) -> Result<u64, StoreError> {
    let store = open_existing(dir, limit)?;
    export::write(file, store.records())
}

/// Takes all sessions from a file, which is checked as a whole before anything changes. Says how many.
///
/// # Errors
///
/// Where the file is damaged or the store can't be written.
pub fn import(dir: &Path, file: &Path, limit: Duration) -> Result<u64, StoreError> {
    export::check(file)?;
    make_folder(dir)?;
    Secret::load_or_create(&dir.join("secret"))?;
    try_open(dir, limit)?.take(file, clock::now())
}

#[cfg(test)]
mod tests;
