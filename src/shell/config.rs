//! `bot.toml`: what an operator can choose. Every key has a default, unknown keys are refused.
//!
//! No secret belongs here: tokens come from the environment or from files of their own.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::safety::resource::Country;
use crate::script::Language;

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
        for key in ["scripts", "guide", "language", "country", "kind", "path", "expire_hours", "open_seconds"]
        {
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
    fn values_out_of_range_say_what_would_fit() {
        assert!(wrong("[store]\nexpire_hours = 9999\n").help.contains("720"));
        assert!(wrong("country = \"Narnia\"\n").help.contains("two letters"));
        assert!(wrong("language = \"english\"\n").help.contains("\"en\""));
        assert!(wrong("scripts = 3\n").what.contains("invalid type"));
    }
}
