//! The section `[matrix]` of bot.toml.

use std::path::PathBuf;

use serde::Deserialize;

/// What an operator can choose for Matrix. Secrets are not among it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MatrixConfig {
    /// The homeserver: its name, such as `example.org`, or its address. Empty: not on Matrix.
    pub homeserver: String,
    /// The account: `@lantern:example.org`, or `lantern`.
    pub user: String,
    /// The file that holds the account's password, where `MATRIX_PASSWORD` is not set; none where it is empty.
    pub password_file: PathBuf,
    /// The same for an access token, where `MATRIX_ACCESS_TOKEN` is not set.
    pub access_token_file: PathBuf,
    /// The folder of the device, its keys and its store.
    pub device_path: PathBuf,
    /// Whose invitations are accepted: `*` for anybody's, a server's name, or a person's id.
    pub invites: Vec<String>,
    /// Whether choices get reactions to tap.
    pub reactions: bool,
}

impl Default for MatrixConfig {
    fn default() -> Self {
        MatrixConfig {
            homeserver: String::new(),
            user: "lantern".to_owned(),
            password_file: PathBuf::new(),
            access_token_file: PathBuf::new(),
            device_path: "lantern-data/matrix".into(),
            invites: vec!["*".to_owned()],
            reactions: true,
        }
    }
}

impl MatrixConfig {
    /// Whether an invitation by this person is accepted.
    pub fn accepts(&self, person: &str) -> bool {
        let server = person.split_once(':').map(|(_, server)| server);
        self.invites.iter().any(|one| one == "*" || one == person || Some(one.as_str()) == server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invitations_are_accepted_from_anybody_a_server_or_a_person() {
        let config = |invites: &[&str]| MatrixConfig {
            invites: invites.iter().map(|one| (*one).to_owned()).collect(),
            ..MatrixConfig::default()
        };
        let (anna, ben) = ("@anna:example.org", "@ben:example.com:8448");
        assert!(config(&["*"]).accepts(anna));
        assert!(config(&["example.org"]).accepts(anna) && !config(&["example.org"]).accepts(ben));
        assert!(config(&["example.com:8448"]).accepts(ben));
        assert!(config(&[anna]).accepts(anna) && !config(&[anna]).accepts("@annabel:example.org"));
        assert!(!config(&[]).accepts(anna));
    }
}
