//! What a member sees.

use std::time::Duration;

use crate::lantern::Lantern;
use crate::support::{Discord, Sent, Way};

async fn harbour() -> (Discord, Lantern) {
    let discord = Discord::start().await;
    discord.server("Harbour").channel("help");
    discord.switches_on(crate::support::intent::MESSAGE_CONTENT);
    let lantern = Lantern::on(&discord).await;
    (discord, lantern)
}

fn has_a_number(sent: &Sent) -> bool {
    sent.says("116 123") && sent.says("999")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_of_dying_in_private_gets_numbers_at_once() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    let said = ana.says_in(&ana.dm(), "i cant do this anymore");
    let reply = discord.hears(|sent| sent.way == Way::Message).await;
    assert!(has_a_number(&reply), "{}", reply.content);
    assert!(discord.time_between(said, &reply) < Duration::from_secs(2));
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guide_is_walked_with_buttons_and_only_its_reader_sees_it() {
    let (discord, _lantern) = harbour().await;
    let (ana, help) = (discord.person("ana"), discord.server("Harbour").channel("help"));
    let bob = discord.person("bob");
    let first = discord.answers(ana.command(&help, "/guide")).await;
    assert!(ana.sees(&first) && !bob.sees(&first));
    assert!(first.says("automated guide"), "{}", first.content);
    let second = discord.answers(ana.taps(&first, "Is ketamine worth a conversation?")).await;
    assert!(second.buttons().iter().any(|label| label == "Get help now"), "{:?}", second.buttons());
    let third = discord.answers(ana.picks(&second, "Yes, let's start")).await;
    assert!(third.says("how are you doing right now"), "{}", third.content);
    let help_now = discord.answers(ana.taps(&third, "Get help now")).await;
    assert!(has_a_number(&help_now), "{}", help_now.content);
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_answers_work_in_direct_messages_as_buttons_do() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "start ketamine");
    let first = discord.hears(|sent| sent.says("Is ketamine worth")).await;
    ana.says_in(&ana.dm(), "yes lets start");
    let second = discord.hears(|sent| sent.number > first.number).await;
    ana.says_in(&ana.dm(), "back");
    let back = discord.hears(|sent| sent.number > second.number).await;
    assert_eq!(back.content, first.content);
    let tapped = discord.answers(ana.picks(&first, "Yes, let's start")).await;
    assert_eq!(tapped.content, second.content);
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_press_somebodys_button() {
    let (discord, _lantern) = harbour().await;
    let (ana, bob) = (discord.person("ana"), discord.person("bob"));
    ana.says_in(&ana.dm(), "start ketamine");
    let first = discord.hears(|sent| sent.says("Is ketamine worth")).await;
    let id = first.json["components"][0]["components"][0]["custom_id"].as_str().expect("an id").to_owned();
    // The same id, on something that bob can press.
    let help = discord.server("Harbour").channel("help");
    let own = discord.answers(bob.command(&help, "/guide")).await;
    let forged = bob.taps_as(&own, &id);
    let told = discord.answers(forged).await;
    assert!(told.says("somebody else's"), "{}", told.content);
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_is_one_answer() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "start ketamine");
    let first = discord.hears(|sent| sent.says("Is ketamine worth")).await;
    let (one, two) = (ana.picks(&first, "Yes, let's start"), ana.picks(&first, "Yes, let's start"));
    let answers = [discord.answers(one).await, discord.answers(two).await];
    let messages = answers.iter().filter(|sent| sent.way == Way::Reply).count();
    assert_eq!(messages, 1, "{answers:?}");
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_buttons_work_after_a_restart() {
    let (discord, lantern) = harbour().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "start ketamine");
    let first = discord.hears(|sent| sent.says("Is ketamine worth")).await;
    let lantern = lantern.restarts(&discord).await;
    let second = discord.answers(ana.picks(&first, "Yes, let's start")).await;
    assert!(!second.says("earlier question"), "{}", second.content);
    // And one that belongs to a question that is left behind says kindly where they are.
    let late = discord.answers(ana.picks(&first, "No, not today")).await;
    assert!(late.says("earlier question"), "{}", late.content);
    lantern.stops().await.expect("in good order");
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn ticks_change_the_buttons_and_nothing_else() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "start ketamine");
    discord.hears(|sent| sent.says("Is ketamine worth")).await;
    ana.says_in(&ana.dm(), "topics");
    let topics = discord.hears(|sent| sent.says("topic") || !sent.options().is_empty()).await;
    // A step with ticks, wherever it is in the guide: opened by name.
    let (guide, step, label) = tick();
    let help = discord.server("Harbour").channel("help");
    let shown = discord.answers(ana.command(&help, &format!("/guide name:{guide}#{step}"))).await;
    let press = |sent: &Sent| {
        if sent.buttons().contains(&label) { ana.taps(sent, &label) } else { ana.picks(sent, &label) }
    };
    let ticked = discord.answers(press(&shown)).await;
    assert_eq!(ticked.way, Way::Update);
    assert_eq!(ticked.content, shown.content, "the question is still there");
    assert!(ticked.json.to_string().contains('✅'));
    let unticked = discord.answers(press(&shown)).await;
    assert!(!unticked.json.to_string().contains('✅'));
    assert!(topics.number < shown.number);
    discord.verify();
}

