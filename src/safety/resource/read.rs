//! `resources.toml` -> [`Resources`], or everything that is wrong with it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{
    Confidence, Country, CountryResources, Date, Emergency, International, Resources, Service, Sms, fold,
};
use crate::diagnostic::{Diagnostic, Source, nearest};

/// A number or link that can't be what it says.
const MALFORMED: &str = "S401";
/// No emergency number.
const NO_EMERGENCY: &str = "S402";
/// No evidence, or no day on which it was checked.
const NO_EVIDENCE: &str = "S403";
/// What is known to be wrong.
const DO_NOT_USE: &str = "S404";
/// A file that can't be read: not TOML, an unknown key, a name given twice.
const UNREADABLE: &str = "S406";
/// Stands for every country in `do_not_use`.
const EVERYWHERE: &str = "*";

#[derive(Deserialize)]
struct File {
    source: HashMap<String, SourceEntry>,
    international: Spanned<InternationalEntry>,
    #[serde(default)]
    do_not_use: Vec<DoNotUse>,
    country: Vec<Spanned<CountryEntry>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "for readers of the file; its shape is checked")]
struct SourceEntry {
    what: String,
    url: Option<String>,
    seen: Option<String>,
}

#[derive(Deserialize)]
struct InternationalEntry {
    directory: Spanned<String>,
    #[serde(default)]
    directory_sources: Vec<String>,
    befrienders: Spanned<String>,
    #[serde(default)]
    befrienders_sources: Vec<String>,
    emergency: Spanned<String>,
    #[serde(default)]
    emergency_sources: Vec<String>,
    checked: Option<String>,
}

#[derive(Deserialize)]
struct DoNotUse {
    country: String,
    #[serde(default)]
    numbers: Vec<String>,
    /// A word that must not be sent to any number.
    #[serde(default)]
    keywords: Vec<String>,
    /// Hours that must not be claimed, and by which service.
    service: Option<String>,
    hours: Option<String>,
    why: String,
}

#[derive(Deserialize)]
struct CountryEntry {
    code: Spanned<String>,
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    emergency: Option<Spanned<String>>,
    emergency_note: Option<String>,
    #[serde(default)]
    sources: Vec<String>,
    checked: Option<String>,
    #[serde(default)]
    service: Vec<Spanned<ServiceEntry>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "role is for readers of the file; its shape is checked")]
struct ServiceEntry {
    id: Spanned<String>,
    name: String,
    phone: Option<Spanned<String>>,
    sms: Option<Spanned<String>>,
    sms_keyword: Option<Spanned<String>>,
    whatsapp: Option<Spanned<String>>,
    chat: Option<Spanned<String>>,
    website: Option<Spanned<String>>,
    hours: Option<Spanned<String>>,
    audience: Option<String>,
    #[serde(default)]
    youth: bool,
    role: Option<String>,
    #[serde(default)]
    languages: Vec<String>,
    confidence: Confidence,
    #[serde(default)]
    sources: Vec<String>,
    checked: Option<String>,
}

/// The keys of a table, and those of the tables below it.
struct Keys {
    known: &'static [&'static str],
    below: &'static [(&'static str, Keys)],
}

const fn keys(known: &'static [&'static str]) -> Keys {
    Keys { known, below: &[] }
}

/// All keys of the file. They are looked at apart from the values, so that every slip is told at once.
#[rustfmt::skip]
const FILE: Keys = Keys {
    known: &["source", "international", "do_not_use", "country"],
    below: &[
        // The keys below `source` are names that the file gives.
        ("source", Keys { known: &[], below: &[("", keys(&["what", "url", "seen"]))] }),
        ("international", keys(&[
            "directory", "directory_sources", "befrienders", "befrienders_sources", "emergency",
            "emergency_sources", "checked",
        ])),
        ("do_not_use", keys(&["country", "numbers", "keywords", "service", "hours", "why"])),
        ("country", Keys {
            known: &[
                "code", "name", "aliases", "emergency", "emergency_note", "sources", "checked", "service",
            ],
            below: &[("service", keys(&[
                "id", "name", "phone", "sms", "sms_keyword", "whatsapp", "chat", "website", "hours", "audience",
                "youth", "role", "languages", "confidence", "sources", "checked",
            ]))],
        }),
    ],
};

