//! `lantern scan`: the detector alone, for measuring. JSON lines in, JSON lines out, in order.

use std::borrow::Cow;
use std::io::{self, BufReader, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::lines::{self, Line};
use crate::library::Library;
use crate::safety::{Level, Who};

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: Option<&'a RawValue>,
    level: Level,
    who: Option<Who>,
    rule: Option<&'a str>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    id: Option<&'a RawValue>,
    error: String,
}

/// What was scanned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Lines answered with a level.
    pub answered: u64,
    /// Lines that could not be read.
    pub refused: u64,
}

/// Answers every line of `input`. Output is flushed whenever no more input is waiting, so that a
/// harness can go line by line or pour in millions.
///
/// # Errors
///
/// Where input can't be read or output can't be written.
pub fn scan(library: &Library, input: impl Read, output: impl Write) -> io::Result<Scanned> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut output = io::BufWriter::with_capacity(1 << 16, output);
    let mut buffer = Vec::new();
    let mut scanned = Scanned::default();
    loop {
        let refusal = match lines::next(&mut input, &mut buffer)? {
            Line::End => break,
            Line::Text(line) if line.trim().is_empty() => continue,
            Line::Text(line) => match serde_json::from_str::<Request<'_>>(&line) {
                Ok(request) => {
                    let concern = library.screen(&request.text);
                    let rule = concern.rule.as_ref().map(|rule| rule.as_str());
                    let answer = Answer { id: request.id, level: concern.level, who: concern.who, rule };
                    serde_json::to_writer(&mut output, &answer)?;
                    scanned.answered += 1;
                    None
                }
                Err(error) => Some(format!("this line is not {{\"id\":…,\"text\":\"…\"}}: {error}")),
            },
            Line::NotText => Some("this line is not UTF-8".to_owned()),
            Line::TooLong => Some(format!("this line is longer than {} bytes", lines::LONGEST_LINE)),
        };
        if let Some(error) = refusal {
            serde_json::to_writer(&mut output, &Refusal { id: None, error })?;
            scanned.refused += 1;
        }
        output.write_all(b"\n")?;
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
    output.flush()?;
    Ok(scanned)
}
