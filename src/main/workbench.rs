//! The moderators' commands: check, explain, test, translate, diff, publish, rollback, history.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lantern::diagnostic::nearest;
use lantern::library::Library;
use lantern::lint::rules::{RULES, Rule};
use lantern::safety::scorecard::Scorecard;
use lantern::script::{Language, compare};
use lantern::shell::clock;
use lantern::shell::config::Config;
use lantern::shell::library::{self, Loaded};
use lantern::shell::store::sled;
use lantern::shell::workbench::census::{Census, impact};
use lantern::shell::workbench::revisions::{Deed, Entry, RevisionError, Revisions};
use lantern::shell::workbench::watch::Change;
use lantern::shell::workbench::{scorecard, test, translate as translation};

use super::{Format, Test};

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Reads a folder, a file, or the built-in scripts.
fn load(config: &Config, path: &Path, alone: bool) -> Result<Loaded> {
    Ok(if path.is_dir() {
        library::load(path, true)
    } else if path.is_file() {
        library::load_file(path)
    } else if path == config.scripts && alone {
        library::load_builtin()
    } else {
        bail!("{} is neither a folder nor a file; please give a scripts folder or a guide", path.display());
    })
}

pub(super) fn check(config: &Config, paths: &[PathBuf], format: Format) -> Result<ExitCode> {
    let default = [config.scripts.clone()];
    let paths = if paths.is_empty() { &default[..] } else { paths };
    let mut out = anstream::AutoStream::auto(io::stdout());
    let (mut errors, mut warnings) = (0, 0);
    for path in paths {
        let loaded = load(config, path, paths.len() == 1)?;
        for one in &loaded.found {
            *(if one.is_error() { &mut errors } else { &mut warnings }) += 1;
            match format {
                Format::Text => writeln!(out, "{one}\n")?,
                Format::Json => writeln!(out, "{}", serde_json::to_string(one)?)?,
                Format::Github => writeln!(out, "{}", one.annotation(path))?,
            }
        }
        if let (Format::Text, Some(library), Some(proof)) = (format, &loaded.library, &loaded.proof) {
            let guides = library.all_guides().count();
            let steps: usize = library.all_guides().map(|guide| guide.steps().len()).sum();
            let choices: usize =
                library.all_guides().flat_map(|guide| guide.steps()).map(|step| step.choices.len()).sum();
            writeln!(
                out,
                "{}: {guides} guides and crisis pages, {steps} steps, {choices} choices",
                path.display()
            )?;
            if proof.failures.is_empty() {
                writeln!(
                    out,
                    "Proved of the graph and the engine, in {} positions ({} turns): the crisis reply comes first and keeps the place, back returns, stop stops, every choice leads where it says, every step can reach an end, help is at most two taps away.",
                    proof.positions, proof.turns
                )?;
            }
            let waiting: Vec<&str> = library
                .all_guides()
                .filter(|guide| guide.reviewed() == Some(false))
                .map(|guide| guide.path())
                .collect();
            if !waiting.is_empty() {
                writeln!(out, "Not yet read by a native speaker: {}", waiting.join(", "))?;
            }
        }
    }
    if format == Format::Text {
        writeln!(out, "{}, {}", count(errors, "error"), count(warnings, "warning"))?;
        if errors + warnings > 0 {
            writeln!(out, "lantern explain CODE tells more about a finding.")?;
        }
    }
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn explain(code: Option<&str>) -> Result<ExitCode> {
    let mut out = anstream::AutoStream::auto(io::stdout());
    let Some(code) = code else {
        for rule in RULES {
            writeln!(out, "{}  {:<8} {}", rule.code, rule.severity().to_string(), rule.title())?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let rule = Rule::find(code).with_context(|| match Rule::near(code) {
        Some(near) => format!("there is no finding \"{code}\"; did you mean {near}?"),
        None => format!("there is no finding \"{code}\"; lantern explain lists them all"),
    })?;
    write!(out, "{rule}")?;
    Ok(ExitCode::SUCCESS)
}

/// The folder's library, or its errors.
fn sound(folder: &Path) -> Result<std::sync::Arc<Library>> {
    super::library_as_is(folder)
}

pub(super) fn test(config: &Config, options: &Test) -> Result<ExitCode> {
    let folder = options.scripts.as_ref().unwrap_or(&config.scripts);
    if let Some(guide) = &options.tour {
        return tour(folder, guide, &options.language);
    }
    let library = sound(folder)?;
    if let Some(cases) = &options.safety {
        return scorecard(&library, cases, options.filter.as_deref());
    }
    let mut files = Vec::new();
    let default = [folder.clone()];
    let paths = if options.paths.is_empty() { &default[..] } else { &options.paths };
    for path in paths {
        if !path.exists() && path == folder {
            continue;
        }
        files.extend(test::files(path).with_context(|| {
            format!("{} can't be read; please give a .chat file or a folder that has some", path.display())
        })?);
    }
    let how = test::Options {
        filter: options.filter.clone(),
        accept: options.accept,
        seed: options.seed,
        // Who names transcripts wants to see those.
        written_only: !options.paths.iter().all(|path| path.is_dir()),
    };
    let report = test::run(&library, &files, &how);
    let mut out = anstream::AutoStream::auto(io::stdout());
    for one in &report.unreadable {
        writeln!(out, "{one}\n")?;
    }
    for case in report.cases.iter().filter(|case| !case.failures.is_empty()) {
        writeln!(out, "\"{}\" goes otherwise:", case.name)?;
        for (failure, talk) in &case.failures {
            writeln!(out, "{failure}\n")?;
            if let Some(talk) = talk {
                writeln!(out, "{talk}")?;
            }
        }
    }
    for file in &report.accepted {
        writeln!(
            out,
            "{} says now what the guide says; please read the change before you keep it",
            file.display()
        )?;
    }
    let mut failed = report.failed();
    if options.coverage {
        let coverage = test::coverage(&library, &report);
        for one in &coverage.never {
            writeln!(out, "{one}\n")?;
        }
        failed += usize::from(!coverage.never.is_empty());
        writeln!(
            out,
            "Transcripts take {} of {} choices: {} %",
            coverage.taken,
            coverage.of,
            coverage.percent()
        )?;
    }
    let (written, unwritten): (Vec<_>, Vec<_>) =
        report.cases.iter().partition(|case| case.suite != "without an author");
    for case in &unwritten {
        writeln!(out, "{}: {}, {}", case.name, count(case.talks, "conversation"), count(case.turns, "turn"))?;
    }
    writeln!(
        out,
        "{} in {}, {} failed, in {:.2} s",
        count(written.len(), "transcript"),
        count(files.len(), "file"),
        failed,
        report.took.as_secs_f64()
    )?;
    if let Some(path) = &options.junit {
        fs::write(path, report.junit()).with_context(|| {
            format!("{} can't be written; please give another name behind --junit", path.display())
        })?;
    }
    if written.is_empty() && unwritten.is_empty() && report.unreadable.is_empty() {
        bail!(
            "there is nothing to test here: no transcript was found{}",
            options.filter.as_ref().map_or(String::new(), |words| format!(" whose title has \"{words}\""))
        );
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Exit code 1 below a floor, or where a case can't be read.
fn scorecard(library: &Library, folder: &Path, filter: Option<&str>) -> Result<ExitCode> {
    let mut cases = scorecard::read(folder).with_context(|| {
        format!("{} can't be read; please give a folder that has <language>/<group>.txt", folder.display())
    })?;
    let mut out = anstream::AutoStream::auto(io::stdout());
    for one in &cases.found {
        writeln!(out, "{one}\n")?;
    }
    if let Some(words) = filter {
        cases.groups.retain(|group| group.name.contains(words));
        if let Some(floors) = &mut cases.floors {
            floors.retain(|name, _| name.contains(words));
        }
    }
    if cases.groups.is_empty() {
        bail!(
            "there are no cases in {}{}",
            folder.display(),
            filter.map_or(String::new(), |w| format!(" whose group has \"{w}\""))
        );
    }
    let card = Scorecard::of(&library.screener, &cases.groups);
    write!(out, "{card}")?;
    let below = cases.floors.as_ref().map_or(Vec::new(), |floors| card.below(floors));
    for one in &below {
        writeln!(out, "{one}")?;
    }
    let lines: usize = cases.groups.iter().map(|group| group.cases.len()).sum();
    writeln!(
        out,
        "{} in {}, {} below their floor",
        count(lines, "case"),
        count(cases.groups.len(), "group"),
        below.len()
    )?;
    Ok(if below.is_empty() && cases.found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tour(folder: &Path, guide: &str, language: &str) -> Result<ExitCode> {
    let library = sound(folder)?;
    let text =
        test::tour(&library, guide, &Language::new(language)).with_context(|| no_guide(&library, guide))?;
    let path = folder.join(guide).join(format!("{language}.tour.chat"));
    fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))?;
    writeln!(anstream::stdout(), "{} takes every choice that taps can reach", path.display())?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn no_guide(library: &Library, guide: &str) -> String {
    let mut ids: Vec<&str> = library.all_guides().map(|guide| guide.id().as_str()).collect();
    ids.dedup();
    match nearest(guide, ids.iter().copied()) {
        Some(near) if near != guide => format!("there is no guide \"{guide}\"; did you mean {near}?"),
        Some(_) => format!("there is no guide \"{guide}\" in that language; there are {}", ids.join(", ")),
        None => format!("there is no guide \"{guide}\"; there are {}", ids.join(", ")),
    }
}

pub(super) fn translate(
    folder: &Path,
    guide: &str,
    language: &str,
    done: Option<&[String]>,
) -> Result<ExitCode> {
    if !Language::is_code(language) {
        bail!("\"{language}\" is not a language code; please give one such as de or pt-BR");
    }
    let library = sound(folder)?;
    let language = Language::new(language);
    let source = translation::source(&library, guide).with_context(|| no_guide(&library, guide))?;
    if source.language() == &language {
        bail!("\"{language}\" is the language that guides are translated from; please give another");
    }
    let mut out = anstream::AutoStream::auto(io::stdout());
    let page = folder.join(guide).join(format!("{language}.md"));
    let noted = folder.join(guide).join(format!("{language}.toml"));
    let existing = library.guide(guide, Some(&language)).filter(|there| there.language() == &language);
    let write = |path: &Path, text: &str| {
        fs::write(path, text)
            .with_context(|| format!("{} can't be written; please check its folder", path.display()))
    };
    let Some(existing) = existing else {
        if page.exists() {
            bail!("{} is there and is not a guide yet; lantern check tells why", page.display());
        }
        let text = translation::skeleton(source, &language);
        fs::create_dir_all(folder.join(guide)).ok();
        write(&page, &text)?;
        let fresh = lantern::script::read(&format!("{guide}/{language}.md"), &text);
        if let Ok(fresh) = fresh {
            write(&noted, &translation::record(source, &fresh, None, &[]))?;
        }
        writeln!(
            out,
            "{} is ready: replace the words, keep what stands in {{#…}} and behind ]( . Then run lantern check.",
            page.display()
        )?;
        return Ok(ExitCode::SUCCESS);
    };
    let before = library.translated(guide, &language);
    if let Some(done) = done {
        for id in done {
            if source.step(id.trim_start_matches('#')).is_none() {
                let near = nearest(id, source.steps().iter().map(|step| step.id.as_str()));
                bail!(
                    "there is no step \"{id}\"{}",
                    near.map_or(String::new(), |near| format!("; did you mean {near}?"))
                );
            }
        }
        write(&noted, &translation::record(source, existing, before, done))?;
        writeln!(out, "noted in {}", noted.display())?;
    }
    let record = match done {
        Some(_) => fs::read_to_string(&noted).ok().and_then(|text| compare::read_record(&text)),
        None => before.cloned(),
    };
    let found = compare::translation(source, existing, record.as_ref());
    let name = |guide: &lantern::script::Guide, at: &usize| guide.steps()[*at].id.to_string();
    let mut left = 0;
    for (what, steps) in [
        ("missing", found.missing.iter().map(|at| name(source, at)).collect::<Vec<_>>()),
        ("only here", found.extra.iter().map(|at| name(existing, at)).collect()),
        ("other choices", found.relinked.iter().map(|at| name(existing, at)).collect()),
        ("older than its source", found.stale.iter().map(|at| name(existing, at)).collect()),
        ("not translated yet", found.untranslated.iter().map(|at| name(existing, at)).collect()),
    ] {
        left += steps.len();
        if !steps.is_empty() {
            writeln!(out, "{what}: {}", steps.join(", "))?;
        }
    }
    for at in &found.missing {
        writeln!(out, "\n{}", translation::step_skeleton(source, *at, &language).trim_end())?;
    }
    if record.is_none() {
        writeln!(out, "nothing is noted yet: run this again with --done once the translation is right")?;
    }
    writeln!(out, "{} to do in {}", count(left, "step"), page.display())?;
    Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The scripts folder with its history, which lies beside the store.
pub(super) fn revisions(config: &Config) -> Revisions {
    Revisions::new(&config.scripts, &config.store.path.join("revisions"))
}

/// Says on the terminal that the scripts have changed under a conversation.
pub(super) fn tell_change(change: Change) {
    match change {
        Change::InService => anstream::eprintln!("lantern: the scripts have changed, and are in service now"),
        Change::Refused(found) => {
            let errors: Vec<_> = found.iter().filter(|one| one.is_error()).collect();
            if let Some(first) = errors.first() {
                anstream::eprintln!("{first}\n");
            }
            anstream::eprintln!(
                "lantern: the scripts have {}; what was in service still is. lantern check tells all.",
                count(errors.len(), "error")
            );
        }
    }
}

/// Counts people, if the store isn't open elsewhere.
fn census(config: &Config) -> Option<Census> {
    let limit = std::time::Duration::from_secs(config.store.open_seconds);
    if !config.store.path.is_dir() {
        return Some(Census::default());
    }
    let opened = sled::open(&config.store.path, limit).ok()?;
    Census::take(&*opened.store, clock::now()).ok()
}

pub(super) fn diff(
    config: &Config,
    new: &Path,
    scripts: Option<PathBuf>,
    withdraw: bool,
) -> Result<ExitCode> {
    let old = sound(scripts.as_ref().unwrap_or(&config.scripts))?;
    let mut out = anstream::AutoStream::auto(io::stdout());
    let new = if new.is_dir() {
        sound(new)?
    } else {
        let text = fs::read_to_string(new).with_context(|| {
            format!("{} can't be read; please name a guide or a scripts folder", new.display())
        })?;
        match old.with_page(&text) {
            Ok(library) => std::sync::Arc::new(library),
            Err(found) => {
                for one in &found {
                    writeln!(out, "{one}\n")?;
                }
                return Ok(ExitCode::FAILURE);
            }
        }
    };
    let census = census(config);
    let mut changed = 0;
    for guide in new.all_guides() {
        let before = old.all_guides().find(|before| before.path() == guide.path());
        match before {
            None => writeln!(out, "{}: new, {}", guide.path(), count(guide.steps().len(), "step"))?,
            Some(before) if before.revision() == guide.revision() => continue,
            Some(before) => {
                writeln!(out, "{}:", guide.path())?;
                for line in impact(before, &compare::edit(before, guide), census.as_ref(), withdraw) {
                    writeln!(out, "  {line}")?;
                }
            }
        }
        changed += 1;
    }
    for gone in old.all_guides().filter(|old| new.all_guides().all(|guide| guide.path() != old.path())) {
        writeln!(out, "{}: gone; whoever is in it is moved", gone.path())?;
        changed += 1;
    }
    if changed == 0 {
        writeln!(out, "nothing differs")?;
    } else if census.is_none() {
        writeln!(out, "People are not counted: the store is open in another lantern.")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Who is named in the record where nobody is.
fn account(by: Option<String>) -> String {
    by.or_else(|| std::env::var("USER").ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "somebody".to_owned())
}

fn told(done: Result<Entry, RevisionError>) -> Result<ExitCode> {
    let mut out = anstream::AutoStream::auto(io::stdout());
    match done {
        Ok(entry) => {
            writeln!(out, "{}/{}.md is in service as {}", entry.guide, entry.language, entry.revision)?;
            match (&entry.before, entry.withdrawn) {
                (Some(before), false) => writeln!(
                    out,
                    "Whoever is in {before} finishes on it. lantern rollback {} puts it back.",
                    entry.guide
                )?,
                (Some(before), true) => {
                    writeln!(out, "{before} is withdrawn: whoever is in it is moved, with a kind word.")?
                }
                (None, _) => {}
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(RevisionError::Errors(found)) => {
            for one in &found {
                writeln!(out, "{one}\n")?;
            }
            writeln!(out, "Not put into service; what was in service still is.")?;
            Ok(ExitCode::FAILURE)
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) fn publish(config: &Config, file: &Path, by: Option<String>, withdraw: bool) -> Result<ExitCode> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("{} can't be read; please name a guide's file", file.display()))?;
    told(revisions(config).publish(&text, &account(by), clock::now(), withdraw))
}

pub(super) fn roll_back(
    config: &Config,
    guide: &str,
    language: &Language,
    to: Option<&str>,
    by: Option<String>,
    withdraw: bool,
) -> Result<ExitCode> {
    told(revisions(config).roll_back(guide, language, to, &account(by), clock::now(), withdraw))
}

pub(super) fn history(config: &Config, guide: Option<&str>) -> Result<ExitCode> {
    let mut out = anstream::AutoStream::auto(io::stdout());
    let log = revisions(config).log();
    let shown: Vec<&Entry> =
        log.iter().filter(|entry| guide.is_none_or(|guide| entry.guide.as_str() == guide)).collect();
    for entry in &shown {
        let what = match entry.what {
            Deed::Publish => "published",
            Deed::RollBack => "rolled back to",
            Deed::Edit => "changed by hand to",
            Deed::Lift => "taken away: in service is",
        };
        let before = entry.before.as_ref().map_or(String::new(), |before| {
            format!(", {before} before{}", if entry.withdrawn { " (withdrawn)" } else { "" })
        });
        writeln!(
            out,
            "{}  {}: {}/{} {what} {}{before}",
            lantern::engine::notes::date(entry.at),
            entry.who,
            entry.guide,
            entry.language,
            entry.revision
        )?;
    }
    if shown.is_empty() {
        writeln!(out, "nothing was changed yet")?;
    }
    Ok(ExitCode::SUCCESS)
}
