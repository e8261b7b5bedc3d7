//! Guides of a room's own: a file is uploaded, checked, looked at, put into service, and rolled back. What is done is the
//! same on every platform; here it is found out which file, and for which rooms.

use std::sync::Arc;

use matrix_sdk::Room;
use matrix_sdk::media::{MediaFormat, MediaRequestParameters};
use matrix_sdk::ruma::RoomId;
use matrix_sdk::ruma::events::room::MediaSource;

use super::hear::File;
use super::moderators::{self, NOT_YOURS, Order, may_moderate};
use super::send::Sent;
use super::talk::{Bot, Spot, locked};
use crate::library::FALLBACK;
use crate::script::Language;
use crate::shell::admin::{Moderator, Said};
use crate::shell::clock;
use crate::shell::community::LONGEST_GUIDE;

const NO_GUIDES_HERE: &str = "In a conversation of your own there are no guides to look after. Please upload the file where a room's alerts go, or in the room itself, with the words !lantern check below it.";
const UPLOAD: &str = "Please upload the guide as a file whose name ends in .md, with the words !lantern check below it. In a room that gets alerts, the file alone does.";
const NOT_WAITING: &str = "Nothing of yours is waiting to go into service. Please upload the guide once more; after a check it waits for 15 minutes.";
const CANT_FETCH: &str = "I couldn't fetch that file from the homeserver. Please upload it again.";
const NOT_UTF8: &str = "That file is not UTF-8 text; please save it as UTF-8 in your editor.";

/// A room whose guides somebody looks after.
#[derive(Clone)]
struct Place {
    room: String,
    community: String,
}

/// A text that was checked, for one room, and waits for a yes.
#[derive(Clone)]
pub(super) struct Proposed {
    place: Place,
    token: String,
}

impl Bot {
    /// Whether alerts of some room go to this one.
    pub(super) fn is_moderators_room(&self, room: &RoomId) -> bool {
        self.client.joined_rooms().iter().any(|other| self.sends_alerts_to(other, room))
    }

    fn sends_alerts_to(&self, room: &Room, to: &RoomId) -> bool {
        let community = self.community_of(room.room_id());
        community.settings.alerts.as_ref().is_some_and(|alerts| alerts.channel == to.as_str())
    }

    /// Whether a file is one that moderators want to have checked.
    pub(super) fn is_for_moderators(&self, room: &RoomId, file: &File) -> bool {
        moderators::order(&file.caption).is_some_and(|order| matches!(order, Order::Check(_)))
            || (file.is_markdown() && self.is_moderators_room(room))
    }

