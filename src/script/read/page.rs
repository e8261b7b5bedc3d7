//! The Markdown subset, flattened: headings, paragraphs, lists and footnotes, each with its range.
//! What is not in the subset is reported here, with a way to say it inside the subset.

use std::ops::Range;
use std::sync::Arc;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};

use super::code;
use crate::diagnostic::{Diagnostic, Source};
use crate::script::slug;

/// One piece of text, before links and footnotes are resolved.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Text { text: String, emphasis: bool, strong: bool, link: Option<usize>, range: Range<usize> },
    Source { range: Range<usize> },
    Break,
}

/// A link as written.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub to: Arc<str>,
    pub title: String,
    pub range: Range<usize>,
}

/// The text of a heading, a paragraph, an item or a footnote.
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    pub pieces: Vec<Piece>,
    pub links: Vec<Link>,
    pub range: Range<usize>,
}

impl Text {
    /// The words alone.
    pub fn words(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text { text, .. } => text.as_str(),
                Piece::Source { .. } => "",
                Piece::Break => " ",
            })
            .collect::<String>()
            .trim()
            .to_owned()
    }

    /// The link that the text consists of, if it is exactly one link.
    pub fn only_link(&self) -> Option<&Link> {
        let whole = self.links.len() == 1
            && self.pieces.iter().all(|piece| match piece {
                Piece::Text { text, link, .. } => link.is_some() || text.trim().is_empty(),
                _ => false,
            });
        whole.then(|| &self.links[0])
    }
}

/// One block of the page.
#[derive(Debug)]
pub(super) enum Part {
    Title { text: Text, id: Option<String> },
    Step { text: Text, id: Option<String> },
    Paragraph(Text),
    List { numbered: bool, items: Vec<Text>, range: Range<usize> },
    Footnote { label: String, text: Text },
}

/// Flattens the page below the front matter, which ends at byte `from`.
pub(super) fn parts(source: &Source<'_>, from: usize, found: &mut Vec<Diagnostic>) -> Vec<Part> {
    // The extensions that are switched on only to be refused by name would otherwise read as text.
    let options = Options::ENABLE_FOOTNOTES
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(&source.text()[from..], options)
        .into_offset_iter()
        .map(|(event, range)| (event, range.start + from..range.end + from));
    let mut page =
        Page { source, found, parts: Vec::new(), block: None, list: None, style: Style::default(), skip: 0 };
    for (event, range) in events {
        page.take(event, range);
    }
    page.parts
}

#[derive(Default)]
struct Style {
    emphasis: usize,
    strong: usize,
    link: Option<usize>,
}

/// What the text under the cursor will become.
enum Kind {
    Title(Option<String>),
    Step(Option<String>),
    Paragraph,
    Item,
    Footnote(String),
    /// Refused, and read on only to stay in step.
    Nothing,
}

struct Page<'a, 'b> {
    source: &'a Source<'b>,
    found: &'a mut Vec<Diagnostic>,
    parts: Vec<Part>,
    block: Option<(Kind, Text)>,
    list: Option<(bool, Vec<Text>, Range<usize>)>,
    style: Style,
    /// How many containers deep we are inside something that was refused.
    skip: usize,
}

