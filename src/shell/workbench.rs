//! The moderators' workbench: testing, translating, changing and putting into service.

pub mod test;
pub mod translate;
