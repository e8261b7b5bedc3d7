//! What a message means at this place: a command, a choice, or nothing that is understood.
//!
//! What fits two choices is asked about, never guessed.

use super::Offer;
use crate::wording::{Answer, Command, Wording, plain};

/// The longest message, in characters, that can be an answer; a longer one is heard by the safety
/// screen and is otherwise a story, not a choice.
const LONGEST_ANSWER: usize = 200;

/// What a message means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A command of the program.
    Command(Command),
    /// "start ketamine": what stands behind, in plain words.
    Start(String),
    /// "country Canada": what stands behind, in plain words; empty where nothing does.
    Country(String),
    /// The choice at this position.
    Choice(usize),
    /// One of several choices.
    Between(Vec<usize>),
    /// A number that no choice has.
    OutOfRange,
    /// Nothing that is understood here.
    Unclear,
}

/// The choice whose label is exactly these words, however they are capitalised or marked.
pub fn exact(text: &str, offers: &[Offer]) -> Option<usize> {
    let typed = plain(text);
    (!typed.is_empty()).then(|| offers.iter().position(|offer| plain(&offer.label) == typed)).flatten()
}

/// What `text` means where `offers` can be chosen.
pub fn route(text: &str, offers: &[Offer], wording: &Wording) -> Meaning {
    if text.chars().take(LONGEST_ANSWER + 1).count() > LONGEST_ANSWER {
        return Meaning::Unclear;
    }
    let typed = plain(text);
    if let Some(command) = wording.command(&typed) {
        return Meaning::Command(command);
    }
    if let Some(guide) = wording.start(&typed) {
        return Meaning::Start(guide.to_owned());
    }
    if let Some(number) = number(text) {
        return match number.checked_sub(1) {
            Some(at) if at < offers.len() => Meaning::Choice(at),
            _ => Meaning::OutOfRange,
        };
    }
    let labels: Vec<String> = offers.iter().map(|offer| plain(&offer.label)).collect();
    if let Some(at) = labels.iter().position(|label| *label == typed) {
        return Meaning::Choice(at);
    }
    if let Some(country) = wording.country(&typed) {
        return Meaning::Country(country.to_owned());
    }
    if typed.is_empty() {
        return Meaning::Unclear;
    }
    for fits in [
        by_answer(&typed, &labels, wording),
        which(&labels, |label| typed.chars().count() >= 2 && label.starts_with(&typed)),
        by_words(&typed, &labels),
        which(&labels, |label| is_slip(&typed, label)),
    ] {
        match fits[..] {
            [] => {}
            [at] => return Meaning::Choice(at),
            _ => return Meaning::Between(fits),
        }
    }
    // A slip in a command is taken only where it can't be anything else: "bcak", "tpoics".
    let mut meant =
        wording.command_words().filter(|(word, _)| is_slip(&typed, word)).map(|(_, command)| command);
    match (meant.next(), meant.next()) {
        (Some(Command::ForgetMe | Command::StartOver), _) | (None, _) => Meaning::Unclear,
        (Some(one), Some(other)) if one != other => Meaning::Unclear,
        (Some(command), _) => Meaning::Command(command),
    }
}

fn which(labels: &[String], fits: impl Fn(&str) -> bool) -> Vec<usize> {
    (0..labels.len()).filter(|&at| fits(&labels[at])).collect()
}

/// A number as people type it: `2`, `2.`, `(2)`, `#2`, `2)`, and full-width or other decimal digits.
fn number(text: &str) -> Option<usize> {
    let digits =
        text.trim().trim_matches(|c: char| matches!(c, '.' | ')' | '(' | '#' | ':' | '[' | ']' | ' '));
    if digits.is_empty() || digits.len() > 12 {
        return None;
    }
    // Keycap emoji are a digit, a variation selector and a frame.
    let digits = digits.chars().filter(|c| !matches!(c, '\u{fe0f}' | '\u{20e3}'));
    digits.map(digit).try_fold(0usize, |sum, digit| sum.checked_mul(10)?.checked_add(digit?))
}

fn digit(c: char) -> Option<usize> {
    let value = match c {
        '0'..='9' => u32::from(c) - u32::from('0'),
        '０'..='９' => u32::from(c) - u32::from('０'),
        '٠'..='٩' => u32::from(c) - u32::from('٠'),
        '۰'..='۹' => u32::from(c) - u32::from('۰'),
        '०'..='९' => u32::from(c) - u32::from('०'),
        _ => return None,
    };
    Some(value as usize)
}

