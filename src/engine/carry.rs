//! A session from one revision of a guide to the next: nobody is left at a step that is gone.

use super::session::{Mark, Session, Spot};
use crate::library::Library;

/// Brings a session to the guides as they are now. Says whether the person had to be moved.
///
/// A step that is still there is kept, whatever else was edited. A step that is gone is replaced by
/// the nearest one behind it on the trail, or by the beginning of the guide.
pub fn carry(library: &Library, mut session: Session) -> (Session, bool) {
    let current = |session: &Session| {
        session.visits.iter().all(|visit| {
            library.guide(visit.guide.as_str(), Some(&visit.language)).is_some_and(|guide| {
                guide.revision() == visit.revision && guide.language() == &visit.language
            })
        })
    };
    if current(&session) {
        return (session, false);
    }
    for visit in &mut session.visits {
        if let Some(guide) = library.guide(visit.guide.as_str(), Some(&visit.language)) {
            visit.revision = guide.revision();
            visit.language = guide.language().clone();
        }
    }
    let stands = |session: &Session, spot: &Spot| {
        let visit = session.visits.get(usize::from(spot.visit));
        visit
            .and_then(|visit| library.guide(visit.guide.as_str(), Some(&visit.language)))
            .is_some_and(|guide| guide.position(spot.step.as_str()).is_some())
    };
    let kept: Vec<Mark> = session.trail.iter().filter(|mark| stands(&session, &mark.spot)).cloned().collect();
    session.trail = kept;
    let ticks: Vec<Mark> =
        session.ticks.iter().filter(|tick| stands(&session, &tick.spot)).cloned().collect();
    session.ticks = ticks;
    let Some(here) = session.here.clone() else { return (session, false) };
    if stands(&session, &here) {
        return (session, false);
    }
    session.here = session.trail.pop().map(|mark| mark.spot).or_else(|| {
        let visit = session.visits.get(usize::from(here.visit))?;
        let guide = library.guide(visit.guide.as_str(), Some(&visit.language))?;
        Some(Spot { visit: here.visit, step: guide.steps()[0].id.clone() })
    });
    (session, true)
}
