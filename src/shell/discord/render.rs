//! A reply in Discord's manners and within its limits: Markdown, buttons, menus, several messages where it is long.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::outbox::File;
use super::wire::Id;
use crate::engine::{Offer, Reply, Tone};
use crate::script::{Block, ChoiceId, Run};
use crate::shell::telemetry::Sort;
use crate::wording::{Command, Wording};

/// The longest message, in UTF-16 units, so that it is short enough however Discord counts.
pub const LONGEST: usize = 2_000;
/// The longest label of a button.
const LONGEST_LABEL: usize = 80;
/// The longest label of a menu's entry.
const LONGEST_ENTRY: usize = 100;
/// How many choices stand on buttons; more are a menu.
const MOST_BUTTONS: usize = 5;
/// How many entries a menu has.
const MOST_ENTRIES: usize = 25;

/// Message flags: only the person sees it; addresses are not unfolded into previews.
const EPHEMERAL: u32 = 1 << 6;
const SUPPRESS_EMBEDS: u32 = 1 << 2;

/// Styles of buttons.
const PRIMARY: u8 = 1;
const SECONDARY: u8 = 2;
const SUCCESS: u8 = 3;
const DANGER: u8 = 4;

/// What a button or menu stands for, as its id says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Press {
    /// A choice at a spot.
    Choice {
        /// Where it was offered.
        spot: u32,
        /// Which; none for a menu, whose value says it.
        choice: Option<ChoiceId>,
    },
    /// One of the controls below every message.
    Control(Control),
    /// The resources, for whoever asks, from a public message.
    People,
    /// A conversation in private, for whoever asks, from a public message.
    Begin,
    /// Everything about the person is erased.
    Erase,
    /// The person's messages in watched channels are screened, or no longer.
    Watching(bool),
    /// The person gets no more messages that others asked for.
    NoSharing,
    /// A moderator takes an alert, or has done with it.
    Alert(AlertStep),
    /// A moderator confirms something that was proposed.
    Confirm(String),
}

/// What stands below every message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// A command of the program.
    Do(Command),
    /// A form to type in.
    Write,
}

/// What a moderator did about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertStep {
    /// They look after it.
    Taken,
    /// It is looked after.
    Done,
}

/// The commands that have a control, with the words that stand for them in an id.
const CONTROLS: [(&str, Command); 6] = [
    ("help", Command::HelpNow),
    ("back", Command::Back),
    ("topics", Command::Topics),
    ("stop", Command::Stop),
    ("again", Command::Again),
    ("notes", Command::Notes),
];

/// The id of the form.
pub const FORM: &str = "w";

impl Press {
    /// The id that stands for it. `owner` is who may press it, `nonce` tells one message's buttons from another's.
    pub fn id(&self, owner: u32, nonce: u32) -> String {
        match self {
            Press::Choice { spot, choice: Some(choice) } => {
                format!("p.{spot:x}.{:x}.{owner:x}.{nonce:x}", choice.to_bits())
            }
            Press::Choice { spot, choice: None } => format!("s.{spot:x}.{owner:x}.{nonce:x}"),
            Press::Control(Control::Write) => format!("c.write.{owner:x}.{nonce:x}"),
            Press::Control(Control::Do(command)) => {
                let name = CONTROLS.iter().find(|(_, one)| one == command).map_or("again", |(name, _)| name);
                format!("c.{name}.{owner:x}.{nonce:x}")
            }
            Press::People => "h".to_owned(),
            Press::Begin => "b".to_owned(),
            Press::Erase => format!("e.{owner:x}.{nonce:x}"),
            Press::Watching(on) => format!("o.{}.{owner:x}.{nonce:x}", u8::from(*on)),
            Press::NoSharing => format!("x.{owner:x}"),
            Press::Alert(AlertStep::Taken) => "a.taken".to_owned(),
            Press::Alert(AlertStep::Done) => "a.done".to_owned(),
            Press::Confirm(token) => format!("y.{token}"),
        }
    }

