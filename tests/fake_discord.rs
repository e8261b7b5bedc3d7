//! The fake of Discord, checked with a small bot of serenity's: what it plays, and that it can fail.

#[path = "support/discord/mod.rs"]
mod discord;

use std::sync::Arc;
use std::time::Duration;

use discord::{Discord, Fault, Twin, Way, intent, permission};
use serenity::all::*;

const HELP: &str = "POST /channels/{channel_id}/messages";

/// A bot that answers messages, buttons, commands and forms in the plainest way.
struct Plain;

fn nobody() -> CreateAllowedMentions {
    CreateAllowedMentions::new()
}

fn button(id: &str, label: &str) -> CreateButton {
    CreateButton::new(id).label(label)
}

fn said(content: &str) -> CreateMessage {
    CreateMessage::new().content(content).allowed_mentions(nobody())
}

fn reply(content: &str) -> CreateInteractionResponseMessage {
    CreateInteractionResponseMessage::new().content(content).allowed_mentions(nobody())
}

#[async_trait]
impl EventHandler for Plain {
    async fn message(&self, context: Context, message: Message) {
        if message.author.bot {
            return;
        }
        let buttons =
            vec![CreateActionRow::Buttons(vec![button("note", "Write a note"), button("soon", "Soon")])];
        let text = format!("I read {:?}", message.content);
        let answer = said(&text).components(buttons).reference_message(&message);
        let _ = message.channel_id.send_message(&context, answer).await;
    }

    async fn message_update(
        &self,
        context: Context,
        _: Option<Message>,
        _: Option<Message>,
        event: MessageUpdateEvent,
    ) {
        if event.author.is_some_and(|author| author.bot) {
            return;
        }
        let text = format!("now it says {:?}", event.content.unwrap_or_default());
        let _ = event.channel_id.send_message(&context, said(&text)).await;
    }

    async fn interaction_create(&self, context: Context, interaction: Interaction) {
        let _ = answer(&context, interaction).await;
    }
}

async fn answer(context: &Context, interaction: Interaction) -> serenity::Result<()> {
    match interaction {
        Interaction::Command(command) if command.data.name == "crisis" => {
            let country =
                command.data.options.first().and_then(|option| option.value.as_str().map(str::to_owned));
            let text = format!("somebody to talk to in {}", country.unwrap_or_default());
            let first = CreateInteractionResponse::Message(reply(&text).ephemeral(true));
            command.create_response(context, first).await?;
            let more = CreateInteractionResponseFollowup::new().content("and one more thing");
            command.create_followup(context, more.allowed_mentions(nobody()).ephemeral(true)).await?;
        }
        Interaction::Command(command) if command.data.name == "slow" => {
            command.defer_ephemeral(context).await?;
            let done = EditInteractionResponse::new().content("that took a while");
            command.edit_response(context, done.allowed_mentions(nobody())).await?;
        }
        Interaction::Command(command) if command.data.name == "check" => {
            let file = command.data.resolved.attachments.values().next().expect("a file");
            // Downloaded without authorization, as from Discord's own file server.
            let length = file.size;
            let notes = CreateAttachment::bytes(b"nothing is wrong".to_vec(), "answer.txt");
            let text = format!("{} has {length} bytes", file.filename);
            let first = CreateInteractionResponse::Message(reply(&text).add_file(notes));
            command.create_response(context, first).await?;
        }
        Interaction::Autocomplete(typing) => {
            let half = typing.data.autocomplete().expect("an option").value.to_owned();
            let choices =
                CreateAutocompleteResponse::new().add_string_choice(format!("{half}amine"), "ketamine");
            typing.create_response(context, CreateInteractionResponse::Autocomplete(choices)).await?;
        }
        Interaction::Component(pressed) if pressed.data.custom_id == "note" => {
            let field = CreateInputText::new(InputTextStyle::Short, "Your note", "text");
            let form = CreateModal::new("form", "A note").components(vec![CreateActionRow::InputText(field)]);
            pressed.create_response(context, CreateInteractionResponse::Modal(form)).await?;
        }
        Interaction::Component(pressed) => {
            pressed.create_response(context, CreateInteractionResponse::Acknowledge).await?;
            let changed = EditInteractionResponse::new().content("it is done").components(vec![]);
            pressed.edit_response(context, changed.allowed_mentions(nobody())).await?;
        }
        Interaction::Modal(form) => {
            let rows = &form.data.components;
            let ActionRowComponent::InputText(field) = &rows[0].components[0] else { panic!("a field") };
            let text = format!("noted: {}", field.value.clone().unwrap_or_default());
            let first = match form.message {
                Some(_) => CreateInteractionResponse::UpdateMessage(reply(&text)),
                None => CreateInteractionResponse::Message(reply(&text)),
            };
            form.create_response(context, first).await?;
        }
        _ => {}
    }
    Ok(())
}

