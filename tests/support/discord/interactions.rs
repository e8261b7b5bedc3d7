//! Answers to interactions: once, in time, and seen by whom they are meant for.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Reply, Request};
use super::limits::{self, Rules};
use super::log::{File, Sent, Way};
use super::routes;
use super::state::{Answer, Id, World, permission};
use super::validate;

/// Only one person sees it.
const EPHEMERAL: u64 = 1 << 6;

/// Answers a request that has to do with interactions; nothing for any other.
pub fn answer(world: &mut World, request: &Request, now: Duration) -> Option<Reply> {
    Some(match request.route.as_str() {
        "POST /interactions/{interaction_id}/{interaction_token}/callback" => callback(world, request, now),
        "POST /webhooks/{webhook_id}/{webhook_token}" => {
            with_token(world, request, now, |world, id| follow_up(world, request, id, now))
        }
        "GET /webhooks/{webhook_id}/{webhook_token}/messages/@original"
        | "GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}" => {
            with_reply(world, request, now, |world, _, message| Reply::ok(world.posts[&message].json.clone()))
        }
        "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original"
        | "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}" => edit(world, request, now),
        "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original"
        | "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}" => {
            with_reply(world, request, now, |world, _, message| {
                routes::note(world, Way::Deletion, message, Vec::new(), now);
                world.posts.get_mut(&message).expect("a message").deleted = true;
                Reply::nothing()
            })
        }
        _ => return None,
    })
}

/// The first answer to an interaction that came over HTTP: it is the body of the response.
pub fn inline(world: &mut World, id: Id, body: Value, now: Duration) -> Reply {
    let route = "POST /interactions/{interaction_id}/{interaction_token}/callback".to_owned();
    let token = world.interactions[&id].token.clone();
    let parts = vec!["interactions".to_owned(), id.to_string(), token, "callback".to_owned()];
    let request = Request { route, parts, query: String::new(), body, files: Vec::new() };
    let operation = validate::operation("POST", &format!("/{}", request.parts.join("/")));
    let complaint = operation.and_then(|operation| validate::complaint(&operation, &request.body));
    match complaint {
        Some(complaint) => Reply::wrong(world, &request, &complaint),
        None => callback(world, &request, now),
    }
}

