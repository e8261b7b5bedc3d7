//! What moderators do: `/lantern …`, the guided set-up, and confirming what was proposed.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use serenity::http::{LightMethod, Route};
use serenity::model::id::GuildId;

use super::bot::{Bot, Scene, community_id};
use super::outbox::{File, Letter, To, What};
use super::render::{self, Press};
use super::wire::{self, Choice, Id, Interaction};
use super::{commands, permissions};
use crate::safety::Level;
use crate::script::Language;
use crate::shell::admin::{Moderator, Said};
use crate::shell::clock;
use crate::shell::telemetry::Sort;

/// The longest script that is taken, in bytes: the longest that can be in service.
const LONGEST_SCRIPT: usize = crate::shell::community::LONGEST_GUIDE;
/// The longest export that is taken back, in bytes.
const LONGEST_EXPORT: usize = 4 << 20;
/// What marks a confirmation by which nobody goes on with the text before.
const WITHDRAWING: &str = "w-";

/// The ids of the parts of the set-up.
const PICK_WATCHED: &str = "g.watch";
const PICK_ALERTS: &str = "g.alerts";
const PICK_MODERATORS: &str = "g.moderators";
const ASK_WHERE: &str = "g.where";
/// The form for country and language, and the one for a script.
const FORM_WHERE: &str = "g.form";
const FORM_CHECK: &str = "k";

/// How many can be picked in a menu.
const MOST_PICKED: usize = 25;

const NOT_YOURS: &str = "These commands are for moderators: people with the permission Manage Server, and the role that they have chosen.";

/// The form that an interaction asks for, which has to open at once.
pub fn form(interaction: &Interaction) -> Option<Value> {
    let field = |id: &str, label: &str, hint: &str, style: u8, most: usize| {
        json!({"type": 18, "label": label, "component": {
            "type": 4, "custom_id": id, "style": style, "required": false, "max_length": most, "placeholder": hint,
        }})
    };
    match (interaction.kind, interaction.name()) {
        (wire::COMPONENT, ASK_WHERE) => Some(json!({
            "custom_id": FORM_WHERE,
            "title": "Country and language",
            "components": [
                field("country", "Country whose numbers are shown", "such as Canada; empty for none", 1, 60),
                field("language", "Language", "such as en or de; empty for English", 1, 10),
            ],
        })),
        (wire::COMMAND, commands::MODERATORS) => {
            let (path, options) = path(interaction);
            (path == "check" && options.is_empty()).then(|| {
                json!({
                    "custom_id": FORM_CHECK,
                    "title": "Check a script",
                    "components": [field("text", "The page, as it would stand in its file", "---", 2, 4000)],
                })
            })
        }
        _ => None,
    }
}

/// Whether something belongs to moderators: its words are about scripts, and nobody's own.
pub fn is_theirs(interaction: &Interaction) -> bool {
    match interaction.kind {
        wire::COMMAND => interaction.name() == commands::MODERATORS,
        wire::MODAL => matches!(interaction.name(), FORM_WHERE | FORM_CHECK),
        wire::COMPONENT => interaction.name().starts_with("g."),
        _ => false,
    }
}

/// The names of the subcommands, such as `guides publish`, and the options below them.
fn path(interaction: &Interaction) -> (String, &[Choice]) {
    let mut options = interaction.data.as_ref().map_or(&[][..], |data| &data.options[..]);
    let mut names = Vec::new();
    while let [one] = options
        && one.value.is_none()
    {
        names.push(one.name.as_str());
        options = &one.options;
    }
    (names.join(" "), options)
}

impl Bot {
    /// Answers something that is for moderators, after a look at who asks.
    pub fn moderate(&self, scene: &Scene, interaction: &Interaction) {
        let Some((id, who)) = self.moderator(scene, interaction) else {
            return self.tell(scene, NOT_YOURS, None, Vec::new(), Sort::moderator);
        };
        let by = Moderator { community: &id, name: &who, now: clock::now() };
        match interaction.kind {
            wire::COMMAND => self.moderators_command(scene, interaction, &by),
            wire::COMPONENT => self.picked(scene, interaction, &by),
            _ => self.filled_in(scene, interaction, &by),
        }
    }

    /// Whether somebody may change what this server has chosen.
    pub fn is_moderator(&self, scene: &Scene, interaction: &Interaction) -> bool {
        self.moderator(scene, interaction).is_some()
    }

    /// The community and the name of whoever may change it.
    fn moderator(&self, scene: &Scene, interaction: &Interaction) -> Option<(String, String)> {
        let server = scene.server?;
        let role = scene.community.settings.moderators.as_deref();
        let member = interaction.member.as_ref().filter(|member| member.is_moderator(role))?;
        Some((community_id(server), member.user.id.to_string()))
    }

