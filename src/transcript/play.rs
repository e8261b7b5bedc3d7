//! Plays a transcript, and says where it went otherwise.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Act, Deed, Expected, Heard, Stage, Taken, Transcript};
use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::engine::{self, Event, Kind, Session, route};
use crate::library::Library;
use crate::safety::resource::Country;
use crate::script::{self, Language};

/// The code of a conversation that goes otherwise.
const OTHERWISE: &str = "T002";
/// When every conversation begins: 2026-01-01, midnight UTC.
const BEGINNING: u64 = 1_767_225_600;
/// After how many seconds without a message a session is gone: the default of bot.toml.
const EXPIRE: u64 = 24 * 3_600;

/// How a transcript went.
#[derive(Debug, Clone, Default)]
pub struct Played {
    /// Where it went otherwise, at the first place.
    pub failure: Option<Diagnostic>,
    /// For each act, what was heard, and whether that was otherwise.
    pub heard: Vec<Option<(Heard, bool)>>,
    /// The choices that were taken.
    pub taken: BTreeSet<Taken>,
}

/// Plays a transcript on the core alone. The session is saved and loaded before each act. `files` reads the files
/// that it names, such as an edited guide.
pub fn play(library: &Arc<Library>, talk: &Transcript, files: &dyn Fn(&str) -> Option<String>) -> Played {
    let mut core = Core::new(library.clone(), talk.language.clone(), files);
    let mut played = play_on(&mut core, talk);
    played.taken = core.taken;
    played
}

/// Plays a transcript in another language that the guides are translated into: a choice is the one in its place, and
/// only where each act leads must be the same.
pub fn play_translated(library: &Arc<Library>, talk: &Transcript, language: &Language) -> Played {
    let mut core = Core::new(library.clone(), language.clone(), &|_| None);
    core.labels = Some(talk.language.clone());
    let mut talk = talk.clone();
    for act in &mut talk.acts {
        act.hears.retain(|one| matches!(one.what, Expected::At(_) | Expected::Crisis(_)));
    }
    let mut played = play_on(&mut core, &talk);
    played.taken = core.taken;
    played
}

/// Plays a transcript on any stage. After a failure it goes on, so that all that is heard is known.
pub fn play_on(stage: &mut dyn Stage, talk: &Transcript) -> Played {
    let source = Source::new(&talk.path, &talk.text);
    let mut played = Played::default();
    for act in &talk.acts {
        let heard = match stage.act(&act.what) {
            Ok(heard) => heard,
            Err((what, help)) => {
                let failure = Diagnostic::error(OTHERWISE, what, help).at(&source, act.range.clone());
                played.failure.get_or_insert(failure);
                // Where a choice isn't offered, all that follows would be about another conversation.
                break;
            }
        };
        let failure = otherwise(act, &heard);
        played.heard.push(Some((heard, failure.is_some())));
        if let Some((range, what)) = failure {
            let help =
                "please mend the guide or the transcript; lantern test --accept writes down what is said now";
            played.failure.get_or_insert(Diagnostic::error(OTHERWISE, what, help).at(&source, range));
        }
    }
    played
}

