//! What an operator can see: counts, depths and times, and a line for each thing that happened to the program.
//! Nothing in here names a person, a place or a word that anybody wrote: labels and fields are closed lists.

use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::clock;

/// Upper bounds of the times that are counted, in seconds.
const TIMES: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0, 15.0];

/// What sort of reply it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "they are the labels as they are read")]
pub enum Sort {
    /// A crisis reply in private.
    crisis,
    /// A crisis reply where others can read it.
    public_crisis,
    /// Anything else that is said to a member.
    member,
    /// An answer to a moderator.
    moderator,
    /// A card in the moderators' channel.
    alert,
}

/// The label of a sort of reply.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfSort {
    sort: Sort,
}

/// Counts, depths and times of one process. Cheap to add to from any thread.
pub struct Telemetry {
    registry: Registry,
    /// Events that a platform told of.
    pub events: Counter,
    replies: Family<OfSort, Counter>,
    times: Family<OfSort, Histogram>,
    failures: Family<OfSort, Counter>,
    /// Messages that were let go because too many waited; never one with a concern.
    pub dropped: Counter,
    /// Connections to a platform that broke.
    pub reconnects: Counter,
    /// How often the store failed.
    pub store_errors: Counter,
    /// Turns that failed inside; the crisis reply, if one was due, was sent before.
    pub panics: Counter,
    /// Events that wait to be answered.
    pub waiting: Gauge,
    ready: AtomicBool,
}

impl Default for Telemetry {
    fn default() -> Self {
        Telemetry::new()
    }
}

impl Telemetry {
    /// Everything at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("lantern");
        let made = Telemetry {
            events: Counter::default(),
            replies: Family::default(),
            times: Family::new_with_constructor(|| Histogram::new(TIMES)),
            failures: Family::default(),
            dropped: Counter::default(),
            reconnects: Counter::default(),
            store_errors: Counter::default(),
            panics: Counter::default(),
            waiting: Gauge::default(),
            ready: AtomicBool::new(false),
            registry: Registry::default(),
        };
        registry.register("events", "Events that a platform told of", made.events.clone());
        registry.register("replies", "Replies sent, by sort", made.replies.clone());
        registry.register_with_unit(
            "reply_time",
            "Time from an event to its first reply sent, by sort",
            Unit::Seconds,
            made.times.clone(),
        );
        registry.register(
            "send_failures",
            "Replies that a platform did not take, by sort",
            made.failures.clone(),
        );
        registry.register("dropped", "Events let go because too many waited", made.dropped.clone());
        registry.register("reconnects", "Connections that broke", made.reconnects.clone());
        registry.register("store_errors", "Failures of the store", made.store_errors.clone());
        registry.register("panics", "Turns that failed inside", made.panics.clone());
        registry.register("waiting", "Events that wait to be answered", made.waiting.clone());
        Telemetry { registry, ..made }
    }

    /// A reply was sent, so long after its event.
    pub fn replied(&self, sort: Sort, after: Duration) {
        self.replies.get_or_create(&OfSort { sort }).inc();
        self.times.get_or_create(&OfSort { sort }).observe(after.as_secs_f64());
    }

    /// A reply was refused.
    pub fn failed(&self, sort: Sort) {
        self.failures.get_or_create(&OfSort { sort }).inc();
    }

    /// How many replies of a sort were sent.
    pub fn replies(&self, sort: Sort) -> u64 {
        self.replies.get_or_create(&OfSort { sort }).get()
    }

    /// Whether the program is connected and answers.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// Whether the program is connected and answers.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Everything, as OpenMetrics text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to memory can't fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

/// When an event arrived, and what is counted when its first reply is out.
#[derive(Clone)]
pub struct Watched {
    telemetry: Arc<Telemetry>,
    began: Instant,
}

impl Watched {
    /// Begins now.
    pub fn new(telemetry: &Arc<Telemetry>) -> Self {
        Watched { telemetry: telemetry.clone(), began: Instant::now() }
    }

    /// A reply is out.
    pub fn replied(&self, sort: Sort) {
        self.telemetry.replied(sort, self.began.elapsed());
    }

    /// A reply was refused.
    pub fn failed(&self, sort: Sort) {
        self.telemetry.failed(sort);
    }
}

/// Writes a line about the program: the time, what happened, and fields that are numbers or names of the program's own.
pub fn note(what: &str, fields: &[(&str, &dyn Display)]) {
    let mut line = format!("{} {what}", timestamp(clock::now()));
    for (name, value) in fields {
        let value = value.to_string().replace(char::is_control, " ");
        // Writing to memory can't fail.
        let _ = if value.contains(' ') {
            write!(line, " {name}=\"{}\"", value.replace('"', "'"))
        } else {
            write!(line, " {name}={value}")
        };
    }
    line.push('\n');
    // A log that can't be written must not stop anybody from being answered.
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// Seconds since 1970 as RFC 3339 writes them.
fn timestamp(at: u64) -> String {
    let (hour, minute, second) = (at / 3600 % 24, at / 60 % 60, at % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", crate::engine::notes::date(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told_by_sort_and_nothing_else() {
        let telemetry = Telemetry::new();
        telemetry.replied(Sort::crisis, Duration::from_millis(3));
        telemetry.events.inc();
        let text = telemetry.text();
        assert!(text.contains("lantern_replies_total{sort=\"crisis\"} 1"), "{text}");
        assert!(text.contains("lantern_reply_time_seconds_bucket{le=\"0.005\",sort=\"crisis\"} 1"), "{text}");
        for line in text.lines().filter(|line| line.contains('{')) {
            let labels = line.split(['{', '}']).nth(1).unwrap_or("");
            for label in labels.split(',') {
                let name = label.split('=').next().unwrap_or("");
                assert!(["sort", "le", ""].contains(&name), "{line}");
            }
        }
    }

    #[test]
    fn a_line_of_the_log_says_when() {
        assert_eq!(timestamp(1_000_000_000), "2001-09-09T01:46:40Z");
    }
}
