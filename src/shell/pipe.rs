//! `lantern pipe`: conversations as JSON lines, for harnesses. The protocol is a public interface,
//! described by the JSON Schema that [`SCHEMA`] holds.
//!
//! A simulated clock and a fixed secret: the same input gives the same output, byte for byte.

mod request;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read, Write};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use self::request::{Do, Pick, Request};
use super::lines::{self, Line};
use super::store::{Secret, Store};
use super::{Address, Incoming, Outcome, Service, Settings};
use crate::diagnostic::{Diagnostic, nearest};
use crate::engine::{self, Kind, Offer, Reply, Tone};
use crate::library::Library;
use crate::safety::{Level, Who};
use crate::script::{self, ChoiceId, GuideId, StepId};
use crate::wording::Command;

/// The version of the protocol. New optional fields in answers don't change it.
pub const PROTOCOL: u32 = 1;
/// The JSON Schema (2020-12) of requests and answers.
pub const SCHEMA: &str = include_str!("pipe/schema.json");
/// When the simulated clock starts: 2026-01-01, midnight UTC.
const BEGINNING: u64 = 1_767_225_600;
/// The seed where none is given.
const SEED: u64 = 1;

/// Why a request is refused: `code`, `message`, `help`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Refusal {
    code: &'static str,
    message: String,
    help: String,
}

impl Refusal {
    /// P001 is no JSON object, P002 no request, P003 a choice that isn't there, P004 a store that fails.
    fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Refusal { code, message: message.into(), help: help.into() }
    }
}

#[derive(Serialize)]
struct Answered<'a> {
    re: &'a Value,
    #[serde(flatten)]
    event: Answer,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Answer {
    Ready { protocol: u32, version: &'static str, guides: Vec<GuideLine> },
    Moved { from: Option<String>, to: Option<String> },
    Concern { level: Level, who: Option<Who>, rule: Option<String> },
    Said(Said),
    State(State),
    Checked { ok: bool, diagnostics: Vec<Diagnostic> },
    Coverage { taken: usize, of: usize, never: Vec<Never> },
    Refused(Refusal),
    Done,
}

#[derive(Serialize)]
struct GuideLine {
    id: String,
    language: String,
    revision: String,
    steps: usize,
}

#[derive(Serialize)]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crisis: Option<&'static str>,
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<Choice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    n: usize,
    label: String,
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticked: Option<bool>,
}

#[derive(Serialize)]
struct State {
    guide: Option<String>,
    step: Option<String>,
    trail: Vec<String>,
    crisis: Option<String>,
    country: Option<String>,
    stopped: bool,
}

#[derive(Serialize)]
struct Never {
    guide: String,
    step: String,
    choice: String,
}

/// Answers every line of `input` until it ends or says `bye`.
///
/// `store` makes an empty or a kept store: it is called once at the start and at every `reset`.
///
/// # Errors
///
/// Where input can't be read or output can't be written; never for what a line says.
pub fn pipe(
    library: Arc<Library>,
    store: &dyn Fn() -> Arc<dyn Store>,
    settings: Settings,
    input: impl Read,
    output: impl Write,
) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut pipe = Pipe {
        service: Service::new(library.clone(), store(), Secret::from_seed(SEED), settings.clone()),
        library,
        store,
        settings,
        seed: SEED,
        now: BEGINNING,
        events: 0,
        taken: BTreeSet::new(),
        output,
    };
    pipe.ready()?;
    let mut buffer = Vec::new();
    loop {
        let request = match lines::next(&mut input, &mut buffer)? {
            Line::End => return Ok(()),
            Line::Text(line) if line.trim().is_empty() => continue,
            Line::Text(line) => request::read(&line),
            Line::NotText => {
                Err((Value::Null, Refusal::new("P001", "this line is not UTF-8", "send JSON as UTF-8")))
            }
            Line::TooLong => {
                let message = format!("this line is longer than {} bytes", lines::LONGEST_LINE);
                Err((Value::Null, Refusal::new("P001", message, "send shorter lines")))
            }
        };
        match request {
            Ok(request) => {
                let bye = request.what == Do::Bye;
                let closed = match pipe.answer(&request) {
                    Ok(answered) => answered.map(|()| Answer::Done),
                    Err(error) => return Err(error),
                };
                pipe.line(&request.id, closed.unwrap_or_else(Answer::Refused))?;
                if bye {
                    return Ok(());
                }
            }
            Err((id, refusal)) => pipe.line(&id, Answer::Refused(refusal))?,
        }
    }
}

