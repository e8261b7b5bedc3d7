//! Every transcript of the guides, heard as a client on Matrix shows it: what the core promises is in the messages.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lantern::engine::{self, Event, Kind, Reply, Session, route};
use lantern::library::Library;
use lantern::safety::resource::Country;
use lantern::script::{self, Language};
use lantern::shell::matrix::hear::{self, What};
use lantern::shell::matrix::render::{self, Manner};
use lantern::transcript::{self, Deed, Heard, Stage, play_on};
use serde_json::{Value, json};

/// When every conversation begins, and for how long a session lasts: as in the core's own stage.
const BEGINNING: u64 = 1_767_225_600;
const EXPIRE: u64 = 24 * 3_600;
const ANNA: &str = "@anna:example.org";

/// A person who sees what is in the messages, and taps reactions.
struct Client<'f> {
    library: Arc<Library>,
    kept: Vec<u8>,
    now: u64,
    events: u64,
    public: bool,
    country: Option<Country>,
    language: Language,
    /// The last message that offered something: what stood under its numbers, and what a reaction to it means.
    list: Option<(Vec<String>, Value)>,
    files: &'f dyn Fn(&str) -> Option<String>,
}

impl Client<'_> {
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
        let spot = open.as_ref().map_or(0, |place| place.spot());
        let mut heard = Heard::new(&turn.replies, open.map(|place| place.step.to_string()));
        let said: Vec<String> = turn.replies.iter().map(|reply| self.see(reply, spot)).collect();
        // What the transcript looks into is what the messages say, and no longer what the core said.
        heard.text = said.join("\n\n");
        if let Some((labels, _)) = self.list.as_ref().filter(|_| !heard.choices.is_empty()) {
            heard.choices.clone_from(labels);
        }
        heard
    }

    /// The words of a reply as its messages show them. Its list is taken out, and kept for a tap.
    fn see(&mut self, reply: &Reply, spot: u32) -> String {
        let thread = self.public.then_some("$root");
        let manner = Manner { direct: !self.public, person: ANNA, event: "$1", thread, late: false, spot };
        let messages = render::messages(reply, &manner);
        let mentioned = messages[0]["m.mentions"]["user_ids"] == json!([ANNA]);
        assert_eq!(mentioned, reply.is_crisis(), "a crisis reply calls the person, and nothing else does");
        let mut words = String::new();
        for message in &messages {
            assert!(message.to_string().len() < 48_000, "it fits into an event");
            let body = message["body"].as_str().expect("a body");
            let html = message["formatted_body"].as_str().unwrap_or_default();
            assert_eq!(
                letters(&without_tags(html)),
                letters(&without_numbers(body)),
                "both bodies say the same"
            );
            words.push_str(body);
        }
        let offers = &messages.last().expect("one")[render::OFFERS];
        if reply.choices.is_empty() {
            assert!(offers.is_null());
            return words;
        }
        let at = words.rfind("\n\n1. ").expect("a list");
        let list = words.split_off(at);
        let labels = list.trim().lines().take_while(|line| !line.is_empty()).map(|line| {
            let label = line.split_once(". ").map_or(line, |(_, label)| label);
            label.trim_start_matches(['☑', '☐', ' ']).to_owned()
        });
        self.list = Some((labels.collect(), offers.clone()));
        words
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            other if !inside => text.push(other),
            _ => {}
        }
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The body without what HTML writes as lists and links.
fn without_numbers(body: &str) -> String {
    let line = |line: &str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.strip_prefix(". ").filter(|_| rest.len() < line.len()).unwrap_or(line).to_owned()
    };
    body.lines().map(line).collect::<Vec<_>>().join("\n")
}

impl Stage for Client<'_> {
    fn act(&mut self, deed: &Deed) -> Result<Heard, (String, String)> {
        let refused = |what: String| (what, "please see the messages".to_owned());
        match deed {
            Deed::Say(text) => {
                let content = json!({ "msgtype": "m.text", "body": text });
                let event =
                    json!({ "event_id": "$1", "sender": ANNA, "type": "m.room.message", "content": content });
                match hear::read(&event.to_string()).map(|heard| heard.what) {
                    Some(What::Text { body, .. }) => Ok(self.turn(Kind::Text(&body))),
                    other => Err(refused(format!("heard {other:?}"))),
                }
            }
            Deed::Tap(label) => {
                let offers = engine::offers(&self.library, &self.session(), Some(&self.language));
                let Some((labels, offered)) = self.list.clone() else {
                    return Err(refused("nothing is offered".to_owned()));
                };
                let same = |other: &String| {
                    route::exact(label, &offers).is_some_and(|at| offers[at].label == *other)
                };
                let Some(at) = labels.iter().position(|other| other == label || same(other)) else {
                    return Err(refused(format!("[{label}] is not in {labels:?}")));
                };
                // A list longer than there are keycaps is answered by words.
                let Some(key) = render::keycap(at) else { return Ok(self.turn(Kind::Text(label))) };
                let at = render::position(&key).expect("a position");
                let number =
                    |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok()).expect("a number");
                let (spot, choice) = (number(&offered["spot"]), number(&offered["choices"][at]));
                Ok(self.turn(Kind::Pick { spot, choice: script::ChoiceId::from_bits(choice) }))
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

#[test]
fn every_transcript_is_heard_on_matrix_as_it_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let (mut count, mut failures) = (0, Vec::new());
    for path in transcripts(&root) {
        let text = std::fs::read_to_string(&path).expect("a transcript");
        let folder = path.parent().expect("a folder").to_owned();
        let files = move |name: &str| std::fs::read_to_string(folder.join(name)).ok();
        let talks = transcript::read(&path.display().to_string(), &text).expect("it is well-formed");
        for talk in talks {
            count += 1;
            let mut client = Client {
                library: Library::builtin().clone(),
                kept: Session::default().encode(),
                now: BEGINNING,
                events: 0,
                public: false,
                country: None,
                language: talk.language.clone(),
                list: None,
                files: &files,
            };
            failures
                .extend(play_on(&mut client, &talk).failure.map(|found| format!("{}: {found}", talk.title)));
        }
    }
    assert!(count > 50, "{count}");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}
