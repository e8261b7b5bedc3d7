//! Concern + country -> the crisis reply: which step of the crisis page, and whom to contact.
//!
//! The words are the crisis page's (`scripts/crisis/<language>.md`) and the wording's; the numbers are
//! the resources'. What is decided here is the order: where an act is near, the emergency number is first.

use super::resource::{Country, Resources, Service};
use super::{Concern, Level, Who};
use serde::{Deserialize, Serialize};

use crate::script::{Block, Run};
use crate::wording::Wording;

/// The step that leads back to the guide, with its after-care line.
pub const BACK_TO_THE_GUIDE: &str = "back-to-the-guide";
/// The step for a misunderstanding; it leads back to the guide as well.
pub const NOT_WHAT_I_MEANT: &str = "not-what-i-meant";
/// The step that ends the conversation for the day.
pub const STOP_FOR_TODAY: &str = "stop-for-today";

/// The steps that the program opens by itself; a crisis page without one of them is refused.
pub const STEPS: &[&str] = &[
    "imminent",
    "ideation",
    "concern",
    "somebody-else",
    "somebody-else-now",
    "again",
    "again-2",
    "again-3",
    "somebody-else-again",
    BACK_TO_THE_GUIDE,
    NOT_WHAT_I_MEANT,
    STOP_FOR_TODAY,
];

/// What the crisis replies of this conversation were, so that none is said word for word again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// How many.
    pub times: u8,
    /// The worst level that was answered.
    pub worst: Level,
    /// About whom the last one was.
    pub who: Option<Who>,
    /// The level that the person called a misunderstanding, if they did.
    pub dismissed: Level,
}

/// The step that answers what the screen found, given what was shown before: in full the first time
/// and whenever it is worse or about somebody else; after that shorter, and never the same twice in a row.
pub fn step(concern: &Concern, shown: &Shown) -> &'static str {
    let other = concern.who == Some(Who::Other);
    let fresh = shown.times == 0 || concern.level > shown.worst || (shown.who == Some(Who::Other)) != other;
    match (other, concern.level, fresh) {
        (true, Level::Imminent, true) => "somebody-else-now",
        (true, _, true) => "somebody-else",
        (true, _, false) if shown.times % 2 == 1 => "somebody-else-again",
        (true, Level::Imminent, false) => "somebody-else-now",
        (true, _, false) => "somebody-else",
        (false, Level::Imminent, true) => "imminent",
        (false, Level::Ideation, true) => "ideation",
        (false, _, true) => "concern",
        (false, _, false) => ["again", "again-2", "again-3"][usize::from(shown.times + 2) % 3],
    }
}

/// In which order contacts are shown, and of whom they speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Urgency {
    /// The emergency number comes first.
    pub now: bool,
    /// It is about somebody else.
    pub other: bool,
}

impl Urgency {
    /// The urgency of what was found.
    pub fn of(level: Level, who: Option<Who>) -> Self {
        Urgency { now: level == Level::Imminent, other: who == Some(Who::Other) }
    }

    /// The urgency that a step of the crisis page is written for, if it is written for one.
    pub fn at(step: &str) -> Option<Self> {
        match step {
            "imminent" => Some(Urgency { now: true, other: false }),
            "somebody-else" | "somebody-else-again" => Some(Urgency { now: false, other: true }),
            "somebody-else-now" => Some(Urgency { now: true, other: true }),
            _ => None,
        }
    }
}

/// Whom to contact, as part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactBlocks {
    /// The lines, each number on a line of its own.
    pub blocks: Vec<Block>,
    /// The ids of the services, such as `GB/samaritans`.
    pub ids: Vec<String>,
}

