//! `cargo bench --bench store [-- SESSIONS]`: a message through the service with sled, and sled with many sessions.
//!
//! Sessions: 1,000,000 unless another number is given. The database is made in a folder of its own and removed.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lantern::engine::{self, Event, Kind, Session};
use lantern::library::Library;
use lantern::shell::store::{PersonKey, Secret, Store, memory::MemoryStore, sled};
use lantern::shell::{Address, Incoming, Service, Settings};

const NOW: u64 = 4_000_000_000;
const LIMIT: Duration = Duration::from_secs(600);

fn line(what: &str, value: String) {
    println!("{what:<64} {value:>22}");
}

fn at(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * share) as usize]
}

fn both(times: &mut [f64]) -> String {
    format!("{:.0} / {:.0} µs", at(times, 0.5), at(times, 0.99))
}

/// A session in the middle of the guide, as most are.
fn session() -> Session {
    let mut session = Session::default();
    for (id, text) in (1..).zip([
        "start ketamine",
        "1",
        "all right",
        "1",
        "two or more",
        "1",
        "1",
        "that's all, go on",
        "1",
        "that's all, go on",
    ]) {
        let event = Event {
            id,
            at: NOW,
            public: false,
            again: false,
            country: None,
            language: None,
            kind: Kind::Text(text),
        };
        session = engine::turn(Library::builtin(), session, &event).session;
    }
    session
}

fn key(n: usize) -> PersonKey {
    PersonKey::new(&Secret::from_seed(1), "bench", &n.to_string(), "")
}

/// Microseconds of each of `count` loads with a save behind, spread over all sessions.
fn load_and_save(store: &dyn Store, sessions: usize, count: usize) -> Vec<f64> {
    (0..count)
        .map(|n| {
            let key = key(n * 7919 % sessions);
            let began = Instant::now();
            let old = store.get(&key, NOW).expect("read").expect("it is there");
            let mut session = Session::decode(&old).expect("a session");
            session.updated += 1;
            store.put(&key, Some(&old), &session.encode(), NOW, NOW + 100_000 + n as u64).expect("written");
            began.elapsed().as_secs_f64() * 1e6
        })
        .collect()
}

fn memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |key: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .map_or("?".into(), |rest| rest.trim().to_owned())
    };
    format!("{} (peak {})", of("VmRSS:"), of("VmHWM:"))
}

/// Fills a store through its export file, which is how a million sessions get there in minutes.
fn fill(store: &dyn Store, from: usize, to: usize, record: &[u8]) {
    std::thread::scope(|scope| {
        for worker in 0..64 {
            scope.spawn(move || {
                for n in (from + worker..to).step_by(64) {
                    store
                        .put(&key(n), None, record, NOW, NOW + 50_000 + (n % 1_000) as u64)
                        .expect("written");
                }
            });
        }
    });
}

fn main() {
    let sessions = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(1_000_000usize);
    let folder = tempfile::tempdir().expect("a folder");
    let record = session().encode();
    line("a session in the middle of the guide", format!("{} bytes", record.len()));

    // One message through everything, and the same without a disk.
    let settings = Settings { country: None, language: None, expire: 86_400 };
    let mut shares = Vec::new();
    for kept in [true, false] {
        let store: Arc<dyn Store> = if kept {
            sled::open(&folder.path().join("service"), LIMIT).expect("opened").store
        } else {
            Arc::new(MemoryStore::default())
        };
        let service = Service::new(Library::builtin().clone(), store, Secret::from_seed(1), settings.clone());
        let from = Address { platform: "bench", person: "one", place: "" };
        let mut times: Vec<f64> = (0..2_000)
            .map(|n| {
                let event = n.to_string();
                let text = ["start ketamine", "1", "topics", "back"][n % 4];
                let incoming = Incoming {
                    from,
                    event: &event,
                    public: false,
                    again: false,
                    at: NOW,
                    country: None,
                    language: None,
                    kind: Kind::Text(text),
                };
                let began = Instant::now();
                service.handle(&incoming, &mut |reply| drop(std::hint::black_box(reply.plain())));
                began.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        let name = if kept {
            "a message through the service, on disk (p50 / p99)"
        } else {
            "the same in memory (p50 / p99)"
        };
        line(name, both(&mut times));
        shares.push(at(&mut times, 0.5));
    }
    line("share of the store in a message", format!("{:.0} %", 100.0 * (1.0 - shares[1] / shares[0])));

    let dir = folder.path().join("many");
    let store = sled::open(&dir, LIMIT).expect("opened").store;
    let few = 10_000.min(sessions);
    fill(&*store, 0, few, &record);
    let mut at_few = load_and_save(&*store, few, 2_000);
    line(&format!("load + save at {few} sessions (p50 / p99)"), both(&mut at_few));
    let began = Instant::now();
    fill(&*store, few, sessions, &record);
    let seconds = began.elapsed().as_secs_f64();
    line("filling, 64 writers at once", format!("{:.0} a second", (sessions - few) as f64 / seconds));
    let mut at_many = load_and_save(&*store, sessions, 2_000);
    line(&format!("load + save at {sessions} sessions (p50 / p99)"), both(&mut at_many));
    line(
        "cost of a message, many / few (p50)",
        format!("{:.2}", at(&mut at_many, 0.5) / at(&mut at_few, 0.5)),
    );
    line("memory with all of them open", memory());
    drop(store);
    let began = Instant::now();
    let store = sled::open(&dir, LIMIT).expect("opened").store;
    line("opening, every record read once", format!("{:.2} s", began.elapsed().as_secs_f64()));
    let bytes: u64 = walk(&dir.join("db"));
    line("bytes a session on disk", format!("{:.0}", bytes as f64 / sessions as f64));
    let began = Instant::now();
    let swept = store.sweep(NOW + 49_000, 10).expect("swept");
    line("an export of all of them", format!("{:.2} s ({swept} swept)", began.elapsed().as_secs_f64()));
    let half = NOW + 50_050;
    let began = Instant::now();
    let swept = store.sweep(half, sessions).expect("swept");
    line(&format!("sweeping {swept}"), format!("{:.2} s", began.elapsed().as_secs_f64()));
}

fn walk(folder: &std::path::Path) -> u64 {
    fs::read_dir(folder)
        .map(|entries| {
            entries
                .filter_map(Result::ok)
                .map(|entry| {
                    if entry.path().is_dir() {
                        walk(&entry.path())
                    } else {
                        entry.metadata().map_or(0, |meta| meta.len())
                    }
                })
                .sum()
        })
        .unwrap_or(0)
}
