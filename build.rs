//! Compiles the phrase lists that the program is built with, and learns its lessons, so that no start has to.
//!
//! Both is done by the very files of `src/safety` that do it at run time; here stands only where the result goes. Tests in
//! `src/safety/screener.rs` do it again and compare, byte for byte.

use std::path::{Path, PathBuf};
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
    pub mod case;
    mod chance;
    mod chart;
    pub mod compile;
    mod context;
    mod dictionary;
    mod flat;
    pub mod fold;
    mod grams;
    mod hash;
    pub mod learned;
    pub mod lesson;
    mod letters;
    mod level;
    mod listed;
    mod network;
    mod notation;
    mod phrase;
    mod search;
    mod simplified;
    mod table;
    mod tree;
    mod words;

    pub use level::{Concern, Level, RuleId, Who};
}

macro_rules! scripts {
    ($($path:literal,)*) => { &[$($path),*] };
}

/// The paths of all scripts that the program is built with.
const SCRIPTS: &[&str] = include!("src/builtin/scripts.rs");

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=scripts/phrases");
    println!("cargo::rerun-if-changed=lessons");
    let scripts = Path::new(&folder("CARGO_MANIFEST_DIR")).join("scripts");
    let lists = SCRIPTS.iter().filter(|path| path.starts_with("phrases/"));
    let texts: Vec<String> = lists
        .clone()
        .map(|path| {
            fs::read_to_string(scripts.join(path)).unwrap_or_else(|error| panic!("scripts/{path}: {error}"))
        })
        .collect();
    let files: Vec<(&str, &str)> = lists.copied().zip(texts.iter().map(String::as_str)).collect();
    let lists = match safety::compile::read(&files) {
        Ok((compiled, _)) => compiled,
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("{fault}\n"));
            return ExitCode::FAILURE;
        }
    };
    write("phrases.bin", &safety::compile::keep(&lists).expect("all of it can be written"));
    let mut lessons = Vec::new();
    let folders = entries(&Path::new(&folder("CARGO_MANIFEST_DIR")).join("lessons"));
    for language in folders.iter().filter(|path| path.is_dir()) {
        for file in entries(language) {
            let name = language.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text =
                fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            match safety::lesson::read(&name, &file.display().to_string(), &text) {
                Ok(read) => lessons.extend(read),
                Err(faults) => {
                    faults.iter().for_each(|fault| eprintln!("{fault}\n"));
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    let learned = std::thread::scope(|both| {
        let networks = both.spawn(|| safety::lesson::networks(&lessons));
        let weights = safety::lesson::weights(&lessons, &lists);
        safety::learned::Learned { networks: networks.join().expect("the networks learn"), ..weights }
    });
    write("learned.bin", &safety::lesson::keep(&learned).expect("all of it can be written"));
    ExitCode::SUCCESS
}

/// What a folder holds, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = read.map(|entry| entry.expect("a folder can be read").path()).collect();
    paths.sort();
    paths
}

fn write(name: &str, bytes: &[u8]) {
    fs::write(Path::new(&folder("OUT_DIR")).join(name), bytes).expect("cargo's folder can be written");
}

/// A folder that cargo names to build scripts.
fn folder(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
