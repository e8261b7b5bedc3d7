//! The proof of the graph and the engine, and that it catches an engine that breaks a promise.

use std::cell::Cell;

use lantern::engine::{self, Event, Kind, Session, Turn};
use lantern::library::Library;
use lantern::proof;
use lantern::wording::Command;

#[test]
fn every_position_of_every_shipped_guide_keeps_its_promises() {
    let proof = proof::prove(Library::builtin());
    assert!(proof.failures.is_empty(), "{}", proof.failures[0]);
    let steps: usize = Library::builtin().all_guides().map(|guide| guide.steps().len()).sum();
    assert!(proof.positions > steps, "each step is reached in more than one way: {}", proof.positions);
    assert!(proof.turns > 5 * proof.positions);
}

/// Whether the proof finds this fault of an engine.
fn caught(fault: impl Fn(&Library, Session, &Event<'_>) -> Turn) -> Vec<String> {
    let proof = proof::prove_with(Library::builtin(), &fault);
    proof.failures.iter().map(|one| format!("{} {}", one.code, one.what)).collect()
}

#[track_caller]
fn catches(words: &str, fault: impl Fn(&Library, Session, &Event<'_>) -> Turn) {
    let found = caught(fault);
    assert!(found.iter().any(|one| one.contains(words)), "not caught: {words}; but {:?}", found.first());
}

fn is(event: &Event<'_>, command: Command) -> bool {
    matches!(event.kind, Kind::Command(one) if one == command)
}

#[test]
fn an_engine_that_says_something_before_the_crisis_reply_is_caught() {
    catches("crisis reply doesn't come first", |library, session, event| {
        let mut turn = engine::turn(library, session, event);
        if turn.replies.first().is_some_and(engine::Reply::is_crisis) {
            turn.replies.insert(0, engine::Reply::told(Vec::new()));
        }
        turn
    });
}

#[test]
fn an_engine_that_shows_nobody_to_contact_is_caught() {
    catches("people to contact", |library, session, event| {
        let mut turn = engine::turn(library, session, event);
        turn.replies.iter_mut().for_each(|reply| reply.resources.clear());
        turn
    });
}

#[test]
fn an_engine_that_forgets_the_place_in_a_crisis_is_caught() {
    catches("leave the place as it is", |library, session, event| {
        let mut turn = engine::turn(library, session, event);
        if matches!(event.kind, Kind::Text(_)) {
            turn.session.trail.pop();
        }
        turn
    });
}

#[test]
fn an_engine_whose_back_stays_is_caught() {
    catches("\"back\" doesn't return to the step before", |library, session, event| {
        if is(event, Command::Back) && session.crisis.is_none() {
            return engine::turn(library, session, &Event { kind: Kind::Command(Command::Again), ..*event });
        }
        engine::turn(library, session, event)
    });
}

#[test]
fn an_engine_that_cannot_come_back_from_the_crisis_page_is_caught() {
    catches("doesn't return from the crisis page", |library, session, event| {
        if is(event, Command::Back) && session.crisis.is_some() {
            return engine::turn(library, session, &Event { kind: Kind::Command(Command::Again), ..*event });
        }
        engine::turn(library, session, event)
    });
}

#[test]
fn an_engine_that_goes_on_after_stop_is_caught() {
    catches("\"stop\" doesn't stop", |library, session, event| {
        let mut turn = engine::turn(library, session, event);
        turn.session.stopped = false;
        turn
    });
}

#[test]
fn an_engine_that_takes_the_choice_beside_the_one_that_was_tapped_is_caught() {
    catches("doesn't lead where it says", |library, session, event| {
        let kind = match event.kind {
            Kind::Choose(at) => Kind::Choose(at.saturating_sub(1)),
            other => other,
        };
        engine::turn(library, session, &Event { kind, ..*event })
    });
}

#[test]
fn an_engine_that_is_wrong_once_in_a_thousand_turns_is_caught() {
    // One position is enough: nothing is sampled.
    let turns = Cell::new(0);
    catches("crisis reply doesn't come first", |library, session, event| {
        let mut turn = engine::turn(library, session, event);
        if matches!(event.kind, Kind::Text(_)) {
            turns.set(turns.get() + 1);
            if turns.get() == 200 {
                turn.replies.clear();
            }
        }
        turn
    });
}

#[test]
fn an_engine_whose_help_now_is_silent_is_caught() {
    catches("\"help now\" doesn't show people", |library, session, event| {
        let mut turn = engine::turn(library, session, event);
        if is(event, Command::HelpNow) {
            turn.replies.clear();
        }
        turn
    });
}

#[test]
fn a_guide_without_help_in_reach_is_caught_by_walking_it() {
    let page = "---\nid: tea\nlanguage: en\n---\n\n# Tea\n\n- [Milk?](#milk)\n\n## Milk\n\n- [On](#end)\n- [Help](../crisis/en.md)\n\n## End\n\n(end)\n";
    let library = Library::read([("tea/en.md", page)]).unwrap_or_else(|found| panic!("{}", found[0]));
    let proof = proof::prove(&library);
    assert_eq!(
        proof.failures.len(),
        0,
        "from the first step, help is two taps away: {:?}",
        proof.failures.first()
    );
    let far = page
        .replace("- [Help](../crisis/en.md)\n", "- [Lemon?](#lemon)\n")
        .replace("## End\n", "## Lemon\n\n- [On](#end)\n- [Help](../crisis/en.md)\n\n## End\n");
    let library = Library::read([("tea/en.md", far.as_str())]).unwrap_or_else(|found| panic!("{}", found[0]));
    let found: Vec<String> = proof::prove(&library).failures.iter().map(|one| one.what.clone()).collect();
    assert!(found.iter().any(|what| what.contains("no person or hotline is within two taps")), "{found:?}");
}
