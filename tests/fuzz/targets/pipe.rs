#![no_main]
//! Any bytes sent to the harness: one closing line for each request, never a panic.
use std::sync::Arc;

use lantern::library::Library;
use lantern::shell::store::{Store, memory::MemoryStore};
use lantern::shell::{Settings, pipe};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let store = || Arc::new(MemoryStore::default()) as Arc<dyn Store>;
    let settings = Settings { country: None, language: None, expire: 86_400 };
    pipe::pipe(Library::builtin().clone(), &store, settings, bytes, std::io::sink()).expect("nothing that a line says ends it");
});
