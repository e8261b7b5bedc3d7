//! Lantern on Discord: events become [`Incoming`](super::Incoming), replies become messages in Discord's manners.
//! Whatever could be wrong about a conversation is decided, and tested, in the core.
//!
//! | file | about |
//! | --- | --- |
//! | `gateway`, `wire` | what Discord tells, and the connection on which it does |
//! | `interactions` | the same over HTTP |
//! | `front` | what concerns nobody is passed over, the rest is queued, crises ahead |
//! | `bot` | what all parts share, and a conversation with one person |
//! | `member`, `share` | what members do |
//! | `watch`, `alerts` | where others can read it, and what moderators are told |
//! | `moderator`, `permissions` | what moderators do |
//! | `commands` | the commands, as Discord is told of them |
//! | `render`, `outbox` | how replies look, and how they are sent |

mod alerts;
mod bot;
mod commands;
mod front;
mod gateway;
mod interactions;
mod member;
mod moderator;
mod outbox;
mod permissions;
pub mod render;
mod share;
mod watch;
pub mod wire;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use serenity::http::{LightMethod, Route};
use serenity::model::id::ApplicationId;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::watch as signal;
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::bot::Bot;
use self::front::Front;
use self::gateway::{Fatal, Shard, Turnstile};
use self::outbox::{Outbox, Refused};
use self::wire::Id;
use super::admin::{Desk, Manners, Operator};
use super::community::Communities;
use super::config::DiscordConfig;
use super::queue::Queue;
use super::run::stopped;
use super::telemetry::{Telemetry, note};
use super::{Service, clock};

/// The page on which a token is made and intents are switched on.
const PORTAL: &str = "https://discord.com/developers/applications";
/// How long what waits is finished when the program ends, and how long what is on its way.
const LAST_WORK: Duration = Duration::from_secs(6);
const LAST_LETTERS: Duration = Duration::from_secs(3);

/// What the bot is told of: servers, messages in them, direct messages.
const INTENTS: u64 = 1 | 1 << 9 | 1 << 12;
/// What messages that are not addressed to it say. Discord asks whoever wants this to switch it on.
const MESSAGE_CONTENT: u64 = 1 << 15;
/// Flags of an application that may have it: approved, or small.
const MAY_READ: u64 = 1 << 18 | 1 << 19;

/// Why the bot is not on Discord. Each says what to do.
#[derive(Debug, Error)]
pub enum DiscordError {
    /// There is no token.
    #[error(
        "there is no token for Discord; please set DISCORD_TOKEN, or write it into a file of its own and name that under [discord] token_file in bot.toml. {PORTAL} makes one (your application, Bot, Reset Token)"
    )]
    NoToken,
    /// The token's file can't be used.
    #[error("the token's file {0} can't be used: {1}")]
    TokenFile(String, String),
    /// Discord does not take the token, or something else that only an operator can mend.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// Discord refuses something that must be.
    #[error("Discord refuses {what} (status {}, code {})", .refused.status, .refused.code)]
    Refused {
        /// What was asked.
        what: &'static str,
        /// What it answered.
        refused: Refused,
    },
    /// A setting can't be so.
    #[error("{0}; please mend it under [discord] in bot.toml")]
    Setting(String),
    /// A port can't be opened.
    #[error("{0} can't be listened on ({1}); please choose another under [discord.http] listen in bot.toml")]
    Listen(String, std::io::Error),
    /// The system is out of something.
    #[error("the system gives no threads or connections ({0})")]
    System(String),
}

/// What the adapter stands on.
pub struct Parts {
    /// The settings.
    pub config: DiscordConfig,
    /// The bot's token.
    pub token: String,
    /// Answers people.
    pub service: Arc<Service>,
    /// What servers have chosen.
    pub communities: Arc<Communities>,
    /// The operator's scripts, where there is a folder of them.
    pub operator: Option<Operator>,
    /// Counts.
    pub telemetry: Arc<Telemetry>,
    /// Says when the program ends.
    pub shutdown: signal::Receiver<bool>,
}

/// The token: from the environment, else from its file, which only its owner may read.
///
/// # Errors
///
/// Where there is none, or others can read it.
pub fn token(config: &DiscordConfig) -> Result<String, DiscordError> {
    let tidy = |text: &str| text.trim().trim_start_matches("Bot ").trim().to_owned();
    match std::env::var("DISCORD_TOKEN") {
        Ok(token) if !token.trim().is_empty() => return Ok(tidy(&token)),
        _ => {}
    }
    if config.token_file.as_os_str().is_empty() {
        return Err(DiscordError::NoToken);
    }
    let shown = config.token_file.display().to_string();
    let text =
        super::config::secret_file(&config.token_file).map_err(|why| DiscordError::TokenFile(shown, why))?;
    Ok(tidy(&text))
}

