//! `turn(&Library, Session, &Event) -> Turn`: the whole dialogue, as a function.
//!
//! The same library, session and event always give the same turn. Whoever calls it loads the session
//! before and saves it after; nothing in here knows of a store, a clock or a platform.

pub mod carry;
pub mod notes;
pub mod route;
pub mod session;
mod talk;

use crate::library::{FALLBACK, Library};
use crate::safety::resource::Country;
use crate::safety::{Concern, Level};
use crate::script::{Block, ChoiceId, Guide, GuideId, Language, Run, Step, StepId};
use crate::wording::{Command, plain};
pub use session::Session;
use talk::Talk;

/// After how many seconds without a message a person is welcomed back: six hours.
const AWAY: u64 = 6 * 60 * 60;

/// Something that a person did.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// A keyed hash of the platform's name for it; 0 where it has none. One that comes twice is answered once.
    pub id: u64,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Whether others can read it where it was said.
    pub public: bool,
    /// Whether a public reply to this person stands there already, so that another can be shorter.
    pub again: bool,
    /// The country to assume until the person names theirs: the operator's default.
    pub country: Option<Country>,
    /// The language to assume until another is chosen.
    pub language: Option<&'a Language>,
    /// What they did.
    pub kind: Kind<'a>,
}

/// What a person did.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'a> {
    /// Came (back): shows where they are, or begins the guide that is named.
    Arrive(Option<&'a str>),
    /// Went to a step of a guide, by a command of the platform that names both.
    Open {
        /// The guide's id.
        guide: &'a str,
        /// The step's id.
        step: &'a str,
    },
    /// Wrote something.
    Text(&'a str),
    /// Chose what stands at this position, from 0, among what is [offered](offers).
    Choose(usize),
    /// Pressed a button that was offered at a spot (see [`Place::spot`]), now or long ago.
    Pick {
        /// Where it was offered; 0 where no guide had begun.
        spot: u32,
        /// Which one.
        choice: ChoiceId,
    },
    /// Named the country that they are in, by a command of the platform.
    Country(&'a str),
    /// Used a command of the platform.
    Command(Command),
}

/// A place in a guide, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The guide.
    pub guide: GuideId,
    /// The step.
    pub step: StepId,
}

impl Place {
    /// The place as a number that a button can carry, the same in every language and never 0: FNV-1a, as in
    /// [`ChoiceId::of`]. Two places that share one would only lead to the gentle answer that a button is old.
    pub fn spot(&self) -> u32 {
        ChoiceId::of(&format!("{}#{}", self.guide, self.step)).to_bits().max(1)
    }
}

/// A choice as it is offered to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name through edits.
    pub id: ChoiceId,
    /// The words on it.
    pub label: String,
    /// Whether it is ticked, where it is a tick.
    pub ticked: Option<bool>,
    /// Where it leads.
    pub to: Option<Place>,
}

/// What a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A step of a guide.
    Said,
    /// The program's own sentence.
    Told,
    /// The take-away notes.
    Notes,
    /// The gentle line under an answer, after a mention.
    Mention,
    /// A crisis reply, to what the screen found; none where the person asked for it.
    Crisis(Option<Level>),
}

/// One message to the person, free of any platform's manners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What it is.
    pub tone: Tone,
    /// The step that it is.
    pub place: Option<Place>,
    /// The heading above it.
    pub title: Option<String>,
    /// What it says.
    pub blocks: Vec<Block>,
    /// The sources of its footnotes: their numbers and what they say.
    pub sources: Vec<(usize, Vec<Run>)>,
    /// What can be chosen now.
    pub choices: Vec<Offer>,
    /// Where that is offered (see [`Place::spot`]), for the buttons of a platform.
    pub spot: u32,
    /// The language that it is said in.
    pub language: Language,
    /// The ids of the services that it names, such as `GB/samaritans`.
    pub resources: Vec<String>,
    /// The take-away notes as a Markdown page, to be saved or sent as a file.
    pub document: Option<String>,
}

impl Reply {
    fn new(tone: Tone, blocks: Vec<Block>) -> Self {
        Reply {
            tone,
            place: None,
            title: None,
            blocks,
            sources: Vec::new(),
            choices: Vec::new(),
            spot: 0,
            language: Language::new(FALLBACK),
            resources: Vec::new(),
            document: None,
        }
    }

    /// A sentence of the program's own.
    pub fn told(blocks: Vec<Block>) -> Self {
        Reply::new(Tone::Told, blocks)
    }

