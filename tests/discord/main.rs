//! Lantern on Discord: what members, moderators and operators see, on a fake of Discord that holds every request
//! against Discord's own description of its API.
#![allow(missing_docs, reason = "tests are named as sentences")]

mod lantern;
mod member;
mod moderator;
mod operator;
mod public;
mod storm;
mod transcripts;
mod twin;

#[path = "../support/discord/mod.rs"]
pub mod support;
