//! Cards in a moderators' channel: that somebody may need a person, and where. Never what they wrote.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use serde_json::{Value, json};

use super::bot::{Bot, PLATFORM, Scene};
use super::outbox::{Letter, To, What};
use super::render::{self, AlertStep, Press};
use super::wire::{Id, Interaction};
use crate::safety::{Concern, Level, Who};
use crate::shell::telemetry::Sort;
use crate::shell::{Address, clock};

/// For how long one card stands for a person: it is changed, not repeated.
const STANDS: Duration = Duration::from_secs(60 * 60);
/// How many cards are remembered.
const REMEMBERED: usize = 2_000;

/// A card that stands somewhere.
#[derive(Clone)]
struct Card {
    since: Instant,
    count: usize,
    level: Level,
    /// Its message, once it is written, and what moderators did about it.
    written: Arc<Mutex<Written>>,
}

/// How a card stands in the channel.
#[derive(Default)]
struct Written {
    message: Option<Id>,
    /// Who is on it.
    taken: Option<String>,
    /// It is looked after: what comes next is news.
    done: bool,
}

impl Card {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cards of the last hour, by hashes that mean nothing outside this process.
pub struct Alerts(Mutex<LruCache<u64, Card>>);

impl Default for Alerts {
    fn default() -> Self {
        Alerts(Mutex::new(LruCache::new(NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN))))
    }
}

/// What a level means, for somebody who decides whether to look.
fn meaning(level: Level) -> &'static str {
    match level {
        Level::Imminent => "It sounds like a plan, a goodbye, or something that is happening now.",
        Level::Ideation => "It sounds like thoughts of suicide or of self-harm.",
        _ => "It is unclear: it may be nothing, or it may be despair.",
    }
}

impl Bot {
    /// Puts a card where moderators see it, or changes the one that stands, if the server wants that. `answered` says
    /// that the person was written to.
    pub fn alert(&self, scene: &Scene, message: Id, concern: &Concern, answered: bool) {
        let Some(server) = scene.server else { return };
        let Some(wanted) = &scene.community.settings.alerts else { return };
        let Some(channel) = Id::parse(&wanted.channel) else { return };
        if concern.level < wanted.from {
            return;
        }
        let person = scene.person.to_string();
        let key = self.service.hash(&Address {
            platform: PLATFORM,
            person: &person,
            place: &format!("alert {server}"),
        });
        let card = {
            let mut cards = self.alerts.0.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            // What is more urgent than before gets a card of its own: a changed one calls nobody.
            let card = match cards.get(&key) {
                Some(card)
                    if now.duration_since(card.since) < STANDS
                        && !card.written().done
                        && (concern.level <= card.level || concern.level < Level::Imminent) =>
                {
                    Card { count: card.count + 1, level: card.level.max(concern.level), ..card.clone() }
                }
                _ => Card { since: now, count: 1, level: concern.level, written: Arc::default() },
            };
            cards.put(key, card.clone());
            card
        };
        let about = if concern.who == Some(Who::Other) { "about somebody else" } else { "about themselves" };
        let link = format!("https://discord.com/channels/{server}/{}/{message}", scene.channel);
        let again = if card.count > 1 {
            format!(" Messages like it in this hour: {}.", card.count)
        } else {
            String::new()
        };
        let reply = if answered {
            "I write to them with people to contact. If nothing reaches them, I say so here."
        } else {
            "I could not reach them: the channel and their direct messages are closed to me."
        };
        let (stands, taken) = {
            let written = card.written();
            (written.message, written.taken.clone())
        };
        let step = taken.is_some().then_some(AlertStep::Taken);
        let taken = taken.map_or_else(String::new, |line| format!("\n{line}"));
        let role = wanted.role.as_deref().and_then(Id::parse).filter(|_| card.level == Level::Imminent);
        let call = role.map_or_else(String::new, |role| format!("<@&{role}> "));
        let text = format!(
            "{call}**Somebody may need a person.** {} They wrote {about}, <t:{}:R>: {link}{again}\n{reply} What I recognise is measured, not certain. Please look for yourself.{taken}",
            meaning(card.level),
            clock::now(),
        );
        let mut body = render::message(&text, false, vec![buttons(step)]);
        body["allowed_mentions"] = json!({"parse": [], "roles": role.iter().collect::<Vec<_>>()});
        let what = match stands {
            Some(id) if card.count > 1 => What::Edit(id, body),
            // Its first version is still on the way, and says the same but for the count.
            None if card.count > 1 => return,
            _ => {
                body["nonce"] = format!("a{message}").into();
                body["enforce_nonce"] = true.into();
                What::Message(body, None)
            }
        };
        let then = move |outcome: Result<Option<Id>, _>| {
            if let Ok(Some(id)) = outcome {
                card.written().message = Some(id);
            }
        };
        let letter =
            Letter { what, sort: Sort::alert, watched: scene.watched.clone(), then: Some(Box::new(then)) };
        self.outbox.send(&To::Channel(channel), letter);
    }

