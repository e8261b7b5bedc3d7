//! What an event of a room says, as far as Lantern cares. Nothing here talks to a server.

use serde::Deserialize;
use serde_json::Value;

use crate::wording::Command;

/// The word before a command, in a room or a direct conversation.
pub const PREFIX: &str = "!lantern";

/// An event of a room, deciphered where that was possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The event's id.
    pub id: String,
    /// Who sent it.
    pub sender: String,
    /// When, in milliseconds since 1970 by the sender's server.
    pub at: u64,
    /// How long ago that was, in milliseconds, where the own server says so.
    pub age: Option<u64>,
    /// The name under which this device sent it, if it did.
    pub sent_as: Option<String>,
    /// The first event of the thread that it stands in.
    pub thread: Option<String>,
    /// What it is.
    pub what: What,
}

/// What an event is.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Words. `mentioned` are the people that they call.
    Text {
        /// What was typed, without the quotation of the message that it answers.
        body: String,
        /// The Matrix ids of those whom it calls.
        mentioned: Vec<String>,
    },
    /// Other words for an earlier message.
    Edit {
        /// What it says now.
        body: String,
    },
    /// A reaction.
    Reaction {
        /// To which event.
        to: String,
        /// The emoji.
        key: String,
    },
    /// A picture, a voice message, a file, a place, …: nothing that can be read.
    NotText {
        /// The words below it.
        caption: String,
    },
    /// A file: a guide of a moderator's, or nothing that can be read.
    File(File),
    /// Encrypted, and there is no key.
    Sealed,
    /// Somebody came or went.
    Member {
        /// Who.
        whom: String,
        /// `join`, `invite`, `leave`, `ban` or `knock`.
        now: String,
        /// What they were before.
        before: Option<String>,
    },
    /// The room went elsewhere.
    Moved {
        /// The new room's id.
        to: String,
    },
    /// Nothing that concerns Lantern.
    Nothing,
}

/// A file that somebody uploaded.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// The words below it.
    pub caption: String,
    /// What its sender's client says it is, such as `text/markdown`.
    pub kind: Option<String>,
    /// How many bytes it has, as its sender's client says.
    pub size: Option<u64>,
    /// Where it is, and with which key it is encrypted, as the event says it.
    pub source: Value,
}

#[derive(Deserialize)]
struct Wire {
    event_id: String,
    sender: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    origin_server_ts: u64,
    state_key: Option<String>,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    unsigned: Unsigned,
}

#[derive(Default, Deserialize)]
struct Unsigned {
    age: Option<i64>,
    transaction_id: Option<String>,
    #[serde(default)]
    prev_content: Value,
}

/// Reads an event as its server wrote it, or as it was deciphered. None where it is no event.
pub fn read(json: &str) -> Option<Heard> {
    let wire: Wire = serde_json::from_str(json).ok()?;
    let content = &wire.content;
    let relation = &content["m.relates_to"];
    let thread = (relation["rel_type"] == "m.thread").then(|| text(&relation["event_id"])).flatten();
    let what = match wire.kind.as_str() {
        "m.room.message" if relation["rel_type"] == "m.replace" => {
            text(&content["m.new_content"]["body"]).map(|body| What::Edit { body })
        }
        "m.room.message" => message(content),
        "m.sticker" => Some(What::NotText { caption: String::new() }),
        "m.reaction" => text(&relation["event_id"])
            .zip(text(&relation["key"]))
            .map(|(to, key)| What::Reaction { to, key }),
        "m.room.encrypted" => Some(What::Sealed),
        "m.room.member" => wire.state_key.clone().zip(text(&content["membership"])).map(|(whom, now)| {
            What::Member { whom, now, before: text(&wire.unsigned.prev_content["membership"]) }
        }),
        "m.room.tombstone" => text(&content["replacement_room"]).map(|to| What::Moved { to }),
        _ => None,
    };
    Some(Heard {
        id: wire.event_id,
        sender: wire.sender,
        at: wire.origin_server_ts,
        age: wire.unsigned.age.and_then(|age| u64::try_from(age).ok()),
        sent_as: wire.unsigned.transaction_id,
        thread,
        what: what.unwrap_or(What::Nothing),
    })
}

