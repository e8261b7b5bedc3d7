//! The crisis reply, held to the safe-messaging rules (B1 to B16, A2, A11 to A13): for every level, for every
//! country, for oneself and for somebody else, the first time and again.

use lantern::engine::{self, Event, Kind, Reply, Session, Tone};
use lantern::library::Library;
use lantern::safety::reply::{self, Shown, Urgency};
use lantern::safety::resource::{Country, Resources};
use lantern::safety::{Concern, Level, Who};
use lantern::script::{Block, Language};

fn library() -> &'static Library {
    Library::builtin()
}

fn say(session: Session, text: &str, country: Option<Country>) -> engine::Turn {
    let event = Event {
        id: 0,
        at: 1_000_000,
        public: false,
        again: false,
        country,
        language: None,
        kind: Kind::Text(text),
    };
    engine::turn(library(), session, &event)
}

/// The reply to what a person says first, in a country.
fn first(text: &str, country: &str) -> Reply {
    let turn = say(Session::default(), text, Country::parse(country));
    turn.replies.into_iter().next().unwrap_or_else(|| panic!("no reply to {text}"))
}

const SELF: &[(&str, Level)] = &[
    ("i'm going to kill myself tonight", Level::Imminent),
    ("i want to die", Level::Ideation),
    ("i can't go on", Level::Concern),
];

const OTHER: &[&str] = &["my friend said he wants to kill himself", "my sister is suicidal"];

/// For every language in which distress is recognised: a plain cry in it, and the word for suicide that a crisis reply
/// must not walk around.
const LANGUAGES: &[(&str, &str, &str)] = &[
    ("en", "i want to kill myself", "suicide"),
    ("ar", "أريد أن أقتل نفسي", "انتحار"),
    ("de", "ich will mich umbringen", "suizid"),
    ("es", "quiero suicidarme", "suicidio"),
    ("fr", "je veux me suicider", "suicide"),
    ("hi", "मैं आत्महत्या करना चाहता हूँ", "आत्महत्या"),
    ("id", "aku ingin bunuh diri", "bunuh diri"),
    ("it", "voglio uccidermi", "suicidio"),
    ("ja", "自殺したい", "自殺"),
    ("ko", "자살하고 싶어", "자살"),
    ("nl", "ik wil zelfmoord plegen", "zelfmoord"),
    ("pl", "chcę się zabić", "samobój"),
    ("pt", "quero me matar", "suicídio"),
    ("ru", "я хочу убить себя", "самоубийств"),
    ("sv", "jag vill ta livet av mig", "självmord"),
    ("tr", "intihar etmek istiyorum", "intihar"),
    ("uk", "я хочу вбити себе", "самогубств"),
    ("zh", "我想自杀", "自杀"),
];

/// Small letters, the dot of a Turkish capital i left out.
fn small(text: &str) -> String {
    text.to_lowercase().replace('\u{307}', "")
}

/// Words before the first number or link.
fn words_before_contacts(reply: &Reply) -> usize {
    let place = reply.place.as_ref().expect("a step of the crisis page");
    let step = library().crisis(None).step(place.step.as_str()).expect("it is there");
    let before = step.says.iter().take_while(|block| **block != Block::Resources);
    before.map(|block| block.words().split_whitespace().count()).sum()
}

#[test]
fn each_level_is_answered_with_its_own_words() {
    for (text, level) in SELF {
        let reply = first(text, "GB");
        assert_eq!(reply.tone, Tone::Crisis(Some(*level)), "{text}");
    }
    for text in OTHER {
        let reply = first(text, "GB");
        let step = reply.place.as_ref().map(|place| place.step.to_string()).unwrap_or_default();
        assert!(step.starts_with("somebody-else"), "{text} was answered by {step}");
    }
}

#[test]
fn in_every_country_every_reply_has_a_line_or_the_directory_and_the_emergency_number() {
    let resources = Resources::builtin();
    for listed in resources.countries() {
        for text in SELF.iter().map(|(text, _)| text).chain(OTHER) {
            let words = first(text, &listed.code.to_string()).plain();
            assert!(words.contains(&listed.emergency.number), "{}: {words}", listed.name);
            assert!(words.contains("findahelpline.com"), "{}: {words}", listed.name);
            if let Some(number) = listed
                .services
                .iter()
                .find(|service| service.audience.is_none())
                .and_then(|service| service.phone.as_ref())
            {
                assert!(words.contains(number.as_str()), "{}: {words}", listed.name);
            }
        }
    }
}

