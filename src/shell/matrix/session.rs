//! Signing in: once with a password, or with an access token; after that with what was kept. All secrets
//! are files of their own, readable for their owner alone, and written before what needs them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use matrix_sdk::authentication::matrix::MatrixSession;
use matrix_sdk::config::{RequestConfig, StoreConfig};
use matrix_sdk::cross_process_lock::CrossProcessLockConfig;
use matrix_sdk::encryption::{BackupDownloadStrategy, EncryptionSettings};
use matrix_sdk::ruma::api::client::account::whoami;
use matrix_sdk::ruma::api::client::session::login;
use matrix_sdk::ruma::api::client::uiaa;
use matrix_sdk::ruma::api::error::ErrorKind;
use matrix_sdk::store::RoomLoadSettings;
use matrix_sdk::{
    Client, SessionMeta, SessionTokens, SqliteCryptoStore, SqliteStateStore, SqliteStoreConfig,
};

use super::MatrixError;
use crate::shell::config::{MatrixConfig, secret_file};

/// What the device is called where people see it.
pub(super) const DEVICE_NAME: &str = "Lantern";
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What signs in. Taken from the environment or from files, never from bot.toml.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The account's password.
    pub password: Option<String>,
    /// An access token, instead.
    pub token: Option<String>,
}

impl Credentials {
    /// Takes `MATRIX_PASSWORD` or `MATRIX_ACCESS_TOKEN`, or what is in the files that the settings name.
    ///
    /// # Errors
    ///
    /// Where a file is named that can't be used.
    pub fn find(config: &MatrixConfig) -> Result<Self, MatrixError> {
        let one = |name: &str, file: &Path| -> Result<Option<String>, MatrixError> {
            if let Some(value) = std::env::var(name).ok().filter(|value| !value.trim().is_empty()) {
                return Ok(Some(value.trim().to_owned()));
            }
            if file.as_os_str().is_empty() {
                return Ok(None);
            }
            let text =
                secret_file(file).map_err(|why| MatrixError::File(file.to_owned(), io::Error::other(why)))?;
            Ok(Some(text.trim().to_owned()))
        };
        Ok(Credentials {
            password: one("MATRIX_PASSWORD", &config.password_file)?,
            token: one("MATRIX_ACCESS_TOKEN", &config.access_token_file)?,
        })
    }
}

