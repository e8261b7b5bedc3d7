#![no_main]
//! Any bytes read as a guide: a guide or diagnostics, never a panic.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = lantern::script::read("tea/en.md", text);
        let _ = lantern::script::read("tea/en.md", &format!("---\nid: tea\nlanguage: en\n---\n\n# Tea\n\n{text}"));
    }
});