#[test]
fn where_the_country_is_not_known_it_is_asked_for_and_no_country_is_assumed() {
    for text in SELF.iter().map(|(text, _)| text).chain(OTHER) {
        let turn = say(Session::default(), text, None);
        let words = turn.replies[0].plain();
        assert!(
            words.contains("Which country are you in?")
                && words.contains("findahelpline.com")
                && words.contains("112"),
            "{words}"
        );
        assert!(!words.contains("988") && !words.contains("911"), "{words}");
    }
}

#[test]
fn where_an_act_is_near_the_emergency_number_comes_first() {
    for listed in Resources::builtin().countries() {
        let words = first("i'm going to kill myself tonight", &listed.code.to_string()).plain();
        let emergency =
            words.find(&format!("call {} now", listed.emergency.number)).unwrap_or_else(|| panic!("{words}"));
        let line = listed.services.iter().filter_map(|service| words.find(&service.name)).min();
        assert!(line.is_none_or(|line| emergency < line), "{}: {words}", listed.name);
    }
}

#[test]
fn hours_stand_beside_every_line_that_is_not_always_open() {
    for listed in Resources::builtin().countries() {
        let words = first("i want to die", &listed.code.to_string()).plain();
        for service in Resources::builtin().contacts(Some(listed.code)).services {
            if let Some(hours) = &service.hours {
                assert!(words.contains(&format!("({hours})")), "{}: {words}", service.id);
            }
        }
    }
}

/// The steps that the program opens by itself as the answer to what somebody said.
fn opened() -> Vec<&'static str> {
    let closing = [reply::BACK_TO_THE_GUIDE, reply::NOT_WHAT_I_MEANT, reply::STOP_FOR_TODAY];
    reply::STEPS.iter().copied().filter(|step| !closing.contains(step)).collect()
}

#[test]
fn every_first_answer_keeps_the_rules_of_safe_messaging() {
    let page = library().crisis(None);
    for id in opened() {
        let step = page.step(id).unwrap_or_else(|| panic!("no step {id}"));
        let text: String = step.says.iter().map(|block| block.words() + "\n").collect();
        let lower = text.to_lowercase();
        assert!(lower.contains("thoughts of suicide"), "{id} says it plainly");
        assert!(
            lower.contains("automated guide") && lower.contains("no one is reading this live"),
            "{id} says what it is"
        );
        assert!(
            lower.contains("hurt") || id.starts_with("somebody-else"),
            "{id} suggests distance from danger"
        );
        let near: &[&str] = if id.starts_with("somebody-else") {
            &["stay with them", "who else could go"]
        } else {
            &["someone", "another person", "one person", "who could sit", "one name"]
        };
        assert!(near.iter().any(|words| lower.contains(words)), "{id} suggests somebody near");
        assert_eq!(
            step.says.iter().filter(|block| **block == Block::Resources).count(),
            1,
            "{id} shows contacts once"
        );
        let before: usize = step
            .says
            .iter()
            .take_while(|block| **block != Block::Resources)
            .map(|block| block.words().split_whitespace().count())
            .sum();
        assert!(before <= 90, "{id}: {before} words before the numbers");
        assert!((2..=6).contains(&step.choices.len()), "{id} has {} choices", step.choices.len());
        assert!(
            step.choices.iter().any(|choice| choice.label.starts_with("Keep talking")),
            "{id} lets them go on"
        );
    }
}

#[test]
fn a_cry_is_answered_in_the_language_in_which_it_came() {
    for (language, cry, suicide) in LANGUAGES {
        let turn = say(Session::default(), cry, Country::parse("GB"));
        let reply = &turn.replies[0];
        assert!(reply.is_crisis(), "{cry}");
        let own = Language::new(language);
        assert_eq!(library().crisis(Some(&own)).language(), &own, "there is no crisis page in {language}");
        let words = reply.plain();
        let automated = library().wording(Some(&own)).crisis.automated.words(&[]);
        assert!(words.contains(&automated), "{language}: {words}");
        assert!(small(&words).contains(suicide), "{language}: {words}");
        assert!(words.contains("116 123") && words.contains("999"), "{language}: {words}");
        assert!(words.chars().count() <= 1_100, "{language}: {} characters", words.chars().count());
    }
}

