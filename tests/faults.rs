//! Faults to survive: the process killed at any moment, the store broken, full, locked or gone.

mod support;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use support::{Pipe, complaint, lantern, run, text};

fn scripts() -> String {
    format!("{}/scripts", env!("CARGO_MANIFEST_DIR"))
}

/// A small generator of its own, so that a failing run can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn killed_fifty_times_under_load_no_acknowledged_turn_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let scripts = scripts();
    let args = ["--store", "store", "--scripts", &scripts];
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    // What each of eight people was last told: their step, or that they are forgotten.
    let mut told: Vec<Option<String>> = vec![None; 8];
    for round in 0..50 {
        let mut pipe = Pipe::start(folder.path(), &args);
        for (person, expected) in told.iter().enumerate() {
            let state = pipe.state(&format!("p{person}"));
            assert_eq!(state["step"].as_str(), expected.as_deref(), "round {round}, person {person}");
        }
        for _ in 0..dice.roll(25) {
            let person = dice.roll(8) as usize;
            let words = ["start ketamine", "1", "2", "topics", "back", "notes", "i want to die", "forget me"];
            pipe.say(&format!("p{person}"), words[dice.roll(8) as usize]);
            told[person] = pipe.state(&format!("p{person}"))["step"].as_str().map(str::to_owned);
        }
        // One more, that nobody waits for: it may be there or not, and whatever is there must be whole.
        let person = dice.roll(8) as usize;
        pipe.send(&format!(
            "{{\"id\":0,\"do\":\"say\",\"person\":\"q{person}\",\"text\":\"start ketamine\"}}"
        ));
        pipe.kill();
    }
}

#[test]
fn in_the_terminal_a_killed_conversation_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = lantern()
        .arg("chat")
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("an input");
    let mut out = std::io::BufReader::new(child.stdout.take().expect("an output"));
    std::io::Write::write_all(&mut stdin, b"yes\n").expect("written");
    let mut line = String::new();
    while !line.contains("How are you doing right now?") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut out, &mut line).expect("read"), 0, "it ended early");
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    let again = run(folder.path(), &["chat"], "");
    assert!(
        text(&again).contains("Welcome back") && text(&again).contains("How are you doing right now?"),
        "{}",
        text(&again)
    );
}

#[test]
fn where_there_can_be_no_store_the_crisis_reply_still_comes_and_one_sentence_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("lantern-data"), "a file").expect("written");
    let output = run(folder.path(), &["chat", "--country", "GB"], "i want to die\n");
    assert!(output.status.success());
    assert!(
        complaint(&output).contains("can't be used") && complaint(&output).contains("will be forgotten"),
        "{}",
        complaint(&output)
    );
    assert!(text(&output).contains("116 123"), "{}", text(&output));
    let pipe = run(folder.path(), &["pipe", "--store", "lantern-data"], "");
    assert_eq!((pipe.status.code(), complaint(&pipe).lines().count()), (Some(1), 1), "{}", complaint(&pipe));
}

#[test]
fn a_store_that_another_process_holds_is_told_within_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    let scripts = scripts();
    let first = Pipe::start(folder.path(), &["--store", "lantern-data", "--scripts", &scripts]);
    let output = run(folder.path(), &["chat", "--country", "US"], "i want to die\n");
    assert!(complaint(&output).contains("open in another process"), "{}", complaint(&output));
    assert!(text(&output).contains("988"));
    let check = run(folder.path(), &["store", "check"], "");
    assert_eq!(
        (check.status.code(), complaint(&check).lines().count()),
        (Some(1), 1),
        "{}",
        complaint(&check)
    );
    first.bye();
}

/// A limit on the size of files stands in for a disk that is full: writing fails in the same place.
#[test]
#[cfg(unix)]
fn on_a_full_disk_the_crisis_reply_comes_first_and_the_person_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &["chat"], "yes\n");
    let mut child = std::process::Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 1; exec \"$0\" chat --country GB",
            env!("CARGO_BIN_EXE_lantern"),
        ])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("an input"), b"2\ni want to die\n")
        .expect("written");
    let output = child.wait_with_output().expect("it ends");
    let shown = text(&output);
    let crisis = shown.find("116 123").unwrap_or_else(|| panic!("{shown}\n{}", complaint(&output)));
    let sorry = shown[crisis..].find("I can't save your place").is_some()
        || complaint(&output).contains("will be forgotten");
    assert!(sorry, "{shown}\n{}", complaint(&output));
}

#[test]
fn broken_scripts_are_told_and_the_built_in_ones_serve() {
    let folder = tempfile::tempdir().expect("a folder");
    let guide = folder.path().join("scripts").join("tea");
    fs::create_dir_all(&guide).expect("made");
    fs::write(guide.join("en.md"), "---\nid: tea\nlanguage: en\n---\n\n# Tea\n\n- [On](#nowhere)\n")
        .expect("written");
    let output = run(folder.path(), &["chat", "--country", "AU"], "i want to die\n");
    assert!(
        complaint(&output).contains("S006") && complaint(&output).contains("built-in guides serve"),
        "{}",
        complaint(&output)
    );
    assert!(text(&output).contains("13 11 14"), "{}", text(&output));
    let check = run(folder.path(), &["check"], "");
    assert_eq!(check.status.code(), Some(1));
    assert!(text(&check).contains("tea/en.md:8:3"), "{}", text(&check));
}

#[test]
#[cfg(unix)]
fn links_out_of_the_scripts_folder_and_files_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let guide = folder.path().join("scripts").join("tea");
    fs::create_dir_all(&guide).expect("made");
    fs::write(guide.join("en.md"), b"---\nid: tea\nlanguage: en\n---\n\n# T\xff\n").expect("written");
    std::os::unix::fs::symlink("/etc/hostname", guide.join("de.md")).expect("a link");
    let check = text(&run(folder.path(), &["check"], ""));
    assert!(check.contains("line 6 is not UTF-8") && check.contains("links are not followed"), "{check}");
}

#[test]
fn a_damaged_store_is_restored_while_the_person_waits_a_few_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &["chat"], "yes\n");
    // The second start makes the export.
    run(folder.path(), &["chat"], "");
    let data = folder.path().join("lantern-data");
    let database = data.join("db").join("db");
    let length = fs::metadata(&database).expect("a database").len();
    fs::write(&database, vec![0; length as usize]).expect("damaged");
    let output = run(folder.path(), &["chat"], "");
    assert!(text(&output).contains("Welcome back"), "{}\n{}", text(&output), complaint(&output));
    assert!(complaint(&output).contains("restored from"), "{}", complaint(&output));
    assert!(Path::new(&data).exists());
}
