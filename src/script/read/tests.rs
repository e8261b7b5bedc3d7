use super::*;

const HEAD: &str = "---\nid: tea\nlanguage: en\n---\n\n";

fn guide(body: &str) -> Guide {
    read("tea/en.md", &format!("{HEAD}{body}")).unwrap_or_else(|found| panic!("{}", drawn(&found)))
}

fn drawn(found: &[Diagnostic]) -> String {
    found.iter().map(|one| format!("{one}\n\n")).collect()
}

/// The codes and lines of what is wrong with a page.
fn faults(body: &str) -> Vec<(&'static str, usize)> {
    match read("tea/en.md", &format!("{HEAD}{body}")) {
        Ok(_) => Vec::new(),
        Err(found) => {
            found.iter().map(|one| (one.code, one.place.as_ref().map_or(0, |place| place.line))).collect()
        }
    }
}

const GOOD: &str = "# Tea? {#welcome}

Do you like *tea*?[^a] See [a page](https://example.org/tea).

- [Yes](#yes \"I like tea.\")
- [No, thanks](#bye)
- [I need help now](../crisis/en.md)

## Yes

1. Boil water.
2. Wait.

- Green
- Black

- [Milk](#yes \"With milk.\")
- [On](#bye)
- [Coffee](../coffee/en.md#beans)

## Bye

Until then.

(end)

[^a]: A book about tea, 1906.
";

#[test]
fn a_good_page_becomes_a_guide() {
    // Two lists side by side are one list in Markdown, so plain items need words between them.
    let good = GOOD.replace("- Green\n- Black\n\n", "Then:\n\n");
    let guide = guide(&good);
    assert_eq!(guide.title(), "Tea?");
    assert_eq!(
        guide.steps().iter().map(|step| step.id.as_str()).collect::<Vec<_>>(),
        ["welcome", "yes", "bye"]
    );
    let first = &guide.steps()[0];
    assert_eq!(first.choices[0].note.as_deref(), Some("I like tea."));
    assert_eq!(first.choices[1].target, Target::Step(2));
    assert_eq!(first.choices[2].target, Target::Crisis(None));
    assert_eq!(first.says[0].words(), "Do you like tea? See a page.");
    assert!(first.says[0].runs().any(|run| *run == Run::Source(1)));
    let second = &guide.steps()[1];
    assert_eq!(second.choices[0].target, Target::Step(1), "a tick");
    assert_eq!(second.choices[2].target, Target::Guide(GuideId::new("coffee"), Some(StepId::new("beans"))));
    assert!(guide.steps()[2].is_end());
    assert_eq!(guide.sources()[0].label, "a");
}

#[test]
fn several_errors_in_one_file_are_all_told_in_order() {
    let page =
        "# Tea {#welcome}\n\nHi `code`.\n\n- [On](#nowhere)\n- [On](#b)\n\n## B\n\nText.\n\n## B\n\n(end)\n";
    assert_eq!(faults(page), [("S004", 8), ("S006", 10), ("S011", 11), ("S010", 13), ("S007", 17)]);
}

#[test]
fn a_wrong_link_is_answered_with_the_nearest_step() {
    let found =
        read("tea/en.md", &format!("{HEAD}# Tea\n\n- [On](#therpy)\n\n## Therapy\n\n(end)\n")).unwrap_err();
    assert_eq!(found[0].help, "did you mean #therapy?");
    let place = found[0].place.as_ref().unwrap();
    assert_eq!((place.line, place.column), (8, 3));
}

#[test]
fn what_is_not_in_the_subset_is_never_taken_for_text() {
    for (body, line) in [
        ("### Deep\n\n(end)\n", 8),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", 8),
        ("![a cup](cup.png)\n", 8),
        ("<b>bold</b>\n", 8),
        ("<!-- a remark -->\n", 8),
        ("```\ncode\n```\n", 8),
        ("    indented\n", 8),
        ("> quoted\n", 8),
        ("~~out~~\n", 8),
        ("***\n", 8),
        ("- [ ] box\n", 8),
        ("- one\n  - two\n", 9),
        ("Under\n---\n", 8),
    ] {
        let found = faults(&format!("# Tea\n\n{body}\n(end)\n"));
        assert!(found.contains(&("S004", line)), "{body:?} gave {found:?}");
    }
}

#[test]
fn links_that_went_wrong_are_pointed_at() {
    for body in [
        "- [Yes](#bye “I like tea.”)\n",
        "- [Yes](#bye\n",
        "- [Yes]\n",
        "- [Yes(#bye)\n",
        "- Yes](#bye)\n",
        "Tea is old.[^missing]\n\n- [Yes](#bye)\n",
    ] {
        let found = faults(&format!("# Tea\n\n{body}\n\n## Bye\n\n(end)\n"));
        assert!(found.iter().any(|(code, _)| *code == "S005"), "{body:?} gave {found:?}");
    }
    assert!(
        guide("# Tea\n\nA \\[plain\\] bracket.\n\n(end)\n").steps()[0].says[0].words().contains("[plain]")
    );
}

#[test]
fn links_cannot_leave_the_scripts_folder() {
    for to in [
        "../../etc/passwd",
        "/etc/passwd",
        "../x/y/en.md",
        "..\\x\\en.md",
        "../../scripts/tea/en.md",
        "file.txt",
        "sub/en.md",
    ] {
        let found = faults(&format!("# Tea\n\n- [On]({to})\n"));
        assert!(found.iter().any(|(code, _)| *code == "S019"), "{to} gave {found:?}");
    }
}

#[test]
fn choices_stand_alone_at_the_end_of_a_step() {
    for (body, code) in [
        ("- [On](#tea)\n- words\n", "S013"),
        ("- [On](#tea)\n\nwords\n", "S013"),
        ("see [on](#tea)\n\n(end)\n", "S013"),
        ("[on](#tea)\n", "S013"),
        ("1. [On](#tea)\n", "S013"),
        ("- [](#tea)\n", "S011"),
        ("- [On](#tea)\n\n(end)\n", "S010"),
        ("(End)\n", "S015"),
        ("(end)\n\nwords\n", "S015"),
        ("[a](http://example.org)\n\n(end)\n", "S016"),
    ] {
        let found = faults(&format!("# Tea\n\n{body}"));
        assert!(found.iter().any(|(c, _)| *c == code), "{body:?} gave {found:?}");
    }
}

#[test]
fn the_limits_of_chat_platforms_are_kept() {
    let many: String = (0..26).map(|n| format!("- [Choice {n}](#tea)\n")).collect();
    assert_eq!(faults(&format!("# Tea\n\n{many}")), [("S012", 8)]);
    assert_eq!(faults(&format!("# Tea\n\n- [{}](#tea)\n", "x".repeat(81))), [("S012", 8)]);
    assert_eq!(faults(&format!("# Tea\n\n{}\n\n(end)\n", "word ".repeat(500))), [("S012", 6)]);
}

#[test]
fn the_block_at_the_beginning_is_checked() {
    for (text, line) in [
        ("# Tea\n", 1),
        ("---\nid: tea\n# Tea\n", 1),
        ("---\nid: tea\n---\n# Tea\n\n(end)\n", 1),
        ("---\nid: Tea Time\nlanguage: en\n---\n# Tea\n\n(end)\n", 2),
        ("---\nid: tea\nlanguage: english\n---\n# Tea\n\n(end)\n", 3),
        ("---\nid: tea\nlangage: en\n---\n# Tea\n\n(end)\n", 3),
        ("", 1),
    ] {
        let found = read("tea/en.md", text).unwrap_err();
        assert!(
            found.iter().any(|one| one.code == "S002" && one.place.as_ref().unwrap().line == line),
            "{text:?} gave\n{}",
            drawn(&found)
        );
    }
}

#[test]
fn hostile_pages_are_refused_in_good_time() {
    let deep = format!(
        "{HEAD}# Tea\n\n{} deep\n\n{}x{}\n",
        ">".repeat(20_000),
        "*".repeat(20_000),
        "_".repeat(20_000)
    );
    assert!(read("tea/en.md", &deep).is_err());
    let nested: String = (0..2_000).map(|n| format!("{}- x\n", "  ".repeat(n))).collect();
    assert!(read("tea/en.md", &format!("{HEAD}# Tea\n\n{nested}")).is_err());
    let brackets = format!("{HEAD}# Tea\n\n{}", "[".repeat(100_000));
    assert!(read("tea/en.md", &brackets).is_err());
    assert!(read("tea/en.md", &"x".repeat(LONGEST_FILE + 1)).is_err());
}

#[test]
fn a_guide_of_a_hundred_thousand_steps_is_read() {
    let mut page = String::from("# Start\n\n- [On](#s0)\n\n");
    for n in 0..100_000 {
        page.push_str(&format!("## S{n}\n\nWords.\n\n- [On](#s{})\n- [Back](#start)\n\n", (n + 1) % 100_000));
    }
    assert_eq!(guide(&page).steps().len(), 100_001);
}
