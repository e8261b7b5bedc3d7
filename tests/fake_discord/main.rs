//! The fake of Discord, checked with a small bot of serenity's: what it plays, and that it can fail.

#[path = "../support/discord/mod.rs"]
mod discord;

mod bot;
mod gateway;
mod plays;
mod rules;
mod trouble;
