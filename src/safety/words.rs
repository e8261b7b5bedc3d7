//! Folded text to words, with the help of a dictionary: the words that the phrase lists use.
//!
//! This is the closer look: leetspeak, censored, stretched, spaced-out, split, joined and misspelt words
//! are read as the dictionary's word where there is one, and left alone where there is none.

use super::dictionary::{Dictionary, NUMBER, UNKNOWN, WordId};
use super::letters::{self, single};

/// A word of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// The dictionary's word, or [`UNKNOWN`].
    pub word: WordId,
    /// The dictionary's longest stem (`suicid*`) that it begins with, or [`UNKNOWN`].
    pub stem: WordId,
    /// The word that it is in another language's list and a slip of here ("beter"), or [`UNKNOWN`].
    pub slip: WordId,
    /// Where it stands in the folded text.
    pub start: u32,
    pub end: u32,
    /// Whether a sentence ended before it.
    pub stop: bool,
}

/// Longest word that is worth a closer look, in bytes.
const LONGEST: usize = 48;

impl Dictionary {
    /// Everything that a token may be read as: its word, and every stem that it begins with.
    pub fn readings(&self, token: &Token) -> impl Iterator<Item = WordId> {
        let known = |&stem: &WordId| stem != UNKNOWN;
        let stems = std::iter::successors(Some(token.stem).filter(known), move |&stem| {
            Some(self.shorter(stem)).filter(known)
        });
        // A number that some phrase names ("988") is a number all the same.
        let number = self.is_number(token.word);
        std::iter::once(token.word)
            .chain(number.then_some(NUMBER))
            .chain(std::iter::once(token.slip))
            .chain(stems)
            .filter(known)
    }

    fn plain(&self, word: &str) -> Option<(WordId, WordId)> {
        self.with_stem(word, self.exact(word))
    }

    /// A word that is in the dictionary as it is, or but for a slip.
    fn known(&self, word: &str) -> Option<(WordId, WordId)> {
        self.with_stem(word, self.spelling(word).read)
    }

    fn with_stem(&self, word: &str, exact: WordId) -> Option<(WordId, WordId)> {
        let stem = self.stem(word);
        (exact != UNKNOWN || stem != UNKNOWN).then_some((exact, stem))
    }

    /// The closer look at one word.
    fn resolve(&self, word: &str) -> Option<(WordId, WordId)> {
        if let Some((exact, stem)) = self.known(word) {
            // "killl" begins as "killing" does, and is "kill" all the same.
            let stretched = exact == UNKNOWN && word.len() <= LONGEST;
            let exact = if stretched { self.unstretched(word).unwrap_or(exact) } else { exact };
            return Some((exact, stem));
        }
        if word.len() > LONGEST {
            return None;
        }
        if word.bytes().any(|b| !b.is_ascii_lowercase() && b.is_ascii()) {
            if word.bytes().any(|b| b.is_ascii_lowercase()) {
                // Every reading as it is, before any is taken for stretched: "ki11".
                let digits = !word.contains(['|', '!']);
                let plain = digits.then(|| unleet(word, |w| self.known(w))).flatten();
                if let Some(found) = plain.or_else(|| unleet(word, |w| self.squeezed(w))) {
                    return Some(found);
                }
                // Before the symbols are left out: "k*ll" is rather "kill" than a slip of it.
                if word.contains('*')
                    && let Some(id) = self.censored(word)
                {
                    return Some((id, UNKNOWN));
                }
                let bare: String = word.chars().filter(|c| !c.is_ascii_punctuation()).collect();
                if bare.len() < word.len()
                    && let Some(found) = self.squeezed(&bare)
                {
                    return Some(found);
                }
                if let Some(id) = self.censored(word) {
                    return Some((id, UNKNOWN));
                }
            }
            if word.chars().any(letters::cyrillic)
                && let Some(found) = uncyrillic(word, |w| self.known(w))
            {
                return Some(found);
            }
            return word.as_bytes()[0].is_ascii_digit().then_some((NUMBER, UNKNOWN));
        }
        self.squeezed(word).or_else(|| self.unglued(word))
    }

    /// A word with a short one before it, without the space: the short one is dropped.
    fn unglued(&self, word: &str) -> Option<(WordId, WordId)> {
        let rest =
            self.glued.iter().filter_map(|short| word.strip_prefix(&**short).filter(|rest| rest.len() > 2));
        rest.map(|rest| self.exact(rest)).find(|&id| id != UNKNOWN).map(|id| (id, UNKNOWN))
    }

