//! Lantern on Matrix when things go wrong: kills at any moment, lost answers, limits, servers that restart, floods.

#[path = "support/matrix/mod.rs"]
mod matrix;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use matrix::proxy::{Fate, Proxy};
use matrix::{Bot, Synapse, World, body, http};
use serde_json::{Value, json};

fn is_message(method: &str, path: &str) -> bool {
    method == "PUT" && path.contains("/send/m.room.")
}

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

fn is_crisis(event: &Value) -> bool {
    body(event).contains("findahelpline.com")
}

#[test]
fn killed_at_any_moment_it_leaves_no_message_out_and_answers_none_twice() {
    let synapse = Synapse::shared();
    let mut bot = Bot::start(synapse);
    let id = bot.id.clone();
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let (plain, sealed) = (anna.direct(&id, false), anna.direct(&id, true));
    plain.words();
    sealed.words();
    let rounds: u64 = 8;
    for round in 0..rounds {
        // From before the message has arrived to after it has been answered.
        plain.say("help");
        sealed.say("help");
        pause(round * 45);
        bot.kill();
        bot.run();
    }
    for talk in [&plain, &sealed] {
        let answers = talk.hear_types(usize::try_from(rounds).expect("few"), &["m.room.message"], 60);
        assert_eq!(answers.len() as u64, rounds);
        talk.silence(4);
    }
}

#[test]
fn an_answer_that_arrived_and_whose_receipt_was_lost_is_not_seen_twice() {
    let synapse = Synapse::shared();
    let proxy = Proxy::start(synapse.port);
    let mut bot = Bot::at(synapse, &proxy.address(), "reactions = false");
    let id = bot.id.clone();
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let talk = anna.direct(&id, false);
    talk.words();
    // It is sent again by the same process.
    let lost = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&lost);
    proxy.rule(move |method, path, _| {
        if is_message(method, path) && count.fetch_add(1, Ordering::SeqCst) < 2 {
            Fate::LoseAnswer
        } else {
            Fate::Pass
        }
    });
    talk.say("i want to die");
    assert!(is_crisis(&talk.hear()));
    talk.silence(4);
    assert!(lost.load(Ordering::SeqCst) >= 2, "it was sent again");
    // It is sent again by the next process.
    proxy.rule(|method, path, _| if is_message(method, path) { Fate::LoseAnswer } else { Fate::Pass });
    talk.say("start ketamine");
    let step = talk.words();
    bot.kill();
    proxy.rule(|_, _, _| Fate::Pass);
    bot.run();
    talk.silence(4);
    talk.say("again");
    assert!(
        talk.hear_types(2, &["m.room.message"], 10).iter().any(|event| body(event) == step),
        "it went on from there"
    );
}

#[test]
fn killed_between_taking_the_turn_and_sending_it_sends_what_the_person_waits_for() {
    let synapse = Synapse::shared();
    let proxy = Proxy::start(synapse.port);
    let mut bot = Bot::at(synapse, &proxy.address(), "reactions = false");
    let id = bot.id.clone();
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let talk = anna.direct(&id, true);
    talk.words();
    talk.say("start ketamine");
    let first = talk.words();
    // The session is saved, and nothing gets out.
    proxy.rule(|method, path, _| if is_message(method, path) { Fate::Cut } else { Fate::Pass });
    talk.say("1");
    pause(2_000);
    bot.kill();
    proxy.rule(|_, _, _| Fate::Pass);
    bot.run();
    let next = talk.words();
    assert_ne!(next, first, "the choice was taken once, and where it leads is shown");
    talk.silence(3);
    talk.say("back");
    assert_eq!(talk.words(), first, "and not taken twice");
}

#[test]
fn a_second_lantern_on_the_same_account_is_told_of_and_one_on_the_same_device_refused() {
    let synapse = Synapse::shared();
    let bot = Bot::start(synapse);
    let mut twin = bot.twin();
    twin.run_with(&[("MATRIX_PASSWORD", &bot.password())]);
    twin.wait_for("another Lantern was signed in");
    twin.kill();
    let mut same = bot.twin();
    same.device = bot.device.clone();
    same.run_with(&[("MATRIX_PASSWORD", &bot.password())]);
    assert!(!same.wait());
    assert!(same.log().contains("another lantern runs with the device"), "{}", same.log());
}

