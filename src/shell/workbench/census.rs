//! How many people are where, without knowing who: never told below five.

use std::collections::HashMap;

use crate::engine::Session;
use crate::script::compare::Edit;
use crate::script::{Guide, GuideId, Language, Revision, StepId};
use crate::shell::store::{Store, StoreError};

/// The smallest number of people that is told.
pub const FEWEST: usize = 5;

/// Counts of people by where they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    steps: HashMap<(GuideId, Language, StepId), usize>,
    revisions: HashMap<(GuideId, Language, Revision), usize>,
}

impl Census {
    /// Counts everybody whose session has not expired.
    ///
    /// # Errors
    ///
    /// Where the store can't be read.
    pub fn take(store: &dyn Store, now: u64) -> Result<Census, StoreError> {
        let mut census = Census::default();
        store.each(now, &mut |record| {
            if let Ok(session) = Session::decode(record) {
                census.add(&session);
            }
        })?;
        Ok(census)
    }

    /// Counts one conversation.
    pub fn add(&mut self, session: &Session) {
        let Some(here) = &session.here else { return };
        let Some(visit) = session.visits.get(usize::from(here.visit)) else { return };
        let (guide, language) = (visit.guide.clone(), visit.language.clone());
        *self.revisions.entry((guide.clone(), language.clone(), visit.revision)).or_default() += 1;
        *self.steps.entry((guide, language, here.step.clone())).or_default() += 1;
    }

    /// How many people are in any guide.
    pub fn everybody(&self) -> Count {
        Count(self.revisions.values().sum())
    }

    /// How many people are at a step, whatever the text that they read.
    pub fn at(&self, guide: &Guide, step: &StepId) -> Count {
        Count(
            self.steps
                .get(&(guide.id().clone(), guide.language().clone(), step.clone()))
                .copied()
                .unwrap_or(0),
        )
    }

    /// How many people are in a guide, whatever the text that they read.
    pub fn inside(&self, guide: &Guide) -> Count {
        let own = |key: &(GuideId, Language, Revision)| key.0 == *guide.id() && key.1 == *guide.language();
        Count(self.revisions.iter().filter(|(key, _)| own(key)).map(|(_, count)| count).sum())
    }
}

/// A number of people, told only from five on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(usize);

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 < FEWEST {
            f.write_str("fewer than five people are")
        } else {
            write!(f, "{} people are", self.0)
        }
    }
}

/// What an edit means for those who are in the guide, a sentence each. Without a census nobody is counted.
pub fn impact(old: &Guide, edit: &Edit, census: Option<&Census>, withdrawn: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let then = if withdrawn {
        "they are moved to the nearest step that is left"
    } else {
        "they finish on their revision"
    };
    for step in &edit.removed {
        lines.push(match census {
            Some(census) => format!("removes `{step}`; {} there now, {then}", census.at(old, step)),
            None => format!("removes `{step}`; whoever is there now: {then}"),
        });
    }
    lines.extend(edit.added.iter().map(|step| format!("adds `{step}`")));
    lines.extend(edit.reworded.iter().map(|step| format!("says something else at `{step}`")));
    lines.extend(edit.relinked.iter().map(|step| format!("offers other choices at `{step}`")));
    if lines.is_empty() {
        lines.push("changes nothing that a person could notice".to_owned());
    } else if let (Some(census), true) = (census, edit.removed.is_empty()) {
        lines.push(format!("{} in this guide now; {then}", census.inside(old)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_than_five_are_never_counted_out() {
        for few in 0..FEWEST {
            assert_eq!(Count(few).to_string(), "fewer than five people are");
        }
        assert_eq!(Count(5).to_string(), "5 people are");
    }
}
