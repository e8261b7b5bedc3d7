//! Coming and going: invitations by policy and with a limit, rooms that moved, rooms that were left.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use matrix_sdk::ruma::api::client::membership::leave_room;
use matrix_sdk::ruma::{OwnedServerName, RoomId, UserId};
use matrix_sdk::{Room, RoomState};

use super::talk::Bot;

/// How many rooms are joined in a minute at most; further invitations wait for their turn.
pub(super) const MOST_JOINS: usize = 30;
/// How many of them by one person's invitation.
pub(super) const MOST_JOINS_BY_ONE: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);
const NO_SPACES: &str = "I'm a chat guide, and a space is no place to talk. Please invite me to a direct room, or to a room of the space.";
const NOT_FROM_YOU: &str = "I can't come: whoever runs me lets me follow only some people's invitations. If you need somebody to talk to now, findahelpline.com lists people.";
/// How often joining a room is tried.
const TRIES: u32 = 4;

/// Who was let in during the last minute. It never holds more than [`MOST_JOINS`].
#[derive(Debug, Default)]
pub(super) struct Doorkeeper(VecDeque<(Instant, String)>);

impl Doorkeeper {
    /// Whether another invitation by this person can be followed now; if so, it counts.
    pub(super) fn lets_in(&mut self, person: &str, now: Instant) -> bool {
        while self.0.front().is_some_and(|(at, _)| now.duration_since(*at) >= MINUTE) {
            self.0.pop_front();
        }
        let by_one = self.0.iter().filter(|(_, other)| other == person).count();
        let room = self.0.len() < MOST_JOINS && by_one < MOST_JOINS_BY_ONE;
        if room {
            self.0.push_back((now, person.to_owned()));
        }
        room
    }
}

impl Bot {
    /// Looks at all invitations that are open.
    pub(super) fn answer_invitations(self: &Arc<Self>) {
        if self.inviting.swap(true, std::sync::atomic::Ordering::AcqRel) {
            return;
        }
        let bot = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let waiting = bot.answer_some().await;
                if !waiting {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
            bot.inviting.store(false, std::sync::atomic::Ordering::Release);
        });
    }

    /// Says whether some have to wait.
    async fn answer_some(self: &Arc<Self>) -> bool {
        let mut waiting = false;
        for room in self.client.invited_rooms() {
            let inviter = room.invite_details().await.map(|invite| invite.inviter_id);
            let Ok(inviter) = inviter else {
                let _ = room.leave().await;
                continue;
            };
            if !self.config.accepts(inviter.as_str()) {
                self.decline(&room, NOT_FROM_YOU).await;
                continue;
            }
            if room.is_space() {
                self.decline(&room, NO_SPACES).await;
                continue;
            }
            let let_in = self
                .doorkeeper
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .lets_in(inviter.as_str(), Instant::now());
            if let_in {
                self.join(&room).await;
            } else {
                waiting = true;
            }
        }
        waiting
    }

    /// Declines an invitation, with the reason beside it: whoever invited sees both.
    async fn decline(&self, room: &Room, why: &str) {
        let mut leave = leave_room::v3::Request::new(room.room_id().to_owned());
        leave.reason = Some(why.to_owned());
        if self.client.send(leave).await.is_err() {
            let _ = room.leave().await;
        }
    }

    async fn join(&self, room: &Room) {
        let id = room.room_id();
        self.greet().insert(id.to_string());
        for attempt in 0..TRIES {
            match self.client.join_room_by_id(id).await {
                Ok(_) => return,
                Err(_) if room.state() == RoomState::Joined => return,
                // The room may be new to the server, or far away.
                Err(_) => tokio::time::sleep(Duration::from_secs(2u64.pow(attempt))).await,
            }
        }
        self.greet().remove(id.as_str());
        self.log.say("an invitation couldn't be followed, so it was declined");
        let _ = room.leave().await;
    }

    /// Leaves a room in which nobody else is left.
    pub(super) async fn leave_if_alone(&self, room: &Room) {
        if room.state() == RoomState::Joined && room.active_members_count() <= 1 && room.leave().await.is_ok()
        {
            self.log.say("left a room in which nobody else was left");
            self.clear(room.room_id()).await;
        }
    }

    /// Drops everything that there is about a room that Lantern is no longer in.
    pub(super) async fn clear(&self, id: &RoomId) {
        self.desk.drop_room(id.as_str());
        self.ledger.drop_room(id).await;
        if let Some(room) = self.client.get_room(id) {
            let _ = room.forget().await;
        }
    }

    /// Follows a room that moved, where whoever says so may invite there: otherwise anybody who may set a room's state
    /// could lead Lantern anywhere. The new room's id has no server's name since version 12, so servers are named.
    pub(super) async fn follow(&self, room: &Room, sender: &str, to: &str) {
        let Ok(sender) = UserId::parse(sender) else { return };
        let may_invite = room.power_levels_or_default().await.user_can_invite(&sender);
        let Ok(target) = RoomId::parse(to) else { return };
        if !may_invite || !self.config.accepts(sender.as_str()) {
            return;
        }
        let own = self.client.user_id().map(|user| user.server_name().to_owned());
        let via: Vec<OwnedServerName> = own.into_iter().chain([sender.server_name().to_owned()]).collect();
        let _ = self.client.join_room_by_id_or_alias((&*target).into(), &via).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_persons_invitations_do_not_use_up_everybodys() {
        let (mut door, now) = (Doorkeeper::default(), Instant::now());
        let let_in = (0..100).filter(|_| door.lets_in("@spam:example.org", now)).count();
        assert_eq!(let_in, MOST_JOINS_BY_ONE);
        assert!(door.lets_in("@anna:example.org", now));
    }

    #[test]
    fn many_people_at_once_are_let_in_minute_by_minute() {
        let (mut door, now) = (Doorkeeper::default(), Instant::now());
        let wave =
            |door: &mut Doorkeeper, now| (0..100).filter(|n| door.lets_in(&n.to_string(), now)).count();
        assert_eq!(wave(&mut door, now), MOST_JOINS);
        assert_eq!(wave(&mut door, now + MINUTE), MOST_JOINS);
    }
}
