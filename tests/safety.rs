//! What the detector can do, one capability a group: `tests/safety/<language>/<group>.txt`.
//!
//! All lines were written for this project; none is a real person's. `lantern test --safety` prints the
//! scorecard. `tests/safety/floors.toml` holds, for each group, how many lines must be right: raise a floor
//! when the detector gets better, never lower it.

use std::path::Path;

use lantern::safety::scorecard::Scorecard;
use lantern::safety::{Level, Screener};
use lantern::shell::workbench::scorecard::{self, Cases};

#[path = "safety/properties.rs"]
mod properties;

/// The sum of all floors. It only ever grows: who lowers a floor has to lower this as well, and say why.
const FLOORS: usize = 4468;

fn cases() -> Cases {
    let cases = scorecard::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/safety")).unwrap();
    assert_eq!(cases.found, []);
    cases
}

#[test]
fn every_group_of_cases_keeps_its_floor() {
    let cases = cases();
    let below = Scorecard::of(Screener::builtin(), &cases.groups).below(&cases.floors.unwrap());
    assert!(below.is_empty(), "{}", below.join("\n"));
}

#[test]
fn no_floor_was_lowered() {
    assert!(cases().floors.unwrap().values().sum::<usize>() >= FLOORS);
}

#[test]
fn nearly_everybody_who_should_be_heard_is_and_nearly_nobody_else() {
    let card = Scorecard::of(Screener::builtin(), &cases().groups);
    assert!(card.recognised().percent() >= 98.0, "{}", card.recognised());
    assert!(card.quiet().percent() >= 99.0, "{}", card.quiet());
}

#[test]
fn there_are_sixty_groups_and_fifteen_hundred_cases_in_eighteen_languages() {
    let groups = cases().groups;
    let languages: std::collections::BTreeSet<_> =
        groups.iter().map(|group| group.name.split('/').next().unwrap()).collect();
    assert!(groups.len() >= 60, "{}", groups.len());
    assert!(groups.iter().map(|group| group.cases.len()).sum::<usize>() >= 1500);
    assert_eq!(languages.len(), 18);
}

#[test]
fn whoever_cries_for_help_is_answered_by_the_list_of_their_own_language() {
    let screener = Screener::builtin();
    let (mut right, mut all) = (0, 0);
    for group in cases().groups {
        let language = group.name.split('/').next().unwrap();
        for case in &group.cases {
            let concern = screener.screen(&case.text);
            if let Some(rule) = concern.rule.filter(|_| concern.level >= Level::Concern) {
                // English words are used in every language, and leave a conversation in its own.
                right += usize::from(rule.language() == language || rule.language() == "en");
                all += 1;
            }
        }
    }
    assert!(right * 1000 >= all * 995, "{right} of {all}");
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
