//! Where others can read it: the short reply to somebody in danger, and how often it is repeated.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use serde_json::json;

use super::bot::{Bot, PLATFORM, Scene};
use super::outbox::{Letter, To, What};
use super::render;
use super::wire::{Id, Thread};
use crate::engine::Kind;
use crate::safety::{Concern, Level, Who};
use crate::shell::telemetry::Sort;
use crate::shell::{Address, Incoming, clock};

/// For how long a reply that stands in a channel makes the next one shorter.
const STANDS: Duration = Duration::from_secs(10 * 60);
/// For how long it is surely still on the screen: what is no worse needs no other.
const FRESH: Duration = Duration::from_secs(20);
/// How many such replies are remembered.
const REMEMBERED: usize = 10_000;
/// How long a hint to somebody who only mentioned the bot keeps the next one away, in one channel.
const HINT: Duration = Duration::from_secs(10);

/// The name of the marks of those who don't want their messages in watched channels screened.
pub const UNWATCHED: &str = "discord-unwatched";
/// For how long such a wish counts: until it is taken back.
pub const FOR_EVER: u64 = 100 * 365 * 24 * 3600;

/// What was said to somebody in a channel, and when.
struct Said {
    level: Level,
    who: Option<Who>,
    at: Instant,
}

/// What to say this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The whole reply.
    Whole,
    /// A shorter one: the whole still stands there.
    Short,
    /// Nothing: it was said a moment ago.
    Nothing,
}

/// Public replies that stand somewhere: by hashes that mean nothing outside this process.
pub struct Watch {
    said: Mutex<LruCache<u64, Said>>,
    hints: Mutex<LruCache<Id, Instant>>,
    /// Threads, and the channels that they stand in: a message names only the thread.
    threads: Mutex<LruCache<Id, Id>>,
}

impl Default for Watch {
    fn default() -> Self {
        let room = NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN);
        Watch {
            said: Mutex::new(LruCache::new(room)),
            hints: Mutex::new(LruCache::new(room)),
            threads: Mutex::new(LruCache::new(room)),
        }
    }
}

impl Watch {
    /// What to say to somebody, given what was said to them there before. A first message, a worse one, and one about
    /// somebody else are answered in full.
    fn answer(&self, key: u64, concern: &Concern, now: Instant) -> Answer {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let before = said.get(&key).filter(|said| now.duration_since(said.at) < STANDS);
        let answer = match before {
            Some(before) if concern.level > before.level || concern.who != before.who => Answer::Whole,
            Some(before) if now.duration_since(before.at) < FRESH => return Answer::Nothing,
            Some(_) => Answer::Short,
            None => Answer::Whole,
        };
        let level = before.map_or(concern.level, |before| before.level.max(concern.level));
        said.put(key, Said { level, who: concern.who, at: now });
        answer
    }

    /// Notes in which channel a thread stands.
    pub fn learn(&self, thread: &Thread) {
        if let Some(parent) = thread.parent_id {
            self.threads.lock().unwrap_or_else(PoisonError::into_inner).put(thread.id, parent);
        }
    }

    /// The channel that a thread stands in, as far as it was told; none for what is no thread.
    pub fn parent(&self, channel: Id) -> Option<Id> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).copied()
    }

    /// Whether a hint may be given in a channel now.
    fn may_hint(&self, channel: Id, now: Instant) -> bool {
        let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        let free = hints.get(&channel).is_none_or(|at| now.duration_since(*at) >= HINT);
        if free {
            hints.put(channel, now);
        }
        free
    }
}

