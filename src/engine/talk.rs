//! One turn under way: what is where, what a message does, and what is said.

mod crisis;
mod pick;

use super::route::{self, Meaning};
use super::session::{Mark, Spot, Visit};
use super::{Offer, Place, Reply, Session, Tone, Turn, notes};
use crate::library::Library;
use crate::safety::reply::{self, Urgency};
use crate::safety::resource::Country;
use crate::safety::{Concern, Level};
use crate::script::{Block, CRISIS, Choice, ChoiceId, Guide, GuideId, Language, Run, Step, StepId, Target};
use crate::wording::{Command, Sentence, Wording, plain};

/// How many guides one trail can run through.
const MOST_VISITS: usize = 100;

/// One turn under way.
pub(super) struct Talk<'a> {
    library: &'a Library,
    wording: &'a Wording,
    pub(super) session: Session,
    country: Option<Country>,
    pub(super) replies: Vec<Reply>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(
        library: &'a Library,
        session: Session,
        country: Option<Country>,
        language: Option<&Language>,
    ) -> Self {
        let language = session.language.as_ref().or(language);
        let wording = library.wording(language);
        let country = session.country.or(country);
        Talk { library, wording, session, country, replies: Vec::new() }
    }

    pub(super) fn end(mut self, concern: Concern) -> Turn {
        for reply in &mut self.replies {
            reply.language = self.wording.language.clone();
        }
        Turn { session: self.session, replies: self.replies, concern }
    }

    // What is where.

    pub(super) fn guide(&self, spot: &Spot) -> Option<&'a Guide> {
        self.session.visits.get(usize::from(spot.visit))?.guide(self.library)
    }

    pub(super) fn here(&self) -> Option<(&'a Guide, &'a Step)> {
        let spot = self.session.here.as_ref()?;
        let guide = self.guide(spot)?;
        Some((guide, guide.step(spot.step.as_str())?))
    }

    pub(super) fn page(&self) -> &'a Guide {
        self.library.crisis(Some(&self.wording.language))
    }

    /// The page and step whose choices count now: the crisis page's while it is open, else the guide's.
    pub(super) fn open(&self) -> Option<(&'a Guide, &'a Step)> {
        match &self.session.crisis {
            Some(aside) => Some((self.page(), self.page().step(aside.step.as_str())?)),
            None => self.here(),
        }
    }

    pub(super) fn offers(&self) -> Vec<Offer> {
        match self.open() {
            Some((guide, step)) => {
                step.choices.iter().map(|choice| self.offer(guide, step, choice)).collect()
            }
            None => self
                .library
                .guides(&self.wording.language)
                .map(|guide| Offer {
                    id: ChoiceId::of(guide.title()),
                    label: guide.title().to_owned(),
                    ticked: None,
                    to: Some(Place { guide: guide.id().clone(), step: guide.steps()[0].id.clone() }),
                })
                .collect(),
        }
    }

    /// Puts what can be chosen now into a reply.
    pub(super) fn offer_in(&self, reply: &mut Reply) {
        reply.choices = self.offers();
        reply.spot = self.spot();
    }

    pub(super) fn offer(&self, guide: &Guide, step: &Step, choice: &Choice) -> Offer {
        let to = |guide: &GuideId, step: &StepId| Some(Place { guide: guide.clone(), step: step.clone() });
        let first = |guide: &Guide| guide.steps()[0].id.clone();
        let to = match &choice.target {
            Target::Step(at) => to(guide.id(), &guide.steps()[*at].id),
            Target::Crisis(step) => to(self.page().id(), &step.clone().unwrap_or_else(|| first(self.page()))),
            Target::Guide(id, step) => self
                .library
                .guide(id.as_str(), Some(guide.language()))
                .and_then(|other| to(id, &step.clone().unwrap_or_else(|| first(other)))),
        };
        let own = to.as_ref().is_some_and(|to| to.guide == *guide.id() && to.step == step.id);
        let ticked = match &self.session.here {
            Some(spot) if own && self.session.crisis.is_none() => {
                Some(self.session.is_ticked(spot, choice.id))
            }
            _ => None,
        };
        Offer { id: choice.id, label: choice.label.clone(), ticked, to }
    }

    /// Whether the choice at this position shows words of the crisis page.
    pub(super) fn leads_to_help(&self, at: usize) -> bool {
        self.open().is_some_and(|(guide, step)| {
            step.choices.get(at).is_some_and(|choice| {
                matches!(choice.target, Target::Crisis(_))
                    || (guide.id().as_str() == CRISIS && matches!(choice.target, Target::Step(_)))
            })
        })
    }

    /// Whether a message is the words that call for help, and no more.
    pub(super) fn asks_for_help(&self, text: &str) -> bool {
        self.wording.command(&plain(text)) == Some(Command::HelpNow)
    }

    // Saying.

    pub(super) fn tell(&mut self, sentence: &Sentence, values: &[(&str, &str)]) {
        self.replies.push(Reply::new(Tone::Told, sentence.with(values)));
    }

    /// Says something and what can be chosen now.
    pub(super) fn tell_with_offers(&mut self, sentence: &Sentence, values: &[(&str, &str)]) {
        let mut reply = Reply::new(Tone::Told, sentence.with(values));
        self.offer_in(&mut reply);
        self.replies.push(reply);
    }

    /// Says the step of the guide where the person is, or what guides there are.
    pub(super) fn say(&mut self) {
        let Some((guide, step)) = self.here() else { return self.lobby() };
        let mut reply = Reply::new(Tone::Said, step.says.clone());
        reply.title = Some(step.title.clone());
        reply.place = Some(Place { guide: guide.id().clone(), step: step.id.clone() });
        reply.sources = sources(guide, step);
        self.offer_in(&mut reply);
        if step.id.as_str() == "notes" {
            let notes = notes::notes(self.library, &self.session, self.wording);
            reply.tone = Tone::Notes;
            reply.blocks.extend(notes.blocks());
            reply.document = Some(notes.markdown());
        }
        self.replies.push(reply);
    }

    pub(super) fn lobby(&mut self) {
        let wording = self.wording;
        if self.offers().is_empty() {
            self.tell(&wording.says.no_guide, &[]);
        } else {
            self.tell_with_offers(&wording.says.hello, &[]);
        }
    }

    // Moving.

    pub(super) fn visit(&mut self, guide: &Guide) -> Option<u8> {
        let same = |visit: &Visit| {
            visit.guide == *guide.id()
                && visit.language == *guide.language()
                && visit.revision == guide.revision()
        };
        let at = match self.session.visits.iter().position(same) {
            Some(at) => at,
            None if self.session.visits.len() >= MOST_VISITS => return None,
            None => {
                self.session.visits.push(Visit {
                    guide: guide.id().clone(),
                    language: guide.language().clone(),
                    revision: guide.revision(),
                });
                self.session.visits.len() - 1
            }
        };
        u8::try_from(at).ok()
    }

    pub(super) fn go(&mut self, guide: &Guide, step: &StepId, choice: Option<ChoiceId>) {
        self.stand(guide, step, choice);
        self.say();
    }

    /// Goes to a step without saying it. Says whether the trail had room for it.
    pub(super) fn stand(&mut self, guide: &Guide, step: &StepId, choice: Option<ChoiceId>) -> bool {
        let Some(visit) = self.visit(guide) else { return false };
        self.session.crisis = None;
        self.session.stopped = false;
        self.session.go(Spot { visit, step: step.clone() }, choice);
        true
    }

    pub(super) fn arrive(&mut self, guide: Option<&str>, away: bool) {
        let wording = self.wording;
        match guide {
            Some(id) if self.here().is_none_or(|(guide, _)| guide.id().as_str() != id) => self.start(id),
            _ if self.here().is_some() => {
                self.session.stopped = false;
                if !away {
                    self.tell(
                        if self.was_hard() {
                            &wording.says.welcome_back_soft
                        } else {
                            &wording.says.welcome_back
                        },
                        &[],
                    );
                }
                if self.session.crisis.is_some() { self.say_crisis_step(None) } else { self.say() }
            }
            _ => self.lobby(),
        }
    }

    pub(super) fn was_hard(&self) -> bool {
        self.session.shown.worst >= Level::Concern
    }

    pub(super) fn greet_again(&mut self, away: bool, moved: bool) {
        let wording = self.wording;
        if moved {
            self.tell(&wording.says.moved, &[]);
        }
        if away {
            self.tell(
                if self.was_hard() { &wording.says.welcome_back_soft } else { &wording.says.welcome_back },
                &[],
            );
        }
    }

    pub(super) fn start(&mut self, name: &str) {
        let wording = self.wording;
        let found = self.library.guides(&wording.language).find(|guide| {
            guide.id().as_str() == name
                || plain(guide.id().as_str()) == plain(name)
                || plain(guide.title()) == plain(name)
        });
        match found {
            Some(guide) => self.go(guide, &guide.steps()[0].id, None),
            None => {
                let choices: Vec<Vec<Run>> = self
                    .library
                    .guides(&wording.language)
                    .map(|guide| {
                        vec![
                            Run::strong(format!("start {}", guide.id())),
                            Run::plain(format!(": {}", guide.title())),
                        ]
                    })
                    .collect();
                let mut blocks = wording.says.unknown_guide.blocks();
                blocks.push(Block::Bullets(choices));
                self.replies.push(Reply::new(Tone::Told, blocks));
            }
        }
    }

    /// Goes to a step of a guide, or to its beginning where it has no such step.
    pub(super) fn open_at(&mut self, guide: &str, step: &str) {
        let wording = self.wording;
        let found = self.library.guides(&wording.language).find(|one| one.id().as_str() == guide);
        match found.and_then(|guide| Some((guide, guide.step(step)?))) {
            Some((guide, step)) => self.go(guide, &step.id, None),
            None => self.start(guide),
        }
    }

    /// Goes to a step that a command names, such as `topics`; the place before stays on the trail.
    pub(super) fn jump(&mut self, step: &str) -> bool {
        let Some(spot) = &self.session.here else { return false };
        let Some(guide) = self.guide(spot).filter(|guide| guide.position(step).is_some()) else {
            return false;
        };
        if spot.step.as_str() == step {
            self.session.crisis = None;
            self.say();
        } else {
            self.go(guide, &StepId::new(step), None);
        }
        true
    }

    // Understanding.

    pub(super) fn text(&mut self, text: &str, offers: &[Offer]) {
        let meaning = route::route(text, offers, self.wording);
        let wording = self.wording;
        if !matches!(
            meaning,
            Meaning::Unclear | Meaning::OutOfRange | Meaning::Between(_) | Meaning::Country(_)
        ) {
            self.session.unclear = 0;
        }
        match meaning {
            Meaning::Command(command) => self.command(command),
            Meaning::Start(name) => self.start(&name),
            // "I'm in a dark place" begins as "I'm in Canada" does, and is no mistyped country.
            Meaning::Country(name)
                if wording.asks_country(&plain(text))
                    || self.library.resources.find_in_talk(&name).is_some() =>
            {
                self.set_country(&name);
            }
            Meaning::Choice(at) => self.choose(at),
            Meaning::OutOfRange if !offers.is_empty() => {
                let count = offers.len().to_string();
                self.tell_with_offers(&wording.says.out_of_range, &[("count", &count)]);
            }
            Meaning::Between(several) => {
                // The numbers of the whole list stay valid, so the whole list is what is shown.
                let labels: Vec<Vec<Run>> = several
                    .iter()
                    .map(|&at| vec![Run::plain(format!("{}. {}", at + 1, offers[at].label))])
                    .collect();
                let mut blocks = wording.says.between.blocks();
                blocks.extend(labels.into_iter().map(Block::Paragraph));
                self.replies.push(Reply::new(Tone::Told, blocks));
            }
            Meaning::Unclear | Meaning::OutOfRange | Meaning::Country(_) => self.unclear(text, offers),
        }
    }

    pub(super) fn unclear(&mut self, text: &str, offers: &[Offer]) {
        let wording = self.wording;
        // A country's name alone answers the question that a crisis reply asks.
        let typed = plain(text);
        if self.session.country.is_none()
            && typed.chars().count() < 40
            && (self.session.crisis.is_some() || typed.chars().count() > 3)
            && self.library.resources.find_in_talk(&typed).is_some()
        {
            return self.set_country(&typed);
        }
        if self.session.here.is_none() && self.session.crisis.is_none() {
            return self.lobby();
        }
        if std::mem::take(&mut self.session.stopped) {
            self.tell(&wording.says.welcome_back, &[]);
            return self.say();
        }
        let times = self.session.unclear;
        self.session.unclear = times.saturating_add(1);
        let sentence = match (offers.is_empty(), times % 2) {
            (true, _) => &wording.says.unclear_no_choices,
            (false, 0) => &wording.says.unclear,
            (false, _) => &wording.says.unclear_again,
        };
        self.tell_with_offers(sentence, &[]);
        // While the crisis page is open, a number never leaves the screen.
        let line = reply::main_line(&self.library.resources, self.country, wording);
        if self.session.crisis.is_some()
            && let Some(last) = self.replies.last_mut()
        {
            let line = line.unwrap_or_else(|| self.library.resources.international().directory().to_owned());
            last.blocks.insert(0, Block::Paragraph(vec![Run::strong(line)]));
        }
    }

    pub(super) fn choose(&mut self, at: usize) {
        self.session.stopped = false;
        let Some((page, step)) = self.open() else {
            let chosen = self.library.guides(&self.wording.language).nth(at);
            return match chosen {
                Some(guide) => self.go(guide, &guide.steps()[0].id, None),
                None => self.lobby(),
            };
        };
        let wording = self.wording;
        let Some(choice) = step.choices.get(at) else {
            let count = step.choices.len().to_string();
            return self.tell_with_offers(&wording.says.out_of_range, &[("count", &count)]);
        };
        let in_crisis = self.session.crisis.is_some();
        match &choice.target {
            Target::Step(to) if in_crisis => self.crisis_step(&page.steps()[*to].id, None),
            Target::Crisis(to) => {
                let to = to.clone().unwrap_or_else(|| self.page().steps()[0].id.clone());
                self.crisis_step(&to, None);
            }
            Target::Step(to) if page.steps()[*to].id == step.id => self.toggle(choice),
            Target::Step(to) => self.go(page, &page.steps()[*to].id, Some(choice.id)),
            Target::Guide(id, to) => match self.library.guide(id.as_str(), Some(page.language())) {
                Some(guide) => {
                    let to = to.as_ref().filter(|to| guide.position(to.as_str()).is_some());
                    self.go(guide, to.unwrap_or(&guide.steps()[0].id), (!in_crisis).then_some(choice.id));
                }
                None => self.lobby(),
            },
        }
    }

    pub(super) fn toggle(&mut self, choice: &Choice) {
        let Some(spot) = self.session.here.clone() else { return };
        let wording = self.wording;
        let set = self.session.tick(&spot, choice.id);
        let sentence = if set { &wording.says.ticked } else { &wording.says.unticked };
        self.tell_with_offers(sentence, &[("label", &choice.label)]);
    }

    pub(super) fn command(&mut self, command: Command) {
        let wording = self.wording;
        match command {
            Command::HelpNow => {
                let first = self.page().steps()[0].id.clone();
                self.crisis_step(&first, None);
            }
            Command::Help => {
                let mut blocks = wording.says.help.blocks();
                blocks.push(Block::Paragraph(self.mention_line()));
                let mut reply = Reply::new(Tone::Told, blocks);
                self.offer_in(&mut reply);
                self.replies.push(reply);
            }
            Command::Back => self.back(),
            Command::Stop => {
                self.session.stopped = true;
                self.session.crisis = None;
                let mut blocks = wording.says.stopped.blocks();
                if self.was_hard() {
                    blocks.push(Block::Paragraph(self.mention_line()));
                }
                self.replies.push(Reply::new(Tone::Told, blocks));
            }
            Command::Topics | Command::Notes | Command::StartOver | Command::Guides
                if self.session.crisis.is_some() =>
            {
                // They ask to go on: the numbers stay one step away.
                self.session.crisis = None;
                self.tell(&wording.crisis.after, &[]);
                self.command(command);
            }
            Command::Topics => {
                if !self.jump("topics") {
                    if self.session.here.is_some() {
                        self.tell(&wording.says.no_topics, &[])
                    } else {
                        self.lobby()
                    }
                }
            }
            Command::Notes => {
                if !self.jump("notes") {
                    let notes = notes::notes(self.library, &self.session, wording);
                    let mut reply = Reply::new(Tone::Notes, notes.blocks());
                    reply.document = Some(notes.markdown());
                    self.replies.push(reply);
                }
            }
            Command::StartOver => {
                // Whoever begins again begins with the text in service.
                let guide = self
                    .here()
                    .and_then(|(guide, _)| self.library.guide(guide.id().as_str(), Some(guide.language())));
                self.session.here = None;
                self.session.trail.clear();
                self.session.ticks.clear();
                self.session.visits.clear();
                match guide {
                    Some(guide) => self.go(guide, &guide.steps()[0].id, None),
                    None => self.lobby(),
                }
            }
            Command::ForgetMe => {
                // What was handled already stays known, so that a repeated event is not answered again.
                let Session { seen, updated, .. } = std::mem::take(&mut self.session);
                self.session = Session { seen, updated, ..Session::default() };
                self.tell(&wording.says.erased, &[]);
            }
            Command::Privacy => self.tell(&wording.says.privacy, &[]),
            Command::Guides => {
                let guides = self.library.guides(&wording.language).map(|guide| {
                    vec![
                        Run::strong(format!("start {}", guide.id())),
                        Run::plain(format!(": {}", guide.title())),
                    ]
                });
                let mut reply = Reply::new(Tone::Told, vec![Block::Bullets(guides.collect())]);
                if self.session.here.is_none() {
                    self.offer_in(&mut reply);
                }
                self.replies.push(reply);
            }
            Command::Again => {
                self.session.stopped = false;
                if self.session.crisis.is_some() { self.say_crisis_step(None) } else { self.say() }
            }
        }
    }

    pub(super) fn back(&mut self) {
        let wording = self.wording;
        if std::mem::take(&mut self.session.stopped) {
            return self.say();
        }
        if let Some(aside) = &mut self.session.crisis {
            match aside.trail.pop() {
                Some(step) => {
                    aside.step = step;
                    self.say_crisis_step(None);
                }
                None => self.leave_crisis(),
            }
            return;
        }
        match self.session.trail.pop() {
            Some(Mark { spot, .. }) => {
                self.session.here = Some(spot);
                self.say();
            }
            None if self.session.here.is_some() => {
                self.tell(&wording.says.at_the_start, &[]);
                self.say();
            }
            None => self.lobby(),
        }
    }

    pub(super) fn set_country(&mut self, name: &str) {
        let wording = self.wording;
        let resources = &self.library.resources;
        let Some(country) = resources.find(name) else {
            return match resources.suggest(name) {
                _ if name.is_empty() => self.tell(&wording.says.country_ask, &[]),
                Some(near) => self.tell(&wording.says.country_guess, &[("country", near)]),
                None => self.tell(&wording.says.country_unknown, &[]),
            };
        };
        self.session.country = Some(country);
        self.country = Some(country);
        let listed = resources.country(country);
        let name = listed.map_or_else(|| country.to_string(), |listed| listed.name.clone());
        let sentence =
            if listed.is_some() { &wording.says.country_set } else { &wording.says.country_set_unlisted };
        if self.session.crisis.is_some() {
            let mut blocks = sentence.with(&[("country", &name)]);
            let contacts = self.contacts(Urgency::of(self.session.shown.worst, self.session.shown.who));
            blocks.extend(contacts.blocks);
            let mut reply = Reply::new(Tone::Crisis(None), blocks);
            reply.resources = contacts.ids;
            self.offer_in(&mut reply);
            self.replies.push(reply);
        } else {
            self.tell(sentence, &[("country", &name)]);
            let Some(line) = reply::main_line(&self.library.resources, self.country, wording) else { return };
            let mut blocks = vec![Block::Paragraph(vec![Run::plain(line)])];
            blocks.append(
                &mut self.replies.last_mut().map_or_else(Vec::new, |last| std::mem::take(&mut last.blocks)),
            );
            blocks.swap(0, 1);
            if let Some(last) = self.replies.last_mut() {
                last.blocks = blocks;
                last.resources = Vec::new();
            }
        }
    }
}

fn sources(guide: &Guide, step: &Step) -> Vec<(usize, Vec<Run>)> {
    let mut numbers: Vec<usize> = step
        .says
        .iter()
        .flat_map(Block::runs)
        .filter_map(|run| match run {
            Run::Source(number) => Some(*number),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
        .into_iter()
        .filter_map(|number| Some((number, guide.sources().get(number - 1)?.text.clone())))
        .collect()
}
