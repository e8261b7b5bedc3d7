//! Country -> whom to contact now, with hours; each number with its evidence and the day of its last check.
//!
//! Read from `scripts/resources.toml`. What is not sure is not there: a country without a checked line
//! has its emergency number and the directory.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::wording::plain;

/// A number or link that can't be what it says.
const MALFORMED: &str = "S401";
/// No emergency number.
const NO_EMERGENCY: &str = "S402";
/// No evidence, or no day on which it was checked.
const NO_EVIDENCE: &str = "S403";
/// A number that is known to be wrong.
const DO_NOT_USE: &str = "S404";
/// Not looked at for too long.
const STALE: &str = "S405";
/// A file that can't be read.
const UNREADABLE: &str = "S406";

/// How many services one message shows: more is a wall of text.
const MOST_SERVICES: usize = 3;
/// After how many months without a check a number is to be looked at again.
const MONTHS_TO_WARN: u32 = 12;
/// After how many months without a check a line must not be shown any more.
const MONTHS_TO_REFUSE: u32 = 24;

/// A country: ISO 3166-1, two letters, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    /// Takes two letters, in either case. It need not be a country that is listed.
    pub fn parse(code: &str) -> Option<Self> {
        match code.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Country([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&letter| write!(f, "{}", char::from(letter)))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Country> for String {
    fn from(country: Country) -> String {
        country.to_string()
    }
}

impl TryFrom<String> for Country {
    type Error = String;

    fn try_from(code: String) -> Result<Self, String> {
        Country::parse(&code).ok_or_else(|| format!("\"{code}\" is not two letters"))
    }
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    /// Takes `2026-11-23`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-').map(|part| part.parse::<u32>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let fits = text.len() == 10 && year >= 1970 && (1..=12).contains(&month) && (1..=31).contains(&day);
        fits.then_some(Date { year, month, day })
    }

    /// How many whole months lie between this day and a later one; 0 where it isn't later.
    pub fn months_until(self, later: Date) -> u32 {
        let months = |date: Date| date.year * 12 + date.month;
        months(later).saturating_sub(months(self)).saturating_sub(u32::from(later.day < self.day))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

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
    /// How sure the number is.
    pub confidence: Confidence,
    /// Where it was seen: addresses, or names that the file explains.
    pub sources: Vec<String>,
    /// When it was last seen there.
    pub checked: Date,
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

/// What helps where the country is not known.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the evidence stands in the file, and its shape is checked")]
pub struct International {
    directory: String,
    directory_sources: Vec<String>,
    befrienders: String,
    befrienders_sources: Vec<String>,
    emergency: String,
    emergency_sources: Vec<String>,
    checked: String,
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
    /// The directory, an address; always there, so that a stale number still leaves a way to help.
    pub directory: &'r str,
}

/// Whom to contact, in every country that is listed.
#[derive(Debug)]
pub struct Resources {
    path: String,
    text: String,
    countries: Vec<CountryResources>,
    /// Codes, names and aliases, in [plain] words, with positions in `countries`.
    names: HashMap<String, usize>,
    international: International,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: HashMap<String, SourceEntry>,
    international: International,
    #[serde(default)]
    do_not_use: Vec<DoNotUse>,
    country: Vec<Spanned<CountryEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "for readers of the file; its shape is checked")]
struct SourceEntry {
    what: String,
    url: Option<String>,
    seen: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoNotUse {
    country: String,
    numbers: Vec<String>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "role and languages are for readers of the file; their shape is checked")]
struct ServiceEntry {
    id: String,
    name: String,
    phone: Option<Spanned<String>>,
    sms: Option<Spanned<String>>,
    sms_keyword: Option<String>,
    whatsapp: Option<Spanned<String>>,
    chat: Option<Spanned<String>>,
    website: Option<Spanned<String>>,
    hours: Option<String>,
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

impl Resources {
    /// Reads `resources.toml`.
    ///
    /// # Errors
    ///
    /// All faults in the order of the file; one alone where it isn't TOML of the right form.
    pub fn read(path: &str, text: &str) -> Result<Resources, Vec<Diagnostic>> {
        let source = Source::new(path, text);
        let file: File = toml::from_str(text).map_err(|error| vec![unreadable(&source, &error)])?;
        let mut reader = Reader { source: &source, file: &file, found: Vec::new() };
        let countries: Vec<CountryResources> =
            file.country.iter().filter_map(|entry| reader.country(entry)).collect();
        let mut names = HashMap::new();
        for (at, entry) in file.country.iter().enumerate() {
            let entry = entry.get_ref();
            let all = entry.aliases.iter().chain([entry.code.get_ref(), &entry.name]);
            for name in all.map(|name| plain(name)).filter(|name| !name.is_empty()) {
                if names.insert(name.clone(), at).is_some_and(|other| other != at) {
                    let help = "please keep it for one of them";
                    reader.fault(
                        UNREADABLE,
                        entry.code.span(),
                        format!("\"{name}\" names two countries"),
                        help,
                    );
                }
            }
        }
        let mut found = reader.found;
        if !found.is_empty() {
            found.sort_by_key(|one| one.place.as_ref().map(|place| (place.line, place.column)));
            return Err(found);
        }
        Ok(Resources {
            path: path.to_owned(),
            text: text.to_owned(),
            countries,
            names,
            international: file.international,
        })
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

    /// The country that a person means: a code, a name or an alias, however it is capitalised.
    /// Two letters that no listed country has are still a country, with international contacts.
    pub fn find(&self, typed: &str) -> Option<Country> {
        let name = plain(typed);
        let name = name.strip_prefix("the ").unwrap_or(&name);
        if let Some(&at) = self.names.get(name) {
            return Some(self.countries[at].code);
        }
        // Words of two letters are seldom countries: only what is assigned to one counts.
        Country::parse(name).filter(|_| ISO_3166.contains(&name.to_ascii_uppercase().as_str()))
    }

    /// The name nearest to one that [`find`](Resources::find) doesn't know.
    pub fn suggest(&self, typed: &str) -> Option<&str> {
        let typed = plain(typed);
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
            directory: &self.international.directory,
        }
    }

    /// What was last checked too long ago: a warning after 12 months, an error after 24. An emergency
    /// number is only warned of, since a country without one would be worse off.
    pub fn stale(&self, today: Date) -> Vec<Diagnostic> {
        let source = Source::new(&self.path, &self.text);
        let mut found = Vec::new();
        for listed in &self.countries {
            let age = listed.emergency.checked.months_until(today);
            let emergency = (format!("the emergency number of {}", listed.name), age, false);
            let services = listed.services.iter().map(|service| {
                (format!("{} ({})", service.name, service.id), service.checked.months_until(today), true)
            });
            for (name, age, can_go) in
                services.chain([emergency]).filter(|(_, age, _)| *age >= MONTHS_TO_WARN)
            {
                let what = format!("{name} was last checked {age} months ago");
                let help = "please look it up on the provider's own page, then write that page and today's date behind it";
                let one = if can_go && age >= MONTHS_TO_REFUSE {
                    Diagnostic::error(STALE, what, help)
                } else {
                    Diagnostic::warning(STALE, what, help)
                };
                found.push(one.at(&source, listed.at.clone()));
            }
        }
        found
    }
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

    fn country(&mut self, entry: &Spanned<CountryEntry>) -> Option<CountryResources> {
        let (at, entry) = (entry.span(), entry.get_ref());
        let code = Country::parse(entry.code.get_ref());
        if code.is_none() {
            let what = format!("\"{}\" is not a country code", entry.code.get_ref());
            self.fault(
                MALFORMED,
                entry.code.span(),
                what,
                "please write the two letters of ISO 3166-1, such as \"GB\"",
            );
        }
        let checked = self.evidence(&at, &entry.name, &entry.sources, entry.checked.as_deref());
        let services: Vec<Option<Service>> =
            entry.service.iter().map(|service| self.service(entry, service)).collect();
        let Some(number) = &entry.emergency else {
            let what = format!("{} has no emergency number", entry.name);
            self.fault(
                NO_EMERGENCY,
                at,
                what,
                "please add emergency = \"…\" with its sources and the day of the check",
            );
            return None;
        };
        self.number(entry, number);
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
        for number in [&entry.phone, &entry.sms, &entry.whatsapp].into_iter().flatten() {
            self.number(country, number);
        }
        for link in [&entry.chat, &entry.website].into_iter().flatten() {
            let address = link.get_ref();
            if !address.starts_with("https://") && !address.starts_with("http://")
                || address.contains(char::is_whitespace)
            {
                let help = "please write the whole address, beginning with https://";
                self.fault(MALFORMED, link.span(), format!("\"{address}\" is not a web address"), help);
            }
        }
        if [&entry.phone, &entry.sms, &entry.whatsapp, &entry.chat, &entry.website]
            .iter()
            .all(|way| way.is_none())
        {
            let help = "please add phone, sms, whatsapp, chat or website, or take the service out";
            self.fault(MALFORMED, at.clone(), format!("{} can't be reached in any way", entry.name), help);
        }
        let checked = self.evidence(&at, &entry.name, &entry.sources, entry.checked.as_deref())?;
        let text = |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.get_ref().clone());
        Some(Service {
            id: format!("{}/{}", country.code.get_ref(), entry.id),
            name: entry.name.clone(),
            phone: text(&entry.phone),
            sms: text(&entry.sms).map(|number| Sms { number, keyword: entry.sms_keyword.clone() }),
            whatsapp: text(&entry.whatsapp),
            chat_url: text(&entry.chat),
            website: text(&entry.website),
            hours: entry.hours.clone(),
            audience: entry.audience.clone(),
            youth: entry.youth,
            confidence: entry.confidence,
            sources: entry.sources.clone(),
            checked,
        })
    }

    /// A number has digits, and may say which option to choose; it is none that is known to be wrong.
    fn number(&mut self, country: &CountryEntry, number: &Spanned<String>) {
        let text = number.get_ref();
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let fits = |c: char| c.is_ascii_alphanumeric() || " +-()/.,:*#".contains(c);
        if digits < 2 || !text.chars().all(fits) {
            let help = "please write it as it is dialled there, such as \"116 123\"";
            self.fault(
                MALFORMED,
                number.span(),
                format!("\"{text}\" is not a number that can be dialled"),
                help,
            );
        }
        let only_digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let own = only_digits(text);
        let wrong = self.file.do_not_use.iter().find(|entry| {
            entry.country == *country.code.get_ref()
                && entry.numbers.iter().any(|number| only_digits(number) == own)
        });
        if let Some(wrong) = wrong {
            let (what, help) =
                (format!("{text} must not be used in {}: {}", country.name, wrong.why), "please take it out");
            self.fault(DO_NOT_USE, number.span(), what, help);
        }
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
                let hint = nearest(source, known).map_or_else(
                    || "please write an address".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                self.fault(
                    NO_EVIDENCE,
                    at.clone(),
                    format!("the source \"{source}\" of {name} is not explained"),
                    hint,
                );
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

fn unreadable(source: &Source<'_>, error: &toml::de::Error) -> Diagnostic {
    let message = error.message().lines().next().unwrap_or_default();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let near = quoted.split_first().and_then(|(wrong, known)| nearest(wrong, known.iter().copied()));
    let help = near.map_or_else(
        || "please mend this line; the ones above and below show the form".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    Diagnostic::error(UNREADABLE, message, help).at(source, error.span().unwrap_or(0..0))
}

/// The officially assigned two-letter codes of ISO 3166-1 (2024).
#[rustfmt::skip]
const ISO_3166: &[&str] = &[
    "AD", "AE", "AF", "AG", "AI", "AL", "AM", "AO", "AQ", "AR", "AS", "AT", "AU", "AW", "AX", "AZ", "BA", "BB", "BD",
    "BE", "BF", "BG", "BH", "BI", "BJ", "BL", "BM", "BN", "BO", "BQ", "BR", "BS", "BT", "BV", "BW", "BY", "BZ", "CA",
    "CC", "CD", "CF", "CG", "CH", "CI", "CK", "CL", "CM", "CN", "CO", "CR", "CU", "CV", "CW", "CX", "CY", "CZ", "DE",
    "DJ", "DK", "DM", "DO", "DZ", "EC", "EE", "EG", "EH", "ER", "ES", "ET", "FI", "FJ", "FK", "FM", "FO", "FR", "GA",
    "GB", "GD", "GE", "GF", "GG", "GH", "GI", "GL", "GM", "GN", "GP", "GQ", "GR", "GS", "GT", "GU", "GW", "GY", "HK",
    "HM", "HN", "HR", "HT", "HU", "ID", "IE", "IL", "IM", "IN", "IO", "IQ", "IR", "IS", "IT", "JE", "JM", "JO", "JP",
    "KE", "KG", "KH", "KI", "KM", "KN", "KP", "KR", "KW", "KY", "KZ", "LA", "LB", "LC", "LI", "LK", "LR", "LS", "LT",
    "LU", "LV", "LY", "MA", "MC", "MD", "ME", "MF", "MG", "MH", "MK", "ML", "MM", "MN", "MO", "MP", "MQ", "MR", "MS",
    "MT", "MU", "MV", "MW", "MX", "MY", "MZ", "NA", "NC", "NE", "NF", "NG", "NI", "NL", "NO", "NP", "NR", "NU", "NZ",
    "OM", "PA", "PE", "PF", "PG", "PH", "PK", "PL", "PM", "PN", "PR", "PS", "PT", "PW", "PY", "QA", "RE", "RO", "RS",
    "RU", "RW", "SA", "SB", "SC", "SD", "SE", "SG", "SH", "SI", "SJ", "SK", "SL", "SM", "SN", "SO", "SR", "SS", "ST",
    "SV", "SX", "SY", "SZ", "TC", "TD", "TF", "TG", "TH", "TJ", "TK", "TL", "TM", "TN", "TO", "TR", "TT", "TV", "TW",
    "TZ", "UA", "UG", "UM", "US", "UY", "UZ", "VA", "VC", "VE", "VG", "VI", "VN", "VU", "WF", "WS", "YE", "YT", "ZA",
    "ZM", "ZW",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Country {
        Country::parse(code).expect("a code")
    }

    fn faults(from: &str, to: &str) -> Vec<(&'static str, String)> {
        let text = include_str!("../../scripts/resources.toml");
        assert!(text.contains(from), "{from}");
        let found = Resources::read("resources.toml", &text.replacen(from, to, 1)).expect_err("it is broken");
        found.into_iter().map(|one| (one.code, one.what)).collect()
    }

    #[test]
    fn every_country_has_an_emergency_number_with_evidence_and_a_date() {
        let resources = Resources::builtin();
        assert_eq!(resources.countries().count(), 112);
        for listed in resources.countries() {
            assert!(
                !listed.emergency.number.is_empty() && !listed.emergency.sources.is_empty(),
                "{listed:?}"
            );
            for service in &listed.services {
                assert!(!service.sources.is_empty(), "{}", service.id);
            }
        }
    }

    #[test]
    fn people_name_their_country_in_many_ways() {
        let resources = Resources::builtin();
        for (typed, code) in [
            ("uk", "GB"),
            ("U.K.", "GB"),
            ("England", "GB"),
            ("the united kingdom", "GB"),
            ("usa", "US"),
            ("America", "US"),
            ("holland", "NL"),
            ("Deutschland", "DE"),
            ("türkiye", "TR"),
            ("Turkey", "TR"),
            ("日本", "JP"),
            ("new zealand", "NZ"),
            ("gb", "GB"),
            ("is", "IS"),
        ] {
            assert_eq!(resources.find(typed), Some(country(code)), "{typed}");
        }
        for typed in ["narnia", "", "xx", "zz", "ok"] {
            assert_eq!(resources.find(typed), None, "{typed}");
        }
        assert_eq!(resources.suggest("germny"), Some("Germany"));
    }

    #[test]
    fn a_person_in_britain_gets_samaritans_and_999() {
        let contacts = Resources::builtin().contacts(Some(country("GB")));
        assert!(
            contacts.services[0].name.contains("Samaritans")
                && contacts.services[0].phone.as_deref() == Some("116 123")
        );
        assert_eq!(contacts.emergency, Some("999"));
    }

    #[test]
    fn where_the_country_is_not_known_no_country_is_assumed() {
        let contacts = Resources::builtin().contacts(None);
        assert!(contacts.services.is_empty() && contacts.emergency.is_none());
        assert_eq!(contacts.directory, "https://findahelpline.com");
    }

    #[test]
    fn no_message_shows_more_than_three_lines_and_the_first_is_for_everyone() {
        for listed in Resources::builtin().countries() {
            let chosen = Resources::builtin().contacts(Some(listed.code)).services;
            assert!(chosen.len() <= MOST_SERVICES, "{}", listed.name);
            let mut ids: Vec<&str> = chosen.iter().map(|service| service.id.as_str()).collect();
            ids.dedup();
            assert_eq!(ids.len(), chosen.len(), "{}", listed.name);
            if listed.services.iter().any(|service| service.audience.is_none()) {
                assert!(chosen[0].audience.is_none(), "{}: {}", listed.name, chosen[0].name);
            }
        }
    }

    #[test]
    fn numbers_that_are_known_to_be_wrong_are_refused() {
        let found = faults("phone = \"116 123\"\n", "phone = \"08457 90 90 90\"\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].0 == DO_NOT_USE && found[0].1.contains("old Samaritans number"), "{found:?}");
    }

    #[test]
    fn a_number_without_evidence_or_date_is_refused() {
        assert_eq!(faults("checked = \"2026-10-08\"", "checked = \"soon\"")[0].0, NO_EVIDENCE);
        assert_eq!(faults("sources = [\"W\", \"S\", \"AN\", \"V\"]", "sources = []")[0].0, NO_EVIDENCE);
        assert_eq!(faults("sources = [\"W\", \"S\", \"AN\", \"V\"]", "sources = [\"Q\"]")[0].0, NO_EVIDENCE);
        assert_eq!(faults("emergency = \"911\"\nsources", "sources")[0].0, NO_EMERGENCY);
        assert_eq!(faults("phone = \"988\"", "phone = \"call us\"")[0].0, MALFORMED);
        assert_eq!(faults("website = \"https://", "website = \"ftp://")[0].0, MALFORMED);
    }

    #[test]
    fn a_mistyped_key_is_answered_with_the_nearest() {
        let text = include_str!("../../scripts/resources.toml").replacen("phone =", "phnoe =", 1);
        let found = Resources::read("resources.toml", &text).expect_err("it is broken");
        assert_eq!((found[0].code, found[0].help.as_str()), (UNREADABLE, "did you mean phone?"));
    }

    #[test]
    fn age_is_counted_in_whole_months() {
        let day = |text| Date::parse(text).expect("a day");
        assert_eq!(day("2025-11-24").months_until(day("2026-11-23")), 11);
        assert_eq!(day("2025-11-23").months_until(day("2026-11-23")), 12);
        assert_eq!(day("2027-01-01").months_until(day("2026-11-23")), 0);
        assert_eq!(Date::parse("2026-13-01"), None);
    }

    #[test]
    fn what_was_not_checked_for_two_years_is_an_error() {
        let found = Resources::builtin().stale(Date::parse("2028-12-01").expect("a day"));
        assert!(found.iter().any(Diagnostic::is_error));
        let today = Resources::builtin().stale(Date::parse("2026-11-23").expect("a day"));
        assert!(!today.iter().any(Diagnostic::is_error), "{}", today[0]);
    }
}
