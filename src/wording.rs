//! The bot's own short sentences in one language, and the words that people type to steer it.
//!
//! Read from `scripts/wording/<language>.toml`. `[crisis]` must be there, whole. What else is missing is said in
//! English, and then no guide can be put into service in that language. No key may be unknown.

use std::collections::HashMap;
use std::sync::LazyLock;

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

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
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

impl Commands {
    /// Whether there is a word for every command.
    fn is_whole(&self) -> bool {
        let (head, tail) = (
            [&self.help_now, &self.help, &self.back, &self.stop, &self.topics, &self.notes, &self.start_over],
            [&self.forget_me, &self.privacy, &self.guides, &self.again, &self.start, &self.country],
        );
        head.iter().chain(&tail).all(|words| !words.is_empty())
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Answers {
    yes: Vec<String>,
    no: Vec<String>,
    skip: Vec<String>,
}

impl Answers {
    fn is_whole(&self) -> bool {
        [&self.yes, &self.no, &self.skip].iter().all(|words| !words.is_empty())
    }
}

macro_rules! sentences {
    ($(#[$doc:meta])* $name:ident, in a file $part:ident { $($field:ident)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "each is named for what it says; scripts/wording/en.toml reads best")]
        pub struct $name { $(pub $field: Sentence,)* }

        /// What a file says of it.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct $part { $($field: Option<Sentence>,)* }

        impl $part {
            /// The table, and the keys that it lacks, which are taken from another.
            fn over(self, other: &$name) -> ($name, Vec<&'static str>) {
                let mut lacks = Vec::new();
                $(if self.$field.is_none() { lacks.push(stringify!($field)); })*
                ($name { $($field: self.$field.unwrap_or_else(|| other.$field.clone()),)* }, lacks)
            }
        }

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
    Says, in a file SaysPart {
        hello no_guide welcome_back welcome_back_soft moved late unclear unclear_again unclear_no_choices out_of_range
        between ticked unticked at_the_start stopped no_topics erased erase_failed cannot_remember unknown_guide
        country_set country_set_unlisted country_unknown country_guess country_ask help privacy
    }
}

sentences! {
    /// The parts of a crisis reply that the program makes.
    CrisisWords, in a file CrisisPart {
        call text text_keyword whatsapp chat website hours emergency emergency_other emergency_unknown emergency_unknown_other emergency_local directory directory_unknown
        country_ask mention public public_again button_help button_people button_write after bare automated
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
    #[serde(default)]
    commands: Commands,
    #[serde(default)]
    answers: Answers,
    #[serde(default)]
    says: SaysPart,
    notes: Option<NotesWords>,
    #[serde(default)]
    crisis: CrisisPart,
}

/// The English wording, which is whole, and stands in for what another language lacks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct English {
    commands: Commands,
    answers: Answers,
    says: Says,
    notes: NotesWords,
    crisis: CrisisWords,
}

const ENGLISH: &str = include_str!("../scripts/wording/en.toml");

impl English {
    fn builtin() -> &'static English {
        static BUILTIN: LazyLock<English> = LazyLock::new(|| {
            toml::from_str(ENGLISH)
                .unwrap_or_else(|error| panic!("a test reads the English wording, and it is broken: {error}"))
        });
        &BUILTIN
    }
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
    typed: Typed,
    complete: bool,
}

/// What people type to steer the program. Of two languages, the words of the one that was added first win.
#[derive(Debug, Default)]
struct Typed {
    commands: HashMap<String, Command>,
    taught: Vec<(Command, String)>,
    answers: Vec<(Answer, Vec<String>)>,
    start: Vec<String>,
    country: Vec<String>,
}

impl Typed {
    /// Adds the commands of a language; answers a word that stands for two of them.
    fn commands(&mut self, c: Commands) -> Result<(), String> {
        let mut own = HashMap::new();
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
            if self.taught.iter().all(|(one, _)| *one != command) {
                self.taught.extend(words.first().map(|word| (command, word.clone())));
            }
            for word in words {
                if own.insert(plain(&word), command).is_some_and(|other| other != command) {
                    return Err(word);
                }
            }
        }
        for (word, command) in own {
            self.commands.entry(word).or_insert(command);
        }
        self.start.extend(c.start.iter().map(|word| plain(word)));
        self.country.extend(c.country.iter().map(|word| plain(word)));
        Ok(())
    }

    fn answers(&mut self, a: Answers) {
        for (answer, words) in [(Answer::Yes, a.yes), (Answer::No, a.no), (Answer::Skip, a.skip)] {
            let taken = |word: &String| self.answers.iter().any(|(_, words)| words.contains(word));
            let words: Vec<String> =
                words.iter().map(|word| plain(word)).filter(|word| !taken(word)).collect();
            match self.answers.iter_mut().find(|(one, _)| *one == answer) {
                Some((_, known)) => known.extend(words),
                None => self.answers.push((answer, words)),
            }
        }
    }
}

fn twice(path: &str, text: &str, word: &str) -> Diagnostic {
    let at = text.find(&format!("\"{word}\"")).unwrap_or(0);
    let what = format!("\"{word}\" stands for two different commands");
    Diagnostic::error(CODE, what, "please keep it in one of the lists")
        .at(&Source::new(path, text), at..at + word.len() + 2)
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
        let english = English::builtin();
        let (crisis, lacks) = file.crisis.over(&english.crisis);
        if !lacks.is_empty() {
            let what = format!("a crisis reply can't be said in this language without {}", lacks.join(", "));
            let help = "please write them under [crisis]; scripts/wording/en.toml shows what they say";
            let at = text.find("[crisis]").map_or(0..0, |at| at..at + "[crisis]".len());
            return Err(vec![Diagnostic::error(CODE, what, help).at(&Source::new(path, text), at)]);
        }
        let (says, lacks) = file.says.over(&english.says);
        let mut typed = Typed::default();
        let typed_whole = file.commands.is_whole() && file.answers.is_whole();
        let complete = lacks.is_empty() && file.notes.is_some() && typed_whole;
        typed.commands(file.commands).map_err(|word| vec![twice(path, text, &word)])?;
        typed.answers(file.answers);
        // Whoever learned the English words elsewhere, or reads them in a reply, is understood in every language.
        typed
            .commands(english.commands.clone())
            .map_err(|word| vec![twice("wording/en.toml", ENGLISH, &word)])?;
        typed.answers(english.answers.clone());
        Ok(Wording {
            language: language.clone(),
            says,
            notes: file.notes.unwrap_or_else(|| english.notes.clone()),
            crisis,
            typed,
            complete,
        })
    }

    /// Whether everything is there, and not only what a crisis reply needs.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The command that plain words (see [`plain`]) stand for.
    pub fn command(&self, plain: &str) -> Option<Command> {
        self.typed.commands.get(plain).copied()
    }

    /// The word that the program teaches for a command: the first of its list.
    pub fn command_word(&self, command: Command) -> &str {
        self.typed.taught.iter().find(|(one, _)| *one == command).map_or("", |(_, word)| word)
    }

    /// The word that the program teaches for beginning a guide, as in "start ketamine".
    pub fn start_word(&self) -> &str {
        self.typed.start.first().map_or("", String::as_str)
    }

    /// All words that stand for commands.
    pub fn command_words(&self) -> impl Iterator<Item = (&str, Command)> {
        self.typed.commands.iter().map(|(word, command)| (word.as_str(), *command))
    }

    /// The answer that plain words stand for.
    pub fn answer(&self, plain: &str) -> Option<Answer> {
        self.typed
            .answers
            .iter()
            .find(|(_, words)| words.iter().any(|word| word == plain))
            .map(|(answer, _)| *answer)
    }

    /// All words that stand for an answer.
    pub fn answer_words(&self, answer: Answer) -> &[String] {
        self.typed.answers.iter().find(|(one, _)| *one == answer).map_or(&[], |(_, words)| words)
    }

    /// What stands behind `start` in "start ketamine".
    pub fn start<'t>(&self, plain: &'t str) -> Option<&'t str> {
        behind(&self.typed.start, plain)
    }

    /// What stands behind `country` in "country Canada"; empty where it stands alone.
    pub fn country<'t>(&self, plain: &'t str) -> Option<&'t str> {
        if self.typed.country.first().is_some_and(|first| first == plain) {
            return Some("");
        }
        behind(&self.typed.country, plain)
    }

    /// Whether plain words use the command that the program teaches for naming a country.
    pub fn asks_country(&self, plain: &str) -> bool {
        self.typed.country.first().is_some_and(|first| plain.split(' ').next() == Some(first))
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
