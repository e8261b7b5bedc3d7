//! One line of a harness -> a request, or why it is none. Unknown fields are refused.

use serde_json::{Map, Value};

use super::Refusal;
use crate::diagnostic::nearest;
use crate::safety::resource::Country;

/// A request with its id.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    pub id: Value,
    pub what: Do,
}

/// What a harness asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Do {
    Say { person: String, text: String, public: bool, country: Option<Country> },
    Choose { person: String, choice: Pick },
    Wait { seconds: u64 },
    Restart,
    State { person: String },
    Check { text: String, path: Option<String> },
    Coverage,
    Forget { person: String },
    Reset { seed: u64 },
    Bye,
}

/// A choice by its number, from 1, or by its label.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pick {
    Number(usize),
    Label(String),
}

/// Every request with the fields that it can have, besides `id` and `do`.
pub(super) const VERBS: &[(&str, &[&str])] = &[
    ("say", &["person", "text", "public", "country"]),
    ("choose", &["person", "choice"]),
    ("wait", &["seconds"]),
    ("restart", &[]),
    ("state", &["person"]),
    ("check", &["text", "path"]),
    ("coverage", &[]),
    ("forget", &["person"]),
    ("reset", &["seed"]),
    ("bye", &[]),
];

/// Reads a request.
///
/// # Errors
///
/// The id to answer to, null where there is none, and what is wrong.
pub(super) fn read(line: &str) -> Result<Request, (Value, Refusal)> {
    let object: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
        let message = format!("this line is not a JSON object: {error}");
        (
            Value::Null,
            Refusal::new(
                "P001",
                message,
                "send one object a line, such as {\"id\":1,\"do\":\"say\",\"person\":\"p1\",\"text\":\"hi\"}",
            ),
        )
    })?;
    let id = object.get("id").cloned().unwrap_or(Value::Null);
    match (&id, request(&object)) {
        (Value::Number(_) | Value::String(_), Ok(what)) => Ok(Request { id, what }),
        (Value::Number(_) | Value::String(_), Err(refusal)) => Err((id, refusal)),
        _ => Err((
            Value::Null,
            Refusal::new("P002", "there is no id", "give each request an \"id\", a number or a string"),
        )),
    }
}

fn request(object: &Map<String, Value>) -> Result<Do, Refusal> {
    let verbs = || VERBS.iter().map(|(verb, _)| *verb);
    let wrong = |message: String, help: String| Refusal::new("P002", message, help);
    let Some(Value::String(verb)) = object.get("do") else {
        return Err(wrong(
            "there is no \"do\"".into(),
            format!("\"do\" is one of {}", verbs().collect::<Vec<_>>().join(", ")),
        ));
    };
    let Some((_, fields)) = VERBS.iter().find(|(known, _)| known == verb) else {
        let help = nearest(verb, verbs()).map_or_else(
            || format!("\"do\" is one of {}", verbs().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean \"{near}\"?"),
        );
        return Err(wrong(format!("there is no \"do\" of that name: \"{}\"", shorten(verb)), help));
    };
    if let Some(unknown) =
        object.keys().find(|key| !["id", "do"].contains(&key.as_str()) && !fields.contains(&key.as_str()))
    {
        let near = nearest(unknown, fields.iter().copied());
        let help = near.map_or_else(
            || format!("the fields of {verb} are id, do {}", fields.join(", ")),
            |near| format!("did you mean \"{near}\"?"),
        );
        return Err(wrong(format!("{verb} has no field \"{}\"", shorten(unknown)), help));
    }
    let text = |field: &str| match object.get(field) {
        Some(Value::String(text)) => Ok(Some(text.clone())),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(wrong(format!("\"{field}\" is not a string"), format!("send \"{field}\":\"…\""))),
    };
    let needed = |field: &str| {
        text(field)?
            .ok_or_else(|| wrong(format!("{verb} needs \"{field}\""), format!("add \"{field}\":\"…\"")))
    };
    let number = |field: &str| {
        let value = object.get(field).and_then(Value::as_u64);
        value.ok_or_else(|| {
            wrong(format!("{verb} needs \"{field}\", a whole number from 0"), format!("add \"{field}\":1"))
        })
    };
    Ok(match verb.as_str() {
        "say" => Do::Say {
            person: needed("person")?,
            text: needed("text")?,
            public: match object.get("public") {
                None | Some(Value::Null) => false,
                Some(Value::Bool(public)) => *public,
                Some(_) => {
                    return Err(wrong(
                        "\"public\" is not true or false".into(),
                        "send \"public\":true".into(),
                    ));
                }
            },
            country: match text("country")? {
                None => None,
                Some(code) => Some(Country::parse(&code).ok_or_else(|| {
                    wrong(
                        format!("\"{}\" is not a country code", shorten(&code)),
                        "send two letters, such as \"country\":\"GB\"".into(),
                    )
                })?),
            },
        },
        "choose" => Do::Choose {
            person: needed("person")?,
            choice: match object.get("choice") {
                Some(Value::String(label)) => Pick::Label(label.clone()),
                Some(Value::Number(number)) => {
                    Pick::Number(number.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0))
                }
                _ => {
                    return Err(wrong(
                        "choose needs \"choice\", a number or a label".into(),
                        "add \"choice\":1".into(),
                    ));
                }
            },
        },
        "wait" => Do::Wait { seconds: number("seconds")? },
        "restart" => Do::Restart,
        "state" => Do::State { person: needed("person")? },
        "check" => Do::Check { text: needed("text")?, path: text("path")? },
        "coverage" => Do::Coverage,
        "forget" => Do::Forget { person: needed("person")? },
        "reset" => {
            Do::Reset { seed: if object.contains_key("seed") { number("seed")? } else { super::SEED } }
        }
        _ => Do::Bye,
    })
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}
