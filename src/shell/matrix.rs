//! Lantern on Matrix: events become [`Incoming`](super::Incoming), replies become messages in Matrix's manners.
//!
//! How an event travels:
//!
//! 1. `sync` asks the server for what is new, in a loop that never waits for an answer to anybody. After a start and
//!    after a gap it reads each room back to the mark in the `ledger`.
//! 2. [`hear`] reads what an event says; a crisis message goes to the front of the [`desk`], others to the end of
//!    their room's line.
//! 3. `talk` takes from the desk, asks the [`Service`] and sends what it says, as [`render`] writes it, under names that
//!    the server takes once.
//! 4. The ledger notes the event as done.
//!
//! Nothing that was typed is kept or logged here, and no log line names a person or a room. The Matrix library's own
//! log is never switched on: it quotes events.

mod alerts;
mod cards;
mod crypto;
pub mod desk;
mod guides;
pub mod hear;
mod ledger;
mod moderators;
pub mod render;
mod rooms;
mod send;
mod session;
mod sync;
mod talk;

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::watch;

pub use session::Credentials;

use super::admin::{self, Operator};
use super::community::Communities;
use super::config::MatrixConfig;
use super::run::stopped;
use super::telemetry::{Telemetry, note};
use super::{Service, clock};

/// Where lines for the operator go.
#[derive(Clone)]
struct Log(Arc<dyn Fn(&str) + Send + Sync>);

impl Log {
    /// Hands each line, without a line break, to `write`.
    fn new(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Log(Arc::new(write))
    }

    fn say(&self, line: &str) {
        (self.0)(line);
    }
}

/// Why Lantern isn't on Matrix.
#[derive(Debug, Error)]
pub enum MatrixError {
    /// A file can't be read or written.
    #[error("{path} can't be used ({reason}); please check its rights", path = .0.display(), reason = .1)]
    File(PathBuf, std::io::Error),
    /// The store is there and its key isn't.
    #[error(
        "the key {key} of the store {store} is gone or damaged: please restore it, or move the store away to begin \
         as a new device", key = .0.display(), store = .1.display()
    )]
    KeyLost(PathBuf, PathBuf),
    /// Another process has the device.
    #[error("another lantern runs with the device in {path}; please stop it, or choose another device_path", path = .0.display())]
    InUse(PathBuf),
    /// Nothing to sign in with.
    #[error(
        "there is nothing to sign in with on Matrix; please set MATRIX_PASSWORD once, or name a file with it under \
         [matrix] password_file in bot.toml"
    )]
    NoCredentials,
    /// The server refuses the password.
    #[error("the server refuses the password of {0}; please check user in [matrix] and MATRIX_PASSWORD")]
    WrongPassword(String),
    /// The server doesn't know the access token.
    #[error("the server doesn't know this access token; please make a new one and set MATRIX_ACCESS_TOKEN")]
    WrongToken,
    /// The server has ended the session and its device.
    #[error(
        "the server has signed this device out. Please move {session} and {store} away, and start again with \
         MATRIX_PASSWORD set; the recovery key beside them brings the identity back",
        session = .0.display(), store = .1.display()
    )]
    SignedOut(PathBuf, PathBuf),
    /// The access token was taken back while its device was in use.
    #[error(
        "the server doesn't know the access token any more, and with it the device is gone. Please move {store} away, \
         make a new token, and set MATRIX_ACCESS_TOKEN; the recovery key beside it brings the identity back",
        store = .0.display()
    )]
    TokenTakenBack(PathBuf),
    /// The server wants to be signed in to again, and keeps the device.
    #[error(
        "the server wants the password again (a soft logout): please start once with MATRIX_PASSWORD set. The device \
         and its keys stay as they are: move nothing away"
    )]
    SoftLogout,
    /// There is a new token, for a client that is made anew.
    #[error("signed in again")]
    BeginAgain,
    /// The server can't be reached, or is none.
    #[error("the homeserver {0} doesn't answer as one ({1}); please check homeserver in [matrix]")]
    Server(String, String),
    /// The store of the Matrix library fails.
    #[error("the Matrix store can't be used ({0})")]
    Store(String),
    /// The encryption can't be set up.
    #[error("{0}")]
    Encryption(String),
}

impl MatrixError {
    fn server(homeserver: &str, error: &dyn std::error::Error) -> Self {
        // The cause says what an operator can mend; the layers above it only say that there is one.
        let mut deepest = error;
        while let Some(cause) = deepest.source() {
            deepest = cause;
        }
        let mut why = deepest.to_string();
        // A certificate that nobody else finds too old or too new.
        if ["Expired", "NotValidYet", "not valid yet", "expired"].iter().any(|word| why.contains(word)) {
            why.push_str("; a wrong clock on this machine looks the same, please check it as well");
        }
        MatrixError::Server(homeserver.to_owned(), why)
    }

    /// Whether trying again later can help.
    pub fn may_pass(&self) -> bool {
        matches!(self, MatrixError::Server(..))
    }
}

/// What Lantern on Matrix is made of.
pub struct Parts {
    /// The section of the settings.
    pub config: MatrixConfig,
    /// What signs in.
    pub credentials: Credentials,
    /// Who answers.
    pub service: Arc<Service>,
    /// What rooms have chosen for themselves.
    pub communities: Arc<Communities>,
    /// The operator's scripts, where there is a folder of them.
    pub operator: Option<Operator>,
    /// What is counted.
    pub telemetry: Arc<Telemetry>,
    /// Becomes true when it is to end.
    pub shutdown: watch::Receiver<bool>,
}

/// Signs in and answers everybody until it is told to stop. It needs a runtime with several threads.
///
/// # Errors
///
/// Where it can't sign in, or the session ends while it runs. What is broken for a while only, such as a server that
/// restarts, is waited for.
pub async fn run(parts: Parts) -> Result<(), MatrixError> {
    let Parts { config, credentials, service, communities, operator, telemetry, mut shutdown } = parts;
    let log = Log::new(|line| note("matrix", &[("what", &line)]));
    let files = session::Files::open(&config.device_path)?;
    let moderators =
        admin::Desk::new(service.clone(), communities, operator, moderators::MANNERS, clock::now());
    let moderators = Arc::new(moderators);
    loop {
        let client = tokio::select! {
            client = sync::patiently(&config, &credentials, &files, &log) => client?,
            () = stopped(&mut shutdown) => return Ok(()),
        };
        let (config, service, moderators) = (config.clone(), service.clone(), moderators.clone());
        let bot = talk::Bot::new(client, config, service, moderators, telemetry.clone(), log.clone());
        match bot.serve(&credentials, &files, stopped(&mut shutdown)).await {
            // What was under way is found again as after any end of the program.
            Err(MatrixError::BeginAgain) => {}
            ended => return ended,
        }
    }
}
