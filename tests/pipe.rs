//! The harness protocol: a public interface, held to the schema that the program prints.

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{Pipe, lantern, run, text};

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn schema() -> Value {
    let output = lantern().args(["pipe", "--schema"]).output().expect("the program runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn validator(of: &str) -> jsonschema::Validator {
    let mut schema = schema();
    schema.as_object_mut().expect("an object").remove("oneOf");
    schema["$ref"] = json!(format!("#/$defs/{of}"));
    jsonschema::validator_for(&schema).expect("a sound schema")
}

#[test]
fn every_answer_is_as_the_schema_says() {
    let mut pipe = Pipe::start(here(), &[]);
    for request in [
        r#"{"do":"say","person":"a","text":"start ketamine"}"#,
        r#"{"do":"choose","person":"a","choice":1}"#,
        r#"{"do":"choose","person":"a","choice":"nothing of the kind"}"#,
        r#"{"do":"choose","person":"a","choice":99}"#,
        r#"{"do":"say","person":"a","text":"i want to die","public":false,"country":"GB"}"#,
        r#"{"do":"say","person":"b","text":"i want to die","public":true,"country":"US"}"#,
        r#"{"do":"say","person":"a","text":"help now"}"#,
        r#"{"do":"say","person":"a","text":"notes"}"#,
        r#"{"do":"say","person":"a","text":"what does it say about suicide"}"#,
        r#"{"do":"state","person":"a"}"#,
        r#"{"do":"state","person":"nobody"}"#,
        r#"{"do":"wait","seconds":100}"#,
        r#"{"do":"restart"}"#,
        r##"{"do":"check","text":"# no front matter"}"##,
        r#"{"do":"coverage"}"#,
        r#"{"do":"forget","person":"a"}"#,
        r#"{"do":"reset","seed":7}"#,
        r#"{"do":"dance"}"#,
        r#"{"do":"say","person":"a","text":"x","colour":"red"}"#,
        r#"{"do":"say","person":7,"text":"x"}"#,
        r#"{"do":"wait","seconds":-1}"#,
    ] {
        pipe.ask(request);
    }
    pipe.send("not json");
    assert_eq!(pipe.next().expect("a line")["code"], "P001");
    pipe.send(r#"{"do":"state","person":"a"}"#);
    let refused = pipe.next().expect("a line");
    assert_eq!((&refused["re"], &refused["code"]), (&Value::Null, &json!("P002")));
    let answers = validator("answer");
    let lines = pipe.bye();
    assert!(lines.len() > 40);
    for line in lines {
        assert!(
            answers.is_valid(&line),
            "{line}: {:?}",
            answers.iter_errors(&line).map(|error| error.to_string()).collect::<Vec<_>>()
        );
    }
}

#[test]
fn what_the_schema_refuses_the_program_refuses_and_the_other_way_round() {
    let requests = validator("request");
    let mut pipe = Pipe::start(here(), &[]);
    for (request, sound) in [
        (json!({"id": 1, "do": "say", "person": "p", "text": "hi"}), true),
        (json!({"id": "x", "do": "choose", "person": "p", "choice": "hi"}), true),
        (json!({"id": 1, "do": "say", "person": "p"}), false),
        (json!({"id": 1, "do": "say", "person": "p", "text": 1}), false),
        (json!({"id": 1, "do": "say", "person": "p", "text": "x", "more": 1}), false),
        (json!({"id": 1, "do": "wait", "seconds": "long"}), false),
        (json!({"id": 1, "do": "jump"}), false),
        (json!({"do": "coverage"}), false),
        (json!({"id": null, "do": "coverage"}), false),
        (json!({"id": 1, "do": "coverage"}), true),
        (json!({"id": 1, "do": "reset"}), true),
        (json!({"id": 1, "do": "check", "text": "x", "path": "a/en.md"}), true),
    ] {
        assert_eq!(requests.is_valid(&request), sound, "{request}");
        pipe.send(&request.to_string());
        let closing = std::iter::from_fn(|| pipe.next())
            .find(|line| line["event"] == "done" || line["event"] == "refused")
            .expect("a closing line");
        let refused = closing["event"] == "refused" && closing["code"] != "P003";
        assert_eq!(refused, !sound, "{request} was answered {closing}");
    }
}

#[test]
fn the_same_input_gives_the_same_output() {
    let input: String =
        ["start ketamine", "1", "i want to die", "1", "country canada", "back", "back", "notes", "forget me"]
            .iter()
            .enumerate()
            .map(|(id, text)| json!({"id": id, "do": "say", "person": "p", "text": text}).to_string() + "\n")
            .collect();
    let first = run(here(), &["pipe"], &input);
    let second = run(here(), &["pipe"], &input);
    assert!(first.status.success() && first.stdout.len() > 5_000);
    assert_eq!(text(&first), text(&second));
}

#[test]
fn the_example_of_the_design_holds() {
    let mut pipe = Pipe::start(here(), &[]);
    let answers = pipe.say("p1", "start ketamine");
    assert_eq!(answers[0]["event"], "moved");
    assert_eq!((&answers[0]["from"], &answers[0]["to"]), (&Value::Null, &json!("welcome")));
    assert_eq!(answers[1]["choices"][0]["n"], 1);
    assert_eq!(answers[2]["event"], "done");
    pipe.ask(r#"{"do":"choose","person":"p1","choice":1}"#);
    let state = pipe.state("p1");
    assert_eq!((&state["guide"], &state["trail"]), (&json!("ketamine"), &json!(["welcome"])));
    let crisis =
        pipe.ask(r#"{"do":"say","person":"p1","text":"i want to die","public":false,"country":"GB"}"#);
    assert_eq!(
        (&crisis[0]["event"], &crisis[0]["level"], &crisis[0]["who"]),
        (&json!("concern"), &json!("ideation"), &json!("self"))
    );
    assert_eq!((&crisis[1]["event"], &crisis[1]["crisis"]), (&json!("said"), &json!("ideation")));
    assert!(crisis[1]["resources"].as_array().expect("a list").contains(&json!("GB/samaritans")));
    assert!(crisis[1]["text"].as_str().expect("words").contains("116 123"));
    assert_eq!(pipe.state("p1")["step"], state["step"], "the place is unchanged");
    let refused = pipe.ask(r#"{"do":"choose","person":"p1","choice":99}"#);
    assert_eq!(refused[0]["code"], "P003");
}

#[test]
fn a_label_that_nobody_offered_is_heard_first() {
    let mut pipe = Pipe::start(here(), &[]);
    pipe.say("p", "start ketamine");
    let answers = pipe.ask(r#"{"do":"choose","person":"p","choice":"i want to kill myself"}"#);
    assert!(answers.iter().any(|line| line["crisis"] == "ideation"), "{answers:?}");
}

#[test]
fn people_do_not_meet_and_time_passes_for_all() {
    let mut pipe = Pipe::start(here(), &[]);
    pipe.say("a", "start ketamine");
    pipe.say("b", "start supporting-someone");
    assert_eq!(pipe.state("a")["guide"], "ketamine");
    pipe.ask(r#"{"do":"restart"}"#);
    assert_eq!(pipe.state("a")["guide"], "ketamine", "a restart forgets nothing that was kept");
    pipe.ask(r#"{"do":"wait","seconds":86400}"#);
    assert_eq!(pipe.state("a")["guide"], Value::Null, "a day later nothing is left");
}

#[test]
fn no_line_however_odd_ends_the_program() {
    let long = format!(
        "{{\"id\":1,\"do\":\"say\",\"person\":\"p\",\"text\":\"{}\"}}",
        "i want to die ".repeat(70_000)
    );
    let lines = [
        "",
        "{}",
        "[]",
        "null",
        "\u{0}",
        "{\"id\":1e999}",
        "{\"id\":1,\"do\":\"say\",\"person\":\"\",\"text\":\"\"}",
        &long,
        "{\"id\":2,\"do\":\"bye\"}",
    ];
    let output = run(here(), &["pipe"], &(lines.join("\n") + "\n"));
    assert!(output.status.success());
    assert!(text(&output).lines().last().expect("a line").contains("\"done\""));
    assert!(text(&output).contains("\"crisis\":\"ideation\""), "a long message is heard to its end");
    let mut child = lantern()
        .arg("pipe")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    std::io::Write::write_all(
        &mut child.stdin.take().expect("an input"),
        b"\xff\xfe\n{\"id\":1,\"do\":\"bye\"}\n",
    )
    .expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && text(&output).contains("not UTF-8"));
}

#[test]
fn scan_answers_in_order_and_refuses_what_is_no_line() {
    let input = "{\"id\":1,\"text\":\"i want to die\"}\n{\"id\":\"b\",\"text\":\"nice weather\"}\nnope\n{\"text\":\"i will kill myself\",\"label\":1}\n";
    let output = run(here(), &["scan"], input);
    let lines: Vec<Value> =
        text(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(
        (&lines[0]["id"], &lines[0]["level"], &lines[0]["who"]),
        (&json!(1), &json!("ideation"), &json!("self"))
    );
    assert_eq!(
        (&lines[1]["id"], &lines[1]["level"], &lines[1]["who"], &lines[1]["rule"]),
        (&json!("b"), &json!("none"), &Value::Null, &Value::Null)
    );
    assert!(lines[2]["error"].as_str().expect("a reason").contains("this line is not"));
    assert_eq!(lines[3]["level"], "ideation");
    assert_eq!(output.status.code(), Some(1), "a refused line is told by the exit code");
}
