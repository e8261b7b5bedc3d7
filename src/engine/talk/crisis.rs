//! The crisis page, open beside the guide: the place in the guide stays as it is.

use super::super::session::Aside;
use super::{Place, Reply, Talk, Tone};
use crate::library::FALLBACK;
use crate::safety::reply::{self, Urgency};
use crate::safety::{Concern, Level};
use crate::script::{Block, Language, Run, StepId};

/// How many steps of the crisis page `back` can undo.
const LONGEST_ASIDE: usize = 50;

impl Talk<'_> {
    pub(in crate::engine) fn contacts(&self, urgency: Urgency) -> reply::ContactBlocks {
        reply::contacts(&self.library.resources, self.country, self.wording, urgency)
    }

    pub(in crate::engine) fn mention_line(&self) -> Vec<Run> {
        reply::mention(&self.library.resources, self.country, self.wording)
    }

    pub(in crate::engine) fn mention(&mut self) {
        let reply = Reply::new(Tone::Mention, vec![Block::Paragraph(self.mention_line())]);
        self.replies.push(reply);
    }

    /// Whether the person said of this level that it was a misunderstanding. What names thoughts of
    /// suicide is answered all the same, each time: only unclear words can be waved off.
    pub(in crate::engine) fn is_dismissed(&self, concern: &Concern) -> bool {
        concern.level <= Level::Concern && concern.level <= self.session.shown.dismissed
    }

    /// Goes on in the language in which somebody asked for help, where there is a crisis page in it. English words
    /// are used in every language, so they are no reason to leave one.
    fn answer_in_kind(&mut self, concern: &Concern, text: &str) {
        let Some(rule) = &concern.rule else { return };
        let (spoken, now) = (rule.language(), self.wording.language.base());
        if spoken == FALLBACK || spoken == now || self.library.screener.hears(text, now) {
            return;
        }
        let language = Language::new(spoken);
        let page = self.library.crisis(Some(&language));
        if page.language().base() == spoken {
            self.wording = self.library.wording(Some(&language));
            self.session.language = Some(language);
            if let Some(aside) = &mut self.session.crisis {
                // The other page may be shorter: `back` finds only what stands on both.
                aside.trail.retain(|step| page.position(step.as_str()).is_some());
                if page.position(aside.step.as_str()).is_none() {
                    match aside.trail.pop() {
                        Some(step) => aside.step = step,
                        None => self.session.crisis = None,
                    }
                }
            }
        }
    }

    /// The reply to what the screen found. The place in the guide stays as it is.
    pub(in crate::engine) fn crisis(&mut self, concern: &Concern, text: &str) {
        self.answer_in_kind(concern, text);
        let shown = &mut self.session.shown;
        let step = reply::step(concern, shown);
        shown.times = shown.times.saturating_add(1);
        shown.worst = shown.worst.max(concern.level);
        shown.who = concern.who;
        self.session.unclear = 0;
        self.session.stopped = false;
        self.crisis_step(&StepId::new(step), Some(concern));
    }

    pub(in crate::engine) fn crisis_in_public(&mut self, concern: &Concern, text: &str, again: bool) {
        self.answer_in_kind(concern, text);
        let blocks = reply::public(&self.library.resources, self.country, self.wording, again);
        self.replies.push(Reply::new(Tone::Crisis(Some(concern.level)), blocks));
    }

    /// Opens the crisis page at a step, or goes on in it.
    pub(in crate::engine) fn crisis_step(&mut self, step: &StepId, concern: Option<&Concern>) {
        match &mut self.session.crisis {
            Some(aside) => {
                let from = std::mem::replace(&mut aside.step, step.clone());
                if aside.trail.len() >= LONGEST_ASIDE {
                    aside.trail.remove(0);
                }
                aside.trail.push(from);
            }
            none => *none = Some(Aside { trail: Vec::new(), step: step.clone() }),
        }
        self.say_crisis_step(concern);
        match step.as_str() {
            reply::BACK_TO_THE_GUIDE => self.leave_crisis(),
            reply::NOT_WHAT_I_MEANT => {
                let shown = &mut self.session.shown;
                shown.dismissed = shown.dismissed.max(shown.worst);
                self.leave_crisis();
            }
            reply::STOP_FOR_TODAY => {
                self.session.crisis = None;
                self.session.stopped = true;
            }
            _ => {}
        }
    }

    pub(in crate::engine) fn leave_crisis(&mut self) {
        self.session.crisis = None;
        self.say();
    }

    pub(in crate::engine) fn say_crisis_step(&mut self, concern: Option<&Concern>) {
        let page = self.page();
        let id = self.session.crisis.as_ref().map(|aside| aside.step.clone());
        let step = id.as_ref().and_then(|id| page.step(id.as_str()));
        let shown = &self.session.shown;
        let urgency = match &id {
            // What is written for danger keeps its order whoever opens it.
            Some(id) => Urgency::at(id.as_str()).unwrap_or(Urgency::of(shown.worst, shown.who)),
            None => Urgency::of(shown.worst, shown.who),
        };
        let contacts = self.contacts(urgency);
        let mut reply = Reply::new(Tone::Crisis(concern.map(|concern| concern.level)), Vec::new());
        match step {
            Some(step) => {
                for block in &step.says {
                    match block {
                        Block::Resources => {
                            reply.blocks.extend(contacts.blocks.iter().cloned());
                            reply.resources.clone_from(&contacts.ids);
                        }
                        other => reply.blocks.push(other.clone()),
                    }
                }
                reply.place = Some(Place { guide: page.id().clone(), step: step.id.clone() });
            }
            None => {
                reply.blocks.extend(self.wording.crisis.bare.blocks());
                reply.blocks.extend(contacts.blocks);
                reply.blocks.extend(self.wording.crisis.automated.blocks());
                reply.resources = contacts.ids;
            }
        }
        self.offer_in(&mut reply);
        self.replies.push(reply);
    }
}
