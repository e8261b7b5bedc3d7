//! What happens where others can read it.

use std::time::Duration;

use crate::lantern::Lantern;
use crate::support::{Channel, Discord, Person, Sent, Server, Way, intent, permission};

const A_WHILE: Duration = Duration::from_millis(300);
const CRY: &str = "i want to kill myself";

/// A server with a watched channel, and whoever moderates it.
async fn harbour() -> (Discord, Lantern, Server, Channel) {
    let discord = Discord::start().await;
    let server = discord.server("Harbour");
    let help = server.channel("help");
    discord.switches_on(intent::MESSAGE_CONTENT);
    let lantern = Lantern::on(&discord).await;
    watch(&discord, &server, &help).await;
    (discord, lantern, server, help)
}

async fn watch(discord: &Discord, server: &Server, channel: &Channel) -> Sent {
    let said = discord.answers(server.owner().command(channel, "/lantern watch")).await;
    discord.hears(|sent| sent.way == Way::Pin && sent.channel == channel.id).await;
    said
}

async fn alerts(discord: &Discord, server: &Server) -> Channel {
    let staff = server.channel("staff");
    discord.answers(server.owner().command(&staff, "/lantern alerts set from:concern")).await;
    staff
}

fn in_public<'a>(channel: &Channel) -> impl Fn(&Sent) -> bool + use<'a> {
    let id = channel.id;
    move |sent| sent.way == Way::Message && sent.channel == id
}

