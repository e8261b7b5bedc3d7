//! How a phrase is written in a phrase list.
//!
//! ```text
//! want to die            these words, one after another
//! kill/end               either word
//! suicid*                any word that begins so
//! {want-to} {die}        one of a named list, from [sets]
//! (life is | things are) one of these
//! [ever] [so much]       may be missing
//! ..                     up to three words in between; ..6 up to six
//! ```

use std::ops::Range;

/// One piece of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Any of these entries.
    Words(Vec<Vec<Part>>),
    /// The same, or nothing.
    Maybe(Vec<Vec<Part>>),
    /// Up to so many words.
    Gap(usize),
}

/// A piece of an entry: entries have no gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Any of these words, folded.
    Word(Vec<String>),
    /// A named list, and where its name stands.
    Set(String, Range<usize>),
    /// One of these.
    Group(Vec<Vec<Part>>),
    /// One of these, or nothing.
    Maybe(Vec<Vec<Part>>),
}

/// What is wrong with a phrase, and where in it (bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub range: Range<usize>,
    pub what: String,
    pub help: String,
}

fn fault<T>(range: Range<usize>, what: impl Into<String>, help: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { range, what: what.into(), help: help.into() })
}

/// Reads a phrase.
pub(crate) fn phrase(text: &str) -> Result<Vec<Piece>, Fault> {
    let mut reader = Reader { text, at: 0 };
    let mut pieces = Vec::new();
    loop {
        reader.space();
        let start = reader.at;
        match reader.peek() {
            None => break,
            Some('.') => {
                while reader.peek() == Some('.') {
                    reader.at += 1;
                }
                let digits: String = reader.rest().chars().take_while(char::is_ascii_digit).collect();
                let dots = reader.at - start;
                reader.at += digits.len();
                let words = if digits.is_empty() { 3 } else { digits.parse().unwrap_or(99) };
                if dots != 2 || words == 0 || words > 12 {
                    return fault(
                        start..reader.at,
                        "this gap can't be read",
                        "write .. for up to three words, or ..6 for up to six, at most ..12",
                    );
                }
                pieces.push(Piece::Gap(words));
            }
            Some(_) => match reader.part()? {
                Part::Maybe(entries) => pieces.push(Piece::Maybe(entries)),
                Part::Group(entries) => pieces.push(Piece::Words(entries)),
                part => pieces.push(Piece::Words(vec![vec![part]])),
            },
        }
    }
    if pieces.is_empty() {
        return fault(0..text.len(), "an empty phrase", "write some words, or take the line away");
    }
    if !matches!(pieces[0], Piece::Words(_)) || !matches!(pieces[pieces.len() - 1], Piece::Words(_)) {
        return fault(
            0..text.len(),
            "a phrase begins and ends with words that must be there",
            "take away the [..] or .. at its beginning or end",
        );
    }
    Ok(pieces)
}

