//! moderator
