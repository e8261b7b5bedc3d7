//! What a community, a Discord server or a Matrix space, has chosen for itself, kept as files that a person can read:
//!
//! ```text
//! communities/<id>/settings.json      country, language, channels, alerts
//!                  audit.jsonl        who changed what, when
//!                  scripts/           its own guides, and phrases/local.toml, laid over the operator's
//!                  history/           every text of its own guides that was ever in service
//! ```
//!
//! A community can add and shadow guides, and add words that count. Crisis pages, wording, phrase lists and numbers stay
//! the operator's. Whatever is broken here costs nobody a crisis reply: the operator's scripts serve then.

mod audit;
mod bundle;
mod overlay;
mod settings;
mod words;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use thiserror::Error;

pub use audit::Deed;
pub use overlay::{LONGEST_GUIDE, MOST_GUIDES, MOST_STEPS};
pub use settings::{Alerts, MOST_CHANNELS, Settings};
pub use words::{Kind, Words};

use self::overlay::{Change, Overlay};
use crate::diagnostic::Diagnostic;
use crate::library::Library;
use crate::safety::local::Local;
use crate::script::{self, Language};
use crate::shell::library;
use crate::shell::workbench::revisions::{Candidate, Entry, RevisionError, Revisions, write_whole};
use crate::shell::{Service, clock};

/// The file of settings.
const SETTINGS: &str = "settings.json";
/// The folder of a community's own scripts.
const SCRIPTS: &str = "scripts";
/// The folder of their history.
const HISTORY: &str = "history";
/// A community's own words, below its scripts.
const WORDS: &str = "phrases/local.toml";
/// What stands behind the id in the name of a folder whose community left, before the time.
const LEFT: &str = ".left-";
/// Who is named where files were changed by nobody that is known.
const BY_HAND: &str = "somebody with the files";

/// The longest id of a community, in bytes.
const LONGEST_ID: usize = 100;
/// After how many seconds the folder of a community that left is erased: 30 days.
const KEPT_AFTER_LEAVING: u64 = 30 * 24 * 60 * 60;

/// Why nothing was changed.
#[derive(Debug, Error)]
pub enum CommunityError {
    /// The id can't be the name of a folder.
    #[error("this is not a community's id")]
    Id,
    /// A setting can't be so.
    #[error("{0}; nothing was changed")]
    Setting(String),
    /// A guide can't go into service, or come back.
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// Scripts, words or an import have errors.
    #[error("{} errors stand in the way; nothing was changed", .0.iter().filter(|one| one.is_error()).count())]
    Errors(Vec<Diagnostic>),
    /// A file can't be read or written.
    #[error(
        "{what} can't be read or written ({reason}); nothing was changed, and the operator should look at the disk"
    )]
    Io {
        /// Which file, by its name inside the community's folder.
        what: String,
        /// What the system says.
        reason: io::Error,
    },
}

/// A community as it is now. It never changes; a change makes another.
pub struct Community {
    /// What was chosen.
    pub settings: Settings,
    service: Arc<Service>,
    overlay: Option<Arc<Overlay>>,
    /// The settings are there and can't be read at the moment: nothing may be written over them.
    unread: bool,
    settings_trouble: Option<String>,
    scripts_trouble: Option<String>,
}

impl Community {
    /// The library for conversations here: the operator's, with the community's own scripts laid over it. Its crisis
    /// help is always the newest.
    pub fn library(&self) -> Arc<Library> {
        let base = self.service.library();
        match &self.overlay {
            None => base,
            Some(overlay) if Arc::ptr_eq(&overlay.base, &base) => overlay.library.clone(),
            // The operator has changed something, and nobody has checked yet how the two fit together.
            Some(overlay) => Arc::new(overlay.library.with_help_of(&base)),
        }
    }

    /// Whether there are scripts of its own.
    pub fn has_scripts(&self) -> bool {
        self.overlay.as_ref().is_some_and(|overlay| overlay.has_files)
    }

    /// What is wrong with its files, a sentence each.
    pub fn troubles(&self) -> impl Iterator<Item = &str> {
        self.settings_trouble.iter().chain(&self.scripts_trouble).map(String::as_str)
    }
}

/// All communities of this process.
pub struct Communities {
    folder: PathBuf,
    service: Arc<Service>,
    /// What every community is that has no files.
    blank: Arc<Community>,
    known: RwLock<HashMap<String, Arc<Community>>>,
    writing: Mutex<()>,
}

