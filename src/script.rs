//! What a guide is: a page of steps, each with words and choices, and nothing else.
//!
//! There are no variables, conditions or code: the place in the graph is the whole state. A [`Guide`]
//! can't be built except by reading one (see [`read`]), so whoever holds one holds a sound one.

pub mod compare;
pub mod draw;
pub mod graph;
pub mod read;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use read::read;

/// The id of the crisis page, whose steps the program shows by itself.
pub const CRISIS: &str = "crisis";

/// The steps that a command leads to, whatever the choices say.
pub const COMMANDED: &[&str] = &["topics", "notes"];

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the name as it is written.
            pub fn new(name: &str) -> Self {
                $name(name.into())
            }

            /// The name as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// A guide's id: the name of its folder, such as `ketamine`.
    GuideId
}
name! {
    /// A step's id: the slug of its heading as GitHub makes it, such as `what-have-you-tried`.
    StepId
}
name! {
    /// A language as BCP 47 writes it, such as `en` or `pt-BR`.
    Language
}

impl Language {
    /// Whether a word has the form of a language code: two or three letters, then an optional region or
    /// script (`en`, `pt-BR`, `hi-Latn`).
    pub fn is_code(word: &str) -> bool {
        let mut parts = word.split('-');
        let first = parts.next().unwrap_or("");
        (2..=3).contains(&first.len())
            && first.bytes().all(|b| b.is_ascii_lowercase())
            && parts
                .all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
    }

    /// The language without its region: `pt` of `pt-BR`.
    pub fn base(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }
}

/// Which text of a guide this is: the first eight bytes of the SHA-256 of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Revision([u8; 8]);

impl Revision {
    /// The revision of a file's text.
    pub fn of(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Revision(first)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A stretch of text in one style. Flat on purpose: a strict subset of Markdown nests nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// Words.
    Text {
        /// The words themselves.
        text: String,
        /// `*so*`
        emphasis: bool,
        /// `**so**`
        strong: bool,
        /// The web address that the words link to.
        link: Option<Arc<str>>,
    },
    /// A footnote: the number of the source, from 1.
    Source(usize),
    /// A line break that the author asked for.
    Break,
}

impl Run {
    /// Words without style.
    pub fn plain(text: impl Into<String>) -> Self {
        Run::Text { text: text.into(), emphasis: false, strong: false, link: None }
    }

    /// Words that must not be overlooked.
    pub fn strong(text: impl Into<String>) -> Self {
        Run::Text { text: text.into(), emphasis: false, strong: true, link: None }
    }
}

/// One block of what a step says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Paragraph(Vec<Run>),
    /// A list with bullets, an item each.
    Bullets(Vec<Vec<Run>>),
    /// A numbered list, an item each, from 1.
    Numbers(Vec<Vec<Run>>),
    /// `(resources)`: here the program puts whom to contact. Only in the crisis page.
    Resources,
}

impl Block {
    /// A paragraph without style.
    pub fn text(text: impl Into<String>) -> Self {
        Block::Paragraph(vec![Run::plain(text)])
    }

    /// All runs of the block, item after item.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        let (paragraph, items): (&[Run], &[Vec<Run>]) = match self {
            Block::Paragraph(runs) => (runs, &[]),
            Block::Bullets(items) | Block::Numbers(items) => (&[], items),
            Block::Resources => (&[], &[]),
        };
        paragraph.iter().chain(items.iter().flatten())
    }

    /// The text without style: bullets are `- `, footnotes `[1]`, web links `words (address)`.
    pub fn plain(&self) -> String {
        let item = |runs: &[Run]| {
            let mut text = String::new();
            for run in runs {
                match run {
                    Run::Text { text: words, link, .. } => {
                        text.push_str(words);
                        if let Some(link) = link.as_ref().filter(|link| !words.contains(&***link)) {
                            text.push_str(&format!(" ({link})"));
                        }
                    }
                    Run::Source(number) => text.push_str(&format!("[{number}]")),
                    Run::Break => text.push('\n'),
                }
            }
            text
        };
        let list = |items: &[Vec<Run>], mark: fn(usize) -> String| {
            let lines: Vec<String> =
                items.iter().enumerate().map(|(at, runs)| format!("{}{}", mark(at), item(runs))).collect();
            lines.join("\n")
        };
        match self {
            Block::Paragraph(runs) => item(runs),
            Block::Bullets(items) => list(items, |_| "- ".to_owned()),
            Block::Numbers(items) => list(items, |at| format!("{}. ", at + 1)),
            Block::Resources => String::new(),
        }
    }

    /// The words without style or footnotes: items end with a line break.
    pub fn words(&self) -> String {
        let mut words = String::new();
        match self {
            Block::Paragraph(runs) => push_words(&mut words, runs),
            Block::Bullets(items) | Block::Numbers(items) => {
                for item in items {
                    push_words(&mut words, item);
                    words.push('\n');
                }
            }
            Block::Resources => {}
        }
        words
    }
}

fn push_words(words: &mut String, runs: &[Run]) {
    for run in runs {
        match run {
            Run::Text { text, .. } => words.push_str(text),
            Run::Source(_) => {}
            Run::Break => words.push('\n'),
        }
    }
}