impl Page<'_, '_> {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        if self.skip > 0 {
            match event {
                Event::Start(_) => self.skip += 1,
                Event::End(_) => self.skip -= 1,
                _ => {}
            }
            return;
        }
        match event {
            Event::Start(tag) => self.open(tag, range),
            Event::End(tag) => self.close(tag),
            Event::Text(text) => self.text(&text, range),
            Event::SoftBreak => self.text(" ", range),
            Event::HardBreak => self.push(Piece::Break),
            Event::FootnoteReference(_) => self.push(Piece::Source { range }),
            Event::Code(_) => self.refuse(
                range,
                "code marks (`) are not part of the guide language",
                "please take the ` away, or put the words in *…*",
            ),
            Event::Html(_) | Event::InlineHtml(_) => self.refuse_html(range),
            Event::Rule => self.refuse(
                range,
                "a line across the page is not part of the guide language",
                "please take it away, or begin a new step with `## `",
            ),
            Event::TaskListMarker(_) => self.refuse(
                range,
                "check boxes are not part of the guide language",
                "please write a choice that leads to its own step: it is shown as a tick",
            ),
            Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn open(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Heading { level, id, classes, attrs } => {
                if !self.source.text()[range.clone()].starts_with('#') {
                    self.refuse(
                        range,
                        "a line of --- or === below text makes it a heading",
                        "please leave an empty line between them, or begin the heading with `## `",
                    );
                    return self.begin(Kind::Nothing, 0..0);
                }
                if !classes.is_empty() || !attrs.is_empty() {
                    self.refuse(
                        range.clone(),
                        "a heading can name its id and nothing else",
                        "please write only {#the-id} behind it",
                    );
                }
                let id = id.map(|id| id.to_string());
                match level {
                    HeadingLevel::H1 => self.begin(Kind::Title(id), range),
                    HeadingLevel::H2 => self.begin(Kind::Step(id), range),
                    _ => {
                        self.refuse(
                            range.clone(),
                            "headings have one # (the title) or two (a step)",
                            "please use `## ` to begin a step, or **strong** words inside one",
                        );
                        // Whoever leads to it meant a step; else the words go on belonging to this one.
                        let heading = self.source.text()[range.clone()].trim_start_matches('#').trim();
                        let name = id.clone().unwrap_or_else(|| slug(heading));
                        let step = self.source.text().contains(&format!("(#{name}"));
                        self.begin(if step { Kind::Step(id) } else { Kind::Nothing }, range);
                    }
                }
            }
            Tag::Paragraph => match &self.block {
                // Inside an item or a footnote, the first paragraph is the text itself.
                Some((_, text)) if text.pieces.is_empty() => {}
                Some(_) => {
                    self.refuse(
                        range,
                        "an item or a footnote has one paragraph",
                        "please join the paragraphs, or make it an item of its own",
                    );
                    self.skip = 1;
                }
                None => self.begin(Kind::Paragraph, range),
            },
            Tag::List(start) => {
                if self.list.is_some() || self.block.is_some() {
                    self.refuse(
                        range,
                        "a list inside a list is not part of the guide language",
                        "please write one list, or make a step of its own for the inner one",
                    );
                    self.skip = 1;
                } else {
                    self.list = Some((start.is_some(), Vec::new(), range));
                }
            }
            Tag::Item => self.begin(Kind::Item, range),
            Tag::FootnoteDefinition(label) => {
                let label = label.to_string();
                self.begin(Kind::Footnote(label), range);
            }
            Tag::Emphasis => self.style.emphasis += 1,
            Tag::Strong => self.style.strong += 1,
            Tag::Link { dest_url, title, .. } => {
                if let Some((_, text)) = &mut self.block {
                    self.style.link = Some(text.links.len());
                    text.links.push(Link { to: dest_url.as_ref().into(), title: title.to_string(), range });
                }
            }
            Tag::HtmlBlock => {
                self.refuse_html(range);
                self.skip = 1;
            }
            other => {
                let (what, help) = foreign(&other);
                self.refuse(range, what, help);
                self.skip = 1;
            }
        }
    }

