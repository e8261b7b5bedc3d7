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
//!    words tell of distress and which don't. What comes out heavy is read once more by a small `network`, which knows which
//!    words are alike. `lesson` learns both while the program is built.
//! 6. What a list saw is weighed once more, by what such words meant in the lessons in which lists see them too: whether a
//!    context that defused them was right, and whether they are meant where none was known.

mod anchor;
pub mod case;
mod chance;
mod chart;
mod compile;
mod context;
mod dictionary;
mod flat;
pub mod fold;
mod grams;
mod hash;
mod learned;
pub mod lesson;
mod letters;
mod level;
mod listed;
pub mod local;
mod network;
mod notation;
mod phrase;
pub mod reply;
pub mod resource;
pub mod scorecard;
mod screener;
mod search;
mod simplified;
mod table;
mod tree;
mod words;

pub use level::{Concern, Level, RuleId, Who};
pub use screener::{Defused, Explanation, Read, Screener, Sign};
