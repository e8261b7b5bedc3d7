//! `screen(text) -> Concern`, asked before anything else by every way in.

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
