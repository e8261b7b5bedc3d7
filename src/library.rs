//! All scripts that belong together: guides, crisis pages, wording, phrases, resources.
//!
//! A [`Library`] is read whole or not at all, and never changes; new scripts make a new library.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use crate::builtin::SCRIPTS;
use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::safety::local::{self, Local};
use crate::safety::resource::Resources;
use crate::safety::{Concern, Screener};
use crate::script::compare::Translated;
use crate::script::{self, CRISIS, Guide, GuideId, Language, Revision};
use crate::wording::Wording;

/// The language that stands in where another is missing.
pub const FALLBACK: &str = "en";

/// The name of the list, among the phrase lists, of what a server adds to them.
const LOCAL: &str = "local";

/// The code of what can be wrong with the folder as a whole.
const PLACE: &str = "S018";

/// Reads phrase lists, and tries more or less of them.
type ReadPhrases = fn(&[(&str, &str)]) -> Result<Screener, Vec<Diagnostic>>;

/// Whether two rows of files are the same. What is in fact one text isn't read for that, so that the program's own lists
/// stay on the disk.
fn all_same(some: &[(&str, &str)], others: &[(&str, &str)]) -> bool {
    let same = |one: &str, other: &str| std::ptr::eq(one, other) || one == other;
    some.len() == others.len()
        && some.iter().zip(others).all(|(one, other)| same(one.0, other.0) && same(one.1, other.1))
}

/// Everything that a conversation is made of.
#[derive(Debug)]
pub struct Library {
    guides: BTreeMap<GuideId, BTreeMap<Language, Arc<Guide>>>,
    /// Texts of guides that are no longer begun, and still finished by those who are in them.
    retired: HashMap<(GuideId, Language, Revision), Arc<Guide>>,
    wording: BTreeMap<Language, Arc<Wording>>,
    /// The languages in which distress is recognised.
    heard: BTreeSet<Language>,
    /// Which text of the source each translation says.
    translated: BTreeMap<(GuideId, Language), Translated>,
    /// What the operator adds to the phrase lists.
    local: Option<Arc<Local>>,
    /// What a community adds to them, where this library was laid over another for it.
    own: Option<Arc<Local>>,
    /// Recognises distress by the phrase lists alone; [`Library::screen`] adds what is said on this server.
    pub screener: Arc<Screener>,
    /// Whom to contact, by country.
    pub resources: Arc<Resources>,
}

impl Library {
    /// Reads all files of a scripts folder. A path is relative to it, with `/` between folders.
    ///
    /// What a folder lacks of the crisis page, the wording, the phrases and the resources comes from the
    /// scripts that the program was built with.
    ///
    /// # Errors
    ///
    /// All faults of all files, in the order of their paths.
    pub fn read<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Result<Library, Vec<Diagnostic>> {
        Library::assemble(files, Some(Library::builtin()), Screener::read)
    }

    /// The same, but that of the phrase lists only those are tried that the program was not built with: for a start,
    /// when people wait. [`Library::read`] tries them all.
    ///
    /// # Errors
    ///
    /// All faults of all files but for those examples, in the order of their paths.
    pub fn read_to_serve<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Result<Library, Vec<Diagnostic>> {
        Library::assemble(files, Some(Library::builtin()), Screener::read_to_serve)
    }

