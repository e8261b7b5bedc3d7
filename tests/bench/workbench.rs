//! `cargo bench --bench workbench`: how long a moderator waits, for the shipped scripts and for guides made to be long.

use std::time::Instant;

use lantern::library::Library;
use lantern::{lint, proof, script};

/// A sound guide of so many steps: each leads on, back to the first, and to help.
fn made(steps: usize) -> String {
    let mut page =
        "---\nid: long\nlanguage: en\n---\n\n# Step 0\n\nTyping *help now* works at any time.\n\n".to_owned();
    for at in 0..steps - 1 {
        page.push_str(&format!(
            "- [On to the next](#step-{})\n- [I need someone to talk to now](../crisis/en.md)\n\n## Step {}\n\nThis is the step number {}. It says a little more.\n\n",
            at + 1,
            at + 1,
            at + 1,
        ));
    }
    page + "You can type *help now*.\n\n(end)\n"
}

/// Seconds for reading, checking and proving what `lantern check` does of one page among the built-in scripts.
fn check(page: &str) -> f64 {
    let began = Instant::now();
    let library = Library::read([("long/en.md", page)]).unwrap_or_else(|found| panic!("{}", found[0]));
    let found = lint::check(&library);
    assert!(found.iter().all(|one| !one.is_error()), "{}", found[0]);
    assert!(proof::prove(&library).failures.is_empty());
    began.elapsed().as_secs_f64()
}

fn line(what: &str, value: String, asked: &str) {
    println!("{what:<64} {value:>16}   {asked}");
}

fn main() {
    // Everything that is made once is made.
    let _ = check(&made(10));
    let nothing = check(&made(2));
    line("check, the built-in scripts, everything compiled", format!("{:.0} ms", nothing * 1e3), "");
    let read = |steps: usize| {
        let page = made(steps);
        let mut times: Vec<f64> = (0..5).map(|_| (check(&page) - nothing).max(1e-6)).collect();
        times.sort_by(f64::total_cmp);
        let began = Instant::now();
        let guide = script::read("long/en.md", &page).unwrap_or_else(|found| panic!("{}", found[0]));
        assert_eq!(guide.steps().len(), steps);
        (times[2], began.elapsed().as_secs_f64())
    };
    let (short, _) = read(1_000);
    let (long, reading) = read(10_000);
    line("check, a guide of 1,000 steps, beyond that", format!("{:.0} ms", short * 1e3), "");
    line("check, a guide of 10,000 steps, beyond that", format!("{:.0} ms", long * 1e3), "at most 2,000 ms");
    line("    of which reading it", format!("{:.0} ms", reading * 1e3), "");
    line("    10,000 / 1,000 steps", format!("{:.1}", long / short), "at most 12: linear");
}
