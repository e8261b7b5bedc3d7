//! Answers as Markdown that every platform shows: short enough for one message, the rest in a file.

use crate::diagnostic::Diagnostic;
use crate::engine::Reply;
use crate::script::{Block, Run};

/// The longest text of an answer, in characters: a message of Discord has 2,000, and something may be put around it.
pub const LONGEST: usize = 1_800;

/// A file that goes with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, such as `findings.txt`.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// An answer to a moderator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Markdown: `**bold**`, `*emphasis*`, `` `code` ``, lists, code blocks; at most [`LONGEST`] characters.
    pub text: String,
    /// What doesn't fit into it.
    pub file: Option<Attachment>,
    /// Whether what was asked for was done.
    pub done: bool,
}

impl Said {
    pub(super) fn yes(text: impl Into<String>) -> Said {
        Said::whole(text.into(), true)
    }

    pub(super) fn no(text: impl Into<String>) -> Said {
        Said::whole(text.into(), false)
    }

    /// Text that is cut at a line where it is too long; then the whole goes into a file.
    fn whole(text: String, done: bool) -> Said {
        if text.chars().count() <= LONGEST {
            return Said { text, file: None, done };
        }
        let short = format!("{}\n\nThe rest is in the file.", cut(&text, LONGEST - 40));
        Said { text: short, file: Some(Attachment { name: "answer.md".to_owned(), text }), done }
    }

    /// The same, with what it is about before it.
    pub fn about(mut self, what: &str) -> Said {
        self.text = format!("**{what}**\n{}", self.text);
        self
    }

    /// Several answers as one: done where all are. The first file goes with it.
    pub fn together(all: Vec<Said>) -> Said {
        let mut all = all.into_iter();
        let Some(first) = all.next() else { return Said::no("Something failed inside; please try again.") };
        let (mut text, mut file, mut done) = (first.text, first.file, first.done);
        for one in all {
            text = format!("{text}\n\n{}", one.text);
            file = file.or(one.file);
            done &= one.done;
        }
        match file {
            // What was cut is in the file already.
            Some(file) => Said { text: cut(&text, LONGEST), file: Some(file), done },
            None => Said::whole(text, done),
        }
    }

    /// The same with a file.
    pub(super) fn with_file(mut self, name: impl Into<String>, text: impl Into<String>) -> Said {
        self.file = Some(Attachment { name: name.into(), text: text.into() });
        self
    }
}

/// The beginning of a text, up to the end of a line or word; a code block that is cut is closed.
fn cut(text: &str, most: usize) -> String {
    let end = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
    let head = &text[..end];
    let head = head.rfind('\n').or_else(|| head.rfind(' ')).map_or(head, |at| &head[..at]).trim_end();
    let fence = if head.matches("```").count() % 2 == 1 { "\n```" } else { "" };
    format!("{head}{fence}")
}

/// Words of somebody else inside an answer: nothing in them is Markdown, a mention or a new line.
pub(super) fn code(words: &str) -> String {
    let plain: String = words
        .chars()
        .map(|c| if c == '`' { '\'' } else { c })
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(100)
        .collect();
    let plain = plain.trim();
    if plain.is_empty() { "(nothing)".to_owned() } else { format!("`{plain}`") }
}

/// A block in which lines stay as they are.
pub(super) fn fenced(text: &str) -> String {
    format!("```\n{}\n```", text.trim_end().replace("```", "'''"))
}

/// Findings as `lantern check` prints them: as many as fit into a message, all of them as a file.
pub(super) fn findings(head: &str, found: &[Diagnostic]) -> Said {
    let all: Vec<String> = found.iter().map(ToString::to_string).collect();
    let mut shown = String::new();
    let mut left = all.len();
    for one in &all {
        let room = LONGEST.saturating_sub(head.chars().count() + 200);
        if shown.chars().count() + one.chars().count() > room {
            break;
        }
        shown.push_str(&format!("{one}\n\n"));
        left -= 1;
    }
    if shown.is_empty()
        && let Some(first) = all.first()
    {
        shown = cut(first, LONGEST / 2);
        left -= 1;
    }
    let mut text = format!("{head}\n{}", fenced(&shown));
    if left > 0 {
        text.push_str(&format!("\n{left} more {} in the file.", if left == 1 { "is" } else { "are" }));
    }
    let said = Said::no(text);
    if left > 0 { said.with_file("findings.txt", all.join("\n\n") + "\n") } else { said }
}

