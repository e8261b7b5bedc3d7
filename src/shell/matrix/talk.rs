//! Taking what waits from the desk, asking the service, and saying what it says, each thing once.
//!
//! Every message goes out under a name made of the event that it answers, and the server takes a name once. So an
//! answer that is sent again, because the program ended before it knew that the first had arrived, isn't seen twice.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use matrix_sdk::attachment::AttachmentConfig;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::deserialized_responses::TimelineEvent;
use matrix_sdk::ruma::events::room::history_visibility::HistoryVisibility;
use matrix_sdk::ruma::{EventId, RoomId};
use matrix_sdk::{Client, Room, RoomState};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::alerts::{Card, TAKEN};
use super::desk::{Desk, Job};
use super::hear::{self, Asked, Heard, What};
use super::ledger::Ledger;
use super::moderators;
use super::render::{self, Manner};
use super::rooms::Doorkeeper;
use super::send::{self, Gate, Sent};
use super::session::{Credentials, Files};
use super::{Log, MatrixError, crypto};
use crate::engine::{self, Kind, Reply, Tone};
use crate::safety::resource::Country;
use crate::safety::{Level, reply};
use crate::script::{Block, ChoiceId};
use crate::shell::admin;
use crate::shell::community::Community;
use crate::shell::config::MatrixConfig;
use crate::shell::telemetry::{Sort, Telemetry};
use crate::shell::{Address, Incoming, Outcome, Service, clock};
use crate::wording::Command;

/// The name of this platform in keys.
pub const PLATFORM: &str = "matrix";
/// How many messages are answered at the same time, and as many crisis messages beside them.
const HANDS: usize = 8;
/// How many rooms are read back at the same time.
const READERS: usize = 8;
/// An answer after so many milliseconds is late, and says so.
const LATE: u64 = 10 * 60 * 1_000;
/// How long the key of an encrypted message is waited for before the person is told.
const KEY_GRACE: Duration = Duration::from_secs(4);
/// Within this time a person is told once that they can't be read.
const TOLD_ONCE: Duration = Duration::from_secs(60);
/// For how long a public crisis reply makes the next one to the same person shorter.
const STANDS: Duration = Duration::from_secs(10 * 60);
/// How many messages with choices, and threads, are remembered. Others are looked up on the server.
const REMEMBERED: usize = 10_000;
/// How long what is under way may still take at the end.
const FAREWELL: Duration = Duration::from_secs(5);

const SEALED: &str = "I couldn't read that: your message is encrypted, and I don't have its key. I have asked for it. \
                      You can also write it again.";
const NOT_TEXT: &str =
    "I can only read typed words, not pictures, recordings or files. Please type what you'd like to say.";
const DANGER: &str = "If you are in danger now, call ";
const DANGER_ANYWHERE: &str = "If you are in danger now, call your local emergency number. In the whole EU and in many other countries that is ";
const ROOM_GREETING: &str = "Hello. I'm Lantern, an automated guide. In this room I read only messages that begin with !lantern, \
                             call me by name, or stand in a thread that began so, and everybody here can read \
                             them and my answers. For a conversation of your own, invite me to a direct room. \
                             !lantern help shows what I can do.";
const WORLD_GREETING: &str = "Everybody in the world can read this room, so I treat it as a public place. For a conversation of your own, \
                              please invite me to a direct room whose history only its members can read.";

/// What is to be done about an event.
pub(super) enum Work {
    /// It says something.
    Heard(Heard),
    /// It said something earlier, and could only be read now.
    Unsealed(Heard),
    /// It can't be read.
    Sealed(Heard),
}

/// Choices that stand in a message of Lantern's.
#[derive(Clone)]
struct Offered {
    spot: u32,
    choices: Vec<ChoiceId>,
    thread: Option<String>,
}

/// What a person did, with what belongs to it.
#[derive(Clone)]
enum Said {
    Text(String),
    Pick(u32, ChoiceId),
    Command(Command),
    Arrive(Option<String>),
}

