//! Phrase lists to one matcher: all words in one dictionary, a chart for each language, and the words
//! that wake them in one search.

mod asking;

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use self::asking::InChart;
use super::anchor::{Anchors, AnchorsBuilder, AskedOf};
use super::chart::{Chart, ChartBuilder, Element, LONGEST_ENTRY};
use super::dictionary::{Dictionary, DictionaryBuilder, NUMBER, WordId};
use super::flat;
use super::hash::FastMap;
use super::notation::{Part, Piece};
use super::phrase::{self, List, Placed};
use super::{Level, RuleId, Who};
use crate::diagnostic::{Diagnostic, Source, nearest};

/// Most entries that a list may have once it is written out.
const MOST_ENTRIES: usize = 20_000;
/// Most rows of words that a choice within a phrase is written out to.
const MOST_WRITTEN: usize = 200;

/// What a phrase belongs to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Owner {
    Rule(u16),
    Context(u16),
    Hint(u16),
}

/// A rule without its texts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RuleEntry {
    pub id: RuleId,
    pub level: Level,
    pub who: Option<Who>,
    pub beside: Option<Level>,
    pub firm: bool,
    pub certain: bool,
    pub whole: bool,
}

/// Hints that are a sign of a rule where they stand together.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Together {
    pub rule: u16,
    pub hints: Vec<u16>,
    /// Words from the first to the last, at most.
    pub within: u32,
    /// In one sentence.
    pub sentence: bool,
}

/// A context without its texts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ContextEntry {
    pub id: RuleId,
    pub to: Level,
    pub reach: Option<u32>,
    pub sentence: bool,
    pub firm: bool,
    /// Indices of rules; nothing for all.
    pub only: Option<Vec<u16>>,
}

/// A language, compiled.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Language {
    pub rules: Vec<RuleEntry>,
    pub contexts: Vec<ContextEntry>,
    pub hints: Vec<RuleId>,
    pub together: Vec<Together>,
    /// For each hint, the indices in `together` that it is part of.
    pub parts: Vec<Vec<u16>>,
    /// For each phrase of the chart.
    pub owners: Vec<Owner>,
    pub chart: Chart,
}

/// All languages, compiled.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Compiled {
    pub dictionary: Dictionary,
    pub languages: Vec<Language>,
    pub anchors: Anchors,
}

type Words = Vec<WordId>;

/// Lists that are in the chart already: named sets by their name, others by their rows.
#[derive(Default)]
struct Lists {
    named: FastMap<String, InChart>,
    other: FastMap<Rc<[Words]>, InChart>,
}

/// Lists, with the files that they were read from.
pub(crate) type Read<'a> = Vec<(Source<'a>, List)>;

/// Reads and compiles lists: for each, the path that people are shown, and the text. The lists come along, for their
/// examples and traps; those aren't tried here.
///
/// # Errors
///
/// Everything that is wrong with any of them, in order.
pub(crate) fn read<'a>(files: &[(&'a str, &'a str)]) -> Result<(Compiled, Read<'a>), Vec<Diagnostic>> {
    let mut faults = Vec::new();
    if files.len() > 64 {
        faults.push(Diagnostic::error("S509", "there are more than 64 phrase lists", "join some of them"));
        return Err(faults);
    }
    let mut lists = Read::new();
    for &(path, text) in files {
        let source = Source::new(path, text);
        let list = phrase::read(&source, &mut faults);
        lists.push((source, list));
    }
    match compile(&lists, &mut faults) {
        Some(compiled) if faults.is_empty() => Ok((compiled, lists)),
        _ => Err(faults),
    }
}

/// Writes compiled lists down, for [`kept`].
///
/// # Errors
///
/// Where they can't be written at all.
// The build script writes them, and a test.
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) fn keep(compiled: &Compiled) -> postcard::Result<Vec<u8>> {
    flat::write(compiled)
}

/// Compiled lists that were written down. Their tables stay where they are.
///
/// # Errors
///
/// Where the bytes are something else.
pub(crate) fn kept(bytes: &'static [u8]) -> postcard::Result<Compiled> {
    flat::read(bytes)
}

