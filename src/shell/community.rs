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
mod settings;
mod words;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use thiserror::Error;

pub use audit::Deed;
pub use settings::{Alerts, MOST_CHANNELS, Settings};
pub use words::{Kind, Words};

use crate::diagnostic::Diagnostic;
use crate::library::Library;
use crate::script::{CRISIS, Language};
use crate::shell::library::{self, Loaded};
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

/// Who is named where files were changed by nobody that is known.
const BY_HAND: &str = "somebody with the files";

/// The most guides of its own that a community has, in all languages together.
pub const MOST_GUIDES: usize = 20;
/// The longest of them, in bytes.
pub const LONGEST_GUIDE: usize = 128 << 10;
/// The most steps that one of them has: each is proved before it goes into service.
pub const MOST_STEPS: usize = 200;
/// The longest id of a community.
const LONGEST_ID: usize = 100;
/// After how many seconds the folder of a community that left is erased: 30 days.
const KEPT_AFTER_LEAVING: u64 = 30 * 24 * 60 * 60;
/// The code of what goes beyond a community's limits.
const LIMIT: &str = "S018";

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
    /// Scripts or words have errors.
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
    /// What is wrong with its files, a sentence each.
    pub troubles: Vec<String>,
    service: Arc<Service>,
    own: Option<Arc<Own>>,
    /// The settings are there and can't be read at the moment.
    unread: bool,
}

/// A library of its own.
struct Own {
    /// What it was laid over.
    base: Arc<Library>,
    library: Arc<Library>,
}

impl Community {
    /// The library for conversations here: the operator's, with the community's own scripts laid over it. Its crisis
    /// help is always the newest.
    pub fn library(&self) -> Arc<Library> {
        let base = self.service.library();
        match &self.own {
            None => base,
            Some(own) if Arc::ptr_eq(&own.base, &base) => own.library.clone(),
            // The operator has changed something, and nobody has checked yet how the two fit together.
            Some(own) => Arc::new(own.library.with_help_of(&base)),
        }
    }

    /// Whether there are scripts of its own.
    pub fn has_scripts(&self) -> bool {
        self.own.is_some()
    }
}

/// All communities of this process.
pub struct Communities {
    folder: PathBuf,
    service: Arc<Service>,
    blank: Arc<Community>,
    known: RwLock<HashMap<String, Arc<Community>>>,
    writing: Mutex<()>,
}

impl Communities {
    /// The communities below a folder, such as `<store>/communities`. Nothing is read yet, and nothing made.
    pub fn new(folder: PathBuf, service: Arc<Service>) -> Self {
        let blank = Arc::new(Community {
            settings: Settings::default(),
            troubles: Vec::new(),
            service: service.clone(),
            own: None,
            unread: false,
        });
        Communities { folder, service, blank, known: RwLock::default(), writing: Mutex::default() }
    }

