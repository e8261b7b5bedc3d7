//! The bot's own short sentences in one language, and the words that people type to steer it.
//!
//! Read from `scripts/wording/<language>.toml`; every key must be there, none may be unknown.

use std::collections::HashMap;

use serde::Deserialize;

use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::script::{Block, Language, Run, read};

/// What a person can ask of the program at any place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Open the crisis page.
    HelpNow,
    /// Say what can be typed.
    Help,
    /// Return to the step before.
    Back,
    /// Stop for now; the place is kept.
    Stop,
    /// Go to the step `topics`.
    Topics,
    /// Show the take-away notes.
    Notes,
    /// Begin the guide again, with empty notes.
    StartOver,
    /// Erase everything about the person.
    ForgetMe,
    /// Say what is stored.
    Privacy,
    /// List the guides.
    Guides,
    /// Say again what was said last.
    Again,
}

/// Words that stand for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Rather not.
    Skip,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Commands {
    help_now: Vec<String>,
    help: Vec<String>,
    back: Vec<String>,
    stop: Vec<String>,
    topics: Vec<String>,
    notes: Vec<String>,
    start_over: Vec<String>,
    forget_me: Vec<String>,
    privacy: Vec<String>,
    guides: Vec<String>,
    again: Vec<String>,
    start: Vec<String>,
    country: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    yes: Vec<String>,
    no: Vec<String>,
    skip: Vec<String>,
}

macro_rules! sentences {
    ($(#[$doc:meta])* $name:ident { $($field:ident)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "each is named for what it says; scripts/wording/en.toml reads best")]
        pub struct $name { $(pub $field: Sentence,)* }

        impl $name {
            const KEYS: &[&str] = &[$(stringify!($field)),*];

            fn all(&self) -> impl Iterator<Item = (&'static str, &Sentence)> {
                [$((stringify!($field), &self.$field)),*].into_iter()
            }
        }
    };
}

sentences! {
    /// What the program says by itself.
    Says {
        hello no_guide welcome_back welcome_back_soft moved unclear unclear_again unclear_no_choices out_of_range
        between ticked unticked at_the_start stopped no_topics erased erase_failed cannot_remember unknown_guide
        country_set country_set_unlisted country_unknown country_guess country_ask help privacy
    }
}

sentences! {
    /// The parts of a crisis reply that the program makes.
    CrisisWords {
        call text text_keyword whatsapp chat website hours emergency emergency_other emergency_unknown emergency_unknown_other emergency_local directory directory_unknown
        country_ask mention public after bare automated
    }
}

/// The fixed parts of the take-away notes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "named for what they say")]
pub struct NotesWords {
    pub title: Sentence,
    pub about: Sentence,
    pub empty: Sentence,
    pub always: Vec<Sentence>,
}

/// The names that the program fills into sentences.
const BLANKS: &[&str] =
    &["count", "label", "country", "number", "keyword", "link", "hours", "line", "emergency", "date"];

/// A sentence of the bot, with blanks in braces.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Sentence(Vec<Block>);

impl TryFrom<String> for Sentence {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        for (at, _) in text.match_indices('{') {
            let blank = text[at + 1..].split('}').next().unwrap_or("");
            if !BLANKS.contains(&blank) {
                let hint = nearest(blank, BLANKS.iter().copied())
                    .map_or(String::new(), |near| format!("; did you mean {{{near}}}?"));
                return Err(format!("there is no {{{blank}}} to fill in{hint}"));
            }
        }
        match read::blocks("", &text) {
            Ok(blocks) if !blocks.is_empty() => Ok(Sentence(blocks)),
            Ok(_) => Err("this sentence is empty".to_owned()),
            Err(found) => Err(found[0].what.clone()),
        }
    }
}

impl Sentence {
    /// The sentence with nothing to fill in.
    pub fn blocks(&self) -> Vec<Block> {
        self.0.clone()
    }

    /// The sentence with its blanks filled.
    pub fn with(&self, values: &[(&str, &str)]) -> Vec<Block> {
        let mut blocks = self.0.clone();
        for block in &mut blocks {
            for run in read::runs_mut(block) {
                if let Run::Text { text, .. } = run {
                    fill(text, values);
                }
            }
        }
        blocks
    }

    /// The words alone, with the blanks filled.
    pub fn words(&self, values: &[(&str, &str)]) -> String {
        let words: Vec<String> = self.with(values).iter().map(Block::words).collect();
        words.join("\n\n")
    }

