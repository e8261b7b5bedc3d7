//! Discord, played: an HTTP API and a gateway on this machine, which a real client library logs in to.
//!
//! ```ignore
//! let discord = Discord::start().await;
//! let help = discord.server("Harbour").channel("help");
//! let ana = discord.person("ana");
//! // … start the bot with `discord.token()` and `discord.proxy()` …
//! discord.logged_in().await;
//! ana.says_in(&ana.dm(), "I need a break");
//! let reply = discord.hears(|sent| sent.says("116 123")).await;
//! ana.taps(&reply, "Get help now");
//! ```
//!
//! Every request is held against Discord's own description of its API (`openapi.json`, MIT, snapshot of
//! 2026-07-18) and against the limits that the description leaves out. The first one that breaks a rule fails
//! the test: while it waits for something, or at the latest when [`Discord`] is dropped.
//!
//! | file | about |
//! | --- | --- |
//! | `state` | what there is, and who may do what |
//! | `people`, `places`, `commands` | what people do, and where |
//! | `log` | what the bot sent, in order |
//! | `http`, `routes`, `interactions` | requests and their answers |
//! | `gateway`, `socket` | sessions and connections |
//! | `validate`, `limits` | the rules |
//! | `faults`, `load` | trouble, and too much of everything |
//! | `twin` | the other fake, npm's `discord-digital-twin` |
#![allow(dead_code, unused_imports, reason = "each test uses its part")]
#![allow(missing_docs, reason = "fields that say what they are")]

mod commands;
mod faults;
mod gateway;
mod http;
mod interactions;
mod limits;
mod load;
mod log;
mod people;
mod places;
mod routes;
mod shapes;
mod socket;
mod state;
mod twin;
mod validate;
mod waiting;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::serve::ListenerExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use faults::Fault;
pub use gateway::{Identified, Resumption, intent};
pub use load::{Flood, Load, Sending};
pub use log::{File, Sent, Way};
pub use people::{Deed, Message, Person};
pub use places::{Channel, Server};
pub use state::{Asked, Id, permission};
pub use twin::Twin;

use gateway::Out;
use state::World;

/// What everything shares.
pub(crate) struct Inner {
    world: Mutex<World>,
    began: Instant,
    /// Milliseconds by which the clock was put forward.
    skipped: AtomicU64,
    turned: watch::Sender<u64>,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, World> {
        // A test that failed while it held the world is not helped by a second panic.
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.began.elapsed() + Duration::from_millis(self.skipped.load(Ordering::Relaxed))
    }

    /// Wakes whoever waits for something.
    fn changed(&self) {
        self.turned.send_modify(|turn| *turn += 1);
    }
}

/// Discord, as long as it isn't dropped.
pub struct Discord {
    inner: Arc<Inner>,
    serving: JoinHandle<()>,
    patience: Duration,
}

impl Discord {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start() -> Discord {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let inner = Arc::new(Inner {
            world: Mutex::new(World::new(address)),
            began: Instant::now(),
            skipped: AtomicU64::new(0),
            turned: watch::channel(0).0,
        });
        // An event must not wait for the acknowledgement of the one before.
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        let router = http::router(Arc::clone(&inner));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Discord { inner, serving, patience: Duration::from_secs(10) }
    }

    /// The bot's token.
    pub fn token(&self) -> String {
        self.inner.lock().token.clone()
    }

