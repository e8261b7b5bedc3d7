//! How long Lantern on Matrix takes, beside the least bot that matrix-nio can be, on the same homeserver:
//! `cargo bench --bench matrix`. The homeserver's own share is in both columns.
//!
//! Where writing to the disk takes long, that is most of what is measured, and the homeserver's above all: then it says
//! more with all files in memory, as in `TMPDIR=/dev/shm cargo bench --bench matrix`.

#[path = "../support/matrix/mod.rs"]
mod matrix;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use matrix::{Bot, Person, Synapse, Talk, World};
use serde_json::{Value, json};

/// How many people talk, each in a room of their own.
const PEOPLE: usize = 5;
const ALONE: usize = 100;
/// How many rooms are joined to see what rooms cost.
const MANY: usize = 200;
/// Messages in all, and in a second. The homeserver must take twice as many, with the answers.
const CROWDS: [(usize, u32); 2] = [(100, 10), (500, 50)];

struct Echo {
    child: Child,
    id: String,
    /// Its device's files.
    _folder: tempfile::TempDir,
}

impl Echo {
    fn start(synapse: &Synapse) -> Echo {
        let user = matrix::unique("echo");
        let (id, ..) = synapse.register(&user);
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(matrix::python())
            .arg(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/echo.py"))
            .args([synapse.address(), user.clone(), matrix::password(&user)])
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("an output")).read_line(&mut line).expect("a line");
        assert_eq!(line.trim(), "ready");
        Echo { child, id, _folder: folder }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Median and 99th percentile, in milliseconds, of the round trip through a bot: of people with a room each.
fn measure(world: &World, talks: &[Talk<'_>], count: usize, rate: Option<u32>) -> String {
    let rooms: Vec<&str> = talks.iter().map(|talk| talk.room.as_str()).collect();
    let people: Vec<&str> = talks.iter().map(|talk| world.name(talk.person)).collect();
    let ask = json!({
        "rooms": rooms, "people": people, "count": count, "rate": rate, "sender": talks[0].bot, "text": "help",
    });
    told(&talks[0].person.ask("pace", ask))
}

fn told(answer: &Value) -> String {
    let mut times: Vec<f64> =
        answer["times"].as_array().expect("times").iter().filter_map(Value::as_f64).collect();
    times.sort_by(f64::total_cmp);
    let missing = answer["missing"].as_u64().unwrap_or(0);
    let at = |part: f64| times.get(((times.len() as f64 - 1.0) * part) as usize).copied().unwrap_or(f64::NAN);
    let missing = if missing == 0 { String::new() } else { format!(", {missing} never") };
    format!("{:.0} / {:.0} ms{missing}", at(0.5), at(0.99))
}

/// What the homeserver and the clients take for one message, without any bot. A bot's round trip is two of them.
fn without_bot(synapse: &Synapse, encrypted: bool) -> String {
    let world = World::new(&synapse.address());
    let (anna, ben) = (world.person(synapse, "anna"), world.person(synapse, "ben"));
    let talk = anna.room(json!({ "invite": [ben.id], "encrypted": encrypted, "direct": true }));
    ben.at(&talk).ask("join", json!({}));
    talk.wait_for_bot();
    ben.at(&talk).ask("ready", json!({ "members": 2 }));
    let pass = |count| talk.ask("pass", json!({ "to": world.name(&ben), "count": count }));
    // The keys are exchanged before the clock runs.
    pass(PEOPLE);
    told(&pass(ALONE))
}

/// From the start of the program to its reply to somebody who waits for it.
fn first_reply(synapse: &Synapse, again: bool) -> f64 {
    let world = World::new(&synapse.address());
    let anna = world.person(synapse, "anna");
    let mut bot = Bot::new(synapse, &synapse.address(), "reactions = false");
    let id = bot.id.clone();
    if again {
        bot.run();
        bot.wait_for("encryption:");
    }
    let talk = anna.room(json!({ "invite": [id], "direct": true }));
    talk.ask("ready", json!({ "members": 2 }));
    if again {
        talk.wait_for_bot();
        talk.words();
        bot.kill();
    }
    talk.say("help");
    let began = Instant::now();
    bot.run_with(&[("MATRIX_PASSWORD", &bot.password())]);
    assert!(talk.words().contains("help now"));
    began.elapsed().as_secs_f64()
}

/// What is resident. Pages of the program's own file are shared with the page cache, and the system takes them back when
/// it needs them; the others are the process's alone.
fn memory(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
    };
    format!("{} MB: {} of its own, {} of the program's file", of("VmRSS:"), of("RssAnon:"), of("RssFile:"))
}

fn main() {
    let synapse = Synapse::start("");
    let began = Instant::now();
    let mut bot = Bot::at(&synapse, &synapse.address(), "reactions = false");
    println!("from the first start of the program to \"answering\": {:.1} s", began.elapsed().as_secs_f64());
    bot.wait_for("encryption:");
    println!("memory when nobody talks: {}", memory(bot.process()));
    for encrypted in [false, true] {
        println!(
            "one {} message from client to client, without any bot, median / 99th percentile: {}",
            if encrypted { "encrypted" } else { "plain" },
            without_bot(&synapse, encrypted)
        );
    }
    let echo = Echo::start(&synapse);
    println!("from sending a message to its answer, as the sender sees it, median / 99th percentile:");
    println!("| | Lantern | matrix-nio, echoing |\n| --- | --- | --- |");
    for encrypted in [false, true] {
        // A client of its own for each column, so that none has more to do than the other.
        let mut rows = [Vec::new(), Vec::new(), Vec::new()];
        for id in [&bot.id, &echo.id] {
            let world = World::new(&synapse.address());
            let people: Vec<Person<'_>> = (0..PEOPLE).map(|_| world.person(&synapse, "anna")).collect();
            let talks: Vec<Talk<'_>> = people.iter().map(|person| person.direct(id, encrypted)).collect();
            // The keys are exchanged before the clock runs.
            measure(&world, &talks, PEOPLE, None);
            rows[0].push(measure(&world, &talks, ALONE, None));
            for (at, (count, rate)) in CROWDS.into_iter().enumerate() {
                rows[at + 1].push(measure(&world, &talks, count, Some(rate)));
            }
        }
        let what = if encrypted { "encrypted" } else { "plain" };
        let hows = std::iter::once("one after another".to_owned())
            .chain(CROWDS.iter().map(|(_, rate)| format!("{rate} a second")));
        for (row, how) in rows.iter().zip(hows) {
            println!("| {what}, {how} | {} | {} |", row[0], row[1]);
        }
    }
    println!("memory after that: {}", memory(bot.process()));
    let token = synapse.sign_in(&bot.user);
    let began = Instant::now();
    synapse
        .fill_rooms(&bot.id, &token, MANY, |room| vec![format!("!lantern {}", ["help", "topics"][room % 2])]);
    std::thread::sleep(Duration::from_secs(5));
    println!(
        "memory in {MANY} rooms more, after {:.0} s: {}",
        began.elapsed().as_secs_f64(),
        memory(bot.process())
    );
    bot.kill();
    let began = Instant::now();
    bot.run();
    println!(
        "from a later start, in all these rooms, to \"answering\": {:.1} s",
        began.elapsed().as_secs_f64()
    );
    bot.wait_for("encryption:");
    println!("memory then: {}", memory(bot.process()));
    bot.kill();
    for (what, again) in [("first", false), ("later", true)] {
        println!(
            "from a {what} start of the program to the reply to somebody who waits: {:.1} s",
            first_reply(&synapse, again)
        );
    }
}