/// The files of one account. Whoever has them open has them alone: two processes with one device would undo each
/// other's keys, and answer everything twice.
pub(super) struct Files(PathBuf, #[expect(dead_code, reason = "it is the lock")] File);

impl Files {
    /// The files in this folder, which is made if it isn't there.
    pub(super) fn open(folder: &Path) -> Result<Self, MatrixError> {
        let fails = |error| MatrixError::File(folder.to_owned(), error);
        fs::create_dir_all(folder).map_err(fails)?;
        #[cfg(unix)]
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).map_err(fails)?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(|error| MatrixError::File(path, error))?;
        lock.try_lock().map_err(|_| MatrixError::InUse(folder.to_owned()))?;
        Ok(Files(folder.to_owned(), lock))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The database.
    fn store(&self) -> PathBuf {
        self.path("store")
    }

    fn read(&self, name: &str) -> Result<Option<String>, MatrixError> {
        let path = self.path(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(MatrixError::File(path, error)),
        }
    }

    /// Writes a secret so that after any end of the program it is there whole, or the one before it is.
    fn write(&self, name: &str, text: &str) -> Result<(), MatrixError> {
        let path = self.path(name);
        let unfinished = self.path(&format!("{name}.new"));
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(&self.0)?.sync_all()
        };
        write().map_err(|error| MatrixError::File(path.clone(), error))
    }

    fn read_or_make(&self, name: &str, make: impl FnOnce() -> String) -> Result<String, MatrixError> {
        if let Some(text) = self.read(name)?.filter(|text| !text.is_empty()) {
            return Ok(text);
        }
        let text = make();
        self.write(name, &text)?;
        Ok(text)
    }

    /// The key that the database is encrypted with. It is on disk before there is a database.
    fn key(&self) -> Result<[u8; 32], MatrixError> {
        if self.read("key")?.is_none() && self.store().exists() {
            return Err(MatrixError::KeyLost(self.path("key"), self.store()));
        }
        let text = self.read_or_make("key", || hex(&random::<32>()))?;
        let bytes: Option<Vec<u8>> = (0..64)
            .step_by(2)
            .map(|at| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok()))
            .collect();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .filter(|_| text.len() == 64)
            .ok_or_else(|| MatrixError::KeyLost(self.path("key"), self.store()))
    }

    /// The device's name. It is on disk before the server knows it: a second try after an early end is the same device.
    fn device(&self) -> Result<String, MatrixError> {
        self.read_or_make("device", || format!("LANTERN{}", hex(&random::<4>()).to_uppercase()))
    }

    fn keep_session(&self, session: &MatrixSession) -> Result<(), MatrixError> {
        self.write("session.json", &serde_json::to_string(session).unwrap_or_default())
    }

    /// The recovery key, if there is one.
    pub(super) fn recovery_key(&self) -> Result<Option<String>, MatrixError> {
        self.read("recovery-key")
    }

    /// Keeps the recovery key.
    pub(super) fn keep_recovery_key(&self, key: &str) -> Result<(), MatrixError> {
        self.write("recovery-key", key)
    }

    /// The error of a session that the server has ended, and that can't be begun again without an operator.
    pub(super) fn ended(&self, credentials: &Credentials, softly: bool) -> MatrixError {
        match (&credentials.token, softly) {
            (Some(_), _) => MatrixError::TokenTakenBack(self.store()),
            (None, true) => MatrixError::SoftLogout,
            (None, false) => MatrixError::SignedOut(self.path("session.json"), self.store()),
        }
    }

    /// Where the recovery key is, for messages.
    pub(super) fn recovery_key_path(&self) -> PathBuf {
        self.path("recovery-key")
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness nothing about encryption makes sense, and no system that this runs on is without.
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens the store and signs in.
pub(super) async fn sign_in(
    config: &MatrixConfig,
    credentials: &Credentials,
    files: &Files,
) -> Result<Client, MatrixError> {
    let key = files.key()?;
    // What was decided about rooms and what the ciphers need is on disk. Copies of events and files are never asked for,
    // so they need no databases.
    let on_disk = SqliteStoreConfig::with_low_memory_config(files.store()).key(Some(&key));
    let broken = |error: &dyn std::fmt::Display| MatrixError::Store(error.to_string());
    let store = StoreConfig::new(CrossProcessLockConfig::SingleProcess)
        .state_store(SqliteStateStore::open_with_config(&on_disk).await.map_err(|error| broken(&error))?)
        .crypto_store(SqliteCryptoStore::open_with_config(&on_disk).await.map_err(|error| broken(&error))?);
    let encryption = EncryptionSettings {
        auto_enable_cross_signing: true,
        auto_enable_backups: true,
        backup_download_strategy: BackupDownloadStrategy::AfterDecryptionFailure,
    };
    let builder = Client::builder()
        .store_config(store)
        .cross_process_store_config(CrossProcessLockConfig::SingleProcess)
        .request_config(RequestConfig::new().timeout(PATIENCE).retry_limit(3))
        .with_encryption_settings(encryption);
    // An address is taken as it is; a name is looked up as clients do.
    let builder = if config.homeserver.contains("://") {
        builder.homeserver_url(&config.homeserver)
    } else {
        builder.server_name_or_homeserver_url(&config.homeserver)
    };
    let client = builder.build().await.map_err(|error| MatrixError::server(&config.homeserver, &error))?;
    if let Some(token) = &credentials.token {
        return with_token(config, client, token).await;
    }
    let Some(kept) = files.read("session.json")? else {
        return with_password(config, client, credentials, files).await;
    };
    let mut session: MatrixSession = serde_json::from_str(&kept)
        .map_err(|error| MatrixError::File(files.path("session.json"), io::Error::other(error)))?;
    // Asked before the session is taken up: a client takes up one in its life.
    match whoami(&client, &session.tokens.access_token).await {
        Err(Unknown::Token { softly: true }) if credentials.password.is_some() => {
            session = log_in_again(config, &client, credentials, files).await?;
        }
        Err(Unknown::Token { softly }) => return Err(files.ended(credentials, softly)),
        // Whether the token is good will be seen once the server is there.
        Ok(_) | Err(Unknown::Server(_)) => {}
    }
    restore(&client, session).await?;
    Ok(client)
}

/// Signs in for the first time.
async fn with_password(
    config: &MatrixConfig,
    client: Client,
    credentials: &Credentials,
    files: &Files,
) -> Result<Client, MatrixError> {
    let Some(password) = &credentials.password else { return Err(MatrixError::NoCredentials) };
    let device = files.device()?;
    let login = client
        .matrix_auth()
        .login_username(&config.user, password)
        .device_id(&device)
        .initial_device_display_name(DEVICE_NAME);
    let answer = login.send().await.map_err(|error| match error.client_api_error_kind() {
        Some(ErrorKind::Forbidden) => MatrixError::WrongPassword(config.user.clone()),
        _ => MatrixError::server(&config.homeserver, &error),
    })?;
    files.keep_session(&MatrixSession::from(&answer))?;
    Ok(client)
}

/// Signs in again after a soft logout: same device, new token. It is on disk then, for a client that is made anew.
pub(super) async fn log_in_again(
    config: &MatrixConfig,
    client: &Client,
    credentials: &Credentials,
    files: &Files,
) -> Result<MatrixSession, MatrixError> {
    let Some(password) = &credentials.password else { return Err(MatrixError::NoCredentials) };
    let user = uiaa::UserIdentifier::Matrix(uiaa::MatrixUserIdentifier::new(config.user.clone()));
    let info = login::v3::LoginInfo::Password(login::v3::Password::new(user, password.clone()));
    let mut ask = login::v3::Request::new(info);
    ask.device_id = Some(files.device()?.into());
    let answer = client.send(ask).await.map_err(|error| match error.client_api_error_kind() {
        Some(ErrorKind::Forbidden) => MatrixError::WrongPassword(config.user.clone()),
        _ => MatrixError::server(&config.homeserver, &error),
    })?;
    let session = MatrixSession::from(&answer);
    files.keep_session(&session)?;
    Ok(session)
}

async fn with_token(config: &MatrixConfig, client: Client, token: &str) -> Result<Client, MatrixError> {
    // Who that is, is asked with a bare request: the client has no session yet.
    let tokens = SessionTokens { access_token: token.to_owned(), refresh_token: None };
    let answer = whoami(&client, token).await.map_err(|error| match error {
        Unknown::Token { .. } => MatrixError::WrongToken,
        Unknown::Server(why) => MatrixError::Server(config.homeserver.clone(), why),
    })?;
    let device_id = answer.device_id.ok_or(MatrixError::WrongToken)?;
    let meta = SessionMeta { user_id: answer.user_id, device_id };
    restore(&client, MatrixSession { meta, tokens }).await?;
    Ok(client)
}

/// Why it can't be said whose a token is.
enum Unknown {
    /// The server doesn't know it.
    Token {
        /// Its device is still there.
        softly: bool,
    },
    /// The server can't be asked, or makes no sense.
    Server(String),
}

/// Whose a token is, with a bare request: the client has no session yet.
async fn whoami(client: &Client, token: &str) -> Result<whoami::v3::Response, Unknown> {
    let fails = |why: &dyn std::fmt::Display| Unknown::Server(why.to_string());
    let address =
        client.homeserver().join("_matrix/client/v3/account/whoami").map_err(|error| fails(&error))?;
    let asked = client.http_client().get(address).bearer_auth(token).timeout(PATIENCE).send().await;
    let answer = asked.map_err(|error| fails(&error.without_url()))?;
    let refused = answer.status().as_u16() == 401;
    let text = answer.text().await.map_err(|error| fails(&error.without_url()))?;
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    if refused {
        return Err(Unknown::Token { softly: value["soft_logout"] == true });
    }
    let user = value["user_id"].as_str().and_then(|user| user.try_into().ok());
    let user = user.ok_or_else(|| fails(&"it doesn't say whose the access token is"))?;
    let mut answer = whoami::v3::Response::new(user, false);
    answer.device_id = value["device_id"].as_str().map(Into::into);
    Ok(answer)
}

/// What time it is by the homeserver, in seconds since 1970. None where it doesn't say.
pub(super) async fn servers_clock(client: &Client) -> Option<u64> {
    let address = client.homeserver().join("_matrix/client/versions").ok()?;
    let answer = client.http_client().get(address).timeout(PATIENCE).send().await.ok()?;
    date(answer.headers().get("date")?.to_str().ok()?)
}

/// Reads the date of an answer, such as `Tue, 24 Nov 2026 18:33:53 GMT` (RFC 9110, section 5.6.7), as seconds since 1970.
fn date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let [_, day, month, year, time, "GMT"] = text.split(' ').collect::<Vec<_>>()[..] else { return None };
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let month = MONTHS.iter().position(|name| *name == month)? as u64;
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>()[..] else { return None };
    let (hour, minute, second): (u64, u64, u64) =
        (hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?);
    if year < 1970 || !(1..=31).contains(&day) {
        return None;
    }
    // Years are counted from March, so that a leap day is the last of its year.
    let (years, months) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1;
    // So many days had gone by on 1 January 1970.
    let days = days.checked_sub(719_468)?;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

async fn restore(client: &Client, session: MatrixSession) -> Result<(), MatrixError> {
    client
        .matrix_auth()
        .restore_session(session, RoomLoadSettings::default())
        .await
        .map_err(|error| MatrixError::Store(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_on_disk_before_the_store_and_stays_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(&folder.path().join("matrix")).expect("it opens");
        let key = files.key().expect("a key");
        assert_eq!(files.key().expect("the same"), key);
        assert_ne!(key, [0; 32]);
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_readable_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(&folder.path().join("matrix")).expect("it opens");
        files.keep_recovery_key("EsTK").expect("written");
        let mode = |path: PathBuf| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(files.recovery_key_path()), mode(folder.path().join("matrix"))), (0o600, 0o700));
        assert_eq!(files.recovery_key().expect("readable").as_deref(), Some("EsTK"));
    }

    #[test]
    fn one_device_is_used_by_one_program_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(folder.path()).expect("it opens");
        let again = Files::open(folder.path()).err().expect("it is in use").to_string();
        assert!(again.contains("another lantern"), "{again}");
        drop(files);
        Files::open(folder.path()).expect("it is free again");
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(date("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        assert_eq!(date("Tue, 24 Nov 2026 18:33:53 GMT"), Some(1_795_545_233));
        for wrong in ["", "yesterday", "Tue, 24 Foo 2026 18:33:53 GMT", "Tue, 24 Nov 2026 18:33 GMT"] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_store_without_its_key_is_left_alone_and_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(folder.path()).expect("it opens");
        fs::create_dir(files.store()).expect("a folder");
        let error = files.key().expect_err("no key").to_string();
        assert!(error.contains("key") && error.contains("restore"), "{error}");
        assert!(files.read("key").expect("readable").is_none(), "no new key was made for an old store");
    }
}
