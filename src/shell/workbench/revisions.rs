//! Putting a guide into service, taking it back, and who did it when.
//!
//! The scripts folder is what is in service. Beside the store lies the history: every text that was ever in
//! service, and a line for each change. So nothing is lost, and every earlier text can come back.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::diagnostic::Diagnostic;
use crate::library::Library;
use crate::script::compare::{self, Edit};
use crate::script::{self, CRISIS, Guide, GuideId, Language, Revision};
use crate::shell::library::{self, Loaded};

/// How many earlier texts are read at the start for those who are still in them.
const MOST_KEPT: usize = 200;

/// What [`Revisions::roll_back`] is asked for, in the place of a revision, to take a community's own text away.
pub const OPERATORS: &str = "operator";

/// The scripts folder and its history.
#[derive(Debug, Clone)]
pub struct Revisions {
    /// What the folder is laid over, where it is a community's.
    base: Option<Arc<Library>>,
    scripts: PathBuf,
    history: PathBuf,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// A new text was put into service.
    Publish,
    /// An earlier text was put back.
    RollBack,
    /// The file was changed by hand, and found so.
    Edit,
    /// A community's own text was taken away: the operator's serves again, if there is one.
    Lift,
}

/// A line of the audit record: who did what, when; never what anybody typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in seconds since 1970.
    pub at: u64,
    /// Who: the name that they gave, or that their platform has for them.
    pub who: String,
    /// What was done.
    pub what: Deed,
    /// To which guide.
    pub guide: GuideId,
    /// In which language.
    pub language: Language,
    /// The text that is in service since, as 16 hexadecimal digits; `none` where there is none any more.
    pub revision: String,
    /// The text that was before, if there was one.
    pub before: Option<String>,
    /// Whether nobody goes on with the text before.
    #[serde(default)]
    pub withdrawn: bool,
}

/// Why a guide isn't put into service. What was in service still is.
#[derive(Debug, Error)]
pub enum RevisionError {
    /// It has errors.
    #[error("{} errors stand in the way; the first: {}", .0.iter().filter(|one| one.is_error()).count(), .0.iter().find(|one| one.is_error()).map_or("", |one| one.what.as_str()))]
    Errors(Vec<Diagnostic>),
    /// There is no scripts folder to change.
    #[error("there is no folder {}; please copy the scripts that came with the program there first", .0.display())]
    NoFolder(PathBuf),
    /// There is no such text in the history.
    #[error("the history has no {0}; lantern history lists what it has")]
    Unknown(String),
    /// It is in service already.
    #[error("that text of {0} is in service already; nothing was changed")]
    Same(String),
    /// A file can't be read or written.
    #[error("{} can't be written ({reason}); nothing was changed", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

/// A guide that could be put into service, checked whole.
pub struct Candidate {
    /// The guide.
    pub guide: Arc<Guide>,
    /// The one in service, if there is one.
    pub before: Option<Arc<Guide>>,
    /// What changes.
    pub edit: Edit,
    /// What could be better.
    pub warnings: Vec<Diagnostic>,
    /// In how many positions the whole library was proved.
    pub positions: usize,
}

impl Revisions {
    /// The history of a scripts folder.
    pub fn new(scripts: &Path, history: &Path) -> Self {
        Revisions { base: None, scripts: scripts.to_owned(), history: history.to_owned() }
    }

    /// The history of a community's own scripts, which are laid over those in service.
    pub fn over(base: Arc<Library>, own: &Path, history: &Path) -> Self {
        Revisions { base: Some(base), scripts: own.to_owned(), history: history.to_owned() }
    }

    fn load(&self) -> Loaded {
        match &self.base {
            Some(base) => library::load_over(base, &self.scripts, None, false),
            None => library::load(&self.scripts, false),
        }
    }

    fn load_with(&self, path: &str, text: &str) -> Loaded {
        match &self.base {
            Some(base) => library::load_over(base, &self.scripts, Some((path, Some(text))), true),
            None => library::load_with(&self.scripts, path, text),
        }
    }

