//! Folded text to words, with the help of a dictionary: the words that the phrase lists use.
//!
//! This is the closer look: leetspeak, censored, stretched, spaced-out, split, joined and misspelt words
//! are read as the dictionary's word where there is one, and left alone where there is none.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use aho_corasick::AhoCorasick;

/// A word of the dictionary; equal words of all languages share one.
pub(crate) type WordId = u32;

/// Any word that is in no phrase list.
pub(crate) const UNKNOWN: WordId = 0;
/// Any word that begins with a digit and isn't a disguise: what `{number}` stands for.
pub(crate) const NUMBER: WordId = 1;

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

/// Phrase lists hash short strings and small numbers that their authors chose, so a fast hash without a
/// secret will do; what people send is only ever looked up.
#[derive(Default)]
pub(crate) struct FastHasher(u64);

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for &eight in eights {
            self.write_u64(u64::from_le_bytes(eight));
        }
        let rest = rest.iter().rev().fold(rest.len() as u64, |word, &byte| word << 8 | u64::from(byte));
        self.write_u64(rest);
    }
    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }
    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn finish(&self) -> u64 {
        // The low bits choose the place in a table, and a product leaves them poor.
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 29
    }
}

pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHasher>>;

/// All words of all phrase lists.
#[derive(Default)]
pub(crate) struct Dictionary {
    words: FastMap<Box<str>, WordId>,
    stems: FastMap<Box<str>, WordId>,
    /// For the first bytes of a word, the stems that begin with them, longest first.
    stems_by_start: FastMap<[u8; START], Vec<(Box<str>, WordId)>>,
    /// For each id, the word; of a stem, with its star.
    names: Vec<Box<str>>,
    /// Words that are read also when disguised.
    rare: Vec<(Box<str>, WordId)>,
    /// Words that are read also when mistyped, and no more than that.
    typed: Vec<(Box<str>, WordId)>,
    /// Spellings that a list gives for a word.
    listed: Vec<(Box<str>, WordId)>,
    slips: FastMap<Box<str>, WordId>,
    /// Slips that are words of other languages.
    foreign: FastMap<Box<str>, WordId>,
    /// Words of the lists that say which of their words may be mistyped.
    own: FastMap<WordId, ()>,
    /// Whether such a list is being entered.
    entering: bool,
    /// First halves of rare words that somebody might part in two.
    halves: FastMap<Box<str>, ()>,
    /// Words that may have lost their apostrophe ("don t"), as they are then folded.
    contractions: FastMap<Box<str>, WordId>,
    /// For each stem, the next shorter one (`suicid*` for `suicida*`).
    shorter: Vec<WordId>,
    glued: Vec<Box<str>>,
    joined: Option<AhoCorasick>,
}

/// Fewest bytes of a stem.
pub(crate) const START: usize = 3;

/// Longest word that is worth a closer look, in bytes.
const LONGEST: usize = 48;

impl Dictionary {
    pub fn new() -> Self {
        // No folded word looks like these two, so nothing can be mistaken for them.
        Dictionary { names: vec!["".into(), "#".into()], ..Dictionary::default() }
    }

    /// The number of ids given out.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Bytes on the heap, about.
    pub fn memory(&self) -> usize {
        let entries = self.words.capacity()
            + self.stems.capacity()
            + self.slips.capacity()
            + self.halves.capacity()
            + self.contractions.capacity();
        entries * 40 + self.names.len() * 24 + self.joined.as_ref().map_or(0, AhoCorasick::memory_usage)
    }

    /// The id of a folded word of a phrase; `suicid*` is a stem.
    pub fn intern(&mut self, word: &str) -> WordId {
        let next = self.names.len() as u32;
        let id = match word.strip_suffix('*') {
            Some(stem) => *self.stems.entry(stem.into()).or_insert(next),
            None => *self.words.entry(word.into()).or_insert(next),
        };
        if id == next {
            self.names.push(word.into());
        }
        if self.entering {
            self.own.insert(id, ());
        }
        id
    }

    /// Says whether the words that follow are of a list that says which of them may be mistyped.
    pub fn enter(&mut self, mistyped: bool) {
        self.entering = mistyped;
    }

    /// The id of a word that was entered before, or [`UNKNOWN`].
    pub fn id(&self, word: &str) -> WordId {
        let id = match word.strip_suffix('*') {
            Some(stem) => self.stems.get(stem),
            None => self.words.get(word),
        };
        id.copied().unwrap_or(UNKNOWN)
    }