    /// The rooms that somebody's words about guides are for: those that send their alerts here, or this one. What
    /// stands in the way, as a sentence.
    async fn places(&self, spot: &Spot) -> Result<Vec<Place>, &'static str> {
        let here = spot.room.room_id();
        let place = |room: &Room| Place {
            room: room.room_id().to_string(),
            community: moderators::community_id(&self.service, room.room_id().as_str()),
        };
        let mut places = Vec::new();
        let mut others = false;
        for room in self.client.joined_rooms() {
            if self.sends_alerts_to(&room, here) {
                if may_moderate(&room, &spot.person).await {
                    places.push(place(&room));
                } else {
                    others = true;
                }
            }
        }
        if !places.is_empty() {
            return Ok(places);
        }
        match (others, spot.direct) {
            (true, _) => Err(NOT_YOURS),
            (false, true) => Err(NO_GUIDES_HERE),
            (false, false) if may_moderate(&spot.room, &spot.person).await => Ok(vec![place(&spot.room)]),
            (false, false) => Err(NOT_YOURS),
        }
    }

    /// Checks a file that was uploaded.
    pub(super) async fn check_file(self: &Arc<Self>, spot: &Spot, file: &File) -> Sent {
        let places = match self.places(spot).await {
            Ok(places) => places,
            Err(why) => return self.tell_plainly(spot, why).await,
        };
        let too_long =
            |bytes: u64| format!("That file has {bytes} bytes; at most {LONGEST_GUIDE} are taken.");
        if let Some(size) = file.size.filter(|size| *size > LONGEST_GUIDE as u64) {
            return self.tell_plainly(spot, &too_long(size)).await;
        }
        let Ok(source) = serde_json::from_value::<MediaSource>(file.source.clone()) else {
            return self.tell_plainly(spot, CANT_FETCH).await;
        };
        let request = MediaRequestParameters { source, format: MediaFormat::File };
        let Ok(bytes) = self.client.media().get_media_content(&request, false).await else {
            return self.tell_plainly(spot, CANT_FETCH).await;
        };
        if bytes.len() > LONGEST_GUIDE {
            return self.tell_plainly(spot, &too_long(bytes.len() as u64)).await;
        }
        match String::from_utf8(bytes) {
            Ok(script) => self.propose(spot, places, script).await,
            Err(_) => self.tell_plainly(spot, NOT_UTF8).await,
        }
    }

    /// Does what a moderator asks about guides.
    pub(super) async fn tend(self: &Arc<Self>, spot: &Spot, order: &Order) -> Sent {
        let places = match self.places(spot).await {
            Ok(places) => places,
            Err(why) => return self.tell_plainly(spot, why).await,
        };
        match order.clone() {
            Order::Check(None) => self.tell_plainly(spot, UPLOAD).await,
            Order::Check(Some(script)) => self.propose(spot, places, script).await,
            Order::Publish { withdraw } => self.publish(spot, withdraw).await,
            Order::RollBack { guide, language, to, withdraw } => {
                let language = Language::new(language.as_deref().unwrap_or(FALLBACK));
                let done = self.in_each(spot, places, move |bot, by, _| {
                    bot.moderators.roll_back(by, &guide, &language, to.as_deref(), withdraw)
                });
                self.report(spot, &done.await).await
            }
            Order::Preview { guide, step } => {
                let shown = self.in_each(spot, places.into_iter().take(1).collect(), move |bot, by, _| {
                    bot.moderators.preview(by, &guide, None, step.as_deref())
                });
                self.report(spot, &shown.await).await
            }
            _ => {
                let listed = self.in_each(spot, places, |bot, by, _| bot.moderators.guides(by));
                self.report(spot, &listed.await).await
            }
        }
    }

    async fn propose(self: &Arc<Self>, spot: &Spot, places: Vec<Place>, script: String) -> Sent {
        let key = (spot.room.room_id().to_string(), spot.person.clone());
        locked(&self.proposed).pop(&key);
        let said = self.in_each(spot, places, move |bot, by, place| {
            let mut proposal = bot.moderators.propose(by, &script);
            if let Some(token) = proposal.token {
                let one = Proposed { place: place.clone(), token };
                locked(&bot.proposed).get_or_insert_mut(key.clone(), Vec::new).push(one);
                proposal.said.text += "\nType `!lantern publish`, or `!lantern publish withdraw` to move everybody off the text before.";
            }
            proposal.said
        });
        self.report(spot, &said.await).await
    }

    async fn publish(self: &Arc<Self>, spot: &Spot, withdraw: bool) -> Sent {
        let key = (spot.room.room_id().to_string(), spot.person.clone());
        let Some(proposed) = locked(&self.proposed).pop(&key) else {
            return self.tell_plainly(spot, NOT_WAITING).await;
        };
        // Who may was asked when it was checked; that can have changed since.
        let mut places = Vec::new();
        for one in &proposed {
            let room = RoomId::parse(&one.place.room).ok().and_then(|id| self.client.get_room(&id));
            if let Some(room) = room
                && may_moderate(&room, &spot.person).await
            {
                places.push(one.place.clone());
            }
        }
        if places.is_empty() {
            return self.tell_plainly(spot, NOT_YOURS).await;
        }
        let said = self.in_each(spot, places, move |bot, by, place| {
            let token = proposed.iter().find(|one| one.place.room == place.room);
            bot.moderators.publish(by, token.map_or("", |one| &one.token), withdraw)
        });
        self.report(spot, &said.await).await
    }

    /// Does something for each of these rooms, on a thread where it may take its time, and puts together what is to be
    /// said. The room is named where there are several.
    async fn in_each(
        self: &Arc<Self>,
        spot: &Spot,
        places: Vec<Place>,
        mut act: impl FnMut(&Bot, &Moderator<'_>, &Place) -> Said + Send + 'static,
    ) -> Said {
        let (bot, person) = (Arc::clone(self), spot.person.clone());
        let said = tokio::task::spawn_blocking(move || {
            let said = places.iter().map(|place| {
                let by = Moderator { community: &place.community, name: &person, now: clock::now() };
                let said = act(&bot, &by, place);
                if places.len() == 1 { said } else { said.about(&format!("`{}`", place.room)) }
            });
            Said::together(said.collect())
        });
        said.await.unwrap_or_else(|_| Said::together(Vec::new()))
    }
}

