//! Conversations without an author: the shortest way to every choice, cries for help at every stop, talks at random.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::{Core, Deed, Heard, Stage, Taken, recorded};
use crate::diagnostic::Diagnostic;
use crate::engine::{self, Session};
use crate::library::Library;
use crate::safety::Level;
use crate::script::{CRISIS, Guide, Language, Target, graph};

/// The code of a promise that isn't kept.
const BROKEN: &str = "T004";

/// What somebody in trouble may type, at every level, about themselves and about somebody else; the last ones are
/// not to be confused with the words of a choice.
pub const CRIES: &[(&str, Level)] = &[
    ("i'm going to kill myself tonight", Level::Imminent),
    ("i want to die", Level::Ideation),
    ("i cant do this anymore", Level::Concern),
    ("my friend said he wants to kill himself", Level::Concern),
    ("k i l l myself", Level::Concern),
    ("ich will sterben", Level::Ideation),
    ("quiero suicidarme", Level::Ideation),
];

/// A conversation that was made up, as a transcript that can be kept and played.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// What was said and done, and what was heard then.
    acts: Vec<(Deed, Heard)>,
}

impl Made {
    /// The conversation as a transcript, under this title.
    pub fn written(&self, title: &str) -> String {
        let mut text = format!("## {title}\n");
        for (deed, heard) in &self.acts {
            text.push_str(&match deed {
                Deed::Say(words) => format!("\nYou:    {words}\n{}\n", recorded(heard)),
                Deed::Tap(label) => format!("\nYou:    [{label}]\n{}\n", recorded(heard)),
                Deed::Wait(seconds) => format!("\n(wait {seconds} seconds)\n"),
                Deed::Restart => "\n(restart)\n".to_owned(),
                Deed::Country(country) => format!("\n(country {country})\n"),
                Deed::Language(language) => format!("\n(language {language})\n"),
                Deed::Public(true) => "\n(in a public channel)\n".to_owned(),
                Deed::Public(false) => "\n(in private)\n".to_owned(),
                Deed::Edit(file) => format!("\n(edit guide {file})\n"),
                Deed::Withdraw(file) => format!("\n(withdraw guide {file})\n"),
            });
        }
        text
    }

    /// The same, with the places alone: words may be edited, and it still holds.
    pub fn places(&self, title: &str) -> String {
        let bare =
            |heard: &Heard| Heard { step: heard.step.clone(), crisis: heard.crisis, ..Heard::default() };
        Made { acts: self.acts.iter().map(|(deed, heard)| (deed.clone(), bare(heard))).collect() }
            .written(title)
    }

    /// How many acts it has.
    pub fn len(&self) -> usize {
        self.acts.len()
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.acts.is_empty()
    }
}

/// Somebody who walks a guide by its own choices.
struct Walker<'f> {
    core: Core<'f>,
    made: Made,
    language: Language,
}

impl<'f> Walker<'f> {
    fn new(library: &Arc<Library>, language: &Language) -> Self {
        Walker {
            core: Core::new(library.clone(), language.clone(), &|_| None),
            made: Made::default(),
            language: language.clone(),
        }
    }

    fn act(&mut self, deed: Deed) -> Option<()> {
        let heard = self.core.act(&deed).ok()?;
        self.made.acts.push((deed, heard));
        Some(())
    }

    /// Where they are: the guide or crisis page, and the position of the step.
    fn here(&self) -> Option<(Arc<Guide>, usize)> {
        let session = self.core.session();
        let (guide, step) = engine::open(self.core.library(), &session, Some(&self.language))?;
        let at = guide.position(step.id.as_str())?;
        let whole = self.core.library().all_guides().find(|other| other.revision() == guide.revision())?;
        Some((whole.clone(), at))
    }
}

