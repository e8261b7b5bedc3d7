//! What was heard, written as a transcript.

use super::{Deed, Heard, Played, Transcript};

/// The longest line of choices, in characters.
const LINE: usize = 110;
/// How many words of a reply are written down.
const WORDS: usize = 8;

/// The lines of `Guide:` that expect what was heard: where it leads, its first words, and its choices.
pub fn recorded(heard: &Heard) -> String {
    let mut line = "Guide: ".to_owned();
    match heard.crisis {
        Some(Some(level)) => line.push_str(&format!(" (crisis {})", level.as_str())),
        Some(None) => line += " (crisis)",
        None => {}
    }
    if let Some(step) = &heard.step {
        line.push_str(&format!(" (at {step})"));
    }
    let words = beginning(&heard.text);
    if !words.is_empty() {
        line.push_str(&format!(" {words}"));
    }
    let mut lines = vec![line];
    let mut choices = String::new();
    for label in &heard.choices {
        if !choices.is_empty() && choices.chars().count() + label.chars().count() > LINE {
            lines.push(format!("        {}", choices.trim_end()));
            choices.clear();
        }
        choices.push_str(&format!("[{label}] "));
    }
    if !choices.is_empty() {
        lines.push(format!("        {}", choices.trim_end()));
    }
    lines.join("\n")
}

/// The first words of a text, such that they are found in it again.
fn beginning(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // What looks like a pin, a choice or a direction would be read as one.
    if line.starts_with(['(', '['])
        || line.starts_with("never ")
        || line.contains("...")
        || line.contains('…')
    {
        return String::new();
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let more = words.len() > WORDS || text.trim().len() > line.len();
    let words = words[..words.len().min(WORDS)].join(" ");
    if more { format!("{words} ...") } else { words }
}

/// The file's text with what was heard in place of every expectation that failed. `played` are its transcripts in
/// the order of the file.
pub fn accept(talks: &[Transcript], played: &[Played]) -> Option<String> {
    let mut text = talks.first()?.text.to_string();
    // From the end, so that the places before stay where they are.
    for (talk, played) in talks.iter().zip(played).rev() {
        for (act, heard) in talk.acts.iter().zip(&played.heard).rev() {
            let Some((heard, failed)) = heard else { continue };
            let spoken = matches!(act.what, Deed::Say(_) | Deed::Tap(_));
            if !spoken || (!failed && !act.hears.is_empty()) {
                continue;
            }
            let lines = recorded(heard);
            if act.heard_range.is_empty() {
                text.insert_str(act.range.end, &format!("\n{lines}"));
            } else {
                text.replace_range(act.heard_range.clone(), &lines);
            }
        }
    }
    Some(text)
}
