//! What is said when Lantern comes to a place: the first-run explanation for moderators, and the notice that is pinned
//! where a channel is watched.

use super::text::code;
use super::{Desk, Moderator, Said};
use crate::safety::reply;

impl Desk {
    /// Explains to moderators what Lantern is and what there is to choose, with what is chosen already.
    pub fn welcome(&self, by: &Moderator<'_>) -> Said {
        let settings = &self.communities.get(by.community).settings;
        let command = |words: &str| code(&format!("{}{words}", self.manners.command));
        Said::yes(format!(
            "**Lantern walks people through scripted questions about depression that treatment has not helped, and puts crisis help in front of whoever needs it.** It is a machine: it diagnoses nothing, and nobody reads along.

What works at once: {begin} for members, and the crisis reply to whoever speaks to it. It keeps a person's place in a guide, under a hash, until it expires; never what anybody writes.

What you can choose:
1. {country}: whose numbers are shown until a person names their country
2. {language}: the language until a person chooses another
3. {watch}: channels in which it also answers people who don't speak to it, when they seem to be in danger. Only what you name is watched, and a notice is pinned there. It will miss things: it doesn't replace looking after each other.
4. {alerts}: a channel where moderators are told that somebody seems to be in danger; never what was said
5. {moderators}: who may use these commands, beside you

Chosen now:
{chosen}{before}",
            begin = code(self.manners.begin),
            country = command("country"),
            language = command("language"),
            watch = command("watch"),
            alerts = command("alerts"),
            moderators = command("moderators"),
            chosen = self.choices(settings).join("\n"),
            before = if self.communities.is_set_aside(by.community) {
                format!("\n\nLantern was here before: {} brings back what was chosen then.", command("bring-back"))
            } else {
                String::new()
            },
        ))
    }

    /// The notice that stands where a channel is watched, with the number of the community's country.
    pub fn notice(&self, by: &Moderator<'_>) -> String {
        let community = self.communities.get(by.community);
        let library = community.library();
        let country = community.settings.country.or(self.service.settings().country);
        let wording = library.wording(None);
        let contacts = library.resources.contacts(country);
        let line = reply::main_line(&library.resources, country, wording)
            .unwrap_or_else(|| format!("<{}>", contacts.directory));
        let emergency = contacts.emergency.map_or_else(
            || {
                format!(
                    "your emergency number ({} works in many countries)",
                    library.resources.international().emergency()
                )
            },
            |number| format!("the emergency number, {number}"),
        );
        format!(
            "**This channel is watched by Lantern, an automated guide.**

It is a machine. It looks at new messages here for words that somebody in danger might write, and answers them with people to talk to. It keeps nothing of what you write, and sends it to nobody.{alerts} It can be wrong, and it misses things: please don't count on being seen here.

- Don't want it to answer you here? {opt_out} switches that off for you.
- Want to talk to it? {begin}, or write to it directly.
- If you need somebody now: {line}. If you might act on thoughts of suicide, or have hurt yourself, call {emergency}.",
            alerts = if community.settings.alerts.is_some() {
                " The moderators may be shown where somebody seems to be in danger, with a link; whether one of them looks in time is not certain."
            } else {
                ""
            },
            opt_out = code(self.manners.opt_out),
            begin = code(self.manners.begin),
        )
    }
}
