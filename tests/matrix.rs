//! Conversations on Matrix: a real homeserver, clients that nobody here wrote, and Lantern as a process.

#[path = "support/matrix/mod.rs"]
mod matrix;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use lantern::library::Library;
use lantern::shell::matrix::{Credentials, Log, MatrixConfig};
use lantern::shell::store::sled;
use lantern::shell::{Service, Settings};
use matrix::{Bot, Synapse, World, body};
use serde_json::{Value, json};

/// The bot's process is this very program, asked for the one test that is no test.
fn bot_command(settings: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program"));
    command.args(["--ignored", "--exact", "bot_process", "--nocapture"]).env("BOT_SETTINGS", settings);
    command
}

#[test]
#[ignore = "it is the bot"]
fn bot_process() {
    let Some(file) = std::env::var_os("BOT_SETTINGS") else { return };
    let text = std::fs::read_to_string(file).expect("settings");
    let mut all: toml::Table = toml::from_str(&text).expect("TOML");
    let config: MatrixConfig = all.remove("matrix").expect("a section").try_into().expect("settings");
    let path = std::path::PathBuf::from(all["store"]["path"].as_str().expect("a path"));
    let opened = sled::open(&path, std::time::Duration::from_secs(10)).expect("a store");
    let (store, secret) = (opened.store, opened.secret);
    let settings = Settings { country: None, language: None, expire: 86_400 };
    let service = Arc::new(Service::new(Library::builtin().clone(), store, secret, settings));
    let log = Log::new(|line| eprintln!("{line}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let credentials = Credentials::from_environment().expect("secrets");
    let ended = runtime.block_on(lantern::shell::matrix::run(
        config,
        credentials,
        service,
        log,
        std::future::pending(),
    ));
    if let Err(error) = ended {
        eprintln!("lantern: {error}");
        std::process::exit(1);
    }
}

#[test]
fn somebody_invites_lantern_to_a_direct_room_and_is_greeted() {
    let synapse = Synapse::shared();
    let bot = Bot::start(synapse);
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let talk = anna.direct(&bot.id, false);
    let words = talk.words();
    assert!(words.starts_with("Hi. I'm an automated guide, not a person."), "{words}");
    assert!(words.contains("1. "), "{words}");
    let _: Value = json!({});
    let _ = body;
}
