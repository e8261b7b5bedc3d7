//! What people do: say, change, press, pick, type a command, fill in a form.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Inner;
use super::gateway::intent;
use super::interactions;
use super::log::{File, Sent, controls};
use super::places::{Channel, Server};
use super::routes;
use super::shapes;
use super::state::{Answer, Id, Interaction, World, permission};

/// Somebody.
#[derive(Clone)]
pub struct Person {
    pub(super) inner: Arc<Inner>,
    /// Their snowflake.
    pub id: Id,
}

/// A message, by whatever names it.
pub trait Message {
    /// Its snowflake.
    fn message(&self) -> Id;
}

impl Message for Id {
    fn message(&self) -> Id {
        *self
    }
}

impl Message for Sent {
    fn message(&self) -> Id {
        assert!(self.message != 0, "this is no message: {}", self.line());
        self.message
    }
}

/// Something done with the bot that it has to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The interaction's snowflake.
    pub id: Id,
}

impl Person {
    /// Chooses the language of their Discord.
    pub fn speaks(self, locale: &str) -> Person {
        self.with(|person| person.locale = locale.to_owned())
    }

    /// Takes no direct messages from the bot.
    pub fn refuses_direct_messages(self) -> Person {
        self.with(|person| person.refuses = true)
    }

    /// Gets a role of a server, with these permissions.
    pub fn has_role(self, server: &Server, role: Id) -> Person {
        let mut world = self.inner.lock();
        let guild = world.guilds.get_mut(&server.id).expect("a server");
        guild.members.entry(self.id).or_default().push(role);
        drop(world);
        self
    }

    fn with(self, change: impl FnOnce(&mut super::state::Person)) -> Person {
        change(self.inner.lock().people.get_mut(&self.id).expect("a person"));
        self
    }

    /// Their direct messages with the bot.
    pub fn dm(&self) -> Channel {
        let id = self.inner.lock().direct(self.id);
        Channel { inner: Arc::clone(&self.inner), id }
    }

    /// `<@…>`.
    pub fn mention(&self) -> String {
        format!("<@{}>", self.id)
    }

    /// Says something; the message.
    #[track_caller]
    pub fn says_in(&self, channel: &Channel, text: &str) -> Id {
        let mut world = self.inner.lock();
        let may = world.permissions(self.id, channel.id) & permission::SEND != 0;
        let name = world.people[&self.id].name.clone();
        assert!(may, "{name} can't write in {}", world.channels[&channel.id].name);
        let id = world.post(channel.id, self.id, json!({"content": text}), None);
        world.said.insert(id, self.inner.now());
        world.dispatch_message("MESSAGE_CREATE", id);
        id
    }

    /// Changes what they said.
    pub fn edits(&self, message: Id, text: &str) {
        let mut world = self.inner.lock();
        assert!(world.posts[&message].author == self.id, "people change what they said themselves");
        routes::change(&mut world, message, &json!({"content": text}));
        world.dispatch_message("MESSAGE_UPDATE", message);
    }

    /// Takes back what they said.
    pub fn deletes(&self, message: Id) {
        let mut world = self.inner.lock();
        let post = world.posts.get_mut(&message).expect("a message");
        assert!(post.author == self.id, "people take back what they said themselves");
        post.deleted = true;
        let channel = post.channel;
        let guild = world.channels[&channel].guild;
        let needs = if guild.is_some() { intent::GUILD_MESSAGES } else { intent::DIRECT_MESSAGES };
        let mut json = json!({"id": message.to_string(), "channel_id": channel.to_string()});
        if let Some(guild) = guild {
            json["guild_id"] = json!(guild.to_string());
        }
        world.gateway.dispatch(guild, needs, "MESSAGE_DELETE", &json.to_string().into(), None);
    }

    /// Whether they can see what was sent.
    pub fn sees(&self, sent: &Sent) -> bool {
        self.inner.lock().sees(self.id, sent.channel, sent.only_for)
    }

    /// Everything that was sent and that they can see, in order.
    pub fn screen(&self) -> Vec<Sent> {
        let world = self.inner.lock();
        let seen = |sent: &&Sent| world.sees(self.id, sent.channel, sent.only_for);
        world.log.iter().filter(seen).cloned().collect()
    }

    /// Presses a button, found by its label or custom_id.
    #[track_caller]
    pub fn taps(&self, message: &impl Message, button: &str) -> Deed {
        let id = message.message();
        let (_, control) = self.control(id, |one| one["type"] == 2 && is(one, button), button);
        let data = json!({"component_type": 2, "custom_id": control["custom_id"]});
        self.does(3, format!("the button {button:?}"), self.channel_of(id), Some(id), data)
    }

    /// Claims to have pressed a button of a message that isn't on it: nothing keeps a changed client from that.
    #[track_caller]
    pub fn taps_as(&self, message: &impl Message, custom_id: &str) -> Deed {
        let id = message.message();
        let data = json!({"component_type": 2, "custom_id": custom_id});
        self.does(3, format!("the forged button {custom_id:?}"), self.channel_of(id), Some(id), data)
    }

