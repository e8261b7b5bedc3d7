//! Servers and channels, as a test speaks of them.

use std::sync::Arc;

use super::Inner;
use super::gateway::intent;
use super::people::Person;
use super::state::{Id, Role};

/// A server.
#[derive(Clone)]
pub struct Server {
    pub(super) inner: Arc<Inner>,
    /// Its snowflake.
    pub id: Id,
}

impl Server {
    /// A text channel of this server, made when there is none of that name.
    pub fn channel(&self, name: &str) -> Channel {
        let mut world = self.inner.lock();
        let known = world.channels.values().find(|one| one.guild == Some(self.id) && one.name == name);
        let id = known.map(|one| one.id);
        let id = id.unwrap_or_else(|| world.add_channel(self.id, name));
        drop(world);
        Channel { inner: Arc::clone(&self.inner), id }
    }

    /// A role with these permissions; its snowflake.
    pub fn role(&self, name: &str, permissions: u64) -> Id {
        let mut world = self.inner.lock();
        let id = world.next_id();
        let role = Role { id, name: name.to_owned(), permissions };
        world.guilds.get_mut(&self.id).expect("a server").roles.push(role);
        id
    }

    /// Who owns it, and may do everything.
    pub fn owner(&self) -> Person {
        let id = self.inner.lock().guilds[&self.id].owner;
        Person { inner: Arc::clone(&self.inner), id }
    }

    /// Chooses the language of the server.
    pub fn speaks(self, locale: &str) -> Server {
        self.inner.lock().guilds.get_mut(&self.id).expect("a server").locale = locale.to_owned();
        self
    }

    /// The bot isn't a member: people bring it along as an app of their own.
    pub fn without_the_bot(self) -> Server {
        let mut world = self.inner.lock();
        let bot = world.bot;
        let guild = world.guilds.get_mut(&self.id).expect("a server");
        guild.without_bot = true;
        guild.members.remove(&bot);
        drop(world);
        self
    }

    /// Is out of reach for a while, as when Discord has trouble, or there again.
    pub fn is_out_of_reach(&self, away: bool) {
        let mut world = self.inner.lock();
        if away {
            let json = serde_json::json!({"id": self.id.to_string(), "unavailable": true}).to_string().into();
            world.gateway.dispatch(Some(self.id), intent::GUILDS, "GUILD_DELETE", &json, None);
        } else {
            world.dispatch_guild(self.id);
        }
    }

    /// Throws the bot out.
    pub fn removes_the_bot(&self) {
        let mut world = self.inner.lock();
        let bot = world.bot;
        let guild = world.guilds.get_mut(&self.id).expect("a server");
        guild.without_bot = true;
        guild.members.remove(&bot);
        let json = serde_json::json!({"id": self.id.to_string()}).to_string().into();
        world.gateway.dispatch(Some(self.id), intent::GUILDS, "GUILD_DELETE", &json, None);
    }

    /// Takes the permissions of the bot's own role away, and gives these.
    pub fn lets_the_bot(self, permissions: u64) -> Server {
        let mut world = self.inner.lock();
        let guild = world.guilds.get_mut(&self.id).expect("a server");
        guild.roles[0].permissions &= permissions | !super::state::permission::MEMBER;
        guild.roles[1].permissions = permissions;
        drop(world);
        self
    }
}

/// A text channel, or somebody's direct messages with the bot.
#[derive(Clone)]
pub struct Channel {
    pub(super) inner: Arc<Inner>,
    /// Its snowflake.
    pub id: Id,
}

impl Channel {
    /// Takes permissions from the bot in this channel.
    pub fn forbids_the_bot(self, permissions: u64) -> Channel {
        let mut world = self.inner.lock();
        let bot = world.bot;
        world.channels.get_mut(&self.id).expect("a channel").denied.push((bot, permissions));
        drop(world);
        self
    }

    /// Takes permissions from a role or a person in this channel.
    pub fn forbids(self, whom: Id, permissions: u64) -> Channel {
        self.inner.lock().channels.get_mut(&self.id).expect("a channel").denied.push((whom, permissions));
        self
    }

    /// `<#…>`.
    pub fn mention(&self) -> String {
        format!("<#{}>", self.id)
    }

    /// The messages that are pinned, newest last.
    pub fn pins(&self) -> Vec<Id> {
        self.inner.lock().channels[&self.id].pins.clone()
    }
}