    /// Whether a guide is the one that a community's scripts are laid over.
    fn is_base(&self, guide: &Guide) -> bool {
        self.base.as_ref().is_some_and(|base| {
            base.all_guides().any(|one| one.path() == guide.path() && one.revision() == guide.revision())
        })
    }

    /// Checks a guide's text as part of everything in service, without changing anything.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn examine(&self, text: &str) -> Result<Candidate, RevisionError> {
        let path = script::read::own_path(text);
        let current = self.load().library;
        let with = self.load_with(&path, text);
        let errors = |found: Vec<Diagnostic>| Err(RevisionError::Errors(found));
        let (Some(library), Some(proof)) = (with.library, with.proof) else { return errors(with.found) };
        let find = |library: &Library| library.all_guides().find(|guide| guide.path() == path).cloned();
        let Some(guide) = find(&library) else {
            return errors(vec![
                Diagnostic::error(
                    "S018",
                    "this is no guide",
                    "please write id and language at its beginning",
                )
                .in_file(&path),
            ]);
        };
        let before = current.as_ref().and_then(find);
        let edit = before.as_ref().map_or_else(
            || Edit { added: guide.steps().iter().map(|step| step.id.clone()).collect(), ..Edit::default() },
            |before| compare::edit(before, &guide),
        );
        let warnings = with
            .found
            .into_iter()
            .filter(|one| one.place.as_ref().is_some_and(|place| place.path == path))
            .collect();
        Ok(Candidate { guide, before, edit, warnings, positions: proof.positions })
    }

    /// Puts a guide's text into service, after a clean check. With `withdraw`, nobody goes on with the text before.
    ///
    /// # Errors
    ///
    /// Where it has errors, or can't be written; what was in service still is.
    pub fn publish(&self, text: &str, who: &str, at: u64, withdraw: bool) -> Result<Entry, RevisionError> {
        self.put(text, who, at, withdraw, Deed::Publish)
    }

    /// Puts an earlier text back: the one named, or the one before the present one.
    ///
    /// # Errors
    ///
    /// Where there is none, or it doesn't fit what is around it any more.
    pub fn roll_back(
        &self,
        guide: &str,
        language: &Language,
        to: Option<&str>,
        who: &str,
        at: u64,
        withdraw: bool,
    ) -> Result<Entry, RevisionError> {
        let log = self.log();
        let last =
            log.iter().rev().find(|entry| entry.guide.as_str() == guide && entry.language == *language);
        if let Some(base) = &self.base
            && self.leads_back(base, guide, language, to, &log)
        {
            return self.lift(base, guide, language, who, at, withdraw);
        }
        let wanted = match to {
            Some(revision) => Some(revision.to_owned()),
            // Where the own text was taken away, the one before is the last that was a community's own.
            None if last.is_some_and(|entry| entry.what == Deed::Lift) => {
                last.and_then(|entry| entry.before.clone())
            }
            None => last.and_then(|entry| entry.before.clone()),
        };
        let name = format!("earlier text of {guide}/{language}.md");
        let wanted = wanted.ok_or_else(|| RevisionError::Unknown(name.clone()))?;
        let text = self
            .text(guide, language, &wanted)
            .ok_or(RevisionError::Unknown(format!("{name} called {wanted}")))?;
        self.put(&text, who, at, withdraw, Deed::RollBack)
    }

    /// Whether the text that is wanted is the operator's, so that a community's own has only to go.
    fn leads_back(
        &self,
        base: &Library,
        guide: &str,
        language: &Language,
        to: Option<&str>,
        log: &[Entry],
    ) -> bool {
        if !self.scripts.join(format!("{guide}/{language}.md")).exists() {
            return false;
        }
        match to {
            Some(OPERATORS) => true,
            Some(revision) => base.all_guides().any(|one| {
                one.id().as_str() == guide
                    && one.language() == language
                    && one.revision().to_string() == revision
            }),
            None => {
                let of_page = |entry: &&Entry| entry.guide.as_str() == guide && entry.language == *language;
                // The last entry made the own text what it is; what it was before tells the one before that.
                log.iter().rev().filter(of_page).nth(1).is_none_or(|entry| entry.what == Deed::Lift)
            }
        }
    }

