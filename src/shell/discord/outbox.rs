//! What the bot sends: in order for each channel and each interaction, at most as fast as Discord allows, and crisis
//! replies before anything else that waits.
//!
//! serenity names the routes and builds the requests. Its rate limiter is left out: it lets nothing overtake what
//! waits, keeps an entry for every interaction for ever, and can't be pointed at a test server.
//!
//! Source: github.com/discord/discord-api-docs, "Rate Limits", "Receiving and Responding".

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use serenity::builder::CreateAttachment;
use serenity::http::{LightMethod, Multipart, MultipartUpload, Request, Route};
use serenity::model::id::{ApplicationId, ChannelId, InteractionId, MessageId};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::wire::Id;
use crate::shell::telemetry::{Sort, Watched, note};

/// How many letters may wait; what is urgent is always taken.
const MOST_WAITING: usize = 10_000;
/// How many letters that are not urgent may be on their way at once.
const MOST_UNDER_WAY: usize = 32;
/// How far one letter that is not urgent is from the next: 40 a second, of the 50 that Discord allows.
const PACE: Duration = Duration::from_millis(25);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How often a letter is tried again after a failure of the network or of Discord.
const TRIES: u32 = 4;
/// How often one that is urgent is tried: over about a minute.
const URGENT_TRIES: u32 = 8;
/// How often a letter waits for a rate limit before it is given up.
const MOST_LIMITS: u32 = 20;
/// How many quiet lanes are remembered before those whose limits have passed are let go.
const MOST_QUIET: usize = 4_096;
/// Discord's answer where the first reply to an interaction has not reached it yet.
const UNKNOWN_WEBHOOK: i64 = 10015;
/// Discord's answer to a second first reply.
const ALREADY_ACKNOWLEDGED: i64 = 40060;

/// A file that goes along.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// An interaction that is being answered.
pub struct Answering {
    id: Id,
    token: String,
    state: tokio::sync::Mutex<State>,
}

/// How far an interaction has been answered.
enum State {
    /// Not yet; over HTTP the first answer goes back on the request that asked.
    Open(Option<oneshot::Sender<Value>>),
    /// Discord was asked to wait: the next answer takes the place of "is thinking".
    Deferred,
    /// Once or more.
    Answered,
}

impl Answering {
    /// An interaction that nobody has answered. `inline` takes the first answer where it came over HTTP.
    pub fn new(id: Id, token: String, inline: Option<oneshot::Sender<Value>>) -> Arc<Self> {
        Arc::new(Answering { id, token, state: tokio::sync::Mutex::new(State::Open(inline)) })
    }
}

/// Where a letter goes.
#[derive(Clone)]
pub enum To {
    /// To a channel.
    Channel(Id),
    /// To somebody, in private.
    Person(Id),
    /// Back to who used a command or a button.
    Interaction(Arc<Answering>),
}

/// What is done there.
pub enum What {
    /// A message is written.
    Message(Value, Option<File>),
    /// A message of the bot is changed.
    Edit(Id, Value),
    /// A message is pinned.
    Pin(Id),
    /// The first answer to an interaction, of this type.
    Callback(u8, Value),
    /// Discord is asked to wait, unless there was an answer by now.
    Defer,
}

/// Why a letter was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status; 0 where there was no answer.
    pub status: u16,
    /// Discord's own code; 0 where there was none.
    pub code: i64,
}

/// What is done with a letter's outcome: the message's id, or why there is none.
pub type Then = Box<dyn FnOnce(Result<Option<Id>, Refused>) + Send + Sync>;

/// One thing to be sent.
pub struct Letter {
    /// What it is.
    pub what: What,
    /// As what it is counted; crisis replies and alerts go first.
    pub sort: Sort,
    /// Since when somebody waits for it.
    pub watched: Watched,
    /// What comes after.
    pub then: Option<Then>,
}

