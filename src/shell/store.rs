//! Where sessions are kept: a small trait, under keys that name nobody.

mod export;
pub mod memory;
mod secret;
#[cfg(feature = "sled")]
pub mod sled;

use std::path::PathBuf;

use thiserror::Error;

pub use secret::{PersonKey, Secret};

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
    /// Where the store can't be written.
    fn put(
        &self,
        key: &PersonKey,
        old: Option<&[u8]>,
        new: &[u8],
        now: u64,
        expires: u64,
    ) -> Result<Put, StoreError>;

    /// Erases a record at once and for good, from kept exports as well. Says whether there was one.
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
    /// Reading or writing failed.
    #[error("the store failed: {0}")]
    Failed(String),
}
