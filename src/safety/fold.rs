//! Spelling made plain: look-alike letters, spacing, leetspeak, censoring, stretched letters.
//!
//! Twice, for speed. [`skim`] is a table over bytes that is good enough to ask whether a message holds any
//! word worth a closer look; nearly all messages end there. [`tokens`] reads the few others with care and
//! keeps offsets into the original. A disguise is only ever undone into a word that the phrase lists know,
//! so that "2day" and "h4ck" stay what they are.

use std::collections::HashMap;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What [`skim`] does with a byte: letters and digits are written in lower case, the rest is one of these.
const DROP: u8 = 0;
const ODD: u8 = 1;
const GAP: u8 = b' ';

const SKIM: [u8; 256] = {
    let mut table = [GAP; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b @ (b'a'..=b'z' | b'0'..=b'9') => b,
            b @ b'A'..=b'Z' => b + 32,
            b'\'' => DROP,
            // What can hide a letter, or the whole of another script.
            b'*' | b'@' | b'$' | b'|' | b'_' | b'#' | b'~' | b'`' | b'^' | 128.. => ODD,
            _ => GAP,
        };
        byte += 1;
    }
    table
};

/// Words in lower case, each behind one space, written into `out`. Says whether the text needs a closer look
/// to be told at all: signs of disguise, or letters beyond ASCII.
pub(super) fn skim(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    out.reserve(text.len() + 2);
    out.push(b' ');
    let (mut last, mut before) = (b' ', b' ');
    let (mut odd, mut singles) = (false, 0u32);
    for &byte in text {
        let plain = SKIM[byte as usize];
        match plain {
            DROP => {}
            ODD => odd = true,
            GAP => {
                if last != b' ' {
                    // One letter between two gaps, three times in a row: "k i l l".
                    singles = if before == b' ' { singles + 1 } else { 0 };
                    odd |= singles >= 3;
                    (before, last) = (last, b' ');
                    out.push(b' ');
                }
            }
            letter => {
                let digit = letter.is_ascii_digit();
                odd |= (letter == last && letter == before && !digit)
                    || (last != b' ' && digit != last.is_ascii_digit());
                (before, last) = (last, letter);
                out.push(letter);
            }
        }
    }
    odd || (before == b' ' && last != b' ' && singles >= 2)
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// A word, or one letter of a script that doesn't space words.
    Word,
    /// A comma, a bracket, a line break, an ellipsis: the thought goes on.
    Pause,
    /// The end of a sentence.
    Stop,
}

/// One word of the text, made plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub sort: Sort,
    pub text: String,
    /// Where it stands in the original, in bytes.
    pub range: Range<usize>,
}

/// The words that phrases are made of.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// Every word, and whether it is rare: worth undoing a disguise or a slip for.
    words: HashMap<Box<str>, bool>,
    rare: Vec<Box<str>>,
    longest: usize,
}

impl Vocabulary {
    pub fn add(&mut self, word: &str, rare: bool) {
        self.longest = self.longest.max(word.len());
        let known = self.words.entry(word.into()).or_insert(false);
        if rare && !*known {
            *known = true;
            self.rare.push(word.into());
        }
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains_key(word)
    }

    fn is_rare(&self, word: &str) -> bool {
        self.words.get(word).copied().unwrap_or(false)
    }

    pub fn rare(&self) -> impl Iterator<Item = &str> {
        self.rare.iter().map(AsRef::as_ref)
    }
}

/// The tokens of a text: spelling made plain, disguises of known words undone.
pub(super) fn tokens(text: &str, known: &Vocabulary) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 4 + 4);
    let mut at = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if c.is_whitespace() {
            if c == '\n' {
                push_mark(&mut tokens, Sort::Pause, start..start + 1);
            }
            continue;
        }
        let mut end = start + c.len_utf8();
        while let Some(&(next, c)) = chars.peek() {
            if c.is_whitespace() {
                break;
            }
            end = next + c.len_utf8();
            chars.next();
        }
        chunk(&text[start..end], start, known, &mut tokens);
        at = end;
    }
    let _ = at;
    spaced(&mut tokens, known);
    tokens
}

