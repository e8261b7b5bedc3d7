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

/// Leaves no trace.
const NOTHING: u8 = 0;
/// From here to `FIRST_PLAIN`: written with more thought than the fast loop has.
const SYMBOL: u8 = 1;
const STOP: u8 = 2;
const PAUSE: u8 = 3;
const QUOTE: u8 = 4;
const WIDE: u8 = 5;
/// From here on: written as it is. Letters and digits, and a space for whatever parts two words.
const FIRST_PLAIN: u8 = b' ';

/// What each byte is written as, or what kind of thought it needs.
static PLAIN: [u8; 256] = plain();

const fn plain() -> [u8; 256] {
    let mut plain = [b' '; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        plain[byte] = match b {
            b'a'..=b'z' | b'A'..=b'Z' => b | 0x20,
            b'0'..=b'9' => b,
            b'\'' => NOTHING,
            b'*' | b'!' | b'$' | b'@' | b'#' | b'%' | b'&' | b'+' | b'|' => SYMBOL,
            b'.' | b'?' => STOP,
            b',' | b';' | b':' | b'(' | b')' | b'\n' => PAUSE,
            b'"' => QUOTE,
            0x80..=0xff => WIDE,
            _ => b' ',
        };
        byte += 1;
    }
    plain
}

struct Folder<const KEEP: bool> {
    /// Written up to `end`; what follows is room.
    out: Vec<u8>,
    end: usize,
    /// For each byte of `out`, where it came from.
    at: Vec<u32>,
    odd: bool,
    /// The last character written belongs to a script without spaces.
    single: bool,
}

/// Room that one byte of input may take at once: a space, a mark, a space.
const ROOM: usize = 4;

impl<const KEEP: bool> Folder<KEEP> {
    fn new(len: usize) -> Self {
        let room = len + len / 8 + 32;
        Folder {
            out: vec![0; room],
            end: 0,
            at: if KEEP { vec![0; room] } else { Vec::new() },
            odd: false,
            single: false,
        }
    }

    fn room(&mut self, bytes: usize) {
        if self.out.len() < self.end + bytes {
            self.out.resize((self.end + bytes).max(self.out.len() * 2), 0);
            if KEEP {
                self.at.resize(self.out.len(), 0);
            }
        }
    }

    fn read(&mut self, text: &str) {
        let bytes = text.as_bytes();
        if bytes.is_empty() {
            return;
        }
        self.put(b' ', 0);
        let mut i = 0;
        loop {
            let before = self.end;
            if self.single && bytes.get(i).is_some_and(|&b| PLAIN[b as usize] > FIRST_PLAIN) {
                self.gap(i);
            }
            i += self.simple(&bytes[i..], i);
            self.single &= self.end <= before + 1;
            let Some(&byte) = bytes.get(i) else { break };
            match PLAIN[byte as usize] {
                SYMBOL => i = self.symbol(bytes, i),
                // The dot of ".45" ends nothing.
                STOP if byte == b'.'
                    && self.last() == b' '
                    && bytes.get(i + 1).is_some_and(u8::is_ascii_digit) =>
                {
                    i += 1;
                }
                STOP => {
                    // Several dots are a pause for breath.
                    let dots = bytes[i..].iter().take_while(|&&b| b == b'.').count();
                    self.mark(if dots > 1 { b',' } else { b'.' }, i);
                    i += dots.max(1);
                }
                PAUSE => {
                    self.mark(b',', i);
                    i += 1;
                }
                QUOTE => {
                    self.mark(b'"', i);
                    i += 1;
                }
                _ => i = self.foreign(text, i),
            }
        }
    }

