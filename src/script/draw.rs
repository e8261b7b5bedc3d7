//! A guide as a picture: Mermaid for a page, DOT for Graphviz.

use super::{Guide, Target};

/// The guide as a Mermaid flowchart. Ends are rounded; the crisis page and other guides stand apart.
pub fn mermaid(guide: &Guide) -> String {
    let mut out = String::from("flowchart TD\n");
    for (at, step) in guide.steps().iter().enumerate() {
        let title = step.title.replace('"', "&quot;");
        let (open, close) = if step.is_end() { ("([\"", "\"])") } else { ("[\"", "\"]") };
        out.push_str(&format!("  s{at}{open}{title}{close}\n"));
    }
    for (at, step) in guide.steps().iter().enumerate() {
        for choice in &step.choices {
            let label = choice.label.replace('"', "&quot;").replace('|', "&#124;");
            out.push_str(&format!(
                "  s{at} -->|\"{label}\"| {}\n",
                name(&choice.target, |to| match to {
                    Outside::Crisis => "crisis{{\"Crisis page\"}}".to_owned(),
                    Outside::Guide(id) => format!("g_{}[/\"{id}\"/]", id.replace('-', "_")),
                })
            ));
        }
    }
    out
}

/// The guide as a DOT digraph.
pub fn dot(guide: &Guide) -> String {
    let quote = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut out = format!("digraph {} {{\n  node [shape=box];\n", quote(guide.id().as_str()));
    for (at, step) in guide.steps().iter().enumerate() {
        let shape = if step.is_end() { ", shape=oval" } else { "" };
        out.push_str(&format!("  s{at} [label={}{shape}];\n", quote(&step.title)));
    }
    for (at, step) in guide.steps().iter().enumerate() {
        for choice in &step.choices {
            let to = name(&choice.target, |to| match to {
                Outside::Crisis => quote("crisis page"),
                Outside::Guide(id) => quote(&format!("guide {id}")),
            });
            out.push_str(&format!("  s{at} -> {to} [label={}];\n", quote(&choice.label)));
        }
    }
    out + "}\n"
}

enum Outside<'a> {
    Crisis,
    Guide(&'a str),
}

fn name(target: &Target, outside: impl Fn(Outside<'_>) -> String) -> String {
    match target {
        Target::Step(to) => format!("s{to}"),
        Target::Guide(id, _) => outside(Outside::Guide(id.as_str())),
        Target::Crisis(_) => outside(Outside::Crisis),
    }
}
