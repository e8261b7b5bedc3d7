//! `cargo bench --bench discord`: Lantern on a fake of Discord, beside the bots that one could have instead.
//!
//! Everything is measured in one run, on the same fake and the same cores: the bot on one, the fake on the other, except
//! where two cores are asked for. Of several rounds, in which the bots take turns, the median counts. A machine that does
//! other things as well shows it in what passes by the clock; the processor's time for an event says more then.
//!
//! The messages are everyday chat of sixty bytes in servers, 36 in 100 of them in channels that Lantern watches, and a
//! hundred direct messages of a hundred people, which Lantern answers. serenity answers nobody and only counts. It has no
//! cache here, which its default features would give it: that would make it slower. discord.py is as `pip` installs it.

#[path = "discord/bots.rs"]
mod bots;
#[path = "../support/discord/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bots::Bot;
use support::{Channel, Discord, Flood, Load, Person, Sent};

/// The cores: the bot's, the fake's, and both.
const BOT: &str = "0";
const FAKE: &str = "1";
const BOTH: &str = "0,1";

const ROUNDS: usize = 3;
/// Messages in a burst, for Lantern, serenity and discord.py: the slower, the fewer.
const BURST: [usize; 3] = [200_000, 100_000, 20_000];
/// Direct messages in a burst: each from somebody else.
const DIRECT: usize = 100;
/// How long a bot is given to settle after it has logged in.
const SETTLING: Duration = Duration::from_millis(2_500);
/// Crisis messages a second: below the 50 requests a second that Discord allows.
const CRISES: f64 = 40.0;

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
const CRISIS: &[&str] =
    &["i want to die", "im thinking about killing myself", "i don't want to be here anymore. i want to die"];

fn line(what: &str, value: String, asked: &str) {
    println!("{what:<62} {value:>24}   {asked}");
}

fn at(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

fn median(values: &[f64]) -> f64 {
    at(values, 0.5)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, api, messages] = arguments.as_slice()
        && first == bots::COUNTS
    {
        return bots::count(api, messages.parse().expect("a number"));
    }
    let python = bots::python();
    bots::pin_self(FAKE);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads").block_on(async {
        let load = || fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("the machine's load before: {}", load().trim());
        flat_out(python.as_deref()).await;
        in_time().await;
        many_servers().await;
        println!("the machine's load after: {}", load().trim());
    });
}

/// A Discord with servers in which people chat.
struct Town {
    discord: Discord,
    /// Everybody who chats, where they do.
    chat: Vec<(Channel, Person)>,
    /// The watched channels.
    watched: Vec<Channel>,
    /// The settings of each server, by its name for a folder.
    settings: Vec<(String, String)>,
    bots: usize,
}

impl Town {
    /// So many servers, with so many channels each, the first `watched` of which are watched.
    async fn new(servers: usize, channels: usize, watched: usize) -> Town {
        let discord = Discord::start().await.patience(Duration::from_secs(60));
        let mut town = Town { discord, chat: vec![], watched: vec![], settings: vec![], bots: 0 };
        let people: Vec<Person> = (0..50).map(|n| town.discord.person(&format!("person {n}"))).collect();
        for number in 0..servers {
            let server = town.discord.server(&format!("server {number}"));
            let mut settings = Vec::new();
            for at in 0..channels {
                let channel = server.channel(&format!("channel {at}"));
                if at < watched {
                    settings.push(channel.id.to_string());
                    town.watched.push(channel.clone());
                }
                town.chat.push((channel, people[town.chat.len() % people.len()].clone()));
            }
            let settings = serde_json::json!({"country": "GB", "watched": settings}).to_string();
            town.settings.push((format!("discord-{}", server.id), settings));
        }
        town
    }

    /// Lantern, logged in and at rest.
    async fn lantern(&mut self, cores: &str, scripts: Option<&Path>) -> Bot {
        let write = |folder: &Path| {
            for (id, settings) in &self.settings {
                fs::create_dir(folder.join(id)).expect("a folder");
                fs::write(folder.join(id).join("settings.json"), settings).expect("a file");
            }
        };
        let bot = Bot::lantern(&self.discord.proxy(), &self.discord.token(), cores, scripts, write);
        self.logged_in().await;
        bot
    }

