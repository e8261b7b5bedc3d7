//! How serious a sign is, whom it is about, and which rule saw it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How serious what was said is. Ordered: a later level is more serious.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing of the kind.
    #[default]
    None,
    /// The subject came up, and nobody seems to be at risk: denied, past, quoted, fiction, education.
    Mention,
    /// Passive or unclear: "i can't do this anymore".
    Concern,
    /// Thoughts of suicide or of hurting oneself.
    Ideation,
    /// A plan, means, a time, a goodbye, or an act under way.
    Imminent,
}

impl Level {
    /// Its name, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Mention => "mention",
            Level::Concern => "concern",
            Level::Ideation => "ideation",
            Level::Imminent => "imminent",
        }
    }
}

/// Whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The person who writes.
    #[serde(rename = "self")]
    Oneself,
    /// Somebody else whom they worry about.
    Other,
}

/// The name of a rule: its language and its id, such as `en/wish-to-die`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(Arc<str>);

impl RuleId {
    pub(crate) fn new(id: &str) -> Self {
        RuleId(id.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language of the phrase list that it stands in, such as `pt`.
    pub fn language(&self) -> &str {
        self.0.split_once('/').map_or("", |(language, _)| language)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a message says, and of whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Concern {
    /// How serious it is.
    pub level: Level,
    /// Whom it is about, where it is about somebody.
    pub who: Option<Who>,
    /// The rule that decided, unless the level is none.
    pub rule: Option<RuleId>,
}

impl Concern {
    /// More serious is more; of equals what is about the person who writes.
    pub(crate) fn rank(&self) -> (Level, u8) {
        let who = self.who.map_or(0, |who| if who == Who::Oneself { 2 } else { 1 });
        (self.level, who)
    }

    /// The more serious of two; of equals the first.
    #[must_use]
    pub(crate) fn or(self, other: Concern) -> Concern {
        if other.rank() > self.rank() { other } else { self }
    }
}
