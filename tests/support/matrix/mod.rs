//! A real homeserver, people who use clients that nobody here wrote, and Lantern as a process of its own.
#![allow(dead_code, reason = "each test uses its part")]

pub mod proxy;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What the tests install, in a folder of their own below `target`: the homeserver, and the clients.
const PACKAGES: [&str; 2] = ["matrix-synapse==1.163.2", "matrix-nio[e2e]==0.26.0"];
/// How long something may take that should take a moment: the machine may be busy.
pub const PATIENCE: u64 = 60;

pub fn python() -> PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON
        .get_or_init(|| {
            let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix-venv");
            let python = venv.join("bin/python");
            let ready = venv.join("ready");
            if fs::read_to_string(&ready).ok().as_deref() == Some(&PACKAGES.join(" ")) {
                return python;
            }
            let _ = fs::remove_dir_all(&venv);
            let run = |command: &mut Command| {
                let status =
                    command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("python3 is there");
                assert!(status.success(), "{command:?} failed");
            };
            run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
            run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES));
            fs::write(&ready, PACKAGES.join(" ")).expect("a mark");
            python
        })
        .clone()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/matrix").join(name)
}

/// A port that nobody uses now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port()
}

/// A homeserver of our own. It ends with the process that started it.
pub struct Synapse {
    pub port: u16,
    control: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _folder: tempfile::TempDir,
    _child: Child,
}

