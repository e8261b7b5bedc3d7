//! One shard's connection to Discord's gateway: it comes back by itself, resumes where it was, and hands on what it
//! is told as it stands, without a task or a queue of its own.
//!
//! serenity has a gateway as well. This one is here because three things of that one can't be had otherwise in a program
//! on which somebody's life may hang: it drops an event whole when any field of it is new; it writes the text of what it
//! could not read into the log; and it starts a task for each event, however many there are. It also starts one shard in
//! five seconds whatever Discord allows, and resumes at the general address.
//!
//! Source: github.com/discord/discord-api-docs, "Gateway" and "Opcodes and Status Codes".

use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use thiserror::Error;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::wire::{Frame, Hello, Ready};
use crate::shell::run::stopped;
use crate::shell::telemetry::{Telemetry, note};

/// The version of the gateway that is spoken.
const VERSION: u8 = 10;
/// The largest event that is taken, in bytes: a server of 200,000 members announces itself with some megabytes.
const LARGEST: usize = 64 << 20;
/// How much the system may keep of what Discord sent and the bot has not read yet, in bytes. Left to itself, Linux lets
/// tens of megabytes wait there when more comes than the bot reads, and a cry for help waits behind all of it.
const UNREAD: u32 = 256 << 10;
/// How long a connection may take, and how long Discord may keep silent in its first words.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to wait before connecting again: at first, and at most.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How far one identification must be from the next of the same bucket.
const APART: Duration = Duration::from_secs(5);

/// Operation codes.
mod op {
    pub const DISPATCH: u8 = 0;
    pub const HEARTBEAT: u8 = 1;
    pub const IDENTIFY: u8 = 2;
    pub const RESUME: u8 = 6;
    pub const RECONNECT: u8 = 7;
    pub const INVALID_SESSION: u8 = 9;
    pub const HELLO: u8 = 10;
    pub const HEARTBEAT_ACK: u8 = 11;
}

/// Why a shard can't go on: somebody has to do something first.
#[derive(Debug, Error)]
pub enum Fatal {
    /// Close code 4004.
    #[error(
        "Discord doesn't take this token; please copy it again from https://discord.com/developers/applications (your application, Bot, Reset Token)"
    )]
    Token,
    /// Close code 4014.
    #[error(
        "Discord doesn't allow an intent; please switch on Message Content Intent at https://discord.com/developers/applications (your application, Bot, Privileged Gateway Intents)"
    )]
    Intents,
    /// Close codes 4010 to 4013.
    #[error(
        "Discord refuses the connection (close code {0}); please check shards, first_shard and last_shard under [discord] in bot.toml"
    )]
    Refused(u16),
}

/// When shards may introduce themselves: one in five seconds of each bucket, and Discord says how many buckets there are.
pub struct Turnstile(Vec<Mutex<Option<Instant>>>);

impl Turnstile {
    /// As many buckets as Discord's `max_concurrency` says.
    pub fn new(buckets: usize) -> Self {
        Turnstile((0..buckets.max(1)).map(|_| Mutex::default()).collect())
    }

    /// Waits until a shard may introduce itself. Whoever is let in notes when it has.
    async fn pass(&self, shard: u32) -> MutexGuard<'_, Option<Instant>> {
        let last = self.0[shard as usize % self.0.len()].lock().await;
        if let Some(last) = *last {
            tokio::time::sleep_until(last + APART).await;
        }
        last
    }
}

/// What a shard needs to know.
pub struct Shard {
    /// Which one, from 0.
    pub id: u32,
    /// Of how many.
    pub total: u32,
    /// The bot's token.
    pub token: Arc<str>,
    /// What it wants to be told.
    pub intents: u64,
    /// Where the gateway is.
    pub url: String,
    /// When it may introduce itself.
    pub turnstile: Arc<Turnstile>,
    /// Where reconnections are counted.
    pub telemetry: Arc<Telemetry>,
}

/// A session that can be resumed.
struct Session {
    id: String,
    url: String,
}

