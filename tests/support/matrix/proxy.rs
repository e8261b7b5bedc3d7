//! A proxy before the homeserver that writes down what passes, and misbehaves as it is told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It passes.
    Pass,
    /// 429, with so many milliseconds to wait.
    TooMuch(u64),
    /// This status and JSON, without the server.
    Answer(u16, String),
    /// It passes, and the answer has this date.
    Date(String),
    /// The server gets it, and its answer is lost.
    LoseAnswer,
    /// The connection is cut before the server gets it.
    Cut,
}

/// Decides by method, path and body.
pub type Rule = Box<dyn FnMut(&str, &str, &str) -> Fate + Send>;

pub struct Proxy {
    pub port: u16,
    /// Method, path and body of what passed to the server, in order.
    pub seen: Arc<Mutex<Vec<(String, String, String)>>>,
    rule: Arc<Mutex<Rule>>,
    closed: Arc<AtomicBool>,
}

impl Proxy {
    pub fn start(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let proxy = Proxy {
            port,
            seen: Arc::default(),
            rule: Arc::new(Mutex::new(Box::new(|_, _, _| Fate::Pass))),
            closed: Arc::default(),
        };
        let (seen, rule, closed) =
            (Arc::clone(&proxy.seen), Arc::clone(&proxy.rule), Arc::clone(&proxy.closed));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if closed.load(Ordering::SeqCst) {
                    let _ = client.shutdown(Shutdown::Both);
                    continue;
                }
                let (seen, rule) = (Arc::clone(&seen), Arc::clone(&rule));
                std::thread::spawn(move || drop(serve(client, server, &seen, &rule)));
            }
        });
        proxy
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn rule(&self, rule: impl FnMut(&str, &str, &str) -> Fate + Send + 'static) {
        *self.rule.lock().expect("a lock") = Box::new(rule);
    }

    /// Whether new connections are cut at once.
    pub fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    /// The messages that the bot sent, in order: path and body.
    pub fn messages(&self) -> Vec<(String, String)> {
        let seen = self.seen.lock().expect("a lock");
        let sent = seen.iter().filter(|(method, path, _)| method == "PUT" && path.contains("/send/m.room."));
        sent.map(|(_, path, body)| (path.clone(), body.clone())).collect()
    }
}

/// One request of a connection, which then ends: simple, and the same to whoever sends it.
fn serve(
    mut client: TcpStream,
    server: u16,
    seen: &Mutex<Vec<(String, String, String)>>,
    rule: &Mutex<Rule>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 65_536];
    let head = loop {
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..read]);
        if let Some(at) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let text = String::from_utf8_lossy(&request[..head]).into_owned();
    let length = text
        .lines()
        .find_map(|line| {
            line.to_lowercase().strip_prefix("content-length:").map(|n| n.trim().parse().unwrap_or(0))
        })
        .unwrap_or(0);
    while request.len() < head + length {
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..read]);
    }
    let mut words = text.split(' ');
    let (method, path) = (words.next().unwrap_or("").to_owned(), words.next().unwrap_or("").to_owned());
    let body = String::from_utf8_lossy(&request[head..]).into_owned();
    let fate = (rule.lock().expect("a lock"))(&method, &path, &body);
    match &fate {
        Fate::Cut => return Ok(()),
        Fate::TooMuch(wait) => {
            let body = format!(
                r#"{{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":{wait}}}"#
            );
            return write!(
                client,
                "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
        Fate::Answer(status, body) => {
            return write!(
                client,
                "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
        Fate::Pass | Fate::LoseAnswer | Fate::Date(_) => {}
    }
    let mut lines: Vec<&str> =
        text.trim_end().lines().filter(|line| !line.to_lowercase().starts_with("connection:")).collect();
    lines.push("Connection: close");
    let mut upstream = TcpStream::connect(("127.0.0.1", server))?;
    upstream.write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())?;
    upstream.write_all(&request[head..])?;
    seen.lock().expect("a lock").push((method, path, body));
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    if let Fate::Date(date) = &fate
        && let Some(begin) = answer.windows(8).position(|eight| eight == b"\r\nDate: ")
        && let Some(length) = answer[begin + 8..].windows(2).position(|two| two == b"\r\n")
    {
        answer.splice(begin + 8..begin + 8 + length, date.bytes());
    }
    if fate != Fate::LoseAnswer {
        client.write_all(&answer)?;
    }
    client.shutdown(Shutdown::Both)
}