/// Whom to contact now. Without a country: international contacts, and the question which country.
pub fn contacts(
    resources: &Resources,
    country: Option<Country>,
    wording: &Wording,
    urgency: Urgency,
) -> ContactBlocks {
    let words = &wording.crisis;
    let contacts = resources.contacts(country);
    let number = contacts.emergency.unwrap_or(resources.international().emergency());
    let sentence = match (contacts.emergency.is_some(), urgency.other) {
        (true, false) => &words.emergency,
        (true, true) => &words.emergency_other,
        (false, false) => &words.emergency_unknown,
        (false, true) => &words.emergency_unknown_other,
    };
    let emergency = sentence.with(&[("number", number)]);
    let mut blocks = Vec::new();
    if urgency.now {
        blocks.extend(emergency.iter().cloned());
    }
    // Without a country there are no numbers yet: the way to them comes first.
    if country.is_none() {
        blocks.extend(words.country_ask.blocks());
    }
    let lines: Vec<Vec<Run>> = contacts.services.iter().map(|service| line(service, wording)).collect();
    let directory = if lines.is_empty() { &words.directory_unknown } else { &words.directory };
    let directory = directory.with(&[("link", contacts.directory)]);
    if lines.is_empty() {
        blocks.extend(directory);
        blocks.extend(if urgency.now { Vec::new() } else { emergency });
    } else {
        blocks.push(Block::Bullets(lines));
        blocks.extend(if urgency.now { Vec::new() } else { emergency });
        blocks.extend(directory);
    }
    ContactBlocks { blocks, ids: contacts.services.iter().map(|service| service.id.clone()).collect() }
}

/// One service on one line: its name, how to reach it, its hours.
fn line(service: &Service, wording: &Wording) -> Vec<Run> {
    let words = &wording.crisis;
    let mut ways = Vec::new();
    if let Some(number) = &service.phone {
        ways.push(words.call.words(&[("number", number)]));
    }
    if let Some(sms) = &service.sms {
        ways.push(match &sms.keyword {
            Some(keyword) => words.text_keyword.words(&[("keyword", keyword), ("number", &sms.number)]),
            None => words.text.words(&[("number", &sms.number)]),
        });
    }
    if let Some(number) = &service.whatsapp {
        ways.push(words.whatsapp.words(&[("number", number)]));
    }
    if let Some(link) = &service.chat_url {
        ways.push(words.chat.words(&[("link", link)]));
    }
    if ways.is_empty()
        && let Some(link) = &service.website
    {
        ways.push(words.website.words(&[("link", link)]));
    }
    let audience = service.audience.as_ref().map_or(String::new(), |audience| format!(" ({audience})"));
    let mut runs = vec![Run::plain(format!("{}{audience}: ", service.name)), Run::strong(ways.join(", "))];
    if let Some(hours) = &service.hours {
        runs.push(Run::plain(format!(" {}", words.hours.words(&[("hours", hours)]))));
    }
    runs
}

/// The main line in a few words, to stand inside a sentence: "Samaritans, call 116 123".
pub fn main_line(resources: &Resources, country: Option<Country>, wording: &Wording) -> Option<String> {
    let contacts = resources.contacts(country);
    let service = contacts.services.first()?;
    let way = match (&service.phone, &service.sms) {
        (Some(number), _) => wording.crisis.call.words(&[("number", number)]),
        (None, Some(sms)) => match &sms.keyword {
            Some(keyword) => {
                wording.crisis.text_keyword.words(&[("keyword", keyword), ("number", &sms.number)])
            }
            None => wording.crisis.text.words(&[("number", &sms.number)]),
        },
        (None, None) => service.chat_url.clone().or_else(|| service.website.clone())?,
    };
    Some(format!("{}, {way}", service.name))
}

fn line_or_directory(resources: &Resources, country: Option<Country>, wording: &Wording) -> String {
    main_line(resources, country, wording).unwrap_or_else(|| resources.contacts(country).directory.to_owned())
}

/// The gentle line under an answer, after a mention.
pub fn mention(resources: &Resources, country: Option<Country>, wording: &Wording) -> Vec<Run> {
    wording.crisis.mention.runs(&[("line", &line_or_directory(resources, country, wording))])
}

/// The short reply where others can read it: the main number, and nothing of what was said. `again` is for when one
/// stands there already: shorter, and the number is still in it.
pub fn public(resources: &Resources, country: Option<Country>, wording: &Wording, again: bool) -> Vec<Block> {
    let line = line_or_directory(resources, country, wording);
    let emergency = resources.contacts(country).emergency.map(str::to_owned);
    let emergency = emergency.unwrap_or_else(|| wording.crisis.emergency_local.words(&[]));
    let sentence = if again { &wording.crisis.public_again } else { &wording.crisis.public };
    sentence.with(&[("line", &line), ("emergency", &emergency)])
}
