//! `!lantern …` for moderators: those whose power level lets them change a room's settings. What the commands do is the
//! same on every platform; here it is found out who may, and for which room.

use std::sync::Arc;

use matrix_sdk::ruma::events::StateEventType;
use matrix_sdk::ruma::{EventId, RoomId, UserId};
use matrix_sdk::{Room, RoomState};

use super::render::{self, Manner};
use super::send::{self, Sent};
use super::talk::{Bot, Spot};
use super::{guides, hear};
use crate::engine::Reply;
use crate::safety::Level;
use crate::shell::admin::{Manners, Moderator, Said};
use crate::shell::{Address, clock};

/// How Matrix writes things.
pub(super) const MANNERS: Manners = Manners {
    channel: |room| format!("`{room}`"),
    role: |role| format!("`{role}`"),
    command: "!lantern ",
    begin: "!lantern help",
    opt_out: "!lantern unwatch-me",
};

pub(super) const NOT_YOURS: &str = "These commands are for moderators of this room: people who may change its settings (power level 50, mostly).";
const NO_SUCH_ROOM: &str = "Alerts go to a room that I am in and that you look after, by its id, such as: !lantern alerts !abcdef:example.org ideation. In Element the id is in the room's settings, under Advanced.";
const NOT_HERE: &str =
    "These commands are for rooms with others. In a conversation of your own there is nothing to set up.";

/// What a moderator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// What Lantern is, and what there is to choose.
    Setup,
    /// How things are.
    Status,
    /// What is in service.
    Guides,
    /// Who changed what.
    Audit,
    /// Whom people are told to contact, in the room's country or another.
    Resources(Option<String>),
    /// Chooses the country, or takes it back.
    Country(Option<String>),
    /// Chooses the language, or takes it back.
    Language(Option<String>),
    /// Everything that was chosen, as a file.
    Export,
    /// Watches this room, or watches it no more.
    Watch(bool),
    /// Tells moderators in a room, by its id, of danger from a level on; or no more.
    Alerts(Option<(String, String)>),
    /// Checks a guide that was typed, or says how to have one checked.
    Check(Option<String>),
    /// Puts into service what was checked; where it is to be withdrawn, nobody goes on with the text before.
    Publish {
        /// Whether the text before was wrong.
        withdraw: bool,
    },
    /// Puts an earlier text of a guide back.
    RollBack {
        /// The guide.
        guide: String,
        /// In which language.
        language: Option<String>,
        /// Which text: by its revision, or `operator`; the one before where it isn't said.
        to: Option<String>,
        /// Whether the text in service was wrong.
        withdraw: bool,
    },
    /// Shows a step of a guide as members see it.
    Preview {
        /// The guide.
        guide: String,
        /// The step; the first where it isn't said.
        step: Option<String>,
    },
}

