//! A community's own words: what counts here, and what only looks like a cry for help.

use super::guides::{plainly, refused};
use super::text::{code, count};
use super::{Desk, Moderator, Said};
use crate::diagnostic::nearest;
use crate::safety::{Concern, Level, Who};
use crate::shell::community::{CommunityError, Kind};

impl Desk {
    /// Lists the words that a community has added.
    pub fn phrases_list(&self, by: &Moderator<'_>) -> Said {
        let words = self.communities.words(by.community);
        if words.is_empty() {
            return Said::yes(format!(
                "You have added no words of your own; the phrase lists serve. {} adds some.",
                code(&format!("{}phrases add", self.manners.command))
            ));
        }
        let mut lines = vec!["**Your own words**".to_owned()];
        for kind in Kind::ALL {
            if words.list(kind).is_empty() {
                continue;
            }
            lines.push(format!("{}:", meaning(kind)));
            lines.extend(words.list(kind).iter().map(|entry| format!("- {}", code(entry))));
        }
        Said::yes(lines.join("\n"))
    }

    /// Adds words to a list: `concern`, `ideation`, `imminent`, or `harmless`.
    pub fn phrases_add(&self, by: &Moderator<'_>, kind: &str, words: &str) -> Said {
        let Some(kind) = Kind::parse(kind) else { return no_kind(kind) };
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            return Said::no("Please write the words as people write them here.");
        }
        if self.communities.words(by.community).list(kind).contains(&words) {
            return Said::no("These words are in that list already.");
        }
        // The record says which list, and no words: they may be somebody's.
        let what = format!("added words to the list {}", kind.as_str());
        let added = self.communities.change_words(by.community, by.name, by.now, &what, |lists| {
            lists.list_mut(kind).push(words.clone());
        });
        match added {
            Ok(_) => Said::yes(match kind {
                Kind::Harmless => "Added. Where these words stand in a message, they alone no longer call for the crisis reply; whatever is said beside them does, and nothing imminent is ever covered.".to_owned(),
                _ => {
                    let often = if words.contains(' ') {
                        ""
                    } else {
                        " A word alone is often said in passing: please try some sentences that people write here."
                    };
                    format!("Added. A message with these words counts as *{}* here from now on.{often}", kind.as_str())
                }
            }),
            Err(error) => refused("These words were not added.", error),
        }
    }

    /// Takes words out of a list.
    pub fn phrases_remove(&self, by: &Moderator<'_>, kind: &str, words: &str) -> Said {
        let Some(kind) = Kind::parse(kind) else { return no_kind(kind) };
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let lists = self.communities.words(by.community);
        let list = lists.list(kind);
        let Some(entry) = list.iter().find(|entry| entry.to_lowercase() == words.to_lowercase()) else {
            let near = nearest(&words, list.iter().map(String::as_str));
            let hint = near.map_or_else(
                || format!("it has {}", count(list.len(), "entry").replace("entrys", "entries")),
                |near| format!("did you mean {}?", code(near)),
            );
            return Said::no(format!("These words are not in your list *{}*; {hint}", kind.as_str()));
        };
        let entry = entry.clone();
        let what = format!("took words out of the list {}", kind.as_str());
        let taken = self.communities.change_words(by.community, by.name, by.now, &what, |lists| {
            lists.list_mut(kind).retain(|other| *other != entry);
        });
        match taken {
            Ok(_) => Said::yes("Taken out. The phrase lists that everybody has are as they were."),
            Err(error @ CommunityError::Errors(_)) => refused("They were not taken out.", error),
            Err(error) => Said::no(plainly(&error)),
        }
    }

    /// Tells how a sentence that the moderator makes up is heard: by the phrase lists alone, and here. It is not kept.
    pub fn phrases_test(&self, by: &Moderator<'_>, sentence: &str) -> Said {
        let community = self.communities.get(by.community);
        let operators = self.service.library();
        let (alone, here) = (operators.screen(sentence), community.library().screen(sentence));
        let mut text = format!("Without your own words: {}\nWith them: {}\n", heard(&alone), heard(&here));
        text += match here.level {
            Level::None => "Nothing happens where it is said.",
            Level::Mention => "In a conversation, a gentle line with a number stands below the answer.",
            _ => "Whoever says it in a conversation or a watched channel gets the crisis reply at once.",
        };
        text += "\nYour sentence was not kept.";
        Said::yes(text)
    }
}

fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::Concern => "They count as a *concern*",
        Kind::Ideation => "They count as *ideation*",
        Kind::Imminent => "They count as *imminent*",
        Kind::Harmless => "They are *harmless* here",
    }
}

fn heard(concern: &Concern) -> String {
    let whom = match concern.who {
        Some(Who::Oneself) if concern.level > Level::Mention => ", about whoever says it",
        Some(Who::Other) if concern.level > Level::Mention => ", about somebody else",
        _ => "",
    };
    let rule = concern.rule.as_ref().map_or(String::new(), |rule| format!(", by `{rule}`"));
    format!("*{}*{whom}{rule}", concern.level.as_str())
}

fn no_kind(typed: &str) -> Said {
    let names = Kind::ALL.map(Kind::as_str);
    let hint = nearest(&typed.to_lowercase(), names).map_or_else(
        || format!("there are {}", names.map(code).join(", ")),
        |near| format!("did you mean {}?", code(near)),
    );
    Said::no(format!("There is no list {}; {hint}", code(typed)))
}
