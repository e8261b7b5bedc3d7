//! Saying something once: the service's replies, answers to moderators, and the few sentences of the adapter's own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use matrix_sdk::Room;
use matrix_sdk::attachment::AttachmentConfig;
use matrix_sdk::ruma::events::room::history_visibility::HistoryVisibility;

use super::super::moderators;
use super::super::render::{self, Manner};
use super::super::send::{self, Sent};
use super::spot::{Offered, Spot, address, is_direct};
use super::{Bot, Said, locked};
use crate::engine::{Reply, Tone};
use crate::safety::reply;
use crate::safety::resource::Country;
use crate::script::{Block, ChoiceId, Run};
use crate::shell::clock;
use crate::shell::telemetry::Sort;

/// Within this time a person is told once that they can't be read.
const TOLD_ONCE: Duration = Duration::from_secs(60);

const SEALED: &str = "I couldn't read that: your message is encrypted, and I don't have its key. I have asked for it. \
                      You can also write it again.";

const DANGER: &str = "If you are in danger now, call ";

const DANGER_ANYWHERE: &str = "If you are in danger now, call your local emergency number. In the whole EU and in many other countries that is ";

const ROOM_GREETING: &str = "Hello. I'm Lantern, an automated guide. In this room I read only messages that begin with !lantern, \
                             call me by name, or stand in a thread that began so, and everybody here can read \
                             them and my answers. For a conversation of your own, invite me to a direct room. \
                             !lantern help shows what I can do.";

const WORLD_GREETING: &str = "Everybody in the world can read this room, so I treat it as a public place. For a conversation of your own, \
                              please invite me to a direct room whose history only its members can read.";

impl Bot {
    pub(in super::super) async fn say(
        self: &Arc<Self>,
        spot: &Spot,
        reply: &Reply,
        name: &str,
        open: u32,
    ) -> Sent {
        for (at, content) in render::messages(reply, &spot.manner(open)).into_iter().enumerate() {
            let offers = content.get(render::OFFERS).is_some();
            let name = format!("{}.{}.{name}.{at}", spot.letter, spot.event);
            let urgent = spot.urgent || reply.is_crisis();
            let (sent, id) = send::message(&spot.room, content, &name, urgent, &self.gate).await;
            let sort = match (reply.is_crisis(), spot.direct) {
                (true, true) => Sort::crisis,
                (true, false) => Sort::public_crisis,
                (false, _) => Sort::member,
            };
            if sent == Sent::Done {
                self.telemetry.replied(sort, spot.began.elapsed());
            } else {
                self.telemetry.failed(sort);
                if sent == Sent::Refused {
                    self.log.say("the server refused a message for good");
                }
                return sent;
            }
            if reply.is_crisis() && !spot.direct {
                locked(&self.cried)
                    .put((spot.room.room_id().to_string(), spot.person.clone()), Instant::now());
            }
            if let Some(id) = id.filter(|_| offers) {
                let choices: Vec<ChoiceId> = reply.choices.iter().map(|offer| offer.id).collect();
                let _ = self.reactions.try_send((spot.room.clone(), id.clone(), choices.len()));
                let own = reply.place.as_ref().map_or(open, |place| place.spot());
                locked(&self.offers).put(id, Offered { spot: own, choices, thread: spot.thread.clone() });
            }
        }
        if let Some(notes) = reply.document.as_ref().filter(|_| spot.direct && reply.tone == Tone::Notes) {
            self.send_file(spot, "my-notes.md", notes).await;
        }
        Sent::Done
    }

    /// A file beside the message that speaks of it. Where that fails, the message has the most of it still.
    pub(in super::super) async fn send_file(&self, spot: &Spot, name: &str, text: &str) {
        let Ok(kind) = "text/markdown".parse() else { return };
        let txn_id = Some(format!("{}.{}.file", spot.letter, spot.event).into());
        let config = AttachmentConfig { txn_id, ..Default::default() };
        let _ = spot.room.send_attachment(name, &kind, text.as_bytes().to_vec(), config).await;
    }

