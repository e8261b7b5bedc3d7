//! Phrase lists -> rules and contexts, ready to match. The files are the moderators': `scripts/phrases/<language>.toml`.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::fold::Vocabulary;
use super::pattern::{Compiler, Node, WordId, Words, firsts, needed};
use super::{Level, Who};
use crate::diagnostic::{Diagnostic, Source, nearest};

/// A file that isn't TOML of the right form.
pub(super) const UNREADABLE: &str = "S501";
/// A phrase that can't be read.
const PHRASE: &str = "S502";
/// Two rules of one id.
const TWICE: &str = "S503";

/// Where a context has to stand to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reach {
    /// Right before what was found.
    Before,
    /// Right behind it.
    After,
    /// Over it, at least in part.
    Over,
    /// In the same sentence.
    Sentence,
    /// Anywhere in the message, at most sixty words away.
    Near,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fillers: Vec<String>,
    #[serde(default)]
    negations: Vec<String>,
    #[serde(default)]
    common: Vec<String>,
    #[serde(default)]
    joined: Vec<String>,
    #[serde(default)]
    words: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    rule: Vec<Spanned<RuleEntry>>,
    #[serde(default)]
    context: Vec<Spanned<ContextEntry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    id: Spanned<String>,
    #[allow(dead_code, reason = "for readers of the file, and required of its writers")]
    about: String,
    level: Level,
    who: Option<Who>,
    phrases: Vec<Spanned<String>>,
    #[serde(default)]
    examples: Vec<Spanned<String>>,
    #[serde(default)]
    traps: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextEntry {
    id: Spanned<String>,
    #[allow(dead_code, reason = "for readers of the file, and required of its writers")]
    about: String,
    reach: Reach,
    becomes: Option<Level>,
    who: Option<Who>,
    #[serde(default)]
    rules: Vec<Spanned<String>>,
    phrases: Vec<Spanned<String>>,
}

/// A rule, ready to match.
#[derive(Debug)]
pub(super) struct Rule {
    pub id: super::RuleId,
    pub level: Level,
    pub who: Option<Who>,
}

/// A context, ready to match.
#[derive(Debug)]
pub(super) struct Context {
    pub id: super::RuleId,
    pub reach: Reach,
    pub becomes: Option<Level>,
    pub who: Option<Who>,
    /// The rules that it speaks of, by position; all where it names none.
    pub rules: Option<HashSet<usize>>,
}

/// Of which rule or context a phrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Rule(usize),
    Context(usize),
}

/// A phrase, ready to match.
#[derive(Debug)]
pub(super) struct Phrase {
    pub of: Of,
    pub nodes: Vec<Node>,
}

/// A text that a file says must or must not be found.
#[derive(Debug)]
pub(super) struct Sample {
    pub rule: usize,
    pub text: String,
    /// Whether it must be found, at the rule's level.
    pub hit: bool,
    pub path: String,
    pub range: Range<usize>,
}

/// All files together.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub words: Words,
    pub vocabulary: Vocabulary,
    pub fillers: HashSet<WordId>,
    pub turning: HashSet<WordId>,
    pub rules: Vec<Rule>,
    pub contexts: Vec<Context>,
    pub phrases: Vec<Phrase>,
    pub samples: Vec<Sample>,
    /// Words one of which every phrase of a rule needs, so that a message without any is done at once.
    pub anchors: HashSet<String>,
    /// Beginnings of words, likewise.
    pub anchor_prefixes: HashSet<String>,
    /// Known words written without a blank.
    pub joined: HashSet<String>,
}

/// Reads all files. Faults are told in the order of the files and of the places in them.
pub(super) fn read(files: &[(&str, &str)]) -> Result<Lists, Vec<Diagnostic>> {
    let mut lists = Lists::default();
    let mut found = Vec::new();
    let mut spelled: Vec<String> = Vec::new();
    let mut common: HashSet<String> = HashSet::new();
    for (path, text) in files {
        let source = Source::new(path, text);
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                found.push(unreadable(&source, &error));
                continue;
            }
        };
        let language = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".toml");
        common.extend(
            file.common
                .iter()
                .chain(&file.fillers)
                .chain(&file.negations)
                .map(|word| crate::wording::plain(word)),
        );
        one(&mut lists, &source, language, file, &mut spelled, &mut found);
    }
    if !found.is_empty() {
        return Err(found);
    }
    for word in &spelled {
        let bare = word.trim_end_matches('*');
        lists.vocabulary.add(bare, bare.chars().count() >= 3 && !common.contains(bare));
    }
    anchors(&mut lists, &common);
    Ok(lists)
}