    /// Picks from a menu, by the option's label or value.
    #[track_caller]
    pub fn picks(&self, message: &impl Message, option: &str) -> Deed {
        let id = message.message();
        let chosen = |one: &Value| {
            let options = one["options"].as_array().into_iter().flatten();
            options.clone().find(|entry| entry["label"] == option || entry["value"] == option).cloned()
        };
        let (_, control) = self.control(id, |one| one["type"] == 3 && chosen(one).is_some(), option);
        let value = chosen(&control).expect("an option")["value"].clone();
        let data = json!({"component_type": 3, "custom_id": control["custom_id"], "values": [value]});
        self.does(3, format!("the option {option:?}"), self.channel_of(id), Some(id), data)
    }

    /// Picks channels, roles or people from a menu of these, found by its custom_id or what it says while empty.
    #[track_caller]
    pub fn picks_in(&self, message: &impl Message, menu: &str, chosen: &[Id]) -> Deed {
        let id = message.message();
        let named = |one: &Value| one["custom_id"] == menu || one["placeholder"] == menu;
        let (channel, control) =
            self.control(id, |one| (5..=8).any(|kind| one["type"] == kind) && named(one), menu);
        let limit = |field: &str| control[field].as_u64().map_or(1, |limit| limit as usize);
        let allowed = limit("min_values")..=limit("max_values");
        assert!(allowed.contains(&chosen.len()), "{menu:?} takes {allowed:?}, not {}", chosen.len());
        let world = self.inner.lock();
        let mut resolved = json!({});
        for one in chosen {
            super::commands::resolve(&world, self.id, channel, &control["type"], *one, &mut resolved);
        }
        drop(world);
        let values: Vec<String> = chosen.iter().map(Id::to_string).collect();
        let data = json!({
            "component_type": control["type"], "custom_id": control["custom_id"], "values": values, "resolved": resolved,
        });
        self.does(3, format!("the menu {menu:?}"), channel, Some(id), data)
    }

    /// Sends a form that was shown; fields by label or custom_id.
    #[track_caller]
    pub fn submits(&self, form: &Sent, fields: &[(&str, &str)]) -> Deed {
        let mut rows = Vec::new();
        let inputs = controls(&form.json);
        for row in form.json["components"].as_array().into_iter().flatten() {
            // A label holds its input; a row, as older forms have it, holds a list of one.
            let labelled = row["component"].is_object();
            let input = if labelled { &row["component"] } else { &row["components"][0] };
            let text = |one: &Value| one["label"].as_str().unwrap_or_default().to_owned();
            let name = if labelled { text(row) } else { text(input) };
            let given = fields.iter().find(|(field, _)| *field == name || input["custom_id"] == **field);
            let value = given.map_or("", |(_, value)| value);
            let required = input["required"] != false;
            assert!(!required || !value.is_empty(), "the field {name:?} has to be filled in");
            let most = input["max_length"].as_u64().unwrap_or(4_000);
            assert!(value.chars().count() as u64 <= most, "the field {name:?} takes at most {most}");
            let filled = json!({"type": 4, "id": 2, "custom_id": input["custom_id"], "value": value});
            rows.push(if labelled {
                json!({"type": 18, "id": 1, "component": filled})
            } else {
                json!({"type": 1, "id": 1, "components": [filled]})
            });
        }
        let names: Vec<&Value> = inputs.iter().map(|one| &one["custom_id"]).collect();
        for (name, _) in fields {
            let known = inputs.iter().any(|one| is(one, name)) || form.says(name);
            assert!(known, "the form has no field {name:?} among {names:?}");
        }
        let first = form.interaction.expect("a form answers an interaction");
        let message = self.inner.lock().interactions[&first].message;
        let data = json!({"custom_id": form.json["custom_id"], "components": rows, "resolved": {}});
        self.does(5, "the form".to_owned(), form.channel, message, data)
    }

    /// Types a command as Discord shows it: `/crisis country:GB`, `/lantern phrases add phrase:so tired`.
    #[track_caller]
    pub fn command(&self, channel: &Channel, line: &str) -> Deed {
        self.types_command(2, channel, line, None)
    }

    /// Types a command with a file for one of its options.
    #[track_caller]
    pub fn command_with_file(
        &self,
        channel: &Channel,
        line: &str,
        option: &str,
        name: &str,
        bytes: &[u8],
    ) -> Deed {
        let file = File { name: name.to_owned(), bytes: bytes.to_vec() };
        self.types_command(2, channel, line, Some((option, file)))
    }

    /// Is still typing a command, in its last option: what is suggested?
    #[track_caller]
    pub fn types(&self, channel: &Channel, line: &str) -> Deed {
        self.types_command(4, channel, line, None)
    }

