//! Structure across files: links that lead nowhere, steps that nobody can reach, steps without a way out.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::library::Library;
use crate::safety::reply;
use crate::script::{Block, COMMANDED, CRISIS, Guide, Run, StepId, Target, graph};

/// A link leads to a guide or a step that isn't there.
const UNKNOWN_TARGET: &str = "S006";
/// A step that no choice leads to.
const UNREACHABLE: &str = "S008";
/// A step from which no end can be reached.
const NO_WAY_OUT: &str = "S009";
/// A footnote that is never mentioned.
const FOOTNOTE: &str = "S014";
/// `(resources)` outside the crisis page.
const MARKER: &str = "S015";
/// A crisis page that lacks a step which the program opens.
const CRISIS_STEP: &str = "S017";

/// Everything about structure that only the whole library shows.
pub fn check(library: &Library) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    // Steps that other guides lead to are ways in.
    let mut entered: HashMap<(&str, &str), HashSet<&StepId>> = HashMap::new();
    for guide in library.all_guides() {
        let source = Source::new(guide.path(), guide.text());
        for choice in guide.steps().iter().flat_map(|step| &step.choices) {
            let (id, step) = match &choice.target {
                Target::Step(_) => continue,
                Target::Guide(id, step) => (id.as_str(), step),
                Target::Crisis(step) => (CRISIS, step),
            };
            let there = library.guide(id, Some(guide.language()));
            let missing = match (there, step) {
                (None, _) => {
                    let near = nearest(id, library.all_guides().map(|guide| guide.id().as_str()));
                    Some((format!("there is no guide \"{id}\""), near.map(str::to_owned)))
                }
                (Some(there), Some(step)) if there.position(step.as_str()).is_none() => {
                    let near = nearest(step.as_str(), there.steps().iter().map(|step| step.id.as_str()));
                    Some((
                        format!("there is no step \"{step}\" in the guide \"{id}\""),
                        near.map(|near| format!("#{near}")),
                    ))
                }
                (Some(_), Some(step)) => {
                    entered.entry((id, guide.language().as_str())).or_default().insert(step);
                    None
                }
                (Some(_), None) => None,
            };
            if let Some((what, near)) = missing {
                let help = near.map_or_else(
                    || "please lead to a page that is there".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                found.push(Diagnostic::error(UNKNOWN_TARGET, what, help).at(&source, choice.range.clone()));
            }
        }
    }
    for guide in library.all_guides() {
        let entered = entered.get(&(guide.id().as_str(), guide.language().as_str()));
        guide_alone(guide, entered, &mut found);
    }
    found
}

