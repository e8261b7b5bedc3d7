//! Very many messages, at a rate or as fast as the bot reads them, with the time of each.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Inner;
use super::gateway::intent;
use super::people::Person;
use super::places::Channel;
use super::shapes;
use super::state::Id;

/// So many events may wait in a connection before the generator does.
const AHEAD: usize = 1_024;

/// A stream of messages to come.
#[derive(Clone)]
pub struct Load {
    inner: Arc<Inner>,
    /// Where, and by whom: one after the other.
    places: Vec<(Id, Id)>,
    texts: Vec<String>,
    rate: Option<f64>,
}

/// One message of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// The message.
    pub message: Id,
    /// Its channel.
    pub channel: Id,
    /// Since the fake began.
    pub at: Duration,
}

/// What a load came to.
#[derive(Clone, Debug)]
pub struct Flood {
    /// Every message, in order.
    pub sent: Vec<Sending>,
    /// How long it took until the last was handed over.
    pub took: Duration,
}

impl Load {
    pub(super) fn new(inner: Arc<Inner>, places: Vec<(Id, Id)>) -> Load {
        let texts = ["good morning everyone", "has anybody seen the new film", "same here, it was lovely"];
        assert!(!places.is_empty(), "somebody has to talk somewhere");
        Load { inner, places, texts: texts.map(str::to_owned).to_vec(), rate: None }
    }

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

    /// Sends so many. They are not kept as messages of the channel: nobody presses, changes or takes them back.
    pub async fn send(self, number: usize) -> Flood {
        let templates = self.templates();
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
            let (place, text) = (at % self.places.len(), at % self.texts.len());
            let waiting = {
                let template = &templates[place * self.texts.len() + text];
                let mut world = self.inner.lock();
                let message = world.next_id();
                let id = message.to_string();
                let full: Arc<str> = template.full.filled(&id);
                let blank: Option<Arc<str>> = template.blank.as_ref().map(|blank| blank.filled(&id));
                sent.push(Sending { message, channel: self.places[place].0, at: self.inner.now() });
                let Template { guild, needs, .. } = *template;
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
        Flood { sent, took: began.elapsed() }
    }

    /// The messages written once, with a hole where the id belongs: all texts of the first place, and so on.
    fn templates(&self) -> Vec<Template> {
        let world = self.inner.lock();
        let one = |(channel, author): (Id, Id), text: &String| {
            let guild = world.channels[&channel].guild;
            let mut json = shapes::message(0, channel, shapes::user(&world.people[&author]), text);
            if let Some(guild) = guild {
                json["guild_id"] = guild.to_string().into();
                let roles = world.guilds[&guild].members.get(&author).cloned().unwrap_or_default();
                json["member"] = shapes::partial_member(&roles);
            }
            let full = Hole::new(&json.to_string());
            let open = guild.is_none() || world.named(text).contains(&world.bot);
            json["content"] = "".into();
            let needs = if guild.is_some() { intent::GUILD_MESSAGES } else { intent::DIRECT_MESSAGES };
            Template { guild, needs, full, blank: (!open).then(|| Hole::new(&json.to_string())) }
        };
        let places = self.places.iter();
        places
            .flat_map(|place| self.texts.iter().map(move |text| (*place, text)))
            .map(|(p, t)| one(p, t))
            .collect()
    }
}

struct Template {
    guild: Option<Id>,
    needs: u64,
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

    fn filled(&self, id: &str) -> Arc<str> {
        [&self.before, id, &self.after].concat().into()
    }
}

impl Flood {
    /// From each message to its first answer: the reply that refers to it, or else the next thing that was sent
    /// in its channel and answers none before it.
    pub fn answered(&self, discord: &super::Discord) -> HashMap<Id, Duration> {
        let mut open: HashMap<Id, VecDeque<Sending>> = HashMap::new();
        for sending in &self.sent {
            open.entry(sending.channel).or_default().push_back(*sending);
        }
        let mut first = HashMap::new();
        for sent in discord.sent() {
            let Some(waiting) = open.get_mut(&sent.channel) else { continue };
            let named: Option<Id> =
                sent.json["message_reference"]["message_id"].as_str().and_then(|id| id.parse().ok());
            let found = match named {
                Some(id) => waiting.iter().position(|sending: &Sending| sending.message == id),
                None => waiting.front().filter(|sending| sending.at <= sent.at).map(|_| 0),
            };
            if let Some(sending) = found.and_then(|at| waiting.remove(at)) {
                first.insert(sending.message, sent.at.saturating_sub(sending.at));
            }
        }
        first
    }
}

impl Channel {
    /// Very many messages of somebody in this channel.
    pub fn flood(&self, author: &Person) -> Load {
        Load::new(Arc::clone(&self.inner), vec![(self.id, author.id)])
    }
}
