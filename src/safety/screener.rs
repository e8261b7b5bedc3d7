//! The detector: phrase lists in, an answer for each message out.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use super::chart::Reading;
use super::compile::{Compiled, Language, Owner, compile};
use super::context::{self, Span, Weighed};
use super::fold::{self, Folded};
use super::phrase;
use super::{Concern, Level, RuleId, Who};
use crate::diagnostic::{Diagnostic, Source};

/// The phrase lists that come with the program.
const BUILTIN: &[(&str, &str)] = &[
    ("phrases/en.toml", include_str!("../../scripts/phrases/en.toml")),
    ("phrases/es.toml", include_str!("../../scripts/phrases/es.toml")),
    ("phrases/de.toml", include_str!("../../scripts/phrases/de.toml")),
    ("phrases/fr.toml", include_str!("../../scripts/phrases/fr.toml")),
    ("phrases/pt.toml", include_str!("../../scripts/phrases/pt.toml")),
    ("phrases/it.toml", include_str!("../../scripts/phrases/it.toml")),
    ("phrases/nl.toml", include_str!("../../scripts/phrases/nl.toml")),
    ("phrases/pl.toml", include_str!("../../scripts/phrases/pl.toml")),
    ("phrases/ru.toml", include_str!("../../scripts/phrases/ru.toml")),
    ("phrases/uk.toml", include_str!("../../scripts/phrases/uk.toml")),
    ("phrases/tr.toml", include_str!("../../scripts/phrases/tr.toml")),
    ("phrases/ar.toml", include_str!("../../scripts/phrases/ar.toml")),
    ("phrases/hi.toml", include_str!("../../scripts/phrases/hi.toml")),
    ("phrases/id.toml", include_str!("../../scripts/phrases/id.toml")),
    ("phrases/sv.toml", include_str!("../../scripts/phrases/sv.toml")),
    ("phrases/ja.toml", include_str!("../../scripts/phrases/ja.toml")),
    ("phrases/ko.toml", include_str!("../../scripts/phrases/ko.toml")),
    ("phrases/zh.toml", include_str!("../../scripts/phrases/zh.toml")),
];

type Lists<'a> = Vec<(Source<'a>, phrase::List)>;

/// Decides whether a message shows that somebody may be at risk. Built once, shared by all.
pub struct Screener {
    compiled: Compiled,
}

impl fmt::Debug for Screener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screener").finish_non_exhaustive()
    }
}

impl Screener {
    /// Reads phrase lists: for each, the path that people are shown, and the text.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any of them, in order: what can't be read, an unknown key or set, an
    /// example that isn't recognised at its level, a trap that is.
    pub fn read(files: &[(&str, &str)]) -> Result<Screener, Vec<Diagnostic>> {
        let (screener, lists) = Screener::parse(files)?;
        let faults = lists.iter().flat_map(|(source, list)| screener.test(source, list)).collect::<Vec<_>>();
        if faults.is_empty() { Ok(screener) } else { Err(faults) }
    }

    /// The same, without trying examples and traps: for lists that were tried before.
    ///
    /// # Errors
    ///
    /// The same, but for examples and traps.
    pub fn read_untried(files: &[(&str, &str)]) -> Result<Screener, Vec<Diagnostic>> {
        Screener::parse(files).map(|(screener, _)| screener)
    }

