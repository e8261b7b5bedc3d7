//! The notation of phrases, and matching them against tokens.
//!
//! `a|b` one of several words · `(a b|c)` one of several phrases · `[a b|c]` likewise, or nothing · `word*` any
//! word that begins so · `{name}` one of the
//! phrases of a named group · `...` up to three words, none of which turns the phrase round (`...6`: up to six)
//! · `^` the beginning and `$` the end of a sentence. Fillers ("really", "just") and pauses may stand anywhere.

use std::collections::{BTreeMap, HashMap};

use super::fold::{Sort, Token};

/// The number of a word, or of a beginning of words.
pub(super) type WordId = u32;

/// How many words `...` skips at most.
const GAP: u8 = 3;
/// How deep groups may name groups.
const DEEPEST: usize = 6;

/// One piece of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// One of these words.
    One(Vec<WordId>),
    /// One of these phrases; an empty one stands for nothing.
    Any(Vec<Vec<Node>>),
    /// Up to so many words.
    Gap(u8),
    /// The beginning of a sentence.
    Start,
    /// The end of a sentence.
    End,
}

/// Numbers for words, and for beginnings of words.
#[derive(Debug, Default)]
pub(super) struct Words {
    exact: HashMap<Box<str>, WordId>,
    /// By length, so that a token asks once for each length that there is.
    prefixes: BTreeMap<usize, HashMap<Box<str>, WordId>>,
    count: WordId,
}

impl Words {
    /// The number of `word`, or of `word*`.
    pub fn number(&mut self, word: &str) -> WordId {
        let next = self.count;
        let id = match word.strip_suffix('*') {
            Some(prefix) => {
                *self.prefixes.entry(prefix.len()).or_default().entry(prefix.into()).or_insert(next)
            }
            None => *self.exact.entry(word.into()).or_insert(next),
        };
        self.count = self.count.max(id + 1);
        id
    }

    /// All numbers that a word has.
    pub fn numbers(&self, word: &str) -> Vec<WordId> {
        let exact = self.exact.get(word).copied();
        let prefixes =
            self.prefixes.iter().filter_map(|(length, known)| known.get(word.get(..*length)?).copied());
        exact.into_iter().chain(prefixes).collect()
    }

    /// Tells every number with its word; beginnings end with `*`.
    pub fn each(&self, mut tell: impl FnMut(WordId, String)) {
        self.exact.iter().for_each(|(word, id)| tell(*id, word.to_string()));
        self.prefixes.values().flatten().for_each(|(prefix, id)| tell(*id, format!("{prefix}*")));
    }

    pub fn count(&self) -> usize {
        self.count as usize
    }
}

/// A token with the numbers of its word.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub token: Token,
    pub ids: Vec<WordId>,
    /// It may stand anywhere inside a phrase.
    pub filler: bool,
    /// It turns a phrase round: `...` doesn't skip it.
    pub turns: bool,
}

impl Read {
    fn is(&self, wanted: &[WordId]) -> bool {
        self.ids.iter().any(|id| wanted.contains(id))
    }
}

/// A compiler for the phrases of one file.
pub(super) struct Compiler<'a> {
    pub words: &'a mut Words,
    pub groups: &'a BTreeMap<String, Vec<String>>,
    /// Told of every word as it is written.
    pub seen: &'a mut dyn FnMut(&str),
}