    /// Two words of which the space went astray by one letter ("wan tto"): how long the first of them really is.
    fn moved(&self, before: &str, word: &str) -> Option<usize> {
        let plain = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase());
        let fits = before.len() > 1 && word.len() > 1 && before.len() + word.len() <= LONGEST;
        if !fits || !plain(before) || !plain(word) {
            return None;
        }
        let whole = format!("{before}{word}");
        [before.len() + 1, before.len() - 1].into_iter().find(|&at| {
            let (first, second) = whole.split_at(at);
            second.len() > 1
                && first.len() > 1
                && self.exact(first) != UNKNOWN
                && self.exact(second) != UNKNOWN
        })
    }

    /// A word whose letters were stretched, or a slip of one.
    fn squeezed(&self, word: &str) -> Option<(WordId, WordId)> {
        if let Some(found) = self.known(word) {
            return Some(found);
        }
        shrunk(word).find_map(|tried| self.known(&tried))
    }

    /// The dictionary's word that was stretched into this one.
    fn unstretched(&self, word: &str) -> Option<WordId> {
        shrunk(word).map(|tried| self.exact(&tried)).find(|&id| id != UNKNOWN)
    }

    /// A word with letters struck out: each symbol stands for one letter, a row of them for one or more.
    fn censored(&self, word: &str) -> Option<WordId> {
        let letters = word.bytes().filter(u8::is_ascii_lowercase).count();
        if letters < 2 || !word.as_bytes()[0].is_ascii_lowercase() {
            return None;
        }
        self.rare()
            .find(|(rare, _)| {
                letters * 2 >= rare.len() && letters < rare.len() && fits(word.as_bytes(), rare)
            })
            .map(|(_, id)| id)
    }

    /// Several words run together, at least one of them rare.
    fn segments(&self, word: &str) -> Option<Vec<Piece>> {
        if word.len() < 6 || !self.is_joined(word.as_bytes()) {
            return None;
        }
        self.parted(word)
    }

    /// The fewest words of the dictionary that make up a row of letters.
    fn parted(&self, word: &str) -> Option<Vec<Piece>> {
        if word.len() > LONGEST || !word.is_ascii() {
            return None;
        }
        // best[i] = the fewest words that make up word[..i], and where the last of them starts.
        let mut best: Vec<Option<(usize, usize)>> = vec![None; word.len() + 1];
        best[0] = Some((0, 0));
        for end in 1..=word.len() {
            for start in end.saturating_sub(14)..end {
                let Some((count, _)) = best[start] else { continue };
                let piece = &word[start..end];
                let real =
                    self.exact(piece) != UNKNOWN && (piece.len() > 1 || matches!(piece, "i" | "a" | "u"));
                // A word of one letter counts for more: "end it all" rather than "end i tall".
                let count = count + if piece.len() > 1 { 2 } else { 3 };
                if real && best[end].is_none_or(|(least, _)| count < least) {
                    best[end] = Some((count, start));
                }
            }
        }
        let mut pieces = Vec::new();
        let mut end = word.len();
        while end > 0 {
            let (_, start) = best[end]?;
            pieces.push((start, end, self.plain(&word[start..end])?));
            end = start;
        }
        pieces.reverse();
        Some(pieces)
    }

    /// Reads a folded text word by word.
    pub fn tokens(&self, folded: &str) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::with_capacity(folded.len() / 5 + 1);
        let mut stop = false;
        // Words since the sentence began: a sentence of one word is no sentence ("i. want. to. die.").
        let mut sentence = 0;
        let mut at = 0;
        let mut lone = 0;
        for word in folded.split(' ') {
            let (start, end) = (at, at + word.len());
            at = end + 1;
            match word {
                "" => continue,
                "." => {
                    stop |= sentence > 1;
                    sentence = 0;
                    continue;
                }
                "," | "\"" => continue,
                _ => {}
            }
            sentence += 1;
            let mut push = |start: usize, end: usize, (word, stem): (WordId, WordId)| {
                let stop = std::mem::take(&mut stop);
                tokens.push(Token { word, stem, slip: UNKNOWN, start: start as u32, end: end as u32, stop });
            };
            let first = word.as_bytes()[0];
            if first >= 0x80 && word.chars().next().is_some_and(single) {
                for (i, c) in word.char_indices() {
                    let end = start + i + c.len_utf8();
                    push(start + i, end, self.plain(&folded[start + i..end]).unwrap_or_default());
                }
                lone = 0;
                continue;
            }
            if word.chars().nth(1).is_none() {
                lone += 1;
            } else {
                if lone >= 3 {
                    self.spaced(folded, &mut tokens, lone);
                }
                lone = 0;
            }
            self.word(folded, &mut tokens, (start, end), &mut stop);
        }
        if lone >= 3 {
            self.spaced(folded, &mut tokens, lone);
        }
        for token in &mut tokens {
            let word = &folded[token.start as usize..token.end as usize];
            token.slip = self.slip(token.word, word);
        }
        tokens
    }

    /// A folded text with every word as the dictionary spells it; nothing where all of it is spelt so.
    pub fn respelt(&self, folded: &str, tokens: &[Token]) -> Option<String> {
        let mut respelt = String::new();
        let mut copied = 0;
        for token in tokens.iter().filter(|token| token.word > NUMBER) {
            let (start, end) = (token.start as usize, token.end as usize);
            let name = self.name(token.word);
            if name != &folded[start..end] {
                respelt.push_str(&folded[copied..start]);
                respelt.push_str(name);
                copied = end;
            }
        }
        (copied > 0).then(|| respelt + &folded[copied..])
    }

    fn word(&self, folded: &str, tokens: &mut Vec<Token>, (start, end): (usize, usize), stop: &mut bool) {
        let word = &folded[start..end];
        // The second half of a parted word, or a lost apostrophe.
        if let Some(last) = tokens.last().copied()
            && !*stop
            && start == last.end as usize + 1
        {
            let before = &folded[last.start as usize..last.end as usize];
            let clitic = word.len() <= 2 || before.len() <= 2;
            let half = word.len() <= 12 && self.spelling(before).half;
            if (clitic || half) && before.len() + word.len() <= LONGEST {
                let contraction = self.spelling(&folded[last.start as usize..end]).read;
                let found = Some(contraction).filter(|&word| word != UNKNOWN).or_else(|| {
                    let whole = half.then(|| self.exact(&format!("{before}{word}")))?;
                    Some(whole).filter(|&whole| self.is_rare(whole))
                });
                if let Some(word) = found {
                    let stop = last.stop;
                    tokens.pop();
                    tokens.push(Token {
                        word,
                        stem: UNKNOWN,
                        slip: UNKNOWN,
                        start: last.start,
                        end: end as u32,
                        stop,
                    });
                    return;
                }
            }
        }
        if let Some(last) = tokens.last().copied()
            && start == last.end as usize + 1
            && !*stop
            && self.known(word).is_none()
            && let Some(at) = self.moved(&folded[last.start as usize..last.end as usize], word)
            && self.resolve(word).is_none()
        {
            let gap = last.start as usize + at;
            let stop = last.stop;
            tokens.pop();
            let whole: String = folded[last.start as usize..end].replace(' ', "");
            for (from, to, stop) in [(0, at, stop), (at, whole.len(), false)] {
                let (word, stem) = self.plain(&whole[from..to]).unwrap_or_default();
                let (start, end) = if from == 0 { (last.start as usize, gap) } else { (gap, end) };
                tokens.push(Token { word, stem, slip: UNKNOWN, start: start as u32, end: end as u32, stop });
            }
            return;
        }
        let mut push = |start: usize, end: usize, (word, stem): (WordId, WordId)| {
            let stop = std::mem::take(stop);
            tokens.push(Token { word, stem, slip: UNKNOWN, start: start as u32, end: end as u32, stop });
        };
        // Before the closer look, which may see no more than a stem ("killmyself" begins like "killing").
        if self.spelling(word).read == UNKNOWN
            && let Some(pieces) = self.segments(word)
        {
            for (from, to, found) in pieces {
                push(start + from, start + to, found);
            }
            return;
        }
        if let Some(found) = self.resolve(word) {
            return push(start, end, found);
        }
        if word.bytes().any(|b| b.is_ascii_punctuation()) {
            // Not one word after all: "die!i".
            let mut at = 0;
            for piece in word.split(|c: char| c.is_ascii_punctuation()) {
                if !piece.is_empty() {
                    push(start + at, start + at + piece.len(), self.resolve(piece).unwrap_or_default());
                }
                at += piece.len() + 1;
            }
            return;
        }
        push(start, end, (UNKNOWN, UNKNOWN));
    }

    /// The last `lone` tokens are one letter each: they may spell words.
    fn spaced(&self, folded: &str, tokens: &mut Vec<Token>, lone: usize) {
        // Some of them may have been joined as lost apostrophes ("i m"): count letters, not tokens.
        let mut from = tokens.len();
        let mut letters = 0;
        while from > 0 && letters < lone {
            from -= 1;
            let token = &folded[tokens[from].start as usize..tokens[from].end as usize];
            letters += token.chars().filter(|&c| c != ' ').count();
        }
        if letters != lone || lone > 2 * LONGEST {
            return;
        }
        let first = tokens[from];
        let spelt = first.start as usize..tokens[tokens.len() - 1].end as usize;
        // For each byte of the word, where it stands.
        let mut positions = Vec::new();
        let mut word = String::new();
        for (at, c) in folded[spelt.clone()].char_indices() {
            if !matches!(c, ' ' | '.' | ',' | '"') {
                word.push(c);
                positions.extend(spelt.start + at..spelt.start + at + c.len_utf8());
            }
        }
        let found = self.resolve(&word).filter(|found| found.0 != NUMBER);
        let whole = |found| vec![(0, word.len(), found)];
        // A whole word, then several, then the beginning of one.
        let exact = found.filter(|found| found.0 != UNKNOWN).map(whole);
        let several = || self.segments(&word).or_else(|| self.parted(&word));
        let Some(pieces) = exact.or_else(several).or_else(|| found.map(whole)) else { return };
        tokens.truncate(from);
        for (i, (start, end, (word, stem))) in pieces.into_iter().enumerate() {
            tokens.push(Token {
                word,
                stem,
                slip: UNKNOWN,
                start: positions[start] as u32,
                end: positions[end - 1] as u32 + 1,
                stop: i == 0 && first.stop,
            });
        }
    }
}