    fn assemble<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
        known: Option<&Library>,
        read_phrases: ReadPhrases,
    ) -> Result<Library, Vec<Diagnostic>> {
        let builtin: BTreeMap<&str, &str> = SCRIPTS.iter().copied().collect();
        // What the program was built with was read already.
        let known = |path: &str, text: &str| known.filter(|_| builtin.get(path) == Some(&text));
        let mut all: BTreeMap<&str, &str> = files.into_iter().collect();
        for &(path, text) in SCRIPTS.iter() {
            let essential = matches!(Sort::of(path), Sort::Wording(_) | Sort::Phrases(_) | Sort::Resources)
                || matches!(Sort::of(path), Sort::Guide(id, _) | Sort::Translated(id, _) if id == CRISIS);
            if essential {
                all.entry(path).or_insert(text);
            }
        }
        let mut found = Vec::new();
        let mut guides: BTreeMap<GuideId, BTreeMap<Language, Arc<Guide>>> = BTreeMap::new();
        let mut wording = BTreeMap::new();
        let mut phrases = Vec::new();
        let mut heard = BTreeSet::new();
        let mut translated = BTreeMap::new();
        let mut resources = None;
        let mut local = None;
        for (path, text) in all {
            match Sort::of(path) {
                Sort::Guide(id, language) => {
                    let read =
                        match known(path, text).and_then(|library| library.guides.get(id)?.get(language)) {
                            Some(guide) => Ok(guide.clone()),
                            None => script::read(path, text).map(Arc::new),
                        };
                    match read {
                        Ok(guide) => {
                            found.extend(misplaced(&guide, id, language));
                            let languages = guides.entry(guide.id().clone()).or_default();
                            languages.insert(guide.language().clone(), guide);
                        }
                        Err(faults) => found.extend(faults),
                    }
                }
                Sort::Wording(language) => {
                    let language = Language::new(language);
                    let read = match known(path, text).and_then(|library| library.wording.get(&language)) {
                        Some(words) => Ok(words.clone()),
                        None => Wording::read(path, text, &language).map(Arc::new),
                    };
                    match read {
                        Ok(words) => drop(wording.insert(language, words)),
                        Err(faults) => found.extend(faults),
                    }
                }
                Sort::Phrases(LOCAL) => local = Some((path, text)),
                Sort::Phrases(language) => {
                    heard.insert(Language::new(language));
                    phrases.push((path, text));
                }
                Sort::Translated(id, language) => match toml::from_str(text) {
                    Ok(record) => {
                        drop(translated.insert((GuideId::new(id), Language::new(language)), record))
                    }
                    Err(error) => found.push(not_a_record(path, text, &error)),
                },
                Sort::Resources => match known(path, text) {
                    Some(library) => resources = Some(library.resources.clone()),
                    None => match Resources::read(path, text) {
                        Ok(read) => resources = Some(Arc::new(read)),
                        Err(faults) => found.extend(faults),
                    },
                },
                Sort::Other => {}
                Sort::Unknown => found.push(unknown(path)),
            }
        }
        // What the program was built with was compiled and tried already, down to the last example.
        let read = match all_same(&phrases, Screener::builtin_files()) {
            true => Ok(Screener::builtin().clone()),
            false => read_phrases(&phrases).map(Arc::new),
        };
        let screener = match read {
            Ok(screener) => Some(screener),
            Err(faults) => {
                found.extend(faults);
                None
            }
        };
        let local = match (local, &screener) {
            (Some((path, text)), Some(screener)) => match Local::read(path, text, screener) {
                Ok(local) => Some(Arc::new(local)),
                Err(faults) => {
                    found.extend(faults);
                    None
                }
            },
            _ => None,
        };
        match (screener, resources) {
            (Some(screener), Some(resources)) if found.is_empty() => Ok(Library {
                guides,
                retired: HashMap::new(),
                wording,
                heard,
                translated,
                local,
                own: None,
                screener,
                resources,
            }),
            _ => Err(found),
        }
    }

    /// Whether a path of a scripts folder is one that a library is made of; others are for people and for tests.
    pub fn reads(path: &str) -> bool {
        !matches!(Sort::of(path), Sort::Other)
    }

    /// The library that the program was built with.
    pub fn builtin() -> &'static Arc<Library> {
        static LIBRARY: LazyLock<Arc<Library>> = LazyLock::new(|| {
            let library = Library::assemble(SCRIPTS.iter().copied(), None, Screener::read_untried);
            Arc::new(library.unwrap_or_else(|found| panic!("the built-in scripts are broken: {}", found[0])))
        });
        &LIBRARY
    }

    /// The scripts that the program was built with, as path and text, in the order of their paths.
    pub fn builtin_files() -> &'static [(&'static str, &'static str)] {
        &SCRIPTS
    }

    /// All guides that a person can begin, each in this language or the nearest to it, by id.
    pub fn guides<'l>(&'l self, language: &'l Language) -> impl Iterator<Item = &'l Guide> {
        let others = self.guides.iter().filter(|(id, _)| id.as_str() != CRISIS);
        others.filter_map(|(_, languages)| pick(languages, Some(language)))
    }

    /// What a message says, and of whom: decides who sees a crisis reply.
    pub fn screen(&self, text: &str) -> Concern {
        match (&self.local, &self.own) {
            (None, None) => self.screener.screen(text),
            (Some(one), None) | (None, Some(one)) => one.screen(&self.screener, text),
            (Some(local), Some(own)) => local::screen(&[local, own], &self.screener, text),
        }
    }

    /// Every guide in every language, the crisis pages among them.
    pub fn all_guides(&self) -> impl Iterator<Item = &Arc<Guide>> {
        self.guides.values().flat_map(BTreeMap::values)
    }

    /// A guide in this language or the nearest to it.
    pub fn guide(&self, id: &str, language: Option<&Language>) -> Option<&Guide> {
        pick(self.guides.get(id)?, language)
    }

    /// This library with another text of one guide. Only what stands inside the page is checked here.
    ///
    /// # Errors
    ///
    /// What is wrong with the page.
    pub fn with_page(&self, text: &str) -> Result<Library, Vec<Diagnostic>> {
        let guide = script::read(&script::read::own_path(text), text)?;
        let mut guides = self.guides.clone();
        guides.entry(guide.id().clone()).or_default().insert(guide.language().clone(), Arc::new(guide));
        Ok(Library { guides, ..self.share() })
    }

    /// The same again: what it holds is shared.
    fn share(&self) -> Library {
        Library {
            guides: self.guides.clone(),
            retired: self.retired.clone(),
            wording: self.wording.clone(),
            heard: self.heard.clone(),
            translated: self.translated.clone(),
            local: self.local.clone(),
            own: self.own.clone(),
            screener: self.screener.clone(),
            resources: self.resources.clone(),
        }
    }

    /// This library with what a community has of its own laid over it: guides, `<guide>/<language>.md`, and words of
    /// its own, `phrases/local.toml`, which add to the operator's. Everything else stays this library's: no community
    /// can replace a crisis page, the wording, a phrase list or a number.
    ///
    /// # Errors
    ///
    /// What is wrong inside the files, and files that are not a community's to change, in the order given.
    pub fn overlaid<'f>(
        &self,
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Result<Library, Vec<Diagnostic>> {
        let mut laid = self.share();
        laid.own = None;
        let mut found = Vec::new();
        for (path, text) in files {
            match Sort::of(path) {
                Sort::Guide(id, language) if id != CRISIS => match script::read(path, text) {
                    Ok(guide) => {
                        found.extend(misplaced(&guide, id, language));
                        let languages = laid.guides.entry(guide.id().clone()).or_default();
                        languages.insert(guide.language().clone(), Arc::new(guide));
                    }
                    Err(faults) => found.extend(faults),
                },
                Sort::Phrases(LOCAL) => match Local::read(path, text, &self.screener) {
                    Ok(own) => laid.own = Some(Arc::new(own)),
                    Err(faults) => found.extend(faults),
                },
                _ => found.push(foreign(path)),
            }
        }
        if found.is_empty() { Ok(laid) } else { Err(found) }
    }

    /// This library with the help of another: the crisis pages, the wording, the phrase lists and the resources are
    /// the other's, the guides stay.
    #[must_use]
    pub fn with_help_of(&self, other: &Library) -> Library {
        let mut helped = other.share();
        helped.own = self.own.clone();
        helped.retired.extend(self.retired.iter().map(|(name, guide)| (name.clone(), guide.clone())));
        helped.guides.retain(|id, _| id.as_str() == CRISIS);
        let guides = self.guides.iter().filter(|(id, _)| id.as_str() != CRISIS);
        helped.guides.extend(guides.map(|(id, languages)| (id.clone(), languages.clone())));
        helped
    }

    /// The text of a guide that a conversation began with, or the one in service where that is gone.
    pub fn guide_of(&self, id: &GuideId, language: &Language, revision: Revision) -> Option<&Guide> {
        let now = self.guide(id.as_str(), Some(language));
        if now.is_some_and(|guide| guide.revision() == revision) {
            return now;
        }
        // Looked for by name first: there is seldom any.
        if self.retired.is_empty() {
            return now;
        }
        self.retired.get(&(id.clone(), language.clone(), revision)).map(Arc::as_ref).or(now)
    }

    /// Keeps an earlier text of a guide for those who are in it. The crisis page is never kept: it is always the
    /// newest.
    pub fn retire(&mut self, guide: Arc<Guide>) {
        let now = self.guides.get(guide.id()).and_then(|languages| languages.get(guide.language()));
        if guide.id().as_str() != CRISIS && now.is_none_or(|now| now.revision() != guide.revision()) {
            self.retired.insert((guide.id().clone(), guide.language().clone(), guide.revision()), guide);
        }
    }

    /// This library in the place of another: what the other had in service, or still kept, can be finished,
    /// but for the texts that were withdrawn.
    #[must_use]
    pub fn succeeding(mut self, before: &Library, withdrawn: &[Revision]) -> Library {
        for guide in before.all_guides().chain(before.retired.values()) {
            if !withdrawn.contains(&guide.revision()) {
                self.retire(guide.clone());
            }
        }
        self
    }

    /// The earlier texts of guides that can still be finished.
    pub fn retired(&self) -> impl Iterator<Item = &Arc<Guide>> {
        self.retired.values()
    }

    /// Whether distress is recognised in a language.
    pub fn hears(&self, language: &str) -> bool {
        self.heard.contains(language)
    }

    /// Which text of its source a translation says, where that was noted.
    pub fn translated(&self, id: &str, language: &Language) -> Option<&Translated> {
        self.translated.get(&(GuideId::new(id), language.clone()))
    }

    /// The wording of every language.
    pub fn all_wording(&self) -> impl Iterator<Item = &Arc<Wording>> {
        self.wording.values()
    }

    /// The crisis page in this language or the nearest to it.
    pub fn crisis(&self, language: Option<&Language>) -> &Guide {
        match self.guides.get(CRISIS).and_then(|languages| pick(languages, language)) {
            Some(page) => page,
            // `read` puts the built-in page into every library.
            None => unreachable!("every library has a crisis page"),
        }
    }

    /// The wording of this language or the nearest to it.
    pub fn wording(&self, language: Option<&Language>) -> &Wording {
        match pick(&self.wording, language) {
            Some(wording) => wording,
            None => unreachable!("every library has a wording"),
        }
    }
}

