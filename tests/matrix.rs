//! Conversations on Matrix: a real homeserver, clients that nobody here wrote, and Lantern as a process.

#[path = "support/matrix/mod.rs"]
mod matrix;

use matrix::{Bot, Person, Synapse, World, body};
use serde_json::{Value, json};

/// What a test needs: the shared homeserver, a bot, people.
struct Scene {
    synapse: &'static Synapse,
    bot: Bot,
    world: World,
}

impl Scene {
    fn new() -> Scene {
        let synapse = Synapse::shared();
        let bot = Bot::start(synapse);
        Scene { synapse, bot, world: World::new(&synapse.address()) }
    }

    fn person(&self, name: &str) -> Person<'_> {
        self.world.person(self.synapse, name)
    }
}

fn is_hello(words: &str) -> bool {
    words.starts_with("Hi. I'm an automated guide, not a person.")
}

/// The crisis reply begins with its own words, and a number or the way to one stands in it.
fn is_crisis(event: &Value) -> bool {
    body(event).contains("findahelpline.com") && !event["content"]["m.mentions"]["user_ids"].is_null()
}

#[test]
fn a_conversation_in_a_direct_room_goes_by_numbers_words_and_commands() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, false);
    assert!(is_hello(&talk.words()));
    talk.say("start ketamine");
    let step = talk.hear();
    assert!(body(&step).contains("\n\n1. "), "{step}");
    assert_eq!(step["content"]["msgtype"], "m.text", "what a person waits for rings");
    assert!(step["content"]["formatted_body"].as_str().is_some_and(|html| html.contains("<ol><li>")));
    talk.say("1");
    let next = talk.words();
    assert_ne!(next, body(&step));
    talk.say("back");
    assert_eq!(talk.words(), body(&step));
    talk.say("!lantern topics");
    assert!(talk.words().contains("1. "));
}

#[test]
fn in_an_encrypted_direct_room_everything_is_encrypted() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, true);
    assert!(is_hello(&talk.words()));
    talk.say("i want to die");
    let reply = talk.hear();
    assert!(is_crisis(&reply), "{reply}");
    assert_eq!(reply["encrypted"], true);
    assert_eq!(reply["content"]["m.mentions"]["user_ids"][0], anna.id.as_str());
}

#[test]
fn the_keys_survive_a_restart() {
    let mut scene = Scene::new();
    let bot = scene.bot.id.clone();
    let anna = scene.world.person(scene.synapse, "anna");
    let talk = anna.direct(&bot, true);
    talk.words();
    scene.bot.kill();
    talk.say("help");
    scene.bot.run();
    assert!(talk.words().contains("help now"));
    talk.say("guides");
    assert!(talk.words().contains("1. "));
}

#[test]
fn a_message_that_was_written_before_lantern_had_come_is_answered() {
    for encrypted in [false, true] {
        let mut scene = Scene::new();
        let bot = scene.bot.id.clone();
        scene.bot.wait_for("encryption:");
        scene.bot.kill();
        let anna = scene.world.person(scene.synapse, "anna");
        // Many clients make the room with the first message, before anybody could have joined.
        let talk = anna.room(json!({ "invite": [bot], "encrypted": encrypted }));
        talk.ask("ready", json!({ "members": 2 }));
        anna.ask("devices", json!({ "user": bot }));
        talk.say("i want to kill myself");
        scene.bot.run();
        let reply = talk.hear();
        assert!(is_crisis(&reply), "encrypted: {encrypted}: {reply}");
        talk.silence(3);
    }
}

#[test]
fn reactions_choose_and_lantern_puts_them_there_to_tap() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, true);
    talk.words();
    talk.say("start ketamine");
    let step = talk.hear();
    let offered = step["content"]["lantern.offers"]["choices"].as_array().expect("choices").len();
    let id = step["event_id"].as_str().expect("an id");
    let reactions = talk.hear_types(offered, &["m.reaction"], 20);
    let keys: Vec<&str> = reactions
        .iter()
        .filter(|one| one["content"]["m.relates_to"]["event_id"] == id)
        .filter_map(|one| one["content"]["m.relates_to"]["key"].as_str())
        .collect();
    assert_eq!(keys.len(), offered, "{keys:?}");
    assert_eq!(keys[0], "1\u{fe0f}\u{20e3}");
    talk.react(id, keys[0]);
    let next = talk.words();
    talk.say("back");
    assert_eq!(talk.words(), body(&step));
    talk.say("1");
    assert_eq!(talk.words(), next, "a tap and a number lead to the same place");
}

