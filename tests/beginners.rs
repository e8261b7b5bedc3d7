//! The mistakes that everybody makes at first: for each, the message, and whether doing to the letter what it says mends
//! the page. The mended pages here change nothing but what the message names.

use lantern::diagnostic::Diagnostic;
use lantern::library::Library;
use lantern::lint;

const PAGE: &str = r#"---
id: sleep
language: en
---

# Sleep and low mood

Sleep and mood pull on each other. Typing *help now* works at any time.

- [I sleep too little](#too-little "I sleep too little.")
- [I sleep too much](#too-much)
- [I need someone to talk to now](../crisis/en.md)

## Too little

Many people wake early. A doctor can look at why.

- [What can I ask?](#what-to-ask)
- [I need someone to talk to now](../crisis/en.md)

## Too much

Some people sleep all day and are still tired.

- [What can I ask?](#what-to-ask)
- [I need someone to talk to now](../crisis/en.md)

## What to ask

You can ask: *could my sleep be part of this?* Type *topics* or *help now*.

(end)
"#;

fn findings(page: &str) -> Vec<Diagnostic> {
    match Library::read([("sleep/en.md", page)]) {
        Ok(library) => lint::check(&library),
        Err(found) => found,
    }
}

/// A page with a mistake, what the message must say, and every way to mend it that the message names.
struct Mistake {
    wrong: String,
    says: &'static str,
    line: usize,
    mended: Vec<String>,
}

fn mistake(right: &str, wrong: &str, says: &'static str) -> Mistake {
    assert!(PAGE.contains(right), "{right}");
    let page = PAGE.replacen(right, wrong, 1);
    let line = PAGE[..PAGE.find(right).expect("it is there")].matches('\n').count() + 1;
    Mistake { wrong: page, says, line, mended: Vec::new() }
}

impl Mistake {
    fn mended_by(mut self, from: &str, to: &str) -> Self {
        assert!(self.wrong.contains(from), "{from}");
        self.mended.push(self.wrong.replace(from, to));
        self
    }

    fn at(mut self, line: usize) -> Self {
        self.line = line;
        self
    }

    /// The message says it, at its line, and every way that it names mends the page.
    fn is_mended_by_its_message(&self) {
        let found = findings(&self.wrong);
        let drawn: String = found.iter().map(|one| format!("{one}\n\n")).collect();
        let told = found.iter().find(|one| format!("{} {}", one.what, one.help).contains(self.says));
        let told = told.unwrap_or_else(|| panic!("nothing says {:?}:\n{drawn}", self.says));
        assert!(told.is_error(), "{told}");
        assert_eq!(told.place.as_ref().map(|place| place.line), Some(self.line), "{told}");
        assert!(!self.mended.is_empty());
        for page in &self.mended {
            let left = findings(page);
            assert!(left.is_empty(), "after {told}\nstill {}", left[0]);
        }
    }
}

#[test]
fn the_page_itself_is_clean() {
    assert_eq!(findings(PAGE), []);
}

#[test]
fn curly_quotes() {
    mistake("\"I sleep too little.\"", "“I sleep too little.”", "straight quotes")
        .mended_by("“I sleep too little.”", "\"I sleep too little.\"")
        .is_mended_by_its_message();
}

#[test]
fn a_heading_with_three_marks() {
    mistake("## Too much", "### Too much", "use `## ` to begin a step")
        .mended_by("### Too much", "## Too much")
        .is_mended_by_its_message();
}

#[test]
fn a_missing_bracket() {
    mistake("- [I sleep too much](#too-much)", "- [I sleep too much(#too-much)", "close the words with ]")
        .mended_by("much(#", "much](#")
        .is_mended_by_its_message();
    mistake("- [I sleep too much](#too-much)", "- [I sleep too much](#too-much", "close it with )")
        .mended_by("(#too-much\n", "(#too-much)\n")
        .is_mended_by_its_message();
    mistake("- [I sleep too much](#too-much)", "- [I sleep too much]", "write where it leads")
        .mended_by("much]\n", "much](#too-much)\n")
        .is_mended_by_its_message();
}

#[test]
fn a_heading_that_was_reworded() {
    mistake("## What to ask", "## Questions for the doctor", "did you mean #questions-for-the-doctor?")
        .at(18)
        .mended_by("(#what-to-ask)", "(#questions-for-the-doctor)")
        .mended_by("## Questions for the doctor", "## Questions for the doctor {#what-to-ask}")
        .is_mended_by_its_message();
}

#[test]
fn a_choice_without_a_link() {
    mistake("- [I sleep too much](#too-much)", "- I sleep too much", "make this item a link")
        .mended_by("- I sleep too much", "- [I sleep too much](#too-much)")
        .is_mended_by_its_message();
    mistake(
        "mood pull on each other.",
        "mood pull on each other:\n\n- little sleep\n- much sleep",
        "put a sentence between",
    )
    .at(10)
    .mended_by("- much sleep", "- much sleep\n\nBoth count.")
    .is_mended_by_its_message();
}

#[test]
fn a_table() {
    let table = "| hour | how |\n| --- | --- |\n| three | awake |";
    mistake("Many people wake early. A doctor can look at why.", table, "write it as a list")
        .mended_by(table, "Hours, and how it is:\n\n- three: awake\n\nThat is common.")
        .is_mended_by_its_message();
}

#[test]
fn two_steps_of_one_name() {
    mistake("## Too much", "## Too little", "word one of the headings differently")
        .mended_by("## Too little\n\nSome", "## Too much\n\nSome")
        .mended_by("## Too little\n\nSome", "## Too little {#too-much}\n\nSome")
        .is_mended_by_its_message();
}

#[test]
fn a_forgotten_end() {
    mistake("\n(end)\n", "", "write (end) alone on the last line of the step")
        .at(28)
        .mended_by("or *help now*.\n", "or *help now*.\n\n(end)\n")
        .is_mended_by_its_message();
}

#[test]
fn a_pasted_web_page() {
    let pasted = "<div class=\"article\"><p>Some people sleep all day and are still tired.</p></div>";
    mistake("Some people sleep all day and are still tired.", pasted, "take the marks in < > away")
        .mended_by(pasted, "Some people sleep all day and are still tired.")
        .is_mended_by_its_message();
}

#[test]
fn a_wrong_language_code() {
    mistake("language: en", "language: english", "write language: en")
        .mended_by("language: english", "language: en")
        .is_mended_by_its_message();
    mistake("language: en", "language: us", "write language: en")
        .at(1)
        .mended_by("language: us", "language: en")
        .is_mended_by_its_message();
}
