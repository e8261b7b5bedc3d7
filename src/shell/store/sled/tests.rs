use std::time::Duration;

use super::super::Secret;
use super::*;

const LIMIT: Duration = Duration::from_secs(6);

fn key(n: u64) -> PersonKey {
    PersonKey::new(&Secret::from_seed(1), "test", &n.to_string(), "")
}

fn opened(dir: &Path) -> Opened {
    open(dir, LIMIT).unwrap_or_else(|error| panic!("{error}"))
}

fn filled(dir: &Path, count: u64) {
    let Opened { store, .. } = opened(dir);
    for n in 0..count {
        let record = [&n.to_be_bytes()[..], &[7; 250]].concat();
        assert_eq!(store.put(&key(n), None, &record, 0, u64::MAX / 2 + n).expect("written"), Put::Done);
    }
    // Makes an export.
    store.sweep(1, 10).expect("swept");
}

/// How many of `count` records are there with what was written.
fn intact(store: &dyn Store, count: u64) -> u64 {
    let right = |n: &u64| {
        store.get(&key(*n), 0).is_ok_and(|record| record.is_some_and(|record| record[..8] == n.to_be_bytes()))
    };
    (0..count).filter(right).count() as u64
}

#[test]
fn a_record_is_only_changed_by_who_knows_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = opened(folder.path()).store;
    assert_eq!(store.put(&key(1), Some(b"x"), b"a", 0, 9).expect("answered"), Put::Changed);
    assert_eq!(store.put(&key(1), None, b"a", 0, 9).expect("answered"), Put::Done);
    assert_eq!(store.put(&key(1), None, b"b", 0, 9).expect("answered"), Put::Changed);
    assert_eq!(store.put(&key(1), Some(b"a"), b"b", 0, 9).expect("answered"), Put::Done);
    assert_eq!(store.get(&key(1), 8).expect("read").as_deref(), Some(&b"b"[..]));
    assert_eq!(store.get(&key(1), 9).expect("read"), None, "it has expired");
    assert_eq!(
        store.put(&key(1), None, b"c", 9, 20).expect("answered"),
        Put::Done,
        "what has expired is as good as gone"
    );
}

#[test]
fn sweeping_erases_what_has_expired_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = opened(folder.path()).store;
    for n in 0..10 {
        store.put(&key(n), None, b"a", 0, 10 + n).expect("written");
    }
    store.put(&key(0), Some(b"a"), b"b", 5, 100).expect("renewed");
    assert_eq!(store.sweep(14, 2).expect("swept"), 2);
    assert_eq!(store.sweep(14, 100).expect("swept"), 2);
    assert_eq!(store.count().expect("counted"), 6);
    assert!(store.get(&key(0), 14).expect("read").is_some());
}

#[test]
fn who_is_forgotten_stays_forgotten_after_a_restore() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), 5);
    {
        let store = opened(folder.path()).store;
        assert!(store.delete(&key(2)).expect("erased"));
        assert!(!store.delete(&key(2)).expect("nothing left"));
    }
    fs::write(folder.path().join("db").join("db"), b"nonsense").expect("damage");
    let Opened { store, story, .. } = opened(folder.path());
    assert!(
        story.iter().any(|line| line.contains("4 sessions were missing, and were restored")),
        "{story:?}"
    );
    assert!(store.get(&key(2), 0).expect("read").is_none());
    assert_eq!(intact(&*store, 5), 4);
}

#[test]
fn an_export_goes_into_another_store_and_a_damaged_one_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second, file) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("all"));
    filled(&first, 20);
    assert_eq!(export(&first, &file, LIMIT).expect("exported"), 20);
    assert_eq!(import(&second, &file, LIMIT).expect("imported"), 20);
    assert!(check(&second, LIMIT).expect("sound").to_string().contains("20 sessions, all readable"));
    let mut bytes = fs::read(&file).expect("bytes");
    bytes[100] ^= 1;
    fs::write(&file, bytes).expect("damaged");
    assert!(import(&second, &file, LIMIT).expect_err("damaged").to_string().contains("damaged"));
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = opened(folder.path()).store;
    std::thread::scope(|scope| {
        for worker in 0..8u64 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..50 {
                    let n = worker * 50 + n;
                    assert_eq!(
                        store.put(&key(n), None, &n.to_be_bytes(), 0, 99).expect("written"),
                        Put::Done
                    );
                }
            });
        }
    });
    drop(store);
    assert_eq!(intact(&*opened(folder.path()).store, 400), 400);
}

/// Opens the database itself, to do to it what the store never would.
fn bare(dir: &Path) -> sled::Db {
    // A store that was dropped gives its lock back from a thread of its own, a moment later.
    let begun = std::time::Instant::now();
    loop {
        match sled::open(dir.join("db")) {
            Err(_) if begun.elapsed() < LIMIT => std::thread::sleep(std::time::Duration::from_millis(20)),
            opened => return opened.expect("the database"),
        }
    }
}

