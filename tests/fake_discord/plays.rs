//! What people and the bot do with each other: messages, buttons, forms, commands, files.

use std::time::Duration;

use serenity::all::*;

use crate::bot::*;
use crate::discord::{Discord, Twin, Way};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_message_reaches_the_bot() {
    let (discord, _bot) = with_bot().await;
    let ana = discord.person("ana");
    let message = ana.says_in(&discord.server("Harbour").channel("help"), "hello");
    discord.hears(|sent| sent.says("I read")).await;
    ana.edits(message, "goodbye");
    discord.hears(|sent| sent.says(r#"now it says "goodbye""#)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_shows_a_form_whose_answer_changes_the_message() {
    let (discord, _bot) = with_bot().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "hello");
    let message = discord.hears(|sent| sent.says("I read")).await;
    let form = discord.answers(ana.taps(&message, "Write a note")).await;
    assert_eq!(form.way, Way::Modal);
    let changed = discord.answers(ana.submits(&form, &[("Your note", "call the clinic")])).await;
    assert_eq!((changed.way, changed.message), (Way::Update, message.message));
    assert!(changed.says("noted: call the clinic"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deferred_button_changes_its_message_later() {
    let (discord, _bot) = with_bot().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "hello");
    let message = discord.hears(|sent| sent.says("I read")).await;
    let deed = ana.taps(&message, "Soon");
    assert_eq!(discord.answers(deed).await.way, Way::DeferredUpdate);
    let changed = discord.answers(deed).await;
    assert_eq!((changed.way, changed.message), (Way::Edit, message.message));
    assert!(changed.buttons().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ephemeral_reply_and_its_follow_up_are_hidden_from_everybody_else() {
    let (discord, _bot) = with_commands().await;
    let help = discord.server("Harbour").channel("help");
    let (ana, ben) = (discord.person("ana"), discord.person("ben"));
    let deed = ana.command(&help, "/crisis country:GB");
    let first = discord.answers(deed).await;
    let second = discord.answers(deed).await;
    assert!(first.says("in GB") && second.says("one more thing"));
    assert_eq!((first.way, second.way), (Way::Reply, Way::FollowUp));
    assert!(ana.sees(&first) && ana.sees(&second));
    assert!(!ben.sees(&first) && !ben.sees(&second));
    assert!(discord.server("Harbour").owner().screen().is_empty(), "not even the owner sees it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_an_ephemeral_deferral_is_ephemeral() {
    let (discord, _bot) = with_commands().await;
    let help = discord.server("Harbour").channel("help");
    let deed = discord.person("ana").command(&help, "/slow");
    assert_eq!(discord.answers(deed).await.way, Way::Deferred);
    let later = discord.answers(deed).await;
    assert!(later.says("took a while") && later.is_private());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suggestions_come_while_somebody_types() {
    let (discord, _bot) = with_commands().await;
    let help = discord.server("Harbour").channel("help");
    let offered = discord.answers(discord.person("ana").types(&help, "/guide name:ket")).await;
    assert_eq!(offered.choices(), ["ketamine"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_both_ways() {
    let (discord, _bot) = with_commands().await;
    let help = discord.server("Harbour").channel("help");
    let deed = discord.person("ana").command_with_file(&help, "/check", "script", "guide.md", b"# A guide");
    let answer = discord.answers(deed).await;
    assert!(answer.says("guide.md has 9 bytes"));
    assert_eq!(answer.files[0].text(), "nothing is wrong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_can_be_picked_from_a_menu() {
    let (discord, _bot) = with_bot().await;
    let help = discord.server("Harbour").channel("help");
    let kind = CreateSelectMenuKind::Channel { channel_types: None, default_channels: None };
    let menu = CreateActionRow::SelectMenu(CreateSelectMenu::new("watch", kind).placeholder("Where?"));
    let asked = said("which channel?").components(vec![menu]);
    ChannelId::new(help.id).send_message(&http(&discord), asked).await.expect("sent");
    let message = discord.hears(|sent| sent.says("which channel?")).await;
    let changed = discord.answers(discord.person("ana").picks_in(&message, "Where?", &[help.id])).await;
    assert_eq!(changed.content, format!("watching {}", help.mention()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_labels_is_filled_in_by_what_they_say() {
    let (discord, _bot) = with_commands().await;
    discord.calls_over_http();
    let ana = discord.person("ana");
    let deed = ana.command(&discord.server("Harbour").channel("help"), "/crisis");
    let form = serde_json::json!({"type": 9, "data": {"custom_id": "form", "title": "A note", "components": [
        {"type": 18, "label": "Your note", "component": {"type": 4, "custom_id": "text", "style": 1}},
    ]}});
    assert_eq!(discord.takes(deed, form), 204);
    let form = discord.answers(deed).await;
    let call = discord.call(ana.submits(&form, &[("Your note", "call the clinic")]));
    let call: serde_json::Value = serde_json::from_str(&call).expect("JSON");
    assert_eq!(call["data"]["components"][0]["component"]["value"], "call the clinic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_nonce_sends_one_message() {
    let discord = Discord::start().await;
    let dm = ChannelId::new(discord.person("ana").dm().id);
    let http = http(&discord);
    let message = || said("once").nonce(Nonce::String("reply-1".to_owned())).enforce_nonce(true);
    let first = dm.send_message(&http, message()).await.expect("sent");
    let second = dm.send_message(&http, message()).await.expect("sent before");
    assert_eq!(first.id, second.id);
    assert_eq!(discord.sent().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_people_who_are_allowed_are_pinged() {
    let discord = Discord::start().await;
    let help = discord.server("Harbour").channel("help");
    let (ana, ben) = (discord.person("ana"), discord.person("ben"));
    let text = format!("{} and {}", ana.mention(), ben.mention());
    let only = CreateAllowedMentions::new().users([UserId::new(ana.id)]);
    let message = CreateMessage::new().content(text).allowed_mentions(only);
    ChannelId::new(help.id).send_message(&http(&discord), message).await.expect("sent");
    assert_eq!(discord.sent()[0].pings, [ana.id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interaction_can_come_over_http_and_be_answered_there() {
    let (discord, _bot) = with_commands().await;
    discord.calls_over_http();
    let deed =
        discord.person("ana").command(&discord.server("Harbour").channel("help"), "/crisis country:GB");
    let call: Interaction = serde_json::from_str(&discord.call(deed)).expect("as the library knows it");
    assert_eq!(call.id().get(), deed.id);
    let answer = CreateInteractionResponse::Message(reply("over HTTP").ephemeral(true));
    assert_eq!(discord.takes(deed, serde_json::to_value(&answer).expect("JSON")), 204);
    assert!(discord.answers(deed).await.is_private());
    assert_eq!(discord.takes(deed, serde_json::to_value(&answer).expect("JSON")), 400, "once only");
}

/// The same bot with a fake that nobody here wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_fake_agrees() {
    let twin = tokio::task::spawn_blocking(Twin::start).await.expect("started");
    let http = || HttpBuilder::new(&twin.token).proxy(&twin.proxy).ratelimiter_disabled(true).build();
    let commands = vec![CreateCommand::new("crisis").description("Somebody to talk to")];
    let registering = http();
    registering.set_application_id(ApplicationId::new(twin.application));
    Command::set_global_commands(&registering, commands).await.expect("registered");
    let mut client =
        ClientBuilder::new_with_http(http(), INTENTS).event_handler(Plain).await.expect("a client");
    let running = tokio::spawn(async move { client.start().await });

    let content = |words: &'static str| {
        move |message: &serde_json::Value| {
            message["content"].as_str().is_some_and(|text| text.contains(words))
        }
    };
    // It says nothing of who is connected: the first message may come too early.
    let twin = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_secs(1));
        twin.says("hello");
        let heard = twin.hears(content(r#"I read "hello""#));
        twin.taps(&heard, "Write a note");
        twin.submits("form", serde_json::json!({"text": "call the clinic"}));
        twin.hears(content("noted: call the clinic"));
        twin.command("crisis", serde_json::json!([{"name": "country", "type": 3, "value": "GB"}]));
        let private = twin.hears(content("somebody to talk to in GB"));
        assert_eq!(private["flags"], 64, "ephemeral");
        twin.hears(content("and one more thing"));
        twin.taps(&heard, "Soon");
        twin.hears(content("it is done"));
        twin
    });
    drop(twin.await.expect("no panic"));
    running.abort();
}
