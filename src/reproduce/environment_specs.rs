//! The documents of other programs that say what an environment is, read and written where
//! they say the same as a lock:
//! - ComfyUI-Manager's snapshot, JSON or YAML: node packs and ComfyUI;
//! - comfy-cli's build spec `comfy-build/1`: models, node packs and ComfyUI;
//! - comfy-cli's `comfy-lock.yaml`: models, and node packs as in a snapshot.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::lock::{Lock, LockError, LockedModel, LockedPack, LockedProgram, SCHEMA};
use super::yaml;
use crate::platform::machine::{Digest, DigestKind};
use crate::records::{PackKind, dependencies};

/// The schema of comfy-cli's build spec.
const BUILD_SCHEMA: &str = "comfy-build/1";
/// The schema of what it defines.
const DEFINITION_SCHEMA: &str = "distribution-definition/0";
/// Entries of one sort that are read of a stranger's document.
const MAX_ENTRIES: usize = 4096;

/// Parses a lock, or the document of another program as one. JSON first, else YAML.
pub(crate) fn parse_lock(text: &str) -> Result<Lock, LockError> {
    let document = match serde_json::from_str::<Value>(text) {
        Ok(document) => document,
        Err(_) => yaml::parse_yaml(text)?,
    };
    if let Some(schema) = document.get("comfy_lock").and_then(Value::as_u64) {
        if schema > u64::from(SCHEMA) {
            return Err(LockError::NewerSchema(u32::try_from(schema).unwrap_or(u32::MAX)));
        }
        return Ok(serde_json::from_value(document)?);
    }
    let mut lock = Lock { comfy_lock: SCHEMA, ..Lock::default() };
    let snapshot = |document: &Value| {
        ["git_custom_nodes", "cnr_custom_nodes", "file_custom_nodes"]
            .iter()
            .any(|key| document.get(key).is_some())
    };
    if document.get("schema").and_then(Value::as_str) == Some(BUILD_SCHEMA) {
        add_build_spec(&document, &mut lock);
    } else if snapshot(&document) {
        add_snapshot(&document, &mut lock);
    } else if document.get("custom_nodes").is_some_and(snapshot)
        || document.get("models").is_some_and(Value::is_array) && document.get("nodes").is_none()
    {
        add_snapshot(&document["custom_nodes"], &mut lock);
        add_comfy_lock_models(&document["models"], &mut lock);
    } else {
        return Err(LockError::NotALock);
    }
    lock.sort();
    Ok(lock)
}

fn text_field(value: &Value, key: &str) -> Option<String> {
    let text = value.get(key)?.as_str()?.trim();
    (!text.is_empty() && text.len() < 2000).then(|| text.to_owned())
}

/// A whole number; YAML's are read as texts.
fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn list_entries(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten().take(MAX_ENTRIES)
}

fn mapping_entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten().take(MAX_ENTRIES)
}

/// What a repository is called when it is cloned.
fn clone_folder_name(url: &str) -> String {
    let plain = url.trim_end_matches('/');
    let plain = plain.strip_suffix(".git").unwrap_or(plain);
    plain.rsplit(['/', ':']).next().unwrap_or_default().to_owned()
}

fn add_snapshot(document: &Value, lock: &mut Lock) {
    if let Some(commit) = text_field(document, "comfyui") {
        let program = LockedProgram { commit: Some(commit), ..LockedProgram::default() };
        lock.comfyui = Some(program);
    }
    for (url, entry) in mapping_entries(&document["git_custom_nodes"]) {
        if entry.get("disabled") == Some(&Value::Bool(true)) {
            continue;
        }
        lock.packs.push(LockedPack {
            name: clone_folder_name(url),
            kind: PackKind::Git,
            commit: text_field(entry, "hash"),
            remote: Some(url.clone()),
            ..LockedPack::default()
        });
    }
    for (id, version) in mapping_entries(&document["cnr_custom_nodes"]) {
        lock.packs.push(LockedPack {
            name: id.clone(),
            kind: PackKind::Registry,
            cnr_id: Some(id.clone()),
            version: version.as_str().map(str::to_owned),
            ..LockedPack::default()
        });
    }
    for entry in list_entries(&document["file_custom_nodes"]) {
        let on = entry.get("disabled") != Some(&Value::Bool(true));
        if let Some(file) = text_field(entry, "filename").filter(|_| on) {
            let name = file.strip_suffix(".py").unwrap_or(&file).to_owned();
            lock.packs.push(LockedPack { name, kind: PackKind::File, ..LockedPack::default() });
        }
    }
    // `torch==2.7.0` with nothing behind it, or a name with its version.
    for (spec, version) in mapping_entries(&document["pips"]) {
        let (name, pinned) = spec.split_once("==").unwrap_or((spec, ""));
        let version = version.as_str().filter(|text| !text.is_empty()).unwrap_or(pinned);
        if name == "torch" && !version.is_empty() {
            lock.torch = Some(version.to_owned());
        }
    }
}

