//! The rules that a library must keep before anybody can be walked through it.
//!
//! What is wrong inside one file is found when it is read; here is what only the whole can show.

pub mod structure;

use crate::diagnostic::Diagnostic;
use crate::library::Library;

/// Everything that is wrong with a library, errors and warnings, in the order of files and places.
pub fn check(library: &Library) -> Vec<Diagnostic> {
    let mut found = structure::check(library);
    found.sort_by_key(|one| one.place.as_ref().map(|place| (place.path.clone(), place.line, place.column)));
    found
}