#[test]
fn in_every_language_every_answer_keeps_the_form_of_the_english_one() {
    for (language, _, suicide) in LANGUAGES {
        let own = Language::new(language);
        let page = library().crisis(Some(&own));
        let automated = library().wording(Some(&own)).crisis.automated.words(&[]);
        for id in opened() {
            let step = page.step(id).unwrap_or_else(|| panic!("{language} has no step {id}"));
            let text: String = step.says.iter().map(|block| block.words() + "\n").collect();
            assert!(small(&text).contains(suicide), "{language} {id} says it plainly");
            assert!(text.contains(&automated), "{language} {id} says what it is");
            let shown = step.says.iter().filter(|block| **block == Block::Resources).count();
            assert_eq!(shown, 1, "{language} {id} shows contacts once");
            let before = step.says.iter().take_while(|block| **block != Block::Resources);
            let before: usize = before.map(|block| block.words().chars().count()).sum();
            assert!(before <= 320, "{language} {id}: {before} characters before the numbers");
            let leads = |to: &str| {
                step.choices.iter().any(|choice| match &choice.target {
                    lantern::script::Target::Step(at) => page.steps()[*at].id.as_str() == to,
                    _ => false,
                })
            };
            assert!((2..=6).contains(&step.choices.len()), "{language} {id}: {} choices", step.choices.len());
            assert!(leads("back-to-the-guide"), "{language} {id} lets them go on");
        }
    }
}

#[test]
fn in_every_language_a_page_without_a_word_of_treatment_and_without_noise() {
    let words = [
        "ketamin",
        "kétamin",
        "cetamin",
        "кетамін",
        "кетамин",
        "ケタミン",
        "케타민",
        "氯胺酮",
        "كيتامين",
        "केटामाइन",
    ];
    for (language, ..) in LANGUAGES {
        for step in library().crisis(Some(&Language::new(language))).steps() {
            let labels = step.choices.iter().map(|choice| choice.label.clone());
            let text: String = step.says.iter().map(Block::words).chain(labels).collect();
            for word in words {
                assert!(!text.to_lowercase().contains(word), "{language} {} says {word:?}", step.id);
            }
            for letter in text.chars() {
                let loud = matches!(letter, '!' | '！' | '¡' | '\u{1f000}'..='\u{1faff}');
                assert!(!loud, "{language} {} says {letter:?}", step.id);
            }
        }
    }
}

#[test]
fn english_words_are_no_reason_to_leave_the_language_of_a_conversation() {
    let german = Session { language: Some(Language::new("de")), ..Session::default() };
    let turn = say(german, "kms", None);
    assert!(turn.replies[0].plain().contains("Suizidgedanken"), "{}", turn.replies[0].plain());
    let turn = say(turn.session, "quiero morir", None);
    assert!(turn.replies[0].plain().contains("pensamientos de suicidio"), "{}", turn.replies[0].plain());
    let turn = say(turn.session, "Alemania", None);
    assert_eq!(turn.session.country, Country::parse("DE"));
}

#[test]
fn whoever_changes_the_language_on_the_crisis_page_can_still_go_back() {
    let mut session = say(Session::default(), "start ketamine", None).session;
    let place = engine::place(&session);
    for typed in ["i want to die", "Help me get through the next hour", "Breathe with me", "quiero morir"] {
        session = say(session, typed, None).session;
    }
    for _ in 0..5 {
        let turn = say(session, "atrás", None);
        assert!(!turn.replies.is_empty());
        session = turn.session;
    }
    assert_eq!(engine::place(&session), place);
    assert!(session.crisis.is_none());
}

#[test]
fn the_crisis_page_never_speaks_of_treatment_means_or_promises() {
    let words = [
        "ketamine",
        "spravato",
        "clinic ",
        "gun",
        "rope",
        "pills",
        "knife",
        "blade",
        "bridge",
        "overdose",
        "train",
        "commit",
        "successful",
        "failed attempt",
        "selfish",
        "think of your family",
        "attention",
        "you will be fine",
        "promise you",
        "i will always",
        "always here",
        "alerted",
        "on the way",
        "guarantee",
        "cure",
        "!",
        "silly",
        "others have it worse",
        "everything will be",
        "i understand how you feel",
    ];
    for step in library().crisis(None).steps() {
        let text = step
            .says
            .iter()
            .map(Block::words)
            .chain(step.choices.iter().map(|choice| choice.label.clone()))
            .collect::<String>()
            .to_lowercase();
        for word in words {
            assert!(!text.contains(word), "{} says {word:?}", step.id);
        }
        assert!(text.chars().all(|c| !matches!(c, '\u{1f000}'..='\u{1faff}')), "{} has pictures", step.id);
    }
}

