//! Taking what waits from the desk, asking the service, and saying what it says, each thing once.
//!
//! Every message goes out under a name made of the event that it answers, and the server takes a name once. So an
//! answer that is sent again, because the program ended before it knew that the first had arrived, isn't seen twice.

mod say;
mod seal;
mod spot;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use matrix_sdk::deserialized_responses::TimelineEvent;
use matrix_sdk::ruma::RoomId;
use matrix_sdk::{Client, Room, RoomState};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

pub(super) use self::spot::Spot;
use self::spot::{Offered, is_direct};
use super::alerts::Standing;
use super::cards::{Cards, Step};
use super::desk::{Desk, Job};
use super::guides::Proposed;
use super::hear::{self, Asked, File, Heard, What};
use super::ledger::Ledger;
use super::moderators;
use super::render::{self};
use super::rooms::Doorkeeper;
use super::send::{self, Gate, Sent};
use super::session::{Credentials, Files};
use super::{Log, MatrixError, crypto};
use crate::engine::{self, Kind, Reply};
use crate::safety::Level;
use crate::script::ChoiceId;
use crate::shell::admin;
use crate::shell::community::Community;
use crate::shell::config::MatrixConfig;
use crate::shell::telemetry::Telemetry;
use crate::shell::{Address, Incoming, Outcome, Service, clock};
use crate::wording::Command;

/// The name of this platform in keys.
pub const PLATFORM: &str = "matrix";
/// How many messages are answered at the same time, and as many crisis messages beside them.
const HANDS: usize = 8;
/// How many rooms are read back at the same time.
const READERS: usize = 8;
/// For how long a public crisis reply makes the next one to the same person shorter.
const STANDS: Duration = Duration::from_secs(10 * 60);
/// How many messages with choices, and threads, are remembered. Others are looked up on the server.
const REMEMBERED: usize = 10_000;
/// How long what is under way may still take at the end.
const FAREWELL: Duration = Duration::from_secs(5);

const NOT_TEXT: &str =
    "I can only read typed words, not pictures, recordings or files. Please type what you'd like to say.";

/// What is to be done about an event.
pub(super) enum Work {
    /// It says something.
    Heard(Heard),
    /// It said something earlier, and could only be read now.
    Unsealed(Heard),
    /// It can't be read.
    Sealed(Heard),
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
    /// Whether this session is over.
    pub(super) ended: AtomicBool,
    /// By how many seconds this machine's clock is ahead of the homeserver's.
    pub(super) ahead: AtomicI64,
    pub(super) doorkeeper: Mutex<Doorkeeper>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) moderators: Arc<admin::Desk>,
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
    /// Since when a card stands for somebody, by room and person.
    pub(super) standing: Mutex<LruCache<(String, String), Standing>>,
    /// Cards that something can still be said about.
    pub(super) cards: Mutex<Cards>,
    /// Writing them is one after another, and each time the newest.
    pub(super) cards_disk: tokio::sync::Mutex<()>,
    /// Guides that wait for a moderator's yes, by room and person.
    pub(super) proposed: Mutex<LruCache<(String, String), Vec<Proposed>>>,
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
        moderators: Arc<admin::Desk>,
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
            ended: AtomicBool::new(false),
            ahead: AtomicI64::new(0),
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
            standing: cache(),
            cards: Mutex::default(),
            cards_disk: tokio::sync::Mutex::default(),
            proposed: cache(),
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
        self.load_cards().await;
        let mut hands = tokio::task::JoinSet::new();
        for _ in 0..HANDS {
            let bot = Arc::clone(&self);
            hands.spawn(async move {
                loop {
                    let job = bot.desk.next_urgent().await;
                    bot.answer(job, true).await;
                    bot.desk.done_urgent();
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
            let bot = Arc::clone(&self);
            hands.spawn(async move { bot.react(waiting).await });
        }
        let ended = tokio::select! {
            error = self.sync(credentials, files) => Err(error),
            () = crypto::secure_and_wait(&self.client, credentials, files, &self.log) => Ok(()),
            () = shutdown => Ok(()),
        };
        self.ended.store(true, Ordering::Relaxed);
        if !matches!(ended, Err(MatrixError::BeginAgain)) {
            // Whoever is being answered gets their answer; the others get it after the next start.
            let _ = tokio::time::timeout(FAREWELL, async {
                while self.gate.is_sending() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
            .await;
        }
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
            What::Text { body, .. }
            | What::Edit { body }
            | What::NotText { caption: body }
            | What::File(File { caption: body, .. }) => {
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
            What::Reaction { to, key } => {
                let on_card = || locked(&self.cards).stands(to, room.room_id().as_str());
                render::position(key).is_some() || (Step::read(key).is_some() && on_card())
            }
            _ if direct => true,
            _ if self.is_watched(room, heard) => true,
            // Where others talk with each other, only what is said to Lantern is heard. Whether a thread is one
            // with Lantern is found out by whoever takes it from the desk.
            What::Text { body, mentioned } => {
                hear::asked(body).is_some() || mentioned.contains(&self.own) || heard.thread.is_some()
            }
            What::Edit { body } => hear::asked(body).is_some() || heard.thread.is_some(),
            What::File(file) if self.is_for_moderators(room.room_id(), file) => true,
            What::NotText { caption } | What::File(File { caption, .. }) => {
                hear::asked(caption).is_some() || heard.thread.is_some()
            }
            What::Sealed => heard.thread.is_some(),
        }
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
            What::File(file) if concern(&file.caption) => Said::Text(file.caption.clone()),
            What::File(file) if self.is_for_moderators(spot.room.room_id(), file) => {
                return self.check_file(spot, file).await;
            }
            What::NotText { .. } | What::File(_) => return self.tell(spot, NOT_TEXT).await,
            What::Reaction { to, key } => {
                if let Some(step) = Step::read(key) {
                    return self.mark_card(spot, to, step).await;
                }
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

    /// What the room has chosen for itself.
    fn community(&self, spot: &Spot) -> Arc<Community> {
        self.moderators.communities().get(&spot.community)
    }

    /// The same, by the room's id.
    pub(super) fn community_of(&self, room: &RoomId) -> Arc<Community> {
        self.moderators.communities().get(&moderators::community_id(&self.service, room.as_str()))
    }
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
