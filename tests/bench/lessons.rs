//! `cargo bench --bench lessons`: what the lessons are worth for words that nobody wrote down.
//!
//! Each author is left out in turn: the program learns from all others, and is asked about the sentences of the one
//! that it doesn't know. Beside it stands what the phrase lists alone hear. Other bots' authors write otherwise still,
//! so `tests/held_out` has sentences that were never learned from at all: `lantern test --safety tests/held_out`.

use std::path::Path;

use lantern::safety::lesson::{self, Lesson};
use lantern::safety::{Level, Screener};
use lantern::shell::workbench::scorecard;

/// The lessons of each author: the same name in another language is the same hand.
fn authors() -> Vec<(String, Vec<Lesson>)> {
    let mut authors: Vec<(String, Vec<Lesson>)> = Vec::new();
    let read = scorecard::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons")).unwrap();
    assert_eq!(read.found, []);
    for group in read.groups {
        let author = match group.name.split_once('/').unwrap() {
            ("en", author) => format!("en, {author}"),
            (_, author) => format!("other languages, {author}"),
        };
        let lessons = lesson::of(group);
        match authors.iter_mut().find(|(known, _)| *known == author) {
            Some((_, all)) => all.extend(lessons),
            None => authors.push((author, lessons)),
        }
    }
    authors
}

fn share(screener: &Screener, lessons: &[&Lesson]) -> f64 {
    let heard = lessons.iter().filter(|lesson| screener.screen(&lesson.text).level >= Level::Concern).count();
    100.0 * heard as f64 / lessons.len().max(1) as f64
}

fn lists() -> Screener {
    Screener::read_untried(Screener::builtin_files()).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

fn main() {
    let authors = authors();
    let alone = lists().unlearned();
    println!("Each author left out in turn; recognised, and answered without need, in percent");
    println!(
        "{:<44} {:>6} {:>8} {:>8} {:>6} {:>8} {:>8}",
        "", "said", "lists", "both", "quiet", "lists", "both"
    );
    let (mut listed, mut both) = (0.0, 0.0);
    for (author, lessons) in &authors {
        let others =
            authors.iter().filter(|(other, _)| other != author).flat_map(|(_, lessons)| lessons.clone());
        let taught = lists().taught(&others.collect::<Vec<_>>());
        let (said, quiet): (Vec<&Lesson>, Vec<&Lesson>) = lessons.iter().partition(|lesson| lesson.crisis);
        let (before, after) = (share(&alone, &said), share(&taught, &said));
        listed += before * said.len() as f64;
        both += after * said.len() as f64;
        println!(
            "{author:<44} {:>6} {before:>8.1} {after:>8.1} {:>6} {:>8.1} {:>8.1}",
            said.len(),
            quiet.len(),
            share(&alone, &quiet),
            share(&taught, &quiet),
        );
    }
    assert!(both > listed, "lessons have to be worth something");
}
