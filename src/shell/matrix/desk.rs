//! What waits to be answered: a line for each room, and one for everybody in danger.
//!
//! Rooms are served in turn, one message of a room at a time. A crisis message waits for none of that: it is
//! handed out before all others, also while its room is being served. What the same person wrote before it
//! in that room is answered by it, so that no answer to "hi" pushes a number off the screen.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How many messages of one room wait at most. The rest is read back from the server when these are done.
pub const LONGEST_LINE: usize = 200;

/// Something that waits. `T` is what is to be done.
#[derive(Debug, PartialEq, Eq)]
pub struct Job<T> {
    /// In which room.
    pub room: String,
    /// Of whom.
    pub person: String,
    /// The event.
    pub event: String,
    /// Earlier events of the person that this one answers as well.
    pub covers: Vec<String>,
    /// What is to be done.
    pub work: T,
}

struct Lines<T> {
    urgent: VecDeque<Job<T>>,
    rooms: HashMap<String, VecDeque<Job<T>>>,
    /// Rooms with a line, in the order in which they are served; those being served are not in it.
    turn: VecDeque<String>,
    busy: HashSet<String>,
    /// How many in danger are being served.
    urgent_busy: usize,
    /// Whether anybody but those in danger is served yet.
    open: bool,
}

impl<T> Lines<T> {
    fn is_idle(&self) -> bool {
        self.urgent.is_empty() && self.urgent_busy == 0 && self.turn.is_empty() && self.busy.is_empty()
    }
}

/// The lines.
pub struct Desk<T> {
    lines: Mutex<Lines<T>>,
    urgent: Notify,
    normal: Notify,
    idle: Notify,
}

impl<T> Default for Desk<T> {
    fn default() -> Self {
        let lines = Lines {
            urgent: VecDeque::new(),
            rooms: HashMap::new(),
            turn: VecDeque::new(),
            busy: HashSet::new(),
            urgent_busy: 0,
            open: false,
        };
        Desk { lines: Mutex::new(lines), urgent: Notify::new(), normal: Notify::new(), idle: Notify::new() }
    }
}

impl<T> Desk<T> {
    fn lines(&self) -> MutexGuard<'_, Lines<T>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to serve everybody.
    pub fn open(&self) {
        let rooms = {
            let mut lines = self.lines();
            lines.open = true;
            lines.turn.len()
        };
        for _ in 0..rooms {
            self.normal.notify_one();
        }
    }

    /// Puts a message at the end of its room's line. Gives it back where the line is full.
    ///
    /// # Errors
    ///
    /// The job, where [`LONGEST_LINE`] others wait in that room.
    pub fn push(&self, job: Job<T>) -> Result<(), Job<T>> {
        {
            let mut lines = self.lines();
            let lines = &mut *lines;
            let line = lines.rooms.entry(job.room.clone()).or_default();
            if line.len() >= LONGEST_LINE {
                return Err(job);
            }
            if line.is_empty() && !lines.busy.contains(&job.room) {
                lines.turn.push_back(job.room.clone());
            }
            line.push_back(job);
        }
        self.normal.notify_one();
        Ok(())
    }

    /// Puts a crisis message before all others.
    pub fn push_urgent(&self, mut job: Job<T>) {
        {
            let mut lines = self.lines();
            let lines = &mut *lines;
            if let Some(line) = lines.rooms.get_mut(&job.room) {
                let (covered, left) =
                    std::mem::take(line).into_iter().partition(|other| other.person == job.person);
                *line = left;
                if line.is_empty() {
                    lines.rooms.remove(&job.room);
                    lines.turn.retain(|room| *room != job.room);
                }
                let covered: VecDeque<Job<T>> = covered;
                job.covers.extend(covered.into_iter().flat_map(|other| {
                    let mut covers = other.covers;
                    covers.push(other.event);
                    covers
                }));
            }
            lines.urgent.push_back(job);
        }
        self.urgent.notify_one();
    }

    /// The next crisis message, once there is one. [`done_urgent`](Desk::done_urgent) has to follow.
    pub async fn next_urgent(&self) -> Job<T> {
        loop {
            let (next, more) = {
                let mut lines = self.lines();
                let next = lines.urgent.pop_front();
                lines.urgent_busy += usize::from(next.is_some());
                (next, !lines.urgent.is_empty())
            };
            if let Some(job) = next {
                // Two that came at once may have woken only one of us.
                if more {
                    self.urgent.notify_one();
                }
                return job;
            }
            self.urgent.notified().await;
        }
    }

    /// The next of the other messages, once there is one whose room nobody serves. [`done`](Desk::done) has to follow.
    pub async fn next(&self) -> Job<T> {
        loop {
            if let Some(job) = self.try_next() {
                return job;
            }
            self.normal.notified().await;
        }
    }

    fn try_next(&self) -> Option<Job<T>> {
        let mut lines = self.lines();
        if !lines.open {
            return None;
        }
        let room = lines.turn.pop_front()?;
        let job = lines.rooms.get_mut(&room)?.pop_front()?;
        lines.busy.insert(room);
        if !lines.turn.is_empty() {
            self.normal.notify_one();
        }
        Some(job)
    }

    /// Somebody in danger has been served.
    pub fn done_urgent(&self) {
        let idle = {
            let mut lines = self.lines();
            lines.urgent_busy = lines.urgent_busy.saturating_sub(1);
            lines.is_idle()
        };
        if idle {
            self.idle.notify_waiters();
        }
    }

