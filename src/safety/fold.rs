//! Spelling made plain, in one pass over the text.
//!
//! The folded text is words, each after one space, in lower case and without accents or apostrophes;
//! between them stand the marks `.` (a sentence ends), `,` (a pause) and `"` (a quotation mark), each
//! after a space as well. Letters of scripts without spaces follow one another without a space.
//!
//! What needs a dictionary to be undone (leetspeak, censored, spaced and stretched letters) stays in the
//! folded text, which is then called `odd`; `words` reads it more closely.

use super::letters::{self, Kind};

/// A text in plain spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folded {
    text: String,
    offsets: Vec<u32>,
    odd: bool,
}

impl Folded {
    /// The folded text. It is empty, or begins and ends with a space.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether some word is spelt in a way that deserves a closer look.
    pub fn is_odd(&self) -> bool {
        self.odd
    }

    /// The byte range of `text`, the original, that a byte range of the folded text came from; only for a
    /// text folded by [`fold_with_offsets`], and empty otherwise.
    pub fn original(&self, folded: std::ops::Range<usize>, text: &str) -> std::ops::Range<usize> {
        let first = self.offsets.get(folded.start);
        let last = folded.end.checked_sub(1).and_then(|last| self.offsets.get(last));
        let (Some(&first), Some(&last)) = (first, last) else { return 0..0 };
        let mut end = last as usize + 1;
        while !text.is_char_boundary(end) {
            end += 1;
        }
        first as usize..end
    }
}

/// Folds a text.
pub fn fold(text: &str) -> Folded {
    let mut folder = Folder::<false>::new(text.len());
    folder.read(text);
    folder.finish()
}

/// Folds a text and keeps, for every byte, where it came from.
pub fn fold_with_offsets(text: &str) -> Folded {
    let mut folder = Folder::<true>::new(text.len());
    folder.read(text);
    folder.finish()
}

const GAP: u8 = 0;
const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const NOTHING: u8 = 3;
const SYMBOL: u8 = 4;
const STOP: u8 = 5;
const PAUSE: u8 = 6;
const QUOTE: u8 = 7;
const WIDE: u8 = 8;

/// What each byte is to the reader.
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut class = [GAP; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            b'0'..=b'9' => DIGIT,
            b'\'' => NOTHING,
            b'*' | b'!' | b'$' | b'@' | b'#' | b'%' | b'&' | b'+' | b'|' => SYMBOL,
            b'.' | b'?' => STOP,
            b',' | b';' | b':' | b'(' | b')' | b'\n' => PAUSE,
            b'"' => QUOTE,
            0x80..=0xff => WIDE,
            _ => GAP,
        };
        byte += 1;
    }
    class
}

struct Folder<const KEEP: bool> {
    out: Vec<u8>,
    at: Vec<u32>,
    /// Where the word being written starts in `out`; 0 between words.
    word: usize,
    digits: bool,
    wide: bool,
    /// The last thing written was a letter of a script without spaces.
    single: bool,
    /// One-letter words in a row.
    lone: u32,
    odd: bool,
}

impl<const KEEP: bool> Folder<KEEP> {
    fn new(len: usize) -> Self {
        Folder {
            out: Vec::with_capacity(len + len / 4 + 16),
            at: Vec::new(),
            word: 0,
            digits: false,
            wide: false,
            single: false,
            lone: 0,
            odd: false,
        }
    }

    #[inline(always)]
    fn push(&mut self, byte: u8, from: usize) {
        self.out.push(byte);
        if KEEP {
            self.at.push(from as u32);
        }
    }

    #[inline(always)]
    fn open(&mut self, from: usize) {
        if self.word == 0 {
            self.push(b' ', from);
            self.word = self.out.len();
            self.single = false;
        }
    }

    #[inline(always)]
    fn close(&mut self) {
        if self.word != 0 {
            if self.out.len() - self.word == 1 {
                self.lone += 1;
                self.odd |= self.lone >= 3;
            } else {
                self.lone = 0;
            }
            if self.wide {
                self.unmix();
            }
            self.word = 0;
            self.digits = false;
        }
    }

