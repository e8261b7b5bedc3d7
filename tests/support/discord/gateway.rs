//! The gateway's memory: sessions, what each was sent, and what may be replayed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::shapes;
use super::state::{Id, World};

/// What a bot may ask to be told of, by the bit that Discord gives it.
pub mod intent {
    /// Servers, their channels and roles.
    pub const GUILDS: u64 = 1;
    /// Members: privileged.
    pub const GUILD_MEMBERS: u64 = 1 << 1;
    /// Presences: privileged.
    pub const PRESENCES: u64 = 1 << 8;
    /// Messages in servers.
    pub const GUILD_MESSAGES: u64 = 1 << 9;
    /// Direct messages.
    pub const DIRECT_MESSAGES: u64 = 1 << 12;
    /// What the messages of a server say: privileged.
    pub const MESSAGE_CONTENT: u64 = 1 << 15;
    /// All that need a switch in the developer portal.
    pub const PRIVILEGED: u64 = GUILD_MEMBERS | PRESENCES | MESSAGE_CONTENT;
    /// All that there are: bits 0-16, 20, 21, 24, 25.
    pub const KNOWN: u64 = 0x1_FFFF | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25;
}

/// So many events are kept for a session that resumes.
const KEPT: usize = 20_000;

/// What a connection is told to write.
#[derive(Debug)]
pub enum Out {
    Text(String),
    /// Closes with a code.
    Close(u16),
    /// Breaks without a word.
    Break,
}

/// The way to a connection that is open.
#[derive(Clone, Debug)]
pub struct Line {
    pub id: u64,
    pub out: UnboundedSender<Out>,
    /// Events that wait to be written.
    pub waiting: Arc<AtomicUsize>,
}

impl Line {
    /// Queues something; a connection that is gone loses it, as it would.
    pub fn send(&self, out: Out) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _ = self.out.send(out);
    }

    pub fn json(&self, value: &Value) {
        self.send(Out::Text(value.to_string()));
    }
}

#[derive(Clone, Debug)]
struct Event {
    seq: u64,
    name: &'static str,
    body: Arc<str>,
}

/// What a shard has been told since it identified.
#[derive(Debug)]
pub struct Session {
    pub id: String,
    /// This shard, of how many.
    pub shard: (u64, u64),
    pub intents: u64,
    pub seq: u64,
    /// The last event that was written to the connection.
    written: u64,
    kept: VecDeque<Event>,
    pub line: Option<Line>,
}

impl Session {
    /// Whether events of a server (none: direct messages) belong to this shard.
    pub fn covers(&self, guild: Option<Id>) -> bool {
        guild.map_or(0, |guild| (guild >> 22) % self.shard.1) == self.shard.0
    }