impl Communities {
    /// The communities below a folder, such as `<store>/communities`. Nothing is read yet, and nothing made.
    pub fn new(folder: PathBuf, service: Arc<Service>) -> Self {
        let blank = Arc::new(Community {
            settings: Settings::default(),
            service: service.clone(),
            overlay: None,
            unread: false,
            settings_trouble: None,
            scripts_trouble: None,
        });
        Communities { folder, service, blank, known: RwLock::default(), writing: Mutex::default() }
    }

    /// Whether a word can be a community's id: lower-case letters, digits and hyphens, at most 100.
    pub fn is_id(id: &str) -> bool {
        (1..=LONGEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    }

    /// A community. It is read from disk the first time; one without files, or with an id that is none, has the
    /// defaults.
    pub fn get(&self, id: &str) -> Arc<Community> {
        if let Some(community) = self.cached(id) {
            return community;
        }
        if !Communities::is_id(id) {
            return self.blank.clone();
        }
        let read = self.read(id);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(id.to_owned()).or_insert(read).clone()
    }

    /// Reads every community that has files, so that nobody waits for it later. Says how many there are.
    pub fn warm(&self) -> usize {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok);
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|id| Communities::is_id(id)).map(|id| drop(self.get(&id))).count()
    }

    /// Lays the scripts of communities over the operator's anew, where those have changed. For whoever watches the
    /// operator's folder; it takes as long as checking them does, and nobody waits for it.
    pub fn refresh(&self) {
        let base = self.service.library();
        let stale = |one: &Community| {
            one.unread || one.overlay.as_ref().is_some_and(|overlay| !Arc::ptr_eq(&overlay.base, &base))
        };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let ids: Vec<String> = known.iter().filter(|(_, one)| stale(one)).map(|(id, _)| id.clone()).collect();
        drop(known);
        for id in ids {
            let _one = self.one_writer();
            // It may have left meanwhile.
            if let Some(before) = self.cached(&id) {
                self.take_up(&id, &before, BY_HAND, clock::now(), true);
            }
        }
    }

    /// What is wrong with the files of communities: the id, and a sentence. For the operator.
    pub fn troubles(&self) -> Vec<(String, String)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let all = known.iter().flat_map(|(id, one)| one.troubles().map(|what| (id.clone(), what.to_owned())));
        let mut all: Vec<(String, String)> = all.collect();
        all.sort();
        all
    }

    /// Changes the settings of a community, and notes who did: `what` is a sentence about settings.
    ///
    /// # Errors
    ///
    /// Where it can't be written; then the settings are what they were.
    pub fn change(
        &self,
        id: &str,
        who: &str,
        at: u64,
        what: &str,
        edit: impl FnOnce(&mut Settings),
    ) -> Result<Arc<Community>, CommunityError> {
        let _one = self.one_writer();
        let before = self.present(id)?;
        let mut settings = before.settings.clone();
        edit(&mut settings);
        if settings == before.settings {
            return Ok(before);
        }
        settings.check().map_err(CommunityError::Setting)?;
        let folder = self.folder.join(id);
        note(&folder, at, who, what)?;
        write_whole(&folder.join(SETTINGS), &settings.write())
            .map_err(|reason| io_error(SETTINGS, reason))?;
        let after = Community {
            settings,
            service: self.service.clone(),
            overlay: before.overlay.clone(),
            unread: false,
            settings_trouble: None,
            scripts_trouble: before.scripts_trouble.clone(),
        };
        Ok(self.put(id, Arc::new(after)))
    }

    /// What was changed, by whom and when; the newest last. Changes of settings and of guides are told together.
    pub fn audit(&self, id: &str) -> Vec<Deed> {
        if !Communities::is_id(id) {
            return Vec::new();
        }
        let mut deeds = audit::read(&self.folder.join(id));
        deeds.extend(self.log(id).iter().map(Deed::of));
        deeds.sort_by_key(|deed| deed.at);
        deeds
    }

    /// What was done to a community's own guides, oldest first.
    pub fn log(&self, id: &str) -> Vec<Entry> {
        if Communities::is_id(id) { self.revisions(id).log() } else { Vec::new() }
    }

    /// Whether the guide of this path, such as `welcome/en.md`, is the community's own.
    pub fn is_own(&self, id: &str, path: &str) -> bool {
        Communities::is_id(id)
            && overlay::is_page(path)
            && self.folder.join(id).join(SCRIPTS).join(path).is_file()
    }

    /// Checks a guide's text as part of everything that a community has in service, without changing anything.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn examine(&self, id: &str, text: &str) -> Result<Candidate, CommunityError> {
        if !Communities::is_id(id) {
            return Err(CommunityError::Id);
        }
        self.within_limits(id, text)?;
        Ok(self.revisions(id).examine(text)?)
    }

    /// Puts a community's own version of a guide into service, after a clean check. With `withdraw`, nobody goes on
    /// with the text before.
    ///
    /// # Errors
    ///
    /// Where it has errors, or can't be written; what was in service still is.
    pub fn publish(
        &self,
        id: &str,
        text: &str,
        who: &str,
        at: u64,
        withdraw: bool,
    ) -> Result<Entry, CommunityError> {
        let _one = self.one_writer();
        let before = self.present(id)?;
        self.within_limits(id, text)?;
        let entry = self.revisions(id).publish(text, who, at, withdraw)?;
        self.take_up(id, &before, who, at, false);
        Ok(entry)
    }

    /// Puts an earlier text of a community's guide back: the one named, or the one before the present one, or the
    /// operator's ([`OPERATORS`](crate::shell::workbench::revisions::OPERATORS)).
    ///
    /// # Errors
    ///
    /// Where there is none, or it doesn't fit what is around it any more.
    pub fn roll_back(
        &self,
        id: &str,
        page: (&str, &Language),
        to: Option<&str>,
        who: &str,
        at: u64,
        withdraw: bool,
    ) -> Result<Entry, CommunityError> {
        let (guide, language) = page;
        let _one = self.one_writer();
        let before = self.present(id)?;
        if !overlay::is_page(&format!("{guide}/{language}.md")) {
            return Err(RevisionError::Unknown("guide of that name".to_owned()).into());
        }
        let entry = self.revisions(id).roll_back(guide, language, to, who, at, withdraw)?;
        self.take_up(id, &before, who, at, false);
        Ok(entry)
    }

    /// Reads a community's own scripts again, as when somebody changed them by hand. Its troubles say what is wrong.
    ///
    /// # Errors
    ///
    /// Where its id is none, or its settings can't be read.
    pub fn reload(&self, id: &str) -> Result<Arc<Community>, CommunityError> {
        let _one = self.one_writer();
        let before = self.present(id)?;
        Ok(self.take_up(id, &before, BY_HAND, clock::now(), true))
    }

    /// A community's own words.
    pub fn words(&self, id: &str) -> Words {
        let path = self.folder.join(id).join(SCRIPTS).join(WORDS);
        let text = if Communities::is_id(id) { fs::read_to_string(path).ok() } else { None };
        text.and_then(|text| Words::read(&text)).unwrap_or_default()
    }

    /// Changes a community's own words, and notes who did: `what` is a sentence about the lists.
    ///
    /// # Errors
    ///
    /// Where an entry is refused, or nothing can be written; then the words are what they were.
    pub fn change_words(
        &self,
        id: &str,
        who: &str,
        at: u64,
        what: &str,
        edit: impl FnOnce(&mut Words),
    ) -> Result<Arc<Community>, CommunityError> {
        let _one = self.one_writer();
        let before = self.present(id)?;
        let folder = self.folder.join(id);
        let path = folder.join(SCRIPTS).join(WORDS);
        let mut words = match fs::read_to_string(&path) {
            Ok(text) => Words::read(&text).ok_or_else(|| {
                let reason =
                    io::Error::other("somebody has changed it by hand, and it is not a list any more");
                io_error(WORDS, reason)
            })?,
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => Words::default(),
            Err(reason) => return Err(io_error(WORDS, reason)),
        };
        let old = words.clone();
        edit(&mut words);
        if words == old {
            return Ok(before);
        }
        let text = words.write();
        overlay::limits(&[(WORDS.to_owned(), text.clone())])?;
        Local::read(WORDS, &text, &self.service.library().screener).map_err(CommunityError::Errors)?;
        note(&folder, at, who, what)?;
        let written = if words.is_empty() { fs::remove_file(&path) } else { write_whole(&path, &text) };
        written.map_err(|reason| io_error(WORDS, reason))?;
        Ok(self.take_up(id, &before, who, at, false))
    }

    /// Everything that a community has chosen, as one document that [`import`](Communities::import) takes.
    pub fn export(&self, id: &str) -> String {
        let community = self.get(id);
        let files = if Communities::is_id(id) { overlay::files(&self.folder.join(id)).0 } else { Vec::new() };
        bundle::write(&community.settings, files)
    }

    /// Takes what [`export`](Communities::export) wrote, here or elsewhere, in the place of all that the community has.
    /// Channels that are not `here` are left out: an alert must never go to somebody else's moderators.
    ///
    /// # Errors
    ///
    /// Where anything in it is wrong, before anything is written; it says where and what.
    pub fn import(
        &self,
        id: &str,
        who: &str,
        at: u64,
        text: &str,
        here: &dyn Fn(&str) -> bool,
    ) -> Result<Arc<Community>, CommunityError> {
        let _one = self.one_writer();
        let before = self.present(id)?;
        let (mut settings, files) = bundle::read(text)?;
        settings.keep_channels(here);
        overlay::limits(&files)?;
        let checked = library::check_over(&self.service.library(), &files, Vec::new(), true);
        if checked.library.is_none() {
            return Err(CommunityError::Errors(checked.found));
        }
        let folder = self.folder.join(id);
        note(&folder, at, who, "took over an export, which replaced all settings, guides and words")?;
        bundle::put(&folder, &settings, &files).map_err(|reason| io_error("the import", reason))?;
        let after = Community {
            settings,
            service: self.service.clone(),
            overlay: before.overlay.clone(),
            unread: false,
            settings_trouble: None,
            scripts_trouble: None,
        };
        Ok(self.take_up(id, &after, who, at, false))
    }

    /// The bot was removed from the community: its folder is set aside, and erased after 30 days.
    ///
    /// # Errors
    ///
    /// Where the folder can't be moved.
    pub fn forget(&self, id: &str, at: u64) -> Result<(), CommunityError> {
        if !Communities::is_id(id) {
            return Err(CommunityError::Id);
        }
        let _one = self.one_writer();
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        let mut aside = self.folder.join(format!("{id}{LEFT}{at}"));
        let mut later = at;
        while aside.exists() {
            later += 1;
            aside = self.folder.join(format!("{id}{LEFT}{later}"));
        }
        match fs::rename(self.folder.join(id), aside) {
            Err(reason) if reason.kind() != io::ErrorKind::NotFound => Err(io_error("the folder", reason)),
            _ => Ok(()),
        }
    }

    /// Whether a community that left has come back within 30 days, and its choices could be brought back.
    pub fn is_set_aside(&self, id: &str) -> bool {
        Communities::is_id(id)
            && !self.folder.join(id).exists()
            && self.set_aside().any(|(left, _, _)| left == id)
    }

    /// Brings the newest folder of a community that left back, for when it was removed by mistake. Says whether there
    /// was one. Nothing is brought over what was chosen since.
    ///
    /// # Errors
    ///
    /// Where the folder can't be moved.
    pub fn bring_back(&self, id: &str, who: &str, at: u64) -> Result<bool, CommunityError> {
        if !self.is_set_aside(id) {
            return Ok(false);
        }
        let _one = self.one_writer();
        let newest = self.set_aside().filter(|(left, _, _)| left == id).max_by_key(|(_, at, _)| *at);
        let Some((_, _, path)) = newest else { return Ok(false) };
        let folder = self.folder.join(id);
        fs::rename(path, &folder).map_err(|reason| io_error("the folder", reason))?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        note(&folder, at, who, "brought back what was chosen before Lantern left")?;
        Ok(true)
    }

    /// Erases the folders of communities that left 30 days ago. Says how many.
    pub fn sweep(&self, now: u64) -> usize {
        let old = self.set_aside().filter(|(_, at, _)| at.saturating_add(KEPT_AFTER_LEAVING) <= now);
        old.filter(|(_, _, path)| fs::remove_dir_all(path).is_ok()).count()
    }

    /// The folders of communities that left: the id, when, and where.
    fn set_aside(&self) -> impl Iterator<Item = (String, u64, PathBuf)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok);
        entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (id, at) = name.split_once(LEFT)?;
            Communities::is_id(id).then_some((id.to_owned(), at.parse().ok()?, entry.path()))
        })
    }

    fn one_writer(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self, id: &str) -> Option<Arc<Community>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn put(&self, id: &str, community: Arc<Community>) -> Arc<Community> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(id.to_owned(), community.clone());
        community
    }

    fn revisions(&self, id: &str) -> Revisions {
        overlay::revisions(&self.folder.join(id), self.service.library())
    }

    /// A community whose files are known, so that they can be changed.
    fn present(&self, id: &str) -> Result<Arc<Community>, CommunityError> {
        if !Communities::is_id(id) {
            return Err(CommunityError::Id);
        }
        let community = self.get(id);
        // What an import left half done would later be written over whatever is changed now.
        let folder = self.folder.join(id);
        if !community.unread && !bundle::is_ready(&folder) {
            return Ok(community);
        }
        bundle::finish(&folder).map_err(|reason| io_error("the import", reason))?;
        let community = self.put(id, self.read(id));
        match &community.settings_trouble {
            Some(trouble) if community.unread => Err(io_error(SETTINGS, io::Error::other(trouble.clone()))),
            _ => Ok(community),
        }
    }

    /// Reads a community from disk.
    fn read(&self, id: &str) -> Arc<Community> {
        let folder = self.folder.join(id);
        if !folder.is_dir() {
            return self.blank.clone();
        }
        // An import that was cut off is finished first. Where it can't be, whoever changes something is told.
        let _ = bundle::finish(&folder);
        let (overlay, scripts_trouble) = overlay::lay(&folder, self.service.library(), None);
        let read = read_settings(&folder);
        Arc::new(Community {
            settings: read.settings,
            service: self.service.clone(),
            overlay,
            unread: read.unread,
            settings_trouble: read.trouble,
            scripts_trouble,
        })
    }

    /// Puts a community into service with its scripts as they are on disk now.
    fn take_up(&self, id: &str, before: &Community, who: &str, at: u64, proving: bool) -> Arc<Community> {
        let folder = self.folder.join(id);
        let read = if before.unread {
            read_settings(&folder)
        } else {
            let (settings, trouble) = (before.settings.clone(), before.settings_trouble.clone());
            Read { settings, trouble, unread: false }
        };
        let library = before.library();
        let own = before.overlay.is_some();
        let change = Change { before: &library, own, who, at, proving };
        let (overlay, scripts_trouble) = overlay::lay(&folder, self.service.library(), Some(change));
        let after = Community {
            settings: read.settings,
            service: self.service.clone(),
            overlay,
            unread: read.unread,
            settings_trouble: read.trouble,
            scripts_trouble,
        };
        self.put(id, Arc::new(after))
    }

    /// Whether a text may become one of a community's guides, before any work is spent on it.
    fn within_limits(&self, id: &str, text: &str) -> Result<(), CommunityError> {
        let path = script::read::own_path(text);
        let (mut files, _) = overlay::files(&self.folder.join(id));
        files.retain(|(other, _)| *other != path);
        files.push((path, text.to_owned()));
        overlay::limits(&files)
    }
}

