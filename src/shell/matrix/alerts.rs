//! Watched rooms, and the cards that tell moderators that somebody may need a person: where, and never what was written.

use std::sync::Arc;
use std::time::{Duration, Instant};

use matrix_sdk::ruma::RoomId;
use matrix_sdk::{Room, RoomState};
use serde_json::{Value, json};

use super::cards::Step;
use super::hear::{Heard, What};
use super::render::{self, Manner};
use super::send::{self, Sent};
use super::talk::{self, Bot, Spot, locked};
use crate::safety::{Concern, Level, Who};
use crate::shell::telemetry::Sort;
use crate::shell::{Address, clock};

/// The name of the marks of those who don't want their messages in a watched room screened.
const UNWATCHED: &str = "matrix-unwatched";
/// For how long such a wish counts: until it is taken back.
const FOR_EVER: u64 = 100 * 365 * 24 * 3_600;
/// For how long one card stands for a person: no other is written, unless it became worse.
const STANDS: Duration = Duration::from_secs(60 * 60);
/// Under which name the cards are kept in the store of the Matrix library.
const KEPT: &[u8] = b"lantern.cards";

const WATCHED_AGAIN: &str =
    "All right: in this room, where it is watched, I answer you again when you seem to be in danger.";
const UNWATCHED_NOW: &str = "All right: I don't look at your messages in this room any more, unless you speak to me. Type !lantern watch-me to take that back.";

/// Since when a card stands for somebody, and how serious it was.
#[derive(Clone)]
pub(super) struct Standing {
    since: Instant,
    level: Level,
}

/// What a level means, for somebody who decides whether to look.
fn meaning(level: Level) -> &'static str {
    match level {
        Level::Imminent => "It sounds like a plan, a goodbye, or something that is happening now.",
        Level::Ideation => "It sounds like thoughts of suicide or of self-harm.",
        _ => "It is unclear: it may be nothing, or it may be despair.",
    }
}

impl Bot {
    /// Whether a message that isn't said to Lantern is answered all the same: the room is watched, the person has not asked
    /// to be left alone, and they seem to be in danger.
    pub(super) fn is_watched(&self, room: &Room, heard: &Heard) -> bool {
        let (What::Text { body, .. } | What::Edit { body }) = &heard.what else { return false };
        let community = self.community_of(room.room_id());
        community.settings.watched.contains(room.room_id().as_str())
            && community.library().screen(body).level >= Level::Concern
            && !self.service.is_marked(&wish(&heard.sender, room.room_id().as_str()), clock::now())
    }

    /// Somebody wants to be watched, or not.
    pub(super) async fn set_watched(self: &Arc<Self>, spot: &Spot, on: bool) -> Sent {
        let (bot, person) = (Arc::clone(self), spot.person.clone());
        let room = spot.room.room_id().to_string();
        let done = tokio::task::spawn_blocking(move || {
            let wish = wish(&person, &room);
            if on {
                bot.service.unmark(&wish)
            } else {
                bot.service.mark(&wish, clock::now(), FOR_EVER).map(drop)
            }
        });
        let said = match (done.await, on) {
            (Ok(Ok(())), true) => WATCHED_AGAIN,
            (Ok(Ok(())), false) => UNWATCHED_NOW,
            _ => "I couldn't keep that just now. Please try again in a minute.",
        };
        self.tell_plainly(spot, said).await
    }

    /// Tells moderators, if they want to be told, that somebody in their room may need a person.
    pub(super) async fn alert(self: &Arc<Self>, spot: &Spot, concern: &Concern, answered: bool) {
        let community = self.community_of(spot.room.room_id());
        let Some(wanted) = community.settings.alerts.as_ref().filter(|wanted| concern.level >= wanted.from)
        else {
            return;
        };
        let Some(room) = RoomId::parse(&wanted.channel).ok().and_then(|id| self.client.get_room(&id)) else {
            return;
        };
        if room.state() != RoomState::Joined {
            return;
        }
        let key = (spot.room.room_id().to_string(), spot.person.clone());
        {
            let mut standing = locked(&self.standing);
            let stands = standing
                .get(&key)
                .is_some_and(|card| card.since.elapsed() < STANDS && concern.level <= card.level);
            if stands {
                return;
            }
            standing.put(key, Standing { since: Instant::now(), level: concern.level });
        }
        let about = if concern.who == Some(Who::Other) { "about somebody else" } else { "about themselves" };
        let link = format!("https://matrix.to/#/{}/{}", spot.room.room_id(), spot.event);
        let reply =
            if answered { "I replied there with people to contact." } else { "I could not reply there." };
        let text = format!(
            "**Somebody may need a person.** {} They wrote {about}: {link}\n{reply} What I recognise is measured, not certain. Please look for yourself. Tap {} to say that you do, {} when it is done.",
            meaning(concern.level),
            Step::Taken.emoji(),
            Step::Done.emoji()
        );
        let manner = Manner { direct: true, person: "", event: "", thread: None, late: false, spot: 0 };
        let mut content = render::markdown(&text, &manner);
        // Where an act seems near, everybody there is called.
        if concern.level >= Level::Imminent {
            content["m.mentions"] = json!({ "room": true });
        }
        let (sent, id) = send::message(&room, content, &format!("a.{}", spot.event), false, &self.gate).await;
        if let (Sent::Done, Some(id)) = (sent, id) {
            self.telemetry.replied(Sort::alert, spot.began.elapsed());
            locked(&self.cards).put_up(&id, room.room_id().as_str(), &text, clock::now());
            self.save_cards().await;
            for step in Step::ALL {
                let _ = room.send_raw("m.reaction", talk::reaction(&id, step.emoji())).await;
            }
        } else {
            self.telemetry.failed(Sort::alert);
        }
    }

    /// Somebody looks after it, or has done so: the card says who, so that not everybody does.
    pub(super) async fn mark_card(&self, spot: &Spot, card: &str, step: Step) -> Sent {
        // Noted only once it was said: a tap that comes again after an end of the program is answered then.
        let mut later = locked(&self.cards).clone();
        let Some(text) = later.mark(card, step, &spot.person) else { return Sent::Done };
        let manner = Manner { direct: true, person: "", event: "", thread: None, late: false, spot: 0 };
        let new = render::markdown(&text, &manner);
        let mut content: Value = new.clone();
        content["m.new_content"] = new;
        content["m.relates_to"] = json!({ "rel_type": "m.replace", "event_id": card });
        let name = format!("{}.{}.e1.0", spot.letter, spot.event);
        let (sent, _) = send::message(&spot.room, content, &name, false, &self.gate).await;
        if sent == Sent::Done {
            locked(&self.cards).mark(card, step, &spot.person);
            self.save_cards().await;
        }
        sent
    }

    /// Takes up the cards that stood before the program ended.
    pub(super) async fn load_cards(&self) {
        let kept = self.client.state_store().get_custom_value(KEPT).await.ok().flatten();
        if let Some(cards) = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            *locked(&self.cards) = cards;
        }
    }

    async fn save_cards(&self) {
        let _order = self.cards_disk.lock().await;
        let bytes = serde_json::to_vec(&*locked(&self.cards)).unwrap_or_default();
        // Where it can't be written, a tap after the next start does nothing. The card itself is in the room.
        let _ = self.client.state_store().set_custom_value_no_read(KEPT, bytes).await;
    }
}

fn wish<'a>(person: &'a str, room: &'a str) -> Address<'a> {
    Address { platform: UNWATCHED, person, place: room }
}
