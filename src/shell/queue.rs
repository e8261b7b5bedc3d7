//! What waits to be answered: a bounded queue for each worker, and a lane for crises that goes past them all.
//!
//! A message with a concern is taken up by threads of its own, which only send the crisis reply. What is left of it
//! (the turn, the store) then waits with everything else, so that a slow or hanging store holds no crisis reply back.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::telemetry::Telemetry;

/// How many workers answer: many of them wait for the disk at the same time, and share its flushes.
const WORKERS: usize = 16;
/// How many threads send crisis replies.
const RESCUERS: usize = 2;
/// How many events may wait with each worker.
const DEPTH: usize = 512;

/// How one piece of work is done. Both may take their time and may fail inside; neither stops the others.
pub trait Work: Send + 'static {
    /// Sends what can't wait, if anything.
    fn urgent(&mut self);
    /// Does the rest.
    fn rest(self);
}

/// Why a piece of work was not taken: too many wait.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

struct Lane<W> {
    waiting: Mutex<VecDeque<W>>,
    more: Condvar,
}

impl<W> Default for Lane<W> {
    fn default() -> Self {
        Lane { waiting: Mutex::default(), more: Condvar::new() }
    }
}

impl<W> Lane<W> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<W>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, work: W, most: usize) -> Result<(), Full> {
        let mut waiting = self.lock();
        if waiting.len() >= most {
            return Err(Full);
        }
        waiting.push_back(work);
        drop(waiting);
        self.more.notify_one();
        Ok(())
    }
}

/// A piece of work and whose it is.
struct Piece<W> {
    person: u64,
    work: W,
}

struct Shared<W> {
    urgent: Lane<Piece<W>>,
    workers: Vec<Lane<W>>,
    telemetry: Arc<Telemetry>,
    /// Set when nothing urgent can come any more, and when nothing at all can.
    closing: [AtomicBool; 2],
}

impl<W> Shared<W> {
    fn lane(&self, person: u64) -> &Lane<W> {
        &self.workers[(person % self.workers.len() as u64) as usize]
    }

