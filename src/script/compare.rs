//! Two revisions, or two languages, of one guide: what differs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Choice, Guide, StepId, Target};

/// Which text of a step this is: the first four bytes of the SHA-256 of its lines, without blanks around them.
pub fn step_revision(guide: &Guide, at: usize) -> String {
    let text = &guide.text()[guide.extent(at)];
    let mut digest = Sha256::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        digest.update(line.as_bytes());
        digest.update(b"\n");
    }
    digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Which text of each step of the source language a translation says: `<guide>/<language>.toml`, written by
/// `lantern translate`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Translated {
    /// The [revision](step_revision) of each step that was translated.
    pub steps: BTreeMap<StepId, String>,
}

/// Reads a record; nothing where the text isn't one.
pub fn read_record(text: &str) -> Option<Translated> {
    toml::from_str(text).ok()
}

/// How a translation stands to the page that it was made from. Positions are those of each guide's steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Translation {
    /// Steps of the source that the translation lacks.
    pub missing: Vec<usize>,
    /// Steps of the translation that the source lacks.
    pub extra: Vec<usize>,
    /// Steps of the translation whose choices lead elsewhere, in another order, or add other lines to the notes.
    pub relinked: Vec<usize>,
    /// Steps of the translation whose source has changed since.
    pub stale: Vec<usize>,
    /// Steps of the translation that say the same as the source, word for word.
    pub untranslated: Vec<usize>,
}

/// Compares a translation with its source. Without a record nothing counts as stale.
pub fn translation(source: &Guide, other: &Guide, record: Option<&Translated>) -> Translation {
    let mut found = Translation::default();
    for (at, step) in source.steps().iter().enumerate() {
        if other.position(step.id.as_str()).is_none() {
            found.missing.push(at);
        }
    }
    for (at, step) in other.steps().iter().enumerate() {
        let Some(from) = source.position(step.id.as_str()) else {
            found.extra.push(at);
            continue;
        };
        let original = &source.steps()[from];
        // A choice whose step is missing goes with it: `missing` names the step.
        let there = |target: &Target| match target {
            Target::Guide(id, Some(step)) if id == other.id() => other.position(step.as_str()).is_some(),
            _ => true,
        };
        let links = |guide: &Guide, choices: &[Choice]| -> Vec<(Target, bool)> {
            let links = choices.iter().map(|choice| (named(guide, choice), choice.note.is_some()));
            links.filter(|(target, _)| there(target)).collect()
        };
        if links(source, &original.choices) != links(other, &step.choices) {
            found.relinked.push(at);
        }
        if record
            .and_then(|record| record.steps.get(&step.id))
            .is_some_and(|then| *then != step_revision(source, from))
        {
            found.stale.push(at);
        }
        if step.title == original.title && step.says == original.says && !step.says.is_empty() {
            found.untranslated.push(at);
        }
    }
    found
}

/// A target by name, so that it can be compared across pages.
fn named(guide: &Guide, choice: &Choice) -> Target {
    match &choice.target {
        Target::Step(to) => Target::Guide(guide.id().clone(), Some(guide.steps()[*to].id.clone())),
        other => other.clone(),
    }
}

/// What an edit of a guide changes for the people in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Steps that are new.
    pub added: Vec<StepId>,
    /// Steps that are gone.
    pub removed: Vec<StepId>,
    /// Steps that say something else.
    pub reworded: Vec<StepId>,
    /// Steps whose choices changed.
    pub relinked: Vec<StepId>,
}

impl Edit {
    /// Whether nothing changed that a person could notice.
    pub fn is_empty(&self) -> bool {
        *self == Edit::default()
    }
}

/// What changed from one revision of a guide to the next.
pub fn edit(old: &Guide, new: &Guide) -> Edit {
    let mut found = Edit::default();
    for step in new.steps() {
        let Some(before) = old.step(step.id.as_str()) else {
            found.added.push(step.id.clone());
            continue;
        };
        if (&before.title, &before.says) != (&step.title, &step.says) {
            found.reworded.push(step.id.clone());
        }
        let links = |guide: &Guide, choices: &[Choice]| -> Vec<(Target, String, Option<String>)> {
            choices
                .iter()
                .map(|choice| (named(guide, choice), choice.label.clone(), choice.note.clone()))
                .collect()
        };
        if links(old, &before.choices) != links(new, &step.choices) {
            found.relinked.push(step.id.clone());
        }
    }
    found.removed = old
        .steps()
        .iter()
        .filter(|step| new.position(step.id.as_str()).is_none())
        .map(|step| step.id.clone())
        .collect();
    found
}
