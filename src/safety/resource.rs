//! Country -> whom to contact now, with hours; each number with its evidence and the day of its last check.
//!
//! Read from `scripts/resources.toml`. What is not sure is not there: a country without a checked line
//! has its emergency number and the directory.

mod country;
mod date;
mod read;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::wording::plain;

pub use country::Country;
pub use date::Date;

/// Not looked at for too long.
const STALE: &str = "S405";

/// Codes of countries that are words too, in the languages that people write to the bot.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "ad", "ai", "al", "am", "as", "at", "be", "by", "de", "do", "es", "id", "il", "im", "in", "is", "it", "je", "la",
    "ma", "me", "mo", "my", "na", "ne", "no", "pa", "se", "si", "so", "sy", "to", "um", "va",
];

/// How many services one message shows: more is a wall of text.
const MOST_SERVICES: usize = 3;
/// After how many months without a check a number is to be looked at again.
const MONTHS_TO_WARN: u32 = 12;
/// After how many months without a check a line must not be shown any more.
const MONTHS_TO_REFUSE: u32 = 24;

/// How sure a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Three or more sources agree, one of them official or a check against providers in 2026.
    High,
    /// Two sources agree, or one with clear corroboration.
    Medium,
}

/// A text number, and the word that has to be sent if one has to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sms {
    /// The number.
    pub number: String,
    /// What to write; anything where it is left out.
    pub keyword: Option<String>,
}

/// A line that a person can call, text or write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name for machines, such as `GB/samaritans`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The number to call, as it is printed there.
    pub phone: Option<String>,
    /// The number to text.
    pub sms: Option<Sms>,
    /// The number on WhatsApp.
    pub whatsapp: Option<String>,
    /// Where to chat, an address.
    pub chat_url: Option<String>,
    /// Its page, an address.
    pub website: Option<String>,
    /// When somebody answers; nothing is known for certain where it is left out.
    pub hours: Option<String>,
    /// For whom it is, where it isn't for everyone.
    pub audience: Option<String>,
    /// Whether it is for young people.
    pub youth: bool,
    /// The languages that are spoken there, as codes such as `en`; not known where there are none.
    pub languages: Vec<String>,
    /// How sure the number is.
    pub confidence: Confidence,
    /// Where it was seen: addresses, or names that the file explains.
    pub sources: Vec<String>,
    /// When it was last seen there.
    pub checked: Date,
    /// Where it stands in the file.
    at: Range<usize>,
}

/// A country's emergency number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emergency {
    /// The number.
    pub number: String,
    /// What else works, such as "112 also works".
    pub note: Option<String>,
    /// Where it was seen.
    pub sources: Vec<String>,
    /// When it was last seen there.
    pub checked: Date,
}

/// Everything that is known of one country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountryResources {
    /// Which country.
    pub code: Country,
    /// Its English name.
    pub name: String,
    /// The emergency number.
    pub emergency: Emergency,
    /// The lines; none where none is sure.
    pub services: Vec<Service>,
    at: Range<usize>,
}

/// What helps where the country is not known. Never the number of one country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct International {
    directory: String,
    befrienders: String,
    emergency: String,
    checked: Date,
    at: Range<usize>,
}

impl International {
    /// The directory of lines all over the world, an address.
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// A second directory, an address.
    pub fn befrienders(&self) -> &str {
        &self.befrienders
    }

    /// The number that works in all EU countries and in many others.
    pub fn emergency(&self) -> &str {
        &self.emergency
    }
}

/// What one crisis reply shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contacts<'r> {
    /// At most three: a phone line for everyone first, then text or chat, then one for young people.
    pub services: Vec<&'r Service>,
    /// The emergency number; none where the country is not known.
    pub emergency: Option<&'r str>,
    /// What else works there, such as "112 also works", or for what there is a number of its own.
    pub emergency_note: Option<&'r str>,
    /// The directory, an address; always there, so that a stale number still leaves a way to help.
    pub directory: &'r str,
}

/// Whom to contact, in every country that is listed.
#[derive(Debug)]
pub struct Resources {
    path: String,
    text: String,
    countries: Vec<CountryResources>,
    /// Codes, names and aliases, [folded](fold), with positions in `countries`.
    names: HashMap<String, usize>,
    international: International,
}

impl Resources {
    /// Reads `resources.toml`.
    ///
    /// # Errors
    ///
    /// All faults, in the order of the file. A fault of the form itself, such as text where a list belongs, hides
    /// others of its kind.
    pub fn read(path: &str, text: &str) -> Result<Resources, Vec<Diagnostic>> {
        read::read(path, text)
    }

