//! Channels, messages, servers, people and commands.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Reply, Request};
use super::limits::{self, Rules};
use super::log::{File, Sent, Way};
use super::shapes;
use super::state::{Id, World, permission};

/// Answers a request; nothing when this route isn't played.
pub fn answer(world: &mut World, request: &Request, now: Duration) -> Option<Reply> {
    Some(match request.route.as_str() {
        "GET /gateway" => Reply::ok(json!({"url": format!("ws://{}/gateway", world.address)})),
        "GET /gateway/bot" => Reply::ok(json!({
            "url": format!("ws://{}/gateway", world.address),
            "shards": world.gateway.shards,
            "session_start_limit": {
                "total": 1000, "remaining": world.gateway.starts_left, "reset_after": 86_400_000,
                "max_concurrency": world.gateway.max_concurrency,
            },
        })),
        "GET /users/@me" => Reply::ok(shapes::current_user(&world.people[&world.bot])),
        "GET /users/{user_id}" => match world.people.get(&request.id(1)) {
            Some(person) => Reply::ok(shapes::user(person)),
            None => Reply::refused(404, 10013, "Unknown User"),
        },
        "GET /oauth2/applications/@me" | "GET /applications/@me" => Reply::ok(shapes::application(world)),
        "POST /users/@me/channels" => open_direct(world, request),
        "GET /channels/{channel_id}" => with_channel(world, request, 0, |world, id| {
            Reply::ok(shapes::channel(world, &world.channels[&id]))
        }),
        "POST /channels/{channel_id}/typing" => {
            with_channel(world, request, permission::SEND, |_, _| Reply::nothing())
        }
        "POST /channels/{channel_id}/messages" => create(world, request, now),
        "GET /channels/{channel_id}/messages" => with_channel(world, request, permission::HISTORY, list),
        "GET /channels/{channel_id}/messages/{message_id}" => {
            with_message(world, request, |world, id| Reply::ok(world.posts[&id].json.clone()))
        }
        "PATCH /channels/{channel_id}/messages/{message_id}" => edit(world, request, now),
        "DELETE /channels/{channel_id}/messages/{message_id}" => delete(world, request, now),
        "GET /channels/{channel_id}/pins" | "GET /channels/{channel_id}/messages/pins" => {
            pinned(world, request)
        }
        "PUT /channels/{channel_id}/pins/{message_id}" => pin(world, request, request.id(3), now),
        "PUT /channels/{channel_id}/messages/pins/{message_id}" => pin(world, request, request.id(4), now),
        route if route.starts_with("GET /guilds/{guild_id}") => return guild(world, request),
        route if route.contains("/applications/{application_id}/") => return commands(world, request),
        _ => return None,
    })
}

/// The channel of a request, if the bot may see it and has these permissions there.
fn with_channel(
    world: &mut World,
    request: &Request,
    needs: u64,
    then: impl FnOnce(&mut World, Id) -> Reply,
) -> Reply {
    let id = request.id(1);
    if !world.channels.contains_key(&id) {
        return Reply::refused(404, 10003, "Unknown Channel");
    }
    let has = world.permissions(world.bot, id);
    if has & permission::VIEW == 0 {
        return Reply::refused(403, 50001, "Missing Access");
    }
    if has & needs != needs {
        return Reply::refused(403, 50013, "Missing Permissions");
    }
    then(world, id)
}

fn with_message(world: &mut World, request: &Request, then: impl FnOnce(&mut World, Id) -> Reply) -> Reply {
    let message = request.id(3);
    with_channel(world, request, 0, |world, channel| {
        let found = world.posts.get(&message);
        // Nobody gets at an ephemeral message this way, not even the bot.
        match found.filter(|post| !post.deleted && post.channel == channel && post.only_for.is_none()) {
            Some(_) => then(world, message),
            None => Reply::refused(404, 10008, "Unknown Message"),
        }
    })
}

fn open_direct(world: &mut World, request: &Request) -> Reply {
    let person = request.body["recipient_id"].as_str().and_then(|id| id.parse::<Id>().ok()).unwrap_or(0);
    if !world.people.contains_key(&person) || person == world.bot {
        return Reply::refused(400, 50033, "Invalid Recipient(s)");
    }
    let id = world.direct(person);
    Reply::ok(shapes::channel(world, &world.channels[&id]))
}

