//! Which events of each room have been dealt with, so that after any end of the program nothing is answered
//! twice and nothing is left out.
//!
//! The server's sync token can't say it: it is kept before anybody has seen the events. So each room has a mark: the
//! last event of which it is certain that it and all before it are done. After a start the room is read
//! back to that mark. What is kept are names of events, in the encrypted store of the Matrix library.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use matrix_sdk::Client;
use matrix_sdk::ruma::RoomId;
use serde::{Deserialize, Serialize};

/// How many events a room remembers beyond its mark, so that one that comes by two ways is taken once.
const REMEMBERED: usize = 1_024;
/// How many messages that couldn't be read are kept in mind for when their key comes.
const MOST_SEALED: usize = 50;

/// What is kept of a room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// This event and all before it are done.
    pub mark: Option<String>,
    /// When that was, in milliseconds since 1970.
    pub at: u64,
    /// Events behind the mark that are done already, since a crisis message goes first.
    pub done: Vec<String>,
    /// Events that couldn't be read, and whose key may still come.
    pub sealed: Vec<String>,
}

struct Open {
    event: String,
    at: u64,
    done: bool,
}

/// The events of one room.
struct Page {
    kept: Kept,
    /// What was taken up and lies behind the mark, in the order of the room.
    open: VecDeque<Open>,
    known: LruCache<String, ()>,
    changed: bool,
    /// Whether anything was taken up here that had to be answered.
    spoken: bool,
}

impl Page {
    fn new(kept: Kept) -> Self {
        let mut known = LruCache::new(NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN));
        for event in kept.mark.iter().chain(&kept.done).chain(&kept.sealed) {
            known.put(event.clone(), ());
        }
        Page { kept, open: VecDeque::new(), known, changed: false, spoken: false }
    }

    fn take(&mut self, event: &str, at: u64) -> bool {
        let fresh = self.known.put(event.to_owned(), ()).is_none();
        if fresh {
            self.open.push_back(Open { event: event.to_owned(), at, done: false });
        } else if let Some(place) = self.kept.done.iter().position(|done| done == event) {
            // Done before the last end of the program: it takes its place in the order, and no more.
            self.kept.done.swap_remove(place);
            self.open.push_back(Open { event: event.to_owned(), at, done: true });
            self.advance();
        }
        fresh
    }

    fn answered(&mut self, event: &str) {
        if self.known.put(event.to_owned(), ()).is_none() {
            self.kept.done.push(event.to_owned());
        }
    }

    fn finish(&mut self, events: &[String]) {
        for open in self.open.iter_mut().filter(|open| events.contains(&open.event)) {
            open.done = true;
        }
        self.advance();
    }

    fn advance(&mut self) {
        self.changed = true;
        while self.open.front().is_some_and(|first| first.done) {
            let Some(first) = self.open.pop_front() else { break };
            self.kept.mark = Some(first.event);
            self.kept.at = first.at;
        }
    }

    /// What has to be on disk.
    fn snapshot(&mut self) -> Kept {
        self.changed = false;
        let done = self.open.iter().filter(|open| open.done).map(|open| open.event.clone());
        let mut kept = self.kept.clone();
        kept.done.extend(done);
        kept
    }
}

#[derive(Clone)]
struct Room {
    page: Arc<Mutex<Page>>,
    /// Writing is one after another, and each time the newest.
    disk: Arc<tokio::sync::Mutex<()>>,
}

