//! `screen(text) -> Concern`, asked before anything else by every way in.
//!
//! How a message is read:
//!
//! 1. [`fold`] makes its spelling plain, and one search asks whether any word is in it without which no
//!    phrase of any language can match. For almost every message the answer is no, and that is all.
//! 2. `words` takes a closer look: disguised and misspelt words are read as the words of the `dictionary` that they
//!    stand for.
//! 3. `chart` matches all phrases of the languages concerned, side by side; the phrases come from
//!    `scripts/phrases/<language>.toml` (`notation`, `phrase`, `compile`). The lists that come with the program are
//!    compiled by `build.rs`, with this very code; a list that somebody changed is compiled when it is read.
//! 4. `context` weighs what was found: a denial, a figure of speech, a game defuse what they govern.
//! 5. What no list recognised is weighed word by word: `learned` knows from `lessons/` which words, pairs and triples of
//!    words tell of distress and which don't. `lesson` learns them while the program is built.

use serde::Serialize;

mod anchor;
pub mod case;
mod chart;
mod compile;
mod context;
mod dictionary;
pub mod fold;
mod grams;
mod learned;
pub mod lesson;
mod letters;
mod level;
pub mod local;
mod notation;
mod phrase;
pub mod reply;
pub mod resource;
pub mod scorecard;
mod screener;
mod search;
mod words;

pub use level::{Level, RuleId, Who};
pub use screener::{Defused, Explanation, Read, Screener, Sign};

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
    fn rank(&self) -> (Level, u8) {
        let who = self.who.map_or(0, |who| if who == Who::Oneself { 2 } else { 1 });
        (self.level, who)
    }

    /// The more serious of two; of equals the first.
    #[must_use]
    fn or(self, other: Concern) -> Concern {
        if other.rank() > self.rank() { other } else { self }
    }
}
