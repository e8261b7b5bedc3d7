//! Reads a scripts folder from disk: the whole, or what is wrong with it.

use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use crate::diagnostic::Diagnostic;
use crate::library::Library;
use crate::lint;
use crate::proof::{self, Proof};
use crate::script::read::LONGEST_FILE;

/// The code of a file that can't be read at all.
const UNREADABLE: &str = "S001";
/// How many files a folder can hold.
const MOST_FILES: usize = 10_000;

/// A library with what could be better about it, or what is wrong.
pub struct Loaded {
    /// The library, if there is no error.
    pub library: Option<Library>,
    /// What was proved of it, where that was asked for and there is no other error. Its failures are among `found`.
    pub proof: Option<Proof>,
    /// Errors and warnings, in the order of files and places.
    pub found: Vec<Diagnostic>,
}

/// Reads and checks a scripts folder; proves it, too, where that is asked for.
pub fn load(folder: &Path, proving: bool) -> Loaded {
    let mut found = Vec::new();
    let mut files = Vec::new();
    gather(folder, "", 0, &mut files, &mut found);
    check(files, found, proving)
}

/// Whether these are the very scripts that the program was built with, which its tests have checked. Phrase lists may
/// differ: no rule asks what they say, and their own examples were tried when they were read.
fn are_builtin(files: &[(String, String)]) -> bool {
    let linted = |path: &str| Library::reads(path) && !path.starts_with("phrases/");
    let builtin = Library::builtin_files();
    let mut read = files.iter().filter(|(path, _)| linted(path));
    // Some of them are not all of them: a guide that is left out may be one that another leads to.
    read.clone().count() == builtin.iter().filter(|(path, _)| linted(path)).count()
        && read.all(|(path, text)| {
            builtin.binary_search_by_key(&path.as_str(), |file| file.0).is_ok_and(|at| builtin[at].1 == text)
        })
}

/// Reads, checks and proves a scripts folder as if one of its files had this text.
pub fn load_with(folder: &Path, path: &str, text: &str) -> Loaded {
    let mut found = Vec::new();
    let mut files = Vec::new();
    gather(folder, "", 0, &mut files, &mut found);
    files.retain(|(other, _)| other != path);
    files.push((path.to_owned(), text.to_owned()));
    check(files, found, true)
}

/// Reads, checks and proves one guide of its own, among the built-in scripts.
pub fn load_file(file: &Path) -> Loaded {
    let shown = file.display().to_string();
    let text = match read(file) {
        Ok(text) => text,
        Err((what, help)) => {
            let found = vec![Diagnostic::error(UNREADABLE, what, help).in_file(&shown)];
            return Loaded { library: None, proof: None, found };
        }
    };
    // Its place is its folder and its name, wherever the folder is.
    let name = |path: Option<&std::ffi::OsStr>| {
        path.map_or(String::new(), |name| name.to_string_lossy().into_owned())
    };
    let path = match name(file.parent().and_then(Path::file_name)) {
        folder if folder.is_empty() => name(file.file_name()),
        folder => format!("{folder}/{}", name(file.file_name())),
    };
    let others = Library::builtin_files().iter().filter(|(other, _)| *other != path);
    let files =
        others.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).chain([(path.clone(), text)]);
    let mut loaded = check(files.collect(), Vec::new(), true);
    loaded.found.retain(|one| one.place.as_ref().is_none_or(|place| place.path == path));
    loaded
}

/// Checks and proves the scripts that the program was built with.
pub fn load_builtin() -> Loaded {
    let files = Library::builtin_files().iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    check(files.collect(), Vec::new(), true)
}

/// A page as it isn't on disk: its path, and its text; none as if there were no such file.
pub type Page<'a> = (&'a str, Option<&'a str>);

/// Reads and checks a community's folder laid over a library, as if one of its pages were another; proves the whole,
/// too, where that is asked for. A folder that isn't there is empty. Of warnings only those about the folder's own
/// files are told.
pub fn load_over(base: &Library, own: &Path, page: Option<Page<'_>>, proving: bool) -> Loaded {
    let mut found = Vec::new();
    let mut files = Vec::new();
    if own.is_dir() {
        gather(own, "", 0, &mut files, &mut found);
    }
    if let Some((path, text)) = page {
        files.retain(|(other, _)| other != path);
        files.extend(text.map(|text| (path.to_owned(), text.to_owned())));
    }
    check_over(base, &files, found, proving)
}

