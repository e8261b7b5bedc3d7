//! `.chat` -> [`Transcript`]s, or what is wrong with the file.

use std::ops::Range;
use std::sync::Arc;

use super::{Act, Deed, Expectation, Expected, Transcript};
use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::safety::Level;
use crate::safety::resource::Country;
use crate::script::Language;

/// The code of a line that can't be understood.
const LINE: &str = "T001";

const DIRECTIONS: &str = "stage directions are (wait 3 days), (restart), (country GB), (language de), (in a public channel), (in private), (edit guide FILE) and (withdraw guide FILE)";

/// Reads a file of transcripts. Its language is its name's: `en` of `ketamine/en.chat` and `ketamine/en.tour.chat`.
///
/// # Errors
///
/// Every line that can't be understood.
pub fn read(path: &str, text: &str) -> Result<Vec<Transcript>, Vec<Diagnostic>> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let language = name.split('.').next().filter(|code| Language::is_code(code)).unwrap_or("en");
    let mut reader = Reader {
        source: Source::new(path, text),
        text: text.into(),
        language: Language::new(language),
        talks: Vec::new(),
        hearing: false,
        found: Vec::new(),
    };
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let whole = line.trim_end();
        let blank = whole.len() - whole.trim_start().len();
        reader.line(whole.trim_start(), at + blank..at + whole.len(), blank > 0);
        at += line.len();
    }
    if reader.found.is_empty() { Ok(reader.talks) } else { Err(reader.found) }
}

struct Reader<'a> {
    source: Source<'a>,
    text: Arc<str>,
    language: Language,
    talks: Vec<Transcript>,
    /// Whether indented lines go on with what must be heard.
    hearing: bool,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn fault(&mut self, range: Range<usize>, what: impl Into<String>, help: impl Into<String>) {
        self.found.push(Diagnostic::error(LINE, what, help).at(&self.source, range));
    }

    fn line(&mut self, line: &str, range: Range<usize>, indented: bool) {
        if line.is_empty() {
            self.hearing = false;
            return;
        }
        if indented && self.hearing {
            return self.hears(line, range);
        }
        self.hearing = false;
        if let Some(title) = line.strip_prefix("## ") {
            return self.talks.push(Transcript {
                title: title.trim().to_owned(),
                path: self.source.path().to_owned(),
                text: self.text.clone(),
                language: self.language.clone(),
                acts: Vec::new(),
                range,
            });
        }
        if line.starts_with("# ") && self.talks.is_empty() {
            return;
        }
        if self.talks.is_empty() {
            return self.fault(
                range,
                "this stands before the first conversation",
                "please begin a conversation with ## and a name for it",
            );
        }
        let rest = |head: &str| {
            line.strip_prefix(head).map(|rest| (rest.trim(), range.end - rest.trim_start().len()..range.end))
        };
        if let Some((said, _)) = rest("You:") {
            let deed = match said.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(label) => Deed::Tap(label.to_owned()),
                None => Deed::Say(said.to_owned()),
            };
            if said.is_empty() {
                return self.fault(
                    range,
                    "nothing is said here",
                    "please write what is typed, or a choice in [ ]",
                );
            }
            self.act(deed, range);
        } else if let Some((words, range)) = rest("Guide:") {
            self.hearing = true;
            match self.talks.last().and_then(|talk| talk.acts.last()) {
                Some(Act { what: Deed::Say(_) | Deed::Tap(_), .. }) => self.hears(words, range),
                _ => self.fault(
                    range,
                    "nobody has said anything yet that this could answer",
                    "please put a line with You: before it",
                ),
            }
        } else if let Some(direction) = line.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            match direct(direction.trim()) {
                Ok(deed) => self.act(deed, range),
                Err((what, help)) => self.fault(range, what, help),
            }
        } else {
            let first = line.split(' ').next().unwrap_or(line);
            let help = match nearest(first, ["You:", "Guide:"]) {
                Some(near) => format!("did you mean {near}?"),
                None => "please begin it with You:, with Guide:, or with ## for a new conversation; what goes on with a Guide: line is indented".to_owned(),
            };
            self.fault(range, "this is no line of a conversation", help);
        }
    }

    fn act(&mut self, what: Deed, range: Range<usize>) {
        if let Some(talk) = self.talks.last_mut() {
            talk.acts.push(Act { what, hears: Vec::new(), heard_range: range.end..range.end, range });
        }
    }

    /// One line of what must be heard.
    fn hears(&mut self, line: &str, range: Range<usize>) {
        let mut rest = line;
        let mut expected = Vec::new();
        // Pins come first: (crisis ideation) (at step).
        while let Some((pin, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            let pin = pin.trim();
            let level = pin.strip_prefix("crisis").map(str::trim);
            if let Some(step) = pin.strip_prefix("at ") {
                expected.push(Expected::At(step.trim().trim_start_matches('#').to_owned()));
            } else if level == Some("") {
                expected.push(Expected::Crisis(None));
            } else if let Some(level) = level.and_then(level_named) {
                expected.push(Expected::Crisis(Some(level)));
            } else {
                break;
            }
            rest = after.trim_start();
        }
        if let Some(never) = rest.strip_prefix("never ") {
            let never = never.trim();
            expected.push(match never.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(label) => Expected::NeverChoice(label.to_owned()),
                None => Expected::NeverWords(never.to_owned()),
            });
        } else if rest.starts_with('[') {
            match labels(rest) {
                Some((labels, more)) => expected.push(Expected::Choices(labels, more)),
                None => return self.fault(range, "this is no list of choices", "please write them as [One] [Another], each in its own brackets, and ... behind them if there may be more"),
            }
        } else {
            let pieces = rest.replace('…', "...");
            let words: Vec<String> = pieces
                .split("...")
                .map(str::trim)
                .filter(|words| !words.is_empty())
                .map(str::to_owned)
                .collect();
            if !words.is_empty() {
                expected.push(Expected::Words(words));
            }
        }
        let Some(act) = self.talks.last_mut().and_then(|talk| talk.acts.last_mut()) else { return };
        if act.heard_range.is_empty() {
            act.heard_range = act.range.end + 1..range.end;
        }
        act.heard_range.end = range.end;
        for what in expected {
            // Choices on several lines are one list.
            if let (
                Expected::Choices(more, open),
                Some(Expectation { what: Expected::Choices(labels, before), range: whole }),
            ) = (&what, act.hears.last_mut())
                && !*before
            {
                labels.extend(more.iter().cloned());
                *before = *open;
                whole.end = range.end;
                continue;
            }
            act.hears.push(Expectation { what, range: range.clone() });
        }
    }
}