fn message(content: &Value) -> Option<What> {
    let body = text(&content["body"])?;
    match content["msgtype"].as_str()? {
        // An answer to a notice could be answered by a notice, without end.
        "m.notice" | "m.server_notice" | "m.key.verification.request" => None,
        "m.text" | "m.emote" => {
            let quotes = content["m.relates_to"].get("m.in_reply_to").is_some();
            let body = if quotes { without_quotation(&body).to_owned() } else { body };
            let mentioned = content["m.mentions"]["user_ids"].as_array();
            Some(What::Text { body, mentioned: mentioned.into_iter().flatten().filter_map(text).collect() })
        }
        kind => {
            // The body is a caption where the file has a name of its own.
            let name = text(&content["filename"]);
            let named = name.as_deref().is_some_and(|name| name != body);
            let caption = if named { body.clone() } else { String::new() };
            if kind != "m.file" {
                return Some(What::NotText { caption });
            }
            let source = if content["file"].is_object() { "file" } else { "url" };
            Some(What::File(File {
                name: name.unwrap_or(body),
                caption,
                kind: text(&content["info"]["mimetype"]),
                size: content["info"]["size"].as_u64(),
                source: serde_json::json!({ source: content[source] }),
            }))
        }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Older clients put the message that is answered before the answer, each line behind `> `. Those are
/// somebody else's words, very likely Lantern's own.
fn without_quotation(body: &str) -> &str {
    let mut rest = body;
    while rest.starts_with('>') {
        rest = rest.split_once('\n').map_or("", |(_, behind)| behind);
    }
    if rest.is_empty() { body } else { rest.trim_start_matches('\n') }
}

/// What somebody asks of Lantern behind [`PREFIX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Something that works at any place.
    Command(Command),
    /// To begin a guide.
    Guide(String),
    /// To be answered in a watched room, or not to be.
    Watched(bool),
    /// Anything else: as if it were said in a direct conversation.
    Words(String),
}

/// The words behind the prefix; none where a message doesn't begin with it.
pub fn behind_prefix(body: &str) -> Option<&str> {
    let body = body.trim();
    let head = body.get(..PREFIX.len()).filter(|head| head.eq_ignore_ascii_case(PREFIX))?;
    let rest = &body[head.len()..];
    // "!lanterns" is another word.
    if rest.chars().next().is_some_and(|next| next.is_alphanumeric()) {
        return None;
    }
    Some(rest.trim_matches(|c: char| c.is_whitespace() || c == ':' || c == ','))
}

/// What a member asks for behind the prefix; none where the words don't begin with it.
pub fn asked(body: &str) -> Option<Asked> {
    let rest = behind_prefix(body)?;
    let words: Vec<String> = rest.to_lowercase().split([' ', '-', '_']).map(str::to_owned).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    Some(match words[..] {
        [] | ["help"] => Asked::Command(Command::Help),
        ["crisis"] | ["help", "now"] => Asked::Command(Command::HelpNow),
        ["guide" | "guides"] => Asked::Command(Command::Guides),
        ["guide" | "start", ..] => {
            let name = rest.split_once(char::is_whitespace).map_or("", |(_, name)| name.trim());
            Asked::Guide(name.to_owned())
        }
        ["topics"] => Asked::Command(Command::Topics),
        ["notes"] => Asked::Command(Command::Notes),
        ["privacy"] => Asked::Command(Command::Privacy),
        ["forget", "me"] => Asked::Command(Command::ForgetMe),
        ["unwatch", "me"] => Asked::Watched(false),
        ["watch", "me"] => Asked::Watched(true),
        ["stop"] => Asked::Command(Command::Stop),
        ["back"] => Asked::Command(Command::Back),
        ["again" | "continue"] => Asked::Command(Command::Again),
        _ => Asked::Words(rest.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn what(kind: &str, content: Value) -> What {
        let event = json!({
            "event_id": "$1", "sender": "@anna:example.org", "type": kind,
            "origin_server_ts": 1_000, "content": content,
        });
        read(&event.to_string()).expect("an event").what
    }

    fn said(body: &str) -> What {
        What::Text { body: body.to_owned(), mentioned: Vec::new() }
    }

    #[test]
    fn a_notice_is_never_heard() {
        assert_eq!(what("m.room.message", json!({ "msgtype": "m.notice", "body": "hi" })), What::Nothing);
    }

    #[test]
    fn the_quotation_before_an_answer_is_not_the_persons_own_words() {
        let body =
            "> <@lantern:example.org> If thoughts of suicide are part of this, call 112\n> now\n\nno thanks";
        let content = json!({
            "msgtype": "m.text", "body": body, "m.relates_to": { "m.in_reply_to": { "event_id": "$0" } },
        });
        assert_eq!(what("m.room.message", content), said("no thanks"));
        let own = json!({ "msgtype": "m.text", "body": "> i typed this arrow myself" });
        assert_eq!(what("m.room.message", own), said("> i typed this arrow myself"));
    }

    #[test]
    fn an_edit_says_the_new_words() {
        let content = json!({
            "msgtype": "m.text", "body": "* i want to die", "m.new_content": { "msgtype": "m.text", "body": "i want to die" },
            "m.relates_to": { "rel_type": "m.replace", "event_id": "$0" },
        });
        assert_eq!(what("m.room.message", content), What::Edit { body: "i want to die".to_owned() });
    }

    #[test]
    fn a_picture_has_a_caption_only_where_the_file_has_another_name() {
        let picture = |body: &str| json!({ "msgtype": "m.image", "body": body, "filename": "me.jpg" });
        let caption = |body: &str| What::NotText { caption: body.to_owned() };
        assert_eq!(what("m.room.message", picture("me.jpg")), caption(""));
        assert_eq!(what("m.room.message", picture("goodbye")), caption("goodbye"));
        assert_eq!(what("m.room.message", json!({ "msgtype": "m.audio", "body": "voice.ogg" })), caption(""));
    }

    #[test]
    fn a_file_says_where_it_is_and_what_stands_below_it() {
        let content = json!({
            "msgtype": "m.file", "body": "!lantern check", "filename": "tea.md", "url": "mxc://example.org/a",
            "info": { "size": 12, "mimetype": "text/markdown" },
        });
        let file = File {
            name: "tea.md".into(),
            caption: "!lantern check".into(),
            kind: Some("text/markdown".into()),
            size: Some(12),
            source: json!({ "url": "mxc://example.org/a" }),
        };
        assert_eq!(what("m.room.message", content), What::File(file));
        let sealed =
            json!({ "msgtype": "m.file", "body": "tea.md", "file": { "url": "mxc://example.org/a" } });
        let What::File(file) = what("m.room.message", sealed) else { panic!("a file") };
        assert_eq!((file.name.as_str(), file.caption.as_str()), ("tea.md", ""));
        assert_eq!(file.source, json!({ "file": { "url": "mxc://example.org/a" } }));
    }

    #[test]
    fn a_message_that_was_taken_back_is_nothing() {
        assert_eq!(what("m.room.message", json!({})), What::Nothing);
    }

    #[test]
    fn hostile_events_of_any_shape_are_no_reason_to_fall_over() {
        for json in [
            "",
            "[]",
            "{}",
            "{\"event_id\":1}",
            "null",
            "{\"event_id\":\"$1\",\"sender\":\"@a:b\",\"type\":\"x\",\"content\":[]}",
        ] {
            let _ = read(json);
        }
        assert_eq!(what("m.room.message", json!({ "msgtype": 3, "body": ["x"] })), What::Nothing);
        assert_eq!(
            what(
                "m.room.message",
                json!({ "msgtype": "m.text", "body": "x", "m.mentions": 3, "m.relates_to": 4 })
            ),
            said("x")
        );
    }

    #[test]
    fn commands_are_heard_however_they_are_written() {
        for (text, command) in [
            ("!lantern", Command::Help),
            ("  !Lantern HELP ", Command::Help),
            ("!lantern: crisis", Command::HelpNow),
            ("!lantern forget-me", Command::ForgetMe),
            ("!lantern forget me", Command::ForgetMe),
            ("!lantern guide", Command::Guides),
            ("!lantern back", Command::Back),
        ] {
            assert_eq!(asked(text), Some(Asked::Command(command)), "{text}");
        }
        assert_eq!(
            asked("!lantern guide Supporting someone"),
            Some(Asked::Guide("Supporting someone".into()))
        );
        assert_eq!(asked("!lantern i want to die"), Some(Asked::Words("i want to die".into())));
        assert_eq!((asked("!lanterns"), asked("lantern help"), asked("")), (None, None, None));
    }
}