/// Settings as they were found.
struct Read {
    settings: Settings,
    trouble: Option<String>,
    unread: bool,
}

/// The settings of a folder. What is broken is set aside, so that nothing is written over it.
fn read_settings(folder: &Path) -> Read {
    let path = folder.join(SETTINGS);
    let settings = Settings::default();
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Read { settings, trouble: None, unread: false };
        }
        Err(error) => {
            let trouble = format!("{SETTINGS} can't be read ({error}); the defaults serve until it can.");
            return Read { settings, trouble: Some(trouble), unread: true };
        }
    };
    let error = match Settings::read(&String::from_utf8_lossy(&bytes)) {
        Ok(settings) => return Read { settings, trouble: None, unread: false },
        Err(error) => error,
    };
    let aside = format!("{SETTINGS}.broken-{}", clock::now());
    match fs::rename(&path, folder.join(&aside)) {
        Ok(()) => {
            let trouble = format!(
                "{SETTINGS} could not be understood ({error}). It was set aside as {aside}, and the defaults serve: please choose again what you had chosen."
            );
            Read { settings, trouble: Some(trouble), unread: false }
        }
        Err(reason) => {
            let trouble = format!(
                "{SETTINGS} can't be understood ({error}) nor set aside ({reason}); the defaults serve."
            );
            Read { settings, trouble: Some(trouble), unread: true }
        }
    }
}

/// The record comes first: a change that nobody signed for must not happen.
fn note(folder: &Path, at: u64, who: &str, what: &str) -> Result<(), CommunityError> {
    audit::note(folder, at, who, what).map_err(|reason| io_error(audit::FILE, reason))
}

fn io_error(what: &str, reason: io::Error) -> CommunityError {
    CommunityError::Io { what: what.to_owned(), reason }
}