    fn moderators_command(&self, scene: &Scene, interaction: &Interaction, by: &Moderator<'_>) {
        let (path, options) = path(interaction);
        let find = |name: &str| options.iter().find(|option| option.name == name);
        let text = |name: &str| find(name).and_then(Choice::text);
        let on = || find("on").and_then(|option| option.value.as_ref()?.as_bool()).unwrap_or(true);
        let channel = || text("channel").and_then(Id::parse).unwrap_or(scene.channel);
        let desk = &self.desk;
        let said = match path.as_str() {
            "setup" => return self.set_up(scene, by),
            "status" => return self.status(scene, by),
            "guides list" => desk.guides(by),
            "guides preview" => {
                let language = text("language").map(Language::new);
                desk.preview(by, text("guide").unwrap_or(""), language.as_ref(), text("step"))
            }
            "guides publish" => return self.propose(scene, interaction, options, by),
            "guides rollback" => {
                let language = Language::new(text("language").unwrap_or(crate::library::FALLBACK));
                let withdraw =
                    find("withdraw").and_then(|option| option.value.as_ref()?.as_bool()).unwrap_or(false);
                desk.roll_back(by, text("guide").unwrap_or(""), &language, text("to"), withdraw)
            }
            "check" => match self.script(interaction, options, LONGEST_SCRIPT) {
                Ok(script) => desk.check(by, &script),
                Err(why) => return self.tell(scene, &why, None, Vec::new(), Sort::moderator),
            },
            "reload" => desk.reload(by),
            "resources" => desk.resources(by, text("country")),
            "country" => desk.set_country(by, text("name")),
            "language" => desk.set_language(by, text("name")),
            "watch" => self.set_watched(scene, by, channel(), on()),
            "quiet" => desk.quiet(by, &channel().to_string(), on()),
            "moderators" => desk.set_moderators(by, text("role")),
            "alerts set" => {
                let from = match text("from") {
                    Some("concern") => Level::Concern,
                    Some("imminent") => Level::Imminent,
                    _ => Level::Ideation,
                };
                self.set_alerts(scene, by, channel(), text("role"), from)
            }
            "alerts off" => desk.clear_alerts(by),
            "phrases list" => desk.phrases_list(by),
            "phrases add" => desk.phrases_add(by, text("kind").unwrap_or(""), text("words").unwrap_or("")),
            "phrases remove" => {
                desk.phrases_remove(by, text("kind").unwrap_or(""), text("words").unwrap_or(""))
            }
            "phrases test" => desk.phrases_test(by, text("words").unwrap_or("")),
            "audit" => desk.audit(by),
            "export" => desk.export(by),
            "bring-back" => desk.bring_back(by),
            "import" => match self.script(interaction, options, LONGEST_EXPORT) {
                Ok(document) => {
                    let channels = self.channels(scene);
                    desk.import(by, &document, &|id| channels.iter().any(|channel| channel == id))
                }
                Err(why) => return self.tell(scene, &why, None, Vec::new(), Sort::moderator),
            },
            _ => desk.welcome(by),
        };
        self.answer_moderator(scene, said, Vec::new());
    }

    /// The channels of this server.
    fn channels(&self, scene: &Scene) -> Vec<String> {
        let Some(server) = scene.server else { return Vec::new() };
        let guild_id = GuildId::new(server.0.max(1));
        let asking = self.outbox.request(Route::GuildChannels { guild_id }, LightMethod::Get, None);
        let channels = self.outbox.runtime().block_on(asking).unwrap_or(Value::Null);
        let ids = channels.as_array().into_iter().flatten().filter_map(|channel| channel["id"].as_str());
        ids.map(str::to_owned).collect()
    }

    fn answer_moderator(&self, scene: &Scene, said: Said, rows: Vec<Value>) {
        let file = said.file.map(|file| File { name: file.name, text: file.text });
        self.tell(scene, &said.text, file, rows, Sort::moderator);
    }

    /// The script that came with a command, as a file or as text.
    fn script(&self, interaction: &Interaction, options: &[Choice], most: usize) -> Result<String, String> {
        if let Some(text) = options.iter().find(|option| option.name == "text").and_then(Choice::text) {
            return Ok(text.to_owned());
        }
        let data = interaction.data.as_ref();
        let file =
            options.iter().find(|option| option.name == "file").and_then(Choice::text).and_then(Id::parse);
        let upload = file.and_then(|id| data?.resolved.attachments.get(&id));
        let Some(upload) = upload else {
            return Err("Please add the script: as a file, or as text.".to_owned());
        };
        if upload.size > most as u64 {
            return Err(format!("That file has {} bytes; at most {most} are taken.", upload.size));
        }
        let bytes = self.outbox.runtime().block_on(self.outbox.download(&upload.url, most));
        let bytes =
            bytes.map_err(|_| "I couldn't fetch that file from Discord. Please try again.".to_owned())?;
        String::from_utf8(bytes)
            .map_err(|_| "That file is not UTF-8 text; please save it as UTF-8 in your editor.".to_owned())
    }