    /// Takes a community's own text away.
    fn lift(
        &self,
        base: &Library,
        guide: &str,
        language: &Language,
        who: &str,
        at: u64,
        withdraw: bool,
    ) -> Result<Entry, RevisionError> {
        let name = format!("{guide}/{language}.md");
        let path = self.scripts.join(&name);
        let without = library::load_over(base, &self.scripts, Some((&name, None)), true);
        let Some(library) = without.library else { return Err(RevisionError::Errors(without.found)) };
        let failed = |reason| RevisionError::Io { path: path.clone(), reason };
        let own = fs::read_to_string(&path).map_err(failed)?;
        let before = Revision::of(&own);
        if let Ok(own) = script::read(&name, &own) {
            self.keep(&own).map_err(failed)?;
        }
        let after = library.all_guides().find(|one| one.path() == name);
        let entry = Entry {
            at,
            who: who.to_owned(),
            what: Deed::Lift,
            guide: GuideId::new(guide),
            language: language.clone(),
            revision: after.map_or("none".to_owned(), |guide| guide.revision().to_string()),
            before: Some(before.to_string()),
            withdrawn: withdraw,
        };
        self.note(&entry).map_err(failed)?;
        fs::remove_file(&path).map_err(failed)?;
        Ok(entry)
    }

    fn put(
        &self,
        text: &str,
        who: &str,
        at: u64,
        withdraw: bool,
        what: Deed,
    ) -> Result<Entry, RevisionError> {
        if self.base.is_none() && !self.scripts.is_dir() {
            return Err(RevisionError::NoFolder(self.scripts.clone()));
        }
        let candidate = self.examine(text)?;
        let (guide, path) = (&candidate.guide, self.scripts.join(candidate.guide.path()));
        if candidate.before.as_ref().is_some_and(|before| before.revision() == guide.revision()) {
            return Err(RevisionError::Same(guide.path().to_owned()));
        }
        let failed = |reason| RevisionError::Io { path: path.clone(), reason };
        for kept in candidate.before.iter().chain([guide]) {
            self.keep(kept).map_err(failed)?;
        }
        let entry = Entry {
            at,
            who: who.to_owned(),
            what,
            guide: guide.id().clone(),
            language: guide.language().clone(),
            revision: guide.revision().to_string(),
            before: candidate.before.as_ref().map(|before| before.revision().to_string()),
            withdrawn: withdraw,
        };
        // The record comes first: a change that nobody signed for must not happen.
        self.note(&entry).map_err(failed)?;
        write_whole(&path, text).map_err(failed)?;
        Ok(entry)
    }

    /// Keeps the text of a guide, so that it can be finished and brought back.
    ///
    /// # Errors
    ///
    /// Where it can't be written.
    pub fn keep(&self, guide: &Guide) -> io::Result<()> {
        let path = self.page(guide.id().as_str(), guide.language(), &guide.revision().to_string());
        if path.exists() { Ok(()) } else { write_whole(&path, guide.text()) }
    }

    /// An earlier text of a guide.
    pub fn text(&self, guide: &str, language: &Language, revision: &str) -> Option<String> {
        let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\', '.']);
        let text = plain(guide).then(|| fs::read_to_string(self.page(guide, language, revision)).ok())??;
        // A file that was changed by hand is another text.
        (Revision::of(&text).to_string() == revision).then_some(text)
    }

    fn page(&self, guide: &str, language: &Language, revision: &str) -> PathBuf {
        self.history.join("pages").join(format!("{guide}.{language}.{revision}.md"))
    }

