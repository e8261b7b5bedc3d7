//! A store that lasts as long as the program: for harnesses, and for when the disk fails.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{LONGEST, PersonKey, Put, Store, StoreError};

/// Records with the second at which they expire.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: Mutex<HashMap<PersonKey, (Vec<u8>, u64)>>,
}

impl MemoryStore {
    fn records(&self) -> MutexGuard<'_, HashMap<PersonKey, (Vec<u8>, u64)>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &PersonKey, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.records().get(key).filter(|(_, expires)| *expires > now).map(|(record, _)| record.clone()))
    }

    fn put(
        &self,
        key: &PersonKey,
        old: Option<&[u8]>,
        new: &[u8],
        now: u64,
        expires: u64,
    ) -> Result<Put, StoreError> {
        if new.len() > LONGEST {
            return Err(StoreError::TooLong(new.len()));
        }
        let mut records = self.records();
        let there =
            records.get(key).filter(|(_, expires)| *expires > now).map(|(record, _)| record.as_slice());
        if there != old {
            return Ok(Put::Changed);
        }
        records.insert(*key, (new.to_vec(), expires));
        Ok(Put::Done)
    }

    fn delete(&self, key: &PersonKey) -> Result<bool, StoreError> {
        Ok(self.records().remove(key).is_some())
    }

    fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        let mut records = self.records();
        let mut gone: Vec<(u64, PersonKey)> = records
            .iter()
            .filter(|(_, (_, expires))| *expires <= now)
            .map(|(key, (_, expires))| (*expires, *key))
            .collect();
        gone.sort_unstable();
        gone.truncate(limit);
        gone.iter().for_each(|(_, key)| drop(records.remove(key)));
        Ok(gone.len())
    }

    fn count(&self) -> Result<u64, StoreError> {
        Ok(self.records().len() as u64)
    }

    fn each(&self, now: u64, look: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.records().values().filter(|(_, expires)| *expires > now).for_each(|(record, _)| look(record));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;

    fn key(n: u64) -> PersonKey {
        PersonKey::new(&Secret::from_seed(1), "test", &n.to_string(), "")
    }

    #[test]
    fn a_record_is_only_changed_by_who_knows_it() {
        let store = MemoryStore::default();
        assert_eq!(store.put(&key(1), None, b"a", 0, 9).expect("answered"), Put::Done);
        assert_eq!(store.put(&key(1), None, b"b", 0, 9).expect("answered"), Put::Changed);
        assert_eq!(store.put(&key(1), Some(b"a"), b"b", 0, 9).expect("answered"), Put::Done);
        assert_eq!(store.get(&key(1), 8).expect("read").as_deref(), Some(&b"b"[..]));
        assert_eq!(store.get(&key(1), 9).expect("read"), None, "it has expired");
    }

    #[test]
    fn sweeping_erases_the_oldest_that_expired_and_nothing_else() {
        let store = MemoryStore::default();
        for n in 0..10 {
            store.put(&key(n), None, b"a", 0, 10 + n).expect("written");
        }
        assert_eq!(store.sweep(14, 2).expect("swept"), 2);
        assert_eq!(
            store.get(&key(2), 0).expect("read").as_deref(),
            Some(&b"a"[..]),
            "two older ones went first"
        );
        assert_eq!(store.sweep(14, 100).expect("swept"), 3);
        assert_eq!(store.count().expect("counted"), 5);
    }

    #[test]
    fn who_is_forgotten_is_gone() {
        let store = MemoryStore::default();
        store.put(&key(1), None, b"a", 0, 9).expect("written");
        assert!(store.delete(&key(1)).expect("erased"));
        assert!(!store.delete(&key(1)).expect("nothing left"));
        assert_eq!(store.get(&key(1), 0).expect("read"), None);
    }
}