fn push_mark(tokens: &mut Vec<Token>, sort: Sort, range: Range<usize>) {
    match tokens.last_mut() {
        Some(last) if last.sort != Sort::Word => {
            if sort == Sort::Stop {
                last.sort = sort;
            }
            last.range.end = range.end;
        }
        Some(_) => tokens.push(Token { sort, text: String::new(), range }),
        None => {}
    }
}

/// A plain letter with the place that it came from.
type Letter = (char, Range<usize>);

/// One run of text without blanks: a word with its punctuation, or several words held together by it.
fn chunk(raw: &str, start: usize, known: &Vocabulary, tokens: &mut Vec<Token>) {
    let mut letters: Vec<Letter> = Vec::with_capacity(raw.len());
    for (at, c) in raw.char_indices() {
        let range = start + at..start + at + c.len_utf8();
        plain_letters(c, &range, &mut letters);
    }
    let body: String = letters.iter().map(|(c, _)| *c).collect();
    let is_letter = |c: char| c.is_alphabetic();
    // A mark inside a word, or a digit beside letters, can be a disguise.
    let masked = body.chars().any(is_letter)
        && body
            .trim_matches(|c: char| !c.is_alphanumeric() && !"@$*".contains(c))
            .chars()
            .any(|c| !is_letter(c));
    if masked && let Some(word) = unmask(&body, known) {
        let range = letters[0].1.start..letters[letters.len() - 1].1.end;
        // "su!cide!!" ends a sentence as well.
        let end = range.end;
        tokens.push(Token { sort: Sort::Word, text: word, range });
        if raw.ends_with(['.', '!', '?']) {
            push_mark(tokens, Sort::Stop, end..end);
        }
        return;
    }
    let mut word: Option<Token> = None;
    for (at, (c, range)) in letters.iter().enumerate() {
        if is_unspaced(*c) {
            finish(word.take(), known, tokens);
            tokens.push(Token { sort: Sort::Word, text: c.to_string(), range: range.clone() });
        } else if c.is_alphanumeric() || is_combining_mark(*c) {
            let token = word.get_or_insert_with(|| Token {
                sort: Sort::Word,
                text: String::new(),
                range: range.clone(),
            });
            token.text.push(*c);
            token.range.end = range.end;
        } else if *c == '\'' {
        } else {
            finish(word.take(), known, tokens);
            let next = letters.get(at + 1).map(|(c, _)| *c);
            let dots = *c == '.' && (next == Some('.') || at > 0 && letters[at - 1].0 == '.');
            let sort = match c {
                '…' => Sort::Pause,
                '.' if dots => Sort::Pause,
                '.' | '!' | '?' | '。' | '！' | '？' | '।' | '؟' => Sort::Stop,
                '*' | '_' | '~' | '|' | '`' | '"' | '“' | '”' | '#' | '@' => continue,
                _ => Sort::Pause,
            };
            push_mark(tokens, sort, range.clone());
        }
    }
    finish(word, known, tokens);
}

/// What one character stands for: compatibility forms resolved, accents taken off Latin letters, lower case.
fn plain_letters(c: char, range: &Range<usize>, letters: &mut Vec<Letter>) {
    if c.is_ascii() {
        return letters.push((c.to_ascii_lowercase(), range.clone()));
    }
    if is_invisible(c) {
        return;
    }
    let mut any = false;
    for c in std::iter::once(c).nfkc() {
        any = true;
        let base = match c {
            '’' | '‘' | 'ʼ' | '´' | '＇' => '\'',
            'ß' => {
                letters.push(('s', range.clone()));
                's'
            }
            'ø' | 'Ø' => 'o',
            'ł' | 'Ł' => 'l',
            'đ' | 'Đ' | 'ð' => 'd',
            'ı' | 'İ' => 'i',
            'æ' | 'Æ' => {
                letters.push(('a', range.clone()));
                'e'
            }
            'œ' | 'Œ' => {
                letters.push(('o', range.clone()));
                'e'
            }
            c if is_combining_mark(c) && letters.last().is_some_and(|(base, _)| base.is_ascii()) => continue,
            // The tick of й and the like is part of the letter; accents on Latin letters are not.
            c => std::iter::once(c).nfd().next().filter(char::is_ascii).unwrap_or(c),
        };
        letters.extend(base.to_lowercase().map(|c| (c, range.clone())));
    }
    if !any {
        letters.push((c, range.clone()));
    }
}