#[test]
fn a_reaction_to_an_old_list_after_a_restart_chooses_nothing_in_the_new_one() {
    let mut scene = Scene::new();
    let bot = scene.bot.id.clone();
    let anna = scene.world.person(scene.synapse, "anna");
    let talk = anna.direct(&bot, false);
    talk.words();
    talk.say("start ketamine");
    let old = talk.hear()["event_id"].as_str().expect("an id").to_owned();
    talk.say("1");
    let here = talk.words();
    scene.bot.kill();
    scene.bot.run();
    talk.react(&old, "2️⃣");
    let events = talk.hear_types(2, &["m.room.message"], 30);
    let last = events.last().expect("an answer");
    assert_eq!(body(last), here, "they stay where they are, and see it again");
}

#[test]
fn a_notice_is_never_answered() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, false);
    talk.words();
    talk.send(json!({ "content": { "msgtype": "m.notice", "body": "i want to die" } }));
    talk.silence(4);
}

#[test]
fn a_picture_is_not_passed_over_and_its_caption_is_heard() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, false);
    talk.words();
    let picture = |body: &str| json!({ "content": { "msgtype": "m.image", "body": body, "filename": "a.jpg", "url": "mxc://localhost/a" } });
    talk.send(picture("a.jpg"));
    let words = talk.words();
    assert!(words.contains("only read typed words") && words.contains("112"), "{words}");
    talk.send(picture("goodbye, i am going to kill myself tonight"));
    assert!(is_crisis(&talk.hear()));
}

#[test]
fn an_edit_is_screened_again_and_otherwise_left_alone() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, true);
    talk.words();
    let first = talk.say("start ketamine");
    talk.words();
    let edit = |text: &str| {
        json!({ "content": {
            "msgtype": "m.text", "body": format!("* {text}"), "m.new_content": { "msgtype": "m.text", "body": text },
            "m.relates_to": { "rel_type": "m.replace", "event_id": first },
        } })
    };
    talk.send(edit("start ketamine please"));
    talk.silence(3);
    talk.send(edit("i don't want to live any more"));
    assert!(is_crisis(&talk.hear()));
}

#[test]
fn a_message_taken_back_changes_nothing_that_was_answered() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, false);
    talk.words();
    let said = talk.say("start ketamine");
    let step = talk.words();
    talk.ask("redact", json!({ "event": said }));
    talk.silence(2);
    talk.say("again");
    assert!(talk.hear_types(2, &["m.room.message"], 5).iter().any(|event| body(event) == step));
}

#[test]
fn two_people_talk_at_the_same_time_and_two_rooms_of_one_are_two_conversations() {
    let scene = Scene::new();
    let (anna, ben) = (scene.person("anna"), scene.person("ben"));
    let (first, second) = (anna.direct(&scene.bot.id, true), anna.direct(&scene.bot.id, false));
    let third = ben.direct(&scene.bot.id, true);
    for talk in [&first, &second, &third] {
        assert!(is_hello(&talk.words()));
        talk.say("start ketamine");
    }
    let (a, b, c) = (first.words(), second.words(), third.words());
    assert!(a == b && b == c);
    first.say("1");
    let next = first.words();
    second.say("1");
    third.say("2");
    assert_eq!(second.words(), next);
    assert_ne!(third.words(), next);
}

#[test]
fn a_second_device_of_a_person_goes_on_with_the_same_conversation() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, true);
    talk.words();
    talk.say("start ketamine");
    talk.words();
    let phone = scene.world.device(&anna.user);
    let on_phone = phone.at(&talk);
    on_phone.ask("ready", json!({ "members": 2 }));
    on_phone.say("1");
    let there = on_phone.hear();
    assert_eq!(there["encrypted"], true, "the new device gets the keys");
    assert_eq!(talk.words(), body(&there));
}

