//! Letters made plain: what a character outside ASCII stands for.
//!
//! Compatibility forms come from Unicode's own decompositions (UAX #15). Look-alikes are the letters of
//! other scripts that people use to get words past a filter, after Unicode's confusables (UTS #39), and
//! only those that stand for one Latin letter.

use unicode_normalization::char::{compose, decompose_compatible};

use super::simplified::simplified;

/// What a character is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Leaves no trace, not even a boundary: zero-width characters, combining marks, apostrophes.
    Nothing,
    /// Part of a word.
    Letter,
    /// A letter of a script written without spaces, read one at a time; Hangul too, whose endings join.
    Single,
    /// The end of a sentence.
    Stop,
    /// A pause inside a sentence.
    Pause,
    /// A quotation mark.
    Quote,
    /// A picture, read as a word of its own.
    Picture,
    /// Anything else: parts two words.
    Gap,
}

/// Sorts a character. Say first whether it is ASCII: those have a table of their own in `fold`.
pub(crate) fn kind(c: char) -> Kind {
    match c {
        // What most messages outside ASCII are written in comes first: accented Latin, Cyrillic, Arabic.
        '\u{c0}'..='\u{d6}'
        | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{17f}'
        | '\u{400}'..='\u{481}'
        | '\u{620}'..='\u{63f}'
        | '\u{641}'..='\u{64a}' => Kind::Letter,
        '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{2bb}' | '\u{b4}' | '\u{2032}' | '\u{ff07}' => Kind::Nothing,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' => Kind::Nothing,
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}' => Kind::Nothing,
        '\u{fe00}'..='\u{fe0f}'
        | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0000}'..='\u{e0fff}'
        | '\u{1d173}'..='\u{1d17a}' => Kind::Nothing,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' => {
            Kind::Nothing
        }
        '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}' => Kind::Nothing,
        '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' => {
            Kind::Nothing
        }
        '\u{93c}' | '\u{30fc}' | '\u{ff70}' | '\u{301c}' => Kind::Nothing,
        '。' | '！' | '？' | '｡' | '．' | '\u{61f}' | '\u{6d4}' | '\u{964}' | '\u{965}' | '‼' | '⁉'
        | '❗' | '❓' => Kind::Stop,
        '、' | '，' | '；' | '：' | '\u{60c}' | '\u{61b}' | '…' | '—' | '–' | '・' | '（' | '）' | '¡'
        | '¿' => Kind::Pause,
        '「' | '」' | '『' | '』' | '“' | '”' | '«' | '»' | '„' | '‟' | '‹' | '›' | '＂' => {
            Kind::Quote
        }
        '\u{900}'..='\u{97f}' => Kind::Letter,
        '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}' => Kind::Single,
        '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}' | '\u{3131}'..='\u{318e}' => Kind::Single,
        '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}' => Kind::Single,
        '\u{1f150}'..='\u{1f169}' | '\u{1f170}'..='\u{1f189}' | '\u{1f1e6}'..='\u{1f1ff}' => Kind::Letter,
        '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' => Kind::Picture,
        'ª' | 'º' | '²' | '³' | '¹' => Kind::Gap,
        _ if c.is_alphanumeric() => Kind::Letter,
        _ if compatible_letter(c) => Kind::Letter,
        _ => Kind::Gap,
    }
}

/// Whether a letter belongs to a script that is read one letter at a time.
pub(crate) fn single(c: char) -> bool {
    !c.is_ascii() && kind(c) == Kind::Single
}

/// Circled and parenthesised letters are symbols to Unicode, and letters to people.
fn compatible_letter(c: char) -> bool {
    let mut found = false;
    decompose_compatible(c, |part| found |= part.is_alphabetic());
    found
}