/// Zero-width characters, joiners, direction marks, variation selectors: nobody sees them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Scripts whose words are not spaced, or spaced as people like: each letter is a token.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

/// Letters of other scripts that look Latin. Source: Unicode confusables (UTS 39), those that phones can type.
fn look_alike(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' | 'ᴄ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' | 'є' => 'e',
        'ɡ' => 'g',
        'һ' | 'н' => 'h',
        'і' | 'ι' | 'ɩ' | 'ɪ' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' | 'ⅼ' | 'ʟ' => 'l',
        'м' => 'm',
        'η' | 'п' => 'n',
        'о' | 'ο' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' | 'ꜱ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ц' => 'u',
        'ѵ' | 'ν' => 'v',
        'ѡ' | 'ω' | 'ш' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        other => other,
    }
}

/// Leetspeak, as letters: `1`, `!` and `|` can be i or l.
fn unleet(c: char, one: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        other => other,
    }
}

/// The rare word that a chunk hides behind digits and marks, if it hides one.
fn unmask(body: &str, known: &Vocabulary) -> Option<String> {
    if body.len() > 40 {
        return None;
    }
    let trimmed = body.trim_matches(|c: char| !c.is_alphanumeric() && !"@$*".contains(c));
    let bare: String = trimmed.chars().filter(|c| c.is_alphanumeric()).collect();
    for one in ['i', 'l'] {
        let spelled: String = trimmed.chars().map(|c| unleet(c, one)).filter(|c| c.is_alphabetic()).collect();
        let spelled = if known.has(&spelled) { spelled } else { squeeze(&spelled, known) };
        if known.is_rare(&spelled) && spelled != bare {
            return Some(spelled);
        }
    }
    // k.i.l.l and s-u-i-c-i-d-e: nothing but single letters between the marks.
    let parts: Vec<&str> =
        trimmed.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    if parts.len() >= 3 && parts.iter().all(|part| part.chars().count() == 1) && known.is_rare(&bare) {
        return Some(bare);
    }
    // k*ll, s**cide, f***ing: each mark hides one letter, or a run of them hides any.
    let trimmed = trimmed.trim_matches('*');
    if trimmed.chars().any(|c| "*#_-@$.".contains(c))
        && trimmed.chars().filter(|c| c.is_alphabetic()).count() >= 2
    {
        return known.rare().find(|word| fits_mask(trimmed, word)).map(str::to_owned);
    }
    None
}

fn fits_mask(mask: &str, word: &str) -> bool {
    let is_mark = |c: char| "*#_-@$.".contains(c);
    mask.chars().count() == word.chars().count()
        && mask.chars().zip(word.chars()).all(|(m, w)| is_mark(m) || m == w)
}

/// A word with its stretched letters shortened, if the phrases know it: "diiieee" -> "die".
fn squeeze(word: &str, known: &Vocabulary) -> String {
    for most in [2, 1] {
        let mut short = String::with_capacity(word.len());
        let (mut last, mut run) = ('\0', 0);
        for c in word.chars() {
            run = if c == last { run + 1 } else { 1 };
            last = c;
            if run <= most {
                short.push(c);
            }
        }
        if known.has(&short) {
            return short;
        }
    }
    word.to_owned()
}

/// Settles what a word is: as it stands, or with a disguise, a stretch or a slip undone.
fn finish(token: Option<Token>, known: &Vocabulary, tokens: &mut Vec<Token>) {
    let Some(mut token) = token else { return };
    if !known.has(&token.text) && token.text.len() <= 60 {
        if !token.text.is_ascii() {
            let latin: String = token.text.chars().map(look_alike).collect();
            if latin.is_ascii() && (known.has(&latin) || token.text.chars().any(|c| c.is_ascii_alphabetic()))
            {
                token.text = latin;
            }
        }
        if !known.has(&token.text) {
            token.text = squeeze(&token.text, known);
        }
        if !known.has(&token.text) {
            if let Some(parts) = split_joined(&token.text, known) {
                let range = token.range;
                tokens.extend(parts.into_iter().map(|text| Token {
                    sort: Sort::Word,
                    text,
                    range: range.clone(),
                }));
                return;
            }
            if let Some(word) = nearest_rare(&token.text, known) {
                token.text = word;
            }
        }
    }
    tokens.push(token);
}