    fn parse<'a>(files: &[(&'a str, &'a str)]) -> Result<(Screener, Lists<'a>), Vec<Diagnostic>> {
        let mut faults = Vec::new();
        if files.len() > 64 {
            faults.push(Diagnostic::error(
                "S509",
                "there are more than 64 phrase lists",
                "join some of them",
            ));
            return Err(faults);
        }
        let read = |&(path, text): &(&'a str, &'a str)| {
            let source = Source::new(path, text);
            let list = phrase::read(&source, &mut faults);
            (source, list)
        };
        let lists: Lists<'_> = files.iter().map(read).collect();
        match compile(&lists, &mut faults) {
            Some(compiled) if faults.is_empty() => Ok((Screener { compiled }, lists)),
            _ => Err(faults),
        }
    }

    /// The phrase lists that come with the program.
    pub fn builtin() -> &'static Screener {
        static BUILT: LazyLock<Screener> = LazyLock::new(|| match Screener::read_untried(BUILTIN) {
            Ok(screener) => screener,
            // A test reads the same lists with all their examples, so this can't ship.
            Err(faults) => {
                panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))
            }
        });
        &BUILT
    }

    /// The phrase lists that come with the program: path and text.
    pub fn builtin_files() -> &'static [(&'static str, &'static str)] {
        BUILTIN
    }

    /// What a message says, and of whom. Time is linear in its length.
    pub fn screen(&self, text: &str) -> Concern {
        let folded = fold::fold(text);
        if !folded.is_odd() && !self.search(&folded) {
            return Concern::default();
        }
        self.closer(&folded)
    }

    /// Whether the phrase list of one language alone finds a concern or more in a message.
    pub fn hears(&self, text: &str, language: &str) -> bool {
        let folded = fold::fold(text);
        let tokens = self.compiled.dictionary.tokens(folded.text());
        let named = |list: &&Language| list.rules.first().is_some_and(|rule| rule.id.language() == language);
        self.compiled.languages.iter().filter(named).any(|list| {
            let reading = list.chart.read(&tokens, &self.compiled.dictionary);
            let weighed = context::weigh(list, &reading, false);
            weighed.iter().any(|weighed| !weighed.alone && weighed.level >= Level::Concern)
        })
    }

    /// Makes spelling plain: the first half of [`Screener::screen`], for measuring.
    pub fn fold(&self, text: &str) -> Folded {
        fold::fold(text)
    }

    /// The bare search for the words that no phrase can do without: for measuring.
    pub fn search(&self, folded: &Folded) -> bool {
        self.compiled.anchors.search(folded.text())
    }

    /// Bytes that the compiled lists take on the heap, about.
    pub fn memory(&self) -> usize {
        let charts: usize = self.compiled.languages.iter().map(|l| l.chart.memory()).sum();
        self.compiled.anchors.memory() + charts + self.compiled.dictionary.memory()
    }

    #[cold]
    #[inline(never)]
    fn closer(&self, folded: &Folded) -> Concern {
        let tokens = self.compiled.dictionary.tokens(folded.text());
        let awake = self.compiled.anchors.awake(folded.text(), &tokens, &self.compiled.dictionary);
        let mut best = Best::default();
        for (index, language) in self.compiled.languages.iter().enumerate() {
            if awake >> index & 1 == 0 {
                continue;
            }
            let reading = language.chart.read(&tokens, &self.compiled.dictionary);
            best.take(language, &reading, &context::weigh(language, &reading, false));
        }
        best.concern
    }

    /// The same as [`Screener::screen`], with everything that it weighed.
    pub fn explain(&self, text: &str) -> Explanation {
        let folded = fold::fold_with_offsets(text);
        let tokens = self.compiled.dictionary.tokens(folded.text());
        let awake = self.compiled.anchors.awake(folded.text(), &tokens, &self.compiled.dictionary);
        let mut signs = Vec::new();
        let mut best = Best::default();
        for (index, language) in self.compiled.languages.iter().enumerate() {
            if awake >> index & 1 == 0 {
                continue;
            }
            let reading = language.chart.read(&tokens, &self.compiled.dictionary);
            let read = |span: Span| {
                let start = tokens[span.start as usize].start as usize;
                let end = tokens[span.end as usize - 1].end as usize;
                let words = folded.text()[start..end].to_owned();
                Read { words, at: folded.original(start..end, text) }
            };
            let all = context::weigh(language, &reading, true);
            best.take(language, &reading, &all);
            for weighed in all {
                let rule = &language.rules[weighed.sign.index as usize];
                signs.push(Sign {
                    rule: rule.id.clone(),
                    who: rule.who,
                    level: rule.level,
                    read: read(weighed.sign),
                    hints: weighed
                        .hints
                        .iter()
                        .map(|&span| (language.hints[span.index as usize].clone(), read(span)))
                        .collect(),
                    contexts: weighed
                        .by
                        .iter()
                        .map(|&span| {
                            let context = &language.contexts[span.index as usize];
                            Defused { context: context.id.clone(), to: context.to, read: read(span) }
                        })
                        .collect(),
                    remains: if weighed.alone { Level::None } else { weighed.level },
                    alone: weighed.alone,
                });
            }
        }
        Explanation { folded: folded.text().trim().to_owned(), signs, result: best.concern }
    }

    /// Tries the examples and traps of a list.
    fn test(&self, source: &Source<'_>, list: &phrase::List) -> Vec<Diagnostic> {
        let mut faults = Vec::new();
        for rule in &list.rules {
            for example in &rule.examples {
                let found = self.screen(&example.value);
                if found.level != rule.level || found.who != rule.who && rule.level > Level::Mention {
                    faults.push(
                        Diagnostic::error(
                            "S506",
                            format!(
                                "this example of \"{}\" should be {} and is {found}",
                                rule.id.value,
                                called(rule.level, rule.who)
                            ),
                            "add a phrase that it fits, or see with `lantern scan --explain` what defuses it",
                        )
                        .at(source, example.at.clone()),
                    );
                }
            }
            for trap in &rule.traps {
                let found = self.screen(&trap.value);
                if found.level >= Level::Concern {
                    faults.push(
                        Diagnostic::error(
                            "S507",
                            format!(
                                "this trap of \"{}\" should stay below concern and is {found}",
                                rule.id.value
                            ),
                            "make the phrase narrower, or add a [[context]] that defuses it",
                        )
                        .at(source, trap.at.clone()),
                    );
                }
            }
        }
        for context in &list.contexts {
            for example in &context.examples {
                let found = self.screen(&example.value);
                if found.level > context.to {
                    faults.push(
                        Diagnostic::error(
                            "S507",
                            format!("this example of \"{}\" should be at most {} and is {found}", context.id.value, level_name(context.to)),
                            "add a phrase that covers it, or see with `lantern scan --explain` which rule still counts",
                        )
                        .at(source, example.at.clone()),
                    );
                }
            }
        }
        faults
    }
}