fn create(world: &mut World, request: &Request, now: Duration) -> Reply {
    let files = if request.files.is_empty() { 0 } else { permission::ATTACH };
    with_channel(world, request, permission::SEND | files, |world, channel| {
        if world.channels[&channel].recipient.is_some_and(|person| world.people[&person].refuses) {
            return Reply::refused(403, 50007, "Cannot send messages to this user");
        }
        let rules = Rules { new: true, interaction: false, roles: world.may_ping_roles };
        if let Some(complaint) = limits::message(&request.body, rules) {
            return Reply::wrong(world, request, &complaint);
        }
        // Sending the same nonce again doesn't send the message again.
        let nonce = request.body["nonce"].as_str().filter(|_| request.body["enforce_nonce"] == true);
        let nonce = nonce.map(|nonce| (channel, nonce.to_owned()));
        if let Some(before) = nonce.as_ref().and_then(|nonce| world.nonces.get(nonce)) {
            return Reply::ok(world.posts[before].json.clone());
        }
        let mut body = request.body.clone();
        let files = match attach(world, channel, &mut body, &request.files) {
            Ok(files) => files,
            Err(complaint) => return Reply::wrong(world, request, &complaint),
        };
        let id = world.post(channel, world.bot, body, None);
        if let Some(nonce) = nonce {
            world.nonces.insert(nonce, id);
        }
        note(world, Way::Message, id, files, now);
        world.dispatch_message("MESSAGE_CREATE", id);
        Reply::ok(world.posts[&id].json.clone())
    })
}

/// Keeps the files of a request, and writes into its body where they can be had.
pub fn attach(
    world: &mut World,
    channel: Id,
    body: &mut Value,
    files: &[(Id, File)],
) -> Result<Vec<File>, String> {
    let number = |entry: &Value| entry["id"].as_u64().or_else(|| entry["id"].as_str()?.parse().ok());
    if files.is_empty() {
        // An edit lists the files that stay; a new message can't list any.
        let known = |entry: &Value| number(entry).is_some_and(|id| world.files.contains_key(&id));
        let missing = body["attachments"].as_array().into_iter().flatten().find(|entry| !known(entry));
        return missing
            .map_or(Ok(Vec::new()), |entry| Err(format!("/attachments: {entry} comes with no file")));
    }
    let listed = body["attachments"].as_array().cloned();
    let mut attachments = Vec::new();
    for (at, file) in files {
        let entry = listed.as_ref().and_then(|all| all.iter().find(|entry| number(entry) == Some(*at)));
        if listed.is_some() && entry.is_none() {
            return Err(format!("/attachments: files[{at}] is not listed"));
        }
        let name = entry.and_then(|entry| entry["filename"].as_str()).unwrap_or(&file.name).to_owned();
        let id = world.next_id();
        attachments.push(attachment(world, channel, id, &name, file.bytes.len()));
        world.files.insert(id, File { name, bytes: file.bytes.clone() });
    }
    let unsent = listed.iter().flatten().find(|entry| {
        number(entry)
            .is_none_or(|id| !world.files.contains_key(&id) && !files.iter().any(|(at, _)| *at == id))
    });
    if let Some(entry) = unsent {
        return Err(format!("/attachments: {entry} comes with no file"));
    }
    body["attachments"] = attachments.into();
    Ok(files.iter().map(|(_, file)| file.clone()).collect())
}

/// A file as a message or option shows it.
pub fn attachment(world: &World, channel: Id, id: Id, name: &str, size: usize) -> Value {
    let url = format!("http://{}/attachments/{channel}/{id}/{name}", world.address);
    json!({
        "id": id.to_string(), "filename": name, "size": size, "url": url, "proxy_url": url,
        "content_type": "text/plain; charset=utf-8",
    })
}

/// Changes a message as a request says.
pub fn change(world: &mut World, id: Id, body: &Value) -> Vec<Id> {
    let content = body["content"].as_str().map(str::to_owned);
    let pings = content.map(|content| world.pinged(&content, &body["allowed_mentions"])).unwrap_or_default();
    let post = world.posts.get_mut(&id).expect("a message");
    for field in ["content", "embeds", "components", "attachments"] {
        if let Some(value) = body.get(field) {
            let empty = if field == "content" { json!("") } else { json!([]) };
            post.json[field] = if value.is_null() { empty } else { value.clone() };
        }
    }
    if let Some(flags) = body["flags"].as_u64() {
        post.json["flags"] = json!(flags | post.json["flags"].as_u64().unwrap_or(0) & 1 << 6);
    }
    post.json["edited_timestamp"] = json!("2026-11-24T12:01:00.000000+00:00");
    shapes::number_components(&mut post.json);
    pings
}