/// Where a choice leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A step of the same guide, by its position in [`Guide::steps`].
    Step(usize),
    /// Another guide, at a step or at its beginning.
    Guide(GuideId, Option<StepId>),
    /// The crisis page, at a step or at its beginning.
    Crisis(Option<StepId>),
}

/// Tells a choice apart from its neighbours through edits of the page: a hash of its words, so that
/// nothing but the guide's own text stands behind it and a choice that moves keeps its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChoiceId(u32);

impl ChoiceId {
    /// FNV-1a, 32 bits (Fowler, Noll, Vo; `draft-eastlake-fnv`): stable across builds and machines.
    pub fn of(label: &str) -> Self {
        ChoiceId(
            label.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)),
        )
    }

    /// The name as a number, to be carried by a button of a platform.
    pub fn to_bits(self) -> u32 {
        self.0
    }

    /// The name that [`to_bits`](ChoiceId::to_bits) gave.
    pub fn from_bits(bits: u32) -> Self {
        ChoiceId(bits)
    }
}

/// One thing that a person can choose at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name through edits.
    pub id: ChoiceId,
    /// The words on it; at most 80 characters.
    pub label: String,
    /// Where it leads.
    pub target: Target,
    /// The line that it adds to the take-away notes.
    pub note: Option<String>,
    /// Where it stands in the file, in bytes.
    pub range: Range<usize>,
}

/// One step of a guide: what it says and what can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// Its heading.
    pub title: String,
    /// What it says.
    pub says: Vec<Block>,
    /// What can be chosen; none at an end.
    pub choices: Vec<Choice>,
    /// Where its heading stands in the file, in bytes.
    pub range: Range<usize>,
}

impl Step {
    /// Whether the guide ends here.
    pub fn is_end(&self) -> bool {
        self.choices.is_empty()
    }

    /// The choice of that name.
    pub fn choice(&self, id: ChoiceId) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.id == id)
    }
}

/// A source that a footnote names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footnote {
    /// Its label in the file.
    pub label: String,
    /// What it says.
    pub text: Vec<Run>,
    /// Where it stands in the file, in bytes.
    pub range: Range<usize>,
}

/// A guide in one language: read, sound and unchangeable.
#[derive(Debug, Clone)]
pub struct Guide {
    id: GuideId,
    language: Language,
    reviewed: Option<bool>,
    revision: Revision,
    path: Arc<str>,
    text: Arc<str>,
    steps: Vec<Step>,
    sources: Vec<Footnote>,
    index: HashMap<StepId, usize>,
}

impl Guide {
    /// Its id.
    pub fn id(&self) -> &GuideId {
        &self.id
    }

    /// Its language.
    pub fn language(&self) -> &Language {
        &self.language
    }

    /// Whether a native speaker has reviewed this translation; nothing where the page doesn't say.
    pub fn reviewed(&self) -> Option<bool> {
        self.reviewed
    }

    /// Which text of it this is.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The file that it was read from, below the scripts folder.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its title: the heading of the first step.
    pub fn title(&self) -> &str {
        &self.steps[0].title
    }

    /// All steps in the order of the file; at least one, the first is where it begins.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Its sources in the order of their first mention: footnote 1 is the first.
    pub fn sources(&self) -> &[Footnote] {
        &self.sources
    }

    /// Where a step stands in [`steps`](Guide::steps).
    pub fn position(&self, step: &str) -> Option<usize> {
        self.index.get(step).copied()
    }

    /// Where the text of a step stands in the file, from its heading to the next, in bytes.
    pub fn extent(&self, at: usize) -> Range<usize> {
        let from = self.steps[at].range.start;
        let next = self.steps.get(at + 1).map_or(self.text.len(), |next| next.range.start);
        // Footnotes stand at the end of the file and belong to no step.
        let notes = self.sources.iter().map(|note| note.range.start).filter(|&note| note > from).min();
        from..notes.map_or(next, |notes| notes.min(next))
    }

    /// The step of that id.
    pub fn step(&self, step: &str) -> Option<&Step> {
        self.position(step).map(|at| &self.steps[at])
    }
}

/// The id that a heading gets: its slug as GitHub makes it. Letters of any script, digits, `-` and `_`
/// stay, in lower case; spaces become `-`; all else is dropped.
/// Source: github.com/gjtorikian/html-pipeline, `TableOfContentsFilter` (`PUNCTUATION_REGEXP`).
pub fn slug(heading: &str) -> String {
    heading
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_gets_the_id_that_github_gives_it() {
        assert_eq!(slug("What have you tried?"), "what-have-you-tried");
        assert_eq!(slug("ECT, TMS & more"), "ect-tms--more");
        assert_eq!(slug("Über_uns — heute"), "über_uns--heute");
    }

    #[test]
    fn language_codes_are_told_from_other_words() {
        for code in ["en", "pt-BR", "hi-Latn", "fil"] {
            assert!(Language::is_code(code), "{code}");
        }
        for word in ["", "english", "EN", "e", "en_US", "en-"] {
            assert!(!Language::is_code(word), "{word}");
        }
    }
}
