//! What a community chooses: country, language, channels, alerts; and whom its members are told to contact.

use super::guides::plainly;
use super::languages;
use super::text::code;
use super::{Desk, Moderator, Said};
use crate::diagnostic::nearest;
use crate::library::{FALLBACK, Library};
use crate::safety::Level;
use crate::safety::reply;
use crate::safety::resource::Country;
use crate::script::Language;
use crate::shell::community::{Alerts, MOST_CHANNELS, Settings};

impl Desk {
    /// What was chosen, a line each.
    pub(super) fn choices(&self, settings: &Settings) -> Vec<String> {
        let operators = self.service.settings();
        let library = self.service.library();
        let named = |country: Country| {
            let listed = library.resources.country(country);
            listed.map_or_else(|| country.to_string(), |listed| format!("{} ({country})", listed.name))
        };
        let channels = |list: &std::collections::BTreeSet<String>, none: &str| match list.len() {
            0 => none.to_owned(),
            n if n > 20 => format!("{n} channels"),
            _ => list.iter().map(|one| (self.manners.channel)(one)).collect::<Vec<_>>().join(", "),
        };
        let country = match (settings.country, operators.country) {
            (Some(country), _) => named(country),
            (None, Some(country)) => format!("{}, the operator's choice", named(country)),
            (None, None) => "not chosen: international contacts, and the question which country".to_owned(),
        };
        let language = match (&settings.language, &operators.language) {
            (Some(language), _) => languages::named(language),
            (None, Some(language)) => format!("{}, the operator's choice", languages::named(language)),
            (None, None) => languages::named(&Language::new(FALLBACK)),
        };
        let alerts = settings.alerts.as_ref().map_or("off".to_owned(), |alerts| {
            let role = alerts.role.as_ref().map_or(String::new(), |role| {
                format!(", {} is called where an act seems near", (self.manners.role)(role))
            });
            format!(
                "in {}, from *{}* on{role}",
                (self.manners.channel)(&alerts.channel),
                alerts.from.as_str()
            )
        });
        let mut lines = vec![
            format!("- Country: {country}"),
            format!("- Language: {language}"),
            format!("- Watched: {}", channels(&settings.watched, "no channel")),
        ];
        if !settings.quiet.is_empty() {
            lines.push(format!("- Quiet: {}", channels(&settings.quiet, "")));
        }
        lines.push(format!("- Alerts: {alerts}"));
        if let Some(role) = &settings.moderators {
            lines.push(format!("- {} may use these commands, too", (self.manners.role)(role)));
        }
        lines
    }

    /// Chooses the country whose numbers are shown until a person names theirs; none for the operator's choice.
    pub fn set_country(&self, by: &Moderator<'_>, country: Option<&str>) -> Said {
        let Some(typed) = country.map(str::trim).filter(|typed| !typed.is_empty()) else {
            return self.changed(
                by,
                "took the country back",
                "The operator's choice of country serves again.",
                |to| {
                    to.country = None;
                },
            );
        };
        let library = self.service.library();
        let Some(country) = library.resources.find(typed) else { return no_country(&library, typed) };
        let said = match library.resources.country(country) {
            Some(listed) => {
                let wording = library.wording(None);
                let line = reply::main_line(&library.resources, Some(country), wording);
                let line =
                    line.map_or(String::new(), |line| format!(" The first line that people see: {line}."));
                format!(
                    "The country is {} now; emergency number {}.{line} A person who names another country gets that one's numbers.",
                    listed.name, listed.emergency.number
                )
            }
            None => format!(
                "The country is {country} now. There are no checked numbers for it: people see international contacts."
            ),
        };
        self.changed(by, &format!("chose the country {country}"), &said, |to| to.country = Some(country))
    }

    /// Chooses the language that people are answered in until they choose another, by its code or name; none for the
    /// operator's choice.
    pub fn set_language(&self, by: &Moderator<'_>, language: Option<&str>) -> Said {
        let Some(typed) = language.map(str::trim).filter(|typed| !typed.is_empty()) else {
            return self.changed(
                by,
                "took the language back",
                "The operator's choice of language serves again.",
                |to| to.language = None,
            );
        };
        let library = self.communities.get(by.community).library();
        let Some(language) = languages::find(typed).filter(|language| speaks(&library, language)) else {
            return no_language(&library, typed);
        };
        let mut said = format!("The language is {} now.", languages::named(&language));
        let guides = library.guides(&language).any(|guide| guide.language().base() == language.base());
        if !library.wording(Some(&language)).is_complete() || !guides {
            said += " Crisis replies come in it. The guides are not in it yet, and come in another language.";
        }
        self.changed(by, &format!("chose the language {language}"), &said, |to| {
            to.language = Some(language.clone());
        })
    }