impl Said {
    fn kind(&self) -> Kind<'_> {
        match self {
            Said::Text(text) => Kind::Text(text),
            Said::Pick(spot, choice) => Kind::Pick { spot: *spot, choice: *choice },
            Said::Command(command) => Kind::Command(*command),
            Said::Arrive(guide) => Kind::Arrive(guide.as_deref()),
        }
    }
}

/// Where something is said and answered.
pub(super) struct Spot {
    pub(super) room: Room,
    pub(super) person: String,
    /// The place's name in the service: a room, or a thread in a room that others read.
    place: String,
    /// The room's id among communities.
    pub(super) community: String,
    pub(super) direct: bool,
    thread: Option<String>,
    pub(super) event: String,
    late: bool,
    /// When it was taken from the desk.
    pub(super) began: Instant,
    /// `r`, or `k` for an answer to what could only be read later.
    pub(super) letter: char,
    urgent: bool,
}

impl Spot {
    fn manner(&self, spot: u32) -> Manner<'_> {
        Manner {
            direct: self.direct,
            person: &self.person,
            event: &self.event,
            thread: self.thread.as_deref(),
            late: self.late,
            spot,
        }
    }
}

/// Lantern in all its rooms.
pub(super) struct Bot {
    pub(super) client: Client,
    pub(super) config: MatrixConfig,
    pub(super) log: Log,
    pub(super) ledger: Ledger,
    pub(super) desk: Desk<Work>,
    pub(super) own: String,
    pub(super) readers: Semaphore,
    pub(super) inviting: AtomicBool,
    pub(super) doorkeeper: Mutex<Doorkeeper>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) moderators: admin::Desk,
    pub(super) service: Arc<Service>,
    pub(super) gate: Gate,
    /// Rooms that are being read back, and whether they have to be read once more.
    behind: Mutex<HashMap<String, bool>>,
    /// Rooms whose line was too long for all that was said.
    full: Mutex<HashSet<String>>,
    /// Rooms that Lantern has just come to.
    greet: Mutex<HashSet<String>>,
    offers: Mutex<LruCache<String, Offered>>,
    /// Whether a thread is a person's conversation with Lantern, by its first event and the person.
    threads: Mutex<LruCache<(String, String), bool>>,
    told: Mutex<LruCache<(String, String), Instant>>,
    /// Who had a crisis reply where others read it, by room and person.
    cried: Mutex<LruCache<(String, String), Instant>>,
    /// Cards that stand for somebody, by room and person.
    pub(super) cards: Mutex<LruCache<(String, String), Card>>,
    /// Cards that nobody has taken yet: what they say.
    pub(super) alerts: Mutex<LruCache<String, String>>,
    reactions: mpsc::Sender<(Room, String, usize)>,
    reacting: Mutex<Option<mpsc::Receiver<(Room, String, usize)>>>,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cache<K: std::hash::Hash + Eq, V>() -> Mutex<LruCache<K, V>> {
    Mutex::new(LruCache::new(NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN)))
}

impl Bot {
    pub(super) fn new(
        client: Client,
        config: MatrixConfig,
        service: Arc<Service>,
        moderators: admin::Desk,
        telemetry: Arc<Telemetry>,
        log: Log,
    ) -> Arc<Self> {
        let own = client.user_id().map_or_else(String::new, ToString::to_string);
        // Reactions are a kindness: where too many wait, some messages have none.
        let (reactions, reacting) = mpsc::channel(100);
        Arc::new(Bot {
            ledger: Ledger::new(client.clone()),
            client,
            config,
            log,
            desk: Desk::default(),
            own,
            readers: Semaphore::new(READERS),
            inviting: AtomicBool::new(false),
            doorkeeper: Mutex::default(),
            service,
            moderators,
            telemetry,
            gate: Gate::default(),
            behind: Mutex::default(),
            full: Mutex::default(),
            greet: Mutex::default(),
            offers: cache(),
            threads: cache(),
            told: cache(),
            cried: cache(),
            cards: cache(),
            alerts: cache(),
            reactions,
            reacting: Mutex::new(Some(reacting)),
        })
    }

    pub(super) fn behind(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        locked(&self.behind)
    }

