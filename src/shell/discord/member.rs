//! What members do: commands, buttons, menus, forms.

use serde_json::{Value, json};

use super::bot::{Bot, DIRECT, PLATFORM, Scene};
use super::outbox::What;
use super::render::{self, Control, Press};
use super::watch::{FOR_EVER, UNWATCHED};
use super::wire::{self, Choice, Interaction};
use super::{commands, moderator, share};
use crate::engine::{self, Kind};
use crate::library::Library;
use crate::script::ChoiceId;
use crate::shell::telemetry::Sort;
use crate::shell::{Address, clock};
use crate::wording::Command;

/// How many suggestions Discord shows while something is typed.
const MOST_SUGGESTIONS: usize = 25;
/// The longest name and value of a suggestion.
const LONGEST_SUGGESTION: usize = 100;

impl Bot {
    /// Answers an interaction in which nothing serious was typed.
    pub fn used(&self, scene: &Scene, interaction: Interaction) {
        if moderator::is_theirs(&interaction) {
            return self.moderate(scene, &interaction);
        }
        match interaction.kind {
            wire::COMMAND => self.commanded(scene, &interaction),
            wire::COMPONENT => self.pressed(scene, &interaction),
            wire::MODAL => {
                let text = interaction.texts().join("\n");
                self.converse(scene, &interaction.id.to_string(), Kind::Text(&text), false);
            }
            _ => {}
        }
    }

    fn commanded(&self, scene: &Scene, interaction: &Interaction) {
        let event = interaction.id.to_string();
        let options = interaction.data.as_ref().map_or(&[][..], |data| &data.options[..]);
        let option = |name: &str| options.iter().find(|option| option.name == name).and_then(Choice::text);
        let command = |command| {
            self.converse(scene, &event, Kind::Command(command), false);
        };
        match interaction.name() {
            "guide" => {
                let kind = match option("name").map(|name| name.split_once('#').unwrap_or((name, ""))) {
                    None => Kind::Arrive(None),
                    Some((guide, "")) => Kind::Arrive(Some(guide)),
                    Some((guide, step)) => Kind::Open { guide, step },
                };
                self.converse(scene, &event, kind, false);
            }
            "crisis" => self.crisis(scene, &event, option("country")),
            "topics" => command(Command::Topics),
            "notes" => command(Command::Notes),
            "help" => command(Command::Help),
            "privacy" => self.privacy(scene, &event),
            "forget-me" => command(Command::ForgetMe),
            commands::SHARE => self.share(scene, interaction),
            _ => self.converse_unknown(scene, &event),
        }
    }

    /// A command of an earlier version, which Discord still shows somewhere.
    fn converse_unknown(&self, scene: &Scene, event: &str) {
        self.converse(scene, event, Kind::Arrive(None), false);
    }

    /// Shows whom to contact, in the country that was named, if one was.
    fn crisis(&self, scene: &Scene, event: &str, country: Option<&str>) {
        let known = country.and_then(|name| scene.library.resources.find(name));
        if let (Some(name), Some(_)) = (country, known) {
            // Set first and without a word: the contacts themselves are the answer.
            self.talk(scene, "", Kind::Country(name), |bot, incoming, _| {
                bot.service.answer_rest(&scene.library, incoming, false, &mut |_| {})
            });
        }
        self.converse(scene, event, Kind::Command(Command::HelpNow), false);
        if let (Some(name), None) = (country, known) {
            self.converse(scene, "", Kind::Country(name), false);
        }
    }