pub(super) fn read(path: &str, text: &str) -> Result<Resources, Vec<Diagnostic>> {
    let source = Source::new(path, text);
    let mut found = Vec::new();
    let table = DeTable::parse(text).map_err(|error| vec![unreadable(&source, &error)])?;
    unknown_keys(&source, table.get_ref(), &FILE, &mut found);
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            found.push(unreadable(&source, &error));
            return Err(in_order(found));
        }
    };
    let mut reader = Reader { source: &source, file: &file, found };
    let international = reader.international(&file.international);
    let countries: Vec<CountryResources> =
        file.country.iter().filter_map(|entry| reader.country(entry)).collect();
    let names = reader.names();
    let found = reader.found;
    match international {
        Some(international) if found.is_empty() => {
            Ok(Resources { path: path.to_owned(), text: text.to_owned(), countries, names, international })
        }
        _ => Err(in_order(found)),
    }
}

fn in_order(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by_key(|one| one.place.as_ref().map(|place| (place.line, place.column)));
    found
}

fn unreadable(source: &Source<'_>, error: &toml::de::Error) -> Diagnostic {
    let what = error.message().lines().next().unwrap_or_default();
    let help = "please mend this line; the ones above and below show the form";
    Diagnostic::error(UNREADABLE, what, help).at(source, error.span().unwrap_or(0..0))
}

