//! The commands that the bot offers, as Discord is told of them.

mod localised;

use serde_json::{Value, json};

use localised::{LOCALES, MEMBERS};

/// The moderators' command.
pub const MODERATORS: &str = "lantern";
/// The message command for bystanders.
pub const SHARE: &str = "Share support with this person";

/// "Manage Server", without which Discord doesn't show the moderators' command; it is checked again on every call.
const MANAGE_GUILD: &str = "32";

/// Types of options.
const SUBCOMMAND: u8 = 1;
const GROUP: u8 = 2;
const STRING: u8 = 3;
const BOOLEAN: u8 = 5;
const CHANNEL: u8 = 7;
const ROLE: u8 = 8;
const ATTACHMENT: u8 = 11;

/// Every command, to be put in the place of those of an earlier version.
pub fn all() -> Value {
    let mut all: Vec<Value> = MEMBERS.iter().map(member).collect();
    all.push(json!({
        "type": 3,
        "name": SHARE,
        "integration_types": [0],
        "contexts": [0],
    }));
    all.push(moderators());
    all.into()
}

/// A command for everybody, in servers, in direct messages and where somebody has installed it for themselves.
fn member(command: &localised::Command) -> Value {
    let localised = |of: fn(&(&'static str, &'static str)) -> &'static str| -> Value {
        let pairs = LOCALES
            .iter()
            .zip(command.others)
            .map(|(locale, texts)| ((*locale).to_owned(), of(texts).into()));
        Value::Object(pairs.collect())
    };
    let mut made = json!({
        "type": 1,
        "name": command.name,
        "description": command.about,
        "name_localizations": localised(|texts| texts.0),
        "description_localizations": localised(|texts| texts.1),
        "integration_types": [0, 1],
        "contexts": [0, 1, 2],
    });
    if let Some((name, about)) = command.option {
        made["options"] = json!([{"type": STRING, "name": name, "description": about, "autocomplete": true}]);
    }
    made
}

fn option(kind: u8, name: &str, about: &str, required: bool) -> Value {
    json!({"type": kind, "name": name, "description": about, "required": required})
}

fn choices(mut option: Value, names: &[&str]) -> Value {
    option["choices"] =
        names.iter().map(|name| json!({"name": name, "value": name})).collect::<Vec<_>>().into();
    option
}

fn channel(about: &str) -> Value {
    let mut option = option(CHANNEL, "channel", about, false);
    option["channel_types"] = json!([0, 5]);
    option
}

fn below(kind: u8, name: &str, about: &str, options: Vec<Value>) -> Value {
    json!({"type": kind, "name": name, "description": about, "options": options})
}

