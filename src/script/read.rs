//! Markdown -> [`Guide`], or diagnostics; never half a guide.

mod front;
mod link;
mod page;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use self::front::Front;
use self::link::{is_local, local_target};
use self::page::{Part, Piece, Text};
use super::{
    Block, COMMANDED, CRISIS, Choice, ChoiceId, Footnote, Guide, GuideId, Language, Revision, Run, Step,
    StepId, Target, slug,
};
use crate::diagnostic::{Diagnostic, Source, nearest};

/// The codes of what can be wrong with the structure of one file. What they mean is told by the rule
/// files in `src/lint/rules`.
pub(crate) mod code {
    pub const UNREADABLE: &str = "S001";
    pub const FRONT_MATTER: &str = "S002";
    pub const TITLE: &str = "S003";
    pub const FOREIGN: &str = "S004";
    pub const BROKEN_LINK: &str = "S005";
    pub const UNKNOWN_TARGET: &str = "S006";
    pub const DUPLICATE_STEP: &str = "S007";
    pub const MISSING_END: &str = "S010";
    pub const CHOICE_WORDS: &str = "S011";
    pub const TOO_MUCH: &str = "S012";
    pub const CHOICES_PLACE: &str = "S013";
    pub const FOOTNOTE: &str = "S014";
    pub const MARKER: &str = "S015";
    pub const WEB_LINK: &str = "S016";
    pub const OUTSIDE: &str = "S019";
}

/// The most that platforms can show: Discord's select menu has 25 options, a button 80 characters, a
/// message 2,000 characters (discord-api-docs, snapshot of 2026-08-06).
pub const MOST_CHOICES: usize = 25;
/// The longest label, in characters.
pub const LONGEST_LABEL: usize = 80;
/// The longest step, in characters as rendered.
pub const LONGEST_STEP: usize = 2_000;
/// The longest file, in bytes: far above any guide that a person would write.
pub const LONGEST_FILE: usize = 16 << 20;
/// How many findings of one file are told at once.
const MOST_FINDINGS: usize = 100;

/// Reads a guide. `path` is the file's place below the scripts folder, with `/` between folders:
/// `ketamine/en.md`. Links are resolved against it.
///
/// # Errors
///
/// All faults of the file, in the order of the file; at most 100, the last one saying how many more.
pub fn read(path: &str, text: &str) -> Result<Guide, Vec<Diagnostic>> {
    let source = Source::new(path, text);
    let mut reader = Reader { source: &source, found: Vec::new(), links: Vec::new() };
    let guide = reader.guide();
    let mut found = reader.found;
    match guide {
        Some(guide) if found.is_empty() => Ok(guide),
        _ => {
            found.sort_by_key(|one| one.place.as_ref().map(|place| (place.line, place.column)));
            let more = found.len().saturating_sub(MOST_FINDINGS);
            if more > 0 {
                found.truncate(MOST_FINDINGS);
                let what = format!("{more} more like these");
                found.push(
                    Diagnostic::error(code::UNREADABLE, what, "please mend the first ones, then check again")
                        .in_file(path),
                );
            }
            Err(found)
        }
    }
}

/// The path that a guide's text belongs to, by what it says of itself: `<id>/<language>.md`.
pub fn own_path(text: &str) -> String {
    let value = |key: &str| {
        let mut lines = text.lines().skip(1).take(10).take_while(|line| line.trim_end() != "---");
        let value = lines.find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix(':'));
        value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
    };
    let id = value("id").unwrap_or_else(|| "guide".into());
    format!("{id}/{}.md", value("language").unwrap_or_else(|| "en".into()))
}