fn add_build_spec(document: &Value, lock: &mut Lock) {
    let definition = &document["definition"];
    lock.workflow = text_field(document, "name").unwrap_or_default();
    if let Some(version) = text_field(definition, "baseComfyVersion") {
        let commit = version.len() == 40 && version.bytes().all(|b| b.is_ascii_hexdigit());
        let mut program = LockedProgram::default();
        match commit {
            true => program.commit = Some(version),
            false => {
                program.version = Some(version.strip_prefix('v').unwrap_or(&version).to_owned());
            }
        }
        lock.comfyui = Some(program);
    }
    for entry in list_entries(&definition["models"]) {
        let (Some(kind), Some(file)) = (text_field(entry, "type"), text_field(entry, "filename"))
        else {
            continue;
        };
        let (folder, name) = match kind.split_once('/') {
            Some((folder, below)) => (folder.to_owned(), format!("{below}/{file}")),
            None => (kind, file),
        };
        lock.models.push(LockedModel {
            folder,
            name,
            sha256: text_field(entry, "sha256"),
            size: entry.get("sizeBytes").and_then(whole_number),
            sources: text_field(entry, "sourceUri").into_iter().collect(),
            ..LockedModel::default()
        });
    }
    for entry in list_entries(&definition["customNodes"]) {
        let Some(name) = text_field(entry, "name") else { continue };
        let version = text_field(entry, "registryVersion");
        let commit = text_field(entry, "commit").or_else(|| text_field(entry, "gitRef"));
        lock.packs.push(LockedPack {
            name,
            kind: if version.is_some() { PackKind::Registry } else { PackKind::Git },
            cnr_id: text_field(entry, "id"),
            version,
            commit: commit.filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit())),
            remote: text_field(entry, "repository"),
            ..LockedPack::default()
        });
    }
}

fn add_comfy_lock_models(models: &Value, lock: &mut Lock) {
    for entry in list_entries(models) {
        let path = list_entries(&entry["paths"]).find_map(|path| text_field(path, "path"));
        let path = path.map(|path| path.replace('\\', "/")).unwrap_or_default();
        // `models/<type>/<name>`, wherever that begins.
        let below = path.rsplit_once("models/").map_or("", |(_, below)| below);
        let (folder, name) = match (below.split_once('/'), text_field(entry, "model")) {
            (Some((folder, name)), _) => (folder.to_owned(), name.to_owned()),
            (None, Some(name)) => {
                let kind = text_field(entry, "type");
                (kind.unwrap_or_else(|| dependencies::UNKNOWN_FOLDER.to_owned()), name)
            }
            (None, None) => continue,
        };
        let mut model = LockedModel { folder, name, ..LockedModel::default() };
        model.sources = text_field(entry, "url").into_iter().collect();
        let hashes = list_entries(&entry["hashes"]).filter_map(|entry| {
            let kind = DigestKind::from_name(&text_field(entry, "type")?)?;
            Digest::new(kind, &text_field(entry, "hash")?).ok()
        });
        let mut hashes: BTreeSet<Digest> = hashes.collect();
        // What the program itself writes is one hash without a kind.
        let plain = text_field(entry, "hash");
        hashes.extend(plain.and_then(|hex| Digest::new(DigestKind::Sha256, &hex).ok()));
        let whole = hashes.iter().find(|digest| digest.kind() == DigestKind::Sha256);
        model.sha256 = whole.map(|digest| digest.hex().to_owned());
        if model.sha256.is_none() {
            model.claims = hashes;
        }
        lock.models.push(model);
    }
}

/// A document for another program, and what of the lock it cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExportedSpec {
    /// The document, ending in a line end.
    pub text: String,
    pub left_out: Vec<String>,
}

