//! JSON comes back as it went in: to the byte where the style says so, to the value in
//! any style, and lenient reading agrees with strict reading.
#![no_main]

use git_comfy_fuzz::json::{JsonStyle, parse, parse_lenient, print};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let lenient = parse_lenient(data);
    let Ok(value) = parse(data) else { return };
    assert_eq!(lenient.as_ref(), Ok(&value));
    let text = std::str::from_utf8(data).expect("what parses is UTF-8");
    for style in [JsonStyle::detect(text), JsonStyle::SAVE, JsonStyle::EXPORT, JsonStyle::PYTHON] {
        let printed = print(&value, &style);
        assert_eq!(parse(printed.as_bytes()).as_ref(), Ok(&value));
        // Printing is a fixed point: a second round changes nothing.
        assert_eq!(print(&value, &JsonStyle::detect(&printed)), printed);
    }
});