    /// What an id stands for, and who may press it, where not everybody may. None for ids of other programs or versions.
    pub fn read(id: &str) -> Option<(Press, Option<u32>)> {
        let parts: Vec<&str> = id.split('.').collect();
        let hex = |text: &str| u32::from_str_radix(text, 16).ok();
        Some(match parts[..] {
            ["p", spot, choice, owner, _] => {
                let choice = Some(ChoiceId::from_bits(hex(choice)?));
                (Press::Choice { spot: hex(spot)?, choice }, Some(hex(owner)?))
            }
            ["s", spot, owner, _] => (Press::Choice { spot: hex(spot)?, choice: None }, Some(hex(owner)?)),
            ["c", "write", owner, _] => (Press::Control(Control::Write), Some(hex(owner)?)),
            ["c", name, owner, _] => {
                let (_, command) = CONTROLS.iter().find(|(one, _)| *one == name)?;
                (Press::Control(Control::Do(*command)), Some(hex(owner)?))
            }
            ["h"] => (Press::People, None),
            ["b"] => (Press::Begin, None),
            ["e", owner, _] => (Press::Erase, Some(hex(owner)?)),
            ["o", on, owner, _] => (Press::Watching(on == "1"), Some(hex(owner)?)),
            ["x", owner] => (Press::NoSharing, Some(hex(owner)?)),
            ["a", "taken"] => (Press::Alert(AlertStep::Taken), None),
            ["a", "done"] => (Press::Alert(AlertStep::Done), None),
            ["y", token] => (Press::Confirm(token.to_owned()), None),
            _ => return None,
        })
    }
}

/// A number that stands for a person in the ids of their buttons.
pub fn owner(person: Id) -> u32 {
    ChoiceId::of(&person.to_string()).to_bits()
}

/// A message that is ready to be sent.
pub struct Page {
    /// What it says and offers, as Discord takes it.
    pub body: Value,
    /// The file that goes along.
    pub file: Option<File>,
    /// As what it is counted.
    pub sort: Sort,
}

/// For whom and how replies are drawn.
pub struct Canvas<'a> {
    /// The words on the controls.
    pub wording: &'a Wording,
    /// Who may press the buttons.
    pub person: Id,
    /// Tells the buttons of these messages from those of others.
    pub nonce: u32,
    /// Whether only the person sees it.
    pub private: bool,
    /// Whether a form can be opened from it: not where it is only written.
    pub forms: bool,
}

/// The messages that a reply becomes, the choices and controls on the last.
pub fn pages(reply: &Reply, canvas: &Canvas<'_>, number: u32) -> Vec<Page> {
    let texts = split(&text(reply), LONGEST);
    let last = texts.len() - 1;
    let sort = if reply.is_crisis() { Sort::crisis } else { Sort::member };
    let page = |(at, text): (usize, String)| {
        let components = if at == last { components(reply, canvas, number) } else { Vec::new() };
        let file = reply.document.as_ref().filter(|_| at == last);
        Page {
            body: message(&text, canvas.private, components),
            file: file.map(|text| File { name: "my-notes.md".into(), text: text.clone() }),
            sort,
        }
    };
    texts.into_iter().enumerate().map(page).collect()
}

/// A message with nobody mentioned and no previews.
pub fn message(text: &str, private: bool, components: Vec<Value>) -> Value {
    let flags = if private { EPHEMERAL | SUPPRESS_EMBEDS } else { SUPPRESS_EMBEDS };
    let mut body = json!({"content": text, "flags": flags, "allowed_mentions": {"parse": []}});
    if !components.is_empty() {
        body["components"] = components.into();
    }
    body
}

/// A row of buttons.
pub fn row(buttons: Vec<Value>) -> Value {
    json!({"type": 1, "components": buttons})
}

/// A button.
pub fn button(style: u8, label: &str, id: &str) -> Value {
    json!({"type": 2, "style": style, "label": cut(label, LONGEST_LABEL), "custom_id": id})
}

/// The button below a public reply, which shows the resources to whoever presses it.
pub fn people_button(wording: &Wording) -> Value {
    row(vec![button(PRIMARY, &wording.crisis.button_people.words(&[]), &Press::People.id(0, 0))])
}

/// Buttons of the program's own, a row of at most five.
pub fn buttons(canvas: &Canvas<'_>, presses: &[(&str, Press)]) -> Value {
    let owner = owner(canvas.person);
    row(presses
        .iter()
        .map(|(label, press)| button(SECONDARY, label, &press.id(owner, canvas.nonce)))
        .collect())
}

/// The form in which something can be typed.
pub fn form(wording: &Wording) -> Value {
    let title = wording.crisis.button_write.words(&[]);
    json!({
        "custom_id": FORM,
        "title": cut(&title, 45),
        "components": [{
            "type": 18,
            "label": cut(&title, 45),
            "component": {"type": 4, "custom_id": "text", "style": 2, "required": true, "max_length": 2000},
        }],
    })
}