/// The first expectation that isn't met, and how.
fn otherwise(act: &Act, heard: &Heard) -> Option<(std::ops::Range<usize>, String)> {
    let said = simple(&heard.text);
    let mut from = 0;
    for one in &act.hears {
        let wrong = match &one.what {
            Expected::At(step) => (heard.step.as_deref() != Some(step)).then(|| {
                format!(
                    "expected to be at \"{step}\", and {}",
                    heard
                        .step
                        .as_ref()
                        .map_or_else(|| "is nowhere".to_owned(), |step| format!("is at \"{step}\""))
                )
            }),
            Expected::Crisis(level) => match heard.crisis {
                None => Some("expected a crisis reply first, and there is none".to_owned()),
                Some(found) if level.is_some() && found != *level => {
                    let found = found.map_or("one that was asked for", |level| level.as_str());
                    let level = level.map_or("", |level| level.as_str());
                    Some(format!("expected a crisis reply to \"{level}\", and it is to \"{found}\""))
                }
                Some(_) => None,
            },
            Expected::Words(words) => words.iter().find_map(|words| {
                let wanted = simple(words);
                match said[from..].find(&wanted) {
                    Some(at) => {
                        from += at + wanted.len();
                        None
                    }
                    None => Some(format!("expected to hear \"{words}\", and heard {}", excerpt(&heard.text))),
                }
            }),
            Expected::Choices(labels, more) => {
                let missing = labels.iter().find(|label| !offered(heard, label));
                match missing {
                    Some(label) => Some(format!(
                        "expected the choice [{label}], and there are {}",
                        listed(&heard.choices)
                    )),
                    None if !more
                        && !heard
                            .choices
                            .iter()
                            .map(|label| simple(label))
                            .eq(labels.iter().map(|label| simple(label))) =>
                    {
                        Some(format!(
                            "expected exactly {}, and there are {}",
                            listed(labels),
                            listed(&heard.choices)
                        ))
                    }
                    None => None,
                }
            }
            Expected::NeverWords(words) => {
                said.contains(&simple(words)).then(|| format!("\"{words}\" must never be heard here, and is"))
            }
            Expected::NeverChoice(label) => {
                offered(heard, label).then(|| format!("[{label}] must never be offered here, and is"))
            }
        };
        if let Some(wrong) = wrong {
            return Some((one.range.clone(), wrong));
        }
    }
    None
}

fn offered(heard: &Heard, label: &str) -> bool {
    heard.choices.iter().any(|other| simple(other) == simple(label))
}

fn listed(labels: &[String]) -> String {
    if labels.is_empty() {
        return "no choices".to_owned();
    }
    labels.iter().map(|label| format!("[{label}]")).collect::<Vec<_>>().join(" ")
}

fn excerpt(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.len() {
        0 => "nothing".to_owned(),
        1..=25 => format!("\"{}\"", words.join(" ")),
        _ => format!("\"{} ...\"", words[..25].join(" ")),
    }
}

/// Text as it is compared: no emphasis, one kind of quotes and of blanks, no capitals.
fn simple(text: &str) -> String {
    let mut simple = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            '*' => {}
            '’' | '‘' => simple.push('\''),
            '“' | '”' => simple.push('"'),
            letter if letter.is_whitespace() => {
                if !simple.ends_with(' ') {
                    simple.push(' ');
                }
            }
            letter => simple.push(letter),
        }
    }
    simple.trim().to_owned()
}

/// The core alone: one person, one session, a simulated clock.
pub struct Core<'f> {
    library: Arc<Library>,
    /// The session as a store keeps it.
    kept: Vec<u8>,
    now: u64,
    events: u64,
    public: bool,
    country: Option<Country>,
    language: Language,
    /// The language that labels are in, where it isn't the conversation's.
    labels: Option<Language>,
    files: &'f dyn Fn(&str) -> Option<String>,
    /// The choices that were taken.
    pub taken: BTreeSet<Taken>,
}

impl<'f> Core<'f> {
    /// A new conversation.
    pub fn new(library: Arc<Library>, language: Language, files: &'f dyn Fn(&str) -> Option<String>) -> Self {
        Core {
            library,
            kept: Session::default().encode(),
            now: BEGINNING,
            events: 0,
            public: false,
            country: None,
            language,
            labels: None,
            files,
            taken: BTreeSet::new(),
        }
    }

    /// The session as it is kept.
    pub fn session(&self) -> Session {
        let session = Session::decode(&self.kept).unwrap_or_default();
        if session.updated.saturating_add(EXPIRE) <= self.now { Session::default() } else { session }
    }