/// Writes the plain, lower-case letters that `c` stands for.
pub(crate) fn plain(c: char, mut write: impl FnMut(char)) {
    let small = |c: u32, base: u32| char::from_u32('a' as u32 + (c - base) % 26).unwrap_or('a');
    match c {
        // Those of the commonest letters that no mark is part of.
        'а'..='и' | 'к'..='я' | '\u{627}'..='\u{628}' | '\u{62a}'..='\u{63a}' | '\u{641}'..='\u{648}' => {
            return write(c);
        }
        '\u{1f150}'..='\u{1f169}' => return write(small(c as u32, 0x1f150)),
        '\u{1f170}'..='\u{1f189}' => return write(small(c as u32, 0x1f170)),
        '\u{1f1e6}'..='\u{1f1ff}' => return write(small(c as u32, 0x1f1e6)),
        'ß' | 'ẞ' => return "ss".chars().for_each(write),
        'æ' | 'Æ' => return "ae".chars().for_each(write),
        'œ' | 'Œ' => return "oe".chars().for_each(write),
        'þ' | 'Þ' => return "th".chars().for_each(write),
        'أ' | 'إ' | 'آ' | 'ٱ' => return write('ا'),
        'ى' | 'ی' => return write('ي'),
        'ة' => return write('ه'),
        'ؤ' => return write('و'),
        'ئ' => return write('ي'),
        'ک' => return write('ك'),
        '\u{901}' => return write('\u{902}'),
        // Katakana is read as hiragana.
        '\u{30a1}'..='\u{30f6}' => return write(char::from_u32(c as u32 - 0x60).unwrap_or(c)),
        '\u{3041}'..='\u{309f}' | '\u{ac00}'..='\u{d7a3}' => return write(c),
        '\u{4e00}'..='\u{9fff}' => return write(simplified(c)),
        _ => {}
    }
    if let Some(latin) = stroked(c).or_else(|| borrowed(c)) {
        return write(latin);
    }
    decompose_compatible(c, |part| {
        // The parentheses of ⒜ and the marks of é leave no trace.
        if part.is_ascii_punctuation() || part == ' ' || kind(part) == Kind::Nothing && !part.is_ascii() {
            return;
        }
        if matches!(part, '\u{30a1}'..='\u{30f6}') {
            return write(char::from_u32(part as u32 - 0x60).unwrap_or(part));
        }
        for lower in part.to_lowercase() {
            if kind(lower) != Kind::Nothing || lower.is_ascii() {
                write(stroked(lower).unwrap_or(lower));
            }
        }
    });
}

/// Letters with a stroke, small capitals and the like, which have no decomposition.
fn stroked(c: char) -> Option<char> {
    Some(match c {
        'ı' | 'ɪ' | 'ɩ' | 'ɨ' => 'i',
        'ł' | 'Ł' | 'ʟ' | 'ƚ' | 'ɫ' | 'ɭ' => 'l',
        'ø' | 'Ø' | 'ᴏ' | 'ɵ' => 'o',
        'đ' | 'Đ' | 'ð' | 'Ð' | 'ᴅ' | 'ɖ' | 'ɗ' => 'd',
        'ħ' | 'Ħ' | 'ʜ' => 'h',
        'ŧ' | 'Ŧ' | 'ᴛ' | 'ƭ' => 't',
        'ᴀ' | 'ɑ' | 'ⱥ' => 'a',
        'ʙ' | 'ƀ' | 'ɓ' => 'b',
        'ᴄ' | 'ƈ' => 'c',
        'ᴇ' | 'ɛ' | 'ǝ' | 'ɘ' | 'ɇ' => 'e',
        'ꜰ' | 'ƒ' => 'f',
        'ɢ' | 'ɡ' | 'ɠ' => 'g',
        'ᴊ' | 'ɉ' => 'j',
        'ᴋ' | 'ƙ' => 'k',
        'ᴍ' | 'ɱ' => 'm',
        'ɴ' | 'ɲ' | 'ŋ' => 'n',
        'ᴘ' | 'ƥ' => 'p',
        'ǫ' => 'q',
        'ʀ' | 'ɾ' | 'ɹ' => 'r',
        'ꜱ' | 'ʂ' => 's',
        'ᴜ' | 'ʉ' => 'u',
        'ᴠ' | 'ʋ' => 'v',
        'ᴡ' | 'ɯ' => 'w',
        'ʏ' | 'ƴ' => 'y',
        'ᴢ' | 'ƶ' => 'z',
        _ => return None,
    })
}

