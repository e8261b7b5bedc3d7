//! `lantern run`: every platform in one process, until it is told to stop. One that fails takes no other down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::admin::Operator;
use super::community::Communities;
use super::config::Config;
use super::telemetry::{Telemetry, note};
use super::workbench::watch::{Change, Watch};
use super::{Service, clock};

/// How often what has expired is erased.
const SWEEP: Duration = Duration::from_secs(60);
/// How many sessions one sweep erases at most.
const SWEPT_AT_ONCE: usize = 10_000;

/// Why nothing runs.
#[derive(Debug, Error)]
pub enum RunError {
    /// No platform has what it needs to begin.
    #[error("there is nothing to run: {0}")]
    Nothing(String),
    /// The port of the figures can't be opened.
    #[error("{0} can't be listened on ({1}); please choose another under [metrics] listen in bot.toml")]
    Listen(String, std::io::Error),
    /// Everything that ran has ended by a failure.
    #[error("{0}")]
    Ended(String),
}

/// Runs every platform that is set up, until Ctrl-C or SIGTERM.
///
/// # Errors
///
/// Where none is set up, or the last one that ran has failed.
pub async fn run(
    config: &Config,
    service: Arc<Service>,
    communities: Arc<Communities>,
    operator: impl Fn() -> Option<Operator>,
) -> Result<(), RunError> {
    let telemetry = Arc::new(Telemetry::new());
    let (stop, stopped) = watch::channel(false);
    if !config.metrics.listen.is_empty() {
        serve_figures(&config.metrics.listen, telemetry.clone(), stopped.clone()).await?;
    }
    communities.warm();
    communities
        .troubles()
        .iter()
        .for_each(|(id, what)| note("community-trouble", &[("community", id), ("what", what)]));
    let watching = operator().map(|operator| watch_scripts(&service, &communities, operator));
    let mut platforms: JoinSet<(&'static str, Result<(), String>)> = JoinSet::new();
    let mut missing = Vec::new();
    #[cfg(feature = "discord")]
    match super::discord::token(&config.discord) {
        Ok(token) => {
            let parts = super::discord::Parts {
                config: config.discord.clone(),
                token,
                service: service.clone(),
                communities: communities.clone(),
                operator: operator(),
                telemetry: telemetry.clone(),
                shutdown: stopped.clone(),
            };
            platforms.spawn(async move {
                ("discord", super::discord::run(parts).await.map_err(|error| error.to_string()))
            });
        }
        Err(error) => missing.push(error.to_string()),
    }
    #[cfg(feature = "matrix")]
    if config.matrix.homeserver.is_empty() {
        missing.push("for Matrix, please name the homeserver under [matrix] in bot.toml".to_owned());
    } else {
        match super::matrix::Credentials::find(&config.matrix) {
            Ok(credentials) => {
                let parts = super::matrix::Parts {
                    config: config.matrix.clone(),
                    credentials,
                    service: service.clone(),
                    communities: communities.clone(),
                    operator: operator(),
                    telemetry: telemetry.clone(),
                    shutdown: stopped.clone(),
                };
                platforms.spawn(async move {
                    ("matrix", super::matrix::run(parts).await.map_err(|error| error.to_string()))
                });
            }
            Err(error) => missing.push(error.to_string()),
        }
    }
    if platforms.is_empty() {
        return Err(RunError::Nothing(missing.join("; ")));
    }
    note("started", &[("version", &env!("CARGO_PKG_VERSION")), ("platforms", &platforms.len())]);
    let sweeping = tokio::spawn(sweep(service.clone(), communities.clone(), telemetry.clone(), stopped));
    let mut failed = Vec::new();
    let mut asked = false;
    loop {
        tokio::select! {
            () = told_to_stop(), if !asked => {
                asked = true;
                note("stopping", &[]);
                // Whoever listens has ended already, or hears it now.
                let _ = stop.send(true);
            }
            ended = platforms.join_next() => match ended {
                Some(Ok((name, outcome))) => {
                    if let Err(why) = outcome {
                        note("platform-ended", &[("platform", &name), ("why", &why)]);
                        failed.push(why);
                    }
                }
                Some(Err(_)) => failed.push("a platform failed inside; please tell the makers of lantern".to_owned()),
                None => break,
            },
        }
    }
    let _ = stop.send(true);
    sweeping.abort();
    drop(watching);
    // Makes an export if one is due.
    let last = service.clone();
    let _ = tokio::time::timeout(
        Duration::from_secs(1),
        tokio::task::spawn_blocking(move || last.sweep(clock::now(), 1_000)),
    )
    .await;
    note("ended", &[]);
    if asked || failed.is_empty() { Ok(()) } else { Err(RunError::Ended(failed.join("; "))) }
}

/// Waits until the program is to end.
pub async fn stopped(signal: &mut watch::Receiver<bool>) {
    // Where nobody could say so any more, it is ending.
    let _ = signal.wait_for(|stop| *stop).await;
}

/// Waits for Ctrl-C or SIGTERM.
async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Takes up scripts that change on the disk, for the operator and for every community.
fn watch_scripts(
    service: &Arc<Service>,
    communities: &Arc<Communities>,
    operator: Operator,
) -> Option<Watch> {
    let communities = communities.clone();
    let tell = move |change| match change {
        Change::InService => {
            communities.refresh();
            note("scripts-taken-up", &[]);
        }
        Change::Refused(found) => {
            note(
                "scripts-refused",
                &[("errors", &found.iter().filter(|one| one.is_error()).count()), ("see", &"lantern check")],
            );
        }
    };
    Watch::start(service.clone(), &operator.scripts, operator.revisions, tell).ok()
}

/// Erases what has expired, again and again.
async fn sweep(
    service: Arc<Service>,
    communities: Arc<Communities>,
    telemetry: Arc<Telemetry>,
    stopped: watch::Receiver<bool>,
) {
    while !*stopped.borrow() {
        let (service, communities) = (service.clone(), communities.clone());
        let swept = tokio::task::spawn_blocking(move || {
            communities.sweep(clock::now());
            service.sweep(clock::now(), SWEPT_AT_ONCE)
        });
        if let Ok(Err(_)) = swept.await {
            telemetry.store_errors.inc();
            note("sweep-failed", &[]);
        }
        tokio::time::sleep(SWEEP).await;
    }
}

/// Serves health and figures, to this machine.
async fn serve_figures(
    listen: &str,
    telemetry: Arc<Telemetry>,
    mut signal: watch::Receiver<bool>,
) -> Result<SocketAddr, RunError> {
    let failed = |error| RunError::Listen(listen.to_owned(), error);
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .with_state(telemetry);
    let serving =
        axum::serve(listener, router).with_graceful_shutdown(async move { stopped(&mut signal).await });
    tokio::spawn(async move {
        // It only ends with the program.
        let _ = serving.await;
    });
    Ok(at)
}

async fn ready(State(telemetry): State<Arc<Telemetry>>) -> impl IntoResponse {
    if telemetry.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not connected\n")
    }
}

async fn figures(State(telemetry): State<Arc<Telemetry>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], telemetry.text())
}
