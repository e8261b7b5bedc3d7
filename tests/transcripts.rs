//! Conversations as tests: what `lantern test` plays, walks, counts, accepts and reports.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lantern::engine::{self, Event, Kind, Session};
use lantern::library::Library;
use lantern::script::{Guide, StepId, Target};
use lantern::shell::workbench::test;
use lantern::transcript::{self, walk};
use proptest::prelude::*;
use support::{complaint, run, text};

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts")
}

#[test]
fn every_shipped_transcript_holds_and_together_they_take_every_choice() {
    let library = Library::builtin();
    let files = test::files(&scripts()).expect("the scripts are here");
    assert!(files.len() >= 6, "{files:?}");
    let report = test::run(library, &files, &test::Options::default());
    for case in &report.cases {
        assert!(case.failures.is_empty(), "{}: {}", case.name, case.failures[0].0);
    }
    assert!(report.passed() && report.unreadable.is_empty());
    let coverage = test::coverage(library, &report);
    let never: Vec<String> = coverage.never.iter().map(ToString::to_string).collect();
    assert!(
        never.is_empty(),
        "lantern test --tour GUIDE takes what no transcript does:\n{}",
        never.join("\n\n")
    );
    assert_eq!((coverage.percent(), coverage.taken), (100, coverage.of));
}

#[test]
fn the_tours_are_as_they_would_be_written_now() {
    let library = Library::builtin();
    // A translation is toured by the tour of the page that it was made from.
    for guide in library.all_guides().filter(|guide| guide.language().as_str() == "en") {
        let path = scripts().join(guide.path().replace(".md", ".tour.chat"));
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let now = test::tour(library, guide.id().as_str(), guide.language()).expect("a guide");
        assert!(
            kept == now,
            "lantern test --tour {} --language {} writes it anew",
            guide.id(),
            guide.language()
        );
    }
}

#[test]
fn a_guide_whose_choice_leads_elsewhere_fails_its_transcript_at_the_line() {
    let page = include_str!("../scripts/ketamine/en.md");
    let wrong = page.replace("- [Nasal spray](#nasal-spray)", "- [Nasal spray](#the-drip)");
    assert_ne!(page, wrong);
    let library = Arc::new(Library::builtin().with_page(&wrong).expect("it is sound, and wrong"));
    let talks =
        transcript::read("ketamine/en.chat", include_str!("../scripts/ketamine/en.chat")).expect("sound");
    let failure = transcript::play(&library, &talks[0], &|_| None).failure.expect("it goes otherwise");
    assert_eq!(failure.code, "T002");
    assert!(failure.what.contains("expected to be at \"nasal-spray\", and is at \"the-drip\""), "{failure}");
    assert!(failure.place.expect("a line").excerpt.contains("(at nasal-spray)"));
}

const TEA: &str = "---\nid: tea\nlanguage: en\n---\n\n# Tea\n\nTea is warm.\n\n- [Take care](#take-care)\n- [I need someone to talk to now](../crisis/en.md)\n\n## Take care\n\nTyping *help now* works at any time.\n\n(end)\n";

/// A folder with a guide about tea and one transcript.
fn tea(chat: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("scripts/tea")).expect("a folder");
    std::fs::write(folder.path().join("scripts/tea/en.md"), TEA).expect("written");
    std::fs::write(folder.path().join("scripts/tea/en.chat"), chat).expect("written");
    folder
}

#[test]
fn a_failure_is_drawn_on_its_line_and_fails_the_command() {
    let folder = tea("## A cup\n\nYou:    start tea\nGuide:  ... Coffee is warm ...\n");
    let output = run(folder.path(), &["test"], "");
    assert_eq!(output.status.code(), Some(1));
    let words = text(&output);
    assert!(words.contains("expected to hear \"Coffee is warm\", and heard \"Tea Tea is warm.\""), "{words}");
    assert!(words.contains("en.chat:4:9") && words.contains("^^^^"), "{words}");
}

