//! What every part of the adapter shares, and a conversation with one person.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::alerts::Alerts;
use super::outbox::{File, Letter, Outbox, Then, To, What};
use super::render::{self, Canvas, Page};
use super::watch::Watch;
use super::wire::Id;
use crate::engine::{Kind, Reply};
use crate::library::Library;
use crate::safety::resource::Country;
use crate::script::{ChoiceId, Language};
use crate::shell::admin::Desk;
use crate::shell::community::{Communities, Community};
use crate::shell::telemetry::{Sort, Telemetry, Watched};
use crate::shell::{Address, Incoming, Outcome, Service, clock};

/// The name of this platform in keys.
pub const PLATFORM: &str = "discord";
/// The place of conversations in direct messages.
pub const DIRECT: &str = "dm";

/// The bot.
pub struct Bot {
    /// Answers people.
    pub service: Arc<Service>,
    /// What servers have chosen.
    pub communities: Arc<Communities>,
    /// Answers moderators.
    pub desk: Desk,
    /// Sends.
    pub outbox: Arc<Outbox>,
    /// Counts.
    pub telemetry: Arc<Telemetry>,
    /// The bot's own user.
    pub me: Id,
    /// How a text mentions it.
    pub names: [String; 2],
    /// Whether Discord lets it read what is not addressed to it.
    pub reads_content: AtomicBool,
    /// Public replies that stand somewhere.
    pub watch: Watch,
    /// Cards in moderators' channels.
    pub alerts: Alerts,
    /// The servers that it is in, as far as it was told.
    pub servers: Mutex<BTreeSet<Id>>,
}

/// Somebody, somewhere: everything that an answer depends on beside what they said.
pub struct Scene {
    /// Who.
    pub person: Id,
    /// In which server; none in a direct message.
    pub server: Option<Id>,
    /// In which channel.
    pub channel: Id,
    /// What the server has chosen.
    pub community: Arc<Community>,
    /// The scripts that are in service there.
    pub library: Arc<Library>,
    /// The person's language as Discord tells it, else the server's.
    pub language: Option<Language>,
    /// Where answers go.
    pub to: To,
    /// Since when they wait.
    pub watched: Watched,
}

impl Scene {
    /// Where the conversation is kept.
    pub fn place(&self) -> String {
        self.server.map_or_else(|| DIRECT.to_owned(), |server| server.to_string())
    }

    /// The country to assume.
    pub fn country(&self) -> Option<Country> {
        self.community.settings.country
    }

    /// Whether answers are for the person's eyes alone by a mark, and not by being in a direct message.
    pub fn is_marked_private(&self) -> bool {
        matches!(self.to, To::Interaction(_)) && self.server.is_some()
    }
}

/// The name of a server's folder.
pub fn community_id(server: Id) -> String {
    format!("{PLATFORM}-{server}")
}

impl Bot {
    /// The servers that the bot is in.
    pub fn servers(&self) -> MutexGuard<'_, BTreeSet<Id>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a server has chosen; in direct messages, nothing.
    pub fn community(&self, server: Option<Id>) -> Arc<Community> {
        match server {
            Some(server) => self.communities.get(&community_id(server)),
            None => self.communities.get("direct"),
        }
    }

    /// The scene of a message or an interaction.
    pub fn scene(
        &self,
        person: Id,
        server: Option<Id>,
        channel: Id,
        locale: &str,
        to: To,
        watched: Watched,
    ) -> Scene {
        let community = self.community(server);
        let library = community.library();
        let language = spoken(&library, locale).or_else(|| community.settings.language.clone());
        Scene { person, server, channel, community, library, language, to, watched }
    }

    /// Sends the crisis reply to something that was said in private, if one is due. Says whether it did.
    pub fn rescue(&self, scene: &Scene, event: &str, kind: Kind<'_>) -> bool {
        self.talk(scene, event, kind, |bot, incoming, send| {
            bot.service.answer_crisis(&scene.library, incoming, send)
        })
    }

    /// Answers something in private; `sent` says that the crisis reply is out.
    pub fn converse(&self, scene: &Scene, event: &str, kind: Kind<'_>, sent: bool) -> Outcome {
        let outcome = self.talk(scene, event, kind, |bot, incoming, send| {
            bot.service.answer_rest(&scene.library, incoming, sent, send)
        });
        if outcome.forgetful {
            self.telemetry.store_errors.inc();
        }
        if outcome.forgot {
            self.forget_elsewhere(scene);
        }
        outcome
    }

    /// Erases what is kept of a person in all other places that this program knows of.
    pub fn forget_elsewhere(&self, scene: &Scene) {
        let person = scene.person.to_string();
        let now = clock::now();
        let mut places: Vec<String> = self.servers().iter().map(Id::to_string).collect();
        places.push(DIRECT.to_owned());
        for place in places.iter().filter(|place| **place != scene.place()) {
            let from = Address { platform: PLATFORM, person: &person, place };
            let known = self.service.session(&from, now).ok().flatten().is_some();
            if known && self.service.forget(&from).is_err() {
                self.telemetry.store_errors.inc();
            }
        }
    }