fn direct_to(person: &Person) -> impl Fn(&Sent) -> bool + use<> {
    let id = person.dm().id;
    move |sent| sent.way == Way::Message && sent.channel == id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_channel_has_a_pinned_notice_and_others_are_left_alone() {
    let (discord, _lantern, server, help) = harbour().await;
    let notice = discord.hears(in_public(&help)).await;
    assert!(
        notice.says("This channel is watched by Lantern") && notice.says("/privacy"),
        "{}",
        notice.content
    );
    assert_eq!(help.pins(), [notice.message]);
    let (ana, other) = (discord.person("ana"), server.channel("other"));
    ana.says_in(&other, CRY);
    ana.says_in(&help, "good morning");
    discord.stays_silent(A_WHILE, |sent| sent.way == Way::Message).await;
    ana.says_in(&help, CRY);
    discord.hears(in_public(&help)).await;
    discord.answers(server.owner().command(&help, "/lantern watch on:false")).await;
    discord.person("bea").says_in(&help, CRY);
    discord.stays_silent(A_WHILE, |sent| sent.way == Way::Message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_reply_is_short_calls_only_the_person_and_repeats_none_of_their_words() {
    let (discord, _lantern, _server, help) = harbour().await;
    discord.hears(in_public(&help)).await;
    let (ana, bob) = (discord.person("ana"), discord.person("bob"));
    let said = ana
        .says_in(&help, &format!("i want to kill myself with a zanzibar, tell {} @everyone", bob.mention()));
    let reply = discord.hears(in_public(&help)).await;
    assert!(reply.says("116 123"), "the main number is in the text: {}", reply.content);
    assert!(reply.content.starts_with(&ana.mention()), "{}", reply.content);
    assert_eq!(reply.pings, [ana.id]);
    for word in ["zanzibar", "kill", "@everyone", &bob.mention()] {
        assert!(!reply.says(word), "{word}: {}", reply.content);
    }
    assert!(reply.content.chars().count() < 700, "{}", reply.content);
    assert_eq!(reply.json["message_reference"]["message_id"], said.to_string());
    assert!(!reply.unfurls());
    // Whoever presses sees the whole, and nobody else does.
    for person in [&bob, &ana] {
        let label = reply.buttons()[0].clone();
        let whole = discord.answers(person.taps(&reply, &label)).await;
        assert!(whole.says("999") && whole.only_for == Some(person.id), "{}", whole.content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_in_a_channel_that_nobody_watches_is_answered() {
    let (discord, _lantern, server, _help) = harbour().await;
    let (ana, other) = (discord.person("ana"), server.channel("other"));
    ana.says_in(&other, &format!("{} i want to die", discord.mention()));
    let reply = discord.hears(in_public(&other)).await;
    assert!(reply.says("116 123") && reply.pings == [ana.id], "{}", reply.content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_without_a_concern_shows_the_way_into_private() {
    let (discord, _lantern, server, _help) = harbour().await;
    let (ana, other) = (discord.person("ana"), server.channel("other"));
    ana.says_in(&other, &format!("{} hello?", discord.mention()));
    let hint = discord.hears(in_public(&other)).await;
    assert!(hint.says("automated guide, not a person"), "{}", hint.content);
    let first = discord.answers(ana.taps(&hint, "Talk in private")).await;
    assert!(first.is_private() && first.says("automated guide"), "{}", first.content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_not_answered_twice_and_a_worse_message_and_another_person_are() {
    let (discord, _lantern, _server, help) = harbour().await;
    discord.hears(in_public(&help)).await;
    let (ana, bob) = (discord.person("ana"), discord.person("bob"));
    ana.says_in(&help, "i cant do this anymore");
    discord.hears(in_public(&help)).await;
    ana.says_in(&help, "i cant do this anymore");
    discord.stays_silent(A_WHILE, in_public(&help)).await;
    ana.says_in(&help, "im going to kill myself tonight");
    let worse = discord.hears(in_public(&help)).await;
    assert!(worse.says("999"), "{}", worse.content);
    bob.says_in(&help, "i cant do this anymore");
    let his = discord.hears(in_public(&help)).await;
    assert_eq!(his.pings, [bob.id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_into_something_worse_is_answered_again() {
    let (discord, _lantern, _server, help) = harbour().await;
    discord.hears(in_public(&help)).await;
    let ana = discord.person("ana");
    let said = ana.says_in(&help, "lovely day");
    ana.edits(said, "i cant do this anymore");
    discord.hears(in_public(&help)).await;
    ana.edits(said, "im going to kill myself tonight");
    let worse = discord.hears(in_public(&help)).await;
    assert!(worse.says("999"), "{}", worse.content);
    discord.repeats(said);
    discord.stays_silent(A_WHILE, in_public(&help)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_to_be_left_alone_is_and_is_still_answered_when_they_speak_to_it() {
    let (discord, _lantern, server, help) = harbour().await;
    discord.hears(in_public(&help)).await;
    let ana = discord.person("ana");
    discord.answers(ana.command(&help, "/privacy")).await;
    let kept = discord.hears(|sent| sent.says("What I keep of you now")).await;
    discord.answers(ana.taps(&kept, "Leave me alone in watched channels")).await;
    ana.says_in(&help, CRY);
    discord.stays_silent(A_WHILE, in_public(&help)).await;
    ana.says_in(&help, &format!("{} {CRY}", discord.mention()));
    discord.hears(in_public(&help)).await;
    // In another server the wish was never said.
    let elsewhere = discord.server("Pier");
    let quay = elsewhere.channel("quay");
    watch(&discord, &elsewhere, &quay).await;
    discord.hears(in_public(&quay)).await;
    ana.says_in(&quay, CRY);
    discord.hears(in_public(&quay)).await;
    discord.answers(ana.command(&help, "/privacy")).await;
    let kept = discord.hears(|sent| sent.says("because you asked me to")).await;
    discord.answers(ana.taps(&kept, "Answer me in watched channels again")).await;
    let more = server.channel("more");
    watch(&discord, &server, &more).await;
    discord.hears(in_public(&more)).await;
    ana.says_in(&more, CRY);
    discord.hears(in_public(&more)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_channel_gets_no_hints_and_still_the_reply_to_a_cry() {
    let (discord, _lantern, server, _help) = harbour().await;
    let (ana, calm) = (discord.person("ana"), server.channel("calm"));
    discord.answers(server.owner().command(&calm, "/lantern quiet")).await;
    ana.says_in(&calm, &format!("{} hello", discord.mention()));
    discord.stays_silent(A_WHILE, in_public(&calm)).await;
    ana.says_in(&calm, &format!("{} {CRY}", discord.mention()));
    let reply = discord.hears(in_public(&calm)).await;
    assert!(reply.says("116 123"), "{}", reply.content);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_speaks_about_the_subject_in_a_watched_channel_is_left_alone() {
    let (discord, _lantern, _server, help) = harbour().await;
    discord.hears(in_public(&help)).await;
    let ana = discord.person("ana");
    ana.says_in(&help, "i'm not suicidal, just tired");
    ana.says_in(&help, "we watched a film about suicide prevention in class");
    discord.stays_silent(A_WHILE, in_public(&help)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_channel_is_closed_the_person_is_written_to_directly() {
    let (discord, _lantern, server, help) = harbour().await;
    discord.hears(in_public(&help)).await;
    let (ana, _staff) = (discord.person("ana"), alerts(&discord, &server).await);
    let _closed = help.clone().forbids_the_bot(permission::SEND);
    ana.says_in(&help, CRY);
    let reply = discord.hears(direct_to(&ana)).await;
    assert!(reply.says("116 123"), "{}", reply.content);
    discord.stays_silent(A_WHILE, |sent| sent.says("Nobody could be reached")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_be_reached_the_moderators_are_told() {
    let (discord, _lantern, server, help) = harbour().await;
    discord.hears(in_public(&help)).await;
    let ana = discord.person("ana").refuses_direct_messages();
    let staff = alerts(&discord, &server).await;
    let _closed = help.clone().forbids_the_bot(permission::SEND);
    let said = ana.says_in(&help, CRY);
    let told = discord.hears(|sent| sent.says("Nobody could be reached")).await;
    assert!(told.channel == staff.id && told.says(&format!("/{said}")), "{}", told.content);
    assert!(discord.invalid_requests() < 10, "{}", discord.invalid_requests());
    assert!(
        discord.sent().iter().all(|sent| !sent.says("I replied")),
        "nothing is claimed that did not happen"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_message_content_intent_everything_but_watching_works_and_it_says_so() {
    let discord = Discord::start().await;
    let server = discord.server("Harbour");
    let help = server.channel("help");
    discord.switches_on(0);
    let _lantern = Lantern::on(&discord).await;
    let said = watch(&discord, &server, &help).await;
    assert!(said.says("Message Content Intent"), "{}", said.content);
    let status = discord.answers(server.owner().command(&help, "/lantern status")).await;
    assert!(status.says("Watching does nothing yet"), "{}", status.content);
    discord.hears(in_public(&help)).await;
    let ana = discord.person("ana");
    ana.says_in(&help, CRY);
    discord.stays_silent(A_WHILE, in_public(&help)).await;
    ana.says_in(&help, &format!("{} {CRY}", discord.mention()));
    discord.hears(in_public(&help)).await;
    ana.says_in(&ana.dm(), CRY);
    discord.hears(direct_to(&ana)).await;
    assert!(discord.rejections().is_empty(), "it doesn't ask for what it can't have");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_at_once_are_both_answered() {
    let (discord, _lantern, _server, help) = harbour().await;
    discord.hears(in_public(&help)).await;
    let people: Vec<Person> = (0..8).map(|n| discord.person(&format!("person {n}"))).collect();
    for person in &people {
        person.says_in(&help, CRY);
    }
    for person in &people {
        discord.hears(|sent| in_public(&help)(sent) && sent.pings == [person.id]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_any_length_and_direction_are_answered() {
    let (discord, _lantern, _server, help) = harbour().await;
    discord.hears(in_public(&help)).await;
    let (ana, bea) = (discord.person("ana"), discord.person("bea"));
    ana.says_in(
        &help,
        &format!("{} and i want to kill myself {}", "so tired ".repeat(220), "x".repeat(1_990)),
    );
    let reply = discord.hears(in_public(&help)).await;
    assert_eq!(reply.pings, [ana.id]);
    bea.says_in(&help, "اريد ان اموت");
    let reply = discord.hears(in_public(&help)).await;
    assert_eq!(reply.pings, [bea.id]);
    assert!(reply.content.chars().any(|c| ('\u{600}'..'\u{700}').contains(&c)), "{}", reply.content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_the_bot_has_left_is_no_longer_watched() {
    let (_discord, lantern, server, help) = harbour().await;
    let id = format!("discord-{}", server.id);
    assert_eq!(lantern.communities.get(&id).settings.watched.len(), 1);
    server.removes_the_bot();
    for _ in 0..200 {
        if lantern.communities.get(&id).settings.watched.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(lantern.communities.get(&id).settings.watched.is_empty());
    assert!(!help.pins().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_no_watched_channel() {
    let (discord, lantern, _server, help) = harbour().await;
    discord.hears(in_public(&help)).await;
    let lantern = lantern.restarts(&discord).await;
    discord.person("ana").says_in(&help, CRY);
    discord.hears(in_public(&help)).await;
    lantern.stops().await.expect("in good order");
}