fn moderators() -> Value {
    let sub = |name: &str, about: &str, options: Vec<Value>| below(SUBCOMMAND, name, about, options);
    let on = || option(BOOLEAN, "on", "On, or off again; on where it is left out", false);
    let guide = || option(STRING, "guide", "The guide's id, such as ketamine", true);
    let language = || option(STRING, "language", "Its language, such as en", false);
    let file = |about: &str, required| option(ATTACHMENT, "file", about, required);
    let kind = || {
        choices(
            option(STRING, "kind", "As what they count", true),
            &["concern", "ideation", "imminent", "harmless"],
        )
    };
    let words = |about: &str| option(STRING, "words", about, true);
    json!({
        "type": 1,
        "name": MODERATORS,
        "description": "For moderators: set up and look after Lantern in this server",
        "default_member_permissions": MANAGE_GUILD,
        "integration_types": [0],
        "contexts": [0],
        "options": [
            sub("setup", "What Lantern does here, and everything that can be chosen", vec![]),
            sub("status", "What is in service, what was chosen, and whether all is well", vec![]),
            below(GROUP, "guides", "Guides: list, look at, put into service, take back", vec![
                sub("list", "The guides in service here", vec![]),
                sub("preview", "What members see at a step", vec![
                    guide(), language(), option(STRING, "step", "The step's id; the first where it is left out", false),
                ]),
                sub("publish", "Put your own version of a guide into service, after a check and a look", vec![
                    file("The guide's page, a .md file", true),
                ]),
                sub("rollback", "Put an earlier text of a guide back", vec![
                    guide(), language(),
                    option(STRING, "to", "Which text, or operator; the one before where it is left out", false),
                    option(BOOLEAN, "withdraw", "Nobody goes on with the text that is in service now", false),
                ]),
            ]),
            sub("check", "Check a guide's page, and change nothing", vec![
                file("The page, a .md file", false),
                option(STRING, "text", "Or its text; with neither, a form opens", false),
            ]),
            sub("reload", "Take up scripts that were changed on the disk", vec![]),
            sub("resources", "Whom people are told to contact, with evidence and dates", vec![
                option(STRING, "country", "Its name or two letters; this server's where it is left out", false),
            ]),
            sub("country", "Whose numbers are shown until a person names their country", vec![
                option(STRING, "name", "Its name or two letters; none where it is left out", false),
            ]),
            sub("language", "The language until a person chooses another", vec![
                option(STRING, "name", "Such as en or de; English where it is left out", false),
            ]),
            sub("watch", "Answer people in a channel also when they don't speak to Lantern", vec![
                channel("The channel; this one where it is left out"), on(),
            ]),
            sub("quiet", "Offer nothing in a channel; who speaks to Lantern in danger is answered all the same", vec![
                channel("The channel; this one where it is left out"), on(),
            ]),
            sub("moderators", "A role that may use these commands, beside Manage Server", vec![
                option(ROLE, "role", "The role; none where it is left out", false),
            ]),
            below(GROUP, "alerts", "Tell moderators that somebody seems to be in danger, never what was said", vec![
                sub("set", "Where, and from what on", vec![
                    channel("The channel; this one where it is left out"),
                    choices(option(STRING, "from", "From what on; ideation where it is left out", false), &["concern", "ideation", "imminent"]),
                    option(ROLE, "role", "A role to mention when an act seems near", false),
                ]),
                sub("off", "No more alerts", vec![]),
            ]),
            below(GROUP, "phrases", "Words of this server's own, which can only raise an answer", vec![
                sub("list", "What was added", vec![]),
                sub("add", "Add words", vec![kind(), words("The words, as people write them")]),
                sub("remove", "Take words out again", vec![kind(), words("The words, as the list has them")]),
                sub("test", "What a sentence of your own would be taken for; it is not kept", vec![words("The sentence")]),
            ]),
            sub("audit", "Who changed what, when", vec![]),
            sub("export", "Everything that was chosen, as one file", vec![]),
            sub("bring-back", "What was chosen before Lantern left this server, back again", vec![]),
            sub("import", "Take such a file in the place of what was chosen", vec![file("The file", true)]),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_named_in_discords_languages() {
        let all = all();
        let guide = &all[0];
        assert_eq!(guide["name"], "guide");
        assert_eq!(
            guide["description_localizations"].as_object().map(serde_json::Map::len),
            Some(LOCALES.len())
        );
        for command in MEMBERS {
            for (name, about) in command.others {
                assert!((1..=32).contains(&name.chars().count()), "{name}");
                assert!(!name.contains(' ') && name.to_lowercase() == *name, "{name}");
                assert!((1..=100).contains(&about.chars().count()), "{about}");
            }
        }
    }

    #[test]
    fn only_who_manages_the_server_is_shown_the_moderators_command() {
        let all = all();
        let theirs: Vec<&Value> = all
            .as_array()
            .expect("a list")
            .iter()
            .filter(|one| !one["default_member_permissions"].is_null())
            .collect();
        assert_eq!(theirs.len(), 1);
        assert_eq!(theirs[0]["name"], MODERATORS);
    }
}
