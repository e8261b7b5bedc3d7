//! What the detector can do, one capability a group: `tests/safety/<language>/<group>.txt`.
//!
//! A group's first line says what it is for. `= ideation self` before a row of lines says that each of
//! them should be recognised (concern or above counts; another level or person is counted apart),
//! `= quiet` that each should stay below concern, and `= none` that none should even be a mention.
//! All lines were written for this project.
//!
//! `cargo test --test safety -- --nocapture` prints the scorecard. `tests/safety/floors.toml` holds, for
//! each group, how many lines must be right: raise a floor when the detector gets better, never lower it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lantern::safety::{Level, Screener, Who};

#[path = "safety/properties.rs"]
mod properties;

/// What a line should be.
#[derive(Clone, Copy)]
enum Expected {
    Recognised(Level, Option<Who>),
    Quiet,
}

/// What a group came to.
#[derive(Default)]
struct Score {
    lines: usize,
    right: usize,
    off: usize,
    wrong: Vec<String>,
    positive: bool,
}

fn groups() -> BTreeMap<String, Vec<(Expected, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/safety");
    let mut groups = BTreeMap::new();
    for language in
        fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        for file in fs::read_dir(&language).unwrap().map(|entry| entry.unwrap().path()) {
            let text = fs::read_to_string(&file).unwrap();
            let name = format!(
                "{}/{}",
                language.file_name().unwrap().to_string_lossy(),
                file.file_stem().unwrap().to_string_lossy()
            );
            groups.insert(name.clone(), lines(&name, &text));
        }
    }
    groups
}

fn lines(name: &str, text: &str) -> Vec<(Expected, String)> {
    let mut expected = None;
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("= ") {
            Some(what) => {
                expected = Some(parse(what).unwrap_or_else(|| panic!("{name}: what is \"= {what}\"?")))
            }
            None => lines.push((
                expected.unwrap_or_else(|| panic!("{name}: a line before any \"= …\"")),
                line.to_owned(),
            )),
        }
    }
    lines
}

fn parse(what: &str) -> Option<Expected> {
    let mut words = what.split_whitespace();
    let level = match words.next()? {
        "none" | "quiet" => return Some(Expected::Quiet),
        "concern" => Level::Concern,
        "ideation" => Level::Ideation,
        "imminent" => Level::Imminent,
        _ => return None,
    };
    match words.next() {
        Some("self") => Some(Expected::Recognised(level, Some(Who::Oneself))),
        Some("other") => Some(Expected::Recognised(level, Some(Who::Other))),
        None => Some(Expected::Recognised(level, None)),
        Some(_) => None,
    }
}

fn score(lines: &[(Expected, String)]) -> Score {
    let mut score = Score { lines: lines.len(), ..Score::default() };
    for (expected, line) in lines {
        let found = Screener::builtin().screen(line);
        let alarm = found.level >= Level::Concern;
        let right = match expected {
            Expected::Quiet => !alarm,
            Expected::Recognised(level, who) => {
                score.positive = true;
                score.off +=
                    usize::from(alarm && (found.level != *level || who.is_some() && found.who != *who));
                alarm
            }
        };
        score.right += usize::from(right);
        if !right {
            score.wrong.push(format!("{found}: {line}"));
        }
    }
    score
}

/// The 95 % interval of a share, after Wilson (1927).
fn wilson(right: usize, lines: usize) -> (f64, f64) {
    let (n, z) = (lines as f64, 1.959_964);
    let share = right as f64 / n;
    let middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    (100.0 * (middle - half), 100.0 * (middle + half))
}

#[test]
fn every_group_of_cases_keeps_its_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/safety");
    let floors: BTreeMap<String, usize> =
        toml::from_str(&fs::read_to_string(root.join("floors.toml")).unwrap()).unwrap();
    let scores: BTreeMap<String, Score> =
        groups().iter().map(|(name, lines)| (name.clone(), score(lines))).collect();
    println!("{:36} {:>9} {:>7} {:>15} {:>6}", "group", "right", "%", "95 %", "level");
    let mut totals = [(0, 0), (0, 0)];
    for (name, score) in &scores {
        let (low, high) = wilson(score.right, score.lines);
        let share = 100.0 * score.right as f64 / score.lines as f64;
        let right = format!("{}/{}", score.right, score.lines);
        println!("{name:36} {right:>9} {share:>7.1} {low:>7.1}–{high:<7.1} {:>6}", format!("-{}", score.off));
        score.wrong.iter().for_each(|line| println!("    {line}"));
        let total = &mut totals[usize::from(score.positive)];
        *total = (total.0 + score.right, total.1 + score.lines);
    }
    for (what, (right, lines)) in ["quiet where it should be", "recognised"].into_iter().zip(totals) {
        let (low, high) = wilson(right, lines);
        println!(
            "{what}: {right}/{lines}, {:.1} % ({low:.1}–{high:.1})",
            100.0 * right as f64 / lines as f64
        );
    }
    for (name, score) in &scores {
        let floor =
            floors.get(name).unwrap_or_else(|| panic!("{name} has no floor in tests/safety/floors.toml"));
        assert!(score.right >= *floor, "{name}: {} right, and the floor is {floor}", score.right);
    }
    for name in floors.keys() {
        assert!(scores.contains_key(name), "tests/safety/floors.toml has a floor for {name}, which is gone");
    }
}

#[test]
fn the_phrase_lists_of_the_program_pass_their_own_examples_and_traps() {
    if let Err(faults) = Screener::read(Screener::builtin_files()) {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}", faults.join("\n\n"));
    }
}

#[test]
fn an_explanation_says_the_rule_the_words_and_what_defused_them() {
    let text = "Honestly I don't WANT to d1e";
    let explained = Screener::builtin().explain(text);
    assert_eq!(explained.result, Screener::builtin().screen(text));
    let sign = explained.signs.iter().find(|sign| sign.rule.as_str() == "en/wish-to-die").unwrap();
    assert_eq!(&text[sign.read.at.clone()], "WANT to d1e");
    assert_eq!(sign.contexts[0].context.as_str(), "en/denial");
    assert!(explained.to_string().contains("lowered to mention by en/denial"));
}

#[test]
fn a_mistyped_key_is_pointed_at_with_a_hint() {
    let faults =
        Screener::read(&[("my.toml", "language = \"en\"\n[[rule]]\nid = \"a\"\nlevle = \"ideation\"\n")])
            .err()
            .unwrap();
    assert!(faults.iter().any(|fault| fault.code == "S502" && fault.help.contains("\"level\"")));
    assert!(faults.iter().any(|fault| fault.code == "S503" && fault.what.contains("\"about\" is missing")));
}

#[test]
fn an_example_that_is_not_recognised_and_a_trap_that_is_are_both_reported() {
    let list = "language = \"en\"\n[[rule]]\nid = \"a\"\nlevel = \"ideation\"\nabout = \"x\"\n\
                phrases = [\"red flag\"]\nexamples = [\"a blue flag\"]\ntraps = [\"a red flag\"]\n";
    let codes: Vec<&str> =
        Screener::read(&[("my.toml", list)]).err().unwrap().iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["S506", "S507"]);
}