struct Pipe<'a, W> {
    service: Service,
    library: Arc<Library>,
    store: &'a dyn Fn() -> Arc<dyn Store>,
    settings: Settings,
    seed: u64,
    now: u64,
    events: u64,
    /// The choices that were taken, of every guide.
    taken: BTreeSet<(GuideId, StepId, ChoiceId)>,
    output: W,
}

/// The inner result is the request's, the outer one the output's.
type Handled = io::Result<Result<(), Refusal>>;

impl<W: Write> Pipe<'_, W> {
    fn line(&mut self, re: &Value, event: Answer) -> io::Result<()> {
        serde_json::to_writer(&mut self.output, &Answered { re, event })?;
        self.output.write_all(b"\n")?;
        self.output.flush()
    }

    fn ready(&mut self) -> io::Result<()> {
        let guides = self.library.all_guides().map(|guide| GuideLine {
            id: guide.id().to_string(),
            language: guide.language().to_string(),
            revision: guide.revision().to_string(),
            steps: guide.steps().len(),
        });
        let guides = guides.collect();
        self.line(
            &Value::Null,
            Answer::Ready { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION"), guides },
        )
    }

    fn answer(&mut self, request: &Request) -> Handled {
        match &request.what {
            Do::Say { person, text, public, country } => {
                self.handle(&request.id, person, Kind::Text(text), *public, *country)
            }
            Do::Choose { person, choice } => self.choose(&request.id, person, choice),
            Do::Wait { seconds } => {
                self.now = self.now.saturating_add(*seconds);
                Ok(self.service.sweep(self.now, usize::MAX).map(drop).map_err(|error| failed(&error)))
            }
            Do::Restart => {
                // What is in the store survives; what was only in memory doesn't.
                let store = self.service.store();
                self.service = self.fresh(store);
                Ok(Ok(()))
            }
            Do::State { person } => self.state(&request.id, person),
            Do::Check { text, path } => {
                let path = path.clone().unwrap_or_else(|| script::read::own_path(text));
                let diagnostics = script::read(&path, text).err().unwrap_or_default();
                let checked = Answer::Checked { ok: diagnostics.is_empty(), diagnostics };
                self.line(&request.id, checked).map(Ok)
            }
            Do::Coverage => self.coverage(&request.id),
            Do::Forget { person } => {
                self.handle(&request.id, person, Kind::Command(Command::ForgetMe), false, None)
            }
            Do::Reset { seed } => {
                self.seed = *seed;
                self.now = BEGINNING;
                self.events = 0;
                self.taken.clear();
                let store = (self.store)();
                self.service = self.fresh(store);
                Ok(Ok(()))
            }
            Do::Bye => Ok(Ok(())),
        }
    }

    fn fresh(&self, store: Arc<dyn Store>) -> Service {
        Service::new(self.library.clone(), store, Secret::from_seed(self.seed), self.settings.clone())
    }

    fn handle(
        &mut self,
        re: &Value,
        person: &str,
        kind: Kind<'_>,
        public: bool,
        country: Option<crate::safety::resource::Country>,
    ) -> Handled {
        self.events += 1;
        let event = self.events.to_string();
        let from = address(person);
        let before = match self.service.session(&from, self.now) {
            Ok(session) => session.unwrap_or_default(),
            Err(error) => return Ok(Err(failed(&error))),
        };
        let incoming = Incoming {
            from,
            event: &event,
            public,
            again: false,
            at: self.now,
            country,
            language: None,
            kind,
        };
        let mut replies: Vec<Reply> = Vec::new();
        let Outcome { concern, session, .. } =
            self.service.handle(&incoming, &mut |reply| replies.push(reply.clone()));
        if concern.level > Level::None {
            let rule = concern.rule.as_ref().map(|rule| rule.as_str().to_owned());
            self.line(re, Answer::Concern { level: concern.level, who: concern.who, rule })?;
        }
        let (from, to) = (step_of(&before), step_of(&session));
        if from != to {
            self.line(re, Answer::Moved { from, to })?;
        }
        for reply in &replies {
            self.line(re, Answer::Said(said(reply)))?;
        }
        // The trail says which choice was taken; a tick is seen in the session.
        let taken = session.trail.iter().chain(&session.ticks).filter_map(|mark| {
            let visit = session.visits.get(usize::from(mark.spot.visit))?;
            Some((visit.guide.clone(), mark.spot.step.clone(), mark.choice?))
        });
        self.taken.extend(taken);
        Ok(Ok(()))
    }

    fn choose(&mut self, re: &Value, person: &str, choice: &Pick) -> Handled {
        let session = match self.service.session(&address(person), self.now) {
            Ok(session) => session.unwrap_or_default(),
            Err(error) => return Ok(Err(failed(&error))),
        };
        let offers = engine::offers(&self.library, &session, self.settings.language.as_ref());
        let at = match choice {
            Pick::Number(number) => number.checked_sub(1).filter(|&at| at < offers.len()),
            Pick::Label(label) => engine::route::exact(label, &offers),
        };
        match (at, choice) {
            (Some(at), _) => {
                self.taken.extend(self.leaving(&session, at));
                self.handle(re, person, Kind::Choose(at), false, None)
            }
            // Even a label that nobody offered is heard first.
            (None, Pick::Label(label)) if self.library.screen(label).level >= Level::Concern => {
                self.handle(re, person, Kind::Text(label), false, None)
            }
            (None, choice) => Ok(Err(no_choice(choice, &offers))),
        }
    }

    /// The name of a choice of the guide or the crisis page, for counting.
    fn leaving(&self, session: &engine::Session, at: usize) -> Option<(GuideId, StepId, ChoiceId)> {
        let (guide, step) = engine::open(&self.library, session, self.settings.language.as_ref())?;
        Some((guide.id().clone(), step.id.clone(), step.choices.get(at)?.id))
    }

    fn state(&mut self, re: &Value, person: &str) -> Handled {
        let session = match self.service.session(&address(person), self.now) {
            Ok(session) => session.unwrap_or_default(),
            Err(error) => return Ok(Err(failed(&error))),
        };
        let place = engine::place(&session);
        let state = State {
            guide: place.as_ref().map(|place| place.guide.to_string()),
            step: place.map(|place| place.step.to_string()),
            trail: session.trail.iter().map(|mark| mark.spot.step.to_string()).collect(),
            crisis: session.crisis.as_ref().map(|aside| aside.step.to_string()),
            country: session.country.map(|country| country.to_string()),
            stopped: session.stopped,
        };
        self.line(re, Answer::State(state)).map(Ok)
    }

    fn coverage(&mut self, re: &Value) -> Handled {
        let mut all: BTreeMap<(GuideId, StepId, ChoiceId), Never> = BTreeMap::new();
        for guide in self.library.all_guides() {
            for step in guide.steps() {
                for choice in &step.choices {
                    let name = (guide.id().clone(), step.id.clone(), choice.id);
                    let never = Never {
                        guide: guide.id().to_string(),
                        step: step.id.to_string(),
                        choice: choice.label.clone(),
                    };
                    all.insert(name, never);
                }
            }
        }
        let of = all.len();
        all.retain(|name, _| !self.taken.contains(name));
        let coverage = Answer::Coverage { taken: of - all.len(), of, never: all.into_values().collect() };
        self.line(re, coverage).map(Ok)
    }
}

