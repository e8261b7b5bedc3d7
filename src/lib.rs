//! Lantern: a chat guide about depression that treatment has not helped, and about ketamine, which puts
//! crisis help in front of a person at once.
//!
//! **The rule to hold in the head: everything outside [`shell`] is pure.** No I/O, no clock, no
//! randomness, no runtime, no platform. The core takes values and returns values.
//!
//! How a message travels, and where to look:
//!
//! 1. [`safety`] — `screen(text) -> Concern` is asked before anything else, by every way in; `reply`
//!    makes the crisis reply from the crisis page and the resources of the person's country.
//! 2. [`engine`] — `turn(&Library, Session, &Event) -> (Session, Vec<Reply>)`: the whole dialogue.
//! 3. [`script`] — what a guide is, how it is read from Markdown, what leads where.
//! 4. [`library`] — all guides, crisis pages, phrases, wording and resources that belong together.
//! 5. [`lint`] — the rules a guide must keep before anybody can be walked through it.
//! 6. [`proof`] — every place that a person can be in, walked through the real `turn`.
//! 7. [`transcript`] — conversations as tests: read, played, recorded, generated, counted.
//! 8. [`diagnostic`] — how all of the above say where, what, and what to do.
//! 9. `shell` — everything that touches the world: configuration, files, stores, the terminal, Discord.
//!
//! The arrows point one way: `shell -> transcript, proof, lint -> engine -> library -> safety, script -> diagnostic`.

mod builtin;
pub mod diagnostic;
pub mod engine;
pub mod library;
pub mod lint;
pub mod proof;
pub mod safety;
pub mod script;
#[cfg(feature = "shell")]
pub mod shell;
pub mod transcript;
pub mod wording;
