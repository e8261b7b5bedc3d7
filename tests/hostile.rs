//! Whatever comes in: random and hostile text at every door, and no panic behind it.

use std::sync::Arc;

use lantern::library::Library;
use lantern::safety::{Level, Screener};
use lantern::script;
use lantern::shell::store::{Store, memory::MemoryStore};
use lantern::shell::{Settings, pipe};
use proptest::prelude::*;

/// Pieces that guides are made of, and pieces that they must not be made of.
const PIECES: &[&str] = &[
    "---\n",
    "id: tea\n",
    "language: en\n",
    "# Tea\n",
    "## Milk\n",
    "### Deep\n",
    "\n",
    "\n\n",
    "- ",
    "1. ",
    "[a](#tea)",
    "[b](#milk \"x\")",
    "[c](",
    "](",
    "[^1]",
    "[^1]: y\n",
    "(end)\n",
    "(resources)\n",
    "*",
    "**",
    "`",
    "```\n",
    "<b>",
    "<!--",
    "> ",
    "| a |\n",
    "![x](y)",
    "{#id}",
    "\\",
    "\t",
    "    ",
    "***\n",
    "===\n",
    "word ",
    "é",
    "\u{200b}",
    "🙂",
    "\r\n",
    "\u{feff}",
    "&amp;",
    "~~",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_page_is_a_guide_or_diagnostics(picks in proptest::collection::vec(0..PIECES.len(), 0..80)) {
        let page: String = picks.into_iter().map(|pick| PIECES[pick]).collect();
        for text in [page.clone(), format!("---\nid: tea\nlanguage: en\n---\n\n# Tea {{#tea}}\n\n{page}")] {
            if let Err(found) = script::read("tea/en.md", &text) {
                prop_assert!(!found.is_empty());
                prop_assert!(found.iter().all(|one| !one.what.is_empty() && !one.help.is_empty()));
            }
        }
    }

    #[test]
    fn any_text_is_screened_and_explained_alike(text in "\\PC{0,200}") {
        let screener = Screener::builtin();
        prop_assert_eq!(screener.screen(&text), screener.explain(&text).result);
    }

    #[test]
    fn words_that_nobody_sees_hide_nothing(at in 0usize..20, mark in prop::sample::select(vec!['\u{200b}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}'])) {
        let mut text: Vec<char> = "i want to kill myself".chars().collect();
        text.insert(at.min(text.len()), mark);
        let text: String = text.into_iter().collect();
        prop_assert!(Screener::builtin().screen(&text).level >= Level::Ideation, "{text:?}");
    }

    #[test]
    fn a_long_story_around_it_hides_nothing(before in 0usize..40, after in 0usize..40) {
        let story = "we talked about the garden and the weather and what to cook. ";
        let text = format!("{}i want to kill myself. {}", story.repeat(before), story.repeat(after));
        prop_assert!(Screener::builtin().screen(&text).level >= Level::Ideation);
    }

    #[test]
    fn any_lines_leave_the_harness_standing(lines in proptest::collection::vec("\\PC{0,80}|\\{\"id\":1,\"do\":\"(say|choose|wait|state|check|reset)\",\"(person|text|choice|seconds)\":(\"\\PC{0,20}\"|[0-9]{1,20}|null|true)\\}", 0..10)) {
        let store = || Arc::new(MemoryStore::default()) as Arc<dyn Store>;
        let settings = Settings { country: None, language: None, expire: 86_400 };
        let mut out = Vec::new();
        let input = lines.join("\n") + "\n{\"id\":\"last\",\"do\":\"coverage\"}\n";
        pipe::pipe(Library::builtin().clone(), &store, settings, input.as_bytes(), &mut out).expect("it stands");
        let out = String::from_utf8(out).expect("UTF-8");
        prop_assert!(out.lines().last().is_some_and(|line| line.contains("\"last\"") && line.contains("done")), "{out}");
    }
}

#[test]
fn a_megabyte_is_heard_to_its_end() {
    let filler = "nothing to see here, only a very long story about gardens. ";
    let text = filler.repeat(1_000_000 / filler.len()) + "i want to kill myself";
    assert!(Screener::builtin().screen(&text).level >= Level::Ideation);
}
