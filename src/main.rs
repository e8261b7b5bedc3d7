//! Arguments in, one command run, an exit code out: the only place that exits.

#[cfg(feature = "platform")]
#[path = "main/platforms.rs"]
mod platforms;
#[path = "main/show.rs"]
mod show;
#[path = "main/store.rs"]
mod store;
#[path = "main/workbench.rs"]
mod workbench;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use lantern::diagnostic::{Diagnostic, nearest};
use lantern::library::Library;
use lantern::safety::resource::{Country, Resources};
use lantern::script::Language;
use lantern::shell::config::{Config, StoreKind};
use lantern::shell::console::{self, Opening, render::Look};
use lantern::shell::store::{Secret, Store, memory::MemoryStore, sled};
use lantern::shell::workbench::watch::Watch;
use lantern::shell::{Service, Settings, clock, library, pipe, scan};

/// A chat guide about depression that treatment has not helped, and about ketamine.
///
/// It is scripted: it doesn't diagnose, score or advise, and nobody reads along. If you are thinking
/// about suicide, type it, or "help now", at any time: it shows people to talk to where you live.
#[derive(Parser)]
#[command(name = "lantern", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Start here:\n  lantern chat                       talk to the guide\n  lantern chat --country GB          with numbers for the United Kingdom\n  lantern check scripts              is everything in the scripts folder sound?\n\nExit codes: 0 all is well, 1 something was found or failed, 2 the arguments are wrong."
)]
struct Cli {
    /// The settings file [default: bot.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Talk to the guide in this terminal
    #[command(
        after_help = "Type a number or the words of a choice; \"help\" says what else works. Ctrl-C leaves, and your place is kept."
    )]
    Chat(Chat),
    /// Answer people on Discord and Matrix, until Ctrl-C or SIGTERM
    #[cfg(feature = "platform")]
    #[command(
        after_help = "On Discord it needs a token: in DISCORD_TOKEN, or in a file that bot.toml names under [discord] token_file.\nOn Matrix it needs a homeserver under [matrix], and MATRIX_PASSWORD once.\nThe README's sections \"Put it on your Discord server\" and \"… Matrix server\" go from making the application to the first conversation."
    )]
    Run,
    /// Check scripts, and say what is wrong and how to mend it
    Check {
        /// Scripts folders, or single guides [default: the folder in bot.toml]
        paths: Vec<PathBuf>,
        /// How findings are written
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Play transcripts, and walk every guide without one
    #[command(
        after_help = "A transcript is a conversation with what must be heard:\n  You:    start ketamine\n  Guide:  (at welcome) ... not a clinician ...\nscripts/README.md tells how to write one; lantern chat --save FILE records one."
    )]
    Test(Test),
    /// Begin a translation of a guide, or see what is left to do in one
    #[command(
        after_help = "Writes SCRIPTS/GUIDE/LANGUAGE.md if it isn't there yet: the same steps and links, the words still to be replaced.\nElse it tells which steps are missing, extra, or older than the page that they were translated from."
    )]
    Translate {
        /// The guide's id, such as ketamine
        guide: String,
        /// The language to translate into, such as de
        language: String,
        /// Note that the translation says what the page in English says now: all of it, or these steps
        #[arg(long, num_args = 0.., value_name = "STEP")]
        done: Option<Vec<String>>,
        /// The scripts folder [default: the one in bot.toml]
        #[arg(long, value_name = "DIR")]
        scripts: Option<PathBuf>,
    },
    /// Tell what a new text of a guide would change, and for how many people
    Diff {
        /// The new text: a file, or a folder of scripts
        new: PathBuf,
        /// What it is compared with [default: the scripts folder in bot.toml]
        #[arg(long, value_name = "DIR")]
        scripts: Option<PathBuf>,
        /// As if the text before were withdrawn
        #[arg(long)]
        withdraw: bool,
    },
    /// Put a guide into service, after a clean check; a running lantern takes it up within two seconds
    Publish {
        /// The file; what it says of itself decides where it goes
        file: PathBuf,
        /// Who does it, for the record [default: the name of this account]
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// Nobody goes on with the text before: for when it was wrong
        #[arg(long)]
        withdraw: bool,
    },
    /// Put an earlier text of a guide back into service
    Rollback {
        /// The guide's id, such as ketamine
        guide: String,
        /// Its language
        #[arg(long, default_value = "en")]
        language: String,
        /// Which text, as lantern history names it [default: the one before]
        #[arg(long, value_name = "REVISION")]
        to: Option<String>,
        /// Who does it, for the record [default: the name of this account]
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// Nobody goes on with the text that is in service now
        #[arg(long)]
        withdraw: bool,
    },
    /// List who changed which guide, when
    History {
        /// Only this guide
        guide: Option<String>,
    },
    /// Explain a finding: what it is about, with a bad and a good example
    #[command(after_help = "Without a code, lists them all.")]
    Explain {
        /// The code that stands before a finding, such as S006
        code: Option<String>,
    },
    /// Draw a guide: which step leads where
    Graph {
        /// The guide's id, such as ketamine
        guide: String,
        /// The language of the drawing
        #[arg(long, default_value = "en")]
        language: String,
        /// What to draw for
        #[arg(long, value_enum, default_value_t = Drawing::Mermaid)]
        format: Drawing,
    },
    /// Show whom a person is told to contact, with evidence and dates
    Resources {
        /// A country's name or two letters; all countries where it is left out
        #[arg(long)]
        country: Option<String>,
        /// Only what was last checked more than twelve months ago
        #[arg(long)]
        stale: bool,
    },
    /// Hold conversations as JSON lines, for test harnesses
    #[command(
        after_help = "Reads requests on standard input, one JSON object a line:\n  {\"id\":1,\"do\":\"say\",\"person\":\"p1\",\"text\":\"start ketamine\"}\nThe clock is simulated: the same input gives the same output."
    )]
    Pipe {
        /// Print the JSON Schema of requests and answers, and do nothing else
        #[arg(long)]
        schema: bool,
        /// Keep sessions in this folder, and not only in memory
        #[arg(long, value_name = "DIR")]
        store: Option<PathBuf>,
        /// The scripts folder [default: the one in bot.toml]
        #[arg(long, value_name = "DIR")]
        scripts: Option<PathBuf>,
    },
    /// Ask the detector alone: JSON lines in, JSON lines out
    #[command(
        after_help = "Reads {\"id\":…,\"text\":\"…\"} a line; writes {\"id\":…,\"level\":…,\"who\":…,\"rule\":…} a line, in order."
    )]
    Scan {
        /// Explain one text instead: which rule, which words, what was weighed
        #[arg(long, value_name = "TEXT")]
        explain: Option<String>,
        /// The scripts folder [default: the one in bot.toml]
        #[arg(long, value_name = "DIR")]
        scripts: Option<PathBuf>,
    },
    /// Look after the store: check, export, import
    #[command(subcommand)]
    Store(StoreCommand),
}

