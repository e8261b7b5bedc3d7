//! Every transcript of the guides, seen as Discord shows it: what the core promises is in the messages, and every choice
//! can be pressed.

use lantern::engine::Reply;
use lantern::library::Library;
use lantern::script::ChoiceId;
use lantern::shell::discord::render::{self, Canvas, Press};
use lantern::shell::discord::wire::Id;
use serde_json::Value;

#[path = "../support/screen.rs"]
mod screen;

const ANA: Id = Id(7);

/// A person who reads messages and presses what is below them.
#[derive(Default)]
struct Client {
    /// The labels that were offered last, and the id and value behind each.
    offered: Vec<(String, String, Option<String>)>,
    shown: u32,
}

impl screen::Screen for Client {
    fn show(&mut self, library: &Library, reply: &Reply, public: bool) -> String {
        self.shown += 1;
        let canvas = Canvas {
            wording: library.wording(Some(&reply.language)),
            person: ANA,
            nonce: self.shown,
            private: !public,
            forms: true,
        };
        let mut words = Vec::new();
        let mut offered = Vec::new();
        for page in render::pages(reply, &canvas, 0) {
            let content = page.body["content"].as_str().expect("text");
            assert!(content.encode_utf16().count() <= render::LONGEST, "it fits into a message");
            assert_eq!(page.body["allowed_mentions"]["parse"], serde_json::json!([]), "nobody is called");
            words.push(without_marks(content));
            for control in page.body["components"].as_array().into_iter().flatten() {
                offered.extend(control["components"].as_array().into_iter().flatten().flat_map(choices));
            }
        }
        if !reply.choices.is_empty() {
            assert_eq!(offered.len(), reply.choices.len(), "every choice can be pressed");
            self.offered = offered;
        }
        words.join("\n\n")
    }

    fn labels(&self) -> Vec<String> {
        self.offered.iter().map(|(label, ..)| label.clone()).collect()
    }

    fn tap(&self, at: usize) -> Option<(u32, ChoiceId)> {
        let (_, id, value) = &self.offered[at];
        let (press, owner) = Press::read(id).expect("one of the bot's own");
        assert_eq!(owner, Some(render::owner(ANA)), "it is hers");
        let Press::Choice { spot, choice } = press else { panic!("{id} is no choice") };
        let picked = value.as_ref().map(|value| u32::from_str_radix(value, 16).expect("a choice"));
        Some((spot, choice.or(picked.map(ChoiceId::from_bits)).expect("a choice")))
    }

    fn types(&self, text: &str) -> Option<String> {
        Some(text.to_owned())
    }
}

/// The choices of a control: a button of its own, or the entries of a menu.
fn choices(control: &Value) -> Vec<(String, String, Option<String>)> {
    let id = control["custom_id"].as_str().expect("an id").to_owned();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    match Press::read(&id) {
        Some((Press::Choice { choice: Some(_), .. }, _)) => vec![(text(&control["label"]), id, None)],
        Some((Press::Choice { choice: None, .. }, _)) => {
            let entries = control["options"].as_array().expect("entries").iter();
            entries.map(|entry| (text(&entry["label"]), id.clone(), Some(text(&entry["value"])))).collect()
        }
        _ => Vec::new(),
    }
}

/// What a person reads: Discord takes the marks of its Markdown away.
fn without_marks(content: &str) -> String {
    let mut text = String::new();
    let mut letters = content.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            '*' | '\u{200b}' => {}
            other => text.push(other),
        }
    }
    text
}

#[test]
fn every_transcript_is_seen_on_discord_as_it_is_written() {
    screen::every_transcript(Client::default);
}
