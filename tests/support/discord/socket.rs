//! One gateway connection: what the bot says on it, and what it is answered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Inner;
use super::gateway::{Identified, Line, Out, intent};
use super::shapes;
use super::state::World;

/// What a bot may send in a minute, and in one message.
const SENDS_A_MINUTE: usize = 120;
const PAYLOAD: usize = 4_096;

struct Connection {
    line: Line,
    /// The id of the session that it carries.
    session: Option<String>,
    /// When the last sends were, at most a minute ago.
    sends: VecDeque<Duration>,
    by_resume_url: bool,
}

/// Why a connection ends.
enum End {
    /// The bot is gone, or said goodbye: whether its session ends as well.
    ByBot { ended: bool },
    /// The fake closes or breaks it.
    ByUs,
}

/// Serves a connection to its end.
pub async fn serve(inner: Arc<Inner>, socket: WebSocket, by_resume_url: bool) {
    let (mut sink, mut stream) = socket.split();
    let (out, mut queue) = mpsc::unbounded_channel();
    let line = {
        let mut world = inner.lock();
        world.gateway.counter += 1;
        let line = Line { id: world.gateway.counter, out, waiting: Arc::default() };
        let heartbeat = u64::try_from(world.gateway.heartbeat.as_millis()).expect("a short time");
        line.json(&json!({"op": 10, "s": null, "t": null, "d": {"heartbeat_interval": heartbeat}}));
        world.gateway.lines.push(line.clone());
        line
    };
    let waiting = Arc::clone(&line.waiting);
    let id = line.id;
    let mut connection = Connection { line, session: None, sends: VecDeque::new(), by_resume_url };

    let reading = async {
        while let Some(Ok(message)) = stream.next().await {
            match message {
                Message::Text(text) => {
                    if let Err(code) = connection.hears(&inner, text.as_str()) {
                        connection.line.send(Out::Close(code));
                    }
                    inner.changed();
                }
                Message::Close(frame) => {
                    let code = frame.map_or(1005, |frame| frame.code);
                    inner.lock().gateway.closed_by_bot.push(code);
                    // Only these two end the session.
                    return End::ByBot { ended: matches!(code, 1000 | 1001) };
                }
                _ => {}
            }
        }
        End::ByBot { ended: false }
    };
    let writing = async {
        while let Some(first) = queue.recv().await {
            let mut next = Some(first);
            // What waits is written together.
            while let Some(out) = next {
                waiting.fetch_sub(1, Ordering::Relaxed);
                match out {
                    Out::Text(text) => {
                        if sink.feed(Message::Text(text.into())).await.is_err() {
                            return End::ByBot { ended: false };
                        }
                    }
                    Out::Close(code) => {
                        inner.lock().gateway.closed_by_us.push(code);
                        let frame = CloseFrame { code, reason: "".into() };
                        let _ = sink.send(Message::Close(Some(frame))).await;
                        return End::ByUs;
                    }
                    Out::Break => return End::ByUs,
                }
                next = queue.try_recv().ok();
            }
            if sink.flush().await.is_err() {
                return End::ByBot { ended: false };
            }
        }
        End::ByUs
    };
    let end = tokio::select! {
        end = reading => end,
        end = writing => end,
    };
    let ended = matches!(end, End::ByBot { ended: true });
    inner.lock().gateway.hang_up(id, ended);
    inner.changed();
    if matches!(end, End::ByBot { .. }) {
        // The bot waits for the answer to its goodbye.
        let _ = tokio::time::timeout(Duration::from_secs(1), sink.close()).await;
    }
}

impl Connection {
    /// Takes one message of the bot; an error is the code to close with.
    fn hears(&mut self, inner: &Inner, text: &str) -> Result<(), u16> {
        let mut world = inner.lock();
        let now = inner.now();
        if text.len() > PAYLOAD {
            world
                .violations
                .push(format!("gateway: a payload of {} bytes; at most {PAYLOAD} are allowed", text.len()));
            return Err(4002);
        }
        self.sends.retain(|at| now.saturating_sub(*at) < Duration::from_secs(60));
        self.sends.push_back(now);
        if self.sends.len() > SENDS_A_MINUTE {
            world.violations.push(format!("gateway: more than {SENDS_A_MINUTE} sends within a minute"));
            return Err(4008);
        }
        let Ok(message) = serde_json::from_str::<Value>(text) else { return Err(4002) };
        match message["op"].as_u64() {
            Some(1) => {
                world.gateway.heartbeats += 1;
                let last = self.seq(&world);
                if message["d"].as_u64().is_some_and(|seq| seq > last) {
                    let violation =
                        format!("gateway: a heartbeat names event {}, the last was {last}", message["d"]);
                    world.violations.push(violation);
                }
                if !world.gateway.silent {
                    self.line.json(&json!({"op": 11, "s": null, "t": null, "d": null}));
                }
                Ok(())
            }
            Some(2) => self.identify(&mut world, &message["d"], now),
            Some(6) => self.resume(&mut world, &message["d"]),
            // Presence, voice, members, sounds: nothing to answer here, but not before identifying.
            Some(3 | 4 | 8 | 31) if self.session.is_some() => Ok(()),
            Some(3 | 4 | 8 | 31) => Err(4003),
            _ => Err(4001),
        }
    }

