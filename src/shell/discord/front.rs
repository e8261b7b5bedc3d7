//! The door: what Discord tells is read, what concerns nobody is passed over, and the rest is queued, crises ahead.
//!
//! This runs on the thread that reads from Discord: it never waits.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::bot::{Bot, Scene};
use super::moderator;
use super::outbox::{Answering, Letter, To, What};
use super::render::{self, Control, Press};
use super::wire::{self, Guild, Id, Interaction, Message, Ready, Thread};
use crate::engine::Kind;
use crate::safety::{Concern, Level};
use crate::shell::queue::{Full, Queue, Work};
use crate::shell::telemetry::{Sort, Watched, note};

/// After how long Discord is asked to wait for the answer to an interaction; it waits three seconds by itself.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// What is to be answered.
pub enum Matter {
    /// Somebody wrote in private.
    Private {
        /// The platform's name for it.
        event: String,
        /// What they wrote.
        text: String,
        /// Whether it is an edit, which is only answered where it says something serious.
        edited: bool,
    },
    /// Somebody wrote where others read it, to the bot or in a watched channel.
    Public {
        /// The message.
        message: Id,
        /// What they wrote.
        text: String,
        /// Whether they spoke to the bot.
        addressed: bool,
    },
    /// Somebody sent a picture, a recording or a file in private, without a word.
    Wordless,
    /// Somebody used a command, a button or a form.
    Used(Box<Interaction>),
}

/// A piece of work for the queue.
pub struct Task {
    bot: Arc<Bot>,
    scene: Scene,
    matter: Matter,
    /// The words in it that were screened as the most serious, and what they were screened as.
    worst: Option<(String, Concern)>,
    /// Whether the crisis reply is out.
    sent: bool,
}

/// The door to a bot.
pub struct Front {
    /// The bot behind it.
    pub bot: Arc<Bot>,
    /// What waits.
    pub queue: Queue<Task>,
}

impl Front {
    /// Takes an event of the gateway.
    pub fn take(&self, name: &str, data: &str) {
        self.bot.telemetry.events.inc();
        match name {
            "MESSAGE_CREATE" => self.message(data, false),
            "MESSAGE_UPDATE" => self.message(data, true),
            "INTERACTION_CREATE" => {
                if let Ok(interaction) = serde_json::from_str::<Interaction>(data) {
                    self.interaction(interaction, None);
                }
            }
            "RESUMED" => self.bot.telemetry.set_ready(true),
            "READY" => {
                self.bot.telemetry.set_ready(true);
                if let Ok(ready) = serde_json::from_str::<Ready>(data) {
                    self.bot.servers().extend(ready.guilds.iter().map(|guild| guild.id));
                }
            }
            "GUILD_CREATE" => {
                if let Ok(guild) = serde_json::from_str::<Guild>(data) {
                    self.bot.servers().insert(guild.id);
                    guild.threads.iter().for_each(|thread| self.bot.watch.learn(thread));
                }
            }
            "THREAD_CREATE" => {
                if let Ok(thread) = serde_json::from_str::<Thread>(data) {
                    self.bot.watch.learn(&thread);
                }
            }
            "GUILD_DELETE" => {
                // A server that is only out of reach for a while is not left.
                if let Ok(guild) = serde_json::from_str::<Guild>(data)
                    && !guild.unavailable
                {
                    self.bot.leave(guild.id);
                }
            }
            _ => {}
        }
    }

    fn message(&self, data: &str, edited: bool) {
        let Ok(message) = serde_json::from_str::<Message<'_>>(data) else { return };
        let bot = &self.bot;
        let (Some(author), Some(text)) = (&message.author, &message.content) else { return };
        if author.bot || author.id == bot.me || message.webhook_id.is_some() {
            return;
        }
        if text.is_empty() {
            let wordless = !message.attachments.is_empty() || !message.sticker_items.is_empty();
            if wordless && !edited && message.guild_id.is_none() {
                let to = To::Channel(message.channel_id);
                let watched = Watched::new(&bot.telemetry);
                let scene = bot.scene(author.id, None, message.channel_id, "", to, watched);
                self.push(scene, Matter::Wordless, None);
            }
            return;
        }
        // An update without an edit is a preview that unfolded.
        if edited && message.edited_timestamp.is_none() {
            return;
        }
        // The list can lack what the text has: then the text counts.
        let addressed = message.mentions.iter().any(|user| user.id == bot.me)
            || bot.names.iter().any(|name| text.contains(name.as_str()));
        let channel = message.channel_id;
        if message.guild_id.is_some() && !addressed {
            let settings = &bot.community(message.guild_id).settings;
            // A thread is watched, or quiet, with the channel that it stands in.
            let places =
                [Some(channel), bot.watch.parent(channel)].map(|place| place.map(|id| id.to_string()));
            let is_in = |list: &BTreeSet<String>| places.iter().flatten().any(|place| list.contains(place));
            if !is_in(&settings.watched) || is_in(&settings.quiet) {
                return;
            }
        }
        let watched = Watched::new(&bot.telemetry);
        let to = To::Channel(channel);
        let scene = bot.scene(author.id, message.guild_id, channel, "", to, watched);
        // The bot's name is no part of what is said to it: half a sentence must be heard as one.
        let text = &if addressed { Cow::from(without(&bot.names, text)) } else { Cow::from(&**text) };
        let concern = scene.library.screen(text);
        let serious = concern.level >= Level::Concern;
        if (edited || (message.guild_id.is_some() && !addressed)) && !serious {
            return;
        }
        let matter = if message.guild_id.is_some() {
            Matter::Public { message: message.id, text: text.to_string(), addressed }
        } else {
            let edit = message.edited_timestamp.as_deref().unwrap_or("");
            Matter::Private { event: format!("{}{edit}", message.id), text: text.to_string(), edited }
        };
        let worst = serious.then(|| (text.to_string(), concern));
        self.push(scene, matter, worst);
    }

