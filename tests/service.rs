//! The service between platforms and store: order, repeats, and a store that fails in every way.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lantern::engine::{Kind, Reply};
use lantern::library::Library;
use lantern::shell::store::{PersonKey, Put, Secret, Store, StoreError, memory::MemoryStore};
use lantern::shell::{Address, Incoming, Outcome, Service, Settings};

const ANNA: Address<'_> = Address { platform: "test", person: "anna", place: "" };

/// A store whose ways to fail can be switched on.
#[derive(Default)]
struct Brittle {
    inner: MemoryStore,
    fails_to_read: AtomicBool,
    fails_to_write: AtomicBool,
    hangs: AtomicBool,
    writes: AtomicUsize,
    /// Everything that was ever written.
    seen: Mutex<Vec<Vec<u8>>>,
}

impl Brittle {
    fn read<T>(&self, value: Result<T, StoreError>) -> Result<T, StoreError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_secs(2));
        }
        if self.fails_to_read.load(Ordering::SeqCst) {
            Err(StoreError::Failed("reading".into()))
        } else {
            value
        }
    }
}

impl Store for Brittle {
    fn get(&self, key: &PersonKey, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(self.inner.get(key, now))
    }

    fn put(
        &self,
        key: &PersonKey,
        old: Option<&[u8]>,
        new: &[u8],
        now: u64,
        expires: u64,
    ) -> Result<Put, StoreError> {
        if self.fails_to_write.load(Ordering::SeqCst) {
            return Err(StoreError::Failed("writing".into()));
        }
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().expect("a lock").push(new.to_vec());
        self.inner.put(key, old, new, now, expires)
    }

    fn delete(&self, key: &PersonKey) -> Result<bool, StoreError> {
        if self.fails_to_write.load(Ordering::SeqCst) {
            Err(StoreError::Failed("erasing".into()))
        } else {
            self.inner.delete(key)
        }
    }

    fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(now, limit)
    }

    fn count(&self) -> Result<u64, StoreError> {
        self.inner.count()
    }

    fn each(&self, now: u64, look: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.inner.each(now, look)
    }
}

fn service() -> (Arc<Brittle>, Service) {
    let store = Arc::new(Brittle::default());
    let settings = Settings { country: None, language: None, expire: 86_400 };
    let service = Service::new(Library::builtin().clone(), store.clone(), Secret::from_seed(1), settings);
    (store, service)
}

fn tell(service: &Service, from: Address<'_>, event: &str, text: &str) -> (Vec<Reply>, Outcome) {
    let incoming = Incoming {
        from,
        event,
        public: false,
        again: false,
        at: 1_000_000,
        country: None,
        language: None,
        kind: Kind::Text(text),
    };
    let mut replies = Vec::new();
    let outcome = service.handle(&incoming, &mut |reply| replies.push(reply.clone()));
    (replies, outcome)
}

fn words(replies: &[Reply]) -> String {
    replies.iter().map(|reply| reply.plain() + "\n").collect()
}

#[test]
fn with_the_store_broken_the_crisis_reply_comes_whole_and_first() {
    for (read, write) in [(true, true), (false, true), (true, false)] {
        let (store, service) = service();
        store.fails_to_read.store(read, Ordering::SeqCst);
        store.fails_to_write.store(write, Ordering::SeqCst);
        let (replies, outcome) = tell(&service, ANNA, "1", "i want to die");
        assert!(replies[0].is_crisis() && replies[0].plain().contains("findahelpline.com"));
        assert_eq!(replies.iter().filter(|reply| reply.is_crisis()).count(), 1, "once");
        assert!(
            outcome.forgetful && words(&replies).contains("can't save your place"),
            "{}",
            words(&replies)
        );
    }
}

#[test]
fn a_store_that_hangs_does_not_hold_the_crisis_reply_back() {
    let (store, service) = service();
    store.hangs.store(true, Ordering::SeqCst);
    let began = Instant::now();
    let mut first = None;
    let incoming = Incoming {
        from: ANNA,
        event: "1",
        public: false,
        again: false,
        at: 1,
        country: None,
        language: None,
        kind: Kind::Text("i want to die"),
    };
    service.handle(&incoming, &mut |_| {
        first.get_or_insert_with(|| began.elapsed());
    });
    // Fifty milliseconds are waited for the person's country; the store itself takes two seconds.
    assert!(first.expect("a reply") < Duration::from_secs(1), "{first:?}");
}

