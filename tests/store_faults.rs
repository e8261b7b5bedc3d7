//! What the store survives: kill -9 under load, damage to its files, a disk that is full, a folder that can't be
//! used, another process. Whatever happens, it answers in time, and nothing is deleted.
//!
//! A test that needs a second process starts this very program again, with the test's own name and a variable
//! that tells it to play the other part.
#![cfg(all(feature = "sled", unix))]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lantern::shell::store::sled::{self, Opened};
use lantern::shell::store::{PersonKey, Put, Secret, Store, StoreError};

/// How long opening may take before a database counts as damaged.
const LIMIT: Duration = Duration::from_secs(4);
/// How long anything may take, mending included.
const IN_TIME: Duration = Duration::from_secs(10);
/// Nothing in these tests expires, unless it is meant to.
const NEVER: u64 = u64::MAX / 2;
/// Says to a second process which folder it works in.
const OTHER: &str = "LANTERN_TEST_STORE";

fn key(n: u64) -> PersonKey {
    PersonKey::new(&Secret::from_seed(1), "test", &n.to_string(), "")
}

fn session(n: u64) -> Vec<u8> {
    [&n.to_be_bytes()[..], &[7; 250]].concat()
}

fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    assert!(began.elapsed() < IN_TIME, "it took {:?}", began.elapsed());
    done
}

fn opened(dir: &Path) -> Opened {
    in_time(|| sled::open(dir, LIMIT)).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(dir: &Path) -> StoreError {
    in_time(|| sled::open(dir, LIMIT)).expect_err("it can't be opened")
}

/// Fills a store, and makes an export of it.
fn filled(dir: &Path, count: u64) {
    let store = opened(dir).store;
    for n in 0..count {
        assert_eq!(store.put(&key(n), None, &session(n), 0, NEVER + n).expect("written"), Put::Done);
    }
    store.sweep(1, 10).expect("exported");
}

/// How many of `count` sessions are there, with what was written.
fn intact(store: &dyn Store, count: u64) -> u64 {
    let is_right = |n: &u64| store.get(&key(*n), 0).expect("read").is_some_and(|found| found == session(*n));
    (0..count).filter(is_right).count() as u64
}

/// The folder that a second process works in, in that process.
fn other_part() -> Option<PathBuf> {
    std::env::var_os(OTHER).map(PathBuf::from)
}

/// This program again, to play the other part of a test.
fn another(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(OTHER, dir);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Every file below a folder, with its content.
fn files(dir: &Path) -> HashMap<PathBuf, Vec<u8>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let content = fs::read(&path).expect("a file");
            found.insert(path, content);
        }
    }
    found
}

mod kill {
    use super::*;

    /// How many people write at the same time, each one thing after another.
    const WRITERS: u64 = 4;
    /// How many sessions each of them works on.
    const SESSIONS: u64 = 12;
    const ROUNDS: u64 = 50;

    /// What a writer does as its `step`th operation: a session that it writes, or one that it has forgotten.
    fn operation(writer: u64, step: u64) -> (PersonKey, Option<Vec<u8>>) {
        let key = key(writer * SESSIONS + step * 7 % SESSIONS);
        (key, (step % 9 != 8).then(|| session(step)))
    }

    /// What is there when a writer has done its first `steps` operations.
    fn state(writer: u64, steps: u64) -> HashMap<PersonKey, Option<Vec<u8>>> {
        (0..steps).map(|step| operation(writer, step)).collect()
    }

    /// Writes without end and says what is done; meanwhile sessions expire, are swept, and exports are made.
    fn work(dir: &Path) {
        // The name of the test stands on a line of its own, or it would hide the first acknowledgement.
        println!();
        let store = opened(dir).store;
        let begin: Vec<u64> = std::env::var("BEGIN")
            .expect("where to begin")
            .split(' ')
            .map(|n| n.parse().expect("a number"))
            .collect();
        std::thread::scope(|scope| {
            for (writer, begin) in (0..).zip(begin) {
                let store = &store;
                scope.spawn(move || {
                    for step in begin.. {
                        let (key, session) = operation(writer, step);
                        match session {
                            Some(session) => {
                                let old = store.get(&key, step).expect("read");
                                let put =
                                    store.put(&key, old.as_deref(), &session, step, NEVER).expect("written");
                                assert_eq!(put, Put::Done);
                            }
                            None => drop(store.delete(&key).expect("erased")),
                        }
                        // One write, whole or cut; the lock keeps lines apart.
                        let mut out = std::io::stdout().lock();
                        writeln!(out, "done {writer} {step}").and_then(|()| out.flush()).expect("a reader");
                    }
                });
            }
            for hour in 1.. {
                store.put(&key(1_000_000 + hour), None, b"short", 0, 1).expect("written");
                store.sweep(hour * 3600, 100).expect("swept");
                std::thread::sleep(Duration::from_millis(5));
            }
        });
    }

