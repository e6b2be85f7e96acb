//! SVG: `<metadata><![CDATA[{"prompt": …, "workflow": …}]]></metadata>` right behind the
//! root's start tag.
//!
//! ComfyUI does not escape `]]>` in a prompt, which ends the section too early for an XML
//! parser. The JSON itself knows better where it ends, so the text is taken up to the end
//! of the JSON where it parses, and only else to the end of the section.

use comfy_graph::json;

use crate::budget::{MAX_ENTRIES, MAX_SVG_SEARCH};
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::ReadResult;
use crate::payload::parse_leading_json;
use crate::text;
use crate::windowed_reader::WindowedReader;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let near = usize::try_from(source.len()).unwrap_or(usize::MAX).min(MAX_SVG_SEARCH);
    let head = source.load(0, u64::try_from(near).unwrap_or(0), near, "the SVG")?;
    let Some(start) = memchr::memmem::find(&head, b"<metadata") else { return Ok(()) };
    // The metadata may go on behind what was searched.
    let left = source.len().saturating_sub(u64::try_from(start).unwrap_or(0));
    let room = u64::try_from(found.max_text_len()).unwrap_or(u64::MAX);
    let part = source.load(
        u64::try_from(start).unwrap_or(0),
        left.min(room),
        found.max_text_len(),
        "the SVG metadata",
    )?;
    let Some(body) = memchr::memchr(b'>', &part) else { return Ok(()) };
    read_metadata(text::utf8_lossy(&part[body + 1..]).trim_start(), found);
    Ok(())
}

fn read_metadata(content: &str, found: &mut EmbeddedCollector) {
    let (content, section) = match content.strip_prefix("<![CDATA[") {
        Some(inside) => (inside, "]]>"),
        None => (content, "</metadata"),
    };
    if let Some((value, _)) = parse_leading_json(content) {
        return add_members(&value, found);
    }
    let end = content.find(section).unwrap_or(content.len());
    let plain = unescape_entities(&content[..end]);
    match parse_leading_json(&plain) {
        Some((value, _)) => add_members(&value, found),
        None => found.add_text(TextLocation::SvgMetadata, "metadata", plain.trim().to_owned()),
    }
}

/// Each member is an entry of its own, as in the other containers.
fn add_members(value: &json::Value, found: &mut EmbeddedCollector) {
    let Some(object) = value.as_object() else {
        return found.add_text(TextLocation::SvgMetadata, "metadata", print_value(value));
    };
    for (keyword, value) in object.iter().take(MAX_ENTRIES) {
        found.add_text(TextLocation::SvgMetadata, keyword, print_value(value));
    }
}

fn print_value(value: &json::Value) -> String {
    match value {
        json::Value::String(text) => text.to_string(),
        value => json::print(value, &json::JsonStyle::PYTHON),
    }
}

fn unescape_entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let named = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    named.replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage};
    use crate::Container;

    fn svg(metadata: &str) -> Vec<u8> {
        format!(
            "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\">\
             {metadata}<rect/></svg>"
        )
        .into_bytes()
    }

    #[test]
    fn metadata_is_read_also_where_it_breaks_its_section() {
        let file = svg("<metadata><![CDATA[\n{\"prompt\": {\"1\": \"a ]]> b </metadata>\"}, \
             \"workflow\": {\"x\": NaN}}\n]]></metadata>");
        let embedded = read_bytes(&file);
        assert_eq!(embedded.container, Container::Svg);
        let expected =
            [("prompt", "{\"1\": \"a ]]> b </metadata>\"}"), ("workflow", "{\"x\": NaN}")];
        assert_eq!(pairs(&embedded), expected);
        survives_damage(&file);
    }

    #[test]
    fn escaped_metadata_and_prose_are_read() {
        let escaped = svg("<metadata id='m'>{&quot;prompt&quot;: {&quot;1&quot;: 2}}</metadata>");
        assert_eq!(pairs(&read_bytes(&escaped)), [("prompt", "{\"1\": 2}")]);
        let prose = svg("<metadata>made by a fox</metadata>");
        assert_eq!(pairs(&read_bytes(&prose)), [("metadata", "made by a fox")]);
        assert_eq!(read_bytes(&svg("")).entries, []);
    }
}
