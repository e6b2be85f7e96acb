//! Binary glTF: a JSON part in front, of which only `asset.extras` is of interest.

use serde::Deserialize;

use crate::budget::MAX_HEADER;
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{FileDefect, ReadResult, malformed};
use crate::windowed_reader::WindowedReader;

/// The few members that are read; everything else streams by without being built.
#[derive(Deserialize)]
struct GltfDocument {
    asset: Option<GltfAsset>,
}

#[derive(Deserialize)]
struct GltfAsset {
    extras: Option<serde_json::Map<String, serde_json::Value>>,
}

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let [l0, l1, l2, l3, kind @ ..] = source.read_array::<8>(12, "the GLB")?;
    let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    if &kind != b"JSON" {
        return Err(malformed("the GLB", 16));
    }
    if length > MAX_HEADER {
        return Err(FileDefect::TooLarge { what: "the GLB's JSON", limit: MAX_HEADER }.into());
    }
    let stream = source.stream(20, length)?;
    let document: GltfDocument =
        serde_json::from_reader(stream).map_err(|_| malformed("the GLB's JSON", 20))?;
    let extras = document.asset.and_then(|asset| asset.extras).unwrap_or_default();
    for (keyword, value) in extras {
        // ComfyUI writes strings that hold JSON; the JSON itself is as good.
        let text = match value {
            serde_json::Value::String(text) => text,
            value => value.to_string(),
        };
        found.add_text(TextLocation::GltfExtras, &keyword, text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage};
    use crate::Container;

    fn glb(json: &str) -> Vec<u8> {
        let length = u32::try_from(json.len()).unwrap().to_le_bytes();
        [b"glTF\x02\0\0\0\0\0\0\0", &length[..], b"JSON", json.as_bytes(), b"\0\0\0\0BIN\0"]
            .concat()
    }

    #[test]
    fn extras_of_the_asset_are_read_as_strings_or_objects() {
        let file = glb(r#"{"buffers": [{"byteLength": 3}], "asset": {"version": "2.0", "extras":
            {"prompt": "{\"1\": {\"x\": NaN}}", "workflow": {"nodes": [], "version": 0.4}}}}"#);
        let embedded = read_bytes(&file);
        assert_eq!(embedded.container, Container::Glb);
        let expected =
            [("prompt", "{\"1\": {\"x\": NaN}}"), ("workflow", "{\"nodes\":[],\"version\":0.4}")];
        assert_eq!(pairs(&embedded), expected);
        survives_damage(&file);
    }

    #[test]
    fn models_without_extras_have_none() {
        assert_eq!(read_bytes(&glb("{\"asset\": {\"version\": \"2.0\"}}")).entries, []);
        assert_eq!(read_bytes(&glb("{\"asset\": {\"extras\": 7}}")).defects.len(), 1);
    }
}
