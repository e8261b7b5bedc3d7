//! A typed line, `/lantern phrases add phrase:so tired`, made into what Discord tells the bot.

use serde_json::{Value, json};

use super::log::File;
use super::routes;
use super::shapes;
use super::state::{Id, World};

/// A command that can be used in a channel: of its server, or of everywhere.
#[track_caller]
pub fn find(world: &World, channel: Id, name: &str, kind: u64) -> Value {
    let guild = world.channels[&channel].guild;
    let places = guild.into_iter().chain([0]).filter_map(|place| world.commands.get(&place));
    let all: Vec<&Value> = places.flatten().filter(|one| one["type"] == kind).collect();
    let found = all.iter().find(|one| one["name"] == name);
    let found = found.unwrap_or_else(|| {
        let names: Vec<&str> = all.iter().filter_map(|one| one["name"].as_str()).collect();
        panic!("the bot has no command {name:?}; it has {names:?}")
    });
    let context = if guild.is_some() { 0 } else { 1 };
    let here = found["contexts"].as_array().is_none_or(|all| all.contains(&json!(context)));
    assert!(here, "the command {name:?} is not offered in context {context}: {}", found["contexts"]);
    if guild.is_some_and(|guild| world.guilds[&guild].without_bot) {
        let types = found["integration_types"].as_array();
        let brought = types.is_some_and(|all| all.contains(&json!(1)));
        assert!(brought, "the command {name:?} is not for apps that people bring along");
    }
    (*found).clone()
}

/// The `data` of an interaction. `typing`: the last option is still being typed.
#[track_caller]
pub fn data(
    world: &mut World,
    person: Id,
    channel: Id,
    line: &str,
    typing: bool,
    file: Option<(&str, File)>,
) -> Value {
    let line = line.strip_prefix('/').unwrap_or_else(|| panic!("a command begins with /: {line:?}"));
    let (name, mut rest) = line.split_once(' ').unwrap_or((line, ""));
    let command = find(world, channel, name, 1);
    // The words of subcommands, and what they allow.
    let (mut words, mut allowed) = (Vec::new(), command["options"].as_array().cloned().unwrap_or_default());
    while allowed.iter().any(|option| matches!(option["type"].as_u64(), Some(1 | 2))) {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let sub = allowed.iter().find(|option| option["name"] == word);
        let sub = sub.unwrap_or_else(|| panic!("/{name} has no subcommand {word:?}")).clone();
        allowed = sub["options"].as_array().cloned().unwrap_or_default();
        words.push((word.to_owned(), sub["type"].clone()));
        rest = after;
    }
    let mut given = cut(rest, &allowed);
    if let Some((option, file)) = file {
        let id = world.next_id();
        world.files.insert(id, file);
        given.push((option.to_owned(), id.to_string()));
    }
    let mut resolved = json!({});
    let last = given.len().saturating_sub(1);
    let mut options = Vec::new();
    for (at, (name, value)) in given.iter().enumerate() {
        let definition = allowed.iter().find(|option| option["name"] == **name);
        let definition = definition.unwrap_or_else(|| panic!("/{line}: there is no option {name:?}"));
        let mut option = json!({"name": name, "type": definition["type"]});
        if typing && at == last {
            assert!(definition["autocomplete"] == true, "{name:?} suggests nothing while typing");
            option["focused"] = json!(true);
            option["value"] = json!(value);
        } else {
            option["value"] = typed(world, person, channel, definition, value, &mut resolved);
        }
        options.push(option);
    }
    let missing = allowed
        .iter()
        .find(|option| option["required"] == true && !given.iter().any(|(name, _)| option["name"] == **name));
    assert!(
        typing || missing.is_none(),
        "/{line}: {} has to be given",
        missing.unwrap_or(&Value::Null)["name"]
    );
    // From the innermost subcommand outwards.
    for (word, kind) in words.into_iter().rev() {
        options = vec![json!({"name": word, "type": kind, "options": options})];
    }
    let mut data = json!({"id": command["id"], "name": name, "type": 1, "options": options});
    if resolved.as_object().is_some_and(|all| !all.is_empty()) {
        data["resolved"] = resolved;
    }
    if let Some(guild) = command.get("guild_id") {
        data["guild_id"] = guild.clone();
    }
    data
}