    fn pressed(&self, scene: &Scene, interaction: &Interaction) {
        let event = interaction.id.to_string();
        let Some((press, owner)) = Press::read(interaction.name()) else {
            return self.converse_unknown(scene, &event);
        };
        if owner.is_some_and(|owner| owner != render::owner(scene.person)) {
            let words = "That button belongs to somebody else's conversation. Type `/guide` for one of your own: only you will see it.";
            return self.tell(scene, words, None, Vec::new(), Sort::member);
        }
        // Pressed twice, it is one answer: the id tells one message's buttons from another's.
        let once = interaction.name().to_owned();
        match press {
            Press::Choice { spot, choice } => {
                let picked = interaction.data.as_ref().and_then(|data| data.values.first());
                let menu =
                    picked.and_then(|value| u32::from_str_radix(value, 16).ok()).map(ChoiceId::from_bits);
                let Some(choice) = choice.or(menu) else { return self.converse_unknown(scene, &event) };
                let kind = Kind::Pick { spot, choice };
                let once = if self.is_tick(scene, spot, choice) {
                    event
                } else {
                    format!("{once}/{}", choice.to_bits())
                };
                self.converse_once(scene, &once, kind);
            }
            Press::Control(Control::Do(command)) => self.converse_once(scene, &once, Kind::Command(command)),
            Press::Control(Control::Write) => {}
            Press::People => drop(self.converse(scene, &event, Kind::Command(Command::HelpNow), false)),
            Press::Begin => drop(self.converse(scene, &event, Kind::Arrive(None), false)),
            Press::Erase => drop(self.converse(scene, &event, Kind::Command(Command::ForgetMe), false)),
            Press::Watching(on) => self.set_watching(scene, on),
            Press::NoSharing => share::refuse_for_ever(self, scene),
            Press::Alert(step) => self.take_alert(scene, interaction, step),
            Press::Confirm(token) => self.confirm(scene, interaction, &token),
        }
    }

    /// Answers something that can be done only once. A second time nothing is said; Discord is told that it was heard.
    fn converse_once(&self, scene: &Scene, event: &str, kind: Kind<'_>) {
        self.converse(scene, event, kind, false);
        self.send(scene, What::Callback(DEFERRED_UPDATE, Value::Null), Sort::member, None);
    }

    /// Whether a choice is one that can be ticked and unticked: each press counts.
    fn is_tick(&self, scene: &Scene, spot: u32, choice: ChoiceId) -> bool {
        scene.library.all_guides().any(|guide| {
            guide.steps().iter().any(|step| {
                let here = engine::Place { guide: guide.id().clone(), step: step.id.clone() };
                here.spot() == spot
                    && step.choice(choice).is_some_and(|choice| match &choice.target {
                        crate::script::Target::Step(at) => guide.steps()[*at].id == step.id,
                        _ => false,
                    })
            })
        })
    }

    /// Says what is stored, and offers to erase it and not to be watched.
    fn privacy(&self, scene: &Scene, event: &str) {
        self.converse(scene, event, Kind::Command(Command::Privacy), false);
        let mut lines = Vec::new();
        let (person, here) = (scene.person.to_string(), scene.place());
        let mut places = vec![(
            here.as_str(),
            if scene.server.is_some() { "In this server" } else { "In direct messages" },
        )];
        if scene.server.is_some() {
            places.push((DIRECT, "In direct messages"));
        }
        for (place, name) in places {
            let from = Address { platform: PLATFORM, person: &person, place };
            lines.push(match self.service.session(&from, clock::now()) {
                Ok(Some(session)) => format!("- {name}: {}", describe(&scene.library, &session)),
                Ok(None) => format!("- {name}: nothing."),
                Err(_) => format!("- {name}: I can't look just now; please try again in a minute."),
            });
        }
        let wish = Address { platform: UNWATCHED, person: &person, place: &here };
        let unwatched = self.service.is_marked(&wish, clock::now());
        if scene.server.is_some() {
            lines.push(if unwatched {
                "- In channels that are watched here, I leave your messages alone, because you asked me to. That wish is kept until you take it back.".to_owned()
            } else {
                "- In channels that are watched here, I answer you when it sounds as if you were in danger. You can switch that off.".to_owned()
            });
        }
        let text = format!("**What I keep of you now**\n{}", lines.join("\n"));
        let reply = engine::Reply::told(Vec::new());
        let canvas = self.canvas(scene, &reply, event);
        let mut presses = vec![("Erase all of it", Press::Erase)];
        if scene.server.is_some() {
            presses.push(if unwatched {
                ("Answer me in watched channels again", Press::Watching(true))
            } else {
                ("Leave me alone in watched channels", Press::Watching(false))
            });
        }
        self.tell(scene, &text, None, vec![render::buttons(&canvas, &presses)], Sort::member);
    }