/// Conversations that together take every choice of a guide that can be taken: each goes on to the nearest choice
/// that none has taken yet.
pub fn tour(library: &Arc<Library>, guide: &Guide) -> Vec<Made> {
    let crisis = guide.id().as_str() == CRISIS;
    let wording = library.wording(Some(guide.language()));
    let start = format!("{} {}", wording.start_word(), guide.id());
    let help = wording.command_word(crate::wording::Command::HelpNow).to_owned();
    let mut ways_in: Vec<Vec<String>> = Vec::new();
    if crisis {
        ways_in.push(vec![help]);
        let cry = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        for (words, _) in CRIES.iter().take(4) {
            for times in 1..=4 {
                ways_in.push(cry(&vec![*words; times]));
            }
        }
        ways_in.push(cry(&["my friend wants to kill himself tonight"]));
        ways_in.push(cry(&[
            "my friend took all his pills to kill himself",
            "she is about to jump off the roof to kill herself",
        ]));
    } else {
        ways_in.push(vec![start]);
    }
    let mut left: BTreeSet<(usize, usize)> = guide
        .steps()
        .iter()
        .enumerate()
        .flat_map(|(at, step)| (0..step.choices.len()).map(move |number| (at, number)))
        .collect();
    let mut tours = Vec::new();
    for way in &ways_in {
        loop {
            let mut walker = Walker::new(library, guide.language());
            if way.iter().try_for_each(|words| walker.act(Deed::Say(words.clone()))).is_none() {
                break;
            }
            let before = left.len();
            walk(&mut walker, guide, &mut left);
            if left.len() == before {
                break;
            }
            tours.push(walker.made);
            if left.is_empty() {
                return tours;
            }
        }
    }
    tours
}

/// The longest conversation of a tour: long ones are hard to read.
const LONGEST_TOUR: usize = 60;

fn walk(walker: &mut Walker<'_>, guide: &Guide, left: &mut BTreeSet<(usize, usize)>) {
    while walker.made.len() < LONGEST_TOUR {
        let Some((page, at)) = walker.here() else { return };
        if page.revision() != guide.revision() {
            // A choice led to another page: back to this one.
            if walker.act(Deed::Say(back(walker))).is_none() || walker.made.len() >= LONGEST_TOUR {
                return;
            }
            continue;
        }
        let Some(path) = nearest_left(guide, at, left) else { return };
        for (from, number) in path {
            let label = guide.steps()[from].choices[number].label.clone();
            if walker.act(Deed::Tap(label)).is_none() {
                return;
            }
            left.remove(&(from, number));
        }
    }
}

fn back(walker: &Walker<'_>) -> String {
    let library = walker.core.library();
    library.wording(Some(&walker.language)).command_word(crate::wording::Command::Back).to_owned()
}

/// The choices that lead from a step to the nearest one that is left, that one included.
fn nearest_left(guide: &Guide, from: usize, left: &BTreeSet<(usize, usize)>) -> Option<Vec<(usize, usize)>> {
    let mut came: Vec<Option<(usize, usize)>> = vec![None; guide.steps().len()];
    let mut queue = VecDeque::from([from]);
    let mut seen = vec![false; guide.steps().len()];
    seen[from] = true;
    while let Some(at) = queue.pop_front() {
        let choices = &guide.steps()[at].choices;
        if let Some(number) = (0..choices.len()).find(|&number| left.contains(&(at, number))) {
            let mut path = vec![(at, number)];
            let mut at = at;
            while let Some((before, number)) = came[at] {
                path.push((before, number));
                at = before;
            }
            path.reverse();
            return Some(path);
        }
        for (number, choice) in choices.iter().enumerate() {
            // What the program answers by leaving the crisis page is no way through it.
            let leaves = guide.id().as_str() == CRISIS
                && matches!(choice.target, Target::Step(to) if guide.steps()[to].is_end());
            if let Target::Step(to) = choice.target
                && !leaves
                && !std::mem::replace(&mut seen[to], true)
            {
                came[to] = Some((at, number));
                queue.push_back(to);
            }
        }
    }
    None
}