fn edit(world: &mut World, request: &Request, now: Duration) -> Reply {
    with_message(world, request, |world, id| {
        if world.posts[&id].author != world.bot {
            return Reply::refused(403, 50005, "Cannot edit a message authored by another user");
        }
        let rules = Rules { roles: world.may_ping_roles, ..Rules::default() };
        if let Some(complaint) = limits::message(&request.body, rules) {
            return Reply::wrong(world, request, &complaint);
        }
        let mut body = request.body.clone();
        let channel = world.posts[&id].channel;
        let files = match attach(world, channel, &mut body, &request.files) {
            Ok(files) => files,
            Err(complaint) => return Reply::wrong(world, request, &complaint),
        };
        change(world, id, &body);
        note(world, Way::Edit, id, files, now);
        world.dispatch_message("MESSAGE_UPDATE", id);
        Reply::ok(world.posts[&id].json.clone())
    })
}

fn delete(world: &mut World, request: &Request, now: Duration) -> Reply {
    with_message(world, request, |world, id| {
        let (author, channel) = (world.posts[&id].author, world.posts[&id].channel);
        if author != world.bot && world.channels[&channel].guild.is_none() {
            return Reply::refused(403, 50003, "Cannot execute action on a DM channel");
        }
        if author != world.bot && world.permissions(world.bot, channel) & permission::MANAGE_MESSAGES == 0 {
            return Reply::refused(403, 50013, "Missing Permissions");
        }
        note(world, Way::Deletion, id, Vec::new(), now);
        world.posts.get_mut(&id).expect("a message").deleted = true;
        Reply::nothing()
    })
}

fn list(world: &mut World, channel: Id) -> Reply {
    let seen =
        |post: &&super::state::Post| post.channel == channel && !post.deleted && post.only_for.is_none();
    let posts = world.posts.values().rev().filter(seen).take(50);
    Reply::ok(posts.map(|post| post.json.clone()).collect::<Vec<_>>().into())
}

fn pin(world: &mut World, request: &Request, message: Id, now: Duration) -> Reply {
    with_channel(world, request, permission::PIN, |world, channel| {
        if !world.posts.get(&message).is_some_and(|post| post.channel == channel && !post.deleted) {
            return Reply::refused(404, 10008, "Unknown Message");
        }
        world.channels.get_mut(&channel).expect("a channel").pins.push(message);
        world.posts.get_mut(&message).expect("a message").json["pinned"] = json!(true);
        note(world, Way::Pin, message, Vec::new(), now);
        Reply::nothing()
    })
}

fn pinned(world: &mut World, request: &Request) -> Reply {
    let old = request.route.ends_with("}/pins");
    with_channel(world, request, permission::HISTORY, |world, channel| {
        let pins: Vec<Value> =
            world.channels[&channel].pins.iter().rev().map(|id| world.posts[id].json.clone()).collect();
        if old {
            return Reply::ok(pins.into());
        }
        let at = "2026-11-24T12:00:00.000000+00:00";
        let items: Vec<Value> = pins.iter().map(|pin| json!({"pinned_at": at, "message": pin})).collect();
        Reply::ok(json!({"items": items, "has_more": false}))
    })
}

fn guild(world: &mut World, request: &Request) -> Option<Reply> {
    let Some(guild) = world.guilds.get(&request.id(1)) else {
        return Some(Reply::refused(404, 10004, "Unknown Guild"));
    };
    if guild.without_bot {
        return Some(Reply::refused(403, 50001, "Missing Access"));
    }
    Some(match request.route.as_str() {
        "GET /guilds/{guild_id}" => Reply::ok(shapes::guild(guild)),
        "GET /guilds/{guild_id}/roles" => Reply::ok(shapes::guild(guild)["roles"].clone()),
        "GET /guilds/{guild_id}/channels" => {
            let channels = guild.channels.iter().map(|id| shapes::channel(world, &world.channels[id]));
            Reply::ok(channels.collect::<Vec<_>>().into())
        }
        "GET /guilds/{guild_id}/members/{user_id}" => {
            let id = request.id(3);
            match (world.people.get(&id), guild.members.get(&id)) {
                (Some(person), Some(roles)) => Reply::ok(shapes::member(person, roles)),
                _ => Reply::refused(404, 10007, "Unknown Member"),
            }
        }
        _ => return None,
    })
}