/// The choices and the controls.
pub fn components(reply: &Reply, canvas: &Canvas<'_>, number: u32) -> Vec<Value> {
    let (owner, nonce) = (owner(canvas.person), canvas.nonce.wrapping_add(number));
    let spot = reply.spot;
    let mut rows = Vec::new();
    let offers = &reply.choices;
    if !offers.is_empty() && offers.len() <= MOST_BUTTONS {
        let buttons = offers.iter().map(|offer| {
            let id = Press::Choice { spot, choice: Some(offer.id) }.id(owner, nonce);
            let mut made =
                button(if offer.ticked == Some(true) { SUCCESS } else { PRIMARY }, &offer.label, &id);
            if let Some(mark) = mark(offer) {
                made["emoji"] = json!({"name": mark});
            }
            made
        });
        rows.push(row(buttons.collect()));
    } else if !offers.is_empty() {
        let entries: Vec<Value> = offers
            .iter()
            .take(MOST_ENTRIES)
            .map(|offer| {
                let mut entry =
                    json!({"label": cut(&offer.label, LONGEST_ENTRY), "value": format!("{:x}", offer.id.to_bits())});
                if let Some(mark) = mark(offer) {
                    entry["emoji"] = json!({"name": mark});
                }
                entry
            })
            .collect();
        let id = Press::Choice { spot, choice: None }.id(owner, nonce);
        rows.push(row(vec![json!({"type": 3, "custom_id": id, "options": entries})]));
    }
    // A sentence between others needs no controls of its own.
    if offers.is_empty() && reply.place.is_none() && !reply.is_crisis() && reply.tone != Tone::Told {
        return rows;
    }
    let wording = canvas.wording;
    let control = |style: u8, label: &str, control: Control| {
        button(style, label, &Press::Control(control).id(owner, nonce))
    };
    let mut controls =
        vec![control(DANGER, &wording.crisis.button_help.words(&[]), Control::Do(Command::HelpNow))];
    controls.push(control(
        SECONDARY,
        &capital(wording.command_word(Command::Back)),
        Control::Do(Command::Back),
    ));
    controls.push(control(
        SECONDARY,
        &capital(wording.command_word(Command::Topics)),
        Control::Do(Command::Topics),
    ));
    if canvas.forms {
        controls.push(control(SECONDARY, &wording.crisis.button_write.words(&[]), Control::Write));
    }
    controls.push(control(
        SECONDARY,
        &capital(wording.command_word(Command::Stop)),
        Control::Do(Command::Stop),
    ));
    rows.push(row(controls));
    rows
}

fn mark(offer: &Offer) -> Option<&'static str> {
    offer.ticked.map(|ticked| if ticked { "✅" } else { "⬜" })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Text of at most so many characters, with an ellipsis where something was left out.
pub fn cut(text: &str, most: usize) -> String {
    if text.encode_utf16().count() <= most {
        return text.to_owned();
    }
    let mut left = most - 1;
    let fits = text.chars().take_while(|letter| {
        let fits = letter.len_utf16() <= left;
        left = left.saturating_sub(letter.len_utf16());
        fits
    });
    fits.collect::<String>() + "…"
}

/// What a reply says, as Discord's Markdown.
pub fn text(reply: &Reply) -> String {
    let mut parts = Vec::new();
    if let Some(title) = &reply.title {
        parts.push(format!("### {}", escape(title)));
    }
    parts.extend(reply.blocks.iter().map(block).filter(|text| !text.is_empty()));
    if !reply.sources.is_empty() {
        let sources: Vec<String> =
            reply.sources.iter().map(|(number, source)| format!("-# [{number}] {}", runs(source))).collect();
        parts.push(sources.join("\n"));
    }
    let text = parts.join("\n\n");
    // Discord takes no message without a letter in it.
    if text.trim().is_empty() { "…".to_owned() } else { text }
}

fn block(block: &Block) -> String {
    match block {
        Block::Paragraph(words) => runs(words),
        Block::Bullets(items) => {
            items.iter().map(|item| format!("- {}", runs(item))).collect::<Vec<_>>().join("\n")
        }
        Block::Numbers(items) => items
            .iter()
            .zip(1..)
            .map(|(item, n)| format!("{n}. {}", runs(item)))
            .collect::<Vec<_>>()
            .join("\n"),
        Block::Resources => String::new(),
    }
}