    /// The word that an id was given to.
    pub fn name(&self, word: WordId) -> &str {
        &self.names[word as usize]
    }

    /// Reads `word` also when it is censored, parted, or misspelt by one slip.
    pub fn add_rare(&mut self, word: &str) {
        let id = self.intern(word);
        self.rare.push((word.into(), id));
    }

    /// Reads `word` also when it is mistyped by one slip.
    pub fn add_typed(&mut self, word: &str) {
        let id = self.intern(word);
        self.typed.push((word.into(), id));
    }

    /// A spelling that is read as `word`, unless it is a word itself.
    pub fn add_misspelling(&mut self, word: &str, misspelt: &str) {
        let id = self.intern(word);
        self.listed.push((misspelt.into(), id));
    }

    /// A short word that people write together with the next: "imgonna".
    pub fn add_glued(&mut self, word: &str) {
        self.glued.push(word.into());
    }

    /// A word that may lose its apostrophe: `don` and `t`.
    pub fn add_contraction(&mut self, before: &str, after: &str) {
        let id = self.intern(&format!("{before}{after}"));
        self.contractions.insert(format!("{before} {after}").into(), id);
    }

    /// Everything that a token may be read as: its word, and every stem that it begins with.
    pub fn readings(&self, token: &Token) -> impl Iterator<Item = WordId> {
        let stems = std::iter::successors(Some(token.stem), |&stem| self.shorter.get(stem as usize).copied());
        // A number that some phrase names ("988") is a number all the same.
        let number = self.names[token.word as usize].bytes().next().is_some_and(|b| b.is_ascii_digit());
        std::iter::once(token.word)
            .chain(number.then_some(NUMBER))
            .chain(std::iter::once(token.slip))
            .chain(stems.take_while(|&stem| stem != UNKNOWN))
            .filter(|&word| word != UNKNOWN)
    }

    /// Call once all words are in. `joined` are letters that, inside a longer word, tell that several
    /// were run together.
    pub fn seal(&mut self, joined: &[String]) -> Result<(), aho_corasick::BuildError> {
        // Rare words first: a slip that could be two words is rather the one that matters.
        let rare = self.rare.iter().map(|(word, id)| (slips(word), *id));
        let typed = self.typed.iter().map(|(word, id)| (mistyped(word), *id));
        let listed = self.listed.iter().map(|(spelling, id)| (vec![spelling.to_string()], *id));
        for (slips, id) in listed.chain(rare).chain(typed) {
            for slip in slips {
                match self.words.get(slip.as_str()) {
                    None => {
                        self.slips.entry(slip.into()).or_insert(id);
                    }
                    Some(word) if self.own.contains_key(&id) && !self.own.contains_key(word) => {
                        self.foreign.entry(slip.into()).or_insert(id);
                    }
                    Some(_) => {}
                }
            }
        }
        for (word, _) in &self.rare {
            for half in halves(word) {
                self.halves.insert(half.into(), ());
            }
        }
        // "killin", "thinkin".
        let dropped = self.words.iter().filter_map(|(word, &id)| Some((dropped(word)?, id)));
        for (word, id) in dropped.collect::<Vec<_>>() {
            if !self.words.contains_key(word.as_str()) {
                self.slips.entry(word.into()).or_insert(id);
            }
        }
        for (stem, &id) in &self.stems {
            if let Some(start) = stem.as_bytes().first_chunk::<START>() {
                self.stems_by_start.entry(*start).or_default().push((stem.clone(), id));
            }
        }
        self.stems_by_start
            .values_mut()
            .for_each(|stems| stems.sort_by_key(|(stem, _)| usize::MAX - stem.len()));
        self.shorter = vec![UNKNOWN; self.names.len()];
        for (stem, &id) in &self.stems {
            let shorter = (1..stem.len())
                .rev()
                .filter(|&at| stem.is_char_boundary(at))
                .find_map(|at| self.stems.get(&stem[..at]));
            self.shorter[id as usize] = shorter.copied().unwrap_or(UNKNOWN);
        }
        self.joined = if joined.is_empty() { None } else { Some(AhoCorasick::new(joined)?) };
        Ok(())
    }

    /// Every spelling under which a rare word may wake the reader, besides its own.
    pub fn disguises(word: &str) -> Vec<String> {
        let mut all = slips(word);
        all.extend(halves(word).map(|half| format!("{half} {}", &word[half.len()..])));
        all
    }

    /// Every spelling under which a word that may be mistyped wakes the reader, besides its own.
    pub fn typings(word: &str) -> Vec<String> {
        mistyped(word)
    }

