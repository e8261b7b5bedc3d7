//! How long Lantern on Matrix takes, beside the least bot that matrix-nio can be, on the same homeserver:
//! `cargo bench --bench matrix`. The homeserver's own share is in both columns.

#[path = "../support/matrix/mod.rs"]
mod matrix;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use matrix::{Bot, Person, Synapse, Talk, World};
use serde_json::json;

/// How many rooms one person talks in: so many of one person's invitations are followed in a minute.
const ROOMS: usize = 5;
const ALONE: usize = 100;
/// Messages in all, and in a second. The homeserver must take twice as many, with the answers.
const CROWDS: [(usize, u32); 2] = [(100, 10), (500, 50)];

struct Echo {
    child: Child,
    id: String,
}

impl Echo {
    fn start(synapse: &Synapse) -> Echo {
        let user = matrix::unique("echo");
        let (id, ..) = synapse.register(&user);
        let mut child = Command::new(matrix::python())
            .arg(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/echo.py"))
            .args([synapse.address(), user.clone(), matrix::password(&user)])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("an output")).read_line(&mut line).expect("a line");
        assert_eq!(line.trim(), "ready");
        Echo { child, id }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Median and 99th percentile, in milliseconds.
fn measure(person: &Person<'_>, talks: &[Talk<'_>], count: usize, rate: Option<u32>) -> String {
    let rooms: Vec<&str> = talks.iter().map(|talk| talk.room.as_str()).collect();
    let ask = json!({ "rooms": rooms, "count": count, "rate": rate, "sender": talks[0].bot, "text": "help" });
    let answer = person.ask("pace", ask);
    let mut times: Vec<f64> =
        answer["times"].as_array().expect("times").iter().filter_map(serde_json::Value::as_f64).collect();
    times.sort_by(f64::total_cmp);
    let missing = answer["missing"].as_u64().unwrap_or(0);
    let at = |part: f64| times.get(((times.len() as f64 - 1.0) * part) as usize).copied().unwrap_or(f64::NAN);
    let missing = if missing == 0 { String::new() } else { format!(", {missing} never") };
    format!("{:.0} / {:.0} ms{missing}", at(0.5), at(0.99))
}

fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}

fn main() {
    let synapse = Synapse::start("");
    let began = Instant::now();
    let mut bot = Bot::at(&synapse, &synapse.address(), "reactions = false");
    println!("from the first start of the program to \"answering\": {:.1} s", began.elapsed().as_secs_f64());
    bot.wait_for("encryption:");
    println!("memory when nobody talks: {} MB", memory(bot.process()));
    let echo = Echo::start(&synapse);
    println!("from sending a message to its answer, as the sender sees it, median / 99th percentile:");
    println!("| | Lantern | matrix-nio, echoing |\n| --- | --- | --- |");
    for encrypted in [false, true] {
        // A client of its own for each column, so that none has more to do than the other.
        let mut rows = [Vec::new(), Vec::new(), Vec::new()];
        for id in [&bot.id, &echo.id] {
            let world = World::new(&synapse.address());
            let anna = world.person(&synapse, "anna");
            let talks: Vec<Talk<'_>> = (0..ROOMS).map(|_| anna.direct(id, encrypted)).collect();
            // The keys are exchanged before the clock runs.
            measure(&anna, &talks, ROOMS, None);
            rows[0].push(measure(&anna, &talks, ALONE, None));
            for (at, (count, rate)) in CROWDS.into_iter().enumerate() {
                rows[at + 1].push(measure(&anna, &talks, count, Some(rate)));
            }
        }
        let what = if encrypted { "encrypted" } else { "plain" };
        let hows = std::iter::once("one after another".to_owned())
            .chain(CROWDS.iter().map(|(_, rate)| format!("{rate} a second")));
        for (row, how) in rows.iter().zip(hows) {
            println!("| {what}, {how} | {} | {} |", row[0], row[1]);
        }
    }
    println!("memory after that: {} MB", memory(bot.process()));
    bot.kill();
    let began = Instant::now();
    bot.run();
    println!("from a later start to \"answering\": {:.1} s", began.elapsed().as_secs_f64());
}
