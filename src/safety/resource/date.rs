//! Days of the calendar, passed in by whoever has a clock.

use std::fmt;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    /// Takes a day that exists, from 1970 on, such as `2026-11-23`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_shaped = text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        if text.len() != 10 || !is_shaped {
            return None;
        }
        let (year, month, day) = (text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?);
        (year >= 1970 && (1..=days_of(year, month)).contains(&day)).then_some(Date { year, month, day })
    }

    /// How many whole months lie between this day and a later one; 0 where it isn't later.
    pub fn months_until(self, later: Date) -> u32 {
        let months = |date: Date| date.year * 12 + date.month;
        months(later).saturating_sub(months(self)).saturating_sub(u32::from(later.day < self.day))
    }
}

/// How many days a month has; none where there is no such month.
fn days_of(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        _ => 0,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}