impl Letter {
    fn is_urgent(&self) -> bool {
        matches!(self.sort, Sort::crisis | Sort::public_crisis | Sort::alert)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum LaneId {
    Channel(Id),
    Person(Id),
    Interaction(Id),
}

impl To {
    fn lane(&self) -> LaneId {
        match self {
            To::Channel(id) => LaneId::Channel(*id),
            To::Person(id) => LaneId::Person(*id),
            To::Interaction(answering) => LaneId::Interaction(answering.id),
        }
    }
}

/// What waits for one place, and what Discord allows there.
struct Lane {
    to: To,
    urgent: VecDeque<Letter>,
    usual: VecDeque<Letter>,
    running: bool,
    /// How many more may be sent until `resets`; unknown before the first answer.
    left: Option<(u32, u32)>,
    resets: Instant,
}

impl Lane {
    /// Until when the next letter has to wait. The last one that a limit allows is kept for a crisis.
    fn wait(&self) -> Option<Instant> {
        let (left, limit) = self.left?;
        let kept = u32::from(self.urgent.is_empty() && limit > 1);
        (left <= kept && self.resets > Instant::now()).then_some(self.resets)
    }

    fn next(&mut self) -> Option<Letter> {
        self.urgent.pop_front().or_else(|| self.usual.pop_front())
    }
}

/// Sends what it is given.
pub struct Outbox {
    client: reqwest::Client,
    authorization: String,
    api: Option<String>,
    application: ApplicationId,
    runtime: Handle,
    lanes: Mutex<HashMap<LaneId, Lane>>,
    waiting: AtomicUsize,
    under_way: Semaphore,
    pace: tokio::sync::Mutex<Instant>,
    /// Until when nothing at all may be sent.
    paused: Mutex<Instant>,
}

/// How something is asked.
#[derive(Clone, Copy, Default)]
struct Patience {
    /// It is tried for longer, and goes first.
    urgent: bool,
    /// It answers an interaction: no limit over everything holds it back, and nobody waits for it for long.
    interaction: bool,
}

impl Patience {
    const INTERACTION: Patience = Patience { urgent: false, interaction: true };
}

/// An answer of Discord.
struct Answer {
    status: u16,
    body: Value,
    left: Option<(u32, u32)>,
    resets: Duration,
    /// How long to wait, for an answer that says so, and whether for everything.
    retry: Option<(Duration, bool)>,
}

impl Outbox {
    /// An outbox for an application. `api` stands in for `https://discord.com`.
    pub fn new(
        client: reqwest::Client,
        token: &str,
        api: Option<String>,
        application: Id,
        runtime: Handle,
    ) -> Arc<Self> {
        Arc::new(Outbox {
            client,
            authorization: format!("Bot {token}"),
            api,
            application: ApplicationId::new(application.0.max(1)),
            runtime,
            lanes: Mutex::default(),
            waiting: AtomicUsize::new(0),
            under_way: Semaphore::new(MOST_UNDER_WAY),
            pace: tokio::sync::Mutex::new(Instant::now()),
            paused: Mutex::new(Instant::now()),
        })
    }

    /// Takes a letter. It never waits.
    pub fn send(self: &Arc<Self>, to: &To, letter: Letter) {
        let urgent = letter.is_urgent();
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= MOST_WAITING && !urgent {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return finish(letter, Err(Refused { status: 0, code: 0 }));
        }
        let id = to.lane();
        let mut lanes = self.lanes();
        if lanes.len() > MOST_QUIET {
            let now = Instant::now();
            lanes.retain(|_, lane| lane.running || lane.resets > now);
        }
        let lane = lanes.entry(id).or_insert_with(|| Lane {
            to: to.clone(),
            urgent: VecDeque::new(),
            usual: VecDeque::new(),
            running: false,
            left: None,
            resets: Instant::now(),
        });
        if urgent { &mut lane.urgent } else { &mut lane.usual }.push_back(letter);
        if !std::mem::replace(&mut lane.running, true) {
            drop(lanes);
            let outbox = self.clone();
            self.runtime.spawn(async move { outbox.empty(id).await });
        }
    }

    /// The runtime that it sends on.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// How many letters wait or are on their way.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// Waits until everything is sent, at most so long. Says whether it was.
    pub async fn flush(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        while self.waiting() > 0 {
            if Instant::now() >= until {
                return false;
            }
            sleep(Duration::from_millis(10)).await;
        }
        true
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<LaneId, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what waits in a lane until nothing does.
    async fn empty(self: Arc<Self>, id: LaneId) {
        loop {
            let wait = self.lanes().get(&id).and_then(Lane::wait);
            if let Some(until) = wait {
                // In short steps: a crisis that comes meanwhile may go at once.
                sleep_until(until.min(Instant::now() + Duration::from_millis(50))).await;
                continue;
            }
            let (to, letter) = {
                let mut lanes = self.lanes();
                let Some(lane) = lanes.get_mut(&id) else { return };
                match lane.next() {
                    Some(letter) => (lane.to.clone(), letter),
                    None => {
                        lane.running = false;
                        if lane.left.is_none() {
                            lanes.remove(&id);
                        }
                        return;
                    }
                }
            };
            let outcome = self.deliver(&to, &letter, id).await;
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            finish(letter, outcome);
        }
    }

    /// Sends one letter, waiting and trying again as it must.
    async fn deliver(&self, to: &To, letter: &Letter, lane: LaneId) -> Result<Option<Id>, Refused> {
        let urgent = letter.is_urgent();
        let _slot = if urgent { None } else { self.under_way.acquire().await.ok() };
        if !urgent && !matches!(to, To::Interaction(_)) {
            self.keep_pace().await;
        }
        let channel = match to {
            To::Person(person) => Some(self.open(*person, urgent).await?),
            To::Channel(id) => Some(*id),
            To::Interaction(_) => None,
        };
        match (to, channel) {
            (To::Interaction(answering), _) => self.answer(answering, &letter.what, lane).await,
            (_, Some(channel)) => {
                let channel = ChannelId::new(channel.0.max(1));
                let (route, method, body, file) = match &letter.what {
                    What::Message(body, file) => (
                        Route::ChannelMessages { channel_id: channel },
                        LightMethod::Post,
                        Some(body),
                        file.as_ref(),
                    ),
                    What::Edit(message, body) => {
                        let message_id = MessageId::new(message.0.max(1));
                        let route = Route::ChannelMessage { channel_id: channel, message_id };
                        (route, LightMethod::Patch, Some(body), None)
                    }
                    What::Pin(message) => {
                        let message_id = MessageId::new(message.0.max(1));
                        let route = Route::ChannelPin { channel_id: channel, message_id };
                        (route, LightMethod::Put, None, None)
                    }
                    // These belong to interactions.
                    What::Callback(..) | What::Defer => return Ok(None),
                };
                let patience = Patience { urgent, ..Patience::default() };
                let answer = self.ask(route, method, body, file, Some(lane), patience).await?;
                Ok(message_id(&answer))
            }
            _ => Ok(None),
        }
    }

    /// Answers an interaction: first by its callback, later by following up.
    async fn answer(&self, answering: &Answering, what: &What, lane: LaneId) -> Result<Option<Id>, Refused> {
        let mut state = answering.state.lock().await;
        let application_id = self.application;
        let token = answering.token.as_str();
        let callback = |kind: u8, data: &Value| {
            if data.is_null() { json!({"type": kind}) } else { json!({"type": kind, "data": data}) }
        };
        let (kind, data, file) = match (&mut *state, what) {
            (State::Open(_), What::Message(body, file)) => (4, body.clone(), file.as_ref()),
            (State::Open(_), What::Callback(kind, data)) => (*kind, data.clone(), None),
            (State::Open(_), What::Defer) => (5, json!({"flags": 64}), None),
            (_, What::Defer | What::Edit(..) | What::Pin(_)) => return Ok(None),
            (State::Deferred, What::Message(body, _) | What::Callback(_, body)) => {
                let file = if let What::Message(_, file) = what { file.as_ref() } else { None };
                *state = State::Answered;
                let route = Route::WebhookOriginalInteractionResponse { application_id, token };
                let mut body = body.clone();
                if let Some(body) = body.as_object_mut() {
                    // Whether it is private was settled when Discord was asked to wait, and it can't stay empty.
                    body.remove("flags");
                    body.entry("content").or_insert_with(|| "…".into());
                }
                return self.follow(route, LightMethod::Patch, &body, file, lane).await;
            }
            (_, What::Message(body, file)) => {
                let route = Route::WebhookFollowupMessages { application_id, token };
                return self.follow(route, LightMethod::Post, body, file.as_ref(), lane).await;
            }
            (_, What::Callback(..)) => return Ok(None),
        };
        let before =
            std::mem::replace(&mut *state, if kind == 5 { State::Deferred } else { State::Answered });
        let mut body = callback(kind, &data);
        if let State::Open(Some(inline)) = before {
            // The request that asked can't carry a file: it follows.
            if inline.send(body.take()).is_err() {
                return Err(Refused { status: 0, code: 0 });
            }
            if let Some(file) = file {
                let route = Route::WebhookFollowupMessages { application_id, token };
                let body = json!({"flags": 64, "allowed_mentions": {"parse": []}});
                return self.follow(route, LightMethod::Post, &body, Some(file), lane).await;
            }
            return Ok(None);
        }
        let interaction_id = InteractionId::new(answering.id.0.max(1));
        let route = Route::InteractionResponse { interaction_id, token };
        match self.ask(route, LightMethod::Post, Some(&body), file, None, Patience::INTERACTION).await {
            // The answer before this try had arrived after all.
            Err(Refused { code: ALREADY_ACKNOWLEDGED, .. }) => Ok(None),
            other => other.map(|_| None),
        }
    }

    /// Writes or changes a message of an interaction.
    async fn follow(
        &self,
        route: Route<'_>,
        method: LightMethod,
        body: &Value,
        file: Option<&File>,
        lane: LaneId,
    ) -> Result<Option<Id>, Refused> {
        let mut early = 0;
        loop {
            let asked = self.ask(route, method, Some(body), file, Some(lane), Patience::INTERACTION).await;
            match asked {
                // The first answer went back on the request that asked, and Discord has not read it yet.
                Err(Refused { code: UNKNOWN_WEBHOOK, .. }) if early < TRIES => early += 1,
                answer => return answer.map(|answer| message_id(&answer)),
            }
            sleep(Duration::from_millis(100 << early)).await;
        }
    }

    /// The channel for talking with somebody in private.
    async fn open(&self, person: Id, urgent: bool) -> Result<Id, Refused> {
        let body = json!({"recipient_id": person});
        let patience = Patience { urgent, ..Patience::default() };
        let answer =
            self.ask(Route::UserMeDmChannels, LightMethod::Post, Some(&body), None, None, patience).await?;
        message_id(&answer).ok_or(Refused { status: 0, code: 0 })
    }

    async fn keep_pace(&self) {
        let mut next = self.pace.lock().await;
        let at = (*next).max(Instant::now());
        *next = at + PACE;
        drop(next);
        sleep_until(at).await;
    }

    /// Asks Discord something.
    ///
    /// # Errors
    ///
    /// Where it refuses, or does not answer after several tries.
    pub async fn request(
        &self,
        route: Route<'_>,
        method: LightMethod,
        body: Option<&Value>,
    ) -> Result<Value, Refused> {
        self.ask(route, method, body, None, None, Patience::default()).await
    }

    /// The contents of a file that somebody uploaded, at most `most` bytes of it.
    ///
    /// # Errors
    ///
    /// Where it can't be had, or is longer.
    pub async fn download(&self, url: &str, most: usize) -> Result<Vec<u8>, Refused> {
        let failed = Refused { status: 0, code: 0 };
        let fetch = async {
            let mut answer = self.client.get(url).send().await.ok()?;
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await.ok()? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > most {
                    return None;
                }
            }
            answer.status().is_success().then_some(bytes)
        };
        timeout(ATTEMPT, fetch).await.ok().flatten().ok_or(failed)
    }

    async fn ask(
        &self,
        route: Route<'_>,
        method: LightMethod,
        body: Option<&Value>,
        file: Option<&File>,
        lane: Option<LaneId>,
        patience: Patience,
    ) -> Result<Value, Refused> {
        let (mut tries, mut limits) = (0, 0);
        loop {
            // Answers to interactions are outside the limit over everything.
            if !patience.interaction {
                let paused = *self.paused.lock().unwrap_or_else(PoisonError::into_inner);
                // When all may go on, what is urgent goes first.
                let behind =
                    if patience.urgent || paused < Instant::now() { Duration::ZERO } else { PACE * 4 };
                sleep_until(paused + behind).await;
            }
            let answer = self.attempt(route, method, body, file).await;
            let refused = match answer {
                Some(answer) => {
                    self.note_limits(lane, &answer);
                    if (200..300).contains(&answer.status) {
                        return Ok(answer.body);
                    }
                    if let Some((after, all)) = answer.retry {
                        limits += 1;
                        if limits > MOST_LIMITS {
                            return Err(Refused { status: answer.status, code: 0 });
                        }
                        let until = Instant::now() + after;
                        if all {
                            *self.paused.lock().unwrap_or_else(PoisonError::into_inner) = until;
                        }
                        sleep_until(until).await;
                        continue;
                    }
                    Refused { status: answer.status, code: answer.body["code"].as_i64().unwrap_or(0) }
                }
                None => Refused { status: 0, code: 0 },
            };
            tries += 1;
            if (refused.status != 0 && refused.status < 500)
                || tries >= if patience.urgent { URGENT_TRIES } else { TRIES }
            {
                return Err(refused);
            }
            sleep(Duration::from_millis(250 << tries)).await;
        }
    }

    async fn attempt(
        &self,
        route: Route<'_>,
        method: LightMethod,
        body: Option<&Value>,
        file: Option<&File>,
    ) -> Option<Answer> {
        let mut request = Request::new(route, method);
        let body = body.map(Value::to_string);
        request = match file {
            Some(file) => request.multipart(Some(Multipart {
                upload: MultipartUpload::Attachments(vec![CreateAttachment::bytes(
                    file.text.clone().into_bytes(),
                    file.name.clone(),
                )]),
                fields: Vec::new(),
                payload_json: body,
            })),
            None => request.body(body.map(String::into_bytes)),
        };
        let request = request.build(&self.client, &self.authorization, self.api.as_deref()).ok()?;
        let answer = timeout(ATTEMPT, request.send()).await.ok()?.ok()?;
        let status = answer.status().as_u16();
        let header =
            |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let number = |name: &str| header(name).and_then(|value| value.parse::<f64>().ok());
        let left = number("x-ratelimit-remaining").zip(number("x-ratelimit-limit"));
        let resets = number("x-ratelimit-reset-after").unwrap_or(0.0);
        let after = number("retry-after");
        let all = header("x-ratelimit-global").is_some();
        let text = timeout(ATTEMPT, answer.text()).await.ok()?.ok()?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let after = body["retry_after"].as_f64().or(after).unwrap_or(1.0);
        Some(Answer {
            status,
            left: left.map(|(left, limit)| (left.max(0.0) as u32, limit.max(0.0) as u32)),
            resets: seconds(resets),
            retry: (status == 429).then(|| (seconds(after), all || body["global"] == true)),
            body,
        })
    }

    fn note_limits(&self, lane: Option<LaneId>, answer: &Answer) {
        let (Some(id), Some(left)) = (lane, answer.left) else { return };
        if let Some(lane) = self.lanes().get_mut(&id) {
            lane.left = Some(left);
            lane.resets = Instant::now() + answer.resets;
        }
    }
}

/// A number of seconds as Discord says it, within reason.
fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number.clamp(0.0, 3_600.0)).unwrap_or_default()
}

fn message_id(answer: &Value) -> Option<Id> {
    answer["id"].as_str().and_then(Id::parse)
}

fn finish(letter: Letter, outcome: Result<Option<Id>, Refused>) {
    match outcome {
        Ok(_) => letter.watched.replied(letter.sort),
        Err(refused) => {
            letter.watched.failed(letter.sort);
            note("send-refused", &[("status", &refused.status), ("code", &refused.code)]);
        }
    }
    if let Some(then) = letter.then {
        then(outcome);
    }
}
