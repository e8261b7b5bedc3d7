//! Notices that scripts have changed, and puts them into service: whole or not at all, without a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use super::revisions::Revisions;
use crate::diagnostic::Diagnostic;
use crate::shell::{Service, clock, library};

/// How often the folder is looked at. A change is taken up once it has been still for one look: an editor that
/// writes a file in pieces is not caught in the middle.
const LOOK: Duration = Duration::from_millis(400);

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The scripts are in service as they are now.
    InService,
    /// They have errors: what was in service still is.
    Refused(Vec<Diagnostic>),
}

/// Watches until it is dropped.
pub struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches a scripts folder for a service. `tell` hears of every change that was taken up or refused.
    ///
    /// # Errors
    ///
    /// Where no thread can be started.
    pub fn start(
        service: Arc<Service>,
        folder: &Path,
        revisions: Revisions,
        mut tell: impl FnMut(Change) + Send + 'static,
    ) -> std::io::Result<Watch> {
        let (stop, stopped) = mpsc::channel();
        let folder = folder.to_owned();
        let mut seen = print(&folder);
        let mut known = seen.clone();
        let thread = std::thread::Builder::new().name("watch".into()).spawn(move || {
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                let now = print(&folder);
                let still = now == seen;
                seen = now;
                if still && seen != known {
                    known.clone_from(&seen);
                    tell(take_up(&service, &folder, &revisions));
                }
            }
        })?;
        Ok(Watch { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends by itself; nothing is lost if it had failed.
            let _ = thread.join();
        }
    }
}

/// Reads the folder and, if it is sound, puts it into service.
pub fn take_up(service: &Service, folder: &Path, revisions: &Revisions) -> Change {
    let loaded = library::load(folder, true);
    let Some(library) = loaded.library else {
        return Change::Refused(loaded.found);
    };
    let before = service.library();
    // Where the history can't be written, the scripts are no less sound.
    let withdrawn = revisions.found(&before, &library, clock::now()).unwrap_or_default();
    service.succeed_library(library, &withdrawn);
    Change::InService
}

/// What a folder looks like from outside: its files, their lengths, and when they were written.
fn print(folder: &Path) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() && depth < 3 {
                folders.push((entry.path(), depth + 1));
            } else if !entry.file_name().to_string_lossy().starts_with('.') {
                files.push((entry.path(), meta.len(), meta.modified().ok()));
            }
        }
    }
    files.sort();
    files
}
