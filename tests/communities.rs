//! What a server chooses for itself: its own guides, words, channels; and what its moderators are told. Nothing of it
//! can cost anybody a crisis reply.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lantern::engine::{Kind, Reply};
use lantern::library::Library;
use lantern::safety::Level;
use lantern::script::Language;
use lantern::shell::admin::{Desk, LONGEST, Manners, Moderator, Operator, Proposal, Said};
use lantern::shell::community::{Communities, Community, CommunityError, MOST_CHANNELS};
use lantern::shell::store::memory::MemoryStore;
use lantern::shell::store::{PersonKey, Put, Secret, Store, StoreError};
use lantern::shell::workbench::revisions::{RevisionError, Revisions};
use lantern::shell::workbench::watch::{Change, take_up};
use lantern::shell::{Address, Incoming, Service, Settings, library};
use proptest::prelude::*;

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

const NOW: u64 = 1_767_225_600;
const US: &str = "discord-1";
const THEM: &str = "discord-2";

/// Tea on this server: other words.
fn ours() -> String {
    TEA.replace("Tea is warm.", "Here tea is served at five.")
}

/// The same without the step about forms.
fn shorter(text: &str) -> String {
    let start = text.find("## Forms").expect("a step");
    let end = text.find("## Take care").expect("a step");
    format!("{}{}", &text[..start], &text[end..]).replace("- [Forms](#forms)\n", "")
}

/// Another guide than the operator's.
fn coffee() -> String {
    TEA.replace("id: tea", "id: coffee").replace("Tea", "Coffee")
}

/// A bot with an operator's folder of one guide, and the communities that it serves.
struct House {
    folder: tempfile::TempDir,
    store: Arc<MemoryStore>,
    service: Arc<Service>,
    communities: Arc<Communities>,
    desk: Desk,
}

fn mo(community: &str) -> Moderator<'_> {
    Moderator { community, name: "mo", now: NOW }
}

impl House {
    fn new() -> House {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("operator/tea")).expect("a folder");
        fs::write(folder.path().join("operator/tea/en.md"), TEA).expect("written");
        House::open(folder, Arc::default())
    }

    fn open(folder: tempfile::TempDir, store: Arc<MemoryStore>) -> House {
        House::with_store(folder, store.clone(), store)
    }

    fn with_store(folder: tempfile::TempDir, store: Arc<MemoryStore>, used: Arc<dyn Store>) -> House {
        let scripts = folder.path().join("operator");
        let revisions = Revisions::new(&scripts, &folder.path().join("revisions"));
        let mut library = library::load(&scripts, false).library.expect("sound scripts");
        revisions.remember(&mut library).expect("the history is written");
        let settings = Settings { country: None, language: None, expire: 86_400 };
        let service = Arc::new(Service::new(Arc::new(library), used, Secret::from_seed(1), settings));
        let communities = Arc::new(Communities::new(folder.path().join("communities"), service.clone()));
        let manners = Manners {
            channel: |id| format!("<#{id}>"),
            role: |id| format!("<@&{id}>"),
            command: "/lantern ",
            begin: "/guide",
            opt_out: "/privacy",
        };
        let operator = Operator { scripts, revisions };
        let desk = Desk::new(service.clone(), communities.clone(), Some(operator), manners, NOW - 7_200);
        House { folder, store, service, communities, desk }
    }

    /// The program ends and starts again.
    fn restart(self) -> House {
        House::open(self.folder, self.store)
    }

    fn path(&self, community: &str) -> PathBuf {
        self.folder.path().join("communities").join(community)
    }

    fn get(&self, community: &str) -> Arc<Community> {
        self.communities.get(community)
    }

    /// The text of a guide that is in service in a community.
    fn tea(&self, community: &str) -> String {
        let library = self.get(community).library();
        library.guide("tea", None).expect("the guide").text().to_owned()
    }

    /// Somebody writes something in a community; this is what they read.
    fn says(&self, community: &str, person: &str, text: &str) -> String {
        let incoming = Incoming {
            from: Address { platform: "test", person, place: community },
            event: "",
            public: false,
            again: false,
            at: NOW,
            country: None,
            language: None,
            kind: Kind::Text(text),
        };
        let mut words = String::new();
        let mut hear = |reply: &Reply| {
            words.push_str(&format!("{}\n{}\n", reply.title.as_deref().unwrap_or(""), reply.plain()));
        };
        let library = self.get(community).library();
        let sent = self.service.answer_crisis(&library, &incoming, &mut hear);
        self.service.answer_rest(&library, &incoming, sent, &mut hear);
        words
    }

    fn level(&self, community: &str, text: &str) -> Level {
        self.get(community).library().screen(text).level
    }

    /// Checks a guide and puts it into service.
    fn publishes(&self, community: &str, text: &str, withdraw: bool) -> Said {
        let Proposal { said, token } = self.desk.propose(&mo(community), text);
        let token = token.unwrap_or_else(|| panic!("{}", said.text));
        let said = self.desk.publish(&mo(community), &token, withdraw);
        assert!(said.done, "{}", said.text);
        said
    }

    /// The operator changes a file; the folder is watched.
    fn operator_writes(&self, path: &str, text: &str) {
        let scripts = self.folder.path().join("operator");
        let path = scripts.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
        let revisions = Revisions::new(&scripts, &self.folder.path().join("revisions"));
        assert_eq!(take_up(&self.service, &scripts, &revisions), Change::InService);
    }
}

/// Every file below a folder with what stands in it.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

fn everywhere(_: &str) -> bool {
    true
}

// Settings.

#[test]
fn a_server_that_chose_nothing_has_what_the_operator_has_and_no_file() {
    let house = House::new();
    assert!(Arc::ptr_eq(&house.get(US).library(), &house.service.library()));
    assert_eq!(house.get(US).settings, Default::default());
    assert!(Arc::ptr_eq(&house.get(US), &house.get(THEM)), "they share one");
    assert!(!house.folder.path().join("communities").exists());
}