impl Synapse {
    /// The one that all tests of a binary share.
    pub fn shared() -> &'static Synapse {
        static SHARED: OnceLock<Synapse> = OnceLock::new();
        SHARED.get_or_init(|| Synapse::start(""))
    }

    /// Another one, with more in its configuration.
    pub fn start(more: &str) -> Synapse {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let at = folder.path().display();
        let limits: String =
            ["message", "registration", "joins_per_room", "invite_creation", "reports", "delayed_event_mgmt"]
                .iter()
                .map(|name| format!("rc_{name}: {{per_second: 10000, burst_count: 10000}}\n"))
                .collect();
        let limits = if more.contains("rc_message") {
            limits
                .lines()
                .filter(|line| !line.starts_with("rc_message"))
                .map(|line| format!("{line}\n"))
                .collect()
        } else {
            limits
        };
        let config = format!(
            "server_name: localhost
pid_file: {at}/pid
listeners:
  - {{port: {port}, bind_addresses: ['127.0.0.1'], type: http, tls: false, resources: [{{names: [client]}}]}}
database: {{name: sqlite3, args: {{database: '{at}/homeserver.db'}}}}
log_config: {at}/log.yaml
media_store_path: {at}/media
signing_key_path: {at}/signing.key
registration_shared_secret: shared
macaroon_secret_key: secret
form_secret: secret
report_stats: false
enable_registration: true
enable_registration_without_verification: true
trusted_key_servers: []
presence: {{enabled: false}}
rc_login: {{address: {{per_second: 10000, burst_count: 10000}}, account: {{per_second: 10000, burst_count: 10000}}, failed_attempts: {{per_second: 10000, burst_count: 10000}}}}
rc_joins: {{local: {{per_second: 10000, burst_count: 10000}}, remote: {{per_second: 10000, burst_count: 10000}}}}
rc_invites: {{per_room: {{per_second: 10000, burst_count: 10000}}, per_user: {{per_second: 10000, burst_count: 10000}}, per_issuer: {{per_second: 10000, burst_count: 10000}}}}
rc_key_requests: {{per_second: 10000, burst_count: 10000}}
rc_room_creation: {{per_second: 10000, burst_count: 10000}}
{limits}{more}
"
        );
        let log = "version: 1\nroot: {level: WARNING, handlers: [console]}\nhandlers: {console: {class: logging.StreamHandler}}\n";
        for (name, text) in [
            ("homeserver.yaml", config.as_str()),
            ("log.yaml", log),
            ("signing.key", "ed25519 a_test 0000000000000000000000000000000000000000000\n"),
        ] {
            fs::write(folder.path().join(name), text).expect("written");
        }
        let mut child = Command::new(python())
            .arg(script("synapse.py"))
            .arg(folder.path())
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut out = BufReader::new(child.stdout.take().expect("an output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        assert_eq!(
            line,
            "start\n",
            "{}",
            fs::read_to_string(folder.path().join("out.log")).unwrap_or_default()
        );
        let control = Mutex::new((child.stdin.take().expect("an input"), out));
        Synapse { port, control, _folder: folder, _child: child }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn command(&self, command: &str) {
        let mut control = self.control.lock().expect("a lock");
        writeln!(control.0, "{command}").expect("it listens");
        let mut line = String::new();
        control.1.read_line(&mut line).expect("an answer");
        assert_eq!(line.trim(), command);
    }

    /// `kill -9`.
    pub fn kill(&self) {
        self.command("kill");
    }

    /// Starts it again, with all that it had.
    pub fn start_again(&self) {
        self.command("start");
    }

    /// As if that many more milliseconds had gone by since everything that was said. It must not run.
    pub fn age_all_events(&self, milliseconds: u64) {
        let text = "
import json, sqlite3, sys
store = sqlite3.connect(sys.argv[1])
for event, text in store.execute('select event_id, json from event_json').fetchall():
    event_json = json.loads(text)
    age = event_json.get('unsigned', {}).get('age_ts')
    if age is not None:
        event_json['unsigned']['age_ts'] = age - int(sys.argv[2])
        store.execute('update event_json set json = ? where event_id = ?', (json.dumps(event_json), event))
store.commit()
";
        let status = Command::new(python())
            .args(["-c", text])
            .arg(self._folder.path().join("homeserver.db"))
            .arg(milliseconds.to_string())
            .status()
            .expect("it runs");
        assert!(status.success());
    }

    /// Rooms made by a crowd of four, in which a bot with this token is, and what is said in each: one text a message.
    pub fn fill_rooms(
        &self,
        bot: &str,
        token: &str,
        rooms: usize,
        said: impl Fn(usize) -> Vec<String> + Sync,
    ) {
        let port = self.port;
        let fill = |from: usize| {
            let (_, of_crowd, _) = self.register(&unique("crowd"));
            for room in (from..rooms).step_by(4) {
                let made = json!({ "preset": "trusted_private_chat", "invite": [bot], "is_direct": true });
                let (status, answer) = http(port, "POST", "/_matrix/client/v3/createRoom", &of_crowd, &made);
                assert_eq!(status, 200, "{answer}");
                let id = answer["room_id"].as_str().expect("a room").replace('!', "%21").replace(':', "%3A");
                http(port, "POST", &format!("/_matrix/client/v3/join/{id}"), token, &json!({}));
                for (at, text) in said(room).into_iter().enumerate() {
                    let path = format!("/_matrix/client/v3/rooms/{id}/send/m.room.message/m{at}");
                    http(port, "PUT", &path, &of_crowd, &json!({ "msgtype": "m.text", "body": text }));
                }
            }
        };
        std::thread::scope(|scope| {
            for from in 0..4 {
                let fill = &fill;
                scope.spawn(move || fill(from));
            }
        });
    }

    /// Another token for an account, of a device of its own.
    pub fn sign_in(&self, user: &str) -> String {
        let login = json!({
            "type": "m.login.password", "identifier": { "type": "m.id.user", "user": user }, "password": password(user),
        });
        let (status, answer) = http(self.port, "POST", "/_matrix/client/v3/login", "", &login);
        assert_eq!(status, 200, "{answer}");
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    /// Makes an account. Gives its id, a device's access token and the device's name.
    pub fn register(&self, user: &str) -> (String, String, String) {
        let body = json!({
            "username": user, "password": password(user), "auth": { "type": "m.login.dummy" },
            "initial_device_display_name": "registration",
        });
        let (status, answer) = http(self.port, "POST", "/_matrix/client/v3/register", "", &body);
        assert_eq!(status, 200, "{answer}");
        let text = |name: &str| answer[name].as_str().expect("a text").to_owned();
        (text("user_id"), text("access_token"), text("device_id"))
    }
}

pub fn password(user: &str) -> String {
    format!("password of {user}")
}

/// A name that no other test uses.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{name}{}", COUNT.fetch_add(1, Ordering::SeqCst))
}

/// One request, without any library: status and JSON.
pub fn http(port: u16, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a server");
    let body = if method == "GET" { String::new() } else { body.to_string() };
    let bearer = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let (head, mut text) =
        answer.split_once("\r\n\r\n").map_or(("", String::new()), |(head, text)| (head, text.to_owned()));
    if head.to_lowercase().contains("transfer-encoding: chunked") {
        text = unchunk(&text);
    }
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn unchunk(mut text: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        whole.push_str(&rest[..size]);
        text = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

/// People who use matrix-nio, in one process.
pub struct World {
    input: Mutex<ChildStdin>,
    waiting: Arc<Mutex<HashMap<u64, mpsc::Sender<Value>>>>,
    count: AtomicU64,
    child: Mutex<Child>,
    /// The devices' own files.
    _folder: tempfile::TempDir,
}

impl World {
    pub fn new(server: &str) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(python())
            .arg(script("client.py"))
            .arg(server)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("SHOW_CLIENTS").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("an output"));
        let waiting: Arc<Mutex<HashMap<u64, mpsc::Sender<Value>>>> = Arc::default();
        let hearing = Arc::clone(&waiting);
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let Ok(answer) = serde_json::from_str::<Value>(&line) else { continue };
                let id = answer["re"].as_u64().unwrap_or(0);
                if let Some(waiting) = hearing.lock().expect("a lock").remove(&id) {
                    let _ = waiting.send(answer);
                }
            }
        });
        let input = Mutex::new(child.stdin.take().expect("an input"));
        World { input, waiting, count: AtomicU64::new(1), child: Mutex::new(child), _folder: folder }
    }

    /// Begins something, and gives a way to wait for its end.
    pub fn begin(&self, mut ask: Value) -> mpsc::Receiver<Value> {
        let id = self.count.fetch_add(1, Ordering::SeqCst);
        ask["id"] = id.into();
        let (tell, hear) = mpsc::channel();
        self.waiting.lock().expect("a lock").insert(id, tell);
        let mut input = self.input.lock().expect("a lock");
        writeln!(input, "{ask}").and_then(|()| input.flush()).expect("the clients listen");
        hear
    }

    pub fn try_ask(&self, ask: Value) -> Value {
        let what = ask.to_string();
        self.begin(ask)
            .recv_timeout(Duration::from_secs(2 * PATIENCE))
            .unwrap_or_else(|_| panic!("no answer to {what}"))
    }

    pub fn ask(&self, ask: Value) -> Value {
        let what = ask.to_string();
        let answer = self.try_ask(ask);
        assert!(answer.get("error").is_none(), "{what}: {answer}");
        answer
    }

    /// Somebody who has registered, at a device.
    pub fn person(&self, synapse: &Synapse, name: &str) -> Person<'_> {
        let user = unique(name);
        synapse.register(&user);
        self.device(&user)
    }

    /// The name by which a person is asked for something.
    pub fn name<'p>(&self, person: &'p Person<'_>) -> &'p str {
        &person.who
    }

    /// Another device of an account.
    pub fn device(&self, user: &str) -> Person<'_> {
        let who = unique(user);
        let answer = self.ask(json!({ "do": "login", "who": who, "user": user, "password": password(user) }));
        let id = answer["user"].as_str().expect("an id").to_owned();
        Person { world: self, who, user: user.to_owned(), id }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let mut child = self.child.lock().expect("a lock");
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Somebody at a device.
pub struct Person<'w> {
    world: &'w World,
    who: String,
    pub user: String,
    pub id: String,
}

