//! A community's own scripts, laid over the operator's library: guides and words, and nothing that keeps people safe.

use std::path::Path;
use std::sync::Arc;

use super::{CommunityError, HISTORY, SCRIPTS, WORDS};
use crate::diagnostic::Diagnostic;
use crate::library::Library;
use crate::script::{CRISIS, Language};
use crate::shell::library::{self, Loaded};
use crate::shell::workbench::revisions::Revisions;

/// The most guides of its own that a community has, in all languages together.
pub const MOST_GUIDES: usize = 20;
/// The longest of them, in bytes.
pub const LONGEST_GUIDE: usize = 128 << 10;
/// The most steps that one of them has: every one is proved before it goes into service.
pub const MOST_STEPS: usize = 200;
/// The longest id of a guide, in bytes.
const LONGEST_NAME: usize = 100;
/// The code of what is not a community's to have.
const CODE: &str = "S018";

/// A library of a community's own.
pub(super) struct Overlay {
    /// What it was laid over.
    pub(super) base: Arc<Library>,
    /// The whole.
    pub(super) library: Arc<Library>,
    /// Whether there are files of its own, and not only earlier texts that people finish.
    pub(super) has_files: bool,
}

/// A change that is taken up while the community is in service.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    /// The library that people are served with until now.
    pub(super) before: &'a Library,
    /// Whether it has anything of the community's own.
    pub(super) own: bool,
    /// Who made it.
    pub(super) who: &'a str,
    /// When, in seconds since 1970.
    pub(super) at: u64,
    /// Whether it has still to be proved.
    pub(super) proving: bool,
}

/// The history of the scripts in a community's folder.
pub(super) fn revisions(folder: &Path, base: Arc<Library>) -> Revisions {
    Revisions::over(base, &folder.join(SCRIPTS), &folder.join(HISTORY))
}

/// Lays a community's scripts over a library, and says what is wrong with them. Where they have errors, the last that
/// were sound stay, with the newest crisis help; else the community's words alone; else nothing of its own.
pub(super) fn lay(
    folder: &Path,
    base: Arc<Library>,
    change: Option<Change<'_>>,
) -> (Option<Arc<Overlay>>, Option<String>) {
    let (files, mut found) = files(folder);
    let nothing = files.is_empty() && found.is_empty() && !change.is_some_and(|change| change.own);
    if nothing && !folder.join(HISTORY).is_dir() {
        return (None, None);
    }
    found.extend(beyond_limits(&files));
    // Words change nobody's position: only guides have to be proved.
    let proving = change.is_some_and(|change| change.proving) && files.iter().any(|(path, _)| path != WORDS);
    let has_files = !files.is_empty();
    let overlay =
        |library| Some(Arc::new(Overlay { base: base.clone(), library: Arc::new(library), has_files }));
    let Loaded { library, found, .. } = library::check_over(&base, &files, found, proving);
    if let Some(mut library) = library {
        let revisions = revisions(folder, base.clone());
        let library = match change {
            Some(Change { before, who, at, .. }) => {
                // Where the history can't be written, the scripts are no less sound.
                let withdrawn = revisions.found_by(before, &library, who, at).unwrap_or_default();
                library.succeeding(before, &withdrawn)
            }
            None => {
                let _ = revisions.remember(&mut library);
                library
            }
        };
        return (overlay(library), None);
    }
    let first = found.iter().find(|one| one.is_error());
    let why = first.map_or_else(String::new, |one| {
        let place = one.place.as_ref();
        let at = place.map_or(String::new(), |place| format!(" ({}, line {})", place.path, place.line));
        format!(": {}{at}", one.what)
    });
    if let Some(change) = change.filter(|change| change.own) {
        let trouble = format!("Your own scripts have errors{why}. The last that were sound stay in service.");
        return (overlay(change.before.with_help_of(&base)), Some(trouble));
    }
    let words: Vec<(String, String)> = files.into_iter().filter(|(path, _)| path == WORDS).collect();
    let alone =
        if words.is_empty() { None } else { library::check_over(&base, &words, Vec::new(), false).library };
    let with = if alone.is_some() { ", with your own words" } else { "" };
    let trouble =
        format!("Your own scripts have errors{why}. The operator's serve until they are mended{with}.");
    (alone.and_then(overlay), Some(trouble))
}

/// A community's own files, as path and text, and what can't be read of them.
pub(super) fn files(folder: &Path) -> (Vec<(String, String)>, Vec<Diagnostic>) {
    let (mut files, mut found) = (Vec::new(), Vec::new());
    let scripts = folder.join(SCRIPTS);
    if scripts.is_dir() {
        library::gather(&scripts, "", 0, &mut files, &mut found);
    }
    (files, found)
}

/// Whether a path is one that a community's guide can have.
pub(super) fn is_page(path: &str) -> bool {
    let plain = |word: &str| {
        (1..=LONGEST_NAME).contains(&word.len())
            && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    path.strip_suffix(".md").and_then(|path| path.split_once('/')).is_some_and(|(id, language)| {
        plain(id) && Language::is_code(language) && !matches!(id, CRISIS | "wording" | "phrases")
    })
}

/// Whether files are a community's to have, and no more than it may have.
pub(super) fn limits(files: &[(String, String)]) -> Result<(), CommunityError> {
    let found = beyond_limits(files);
    if found.is_empty() { Ok(()) } else { Err(CommunityError::Errors(found)) }
}

fn beyond_limits(files: &[(String, String)]) -> Vec<Diagnostic> {
    let refuse = |path: &str, what: String, help: &str| Diagnostic::error(CODE, what, help).in_file(path);
    let mut found = Vec::new();
    for (path, text) in files {
        let steps = || text.lines().filter(|line| line.starts_with("## ")).count();
        found.extend(if path != WORDS && !is_page(path) {
            Some(refuse(
                path,
                "this is not a community's to change".to_owned(),
                "please write a guide with an id of its own, such as welcome; crisis pages, wording, phrase lists and numbers are the operator's",
            ))
        } else if text.len() > LONGEST_GUIDE {
            Some(refuse(
                path,
                format!("this has more than {LONGEST_GUIDE} bytes"),
                "please keep what matters, or make two guides of it",
            ))
        } else if path != WORDS && steps() >= MOST_STEPS {
            Some(refuse(
                path,
                format!("this guide has more than {MOST_STEPS} steps"),
                "please make two guides of it",
            ))
        } else {
            None
        });
    }
    if files.iter().filter(|(path, _)| path != WORDS).count() > MOST_GUIDES {
        let path = files.last().map_or("", |(path, _)| path.as_str());
        let what = format!("there are more than {MOST_GUIDES} guides of your own");
        found.push(refuse(path, what, "please take one away first"));
    }
    found
}
