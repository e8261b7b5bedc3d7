//! Guides: what is in service, what a step looks like, checking a text, putting it into service, taking it back.

use super::text::{code, count, fenced, findings, reply};
use super::{Desk, Moderator, Said};
use crate::diagnostic::{Diagnostic, nearest};
use crate::engine::session::{Aside, Spot, Visit};
use crate::engine::{self, Event, Kind, Session};
use crate::library::Library;
use crate::script::{CRISIS, Guide, Language, Revision};
use crate::shell::community::CommunityError;
use crate::shell::workbench::census::{Census, impact};
use crate::shell::workbench::revisions::{Candidate, Deed, Entry, OPERATORS, RevisionError};
use crate::shell::workbench::watch::{Change, take_up};
use crate::wording::Command;

/// How long a checked text waits to be put into service, in seconds.
const WAITS: u64 = 15 * 60;
/// How many texts wait at once, of all moderators.
const MOST_WAITING: usize = 100;
/// How many seconds lie between two looks at the operator's folder that moderators ask for.
const BETWEEN_RELOADS: u64 = 10;

/// A text that was checked and waits for a yes.
pub(super) struct Waiting {
    token: String,
    community: String,
    who: String,
    until: u64,
    text: String,
    before: Option<Revision>,
}

/// A text that was looked at before it goes into service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What it would change, or what stands in the way.
    pub said: Said,
    /// What [`Desk::publish`] wants to be given; none where it can't be put into service.
    pub token: Option<String>,
}

impl Desk {
    /// Lists the guides in service here.
    pub fn guides(&self, by: &Moderator<'_>) -> Said {
        let library = self.communities.get(by.community).library();
        let mut lines = vec!["**Guides in service**".to_owned()];
        let mut last = None;
        for guide in library.all_guides().filter(|guide| guide.id().as_str() != CRISIS) {
            if last != Some(guide.id()) {
                let title = library.guide(guide.id().as_str(), None).map_or("", Guide::title);
                lines.push(format!("- {} {title}", code(guide.id().as_str())));
                last = Some(guide.id());
            }
            let whose = if self.is_own(by, guide) { "yours" } else { "the operator's" };
            let reviewed =
                if guide.reviewed() == Some(false) { ", not yet read by a native speaker" } else { "" };
            lines.push(format!(
                "  - `{}`: {}, text `{}`, {whose}{reviewed}",
                guide.language(),
                count(guide.steps().len(), "step"),
                guide.revision()
            ));
        }
        let crisis = library.all_guides().filter(|guide| guide.id().as_str() == CRISIS);
        let languages: Vec<String> = crisis.map(|page| format!("`{}`", page.language())).collect();
        lines.push(format!("Crisis pages, always the operator's: {}", languages.join(", ")));
        Said::yes(lines.join("\n"))
    }

    /// Shows what members see at a step of a guide: its words and choices. Without a step, the first.
    pub fn preview(
        &self,
        by: &Moderator<'_>,
        guide: &str,
        language: Option<&Language>,
        step: Option<&str>,
    ) -> Said {
        let community = self.communities.get(by.community);
        let library = community.library();
        let language = language.or(community.settings.language.as_ref());
        let Some(page) = library.guide(guide, language) else { return no_guide(&library, guide) };
        let wanted = step.map_or(page.steps()[0].id.as_str(), |step| step.trim().trim_start_matches('#'));
        let Some(step) = page.step(wanted) else {
            let near = nearest(wanted, page.steps().iter().map(|step| step.id.as_str()));
            let hint = near.map_or("`lantern graph` draws all of them".to_owned(), |near| {
                format!("did you mean {}?", code(near))
            });
            return Said::no(format!("There is no step {} in {}; {hint}", code(wanted), code(guide)));
        };
        let (session, command) = at(page, step.id.as_str());
        let event = Event {
            id: 0,
            at: by.now,
            public: false,
            again: false,
            country: community.settings.country.or(self.service.settings().country),
            language: Some(page.language()),
            kind: Kind::Command(command),
        };
        let turn = engine::turn(&library, session, &event);
        let shown = turn.replies.last().map(reply).unwrap_or_default();
        Said::yes(format!("*{} at `{}`, as members see it:*\n\n{shown}", page.path(), step.id))
    }