/// Reads text without headings or choices: the bot's own sentences.
///
/// # Errors
///
/// What is not part of the guide language.
pub(crate) fn blocks(path: &str, text: &str) -> Result<Vec<Block>, Vec<Diagnostic>> {
    let source = Source::new(path, text);
    let mut reader = Reader { source: &source, found: Vec::new(), links: Vec::new() };
    let mut blocks = Vec::new();
    for part in page::parts(&source, 0, &mut reader.found) {
        match part {
            Part::Paragraph(text) => blocks.push(Block::Paragraph(reader.runs(&text))),
            Part::List { items, .. } => {
                blocks.push(Block::Bullets(items.iter().map(|item| reader.runs(item)).collect()));
            }
            Part::Title { text, .. } | Part::Step { text, .. } | Part::Footnote { text, .. } => {
                reader.fault(
                    code::FOREIGN,
                    text.range,
                    "a sentence has no headings and no footnotes",
                    "please take them away",
                );
            }
        }
    }
    if reader.found.is_empty() { Ok(blocks) } else { Err(reader.found) }
}

/// A link of a choice whose target has still to be found.
struct Pending {
    step: usize,
    choice: usize,
    to: Arc<str>,
    range: Range<usize>,
}

struct Reader<'a, 'b> {
    source: &'a Source<'b>,
    found: Vec<Diagnostic>,
    links: Vec<Pending>,
}

/// A step under construction.
struct Draft {
    step: Step,
    ended: bool,
    /// Where its choices stand, so that a second list or text behind them is noticed.
    chosen: bool,
}

impl Reader<'_, '_> {
    fn fault(
        &mut self,
        code: &'static str,
        range: Range<usize>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.found.push(Diagnostic::error(code, what, help).at(self.source, range));
    }

    fn guide(&mut self) -> Option<Guide> {
        let text = self.source.text();
        if text.len() > LONGEST_FILE {
            let what = format!(
                "the file has {} bytes, more than the {LONGEST_FILE} that a guide may have",
                text.len()
            );
            self.fault(code::UNREADABLE, 0..0, what, "please cut it into several guides");
            return None;
        }
        let (front, from) = self.front_matter();
        let parts = page::parts(self.source, from, &mut self.found);
        let (drafts, notes) = self.steps(parts);
        let (mut steps, index) = self.index(drafts);
        let sources = self.number_sources(&mut steps, notes);
        if steps.is_empty() {
            return None;
        }
        let Front { id, language, reviewed } = front?;
        self.resolve(&id, &language, &mut steps, &index);
        Some(Guide {
            id,
            language,
            reviewed,
            revision: Revision::of(text),
            path: self.source.path().into(),
            text: text.into(),
            steps,
            sources,
            index,
        })
    }

    fn steps(&mut self, parts: Vec<Part>) -> (Vec<Draft>, Vec<(String, Text)>) {
        let mut drafts: Vec<Draft> = Vec::new();
        let mut notes = Vec::new();
        let mut titled = false;
        let mut early = false;
        for part in parts {
            match part {
                Part::Footnote { label, text } => notes.push((label, text)),
                Part::Title { text, .. } if titled => {
                    self.fault(
                        code::TITLE,
                        text.range,
                        "there is a second title",
                        "a file has one `# ` line; please begin steps with `## `",
                    );
                }
                Part::Title { text, id } => {
                    titled = true;
                    if !drafts.is_empty() {
                        self.fault(
                            code::TITLE,
                            text.range.clone(),
                            "the title doesn't come first",
                            "please move the `# ` line above the first `## `",
                        );
                    }
                    drafts.push(self.draft(&text, id));
                }
                Part::Step { text, id } => {
                    if !titled && !early {
                        early = true;
                        self.fault(
                            code::TITLE,
                            text.range.clone(),
                            "a step comes before the title",
                            "please begin the page with `# ` and its title",
                        );
                    }
                    drafts.push(self.draft(&text, id));
                }
                Part::Paragraph(text) => match drafts.len().checked_sub(1) {
                    Some(at) => self.paragraph(&mut drafts[at], &text),
                    None => self.before_title(&text.range, &mut early),
                },
                Part::List { numbered, items, range } => match drafts.len().checked_sub(1) {
                    Some(at) => self.list(at, &mut drafts[at], numbered, &items, range),
                    None => self.before_title(&range, &mut early),
                },
            }
        }
        if drafts.is_empty() && self.found.is_empty() {
            self.fault(
                code::TITLE,
                0..0,
                "the page is empty",
                "please write a title, as in `# My guide`, and what the first step says",
            );
        }
        for draft in &drafts {
            self.complete(draft);
        }
        (drafts, notes)
    }

