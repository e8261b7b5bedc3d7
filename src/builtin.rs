//! The scripts that the program was built with. They serve where no folder is given, and whatever happens to a folder,
//! its crisis help is never missing.

macro_rules! scripts {
    ($($path:literal,)*) => {
        &[$(($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/", $path)))),*]
    };
}

/// All of them, as path and text, in the order of their paths.
pub(crate) const SCRIPTS: &[(&str, &str)] = include!("builtin/scripts.rs");

/// The phrase lists among them, compiled by `build.rs`: see `safety::compile`.
pub(crate) const COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/phrases.bin"));

/// What was learned from `lessons/` by `build.rs`: see `safety::learned`.
pub(crate) const LEARNED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/learned.bin"));

/// The phrase lists among them, as path and text, in the order of their paths.
pub(crate) fn phrase_lists() -> &'static [(&'static str, &'static str)] {
    let from = SCRIPTS.partition_point(|(path, _)| *path < "phrases/");
    let lists = &SCRIPTS[from..];
    &lists[..lists.partition_point(|(path, _)| path.starts_with("phrases/"))]
}