#[test]
fn with_its_store_lost_and_its_recovery_key_kept_it_is_the_same_identity_and_answers_nothing_again() {
    let synapse = Synapse::shared();
    let mut bot = Bot::start(synapse);
    let id = bot.id.clone();
    bot.wait_for("encryption:");
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let talk = anna.direct(&id, true);
    talk.words();
    talk.say("help");
    talk.words();
    let identity = |anna: &matrix::Person<'_>| {
        let keys = anna.ask("keys", json!({ "user": id }))["keys"].clone();
        let device: Vec<bool> = keys["device_keys"][&id]
            .as_object()
            .expect("devices")
            .values()
            .map(|device| device["signatures"][&id].as_object().is_some_and(|all| all.len() > 1))
            .collect();
        (keys["master_keys"][&id]["keys"].clone(), device)
    };
    let (before, _) = identity(&anna);
    bot.kill();
    for lost in ["store", "key", "session.json", "device"] {
        let path = bot.device.join(lost);
        let _ = std::fs::remove_dir_all(&path);
        let _ = std::fs::remove_file(&path);
    }
    bot.run();
    bot.wait_for("encryption: this device is signed by the account's identity, its keys are in a backup");
    let (after, signed) = identity(&anna);
    assert_eq!(before, after);
    assert!(signed.iter().all(|signed| *signed), "{signed:?}");
    talk.silence(4);
    // The new device gets the keys of what is said from now on.
    anna.ask("devices", json!({ "user": id }));
    pause(1_500);
    talk.say("privacy");
    assert!(!talk.words().is_empty());
}

#[test]
fn killed_at_any_moment_of_its_first_start_it_can_start_again() {
    let synapse = Synapse::shared();
    let mut bot = Bot::new(synapse, &synapse.address(), "");
    for milliseconds in [30, 80, 150, 300, 600, 1_000] {
        bot.run_with(&[("MATRIX_PASSWORD", &bot.password())]);
        pause(milliseconds);
        bot.kill();
    }
    bot.run();
    bot.wait_for("encryption: this device is signed");
    // From now on it needs no password.
    bot.kill();
    bot.run_with(&[]);
    bot.wait_for("answering");
}

#[test]
fn what_is_wrong_with_signing_in_is_said_in_plain_words() {
    let synapse = Synapse::shared();
    let mut bot = Bot::new(synapse, &synapse.address(), "");
    for (secrets, words) in [
        (vec![], "there is nothing to sign in with"),
        (vec![("MATRIX_PASSWORD", "wrong")], "refuses the password"),
        (vec![("MATRIX_ACCESS_TOKEN", "wrong")], "doesn't know this access token"),
    ] {
        bot.run_with(&secrets);
        assert!(!bot.wait(), "it ends");
        assert!(bot.log().contains(words), "{words} in {}", bot.log());
    }
    let mut lost = Bot::new(synapse, "http://127.0.0.1:1", "");
    lost.run_with(&[("MATRIX_PASSWORD", "x")]);
    lost.wait_for("trying again in");
}

#[test]
fn with_an_access_token_it_is_that_device_and_a_token_taken_back_ends_it_with_a_reason() {
    let synapse = Synapse::shared();
    let mut bot = Bot::new(synapse, &synapse.address(), "");
    let token = synapse.sign_in(&bot.user);
    bot.run_with(&[("MATRIX_ACCESS_TOKEN", &token)]);
    bot.wait_for("answering");
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let talk = anna.direct(&bot.id, true);
    assert!(talk.words().contains("automated guide"));
    http(synapse.port, "POST", "/_matrix/client/v3/logout", &token, &json!({}));
    assert!(!bot.wait());
    assert!(bot.log().contains("doesn't know the access token any more"), "{}", bot.log());
    assert!(bot.log().contains("set MATRIX_ACCESS_TOKEN"), "it says what to do: {}", bot.log());
}

