//! The loop that asks the server what is new, and reads rooms back to where they are certainly done.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use matrix_sdk::config::SyncSettings;
use matrix_sdk::deserialized_responses::TimelineEvent;
use matrix_sdk::room::MessagesOptions;
use matrix_sdk::ruma::UserId;
use matrix_sdk::ruma::api::client::device::Device;
use matrix_sdk::ruma::api::client::filter::{FilterDefinition, LazyLoadOptions, RoomFilter};
use matrix_sdk::ruma::api::client::sync::sync_events::v3::Filter;
use matrix_sdk::ruma::api::error::ErrorKind;
use matrix_sdk::ruma::presence::PresenceState;
use matrix_sdk::sync::SyncResponse;
use matrix_sdk::{Client, Room, RoomState};

use super::hear::{self, Heard, What};
use super::session::{self, Credentials, Files};
use super::talk::{self, Bot};
use super::{Log, MatrixError};
use crate::shell::clock;
use crate::shell::config::MatrixConfig;

/// How long the server may hold a request back until something is new.
const HOLD: Duration = Duration::from_secs(30);
/// How long at most the server isn't asked for more while what came is being answered.
const BREATH: Duration = Duration::from_millis(100);
/// How long a server takes to hand a reply on to the person's client.
const HAND_ON: Duration = Duration::from_millis(5);
/// The longest pause before a server that doesn't answer is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How many events of a room a sync brings at most; where there are more, the room is read back.
const TIMELINE: u32 = 50;
/// How many events are asked for at once when a room is read back.
const PAGE: u32 = 100;
/// How many events of a room are read back at most.
const FARTHEST: usize = 1_000;
/// How far back, in milliseconds, a room is read whose mark is gone from it.
const DAY: u64 = 86_400_000;
/// After how long everybody is served though some rooms aren't read back yet.
const LONGEST_CATCH_UP: Duration = Duration::from_secs(60);
/// Another device that was seen within so many milliseconds may be in use.
const TWIN: u64 = 10 * 60 * 1_000;
/// By how many seconds the clocks of this machine and of the homeserver may differ without anybody being told.
const MOST_SKEW: u64 = 120;
/// How often what isn't urgent is written down.
const FLUSH: Duration = Duration::from_secs(30);

