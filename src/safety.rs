//! `screen(text) -> Concern`, asked before anything else by every way in.
//!
//! What counts is written in `scripts/phrases/<language>.toml`: rules with phrases, and contexts that weaken
//! what a rule found or say that it is about somebody else. All languages are asked, always. Transparent on
//! purpose: [`Screener::explain`] shows the rule, the words that it read, and every context that was weighed.
//!
//! How well it recognises distress is measured, never proved.

mod fold;
mod pattern;
mod phrase;
pub mod reply;
pub mod resource;

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Source};
use fold::{Sort, Token};
use pattern::Read;
use phrase::{Lists, Of, Reach};

/// How many words away a context still speaks of what was found.
const NEAR: usize = 60;
/// A sample that isn't found, or that is found and shouldn't be.
const SAMPLE: &str = "S504";

/// How serious what was said is. Ordered: a later level is more serious.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing of the kind.
    #[default]
    None,
    /// The subject came up, and nobody seems to be at risk: denied, past, quoted, fiction, education.
    Mention,
    /// Passive or unclear: "i can't do this anymore".
    Concern,
    /// Thoughts of suicide or of hurting oneself.
    Ideation,
    /// A plan, means, a time, a goodbye, or an act under way.
    Imminent,
}

impl Level {
    /// Its name, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Mention => "mention",
            Level::Concern => "concern",
            Level::Ideation => "ideation",
            Level::Imminent => "imminent",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The person who writes.
    #[serde(rename = "self")]
    Oneself,
    /// Somebody else whom they worry about.
    Other,
}

/// The name of a rule, such as `en/wish-to-die`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct RuleId(Arc<str>);

impl RuleId {
    fn new(id: &str) -> Self {
        RuleId(id.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the screen found: the most serious thing in a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concern {
    /// How serious it is.
    pub level: Level,
    /// Whom it is about; none for a mention of nobody.
    pub who: Option<Who>,
    /// The rule that found it.
    pub rule: Option<RuleId>,
}

/// One place where a rule matched, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The rule.
    pub rule: RuleId,
    /// Its level before any context was weighed.
    pub found: Level,
    /// Its level after.
    pub level: Level,
    /// Whom it is about.
    pub who: Option<Who>,
    /// The words that it read, made plain.
    pub words: String,
    /// Where they stand in the message, in bytes.
    pub range: Range<usize>,
    /// The contexts that were weighed: their names and the words that they read.
    pub contexts: Vec<(RuleId, String)>,
}

/// Why a message was judged as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The message as it was read, spelling made plain.
    pub plain: String,
    /// Everything that rules matched, in the order of the message.
    pub hits: Vec<Hit>,
    /// The outcome.
    pub concern: Concern,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "read as: {}", self.plain)?;
        for hit in &self.hits {
            writeln!(
                f,
                "{} finds {} in \"{}\" (bytes {}-{})",
                hit.rule, hit.found, hit.words, hit.range.start, hit.range.end
            )?;
            for (context, words) in &hit.contexts {
                writeln!(f, "  {context} weighs \"{words}\"")?;
            }
            if hit.level != hit.found {
                writeln!(f, "  so it counts as {}", hit.level)?;
            }
        }
        let who = match self.concern.who {
            Some(Who::Oneself) => ", about the person who writes",
            Some(Who::Other) => ", about somebody else",
            None => "",
        };
        writeln!(f, "level: {}{who}", self.concern.level)
    }
}

/// Phrase lists of any number of languages, ready to be asked.
#[derive(Debug)]
pub struct Screener {
    lists: Lists,
    /// Which phrases begin with a word, by its number.
    by_first: Vec<Vec<u32>>,
    /// Finds words worth a closer look in skimmed text.
    matcher: AhoCorasick,
    /// Whether the match of that number must be a whole word.
    whole: Vec<bool>,
}