#[test]
fn a_session_of_the_first_layout_is_read_kept_and_swept() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(opened(folder.path()));
    let db = bare(folder.path());
    db.insert(session_name(&key(1)), &b"\x01\0\0\0\0\0\0\0\x09old"[..]).expect("written");
    db.insert(expiry_name(9, key(1).as_bytes()), NOTHING).expect("written");
    drop(db);
    let Opened { store, story, .. } = opened(folder.path());
    assert_eq!(story, Vec::<String>::new());
    assert_eq!(store.get(&key(1), 8).expect("read").as_deref(), Some(&b"old"[..]));
    assert_eq!(store.put(&key(1), Some(b"old"), b"new", 8, 19).expect("written"), Put::Done);
    assert_eq!(store.sweep(9, 10).expect("swept"), 0, "it was renewed");
    assert_eq!(store.sweep(19, 10).expect("swept"), 1);
    assert_eq!(store.count().expect("counted"), 0);
}

#[test]
fn a_store_of_a_newer_version_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), 3);
    let db = bare(folder.path());
    db.insert(session_name(&key(9)), &[200, 1, 2, 3][..]).expect("written");
    drop(db);
    let error = open(folder.path(), LIMIT).expect_err("it is newer");
    assert!(matches!(error, StoreError::Newer(_)) && error.to_string().contains("newer lantern"), "{error}");
    assert_eq!(bare(folder.path()).scan_prefix(b"s").count(), 4, "nothing was moved or changed");
}

#[test]
fn a_session_that_lost_its_place_in_the_index_is_still_swept() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(opened(folder.path()));
    let db = bare(folder.path());
    db.insert(session_name(&key(1)), record::compose(1, 9, b"lost")).expect("written");
    drop(db);
    let store = opened(folder.path()).store;
    assert_eq!(store.sweep(9, 10).expect("swept"), 1);
    assert_eq!(store.count().expect("counted"), 0);
}

#[test]
fn a_newer_session_is_kept_when_an_export_expires_later() {
    // As after an operator shortened the time for which sessions are kept.
    let folder = tempfile::tempdir().expect("a folder");
    let far = u64::MAX / 2;
    {
        let store = opened(folder.path()).store;
        store.put(&key(1), None, b"before", 10, far + 1_000).expect("written");
        store.sweep(11, 10).expect("exported");
        store.put(&key(1), Some(b"before"), b"after", 12, far).expect("written");
    }
    let Opened { store, story, .. } = opened(folder.path());
    assert_eq!(story, Vec::<String>::new());
    assert_eq!(store.get(&key(1), 13).expect("read").as_deref(), Some(&b"after"[..]));
}

#[test]
fn a_session_renewed_while_it_is_swept_is_never_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = opened(folder.path()).store;
    // Each round the session has just expired; the person comes back in the very moment of a sweep.
    for round in 0..200u64 {
        let (now, expires) = (10 + round * 10, 20 + round * 10);
        let renew = || {
            // Swept already or only expired: either way there is nothing left to know of.
            let put = store.put(&key(1), None, &round.to_be_bytes(), now, expires).expect("written");
            assert_eq!(put, Put::Done, "round {round}");
        };
        std::thread::scope(|scope| {
            scope.spawn(|| store.sweep(now, 10).expect("swept"));
            scope.spawn(renew);
        });
        let kept = store.get(&key(1), now).expect("read");
        assert_eq!(kept.as_deref(), Some(&round.to_be_bytes()[..]), "round {round}");
    }
}

#[test]
fn who_is_forgotten_while_exports_are_made_stays_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), 200);
    {
        let store = opened(folder.path()).store;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for hour in 1..30 {
                    store.sweep(hour * 3600, 10).expect("swept");
                }
            });
            scope.spawn(|| (0..100).for_each(|n| assert!(store.delete(&key(n)).expect("erased"))));
        });
    }
    fs::remove_dir_all(folder.path().join("db")).expect("a lost database");
    let store = opened(folder.path()).store;
    assert_eq!((0..100).filter(|n| store.get(&key(*n), 0).expect("read").is_some()).count(), 0);
    assert_eq!(intact(&*store, 200), 100, "the others are restored");
}

#[test]
fn a_lost_secret_is_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), 1);
    fs::remove_file(folder.path().join("secret")).expect("removed");
    let story = opened(folder.path()).story;
    assert!(story[0].contains("secret") && story[0].contains("was missing"), "{story:?}");
}

#[test]
fn a_session_that_no_export_could_hold_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = opened(folder.path()).store;
    let error = store.put(&key(1), None, &vec![0; LONGEST + 1], 0, 9).expect_err("it is too long");
    assert!(matches!(error, StoreError::TooLong(_)), "{error}");
    assert_eq!(store.count().expect("counted"), 0);
}
