//! What Discord refuses, the fake refuses as well, and says so: the proof that it can fail a test.

use std::time::Duration;

use serenity::all::*;

use crate::bot::*;
use crate::discord::Discord;

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
