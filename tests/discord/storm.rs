//! A cry in the middle of trouble of every kind: the reply is out, once, and first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use lantern::library::Library;
use lantern::shell::store::memory::MemoryStore;
use lantern::shell::store::{PersonKey, Put, Store, StoreError};

use crate::lantern::{Lantern, Start};
use crate::support::{Discord, Fault, Person, Sent, Way, intent};

const CRY: &str = "i want to kill myself";
const MESSAGES: &str = "POST /channels/{channel_id}/messages";
const CALLBACK: &str = "POST /interactions/{interaction_id}/{interaction_token}/callback";

async fn harbour() -> (Discord, Lantern) {
    let discord = Discord::start().await;
    discord.server("Harbour").channel("help");
    let lantern = Lantern::on(&discord).await;
    (discord, lantern)
}

fn is_rescue(sent: &Sent) -> bool {
    matches!(sent.way, Way::Message | Way::Reply | Way::FollowUp) && sent.says("116 123")
}

/// Waits for the reply, and makes sure that there is one only.
async fn rescued(discord: &Discord, person: &Person) -> Sent {
    let place = person.dm().id;
    let reply = discord.hears(|sent| is_rescue(sent) && sent.channel == place).await;
    discord.stays_silent(Duration::from_millis(200), |sent| is_rescue(sent) && sent.channel == place).await;
    let invalid = discord.invalid_requests();
    assert!(invalid < 200, "{invalid} of 10,000 invalid requests are used up");
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn through_rate_limits_of_one_route() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    discord.meets(MESSAGES, Fault::Limited { retry_after: Duration::from_millis(100), global: false }, 6);
    ana.says_in(&ana.dm(), CRY);
    rescued(&discord, &ana).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_limit_over_everything_ahead_of_all_that_waits() {
    let (discord, _lantern) = harbour().await;
    let people: Vec<Person> = (0..40).map(|n| discord.person(&format!("person {n}"))).collect();
    discord.meets("*", Fault::Limited { retry_after: Duration::from_millis(700), global: true }, 1);
    for person in &people {
        person.says_in(&person.dm(), "hello");
    }
    discord.has_asked(MESSAGES, 1).await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), CRY);
    let reply = rescued(&discord, &ana).await;
    let before = discord.sent().iter().filter(|sent| sent.number < reply.number).count();
    assert!(before <= 3, "{before} others were ahead");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_over_everything_holds_no_answer_to_a_command_back() {
    let (discord, _lantern) = harbour().await;
    let (ana, bob) = (discord.person("ana"), discord.person("bob"));
    discord.meets(MESSAGES, Fault::Limited { retry_after: Duration::from_secs(4), global: true }, 1);
    bob.says_in(&bob.dm(), "hello");
    discord.has_asked(MESSAGES, 1).await;
    let deed = ana.command(&discord.server("Harbour").channel("help"), "/guide name:i want to die");
    let reply = discord.answers(deed).await;
    assert!(is_rescue(&reply) && discord.time_between(deed.id, &reply) < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn through_failures_of_discord_itself() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    discord.meets(MESSAGES, Fault::Fails(502), 2);
    discord.meets(MESSAGES, Fault::Broken, 1);
    ana.says_in(&ana.dm(), CRY);
    rescued(&discord, &ana).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_on_its_way_is_not_said_twice() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    // It was done, and Lantern hears of it only after it has given up waiting.
    discord.meets(MESSAGES, Fault::SlowAnswer(Duration::from_secs(11)), 1);
    ana.says_in(&ana.dm(), CRY);
    rescued(&discord, &ana).await;
    discord.has_asked(MESSAGES, 1).await;
    let asked = tokio::time::timeout(Duration::from_secs(14), async {
        while discord.asked().iter().filter(|one| one.route == MESSAGES).count() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    asked.await.expect("it is tried again");
    discord.stays_silent(Duration::from_millis(200), is_rescue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_said_in_answer_to_a_command_is_said_directly() {
    let (discord, _lantern) = harbour().await;
    let (ana, help) = (discord.person("ana"), discord.server("Harbour").channel("help"));
    discord.meets(CALLBACK, Fault::SlowRequest(Duration::from_millis(3_200)), 1);
    ana.command(&help, "/guide name:i want to die");
    let reply = rescued(&discord, &ana).await;
    assert_eq!(reply.way, Way::Message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_discord_delays_nobody_elses_reply() {
    let (discord, _lantern) = harbour().await;
    let (ana, bob) = (discord.person("ana"), discord.person("bob"));
    discord.meets(MESSAGES, Fault::SlowRequest(Duration::from_secs(3)), 1);
    bob.says_in(&bob.dm(), "hello");
    discord.has_asked("GET /gateway/bot", 1).await;
    while !discord.asked().iter().any(|one| one.route == MESSAGES) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let said = ana.says_in(&ana.dm(), CRY);
    let reply = rescued(&discord, &ana).await;
    assert!(discord.time_between(said, &reply) < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_connection_that_breaks() {
    let (discord, _lantern) = harbour().await;
    let (ana, bob) = (discord.person("ana"), discord.person("bob"));
    discord.refuses_connections(true);
    discord.breaks_connections();
    ana.says_in(&ana.dm(), CRY);
    discord.refuses_connections(false);
    rescued(&discord, &ana).await;
    discord.asks_to_reconnect();
    bob.says_in(&bob.dm(), CRY);
    rescued(&discord, &bob).await;
    assert!(!discord.resumed().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_again_after_a_break_is_answered_once() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    let said = ana.says_in(&ana.dm(), CRY);
    rescued(&discord, &ana).await;
    discord.repeats(said);
    discord.stays_silent(Duration::from_millis(300), is_rescue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_ten_thousand_other_messages_a_second() {
    let (discord, _lantern) = harbour().await;
    discord.switches_on(intent::MESSAGE_CONTENT);
    let (ana, bob) = (discord.person("ana"), discord.person("bob"));
    let help = discord.server("Harbour").channel("help");
    let load = tokio::spawn(help.flood(&bob).a_second(10_000.0).send(20_000));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let said = ana.says_in(&ana.dm(), CRY);
    let reply = rescued(&discord, &ana).await;
    assert!(discord.time_between(said, &reply) < Duration::from_secs(3));
    load.await.expect("all were sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_full_queue() {
    let (discord, lantern) = harbour().await;
    let (ana, bob) = (discord.person("ana"), discord.person("bob"));
    let places = [(bob.dm(), bob.clone())];
    let load = discord.flood(places.iter().map(|(channel, person)| (channel, person)));
    load.of(&["hello", "start ketamine", "back", "what is this"]).send(3_000).await;
    let said = ana.says_in(&ana.dm(), CRY);
    let reply = rescued(&discord, &ana).await;
    assert!(discord.time_between(said, &reply) < Duration::from_secs(3));
    // Bob himself, whose own messages wait by the hundred, is answered at once as well.
    let said = bob.says_in(&bob.dm(), CRY);
    let his = rescued(&discord, &bob).await;
    assert!(discord.time_between(said, &his) < Duration::from_secs(3));
    drop(lantern);
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_guide_that_is_being_replaced() {
    let (discord, lantern) = harbour().await;
    let (service, communities) = (lantern.service.clone(), lantern.communities.clone());
    let busy = std::thread::spawn(move || {
        let page = Library::builtin_files().iter().find(|(path, _)| path.ends_with("ketamine/en.md"));
        let text = page.expect("the guide").1.replacen("Is ketamine worth", "Is it worth", 1);
        let changed = Arc::new(Library::builtin().with_page(&text).expect("it is sound"));
        for round in 0..200 {
            let next = if round % 2 == 0 { &changed } else { Library::builtin() };
            service.replace_library(next.clone());
            communities.refresh();
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    for n in 0..5 {
        let person = discord.person(&format!("person {n}"));
        person.says_in(&person.dm(), "start ketamine");
        person.says_in(&person.dm(), CRY);
        rescued(&discord, &person).await;
    }
    busy.join().expect("it was replaced");
}

/// A store that fails in one of several ways.
#[derive(Default)]
struct Broken {
    inner: MemoryStore,
    /// 0: not at all; 1: it says so; 2: it fails inside; 3: it hangs.
    how: AtomicU8,
}

impl Broken {
    fn fails<T>(&self, otherwise: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.how.load(Ordering::SeqCst) {
            1 => Err(StoreError::Failed("on purpose".into())),
            2 => panic!("the store fails inside, on purpose"),
            3 => {
                std::thread::sleep(Duration::from_secs(4));
                otherwise()
            }
            _ => otherwise(),
        }
    }
}

impl Store for Broken {
    fn get(&self, key: &PersonKey, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.fails(|| self.inner.get(key, now))
    }
    fn put(
        &self,
        key: &PersonKey,
        old: Option<&[u8]>,
        new: &[u8],
        now: u64,
        expires: u64,
    ) -> Result<Put, StoreError> {
        self.fails(|| self.inner.put(key, old, new, now, expires))
    }
    fn delete(&self, key: &PersonKey) -> Result<bool, StoreError> {
        self.fails(|| self.inner.delete(key))
    }
    fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        self.fails(|| self.inner.sweep(now, limit))
    }
    fn count(&self) -> Result<u64, StoreError> {
        self.fails(|| self.inner.count())
    }
    fn each(&self, now: u64, look: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.fails(|| self.inner.each(now, look))
    }
}

/// The reply comes in private, by mention and by command, with a store that is broken so.
async fn with_a_store(how: u8) {
    let discord = Discord::start().await;
    let help = discord.server("Harbour").channel("help");
    let store = Arc::new(Broken::default());
    store.how.store(how, Ordering::SeqCst);
    let lantern = Lantern::starts(&discord, Start { store, ..Start::default() });
    discord.logged_in().await;
    discord.has_commands(&["guide", "lantern"]).await;
    // Whatever waits for the store already.
    for n in 0..40 {
        let other = discord.person(&format!("person {n}"));
        other.says_in(&other.dm(), "start ketamine");
    }
    let (ana, bob, cem) = (discord.person("ana"), discord.person("bob"), discord.person("cem"));
    let said = ana.says_in(&ana.dm(), CRY);
    let reply = rescued(&discord, &ana).await;
    assert!(discord.time_between(said, &reply) < Duration::from_secs(2));
    let said = bob.says_in(&help, &format!("{} {CRY}", discord.mention()));
    let reply = discord.hears(|sent| is_rescue(sent) && sent.channel == help.id).await;
    assert!(discord.time_between(said, &reply) < Duration::from_secs(2));
    let deed = cem.command(&help, "/guide name:i want to die");
    let reply = discord.answers(deed).await;
    assert!(is_rescue(&reply) && discord.time_between(deed.id, &reply) < Duration::from_secs(2));
    drop(lantern);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_store_that_refuses() {
    with_a_store(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_store_that_fails_inside() {
    with_a_store(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_store_that_hangs() {
    with_a_store(3).await;
}