    /// Checks the text of a guide as `lantern check` does, and tells what it would change here.
    pub fn check(&self, by: &Moderator<'_>, text: &str) -> Said {
        match self.examine(by, text) {
            Ok(candidate) => Said::yes(self.sound(by, &candidate)),
            Err(error) => refused("This guide can't go into service yet.", error),
        }
    }

    /// Checks the text of a guide and keeps it for a quarter of an hour, so that it can be put into service with a
    /// second command, once its effect was seen.
    pub fn propose(&self, by: &Moderator<'_>, text: &str) -> Proposal {
        let candidate = match self.examine(by, text) {
            Ok(candidate) => candidate,
            Err(error) => {
                let said = refused("This guide can't go into service yet.", error);
                return Proposal { said, token: None };
            }
        };
        let before = candidate.before.as_ref().map(|before| before.revision());
        if before == Some(candidate.guide.revision()) {
            let said =
                Said::no(format!("This text of {} is in service already.", code(candidate.guide.path())));
            return Proposal { said, token: None };
        }
        let Some(token) = token() else {
            return Proposal {
                said: Said::no("The system gives no random bytes; please try again."),
                token: None,
            };
        };
        let mut waiting = self.waiting();
        waiting.retain(|one| one.until > by.now && (one.community != by.community || one.who != by.name));
        if waiting.len() >= MOST_WAITING {
            waiting.remove(0);
        }
        waiting.push(Waiting {
            token: token.clone(),
            community: by.community.to_owned(),
            who: by.name.to_owned(),
            until: by.now.saturating_add(WAITS),
            text: text.to_owned(),
            before,
        });
        drop(waiting);
        let text = format!(
            "{}\n\nShall it go into service? This question waits for 15 minutes.",
            self.sound(by, &candidate)
        );
        Proposal { said: Said::yes(text), token: Some(token) }
    }

    /// Puts a proposed text into service. With `withdraw`, nobody goes on with the text before: for when it was wrong.
    pub fn publish(&self, by: &Moderator<'_>, token: &str, withdraw: bool) -> Said {
        let mut waiting = self.waiting();
        waiting.retain(|one| one.until > by.now);
        let mine = |one: &Waiting| one.token == token && one.community == by.community && one.who == by.name;
        let Some(place) = waiting.iter().position(mine) else {
            return Said::no(
                "This proposal is not waiting any more, or it was somebody else's. Please check the guide again.",
            );
        };
        let Waiting { text, before, .. } = waiting.remove(place);
        drop(waiting);
        let path = crate::script::read::own_path(&text);
        let library = self.communities.get(by.community).library();
        let now = library.all_guides().find(|guide| guide.path() == path).map(|guide| guide.revision());
        if now != before {
            return Said::no(format!(
                "{} was changed by somebody else meanwhile. Please check yours again, to see what it would change now.",
                code(&path)
            ));
        }
        let _one = self.one_at_a_time();
        match self.communities.publish(by.community, &text, by.name, by.now, withdraw) {
            Ok(entry) => Said::yes(self.in_service(&entry)),
            Err(error) => refused("It was not put into service; what was in service still is.", error),
        }
    }

    /// Puts an earlier text back: the one of that revision, the one before the present one, or the operator's, which
    /// is asked for as `operator`.
    pub fn roll_back(
        &self,
        by: &Moderator<'_>,
        guide: &str,
        language: &Language,
        to: Option<&str>,
        withdraw: bool,
    ) -> Said {
        let library = self.communities.get(by.community).library();
        if guide == CRISIS {
            return crisis_is_the_operators();
        }
        let to = to.map(str::trim).filter(|to| !to.is_empty());
        let known = library.all_guides().any(|one| one.id().as_str() == guide && one.language() == language);
        let log = self.communities.log(by.community);
        let past = log.iter().any(|one| one.guide.as_str() == guide && one.language == *language);
        if !known && !past {
            return no_guide(&library, guide);
        }
        if !past {
            return Said::no(format!(
                "{} has no version of your own here: nothing is to be taken back. The operator looks after the one in service.",
                code(&format!("{guide}/{language}.md"))
            ));
        }
        let _one = self.one_at_a_time();
        let page = (guide, language);
        match self.communities.roll_back(by.community, page, to, by.name, by.now, withdraw) {
            Ok(entry) => Said::yes(self.in_service(&entry)),
            Err(CommunityError::Revision(RevisionError::Unknown(_))) => {
                let known: Vec<String> = log
                    .iter()
                    .filter(|one| one.guide.as_str() == guide && one.language == *language)
                    .flat_map(|one| [Some(one.revision.clone()), one.before.clone()])
                    .flatten()
                    .filter(|revision| revision != "none")
                    .collect::<std::collections::BTreeSet<_>>()
                    .into_iter()
                    .map(|revision| code(&revision))
                    .collect();
                Said::no(format!(
                    "There is no such earlier text. The history of {} has {}, and `{OPERATORS}` stands for the operator's.",
                    code(&format!("{guide}/{language}.md")),
                    known.join(", ")
                ))
            }
            Err(error) => refused("It was not put back; what was in service still is.", error),
        }
    }

