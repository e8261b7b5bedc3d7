//! What Discord refuses although its description allows it, and what Lantern promises of its own accord.

use std::collections::HashSet;

use serde_json::Value;

use super::log::controls;

const LOCALES: [&str; 32] = [
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl",
    "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja",
    "zh-TW", "ko",
];

/// What is asked of a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// It is new: it must say whom it may ping, and hold something.
    pub new: bool,
    /// It answers an interaction, so that it may be ephemeral.
    pub interaction: bool,
    /// Roles may be pinged.
    pub roles: bool,
}

/// What is wrong with a message, beyond the description.
pub fn message(body: &Value, rules: Rules) -> Option<String> {
    let content = body["content"].as_str().unwrap_or_default();
    let length = content.chars().count();
    if length > 2_000 {
        return Some(format!("/content: {length} characters; at most 2000 are allowed"));
    }
    embeds(&body["embeds"])
        .or_else(|| flags(body, rules))
        .or_else(|| nothing(body, content, rules))
        .or_else(|| mentions(body, content, rules))
        .or_else(|| rows(&body["components"]))
        .or_else(|| unique(&controls(body)))
        .or_else(|| controls(body).iter().find_map(control))
        .or_else(|| files(&body["attachments"]))
}

fn embeds(embeds: &Value) -> Option<String> {
    fn length(value: &Value) -> usize {
        value.as_str().map_or(0, |text| text.chars().count())
    }
    let total: usize = embeds
        .as_array()?
        .iter()
        .map(|embed| {
            let fields = embed["fields"].as_array().into_iter().flatten();
            let fields: usize = fields.map(|field| length(&field["name"]) + length(&field["value"])).sum();
            let rest =
                [&embed["title"], &embed["description"], &embed["footer"]["text"], &embed["author"]["name"]];
            fields + rest.map(length).iter().sum::<usize>()
        })
        .sum();
    (total > 6_000).then(|| format!("/embeds: {total} characters in all; at most 6000 are allowed"))
}

fn flags(body: &Value, rules: Rules) -> Option<String> {
    let flags = body["flags"].as_u64().unwrap_or(0);
    if flags & 1 << 6 != 0 && !rules.interaction {
        return Some("/flags: only an answer to an interaction can be ephemeral".to_owned());
    }
    let fields = ["content", "embeds"].iter().any(|field| {
        let field = &body[field];
        field.as_str().is_some_and(|text| !text.is_empty())
            || field.as_array().is_some_and(|all| !all.is_empty())
    });
    (flags & 1 << 15 != 0 && fields)
        .then(|| "/flags: a message of components alone can have neither content nor embeds".to_owned())
}

fn nothing(body: &Value, content: &str, rules: Rules) -> Option<String> {
    let filled = ["embeds", "components", "attachments", "sticker_ids"]
        .iter()
        .any(|field| body[field].as_array().is_some_and(|all| !all.is_empty()));
    let empty = rules.new && content.trim().is_empty() && !filled && body["poll"].is_null();
    empty.then(|| "the body: an empty message can't be sent".to_owned())
}

/// Lantern's own promise: a message pings nobody but people whom it names one by one.
fn mentions(body: &Value, content: &str, rules: Rules) -> Option<String> {
    let allowed = &body["allowed_mentions"];
    if allowed.is_null() {
        return (rules.new || !content.is_empty()).then(|| {
            "/allowed_mentions: missing; a message must say whom it may ping, even if nobody".to_owned()
        });
    }
    if allowed["parse"].as_array().is_some_and(|kinds| !kinds.is_empty()) {
        let parse = &allowed["parse"];
        return Some(format!(
            "/allowed_mentions/parse: {parse} pings whoever is named; name people in `users`"
        ));
    }
    let roles = allowed["roles"].as_array().is_some_and(|roles| !roles.is_empty());
    (roles && !rules.roles).then(|| "/allowed_mentions/roles: only people may be pinged".to_owned())
}

