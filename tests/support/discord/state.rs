//! What Discord knows: people, servers, channels, messages, interactions, and who may do what.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::faults::Faults;
use super::gateway::Gateway;
use super::log::{File, Sent};
use super::shapes;

/// A snowflake.
pub type Id = u64;

/// What members and bots may do, by the bit that Discord gives it.
pub mod permission {
    /// See the channel.
    pub const VIEW: u64 = 1 << 10;
    /// Send messages.
    pub const SEND: u64 = 1 << 11;
    /// Delete what others wrote.
    pub const MANAGE_MESSAGES: u64 = 1 << 13;
    /// Send files.
    pub const ATTACH: u64 = 1 << 15;
    /// Read what was said before.
    pub const HISTORY: u64 = 1 << 16;
    /// Change the server's settings.
    pub const MANAGE_GUILD: u64 = 1 << 5;
    /// Everything.
    pub const ADMINISTRATOR: u64 = 1 << 3;
    /// Pin a message: apart from managing messages since 2026.
    pub const PIN: u64 = 1 << 51;
    /// What a member has without any role: looking, talking, embeds, files, history, commands.
    pub const MEMBER: u64 = VIEW | SEND | ATTACH | HISTORY | (1 << 14) | (1 << 6) | (1 << 31);
    /// What the bot's own role adds by default.
    pub const BOT: u64 = MEMBER | MANAGE_MESSAGES | PIN;
    /// Everything in a direct message.
    pub const DIRECT: u64 = MEMBER | PIN;
}

/// Somebody, the bot included.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: Id,
    pub name: String,
    pub locale: String,
    pub bot: bool,
    /// Takes no direct messages from the bot (50007).
    pub refuses: bool,
    /// A member of no server, ever.
    pub stranger: bool,
}

/// A role of a server.
#[derive(Clone, Debug)]
pub struct Role {
    pub id: Id,
    pub name: String,
    pub permissions: u64,
}

/// A server.
#[derive(Clone, Debug)]
pub struct Guild {
    pub id: Id,
    pub name: String,
    pub owner: Id,
    pub locale: String,
    /// `@everyone` first; it has the server's own id.
    pub roles: Vec<Role>,
    /// Who belongs to it, with their roles.
    pub members: BTreeMap<Id, Vec<Id>>,
    pub channels: Vec<Id>,
    /// The bot is not on it: people bring it along as an app of their own.
    pub without_bot: bool,
}

/// A text channel or a direct message.
#[derive(Clone, Debug)]
pub struct Channel {
    pub id: Id,
    pub name: String,
    pub guild: Option<Id>,
    /// The person of a direct message.
    pub recipient: Option<Id>,
    /// What is taken from whom: role or person, permissions denied.
    pub denied: Vec<(Id, u64)>,
    pub pins: Vec<Id>,
}

/// A message as it stands now.
#[derive(Clone, Debug)]
pub struct Post {
    pub id: Id,
    pub channel: Id,
    pub author: Id,
    /// As Discord's HTTP API gives it.
    pub json: Value,
    /// Ephemeral: only this person sees it.
    pub only_for: Option<Id>,
    pub deleted: bool,
    /// The interaction that it answers.
    pub interaction: Option<Id>,
}

/// What an interaction has been answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing yet.
    None,
    /// A message, a changed message, choices or a modal: done.
    Given,
    /// "Thinking …", a message to come.
    Deferred,
    /// Acknowledged without anything to see.
    DeferredUpdate,
}

/// Something that a person did with the bot.
#[derive(Clone, Debug)]
pub struct Interaction {
    pub id: Id,
    pub token: String,
    /// 2 command, 3 component, 4 autocomplete, 5 modal.
    pub kind: u64,
    /// What a test would call it: `/crisis`, `the button "Back"`.
    pub name: String,
    pub person: Id,
    pub channel: Id,
    /// The message that a component sits on.
    pub message: Option<Id>,
    pub made: Duration,
    pub answer: Answer,
    pub ephemeral: bool,
    /// The message that `@original` names.
    pub original: Option<Id>,
}