    fn set_watching(&self, scene: &Scene, on: bool) {
        let (person, place) = (scene.person.to_string(), scene.place());
        let wish = Address { platform: UNWATCHED, person: &person, place: &place };
        let done = if on {
            self.service.unmark(&wish)
        } else {
            self.service.mark(&wish, clock::now(), FOR_EVER).map(drop)
        };
        let words = match (done, on) {
            (Err(_), _) => "I couldn't keep that wish just now. Please press again in a minute.",
            (Ok(()), true) => {
                "All right. In watched channels I answer you again when it sounds as if you were in danger."
            }
            (Ok(()), false) => {
                "All right. In watched channels of this server I leave your messages alone. When you write to me yourself, I always answer. Type `/crisis` whenever you want numbers."
            }
        };
        self.tell(scene, words, None, Vec::new(), Sort::member);
    }

    /// What fits what is being typed: guides and their topics, or countries.
    pub fn suggest(&self, scene: &Scene, interaction: &Interaction) -> Value {
        let options = interaction.data.as_ref().map_or(&[][..], |data| &data.options[..]);
        let typed = focused(options).and_then(Choice::text).unwrap_or("").to_lowercase();
        let fits = |name: &str| name.to_lowercase().contains(&typed);
        let mut found: Vec<(String, String)> = Vec::new();
        if interaction.name() == "crisis" {
            let countries = scene.library.resources.countries();
            found.extend(
                countries
                    .filter(|listed| fits(&listed.name) || listed.code.to_string().to_lowercase() == typed)
                    .map(|listed| (listed.name.clone(), listed.code.to_string())),
            );
            // What begins so stands before what only has it inside.
            found.sort_by_key(|(name, _)| !name.to_lowercase().starts_with(&typed));
        } else {
            let language = scene
                .language
                .clone()
                .unwrap_or_else(|| crate::script::Language::new(crate::library::FALLBACK));
            for guide in scene.library.guides(&language) {
                found.push((guide.title().to_owned(), guide.id().to_string()));
                found.extend(
                    guide
                        .steps()
                        .iter()
                        .skip(1)
                        .map(|step| (step.title.clone(), format!("{}#{}", guide.id(), step.id))),
                );
            }
            // The guides themselves first.
            found.sort_by_key(|(_, value)| value.contains('#'));
            found.retain(|(name, value)| fits(name) || value.starts_with(&typed));
        }
        let choices: Vec<Value> = found
            .into_iter()
            .filter(|(_, value)| value.len() <= LONGEST_SUGGESTION)
            .take(MOST_SUGGESTIONS)
            .map(|(name, value)| json!({"name": render::cut(&name, LONGEST_SUGGESTION), "value": value}))
            .collect();
        json!({"choices": choices})
    }
}

/// Discord's type of an answer that changes nothing that can be seen.
const DEFERRED_UPDATE: u8 = 6;

fn focused(options: &[Choice]) -> Option<&Choice> {
    options.iter().find_map(|option| if option.focused { Some(option) } else { focused(&option.options) })
}

/// What a session holds, in the person's own terms.
fn describe(library: &Library, session: &engine::Session) -> String {
    let mut parts = Vec::new();
    if let Some(place) = engine::place(session) {
        let guide = library.guide(place.guide.as_str(), session.language.as_ref());
        let step = guide.and_then(|guide| guide.step(place.step.as_str()));
        let title = step.map_or_else(|| place.step.to_string(), |step| step.title.clone());
        parts.push(format!("you are at “{}”", render::escape(&title)));
        let answers = session.trail.iter().filter(|mark| mark.choice.is_some()).count() + session.ticks.len();
        parts.push(format!("{answers} of your choices"));
    }
    if let Some(country) = session.country {
        let name = library
            .resources
            .country(country)
            .map_or_else(|| country.to_string(), |listed| listed.name.clone());
        parts.push(format!("your country: {name}"));
    }
    if let Some(language) = &session.language {
        parts.push(format!("your language: {language}"));
    }
    if session.shown.times > 0 {
        parts.push("that I showed you people to contact".to_owned());
    }
    if parts.is_empty() {
        "only when you last wrote.".to_owned()
    } else {
        format!("{}; and when you last wrote.", parts.join(", "))
    }
}
