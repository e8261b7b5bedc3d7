//! Every place that a person can be in, walked through the real `turn`.
//!
//! A guide has no variables: the step and the one before it are the whole position. So all positions can be
//! visited, and what is promised of each is shown, not sampled: the crisis reply comes first and leaves the place as
//! it is, `back` returns, `stop` stops and `continue` goes on, every choice leads where it says, every step can reach
//! an end, and a person or a hotline is at most two taps away.
//!
//! This is proof about the graph and the engine only. Recognising distress is measured, never proved.

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, Source};
use crate::engine::session::{Aside, Mark, Spot, Visit};
use crate::engine::{self, Event, Kind, Place, Session, Turn};
use crate::library::Library;
use crate::safety::reply;
use crate::safety::resource::Country;
use crate::script::{CRISIS, Guide, Target, graph};
use crate::wording::Command;

/// The code of a promise that isn't kept.
const BROKEN: &str = "T004";
/// Words that every version of the screen recognises; which other words it does is measured elsewhere.
const CRY: &str = "i want to kill myself";
/// When it all happens, in seconds since 1970.
const NOW: u64 = 1_767_225_600;
/// After how many failures it is enough.
const MOST_FAILURES: usize = 50;

/// What was walked, and what went wrong.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    /// How many positions were visited.
    pub positions: usize,
    /// How many turns that took.
    pub turns: usize,
    /// The promises that weren't kept.
    pub failures: Vec<Diagnostic>,
}

/// The engine, or one that a test has broken.
pub type Turner<'a> = &'a dyn Fn(&Library, Session, &Event<'_>) -> Turn;

/// Walks every position of every guide and crisis page of a library.
pub fn prove(library: &Library) -> Proof {
    prove_with(library, &|library, session, event| engine::turn(library, session, event))
}

/// The same with another engine, so that a test can show that a broken one is caught.
pub fn prove_with(library: &Library, turn: Turner<'_>) -> Proof {
    let mut walker = Walker { library, turn, proof: Proof::default() };
    for guide in library.all_guides() {
        walker.guide(guide);
        if walker.proof.failures.len() >= MOST_FAILURES {
            break;
        }
    }
    walker.proof
}

struct Walker<'a> {
    library: &'a Library,
    turn: Turner<'a>,
    proof: Proof,
}

/// A position: a session, and the step that it stands for.
struct Position<'g> {
    guide: &'g Guide,
    step: usize,
    session: Session,
}