#[test]
fn help_is_never_more_than_one_step_away_on_the_crisis_page() {
    let page = library().crisis(None);
    for step in page.steps() {
        let shows = |step: &lantern::script::Step| step.says.contains(&Block::Resources);
        let near = step.choices.iter().any(|choice| match choice.target {
            lantern::script::Target::Step(at) => shows(&page.steps()[at]),
            _ => false,
        });
        assert!(shows(step) || near, "{} is too far from a number", step.id);
    }
}

#[test]
fn the_first_message_is_short_enough_for_a_phone() {
    for (text, _) in SELF {
        let reply = first(text, "US");
        assert!(words_before_contacts(&reply) <= 45, "{text}: {}", words_before_contacts(&reply));
        assert!(
            reply.plain().chars().count() <= 1_100,
            "{text}: {} characters",
            reply.plain().chars().count()
        );
    }
}

#[test]
fn an_order_for_each_urgency_and_no_two_answers_alike_in_a_row() {
    let concern = |level, who| Concern { level, who: Some(who), rule: None };
    let mut shown = Shown::default();
    let mut last = "";
    for _ in 0..20 {
        let step = reply::step(&concern(Level::Ideation, Who::Oneself), &shown);
        assert_ne!(step, last);
        last = step;
        shown = Shown {
            times: shown.times + 1,
            worst: Level::Ideation,
            who: Some(Who::Oneself),
            dismissed: Level::None,
        };
    }
    assert_eq!(
        reply::step(&concern(Level::Imminent, Who::Oneself), &shown),
        "imminent",
        "what is worse is answered in full"
    );
    assert_eq!(
        reply::step(&concern(Level::Ideation, Who::Other), &shown),
        "somebody-else",
        "so is what is about somebody else"
    );
    assert_eq!(Urgency::at("imminent"), Some(Urgency { now: true, other: false }));
}

#[test]
fn an_unclear_word_can_be_waved_off_and_a_plain_one_cannot() {
    let turn = say(Session::default(), "start ketamine", None);
    let turn = say(turn.session, "i can't go on", None);
    assert!(turn.replies[0].is_crisis());
    let turn = say(turn.session, "No, that's not what I meant", None);
    let turn = say(turn.session, "i can't go on", None);
    assert!(!turn.replies[0].is_crisis(), "the same is not flagged again");
    assert!(
        turn.replies.iter().any(|reply| reply.tone == Tone::Mention),
        "and is never passed over in silence"
    );
    let turn = say(turn.session, "i want to die", None);
    assert!(turn.replies[0].is_crisis(), "a worse one is");
}

#[test]
fn from_every_step_of_every_guide_the_crisis_reply_comes_first_and_the_place_stays() {
    for guide in library().all_guides().filter(|guide| guide.id().as_str() != "crisis") {
        for goal in 0..guide.steps().len() {
            let Some(path) = lantern::script::graph::shortest_path(guide, goal) else { continue };
            let mut session = say(Session::default(), &format!("start {}", guide.id()), None).session;
            for choice in path {
                let event = Event {
                    id: 0,
                    at: 1_000_000,
                    public: false,
                    again: false,
                    country: None,
                    language: None,
                    kind: Kind::Choose(choice),
                };
                session = engine::turn(library(), session, &event).session;
            }
            let before = engine::place(&session);
            assert_eq!(
                before.as_ref().map(|place| place.step.as_str()),
                Some(guide.steps()[goal].id.as_str())
            );
            let turn = say(session, "i want to die", None);
            assert!(turn.replies[0].is_crisis(), "{}", guide.steps()[goal].id);
            assert_eq!(engine::place(&turn.session), before);
            let turn = say(turn.session, "back", None);
            assert_eq!(engine::place(&turn.session), before);
        }
    }
}
