//! The table of all rules, in order. Each rule is one file in `src/lint/rules`: prose for a moderator, a bad
//! and a good example, and, where a rule is about words, the words. The documentation, `lantern explain`, the
//! checks and the tests all come from that file.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::prose::Patterns;
use crate::diagnostic::{Severity, nearest};

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its code, such as `S006`.
    pub code: &'static str,
    text: &'static str,
}

macro_rules! rules {
    ($($code:literal)*) => {
        /// All rules, in order: structure, care, language, translation, resources, phrases, transcripts,
        /// settings.
        pub const RULES: &[Rule] = &[
            $(Rule { code: $code, text: include_str!(concat!("rules/", $code, ".md")) }),*
        ];
    };
}

rules! {
    "S001" "S002" "S003" "S004" "S005" "S006" "S007" "S008" "S009" "S010"
    "S011" "S012" "S013" "S014" "S015" "S016" "S017" "S018" "S019" "S020"
    "S101" "S102" "S103" "S104" "S105" "S106" "S107" "S108" "S109" "S110"
    "S111" "S112" "S113" "S114" "S115" "S116" "S117" "S118" "S119"
    "S201" "S202" "S203" "S204"
    "S301" "S302" "S303" "S304" "S305" "S306" "S307"
    "S401" "S402" "S403" "S404" "S405" "S406"
    "S501" "S502" "S503" "S504" "S505" "S506" "S507" "S508" "S509" "S510"
    "T001" "T002" "T003" "T004" "T005"
    "C001" "C002"
}

type Compiled = HashMap<(&'static str, String, bool), Option<Arc<Patterns>>>;

/// A file of an example: its path in the scripts folder, and its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// The path, with `/` between folders.
    pub path: &'static str,
    /// The whole file.
    pub text: &'static str,
}

impl Rule {
    /// The rule of that code.
    pub fn find(code: &str) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.code.eq_ignore_ascii_case(code))
    }

    /// The code nearest to a mistyped one.
    pub fn near(code: &str) -> Option<&'static str> {
        nearest(&code.to_ascii_uppercase(), RULES.iter().map(|rule| rule.code))
    }

    /// What is wrong, in a few words.
    pub fn title(&self) -> &'static str {
        let line = self.text.lines().next().unwrap_or_default();
        line.split_once(": ").map_or(line, |(_, title)| title)
    }

    /// What breaking it costs.
    pub fn severity(&self) -> Severity {
        match self.text.lines().nth(2) {
            Some("*Warning.*") => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// The whole file: Markdown, for people.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The files of the example under the heading `Bad`.
    pub fn bad(&self) -> Vec<Example> {
        self.examples("Bad")
    }

    /// The files of the example under the heading `Good`.
    pub fn good(&self) -> Vec<Example> {
        self.examples("Good")
    }

    fn section(&self, heading: &str) -> &'static str {
        let start = self.text.find(&format!("\n## {heading}\n")).map_or(self.text.len(), |at| at + 1);
        let section = &self.text[start..];
        // A guide has headings of the same kind: the end is the next one outside a block.
        let mut inside = false;
        let mut at = 0;
        for line in section.split_inclusive('\n') {
            inside ^= line.starts_with("````");
            if at > 0 && !inside && line.starts_with("## ") {
                break;
            }
            at += line.len();
        }
        &section[..at]
    }

    fn examples(&self, heading: &str) -> Vec<Example> {
        fences(self.section(heading))
    }

    /// The words that the rule looks for in a language, or those that it lets pass; none where it has none.
    pub(super) fn words(&self, language: &str, but_not: bool) -> Option<Arc<Patterns>> {
        // Compiled once for all pages and all checks.
        static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);
        let key = (self.code, language.to_owned(), but_not);
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.entry(key).or_insert_with(|| self.compile(language, but_not)).clone()
    }

    fn compile(&self, language: &str, but_not: bool) -> Option<Arc<Patterns>> {
        let head = if but_not { format!("- {language}, but not: ") } else { format!("- {language}: ") };
        let lines = self.section("Words").lines();
        let lists: Vec<&str> = lines.filter_map(|line| line.strip_prefix(head.as_str())).collect();
        (!lists.is_empty()).then(|| Arc::new(Patterns::new(&lists.join(";"))))
    }
}

/// The fenced blocks of a Markdown text that name a file, as in ```` ````markdown tea/en.md ````.
pub fn fences(text: &'static str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("````") {
        let Some((info, body)) = rest[start + 4..].split_once('\n') else { break };
        let Some(end) = body.find("````") else { break };
        if let Some((_, path)) = info.split_once(' ') {
            examples.push(Example { path: path.trim(), text: &body[..end] });
        }
        rest = &body[end + 4..];
    }
    examples
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_every_file_names_its_own_code() {
        assert!(RULES.windows(2).all(|pair| {
            let group = |code: &'static str| ("STC".find(&code[..1]), &code[1..]);
            group(pair[0].code) < group(pair[1].code)
        }));
        for rule in RULES {
            assert!(rule.text.starts_with(&format!("# {}: ", rule.code)), "{}", rule.code);
            let third = rule.text.lines().nth(2).unwrap_or_default();
            assert!(matches!(third, "*Error.*" | "*Warning.*"), "{} says {third:?}", rule.code);
        }
    }

    #[test]
    fn a_mistyped_code_is_hinted_at() {
        assert_eq!(Rule::find("s006").map(|rule| rule.code), Some("S006"));
        assert!(Rule::find("S999").is_none());
        assert_eq!(Rule::near("S06"), Some("S006"));
    }
}