#[derive(Args)]
struct Chat {
    /// The guide to begin [default: the one in bot.toml]
    #[arg(long)]
    guide: Option<String>,
    /// The country whose numbers are shown: its name or two letters
    #[arg(long)]
    country: Option<String>,
    /// The language, such as en
    #[arg(long)]
    language: Option<String>,
    /// No colours, lines or marks: for screen readers
    #[arg(long)]
    plain: bool,
    /// A name for this conversation, where several people share a machine; only its hash is kept
    #[arg(long, default_value = "me", value_name = "NAME")]
    person: String,
    /// Write the conversation to this file, as a transcript: also what you type. Implies --forgetful
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Keep nothing: the conversation is forgotten when it ends
    #[arg(long)]
    forgetful: bool,
}

#[derive(Args)]
struct Test {
    /// Transcripts, or folders that have some [default: the scripts folder]
    paths: Vec<PathBuf>,
    /// Only conversations whose title has these words
    #[arg(long, value_name = "WORDS")]
    filter: Option<String>,
    /// List the choices that no transcript takes; fail if there are any
    #[arg(long)]
    coverage: bool,
    /// Where a transcript goes otherwise, write down what is said now
    #[arg(long)]
    accept: bool,
    /// Write the results to this file as JUnit XML, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a transcript that takes every choice of this guide, to GUIDE/LANGUAGE.tour.chat, and do nothing else
    #[arg(long, value_name = "GUIDE")]
    tour: Option<String>,
    /// The language of the tour
    #[arg(long, default_value = "en")]
    language: String,
    /// Put the cases in this folder to the detector instead, print the scorecard, and fail below a floor
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "tests/safety", conflicts_with_all = ["paths", "coverage", "accept", "tour"])]
    safety: Option<PathBuf>,
    /// The seed of the talks at random: the same seed gives the same talks
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The scripts folder that is tested [default: the one in bot.toml]
    #[arg(long, value_name = "DIR")]
    scripts: Option<PathBuf>,
}