    #[test]
    fn nothing_that_was_acknowledged_is_lost_by_kill_9_under_load() {
        if let Some(dir) = other_part() {
            return work(&dir);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        let mut done = [0u64; WRITERS as usize];
        let mut acknowledged = 0;
        for round in 0..ROUNDS {
            let begin = done.map(|steps| steps.to_string()).join(" ");
            let mut worker = another("kill::nothing_that_was_acknowledged_is_lost_by_kill_9_under_load", dir)
                .env("BEGIN", begin)
                .spawn()
                .expect("a second process");
            // Another moment each time: after so many acknowledgements, and a little later.
            let (enough, pause) = (round * 37 % 120, Duration::from_micros(round * 7_919 % 3_000));
            let mut lines = BufReader::new(worker.stdout.take().expect("a pipe"));
            let mut heard = 0;
            let mut killed = false;
            let mut line = String::new();
            while lines.read_line(&mut line).expect("a line") > 0 {
                // A line that was cut short is no acknowledgement.
                if let Some(words) = line.strip_suffix('\n').and_then(|line| line.strip_prefix("done "))
                    && let Some((writer, step)) = words.split_once(' ')
                {
                    let (writer, step): (usize, u64) =
                        (writer.parse().expect("a writer"), step.parse().expect("a step"));
                    assert!(step >= done[writer]);
                    done[writer] = step + 1;
                    heard += 1;
                }
                line.clear();
                if heard > enough && !killed {
                    std::thread::sleep(pause);
                    // SIGKILL; what is in the pipe already was acknowledged, and is still read.
                    worker.kill().expect("killed");
                    killed = true;
                }
            }
            worker.wait().expect("ended");
            assert!(killed, "round {round}: the worker ended by itself after {heard} operations");
            acknowledged += heard;

            let Opened { store, story, .. } = opened(dir);
            assert!(!story.iter().any(|line| line.contains("damaged")), "round {round}: {story:?}");
            for (writer, steps) in (0..).zip(done) {
                // What was under way may have been done or not; each session alone, since it was one of them.
                let (sure, perhaps) = (state(writer, steps), state(writer, steps + 1));
                for (key, expected) in &sure {
                    let found = store.get(key, 0).expect("read");
                    assert!(
                        found == *expected || found == perhaps[key],
                        "round {round}, writer {writer} after {steps} operations: {:?} instead of {:?} or {:?}",
                        found.map(|found| found[..8].to_vec()),
                        expected.as_ref().map(|session| session[..8].to_vec()),
                        perhaps[key].as_ref().map(|session| session[..8].to_vec()),
                    );
                }
            }
        }
        assert!(acknowledged > ROUNDS * 20, "there was load: {acknowledged} operations");
        assert!(
            fs::read_dir(dir.join("exports")).expect("exports").count() >= 3,
            "exports were made meanwhile"
        );
    }
}

mod damage {
    use super::*;

    /// How many sessions are damaged: enough for a file of many segments, which is where sled hangs and panics.
    const MANY: u64 = 4_000;
    /// A damaged database that hangs takes half of this.
    const SHORT: Duration = Duration::from_secs(3);

    fn copy(from: &Path, to: &Path) {
        for (path, content) in files(from) {
            let target = to.join(path.strip_prefix(from).expect("below it"));
            fs::create_dir_all(target.parent().expect("a folder")).expect("made");
            fs::write(&target, content).expect("copied");
            fs::set_permissions(&target, fs::metadata(&path).expect("rights").permissions()).expect("set");
        }
    }

    /// A store of [`MANY`] sessions, each changed once, with an export of them all.
    fn large() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let store = opened(folder.path()).store;
        std::thread::scope(|scope| {
            for writer in 0..32 {
                let store = &store;
                scope.spawn(move || {
                    for n in (writer..MANY).step_by(32) {
                        store.put(&key(n), None, b"before", 0, NEVER).expect("written");
                        store.put(&key(n), Some(b"before"), &session(n), 0, NEVER).expect("written");
                    }
                });
            }
        });
        store.sweep(1, 10).expect("exported");
        drop(store);
        // Opened once more, it has a snapshot, as any store has that lived through a restart.
        drop(opened(folder.path()));
        folder
    }