    /// An answer to a moderator.
    pub(in super::super) async fn say_markdown(&self, spot: &Spot, text: &str) -> Sent {
        let name = format!("{}.{}.e1.0", spot.letter, spot.event);
        let content = render::markdown(text, &spot.manner(0));
        let (sent, _) = send::message(&spot.room, content, &name, false, &self.gate).await;
        if sent == Sent::Done {
            self.telemetry.replied(Sort::moderator, spot.began.elapsed());
        } else {
            self.telemetry.failed(Sort::moderator);
        }
        sent
    }

    pub(super) async fn tell_sealed(self: &Arc<Self>, spot: &Spot) -> Sent {
        self.ledger.seal(spot.room.room_id(), &spot.event).await;
        let key = (spot.room.room_id().to_string(), spot.person.clone());
        let told = locked(&self.told).get(&key).is_some_and(|at| at.elapsed() < TOLD_ONCE);
        if told {
            return Sent::Done;
        }
        let sent = self.tell(spot, SEALED).await;
        if sent == Sent::Done {
            locked(&self.told).put(key, Instant::now());
        }
        sent
    }

    /// Says that something couldn't be read, and whom to call: it may have been a cry for help.
    pub(super) async fn tell(self: &Arc<Self>, spot: &Spot, sentence: &str) -> Sent {
        let library = self.service.library();
        let session = self.service.session(&address(spot), clock::now()).ok().flatten().unwrap_or_default();
        let (community, settings) = (self.community(spot), self.service.settings());
        let country: Option<Country> = session.country.or(community.settings.country).or(settings.country);
        let language = session.language.as_ref().or(community.settings.language.as_ref());
        let wording = library.wording(language.or(settings.language.as_ref()));
        let contacts = library.resources.contacts(country);
        let number = contacts.emergency.unwrap_or(library.resources.international().emergency());
        let words = if contacts.emergency.is_some() { DANGER } else { DANGER_ANYWHERE };
        let danger = vec![Run::plain(words), Run::strong(number), Run::plain(".")];
        let reply = Reply::told(vec![
            Block::text(sentence),
            Block::Paragraph(danger),
            Block::Paragraph(reply::mention(&library.resources, country, wording)),
        ]);
        self.say(spot, &reply, "e1", 0).await
    }

    /// The first words in a room that Lantern was invited to, unless somebody said something there already.
    pub(in super::super) async fn welcome(self: &Arc<Self>, room: &Room) {
        let id = room.room_id();
        if is_direct(room) {
            if self.ledger.has_spoken(id).await {
                return;
            }
            let Some(person) = self.other_person(room).await else { return };
            let spot = Spot {
                room: room.clone(),
                person,
                place: id.to_string(),
                community: moderators::community_id(&self.service, id.as_str()),
                direct: true,
                thread: None,
                event: format!("{id}.{}", clock::now()),
                late: false,
                began: Instant::now(),
                letter: 'w',
                urgent: false,
            };
            self.converse(&spot, &Said::Arrive(None)).await;
            return;
        }
        let world = room.history_visibility_or_default() == HistoryVisibility::WorldReadable;
        let mut blocks = vec![Block::text(ROOM_GREETING)];
        if world {
            blocks.push(Block::text(WORLD_GREETING));
        }
        let manner = Manner { direct: false, person: "", event: "", thread: None, late: false, spot: 0 };
        for content in render::messages(&Reply::told(blocks), &manner) {
            send::message(room, content, &format!("w.{id}"), false, &self.gate).await;
        }
    }

    pub(super) async fn other_person(&self, room: &Room) -> Option<String> {
        let members = room.members(matrix_sdk::RoomMemberships::JOIN).await.ok()?;
        members.iter().map(|member| member.user_id().to_string()).find(|user| *user != self.own)
    }
}