    fn before_title(&mut self, range: &Range<usize>, early: &mut bool) {
        if !std::mem::replace(early, true) {
            self.fault(
                code::TITLE,
                range.clone(),
                "there is text before the title",
                "please begin the page with `# ` and its title",
            );
        }
    }

    fn draft(&mut self, heading: &Text, id: Option<String>) -> Draft {
        let title = heading.words();
        if heading.pieces.iter().any(|piece| matches!(piece, Piece::Source { .. }))
            || !heading.links.is_empty()
        {
            self.fault(
                code::FOREIGN,
                heading.range.clone(),
                "a heading has no links and no footnotes",
                "please move them into the text below it",
            );
        }
        let id = id.unwrap_or_else(|| slug(&title));
        if title.is_empty() || id.is_empty() {
            self.fault(
                code::CHOICE_WORDS,
                heading.range.clone(),
                "this heading has no words",
                "please give the step a heading of a few words",
            );
        } else if slug(&id) != id {
            self.fault(
                code::CHOICE_WORDS,
                heading.range.clone(),
                format!("\"{id}\" can't be a step's id"),
                format!("please use lower-case letters, digits and hyphens, such as {{#{}}}", slug(&id)),
            );
        }
        let step = Step {
            id: StepId::new(&id),
            title,
            says: Vec::new(),
            choices: Vec::new(),
            range: heading.range.clone(),
        };
        Draft { step, ended: false, chosen: false }
    }

    fn paragraph(&mut self, draft: &mut Draft, text: &Text) {
        let words = text.words();
        match words.as_str() {
            "(end)" => {
                if std::mem::replace(&mut draft.ended, true) {
                    self.fault(
                        code::MARKER,
                        text.range.clone(),
                        "(end) stands here twice",
                        "please keep one of them",
                    );
                }
                return;
            }
            "(resources)" => {
                if draft.step.says.contains(&Block::Resources) {
                    self.fault(
                        code::MARKER,
                        text.range.clone(),
                        "(resources) stands here twice",
                        "please keep one of them",
                    );
                }
                return draft.step.says.push(Block::Resources);
            }
            _ => {}
        }
        if words.len() < 20
            && let Some(marker) = nearest(&words.to_lowercase(), ["(end)", "(resources)"])
        {
            self.fault(
                code::MARKER,
                text.range.clone(),
                format!("\"{words}\" is not a marker"),
                format!("please write {marker} alone on its line"),
            );
        }
        if text.only_link().is_some_and(|link| is_local(&link.to)) {
            self.fault(
                code::CHOICES_PLACE,
                text.range.clone(),
                "this choice is not in a list",
                "please begin the line with `- `",
            );
            return;
        }
        self.behind(draft, &text.range);
        let runs = self.runs(text);
        draft.step.says.push(Block::Paragraph(runs));
    }

