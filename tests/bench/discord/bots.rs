//! The bots that are measured, each a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use serenity::all::{
    ClientBuilder, Context, EventHandler, GatewayIntents, HttpBuilder, Message, async_trait,
};

/// The argument with which this program is the bot of serenity's.
pub const COUNTS: &str = "serenity-counts";

/// A bot, until it is dropped.
pub struct Bot {
    child: Child,
    said: Receiver<String>,
    metrics: Option<String>,
    folder: Option<tempfile::TempDir>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        // It may have ended by itself, which was noticed elsewhere.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bot {
    /// `lantern run` on these cores, on a fake of Discord. `prepare` is given the folder of its communities.
    pub fn lantern(
        api: &str,
        token: &str,
        cores: &str,
        scripts: Option<&Path>,
        prepare: impl FnOnce(&Path),
    ) -> Bot {
        let folder = tempfile::tempdir().expect("a folder");
        let (at, metrics) = (folder.path(), free_address());
        let communities = at.join("data/communities");
        fs::create_dir_all(&communities).expect("a folder");
        prepare(&communities);
        let scripts = scripts.unwrap_or(Path::new("none"));
        let settings = format!(
            "scripts = {scripts:?}\ncountry = \"GB\"\n[store]\npath = {:?}\n[discord]\napi = {api:?}\n[metrics]\nlisten = {metrics:?}\n",
            at.join("data"),
        );
        fs::write(at.join("bot.toml"), settings).expect("a file");
        let mut command = pinned(cores, Path::new(env!("CARGO_BIN_EXE_lantern")));
        let log = fs::File::create(at.join("log")).expect("a file");
        command.arg("--config").arg(at.join("bot.toml")).arg("run").current_dir(at).stderr(log);
        let mut bot = Bot::start(command, token);
        (bot.metrics, bot.folder) = (Some(metrics), Some(folder));
        bot
    }

    /// A bot of serenity's that counts so many messages.
    pub fn serenity(api: &str, token: &str, cores: &str, messages: usize) -> Bot {
        let mut command = pinned(cores, &std::env::current_exe().expect("this program"));
        command.args([COUNTS, api, &messages.to_string()]);
        Bot::start(command, token)
    }

    /// A bot of discord.py's that looks for words in so many messages.
    pub fn discord_py(python: &Path, api: &str, token: &str, cores: &str, messages: usize) -> Bot {
        let mut command = pinned(cores, python);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/discord/keywords.py");
        command.arg(script).args([api, &messages.to_string()]);
        Bot::start(command, token)
    }

    fn start(mut command: Command, token: &str) -> Bot {
        let mut child = command
            .env("DISCORD_TOKEN", token)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("taskset (util-linux) and the bot start");
        let output = BufReader::new(child.stdout.take().expect("an output"));
        let (tell, said) = channel();
        std::thread::spawn(move || {
            // Whoever listened is gone when the bot is.
            output.lines().map_while(Result::ok).for_each(|line| drop(tell.send(line)));
        });
        Bot { child, said, metrics: None, folder: None }
    }

    /// Waits until it has said that it is done.
    pub async fn is_done(&self) {
        loop {
            match self.said.try_recv() {
                Ok(line) if line == "done" => return,
                Err(TryRecvError::Disconnected) => panic!("the bot has ended by itself"),
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }

    /// The processor time that it has used, over all its threads.
    pub fn cpu(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("a running bot");
        let nanoseconds = threads.filter_map(Result::ok).filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// The memory that it holds now (`VmRSS`; `RssAnon` without what is read from files), or held at most (`VmHWM`), in MB of 2^20 bytes.
    pub fn memory(&self, which: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a running bot");
        let line = status.lines().find_map(|line| line.strip_prefix(which)).expect("Linux tells it");
        let kilobytes = line.trim_matches(|letter: char| !letter.is_ascii_digit());
        kilobytes.parse::<f64>().expect("a number") / 1024.0
    }

    /// A figure of Lantern's own, 0 where there is none yet.
    pub fn figure(&self, name: &str) -> f64 {
        let address = self.metrics.as_ref().expect("only Lantern has figures");
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("it listens");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or(0.0)
    }

    /// What it wrote into its log.
    pub fn log(&self) -> String {
        let folder = self.folder.as_ref().expect("only Lantern's log is kept");
        fs::read_to_string(folder.path().join("log")).unwrap_or_default()
    }
}

/// A program on some cores only.
fn pinned(cores: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores]).arg(program);
    command
}

/// Puts this program itself, with all that it starts from now on, on some cores only.
pub fn pin_self(cores: &str) {
    let pinned = Command::new("taskset")
        .args(["-cp", cores, &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    assert!(pinned, "this measures on Linux, with two cores or more and with taskset (util-linux)");
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// A Python with discord.py 2.7, installed below `target/` the first time; none where that can't be had.
pub fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("discord.py-2.7");
    let python = folder.join("bin/python");
    let works = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if !works(Command::new(&python).args(["-c", "import discord"])) {
        let made = works(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            && works(Command::new(&python).args(["-m", "pip", "install", "discord.py==2.7.*"]));
        if !made {
            return None;
        }
    }
    Some(python)
}

/// Is the bot of serenity's: it counts messages, and says "done" after so many. Never returns.
pub fn count(api: &str, messages: usize) {
    struct Counter(AtomicUsize, usize);

    #[async_trait]
    impl EventHandler for Counter {
        async fn message(&self, _: Context, _: Message) {
            if self.0.fetch_add(1, Ordering::Relaxed) + 1 == self.1 {
                println!("done");
            }
        }
    }

    let token = std::env::var("DISCORD_TOKEN").expect("a token");
    let intents = GatewayIntents::GUILDS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::DIRECT_MESSAGES
        | GatewayIntents::MESSAGE_CONTENT;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads").block_on(async {
        let http = HttpBuilder::new(token).proxy(api).ratelimiter_disabled(true).build();
        let client = ClientBuilder::new_with_http(http, intents);
        let client = client.event_handler(Counter(AtomicUsize::new(0), messages)).await;
        client.expect("a client").start().await.expect("it runs until it is killed");
    });
}
