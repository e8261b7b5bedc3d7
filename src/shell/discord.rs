//! Lantern on Discord.

mod gateway;
mod outbox;
mod render;
mod wire;