fn unknown_keys(source: &Source<'_>, table: &DeTable<'_>, keys: &Keys, found: &mut Vec<Diagnostic>) {
    for (key, value) in table {
        let name: &str = key.get_ref();
        if !keys.known.is_empty() && !keys.known.contains(&name) {
            let help = nearest(name, keys.known.iter().copied()).map_or_else(
                || format!("the keys here are {}", keys.known.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            let what = format!("there is no key \"{name}\"");
            found.push(Diagnostic::error(UNREADABLE, what, help).at(source, key.span()));
        }
        let below = keys.below.iter().find(|(below, _)| below.is_empty() || *below == name);
        let Some((_, below)) = below else { continue };
        match value.get_ref() {
            DeValue::Table(table) => unknown_keys(source, table, below, found),
            DeValue::Array(array) => {
                for one in array.iter() {
                    if let DeValue::Table(table) = one.get_ref() {
                        unknown_keys(source, table, below, found);
                    }
                }
            }
            _ => {}
        }
    }
}

struct Reader<'a, 's> {
    source: &'a Source<'s>,
    file: &'a File,
    found: Vec<Diagnostic>,
}

impl Reader<'_, '_> {
    fn fault(
        &mut self,
        code: &'static str,
        range: Range<usize>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.found.push(Diagnostic::error(code, what, help).at(self.source, range));
    }

    /// Codes, names and aliases, each of one country only.
    fn names(&mut self) -> HashMap<String, usize> {
        let mut names = HashMap::new();
        for (at, entry) in self.file.country.iter().enumerate() {
            let entry = entry.get_ref();
            let all = entry.aliases.iter().chain([entry.code.get_ref(), &entry.name]);
            for name in all.map(|name| fold(name)).filter(|name| !name.is_empty()) {
                if names.insert(name.clone(), at).is_some_and(|other| other != at) {
                    let what = format!("\"{name}\" names two countries");
                    self.fault(UNREADABLE, entry.code.span(), what, "please keep it for one of them");
                }
            }
        }
        names
    }

    fn international(&mut self, entry: &Spanned<InternationalEntry>) -> Option<International> {
        let (at, entry) = (entry.span(), entry.get_ref());
        self.link(&entry.directory);
        self.link(&entry.befrienders);
        self.number(EVERYWHERE, "any country", &entry.emergency);
        let mut checked = None;
        for (name, sources) in [
            ("the directory", &entry.directory_sources),
            ("the second directory", &entry.befrienders_sources),
            ("the emergency number for everywhere", &entry.emergency_sources),
        ] {
            checked = self.evidence(&at, name, sources, entry.checked.as_deref());
        }
        Some(International {
            directory: entry.directory.get_ref().clone(),
            befrienders: entry.befrienders.get_ref().clone(),
            emergency: entry.emergency.get_ref().clone(),
            checked: checked?,
            at,
        })
    }

    fn country(&mut self, entry: &Spanned<CountryEntry>) -> Option<CountryResources> {
        let (at, entry) = (entry.span(), entry.get_ref());
        let code = Country::parse(entry.code.get_ref());
        if code.is_none() {
            let what = format!("\"{}\" is not a country code", entry.code.get_ref());
            let help = "please write the two letters of ISO 3166-1, such as \"GB\"";
            self.fault(MALFORMED, entry.code.span(), what, help);
        }
        let checked = self.evidence(&at, &entry.name, &entry.sources, entry.checked.as_deref());
        let mut ids = HashSet::new();
        for service in &entry.service {
            let id = &service.get_ref().id;
            if !ids.insert(id.get_ref()) {
                let what = format!("{} has two services \"{}\"", entry.name, id.get_ref());
                self.fault(UNREADABLE, id.span(), what, "please give one of them another id");
            }
        }
        let services: Vec<Option<Service>> =
            entry.service.iter().map(|service| self.service(entry, service)).collect();
        let Some(number) = &entry.emergency else {
            let what = format!("{} has no emergency number", entry.name);
            let help = "please add emergency = \"…\" with its sources and the day of the check";
            self.fault(NO_EMERGENCY, at, what, help);
            return None;
        };
        self.number(entry.code.get_ref(), &entry.name, number);
        Some(CountryResources {
            code: code?,
            name: entry.name.clone(),
            emergency: Emergency {
                number: number.get_ref().clone(),
                note: entry.emergency_note.clone(),
                sources: entry.sources.clone(),
                checked: checked?,
            },
            services: services.into_iter().collect::<Option<_>>()?,
            at,
        })
    }

    fn service(&mut self, country: &CountryEntry, entry: &Spanned<ServiceEntry>) -> Option<Service> {
        let (at, entry) = (entry.span(), entry.get_ref());
        let numbers = [&entry.phone, &entry.sms, &entry.whatsapp];
        let links = [&entry.chat, &entry.website];
        for number in numbers.into_iter().flatten() {
            self.number(country.code.get_ref(), &country.name, number);
        }
        for link in links.into_iter().flatten() {
            self.link(link);
        }
        self.claims(country, entry);
        if numbers.iter().chain(&links).all(|way| way.is_none()) {
            let help = "please add phone, sms, whatsapp, chat or website, or take the service out";
            self.fault(MALFORMED, at.clone(), format!("{} can't be reached in any way", entry.name), help);
        }
        let checked = self.evidence(&at, &entry.name, &entry.sources, entry.checked.as_deref())?;
        let text = |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.get_ref().clone());
        Some(Service {
            id: format!("{}/{}", country.code.get_ref(), entry.id.get_ref()),
            name: entry.name.clone(),
            phone: text(&entry.phone),
            sms: text(&entry.sms).map(|number| Sms { number, keyword: text(&entry.sms_keyword) }),
            whatsapp: text(&entry.whatsapp),
            chat_url: text(&entry.chat),
            website: text(&entry.website),
            hours: text(&entry.hours),
            audience: entry.audience.clone(),
            youth: entry.youth,
            languages: entry.languages.clone(),
            confidence: entry.confidence,
            sources: entry.sources.clone(),
            checked,
            at,
        })
    }

    fn link(&mut self, link: &Spanned<String>) {
        let address = link.get_ref();
        let host = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
        let is_host = |host: &str| host.split('/').next().is_some_and(|host| host.contains('.'));
        if !host.is_some_and(is_host) || address.contains(char::is_whitespace) {
            let help = "please write the whole address, beginning with https://";
            self.fault(MALFORMED, link.span(), format!("\"{address}\" is not a web address"), help);
        }
    }

    /// A number has digits, and may say which option to choose; it is none that is known to be wrong.
    fn number(&mut self, code: &str, country: &str, number: &Spanned<String>) {
        let text = number.get_ref();
        let fits = |c: char| c.is_ascii_alphanumeric() || " +-()/.,:*#".contains(c);
        if digits(text).len() < 2 || !text.chars().all(fits) {
            let what = format!("\"{text}\" is not a number that can be dialled");
            let help = "please write it as it is dialled there, such as \"116 123\"";
            self.fault(MALFORMED, number.span(), what, help);
        }
        let wrong = self.wrong_in(code).find(|entry| entry.numbers.iter().any(|wrong| is_same(text, wrong)));
        if let Some(why) = wrong.map(|entry| entry.why.clone()) {
            let what = format!("{text} must not be used in {country}: {why}");
            self.fault(DO_NOT_USE, number.span(), what, "please take it out");
        }
    }

    /// Words to send and hours that are known to be wrong.
    fn claims(&mut self, country: &CountryEntry, entry: &ServiceEntry) {
        if let Some(keyword) = &entry.sms_keyword {
            let is_same = |wrong: &String| wrong.eq_ignore_ascii_case(keyword.get_ref());
            let wrong =
                self.wrong_in(country.code.get_ref()).find(|entry| entry.keywords.iter().any(is_same));
            if let Some(why) = wrong.map(|entry| entry.why.clone()) {
                let what = format!("{} must not be sent in {}: {why}", keyword.get_ref(), country.name);
                self.fault(DO_NOT_USE, keyword.span(), what, "please take it out");
            }
        }
        if let Some(hours) = &entry.hours {
            let wrong = self.wrong_in(country.code.get_ref()).find(|wrong| {
                wrong.service.as_ref() == Some(entry.id.get_ref())
                    && wrong.hours.as_ref().is_some_and(|wrong| hours.get_ref().contains(wrong.as_str()))
            });
            if let Some(why) = wrong.map(|entry| entry.why.clone()) {
                let what = format!("{} must not claim {}: {why}", entry.name, hours.get_ref());
                self.fault(
                    DO_NOT_USE,
                    hours.span(),
                    what,
                    "please take it out, or write the hours that are sure",
                );
            }
        }
    }

    fn wrong_in(&self, code: &str) -> impl Iterator<Item = &DoNotUse> {
        let is_here = move |entry: &&DoNotUse| entry.country == code || entry.country == EVERYWHERE;
        self.file.do_not_use.iter().filter(is_here)
    }

    fn evidence(
        &mut self,
        at: &Range<usize>,
        name: &str,
        sources: &[String],
        checked: Option<&str>,
    ) -> Option<Date> {
        if sources.is_empty() {
            let help = "please add sources = [\"…\"], the pages that say so";
            self.fault(NO_EVIDENCE, at.clone(), format!("there is no evidence for {name}"), help);
        }
        for source in sources {
            if !source.starts_with("http") && !self.file.source.contains_key(source) {
                let known = self.file.source.keys().map(String::as_str);
                let help = nearest(source, known).map_or_else(
                    || "please write an address, or explain it under [source]".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                let what = format!("the source \"{source}\" of {name} is not explained");
                self.fault(NO_EVIDENCE, at.clone(), what, help);
            }
        }
        let date = checked.and_then(Date::parse);
        if date.is_none() {
            let help = "please add checked = \"…\", a day such as \"2026-11-23\"";
            self.fault(NO_EVIDENCE, at.clone(), format!("it isn't said when {name} was last checked"), help);
        }
        date
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether a wrong number stands in a text, alone or as one of several, at home or as dialled from abroad.
fn is_same(text: &str, wrong: &str) -> bool {
    let from_abroad = wrong.starts_with('+');
    let wrong = digits(wrong);
    let parts = text.split(['/', ',', ';']).flat_map(|part| part.split(" or ")).chain([text]);
    parts.map(str::trim).any(|part| {
        let own = digits(part);
        match (part.starts_with('+'), from_abroad) {
            (true, true) | (false, false) => own == wrong,
            // A country's own prefix stands before it, and the leading zero goes.
            (true, false) => wrong.len() > 2 && own.ends_with(wrong.trim_start_matches('0')),
            (false, true) => false,
        }
    })
}
