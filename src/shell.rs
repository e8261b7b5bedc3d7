//! Everything that touches the world. The [`Service`] is what every way in shares:
//! screen -> load -> turn -> save -> send, in order for each person.

pub mod admin;
pub mod clock;
pub mod community;
pub mod config;
#[cfg(feature = "terminal")]
pub mod console;
#[cfg(feature = "discord")]
pub mod discord;
pub mod library;
pub mod lines;
#[cfg(feature = "matrix")]
pub mod matrix;
pub mod pipe;
#[cfg(feature = "platform")]
pub mod queue;
#[cfg(feature = "platform")]
pub mod run;
pub mod scan;
pub mod store;
#[cfg(feature = "platform")]
pub mod telemetry;
pub mod workbench;

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, mpsc};
use std::time::Duration;

use lru::LruCache;

use self::store::{PersonKey, Put, Secret, Store, StoreError};
use crate::engine::{self, Event, Kind, Reply, Session, Turn};
use crate::library::Library;
use crate::safety::resource::Country;
use crate::safety::{Concern, Level};
use crate::script::{Language, Revision};
use crate::wording::Command;

/// How many conversations are remembered in memory, so that a broken store forgets as little as it must.
const REMEMBERED: usize = 10_000;
/// How long a crisis reply waits to learn the person's country from the store, in milliseconds.
const RECALL_MS: u64 = 50;
/// How many such look-ups may hang at once before they are no longer tried.
const MOST_RECALLS: usize = 4;
/// How often a turn is tried again when another process changed the session meanwhile.
const TRIES: usize = 20;
/// How many locks the conversations share: more than there will ever be threads.
const LOCKS: usize = 256;
/// The record of a mark. No session begins with this byte, so that none is taken for the other.
const MARK: &[u8] = &[0];

/// What an operator decided for all conversations.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The country to assume until a person names theirs.
    pub country: Option<Country>,
    /// The language to assume until a person chooses another.
    pub language: Option<Language>,
    /// After how many seconds without a message a session is erased.
    pub expire: u64,
}

/// Who said something, and where: the names that a platform has for them. They are only ever hashed.
#[derive(Clone, Copy)]
pub struct Address<'a> {
    /// The platform, such as `discord`.
    pub platform: &'a str,
    /// The person.
    pub person: &'a str,
    /// The channel or room.
    pub place: &'a str,
}

/// Something that reached the bot.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// Who, and where.
    pub from: Address<'a>,
    /// The platform's name for the event; empty where it has none.
    pub event: &'a str,
    /// Whether others can read it there.
    pub public: bool,
    /// Whether a public reply to this person stands there already.
    pub again: bool,
    /// When, in seconds since 1970.
    pub at: u64,
    /// The country of the place where it was said, above the operator's default.
    pub country: Option<Country>,
    /// The language of the place where it was said, above the operator's default.
    pub language: Option<&'a Language>,
    /// What was done.
    pub kind: Kind<'a>,
}

/// What came of it, for whoever counts or reports. It names no words and nobody.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What the screen found.
    pub concern: Concern,
    /// The session as it is now.
    pub session: Session,
    /// Whether the store failed.
    pub forgetful: bool,
    /// Whether the person asked to be forgotten, and was, here: a platform has other places.
    pub forgot: bool,
}

/// A conversation as it is remembered in memory.
struct Recent {
    session: Session,
    /// The store doesn't have it.
    unsaved: bool,
}

/// Answers everybody, on every platform, with one library and one store.
pub struct Service {
    library: RwLock<Arc<Library>>,
    store: Arc<dyn Store>,
    secret: Secret,
    settings: Settings,
    recent: Mutex<LruCache<PersonKey, Recent>>,
    locks: Vec<Mutex<()>>,
    recalls: Arc<AtomicUsize>,
}

