//! Messages that came without their key: waited for, told of, and read when it comes.

use std::sync::Arc;
use std::time::Duration;

use matrix_sdk::Room;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::{EventId, RoomId};

use super::super::hear::{self, Heard, What};
use super::{Bot, Work};

/// How long the key of an encrypted message is waited for before the person is told.
const KEY_GRACE: Duration = Duration::from_secs(4);

impl Bot {
    pub(super) fn wait_for_key(self: &Arc<Self>, room: Room, heard: Heard) {
        let bot = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(KEY_GRACE).await;
            match bot.look_up(&room, &heard.id).await {
                Some(found) if found.what != What::Sealed => bot.line_up(room.room_id(), found, Work::Heard),
                _ => {
                    let id = room.room_id().to_owned();
                    bot.line_up(&id, heard, Work::Sealed);
                }
            }
        });
    }

    /// Looks whether what couldn't be read can be read now.
    pub(in super::super) fn look_at_sealed(self: &Arc<Self>) {
        let bot = Arc::clone(self);
        tokio::spawn(async move {
            for (id, events) in bot.ledger.all_sealed() {
                let Some(room) = RoomId::parse(&id).ok().and_then(|id| bot.client.get_room(&id)) else {
                    continue;
                };
                for event in events {
                    let found = bot.look_up(&room, &event).await;
                    if let Some(found) = found.filter(|found| found.what != What::Sealed)
                        && bot.ledger.unseal(room.room_id(), &event).await
                    {
                        bot.line_up(room.room_id(), found, Work::Unsealed);
                    }
                }
            }
        });
    }

    /// An event of a room as the server has it, deciphered if possible.
    pub(super) async fn look_up(&self, room: &Room, event: &str) -> Option<Heard> {
        let id = EventId::parse(event).ok()?;
        let event = room.event(&id, Some(RequestConfig::short_retry())).await.ok()?;
        hear::read(event.raw().json().get())
    }
}