#[test]
fn accept_writes_down_what_is_said_now_and_leaves_the_rest_as_it_was() {
    let chat = "# About tea\n\n## A cup\n\nYou:    start tea\nGuide:  ... Coffee ...\n\n(wait 2 hours)\n\nYou:    [Take care]\nGuide:  (at take-care) ... any time ...\n\n## Nothing said yet\n\nYou:    start tea\n\nYou:    take care\n";
    let folder = tea(chat);
    let output = run(folder.path(), &["test", "scripts/tea/en.chat", "--accept"], "");
    assert!(output.status.success(), "{}", text(&output));
    let accepted = std::fs::read_to_string(folder.path().join("scripts/tea/en.chat")).expect("the file");
    assert!(
        accepted.contains("Guide:  (at tea) Tea ...\n        [Take care] [I need someone to talk to now]\n"),
        "{accepted}"
    );
    assert!(
        accepted.contains("(wait 2 hours)") && accepted.contains("Guide:  (at take-care) ... any time ...\n"),
        "{accepted}"
    );
    assert!(accepted.ends_with("You:    take care\nGuide:  (at take-care) Take care ...\n"), "{accepted}");
    let again = run(folder.path(), &["test", "scripts/tea/en.chat"], "");
    assert!(again.status.success(), "{}", text(&again));
}

#[test]
fn a_filter_plays_only_what_it_names_and_says_so_when_that_is_nothing() {
    let folder = tea(
        "## A cup\n\nYou:    start tea\nGuide:  ... Coffee ...\n\n## A pot\n\nYou:    start tea\nGuide:  ... Tea ...\n",
    );
    assert!(run(folder.path(), &["test", "--filter", "pot"], "").status.success());
    assert_eq!(run(folder.path(), &["test", "--filter", "cup"], "").status.code(), Some(1));
    let nothing = run(folder.path(), &["test", "--filter", "kettle"], "");
    assert_eq!(nothing.status.code(), Some(1));
    assert!(complaint(&nothing).contains("no transcript was found whose title has \"kettle\""));
}

#[test]
fn a_choice_that_no_transcript_takes_is_listed_with_its_line() {
    let folder = tea("## A cup\n\nYou:    start tea\n\nYou:    [Take care]\n");
    let output = run(folder.path(), &["test", "--coverage"], "");
    assert_eq!(output.status.code(), Some(1));
    let words = text(&output);
    assert!(
        words.contains("T003: no transcript takes the choice \"I need someone to talk to now\""),
        "{words}"
    );
    assert!(words.contains("tea/en.md:11:3"), "{words}");
}

#[test]
fn results_for_machines_are_well_formed_and_name_what_failed() {
    let folder = tea("## A <cup> & \"saucer\"\n\nYou:    start tea\nGuide:  ... Coffee ...\n");
    run(folder.path(), &["test", "scripts/tea/en.chat", "--junit", "out.xml"], "");
    let xml = std::fs::read_to_string(folder.path().join("out.xml")).expect("written");
    assert!(xml.contains("<testsuites name=\"lantern\" tests=\"1\" failures=\"1\""), "{xml}");
    assert!(xml.contains("name=\"A &lt;cup&gt; &amp; &quot;saucer&quot;\""), "{xml}");
    for tag in ["testsuites", "testsuite", "testcase", "failure"] {
        let open = xml.matches(&format!("<{tag} ")).count();
        assert_eq!(open, xml.matches(&format!("</{tag}>")).count(), "{tag} in {xml}");
    }
}

#[test]
fn a_recorded_conversation_plays_again() {
    let folder = tea("## A cup\n\nYou:    start tea\n");
    let said = "take care\nback\ni want to die\nback\nhelp me\n1\n";
    let output = run(folder.path(), &["chat", "--guide", "tea", "--save", "talk.chat"], said);
    assert!(output.status.success(), "{}", complaint(&output));
    let recorded = std::fs::read_to_string(folder.path().join("talk.chat")).expect("recorded");
    assert!(
        recorded.contains("You:    i want to die\nGuide:  (crisis ideation) (at ideation)"),
        "{recorded}"
    );
    let played = run(folder.path(), &["test", "talk.chat"], "");
    assert!(played.status.success(), "{}\n{recorded}", text(&played));
    let again = run(folder.path(), &["chat", "--guide", "tea", "--save", "talk.chat"], said);
    assert!(!again.status.success() && complaint(&again).contains("talk.chat"), "never over another file");
    assert!(!folder.path().join("lantern-data").exists(), "who records keeps nothing else");
}

