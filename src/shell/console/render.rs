//! A reply as terminal text: wrapped to the width, with restrained styles, or plain for screen readers.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter};

use crate::engine::{Offer, Reply, Tone};
use crate::script::{Block, Run};

/// The widest column of text that is comfortable to read.
const WIDEST: usize = 76;
/// The narrowest that is tried.
const NARROWEST: usize = 20;

const TITLE: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));
const NUMBER: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));
const CARE: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
const FAINT: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();
const EMPHASIS: Style = Style::new().italic();

/// How a terminal is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal.
    pub width: usize,
    /// No lines, no marks, no styles: for screen readers.
    pub plain: bool,
}

impl Look {
    /// The look that fits the terminal: its width, or 80 columns where it has none.
    pub fn of_terminal(plain: bool) -> Self {
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        Look { width, plain }
    }

    fn column(&self) -> usize {
        self.width.saturating_sub(2).clamp(NARROWEST, WIDEST)
    }
}

/// What stands before the cursor.
pub fn prompt(look: &Look) -> String {
    if look.plain { "Your answer: ".to_owned() } else { format!("{NUMBER}>{NUMBER:#} ") }
}

/// A line of the terminal itself, not of the guide.
pub fn told(text: &str, look: &Look) -> String {
    wrap(&paint(&[Run::plain(text)], if look.plain { None } else { Some(FAINT) }), look, "", "")
}

/// A whole reply, ending with a line break.
pub fn reply(reply: &Reply, look: &Look) -> String {
    let care = reply.is_crisis() || reply.tone == Tone::Mention;
    let bar = if care && !look.plain { format!("{CARE}┃{CARE:#} ") } else { String::new() };
    let mut text = String::new();
    if let Some(title) = &reply.title {
        let style = if look.plain { None } else { Some(TITLE) };
        let _ = writeln!(text, "{}\n", wrap(&paint(&[Run::plain(title)], style), look, "", ""));
    }
    let blocks: Vec<String> = reply.blocks.iter().map(|one| block(one, look, &bar)).collect();
    let gap = format!("\n{}\n", bar.trim_end());
    text.push_str(&blocks.join(&gap));
    text.push('\n');
    if !reply.sources.is_empty() {
        text.push('\n');
        for (number, source) in &reply.sources {
            let style = if look.plain { None } else { Some(FAINT) };
            let _ = writeln!(text, "{}", wrap(&paint(source, style), look, &format!("[{number}] "), "    "));
        }
    }
    if !reply.choices.is_empty() {
        text.push('\n');
        for (number, offer) in (1..).zip(&reply.choices) {
            let _ = writeln!(text, "{}", choice(number, offer, look));
        }
    }
    if reply.place.is_some() && !look.plain {
        let words = if care { "back · stop" } else { "help now · back · topics · notes · stop" };
        let _ = writeln!(text, "\n{FAINT}{words}{FAINT:#}");
    }
    text
}

fn choice(number: usize, offer: &Offer, look: &Look) -> String {
    let tick = match (offer.ticked, look.plain) {
        (None, _) => "",
        (Some(true), false) => "[x] ",
        (Some(false), false) => "[ ] ",
        (Some(true), true) => "ticked: ",
        (Some(false), true) => "not ticked: ",
    };
    if look.plain {
        return wrap(&format!("{tick}{}", offer.label), look, &format!("{number}. "), "   ");
    }
    let head = format!("{NUMBER}{number:>3}{NUMBER:#}  {tick}");
    wrap(&offer.label, look, &head, &" ".repeat(5 + tick.len()))
}

fn block(block: &Block, look: &Look, bar: &str) -> String {
    let item = |runs: &[Run], mark: String| {
        let rest = format!("{bar}{}", " ".repeat(mark.chars().count()));
        wrap(&runs_as_text(runs, look), look, &format!("{bar}{mark}"), &rest)
    };
    let bullet = if look.plain { "- " } else { "• " };
    match block {
        Block::Paragraph(runs) => item(runs, String::new()),
        Block::Bullets(items) => {
            items.iter().map(|runs| item(runs, bullet.to_owned())).collect::<Vec<_>>().join("\n")
        }
        Block::Numbers(items) => {
            items.iter().zip(1..).map(|(runs, n)| item(runs, format!("{n}. "))).collect::<Vec<_>>().join("\n")
        }
        Block::Resources => String::new(),
    }
}

