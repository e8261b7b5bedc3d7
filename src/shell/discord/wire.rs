//! What Discord tells the bot, as far as the bot needs it. Every shape passes over what it doesn't know: a field
//! that is new or odd must never cost a person the reply to their message.
//!
//! Source: github.com/discord/discord-api-docs, "Gateway Events", "Message", "Receiving and Responding".
//! Nothing in here can be printed: it holds what people wrote.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// A name that Discord gives to a server, channel, person, message, …: a number, written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id(pub u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Snowflake;
        impl Visitor<'_> for Snowflake {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                text.parse().map(Id).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
                Ok(Id(number))
            }
        }
        deserializer.deserialize_any(Snowflake)
    }
}

impl Id {
    /// Reads a number as people and settings write it.
    pub fn parse(text: &str) -> Option<Id> {
        text.trim().parse().ok().map(Id)
    }
}

/// One message of the gateway.
#[derive(Deserialize)]
pub struct Frame<'a> {
    /// What kind it is.
    pub op: u8,
    /// Its number in this session, for what was dispatched.
    pub s: Option<u64>,
    /// The name of the event, for what was dispatched.
    #[serde(borrow)]
    pub t: Option<Cow<'a, str>>,
    /// The rest, read only where it matters.
    #[serde(borrow)]
    pub d: Option<&'a RawValue>,
}

/// `HELLO`.
#[derive(Deserialize)]
pub struct Hello {
    /// Milliseconds from one heartbeat to the next.
    pub heartbeat_interval: u64,
}

/// `READY`.
#[derive(Deserialize)]
pub struct Ready {
    /// The session, for resuming it.
    pub session_id: String,
    /// Where to resume it.
    pub resume_gateway_url: Option<String>,
    /// The servers that it is in.
    #[serde(default)]
    pub guilds: Vec<Guild>,
}

/// `GUILD_CREATE`, `GUILD_DELETE`, and in `READY`.
#[derive(Deserialize)]
pub struct Guild {
    /// The server.
    pub id: Id,
    /// Whether Discord can't reach it just now.
    #[serde(default)]
    pub unavailable: bool,
    /// Its threads that are open.
    #[serde(default)]
    pub threads: Vec<Thread>,
}

/// A thread: `THREAD_CREATE`, and with a server.
#[derive(Deserialize)]
pub struct Thread {
    /// The thread, which is a channel of its own.
    pub id: Id,
    /// The channel that it stands in.
    pub parent_id: Option<Id>,
}

/// A person or a bot.
#[derive(Deserialize)]
pub struct User {
    /// Who.
    pub id: Id,
    /// Whether it is a program.
    #[serde(default)]
    pub bot: bool,
}

/// A message that was written or edited.
#[derive(Deserialize)]
pub struct Message<'a> {
    /// Its name.
    pub id: Id,
    /// Where it stands.
    pub channel_id: Id,
    /// In which server; none in a direct message.
    pub guild_id: Option<Id>,
    /// Who wrote it. An update can lack it.
    pub author: Option<User>,
    /// What it says. An update can lack it; it is empty where the bot may not read it.
    #[serde(borrow, default)]
    pub content: Option<Cow<'a, str>>,
    /// When it was last edited.
    #[serde(borrow, default)]
    pub edited_timestamp: Option<Cow<'a, str>>,
    /// Whom it mentions.
    #[serde(default)]
    pub mentions: Vec<User>,
    /// The webhook that wrote it, if one did.
    pub webhook_id: Option<Id>,
    /// Pictures, recordings, files.
    #[serde(default)]
    pub attachments: Vec<IgnoredAny>,
    /// Stickers.
    #[serde(default)]
    pub sticker_items: Vec<IgnoredAny>,
}

/// A command, a button, a form: something that wants an answer within three seconds.
#[derive(Deserialize)]
pub struct Interaction {
    /// Its name.
    pub id: Id,
    /// What kind it is.
    #[serde(rename = "type")]
    pub kind: u8,
    /// The right to answer it, for fifteen minutes.
    pub token: String,
    /// In which server; none in a direct message.
    pub guild_id: Option<Id>,
    /// In which channel.
    pub channel_id: Option<Id>,
    /// Who, in a server.
    pub member: Option<Member>,
    /// Who, in a direct message.
    pub user: Option<User>,
    /// Their language, as Discord names it.
    #[serde(default)]
    pub locale: String,
    /// What they did.
    pub data: Option<Data>,
    /// The message that the button stands on.
    pub message: Option<Under>,
}

/// `PING`, which only comes over HTTP.
pub const PING: u8 = 1;
/// A slash or message command.
pub const COMMAND: u8 = 2;
/// A button or a menu.
pub const COMPONENT: u8 = 3;
/// An option of a command is being typed.
pub const AUTOCOMPLETE: u8 = 4;
/// A form was sent.
pub const MODAL: u8 = 5;

impl Interaction {
    /// Who did it.
    pub fn person(&self) -> Option<Id> {
        self.member.as_ref().map(|member| member.user.id).or(self.user.as_ref().map(|user| user.id))
    }

    /// The name of the command or the id of the component; empty where it has none.
    pub fn name(&self) -> &str {
        let data = self.data.as_ref();
        data.and_then(|data| data.name.as_deref().or(data.custom_id.as_deref())).unwrap_or("")
    }

    /// Every text that the person typed in it: options of all depths, and fields of a form.
    pub fn texts(&self) -> Vec<&str> {
        let mut found = Vec::new();
        if let Some(data) = &self.data {
            data.options.iter().for_each(|option| option.gather(&mut found));
            data.components.iter().for_each(|component| component.gather(&mut found));
        }
        found
    }
}

