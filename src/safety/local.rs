//! What a server adds to the phrase lists, `scripts/phrases/local.toml`: words of its own that count, and words that
//! look like a cry for help and are none there. The first can only raise an answer. The second leave a mention, never
//! less; they cover what they name and nothing beside it, and nothing that is imminent.

use std::fmt::Write as _;

use serde::Deserialize;
use toml::Spanned;

use super::{Concern, Level, Screener, fold};
use crate::diagnostic::{Diagnostic, Source};

/// The most words that one entry may have, and the most entries of one kind.
const MOST: usize = 500;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    concern: Vec<Spanned<String>>,
    ideation: Vec<Spanned<String>>,
    imminent: Vec<Spanned<String>>,
    harmless: Vec<Spanned<String>>,
}

/// A server's own words, compiled.
#[derive(Debug, Default)]
pub struct Local {
    raising: Option<Screener>,
    harmless: Option<Screener>,
}

impl Local {
    /// Reads `phrases/local.toml`: lists of plain words, named `concern`, `ideation`, `imminent` and `harmless`.
    ///
    /// # Errors
    ///
    /// What can't be read, entries without a word, and harmless words that are a cry for help by themselves, in order.
    pub fn read(path: &str, text: &str, screener: &Screener) -> Result<Local, Vec<Diagnostic>> {
        let source = Source::new(path, text);
        let file: File = toml::from_str(text).map_err(|error| {
            let what = error.message().lines().next().unwrap_or_default().to_owned();
            let help = "the lists here are concern, ideation, imminent and harmless, as in harmless = [\"a km of kms\"]";
            vec![Diagnostic::error("S501", what, help).at(&source, error.span().unwrap_or(0..0))]
        })?;
        let mut found = Vec::new();
        let mut plain = |entries: &[Spanned<String>]| -> Vec<String> {
            let words: Vec<(String, _)> =
                entries.iter().map(|entry| (words(entry.get_ref()), entry.span())).collect();
            for (words, at) in &words {
                let fault = if words.chars().filter(|letter| letter.is_alphanumeric()).count() < 3 {
                    Some((
                        "this has hardly a letter",
                        "please write the words as people write them, or take it out",
                    ))
                } else if words.split_whitespace().count() > MOST {
                    Some(("this is very long", "please keep the words that matter"))
                } else {
                    None
                };
                if let Some((what, help)) = fault {
                    found.push(Diagnostic::error("S503", what, help).at(&source, at.clone()));
                }
            }
            if words.len() > MOST {
                let what = format!("there are more than {MOST} entries in one list");
                let at = words[MOST].1.clone();
                found.push(Diagnostic::error("S509", what, "please keep those that matter").at(&source, at));
            }
            words.into_iter().map(|(words, _)| words).collect()
        };
        let raising = [
            (Level::Concern, plain(&file.concern)),
            (Level::Ideation, plain(&file.ideation)),
            (Level::Imminent, plain(&file.imminent)),
        ];
        let harmless = [(Level::Mention, plain(&file.harmless))];
        // What is a cry by itself stays one, whatever a server wants: only longer words can be harmless.
        for entry in &file.harmless {
            let alone = screener.explain(entry.get_ref());
            let whole = |words: &str| words == alone.folded;
            let cry =
                alone.signs.iter().any(|sign| sign.remains >= Level::Concern && whole(&sign.read.words));
            if cry || alone.result.level >= Level::Ideation {
                let what = format!("\"{}\" is what somebody in danger says", entry.get_ref());
                let help =
                    "please add the words that make it harmless where you are, such as the name of a game";
                found.push(Diagnostic::error("S510", what, help).at(&source, entry.span()));
            }
        }
        if !found.is_empty() {
            return Err(found);
        }
        Ok(Local { raising: compiled(&raising)?, harmless: compiled(&harmless)? })
    }

    /// What a message says, on this server.
    pub fn screen(&self, screener: &Screener, text: &str) -> Concern {
        screen(&[self], screener, text)
    }
}

/// What a message says where several add words of their own, such as an operator and a server. What one of them calls
/// harmless covers nothing that another lets count.
pub fn screen(locals: &[&Local], screener: &Screener, text: &str) -> Concern {
    let heard = screener.screen(text);
    let raising = locals.iter().filter_map(|local| local.raising.as_ref());
    let raised = raising.map(|own| own.screen(text)).fold(Concern::default(), Concern::or);
    let found = heard.or(raised.clone());
    if locals.iter().all(|local| local.harmless.is_none())
        || found.level < Level::Concern
        || found.level == Level::Imminent
        || raised.level >= Level::Concern
    {
        return found;
    }
    let harmless = locals.iter().filter_map(|local| local.harmless.as_ref());
    let covers: Vec<_> = harmless.flat_map(|own| own.explain(text).signs).map(|sign| sign.read.at).collect();
    if covers.is_empty() {
        return found;
    }
    let mut left = Concern { level: Level::Mention, ..found };
    for sign in screener.explain(text).signs {
        let covered = covers.iter().any(|by| by.start <= sign.read.at.start && sign.read.at.end <= by.end);
        if !covered {
            left = left.or(Concern { level: sign.remains, who: sign.who, rule: Some(sign.rule) });
        }
    }
    // What the rest of the message is enough for counts.
    left.or(screener.screen_without(text, &covers))
}

