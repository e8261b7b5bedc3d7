//! A community's own words, `phrases/local.toml`, as lists that a command can change.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::safety::Level;

/// A list of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They count as a concern.
    Concern,
    /// They count as thoughts of suicide or of hurting oneself.
    Ideation,
    /// They count as an act that is near.
    Imminent,
    /// They only look like a cry for help.
    Harmless,
}

impl Kind {
    /// All of them, the gentlest first.
    pub const ALL: [Kind; 4] = [Kind::Concern, Kind::Ideation, Kind::Imminent, Kind::Harmless];

    /// Its name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Concern => Level::Concern.as_str(),
            Kind::Ideation => Level::Ideation.as_str(),
            Kind::Imminent => Level::Imminent.as_str(),
            Kind::Harmless => "harmless",
        }
    }

    /// The list of that name.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name.trim()))
    }
}

/// All lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Words {
    concern: Vec<String>,
    ideation: Vec<String>,
    imminent: Vec<String>,
    harmless: Vec<String>,
}

impl Words {
    /// Reads the lists of a file; nothing where it isn't one.
    pub fn read(text: &str) -> Option<Words> {
        toml::from_str(text).ok()
    }

    /// The text of the file.
    pub fn write(&self) -> String {
        let mut text = String::from(
            "# Words of this community's own. The first three lists can only raise an answer; harmless words leave a mention.\n",
        );
        for kind in Kind::ALL {
            let list: Vec<String> = self.list(kind).iter().map(|words| quoted(words)).collect();
            // Writing to memory can't fail.
            let _ = writeln!(text, "{} = [{}]", kind.as_str(), list.join(", "));
        }
        text
    }

    /// One list.
    pub fn list(&self, kind: Kind) -> &[String] {
        match kind {
            Kind::Concern => &self.concern,
            Kind::Ideation => &self.ideation,
            Kind::Imminent => &self.imminent,
            Kind::Harmless => &self.harmless,
        }
    }

    /// One list, to be changed.
    pub fn list_mut(&mut self, kind: Kind) -> &mut Vec<String> {
        match kind {
            Kind::Concern => &mut self.concern,
            Kind::Ideation => &mut self.ideation,
            Kind::Imminent => &mut self.imminent,
            Kind::Harmless => &mut self.harmless,
        }
    }

    /// Whether all lists are empty.
    pub fn is_empty(&self) -> bool {
        Kind::ALL.into_iter().all(|kind| self.list(kind).is_empty())
    }
}

/// A basic string of TOML. Source: toml.io, TOML v1.0.0, "String".
fn quoted(words: &str) -> String {
    let mut text = String::from("\"");
    for c in words.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => text.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => text.push(c),
        }
    }
    text + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_from_the_file_as_they_went_in() {
        let mut words = Words::default();
        words.list_mut(Kind::Ideation).push("say \"goodbye\" \\ twice\n".to_owned());
        words.list_mut(Kind::Harmless).push("a km of kms".to_owned());
        assert_eq!(Words::read(&words.write()), Some(words));
        assert_eq!(Words::read("harmles = []"), None);
    }
}