/// What came of conversations without an author.
#[derive(Debug, Clone, Default)]
pub struct Walked {
    /// How many conversations were held.
    pub talks: usize,
    /// How many turns they took.
    pub turns: usize,
    /// The choices that were taken.
    pub taken: BTreeSet<Taken>,
    /// What went wrong, with the conversation that shows it.
    pub failures: Vec<(Diagnostic, String)>,
}

/// Goes the shortest way to every choice of a guide, and takes it.
pub fn shortest(library: &Arc<Library>, guide: &Guide) -> Walked {
    let mut walked = Walked::default();
    let wording = library.wording(Some(guide.language()));
    let start = format!("{} {}", wording.start_word(), guide.id());
    if guide.id().as_str() == CRISIS {
        return walked;
    }
    for goal in 0..guide.steps().len() {
        let Some(path) = graph::shortest_path(guide, goal) else { continue };
        for last in 0..guide.steps()[goal].choices.len() {
            let mut walker = Walker::new(library, guide.language());
            let mut went = walker.act(Deed::Say(start.clone()));
            let mut at = 0;
            for number in path.iter().copied().chain([last]) {
                let choice = &guide.steps()[at].choices[number];
                went = went.and_then(|()| walker.act(Deed::Tap(choice.label.clone())));
                if let Target::Step(to) = choice.target {
                    at = to;
                }
            }
            walked.talks += 1;
            walked.turns += walker.made.len();
            let arrived = went.is_some()
                && match &guide.steps()[goal].choices[last].target {
                    Target::Step(to) => walker
                        .here()
                        .is_some_and(|(page, at)| page.revision() == guide.revision() && at == *to),
                    Target::Crisis(_) => walker.core.session().crisis.is_some(),
                    Target::Guide(id, _) => walker.here().is_some_and(|(page, _)| page.id() == id),
                };
            if !arrived {
                let what = format!(
                    "the choice \"{}\" doesn't lead where it says",
                    guide.steps()[goal].choices[last].label
                );
                walked.fail(&walker.made, what);
            }
            walked.taken.append(&mut walker.core.taken);
        }
    }
    walked
}

impl Walked {
    fn fail(&mut self, made: &Made, what: String) {
        let help = "the conversation below shows it; it can be kept as a .chat file";
        let one = Diagnostic::error(BROKEN, what, help);
        self.failures.push((one, made.written("Went wrong")));
    }
}

/// Cries for help at every stop: at every step of a guide, each of [`CRIES`], then `back`.
pub fn cries(library: &Arc<Library>, guide: &Guide) -> Walked {
    let mut walked = Walked::default();
    if guide.id().as_str() == CRISIS {
        return walked;
    }
    let wording = library.wording(Some(guide.language()));
    let start = format!("{} {}", wording.start_word(), guide.id());
    let stop = wording.command_word(crate::wording::Command::Stop).to_owned();
    for goal in 0..guide.steps().len() {
        let Some(path) = graph::shortest_path(guide, goal) else { continue };
        for (cry, level) in CRIES {
            for stopped in [false, true] {
                let mut walker = Walker::new(library, guide.language());
                let mut went = walker.act(Deed::Say(start.clone()));
                let mut at = 0;
                for &number in &path {
                    let choice = &guide.steps()[at].choices[number];
                    went = went.and_then(|()| walker.act(Deed::Tap(choice.label.clone())));
                    if let Target::Step(to) = choice.target {
                        at = to;
                    }
                }
                if stopped {
                    went = went.and_then(|()| walker.act(Deed::Say(stop.clone())));
                }
                let before = walker.core.session();
                went = went.and_then(|()| walker.act(Deed::Say((*cry).to_owned())));
                let answered = walker.made.acts.last().and_then(|(_, heard)| heard.crisis).flatten();
                let after = walker.core.session();
                walked.talks += 1;
                if went.is_none() || answered.is_none_or(|found| found < *level) {
                    walked.fail(&walker.made, format!("\"{cry}\" isn't answered first, as what it is"));
                } else if (&before.here, &before.trail, &before.ticks)
                    != (&after.here, &after.trail, &after.ticks)
                {
                    walked.fail(&walker.made, format!("after \"{cry}\" the place is another one"));
                }
                walked.turns += walker.made.len();
            }
        }
    }
    walked
}

