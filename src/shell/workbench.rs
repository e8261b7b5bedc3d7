//! The moderators' workbench: testing, translating, changing, and putting into service.

pub mod census;
pub mod revisions;
pub mod scorecard;
pub mod test;
pub mod translate;
pub mod watch;
