//! The cards that stand in moderators' rooms, so that a tap on one still works after a restart. What is kept of a card is
//! what it says: how serious, and where. It lies in the encrypted store of the Matrix library, for a month at most.

use serde::{Deserialize, Serialize};

/// How many cards are kept: the newest.
const MOST: usize = 500;
/// For how long a card is kept, in seconds.
const KEPT: u64 = 30 * 24 * 3_600;

/// What a moderator says about a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// They look after it.
    Taken,
    /// They have looked after it.
    Done,
}

impl Step {
    /// Both, in the order in which they are offered.
    pub const ALL: [Step; 2] = [Step::Taken, Step::Done];

    /// What is tapped.
    pub fn emoji(self) -> &'static str {
        match self {
            Step::Taken => "👀",
            Step::Done => "✅",
        }
    }

    /// What somebody tapped, if it means anything on a card. Clients differ in whether they ask for colour.
    pub fn read(key: &str) -> Option<Step> {
        match key.trim_end_matches('\u{fe0f}') {
            "👀" => Some(Step::Taken),
            "✅" | "✔" => Some(Step::Done),
            _ => None,
        }
    }
}

/// One card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Card {
    event: String,
    room: String,
    text: String,
    at: u64,
    taken: bool,
}

/// All cards, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cards(Vec<Card>);

impl Cards {
    /// Keeps a card that was just put up, at so many seconds since 1970.
    pub fn put_up(&mut self, event: &str, room: &str, text: &str, at: u64) {
        self.0.retain(|card| card.at.saturating_add(KEPT) > at);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        let owned = str::to_owned;
        self.0.push(Card { event: owned(event), room: owned(room), text: owned(text), at, taken: false });
    }

    /// Whether a message of this room is a card that something can still be said about.
    pub fn stands(&self, event: &str, room: &str) -> bool {
        self.0.iter().any(|card| card.event == event && card.room == room)
    }

    /// Notes what `who` says about a card, and gives what it says from now on. None where nothing changes: it is no card,
    /// or somebody was quicker.
    pub fn mark(&mut self, event: &str, step: Step, who: &str) -> Option<String> {
        let at = self.0.iter().position(|card| card.event == event)?;
        let card = &mut self.0[at];
        let line = match step {
            Step::Taken if card.taken => return None,
            Step::Taken => format!("{} {who} is on it.", step.emoji()),
            Step::Done => format!("{} {who} has looked after it.", step.emoji()),
        };
        card.taken = true;
        card.text = format!("{}\n\n{line}", card.text);
        let text = card.text.clone();
        if step == Step::Done {
            self.0.remove(at);
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_taken_once_and_done_once() {
        let mut cards = Cards::default();
        cards.put_up("$1", "!mods", "look", 0);
        assert!(
            cards.stands("$1", "!mods") && !cards.stands("$1", "!elsewhere") && !cards.stands("$2", "!mods")
        );
        assert_eq!(cards.mark("$1", Step::Taken, "@anna").as_deref(), Some("look\n\n👀 @anna is on it."));
        assert_eq!(cards.mark("$1", Step::Taken, "@ben"), None, "Anna was quicker");
        assert!(
            cards
                .mark("$1", Step::Done, "@ben")
                .is_some_and(|text| text.ends_with("✅ @ben has looked after it."))
        );
        assert_eq!(cards.mark("$1", Step::Done, "@anna"), None);
    }

    #[test]
    fn cards_come_back_as_they_were_kept_and_not_for_ever() {
        let mut cards = Cards::default();
        for at in 0..MOST as u64 + 1 {
            cards.put_up(&format!("${at}"), "!mods", "look", at);
        }
        assert!(!cards.stands("$0", "!mods") && cards.stands("$1", "!mods"), "the oldest makes room");
        let kept = serde_json::to_vec(&cards).expect("it can be written");
        assert_eq!(serde_json::from_slice::<Cards>(&kept).expect("it can be read"), cards);
        cards.put_up("$new", "!mods", "look", KEPT + 10_000);
        assert!(!cards.stands("$500", "!mods") && cards.stands("$new", "!mods"));
    }

    #[test]
    fn a_tap_means_the_same_in_every_client() {
        assert_eq!(Step::read("👀"), Some(Step::Taken));
        assert_eq!(Step::read("✔\u{fe0f}"), Some(Step::Done));
        assert_eq!(Step::read("✅"), Some(Step::Done));
        assert_eq!(Step::read("1\u{fe0f}\u{20e3}"), None);
    }
}
