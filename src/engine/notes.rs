//! The trail -> the take-away notes: a plain page of the person's own choices, to bring to a clinician.
//!
//! Descriptive, in the guide's own words. There is no field for a number, a score or a judgement.

use std::collections::BTreeMap;

use super::session::{Mark, Session};
use crate::library::Library;
use crate::script::{Block, Run};
use crate::wording::Wording;

/// The take-away notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notes {
    title: String,
    about: String,
    empty: String,
    /// The heading of a step, and the lines that were chosen there; in the order of the guide.
    sections: Vec<(String, Vec<String>)>,
    always: Vec<String>,
}

/// What was chosen at one step.
#[derive(Default)]
struct Section {
    title: String,
    answer: Option<String>,
    ticks: Vec<String>,
}

/// Gathers the notes of a session.
pub fn notes(library: &Library, session: &Session, wording: &Wording) -> Notes {
    // Steps in the order of their guides; at each, the last answer that was given, and the ticks.
    let mut lines: BTreeMap<(u8, usize), Section> = BTreeMap::new();
    let marks =
        session.trail.iter().map(|mark| (mark, false)).chain(session.ticks.iter().map(|tick| (tick, true)));
    for (Mark { spot, choice }, is_tick) in marks {
        let Some(visit) = session.visits.get(usize::from(spot.visit)) else { continue };
        let Some(guide) = visit.guide(library) else { continue };
        let Some(at) = guide.position(spot.step.as_str()) else { continue };
        let step = &guide.steps()[at];
        let Some(choice) = choice.and_then(|id| step.choice(id)) else { continue };
        let entry = lines
            .entry((spot.visit, at))
            .or_insert_with(|| Section { title: step.title.clone(), ..Section::default() });
        match (is_tick, &choice.note) {
            (true, Some(note)) => entry.ticks.push(note.clone()),
            (false, note) => entry.answer.clone_from(note),
            (true, None) => {}
        }
    }
    let sections = lines
        .into_values()
        .map(|section| (section.title, section.answer.into_iter().chain(section.ticks).collect::<Vec<_>>()))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    let words = &wording.notes;
    Notes {
        title: words.title.words(&[]),
        about: words.about.words(&[("date", &date(session.updated))]),
        empty: words.empty.words(&[]),
        sections,
        always: words.always.iter().map(|line| line.words(&[])).collect(),
    }
}

impl Notes {
    /// Whether nothing has been noted yet.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// The notes as part of a message.
    pub fn blocks(&self) -> Vec<Block> {
        if self.is_empty() {
            return vec![Block::text(&self.empty)];
        }
        let mut blocks = vec![Block::Paragraph(vec![Run::strong(&self.title)]), Block::text(&self.about)];
        for (title, lines) in &self.sections {
            blocks.push(Block::Paragraph(vec![Run::strong(title)]));
            blocks.push(Block::Bullets(lines.iter().map(|line| vec![Run::plain(line)]).collect()));
        }
        blocks.push(Block::Bullets(self.always.iter().map(|line| vec![Run::plain(line)]).collect()));
        blocks
    }

    /// The notes as a Markdown page of their own.
    pub fn markdown(&self) -> String {
        let mut page = format!("# {}\n\n{}\n", self.title, self.about);
        if self.is_empty() {
            page.push_str(&format!("\n{}\n", self.empty));
        }
        for (title, lines) in &self.sections {
            page.push_str(&format!("\n## {title}\n\n"));
            lines.iter().for_each(|line| page.push_str(&format!("- {line}\n")));
        }
        page.push('\n');
        self.always.iter().for_each(|line| page.push_str(&format!("- {line}\n")));
        page
    }
}

/// The day of a moment in seconds since 1970, UTC, as 2026-11-23.
/// Method: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
pub fn date(seconds: u64) -> String {
    let days = (seconds / 86_400).min(100_000_000) + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_are_named_as_the_calendar_has_them() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_795_392_000, "2026-11-23"),
            (4_102_444_799, "2099-12-31"),
        ] {
            assert_eq!(date(seconds), day);
        }
        date(u64::MAX);
    }
}
