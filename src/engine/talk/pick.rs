//! A button that was pressed, now or long after it was offered.

use super::super::session::Aside;
use super::{Place, Talk};
use crate::script::{ChoiceId, Guide, Step};

impl Talk<'_> {
    /// Takes the choice where it was offered. One of the crisis page works whenever it is pressed; one of a guide
    /// where the person still is, or where nothing is known of them any more. Else they are told where they are.
    pub(in crate::engine) fn pick(&mut self, spot: u32, choice: ChoiceId) {
        if self.spot() != spot && !self.return_to(spot) {
            return self.late();
        }
        match self.offers().iter().position(|offer| offer.id == choice) {
            Some(at) => self.choose(at),
            None => self.late(),
        }
    }

    pub(super) fn spot(&self) -> u32 {
        self.open().map_or(0, |(page, step)| spot(page, step))
    }

    /// Opens the step where a button was offered, if that takes nobody away from where they are.
    fn return_to(&mut self, spot_of_button: u32) -> bool {
        let page = self.page();
        if let Some(step) = page.steps().iter().find(|step| spot(page, step) == spot_of_button) {
            self.session.crisis = Some(Aside { trail: Vec::new(), step: step.id.clone() });
            return true;
        }
        if self.session.here.is_some() || self.session.crisis.is_some() {
            return false;
        }
        let (library, wording) = (self.library, self.wording);
        let guides = library.guides(&wording.language);
        let mut steps = guides.flat_map(|guide| guide.steps().iter().map(move |step| (guide, step)));
        match steps.find(|(guide, step)| spot(guide, step) == spot_of_button) {
            Some((guide, step)) => self.stand(guide, &step.id, None),
            None => false,
        }
    }

    fn late(&mut self) {
        let wording = self.wording;
        self.session.stopped = false;
        if self.session.here.is_none() && self.session.crisis.is_none() {
            return self.lobby();
        }
        self.tell(&wording.says.late, &[]);
        if self.session.crisis.is_some() { self.say_crisis_step(None) } else { self.say() }
    }
}

fn spot(page: &Guide, step: &Step) -> u32 {
    Place { guide: page.id().clone(), step: step.id.clone() }.spot()
}