    /// The resources that the program was built with.
    pub fn builtin() -> &'static Resources {
        static BUILTIN: LazyLock<Resources> = LazyLock::new(|| {
            let read = Resources::read("resources.toml", include_str!("../../scripts/resources.toml"));
            // A test reads them before they are ever shipped.
            read.unwrap_or_else(|found| panic!("the built-in resources are broken: {}", found[0]))
        });
        &BUILTIN
    }

    /// The country that a person means: a code, a name or an alias, with or without capitals and accents.
    /// Every country is known by its name in each language in which distress is recognised. One that isn't listed,
    /// or its two letters, is still a country, with international contacts.
    pub fn find(&self, typed: &str) -> Option<Country> {
        let name = fold(typed);
        let name = name.strip_prefix("the ").unwrap_or(&name);
        if let Some(&at) = self.names.get(name) {
            return Some(self.countries[at].code);
        }
        if let Some(&code) = local_names().get(name) {
            return Some(code);
        }
        // Words of two letters are seldom countries: only what is assigned to one counts.
        Country::parse(name).filter(|code| code.is_assigned())
    }

    /// Like [`find`](Resources::find), for what somebody says of their own accord: a code that is also a word doesn't
    /// count. "No" is an answer, and not Norway; taken for it, a person in danger would be shown numbers that don't
    /// work where they are.
    pub fn find_in_talk(&self, typed: &str) -> Option<Country> {
        (!WORDS.contains(&fold(typed).as_str())).then(|| self.find(typed)).flatten()
    }

    /// The name nearest to one that [`find`](Resources::find) doesn't know.
    pub fn suggest(&self, typed: &str) -> Option<&str> {
        let typed = fold(typed);
        nearest(&typed, self.names.keys().map(String::as_str).filter(|name| name.len() > 3))
            .map(|name| self.countries[self.names[name]].name.as_str())
    }

    /// What is known of a country.
    pub fn country(&self, country: Country) -> Option<&CountryResources> {
        self.countries.iter().find(|listed| listed.code == country)
    }

    /// All countries that are listed, in the order of the file.
    pub fn countries(&self) -> impl Iterator<Item = &CountryResources> {
        self.countries.iter()
    }

    /// What helps where the country is not known.
    pub fn international(&self) -> &International {
        &self.international
    }

    /// What a crisis reply shows to somebody in this country, or in one that is not known.
    pub fn contacts(&self, country: Option<Country>) -> Contacts<'_> {
        let listed = country.and_then(|country| self.country(country));
        Contacts {
            services: listed.map_or_else(Vec::new, choose),
            emergency: listed.map(|listed| listed.emergency.number.as_str()),
            emergency_note: listed.and_then(|listed| listed.emergency.note.as_deref()),
            directory: &self.international.directory,
        }
    }

    /// What was last checked too long ago: a warning after 12 months, an error after 24. An emergency
    /// number is only warned of, since a country without one would be worse off.
    pub fn stale(&self, today: Date) -> Vec<Diagnostic> {
        let source = Source::new(&self.path, &self.text);
        let mut found = Vec::new();
        let mut look = |name: String, checked: Date, can_go: bool, at: &Range<usize>| {
            let age = checked.months_until(today);
            if age < MONTHS_TO_WARN {
                return;
            }
            let what = format!("{name} was last checked {age} months ago");
            let help = "please look it up on the provider's own page, then write that page and today's date behind it";
            let one = if can_go && age >= MONTHS_TO_REFUSE {
                Diagnostic::error(STALE, what, help)
            } else {
                Diagnostic::warning(STALE, what, help)
            };
            found.push(one.at(&source, at.clone()));
        };
        look(
            "what is shown everywhere".to_owned(),
            self.international.checked,
            false,
            &self.international.at,
        );
        for listed in &self.countries {
            let emergency = format!("the emergency number of {}", listed.name);
            look(emergency, listed.emergency.checked, false, &listed.at);
            for service in &listed.services {
                look(format!("{} ({})", service.name, service.id), service.checked, true, &service.at);
            }
        }
        found
    }
}

/// What countries are called in other languages, [folded](fold).
fn local_names() -> &'static HashMap<String, Country> {
    static NAMES: LazyLock<HashMap<String, Country>> = LazyLock::new(|| {
        let lines = include_str!("resource/names.tsv").lines().filter(|line| !line.starts_with('#'));
        let countries = lines.filter_map(|line| {
            let mut fields = line.split('\t');
            Some((Country::parse(fields.next()?)?, fields))
        });
        countries.flat_map(|(code, names)| names.map(move |name| (fold(name), code))).collect()
    });
    &NAMES
}

/// A name as it is compared: [plain] words without accents.
fn fold(name: &str) -> String {
    plain(&name.nfd().filter(|&c| !is_combining_mark(c)).collect::<String>())
}

/// At most three: a phone line for everyone, then the first to be reached without speaking, then one for young people.
fn choose(listed: &CountryResources) -> Vec<&Service> {
    let written =
        |service: &Service| service.sms.is_some() || service.chat_url.is_some() || service.whatsapp.is_some();
    let everyone = || listed.services.iter().filter(|service| service.audience.is_none());
    let mut chosen: Vec<&Service> = everyone().find(|service| service.phone.is_some()).into_iter().collect();
    let youth = listed.services.iter().find(|service| service.youth);
    let more = everyone().filter(|service| written(service)).chain(everyone());
    for service in more {
        let full = chosen.len() + usize::from(youth.is_some()) >= MOST_SERVICES;
        if !full && !chosen.iter().any(|other| other.id == service.id) {
            chosen.push(service);
        }
    }
    chosen.extend(youth);
    chosen
}

#[cfg(test)]
mod tests;
