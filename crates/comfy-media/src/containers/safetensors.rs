//! safetensors: a length, then a JSON header whose `__metadata__` maps names to strings.
//! ComfyUI's `.latent` files and the models its nodes save carry prompt and workflow there.

use serde::Deserialize;

use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{ReadResult, malformed};
use crate::windowed_reader::WindowedReader;

/// The one member that is read; thousands of tensors stream by without being built.
#[derive(Deserialize)]
struct MetadataHeader {
    #[serde(rename = "__metadata__")]
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    // That the length fits into the file and the budget was checked to detect the kind.
    let length = u64::from_le_bytes(source.read_array(0, "the safetensors header")?);
    let stream = source.stream(8, length)?;
    let header: MetadataHeader =
        serde_json::from_reader(stream).map_err(|_| malformed("the safetensors header", 8))?;
    for (keyword, value) in header.metadata.unwrap_or_default() {
        // The format knows strings only; not every writer does.
        let text = match value {
            serde_json::Value::String(text) => text,
            value => value.to_string(),
        };
        found.add_text(TextLocation::SafetensorsMetadata, &keyword, text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage};
    use crate::Container;

    #[test]
    fn the_metadata_of_the_header_is_read() {
        let header = br#"{"latent_tensor": {"dtype": "F32", "shape": [1, 4], "data_offsets":
            [0, 16]}, "__metadata__": {"prompt": "{\"1\": {}}", "workflow": "{}"}}"#;
        let length = u64::try_from(header.len()).unwrap().to_le_bytes();
        let file = [&length[..], header, &[0; 16]].concat();
        let embedded = read_bytes(&file);
        assert_eq!(embedded.container, Container::Safetensors);
        assert_eq!(pairs(&embedded), [("prompt", "{\"1\": {}}"), ("workflow", "{}")]);
        survives_damage(&file);
    }
}
