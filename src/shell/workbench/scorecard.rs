//! `lantern test --safety`: reads a folder of cases, `<language>/<group>.txt`, and its floors.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::diagnostic::Diagnostic;
use crate::safety::scorecard::Group;

/// The file of floors: a group's name, and how many of its lines must be right.
pub const FLOORS: &str = "floors.toml";

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Cases {
    /// Every group that can be read, by language and name.
    pub groups: Vec<Group>,
    /// The floors, where the folder has some.
    pub floors: Option<BTreeMap<String, usize>>,
    /// What can't be read.
    pub found: Vec<Diagnostic>,
}

/// Reads a folder of cases.
///
/// # Errors
///
/// A folder or file that can't be opened.
pub fn read(folder: &Path) -> io::Result<Cases> {
    let mut cases = Cases::default();
    for language in sorted(folder)?.iter().filter(|path| path.is_dir()) {
        for file in sorted(language)?.iter().filter(|path| path.extension().is_some_and(|it| it == "txt")) {
            let last = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("{}/{}", last(language), last(file));
            match Group::read(&name, &file.display().to_string(), &fs::read_to_string(file)?) {
                Ok(group) => cases.groups.push(group),
                Err(faults) => cases.found.extend(faults),
            }
        }
    }
    let floors = folder.join(FLOORS);
    if floors.is_file() {
        match toml::from_str(&fs::read_to_string(&floors)?) {
            Ok(read) => cases.floors = Some(read),
            Err(error) => cases.found.push(
                Diagnostic::error(
                    "T005",
                    error.message().to_owned(),
                    "write a line such as \"en/goodbye\" = 20",
                )
                .in_file(&floors.display().to_string()),
            ),
        }
    }
    Ok(cases)
}

fn sorted(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