    /// Whether a word can be a community's id: lower-case letters, digits and hyphens.
    pub fn is_id(id: &str) -> bool {
        (1..=LONGEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    }

    /// A community. Read from disk the first time; one without files, or with an id that is none, has the defaults.
    pub fn get(&self, id: &str) -> Arc<Community> {
        if let Some(community) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return community.clone();
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
        let ids: Vec<String> = self.ids().collect();
        ids.iter().for_each(|id| drop(self.get(id)));
        ids.len()
    }

    fn ids(&self) -> impl Iterator<Item = String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok);
        entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|id| Communities::is_id(id))
    }

    /// Lays the scripts of communities over the operator's anew, where those have changed. For whoever watches the
    /// scripts folder; it takes as long as checking them does.
    pub fn refresh(&self) {
        let base = self.service.library();
        let stale = |community: &Community| {
            community.unread || community.own.as_ref().is_some_and(|own| !Arc::ptr_eq(&own.base, &base))
        };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let ids: Vec<String> = known.iter().filter(|(_, one)| stale(one)).map(|(id, _)| id.clone()).collect();
        drop(known);
        for id in ids {
            let _one = self.one_writer();
            if let Some(before) = self.cached(&id) {
                self.put(&id, self.take_up(&id, &before, BY_HAND, clock::now()));
            }
        }
    }

    /// What is wrong with the files of communities: the id, and a sentence.
    pub fn troubles(&self) -> Vec<(String, String)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let all =
            known.iter().flat_map(|(id, one)| one.troubles.iter().map(|what| (id.clone(), what.clone())));
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
        // The record comes first: a change that nobody signed for must not happen.
        audit::note(&folder, at, who, what).map_err(|reason| io_error(audit::FILE, reason))?;
        write_whole(&folder.join(SETTINGS), &settings.write())
            .map_err(|reason| io_error(SETTINGS, reason))?;
        let after = Community {
            settings,
            troubles: before.troubles.iter().filter(|one| !one.contains(SETTINGS)).cloned().collect(),
            service: self.service.clone(),
            own: before.own.clone(),
            unread: false,
        };
        Ok(self.put(id, after))
    }

    /// What was changed, by whom and when; the newest last. Changes of settings and of guides are told together.
    pub fn audit(&self, id: &str) -> Vec<Deed> {
        if !Communities::is_id(id) {
            return Vec::new();
        }
        let mut deeds = audit::read(&self.folder.join(id));
        deeds.extend(self.revisions(id).log().iter().map(Deed::of));
        deeds.sort_by_key(|deed| deed.at);
        deeds
    }

    /// The history of a community's own guides, over the operator's in service.
    pub fn revisions(&self, id: &str) -> Revisions {
        let folder = self.folder.join(id);
        Revisions::over(self.service.library(), &folder.join(SCRIPTS), &folder.join(HISTORY))
    }

    /// Whether a guide of this path is the community's own.
    pub fn is_own(&self, id: &str, path: &str) -> bool {
        Communities::is_id(id) && is_page(path) && self.folder.join(id).join(SCRIPTS).join(path).is_file()
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
        self.put(id, self.take_up(id, &before, who, at));
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
        if !is_page(&format!("{guide}/{language}.md")) {
            return Err(RevisionError::Unknown(format!("guide {guide}/{language}.md")).into());
        }
        let entry = self.revisions(id).roll_back(guide, language, to, who, at, withdraw)?;
        self.put(id, self.take_up(id, &before, who, at));
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
        let after = self.take_up(id, &before, BY_HAND, clock::now());
        Ok(self.put(id, after))
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
        let mut words = self.words(id);
        let old = words.clone();
        edit(&mut words);
        if words == old {
            return Ok(before);
        }
        let text = words.write();
        let screener = &self.service.library().screener;
        crate::safety::local::Local::read(WORDS, &text, screener).map_err(CommunityError::Errors)?;
        let folder = self.folder.join(id);
        audit::note(&folder, at, who, what).map_err(|reason| io_error(audit::FILE, reason))?;
        let path = folder.join(SCRIPTS).join(WORDS);
        let written = if words.is_empty() { fs::remove_file(&path) } else { write_whole(&path, &text) };
        written.map_err(|reason| io_error(WORDS, reason))?;
        Ok(self.put(id, self.take_up(id, &before, who, at)))
    }

    /// Everything that a community has chosen, as one document that [`import`](Communities::import) takes.
    pub fn export(&self, id: &str) -> String {
        let community = self.get(id);
        let scripts = if Communities::is_id(id) { self.files(id).0 } else { Vec::new() };
        bundle::write(&community.settings, &scripts)
    }

    /// Takes what [`export`](Communities::export) wrote, here or elsewhere, in the place of all that the community has.
    ///
    /// # Errors
    ///
    /// Where anything in it is wrong, before anything is written; it says where and what.
    pub fn import(&self, id: &str, who: &str, at: u64, text: &str) -> Result<Arc<Community>, CommunityError> {
        let _one = self.one_writer();
        let before = self.present(id)?;
        let bundle = bundle::read(text)?;
        let files: Vec<(String, String)> = bundle.scripts.into_iter().collect();
        limits(&files)?;
        let base = self.service.library();
        let Loaded { library, found, .. } = library::check_over(&base, &files, Vec::new(), true);
        if library.is_none() {
            return Err(CommunityError::Errors(found));
        }
        let folder = self.folder.join(id);
        audit::note(&folder, at, who, "took over an export: settings and scripts are replaced by it")
            .map_err(|reason| io_error(audit::FILE, reason))?;
        bundle::put(&folder, &bundle.settings, &files).map_err(|reason| io_error("the import", reason))?;
        let mut after = self.take_up(id, &before, who, at);
        after.settings = bundle.settings;
        Ok(self.put(id, after))
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
        let aside = (at..).map(|at| self.folder.join(format!("{id}.left-{at}"))).find(|path| !path.exists());
        let aside = aside.unwrap_or_else(|| self.folder.join(format!("{id}.left-{at}")));
        match fs::rename(self.folder.join(id), aside) {
            Err(reason) if reason.kind() != io::ErrorKind::NotFound => Err(io_error(id, reason)),
            _ => Ok(()),
        }
    }

    /// Erases the folders of communities that left 30 days ago. Says how many.
    pub fn sweep(&self, now: u64) -> usize {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok);
        let old = entries.filter(|entry| {
            let name = entry.file_name();
            let left = name.to_str().and_then(|name| name.split_once(".left-"));
            left.is_some_and(|(id, at)| {
                Communities::is_id(id)
                    && at.parse::<u64>().is_ok_and(|at| at.saturating_add(KEPT_AFTER_LEAVING) <= now)
            })
        });
        old.filter(|entry| fs::remove_dir_all(entry.path()).is_ok()).count()
    }

    fn one_writer(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self, id: &str) -> Option<Arc<Community>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn put(&self, id: &str, community: Community) -> Arc<Community> {
        let community = Arc::new(community);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(id.to_owned(), community.clone());
        community
    }

    /// A community whose settings are known, so that they can be changed.
    fn present(&self, id: &str) -> Result<Arc<Community>, CommunityError> {
        if !Communities::is_id(id) {
            return Err(CommunityError::Id);
        }
        let mut community = self.get(id);
        if community.unread {
            community = self.read(id);
            self.known
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(id.to_owned(), community.clone());
        }
        if community.unread {
            let reason = io::Error::other("it could not be read before");
            return Err(io_error(SETTINGS, reason));
        }
        Ok(community)
    }

    /// Reads a community from disk.
    fn read(&self, id: &str) -> Arc<Community> {
        let folder = self.folder.join(id);
        let mut troubles = Vec::new();
        // An import that was cut off is finished first.
        if let Err(reason) = bundle::finish(&folder) {
            troubles.push(format!("An import was cut off and can't be finished ({reason})."));
        }
        let (settings, unread) = read_settings(&folder, &mut troubles);
        let own = self.lay(id, None, &mut troubles);
        if own.is_none() && troubles.is_empty() && settings == Settings::default() {
            return self.blank.clone();
        }
        Arc::new(Community { settings, troubles, service: self.service.clone(), own, unread })
    }

    /// A community with its scripts as they are on disk now.
    fn take_up(&self, id: &str, before: &Community, who: &str, at: u64) -> Community {
        let mut troubles = Vec::new();
        let (settings, unread) = if before.unread {
            read_settings(&self.folder.join(id), &mut troubles)
        } else {
            troubles.extend(before.troubles.iter().filter(|one| one.contains(SETTINGS)).cloned());
            (before.settings.clone(), false)
        };
        let own = self.lay(id, Some((before, who, at)), &mut troubles);
        Community { settings, troubles, service: self.service.clone(), own, unread }
    }

    /// The scripts of a community laid over the operator's. Where they have errors, the last that were sound stay,
    /// with the operator's newest crisis help; else its words alone; else nothing of its own.
    fn lay(
        &self,
        id: &str,
        change: Option<(&Community, &str, u64)>,
        troubles: &mut Vec<String>,
    ) -> Option<Arc<Own>> {
        let before = change.map(|(before, _, _)| before);
        let base = self.service.library();
        let (files, mut found) = self.files(id);
        if files.is_empty() && found.is_empty() && before.is_none_or(|before| before.own.is_none()) {
            return None;
        }
        if let Err(CommunityError::Errors(more)) = limits(&files) {
            found.extend(more);
        }
        // What went into service was proved. What changes below it is proved again; words change no position.
        let guides = files.iter().any(|(path, _)| path != WORDS);
        let revisions = self.revisions(id);
        let Loaded { library, found, .. } =
            library::check_over(&base, &files, found, before.is_some() && guides);
        if let Some(mut library) = library {
            let library = match change {
                Some((before, who, at)) => {
                    let before = before.library();
                    // Where the history can't be written, the scripts are no less sound.
                    let withdrawn = revisions.found_by(&before, &library, who, at).unwrap_or_default();
                    library.succeeding(&before, &withdrawn)
                }
                None => {
                    let _ = revisions.remember(&mut library);
                    library
                }
            };
            return Some(Arc::new(Own { base, library: Arc::new(library) }));
        }
        let first = found.iter().find(|one| one.is_error());
        let why = first.map_or_else(String::new, |one| {
            let at =
                one.place.as_ref().map_or(String::new(), |place| format!(" ({}:{})", place.path, place.line));
            format!(": {}{at}", one.what)
        });
        if let Some(last) = before.and_then(|before| before.own.as_ref()) {
            troubles.push(format!(
                "Your own scripts have errors{why}. The last that were sound stay in service."
            ));
            let library = Arc::new(last.library.with_help_of(&base));
            return Some(Arc::new(Own { base, library }));
        }
        let words: Vec<(String, String)> = files.into_iter().filter(|(path, _)| path == WORDS).collect();
        let alone =
            library::check_over(&base, &words, Vec::new(), false).library.filter(|_| !words.is_empty());
        troubles.push(format!(
            "Your own scripts have errors{why}. The operator's serve until they are mended{}.",
            if alone.is_some() { ", with your own words" } else { "" }
        ));
        alone.map(|library| Arc::new(Own { base, library: Arc::new(library) }))
    }

    /// A community's own files, and what can't be read of them.
    fn files(&self, id: &str) -> (Vec<(String, String)>, Vec<Diagnostic>) {
        let (mut files, mut found) = (Vec::new(), Vec::new());
        let scripts = self.folder.join(id).join(SCRIPTS);
        if scripts.is_dir() {
            library::gather(&scripts, "", 0, &mut files, &mut found);
        }
        (files, found)
    }

    /// Whether a text may become one of a community's guides, before any work is spent on it.
    fn within_limits(&self, id: &str, text: &str) -> Result<(), CommunityError> {
        let path = crate::script::read::own_path(text);
        let (mut files, _) = self.files(id);
        files.retain(|(other, _)| *other != path);
        files.push((path, text.to_owned()));
        limits(&files)
    }
}