/// ComfyUI-Manager's snapshot of the packs of a lock.
pub(crate) fn to_manager_snapshot(lock: &Lock) -> ExportedSpec {
    let (mut git, mut registry) = (Map::new(), Map::new());
    let mut files = Vec::new();
    let mut left = Vec::new();
    for pack in &lock.packs {
        match (pack.kind, &pack.remote, &pack.commit, &pack.cnr_id, &pack.version) {
            (PackKind::Git, Some(url), Some(hash), ..) => {
                git.insert(url.clone(), json!({"hash": hash, "disabled": false}));
            }
            (PackKind::Registry, _, _, Some(id), Some(version)) => {
                registry.insert(id.clone(), json!(version));
            }
            (PackKind::File, ..) => {
                files.push(json!({"filename": format!("{}.py", pack.name), "disabled": false}));
            }
            _ => left.push(format!("{}: where it comes from is not known", pack.name)),
        }
    }
    let commit = lock.comfyui.as_ref().and_then(|program| program.commit.clone());
    if commit.is_none() {
        left.push("ComfyUI: its commit is not known".to_owned());
    }
    if !lock.models.is_empty() {
        left.push("models: a snapshot has none".to_owned());
    }
    let document = json!({
        "comfyui": commit.unwrap_or_default(),
        "git_custom_nodes": git,
        "cnr_custom_nodes": registry,
        "file_custom_nodes": files,
        "pips": {},
    });
    ExportedSpec { text: format!("{document:#}\n"), left_out: left }
}

