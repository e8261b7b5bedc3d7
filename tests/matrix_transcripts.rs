//! Every transcript of the guides, heard as a client on Matrix shows it: what the core promises is in the messages.

use lantern::engine::Reply;
use lantern::library::Library;
use lantern::script::ChoiceId;
use lantern::shell::matrix::hear::{self, What};
use lantern::shell::matrix::render::{self, Manner};
use serde_json::{Value, json};

#[path = "support/screen.rs"]
mod screen;

const ANNA: &str = "@anna:example.org";

/// A person who sees what is in the messages, and taps reactions.
#[derive(Default)]
struct Client {
    /// The last message that offered something: what stood under its numbers, and what a reaction to it means.
    list: Option<(Vec<String>, Value)>,
}

impl screen::Screen for Client {
    /// Its list is taken out, and kept for a tap.
    fn show(&mut self, _: &Library, reply: &Reply, public: bool) -> String {
        let thread = public.then_some("$root");
        let manner =
            Manner { direct: !public, person: ANNA, event: "$1", thread, late: false, spot: reply.spot };
        let messages = render::messages(reply, &manner);
        let mentioned = messages[0]["m.mentions"]["user_ids"] == json!([ANNA]);
        assert_eq!(mentioned, reply.is_crisis(), "a crisis reply calls the person, and nothing else does");
        let mut words = String::new();
        for message in &messages {
            assert!(message.to_string().len() < 48_000, "it fits into an event");
            let body = message["body"].as_str().expect("a body");
            let html = message["formatted_body"].as_str().unwrap_or_default();
            assert_eq!(
                letters(&without_tags(html)),
                letters(&without_numbers(body)),
                "both bodies say the same"
            );
            words.push_str(body);
        }
        let offers = &messages.last().expect("one")[render::OFFERS];
        if reply.choices.is_empty() {
            assert!(offers.is_null());
            return words;
        }
        let at = words.rfind("\n\n1. ").expect("a list");
        let list = words.split_off(at);
        let labels = list.trim().lines().take_while(|line| !line.is_empty()).map(|line| {
            let label = line.split_once(". ").map_or(line, |(_, label)| label);
            label.trim_start_matches(['☑', '☐', ' ']).to_owned()
        });
        self.list = Some((labels.collect(), offers.clone()));
        words
    }

    fn labels(&self) -> Vec<String> {
        self.list.as_ref().map_or_else(Vec::new, |(labels, _)| labels.clone())
    }

    fn tap(&self, at: usize) -> Option<(u32, ChoiceId)> {
        // A list longer than there are keycaps is answered by words.
        let at = render::position(&render::keycap(at)?).expect("a position");
        let (_, offered) = self.list.as_ref()?;
        let number = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok()).expect("a number");
        Some((number(&offered["spot"]), ChoiceId::from_bits(number(&offered["choices"][at]))))
    }

    fn types(&self, text: &str) -> Option<String> {
        let content = json!({ "msgtype": "m.text", "body": text });
        let event = json!({ "event_id": "$1", "sender": ANNA, "type": "m.room.message", "content": content });
        match hear::read(&event.to_string())?.what {
            What::Text { body, .. } => Some(body),
            _ => None,
        }
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            other if !inside => text.push(other),
            _ => {}
        }
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The body without what HTML writes as lists and links.
fn without_numbers(body: &str) -> String {
    let line = |line: &str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.strip_prefix(". ").filter(|_| rest.len() < line.len()).unwrap_or(line).to_owned()
    };
    body.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_transcript_is_heard_on_matrix_as_it_is_written() {
    screen::every_transcript(Client::default);
}