    /// Damages the database in a copy of a store: it opens in time, has everything that was exported, and says what
    /// it did. What was moved away is still there.
    fn survives(store: &Path, name: &str, damage: impl Fn(&mut Vec<u8>)) {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        copy(store, dir);
        let file = dir.join("db").join("db");
        let mut bytes = fs::read(&file).expect("the database");
        damage(&mut bytes);
        fs::write(&file, &bytes).expect("damaged");
        let Opened { store, story, .. } =
            in_time(|| sled::open(dir, SHORT)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(intact(&*store, MANY), MANY, "{name}: {story:?}");
        let told = story.iter().any(|line| line.contains("was moved to"));
        assert_eq!(aside(dir).len(), usize::from(told), "{name}: {story:?}");
        drop(store);
        // What was mended stays mended.
        let Opened { store, story, .. } = opened(dir);
        assert_eq!((intact(&*store, MANY), story), (MANY, Vec::new()), "{name}, opened again");
    }

    #[test]
    fn zeroed_pages_in_24_places_lose_nothing_that_was_exported() {
        let whole = large();
        let store = whole.path();
        std::thread::scope(|scope| {
            for quarter in 0..4 {
                scope.spawn(move || {
                    for place in (quarter..24).step_by(4) {
                        survives(store, &format!("place {place}"), |bytes| {
                            let at = (bytes.len() / 24 * place).min(bytes.len() - 1);
                            let end = (at + 4096).min(bytes.len());
                            bytes[at..end].fill(0);
                        });
                    }
                });
            }
        });
    }

    #[test]
    fn a_cut_tail_loses_nothing_that_was_exported() {
        let whole = large();
        let store = whole.path();
        std::thread::scope(|scope| {
            for keep in [0, 1, 100, 4096, 60_000, 524_288, 1_000_000, 2_000_001] {
                scope.spawn(move || survives(store, &format!("cut to {keep}"), |bytes| bytes.truncate(keep)));
            }
        });
    }

    #[test]
    fn a_database_that_hangs_while_it_is_opened_is_given_up_in_time_and_loses_nothing() {
        let whole = large();
        let dir = whole.path();
        opened(dir).store.put(&key(MANY), None, &session(MANY), 0, NEVER).expect("written after the export");
        // Whoever reads a pipe that nobody writes to waits for ever.
        let conf = dir.join("db").join("conf");
        fs::remove_file(&conf).expect("removed");
        assert!(Command::new("mkfifo").arg(&conf).status().expect("mkfifo").success());
        let Opened { store, story, .. } = in_time(|| sled::open(dir, SHORT)).expect("opened");
        assert!(story[0].contains("opening it takes too long"), "{story:?}");
        assert_eq!(intact(&*store, MANY + 1), MANY + 1, "{story:?}");
        assert_eq!(aside(dir).len(), 1);
    }

    #[test]
    fn leftover_and_short_snapshots_lose_nothing_at_all() {
        for bytes in [&b""[..], b"short", &[0; 4096], &[255; 100]] {
            let folder = tempfile::tempdir().expect("a folder");
            let dir = folder.path();
            filled(dir, 200);
            // No export to fall back on: every session must come from the database itself.
            fs::remove_dir_all(dir.join("exports")).expect("removed");
            fs::write(dir.join("db").join("snap.0000000000FFFFFF"), bytes).expect("a leftover");
            let Opened { store, story, .. } = opened(dir);
            assert_eq!(intact(&*store, 200), 200, "{story:?}");
        }
    }

    /// The folder of the database in use.
    fn current(dir: &Path) -> PathBuf {
        let is_current = |path: &PathBuf| path.ends_with("db") && !path.to_string_lossy().contains("broken");
        let file = files(dir).into_keys().find(is_current).expect("a database");
        file.parent().expect("its folder").to_owned()
    }

    /// Puts something into the database that is no session, so that it counts as damaged for certain.
    fn spoil(dir: &Path) {
        let db = ::sled::open(current(dir)).expect("the database");
        db.insert([b"s", &[0; 32][..]].concat(), b"\0no session").expect("written");
    }

    /// The databases that were set aside.
    fn aside(dir: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(dir).expect("the folder").map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.to_string_lossy().contains("db.broken-")).collect()
    }