    fn propose(&self, scene: &Scene, interaction: &Interaction, options: &[Choice], by: &Moderator<'_>) {
        let script = match self.script(interaction, options, LONGEST_SCRIPT) {
            Ok(script) => script,
            Err(why) => return self.tell(scene, &why, None, Vec::new(), Sort::moderator),
        };
        let proposal = self.desk.propose(by, &script);
        let rows = proposal.token.map_or_else(Vec::new, |token| {
            let quietly = Press::Confirm(token.clone()).id(0, 0);
            let withdrawing = Press::Confirm(format!("{WITHDRAWING}{token}")).id(0, 0);
            vec![render::row(vec![
                render::button(3, "Put into service", &quietly),
                render::button(4, "… and move everybody off the text before", &withdrawing),
            ])]
        });
        self.answer_moderator(scene, proposal.said, rows);
    }

    /// A moderator confirms what was proposed to them.
    pub fn confirm(&self, scene: &Scene, interaction: &Interaction, token: &str) {
        let Some((id, who)) = self.moderator(scene, interaction) else {
            return self.tell(scene, NOT_YOURS, None, Vec::new(), Sort::moderator);
        };
        let by = Moderator { community: &id, name: &who, now: clock::now() };
        let (token, withdraw) = token.strip_prefix(WITHDRAWING).map_or((token, false), |token| (token, true));
        self.answer_moderator(scene, self.desk.publish(&by, token, withdraw), Vec::new());
    }

    /// Begins or ends watching a channel; says so where people can read it, and whether the bot may do what it must.
    fn set_watched(&self, scene: &Scene, by: &Moderator<'_>, channel: Id, on: bool) -> Said {
        let mut said = self.desk.watch(by, &channel.to_string(), on);
        if !said.done || !on {
            return said;
        }
        let (outbox, watched, to) = (self.outbox.clone(), scene.watched.clone(), To::Channel(channel));
        let notice = render::message(&self.desk.notice(by), false, Vec::new());
        let place = to.clone();
        let pin = move |outcome: Result<Option<Id>, _>| {
            if let Ok(Some(message)) = outcome {
                let letter = Letter { what: What::Pin(message), sort: Sort::moderator, watched, then: None };
                outbox.send(&place, letter);
            }
        };
        let letter = Letter {
            what: What::Message(notice, None),
            sort: Sort::moderator,
            watched: scene.watched.clone(),
            then: Some(Box::new(pin)),
        };
        self.outbox.send(&to, letter);
        said.text.push_str(&self.lacks(scene, channel, permissions::WATCHING));
        if !self.reads_content.load(Ordering::Acquire) {
            said.text.push_str("\n\n**I can't read messages there yet:** the operator has to switch on Message Content Intent for this application (https://discord.com/developers/applications, Bot, Privileged Gateway Intents) and start me again.");
        }
        said
    }

    fn set_alerts(
        &self,
        scene: &Scene,
        by: &Moderator<'_>,
        channel: Id,
        role: Option<&str>,
        from: Level,
    ) -> Said {
        let mut said = self.desk.set_alerts(by, &channel.to_string(), role, from);
        if said.done {
            said.text.push_str(&self.lacks(scene, channel, permissions::TELLING));
        }
        said
    }

    /// What the bot may not do in a channel and would have to: a sentence, or nothing.
    fn lacks(&self, scene: &Scene, channel: Id, needed: u64) -> String {
        let Some(server) = scene.server else { return String::new() };
        let asking = permissions::of(&self.outbox, server, channel, self.me);
        let names = match self.outbox.runtime().block_on(asking) {
            Some(have) => permissions::names(needed & !have),
            None => {
                return format!(
                    "\n\nI can't see <#{channel}>: please give me the permission View Channel there."
                );
            }
        };
        if names.is_empty() {
            return String::new();
        }
        format!(
            "\n\n**In <#{channel}> I lack: {}.** Please allow them in the channel's settings.",
            names.join(", ")
        )
    }