    fn list(&mut self, at: usize, draft: &mut Draft, numbered: bool, items: &[Text], range: Range<usize>) {
        // A link that went wrong is reported as such: it was meant as a choice all the same.
        let broken = |item: &Text| item.words().starts_with('[') || item.words().contains("](");
        let choices = items
            .iter()
            .filter(|item| item.only_link().is_some_and(|link| is_local(&link.to)) || broken(item))
            .count();
        if choices == 0 {
            self.behind(draft, &range);
            let items = items.iter().map(|item| self.runs(item)).collect();
            return draft.step.says.push(if numbered {
                Block::Numbers(items)
            } else {
                Block::Bullets(items)
            });
        }
        if draft.chosen {
            self.fault(
                code::CHOICES_PLACE,
                range.clone(),
                "this step has a second list of choices",
                "please join the two lists, or make a step of the second one",
            );
        } else if numbered {
            self.fault(
                code::CHOICES_PLACE,
                range.clone(),
                "choices stand in a list with -, and the program numbers them",
                "please begin each line with `- `",
            );
        }
        draft.chosen = true;
        for item in items {
            match item.only_link().filter(|link| is_local(&link.to)) {
                Some(link) => self.choice(at, draft, item, link),
                None if broken(item) => {}
                None => self.fault(
                    code::CHOICES_PLACE,
                    item.range.clone(),
                    "in a list of choices, every item is one link and nothing else",
                    "please make this item a link, as in [the words](#the-step), or put a sentence between the list of the text and the choices",
                ),
            }
        }
        if draft.step.choices.len() > MOST_CHOICES {
            let what = format!(
                "{} choices are more than the {MOST_CHOICES} that chat platforms can show",
                draft.step.choices.len()
            );
            self.fault(code::TOO_MUCH, range, what, "please lead to a second step for some of them");
        }
    }

    fn choice(&mut self, at: usize, draft: &mut Draft, item: &Text, link: &page::Link) {
        let label = item.words();
        let length = label.chars().count();
        if label.is_empty() {
            return self.fault(
                code::CHOICE_WORDS,
                link.range.clone(),
                "this choice has no words",
                "please write them between the square brackets",
            );
        }
        if length > LONGEST_LABEL {
            let what = format!("this choice has {length} characters; chat platforms show {LONGEST_LABEL}");
            self.fault(
                code::TOO_MUCH,
                link.range.clone(),
                what,
                "please shorten it, or say more in the text above",
            );
        }
        if draft.step.choices.iter().any(|other| other.label.to_lowercase() == label.to_lowercase()) {
            self.fault(
                code::CHOICE_WORDS,
                link.range.clone(),
                format!("\"{label}\" is here twice"),
                "please word the two differently, or keep one of them",
            );
        }
        let note = Some(link.title.trim().to_owned()).filter(|note| !note.is_empty());
        self.links.push(Pending {
            step: at,
            choice: draft.step.choices.len(),
            to: link.to.clone(),
            range: link.range.clone(),
        });
        // The target is put in its place when all steps are known.
        draft.step.choices.push(Choice {
            id: ChoiceId::of(&label),
            label,
            target: Target::Step(at),
            note,
            range: link.range.clone(),
        });
    }

    /// Says that text stands behind the choices, where nobody would look for it.
    fn behind(&mut self, draft: &Draft, range: &Range<usize>) {
        if draft.chosen {
            self.fault(
                code::CHOICES_PLACE,
                range.clone(),
                "there is text behind the choices",
                "please move it above them: the choices are the last thing in a step",
            );
        } else if draft.ended {
            self.fault(
                code::MARKER,
                range.clone(),
                "there is text behind (end)",
                "please move it above the (end), or begin a new step with `## `",
            );
        }
    }

    fn complete(&mut self, draft: &Draft) {
        let step = &draft.step;
        match (draft.chosen, draft.ended) {
            (false, false) => self.fault(
                code::MISSING_END,
                step.range.clone(),
                format!(
                    "the step \"{}\" has no choices and doesn't say that the guide ends here",
                    step.title
                ),
                "please either add a list of choices, or write (end) alone on the last line of the step",
            ),
            (true, true) => self.fault(
                code::MISSING_END,
                step.range.clone(),
                format!("the step \"{}\" has choices and (end)", step.title),
                "please either take the choices away, or take (end) away",
            ),
            _ => {}
        }
        let length: usize = step.says.iter().map(|block| block.words().chars().count() + 2).sum();
        if length > LONGEST_STEP {
            let what = format!(
                "the step \"{}\" has {length} characters; a chat message holds {LONGEST_STEP}",
                step.title
            );
            self.fault(code::TOO_MUCH, step.range.clone(), what, "please cut it into two steps");
        }
    }