/// A small generator of numbers that look random, the same for the same seed on every machine.
/// Source: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014 (SplitMix64).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides.max(1) as u64) as usize
    }
}

/// Talks at random: taps, words, commands, nonsense, waiting, restarts and cries for help, in any order.
pub fn random(library: &Arc<Library>, language: &Language, seed: u64, talks: usize) -> Walked {
    const NONSENSE: &[&str] = &[
        "?",
        "asdf",
        "12345",
        "🙂",
        "what",
        "yes",
        "no",
        "1",
        "3",
        "i dont know",
        "\u{200b}",
        "ok thanks",
        "ketamine",
    ];
    let wording = library.wording(Some(language));
    let commands: Vec<String> = wording
        .command_words()
        .map(|(word, _)| word.to_owned())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut walked = Walked::default();
    let mut dice = Dice(seed);
    for _ in 0..talks {
        let mut walker = Walker::new(library, language);
        walked.talks += 1;
        for _ in 0..4 + dice.throw(30) {
            let session = walker.core.session();
            let offers = engine::offers(library, &session, Some(language));
            let (deed, cry) = match dice.throw(20) {
                0..=9 if !offers.is_empty() => {
                    (Deed::Tap(offers[dice.throw(offers.len())].label.clone()), None)
                }
                0..=13 => (Deed::Say(commands[dice.throw(commands.len())].clone()), None),
                14 | 15 => (Deed::Say(NONSENSE[dice.throw(NONSENSE.len())].to_owned()), None),
                16 => (Deed::Wait([60, 7 * 3_600, 30 * 3_600][dice.throw(3)]), None),
                17 => (Deed::Restart, None),
                _ => {
                    let (words, level) = CRIES[dice.throw(CRIES.len())];
                    (Deed::Say(words.to_owned()), Some(level))
                }
            };
            let silent = matches!(deed, Deed::Wait(_) | Deed::Restart);
            walked.turns += 1;
            if walker.act(deed).is_none() {
                walked.fail(&walker.made, "a choice that is offered can't be taken".to_owned());
                break;
            }
            let heard = &walker.made.acts[walker.made.acts.len() - 1].1;
            let dismissed = session.shown.dismissed >= Level::Concern;
            let wrong = if !silent && heard.text.trim().is_empty() {
                Some("nothing is said".to_owned())
            } else if let Some(level) = cry
                && heard.crisis.flatten().is_none()
                && !(dismissed && level == Level::Concern)
            {
                Some("a cry for help isn't answered first".to_owned())
            } else {
                lost(library, &walker.core.session())
            };
            if let Some(what) = wrong {
                walked.fail(&walker.made, what);
                break;
            }
        }
        walked.taken.append(&mut walker.core.taken);
        if walked.failures.len() > 10 {
            break;
        }
    }
    walked
}

/// Whether a session points at a place that isn't there.
fn lost(library: &Library, session: &Session) -> Option<String> {
    let spots = session
        .here
        .iter()
        .chain(session.trail.iter().map(|mark| &mark.spot))
        .chain(session.ticks.iter().map(|mark| &mark.spot));
    for spot in spots {
        let visit = session.visits.get(usize::from(spot.visit));
        if visit
            .and_then(|visit| visit.guide(library))
            .and_then(|guide| guide.step(spot.step.as_str()))
            .is_none()
        {
            return Some(format!("the session points at \"{}\", which isn't there", spot.step));
        }
    }
    None
}
