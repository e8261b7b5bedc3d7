//! Each rule is one file with a bad and a good example: the bad one is found, the good one is clean.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use lantern::diagnostic::{Diagnostic, Severity};
use lantern::library::Library;
use lantern::lint;
use lantern::lint::rules::{Example, RULES, Rule};
use lantern::safety::Screener;
use lantern::shell::community::{Communities, CommunityError};
use lantern::shell::config::Config;
use lantern::shell::store::{Secret, memory::MemoryStore};
use lantern::shell::{Service, Settings};
use lantern::transcript;

/// Rules about what no small text can show; what they say is tested where they are.
const SHOWN_ELSEWHERE: &[(&str, &str)] = &[
    ("S001", "tests/hostile.rs"),
    ("S301", "tests/translate.rs"),
    ("S302", "tests/translate.rs"),
    ("S303", "tests/translate.rs"),
    ("S304", "tests/translate.rs"),
    ("S306", "tests/translate.rs"),
    ("S307", "tests/translate.rs"),
    ("S405", "src/safety/resource/tests.rs"),
    ("S509", "src/safety/compile.rs"),
    ("T003", "tests/transcripts.rs"),
    ("T004", "tests/proof.rs"),
    ("T005", "src/safety/scorecard.rs"),
];

/// A rule, what is found in its bad example, and what in its good one.
type Tried = (&'static Rule, Vec<Diagnostic>, Vec<Diagnostic>);

fn all() -> &'static [Tried] {
    static ALL: LazyLock<Vec<Tried>> = LazyLock::new(|| {
        RULES.iter().map(|rule| (rule, findings(&rule.bad()), findings(&rule.good()))).collect()
    });
    &ALL
}

fn findings(files: &[Example]) -> Vec<Diagnostic> {
    if files.is_empty() {
        return Vec::new();
    }
    if let [Example { path: "bot.toml", text }] = files {
        return Config::read("bot.toml", text).err().map(|one| *one).into_iter().collect();
    }
    if let [Example { path: "export.json", text }] = files {
        return imported(text);
    }
    if let [Example { path, text }] = files
        && path.starts_with("phrases/")
        && *path != "phrases/local.toml"
    {
        return Screener::read(&[(path, text)]).err().unwrap_or_default();
    }
    let scripts = files.iter().filter(|file| !file.path.ends_with(".chat"));
    let library = match Library::read(scripts.map(|file| (file.path, file.text))) {
        Ok(library) => library,
        Err(found) => return found,
    };
    let mut found = lint::check(&library);
    for file in files.iter().filter(|file| file.path.ends_with(".chat")) {
        match transcript::read(file.path, file.text) {
            Ok(talks) => {
                let library = std::sync::Arc::new(library_of(files));
                found.extend(
                    talks.iter().filter_map(|talk| transcript::play(&library, talk, &|_| None).failure),
                );
            }
            Err(faults) => found.extend(faults),
        }
    }
    found
}

/// What is found in an export when a community takes it over.
fn imported(text: &str) -> Vec<Diagnostic> {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { country: None, language: None, expire: 86_400 };
    let store = std::sync::Arc::new(MemoryStore::default());
    let service = Service::new(Library::builtin().clone(), store, Secret::from_seed(1), settings);
    let communities = Communities::new(folder.path().to_owned(), std::sync::Arc::new(service));
    match communities.import("test-1", "mo", 0, text, &|_| true) {
        Ok(_) => Vec::new(),
        Err(CommunityError::Errors(found)) => found,
        Err(other) => panic!("{other}"),
    }
}

fn library_of(files: &[Example]) -> Library {
    let scripts = files.iter().filter(|file| !file.path.ends_with(".chat"));
    Library::read(scripts.map(|file| (file.path, file.text))).expect("it was read once already")
}

fn drawn(found: &[Diagnostic]) -> String {
    found.iter().map(|one| format!("{one}\n\n")).collect()
}

#[test]
fn every_bad_example_is_found_and_nothing_else_is_wrong_with_it() {
    for (rule, found, _) in all() {
        let bad = rule.bad();
        if bad.is_empty() {
            assert!(
                SHOWN_ELSEWHERE.iter().any(|(code, _)| *code == rule.code),
                "{} has no example",
                rule.code
            );
            continue;
        }
        let own: Vec<&Diagnostic> = found.iter().filter(|one| one.code == rule.code).collect();
        assert!(!own.is_empty(), "{} isn't found in its bad example:\n{}", rule.code, drawn(found));
        // A crisis page of a few lines lacks steps, whatever else it is about.
        let others: Vec<&Diagnostic> = found
            .iter()
            .filter(|one| one.code != rule.code && one.is_error())
            .filter(|one| !(bad[0].path == "crisis/en.md" && one.code == "S017"))
            // What isn't TOML is misread elsewhere, too.
            .filter(|one| !(rule.code == "S501" && one.code.starts_with("S50")))
            .collect();
        assert!(others.is_empty(), "{}'s bad example is also wrong otherwise: {}", rule.code, others[0]);
    }
}

#[test]
fn every_good_example_is_clean() {
    for (rule, _, found) in all() {
        assert!(found.is_empty(), "{}'s good example:\n{}", rule.code, drawn(found));
    }
}

#[test]
fn a_finding_costs_what_its_rule_says() {
    for (rule, found, _) in all() {
        for one in found.iter().filter(|one| one.code == rule.code) {
            assert_eq!(one.severity, rule.severity(), "{}", rule.code);
        }
    }
}

#[test]
fn every_finding_says_what_to_do() {
    for (_, found, _) in all() {
        for one in found {
            assert!(one.help.len() > 8 && !one.what.ends_with('.'), "{one}");
        }
    }
}

#[test]
fn every_code_in_the_program_is_explained_and_every_explanation_is_used() {
    let mut codes = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("lint/rules.rs")
            {
                let text = std::fs::read_to_string(&path).expect("a source file");
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                codes.extend(code.split('"').filter(|word| is_code(word)).map(str::to_owned));
            }
        }
    }
    for code in &codes {
        assert!(Rule::find(code).is_some(), "{code} has no file in src/lint/rules");
    }
    for rule in RULES {
        assert!(codes.contains(rule.code), "{} is explained, and nothing finds it", rule.code);
    }
}

fn is_code(word: &str) -> bool {
    word.len() == 4
        && word.starts_with(['S', 'T', 'C'])
        && word[1..].bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn errors_are_what_hurts_a_reader_and_warnings_what_tires_one() {
    // Nothing about style may ever stop a guide, and nothing about care may pass as style.
    for rule in RULES {
        match &rule.code[..2] {
            "S2" => assert_eq!(rule.severity(), Severity::Warning, "{}", rule.code),
            "S0" => assert!(rule.severity() == Severity::Error || rule.code == "S014", "{}", rule.code),
            _ => {}
        }
    }
}