/// What stands behind the prefix, if it is for moderators.
pub(super) fn order(body: &str) -> Option<Order> {
    let rest = hear::behind_prefix(body)?;
    let (word, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let more = Some(more.trim()).filter(|more| !more.is_empty()).map(str::to_owned);
    Some(match (word.to_lowercase().as_str(), more) {
        ("setup", None) => Order::Setup,
        ("status", None) => Order::Status,
        ("guides", None) => Order::Guides,
        ("audit", None) => Order::Audit,
        ("export", None) => Order::Export,
        ("watch", None) => Order::Watch(true),
        ("unwatch", None) => Order::Watch(false),
        ("alerts", Some(off)) if off == "off" => Order::Alerts(None),
        ("alerts", Some(more)) => {
            let (room, level) = more.split_once(char::is_whitespace).unwrap_or((&more, "ideation"));
            Order::Alerts(Some((room.to_owned(), level.trim().to_lowercase())))
        }
        ("resources", country) => Order::Resources(country),
        ("country", country) => Order::Country(country),
        ("language", language) => Order::Language(language),
        (word, more) => return guides::order(word, more.as_deref()),
    })
}

/// The id of a room among communities. It is a keyed hash, as people are: the folder names no room.
pub(super) fn community_id(service: &crate::shell::Service, room: &str) -> String {
    let place = Address { platform: super::talk::PLATFORM, person: "", place: room };
    format!("matrix-{:016x}", service.hash(&place))
}

impl Bot {
    /// Does what a moderator asks for. None where it is a member's words after all: in a direct room, or
    /// `country` and `guides` of somebody who is no moderator, which mean something for members as well.
    pub(super) async fn obey(self: &Arc<Self>, spot: &Spot, order: &Order) -> Option<Sent> {
        let for_members = matches!(order, Order::Guides | Order::Country(_));
        let for_guides = matches!(
            order,
            Order::Check(_) | Order::Publish { .. } | Order::RollBack { .. } | Order::Preview { .. }
        );
        // In a moderators' room guides are those of the rooms that it looks after.
        if for_guides || (*order == Order::Guides && self.is_moderators_room(spot.room.room_id())) {
            return Some(self.tend(spot, order).await);
        }
        if spot.direct {
            return if for_members { None } else { Some(self.tell_plainly(spot, NOT_HERE).await) };
        }
        if !may_moderate(&spot.room, &spot.person).await {
            return if for_members { None } else { Some(self.tell_plainly(spot, NOT_YOURS).await) };
        }
        if let Order::Alerts(Some((room, _))) = order
            && !self.may_send_alerts_to(room, &spot.person).await
        {
            return Some(self.tell_plainly(spot, NO_SUCH_ROOM).await);
        }
        let began_to_watch = *order == Order::Watch(true);
        let room = spot.room.room_id().to_string();
        let (bot, order) = (Arc::clone(self), order.clone());
        let (community, person) = (spot.community.clone(), spot.person.clone());
        let said = tokio::task::spawn_blocking(move || {
            let by = Moderator { community: &community, name: &person, now: clock::now() };
            let desk = &bot.moderators;
            match &order {
                Order::Setup => desk.welcome(&by),
                Order::Status => desk.status(&by),
                Order::Guides => desk.guides(&by),
                Order::Audit => desk.audit(&by),
                Order::Export => desk.export(&by),
                Order::Resources(country) => desk.resources(&by, country.as_deref()),
                Order::Country(country) => desk.set_country(&by, country.as_deref()),
                Order::Language(language) => desk.set_language(&by, language.as_deref()),
                Order::Watch(on) => desk.watch(&by, &room, *on),
                Order::Alerts(None) => desk.clear_alerts(&by),
                Order::Alerts(Some((room, level))) => {
                    let levels = [Level::Concern, Level::Ideation, Level::Imminent];
                    let level = levels.into_iter().find(|one| one.as_str() == level).unwrap_or_default();
                    desk.set_alerts(&by, room, None, level)
                }
                // What is about guides went its own way above.
                Order::Check(_) | Order::Publish { .. } | Order::RollBack { .. } | Order::Preview { .. } => {
                    desk.welcome(&by)
                }
            }
        })
        .await;
        Some(match said {
            Ok(said) => {
                let sent = self.report(spot, &said).await;
                if began_to_watch && said.done {
                    self.put_up_notice(spot).await;
                }
                sent
            }
            Err(_) => self.tell_plainly(spot, "Something failed inside; please try again.").await,
        })
    }

    /// Whether alerts may go to a room: Lantern is in it, and whoever asks for it looks after that room, too.
    async fn may_send_alerts_to(&self, room: &str, person: &str) -> bool {
        let room = RoomId::parse(room).ok().and_then(|id| self.client.get_room(&id));
        match room.filter(|room| room.state() == RoomState::Joined) {
            Some(room) => may_moderate(&room, person).await,
            None => false,
        }
    }

    /// Says in the room itself that it is watched, and pins that where Lantern may.
    async fn put_up_notice(&self, spot: &Spot) {
        let by = Moderator { community: &spot.community, name: &spot.person, now: clock::now() };
        let notice = self.moderators.notice(&by);
        let manner = Manner { direct: false, person: "", event: "", thread: None, late: false, spot: 0 };
        let content = render::markdown(&notice, &manner);
        let name = format!("n.{}", spot.event);
        let (_, id) = send::message(&spot.room, content, &name, false, &self.gate).await;
        if let Some(id) = id.and_then(|id| EventId::parse(id).ok()) {
            // Mostly it may not; the answer before asks a moderator to do it.
            let _ = spot.room.pin_event(&id).await;
        }
    }

    pub(super) async fn report(self: &Arc<Self>, spot: &Spot, said: &Said) -> Sent {
        let sent = self.say_markdown(spot, &said.text).await;
        if let Some(file) = said.file.as_ref().filter(|_| sent == Sent::Done) {
            self.send_file(spot, &file.name, &file.text).await;
        }
        sent
    }

    pub(super) async fn tell_plainly(self: &Arc<Self>, spot: &Spot, sentence: &str) -> Sent {
        let reply = Reply::told(vec![crate::script::Block::text(sentence)]);
        self.say(spot, &reply, "e1", 0).await
    }
}

/// Whether somebody may change how a room is set up: as much as naming it.
pub(super) async fn may_moderate(room: &Room, person: &str) -> bool {
    let Ok(person) = UserId::parse(person) else { return false };
    room.power_levels_or_default().await.user_can_send_state(&person, StateEventType::RoomName)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moderators_ask_for_is_told_from_what_members_say() {
        assert_eq!(order("!lantern status"), Some(Order::Status));
        assert_eq!(
            order("!Lantern: Country United Kingdom"),
            Some(Order::Country(Some("United Kingdom".into())))
        );
        assert_eq!(order("!lantern language"), Some(Order::Language(None)));
        for members in
            ["!lantern help", "!lantern guide ketamine", "!lantern status quo is killing me", "status"]
        {
            assert_eq!(order(members), None, "{members}");
        }
    }
}