    /// The number of the last event of this session.
    fn seq(&self, world: &World) -> u64 {
        let own = world.gateway.sessions.iter().find(|session| Some(&session.id) == self.session.as_ref());
        own.map_or(0, |session| session.seq)
    }

    fn identify(&mut self, world: &mut World, data: &Value, now: Duration) -> Result<(), u16> {
        if self.session.is_some() {
            return Err(4005);
        }
        right_token(world, data)?;
        let shard = match data["shard"].as_array().map(Vec::as_slice) {
            None => (0, 1),
            Some([id, of]) => (id.as_u64().ok_or(4010_u16)?, of.as_u64().ok_or(4010_u16)?),
            Some(_) => return Err(4010),
        };
        if shard.0 >= shard.1 {
            return Err(4010);
        }
        let properties = ["os", "browser", "device"].map(|field| &data["properties"][field]);
        if properties.iter().any(|property| !property.is_string()) {
            world
                .violations
                .push("gateway: IDENTIFY without its properties os, browser and device".to_owned());
        }
        let intents = data["intents"].as_u64().ok_or(4013_u16)?;
        if intents & !intent::KNOWN != 0 {
            return Err(4013);
        }
        if intents & intent::PRIVILEGED & !world.gateway.privileged != 0 {
            return Err(4014);
        }
        // So many shards may identify in a window, one for each remainder.
        let (window, most) = (world.gateway.window, world.gateway.max_concurrency);
        let soon =
            |one: &&Identified| one.shard.0 % most == shard.0 % most && now.saturating_sub(one.at) < window;
        if let Some(before) = world.gateway.identified.iter().rev().find(soon) {
            let violation = format!(
                "gateway: shard {} identified {:.1} s after shard {}; with max_concurrency {most} that takes {} s",
                shard.0,
                (now - before.at).as_secs_f64(),
                before.shard.0,
                window.as_secs(),
            );
            world.violations.push(violation);
            self.line.json(&json!({"op": 9, "s": null, "t": null, "d": false}));
            return Ok(());
        }
        world.gateway.identified.push(Identified { at: now, shard, intents });
        world.gateway.starts_left = world.gateway.starts_left.saturating_sub(1);
        let at = world.gateway.begin(shard, intents, self.line.clone());
        self.session = Some(world.gateway.sessions[at].id.clone());
        let covered =
            |id: &&u64| world.gateway.sessions[at].covers(Some(**id)) && !world.guilds[*id].without_bot;
        let guilds: Vec<u64> = world.guilds.keys().filter(covered).copied().collect();
        let ready = json!({
            "v": 10,
            "user": shapes::current_user(&world.people[&world.bot]),
            "guilds": guilds.iter().map(|id| json!({"id": id.to_string(), "unavailable": true})).collect::<Vec<_>>(),
            "session_id": self.session,
            "resume_gateway_url": format!("ws://{}/resume", world.address),
            "shard": [shard.0, shard.1],
            "application": {"id": world.application.to_string(), "flags": world.gateway.flags()},
            "session_type": "normal", "private_channels": [], "relationships": [], "_trace": [],
        });
        world.gateway.tell(at, "READY", &ready);
        if intents & intent::GUILDS != 0 {
            for id in guilds {
                let guild = shapes::guild_create(world, id);
                world.gateway.tell(at, "GUILD_CREATE", &guild);
            }
        }
        Ok(())
    }

    fn resume(&mut self, world: &mut World, data: &Value) -> Result<(), u16> {
        right_token(world, data)?;
        let seq = data["seq"].as_u64().unwrap_or(0);
        let found = world.gateway.sessions.iter().position(|session| data["session_id"] == session.id);
        match found {
            Some(at) if seq > world.gateway.sessions[at].seq => Err(4007),
            Some(at) if world.gateway.sessions[at].remembers(seq) => {
                self.session = Some(world.gateway.sessions[at].id.clone());
                world.gateway.resume(at, seq, self.line.clone(), self.by_resume_url);
                Ok(())
            }
            _ => {
                self.line.json(&json!({"op": 9, "s": null, "t": null, "d": false}));
                Ok(())
            }
        }
    }
}

fn right_token(world: &World, data: &Value) -> Result<(), u16> {
    let token = data["token"].as_str().unwrap_or_default();
    if token.strip_prefix("Bot ").unwrap_or(token) == world.token { Ok(()) } else { Err(4004) }
}
