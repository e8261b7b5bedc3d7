//! How well distress is recognised: cases by group in, a scorecard out.

use std::collections::BTreeMap;
use std::fmt;

pub use super::case::{Case, Expected, Group};
use super::{Concern, Level, Screener};

/// How many of how many, with its 95 % interval after Wilson (Journal of the American Statistical
/// Association 22, 1927).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How many were right.
    pub right: usize,
    /// Of how many.
    pub of: usize,
}

impl Share {
    /// In percent; 100 of nothing.
    pub fn percent(self) -> f64 {
        if self.of == 0 { 100.0 } else { 100.0 * self.right as f64 / self.of as f64 }
    }

    /// The ends of the interval, in percent.
    pub fn interval(self) -> (f64, f64) {
        if self.of == 0 {
            return (0.0, 100.0);
        }
        let (n, z) = (self.of as f64, 1.959_964_f64);
        let share = self.right as f64 / n;
        let middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        (100.0 * (middle - half).max(0.0), 100.0 * (middle + half).min(1.0))
    }

    fn add(&mut self, right: bool) {
        self.of += 1;
        self.right += usize::from(right);
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.interval();
        write!(
            f,
            "{:>9} {:>6.1} % {low:>6.1}–{high:<6.1}",
            format!("{}/{}", self.right, self.of),
            self.percent()
        )
    }
}

/// What a group came to.
#[derive(Debug, Clone, Default)]
pub struct Score {
    /// Lines that should be recognised, and were, at whatever level from concern on.
    pub recognised: Share,
    /// Lines that should stay quiet, and did.
    pub quiet: Share,
    /// Recognised at another level, or of another person.
    pub off: usize,
    /// What was not right: the line, and what was found.
    pub wrong: Vec<(String, Concern)>,
}

impl Score {
    /// Lines of both kinds that were right.
    pub fn right(&self) -> usize {
        self.recognised.right + self.quiet.right
    }

    /// Puts the cases of a group to the screener.
    pub fn of(screener: &Screener, group: &Group) -> Score {
        let mut score = Score::default();
        for case in &group.cases {
            let found = screener.screen(&case.text);
            let alarm = found.level >= Level::Concern;
            let right = match case.expected {
                Expected::Quiet => {
                    score.quiet.add(!alarm);
                    !alarm
                }
                Expected::Recognised(level, who) => {
                    score.recognised.add(alarm);
                    let off =
                        level.is_some_and(|level| found.level != level) || who.is_some() && found.who != who;
                    score.off += usize::from(alarm && off);
                    alarm
                }
            };
            if !right {
                score.wrong.push((case.text.clone(), found));
            }
        }
        score
    }
}

/// The scores of all groups, by name. Its `Display` is the scorecard.
#[derive(Debug, Clone, Default)]
pub struct Scorecard {
    /// By the group's name.
    pub scores: BTreeMap<String, Score>,
}

impl Scorecard {
    /// Puts all cases to the screener.
    pub fn of(screener: &Screener, groups: &[Group]) -> Scorecard {
        Scorecard {
            scores: groups.iter().map(|group| (group.name.clone(), Score::of(screener, group))).collect(),
        }
    }

    /// Recall: what should be recognised, and was.
    pub fn recognised(&self) -> Share {
        total(self.scores.values().map(|score| score.recognised))
    }

    /// What should stay quiet, and did; the rest are false alarms.
    pub fn quiet(&self) -> Share {
        total(self.scores.values().map(|score| score.quiet))
    }

