//! The detector: phrase lists in, an answer for each message out.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use super::compile::{self, Compiled, Language};
use super::context::{self, Span};
use super::fold::{self, Folded};
use super::learned::Learned;
use super::lesson::{self, Lesson};
use super::listed::Listed;
use super::phrase;
use super::words::Token;
use super::{Concern, Level, RuleId, Who};
use crate::builtin;
use crate::diagnostic::{Diagnostic, Source};

/// Decides whether a message shows that somebody may be at risk. Built once, shared by all.
pub struct Screener {
    compiled: Compiled,
    /// What no list recognises is weighed with these; nothing for lists that stand alone.
    learned: Option<Arc<Learned>>,
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
        Screener::read_and_try(files, |_| true)
    }

    /// The same, trying only the lists that differ from those that come with the program: those were tried before it
    /// was shipped. For a start, when people wait. That words of one list spoil an example of another in another
    /// language is found by [`Screener::read`] alone.
    ///
    /// # Errors
    ///
    /// The same, but for examples and traps of the lists that come with the program.
    pub fn read_to_serve(files: &[(&str, &str)]) -> Result<Screener, Vec<Diagnostic>> {
        Screener::read_and_try(files, |file| !builtin::phrase_lists().contains(file))
    }

    /// The same, without trying examples and traps: for lists that were tried before.
    ///
    /// # Errors
    ///
    /// The same, but for examples and traps.
    pub fn read_untried(files: &[(&str, &str)]) -> Result<Screener, Vec<Diagnostic>> {
        Screener::read_and_try(files, |_| false)
    }

    fn read_and_try(
        files: &[(&str, &str)],
        tried: impl Fn(&(&str, &str)) -> bool,
    ) -> Result<Screener, Vec<Diagnostic>> {
        let (compiled, lists) = compile::read(files)?;
        let screener = Screener { compiled, learned: Some(Screener::lessons().clone()) };
        let tried = files.iter().zip(&lists).filter(|(file, _)| tried(file));
        let faults: Vec<_> = tried.flat_map(|(_, (source, list))| screener.test(source, list)).collect();
        if faults.is_empty() { Ok(screener) } else { Err(faults) }
    }

    /// The phrase lists that come with the program. They were compiled, and all their examples tried, before it was
    /// shipped.
    pub fn builtin() -> &'static Arc<Screener> {
        static BUILT: LazyLock<Arc<Screener>> = LazyLock::new(|| {
            let screener = match compile::kept(builtin::COMPILED) {
                Ok(compiled) => Ok(Screener { compiled, learned: Some(Screener::lessons().clone()) }),
                // The build writes what this reads, so this can't happen; distress is recognised nevertheless.
                Err(_) => Screener::read_untried(builtin::phrase_lists()),
            };
            Arc::new(
                screener
                    .unwrap_or_else(|faults| panic!("the built-in phrase lists are broken: {}", faults[0])),
            )
        });
        &BUILT
    }

    /// What was learned from the lessons that come with the program.
    fn lessons() -> &'static Arc<Learned> {
        // The build writes what this reads, so the default, nothing learned, never serves.
        static LEARNED: LazyLock<Arc<Learned>> =
            LazyLock::new(|| Arc::new(lesson::kept(builtin::LEARNED).unwrap_or_default()));
        &LEARNED
    }

    /// The same lists without any lessons.
    #[must_use]
    pub fn unlearned(self) -> Screener {
        Screener { learned: None, ..self }
    }

    /// The same lists with these lessons and no others.
    #[must_use]
    pub fn taught(self, lessons: &[Lesson]) -> Screener {
        Screener { learned: Some(Arc::new(lesson::learn(lessons, &self.compiled))), ..self }
    }

    /// The phrase lists that come with the program: path and text, in the order of their paths.
    pub fn builtin_files() -> &'static [(&'static str, &'static str)] {
        builtin::phrase_lists()
    }

    /// What a message says, and of whom. Time is linear in its length.
    pub fn screen(&self, text: &str) -> Concern {
        let folded = fold::fold(text);
        match self.compiled.tokens(&folded) {
            Some(tokens) => self.judged(&folded, &tokens, self.compiled.look(&folded, &tokens)).0,
            None => self.overheard(&folded).0,
        }
    }

    /// What the lessons make of a message that deserves no closer look, and how heavy they found it.
    fn overheard(&self, folded: &Folded) -> (Concern, Option<f32>) {
        let Some(learned) = &self.learned else { return Default::default() };
        let weight = learned.weigh(folded.text(), false);
        (learned.hear(folded.text(), weight), Some(weight))
    }

    /// What the phrase lists alone say.
    fn listed(&self, text: &str) -> Concern {
        let folded = fold::fold(text);
        let tokens = self.compiled.tokens(&folded);
        tokens.map_or_else(Concern::default, |tokens| self.compiled.look(&folded, &tokens).concern)
    }

    /// What the lessons make of what the lists found, and how heavy they found it: of the message as it was folded, and as
    /// the dictionary spells it.
    fn judged(&self, folded: &Folded, tokens: &[Token], listed: Listed) -> (Concern, Option<f32>) {
        let Some(learned) = &self.learned else { return (listed.concern, None) };
        let respelt = self.compiled.dictionary.respelt(folded.text(), tokens);
        let saw = listed.undoubted.level > Level::None;
        let mut best = (folded.text(), learned.weigh(folded.text(), saw));
        if let Some(respelt) = &respelt {
            let weight = learned.weigh(respelt, saw);
            if weight > best.1 {
                best = (respelt, weight);
            }
        }
        let (text, weight) = best;
        let harmless = || {
            let around = self.compiled.around(folded, tokens).unwrap_or_default();
            !around.is_empty() && around.into_iter().all(|part| learned.doubt_part(&folded.text()[part]))
        };
        let concern = if !saw {
            learned.hear(text, weight)
        } else if learned.doubt(listed.concern.level, text, weight) && harmless() {
            Concern { level: Level::Mention, ..listed.concern }
        } else {
            learned.raise(listed, text, weight)
        };
        (concern, Some(weight))
    }

    /// The same as [`Screener::screen`], were the bytes of the message at `without` not there. They are whole words.
    pub(super) fn screen_without(&self, text: &str, without: &[Range<usize>]) -> Concern {
        let mut left = text.as_bytes().to_vec();
        without.iter().for_each(|range| left[range.clone()].fill(b' '));
        self.screen(&String::from_utf8_lossy(&left))
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
        self.compiled.anchors.search(folded.text(), &self.compiled.dictionary)
    }

    /// Bytes that the compiled lists take on the heap, about.
    pub fn memory(&self) -> usize {
        let charts: usize = self.compiled.languages.iter().map(|l| l.chart.memory()).sum();
        let learned = self.learned.as_ref().map_or(0, |learned| learned.memory());
        self.compiled.anchors.memory() + charts + self.compiled.dictionary.memory() + learned
    }

    /// The same as [`Screener::screen`], with everything that it weighed.
    pub fn explain(&self, text: &str) -> Explanation {
        let folded = fold::fold_with_offsets(text);
        let closer = self.compiled.tokens(&folded);
        let tokens = closer.as_deref().unwrap_or_default();
        let mut signs = Vec::new();
        let mut listed = Listed::default();
        for (language, reading) in self.compiled.readings(&folded, tokens) {
            let read = |span: Span| {
                let start = tokens[span.start as usize].start as usize;
                let end = tokens[span.end as usize - 1].end as usize;
                let words = folded.text()[start..end].to_owned();
                Read { words, at: folded.original(start..end, text) }
            };
            let all = context::weigh(language, &reading, true);
            listed.take(language, &reading, &all);
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
        let saw = listed.undoubted.level > Level::None;
        let (result, weight) =
            if closer.is_some() { self.judged(&folded, tokens, listed) } else { self.overheard(&folded) };
        let learned = self.learned.as_ref().zip(weight).map(|(learned, weight)| {
            let told = learned.tell(folded.text(), saw).into_iter().take(TOLD);
            let words = told.map(|(at, weight)| {
                let words = folded.text()[at.clone()].trim().to_owned();
                (Read { words, at: folded.original(at, text) }, weight)
            });
            Learnt { weight, saw, told: words.collect() }
        });
        Explanation { folded: folded.text().trim().to_owned(), signs, learned, result }
    }

    /// Tries the examples and traps of a list, by the lists alone: who writes one can change nothing about lessons.
    fn test(&self, source: &Source<'_>, list: &phrase::List) -> Vec<Diagnostic> {
        let mut faults = Vec::new();
        for rule in &list.rules {
            for example in &rule.examples {
                let found = self.listed(&example.value);
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
                let found = self.listed(&trap.value);
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
                let found = self.listed(&example.value);
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

/// Words that an explanation names of those that tell, at most.
const TOLD: usize = 8;

/// What the lessons make of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Learnt {
    /// What all words come to; above nothing is rather a cry for help.
    pub weight: f32,
    /// Whether a list saw something, so that the question was whether that is meant.
    pub saw: bool,
    /// The words that tell most, the heaviest first, and how much: above nothing for, below against.
    pub told: Vec<(Read, f32)>,
}

/// Why a message was answered as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The message in plain spelling.
    pub folded: String,
    /// Every sign, those that came to nothing included.
    pub signs: Vec<Sign>,
    /// What the lessons made of it.
    pub learned: Option<Learnt>,
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
        if let Some(learned) = &self.learned {
            let question = if learned.saw { "what the lists saw" } else { "it" };
            writeln!(f, "  the lessons weigh {question} at {:+.2}", learned.weight)?;
            for (read, weight) in &learned.told {
                writeln!(f, "    {weight:+.2} \"{}\"", read.words)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_compiled_with_the_program_are_those_in_its_files_byte_for_byte() {
        let (compiled, _) =
            compile::read(Screener::builtin_files()).unwrap_or_else(|found| panic!("{}", found[0]));
        let bytes = compile::keep(&compiled).expect("all of it can be written");
        assert!(bytes == builtin::COMPILED, "{} and {} bytes", bytes.len(), builtin::COMPILED.len());
    }

    #[cfg(feature = "shell")]
    #[test]
    fn the_lessons_learned_with_the_program_are_those_in_its_files_byte_for_byte() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons");
        let read = crate::shell::workbench::scorecard::read(&folder).expect("the folder can be read");
        assert_eq!(read.found, []);
        let lessons: Vec<Lesson> = read.groups.into_iter().flat_map(lesson::of).collect();
        let learned = lesson::learn(&lessons, &Screener::builtin().compiled);
        let bytes = lesson::keep(&learned).expect("all of it can be written");
        assert!(bytes == builtin::LEARNED, "{} and {} bytes", bytes.len(), builtin::LEARNED.len());
    }
}