/// Folded words with a space between them: nothing is left that means something in a phrase.
fn words(text: &str) -> String {
    let folded = fold::fold(text);
    let plain = |c: char| c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c);
    folded.text().split(|c| !plain(c)).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A phrase list of plain words, as if it stood in a file.
fn compiled(lists: &[(Level, Vec<String>)]) -> Result<Option<Screener>, Vec<Diagnostic>> {
    let mut text = String::from("language = \"local\"\n");
    let mut any = false;
    for (level, words) in lists.iter().filter(|(_, words)| !words.is_empty()) {
        any = true;
        let level = level.as_str();
        // Writing to memory can't fail.
        let _ = writeln!(
            text,
            "\n[[rule]]\nid = \"{level}\"\nlevel = \"{level}\"\nwho = \"self\"\nabout = \"a server's own words\""
        );
        let list = words.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "phrases = [{list}]\nexamples = [{list}]");
    }
    if !any {
        return Ok(None);
    }
    Screener::read_untried(&[("phrases/local.toml", &text)]).map(|screener| Some(screener.unlearned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> Local {
        Local::read("phrases/local.toml", text, Screener::builtin())
            .unwrap_or_else(|found| panic!("{}", found[0]))
    }

    fn level(local: &Local, text: &str) -> Level {
        local.screen(Screener::builtin(), text).level
    }

    #[test]
    fn what_the_lessons_hear_is_harmless_where_it_is_what_a_server_calls_so_and_nothing_else() {
        let lessons = "= recognised self\nder leuchtturm ruft mich heute heim\nder leuchtturm ruft und ich gehe\n\
                       = quiet\nwir sahen heute den hafen\nich gehe heute heim\n";
        let lessons = super::super::lesson::read("de", "lessons.txt", &lessons.repeat(50)).unwrap();
        let screener = Screener::read_untried(&[]).unwrap_or_else(|_| panic!("no lists")).taught(&lessons);
        let text = "der leuchtturm ruft mich heute heim";
        let level = |harmless: &str| {
            let list = format!("harmless = [\"{harmless}\"]");
            let own = Local::read("phrases/local.toml", &list, &screener)
                .unwrap_or_else(|found| panic!("{}", found[0]));
            own.screen(&screener, text).level
        };
        assert_eq!(screener.screen(text).level, Level::Concern);
        assert_eq!(level("der leuchtturm ruft mich"), Level::Mention);
        assert_eq!(level("heute"), Level::Concern);
    }

    #[test]
    fn words_of_a_server_count_there_and_only_ever_raise_an_answer() {
        let own = local("concern = [\"i want to die\"]\nimminent = [\"boarding the night ferry\"]");
        assert_eq!(level(&own, "I'm boarding the night ferry now."), Level::Imminent);
        assert_eq!(level(&Local::default(), "I'm boarding the night ferry now."), Level::None);
        assert_eq!(level(&own, "i want to die"), Level::Ideation, "a lower entry lowers nothing");
    }

    #[test]
    fn harmless_words_leave_a_mention_and_cover_nothing_beside_them() {
        // The lessons, too, know that a run is harmless: here it has to be the server that does.
        let lists =
            Screener::read_untried(Screener::builtin_files()).unwrap_or_else(|found| panic!("{}", found[0]));
        let lists = lists.unlearned();
        let own = local("harmless = [\"kms fun run\"]");
        let level = |local: &Local, text: &str| local.screen(&lists, text).level;
        assert_eq!(level(&Local::default(), "who's in for the kms fun run?"), Level::Concern);
        assert_eq!(level(&own, "who's in for the KMS fun-run?"), Level::Mention);
        assert_eq!(level(&own, "kms fun run was nice but i want to die"), Level::Ideation);
        assert_eq!(level(&own, "after the kms fun run i'll kill myself tonight"), Level::Imminent);
    }

    #[test]
    fn a_plain_cry_for_help_can_not_be_called_harmless() {
        let found = Local::read("phrases/local.toml", "harmless = [\"want to die\"]", Screener::builtin());
        assert_eq!(found.expect_err("it is refused")[0].code, "S510");
    }

    #[test]
    fn what_looks_like_notation_is_only_words() {
        let own = local("ideation = [\"night * (ferry | bus) .. {off}\"]");
        assert_eq!(level(&own, "the night ferry bus off"), Level::Ideation);
        assert_eq!(level(&own, "the night bus"), Level::None);
    }

    #[test]
    fn entries_without_words_and_unknown_lists_are_told_where_they_stand() {
        for (text, code) in
            [("ideation = [\"!!\"]", "S503"), ("harmles = []", "S501"), ("concern = 3", "S501")]
        {
            let found = Local::read("phrases/local.toml", text, Screener::builtin()).expect_err(text);
            assert_eq!(found[0].code, code, "{}", found[0]);
            assert!(found[0].place.is_some());
        }
    }
}
