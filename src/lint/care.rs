//! Care: what must not be said to somebody in trouble, and what must never be missing. The rules are those of
//! safe messaging; the words that they look for stand in the rule files.

use std::collections::VecDeque;
use std::sync::Arc;

use super::prose::{Patterns, Prose};
use super::rules::Rule;
use crate::diagnostic::{Diagnostic, Severity};
use crate::library::Library;
use crate::script::{Block, CRISIS, Guide, Run, Step, Target};
use crate::wording::{Command, Wording, plain};

/// A rule that forbids words: its code, what is wrong, and what to do. `{}` stands for the words.
struct Forbidden {
    code: &'static str,
    /// Whether it counts on the crisis page alone.
    crisis: bool,
    what: &'static str,
    help: &'static str,
}

const fn everywhere(code: &'static str, what: &'static str, help: &'static str) -> Forbidden {
    Forbidden { code, crisis: false, what, help }
}

const FORBIDDEN: &[Forbidden] = &[
    everywhere(
        "S101",
        "\"{}\" blames, or calls a death a success",
        "please write \"died by suicide\", \"ended their life\", or \"attempt\"",
    ),
    everywhere(
        "S102",
        "\"{}\" names a way to die or to be hurt",
        "please write \"anything you could use to hurt yourself\", and no example",
    ),
    everywhere(
        "S103",
        "\"{}\" is an amount of a drug",
        "please take the amount out: what somebody takes is between them and a doctor",
    ),
    everywhere(
        "S104",
        "\"{}\" diagnoses the reader",
        "please either say what doctors call it, or describe the treatments so far and not the person",
    ),
    everywhere(
        "S105",
        "\"{}\" decides whether a treatment is right for the reader",
        "please write that a doctor who knows them can say",
    ),
    everywhere("S106", "\"{}\" scores the reader", "please take the score or the level out"),
    everywhere(
        "S107",
        "\"{}\" promises something that nobody can promise",
        "please say what helps some people, and that it doesn't help everyone",
    ),
    everywhere(
        "S108",
        "\"{}\" promises secrecy",
        "please say what is kept, and for how long; \"privacy\" tells it",
    ),
    everywhere("S109", "\"{}\" blames or argues", "please leave it out, or say what you'd say to a friend"),
    everywhere(
        "S110",
        "\"{}\" alarms, or gives suicide a single cause",
        "please say it in plain words, without a cause and without alarm",
    ),
    everywhere(
        "S111",
        "\"{}\" pretends that a person is here or watching",
        "please write that this is an automated guide and no one reads it live",
    ),
    Forbidden {
        code: "S112",
        crisis: true,
        what: "\"{}\" speaks of treatment on the crisis page",
        help: "please leave treatment to the guides: here it can sound like the answer",
    },
];

/// Every rule of care that looks at one guide.
pub(super) fn check(library: &Library, guide: &Guide, prose: &Prose<'_>, found: &mut Vec<Diagnostic>) {
    let crisis = guide.id().as_str() == CRISIS;
    for forbidden in FORBIDDEN.iter().filter(|forbidden| crisis || !forbidden.crisis) {
        let Some(words) = Words::of(forbidden.code, guide) else { continue };
        for range in words.all(&prose.text) {
            found.push(forbidden.found(&prose.text[range.clone()]).at(&prose.source, range));
        }
    }
    if crisis {
        tone(prose, found);
    }
    brands(prose, found);
    questions(prose, found);
    endings(library.wording(Some(guide.language())), prose, found);
    thoughts(library.wording(Some(guide.language())), prose, found);
    if !crisis {
        facts(prose, found);
        two_taps(prose, found);
    }
}

/// The bot's own sentences keep the same rules about words.
pub(super) fn check_sentences(library: &Library, found: &mut Vec<Diagnostic>) {
    for wording in library.all_wording() {
        for forbidden in FORBIDDEN.iter().filter(|forbidden| !forbidden.crisis) {
            let Some(words) = Words::in_language(forbidden.code, wording.language.base()) else { continue };
            for (key, sentence) in wording.sentences() {
                let says = sentence.blocks().iter().map(Block::plain).collect::<Vec<_>>().join("\n");
                for range in words.all(&says) {
                    let mut one = forbidden.found(&says[range]);
                    one.what = format!("in {key}, {}", one.what);
                    found.push(one.in_file(&format!("wording/{}.toml", wording.language)));
                }
            }
        }
    }
}