/// comfy-cli's build spec of a lock.
pub(crate) fn to_comfy_build(lock: &Lock) -> ExportedSpec {
    let mut left = Vec::new();
    let mut models = Vec::new();
    for model in &lock.models {
        let (below, file) = model.name.rsplit_once('/').unwrap_or(("", &model.name));
        let kind = match below {
            "" => model.folder.clone(),
            below => format!("{}/{below}", model.folder),
        };
        let mut entry = json!({"type": kind, "filename": file});
        if let Some(object) = entry.as_object_mut() {
            if let Some(digest) = &model.sha256 {
                object.insert("sha256".to_owned(), json!(digest));
            }
            match model.sources.first() {
                Some(url) => drop(object.insert("sourceUri".to_owned(), json!(url))),
                None => {
                    object.insert("source".to_owned(), json!("local"));
                    object.insert("localPath".to_owned(), json!(format!("{kind}/{file}")));
                }
            }
        }
        models.push(entry);
    }
    let mut nodes = Vec::new();
    for pack in &lock.packs {
        let name = &pack.name;
        match (&pack.remote, &pack.commit, &pack.cnr_id, &pack.version) {
            (Some(remote), Some(commit), ..) if pack.kind == PackKind::Git => nodes.push(
                json!({"name": name, "repository": remote, "gitRef": commit, "source": "git"}),
            ),
            (_, _, Some(id), Some(version)) => nodes.push(
                json!({"name": name, "id": id, "registryVersion": version, "source": "registry"}),
            ),
            _ => left.push(format!("{name}: where it comes from is not known")),
        }
    }
    let mut definition =
        json!({"schema": DEFINITION_SCHEMA, "models": models, "customNodes": nodes});
    let version = lock.comfyui.as_ref().and_then(|program| {
        let release = program.version.as_ref().map(|version| format!("v{version}"));
        program.commit.clone().or(release)
    });
    if let (Some(version), Some(object)) = (version, definition.as_object_mut()) {
        object.insert("baseComfyVersion".to_owned(), json!(version));
    }
    let name = lock.workflow.rsplit('/').next().unwrap_or_default();
    let document = json!({
        "schema": BUILD_SCHEMA,
        "id": null,
        "name": name.strip_suffix(".json").unwrap_or(name),
        "description": "",
        "syncedRevision": null,
        "definition": definition,
    });
    ExportedSpec { text: format!("{document:#}\n"), left_out: left }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packs(lock: &Lock) -> Vec<String> {
        let told = |pack: &LockedPack| {
            let version = pack.commit.as_ref().or(pack.version.as_ref());
            format!("{} {:?} {}", pack.name, pack.kind, version.map_or("", String::as_str))
        };
        lock.packs.iter().map(told).collect()
    }

    fn models(lock: &Lock) -> Vec<String> {
        let told = |model: &LockedModel| {
            let digest =
                model.sha256.clone().or_else(|| model.claims.first().map(Digest::to_string));
            format!("{}/{} {}", model.folder, model.name, digest.unwrap_or_default())
        };
        lock.models.iter().map(told).collect()
    }

    const HASH: &str = "31e35c80fc4829d14f90153f4c74cd59c90b779f6afe05a74cd6120b893f7e5b";

    #[test]
    fn a_managers_snapshot_is_read_in_both_spellings() {
        let json = r#"{"comfyui":"d1533d9c0f1dde192f738ef1b745b15f49f41e02",
            "git_custom_nodes":{"https://github.com/o/Studio-Pack.git":{"hash":"aa11","disabled":false},
                "https://github.com/o/off":{"hash":"bb22","disabled":true}},
            "cnr_custom_nodes":{"impact-pack":"8.22.2"},
            "file_custom_nodes":[{"filename":"one.py","disabled":false},{"filename":"two.py","disabled":true}],
            "pips":{"torch==2.7.0+cu128":""}}"#;
        let yaml = "custom_nodes:\n  comfyui: d1533d9c0f1dde192f738ef1b745b15f49f41e02\n  \
            git_custom_nodes:\n    https://github.com/o/Studio-Pack.git:\n      disabled: false\n      hash: aa11\n    \
            https://github.com/o/off:\n      disabled: true\n      hash: bb22\n  \
            cnr_custom_nodes:\n    impact-pack: 8.22.2\n  \
            file_custom_nodes:\n  - disabled: false\n    filename: one.py\n  pips:\n    torch: 2.7.0+cu128\n";
        for text in [json, yaml] {
            let lock = parse_lock(text).unwrap();
            assert_eq!(
                packs(&lock),
                ["Studio-Pack Git aa11", "impact-pack Registry 8.22.2", "one File "]
            );
            assert_eq!(lock.torch.as_deref(), Some("2.7.0+cu128"));
            assert!(lock.comfyui.unwrap().commit.unwrap().starts_with("d1533d9c"));
        }
    }

    #[test]
    fn a_lock_of_comfy_cli_names_models_by_path_or_type() {
        let text = format!(
            "basic:\n\nmodels:\n  - model: SDXL\n    url: https://huggingface.co/x\n    paths:\n      \
             - path: models/checkpoints/sd/xl.safetensors\n    hashes:\n      - hash: {HASH}\n        type: SHA256\n    \
             type: checkpoint\n  - model: grain.pt\n    type: loras\n    hashes:\n      - hash: 31e35c80fc\n        type: AutoV2\n"
        );
        let lock = parse_lock(&text).unwrap();
        assert_eq!(
            models(&lock),
            [
                format!("checkpoints/sd/xl.safetensors {HASH}"),
                "loras/grain.pt autov2:31e35c80fc".into()
            ]
        );
    }

    fn lock() -> Lock {
        let mut lock = Lock {
            comfy_lock: SCHEMA,
            workflow: "keeper.json".into(),
            comfyui: Some(LockedProgram {
                version: Some("0.33.0".into()),
                ..LockedProgram::default()
            }),
            ..Lock::default()
        };
        let model = |folder: &str, name: &str| LockedModel {
            folder: folder.into(),
            name: name.into(),
            sha256: Some(HASH.into()),
            ..LockedModel::default()
        };
        lock.models =
            vec![model("checkpoints", "xl.safetensors"), model("loras", "looks/grain.pt")];
        lock.packs = vec![
            LockedPack {
                name: "Studio-Pack".into(),
                kind: PackKind::Git,
                commit: Some("aa11".into()),
                remote: Some("https://github.com/o/Studio-Pack".into()),
                ..LockedPack::default()
            },
            LockedPack {
                name: "impact-pack".into(),
                kind: PackKind::Registry,
                cnr_id: Some("impact-pack".into()),
                version: Some("8.22.2".into()),
                ..LockedPack::default()
            },
            LockedPack { name: "loose".into(), kind: PackKind::Folder, ..LockedPack::default() },
        ];
        lock
    }

    #[test]
    fn what_is_exported_says_the_same_when_it_is_read() {
        let lock = lock();
        let build = to_comfy_build(&lock);
        let again = parse_lock(&build.text).unwrap();
        assert_eq!(models(&again), models(&lock));
        assert_eq!(packs(&again), packs(&lock)[..2]);
        assert_eq!(again.comfyui, lock.comfyui);
        assert_eq!(build.left_out, ["loose: where it comes from is not known"]);
        let snapshot = to_manager_snapshot(&lock);
        assert_eq!(packs(&parse_lock(&snapshot.text).unwrap()), packs(&lock)[..2]);
        assert_eq!(snapshot.left_out.len(), 3, "{:?}", snapshot.left_out);
        let own: Lock = parse_lock(&lock.to_json()).unwrap();
        assert_eq!(own, lock);
    }

    #[test]
    fn what_is_something_else_is_refused() {
        for other in
            ["{}", "[1]", "3", r#"{"nodes":[],"links":[],"version":0.4}"#, "a: &x [*x]", "\u{1}"]
        {
            assert!(parse_lock(other).is_err(), "{other}");
        }
        assert!(matches!(parse_lock(r#"{"comfy_lock":9}"#), Err(LockError::NewerSchema(9))));
    }
}
