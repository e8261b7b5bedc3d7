//! The direction of the arrows: what features can't hold, these tests do.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn is_shell(path: &Path) -> bool {
    let path = path.to_string_lossy().replace('\\', "/");
    ["src/shell.rs", "src/main.rs"].iter().any(|file| path.ends_with(file))
        || ["src/shell/", "src/main/"].iter().any(|folder| path.contains(folder))
}

/// The lines of code of a file, without comments and tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    code.lines().enumerate().map(|(at, line)| (at + 1, line.split("//").next().unwrap_or(line)))
}

#[test]
fn the_core_has_no_disk_clock_thread_network_or_output() {
    let world = [
        "std::fs",
        "std::io",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant::",
        "println!",
        "eprintln!",
        "print!(",
        "dbg!",
        "tokio",
        "getrandom",
    ];
    for (path, text) in sources("src").into_iter().filter(|(path, _)| !is_shell(path)) {
        for (line, code) in code(&text) {
            for word in world {
                assert!(!code.contains(word), "{}:{line} reaches for {word}", path.display());
            }
        }
    }
}

#[test]
fn nothing_in_the_core_points_at_the_shell() {
    for (path, text) in
        sources("src").into_iter().filter(|(path, _)| !is_shell(path) && !path.ends_with("src/lib.rs"))
    {
        for (line, code) in code(&text) {
            assert!(!code.contains("crate::shell"), "{}:{line}", path.display());
        }
    }
}

#[test]
fn safety_and_scripts_know_nothing_of_the_engine_above_them() {
    for folder in ["src/safety", "src/script"] {
        for (path, text) in sources(folder) {
            for (line, code) in code(&text) {
                for above in ["crate::engine", "crate::lint", "crate::library"] {
                    assert!(!code.contains(above), "{}:{line} points at {above}", path.display());
                }
            }
        }
    }
}

#[test]
fn a_session_has_no_field_for_words_names_or_judgements() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine/session.rs"))
        .expect("the file");
    for (line, code) in
        code(&text).filter(|(_, code)| code.trim_start().starts_with("pub ") && code.contains(':'))
    {
        for word in ["String", "str,", "text", "name:", "score", "f32", "f64"] {
            assert!(!code.contains(word), "line {line} keeps {word}: {code}");
        }
    }
}

#[test]
fn only_main_ends_the_program() {
    for (path, text) in sources("src").into_iter().filter(|(path, _)| !path.ends_with("src/main.rs")) {
        for (line, code) in code(&text) {
            assert!(!code.contains("process::exit"), "{}:{line}", path.display());
        }
    }
}

#[test]
fn nothing_prints_a_persons_words() {
    // Errors of the core carry places in files, never messages; the shell writes replies and nothing else.
    for (path, text) in
        sources("src/shell").into_iter().chain(sources("src").into_iter().filter(|(path, _)| is_shell(path)))
    {
        for (line, code) in code(&text) {
            for word in [
                "eprintln!(\"{text",
                "eprintln!(\"{line",
                "{incoming",
                "{:?}\", incoming",
                "log::",
                "tracing::",
            ] {
                assert!(!code.contains(word), "{}:{line}", path.display());
            }
        }
    }
}

#[test]
fn every_script_is_built_into_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let built_in = lantern::library::Library::builtin_files();
    let mut folders = vec![root.clone()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of scripts") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).expect("below it").to_string_lossy().replace('\\', "/");
            if name.ends_with(".chat") || name.ends_with("README.md") {
                continue;
            }
            count += 1;
            let text = fs::read_to_string(&path).expect("a script");
            assert!(built_in.contains(&(name.as_str(), text.as_str())), "{name} is not built in");
        }
    }
    assert_eq!(count, built_in.len());
}

#[test]
fn text_is_joined_in_the_way_that_a_library_below_matrix_leaves_alone() {
    // With the feature `matrix`, a crate far below adds another `String + T`, and then a formatted text behind `+=` is no longer
    // understood: `push_str` is.
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        for (line, code) in code(&text) {
            let joined = ["+= &", "format!("].concat();
            assert!(!code.contains(&joined), "{}:{line}: please use push_str", path.display());
        }
    }
}
