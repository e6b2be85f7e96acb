//! Decodes embedded texts: JSON in strings, joined, packed; A1111 parameters.
#![no_main]

use git_comfy_fuzz::media::{Container, Embedded, Entry, Place};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = ["workflow", "Prompt:", "parameters", "UserComment"];
    let entry = |(keyword, text): (&str, &str)| Entry {
        keyword: keyword.to_owned(),
        text: text.to_owned(),
        place: Place::Comment,
    };
    let entries = names.into_iter().zip(text.split('\u{1f}').cycle()).map(entry).collect();
    let embedded =
        Embedded { container: Container::Png, size: None, entries, defects: Vec::new() };
    let payload = embedded.payload();
    if let Some(parameters) = payload.parameters {
        parameters.hashes();
    }
});
