//! Sentences and what should be said of them: what the detector is tested with, and what it learns from.
//!
//! They are lines of a text file, one capability a group, in the manner of HateCheck (Röttger et al., 2021) and
//! CheckList (Ribeiro et al., 2020). The first line of a file says what the group is for; `= ideation self`
//! before a row of lines says that each of them should be recognised, at that level; `= recognised` leaves the
//! level open; `= quiet` says that each should stay below [`Level::Concern`]:
//!
//! ```text
//! # Goodbyes, to one person and to everybody.
//! = imminent self
//! this is my last message
//! = quiet
//! bye, see you tomorrow
//! ```

use super::{Level, Who};
use crate::diagnostic::{Diagnostic, Source};

/// What a line should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Concern or above; this level and person, to be exact, where they are given.
    Recognised(Option<Level>, Option<Who>),
    /// Below concern.
    Quiet,
}

/// One line and what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What somebody might type.
    pub text: String,
    /// What it should be.
    pub expected: Expected,
}

/// The cases of one capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its language and its name, such as `en/goodbye`.
    pub name: String,
    /// In the order of the file.
    pub cases: Vec<Case>,
}

impl Group {
    /// Reads a file of cases.
    ///
    /// # Errors
    ///
    /// A line before any `= …`, a heading that says no level, or a file without cases.
    pub fn read(name: &str, path: &str, text: &str) -> Result<Group, Vec<Diagnostic>> {
        let source = Source::new(path, text);
        let mut faults = Vec::new();
        let mut expected = None;
        let mut cases = Vec::new();
        let mut at = 0;
        for whole in text.split_inclusive('\n') {
            let line = whole.trim_end();
            let range = at..at + line.len();
            at += whole.len();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut fault = |what: &str, help| {
                faults.push(Diagnostic::error("T005", what, help).at(&source, range.clone()));
            };
            match (line.strip_prefix("= "), expected) {
                (Some(heading), _) => match parse(heading) {
                    Some(what) => expected = Some(what),
                    None => fault(
                        "this heading says no level",
                        "write \"= quiet\", or a level and a person such as \"= ideation self\" or \"= concern other\"",
                    ),
                },
                (None, Some(expected)) => cases.push(Case { text: line.to_owned(), expected }),
                (None, None) => {
                    fault(
                        "nothing says what this line should be",
                        "write a heading above it, such as \"= quiet\"",
                    );
                }
            }
        }
        if cases.is_empty() && faults.is_empty() {
            faults.push(
                Diagnostic::error("T005", "there is no case here", "write at least one line").in_file(path),
            );
        }
        if faults.is_empty() { Ok(Group { name: name.to_owned(), cases }) } else { Err(faults) }
    }
}

fn parse(heading: &str) -> Option<Expected> {
    let mut words = heading.split_whitespace();
    let level = match words.next()? {
        "quiet" => return words.next().is_none().then_some(Expected::Quiet),
        "recognised" => None,
        "concern" => Some(Level::Concern),
        "ideation" => Some(Level::Ideation),
        "imminent" => Some(Level::Imminent),
        _ => return None,
    };
    let who = match words.next() {
        Some("self") => Some(Who::Oneself),
        Some("other") => Some(Who::Other),
        None => None,
        Some(_) => return None,
    };
    words.next().is_none().then_some(Expected::Recognised(level, who))
}