/// The most serious of what several languages found. Of equals counts the language that reads more of the message: its
/// words decide in which language a person is answered.
#[derive(Default)]
struct Best {
    concern: Concern,
    /// How many words that language's phrases read, each phrase counted.
    words: u32,
}

impl Best {
    fn take(&mut self, language: &Language, reading: &Reading<'_>, weighed: &[Weighed]) {
        let counted = weighed.iter().filter(|one| !one.alone);
        let own = counted.fold(Concern::default(), |own, one| own.or(concern(language, one.sign, one.level)));
        // Hints are words of every day, and say little about the language that somebody means.
        let phrases = reading
            .found
            .iter()
            .filter(|found| !matches!(language.owners[found.phrase as usize], Owner::Hint(_)));
        let words = phrases.map(|&found| found.end - reading.start(found)).sum();
        if (own.rank(), words) > (self.concern.rank(), self.words) {
            *self = Best { concern: own, words };
        }
    }
}

fn concern(language: &Language, sign: Span, level: Level) -> Concern {
    if level == Level::None {
        return Concern::default();
    }
    let rule = &language.rules[sign.index as usize];
    Concern { level, who: rule.who, rule: Some(rule.id.clone()) }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::None => "none",
        Level::Mention => "mention",
        Level::Concern => "concern",
        Level::Ideation => "ideation",
        Level::Imminent => "imminent",
    }
}

fn called(level: Level, who: Option<Who>) -> String {
    let who = match who {
        Some(Who::Oneself) => " (self)",
        Some(Who::Other) => " (other)",
        None => "",
    };
    format!("{}{who}", level_name(level))
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&called(self.level, self.who))?;
        match &self.rule {
            Some(rule) => write!(f, " by {rule}"),
            None => Ok(()),
        }
    }
}

/// Words of a message that a phrase fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The words, folded.
    pub words: String,
    /// Where they stand in the message, in bytes.
    pub at: Range<usize>,
}

/// A context that defused a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defused {
    /// The context.
    pub context: RuleId,
    /// The level that it leaves.
    pub to: Level,
    /// The words that it read.
    pub read: Read,
}

/// A sign that a rule saw, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// The rule.
    pub rule: RuleId,
    /// Whom it is about.
    pub who: Option<Who>,
    /// The rule's level.
    pub level: Level,
    /// The words that it read.
    pub read: Read,
    /// The hints that it is made of, and the words that each read; none where a phrase is the sign.
    pub hints: Vec<(RuleId, Read)>,
    /// The contexts that lowered it.
    pub contexts: Vec<Defused>,
    /// The level that remains.
    pub remains: Level,
    /// It would count only beside another sign, and there is none.
    pub alone: bool,
}

/// Why a message was answered as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The message in plain spelling.
    pub folded: String,
    /// Every sign, those that came to nothing included.
    pub signs: Vec<Sign>,
    /// The answer.
    pub result: Concern,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.result)?;
        writeln!(f, "  read as: {}", self.folded)?;
        for sign in &self.signs {
            writeln!(f, "  {} by {}: \"{}\"", called(sign.level, sign.who), sign.rule, sign.read.words)?;
            for (hint, read) in &sign.hints {
                writeln!(f, "    hint {hint}: \"{}\"", read.words)?;
            }
            for by in &sign.contexts {
                writeln!(f, "    lowered to {} by {}: \"{}\"", level_name(by.to), by.context, by.read.words)?;
            }
            if sign.alone {
                writeln!(f, "    counts only beside another sign")?;
            }
        }
        Ok(())
    }
}