#[test]
fn what_a_server_chooses_is_there_after_a_restart_and_only_there() {
    let house = House::new();
    assert!(house.desk.set_country(&mo(US), Some("united kingdom")).done);
    assert!(house.desk.set_language(&mo(US), Some("Deutsch")).done);
    assert!(house.desk.watch(&mo(US), "100", true).done);
    assert!(house.desk.quiet(&mo(US), "200", true).done);
    assert!(house.desk.set_moderators(&mo(US), Some("300")).done);
    assert!(house.desk.set_alerts(&mo(US), "400", Some("500"), Level::Ideation).done);
    let before = house.get(US).settings.clone();
    let house = house.restart();
    assert_eq!(house.communities.warm(), 1);
    assert_eq!(house.get(US).settings, before);
    assert_eq!(house.get(THEM).settings, Default::default());
    let text = fs::read_to_string(house.path(US).join("settings.json")).expect("the file");
    for words in ["\"country\": \"GB\"", "\"language\": \"de\"", "\"from\": \"ideation\""] {
        assert!(text.contains(words), "{words} can be read by a person: {text}");
    }
    let status = house.desk.status(&mo(US)).text;
    for words in ["United Kingdom (GB)", "German (`de`)", "<#100>", "<#200>", "<@&300>", "<#400>", "<@&500>"]
    {
        assert!(status.contains(words), "{words}: {status}");
    }
}

#[test]
fn every_choice_can_be_taken_back() {
    let house = House::new();
    house.desk.set_country(&mo(US), Some("GB"));
    house.desk.set_language(&mo(US), Some("de"));
    house.desk.watch(&mo(US), "100", true);
    house.desk.quiet(&mo(US), "200", true);
    house.desk.set_moderators(&mo(US), Some("300"));
    house.desk.set_alerts(&mo(US), "400", None, Level::Imminent);
    for said in [
        house.desk.set_country(&mo(US), None),
        house.desk.set_language(&mo(US), None),
        house.desk.watch(&mo(US), "100", false),
        house.desk.quiet(&mo(US), "200", false),
        house.desk.set_moderators(&mo(US), None),
        house.desk.clear_alerts(&mo(US)),
    ] {
        assert!(said.done, "{}", said.text);
    }
    assert_eq!(house.get(US).settings, Default::default());
}

#[test]
fn a_country_or_language_that_is_not_known_is_answered_with_the_nearest() {
    let house = House::new();
    for (said, words) in [
        (house.desk.set_country(&mo(US), Some("Germny")), "did you mean Germany?"),
        (house.desk.set_country(&mo(US), Some("Middle-earth")), "two letters, such as GB"),
        (house.desk.resources(&mo(US), Some("Germny")), "did you mean Germany?"),
        (house.desk.set_language(&mo(US), Some("germn")), "did you mean German (`de`)?"),
        (house.desk.set_language(&mo(US), Some("tlh")), "English (`en`)"),
    ] {
        assert!(!said.done && said.text.contains(words), "{words}: {}", said.text);
    }
    assert_eq!(house.communities.audit(US), [], "what was refused was not done");
}

#[test]
fn a_language_with_help_and_without_guides_says_so() {
    let house = House::new();
    let said = house.desk.set_language(&mo(US), Some("français"));
    assert!(
        said.done && said.text.contains("Crisis replies come in it. The guides are not"),
        "{}",
        said.text
    );
}

#[test]
fn two_moderators_at_once_lose_no_change() {
    let house = House::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let desk = &house.desk;
            scope.spawn(move || {
                for at in 0..10 {
                    assert!(desk.watch(&mo(US), &format!("{thread}{at}"), true).done);
                }
            });
        }
    });
    assert_eq!(house.get(US).settings.watched.len(), 40);
    assert_eq!(house.restart().get(US).settings.watched.len(), 40);
}

#[test]
fn there_is_an_end_to_the_channels_of_a_server() {
    let house = House::new();
    let all = (0..MOST_CHANNELS).map(|at| at.to_string()).collect();
    house.communities.change(US, "mo", NOW, "watched many", |to| to.watched = all).expect("it fits");
    let said = house.desk.watch(&mo(US), "one-more", true);
    assert!(!said.done && said.text.contains("take one away first"), "{}", said.text);
}

#[test]
fn alerts_begin_where_somebody_seems_to_be_in_danger() {
    let house = House::new();
    let said = house.desk.set_alerts(&mo(US), "400", None, Level::Mention);
    assert!(!said.done && said.text.contains("*concern*, *ideation* or *imminent*"), "{}", said.text);
}

// What can happen to files.

#[test]
fn a_program_that_ends_between_writing_and_renaming_leaves_the_old_settings() {
    let house = House::new();
    house.desk.set_country(&mo(US), Some("GB"));
    fs::write(house.path(US).join(".settings.json.new"), "{\"country\": \"U").expect("half a file");
    let house = house.restart();
    assert_eq!(house.get(US).settings.country.map(|one| one.to_string()).as_deref(), Some("GB"));
    assert_eq!(house.get(US).troubles().count(), 0);
    assert!(house.desk.set_country(&mo(US), Some("DE")).done, "and the next change goes through");
    assert_eq!(house.restart().get(US).settings.country.map(|one| one.to_string()).as_deref(), Some("DE"));
}

#[test]
fn broken_settings_are_set_aside_whole_and_told() {
    let house = House::new();
    house.desk.set_country(&mo(US), Some("GB"));
    let broken = "{\"country\": \"GB\", \"contry\": 3}";
    fs::write(house.path(US).join("settings.json"), broken).expect("written");
    let house = house.restart();
    assert_eq!(house.get(US).settings, Default::default(), "the defaults serve");
    let status = house.desk.status(&mo(US)).text;
    assert!(status.contains("unknown field `contry`") && status.contains("set aside"), "{status}");
    assert_eq!(house.communities.troubles().len(), 1);
    assert_eq!(house.communities.troubles()[0].0, US);
    let aside = fs::read_dir(house.path(US))
        .expect("the folder")
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_string_lossy().starts_with("settings.json.broken-"));
    assert_eq!(fs::read_to_string(aside.expect("it is kept").path()).expect("read"), broken);
    assert!(house.desk.set_country(&mo(US), Some("GB")).done);
    assert_eq!(house.get(US).troubles().count(), 0, "once it is chosen again, nothing is wrong");
    assert!(!house.desk.status(&mo(THEM)).text.contains("Trouble"), "another server hears nothing of it");
}

