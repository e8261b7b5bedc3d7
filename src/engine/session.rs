//! Where a person is and the trail behind them; no typed words, ever.
//!
//! What stands here is all that Lantern knows of anybody. There is no field for text, a name, an
//! address or a judgement, and a test reads this file to keep it so.

use serde::{Deserialize, Serialize};

use crate::library::Library;
use crate::safety::reply::Shown;
use crate::safety::resource::Country;
use crate::script::{ChoiceId, Guide, GuideId, Language, Revision, StepId};

/// How many events are remembered, so that one that arrives twice is answered once.
const REMEMBERED: usize = 8;
/// How far back a trail reaches; older steps fall off its end.
const LONGEST_TRAIL: usize = 500;
/// The first byte of an encoded session: which shape of [`Session`] follows.
const VERSION: u8 = 1;

/// A guide that the trail runs through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Which guide.
    pub guide: GuideId,
    /// In which language it was begun.
    pub language: Language,
    /// Which text of it.
    pub revision: Revision,
}

impl Visit {
    /// The text that it began with, or the one in service where that is gone.
    pub fn guide<'l>(&self, library: &'l Library) -> Option<&'l Guide> {
        library.guide_of(&self.guide, &self.language, self.revision)
    }
}

/// A step of one of the [`Session::visits`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// Position in [`Session::visits`].
    pub visit: u8,
    /// The step.
    pub step: StepId,
}

/// One step of the trail, and what was chosen there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Where.
    pub spot: Spot,
    /// The choice that led on; none where a command did.
    pub choice: Option<ChoiceId>,
}

/// Where a person is in the crisis page, beside their place in the guide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// The steps of the crisis page that they came through.
    pub trail: Vec<StepId>,
    /// The step that they are at.
    pub step: StepId,
}

/// Everything that is kept of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The guides that the trail runs through.
    pub visits: Vec<Visit>,
    /// The step that the person is at; none before the first guide.
    pub here: Option<Spot>,
    /// The steps behind them, oldest first.
    pub trail: Vec<Mark>,
    /// The ticks that are set, in the order in which they were.
    pub ticks: Vec<Mark>,
    /// Their place in the crisis page, while it is open.
    pub crisis: Option<Aside>,
    /// What was shown of the crisis page.
    pub shown: Shown,
    /// The country that they named.
    pub country: Option<Country>,
    /// The language that they are answered in, once it is known.
    pub language: Option<Language>,
    /// Whether they stopped for now.
    pub stopped: bool,
    /// How many messages in a row were not understood.
    pub unclear: u8,
    /// Keyed hashes of the last events.
    pub seen: Vec<u64>,
    /// When the last message came, in seconds since 1970.
    pub updated: u64,
}

/// A record that is not a session, or one of a later version of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

impl Session {
    /// Whether there is nothing in it that would have to be kept.
    pub fn is_blank(&self) -> bool {
        *self == Session { seen: self.seen.clone(), updated: self.updated, ..Session::default() }
    }

    /// The bytes that a store keeps: a version, then the fields in order (postcard).
    pub fn encode(&self) -> Vec<u8> {
        // Writing to memory can't fail, and every field is of a kind that postcard knows.
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default()
    }

    /// Reads what [`encode`](Session::encode) wrote, in this or any earlier version.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] where it is neither. The caller goes on with a new session.
    pub fn decode(bytes: &[u8]) -> Result<Session, Unreadable> {
        match bytes.split_first() {
            // A later version adds its own arm here and turns what it reads into the newest shape.
            Some((&VERSION, fields)) => postcard::from_bytes(fields).map_err(|_| Unreadable),
            _ => Err(Unreadable),
        }
    }

    /// Notes that an event was handled. An id of 0 stands for none.
    pub fn remember(&mut self, event: u64) {
        if event != 0 {
            if self.seen.len() >= REMEMBERED {
                self.seen.remove(0);
            }
            self.seen.push(event);
        }
    }

    /// Whether an event was handled already.
    pub fn has_seen(&self, event: u64) -> bool {
        event != 0 && self.seen.contains(&event)
    }

    /// Goes to a step, with the present one behind on the trail.
    pub fn go(&mut self, to: Spot, choice: Option<ChoiceId>) {
        if let Some(from) = self.here.replace(to) {
            if self.trail.len() >= LONGEST_TRAIL {
                self.trail.remove(0);
            }
            self.trail.push(Mark { spot: from, choice });
        }
    }

    /// Sets a tick, or takes it off again. Says whether it is set now.
    pub fn tick(&mut self, spot: &Spot, choice: ChoiceId) -> bool {
        let tick = Mark { spot: spot.clone(), choice: Some(choice) };
        let before = self.ticks.len();
        self.ticks.retain(|other| *other != tick);
        let set = self.ticks.len() == before;
        if set {
            self.ticks.push(tick);
        }
        set
    }

    /// Whether a tick is set.
    pub fn is_ticked(&self, spot: &Spot, choice: ChoiceId) -> bool {
        self.ticks.iter().any(|tick| tick.spot == *spot && tick.choice == Some(choice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(step: &str) -> Spot {
        Spot { visit: 0, step: StepId::new(step) }
    }

    #[test]
    fn a_session_comes_back_from_the_store_as_it_was() {
        let mut session = Session { here: Some(spot("a")), updated: 7, ..Session::default() };
        session.go(spot("b"), Some(ChoiceId::of("On")));
        session.tick(&spot("b"), ChoiceId::of("Milk"));
        session.remember(9);
        assert_eq!(Session::decode(&session.encode()), Ok(session));
    }

    #[test]
    fn a_record_of_another_version_or_of_garbage_is_refused() {
        for bytes in [&[][..], &[0], &[VERSION + 1, 0, 0], &[VERSION, 255, 255, 255]] {
            assert_eq!(Session::decode(bytes), Err(Unreadable), "{bytes:?}");
        }
    }

    #[test]
    fn a_tick_taken_again_is_off() {
        let mut session = Session::default();
        assert!(session.tick(&spot("a"), ChoiceId::of("x")));
        assert!(session.is_ticked(&spot("a"), ChoiceId::of("x")));
        assert!(!session.tick(&spot("a"), ChoiceId::of("x")));
        assert!(!session.is_ticked(&spot("a"), ChoiceId::of("x")));
    }

    #[test]
    fn a_trail_without_end_does_not_grow_without_end() {
        let mut session = Session { here: Some(spot("a")), ..Session::default() };
        for _ in 0..2_000 {
            session.go(spot("b"), None);
            session.remember(1);
        }
        assert!(session.trail.len() <= LONGEST_TRAIL && session.seen.len() <= REMEMBERED);
    }
}