    /// Writes letters, digits and spaces up to the first byte that needs more thought; answers how many
    /// bytes that was.
    #[inline]
    fn simple(&mut self, bytes: &[u8], from: usize) -> usize {
        self.room(bytes.len() + ROOM);
        let room = self.end..self.end + bytes.len() + ROOM;
        let mut last = self.last();
        let out = &mut self.out[room.clone()];
        let at = if KEEP { &mut self.at[room] } else { &mut self.at[..] };
        let mut end = 0;
        let mut read = bytes.len();
        for (i, &byte) in bytes.iter().enumerate() {
            let plain = PLAIN[byte as usize];
            if plain < FIRST_PLAIN && plain != NOTHING {
                read = i;
                break;
            }
            out[end] = plain;
            if KEEP {
                at[end] = (from + i) as u32;
            }
            // Without a branch: where words end is what no processor can foresee.
            let keep = (plain != NOTHING) & ((plain | last) != b' ');
            end += usize::from(keep);
            last = if plain == NOTHING { last } else { plain };
        }
        self.end += end;
        read
    }

    fn last(&self) -> u8 {
        if self.end > 0 { self.out[self.end - 1] } else { b' ' }
    }

    fn put(&mut self, byte: u8, from: usize) {
        self.room(1);
        self.out[self.end] = byte;
        if KEEP {
            self.at[self.end] = from as u32;
        }
        self.end += 1;
    }

    fn gap(&mut self, from: usize) {
        if self.last() != b' ' {
            self.put(b' ', from);
        }
    }

    fn mark(&mut self, mark: u8, from: usize) {
        // What comes after a mark is a word of its own, also where no space is written.
        self.single = false;
        self.gap(from);
        // A row of the same marks is one.
        if self.end < 2 || self.out[self.end - 2] != mark {
            self.put(mark, from);
            self.put(b' ', from);
        }
    }

    /// A symbol that stands for a letter inside a word, or does nothing outside one. Answers the index
    /// of the byte after the last that it used.
    fn symbol(&mut self, bytes: &[u8], i: usize) -> usize {
        let end = i + bytes[i..].iter().take(6).take_while(|&&b| PLAIN[b as usize] == SYMBOL).count();
        let next = bytes.get(end).is_some_and(|&b| PLAIN[b as usize] > FIRST_PLAIN);
        if next && (self.last() != b' ' || bytes[end - 1] == b'$') {
            self.odd = true;
            for (at, &byte) in bytes.iter().enumerate().take(end).skip(i) {
                self.put(byte, at);
            }
        } else if bytes[i..end].contains(&b'!') {
            self.mark(b'.', i);
        } else {
            self.gap(i);
        }
        end
    }

    /// A character outside ASCII and, if it is a letter, the rest of its word. Answers where to go on.
    #[inline(never)]
    fn foreign(&mut self, text: &str, mut i: usize) -> usize {
        let mut word = false;
        while let Some(c) = text[i..].chars().next() {
            if c.is_ascii() {
                let plain = PLAIN[c as usize];
                if word && plain > FIRST_PLAIN {
                    self.put(plain, i);
                } else if !(word && plain == NOTHING) {
                    break;
                }
            } else {
                let after = text.as_bytes().get(i + c.len_utf8());
                let next = after.is_some_and(|&b| PLAIN[b as usize] > FIRST_PLAIN);
                word |= self.wide(c, i, next);
            }
            i += c.len_utf8();
            if !word {
                break;
            }
        }
        if word {
            self.unmix();
        }
        i
    }

    /// Writes a character outside ASCII; answers whether it is part of a word. `next` says whether a letter or a digit
    /// comes straight after it.
    fn wide(&mut self, c: char, from: usize, next: bool) -> bool {
        if self.single
            && let Some(joined) = self.join(c)
        {
            self.replace_last(joined, from);
            return false;
        }
        // After a letter, and where it opens nothing, a sign is a letter too.
        if let Some(letter) =
            letters::sign(c).filter(|_| self.last().is_ascii_lowercase() && (next || c != '¡'))
        {
            self.put(letter, from);
            return true;
        }
        match letters::kind(c) {
            Kind::Nothing => return false,
            Kind::Letter => {
                letters::plain(c, |plain| self.letter(plain, from));
                return true;
            }
            Kind::Gap => self.gap(from),
            Kind::Stop => self.mark(b'.', from),
            Kind::Pause => self.mark(b',', from),
            Kind::Quote => self.mark(b'"', from),
            // A picture in the middle of a word strikes out a letter, as a star does.
            Kind::Picture if next && self.last().is_ascii_lowercase() => {
                self.odd = true;
                self.put(b'*', from);
            }
            Kind::Picture => {
                self.gap(from);
                self.char(c, from);
                self.gap(from);
            }
            Kind::Single => {
                // Its words aren't parted, so a space between two of its letters says nothing.
                if self.last() == b' ' && self.single {
                    self.end -= 1;
                } else if !self.single {
                    self.gap(from);
                }
                letters::plain(c, |plain| self.char(plain, from));
                self.single = true;
                return false;
            }
        }
        self.single = false;
        false
    }

