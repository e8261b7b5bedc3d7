//! Very many messages, at a rate or as fast as the bot reads them, with the time of each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Inner;
use super::gateway::intent;
use super::places::Channel;
use super::shapes;
use super::state::Id;

/// So many events may wait in a connection before the generator does.
const AHEAD: usize = 1_024;

/// A stream of messages to come.
#[derive(Clone)]
pub struct Load {
    pub(super) inner: Arc<Inner>,
    pub(super) channel: Id,
    pub(super) author: Id,
    pub(super) texts: Vec<String>,
    pub(super) rate: Option<f64>,
}

/// When each message of a load went out.
#[derive(Debug)]
pub struct Sending {
    /// Messages, with the time since the fake began.
    pub sent: Vec<(Id, Duration)>,
    /// How long it took until the last was handed over.
    pub took: Duration,
}

impl Load {
    /// These texts, over and over, in place of small talk.
    pub fn of(mut self, texts: &[&str]) -> Load {
        self.texts = texts.iter().map(|&text| text.to_owned()).collect();
        self
    }

    /// So many a second; without it, as fast as the bot reads.
    pub fn a_second(mut self, rate: f64) -> Load {
        self.rate = Some(rate);
        self
    }

    /// Sends so many. They are not kept as messages of the channel: nobody answers, presses or changes them.
    pub async fn send(self, number: usize) -> Sending {
        let templates = self.templates();
        let guild = self.inner.lock().channels[&self.channel].guild;
        let needs = if guild.is_some() { intent::GUILD_MESSAGES } else { intent::DIRECT_MESSAGES };
        let began = Instant::now();
        let mut sent = Vec::with_capacity(number);
        for at in 0..number {
            if let Some(rate) = self.rate {
                let due = Duration::from_secs_f64(at as f64 / rate);
                // Below a millisecond a timer is no help: several go out together.
                if due > began.elapsed() + Duration::from_millis(1) {
                    tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
                }
            }
            let waiting = {
                let template = &templates[at % templates.len()];
                let mut world = self.inner.lock();
                let id = world.next_id();
                let id_text = id.to_string();
                let full: Arc<str> = template.full.concat_around(&id_text);
                let blank: Option<Arc<str>> =
                    template.blank.as_ref().map(|blank| blank.concat_around(&id_text));
                sent.push((id, self.inner.now()));
                world.gateway.dispatch(guild, needs, "MESSAGE_CREATE", &full, blank.as_ref());
                world.gateway.waiting()
            };
            if at % 64 == 63 {
                tokio::task::yield_now().await;
            }
            if waiting > AHEAD {
                while self.inner.lock().gateway.waiting() > AHEAD / 2 {
                    tokio::time::sleep(Duration::from_micros(200)).await;
                }
            }
        }
        Sending { sent, took: began.elapsed() }
    }

    /// The messages written once, with a hole where the id belongs.
    fn templates(&self) -> Vec<Template> {
        let world = self.inner.lock();
        let guild = world.channels[&self.channel].guild;
        let author = &world.people[&self.author];
        let one = |text: &String| {
            let mut json = shapes::message(0, self.channel, shapes::user(author), text);
            if let Some(guild) = guild {
                json["guild_id"] = guild.to_string().into();
                let roles = world.guilds[&guild].members.get(&self.author).cloned().unwrap_or_default();
                json["member"] = shapes::partial_member(&roles);
            }
            let full = Hole::new(&json.to_string());
            let open = guild.is_none() || world.named(text).contains(&world.bot);
            json["content"] = "".into();
            Template { full, blank: (!open).then(|| Hole::new(&json.to_string())) }
        };
        self.texts.iter().map(one).collect()
    }
}

struct Template {
    full: Hole,
    blank: Option<Hole>,
}

struct Hole {
    before: String,
    after: String,
}

impl Hole {
    fn new(json: &str) -> Hole {
        let (before, after) = json.split_once(r#""id":"0""#).expect("the message's own id");
        Hole { before: format!(r#"{before}"id":""#), after: format!(r#""{after}"#) }
    }

    fn concat_around(&self, id: &str) -> Arc<str> {
        [&self.before, id, &self.after].concat().into()
    }
}

impl Sending {
    /// For messages that were answered (a reply names them, or says their id): from the event to the first answer.
    pub fn answered(&self, discord: &super::Discord) -> HashMap<Id, Duration> {
        let times: HashMap<Id, Duration> = self.sent.iter().copied().collect();
        let mut first = HashMap::new();
        for sent in discord.sent() {
            let named = sent.json["message_reference"]["message_id"].as_str().and_then(|id| id.parse().ok());
            if let Some((id, began)) = named.and_then(|id: Id| Some((id, times.get(&id)?))) {
                first.entry(id).or_insert_with(|| sent.at.saturating_sub(*began));
            }
        }
        first
    }
}

impl Channel {
    /// Very many messages of somebody in this channel.
    pub fn flood(&self, author: &super::people::Person) -> Load {
        let texts = ["good morning everyone", "has anybody seen the new film", "same here, it was lovely"];
        Load {
            inner: Arc::clone(&self.inner),
            channel: self.id,
            author: author.id,
            texts: texts.map(str::to_owned).to_vec(),
            rate: None,
        }
    }
}
