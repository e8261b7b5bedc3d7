//! A reply as Matrix messages: a plain body that is good alone, and the same with the little HTML that
//! clients show. Nothing here talks to a server.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::engine::{Offer, Place, Reply, Tone};
use crate::script::{Block, Run};

/// Under this key a message says which choices it offers and where, as numbers, for a reaction that comes when
/// nothing of it is remembered any more: `{"spot": 7, "choices": [8, 9]}`. Nothing in it is about a person.
pub const OFFERS: &str = "lantern.offers";
/// How many choices get a reaction to tap: as many as there are keycaps.
pub const MOST_REACTIONS: usize = 10;
/// An event may have 65,536 bytes when all is said, encrypted and encoded. A body of this size with its HTML stays
/// far below, whatever has to be escaped in it.
const LONGEST_BODY: usize = 8_000;
/// The HTML is left out where it is longer.
const LONGEST_HTML: usize = 16_000;

/// Said where an answer took long. A crisis reply says it last, since its numbers must be seen first.
const LATE: &str = "I was offline when you wrote this, so my answer comes late. I'm sorry.";
/// What always works, under a step of a guide.
const ALWAYS: &str = "help now · back · topics · notes · stop";

/// Where and to whom a reply goes.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    /// Nobody else can read it there.
    pub direct: bool,
    /// Whom it answers: their Matrix id.
    pub person: &'a str,
    /// The event that it answers; empty where it answers none.
    pub event: &'a str,
    /// The first event of the thread that it belongs to.
    pub thread: Option<&'a str>,
    /// The event waited for a long time.
    pub late: bool,
    /// The place whose choices are open, where a reply doesn't name its own (see
    /// [`Place::spot`](crate::engine::Place::spot)).
    pub spot: u32,
}

/// The contents of the `m.room.message` events that say `reply`, in order: nearly always one.
pub fn messages(reply: &Reply, manner: &Manner<'_>) -> Vec<Value> {
    let mut reply = reply.clone();
    if manner.late {
        let at = if reply.is_crisis() { reply.blocks.len() } else { 0 };
        reply.blocks.insert(at, Block::text(LATE));
    }
    let (body, html) = (plain(&reply), html(&reply));
    let mut contents: Vec<Value> = if body.len() <= LONGEST_BODY {
        let mut content = json!({ "body": body });
        if html.len() <= LONGEST_HTML {
            content["format"] = "org.matrix.custom.html".into();
            content["formatted_body"] = html.into();
        }
        vec![content]
    } else {
        pieces(&body).into_iter().map(|piece| json!({ "body": piece })).collect()
    };
    for (at, content) in contents.iter_mut().enumerate() {
        address(content, &reply, manner, at == 0);
    }
    if let Some(last) = contents.last_mut().filter(|_| !reply.choices.is_empty()) {
        let choices: Vec<u32> = reply.choices.iter().map(|offer| offer.id.to_bits()).collect();
        let spot = reply.place.as_ref().map_or(manner.spot, Place::spot);
        last[OFFERS] = json!({ "spot": spot, "choices": choices });
    }
    contents
}

/// The content of a message for moderators: Markdown as [`admin`](crate::shell::admin) writes it.
pub fn markdown(text: &str, manner: &Manner<'_>) -> Value {
    let mut html = String::new();
    // A single line break is meant as one.
    let events = pulldown_cmark::Parser::new(text).map(|event| match event {
        pulldown_cmark::Event::SoftBreak => pulldown_cmark::Event::HardBreak,
        pulldown_cmark::Event::Html(raw) | pulldown_cmark::Event::InlineHtml(raw) => {
            pulldown_cmark::Event::Text(raw)
        }
        other => other,
    });
    write_html(&mut html, events);
    let mut content = json!({ "body": text, "format": "org.matrix.custom.html", "formatted_body": html });
    address(&mut content, &Reply::told(Vec::new()), manner, true);
    content
}