/// Reads the entries of a set: `one | another | a third`.
pub(crate) fn entries(text: &str) -> Result<Vec<Vec<Part>>, Fault> {
    let mut reader = Reader { text, at: 0 };
    let entries = reader.entries(None)?;
    if entries.iter().any(Vec::is_empty) {
        return fault(0..text.len(), "an empty entry", "take away the | that has nothing beside it");
    }
    Ok(entries)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn entries(&mut self, close: Option<char>) -> Result<Vec<Vec<Part>>, Fault> {
        let open = self.at;
        let mut entries = vec![Vec::new()];
        loop {
            self.space();
            match self.peek() {
                c if c == close => {
                    self.at += c.map_or(0, char::len_utf8);
                    break;
                }
                None => {
                    return fault(
                        open.saturating_sub(1)..open,
                        "this bracket is never closed",
                        "add the closing bracket",
                    );
                }
                Some('|') => {
                    self.at += 1;
                    entries.push(Vec::new());
                }
                Some('.') => {
                    return fault(
                        self.at..self.at + 1,
                        "a gap can't stand in a list or a bracket",
                        "put .. in the phrase itself",
                    );
                }
                Some(_) => {
                    let part = self.part()?;
                    if let Some(last) = entries.last_mut() {
                        last.push(part);
                    }
                }
            }
        }
        // A bar at the end, or an empty line of a list, is nobody's mistake.
        if entries.len() > 1 {
            entries.retain(|entry| !entry.is_empty());
        }
        Ok(entries)
    }

    fn part(&mut self) -> Result<Part, Fault> {
        let start = self.at;
        match self.peek() {
            Some('{') => {
                let Some(length) = self.rest().find('}') else {
                    return fault(start..start + 1, "this bracket is never closed", "write {name}");
                };
                let name = self.rest()[1..length].trim().to_owned();
                self.at += length + 1;
                Ok(Part::Set(name, start..self.at))
            }
            Some('(') => {
                self.at += 1;
                let entries = self.entries(Some(')'))?;
                if entries.iter().any(Vec::is_empty) {
                    return fault(
                        start..self.at,
                        "an empty bracket",
                        "write some words into it, or take it away",
                    );
                }
                Ok(Part::Group(entries))
            }
            Some('[') => {
                self.at += 1;
                let entries = self.entries(Some(']'))?;
                if entries.iter().any(Vec::is_empty) {
                    return fault(
                        start..self.at,
                        "an empty bracket",
                        "write some words into it, or take it away",
                    );
                }
                Ok(Part::Maybe(entries))
            }
            _ => {
                let length = self
                    .rest()
                    .find(|c: char| c.is_whitespace() || matches!(c, '|' | '(' | ')' | '[' | ']' | '{' | '}'))
                    .unwrap_or(self.rest().len());
                if length == 0 {
                    let c = self.peek().map_or(1, char::len_utf8);
                    return fault(start..start + c, "a bracket closes that was never opened", "take it away");
                }
                let word = self.rest()[..length].to_owned();
                self.at += length;
                let mut words = Vec::new();
                let mut sequences = Vec::new();
                for one in word.split('/') {
                    match plain(one) {
                        Some(mut plain) if plain.len() == 1 => words.append(&mut plain),
                        Some(plain) => {
                            sequences.push(plain.into_iter().map(|w| Part::Word(vec![w])).collect())
                        }
                        None => {
                            return fault(
                                start..self.at,
                                format!("\"{one}\" is no word"),
                                "write letters, digits, and a * at the end for \"begins so\"",
                            );
                        }
                    }
                }
                if sequences.is_empty() {
                    return Ok(Part::Word(words));
                }
                sequences.extend(words.into_iter().map(|w| vec![Part::Word(vec![w])]));
                Ok(Part::Group(sequences))
            }
        }
    }
}

/// A word of a phrase, folded as messages are; several where its script is read one letter at a time.
fn plain(word: &str) -> Option<Vec<String>> {
    let (bare, star) = match word.strip_suffix('*') {
        Some(bare) => (bare, "*"),
        None => (word, ""),
    };
    // Most words of a list in Latin letters are written as they are read, but for an apostrophe.
    if bare.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'\'') {
        let mut word = bare.replace('\'', "");
        if word.is_empty() || !star.is_empty() && word.len() < super::dictionary::START {
            return None;
        }
        word.push_str(star);
        return Some(vec![word]);
    }
    let folded = super::fold::fold(bare);
    let text = folded.text().trim();
    if text.is_empty() || text.contains(['.', ',', '"', '*']) {
        return None;
    }
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        if word.chars().next().is_some_and(super::letters::single) {
            words.extend(word.chars().map(String::from));
        } else {
            words.push(word.to_owned());
        }
    }
    let last = words.last_mut()?;
    if !star.is_empty() && last.len() < super::dictionary::START {
        return None;
    }
    last.push_str(star);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_has_words_choices_gaps_and_things_that_may_be_missing() {
        let pieces = phrase("i/we {want} [so much] to ..6 (die | be dead)").unwrap();
        assert_eq!(pieces.len(), 6);
        assert!(matches!(&pieces[4], Piece::Gap(6)));
        assert!(matches!(&pieces[2], Piece::Maybe(entries) if entries[0].len() == 2));
        assert!(matches!(&pieces[5], Piece::Words(entries) if entries.len() == 2));
    }

    #[test]
    fn a_phrase_that_begins_with_something_missing_is_refused() {
        assert!(phrase("[so] tired").is_err());
        assert!(phrase("tired ..").is_err());
        assert!(phrase("").is_err());
    }

    #[test]
    fn brackets_that_do_not_close_are_refused() {
        for text in ["(a | b", "[a] b [c", "{want", "a ) b", "a ..99 b", "a () b"] {
            assert!(phrase(text).is_err(), "{text}");
        }
    }
}
