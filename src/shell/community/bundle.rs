//! Everything that a community has chosen as one document, and such a document put in the place of what is there: the
//! whole, or nothing of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{CommunityError, SCRIPTS, SETTINGS, Settings};
use crate::diagnostic::{Diagnostic, Source};
use crate::shell::workbench::revisions::write_whole;

/// The layout of the document.
const VERSION: u32 = 1;
/// What people are shown as the document's name.
const SHOWN: &str = "export.json";
/// The code of what can be wrong with it.
const CODE: &str = "C002";
/// A document that is ready to be taken: from when this folder has its name, it will be.
const READY: &str = "import.ready";
/// One that is still being written.
const BESIDE: &str = "import.new";

/// What stands in the document.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    /// The layout.
    lantern_community: u32,
    #[serde(default)]
    settings: Settings,
    /// Paths and texts.
    #[serde(default)]
    scripts: BTreeMap<String, String>,
}

/// Writes a document.
pub(super) fn write(settings: &Settings, files: Vec<(String, String)>) -> String {
    let scripts = files.into_iter().collect();
    let bundle = Bundle { lantern_community: VERSION, settings: settings.clone(), scripts };
    // Nothing in it can fail to be written down.
    serde_json::to_string_pretty(&bundle).unwrap_or_default() + "\n"
}

/// Reads a document: settings, and scripts as path and text, into which nobody has looked yet.
pub(super) fn read(text: &str) -> Result<(Settings, Vec<(String, String)>), CommunityError> {
    let refuse = |one: Diagnostic| CommunityError::Errors(vec![one]);
    let source = Source::new(SHOWN, text);
    let bundle: Bundle = serde_json::from_str(text).map_err(|error| {
        let line =
            text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
        let at = line + error.column().saturating_sub(1);
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default().to_owned();
        let help = "please give the whole text that export wrote, as it is";
        refuse(Diagnostic::error(CODE, what, help).at(&source, at..at + 1))
    })?;
    if bundle.lantern_community != VERSION {
        let what = format!(
            "this is layout {} of an export, and this Lantern knows {VERSION}",
            bundle.lantern_community
        );
        return Err(refuse(
            Diagnostic::error(CODE, what, "please run the Lantern that wrote it").in_file(SHOWN),
        ));
    }
    bundle.settings.check().map_err(|what| {
        refuse(Diagnostic::error(CODE, what, "please mend it under \"settings\"").in_file(SHOWN))
    })?;
    Ok((bundle.settings, bundle.scripts.into_iter().collect()))
}

/// Puts a document that was checked in the place of what is there. Whatever cuts it off, [`finish`] finds either
/// nothing of it or all of it.
pub(super) fn put(folder: &Path, settings: &Settings, files: &[(String, String)]) -> io::Result<()> {
    let beside = folder.join(BESIDE);
    remove(&beside)?;
    write_whole(&beside.join(SETTINGS), &settings.write())?;
    fs::create_dir_all(beside.join(SCRIPTS))?;
    for (path, text) in files {
        write_whole(&beside.join(SCRIPTS).join(path), text)?;
    }
    // One that was ready before is finished by now: whoever changes anything does that first.
    fs::rename(&beside, folder.join(READY))?;
    finish(folder)
}

/// Whether an import is ready and not finished yet.
pub(super) fn is_ready(folder: &Path) -> bool {
    folder.join(READY).is_dir()
}

/// Finishes an import that is ready. Each step can be taken again.
pub(super) fn finish(folder: &Path) -> io::Result<()> {
    if !is_ready(folder) {
        return Ok(());
    }
    let ready = folder.join(READY);
    let (scripts, settings) = (ready.join(SCRIPTS), ready.join(SETTINGS));
    if scripts.is_dir() {
        remove(&folder.join(SCRIPTS))?;
        fs::rename(&scripts, folder.join(SCRIPTS))?;
    }
    if settings.is_file() {
        fs::rename(&settings, folder.join(SETTINGS))?;
    }
    remove(&ready)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
