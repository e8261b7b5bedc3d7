//! Opening a database that may be damaged, held by another process, or on a disk that is full.
//!
//! What was measured of sled 0.34.7: a leftover or short snapshot makes `open` fail, a zeroed page can make it
//! hang or panic, and a cut tail can be accepted without a word. So it is opened in a thread, under a time
//! limit, and read once from end to end; then it is compared with the newest export.
//!
//! A thread that hangs can't be ended. It keeps its lock, and if it ever gets on it writes and removes snapshots
//! by name. So what was damaged is moved away, and its name is never used again: `db`, then `db-2`, `db-3`, …

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once, mpsc};
use std::time::{Duration, Instant};

use super::super::record::{self, Unreadable};
use super::super::{PersonKey, Secret, Store, StoreError, folder_error, make_folder};
use super::{NOTHING, SledStore, expiry_name};
use crate::shell::clock;

/// How long a database that another process holds is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many bytes of a large database may be read in a second before it counts as hanging. A slow disk reads
/// some 100 MB: a healthy store must never be taken for a damaged one.
const SLOWEST: u64 = 16 << 20;
/// How much memory sled may take for pages that were read.
const CACHE: u64 = 64 << 20;

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
/// deleted, and the newest sound export is restored; all of it within about `limit`, and a second more for
/// each 16 MiB of a large database.
///
/// # Errors
///
/// Where the folder can't be used, the secret is wrong, another process holds the database, the disk is full,
/// or a newer version wrote it.
pub fn open(dir: &Path, limit: Duration) -> Result<Opened, StoreError> {
    make_folder(dir).map_err(|error| folder_error(dir, &error))?;
    let place = dir.join("secret");
    let orphaned = !place.exists() && current(dir).exists();
    let secret = Secret::load_or_create(&place)?;
    let mut story = Vec::new();
    if orphaned {
        story.push(format!(
            "the secret {} was missing, and another was made: nobody's earlier session is found any more",
            place.display()
        ));
    }
    let store = open_or_mend(dir, limit, &mut story)?;
    store.exports.tidy();
    // sled can open a damaged file without a word and with records missing.
    if let Some(file) = store.exports.newest_sound() {
        let count = store.guard(|| store.take(&file, clock::now()))?;
        if count > 0 {
            story.push(format!("{count} sessions were missing, and were restored from {}", file.display()));
        }
    }
    Ok(Opened { store: Arc::new(store), secret, story })
}

/// The folder of the database that is in use: the last of `db`, `db-2`, `db-3`, …
pub(super) fn current(dir: &Path) -> PathBuf {
    generation(dir, newest(dir).unwrap_or(1))
}

fn generation(dir: &Path, number: u32) -> PathBuf {
    dir.join(if number == 1 { "db".to_owned() } else { format!("db-{number}") })
}

fn newest(dir: &Path) -> Option<u32> {
    let names = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.file_name());
    let number = |name: &str| match name.strip_prefix("db")? {
        "" => Some(1),
        rest => rest.strip_prefix('-')?.parse().ok(),
    };
    names.filter_map(|name| number(name.to_str()?)).max()
}

fn open_or_mend(dir: &Path, limit: Duration, story: &mut Vec<String>) -> Result<SledStore, StoreError> {
    let number = newest(dir).unwrap_or(1);
    let path = generation(dir, number);
    let damage = match try_open(dir, &path, limit / 2) {
        Err(StoreError::Damaged { reason, .. }) => reason,
        other => return other,
    };
    story.push(format!("the store {} is damaged ({damage})", path.display()));
    let aside = unused(&dir.join(format!("db.broken-{}", clock::now())));
    fs::rename(&path, &aside).map_err(|error| folder_error(dir, &error))?;
    story.push(format!(
        "it was moved to {}, and nothing of it was deleted; please do that when nobody needs it any more, since it holds sessions",
        aside.display()
    ));
    if let Some(store) = open_without_snapshots(dir, &aside, number + 1, limit / 4) {
        story.push("a copy without its snapshots is sound, and is used".to_owned());
        return Ok(store);
    }
    try_open(dir, &generation(dir, number + 2), limit / 4)
}

/// A snapshot that was cut short spoils a database that is whole; it is only a short cut through the log, so
/// a copy without it has every record.
fn open_without_snapshots(dir: &Path, aside: &Path, number: u32, limit: Duration) -> Option<SledStore> {
    let is_snapshot = |name: &str| name.starts_with("snap.");
    let entries = || fs::read_dir(aside).into_iter().flatten().filter_map(Result::ok);
    if !entries().any(|entry| is_snapshot(&entry.file_name().to_string_lossy())) {
        return None;
    }
    // Half a copy must never be taken for a database: it gets its name when it is whole.
    let (unfinished, path) = (dir.join("copy.unfinished"), generation(dir, number));
    let _ = fs::remove_dir_all(&unfinished);
    let copied = copy(aside, &unfinished, &is_snapshot).and_then(|()| fs::rename(&unfinished, &path));
    let opened = copied.ok().and_then(|()| try_open(dir, &path, limit).ok());
    if opened.is_none() {
        // Only the copy; what it was made of stays.
        let _ = fs::remove_dir_all(&unfinished);
        let _ = fs::remove_dir_all(&path);
    }
    opened
}

