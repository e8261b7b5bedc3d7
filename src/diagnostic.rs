//! What is wrong, where, and what to do about it: one shape for every reader of files in the project.
//!
//! A [`Diagnostic`] is self-contained: it carries the line it points at, so that it can be drawn for a
//! terminal, a chat message or a harness without the file at hand.

use std::fmt;
use std::ops::Range;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

/// The longest piece of a line that a [`Place`] quotes, in characters.
const EXCERPT: usize = 160;

/// What a finding costs a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth mending; the file can be used.
    Warning,
    /// The file can't be used; the last good revision stays in service.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// A file's text with its name, ready to turn byte ranges into places.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    path: &'a str,
    text: &'a str,
    /// Byte offset at which each line starts.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    /// `path` is what people are shown; `text` is the whole file.
    pub fn new(path: &'a str, text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Source { path, text, lines }
    }

    /// The name of the file, as people are shown it.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The whole file.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Turns a byte range of the text into a place. A range that runs over several lines is cut at
    /// the end of its first; one past the end points at the end.
    pub fn place(&self, range: Range<usize>) -> Place {
        let start = floor_boundary(self.text, range.start);
        let line = self.lines.partition_point(|&at| at <= start) - 1;
        let from = self.lines[line];
        let rest = &self.text[from..];
        let whole = rest.split('\n').next().unwrap_or("").trim_end_matches('\r');
        let before = &self.text[from..start.min(from + whole.len())];
        let end = floor_boundary(self.text, range.end).clamp(start, from + whole.len().max(start - from));
        let marked = self.text.get(start..end).unwrap_or("");
        // A very long line is quoted from a little before the place.
        let skip = before.chars().count().saturating_sub(EXCERPT / 2);
        let excerpt: String = whole.chars().skip(skip).take(EXCERPT).collect();
        let shown: String = before.chars().skip(skip).collect();
        Place {
            path: self.path.to_owned(),
            line: line + 1,
            column: before.chars().count() + 1,
            excerpt: excerpt.replace('\t', " "),
            indent: shown.width(),
            width: marked.width().clamp(1, EXCERPT.saturating_sub(shown.width()).max(1)),
        }
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Where in a file, for people: line and column count from 1, in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The line itself, or the part of it around the place.
    pub excerpt: String,
    /// Terminal columns of the excerpt before the place.
    #[serde(skip)]
    pub indent: usize,
    /// Terminal columns of the place itself.
    #[serde(skip)]
    pub width: usize,
}

/// One finding: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The rule's code, such as `S003`.
    pub code: &'static str,
    /// What it costs a reader.
    pub severity: Severity,
    /// Where, if it is about a place and not about a whole folder.
    pub place: Option<Place>,
    /// What is wrong, in the author's words, without a full stop.
    pub what: String,
    /// What to do: a sentence, "please either … or …".
    pub help: String,
}

impl Diagnostic {
    /// A finding that stops a file from being used.
    pub fn error(code: &'static str, what: impl Into<String>, help: impl Into<String>) -> Self {
        Diagnostic { code, severity: Severity::Error, place: None, what: what.into(), help: help.into() }
    }

    /// A finding that doesn't.
    pub fn warning(code: &'static str, what: impl Into<String>, help: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, what, help) }
    }

    /// Points it at a range of a file.
    #[must_use]
    pub fn at(mut self, source: &Source<'_>, range: Range<usize>) -> Self {
        self.place = Some(source.place(range));
        self
    }

    /// Points it at a file as a whole.
    #[must_use]
    pub fn in_file(mut self, path: &str) -> Self {
        self.place = Some(Source::new(path, "").place(0..0));
        self
    }

    /// The finding as a workflow command, which GitHub shows beside the line. `folder` is where the scripts are.
    /// Source: docs.github.com, Workflow commands for GitHub Actions.
    pub fn annotation(&self, folder: &std::path::Path) -> String {
        let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
        let place = self.place.as_ref().map_or(String::new(), |place| {
            let file = folder.join(&place.path).display().to_string();
            format!(" file={},line={},col={}", property(&file), place.line, place.column)
        });
        format!("::{}{place}::{} ({}): {}", self.severity, data(&self.what), self.code, data(&self.help))
    }

    /// Whether it stops the file from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Plain drawing, as it fits a terminal without colour and a code block in a chat:
///
/// ```text
/// error S003: there is no step "therpy-so-far"
///   --> ketamine/en.md:12:10
///    |
/// 12 | - [One](#therpy-so-far)
///    |         ^^^^^^^^^^^^^^
///    = did you mean #therapy-so-far?
/// ```
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity, self.code, self.what)?;
        let mut gutter = 2;
        if let Some(place) = &self.place {
            gutter = place.line.to_string().len();
            write!(f, "\n{:gutter$}--> {}", "", place.path)?;
            if !(place.excerpt.is_empty() && place.line == 1) {
                write!(f, ":{}:{}", place.line, place.column)?;
                write!(f, "\n{:gutter$} |\n{} | {}", "", place.line, place.excerpt)?;
                write!(
                    f,
                    "\n{:gutter$} | {:indent$}{}",
                    "",
                    "",
                    "^".repeat(place.width),
                    indent = place.indent
                )?;
            }
        }
        write!(f, "\n{:gutter$} = {}", "", self.help)
    }
}

/// The known word nearest to a mistyped one, for "did you mean": at most a third of its letters wrong.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Measuring against very long words would cost more than the hint is worth.
    if word.len() > 200 {
        return None;
    }
    known
        .into_iter()
        .filter(|candidate| candidate.len() <= 200)
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|&(distance, candidate)| distance * 3 <= candidate.chars().count().max(word.chars().count()))
        .min_by_key(|&(distance, candidate)| (distance, candidate.len()))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_columns_as_people_do() {
        let source = Source::new("a.md", "one\nzwö drei\r\nvier");
        let place = source.place(9..13);
        assert_eq!((place.line, place.column, place.excerpt.as_str()), (2, 5, "zwö drei"));
        assert_eq!((place.indent, place.width), (4, 4));
    }

    #[test]
    fn a_place_past_the_end_or_inside_a_letter_does_not_panic() {
        let source = Source::new("a.md", "ö");
        for start in 0..5 {
            for end in 0..5 {
                source.place(start..end);
            }
        }
    }

    #[test]
    fn a_slip_is_hinted_at_and_a_stranger_is_not() {
        assert_eq!(nearest("therpy", ["welcome", "therapy"]), Some("therapy"));
        assert_eq!(nearest("zebra", ["welcome", "therapy"]), None);
    }

    #[test]
    fn a_diagnostic_is_drawn_with_its_line_and_a_caret() {
        let text = "a\n- [One](#therpy)\n";
        let source = Source::new("g.md", text);
        let drawn = Diagnostic::error("S003", "there is no step \"therpy\"", "did you mean #therapy?")
            .at(&source, 10..17)
            .to_string();
        assert_eq!(
            drawn,
            "error S003: there is no step \"therpy\"\n --> g.md:2:9\n  |\n2 | - [One](#therpy)\n  |         ^^^^^^^\n  = did you mean #therapy?"
        );
    }
}
