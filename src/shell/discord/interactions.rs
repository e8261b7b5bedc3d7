//! Interactions over HTTP, as an alternative to the gateway: for hosting behind a load balancer. Each request is signed
//! by Discord; what is not is refused.
//!
//! Source: github.com/discord/discord-api-docs, "Receiving and Responding", "Setting Up an Endpoint".

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::DiscordError;
use super::front::Front;
use super::wire::{Interaction, PING};
use crate::shell::clock;
use crate::shell::config::HttpConfig;
use crate::shell::run::stopped;

/// The longest request that is read, in bytes; Discord's have some tens of thousand.
const LONGEST: usize = 1 << 20;
/// How old a request may be, in seconds: an old one may be somebody's who has seen it go by.
const STALE: u64 = 60;
/// How long an answer is waited for before Discord would give up.
const PATIENCE: Duration = Duration::from_millis(2_800);

struct Door {
    front: Arc<Front>,
    key: VerifyingKey,
}

/// Listens, if that is wanted. Ends with the program.
pub async fn listen(
    config: &HttpConfig,
    front: Arc<Front>,
    mut shutdown: watch::Receiver<bool>,
) -> Result<Option<JoinHandle<()>>, DiscordError> {
    if config.listen.is_empty() {
        return Ok(None);
    }
    let key = key(&config.public_key)?;
    let listener = TcpListener::bind(&config.listen)
        .await
        .map_err(|error| DiscordError::Listen(config.listen.clone(), error))?;
    let router = Router::new()
        .route("/interactions", post(take))
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(Arc::new(Door { front, key }));
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
        stopped(&mut shutdown).await;
    });
    Ok(Some(tokio::spawn(async move {
        // It only ends with the program.
        let _ = serving.await;
    })))
}

/// The application's public key, 64 hexadecimal digits.
fn key(text: &str) -> Result<VerifyingKey, DiscordError> {
    bytes(text).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok()).ok_or_else(|| {
        DiscordError::Setting(
            "http.public_key is not the Public Key of an application, 64 hexadecimal digits".into(),
        )
    })
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Whether Discord signed this, a moment ago.
fn is_genuine(key: &VerifyingKey, headers: &HeaderMap, body: &[u8], now: u64) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(signature), Some(timestamp)) = (header("x-signature-ed25519"), header("x-signature-timestamp"))
    else {
        return false;
    };
    let Some(signature) = bytes::<64>(signature) else { return false };
    let fresh = timestamp.parse::<u64>().is_ok_and(|at| now.abs_diff(at) <= STALE);
    let signed = [timestamp.as_bytes(), body].concat();
    fresh && key.verify_strict(&signed, &Signature::from_bytes(&signature)).is_ok()
}

async fn take(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_genuine(&door.key, &headers, &body, clock::now()) {
        return (StatusCode::UNAUTHORIZED, "this is not signed by Discord").into_response();
    }
    let Ok(interaction) = serde_json::from_slice::<Interaction>(&body) else {
        return (StatusCode::BAD_REQUEST, "this is no interaction").into_response();
    };
    let answer = |value: serde_json::Value| {
        ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
    };
    if interaction.kind == PING {
        return answer(json!({"type": 1}));
    }
    door.front.bot.telemetry.events.inc();
    let (tell, hear) = oneshot::channel();
    door.front.interaction(interaction, Some(tell));
    match timeout(PATIENCE, hear).await {
        Ok(Ok(first)) => answer(first),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "too busy").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn headers(key: &SigningKey, at: u64, body: &[u8]) -> HeaderMap {
        let at = at.to_string();
        let signature = key.sign(&[at.as_bytes(), body].concat());
        let mut headers = HeaderMap::new();
        headers.insert("x-signature-ed25519", hex(&signature.to_bytes()).parse().expect("a header"));
        headers.insert("x-signature-timestamp", at.parse().expect("a header"));
        headers
    }

    #[test]
    fn only_what_discord_signed_just_now_is_genuine() {
        let discord = SigningKey::from_bytes(&[7; 32]);
        let public = key(&hex(discord.verifying_key().as_bytes())).expect("a key");
        let body = br#"{"type":1}"#;
        assert!(is_genuine(&public, &headers(&discord, 1_000, body), body, 1_010));
        assert!(!is_genuine(&public, &headers(&discord, 1_000, body), body, 1_061), "stale");
        assert!(!is_genuine(&public, &headers(&discord, 1_100, body), body, 1_000), "from the future");
        assert!(!is_genuine(&public, &headers(&discord, 1_000, body), br#"{"type":2}"#, 1_000), "changed");
        let other = SigningKey::from_bytes(&[8; 32]);
        assert!(!is_genuine(&public, &headers(&other, 1_000, body), body, 1_000), "somebody else's");
        assert!(!is_genuine(&public, &HeaderMap::new(), body, 1_000), "unsigned");
        let mut half = headers(&discord, 1_000, body);
        half.insert("x-signature-ed25519", "ab".parse().expect("a header"));
        assert!(!is_genuine(&public, &half, body, 1_000), "cut");
    }

    #[test]
    fn a_key_that_is_none_is_told_where_it_stands() {
        for wrong in ["", "abc", &"z".repeat(64)] {
            assert!(key(wrong).expect_err("it is none").to_string().contains("public_key"));
        }
    }
}