fn runs(runs: &[Run]) -> String {
    let mut out = String::new();
    for run in runs {
        match run {
            Run::Text { text, emphasis, strong, link } => {
                let words = match link {
                    Some(link) if text.contains(&**link) => escape(text),
                    Some(link) => format!("[{}](<{link}>)", escape(text)),
                    None => escape(text),
                };
                let mark = if *strong {
                    "**"
                } else if *emphasis {
                    "*"
                } else {
                    ""
                };
                // Discord knows no style that begins or ends with a space.
                let bare = words.trim();
                if mark.is_empty() || bare.is_empty() {
                    out.push_str(&words);
                } else {
                    let (before, after) = (words.len() - words.trim_start().len(), words.trim_end().len());
                    let _ = write!(out, "{}{mark}{bare}{mark}{}", &words[..before], &words[after..]);
                }
            }
            Run::Source(number) => {
                let _ = write!(out, "[{number}]");
            }
            Run::Break => out.push('\n'),
        }
    }
    out
}

/// Words in which nothing means anything to Discord: no style, no mention, no list. Addresses stay as they are.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        if word.starts_with("https://") || word.starts_with("http://") {
            out.push_str(word);
            continue;
        }
        for letter in word.chars() {
            if matches!(letter, '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>') {
                out.push('\\');
            }
            out.push(letter);
            // No one is called by a word.
            if letter == '@' {
                out.push('\u{200b}');
            }
        }
    }
    let begins = out.trim_start();
    if begins.starts_with('#') || begins.starts_with("- ") {
        out.insert(out.len() - begins.len(), '\\');
    }
    out
}