impl<'w> Person<'w> {
    pub fn ask(&self, what: &str, mut with: Value) -> Value {
        with["do"] = what.into();
        with["who"] = self.who.as_str().into();
        self.world.ask(with)
    }

    /// A room with these people in it.
    pub fn room(&'w self, with: Value) -> Talk<'w> {
        let bot = with["invite"][0].as_str().unwrap_or_default().to_owned();
        let room = self.ask("room", with)["room"].as_str().expect("a room").to_owned();
        Talk { person: self, room, bot, from: Mutex::new(0) }
    }

    /// A conversation with the bot alone.
    pub fn direct(&'w self, bot: &str, encrypted: bool) -> Talk<'w> {
        let talk = self.room(json!({ "invite": [bot], "encrypted": encrypted, "direct": true }));
        talk.wait_for_bot();
        talk
    }

    /// The same room on this device.
    pub fn at(&'w self, talk: &Talk<'_>) -> Talk<'w> {
        let from = self.ask("position", json!({}))["next"].as_u64().unwrap_or(0);
        Talk { person: self, room: talk.room.clone(), bot: talk.bot.clone(), from: Mutex::new(from) }
    }
}

/// A room, as one person sees it.
pub struct Talk<'w> {
    pub person: &'w Person<'w>,
    pub room: String,
    pub bot: String,
    from: Mutex<u64>,
}