    /// Waits until the bot that was started last is at rest.
    async fn logged_in(&mut self) {
        self.bots += 1;
        self.discord.has_identified(self.bots).await;
        tokio::time::sleep(SETTLING).await;
        // Discord wants five seconds between two that introduce themselves.
        self.discord.time_passes(Duration::from_secs(6));
    }

    fn chatter(&self) -> Load {
        self.discord.flood(self.chat.iter().map(|(channel, person)| (channel, person))).of(CHAT)
    }

    /// So many people who were never here before, half of them in direct messages, half in watched channels.
    fn newcomers(&self, number: usize) -> Vec<(Channel, Person)> {
        let first = self.discord.sent().len();
        let newcomer = |n: usize| {
            let person = self.discord.person(&format!("newcomer {first} {n}"));
            let channel =
                if n.is_multiple_of(2) { person.dm() } else { self.watched[n % self.watched.len()].clone() };
            (channel, person)
        };
        (0..number).map(newcomer).collect()
    }

    /// Somebody new writes a crisis message to the bot, and is answered.
    async fn calls(&self, name: &str) -> Sent {
        let person = self.discord.person(name);
        let place = person.dm();
        person.says_in(&place, CRISIS[0]);
        self.discord.hears(|sent| sent.channel == place.id).await
    }
}

/// What a burst came to.
struct Burst {
    /// Events a second, by the clock.
    rate: f64,
    /// Microseconds of processor time for an event.
    cost: f64,
}