    /// The runs of a text; sources carry their position in the text until they are numbered.
    fn runs(&mut self, text: &Text) -> Vec<Run> {
        let mut runs = Vec::with_capacity(text.pieces.len());
        for link in &text.links {
            if is_local(&link.to) {
                self.fault(
                    code::CHOICES_PLACE,
                    link.range.clone(),
                    "a link to a step stands in a list of its own",
                    "please put it into a list behind the text, each item exactly one link",
                );
            } else if !(link.to.starts_with("https://") && link.to.len() > 8) {
                self.fault(
                    code::WEB_LINK,
                    link.range.clone(),
                    format!("\"{}\" is not a web address that can be opened safely", link.to),
                    "please write the whole address, beginning with https://",
                );
            }
        }
        for piece in &text.pieces {
            runs.push(match piece {
                Piece::Text { text: words, emphasis, strong, link, .. } => Run::Text {
                    text: words.clone(),
                    emphasis: *emphasis,
                    strong: *strong,
                    link: link.map(|at| text.links[at].to.clone()),
                },
                // The place in the file, until `number_sources` knows all definitions.
                Piece::Source { range } => Run::Source(range.start),
                Piece::Break => Run::Break,
            });
        }
        runs
    }

    fn index(&mut self, drafts: Vec<Draft>) -> (Vec<Step>, HashMap<StepId, usize>) {
        let mut index = HashMap::with_capacity(drafts.len());
        let mut steps: Vec<Step> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let step = draft.step;
            if let Some(&first) = index.get(&step.id) {
                let other: &Step = &steps[first];
                let line = self.source.place(other.range.clone()).line;
                let what =
                    format!("two steps have the id \"{}\": this one and the one in line {line}", step.id);
                self.fault(code::DUPLICATE_STEP, step.range.clone(), what, "please word one of the headings differently, or name its id behind it, as in {#another-id}");
            } else {
                index.insert(step.id.clone(), steps.len());
            }
            steps.push(step);
        }
        (steps, index)
    }

    /// Gives footnotes their numbers, in the order of their first mention; unused ones come last.
    fn number_sources(&mut self, steps: &mut [Step], notes: Vec<(String, Text)>) -> Vec<Footnote> {
        let mut by_label: HashMap<String, usize> = HashMap::new();
        let mut waiting: Vec<Option<Footnote>> = Vec::new();
        for (label, text) in notes {
            let range = text.range.clone();
            if by_label.insert(label.clone(), waiting.len()).is_some() {
                self.fault(
                    code::FOOTNOTE,
                    range.clone(),
                    format!("the footnote \"{label}\" is explained twice"),
                    "please give one of them another name",
                );
            }
            let text = self.runs(&text);
            waiting.push(Some(Footnote { label, text, range }));
        }
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        let mut sources = Vec::new();
        for run in steps.iter_mut().flat_map(|step| &mut step.says).flat_map(runs_mut) {
            let Run::Source(at) = run else { continue };
            let label = footnote_label(&self.source.text()[*at..]);
            match by_label.get(label) {
                Some(&known) => {
                    let number = *numbers.entry(known).or_insert_with(|| {
                        sources.extend(waiting[known].take());
                        sources.len()
                    });
                    *run = Run::Source(number);
                }
                None => {
                    let range = *at..*at + label.len() + 3;
                    self.fault(
                        code::FOOTNOTE,
                        range,
                        format!("the footnote \"{label}\" is not explained"),
                        format!("please add a line [^{label}]: … with the source at the end of the file"),
                    );
                }
            }
        }
        sources.extend(waiting.into_iter().flatten());
        sources
    }

    fn resolve(
        &mut self,
        id: &GuideId,
        language: &Language,
        steps: &mut [Step],
        index: &HashMap<StepId, usize>,
    ) {
        // Links are read from where the file stands: what it says of itself is compared with that elsewhere.
        let path = self.source.path();
        let (own, spoken) =
            local_target(path, "#").map_or((id.as_str(), language.as_str()), |(id, lang, _)| (id, lang));
        let mut missing = Vec::new();
        let mut led_to = HashSet::new();
        for Pending { step, choice, to, range } in std::mem::take(&mut self.links) {
            let target = match local_target(path, &to) {
                Some((guide, lang, anchor)) if guide == own && lang == spoken => {
                    match anchor.map(|anchor| (anchor, index.get(anchor))) {
                        Some((_, Some(&at))) => Target::Step(at),
                        Some((anchor, None)) => {
                            missing.push((anchor.to_owned(), range));
                            continue;
                        }
                        None => Target::Step(0),
                    }
                }
                Some((_, lang, _)) if lang != spoken => {
                    let what = format!("this leads to a page in another language (\"{lang}\")");
                    let help = format!("please lead to the page in \"{spoken}\"");
                    self.fault(code::UNKNOWN_TARGET, range, what, help);
                    continue;
                }
                Some((guide, _, anchor)) => {
                    let anchor = anchor.map(StepId::new);
                    if guide == CRISIS {
                        Target::Crisis(anchor)
                    } else {
                        Target::Guide(GuideId::new(guide), anchor)
                    }
                }
                None => {
                    self.fault(code::OUTSIDE, range, format!("\"{to}\" leads to no page of a guide"), "please write #the-step, or ../other-guide/en.md#the-step; links can't leave the scripts folder");
                    continue;
                }
            };
            if let Target::Step(at) = target {
                led_to.insert(at);
            }
            steps[step].choices[choice].target = target;
        }
        if missing.is_empty() {
            return;
        }
        // Where one name is missing and one step is never led to, its heading was probably reworded.
        let mut lonely = (1..steps.len())
            .filter(|at| !led_to.contains(at) && !COMMANDED.contains(&steps[*at].id.as_str()));
        let names: HashSet<String> = missing.iter().map(|(name, _)| name.clone()).collect();
        let renamed = match (lonely.next(), lonely.next()) {
            (Some(at), None) if names.len() == 1 => Some(&steps[at]),
            _ => None,
        };
        let mut searched = HashSet::new();
        for (name, range) in missing {
            // Searching all ids for each of many wrong links would be quadratic.
            searched.insert(name.clone());
            let near =
                (searched.len() <= 20).then(|| nearest(&name, index.keys().map(StepId::as_str))).flatten();
            let help = match (near, renamed) {
                (Some(near), _) => format!("did you mean #{near}?"),
                (None, Some(step)) => format!(
                    "did you mean #{}? nothing leads there, so its heading may have been reworded; or give it the old id: `## {} {{#{name}}}`",
                    step.id, step.title
                ),
                (None, None) => format!(
                    "please either add a step whose heading gives that id, as in `## {name}`, or lead to one that is there"
                ),
            };
            self.fault(
                code::UNKNOWN_TARGET,
                range,
                format!("there is no step \"{name}\" in this guide"),
                help,
            );
        }
    }
}

/// The runs of a block, to be changed.
pub(crate) fn runs_mut(block: &mut Block) -> Box<dyn Iterator<Item = &mut Run> + '_> {
    match block {
        Block::Paragraph(runs) => Box::new(runs.iter_mut()),
        Block::Bullets(items) | Block::Numbers(items) => Box::new(items.iter_mut().flatten()),
        Block::Resources => Box::new(std::iter::empty()),
    }
}

/// The label of the footnote reference that a text begins with: `a1` of `[^a1] …`.
fn footnote_label(text: &str) -> &str {
    let inner = text.strip_prefix("[^").unwrap_or(text);
    &inner[..inner.find(']').unwrap_or(0)]
}

#[cfg(test)]
mod tests;
