//! A store that lasts as long as the program: for harnesses, and for when the disk fails.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{PersonKey, Put, Store, StoreError};

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
}
