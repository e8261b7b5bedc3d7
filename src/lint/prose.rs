//! The words of a guide as they stand in its file, and patterns that look for words in them.

use std::ops::Range;

use regex::Regex;

use crate::diagnostic::Source;
use crate::script::{Guide, Step};

/// A guide's text, with all that nobody reads (the front matter, the targets of links) blanked out, so that
/// what is found in it stands at the same byte of the file.
pub(super) struct Prose<'g> {
    pub guide: &'g Guide,
    pub source: Source<'g>,
    pub text: String,
}

impl<'g> Prose<'g> {
    pub fn of(guide: &'g Guide) -> Self {
        let raw = guide.text();
        let mut text = raw.as_bytes().to_vec();
        let mut blank = |range: Range<usize>| {
            for byte in &mut text[range] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        };
        let start = guide.steps()[0].range.start;
        blank(0..start);
        for (at, _) in raw.match_indices("](") {
            let rest = &raw[at + 2..];
            let end = rest.find([')', ' ', '\n']).unwrap_or(rest.len());
            blank(at + 2..at + 2 + end);
        }
        for (at, _) in raw.match_indices("{#") {
            let rest = &raw[at..];
            blank(at..at + rest.find(['}', '\n']).unwrap_or(rest.len()));
        }
        // Whole ranges between ASCII marks were blanked, so that no letter was cut in two.
        let text = String::from_utf8(text).unwrap_or_else(|_| raw.to_owned());
        Prose { guide, source: Source::new(guide.path(), raw), text }
    }

    /// The words of one step, from its heading on.
    pub fn step(&self, at: usize) -> &str {
        &self.text[self.guide.extent(at)]
    }

    /// Where something found in a step stands in the file.
    pub fn in_file(&self, at: usize, range: Range<usize>) -> Range<usize> {
        let from = self.guide.extent(at).start;
        range.start + from..range.end + from
    }
}

/// What a step says, sentence by sentence: a list item, a line break and a marker end one, too.
pub(super) fn sentences(step: &Step) -> Vec<String> {
    let mut all = Vec::new();
    for block in &step.says {
        for line in block.words().lines() {
            let mut sentence = String::new();
            let mut letters = line.chars().peekable();
            while let Some(letter) = letters.next() {
                sentence.push(letter);
                let ends = matches!(letter, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '।');
                // "e.g." and "3.5" go on.
                let goes_on = letters.peek().is_some_and(|next| next.is_alphanumeric());
                if ends && !(goes_on && letter == '.') {
                    all.push(std::mem::take(&mut sentence));
                }
            }
            all.push(sentence);
        }
    }
    all.retain(|sentence| sentence.chars().any(char::is_alphanumeric));
    all
}

/// Words to look for, in the notation of the rule files: phrases between `;`, where `*` stands for the rest of
/// a word, `#` for a number, `(a|b)` for either, `...` for up to four words, and `?` behind a word makes it optional.
pub(super) struct Patterns(Regex);

impl Patterns {
    pub fn new(list: &str) -> Self {
        let phrases: Vec<String> =
            list.split(';').map(str::trim).filter(|phrase| !phrase.is_empty()).map(phrase).collect();
        let pattern = format!(r"(?i)\b{{start-half}}(?:{})\b{{end-half}}", phrases.join("|"));
        // The lists are part of the program, and a test compiles each.
        Patterns(Regex::new(&pattern).unwrap_or_else(|error| panic!("a rule's words are broken: {error}")))
    }

    pub fn find_iter<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        self.0.find_iter(text).map(|found| found.range())
    }

    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        self.0.find(text).map(|found| found.range())
    }
}

/// One phrase as a regular expression. Between its words stands anything but the end of a sentence.
fn phrase(phrase: &str) -> String {
    // Written out: classes of all letters make automata of a megabyte each.
    const BETWEEN: &str = r#"[ \t\r\n\u{a0}*_"'“”‘’(),/–—-]+"#;
    const WORD: &str = r#"[^ \t\r\n\u{a0}*"“”(),.!?;:]"#;
    let mut pattern = String::new();
    for token in phrase.split_whitespace() {
        let between = if pattern.is_empty() { "" } else { BETWEEN };
        if token == "..." {
            pattern.push_str(&format!("(?:{BETWEEN}{WORD}+){{0,4}}"));
            continue;
        }
        let (token, optional) = token.strip_suffix('?').map_or((token, false), |token| (token, true));
        let mut word = String::new();
        for letter in token.chars() {
            match letter {
                '(' => word += "(?:",
                ')' | '|' => word.push(letter),
                '*' => word.push_str(&format!("{WORD}*")),
                '#' => word += "[0-9]+(?:[.,][0-9]+)?",
                '\'' => word += "['’]",
                _ => word.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4]))),
            }
        }
        pattern.push_str(&if optional {
            format!("(?:{between}{word})?")
        } else {
            format!("{between}{word}")
        });
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(list: &str, text: &str) -> bool {
        Patterns::new(list).find(text).is_some()
    }

    #[test]
    fn words_are_found_whatever_stands_between_them_and_not_across_sentences() {
        assert!(finds("commit* suicide", "He *committed*\nsuicide."));
        assert!(!finds("commit* suicide", "We are committed. Suicide is a subject."));
        assert!(!finds("ect", "a direct answer"));
        assert!(finds("you (have|are) ... depressed", "you are clinically Depressed"));
        assert!(finds("#mg; # mg", "take 2.5 mg") && finds("#mg; # mg", "50mg"));
        assert!(finds("you'll be all? right", "You’ll be right."));
    }
}
