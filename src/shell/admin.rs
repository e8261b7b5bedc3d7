//! The moderators' commands, the same on every platform: each takes who asks and what for, and gives Markdown text. An
//! adapter only finds out who somebody is and whether they may.
//!
//! Every change goes into the community's record. Nothing here ever shows a word of a member's conversation, or who is
//! in one.

mod choices;
mod guides;
mod languages;
mod notice;
mod phrases;
mod text;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use guides::Proposal;
pub use text::{Attachment, LONGEST, Said};

use self::guides::{Waiting, refused};
use self::text::{code, count};
use crate::engine::notes;
use crate::script::CRISIS;
use crate::shell::Service;
use crate::shell::community::{Communities, Deed};
use crate::shell::store::StoreError;
use crate::shell::workbench::census::Census;
use crate::shell::workbench::revisions::Revisions;

/// How many lines of the record a message shows.
const DEEDS: usize = 20;

/// Who asks: somebody whom the adapter has found to be a moderator.
#[derive(Debug, Clone, Copy)]
pub struct Moderator<'a> {
    /// The id of the community, such as `discord-123`.
    pub community: &'a str,
    /// The name or id that the platform has for them; it goes into the record.
    pub name: &'a str,
    /// When, in seconds since 1970.
    pub now: u64,
}

/// How a platform writes things.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// A channel by its id, such as `<#123>`.
    pub channel: fn(&str) -> String,
    /// A role by its id, such as `<@&123>`; nobody is to be called by it.
    pub role: fn(&str) -> String,
    /// What stands before a moderators' command, such as `/lantern `.
    pub command: &'static str,
    /// What a member types or taps to begin, such as `/guide`.
    pub begin: &'static str,
    /// How a member opts out of being watched, such as `/privacy`.
    pub opt_out: &'static str,
}

/// The operator's scripts, where there is a folder of them.
pub struct Operator {
    /// The folder.
    pub scripts: PathBuf,
    /// Its history.
    pub revisions: Revisions,
}

/// Answers moderators.
pub struct Desk {
    service: Arc<Service>,
    communities: Arc<Communities>,
    operator: Option<Operator>,
    manners: Manners,
    /// When the program started, in seconds since 1970.
    started: u64,
    waiting: Mutex<Vec<Waiting>>,
    /// Checking a guide takes a whole core for a while: one at a time.
    busy: Mutex<()>,
    /// When the operator's folder was last looked at for a moderator.
    reloaded: AtomicU64,
}

impl Desk {
    /// A desk for one platform. `started` is when the program did, in seconds since 1970.
    pub fn new(
        service: Arc<Service>,
        communities: Arc<Communities>,
        operator: Option<Operator>,
        manners: Manners,
        started: u64,
    ) -> Self {
        Desk {
            service,
            communities,
            operator,
            manners,
            started,
            waiting: Mutex::default(),
            busy: Mutex::default(),
            reloaded: AtomicU64::new(0),
        }
    }

    /// The communities that it looks after.
    pub fn communities(&self) -> &Arc<Communities> {
        &self.communities
    }

    /// Tells how things are: what is in service, what was chosen, whether everything works.
    pub fn status(&self, by: &Moderator<'_>) -> Said {
        let community = self.communities.get(by.community);
        let settings = &community.settings;
        let library = community.library();
        let mut lines = vec![format!(
            "**Lantern {}**, running for {}",
            env!("CARGO_PKG_VERSION"),
            span(by.now.saturating_sub(self.started))
        )];
        lines.extend(self.choices(settings));
        let mut guides: Vec<String> = Vec::new();
        for guide in library.all_guides().filter(|guide| guide.id().as_str() != CRISIS) {
            let whose = if self.is_own(by, guide) { " (yours)" } else { "" };
            guides.push(format!("`{}/{}` {}{whose}", guide.id(), guide.language(), guide.revision()));
        }
        lines.push(format!("- Guides: {}", guides.join(", ")));
        match self.store_works(by) {
            Ok(census) => {
                lines.push("- The store works.".to_owned());
                lines.push(format!(
                    "- {} in a guide, over everything that this Lantern serves.",
                    census.everybody()
                ));
            }
            Err(_) => lines.push(
                "- **The store fails.** Crisis replies and guides work all the same, and places are remembered only until the program ends. The operator should look at it."
                    .to_owned(),
            ),
        }
        lines.extend(community.troubles().map(|one| format!("- **Trouble:** {one}")));
        Said::yes(lines.join("\n"))
    }

