//! Logging in, losing the connection, and coming back.

use std::time::Duration;

use serenity::all::*;

use crate::bot::*;
use crate::discord::{Discord, intent};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_logs_in_and_answers_a_direct_message() {
    let (discord, _bot) = with_bot().await;
    let ana = discord.person("ana");
    let said = ana.says_in(&ana.dm(), "hello");
    let heard = discord.hears(|sent| sent.says(r#"I read "hello""#)).await;
    assert!(discord.time_between(said, &heard) > Duration::ZERO);
    assert_eq!(heard.buttons(), ["Write a note", "Soon"]);
    assert!(ana.sees(&heard));
    assert!(!discord.person("ben").sees(&heard), "direct messages are between two");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_closes_with_4004() {
    let discord = Discord::start().await;
    let wrong =
        HttpBuilder::new("another.bot.token").proxy(discord.proxy()).ratelimiter_disabled(true).build();
    let mut client =
        ClientBuilder::new_with_http(wrong, INTENTS).event_handler(Plain).await.expect("a client");
    let error = client.start().await.expect_err("not let in");
    assert!(matches!(error, Error::Gateway(GatewayError::InvalidAuthentication)), "{error}");
    assert_eq!(discord.rejections(), [4004]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intent_that_is_not_switched_on_closes_with_4014() {
    let discord = Discord::start().await;
    discord.switches_on(0);
    let mut bot = start(&discord, INTENTS).await;
    let error = (&mut bot.task).await.expect("no panic").expect_err("not let in");
    assert!(matches!(error, Error::Gateway(GatewayError::DisallowedGatewayIntents)), "{error}");
    assert_eq!(discord.rejections(), [4014]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_intent_content_is_there_only_where_the_bot_is_addressed() {
    let discord = Discord::start().await;
    discord.switches_on(0);
    let help = discord.server("Harbour").channel("help");
    let _bot = start(&discord, INTENTS.difference(GatewayIntents::MESSAGE_CONTENT)).await;
    discord.logged_in().await;
    let ana = discord.person("ana");
    ana.says_in(&help, "a secret");
    discord.hears(|sent| sent.says(r#"I read """#)).await;
    ana.says_in(&help, &format!("{} hello", discord.mention()));
    discord.hears(|sent| sent.says("hello")).await;
    ana.says_in(&ana.dm(), "between us");
    discord.hears(|sent| sent.says("between us")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_is_resumed_without_loss_or_repetition() {
    let (discord, _bot) = with_bot().await;
    let ana = discord.person("ana");
    let dm = ana.dm();
    ana.says_in(&dm, "before");
    discord.hears(|sent| sent.says("before")).await;
    discord.refuses_connections(true);
    discord.breaks_connections();
    ana.says_in(&dm, "meanwhile");
    discord.refuses_connections(false);
    discord.has_resumed(1).await;
    ana.says_in(&dm, "after");
    discord.hears(|sent| sent.says("meanwhile")).await;
    discord.hears(|sent| sent.says("after")).await;
    discord.stays_silent(Duration::from_millis(200), |_| true).await;
    assert_eq!(discord.identified().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_to_reconnect_is_followed_by_a_resumption() {
    let (discord, _bot) = with_bot().await;
    discord.asks_to_reconnect();
    discord.has_resumed(1).await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "still there?");
    discord.hears(|sent| sent.says("still there?")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_session_makes_the_bot_identify_again() {
    let (discord, _bot) = with_bot().await;
    discord.invalidates_sessions(false);
    discord.has_identified(2).await;
    assert!(discord.resumed().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_code_that_allows_it_is_followed_by_a_resumption() {
    let (discord, _bot) = with_bot().await;
    discord.closes_connections(4000);
    discord.has_resumed(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_that_nobody_answers_end_a_connection() {
    let discord = Discord::start().await;
    discord.wants_heartbeats(Duration::from_millis(200));
    discord.ignores_heartbeats(true);
    let _bot = start(&discord, INTENTS).await;
    discord.logged_in().await;
    discord.has_identified(2).await;
    assert!(discord.heartbeats() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_are_held_back_come_in_order() {
    let (discord, _bot) = with_bot().await;
    let ana = discord.person("ana");
    discord.holds_events(true);
    ana.says_in(&ana.dm(), "one");
    ana.says_in(&ana.dm(), "two");
    discord.stays_silent(Duration::from_millis(200), |_| true).await;
    discord.holds_events(false);
    discord.hears(|sent| sent.says("one")).await;
    discord.hears(|sent| sent.says("two")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_shard_has_its_own_servers_and_the_first_has_direct_messages() {
    let discord = Discord::start().await;
    discord.recommends(2, 2);
    let channels = ["Harbour", "Lighthouse"].map(|name| discord.server(name).channel("help"));
    let _bot = start(&discord, INTENTS).await;
    discord.logged_in().await;
    let ana = discord.person("ana");
    for channel in &channels {
        ana.says_in(channel, "hello");
    }
    ana.says_in(&ana.dm(), "hello");
    for _ in 0..3 {
        discord.hears(|sent| sent.says("hello")).await;
    }
    let mut shards: Vec<_> = discord.identified().iter().map(|one| one.shard).collect();
    shards.sort_unstable();
    assert_eq!(shards, [(0, 2), (1, 2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saying_goodbye_ends_the_session() {
    let (discord, bot) = with_bot().await;
    bot.shards.shutdown_all().await;
    assert_eq!(discord.goodbyes(), [1000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throwing_the_bot_out_takes_its_server_away() {
    let (discord, _bot) = with_bot().await;
    let harbour = discord.server("Harbour");
    harbour.removes_the_bot();
    let error = http(&discord).get_guild(GuildId::new(harbour.id)).await.expect_err("gone");
    assert_eq!(code(&error), Some(50001));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_counted_and_answered() {
    let (discord, _bot) = with_bot().await;
    let ana = discord.person("ana");
    let ben = discord.person("ben");
    let (hers, his) = (ana.dm(), ben.dm());
    let flood = discord.flood([(&hers, &ana), (&his, &ben)]).of(&["one of many"]).send(200).await;
    for _ in 0..200 {
        discord.hears(|sent| sent.says("one of many")).await;
    }
    let answered = flood.answered(&discord);
    assert_eq!((flood.sent.len(), answered.len()), (200, 200));
    assert_eq!(ana.screen().len(), 100, "each has half of them");
}

#[test]
fn intents_are_those_of_the_library() {
    assert_eq!(intent::PRIVILEGED, GatewayIntents::privileged().bits());
    assert_eq!(intent::GUILD_MESSAGES, GatewayIntents::GUILD_MESSAGES.bits());
    assert_eq!(intent::DIRECT_MESSAGES, GatewayIntents::DIRECT_MESSAGES.bits());
    assert_eq!(intent::KNOWN & GatewayIntents::all().bits(), GatewayIntents::all().bits());
}
