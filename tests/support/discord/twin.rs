//! npm's `discord-digital-twin`, a fake that nobody here wrote: what our own fake agrees with by mistake, it doesn't.
//!
//! It is installed by the first test that needs it, below `target/`, and started for each. It knows no direct
//! messages, RESUME, limits, deadlines or hidden messages: those are tested with [`super::Discord`].

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PACKAGE: &str = include_str!("twin/package.json");
const SCRIPT: &str = include_str!("twin/twin.mjs");

/// The twin, with a server, a channel and one member, ana.
pub struct Twin {
    child: Child,
    lines: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    /// `http://127.0.0.1:…`.
    pub proxy: String,
    /// The bot's token.
    pub token: String,
    /// The application.
    pub application: u64,
    /// The server.
    pub guild: u64,
    /// Its one channel.
    pub channel: u64,
}

impl Twin {
    /// Installs it if need be, and starts it.
    pub fn start() -> Twin {
        let folder = install();
        let mut child = Command::new("node")
            .arg("twin.mjs")
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node 20 or later is there (Debian: apt-get install nodejs npm)");
        let input = child.stdin.take().expect("an input");
        let mut output = BufReader::new(child.stdout.take().expect("an output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a first line");
        let begun: Value = serde_json::from_str(&line).expect("the twin says where it is; see above why not");
        let id = |field: &str| begun[field].as_str().and_then(|id| id.parse().ok()).expect("a snowflake");
        Twin {
            child,
            lines: Mutex::new((input, output)),
            proxy: format!("http://127.0.0.1:{}", begun["port"]),
            token: begun["token"].as_str().expect("a token").to_owned(),
            application: id("application"),
            guild: id("guild"),
            channel: id("channel"),
        }
    }

    /// ana says something; the message.
    pub fn says(&self, content: &str) -> Value {
        self.does(json!({"do": "says", "content": content}))
    }

    /// ana changes what she said.
    pub fn edits(&self, message: &Value, content: &str) {
        self.does(json!({"do": "edits", "message": message["id"], "content": content}));
    }

    /// ana types a command, with options as Discord sends them.
    pub fn command(&self, name: &str, options: Value) {
        self.does(json!({"do": "command", "name": name, "options": options}));
    }

    /// ana presses a button with this label.
    pub fn taps(&self, message: &Value, label: &str) {
        let controls = super::log::controls(message);
        let button = controls.iter().find(|one| one["label"] == label).expect("a button with this label");
        self.does(json!({"do": "taps", "message": message["id"], "custom_id": button["custom_id"]}));
    }

    /// ana picks an option from the message's menu.
    pub fn picks(&self, message: &Value, label: &str) {
        let controls = super::log::controls(message);
        let options = |menu: &Value| menu["options"].as_array().cloned().unwrap_or_default();
        let found = controls.iter().find_map(|menu| {
            let option = options(menu).into_iter().find(|option| option["label"] == label)?;
            Some((menu["custom_id"].clone(), option["value"].clone()))
        });
        let (custom_id, value) = found.expect("an option with this label");
        self.does(
            json!({"do": "picks", "message": message["id"], "custom_id": custom_id, "values": [value]}),
        );
    }

    /// ana sends a form.
    pub fn submits(&self, custom_id: &str, fields: Value) {
        self.does(json!({"do": "submits", "custom_id": custom_id, "fields": fields}));
    }

    /// Waits for a message of the channel, as it stands now.
    #[track_caller]
    pub fn hears(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let messages = self.does(json!({"do": "messages"}));
            let messages = messages.as_array().cloned().unwrap_or_default();
            if let Some(found) = messages.iter().find(|message| fits(message)) {
                return found.clone();
            }
            assert!(began.elapsed() < Duration::from_secs(10), "nothing fits among {messages:#?}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    #[track_caller]
    fn does(&self, what: Value) -> Value {
        let mut lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        writeln!(lines.0, "{what}").and_then(|()| lines.0.flush()).expect("the twin listens");
        let mut line = String::new();
        lines.1.read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert!(answer["error"].is_null(), "the twin could not do {what}: {}", answer["error"]);
        answer["ok"].clone()
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the twin is installed. Tests that run at the same time wait for the one that installs.
fn install() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("discord-twin");
    fs::create_dir_all(&folder).expect("a folder below target/");
    let lock = File::create(folder.join("lock")).expect("a lock");
    lock.lock().expect("a turn");
    fs::write(folder.join("twin.mjs"), SCRIPT).expect("written");
    let installed = folder.join("installed.json");
    if fs::read_to_string(&installed).is_ok_and(|package| package == PACKAGE) {
        return folder;
    }
    fs::write(folder.join("package.json"), PACKAGE).expect("written");
    let done = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"])
        .current_dir(&folder)
        .stdout(Stdio::null())
        .status()
        .expect("npm is there: the conversations with discord-digital-twin need it (Debian: apt-get install nodejs npm)");
    assert!(done.success(), "npm could not install discord-digital-twin; see above why");
    fs::write(installed, PACKAGE).expect("written");
    folder
}
