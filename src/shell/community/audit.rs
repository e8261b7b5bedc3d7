//! Who changed what, when. Never what anybody typed.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::shell::workbench::revisions::{self, Entry, append};

/// The file of the record.
pub(super) const FILE: &str = "audit.jsonl";
/// How much of it is read, in bytes: the newest some thousand lines.
const READ: u64 = 1 << 20;

/// A line of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When, in seconds since 1970.
    pub at: u64,
    /// Who: the name or id that the platform has for the moderator.
    pub who: String,
    /// What was done, as a sentence about settings and guides.
    pub what: String,
}

impl Deed {
    /// What a line in the history of guides says.
    pub(super) fn of(entry: &Entry) -> Deed {
        let page = format!("{}/{}", entry.guide, entry.language);
        let what = match (entry.what, entry.revision.as_str()) {
            (revisions::Deed::Publish, now) => format!("published {page} as {now}"),
            (revisions::Deed::RollBack, now) => format!("rolled {page} back to {now}"),
            (revisions::Deed::Edit, now) => format!("changed {page} by hand to {now}"),
            (revisions::Deed::Lift, "none") => format!("took {page} away"),
            (revisions::Deed::Lift, now) => format!("put the operator's {page} back ({now})"),
        };
        let before = match &entry.before {
            Some(before) if entry.withdrawn => format!("; {before} was withdrawn"),
            Some(before) => format!("; {before} can be finished"),
            None => String::new(),
        };
        Deed { at: entry.at, who: entry.who.clone(), what: format!("{what}{before}") }
    }
}

/// Adds a line, and waits until it is kept.
pub(super) fn note(folder: &Path, at: u64, who: &str, what: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let deed = Deed { at, who: who.to_owned(), what: what.to_owned() };
    append(&folder.join(FILE), &serde_json::to_string(&deed)?)
}

/// The record, oldest first. A line that can't be read, as after a crash, is passed over.
pub(super) fn read(folder: &Path) -> Vec<Deed> {
    let Ok(mut file) = File::open(folder.join(FILE)) else { return Vec::new() };
    let length = file.metadata().map_or(0, |meta| meta.len());
    let mut bytes = Vec::new();
    let read =
        file.seek(SeekFrom::Start(length.saturating_sub(READ))).and_then(|_| file.read_to_end(&mut bytes));
    if read.is_err() {
        return Vec::new();
    }
    String::from_utf8_lossy(&bytes).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