    fn letter(&mut self, plain: char, from: usize) {
        if self.single {
            self.gap(from);
            self.single = false;
        }
        self.char(plain, from);
    }

    fn char(&mut self, c: char, from: usize) {
        let mut buffer = [0; 4];
        for &byte in c.encode_utf8(&mut buffer).as_bytes() {
            self.put(byte, from);
        }
    }

    /// The text from the last space on.
    fn word(&self) -> (usize, &str) {
        let start = self.out[..self.end].iter().rposition(|&b| b == b' ').map_or(0, |space| space + 1);
        (start, std::str::from_utf8(&self.out[start..self.end]).unwrap_or_default())
    }

    fn join(&self, mark: char) -> Option<char> {
        letters::join(self.last_char()?, mark)
    }

    fn last_char(&self) -> Option<char> {
        let start = self.out[..self.end].iter().rposition(|&b| b & 0xc0 != 0x80)?;
        std::str::from_utf8(&self.out[start..self.end]).ok()?.chars().next()
    }

    fn replace_last(&mut self, c: char, from: usize) {
        if let Some(last) = self.last_char() {
            self.end -= last.len_utf8();
            self.char(c, from);
        }
    }

    /// A word that mixes scripts, or one in foreign look-alikes after Latin words, is read as Latin.
    fn unmix(&mut self) {
        let (start, word) = self.word();
        if word.len() > LONGEST_MIXED || word.is_ascii() {
            return;
        }
        let latin = word.bytes().any(|b| b.is_ascii_lowercase());
        let passes = word.chars().all(|c| c.is_ascii() || letters::look_alike(c).is_some());
        let before = &self.out[start.saturating_sub(24)..start];
        let after_latin = before.iter().any(u8::is_ascii_lowercase) && before.is_ascii();
        if !(latin || passes && word.chars().count() > 1 && after_latin) {
            return;
        }
        let word = word.to_owned();
        // A letter that passes for no Latin one tells that the others are what they are, and the Latin not.
        let cyrillic = word.chars().any(|c| letters::cyrillic(c) && letters::look_alike(c).is_none());
        let plain = |c: char| if cyrillic { letters::cyrillic_look_alike(c) } else { letters::look_alike(c) };
        let from: Vec<u32> = if KEEP { self.at[start..self.end].to_vec() } else { Vec::new() };
        self.end = start;
        for (i, c) in word.char_indices() {
            let from = if KEEP { from[i] as usize } else { 0 };
            self.char(plain(c).unwrap_or(c), from);
        }
    }

    fn finish(mut self) -> Folded {
        if self.end > 0 {
            self.gap(self.at.get(self.end.saturating_sub(1)).map_or(0, |&at| at as usize));
        }
        self.out.truncate(self.end);
        self.at.truncate(self.end);
        self.odd |= odd(&self.out);
        // Only whole characters were written, so this can't lose anything.
        let text = String::from_utf8(self.out).unwrap_or_default();
        Folded { text, offsets: self.at, odd: self.odd }
    }
}