    fn close(&mut self, tag: pulldown_cmark::TagEnd) {
        use pulldown_cmark::TagEnd;
        match tag {
            TagEnd::Emphasis => self.style.emphasis -= 1,
            TagEnd::Strong => self.style.strong -= 1,
            TagEnd::Link => self.style.link = None,
            TagEnd::Paragraph if !matches!(self.block, Some((Kind::Paragraph, _))) => {}
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::FootnoteDefinition => self.end(),
            TagEnd::List(_) => {
                if let Some((numbered, items, range)) = self.list.take() {
                    self.parts.push(Part::List { numbered, items, range });
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, kind: Kind, range: Range<usize>) {
        self.style = Style::default();
        self.block = Some((kind, Text { range, ..Text::default() }));
    }

    fn end(&mut self) {
        let Some((kind, text)) = self.block.take() else { return };
        self.brackets(&text);
        match kind {
            Kind::Title(id) => self.parts.push(Part::Title { text, id }),
            Kind::Step(id) => self.parts.push(Part::Step { text, id }),
            Kind::Paragraph => self.parts.push(Part::Paragraph(text)),
            Kind::Footnote(label) => self.parts.push(Part::Footnote { label, text }),
            Kind::Item => {
                if let Some((_, items, _)) = &mut self.list {
                    items.push(text);
                }
            }
            Kind::Nothing => {}
        }
    }

    fn text(&mut self, text: &str, range: Range<usize>) {
        let Style { emphasis, strong, link } = self.style;
        let (emphasis, strong) = (emphasis > 0, strong > 0);
        // Neighbours of one style are one piece: the parser cuts at every special letter.
        if let Some((_, Text { pieces, .. })) = &mut self.block
            && let Some(Piece::Text { text: last, emphasis: e, strong: s, link: l, range: r }) =
                pieces.last_mut()
            && (*e, *s, *l) == (emphasis, strong, link)
        {
            last.push_str(text);
            r.end = range.end;
            return;
        }
        self.push(Piece::Text { text: text.to_owned(), emphasis, strong, link, range });
    }

    fn push(&mut self, piece: Piece) {
        if let Some((_, text)) = &mut self.block {
            text.pieces.push(piece);
        }
    }

    /// Square brackets that are left over as text are links that went wrong.
    fn brackets(&mut self, text: &Text) {
        for piece in &text.pieces {
            let Piece::Text { link: None, range, .. } = piece else { continue };
            let raw = &self.source.text()[range.clone()];
            let escaped = |at: usize| {
                raw[..at].ends_with('\\') || self.source.text()[..range.start + at].ends_with('\\')
            };
            let Some(at) = raw.match_indices(['[', ']']).map(|(at, _)| at).find(|&at| !escaped(at)) else {
                continue;
            };
            let line = &raw[at..];
            let line = &line[..line.find('\n').unwrap_or(line.len())];
            let rest = range.start + at..range.start + at + line.trim_end().len();
            let help = if line.contains("[^") {
                "please add a line [^name]: … with the source at the end of the file, or take the mark away"
            } else if line.contains(['“', '”', '„', '«', '»']) {
                "please use straight quotes \" around the line for the notes: curly ones break the link"
            } else if line.contains("](") && !line.contains(')') {
                "please close it with ) at its end, as in [the words](#the-step)"
            } else if line.contains('(') && !line.contains(']') {
                "please close the words with ], as in [the words](#the-step)"
            } else if !line.contains("](") && line.contains(']') {
                "please write where it leads, as in [the words](#the-step), or write \\[ for a plain bracket"
            } else {
                "please write links as [the words](#the-step \"the line for the notes\"), brackets and quotes in pairs, or write \\[ for a plain bracket"
            };
            self.found.push(
                Diagnostic::error(code::BROKEN_LINK, "this looks like a link, and isn't one", help)
                    .at(self.source, rest),
            );
        }
    }

    fn refuse_html(&mut self, range: Range<usize>) {
        self.refuse(
            range,
            "HTML is not part of the guide language",
            "please take the marks in < > away and keep the words between them; for plain < write \\<",
        );
    }

    fn refuse(&mut self, range: Range<usize>, what: &str, help: &str) {
        self.found.push(Diagnostic::error(code::FOREIGN, what, help).at(self.source, range));
    }
}

/// What to say of Markdown that is not in the subset.
fn foreign(tag: &Tag<'_>) -> (&'static str, &'static str) {
    match tag {
        Tag::Table(_) => (
            "tables are not part of the guide language",
            "please write it as a list, with a sentence between it and the choices, or as several steps",
        ),
        Tag::Image { .. } => (
            "images are not part of the guide language",
            "please say in words what it shows, or link to a page that shows it",
        ),
        Tag::CodeBlock(_) => (
            "code blocks are not part of the guide language",
            "please take the ``` away; lines must not begin with four spaces or a tab",
        ),
        Tag::BlockQuote(_) => (
            "quotations with > are not part of the guide language",
            "please take the > away, or put the words in *…*",
        ),
        Tag::Strikethrough => {
            ("~~struck out~~ words are not part of the guide language", "please take them away")
        }
        _ => (
            "this is not part of the guide language",
            "please write it as paragraphs, lists, emphasis, links or footnotes",
        ),
    }
}