fn runs_as_text(runs: &[Run], look: &Look) -> String {
    if look.plain { paint_plain(runs) } else { paint(runs, None) }
}

/// Runs with their styles. Styles are put around each word, so that a wrapped line never bleeds.
fn paint(runs: &[Run], base: Option<Style>) -> String {
    let mut text = String::new();
    for run in runs {
        match run {
            Run::Text { text: words, emphasis, strong, link } => {
                let style = match (base, *strong, *emphasis) {
                    (Some(style), ..) => Some(style),
                    (None, true, _) => Some(STRONG),
                    (None, false, true) => Some(EMPHASIS),
                    (None, false, false) => None,
                };
                match style {
                    Some(style) => styled(&mut text, words, style),
                    None => text.push_str(&safe(words)),
                }
                if let Some(link) = link.as_ref().filter(|link| !words.contains(&***link)) {
                    let _ = write!(text, " ({link})");
                }
            }
            Run::Source(number) => {
                let _ = write!(text, "{FAINT}[{number}]{FAINT:#}");
            }
            Run::Break => text.push('\n'),
        }
    }
    text
}

fn paint_plain(runs: &[Run]) -> String {
    safe(&Block::Paragraph(runs.to_vec()).plain())
}

fn styled(text: &mut String, words: &str, style: Style) {
    for (at, word) in words.split(' ').enumerate() {
        if at > 0 {
            text.push(' ');
        }
        if !word.is_empty() {
            let _ = write!(text, "{style}{}{style:#}", safe(word));
        }
    }
}

/// Text without control characters: a script must not steer a terminal.
fn safe(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}

fn wrap(text: &str, look: &Look, first: &str, rest: &str) -> String {
    let options = Options::new(look.column())
        .initial_indent(first)
        .subsequent_indent(rest)
        .break_words(true)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::ChoiceId;

    fn sample() -> Reply {
        let bullets = Block::Bullets(vec![vec![
            Run::plain("Samaritans: "),
            Run::strong("call 116 123 at any time of the day"),
        ]]);
        Reply {
            tone: Tone::Crisis(None),
            place: None,
            title: Some("A heading".to_owned()),
            blocks: vec![
                Block::text("word ".repeat(40)),
                bullets,
                Block::Paragraph(vec![Run::plain("x".repeat(100))]),
            ],
            sources: vec![(1, vec![Run::plain("A book.")])],
            choices: vec![Offer {
                id: ChoiceId::of("On"),
                label: "On and on ".repeat(7),
                ticked: Some(true),
                to: None,
            }],
            ..Reply::told(Vec::new())
        }
    }

    fn bare(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [24, 40, 80, 200] {
            for plain in [false, true] {
                let drawn = bare(&reply(&sample(), &Look { width, plain }));
                for line in drawn.lines() {
                    assert!(unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line:?}");
                }
            }
        }
    }

    #[test]
    fn plain_text_has_no_styles_and_no_drawn_lines() {
        let drawn = reply(&sample(), &Look { width: 60, plain: true });
        assert_eq!(drawn, bare(&drawn));
        assert!(!drawn.contains(['┃', '•']), "{drawn}");
        assert!(drawn.contains("1. ticked: On and on"), "{drawn}");
    }

    #[test]
    fn a_script_cannot_steer_the_terminal() {
        let mut hostile = sample();
        hostile.blocks = vec![Block::text("a\u{1b}[2Jb\u{7}")];
        let drawn = bare(&reply(&hostile, &Look { width: 60, plain: true }));
        assert!(!drawn.contains('\u{1b}') && !drawn.contains('\u{7}'));
    }
}