/// A step of a shipped guide whose choice is a tick.
fn tick() -> (String, String, String) {
    let library = ::lantern::library::Library::builtin();
    let english = ::lantern::script::Language::new("en");
    for guide in library.guides(&english) {
        for (at, step) in guide.steps().iter().enumerate() {
            for choice in &step.choices {
                if choice.target == ::lantern::script::Target::Step(at) {
                    return (guide.id().to_string(), step.id.to_string(), choice.label.clone());
                }
            }
        }
    }
    unreachable!("the ketamine guide has ticks")
}

#[tokio::test(flavor = "multi_thread")]
async fn crisis_words_in_an_option_or_a_form_are_answered_first() {
    let (discord, _lantern) = harbour().await;
    let (ana, help) = (discord.person("ana"), discord.server("Harbour").channel("help"));
    let reply = discord.answers(ana.command(&help, "/guide name:i want to die")).await;
    assert!(has_a_number(&reply), "{}", reply.content);
    assert!(reply.only_for.is_some() && reply.way == Way::Reply);
    let first = discord.answers(ana.command(&help, "/guide")).await;
    let form = discord.answers(ana.taps(&first, "Write an answer")).await;
    assert_eq!(form.way, Way::Modal);
    let reply = discord.answers(ana.submits(&form, &[("text", "i took all my pills")])).await;
    assert!(has_a_number(&reply), "{}", reply.content);
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_says_something_serious_is_answered_and_others_are_not() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    let said = ana.says_in(&ana.dm(), "hello");
    discord.hears(|sent| sent.way == Way::Message).await;
    ana.edits(said, "hello there");
    discord.stays_silent(Duration::from_millis(300), |_| true).await;
    ana.edits(said, "hello there, i want to kill myself");
    let reply = discord.hears(|sent| sent.way == Way::Message).await;
    assert!(has_a_number(&reply), "{}", reply.content);
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_country_can_be_given_with_the_command_and_is_kept() {
    let (discord, _lantern) = harbour().await;
    let (ana, help) = (discord.person("ana"), discord.server("Harbour").channel("help"));
    let typed = discord.answers(ana.types(&help, "/crisis country:cana")).await;
    assert_eq!(typed.choices(), ["Canada"]);
    let reply = discord.answers(ana.command(&help, "/crisis country:CA")).await;
    assert!(reply.says("9-8-8") || reply.says("988"), "{}", reply.content);
    let again = discord.answers(ana.command(&help, "/crisis")).await;
    assert!(again.says("988") || again.says("9-8-8"), "{}", again.content);
    let unknown = discord.answers(ana.command(&help, "/crisis country:Narnia")).await;
    assert!(
        unknown.says("911") || unknown.says("988"),
        "numbers come first all the same: {}",
        unknown.content
    );
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_come_as_a_file() {
    let (discord, _lantern) = harbour().await;
    let (ana, help) = (discord.person("ana"), discord.server("Harbour").channel("help"));
    discord.answers(ana.command(&help, "/guide name:ketamine")).await;
    let notes = discord.answers(ana.command(&help, "/notes")).await;
    assert_eq!(notes.files.len(), 1, "{}", notes.content);
    assert!(notes.files[0].name.ends_with(".md") && notes.files[0].text().contains("Notes for my visit"));
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_can_be_read_and_erased_everywhere() {
    let (discord, lantern) = harbour().await;
    let (ana, help) = (discord.person("ana"), discord.server("Harbour").channel("help"));
    ana.says_in(&ana.dm(), "start ketamine");
    discord.hears(|sent| sent.says("Is ketamine worth")).await;
    discord.answers(ana.command(&help, "/guide name:ketamine")).await;
    let privacy = discord.answers(ana.command(&help, "/privacy")).await;
    let kept = discord.hears(|sent| sent.says("What I keep of you now")).await;
    assert!(
        kept.says("In this server: you are at") && kept.says("In direct messages: you are at"),
        "{}",
        kept.content
    );
    assert!(privacy.says("I don't keep what you type"), "{}", privacy.content);
    discord.answers(ana.taps(&kept, "Erase all of it")).await;
    for _ in 0..100 {
        if lantern.service.store().count().expect("counted") == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(lantern.service.store().count().expect("counted"), 0, "in direct messages too");
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reply_comes_in_the_language_of_the_cry() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "死にたい");
    let reply = discord.hears(|sent| sent.way == Way::Message).await;
    assert!(reply.content.contains('。'), "{}", reply.content);
    let help = discord.server("Harbour").channel("help");
    let bea = discord.person("bea").speaks("de");
    let shown = discord.answers(bea.command(&help, "/crisis")).await;
    assert!(shown.buttons().iter().any(|label| label == "Antwort schreiben"), "{:?}", shown.buttons());
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_deferred_and_a_crisis_reply_never_is() {
    use crate::support::Fault;
    let (discord, _lantern) = harbour().await;
    let (ana, help) = (discord.person("ana"), discord.server("Harbour").channel("help"));
    // Discord itself is slow to take the first answer: what was sent counts.
    discord.meets(
        "POST /interactions/{interaction_id}/{interaction_token}/callback",
        Fault::SlowRequest(Duration::from_millis(400)),
        2,
    );
    let reply = discord.answers(ana.command(&help, "/guide name:i want to end my life tonight")).await;
    assert!(reply.way == Way::Reply && has_a_number(&reply), "{}", reply.content);
    let guide = discord.answers(ana.command(&help, "/guide")).await;
    assert_eq!(guide.way, Way::Reply);
    assert!(discord.unanswered().is_empty());
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn sharing_support_reaches_somebody_once_and_tells_nobody_more() {
    let (discord, _lantern) = harbour().await;
    let (ana, bob, eve) = (discord.person("ana"), discord.person("bob"), discord.person("eve"));
    let help = discord.server("Harbour").channel("help");
    let said = ana.says_in(&help, "rough week");
    let thanks = discord.answers(bob.uses_on("Share support with this person", &said)).await;
    assert!(bob.sees(&thanks) && !ana.sees(&thanks));
    let note = discord.hears(|sent| sent.says("Somebody in a server")).await;
    assert!(ana.sees(&note) && note.says("116 123"), "{}", note.content);
    assert!(!note.says("bob") && !note.says(&bob.id.to_string()));
    let again = discord.answers(eve.uses_on("Share support with this person", &said)).await;
    assert_eq!(again.content, thanks.content, "nothing can be learned from the answer");
    discord
        .stays_silent(Duration::from_millis(400), |sent| ana.sees(sent) && sent.says("Somebody in a server"))
        .await;
    let never = discord.answers(ana.taps(&note, "Don't write to me for others")).await;
    assert!(never.says("won't write to you for others"), "{}", never.content);
    discord.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_and_the_bot_itself_are_never_answered() {
    let (discord, _lantern) = harbour().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "hi");
    discord.hears(|sent| sent.way == Way::Message).await;
    discord.stays_silent(Duration::from_millis(300), |_| true).await;
    discord.verify();
}