/// The first answer.
fn callback(world: &mut World, request: &Request, now: Duration) -> Reply {
    let id = request.id(1);
    let in_time = |made: Duration| now <= made + world.deadline;
    let Some(interaction) = world.interactions.get(&id).filter(|one| one.token == request.parts[2]) else {
        return Reply::refused(404, 10062, "Unknown interaction");
    };
    if interaction.answer != Answer::None {
        return Reply::refused(400, 40060, "Interaction has already been acknowledged.");
    }
    if !in_time(interaction.made) {
        return Reply::refused(404, 10062, "Unknown interaction");
    }
    let (kind, on_message) = (interaction.kind, interaction.message);
    let (given, data) = (request.body["type"].as_u64().unwrap_or(0), &request.body["data"]);
    let fits = match given {
        4 | 5 => kind != 4,
        6 | 7 => matches!(kind, 3 | 5) && on_message.is_some(),
        8 => kind == 4,
        9 => matches!(kind, 2 | 3),
        _ => false,
    };
    if !fits {
        let complaint = format!("an answer of type {given} doesn't fit {}", interaction.name);
        return Reply::wrong(world, request, &complaint);
    }
    let rules = Rules { new: given == 4, interaction: true, roles: world.may_ping_roles };
    let complaint = match given {
        4 | 7 => limits::message(data, rules),
        8 => limits::choices(data),
        9 => limits::modal(data),
        _ => None,
    };
    if let Some(complaint) = complaint {
        return Reply::wrong(world, request, &complaint);
    }
    let ephemeral = data["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0;
    let mut message = None;
    match given {
        4 => match say(world, request, data, id, ephemeral) {
            Ok((post, files)) => {
                routes::note(world, Way::Reply, post, files, now);
                message = Some(post);
            }
            Err(complaint) => return Reply::wrong(world, request, &complaint),
        },
        7 => {
            let post = on_message.expect("a message");
            let mut data = data.clone();
            let channel = world.posts[&post].channel;
            let files = match routes::attach(world, channel, &mut data, &request.files) {
                Ok(files) => files,
                Err(complaint) => return Reply::wrong(world, request, &complaint),
            };
            routes::change(world, post, &data);
            routes::note(world, Way::Update, post, files, now);
            last(world).interaction = Some(id);
            tell_of_change(world, post);
            message = Some(post);
        }
        _ => aside(world, id, given, data, ephemeral, now),
    }
    let interaction = world.interactions.get_mut(&id).expect("an interaction");
    interaction.ephemeral = ephemeral;
    interaction.answer = match given {
        5 => Answer::Deferred,
        6 => Answer::DeferredUpdate,
        _ => Answer::Given,
    };
    interaction.original = if given == 6 { on_message } else { message };
    if !request.query.contains("with_response=true") {
        return Reply::nothing();
    }
    let resource = message.map(|post| json!({"type": given, "message": world.posts[&post].json}));
    Reply::ok(json!({"interaction": {"id": id.to_string(), "type": kind}, "resource": resource}))
}

/// What is no message: thinking, suggestions, a form.
fn aside(world: &mut World, id: Id, given: u64, data: &Value, ephemeral: bool, now: Duration) {
    let interaction = &world.interactions[&id];
    let way = match given {
        5 => Way::Deferred,
        6 => Way::DeferredUpdate,
        8 => Way::Choices,
        _ => Way::Modal,
    };
    // Forms and suggestions are on one person's screen.
    let only = (ephemeral || given >= 6).then_some(interaction.person);
    let (channel, number) = (interaction.channel, world.log.len());
    let place = world.channels[&channel].name.clone();
    world.log.push(Sent {
        number,
        at: now,
        way,
        channel,
        place,
        message: 0,
        content: String::new(),
        json: data.clone(),
        only_for: only,
        interaction: Some(id),
        files: Vec::new(),
        pings: Vec::new(),
    });
}

fn last(world: &mut World) -> &mut Sent {
    world.log.last_mut().expect("an entry")
}

/// Puts a message that answers an interaction into its channel.
fn say(
    world: &mut World,
    request: &Request,
    data: &Value,
    id: Id,
    ephemeral: bool,
) -> Result<(Id, Vec<File>), String> {
    let (person, channel) = (world.interactions[&id].person, world.interactions[&id].channel);
    let kind = world.interactions[&id].kind;
    let mut data = data.clone();
    let files = routes::attach(world, channel, &mut data, &request.files)?;
    if ephemeral {
        data["flags"] = json!(data["flags"].as_u64().unwrap_or(0) | EPHEMERAL);
    }
    let post = world.post(channel, world.bot, data, ephemeral.then_some(person));
    let user = super::shapes::user(&world.people[&person]);
    let application = world.application.to_string();
    let owners = owners(world, channel, person);
    let made = world.posts.get_mut(&post).expect("a message");
    made.interaction = Some(id);
    made.json["application_id"] = json!(application);
    made.json["webhook_id"] = json!(application);
    if kind == 2 {
        made.json["type"] = json!(20);
    }
    made.json["interaction_metadata"] = json!({
        "id": id.to_string(), "type": kind, "user": user,
        "authorizing_integration_owners": owners,
    });
    if !ephemeral {
        world.dispatch_message("MESSAGE_CREATE", post);
    }
    Ok((post, files))
}

/// By whom the bot is there: the server that it is on, or the person who brought it.
pub fn owners(world: &World, channel: Id, person: Id) -> Value {
    match world.channels[&channel].guild {
        Some(guild) if !world.guilds[&guild].without_bot => json!({"0": guild.to_string()}),
        Some(_) => json!({"1": person.to_string()}),
        None => json!({"0": "0", "1": person.to_string()}),
    }
}

/// The interaction that a webhook's token belongs to, while it lives.
fn with_token(
    world: &mut World,
    request: &Request,
    now: Duration,
    then: impl FnOnce(&mut World, Id) -> Reply,
) -> Reply {
    let found = world.interactions.values().find(|one| one.token == request.parts[2]);
    match found.filter(|_| request.id(1) == world.application) {
        None => Reply::refused(404, 10015, "Unknown Webhook"),
        Some(one) if now > one.made + world.token_life => Reply::refused(401, 50027, "Invalid Webhook Token"),
        Some(one) if one.answer == Answer::None => Reply::refused(404, 10015, "Unknown Webhook"),
        Some(one) => {
            let id = one.id;
            then(world, id)
        }
    }
}

/// A message of an interaction: the original, or one of its follow-ups.
fn with_reply(
    world: &mut World,
    request: &Request,
    now: Duration,
    then: impl FnOnce(&mut World, Id, Id) -> Reply,
) -> Reply {
    with_token(world, request, now, |world, id| {
        let original = request.parts.get(4).is_some_and(|part| part == "@original");
        let message = if original { world.interactions[&id].original } else { Some(request.id(4)) };
        let own = |post: &super::state::Post| {
            !post.deleted
                && (post.interaction == Some(id) || world.interactions[&id].original == Some(post.id))
        };
        match message.filter(|message| world.posts.get(message).is_some_and(own)) {
            Some(message) => then(world, id, message),
            None => Reply::refused(404, 10008, "Unknown Message"),
        }
    })
}

fn follow_up(world: &mut World, request: &Request, id: Id, now: Duration) -> Reply {
    let rules = Rules { new: true, interaction: true, roles: world.may_ping_roles };
    if let Some(complaint) = limits::message(&request.body, rules) {
        return Reply::wrong(world, request, &complaint);
    }
    // The first message after "thinking" takes its place, and is as private as that was.
    let thinking = world.interactions[&id].answer == Answer::Deferred;
    let asked = request.body["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0;
    let ephemeral = if thinking { world.interactions[&id].ephemeral } else { asked };
    match say(world, request, &request.body, id, ephemeral) {
        Ok((post, files)) => {
            if thinking {
                let interaction = world.interactions.get_mut(&id).expect("an interaction");
                interaction.answer = Answer::Given;
                interaction.original = Some(post);
            }
            routes::note(world, Way::FollowUp, post, files, now);
            Reply::ok(world.posts[&post].json.clone())
        }
        Err(complaint) => Reply::wrong(world, request, &complaint),
    }
}

/// Changes a reply, or says what the bot was thinking about.
fn edit(world: &mut World, request: &Request, now: Duration) -> Reply {
    let original = request.parts.get(4).is_some_and(|part| part == "@original");
    let thinking = |world: &World, id: Id| world.interactions[&id].answer == Answer::Deferred;
    let rules = Rules { interaction: true, roles: world.may_ping_roles, ..Rules::default() };
    with_token(world, request, now, |world, id| {
        if let Some(complaint) = limits::message(&request.body, rules) {
            return Reply::wrong(world, request, &complaint);
        }
        if original && thinking(world, id) {
            return follow_up(world, request, id, now);
        }
        with_reply(world, request, now, |world, id, message| {
            let mut body = request.body.clone();
            let channel = world.posts[&message].channel;
            let files = match routes::attach(world, channel, &mut body, &request.files) {
                Ok(files) => files,
                Err(complaint) => return Reply::wrong(world, request, &complaint),
            };
            routes::change(world, message, &body);
            routes::note(world, Way::Edit, message, files, now);
            last(world).interaction = Some(id);
            tell_of_change(world, message);
            Reply::ok(world.posts[&message].json.clone())
        })
    })
}

fn tell_of_change(world: &mut World, message: Id) {
    if world.posts[&message].only_for.is_none() {
        world.dispatch_message("MESSAGE_UPDATE", message);
    }
}

/// Whether somebody can use commands in a channel at all.
pub fn may_use(world: &World, person: Id, channel: Id) -> bool {
    let needs = permission::VIEW | 1 << 31;
    world.permissions(person, channel) & needs == needs
}