/// A request of the bot.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Duration,
    /// `POST /channels/{channel_id}/messages`.
    pub route: String,
    pub path: String,
    pub body: Value,
    /// 0 while it is under way.
    pub status: u16,
}

/// Everything.
pub struct World {
    counter: u64,
    pub token: String,
    pub application: Id,
    pub bot: Id,
    pub people: BTreeMap<Id, Person>,
    pub guilds: BTreeMap<Id, Guild>,
    pub channels: BTreeMap<Id, Channel>,
    pub posts: BTreeMap<Id, Post>,
    pub interactions: BTreeMap<Id, Interaction>,
    /// Commands by server; 0: everywhere.
    pub commands: BTreeMap<Id, Vec<Value>>,
    pub files: HashMap<Id, File>,
    pub log: Vec<Sent>,
    pub heard: HashSet<usize>,
    pub asked: Vec<Asked>,
    pub violations: Vec<String>,
    pub faults: Faults,
    pub gateway: Gateway,
    /// How long the bot has for its first reply.
    pub deadline: Duration,
    /// How long an interaction's token lives.
    pub token_life: Duration,
    /// Whether a message may name roles that are pinged.
    pub may_ping_roles: bool,
    /// When people said what they said.
    pub said: HashMap<Id, Duration>,
    /// Interactions go to an address of the bot instead of the gateway; what is to be sent there.
    pub over_http: bool,
    pub calls: HashMap<Id, String>,
    /// Requests answered with 401, 403 or 429.
    pub invalid_requests: u64,
    /// What nonces were seen, by channel: sending again is answered with the message of then.
    pub nonces: HashMap<(Id, String), Id>,
    pub address: String,
}

/// 2026-11-01, in milliseconds since Discord's own beginning of time (2015).
const BEGINNING: u64 = 373_420_800_000;

impl World {
    pub fn new(address: String) -> World {
        let mut world = World {
            counter: 0,
            token: "the.bot.token".to_owned(),
            application: 0,
            bot: 0,
            people: BTreeMap::new(),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            posts: BTreeMap::new(),
            interactions: BTreeMap::new(),
            commands: BTreeMap::new(),
            files: HashMap::new(),
            log: Vec::new(),
            heard: HashSet::new(),
            asked: Vec::new(),
            violations: Vec::new(),
            faults: Faults::default(),
            gateway: Gateway::default(),
            deadline: Duration::from_secs(3),
            token_life: Duration::from_secs(15 * 60),
            may_ping_roles: false,
            said: HashMap::new(),
            over_http: false,
            calls: HashMap::new(),
            invalid_requests: 0,
            nonces: HashMap::new(),
            address,
        };
        let bot = world.add_person("Lantern", true);
        world.application = bot;
        world.bot = bot;
        world
    }

    /// A new snowflake, later than all before; the next server falls on the next shard.
    pub fn next_id(&mut self) -> Id {
        self.counter += 1;
        (BEGINNING + self.counter) << 22
    }

    pub fn add_person(&mut self, name: &str, bot: bool) -> Id {
        let id = self.next_id();
        let person = Person {
            id,
            name: name.to_owned(),
            locale: "en-GB".to_owned(),
            bot,
            refuses: false,
            stranger: false,
        };
        self.people.insert(id, person);
        for guild in self.guilds.values_mut() {
            guild.members.insert(id, Vec::new());
        }
        id
    }

    pub fn add_guild(&mut self, name: &str) -> Id {
        let (id, role) = (self.next_id(), self.next_id());
        let roles = vec![
            Role { id, name: "@everyone".to_owned(), permissions: permission::MEMBER },
            Role { id: role, name: "Lantern".to_owned(), permissions: permission::BOT },
        ];
        let mut members: BTreeMap<Id, Vec<Id>> = self
            .people
            .values()
            .filter(|person| !person.stranger)
            .map(|person| (person.id, vec![]))
            .collect();
        members.insert(self.bot, vec![role]);
        let owner = self.add_person(&format!("owner of {name}"), false);
        members.insert(owner, Vec::new());
        let locale = "en-GB".to_owned();
        let name = name.to_owned();
        let guild = Guild { id, name, owner, locale, roles, members, channels: vec![], without_bot: false };
        self.guilds.insert(id, guild);
        id
    }