/// How a connection ended.
enum End {
    /// To be resumed if there is a session.
    Broken,
    /// Its session is over.
    Over,
    /// The program ends.
    Shutdown,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Shard {
    /// Stays connected until `shutdown` says so. `take` is given the name and the text of every event, in order and
    /// once each.
    ///
    /// # Errors
    ///
    /// Where going on makes no sense.
    pub async fn run(
        &self,
        mut take: impl FnMut(&str, &str),
        mut shutdown: watch::Receiver<bool>,
    ) -> Result<(), Fatal> {
        let mut session: Option<Session> = None;
        let mut seq = 0;
        let mut wait = WAITS.0;
        while !*shutdown.borrow() {
            let began = Instant::now();
            let ended = self.connection(&mut session, &mut seq, &mut take, &mut shutdown).await?;
            match ended {
                End::Shutdown => break,
                End::Broken => {}
                End::Over => (session, seq) = (None, 0),
            }
            self.telemetry.set_ready(false);
            self.telemetry.reconnects.inc();
            // Who stayed connected for a while comes back at once.
            if began.elapsed() > Duration::from_secs(30) {
                wait = WAITS.0;
            }
            tokio::select! {
                () = sleep(wait.mul_f64(0.5 + jitter() / 2.0)) => {}
                () = stopped(&mut shutdown) => break,
            }
            wait = (wait * 2).min(WAITS.1);
        }
        Ok(())
    }

    async fn connection(
        &self,
        session: &mut Option<Session>,
        seq: &mut u64,
        take: &mut impl FnMut(&str, &str),
        shutdown: &mut watch::Receiver<bool>,
    ) -> Result<End, Fatal> {
        let begun = tokio::select! {
            begun = self.begin(session.as_ref(), *seq) => begun,
            () = stopped(shutdown) => return Ok(End::Shutdown),
        };
        let Some((mut socket, interval)) = begun else {
            note("shard-unreachable", &[("shard", &self.id)]);
            return Ok(End::Broken);
        };
        let mut beat = Instant::now() + interval.mul_f64(jitter());
        let mut acknowledged = true;
        loop {
            let heard = tokio::select! {
                biased;
                () = stopped(shutdown) => {
                    close(&mut socket, 1000).await;
                    return Ok(End::Shutdown);
                }
                () = tokio::time::sleep_until(beat) => {
                    // Who was not answered talks to a dead line.
                    if !acknowledged || !say(&mut socket, &json!({"op": op::HEARTBEAT, "d": *seq})).await {
                        close(&mut socket, 4000).await;
                        return Ok(End::Broken);
                    }
                    acknowledged = false;
                    beat = Instant::now() + interval;
                    continue;
                }
                heard = socket.next() => heard,
            };
            let text = match heard {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(frame))) => return self.closed(frame),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Ok(End::Broken),
            };
            let Ok(frame) = serde_json::from_str::<Frame<'_>>(&text) else { continue };
            match frame.op {
                op::DISPATCH => {
                    // What is told again after a resumption was handled already.
                    let new = frame.s.is_none_or(|s| s > *seq);
                    if let (true, Some(name)) = (new, &frame.t) {
                        *seq = frame.s.unwrap_or(*seq);
                        let data = frame.d.map_or("null", |data| data.get());
                        if name == "READY" {
                            *session = self.ready(data);
                        }
                        take(name, data);
                    }
                }
                // Asked for out of turn.
                op::HEARTBEAT => (acknowledged, beat) = (true, Instant::now()),
                op::HEARTBEAT_ACK => acknowledged = true,
                op::RECONNECT => {
                    close(&mut socket, 4000).await;
                    return Ok(End::Broken);
                }
                op::INVALID_SESSION => {
                    let resumable = frame.d.is_some_and(|data| data.get() == "true");
                    close(&mut socket, 4000).await;
                    // One to five seconds, as the documentation asks.
                    tokio::select! {
                        () = sleep(Duration::from_secs(1) + Duration::from_secs(4).mul_f64(jitter())) => {}
                        () = stopped(shutdown) => return Ok(End::Shutdown),
                    }
                    return Ok(if resumable { End::Broken } else { End::Over });
                }
                _ => {}
            }
        }
    }

    /// A connection on which the shard has introduced itself, or taken its session up again.
    async fn begin(&self, session: Option<&Session>, seq: u64) -> Option<(Socket, Duration)> {
        // The turn comes before the connection: Discord hangs up on who says nothing for long.
        let turn = if session.is_none() { Some(self.turnstile.pass(self.id).await) } else { None };
        let (mut socket, interval) = self.connect(session.map_or(&self.url, |session| &session.url)).await?;
        let words = match session {
            Some(session) => json!({"op": op::RESUME, "d": {
                "token": &*self.token, "session_id": session.id, "seq": seq
            }}),
            None => json!({"op": op::IDENTIFY, "d": {
                "token": &*self.token,
                "intents": self.intents,
                "shard": [self.id, self.total],
                "large_threshold": 50,
                "properties": {"os": std::env::consts::OS, "browser": "lantern", "device": "lantern"},
            }}),
        };
        let said = say(&mut socket, &words).await;
        if let Some(mut turn) = turn {
            *turn = Some(Instant::now());
        }
        said.then_some((socket, interval))
    }

    /// A connection on which Discord has said hello, and the interval of its heartbeats.
    async fn connect(&self, url: &str) -> Option<(Socket, Duration)> {
        let bare = url.trim_end_matches('/');
        let path = if bare.splitn(4, '/').count() > 3 { "" } else { "/" };
        let url = format!("{bare}{path}?v={VERSION}&encoding=json");
        let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
        let request = url.into_client_request().ok()?;
        let connecting = async {
            let line = line(request.uri()).await.ok()?;
            client_async_tls_with_config(request, line, Some(config), None).await.ok()
        };
        let (mut socket, _) = timeout(PATIENCE, connecting).await.ok()??;
        while let Some(Ok(heard)) = timeout(PATIENCE, socket.next()).await.ok()? {
            let Message::Text(text) = heard else { continue };
            let frame: Frame<'_> = serde_json::from_str(&text).ok()?;
            if frame.op == op::HELLO {
                let hello: Hello = serde_json::from_str(frame.d?.get()).ok()?;
                return Some((socket, Duration::from_millis(hello.heartbeat_interval.max(1))));
            }
        }
        None
    }

    fn ready(&self, data: &str) -> Option<Session> {
        note("shard-ready", &[("shard", &self.id)]);
        let ready: Ready = serde_json::from_str(data).ok()?;
        Some(Session {
            id: ready.session_id,
            url: ready.resume_gateway_url.unwrap_or_else(|| self.url.clone()),
        })
    }

    fn closed(&self, frame: Option<CloseFrame>) -> Result<End, Fatal> {
        let code = frame.map_or(0, |frame| u16::from(frame.code));
        note("shard-closed", &[("shard", &self.id), ("code", &code)]);
        match ending(code) {
            ControlFlow::Break(fatal) => Err(fatal),
            ControlFlow::Continue(end) => Ok(end),
        }
    }
}