/// Compiles lists; what can't be goes to `faults`.
fn compile(lists: &[(Source<'_>, List)], faults: &mut Vec<Diagnostic>) -> Option<Compiled> {
    let mut dictionary = DictionaryBuilder::new();
    let mut anchors = AnchorsBuilder::default();
    let mut joined = Vec::new();
    for (_, list) in lists {
        enter(list, &mut dictionary, &mut anchors);
        joined.extend(list.joined.iter().cloned());
    }
    let mut languages = Vec::new();
    for (source, list) in lists {
        let (language, asked, mut found) = Writer::new(source, list, &dictionary).language();
        languages.push(language);
        anchors.language(asked);
        faults.append(&mut found);
    }
    let anchors = anchors.build(&dictionary);
    match dictionary.build(&joined) {
        Ok(dictionary) => Some(Compiled { dictionary, languages, anchors }),
        Err(error) => {
            let what = format!("the lists are too large: {error}");
            faults.push(Diagnostic::error("S509", what, "shorten them"));
            None
        }
    }
}

/// Enters all words of a list into the dictionary.
fn enter(list: &List, dictionary: &mut DictionaryBuilder, anchors: &mut AnchorsBuilder) {
    dictionary.enter(list.language == "en");
    for spellings in &list.rare {
        let [word, misspelt @ ..] = spellings.as_slice() else { continue };
        dictionary.add_rare(word);
        misspelt.iter().for_each(|misspelt| dictionary.add_misspelling(word, misspelt));
        anchors.rare(word, misspelt);
    }
    for spellings in &list.typed {
        let [word, mistyped @ ..] = spellings.as_slice() else { continue };
        dictionary.add_typed(word);
        mistyped.iter().for_each(|mistyped| dictionary.add_misspelling(word, mistyped));
        anchors.typed(word, mistyped);
    }
    list.glued.iter().for_each(|word| dictionary.add_glued(word));
    for word in list.fillers.iter().chain(&list.common).chain(&list.waking) {
        dictionary.intern(word);
    }
    for (before, after) in &list.contractions {
        dictionary.add_contraction(before, after);
        anchors.contraction(before, after);
    }
    list.sets.iter().for_each(|(_, set)| enter_entries(&set.value, dictionary));
    let rules = list.rules.iter().flat_map(|rule| &rule.phrases);
    let hints = list.hints.iter().flat_map(|hint| &hint.phrases);
    let contexts = list.contexts.iter().flat_map(|context| &context.phrases);
    for piece in rules.chain(hints).chain(contexts).flat_map(|phrase| &phrase.value) {
        if let Piece::Words(entries) | Piece::Maybe(entries) = piece {
            enter_entries(entries, dictionary);
        }
    }
}

fn enter_entries(entries: &[Vec<Part>], dictionary: &mut DictionaryBuilder) {
    for part in entries.iter().flatten() {
        match part {
            Part::Word(words) => words.iter().for_each(|word| {
                dictionary.intern(word);
            }),
            Part::Group(entries) | Part::Maybe(entries) => enter_entries(entries, dictionary),
            Part::Set(..) => {}
        }
    }
}

/// Writes out one language.
struct Writer<'a> {
    source: &'a Source<'a>,
    list: &'a List,
    /// Named sets, written out.
    written: HashMap<&'a str, Option<Rc<[Words]>>>,
    /// Common words, and their rank.
    ranks: FastMap<WordId, usize>,
    dictionary: &'a DictionaryBuilder,
    faults: Vec<Diagnostic>,
}

impl<'a> Writer<'a> {
    fn new(source: &'a Source<'a>, list: &'a List, dictionary: &'a DictionaryBuilder) -> Self {
        let mut ranks = FastMap::default();
        for (rank, word) in list.common.iter().chain(&list.fillers).enumerate() {
            // The first mention of a word counts.
            ranks.entry(dictionary.id(word)).or_insert(rank);
        }
        Writer { source, list, written: HashMap::new(), ranks, dictionary, faults: Vec::new() }
    }

    fn language(mut self) -> (Language, AskedOf, Vec<Diagnostic>) {
        let list = self.list;
        let mut asked = AskedOf::default();
        let mut builder = ChartBuilder::new();
        let mut owners = Vec::new();
        let mut lists = Lists::default();
        let id = |id: &Placed<String>| RuleId::new(&format!("{}/{}", list.language, id.value));
        // Every set is written out, used or not, so that a mistake in it is found.
        for (name, placed) in &list.sets {
            let _ = self.set(name, placed.at.clone(), 0);
        }
        let mut rules = Vec::new();
        for (index, rule) in list.rules.iter().enumerate() {
            rules.push(RuleEntry {
                id: id(&rule.id),
                level: rule.level,
                who: rule.who,
                beside: rule.beside,
                firm: rule.firm,
                certain: rule.certain,
                whole: rule.whole,
            });
            for phrase in &rule.phrases {
                for pieces in self.variants(&phrase.value) {
                    let Some(written) = self.phrase(&pieces, &phrase.at, &mut builder, &mut lists) else {
                        continue;
                    };
                    owners.push(Owner::Rule(index as u16));
                    // A rule that only counts beside another needs no anchor of its own.
                    if rule.beside.is_none() {
                        self.ask(written, &mut asked);
                    }
                }
            }
        }
        for word in &list.waking {
            asked.phrase(vec![Self::word(self.dictionary.id(word))]);
        }
        let (together, parts) = self.hints(&mut builder, &mut lists, &mut owners, &mut asked);
        let mut contexts = Vec::new();
        for (index, context) in list.contexts.iter().enumerate() {
            let named = |ids: &[Placed<String>], rule: &str| ids.iter().any(|id| id.value == rule);
            let defuses = |rule: &str| {
                (context.only.is_empty() || named(&context.only, rule)) && !named(&context.except, rule)
            };
            let all = context.only.is_empty() && context.except.is_empty();
            let only = list.rules.iter().enumerate().filter(|(_, rule)| defuses(&rule.id.value));
            contexts.push(ContextEntry {
                id: id(&context.id),
                to: context.to,
                reach: context.reach,
                sentence: context.sentence,
                firm: context.firm,
                only: (!all).then(|| only.map(|(index, _)| index as u16).collect()),
            });
            for phrase in &context.phrases {
                for pieces in self.variants(&phrase.value) {
                    if self.phrase(&pieces, &phrase.at, &mut builder, &mut lists).is_some() {
                        owners.push(Owner::Context(index as u16));
                    }
                }
            }
        }
        let fillers: Vec<WordId> = list.fillers.iter().map(|word| self.dictionary.id(word)).collect();
        let chart = builder.build(&fillers, self.dictionary.len());
        let hints = list.hints.iter().map(|hint| id(&hint.id)).collect();
        (Language { rules, contexts, hints, together, parts, owners, chart }, asked, self.faults)
    }

    /// Hints, and what they are where they stand together.
    fn hints(
        &mut self,
        builder: &mut ChartBuilder,
        lists: &mut Lists,
        owners: &mut Vec<Owner>,
        asked: &mut AskedOf,
    ) -> (Vec<Together>, Vec<Vec<u16>>) {
        let list = self.list;
        // For each hint, the rarest words of its phrases; nothing where one of them has none.
        let mut rarest: Vec<Option<Vec<InChart>>> = Vec::new();
        for (index, hint) in list.hints.iter().enumerate() {
            let mut all = Some(Vec::new());
            let mut phrases = Vec::new();
            for phrase in &hint.phrases {
                for pieces in self.variants(&phrase.value) {
                    let Some(written) = self.phrase(&pieces, &phrase.at, builder, lists) else { continue };
                    owners.push(Owner::Hint(index as u16));
                    phrases.push(Self::anchors(written.clone()));
                    match (&mut all, Self::sorted(written).into_iter().next()) {
                        (Some(all), Some(mut first)) => all.append(&mut first),
                        _ => all = None,
                    }
                }
            }
            if let Some(all) = &mut all {
                all.sort_by_key(|listed: &InChart| listed.number);
                all.dedup_by_key(|listed| listed.number);
            }
            rarest.push(all);
            asked.hint(phrases);
        }
        let mut together = Vec::new();
        let mut parts = vec![Vec::new(); list.hints.len()];
        for (index, rule) in list.rules.iter().enumerate() {
            for ids in &rule.together {
                let at = |id: &Placed<String>| list.hints.iter().position(|hint| hint.id.value == id.value);
                let Some(hints) = ids.iter().map(at).collect::<Option<Vec<usize>>>() else { continue };
                if rule.beside.is_none() {
                    let words = hints.iter().filter_map(|&hint| rarest[hint].clone()).collect();
                    asked.together(Self::anchors(words), &hints);
                }
                hints.iter().for_each(|&hint| parts[hint].push(together.len() as u16));
                let hints = hints.into_iter().map(|hint| hint as u16).collect();
                let (rule, within, sentence) = (index as u16, rule.within, rule.sentence);
                together.push(Together { rule, hints, within, sentence });
            }
        }
        (together, parts)
    }

    /// A phrase with its largest choices taken apart: `({want-to} {die} | suicidal) now` is two phrases,
    /// so that nobody has to write out every wish with every death.
    fn variants<'p>(&self, pieces: &'p [Piece]) -> Vec<Cow<'p, [Piece]>> {
        let large =
            |piece: &Piece| matches!(piece, Piece::Words(entries) if entries.iter().any(|e| self.large(e)));
        // Most phrases are as they are.
        if !pieces.iter().any(large) {
            return vec![Cow::Borrowed(pieces)];
        }
        let mut rows: Vec<Vec<Piece>> = vec![Vec::new()];
        for piece in pieces {
            let Piece::Words(entries) = piece else {
                rows.iter_mut().for_each(|row| row.push(piece.clone()));
                continue;
            };
            let (large, small): (Vec<_>, Vec<_>) =
                entries.iter().cloned().partition(|entry| self.large(entry));
            let mut choices: Vec<Vec<Piece>> = large
                .into_iter()
                .map(|entry| {
                    let piece = |part| match part {
                        Part::Group(entries) => Piece::Words(entries),
                        Part::Maybe(entries) => Piece::Maybe(entries),
                        part => Piece::Words(vec![vec![part]]),
                    };
                    entry.into_iter().map(piece).collect()
                })
                .collect();
            if !small.is_empty() {
                choices.push(vec![Piece::Words(small)]);
            }
            rows = rows
                .iter()
                .flat_map(|row| choices.iter().map(move |choice| row.iter().chain(choice).cloned().collect()))
                .collect();
        }
        rows.into_iter().map(Cow::Owned).collect()
    }

    /// Whether an entry is taken apart rather than written out.
    fn large(&self, entry: &[Part]) -> bool {
        let ends = [entry.first(), entry.last()];
        entry.len() > 1
            && !ends.iter().any(|part| matches!(part, Some(Part::Maybe(_)) | None))
            && self.count(entry, 0) > MOST_WRITTEN
    }

    /// How many rows of words an entry stands for, at most.
    fn count(&self, entry: &[Part], depth: usize) -> usize {
        if depth > 8 {
            return 1;
        }
        let entries = |entries: &[Vec<Part>]| entries.iter().map(|e| self.count(e, depth + 1)).sum::<usize>();
        let part = |part: &Part| match part {
            Part::Word(words) => words.len(),
            Part::Group(group) => entries(group),
            Part::Maybe(group) => entries(group) + 1,
            Part::Set(name, _) => {
                self.list.sets.iter().find(|(set, _)| set == name).map_or(1, |(_, set)| entries(&set.value))
            }
        };
        entry.iter().map(part).fold(1, usize::saturating_mul)
    }

    /// Adds a phrase; answers its mandatory elements written out, or nothing if it is faulty.
    fn phrase(
        &mut self,
        pieces: &[Piece],
        at: &std::ops::Range<usize>,
        builder: &mut ChartBuilder,
        lists: &mut Lists,
    ) -> Option<Vec<Vec<InChart>>> {
        let mut elements = Vec::new();
        let mut mandatory = Vec::new();
        for piece in pieces {
            let (entries, maybe) = match piece {
                Piece::Gap(words) => {
                    elements.push(Element::Gap(*words));
                    continue;
                }
                Piece::Words(entries) => (entries, false),
                Piece::Maybe(entries) => (entries, true),
            };
            // Named sets are in the chart once, however many phrases use them.
            let (named, other): (Vec<&Vec<Part>>, Vec<&Vec<Part>>) =
                entries.iter().partition(|entry| matches!(entry.as_slice(), [Part::Set(..)]));
            let mut listed = Vec::new();
            for entry in named {
                let [Part::Set(name, _)] = entry.as_slice() else { continue };
                let words = self.set(name, at.clone(), 0)?;
                if !lists.named.contains_key(name) {
                    lists.named.insert(name.clone(), self.listed(Rc::clone(&words), builder));
                }
                listed.push(lists.named[name].clone());
            }
            if !other.is_empty() {
                let words: Rc<[Words]> = self.entries(other, at.clone(), 0)?.into();
                if !lists.other.contains_key(&words) {
                    lists.other.insert(Rc::clone(&words), self.listed(Rc::clone(&words), builder));
                }
                listed.push(lists.other[&words].clone());
            }
            elements.push(Element::Entries { lists: listed.iter().map(|list| list.number).collect(), maybe });
            if !maybe && listed.iter().all(|list| list.rarest.is_some()) {
                mandatory.push(listed);
            }
        }
        if builder.phrase(&elements) {
            return Some(mandatory);
        }
        self.fault(
            "S504",
            at.clone(),
            "this phrase is too long",
            "a phrase has at most 64 pieces, gaps counted word by word",
        );
        None
    }

    fn fault(
        &mut self,
        code: &'static str,
        at: std::ops::Range<usize>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(Diagnostic::error(code, what, help).at(self.source, at));
    }

    fn set(&mut self, name: &str, at: std::ops::Range<usize>, depth: usize) -> Option<Rc<[Words]>> {
        if name == "number" {
            return Some(vec![vec![NUMBER]].into());
        }
        if let Some(known) = self.written.get(name) {
            return known.clone();
        }
        let Some((known, set)) = self.list.sets.iter().find(|(set, _)| set == name) else {
            let help = match nearest(name, self.list.sets.iter().map(|(set, _)| set.as_str())) {
                Some(near) => format!("did you mean {{{near}}}?"),
                None => format!("add {name} = \"…\" under [sets]"),
            };
            self.fault("S505", at, format!("there is no set {{{name}}}"), help);
            return None;
        };
        if depth > 8 {
            self.fault(
                "S509",
                set.at.clone(),
                format!("the set {{{name}}} contains itself"),
                "take it out of its own entries",
            );
            return None;
        }
        let written: Option<Rc<[Words]>> =
            self.entries(&set.value, set.at.clone(), depth + 1).map(Into::into);
        self.written.insert(known, written.clone());
        written
    }

    fn entries<'e>(
        &mut self,
        entries: impl IntoIterator<Item = &'e Vec<Part>>,
        at: std::ops::Range<usize>,
        depth: usize,
    ) -> Option<Vec<Words>> {
        let mut all = Vec::new();
        for entry in entries {
            let mut rows: Vec<Words> = vec![Vec::with_capacity(entry.len())];
            for part in entry {
                let set;
                let choices: Cow<'_, [Words]> = match part {
                    Part::Word(words) if words.len() == 1 => {
                        let word = self.dictionary.id(&words[0]);
                        rows.iter_mut().for_each(|row| row.push(word));
                        continue;
                    }
                    Part::Word(words) => words.iter().map(|word| vec![self.dictionary.id(word)]).collect(),
                    Part::Set(name, _) => {
                        set = self.set(name, at.clone(), depth)?;
                        Cow::Borrowed(&set)
                    }
                    Part::Group(entries) => self.entries(entries, at.clone(), depth)?.into(),
                    Part::Maybe(entries) => {
                        let mut choices = self.entries(entries, at.clone(), depth)?;
                        choices.push(Vec::new());
                        choices.into()
                    }
                };
                if rows.len() * choices.len() > MOST_ENTRIES {
                    self.fault(
                        "S509",
                        at,
                        "this list has too many entries once it is written out",
                        "split it, or use fewer lists within lists",
                    );
                    return None;
                }
                rows = rows
                    .iter()
                    .flat_map(|row| {
                        choices.iter().map(move |choice| row.iter().chain(choice).cloned().collect())
                    })
                    .collect();
            }
            all.append(&mut rows);
        }
        all.sort_unstable();
        all.dedup();
        if all.len() > MOST_ENTRIES {
            self.fault(
                "S509",
                at,
                "this list has too many entries once it is written out",
                "split it, or use fewer lists within lists",
            );
            return None;
        }
        if let Some(entry) = all.iter().find(|entry| entry.is_empty() || entry.len() > LONGEST_ENTRY) {
            let what = if entry.is_empty() {
                "an entry of this list may be empty"
            } else {
                "an entry of this list is too long"
            };
            self.fault("S509", at, what, format!("an entry has one to {LONGEST_ENTRY} words"));
            return None;
        }
        Some(all)
    }
}