fn guide_alone(guide: &Guide, entered: Option<&HashSet<&StepId>>, found: &mut Vec<Diagnostic>) {
    let source = Source::new(guide.path(), guide.text());
    let crisis = guide.id().as_str() == CRISIS;
    let opened: &[&str] = if crisis { reply::STEPS } else { COMMANDED };
    for missing in opened.iter().filter(|id| crisis && guide.position(id).is_none()) {
        let what = format!("the crisis page has no step \"{missing}\", which the program shows by itself");
        let help = format!("please add it, as in `## … {{#{missing}}}`");
        found.push(Diagnostic::error(CRISIS_STEP, what, help).in_file(guide.path()));
    }
    let ways_in = entered.into_iter().flatten().map(|step| step.as_str()).chain(opened.iter().copied());
    let roots = ways_in.filter_map(|id| guide.position(id)).chain([0]);
    let reached = graph::reachable(guide, roots);
    let can_end = graph::can_end(guide);
    let mut used = HashSet::new();
    for (at, step) in guide.steps().iter().enumerate() {
        if !reached[at] {
            let what = format!("no choice leads to the step \"{}\"", step.title);
            let help = "please either lead to it from another step, or take it out";
            found.push(Diagnostic::error(UNREACHABLE, what, help).at(&source, step.range.clone()));
        }
        if !can_end[at] {
            let what = format!("from the step \"{}\" no end can be reached", step.title);
            let help = "please add a choice that leads on towards a step with (end)";
            found.push(Diagnostic::error(NO_WAY_OUT, what, help).at(&source, step.range.clone()));
        }
        if !crisis && step.says.contains(&Block::Resources) {
            let what =
                format!("(resources) in the step \"{}\": only the crisis page shows contacts", step.title);
            let help = "please take it away, and add a choice that leads to ../crisis/en.md";
            found.push(Diagnostic::error(MARKER, what, help).at(&source, step.range.clone()));
        }
        used.extend(step.says.iter().flat_map(Block::runs).filter_map(|run| match run {
            Run::Source(number) => Some(*number),
            _ => None,
        }));
    }
    for (at, footnote) in guide.sources().iter().enumerate() {
        if !used.contains(&(at + 1)) {
            let what = format!("the footnote \"{}\" is never mentioned", footnote.label);
            let help = format!(
                "please either write [^{}] behind the fact that it is the source of, or take it out",
                footnote.label
            );
            found.push(Diagnostic::warning(FOOTNOTE, what, help).at(&source, footnote.range.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "---\nid: tea\nlanguage: en\n---\n\n";

    /// The codes of what is wrong with a library that has this guide.
    fn faults(page: &str) -> Vec<(&'static str, String)> {
        let page = format!("{HEAD}{page}");
        let library =
            Library::read([("tea/en.md", page.as_str())]).unwrap_or_else(|found| panic!("{}", found[0]));
        check(&library).into_iter().map(|one| (one.code, format!("{} {}", one.what, one.help))).collect()
    }

    #[track_caller]
    fn only(page: &str, code: &str, words: &str) {
        let found = faults(page);
        assert!(found.len() == 1 && found[0].0 == code && found[0].1.contains(words), "{found:?}");
    }

    #[test]
    fn a_step_that_nobody_can_reach_is_found() {
        only("# Tea\n\n(end)\n\n## Milk\n\n(end)\n", UNREACHABLE, "Milk");
        assert_eq!(
            faults("# Tea\n\n(end)\n\n## Topics\n\n(end)\n\n## Notes\n\n(end)\n"),
            [],
            "commands lead to these"
        );
    }

    #[test]
    fn a_circle_without_a_way_out_is_found() {
        let page = "# Tea\n\n- [On](#milk)\n- [End](#end)\n\n## Milk\n\n- [Round](#sugar)\n\n## Sugar\n\n- [Round](#milk)\n- [Help](../crisis/en.md)\n\n## End\n\n(end)\n";
        let found = faults(page);
        assert_eq!(found.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [NO_WAY_OUT, NO_WAY_OUT]);
    }

    #[test]
    fn a_link_to_a_guide_or_step_that_is_not_there_is_found() {
        only(
            "# Tea\n\n- [On](../cofee/en.md)\n- [End](#end)\n\n## End\n\n(end)\n",
            UNKNOWN_TARGET,
            "no guide \"cofee\"",
        );
        only(
            "# Tea\n\n- [On](../crisis/en.md#ideaton)\n- [End](#end)\n\n## End\n\n(end)\n",
            UNKNOWN_TARGET,
            "did you mean #ideation?",
        );
    }

    #[test]
    fn a_footnote_that_nobody_mentions_is_a_warning() {
        only("# Tea\n\nHot.\n\n(end)\n\n[^a]: A book.\n", FOOTNOTE, "never mentioned");
    }

    #[test]
    fn only_the_crisis_page_shows_contacts() {
        only("# Tea\n\n(resources)\n\n(end)\n", MARKER, "only the crisis page");
    }

    #[test]
    fn a_crisis_page_without_a_step_that_the_program_opens_is_refused() {
        let page = include_str!("../../scripts/crisis/en.md").replace("{#again-2}", "{#once-more}");
        let library =
            Library::read([("crisis/en.md", page.as_str())]).unwrap_or_else(|found| panic!("{}", found[0]));
        let found = check(&library);
        assert!(
            found.iter().any(|one| one.code == CRISIS_STEP && one.is_error() && one.what.contains("again-2")),
            "{found:?}"
        );
    }
}
