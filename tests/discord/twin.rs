//! The same conversations on npm's `discord-digital-twin`, a fake that nobody here wrote: what ours agrees with by
//! mistake, it doesn't.

use serde_json::{Value, json};

use crate::lantern::{Lantern, Start};
use crate::support::Twin;

fn says(words: &'static str) -> impl Fn(&Value) -> bool {
    move |message| message["content"].as_str().is_some_and(|content| content.contains(words))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cry_a_guide_and_a_command_are_answered_there_as_well() {
    let twin = tokio::task::spawn_blocking(Twin::start).await.expect("started");
    let lantern = Lantern::starts_at(twin.proxy.clone(), twin.token.clone(), Start::default());
    lantern.is_ready().await;
    let me = twin.application;
    tokio::task::spawn_blocking(move || {
        let said = twin.says(&format!("<@{me}> i want to kill myself"));
        let reply = twin.hears(says("116 123"));
        assert_eq!(reply["message_reference"]["message_id"], said["id"], "{reply}");
        twin.command("guide", json!([]));
        let welcome = twin.hears(says("What would you like?"));
        twin.taps(&welcome, "Is ketamine worth a conversation?");
        let first = twin.hears(says("automated guide, not a clinician"));
        let labels = first["components"].to_string();
        assert!(labels.contains("Get help now"), "{labels}");
        twin.picks(&first, "Yes, let's start");
        twin.hears(says("how are you doing right now"));
        twin.command("crisis", json!([{"name": "country", "type": 3, "value": "CA"}]));
        twin.hears(says("9-8-8"));
        twin.command("privacy", json!([]));
        twin.hears(says("What I keep of you now"));
    })
    .await
    .expect("all was heard");
    lantern.stops().await.expect("in good order");
}