/// Cuts a text into messages: between paragraphs, else between lines, else between words.
pub fn split(text: &str, longest: usize) -> Vec<String> {
    let length = |text: &str| text.encode_utf16().count();
    if length(text) <= longest {
        return vec![text.to_owned()];
    }
    for (seam, joint) in [("\n\n", "\n\n"), ("\n", "\n"), (" ", " ")] {
        if !text.contains(seam) {
            continue;
        }
        let mut pages: Vec<String> = Vec::new();
        for part in text.split(seam) {
            match pages.last_mut() {
                Some(page) if length(page) + length(joint) + length(part) <= longest => {
                    page.push_str(joint);
                    page.push_str(part);
                }
                _ => pages.push(part.to_owned()),
            }
        }
        return pages
            .into_iter()
            .filter(|page| !page.trim().is_empty())
            .flat_map(|page| split(&page, longest))
            .collect();
    }
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(longest / 2).map(|chunk| chunk.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::library::Library;
    use crate::script::Language;

    fn canvas(wording: &Wording) -> Canvas<'_> {
        Canvas { wording, person: Id(7), nonce: 9, private: true, forms: true }
    }

    fn reply(blocks: Vec<Block>, labels: &[&str]) -> Reply {
        let mut reply = Reply::told(blocks);
        reply.choices = labels
            .iter()
            .map(|label| Offer {
                id: ChoiceId::of(label),
                label: (*label).to_owned(),
                ticked: None,
                to: None,
            })
            .collect();
        reply
    }

    #[test]
    fn a_button_says_who_may_press_it_and_what_it_stands_for() {
        let choice = Press::Choice { spot: 0xdead_beef, choice: Some(ChoiceId::of("Two or more")) };
        for (press, owned) in [
            (choice, true),
            (Press::Choice { spot: u32::MAX, choice: None }, true),
            (Press::Control(Control::Do(Command::HelpNow)), true),
            (Press::Control(Control::Do(Command::Topics)), true),
            (Press::Control(Control::Write), true),
            (Press::People, false),
            (Press::Begin, false),
            (Press::Erase, true),
            (Press::Watching(false), true),
            (Press::NoSharing, true),
            (Press::Alert(AlertStep::Done), false),
            (Press::Confirm("abc".into()), false),
        ] {
            let id = press.id(u32::MAX, u32::MAX);
            assert!(id.len() <= 100, "{id}");
            assert_eq!(Press::read(&id), Some((press, owned.then_some(u32::MAX))), "{id}");
        }
        for other in ["", "p", "p.x.y.z.w", "c.dance.1.2", "zzz", "p.1.2.3.4.5"] {
            assert_eq!(Press::read(other), None, "{other}");
        }
    }

    #[test]
    fn up_to_five_choices_are_buttons_and_more_are_a_menu() {
        let library = Library::builtin();
        let canvas = canvas(library.wording(None));
        let five = &pages(&reply(vec![Block::text("x")], &["a", "b", "c", "d", "e"]), &canvas, 0)[0].body;
        assert_eq!(five["components"][0]["components"].as_array().map(Vec::len), Some(5));
        let six = &pages(&reply(vec![Block::text("x")], &["a", "b", "c", "d", "e", "f"]), &canvas, 0)[0].body;
        assert_eq!(six["components"][0]["components"][0]["options"].as_array().map(Vec::len), Some(6));
        for body in [five, six] {
            assert_eq!(body["components"][1]["components"][0]["label"], "Get help now");
        }
    }

    #[test]
    fn nothing_that_is_said_can_style_call_or_list_anything() {
        assert_eq!(escape("*a* _b_ @everyone <@1>"), "\\*a\\* \\_b\\_ @\u{200b}everyone \\<@\u{200b}1\\>");
        assert_eq!(escape("# no"), "\\# no");
        assert_eq!(escape("see https://a.org/b_c_d now_"), "see https://a.org/b_c_d now\\_");
    }

    #[test]
    fn every_crisis_reply_of_every_country_and_language_is_one_message() {
        use crate::safety::{Concern, Level, Who};
        let library = Library::builtin();
        let mut longest = 0;
        for page in library.all_guides().filter(|guide| guide.id().as_str() == crate::script::CRISIS) {
            for listed in library.resources.countries() {
                for (level, who) in [
                    (Level::Ideation, Who::Oneself),
                    (Level::Imminent, Who::Other),
                    (Level::Concern, Who::Oneself),
                ] {
                    let event = crate::engine::Event {
                        id: 0,
                        at: 1,
                        public: false,
                        again: false,
                        country: Some(listed.code),
                        language: Some(page.language()),
                        kind: crate::engine::Kind::Text(""),
                    };
                    let concern = Concern { level, who: Some(who), rule: None };
                    let said = crate::engine::crisis_reply(library, &concern, &event);
                    let drawn = pages(&said, &canvas(library.wording(Some(page.language()))), 0);
                    assert_eq!(drawn.len(), 1, "{} {}", page.path(), listed.code);
                    longest = longest.max(text(&said).encode_utf16().count());
                }
            }
        }
        assert!(longest > 300, "something was said: {longest}");
    }

    #[test]
    fn every_step_of_every_guide_keeps_discords_limits() {
        let library = Library::builtin();
        for guide in library.all_guides() {
            let wording = library.wording(Some(guide.language()));
            for step in guide.steps() {
                let labels: Vec<&str> = step.choices.iter().map(|choice| choice.label.as_str()).collect();
                for page in pages(&reply(step.says.clone(), &labels), &canvas(wording), 3) {
                    let content = page.body["content"].as_str().expect("text");
                    assert!(!content.is_empty() && content.encode_utf16().count() <= LONGEST);
                    let mut ids = Vec::new();
                    for row in page.body["components"].as_array().into_iter().flatten() {
                        let parts = row["components"].as_array().expect("a row");
                        assert!((1..=5).contains(&parts.len()));
                        for part in parts {
                            ids.push(part["custom_id"].as_str().expect("an id").to_owned());
                            if let Some(label) = part["label"].as_str() {
                                assert!(!label.is_empty() && label.encode_utf16().count() <= 80, "{label}");
                            }
                        }
                    }
                    let all = ids.len();
                    ids.sort();
                    ids.dedup();
                    assert_eq!(ids.len(), all, "ids are different");
                }
            }
        }
        assert!(library.wording(Some(&Language::new("ja"))).language.as_str() == "ja");
    }

    proptest! {
        #[test]
        fn a_long_text_loses_no_word_and_no_message_is_too_long(
            words in proptest::collection::vec("[a-zäé漢😀]{1,30}", 1..600),
            seams in proptest::collection::vec(0..3usize, 600),
            longest in 60..300usize,
        ) {
            let mut text = String::new();
            for (word, seam) in words.iter().zip(&seams) {
                text.push_str(word);
                text.push_str([" ", "\n", "\n\n"][*seam]);
            }
            let cut = split(text.trim(), longest);
            prop_assert!(cut.iter().all(|page| page.encode_utf16().count() <= longest));
            let kept: Vec<&str> = cut.iter().flat_map(|page| page.split_whitespace()).collect();
            let said: Vec<&str> = text.split_whitespace().collect();
            prop_assert_eq!(kept, said);
        }
    }
}
