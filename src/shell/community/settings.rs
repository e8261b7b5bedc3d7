//! What a community has chosen: one small file that a person can read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::safety::Level;
use crate::safety::resource::Country;
use crate::script::Language;

/// The most channels that a list holds.
pub const MOST_CHANNELS: usize = 500;
/// The longest name of a channel or role, in bytes: a room of Matrix has at most 255.
const LONGEST_NAME: usize = 255;

/// What a community has chosen. What it has not is the operator's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The country whose numbers are shown until a person names theirs.
    pub country: Option<Country>,
    /// The language that people are answered in until they choose another.
    pub language: Option<Language>,
    /// The channels that are watched, by the platform's names for them.
    pub watched: BTreeSet<String>,
    /// The channels in which the bot offers nothing by itself. Who speaks to it there and is in danger is answered all
    /// the same.
    pub quiet: BTreeSet<String>,
    /// The role that may use the moderators' commands, beside those whom the platform lets.
    pub moderators: Option<String>,
    /// Where moderators are told that somebody seems to be in danger; nowhere until it is chosen.
    pub alerts: Option<Alerts>,
}

/// Where moderators are told, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// The channel.
    pub channel: String,
    /// The role that is mentioned where an act seems near; nobody is where there is none.
    #[serde(default)]
    pub role: Option<String>,
    /// The level from which on they are told: `concern`, `ideation` or `imminent`.
    pub from: Level,
}

impl Settings {
    /// Reads `settings.json`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where, as half a sentence.
    pub fn read(text: &str) -> Result<Settings, String> {
        let settings: Settings = serde_json::from_str(text).map_err(|error| error.to_string())?;
        settings.check()?;
        Ok(settings)
    }

    /// The text of the file.
    pub fn write(&self) -> String {
        // Nothing in it can fail to be written down.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Leaves out the channels that are not here.
    pub(super) fn keep_channels(&mut self, here: &dyn Fn(&str) -> bool) {
        self.watched.retain(|channel| here(channel));
        self.quiet.retain(|channel| here(channel));
        self.alerts = self.alerts.take().filter(|alerts| here(&alerts.channel));
    }

    /// What the types alone don't hold.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(language) = self.language.as_ref().filter(|one| !Language::is_code(one.as_str())) {
            return Err(format!("\"{language}\" is not a language code such as en"));
        }
        for (list, name) in [(&self.watched, "watched"), (&self.quiet, "quiet")] {
            if list.len() > MOST_CHANNELS {
                return Err(format!("{name} has more than {MOST_CHANNELS} channels"));
            }
        }
        let alerts = self.alerts.as_ref();
        if alerts.is_some_and(|alerts| alerts.from < Level::Concern) {
            return Err("alerts begin at concern, ideation or imminent".to_owned());
        }
        let alerts =
            alerts.into_iter().flat_map(|alerts| std::iter::once(&alerts.channel).chain(&alerts.role));
        let names = self.watched.iter().chain(&self.quiet).chain(&self.moderators).chain(alerts);
        for name in names {
            if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
                return Err("the name of a channel or role is empty, too long, or no name".to_owned());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_can_be_read_by_a_person_and_says_the_same_again() {
        let settings = Settings {
            country: Country::parse("gb"),
            language: Some(Language::new("pt-BR")),
            watched: ["100", "200"].map(str::to_owned).into(),
            quiet: ["300".to_owned()].into(),
            moderators: Some("9".to_owned()),
            alerts: Some(Alerts { channel: "400".into(), role: None, from: Level::Ideation }),
        };
        let text = settings.write();
        assert!(text.contains("\"country\": \"GB\""), "{text}");
        assert!(text.contains("\"from\": \"ideation\""), "{text}");
        assert_eq!(Settings::read(&text), Ok(settings));
        assert_eq!(Settings::read("{}"), Ok(Settings::default()));
    }

    #[test]
    fn what_is_no_setting_is_refused_with_its_place() {
        for (text, words) in [
            ("{\"contry\": \"GB\"}", "unknown field `contry`"),
            ("{\"country\": \"Narnia\"}", "not two letters"),
            ("{\"language\": \"english\"}", "not a language code"),
            ("{\"watched\": [\"\"]}", "no name"),
            ("{\"alerts\": {\"channel\": \"1\", \"from\": \"mention\"}}", "begin at concern"),
            ("{", "line 1"),
        ] {
            let error = Settings::read(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
