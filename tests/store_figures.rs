//! What the store costs, in numbers. Left out of an ordinary run, since it takes minutes:
//!
//! ```text
//! cargo test --release --no-default-features --features sled --test store_figures -- --ignored --nocapture
//! SESSIONS=1000000 cargo test … how_long_a_full_store_takes -- --ignored --nocapture
//! ```
#![cfg(feature = "sled")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lantern::shell::store::{PersonKey, Put, Secret, Store, sled};

/// Bytes of a session as it is measured here.
const SIZE: usize = 300;
const LIMIT: Duration = Duration::from_secs(10);

fn key(n: u64) -> PersonKey {
    PersonKey::new(&Secret::from_seed(1), "figures", &n.to_string(), "")
}

fn record(n: u64) -> Vec<u8> {
    // Not all alike, so that nothing can be saved on them.
    (0..SIZE as u64)
        .map(|at| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(at as u32 % 64) ^ at) as u8)
        .collect()
}

fn open(dir: &Path) -> (Arc<dyn Store>, Duration) {
    let began = Instant::now();
    let opened = sled::open(dir, LIMIT).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(opened.story, Vec::<String>::new());
    (opened.store, began.elapsed())
}

/// Runs something many times; says how often a second, and p50 and p99 in microseconds.
fn timed(name: &str, times: u64, mut work: impl FnMut(u64)) -> Duration {
    let began = Instant::now();
    let mut each: Vec<Duration> = (0..times)
        .map(|n| {
            let began = Instant::now();
            work(n);
            began.elapsed()
        })
        .collect();
    let rate = times as f64 / began.elapsed().as_secs_f64();
    each.sort_unstable();
    let at = |share: usize| each[(each.len() - 1) * share / 100].as_secs_f64() * 1e6;
    println!("{name}: {rate:.0} a second, p50 {:.1} µs, p99 {:.1} µs", at(50), at(99));
    each[(each.len() - 1) / 2]
}

/// Fills a store from many threads, since writers share their waits for the disk.
fn fill(store: &dyn Store, count: u64, expires: impl Fn(u64) -> u64 + Sync) -> Duration {
    const WRITERS: u64 = 64;
    let began = Instant::now();
    let expires = &expires;
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                for n in (writer..count).step_by(WRITERS as usize) {
                    let put = store.put(&key(n), None, &record(n), 1, expires(n)).expect("written");
                    assert_eq!(put, Put::Done);
                }
            });
        }
    });
    began.elapsed()
}

fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).expect("a folder").filter_map(Result::ok);
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                size(&entry.path())
            } else {
                entry.metadata().map_or(0, |file| file.len())
            }
        })
        .sum()
}

/// Peak and present memory of this process, in MB.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line =
        |name| status.lines().find(|line| line.starts_with(name)).unwrap_or("").split_whitespace().nth(1);
    let mb = |name| line(name).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024;
    format!("{} MB, at most {} MB", mb("VmRSS:"), mb("VmHWM:"))
}

#[test]
#[ignore = "a measurement of minutes"]
fn what_a_durable_write_costs_with_and_without_syncing_the_file() {
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let (store, _) = open(&folder.path().join("store"));
    let whole = timed("put, as the store does it (flush + sync_all)", 3_000, |n| {
        store.put(&key(n), None, &record(n), 1, u64::MAX).expect("written");
    });
    timed("get", 300_000, |n| assert!(store.get(&key(n % 3_000), 1).expect("read").is_some()));
    drop(store);

    let bare = ::sled::open(folder.path().join("bare")).expect("opened");
    let file = File::open(folder.path().join("bare").join("db")).expect("the file");
    let flushed = timed("sled alone, flush", 3_000, |n| {
        bare.insert(n.to_be_bytes(), record(n)).expect("written");
        bare.flush().expect("flushed");
    });
    let synced = timed("sled alone, flush + sync_all", 3_000, |n| {
        bare.insert(n.to_be_bytes(), record(n)).expect("written");
        bare.flush().expect("flushed");
        file.sync_all().expect("synced");
    });
    println!("sync_all costs {:.0} µs at p50", (synced.saturating_sub(flushed)).as_secs_f64() * 1e6);
    assert!(whole < Duration::from_millis(50), "a person would notice");
}

#[test]
#[ignore = "a measurement of minutes"]
fn how_long_a_full_store_takes() {
    let count: u64 = std::env::var("SESSIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let dir = folder.path();
    let (store, _) = open(dir);
    // Half of what is swept later expires at 10; the rest never.
    let swept = 50_000.min(count / 2);
    let took = fill(&*store, count, |n| if n < swept { 10 } else { u64::MAX });
    println!(
        "{count} sessions of {SIZE} bytes put by 64 writers: {:.0} a second",
        count as f64 / took.as_secs_f64()
    );
    println!("on disk {:.0} bytes a session; memory {}", size(dir) as f64 / count as f64, memory());
    timed("load + save", 3_000, |n| {
        let n = swept + n * 7_919 % (count - swept);
        let old = store.get(&key(n), 20).expect("read");
        store.put(&key(n), old.as_deref(), &record(n + 1), 20, u64::MAX).expect("written");
    });
    timed("get", 100_000, |n| {
        let n = swept + n * 7_919 % (count - swept);
        assert!(store.get(&key(n), 20).expect("read").is_some());
    });
    drop(store);
    let (store, took) = open(dir);
    println!("open: {took:?}; memory {}", memory());
    let began = Instant::now();
    let mut left = swept as usize;
    while left > 0 {
        let gone = store.sweep(20, 1_000).expect("swept");
        assert!(gone > 0, "{left} should have gone");
        left -= gone;
    }
    println!("sweep of {swept}, with one export: {:?}", began.elapsed());
    let began = Instant::now();
    assert_eq!(store.count().expect("counted"), count - swept);
    println!("count: {:?}", began.elapsed());
    let began = Instant::now();
    assert!(store.delete(&key(count - 1)).expect("erased"));
    println!("delete: {:?}", began.elapsed());
    drop(store);
    let began = Instant::now();
    println!(
        "export: {} sessions in {:?}",
        sled::export(dir, &dir.join("all"), LIMIT).expect("exported"),
        began.elapsed()
    );
    let began = Instant::now();
    let other = dir.join("other");
    println!(
        "import: {} sessions in {:?}",
        sled::import(&other, &dir.join("all"), LIMIT).expect("imported"),
        began.elapsed()
    );
    assert!(open(dir).1 < LIMIT);
}
