//! `lantern translate`: a skeleton to begin with, and a record of what was translated.

use crate::library::{FALLBACK, Library};
use crate::script::compare::{self, Translated};
use crate::script::{Guide, Language};

/// The page to begin a translation with: the same steps, ids and links, the words still to be replaced.
pub fn skeleton(source: &Guide, language: &Language) -> String {
    let from = source.language().as_str();
    let mut page = format!("---\nid: {}\nlanguage: {language}\nreviewed: no\n---\n\n", source.id());
    for at in 0..source.steps().len() {
        page += step_skeleton(source, at, language).trim_end();
        page += "\n\n";
    }
    let notes = source.sources().iter().map(|note| note.range.start).min();
    if let Some(start) = notes {
        page += &source.text()[start..];
    }
    let page = page.trim_end().to_owned() + "\n";
    page.replace(&format!("/{from}.md"), &format!("/{language}.md"))
}

/// One step of the skeleton: the source's words, with the step's id behind its heading.
pub fn step_skeleton(source: &Guide, at: usize, language: &Language) -> String {
    let step = &source.steps()[at];
    let text = &source.text()[source.extent(at)];
    let (heading, rest) = text.split_once('\n').unwrap_or((text, ""));
    let named = format!("{{#{}}}", step.id);
    let heading =
        if heading.contains("{#") { heading.to_owned() } else { format!("{} {named}", heading.trim_end()) };
    format!("{heading}\n{rest}").replace(&format!("/{}.md", source.language()), &format!("/{language}.md"))
}

/// The record of a translation that says what its source says now, `<guide>/<language>.toml`. Steps that `done`
/// doesn't name keep what `before` says of them; an empty `done` means all.
pub fn record(source: &Guide, translation: &Guide, before: Option<&Translated>, done: &[String]) -> String {
    let mut record = before.cloned().unwrap_or_default();
    record.steps.retain(|id, _| translation.position(id.as_str()).is_some());
    for (at, step) in source.steps().iter().enumerate() {
        let named = done.is_empty() || done.iter().any(|id| id.trim_start_matches('#') == step.id.as_str());
        if named && translation.position(step.id.as_str()).is_some() {
            record.steps.insert(step.id.clone(), compare::step_revision(source, at));
        }
    }
    let mut text = format!(
        "# Which text of each step of {} this translation says. `lantern translate` writes this file.\n\n[steps]\n",
        source.path()
    );
    for (id, revision) in &record.steps {
        text.push_str(&format!("{} = \"{revision}\"\n", quoted(id.as_str())));
    }
    text
}

/// A key as TOML wants it: bare where it can be.
fn quoted(key: &str) -> String {
    let bare = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if bare && !key.is_empty() { key.to_owned() } else { format!("\"{key}\"") }
}

/// The page that a guide is translated from.
pub fn source<'l>(library: &'l Library, guide: &str) -> Option<&'l Guide> {
    library.guide(guide, None).filter(|guide| guide.language().as_str() == FALLBACK)
}
