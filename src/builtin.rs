//! The scripts that the program was built with. They serve where no folder is given, and whatever happens to a folder,
//! its crisis help is never missing.

use std::sync::LazyLock;

/// Their paths.
mod paths {
    macro_rules! scripts {
        ($($path:literal,)*) => { &[$($path),*] };
    }
    pub(super) static ALL: &[&str] = include!("builtin/scripts.rs");
}

/// Their texts, in the same order. They lie apart from the paths, so that whoever looks for one doesn't bring all of them
/// into memory.
mod texts {
    macro_rules! scripts {
        ($($path:literal,)*) => {
            &[$(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/", $path))),*]
        };
    }
    pub(super) static ALL: &[&str] = include!("builtin/scripts.rs");
}

/// All of them, as path and text, in the order of their paths.
pub(crate) static SCRIPTS: LazyLock<Vec<(&str, &str)>> =
    LazyLock::new(|| paths::ALL.iter().copied().zip(texts::ALL.iter().copied()).collect());

/// The phrase lists among them, compiled by `build.rs`: see `safety::compile`.
pub(crate) static COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/phrases.bin"));

/// What was learned from `lessons/` by `build.rs`: see `safety::learned`.
pub(crate) static LEARNED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/learned.bin"));

/// The phrase lists among them, as path and text, in the order of their paths.
pub(crate) fn phrase_lists() -> &'static [(&'static str, &'static str)] {
    let from = SCRIPTS.partition_point(|(path, _)| *path < "phrases/");
    let lists = &SCRIPTS[from..];
    &lists[..lists.partition_point(|(path, _)| path.starts_with("phrases/"))]
}