    /// Asks the service something about what a person did; `ask` is given what sends a reply to them.
    pub fn talk<T>(
        &self,
        scene: &Scene,
        event: &str,
        kind: Kind<'_>,
        ask: impl FnOnce(&Bot, &Incoming<'_>, &mut dyn FnMut(&Reply)) -> T,
    ) -> T {
        let (person, place) = (scene.person.to_string(), scene.place());
        let incoming = Incoming {
            from: Address { platform: PLATFORM, person: &person, place: &place },
            event,
            public: false,
            again: false,
            at: clock::now(),
            country: scene.country(),
            language: scene.language.as_ref(),
            kind,
        };
        let mut number = 0;
        // A tick changes the buttons that were pressed, and nothing else on the screen.
        let ticking = matches!(kind, Kind::Pick { .. });
        let mut send = |reply: &Reply| {
            self.say(scene, reply, event, number, ticking);
            number += 1;
        };
        ask(self, &incoming, &mut send)
    }

    /// Sends a reply.
    fn say(&self, scene: &Scene, reply: &Reply, event: &str, number: u32, ticking: bool) {
        let canvas = self.canvas(scene, reply, event);
        let ticks = reply.choices.iter().any(|offer| offer.ticked.is_some());
        if ticking && ticks && reply.place.is_none() && matches!(scene.to, To::Interaction(_)) {
            let components = render::components(reply, &canvas, number);
            let what = What::Callback(UPDATE, serde_json::json!({"components": components}));
            return self.send(scene, what, Sort::member, None);
        }
        for (at, page) in render::pages(reply, &canvas, number).into_iter().enumerate() {
            self.send_page(scene, page, &format!("{event}/{number}/{at}"));
        }
    }

    /// How replies are drawn for somebody.
    pub fn canvas<'a>(&self, scene: &'a Scene, reply: &Reply, event: &str) -> Canvas<'a> {
        Canvas {
            wording: scene.library.wording(Some(&reply.language)),
            person: scene.person,
            nonce: ChoiceId::of(event).to_bits(),
            private: scene.is_marked_private(),
            forms: scene.is_marked_private(),
        }
    }

    /// Sends a message that is ready, once, however often it has to be tried.
    pub fn send_page(&self, scene: &Scene, page: Page, name: &str) {
        let Page { mut body, file, sort } = page;
        if !matches!(scene.to, To::Interaction(_)) {
            body["nonce"] = format!(
                "{:x}",
                self.service.hash(&Address { platform: PLATFORM, person: name, place: "nonce" })
            )
            .into();
            body["enforce_nonce"] = true.into();
        }
        // What can't be said in answer to a command is said in a direct message: a crisis reply never goes missing
        // because Discord was slow to take it.
        let then: Option<Then> = match (&scene.to, sort) {
            (To::Interaction(_), Sort::crisis) => {
                let mut direct = render::message(
                    body["content"].as_str().unwrap_or_default(),
                    false,
                    body["components"].as_array().cloned().unwrap_or_default(),
                );
                let name = Address { platform: PLATFORM, person: name, place: "instead" };
                direct["nonce"] = format!("{:x}", self.service.hash(&name)).into();
                direct["enforce_nonce"] = true.into();
                let (outbox, to, watched) =
                    (self.outbox.clone(), To::Person(scene.person), scene.watched.clone());
                Some(Box::new(move |outcome| {
                    if outcome.is_err() {
                        let what = What::Message(direct, None);
                        outbox.send(&to, Letter { what, sort, watched, then: None });
                    }
                }))
            }
            _ => None,
        };
        self.send(scene, What::Message(body, file), sort, then);
    }

    /// Sends words of the program's own to who did something.
    pub fn tell(
        &self,
        scene: &Scene,
        text: &str,
        file: Option<File>,
        rows: Vec<serde_json::Value>,
        sort: Sort,
    ) {
        let mut texts = render::split(text, render::LONGEST);
        let last = texts.pop().unwrap_or_default();
        for text in texts {
            let body = render::message(&text, scene.is_marked_private(), Vec::new());
            self.send(scene, What::Message(body, None), sort, None);
        }
        let body = render::message(&last, scene.is_marked_private(), rows);
        self.send(scene, What::Message(body, file), sort, None);
    }

    /// Sends something to where answers go.
    pub fn send(&self, scene: &Scene, what: What, sort: Sort, then: Option<Then>) {
        self.outbox.send(&scene.to, Letter { what, sort, watched: scene.watched.clone(), then });
    }
}

/// Discord's type of an answer that changes the message that the button stands on.
const UPDATE: u8 = 7;

/// The language that Discord says somebody uses, if help can be given in it: `pt-BR` is `pt`.
fn spoken(library: &Library, locale: &str) -> Option<Language> {
    let language = Language::new(locale.split('-').next().filter(|code| Language::is_code(code))?);
    let page = library.crisis(Some(&language));
    (page.language().base() == language.base()).then_some(language)
}
