//! Gathers the scripts that the program is built with, and compiles their phrase lists, so that no start has to.
//!
//! The lists are compiled by the very files of `src/safety` that compile a changed list at run time; here stands only
//! where the result goes. A test in `src/safety/screener.rs` compiles them again and compares, byte for byte.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
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
    pub mod fold;
    mod letters;
    mod level;
    mod notation;
    mod phrase;
    mod search;
    mod words;

    pub use level::{Level, RuleId, Who};
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=scripts");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write"));
    let mut paths = Vec::new();
    gather(&root.join("scripts"), "", &mut paths);
    paths.sort();

    let mut table = String::from("&[\n");
    for path in &paths {
        let file = root.join("scripts").join(path);
        // Writing to memory can't fail.
        let _ = writeln!(table, "    ({path:?}, include_str!({file:?})),");
    }
    table.push(']');
    write(&out.join("scripts.rs"), table.as_bytes());

    let lists: Vec<(&str, String)> = paths
        .iter()
        .filter(|path| path.starts_with("phrases/"))
        .map(|path| {
            let read = fs::read_to_string(root.join("scripts").join(path));
            (path.as_str(), read.unwrap_or_else(|error| panic!("scripts/{path}: {error}")))
        })
        .collect();
    let lists: Vec<(&str, &str)> = lists.iter().map(|(path, text)| (*path, text.as_str())).collect();
    match safety::compile::read(&lists) {
        Ok((compiled, _)) => {
            let bytes = postcard::to_stdvec(&compiled).expect("all of it can be written");
            write(&out.join("phrases.bin"), &bytes);
        }
        Err(faults) => {
            for fault in &faults {
                eprintln!("{fault}\n");
            }
            panic!("the phrase lists in scripts/phrases can't be read; what is wrong stands above");
        }
    }
}

/// The guides, wordings, phrase lists and resources below a folder, by their paths; the rest is for people and tests.
fn gather(folder: &Path, below: &str, paths: &mut Vec<String>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let entry = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let name = entry.file_name().into_string().expect("names of scripts are UTF-8");
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if entry.path().is_dir() {
            gather(&entry.path(), &path, paths);
        } else if !name.starts_with('.')
            && name != "README.md"
            && (name.ends_with(".md") || name.ends_with(".toml"))
        {
            paths.push(path);
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