    #[test]
    fn a_database_that_is_set_aside_still_has_everything() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        filled(dir, 50);
        opened(dir).store.put(&key(50), None, &session(50), 0, NEVER).expect("written after the export");
        spoil(dir);
        let Opened { store, story, .. } = opened(dir);
        assert_eq!(intact(&*store, 51), 50, "{story:?}");
        assert!(
            story.iter().any(|line| line.contains("50 sessions were missing, and were restored")),
            "{story:?}"
        );
        let set_aside = ::sled::open(&aside(dir)[0]).expect("what was set aside");
        assert_eq!(set_aside.scan_prefix(b"s").count(), 52);
    }

    #[test]
    fn damage_that_comes_again_is_mended_again_and_every_database_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        filled(dir, 50);
        let mut names = vec![current(dir)];
        for _ in 0..3 {
            spoil(dir);
            let Opened { store, story, .. } = opened(dir);
            assert_eq!(intact(&*store, 50), 50, "{story:?}");
            // A thread that hangs in a damaged database could still write below its name.
            assert!(!names.contains(&current(dir)), "{} is used again", current(dir).display());
            names.push(current(dir));
        }
        assert_eq!(aside(dir).len(), 3);
    }

    #[test]
    fn a_damaged_export_is_passed_over_for_an_older_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        filled(dir, 50);
        opened(dir).store.sweep(10_000, 10).expect("exported");
        let newest = fs::read_dir(dir.join("exports"))
            .expect("exports")
            .map(|entry| entry.expect("an entry").path())
            .max();
        fs::write(newest.expect("an export"), b"LANTERN2nonsense").expect("damaged");
        fs::write(dir.join("db").join("db"), b"nonsense").expect("damaged");
        let Opened { store, story, .. } = opened(dir);
        assert_eq!(intact(&*store, 50), 50, "{story:?}");
    }

    #[test]
    fn without_any_export_a_damaged_store_is_set_aside_and_begins_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        filled(dir, 50);
        fs::remove_dir_all(dir.join("exports")).expect("removed");
        spoil(dir);
        let Opened { store, story, .. } = opened(dir);
        assert_eq!(store.count().expect("counted"), 0);
        assert!(story.iter().any(|line| line.contains("was moved to")), "{story:?}");
        assert_eq!(store.put(&key(1), None, b"a", 0, NEVER).expect("written"), Put::Done, "it works again");
    }
}

mod surroundings {
    use super::*;