    /// Whether nobody waits and nobody is being served.
    pub fn is_idle(&self) -> bool {
        self.lines().is_idle()
    }

    /// Returns once nobody waits and nobody is being served.
    pub async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            // Registered before looking, so that what happens in between isn't missed.
            idle.as_mut().enable();
            if self.is_idle() {
                return;
            }
            idle.await;
        }
    }

    /// A room has been served: it stands at the end of the turn, if anybody waits in it. Says whether nobody does.
    pub fn done(&self, room: &str) -> bool {
        let (waits, idle) = {
            let mut lines = self.lines();
            lines.busy.remove(room);
            let waits = lines.rooms.get(room).is_some_and(|line| !line.is_empty());
            if waits {
                lines.turn.push_back(room.to_owned());
            } else {
                lines.rooms.remove(room);
            }
            (waits, lines.is_idle())
        };
        if waits {
            self.normal.notify_one();
        }
        if idle {
            self.idle.notify_waiters();
        }
        !waits
    }

    /// Drops what waits in a room. Those who are being served are finished.
    pub fn drop_room(&self, room: &str) {
        let mut lines = self.lines();
        lines.rooms.remove(room);
        lines.turn.retain(|other| other != room);
        lines.urgent.retain(|job| job.room != room);
        let idle = lines.is_idle();
        drop(lines);
        if idle {
            self.idle.notify_waiters();
        }
    }

    /// How many messages wait: in danger, and others.
    pub fn waiting(&self) -> (usize, usize) {
        let lines = self.lines();
        (lines.urgent.len(), lines.rooms.values().map(VecDeque::len).sum())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn job(room: &str, person: &str, event: &str) -> Job<()> {
        let owned = str::to_owned;
        Job { room: owned(room), person: owned(person), event: owned(event), covers: Vec::new(), work: () }
    }

    fn desk(jobs: &[(&str, &str, &str)]) -> Desk<()> {
        let desk = Desk::default();
        desk.open();
        for (room, person, event) in jobs {
            desk.push(job(room, person, event)).expect("there is room");
        }
        desk
    }

    #[test]
    fn a_room_is_served_one_message_at_a_time_and_in_order() {
        let desk = desk(&[("r", "anna", "1"), ("r", "anna", "2"), ("s", "ben", "3")]);
        let first = desk.try_next().expect("a job");
        assert_eq!(first.event, "1");
        assert_eq!(desk.try_next().expect("a job").event, "3");
        assert!(desk.try_next().is_none(), "the room is being served");
        desk.done("r");
        assert_eq!(desk.try_next().expect("a job").event, "2");
    }

    #[test]
    fn a_loud_room_holds_no_other_up() {
        let desk = desk(&[("loud", "x", "1"), ("loud", "x", "2"), ("quiet", "y", "3")]);
        desk.try_next();
        desk.done("loud");
        assert_eq!(desk.try_next().expect("a job").event, "3");
    }

    #[tokio::test]
    async fn a_crisis_message_is_handed_out_before_all_others_and_while_its_room_is_served() {
        let desk = desk(&[("r", "anna", "1"), ("r", "ben", "2")]);
        desk.try_next();
        desk.push_urgent(job("r", "ben", "3"));
        assert_eq!(desk.next_urgent().await.event, "3");
    }

    #[tokio::test]
    async fn what_a_person_wrote_before_a_crisis_message_is_answered_by_it() {
        let desk = desk(&[("r", "anna", "1"), ("r", "ben", "2"), ("r", "anna", "3"), ("s", "anna", "4")]);
        desk.push_urgent(job("r", "anna", "5"));
        desk.push(job("r", "anna", "6")).expect("there is room");
        assert_eq!(desk.next_urgent().await.covers, ["1", "3"]);
        let mut rest = Vec::new();
        while let Some(job) = desk.try_next() {
            desk.done(&job.room);
            rest.push(job.event);
        }
        rest.sort();
        assert_eq!(rest, ["2", "4", "6"]);
    }

    #[tokio::test]
    async fn the_desk_is_idle_when_the_last_one_has_been_served_and_not_before() {
        let desk = desk(&[("r", "anna", "1")]);
        desk.push_urgent(job("s", "ben", "2"));
        let is_idle = async || tokio::time::timeout(Duration::from_millis(10), desk.idle()).await.is_ok();
        assert!(!is_idle().await, "both wait");
        desk.try_next();
        desk.next_urgent().await;
        assert!(!is_idle().await, "both are being served");
        desk.done("r");
        assert!(!is_idle().await, "one is being served");
        // Whoever waits for it is woken by the last.
        let (woken, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(5), desk.idle()), async {
            desk.done_urgent()
        });
        assert!(woken.is_ok());
    }

    #[test]
    fn before_the_desk_is_open_only_those_in_danger_are_served() {
        let desk = Desk::default();
        desk.push(job("r", "anna", "1")).expect("there is room");
        assert!(desk.try_next().is_none());
        desk.open();
        assert!(desk.try_next().is_some());
    }

    #[test]
    fn a_flood_in_one_room_ends_at_a_limit() {
        let desk = Desk::default();
        for event in 0..LONGEST_LINE {
            desk.push(job("r", "x", &event.to_string())).expect("there is room");
        }
        assert!(desk.push(job("r", "x", "more")).is_err());
        desk.push(job("s", "y", "1")).expect("another room");
        assert_eq!(desk.waiting(), (0, LONGEST_LINE + 1));
    }
}