    fn plain(&self, word: &str) -> Option<(WordId, WordId)> {
        self.with_stem(word, self.words.get(word))
    }

    /// A word that is in the dictionary as it is, or but for a slip.
    fn known(&self, word: &str) -> Option<(WordId, WordId)> {
        self.with_stem(word, self.words.get(word).or_else(|| self.slips.get(word)))
    }

    fn with_stem(&self, word: &str, exact: Option<&WordId>) -> Option<(WordId, WordId)> {
        let exact = exact.copied().unwrap_or(UNKNOWN);
        let stems = word.as_bytes().first_chunk::<START>().and_then(|start| self.stems_by_start.get(start));
        let stem = stems.and_then(|stems| stems.iter().find(|(stem, _)| word.starts_with(&**stem)));
        let stem = stem.map_or(UNKNOWN, |&(_, id)| id);
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
            return word.as_bytes()[0].is_ascii_digit().then_some((NUMBER, UNKNOWN));
        }
        self.squeezed(word).or_else(|| self.unglued(word))
    }

    /// A word with a short one before it, without the space: the short one is dropped.
    fn unglued(&self, word: &str) -> Option<(WordId, WordId)> {
        let rest =
            self.glued.iter().filter_map(|short| word.strip_prefix(&**short).filter(|rest| rest.len() > 2));
        rest.filter_map(|rest| self.words.get(rest)).next().map(|&id| (id, UNKNOWN))
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
                && self.words.contains_key(first)
                && self.words.contains_key(second)
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
        shrunk(word).find_map(|tried| self.words.get(&*tried).copied())
    }

    /// A word with letters struck out: each symbol stands for one letter, a row of them for one or more.
    fn censored(&self, word: &str) -> Option<WordId> {
        let letters = word.bytes().filter(u8::is_ascii_lowercase).count();
        if letters < 2 || !word.as_bytes()[0].is_ascii_lowercase() {
            return None;
        }
        self.rare
            .iter()
            .find(|(rare, _)| {
                letters * 2 >= rare.len() && letters < rare.len() && fits(word.as_bytes(), rare.as_bytes())
            })
            .map(|&(_, id)| id)
    }

    /// Several words run together, at least one of them rare.
    fn segments(&self, word: &str) -> Option<Vec<Piece>> {
        if word.len() < 6 || !self.joined.as_ref()?.is_match(word) {
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
                    self.words.contains_key(piece) && (piece.len() > 1 || matches!(piece, "i" | "a" | "u"));
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
            if word.len() == 1 {
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
            token.slip = self.foreign.get(word).copied().unwrap_or(UNKNOWN);
        }
        tokens
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
            let half = word.len() <= 12 && self.halves.contains_key(before);
            if (clitic || half) && before.len() + word.len() <= LONGEST {
                let contraction = self.contractions.get(&folded[last.start as usize..end]).copied();
                let found = contraction.or_else(|| {
                    let whole = |rare: &str| rare.strip_prefix(before) == Some(word);
                    self.rare.iter().find(|(rare, _)| half && whole(rare)).map(|&(_, id)| id)
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
        if !self.words.contains_key(word)
            && !self.slips.contains_key(word)
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
            letters += folded[tokens[from].start as usize..tokens[from].end as usize].replace(' ', "").len();
        }
        if letters != lone || lone > 2 * LONGEST {
            return;
        }
        let first = tokens[from];
        let positions: Vec<usize> = (first.start as usize..tokens[tokens.len() - 1].end as usize)
            .filter(|&i| folded.as_bytes()[i] != b' ' && !matches!(folded.as_bytes()[i], b'.' | b',' | b'"'))
            .collect();
        let word: String = positions.iter().map(|&i| folded.as_bytes()[i] as char).collect();
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

/// Whether a letter belongs to a script that is read one letter at a time.
pub(crate) fn single(c: char) -> bool {
    super::letters::kind(c) == super::letters::Kind::Single
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

/// Spellings one slip away: a letter lost, doubled, swapped with its neighbour, or hit beside the key.
/// Never the first letter alone, which makes other words. Short words have no slips.
fn slips(word: &str) -> Vec<String> {
    if word.len() < 6 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return Vec::new();
    }
    let bytes = word.as_bytes();
    let mut all: Vec<Vec<u8>> = Vec::new();
    for i in 0..bytes.len() {
        if i > 0 {
            let mut lost = bytes.to_vec();
            lost.remove(i);
            all.push(lost);
        }
        let mut doubled = bytes.to_vec();
        doubled.insert(i, bytes[i]);
        all.push(doubled);
        if i + 1 < bytes.len() && bytes[i] != bytes[i + 1] {
            let mut swapped = bytes.to_vec();
            swapped.swap(i, i + 1);
            all.push(swapped);
        }
        if i > 0 {
            for &near in neighbours(bytes[i]) {
                let mut wrong = bytes.to_vec();
                wrong[i] = near;
                all.push(wrong);
                let mut extra = bytes.to_vec();
                extra.insert(i, near);
                all.push(extra);
            }
        }
    }
    let mut all: Vec<String> = all.into_iter().filter_map(|b| String::from_utf8(b).ok()).collect();
    all.sort_unstable();
    all.dedup();
    all.retain(|slip| slip != word);
    all
}

/// The slips of a word of every day, from four letters: the shorter, the fewer, as short words lie close together.
fn mistyped(word: &str) -> Vec<String> {
    let mut all = match word.len() {
        0..4 => Vec::new(),
        4 | 5 => {
            let bytes = word.as_bytes();
            let swapped = (0..bytes.len() - 1).map(|at| {
                let mut swapped = bytes.to_vec();
                swapped.swap(at, at + 1);
                swapped
            });
            let wrong = (1..bytes.len()).filter(|&at| !b"aeiou".contains(&bytes[at])).flat_map(|at| {
                neighbours(bytes[at]).iter().map(move |&near| {
                    let mut wrong = bytes.to_vec();
                    wrong[at] = near;
                    wrong
                })
            });
            let lost = (1..bytes.len()).filter(|_| bytes.len() > 4).map(|at| {
                let mut lost = bytes.to_vec();
                lost.remove(at);
                lost
            });
            swapped.chain(wrong).chain(lost).filter_map(|bytes| String::from_utf8(bytes).ok()).collect()
        }
        _ => slips(word),
    };
    all.retain(|slip| slip != word);
    all
}

/// A word that ends in "ing", as it is spoken.
pub(crate) fn dropped(word: &str) -> Option<String> {
    let stem = word.strip_suffix("ing").filter(|stem| stem.len() >= 3 && stem.is_ascii())?;
    Some(format!("{stem}in"))
}

/// Keys next to a key on common keyboards, and vowels that sound alike.
fn neighbours(letter: u8) -> &'static [u8] {
    match letter {
        b'a' => b"sqweiou",
        b'b' => b"vnh",
        b'c' => b"xvs",
        b'd' => b"sfet",
        b'e' => b"wriauo",
        b'f' => b"dgv",
        b'g' => b"fht",
        b'h' => b"gjn",
        b'i' => b"uoyea",
        b'j' => b"hk",
        b'k' => b"jlc",
        b'l' => b"ko",
        b'm' => b"n",
        b'n' => b"mb",
        b'o' => b"ipuae",
        b'p' => b"ol",
        b'q' => b"wa",
        b'r' => b"et",
        b's' => b"adcz",
        b't' => b"ryd",
        b'u' => b"iyoae",
        b'v' => b"bcf",
        b'w' => b"qe",
        b'x' => b"zc",
        b'y' => b"tui",
        b'z' => b"xs",
        _ => b"",
    }
}

/// First halves of a word that somebody might part in two, at least two letters on either side.
fn halves(word: &str) -> impl Iterator<Item = &str> {
    let long = word.len() >= 6 && word.is_ascii();
    (2..word.len().saturating_sub(1)).filter(move |_| long).map(move |at| &word[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary() -> Dictionary {
        let mut dictionary = Dictionary::new();
        for word in ["i", "want", "to", "die", "kill", "myself", "dont"] {
            dictionary.intern(word);
        }
        dictionary.intern("suicid*");
        for word in ["suicide", "kill", "myself"] {
            dictionary.add_rare(word);
        }
        dictionary.add_contraction("don", "t");
        dictionary.seal(&["killm".into(), "todie".into()]).unwrap();
        dictionary
    }

    fn read(text: &str) -> Vec<String> {
        let dictionary = dictionary();
        let names: HashMap<WordId, String> =
            dictionary.words.iter().map(|(w, &id)| (id, w.to_string())).collect();
        let folded = super::super::fold::fold(text);
        dictionary
            .tokens(folded.text())
            .iter()
            .map(|t| {
                names
                    .get(&t.word)
                    .cloned()
                    .unwrap_or_else(|| if t.stem == UNKNOWN { "?".into() } else { "*".into() })
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