    #[test]
    fn a_folder_that_is_missing_is_made_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("not").join("there");
        filled(&dir, 3);
        assert_eq!(intact(&*opened(&dir).store, 3), 3);
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&dir.join("secret"))), (0o700, 0o600));
        for path in fs::read_dir(dir.join("exports")).expect("exports") {
            assert_eq!(mode(&path.expect("an export").path()), 0o600);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_told_in_one_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, b"x").expect("written");
        // Nobody, not even root, can make a folder in these places.
        for dir in [file.clone(), file.join("below"), PathBuf::from("/proc/lantern")] {
            let error = refused(&dir);
            let sentence = error.to_string();
            assert!(matches!(error, StoreError::Folder { .. }), "{sentence}");
            assert!(
                sentence.contains(&*dir.to_string_lossy()) && sentence.contains("bot.toml"),
                "{sentence}"
            );
            assert_eq!(sentence.lines().count(), 1, "{sentence}");
        }
        assert_eq!(fs::read(&file).expect("untouched"), b"x");
    }

    /// A second process that has the store open, and what it says; it lets go when its input ends.
    fn holder(test: &str, dir: &Path) -> (Child, BufReader<ChildStdout>) {
        let mut holder = another(test, dir).stdin(Stdio::piped()).spawn().expect("a second process");
        let mut says = BufReader::new(holder.stdout.take().expect("a pipe"));
        let mut line = String::new();
        while !line.ends_with("holding\n") {
            line.clear();
            assert!(says.read_line(&mut line).expect("a line") > 0, "it ended without the store");
        }
        (holder, says)
    }

    /// Holds the store until there is nobody left to hold it for.
    fn hold(dir: &Path) {
        let _store = opened(dir).store;
        println!("holding");
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).expect("an end");
    }

    #[test]
    fn a_store_that_another_process_holds_is_told_in_one_sentence_and_left_alone() {
        if let Some(dir) = other_part() {
            return hold(&dir);
        }
        let folder = tempfile::tempdir().expect("a folder");
        filled(folder.path(), 20);
        let test = "surroundings::a_store_that_another_process_holds_is_told_in_one_sentence_and_left_alone";
        let (mut other, _says) = holder(test, folder.path());
        let error = refused(folder.path());
        assert!(matches!(error, StoreError::Locked(_)), "{error}");
        assert!(error.to_string().contains("close the other lantern"), "{error}");
        for refused in [
            sled::check(folder.path(), LIMIT).err(),
            sled::export(folder.path(), &folder.path().join("all"), LIMIT).err(),
        ] {
            assert!(matches!(refused, Some(StoreError::Locked(_))), "{refused:?}");
        }
        drop(other.stdin.take());
        assert!(other.wait().expect("ended").success());
        let Opened { store, story, .. } = opened(folder.path());
        assert_eq!((intact(&*store, 20), story), (20, Vec::new()));
    }

    #[test]
    fn a_store_that_is_let_go_within_a_moment_is_waited_for() {
        if let Some(dir) = other_part() {
            return hold(&dir);
        }
        let folder = tempfile::tempdir().expect("a folder");
        filled(folder.path(), 5);
        let test = "surroundings::a_store_that_is_let_go_within_a_moment_is_waited_for";
        let (mut other, _says) = holder(test, folder.path());
        let input = other.stdin.take();
        let leaving = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            drop(input);
            other.wait().expect("ended").success()
        });
        assert_eq!(intact(&*opened(folder.path()).store, 5), 5);
        assert!(leaving.join().expect("no panic"));
    }

    /// Writes until the disk is full, and says what was kept.
    fn fill_the_disk(dir: &Path) {
        let store = match sled::open(dir, LIMIT) {
            Ok(opened) => opened.store,
            Err(error) => return println!("\nrefused {error}"),
        };
        for n in 0..100_000 {
            match store.put(&key(n), None, &session(n), 0, NEVER + n) {
                Ok(_) => println!("\nkept {n}"),
                Err(error) => return println!("\nfailed {error}"),
            }
        }
    }

    /// Runs [`fill_the_disk`] in a process that can write no file above so many blocks, as on a full disk. Says how
    /// many sessions it was told are kept, and how it ended.
    fn with_room_for(blocks: u32, test: &str, dir: &Path) -> (u64, String) {
        let program = std::env::current_exe().expect("this program");
        let output = in_time(|| {
            Command::new("sh")
                .arg("-c")
                // Without the trap the system ends a process that hits the limit.
                .arg(format!("trap '' XFSZ; ulimit -f {blocks} && exec \"$0\" {test} --exact --nocapture --test-threads=1"))
                .arg(program)
                .env(OTHER, dir)
                .stderr(Stdio::null())
                .output()
                .expect("a shell")
        });
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        let kept = output.lines().filter(|line| line.starts_with("kept ")).count() as u64;
        let end = output.lines().find(|line| line.starts_with("failed ") || line.starts_with("refused "));
        (kept, end.unwrap_or_else(|| panic!("the disk was never full: {kept} kept")).to_owned())
    }

    #[test]
    fn a_full_disk_is_told_in_one_sentence_and_costs_nothing_that_was_acknowledged() {
        if let Some(dir) = other_part() {
            return fill_the_disk(&dir);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let test =
            "surroundings::a_full_disk_is_told_in_one_sentence_and_costs_nothing_that_was_acknowledged";
        for blocks in [0, 1, 100, 2_000, 5_000] {
            let dir = folder.path().join(blocks.to_string());
            let (kept, end) = with_room_for(blocks, test, &dir);
            assert!(end.contains(" is full; please make room"), "{blocks} blocks: {end}");
            let Opened { store, story, .. } = opened(&dir);
            assert_eq!(intact(&*store, kept), kept, "{blocks} blocks: {story:?}");
        }
    }
}

#[test]
fn a_slow_machine_is_not_taken_for_damage() {
    // Both processors are kept busy by others while a store is opened with the shortest limit there is.
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), 2_000);
    let busy = Arc::new(AtomicBool::new(true));
    let others: Vec<_> = (0..8)
        .map(|_| {
            let busy = Arc::clone(&busy);
            std::thread::spawn(move || while busy.load(Ordering::Relaxed) {})
        })
        .collect();
    let found = sled::open(folder.path(), Duration::from_secs(1));
    busy.store(false, Ordering::Relaxed);
    others.into_iter().for_each(|other| other.join().expect("no panic"));
    let Opened { store, story, .. } = found.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((intact(&*store, 2_000), story), (2_000, Vec::new()));
}
