//! The handbook, `scripts/README.md`: every page in it is sound, every conversation goes as it is printed, every command
//! says what it shows, and every rule is in its table.

mod support;

use std::fs;
use std::path::Path;

use lantern::lint::rules::{RULES, fences};
use support::{complaint, run, text};

const HANDBOOK: &str = include_str!("../scripts/README.md");

/// A folder with the guides of the handbook in `scripts`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in fences(HANDBOOK) {
        let path = folder.path().join("scripts").join(file.path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, file.text).expect("a file");
    }
    // What the chapter about changing publishes: the same guide with one more sentence.
    let page = fs::read_to_string(folder.path().join("scripts/sleep/en.md")).expect("the first guide");
    fs::create_dir(folder.path().join("new")).expect("a folder");
    let page = page.replace("wake early.", "wake early. That can change.");
    fs::write(folder.path().join("new/sleep.md"), page).expect("a file");
    folder
}

/// A command as the handbook prints it: what is typed into it, and what must be said, in order.
struct Shown {
    command: String,
    typed: String,
    said: Vec<String>,
}

fn shown(block: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ lantern ") {
            all.push(Shown { command: command.to_owned(), typed: String::new(), said: Vec::new() });
            continue;
        }
        let last = all.last_mut().expect("a block begins with a command");
        match line.strip_prefix("> ") {
            Some(typed) => last.typed.push_str(&format!("{typed}\n")),
            // What follows an ellipsis is somewhere behind it, and so is what precedes it.
            None => last
                .said
                .extend(line.split('…').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)),
        }
    }
    all
}

fn is_said(folder: &Path, shown: &Shown) {
    let args: Vec<&str> = shown.command.split_whitespace().collect();
    let output = run(folder, &args, &shown.typed);
    assert!(output.status.success(), "lantern {}: {}", shown.command, complaint(&output));
    let printed = text(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut from = 0;
    for words in &shown.said {
        let Some(at) = printed[from..].find(words.as_str()) else {
            panic!("lantern {} doesn't say {words:?} after byte {from} of:\n{printed}", shown.command);
        };
        from += at + words.len();
    }
}

#[test]
fn every_command_says_what_the_handbook_shows() {
    let folder = folder();
    let blocks: Vec<&str> = HANDBOOK
        .split("````console\n")
        .skip(1)
        .map(|rest| rest.split("````").next().unwrap_or_default())
        .collect();
    assert!(blocks.len() >= 5, "{} blocks", blocks.len());
    for block in blocks {
        for shown in shown(block) {
            is_said(folder.path(), &shown);
        }
    }
}

#[test]
fn every_guide_and_conversation_of_the_handbook_is_sound() {
    let folder = folder();
    let checked = run(folder.path(), &["check", "scripts"], "");
    assert!(text(&checked).contains("0 errors, 0 warnings"), "{}", text(&checked));
    let tested = run(folder.path(), &["test", "scripts"], "");
    assert!(tested.status.success() && text(&tested).contains("0 failed"), "{}", text(&tested));
}

#[test]
fn every_rule_is_in_the_table_with_its_title_and_nothing_else_is() {
    let rows: Vec<&str> = HANDBOOK.lines().filter(|line| line.starts_with("| [")).collect();
    let wanted: Vec<String> = RULES
        .iter()
        .map(|rule| {
            format!(
                "| [{0}](../src/lint/rules/{0}.md) | {1} | {2} |",
                rule.code,
                rule.severity(),
                rule.title()
            )
        })
        .collect();
    assert_eq!(rows, wanted);
}

#[test]
fn every_command_that_the_handbook_names_is_one() {
    let mut named = 0;
    for rest in HANDBOOK.split("`lantern ").skip(1) {
        let command = rest.split(['`', ' ']).next().unwrap_or_default();
        let output = run(Path::new("."), &[command, "--help"], "");
        assert!(output.status.success(), "there is no lantern {command}");
        named += 1;
    }
    assert!(named > 10);
}

#[test]
fn every_message_of_the_ten_mistakes_is_one_that_the_program_says() {
    // The sentences themselves are tried in tests/beginners.rs; here, that the table quotes rules that exist.
    let rows: Vec<&str> =
        HANDBOOK.lines().skip_while(|line| !line.starts_with("| what happened")).skip(2).take(10).collect();
    for row in &rows {
        let code = row.split('|').nth(2).and_then(|cell| cell.split_whitespace().next()).unwrap_or_default();
        assert!(RULES.iter().any(|rule| rule.code == code), "{row}");
    }
    assert_eq!(rows.len(), 10);
}