impl Service {
    /// Puts a service together.
    pub fn new(library: Arc<Library>, store: Arc<dyn Store>, secret: Secret, settings: Settings) -> Self {
        let capacity = NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN);
        Service {
            library: RwLock::new(library),
            store,
            secret,
            settings,
            recent: Mutex::new(LruCache::new(capacity)),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            recalls: Arc::default(),
        }
    }

    /// The library in service.
    pub fn library(&self) -> Arc<Library> {
        self.library.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another library into service, whole; turns under way finish with the old one.
    pub fn replace_library(&self, library: Arc<Library>) {
        *self.library.write().unwrap_or_else(PoisonError::into_inner) = library;
    }

    /// Puts another library into service in the place of the one there is: who is in an earlier text of a guide
    /// finishes on it, but for the texts that were withdrawn.
    pub fn succeed_library(&self, library: Library, withdrawn: &[Revision]) {
        let mut now = self.library.write().unwrap_or_else(PoisonError::into_inner);
        *now = Arc::new(library.succeeding(&now, withdrawn));
    }

    /// What the operator decided for all conversations.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The store that sessions are kept in.
    pub fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// Answers what reached the bot. `send` is called for each reply, in order; a crisis reply comes first,
    /// before the store is waited for or anything is locked.
    pub fn handle(&self, incoming: &Incoming<'_>, send: &mut dyn FnMut(&Reply)) -> Outcome {
        let library = self.library();
        let sent = self.answer_crisis(&library, incoming, send);
        self.answer_rest(&library, incoming, sent, send)
    }

    /// The first half of [`handle`](Service::handle), with a library of the place's own: sends the crisis reply, if
    /// one is due, and says whether it did. It waits for nothing longer than 50 milliseconds.
    pub fn answer_crisis(
        &self,
        library: &Arc<Library>,
        incoming: &Incoming<'_>,
        send: &mut dyn FnMut(&Reply),
    ) -> bool {
        let key = self.key(&incoming.from);
        self.crisis_first(library, &key, &self.event(incoming), send)
    }

    /// The other half: takes the turn, keeps the session, and sends every reply but the crisis reply that was `sent`
    /// before.
    pub fn answer_rest(
        &self,
        library: &Arc<Library>,
        incoming: &Incoming<'_>,
        sent: bool,
        send: &mut dyn FnMut(&Reply),
    ) -> Outcome {
        let key = self.key(&incoming.from);
        let event = self.event(incoming);
        let _order = self.lock(&key);
        let mut forgetful = false;
        for _ in 0..TRIES {
            let (old, session) = match self.load(&key, event.at) {
                Ok(loaded) => loaded,
                Err(_) => {
                    forgetful = true;
                    (None, self.remembered(&key).unwrap_or_default())
                }
            };
            let mut turn = engine::turn(library, session, &event);
            if turn.replies.is_empty() {
                return Outcome { concern: turn.concern, session: turn.session, forgetful, forgot: false };
            }
            let forgot = turn.session.is_blank() && is_forget_me(library, &event);
            match self.save(&key, old.as_deref(), &turn.session, event.at) {
                // With the store unreadable there is nothing to compare with, so nothing was written.
                Ok(Put::Done) => {}
                Ok(Put::Changed) if !forgetful => continue,
                Ok(Put::Changed) | Err(_) => forgetful = true,
            }
            self.remember(&key, &turn.session, forgetful);
            if forgetful {
                self.own_up(library, &event, &mut turn);
            }
            for reply in turn.replies.iter().filter(|reply| !(sent && reply.is_crisis())) {
                send(reply);
            }
            return Outcome { concern: turn.concern, session: turn.session, forgetful, forgot };
        }
        // Twenty others were quicker: tell the person rather than leave them waiting.
        let session = self.remembered(&key).unwrap_or_default();
        let wording = library.wording(session.language.as_ref().or(event.language));
        send(&Reply::told(wording.says.cannot_remember.blocks()));
        Outcome { concern: Concern::default(), session, forgetful: true, forgot: false }
    }

    fn event<'e>(&'e self, incoming: &Incoming<'e>) -> Event<'e> {
        Event {
            id: if incoming.event.is_empty() {
                0
            } else {
                self.secret.event_hash(incoming.from.platform, incoming.event)
            },
            at: incoming.at,
            public: incoming.public,
            again: incoming.again,
            country: incoming.country.or(self.settings.country),
            language: incoming.language.or(self.settings.language.as_ref()),
            kind: incoming.kind,
        }
    }

    /// Marks that something was done for, or asked by, a person: says whether there was no such mark yet. It is kept
    /// like a session, under a keyed hash, and goes after `lasts` seconds.
    ///
    /// # Errors
    ///
    /// Where the store fails; then nothing is marked.
    pub fn mark(&self, what: &Address<'_>, now: u64, lasts: u64) -> Result<bool, StoreError> {
        let put = self.store.put(&self.key(what), None, MARK, now, now.saturating_add(lasts))?;
        Ok(put == Put::Done)
    }

    /// Whether there is such a mark. What the store doesn't say within 50 milliseconds counts as none.
    pub fn is_marked(&self, what: &Address<'_>, now: u64) -> bool {
        self.look_up(&self.key(what), now).flatten().is_some()
    }

    /// Takes a mark away.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub fn unmark(&self, what: &Address<'_>) -> Result<(), StoreError> {
        self.store.delete(&self.key(what)).map(drop)
    }

    /// A number that stands for somebody or something in memory, and in no other process.
    pub fn hash(&self, what: &Address<'_>) -> u64 {
        let key = self.key(what);
        key.as_bytes().iter().take(8).fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    }

    /// Erases everything about a person at once.
    ///
    /// # Errors
    ///
    /// Where the store can't erase; the memory of this process is empty all the same.
    pub fn forget(&self, from: &Address<'_>) -> Result<(), StoreError> {
        let key = self.key(from);
        let _order = self.lock(&key);
        self.recent().pop(&key);
        self.store.delete(&key).map(drop)
    }

    /// Erases what has expired, at most `limit` sessions. Says how many.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        self.store.sweep(now, limit)
    }

    /// The session of a person as it is kept.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub fn session(&self, from: &Address<'_>, now: u64) -> Result<Option<Session>, StoreError> {
        let key = self.key(from);
        self.load(&key, now).map(|(old, session)| old.map(|_| session))
    }

    /// Sends the crisis reply, if one is due, with what is known of the person within 50 milliseconds.
    fn crisis_first(
        &self,
        library: &Arc<Library>,
        key: &PersonKey,
        event: &Event<'_>,
        send: &mut dyn FnMut(&Reply),
    ) -> bool {
        let Kind::Text(text) = event.kind else { return false };
        let concern = library.screen(text);
        if concern.level < Level::Concern {
            return false;
        }
        let known = self.recall(key, event.at).unwrap_or_default();
        if known.has_seen(event.id) {
            return false;
        }
        // Nothing that could go wrong in a turn may cost a person the reply.
        let turn = catch_unwind(AssertUnwindSafe(|| engine::turn(library, known, event)));
        let reply = match turn {
            Ok(Turn { mut replies, .. }) if !replies.is_empty() => {
                if !replies[0].is_crisis() {
                    return false;
                }
                replies.swap_remove(0)
            }
            Ok(_) => return false,
            Err(_) => engine::crisis_reply(library, &concern, event),
        };
        send(&reply);
        true
    }

    /// What is known of a person, from memory or, for at most 50 milliseconds, from the store. The look-up
    /// has a thread of its own: a store that hangs can't hold a crisis reply back.
    fn recall(&self, key: &PersonKey, now: u64) -> Option<Session> {
        if let Some(session) = self.remembered(key) {
            return Some(session);
        }
        Session::decode(&self.look_up(key, now)??).ok()
    }

    /// A record, if the store gives it within 50 milliseconds.
    fn look_up(&self, key: &PersonKey, now: u64) -> Option<Option<Vec<u8>>> {
        if self.recalls.fetch_add(1, Ordering::AcqRel) >= MOST_RECALLS {
            self.recalls.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        let (tell, hear) = mpsc::sync_channel(1);
        let (store, key, recalls) = (Arc::clone(&self.store), *key, Arc::clone(&self.recalls));
        let looking = std::thread::Builder::new().name("recall".into()).spawn(move || {
            let found = catch_unwind(AssertUnwindSafe(|| store.get(&key, now)));
            recalls.fetch_sub(1, Ordering::AcqRel);
            // Nobody listens any more once the time is up.
            let _ = tell.send(found);
        });
        if looking.is_err() {
            self.recalls.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        hear.recv_timeout(Duration::from_millis(RECALL_MS)).ok()?.ok()?.ok()
    }

    /// The record and the session in it. What can't be read any more is begun anew.
    fn load(&self, key: &PersonKey, now: u64) -> Result<(Option<Vec<u8>>, Session), StoreError> {
        if let Some(recent) = self.recent().get(key)
            && recent.unsaved
            && !is_expired(&recent.session, now, self.settings.expire)
        {
            let session = recent.session.clone();
            let old = self.store.get(key, now)?;
            return Ok((old, session));
        }
        let old = self.store.get(key, now)?;
        let session = match &old {
            Some(bytes) => Session::decode(bytes).unwrap_or_default(),
            // What is not worth a record still has events that must not be answered twice.
            None => Session {
                seen: self.remembered(key).map(|session| session.seen).unwrap_or_default(),
                ..Session::default()
            },
        };
        Ok((old, session))
    }

    fn save(
        &self,
        key: &PersonKey,
        old: Option<&[u8]>,
        session: &Session,
        now: u64,
    ) -> Result<Put, StoreError> {
        if session.is_blank() {
            if old.is_some() {
                self.store.delete(key)?;
            }
            return Ok(Put::Done);
        }
        self.store.put(key, old, &session.encode(), now, now.saturating_add(self.settings.expire))
    }

    /// Tells the person that the store failed, and takes back a promise that it broke.
    fn own_up(&self, library: &Library, event: &Event<'_>, turn: &mut Turn) {
        let wording = library.wording(turn.session.language.as_ref().or(event.language));
        if turn.session.is_blank() && is_forget_me(library, event) {
            turn.replies = vec![Reply::told(wording.says.erase_failed.blocks())];
        } else {
            turn.replies.push(Reply::told(wording.says.cannot_remember.blocks()));
        }
    }

    fn key(&self, from: &Address<'_>) -> PersonKey {
        PersonKey::new(&self.secret, from.platform, from.person, from.place)
    }

    fn remembered(&self, key: &PersonKey) -> Option<Session> {
        self.recent().get(key).map(|recent| recent.session.clone())
    }

    fn remember(&self, key: &PersonKey, session: &Session, unsaved: bool) {
        self.recent().put(*key, Recent { session: session.clone(), unsaved });
    }

    fn recent(&self) -> MutexGuard<'_, LruCache<PersonKey, Recent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Messages of one person are handled one after another.
    fn lock(&self, key: &PersonKey) -> MutexGuard<'_, ()> {
        let at = key.as_bytes().iter().fold(0, |sum, &byte| (sum * 31 + usize::from(byte)) % LOCKS);
        self.locks[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_forget_me(library: &Library, event: &Event<'_>) -> bool {
    match event.kind {
        Kind::Command(command) => command == Command::ForgetMe,
        Kind::Text(text) => {
            library.wording(event.language).command(&crate::wording::plain(text)) == Some(Command::ForgetMe)
        }
        _ => false,
    }
}

fn is_expired(session: &Session, now: u64, expire: u64) -> bool {
    session.updated.saturating_add(expire) <= now
}