/// A word within a longer one: where it starts and ends, and what it is.
type Piece = (usize, usize, (WordId, WordId));

/// What a word with stretched letters may stand for: every run of three or more as two and as one, then every run as
/// one. Two come first: "killl" is "kill" before it is "kil".
fn shrunk(word: &str) -> impl Iterator<Item = String> {
    let stretched = word.is_ascii() && word.as_bytes().windows(3).any(|w| w[0] == w[1] && w[1] == w[2]);
    // Most words are not stretched, and cost nothing here.
    let runs: Vec<(u8, usize)> = if stretched { runs(word) } else { Vec::new() };
    let long: Vec<usize> = (0..runs.len()).filter(|&i| runs[i].1 >= 3).take(4).collect();
    let choices = if stretched { 1usize << long.len() } else { 0 };
    let single = stretched.then(|| runs.iter().map(|&(byte, _)| byte as char).collect());
    let some = (0..choices).map(move |choice| {
        let letters = runs.iter().enumerate().flat_map(|(i, &(byte, count))| {
            let keep = match long.iter().position(|&l| l == i) {
                Some(at) => 2 - (choice >> at & 1),
                None => count,
            };
            std::iter::repeat_n(byte as char, keep)
        });
        letters.collect::<String>()
    });
    some.chain(single)
}

