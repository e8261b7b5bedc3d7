//! Where sessions are kept: a small trait, under keys that name nobody.

#[cfg(feature = "sled")]
mod export;
pub mod memory;
#[cfg(feature = "sled")]
mod record;
mod secret;
#[cfg(feature = "sled")]
pub mod sled;

use std::io;
use std::path::PathBuf;
#[cfg(feature = "sled")]
use std::{fs, path::Path};

use thiserror::Error;

pub use secret::{PersonKey, Secret};

/// The longest record that is taken, in bytes. A session has some hundred, and at most some ten thousand.
pub const LONGEST: usize = 1 << 20;

/// What came of a [`Store::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is kept.
    Done,
    /// Somebody else changed the record meanwhile; nothing was written.
    Changed,
}

/// A place that keeps records until they expire. All times are seconds since 1970.
pub trait Store: Send + Sync {
    /// The record under a key; none where there is none, or it has expired.
    ///
    /// # Errors
    ///
    /// Where the store can't be read.
    fn get(&self, key: &PersonKey, now: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes a record if what is there is still `old`; an expired one counts as none. It is durable when
    /// this returns.
    ///
    /// # Errors
    ///
    /// Where the store can't be written, or the record is longer than [`LONGEST`].
    fn put(
        &self,
        key: &PersonKey,
        old: Option<&[u8]>,
        new: &[u8],
        now: u64,
        expires: u64,
    ) -> Result<Put, StoreError>;

    /// Erases a record for good: from when this returns it can't be read, and no restore brings it back.
    /// Says whether there was one.
    ///
    /// # Errors
    ///
    /// Where the store can't be written.
    fn delete(&self, key: &PersonKey) -> Result<bool, StoreError>;

    /// Erases at most `limit` records that have expired, oldest first. Says how many.
    ///
    /// # Errors
    ///
    /// Where the store can't be written.
    fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError>;

    /// How many records there are, expired ones included until they are swept.
    ///
    /// # Errors
    ///
    /// Where the store can't be read.
    fn count(&self) -> Result<u64, StoreError>;

    /// Shows every record that has not expired, without its key, in no order. It may miss what changes meanwhile.
    ///
    /// # Errors
    ///
    /// Where the store can't be read.
    fn each(&self, now: u64, look: &mut dyn FnMut(&[u8])) -> Result<(), StoreError>;
}

/// Why the store can't do what it should: one sentence that says where, what, and what to do.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The folder isn't there and can't be made, or can't be written.
    #[error("the store's folder {} can't be used ({reason}); please give another in bot.toml under [store] path, or mend its rights", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Another process has it open.
    #[error("the store {} is open in another process; please close the other lantern first", .0.display())]
    Locked(PathBuf),
    /// The disk is full.
    #[error("the disk of the store {} is full; please make room", .0.display())]
    Full(PathBuf),
    /// It can't be read, and mending it was not asked for or did not help.
    #[error("the store {} is damaged ({reason}); starting lantern chat sets it aside and restores the last export", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was seen.
        reason: String,
    },
    /// It holds records of a layout that this version doesn't know. Nothing was changed.
    #[error("the store {} was written by a newer lantern; please run that version, or give another folder in bot.toml under [store] path", .0.display())]
    Newer(PathBuf),
    /// The secret can't be used.
    #[error("the secret {} can't be used: {reason}", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// An export can't be read or written.
    #[error("the export {} can't be used: {reason}", path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A record is longer than [`LONGEST`]; this is a fault of the program.
    #[error("a session of {0} bytes is too long to be kept; please tell the makers of lantern")]
    TooLong(usize),
    /// Reading or writing failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Makes a folder that is its owner's alone, with those above it.
#[cfg(feature = "sled")]
fn make_folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// What a failure of the system means for somebody who looks after a store.
#[cfg(feature = "sled")]
fn folder_error(dir: &Path, error: &io::Error) -> StoreError {
    if is_full(error) {
        StoreError::Full(dir.to_owned())
    } else {
        StoreError::Folder { path: dir.to_owned(), reason: error.to_string() }
    }
}

/// Whether the disk, or what this process may use of it, is full.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
