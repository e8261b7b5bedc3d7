use super::*;
use crate::shell::store::{Secret, record};

fn entry(n: u64) -> Entry {
    let key = PersonKey::new(&Secret::from_seed(1), "test", &n.to_string(), "");
    Entry { key, value: record::compose(1, n, &vec![7; n as usize % 50]) }
}

fn entries(numbers: std::ops::Range<u64>) -> impl Iterator<Item = Result<Entry, StoreError>> {
    numbers.map(|n| Ok(entry(n)))
}

/// Exports made an hour apart, of the sessions 0 to `count`.
fn exported(times: u64, count: u64) -> (tempfile::TempDir, Exports) {
    let folder = tempfile::tempdir().expect("a folder");
    let exports = Exports::new(folder.path().to_owned());
    for hour in 1..=times {
        exports.make_if_due(hour * EVERY, false, entries(0..count)).expect("exported");
    }
    (folder, exports)
}

fn forget(exports: &Exports, n: u64) {
    exports.forget(&entry(n).key, || Ok(())).expect("forgotten");
}

fn everybody(path: &Path) -> Vec<Entry> {
    read(path).expect("an export").collect::<Result<_, _>>().expect("whole")
}

#[test]
fn what_is_exported_is_read_back() {
    let (_folder, exports) = exported(1, 100);
    assert_eq!(everybody(&exports.kept()[0]), (0..100).map(entry).collect::<Vec<_>>());
}

#[test]
fn an_export_that_is_damaged_anywhere_is_noticed() {
    let (_folder, exports) = exported(1, 5);
    let path = &exports.kept()[0];
    let whole = fs::read(path).expect("bytes");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(path, &bytes).expect("written");
        assert!(check(path).is_err(), "byte {at}");
        fs::write(path, &whole[..at]).expect("written");
        assert!(check(path).is_err(), "cut at {at}");
    }
    fs::write(path, [&whole[..], b"x"].concat()).expect("written");
    assert!(check(path).is_err(), "something at its end");
}

#[test]
fn an_export_of_a_newer_version_says_so() {
    let (folder, _) = exported(1, 1);
    let path = folder.path().join("later");
    let later = Entry { value: vec![200, 0, 0], ..entry(1) };
    write(&path, std::iter::once(Ok(later))).expect("written");
    assert!(check(&path).expect_err("it is newer").to_string().contains("newer lantern"));
}

#[test]
fn an_export_is_made_once_an_hour_and_three_are_kept() {
    let (_folder, exports) = exported(5, 1);
    assert_eq!(exports.kept(), [5, 4, 3].map(|hour| exports.name(hour * EVERY)));
    exports.make_if_due(5 * EVERY + 60, false, entries(0..1)).expect("answered");
    assert_eq!(exports.kept().len(), 3);
    assert_eq!(exports.kept()[0], exports.name(5 * EVERY), "a minute later none is due");
}

#[test]
fn an_emptied_store_lets_its_old_exports_go() {
    let (_folder, exports) = exported(3, 4);
    (4..7).for_each(|hour| exports.make_if_due(hour * EVERY, true, entries(0..0)).expect("exported"));
    assert!(exports.kept().iter().all(|path| everybody(path).is_empty()));
    let (_folder, never) = exported(0, 0);
    never.make_if_due(EVERY, true, entries(0..0)).expect("answered");
    assert!(never.kept().is_empty(), "a store that never held anything needs no export");
}

#[test]
fn who_is_forgotten_is_gone_from_every_export_and_leaves_no_note() {
    let (folder, exports) = exported(3, 10);
    forget(&exports, 3);
    for path in exports.kept() {
        let left = everybody(&path);
        assert_eq!(left.len(), 9);
        assert!(left.iter().all(|left| left.key != entry(3).key));
    }
    assert!(!folder.path().join("forgotten").exists());
}

#[test]
fn who_is_forgotten_while_an_export_is_written_is_passed_over_until_the_next_sweep() {
    let (_folder, exports) = exported(1, 10);
    let writing = locked(&exports.writing);
    forget(&exports, 3);
    assert_eq!(exports.forgotten(), HashSet::from([entry(3).key]));
    drop(writing);
    exports.purge().expect("purged");
    assert_eq!(everybody(&exports.kept()[0]).len(), 9);
    assert!(exports.forgotten().is_empty());
}

#[test]
fn who_is_being_forgotten_is_noted_before_the_database_erases_them() {
    let (_folder, exports) = exported(1, 10);
    let key = entry(3).key;
    let failed = exports.forget(&key, || -> Result<(), _> {
        assert!(exports.forgotten().contains(&key));
        Err(StoreError::Failed("the disk is gone".into()))
    });
    assert!(failed.is_err(), "who asked is told that it failed");
}

#[test]
fn a_purge_waits_for_who_is_being_forgotten() {
    let (_folder, exports) = exported(1, 10);
    let (erasing, erased) = (std::sync::Barrier::new(2), Mutex::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let erase = || {
                erasing.wait();
                std::thread::sleep(std::time::Duration::from_millis(100));
                *erased.lock().expect("no panic") = true;
                Ok(())
            };
            exports.forget(&entry(3).key, erase).expect("forgotten");
        });
        erasing.wait();
        exports.purge().expect("purged");
        assert!(*erased.lock().expect("no panic"), "the note was needed until then");
    });
    assert_eq!(everybody(&exports.kept()[0]).len(), 9);
}

#[test]
fn a_note_that_was_cut_short_does_not_spoil_the_next() {
    let (_folder, exports) = exported(1, 10);
    let _writing = locked(&exports.writing);
    forget(&exports, 1);
    let mut cut = fs::read(exports.notes_path()).expect("the notes");
    cut.extend(&note(&entry(2).key)[..20]);
    fs::write(exports.notes_path(), cut).expect("damaged");
    forget(&exports, 3);
    assert_eq!(exports.forgotten(), HashSet::from([entry(1).key, entry(3).key]));
}

#[test]
fn a_damaged_export_that_could_hold_the_forgotten_is_not_kept() {
    let (_folder, exports) = exported(2, 10);
    let damaged = &exports.kept()[1];
    fs::write(damaged, b"LANTERN2 and nonsense").expect("damaged");
    forget(&exports, 3);
    assert_eq!(exports.kept(), [exports.name(2 * EVERY)]);
}

#[test]
fn what_a_process_that_died_was_writing_is_removed() {
    let (folder, exports) = exported(1, 10);
    let half = folder.path().join("sessions-000000000009.export.unfinished");
    fs::write(&half, b"half").expect("written");
    exports.tidy();
    assert!(!half.exists() && exports.kept().len() == 1);
}