    /// The next piece of a lane; none when the lane is empty and closed.
    fn next<P>(&self, lane: &Lane<P>, closed: &AtomicBool) -> Option<P> {
        let mut waiting = lane.lock();
        loop {
            if let Some(piece) = waiting.pop_front() {
                return Some(piece);
            }
            if closed.load(Ordering::Acquire) {
                return None;
            }
            waiting = lane
                .more
                .wait_timeout(waiting, Duration::from_millis(500))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn guard(&self, work: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            self.telemetry.panics.inc();
        }
    }
}

fn rescue<W: Work>(shared: &Shared<W>) {
    while let Some(Piece { person, mut work }) = shared.next(&shared.urgent, &shared.closing[0]) {
        shared.guard(|| work.urgent());
        // However many wait there: whoever was in danger must find their place again.
        let _ = shared.lane(person).push(work, usize::MAX);
    }
}

fn labour<W: Work>(shared: &Shared<W>, number: usize) {
    while let Some(work) = shared.next(&shared.workers[number], &shared.closing[1]) {
        shared.telemetry.waiting.dec();
        shared.guard(|| work.rest());
    }
}

/// The queue and the threads that empty it.
pub struct Queue<W> {
    shared: Arc<Shared<W>>,
    rescuers: Mutex<Vec<JoinHandle<()>>>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

impl<W: Work> Queue<W> {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// Where the system has none.
    pub fn start(telemetry: Arc<Telemetry>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            urgent: Lane::default(),
            workers: (0..WORKERS).map(|_| Lane::default()).collect(),
            telemetry,
            closing: [AtomicBool::new(false), AtomicBool::new(false)],
        });
        let rescuer = |number: usize| {
            let shared = shared.clone();
            std::thread::Builder::new().name(format!("crisis-{number}")).spawn(move || rescue(&shared))
        };
        let worker = |number: usize| {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || labour(&shared, number))
        };
        Ok(Queue {
            rescuers: Mutex::new((0..RESCUERS).map(rescuer).collect::<Result<_, _>>()?),
            workers: Mutex::new((0..WORKERS).map(worker).collect::<Result<_, _>>()?),
            shared,
        })
    }

    /// Takes work for a person, whose pieces are done in order. What is `urgent` is always taken.
    ///
    /// # Errors
    ///
    /// [`Full`] where too many wait.
    pub fn push(&self, person: u64, urgent: bool, work: W) -> Result<(), Full> {
        let telemetry = &self.shared.telemetry;
        // Counted first: it may be done before this returns.
        telemetry.waiting.inc();
        let taken = if urgent {
            self.shared.urgent.push(Piece { person, work }, usize::MAX)
        } else {
            self.shared.lane(person).push(work, DEPTH)
        };
        if taken.is_err() {
            telemetry.waiting.dec();
            telemetry.dropped.inc();
        }
        taken
    }

    /// Finishes what waits, for at most so long, and ends. Says whether everything was finished.
    pub fn close(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let stages = [&self.rescuers, &self.workers];
        let mut all = true;
        for (threads, closing) in stages.into_iter().zip(&self.shared.closing) {
            closing.store(true, Ordering::Release);
            self.shared.urgent.more.notify_all();
            self.shared.workers.iter().for_each(|lane| lane.more.notify_all());
            for thread in std::mem::take(&mut *threads.lock().unwrap_or_else(PoisonError::into_inner)) {
                while !thread.is_finished() && Instant::now() < until {
                    std::thread::sleep(Duration::from_millis(5));
                }
                // One that hangs in the store is left behind.
                all &= thread.is_finished() && thread.join().is_ok();
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    struct Task(Sender<String>, &'static str, Duration);

    impl Work for Task {
        fn urgent(&mut self) {
            self.0.send(format!("help {}", self.1)).expect("somebody listens");
        }
        fn rest(self) {
            std::thread::sleep(self.2);
            assert_ne!(self.1, "broken", "a turn that fails inside");
            self.0.send(self.1.to_owned()).expect("somebody listens");
        }
    }

    #[test]
    fn a_crisis_goes_past_everything_that_waits_or_hangs() {
        let (tell, hear) = channel();
        let queue = Queue::start(Arc::default()).expect("threads");
        for _ in 0..WORKERS as u64 * 4 {
            let slow = Task(tell.clone(), "slow", Duration::from_millis(200));
            queue.push(7, false, slow).expect("there is room");
        }
        queue.push(7, true, Task(tell.clone(), "me", Duration::ZERO)).expect("always");
        assert_eq!(hear.recv().expect("something"), "help me");
    }

    #[test]
    fn what_one_person_says_is_answered_in_order_also_after_a_failure() {
        let (tell, hear) = channel();
        let queue = Queue::start(Arc::default()).expect("threads");
        for what in ["one", "broken", "two", "three"] {
            queue.push(3, false, Task(tell.clone(), what, Duration::ZERO)).expect("there is room");
        }
        assert!(queue.close(Duration::from_secs(10)));
        assert_eq!(hear.try_iter().collect::<Vec<_>>(), ["one", "two", "three"]);
    }

    #[test]
    fn a_full_queue_refuses_and_still_takes_a_crisis() {
        let (tell, hear) = channel();
        let queue = Queue::start(Arc::default()).expect("threads");
        let mut refused = 0;
        for _ in 0..DEPTH * 2 {
            let slow = Task(tell.clone(), "slow", Duration::from_millis(5));
            refused += usize::from(queue.push(1, false, slow).is_err());
        }
        assert!(refused > 0);
        queue.push(1, true, Task(tell, "me", Duration::ZERO)).expect("always");
        assert!(hear.iter().any(|heard| heard == "help me"));
    }
}
