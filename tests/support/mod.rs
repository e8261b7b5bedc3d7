//! What several tests share: the program as a child process, and harness conversations.
#![allow(dead_code, reason = "each test uses its part")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

/// The program that the tests are about.
pub fn lantern() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lantern"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// Runs the program in a folder of its own, with `input`.
pub fn run(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = lantern()
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("an input");
    let input = input.to_owned();
    // A program that ends early closes its input: that is its right.
    let writing = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("the program ends");
    writing.join().expect("the input is written");
    output
}

/// What a run printed.
pub fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// What a run complained of.
pub fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A conversation with `lantern pipe`.
pub struct Pipe {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    id: u64,
    /// Every line that came back, for checks over all of them.
    pub lines: Vec<Value>,
}

impl Pipe {
    /// Starts the harness.
    pub fn start(folder: &Path, args: &[&str]) -> Pipe {
        let mut child = lantern()
            .arg("pipe")
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let input = child.stdin.take().expect("an input");
        let output = BufReader::new(child.stdout.take().expect("an output"));
        let mut pipe = Pipe { child, input, output, id: 0, lines: Vec::new() };
        let ready = pipe.next().expect("a first line");
        assert_eq!(ready["event"], "ready");
        pipe
    }

    /// One line of output; none once the program is gone.
    pub fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        if self.output.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"));
        self.lines.push(value.clone());
        Some(value)
    }

    /// Sends a line as it is.
    pub fn send(&mut self, line: &str) {
        let _ = writeln!(self.input, "{line}").and_then(|()| self.input.flush());
    }

    /// Sends a request without its id, and gives all answers to it, the closing one last.
    pub fn ask(&mut self, request: &str) -> Vec<Value> {
        self.id += 1;
        let mut object: Value = serde_json::from_str(request).expect("JSON");
        object["id"] = self.id.into();
        self.send(&object.to_string());
        let mut answers = Vec::new();
        while let Some(line) = self.next() {
            let closed = line["event"] == "done" || line["event"] == "refused";
            assert_eq!(line["re"], self.id, "an answer names its request");
            answers.push(line);
            if closed {
                break;
            }
        }
        answers
    }

    /// Says something as a person.
    pub fn say(&mut self, person: &str, text: &str) -> Vec<Value> {
        self.ask(&serde_json::json!({"do": "say", "person": person, "text": text}).to_string())
    }

    /// Where a person is.
    pub fn state(&mut self, person: &str) -> Value {
        self.ask(&serde_json::json!({"do": "state", "person": person}).to_string())[0].clone()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// Ends the program in good order.
    pub fn bye(mut self) -> Vec<Value> {
        self.ask(r#"{"do":"bye"}"#);
        assert!(self.child.wait().expect("gone").success());
        self.lines
    }
}