    pub(super) fn greet(&self) -> MutexGuard<'_, HashSet<String>> {
        locked(&self.greet)
    }

    /// Answers everybody until the session ends or `shutdown` is ready.
    pub(super) async fn serve(
        self: Arc<Self>,
        credentials: &Credentials,
        files: &Files,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), MatrixError> {
        crypto::accept_verifications(&self.client, &self.log);
        let mut hands = tokio::task::JoinSet::new();
        for _ in 0..HANDS {
            let bot = Arc::clone(&self);
            hands.spawn(async move {
                loop {
                    let job = bot.desk.next_urgent().await;
                    bot.answer(job, true).await;
                }
            });
            let bot = Arc::clone(&self);
            hands.spawn(async move {
                loop {
                    let job = bot.desk.next().await;
                    let room = job.room.clone();
                    bot.answer(job, false).await;
                    if bot.desk.done(&room) {
                        bot.look_again(&room);
                    }
                }
            });
        }
        if let Some(waiting) = locked(&self.reacting).take() {
            hands.spawn(send::react(waiting, self.config.reactions));
        }
        let ended = tokio::select! {
            error = self.sync(credentials, files) => Err(error),
            () = crypto::secure_and_wait(&self.client, credentials, files, &self.log) => Ok(()),
            () = shutdown => Ok(()),
        };
        // Whoever is being answered gets their answer; the others get it after the next start.
        let _ = tokio::time::timeout(FAREWELL, async {
            while self.gate.is_sending() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        hands.abort_all();
        self.ledger.flush().await;
        ended
    }

    // Sorting what comes.

    /// Takes up what was said in a room, in order.
    pub(super) async fn hear(self: &Arc<Self>, room: &Room, events: &[TimelineEvent]) {
        let id = room.room_id();
        let direct = is_direct(room);
        for event in events {
            let Some(heard) = hear::read(event.raw().json().get()) else { continue };
            if !self.ledger.take(id, &heard.id, heard.at).await {
                continue;
            }
            self.telemetry.events.inc();
            if !self.concerns_us(room, &heard, direct).await {
                self.ledger.pass(id, &heard.id).await;
                continue;
            }
            if heard.what == What::Sealed {
                self.wait_for_key(room.clone(), heard);
            } else {
                self.line_up(id, heard, Work::Heard);
            }
        }
    }

    fn line_up(self: &Arc<Self>, room: &RoomId, heard: Heard, work: impl FnOnce(Heard) -> Work) {
        let urgent = match &heard.what {
            What::Text { body, .. } | What::Edit { body } | What::NotText { caption: body } => {
                // With the words that count in this room.
                self.community_of(room).library().screen(body).level >= Level::Concern
            }
            _ => false,
        };
        let job = Job {
            room: room.to_string(),
            person: heard.sender.clone(),
            event: heard.id.clone(),
            covers: Vec::new(),
            work: work(heard),
        };
        if urgent {
            self.desk.push_urgent(job);
        } else if self.desk.push(job).is_err() {
            // It stays open in the ledger, and is read again when the line is empty.
            locked(&self.full).insert(room.to_string());
        }
    }

    /// A room whose line was full is read again once it is empty.
    fn look_again(self: &Arc<Self>, room: &str) {
        if locked(&self.full).remove(room)
            && let Some(room) = RoomId::parse(room).ok().and_then(|id| self.client.get_room(&id))
        {
            let bot = Arc::clone(self);
            tokio::spawn(async move {
                bot.ledger.reopen(room.room_id()).await;
                bot.see(room);
            });
        }
    }

    /// Whether an event is for Lantern, or about it.
    async fn concerns_us(self: &Arc<Self>, room: &Room, heard: &Heard, direct: bool) -> bool {
        match &heard.what {
            What::Nothing => false,
            What::Member { whom, now, .. } => {
                if *whom != self.own && matches!(now.as_str(), "leave" | "ban") {
                    self.leave_if_alone(room).await;
                }
                false
            }
            What::Moved { to } => {
                self.follow(room, &heard.sender, to).await;
                false
            }
            _ if heard.sender == self.own => false,
            What::Reaction { key, .. } => render::position(key).is_some() || key == TAKEN,
            _ if direct => true,
            _ if self.is_watched(room, heard) => true,
            // Where others talk with each other, only what is said to Lantern is heard. Whether a thread is one
            // with Lantern is found out by whoever takes it from the desk.
            What::Text { body, mentioned } => {
                hear::asked(body).is_some() || mentioned.contains(&self.own) || heard.thread.is_some()
            }
            What::Edit { body } => hear::asked(body).is_some() || heard.thread.is_some(),
            What::NotText { .. } | What::Sealed => heard.thread.is_some(),
        }
    }

    // Messages without a key.

    fn wait_for_key(self: &Arc<Self>, room: Room, heard: Heard) {
        let bot = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(KEY_GRACE).await;
            match bot.look_up(&room, &heard.id).await {
                Some(found) if found.what != What::Sealed => bot.line_up(room.room_id(), found, Work::Heard),
                _ => {
                    let id = room.room_id().to_owned();
                    bot.line_up(&id, heard, Work::Sealed);
                }
            }
        });
    }

    /// Looks whether what couldn't be read can be read now.
    pub(super) fn look_at_sealed(self: &Arc<Self>) {
        let bot = Arc::clone(self);
        tokio::spawn(async move {
            for (id, events) in bot.ledger.all_sealed() {
                let Some(room) = RoomId::parse(&id).ok().and_then(|id| bot.client.get_room(&id)) else {
                    continue;
                };
                for event in events {
                    let found = bot.look_up(&room, &event).await;
                    if let Some(found) = found.filter(|found| found.what != What::Sealed)
                        && bot.ledger.unseal(room.room_id(), &event).await
                    {
                        bot.line_up(room.room_id(), found, Work::Unsealed);
                    }
                }
            }
        });
    }

    /// An event of a room as the server has it, deciphered if possible.
    async fn look_up(&self, room: &Room, event: &str) -> Option<Heard> {
        let id = EventId::parse(event).ok()?;
        let event = room.event(&id, Some(RequestConfig::short_retry())).await.ok()?;
        hear::read(event.raw().json().get())
    }

    // Answering.

    async fn answer(self: &Arc<Self>, job: Job<Work>, urgent: bool) {
        let (in_danger, others) = self.desk.waiting();
        self.telemetry.waiting.set(i64::try_from(in_danger + others).unwrap_or(i64::MAX));
        let Some(room) = RoomId::parse(&job.room).ok().and_then(|id| self.client.get_room(&id)) else {
            return;
        };
        if room.state() != RoomState::Joined {
            return;
        }
        let (heard, letter) = match &job.work {
            Work::Heard(heard) | Work::Sealed(heard) => (heard, 'r'),
            Work::Unsealed(heard) => (heard, 'k'),
        };
        let sent = match self.spot(&room, heard, letter, urgent).await {
            Some(spot) if matches!(job.work, Work::Sealed(_)) => self.tell_sealed(&spot).await,
            Some(spot) => self.respond(&spot, heard).await,
            None => Sent::Done,
        };
        if matches!(sent, Sent::Done | Sent::Refused) {
            let mut events = job.covers;
            events.push(job.event);
            self.ledger.finish(room.room_id(), &events).await;
        }
    }

    /// Where an event is answered; none where it turns out not to be for Lantern.
    async fn spot(&self, room: &Room, heard: &Heard, letter: char, urgent: bool) -> Option<Spot> {
        let direct = is_direct(room);
        let id = room.room_id().to_string();
        let (place, thread) = if direct {
            (id, heard.thread.clone())
        } else {
            let root = self.root(room, heard).await?;
            (format!("{id} {root}"), Some(root))
        };
        let age = heard.age.unwrap_or_else(|| clock::now().saturating_mul(1_000).saturating_sub(heard.at));
        Some(Spot {
            room: room.clone(),
            person: heard.sender.clone(),
            place,
            community: moderators::community_id(&self.service, room.room_id().as_str()),
            direct,
            thread,
            event: heard.id.clone(),
            late: age > LATE && letter == 'r',
            began: Instant::now(),
            letter,
            urgent,
        })
    }

    /// The first event of the thread that this belongs to, in a room that others read: its own, where it begins one.
    async fn root(&self, room: &Room, heard: &Heard) -> Option<String> {
        if let What::Reaction { to, .. } = &heard.what {
            if locked(&self.alerts).contains(to) {
                return Some(heard.id.clone());
            }
            let thread = self.offered(room, to).await?.thread?;
            return self.is_ours(room, &thread, &heard.sender).await.then_some(thread);
        }
        if self.is_said_to_us(heard) {
            let root = heard.thread.clone().unwrap_or_else(|| heard.id.clone());
            locked(&self.threads).put((root.clone(), heard.sender.clone()), true);
            return Some(root);
        }
        if let Some(thread) = &heard.thread
            && self.is_ours(room, thread, &heard.sender).await
        {
            return Some(thread.clone());
        }
        self.is_watched(room, heard).then(|| heard.thread.clone().unwrap_or_else(|| heard.id.clone()))
    }

    fn is_said_to_us(&self, heard: &Heard) -> bool {
        match &heard.what {
            What::Text { body, mentioned } => hear::asked(body).is_some() || mentioned.contains(&self.own),
            What::Edit { body } => hear::asked(body).is_some(),
            _ => false,
        }
    }

    /// Whether this person began this thread by talking to Lantern.
    async fn is_ours(&self, room: &Room, root: &str, person: &str) -> bool {
        let key = (root.to_owned(), person.to_owned());
        if let Some(known) = locked(&self.threads).get(&key) {
            return *known;
        }
        let first = self.look_up(room, root).await;
        let ours = first.is_some_and(|first| first.sender == person && self.is_said_to_us(&first));
        locked(&self.threads).put(key, ours);
        ours
    }

    async fn respond(self: &Arc<Self>, spot: &Spot, heard: &Heard) -> Sent {
        let library = self.community(spot).library();
        let concern = |text: &str| library.screen(text).level >= Level::Concern;
        if let What::Text { body, .. } = &heard.what
            && !concern(body)
            && let Some(order) = moderators::order(body)
            && let Some(sent) = self.obey(spot, &order).await
        {
            return sent;
        }
        let said = match &heard.what {
            What::Text { body, .. } if concern(body) => Said::Text(body.clone()),
            What::Text { body, .. } => match hear::asked(body) {
                Some(Asked::Command(command)) => Said::Command(command),
                Some(Asked::Guide(name)) => Said::Arrive(Some(name)),
                Some(Asked::Watched(on)) => return self.set_watched(spot, on).await,
                Some(Asked::Words(words)) => Said::Text(words),
                None => Said::Text(self.without_name(body).to_owned()),
            },
            // What was said before was answered; only danger in the new words changes anything.
            What::Edit { body } if concern(body) => Said::Text(body.clone()),
            What::NotText { caption } if concern(caption) => Said::Text(caption.clone()),
            What::NotText { .. } => return self.tell(spot, NOT_TEXT).await,
            What::Reaction { to, key } if key == TAKEN => return self.take_alert(spot, to).await,
            What::Reaction { to, key } => {
                let Some(at) = render::position(key) else { return Sent::Done };
                let Some(offered) = self.offered(&spot.room, to).await else { return Sent::Done };
                match offered.choices.get(at) {
                    Some(choice) => Said::Pick(offered.spot, *choice),
                    None => return Sent::Done,
                }
            }
            _ => return Sent::Done,
        };
        let sent = self.converse(spot, &said).await;
        if let (Said::Text(text), false) = (&said, spot.direct) {
            let found = library.screen(text);
            if found.level >= Level::Concern {
                self.alert(spot, &found, sent == Sent::Done).await;
            }
        }
        sent
    }

    /// Words that call Lantern by name begin with it in some clients.
    fn without_name<'t>(&self, body: &'t str) -> &'t str {
        let local = self.own.trim_start_matches('@').split(':').next().unwrap_or_default();
        for name in [self.own.as_str(), local] {
            if let Some(rest) = body.get(..name.len()).filter(|head| head.eq_ignore_ascii_case(name))
                && let Some(rest) = body[rest.len()..].strip_prefix([':', ',', ' '])
            {
                return rest.trim_start();
            }
        }
        body
    }

    async fn converse(self: &Arc<Self>, spot: &Spot, said: &Said) -> Sent {
        let (mut replies, outcome) = self.ask(spot, said, &spot.event);
        let mut held: Vec<Reply> = Vec::new();
        let mut count = 0;
        while let Some(reply) = replies.recv().await {
            count += 1;
            if reply.is_crisis() && count == 1 {
                // It doesn't wait for what else is to be said.
                let sent = self.say(spot, &reply, "c", 0).await;
                if sent != Sent::Done {
                    return sent;
                }
            } else {
                held.push(reply);
            }
        }
        let mut outcome = outcome.await.ok();
        if count == 0 && outcome.is_some() {
            // The service has dealt with it already, before the program ended. If its answer arrived, what is sent now
            // has the answer's name, and the server keeps the first.
            let (mut replies, arrived) = self.ask(spot, &Said::Arrive(None), "");
            while let Some(reply) = replies.recv().await {
                held = vec![reply];
            }
            outcome = arrived.await.ok();
        }
        let open = outcome.and_then(|outcome| {
            let community = self.community(spot);
            let settings = self.service.settings();
            let language = community.settings.language.as_ref().or(settings.language.as_ref());
            engine::open_place(&community.library(), &outcome.session, language)
        });
        let open = open.map_or(0, |place| place.spot());
        // Named from the end, so that the last has the same name whatever comes before it.
        for (at, reply) in held.iter().enumerate() {
            let name = if reply.is_crisis() { "c".to_owned() } else { format!("e{}", held.len() - at) };
            let sent = self.say(spot, reply, &name, open).await;
            if sent != Sent::Done {
                return sent;
            }
        }
        Sent::Done
    }

    /// Asks the service, on a thread where it may wait for its store. Replies come as they are made.
    fn ask(
        self: &Arc<Self>,
        spot: &Spot,
        said: &Said,
        event: &str,
    ) -> (mpsc::UnboundedReceiver<Reply>, tokio::task::JoinHandle<Outcome>) {
        let (tell, hear) = mpsc::unbounded_channel();
        let service = Arc::clone(&self.service);
        let community = self.community(spot);
        let (person, place, event) = (spot.person.clone(), spot.place.clone(), event.to_owned());
        let (said, public) = (said.clone(), !spot.direct);
        // A second cry in the same place is answered with fewer words.
        let key = (spot.room.room_id().to_string(), spot.person.clone());
        let again = public && locked(&self.cried).get(&key).is_some_and(|at| at.elapsed() < STANDS);
        let outcome = tokio::task::spawn_blocking(move || {
            let incoming = Incoming {
                from: Address { platform: PLATFORM, person: &person, place: &place },
                event: &event,
                public,
                again,
                at: clock::now(),
                country: community.settings.country,
                language: community.settings.language.as_ref(),
                kind: said.kind(),
            };
            let library = community.library();
            let mut send = |reply: &Reply| {
                let _ = tell.send(reply.clone());
            };
            let sent = service.answer_crisis(&library, &incoming, &mut send);
            service.answer_rest(&library, &incoming, sent, &mut send)
        });
        (hear, outcome)
    }

    pub(super) async fn say(self: &Arc<Self>, spot: &Spot, reply: &Reply, name: &str, open: u32) -> Sent {
        for (at, content) in render::messages(reply, &spot.manner(open)).into_iter().enumerate() {
            let offers = content.get(render::OFFERS).is_some();
            let name = format!("{}.{}.{name}.{at}", spot.letter, spot.event);
            let urgent = spot.urgent || reply.is_crisis();
            let (sent, id) = send::message(&spot.room, content, &name, urgent, &self.gate).await;
            let sort = match (reply.is_crisis(), spot.direct) {
                (true, true) => Sort::crisis,
                (true, false) => Sort::public_crisis,
                (false, _) => Sort::member,
            };
            if sent == Sent::Done {
                self.telemetry.replied(sort, spot.began.elapsed());
            } else {
                self.telemetry.failed(sort);
                if sent == Sent::Refused {
                    self.log.say("the server refused a message for good");
                }
                return sent;
            }
            if reply.is_crisis() && !spot.direct {
                locked(&self.cried)
                    .put((spot.room.room_id().to_string(), spot.person.clone()), Instant::now());
            }
            if let Some(id) = id.filter(|_| offers) {
                let choices: Vec<ChoiceId> = reply.choices.iter().map(|offer| offer.id).collect();
                let _ = self.reactions.try_send((spot.room.clone(), id.clone(), choices.len()));
                let own = reply.place.as_ref().map_or(open, |place| place.spot());
                locked(&self.offers).put(id, Offered { spot: own, choices, thread: spot.thread.clone() });
            }
        }
        if let Some(notes) = reply.document.as_ref().filter(|_| spot.direct && reply.tone == Tone::Notes) {
            self.send_file(spot, "my-notes.md", notes).await;
        }
        Sent::Done
    }

    /// A file beside the message that speaks of it. Where that fails, the message has the most of it still.
    pub(super) async fn send_file(&self, spot: &Spot, name: &str, text: &str) {
        let Ok(kind) = "text/markdown".parse() else { return };
        let txn_id = Some(format!("{}.{}.file", spot.letter, spot.event).into());
        let config = AttachmentConfig { txn_id, ..Default::default() };
        let _ = spot.room.send_attachment(name, &kind, text.as_bytes().to_vec(), config).await;
    }

    /// The choices in a message of Lantern's, remembered or as they stand in it.
    async fn offered(&self, room: &Room, event: &str) -> Option<Offered> {
        if let Some(offered) = locked(&self.offers).get(event) {
            return Some(offered.clone());
        }
        let id = EventId::parse(event).ok()?;
        let event = room.event(&id, Some(RequestConfig::short_retry())).await.ok()?;
        let json: Value = serde_json::from_str(event.raw().json().get()).ok()?;
        if json["sender"] != self.own.as_str() {
            return None;
        }
        let content = &json["content"];
        let offers = &content[render::OFFERS];
        let in_thread = content["m.relates_to"]["rel_type"] == "m.thread";
        let root = content["m.relates_to"]["event_id"].as_str().filter(|_| in_thread);
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let choices = offers["choices"].as_array()?.iter().filter_map(number).map(ChoiceId::from_bits);
        Some(Offered {
            spot: number(&offers["spot"])?,
            choices: choices.collect(),
            thread: root.map(str::to_owned),
        })
    }

    /// What the room has chosen for itself.
    fn community(&self, spot: &Spot) -> Arc<Community> {
        self.moderators.communities().get(&spot.community)
    }

    /// The same, by the room's id.
    pub(super) fn community_of(&self, room: &RoomId) -> Arc<Community> {
        self.moderators.communities().get(&moderators::community_id(&self.service, room.as_str()))
    }

    /// An answer to a moderator.
    pub(super) async fn say_markdown(&self, spot: &Spot, text: &str) -> Sent {
        let name = format!("{}.{}.e1.0", spot.letter, spot.event);
        let content = render::markdown(text, &spot.manner(0));
        let (sent, _) = send::message(&spot.room, content, &name, false, &self.gate).await;
        if sent == Sent::Done {
            self.telemetry.replied(Sort::moderator, spot.began.elapsed());
        } else {
            self.telemetry.failed(Sort::moderator);
        }
        sent
    }

    // The adapter's own sentences.

    async fn tell_sealed(self: &Arc<Self>, spot: &Spot) -> Sent {
        self.ledger.seal(spot.room.room_id(), &spot.event).await;
        let key = (spot.room.room_id().to_string(), spot.person.clone());
        let told = locked(&self.told).get(&key).is_some_and(|at| at.elapsed() < TOLD_ONCE);
        if told {
            return Sent::Done;
        }
        let sent = self.tell(spot, SEALED).await;
        if sent == Sent::Done {
            locked(&self.told).put(key, Instant::now());
        }
        sent
    }

    /// Says that something couldn't be read, and whom to call: it may have been a cry for help.
    async fn tell(self: &Arc<Self>, spot: &Spot, sentence: &str) -> Sent {
        let library = self.service.library();
        let session = self.service.session(&address(spot), clock::now()).ok().flatten().unwrap_or_default();
        let (community, settings) = (self.community(spot), self.service.settings());
        let country: Option<Country> = session.country.or(community.settings.country).or(settings.country);
        let language = session.language.as_ref().or(community.settings.language.as_ref());
        let wording = library.wording(language.or(settings.language.as_ref()));
        let contacts = library.resources.contacts(country);
        let number = contacts.emergency.unwrap_or(library.resources.international().emergency());
        let words = if contacts.emergency.is_some() { DANGER } else { DANGER_ANYWHERE };
        let danger = vec![
            crate::script::Run::plain(words),
            crate::script::Run::strong(number),
            crate::script::Run::plain("."),
        ];
        let reply = Reply::told(vec![
            Block::text(sentence),
            Block::Paragraph(danger),
            Block::Paragraph(reply::mention(&library.resources, country, wording)),
        ]);
        self.say(spot, &reply, "e1", 0).await
    }

    /// The first words in a room that Lantern was invited to, unless somebody said something there already.
    pub(super) async fn welcome(self: &Arc<Self>, room: &Room) {
        let id = room.room_id();
        if is_direct(room) {
            if self.ledger.has_spoken(id).await {
                return;
            }
            let Some(person) = self.other_person(room).await else { return };
            let spot = Spot {
                room: room.clone(),
                person,
                place: id.to_string(),
                community: moderators::community_id(&self.service, id.as_str()),
                direct: true,
                thread: None,
                event: format!("{id}.{}", clock::now()),
                late: false,
                began: Instant::now(),
                letter: 'w',
                urgent: false,
            };
            self.converse(&spot, &Said::Arrive(None)).await;
            return;
        }
        let world = room.history_visibility_or_default() == HistoryVisibility::WorldReadable;
        let mut blocks = vec![Block::text(ROOM_GREETING)];
        if world {
            blocks.push(Block::text(WORLD_GREETING));
        }
        let manner = Manner { direct: false, person: "", event: "", thread: None, late: false, spot: 0 };
        for content in render::messages(&Reply::told(blocks), &manner) {
            send::message(room, content, &format!("w.{id}"), false, &self.gate).await;
        }
    }

    async fn other_person(&self, room: &Room) -> Option<String> {
        let members = room.members(matrix_sdk::RoomMemberships::JOIN).await.ok()?;
        members.iter().map(|member| member.user_id().to_string()).find(|user| *user != self.own)
    }
}