    fn push(&mut self, name: &'static str, body: Arc<str>) {
        self.seq += 1;
        self.kept.push_back(Event { seq: self.seq, name, body });
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// Writes what hasn't been written.
    fn flush(&mut self) {
        let Some(line) = &self.line else { return };
        let first = self.kept.partition_point(|event| event.seq <= self.written);
        for Event { seq, name, body } in self.kept.range(first..) {
            line.send(Out::Text(format!(r#"{{"op":0,"t":"{name}","s":{seq},"d":{body}}}"#)));
        }
        self.written = self.seq;
    }

    /// Whether everything after `seq` is still there.
    pub fn remembers(&self, seq: u64) -> bool {
        seq == self.seq || self.kept.front().is_some_and(|event| event.seq <= seq + 1)
    }
}

/// A session that went on after a connection broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumption {
    /// The last event that the bot had.
    pub seq: u64,
    /// So many were sent again.
    pub replayed: u64,
    /// Whether the bot came to the address that READY names for it.
    pub by_resume_url: bool,
}

/// A shard that identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    pub at: Duration,
    pub shard: (u64, u64),
    pub intents: u64,
}

/// Everything about the gateway.
#[derive(Debug)]
pub struct Gateway {
    pub sessions: Vec<Session>,
    /// Connections that are open, identified or not.
    pub lines: Vec<Line>,
    pub counter: u64,
    /// Privileged intents that are switched on in the developer portal.
    pub privileged: u64,
    pub heartbeat: Duration,
    /// Shards that may identify in one window.
    pub max_concurrency: u64,
    pub window: Duration,
    /// How many shards `GET /gateway/bot` recommends.
    pub shards: u64,
    /// Session starts that are left today.
    pub starts_left: u64,
    /// New connections are refused.
    pub closed: bool,
    /// Heartbeats are not answered.
    pub silent: bool,
    /// Events are held back.
    pub paused: bool,
    pub identified: Vec<Identified>,
    pub resumed: Vec<Resumption>,
    pub heartbeats: u64,
    /// The codes with which the bot closed connections.
    pub closed_by_bot: Vec<u16>,
    /// The codes with which the fake did.
    pub closed_by_us: Vec<u16>,
}

impl Default for Gateway {
    fn default() -> Gateway {
        Gateway {
            sessions: Vec::new(),
            lines: Vec::new(),
            counter: 0,
            privileged: intent::PRIVILEGED,
            heartbeat: Duration::from_millis(41_250),
            max_concurrency: 1,
            window: Duration::from_secs(5),
            shards: 1,
            starts_left: 1000,
            closed: false,
            silent: false,
            paused: false,
            identified: Vec::new(),
            resumed: Vec::new(),
            heartbeats: 0,
            closed_by_bot: Vec::new(),
            closed_by_us: Vec::new(),
        }
    }
}

impl Gateway {
    /// The application's flags, which say what is switched on (for a bot in less than a hundred servers).
    pub fn flags(&self) -> u64 {
        let switched = |intent, flag| if self.privileged & intent != 0 { flag } else { 0 };
        switched(intent::PRESENCES, 1 << 13)
            | switched(intent::GUILD_MEMBERS, 1 << 15)
            | switched(intent::MESSAGE_CONTENT, 1 << 19)
    }

    /// A new session of a shard on this connection.
    pub fn begin(&mut self, shard: (u64, u64), intents: u64, line: Line) -> usize {
        // A shard that identifies again takes the place of its earlier session.
        self.sessions.retain(|session| session.shard != shard);
        self.counter += 1;
        let id = format!("session{}", self.counter);
        let kept = VecDeque::new();
        self.sessions.push(Session { id, shard, intents, seq: 0, written: 0, kept, line: Some(line) });
        self.sessions.len() - 1
    }

    /// Goes on with a session after `seq`.
    pub fn resume(&mut self, at: usize, seq: u64, line: Line, by_resume_url: bool) {
        let session = &mut self.sessions[at];
        let replayed = session.seq - seq;
        session.written = seq;
        session.line = Some(line);
        session.push("RESUMED", Arc::from("{}"));
        self.resumed.push(Resumption { seq, replayed, by_resume_url });
        if !self.paused {
            self.sessions[at].flush();
        }
    }

    /// A connection is gone; its session stays, to be resumed, unless the bot said goodbye.
    pub fn hang_up(&mut self, line: u64, ended: bool) {
        self.lines.retain(|one| one.id != line);
        let holds = |session: &Session| session.line.as_ref().is_some_and(|one| one.id == line);
        if ended {
            self.sessions.retain(|session| !holds(session));
        }
        for session in self.sessions.iter_mut().filter(|session| holds(session)) {
            session.line = None;
        }
    }

    /// Sends an event to one session.
    pub fn tell(&mut self, at: usize, name: &'static str, body: &Value) {
        let session = &mut self.sessions[at];
        session.push(name, body.to_string().into());
        if !self.paused {
            session.flush();
        }
    }

    /// Sends an event to whom it concerns. `needs`: one of these intents (0: none). `blank`: what those
    /// see who may not read what messages say.
    pub fn dispatch(
        &mut self,
        guild: Option<Id>,
        needs: u64,
        name: &'static str,
        full: &Arc<str>,
        blank: Option<&Arc<str>>,
    ) {
        for session in &mut self.sessions {
            if !session.covers(guild) || (needs != 0 && session.intents & needs == 0) {
                continue;
            }
            let reads = session.intents & intent::MESSAGE_CONTENT != 0;
            let body = blank.filter(|_| !reads).unwrap_or(full);
            session.push(name, Arc::clone(body));
            if !self.paused {
                session.flush();
            }
        }
    }

    /// Holds events back, or sends what was held.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
        if !paused {
            self.sessions.iter_mut().for_each(Session::flush);
        }
    }

    /// Events that wait in the fullest connection.
    pub fn waiting(&self) -> usize {
        let waiting = self.lines.iter().map(|line| line.waiting.load(Ordering::Relaxed));
        waiting.max().unwrap_or(0)
    }
}

impl World {
    /// Tells the bot of a message: created or changed.
    pub fn dispatch_message(&mut self, name: &'static str, id: Id) {
        let json = shapes::dispatched(self, id);
        let post = &self.posts[&id];
        let guild = self.channels[&post.channel].guild;
        if guild.is_some_and(|guild| self.guilds[&guild].without_bot) {
            return;
        }
        let needs = if guild.is_some() { intent::GUILD_MESSAGES } else { intent::DIRECT_MESSAGES };
        // Content is there in direct messages, in the bot's own, and in those that name it.
        let content = json["content"].as_str().unwrap_or_default();
        let open = guild.is_none() || post.author == self.bot || self.named(content).contains(&self.bot);
        let full: Arc<str> = json.to_string().into();
        let blank: Option<Arc<str>> = (!open).then(|| {
            let mut blank = json.clone();
            blank["content"] = json!("");
            for field in ["embeds", "attachments", "components"] {
                blank[field] = json!([]);
            }
            blank.to_string().into()
        });
        self.gateway.dispatch(guild, needs, name, &full, blank.as_ref());
    }

    /// Tells the bot of a server that it is on.
    pub fn dispatch_guild(&mut self, guild: Id) {
        let body: Arc<str> = shapes::guild_create(self, guild).to_string().into();
        self.gateway.dispatch(Some(guild), intent::GUILDS, "GUILD_CREATE", &body, None);
    }
}