    /// Takes up the operator's folder as it is now, and the community's own scripts. Whoever asks again within ten
    /// seconds is told of the last time.
    pub fn reload(&self, by: &Moderator<'_>) -> Said {
        let _one = self.one_at_a_time();
        let mut lines = Vec::new();
        let mut done = true;
        let last = self.reloaded.load(std::sync::atomic::Ordering::Relaxed);
        match &self.operator {
            Some(_) if by.now < last.saturating_add(BETWEEN_RELOADS) => {
                lines.push("The operator's scripts were looked at just now.".to_owned());
            }
            Some(operator) => {
                self.reloaded.store(by.now, std::sync::atomic::Ordering::Relaxed);
                match take_up(&self.service, &operator.scripts, &operator.revisions) {
                    Change::InService => {
                        self.communities.refresh();
                        lines.push("The operator's scripts are in service as they are now.".to_owned());
                    }
                    Change::Refused(found) => {
                        done = false;
                        let errors: Vec<&Diagnostic> = found.iter().filter(|one| one.is_error()).collect();
                        let first = errors.first().map_or(String::new(), |one| fenced(&one.to_string()));
                        lines.push(format!(
                            "The operator's scripts have {}; what was in service still is. The first:\n{first}",
                            count(errors.len(), "error")
                        ));
                    }
                }
            }
            None => lines.push("The guides that the program was built with are in service.".to_owned()),
        }
        match self.communities.reload(by.community) {
            Ok(community) if community.troubles().next().is_none() => {
                lines.push(if community.has_scripts() {
                    "Your own scripts are in service as they are now.".to_owned()
                } else {
                    "You have no scripts of your own.".to_owned()
                });
            }
            Ok(community) => {
                done = false;
                lines.extend(community.troubles().map(str::to_owned));
            }
            Err(error) => {
                done = false;
                lines.push(plainly(&error));
            }
        }
        if done { Said::yes(lines.join("\n")) } else { Said::no(lines.join("\n")) }
    }

    fn examine(&self, by: &Moderator<'_>, text: &str) -> Result<Candidate, CommunityError> {
        let _one = self.one_at_a_time();
        self.communities.examine(by.community, text)
    }

    /// What is said of a text without errors.
    fn sound(&self, by: &Moderator<'_>, candidate: &Candidate) -> String {
        let guide = &candidate.guide;
        let mut text = format!(
            "**{}** is sound: {}, proved in {} positions (the crisis reply comes first and keeps the place, back returns, stop stops, every choice leads where it says, every step can reach an end, help is at most two taps away).",
            guide.path(),
            count(guide.steps().len(), "step"),
            candidate.positions
        );
        let library = self.communities.get(by.community).library();
        match &candidate.before {
            Some(before) if before.revision() == guide.revision() => {
                text += "\n\nIt is in service already, word for word.";
            }
            Some(before) => {
                let census = Census::take(&*self.service.store(), by.now).ok();
                let whose = if self.is_own(by, before) { "your version" } else { "the operator's version" };
                text.push_str(&format!("\n\nAgainst {whose} in service (`{}`), it\n", before.revision()));
                for line in impact(before, &candidate.edit, census.as_ref(), false) {
                    text.push_str(&format!("- {line}\n"));
                }
                text += if census.is_some() {
                    "People are counted over everything that this Lantern serves, and never told below five."
                } else {
                    "People can't be counted: the store fails."
                };
            }
            None if library.guide(guide.id().as_str(), None).is_some() => {
                text.push_str(&format!(
                    "\n\nIt is new: {} was not there in `{}` yet.",
                    code(guide.id().as_str()),
                    guide.language()
                ));
            }
            None => text += "\n\nIt is a new guide.",
        }
        if !candidate.warnings.is_empty() {
            let all: Vec<String> = candidate.warnings.iter().map(ToString::to_string).collect();
            text.push_str(&format!(
                "\n\n{} to look at:\n{}",
                count(candidate.warnings.len(), "warning"),
                fenced(&all.join("\n\n"))
            ));
        }
        text
    }

