//! Some pieces of text looked for at once, by an Aho-Corasick automaton. Only the pieces are kept when the lists are
//! written down compiled: the automaton is made anew from them.

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};
use serde::{Deserialize, Serialize, Serializer};

/// The search, ready.
#[derive(Deserialize)]
#[serde(try_from = "Vec<Box<str>>")]
pub(crate) struct Search {
    pieces: Vec<Box<str>>,
    automaton: AhoCorasick,
}

impl Search {
    /// The automaton.
    #[inline(always)]
    pub fn automaton(&self) -> &AhoCorasick {
        &self.automaton
    }

    /// Bytes on the heap, about.
    pub fn memory(&self) -> usize {
        self.automaton.memory_usage() + self.pieces.iter().map(|text| text.len() + 16).sum::<usize>()
    }
}

impl TryFrom<Vec<Box<str>>> for Search {
    type Error = BuildError;

    fn try_from(pieces: Vec<Box<str>>) -> Result<Search, BuildError> {
        // A table of all steps is the quickest to search with, and there are few pieces.
        let mut builder = AhoCorasick::builder();
        builder.kind(Some(AhoCorasickKind::DFA)).prefilter(false);
        let automaton = builder.build(pieces.iter().map(|text| text.as_bytes()))?;
        Ok(Search { pieces, automaton })
    }
}

impl Serialize for Search {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.pieces.serialize(serializer)
    }
}