    /// Whether something can be written to the store and read again.
    fn store_works(&self, by: &Moderator<'_>) -> Result<Census, StoreError> {
        let probe = crate::shell::Address { platform: "lantern", person: "status", place: by.community };
        self.service.mark(&probe, by.now, 60)?;
        self.service.unmark(&probe)?;
        Census::take(&*self.service.store(), by.now)
    }

    /// Lists who changed what, when: the newest twenty, and all in a file.
    pub fn audit(&self, by: &Moderator<'_>) -> Said {
        let deeds = self.communities.audit(by.community);
        if deeds.is_empty() {
            return Said::yes("Nothing was changed here yet.");
        }
        let line = |deed: &Deed| format!("{} {}: {}", moment(deed.at), code(&deed.who), deed.what);
        let mut text = format!("**Changes** ({} in all, the newest last)", deeds.len());
        let newest: Vec<String> =
            deeds.iter().rev().take(DEEDS).rev().map(|deed| format!("\n- {}", line(deed))).collect();
        // Names can be long: the oldest of the twenty go first.
        let mut room = LONGEST - text.chars().count();
        let mut fit = Vec::new();
        for one in newest.iter().rev() {
            let Some(left) = room.checked_sub(one.chars().count()) else { break };
            room = left;
            fit.push(one.as_str());
        }
        text.extend(fit.into_iter().rev());
        let all: String = deeds
            .iter()
            .map(|deed| {
                format!("{}\t{}\t{}\n", moment(deed.at), deed.who.replace(['\t', '\n'], " "), deed.what)
            })
            .collect();
        Said::yes(text).with_file("audit.txt", all)
    }

    /// Gives everything that the community has chosen as one file, to be kept or taken elsewhere.
    pub fn export(&self, by: &Moderator<'_>) -> Said {
        let document = self.communities.export(by.community);
        Said::yes("Settings, guides and words of your own, as one file. The record of changes stays here.")
            .with_file(format!("{}.json", code(by.community).trim_matches('`')), document)
    }

    /// Takes what [`export`](Desk::export) gave in the place of all that the community has: the whole, or nothing.
    /// `here` says whether a channel is one of this community; others are left out.
    pub fn import(&self, by: &Moderator<'_>, document: &str, here: &dyn Fn(&str) -> bool) -> Said {
        let _one = self.one_at_a_time();
        match self.communities.import(by.community, by.name, by.now, document, here) {
            Ok(community) => {
                let mut lines = vec!["Taken over. This is what is chosen now:".to_owned()];
                lines.extend(self.choices(&community.settings));
                lines.push(format!(
                    "- Guides or words of your own: {}",
                    if community.has_scripts() { "yes" } else { "no" }
                ));
                Said::yes(lines.join("\n"))
            }
            Err(error) => refused("Nothing was taken over.", error),
        }
    }

    /// Brings back what was chosen here before Lantern was removed, if that is not 30 days ago.
    pub fn bring_back(&self, by: &Moderator<'_>) -> Said {
        match self.communities.bring_back(by.community, by.name, by.now) {
            Ok(true) => {
                let settings = &self.communities.get(by.community).settings;
                Said::yes(format!("Everything is as it was:\n{}", self.choices(settings).join("\n")))
            }
            Ok(false) => Said::no("There is nothing to bring back, or something was chosen here since."),
            Err(error) => refused("Nothing was brought back.", error),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A day and a time, UTC.
fn moment(at: u64) -> String {
    let (hour, minute) = (at % 86_400 / 3_600, at % 3_600 / 60);
    format!("{} {hour:02}:{minute:02} UTC", notes::date(at))
}

/// How long something takes, in its largest unit.
fn span(seconds: u64) -> String {
    let of = |n: u64, unit| count(usize::try_from(n).unwrap_or(usize::MAX), unit);
    match seconds {
        0..60 => of(seconds, "second"),
        60..3_600 => of(seconds / 60, "minute"),
        3_600..86_400 => of(seconds / 3_600, "hour"),
        _ => of(seconds / 86_400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_people_tell_it() {
        assert_eq!(moment(1_767_225_600 + 3_660), "2026-01-01 01:01 UTC");
        assert_eq!(span(1), "1 second");
        assert_eq!(span(7_199), "1 hour");
        assert_eq!(span(200_000), "2 days");
    }
}