impl Bot {
    /// Answers somebody in danger where others can read it: briefly, and without repeating their words.
    /// `addressed` is whether they spoke to the bot, which nothing switches off.
    pub fn rescue_in_public(
        &self,
        scene: &Scene,
        message: Id,
        concern: &Concern,
        text: &str,
        addressed: bool,
    ) {
        let (person, place) = (scene.person.to_string(), scene.place());
        let key = self.service.hash(&Address {
            platform: PLATFORM,
            person: &person,
            place: &scene.channel.to_string(),
        });
        let wish = Address { platform: UNWATCHED, person: &person, place: &place };
        if !addressed && self.service.is_marked(&wish, clock::now()) {
            return;
        }
        let answer = self.watch.answer(key, concern, Instant::now());
        if answer == Answer::Nothing {
            return self.alert(scene, message, concern, true);
        }
        let incoming = Incoming {
            from: Address { platform: PLATFORM, person: &person, place: &place },
            event: "",
            public: true,
            again: answer == Answer::Short,
            at: clock::now(),
            country: scene.country(),
            language: scene.language.as_ref(),
            kind: Kind::Text(text),
        };
        let mut reply = None;
        self.service.answer_crisis(&scene.library, &incoming, &mut |said| reply = Some(said.clone()));
        let Some(reply) = reply else { return };
        let wording = scene.library.wording(Some(&reply.language));
        let words = format!("<@{}> {}", scene.person, render::text(&reply));
        let mut body = render::message(&words, false, vec![render::people_button(wording)]);
        body["allowed_mentions"] = json!({"parse": [], "users": [scene.person]});
        body["message_reference"] = json!({"message_id": message, "fail_if_not_exists": false});
        // An edit that is worse is another reply, also for Discord.
        let nonce = format!("{message}{}{}", concern.level as u8, u8::from(concern.who == Some(Who::Other)));
        body["nonce"] = format!("c{nonce}").into();
        body["enforce_nonce"] = true.into();
        // Where the channel can't be written to, they are written to in private, and if that fails as well, moderators
        // are told that nobody was reached.
        let mut private = render::message(&render::text(&reply), false, vec![render::people_button(wording)]);
        private["nonce"] = format!("d{nonce}").into();
        private["enforce_nonce"] = true.into();
        let (outbox, watched) = (self.outbox.clone(), scene.watched.clone());
        let unreached = self.unreached(scene, message, concern);
        let to = To::Person(scene.person);
        let then = move |outcome: Result<_, _>| {
            if outcome.is_err() {
                let what = What::Message(private, None);
                let then = move |outcome: Result<_, _>| {
                    if outcome.is_err() {
                        unreached();
                    }
                };
                outbox.send(&to, Letter { what, sort: Sort::crisis, watched, then: Some(Box::new(then)) });
            }
        };
        let letter = Letter {
            what: What::Message(body, None),
            sort: Sort::public_crisis,
            watched: scene.watched.clone(),
            then: Some(Box::new(then)),
        };
        self.outbox.send(&To::Channel(scene.channel), letter);
        self.alert(scene, message, concern, true);
    }

    /// Tells somebody who sent a picture or a recording that only words can be read, and where people are.
    pub fn tell_wordless(&self, scene: &Scene) {
        let words = "I can only read typed words, not pictures, recordings or files. Please type what you'd like to say. If you need a person now, press below.";
        let wording = scene.library.wording(scene.language.as_ref());
        self.tell(scene, words, None, vec![render::people_button(wording)], Sort::member);
    }

    /// Tells somebody who mentioned the bot how to talk with it in private.
    pub fn hint(&self, scene: &Scene, message: Id) {
        let quiet = scene.community.settings.quiet.contains(&scene.channel.to_string());
        if quiet || !self.watch.may_hint(scene.channel, Instant::now()) {
            return;
        }
        let wording = scene.library.wording(scene.language.as_ref());
        let words = "I answer in private: press below, type `/guide`, or send me a direct message. I'm an automated guide, not a person.";
        let begin = render::button(1, "Talk in private", &render::Press::Begin.id(0, 0));
        let people =
            render::button(2, &wording.crisis.button_people.words(&[]), &render::Press::People.id(0, 0));
        let mut body = render::message(words, false, vec![render::row(vec![begin, people])]);
        body["message_reference"] = json!({"message_id": message, "fail_if_not_exists": false});
        body["nonce"] = format!("h{message}").into();
        body["enforce_nonce"] = true.into();
        let letter = Letter {
            what: What::Message(body, None),
            sort: Sort::member,
            watched: scene.watched.clone(),
            then: None,
        };
        self.outbox.send(&To::Channel(scene.channel), letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concern(level: Level, who: Who) -> Concern {
        Concern { level, who: Some(who), rule: None }
    }

    #[test]
    fn a_thread_belongs_to_the_channel_that_it_stands_in() {
        let watch = Watch::default();
        watch.learn(&Thread { id: Id(5), parent_id: Some(Id(2)) });
        assert_eq!((watch.parent(Id(5)), watch.parent(Id(2))), (Some(Id(2)), None));
    }

    #[test]
    fn repeats_are_shortened_and_what_is_new_or_worse_never_is() {
        let watch = Watch::default();
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let me = |level| concern(level, Who::Oneself);
        assert_eq!(watch.answer(1, &me(Level::Concern), at(0)), Answer::Whole);
        assert_eq!(watch.answer(1, &me(Level::Concern), at(5)), Answer::Nothing, "it is on the screen");
        assert_eq!(watch.answer(1, &me(Level::Ideation), at(6)), Answer::Whole, "worse");
        assert_eq!(watch.answer(1, &me(Level::Ideation), at(60)), Answer::Short);
        assert_eq!(
            watch.answer(1, &concern(Level::Concern, Who::Other), at(61)),
            Answer::Whole,
            "about somebody else"
        );
        assert_eq!(watch.answer(2, &me(Level::Concern), at(61)), Answer::Whole, "somebody else says it");
        assert_eq!(watch.answer(1, &me(Level::Ideation), at(2_000)), Answer::Whole, "long ago");
    }
}