impl Walker<'_> {
    fn guide(&mut self, guide: &Guide) {
        let crisis = guide.id().as_str() == CRISIS;
        let can_end = graph::can_end(guide);
        let roots: Vec<usize> = if crisis {
            reply::STEPS.iter().filter_map(|id| guide.position(id)).chain([0]).collect()
        } else {
            vec![0]
        };
        let mut seen: HashSet<(usize, Option<usize>)> = HashSet::new();
        let mut tried = vec![false; guide.steps().len()];
        let mut queue: Vec<Position<'_>> = Vec::new();
        for root in roots {
            if seen.insert((root, None)) {
                queue.push(Position { guide, step: root, session: self.begun(guide, root) });
            }
        }
        while let Some(position) = queue.pop() {
            self.proof.positions += 1;
            if self.proof.failures.len() >= MOST_FAILURES {
                return;
            }
            self.promises(&position);
            let at = position.step;
            if !can_end[at] && !crisis {
                self.broken(
                    &position,
                    "no end can be reached from here",
                    "please add a choice that leads on",
                );
            }
            // Where a choice leads doesn't depend on where the person came from.
            if !std::mem::replace(&mut tried[at], true) {
                self.choices(&position, &mut seen, &mut queue);
                if !crisis {
                    self.two_taps(&position);
                    self.jumps(&position, &mut seen, &mut queue);
                }
            }
        }
    }

    /// A person who begins at this step, with nothing behind them.
    fn begun(&self, guide: &Guide, at: usize) -> Session {
        let step = guide.steps()[at].id.clone();
        if guide.id().as_str() != CRISIS {
            let visit = Visit {
                guide: guide.id().clone(),
                language: guide.language().clone(),
                revision: guide.revision(),
            };
            let here = Some(Spot { visit: 0, step });
            return Session { visits: vec![visit], here, updated: NOW, ..Session::default() };
        }
        // The crisis page is open beside a guide, and leaves the place there as it is.
        let beside = self.library.guides(guide.language()).next();
        let session = beside.map_or_else(Session::default, |beside| self.begun(beside, 0));
        Session { crisis: Some(Aside { trail: Vec::new(), step }), updated: NOW, ..session }
    }

    fn after(&mut self, guide: &Guide, session: &Session, kind: Kind<'_>) -> Turn {
        self.proof.turns += 1;
        let event = Event {
            id: 0,
            at: NOW,
            public: false,
            again: false,
            country: Country::parse("GB"),
            language: Some(guide.language()),
            kind,
        };
        (self.turn)(self.library, session.clone(), &event)
    }

    fn broken(&mut self, position: &Position<'_>, what: &str, help: &str) {
        let step = &position.guide.steps()[position.step];
        let source = Source::new(position.guide.path(), position.guide.text());
        let what = format!("at the step \"{}\", {what}", step.title);
        self.proof.failures.push(Diagnostic::error(BROKEN, what, help).at(&source, step.range.clone()));
    }

    /// What is promised of every position.
    fn promises(&mut self, position: &Position<'_>) {
        const ENGINE: &str = "this is a fault of the program: please report it";
        let (guide, before) = (position.guide, &position.session);
        let step = &guide.steps()[position.step].id;
        let same_place = |after: &Session| {
            (&after.here, &after.trail, &after.ticks, &after.visits)
                == (&before.here, &before.trail, &before.ticks, &before.visits)
        };

        let cried = self.after(guide, before, Kind::Text(CRY));
        let first = cried.replies.first();
        if !first.is_some_and(|reply| reply.is_crisis() && !reply.resources.is_empty()) {
            self.broken(position, "the crisis reply doesn't come first, with people to contact", ENGINE);
        }
        if !same_place(&cried.session) || cried.session.crisis.is_none() {
            self.broken(position, "the crisis reply doesn't leave the place as it is", ENGINE);
        }
        let returned = self.after(guide, &cried.session, Kind::Command(Command::Back));
        let back_here = engine::open(self.library, &returned.session, Some(guide.language()))
            .is_some_and(|(_, open)| open.id == *step);
        if !same_place(&returned.session) || !back_here {
            self.broken(position, "\"back\" doesn't return from the crisis page", ENGINE);
        }

        let asked = self.after(guide, before, Kind::Command(Command::HelpNow));
        if !asked.replies.first().is_some_and(|reply| reply.is_crisis() && !reply.resources.is_empty()) {
            self.broken(position, "\"help now\" doesn't show people to contact", ENGINE);
        }

        let back = self.after(guide, before, Kind::Command(Command::Back));
        let wanted = match &before.crisis {
            Some(aside) => aside.trail.last().map_or_else(
                || place_of(before),
                |from| Some(Place { guide: guide.id().clone(), step: from.clone() }),
            ),
            None => before.trail.last().and_then(|mark| place_at(before, mark)).or_else(|| place_of(before)),
        };
        let now = match &back.session.crisis {
            Some(aside) => Some(Place { guide: guide.id().clone(), step: aside.step.clone() }),
            None => place_of(&back.session),
        };
        if now != wanted || back.replies.is_empty() {
            self.broken(position, "\"back\" doesn't return to the step before", ENGINE);
        }

        let stopped = self.after(guide, before, Kind::Command(Command::Stop));
        if !stopped.session.stopped || !same_place(&stopped.session) || stopped.replies.is_empty() {
            self.broken(position, "\"stop\" doesn't stop, or loses the place", ENGINE);
        }
        let resumed = self.after(guide, &stopped.session, Kind::Command(Command::Again));
        if resumed.session.stopped || !same_place(&resumed.session) || resumed.replies.is_empty() {
            self.broken(position, "after \"stop\", \"continue\" doesn't go on where they were", ENGINE);
        }
    }

    /// Every choice leads where it says; where it leads is a position of its own.
    fn choices<'g>(
        &mut self,
        position: &Position<'g>,
        seen: &mut HashSet<(usize, Option<usize>)>,
        queue: &mut Vec<Position<'g>>,
    ) {
        let guide = position.guide;
        // Whatever lies further back than this step makes no difference to what a choice does.
        let from = self.begun(guide, position.step);
        let offers = engine::offers(self.library, &from, Some(guide.language()));
        let step = &guide.steps()[position.step];
        for (number, choice) in step.choices.iter().enumerate() {
            let turned = self.after(guide, &from, Kind::Choose(number));
            let said = turned.replies.iter().rev().find_map(|reply| reply.place.clone());
            let tick =
                matches!(choice.target, Target::Step(to) if to == position.step) && from.crisis.is_none();
            let led = if tick {
                turned.session.ticks.len() == 1 && turned.session.here == from.here
            } else {
                // The crisis page's last steps are said, and lead back at once: that they were said is enough.
                let to = offers.get(number).and_then(|offer| offer.to.as_ref());
                to.is_some()
                    && (said.as_ref() == to || turned.replies.iter().any(|reply| reply.place.as_ref() == to))
            };
            if !led {
                self.broken(
                    position,
                    &format!("the choice \"{}\" doesn't lead where it says", choice.label),
                    "this is a fault of the program: please report it",
                );
            }
            let Target::Step(to) = choice.target else { continue };
            let stays = from.crisis.is_some() == turned.session.crisis.is_some();
            if !tick && stays && seen.insert((to, Some(position.step))) {
                queue.push(Position { guide, step: to, session: turned.session });
            }
        }
    }

    /// `topics` and `notes` lead away from every step, and `back` returns.
    fn jumps<'g>(
        &mut self,
        position: &Position<'g>,
        seen: &mut HashSet<(usize, Option<usize>)>,
        queue: &mut Vec<Position<'g>>,
    ) {
        let guide = position.guide;
        let from = self.begun(guide, position.step);
        for (command, id) in [(Command::Topics, "topics"), (Command::Notes, "notes")] {
            let Some(to) = guide.position(id).filter(|&to| to != position.step) else { continue };
            if seen.insert((to, Some(position.step))) {
                let turned = self.after(guide, &from, Kind::Command(command));
                let there = place_of(&turned.session).is_some_and(|place| place.step == guide.steps()[to].id);
                if !there {
                    self.broken(
                        position,
                        &format!("\"{id}\" doesn't lead there"),
                        "this is a fault of the program: please report it",
                    );
                    continue;
                }
                queue.push(Position { guide, step: to, session: turned.session });
            }
        }
    }

    /// By taps alone, the crisis page opens after at most two. An ending offers nothing to tap.
    fn two_taps(&mut self, position: &Position<'_>) {
        let guide = position.guide;
        let steps = guide.steps();
        let opens = |at: usize| {
            steps[at].choices.iter().position(|choice| matches!(choice.target, Target::Crisis(_)))
        };
        let at = position.step;
        if steps[at].is_end() {
            return;
        }
        let taps: Option<Vec<usize>> = opens(at).map(|tap| vec![tap]).or_else(|| {
            steps[at].choices.iter().enumerate().find_map(|(first, choice)| match choice.target {
                Target::Step(to) => opens(to).map(|second| vec![first, second]),
                _ => None,
            })
        });
        let mut session = self.begun(guide, at);
        let mut helped = false;
        for tap in taps.iter().flatten() {
            let turned = self.after(guide, &session, Kind::Choose(*tap));
            helped =
                turned.replies.first().is_some_and(|reply| reply.is_crisis() && !reply.resources.is_empty());
            session = turned.session;
        }
        if !helped {
            self.broken(
                position,
                "no person or hotline is within two taps",
                "please add a choice that leads to the crisis page, here or at a step that this one leads to",
            );
        }
    }
}

fn place_of(session: &Session) -> Option<Place> {
    engine::place(session)
}

fn place_at(session: &Session, mark: &Mark) -> Option<Place> {
    let visit = session.visits.get(usize::from(mark.spot.visit))?;
    Some(Place { guide: visit.guide.clone(), step: mark.spot.step.clone() })
}