/// Signs in, and waits for a server that isn't there yet.
pub(super) async fn patiently(
    config: &MatrixConfig,
    credentials: &Credentials,
    files: &Files,
    log: &Log,
) -> Result<Client, MatrixError> {
    let mut pause = Duration::from_secs(1);
    loop {
        match session::sign_in(config, credentials, files).await {
            Ok(client) => return Ok(client),
            Err(error) if error.may_pass() => {
                log.say(&format!("{error}; trying again in {} s", pause.as_secs()));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

/// What of all that is new the server is asked for.
fn wanted(own: Option<&UserId>) -> FilterDefinition {
    let mut room = RoomFilter::default();
    room.timeline.limit = Some(TIMELINE.into());
    // What Lantern itself said would wake this request with each reply, and cost the server as much as a person's words.
    room.timeline.not_senders = own.map(ToOwned::to_owned).into_iter().collect();
    room.state.lazy_load_options = LazyLoadOptions::Enabled { include_redundant_members: false };
    // Who types and who has read what is nobody's business here.
    room.ephemeral.not_types = vec!["*".to_owned()];
    let mut filter = FilterDefinition::default();
    filter.room = room;
    filter.presence.not_types = vec!["*".to_owned()];
    filter
}

fn settings(hold: Duration, filter: Filter) -> SyncSettings {
    // Lantern never looks as if somebody were there.
    SyncSettings::new().timeout(hold).filter(filter).set_presence(PresenceState::Offline)
}

impl Bot {
    /// Asks the server what is new until the session ends.
    pub(super) async fn sync(self: &Arc<Self>, credentials: &Credentials, files: &Files) -> MatrixError {
        // What the server already has comes at once; only then does it pay to wait.
        let mut hold = Duration::ZERO;
        let mut first = true;
        let mut pause = Duration::from_millis(500);
        let mut lost = false;
        // Once the server knows what is wanted by a name, it need not read and check that with each request.
        let wanted = wanted(self.client.user_id());
        let spelt_out = || Filter::FilterDefinition(wanted.clone());
        let (mut filter, mut by_name) = (spelt_out(), true);
        let mut flushed = tokio::time::Instant::now();
        loop {
            match self.client.sync_once(settings(hold, filter.clone())).await {
                Ok(response) => {
                    if lost {
                        self.log.say("the homeserver is back");
                        lost = false;
                    }
                    if std::mem::take(&mut first) {
                        self.log.say("answering");
                        self.telemetry.set_ready(true);
                        self.warn_of_twins();
                        self.compare_clocks();
                        self.catch_up();
                    }
                    if hold.is_zero() && by_name {
                        filter = self.name_filter(&wanted).await.map_or_else(spelt_out, Filter::FilterId);
                    }
                    hold = HOLD;
                    pause = Duration::from_millis(500);
                    self.receive(response).await;
                    // A server that works on the next request takes longer over the replies, and over handing them on.
                    if !self.desk.is_idle() {
                        let _ = tokio::time::timeout(BREATH, self.desk.idle()).await;
                        tokio::time::sleep(HAND_ON).await;
                    }
                }
                Err(error) => {
                    if let Some(ErrorKind::UnknownToken(data)) = error.client_api_error_kind() {
                        let again = credentials.password.is_some() && data.soft_logout;
                        if !again {
                            return files.ended(credentials, data.soft_logout);
                        }
                        self.log.say("the server wants the password again");
                        match session::log_in_again(&self.config, &self.client, credentials, files).await {
                            Ok(_) => return MatrixError::BeginAgain,
                            Err(error) if error.may_pass() => {}
                            Err(error) => return error,
                        }
                    } else if error.client_api_error_kind() == Some(&ErrorKind::NotFound) {
                        // A server that was set up anew has forgotten the name.
                        (filter, by_name) = (spelt_out(), false);
                    } else if !std::mem::replace(&mut lost, true) {
                        self.telemetry.reconnects.inc();
                        let why = MatrixError::server(&self.config.homeserver, &error);
                        self.log.say(&format!("{why}; trying again until it is back"));
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    hold = Duration::ZERO;
                }
            }
            if flushed.elapsed() >= FLUSH {
                flushed = tokio::time::Instant::now();
                let bot = Arc::clone(self);
                tokio::spawn(async move { bot.ledger.flush().await });
            }
        }
    }

    /// The name by which the server knows what is wanted. None where it can't be told now.
    async fn name_filter(&self, wanted: &FilterDefinition) -> Option<String> {
        // The name under which it is kept here changes with what is wanted.
        let mut hasher = DefaultHasher::new();
        serde_json::to_string(wanted).ok()?.hash(&mut hasher);
        let kept_as = format!("lantern.{:016x}", hasher.finish());
        let named = self.client.get_or_upload_filter(&kept_as, wanted.clone());
        tokio::time::timeout(Duration::from_secs(5), named).await.ok()?.ok()
    }

    /// Two devices of one account both answer. Another that was seen just now may be a Lantern that somebody forgot.
    fn warn_of_twins(self: &Arc<Self>) {
        let bot = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(answer) = bot.client.devices().await else { return };
            let now = clock::now().saturating_mul(1_000);
            let is_twin = |device: &Device| {
                Some(&*device.device_id) != bot.client.device_id()
                    && device.display_name.as_deref() == Some(session::DEVICE_NAME)
                    && device.last_seen_ts.is_some_and(|seen| u64::from(seen.0).saturating_add(TWIN) > now)
            };
            if answer.devices.iter().any(is_twin) {
                bot.log.say(
                    "another Lantern was signed in to this account just now: if both run, people are answered twice",
                );
            }
        });
    }

    /// A clock that is wrong makes answers look late, or old messages new, and certificates invalid: it is told of.
    fn compare_clocks(self: &Arc<Self>) {
        let bot = Arc::clone(self);
        tokio::spawn(async move {
            let Some(theirs) = session::servers_clock(&bot.client).await else { return };
            let ours = clock::now();
            bot.ahead.store(
                i64::try_from(ours).unwrap_or(0) - i64::try_from(theirs).unwrap_or(0),
                Ordering::Relaxed,
            );
            if ours.abs_diff(theirs) > MOST_SKEW {
                let minutes = ours.abs_diff(theirs).div_ceil(60);
                let way = if ours > theirs { "ahead of" } else { "behind" };
                bot.log.say(&format!(
                    "this machine's clock is {minutes} minutes {way} the homeserver's: please set whichever is wrong \
                     (such as by `timedatectl set-ntp true`), or sessions expire too early or too late"
                ));
            }
        });
    }

    /// What time it is by the homeserver, in milliseconds since 1970, as far as is known.
    pub(super) fn servers_now(&self) -> u64 {
        clock::now().saturating_add_signed(-self.ahead.load(Ordering::Relaxed)).saturating_mul(1_000)
    }

    /// Reads every room back to its mark. Those in danger are answered as they are found; the others
    /// when all are found.
    fn catch_up(self: &Arc<Self>) {
        let rooms: Vec<_> =
            self.client.joined_rooms().into_iter().filter_map(|room| self.see(room)).collect();
        let bot = Arc::clone(self);
        tokio::spawn(async move {
            let all = async {
                for room in rooms {
                    // A room that failed has been told of where that happened.
                    let _ = room.await;
                }
            };
            let _ = tokio::time::timeout(LONGEST_CATCH_UP, all).await;
            bot.desk.open();
            bot.look_at_sealed();
        });
    }

    async fn receive(self: &Arc<Self>, response: SyncResponse) {
        for (id, update) in &response.rooms.joined {
            let Some(room) = self.client.get_room(id) else { continue };
            let fresh = self.ledger.kept(id).await.mark.is_none();
            if update.timeline.limited || fresh {
                self.see(room);
            } else if !self.is_behind(id.as_str()) {
                self.hear(&room, &update.timeline.events).await;
            }
        }
        for id in response.rooms.left.keys() {
            self.clear(id).await;
        }
        if !response.rooms.invited.is_empty() {
            self.answer_invitations();
        }
        if !response.to_device.is_empty() {
            self.look_at_sealed();
        }
    }

    /// Whether a room is being read back. If so, it is read once more after that.
    fn is_behind(&self, room: &str) -> bool {
        self.behind().get_mut(room).map(|again| *again = true).is_some()
    }

    /// Reads a room back to its mark, in a task of its own. None where that is under way.
    pub(super) fn see(self: &Arc<Self>, room: Room) -> Option<tokio::task::JoinHandle<()>> {
        let id = room.room_id().to_string();
        if self.is_behind(&id) {
            return None;
        }
        self.behind().insert(id.clone(), false);
        let bot = Arc::clone(self);
        Some(tokio::spawn(async move {
            let mut pause = Duration::from_secs(1);
            loop {
                let read = {
                    let _turn = bot.readers.acquire().await;
                    bot.read_back(&room).await
                };
                match read {
                    Ok(()) => {
                        let mut behind = bot.behind();
                        if !behind.insert(id.clone(), false).unwrap_or(false) {
                            behind.remove(&id);
                            break;
                        }
                    }
                    // One room that can't be read stops no other.
                    Err(error) => {
                        let gone = talk::is_refused(&error)
                            || room.state() != RoomState::Joined
                            || bot.ended.load(Ordering::Relaxed);
                        if gone {
                            bot.behind().remove(&id);
                            break;
                        }
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
            if bot.greet().remove(&id) {
                bot.welcome(&room).await;
            }
        }))
    }

    async fn read_back(self: &Arc<Self>, room: &Room) -> matrix_sdk::Result<()> {
        let kept = self.ledger.kept(room.room_id()).await;
        let now = self.servers_now();
        let mut found: Vec<TimelineEvent> = Vec::new();
        let mut answered = HashSet::new();
        let mut from: Option<String> = None;
        'pages: loop {
            let mut options = MessagesOptions::backward();
            options.limit = PAGE.into();
            options.from = from.take();
            let page = room.messages(options).await?;
            let last = page.chunk.is_empty();
            for event in page.chunk {
                let Some(heard) = hear::read(event.raw().json().get()) else { continue };
                let is_mark = kept.mark.as_deref() == Some(&heard.id);
                // A mark can vanish from a room: its day is the second sign.
                let is_older = heard.at.saturating_add(DAY) < if kept.at == 0 { now } else { kept.at };
                if is_mark || is_older || self.is_before_us(&heard, kept.mark.is_some()) {
                    break 'pages;
                }
                answered.extend(heard.sent_as.as_deref().and_then(talk::answered_by));
                found.push(event);
                if found.len() >= FARTHEST {
                    break 'pages;
                }
            }
            from = page.end;
            if from.is_none() || last {
                break;
            }
        }
        found.reverse();
        for event in &answered {
            // Its answer is in the room already: the server took it before the program ended.
            self.ledger.answered(room.room_id(), event).await;
        }
        self.hear(room, &found).await;
        Ok(())
    }

    /// Whether what lies before this event was never meant for Lantern: it came from elsewhere, or Lantern wasn't even
    /// invited. What was written between the invitation and the moment of joining is meant for it.
    fn is_before_us(&self, heard: &Heard, marked: bool) -> bool {
        match &heard.what {
            What::Member { whom, now, before } if *whom == self.own => match now.as_str() {
                "join" => !matches!(before.as_deref(), Some("invite" | "join")),
                _ => true,
            },
            _ => !marked && heard.sender == self.own && heard.sent_as.is_none(),
        }
    }
}