/// The few marks that answers to moderators use.
fn write_html<'t>(html: &mut String, events: impl Iterator<Item = pulldown_cmark::Event<'t>>) {
    use pulldown_cmark::{Event, Tag, TagEnd};
    for event in events {
        match event {
            Event::Text(words) => html.push_str(&escape(&words)),
            Event::Code(words) => {
                let _ = write!(html, "<code>{}</code>", escape(&words));
            }
            Event::HardBreak => html.push_str("<br>"),
            Event::Start(tag) => html.push_str(match tag {
                Tag::Paragraph => "<p>",
                Tag::List(Some(_)) => "<ol>",
                Tag::List(None) => "<ul>",
                Tag::Item => "<li>",
                Tag::Strong => "<strong>",
                Tag::Emphasis => "<em>",
                Tag::CodeBlock(_) => "<pre><code>",
                _ => "",
            }),
            Event::End(tag) => html.push_str(match tag {
                TagEnd::Paragraph => "</p>",
                TagEnd::List(true) => "</ol>",
                TagEnd::List(false) => "</ul>",
                TagEnd::Item => "</li>",
                TagEnd::Strong => "</strong>",
                TagEnd::Emphasis => "</em>",
                TagEnd::CodeBlock => "</code></pre>",
                _ => "",
            }),
            _ => {}
        }
    }
}

/// The reaction that stands for the choice at a position, from 0.
pub fn keycap(at: usize) -> Option<String> {
    match at {
        0..=8 => Some(format!("{}\u{fe0f}\u{20e3}", at + 1)),
        9 => Some("🔟".to_owned()),
        _ => None,
    }
}

/// The position that a reaction stands for, with or without the marks that make a digit an emoji.
pub fn position(key: &str) -> Option<usize> {
    if key.trim_end_matches('\u{fe0f}') == "🔟" {
        return Some(9);
    }
    let digits: String = key.chars().filter(|c| !matches!(c, '\u{fe0f}' | '\u{20e3}')).collect();
    let number: usize = digits.parse().ok().filter(|number| (1..=MOST_REACTIONS).contains(number))?;
    Some(number - 1)
}

/// Whom it is for, what kind of message it is, and where it hangs.
fn address(content: &mut Value, reply: &Reply, manner: &Manner<'_>, first: bool) {
    // No phone rings for a notice, and other bots leave it alone: right for what was asked in front of
    // everybody, wrong for what a person waits for.
    let rings = manner.direct || reply.is_crisis();
    content["msgtype"] = if rings { "m.text" } else { "m.notice" }.into();
    // An empty list says that nobody is called, whatever names stand in the text.
    content["m.mentions"] =
        if reply.is_crisis() && first { json!({ "user_ids": [manner.person] }) } else { json!({}) };
    if let Some(root) = manner.thread {
        let to = if manner.event.is_empty() { root } else { manner.event };
        content["m.relates_to"] = json!({
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": true,
            "m.in_reply_to": { "event_id": to },
        });
    }
}

/// Text cut between lines, or where it must be within one.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while !rest.is_empty() {
            let piece = pieces.last_mut().expect("there is always one");
            if piece.len() + rest.len() <= LONGEST_BODY {
                piece.push_str(rest);
                break;
            }
            if piece.is_empty() {
                let mut cut = LONGEST_BODY;
                while !rest.is_char_boundary(cut) {
                    cut -= 1;
                }
                piece.push_str(&rest[..cut]);
                rest = &rest[cut..];
            }
            pieces.push(String::new());
        }
    }
    pieces.into_iter().map(|piece| piece.trim_end().to_owned()).filter(|piece| !piece.is_empty()).collect()
}

/// The body: what a notification, a watch and a client without HTML show.
fn plain(reply: &Reply) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(reply.title.clone());
    parts.extend(reply.blocks.iter().map(Block::plain).filter(|block| !block.is_empty()));
    let lines = |lines: Vec<String>| (!lines.is_empty()).then(|| lines.join("\n"));
    let source =
        |(number, runs): &(usize, Vec<Run>)| format!("[{number}] {}", Block::Paragraph(runs.clone()).plain());
    parts.extend(lines(reply.sources.iter().map(source).collect()));
    let choice = |(at, offer): (usize, &Offer)| format!("{}. {}{}", at + 1, tick(offer.ticked), offer.label);
    parts.extend(lines(reply.choices.iter().enumerate().map(choice).collect()));
    if shows_always(reply) {
        parts.push(ALWAYS.to_owned());
    }
    parts.join("\n\n")
}