impl Compiler<'_> {
    /// Turns a phrase into nodes.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in a sentence.
    pub fn phrase(&mut self, text: &str, depth: usize) -> Result<Vec<Node>, String> {
        if depth > DEEPEST {
            return Err("the groups name each other in a circle".to_owned());
        }
        let mut nodes = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let open = rest.chars().next().filter(|c| matches!(c, '[' | '('));
            if let Some(open) = open {
                let (options, behind) = bracket(rest).ok_or_else(|| format!("a {open} is never closed"))?;
                let mut phrases = Vec::new();
                for phrase in options {
                    phrases.push(self.phrase(phrase, depth + 1)?);
                }
                if open == '[' {
                    phrases.push(Vec::new());
                }
                nodes.push(Node::Any(phrases));
                rest = behind.trim_start();
            } else {
                let piece;
                (piece, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                rest = rest.trim_start();
                nodes.append(&mut self.piece(piece, depth)?);
            }
        }
        if nodes.is_empty() { Err("this phrase is empty".to_owned()) } else { Ok(nodes) }
    }

    fn piece(&mut self, piece: &str, depth: usize) -> Result<Vec<Node>, String> {
        match piece {
            "^" => return Ok(vec![Node::Start]),
            "$" => return Ok(vec![Node::End]),
            _ => {}
        }
        if let Some(most) = piece.strip_prefix("...") {
            let most = if most.is_empty() {
                GAP
            } else {
                most.parse().map_err(|_| format!("\"{piece}\" is not a gap; write ... or ...6"))?
            };
            return Ok(vec![Node::Gap(most.min(12))]);
        }
        let mut words = Vec::new();
        let mut phrases: Vec<Vec<Node>> = Vec::new();
        for option in piece.split('|') {
            match option.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) => {
                    let groups = self.groups;
                    let group = groups.get(name).ok_or_else(|| {
                        let near = crate::diagnostic::nearest(name, groups.keys().map(String::as_str));
                        let hint = near.map_or(String::new(), |near| format!("; did you mean {{{near}}}?"));
                        format!("there is no group {{{name}}}{hint}")
                    })?;
                    for phrase in group {
                        phrases.push(self.phrase(phrase, depth + 1)?);
                    }
                }
                None => self.word(option, &mut words, &mut phrases)?,
            }
        }
        if phrases.is_empty() {
            return Ok(vec![Node::One(words)]);
        }
        // Single words of groups are one set, which is quicker than one phrase each.
        let mut longer = Vec::new();
        for phrase in phrases {
            match <[Node; 1]>::try_from(phrase) {
                Ok([Node::One(mut ids)]) => words.append(&mut ids),
                Ok([other]) => longer.push(vec![other]),
                Err(phrase) => longer.push(phrase),
            }
        }
        if longer.is_empty() {
            return Ok(vec![Node::One(words)]);
        }
        if !words.is_empty() {
            longer.insert(0, vec![Node::One(words)]);
        }
        Ok(vec![Node::Any(longer)])
    }

    fn word(
        &mut self,
        word: &str,
        words: &mut Vec<WordId>,
        phrases: &mut Vec<Vec<Node>>,
    ) -> Result<(), String> {
        let bare = word.strip_suffix('*').unwrap_or(word);
        let plain = crate::wording::plain(bare);
        if bare.is_empty()
            || plain.is_empty()
            || plain.contains(' ')
            || bare.contains(['[', ']', '{', '}', '*', '^', '$'])
        {
            return Err(format!("\"{word}\" is not a word; write words with single blanks between them"));
        }
        // Scripts without blanks are matched letter by letter, however they are spaced.
        let known = super::fold::Vocabulary::default();
        let parts = super::fold::tokens(bare, &known);
        if parts.len() > 1 {
            let nodes = parts.iter().map(|part| {
                (self.seen)(&part.text);
                Node::One(vec![self.words.number(&part.text)])
            });
            phrases.push(nodes.collect());
            return Ok(());
        }
        let text = parts.into_iter().next().map_or(plain, |part| part.text);
        let text = if word.ends_with('*') { text + "*" } else { text };
        (self.seen)(&text);
        words.push(self.words.number(&text));
        Ok(())
    }
}

/// The options of the bracket that `text` begins with, and what stands behind it.
fn bracket(text: &str) -> Option<(Vec<&str>, &str)> {
    let (mut depth, mut from, mut options) = (0, 1, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            '|' if depth == 1 => {
                options.push(&text[from..at]);
                from = at + 1;
            }
            ')' | ']' => {
                depth -= 1;
                if depth == 0 {
                    options.push(&text[from..at]);
                    return Some((options, text[at + 1..].trim_start()));
                }
            }
            _ => {}
        }
    }
    None
}

