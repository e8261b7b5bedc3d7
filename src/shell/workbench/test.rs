//! `lantern test`: plays transcripts, walks without an author, counts what was taken.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::diagnostic::Diagnostic;
use crate::library::{FALLBACK, Library};
use crate::script::{CRISIS, Guide, Language};
use crate::transcript::{self, Coverage, Played, Taken, Transcript, walk};

/// How many talks at random are held in each language that has a guide.
const RANDOM_TALKS: usize = 100;

/// What to test, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only conversations whose title has these words.
    pub filter: Option<String>,
    /// Write down what is said now where it is otherwise.
    pub accept: bool,
    /// The seed of the talks at random.
    pub seed: u64,
    /// Leave out the walks, cries and talks without an author.
    pub written_only: bool,
}

/// One conversation, or one kind of conversations without an author.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file, or `walks`.
    pub suite: String,
    /// Its title.
    pub name: String,
    /// How long it took.
    pub took: Duration,
    /// What went wrong, and the conversation that shows it where no file does.
    pub failures: Vec<(Diagnostic, Option<String>)>,
    /// How many conversations and turns it stands for.
    pub talks: usize,
    /// How many turns were taken.
    pub turns: usize,
}

/// What came of a test.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Every case, in order.
    pub cases: Vec<Case>,
    /// Files that can't be read as transcripts, or whose names are wrong.
    pub unreadable: Vec<Diagnostic>,
    /// Files that were rewritten.
    pub accepted: Vec<PathBuf>,
    /// What the transcripts took, without the walks.
    pub taken: BTreeSet<Taken>,
    /// How long it all took.
    pub took: Duration,
}

impl Report {
    /// Whether all is well.
    pub fn passed(&self) -> bool {
        self.unreadable.is_empty() && self.cases.iter().all(|case| case.failures.is_empty())
    }

    /// How many conversations failed.
    pub fn failed(&self) -> usize {
        self.cases.iter().filter(|case| !case.failures.is_empty()).count() + self.unreadable.len()
    }

    /// The report as JUnit XML, for machines that collect tests.
    pub fn junit(&self) -> String {
        let mut suites: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
        for case in &self.cases {
            suites.entry(&case.suite).or_default().push(case);
        }
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"lantern\" tests=\"{}\" failures=\"{}\" time=\"{:.3}\">\n",
            self.cases.len() + self.unreadable.len(),
            self.failed(),
            self.took.as_secs_f64()
        );
        for (suite, cases) in suites {
            let failed = cases.iter().filter(|case| !case.failures.is_empty()).count();
            let _ = writeln!(
                xml,
                "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\">",
                escape(suite),
                cases.len()
            );
            for case in cases {
                let _ = write!(
                    xml,
                    "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
                    escape(suite),
                    escape(&case.name),
                    case.took.as_secs_f64()
                );
                if case.failures.is_empty() {
                    xml.push_str("/>\n");
                    continue;
                }
                xml.push_str(">\n");
                for (failure, talk) in &case.failures {
                    let text = format!("{failure}\n{}", talk.as_deref().unwrap_or_default());
                    let _ = writeln!(
                        xml,
                        "      <failure message=\"{}\">{}</failure>",
                        escape(&failure.what),
                        escape(&text)
                    );
                }
                xml.push_str("    </testcase>\n");
            }
            xml.push_str("  </testsuite>\n");
        }
        for one in &self.unreadable {
            let _ = writeln!(
                xml,
                "  <testsuite name=\"files\" tests=\"1\" failures=\"1\"><testcase name=\"{}\"><failure message=\"{}\">{}</failure></testcase></testsuite>",
                escape(one.place.as_ref().map_or("", |place| &place.path)),
                escape(&one.what),
                escape(&one.to_string())
            );
        }
        xml.push_str("</testsuites>\n");
        xml
    }
}