#[test]
fn a_room_that_takes_no_answers_holds_no_other_up() {
    let synapse = Synapse::shared();
    let proxy = Proxy::start(synapse.port);
    let bot = Bot::at(synapse, &proxy.address(), "reactions = false");
    let world = World::new(&synapse.address());
    let (anna, ben) = (world.person(synapse, "anna"), world.person(synapse, "ben"));
    let (stuck, free) = (anna.direct(&bot.id, false), ben.direct(&bot.id, false));
    stuck.words();
    free.words();
    let room = stuck.room.trim_start_matches('!').to_owned();
    proxy.rule(move |method, path, _| {
        if is_message(method, path) && path.contains(&room) { Fate::TooMuch(2_000) } else { Fate::Pass }
    });
    for _ in 0..5 {
        stuck.say("help");
    }
    pause(500);
    free.say("help");
    free.words();
    free.say("i want to die");
    assert!(is_crisis(&free.hear()));
    proxy.rule(|_, _, _| Fate::Pass);
    assert_eq!(stuck.hear_types(5, &["m.room.message"], 60).len(), 5);
}

#[test]
fn under_a_rate_limit_everything_arrives_and_a_crisis_reply_before_what_waited_longer() {
    let synapse = Synapse::shared();
    let proxy = Proxy::start(synapse.port);
    let bot = Bot::at(synapse, &proxy.address(), "reactions = false");
    let world = World::new(&synapse.address());
    let people: Vec<_> = (0..4).map(|_| world.person(synapse, "anna")).collect();
    let talks: Vec<_> = people.iter().map(|person| person.direct(&bot.id, false)).collect();
    talks.iter().for_each(|talk| drop(talk.words()));
    let limit_until = Instant::now() + Duration::from_secs(4);
    proxy.rule(move |method, path, _| {
        if is_message(method, path) && Instant::now() < limit_until {
            Fate::TooMuch(1_000)
        } else {
            Fate::Pass
        }
    });
    let before = proxy.messages().len();
    for talk in &talks[..3] {
        talk.say("help");
    }
    pause(1_000);
    talks[3].say("i am going to kill myself");
    assert!(is_crisis(&talks[3].hear()));
    for talk in &talks[..3] {
        talk.words();
    }
    let sent = proxy.messages();
    assert!(sent[before].1.contains("findahelpline.com"), "the first one through: {}", sent[before].1);
    assert_eq!(sent.len() - before, 4, "each once");
}

#[test]
fn the_homeserver_is_killed_and_starts_again() {
    let synapse = Synapse::start("");
    let bot = Bot::start(&synapse);
    let world = World::new(&synapse.address());
    let anna = world.person(&synapse, "anna");
    let talk = anna.direct(&bot.id, true);
    talk.words();
    for _ in 0..2 {
        synapse.kill();
        pause(1_500);
        synapse.start_again();
        pause(500);
        talk.say("help");
        assert!(!talk.words().is_empty());
    }
    talk.silence(3);
    assert!(
        bot.log().contains("trying again until it is back") && bot.log().contains("the homeserver is back")
    );
}

#[test]
fn a_cry_for_help_after_an_hour_offline_is_answered_with_a_word_that_it_is_late() {
    let synapse = Synapse::start("");
    let mut bot = Bot::start(&synapse);
    let id = bot.id.clone();
    let world = World::new(&synapse.address());
    let anna = world.person(&synapse, "anna");
    let talk = anna.direct(&id, false);
    talk.words();
    bot.kill();
    talk.say("hello?");
    talk.say("i don't want to live any more");
    // An hour goes by, for the server.
    synapse.kill();
    synapse.age_all_events(3_600_000);
    synapse.start_again();
    bot.run();
    let reply = body(&talk.hear());
    assert!(reply.contains("findahelpline.com"), "{reply}");
    assert!(reply.contains("I was offline when you wrote this"), "{reply}");
    assert!(!reply.starts_with("I was offline"), "the numbers come first: {reply}");
    talk.silence(4);
}

#[test]
fn a_room_that_it_was_banned_from_stops_no_start() {
    let synapse = Synapse::shared();
    let mut bot = Bot::start(synapse);
    let id = bot.id.clone();
    let world = World::new(&synapse.address());
    let (anna, ben) = (world.person(synapse, "anna"), world.person(synapse, "ben"));
    let (gone, kept) = (anna.direct(&id, false), ben.direct(&id, true));
    gone.words();
    kept.words();
    bot.kill();
    gone.ask("ban", json!({ "user": id }));
    gone.say("help");
    kept.say("help");
    bot.run();
    assert!(!kept.words().is_empty());
}

