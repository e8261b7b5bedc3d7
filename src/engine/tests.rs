use std::sync::{Arc, LazyLock};

use super::*;

const TEA: &str = "---
id: tea
language: en
---

# Tea? {#welcome}

Do you like tea?[^a]

- [Yes, green](#which \"I like green tea.\")
- [Yes, black](#which \"I like black tea.\")
- [No](#bye)
- [I'm thinking about suicide](../crisis/en.md#ideation)

## Which ones? {#which}

Tick what fits.

- [With milk](#which \"With milk.\")
- [With honey](#which \"With honey.\")
- [That's all](#bye)
- [I'd rather skip this](#bye)

## Topics

Pick one.

- [Brewing](#brewing)
- [Coffee](../coffee/en.md)

## Brewing

Hot water.

- [On to the end](#bye)

## Notes

Here they are.

(end)

## Bye

Until then.

(end)

[^a]: A book about tea, 1906.
";

const COFFEE: &str = "---\nid: coffee\nlanguage: en\n---\n\n# Coffee? {#start}\n\nNo.\n\n(end)\n";

fn library_of(tea: &str) -> Arc<Library> {
    let files = [("tea/en.md", tea), ("coffee/en.md", COFFEE)];
    Arc::new(Library::read(files).unwrap_or_else(|found| panic!("{}", found[0])))
}

/// Read once for all tests: its phrases are tried each time that it is.
fn tea() -> Arc<Library> {
    static LIBRARY: LazyLock<Arc<Library>> = LazyLock::new(|| library_of(TEA));
    LIBRARY.clone()
}

/// A conversation that reads like one: `says`, then what is heard.
struct Chat {
    library: Arc<Library>,
    session: Session,
    replies: Vec<Reply>,
    concern: Concern,
    at: u64,
    id: u64,
    country: Option<Country>,
}

impl Chat {
    fn new() -> Self {
        let library = tea();
        Chat {
            library,
            session: Session::default(),
            replies: Vec::new(),
            concern: Concern::default(),
            at: 1_000_000,
            id: 0,
            country: None,
        }
    }

    fn begun() -> Self {
        Chat::new().says("start tea")
    }

    fn does(mut self, kind: Kind<'_>) -> Self {
        self.id += 1;
        // Every turn goes through the store's bytes, as it would between two messages.
        let session = Session::decode(&self.session.encode()).expect("a session comes back");
        let event = Event {
            id: self.id,
            at: self.at,
            public: false,
            again: false,
            country: self.country,
            language: None,
            kind,
        };
        let turn = turn(&self.library, session, &event);
        (self.session, self.replies, self.concern) = (turn.session, turn.replies, turn.concern);
        self
    }

    fn says(self, text: &str) -> Self {
        self.does(Kind::Text(text))
    }

    fn after(mut self, seconds: u64) -> Self {
        self.at += seconds;
        self
    }

    fn text(&self) -> String {
        self.replies.iter().map(|reply| reply.plain() + "\n").collect()
    }

    #[track_caller]
    fn hears(self, words: &str) -> Self {
        assert!(self.text().contains(words), "expected {words:?} in:\n{}", self.text());
        self
    }

    #[track_caller]
    fn at(self, step: &str) -> Self {
        assert_eq!(place(&self.session).map(|place| place.step.to_string()).as_deref(), Some(step));
        self
    }

    #[track_caller]
    fn first_is_crisis(self, step: &str) -> Self {
        let first = self.replies.first().expect("there is a reply");
        assert!(first.is_crisis(), "{:?}", first.tone);
        assert_eq!(first.place.as_ref().map(|place| place.step.as_str()), Some(step));
        self
    }
}

#[test]
fn a_guide_can_be_walked_by_number_and_by_words() {
    Chat::begun().at("welcome").hears("Do you like tea?").says("1").at("which").says("that's all").at("bye");
    Chat::begun().says("no").at("bye").hears("Until then.");
}

#[test]
fn back_returns_any_number_of_times() {
    let chat = Chat::begun().says("2").says("3").says("topics").says("brewing").at("brewing");
    let chat = chat
        .says("back")
        .at("topics")
        .says("back")
        .at("bye")
        .says("back")
        .at("which")
        .says("back")
        .at("welcome");
    chat.says("back").at("welcome").hears("where we began").says("back").at("welcome");
}

#[test]
fn ticks_go_on_and_off_and_into_the_notes() {
    let chat = Chat::begun().says("1").says("with milk").at("which").hears("Added to your notes: With milk");
    assert_eq!(chat.replies[0].choices[0].ticked, Some(true));
    let chat = chat.says("2").says("1").hears("Taken off your notes");
    assert_eq!(
        chat.replies[0].choices.iter().map(|offer| offer.ticked).collect::<Vec<_>>(),
        [Some(false), Some(true), None, None]
    );
    let chat = chat.says("notes").hears("I like green tea.").hears("With honey.");
    assert!(!chat.text().contains("With milk."), "{}", chat.text());
    let page = chat.replies[0].document.as_deref().expect("a page to save");
    assert!(page.contains("## Tea?\n\n- I like green tea.\n") && page.contains("1970-01-12"), "{page}");
}

#[test]
fn an_answer_that_is_changed_changes_the_notes() {
    let chat = Chat::begun().says("1").says("back").says("2").says("notes").hears("black tea");
    assert!(!chat.text().contains("green tea"));
}

#[test]
fn what_is_not_understood_is_answered_kindly_and_differently_the_second_time() {
    let first = Chat::begun().says("purple").hears("didn't get that").at("welcome");
    assert_eq!(first.replies[0].choices.len(), 4);
    let words = first.text();
    let second = first.says("purple").at("welcome");
    assert_ne!(second.text(), words);
    second
        .says("9")
        .hears("There are 4 choices")
        .says("yes")
        .hears("Which one do you mean?")
        .says("1")
        .at("which");
}

#[test]
fn the_crisis_reply_comes_first_and_leaves_the_place() {
    for begin in [
        Chat::new(),
        Chat::begun(),
        Chat::begun().says("1").says("stop"),
        Chat::begun().says("1").says("notes"),
    ] {
        let before = place(&begin.session);
        let chat = begin
            .says("i want to die")
            .first_is_crisis("ideation")
            .hears("thoughts of suicide")
            .hears("findahelpline.com");
        assert_eq!(place(&chat.session), before);
        assert_eq!(chat.concern.level, Level::Ideation);
        let chat = chat.says("back");
        assert_eq!(place(&chat.session), before);
        assert!(chat.session.crisis.is_none());
    }
}

#[test]
fn numbers_answer_the_crisis_page_while_it_is_open() {
    let chat = Chat::begun().says("i want to die").says("1").first_is_crisis("calling").at("welcome");
    let chat = chat.says("back").first_is_crisis("ideation").says("keep talking to the guide");
    chat.first_is_crisis("back-to-the-guide").hears("Do you like tea?").says("1").at("which");
}

#[test]
fn said_again_it_is_said_differently_and_shorter() {
    let chat = Chat::begun().says("i want to die");
    let mut seen = vec![chat.replies[0].plain()];
    let mut chat = chat;
    for step in ["again", "again-2", "again-3", "again", "again-2"] {
        chat = chat.says("i want to die").first_is_crisis(step).hears("findahelpline.com");
        let words = chat.replies[0].plain();
        assert_ne!(seen.last(), Some(&words));
        seen.push(words);
    }
    assert!(seen[1..].iter().all(|words| words.len() < seen[0].len()), "the later ones are shorter");
}

#[test]
fn a_misunderstanding_ends_it_and_leads_back() {
    let chat = Chat::begun().says("1").says("i want to die").says("that's not what i meant");
    chat.first_is_crisis("not-what-i-meant")
        .hears("Tick what fits.")
        .at("which")
        .says("1")
        .hears("Added to your notes");
}

#[test]
fn thoughts_of_suicide_are_answered_even_after_a_misunderstanding() {
    let chat = Chat::begun().says("i want to die").says("that's not what i meant").says("i want to die");
    chat.first_is_crisis("again");
}

#[test]
fn a_choice_about_suicide_opens_the_crisis_page_whether_typed_or_tapped() {
    Chat::begun().says("I'm thinking about suicide").first_is_crisis("ideation").at("welcome");
    Chat::begun().says("4").first_is_crisis("ideation").at("welcome").says("back").at("welcome");
}

#[test]
fn a_mention_gets_one_gentle_line_under_the_answer() {
    let chat = Chat::begun().says("does suicide come up").at("welcome");
    let tones: Vec<Tone> = chat.replies.iter().map(|reply| reply.tone).collect();
    assert_eq!(tones, [Tone::Told, Tone::Mention]);
}

#[test]
fn naming_a_country_brings_its_numbers_at_once() {
    let chat = Chat::begun().says("i want to die").hears("Which country are you in?");
    let chat = chat.says("canada").hears("988").hears("911").at("welcome");
    assert!(!chat.says("help now").text().contains("Which country"));
    Chat::begun()
        .says("country Narnia")
        .hears("don't know that country")
        .says("country")
        .hears("Which country");
}

#[test]
fn on_the_crisis_page_a_number_stays_on_the_screen_whatever_is_typed() {
    let chat = Chat::begun().says("country GB").says("i want to die").says("blah").hears("116 123");
    chat.says("99").hears("There are 6 choices");
    Chat::begun().says("i want to die").says("blah").hears("findahelpline.com");
}

#[test]
fn a_word_that_could_be_a_country_code_is_not_taken_for_one() {
    for word in ["no", "in", "is", "me", "i'm in pain", "i am in a dark place", "to"] {
        let chat = Chat::begun().says("i want to die").says(word);
        assert_eq!(chat.session.country, None, "{word}");
        assert!(!chat.text().contains("don't know that country"), "{word}: {}", chat.text());
    }
    assert_eq!(
        Chat::begun().says("i want to die").says("i'm in Canada").session.country,
        Country::parse("CA")
    );
}

#[test]
fn help_now_works_everywhere() {
    for begin in [Chat::new(), Chat::begun(), Chat::begun().says("stop")] {
        let chat = begin.says("help now").first_is_crisis("help-now").hears("findahelpline.com");
        assert!(chat.session.crisis.is_some());
    }
}

#[test]
fn words_that_call_for_help_lead_to_it_where_they_are_heard_as_a_concern_too() {
    let library = Library::builtin();
    let japanese = Language::new("ja");
    let text = library.wording(Some(&japanese)).command_word(Command::HelpNow).to_owned();
    assert_eq!(library.screen(&text).level, Level::Concern, "another word shows it now");
    let kind = Kind::Text(&text);
    let language = Some(&japanese);
    let event = Event { id: 1, at: 1_000, public: false, again: false, country: None, language, kind };
    let replies = turn(library, Session::default(), &event).replies;
    assert!(replies[0].is_crisis());
    assert_eq!(replies[0].place.as_ref().map(|place| place.step.as_str()), Some("help-now"));
}

#[test]
fn stop_stops_and_the_place_is_kept() {
    let chat = Chat::begun().says("1").says("stop").hears("stop here");
    assert!(chat.session.stopped && chat.replies.len() == 1);
    chat.says("hello again").hears("Welcome back").at("which").says("stop").says("back").at("which");
}

#[test]
fn forget_me_leaves_nothing() {
    let chat =
        Chat::begun().says("1").says("i want to die").says("country gb").says("forget me").hears("I erased");
    assert!(chat.session.is_blank());
    let start = Chat::begun().says("1").says("1").says("start over").at("welcome");
    assert!(start.session.trail.is_empty() && start.session.ticks.is_empty());
}

#[test]
fn an_event_that_comes_twice_is_answered_once() {
    let chat = Chat::begun();
    let event = Event {
        id: 77,
        at: chat.at,
        public: false,
        again: false,
        country: None,
        language: None,
        kind: Kind::Text("i want to die"),
    };
    let once = turn(&chat.library, chat.session, &event);
    assert_eq!(once.replies.len(), 1);
    let twice = turn(&chat.library, once.session.clone(), &event);
    assert_eq!((twice.replies.len(), twice.session), (0, once.session));
}

#[test]
fn who_was_away_is_welcomed_back() {
    Chat::begun().after(3 * 3600).says("1").at("which");
    let chat = Chat::begun().after(7 * 3600).says("1").hears("Welcome back").at("which");
    assert!(!chat.text().contains("Last time was hard"));
    Chat::begun().says("i want to die").says("back").after(7 * 3600).says("hi").hears("Last time was hard");
}

#[test]
fn a_choice_can_lead_to_another_guide_and_back() {
    let chat = Chat::begun().says("topics").says("coffee");
    assert_eq!(place(&chat.session).expect("a place").guide.as_str(), "coffee");
    chat.says("back").at("topics").says("start nothing").hears("don't have a guide").hears("start tea");
}

#[test]
fn where_a_step_is_gone_the_nearest_one_behind_is_taken() {
    let mut chat = Chat::begun().says("1").says("3").at("bye");
    chat.library = library_of(&TEA.replace("## Bye\n", "## Farewell\n").replace("(#bye)", "(#farewell)"));
    let chat = chat.says("back");
    assert!(chat.text().contains("has changed"));
    let mut chat = Chat::begun().says("1").says("1").at("which");
    chat.library = library_of(&TEA.replace("Tick what fits.", "Tick all that fits."));
    let chat = chat.says("2").at("which");
    assert!(!chat.text().contains("has changed"));
    assert_eq!(
        chat.replies[0].choices[0].ticked,
        Some(true),
        "a tick survives an edit of the words around it"
    );
}

#[test]
fn in_public_the_reply_is_short_and_nothing_is_said_of_a_mention() {
    let library = tea();
    let event = |text| Event {
        id: 1,
        at: 1,
        public: true,
        again: false,
        country: Country::parse("GB"),
        language: None,
        kind: Kind::Text(text),
    };
    let turned = turn(&library, Session::default(), &event("i want to die"));
    assert!(turned.replies[0].is_crisis() && turned.replies[0].choices.is_empty());
    let words = turned.replies[0].plain();
    assert!(words.contains("116 123") && words.contains("999") && !words.contains("want to die"), "{words}");
    let turned = turn(&library, Session::default(), &event("does suicide come up"));
    assert!(turned.replies.iter().all(|reply| reply.tone != Tone::Mention));
}

/// The button that says `label` in the last reply that offered any.
fn button(chat: &Chat, label: &str) -> Kind<'static> {
    let reply = chat.replies.iter().rfind(|reply| !reply.choices.is_empty()).expect("something is offered");
    let offer = reply.choices.iter().find(|offer| offer.label == label).expect("it is offered");
    Kind::Pick { spot: reply.spot, choice: offer.id }
}

#[test]
fn a_button_is_the_choice_that_it_says() {
    let chat = Chat::begun();
    let green = button(&chat, "Yes, green");
    chat.does(green).at("which");
    let lobby = Chat::new().says("hi");
    let tea = button(&lobby, "Tea?");
    lobby.does(tea).at("welcome");
}

#[test]
fn an_old_button_leads_nobody_astray() {
    let chat = Chat::begun();
    let old = button(&chat, "No");
    let chat = chat.says("1").at("which").does(old).at("which").hears("earlier question");
    assert!(chat.replies.last().is_some_and(|reply| !reply.choices.is_empty()), "and shows where they are");
}

#[test]
fn a_button_still_works_when_everything_about_a_person_is_gone() {
    let chat = Chat::begun().says("1");
    let milk = button(&chat, "With milk");
    let chat = Chat::new().does(milk).at("which").hears("With milk");
    assert_eq!(chat.session.ticks.len(), 1);
}

#[test]
fn a_button_of_the_crisis_page_works_whenever_it_is_pressed() {
    let chat = Chat::begun().says("i want to die");
    let reply = chat.replies[0].clone();
    let (spot, choice) = (reply.spot, reply.choices[0].id);
    let chat = chat.says("back").at("welcome").says("1").at("which").does(Kind::Pick { spot, choice });
    assert!(chat.replies[0].is_crisis());
    chat.says("back").says("back").at("which");
    let stranger = Chat::new().does(Kind::Pick { spot, choice });
    assert!(stranger.replies[0].is_crisis());
}

#[test]
fn a_button_under_a_sentence_between_steps_is_the_choice_that_it_says() {
    let chat = Chat::begun().says("gibberish").hears("didn't get that");
    let green = button(&chat, "Yes, green");
    let chat = chat.does(green).at("which").says("1").hears("Added");
    let honey = button(&chat, "With honey");
    assert_eq!(chat.does(honey).session.ticks.len(), 2);
}

#[test]
fn a_command_opens_a_step_by_name_and_an_unknown_one_begins_the_guide() {
    Chat::new().does(Kind::Open { guide: "tea", step: "brewing" }).at("brewing").says("1").at("bye");
    Chat::new().does(Kind::Open { guide: "tea", step: "nowhere" }).at("welcome");
    Chat::new().does(Kind::Open { guide: "soup", step: "x" }).hears("don't have a guide");
}

#[test]
fn a_reply_says_in_which_language_it_is() {
    let chat = Chat::begun().says("死にたい");
    assert_eq!(chat.replies[0].language.as_str(), "ja");
}

#[test]
fn a_button_that_never_was_does_no_harm() {
    let chat = Chat::new().does(Kind::Pick { spot: 7, choice: ChoiceId::of("x") });
    assert!(!chat.replies.is_empty() && chat.session.here.is_none());
    Chat::begun().does(Kind::Pick { spot: 7, choice: ChoiceId::of("x") }).at("welcome").hears("earlier");
}

#[test]
fn no_order_of_taps_and_words_breaks_a_turn() {
    use proptest::prelude::*;
    let words = [
        "1",
        "2",
        "3",
        "4",
        "9",
        "back",
        "stop",
        "topics",
        "notes",
        "start over",
        "help now",
        "i want to die",
        "hm",
        "country gb",
        "start coffee",
        "forget me",
        "hi",
        "suicide",
        "",
    ];
    proptest!(ProptestConfig::with_cases(300), |(picks in proptest::collection::vec(0..words.len(), 0..60))| {
        let mut chat = Chat::begun();
        for pick in picks {
            let before = chat.session.clone();
            chat = chat.says(words[pick]);
            prop_assert!(!chat.replies.is_empty(), "silence after {:?}", words[pick]);
            if words[pick] == "i want to die" {
                prop_assert!(chat.replies[0].is_crisis());
                prop_assert_eq!(place(&chat.session), place(&before));
            }
            if words[pick] == "stop" {
                prop_assert!(chat.session.stopped);
            }
        }
    });
}