thread_local! {
    /// Skimmed text, kept between calls to save an allocation for each message.
    static SKIMMED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Screener {
    /// Reads phrase lists: their paths, as people are shown them, and texts. Their examples and traps are tried.
    ///
    /// # Errors
    ///
    /// All faults in the order of the files and of the places in them.
    pub fn read(files: &[(&str, &str)]) -> Result<Screener, Vec<Diagnostic>> {
        let screener = Screener::build(phrase::read(files)?);
        let mut found = Vec::new();
        for sample in &screener.lists.samples {
            let rule = &screener.lists.rules[sample.rule];
            let concern = screener.screen(&sample.text);
            let (what, help) = if sample.hit && concern.level != rule.level {
                let rule_found = concern.rule.as_ref().map_or("nothing".to_owned(), RuleId::to_string);
                let what = format!(
                    "\"{}\", an example of {}, is read as {} ({rule_found}), not as {}",
                    sample.text, rule.id, concern.level, rule.level
                );
                (what, "please add a phrase that matches it, or move the example to where it belongs")
            } else if !sample.hit && concern.level >= Level::Concern {
                let rule_found = concern.rule.as_ref().map_or(String::new(), RuleId::to_string);
                (
                    format!(
                        "\"{}\", a trap of {}, is read as {} by {rule_found}",
                        sample.text, rule.id, concern.level
                    ),
                    "please add a context that defuses it, or narrow the phrase",
                )
            } else {
                continue;
            };
            let text = files.iter().find(|(path, _)| *path == sample.path).map_or("", |(_, text)| text);
            found.push(
                Diagnostic::error(SAMPLE, what, help)
                    .at(&Source::new(&sample.path, text), sample.range.clone()),
            );
        }
        if found.is_empty() { Ok(screener) } else { Err(found) }
    }

    /// The phrase lists that the program was built with.
    pub fn builtin() -> &'static Screener {
        static BUILTIN: LazyLock<Screener> = LazyLock::new(|| {
            let read = Screener::read(&[("phrases/en.toml", include_str!("../scripts/phrases/en.toml"))]);
            // A test reads them before they are ever shipped.
            read.unwrap_or_else(|found| panic!("the built-in phrases are broken: {}", found[0]))
        });
        &BUILTIN
    }

    fn build(lists: Lists) -> Screener {
        let mut by_first: Vec<Vec<u32>> = vec![Vec::new(); lists.words.count()];
        for (at, phrase) in lists.phrases.iter().enumerate() {
            for id in pattern::firsts(&phrase.nodes).unwrap_or_default() {
                let list = &mut by_first[id as usize];
                if list.last() != Some(&(at as u32)) {
                    list.push(at as u32);
                }
            }
        }
        // Each word begins with its blank, so that "die" is not found in "soldier".
        let mut patterns: Vec<String> = lists.anchors.iter().map(|word| format!(" {word}")).collect();
        let mut whole = vec![true; patterns.len()];
        patterns.extend(lists.anchor_prefixes.iter().map(|prefix| format!(" {prefix}")));
        patterns.extend(lists.joined.iter().cloned());
        whole.resize(patterns.len(), false);
        let builder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&patterns);
        let matcher = match builder {
            Ok(matcher) => matcher,
            Err(error) => unreachable!("phrase lists are far below the matcher's limits: {error}"),
        };
        Screener { lists, by_first, matcher, whole }
    }

    /// What a message says. The time is linear in its length, whatever is in it.
    pub fn screen(&self, text: &str) -> Concern {
        let closer = SKIMMED.with_borrow_mut(|skimmed| {
            let odd = fold::skim(text.as_bytes(), skimmed);
            // One very long message must not keep its memory for ever.
            let found = odd || self.finds_anchor(skimmed);
            if skimmed.capacity() > 1 << 16 {
                *skimmed = Vec::new();
            }
            found
        });
        if closer { self.closer(text, &mut |_| {}).1 } else { Concern::default() }
    }

    /// The same, with the reasons.
    pub fn explain(&self, text: &str) -> Explanation {
        let mut hits = Vec::new();
        let (plain, concern) = self.closer(text, &mut |hit| hits.push(hit));
        hits.sort_by_key(|hit| (hit.range.start, hit.range.end));
        Explanation { plain, hits, concern }
    }

    /// The skimmed text that the matcher searches, for benchmarks.
    pub fn skimmed(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        fold::skim(text.as_bytes(), &mut out);
        out
    }

    /// One bare search of the matcher over skimmed text, for benchmarks: whether any word is worth a closer look.
    pub fn finds_anchor(&self, skimmed: &[u8]) -> bool {
        self.matcher.find_iter(skimmed).any(|hit| {
            !self.whole[hit.pattern().as_usize()] || skimmed.get(hit.end()).is_none_or(|&next| next == b' ')
        })
    }

    /// Memory of the compiled matcher, in bytes.
    pub fn memory(&self) -> usize {
        self.matcher.memory_usage()
    }

    fn closer(&self, text: &str, tell: &mut dyn FnMut(Hit)) -> (String, Concern) {
        let tokens: Vec<Read> = fold::tokens(text, &self.lists.vocabulary)
            .into_iter()
            .map(|token| {
                let ids =
                    if token.sort == Sort::Word { self.lists.words.numbers(&token.text) } else { Vec::new() };
                let filler = ids.iter().any(|id| self.lists.fillers.contains(id));
                let turns = ids.iter().any(|id| self.lists.turning.contains(id));
                Read { token, ids, filler, turns }
            })
            .collect();
        let (mut found, mut contexts) = (Vec::new(), Vec::new());
        for at in 0..tokens.len() {
            let mut tried = None;
            for &phrase in tokens[at].ids.iter().flat_map(|id| &self.by_first[*id as usize]) {
                if tried.replace(phrase) == Some(phrase) {
                    continue;
                }
                let phrase = &self.lists.phrases[phrase as usize];
                if let Some(end) = pattern::matches(&phrase.nodes, &tokens, at) {
                    match phrase.of {
                        Of::Rule(rule) => found.push((rule, at..end)),
                        Of::Context(context) => contexts.push((context, at..end)),
                    }
                }
            }
        }
        let sentences = sentences(&tokens);
        let mut worst = Concern::default();
        for (rule, span) in found {
            let hit = self.weigh(rule, span, &tokens, &sentences, &contexts);
            let better = hit.level > worst.level
                || (hit.level == worst.level
                    && worst.who == Some(Who::Other)
                    && hit.who == Some(Who::Oneself));
            if better && hit.level > Level::None {
                worst = Concern { level: hit.level, who: hit.who, rule: Some(hit.rule.clone()) };
            }
            tell(hit);
        }
        let plain: Vec<&str> = tokens
            .iter()
            .map(|read| match read.token.sort {
                Sort::Word => read.token.text.as_str(),
                Sort::Pause => ",",
                Sort::Stop => ".",
            })
            .collect();
        (plain.join(" "), worst)
    }

    /// What contexts make of one match.
    fn weigh(
        &self,
        rule: usize,
        span: Range<usize>,
        tokens: &[Read],
        sentences: &[u32],
        contexts: &[(usize, Range<usize>)],
    ) -> Hit {
        let words = |span: &Range<usize>| {
            tokens[span.clone()]
                .iter()
                .filter(|read| read.token.sort == Sort::Word)
                .map(|read| read.token.text.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let known = &self.lists.rules[rule];
        let (mut level, mut who) = (known.level, known.who);
        let mut weighed = Vec::new();
        // Contexts come in the order of the message: those out of reach on the left are skipped at once.
        let first = contexts.partition_point(|(_, at)| at.start + NEAR + 20 < span.start);
        for (context, at) in &contexts[first..] {
            if at.start > span.end + NEAR {
                break;
            }
            let context = &self.lists.contexts[*context];
            if context.rules.as_ref().is_some_and(|rules| !rules.contains(&rule))
                || !reaches(context.reach, at, &span, tokens, sentences)
            {
                continue;
            }
            if let Some(becomes) = context.becomes {
                level = level.min(becomes);
            }
            who = context.who.or(who);
            weighed.push((context.id.clone(), words(at)));
        }
        if level == Level::None {
            who = None;
        }
        let range = tokens[span.start].token.range.start..tokens[span.end - 1].token.range.end;
        Hit {
            rule: known.id.clone(),
            found: known.level,
            level,
            who,
            words: words(&span),
            range,
            contexts: weighed,
        }
    }
}

/// The number of the sentence that each token is in.
fn sentences(tokens: &[Read]) -> Vec<u32> {
    let mut number = 0;
    let number_of = |token: &Token| {
        let own = number;
        number += u32::from(token.sort == Sort::Stop);
        own
    };
    tokens.iter().map(|read| &read.token).map(number_of).collect()
}

/// Whether a context that stands at `at` speaks of what was found at `span`.
fn reaches(reach: Reach, at: &Range<usize>, span: &Range<usize>, tokens: &[Read], sentences: &[u32]) -> bool {
    let light = |between: Range<usize>| {
        between.len() < 4 && tokens[between].iter().all(|read| read.filler || read.token.sort == Sort::Pause)
    };
    match reach {
        Reach::Before => {
            at.end <= span.start
                && tokens[at.end..span.start].iter().all(|read| read.filler)
                && span.start - at.end < 4
        }
        Reach::After => span.end <= at.start && light(span.end..at.start),
        Reach::Over => at.start < span.end && span.start < at.end,
        Reach::Sentence => sentences[at.start] == sentences[span.start],
        Reach::Near => true,
    }
}