/// The text of a script that was typed behind a command, without the marks around a block of code.
pub(super) fn typed(text: &str) -> Option<String> {
    let text = text.trim();
    let text = match text.strip_prefix("```") {
        Some(block) => block.split_once('\n')?.1.trim_end().strip_suffix("```")?,
        None => text,
    };
    text.trim_start().starts_with("---").then(|| text.trim_start().to_owned() + "\n")
}

impl File {
    /// Whether it can be a guide, by its name or by what the client says it is.
    pub(super) fn is_markdown(&self) -> bool {
        let name = self.name.to_lowercase();
        name.ends_with(".md") || name.ends_with(".markdown") || self.kind.as_deref() == Some("text/markdown")
    }
}

/// Whether words are about guides, and not for members.
pub(super) fn order(word: &str, more: Option<&str>) -> Option<Order> {
    let (word, more) = match (word, more) {
        // As the answers of other platforms write it.
        ("guides", Some(more)) => more.split_once(char::is_whitespace).unwrap_or((more, "")),
        (word, more) => (word, more.unwrap_or("")),
    };
    let words: Vec<String> = more.split_whitespace().map(str::to_lowercase).collect();
    let withdraw = words.iter().any(|word| word == "withdraw");
    let mut words = words.into_iter().filter(|word| word != "withdraw");
    Some(match word.to_lowercase().as_str() {
        "check" if more.is_empty() => Order::Check(None),
        "check" => Order::Check(Some(typed(more)?)),
        "publish" if words.next().is_none() => Order::Publish { withdraw },
        "rollback" | "roll-back" => {
            Order::RollBack { guide: words.next()?, language: words.next(), to: words.next(), withdraw }
        }
        "preview" => Order::Preview { guide: words.next()?, step: words.next() },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_was_typed_is_read_with_and_without_the_marks_of_a_code_block() {
        let page = "---\nid: tea\n---\n\n# Tea {#tea}";
        let with_end = format!("{page}\n");
        assert_eq!(typed(page), Some(with_end.clone()));
        assert_eq!(typed(&format!("```markdown\n{page}\n```")).as_deref().map(str::trim_end), Some(page));
        assert_eq!(typed("my pulse"), None, "that is a member's question");
    }

    #[test]
    fn what_moderators_say_about_guides_is_told_from_what_members_say() {
        let back = |withdraw| Order::RollBack {
            guide: "ketamine".into(),
            language: Some("de".into()),
            to: None,
            withdraw,
        };
        assert_eq!(order("rollback", Some("ketamine de")), Some(back(false)));
        assert_eq!(order("guides", Some("rollback Ketamine de withdraw")), Some(back(true)));
        assert_eq!(order("publish", None), Some(Order::Publish { withdraw: false }));
        assert_eq!(order("publish", Some("withdraw")), Some(Order::Publish { withdraw: true }));
        for (word, more) in
            [("publish", Some("my diary")), ("check", Some("on me")), ("rollback", None), ("guides", None)]
        {
            assert_eq!(order(word, more), None, "{word}");
        }
    }
}
