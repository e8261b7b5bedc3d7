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
fn the_same_store_cannot_be_opened_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let _first = opened(folder.path());
    let error = open(folder.path(), LIMIT).expect_err("it is locked");
    assert!(matches!(error, StoreError::Locked(_)), "{error}");
    assert!(error.to_string().contains("close the other lantern"));
}

#[test]
fn a_folder_that_cannot_be_one_is_told_in_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, b"x").expect("written");
    for dir in [file.clone(), file.join("below"), PathBuf::from("/proc/lantern")] {
        let error = open(&dir, LIMIT).expect_err("it can't be one");
        assert!(
            matches!(error, StoreError::Folder { .. }) && error.to_string().contains("[store] path"),
            "{error}"
        );
    }
    assert!(
        check(&folder.path().join("none"), LIMIT)
            .expect_err("there is none")
            .to_string()
            .contains("no store in it")
    );
}

#[test]
fn leftover_and_short_snapshots_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), 200);
    for bytes in [&b""[..], b"short", &[0; 4096], &[255; 100]] {
        fs::write(folder.path().join("db").join("snap.0000000000FFFFFF"), bytes).expect("a leftover");
        let began = Instant::now();
        let Opened { store, .. } = opened(folder.path());
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(intact(&*store, 200), 200);
    }
}

/// Damages the database in a copy of a filled store; it must open in time, lose nothing that was exported, and
/// keep the damaged file.
fn survives(name: &str, damage: impl Fn(&mut Vec<u8>)) {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), 300);
    let file = folder.path().join("db").join("db");
    let mut bytes = fs::read(&file).expect("the database");
    damage(&mut bytes);
    fs::write(&file, &bytes).expect("damaged");
    let began = Instant::now();
    let Opened { store, story, .. } = opened(folder.path());
    assert!(began.elapsed() < Duration::from_secs(10), "{name}: {:?}", began.elapsed());
    assert_eq!(intact(&*store, 300), 300, "{name}: {story:?}");
    let aside = folder.path().join("db.broken");
    let moved = story.iter().any(|line| line.contains("was moved to"));
    assert_eq!(aside.join("db").exists(), moved, "{name}: {story:?}");
}

#[test]
fn zeroed_pages_in_24_places_lose_nothing_that_was_exported() {
    for place in 0..24 {
        survives(&format!("place {place}"), |bytes| {
            let at = (bytes.len() / 24 * place).min(bytes.len() - 1);
            let end = (at + 4096).min(bytes.len());
            bytes[at..end].fill(0);
        });
    }
}

#[test]
fn a_cut_tail_loses_nothing_that_was_exported() {
    for keep in [0, 1, 100, 4096, 30_000, 60_000] {
        survives(&format!("cut to {keep}"), |bytes| bytes.truncate(keep));
    }
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
