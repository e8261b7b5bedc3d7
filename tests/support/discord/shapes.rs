//! Objects as Discord sends them. Only what a bot reads is more than a constant.

use serde_json::{Value, json};

use super::state::{Channel, Guild, Id, Person, Role, World};

const JOINED: &str = "2026-01-01T12:00:00.000000+00:00";

pub fn user(person: &Person) -> Value {
    json!({
        "id": person.id.to_string(), "username": person.name, "global_name": null, "discriminator": "0",
        "avatar": null, "bot": person.bot, "public_flags": 0,
    })
}

/// The bot as it sees itself.
pub fn current_user(person: &Person) -> Value {
    let mut user = user(person);
    user["mfa_enabled"] = json!(true);
    user["verified"] = json!(true);
    user["email"] = Value::Null;
    user["flags"] = json!(0);
    user
}

pub fn application(world: &World) -> Value {
    json!({
        "id": world.application.to_string(), "name": "Lantern", "icon": null, "description": "",
        "bot_public": true, "bot_require_code_grant": false, "verify_key": "00", "flags": world.gateway.flags(),
        "team": null, "summary": "", "integration_types_config": {"0": {}, "1": {}},
        "bot": user(&world.people[&world.bot]),
        "owner": {"id": "1", "username": "operator", "global_name": null, "discriminator": "0", "avatar": null},
    })
}

fn role(role: &Role, position: usize) -> Value {
    json!({
        "id": role.id.to_string(), "name": role.name, "permissions": role.permissions.to_string(),
        "position": position, "color": 0,
        "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
        "hoist": false, "managed": false, "mentionable": false, "icon": null, "unicode_emoji": null, "flags": 0,
    })
}

/// Somebody's membership, without the user.
pub fn partial_member(roles: &[Id]) -> Value {
    let roles: Vec<String> = roles.iter().map(Id::to_string).collect();
    json!({
        "roles": roles, "joined_at": JOINED, "deaf": false, "mute": false, "flags": 0, "pending": false,
        "nick": null, "avatar": null, "banner": null, "premium_since": null, "communication_disabled_until": null,
    })
}

pub fn member(person: &Person, roles: &[Id]) -> Value {
    let mut member = partial_member(roles);
    member["user"] = user(person);
    member
}

pub fn channel(world: &World, channel: &Channel) -> Value {
    let Some(guild) = channel.guild else {
        let recipient = &world.people[&channel.recipient.expect("a direct message has a person")];
        return json!({
            "id": channel.id.to_string(), "type": 1, "last_message_id": null, "flags": 0, "recipients": [user(recipient)],
        });
    };
    let denied = channel.denied.iter().map(|(to, denied)| {
        let kind = u64::from(world.people.contains_key(to));
        json!({"id": to.to_string(), "type": kind, "allow": "0", "deny": denied.to_string()})
    });
    json!({
        "id": channel.id.to_string(), "type": 0, "guild_id": guild.to_string(), "name": channel.name, "position": 0,
        "permission_overwrites": denied.collect::<Vec<_>>(), "topic": null, "nsfw": false, "parent_id": null,
        "last_message_id": null, "rate_limit_per_user": 0, "flags": 0,
    })
}

/// A server as `GET /guilds/{id}` gives it.
pub fn guild(guild: &Guild) -> Value {
    let roles: Vec<Value> = guild.roles.iter().enumerate().map(|(at, one)| role(one, at)).collect();
    json!({
        "id": guild.id.to_string(), "name": guild.name, "icon": null, "splash": null, "discovery_splash": null,
        "owner_id": guild.owner.to_string(), "afk_channel_id": null, "afk_timeout": 300, "verification_level": 0,
        "default_message_notifications": 0, "explicit_content_filter": 0, "roles": roles, "emojis": [],
        "features": [], "mfa_level": 0, "application_id": null, "system_channel_id": null,
        "system_channel_flags": 0, "rules_channel_id": null, "vanity_url_code": null, "description": null,
        "banner": null, "premium_tier": 0, "preferred_locale": guild.locale, "public_updates_channel_id": null,
        "nsfw_level": 0, "stickers": [], "premium_progress_bar_enabled": false, "safety_alerts_channel_id": null,
    })
}

/// A server as the gateway announces it.
pub fn guild_create(world: &World, id: Id) -> Value {
    let one = &world.guilds[&id];
    let mut json = guild(one);
    let channels: Vec<Value> = one.channels.iter().map(|id| channel(world, &world.channels[id])).collect();
    let bot = member(&world.people[&world.bot], &one.members[&world.bot]);
    let more = json!({
        "joined_at": JOINED, "large": false, "unavailable": false, "member_count": one.members.len(),
        "voice_states": [], "members": [bot], "channels": channels, "threads": [], "presences": [],
        "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
    });
    let more = more.as_object().expect("an object").clone();
    json.as_object_mut().expect("an object").extend(more);
    json
}

/// A plain message.
pub fn message(id: Id, channel: Id, author: Value, content: &str) -> Value {
    json!({
        "id": id.to_string(), "channel_id": channel.to_string(), "author": author, "content": content,
        "timestamp": "2026-11-24T12:00:00.000000+00:00", "edited_timestamp": null, "tts": false,
        "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [], "embeds": [],
        "components": [], "pinned": false, "type": 0, "flags": 0,
    })
}

/// Discord numbers the components of a message.
pub fn number_components(message: &mut Value) {
    fn walk(components: &mut Value, next: &mut u64) {
        for component in components.as_array_mut().into_iter().flatten() {
            *next += 1;
            if component["id"].is_null() {
                component["id"] = json!(*next);
            }
            walk(&mut component["components"], next);
            if component["components"].is_null() {
                component.as_object_mut().map(|fields| fields.remove("components"));
            }
        }
    }
    walk(&mut message["components"], &mut 0);
}

/// A message as the gateway sends it: with the server and the membership of who wrote it.
pub fn dispatched(world: &World, id: Id) -> Value {
    let post = &world.posts[&id];
    let mut json = post.json.clone();
    if let Some(guild) = world.channels[&post.channel].guild {
        json["guild_id"] = json!(guild.to_string());
        let roles = world.guilds[&guild].members.get(&post.author).cloned().unwrap_or_default();
        json["member"] = partial_member(&roles);
    }
    json
}
