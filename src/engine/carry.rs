//! A session from one revision of a guide to the next: nobody is left at a step that is gone.

use super::session::{Mark, Session, Spot, Visit};
use crate::library::Library;

/// Brings a session to the texts that can still be finished. Says whether the person had to be moved.
///
/// A conversation finishes on the text that it began with, as long as the library keeps it. Where that was
/// withdrawn, or lost, the one in service takes its place: a step that is still there is kept, whatever else
/// was edited; a step that is gone is replaced by the nearest one behind it on the trail, or by the beginning
/// of the guide.
pub fn carry(library: &Library, mut session: Session) -> (Session, bool) {
    let kept = |visit: &Visit| {
        visit
            .guide(library)
            .is_some_and(|guide| guide.revision() == visit.revision && guide.language() == &visit.language)
    };
    if session.visits.iter().all(kept) {
        return (session, false);
    }
    for visit in &mut session.visits {
        if let Some(guide) = visit.guide(library) {
            visit.revision = guide.revision();
            visit.language = guide.language().clone();
        }
    }
    let stands = |session: &Session, spot: &Spot| {
        let visit = session.visits.get(usize::from(spot.visit));
        visit
            .and_then(|visit| visit.guide(library))
            .is_some_and(|guide| guide.position(spot.step.as_str()).is_some())
    };
    let standing = |marks: &[Mark]| -> Vec<Mark> {
        marks.iter().filter(|mark| stands(&session, &mark.spot)).cloned().collect()
    };
    let (trail, ticks) = (standing(&session.trail), standing(&session.ticks));
    (session.trail, session.ticks) = (trail, ticks);
    let Some(here) = session.here.clone() else { return (session, false) };
    if stands(&session, &here) {
        return (session, false);
    }
    session.here = session.trail.pop().map(|mark| mark.spot).or_else(|| {
        let visit = session.visits.get(usize::from(here.visit))?;
        Some(Spot { visit: here.visit, step: visit.guide(library)?.steps()[0].id.clone() })
    });
    (session, true)
}
