//! `lantern store`: looking after the store.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use lantern::shell::config::Config;
use lantern::shell::store::sled;

use super::StoreCommand;

pub(super) fn look_after(config: &Config, command: StoreCommand) -> Result<ExitCode> {
    let limit = Duration::from_secs(config.store.open_seconds);
    let at = |dir: Option<PathBuf>| dir.unwrap_or_else(|| config.store.path.clone());
    match command {
        StoreCommand::Check { dir } => {
            let report = sled::check(&at(dir), limit)?;
            write!(anstream::stdout(), "{report}")?;
        }
        StoreCommand::Export { file, dir } => {
            let records = sled::export(&at(dir), &file, limit)?;
            writeln!(anstream::stdout(), "{records} sessions written to {}", file.display())?;
        }
        StoreCommand::Import { file, dir } => {
            let records = sled::import(&at(dir), &file, limit)?;
            writeln!(anstream::stdout(), "{records} sessions taken from {}", file.display())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