/// Whether some word is spelt strangely: three of the same letter, a letter beside a digit, or three words
/// of one letter. Written without branches, over slices, for many bytes at once.
fn odd(text: &[u8]) -> bool {
    let letter = |b: u8| b.wrapping_sub(b'a') < 26;
    let digit = |b: u8| b.wrapping_sub(b'0') < 10;
    // The first byte of a Cyrillic letter.
    let cyrillic = |b: u8| b.wrapping_sub(0xd0) < 4;
    let later = |by: usize| text.get(by..).unwrap_or_default();
    let mut odd = 0;
    for (&a, &b) in text.iter().zip(later(1)) {
        odd |= u8::from(letter(a) & digit(b) | digit(a) & (letter(b) | cyrillic(b)));
    }
    for ((&a, &b), &c) in text.iter().zip(later(1)).zip(later(2)) {
        odd |= u8::from((a == b) & (b == c) & (a > b' '));
    }
    // Letters are of one byte, or of two outside the Latin alphabet.
    for step in [2, 3] {
        let [b, c, d] = [1, 2, 3].map(|times| later(times * step));
        for (((&a, &b), &c), &d) in text.iter().zip(b).zip(c).zip(d) {
            odd |= u8::from((a == b' ') & (b == b' ') & (c == b' ') & (d == b' '));
        }
    }
    odd != 0
}

/// No word is longer, so that a text without any gap is still read in linear time.
const LONGEST_MIXED: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_lower_case_with_one_space_around_each() {
        assert_eq!(fold("  I  don't KNOW\tyet").text(), " i dont know yet ");
        assert_eq!(fold("").text(), "");
    }

    #[test]
    fn marks_stand_by_themselves() {
        assert_eq!(fold("No. \"Well\", so... what?!").text(), " no . \" well \" , so , what . ");
    }

    #[test]
    fn a_comma_of_ours_between_their_letters_parts_them_as_their_own_does() {
        assert_eq!(fold("还行,但我不想活了.对").text(), " 还行 , 但我不想活了 . 对 ");
        assert_eq!(fold("还行，但我不想活了。对").text(), " 还行 , 但我不想活了 . 对 ");
    }

    #[test]
    fn accents_and_invisible_characters_leave_no_trace() {
        assert_eq!(fold("É\u{200b}té stra\u{ad}ße d\u{336}i\u{336}e").text(), " ete strasse die ");
    }

    #[test]
    fn look_alikes_are_read_as_latin_only_where_they_pass_for_it() {
        assert_eq!(fold("ѕuісіdе").text(), " suicide ");
        assert_eq!(fold("я хочу умереть").text(), " я хочу умереть ");
        assert_eq!(fold("i wаnt tо die").text(), " i want to die ");
        assert_eq!(fold("хочу yбить ceбя").text(), " хочу убить себя ");
    }

    #[test]
    fn letters_of_scripts_without_spaces_stand_together() {
        assert_eq!(fold("死 に たい。ok").text(), " 死にたい . ok ");
        assert_eq!(fold("シニタイ").text(), " しにたい ");
    }

    #[test]
    fn traditional_characters_are_read_as_simplified_ones() {
        assert_eq!(fold("我不想活著了，殺").text(), " 我不想活着了 , 杀 ");
    }

    #[test]
    fn only_strange_spellings_are_odd() {
        for text in ["kiiill", "k1ll", "k*ll", "k i l l", "k.i.l.l", "у б ь ю", "су1цид"] {
            assert!(fold(text).is_odd(), "{text}");
        }
        for text in ["I kill it, a lot", "all 3 of us", "5 km!", "**bold** ok?"] {
            assert!(!fold(text).is_odd(), "{text}");
        }
    }

    #[test]
    fn offsets_lead_back_to_the_words_as_they_were_written() {
        let text = "Ja — «ŠTĚSTÍ»  and DIE…";
        let folded = fold_with_offsets(text);
        let at = folded.text().find("stesti").unwrap();
        assert_eq!(&text[folded.original(at..at + 6, text)], "ŠTĚSTÍ");
        let at = folded.text().find("die").unwrap();
        assert_eq!(&text[folded.original(at..at + 3, text)], "DIE");
    }
}
