//! Which choices were taken, and which never.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Source};
use crate::library::Library;
use crate::script::{ChoiceId, GuideId, Language, StepId};

/// The code of a choice that nobody took.
const NEVER: &str = "T003";

/// A choice, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    /// The guide, or the crisis page.
    pub guide: GuideId,
    /// Its language.
    pub language: Language,
    /// The step.
    pub step: StepId,
    /// The choice.
    pub choice: ChoiceId,
}

/// How many choices of a library were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// All choices of all guides and crisis pages.
    pub of: usize,
    /// Those that were taken.
    pub taken: usize,
    /// A warning for each that was not, with its line.
    pub never: Vec<Diagnostic>,
}

impl Coverage {
    /// Counts what was taken.
    pub fn new(library: &Library, taken: &BTreeSet<Taken>) -> Self {
        let mut coverage = Coverage { of: 0, taken: 0, never: Vec::new() };
        for guide in library.all_guides() {
            let source = Source::new(guide.path(), guide.text());
            for step in guide.steps() {
                for choice in &step.choices {
                    let name = Taken {
                        guide: guide.id().clone(),
                        language: guide.language().clone(),
                        step: step.id.clone(),
                        choice: choice.id,
                    };
                    coverage.of += 1;
                    if taken.contains(&name) {
                        coverage.taken += 1;
                        continue;
                    }
                    let what = format!("no transcript takes the choice \"{}\"", choice.label);
                    let help = format!(
                        "please take it in a transcript, or let lantern test --tour {} write one",
                        guide.id()
                    );
                    coverage
                        .never
                        .push(Diagnostic::warning(NEVER, what, help).at(&source, choice.range.clone()));
                }
            }
        }
        coverage
    }

    /// The share that was taken, in percent, rounded down: 100 means all.
    pub fn percent(&self) -> usize {
        (self.taken * 100).checked_div(self.of).unwrap_or(100)
    }
}