/// "killmyself" -> kill, myself: only if it is known words from end to end, a rare one among them.
fn split_joined(word: &str, known: &Vocabulary) -> Option<Vec<String>> {
    if word.len() < 7 || !word.is_ascii() {
        return None;
    }
    // best[n]: where the last word of a split of the first n letters begins.
    let mut best: Vec<Option<usize>> = vec![None; word.len() + 1];
    best[0] = Some(0);
    for end in 1..=word.len() {
        let from = end.saturating_sub(known.longest);
        // Longer words first, and no single letters but "i".
        best[end] = (from..end).find(|&start| {
            let piece = &word[start..end];
            best[start].is_some() && (piece.len() > 1 || piece == "i") && known.has(piece)
        });
    }
    let mut parts = Vec::new();
    let mut end = word.len();
    while end > 0 {
        let start = best[end]?;
        parts.push(word[start..end].to_owned());
        end = start;
    }
    parts.reverse();
    (parts.len() > 1 && parts.iter().any(|part| part.len() > 2 && known.is_rare(part))).then_some(parts)
}

/// The rare word that a slip of the finger made this from: the same first letter, one slip in five to
/// eight letters, two in more. "sucide" is near suicide, "suede" is near nothing.
fn nearest_rare(word: &str, known: &Vocabulary) -> Option<String> {
    let length = word.chars().count();
    if !(5..=16).contains(&length) {
        return None;
    }
    let allowed = if length < 9 { 1 } else { 2 };
    let first = word.chars().next();
    known
        .rare()
        .filter(|rare| {
            rare.chars().count() >= 5
                && rare.chars().next() == first
                && rare.chars().count().abs_diff(length) <= allowed
        })
        .find(|rare| strsim::osa_distance(rare, word) <= allowed)
        .map(str::to_owned)
}

/// Joins three or more single letters in a row into the words that they spell, if they spell any.
fn spaced(tokens: &mut Vec<Token>, known: &Vocabulary) {
    let single = |token: &Token| token.sort == Sort::Word && token.text.len() == 1 && token.text.is_ascii();
    let mut at = 0;
    while at < tokens.len() {
        // Marks between the letters belong to the disguise: "k. i. l. l."
        let mut end = at;
        let mut letters = String::new();
        while let Some(token) = tokens.get(end) {
            if single(token) {
                letters += &token.text;
            } else if token.sort == Sort::Word || letters.is_empty() {
                break;
            }
            end += 1;
        }
        if letters.len() >= 3 && letters.len() <= 60 {
            let words =
                if known.is_rare(&letters) { Some(vec![letters]) } else { split_spaced(&letters, known) };
            if let Some(words) = words {
                let range = tokens[at].range.start..tokens[end - 1].range.end;
                let count = words.len();
                tokens.splice(
                    at..end,
                    words.into_iter().map(|text| Token { sort: Sort::Word, text, range: range.clone() }),
                );
                at += count;
                continue;
            }
        }
        at = end.max(at + 1);
    }
}

fn split_spaced(letters: &str, known: &Vocabulary) -> Option<Vec<String>> {
    split_joined(letters, known).or_else(|| {
        // "i k m s", "k y s lol": a rare word at one end.
        let rare = known
            .rare()
            .find(|rare| rare.len() >= 3 && (letters.ends_with(rare) || letters.starts_with(rare)))?;
        let rest = letters.strip_suffix(rare).or_else(|| letters.strip_prefix(rare))?;
        let before = letters.ends_with(rare);
        let rest = rest.chars().map(String::from);
        Some(if before {
            rest.chain([rare.to_owned()]).collect()
        } else {
            std::iter::once(rare.to_owned()).chain(rest).collect()
        })
    })
}