/// Checks files laid over a library.
pub(super) fn check_over(
    base: &Library,
    files: &[(String, String)],
    found: Vec<Diagnostic>,
    proving: bool,
) -> Loaded {
    let laid = base.overlaid(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let mut loaded = judge(laid, found, proving, false);
    loaded.found.retain(|one| {
        let own = |path: &str| files.iter().any(|(own, _)| own == path);
        one.is_error() || one.place.as_ref().is_some_and(|place| own(&place.path))
    });
    loaded
}

fn check(files: Vec<(String, String)>, found: Vec<Diagnostic>, proving: bool) -> Loaded {
    let texts = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let read = if proving { Library::read(texts) } else { Library::read_to_serve(texts) };
    let known = !proving && are_builtin(&files);
    judge(read, found, proving, known)
}

/// Checks what was read; proves it, too, where that is asked for. What is `known` was checked before.
fn judge(
    read: Result<Library, Vec<Diagnostic>>,
    mut found: Vec<Diagnostic>,
    proving: bool,
    known: bool,
) -> Loaded {
    let library = match read {
        Ok(library) => library,
        Err(faults) => {
            found.extend(faults);
            return Loaded { library: None, proof: None, found };
        }
    };
    // Neither needs the other, and a moderator waits for both.
    let (linted, proof) = thread::scope(|scope| {
        let proof = proving.then(|| scope.spawn(|| proof::prove(&library)));
        let linted = if known { Vec::new() } else { lint::check(&library) };
        // What fails while proving must never pass for proved.
        let proof = proof.map(|proof| proof.join().unwrap_or_else(|panic| resume_unwind(panic)));
        (linted, proof)
    });
    found.extend(linted);
    let sound = !found.iter().any(Diagnostic::is_error);
    // What was proved of a library with errors would only repeat them.
    let proof = proof.filter(|_| sound);
    found.extend(proof.iter().flat_map(|proof| proof.failures.iter().cloned()));
    let sound = sound && proof.as_ref().is_none_or(|proof| proof.failures.is_empty());
    Loaded { library: sound.then_some(library), proof, found }
}

/// The files below a folder, as path and text; what can't be read is among `found`.
pub(super) fn gather(
    folder: &Path,
    below: &str,
    depth: usize,
    files: &mut Vec<(String, String)>,
    found: &mut Vec<Diagnostic>,
) {
    let refuse =
        |path: &str, what: String, help: &str| Diagnostic::error(UNREADABLE, what, help).in_file(path);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let help = "please check the folder's name and rights";
            found.push(refuse(
                &folder.display().to_string(),
                format!("the folder can't be read ({error})"),
                help,
            ));
            return;
        }
    };
    let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        // Editors and systems leave their own files about.
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            let help = "please put the file itself here; links could lead outside the scripts folder";
            found.push(refuse(&path, "this is a link, and links are not followed".into(), help));
        } else if kind.is_dir() && depth < 2 {
            gather(&entry.path(), &path, depth + 1, files, found);
        } else if kind.is_dir() {
            found.push(refuse(
                &path,
                "folders are nested too deeply".into(),
                "please keep guides as <guide>/<language>.md",
            ));
        } else if kind.is_file() && files.len() < MOST_FILES {
            match read(&entry.path()) {
                Ok(text) => files.push((path, text)),
                Err((what, help)) => found.push(refuse(&path, what, &help)),
            }
        } else {
            found.push(refuse(
                &path,
                "this is not a plain file, or there are too many files".into(),
                "please move it elsewhere",
            ));
        }
    }
}

/// The text of a file, or what is wrong with it and what to do.
pub(super) fn read(path: &Path) -> Result<String, (String, String)> {
    let length = fs::metadata(path).map_or(0, |meta| meta.len());
    if length > LONGEST_FILE as u64 {
        let what = format!("the file has {length} bytes, more than the {LONGEST_FILE} that a guide may have");
        return Err((what, "please cut it into several files".into()));
    }
    let bytes = fs::read(path).map_err(|error| {
        (format!("the file can't be read ({error})"), "please check its rights".to_owned())
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        let what = format!("line {line} is not UTF-8 text");
        (what, "please save the file as UTF-8 in your editor".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_whose_phrase_lists_alone_differ_is_found_as_sound_as_before() {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in Library::builtin_files() {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
            let more = if *path == "phrases/sv.toml" { "\n# Ours.\n" } else { "" };
            fs::write(file, format!("{text}{more}")).expect("a file");
        }
        let loaded = load(folder.path(), false);
        assert!(loaded.library.is_some());
        let library = load(folder.path(), true).library.expect("it is sound");
        assert_eq!(loaded.found, lint::check(&library));
    }

    #[test]
    fn a_folder_with_only_some_of_the_built_in_guides_is_checked_like_any_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let page =
            Library::builtin_files().iter().find(|file| file.0 == "ketamine/en.md").expect("it is there");
        fs::create_dir(folder.path().join("ketamine")).expect("a folder");
        fs::write(folder.path().join(page.0), page.1).expect("a file");
        // It leads to the guide about supporting someone, which is not there.
        for proving in [false, true] {
            let loaded = load(folder.path(), proving);
            assert!(loaded.library.is_none());
            assert!(loaded.found.iter().any(|one| one.code == "S006"), "proving: {proving}");
        }
    }
}