impl Room {
    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events of all rooms.
pub struct Ledger {
    client: Client,
    rooms: Mutex<HashMap<String, Room>>,
}

impl Ledger {
    /// The ledger in the store of this client.
    pub fn new(client: Client) -> Self {
        Ledger { client, rooms: Mutex::default() }
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn room(&self, room: &RoomId) -> Room {
        if let Some(room) = self.rooms().get(room.as_str()) {
            return room.clone();
        }
        let bytes = self.client.state_store().get_custom_value(&key(room)).await.ok().flatten();
        let kept = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let fresh = Room { page: Arc::new(Mutex::new(Page::new(kept))), disk: Arc::default() };
        self.rooms().entry(room.to_string()).or_insert(fresh).clone()
    }

    /// What is kept of a room.
    pub async fn kept(&self, room: &RoomId) -> Kept {
        self.room(room).await.page().kept.clone()
    }

    /// Takes an event up. Says whether that is new: another time it isn't.
    pub async fn take(&self, room: &RoomId, event: &str, at: u64) -> bool {
        self.room(room).await.page().take(event, at)
    }

    /// Notes that an event has its answer already, before it is taken up. It keeps its place in the order.
    pub async fn answered(&self, room: &RoomId, event: &str) {
        self.room(room).await.page().answered(event);
    }

    /// Notes that nothing is left to do about these events.
    pub async fn finish(&self, room: &RoomId, events: &[String]) {
        let page = self.room(room).await;
        {
            let mut page = page.page();
            page.spoken = true;
            page.finish(events);
        }
        self.write(room, &page).await;
    }

    /// Whether anybody has said anything in a room since the start.
    pub async fn has_spoken(&self, room: &RoomId) -> bool {
        let room = self.room(room).await;
        let page = room.page();
        page.spoken || page.open.iter().any(|open| !open.done)
    }

    /// Lets go of what is not done yet, so that it can be taken up again.
    pub async fn reopen(&self, room: &RoomId) {
        let room = self.room(room).await;
        let mut page = room.page();
        let page = &mut *page;
        for open in page.open.iter().filter(|open| !open.done) {
            page.known.pop(&open.event);
        }
        let done = page.open.drain(..).filter(|open| open.done).map(|open| open.event);
        page.kept.done.extend(done);
    }

    /// The same for an event that asked for nothing: there is no hurry to write it down.
    pub async fn pass(&self, room: &RoomId, event: &str) {
        self.room(room).await.page().finish(&[event.to_owned()]);
    }

    /// Keeps in mind that an event couldn't be read.
    pub async fn seal(&self, room: &RoomId, event: &str) {
        let page = self.room(room).await;
        {
            let mut page = page.page();
            if !page.kept.sealed.iter().any(|other| other == event) {
                if page.kept.sealed.len() >= MOST_SEALED {
                    page.kept.sealed.remove(0);
                }
                page.kept.sealed.push(event.to_owned());
            }
        }
        self.write(room, &page).await;
    }

    /// What couldn't be read, room by room.
    pub fn all_sealed(&self) -> Vec<(String, Vec<String>)> {
        let rooms = self.rooms();
        let sealed = rooms.iter().map(|(id, room)| (id.clone(), room.page().kept.sealed.clone()));
        sealed.filter(|(_, events)| !events.is_empty()).collect()
    }

    /// An event can be read now. Says whether it was waited for.
    pub async fn unseal(&self, room: &RoomId, event: &str) -> bool {
        let page = self.room(room).await;
        let waited = {
            let mut page = page.page();
            let before = page.kept.sealed.len();
            page.kept.sealed.retain(|other| other != event);
            page.kept.sealed.len() != before
        };
        if waited {
            self.write(room, &page).await;
        }
        waited
    }

    /// Writes what has changed and wasn't urgent.
    pub async fn flush(&self) {
        let changed: Vec<(String, Room)> = self
            .rooms()
            .iter()
            .filter(|(_, room)| room.page().changed)
            .map(|(id, room)| (id.clone(), room.clone()))
            .collect();
        for (id, page) in changed {
            if let Ok(id) = RoomId::parse(&id) {
                self.write(&id, &page).await;
            }
        }
    }

    /// Forgets a room.
    pub async fn drop_room(&self, room: &RoomId) {
        self.rooms().remove(room.as_str());
        let _ = self.client.state_store().remove_custom_value(&key(room)).await;
    }

    async fn write(&self, room: &RoomId, page: &Room) {
        let _order = page.disk.lock().await;
        let kept = page.page().snapshot();
        let bytes = serde_json::to_vec(&kept).unwrap_or_default();
        // A store that can't be written costs a second look after the next start, and answers are sent under
        // names that the server takes once. It is no reason to stop answering.
        let _ = self.client.state_store().set_custom_value_no_read(&key(room), bytes).await;
    }
}

fn key(room: &RoomId) -> Vec<u8> {
    format!("lantern.room.{room}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(kept: Kept, events: &[&str]) -> Page {
        let mut page = Page::new(kept);
        for (at, event) in (1..).zip(events) {
            page.take(event, at);
        }
        page
    }

    fn finish(page: &mut Page, event: &str) {
        page.finish(&[event.to_owned()]);
    }

    #[test]
    fn the_mark_moves_over_what_is_done_and_no_further() {
        let mut page = page(Kept::default(), &["a", "b", "c"]);
        finish(&mut page, "a");
        assert_eq!(page.snapshot().mark.as_deref(), Some("a"));
        finish(&mut page, "c");
        let kept = page.snapshot();
        assert_eq!((kept.mark.as_deref(), kept.done), (Some("a"), vec!["c".to_owned()]));
        finish(&mut page, "b");
        let kept = page.snapshot();
        assert_eq!((kept.mark.as_deref(), kept.done.len(), kept.at), (Some("c"), 0, 3));
    }

    #[test]
    fn after_a_start_what_went_first_is_not_taken_again() {
        let mut before = page(Kept::default(), &["a", "b", "crisis", "d"]);
        finish(&mut before, "a");
        finish(&mut before, "crisis");
        let mut after = Page::new(before.snapshot());
        let taken: Vec<&str> =
            ["b", "crisis", "d"].into_iter().filter(|event| after.take(event, 9)).collect();
        assert_eq!(taken, ["b", "d"]);
        finish(&mut after, "b");
        assert_eq!(after.snapshot().mark.as_deref(), Some("crisis"));
    }

    #[test]
    fn an_event_whose_answer_is_in_the_room_keeps_its_place_in_the_order() {
        let mut page = Page::new(Kept::default());
        page.answered("b");
        assert!(page.take("a", 1) && !page.take("b", 2));
        assert_eq!(page.snapshot().mark, None, "a is still to be done");
        finish(&mut page, "a");
        assert_eq!(page.snapshot().mark.as_deref(), Some("b"));
    }

    #[test]
    fn an_event_that_comes_by_two_ways_is_taken_once() {
        let mut page = page(Kept::default(), &["a"]);
        assert!(!page.take("a", 1));
        finish(&mut page, "a");
        assert!(!page.take("a", 1));
    }
}
