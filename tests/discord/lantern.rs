//! Lantern on the fake Discord, started and stopped by a test.

use std::sync::Arc;
use std::time::Duration;

use lantern::library::Library;
use lantern::safety::resource::Country;
use lantern::script::Language;
use lantern::shell::community::Communities;
use lantern::shell::config::DiscordConfig;
use lantern::shell::discord::{self, DiscordError, Parts};
use lantern::shell::store::memory::MemoryStore;
use lantern::shell::store::{Secret, Store};
use lantern::shell::telemetry::Telemetry;
use lantern::shell::{Service, Settings};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::Discord;

/// How Lantern is to be started.
pub struct Start {
    pub config: DiscordConfig,
    pub store: Arc<dyn Store>,
    pub library: Arc<Library>,
    pub country: Option<Country>,
    pub folder: tempfile::TempDir,
}

impl Default for Start {
    fn default() -> Self {
        Start {
            config: DiscordConfig::default(),
            store: Arc::new(MemoryStore::default()),
            library: Library::builtin().clone(),
            country: Country::parse("GB"),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }
}

/// Lantern, running.
pub struct Lantern {
    pub telemetry: Arc<Telemetry>,
    pub service: Arc<Service>,
    pub communities: Arc<Communities>,
    store: Arc<dyn Store>,
    library: Arc<Library>,
    folder: Option<tempfile::TempDir>,
    stop: watch::Sender<bool>,
    running: JoinHandle<Result<(), DiscordError>>,
}

impl Lantern {
    /// Starts it and waits until it is connected.
    pub async fn on(discord: &Discord) -> Lantern {
        let lantern = Lantern::starts(discord, Start::default());
        discord.logged_in().await;
        discord.has_commands(&["guide", "lantern"]).await;
        lantern.is_ready().await;
        lantern
    }

    /// Waits until it knows itself that it is connected.
    pub async fn is_ready(&self) {
        for _ in 0..1_000 {
            if self.telemetry.is_ready() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it is not ready within five seconds");
    }

    /// Starts it.
    pub fn starts(discord: &Discord, start: Start) -> Lantern {
        Lantern::starts_at(discord.proxy(), discord.token(), start)
    }

    /// Starts it on whatever stands in for Discord at an address.
    pub fn starts_at(api: String, token: String, start: Start) -> Lantern {
        let settings =
            Settings { country: start.country, language: Some(Language::new("en")), expire: 24 * 3600 };
        let service = Arc::new(Service::new(
            start.library.clone(),
            start.store.clone(),
            Secret::from_seed(7),
            settings,
        ));
        let communities =
            Arc::new(Communities::new(start.folder.path().join("communities"), service.clone()));
        let telemetry = Arc::new(Telemetry::new());
        let (stop, shutdown) = watch::channel(false);
        let parts = Parts {
            config: DiscordConfig { api, ..start.config },
            token,
            service: service.clone(),
            communities: communities.clone(),
            operator: None,
            telemetry: telemetry.clone(),
            shutdown,
        };
        Lantern {
            telemetry,
            service,
            communities,
            store: start.store,
            library: start.library,
            folder: Some(start.folder),
            stop,
            running: tokio::spawn(discord::run(parts)),
        }
    }

    /// Ends it as Ctrl-C does; how it ended.
    pub async fn stops(self) -> Result<(), DiscordError> {
        self.stop.send(true).expect("it runs");
        tokio::time::timeout(Duration::from_secs(10), self.running)
            .await
            .expect("it ends within ten seconds")
            .expect("it doesn't fail inside")
    }

    /// How it ended by itself.
    pub async fn ends(self) -> Result<(), DiscordError> {
        tokio::time::timeout(Duration::from_secs(10), self.running)
            .await
            .expect("it ends")
            .expect("it doesn't fail inside")
    }

    /// Ends it, and starts another with the same store, secret and folder.
    pub async fn restarts(mut self, discord: &Discord) -> Lantern {
        let start = Start {
            store: self.store.clone(),
            library: self.library.clone(),
            folder: self.folder.take().expect("a folder"),
            ..Start::default()
        };
        let sessions = discord.identified().len();
        self.stops().await.expect("in good order");
        // Discord wants five seconds between two that introduce themselves.
        discord.time_passes(Duration::from_secs(6));
        let next = Lantern::starts(discord, start);
        discord.has_identified(sessions + 1).await;
        discord.logged_in().await;
        next
    }
}
