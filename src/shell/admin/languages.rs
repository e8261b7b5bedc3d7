//! Languages by their names: moderators write "German", "Deutsch" or "de".

use crate::script::Language;

/// The code, the English name, and what it is called by those who speak it.
/// Source: Unicode CLDR 44, common/main, `localeDisplayNames`.
const NAMES: &[(&str, &str, &str)] = &[
    ("ar", "Arabic", "العربية"),
    ("de", "German", "Deutsch"),
    ("en", "English", "English"),
    ("es", "Spanish", "español"),
    ("fr", "French", "français"),
    ("hi", "Hindi", "हिन्दी"),
    ("id", "Indonesian", "Indonesia"),
    ("it", "Italian", "italiano"),
    ("ja", "Japanese", "日本語"),
    ("ko", "Korean", "한국어"),
    ("nl", "Dutch", "Nederlands"),
    ("pl", "Polish", "polski"),
    ("pt", "Portuguese", "português"),
    ("ru", "Russian", "русский"),
    ("sv", "Swedish", "svenska"),
    ("tr", "Turkish", "Türkçe"),
    ("uk", "Ukrainian", "українська"),
    ("zh", "Chinese", "中文"),
];

/// The language that is meant: by its code, in any capitals, or its name.
pub(super) fn find(typed: &str) -> Option<Language> {
    let lower = typed.trim().to_lowercase();
    let named =
        NAMES.iter().find(|(_, english, own)| english.to_lowercase() == lower || own.to_lowercase() == lower);
    if let Some((code, _, _)) = named {
        return Some(Language::new(code));
    }
    let (base, rest) =
        lower.split_once('-').map_or((lower.as_str(), None), |(base, rest)| (base, Some(rest)));
    let code = match rest {
        // A region is written in capitals, a script with one: pt-BR, zh-Hant.
        Some(rest) if rest.len() == 2 => format!("{base}-{}", rest.to_uppercase()),
        Some(rest) => {
            let mut letters = rest.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
            format!("{base}-{first}{}", letters.as_str())
        }
        None => base.to_owned(),
    };
    Language::is_code(&code).then(|| Language::new(&code))
}

/// A language as people are told of it: "German (de)".
pub(super) fn named(language: &Language) -> String {
    match NAMES.iter().find(|(code, _, _)| *code == language.base()) {
        Some((_, english, _)) => format!("{english} (`{language}`)"),
        None => format!("`{language}`"),
    }
}

/// What people may call a language, in lower case where the name is English.
pub(super) fn all_names(language: &Language) -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .filter(|(code, _, _)| *code == language.base())
        .flat_map(|(code, english, own)| [*code, *english, *own])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;

    #[test]
    fn every_language_of_the_built_in_scripts_has_a_name() {
        for wording in Library::builtin().all_wording() {
            assert!(named(&wording.language).contains('('), "{}", wording.language);
        }
    }

    #[test]
    fn a_language_is_found_by_code_and_by_name() {
        for (typed, code) in [
            ("DE", "de"),
            ("Deutsch", "de"),
            ("german", "de"),
            ("pt-br", "pt-BR"),
            ("zh-hant", "zh-Hant"),
            ("日本語", "ja"),
        ] {
            assert_eq!(find(typed), Some(Language::new(code)), "{typed}");
        }
        assert_eq!(find("klingonese"), None);
    }
}
