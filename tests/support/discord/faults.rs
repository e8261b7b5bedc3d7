//! What goes wrong on purpose: rate limits, failing servers, slow replies.

use std::collections::HashMap;
use std::time::Duration;

/// What is done to a request instead of answering it at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// 429, with the time after which to ask again; over everything, or this route only.
    Limited { retry_after: Duration, global: bool },
    /// This status and nothing useful.
    Fails(u16),
    /// Done at once, but the answer is on its way for so long.
    SlowAnswer(Duration),
    /// The request reaches Discord only after so long.
    SlowRequest(Duration),
    /// The connection breaks before an answer; nothing was done.
    Broken,
}

/// A fault at a route, so many times.
#[derive(Clone, Debug)]
struct Planned {
    route: String,
    fault: Fault,
    left: usize,
}

/// One window of a bucket.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: Duration,
    used: u32,
}

/// What the bot is told about its bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub name: String,
    pub limit: u32,
    pub remaining: u32,
    pub reset_after: Duration,
    /// More than the limit: refused.
    pub over: bool,
}

/// All that is planned, and what the buckets hold.
#[derive(Debug)]
pub struct Faults {
    planned: Vec<Planned>,
    buckets: HashMap<(String, String), Window>,
    /// Requests in a window, for each route and channel.
    pub limit: u32,
    pub window: Duration,
    /// Requests a second over all routes (interactions aside); none: not counted.
    pub overall: Option<u32>,
    second: Option<Window>,
    /// 429 from all routes until then.
    stopped_until: Duration,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults {
            planned: Vec::new(),
            buckets: HashMap::new(),
            // So high that only a test that lowers it meets it.
            limit: 10_000,
            window: Duration::from_secs(1),
            overall: None,
            second: None,
            stopped_until: Duration::ZERO,
        }
    }
}

/// Routes that an interaction's own token opens: they don't count towards the limit over everything.
pub fn is_interaction(route: &str) -> bool {
    route.contains("_token}")
}

impl Faults {
    /// Plans a fault for the next `times` requests to a route (`*`: any).
    pub fn plan(&mut self, route: &str, fault: Fault, times: usize) {
        self.planned.push(Planned { route: route.to_owned(), fault, left: times });
    }

    /// All will be well from now on.
    pub fn clear(&mut self) {
        self.planned.clear();
        self.stopped_until = Duration::ZERO;
    }

    /// The fault that this request meets. A limit over everything is none for answers to interactions.
    pub fn next(&mut self, route: &str, now: Duration) -> Option<Fault> {
        if now < self.stopped_until && !is_interaction(route) {
            return Some(Fault::Limited { retry_after: self.stopped_until - now, global: true });
        }
        let meets = |planned: &&mut Planned| {
            let global = matches!(planned.fault, Fault::Limited { global: true, .. });
            let every = planned.route == "*" && !(global && is_interaction(route));
            planned.left > 0 && (every || planned.route == route)
        };
        let planned = self.planned.iter_mut().find(meets)?;
        planned.left = planned.left.saturating_sub(1);
        let fault = planned.fault.clone();
        if let Fault::Limited { retry_after, global: true } = fault {
            self.stopped_until = now + retry_after;
        }
        Some(fault)
    }

    /// Counts a request in its bucket.
    pub fn count(&mut self, route: &str, major: &str, now: Duration) -> Bucket {
        let window = self.window;
        let key = (route.to_owned(), major.to_owned());
        let bucket = self.buckets.entry(key).or_insert(Window { began: now, used: 0 });
        if now >= bucket.began + window {
            *bucket = Window { began: now, used: 0 };
        }
        bucket.used += 1;
        Bucket {
            name: format!(
                "{:016x}",
                route.bytes().fold(7, |hash: u64, byte| hash.rotate_left(5) ^ u64::from(byte))
            ),
            limit: self.limit,
            remaining: self.limit.saturating_sub(bucket.used),
            reset_after: (bucket.began + window).saturating_sub(now),
            over: bucket.used > self.limit,
        }
    }

    /// Counts a request over all routes: how long to wait when it is one too many.
    pub fn count_overall(&mut self, now: Duration) -> Option<Duration> {
        let most = self.overall?;
        let second = self.second.get_or_insert(Window { began: now, used: 0 });
        if now >= second.began + Duration::from_secs(1) {
            *second = Window { began: now, used: 0 };
        }
        second.used += 1;
        (second.used > most).then(|| second.began + Duration::from_secs(1) - now)
    }
}