    /// The runs of its first paragraph, with the blanks filled.
    pub fn runs(&self, values: &[(&str, &str)]) -> Vec<Run> {
        match self.with(values).swap_remove(0) {
            Block::Paragraph(runs) => runs,
            other => vec![Run::plain(other.words())],
        }
    }
}

fn fill(text: &mut String, values: &[(&str, &str)]) {
    if text.contains('{') {
        for (name, value) in values {
            *text = text.replace(&format!("{{{name}}}"), value);
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    commands: Commands,
    answers: Answers,
    says: Says,
    notes: NotesWords,
    crisis: CrisisWords,
}

/// The wording of one language.
#[derive(Debug)]
pub struct Wording {
    /// Its language.
    pub language: Language,
    /// What the program says by itself.
    pub says: Says,
    /// The fixed parts of the notes.
    pub notes: NotesWords,
    /// The parts of a crisis reply that the program makes.
    pub crisis: CrisisWords,
    commands: HashMap<String, Command>,
    taught: Vec<(Command, String)>,
    answers: Vec<(Answer, Vec<String>)>,
    start: Vec<String>,
    country: Vec<String>,
}

/// The code of what can be wrong with a wording file.
pub(crate) const CODE: &str = "S020";

impl Wording {
    /// Reads `wording/<language>.toml`.
    ///
    /// # Errors
    ///
    /// Says where the file isn't what it should be, and what to do.
    pub fn read(path: &str, text: &str, language: &Language) -> Result<Wording, Vec<Diagnostic>> {
        let file: File = toml::from_str(text).map_err(|error| vec![refused(path, text, &error)])?;
        let mut commands = HashMap::new();
        let mut taught = Vec::new();
        let c = file.commands;
        for (command, words) in [
            (Command::HelpNow, c.help_now),
            (Command::Help, c.help),
            (Command::Back, c.back),
            (Command::Stop, c.stop),
            (Command::Topics, c.topics),
            (Command::Notes, c.notes),
            (Command::StartOver, c.start_over),
            (Command::ForgetMe, c.forget_me),
            (Command::Privacy, c.privacy),
            (Command::Guides, c.guides),
            (Command::Again, c.again),
        ] {
            taught.extend(words.first().map(|word| (command, word.clone())));
            for word in words {
                let plain = plain(&word);
                if commands.insert(plain, command).is_some_and(|other| other != command) {
                    let at = text.find(&format!("\"{word}\"")).unwrap_or(0);
                    let what = format!("\"{word}\" stands for two different commands");
                    let found = Diagnostic::error(CODE, what, "please keep it in one of the lists");
                    return Err(vec![found.at(&Source::new(path, text), at..at + word.len() + 2)]);
                }
            }
        }
        let all = |words: Vec<String>| words.iter().map(|word| plain(word)).collect::<Vec<_>>();
        Ok(Wording {
            language: language.clone(),
            says: file.says,
            notes: file.notes,
            crisis: file.crisis,
            commands,
            taught,
            answers: vec![
                (Answer::Yes, all(file.answers.yes)),
                (Answer::No, all(file.answers.no)),
                (Answer::Skip, all(file.answers.skip)),
            ],
            start: all(c.start),
            country: all(c.country),
        })
    }

    /// The command that plain words (see [`plain`]) stand for.
    pub fn command(&self, plain: &str) -> Option<Command> {
        self.commands.get(plain).copied()
    }

    /// The word that the program teaches for a command: the first of its list.
    pub fn command_word(&self, command: Command) -> &str {
        self.taught.iter().find(|(one, _)| *one == command).map_or("", |(_, word)| word)
    }

    /// The word that the program teaches for beginning a guide, as in "start ketamine".
    pub fn start_word(&self) -> &str {
        self.start.first().map_or("", String::as_str)
    }

    /// All words that stand for commands.
    pub fn command_words(&self) -> impl Iterator<Item = (&str, Command)> {
        self.commands.iter().map(|(word, command)| (word.as_str(), *command))
    }

    /// The answer that plain words stand for.
    pub fn answer(&self, plain: &str) -> Option<Answer> {
        self.answers
            .iter()
            .find(|(_, words)| words.iter().any(|word| word == plain))
            .map(|(answer, _)| *answer)
    }

    /// All words that stand for an answer.
    pub fn answer_words(&self, answer: Answer) -> &[String] {
        self.answers.iter().find(|(one, _)| *one == answer).map_or(&[], |(_, words)| words)
    }

    /// What stands behind `start` in "start ketamine".
    pub fn start<'t>(&self, plain: &'t str) -> Option<&'t str> {
        behind(&self.start, plain)
    }

    /// What stands behind `country` in "country Canada"; empty where it stands alone.
    pub fn country<'t>(&self, plain: &'t str) -> Option<&'t str> {
        if self.country.first().is_some_and(|first| first == plain) {
            return Some("");
        }
        behind(&self.country, plain)
    }

    /// Whether plain words use the command that the program teaches for naming a country.
    pub fn asks_country(&self, plain: &str) -> bool {
        self.country.first().is_some_and(|first| plain.split(' ').next() == Some(first))
    }

    /// Every sentence with its key, for checks.
    pub fn sentences(&self) -> impl Iterator<Item = (&'static str, &Sentence)> {
        let notes =
            [("title", &self.notes.title), ("about", &self.notes.about), ("empty", &self.notes.empty)];
        self.says
            .all()
            .chain(self.crisis.all())
            .chain(notes)
            .chain(self.notes.always.iter().map(|sentence| ("always", sentence)))
    }
}

