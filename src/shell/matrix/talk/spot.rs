//! Where an event is answered: a direct room, or a thread in a room that others read.

use std::time::Instant;

use matrix_sdk::Room;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::EventId;
use matrix_sdk::ruma::events::room::history_visibility::HistoryVisibility;
use serde_json::Value;

use super::super::hear::{self, File, Heard, What};
use super::super::moderators;
use super::super::render::{self, Manner};
use super::{Bot, PLATFORM, locked};
use crate::script::ChoiceId;
use crate::shell::Address;

/// An answer after so many milliseconds is late, and says so.
const LATE: u64 = 10 * 60 * 1_000;

/// Choices that stand in a message of Lantern's.
#[derive(Clone)]
pub(super) struct Offered {
    pub(super) spot: u32,
    pub(super) choices: Vec<ChoiceId>,
    pub(super) thread: Option<String>,
}

/// Where something is said and answered.
pub(in super::super) struct Spot {
    pub(in super::super) room: Room,
    pub(in super::super) person: String,
    /// The place's name in the service: a room, or a thread in a room that others read.
    pub(super) place: String,
    /// The room's id among communities.
    pub(in super::super) community: String,
    pub(in super::super) direct: bool,
    pub(super) thread: Option<String>,
    pub(in super::super) event: String,
    pub(super) late: bool,
    /// When it was taken from the desk.
    pub(in super::super) began: Instant,
    /// `r`, or `k` for an answer to what could only be read later.
    pub(in super::super) letter: char,
    pub(super) urgent: bool,
}

impl Spot {
    pub(in super::super) fn manner(&self, spot: u32) -> Manner<'_> {
        Manner {
            direct: self.direct,
            person: &self.person,
            event: &self.event,
            thread: self.thread.as_deref(),
            late: self.late,
            spot,
        }
    }
}

impl Bot {
    /// Where an event is answered; none where it turns out not to be for Lantern.
    pub(super) async fn spot(&self, room: &Room, heard: &Heard, letter: char, urgent: bool) -> Option<Spot> {
        let direct = is_direct(room);
        let id = room.room_id().to_string();
        let (place, thread) = if direct {
            (id, heard.thread.clone())
        } else {
            let root = self.root(room, heard).await?;
            (format!("{id} {root}"), Some(root))
        };
        let age = heard.age.unwrap_or_else(|| self.servers_now().saturating_sub(heard.at));
        Some(Spot {
            room: room.clone(),
            person: heard.sender.clone(),
            place,
            community: moderators::community_id(&self.service, room.room_id().as_str()),
            direct,
            thread,
            event: heard.id.clone(),
            late: age > LATE && letter == 'r',
            began: Instant::now(),
            letter,
            urgent,
        })
    }

    /// The first event of the thread that this belongs to, in a room that others read: its own, where it begins one.
    pub(super) async fn root(&self, room: &Room, heard: &Heard) -> Option<String> {
        if let What::Reaction { to, .. } = &heard.what {
            if locked(&self.cards).stands(to, room.room_id().as_str()) {
                return Some(heard.id.clone());
            }
            let thread = self.offered(room, to).await?.thread?;
            return self.is_ours(room, &thread, &heard.sender).await.then_some(thread);
        }
        if self.is_said_to_us(heard) {
            let root = heard.thread.clone().unwrap_or_else(|| heard.id.clone());
            locked(&self.threads).put((root.clone(), heard.sender.clone()), true);
            return Some(root);
        }
        if let Some(thread) = &heard.thread
            && self.is_ours(room, thread, &heard.sender).await
        {
            return Some(thread.clone());
        }
        if let What::File(file) = &heard.what
            && self.is_for_moderators(room.room_id(), file)
        {
            return Some(heard.thread.clone().unwrap_or_else(|| heard.id.clone()));
        }
        self.is_watched(room, heard).then(|| heard.thread.clone().unwrap_or_else(|| heard.id.clone()))
    }

    pub(super) fn is_said_to_us(&self, heard: &Heard) -> bool {
        match &heard.what {
            What::NotText { caption } | What::File(File { caption, .. }) => hear::asked(caption).is_some(),
            What::Text { body, mentioned } => hear::asked(body).is_some() || mentioned.contains(&self.own),
            What::Edit { body } => hear::asked(body).is_some(),
            _ => false,
        }
    }

    /// Whether this person began this thread by talking to Lantern.
    pub(super) async fn is_ours(&self, room: &Room, root: &str, person: &str) -> bool {
        let key = (root.to_owned(), person.to_owned());
        if let Some(known) = locked(&self.threads).get(&key) {
            return *known;
        }
        let first = self.look_up(room, root).await;
        let ours = first.is_some_and(|first| first.sender == person && self.is_said_to_us(&first));
        locked(&self.threads).put(key, ours);
        ours
    }

    /// The choices in a message of Lantern's, remembered or as they stand in it.
    pub(super) async fn offered(&self, room: &Room, event: &str) -> Option<Offered> {
        if let Some(offered) = locked(&self.offers).get(event) {
            return Some(offered.clone());
        }
        let id = EventId::parse(event).ok()?;
        let event = room.event(&id, Some(RequestConfig::short_retry())).await.ok()?;
        let json: Value = serde_json::from_str(event.raw().json().get()).ok()?;
        if json["sender"] != self.own.as_str() {
            return None;
        }
        let content = &json["content"];
        let offers = &content[render::OFFERS];
        let in_thread = content["m.relates_to"]["rel_type"] == "m.thread";
        let root = content["m.relates_to"]["event_id"].as_str().filter(|_| in_thread);
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let choices = offers["choices"].as_array()?.iter().filter_map(number).map(ChoiceId::from_bits);
        Some(Offered {
            spot: number(&offers["spot"])?,
            choices: choices.collect(),
            thread: root.map(str::to_owned),
        })
    }
}

/// Nobody but one person and Lantern is there, and nobody from outside can read along.
pub(super) fn is_direct(room: &Room) -> bool {
    room.active_members_count() <= 2
        && room.history_visibility_or_default() != HistoryVisibility::WorldReadable
}

pub(super) fn address(spot: &Spot) -> Address<'_> {
    Address { platform: PLATFORM, person: &spot.person, place: &spot.place }
}