    /// Watches a channel, or watches it no more.
    pub fn watch(&self, by: &Moderator<'_>, channel: &str, on: bool) -> Said {
        let shown = (self.manners.channel)(channel);
        let settings = &self.communities.get(by.community).settings;
        match (on, settings.watched.contains(channel)) {
            (true, true) => return Said::no(format!("{shown} is watched already.")),
            (false, false) => return Said::no(format!("{shown} is not watched.")),
            (true, false) if settings.watched.len() >= MOST_CHANNELS => {
                return Said::no(format!(
                    "{MOST_CHANNELS} channels are watched; please take one away first."
                ));
            }
            _ => {}
        }
        let said = if on {
            format!(
                "{shown} is watched from now on. Please let everybody know: pin the notice where they can read it. No machine recognises everything, so people still need to look after each other there."
            )
        } else {
            format!("{shown} is not watched any more. Please take the pinned notice away.")
        };
        let what = format!("{} watching the channel {channel}", if on { "began" } else { "ended" });
        self.changed(by, &what, &said, |to| {
            if on {
                to.watched.insert(channel.to_owned())
            } else {
                to.watched.remove(channel)
            };
        })
    }

    /// Makes a channel quiet, so that nothing is offered there by itself; or no more. Who speaks to the bot there and is
    /// in danger is answered all the same.
    pub fn quiet(&self, by: &Moderator<'_>, channel: &str, on: bool) -> Said {
        let shown = (self.manners.channel)(channel);
        let settings = &self.communities.get(by.community).settings;
        match (on, settings.quiet.contains(channel)) {
            (true, true) => return Said::no(format!("{shown} is quiet already.")),
            (false, false) => return Said::no(format!("{shown} is not quiet.")),
            (true, false) if settings.quiet.len() >= MOST_CHANNELS => {
                return Said::no(format!("{MOST_CHANNELS} channels are quiet; please take one away first."));
            }
            _ => {}
        }
        let said = if on {
            format!(
                "In {shown} nothing is offered by itself from now on. Whoever speaks to Lantern there and seems to be in danger still gets the crisis reply: nothing switches that off."
            )
        } else {
            format!("{shown} is quiet no more.")
        };
        let what = format!("made the channel {channel} {}", if on { "quiet" } else { "quiet no more" });
        self.changed(by, &what, &said, |to| {
            if on {
                to.quiet.insert(channel.to_owned())
            } else {
                to.quiet.remove(channel)
            };
        })
    }

    /// Chooses the role that may use these commands, beside those whom the platform lets; none for nobody else.
    pub fn set_moderators(&self, by: &Moderator<'_>, role: Option<&str>) -> Said {
        let (what, said) = match role {
            Some(role) => (
                format!("let the role {role} use the moderators' commands"),
                format!("{} may use these commands from now on.", (self.manners.role)(role)),
            ),
            None => (
                "let no other role use the moderators' commands".to_owned(),
                "Only those whom the platform lets may use these commands now.".to_owned(),
            ),
        };
        self.changed(by, &what, &said, |to| to.moderators = role.map(str::to_owned))
    }

    /// Chooses the channel in which moderators are told that somebody seems to be in danger, from which level on, and
    /// the role that is called where an act seems near.
    pub fn set_alerts(&self, by: &Moderator<'_>, channel: &str, role: Option<&str>, from: Level) -> Said {
        if from < Level::Concern {
            return Said::no(
                "Alerts begin at *concern*, *ideation* or *imminent*: below that, nobody seems to be in danger.",
            );
        }
        let shown = (self.manners.channel)(channel);
        let called = role.map_or(String::new(), |role| {
            format!(" {} is called where an act seems near.", (self.manners.role)(role))
        });
        let said = format!(
            "Alerts go to {shown} from *{}* on: the level, whom it is about, where, and a link; never what was said.{called} Members are not promised that anybody looks: please agree among yourselves who does, and when.",
            from.as_str()
        );
        let what = format!("sent alerts to the channel {channel}, from {} on", from.as_str());
        let what = role.map_or(what.clone(), |role| format!("{what}, calling the role {role}"));
        let alerts = Alerts { channel: channel.to_owned(), role: role.map(str::to_owned), from };
        self.changed(by, &what, &said, |to| to.alerts = Some(alerts))
    }