fn one(
    lists: &mut Lists,
    source: &Source<'_>,
    language: &str,
    file: File,
    spelled: &mut Vec<String>,
    found: &mut Vec<Diagnostic>,
) {
    let mut fault = |code, range: Range<usize>, what: String, help: &str| {
        found.push(Diagnostic::error(code, what, help).at(source, range));
    };
    let mut seen = |word: &str| spelled.push(word.to_owned());
    for (words, into) in [(&file.fillers, &mut lists.fillers), (&file.negations, &mut lists.turning)] {
        for word in words {
            let plain = crate::wording::plain(word);
            seen(&plain);
            into.insert(lists.words.number(&plain));
        }
    }
    lists.joined.extend(file.joined.iter().map(|word| crate::wording::plain(word)));
    let mut ids: HashSet<String> = HashSet::new();
    let mut names: Vec<String> = Vec::new();
    let first_rule = lists.rules.len();
    let mut compile =
        |lists: &mut Lists,
         of: Of,
         phrases: &[Spanned<String>],
         fault: &mut dyn FnMut(&'static str, Range<usize>, String, &str)| {
            for phrase in phrases {
                let mut compiler = Compiler { words: &mut lists.words, groups: &file.words, seen: &mut seen };
                match compiler.phrase(phrase.get_ref(), 0) {
                    Ok(nodes) if firsts(&nodes).is_some() => lists.phrases.push(Phrase { of, nodes }),
                    Ok(_) => fault(
                        PHRASE,
                        phrase.span(),
                        "a phrase can't begin with a gap".into(),
                        "please begin it with a word or a group",
                    ),
                    Err(what) => fault(
                        PHRASE,
                        phrase.span(),
                        what,
                        "please mend the phrase; the beginning of the file tells how they are written",
                    ),
                }
            }
        };
    for entry in &file.rule {
        let rule = entry.get_ref();
        if !ids.insert(rule.id.get_ref().clone()) {
            fault(
                TWICE,
                rule.id.span(),
                format!("two rules have the id \"{}\"", rule.id.get_ref()),
                "please name one of them differently",
            );
        }
        names.push(rule.id.get_ref().clone());
        let at = lists.rules.len();
        let who = if rule.level > Level::Mention { Some(rule.who.unwrap_or(Who::Oneself)) } else { rule.who };
        lists.rules.push(Rule {
            id: super::RuleId::new(&format!("{language}/{}", rule.id.get_ref())),
            level: rule.level,
            who,
        });
        compile(lists, Of::Rule(at), &rule.phrases, &mut fault);
        for (samples, hit) in [(&rule.examples, true), (&rule.traps, false)] {
            lists.samples.extend(samples.iter().map(|sample| Sample {
                rule: at,
                text: sample.get_ref().clone(),
                hit,
                path: source.path().to_owned(),
                range: sample.span(),
            }));
        }
    }
    for entry in &file.context {
        let context = entry.get_ref();
        let mut rules = HashSet::new();
        for name in &context.rules {
            match names.iter().position(|known| known == name.get_ref()) {
                Some(at) => drop(rules.insert(first_rule + at)),
                None => {
                    let near = nearest(name.get_ref(), names.iter().map(String::as_str));
                    let help = near.map_or_else(
                        || "please name a rule of this file".to_owned(),
                        |near| format!("did you mean {near}?"),
                    );
                    fault(PHRASE, name.span(), format!("there is no rule \"{}\"", name.get_ref()), &help);
                }
            }
        }
        let at = lists.contexts.len();
        lists.contexts.push(Context {
            id: super::RuleId::new(&format!("{language}/{}", context.id.get_ref())),
            reach: context.reach,
            becomes: context.becomes,
            who: context.who,
            rules: (!context.rules.is_empty()).then_some(rules),
        });
        compile(lists, Of::Context(at), &context.phrases, &mut fault);
    }
}

/// For each phrase of a rule, the set of words that is the rarest of those that it can't do without.
fn anchors(lists: &mut Lists, common: &HashSet<String>) {
    let mut spelling: Vec<Option<String>> = vec![None; lists.words.count()];
    lists.words.each(|id, word| spelling[id as usize] = Some(word));
    let cost = |ids: &[WordId]| {
        let words = ids.iter().filter_map(|id| spelling[*id as usize].as_deref());
        // A common word costs most; short ones are more often part of others.
        words
            .map(|word| if common.contains(word) { 1_000 } else { 20usize.saturating_sub(word.len()) })
            .max()
            .unwrap_or(2_000)
            + ids.len() / 8
    };
    for phrase in lists.phrases.iter().filter(|phrase| matches!(phrase.of, Of::Rule(_))) {
        let mut sets = Vec::new();
        needed(&phrase.nodes, &mut sets);
        let Some(best) = sets.iter().min_by_key(|ids| cost(ids)) else { continue };
        for word in best.iter().filter_map(|id| spelling[*id as usize].as_deref()) {
            match word.strip_suffix('*') {
                Some(prefix) => drop(lists.anchor_prefixes.insert(prefix.to_owned())),
                None => drop(lists.anchors.insert(word.to_owned())),
            }
        }
    }
}

fn unreadable(source: &Source<'_>, error: &toml::de::Error) -> Diagnostic {
    let message = error.message().lines().next().unwrap_or_default();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let near = quoted.split_first().and_then(|(wrong, known)| nearest(wrong, known.iter().copied()));
    let help = near.map_or_else(
        || "please mend this line; the rules above and below show the form".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    Diagnostic::error(UNREADABLE, message, help).at(source, error.span().unwrap_or(0..0))
}