/// `phrase:so very tired language:en`: options with their values.
#[track_caller]
fn cut(rest: &str, allowed: &[Value]) -> Vec<(String, String)> {
    let mut given: Vec<(String, String)> = Vec::new();
    for word in rest.split(' ').filter(|_| !rest.is_empty()) {
        let option = word.split_once(':');
        let option = option.filter(|(name, _)| allowed.iter().any(|option| option["name"] == **name));
        match (option, given.last_mut()) {
            (Some((name, value)), _) => given.push((name.to_owned(), value.to_owned())),
            (None, Some((_, value))) => {
                value.push(' ');
                value.push_str(word);
            }
            (None, None) => panic!("{word:?} belongs to no option; there are {allowed:#?}"),
        }
    }
    given
}

/// A value as its option's type wants it.
#[track_caller]
fn typed(
    world: &World,
    person: Id,
    channel: Id,
    definition: &Value,
    value: &str,
    resolved: &mut Value,
) -> Value {
    let digits = || value.trim_matches(|letter: char| !letter.is_ascii_digit());
    let key = || digits().parse::<Id>().unwrap_or_else(|_| panic!("{value:?} names nothing"));
    match definition["type"].as_u64() {
        Some(3) => {
            let choices = definition["choices"].as_array().filter(|all| !all.is_empty());
            let chosen = choices.map(|all| {
                let found = all.iter().find(|one| one["name"] == value || one["value"] == value);
                found.unwrap_or_else(|| panic!("{value:?} is not among {all:?}"))["value"].clone()
            });
            let most = definition["max_length"].as_u64().unwrap_or(6_000);
            assert!(value.chars().count() as u64 <= most, "Discord takes at most {most} characters there");
            chosen.unwrap_or_else(|| json!(value))
        }
        Some(4) => json!(value.parse::<i64>().expect("a whole number")),
        Some(5) => json!(value.to_lowercase() == "true"),
        Some(kind @ 6..=8) => {
            // The same three things have other numbers as menus: 5 people, 6 roles, 8 channels.
            let menu = json!(match kind {
                6 => 5,
                7 => 8,
                _ => 6,
            });
            resolve(world, person, channel, &menu, key(), resolved);
            json!(key().to_string())
        }
        Some(10) => json!(value.parse::<f64>().expect("a number")),
        Some(11) => {
            let file = &world.files[&key()];
            let json = routes::attachment(world, channel, key(), &file.name, file.bytes.len());
            resolved["attachments"][key().to_string()] = json;
            json!(key().to_string())
        }
        kind => panic!("options of type {kind:?} are not played"),
    }
}

/// Adds what an id stands for: a person (menu 5), a role (6), either (7), or a channel (8).
#[track_caller]
pub fn resolve(world: &World, person: Id, channel: Id, menu: &Value, id: Id, resolved: &mut Value) {
    let guild = world.channels[&channel].guild.map(|guild| &world.guilds[&guild]);
    let key = id.to_string();
    match menu.as_u64() {
        Some(5 | 7) if world.people.contains_key(&id) => {
            resolved["users"][&key] = shapes::user(&world.people[&id]);
            if let Some(roles) = guild.and_then(|guild| guild.members.get(&id)) {
                let mut member = shapes::partial_member(roles);
                member["permissions"] = json!(world.permissions(id, channel).to_string());
                resolved["members"][&key] = member;
            }
        }
        Some(6 | 7) => {
            let roles = shapes::guild(guild.expect("roles are of a server"))["roles"].clone();
            let role = roles.as_array().into_iter().flatten().find(|role| role["id"] == json!(key));
            resolved["roles"][&key] = role.expect("a role of this server").clone();
        }
        Some(8) => {
            let mut json = shapes::channel(world, &world.channels[&id]);
            json["permissions"] = json!(world.permissions(person, id).to_string());
            resolved["channels"][&key] = json;
        }
        _ => panic!("{id} is nothing that can be picked there"),
    }
}