/// The language itself, else its base, else the fallback, else whatever is there.
fn pick<'m, T>(languages: &'m BTreeMap<Language, Arc<T>>, language: Option<&Language>) -> Option<&'m T> {
    let wanted =
        language.and_then(|language| languages.get(language).or_else(|| languages.get(language.base())));
    wanted.or_else(|| languages.get(FALLBACK)).or_else(|| languages.values().next()).map(Arc::as_ref)
}

/// What a file of the scripts folder is, by its path.
enum Sort<'p> {
    Guide(&'p str, &'p str),
    Wording(&'p str),
    Phrases(&'p str),
    /// What `lantern translate` noted of a translation.
    Translated(&'p str, &'p str),
    Resources,
    /// Read by people or by tests.
    Other,
    Unknown,
}

impl Sort<'_> {
    fn of(path: &str) -> Sort<'_> {
        match path.split_once('/') {
            None if path == "resources.toml" => Sort::Resources,
            None if path.ends_with(".md") => Sort::Other,
            Some(("wording", file)) => file.strip_suffix(".toml").map_or(Sort::Unknown, Sort::Wording),
            Some(("phrases", file)) => file.strip_suffix(".toml").map_or(Sort::Unknown, Sort::Phrases),
            Some((_, file)) if file.contains('/') => Sort::Unknown,
            Some((_, file)) if file.ends_with(".chat") || file == "README.md" => Sort::Other,
            Some((id, file)) => match file.rsplit_once('.') {
                Some((language, "md")) => Sort::Guide(id, language),
                Some((language, "toml")) => Sort::Translated(id, language),
                _ => Sort::Unknown,
            },
            None => Sort::Unknown,
        }
    }
}