/// What a close code asks for.
fn ending(code: u16) -> ControlFlow<Fatal, End> {
    match code {
        4004 => ControlFlow::Break(Fatal::Token),
        4013 | 4014 => ControlFlow::Break(Fatal::Intents),
        4010..=4012 => ControlFlow::Break(Fatal::Refused(code)),
        // Closed in good order, not authenticated, invalid sequence, session timed out: it begins anew.
        1000 | 1001 | 4003 | 4007 | 4009 => ControlFlow::Continue(End::Over),
        _ => ControlFlow::Continue(End::Broken),
    }
}

/// A connection to where an address leads, on which little waits unread.
async fn line(to: &Uri) -> std::io::Result<TcpStream> {
    let host = to.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = to.port_u16().unwrap_or(if to.scheme_str() == Some("ws") { 80 } else { 443 });
    let mut why: std::io::Error = ErrorKind::AddrNotAvailable.into();
    for address in lookup_host((host, port)).await? {
        let connecting = async {
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            // The system is asked, and may say no: then more can wait.
            let _ = socket.set_recv_buffer_size(UNREAD);
            let line = socket.connect(address).await?;
            line.set_nodelay(true)?;
            Ok::<_, std::io::Error>(line)
        };
        match connecting.await {
            Ok(line) => return Ok(line),
            Err(error) => why = error,
        }
    }
    Err(why)
}

async fn say(socket: &mut Socket, words: &serde_json::Value) -> bool {
    let text = Utf8Bytes::from(words.to_string());
    matches!(timeout(PATIENCE, socket.send(Message::Text(text))).await, Ok(Ok(())))
}

async fn close(socket: &mut Socket, code: u16) {
    let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from_static("") };
    // Whether the other side hears it changes nothing.
    let _ = timeout(Duration::from_secs(1), socket.close(Some(frame))).await;
}

/// A number from 0 to 1, so that many shards don't come back at the same moment.
fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_are_taken_as_the_documentation_says() {
        for code in [4000, 4001, 4002, 4005, 4008, 0] {
            assert!(matches!(ending(code), ControlFlow::Continue(End::Broken)), "{code}");
        }
        for code in [1000, 1001, 4003, 4007, 4009] {
            assert!(matches!(ending(code), ControlFlow::Continue(End::Over)), "{code}");
        }
        for code in [4004, 4010, 4011, 4012, 4013, 4014] {
            assert!(ending(code).is_break(), "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn shards_of_one_bucket_introduce_themselves_five_seconds_apart() {
        let turnstile = Turnstile::new(2);
        let began = Instant::now();
        for shard in 0..4 {
            *turnstile.pass(shard).await = Some(Instant::now());
        }
        assert_eq!(began.elapsed(), APART, "0 and 1 at once, 2 and 3 five seconds later");
    }
}