/// Sends a burst and waits until the bot has handled all of it: Lantern reads in order, so that it has handled the
/// rest when the last message, a crisis, is answered; the others say so themselves.
async fn burst(town: &Town, bot: &Bot, messages: usize, name: &str, lantern: bool) -> Burst {
    let people: Vec<Person> = (0..DIRECT).map(|n| town.discord.person(&format!("{name} {n}"))).collect();
    let direct: Vec<Channel> = people.iter().map(Person::dm).collect();
    let direct = town.discord.flood(direct.iter().zip(&people)).of(CHAT).a_second(400.0);
    let (cpu, began) = (bot.cpu(), Instant::now());
    tokio::join!(town.chatter().send(messages - DIRECT - 1), direct.send(DIRECT));
    if lantern {
        town.calls(&format!("the last of {name}")).await;
    } else {
        let last = town.discord.person(&format!("the last of {name}"));
        last.says_in(&last.dm(), CRISIS[0]);
        bot.is_done().await;
    }
    let rate = messages as f64 / began.elapsed().as_secs_f64();
    if lantern {
        // Answers to direct messages go out as fast as Discord allows: they are part of the work.
        let until = Instant::now() + Duration::from_secs(30);
        while bot.figure("lantern_replies_total{sort=\"member\"}") < DIRECT as f64 {
            assert!(Instant::now() < until, "direct messages stay unanswered\n{}", bot.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let dropped = bot.figure("lantern_dropped_total");
        assert!(dropped == 0.0, "{dropped} events were let go");
    }
    Burst { rate, cost: (bot.cpu() - cpu).as_secs_f64() * 1e6 / messages as f64 }
}

/// Figures 1 and 2: how many events a second, and how much memory.
async fn flat_out(python: Option<&Path>) {
    let mut town = Town::new(5, 11, 4).await;
    let names = ["Lantern", "serenity, counting", "discord.py, looking for words"];
    let mut bursts: [Vec<Burst>; 3] = Default::default();
    let (mut idle, mut own, mut most, mut after) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (api, token) = (town.discord.proxy(), town.discord.token());
    for round in 0..ROUNDS {
        let lantern = town.lantern(BOT, None).await;
        idle.push(lantern.memory("VmRSS:"));
        own.push(lantern.memory("RssAnon:"));
        let name = format!("lantern {round}");
        bursts[0].push(burst(&town, &lantern, BURST[0], &name, true).await);
        most.push(lantern.memory("VmHWM:"));
        after.push(lantern.memory("VmRSS:"));
        drop(lantern);
        let serenity = Bot::serenity(&api, &token, BOT, BURST[1]);
        town.logged_in().await;
        bursts[1].push(burst(&town, &serenity, BURST[1], &format!("serenity {round}"), false).await);
        drop(serenity);
        if let Some(python) = python {
            let bot = Bot::discord_py(python, &api, &token, BOT, BURST[2]);
            town.logged_in().await;
            bursts[2].push(burst(&town, &bot, BURST[2], &format!("discord.py {round}"), false).await);
        }
    }
    println!("\nEvents flat out, one core for the bot");
    for (name, bursts) in names.iter().zip(&bursts).filter(|(_, bursts)| !bursts.is_empty()) {
        let rate = median(&bursts.iter().map(|burst| burst.rate).collect::<Vec<_>>());
        let cost = median(&bursts.iter().map(|burst| burst.cost).collect::<Vec<_>>());
        line(name, format!("{:.0} thousand/s", rate / 1e3), "by the clock");
        line("", format!("{cost:.2} µs"), "of processor for an event");
    }
    if bursts[2].is_empty() {
        println!("discord.py is not measured: it can't be installed here");
    }
    for ((name, bursts_there), asked) in names
        .iter()
        .zip(&bursts)
        .skip(1)
        .zip(["at least 1", "at least 5"])
        .filter(|((_, all), _)| !all.is_empty())
    {
        let pairs = || bursts[0].iter().zip(bursts_there);
        let rate = median(&pairs().map(|(ours, theirs)| ours.rate / theirs.rate).collect::<Vec<_>>());
        let cost = median(&pairs().map(|(ours, theirs)| theirs.cost / ours.cost).collect::<Vec<_>>());
        line(&format!("Lantern / {name}, by the clock"), format!("{rate:.2}"), asked);
        line(&format!("Lantern / {name}, by the processor"), format!("{cost:.2}"), asked);
    }
    println!("\nMemory");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    line("idle, logged in", format!("{:.1} MB", median(&idle)), "at most 25 MB");
    line("    of it not from files (program, libraries)", format!("{:.1} MB", median(&own)), "");
    let bot = town.lantern(BOT, Some(&scripts)).await;
    line(
        "idle, with a scripts folder of its own",
        format!("{:.1} MB", bot.memory("VmRSS:")),
        "at most 25 MB",
    );
    line("after a burst of 200,000 events", format!("{:.1} MB", median(&after)), "at most 64 MB");
    line("at most, start and burst included", format!("{:.1} MB", median(&most)), "at most 64 MB");
}

/// Milliseconds from each crisis message of a flood to its reply, and how many there were of them.
async fn answered(town: &Town, flood: &Flood) -> Vec<f64> {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let answered = flood.answered(&town.discord);
        if answered.len() == flood.sent.len() || Instant::now() > until {
            return answered.values().map(|time| time.as_secs_f64() * 1e3).collect();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Sleeps for a millisecond again and again: what a busy machine adds to every figure that is read off the clock.
struct Sleeper(Arc<AtomicBool>, std::thread::JoinHandle<Vec<f64>>);

impl Sleeper {
    fn new() -> Sleeper {
        let awake = Arc::new(AtomicBool::new(true));
        let still = awake.clone();
        let sleeping = std::thread::spawn(move || {
            let mut late = Vec::new();
            while still.load(Ordering::Relaxed) {
                let began = Instant::now();
                std::thread::sleep(Duration::from_millis(1));
                late.push(began.elapsed().as_secs_f64() * 1e3 - 1.0);
            }
            late
        });
        Sleeper(awake, sleeping)
    }

    /// By how many milliseconds it was woken too late, each time.
    fn late(self) -> Vec<f64> {
        self.0.store(false, Ordering::Relaxed);
        self.1.join().expect("it only sleeps")
    }
}

/// Figure 3: the time from a crisis message to its reply, while others talk.
async fn in_time() {
    const SECONDS: f64 = 8.0;
    let mut town = Town::new(5, 11, 4).await;
    let bot = town.lantern(BOTH, None).await;
    // The fake compiles Discord's description when it is first asked; and somebody has to be the first.
    town.calls("the first").await;
    println!("\nTime from a crisis message to its reply, two cores: p50 / p99");
    let number = (CRISES * SECONDS) as usize;
    for (rate, asked) in [(100.0, ""), (2_000.0, "p99 at most 20 ms"), (10_000.0, "p99 at most 40 ms")] {
        let people = town.newcomers(number);
        let crises = town.discord.flood(people.iter().map(|(channel, person)| (channel, person)));
        let crises = crises.of(CRISIS).a_second(CRISES).send(number);
        let chatter = town.chatter().a_second(rate - CRISES).send(((rate - CRISES) * SECONDS) as usize);
        let sleeper = Sleeper::new();
        let (crises, _) = tokio::join!(crises, chatter);
        let late = sleeper.late();
        let times = answered(&town, &crises).await;
        assert_eq!(times.len(), number, "crises without a reply\n{}", bot.log());
        let figures = format!("{:.1} / {:.1} ms", at(&times, 0.5), at(&times, 0.99));
        line(&format!("at {rate} events a second, {CRISES} of them crises"), figures, asked);
        let figures = format!("{:.1} / {:.1} ms", at(&late, 0.5), at(&late, 0.99));
        line("    how late the machine woke a sleeper meanwhile", figures, "not Lantern's");
    }
    // As fast as the bot reads: what is on its way to it then, in the fake and the system, is waited for as well.
    let people = town.newcomers(number);
    let crises = town.discord.flood(people.iter().map(|(channel, person)| (channel, person)));
    let crises = crises.of(CRISIS).a_second(CRISES);
    let chatter = town.chatter();
    let began = Instant::now();
    let burst = async {
        chatter.send(BURST[0] * 3).await;
        began.elapsed()
    };
    let (crises, took) = tokio::join!(crises.send(number), burst);
    let first = crises.sent.iter().take((took.as_secs_f64() * CRISES) as usize).copied().collect();
    let times = answered(&town, &Flood { sent: first, took }).await;
    let figures = format!("{:.1} / {:.1} ms", at(&times, 0.5), at(&times, 0.99));
    let rate = (BURST[0] * 3) as f64 / took.as_secs_f64();
    line(&format!("flat out, {:.0} thousand events a second", rate / 1e3), figures, "p99 at most 40 ms");
}

/// Figure 4: what an event costs where there are many servers.
async fn many_servers() {
    const SERVERS: [usize; 3] = [1, 100, 2_000];
    const EVENTS: usize = 60_000;
    let mut towns = Vec::new();
    for servers in SERVERS {
        let mut town = Town::new(servers, 3, 1).await;
        let bot = town.lantern(BOT, None).await;
        town.calls("the first").await;
        towns.push((town, bot, Vec::new()));
    }
    for round in 0..ROUNDS + 2 {
        for (town, bot, costs) in &mut towns {
            let cpu = bot.cpu();
            town.chatter().send(EVENTS).await;
            town.calls(&format!("the last of {round}")).await;
            costs.push((bot.cpu() - cpu).as_secs_f64() * 1e6 / EVENTS as f64);
        }
    }
    println!("\nProcessor time for an event");
    let first = median(&towns[0].2);
    for ((_, bot, costs), servers) in towns.iter().zip(SERVERS) {
        let cost = median(costs);
        line(&format!("in {servers} servers, each with settings"), format!("{cost:.2} µs"), "");
        line("    against one server", format!("{:.2}", cost / first), "about 1: flat");
        line("    memory", format!("{:.1} MB", bot.memory("VmRSS:")), "");
    }
}