/// Runs the bot until it is told to stop.
///
/// # Errors
///
/// Where going on makes no sense until somebody has done something.
pub async fn run(parts: Parts) -> Result<(), DiscordError> {
    let Parts { config, token, service, communities, operator, telemetry, shutdown } = parts;
    let shards = config.range().map_err(DiscordError::Setting)?;
    let client = reqwest::Client::builder()
        .user_agent(concat!("DiscordBot (lantern, ", env!("CARGO_PKG_VERSION"), ")"))
        .connect_timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| DiscordError::System(error.to_string()))?;
    let api = (!config.api.is_empty()).then(|| config.api.clone());
    let outbox =
        |application| Outbox::new(client.clone(), &token, api.clone(), application, Handle::current());
    let asking = outbox(Id(1));
    let Some(me) = ask(&asking, Route::UserMe, "its own name", &shutdown).await? else { return Ok(()) };
    let application = ask(&asking, Route::Oauth2ApplicationCurrent, "its application", &shutdown).await?;
    let Some(application) = application else { return Ok(()) };
    let id = |value: &Value| value["id"].as_str().and_then(Id::parse).unwrap_or_default();
    let (me, application_id) = (id(&me), id(&application));
    let may_read = application["flags"].as_u64().unwrap_or(0) & MAY_READ != 0;
    let outbox = outbox(application_id);
    let manners = Manners {
        channel: |id| format!("<#{id}>"),
        role: |id| format!("<@&{id}>"),
        command: "/lantern ",
        begin: "/guide",
        opt_out: "/privacy",
    };
    let desk = Desk::new(service.clone(), communities.clone(), operator, manners, clock::now());
    let bot = Arc::new(Bot {
        service,
        communities,
        desk,
        outbox: outbox.clone(),
        telemetry: telemetry.clone(),
        me,
        names: [format!("<@{me}>"), format!("<@!{me}>")],
        reads_content: AtomicBool::new(may_read),
        watch: watch::Watch::default(),
        alerts: alerts::Alerts::default(),
        servers: Mutex::new(BTreeSet::new()),
    });
    let queue = Queue::start(telemetry.clone()).map_err(|error| DiscordError::System(error.to_string()))?;
    let front = Arc::new(Front { bot, queue });
    let route = Route::Commands { application_id: ApplicationId::new(application_id.0.max(1)) };
    if let Err(refused) = outbox.request(route, LightMethod::Put, Some(&commands::all())).await {
        // Those of the last start are still there, and everything else works.
        note("commands-refused", &[("status", &refused.status), ("code", &refused.code)]);
    }
    let listening = interactions::listen(&config.http, front.clone(), shutdown.clone()).await?;
    let ended = if config.gateway {
        connect(&front, &token, shards, &asking, shutdown.clone()).await
    } else {
        telemetry.set_ready(true);
        let mut shutdown = shutdown.clone();
        stopped(&mut shutdown).await;
        Ok(())
    };
    telemetry.set_ready(false);
    drop(listening);
    let last = front.clone();
    let finished = tokio::task::spawn_blocking(move || last.queue.close(LAST_WORK)).await.unwrap_or(false);
    let sent = outbox.flush(LAST_LETTERS).await;
    note("discord-ended", &[("finished", &finished), ("sent", &sent)]);
    ended
}

/// Asks something that the bot can't do without, until it is answered or the program ends.
async fn ask(
    outbox: &Outbox,
    route: Route<'_>,
    what: &'static str,
    shutdown: &signal::Receiver<bool>,
) -> Result<Option<Value>, DiscordError> {
    let mut wait = Duration::from_secs(1);
    let mut shutdown = shutdown.clone();
    while !*shutdown.borrow() {
        let answer = tokio::select! {
            answer = outbox.request(route, LightMethod::Get, None) => answer,
            () = stopped(&mut shutdown) => break,
        };
        match answer {
            Ok(answer) => return Ok(Some(answer)),
            Err(Refused { status: 401, .. }) => return Err(Fatal::Token.into()),
            Err(refused @ Refused { status: 400..500, .. }) => {
                return Err(DiscordError::Refused { what, refused });
            }
            Err(_) => note("discord-unreachable", &[("again-in", &wait.as_secs())]),
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = stopped(&mut shutdown) => break,
        }
        wait = (wait * 2).min(Duration::from_secs(60));
    }
    Ok(None)
}

/// Connects all shards of this process and keeps them connected.
async fn connect(
    front: &Arc<Front>,
    token: &str,
    range: Option<(u32, RangeInclusive<u32>)>,
    asking: &Arc<Outbox>,
    shutdown: signal::Receiver<bool>,
) -> Result<(), DiscordError> {
    let Some(gateway) = ask(asking, Route::GatewayBot, "where its gateway is", &shutdown).await? else {
        return Ok(());
    };
    let number =
        |value: &Value, least: u64| u32::try_from(value.as_u64().unwrap_or(least).max(least)).unwrap_or(1);
    let (total, ids) = range.unwrap_or_else(|| {
        let total = number(&gateway["shards"], 1);
        (total, 0..=total - 1)
    });
    let limit = &gateway["session_start_limit"];
    if limit["remaining"].as_u64() == Some(0) {
        note("no-starts-left", &[("again-in-ms", &limit["reset_after"].as_u64().unwrap_or(0))]);
    }
    let turnstile = Arc::new(Turnstile::new(number(&limit["max_concurrency"], 1) as usize));
    let url = gateway["url"].as_str().unwrap_or("wss://gateway.discord.gg").to_owned();
    loop {
        let reads = front.bot.reads_content.load(Ordering::Acquire);
        if !reads {
            note(
                "message-content-off",
                &[("page", &PORTAL), ("then", &"everything but watching channels works")],
            );
        }
        let mut running = JoinSet::new();
        for id in ids.clone() {
            let shard = Shard {
                id,
                total,
                token: token.into(),
                intents: if reads { INTENTS | MESSAGE_CONTENT } else { INTENTS },
                url: url.clone(),
                turnstile: turnstile.clone(),
                telemetry: front.bot.telemetry.clone(),
            };
            let (front, shutdown) = (front.clone(), shutdown.clone());
            running.spawn(async move { shard.run(|name, data| front.take(name, data), shutdown).await });
        }
        let mut ended = Ok(());
        while let Some(one) = running.join_next().await {
            ended = one.unwrap_or(Ok(()));
            if ended.is_err() {
                running.shutdown().await;
            }
        }
        match ended {
            // The switch may have been turned off since Discord was asked.
            Err(Fatal::Intents) if front.bot.reads_content.swap(false, Ordering::AcqRel) => {}
            Err(fatal) => return Err(fatal.into()),
            Ok(()) => return Ok(()),
        }
    }
}