    /// Uses a command of a message's menu.
    #[track_caller]
    pub fn uses_on(&self, name: &str, message: &impl Message) -> Deed {
        let id = message.message();
        let channel = self.channel_of(id);
        let data = {
            let world = self.inner.lock();
            let command = super::commands::find(&world, channel, name, 3);
            let target = world.posts[&id].json.clone();
            json!({
                "id": command["id"], "name": name, "type": 3, "target_id": id.to_string(),
                "resolved": {"messages": {id.to_string(): target}},
            })
        };
        self.does(2, format!("the command {name:?}"), channel, None, data)
    }

    #[track_caller]
    fn types_command(&self, kind: u64, channel: &Channel, line: &str, file: Option<(&str, File)>) -> Deed {
        let data = {
            let mut world = self.inner.lock();
            super::commands::data(&mut world, self.id, channel.id, line, kind == 4, file)
        };
        self.does(kind, line.to_owned(), channel.id, None, data)
    }

    fn channel_of(&self, message: Id) -> Id {
        self.inner.lock().posts[&message].channel
    }

    /// A control of a message that they can see and use, as it stands now.
    #[track_caller]
    fn control(&self, message: Id, fits: impl Fn(&Value) -> bool, wanted: &str) -> (Id, Value) {
        let world = self.inner.lock();
        let post = &world.posts[&message];
        let name = &world.people[&self.id].name;
        assert!(!post.deleted, "the message with {wanted:?} was deleted");
        assert!(
            world.sees(self.id, post.channel, post.only_for),
            "{name} can't see the message with {wanted:?}"
        );
        let all = controls(&post.json);
        let found = all.iter().find(|one| fits(one));
        let found =
            found.unwrap_or_else(|| panic!("no {wanted:?} in {:?} with {all:#?}", post.json["content"]));
        assert!(found["disabled"] != true, "{wanted:?} is switched off");
        (post.channel, found.clone())
    }

    /// Tells the bot of an interaction.
    #[track_caller]
    fn does(&self, kind: u64, name: String, channel: Id, message: Option<Id>, data: Value) -> Deed {
        let mut world = self.inner.lock();
        let who = world.people[&self.id].name.clone();
        assert!(interactions::may_use(&world, self.id, channel), "{who} can't use commands there");
        let id = world.next_id();
        let made = self.inner.now();
        let interaction = Interaction {
            id,
            token: format!("token-of-{id}"),
            kind,
            name,
            person: self.id,
            channel,
            message,
            made,
            answer: Answer::None,
            ephemeral: false,
            original: None,
        };
        let json = event(&world, &interaction, data);
        let guild = world.channels[&channel].guild;
        world.interactions.insert(id, interaction);
        if world.over_http {
            world.calls.insert(id, json.to_string());
        } else {
            world.gateway.dispatch(guild, 0, "INTERACTION_CREATE", &json.to_string().into(), None);
        }
        Deed { id }
    }
}

/// Whether this is the name of a control.
fn is(control: &Value, name: &str) -> bool {
    control["label"] == name || control["custom_id"] == name
}

/// What the bot may do where an interaction comes from. Where it isn't a member, Discord names only what it
/// may put into its answers: files, embeds, mentions, foreign emoji.
fn app_permissions(world: &World, channel: &super::state::Channel) -> u64 {
    let member = channel.guild.is_some_and(|guild| !world.guilds[&guild].without_bot);
    if member { world.permissions(world.bot, channel.id) } else { 1 << 15 | 1 << 14 | 1 << 17 | 1 << 18 }
}

/// An interaction as the bot is told of it.
fn event(world: &World, interaction: &Interaction, data: Value) -> Value {
    let channel = &world.channels[&interaction.channel];
    let person = &world.people[&interaction.person];
    let owners = interactions::owners(world, channel.id, person.id);
    let mut json = json!({
        "id": interaction.id.to_string(),
        "application_id": world.application.to_string(),
        "type": interaction.kind,
        "token": interaction.token,
        "version": 1,
        "data": data,
        "channel_id": channel.id.to_string(),
        "channel": shapes::channel(world, channel),
        "locale": person.locale,
        "entitlements": [],
        "authorizing_integration_owners": owners,
        "attachment_size_limit": 10 * 1024 * 1024,
        "app_permissions": app_permissions(world, channel).to_string(),
        "context": if channel.guild.is_some() { 0 } else { 1 },
    });
    if let Some(message) = interaction.message {
        json["message"] = world.posts[&message].json.clone();
    }
    match channel.guild.map(|guild| &world.guilds[&guild]) {
        Some(guild) => {
            let mut member = shapes::member(person, &guild.members[&person.id]);
            member["permissions"] = json!(world.permissions(person.id, channel.id).to_string());
            json["member"] = member;
            json["guild_id"] = json!(guild.id.to_string());
            json["guild_locale"] = json!(guild.locale);
            json["guild"] = json!({"id": guild.id.to_string(), "locale": guild.locale, "features": []});
            json["channel"]["permissions"] = json!(world.permissions(person.id, channel.id).to_string());
        }
        None => json["user"] = shapes::user(person),
    }
    json
}