impl Forbidden {
    fn found(&self, words: &str) -> Diagnostic {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let one = Diagnostic::error(self.code, self.what.replace("{}", &words), self.help);
        Diagnostic { severity: severity(self.code), ..one }
    }
}

fn severity(code: &str) -> Severity {
    Rule::find(code).map_or(Severity::Error, Rule::severity)
}

/// The words of a rule, and those that it lets pass.
struct Words {
    find: Arc<Patterns>,
    but_not: Option<Arc<Patterns>>,
}

impl Words {
    fn of(code: &str, guide: &Guide) -> Option<Words> {
        Words::in_language(code, guide.language().base())
    }

    fn in_language(code: &str, language: &str) -> Option<Words> {
        let rule = Rule::find(code)?;
        Some(Words { find: rule.words(language, false)?, but_not: rule.words(language, true) })
    }

    fn all<'t>(&'t self, text: &'t str) -> impl Iterator<Item = std::ops::Range<usize>> + 't {
        let passes: Vec<_> = self.but_not.iter().flat_map(|but_not| but_not.find_iter(text)).collect();
        self.find.find_iter(text).filter(move |range| {
            !passes.iter().any(|pass| pass.start <= range.start && range.end <= pass.end)
        })
    }
}

/// No exclamation marks and no pictures where somebody may be in danger.
fn tone(prose: &Prose<'_>, found: &mut Vec<Diagnostic>) {
    // Emoji live in these blocks of Unicode (emoji-data 16.0): dingbats, symbols, pictographs.
    let loud = |letter: char| matches!(letter, '!' | '！' | '¡' | '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}');
    for (at, letter) in prose.text.char_indices().filter(|(_, letter)| loud(*letter)) {
        let what = format!("\"{letter}\" is too loud for the crisis page");
        let help = "please end the sentence with a full stop, and use words instead of pictures";
        found.push(Diagnostic::error("S113", what, help).at(&prose.source, at..at + letter.len_utf8()));
    }
}

/// A brand name stands only beside the name of the medicine.
fn brands(prose: &Prose<'_>, found: &mut Vec<Diagnostic>) {
    const BRANDS: &[(&str, &str)] = &[("spravato", "esketamin"), ("ketalar", "ketamin")];
    for at in 0..prose.guide.steps().len() {
        let step = prose.step(at).to_lowercase();
        for (brand, medicine) in BRANDS {
            if let (Some(start), false) = (step.find(brand), step.contains(medicine)) {
                let what = format!("the brand name \"{brand}\" stands alone");
                let help = "please write the name of the medicine, and the brand behind it in brackets";
                let range = prose.in_file(at, start..start + brand.len());
                found.push(Diagnostic::warning("S114", what, help).at(&prose.source, range));
            }
        }
    }
}

/// Who is asked something about themselves can pass it by.
fn questions(prose: &Prose<'_>, found: &mut Vec<Diagnostic>) {
    for (at, step) in prose.guide.steps().iter().enumerate() {
        let asks = step.choices.iter().any(|choice| choice.note.is_some());
        let passes = step.choices.iter().any(|choice| {
            let elsewhere = match choice.target {
                Target::Step(to) => to != at,
                Target::Guide(..) => true,
                Target::Crisis(_) => false,
            };
            choice.note.is_none() && elsewhere
        });
        if asks && !passes {
            let what = format!("the question \"{}\" can't be skipped", step.title);
            let help = "please add a choice without a line for the notes that leads on, such as [I'd rather skip this](#the-next-step)";
            found.push(Diagnostic::error("S115", what, help).at(&prose.source, step.range.clone()));
        }
    }
}

/// An ending names something to do next.
fn endings(wording: &Wording, prose: &Prose<'_>, found: &mut Vec<Diagnostic>) {
    for step in prose.guide.steps().iter().filter(|step| step.is_end()) {
        let next = step.says.contains(&Block::Resources)
            || step
                .says
                .iter()
                .flat_map(Block::runs)
                .any(|run| matches!(run, Run::Text { link: Some(_), .. }))
            || names_command(wording, step, |_| true);
        if !next {
            let what = format!("the ending \"{}\" leaves the reader with nothing to do next", step.title);
            let help = "please name a next step: a web link, or a word that they can type, such as *topics* or *help now*";
            found.push(Diagnostic::error("S116", what, help).at(&prose.source, step.range.clone()));
        }
    }
}