    /// Takes an interaction. `inline` carries the first answer where it came over HTTP.
    pub fn interaction(
        &self,
        interaction: Interaction,
        inline: Option<tokio::sync::oneshot::Sender<serde_json::Value>>,
    ) {
        let bot = &self.bot;
        let Some(person) = interaction.person() else { return };
        let watched = Watched::new(&bot.telemetry);
        let answering = Answering::new(interaction.id, interaction.token.clone(), inline);
        let channel = interaction.channel_id.unwrap_or_default();
        let to = To::Interaction(answering);
        let scene = bot.scene(person, interaction.guild_id, channel, &interaction.locale, to, watched);
        if interaction.kind == wire::AUTOCOMPLETE {
            let choices = bot.suggest(&scene, &interaction);
            return bot.send(&scene, What::Callback(8, choices), Sort::member, None);
        }
        // A form has to open at once, and asks nothing of anybody else.
        if interaction.kind == wire::COMPONENT
            && let Some((Press::Control(Control::Write), owner)) = Press::read(interaction.name())
            && owner == Some(render::owner(person))
        {
            let form = render::form(scene.library.wording(scene.language.as_ref()));
            return bot.send(&scene, What::Callback(9, form), Sort::member, None);
        }
        if let Some(form) = moderator::form(&interaction) {
            return bot.send(&scene, What::Callback(9, form), Sort::moderator, None);
        }
        let screened = interaction.texts().into_iter().map(|text| (text, scene.library.screen(text)));
        let worst = screened.max_by_key(|(_, concern)| concern.level);
        // Words about scripts are nobody's own; whoever may not use those commands has typed them for themselves.
        let theirs = moderator::is_theirs(&interaction) && bot.is_moderator(&scene, &interaction);
        let worst = worst.filter(|(_, concern)| concern.level >= Level::Concern && !theirs);
        let worst = worst.map(|(text, concern)| (text.to_owned(), concern));
        if worst.is_none() && !answers_in_place(&interaction) {
            let (outbox, to, watched) = (bot.outbox.clone(), scene.to.clone(), scene.watched.clone());
            bot.outbox.runtime().spawn(async move {
                tokio::time::sleep(PATIENCE).await;
                outbox.send(&to, Letter { what: What::Defer, sort: Sort::member, watched, then: None });
            });
        }
        self.push(scene, Matter::Used(Box::new(interaction)), worst);
    }

    fn push(&self, scene: Scene, matter: Matter, worst: Option<(String, Concern)>) {
        let (person, urgent) = (scene.person.0, worst.is_some());
        let busy = matches!(matter, Matter::Used(_))
            .then(|| (scene.to.clone(), scene.watched.clone(), scene.is_marked_private()));
        let task = Task { bot: self.bot.clone(), scene, matter, worst, sent: false };
        if let (Err(Full), Some((to, watched, private))) = (self.queue.push(person, urgent, task), busy) {
            // They would wait for three seconds and then read that the application did not respond.
            let words = "I'm very busy just now. Please press again in a minute. If you need a person now: https://findahelpline.com";
            let what = What::Message(render::message(words, private, Vec::new()), None);
            self.bot.outbox.send(&to, Letter { what, sort: Sort::member, watched, then: None });
        }
    }
}

/// A text without these mentions.
fn without(names: &[String], text: &str) -> String {
    let rest = names.iter().fold(text.to_owned(), |text, name| text.replace(name.as_str(), " "));
    rest.trim().to_owned()
}

/// Whether the answer may change the message that was pressed: then Discord must not be told that another will come.
fn answers_in_place(interaction: &Interaction) -> bool {
    interaction.kind == wire::COMPONENT
        && matches!(Press::read(interaction.name()), Some((Press::Alert(_), _)))
}

impl Work for Task {
    fn urgent(&mut self) {
        let Some((words, concern)) = &self.worst else { return };
        match &self.matter {
            Matter::Private { event, text, .. } => {
                self.sent = self.bot.rescue(&self.scene, event, Kind::Text(text));
            }
            Matter::Used(interaction) => {
                let event = interaction.id.to_string();
                self.sent = self.bot.rescue(&self.scene, &event, Kind::Text(words));
            }
            Matter::Public { message, text, addressed } => {
                self.bot.rescue_in_public(&self.scene, *message, concern, text, *addressed);
                self.sent = true;
            }
            Matter::Wordless => {}
        }
    }

    fn rest(self) {
        let Task { bot, scene, matter, worst, sent } = self;
        match matter {
            Matter::Private { edited: true, .. } if worst.is_none() => {}
            Matter::Wordless => bot.tell_wordless(&scene),
            Matter::Private { event, text, .. } => {
                bot.converse(&scene, &event, Kind::Text(&text), sent);
            }
            Matter::Public { message, addressed, .. } => {
                if worst.is_none() && addressed {
                    bot.hint(&scene, message);
                }
            }
            Matter::Used(interaction) => match worst {
                // Whatever the command was: what was typed into it is what matters now.
                Some((words, _)) => {
                    bot.converse(&scene, &interaction.id.to_string(), Kind::Text(&words), sent);
                }
                None => bot.used(&scene, *interaction),
            },
        }
    }
}

impl Bot {
    /// The bot is no longer in a server.
    fn leave(&self, server: Id) {
        self.servers().remove(&server);
        if self.communities.forget(&super::bot::community_id(server), crate::shell::clock::now()).is_err() {
            note("forget-failed", &[]);
        }
    }
}
