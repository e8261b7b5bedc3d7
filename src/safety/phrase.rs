//! `scripts/phrases/<language>.toml`: what counts as a concern, in words that a moderator can read.
//!
//! This file reads a list and says everything that is wrong with it; `compile` makes a matcher of it.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::notation::{self, Part, Piece};
use super::{Level, Who};
use crate::diagnostic::{Diagnostic, Source, nearest};

/// A text of a phrase list, and where it stands in the file.
#[derive(Debug, Clone)]
pub(crate) struct Placed<T> {
    pub value: T,
    pub at: Range<usize>,
}

/// A sign that somebody may be at risk.
#[derive(Debug)]
pub(crate) struct Rule {
    pub id: Placed<String>,
    pub level: Level,
    pub who: Option<Who>,
    pub phrases: Vec<Placed<Vec<Piece>>>,
    /// Hints, by their ids, that are the sign where they stand together.
    pub together: Vec<Vec<Placed<String>>>,
    /// How many words such hints may take up, from the first to the last.
    pub within: u32,
    /// Such hints stand in one sentence.
    pub sentence: bool,
    pub examples: Vec<Placed<String>>,
    pub traps: Vec<Placed<String>>,
    /// Counts only beside another sign of at least this level.
    pub beside: Option<Level>,
    /// Defused only by what overlaps it, never by what merely stands near.
    pub firm: bool,
    /// Defused by nothing.
    pub certain: bool,
    /// Counts only where it is all that the message says.
    pub whole: bool,
}

/// Words that are nothing by themselves, and a sign where a rule says that they stand together.
#[derive(Debug)]
pub(crate) struct Hint {
    pub id: Placed<String>,
    pub phrases: Vec<Placed<Vec<Piece>>>,
}

/// Words that defuse a sign.
#[derive(Debug)]
pub(crate) struct Context {
    pub id: Placed<String>,
    /// The level that remains.
    pub to: Level,
    pub phrases: Vec<Placed<Vec<Piece>>>,
    /// Messages that stay at or below the level.
    pub examples: Vec<Placed<String>>,
    /// How many words away a sign may stand; without it, the two must overlap.
    pub reach: Option<u32>,
    /// Reaches no farther than its own sentence.
    pub sentence: bool,
    /// Defuses firm signs as well, when near.
    pub firm: bool,
    /// The only rules that it defuses; empty for all.
    pub only: Vec<Placed<String>>,
    /// Rules that it doesn't defuse.
    pub except: Vec<Placed<String>>,
}

/// A phrase list.
#[derive(Debug, Default)]
pub(crate) struct List {
    pub language: String,
    pub common: Vec<String>,
    pub fillers: Vec<String>,
    /// Words, each with spellings that are read as it.
    pub rare: Vec<Vec<String>>,
    /// Words of every day that are read also when mistyped.
    pub typed: Vec<Vec<String>>,
    /// Words that always deserve a closer look: what stands around them may be mistyped.
    pub waking: Vec<String>,
    pub joined: Vec<String>,
    /// Words with an apostrophe, in two halves.
    pub contractions: BTreeSet<(String, String)>,
    pub glued: Vec<String>,
    pub sets: Vec<(String, Placed<Vec<Vec<Part>>>)>,
    pub hints: Vec<Hint>,
    pub rules: Vec<Rule>,
    pub contexts: Vec<Context>,
}

const TOP: [&str; 12] = [
    "language", "common", "filler", "rare", "typed", "waking", "joined", "glued", "sets", "hint", "rule",
    "context",
];
const HINT: [&str; 3] = ["id", "about", "phrases"];
const RULE: [&str; 14] = [
    "id", "level", "who", "about", "phrases", "together", "within", "sentence", "examples", "traps",
    "beside", "firm", "certain", "whole",
];
/// Words that hints which make a sign may take up, if a rule doesn't say.
const WITHIN: u32 = 12;
const CONTEXT: [&str; 10] =
    ["id", "to", "about", "phrases", "examples", "reach", "sentence", "firm", "only", "except"];

/// Most hints that one sign is made of.
const MOST_TOGETHER: usize = 4;
/// Farthest that a context reaches or hints may stand apart, in words.
pub(crate) const FARTHEST: u32 = 30;

const APOSTROPHES: [char; 2] = ['\'', '’'];

type Table<'a> = DeTable<'a>;
type Value<'a> = Spanned<DeValue<'a>>;

