//! `lantern chat`: a conversation in the terminal.

pub mod render;

use std::fs::OpenOptions;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use self::render::Look;
use super::{Address, Incoming, Service, clock};
use crate::engine::{self, Kind, Reply};
use crate::safety::Level;
use crate::script::Language;
use crate::transcript::{self, Heard};

/// The longest line that is read at once, in bytes.
const LONGEST_LINE: u64 = 4 << 20;

/// How a conversation in the terminal begins.
pub struct Opening<'a> {
    /// Who talks: several people can share a machine.
    pub person: &'a str,
    /// The guide to begin where no conversation is under way.
    pub guide: &'a str,
    /// Whether that guide was asked for by name, above a conversation under way.
    pub insist: bool,
    /// How the terminal is drawn.
    pub look: Look,
    /// The language to assume, as the service does.
    pub language: Option<Language>,
    /// A file to write the conversation to, as a transcript.
    pub save: Option<&'a Path>,
}

/// Talks until the person leaves or the input ends.
///
/// # Errors
///
/// Where the terminal can't be read or written.
pub fn chat(service: &Service, opening: &Opening<'_>) -> io::Result<()> {
    let mut out = anstream::AutoStream::auto(io::stdout());
    let interactive = io::stdin().is_terminal();
    let from = Address { platform: "terminal", person: opening.person, place: "" };
    let mut document = None;
    let mut recording = match opening.save {
        Some(path) => Some(Recording::begin(path)?),
        None => None,
    };
    let known =
        service.session(&from, clock::now()).ok().flatten().is_some_and(|session| session.here.is_some());
    let guide = (opening.insist || !known).then_some(opening.guide);
    let heard = say(service, &from, Kind::Arrive(guide), opening, &mut out, &mut document)?;
    if let Some(recording) = &mut recording {
        recording.line(&format!("start {}", opening.guide), &heard)?;
    }
    let mut input = io::stdin().lock();
    loop {
        if interactive {
            write!(out, "{}", render::prompt(&opening.look))?;
            out.flush()?;
        }
        let Some(line) = read_line(&mut input)? else { break };
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        if let Some(name) = save_as(text)
            && service.library().screen(text).level < Level::Concern
        {
            let told = match &document {
                None => "There are no notes on the screen yet. Type notes first.".to_owned(),
                Some(notes) => save(name, notes),
            };
            writeln!(out, "\n{}\n", render::told(&told, &opening.look))?;
            continue;
        }
        let heard = say(service, &from, Kind::Text(text), opening, &mut out, &mut document)?;
        if let Some(recording) = &mut recording {
            recording.line(text, &heard)?;
        }
    }
    if let Some(path) = opening.save {
        let saved = format!("The conversation is in {}. lantern test {0} plays it.", path.display());
        writeln!(out, "\n{}", render::told(&saved, &opening.look))?;
    }
    writeln!(out, "\n{}", render::told(&come_back(), &opening.look))
}

/// How to come back, for whoever leaves with Ctrl-C or Ctrl-D.
pub fn come_back() -> String {
    "Your place is kept for a while. To come back, start the chat again.".to_owned()
}

fn say(
    service: &Service,
    from: &Address<'_>,
    kind: Kind<'_>,
    opening: &Opening<'_>,
    out: &mut impl Write,
    document: &mut Option<String>,
) -> io::Result<Heard> {
    let look = &opening.look;
    let mut replies = Vec::new();
    let incoming = Incoming {
        from: *from,
        event: "",
        public: false,
        again: false,
        at: clock::now(),
        country: None,
        language: None,
        kind,
    };
    let mut written = Ok(());
    let mut send = |reply: &Reply| {
        if written.is_ok() {
            // Flushed at once: the first reply must be on the screen while the rest is still worked on.
            written = write!(out, "\n{}", render::reply(reply, look)).and_then(|()| out.flush());
        }
        if reply.document.is_some() {
            document.clone_from(&reply.document);
            let hint = "To keep these notes as a file, type: save my-notes.md";
            if written.is_ok() {
                written = writeln!(out, "\n{}", render::told(hint, look));
            }
        }
        if opening.save.is_some() {
            replies.push(reply.clone());
        }
    };
    let outcome = service.handle(&incoming, &mut send);
    written?;
    let library = service.library();
    let open = engine::open(&library, &outcome.session, opening.language.as_ref());
    Ok(Heard::new(&replies, open.map(|(_, step)| step.id.to_string())))
}

/// A conversation on its way into a file, line by line, so that nothing is lost where it breaks off.
struct Recording(std::fs::File);

impl Recording {
    fn begin(path: &Path) -> io::Result<Recording> {
        write_new(path, "## Recorded\n").map_err(|error| {
            io::Error::new(
                error.kind(),
                format!(
                    "{} can't be written ({error}); please give another name behind --save",
                    path.display()
                ),
            )
        })?;
        Ok(Recording(OpenOptions::new().append(true).open(path)?))
    }

    fn line(&mut self, said: &str, heard: &Heard) -> io::Result<()> {
        // A transcript's line has no line breaks, and brackets would be a tap.
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(self.0, "\nYou:    {said}\n{}", transcript::recorded(heard))
    }
}

fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = io::Read::take(&mut *input, LONGEST_LINE).read_until(b'\n', &mut bytes)?;
    // What is not UTF-8 is still somebody's words.
    Ok((read > 0).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The file that "save …" names.
fn save_as(text: &str) -> Option<&str> {
    let (word, name) = text.split_once(' ').unwrap_or((text, "my-notes.md"));
    let one_word = !name.trim().contains(char::is_whitespace);
    (word.eq_ignore_ascii_case("save") && one_word).then(|| name.trim())
}

/// Saves the notes, readable for their owner alone, and never over another file.
fn save(name: &str, notes: &str) -> String {
    let mut path = PathBuf::from(name);
    if path.extension().is_none() {
        path.set_extension("md");
    }
    match write_new(&path, notes) {
        Ok(()) => {
            format!("Saved as {}. Only you should be able to read it; it is not encrypted.", path.display())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            format!(
                "There is a file called {} already, so I left it alone. Please type another name.",
                path.display()
            )
        }
        Err(error) => {
            format!("I couldn't save {} ({error}). Please type another name or folder.", path.display())
        }
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_save_with_one_name_saves() {
        assert_eq!(save_as("save"), Some("my-notes.md"));
        assert_eq!(save_as("Save notes.md"), Some("notes.md"));
        assert_eq!(save_as("save me please"), None);
        assert_eq!(save_as("saved"), None);
    }

    #[test]
    fn notes_are_never_saved_over_another_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = folder.path().join("notes").display().to_string();
        assert!(save(&name, "one").starts_with("Saved as"));
        assert!(save(&name, "two").contains("already"));
        assert_eq!(std::fs::read_to_string(folder.path().join("notes.md")).expect("it is there"), "one");
        assert!(save("/nowhere/at/all.md", "x").contains("couldn't save"));
    }
}