fn level_named(name: &str) -> Option<Level> {
    [Level::Mention, Level::Concern, Level::Ideation, Level::Imminent]
        .into_iter()
        .find(|level| level.as_str() == name)
}

/// `[A] [B] ...`: the labels, and whether there may be more.
fn labels(line: &str) -> Option<(Vec<String>, bool)> {
    let mut labels = Vec::new();
    let mut rest = line.trim();
    while let Some(inner) = rest.strip_prefix('[') {
        let (label, after) = inner.split_once(']')?;
        labels.push(label.trim().to_owned());
        rest = after.trim_start();
    }
    match rest {
        "" => Some((labels, false)),
        "..." | "…" => Some((labels, true)),
        _ => None,
    }
}

/// A stage direction.
fn direct(words: &str) -> Result<Deed, (String, String)> {
    let wrong = |what: String| Err((what, DIRECTIONS.to_owned()));
    let (head, rest) = words.split_once(' ').unwrap_or((words, ""));
    let rest = rest.trim();
    match (head, rest) {
        ("restart", "") => Ok(Deed::Restart),
        ("in", "a public channel") => Ok(Deed::Public(true)),
        ("in", "private") => Ok(Deed::Public(false)),
        ("wait", _) => match seconds(rest) {
            Some(seconds) => Ok(Deed::Wait(seconds)),
            None => wrong(format!("\"{rest}\" is no length of time")),
        },
        ("country", _) => match Country::parse(rest) {
            Some(country) => Ok(Deed::Country(country)),
            None => wrong(format!("\"{rest}\" is no country of two letters")),
        },
        ("language", _) if Language::is_code(rest) => Ok(Deed::Language(Language::new(rest))),
        ("language", _) => wrong(format!("\"{rest}\" is no language code")),
        ("edit" | "withdraw", _) => {
            match rest.strip_prefix("guide ").map(str::trim).filter(|file| !file.is_empty()) {
                Some(file) if head == "edit" => Ok(Deed::Edit(file.to_owned())),
                Some(file) => Ok(Deed::Withdraw(file.to_owned())),
                None => wrong("this names no file".to_owned()),
            }
        }
        _ => wrong(format!("there is no stage direction \"{head}\"")),
    }
}

/// "3 days", "an hour", "90 minutes": in seconds.
fn seconds(words: &str) -> Option<u64> {
    let (count, unit) = words.split_once(' ')?;
    let count = match count {
        "a" | "an" => 1,
        number => number.parse::<u64>().ok()?,
    };
    let unit = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 604_800,
        _ => return None,
    };
    count.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TALK: &str = "# About tea

## Has a cup

You:    start tea
Guide:  (at welcome) ... not a clinician ... tea
        never coffee
        [Yes] [No]
        [Maybe] ...

(wait 3 days)
(edit guide other.md)

You:    [Yes]
Guide:  (crisis ideation) (at ideation) ... 988 ...
";

    #[test]
    fn a_conversation_is_read_with_all_that_must_be_heard() {
        let talks = read("tea/en.chat", TALK).expect("it is sound");
        assert_eq!((talks.len(), talks[0].title.as_str()), (1, "Has a cup"));
        let acts = &talks[0].acts;
        assert_eq!(acts[0].what, Deed::Say("start tea".into()));
        let heard: Vec<&Expected> = acts[0].hears.iter().map(|one| &one.what).collect();
        assert_eq!(
            heard,
            [
                &Expected::At("welcome".into()),
                &Expected::Words(vec!["not a clinician".into(), "tea".into()]),
                &Expected::NeverWords("coffee".into()),
                &Expected::Choices(vec!["Yes".into(), "No".into(), "Maybe".into()], true),
            ]
        );
        assert_eq!(acts[1].what, Deed::Wait(3 * 86_400));
        assert_eq!(acts[2].what, Deed::Edit("other.md".into()));
        assert_eq!(acts[3].hears[0].what, Expected::Crisis(Some(Level::Ideation)));
    }

    #[test]
    fn a_line_that_is_none_says_what_it_could_be() {
        for (line, help) in [
            ("Yuo:    hello", "did you mean You:?"),
            ("Me:     hello", "please begin it with You:"),
            ("(wait forever)", "stage directions are"),
            ("(dance)", "stage directions are"),
            ("(country Narnia)", "stage directions are"),
            ("You:", "please write what is typed"),
            ("Guide:  hello", "please put a line with You:"),
        ] {
            let found = read("tea/en.chat", &format!("## A\n\n{line}\n")).expect_err(line);
            assert!(found[0].help.contains(help), "{line}: {}", found[0]);
            assert_eq!(found[0].place.as_ref().map(|place| place.line), Some(3), "{line}");
        }
        let found = read("tea/en.chat", "You: hi\n").expect_err("no conversation has begun");
        assert!(found[0].help.contains("##"));
    }
}
