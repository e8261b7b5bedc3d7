//! What moderators see.

use std::time::Duration;

use lantern::library::Library;

use crate::lantern::Lantern;
use crate::support::{Channel, Discord, Sent, Server, Way, intent, permission};

const CRY: &str = "i want to kill myself";

async fn harbour() -> (Discord, Lantern, Server, Channel) {
    let discord = Discord::start().await;
    let server = discord.server("Harbour");
    let help = server.channel("help");
    discord.switches_on(intent::MESSAGE_CONTENT);
    let lantern = Lantern::on(&discord).await;
    (discord, lantern, server, help)
}

async fn owner(discord: &Discord, server: &Server, channel: &Channel, line: &str) -> Sent {
    discord.answers(server.owner().command(channel, line)).await
}

fn guide() -> &'static str {
    Library::builtin_files().iter().find(|(path, _)| path.ends_with("ketamine/en.md")).expect("a guide").1
}

#[tokio::test(flavor = "multi_thread")]
async fn only_moderators_may_use_the_commands_whatever_discord_shows() {
    let (discord, lantern, server, help) = harbour().await;
    let ana = discord.person("ana");
    for line in [
        "/lantern setup",
        "/lantern status",
        "/lantern guides list",
        "/lantern audit",
        "/lantern export",
        "/lantern watch",
        "/lantern quiet",
        "/lantern country name:Canada",
        "/lantern alerts set",
        "/lantern alerts off",
        "/lantern phrases list",
        "/lantern phrases test words:hello",
        "/lantern moderators",
        "/lantern reload",
        "/lantern resources",
        "/lantern language name:de",
        "/lantern guides rollback guide:ketamine",
    ] {
        let said = discord.answers(ana.command(&help, line)).await;
        assert!(
            said.says("These commands are for moderators") && said.is_private(),
            "{line}: {}",
            said.content
        );
    }
    let setup = owner(&discord, &server, &help, "/lantern setup").await;
    for forged in ["g.watch", "g.alerts", "g.moderators", "y.deadbeef"] {
        let said = discord.answers(ana.taps_as(&setup, forged)).await;
        assert!(said.says("These commands are for moderators"), "{forged}: {}", said.content);
    }
    let settings = &lantern.communities.get(&format!("discord-{}", server.id)).settings;
    assert!(settings.watched.is_empty() && settings.country.is_none() && settings.alerts.is_none());
    let manager = server.role("manager", permission::MANAGE_GUILD);
    let bob = discord.person("bob").has_role(&server, manager);
    assert!(discord.answers(bob.command(&help, "/lantern status")).await.says("Lantern"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_can_be_let_in_and_shut_out_again() {
    let (discord, _lantern, server, help) = harbour().await;
    let role = server.role("night watch", 0);
    let bob = discord.person("bob").has_role(&server, role);
    owner(&discord, &server, &help, &format!("/lantern moderators role:{role}")).await;
    let status = discord.answers(bob.command(&help, "/lantern status")).await;
    assert!(status.says("may use these commands, too"), "{}", status.content);
    owner(&discord, &server, &help, "/lantern moderators").await;
    let refused = discord.answers(bob.command(&help, "/lantern status")).await;
    assert!(refused.says("These commands are for moderators"), "{}", refused.content);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guided_set_up_chooses_channels_role_country_and_language() {
    let (discord, lantern, server, help) = harbour().await;
    let (staff, role) = (server.channel("staff"), server.role("night watch", 0));
    let boss = server.owner();
    let setup = owner(&discord, &server, &help, "/lantern setup").await;
    assert!(setup.is_private() && setup.says("nobody reads along"), "{}", setup.content);
    discord.answers(boss.picks_in(&setup, "g.watch", &[help.id])).await;
    discord.answers(boss.picks_in(&setup, "g.alerts", &[staff.id])).await;
    discord.answers(boss.picks_in(&setup, "g.moderators", &[role])).await;
    let form = discord.answers(boss.taps(&setup, "Country and language")).await;
    assert_eq!(form.way, Way::Modal);
    let said = discord.answers(boss.submits(&form, &[("country", "Canada"), ("language", "de")])).await;
    assert!(said.says("Canada"), "{}", said.content);
    discord.hears(|sent| sent.way == Way::Pin && sent.channel == help.id).await;
    let settings = lantern.communities.get(&format!("discord-{}", server.id)).settings.clone();
    assert!(settings.watched.contains(&help.id.to_string()));
    assert_eq!(settings.alerts.expect("alerts").channel, staff.id.to_string());
    assert_eq!(settings.moderators, Some(role.to_string()));
    assert_eq!(settings.country.expect("a country").to_string(), "CA");
    assert_eq!(settings.language.expect("a language").as_str(), "de");
    // A second look shows what is chosen, and taking a channel out ends watching it.
    let setup = owner(&discord, &server, &help, "/lantern setup").await;
    assert!(setup.json.to_string().contains(&format!("{}\",\"type\":\"channel", help.id)));
    discord.answers(boss.picks_in(&setup, "g.watch", &[])).await;
    assert!(lantern.communities.get(&format!("discord-{}", server.id)).settings.watched.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_checked_as_file_as_text_and_in_a_form_with_line_and_caret() {
    let (discord, _lantern, server, help) = harbour().await;
    let boss = server.owner();
    let broken = guide().replacen("(#how-are-you)", "(#how-are-yuo)", 1);
    let file = boss.command_with_file(&help, "/lantern check", "file", "ketamine.md", broken.as_bytes());
    let said = discord.answers(file).await;
    assert!(said.says("how-are-yuo") && said.says("^") && said.says("how-are-you"), "{}", said.content);
    assert!(
        said.says(&format!(":{}", broken.lines().position(|l| l.contains("yuo")).expect("there") + 1)),
        "{}",
        said.content
    );
    let text = owner(&discord, &server, &help, "/lantern check text:nonsense").await;
    assert!(text.says("can't go into service"), "{}", text.content);
    let form = owner(&discord, &server, &help, "/lantern check").await;
    assert_eq!(form.way, Way::Modal);
    let said = discord.answers(boss.submits(&form, &[("text", "---\nid: x\n---\n# No {#a}")])).await;
    assert!(said.says("can't go into service"), "{}", said.content);
    let sound = boss.command_with_file(&help, "/lantern check", "file", "ketamine.md", guide().as_bytes());
    let said = discord.answers(sound).await;
    let said =
        if said.way == Way::Deferred { discord.hears(|sent| sent.says("is sound")).await } else { said };
    assert!(said.says("is sound"), "{}", said.content);
    let long = boss.command_with_file(&help, "/lantern check", "file", "long.md", &vec![b'x'; 3 << 20]);
    assert!(discord.answers(long).await.says("at most"));
    let binary = boss.command_with_file(&help, "/lantern check", "file", "odd.md", &[0xff, 0xfe, 0]);
    assert!(discord.answers(binary).await.says("UTF-8"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_own_guide_goes_into_service_after_a_yes_and_can_be_taken_back() {
    let (discord, lantern, server, help) = harbour().await;
    let (boss, ana) = (server.owner(), discord.person("ana"));
    let own = guide().replacen("Is ketamine worth a conversation?", "Harbour asks about ketamine", 1);
    let publish = |text: &str| {
        boss.command_with_file(&help, "/lantern guides publish", "file", "ketamine.md", text.as_bytes())
    };
    let broken = own.replacen("(#how-are-you)", "(#nowhere)", 1);
    let refused = discord.answers(publish(&broken)).await;
    assert!(refused.says("can't go into service") && refused.buttons().is_empty(), "{}", refused.content);
    publish(&own);
    let asked = discord.hears(|sent| sent.says("Shall it go into service")).await;
    let seen = discord.answers(ana.command(&help, "/guide name:ketamine")).await;
    assert!(!seen.says("Harbour asks"), "nothing before the yes");
    // Somebody else's yes is none.
    let manager = server.role("manager", permission::MANAGE_GUILD);
    let bob = discord.person("bob").has_role(&server, manager);
    let token = asked.json["components"][0]["components"][0]["custom_id"].as_str().expect("an id").to_owned();
    let status = discord.answers(bob.command(&help, "/lantern status")).await;
    let other = discord.answers(bob.taps_as(&status, &token)).await;
    assert!(other.says("somebody else's"), "{}", other.content);
    // The first answer may be no more than that it takes a moment.
    boss.taps(&asked, "Put into service");
    discord.hears(|sent| sent.says("is in service as")).await;
    let lea = discord.person("lea");
    let seen = discord.answers(lea.command(&help, "/guide name:ketamine")).await;
    assert!(seen.says("Harbour asks"), "{}", seen.content);
    let pier = discord.server("Pier").channel("quay");
    let there = discord.answers(discord.person("tim").command(&pier, "/guide name:ketamine")).await;
    assert!(!there.says("Harbour asks"), "another server keeps its own");
    discord.answers(boss.taps(&asked, "Put into service")).await;
    owner(&discord, &server, &help, "/lantern guides rollback guide:ketamine to:operator").await;
    let seen = discord.answers(discord.person("eli").command(&help, "/guide name:ketamine")).await;
    assert!(!seen.says("Harbour asks"), "{}", seen.content);
    let audit = owner(&discord, &server, &help, "/lantern audit").await;
    assert!(audit.says(&boss.id.to_string()) && audit.files[0].name == "audit.txt", "{}", audit.content);
    drop(lantern);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_servers_own_count_there_and_are_kept_out_of_the_record() {
    let (discord, _lantern, server, help) = harbour().await;
    let ana = discord.person("ana");
    let cry = format!("{} sailing past the lighthouse", discord.mention());
    owner(&discord, &server, &help, "/lantern phrases add kind:ideation words:sailing past the lighthouse")
        .await;
    let tested =
        owner(&discord, &server, &help, "/lantern phrases test words:i am sailing past the lighthouse").await;
    assert!(tested.says("ideation") && !tested.says("116 123"), "{}", tested.content);
    ana.says_in(&help, &cry);
    discord.hears(|sent| sent.way == Way::Message && sent.says("116 123")).await;
    let listed = owner(&discord, &server, &help, "/lantern phrases list").await;
    assert!(listed.says("sailing past the lighthouse"));
    owner(
        &discord,
        &server,
        &help,
        "/lantern phrases remove kind:ideation words:sailing past the lighthouse",
    )
    .await;
    let audit = owner(&discord, &server, &help, "/lantern audit").await;
    assert!(!audit.says("lighthouse") && !audit.files[0].text().contains("lighthouse"), "{}", audit.content);
    // A moderator tries out what a cry would be taken for, and is not taken for somebody in danger.
    let tested = owner(&discord, &server, &help, "/lantern phrases test words:i want to die").await;
    assert!(!tested.says("116 123"), "{}", tested.content);
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_one_card_a_person_without_their_words() {
    let (discord, _lantern, server, help) = harbour().await;
    let (staff, role) = (server.channel("staff"), server.role("night watch", 0));
    discord.lets_roles_be_pinged();
    owner(&discord, &server, &help, "/lantern watch").await;
    owner(&discord, &server, &staff, &format!("/lantern alerts set from:concern role:{role}")).await;
    let (ana, bob) = (discord.person("ana"), discord.person("bob"));
    let at = |way: Way| {
        let id = staff.id;
        move |sent: &Sent| sent.channel == id && sent.way == way
    };
    let said = ana.says_in(&help, "zanzibar, i cant do this anymore");
    let card = discord.hears(at(Way::Message)).await;
    assert!(card.says(&format!("/{}/{said}", help.id)) && card.says("about themselves"), "{}", card.content);
    assert!(!card.says(&format!("<@&{role}>")), "nobody is called for what is unclear");
    // By the time that Lantern answers something else it knows where its card stands; before that it changes none.
    owner(&discord, &server, &staff, "/lantern status").await;
    ana.says_in(&help, "zanzibar, i cant do this anymore");
    let again = discord.hears(at(Way::Edit)).await;
    assert!(again.message == card.message && again.says("in this hour: 2"), "{}", again.content);
    // Somebody else has a card of their own; what is imminent calls the role.
    bob.says_in(&help, "im going to kill myself tonight, zanzibar");
    let urgent = discord.hears(at(Way::Message)).await;
    assert!(urgent.content.starts_with(&format!("<@&{role}>")), "{}", urgent.content);
    let keeper = server.owner();
    let taken = discord.answers(keeper.taps(&card, "I'm on it")).await;
    assert!(
        taken.way == Way::Update && taken.says(&format!("<@{}> is on it", keeper.id)),
        "{}",
        taken.content
    );
    // What comes later keeps that line.
    ana.says_in(&help, "zanzibar, i cant do this anymore");
    let later = discord.hears(at(Way::Edit)).await;
    assert!(later.says("is on it") && later.says("in this hour: 3"), "{}", later.content);
    let done = discord.answers(keeper.taps(&card, "Done")).await;
    assert!(done.says("has looked after it") && done.buttons().is_empty(), "{}", done.content);
    // Whatever comes after that is news.
    ana.says_in(&help, "zanzibar, i cant do this anymore");
    let fresh = discord.hears(at(Way::Message)).await;
    assert_ne!(fresh.message, card.message);
    for sent in discord.sent() {
        assert!(!sent.json.to_string().contains("zanzibar"), "{}", sent.line());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_press_changes_no_message_but_a_card() {
    let (discord, _lantern, _server, help) = harbour().await;
    let (ana, eve) = (discord.person("ana"), discord.person("eve"));
    ana.says_in(&help, &format!("{} {CRY}", discord.mention()));
    let reply = discord.hears(|sent| sent.way == Way::Message && sent.channel == help.id).await;
    let answer = discord.answers(eve.taps_as(&reply, "a.done")).await;
    assert!(answer.way != Way::Update && answer.is_private(), "{}", answer.content);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_names_what_is_missing_in_which_channel() {
    let (discord, _lantern, server, help) = harbour().await;
    let staff = server.channel("staff");
    owner(&discord, &server, &help, "/lantern watch").await;
    owner(&discord, &server, &staff, "/lantern alerts set").await;
    let whole = owner(&discord, &server, &help, "/lantern status").await;
    assert!(!whole.says("I lack"), "{}", whole.content);
    let _closed = help.clone().forbids_the_bot(permission::SEND | permission::HISTORY);
    let _hidden = staff.clone().forbids_the_bot(permission::VIEW);
    let status = owner(&discord, &server, &help, "/lantern status").await;
    assert!(
        status.says(&format!("<#{}>", help.id)) && status.says("Send Messages, Read Message History"),
        "{}",
        status.content
    );
    assert!(status.says(&format!("I can't see <#{}>", staff.id)), "{}", status.content);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_chosen_can_be_carried_off_and_brought_back() {
    let (discord, lantern, server, help) = harbour().await;
    owner(&discord, &server, &help, "/lantern country name:Canada").await;
    owner(&discord, &server, &help, "/lantern quiet").await;
    let export = owner(&discord, &server, &help, "/lantern export").await;
    let document = export.files[0].clone();
    owner(&discord, &server, &help, "/lantern country").await;
    let boss = server.owner();
    discord.answers(boss.command_with_file(&help, "/lantern import", "file", "x.json", b"{}{")).await;
    let taken = discord
        .answers(boss.command_with_file(&help, "/lantern import", "file", "x.json", &document.bytes))
        .await;
    assert!(taken.says("Canada"), "{}", taken.content);
    let settings = &lantern.communities.get(&format!("discord-{}", server.id)).settings;
    assert_eq!(settings.country.expect("a country").to_string(), "CA");
    assert!(settings.quiet.contains(&help.id.to_string()));
    discord.stays_silent(Duration::from_millis(50), |sent| sent.way == Way::Deferred).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_country_and_language_are_what_members_get() {
    let (discord, _lantern, server, help) = harbour().await;
    owner(&discord, &server, &help, "/lantern country name:Canada").await;
    let ana = discord.person("ana");
    ana.says_in(&help, &format!("{} {CRY}", discord.mention()));
    let reply = discord.hears(|sent| sent.way == Way::Message && sent.channel == help.id).await;
    assert!(reply.says("988") || reply.says("9-8-8"), "{}", reply.content);
    let unknown = owner(&discord, &server, &help, "/lantern country name:Narnia").await;
    assert!(unknown.says("Narnia"), "{}", unknown.content);
    let resources = owner(&discord, &server, &help, "/lantern resources").await;
    assert!(resources.says("checked"), "{}", resources.content);
}