fn behind<'t>(heads: &[String], plain: &'t str) -> Option<&'t str> {
    heads.iter().find_map(|head| plain.strip_prefix(head.as_str())?.strip_prefix(' ')).map(str::trim)
}

fn refused(path: &str, text: &str, error: &toml::de::Error) -> Diagnostic {
    let message = error.message();
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    let help = match unknown {
        Some(word) => {
            let keys = Says::KEYS.iter().chain(CrisisWords::KEYS).copied();
            nearest(word, keys).map_or_else(
                || "please take the line away".to_owned(),
                |near| format!("did you mean {near}?"),
            )
        }
        None => "please mend this line; scripts/wording/en.toml shows what belongs here".to_owned(),
    };
    Diagnostic::error(CODE, message.lines().next().unwrap_or_default(), help)
        .at(&Source::new(path, text), error.span().unwrap_or(0..0))
}

/// Words as they are compared: lower case, without marks, one space between them, apostrophes gone
/// ("I'd rather" -> "id rather"). A lone mark such as `?` stays, so that it can be a command.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        match c {
            '\'' | '’' | '‘' | '`' | '*' => {}
            c if c.is_alphanumeric() || is_mark(c) => {
                if std::mem::take(&mut gap) && !plain.is_empty() {
                    plain.push(' ');
                }
                plain.extend(c.to_lowercase());
            }
            _ => gap = true,
        }
    }
    if plain.is_empty() && text.trim() == "?" {
        plain.push('?');
    }
    plain
}

/// Vowel signs and accents that belong to a letter, in scripts that `is_alphanumeric` cuts apart.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EN: &str = include_str!("../scripts/wording/en.toml");

    fn en() -> Wording {
        Wording::read("wording/en.toml", EN, &Language::new("en"))
            .unwrap_or_else(|found| panic!("{}", found[0]))
    }

    #[test]
    fn the_commands_are_known_however_they_are_written() {
        let wording = en();
        for (typed, command) in [
            ("Help Now!", Command::HelpNow),
            ("  BACK. ", Command::Back),
            ("forget   me", Command::ForgetMe),
            ("?", Command::Help),
            ("*topics*", Command::Topics),
        ] {
            assert_eq!(wording.command(&plain(typed)), Some(command), "{typed}");
        }
        assert_eq!(wording.country(&plain("Country: New Zealand")), Some("new zealand"));
        assert_eq!(wording.start(&plain("start ketamine")), Some("ketamine"));
        assert_eq!(wording.start("started"), None);
    }

    #[test]
    fn a_mistyped_key_or_blank_is_answered_with_the_nearest() {
        let found = Wording::read(
            "wording/en.toml",
            &EN.replace("unclear_again =", "unclear_agian ="),
            &Language::new("en"),
        )
        .unwrap_err();
        assert_eq!(found[0].help, "did you mean unclear_again?");
        let found = Wording::read(
            "wording/en.toml",
            &EN.replace("{count} choices", "{cuont} choices"),
            &Language::new("en"),
        )
        .unwrap_err();
        assert!(found[0].what.contains("did you mean {count}?"), "{}", found[0]);
    }

    #[test]
    fn a_word_that_stands_for_two_commands_is_refused() {
        let text = EN.replace("\"enough\"]", "\"enough\", \"back\"]");
        let found = Wording::read("wording/en.toml", &text, &Language::new("en")).unwrap_err();
        assert!(found[0].what.contains("two different commands"), "{}", found[0]);
    }
}