impl Talk<'_> {
    pub fn ask(&self, what: &str, mut with: Value) -> Value {
        with["room"] = self.room.as_str().into();
        self.person.ask(what, with)
    }

    /// Waits until the bot is in the room, so that it gets the keys.
    pub fn wait_for_bot(&self) {
        let end = Instant::now() + Duration::from_secs(PATIENCE);
        while Instant::now() < end {
            let members = self.ask("members", json!({}));
            if members["members"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| *one == self.bot.as_str()))
            {
                self.ask("ready", json!({ "members": 2 }));
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{} never came to {}", self.bot, self.room);
    }

    pub fn say(&self, text: &str) -> String {
        self.send(json!({ "text": text }))
    }

    pub fn send(&self, with: Value) -> String {
        self.ask("send", with)["event"].as_str().expect("an event").to_owned()
    }

    pub fn react(&self, event: &str, key: &str) -> String {
        let relation = json!({ "rel_type": "m.annotation", "event_id": event, "key": key });
        self.send(json!({ "type": "m.reaction", "content": { "m.relates_to": relation } }))
    }

    /// The next `count` events of these types by the bot.
    pub fn hear_types(&self, count: usize, types: &[&str], seconds: u64) -> Vec<Value> {
        let mut from = self.from.lock().expect("a lock");
        let with =
            json!({ "sender": self.bot, "from": *from, "count": count, "types": types, "seconds": seconds });
        let answer = self.ask("hear", with);
        *from = answer["next"].as_u64().unwrap_or(0);
        answer["events"].as_array().expect("a list").clone()
    }

    /// The next message of the bot.
    pub fn hear(&self) -> Value {
        let mut events = self.hear_types(1, &["m.room.message"], PATIENCE);
        assert!(!events.is_empty(), "the bot said nothing");
        events.remove(0)
    }

    /// The words of the next message of the bot.
    pub fn words(&self) -> String {
        body(&self.hear())
    }

    /// The first message of the bot from here on with these words in it. Others may come before it: whoever comes to
    /// a room while the bot does may see what was said to everybody, or not.
    pub fn hear_until(&self, words: &str) -> Value {
        loop {
            let event = self.hear();
            if body(&event).contains(words) {
                return event;
            }
        }
    }

    /// Everything that the bot says within this time.
    pub fn all(&self, seconds: u64) -> Vec<Value> {
        self.hear_types(usize::MAX >> 12, &["m.room.message"], seconds)
    }

    /// That the bot says nothing for a while.
    pub fn silence(&self, seconds: u64) {
        let said: Vec<String> = self.hear_types(1, &["m.room.message"], seconds).iter().map(body).collect();
        assert!(said.is_empty(), "the bot said {said:?}");
    }
}