fn html(reply: &Reply) -> String {
    let mut html = String::new();
    if let Some(title) = &reply.title {
        let _ = write!(html, "<p><strong>{}</strong></p>", escape(title));
    }
    for block in &reply.blocks {
        match block {
            Block::Paragraph(runs) => {
                let _ = write!(html, "<p>{}</p>", inline(runs));
            }
            Block::Bullets(items) => list(&mut html, "ul", items),
            Block::Numbers(items) => list(&mut html, "ol", items),
            Block::Resources => {}
        }
    }
    if !reply.sources.is_empty() {
        let source = |(number, runs): &(usize, Vec<Run>)| format!("[{number}] {}", inline(runs));
        let sources: Vec<String> = reply.sources.iter().map(source).collect();
        let _ = write!(html, "<p><em>{}</em></p>", sources.join("<br>"));
    }
    if !reply.choices.is_empty() {
        html.push_str("<ol>");
        for offer in &reply.choices {
            let _ = write!(html, "<li>{}{}</li>", tick(offer.ticked), escape(&offer.label));
        }
        html.push_str("</ol>");
    }
    if shows_always(reply) {
        let _ = write!(html, "<p><em>{ALWAYS}</em></p>");
    }
    html
}

fn shows_always(reply: &Reply) -> bool {
    reply.place.is_some() && matches!(reply.tone, Tone::Said | Tone::Notes)
}

fn tick(ticked: Option<bool>) -> &'static str {
    match ticked {
        None => "",
        Some(true) => "☑ ",
        Some(false) => "☐ ",
    }
}

fn list(html: &mut String, tag: &str, items: &[Vec<Run>]) {
    let _ = write!(html, "<{tag}>");
    for item in items {
        let _ = write!(html, "<li>{}</li>", inline(item));
    }
    let _ = write!(html, "</{tag}>");
}

fn inline(runs: &[Run]) -> String {
    let mut html = String::new();
    for run in runs {
        match run {
            Run::Text { text, emphasis, strong, link } => {
                let mut words = escape(text);
                if *emphasis {
                    words = format!("<em>{words}</em>");
                }
                if *strong {
                    words = format!("<strong>{words}</strong>");
                }
                if let Some(link) = link {
                    words = format!("<a href=\"{}\">{words}</a>", escape(link));
                }
                html.push_str(&words);
            }
            Run::Source(number) => {
                let _ = write!(html, "<sup>[{number}]</sup>");
            }
            Run::Break => html.push_str("<br>"),
        }
    }
    html
}