    /// What is said once a text is in service.
    fn in_service(&self, entry: &Entry) -> String {
        let page = code(&format!("{}/{}.md", entry.guide, entry.language));
        let mut text = match (entry.what, entry.revision.as_str()) {
            (Deed::Lift, "none") => format!("{page} is no longer offered here."),
            (Deed::Lift, now) => format!("The operator's {page} is in service again, as `{now}`."),
            (_, now) => format!("{page} is in service as `{now}`."),
        };
        match (&entry.before, entry.withdrawn) {
            (Some(before), false) => {
                text.push_str(&format!(
                    " Whoever is in `{before}` finishes on it. {} puts it back.",
                    code(&format!(
                        "{}guides rollback {} {}",
                        self.manners.command, entry.guide, entry.language
                    ))
                ));
            }
            (Some(before), true) => {
                text.push_str(&format!(
                    " `{before}` is withdrawn: whoever is in it is moved, with a kind word."
                ));
            }
            (None, _) => {}
        }
        text
    }

    pub(super) fn is_own(&self, by: &Moderator<'_>, guide: &Guide) -> bool {
        self.communities.is_own(by.community, guide.path())
    }
}

/// A person who is at a step, and what they ask so that it is shown.
fn at(page: &Guide, step: &str) -> (Session, Command) {
    let id = page.steps().iter().find(|one| one.id.as_str() == step).map(|one| one.id.clone());
    let step = id.unwrap_or_else(|| page.steps()[0].id.clone());
    if page.id().as_str() == CRISIS {
        let crisis = Some(Aside { trail: Vec::new(), step });
        return (Session { crisis, ..Session::default() }, Command::Again);
    }
    let visit =
        Visit { guide: page.id().clone(), language: page.language().clone(), revision: page.revision() };
    let here = Some(Spot { visit: 0, step });
    let language = Some(page.language().clone());
    (Session { visits: vec![visit], here, language, ..Session::default() }, Command::Again)
}

/// Sixteen random bytes, in hexadecimal digits; none where the system has none.
fn token() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn no_guide(library: &Library, guide: &str) -> Said {
    let mut ids: Vec<&str> = library.all_guides().map(|guide| guide.id().as_str()).collect();
    ids.dedup();
    let hint = match nearest(guide, ids.iter().copied()) {
        Some(near) if near != guide => format!("did you mean {}?", code(near)),
        _ => format!("there are {}", ids.iter().map(|id| code(id)).collect::<Vec<_>>().join(", ")),
    };
    Said::no(format!("There is no guide {} here; {hint}", code(guide)))
}

fn crisis_is_the_operators() -> Said {
    Said::no("The crisis page is the operator's: it is the same for everybody whom this Lantern serves.")
}

/// What is said where something can't be done, without a path of the operator's disk.
pub(super) fn plainly(error: &CommunityError) -> String {
    match error {
        CommunityError::Revision(RevisionError::Io { .. } | RevisionError::NoFolder(_)) => {
            "It can't be written; nothing was changed. The operator should look at the disk.".to_owned()
        }
        CommunityError::Revision(RevisionError::Same(page)) => {
            format!("That text of {} is in service already; nothing was changed.", code(page))
        }
        CommunityError::Revision(RevisionError::Unknown(_)) => "There is no such earlier text.".to_owned(),
        other => {
            let text = other.to_string();
            let mut letters = text.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
            format!("{first}{}.", letters.as_str())
        }
    }
}

/// Errors with line and caret, or a sentence.
pub(super) fn refused(head: &str, error: CommunityError) -> Said {
    match error {
        CommunityError::Revision(RevisionError::Errors(mut found)) | CommunityError::Errors(mut found) => {
            // What stands in the way comes first.
            found.sort_by_key(|one| !one.is_error());
            let errors = found.iter().filter(|one| one.is_error()).count();
            findings(&format!("{head} {} to mend:", count(errors, "error")), &found)
        }
        other => Said::no(plainly(&other)),
    }
}