fn rows(components: &Value) -> Option<String> {
    let rows = components.as_array()?;
    if rows.len() > 5 && rows.iter().all(|row| row["type"] == 1) {
        return Some(format!("/components: {} rows; at most 5 are allowed", rows.len()));
    }
    let mixed = |row: &&Value| {
        let inner = row["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        row["type"] == 1 && inner.len() > 1 && inner.iter().any(|one| one["type"] != 2)
    };
    rows.iter().find(mixed).map(|_| "/components: a menu needs a row of its own".to_owned())
}

fn unique(controls: &[Value]) -> Option<String> {
    let mut seen = HashSet::new();
    let mut ids = controls.iter().filter_map(|control| control["custom_id"].as_str());
    ids.find(|id| !seen.insert(*id)).map(|id| format!("/components: the custom_id {id:?} is there twice"))
}

fn control(control: &Value) -> Option<String> {
    let name = control["label"].as_str().or(control["custom_id"].as_str()).unwrap_or("without label");
    match control["type"].as_u64()? {
        2 => {
            let link = control["style"] == 5;
            if link != control["url"].is_string() || link == control["custom_id"].is_string() {
                return Some(format!("the button {name:?}: a link has a url, all others a custom_id"));
            }
            (control["label"].as_str().is_none_or(str::is_empty) && control["emoji"].is_null())
                .then(|| format!("the button {name:?}: it has neither label nor emoji"))
        }
        3 => {
            let options = control["options"].as_array()?;
            if options.is_empty() || options.len() > 25 {
                return Some(format!("the menu {name:?}: {} options; 1 to 25 are allowed", options.len()));
            }
            let mut seen = HashSet::new();
            let twice = options.iter().find(|option| !seen.insert(option["value"].as_str()));
            twice.map(|option| format!("the menu {name:?}: the value {} is there twice", option["value"]))
        }
        _ => None,
    }
}

fn files(attachments: &Value) -> Option<String> {
    let listed = attachments.as_array()?;
    (listed.len() > 10).then(|| format!("/attachments: {} files; at most 10 are allowed", listed.len()))
}

/// What is wrong with a form.
pub fn modal(data: &Value) -> Option<String> {
    let rows = data["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() || rows.len() > 5 {
        return Some(format!("/data/components: {} fields; a form has 1 to 5", rows.len()));
    }
    let inputs = controls(data);
    let long =
        inputs.iter().find(|one| one["label"].as_str().is_some_and(|label| label.chars().count() > 45));
    long.map(|one| format!("/data/components: the label {} is longer than 45", one["label"]))
        .or_else(|| unique(&inputs))
}

/// What is wrong with suggestions.
pub fn choices(data: &Value) -> Option<String> {
    let choices = data["choices"].as_array()?;
    if choices.len() > 25 {
        return Some(format!("/data/choices: {} suggestions; at most 25 are allowed", choices.len()));
    }
    let long =
        |value: &Value| value.as_str().is_some_and(|text| text.is_empty() || text.chars().count() > 100);
    let wrong = choices.iter().find(|choice| long(&choice["name"]) || long(&choice["value"]));
    wrong.map(|choice| format!("/data/choices: {choice} has a name or value that isn't 1 to 100 characters"))
}

/// What is wrong with the whole set of commands of a place.
pub fn commands(commands: &[Value]) -> Option<String> {
    for (kind, most) in [(1, 100), (2, 15), (3, 15)] {
        let all: Vec<_> = commands.iter().filter(|one| one["type"].as_u64().unwrap_or(1) == kind).collect();
        if all.len() > most {
            return Some(format!("{} commands of type {kind}; at most {most} are allowed", all.len()));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = all.iter().find(|one| !seen.insert(one["name"].as_str())) {
            return Some(format!("the command {} is there twice", twice["name"]));
        }
    }
    commands.iter().find_map(command)
}

fn command(one: &Value) -> Option<String> {
    let name = one["name"].as_str().unwrap_or_default();
    let typed = one["type"].as_u64().unwrap_or(1) == 1;
    if !typed && one["description"].as_str().is_some_and(|text| !text.is_empty()) {
        return Some(format!("the command {name:?}: only a typed command has a description"));
    }
    let total = weight(one);
    if total > 8_000 {
        return Some(format!("the command {name:?}: {total} characters in all; at most 8000 are allowed"));
    }
    named(one, typed).or_else(|| options(name, &one["options"]))
}

/// Names in lower case letters, digits, `-` and `_`; languages that Discord knows.
fn named(one: &Value, typed: bool) -> Option<String> {
    let name = one["name"].as_str().unwrap_or_default();
    let translated = one["name_localizations"].as_object();
    let names = translated.into_iter().flatten().filter_map(|(_, name)| name.as_str());
    // Letters of languages without case, with the signs that belong to them, are fine as they are.
    let fits = |letter: char| letter.is_alphanumeric() || "-_'".contains(letter) || is_sign(letter);
    for name in std::iter::once(name).chain(names).filter(|_| typed) {
        let length = name.chars().count();
        if length == 0 || length > 32 || !name.chars().all(fits) || name.to_lowercase() != *name {
            return Some(format!(
                "the name {name:?}: 1 to 32 lower case letters, digits, - and _ are allowed"
            ));
        }
    }
    let described = one["description"].as_str().is_some_and(|text| (1..=100).contains(&text.chars().count()));
    if typed && !described {
        return Some(format!("{name:?}: it needs a description of 1 to 100 characters"));
    }
    let languages = ["name_localizations", "description_localizations"].map(|field| one[field].as_object());
    let mut languages = languages.into_iter().flatten().flat_map(|all| all.keys());
    let unknown = languages.find(|language| !LOCALES.contains(&language.as_str()));
    unknown.map(|language| format!("{name:?}: Discord has no language {language:?}"))
}

/// Vowel signs and tone marks of Devanagari and Thai, which names may hold.
fn is_sign(letter: char) -> bool {
    matches!(letter, '\u{900}'..='\u{97f}' | '\u{e00}'..='\u{e7f}')
}

fn options(command: &str, options: &Value) -> Option<String> {
    let (mut seen, mut optional) = (HashSet::new(), false);
    for option in options.as_array()? {
        let name = option["name"].as_str().unwrap_or_default();
        if !seen.insert(name) {
            return Some(format!("the command {command:?}: the option {name:?} is there twice"));
        }
        let required = option["required"] == true;
        if required && optional {
            return Some(format!(
                "the command {command:?}: {name:?} is required, and comes after one that isn't"
            ));
        }
        optional |= !required;
        if option["autocomplete"] == true && option["choices"].as_array().is_some_and(|all| !all.is_empty()) {
            return Some(format!("the command {command:?}: {name:?} has both choices and autocomplete"));
        }
        if let Some(wrong) = named(option, true).or_else(|| self::options(command, &option["options"])) {
            return Some(wrong);
        }
    }
    None
}

/// Name, description and values of a command and all below it, in whichever language is longest.
fn weight(one: &Value) -> usize {
    let longest = |plain: &str, translated: &str| {
        let texts = one[translated].as_object().into_iter().flatten().map(|(_, text)| text);
        let texts = texts.chain(std::iter::once(&one[plain])).filter_map(Value::as_str);
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let own = longest("name", "name_localizations") + longest("description", "description_localizations");
    let value = one["value"].as_str().map_or(0, |text| text.chars().count());
    let below = ["options", "choices"].map(|field| one[field].as_array());
    own + value + below.into_iter().flatten().flatten().map(weight).sum::<usize>()
}
