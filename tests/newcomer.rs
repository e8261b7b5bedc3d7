//! A newcomer in the terminal: nonsense, a number, "back", a cry for help, a kill, the notes, "forget me".

mod support;

use support::{complaint, run, text};

#[test]
fn each_thing_that_a_newcomer_tries_does_what_they_would_hope() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = text(&run(
        folder.path(),
        &["chat", "--country", "GB"],
        "qwertz\n1\nback\nyes, lets start\nall right\n1\ntwo or more\ni want to die\n1\n",
    ));
    let in_order = [
        "Shall we start?",
        "I didn't get that",
        "how are you doing right now?",
        "Shall we start?",
        "how are you doing right now?",
        "You choose the way",
        "Have you tried a medicine",
        "tiring road",
        "thoughts of suicide",
        "116 123",
        "999",
        "You can start with",
    ];
    let mut from = 0;
    let flat = first.replace("┃ ", "").replace('\n', " ");
    for words in in_order {
        let at = flat[from..]
            .find(words)
            .unwrap_or_else(|| panic!("{words:?} is not said after byte {from}:\n{first}"));
        from += at + words.len();
    }
    let second = text(&run(
        folder.path(),
        &["chat"],
        "keep talking to the guide\nnotes\nsave my-visit\nsave my-visit\nforget me\nnotes\n",
    ));
    for words in [
        "Last time was hard",
        "tiring road",
        "I have tried two or more antidepressants.",
        "Saved as my-visit.md",
        "already",
        "I erased",
        "Your notes are empty",
    ] {
        assert!(second.replace('\n', " ").contains(words), "{words:?} is not in:\n{second}");
    }
    let notes = std::fs::read_to_string(folder.path().join("my-visit.md")).expect("the notes");
    assert!(
        notes.starts_with("# Notes for my visit\n")
            && notes.contains("- I have tried two or more antidepressants.\n"),
        "{notes}"
    );
    for word in ["score", "%", "suicidal", "diagnos", "die"] {
        assert!(!notes.to_lowercase().contains(word), "{word} in:\n{notes}");
    }
    let third = text(&run(folder.path(), &["chat"], ""));
    assert!(
        third.contains("Shall we start?") && !third.contains("Welcome back"),
        "nothing is left:\n{third}"
    );
}

#[test]
fn what_is_typed_never_reaches_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    run(
        folder.path(),
        &["chat", "--person", "Zebediah"],
        "yes\nmy secret word is xyzzyplugh\ni want to die, xyzzyplugh\n1\n",
    );
    let mut files = vec![folder.path().to_owned()];
    let mut read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()),
            );
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            read += bytes.len();
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            for word in ["xyzzyplugh", "zebediah", "want to die"] {
                assert!(!text.contains(word), "{word} in {}", path.display());
            }
        }
    }
    assert!(read > 100, "there is a store to look at");
}

#[test]
fn without_a_terminal_there_is_no_colour_and_with_plain_no_drawing() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &["chat", "--plain", "--forgetful"], "help now\n");
    let shown = text(&output);
    assert!(!shown.contains('\u{1b}') && !shown.contains('┃') && shown.contains("1. "), "{shown}");
    assert_eq!(complaint(&output), "");
    assert!(!folder.path().join("lantern-data").exists(), "a forgetful conversation leaves nothing");
}

#[test]
fn wrong_arguments_are_answered_with_what_would_be_right() {
    let folder = tempfile::tempdir().expect("a folder");
    for (args, code, hint) in [
        (&["chat", "--guide", "ketmine"][..], 1, "did you mean ketamine?"),
        (&["chat", "--country", "germny"], 1, "did you mean Germany?"),
        (&["chat", "--language", "english"], 1, "such as en or de"),
        (&["graph", "ketamin"], 1, "did you mean ketamine?"),
        (&["check", "nowhere"], 1, "neither a folder nor a file"),
        (&["store", "check"], 1, "there is no store"),
        (&["chek"], 2, "check"),
    ] {
        let output = run(folder.path(), args, "");
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", complaint(&output));
        assert!(complaint(&output).contains(hint), "{args:?}: {}", complaint(&output));
    }
    std::fs::write(folder.path().join("bot.toml"), "contry = \"GB\"\n").expect("written");
    let output = run(folder.path(), &["chat"], "");
    assert!(complaint(&output).contains("did you mean country?"), "{}", complaint(&output));
}