/// What members see of a reply: title, words, sources, choices.
pub(super) fn reply(reply: &Reply) -> String {
    let mut parts = Vec::new();
    if let Some(title) = &reply.title {
        parts.push(format!("**{}**", escaped(title)));
    }
    parts.extend(reply.blocks.iter().map(block));
    if !reply.sources.is_empty() {
        let lines = reply.sources.iter().map(|(number, source)| format!("[{number}] {}", runs(source)));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    if !reply.choices.is_empty() {
        let lines = reply.choices.iter().enumerate().map(|(at, offer)| {
            let tick = match offer.ticked {
                Some(true) => "☑ ",
                Some(false) => "☐ ",
                None => "",
            };
            let to = offer.to.as_ref().map_or(String::new(), |to| format!(" → `{}#{}`", to.guide, to.step));
            format!("{}. {tick}{}{to}", at + 1, escaped(&offer.label))
        });
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn block(block: &Block) -> String {
    let list = |items: &[Vec<Run>], mark: fn(usize) -> String| {
        let lines = items.iter().enumerate().map(|(at, item)| format!("{}{}", mark(at), runs(item)));
        lines.collect::<Vec<_>>().join("\n")
    };
    match block {
        Block::Paragraph(words) => runs(words),
        Block::Bullets(items) => list(items, |_| "- ".to_owned()),
        Block::Numbers(items) => list(items, |at| format!("{}. ", at + 1)),
        Block::Resources => String::new(),
    }
}

fn runs(runs: &[Run]) -> String {
    let mut text = String::new();
    for run in runs {
        match run {
            Run::Text { text: words, emphasis, strong, link } => {
                let mark = match (strong, emphasis) {
                    (true, true) => "***",
                    (true, false) => "**",
                    (false, true) => "*",
                    (false, false) => "",
                };
                let inner = words.trim();
                // Marks don't work around blanks.
                let (lead, trail) =
                    (&words[..words.len() - words.trim_start().len()], &words[words.trim_end().len()..]);
                let shown = if inner.is_empty() {
                    words.clone()
                } else {
                    format!("{lead}{mark}{}{mark}{trail}", escaped(inner))
                };
                text.push_str(&shown);
                if let Some(link) = link.as_ref().filter(|link| !words.contains(&***link)) {
                    text.push_str(&format!(" (<{link}>)"));
                }
            }
            Run::Source(number) => text.push_str(&format!("[{number}]")),
            Run::Break => text.push('\n'),
        }
    }
    text
}

/// Words in which nothing is Markdown. Web addresses stay whole.
fn escaped(words: &str) -> String {
    let mut text = String::new();
    for (at, word) in words.split(' ').enumerate() {
        if at > 0 {
            text.push(' ');
        }
        if word.contains("://") {
            text += word;
            continue;
        }
        for c in word.chars() {
            if matches!(c, '*' | '_' | '`' | '~' | '|' | '\\' | '>' | '#') {
                text.push('\\');
            }
            text.push(c);
        }
    }
    text
}

/// A number of things, with an s where there is not one.
pub(super) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_for_a_message_goes_into_a_file_whole() {
        let long = "A line of words.\n".repeat(300);
        let said = Said::yes(format!("```\n{long}```"));
        assert!(said.text.chars().count() <= LONGEST);
        assert_eq!(said.text.matches("```").count(), 2, "the block is closed");
        assert!(said.file.expect("a file").text.contains(&long));
        assert_eq!(Said::yes("short").file, None);
    }

    #[test]
    fn several_answers_are_one_that_is_done_where_all_are() {
        let both = Said::together(vec![Said::yes("one").about("a"), Said::no("two").about("b")]);
        assert_eq!((both.text.as_str(), both.done), ("**a**\none\n\n**b**\ntwo", false));
        let long = Said::together(vec![Said::yes("A line of words.\n".repeat(80)); 3]);
        assert!(long.done && long.text.chars().count() <= LONGEST && long.file.is_some());
        assert!(!Said::together(Vec::new()).done);
    }

    #[test]
    fn words_of_somebody_else_can_break_out_of_nothing() {
        assert_eq!(code("a`b\n@everyone"), "`a'b @everyone`");
        assert_eq!(fenced("x\n```\n**y**"), "```\nx\n'''\n**y**\n```");
        assert_eq!(escaped("2*3 https://a.b/c_d"), "2\\*3 https://a.b/c_d");
    }

    #[test]
    fn many_findings_are_cut_between_two_and_all_are_in_the_file() {
        let one = Diagnostic::error("S001", "something is wrong here", "please mend it").in_file("tea/en.md");
        let said = findings("Not yet.", &vec![one.clone(); 100]);
        assert!(said.text.chars().count() <= LONGEST, "{}", said.text.chars().count());
        assert!(said.text.contains(" more are in the file"));
        assert_eq!(said.file.expect("a file").text.matches("error S001").count(), 100);
        assert_eq!(findings("Not yet.", &[one]).file, None);
    }
}