#[derive(Subcommand)]
enum StoreCommand {
    /// Open the store, read every record, and say what is there
    Check {
        /// The store's folder [default: the one in bot.toml]
        dir: Option<PathBuf>,
    },
    /// Write all sessions to one checksummed file
    Export {
        /// The file to write
        file: PathBuf,
        /// The store's folder [default: the one in bot.toml]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Take sessions from a file that `export` wrote
    Import {
        /// The file to read; it is checked as a whole before anything changes
        file: PathBuf,
        /// The store's folder [default: the one in bot.toml]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object a finding
    Json,
    /// Annotations, as GitHub Actions shows them beside the lines
    Github,
}

#[derive(Clone, Copy, ValueEnum)]
enum Drawing {
    /// A Mermaid flowchart, as GitHub shows it
    Mermaid,
    /// Graphviz
    Dot,
}

fn main() -> ExitCode {
    // The default message quotes values, and a value can be somebody's words: only the place is told.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or(String::new(), |at| format!(" at {}:{}", at.file(), at.line()));
        eprintln!("lantern: something failed from within{place}; please report it");
    }));
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("lantern: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whoever reads us with `head` has seen enough: that is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
    })
}

fn run(cli: Cli) -> Result<ExitCode> {
    if let Command::Pipe { schema: true, .. } = cli.command {
        write!(io::stdout(), "{}", pipe::SCHEMA)?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load(cli.config.as_deref())?;
    match cli.command {
        Command::Chat(chat) => talk(&config, &chat),
        #[cfg(feature = "platform")]
        Command::Run => platforms::serve(&config),
        Command::Check { paths, format } => workbench::check(&config, &paths, format),
        Command::Test(test) => workbench::test(&config, &test),
        Command::Translate { guide, language, done, scripts } => {
            workbench::translate(&scripts.unwrap_or(config.scripts), &guide, &language, done.as_deref())
        }
        Command::Diff { new, scripts, withdraw } => workbench::diff(&config, &new, scripts, withdraw),
        Command::Publish { file, by, withdraw } => workbench::publish(&config, &file, by, withdraw),
        Command::Rollback { guide, language, to, by, withdraw } => {
            let language = Language::new(&language);
            workbench::roll_back(&config, &guide, &language, to.as_deref(), by, withdraw)
        }
        Command::History { guide } => workbench::history(&config, guide.as_deref()),
        Command::Explain { code } => workbench::explain(code.as_deref()),
        Command::Graph { guide, language, format } => show::graph(&config, &guide, &language, format),
        Command::Resources { country, stale } => show::resources(&config, country.as_deref(), stale),
        Command::Pipe { store, scripts, .. } => harness(&config, store, scripts),
        Command::Scan { explain, scripts } => detect(&config, explain.as_deref(), scripts),
        Command::Store(command) => store::look_after(&config, command),
    }
}

/// The library for a conversation: the folder's if it is sound, else the built-in one, which is said.
fn library_in_service(config: &Config, forgetful: bool) -> Arc<Library> {
    let folder = &config.scripts;
    if !folder.is_dir() {
        return Library::builtin().clone();
    }
    let library::Loaded { library, found, .. } = library::load(folder, false);
    match library {
        Some(mut library) => {
            // Whoever is in an earlier text finishes on it. Without the history they are moved, kindly.
            if !forgetful {
                let _ = workbench::revisions(config).remember(&mut library);
            }
            Arc::new(library)
        }
        None => {
            let errors: Vec<&Diagnostic> = found.iter().filter(|one| one.is_error()).collect();
            if let Some(first) = errors.first() {
                anstream::eprintln!("{first}\n");
            }
            let more = errors.len().saturating_sub(1);
            anstream::eprintln!(
                "lantern: the scripts in {} can't be used ({more} more errors; see lantern check). The built-in guides serve until they are mended.\n",
                folder.display()
            );
            Library::builtin().clone()
        }
    }
}

/// The library for work on scripts: the folder's, or an error that says why not.
fn library_as_is(folder: &Path) -> Result<Arc<Library>> {
    if !folder.is_dir() {
        return Ok(Library::builtin().clone());
    }
    match library::load(folder, false).library {
        Some(library) => Ok(Arc::new(library)),
        None => bail!("the scripts in {} have errors; lantern check {0} says which", folder.display()),
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        country: config.country(),
        language: Some(config.language()),
        expire: config.store.expire_hours * 3600,
    }
}

fn find_country(resources: &Resources, name: &str) -> Result<Country> {
    resources.find(name).with_context(|| match resources.suggest(name) {
        Some(near) => format!("there is no country \"{name}\" here; did you mean {near}?"),
        None => format!(
            "there is no country \"{name}\" here; please give its English name or its two letters, such as GB"
        ),
    })
}

fn talk(config: &Config, chat: &Chat) -> Result<ExitCode> {
    let forgetful = chat.forgetful || chat.save.is_some() || config.store.kind == StoreKind::Memory;
    let library = library_in_service(config, forgetful);
    let mut settings = settings(config);
    if let Some(country) = &chat.country {
        settings.country = Some(find_country(&library.resources, country)?);
    }
    if let Some(language) = &chat.language {
        if !Language::is_code(language) {
            bail!("\"{language}\" is not a language code; please give one such as en or de");
        }
        settings.language = Some(Language::new(language));
    }
    let language = settings.language.clone().unwrap_or_else(|| config.language());
    let guide = chat.guide.as_deref().unwrap_or(&config.guide);
    let ids: Vec<&str> = library.guides(&language).map(|guide| guide.id().as_str()).collect();
    if !ids.contains(&guide) && (chat.guide.is_some() || ids.is_empty()) {
        let hint = nearest(guide, ids.iter().copied())
            .map_or_else(|| format!("there are {}", ids.join(", ")), |near| format!("did you mean {near}?"));
        bail!("there is no guide \"{guide}\"; {hint}");
    }
    let (store, secret) = if forgetful {
        (Arc::new(MemoryStore::default()) as Arc<dyn Store>, Secret::random()?)
    } else {
        open_kept(config, &config.store.path)
    };
    ctrlc::set_handler(|| {
        println!("\n\n{}", console::come_back());
        std::process::exit(130);
    })
    .context("Ctrl-C can't be watched for")?;
    let assumed = settings.language.clone();
    let service = Arc::new(Service::new(library.clone(), store, secret, settings));
    let watch = config.scripts.is_dir().then(|| {
        Watch::start(service.clone(), &config.scripts, workbench::revisions(config), workbench::tell_change)
    });
    // What expired is erased before anybody talks; a failing store is told of when it matters.
    let _ = service.sweep(clock::now(), 1_000);
    let opening = Opening {
        person: &chat.person,
        guide,
        insist: chat.guide.is_some(),
        look: Look::of_terminal(chat.plain),
        language: assumed,
        save: chat.save.as_deref(),
    };
    console::chat(&service, &opening)?;
    drop(watch);
    // Makes an export if one is due, so that even a first conversation can be restored.
    let _ = service.sweep(clock::now(), 1_000);
    Ok(ExitCode::SUCCESS)
}

/// The store on disk; where it can't be opened, a person can talk all the same and is told.
fn open_kept(config: &Config, path: &Path) -> (Arc<dyn Store>, Secret) {
    match open(config, path) {
        Ok(opened) => opened,
        Err(error) => {
            anstream::eprintln!(
                "lantern: {error:#}\nYou can talk, but this conversation will be forgotten when it ends.\n"
            );
            let secret = Secret::random().unwrap_or_else(|_| Secret::from_seed(clock::now()));
            (Arc::new(MemoryStore::default()), secret)
        }
    }
}

fn open(config: &Config, path: &Path) -> Result<(Arc<dyn Store>, Secret)> {
    let limit = Duration::from_secs(config.store.open_seconds);
    let opened = sled::open(path, limit)?;
    for line in &opened.story {
        anstream::eprintln!("lantern: {line}");
    }
    Ok((opened.store, opened.secret))
}

fn harness(config: &Config, dir: Option<PathBuf>, scripts: Option<PathBuf>) -> Result<ExitCode> {
    let library = library_as_is(scripts.as_deref().unwrap_or(&config.scripts))?;
    let kept = match &dir {
        Some(dir) => Some(open(config, dir)?.0),
        None => None,
    };
    let store = move || kept.clone().unwrap_or_else(|| Arc::new(MemoryStore::default()));
    // A harness sees what the code does, not what an operator chose.
    let settings = Settings { country: None, language: None, expire: 24 * 3600 };
    pipe::pipe(library, &store, settings, io::stdin().lock(), io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

fn detect(config: &Config, explain: Option<&str>, scripts: Option<PathBuf>) -> Result<ExitCode> {
    let library = library_as_is(scripts.as_deref().unwrap_or(&config.scripts))?;
    if let Some(text) = explain {
        let mut out = anstream::AutoStream::auto(io::stdout());
        let explained = library.screener.explain(text);
        write!(out, "{explained}")?;
        let here = library.screen(text);
        if here != explained.result {
            writeln!(out, "  with the words of this server: {here}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if io::stdin().is_terminal() {
        anstream::eprintln!("lantern: reading lines such as {{\"id\":1,\"text\":\"…\"}}; Ctrl-D ends");
    }
    let scanned = scan::scan(&library, io::stdin().lock(), io::stdout().lock())?;
    Ok(if scanned.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
