//! Limits, failures, missing permissions, and time.

use std::time::Duration;

use serenity::all::*;

use crate::bot::*;
use crate::discord::{Discord, Fault, permission};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limited_route_says_when_to_ask_again() {
    let discord = Discord::start().await;
    let dm = ChannelId::new(discord.person("ana").dm().id);
    discord.meets(HELP, Fault::Limited { retry_after: Duration::from_millis(250), global: false }, 1);
    let error = dm.send_message(&http(&discord), said("hello")).await.expect_err("refused");
    assert_eq!(status(&error), Some(429));
    dm.send_message(&http(&discord), said("hello")).await.expect("the second time");
    assert_eq!((discord.sent().len(), discord.invalid_requests()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_global_limit_stops_every_route_until_its_time_is_over() {
    let discord = Discord::start().await;
    let dm = ChannelId::new(discord.person("ana").dm().id);
    discord.meets(HELP, Fault::Limited { retry_after: Duration::from_secs(30), global: true }, 1);
    let http = http(&discord);
    assert_eq!(status(&dm.send_message(&http, said("hello")).await.expect_err("refused")), Some(429));
    assert_eq!(status(&http.get_current_user().await.expect_err("refused")), Some(429));
    discord.time_passes(Duration::from_secs(30));
    http.get_current_user().await.expect("let in again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_global_limit_does_not_hold_back_answers_to_interactions() {
    let (discord, _bot) = with_commands().await;
    discord.meets("*", Fault::Limited { retry_after: Duration::from_secs(30), global: true }, 1);
    http(&discord).get_current_user().await.expect_err("refused");
    let deed =
        discord.person("ana").command(&discord.server("Harbour").channel("help"), "/crisis country:GB");
    assert!(discord.answers(deed).await.says("in GB"));
    assert!(discord.answers(deed).await.says("and one more thing"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_used_up_answers_429() {
    let discord = Discord::start().await;
    discord.limits_routes(2, Duration::from_secs(60));
    let (ana, ben) = (discord.person("ana").dm().id, discord.person("ben").dm().id);
    let http = http(&discord);
    let send = |channel: u64| ChannelId::new(channel).send_message(&http, said("hello"));
    send(ana).await.expect("one");
    send(ana).await.expect("two");
    assert_eq!(status(&send(ana).await.expect_err("three are too many")), Some(429));
    send(ben).await.expect("another channel has its own bucket");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_fails_or_breaks_off_does_nothing() {
    let discord = Discord::start().await;
    let dm = ChannelId::new(discord.person("ana").dm().id);
    discord.meets(HELP, Fault::Fails(503), 1);
    discord.meets(HELP, Fault::Broken, 1);
    let http = http(&discord);
    assert_eq!(status(&dm.send_message(&http, said("hello")).await.expect_err("failed")), Some(503));
    dm.send_message(&http, said("hello")).await.expect_err("broken off");
    assert!(discord.sent().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_answer_comes_after_the_message_is_there() {
    let discord = Discord::start().await;
    let dm = ChannelId::new(discord.person("ana").dm().id);
    discord.meets(HELP, Fault::SlowAnswer(Duration::from_millis(300)), 1);
    let http = http(&discord);
    let sending = tokio::spawn(async move { dm.send_message(&http, said("hello")).await });
    discord.hears(|sent| sent.says("hello")).await;
    assert!(!sending.is_finished(), "the message is there before the bot knows");
    sending.await.expect("no panic").expect("sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_bot_may_not_do_is_refused_with_its_code() {
    let discord = Discord::start().await;
    let harbour = discord.server("Harbour");
    let hidden = harbour.channel("hidden").forbids_the_bot(permission::VIEW);
    let quiet = harbour.channel("quiet").forbids_the_bot(permission::SEND);
    let closed = discord.person("ana").refuses_direct_messages().dm();
    let http = http(&discord);
    let mut codes = Vec::new();
    for channel in [hidden, quiet, closed] {
        let error = ChannelId::new(channel.id).send_message(&http, said("hello")).await.expect_err("refused");
        codes.push(code(&error));
    }
    assert_eq!(codes, [Some(50001), Some(50013), Some(50007)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_reply_is_unknown_and_a_second_one_is_refused() {
    let (discord, _bot) = with_commands().await;
    let help = discord.server("Harbour").channel("help");
    let ana = discord.person("ana");
    let deed = ana.command(&help, "/crisis");
    discord.answers(deed).await;
    let token = format!("token-of-{}", deed.id);
    let again = CreateInteractionResponse::Message(reply("again"));
    let http = http(&discord);
    let error =
        again.clone().execute(&http, (InteractionId::new(deed.id), &token)).await.expect_err("refused");
    assert_eq!(code(&error), Some(40060));

    discord.holds_events(true);
    let late = ana.command(&help, "/crisis");
    discord.time_passes(Duration::from_millis(3_100));
    let token = format!("token-of-{}", late.id);
    let error = again.execute(&http, (InteractionId::new(late.id), &token)).await.expect_err("too late");
    assert_eq!(code(&error), Some(10062));
    assert_eq!(discord.unanswered(), ["/crisis"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_dies_after_a_quarter_of_an_hour() {
    let (discord, _bot) = with_commands().await;
    let deed = discord.person("ana").command(&discord.server("Harbour").channel("help"), "/crisis");
    discord.answers(deed).await;
    discord.answers(deed).await;
    discord.time_passes(Duration::from_secs(15 * 60));
    let http = http(&discord);
    http.set_application_id(ApplicationId::new(discord.application()));
    let token = format!("token-of-{}", deed.id);
    let late = CreateInteractionResponseFollowup::new().content("late").allowed_mentions(nobody());
    let error = late.execute(&http, (None, &token)).await.expect_err("too late");
    assert_eq!(code(&error), Some(50027));
}
