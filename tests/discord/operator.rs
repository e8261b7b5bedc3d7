//! What an operator sees: start, trouble with the connection, interactions over HTTP, health, the log, the end.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use ed25519_dalek::{Signer, SigningKey};
use lantern::shell::config::{DiscordConfig, HttpConfig};

use crate::lantern::{Lantern, Start};
use crate::support::{Discord, Fault, Sent, Way, intent};

const CRY: &str = "i want to kill myself";

fn with(config: DiscordConfig) -> Start {
    Start { config, ..Start::default() }
}

async fn harbour() -> (Discord, Lantern) {
    let discord = Discord::start().await;
    discord.server("Harbour").channel("help");
    let lantern = Lantern::on(&discord).await;
    (discord, lantern)
}

fn is_rescue(sent: &Sent) -> bool {
    sent.says("116 123")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_ends_it_with_where_to_get_another() {
    let discord = Discord::start().await;
    discord.meets("GET /users/@me", Fault::Fails(401), 1);
    let why =
        Lantern::starts(&discord, Start::default()).ends().await.expect_err("it can't go on").to_string();
    assert!(why.contains("Reset Token") && why.contains("discord.com/developers"), "{why}");
    assert!(!why.contains(&discord.token()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_dies_while_it_runs_ends_it() {
    let (discord, lantern) = harbour().await;
    discord.closes_connections(4004);
    let why = lantern.ends().await.expect_err("it can't go on").to_string();
    assert!(why.contains("Reset Token"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_is_switched_off_later_costs_only_watching() {
    let discord = Discord::start().await;
    discord.switches_on(intent::MESSAGE_CONTENT);
    let lantern = Lantern::on(&discord).await;
    // Discord minds at the next identification.
    discord.switches_on(0);
    discord.time_passes(Duration::from_secs(6));
    discord.closes_connections(4014);
    discord.has_identified(2).await;
    let last = discord.identified().pop().expect("one");
    assert_eq!(last.intents & intent::MESSAGE_CONTENT, 0);
    lantern.is_ready().await;
    // An intent that was never asked for can't be given up: then somebody has to look.
    discord.closes_connections(4014);
    let why = lantern.ends().await.expect_err("it can't go on").to_string();
    assert!(why.contains("Message Content Intent") && why.contains("discord.com/developers"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_that_can_not_be_are_told_of() {
    let discord = Discord::start().await;
    let config = DiscordConfig { shards: 2, run_shards: "5".into(), ..DiscordConfig::default() };
    let why = Lantern::starts(&discord, with(config)).ends().await.expect_err("it can't be").to_string();
    assert!(why.contains("run_shards") && why.contains("bot.toml"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_a_discord_that_is_out_of_reach() {
    let discord = Discord::start().await;
    discord.meets("GET /users/@me", Fault::Fails(503), 4);
    discord.refuses_connections(true);
    let lantern = Lantern::starts(&discord, Start::default());
    discord.has_asked("GET /gateway/bot", 1).await;
    assert!(!lantern.telemetry.is_ready());
    discord.refuses_connections(false);
    lantern.is_ready().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), CRY);
    discord.hears(is_rescue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_can_not_reach_discord_still_ends_when_told() {
    let discord = Discord::start().await;
    discord.meets("*", Fault::SlowRequest(Duration::from_secs(60)), 100);
    let lantern = Lantern::starts(&discord, Start::default());
    tokio::time::sleep(Duration::from_millis(100)).await;
    lantern.stops().await.expect("in good order");
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_shards_introduce_themselves_at_once_as_discord_lets() {
    let discord = Discord::start().await;
    discord.recommends(4, 4);
    let lantern = Lantern::on(&discord).await;
    let mut shards: Vec<u64> = discord.identified().iter().map(|one| one.shard.0).collect();
    shards.sort_unstable();
    assert_eq!(shards, [0, 1, 2, 3]);
    let servers: Vec<_> = (0..4).map(|n| discord.server(&format!("Server {n}")).channel("help")).collect();
    for (n, channel) in servers.iter().enumerate() {
        let person = discord.person(&format!("person {n}"));
        person.says_in(channel, &format!("{} {CRY}", discord.mention()));
        discord.hears(|sent| is_rescue(sent) && sent.channel == channel.id).await;
    }
    lantern.stops().await.expect("in good order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_runs_the_shards_that_are_its_own_and_ends_while_some_wait_their_turn() {
    let discord = Discord::start().await;
    let config = DiscordConfig { shards: 8, run_shards: "2-7".into(), ..DiscordConfig::default() };
    let lantern = Lantern::starts(&discord, with(config));
    discord.has_identified(1).await;
    let one = discord.identified()[0].clone();
    assert!((2..=7).contains(&one.shard.0) && one.shard.1 == 8, "{one:?}");
    lantern.stops().await.expect("in good order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_is_resumed_without_missing_or_repeating() {
    let (discord, _lantern) = harbour().await;
    let people: Vec<_> = (0..4).map(|n| discord.person(&format!("person {n}"))).collect();
    people[0].says_in(&people[0].dm(), CRY);
    discord.hears(is_rescue).await;
    for (round, person) in people.iter().enumerate().skip(1) {
        match round {
            1 => discord.breaks_connections(),
            2 => discord.asks_to_reconnect(),
            _ => discord.closes_connections(4000),
        }
        person.says_in(&person.dm(), CRY);
        let place = person.dm().id;
        discord.hears(|sent| is_rescue(sent) && sent.channel == place).await;
        discord.has_resumed(round).await;
    }
    assert!(discord.resumed().iter().all(|one| one.by_resume_url));
    assert_eq!(discord.identified().len(), 1);
    discord.stays_silent(Duration::from_millis(200), |sent| sent.way == Way::Message).await;
    assert!(discord.goodbyes().iter().all(|code| !matches!(code, 1000 | 1001)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_begins_anew() {
    let discord = Discord::start().await;
    // A heartbeat that crosses the goodbye on its way would name a session that is no more.
    discord.wants_heartbeats(Duration::from_secs(3_600));
    let _lantern = Lantern::on(&discord).await;
    discord.time_passes(Duration::from_secs(6));
    discord.invalidates_sessions(false);
    discord.has_identified(2).await;
    discord.logged_in().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), CRY);
    discord.hears(is_rescue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_dead_is_noticed_by_its_heartbeats() {
    let discord = Discord::start().await;
    discord.wants_heartbeats(Duration::from_millis(150));
    let _lantern = Lantern::on(&discord).await;
    discord.ignores_heartbeats(true);
    while discord.goodbyes().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    discord.ignores_heartbeats(false);
    discord.has_resumed(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_under_way_are_finished_when_it_ends() {
    let (discord, lantern) = harbour().await;
    let ana = discord.person("ana");
    discord.meets("POST /channels/{channel_id}/messages", Fault::SlowRequest(Duration::from_millis(800)), 1);
    ana.says_in(&ana.dm(), CRY);
    while !discord.asked().iter().any(|one| one.route == "POST /channels/{channel_id}/messages") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    lantern.stops().await.expect("in good order");
    discord.hears(is_rescue).await;
    assert_eq!(discord.goodbyes(), [1000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn brought_along_into_a_server_where_the_bot_is_not_it_answers_privately() {
    let (discord, _lantern) = harbour().await;
    let quay = discord.server("Pier").without_the_bot().channel("quay");
    let ana = discord.person("ana");
    let first = discord.answers(ana.command(&quay, "/guide")).await;
    assert!(first.is_private() && first.says("automated guide"), "{}", first.content);
    let reply = discord.answers(ana.command(&quay, "/guide name:i want to die")).await;
    assert!(is_rescue(&reply) && reply.is_private(), "{}", reply.content);
}

/// Lantern listening for interactions, and the key that Discord signs with.
async fn over_http() -> (Discord, Lantern, String, SigningKey) {
    let discord = Discord::start().await;
    discord.server("Harbour").channel("help");
    let key = SigningKey::from_bytes(&[9; 32]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("one").port();
    let http = HttpConfig {
        listen: format!("127.0.0.1:{port}"),
        public_key: key.verifying_key().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    discord.calls_over_http();
    let config = DiscordConfig { http, gateway: false, ..DiscordConfig::default() };
    let lantern = Lantern::starts(&discord, with(config));
    discord.has_commands(&["guide", "lantern"]).await;
    lantern.is_ready().await;
    (discord, lantern, format!("http://127.0.0.1:{port}/interactions"), key)
}

/// Calls as Discord does, so many seconds from now; the status and what was answered.
async fn call(url: &str, key: &SigningKey, body: String, off: i64) -> (u16, serde_json::Value) {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time").as_secs();
    let at = now.saturating_add_signed(off).to_string();
    let signature = key.sign(&[at.as_bytes(), body.as_bytes()].concat());
    let signature: String = signature.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let answer = reqwest::Client::new()
        .post(url)
        .header("x-signature-ed25519", signature)
        .header("x-signature-timestamp", at)
        .body(body)
        .send()
        .await
        .expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("text");
    (status, serde_json::from_str(&text).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_only_what_discord_signed_just_now_is_answered() {
    let (_discord, _lantern, url, key) = over_http().await;
    let ping = || r#"{"id":"1","type":1,"token":"t"}"#.to_owned();
    assert_eq!(call(&url, &key, ping(), 0).await, (200, serde_json::json!({"type": 1})));
    assert_eq!(call(&url, &SigningKey::from_bytes(&[8; 32]), ping(), 0).await.0, 401);
    assert_eq!(call(&url, &key, ping(), -300).await.0, 401);
    assert_eq!(call(&url, &key, "x".repeat(2 << 20), 0).await.0, 413);
    assert_eq!(call(&url, &key, "{}".into(), 0).await.0, 400);
    let bare = reqwest::Client::new().post(&url).body(ping()).send().await.expect("an answer");
    assert_eq!(bare.status().as_u16(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_the_first_answer_goes_back_at_once_and_the_rest_follows() {
    let (discord, _lantern, url, key) = over_http().await;
    let (ana, help) = (discord.person("ana"), discord.server("Harbour").channel("help"));
    for line in ["/guide", "/guide name:i want to die", "/crisis", "/notes", "/privacy"] {
        let deed = ana.command(&help, line);
        let (status, answer) = call(&url, &key, discord.call(deed), 0).await;
        assert_eq!((status, answer["type"].as_u64()), (200, Some(4)), "{line}");
        assert_eq!(discord.takes(deed, answer), 204, "{line}");
        let sent = discord.answers(deed).await;
        assert!(sent.is_private());
        if line.contains("die") || line == "/crisis" {
            assert!(is_rescue(&sent), "{}", sent.content);
        }
    }
    discord.hears(|sent| sent.way == Way::FollowUp && sent.says("What I keep of you now")).await;
    discord.hears(|sent| sent.way == Way::FollowUp && !sent.files.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_tells_health_and_figures_and_logs_no_word_person_or_token() {
    let discord = Discord::start().await;
    let help = discord.server("Harbour").channel("help");
    let folder = tempfile::tempdir().expect("a folder");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("one").port();
    let config = format!(
        "country = \"GB\"\n[store]\nkind = \"memory\"\npath = \"data\"\n[metrics]\nlisten = \"127.0.0.1:{port}\"\n[discord]\napi = \"{}\"\n",
        discord.proxy()
    );
    std::fs::write(folder.path().join("bot.toml"), config).expect("written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lantern"))
        .arg("run")
        .current_dir(folder.path())
        .env("DISCORD_TOKEN", discord.token())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    discord.logged_in().await;
    discord.has_commands(&["guide"]).await;
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}{path}")).await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    for _ in 0..200 {
        if get("/readyz").await.0 == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((get("/healthz").await.0, get("/readyz").await.0), (200, 200));
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "zanzibar, i want to kill myself");
    discord.hears(is_rescue).await;
    discord.answers(ana.command(&help, "/guide name:zanzibar")).await;
    let (_, figures) = get("/metrics").await;
    assert!(figures.contains("lantern_replies_total{sort=\"crisis\"} 1"), "{figures}");
    Command::new("kill").arg(child.id().to_string()).status().expect("told");
    let ended = tokio::task::spawn_blocking(move || {
        let status = child.wait().expect("it ends");
        let mut log = String::new();
        child.stderr.take().expect("a log").read_to_string(&mut log).expect("text");
        child.stdout.take().expect("an output").read_to_string(&mut log).expect("text");
        (status.success(), log)
    });
    let (well, log) = tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .expect("within ten seconds")
        .expect("it ends");
    assert!(well && log.contains("started") && log.contains("ended"), "{log}");
    let secrets = [
        discord.token(),
        "zanzibar".into(),
        "kill".into(),
        ana.id.to_string(),
        help.id.to_string(),
        ana.dm().id.to_string(),
    ];
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} in {log}");
        assert!(!figures.contains(&secret), "{secret} in {figures}");
    }
}