    /// Whether it is a crisis reply.
    pub fn is_crisis(&self) -> bool {
        matches!(self.tone, Tone::Crisis(_))
    }

    /// The text without any style: bullets are `- `, footnotes `[1]`, web links `words (address)`.
    pub fn plain(&self) -> String {
        let blocks: Vec<String> = self.blocks.iter().map(Block::plain).collect();
        blocks.join("\n\n")
    }
}

/// The outcome of one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The session to save; a [blank](Session::is_blank) one is to be erased.
    pub session: Session,
    /// The replies to send, in order. A crisis reply is always the first.
    pub replies: Vec<Reply>,
    /// What the screen found.
    pub concern: Concern,
}

/// What can be chosen where the person is. `language` is the one to assume until another is chosen.
pub fn offers(library: &Library, session: &Session, language: Option<&Language>) -> Vec<Offer> {
    Talk::new(library, session.clone(), None, language).offers()
}

/// The page and the step whose choices count now: the crisis page's while it is open, else the guide's.
pub fn open<'l>(
    library: &'l Library,
    session: &Session,
    language: Option<&'l Language>,
) -> Option<(&'l Guide, &'l Step)> {
    Talk::new(library, session.clone(), None, language).open()
}

/// The place in a guide where the person is, beside the crisis page if that is open.
pub fn place(session: &Session) -> Option<Place> {
    let spot = session.here.as_ref()?;
    let visit = session.visits.get(usize::from(spot.visit))?;
    Some(Place { guide: visit.guide.clone(), step: spot.step.clone() })
}

/// The place whose choices count now: on the crisis page while it is open, else in the guide.
pub fn open_place(library: &Library, session: &Session, language: Option<&Language>) -> Option<Place> {
    let (page, step) = open(library, session, language)?;
    Some(Place { guide: page.id().clone(), step: step.id.clone() })
}

/// Answers an event. The screen is asked first, in every state.
pub fn turn(library: &Library, session: Session, event: &Event<'_>) -> Turn {
    let none = Concern::default();
    if session.has_seen(event.id) {
        return Turn { session, replies: Vec::new(), concern: none };
    }
    let (mut session, moved) = carry::carry(library, session);
    let away =
        session.updated != 0 && event.at.saturating_sub(session.updated) >= AWAY && session.here.is_some();
    session.remember(event.id);
    session.updated = event.at;
    let mut talk = Talk::new(library, session, event.country, event.language);
    let Kind::Text(text) = event.kind else {
        talk.greet_again(away, moved);
        match event.kind {
            Kind::Arrive(guide) => talk.arrive(guide, away),
            Kind::Open { guide, step } => talk.open_at(guide, step),
            Kind::Choose(at) => talk.choose(at),
            Kind::Pick { spot, choice } => talk.pick(spot, choice),
            Kind::Country(name) => talk.set_country(&plain(name)),
            Kind::Command(command) => talk.command(command),
            Kind::Text(_) => {}
        }
        return talk.end(none);
    };
    let concern = library.screen(text);
    let offers = talk.offers();
    let chosen = route::exact(text, &offers);
    // The words of a choice that leads to the crisis page are answered there, by the words written for them.
    let answered = chosen.is_some_and(|at| talk.leads_to_help(at));
    if concern.level >= Level::Concern && !answered && !talk.is_dismissed(&concern) {
        if event.public {
            talk.crisis_in_public(&concern, text, event.again);
        } else if talk.asks_for_help(text) {
            // Some of the words that call for help are heard as a concern as well; they lead where they always do.
            talk.command(Command::HelpNow);
        } else {
            talk.crisis(&concern, text);
        }
        return talk.end(concern);
    }
    talk.greet_again(away, moved);
    talk.text(text, &offers);
    let said = talk.replies.iter().any(Reply::is_crisis);
    if concern.level >= Level::Mention && !said && !event.public {
        talk.mention();
    }
    talk.end(concern)
}

/// The crisis reply alone, for when nothing of the conversation is known or can be loaded.
pub fn crisis_reply(library: &Library, concern: &Concern, event: &Event<'_>) -> Reply {
    let mut talk = Talk::new(library, Session::default(), event.country, event.language);
    let text = if let Kind::Text(text) = event.kind { text } else { "" };
    if event.public {
        talk.crisis_in_public(concern, text, event.again);
    } else {
        talk.crisis(concern, text);
    }
    talk.end(concern.clone()).replies.swap_remove(0)
}

#[cfg(test)]
mod tests;