fn http(discord: &Discord) -> Http {
    HttpBuilder::new(discord.token()).proxy(discord.proxy()).ratelimiter_disabled(true).build()
}

/// A bot that runs until it is dropped.
struct Running {
    shards: Arc<ShardManager>,
    task: tokio::task::JoinHandle<serenity::Result<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const INTENTS: GatewayIntents = GatewayIntents::GUILDS
    .union(GatewayIntents::GUILD_MESSAGES)
    .union(GatewayIntents::DIRECT_MESSAGES)
    .union(GatewayIntents::MESSAGE_CONTENT);

async fn start(discord: &Discord, intents: GatewayIntents) -> Running {
    let mut client =
        ClientBuilder::new_with_http(http(discord), intents).event_handler(Plain).await.expect("a client");
    let shards = Arc::clone(&client.shard_manager);
    let task = tokio::spawn(async move { client.start_autosharded().await });
    Running { shards, task }
}

async fn with_bot() -> (Discord, Running) {
    let discord = Discord::start().await;
    discord.server("Harbour").channel("help");
    let bot = start(&discord, INTENTS).await;
    discord.logged_in().await;
    (discord, bot)
}

async fn with_commands() -> (Discord, Running) {
    let (discord, bot) = with_bot().await;
    let http = http(&discord);
    http.set_application_id(ApplicationId::new(discord.application()));
    let text = |name: &str| CreateCommandOption::new(CommandOptionType::String, name, "Which one");
    let file = CreateCommandOption::new(CommandOptionType::Attachment, "script", "A guide").required(true);
    let commands = vec![
        CreateCommand::new("crisis").description("Somebody to talk to").add_option(text("country")),
        CreateCommand::new("slow").description("Takes its time"),
        CreateCommand::new("guide")
            .description("Begins a guide")
            .add_option(text("name").set_autocomplete(true)),
        CreateCommand::new("check").description("Checks a guide").add_option(file),
    ];
    Command::set_global_commands(&http, commands).await.expect("registered");
    (discord, bot)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_logs_in_and_answers_a_direct_message() {
    let (discord, _bot) = with_bot().await;
    let ana = discord.person("ana");
    ana.says_in(&ana.dm(), "hello");
    let heard = discord.hears(|sent| sent.says(r#"I read "hello""#)).await;
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
    let flood = ana.dm().flood(&ana).of(&["one of many"]).send(200).await;
    for _ in 0..200 {
        discord.hears(|sent| sent.says("one of many")).await;
    }
    let answered = flood.answered(&discord);
    assert_eq!((flood.sent.len(), answered.len()), (200, 200));
}

fn status(error: &Error) -> Option<u16> {
    let Error::Http(HttpError::UnsuccessfulRequest(response)) = error else { return None };
    Some(response.status_code.as_u16())
}

fn code(error: &Error) -> Option<isize> {
    let Error::Http(HttpError::UnsuccessfulRequest(response)) = error else { return None };
    Some(response.error.code)
}

/// What the fake says of one message.
async fn caught(message: CreateMessage) -> String {
    let discord = Discord::start().await;
    let dm = ChannelId::new(discord.person("ana").dm().id);
    let error = dm.send_message(&http(&discord), message).await.expect_err("refused");
    assert_eq!(code(&error), Some(50035), "Invalid Form Body");
    assert!(discord.sent().is_empty(), "nobody was sent it");
    discord.catches().await
}

fn row(buttons: Vec<CreateButton>) -> CreateMessage {
    said("hello").components(vec![CreateActionRow::Buttons(buttons)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_of_81_characters_is_caught() {
    let violation = caught(row(vec![button("a", &"x".repeat(81))])).await;
    assert!(violation.contains("/components/0/components/0/label: it is longer than 80"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sixth_button_in_a_row_is_caught() {
    let six = ["a", "b", "c", "d", "e", "f"].map(|id| button(id, id)).to_vec();
    let violation = caught(row(six)).await;
    assert!(violation.contains("/components/0/components: it has more than 5 items"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sixth_row_is_caught() {
    let rows = ["a", "b", "c", "d", "e", "f"].map(|id| CreateActionRow::Buttons(vec![button(id, id)]));
    let violation = caught(said("hello").components(rows.to_vec())).await;
    assert!(violation.contains("6 rows"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_custom_id_that_is_there_twice_is_caught() {
    let violation = caught(row(vec![button("same", "One"), button("same", "Two")])).await;
    assert!(violation.contains(r#"the custom_id "same" is there twice"#), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_2001_characters_is_caught() {
    let discord = Discord::start().await;
    let dm = ChannelId::new(discord.person("ana").dm().id);
    // Past the library's own check.
    let body = serde_json::json!({"content": "é".repeat(2_001), "allowed_mentions": {"parse": []}});
    http(&discord).send_message(dm, vec![], &body).await.expect_err("refused");
    let violation = discord.catches().await;
    assert!(violation.contains("/content: 2001 characters; at most 2000"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embeds_of_6001_characters_are_caught() {
    let embed = |length: usize| CreateEmbed::new().description("x".repeat(length));
    let violation = caught(said("hello").embeds(vec![embed(3_000), embed(3_001)])).await;
    assert!(violation.contains("6001 characters in all"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_does_not_say_whom_it_may_ping_is_caught() {
    let violation = caught(CreateMessage::new().content("hello")).await;
    assert!(violation.contains("/allowed_mentions: missing"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_may_ping_everyone_is_caught() {
    let everyone = CreateAllowedMentions::new().everyone(true);
    let violation = caught(CreateMessage::new().content("hello").allowed_mentions(everyone)).await;
    assert!(violation.contains("/allowed_mentions/parse"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nonce_of_26_characters_is_caught() {
    let violation = caught(said("hello").nonce(Nonce::String("n".repeat(26)))).await;
    assert!(violation.contains("/nonce: it is longer than 25"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_in_capitals_is_caught() {
    let discord = Discord::start().await;
    let http = http(&discord);
    http.set_application_id(ApplicationId::new(discord.application()));
    let shouted = vec![CreateCommand::new("Crisis").description("Somebody to talk to")];
    Command::set_global_commands(&http, shouted).await.expect_err("refused");
    assert!(discord.catches().await.contains(r#"the name "Crisis""#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permission_and_a_translated_name_of_a_command_are_taken() {
    let discord = Discord::start().await;
    let http = http(&discord);
    http.set_application_id(ApplicationId::new(discord.application()));
    let command = CreateCommand::new("guide")
        .description("Begins a guide")
        .name_localized("hi", "मार्गदर्शक")
        .default_member_permissions(Permissions::MANAGE_GUILD);
    let registered = Command::set_global_commands(&http, vec![command]).await.expect("registered");
    assert_eq!(registered[0].default_member_permissions, Some(Permissions::MANAGE_GUILD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_option_behind_one_that_is_not_is_caught() {
    let discord = Discord::start().await;
    let http = http(&discord);
    http.set_application_id(ApplicationId::new(discord.application()));
    let option = |name: &str| CreateCommandOption::new(CommandOptionType::String, name, "Which one");
    let command = CreateCommand::new("guide").description("Begins a guide");
    let command = command.add_option(option("language")).add_option(option("name").required(true));
    Command::set_global_commands(&http, vec![command]).await.expect_err("refused");
    assert!(discord.catches().await.contains(r#""name" is required, and comes after one that isn't"#));
}

/// What the fake says of one first answer to a command.
async fn caught_answer(answer: CreateInteractionResponse) -> String {
    let (discord, _bot) = with_commands().await;
    discord.holds_events(true);
    let deed = discord.person("ana").command(&discord.server("Harbour").channel("help"), "/crisis");
    let token = format!("token-of-{}", deed.id);
    answer.execute(http(&discord), (InteractionId::new(deed.id), &token)).await.expect_err("refused");
    assert!(discord.sent().is_empty(), "nobody was sent it");
    discord.catches().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suggestions_for_what_nobody_is_typing_are_caught() {
    let choices = CreateInteractionResponse::Autocomplete(CreateAutocompleteResponse::new());
    let violation = caught_answer(choices).await;
    assert!(violation.contains("an answer of type 8 doesn't fit /crisis"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_with_a_title_of_46_characters_is_caught() {
    let field = CreateInputText::new(InputTextStyle::Short, "Your note", "text");
    let form = CreateModal::new("form", "x".repeat(46)).components(vec![CreateActionRow::InputText(field)]);
    let violation = caught_answer(CreateInteractionResponse::Modal(form)).await;
    assert!(violation.contains("/data/title: it is longer than 45"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_menu_with_26_options_is_caught() {
    let options = (0..26).map(|at| CreateSelectMenuOption::new(format!("Option {at}"), at.to_string()));
    let menu = CreateSelectMenu::new("menu", CreateSelectMenuKind::String { options: options.collect() });
    let violation = caught(said("hello").components(vec![CreateActionRow::SelectMenu(menu)])).await;
    assert!(
        violation.contains("/components/0/components/0/options: it has more than 25 items"),
        "{violation}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ephemeral_message_that_answers_nothing_is_caught() {
    let violation = caught(said("hello").flags(MessageFlags::EPHEMERAL)).await;
    assert!(violation.contains("only an answer to an interaction can be ephemeral"), "{violation}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identify_too_soon_is_caught() {
    let (discord, _bot) = with_bot().await;
    let _another = start(&discord, INTENTS).await;
    assert!(discord.catches().await.contains("with max_concurrency 1 that takes 5 s"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_payload_that_is_too_long_is_caught() {
    let (discord, bot) = with_bot().await;
    let presence = Some(ActivityData::custom("x".repeat(5_000)));
    let shard = bot.shards.runners.lock().await.values().next().expect("a shard").runner_tx.clone();
    shard.set_activity(presence);
    assert!(discord.catches().await.contains("at most 4096"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_discord_does_not_have_is_caught() {
    let discord = Discord::start().await;
    let address = discord.proxy().replace("http://", "");
    let request = format!("GET /api/v10/nowhere HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("sent");
    assert_eq!(discord.catches().await, "GET /api/v10/nowhere: Discord has no such route");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_is_not_played_is_named() {
    let discord = Discord::start().await;
    let harbour = GuildId::new(discord.server("Harbour").id);
    http(&discord).get_guild_vanity_url(harbour).await.expect_err("not played");
    assert_eq!(
        discord.catches().await,
        "GET /guilds/{guild_id}/vanity-url: the fake doesn't play this route yet"
    );
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

#[test]
#[should_panic(expected = "the bot broke a rule of Discord's")]
fn a_broken_rule_that_nobody_waited_for_fails_the_test() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let discord = runtime.block_on(Discord::start());
    let dm = ChannelId::new(discord.person("ana").dm().id);
    let http = http(&discord);
    runtime.block_on(dm.send_message(&http, CreateMessage::new().content("hello"))).expect_err("refused");
}

#[test]
#[should_panic(expected = "nothing that was sent fits within 100ms")]
fn silence_fails_the_test_and_says_what_happened() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let discord = Discord::start().await.patience(Duration::from_millis(100));
        discord.hears(|_| true).await;
    });
}

#[test]
fn intents_are_those_of_the_library() {
    assert_eq!(intent::PRIVILEGED, GatewayIntents::privileged().bits());
    assert_eq!(intent::GUILD_MESSAGES, GatewayIntents::GUILD_MESSAGES.bits());
    assert_eq!(intent::DIRECT_MESSAGES, GatewayIntents::DIRECT_MESSAGES.bits());
    assert_eq!(intent::KNOWN & GatewayIntents::all().bits(), GatewayIntents::all().bits());
}