/// Reads a list; what is wrong with it goes to `faults`, and what is right is read nevertheless.
pub(crate) fn read(source: &Source<'_>, faults: &mut Vec<Diagnostic>) -> List {
    let (table, errors) = DeTable::parse_recoverable(source.text());
    for error in errors {
        let range = error.span().unwrap_or(0..0);
        faults.push(
            Diagnostic::error(
                "S501",
                format!("this is not TOML: {}", error.message()),
                "see https://toml.io; a text needs quotes around it",
            )
            .at(source, range),
        );
    }
    let mut reader = Reader { source, contractions: BTreeSet::new(), faults };
    let mut list = reader.list(table.get_ref());
    list.contractions = reader.contractions;
    list
}

struct Reader<'a, 'b> {
    source: &'a Source<'a>,
    contractions: BTreeSet<(String, String)>,
    faults: &'b mut Vec<Diagnostic>,
}

impl Reader<'_, '_> {
    fn fault(
        &mut self,
        code: &'static str,
        at: Range<usize>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(Diagnostic::error(code, what, help).at(self.source, at));
    }

    fn keys(&mut self, table: &Table<'_>, known: &[&str]) {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("the keys here are {}", known.join(", ")),
                };
                self.fault("S502", key.span(), format!("there is no key \"{name}\""), help);
            }
        }
    }

    fn list(&mut self, table: &Table<'_>) -> List {
        self.keys(table, &TOP);
        let mut list = List {
            language: self.text(table, "language", 0..0).map_or_else(String::new, |t| t.value),
            ..List::default()
        };
        for (key, into) in [
            ("common", &mut list.common),
            ("filler", &mut list.fillers),
            ("waking", &mut list.waking),
            ("joined", &mut list.joined),
            ("glued", &mut list.glued),
        ] {
            if let Some(value) = table.get(key) {
                match value.get_ref().as_str() {
                    Some(words) => *into = words.split_whitespace().flat_map(folded).collect(),
                    None => self.wrong(value, key, "words with spaces between them, in quotes"),
                }
            }
        }
        for (key, into) in [("rare", &mut list.rare), ("typed", &mut list.typed)] {
            let Some(value) = table.get(key) else { continue };
            match value.get_ref().as_str() {
                Some(words) => {
                    let spellings = |word: &str| word.split('=').flat_map(folded).collect::<Vec<_>>();
                    *into = words.split_whitespace().map(spellings).filter(|word| !word.is_empty()).collect();
                }
                None => self.wrong(value, key, "words with spaces between them, in quotes"),
            }
        }
        if let Some(value) = table.get("sets") {
            match value.get_ref().as_table() {
                Some(sets) => list.sets = self.sets(sets),
                None => self.wrong(value, "sets", "a table, [sets]"),
            }
        }
        for hint in self.tables(table, "hint") {
            if let Some(hint) = self.hint(hint) {
                list.hints.push(hint);
            }
        }
        for rule in self.tables(table, "rule") {
            if let Some(rule) = self.rule(rule) {
                list.rules.push(rule);
            }
        }
        for context in self.tables(table, "context") {
            if let Some(context) = self.context(context) {
                list.contexts.push(context);
            }
        }
        let ids: Vec<Placed<String>> = list
            .rules
            .iter()
            .map(|r| r.id.clone())
            .chain(list.contexts.iter().map(|c| c.id.clone()))
            .chain(list.hints.iter().map(|h| h.id.clone()))
            .collect();
        for (i, id) in ids.iter().enumerate() {
            if ids[..i].iter().any(|other| other.value == id.value) {
                self.fault(
                    "S508",
                    id.at.clone(),
                    format!("\"{}\" is there twice", id.value),
                    "give each rule, hint and context an id of its own",
                );
            }
        }
        for hint in list.rules.iter().flat_map(|rule| rule.together.iter().flatten()) {
            if !list.hints.iter().any(|known| known.id.value == hint.value) {
                let near = nearest(&hint.value, list.hints.iter().map(|h| h.id.value.as_str()));
                let help = near.map_or("give the id of a [[hint]] of this file".to_owned(), |near| {
                    format!("did you mean \"{near}\"?")
                });
                self.fault("S505", hint.at.clone(), format!("there is no hint \"{}\"", hint.value), help);
            }
        }
        for context in &list.contexts {
            for only in context.only.iter().chain(&context.except) {
                if !list.rules.iter().any(|rule| rule.id.value == only.value) {
                    let near = nearest(&only.value, list.rules.iter().map(|r| r.id.value.as_str()));
                    let help = near.map_or("give the id of a rule of this file".to_owned(), |near| {
                        format!("did you mean \"{near}\"?")
                    });
                    self.fault("S505", only.at.clone(), format!("there is no rule \"{}\"", only.value), help);
                }
            }
        }
        list
    }

    fn tables<'t, 'i>(&mut self, table: &'t Table<'i>, key: &str) -> Vec<&'t Value<'i>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        match value.get_ref().as_array() {
            Some(array) => array.iter().collect(),
            None => {
                self.wrong(value, key, &format!("written [[{key}]]"));
                Vec::new()
            }
        }
    }

    fn wrong(&mut self, value: &Value<'_>, key: &str, should: &str) {
        self.fault(
            "S503",
            value.span(),
            format!("\"{key}\" can't be {}", value.get_ref().type_str()),
            format!("it should be {should}"),
        );
    }

    fn text(&mut self, table: &Table<'_>, key: &str, at: Range<usize>) -> Option<Placed<String>> {
        match table.get(key) {
            Some(value) => match value.get_ref().as_str() {
                Some(text) if !text.trim().is_empty() => {
                    Some(Placed { value: text.to_owned(), at: value.span() })
                }
                _ => {
                    self.wrong(value, key, "a text in quotes, not empty");
                    None
                }
            },
            None => {
                self.fault("S503", at, format!("\"{key}\" is missing"), format!("add a line {key} = \"…\""));
                None
            }
        }
    }

    fn texts(&mut self, table: &Table<'_>, key: &str) -> Vec<Placed<String>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(value, key, "a list of texts, [\"…\", \"…\"]");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push(Placed { value: text.to_owned(), at: item.span() }),
                None => self.wrong(item, key, "a list of texts"),
            }
        }
        texts
    }

    fn level(&mut self, table: &Table<'_>, key: &str) -> Option<Level> {
        let value = table.get(key)?;
        match value.get_ref().as_str() {
            Some("none") => Some(Level::None),
            Some("mention") => Some(Level::Mention),
            Some("concern") => Some(Level::Concern),
            Some("ideation") => Some(Level::Ideation),
            Some("imminent") => Some(Level::Imminent),
            _ => {
                self.wrong(
                    value,
                    key,
                    "one of \"none\", \"mention\", \"concern\", \"ideation\", \"imminent\"",
                );
                None
            }
        }
    }

    fn flag(&mut self, table: &Table<'_>, key: &str) -> bool {
        match table.get(key) {
            Some(value) => value.get_ref().as_bool().unwrap_or_else(|| {
                self.wrong(value, key, "true or false");
                false
            }),
            None => false,
        }
    }

    fn phrases(&mut self, table: &Table<'_>, at: Range<usize>) -> Vec<Placed<Vec<Piece>>> {
        let texts = self.texts(table, "phrases");
        // Hints that stand together are as good.
        if texts.is_empty() && !table.contains_key("together") {
            self.fault("S503", at, "there are no phrases", "add phrases = [\"…\"]");
        }
        let mut phrases = Vec::new();
        for text in texts {
            self.contractions(&text.value);
            match notation::phrase(&text.value) {
                Ok(value) => phrases.push(Placed { value, at: text.at }),
                Err(fault) => self.notation(&text.value, text.at, fault),
            }
        }
        phrases
    }

    /// Notes the words of a phrase that have an apostrophe.
    fn contractions(&mut self, text: &str) {
        // Most phrases have none.
        if !text.contains(APOSTROPHES) {
            return;
        }
        let words = text.split(|c: char| !c.is_alphanumeric() && !APOSTROPHES.contains(&c));
        for (before, after) in words.filter_map(|word| word.split_once(APOSTROPHES)) {
            if let ([before], [after]) = (folded(before).as_slice(), folded(after).as_slice()) {
                self.contractions.insert((before.clone(), after.clone()));
            }
        }
    }

    fn notation(&mut self, text: &str, at: Range<usize>, fault: notation::Fault) {
        // Inside the quotes, where the text stands in the file as it is read (no escapes), point exactly.
        let at = match self.source.text()[at.clone()].find(text) {
            Some(quote) => at.start + quote + fault.range.start..at.start + quote + fault.range.end,
            None => at,
        };
        self.fault("S504", at, fault.what, fault.help);
    }

    fn sets(&mut self, table: &Table<'_>) -> Vec<(String, Placed<Vec<Vec<Part>>>)> {
        let mut sets = Vec::new();
        for (name, value) in table {
            let Some(text) = value.get_ref().as_str() else {
                self.wrong(value, name.get_ref(), "a text with | between its entries");
                continue;
            };
            self.contractions(text);
            match notation::entries(text) {
                Ok(entries) => {
                    sets.push((name.get_ref().to_string(), Placed { value: entries, at: value.span() }))
                }
                Err(fault) => self.notation(text, value.span(), fault),
            }
        }
        sets
    }

    fn number(&mut self, table: &Table<'_>, key: &str, most: u32) -> Option<u32> {
        let value = table.get(key)?;
        let number = value.get_ref().as_integer().and_then(|n| n.as_str().parse::<u32>().ok());
        let number = number.filter(|number| *number <= most);
        if number.is_none() {
            self.wrong(value, key, &format!("a number of words, at most {most}"));
        }
        number
    }

    /// `together = ["one + another"]`: ids of hints with a + between them.
    fn together(&mut self, table: &Table<'_>) -> Vec<Vec<Placed<String>>> {
        let mut all = Vec::new();
        for text in self.texts(table, "together") {
            let ids: Vec<_> = text
                .value
                .split('+')
                .map(|id| Placed { value: id.trim().to_owned(), at: text.at.clone() })
                .collect();
            if ids.len() < 2 || ids.len() > MOST_TOGETHER {
                let help = format!("write \"one-hint + another\", at most {MOST_TOGETHER} of them");
                self.fault("S504", text.at, "hints stand together in twos, threes or fours", help);
                continue;
            }
            all.push(ids);
        }
        all
    }

    fn hint(&mut self, value: &Value<'_>) -> Option<Hint> {
        let table = value.get_ref().as_table()?;
        self.keys(table, &HINT);
        let id = self.text(table, "id", value.span());
        let about = self.text(table, "about", value.span());
        let phrases = self.phrases(table, value.span());
        about?;
        Some(Hint { id: id?, phrases })
    }

    fn rule(&mut self, value: &Value<'_>) -> Option<Rule> {
        let table = value.get_ref().as_table()?;
        self.keys(table, &RULE);
        let id = self.text(table, "id", value.span());
        let about = self.text(table, "about", value.span());
        let level = match table.get("level") {
            Some(_) => self.level(table, "level"),
            None => {
                self.fault(
                    "S503",
                    value.span(),
                    "\"level\" is missing",
                    "add level = \"concern\", or another",
                );
                None
            }
        };
        let who = match table.get("who").map(|v| (v, v.get_ref().as_str())) {
            None | Some((_, Some("self"))) => Some(Who::Oneself),
            Some((_, Some("other"))) => Some(Who::Other),
            Some((_, Some("nobody"))) => None,
            Some((value, _)) => {
                self.wrong(value, "who", "\"self\", \"other\" or \"nobody\"");
                None
            }
        };
        let phrases = self.phrases(table, value.span());
        let together = self.together(table);
        let within = self.number(table, "within", FARTHEST).unwrap_or(WITHIN);
        let sentence = self.flag(table, "sentence");
        let examples = self.texts(table, "examples");
        if examples.is_empty() {
            self.fault(
                "S503",
                value.span(),
                "there are no examples",
                "add examples = [\"…\"] that must be recognised",
            );
        }
        let traps = self.texts(table, "traps");
        let beside = self.level(table, "beside");
        let firm = self.flag(table, "firm");
        let certain = self.flag(table, "certain");
        let whole = self.flag(table, "whole");
        about?;
        Some(Rule {
            id: id?,
            level: level?,
            who,
            phrases,
            together,
            within,
            sentence,
            examples,
            traps,
            beside,
            firm,
            certain,
            whole,
        })
    }

    fn context(&mut self, value: &Value<'_>) -> Option<Context> {
        let table = value.get_ref().as_table()?;
        self.keys(table, &CONTEXT);
        let id = self.text(table, "id", value.span());
        let about = self.text(table, "about", value.span());
        let to = match table.get("to") {
            Some(_) => self.level(table, "to"),
            None => {
                self.fault(
                    "S503",
                    value.span(),
                    "\"to\" is missing",
                    "add to = \"none\", or \"mention\" where suicide itself is named",
                );
                None
            }
        };
        let phrases = self.phrases(table, value.span());
        let examples = self.texts(table, "examples");
        if examples.is_empty() {
            self.fault(
                "S503",
                value.span(),
                "there are no examples",
                "add examples = [\"…\"] that must stay quiet",
            );
        }
        let reach = self.number(table, "reach", FARTHEST);
        let firm = self.flag(table, "firm");
        let sentence = self.flag(table, "sentence");
        let only = self.texts(table, "only");
        let except = self.texts(table, "except");
        about?;
        Some(Context { id: id?, to: to?, phrases, examples, reach, sentence, firm, only, except })
    }
}

/// The folded words of a plain list.
fn folded(word: &str) -> Vec<String> {
    super::fold::fold(word).text().split_whitespace().map(str::to_owned).collect()
}