fn misplaced(guide: &Guide, id: &str, language: &str) -> Option<Diagnostic> {
    let (said, stands, key) = if guide.id().as_str() != id {
        (guide.id().as_str(), id, "id")
    } else if guide.language().as_str() != language {
        (guide.language().as_str(), language, "language")
    } else {
        return None;
    };
    let what = format!("the file says {key}: {said}, and stands where {stands} belongs");
    let help = format!(
        "please either write {key}: {stands}, or move the file to {}/{}.md",
        guide.id(),
        guide.language()
    );
    Some(Diagnostic::error(PLACE, what, help).in_file(guide.path()))
}

fn not_a_record(path: &str, text: &str, error: &toml::de::Error) -> Diagnostic {
    let what = error.message().lines().next().unwrap_or_default().to_owned();
    let help = "please let lantern translate write this file, or delete it";
    Diagnostic::error(PLACE, what, help).at(&Source::new(path, text), error.span().unwrap_or(0..0))
}

fn foreign(path: &str) -> Diagnostic {
    let help = "a community has guides of its own, <guide>/<language>.md, and phrases/local.toml; crisis pages, wording, phrase lists and resources are the operator's";
    Diagnostic::error(PLACE, "this file is not a community's to change", help).in_file(path)
}

fn unknown(path: &str) -> Diagnostic {
    let name = path.rsplit('/').next().unwrap_or(path);
    let hint = nearest(name, ["resources.toml", "en.md", "en.toml"]).filter(|near| *near != name);
    let help = match hint {
        Some(near) => format!("did you mean {near}?"),
        None => "guides are <guide>/<language>.md; wording/ and phrases/ hold <language>.toml; please move or remove it".to_owned(),
    };
    Diagnostic::error(PLACE, "this file doesn't belong into the scripts folder", help).in_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_that_the_program_is_built_with_are_sound_to_the_last_example() {
        if let Err(found) = Screener::read(Screener::builtin_files()) {
            panic!("{}", found.iter().map(|one| format!("{one}\n\n")).collect::<String>());
        }
        let found = crate::lint::check(Library::builtin());
        assert!(found.is_empty(), "{}", found[0]);
    }

    #[test]
    fn a_file_in_the_wrong_place_is_told_where_it_belongs() {
        let page = "---\nid: tea\nlanguage: en\n---\n\n# Tea\n\n(end)\n";
        for (path, what) in [
            ("coffee/en.md", "says id: tea"),
            ("tea/de.md", "says language: en"),
            ("tea/notes.txt", "doesn't belong"),
            ("resource.toml", "doesn't belong"),
        ] {
            let found = Library::read([(path, page)]).expect_err("it is misplaced");
            assert!(found.iter().any(|one| one.what.contains(what)), "{path}: {}", found[0]);
        }
    }
}