/// The letters of a word, each with how often it stands there in a row.
fn runs(word: &str) -> Vec<(u8, usize)> {
    let mut runs: Vec<(u8, usize)> = Vec::new();
    for &byte in word.as_bytes() {
        match runs.last_mut() {
            Some((last, count)) if *last == byte => *count += 1,
            _ => runs.push((byte, 1)),
        }
    }
    runs
}

/// Tries every reading of digits and symbols as the letters they look like; few, since each has at most two.
fn unleet<T>(word: &str, try_word: impl Fn(&str) -> Option<T>) -> Option<T> {
    let twofold = word.bytes().filter(|b| matches!(b, b'1' | b'!' | b'|')).count().min(3);
    for choice in 0..(1u32 << twofold) {
        let mut seen = 0;
        let mut read = String::with_capacity(word.len());
        for c in word.chars() {
            read.push(match c {
                '1' | '!' | '|' => {
                    let second = choice >> seen & 1 == 1;
                    seen = (seen + 1).min(31);
                    if second { 'l' } else { 'i' }
                }
                '0' => 'o',
                '3' => 'e',
                '4' | '@' => 'a',
                '5' | '$' => 's',
                '7' | '+' => 't',
                '8' | '&' => 'b',
                '9' => 'g',
                '6' => 'g',
                c => c,
            });
        }
        if let Some(found) = try_word(&read) {
            return Some(found);
        }
    }
    None
}