    /// What breaks a floor: fewer lines right than the group's floor says, a group without a floor, a floor
    /// without a group, or a floor below 90 % of the lines that should be recognised and 95 % of those that
    /// should stay quiet.
    pub fn below(&self, floors: &BTreeMap<String, usize>) -> Vec<String> {
        let mut found = Vec::new();
        for (name, score) in &self.scores {
            let least = (score.recognised.of * 90).div_ceil(100) + (score.quiet.of * 95).div_ceil(100);
            match floors.get(name) {
                None => found.push(format!("{name} has no floor; please add \"{name}\" = {}", score.right())),
                Some(floor) if score.right() < *floor => {
                    found.push(format!("{name}: {} right, and the floor is {floor}", score.right()));
                }
                Some(floor) if *floor < least => {
                    found.push(format!(
                        "{name}: its floor of {floor} is below {least}, the least that is asked"
                    ));
                }
                Some(_) => {}
            }
        }
        let gone = floors.keys().filter(|name| !self.scores.contains_key(*name));
        found.extend(gone.map(|name| format!("there is a floor for {name}, and no such group")));
        found
    }
}

fn total(shares: impl Iterator<Item = Share>) -> Share {
    shares.fold(Share::default(), |sum, one| Share { right: sum.right + one.right, of: sum.of + one.of })
}

impl fmt::Display for Scorecard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:26} {:>9} {:>8} {:^14} {:>6}", "group", "right", "", "95 %", "level")?;
        for (name, score) in &self.scores {
            for (what, share) in [("", score.recognised), (" (quiet)", score.quiet)] {
                if share.of > 0 {
                    let off = if what.is_empty() && score.off > 0 {
                        format!("{} off", score.off)
                    } else {
                        String::new()
                    };
                    writeln!(f, "{:26} {share} {off:>6}", format!("{name}{what}"))?;
                }
            }
            for (text, found) in &score.wrong {
                writeln!(f, "    {found}: {text}")?;
            }
        }
        let off: usize = self.scores.values().map(|score| score.off).sum();
        writeln!(f, "{:26} {} {:>6}", "all: recognised", self.recognised(), format!("{off} off"))?;
        writeln!(f, "{:26} {}", "all: quiet", self.quiet())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_that_says_no_level_is_pointed_at() {
        let faults = Group::read("en/x", "en/x.txt", "= ideatoin self\nline\n").unwrap_err();
        assert_eq!(faults[0].place.as_ref().map(|place| place.line), Some(1));
        assert!(faults[0].help.contains("= ideation self"));
    }

    #[test]
    fn a_line_before_any_heading_is_pointed_at() {
        assert!(Group::read("en/x", "en/x.txt", "# what it is for\nline\n").is_err());
    }

    #[test]
    fn a_missed_line_a_false_alarm_and_a_wrong_level_are_told_apart() {
        let text = "= imminent self\ni want to die\nnice weather\n= quiet\ni want to die\ngood morning\n";
        let score = Score::of(Screener::builtin(), &Group::read("en/x", "en/x.txt", text).unwrap());
        assert_eq!((score.recognised, score.quiet), (Share { right: 1, of: 2 }, Share { right: 1, of: 2 }));
        assert_eq!((score.off, score.wrong.len(), score.right()), (1, 2, 2));
    }

    #[test]
    fn a_floor_that_is_broken_missing_lowered_or_left_over_is_told() {
        let group = Group::read("en/x", "en/x.txt", "= quiet\ngood morning\ni want to die\n").unwrap();
        let card = Scorecard::of(Screener::builtin(), &[group]);
        let told = |floors: &[(&str, usize)]| {
            card.below(&floors.iter().map(|(name, floor)| ((*name).to_owned(), *floor)).collect())
        };
        assert!(told(&[("en/x", 2)])[0].contains("1 right, and the floor is 2"));
        assert!(told(&[])[0].contains("no floor"));
        assert!(told(&[("en/x", 1)])[0].contains("below 2"));
        assert!(told(&[("en/x", 2), ("en/y", 1)])[1].contains("no such group"));
    }

    #[test]
    fn the_interval_is_wilsons() {
        // 9 of 10: 0.5958 to 0.9821, as in the tables for the method.
        let (low, high) = Share { right: 9, of: 10 }.interval();
        assert!((low - 59.58).abs() < 0.02 && (high - 98.21).abs() < 0.02, "{low} {high}");
    }
}