#[test]
fn an_upgraded_room_is_followed_when_whoever_upgraded_it_may_invite() {
    let synapse = Synapse::shared();
    let bot = Bot::start(synapse);
    let world = World::new(&synapse.address());
    let (anna, ben) = (world.person(synapse, "anna"), world.person(synapse, "ben"));
    for version in ["11", "12"] {
        let talk = anna.room(json!({ "invite": [bot.id, ben.id], "direct": false, "version": version }));
        talk.wait_for_bot();
        talk.words();
        // The new room is open to whoever knows it; nobody is invited.
        let new = anna.room(json!({ "invite": [], "direct": false, "version": version }));
        new.ask("state", json!({ "type": "m.room.join_rules", "content": { "join_rule": "public" } }));
        talk.ask("state", json!({ "type": "m.room.tombstone", "content": { "body": "moved", "replacement_room": new.room } }));
        let end = Instant::now() + Duration::from_secs(20);
        while !new.ask("members", json!({}))["members"].to_string().contains(&bot.id) {
            assert!(Instant::now() < end, "version {version}: it never came");
            pause(200);
        }
    }
}

#[test]
fn of_two_thousand_waiting_messages_the_crisis_ones_are_answered_first() {
    let number = |name: &str, default: usize| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (rooms, each) = (number("FLOOD_ROOMS", 200), number("FLOOD_EACH", 10));
    let synapse = Synapse::start("");
    let proxy = Proxy::start(synapse.port);
    let mut bot = Bot::new(&synapse, &proxy.address(), "reactions = false");
    let of_bot = synapse.sign_in(&bot.user);
    let in_danger = 10.min(rooms);
    synapse.fill_rooms(&bot.id, &of_bot, rooms, |room| {
        let cries = |message| room % (rooms / in_danger) == 0 && message == each - 1;
        let text = |message| if cries(message) { "i am going to kill myself tonight" } else { "help" };
        (0..each).map(|message| text(message).to_owned()).collect()
    });
    let began = Instant::now();
    bot.run();
    // Somebody in danger is answered once for all that they wrote before; the others each time.
    let all = rooms * each - in_danger * (each - 1);
    let end = Instant::now() + Duration::from_secs(300);
    let mut first = None;
    while proxy.messages().len() < all && Instant::now() < end {
        if first.is_none() && proxy.messages().len() >= in_danger {
            first = Some(began.elapsed());
        }
        pause(50);
    }
    let took = began.elapsed();
    let memory = std::fs::read_to_string(format!("/proc/{}/status", bot.process())).unwrap_or_default();
    let peak: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|text| text.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0);
    println!(
        "{rooms} rooms, {all} answers: those in danger after {first:?}, all after {took:?}, at most {} MB",
        peak / 1024
    );
    let sent = proxy.messages();
    let cries = sent.iter().take(in_danger).filter(|(_, body)| body.contains("findahelpline.com")).count();
    assert_eq!(cries, in_danger, "those in danger come first");
    pause(2_000);
    assert_eq!(proxy.messages().len(), all, "each once");
    assert!(peak < 300 * 1024, "{peak} kB");
}

/// The server forgets the bot's token, as if it had expired, the next time that it is asked for what is new.
fn log_out_softly(proxy: &Proxy) {
    let told = Arc::new(AtomicUsize::new(0));
    proxy.rule(move |_, path, _| {
        if path.contains("/v3/sync") && told.fetch_add(1, Ordering::SeqCst) == 0 {
            let body =
                json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "Soft logged out", "soft_logout": true });
            Fate::Answer(401, body.to_string())
        } else {
            Fate::Pass
        }
    });
}

