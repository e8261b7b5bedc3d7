#![no_main]
//! Any text screened: an answer, and a place in the text for every reason given.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let screener = lantern::safety::Screener::builtin();
    assert_eq!(screener.screen(&text), screener.explain(&text).result);
});