/// Tries digits as the Cyrillic letters they look like; the first few may each be one of two.
fn uncyrillic<T>(word: &str, try_word: impl Fn(&str) -> Option<T>) -> Option<T> {
    let choices = 1usize << word.bytes().filter(|b| matches!(b, b'1' | b'3' | b'4')).count().min(3);
    (0..choices).find_map(|choice| {
        let mut seen = 0;
        let read: String = word
            .chars()
            .map(|c| {
                let mut either = |first, second| {
                    let chosen = if choice >> seen & 1 == 1 { second } else { first };
                    seen += 1;
                    chosen
                };
                match c {
                    '0' => 'о',
                    '1' => either('и', 'і'),
                    '3' => either('з', 'е'),
                    '4' => either('ч', 'а'),
                    '6' => 'б',
                    '@' => 'а',
                    '$' => 'с',
                    c => c,
                }
            })
            .collect();
        try_word(&read)
    })
}

/// Whether a censored spelling fits a word: letters are themselves, a row of `n` symbols is any `n` letters
/// or, where it is two or more, any number from one.
fn fits(mask: &[u8], word: &[u8]) -> bool {
    match mask.first() {
        None => word.is_empty(),
        Some(b) if b.is_ascii_lowercase() => word.first() == Some(b) && fits(&mask[1..], &word[1..]),
        Some(_) => {
            let row = mask.iter().take_while(|b| !b.is_ascii_lowercase()).count();
            let rest = &mask[row..];
            let most = if row == 1 { 1 } else { word.len() };
            (1..=most.min(word.len())).any(|taken| fits(rest, &word[taken..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dictionary::DictionaryBuilder;
    use super::*;

    fn words() -> DictionaryBuilder {
        let mut dictionary = DictionaryBuilder::new();
        for word in ["i", "want", "to", "die", "kill", "myself", "dont"] {
            dictionary.intern(word);
        }
        dictionary.intern("suicid*");
        for word in ["suicide", "kill", "myself"] {
            dictionary.add_rare(word);
        }
        dictionary.add_contraction("don", "t");
        dictionary
    }

    fn read(text: &str) -> Vec<String> {
        let words = words();
        let dictionary = words.build(&["killm".into(), "todie".into()]).unwrap();
        let folded = super::super::fold::fold(text);
        dictionary
            .tokens(folded.text())
            .iter()
            .map(|t| match (t.word, t.stem) {
                (UNKNOWN, UNKNOWN) => "?".into(),
                (UNKNOWN, _) => "*".into(),
                (word, _) => words.name(word).into(),
            })
            .collect()
    }

    #[test]
    fn disguised_words_are_read_as_themselves() {
        for text in [
            "k1ll",
            "k!ll",
            "k*ll",
            "kiiiillll",
            "K.I.L.L",
            "k i l l",
            "k||il||l",
            "ᴋɪʟʟ",
            "кill",
            "𝓴𝓲𝓵𝓵",
            "ⓚⓘⓛⓛ",
            "ki\u{200b}ll",
        ] {
            assert_eq!(read(text), ["kill"], "{text}");
        }
        for text in
            ["su!c1de", "$uicide", "sucide", "suicde", "sui cide", "s*icide", "su***de", "s-u-i-c-i-d-e"]
        {
            assert_eq!(read(text), ["suicide"], "{text}");
        }
    }

    #[test]
    fn words_run_together_are_parted() {
        assert_eq!(read("killmyself"), ["kill", "myself"]);
        assert_eq!(read("i w a n t t o d i e"), ["i", "want", "to", "die"]);
        assert_eq!(read("iwanttodie"), ["i", "want", "to", "die"]);
    }

    #[test]
    fn other_words_stay_what_they_are() {
        assert_eq!(read("suede suit soldier skill"), ["?", "?", "?", "?"]);
        assert_eq!(read("don't don t"), ["dont", "dont"]);
    }
}
