//! Decodes embedded texts: JSON in strings, joined, packed; A1111 parameters.
#![no_main]

use git_comfy_fuzz::media::{Container, EmbeddedMetadata, EmbeddedText, TextLocation};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = ["workflow", "Prompt:", "parameters", "UserComment"];
    let entry = |(keyword, text): (&str, &str)| EmbeddedText {
        keyword: keyword.to_owned(),
        text: text.to_owned(),
        location: TextLocation::Comment,
    };
    let entries = names.into_iter().zip(text.split('\u{1f}').cycle()).map(entry).collect();
    let embedded =
        EmbeddedMetadata { container: Container::Png, size: None, entries, defects: Vec::new() };
    let payload = embedded.payload();
    if let Some(parameters) = payload.parameters {
        parameters.hashes();
    }
});
