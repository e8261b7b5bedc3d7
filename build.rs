//! Compiles the phrase lists that the program is built with, so that no start has to.
//!
//! The lists are compiled by the very files of `src/safety` that compile a changed list at run time; here stands only
//! where the result goes. A test in `src/safety/screener.rs` compiles them again and compares, byte for byte.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

// The program uses more of these files than this script does.
#[allow(dead_code, unreachable_pub)]
#[path = "src/diagnostic.rs"]
mod diagnostic;

#[allow(dead_code, unreachable_pub)]
#[path = "src/safety"]
mod safety {
    mod anchor;
    mod chart;
    pub mod compile;
    mod dictionary;
    mod flat;
    pub mod fold;
    mod letters;
    mod level;
    mod notation;
    mod phrase;
    mod search;
    mod tree;
    mod words;

    pub use level::{Level, RuleId, Who};
}

macro_rules! scripts {
    ($($path:literal,)*) => { &[$($path),*] };
}

/// The paths of all scripts that the program is built with.
const SCRIPTS: &[&str] = include!("src/builtin/scripts.rs");

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=scripts/phrases");
    let scripts = Path::new(&folder("CARGO_MANIFEST_DIR")).join("scripts");
    let lists = SCRIPTS.iter().filter(|path| path.starts_with("phrases/"));
    let texts: Vec<String> = lists
        .clone()
        .map(|path| {
            fs::read_to_string(scripts.join(path)).unwrap_or_else(|error| panic!("scripts/{path}: {error}"))
        })
        .collect();
    let files: Vec<(&str, &str)> = lists.copied().zip(texts.iter().map(String::as_str)).collect();
    match safety::compile::read(&files) {
        Ok((compiled, _)) => {
            let bytes = safety::compile::keep(&compiled).expect("all of it can be written");
            fs::write(Path::new(&folder("OUT_DIR")).join("phrases.bin"), bytes)
                .expect("cargo's folder can be written");
            ExitCode::SUCCESS
        }
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("{fault}\n"));
            ExitCode::FAILURE
        }
    }
}

/// A folder that cargo names to build scripts.
fn folder(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