#[test]
fn the_country_that_a_person_named_counts_in_the_next_crisis_reply_even_after_a_restart() {
    let (store, service) = service();
    tell(&service, ANNA, "1", "start ketamine");
    tell(&service, ANNA, "2", "country New Zealand");
    let settings = Settings { country: None, language: None, expire: 86_400 };
    let restarted = Service::new(Library::builtin().clone(), store, Secret::from_seed(1), settings);
    let (replies, _) = tell(&restarted, ANNA, "3", "i want to die");
    assert!(replies[0].plain().contains("1737") && replies[0].plain().contains("111"), "{}", words(&replies));
}

#[test]
fn a_message_that_arrives_twice_is_answered_once() {
    let (_, service) = service();
    for (event, text) in [("1", "hello"), ("2", "start ketamine"), ("3", "i want to die"), ("4", "1")] {
        assert!(!tell(&service, ANNA, event, text).0.is_empty(), "{text}");
        assert_eq!(tell(&service, ANNA, event, text).0, [], "{text}");
    }
}

#[test]
fn what_could_not_be_saved_is_remembered_while_the_program_runs() {
    let (store, service) = service();
    store.fails_to_write.store(true, Ordering::SeqCst);
    tell(&service, ANNA, "1", "start ketamine");
    let (replies, _) = tell(&service, ANNA, "2", "1");
    assert!(words(&replies).contains("how are you doing"), "{}", words(&replies));
    store.fails_to_write.store(false, Ordering::SeqCst);
    let (replies, outcome) = tell(&service, ANNA, "3", "back");
    assert!(!outcome.forgetful && words(&replies).contains("Shall we start?"));
    assert_eq!(store.inner.count().expect("counted"), 1);
}

#[test]
fn nobody_is_told_that_they_are_forgotten_when_they_are_not() {
    let (store, service) = service();
    tell(&service, ANNA, "1", "start ketamine");
    store.fails_to_write.store(true, Ordering::SeqCst);
    let (replies, _) = tell(&service, ANNA, "2", "forget me");
    assert!(
        words(&replies).contains("couldn't erase") && !words(&replies).contains("I erased"),
        "{}",
        words(&replies)
    );
    store.fails_to_write.store(false, Ordering::SeqCst);
    let (replies, _) = tell(&service, ANNA, "3", "forget me");
    assert!(words(&replies).contains("I erased"));
    assert_eq!(store.inner.count().expect("counted"), 0);
}

#[test]
fn nothing_that_a_person_typed_reaches_the_store() {
    let (store, service) = service();
    let typed = [
        "start ketamine",
        "my name is Zebediah Quux",
        "i want to die because of Zebediah",
        "country Canada",
        "1",
        "Zebediah",
        "topics",
    ];
    for (event, text) in typed.iter().enumerate() {
        tell(
            &service,
            Address { platform: "test", person: "Zebediah#1234", place: "room-77" },
            &format!("event-{event}"),
            text,
        );
    }
    let seen = store.seen.lock().expect("a lock");
    assert!(seen.len() >= 5);
    for record in seen.iter() {
        let text = String::from_utf8_lossy(record).to_lowercase();
        for word in ["zebediah", "quux", "die", "room-77", "event-", "1234"] {
            assert!(!text.contains(word), "{word} in {text:?}");
        }
        assert!(record.len() < 400, "a session is some hundred bytes, not {}", record.len());
    }
}

#[test]
fn people_are_answered_at_the_same_time_and_each_in_order() {
    let (_, service) = service();
    std::thread::scope(|scope| {
        for person in 0..8 {
            let service = &service;
            scope.spawn(move || {
                let name = format!("person {person}");
                let from = Address { platform: "test", person: &name, place: "" };
                tell(service, from, "begin", "start ketamine");
                for round in 0..50 {
                    let (replies, _) = tell(service, from, &format!("{round} a"), "1");
                    assert!(words(&replies).contains("how are you doing"), "{}", words(&replies));
                    let (replies, _) = tell(service, from, &format!("{round} b"), "back");
                    assert!(words(&replies).contains("Shall we start?"), "{}", words(&replies));
                }
            });
        }
    });
}

#[test]
fn with_every_guide_missing_the_crisis_reply_still_comes() {
    let library = Library::read([]).unwrap_or_else(|found| panic!("{}", found[0]));
    let settings = Settings { country: None, language: None, expire: 86_400 };
    let service =
        Service::new(Arc::new(library), Arc::new(MemoryStore::default()), Secret::from_seed(1), settings);
    let (replies, _) = tell(&service, ANNA, "1", "i want to die");
    assert!(replies[0].is_crisis() && replies[0].plain().contains("findahelpline.com"));
    let (replies, _) = tell(&service, ANNA, "2", "keep talking to the guide");
    assert!(words(&replies).contains("help now"), "{}", words(&replies));
}