    /// The audit record, oldest first. A line that can't be read, as after a crash, is passed over.
    pub fn log(&self) -> Vec<Entry> {
        let text = fs::read_to_string(self.history.join("audit.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn note(&self, entry: &Entry) -> io::Result<()> {
        fs::create_dir_all(&self.history)?;
        append(&self.history.join("audit.jsonl"), &serde_json::to_string(entry)?)
    }

    /// Notes that files were changed by hand, and keeps what was there before.
    ///
    /// # Errors
    ///
    /// Where the history can't be written.
    pub fn found(&self, before: &Library, now: &Library, at: u64) -> io::Result<Vec<Revision>> {
        self.found_by(before, now, "somebody with the files", at)
    }

    /// The same, where it is known who changed them: with an import, for one.
    ///
    /// # Errors
    ///
    /// Where the history can't be written.
    pub fn found_by(&self, before: &Library, now: &Library, who: &str, at: u64) -> io::Result<Vec<Revision>> {
        let log = self.log();
        let mut withdrawn = Vec::new();
        for guide in now.all_guides() {
            let old = before.all_guides().find(|old| old.path() == guide.path());
            if old.is_some_and(|old| old.revision() == guide.revision()) {
                continue;
            }
            let revision = guide.revision().to_string();
            let last = log
                .iter()
                .rev()
                .find(|entry| entry.guide == *guide.id() && entry.language == *guide.language());
            match last.filter(|entry| entry.revision == revision) {
                Some(entry) if entry.withdrawn => withdrawn.extend(old.map(|old| old.revision())),
                Some(_) => {}
                // What the operator did stands in the operator's record.
                None if self.is_base(guide) => continue,
                None => self.note(&Entry {
                    at,
                    who: who.to_owned(),
                    what: Deed::Edit,
                    guide: guide.id().clone(),
                    language: guide.language().clone(),
                    revision,
                    before: old.map(|old| old.revision().to_string()),
                    withdrawn: false,
                })?,
            }
            for kept in old.into_iter().chain([guide]) {
                self.keep(kept)?;
            }
        }
        for gone in before.all_guides().filter(|old| now.all_guides().all(|now| now.path() != old.path())) {
            let of_page = |entry: &&Entry| entry.guide == *gone.id() && entry.language == *gone.language();
            let last = log.iter().rev().find(of_page);
            if last.is_some_and(|entry| entry.what == Deed::Lift && entry.withdrawn) {
                withdrawn.push(gone.revision());
            }
        }
        Ok(withdrawn)
    }

    /// Gives a library the earlier texts that people may still be in, and keeps its own for later.
    ///
    /// # Errors
    ///
    /// Where the history can't be written; the library can be used all the same.
    pub fn remember(&self, library: &mut Library) -> io::Result<()> {
        let withdrawn: BTreeSet<String> =
            self.log().into_iter().filter(|entry| entry.withdrawn).filter_map(|entry| entry.before).collect();
        let mut pages: Vec<(std::time::SystemTime, PathBuf)> = match fs::read_dir(self.history.join("pages"))
        {
            Ok(entries) => entries
                .filter_map(Result::ok)
                .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
                .collect(),
            Err(_) => Vec::new(),
        };
        pages.sort();
        for (_, path) in pages.iter().rev().take(MOST_KEPT) {
            let Ok(text) = fs::read_to_string(path) else { continue };
            let revision = Revision::of(&text).to_string();
            if withdrawn.contains(&revision) || !path.to_string_lossy().contains(&revision) {
                continue;
            }
            if let Ok(guide) = script::read(&script::read::own_path(&text), &text) {
                library.retire(Arc::new(guide));
            }
        }
        let own: Vec<Arc<Guide>> =
            library.all_guides().filter(|guide| guide.id().as_str() != CRISIS).cloned().collect();
        own.iter().filter(|guide| !self.is_base(guide)).try_for_each(|guide| self.keep(guide))
    }
}

/// Adds a line to a record, and waits until it is kept. A line that was cut off before stays apart from it.
pub(in crate::shell) fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let gap = if last == *b"\n" { "" } else { "\n" };
    file.write_all(format!("{gap}{line}\n").as_bytes())?;
    file.sync_data()
}

/// Writes a file whole or not at all: beside its place first, then over it.
pub(in crate::shell) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // A name that begins with a dot is passed over by whoever reads the folder meanwhile.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.new"));
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // So that the new name outlives a power cut, where a folder can be asked for that.
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}