    /// What to do where somebody could not be written to at all: moderators are told, if they want alerts.
    pub fn unreached(
        &self,
        scene: &Scene,
        message: Id,
        concern: &Concern,
    ) -> impl FnOnce() + Send + Sync + 'static + use<> {
        let wanted = scene.community.settings.alerts.clone().filter(|wanted| concern.level >= wanted.from);
        let channel = wanted.and_then(|wanted| Id::parse(&wanted.channel));
        let link = format!(
            "https://discord.com/channels/{}/{}/{message}",
            scene.server.map_or_else(|| "@me".to_owned(), |server| server.to_string()),
            scene.channel
        );
        let (outbox, watched) = (self.outbox.clone(), scene.watched.clone());
        move || {
            let Some(channel) = channel else { return };
            let text = format!(
                "**Nobody could be reached.** I could write neither in the channel nor to the person: {link}\nPlease look for yourself, and let me send messages there (View Channel, Send Messages)."
            );
            let what = What::Message(render::message(&text, false, vec![buttons(None)]), None);
            outbox.send(&To::Channel(channel), Letter { what, sort: Sort::alert, watched, then: None });
        }
    }

    /// A moderator takes a card, or has done with it: the card says who and when.
    pub fn take_alert(&self, scene: &Scene, interaction: &Interaction, step: AlertStep) {
        let before = interaction.message.as_ref().map_or("", |message| message.content.as_str());
        // Only a card is changed, whatever somebody's client says they pressed.
        if !before.contains("https://discord.com/channels/") {
            return self.tell(scene, "That is no card of mine.", None, Vec::new(), Sort::moderator);
        }
        let line = match step {
            AlertStep::Taken => format!("👀 <@{}> is on it since <t:{}:t>.", scene.person, clock::now()),
            AlertStep::Done => format!("✔️ <@{}> has looked after it, <t:{}:t>.", scene.person, clock::now()),
        };
        let pressed = interaction.message.as_ref().and_then(|message| message.id);
        let cards = self.alerts.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, card) in cards.iter() {
            let mut written = card.written();
            if written.message.is_some() && written.message == pressed {
                match step {
                    AlertStep::Taken => written.taken = Some(line.clone()),
                    AlertStep::Done => written.done = true,
                }
            }
        }
        drop(cards);
        let text = format!("{before}\n{line}");
        let shown = render::split(&text, render::LONGEST).swap_remove(0);
        let body = json!({
            "content": shown,
            "components": if step == AlertStep::Done { json!([]) } else { json!([buttons(Some(step))]) },
            "allowed_mentions": {"parse": []},
        });
        self.send(scene, What::Callback(7, body), Sort::moderator, None);
    }
}

/// The buttons of a card, without the one that was pressed.
fn buttons(pressed: Option<AlertStep>) -> Value {
    let steps = [("I'm on it", AlertStep::Taken), ("Done", AlertStep::Done)];
    let left = steps.into_iter().filter(|(_, step)| Some(*step) != pressed);
    render::row(left.map(|(label, step)| render::button(2, label, &Press::Alert(step).id(0, 0))).collect())
}