fn copy(from: &Path, to: &Path, leave_out: &dyn Fn(&str) -> bool) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target, leave_out)?;
        } else if path.is_file() && !leave_out(&entry.file_name().to_string_lossy()) {
            fs::copy(&path, &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    File::open(to)?.sync_all()
}

/// A name that nothing has yet.
fn unused(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut numbered = (2..).map(|n| path.with_file_name(format!("{name}-{n}")));
    let mut found = path.to_owned();
    while found.exists() {
        found = numbered.next().unwrap_or_default();
    }
    found
}

/// Opens the database in a thread, since a damaged one can hang or panic, and reads every record once.
pub(super) fn try_open(dir: &Path, path: &Path, limit: Duration) -> Result<SledStore, StoreError> {
    keep_panics_quiet();
    let bytes = path.join("db").metadata().map_or(0, |file| file.len());
    let limit = limit + Duration::from_millis(bytes * 1000 / SLOWEST);
    let began = Instant::now();
    loop {
        let (tell, hear) = mpsc::channel();
        let place = path.to_owned();
        let opening = std::thread::Builder::new().name(OPENING.into()).spawn(move || {
            let opened = catch_unwind(AssertUnwindSafe(|| open_and_read(&place)));
            // Nobody listens any more once the time is up.
            let _ = tell.send(opened);
        });
        opening.map_err(|error| StoreError::Failed(format!("no thread to open it ({error})")))?;
        let damaged = |reason: &str| StoreError::Damaged { path: path.to_owned(), reason: reason.to_owned() };
        let left = limit.saturating_sub(began.elapsed()).max(Duration::from_millis(100));
        let trouble = match hear.recv_timeout(left) {
            Ok(Ok(Ok(db))) => return SledStore::new(db, dir, path),
            Ok(Ok(Err(trouble))) => trouble,
            Ok(Err(_)) => return Err(damaged("opening it fails from within")),
            Err(_) => return Err(damaged("opening it takes too long")),
        };
        match trouble {
            Trouble::Newer => return Err(StoreError::Newer(path.to_owned())),
            Trouble::Record => return Err(damaged("a session is not readable")),
            Trouble::Sled(sled::Error::Io(io)) if is_locked(&io) => {
                if began.elapsed() >= PATIENCE {
                    return Err(StoreError::Locked(path.to_owned()));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            Trouble::Sled(sled::Error::Io(io)) if !is_damage(&io) => return Err(folder_error(path, &io)),
            Trouble::Sled(sled::Error::Corruption { .. }) => {
                return Err(damaged("what it holds doesn't fit its checksums"));
            }
            Trouble::Sled(other) => {
                let reason = other.to_string();
                return Err(damaged(reason.lines().next().unwrap_or_default().trim()));
            }
        }
    }
}

fn is_locked(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.to_string().contains("WouldBlock")
}

/// What sled reports as input or output errors, and is damage all the same.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::Other)
}

/// Why a database could not be opened and read.
enum Trouble {
    Sled(sled::Error),
    Record,
    Newer,
}

impl From<sled::Error> for Trouble {
    fn from(error: sled::Error) -> Self {
        Trouble::Sled(error)
    }
}

fn open_and_read(path: &Path) -> Result<sled::Db, Trouble> {
    let db = sled::Config::new().path(path).cache_capacity(CACHE).flush_every_ms(None).open()?;
    let (mut sessions, mut indexed) = (0u64, 0u64);
    let mut last = sled::IVec::default();
    for record in db.iter() {
        let (name, value) = record?;
        // Damaged pages can lead in a circle.
        if name <= last {
            return Err(Trouble::Record);
        }
        match name.first() {
            Some(b's') if name.len() == 33 => match record::read(&value) {
                Ok(_) => sessions += 1,
                Err(Unreadable::Newer) => return Err(Trouble::Newer),
                Err(Unreadable::Damaged) => return Err(Trouble::Record),
            },
            Some(b'x') if name.len() == 41 => indexed += 1,
            _ => return Err(Trouble::Record),
        }
        last = name;
    }
    // A session that the index lacks would never be swept. An entry too many does no harm.
    if indexed < sessions {
        index(&db)?;
    }
    Ok(db)
}

fn index(db: &sled::Db) -> Result<(), Trouble> {
    for record in db.scan_prefix(b"s") {
        let (name, value) = record?;
        let key = PersonKey::from_bytes(name[1..].try_into().map_err(|_| Trouble::Record)?);
        let expires = record::read(&value).map_err(|_| Trouble::Record)?.expires;
        db.insert(expiry_name(expires, key.as_bytes()), NOTHING)?;
    }
    db.flush()?;
    Ok(())
}

/// The name of the threads that open databases.
const OPENING: &str = "open store";

/// A panic of sled is caught and told in one sentence; the default message would come before it, in forty lines.
fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if std::thread::current().name() != Some(OPENING) {
                usual(what);
            }
        }));
    });
}