fn commands(world: &mut World, request: &Request) -> Option<Reply> {
    if request.id(1) != world.application {
        return Some(Reply::refused(
            403,
            20012,
            "You are not authorized to perform this action on this application",
        ));
    }
    let guild = if request.parts[2] == "guilds" { request.id(3) } else { 0 };
    if guild != 0 && world.guilds.get(&guild).is_none_or(|guild| guild.without_bot) {
        return Some(Reply::refused(403, 50001, "Missing Access"));
    }
    let id = request.parts.last().and_then(|part| part.parse::<Id>().ok()).unwrap_or(0);
    let id = json!(id.to_string());
    let is = |one: &Value, name: &Value, kind: &Value| {
        one["name"] == *name && one["type"].as_u64() == Some(kind.as_u64().unwrap_or(1))
    };
    let before = world.commands.get(&guild).cloned().unwrap_or_default();
    let (method, one) = (request.route.split(' ').next()?, request.route.contains("{command_id}"));
    let after: Vec<Value> = match (method, one) {
        ("GET", false) => return Some(Reply::ok(before.into())),
        ("GET", true) => {
            let found = before.into_iter().find(|command| command["id"] == id);
            return Some(found.map_or(Reply::refused(404, 10063, "Unknown application command"), Reply::ok));
        }
        ("DELETE", true) => {
            let left = before.into_iter().filter(|command| command["id"] != id).collect();
            world.commands.insert(guild, left);
            return Some(Reply::nothing());
        }
        ("PUT", false) => request.body.as_array().cloned().unwrap_or_default(),
        // One more; of the same name, instead of the one before.
        ("POST", false) => {
            let (name, kind) = (&request.body["name"], &request.body["type"]);
            let kept = before.iter().filter(|command| !is(command, name, kind)).cloned();
            kept.chain([request.body.clone()]).collect()
        }
        _ => return None,
    };
    if let Some(complaint) = limits::commands(&after) {
        return Some(Reply::wrong(world, request, &complaint));
    }
    let complete = |mut command: Value| {
        let known = before.iter().find(|one| is(one, &command["name"], &command["type"]));
        let id = known.map_or_else(|| json!(world.next_id().to_string()), |known| known["id"].clone());
        command["id"] = id;
        command["type"] = json!(command["type"].as_u64().unwrap_or(1));
        command["application_id"] = json!(world.application.to_string());
        command["version"] = json!(world.next_id().to_string());
        if command["description"].is_null() {
            command["description"] = json!("");
        }
        if let Some(bits) = command["default_member_permissions"].as_u64() {
            command["default_member_permissions"] = json!(bits.to_string());
        }
        if guild != 0 {
            command["guild_id"] = json!(guild.to_string());
        }
        command
    };
    let after: Vec<Value> = after.into_iter().map(complete).collect();
    world.commands.insert(guild, after.clone());
    Some(match method {
        "PUT" => Reply::ok(after.into()),
        _ => Reply { status: 201, body: after.last().cloned().unwrap_or_default() },
    })
}

/// Writes a message into the log.
pub fn note(world: &mut World, way: Way, id: Id, files: Vec<File>, now: Duration) {
    let post = &world.posts[&id];
    let mentions = post.json["mentions"].as_array().into_iter().flatten();
    // A changed message notifies nobody.
    let pings = if matches!(way, Way::Message | Way::Reply | Way::FollowUp) {
        mentions.filter_map(|user| user["id"].as_str()?.parse().ok()).collect()
    } else {
        Vec::new()
    };
    let sent = Sent {
        number: world.log.len(),
        at: now,
        way,
        channel: post.channel,
        place: world.channels[&post.channel].name.clone(),
        message: id,
        content: post.json["content"].as_str().unwrap_or_default().to_owned(),
        json: post.json.clone(),
        only_for: post.only_for,
        interaction: post.interaction,
        files,
        pings,
    };
    world.log.push(sent);
}