#[test]
fn talks_at_random_are_the_same_for_the_same_seed_and_print_themselves_when_they_fail() {
    let library = Library::builtin();
    let en = lantern::script::Language::new("en");
    let (one, two) = (walk::random(library, &en, 7, 20), walk::random(library, &en, 7, 20));
    assert_eq!((one.turns, &one.taken), (two.turns, &two.taken));
    assert_ne!(one.turns, walk::random(library, &en, 8, 20).turns);
    assert!(one.failures.is_empty(), "{}\n{}", one.failures[0].0, one.failures[0].1);
    // Without its phrases nobody is heard, which the walk must notice.
    let deaf = "language = \"en\"\n\n[[rule]]\nid = \"x\"\nlevel = \"concern\"\nabout = \"nothing\"\nphrases = [\"xyzzy plugh\"]\nexamples = [\"xyzzy plugh\"]\n";
    let deaf = Library::read([("phrases/en.toml", deaf), ("tea/en.md", TEA)]);
    let deaf = Arc::new(deaf.unwrap_or_else(|found| panic!("{}", found[0])));
    let found = walk::random(&deaf, &en, 7, 50);
    let (failure, talk) = found.failures.first().expect("nobody was heard");
    assert!(failure.what.contains("a cry for help isn't answered first"), "{failure}");
    assert!(transcript::read("again.chat", talk).is_ok(), "{talk}");
}

/// Two texts of a small guide; the second lacks a step and says other things.
fn edited() -> (Arc<Library>, Arc<Library>) {
    let page = include_str!("../scripts/supporting-someone/en.md");
    let start = page.find("## Going along to a visit").expect("a step");
    let end = page[start..].find("\n## If a treatment").expect("the next") + start + 1;
    let shorter = format!("{}{}", &page[..start], &page[end..])
        .lines()
        .filter(|line| !line.contains("(#going-along)"))
        .collect::<Vec<_>>()
        .join("\n");
    let one = Library::builtin().clone();
    let two = one.with_page(&shorter).unwrap_or_else(|found| panic!("{}", found[0])).succeeding(&one, &[]);
    (one, Arc::new(two))
}

/// What a person does, in any order.
#[derive(Debug, Clone)]
enum Does {
    Takes(usize),
    Back,
    Edits,
    Restarts,
    Cries,
}

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        6 => (0usize..8).prop_map(Does::Takes),
        3 => Just(Does::Back),
        1 => Just(Does::Edits),
        1 => Just(Does::Restarts),
        1 => Just(Does::Cries),
    ]
}

fn step_of(guide: &Guide, id: &StepId) -> usize {
    guide.position(id.as_str()).expect("a step of the guide that they are in")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_the_longest_trail_back_returns_step_by_step_whatever_happens_between(deeds in prop::collection::vec(does(), 1..160)) {
        let (first, second) = edited();
        let mut library = first.clone();
        let turn = |library: &Library, session: Session, kind: Kind<'_>| {
            engine::turn(library, session, &Event { id: 0, at: 1_000, public: false, again: false, country: None, language: None, kind })
        };
        let mut session = turn(&library, Session::default(), Kind::Text("start supporting-someone")).session;
        let guide = first.guide("supporting-someone", None).expect("the guide");
        // What must be true, kept beside it: a stack of steps, and ticks by step.
        let mut here = 0;
        let mut trail: Vec<usize> = Vec::new();
        let mut ticks: BTreeMap<(usize, usize), bool> = BTreeMap::new();
        for deed in deeds {
            match deed {
                Does::Edits => library = second.clone(),
                Does::Restarts => session = Session::decode(&session.encode()).expect("it was written by us"),
                Does::Cries => {
                    let cried = turn(&library, session.clone(), Kind::Text("i want to die"));
                    prop_assert!(cried.replies[0].is_crisis());
                    session = turn(&library, cried.session, Kind::Text("back")).session;
                    prop_assert!(session.crisis.is_none());
                }
                Does::Back => {
                    session = turn(&library, session, Kind::Text("back")).session;
                    here = trail.pop().unwrap_or(here);
                }
                Does::Takes(at) => {
                    let choices = &guide.steps()[here].choices;
                    let Some(choice) = choices.get(at) else { continue };
                    let Target::Step(to) = choice.target else { continue };
                    session = turn(&library, session, Kind::Choose(at)).session;
                    if to == here {
                        let tick = ticks.entry((here, at)).or_default();
                        *tick = !*tick;
                    } else {
                        trail.push(here);
                        here = to;
                    }
                }
            }
            let place = engine::place(&session).expect("they are somewhere");
            prop_assert_eq!(step_of(guide, &place.step), here);
            prop_assert_eq!(session.trail.len(), trail.len());
            prop_assert_eq!(session.ticks.len(), ticks.values().filter(|set| **set).count());
        }
    }
}