/// The settings of a folder, and whether they are there and can't be read. What is broken is set aside.
fn read_settings(folder: &Path, troubles: &mut Vec<String>) -> (Settings, bool) {
    let path = folder.join(SETTINGS);
    let text = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (Settings::default(), false),
        Err(error) => {
            troubles.push(format!("{SETTINGS} can't be read ({error}); the defaults serve until it can."));
            return (Settings::default(), true);
        }
    };
    match Settings::read(&text) {
        Ok(settings) => (settings, false),
        Err(error) => {
            let aside = format!("{SETTINGS}.broken-{}", clock::now());
            match fs::rename(&path, folder.join(&aside)) {
                Ok(()) => troubles.push(format!(
                    "{SETTINGS} could not be understood ({error}). It was set aside as {aside}, and the defaults serve; please set it up again."
                )),
                Err(reason) => troubles.push(format!(
                    "{SETTINGS} can't be understood ({error}) nor set aside ({reason}); the defaults serve."
                )),
            }
            (Settings::default(), false)
        }
    }
}

/// Whether a path is one that a community's guide can have.
fn is_page(path: &str) -> bool {
    let plain = |word: &str| {
        !word.is_empty()
            && word.len() <= LONGEST_ID
            && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    path.strip_suffix(".md").and_then(|path| path.split_once('/')).is_some_and(|(id, language)| {
        plain(id) && Language::is_code(language) && !matches!(id, CRISIS | "wording" | "phrases")
    })
}

/// Whether files are a community's to have, and no more than it may have.
fn limits(files: &[(String, String)]) -> Result<(), CommunityError> {
    let mut found = Vec::new();
    let mut refuse = |path: &str, what: String, help: &str| {
        found.push(Diagnostic::error(LIMIT, what, help).in_file(path));
    };
    for (path, text) in files {
        if path == WORDS {
            if text.len() > LONGEST_GUIDE {
                refuse(
                    path,
                    format!("the lists have more than {LONGEST_GUIDE} bytes"),
                    "please keep those that matter",
                );
            }
        } else if !is_page(path) {
            refuse(
                path,
                "this is not a community's to change".to_owned(),
                "please write a guide of your own, with an id such as welcome; crisis pages, wording, phrase lists and numbers are the operator's",
            );
        } else if text.len() > LONGEST_GUIDE {
            refuse(
                path,
                format!("the guide has more than {LONGEST_GUIDE} bytes"),
                "please make two guides of it",
            );
        } else if text.lines().filter(|line| line.starts_with("## ")).count() >= MOST_STEPS {
            refuse(
                path,
                format!("the guide has more than {MOST_STEPS} steps"),
                "please make two guides of it",
            );
        }
    }
    if files.iter().filter(|(path, _)| path != WORDS).count() > MOST_GUIDES {
        let path = files.last().map_or("", |(path, _)| path.as_str());
        refuse(path, format!("there are more than {MOST_GUIDES} guides"), "please take one away first");
    }
    if found.is_empty() { Ok(()) } else { Err(CommunityError::Errors(found)) }
}

fn io_error(what: &str, reason: io::Error) -> CommunityError {
    CommunityError::Io { what: what.to_owned(), reason }
}
