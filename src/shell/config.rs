//! `bot.toml`: what an operator can choose. Every key has a default, unknown keys are refused.
//!
//! No secret belongs here: tokens come from the environment or from files of their own.

mod matrix;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::safety::resource::Country;
use crate::script::Language;
pub use matrix::MatrixConfig;

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "bot.toml";

/// The code of what can be wrong with bot.toml.
const CODE: &str = "C001";

/// Everything that an operator can choose.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder of guides; the built-in ones serve where it isn't there.
    pub scripts: PathBuf,
    /// The guide that a conversation in the terminal begins with.
    pub guide: String,
    /// The language that people are answered in until they choose another.
    pub language: String,
    /// The country whose numbers are shown until a person names theirs; empty for none.
    pub country: String,
    /// What is kept, where, and for how long.
    pub store: StoreConfig,
    /// The bot on Discord.
    pub discord: DiscordConfig,
    /// The bot on Matrix.
    pub matrix: MatrixConfig,
    /// What an operator can see of a running bot.
    pub metrics: MetricsConfig,
}

/// The bot on Discord. Its token comes from the environment, or from a file of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiscordConfig {
    /// The file that holds the token, where `DISCORD_TOKEN` is not set; none where it is empty.
    pub token_file: PathBuf,
    /// Of how many shards there are; 0 for as many as Discord recommends.
    pub shards: u32,
    /// Which of them this process runs, such as `0-3`; all where it is empty.
    pub run_shards: String,
    /// Whether to connect to the gateway. Without it the bot knows only what comes over HTTP.
    pub gateway: bool,
    /// What stands in for `https://discord.com`, where requests go through a proxy; nothing where it is empty.
    pub api: String,
    /// Interactions over HTTP.
    pub http: HttpConfig,
}

/// Interactions over HTTP.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where to listen, such as `127.0.0.1:8080`; nowhere where it is empty.
    pub listen: String,
    /// The application's public key, 64 hexadecimal digits. It is no secret.
    pub public_key: String,
}

/// What an operator can see of a running bot.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Where health and figures can be read, such as `127.0.0.1:9090`: an address of this machine; nowhere where it
    /// is empty.
    pub listen: String,
}

impl Default for DiscordConfig {
    fn default() -> Self {
        DiscordConfig {
            token_file: PathBuf::new(),
            shards: 0,
            run_shards: String::new(),
            gateway: true,
            api: String::new(),
            http: HttpConfig::default(),
        }
    }
}

impl DiscordConfig {
    /// Of how many shards there are, and which of them this process runs; none for what Discord recommends.
    ///
    /// # Errors
    ///
    /// What is wrong with the two settings.
    pub fn range(&self) -> Result<Option<(u32, RangeInclusive<u32>)>, String> {
        let wanted = self.run_shards.trim();
        if self.shards == 0 {
            let help = "run_shards needs the number of all shards in shards";
            return if wanted.is_empty() { Ok(None) } else { Err(help.to_owned()) };
        }
        if wanted.is_empty() {
            return Ok(Some((self.shards, 0..=self.shards - 1)));
        }
        let (first, last) = wanted.split_once('-').unwrap_or((wanted, wanted));
        match (first.trim().parse(), last.trim().parse()) {
            (Ok(first), Ok(last)) if first <= last && last < self.shards => {
                Ok(Some((self.shards, first..=last)))
            }
            _ => Err(format!("run_shards is \"{wanted}\" and should be such as 0-{}", self.shards - 1)),
        }
    }
}

/// The text of a file that holds a secret: its owner's alone, else what to do about it.
///
/// # Errors
///
/// Why it can't be used, as half a sentence.
pub fn secret_file(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    #[cfg(unix)]
    {
        let meta = std::fs::metadata(path).map_err(|error| error.to_string())?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions());
        if mode & 0o077 != 0 {
            return Err(format!(
                "others can read it (mode {:03o}); please run chmod 600 on it",
                mode & 0o777
            ));
        }
    }
    if text.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(text) }
}

