//! Encryption: an identity that other people's clients trust, a backup of the keys, and verification by emoji.

use std::time::Duration;

use matrix_sdk::encryption::CrossSigningResetAuthType;
use matrix_sdk::encryption::recovery::RecoveryState;
use matrix_sdk::encryption::verification::{
    SasVerification, Verification, VerificationRequest, VerificationRequestState,
};
use matrix_sdk::ruma::api::client::uiaa;
use matrix_sdk::ruma::events::key::verification::request::ToDeviceKeyVerificationRequestEvent;
use matrix_sdk::ruma::events::room::message::{MessageType, OriginalSyncRoomMessageEvent};
use matrix_sdk::{Client, Room};

use super::session::{Credentials, Files};
use super::{Log, MatrixError};

/// How long a verification may take from end to end.
const LONGEST_VERIFICATION: Duration = Duration::from_secs(600);
/// How often a verification is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Does [`secure`] beside everything else, and then nothing for ever.
pub(super) async fn secure_and_wait(client: &Client, credentials: &Credentials, files: &Files, log: &Log) {
    secure(client, credentials, files, log).await;
    std::future::pending().await
}

/// Sees to it that this device is signed by the account's identity and that its keys are in a backup, which the
/// recovery key opens. Where that can't be done, it says what is lost.
async fn secure(client: &Client, credentials: &Credentials, files: &Files, log: &Log) {
    let encryption = client.encryption();
    encryption.wait_for_e2ee_initialization_tasks().await;
    if let Err(error) = try_secure(client, credentials, files).await {
        log.say(&format!(
            "the encryption isn't set up whole ({error}): clients may warn that this device isn't verified, and \
             without a backup its keys are lost with its store"
        ));
        return;
    }
    let signed = encryption.cross_signing_status().await.is_some_and(|status| status.is_complete());
    let backed_up = encryption.backups().are_enabled().await;
    log.say(&format!(
        "encryption: this device is {}signed by the account's identity, its keys are {}in a backup; the recovery \
         key is in {}, please keep a copy elsewhere",
        if signed { "" } else { "not " },
        if backed_up { "" } else { "not " },
        files.recovery_key_path().display()
    ));
}

async fn try_secure(client: &Client, credentials: &Credentials, files: &Files) -> Result<(), MatrixError> {
    let failed = |error: &dyn std::fmt::Display| MatrixError::Encryption(error.to_string());
    let encryption = client.encryption();
    let recovery = encryption.recovery();
    let is_signed =
        async || encryption.cross_signing_status().await.is_some_and(|status| status.is_complete());
    let kept = files.recovery_key()?;
    if !is_signed().await {
        match &kept {
            // A new device of an account that has an identity: the recovery key brings it here.
            Some(key) => recovery.recover_and_fix_backup(key).await.map_err(|error| failed(&error))?,
            None => new_identity(client, credentials).await?,
        }
    }
    if kept.is_some() {
        return Ok(());
    }
    let key = match recovery.state() {
        // There is a recovery key, and nobody here knows it: another takes its place.
        RecoveryState::Enabled | RecoveryState::Incomplete => {
            recovery.reset_key().await.map_err(|error| failed(&error))?
        }
        RecoveryState::Disabled | RecoveryState::Unknown => match recovery.enable().await {
            Ok(key) => key,
            Err(_) => {
                // A backup that nobody can open any more.
                encryption.backups().disable_and_delete().await.map_err(|error| failed(&error))?;
                recovery.enable().await.map_err(|error| failed(&error))?
            }
        },
    };
    files.keep_recovery_key(&key)
}

/// A new identity in the place of one whose keys are lost. Servers want the password for that.
async fn new_identity(client: &Client, credentials: &Credentials) -> Result<(), MatrixError> {
    let failed = |error: &dyn std::fmt::Display| MatrixError::Encryption(error.to_string());
    let reset = client.encryption().reset_cross_signing().await.map_err(|error| failed(&error))?;
    let Some(handle) = reset else { return Ok(()) };
    let CrossSigningResetAuthType::Uiaa(asked) = handle.auth_type() else {
        return Err(MatrixError::Encryption("the server wants it approved in a browser".to_owned()));
    };
    let (Some(password), Some(user)) = (&credentials.password, client.user_id()) else {
        return Err(MatrixError::Encryption("the server wants MATRIX_PASSWORD for it, once".to_owned()));
    };
    let mut password = uiaa::Password::new(user.to_owned().into(), password.clone());
    password.session.clone_from(&asked.session);
    handle.auth(Some(uiaa::AuthData::Password(password))).await.map_err(|error| failed(&error))
}

/// Accepts every verification that is asked for. The emoji are written to the log: whoever looks after the bot can
/// read them out to the person, which is the part that no program can do.
pub(super) fn accept_verifications(client: &Client, log: &Log) {
    let to_device = log.clone();
    client.add_event_handler(move |event: ToDeviceKeyVerificationRequestEvent, client: Client| {
        let log = to_device.clone();
        async move {
            let id = event.content.transaction_id.as_str();
            if let Some(request) = client.encryption().get_verification_request(&event.sender, id).await {
                tokio::spawn(follow(request, log));
            }
        }
    });
    let in_room = log.clone();
    client.add_event_handler(move |event: OriginalSyncRoomMessageEvent, _room: Room, client: Client| {
        let log = in_room.clone();
        async move {
            if !matches!(event.content.msgtype, MessageType::VerificationRequest(_)) {
                return;
            }
            let id = event.event_id.as_str();
            if let Some(request) = client.encryption().get_verification_request(&event.sender, id).await {
                tokio::spawn(follow(request, log));
            }
        }
    });
}

async fn follow(request: VerificationRequest, log: Log) {
    let followed = tokio::time::timeout(LONGEST_VERIFICATION, try_follow(&request, &log)).await;
    if !matches!(followed, Ok(Ok(()))) {
        let _ = request.cancel().await;
    }
}

async fn try_follow(request: &VerificationRequest, log: &Log) -> matrix_sdk::Result<()> {
    if !request.is_ready() {
        request.accept().await?;
    }
    loop {
        match request.state() {
            VerificationRequestState::Transitioned { verification: Verification::SasV1(sas), .. } => {
                return follow_emoji(&sas, log).await;
            }
            VerificationRequestState::Done | VerificationRequestState::Cancelled(_) => return Ok(()),
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

async fn follow_emoji(sas: &SasVerification, log: &Log) -> matrix_sdk::Result<()> {
    if !sas.we_started() {
        sas.accept().await?;
    }
    let mut confirmed = false;
    while !sas.is_done() && !sas.is_cancelled() {
        if sas.can_be_presented() && !confirmed {
            let emoji = sas.emoji().map_or_else(String::new, |emoji| {
                emoji
                    .iter()
                    .map(|one| format!("{} {}", one.symbol, one.description))
                    .collect::<Vec<_>>()
                    .join(", ")
            });
            log.say(&format!("somebody verifies this device. It shows: {emoji}"));
            sas.confirm().await?;
            confirmed = true;
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
