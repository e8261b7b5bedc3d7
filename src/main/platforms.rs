//! `lantern run`: the platforms.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use lantern::shell::admin::Operator;
use lantern::shell::community::Communities;
use lantern::shell::config::{Config, StoreKind};
use lantern::shell::store::{Secret, Store, memory::MemoryStore};
use lantern::shell::{Service, run};

/// The fewest threads that answer, on any machine: with one, a library's own tasks were seen to starve the others.
const FEWEST_THREADS: usize = 2;
/// The most: conversations have threads of their own.
const MOST_THREADS: usize = 4;

pub(super) fn serve(config: &Config) -> Result<ExitCode> {
    let library = super::library_in_service(config, false);
    let (store, secret) = match config.store.kind {
        StoreKind::Memory => (Arc::new(MemoryStore::default()) as Arc<dyn Store>, Secret::random()?),
        StoreKind::Sled => super::open_kept(config, &config.store.path),
    };
    let service = Arc::new(Service::new(library, store, secret, super::settings(config)));
    let communities = Arc::new(Communities::new(config.store.path.join("communities"), service.clone()));
    let operator = || {
        config.scripts.is_dir().then(|| Operator {
            scripts: config.scripts.clone(),
            revisions: super::workbench::revisions(config),
        })
    };
    let threads = std::thread::available_parallelism().map_or(FEWEST_THREADS, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.clamp(FEWEST_THREADS, MOST_THREADS))
        .enable_all()
        .build()
        .context("the system gives no threads")?;
    runtime.block_on(run::run(config, service, communities, operator))?;
    // What hangs, such as a store, must not keep the program from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    Ok(ExitCode::SUCCESS)
}