/// Somebody in a server.
#[derive(Deserialize)]
pub struct Member {
    /// Who.
    pub user: User,
    /// Their roles.
    #[serde(default)]
    pub roles: Vec<Id>,
    /// What they may do in the channel, as a number in text.
    #[serde(default)]
    pub permissions: String,
}

/// May do everything.
const ADMINISTRATOR: u64 = 1 << 3;
/// "Manage Server".
pub const MANAGE_GUILD: u64 = 1 << 5;

impl Member {
    /// Whether they may change the bot's settings, by Discord's permissions or by the role that was chosen for it.
    pub fn is_moderator(&self, role: Option<&str>) -> bool {
        let permissions: u64 = self.permissions.parse().unwrap_or(0);
        let role = role.and_then(Id::parse);
        permissions & (ADMINISTRATOR | MANAGE_GUILD) != 0
            || role.is_some_and(|role| self.roles.contains(&role))
    }
}

/// What was done in an interaction.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Data {
    /// The command's name.
    pub name: Option<String>,
    /// The component's or form's id.
    pub custom_id: Option<String>,
    /// What was picked in a menu.
    pub values: Vec<String>,
    /// The command's options.
    pub options: Vec<Choice>,
    /// The form's fields.
    pub components: Vec<Field>,
    /// What a message command was used on.
    pub target_id: Option<Id>,
    /// What the options name.
    pub resolved: Resolved,
}

/// What options and targets name.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Resolved {
    /// Messages, by id.
    pub messages: std::collections::HashMap<Id, Under>,
    /// Uploaded files, by id.
    pub attachments: std::collections::HashMap<Id, Upload>,
}

/// A file that somebody sent with a command.
#[derive(Deserialize)]
pub struct Upload {
    /// Where it lies.
    pub url: String,
    /// How long it is, in bytes.
    pub size: u64,
}

/// A message that is pointed at.
#[derive(Deserialize)]
pub struct Under {
    /// Its name.
    pub id: Option<Id>,
    /// Who wrote it.
    pub author: Option<User>,
    /// Its words, for the bot's own messages.
    #[serde(default)]
    pub content: String,
}

/// An option of a command.
#[derive(Deserialize)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// Its value: text, a number, a yes or no.
    pub value: Option<serde_json::Value>,
    /// The options below a subcommand.
    #[serde(default)]
    pub options: Vec<Choice>,
    /// Whether it is the one being typed.
    #[serde(default)]
    pub focused: bool,
}

impl Choice {
    /// Its value, where that is text.
    pub fn text(&self) -> Option<&str> {
        self.value.as_ref()?.as_str()
    }

    fn gather<'a>(&'a self, found: &mut Vec<&'a str>) {
        found.extend(self.text());
        self.options.iter().for_each(|option| option.gather(found));
    }
}

/// A part of a form: a field, or what holds one.
#[derive(Deserialize)]
pub struct Field {
    /// What was typed.
    pub value: Option<serde_json::Value>,
    /// The field in a label.
    pub component: Option<Box<Field>>,
    /// The fields in a row.
    #[serde(default)]
    pub components: Vec<Field>,
}

impl Field {
    fn gather<'a>(&'a self, found: &mut Vec<&'a str>) {
        found.extend(self.value.as_ref().and_then(|value| value.as_str()));
        self.component.iter().for_each(|inner| inner.gather(found));
        self.components.iter().for_each(|inner| inner.gather(found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_fields_that_nobody_knows_is_still_read() {
        let text = r#"{"id":"1","channel_id":"2","author":{"id":"3","username":"x","novel":[1]},"content":"a \"b\"",
            "components":[{"type":99}],"poll":{"what":null},"mentions":[{"id":"4","bot":true}],"type":4711}"#;
        let message: Message<'_> = serde_json::from_str(text).expect("it is read");
        assert_eq!((message.id, message.content.as_deref()), (Id(1), Some("a \"b\"")));
        assert!(message.mentions[0].bot && message.guild_id.is_none());
    }

    #[test]
    fn the_threads_of_a_server_are_told_with_it() {
        let text =
            r#"{"id":"1","threads":[{"id":"5","parent_id":"2","type":11},{"id":"6","parent_id":null}]}"#;
        let guild: Guild = serde_json::from_str(text).expect("it is read");
        assert_eq!(guild.threads[0].parent_id, Some(Id(2)));
        assert!(serde_json::from_str::<Guild>(r#"{"id":"1"}"#).expect("it is read").threads.is_empty());
    }

    #[test]
    fn every_text_of_a_form_and_of_options_is_found() {
        let text = r#"{"id":"1","type":5,"token":"t","data":{"custom_id":"w","components":[
            {"type":18,"component":{"type":4,"custom_id":"a","value":"one"}},
            {"type":1,"components":[{"type":4,"custom_id":"b","value":"two"}]}],
            "options":[{"name":"s","type":1,"options":[{"name":"o","type":3,"value":"three"},{"name":"n","value":3}]}]}}"#;
        let form: Interaction = serde_json::from_str(text).expect("it is read");
        assert_eq!(form.texts(), ["three", "one", "two"]);
    }

    #[test]
    fn who_manages_the_server_or_has_the_role_is_a_moderator_and_nobody_else() {
        let member = |permissions: &str, roles: Vec<Id>| Member {
            user: User { id: Id(1), bot: false },
            roles,
            permissions: permissions.to_owned(),
        };
        assert!(member("32", vec![]).is_moderator(None));
        assert!(member("8", vec![]).is_moderator(None));
        assert!(member("0", vec![Id(7)]).is_moderator(Some("7")));
        for nobody in [member("0", vec![Id(8)]), member("1024", vec![]), member("", vec![])] {
            assert!(!nobody.is_moderator(Some("7")));
        }
    }
}
