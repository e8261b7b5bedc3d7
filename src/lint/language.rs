//! Language: whether somebody tired, on a phone, can read it. Warnings only: nothing here stops a guide.

use super::prose::{self, Patterns, Prose};
use super::rules::Rule;
use crate::diagnostic::Diagnostic;
use crate::script::{Block, CRISIS, Guide};

/// The longest sentence, in words.
const LONGEST_SENTENCE: usize = 25;
/// The longest step, in words.
const LONGEST_STEP: usize = 120;
/// A page shorter than this, in words, has no grade worth telling.
const SHORTEST_PAGE: usize = 100;
/// How long a known medical word counts, in letters: it is explained, and what is explained is read as easily
/// as any other.
const KNOWN_WORD: usize = 5;

/// Every rule about language.
pub(super) fn check(guide: &Guide, prose: &Prose<'_>, found: &mut Vec<Diagnostic>) {
    let known = Rule::find("S201").and_then(|rule| rule.words(guide.language().base(), false));
    let mut whole = Count::default();
    for step in guide.steps() {
        let mut words = 0;
        for sentence in prose::sentences(step) {
            let count = Count::of(&sentence, known.as_deref());
            words += count.words;
            if count.words > LONGEST_SENTENCE {
                let what = format!(
                    "a sentence of {} words, beginning with \"{}\"",
                    count.words,
                    beginning(&sentence)
                );
                let help = format!("please make two of it: {LONGEST_SENTENCE} words are enough for one");
                found.push(
                    Diagnostic::warning("S202", what, help)
                        .at(&prose.source, place(prose, step.range.start, &sentence)),
                );
            }
            whole.add(&count);
        }
        if words > LONGEST_STEP {
            let what =
                format!("the step \"{}\" has {words} words; a phone shows about {LONGEST_STEP}", step.title);
            let help = "please either shorten it, or make two steps of it";
            found.push(Diagnostic::warning("S203", what, help).at(&prose.source, step.range.clone()));
        }
    }
    if whole.words >= SHORTEST_PAGE {
        grade(guide, &whole, found);
    }
    unexplained(prose, found);
}

/// Words, sentences and letters of a text.
#[derive(Default)]
struct Count {
    words: usize,
    sentences: usize,
    letters: usize,
    /// Words of more than six letters.
    long: usize,
}

impl Count {
    fn of(sentence: &str, known: Option<&Patterns>) -> Count {
        let mut count = Count { sentences: 1, ..Count::default() };
        for word in
            sentence.split(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '\'' | '’' | '-')))
        {
            let letters = word.chars().filter(|letter| letter.is_alphanumeric()).count();
            if letters == 0 {
                continue;
            }
            let known =
                known.is_some_and(|known| known.find(word).is_some_and(|found| found.len() == word.len()));
            let letters = if known { letters.min(KNOWN_WORD) } else { letters };
            count.words += 1;
            count.letters += letters;
            count.long += usize::from(letters > 6);
        }
        count
    }

    fn add(&mut self, other: &Count) {
        self.words += other.words;
        self.sentences += other.sentences;
        self.letters += other.letters;
        self.long += other.long;
    }

    /// The Automated Readability Index: the school year that an English text asks for. It needs letters, words
    /// and sentences only, so that the same text always has the same grade.
    /// Source: Smith and Senter, Automated Readability Index, AMRL-TR-66-220, 1967.
    fn ari(&self) -> f64 {
        let (letters, words, sentences) = (self.letters as f64, self.words as f64, self.sentences as f64);
        4.71 * letters / words + 0.5 * words / sentences - 21.43
    }

    /// LIX: words a sentence, plus the percentage of words of more than six letters. It was made to compare
    /// languages: below 30 very easy, to 40 easy, to 50 medium.
    /// Source: Björnsson, Readability of Newspapers in 11 Languages, Reading Research Quarterly 18(4), 1983.
    fn lix(&self) -> f64 {
        let (words, sentences) = (self.words as f64, self.sentences as f64);
        words / sentences + 100.0 * self.long as f64 / words
    }
}

fn grade(guide: &Guide, count: &Count, found: &mut Vec<Diagnostic>) {
    let crisis = guide.id().as_str() == CRISIS;
    let what = match guide.language().base() {
        "en" => {
            let (grade, most) = (count.ari(), if crisis { 6.0 } else { 8.0 });
            (grade > most).then(|| format!("the page reads like school year {grade:.0}; {most} is the most for somebody who is worn out"))
        }
        // LIX counts letters of words between blanks: some scripts have no such measure, and where endings are strung
        // together, as in Turkish, long words are not hard words.
        "de" | "es" | "fr" | "pt" | "it" | "nl" | "pl" | "sv" | "id" | "ru" | "uk" => {
            let (lix, most) = (count.lix(), if crisis { 40.0 } else { 45.0 });
            (lix > most).then(|| format!("the page has a LIX of {lix:.0}; up to {most} is easy enough"))
        }
        _ => None,
    };
    if let Some(what) = what {
        let help = "please use shorter sentences and everyday words";
        found.push(Diagnostic::warning("S201", what, help).in_file(guide.path()));
    }
}

/// A specialist's word is explained somewhere on the page: it stands in a heading, or in emphasis where it is
/// explained.
fn unexplained(prose: &Prose<'_>, found: &mut Vec<Diagnostic>) {
    let Some(rule) = Rule::find("S204") else { return };
    let Some(words) = rule.words(prose.guide.language().base(), false) else { return };
    let steps = prose.guide.steps();
    let mut explained: Vec<String> = Vec::new();
    let mut explain = |text: &str| {
        explained.extend(words.find_iter(text).map(|range| text[range].to_lowercase()));
    };
    for step in steps {
        explain(&step.title);
        for run in step.says.iter().flat_map(Block::runs) {
            if let crate::script::Run::Text { text, emphasis: true, .. }
            | crate::script::Run::Text { text, strong: true, .. } = run
            {
                explain(text);
            }
        }
    }
    let mut told: Vec<String> = Vec::new();
    for at in 0..steps.len() {
        for range in words.find_iter(prose.step(at)) {
            let word = prose.step(at)[range.clone()].to_lowercase();
            if explained.contains(&word) || told.contains(&word) {
                continue;
            }
            let what = format!("\"{word}\" is never explained");
            let help = format!("please say once what it is, and put it in *…* there: *{word}*");
            found.push(Diagnostic::warning("S204", what, help).at(&prose.source, prose.in_file(at, range)));
            told.push(word);
        }
    }
}

/// The first words of a sentence, to tell it by.
fn beginning(sentence: &str) -> String {
    sentence.split_whitespace().take(5).collect::<Vec<_>>().join(" ")
}

/// Where a sentence stands: by its first word behind the step's heading that the file has in one piece.
fn place(prose: &Prose<'_>, from: usize, sentence: &str) -> std::ops::Range<usize> {
    let text = &prose.text[from..];
    for words in [4, 3, 2, 1] {
        let head = sentence.split_whitespace().take(words).collect::<Vec<_>>().join(" ");
        if let Some(at) = text.find(&head) {
            return from + at..from + at + head.len();
        }
    }
    from..from
}
