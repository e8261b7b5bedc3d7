//! What must hold whatever is written.

use lantern::safety::{Level, Screener};
use proptest::prelude::*;

const POSITIVE: [&str; 12] = [
    "i want to die",
    "I'm going to kill myself tonight",
    "i can't do this anymore",
    "everyone would be better off without me",
    "my friend wants to kill himself",
    "I have been thinking about suicide",
    "i wrote my suicide note",
    "i took all my pills",
    "I don't want to live anymore",
    "i've been cutting myself again",
    "how many pills does it take to die",
    "I don't trust myself right now",
];

fn screen(text: &str) -> Level {
    Screener::builtin().screen(text).level
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let explained = Screener::builtin().explain(&text);
        prop_assert_eq!(explained.result, Screener::builtin().screen(&text));
        for sign in &explained.signs {
            prop_assert!(text.get(sign.read.at.clone()).is_some());
        }
    }

    #[test]
    fn no_text_made_of_its_own_words_makes_it_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "i", "want", "to", "die", "not", "dont", "k1ll", "k*ll", "myself", "kms", ".", "\"", "死にたい", "k i l l",
                "suicid", "хочу", "умереть", "\u{200b}", "\u{301}", "!", "4", "killmyself", "죽고", "싶어", "||", "ｄｉｅ", "$u1cide",
            ]),
            0..60,
        ),
        separator in prop::sample::select(vec!["", " ", "  ", "\n"]),
    ) {
        let text = words.join(separator);
        prop_assert_eq!(Screener::builtin().explain(&text).result, Screener::builtin().screen(&text));
    }

    #[test]
    fn invisible_characters_hide_nothing(index in 0..POSITIVE.len(), places in prop::collection::vec(0..60usize, 1..6)) {
        let text = POSITIVE[index];
        let mut letters: Vec<char> = text.chars().collect();
        for place in places {
            letters.insert(place.min(letters.len()), '\u{200b}');
        }
        prop_assert_eq!(screen(&letters.into_iter().collect::<String>()), screen(text));
    }

    #[test]
    fn a_long_message_around_it_hides_nothing(index in 0..POSITIVE.len(), before in 0..300usize, after in 0..300usize) {
        let text = POSITIVE[index];
        let calm = "We had soup for lunch and the weather was mild. ";
        let long = format!("{}{text}. {}", calm.repeat(before), calm.repeat(after));
        prop_assert!(screen(&long) >= screen(text));
    }

    #[test]
    fn capitals_and_emphasis_hide_nothing(index in 0..POSITIVE.len(), mark in prop::sample::select(vec!["**", "*", "_", "~~", "||", "`"])) {
        let text = POSITIVE[index];
        prop_assert_eq!(screen(&format!("{mark}{}{mark}", text.to_uppercase())), screen(text));
    }
}

#[test]
fn a_megabyte_of_anything_is_read_in_time_that_grows_with_its_length() {
    for unit in [
        "i dont want to die ",
        "k1ll ",
        "k*l* ",
        "k i l l ",
        "1l1l1l1l ",
        "aiaiaimyself",
        "死にた",
        "a",
        "really just ",
    ] {
        let time = |length: usize| {
            let text = unit.repeat(length / unit.len());
            (0..3)
                .map(|_| {
                    let start = std::time::Instant::now();
                    screen(&text);
                    start.elapsed()
                })
                .min()
                .unwrap_or_default()
        };
        let (short, long) = (time(100_000), time(1_000_000));
        // Ten times the length; forty times leaves room for a busy machine, and none for a square.
        assert!(
            long < short * 40 + std::time::Duration::from_millis(100),
            "{unit:?}: {short:?}, then {long:?}"
        );
    }
}
