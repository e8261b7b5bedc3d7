//! Conversations as tests: read, played, recorded, generated, and counted.
//!
//! A transcript is what a person says and what must be heard. It is played on a [`Stage`]: the core's own, or a
//! platform's, which must say the same.

mod cover;
mod play;
mod read;
mod record;
pub mod walk;

use std::ops::Range;

use crate::engine::{Offer, Reply, Tone};
use crate::safety::Level;
use crate::safety::resource::Country;
use crate::script::Language;

pub use cover::{Coverage, Taken};
pub use play::{Core, Played, play, play_on, play_translated};
pub use read::read;
pub use record::{accept, recorded};

/// One conversation of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// What it is about: the words behind `##`.
    pub title: String,
    /// The file.
    pub path: String,
    /// The file's whole text.
    pub text: std::sync::Arc<str>,
    /// The language that it begins in, by the name of its file.
    pub language: Language,
    /// What is said and done, in order.
    pub acts: Vec<Act>,
    /// Where its title stands in the file, in bytes.
    pub range: Range<usize>,
}

/// One thing that is said or done, and what must be heard then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What is said or done.
    pub what: Deed,
    /// What must be heard.
    pub hears: Vec<Expectation>,
    /// Where the line stands in the file, in bytes, without its line break.
    pub range: Range<usize>,
    /// Where what must be heard stands, in bytes; empty behind the line where nothing does.
    pub heard_range: Range<usize>,
}

/// What a person says, or what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// `You: …`: types.
    Say(String),
    /// `You: [label]`: taps a choice.
    Tap(String),
    /// `(wait 3 days)`, in seconds.
    Wait(u64),
    /// `(restart)`: the program ends and starts again.
    Restart,
    /// `(country GB)`: the country of the place where they talk.
    Country(Country),
    /// `(language de)`: the language of the place where they talk.
    Language(Language),
    /// `(in a public channel)`, `(in private)`: whether others can read what follows.
    Public(bool),
    /// `(edit guide FILE)`: the guide in service is replaced by this one. Those who are in it finish on theirs.
    Edit(String),
    /// `(withdraw guide FILE)`: the same, and nobody goes on with the old one.
    Withdraw(String),
}

/// What must be heard, or must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Which.
    pub what: Expected,
    /// Where it stands in the file, in bytes.
    pub range: Range<usize>,
}

/// What must be heard, or must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// `(at step)`: where the person is then.
    At(String),
    /// `(crisis ideation)`, `(crisis)`: the first reply is a crisis reply, to that level.
    Crisis(Option<Level>),
    /// Words, in this order, with anything between them.
    Words(Vec<String>),
    /// `[A] [B]`: exactly these choices, in this order; with `...` behind them, at least these.
    Choices(Vec<String>, bool),
    /// `never words`: they must not be heard.
    NeverWords(String),
    /// `never [A]`: this must not be offered.
    NeverChoice(String),
}

/// What a person hears and sees after one act, on any platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// All that is said, plain, one reply after another.
    pub text: String,
    /// What can be chosen now.
    pub choices: Vec<String>,
    /// The step where the person is: the crisis page's while it is open.
    pub step: Option<String>,
    /// Whether the first reply is a crisis reply, and to what.
    pub crisis: Option<Option<Level>>,
}

impl Heard {
    /// What these replies say, to somebody who is then at `step`.
    pub fn new(replies: &[Reply], step: Option<String>) -> Self {
        let text: Vec<String> = replies
            .iter()
            .map(|reply| match &reply.title {
                Some(title) => format!("{title}\n{}", reply.plain()),
                None => reply.plain(),
            })
            .collect();
        let offers = replies.iter().rev().map(|reply| &reply.choices).find(|choices| !choices.is_empty());
        let label = |offer: &Offer| offer.label.clone();
        Heard {
            text: text.join("\n\n"),
            choices: offers.map_or_else(Vec::new, |choices| choices.iter().map(label).collect()),
            step,
            crisis: match replies.first().map(|reply| reply.tone) {
                Some(Tone::Crisis(level)) => Some(level),
                _ => None,
            },
        }
    }
}

/// Where a transcript is played: the core alone, or a platform.
pub trait Stage {
    /// Does what a transcript says, and tells what is heard then.
    ///
    /// # Errors
    ///
    /// What can't be done here, and what to do about it: a choice that isn't offered, a file that isn't there.
    fn act(&mut self, deed: &Deed) -> Result<Heard, (String, String)>;
}