fn address(person: &str) -> Address<'_> {
    Address { platform: "pipe", person, place: "" }
}

fn failed(error: &super::store::StoreError) -> Refusal {
    Refusal::new("P004", error.to_string(), "look at the store, then send the request again")
}

fn no_choice(choice: &Pick, offers: &[Offer]) -> Refusal {
    let count = offers.len();
    let are = match count {
        0 => return Refusal::new("P003", "there is nothing to choose here", "send a say"),
        1 => "there is 1 choice".to_owned(),
        _ => format!("there are {count} choices"),
    };
    match choice {
        Pick::Number(number) => Refusal::new(
            "P003",
            format!("{are} here, not {number}"),
            format!("send 1 to {count}, or a label"),
        ),
        Pick::Label(label) => {
            let near = nearest(label, offers.iter().map(|offer| offer.label.as_str()));
            let help = near.map_or_else(
                || format!("send 1 to {count}, or a label"),
                |near| format!("did you mean \"{near}\"?"),
            );
            Refusal::new("P003", format!("{are} here, and none has this label"), help)
        }
    }
}

fn step_of(session: &engine::Session) -> Option<String> {
    engine::place(session).map(|place| place.step.to_string())
}

fn said(reply: &Reply) -> Said {
    let (kind, crisis) = match reply.tone {
        Tone::Said => ("step", None),
        Tone::Told => ("told", None),
        Tone::Notes => ("notes", None),
        Tone::Mention => ("mention", None),
        Tone::Crisis(level) => ("crisis", Some(level.map_or("asked", Level::as_str))),
    };
    Said {
        step: reply.place.as_ref().map(|place| place.step.to_string()),
        crisis,
        kind,
        text: reply.plain(),
        resources: reply.resources.clone(),
        choices: (1..).zip(&reply.choices).map(|(n, offer)| choice(n, offer)).collect(),
        notes: reply.document.clone(),
    }
}

fn choice(n: usize, offer: &Offer) -> Choice {
    let to = offer.to.as_ref().map(|place| place.step.to_string());
    Choice { n, label: offer.label.clone(), to, ticked: offer.ticked }
}