#[test]
fn in_a_room_with_others_only_what_is_said_to_lantern_is_heard_and_a_thread_answers_it() {
    let scene = Scene::new();
    let (anna, ben) = (scene.person("anna"), scene.person("ben"));
    let talk = anna.room(json!({ "invite": [scene.bot.id, ben.id], "direct": false }));
    ben.at(&talk).ask("join", json!({}));
    talk.wait_for_bot();
    let greeting = talk.hear();
    assert!(body(&greeting).contains("!lantern help"), "{greeting}");
    assert_eq!(greeting["content"]["msgtype"], "m.notice");
    talk.ask("ready", json!({ "members": 3 }));
    let of_ben = ben.at(&talk);
    talk.say("does anybody know ketamine? i want to die");
    talk.silence(4);
    let root = talk.say("!lantern guide ketamine");
    let step = talk.hear();
    let relation = &step["content"]["m.relates_to"];
    assert_eq!(
        (relation["rel_type"].as_str(), relation["event_id"].as_str()),
        (Some("m.thread"), Some(root.as_str()))
    );
    assert_eq!(step["content"]["msgtype"], "m.notice");
    let in_thread = |text: &str| {
        json!({ "content": { "msgtype": "m.text", "body": text,
            "m.relates_to": { "rel_type": "m.thread", "event_id": root } } })
    };
    of_ben.send(in_thread("1"));
    talk.silence(3);
    talk.send(in_thread("1"));
    let next = talk.words();
    assert_ne!(next, body(&step), "the thread is Anna's conversation");
    talk.send(in_thread("i want to kill myself"));
    let reply = talk.hear();
    assert_eq!(reply["content"]["m.mentions"]["user_ids"][0], anna.id.as_str());
    assert_eq!(reply["content"]["msgtype"], "m.text", "a crisis reply rings");
    assert!(
        body(&reply).contains("write to me privately"),
        "in front of others it is the short one: {reply}"
    );
}

#[test]
fn a_room_that_the_world_can_read_is_told_so_and_treated_as_public() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.room(json!({ "invite": [scene.bot.id], "visibility": "world_readable" }));
    talk.wait_for_bot();
    let greeting = talk.words();
    assert!(greeting.contains("Everybody in the world can read"), "{greeting}");
    talk.say("i want to die");
    talk.silence(3);
    talk.say("!lantern i want to die");
    assert!(talk.words().contains("write to me privately"));
}

#[test]
fn the_notes_come_as_a_file_too() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, true);
    talk.words();
    talk.say("start ketamine");
    talk.words();
    talk.say("notes");
    let both = talk.hear_types(2, &["m.room.message"], 30);
    let file = both.iter().find(|event| event["content"]["msgtype"] == "m.file").expect("a file");
    let text =
        anna.ask("download", json!({ "file": file["content"]["file"], "url": file["content"]["url"] }));
    assert!(text["text"].as_str().is_some_and(|text| text.contains("Notes for my visit")), "{text}");
}

#[test]
fn forget_me_and_privacy_work_by_command() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, false);
    talk.words();
    talk.say("!lantern guide ketamine");
    talk.words();
    talk.say("!lantern privacy");
    assert!(talk.words().contains("I don't keep what you type"));
    talk.say("!lantern forget-me");
    assert!(talk.words().contains("I erased what I had kept of you"));
    talk.say("back");
    assert!(is_hello(&talk.words()), "nothing is known of them any more");
}

#[test]
fn verification_by_emoji_is_accepted_when_asked_for() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, true);
    talk.words();
    talk.say("hello");
    talk.words();
    let verified = anna.ask("verify", json!({ "user": scene.bot.id }));
    assert_eq!(verified["verified"], true, "{verified}");
    // Whoever looks after the bot can read them out to her.
    scene.bot.wait_for("somebody verifies this device. It shows: ");
}

#[test]
fn the_device_is_signed_by_the_accounts_identity_and_its_keys_are_backed_up() {
    let scene = Scene::new();
    scene
        .bot
        .wait_for("encryption: this device is signed by the account's identity, its keys are in a backup");
    let anna = scene.person("anna");
    let keys = anna.ask("keys", json!({ "user": scene.bot.id }));
    let keys = &keys["keys"];
    let bot = scene.bot.id.as_str();
    let signing = keys["self_signing_keys"][bot]["keys"]
        .as_object()
        .expect("an identity")
        .keys()
        .next()
        .expect("a key");
    let devices = keys["device_keys"][bot].as_object().expect("devices");
    let signed = devices.values().filter(|device| !device["signatures"][bot][signing].is_null()).count();
    assert_eq!(signed, 1, "{devices:?}");
    let recovery = scene.bot.device.join("recovery-key");
    assert!(!std::fs::read_to_string(recovery).expect("a recovery key").is_empty());
}