fn session(bot: &Bot) -> Value {
    let text = std::fs::read_to_string(bot.device.join("session.json")).expect("a session");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn after_a_soft_logout_it_signs_in_again_with_its_password_as_the_same_device() {
    let synapse = Synapse::shared();
    let proxy = Proxy::start(synapse.port);
    let bot = Bot::at(synapse, &proxy.address(), "reactions = false");
    bot.wait_for("encryption:");
    let before = session(&bot);
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let talk = anna.direct(&bot.id, true);
    talk.words();
    log_out_softly(&proxy);
    talk.say("help");
    talk.words();
    bot.wait_for("the server wants the password again");
    talk.say("i want to die");
    assert!(is_crisis(&talk.hear()));
    let after = session(&bot);
    assert_eq!(before["device_id"], after["device_id"]);
    assert_ne!(before["access_token"], after["access_token"]);
    assert!(!bot.log().contains("clock"), "the clocks agree: {}", bot.log());
}

#[test]
fn after_a_soft_logout_without_a_password_it_says_what_it_needs_and_loses_nothing() {
    let synapse = Synapse::shared();
    let proxy = Proxy::start(synapse.port);
    let mut bot = Bot::at(synapse, &proxy.address(), "reactions = false");
    let id = bot.id.clone();
    bot.wait_for("encryption:");
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let talk = anna.direct(&id, true);
    talk.words();
    bot.kill();
    bot.run_with(&[]);
    bot.wait_for("answering");
    log_out_softly(&proxy);
    talk.say("help");
    assert!(!bot.wait(), "it ends");
    assert!(bot.log().contains("start once with MATRIX_PASSWORD"), "{}", bot.log());
    assert!(bot.log().contains("move nothing away"), "{}", bot.log());
    talk.say("i want to die");
    bot.run();
    // Whether the first was answered before the end depends on when the server said so.
    let answers = talk.hear_types(2, &["m.room.message"], 20);
    assert!(answers.iter().any(is_crisis), "the keys are there: {answers:?}");
}

#[test]
fn a_session_that_was_ended_from_elsewhere_ends_it_with_what_to_do() {
    let synapse = Synapse::shared();
    let mut bot = Bot::start(synapse);
    bot.wait_for("encryption:");
    let token = session(&bot)["access_token"].as_str().expect("a token").to_owned();
    http(synapse.port, "POST", "/_matrix/client/v3/logout", &token, &json!({}));
    assert!(!bot.wait());
    let log = bot.log();
    for words in ["has signed this device out", "session.json", "MATRIX_PASSWORD", "recovery key"] {
        assert!(log.contains(words), "{words} in {log}");
    }
}

#[test]
fn a_clock_that_differs_from_the_homeservers_is_told_of_and_stops_nothing() {
    let synapse = Synapse::shared();
    let proxy = Proxy::start(synapse.port);
    // So long ago that this machine's clock is ahead for certain.
    proxy.rule(|_, _, _| Fate::Date("Tue, 24 Nov 2020 18:33:53 GMT".to_owned()));
    let bot = Bot::at(synapse, &proxy.address(), "reactions = false");
    bot.wait_for("minutes ahead of the homeserver's: please set whichever is wrong");
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let talk = anna.direct(&bot.id, false);
    talk.words();
    talk.say("i want to die");
    let reply = talk.hear();
    assert!(is_crisis(&reply) && !body(&reply).contains("I was offline"), "{reply}");
}

#[test]
fn a_server_that_has_forgotten_what_was_wanted_is_told_again() {
    let synapse = Synapse::shared();
    let proxy = Proxy::start(synapse.port);
    let bot = Bot::at(synapse, &proxy.address(), "reactions = false");
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let talk = anna.direct(&bot.id, false);
    talk.words();
    let forgotten = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&forgotten);
    proxy.rule(move |_, path, _| {
        let named = path.contains("/v3/sync") && path.contains("filter=") && !path.contains("filter=%7B");
        if named {
            count.fetch_add(1, Ordering::SeqCst);
            Fate::Answer(404, json!({ "errcode": "M_NOT_FOUND", "error": "No such filter" }).to_string())
        } else {
            Fate::Pass
        }
    });
    talk.say("help");
    talk.words();
    talk.say("i want to die");
    assert!(is_crisis(&talk.hear()));
    assert!(forgotten.load(Ordering::SeqCst) > 0, "it had asked by name");
}
