//! The HTTP side: every request is read, held against the rules, perhaps made to fail, and answered.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Multipart, Path, RawQuery, State, WebSocketUpgrade};
use axum::http::{HeaderMap, Request as Raw, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use serde_json::{Value, json};

use super::faults::{Bucket, Fault};
use super::log::File;
use super::state::{Asked, Id, World};
use super::{Inner, faults, interactions, routes, socket, validate};

/// What Discord takes at most.
const BODY: usize = 25 * 1024 * 1024;

/// A request that was read and understood.
#[derive(Debug)]
pub struct Request {
    /// `POST /channels/{channel_id}/messages`.
    pub route: String,
    /// The path, cut at its slashes: `["channels", "1", "messages"]`.
    pub parts: Vec<String>,
    pub query: String,
    pub body: Value,
    /// Files with the number that they were sent under.
    pub files: Vec<(Id, File)>,
}

impl Request {
    /// The snowflake at a place of the path; 0 for what isn't one.
    pub fn id(&self, at: usize) -> Id {
        self.parts.get(at).and_then(|part| part.parse().ok()).unwrap_or(0)
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    pub fn ok(body: Value) -> Reply {
        Reply { status: 200, body }
    }

    /// Done, nothing to say.
    pub fn nothing() -> Reply {
        Reply { status: 204, body: Value::Null }
    }

    /// Refused with one of Discord's codes.
    pub fn refused(status: u16, code: u64, message: &str) -> Reply {
        Reply { status, body: json!({"message": message, "code": code}) }
    }

    /// Refused because the request itself is wrong: that fails the test as well.
    pub fn wrong(world: &mut World, request: &Request, complaint: &str) -> Reply {
        world.violations.push(format!(
            "{} {}\n  body: {}",
            request.route,
            complaint,
            shortened(&request.body)
        ));
        let errors = json!({"_errors": [{"code": "INVALID", "message": complaint}]});
        Reply {
            status: 400,
            body: json!({"message": "Invalid Form Body", "code": 50035, "errors": {"body": errors}}),
        }
    }
}

fn shortened(body: &Value) -> String {
    let text = body.to_string();
    if text.chars().count() > 600 {
        format!("{} …", text.chars().take(600).collect::<String>())
    } else {
        text
    }
}

/// All addresses that the fake answers.
pub fn router(inner: Arc<Inner>) -> Router {
    Router::new()
        .route("/gateway", any(connect))
        .route("/resume", any(connect_again))
        .route("/attachments/{channel}/{id}/{name}", get(download))
        .fallback(answer)
        .with_state(inner)
}

async fn connect(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response<Body> {
    open(inner, query, upgrade, false)
}

async fn connect_again(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response<Body> {
    open(inner, query, upgrade, true)
}

fn open(
    inner: Arc<Inner>,
    query: Option<String>,
    upgrade: WebSocketUpgrade,
    by_resume_url: bool,
) -> Response<Body> {
    let mut world = inner.lock();
    if world.gateway.closed {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let query = query.unwrap_or_default();
    if !query.split('&').any(|part| part == "v=10") {
        world.violations.push(format!("gateway: connected with {query:?}, which doesn't name version 10"));
    }
    if query.contains("compress=") || query.contains("encoding=etf") {
        world.violations.push(format!("gateway: the fake plays neither compression nor ETF ({query:?})"));
    }
    drop(world);
    upgrade.on_upgrade(move |socket| socket::serve(inner, socket, by_resume_url))
}

async fn download(
    State(inner): State<Arc<Inner>>,
    Path((_, id, _)): Path<(Id, Id, String)>,
) -> Response<Body> {
    match inner.lock().files.get(&id) {
        Some(file) => file.bytes.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn answer(State(inner): State<Arc<Inner>>, raw: Raw<Body>) -> Response<Body> {
    let method = raw.method().to_string();
    let path = raw.uri().path().to_owned();
    let authorization = raw.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let authorization = authorization.unwrap_or_default().to_owned();
    let api =
        path.strip_prefix("/api/v10").and_then(|path| Some((path, validate::operation(&method, path)?)));
    let Some((path, operation)) = api else {
        let violation = format!("{method} {path}: Discord has no such route");
        inner.lock().violations.push(violation);
        inner.changed();
        return respond(&Reply::refused(404, 0, "404: Not Found"), None);
    };
    let mut request = Request {
        route: operation.route.clone(),
        parts: path.split('/').skip(1).map(str::to_owned).collect(),
        query: raw.uri().query().unwrap_or_default().to_owned(),
        body: Value::Null,
        files: Vec::new(),
    };
    if let Err(reason) = read(raw, &mut request).await {
        inner.lock().violations.push(format!("{}: {reason}", request.route));
        inner.changed();
        return respond(&Reply::refused(400, 50109, "The request body contains invalid JSON."), None);
    }
    let (number, fault) = {
        let mut world = inner.lock();
        let now = inner.now();
        let asked = Asked {
            at: now,
            route: request.route.clone(),
            path: path.to_owned(),
            body: request.body.clone(),
            status: 0,
        };
        world.asked.push(asked);
        (world.asked.len() - 1, world.faults.next(&request.route, now))
    };
    inner.changed();

    let complaint = validate::complaint(&operation, &request.body);
    if let Some(Fault::SlowRequest(time)) = fault {
        tokio::time::sleep(time).await;
    }
    let (reply, bucket) = {
        let mut world = inner.lock();
        let now = inner.now();
        match (complaint, &fault) {
            (Some(complaint), _) => (Reply::wrong(&mut world, &request, &complaint), None),
            (None, Some(Fault::Limited { retry_after, global })) => (limited(*retry_after, *global), None),
            (None, Some(Fault::Fails(status))) => (Reply { status: *status, body: Value::Null }, None),
            (None, Some(Fault::Broken)) => (Reply { status: 599, body: Value::Null }, None),
            (None, _) => counted(&mut world, &request, &authorization, now),
        }
    };
    {
        let mut world = inner.lock();
        world.asked[number].status = reply.status;
        if matches!(reply.status, 401 | 403 | 429) {
            world.invalid_requests += 1;
        }
    }
    inner.changed();
    match fault {
        Some(Fault::SlowAnswer(time)) => tokio::time::sleep(time).await,
        // A body that ends in an error breaks the connection without an answer.
        Some(Fault::Broken) => return broken(),
        _ => {}
    }
    respond(&reply, bucket.as_ref())
}

/// Counts the request against its limits, checks who sends it, and does what it asks.
fn counted(
    world: &mut World,
    request: &Request,
    authorization: &str,
    now: Duration,
) -> (Reply, Option<Bucket>) {
    // An interaction's own token is enough; anybody may ask where the gateway is.
    let own = faults::is_interaction(&request.route);
    let open = own || request.route == "GET /gateway";
    let major = match request.parts[0].as_str() {
        "channels" | "guilds" => request.parts.get(1).cloned().unwrap_or_default(),
        _ if own => request.parts[1..3].join("/"),
        _ => String::new(),
    };
    let bucket = world.faults.count(&request.route, &major, now);
    if !open && let Some(wait) = world.faults.count_overall(now) {
        return (limited(wait, true), None);
    }
    if bucket.over {
        return (limited(bucket.reset_after, false), Some(bucket));
    }
    if !open && authorization.strip_prefix("Bot ") != Some(world.token.as_str()) {
        return (Reply::refused(401, 0, "401: Unauthorized"), Some(bucket));
    }
    let reply = interactions::answer(world, request, now).or_else(|| routes::answer(world, request, now));
    let reply = reply.unwrap_or_else(|| {
        world.violations.push(format!("{}: the fake doesn't play this route yet", request.route));
        Reply::refused(404, 0, "404: Not Found")
    });
    (reply, Some(bucket))
}

fn limited(retry_after: Duration, global: bool) -> Reply {
    let message = "You are being rate limited.";
    Reply {
        status: 429,
        body: json!({"message": message, "retry_after": retry_after.as_secs_f64(), "global": global}),
    }
}

/// The body: JSON, or a form with files and `payload_json`.
async fn read(raw: Raw<Body>, request: &mut Request) -> Result<(), String> {
    let kind =
        raw.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("multipart/form-data") {
        let json = kind.starts_with("application/json");
        let bytes = to_bytes(raw.into_body(), BODY).await.map_err(|error| error.to_string())?;
        if !bytes.is_empty() {
            if !json {
                return Err("a body that is neither application/json nor multipart/form-data".to_owned());
            }
            request.body =
                serde_json::from_slice(&bytes).map_err(|error| format!("the body is no JSON: {error}"))?;
        }
        return Ok(());
    }
    let raw = raw.map(|body| Body::new(http_body_util::Limited::new(body, BODY)));
    let mut form = Multipart::from_request(raw, &()).await.map_err(|error| error.to_string())?;
    request.body = json!({});
    while let Some(field) = form.next_field().await.map_err(|error| error.to_string())? {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|error| error.to_string())?;
        let number = name.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']'));
        if name == "payload_json" {
            request.body =
                serde_json::from_slice(&bytes).map_err(|error| format!("payload_json: {error}"))?;
        } else if let (Some(number), Some(file)) = (number.and_then(|number| number.parse().ok()), file) {
            request.files.push((number, File { name: file, bytes: bytes.to_vec() }));
        } else {
            return Err(format!("the field {name:?} of the form is neither payload_json nor files[n]"));
        }
    }
    Ok(())
}

fn respond(reply: &Reply, bucket: Option<&Bucket>) -> Response<Body> {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: String| {
        headers.insert(name, value.parse().expect("a plain value"));
    };
    if let Some(bucket) = bucket {
        put("x-ratelimit-limit", bucket.limit.to_string());
        put("x-ratelimit-remaining", bucket.remaining.to_string());
        put("x-ratelimit-reset-after", format!("{:.3}", bucket.reset_after.as_secs_f64()));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        put("x-ratelimit-reset", format!("{:.3}", (now + bucket.reset_after).as_secs_f64()));
        put("x-ratelimit-bucket", bucket.name.clone());
    }
    if reply.status == 429 {
        let after = reply.body["retry_after"].as_f64().unwrap_or(1.0);
        put("retry-after", format!("{after:.3}"));
        let global = reply.body["global"] == true;
        put("x-ratelimit-scope", if global { "global" } else { "user" }.to_owned());
        if global {
            put("x-ratelimit-global", "true".to_owned());
        }
    }
    let status = StatusCode::from_u16(reply.status).expect("a status");
    if reply.body.is_null() {
        return (status, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, "application/json".parse().expect("a plain value"));
    (status, headers, reply.body.to_string()).into_response()
}

/// The head of an answer, and then the connection breaks: no client takes that for an answer.
fn broken() -> Response<Body> {
    let stream =
        futures_util::stream::once(async { Err::<Vec<u8>, _>(std::io::Error::other("broken on purpose")) });
    Body::from_stream(stream).into_response()
}
