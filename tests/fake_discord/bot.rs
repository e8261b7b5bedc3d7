//! A small bot of serenity's.

use std::sync::Arc;

use serenity::all::*;

use crate::discord::Discord;

pub const HELP: &str = "POST /channels/{channel_id}/messages";

/// A bot that answers messages, buttons, commands and forms in the plainest way.
pub struct Plain;

pub fn nobody() -> CreateAllowedMentions {
    CreateAllowedMentions::new()
}

pub fn button(id: &str, label: &str) -> CreateButton {
    CreateButton::new(id).label(label)
}

pub fn said(content: &str) -> CreateMessage {
    CreateMessage::new().content(content).allowed_mentions(nobody())
}

pub fn reply(content: &str) -> CreateInteractionResponseMessage {
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

pub async fn answer(context: &Context, interaction: Interaction) -> serenity::Result<()> {
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
        Interaction::Component(pressed) if pressed.data.custom_id == "watch" => {
            let ComponentInteractionDataKind::ChannelSelect { values } = &pressed.data.kind else {
                panic!("channels")
            };
            let text = format!("watching {}", values[0].mention());
            let first = CreateInteractionResponse::UpdateMessage(reply(&text));
            pressed.create_response(context, first).await?;
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

pub fn http(discord: &Discord) -> Http {
    HttpBuilder::new(discord.token()).proxy(discord.proxy()).ratelimiter_disabled(true).build()
}

/// A bot that runs until it is dropped.
pub struct Running {
    pub shards: Arc<ShardManager>,
    pub task: tokio::task::JoinHandle<serenity::Result<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub const INTENTS: GatewayIntents = GatewayIntents::GUILDS
    .union(GatewayIntents::GUILD_MESSAGES)
    .union(GatewayIntents::DIRECT_MESSAGES)
    .union(GatewayIntents::MESSAGE_CONTENT);

pub async fn start(discord: &Discord, intents: GatewayIntents) -> Running {
    let mut client =
        ClientBuilder::new_with_http(http(discord), intents).event_handler(Plain).await.expect("a client");
    let shards = Arc::clone(&client.shard_manager);
    let task = tokio::spawn(async move { client.start_autosharded().await });
    Running { shards, task }
}

pub async fn with_bot() -> (Discord, Running) {
    let discord = Discord::start().await;
    discord.server("Harbour").channel("help");
    let bot = start(&discord, INTENTS).await;
    discord.logged_in().await;
    (discord, bot)
}

pub async fn with_commands() -> (Discord, Running) {
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

pub fn status(error: &Error) -> Option<u16> {
    let Error::Http(HttpError::UnsuccessfulRequest(response)) = error else { return None };
    Some(response.status_code.as_u16())
}

pub fn code(error: &Error) -> Option<isize> {
    let Error::Http(HttpError::UnsuccessfulRequest(response)) = error else { return None };
    Some(response.error.code)
}