/// The words that a phrase can begin with; none where it can begin with any.
pub(super) fn firsts(nodes: &[Node]) -> Option<Vec<WordId>> {
    let mut all = Vec::new();
    for node in nodes {
        match node {
            Node::Start => continue,
            Node::One(ids) => {
                all.extend(ids);
                return Some(all);
            }
            Node::Any(phrases) => {
                let mut may_be_missing = false;
                for phrase in phrases {
                    if phrase.is_empty() {
                        may_be_missing = true;
                    } else {
                        all.extend(firsts(phrase)?);
                    }
                }
                if !may_be_missing {
                    return Some(all);
                }
            }
            Node::Gap(_) | Node::End => return None,
        }
    }
    None
}

/// Every set of words of which one must be there for the phrase to match.
pub(super) fn needed<'n>(nodes: &'n [Node], out: &mut Vec<Vec<WordId>>) {
    for node in nodes {
        match node {
            Node::One(ids) => out.push(ids.clone()),
            Node::Any(phrases) if phrases.iter().all(|phrase| !phrase.is_empty()) => {
                // One word of each alternative is enough to ask for.
                let mut any: Vec<WordId> = Vec::new();
                for phrase in phrases {
                    let mut inner = Vec::new();
                    needed(phrase, &mut inner);
                    match inner.into_iter().next() {
                        Some(ids) => any.extend(ids),
                        None => return,
                    }
                }
                out.push(any);
            }
            _ => {}
        }
    }
}

/// What remains to be matched behind the phrase at hand.
struct Rest<'a> {
    nodes: &'a [Node],
    next: Option<&'a Rest<'a>>,
}

/// Matches a phrase from token `at` on. Gives the token behind its end.
pub(super) fn matches(nodes: &[Node], tokens: &[Read], at: usize) -> Option<usize> {
    step(nodes, tokens, at, at, None)
}

fn step(nodes: &[Node], tokens: &[Read], from: usize, at: usize, rest: Option<&Rest<'_>>) -> Option<usize> {
    let Some((node, nodes)) = nodes.split_first() else {
        return match rest {
            Some(Rest { nodes, next }) => step(nodes, tokens, from, at, *next),
            None => Some(at),
        };
    };
    match node {
        Node::One(ids) => {
            let mut here = at;
            loop {
                let token = tokens.get(here)?;
                if token.token.sort == Sort::Word && token.is(ids) {
                    if let Some(end) = step(nodes, tokens, from, here + 1, rest) {
                        return Some(end);
                    }
                }
                // Fillers and pauses may stand between two words of a phrase, not before the first.
                let skip = here > from && (token.filler || token.token.sort == Sort::Pause) && here - at < 4;
                if !skip {
                    return None;
                }
                here += 1;
            }
        }
        Node::Any(phrases) => {
            let rest = Rest { nodes, next: rest };
            phrases.iter().find_map(|phrase| step(phrase, tokens, from, at, Some(&rest)))
        }
        Node::Gap(most) => {
            let mut here = at;
            let mut skipped = 0;
            loop {
                if let Some(end) = step(nodes, tokens, from, here, rest) {
                    return Some(end);
                }
                let token = tokens.get(here)?;
                if token.token.sort == Sort::Stop || token.turns {
                    return None;
                }
                if token.token.sort == Sort::Word && !token.filler {
                    skipped += 1;
                }
                if skipped > *most || here - at > usize::from(*most) + 6 {
                    return None;
                }
                here += 1;
            }
        }
        Node::Start => (at == 0 || tokens[at - 1].token.sort != Sort::Word)
            .then(|| step(nodes, tokens, from, at, rest))
            .flatten(),
        Node::End => tokens
            .get(at)
            .is_none_or(|token| token.token.sort != Sort::Word)
            .then(|| step(nodes, tokens, from, at, rest))
            .flatten(),
    }
}