    /// `http://127.0.0.1:…`, to be given to the library in place of discord.com.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.inner.lock().address)
    }

    /// The application, which is also the bot's own user.
    pub fn application(&self) -> Id {
        self.inner.lock().application
    }

    /// `<@…>` of the bot.
    pub fn mention(&self) -> String {
        format!("<@{}>", self.inner.lock().bot)
    }

    /// A server that the bot is on; made when there is none of that name, and announced to the bot.
    pub fn server(&self, name: &str) -> Server {
        let mut world = self.inner.lock();
        let known = world.guilds.values().find(|guild| guild.name == name).map(|guild| guild.id);
        let id = known.unwrap_or_else(|| {
            let id = world.add_guild(name);
            world.dispatch_guild(id);
            id
        });
        Server { inner: Arc::clone(&self.inner), id }
    }

    /// Somebody who is a member of every server; made when there is nobody of that name.
    pub fn person(&self, name: &str) -> Person {
        self.somebody(name, false)
    }

    /// Somebody who is a member of no server.
    pub fn stranger(&self, name: &str) -> Person {
        self.somebody(name, true)
    }

    fn somebody(&self, name: &str, stranger: bool) -> Person {
        let mut world = self.inner.lock();
        let known = world.people.values().find(|person| person.name == name).map(|person| person.id);
        let id = known.unwrap_or_else(|| world.add_person(name, false));
        if stranger {
            world.people.get_mut(&id).expect("a person").stranger = true;
            world.guilds.values_mut().for_each(|guild| drop(guild.members.remove(&id)));
        }
        Person { inner: Arc::clone(&self.inner), id }
    }

    /// Very many messages of many people, each where they are: one after the other.
    pub fn flood<'a>(&self, places: impl IntoIterator<Item = (&'a Channel, &'a Person)>) -> Load {
        let places = places.into_iter().map(|(channel, person)| (channel.id, person.id)).collect();
        Load::new(Arc::clone(&self.inner), places)
    }

    /// From something that a person said or did to something that was sent.
    pub fn time_between(&self, said: Id, sent: &Sent) -> Duration {
        let world = self.inner.lock();
        let deed = || world.interactions.get(&said).map(|interaction| interaction.made);
        let began =
            world.said.get(&said).copied().or_else(deed).expect("something that somebody said or did");
        sent.at.saturating_sub(began)
    }

    /// The next `times` requests to a route (`POST /channels/{channel_id}/messages`, or `*`) meet a fault.
    pub fn meets(&self, route: &str, fault: Fault, times: usize) {
        let known = route == "*"
            || route
                .split_once(' ')
                .is_some_and(|(method, path)| validate::operation(method, path).is_some());
        assert!(known, "Discord has no route {route:?}");
        self.inner.lock().faults.plan(route, fault, times);
    }

    /// All requests are answered as they should be again.
    pub fn recovers(&self) {
        self.inner.lock().faults.clear();
    }

    /// Each route (in each channel) takes so many requests in so long, and answers 429 above.
    pub fn limits_routes(&self, limit: u32, window: Duration) {
        let mut world = self.inner.lock();
        (world.faults.limit, world.faults.window) = (limit, window);
    }

    /// All routes together take so many requests a second: Discord's own figure is 50.
    pub fn limits_everything(&self, a_second: u32) {
        self.inner.lock().faults.overall = Some(a_second);
    }

    /// Puts the clock forward.
    pub fn time_passes(&self, time: Duration) {
        let time = u64::try_from(time.as_millis()).expect("a reasonable time");
        self.inner.skipped.fetch_add(time, Ordering::Relaxed);
    }

    /// How long the bot has for its first reply to an interaction; 3 s by default.
    pub fn waits_for_replies(&self, deadline: Duration) {
        self.inner.lock().deadline = deadline;
    }

    /// Messages may ping roles, in this test.
    pub fn lets_roles_be_pinged(&self) {
        self.inner.lock().may_ping_roles = true;
    }

    /// Interactions are no longer sent through the gateway: a test takes each with [`Discord::call`], signs it,
    /// sends it to the bot's address, and hands the answer to [`Discord::takes`].
    pub fn calls_over_http(&self) {
        self.inner.lock().over_http = true;
    }

    /// The body with which Discord would call the bot's address.
    pub fn call(&self, deed: Deed) -> String {
        self.inner.lock().calls[&deed.id].clone()
    }

    /// What the bot's address answered; the status that it deserves (204: taken).
    pub fn takes(&self, deed: Deed, answer: serde_json::Value) -> u16 {
        let now = self.inner.now();
        let reply = interactions::inline(&mut self.inner.lock(), deed.id, answer, now);
        self.inner.changed();
        reply.status
    }

    /// Switches privileged intents (`intent::…`) on in the developer portal, and all others off.
    pub fn switches_on(&self, privileged: u64) {
        self.inner.lock().gateway.privileged = privileged;
    }

    /// How many shards are recommended, and how many may identify at once.
    pub fn recommends(&self, shards: u64, max_concurrency: u64) {
        let mut world = self.inner.lock();
        (world.gateway.shards, world.gateway.max_concurrency) = (shards, max_concurrency);
    }

    /// How often the bot has to send a heartbeat: from its next connection on.
    pub fn wants_heartbeats(&self, every: Duration) {
        self.inner.lock().gateway.heartbeat = every;
    }

    /// Asks the bot to connect again (operation 7).
    pub fn asks_to_reconnect(&self) {
        self.tell_all(r#"{"op":7,"s":null,"t":null,"d":null}"#);
    }

    /// Asks for a heartbeat at once (operation 1).
    pub fn asks_for_a_heartbeat(&self) {
        self.tell_all(r#"{"op":1,"s":null,"t":null,"d":null}"#);
    }

    /// Ends the sessions (operation 9). When they can't be resumed, they are forgotten.
    pub fn invalidates_sessions(&self, resumable: bool) {
        if !resumable {
            let mut world = self.inner.lock();
            world.gateway.sessions.clear();
        }
        self.tell_all(&format!(r#"{{"op":9,"s":null,"t":null,"d":{resumable}}}"#));
    }

    fn tell_all(&self, text: &str) {
        self.inner.lock().gateway.lines.iter().for_each(|line| line.send(Out::Text(text.to_owned())));
    }

    /// Breaks every connection without a word.
    pub fn breaks_connections(&self) {
        self.inner.lock().gateway.lines.iter().for_each(|line| line.send(Out::Break));
    }

    /// Closes every connection with a code.
    pub fn closes_connections(&self, code: u16) {
        self.inner.lock().gateway.lines.iter().for_each(|line| line.send(Out::Close(code)));
    }

    /// Refuses new connections, or takes them again.
    pub fn refuses_connections(&self, refuses: bool) {
        self.inner.lock().gateway.closed = refuses;
    }

    /// Holds all events back, or sends what was held.
    pub fn holds_events(&self, held: bool) {
        self.inner.lock().gateway.pause(held);
    }

    /// Answers no heartbeat any more, or does again.
    pub fn ignores_heartbeats(&self, silent: bool) {
        self.inner.lock().gateway.silent = silent;
    }

    /// Sends the event of a message once more, as happens after a connection broke.
    pub fn repeats(&self, message: Id) {
        self.inner.lock().dispatch_message("MESSAGE_CREATE", message);
    }
}

impl Drop for Discord {
    fn drop(&mut self) {
        self.serving.abort();
        if !std::thread::panicking() {
            self.verify();
        }
    }
}