/// "yes", "nah", "skip": the choices that begin with a word of that kind. "Skip" also fits what
/// says so further on, as in "I'd rather not say".
fn by_answer(typed: &str, labels: &[String], wording: &Wording) -> Vec<usize> {
    let Some(answer) = wording.answer(typed) else { return Vec::new() };
    let words = wording.answer_words(answer);
    let begins = |label: &str, word: &str| {
        label.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    which(labels, |label| {
        words.iter().any(|word| {
            begins(label, word) || (answer == Answer::Skip && word.len() > 3 && holds(label, word))
        })
    })
}

/// Whether `words` stand in `label` as whole words.
fn holds(label: &str, words: &str) -> bool {
    format!(" {label} ").contains(&format!(" {words} "))
}

/// The choices that have all the words that were typed, if one of them says something.
fn by_words(typed: &str, labels: &[String]) -> Vec<usize> {
    let words: Vec<&str> = typed.split(' ').collect();
    if !words.iter().any(|word| word.chars().count() >= 3) {
        return Vec::new();
    }
    which(labels, |label| words.iter().all(|word| label.split(' ').any(|other| other == *word)))
}

/// A small slip of spelling: one wrong, missing, extra or swapped letter in four to seven, two in
/// more. Shorter words are too near to one another.
fn is_slip(typed: &str, known: &str) -> bool {
    let length = known.chars().count();
    let allowed = match length {
        0..4 => return false,
        4..8 => 1,
        _ => 2,
    };
    typed.chars().count().abs_diff(length) <= allowed && strsim::osa_distance(typed, known) <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{ChoiceId, Language};

    fn wording() -> Wording {
        let text = include_str!("../../scripts/wording/en.toml");
        Wording::read("wording/en.toml", text, &Language::new("en")).expect("the wording is sound")
    }

    fn meaning(text: &str, labels: &[&str]) -> Meaning {
        let offers: Vec<Offer> = labels
            .iter()
            .map(|label| Offer {
                id: ChoiceId::of(label),
                label: (*label).to_owned(),
                ticked: None,
                to: None,
            })
            .collect();
        route(text, &offers, &wording())
    }

    const TRIED: &[&str] = &["No medicine yet", "One", "Two or more", "I'd rather not say"];

    #[test]
    fn a_choice_is_understood_however_it_is_typed() {
        for (typed, at) in [
            ("1", 0),
            ("2.", 1),
            (" (3) ", 2),
            ("4️⃣", 3),
            ("two or more", 2),
            ("TWO OR MORE!", 2),
            ("two", 2),
            ("no med", 0),
            ("medicine", 0),
            ("no medcine yet", 0),
            ("no", 0),
            ("nope", 0),
            ("skip", 3),
            ("id rather not say", 3),
            ("rather not", 3),
        ] {
            assert_eq!(meaning(typed, TRIED), Meaning::Choice(at), "{typed}");
        }
    }

    #[test]
    fn what_fits_two_choices_is_asked_about() {
        let labels = ["Yes, ECT", "Yes, TMS", "No"];
        assert_eq!(meaning("yes", &labels), Meaning::Between(vec![0, 1]));
        assert_eq!(meaning("yes tms", &labels), Meaning::Choice(1));
        assert_eq!(meaning("The d", &["The drip", "The doctor"]), Meaning::Between(vec![0, 1]));
    }

    #[test]
    fn a_number_that_is_not_there_is_not_guessed_at() {
        for typed in ["0", "5", "99999999999", "-1"] {
            assert_ne!(meaning(typed, TRIED), Meaning::Choice(0), "{typed}");
        }
        assert_eq!(meaning("5", TRIED), Meaning::OutOfRange);
    }

    #[test]
    fn commands_work_whatever_the_choices_say() {
        assert_eq!(meaning("back", &["Back to the list", "On"]), Meaning::Command(Command::Back));
        assert_eq!(meaning("bcak", TRIED), Meaning::Command(Command::Back));
        assert_eq!(meaning("stop", &["Stop the medicine"]), Meaning::Command(Command::Stop));
    }

    #[test]
    fn a_slip_never_erases_anything() {
        assert_eq!(meaning("forgot me", TRIED), Meaning::Unclear);
        assert_eq!(meaning("start ovr", TRIED), Meaning::Start("ovr".to_owned()));
    }

    #[test]
    fn a_story_is_not_taken_for_a_choice() {
        assert_eq!(meaning(&"one ".repeat(100), TRIED), Meaning::Unclear);
        assert_eq!(meaning("i took one of these for years and then", TRIED), Meaning::Unclear);
        for nonsense in ["", " ", "…", "asdfgh", "🙂", "\u{200b}"] {
            assert_eq!(meaning(nonsense, TRIED), Meaning::Unclear, "{nonsense:?}");
        }
    }

    #[test]
    fn digits_of_other_scripts_count() {
        assert_eq!(meaning("２", TRIED), Meaning::Choice(1));
        assert_eq!(meaning("٢", TRIED), Meaning::Choice(1));
    }
}