    /// The library in service.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    fn turn(&mut self, kind: Kind<'_>) -> Heard {
        self.events += 1;
        let session = self.session();
        let event = Event {
            id: self.events,
            at: self.now,
            public: self.public,
            again: false,
            country: self.country,
            language: Some(&self.language),
            kind,
        };
        let turn = engine::turn(&self.library, session, &event);
        self.kept = turn.session.encode();
        let step = engine::open(&self.library, &turn.session, Some(&self.language))
            .map(|(_, step)| step.id.to_string());
        Heard::new(&turn.replies, step)
    }

    /// Notes which choice is taken, if one is.
    fn take(&mut self, at: usize) {
        let session = self.session();
        let Some((guide, step)) = engine::open(&self.library, &session, Some(&self.language)) else { return };
        let Some(choice) = step.choices.get(at) else { return };
        self.taken.insert(Taken {
            guide: guide.id().clone(),
            language: guide.language().clone(),
            step: step.id.clone(),
            choice: choice.id,
        });
    }

    /// The position of a choice that the label names in another language.
    fn in_its_place(&self, label: &str) -> Option<usize> {
        let labels = self.labels.as_ref()?;
        let session = self.session();
        let (guide, step) = engine::open(&self.library, &session, Some(&self.language))?;
        let source = self.library.guide(guide.id().as_str(), Some(labels))?;
        source.step(step.id.as_str())?.choices.iter().position(|choice| choice.label == label)
    }

    fn edit(&mut self, file: &str, withdraw: bool) -> Result<Heard, (String, String)> {
        let missing = || {
            (
                format!("the file {file} can't be read"),
                "please name it as seen from the transcript's folder".to_owned(),
            )
        };
        let text = (self.files)(file).ok_or_else(missing)?;
        let edited = self.library.with_page(&text).map_err(|found| {
            let first = found.first().map_or_else(String::new, |one| one.what.clone());
            (
                format!("the guide in {file} can't be used: {first}"),
                "please mend it; lantern check tells all".to_owned(),
            )
        })?;
        let path = script::read::own_path(&text);
        let old = self.library.all_guides().find(|guide| guide.path() == path).map(|guide| guide.revision());
        let withdrawn: Vec<_> = old.into_iter().filter(|_| withdraw).collect();
        self.library = Arc::new(edited.succeeding(&self.library, &withdrawn));
        Ok(Heard::default())
    }
}

impl Stage for Core<'_> {
    fn act(&mut self, deed: &Deed) -> Result<Heard, (String, String)> {
        match deed {
            Deed::Say(text) => {
                let session = self.session();
                let offers = engine::offers(&self.library, &session, Some(&self.language));
                let wording = self.library.wording(session.language.as_ref().or(Some(&self.language)));
                let heard_first = self.library.screen(text).level >= crate::safety::Level::Concern
                    && route::exact(text, &offers).is_none();
                if let (route::Meaning::Choice(at), false) =
                    (route::route(text, &offers, wording), heard_first)
                {
                    self.take(at);
                }
                Ok(self.turn(Kind::Text(text)))
            }
            Deed::Tap(label) => {
                let offers = engine::offers(&self.library, &self.session(), Some(&self.language));
                let Some(at) = route::exact(label, &offers).or_else(|| self.in_its_place(label)) else {
                    let labels: Vec<String> = offers.iter().map(|offer| offer.label.clone()).collect();
                    let help = match nearest(label, labels.iter().map(String::as_str)) {
                        Some(near) => format!("did you mean [{near}]?"),
                        None => format!("there are {}", listed(&labels)),
                    };
                    return Err((format!("there is no choice [{label}] here"), help));
                };
                self.take(at);
                Ok(self.turn(Kind::Choose(at)))
            }
            Deed::Wait(seconds) => {
                self.now = self.now.saturating_add(*seconds);
                Ok(Heard::default())
            }
            // Everything is kept between acts already, as a store would.
            Deed::Restart => Ok(Heard::default()),
            Deed::Country(country) => {
                self.country = Some(*country);
                Ok(Heard::default())
            }
            Deed::Language(language) => {
                self.language = language.clone();
                Ok(Heard::default())
            }
            Deed::Public(public) => {
                self.public = *public;
                Ok(Heard::default())
            }
            Deed::Edit(file) => self.edit(file, false),
            Deed::Withdraw(file) => self.edit(file, true),
        }
    }
}