/// Nobody but one person and Lantern is there, and nobody from outside can read along.
fn is_direct(room: &Room) -> bool {
    room.active_members_count() <= 2
        && room.history_visibility_or_default() != HistoryVisibility::WorldReadable
}

fn address(spot: &Spot) -> Address<'_> {
    Address { platform: PLATFORM, person: &spot.person, place: &spot.place }
}

/// The event that a message of this name answers to the end: its last or its crisis reply.
pub(super) fn answered_by(name: &str) -> Option<String> {
    let rest = name.strip_prefix("r.")?;
    rest.strip_suffix(".e1.0").or_else(|| rest.strip_suffix(".c.0")).map(str::to_owned)
}

/// Whether the server refuses something for good.
pub(super) fn is_refused(error: &matrix_sdk::Error) -> bool {
    send::fate(error) == send::Fate::Never
}

/// A reaction as it is sent.
pub(super) fn reaction(to: &str, key: &str) -> Value {
    json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": to, "key": key } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_answer_tells_what_it_answers() {
        assert_eq!(answered_by("r.$a.b:example.org.e1.0").as_deref(), Some("$a.b:example.org"));
        assert_eq!(answered_by("r.$abc.c.0").as_deref(), Some("$abc"));
        // The first of two, or the first piece of a long one, is not the whole answer.
        assert_eq!(answered_by("r.$abc.e2.0"), None);
        assert_eq!(answered_by("w.$abc"), None);
    }
}