/// Text inside XML. What XML 1.0 can't hold at all is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// The `.chat` files below a folder, or the file itself; in order.
///
/// # Errors
///
/// Where a folder can't be read.
pub fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < 3 {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() && entry.path().extension().is_some_and(|extension| extension == "chat")
            {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Plays every transcript of these files on the library, then walks without an author.
pub fn run(library: &Arc<Library>, files: &[PathBuf], options: &Options) -> Report {
    let begun = Instant::now();
    let mut report = Report::default();
    for file in files {
        chat(library, file, options, &mut report);
    }
    if !options.written_only && options.filter.is_none() {
        unwritten(library, options, &mut report);
    }
    report.took = begun.elapsed();
    report
}

fn chat(library: &Arc<Library>, file: &Path, options: &Options, report: &mut Report) {
    let shown = file.display().to_string();
    let text = match super::super::library::read(file) {
        Ok(text) => text,
        Err((what, help)) => {
            return report.unreadable.push(Diagnostic::error("S001", what, help).in_file(&shown));
        }
    };
    let talks = match transcript::read(&shown, &text) {
        Ok(talks) => talks,
        Err(found) => return report.unreadable.extend(found),
    };
    let beside = |name: &str| fs::read_to_string(file.parent().unwrap_or(Path::new("")).join(name)).ok();
    let chosen = |talk: &Transcript| {
        options.filter.as_ref().is_none_or(|words| talk.title.to_lowercase().contains(&words.to_lowercase()))
    };
    let mut played_all: Vec<Played> = Vec::with_capacity(talks.len());
    for talk in &talks {
        if !chosen(talk) {
            played_all.push(Played::default());
            continue;
        }
        let begun = Instant::now();
        let mut played = transcript::play(library, talk, &beside);
        report.taken.append(&mut played.taken);
        report.cases.push(Case {
            suite: shown.clone(),
            name: talk.title.clone(),
            took: begun.elapsed(),
            failures: played.failure.clone().map(|failure| (failure, None)).into_iter().collect(),
            talks: 1,
            turns: talk.acts.len(),
        });
        played_all.push(played);
    }
    // A tour says only where choices lead, which must be the same in every language that has no tour of its own.
    if shown.ends_with(".tour.chat") {
        let folder = file.parent().unwrap_or(Path::new(""));
        let guide = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let own = |page: &Guide| folder.join(format!("{}.tour.chat", page.language())).exists();
        let pages = library.all_guides().filter(|page| Some(page.id().as_str()) == guide.as_deref());
        for page in pages.filter(|page| !own(page)) {
            for talk in talks.iter().filter(|talk| talk.language != *page.language() && chosen(talk)) {
                let begun = Instant::now();
                let mut played = transcript::play_translated(library, talk, page.language());
                report.taken.append(&mut played.taken);
                report.cases.push(Case {
                    suite: format!("{shown} in {}", page.language()),
                    name: talk.title.clone(),
                    took: begun.elapsed(),
                    failures: played.failure.map(|failure| (failure, None)).into_iter().collect(),
                    talks: 1,
                    turns: talk.acts.len(),
                });
            }
        }
    }
    if options.accept
        && let Some(accepted) = transcript::accept(&talks, &played_all)
        && accepted != text
        && fs::write(file, &accepted).is_ok()
    {
        report.accepted.push(file.to_owned());
        // What was accepted is what is said: only what can't be written down stays a failure.
        let again = transcript::read(&shown, &accepted).unwrap_or_default();
        for (case, talk) in report
            .cases
            .iter_mut()
            .filter(|case| case.suite == shown)
            .zip(again.iter().filter(|talk| chosen(talk)))
        {
            case.failures = transcript::play(library, talk, &beside)
                .failure
                .map(|failure| (failure, None))
                .into_iter()
                .collect();
        }
    }
}

fn unwritten(library: &Arc<Library>, options: &Options, report: &mut Report) {
    let mut kinds: Vec<(String, Duration, walk::Walked)> = Vec::new();
    let mut languages: BTreeSet<Language> = BTreeSet::new();
    for guide in library.all_guides().filter(|guide| guide.id().as_str() != CRISIS) {
        languages.insert(guide.language().clone());
        let begun = Instant::now();
        let walked = walk::shortest(library, guide);
        kinds.push((
            format!("the shortest way to every choice of {}", guide.path()),
            begun.elapsed(),
            walked,
        ));
        let begun = Instant::now();
        let walked = walk::cries(library, guide);
        kinds.push((format!("a cry for help at every step of {}", guide.path()), begun.elapsed(), walked));
    }
    for language in languages {
        let begun = Instant::now();
        let walked = walk::random(library, &language, options.seed, RANDOM_TALKS);
        kinds.push((
            format!("talks at random in \"{language}\", seed {}", options.seed),
            begun.elapsed(),
            walked,
        ));
    }
    for (name, took, walked) in kinds {
        report.cases.push(Case {
            suite: "without an author".to_owned(),
            name,
            took,
            failures: walked.failures.into_iter().map(|(one, talk)| (one, Some(talk))).collect(),
            talks: walked.talks,
            turns: walked.turns,
        });
    }
}

/// The choices that the transcripts took, of all there are.
pub fn coverage(library: &Library, report: &Report) -> Coverage {
    Coverage::new(library, &report.taken)
}

/// A file of transcripts that together take every choice of a guide.
pub fn tour(library: &Arc<Library>, guide: &str, language: &Language) -> Option<String> {
    let guide = library.all_guides().find(|one| one.id().as_str() == guide && one.language() == language)?;
    let mut text = format!(
        "# Every choice of this guide, taken once. Written by `lantern test --tour {}{}`; after an edit, write it anew.\n",
        guide.id(),
        if language.as_str() == FALLBACK { String::new() } else { format!(" --language {language}") },
    );
    for (number, made) in walk::tour(library, guide).iter().enumerate() {
        text.push_str(&format!("\n{}", made.places(&format!("Tour {}", number + 1))));
    }
    Some(text)
}
