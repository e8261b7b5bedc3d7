//! The rules that a library must keep before anybody can be walked through it.
//!
//! What is wrong inside one file is found when it is read; here is what only the whole can show, and what
//! is said to people. [`rules`] has the table of all rules, with the file that explains each.

mod care;
mod language;
mod prose;
pub mod rules;
mod structure;
mod translation;

use crate::diagnostic::Diagnostic;
use crate::library::Library;
use prose::Prose;

/// Everything that is wrong with a library, errors and warnings, in the order of files and places.
pub fn check(library: &Library) -> Vec<Diagnostic> {
    let mut found = structure::check(library);
    for guide in library.all_guides() {
        let prose = Prose::of(guide);
        care::check(library, guide, &prose, &mut found);
        language::check(guide, &prose, &mut found);
    }
    care::check_sentences(library, &mut found);
    translation::check(library, &mut found);
    found.sort_by_key(|one| one.place.as_ref().map(|place| (place.path.clone(), place.line, place.column)));
    found
}
