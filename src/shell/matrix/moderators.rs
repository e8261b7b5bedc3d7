//! `!lantern …` for moderators: those whose power level lets them change a room's settings. What the commands do is the
//! same on every platform; here it is found out who may, and for which room.

use std::sync::Arc;

use matrix_sdk::Room;
use matrix_sdk::ruma::UserId;
use matrix_sdk::ruma::events::StateEventType;

use super::hear;
use super::send::Sent;
use super::talk::{Bot, Spot};
use crate::engine::Reply;
use crate::shell::admin::{Manners, Moderator, Said};
use crate::shell::{Address, clock};

/// How Matrix writes things.
pub(super) const MANNERS: Manners = Manners {
    channel: |room| format!("`{room}`"),
    role: |role| format!("`{role}`"),
    command: "!lantern ",
    begin: "!lantern help",
    opt_out: "!lantern privacy",
};

const NOT_YOURS: &str = "These commands are for moderators of this room: people who may change its settings (power level 50, mostly).";
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
        ("resources", country) => Order::Resources(country),
        ("country", country) => Order::Country(country),
        ("language", language) => Order::Language(language),
        _ => return None,
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
        if spot.direct {
            return if for_members { None } else { Some(self.tell_plainly(spot, NOT_HERE).await) };
        }
        if !may_moderate(&spot.room, &spot.person).await {
            return if for_members { None } else { Some(self.tell_plainly(spot, NOT_YOURS).await) };
        }
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
            }
        })
        .await;
        Some(match said {
            Ok(said) => self.report(spot, &said).await,
            Err(_) => self.tell_plainly(spot, "Something failed inside; please try again.").await,
        })
    }

    async fn report(self: &Arc<Self>, spot: &Spot, said: &Said) -> Sent {
        let sent = self.say_markdown(spot, &said.text).await;
        if let Some(file) = said.file.as_ref().filter(|_| sent == Sent::Done) {
            self.send_file(spot, &file.name, &file.text).await;
        }
        sent
    }

    async fn tell_plainly(self: &Arc<Self>, spot: &Spot, sentence: &str) -> Sent {
        let reply = Reply::told(vec![crate::script::Block::text(sentence)]);
        self.say(spot, &reply, "e1", 0).await
    }
}

/// Whether somebody may change how a room is set up: as much as naming it.
async fn may_moderate(room: &Room, person: &str) -> bool {
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