    pub fn add_channel(&mut self, guild: Id, name: &str) -> Id {
        let id = self.next_id();
        let name = name.to_owned();
        let channel = Channel { id, name, guild: Some(guild), recipient: None, denied: vec![], pins: vec![] };
        self.channels.insert(id, channel);
        self.guilds.get_mut(&guild).expect("a server").channels.push(id);
        id
    }

    /// The direct message between a person and the bot.
    pub fn direct(&mut self, person: Id) -> Id {
        if let Some(channel) = self.channels.values().find(|channel| channel.recipient == Some(person)) {
            return channel.id;
        }
        let id = self.next_id();
        let name = format!("direct messages of {}", self.people[&person].name);
        let channel =
            Channel { id, name, guild: None, recipient: Some(person), denied: vec![], pins: vec![] };
        self.channels.insert(id, channel);
        id
    }

    /// What somebody may do in a channel.
    pub fn permissions(&self, person: Id, channel: Id) -> u64 {
        let channel = &self.channels[&channel];
        let Some(guild) = channel.guild.map(|guild| &self.guilds[&guild]) else {
            return if person == self.bot || channel.recipient == Some(person) {
                permission::DIRECT
            } else {
                0
            };
        };
        let Some(roles) = guild.members.get(&person) else { return 0 };
        let has = |role: &&Role| role.id == guild.id || roles.contains(&role.id);
        let all = guild.roles.iter().filter(has).fold(0, |all, role| all | role.permissions);
        if guild.owner == person || all & permission::ADMINISTRATOR != 0 {
            return u64::MAX >> 10;
        }
        let denies = |to: Id| to == person || to == guild.id || roles.contains(&to);
        channel.denied.iter().filter(|(to, _)| denies(*to)).fold(all, |all, (_, denied)| all & !denied)
    }

    /// Whether somebody sees a message that was sent to a channel, perhaps to one person only.
    pub fn sees(&self, person: Id, channel: Id, only_for: Option<Id>) -> bool {
        only_for.is_none_or(|only| only == person)
            && self.channels.contains_key(&channel)
            && (only_for.is_some() || self.permissions(person, channel) & permission::VIEW != 0)
    }

    /// Who of those whom a text names is really pinged.
    pub fn pinged(&self, content: &str, allowed: &Value) -> Vec<Id> {
        let listed = |id: Id| {
            allowed["users"].as_array().is_some_and(|users| users.contains(&json!(id.to_string())))
                || allowed["parse"].as_array().is_some_and(|kinds| kinds.contains(&json!("users")))
        };
        self.named(content).into_iter().filter(|id| allowed.is_null() || listed(*id)).collect()
    }

    /// Whom a text names with `<@id>`.
    pub fn named(&self, content: &str) -> Vec<Id> {
        let ids = content.split("<@").skip(1);
        let ids = ids.filter_map(|rest| rest.split_once('>')?.0.trim_start_matches('!').parse().ok());
        ids.filter(|id| self.people.contains_key(id)).collect()
    }

    /// Puts a message into a channel; its id.
    pub fn post(&mut self, channel: Id, author: Id, mut fields: Value, only_for: Option<Id>) -> Id {
        let id = self.next_id();
        let content = fields["content"].as_str().unwrap_or_default().to_owned();
        let pinged = self.pinged(&content, &fields["allowed_mentions"]);
        let pinged: Vec<Value> = pinged.iter().map(|id| shapes::user(&self.people[id])).collect();
        let mut json = shapes::message(id, channel, shapes::user(&self.people[&author]), &content);
        json["mentions"] = pinged.into();
        for field in ["embeds", "components", "attachments", "flags", "message_reference", "nonce"] {
            if !fields[field].is_null() {
                json[field] = fields[field].take();
            }
        }
        shapes::number_components(&mut json);
        let post = Post { id, channel, author, json, only_for, deleted: false, interaction: None };
        self.posts.insert(id, post);
        id
    }
}
