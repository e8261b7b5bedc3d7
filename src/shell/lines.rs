//! JSON lines in and out: one object a line, however long, and whatever bytes come.

use std::io::{self, BufRead};

/// The longest line that is read, in bytes; what is longer is passed over and refused.
pub const LONGEST_LINE: u64 = 16 << 20;

/// One line of input.
pub enum Line {
    /// Its text, without the line break.
    Text(String),
    /// It is not UTF-8.
    NotText,
    /// It is longer than [`LONGEST_LINE`].
    TooLong,
    /// There is no more.
    End,
}

/// Reads the next line into `buffer`, which is kept between calls to save memory.
///
/// # Errors
///
/// Where the input can't be read.
pub fn next(input: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<Line> {
    buffer.clear();
    let read = io::Read::take(&mut *input, LONGEST_LINE + 1).read_until(b'\n', buffer)?;
    if read == 0 {
        return Ok(Line::End);
    }
    if buffer.last() != Some(&b'\n') && read as u64 > LONGEST_LINE {
        loop {
            buffer.clear();
            let more = io::Read::take(&mut *input, 1 << 20).read_until(b'\n', buffer)?;
            if more == 0 || buffer.last() == Some(&b'\n') {
                return Ok(Line::TooLong);
            }
        }
    }
    let line = std::mem::take(buffer);
    Ok(match String::from_utf8(line) {
        Ok(text) => Line::Text(text),
        Err(_) => Line::NotText,
    })
}