/// Text that means only itself in HTML.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' => safe.push_str("<br>"),
            other if other.is_control() => {}
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{ChoiceId, GuideId, StepId};

    const DIRECT: Manner<'_> = Manner {
        direct: true,
        person: "@anna:example.org",
        event: "$asked",
        thread: None,
        late: false,
        spot: 7,
    };

    fn step() -> Reply {
        let offer = |label: &str, ticked| Offer {
            id: ChoiceId::of(label),
            label: label.to_owned(),
            ticked,
            to: None,
        };
        let mut reply = Reply::told(vec![
            Block::text("Which of these?"),
            Block::Bullets(vec![vec![Run::strong("Both")]]),
        ]);
        reply.tone = Tone::Said;
        reply.title = Some("Tea & cake".to_owned());
        reply.place = Some(Place { guide: GuideId::new("tea"), step: StepId::new("which") });
        reply.choices = vec![offer("Green", Some(true)), offer("Black", Some(false)), offer("Go on", None)];
        reply
    }

    fn crisis() -> Reply {
        let mut reply = Reply::told(vec![Block::text("Thank you for telling me.")]);
        reply.tone = Tone::Crisis(None);
        reply
    }

    #[test]
    fn the_plain_body_alone_says_everything() {
        let content = &messages(&step(), &DIRECT)[0];
        let body = "Tea & cake\n\nWhich of these?\n\n- Both\n\n1. ☑ Green\n2. ☐ Black\n3. Go on\n\n\
                    help now · back · topics · notes · stop";
        assert_eq!(content["body"], body);
        let (spot, choices) = (step().place.expect("a place").spot(), step().choices);
        let choices: Vec<u32> = choices.iter().map(|offer| offer.id.to_bits()).collect();
        assert_eq!(content[OFFERS], json!({ "spot": spot, "choices": choices }));
    }

    #[test]
    fn the_html_has_the_same_words_and_its_marks_are_escaped() {
        let content = &messages(&step(), &DIRECT)[0];
        let html = content["formatted_body"].as_str().expect("some HTML");
        assert!(html.starts_with("<p><strong>Tea &amp; cake</strong></p>"), "{html}");
        assert!(html.contains("<ul><li><strong>Both</strong></li></ul><ol><li>☑ Green</li>"), "{html}");
    }

    #[test]
    fn a_script_cannot_put_html_of_its_own_into_a_message() {
        let hostile = Reply::told(vec![Block::Paragraph(vec![Run::Text {
            text: "<img src=x onerror=alert(1)>\u{1b}&".to_owned(),
            emphasis: false,
            strong: false,
            link: Some("https://example.org/\"><b>".into()),
        }])]);
        let html = messages(&hostile, &DIRECT)[0]["formatted_body"].as_str().expect("HTML").to_owned();
        assert_eq!(
            html,
            "<p><a href=\"https://example.org/&quot;&gt;&lt;b&gt;\">&lt;img src=x onerror=alert(1)&gt;&amp;</a></p>"
        );
    }

    #[test]
    fn what_a_person_waits_for_rings_and_what_was_asked_in_a_room_does_not() {
        let room = Manner { direct: false, thread: Some("$root"), ..DIRECT };
        assert_eq!(messages(&step(), &DIRECT)[0]["msgtype"], "m.text");
        assert_eq!(messages(&step(), &room)[0]["msgtype"], "m.notice");
        assert_eq!(messages(&crisis(), &room)[0]["msgtype"], "m.text");
    }

    #[test]
    fn a_crisis_reply_calls_the_person_and_no_other_message_calls_anybody() {
        let content = &messages(&crisis(), &DIRECT)[0];
        assert_eq!(content["m.mentions"], json!({ "user_ids": ["@anna:example.org"] }));
        assert_eq!(messages(&step(), &DIRECT)[0]["m.mentions"], json!({}));
    }

    #[test]
    fn in_a_thread_old_clients_see_which_message_is_answered() {
        let content = &messages(&step(), &Manner { thread: Some("$root"), ..DIRECT })[0];
        assert_eq!(content["m.relates_to"]["event_id"], "$root");
        assert_eq!(content["m.relates_to"]["m.in_reply_to"]["event_id"], "$asked");
    }

    #[test]
    fn a_late_answer_says_so_and_a_late_crisis_reply_says_it_last() {
        let late = Manner { late: true, ..DIRECT };
        let body = |reply: &Reply| messages(reply, &late)[0]["body"].as_str().expect("a body").to_owned();
        assert!(body(&step()).starts_with("Tea & cake\n\nI was offline"), "{}", body(&step()));
        assert!(body(&crisis()).starts_with("Thank you for telling me.\n\nI was offline"));
    }

    #[test]
    fn a_reply_of_any_length_fits_into_events_and_loses_nothing() {
        let words: Vec<String> = (0..40_000).map(|n| format!("w{n}")).collect();
        let mut long = step();
        long.blocks = vec![Block::text(words.join(" ")), Block::text("\u{1}\"<é".repeat(9_000))];
        let contents = messages(&long, &DIRECT);
        let mut said = String::new();
        for content in &contents {
            assert!(content.to_string().len() < 48_000, "{}", content.to_string().len());
            said += content["body"].as_str().expect("a body");
        }
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(bare(&said), bare(&plain(&long)));
        assert!(contents.last().expect("some").get(OFFERS).is_some(), "the choices are in the last one");
    }

    #[test]
    fn an_answer_to_moderators_shows_its_marks_and_lets_no_html_through() {
        let content = markdown("**Guides**\n- `tea/en` <b>\n- two", &Manner { direct: false, ..DIRECT });
        assert_eq!(
            content["formatted_body"],
            "<p><strong>Guides</strong></p><ul><li><code>tea/en</code> &lt;b&gt;</li><li>two</li></ul>"
        );
        assert_eq!(content["msgtype"], "m.notice");
    }

    #[test]
    fn every_keycap_is_read_as_the_choice_that_it_was_put_up_for() {
        for at in 0..MOST_REACTIONS {
            let key = keycap(at).expect("a keycap");
            assert_eq!(position(&key), Some(at), "{key}");
        }
        assert_eq!(
            (keycap(10), position("3"), position("👍"), position("0\u{fe0f}\u{20e3}")),
            (None, Some(2), None, None)
        );
    }
}
