//! Translations: what a language needs, and how a page that no longer says what its source says is found.

use lantern::diagnostic::Diagnostic;
use lantern::library::Library;
use lantern::lint;
use lantern::script::{self, Language};
use lantern::shell::workbench::translate;

const TEA: &str = "---\nid: tea\nlanguage: en\n---\n\n# Tea\n\nTea is warm. Typing *help now* works.\n\n\
    - [Black](#black)\n- [Green](#green)\n\n## Black\n\nBlack tea is strong.\n\n(end)\n\n\
    ## Green\n\nGreen tea is mild.\n\n(end)\n";

const TEE: &str = "---\nid: tea\nlanguage: de\n---\n\n# Tee {#tea}\n\nTee ist warm. Mit *hilfe jetzt* kommt Hilfe.\n\n\
    - [Schwarz](#black)\n- [Grün](#green)\n\n## Schwarz {#black}\n\nSchwarzer Tee ist stark.\n\n(end)\n\n\
    ## Grün {#green}\n\nGrüner Tee ist mild.\n\n(end)\n";

fn read(files: &[(&str, &str)]) -> Library {
    Library::read(files.iter().copied()).unwrap_or_else(|found| panic!("{}", found[0]))
}

/// What the rules of translation find about the German tea page.
fn findings(english: &str, german: &str, record: Option<&str>) -> Vec<Diagnostic> {
    let mut files = vec![("tea/en.md", english), ("tea/de.md", german)];
    files.extend(record.map(|record| ("tea/de.toml", record)));
    let found = lint::check(&read(&files));
    found
        .into_iter()
        .filter(|one| one.code.starts_with("S3") && one.to_string().contains("tea/de.md"))
        .collect()
}

fn record() -> String {
    let library = read(&[("tea/en.md", TEA), ("tea/de.md", TEE)]);
    let german = library.guide("tea", Some(&Language::new("de"))).expect("it is there");
    let source = translate::source(&library, "tea").expect("it is there");
    translate::record(source, german, None, &[])
}

/// The only finding, by its code.
fn only(english: &str, german: &str, code: &str, what: &str) {
    let found = findings(english, german, Some(&record()));
    let own: Vec<&Diagnostic> = found.iter().filter(|one| one.code == code).collect();
    assert_eq!(own.len(), 1, "{found:?}");
    assert!(own[0].what.contains(what), "{}", own[0]);
}

#[test]
fn a_translation_that_says_what_its_source_says_is_clean() {
    let found = findings(TEA, TEE, Some(&record()));
    assert!(found.is_empty(), "{}", found[0]);
}

#[test]
fn a_step_that_the_translation_lacks_is_named() {
    let english = TEA.to_owned() + "\n## Herbal\n\nNo tea at all.\n\n(end)\n";
    let english = english.replace("- [Green](#green)\n", "- [Green](#green)\n- [Herbal](#herbal)\n");
    only(&english, TEE, "S301", "the step \"herbal\"");
}

#[test]
fn a_step_that_only_the_translation_has_is_named() {
    let german = TEE.replace("- [Grün](#green)\n", "- [Grün](#green)\n- [Kräuter](#herbs)\n")
        + "\n## Kräuter {#herbs}\n\nGar kein Tee.\n\n(end)\n";
    only(TEA, &german, "S302", "the step \"herbs\"");
}

#[test]
fn choices_in_another_order_are_told_since_numbers_would_lead_elsewhere() {
    let german =
        TEE.replace("- [Schwarz](#black)\n- [Grün](#green)", "- [Grün](#green)\n- [Schwarz](#black)");
    only(TEA, &german, "S303", "the step \"tea\"");
}

#[test]
fn a_step_whose_source_has_moved_on_is_stale_and_the_others_are_not() {
    only(&TEA.replace("is strong", "is strong and has caffeine"), TEE, "S304", "the step \"black\"");
}

#[test]
fn a_step_that_was_left_in_the_source_language_is_told() {
    let german = TEE
        .replace("Schwarz {#black}", "Black {#black}")
        .replace("Schwarzer Tee ist stark", "Black tea is strong");
    only(TEA, &german, "S306", "the step \"black\"");
}

#[test]
fn a_translation_without_a_record_is_told_how_to_get_one() {
    let found = findings(TEA, TEE, None);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].code, "S307");
    assert!(found[0].help.contains("lantern translate tea de --done"), "{}", found[0]);
}

#[test]
fn a_guide_in_a_language_without_ears_words_or_help_is_refused() {
    let norwegian = TEE.replace("language: de", "language: nn");
    let found = lint::check(&read(&[("tea/en.md", TEA), ("tea/nn.md", &norwegian)]));
    let refused = found.iter().find(|one| one.code == "S305").expect("it is refused");
    assert!(refused.is_error());
    for path in ["phrases/nn.toml", "wording/nn.toml", "crisis/nn.md"] {
        assert!(refused.what.contains(path), "{refused}");
    }
}

#[test]
fn a_guide_in_a_language_whose_wording_is_only_good_for_a_crisis_is_refused() {
    let french = TEE.replace("language: de", "language: fr");
    let found = lint::check(&read(&[("tea/en.md", TEA), ("tea/fr.md", &french)]));
    let refused = found.iter().find(|one| one.code == "S305").expect("it is refused");
    assert!(refused.what.contains("wording/fr.toml") && !refused.what.contains("crisis/fr.md"), "{refused}");
}

#[test]
fn a_crisis_page_without_its_english_side_steps_is_taken_since_it_is_better_than_none() {
    let library = read(&[]);
    let french = library.crisis(Some(&Language::new("fr")));
    assert!(french.steps().len() < library.crisis(None).steps().len());
    let found = lint::check(&library);
    assert!(found.is_empty(), "{}", found[0]);
}

#[test]
fn a_crisis_wording_that_lacks_a_sentence_is_refused_by_its_name() {
    let french = include_str!("../scripts/wording/fr.toml");
    let torn: String = french
        .lines()
        .filter(|line| !line.starts_with("emergency_other"))
        .map(|l| l.to_owned() + "\n")
        .collect();
    let found = Library::read([("wording/fr.toml", torn.as_str())]).expect_err("it is refused");
    assert!(found[0].what.contains("emergency_other"), "{}", found[0]);
}

#[test]
fn a_skeleton_has_every_step_and_every_link_of_its_source_and_waits_for_words() {
    for source in Library::builtin().guides(&Language::new("en")) {
        let text = translate::skeleton(source, &Language::new("de"));
        let path = format!("{}/de.md", source.id());
        let page = script::read(&path, &text).unwrap_or_else(|found| panic!("{}", found[0]));
        let differs = script::compare::translation(source, &page, None);
        assert!(differs.missing.is_empty() && differs.extra.is_empty(), "{path}: {differs:?}");
        assert_eq!(differs.untranslated.len(), source.steps().len(), "{path}");
        assert!(!text.contains("/en.md"), "{path} leads back into English");
    }
}
