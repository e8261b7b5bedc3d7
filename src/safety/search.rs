//! Many pieces of text looked for at once, by an Aho-Corasick automaton. Only the pieces are kept when the lists are
//! written down compiled: the automaton is made anew from them.

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};
use serde::{Deserialize, Serialize, Serializer};

/// How the automaton is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Whatever suits the number of pieces.
    Any,
    /// A table of all steps: the quickest to search with.
    Quick,
    /// For thousands of pieces: a table of all steps would take longer to make than it saves.
    Many,
}

/// What is looked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pieces {
    kind: Kind,
    texts: Vec<Box<str>>,
}

/// The search, ready.
#[derive(Deserialize)]
#[serde(try_from = "Pieces")]
pub(crate) struct Search {
    pieces: Pieces,
    automaton: AhoCorasick,
}

impl Search {
    /// Makes a search for these texts; the index of a text is the number of its pattern.
    pub fn new(kind: Kind, texts: Vec<Box<str>>) -> Result<Search, BuildError> {
        Search::try_from(Pieces { kind, texts })
    }

    /// The automaton.
    #[inline(always)]
    pub fn automaton(&self) -> &AhoCorasick {
        &self.automaton
    }

    /// Bytes on the heap, about.
    pub fn memory(&self) -> usize {
        self.automaton.memory_usage() + self.pieces.texts.iter().map(|text| text.len() + 16).sum::<usize>()
    }
}

impl TryFrom<Pieces> for Search {
    type Error = BuildError;

    fn try_from(pieces: Pieces) -> Result<Search, BuildError> {
        let mut builder = AhoCorasick::builder();
        match pieces.kind {
            Kind::Any => {}
            Kind::Quick => {
                builder.kind(Some(AhoCorasickKind::DFA)).prefilter(false);
            }
            Kind::Many => {
                builder.kind(Some(AhoCorasickKind::ContiguousNFA)).prefilter(false);
            }
        }
        let automaton = builder.build(pieces.texts.iter().map(|text| text.as_bytes()))?;
        Ok(Search { pieces, automaton })
    }
}

impl Serialize for Search {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.pieces.serialize(serializer)
    }
}