#[test]
fn settings_that_can_not_be_read_are_not_written_over() {
    let house = House::new();
    // A folder where the file belongs is the plainest thing that can't be read.
    fs::create_dir_all(house.path(US).join("settings.json")).expect("a folder");
    assert!(house.get(US).troubles().any(|one| one.contains("can't be read")));
    let said = house.desk.set_country(&mo(US), Some("GB"));
    assert!(!said.done && said.text.contains("nothing was changed"), "{}", said.text);
    fs::remove_dir(house.path(US).join("settings.json")).expect("removed");
    fs::write(house.path(US).join("settings.json"), "{\"watched\": [\"7\"]}").expect("written");
    assert!(house.desk.set_country(&mo(US), Some("GB")).done, "once it can be read, it goes on from there");
    assert!(house.get(US).settings.watched.contains("7"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_id_leads_nowhere_but_to_its_own_folder(
        id in prop_oneof![any::<String>(), "[a-z0-9./\\\\-]{0,12}", Just("..".to_owned()), Just("../operator".to_owned())],
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings { country: None, language: None, expire: 86_400 };
        let store: Arc<MemoryStore> = Arc::default();
        let service = Service::new(Library::builtin().clone(), store, Secret::from_seed(1), settings);
        let communities = Communities::new(folder.path().join("a/communities"), Arc::new(service));
        let changed = communities.change(&id, "mo", NOW, "watched a channel", |to| {
            to.watched.insert("7".to_owned());
        });
        let words = communities.change_words(&id, "mo", NOW, "added words", |_| {});
        let left = communities.forget(&id, NOW);
        prop_assert_eq!(changed.is_ok(), Communities::is_id(&id));
        prop_assert_eq!(words.is_ok(), Communities::is_id(&id));
        prop_assert_eq!(left.is_ok(), Communities::is_id(&id));
        let own = folder.path().join("a/communities").join(format!("{id}.left-{NOW}"));
        for path in snapshot(folder.path()).into_keys() {
            prop_assert!(path.starts_with(&own), "{:?}", path);
        }
        let _ = (communities.get(&id), communities.audit(&id), communities.export(&id), communities.words(&id));
    }
}

// Guides of a server's own.

#[test]
fn a_guide_of_its_own_shadows_the_operators_there_and_nowhere_else() {
    let house = House::new();
    house.publishes(US, &ours(), false);
    assert!(house.says(US, "ann", "start tea").contains("served at five"));
    assert!(house.says(THEM, "ann", "start tea").contains("Tea is warm."));
    let said = house.desk.guides(&mo(US)).text;
    assert!(said.contains("yours"), "{said}");
    assert!(!house.desk.guides(&mo(THEM)).text.contains("yours"));
    let house = house.restart();
    assert!(house.says(US, "bob", "start tea").contains("served at five"), "it is there after a restart");
}

#[test]
fn publishing_takes_a_check_that_says_what_changes_and_then_a_yes() {
    let house = House::new();
    let Proposal { said, token } = house.desk.propose(&mo(US), &shorter(TEA));
    assert!(said.done && said.text.contains("is sound"), "{}", said.text);
    assert!(said.text.contains("proved in "), "{}", said.text);
    assert!(
        said.text
            .contains("removes `forms`; fewer than five people are there now, they finish on their revision"),
        "{}",
        said.text
    );
    assert!(said.text.contains("the operator's version"), "{}", said.text);
    assert_eq!(house.tea(US), TEA, "nothing has happened yet");
    let said = house.desk.publish(&mo(US), &token.expect("a token"), false);
    assert!(said.done && said.text.contains("is in service as"), "{}", said.text);
    assert_eq!(house.tea(US), shorter(TEA));
    assert_eq!(house.tea(THEM), TEA);
}

#[test]
fn from_five_on_people_are_counted() {
    let house = House::new();
    for person in ["a", "b", "c", "d", "e", "f"] {
        house.says(US, person, "start tea");
        house.says(US, person, "which kinds?");
        house.says(US, person, "forms");
    }
    let said = house.desk.check(&mo(US), &shorter(TEA));
    assert!(
        said.text.contains("removes `forms`; 6 people are there now, they finish on their revision"),
        "{}",
        said.text
    );
    assert!(said.text.contains("over everything that this Lantern serves"), "{}", said.text);
    assert!(house.desk.status(&mo(US)).text.contains("6 people are in a guide"));
}

#[test]
fn people_finish_on_the_text_that_they_began_with_also_after_a_restart() {
    let house = House::new();
    house.says(US, "ann", "start tea");
    house.says(US, "ann", "which kinds?");
    house.publishes(US, &shorter(&ours()), false);
    assert!(house.says(US, "ann", "forms").contains("Leaves, or a bag."), "the operator's text is finished");
    house.says(US, "bob", "start tea");
    house.publishes(US, &shorter(TEA), false);
    let house = house.restart();
    assert!(house.says(US, "ann", "back").contains("Green and black."));
    assert!(house.says(US, "ann", "forms").contains("Leaves, or a bag."));
    assert!(house.says(US, "bob", "again").contains("served at five"), "and so is the server's first text");
    house.says(US, "cleo", "start tea");
    assert!(!house.says(US, "cleo", "which kinds?").contains("Forms"), "who begins now has the newest");
}

#[test]
fn where_a_text_is_withdrawn_people_are_moved_with_one_kind_sentence() {
    let house = House::new();
    house.publishes(US, &ours(), false);
    house.says(US, "ann", "start tea");
    house.says(US, "ann", "which kinds?");
    house.says(US, "ann", "forms");
    let said = house.publishes(US, &shorter(&ours()), true);
    assert!(said.text.contains("is withdrawn"), "{}", said.text);
    let words = house.says(US, "ann", "again");
    assert!(words.contains("This guide has changed since you were here"), "{words}");
    assert!(words.contains("Green and black."), "{words}");
}

#[test]
fn a_proposal_is_its_moderators_alone_and_waits_a_quarter_of_an_hour() {
    let house = House::new();
    let token = house.desk.propose(&mo(US), &ours()).token.expect("a token");
    let jo = Moderator { name: "jo", ..mo(US) };
    let late = Moderator { now: NOW + 15 * 60, ..mo(US) };
    for by in [jo, mo(THEM), late] {
        let said = house.desk.publish(&by, &token, false);
        assert!(!said.done && said.text.contains("check the guide again"), "{}", said.text);
    }
    assert_eq!(house.tea(US), TEA);
    let token = house.desk.propose(&mo(US), &ours()).token.expect("a token");
    assert!(house.desk.publish(&mo(US), &token, false).done);
    assert!(!house.desk.publish(&mo(US), &token, false).done, "a yes counts once");
}

#[test]
fn a_proposal_that_was_overtaken_is_looked_at_again() {
    let house = House::new();
    let token = house.desk.propose(&mo(US), &ours()).token.expect("a token");
    let jo = Moderator { name: "jo", ..mo(US) };
    let theirs = house.desk.propose(&jo, &shorter(TEA)).token.expect("a token");
    assert!(house.desk.publish(&jo, &theirs, false).done);
    let said = house.desk.publish(&mo(US), &token, false);
    assert!(!said.done && said.text.contains("changed by somebody else meanwhile"), "{}", said.text);
    assert_eq!(house.tea(US), shorter(TEA));
}

#[test]
fn what_is_in_service_already_is_not_asked_about() {
    let house = House::new();
    let Proposal { said, token } = house.desk.propose(&mo(US), TEA);
    assert!(token.is_none() && said.text.contains("in service already"), "{}", said.text);
}

#[test]
fn errors_are_shown_as_in_the_terminal_and_never_replace_what_is_in_service() {
    let house = House::new();
    house.publishes(US, &ours(), false);
    let wrong = ours().replace("(#forms)", "(#fomrs)");
    let Proposal { said, token } = house.desk.propose(&mo(US), &wrong);
    assert!(token.is_none() && !said.done);
    assert_eq!(house.desk.check(&mo(US), &wrong), said);
    let drawn = "
error S006: there is no step \"fomrs\" in this guide
  --> tea/en.md:17:3
   |
17 | - [Forms](#fomrs)
   |   ^^^^^^^^^^^^^^^
   = did you mean #forms?
";
    assert!(said.text.contains(drawn), "{}", said.text);
    let refused = house.communities.publish(US, &wrong, "mo", NOW, false);
    assert!(matches!(refused, Err(CommunityError::Revision(RevisionError::Errors(_)))));
    assert_eq!(house.tea(US), ours());
    assert_eq!(house.restart().tea(US), ours());
}

#[test]
fn a_guide_that_could_hurt_somebody_does_not_go_into_service() {
    let house = House::new();
    let said = house.desk.check(&mo(US), &TEA.replace("Tea is warm.", "Others have it worse."));
    assert!(!said.done && said.text.contains("S109"), "{}", said.text);
}

#[test]
fn the_crisis_page_can_be_replaced_by_no_server_in_no_way() {
    let house = House::new();
    let theirs = include_str!("../scripts/crisis/en.md").replace("I take that seriously", "Cheer up");
    let Proposal { said, token } = house.desk.propose(&mo(US), &theirs);
    assert!(token.is_none() && said.text.contains("not a community's to change"), "{}", said.text);
    assert!(house.communities.publish(US, &theirs, "mo", NOW, false).is_err());
    let document = serde_json::json!({"lantern_community": 1, "scripts": {"crisis/en.md": theirs}});
    assert!(!house.desk.import(&mo(US), &document.to_string(), &everywhere).done);
    for (path, text) in [
        ("crisis/en.md", theirs.as_str()),
        ("resources.toml", ""),
        ("wording/en.toml", ""),
        ("phrases/en.toml", ""),
    ] {
        let file = house.path(US).join("scripts").join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, text).expect("written");
        let community = house.communities.reload(US).expect("read");
        assert!(community.troubles().any(|one| one.contains("not a community's to change")), "{path}");
        assert!(
            house.says(US, &format!("ann {path}"), "i want to die").contains("I take that seriously"),
            "{path}"
        );
        assert_eq!(house.says(THEM, path, "i want to die"), house.says(US, path, "i want to die"), "{path}");
        fs::remove_file(&file).expect("removed");
    }
}

#[test]
fn there_is_an_end_to_the_guides_of_a_server() {
    let house = House::new();
    let steps: String = (0..210).map(|at| format!("## Step {at}\n\nWords.\n\n(end)\n\n")).collect();
    for (text, words) in [
        (format!("{TEA}{}", "x".repeat(200_000)), "bytes"),
        (format!("{TEA}\n{steps}"), "more than 200 steps"),
    ] {
        let said = house.desk.check(&mo(US), &text);
        assert!(!said.done && said.text.contains(words), "{}", said.text);
    }
    for at in 0..20 {
        let file = house.path(US).join(format!("scripts/tea-{at}/en.md"));
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, TEA.replace("id: tea", &format!("id: tea-{at}"))).expect("written");
    }
    let said = house.desk.check(&mo(US), &coffee());
    assert!(!said.done && said.text.contains("more than 20 guides"), "{}", said.text);
}

#[test]
fn an_earlier_text_comes_back_and_before_the_first_of_its_own_the_operators() {
    let house = House::new();
    let en = Language::new("en");
    let nothing = house.desk.roll_back(&mo(US), "tea", &en, None, false);
    assert!(!nothing.done && nothing.text.contains("no version of your own"), "{}", nothing.text);
    house.publishes(US, &ours(), false);
    house.publishes(US, &shorter(&ours()), false);
    assert!(house.desk.roll_back(&mo(US), "tea", &en, None, false).done);
    assert_eq!(house.tea(US), ours());
    let said = house.desk.roll_back(&mo(US), "tea", &en, Some("operator"), false);
    assert!(said.done && said.text.contains("operator's `tea/en.md` is in service again"), "{}", said.text);
    assert_eq!(house.tea(US), TEA);
    assert!(!house.path(US).join("scripts/tea/en.md").exists());
    assert!(house.desk.roll_back(&mo(US), "tea", &en, None, false).done, "and their own comes back again");
    assert_eq!(house.tea(US), ours());
    let said = house.desk.roll_back(&mo(US), "tea", &en, Some("0000000000000000"), false);
    assert!(!said.done && said.text.contains("no such earlier text"), "{}", said.text);
}

#[test]
fn before_the_first_of_its_own_is_the_operators_newest() {
    let house = House::new();
    house.publishes(US, &ours(), false);
    let newest = TEA.replace("Tea is warm.", "Tea is hot.");
    house.operator_writes("tea/en.md", &newest);
    house.communities.refresh();
    assert_eq!(house.tea(US), ours(), "the server's own stays");
    assert!(house.desk.roll_back(&mo(US), "tea", &Language::new("en"), None, false).done);
    assert_eq!(house.tea(US), newest);
}

#[test]
fn who_is_in_a_guide_that_is_taken_away_finishes_it_also_after_a_restart() {
    let house = House::new();
    house.publishes(US, &coffee(), false);
    house.says(US, "ann", "start coffee");
    let said = house.desk.roll_back(&mo(US), "coffee", &Language::new("en"), None, false);
    assert!(said.done && said.text.contains("no longer offered"), "{}", said.text);
    assert!(house.says(US, "ann", "which kinds?").contains("Green and black."));
    assert!(!house.get(US).has_scripts());
    let house = house.restart();
    assert!(house.says(US, "ann", "forms").contains("Leaves, or a bag."));
    assert!(!house.says(US, "bob", "start coffee").contains("Coffee is warm."), "nobody begins it");
}

#[test]
fn the_operators_newest_help_is_there_at_once_and_the_guides_once_they_are_checked() {
    let house = House::new();
    house.publishes(US, &ours(), false);
    let page = include_str!("../scripts/crisis/en.md").replace("I take that seriously", "I take it to heart");
    house.operator_writes("crisis/en.md", &page);
    assert!(house.says(US, "ann", "i want to die").contains("I take it to heart"), "before any refresh");
    house.operator_writes("coffee/en.md", &coffee());
    house.communities.refresh();
    assert!(house.says(US, "bob", "start coffee").contains("Coffee is warm."));
    assert!(house.says(US, "cleo", "start tea").contains("served at five"));
}

#[test]
fn where_the_operators_change_breaks_a_servers_guide_the_last_good_one_stays_until_it_is_mended() {
    let house = House::new();
    house.operator_writes("coffee/en.md", &coffee());
    house.communities.refresh();
    let linked =
        ours().replace("- [Forms](#forms)\n", "- [Forms](#forms)\n- [Coffee](../coffee/en.md#forms)\n");
    house.publishes(US, &linked, false);
    house.operator_writes("coffee/en.md", &shorter(&coffee()));
    house.communities.refresh();
    assert!(house.says(US, "ann", "start tea").contains("served at five"));
    let status = house.desk.status(&mo(US)).text;
    assert!(status.contains("The last that were sound stay in service"), "{status}");
    assert!(house.says(US, "ann", "i want to die").contains("I take that seriously"));
    house.operator_writes("coffee/en.md", &coffee());
    house.communities.refresh();
    assert_eq!(house.get(US).troubles().count(), 0);
}

#[test]
fn where_scripts_are_broken_at_the_start_the_operators_serve_with_the_servers_words() {
    let house = House::new();
    house.publishes(US, &ours(), false);
    assert!(house.desk.phrases_add(&mo(US), "imminent", "boarding the night ferry").done);
    fs::write(house.path(US).join("scripts/tea/en.md"), "# broken").expect("written");
    let house = house.restart();
    assert!(house.says(US, "ann", "start tea").contains("Tea is warm."));
    assert_eq!(house.level(US, "boarding the night ferry"), Level::Imminent);
    assert!(house.get(US).troubles().any(|one| one.contains("The operator's serve until they are mended")));
    fs::write(house.path(US).join("scripts/tea/en.md"), ours()).expect("written");
    let said = house.desk.reload(&mo(US));
    assert!(said.done && said.text.contains("in service as they are now"), "{}", said.text);
    assert!(house.says(US, "bob", "start tea").contains("served at five"));
}

#[test]
fn a_step_is_shown_as_members_see_it() {
    let house = House::new();
    house.publishes(US, &ours(), false);
    let said = house.desk.preview(&mo(US), "tea", None, Some("#kinds"));
    for words in
        ["**Kinds**", "Green and black.", "1. Forms → `tea#forms`", "3. I need someone to talk to now"]
    {
        assert!(said.text.contains(words), "{words}: {}", said.text);
    }
    assert!(house.desk.preview(&mo(US), "tea", None, None).text.contains("served at five"));
    house.desk.set_country(&mo(US), Some("GB"));
    let said = house.desk.preview(&mo(US), "crisis", None, Some("ideation"));
    assert!(said.text.contains("116 123"), "the crisis page with the server's numbers: {}", said.text);
    for (guide, step, words) in
        [("tee", None, "did you mean `tea`?"), ("tea", Some("kind"), "did you mean `kinds`?")]
    {
        let said = house.desk.preview(&mo(US), guide, None, step);
        assert!(!said.done && said.text.contains(words), "{}", said.text);
    }
    assert_eq!(house.store.count().expect("counted"), 0, "nobody was in a conversation");
}

#[test]
fn reload_takes_up_the_operators_folder_and_says_what_is_wrong_with_it() {
    let house = House::new();
    let file = house.folder.path().join("operator/tea/en.md");
    fs::write(&file, TEA.replace("Tea is warm.", "Tea is hot.")).expect("written");
    assert!(house.desk.reload(&mo(US)).done);
    assert!(house.tea(US).contains("Tea is hot."));
    fs::write(&file, TEA.replace("(#forms)", "(#fomrs)")).expect("written");
    let soon = house.desk.reload(&mo(US));
    assert!(soon.text.contains("looked at just now"), "{}", soon.text);
    let later = Moderator { now: NOW + 10, ..mo(US) };
    let said = house.desk.reload(&later);
    assert!(!said.done && said.text.contains("did you mean #forms?"), "{}", said.text);
    assert!(house.tea(US).contains("Tea is hot."));
}

// A server's own words.

#[test]
fn words_of_a_server_raise_there_and_nowhere_else_and_lower_nothing() {
    let house = House::new();
    assert!(house.desk.phrases_add(&mo(US), "ideation", "taking the   long ferry").done);
    assert!(house.desk.phrases_add(&mo(US), "concern", "i want to die").done);
    assert_eq!(house.level(US, "I'm taking the long ferry"), Level::Ideation);
    assert_eq!(house.level(THEM, "I'm taking the long ferry"), Level::None);
    assert_eq!(house.level(US, "i want to die"), Level::Ideation, "a lower entry lowers nothing");
    assert!(house.says(US, "ann", "taking the long ferry").contains("I take that seriously"));
    let house = house.restart();
    assert_eq!(house.level(US, "I'm taking the long ferry"), Level::Ideation);
    assert!(house.desk.phrases_list(&mo(US)).text.contains("`taking the long ferry`"));
    assert!(house.desk.phrases_remove(&mo(US), "ideation", "Taking the long ferry").done);
    assert_eq!(house.level(US, "I'm taking the long ferry"), Level::None);
}

#[test]
fn harmless_words_leave_a_mention_and_no_cry_for_help_can_be_called_harmless() {
    let house = House::new();
    assert!(house.desk.phrases_add(&mo(US), "harmless", "kms club").done);
    assert_eq!(house.level(US, "KMS club?"), Level::Mention);
    assert_eq!(house.level(THEM, "KMS club?"), Level::Concern);
    assert_eq!(house.level(US, "kms club was nice but i want to die"), Level::Ideation);
    let said = house.desk.phrases_add(&mo(US), "harmless", "want to die");
    assert!(!said.done && said.text.contains("S510") && said.text.contains('^'), "{}", said.text);
    assert_eq!(house.level(US, "i want to die"), Level::Ideation);
}

#[test]
fn the_operators_words_count_beside_a_servers_and_its_harmless_words_cover_none_of_them() {
    let house = House::new();
    house.operator_writes("phrases/local.toml", "imminent = [\"night ferry\"]\n");
    assert!(house.desk.phrases_add(&mo(US), "concern", "the long pier").done);
    assert!(house.desk.phrases_add(&mo(US), "harmless", "the night ferry to town").done);
    assert_eq!(house.level(US, "the long pier"), Level::Concern);
    assert_eq!(house.level(US, "the night ferry to town"), Level::Imminent);
}

#[test]
fn a_test_says_how_a_sentence_is_heard_and_keeps_nothing_of_it() {
    let house = House::new();
    house.desk.phrases_add(&mo(US), "imminent", "boarding the night ferry");
    let before = snapshot(house.folder.path());
    let said = house.desk.phrases_test(&mo(US), "zebra: i am boarding the night ferry");
    assert!(said.text.contains("Without your own words: *none*"), "{}", said.text);
    assert!(said.text.contains("With them: *imminent*"), "{}", said.text);
    assert!(!said.text.contains("zebra"), "{}", said.text);
    assert_eq!(snapshot(house.folder.path()), before);
    assert_eq!(house.store.count().expect("counted"), 0);
}

#[test]
fn a_list_or_an_entry_that_is_not_there_is_answered_with_the_nearest() {
    let house = House::new();
    house.desk.phrases_add(&mo(US), "concern", "the long pier");
    for (said, words) in [
        (house.desk.phrases_add(&mo(US), "harmles", "x"), "did you mean `harmless`?"),
        (house.desk.phrases_add(&mo(US), "concern", "the long pier"), "in that list already"),
        (house.desk.phrases_add(&mo(US), "concern", "  "), "write the words"),
        (house.desk.phrases_add(&mo(US), "concern", "!!"), "S503"),
        (house.desk.phrases_remove(&mo(US), "concern", "the long peer"), "did you mean `the long pier`?"),
    ] {
        assert!(!said.done && said.text.contains(words), "{words}: {}", said.text);
    }
}

#[test]
fn words_that_somebody_broke_by_hand_are_not_written_over() {
    let house = House::new();
    house.desk.phrases_add(&mo(US), "concern", "the long pier");
    let file = house.path(US).join("scripts/phrases/local.toml");
    fs::write(&file, "concern = [").expect("written");
    let said = house.desk.phrases_add(&mo(US), "concern", "the short pier");
    assert!(!said.done && said.text.contains("changed it by hand"), "{}", said.text);
    assert_eq!(fs::read_to_string(&file).expect("read"), "concern = [");
    assert_eq!(house.level(US, "the long pier"), Level::Concern, "the last good list serves");
}

// The record.

#[test]
fn the_record_says_who_did_what_when_and_no_content() {
    let house = House::new();
    house.says(US, "ann", "start tea");
    house.says(US, "ann", "my secret sentence");
    house.desk.set_country(&mo(US), Some("GB"));
    house.desk.phrases_add(&Moderator { name: "jo", now: NOW + 60, ..mo(US) }, "concern", "a secret pier");
    house.desk.phrases_test(&mo(US), "my secret test");
    let by = Moderator { name: "jo", now: NOW + 120, ..mo(US) };
    let token = house.desk.propose(&by, &ours()).token.expect("a token");
    assert!(house.desk.publish(&by, &token, false).done);
    let deeds: Vec<(u64, String, String)> =
        house.communities.audit(US).into_iter().map(|deed| (deed.at, deed.who, deed.what)).collect();
    assert_eq!(deeds.len(), 3, "{deeds:?}");
    assert_eq!(deeds[0], (NOW, "mo".to_owned(), "chose the country GB".to_owned()));
    assert_eq!(deeds[1], (NOW + 60, "jo".to_owned(), "added words to the list concern".to_owned()));
    assert!(deeds[2].2.starts_with("published tea/en as "), "{deeds:?}");
    let said = house.desk.audit(&mo(US));
    assert!(said.text.contains("2026-01-01 00:00 UTC `mo`: chose the country GB"), "{}", said.text);
    let all = said.file.expect("all of it").text;
    assert_eq!(all.lines().count(), 3);
    assert!(!said.text.contains("secret") && !all.contains("secret"));
    let lines = fs::read_to_string(house.path(US).join("audit.jsonl")).expect("the file");
    assert!(!lines.contains("secret"), "{lines}");
    assert!(house.communities.audit(THEM).is_empty());
}

#[test]
fn a_record_that_was_cut_off_in_a_line_goes_on() {
    let house = House::new();
    house.desk.set_country(&mo(US), Some("GB"));
    let file = house.path(US).join("audit.jsonl");
    let half = fs::read_to_string(&file).expect("read") + "{\"at\":17672256";
    fs::write(&file, half).expect("written");
    house.desk.watch(&mo(US), "100", true);
    let deeds: Vec<String> = house.communities.audit(US).into_iter().map(|deed| deed.what).collect();
    assert_eq!(deeds, ["chose the country GB", "began watching the channel 100"]);
}

#[test]
fn the_newest_twenty_are_shown_and_all_are_in_the_file() {
    let house = House::new();
    for at in 0..30 {
        house.desk.watch(&Moderator { now: NOW + at, ..mo(US) }, &at.to_string(), true);
    }
    let said = house.desk.audit(&mo(US));
    assert_eq!(said.text.matches("began watching").count(), 20);
    assert!(said.text.contains("channel 29") && !said.text.contains("channel 9\n"));
    assert_eq!(said.file.expect("a file").text.lines().count(), 30);
}

// Export and import.

/// A server that has chosen a bit of everything.
fn settled() -> House {
    let house = House::new();
    house.desk.set_country(&mo(US), Some("GB"));
    house.desk.watch(&mo(US), "100", true);
    house.desk.set_alerts(&mo(US), "400", None, Level::Ideation);
    house.desk.phrases_add(&mo(US), "concern", "the \"long\" pier");
    house.publishes(US, &ours(), false);
    house
}

#[test]
fn what_is_exported_can_be_imported_and_says_the_same_again() {
    let house = settled();
    let document = house.desk.export(&mo(US)).file.expect("a file");
    assert_eq!(document.name, "discord-1.json");
    let said = house.desk.import(&mo(THEM), &document.text, &everywhere);
    assert!(said.done && said.text.contains("United Kingdom"), "{}", said.text);
    assert_eq!(house.communities.export(THEM), document.text);
    assert!(house.says(THEM, "ann", "start tea").contains("served at five"));
    assert_eq!(house.level(THEM, "the long pier"), Level::Concern);
    let who: Vec<String> = house.communities.audit(THEM).into_iter().map(|deed| deed.who).collect();
    assert_eq!(who, ["mo", "mo"], "the import, and the guide that came with it");
    let house = house.restart();
    assert_eq!(house.communities.export(THEM), document.text);
}

#[test]
fn an_import_takes_the_place_of_everything_and_people_finish_their_guide() {
    let house = settled();
    house.says(US, "ann", "start tea");
    let said = house.desk.import(&mo(US), "{\"lantern_community\": 1}", &everywhere);
    assert!(said.done, "{}", said.text);
    assert_eq!(house.get(US).settings, Default::default());
    assert_eq!(house.tea(US), TEA);
    assert_eq!(house.level(US, "the long pier"), Level::None);
    assert!(house.says(US, "ann", "again").contains("served at five"));
    let house = house.restart();
    assert!(house.says(US, "ann", "again").contains("served at five"));
}

#[test]
fn an_import_with_anything_wrong_changes_nothing_and_says_where_and_what() {
    let house = settled();
    let good: serde_json::Value = serde_json::from_str(&house.communities.export(US)).expect("JSON");
    let with = |key: &str, value: serde_json::Value| {
        let mut document = good.clone();
        document[key] = value;
        document.to_string()
    };
    let scripts = |path: &str, text: &str| serde_json::json!({"tea/en.md": ours(), path: text});
    let before = snapshot(house.folder.path());
    for (document, words) in [
        ("{\n  \"lantern_community\": 1,\n  \"setings\": {}\n}".to_owned(), "export.json:3:"),
        (with("lantern_community", 2.into()), "layout 2"),
        (with("settings", serde_json::json!({"country": "Narnia"})), "not two letters"),
        (with("settings", serde_json::json!({"language": "english"})), "not a language code"),
        (
            with("scripts", scripts("coffee/en.md", &coffee().replace("(#forms)", "(#fomrs)"))),
            "coffee/en.md:17:3",
        ),
        (with("scripts", scripts("tea/de.md", TEA)), "another language"),
        (with("scripts", scripts("../tea/en.md", TEA)), "not a community's to change"),
        (with("scripts", scripts("../../../tea/en.md", TEA)), "not a community's to change"),
        (with("scripts", scripts("/tmp/en.md", TEA)), "not a community's to change"),
        (
            with("scripts", scripts("phrases/local.toml", "harmless = [\"want to die\"]")),
            "phrases/local.toml:1:",
        ),
        (with("scripts", scripts("resources.toml", "")), "not a community's to change"),
        ("half".to_owned(), "export.json:1:"),
    ] {
        let said = house.desk.import(&mo(US), &document, &everywhere);
        assert!(!said.done && said.text.contains(words), "{words}: {}", said.text);
        assert!(snapshot(house.folder.path()) == before, "{words}: something was written");
    }
    assert!(house.says(US, "ann", "start tea").contains("served at five"));
}

#[test]
fn an_import_brings_no_channel_of_another_server() {
    let house = settled();
    let document = house.communities.export(US);
    assert!(house.desk.import(&mo(THEM), &document, &|channel| channel == "100").done);
    let settings = house.get(THEM).settings.clone();
    assert_eq!(settings.alerts, None, "no alert goes to somebody else's moderators");
    assert_eq!(settings.watched.len(), 1);
}

#[test]
fn an_import_that_is_cut_off_has_happened_whole_or_not_at_all() {
    let house = settled();
    let before = house.communities.export(US);
    let new = "{\"lantern_community\": 1, \"settings\": {\"country\": \"DE\"}}";
    // While it is still being written, nothing has happened.
    let beside = house.path(US).join("import.new");
    fs::create_dir_all(beside.join("scripts")).expect("a folder");
    fs::write(beside.join("settings.json"), "{\"country\": \"DE\"}").expect("written");
    let house = house.restart();
    assert_eq!(house.communities.export(US), before);
    // Once it is ready, it happens, wherever it is cut off; here after the scripts were taken away.
    fs::rename(house.path(US).join("import.new"), house.path(US).join("import.ready")).expect("renamed");
    fs::remove_dir_all(house.path(US).join("scripts")).expect("removed");
    let house = house.restart();
    assert_eq!(house.get(US).settings.country.map(|one| one.to_string()).as_deref(), Some("DE"));
    assert_eq!(house.tea(US), TEA);
    assert!(!house.path(US).join("import.ready").exists());
    assert!(house.desk.import(&mo(THEM), new, &everywhere).done);
    assert_eq!(house.communities.export(THEM), house.communities.export(US));
}

#[test]
fn what_an_import_left_half_done_never_comes_over_a_later_change() {
    let house = settled();
    let ready = house.path(US).join("import.ready");
    fs::create_dir_all(&ready).expect("a folder");
    fs::write(ready.join("settings.json"), "{\"country\": \"DE\"}").expect("written");
    assert!(house.desk.watch(&mo(US), "7", true).done);
    let house = house.restart();
    let settings = house.get(US).settings.clone();
    assert!(settings.watched.contains("7"));
    assert_eq!(settings.country.map(|one| one.to_string()).as_deref(), Some("DE"));
}

// Coming and going.

#[test]
fn a_server_that_is_left_is_set_aside_and_erased_after_thirty_days() {
    let house = settled();
    house.communities.forget(US, NOW).expect("moved");
    assert_eq!(house.get(US).settings, Default::default());
    assert_eq!(house.tea(US), TEA);
    assert!(!house.path(US).exists());
    assert_eq!(house.communities.sweep(NOW + 29 * 86_400), 0);
    assert_eq!(house.communities.sweep(NOW + 30 * 86_400), 1);
    assert!(snapshot(&house.folder.path().join("communities")).is_empty());
    house.communities.forget(THEM, NOW).expect("there was nothing to move");
}

#[test]
fn who_left_by_mistake_can_have_everything_back_until_something_else_is_chosen() {
    let house = settled();
    let before = house.communities.export(US);
    house.communities.forget(US, NOW).expect("moved");
    assert!(house.desk.welcome(&mo(US)).text.contains("Lantern was here before"));
    assert!(!house.desk.welcome(&mo(THEM)).text.contains("Lantern was here before"));
    assert!(house.get(US).settings.watched.is_empty(), "nothing comes back by itself");
    let said = house.desk.bring_back(&mo(US));
    assert!(said.done && said.text.contains("<#100>"), "{}", said.text);
    assert_eq!(house.communities.export(US), before);
    house.communities.forget(US, NOW + 1).expect("moved");
    house.desk.set_country(&mo(US), Some("DE"));
    assert!(!house.desk.bring_back(&mo(US)).done);
    assert!(!house.desk.bring_back(&mo(THEM)).done);
}

// What moderators are told.

#[test]
fn whoever_sets_it_up_is_told_what_it_does_and_does_not_do() {
    let house = House::new();
    let said = house.desk.welcome(&mo(US));
    for words in
        ["nobody reads along", "never what anybody writes", "`/lantern watch`", "It will miss things"]
    {
        assert!(said.text.contains(words), "{words}: {}", said.text);
    }
    assert_eq!(said.file, None, "it fits into one message");
}

#[test]
fn the_notice_says_what_is_watched_what_is_kept_how_to_opt_out_and_whom_to_call() {
    let house = House::new();
    let plain = house.desk.notice(&mo(US));
    for words in [
        "automated guide",
        "keeps nothing of what you write",
        "misses things",
        "`/privacy`",
        "findahelpline.com",
    ] {
        assert!(plain.contains(words), "{words}: {plain}");
    }
    assert!(!plain.contains("moderators"));
    house.desk.set_country(&mo(US), Some("GB"));
    house.desk.set_alerts(&mo(US), "400", None, Level::Concern);
    let told = house.desk.notice(&mo(US));
    assert!(told.contains("116 123") && told.contains("999"), "{told}");
    assert!(told.contains("The moderators may be shown"), "with alerts on, it says so: {told}");
}

#[test]
fn numbers_are_shown_with_the_day_of_their_check() {
    let house = House::new();
    let said = house.desk.resources(&mo(US), Some("GB"));
    assert!(said.text.contains("116 123") && said.text.contains("checked 202"), "{}", said.text);
    assert!(house.desk.resources(&mo(US), None).text.contains("No country is chosen"));
    house.desk.set_country(&mo(US), Some("GB"));
    assert_eq!(house.desk.resources(&mo(US), None), said);
}

/// A store of which nothing works.
struct Broken;

impl Store for Broken {
    fn get(&self, _: &PersonKey, _: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Err(StoreError::Failed("broken".into()))
    }
    fn put(&self, _: &PersonKey, _: Option<&[u8]>, _: &[u8], _: u64, _: u64) -> Result<Put, StoreError> {
        Err(StoreError::Failed("broken".into()))
    }
    fn delete(&self, _: &PersonKey) -> Result<bool, StoreError> {
        Err(StoreError::Failed("broken".into()))
    }
    fn sweep(&self, _: u64, _: usize) -> Result<usize, StoreError> {
        Err(StoreError::Failed("broken".into()))
    }
    fn count(&self) -> Result<u64, StoreError> {
        Err(StoreError::Failed("broken".into()))
    }
    fn each(&self, _: u64, _: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        Err(StoreError::Failed("broken".into()))
    }
}

#[test]
fn with_a_broken_store_everything_works_and_the_status_says_so() {
    let house = House::new();
    let house = House::with_store(house.folder, house.store, Arc::new(Broken));
    let status = house.desk.status(&mo(US)).text;
    assert!(status.contains("The store fails."), "{status}");
    let said = house.publishes(US, &ours(), false);
    assert!(said.done);
    assert!(house.desk.check(&mo(US), TEA).text.contains("can't be counted"));
    assert!(house.says(US, "ann", "i want to die").contains("I take that seriously"));
}

#[test]
fn the_status_tells_version_and_time_and_counts_nobody_below_five() {
    let house = House::new();
    house.says(US, "ann", "start tea");
    let status = house.desk.status(&mo(US)).text;
    assert!(status.contains(env!("CARGO_PKG_VERSION")) && status.contains("running for 2 hours"), "{status}");
    assert!(status.contains("fewer than five people are in a guide"), "{status}");
    assert!(status.contains("The store works."), "{status}");
    assert_eq!(house.store.count().expect("counted"), 1, "looking leaves nothing behind");
}

#[test]
fn an_answer_fits_into_a_message_and_names_no_path_of_the_machine() {
    let house = settled();
    let long = "a".repeat(5_000);
    house
        .communities
        .change(US, "mo", NOW, "chose many channels", |to| {
            to.watched = (0..MOST_CHANNELS).map(|at| format!("{at:0>200}")).collect();
            to.quiet = (0..15).map(|at| format!("{at:0>250}")).collect();
        })
        .expect("it fits");
    for at in 0..60 {
        house.desk.phrases_add(&mo(US), "concern", &format!("the {} pier {at}", "long ".repeat(15)));
    }
    let wrong = ours().replace("(#take-care)", &format!("(#{long})"));
    // Nothing can be written where a file stands in the way.
    fs::remove_dir_all(house.path(THEM)).ok();
    fs::create_dir_all(house.folder.path().join("communities")).expect("a folder");
    fs::write(house.path(THEM), "in the way").expect("written");
    let blocked = house.desk.propose(&mo(THEM), &ours());
    let named = Moderator { name: &long, ..mo(US) };
    house.desk.set_country(&named, Some("DE"));
    let all = [
        house.desk.status(&mo(US)),
        house.desk.guides(&mo(US)),
        house.desk.preview(&mo(US), &long, None, None),
        house.desk.check(&mo(US), &wrong),
        house.desk.check(&mo(US), &long),
        house.desk.phrases_list(&mo(US)),
        house.desk.phrases_test(&mo(US), &long),
        house.desk.audit(&mo(US)),
        house.desk.export(&mo(US)),
        house.desk.import(&mo(US), &long, &everywhere),
        house.desk.set_country(&mo(US), Some(&long)),
        house.desk.set_language(&mo(US), Some(&long)),
        house.desk.roll_back(&mo(US), &long, &Language::new("en"), None, false),
        house.desk.resources(&mo(US), Some("US")),
        house.desk.welcome(&mo(US)),
        house.desk.set_country(&mo(THEM), Some("GB")),
        house.desk.publish(&mo(THEM), &blocked.token.expect("it is sound"), false),
    ];
    for said in all {
        assert!(
            said.text.chars().count() <= LONGEST,
            "{} characters: {}",
            said.text.chars().count(),
            said.text
        );
        assert!(!said.text.contains(&house.folder.path().display().to_string()), "{}", said.text);
        assert_eq!(said.text.matches("```").count() % 2, 0, "{}", said.text);
    }
    assert!(house.desk.notice(&mo(US)).chars().count() <= LONGEST);
}

#[test]
fn what_somebody_typed_breaks_out_of_no_answer() {
    let house = House::new();
    let trick = "`x` **@everyone** \n# <#1>";
    for said in [
        house.desk.set_country(&mo(US), Some(trick)),
        house.desk.set_language(&mo(US), Some(trick)),
        house.desk.preview(&mo(US), trick, None, None),
        house.desk.preview(&mo(US), "tea", None, Some(trick)),
        house.desk.phrases_add(&mo(US), trick, "words"),
    ] {
        let outside: String = said.text.split('`').step_by(2).collect();
        assert!(!said.done && !outside.contains("everyone"), "{}", said.text);
    }
}