/// Whether a step teaches a command: its words stand in emphasis.
fn names_command(wording: &Wording, step: &Step, which: impl Fn(Command) -> bool) -> bool {
    step.says.iter().flat_map(Block::runs).any(|run| match run {
        Run::Text { text, emphasis: true, .. } | Run::Text { text, strong: true, .. } => {
            wording.command(&plain(text)).is_some_and(&which)
        }
        _ => false,
    })
}

/// Where thoughts of suicide are named, the crisis page is one choice away.
fn thoughts(wording: &Wording, prose: &Prose<'_>, found: &mut Vec<Diagnostic>) {
    if prose.guide.id().as_str() == CRISIS {
        return;
    }
    let Some(words) = Words::of("S117", prose.guide) else { return };
    for (at, step) in prose.guide.steps().iter().enumerate() {
        let helped = step.choices.iter().any(|choice| matches!(choice.target, Target::Crisis(_)))
            || names_command(wording, step, |command| command == Command::HelpNow);
        let named = words.all(prose.step(at)).next();
        if let (Some(range), false) = (named, helped) {
            let what =
                format!("the step \"{}\" names thoughts of suicide, and no choice leads to help", step.title);
            let help = format!(
                "please add a choice such as [I need someone to talk to now](../crisis/{}.md)",
                prose.guide.language()
            );
            found.push(Diagnostic::error("S117", what, help).at(&prose.source, prose.in_file(at, range)));
        }
    }
}

/// A statement about studies, numbers of people or approval has a source.
fn facts(prose: &Prose<'_>, found: &mut Vec<Diagnostic>) {
    let Some(words) = Words::of("S118", prose.guide) else { return };
    for (at, step) in prose.guide.steps().iter().enumerate() {
        // What is said, not what can be chosen: a choice states nothing.
        let extent = prose.guide.extent(at);
        let end = step.choices.first().map_or(extent.end, |choice| choice.range.start.min(extent.end));
        let body = step.range.end..end.max(step.range.end);
        for paragraph in paragraphs(&prose.text, body) {
            if prose.text[paragraph.clone()].contains("[^") {
                continue;
            }
            if let Some(range) = words.all(&prose.text[paragraph.clone()]).next() {
                let range = range.start + paragraph.start..range.end + paragraph.start;
                let what = format!("\"{}\" states a fact without a source", &prose.text[range.clone()]);
                let help =
                    "please write [^name] behind it, and [^name]: … with the source at the end of the file";
                found.push(Diagnostic::warning("S118", what, help).at(&prose.source, range));
            }
        }
    }
}

/// The stretches of text between empty lines.
fn paragraphs(text: &str, within: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
    let mut all = Vec::new();
    let mut at = within.start;
    for part in text[within].split("\n\n") {
        all.push(at..at + part.len());
        at += part.len() + 2;
    }
    all
}

/// From every step, the crisis page is at most two choices away. An ending offers no choices, and typing
/// the command works everywhere.
fn two_taps(prose: &Prose<'_>, found: &mut Vec<Diagnostic>) {
    let steps = prose.guide.steps();
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    let mut taps = vec![usize::MAX; steps.len()];
    let mut queue = VecDeque::new();
    for (at, step) in steps.iter().enumerate() {
        for choice in &step.choices {
            match choice.target {
                Target::Step(to) => before[to].push(at),
                Target::Crisis(_) => taps[at] = 1,
                Target::Guide(..) => {}
            }
        }
        if taps[at] == 1 {
            queue.push_back(at);
        }
    }
    while let Some(at) = queue.pop_front() {
        for &from in &before[at] {
            if taps[from] == usize::MAX {
                taps[from] = taps[at] + 1;
                queue.push_back(from);
            }
        }
    }
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| !step.is_end()) {
        if taps[at] > 2 {
            let what = if taps[at] == usize::MAX {
                format!("from the step \"{}\" no choice leads to the crisis page", step.title)
            } else {
                format!("from the step \"{}\" the crisis page is {} choices away", step.title, taps[at])
            };
            let help = format!(
                "please add a choice such as [I need someone to talk to now](../crisis/{}.md), here or at a step that this one leads to",
                prose.guide.language()
            );
            found.push(Diagnostic::error("S119", what, help).at(&prose.source, step.range.clone()));
        }
    }
}
