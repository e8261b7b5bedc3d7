//! Requests held against Discord's own description of its API (`openapi.json`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::{Value, json};

/// An operation of the description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `POST /channels/{channel_id}/messages`.
    pub route: String,
    method: String,
    template: String,
}

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("openapi.json")).expect("the description is JSON"));

/// Compiled when first needed: each takes some milliseconds.
static COMPILED: LazyLock<Mutex<HashMap<String, Option<Arc<Validator>>>>> = LazyLock::new(Mutex::default);

/// The operation that a request means. Where two match, the one with fewer placeholders is meant.
pub fn operation(method: &str, path: &str) -> Option<Operation> {
    let method = method.to_lowercase();
    let matches = |template: &&String| {
        let (wanted, given) = (template.split('/'), path.split('/'));
        let same =
            |(wanted, given): (&str, &str)| wanted.starts_with('{') && !given.is_empty() || wanted == given;
        template.split('/').count() == path.split('/').count() && wanted.zip(given).all(same)
    };
    let paths = DESCRIPTION["paths"].as_object().expect("paths");
    let known = |template: &&String| !paths[*template][&method].is_null();
    let template = paths.keys().filter(matches).filter(known).min_by_key(|one| one.matches('{').count())?;
    let route = format!("{} {template}", method.to_uppercase());
    Some(Operation { route, method, template: template.clone() })
}

/// What is wrong with a body; nothing when the description agrees with it.
pub fn complaint(operation: &Operation, body: &Value) -> Option<String> {
    let mut compiled = COMPILED.lock().expect("no panic while compiling");
    let validator =
        compiled.entry(operation.route.clone()).or_insert_with(|| compile(operation).map(Arc::new)).clone();
    drop(compiled);
    match validator {
        None if body.is_null() => None,
        None => Some("this request takes no body".to_owned()),
        Some(validator) => {
            let body = as_described(body.clone());
            validator.iter_errors(&body).next().map(|error| sentence(&error))
        }
    }
}

/// Discord's own documentation numbers new files with plain numbers and writes permissions as text; the
/// description has it the other way round. Both are taken.
fn as_described(mut body: Value) -> Value {
    match &mut body {
        Value::Array(all) => all.iter_mut().for_each(|one| *one = as_described(one.take())),
        Value::Object(fields) => {
            if let Some(bits) = fields.get_mut("default_member_permissions")
                && let Some(number) = bits.as_str().and_then(|bits| bits.parse::<u64>().ok())
            {
                *bits = json!(number);
            }
            for file in fields.get_mut("attachments").and_then(Value::as_array_mut).into_iter().flatten() {
                if file["id"].is_u64() {
                    file["id"] = json!(file["id"].to_string());
                }
            }
            if let Some(data) = fields.get_mut("data") {
                *data = as_described(data.take());
            }
        }
        _ => {}
    }
    body
}

/// The schema of an operation's JSON body, with just those components that it leads to.
fn compile(operation: &Operation) -> Option<Validator> {
    let body = &DESCRIPTION["paths"][&operation.template][&operation.method]["requestBody"];
    let schema = &body["content"]["application/json"]["schema"];
    if schema.is_null() {
        return None;
    }
    let (mut named, mut open) = (BTreeSet::new(), vec![schema]);
    let all = &DESCRIPTION["components"]["schemas"];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(values) => open.extend(values),
            Value::Object(fields) => {
                let name = fields.get("$ref").and_then(Value::as_str);
                let name = name.and_then(|name| name.strip_prefix("#/components/schemas/"));
                if let Some(name) = name.filter(|name| named.insert((*name).to_owned())) {
                    open.push(&all[name]);
                }
                open.extend(fields.values());
            }
            _ => {}
        }
    }
    let components: BTreeMap<_, _> = named.iter().map(|name| (name, &all[name])).collect();
    let schema = json!({"allOf": [schema], "components": {"schemas": components}});
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_ignore_unknown_formats(true);
    Some(options.build(&schema).expect("the description compiles"))
}

/// Says where and what, looking into alternatives for the one that was meant.
fn sentence(error: &ValidationError<'_>) -> String {
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) =
        error.kind()
    else {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "the body".to_owned() } else { place };
        let mut what = error.masked().to_string();
        let value: String = error.instance().to_string().chars().take(120).collect();
        // Masking hides the value, which may be long; its beginning is worth seeing.
        what = what.replacen("value", "it", 1);
        return format!("{place}: {what} ({value})");
    };
    // Of several kinds of thing that it could be, the one whose `type` fits was meant; after that, the one
    // that is right for longest.
    let wrong_kind = |errors: &Vec<ValidationError<'_>>| {
        let path = error.instance_path().to_string();
        errors.iter().any(|one| {
            let own = one.instance_path().to_string();
            let kind = own.strip_prefix(&path).unwrap_or(&own);
            kind == "/type" || kind.is_empty() && matches!(one.kind(), ValidationErrorKind::Type { .. })
        })
    };
    let meant = context.iter().filter(|errors| !errors.is_empty()).min_by_key(|errors| {
        let deepest = errors.iter().map(|one| one.instance_path().to_string().matches('/').count()).max();
        (wrong_kind(errors), std::cmp::Reverse(deepest))
    });
    match meant.and_then(|errors| errors.first()) {
        Some(inner) => sentence(inner),
        None => format!("{}: none of the allowed forms", error.instance_path()),
    }
}
