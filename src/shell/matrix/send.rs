//! Sending: until the server has it, in the face of restarts, cut connections and rate limits, and crisis
//! messages before all others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::OwnedTransactionId;
use matrix_sdk::ruma::api::error::{ErrorKind, RetryAfter};
use matrix_sdk::{Error, Room, RoomState};
use serde_json::Value;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::talk::Bot;
use super::{render, talk};

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first and the longest pause between tries.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// For how long a message is tried. What is given up is tried again after the next start.
const LONGEST: Duration = Duration::from_secs(15 * 60);
const LONGEST_URGENT: Duration = Duration::from_secs(6 * 60 * 60);
/// How often something other than the server may fail.
const OTHER_FAILURES: u32 = 5;
/// For how long no reactions are sent after the server said that it was too much.
const REACTIONS_REST: Duration = Duration::from_secs(60);

/// How long a reaction waits at most while others wait for words.
const LET_WORDS_PASS: Duration = Duration::from_secs(1);

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The server has it.
    Done,
    /// The server won't ever take it: Lantern was banned, or may not speak.
    Refused,
    /// The server didn't take it for a long time.
    GivenUp,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Try again, after this time where the server says so.
    Again(Option<Duration>),
    /// Try again, but not without end: it isn't the server's fault.
    Few,
    /// Don't.
    Never,
}

/// What a failure means.
pub(super) fn fate(error: &Error) -> Fate {
    let Error::Http(http) = error else { return Fate::Few };
    let Some(api) = http.as_client_api_error() else { return Fate::Again(None) };
    match http.client_api_error_kind() {
        Some(ErrorKind::LimitExceeded(data)) => {
            Fate::Again(data.retry_after.as_ref().map(|after| match after {
                RetryAfter::Delay(delay) => *delay,
                RetryAfter::DateTime(at) => at.duration_since(SystemTime::now()).unwrap_or_default(),
            }))
        }
        // Somebody is signing in again.
        Some(ErrorKind::UnknownToken(_)) => Fate::Again(Some(Duration::from_secs(5))),
        _ if api.status_code.is_server_error() || api.status_code.as_u16() == 429 => Fate::Again(None),
        _ => Fate::Never,
    }
}

/// Lets crisis messages through first: while one is being sent, the others wait.
#[derive(Default)]
pub(super) struct Gate {
    urgent: AtomicUsize,
    sending: AtomicUsize,
    free: Notify,
}

struct Counted<'g>(&'g AtomicUsize, Option<&'g Notify>);

impl<'g> Counted<'g> {
    fn new(count: &'g AtomicUsize, tell: Option<&'g Notify>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Counted(count, tell)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if self.0.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(tell) = self.1
        {
            tell.notify_waiters();
        }
    }
}

impl Gate {
    /// Whether anything is being sent.
    pub(super) fn is_sending(&self) -> bool {
        self.sending.load(Ordering::Acquire) > 0
    }

    async fn pass(&self) {
        loop {
            let free = self.free.notified();
            tokio::pin!(free);
            // Registered before looking, so that what happens in between isn't missed.
            free.as_mut().enable();
            if self.urgent.load(Ordering::Acquire) == 0 {
                return;
            }
            free.await;
        }
    }
}

/// Sends a message under a name that the server takes once. Gives its id where the server has it.
pub(super) async fn message(
    room: &Room,
    content: Value,
    name: &str,
    urgent: bool,
    gate: &Gate,
) -> (Sent, Option<String>) {
    let _sending = Counted::new(&gate.sending, None);
    let _first = urgent.then(|| Counted::new(&gate.urgent, Some(&gate.free)));
    let name: OwnedTransactionId = name.into();
    let end = Instant::now() + if urgent { LONGEST_URGENT } else { LONGEST };
    let (mut pause, mut others) = (PAUSE, 0);
    loop {
        if !urgent {
            gate.pass().await;
        }
        let config = RequestConfig::new().timeout(PATIENCE).disable_retry();
        let sent = room
            .send_raw("m.room.message", content.clone())
            .with_transaction_id(&name)
            .with_request_config(config)
            .await;
        let error = match sent {
            Ok(sent) => return (Sent::Done, Some(sent.response.event_id.to_string())),
            Err(error) => error,
        };
        if room.state() != RoomState::Joined {
            return (Sent::Refused, None);
        }
        let wait = match fate(&error) {
            Fate::Never => return (Sent::Refused, None),
            Fate::Again(Some(after)) => after.min(LONGEST_PAUSE),
            Fate::Again(None) => pause,
            Fate::Few => {
                others += 1;
                if others > OTHER_FAILURES {
                    return (Sent::GivenUp, None);
                }
                pause
            }
        };
        if Instant::now() + wait > end {
            return (Sent::GivenUp, None);
        }
        tokio::time::sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Bot {
    /// Puts a reaction to tap under messages with choices. Each costs as much of a rate limit, and of the server's
    /// time, as a message: so whoever waits for words is served first, and at the first sign that it is too much there
    /// are none for a while. Nothing is lost with them.
    pub(super) async fn react(&self, mut waiting: mpsc::Receiver<(Room, String, usize)>) {
        let mut rest_until = Instant::now();
        while let Some((room, event, count)) = waiting.recv().await {
            if !self.config.reactions {
                continue;
            }
            for at in 0..count.min(render::MOST_REACTIONS) {
                let Some(key) = render::keycap(at).filter(|_| Instant::now() >= rest_until) else { break };
                let _ = tokio::time::timeout(LET_WORDS_PASS, self.desk.idle()).await;
                let name: OwnedTransactionId = format!("t.{event}.{at}").into();
                let config = RequestConfig::new().timeout(PATIENCE).disable_retry();
                let sent = room
                    .send_raw("m.reaction", talk::reaction(&event, &key))
                    .with_transaction_id(&name)
                    .with_request_config(config)
                    .await;
                if let Err(error) = sent
                    && matches!(fate(&error), Fate::Again(_))
                {
                    rest_until = Instant::now() + REACTIONS_REST;
                }
            }
        }
    }
}
