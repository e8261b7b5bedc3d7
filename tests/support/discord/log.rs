//! What the bot sent, in order, and who could see it.

use std::time::Duration;

use serde_json::Value;

use super::state::Id;

/// The ways in which something reaches a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A message in a channel or a direct message.
    Message,
    /// A message that was changed.
    Edit,
    /// The first reply to an interaction.
    Reply,
    /// The message with the pressed button, changed as the first reply.
    Update,
    /// "Thinking …".
    Deferred,
    /// Acknowledged, nothing to see.
    DeferredUpdate,
    /// A further message to an interaction.
    FollowUp,
    /// A form.
    Modal,
    /// Suggestions while somebody types.
    Choices,
    /// A message taken away.
    Deletion,
    /// A message pinned.
    Pin,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl File {
    /// What is in it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// One thing that the bot sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its place in the log.
    pub number: usize,
    /// Since the fake began, with the time that was skipped.
    pub at: Duration,
    pub way: Way,
    pub channel: Id,
    /// How a test calls the channel.
    pub place: String,
    /// The message, as it was then; 0 for what isn't one.
    pub message: Id,
    pub content: String,
    /// The message as Discord gives it; for forms and choices, what the bot sent.
    pub json: Value,
    /// Ephemeral: for this person only.
    pub only_for: Option<Id>,
    /// The interaction that it answers.
    pub interaction: Option<Id>,
    pub files: Vec<File>,
    /// Who gets a notification.
    pub pings: Vec<Id>,
}

impl Sent {
    /// Whether these words can be read in it, anywhere.
    pub fn says(&self, words: &str) -> bool {
        self.text().contains(words)
    }

    /// All that can be read: content, embeds, labels, and the title and fields of a form.
    pub fn text(&self) -> String {
        let mut text = self.content.clone();
        for field in ["embeds", "components", "title", "choices"] {
            readable(&self.json[field], &mut text);
        }
        text
    }

    /// The labels of the buttons, in order.
    pub fn buttons(&self) -> Vec<String> {
        controls(&self.json).iter().filter_map(|one| one["label"].as_str()).map(str::to_owned).collect()
    }

    /// The labels of what can be picked from menus, in order.
    pub fn options(&self) -> Vec<String> {
        let controls = controls(&self.json);
        let options = controls.iter().filter_map(|one| one["options"].as_array()).flatten();
        options.filter_map(|one| one["label"].as_str()).map(str::to_owned).collect()
    }

    /// The names of suggestions.
    pub fn choices(&self) -> Vec<String> {
        let choices = self.json["choices"].as_array().into_iter().flatten();
        choices.filter_map(|one| one["name"].as_str()).map(str::to_owned).collect()
    }

    /// Only one person sees it.
    pub fn is_private(&self) -> bool {
        self.only_for.is_some()
    }

    /// Whether Discord would fetch a picture of a page for a link in it.
    pub fn unfurls(&self) -> bool {
        let suppressed = self.json["flags"].as_u64().unwrap_or(0) & 4 != 0;
        let bare = |(at, _): (usize, &str)| at == 0 || !self.content[..at].ends_with(['<']);
        !suppressed && ["https://", "http://"].iter().any(|link| self.content.match_indices(link).any(bare))
    }

    /// One line for a failing test.
    pub fn line(&self) -> String {
        let mut text: String = self.text().replace('\n', " / ").chars().take(160).collect();
        if let Some(only) = self.only_for {
            text = format!("(only for {only}) {text}");
        }
        format!(
            "{:>3}. {:>8.3} s  {:?} in {}: {text}",
            self.number,
            self.at.as_secs_f64(),
            self.way,
            self.place
        )
    }
}

fn readable(value: &Value, into: &mut String) {
    const WORDS: [&str; 9] =
        ["title", "description", "name", "value", "label", "text", "content", "placeholder", "footer"];
    match value {
        Value::String(text) => {
            into.push('\n');
            into.push_str(text);
        }
        Value::Array(all) => all.iter().for_each(|one| readable(one, into)),
        Value::Object(fields) => {
            for (field, value) in fields {
                let holds = ["components", "options", "fields", "component"].contains(&field.as_str());
                if holds || WORDS.contains(&field.as_str()) {
                    readable(value, into);
                }
            }
        }
        _ => {}
    }
}

/// Every control of a message or form, at whatever depth.
pub fn controls(json: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for component in json["components"].as_array().into_iter().flatten() {
        if !component["custom_id"].is_null() || !component["url"].is_null() {
            found.push(component.clone());
        }
        // A label of a form holds one component.
        if component["component"].is_object() {
            found.push(component["component"].clone());
        }
        found.extend(controls(component));
    }
    found
}
