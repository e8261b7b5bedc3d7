//! The secret that turns a person into a key, and the key itself.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{StoreError, is_full};

/// The name of a record: HMAC-SHA-256 with the secret of platform, person and place. Without the
/// secret nobody can tell whose it is, or try out names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonKey([u8; 32]);

impl PersonKey {
    /// The key of a person in a place. Each part goes in with its length, so that no two lists of
    /// parts give the same bytes.
    pub fn new(secret: &Secret, platform: &str, person: &str, place: &str) -> Self {
        PersonKey(secret.hash(b"person", &[platform, person, place]))
    }

    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key from its bytes, as an export has them.
    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        PersonKey(bytes)
    }
}

/// Shows nothing: a key in a log would be a trace of a person.
impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKey(…)")
    }
}

/// 32 random bytes that never leave this machine.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A fresh secret from the system's randomness.
    ///
    /// # Errors
    ///
    /// Where the system has none.
    pub fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| StoreError::Failed(format!("the system gives no random bytes ({error})")))?;
        Ok(Secret(bytes))
    }

    /// A secret that everybody knows: for harnesses, where the same input must give the same output.
    pub fn from_seed(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Secret(bytes)
    }

    /// Reads the secret, or makes one that only its owner can read. It is on disk before it is used.
    ///
    /// # Errors
    ///
    /// Where the file can't be made or read, isn't 32 bytes long, or others can read it.
    pub fn load_or_create(path: &Path) -> Result<Self, StoreError> {
        let refuse = |reason: String| StoreError::Secret { path: path.to_owned(), reason };
        match Secret::load(path) {
            Ok(secret) => return secret.map_err(refuse),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refuse(error.to_string())),
        }
        let secret = Secret::random()?;
        match secret.publish(path) {
            Ok(()) => Ok(secret),
            // Another process was quicker: its secret is the one that counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Secret::load(path).map_err(|error| refuse(error.to_string()))?.map_err(refuse)
            }
            Err(error) if is_full(&error) => Err(StoreError::Full(path.to_owned())),
            Err(error) => Err(refuse(error.to_string())),
        }
    }

    /// Puts the secret where it belongs, unless there is one. It is whole under a name of its own first: a
    /// process that dies here leaves no half secret, and a link, unlike a rename, never replaces another's.
    fn publish(&self, path: &Path) -> io::Result<()> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".new-{:016x}", u64::from_be_bytes(random)));
        let unfinished = PathBuf::from(name);
        self.write(&unfinished)?;
        let linked = match fs::hard_link(&unfinished, path) {
            // Some file systems have no links.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) =>
            {
                fs::rename(&unfinished, path)
            }
            other => other,
        };
        // After a rename there is nothing left to remove.
        let _ = fs::remove_file(&unfinished);
        linked?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }

    fn load(path: &Path) -> io::Result<Result<Self, String>> {
        let mut file = File::open(path)?;
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions());
            if mode & 0o077 != 0 {
                return Ok(Err(format!(
                    "others can read it (mode {:03o}); please run chmod 600 on it",
                    mode & 0o777
                )));
            }
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let length = bytes.len();
        let wrong = format!(
            "it has {length} bytes and not 32; please restore it, or move it away to begin with an empty store"
        );
        Ok(<[u8; 32]>::try_from(bytes).map(Secret).map_err(|_| wrong))
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(&self.0)?;
        file.sync_all()
    }

    /// A keyed hash of a platform's name for an event; never 0, which stands for none.
    pub fn event_hash(&self, platform: &str, event: &str) -> u64 {
        let hash = self.hash(b"event", &[platform, event]);
        let first = hash.iter().take(8).fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        first.max(1)
    }

    fn hash(&self, purpose: &[u8], parts: &[&str]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("a key may have any length")
        };
        mac.update(purpose);
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_person_has_the_same_key_and_nobody_else_has_it() {
        let secret = Secret::from_seed(1);
        let key = PersonKey::new(&secret, "discord", "12", "3");
        assert_eq!(key, PersonKey::new(&secret, "discord", "12", "3"));
        for other in
            [("discord", "1", "23"), ("discord", "123", ""), ("matrix", "12", "3"), ("discord", "12", "4")]
        {
            assert_ne!(key, PersonKey::new(&secret, other.0, other.1, other.2));
        }
        assert_ne!(key, PersonKey::new(&Secret::from_seed(2), "discord", "12", "3"));
    }

    #[test]
    fn neither_key_nor_secret_can_slip_into_a_log() {
        let secret = Secret::from_seed(7);
        assert_eq!(
            format!("{secret:?} {:?}", PersonKey::new(&secret, "a", "b", "c")),
            "Secret(…) PersonKey(…)"
        );
    }

    #[test]
    #[cfg(unix)]
    fn the_secret_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let made = Secret::load_or_create(&path).expect("a secret");
        assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(Secret::load_or_create(&path).expect("the same").0, made.0);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("rights");
        let error = Secret::load_or_create(&path).expect_err("others can read it").to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn two_that_start_at_once_agree_on_one_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let secrets: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16).map(|_| scope.spawn(|| Secret::load_or_create(&path))).collect();
            starts.into_iter().map(|start| start.join().expect("no panic").expect("a secret").0).collect()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
        assert_eq!(std::fs::read(&path).expect("the file"), secrets[0]);
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("the folder").count(),
            1,
            "nothing is left lying about"
        );
    }

    #[test]
    fn a_short_secret_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        Secret::from_seed(1).write(&path).expect("written");
        OpenOptions::new().write(true).open(&path).expect("open").set_len(5).expect("cut");
        assert!(Secret::load_or_create(&path).expect_err("it is cut").to_string().contains("5 bytes"));
        assert_eq!(std::fs::read(&path).expect("still there").len(), 5);
    }
}