/// What is kept, where, and for how long.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `sled` keeps sessions on disk, `memory` only while the program runs.
    pub kind: StoreKind,
    /// The folder of the store.
    pub path: PathBuf,
    /// After how many hours without a message a session is erased; 1 to 720.
    pub expire_hours: u64,
    /// How long opening may take, in seconds, before the database counts as damaged; 1 to 600.
    pub open_seconds: u64,
}

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// On disk.
    Sled,
    /// Only while the program runs.
    Memory,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            scripts: "scripts".into(),
            guide: "ketamine".into(),
            language: "en".into(),
            country: String::new(),
            store: StoreConfig::default(),
            discord: DiscordConfig::default(),
            matrix: MatrixConfig::default(),
            metrics: MetricsConfig::default(),
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        StoreConfig { kind: StoreKind::Sled, path: "lantern-data".into(), expire_hours: 24, open_seconds: 10 }
    }
}

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file is named, and can't be read.
    #[error("{path} can't be read ({reason}); please check the name behind --config", path = .0.display(), reason = .1)]
    Unreadable(PathBuf, std::io::Error),
    /// The file says something that it can't say.
    #[error("{0}")]
    Wrong(Box<Diagnostic>),
}

impl Config {
    /// Reads the file that is named, or `bot.toml` where there is one, or takes the defaults.
    ///
    /// # Errors
    ///
    /// Says which line is wrong, and what could stand there.
    pub fn load(named: Option<&Path>) -> Result<Config, ConfigError> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(path) {
            Ok(text) => Config::read(&path.display().to_string(), &text).map_err(ConfigError::Wrong),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Config::default())
            }
            Err(error) => Err(ConfigError::Unreadable(path.to_owned(), error)),
        }
    }

    /// Reads the text of a configuration.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn read(path: &str, text: &str) -> Result<Config, Box<Diagnostic>> {
        let source = Source::new(path, text);
        let config: Config = toml::from_str(text).map_err(|error| {
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
            let help = match quoted.split_first() {
                Some((wrong, known)) if message.starts_with("unknown") => {
                    nearest(wrong, known.iter().copied()).map_or_else(
                        || format!("the keys here are {}", known.join(", ")),
                        |near| format!("did you mean {near}?"),
                    )
                }
                _ => "please mend this line; the bot.toml that comes with Lantern shows every key".to_owned(),
            };
            let what = match quoted.split_first() {
                Some((wrong, _)) if message.starts_with("unknown field") => {
                    format!("there is no key \"{wrong}\"")
                }
                _ => message.clone(),
            };
            Box::new(Diagnostic::error(CODE, what, help).at(&source, error.span().unwrap_or(0..0)))
        })?;
        let wrong = |value: String, what: &str, help: &str| {
            let at = text.find(&value).unwrap_or(0);
            Box::new(
                Diagnostic::error(CODE, format!("{what}: {value}"), help).at(&source, at..at + value.len()),
            )
        };
        if !(1..=720).contains(&config.store.expire_hours) {
            return Err(wrong(
                config.store.expire_hours.to_string(),
                "sessions can't be kept that long",
                "please write a number of hours from 1 to 720 (30 days)",
            ));
        }
        if !(1..=600).contains(&config.store.open_seconds) {
            return Err(wrong(
                config.store.open_seconds.to_string(),
                "this is no useful time limit",
                "please write a number of seconds from 1 to 600",
            ));
        }
        if !Language::is_code(&config.language) {
            return Err(wrong(
                format!("\"{}\"", config.language),
                "this is not a language code",
                "please write a code such as \"en\" or \"de\"",
            ));
        }
        if !config.country.is_empty() && Country::parse(&config.country).is_none() {
            return Err(wrong(
                format!("\"{}\"", config.country),
                "this is not a country code",
                "please write two letters such as \"GB\", or \"\" for none",
            ));
        }
        if let Err(what) = config.discord.range() {
            let at = text.find("run_shards").unwrap_or(0);
            let help = "please write the first and the last of them, counted from 0, or \"\" for all";
            return Err(Box::new(
                Diagnostic::error(CODE, what, help).at(&source, at..at + "run_shards".len()),
            ));
        }
        let listen = &config.metrics.listen;
        if !listen.is_empty() && !listen.parse::<SocketAddr>().is_ok_and(|at| at.ip().is_loopback()) {
            return Err(wrong(
                format!("\"{listen}\""),
                "figures are not for everybody on the network",
                "please write an address of this machine and a port, such as \"127.0.0.1:9090\"",
            ));
        }
        Ok(config)
    }

    /// The country whose numbers are shown by default.
    pub fn country(&self) -> Option<Country> {
        Country::parse(&self.country)
    }

    /// The language that people are answered in by default.
    pub fn language(&self) -> Language {
        Language::new(&self.language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Box<Diagnostic> {
        Config::read("bot.toml", text).expect_err("it is wrong")
    }

    #[test]
    fn the_file_that_comes_with_the_project_says_every_default() {
        let text = include_str!("../../bot.toml");
        let shipped = Config::read("bot.toml", text).unwrap_or_else(|found| panic!("{found}"));
        assert_eq!(format!("{shipped:?}"), format!("{:?}", Config::default()));
        for key in [
            "scripts",
            "guide",
            "language",
            "country",
            "kind",
            "path",
            "expire_hours",
            "open_seconds",
            "token_file",
            "shards",
            "run_shards",
            "gateway",
            "api",
            "listen",
            "public_key",
            "homeserver",
            "user",
            "password_file",
            "access_token_file",
            "device_path",
            "invites",
            "reactions",
        ] {
            let line = text
                .lines()
                .position(|line| line.starts_with(&format!("{key} =")))
                .unwrap_or_else(|| panic!("{key} is not there"));
            assert!(
                text.lines().nth(line - 1).is_some_and(|above| above.starts_with('#')),
                "{key} has no comment"
            );
        }
    }

    #[test]
    fn a_mistyped_key_is_answered_with_the_nearest() {
        let found = wrong("contry = \"GB\"\n");
        assert_eq!(
            (found.what.as_str(), found.help.as_str()),
            ("there is no key \"contry\"", "did you mean country?")
        );
        assert_eq!(wrong("[store]\nexpire_hour = 3\n").help, "did you mean expire_hours?");
        assert_eq!(wrong("[store]\nkind = \"sledd\"\n").help, "did you mean sled?");
    }

    #[test]
    fn shards_are_a_range_that_fits_their_number() {
        let range = |text: &str| Config::read("bot.toml", text).map(|config| config.discord.range());
        let one = |text: &str| range(text).expect("it is sound").expect("it is sound");
        assert_eq!(one(""), None);
        assert_eq!(one("[discord]\nshards = 4\n"), Some((4, 0..=3)));
        assert_eq!(one("[discord]\nshards = 8\nrun_shards = \"2-5\"\n"), Some((8, 2..=5)));
        for text in
            ["run_shards = \"0-1\"", "shards = 4\nrun_shards = \"2-4\"", "shards = 4\nrun_shards = \"x\""]
        {
            assert!(wrong(&format!("[discord]\n{text}\n")).help.contains("counted from 0"));
        }
    }

    #[test]
    fn figures_are_only_for_this_machine() {
        assert!(wrong("[metrics]\nlisten = \"0.0.0.0:9090\"\n").help.contains("127.0.0.1"));
        assert!(Config::read("bot.toml", "[metrics]\nlisten = \"127.0.0.1:9090\"\n").is_ok());
    }

    #[test]
    #[cfg(unix)]
    fn a_secret_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        std::fs::write(&path, "abc\n").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("rights");
        assert!(secret_file(&path).expect_err("others can read it").contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("rights");
        assert_eq!(secret_file(&path).as_deref(), Ok("abc\n"));
    }

    #[test]
    fn values_out_of_range_say_what_would_fit() {
        assert!(wrong("[store]\nexpire_hours = 9999\n").help.contains("720"));
        assert!(wrong("country = \"Narnia\"\n").help.contains("two letters"));
        assert!(wrong("language = \"english\"\n").help.contains("\"en\""));
        assert!(wrong("scripts = 3\n").what.contains("invalid type"));
    }
}
