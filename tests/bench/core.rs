//! `cargo bench`: the figures of the core, as ratios where one run gives both sides.
//!
//! Each figure is the median of several rounds; the two sides of a ratio take turns, so that a machine
//! that grows slower or quicker changes both.

use std::hint::black_box;
use std::time::Instant;

use lantern::engine::{self, Event, Kind, Session};
use lantern::library::Library;
use lantern::safety::Screener;

const ROUNDS: usize = 15;

/// Sixty bytes each, as people chat.
const CHAT: &[&str] = &[
    "did anyone else see the game last night, what a finish wow!!",
    "I think we should meet at eight instead, the train is late..",
    "can you send me the link again? I lost it when I closed this",
    "honestly the new update made everything slower for me so far",
    "my cat just walked over the keyboard and sent that, so sorry",
    "thanks so much for your help yesterday, it works fine today!",
    "who wants to play later? we still need two more for the team",
    "the coffee here is much better than the one at the old place",
    "what time does the shop open? I only need to get some apples",
    "haha that picture is great, where did you find it this time?",
    "it rained all weekend here so we stayed in and played chess.",
    "please remember to bring the blue folder to the meeting, ok?",
    "my phone updated overnight and the keyboard looks so strange",
    "the train from the airport takes about forty minutes to town",
    "is there a good place to buy used books anywhere around here",
    "we got the sofa up the stairs, only the lamp did not survive",
];

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Nanoseconds for one call, over `calls` calls.
fn time(calls: usize, mut work: impl FnMut(usize)) -> f64 {
    let began = Instant::now();
    (0..calls).for_each(&mut work);
    began.elapsed().as_secs_f64() * 1e9 / calls as f64
}

fn line(what: &str, value: String, asked: &str) {
    println!("{what:<64} {value:>16}   {asked}");
}

fn main() {
    let began = Instant::now();
    let library = Library::builtin();
    line(
        "reading the built-in library",
        format!("{:.1} ms", began.elapsed().as_secs_f64() * 1e3),
        "start-up",
    );
    let screener: &Screener = &library.screener;
    line(
        "memory of the compiled matcher",
        format!("{:.1} MB", screener.memory() as f64 / 1e6),
        "at most 20 MB",
    );

    let quiet = |text: &&str| screener.screen(text).level == lantern::safety::Level::None;
    assert!(CHAT.iter().all(|text| text.len() == 60 && quiet(text)), "chat is sixty bytes and quiet");
    let (chat, closer): (Vec<&str>, Vec<&str>) =
        CHAT.iter().partition(|text| !screener.search(&screener.fold(text)));
    line("chat lines that need no closer look", format!("{} of {}", chat.len(), CHAT.len()), "");
    let folded: Vec<_> = chat.iter().map(|text| screener.fold(text)).collect();
    let (mut whole, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        whole.push(time(200_000, |n| drop(black_box(screener.screen(black_box(chat[n % chat.len()]))))));
        bare.push(time(200_000, |n| {
            black_box(screener.search(black_box(&folded[n % folded.len()])));
        }));
    }
    let (whole, bare) = (median(whole), median(bare));
    let any = |n: usize| drop(black_box(screener.screen(black_box(CHAT[n % CHAT.len()]))));
    let all = median((0..ROUNDS).map(|_| time(50_000, any)).collect());
    line("screen, all of the chat lines", format!("{:.2} million/s", 1e3 / all), "");
    line("screen, 60 bytes without a hit", format!("{:.2} million/s", 1e3 / whole), "at least 1 million/s");
    line("screen / one bare search of folded text", format!("{:.2}", whole / bare), "at most 3");

    let hit = median(
        (0..ROUNDS)
            .map(|_| {
                time(5_000, |_| {
                    drop(black_box(screener.screen("i've been thinking about it and i just want to die")))
                })
            })
            .collect(),
    );
    line("screen, with a hit", format!("{:.1} µs", hit / 1e3), "");
    for (name, unit) in [
        ("i want to die ", "i want to die "),
        ("kill ", "kill "),
        ("i i i", "i "),
        ("not want", "not want to "),
        ("k i l l", "k i l l "),
        ("dots", "k.i.l.l."),
        ("z̷a̷l̷g̷o̷", "d̷i̷e̷ "),
        ("joined", "killmyselfnow"),
    ] {
        let text = unit.repeat(4_000 / unit.chars().count() + 1).chars().take(4_000).collect::<String>();
        let short = median((0..5).map(|_| time(3, |_| drop(black_box(screener.screen(&text))))).collect());
        let long = unit.repeat(1_000_000 / unit.len());
        let began = Instant::now();
        black_box(screener.screen(&long));
        let per_byte = began.elapsed().as_secs_f64() * 1e9 / long.len() as f64;
        line(
            &format!("screen, hostile: {name}"),
            format!("{:.2} ms", short / 1e6),
            "at most 1 ms for 4,000 characters",
        );
        line(
            "    1 MB / 4,000 characters, for each byte",
            format!("{:.2}", per_byte / (short / text.len() as f64)),
            "about 1: linear",
        );
    }

    let event = |id, kind| Event {
        id,
        at: 1_000_000,
        public: false,
        again: false,
        country: None,
        language: None,
        kind,
    };
    let begin = engine::turn(library, Session::default(), &event(1, Kind::Text("start ketamine"))).session;
    let words = ["1", "back", "just the explanations", "back", "topics", "back"];
    let turn = median(
        (0..ROUNDS)
            .map(|_| {
                let mut session = begin.clone();
                time(20_000, |n| {
                    let turned = engine::turn(
                        library,
                        std::mem::take(&mut session),
                        &event(n as u64 + 2, Kind::Text(words[n % words.len()])),
                    );
                    session = turned.session;
                    black_box(turned.replies);
                })
            })
            .collect(),
    );
    line("turn, without I/O", format!("{:.0} thousand/s", 1e6 / turn), "at least 200 thousand/s");
    // Last, so that the figures are there to say by how much.
    assert!(chat.len() > closer.len(), "most chat must be done after one search");
}
