//! What the bot may do in a channel.
//!
//! Source: github.com/discord/discord-api-docs, "Permissions", "Permission Overwrites".

use serde_json::Value;
use serenity::http::{LightMethod, Route};
use serenity::model::id::{ChannelId, GuildId, UserId};

use super::outbox::Outbox;
use super::wire::Id;

const ADMINISTRATOR: u64 = 1 << 3;
const VIEW_CHANNEL: u64 = 1 << 10;
const SEND_MESSAGES: u64 = 1 << 11;
const MANAGE_MESSAGES: u64 = 1 << 13;
const READ_HISTORY: u64 = 1 << 16;
const PIN_MESSAGES: u64 = 1 << 51;

/// What watching a channel needs.
pub const WATCHING: u64 = VIEW_CHANNEL | SEND_MESSAGES | READ_HISTORY | PIN_MESSAGES;
/// What telling moderators needs.
pub const TELLING: u64 = VIEW_CHANNEL | SEND_MESSAGES;

/// The names of permissions as Discord shows them.
pub fn names(permissions: u64) -> Vec<&'static str> {
    [
        (VIEW_CHANNEL, "View Channel"),
        (SEND_MESSAGES, "Send Messages"),
        (READ_HISTORY, "Read Message History"),
        (PIN_MESSAGES, "Pin Messages"),
    ]
    .into_iter()
    .filter(|(permission, _)| permissions & permission != 0)
    .map(|(_, name)| name)
    .collect()
}

/// What somebody may do in a channel; none where Discord doesn't say.
pub async fn of(outbox: &Outbox, server: Id, channel: Id, who: Id) -> Option<u64> {
    let guild_id = GuildId::new(server.0.max(1));
    let channel_id = ChannelId::new(channel.0.max(1));
    let user_id = UserId::new(who.0.max(1));
    let ask = |route| outbox.request(route, LightMethod::Get, None);
    let guild = ask(Route::Guild { guild_id }).await.ok()?;
    let member = ask(Route::GuildMember { guild_id, user_id }).await.ok()?;
    let channel = ask(Route::Channel { channel_id }).await.ok()?;
    Some(compute(&guild, &member, &channel, server, who))
}

/// Permissions from the server's roles and the channel's overwrites.
fn compute(guild: &Value, member: &Value, channel: &Value, server: Id, who: Id) -> u64 {
    let number = |value: &Value| value.as_str().and_then(|text| text.parse().ok()).unwrap_or(0u64);
    let (server, who) = (server.to_string(), who.to_string());
    let own: Vec<&str> = member["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let holds = |id: &str| id == server || own.contains(&id);
    let roles = guild["roles"].as_array().into_iter().flatten();
    let mut have = roles
        .filter(|role| role["id"].as_str().is_some_and(holds))
        .fold(0, |sum, role| sum | number(&role["permissions"]));
    if have & ADMINISTRATOR != 0 || guild["owner_id"] == who.as_str() {
        return u64::MAX;
    }
    let overwrites: Vec<&Value> = channel["permission_overwrites"].as_array().into_iter().flatten().collect();
    let mut apply = |wanted: &dyn Fn(&str) -> bool| {
        let (mut deny, mut allow) = (0, 0);
        for one in overwrites.iter().filter(|one| one["id"].as_str().is_some_and(wanted)) {
            deny |= number(&one["deny"]);
            allow |= number(&one["allow"]);
        }
        have = have & !deny | allow;
    };
    apply(&|id| id == server);
    apply(&|id| own.contains(&id));
    apply(&|id| id == who);
    // Whoever manages messages may pin them, as before that was a permission of its own.
    if have & MANAGE_MESSAGES != 0 {
        have |= PIN_MESSAGES;
    }
    have
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn overwrites_of_the_channel_count_in_discords_order() {
        let guild = json!({"owner_id": "9", "roles": [
            {"id": "1", "permissions": (VIEW_CHANNEL | SEND_MESSAGES).to_string()},
            {"id": "5", "permissions": "0"},
        ]});
        let member = json!({"roles": ["5"]});
        let channel = json!({"permission_overwrites": [
            {"id": "1", "allow": "0", "deny": SEND_MESSAGES.to_string()},
            {"id": "5", "allow": SEND_MESSAGES.to_string(), "deny": VIEW_CHANNEL.to_string()},
            {"id": "3", "allow": VIEW_CHANNEL.to_string(), "deny": "0"},
        ]});
        let have = compute(&guild, &member, &channel, Id(1), Id(3));
        assert_eq!(have & TELLING, TELLING);
        let stranger = compute(&guild, &json!({"roles": []}), &channel, Id(1), Id(4));
        assert_eq!(names(TELLING & !stranger), ["Send Messages"]);
        assert_eq!(compute(&guild, &member, &channel, Id(1), Id(9)), u64::MAX, "the owner may everything");
    }
}