#[test]
fn a_message_whose_key_was_kept_back_is_answered_and_read_when_the_key_comes() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, true);
    talk.words();
    talk.ask("withhold", json!({}));
    talk.say("i want to kill myself");
    let told = talk.words();
    assert!(told.contains("couldn't read that") && told.contains("112"), "{told}");
    anna.ask("hand_over", json!({ "user": scene.bot.id }));
    let reply = talk.hear();
    assert!(is_crisis(&reply), "{reply}");
    assert!(!body(&reply).contains("I was offline"), "it wasn't");
}

#[test]
fn an_invitation_that_the_operator_does_not_want_is_declined() {
    let synapse = Synapse::shared();
    let bot = Bot::at(synapse, &synapse.address(), "invites = [\"example.org\"]");
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let talk = anna.room(json!({ "invite": [bot.id] }));
    std::thread::sleep(std::time::Duration::from_secs(4));
    let members = talk.ask("members", json!({}));
    assert_eq!(members["members"].as_array().expect("a list").len(), 1, "{members}");
    let why = talk.ask("member", json!({ "user": bot.id }))["content"]["reason"].clone();
    assert!(why.as_str().is_some_and(|why| why.contains("only some people's invitations")), "{why}");
}

#[test]
fn lantern_leaves_a_room_in_which_nobody_else_is_left() {
    let scene = Scene::new();
    let (anna, ben) = (scene.person("anna"), scene.person("ben"));
    let talk = anna.room(json!({ "invite": [scene.bot.id, ben.id], "direct": false }));
    ben.at(&talk).ask("join", json!({}));
    talk.wait_for_bot();
    ben.at(&talk).ask("leave", json!({}));
    std::thread::sleep(std::time::Duration::from_secs(2));
    let of_bot = talk.ask("members", json!({}))["members"].to_string();
    assert!(of_bot.contains(&scene.bot.id), "somebody is still there");
    talk.ask("leave", json!({}));
    scene.bot.wait_for("left a room");
}

#[test]
fn the_log_names_nobody_and_quotes_nothing() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let talk = anna.direct(&scene.bot.id, true);
    talk.words();
    talk.say("my secret is a purple elephant");
    talk.words();
    scene.bot.wait_for("encryption:");
    let log = scene.bot.log();
    for word in [anna.user.as_str(), talk.room.as_str(), "elephant", " 404", "http_client", "ERROR"] {
        assert!(!log.contains(word), "{word} in:\n{log}");
    }
}

#[test]
fn whoever_may_change_a_room_sets_lantern_up_there_and_nobody_else_does() {
    let scene = Scene::new();
    let (anna, ben) = (scene.person("anna"), scene.person("ben"));
    let talk = anna.room(json!({ "invite": [scene.bot.id, ben.id], "direct": false }));
    ben.at(&talk).ask("join", json!({}));
    talk.wait_for_bot();
    talk.words();
    let of_ben = ben.at(&talk);
    of_ben.ask("ready", json!({ "members": 3 }));
    of_ben.say("!lantern status");
    of_ben.hear_until("for moderators of this room");
    talk.words();
    talk.say("!lantern status");
    assert!(talk.words().starts_with("**Lantern "));
    talk.say("!lantern country Canada");
    assert!(talk.words().contains("emergency number 911"));
    of_ben.hear_until("emergency number 911");
    of_ben.say("!lantern i want to die");
    let reply = of_ben.words();
    assert!(reply.contains("911"), "people here see the numbers of the country that was chosen: {reply}");
    talk.words();
    talk.say("!lantern audit");
    assert!(talk.words().contains("chose the country CA"));
}

#[test]
fn a_watched_room_says_so_and_moderators_are_told_where_somebody_seems_to_be_in_danger() {
    let scene = Scene::new();
    let (anna, ben) = (scene.person("anna"), scene.person("ben"));
    let mods = anna.room(json!({ "invite": [scene.bot.id, ben.id], "direct": false }));
    let talk = anna.room(json!({ "invite": [scene.bot.id, ben.id], "direct": false }));
    for room in [&mods, &talk] {
        ben.at(room).ask("join", json!({}));
        room.wait_for_bot();
        room.words();
    }
    let of_ben = ben.at(&talk);
    of_ben.ask("ready", json!({ "members": 3 }));
    talk.say(&format!("!lantern alerts {} ideation", mods.room));
    assert!(talk.words().contains("never what was said"));
    talk.say("!lantern watch");
    let notice = talk.hear_types(2, &["m.room.message"], 30);
    assert!(
        body(&notice[1]).contains("This channel is watched by Lantern, an automated guide"),
        "{notice:?}"
    );
    of_ben.hear_until("This channel is watched by Lantern");
    let cry = of_ben.say("i am going to kill myself tonight");
    let reply = of_ben.hear();
    assert!(body(&reply).contains("what you wrote matters"), "{reply}");
    assert_eq!(reply["content"]["m.mentions"]["user_ids"][0], ben.id.as_str());
    let card = mods.hear();
    assert!(body(&card).contains("Somebody may need a person") && body(&card).contains(&cry), "{card}");
    assert!(!card.to_string().contains("tonight"), "never what was said: {card}");
    mods.react(card["event_id"].as_str().expect("an id"), "👀");
    assert!(mods.words().contains(&format!("{} is on it", anna.id)));
    of_ben.say("!lantern unwatch-me");
    assert!(of_ben.words().contains("don't look at your messages"));
    of_ben.say("i want to die");
    of_ben.silence(4);
}