pub fn body(event: &Value) -> String {
    event["content"]["body"].as_str().unwrap_or_default().to_owned()
}

/// Lantern as a process of its own.
pub struct Bot {
    child: Option<Child>,
    pub id: String,
    pub folder: PathBuf,
    /// The folder of its device.
    pub device: PathBuf,
    pub user: String,
    /// More lines in its section of the settings.
    pub more: String,
    server: String,
    log: Arc<Mutex<String>>,
    _kept: Option<tempfile::TempDir>,
}

impl Bot {
    /// A bot with an account of its own.
    pub fn start(synapse: &Synapse) -> Bot {
        Bot::at(synapse, &synapse.address(), "")
    }

    /// The same through another address, and with more lines in its section of the settings.
    pub fn at(synapse: &Synapse, server: &str, more: &str) -> Bot {
        let mut bot = Bot::new(synapse, server, more);
        bot.run();
        bot
    }

    /// The same, and not yet started.
    pub fn new(synapse: &Synapse, server: &str, more: &str) -> Bot {
        let user = unique("lantern");
        let (id, ..) = synapse.register(&user);
        Bot::in_new_folder(id, user, server, more)
    }

    fn in_new_folder(id: String, user: String, server: &str, more: &str) -> Bot {
        let kept = tempfile::tempdir().expect("a folder");
        Bot {
            child: None,
            id,
            folder: kept.path().to_owned(),
            device: kept.path().join("matrix"),
            user,
            more: more.to_owned(),
            server: server.to_owned(),
            log: Arc::default(),
            _kept: Some(kept),
        }
    }

    /// Another one for the same account, with a folder of its own, not yet started.
    pub fn twin(&self) -> Bot {
        Bot::in_new_folder(self.id.clone(), self.user.clone(), &self.server, &self.more)
    }

    pub fn password(&self) -> String {
        password(&self.user)
    }

    /// Starts it, again.
    pub fn run(&mut self) {
        let password = password(&self.user);
        self.run_with(&[("MATRIX_PASSWORD", &password)]);
        self.wait_for("answering");
    }

    /// Starts it with these secrets, and waits for nothing.
    pub fn run_with(&mut self, secrets: &[(&str, &str)]) {
        let settings = format!(
            "[store]\npath = \"{0}/sessions\"\n[matrix]\nhomeserver = \"{1}\"\nuser = \"{2}\"\ndevice_path = \"{4}\"\n{3}\n",
            self.folder.display(),
            self.server,
            self.user,
            self.more,
            self.device.display()
        );
        let file = self.folder.join("bot.toml");
        fs::write(&file, settings).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lantern"));
        command.arg("--config").arg(&file).arg("run");
        for name in ["MATRIX_PASSWORD", "MATRIX_ACCESS_TOKEN", "DISCORD_TOKEN"] {
            command.env_remove(name);
        }
        let mut child = command
            .current_dir(&self.folder)
            .envs(secrets.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let err = BufReader::new(child.stderr.take().expect("a log"));
        self.log.lock().expect("a lock").clear();
        let log = Arc::clone(&self.log);
        std::thread::spawn(move || {
            for line in err.lines().map_while(Result::ok) {
                if std::env::var_os("SHOW_BOT").is_some() {
                    eprintln!("bot: {line}");
                }
                let mut log = log.lock().expect("a lock");
                log.push_str(&line);
                log.push('\n');
            }
        });
        self.child = Some(child);
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        self.log.lock().expect("a lock").clone()
    }

    /// Waits for words in its log.
    pub fn wait_for(&self, words: &str) {
        let end = Instant::now() + Duration::from_secs(PATIENCE);
        while !self.log().contains(words) {
            assert!(Instant::now() < end, "no \"{words}\" in the log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
    }

    /// Waits for its end. Says whether it was a good one.
    pub fn wait(&mut self) -> bool {
        self.child.take().expect("it runs").wait().expect("gone").success()
    }

    pub fn process(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.kill();
    }
}
