//! The `---` block at the beginning of a guide.

use super::link::local_target;
use super::{MOST_FINDINGS, Reader, code};
use crate::diagnostic::nearest;
use crate::script::{GuideId, Language, slug};

/// What the block says.
pub(super) struct Front {
    pub id: GuideId,
    pub language: Language,
    /// Whether a native speaker has reviewed a translation; nothing where it isn't said.
    pub reviewed: Option<bool>,
}

impl Reader<'_, '_> {
    /// The `---` block, if it is right, and the byte at which the page goes on.
    pub(super) fn front_matter(&mut self) -> (Option<Front>, usize) {
        const EXAMPLE: &str =
            "please begin the file with these lines:\n---\nid: the-folder's-name\nlanguage: en\n---";
        let text = self.source.text();
        let mut at = 0;
        let mut lines = text.split_inclusive('\n').map(|line| {
            let start = at;
            at += line.len();
            (start..start + line.trim_end().len(), line.trim_end())
        });
        if lines.next().is_none_or(|(_, line)| line.trim_start_matches('\u{feff}') != "---") {
            self.fault(code::FRONT_MATTER, 0..3, "the file doesn't begin with ---", EXAMPLE);
            return (None, 0);
        }
        let (mut id, mut language, mut reviewed, mut closed) = (None, None, None, None);
        let mut faults = Vec::new();
        for (range, line) in lines.by_ref() {
            if line == "---" {
                closed = Some(range.end);
                break;
            }
            let fault = |what: String, help: String| Some((range.clone(), what, help));
            let found = match line.split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
                Some((_, "")) => fault(
                    "there is no value behind the colon".into(),
                    "please write it behind the colon, or take the line away".into(),
                ),
                Some(("id", value)) if slug(value) == value => id
                    .replace(GuideId::new(value))
                    .and_then(|_| fault("id stands here twice".into(), "please keep one of them".into())),
                Some(("id", value)) => fault(
                    format!("\"{value}\" can't be an id"),
                    format!("please use lower-case letters, digits and hyphens, such as {}", slug(value)),
                ),
                Some(("language", value)) if Language::is_code(value) => {
                    language.replace(Language::new(value)).and_then(|_| {
                        fault("language stands here twice".into(), "please keep one of them".into())
                    })
                }
                Some(("language", value)) => fault(
                    format!("\"{value}\" is not a language code"),
                    match local_target(self.source.path(), "#")
                        .filter(|(_, named, _)| Language::is_code(named))
                    {
                        Some((_, named, _)) => format!(
                            "please write language: {named}, as the name of the file says, or move the file to another name, such as de.md or pt-BR.md"
                        ),
                        None => "please write the code of the language, such as en, de or pt-BR".into(),
                    },
                ),
                Some(("reviewed", value @ ("yes" | "no"))) => {
                    reviewed.replace(value == "yes").and_then(|_| {
                        fault("reviewed stands here twice".into(), "please keep one of them".into())
                    })
                }
                Some(("reviewed", value)) => fault(
                    format!("reviewed is yes or no, not \"{value}\""),
                    "please write yes if a native speaker has read the whole translation, else no".into(),
                ),
                Some((key, _)) => {
                    let hint = nearest(key, ["id", "language", "reviewed"]).map_or_else(
                        || "the keys are id, language and reviewed; please take this line away".to_owned(),
                        |near| format!("did you mean {near}?"),
                    );
                    fault(format!("there is no key \"{key}\""), hint)
                }
                None if line.is_empty() => None,
                None => fault(
                    "this is not a line of the form key: value".into(),
                    "please write id: … and language: …, and close the block with ---".into(),
                ),
            };
            faults.extend(found);
            if faults.len() > MOST_FINDINGS {
                break;
            }
        }
        for (range, what, help) in faults {
            self.fault(code::FRONT_MATTER, range, what, help);
        }
        let Some(end) = closed else {
            self.fault(code::FRONT_MATTER, 0..3, "the block that begins with --- is never closed", EXAMPLE);
            return (None, 0);
        };
        for (key, missing) in [("id", id.is_none()), ("language", language.is_none())] {
            if missing && self.found.is_empty() {
                self.fault(
                    code::FRONT_MATTER,
                    0..3,
                    format!("the block at the beginning doesn't say the {key}"),
                    EXAMPLE,
                );
            }
        }
        let front = id.zip(language).map(|(id, language)| Front { id, language, reviewed });
        (front, end)
    }
}
