//! Every transcript of the guides, played as the screens of a platform show it: what must be heard is looked for in
//! its messages, and a tap is a tap on what they offer.
#![allow(dead_code, reason = "each platform uses its part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lantern::engine::{self, Event, Kind, Reply, Session, route};
use lantern::library::Library;
use lantern::safety::resource::Country;
use lantern::script::{self, ChoiceId, Language};
use lantern::transcript::{self, Deed, Heard, Stage, play_on};

/// When every conversation begins, and for how long a session lasts: as in the core's own stage.
const BEGINNING: u64 = 1_767_225_600;
const EXPIRE: u64 = 24 * 3_600;

/// A person's screen on a platform.
pub trait Screen {
    /// Shows a reply. Gives the words that can be read, without the labels of what is offered.
    fn show(&mut self, library: &Library, reply: &Reply, public: bool) -> String;
    /// The labels of what was offered last.
    fn labels(&self) -> Vec<String>;
    /// What a tap on one of them means; none where there is nothing to tap and its words are typed.
    fn tap(&self, at: usize) -> Option<(u32, ChoiceId)>;
    /// The words that reach the core when they are typed; none where they don't.
    fn types(&self, text: &str) -> Option<String>;
}

/// A conversation in front of a screen.
struct Seat<'f, S> {
    screen: S,
    library: Arc<Library>,
    kept: Vec<u8>,
    now: u64,
    events: u64,
    public: bool,
    country: Option<Country>,
    language: Language,
    files: &'f dyn Fn(&str) -> Option<String>,
}

impl<S: Screen> Seat<'_, S> {
    fn session(&self) -> Session {
        let session = Session::decode(&self.kept).unwrap_or_default();
        if session.updated.saturating_add(EXPIRE) <= self.now { Session::default() } else { session }
    }

    fn turn(&mut self, kind: Kind<'_>) -> Heard {
        self.events += 1;
        let event = Event {
            id: self.events,
            at: self.now,
            public: self.public,
            again: false,
            country: self.country,
            language: Some(&self.language),
            kind,
        };
        let turn = engine::turn(&self.library, self.session(), &event);
        self.kept = turn.session.encode();
        let open = engine::open_place(&self.library, &turn.session, Some(&self.language));
        let mut heard = Heard::new(&turn.replies, open.map(|place| place.step.to_string()));
        let library = self.library.clone();
        let said = turn.replies.iter().map(|reply| self.screen.show(&library, reply, self.public));
        // What the transcript looks into is what the messages say, and no longer what the core said.
        heard.text = said.collect::<Vec<_>>().join("\n\n");
        if !heard.choices.is_empty() {
            heard.choices = self.screen.labels();
        }
        heard
    }
}

impl<S: Screen> Stage for Seat<'_, S> {
    fn act(&mut self, deed: &Deed) -> Result<Heard, (String, String)> {
        let refused = |what: String| (what, "please see the messages".to_owned());
        match deed {
            Deed::Say(text) => match self.screen.types(text) {
                Some(typed) => Ok(self.turn(Kind::Text(&typed))),
                None => Err(refused(format!("{text:?} was not heard"))),
            },
            Deed::Tap(label) => {
                let offers = engine::offers(&self.library, &self.session(), Some(&self.language));
                let same = |other: &String| {
                    route::exact(label, &offers).is_some_and(|at| offers[at].label == *other)
                };
                let labels = self.screen.labels();
                let Some(at) = labels.iter().position(|other| other == label || same(other)) else {
                    return Err(refused(format!("[{label}] is not in {labels:?}")));
                };
                match self.screen.tap(at) {
                    Some((spot, choice)) => Ok(self.turn(Kind::Pick { spot, choice })),
                    None => Ok(self.turn(Kind::Text(label))),
                }
            }
            Deed::Wait(seconds) => {
                self.now += seconds;
                Ok(Heard::default())
            }
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
            Deed::Edit(file) | Deed::Withdraw(file) => {
                let text = (self.files)(file).ok_or_else(|| refused(format!("no {file}")))?;
                let edited = self.library.with_page(&text).map_err(|found| refused(format!("{found:?}")))?;
                let path = script::read::own_path(&text);
                let old = self
                    .library
                    .all_guides()
                    .find(|guide| guide.path() == path)
                    .map(|guide| guide.revision());
                let withdrawn: Vec<_> =
                    old.into_iter().filter(|_| matches!(deed, Deed::Withdraw(_))).collect();
                self.library = Arc::new(edited.succeeding(&self.library, &withdrawn));
                Ok(Heard::default())
            }
        }
    }
}

fn transcripts(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(below).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(transcripts(&path));
        } else if path.extension().is_some_and(|extension| extension == "chat") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Plays every transcript of the guides in front of screens of one kind.
pub fn every_transcript<S: Screen>(screen: impl Fn() -> S) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let (mut count, mut failures) = (0, Vec::new());
    for path in transcripts(&root) {
        let text = std::fs::read_to_string(&path).expect("a transcript");
        let folder = path.parent().expect("a folder").to_owned();
        let files = move |name: &str| std::fs::read_to_string(folder.join(name)).ok();
        let talks = transcript::read(&path.display().to_string(), &text).expect("it is well-formed");
        for talk in talks {
            count += 1;
            let mut seat = Seat {
                screen: screen(),
                library: Library::builtin().clone(),
                kept: Session::default().encode(),
                now: BEGINNING,
                events: 0,
                public: false,
                country: None,
                language: talk.language.clone(),
                files: &files,
            };
            failures
                .extend(play_on(&mut seat, &talk).failure.map(|found| format!("{}: {found}", talk.title)));
        }
    }
    assert!(count > 50, "{count}");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}
