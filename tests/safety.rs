//! What the detector can do, one capability a group: `tests/safety/<language>/<group>.txt`.
//!
//! All lines were written for this project; none is a real person's. `lantern test --safety` prints the
//! scorecard. `tests/safety/floors.toml` holds, for each group, how many lines must be right: raise a floor
//! when the detector gets better, never lower it.

use std::path::Path;

use lantern::safety::scorecard::Scorecard;
use lantern::safety::{Level, Screener, Who, lesson};
use lantern::shell::workbench::scorecard::{self, Cases};

#[path = "safety/properties.rs"]
mod properties;

/// The sum of all floors. It only ever grows: who lowers a floor has to lower this as well, and say why. It was 11,257
/// before the cases of later looks became lessons: what is learned by heart is no test. Three harmless lines are the
/// price of what the lessons hear beside the lists.
const FLOORS: usize = 4477;

fn cases() -> Cases {
    read("tests/safety")
}

fn read(folder: &str) -> Cases {
    let cases = scorecard::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
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
fn the_lists_compiled_with_the_program_answer_every_case_as_the_same_lists_read_from_their_text() {
    let fresh = Screener::read_untried(Screener::builtin_files()).unwrap();
    let built = Screener::builtin();
    for case in cases().groups.iter().flat_map(|group| &group.cases) {
        assert_eq!(built.screen(&case.text), fresh.screen(&case.text), "{}", case.text);
        assert_eq!(built.explain(&case.text), fresh.explain(&case.text), "{}", case.text);
    }
}

#[test]
fn an_explanation_ends_in_the_answer_that_a_scan_gives() {
    let screener = Screener::builtin();
    let card = cases();
    let texts = card.groups.iter().flat_map(|group| &group.cases).map(|case| case.text.as_str());
    // A closer look would read this one otherwise, and no list asks for one.
    for text in texts.chain(["creo que me mataré este año"]) {
        assert_eq!(screener.explain(text).result, screener.screen(text), "{text}");
    }
}

#[test]
fn a_start_tries_the_lists_that_somebody_changed_and_a_check_tries_them_all() {
    let with = |path: &str, list: String| -> Vec<(String, String)> {
        let files = Screener::builtin_files().iter();
        files
            .map(|&(p, text)| (p.into(), if p == path { format!("{text}\n{list}") } else { text.into() }))
            .collect()
    };
    let rule = |phrase: &str, example: &str| {
        format!(
            "[[rule]]\nid = \"new\"\nlevel = \"ideation\"\nabout = \"x\"\n\
             phrases = [\"{phrase}\"]\nexamples = [\"{example}\"]\n"
        )
    };
    // The list itself is wrong: both say so.
    let files = with("phrases/sv.toml", rule("zqx flagga", "en annan flagga"));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    for read in [Screener::read, Screener::read_to_serve] {
        let found = read(&files).err().unwrap();
        assert_eq!(
            (found[0].code, found[0].place.as_ref().unwrap().path.as_str()),
            ("S506", "phrases/sv.toml")
        );
    }
    // It spoils a trap of another: only the check says so.
    let files = with("phrases/sv.toml", rule("cat wants", "the cat wants it"));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let found = Screener::read(&files).err().unwrap();
    assert!(found.iter().all(|one| one.place.as_ref().unwrap().path == "phrases/en.toml"), "{}", found[0]);
    assert!(Screener::read_to_serve(&files).is_ok());
}

#[test]
fn of_sentences_that_nothing_was_learned_from_most_cries_are_heard_and_few_others() {
    let card = Scorecard::of(Screener::builtin(), &read("tests/held_out").groups);
    assert!(card.recognised().percent() >= 90.0, "{}", card.recognised());
    assert!(card.quiet().percent() >= 96.5, "{}", card.quiet());
}

#[test]
fn nothing_was_learned_from_the_sentences_that_are_held_out() {
    let folded = |text: &str| Screener::builtin().fold(text).text().to_owned();
    let learned: std::collections::HashSet<String> =
        read("lessons").groups.iter().flat_map(|group| &group.cases).map(|case| folded(&case.text)).collect();
    let both: Vec<String> = read("tests/held_out")
        .groups
        .into_iter()
        .flat_map(|group| group.cases)
        .filter(|case| learned.contains(&folded(&case.text)))
        .map(|case| case.text)
        .collect();
    assert!(both.is_empty(), "{}", both.join("\n"));
}

#[test]
fn what_was_learned_lowers_an_answer_to_a_mention_at_most_and_raises_one_to_a_concern_at_most() {
    let lists = Screener::read_untried(Screener::builtin_files()).unwrap().unlearned();
    for case in cases().groups.iter().flat_map(|group| &group.cases) {
        let (listed, both) = (lists.screen(&case.text), Screener::builtin().screen(&case.text));
        assert!(both.level >= listed.level.min(Level::Mention), "{}: {listed}, {both}", case.text);
        assert!(both.level <= listed.level.max(Level::Concern), "{}: {listed}, {both}", case.text);
        // What a list recognised stays as it is, or becomes a mention.
        let same = listed == both || both.level == Level::Mention && listed.rule == both.rule;
        assert!(listed.level < Level::Concern || same, "{}: {listed}, {both}", case.text);
    }
}

/// A list that knows a wish and a context, and lessons in which the context is sometimes wrong.
fn taught() -> Screener {
    let list = r#"
        language = "en"
        [[rule]]
        id = "wish"
        level = "ideation"
        who = "self"
        about = "wanting to die"
        phrases = ["want to die"]
        examples = ["i want to die"]
        [[rule]]
        id = "sure"
        level = "ideation"
        who = "self"
        certain = true
        about = "meant whatever stands beside it"
        phrases = ["really want to die"]
        examples = ["i really want to die"]
        [[context]]
        id = "laughter"
        to = "mention"
        reach = 6
        about = "somebody laughs"
        phrases = ["laughed"]
        examples = ["i want to die, she laughed"]
    "#;
    let lessons = "= quiet\nthe pirate in my play says i want to die in act two\nwe laughed until i want to die was said\n\
                   my pirate sings i want to die on deck in act one\nthe harbour was nice\nin act two we laughed\n\
                   = recognised self\ni told them i want to die and they just laughed at me\n\
                   they laughed at me when i told them\ni told my mother that i want to die every night\n";
    let lessons = lesson::read("en", "lessons.txt", &lessons.repeat(50)).unwrap();
    Screener::read(&[("phrases/en.toml", list)]).unwrap().taught(&lessons)
}

#[test]
fn words_of_a_list_that_lessons_know_as_harmless_leave_a_mention_and_the_explanation_says_why() {
    let explained = taught().explain("The pirate in my play says: I want to die in act two.");
    assert_eq!(explained.result.level, Level::Mention, "{explained}");
    assert_eq!(explained.result.rule.as_ref().unwrap().as_str(), "en/wish");
    assert!(explained.to_string().contains("the lessons weigh what the lists saw at -"), "{explained}");
}

#[test]
fn a_cry_is_not_doubted_where_it_stands_alone_or_is_certain_or_is_meant_elsewhere_in_the_message() {
    let level = |text: &str| taught().screen(text).level;
    assert_eq!(level("want to die"), Level::Ideation);
    assert_eq!(level("i want to die"), Level::Ideation);
    assert_eq!(level("the pirate in my play says i really want to die in act two"), Level::Ideation);
    let meant = "the pirate in my play says i want to die in act two. i told my mother that i want to die every night";
    assert_eq!(level(meant), Level::Ideation);
}

#[test]
fn a_cry_that_a_context_silenced_is_heard_where_lessons_know_it_as_meant() {
    let lists = taught().unlearned();
    let text = "i told them i want to die and they laughed at me";
    assert_eq!(lists.screen(text).level, Level::Mention);
    let heard = taught().screen(text);
    assert_eq!((heard.level, heard.who), (Level::Concern, Some(Who::Oneself)));
    assert_eq!(heard.rule.unwrap().as_str(), "en/wish");
}

#[test]
fn words_that_stand_in_no_list_are_weighed_and_the_explanation_says_which_told() {
    let lessons = "= recognised self\nder leuchtturm ruft mich heute heim\nder leuchtturm ruft und ich gehe\n\
                   = quiet\nwir sahen heute den hafen\nich gehe heute heim\nsie ruft mich heute an\n";
    let lessons = lesson::read("de", "lessons.txt", &lessons.repeat(50)).unwrap();
    let screener = Screener::read_untried(&[]).unwrap().taught(&lessons);
    let text = "Der LEUCHTTURM ruft mich heute heim";
    let explained = screener.explain(text);
    assert_eq!(
        (explained.result.level, explained.result.who),
        (Level::Concern, Some(Who::Oneself)),
        "{explained}"
    );
    assert_eq!(explained.result.rule.as_ref().unwrap().as_str(), "de/learned");
    let told = explained.learned.clone().unwrap().told;
    assert!(told.iter().any(|(read, weight)| text[read.at.clone()].contains("LEUCHTTURM") && *weight > 0.0));
    assert!(explained.to_string().contains("the lessons weigh it at +"));
    assert_eq!(screener.screen("wir gehen heute an den hafen").level, Level::None);
}

#[test]
fn a_stretch_of_chatter_before_or_after_it_hides_nothing_that_the_lessons_hear() {
    let quiet = "we had a nice lunch at the harbour and then looked at the boats for a while . ".repeat(12);
    let heard: Vec<String> = read("lessons")
        .groups
        .into_iter()
        .filter(|group| group.name == "en/author_a")
        .flat_map(|group| group.cases)
        .filter(|case| {
            let rule = Screener::builtin().screen(&case.text).rule;
            case.text.len() > 80 && rule.is_some_and(|rule| rule.as_str() == "en/learned")
        })
        .map(|case| case.text)
        .take(40)
        .collect();
    assert!(heard.len() > 10, "{}", heard.len());
    let still = |text: &&String| {
        let level = |text: String| Screener::builtin().screen(&text).level;
        level(format!("{quiet}{text}")) >= Level::Mention
            || level(format!("{text} {quiet}")) >= Level::Mention
    };
    let kept = heard.iter().filter(still).count();
    assert!(kept * 10 >= heard.len() * 8, "{kept} of {}", heard.len());
}

#[test]
fn english_before_a_cry_in_another_language_hides_nothing_that_the_lessons_hear() {
    for text in [
        "good night guys, thanks for the raid. io non ci sarò più, pensate voi al cane",
        "thanks for the raid everybody. ich hab allen geschrieben wer den hund nimmt, dann ist es vorbei mit mir",
        "ok good night. não faço falta a ninguém, amanhã acaba",
    ] {
        assert_eq!(Screener::builtin().screen(text).level, Level::Concern, "{text}");
    }
    assert_eq!(Screener::builtin().screen("thanks for the raid everybody, see you").level, Level::None);
}

#[test]
fn a_chinese_cry_that_no_list_knows_is_answered_in_chinese_though_japanese_shares_its_characters() {
    for (text, rule) in [
        ("丧葬费我放枕头下了", "zh/learned"),
        ("下个月的票全退了,用不着了", "zh/learned"),
        ("不能說我還想活下去,我說不出口", "zh/learned"),
        ("もう明日の朝を迎える気がしない、みんなありがとう", "ja/learned"),
    ] {
        let heard = Screener::builtin().screen(text);
        let by = heard.rule.as_ref().map(|rule| rule.as_str());
        assert_eq!((heard.level, by), (Level::Concern, Some(rule)), "{text}");
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

/// A list with two hints and one rule about them.
fn hints(rule: &str) -> Screener {
    let list = format!(
        "language = \"en\"\ntyped = \"better want\"\n\
         [[hint]]\nid = \"gone\"\nabout = \"x\"\nphrases = [\"without me\"]\n\
         [[hint]]\nid = \"relief\"\nabout = \"x\"\nphrases = [\"better\", \"want to be free\"]\n\
         [[rule]]\nid = \"better-gone\"\nlevel = \"concern\"\nabout = \"x\"\ntogether = [\"gone + relief\"]\n\
         examples = [\"better without me\"]\n{rule}"
    );
    match Screener::read(&[("my.toml", &list)]) {
        Ok(screener) => screener.unlearned(),
        Err(faults) => panic!("{}", faults[0]),
    }
}

#[test]
fn hints_are_a_sign_together_in_any_order_and_nothing_alone() {
    let screener = hints("");
    for text in
        ["they'd be better off without me", "Without me. It would be better.", "so much beter without me"]
    {
        assert_eq!(screener.screen(text).level, Level::Concern, "{text}");
    }
    for text in ["better late than never", "they went without me"] {
        assert_eq!(screener.screen(text).level, Level::None, "{text}");
    }
}

#[test]
fn hints_that_stand_far_apart_are_no_sign() {
    let screener = hints("within = 6\n");
    assert_eq!(screener.screen("without me it would be better").level, Level::Concern);
    let far = "without me they went to the shop and bought some better apples";
    assert_eq!(screener.screen(far).level, Level::None);
}

#[test]
fn a_rule_can_ask_for_hints_in_one_sentence() {
    let screener = hints("sentence = true\n");
    assert_eq!(screener.screen("all is better without me").level, Level::Concern);
    assert_eq!(screener.screen("they left without me. The weather is better.").level, Level::None);
}

#[test]
fn a_context_spares_the_rules_that_it_excepts() {
    let context = "[[context]]\nid = \"joke\"\nto = \"none\"\nabout = \"x\"\nphrases = [\"just joking\"]\nreach = 8\n\
                   examples = [\"just joking\"]\n";
    let text = "better without me, just joking";
    assert_eq!(hints(context).screen(text).level, Level::None);
    assert_eq!(hints(&format!("{context}except = [\"better-gone\"]\n")).screen(text).level, Level::Concern);
}

#[test]
fn a_rule_about_a_hint_that_is_not_there_is_reported() {
    let list = "language = \"en\"\n[[hint]]\nid = \"gone\"\nabout = \"x\"\nphrases = [\"without me\"]\n\
                [[rule]]\nid = \"a\"\nlevel = \"concern\"\nabout = \"x\"\ntogether = [\"gone + releif\", \"gone\"]\n\
                examples = [\"x\"]\n";
    let codes: Vec<&str> =
        Screener::read(&[("my.toml", list)]).err().unwrap().iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["S504", "S505"]);
}

#[test]
fn an_explanation_names_the_hints_and_the_words_of_each() {
    let explained = hints("").explain("better without me");
    let said = explained.to_string();
    assert!(
        said.contains("hint en/gone: \"without me\"") && said.contains("hint en/relief: \"better\""),
        "{said}"
    );
}

#[test]
fn slips_strange_letters_and_stray_spaces_hide_nothing() {
    for text in [
        "i wanr to end my lfie",
        "i wan tto die",
        "thinkin about endin my life",
        "gonna end my l🩸fe",
        "i want to di€",
        "want to k¡ll myself",
        "i want to ꓒie",
    ] {
        assert!(Screener::builtin().screen(text).level >= Level::Concern, "{text}");
    }
}