    /// Sends no more alerts.
    pub fn clear_alerts(&self, by: &Moderator<'_>) -> Said {
        let said = "No alerts are sent any more. Members get their crisis replies as before.";
        self.changed(by, "ended alerts", said, |to| to.alerts = None)
    }

    /// Shows whom people in a country are told to contact, with the day of the last check; without one, in the country
    /// that was chosen.
    pub fn resources(&self, by: &Moderator<'_>, country: Option<&str>) -> Said {
        let library = self.service.library();
        let chosen = self.communities.get(by.community).settings.country.or(self.service.settings().country);
        let country = match country.map(str::trim).filter(|typed| !typed.is_empty()) {
            Some(typed) => match library.resources.find(typed) {
                Some(country) => Some(country),
                None => return no_country(&library, typed),
            },
            None => chosen,
        };
        let world = library.resources.international();
        let everywhere = format!(
            "Everywhere: <{}>, <{}>, and {} works in many countries.",
            world.directory(),
            world.befrienders(),
            world.emergency()
        );
        let Some(country) = country else {
            return Said::yes(format!("No country is chosen. {everywhere}"));
        };
        let Some(listed) = library.resources.country(country) else {
            return Said::yes(format!("There are no checked numbers for {country}. {everywhere}"));
        };
        let note = listed.emergency.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
        let mut lines = vec![
            format!("**{} ({country})**", listed.name),
            format!("- Emergency: {}{note}, checked {}", listed.emergency.number, listed.emergency.checked),
        ];
        for service in &listed.services {
            let sms = service.sms.as_ref().map(|sms| match &sms.keyword {
                Some(keyword) => format!("{keyword} to {}", sms.number),
                None => sms.number.clone(),
            });
            let web = |address: &Option<String>| address.as_ref().map(|address| format!("<{address}>"));
            let ways = [
                ("call", service.phone.clone()),
                ("text", sms),
                ("WhatsApp", service.whatsapp.clone()),
                ("chat", web(&service.chat_url)),
                ("web", web(&service.website)),
                ("hours", service.hours.clone()),
                ("for", service.audience.clone()),
            ];
            let ways = ways.into_iter().filter_map(|(what, value)| Some(format!("{what} {}", value?)));
            lines.push(format!(
                "- **{}**: {}; checked {}",
                service.name,
                ways.collect::<Vec<_>>().join(", "),
                service.checked
            ));
        }
        lines.push(everywhere);
        Said::yes(lines.join("\n"))
    }

    /// Changes settings, notes who did, and says so; or why not.
    fn changed(&self, by: &Moderator<'_>, what: &str, said: &str, edit: impl FnOnce(&mut Settings)) -> Said {
        match self.communities.change(by.community, by.name, by.now, what, edit) {
            Ok(_) => Said::yes(said),
            Err(error) => Said::no(plainly(&error)),
        }
    }
}

/// Whether somebody in danger is heard and answered in a language.
fn speaks(library: &Library, language: &Language) -> bool {
    let base = language.base();
    library.hears(base)
        && library.crisis(Some(language)).language().base() == base
        && library.wording(Some(language)).language.base() == base
}

fn no_country(library: &Library, typed: &str) -> Said {
    Said::no(match library.resources.suggest(typed) {
        Some(near) => format!("There is no country {} here; did you mean {near}?", code(typed)),
        None => format!(
            "There is no country {} here; please write its name or its two letters, such as GB.",
            code(typed)
        ),
    })
}

fn no_language(library: &Library, typed: &str) -> Said {
    let mut known: Vec<Language> = library.all_wording().map(|wording| wording.language.clone()).collect();
    known.retain(|language| speaks(library, language));
    let names: Vec<String> = known.iter().map(languages::named).collect();
    let lower = typed.to_lowercase();
    let near = nearest(&lower, known.iter().flat_map(languages::all_names));
    let near = near.and_then(languages::find).filter(|near| known.contains(near));
    Said::no(match near {
        Some(near) => format!(
            "Nobody in danger would be heard in {} here yet; did you mean {}?",
            code(typed),
            languages::named(&near)
        ),
        None => format!(
            "Nobody in danger would be heard in {} here yet. These languages have ears, words and a crisis page: {}.",
            code(typed),
            names.join(", ")
        ),
    })
}