#[test]
fn a_guide_that_is_uploaded_to_the_moderators_room_is_checked_put_into_service_and_rolled_back() {
    let scene = Scene::new();
    let (anna, ben) = (scene.person("anna"), scene.person("ben"));
    // In an encrypted room files are encrypted, too.
    let mods = anna.room(json!({ "invite": [scene.bot.id, ben.id], "direct": false, "encrypted": true }));
    let talk = anna.room(json!({ "invite": [scene.bot.id, ben.id], "direct": false }));
    for room in [&mods, &talk] {
        ben.at(room).ask("join", json!({}));
        room.wait_for_bot();
        room.words();
        room.ask("ready", json!({ "members": 3 }));
        ben.at(room).ask("ready", json!({ "members": 3 }));
    }
    anna.ask("devices", json!({ "user": scene.bot.id }));
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/ketamine/en.md"))
        .expect("a guide");
    let ours = guide.replacen("Shall we start?", "Shall we begin together?", 1);
    assert_ne!(ours, guide);
    let upload = |text: &str| {
        mods.ask("upload", json!({ "name": "ketamine.md", "text": text, "encrypted": true }));
        mods.words()
    };
    // Before any room sends its alerts there, a file there is nothing to Lantern.
    mods.ask("upload", json!({ "name": "ketamine.md", "text": ours, "encrypted": true }));
    mods.silence(3);
    talk.say(&format!("!lantern alerts {} ideation", mods.room));
    talk.words();

    let broken = upload(&ours.replacen("(#how-are-you)", "(#how-are-yuo)", 1));
    let line = 1 + ours[..ours.find("(#how-are-you)").expect("a choice")].matches('\n').count();
    assert!(broken.contains("can't go into service yet"), "{broken}");
    assert!(broken.contains(&format!("ketamine/en.md:{line}:")), "the line, {line}: {broken}");
    assert!(broken.contains("^") && broken.contains("how-are-yuo"), "the caret: {broken}");
    mods.say("!lantern publish");
    assert!(mods.words().contains("Nothing of yours is waiting"));

    let sound = upload(&ours);
    assert!(sound.contains("is sound") && sound.contains("!lantern publish"), "{sound}");
    ben.at(&mods).say("!lantern publish");
    assert!(mods.words().contains("for moderators of this room"), "Ben looks after no room");
    mods.say("!lantern publish");
    assert!(mods.words().contains("`ketamine/en.md` is in service as"));
    talk.say("!lantern guide ketamine");
    assert!(talk.words().contains("Shall we begin together?"));
    mods.say("!lantern guides");
    assert!(mods.words().contains("yours"));

    mods.say("!lantern rollback ketamine");
    let back = mods.words();
    assert!(back.contains("in service again"), "{back}");
    talk.say("!lantern guide ketamine");
    assert!(talk.words().contains("Shall we start?"));
    talk.say("!lantern audit");
    let audit = talk.words();
    assert!(audit.contains(&anna.id) && audit.contains("published ketamine/en"), "{audit}");
}