    fn read(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            let byte = bytes[i];
            match CLASS[byte as usize] {
                LETTER => {
                    self.open(i);
                    let lower = byte | 0x20;
                    let n = self.out.len();
                    if n >= 2 && self.out[n - 1] == lower && self.out[n - 2] == lower {
                        self.odd = true;
                    }
                    self.odd |= self.digits;
                    self.push(lower, i);
                }
                GAP => self.close(),
                NOTHING => {}
                DIGIT => {
                    if self.word != 0 && !self.digits {
                        self.odd = true;
                    }
                    self.open(i);
                    self.digits = true;
                    self.push(byte, i);
                }
                SYMBOL => i = self.symbol(bytes, i),
                STOP => {
                    self.close();
                    // Several dots are a pause for breath.
                    if byte == b'.' && bytes.get(i + 1) == Some(&b'.') {
                        while bytes.get(i + 1) == Some(&b'.') {
                            i += 1;
                        }
                        self.mark(b',', i);
                    } else {
                        self.mark(b'.', i);
                    }
                }
                PAUSE => {
                    self.close();
                    self.mark(b',', i);
                }
                QUOTE => {
                    self.close();
                    self.mark(b'"', i);
                }
                _ => {
                    let Some(c) = text[i..].chars().next() else { break };
                    self.wide(c, i);
                    i += c.len_utf8() - 1;
                }
            }
            i += 1;
        }
        self.close();
    }

    fn mark(&mut self, mark: u8, from: usize) {
        self.single = false;
        // A row of the same marks is one.
        if self.out.last() != Some(&mark) {
            self.push(b' ', from);
            self.push(mark, from);
        }
    }

    /// A symbol that stands for a letter inside a word, or does nothing outside one. Answers the index of
    /// the last byte that it used.
    fn symbol(&mut self, bytes: &[u8], i: usize) -> usize {
        let mut end = i;
        while end + 1 < bytes.len() && CLASS[bytes[end + 1] as usize] == SYMBOL && end - i < 6 {
            end += 1;
        }
        let next = bytes.get(end + 1).is_some_and(|&b| matches!(CLASS[b as usize], LETTER | DIGIT));
        if next && (self.word != 0 || bytes[end] == b'$') {
            self.open(i);
            self.odd = true;
            for (at, &byte) in bytes.iter().enumerate().take(end + 1).skip(i) {
                self.push(byte, at);
            }
        } else {
            self.close();
            if bytes[i..=end].contains(&b'!') {
                self.mark(b'.', i);
            }
        }
        end
    }

    #[cold]
    fn wide(&mut self, c: char, from: usize) {
        if let Some(joined) = self.single.then(|| self.join(c)).flatten() {
            self.replace_last(joined, from);
            return;
        }
        match letters::kind(c) {
            Kind::Nothing => {}
            Kind::Gap => self.close(),
            Kind::Stop => {
                self.close();
                self.mark(b'.', from);
            }
            Kind::Pause => {
                self.close();
                self.mark(b',', from);
            }
            Kind::Quote => {
                self.close();
                self.mark(b'"', from);
            }
            Kind::Picture => {
                self.close();
                self.push(b' ', from);
                self.char(c, from);
                self.single = false;
            }
            Kind::Single => {
                self.close();
                if !self.single {
                    self.push(b' ', from);
                    self.single = true;
                }
                letters::plain(c, |plain| self.char(plain, from));
            }
            Kind::Letter => {
                self.open(from);
                letters::plain(c, |plain| {
                    self.wide |= !plain.is_ascii();
                    let n = self.out.len();
                    if plain.is_ascii() && n >= 2 && self.out[n - 1] == plain as u8 && self.out[n - 2] == plain as u8 {
                        self.odd = true;
                    }
                    self.char(plain, from);
                });
            }
        }
    }

    fn char(&mut self, c: char, from: usize) {
        let mut buffer = [0; 4];
        for &byte in c.encode_utf8(&mut buffer).as_bytes() {
            self.push(byte, from);
        }
    }

    fn last_char(&self) -> Option<char> {
        let start = (0..self.out.len()).rev().find(|&i| self.out[i] & 0xc0 != 0x80)?;
        std::str::from_utf8(&self.out[start..]).ok()?.chars().next()
    }

    fn join(&self, mark: char) -> Option<char> {
        letters::join(self.last_char()?, mark)
    }

    fn replace_last(&mut self, c: char, from: usize) {
        if let Some(last) = self.last_char() {
            self.out.truncate(self.out.len() - last.len_utf8());
            if KEEP {
                self.at.truncate(self.out.len());
            }
            self.char(c, from);
        }
    }

    /// A word that mixes scripts, or one in foreign look-alikes amid Latin words, is read as Latin.
    fn unmix(&mut self) {
        self.wide = false;
        let Ok(word) = std::str::from_utf8(&self.out[self.word..]) else { return };
        let latin = word.bytes().any(|b| b.is_ascii_lowercase());
        let passes = word.chars().all(|c| c.is_ascii() || letters::look_alike(c).is_some());
        // A script that is nobody's disguise here (all its letters look Latin by chance) is left alone
        // unless most words before it were Latin.
        if !(latin || passes && word.chars().count() > 1 && self.all_latin_before()) {
            return;
        }
        let plain: Vec<(char, u32)> = {
            let mut at = self.word;
            word.chars()
                .map(|c| {
                    let from = if KEEP { self.at[at] } else { 0 };
                    at += c.len_utf8();
                    (letters::look_alike(c).unwrap_or(c), from)
                })
                .collect()
        };
        self.out.truncate(self.word);
        if KEEP {
            self.at.truncate(self.word);
        }
        for (c, from) in plain {
            self.char(c, from as usize);
        }
    }

    fn all_latin_before(&self) -> bool {
        let before = &self.out[self.word.saturating_sub(24)..self.word];
        before.iter().any(u8::is_ascii_lowercase) && before.is_ascii()
    }

    fn finish(mut self) -> Folded {
        self.close();
        if !self.out.is_empty() {
            self.push(b' ', 0);
        }
        // Only whole characters were written, so this can't lose anything.
        let text = String::from_utf8(self.out).unwrap_or_default();
        Folded { text, offsets: self.at, odd: self.odd }
    }
}
