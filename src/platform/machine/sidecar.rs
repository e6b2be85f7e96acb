//! The files that model managers leave beside a model: where it came from, what someone
//! said its digest is. Hints, never proof: they are recorded as what they are and compared
//! with the computed digests.
//!
//! Read, bounded and without following links:
//! - `<stem>.sha256`, `<file>.sha256` (Image Saver, `sha256sum`): the digits first
//! - `<stem>.metadata.json` (LoRA Manager): `sha256`, `civitai.{modelId,id}`
//! - `<stem>.civitai.info` (Civitai Helper): `modelId`, `id`, `files[].hashes`
//! - `<stem>.cm-info.json` (Stability Matrix): `ModelId`, `VersionId`, `Hashes`

use std::path::Path;

use serde_json::Value;

use super::digest::{Digest, DigestKind};
use crate::platform::files;

/// The largest sidecar that is read, in bytes; Civitai's own answers reach 300 KB.
const MAX_SIDECAR_LEN: u64 = 2 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SidecarClaims {
    /// The ending of the sidecar, which names its kind: `.civitai.info`.
    pub ending: &'static str,
    pub claims: Vec<Digest>,
    /// The page the model came from.
    pub url: Option<String>,
}

/// What the sidecars of a model say, in a fixed order.
pub(crate) fn read_hints(model: &Path) -> Vec<SidecarClaims> {
    let (Some(file), Some(stem)) = (model.file_name(), model.file_stem()) else {
        return Vec::new();
    };
    let beside = |name: &std::ffi::OsStr, ending: &str| {
        let mut name = name.to_owned();
        name.push(ending);
        read_small_file(&model.with_file_name(name))
    };
    let json = |ending: &str| serde_json::from_slice::<Value>(&beside(stem, ending)?).ok();
    let sums = beside(file, ".sha256").or_else(|| beside(stem, ".sha256"));
    let all = [
        sums.and_then(|text| parse_sum_file(&text)),
        json(".metadata.json").map(|value| parse_lora_manager(&value)),
        json(".civitai.info").map(|value| parse_civitai_helper(&value)),
        json(".cm-info.json").map(|value| parse_stability_matrix(&value)),
    ];
    let says_something = |hint: &SidecarClaims| !hint.claims.is_empty() || hint.url.is_some();
    all.into_iter().flatten().filter(says_something).collect()
}

/// A link is not followed: what lies elsewhere says nothing about this file.
fn read_small_file(path: &Path) -> Option<Vec<u8>> {
    if path.is_symlink() { None } else { files::read_up_to(path, MAX_SIDECAR_LEN).ok() }
}

fn parse_sum_file(text: &[u8]) -> Option<SidecarClaims> {
    let digits = std::str::from_utf8(text).ok()?.split_whitespace().next()?;
    let claim = Digest::new(DigestKind::Sha256, digits).ok()?;
    Some(SidecarClaims { ending: ".sha256", claims: vec![claim], url: None })
}

fn parse_lora_manager(value: &Value) -> SidecarClaims {
    let sha256 = value.get("sha256").and_then(Value::as_str);
    let civitai = value.get("civitai").unwrap_or(&Value::Null);
    SidecarClaims {
        ending: ".metadata.json",
        claims: sha256
            .and_then(|hex| Digest::new(DigestKind::Sha256, hex).ok())
            .into_iter()
            .collect(),
        url: civitai_url(civitai.get("modelId"), civitai.get("id")),
    }
}

fn parse_civitai_helper(value: &Value) -> SidecarClaims {
    let files = value.get("files").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    // A version may offer several files; which of them this model is, the sidecar says
    // only when there is one.
    let hashes = match files {
        [only] => only.get("hashes"),
        _ => None,
    };
    SidecarClaims {
        ending: ".civitai.info",
        claims: parse_claims(hashes),
        url: civitai_url(value.get("modelId"), value.get("id")),
    }
}

fn parse_stability_matrix(value: &Value) -> SidecarClaims {
    SidecarClaims {
        ending: ".cm-info.json",
        claims: parse_claims(value.get("Hashes")),
        url: civitai_url(value.get("ModelId"), value.get("VersionId")),
    }
}

/// The digests of an object such as `{"SHA256": "…", "AutoV2": "…"}`, in order of kind.
fn parse_claims(hashes: Option<&Value>) -> Vec<Digest> {
    let entries = hashes.and_then(Value::as_object).into_iter().flatten();
    let mut claims: Vec<Digest> = entries
        .filter_map(|(name, hex)| Digest::new(DigestKind::from_name(name)?, hex.as_str()?).ok())
        .collect();
    claims.sort();
    claims
}

fn civitai_url(model: Option<&Value>, version: Option<&Value>) -> Option<String> {
    let model = model?.as_u64()?;
    Some(match version.and_then(Value::as_u64) {
        Some(version) => format!("https://civitai.com/models/{model}?modelVersionId={version}"),
        None => format!("https://civitai.com/models/{model}"),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_managers_sidecar_is_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let sha = "AB".repeat(32);
        let put = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        put("a.sha256", format!("{sha}  a.safetensors\n"));
        put("a.metadata.json", format!(r#"{{"sha256":"{sha}","civitai":{{"modelId":7,"id":9}}}}"#));
        put(
            "a.civitai.info",
            r#"{"modelId":7,"id":9,"files":[{"hashes":{"AutoV2":"ABABABABAB","CRC32":"00ff00ff","AutoV1":"12345678"}}]}"#.into(),
        );
        put("a.cm-info.json", r#"{"ModelId":7,"Hashes":{"BLAKE3":"no hex"}}"#.into());
        let told: Vec<String> = read_hints(&folder.path().join("a.safetensors"))
            .iter()
            .map(|hint| {
                let claims: Vec<_> =
                    hint.claims.iter().map(|c| c.to_string()[..13].to_owned()).collect();
                format!("{} {claims:?} {:?}", hint.ending, hint.url)
            })
            .collect();
        insta::assert_debug_snapshot!(told, @r#"
        [
            ".sha256 [\"sha256:ababab\"] None",
            ".metadata.json [\"sha256:ababab\"] Some(\"https://civitai.com/models/7?modelVersionId=9\")",
            ".civitai.info [\"autov2:ababab\", \"crc32:00ff00f\"] Some(\"https://civitai.com/models/7?modelVersionId=9\")",
            ".cm-info.json [] Some(\"https://civitai.com/models/7\")",
        ]
        "#);
    }

    #[test]
    fn a_version_with_several_files_claims_no_digest() {
        let value = serde_json::json!({
            "modelId": 7,
            "files": [{"hashes": {"CRC32": "00ff00ff"}}, {"hashes": {"CRC32": "11111111"}}],
        });
        assert!(parse_civitai_helper(&value).claims.is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn links_and_monsters_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "ab".repeat(32)).unwrap();
        std::os::unix::fs::symlink(&secret, folder.path().join("a.sha256")).unwrap();
        fs::write(folder.path().join("a.civitai.info"), vec![b' '; 3 << 20]).unwrap();
        assert_eq!(read_hints(&folder.path().join("a.safetensors")), []);
    }
}