#[test]
fn in_a_room_itself_a_guide_is_checked_when_its_moderator_asks_and_no_other_file_is_touched() {
    let scene = Scene::new();
    let (anna, ben) = (scene.person("anna"), scene.person("ben"));
    let talk = anna.room(json!({ "invite": [scene.bot.id, ben.id], "direct": false }));
    ben.at(&talk).ask("join", json!({}));
    talk.wait_for_bot();
    talk.words();
    let upload = |text: &str, caption: &str| {
        talk.ask("upload", json!({ "name": "tea.md", "caption": caption, "text": text }));
    };
    upload("# Tea", "tea.md");
    upload("# Tea", "look what I found");
    talk.silence(3);
    upload("# Tea", "!lantern check");
    let said = talk.words();
    assert!(said.contains("can't go into service yet"), "{said}");
    upload(&"a".repeat(200_000), "!lantern check");
    assert!(talk.words().contains("at most 131072 are taken"));
    upload("# Tea", "!lantern check i want to die");
    assert!(talk.words().contains("findahelpline.com"), "words below a file are heard first");
    let of_ben = ben.at(&talk);
    of_ben.ask("upload", json!({ "name": "tea.md", "caption": "!lantern check", "text": "# Tea" }));
    of_ben.hear_until("for moderators of this room");
}

#[test]
fn a_card_that_stood_before_a_restart_can_be_taken_and_done_after_it() {
    let mut scene = Scene::new();
    let bot = scene.bot.id.clone();
    let (anna, ben) = (scene.world.person(scene.synapse, "anna"), scene.world.person(scene.synapse, "ben"));
    let mods = anna.room(json!({ "invite": [bot, ben.id], "direct": false }));
    let talk = anna.room(json!({ "invite": [bot, ben.id], "direct": false }));
    for room in [&mods, &talk] {
        ben.at(room).ask("join", json!({}));
        room.wait_for_bot();
        room.words();
    }
    talk.say(&format!("!lantern alerts {} ideation", mods.room));
    talk.words();
    let of_ben = ben.at(&talk);
    of_ben.ask("ready", json!({ "members": 3 }));
    of_ben.say("!lantern i am going to kill myself tonight");
    let card = mods.hear();
    let id = card["event_id"].as_str().expect("an id");
    let offered = mods.hear_types(2, &["m.reaction"], 20);
    assert_eq!(offered.len(), 2, "both are there to tap");
    scene.bot.kill();
    scene.bot.run();
    mods.react(id, "👀");
    let taken = mods.hear();
    assert_eq!(taken["content"]["m.relates_to"]["event_id"], id, "the card itself is changed");
    assert!(body(&taken).contains(&format!("{} is on it", anna.id)), "{taken}");
    let of_mods = ben.at(&mods);
    of_mods.ask("ready", json!({ "members": 3 }));
    of_mods.react(id, "👀");
    mods.silence(3);
    scene.bot.kill();
    scene.bot.run();
    of_mods.react(id, "✅");
    let done = mods.words();
    assert!(done.contains(&format!("{} is on it", anna.id)), "{done}");
    assert!(done.contains(&format!("{} has looked after it", ben.id)), "{done}");
    assert!(!done.contains("tonight"), "never what was said: {done}");
}

#[test]
fn an_invitation_to_a_space_is_refused_in_plain_words() {
    let scene = Scene::new();
    let anna = scene.person("anna");
    let space = anna.room(json!({ "invite": [scene.bot.id], "direct": false, "space": true }));
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let member = loop {
        let member = space.ask("member", json!({ "user": scene.bot.id }))["content"].clone();
        if member["membership"] == "leave" || std::time::Instant::now() > end {
            break member;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    assert_eq!(member["membership"], "leave", "{member}");
    assert!(
        member["reason"].as_str().is_some_and(|why| why.contains("a space is no place to talk")),
        "{member}"
    );
}

#[test]
fn a_person_behind_a_bridge_is_heard_as_in_any_room_with_others() {
    let scene = Scene::new();
    // A bridge makes the room; the person from elsewhere is a user of its own making.
    let (bridge, ghost) = (scene.person("bridgebot"), scene.person("telegram_5512_"));
    let room = bridge.room(json!({ "invite": [scene.bot.id, ghost.id], "direct": false }));
    let of_ghost = ghost.at(&room);
    of_ghost.ask("join", json!({}));
    room.wait_for_bot();
    assert!(room.words().contains("everybody here can read"));
    of_ghost.ask("ready", json!({ "members": 3 }));
    assert!(of_ghost.words().contains("everybody here can read"));
    room.send(json!({ "content": { "msgtype": "m.notice", "body": "!lantern i want to die" } }));
    of_ghost.say("i want to die");
    of_ghost.silence(4);
    of_ghost.say("!lantern i want to die");
    let reply = of_ghost.hear();
    assert!(body(&reply).contains("write to me privately"), "{reply}");
    assert_eq!(reply["content"]["m.mentions"]["user_ids"][0], ghost.id.as_str());
}
