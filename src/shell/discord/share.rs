//! "Share support with this person": a member asks that somebody be written to, kindly and rarely, and learns nothing
//! of what came of it.

use super::bot::{Bot, PLATFORM, Scene};
use super::outbox::{Letter, To, What};
use super::render::{self, Press};
use super::watch::FOR_EVER;
use super::wire::{Id, Interaction};
use crate::safety::reply;
use crate::shell::telemetry::Sort;
use crate::shell::{Address, clock};

/// How long nobody else's wish reaches a person after one has: a week.
const RESTS: u64 = 7 * 24 * 3600;
/// How long somebody waits before they can ask again: a day, for each of so many turns.
const PAUSE: u64 = 24 * 3600;
/// How many people somebody can have written to in a day.
const TURNS: [&str; 3] = ["1", "2", "3"];

/// The marks of those who were written to, of those who asked, and of those who don't want it.
const REACHED: &str = "discord-share-reached";
const ASKED: &str = "discord-share-asked";
const REFUSED: &str = "discord-share-refused";

/// What whoever asks is told, whatever came of it.
const THANKS: &str = "Thank you for looking out for them. If they can be written to, I do it once, and not again for a while, whoever asks. I don't say who asked, and I can't tell you whether it reached them.\n\nYou can do more than I can: ask them directly how they are, listen, and stay with them if it is urgent. `/guide` has one about supporting somebody. If they may be in danger now, call the emergency number where they are, and tell a moderator.";

impl Bot {
    /// Writes to the author of a message, if that is not too much.
    pub fn share(&self, scene: &Scene, interaction: &Interaction) {
        let data = interaction.data.as_ref();
        let message = data.and_then(|data| data.resolved.messages.get(&data.target_id?));
        let author = message.and_then(|message| message.author.as_ref());
        if let Some(author) = author.filter(|author| !author.bot && author.id != self.me) {
            if author.id == scene.person {
                self.tell(
                    scene,
                    "This is for other people's messages. For yourself: here is whom you can talk to.",
                    None,
                    Vec::new(),
                    Sort::member,
                );
                self.converse(
                    scene,
                    "",
                    crate::engine::Kind::Command(crate::wording::Command::HelpNow),
                    false,
                );
                return;
            }
            self.write_to(scene, author.id);
        }
        self.tell(scene, THANKS, None, Vec::new(), Sort::member);
    }

    fn write_to(&self, scene: &Scene, target: Id) {
        let now = clock::now();
        let (asker, target_name) = (scene.person.to_string(), target.to_string());
        let reached = Address { platform: REACHED, person: &target_name, place: "" };
        let refused = Address { platform: REFUSED, person: &target_name, place: "" };
        if self.service.is_marked(&refused, now) || self.service.is_marked(&reached, now) {
            return;
        }
        // Without the store nothing could be limited, so nothing is sent.
        let free = TURNS.iter().any(|turn| {
            let asked = Address { platform: ASKED, person: &asker, place: turn };
            self.service.mark(&asked, now, PAUSE).unwrap_or(false)
        });
        if !free || !self.service.mark(&reached, now, RESTS).unwrap_or(false) {
            return;
        }
        let wording = scene.library.wording(scene.language.as_ref());
        let resources = &scene.library.resources;
        let country = scene.country().or(self.service.settings().country);
        let line = reply::main_line(resources, country, wording)
            .unwrap_or_else(|| resources.contacts(None).directory.to_owned());
        let text = format!(
            "Somebody in a server that we share thought of you and asked me to pass this on. I'm an automated guide, not a person, and I haven't read your messages.\n\nIf things are hard: {}. You can also write to me here, or press below.\n-# I write this at most once a week, whoever asks.",
            render::escape(&line)
        );
        let owner = render::owner(target);
        let stop = render::button(2, "Don't write to me for others", &Press::NoSharing.id(owner, 0));
        let people = render::button(1, &wording.crisis.button_people.words(&[]), &Press::People.id(0, 0));
        let mut body = render::message(&text, false, vec![render::row(vec![people, stop])]);
        let name = Address { platform: PLATFORM, person: &target_name, place: "share" };
        body["nonce"] = format!("s{:x}", self.service.hash(&name)).into();
        let letter = Letter {
            what: What::Message(body, None),
            sort: Sort::member,
            watched: scene.watched.clone(),
            then: None,
        };
        self.outbox.send(&To::Person(target), letter);
    }
}

/// Nobody's wish reaches this person any more.
pub fn refuse_for_ever(bot: &Bot, scene: &Scene) {
    let person = scene.person.to_string();
    let wish = Address { platform: REFUSED, person: &person, place: "" };
    let words = match bot.service.mark(&wish, clock::now(), FOR_EVER) {
        Ok(_) => "All right. I won't write to you for others any more. You can always write to me yourself.",
        Err(_) => "I couldn't keep that wish just now. Please press again in a minute.",
    };
    bot.tell(scene, words, None, Vec::new(), Sort::member);
}