    fn status(&self, scene: &Scene, by: &Moderator<'_>) {
        let mut said = self.desk.status(by);
        let settings = &scene.community.settings;
        let watched =
            settings.watched.iter().filter_map(|id| Id::parse(id)).map(|id| (id, permissions::WATCHING));
        let alerts = settings.alerts.iter().filter_map(|alerts| Id::parse(&alerts.channel));
        let mut room = render::LONGEST - said.text.encode_utf16().count().min(render::LONGEST);
        // Ten are enough to see what is wrong, and each is three questions to Discord.
        for (channel, needed) in watched.chain(alerts.map(|id| (id, permissions::TELLING))).take(10) {
            let lacks = self.lacks(scene, channel, needed);
            room = room.saturating_sub(lacks.len());
            if room > 0 {
                said.text.push_str(&lacks);
            }
        }
        if !self.reads_content.load(Ordering::Acquire) && !settings.watched.is_empty() {
            said.text.push_str(
                "\n\n**Watching does nothing yet:** Message Content Intent is off for this application.",
            );
        }
        self.answer_moderator(scene, said, Vec::new());
    }

    /// The guided first run.
    fn set_up(&self, scene: &Scene, by: &Moderator<'_>) {
        let settings = &scene.community.settings;
        let channels = |ids: &mut dyn Iterator<Item = &String>| -> Vec<Value> {
            ids.take(MOST_PICKED).map(|id| json!({"id": id, "type": "channel"})).collect()
        };
        let pick = |kind: u8, id: &str, hint: &str, most: usize, chosen: Vec<Value>| {
            let mut menu = json!({"type": kind, "custom_id": id, "placeholder": hint, "min_values": 0, "max_values": most});
            if kind == 8 {
                menu["channel_types"] = json!([0, 5]);
            }
            if !chosen.is_empty() {
                menu["default_values"] = chosen.into();
            }
            render::row(vec![menu])
        };
        let alerts = settings.alerts.iter().map(|alerts| &alerts.channel);
        let roles = settings.moderators.iter().map(|role| json!({"id": role, "type": "role"})).collect();
        let rows = vec![
            pick(
                8,
                PICK_WATCHED,
                "Channels to watch: none until you choose",
                MOST_PICKED,
                channels(&mut settings.watched.iter()),
            ),
            pick(
                8,
                PICK_ALERTS,
                "Channel for alerts: none until you choose",
                1,
                channels(&mut alerts.into_iter()),
            ),
            pick(6, PICK_MODERATORS, "Role that may change this, beside Manage Server", 1, roles),
            render::row(vec![render::button(2, "Country and language", ASK_WHERE)]),
        ];
        self.answer_moderator(scene, self.desk.welcome(by), rows);
    }

    /// Something was picked in the set-up.
    fn picked(&self, scene: &Scene, interaction: &Interaction, by: &Moderator<'_>) {
        let values = interaction.data.as_ref().map_or(&[][..], |data| &data.values[..]);
        let settings = &scene.community.settings;
        let said = match interaction.name() {
            PICK_WATCHED => {
                // A menu shows twenty-five: what it could not show was not taken out.
                let gone = settings.watched.iter().take(MOST_PICKED).filter(|id| !values.contains(id));
                let mut all: Vec<Said> = gone.map(|id| self.desk.watch(by, id, false)).collect();
                let new =
                    values.iter().filter(|id| !settings.watched.contains(*id)).filter_map(|id| Id::parse(id));
                all.extend(new.map(|id| self.set_watched(scene, by, id, true)));
                let text = all.into_iter().map(|said| said.text).collect::<Vec<_>>().join("\n\n");
                let text = if text.is_empty() { "Nothing was changed.".to_owned() } else { text };
                return self.tell(scene, &text, None, Vec::new(), Sort::moderator);
            }
            PICK_ALERTS => match values.first().and_then(|id| Id::parse(id)) {
                Some(channel) => {
                    let (role, from) = settings
                        .alerts
                        .as_ref()
                        .map_or((None, Level::Ideation), |now| (now.role.as_deref(), now.from));
                    self.set_alerts(scene, by, channel, role, from)
                }
                None => self.desk.clear_alerts(by),
            },
            PICK_MODERATORS => self.desk.set_moderators(by, values.first().map(String::as_str)),
            _ => self.desk.welcome(by),
        };
        self.answer_moderator(scene, said, Vec::new());
    }

    /// A form of moderators was sent.
    fn filled_in(&self, scene: &Scene, interaction: &Interaction, by: &Moderator<'_>) {
        let texts = interaction.texts();
        if interaction.name() == FORM_CHECK {
            let script = texts.first().copied().unwrap_or("");
            return self.answer_moderator(scene, self.desk.check(by, script), Vec::new());
        }
        let field = |at: usize| texts.get(at).copied().map(str::trim).filter(|text| !text.is_empty());
        let (country, language) = (self.desk.set_country(by, field(0)), self.desk.set_language(by, field(1)));
        self.tell(
            scene,
            &format!("{}\n\n{}", country.text, language.text),
            None,
            Vec::new(),
            Sort::moderator,
        );
    }
}
