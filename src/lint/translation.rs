//! Translations: whether each page still says what its source says, and whether a language is complete.

use crate::diagnostic::{Diagnostic, Source};
use crate::library::{FALLBACK, Library};
use crate::script::{CRISIS, Guide, compare};

/// Every rule about translations.
pub(super) fn check(library: &Library, found: &mut Vec<Diagnostic>) {
    for guide in library.all_guides().filter(|guide| guide.language().as_str() != FALLBACK) {
        // A crisis page serves with as little as the crisis part of a wording.
        if guide.id().as_str() != CRISIS {
            complete(library, guide, found);
        }
        let original = library.guide(guide.id().as_str(), None);
        let Some(original) = original.filter(|original| original.language().as_str() == FALLBACK) else {
            continue;
        };
        compared(library, original, guide, found);
    }
}

/// A language needs phrases, wording and a crisis page before a guide in it can be put into service.
fn complete(library: &Library, guide: &Guide, found: &mut Vec<Diagnostic>) {
    let language = guide.language();
    let base = language.base();
    let words = library.wording(Some(language));
    let lacks: Vec<String> = [
        (library.hears(base), format!("phrases/{base}.toml")),
        (words.language.base() == base && words.is_complete(), format!("complete wording/{base}.toml")),
        (library.crisis(Some(language)).language().base() == base, format!("{CRISIS}/{base}.md")),
    ]
    .into_iter()
    .filter(|(there, _)| !there)
    .map(|(_, path)| path)
    .collect();
    if !lacks.is_empty() {
        let what = format!("there is a guide in \"{language}\", and no {}", lacks.join(", no "));
        let help = "please add what is missing first: nobody should meet a guide that can't hear a cry for help in its language";
        found.push(Diagnostic::error("S305", what, help).in_file(guide.path()));
    }
}

fn compared(library: &Library, original: &Guide, guide: &Guide, found: &mut Vec<Diagnostic>) {
    let record = library.translated(guide.id().as_str(), guide.language());
    let page = Source::new(guide.path(), guide.text());
    let differs = compare::translation(original, guide, record);
    // A crisis page may be as short as the steps that the program opens by itself: better that than none.
    let missing = if guide.id().as_str() == CRISIS { Vec::new() } else { differs.missing };
    for at in missing {
        let step = &original.steps()[at];
        let what = format!("the step \"{}\" of the {FALLBACK} page is missing here", step.id);
        let help = format!(
            "please add it: lantern translate {} {} shows what to write",
            guide.id(),
            guide.language()
        );
        found.push(Diagnostic::warning("S301", what, help).in_file(guide.path()));
    }
    for (code, positions, what, help) in [
        (
            "S302",
            differs.extra,
            "is not in the page that this is a translation of",
            "please either take it out, or add it to the other page as well",
        ),
        (
            "S303",
            differs.relinked,
            "has other choices than the page that this is a translation of",
            "please lead to the same steps, in the same order, with a line for the notes where the other page has one",
        ),
        (
            "S304",
            differs.stale,
            "was translated from an older text",
            "please read the other page, mend this one, and run lantern translate with --done",
        ),
        (
            "S306",
            differs.untranslated,
            "still says what the other page says, word for word",
            "please translate it",
        ),
    ] {
        for at in positions {
            let step = &guide.steps()[at];
            let what = format!("the step \"{}\" {what}", step.id);
            found.push(Diagnostic::warning(code, what, help).at(&page, step.range.clone()));
        }
    }
    if record.is_none() {
        let what = "nobody has noted which text this was translated from, so changes of it go unseen";
        let help = format!("please run lantern translate {} {} --done", guide.id(), guide.language());
        found.push(Diagnostic::warning("S307", what, help).in_file(guide.path()));
    }
}
