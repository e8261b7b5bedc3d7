//! A guide that is in service can be changed at noon: nobody's conversation breaks, and nothing broken gets in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lantern::engine::{Kind, Reply};
use lantern::library::Library;
use lantern::script::Language;
use lantern::shell::store::memory::MemoryStore;
use lantern::shell::store::{Secret, Store};
use lantern::shell::workbench::census::{Census, impact};
use lantern::shell::workbench::revisions::{Deed, RevisionError, Revisions};
use lantern::shell::workbench::watch::{Change, Watch, take_up};
use lantern::shell::{Address, Incoming, Service, Settings, library};

const TEA: &str = "---
id: tea
language: en
---

# Tea

Tea is warm.

- [Which kinds?](#kinds)
- [I need someone to talk to now](../crisis/en.md)

## Kinds

Green and black.

- [Forms](#forms)
- [That's enough](#take-care)
- [I need someone to talk to now](../crisis/en.md)

## Forms

Leaves, or a bag.

- [That's enough](#take-care)
- [I need someone to talk to now](../crisis/en.md)

## Take care

A cup for the road. Typing *help now* works at any time.

(end)
";

/// The same without the step about forms.
fn shorter() -> String {
    let start = TEA.find("## Forms").expect("a step");
    let end = TEA.find("## Take care").expect("a step");
    format!("{}{}", &TEA[..start], &TEA[end..]).replace("- [Forms](#forms)\n", "")
}

/// A folder with one guide, its history, and a service that talks it.
struct Desk {
    _folder: tempfile::TempDir,
    scripts: PathBuf,
    revisions: Revisions,
    store: Arc<MemoryStore>,
    service: Arc<Service>,
}

const NOW: u64 = 1_767_225_600;

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().expect("a folder");
        let scripts = folder.path().join("scripts");
        fs::create_dir_all(scripts.join("tea")).expect("a folder");
        fs::write(scripts.join("tea/en.md"), TEA).expect("written");
        let revisions = Revisions::new(&scripts, &folder.path().join("history"));
        let store = Arc::new(MemoryStore::default());
        let service = Desk::service(&scripts, &revisions, store.clone());
        Desk { _folder: folder, scripts, revisions, store, service }
    }

    fn service(scripts: &Path, revisions: &Revisions, store: Arc<MemoryStore>) -> Arc<Service> {
        let mut library = library::load(scripts, false).library.expect("sound scripts");
        revisions.remember(&mut library).expect("the history is written");
        let settings = Settings { country: None, language: None, expire: 86_400 };
        Arc::new(Service::new(Arc::new(library), store, Secret::from_seed(1), settings))
    }

    fn restart(&mut self) {
        self.service = Desk::service(&self.scripts, &self.revisions, self.store.clone());
    }

    fn says(&self, person: &str, text: &str) -> String {
        let from = Address { platform: "test", person, place: "" };
        let incoming = Incoming {
            from,
            event: "",
            public: false,
            again: false,
            at: NOW,
            country: None,
            language: None,
            kind: Kind::Text(text),
        };
        let mut words = String::new();
        self.service.handle(&incoming, &mut |reply: &Reply| {
            words.push_str(&format!("{}\n{}\n", reply.title.as_deref().unwrap_or(""), reply.plain()))
        });
        words
    }

    fn publishes(&self, text: &str, withdraw: bool) {
        self.revisions.publish(text, "mo", NOW, withdraw).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(take_up(&self.service, &self.scripts, &self.revisions), Change::InService);
    }

    fn in_service(&self) -> String {
        let library = self.service.library();
        library.guide("tea", None).expect("the guide").text().to_owned()
    }
}

#[test]
fn a_conversation_finishes_on_the_text_that_it_began_with() {
    let desk = Desk::new();
    desk.says("ann", "start tea");
    desk.says("ann", "which kinds?");
    desk.publishes(&shorter(), false);
    assert!(desk.says("ann", "forms").contains("Leaves, or a bag."), "the step is still there for her");
    assert!(desk.says("ann", "back").contains("Green and black."));
    desk.says("bob", "start tea");
    desk.says("bob", "which kinds?");
    assert!(!desk.says("bob", "forms").contains("Leaves"), "he began with the new one");
    desk.says("ann", "start over");
    desk.says("ann", "which kinds?");
    assert!(!desk.says("ann", "forms").contains("Leaves"), "whoever begins again begins with the new one");
}

#[test]
fn it_finishes_on_it_also_after_a_restart() {
    let mut desk = Desk::new();
    desk.says("ann", "start tea");
    desk.says("ann", "which kinds?");
    desk.publishes(&shorter(), false);
    desk.restart();
    assert!(desk.says("ann", "forms").contains("Leaves, or a bag."));
}

#[test]
fn where_a_text_is_withdrawn_people_are_moved_with_one_kind_sentence() {
    for restarted in [false, true] {
        let mut desk = Desk::new();
        desk.says("ann", "start tea");
        desk.says("ann", "which kinds?");
        desk.says("ann", "forms");
        desk.publishes(&shorter(), true);
        if restarted {
            desk.restart();
        }
        let words = desk.says("ann", "again");
        assert!(words.contains("This guide has changed since you were here"), "{words}");
        assert!(words.contains("Green and black."), "to the nearest step that is left: {words}");
        assert!(!desk.says("ann", "again").contains("has changed"), "it is said once");
    }
}

#[test]
fn crisis_words_are_always_the_newest_also_in_an_old_text() {
    let desk = Desk::new();
    desk.says("ann", "start tea");
    desk.publishes(&shorter(), false);
    let page = include_str!("../scripts/crisis/en.md").replace("I take that seriously", "I take it to heart");
    assert!(page.contains("to heart"));
    fs::create_dir_all(desk.scripts.join("crisis")).expect("a folder");
    fs::write(desk.scripts.join("crisis/en.md"), page).expect("written");
    assert_eq!(take_up(&desk.service, &desk.scripts, &desk.revisions), Change::InService);
    assert!(desk.says("ann", "i want to die").contains("I take it to heart"));
}

#[test]
fn a_broken_edit_changes_nothing_and_says_why() {
    let desk = Desk::new();
    let path = desk.scripts.join("tea/en.md");
    fs::write(&path, TEA.replace("(#forms)", "(#fomrs)")).expect("written");
    match take_up(&desk.service, &desk.scripts, &desk.revisions) {
        Change::Refused(found) => {
            assert!(found[0].to_string().contains("did you mean #forms?"), "{}", found[0])
        }
        Change::InService => panic!("a broken link went into service"),
    }
    assert_eq!(desk.in_service(), TEA);
    let refused = desk.revisions.publish("---\nid: tea\nlanguage: en\n---\n\n# Tea\n", "mo", NOW, false);
    assert!(matches!(refused, Err(RevisionError::Errors(_))));
    assert_eq!(desk.revisions.log(), [], "what was refused was not done");
}

#[test]
fn a_guide_that_could_hurt_somebody_does_not_go_into_service() {
    let desk = Desk::new();
    for (from, to, code) in [
        ("Tea is warm.", "Others have it worse.", "S109"),
        ("Tea is warm.", "Some people think of suicide.", "S117"),
        ("- [I need someone to talk to now](../crisis/en.md)\n", "", "S119"),
        ("Typing *help now* works at any time.", "", "S116"),
    ] {
        // Without the choice that leads to help, the first of these would be mended by it.
        let text = TEA.replace(
            "- [I need someone to talk to now](../crisis/en.md)\n",
            if code == "S117" { "" } else { "- [I need someone to talk to now](../crisis/en.md)\n" },
        );
        let Err(RevisionError::Errors(found)) =
            desk.revisions.publish(&text.replace(from, to), "mo", NOW, false)
        else {
            panic!("{code} went into service");
        };
        assert!(found.iter().any(|one| one.code == code), "{code}: {found:?}");
    }
}

#[test]
fn a_change_is_in_service_within_two_seconds_without_a_restart() {
    let desk = Desk::new();
    desk.says("ann", "start tea");
    desk.says("ann", "which kinds?");
    let told = Arc::new(Mutex::new(Vec::new()));
    let hear = told.clone();
    let watch = Watch::start(desk.service.clone(), &desk.scripts, desk.revisions.clone(), move |change| {
        hear.lock().expect("a lock").push(change);
    })
    .expect("a thread");
    let wait = |done: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !done() && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
        begun.elapsed()
    };
    let path = desk.scripts.join("tea/en.md");
    fs::write(&path, TEA.replace("Tea is warm.", "Tea is hot.")).expect("written");
    let took = wait(&|| desk.in_service().contains("Tea is hot."));
    assert!(took < Duration::from_secs(2), "it took {took:?}");
    fs::write(&path, "# broken").expect("written");
    wait(&|| told.lock().expect("a lock").len() == 2);
    assert!(desk.in_service().contains("Tea is hot."), "the last good one stays");
    drop(watch);
    let told = told.lock().expect("a lock");
    assert_eq!(told[0], Change::InService);
    assert!(matches!(&told[1], Change::Refused(found) if found[0].is_error()));
    assert!(desk.says("ann", "forms").contains("Leaves"), "nobody noticed anything");
}

#[test]
fn an_earlier_text_comes_back_byte_for_byte_and_the_record_says_who() {
    let desk = Desk::new();
    desk.publishes(&shorter(), false);
    desk.publishes(&shorter().replace("warm", "hot"), false);
    let en = Language::new("en");
    desk.revisions.roll_back("tea", &en, None, "jo", NOW + 60, false).expect("there is one before");
    assert_eq!(fs::read_to_string(desk.scripts.join("tea/en.md")).expect("the file"), shorter());
    let first = desk.revisions.log()[0].before.clone().expect("a text before");
    desk.revisions.roll_back("tea", &en, Some(&first), "jo", NOW + 61, false).expect("it is kept");
    assert_eq!(fs::read_to_string(desk.scripts.join("tea/en.md")).expect("the file"), TEA);
    let log: Vec<(String, Deed)> =
        desk.revisions.log().into_iter().map(|entry| (entry.who, entry.what)).collect();
    let [mo, jo] = ["mo".to_owned(), "jo".to_owned()];
    assert_eq!(
        log,
        [
            (mo.clone(), Deed::Publish),
            (mo, Deed::Publish),
            (jo.clone(), Deed::RollBack),
            (jo, Deed::RollBack)
        ]
    );
    assert!(matches!(
        desk.revisions.roll_back("tea", &en, Some("0000000000000000"), "jo", NOW, false),
        Err(RevisionError::Unknown(_))
    ));
    assert!(matches!(desk.revisions.publish(TEA, "jo", NOW, false), Err(RevisionError::Same(_))));
}

#[test]
fn a_change_by_hand_stands_in_the_record_too() {
    let desk = Desk::new();
    fs::write(desk.scripts.join("tea/en.md"), shorter()).expect("written");
    assert_eq!(take_up(&desk.service, &desk.scripts, &desk.revisions), Change::InService);
    let log = desk.revisions.log();
    assert_eq!((log.len(), log[0].what), (1, Deed::Edit));
    let before = log[0].before.clone().expect("what was there");
    assert_eq!(desk.revisions.text("tea", &Language::new("en"), &before).as_deref(), Some(TEA));
}

#[test]
fn an_edit_is_told_in_words_with_no_count_below_five() {
    let desk = Desk::new();
    let library = desk.service.library();
    let old = library.guide("tea", None).expect("the guide");
    let new = library.with_page(&shorter()).expect("a sound page");
    let new = new.guide("tea", None).expect("the guide");
    let edit = lantern::script::compare::edit(old, new);
    let told = |people: usize, withdrawn| {
        for person in 0..people {
            let name = format!("p{person}");
            desk.says(&name, "start tea");
            desk.says(&name, "which kinds?");
            desk.says(&name, "forms");
        }
        let census = Census::take(&*desk.store, NOW).expect("counted");
        impact(old, &edit, Some(&census), withdrawn)
    };
    assert!(told(3, false).contains(
        &"removes `forms`; fewer than five people are there now, they finish on their revision".to_owned()
    ));
    let told = told(6, true);
    assert!(
        told.contains(
            &"removes `forms`; 6 people are there now, they are moved to the nearest step that is left"
                .to_owned()
        ),
        "{told:?}"
    );
    assert!(told.contains(&"offers other choices at `kinds`".to_owned()), "{told:?}");
}

#[test]
fn a_census_counts_what_has_not_expired_and_names_nobody() {
    let desk = Desk::new();
    for person in ["a", "b", "c", "d", "e", "f"] {
        desk.says(person, "start tea");
    }
    let library = desk.service.library();
    let guide = library.guide("tea", None).expect("the guide");
    assert_eq!(Census::take(&*desk.store, NOW).expect("counted").inside(guide).to_string(), "6 people are");
    assert_eq!(Census::take(&*desk.store, NOW + 90_000).expect("counted"), Census::default());
    assert_eq!(desk.store.count().expect("counted"), 6);
}

#[test]
fn the_library_keeps_no_earlier_crisis_page() {
    let before = Library::builtin();
    let page = include_str!("../scripts/crisis/en.md").replace("I take that seriously", "I take it to heart");
    let now = before.with_page(&page).expect("a sound page").succeeding(before, &[]);
    assert_eq!(now.retired().count(), 0);
}