/// The letter that a sign passes for inside a word: "di€".
pub(crate) fn sign(c: char) -> Option<u8> {
    Some(match c {
        '€' => b'e',
        '¢' => b'c',
        '¥' => b'y',
        '§' => b's',
        '£' => b'l',
        '¡' => b'i',
        _ => return None,
    })
}

/// The Latin letter that a Lisu or a Cherokee letter passes for: scripts that are met here in no other use.
fn borrowed(c: char) -> Option<char> {
    const LISU: &[u8; 40] = b"bpddttgkkjcczffmnlsrravhglwxybaaeeiounld";
    Some(match c {
        'Ꭰ' => 'd',
        'Ꭱ' | 'Ꮢ' => 'r',
        'Ꭲ' => 't',
        'Ꭵ' => 'i',
        'Ꭺ' => 'a',
        'Ꭻ' => 'j',
        'Ꭼ' => 'e',
        'Ꮃ' | 'Ꮤ' => 'w',
        'Ꮇ' => 'm',
        'Ꮋ' => 'h',
        'Ꮍ' => 'y',
        'Ꮐ' => 'g',
        'Ꮓ' => 'z',
        'Ꮟ' | 'Ᏼ' => 'b',
        'Ꮥ' | 'Ꮪ' => 's',
        'Ꮩ' => 'v',
        'Ꮮ' => 'l',
        'Ꮯ' => 'c',
        'Ꮲ' => 'p',
        'Ꮶ' => 'k',
        'Ꮷ' => 'd',
        '\u{a4d0}'..='\u{a4f7}' => char::from(LISU[c as usize - 0xa4d0]),
        _ => return None,
    })
}

/// The Latin letter that a Cyrillic, Greek or Armenian letter passes for.
pub(crate) fn look_alike(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'в' | 'β' | 'ь' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' | 'є' | 'э' => 'e',
        'ғ' => 'f',
        'ԍ' => 'g',
        'н' | 'һ' => 'h',
        'і' | 'ι' | 'ї' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' | 'μ' => 'm',
        'п' | 'η' | 'ո' => 'n',
        'о' | 'ο' | 'σ' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' | 'ц' => 'u',
        'ѵ' | 'ν' => 'v',
        'ԝ' | 'ш' | 'ω' | 'щ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ү' => 'y',
        _ => return None,
    })
}

/// Whether a letter is Cyrillic.
pub(crate) fn cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{52f}')
}

/// The Cyrillic letter that a Latin one passes for.
pub(crate) fn cyrillic_look_alike(c: char) -> Option<char> {
    Some(match c {
        'a' => 'а',
        'b' => 'в',
        'c' => 'с',
        'e' => 'е',
        'h' => 'н',
        'i' => 'і',
        'k' => 'к',
        'm' => 'м',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        'y' => 'у',
        _ => return None,
    })
}

/// Joins a letter with the mark that follows it, for text that comes decomposed: Hangul, kana.
pub(crate) fn join(last: char, mark: char) -> Option<char> {
    match mark {
        '\u{1161}'..='\u{11ff}' | '\u{3099}' | '\u{309a}' => compose(last, mark),
        '\u{ff9e}' => compose(last, '\u{3099}'),
        '\u{ff9f}' => compose(last, '\u{309a}'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_come_first_are_what_the_rules_for_all_others_make_of_them() {
        for c in ('\u{80}'..='\u{700}').filter(|&c| kind(c) == Kind::Letter) {
            assert!(c.is_alphanumeric() || compatible_letter(c), "{c}");
            let (mut quick, mut slow) = (String::new(), String::new());
            plain(c, |plain| quick.push(plain));
            if quick == c.to_string() {
                decompose_compatible(c, |part| slow.extend(part.to_lowercase()));
                assert_eq!(quick, slow, "{c}");
            }
        }
    }
}
