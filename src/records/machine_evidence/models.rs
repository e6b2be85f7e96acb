//! The model files behind a commit's names.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::MachineView;
use crate::platform::hex::to_hex;
use crate::platform::machine::comfyui::folders::ModelFolders;
use crate::platform::machine::hash::{FileStamp, HashedFile};
use crate::platform::machine::models::{ModelFile, ModelResolution, resolve_model, types_offering};
use crate::platform::machine::{Digest, DigestKind, FileHashes, hash, sidecar};
use crate::records::dependencies::UNKNOWN_FOLDER;
use crate::records::{
    ModelEvidence, ModelFact, ModelHashes, ModelStatus, ModelUse, ShadowedFile, SidecarHint,
};

/// Header fields that claim a digest of the tensors.
const HEADER_CLAIMS: &[&str] = &["modelspec.hash_sha256", "sshs_model_hash"];

/// A file whose digests are not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnhashedFile {
    /// The file, without links in its path.
    pub file: PathBuf,
    /// Bytes.
    pub size: u64,
}

/// Why a file could not be hashed, as a record tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashFailure {
    /// What becomes of the model.
    pub status: ModelStatus,
    /// Why; without any path of this machine.
    pub why: String,
}

impl HashFailure {
    /// The failure behind an error of hashing.
    pub fn from_hash_error(error: &hash::HashError) -> HashFailure {
        let (status, why) = match error {
            hash::HashError::Unfinished { why, .. } => (ModelStatus::Unfinished, why.to_string()),
            hash::HashError::NotAFile(_) => {
                (ModelStatus::Refused, "it is no ordinary file".to_owned())
            }
            hash::HashError::Io { error, .. } => {
                (ModelStatus::Unreadable, error.kind().to_string())
            }
            hash::HashError::Stopped => (ModelStatus::Pending, "stopped".to_owned()),
        };
        HashFailure { status, why }
    }
}

/// What a look at the models found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// One fact for each name.
    pub facts: Vec<ModelFact>,
    /// The files to hash.
    pub unhashed: Vec<UnhashedFile>,
}

impl MachineView<'_> {
    /// Gives names whose type nobody knows the types in whose folders such a file lies.
    pub fn resolve_unknown_folders(&self, models: &mut Vec<ModelUse>) {
        let Some(folders) = self.model_folders() else { return };
        let mut settled = Vec::new();
        models.retain(|model| {
            if model.folder != UNKNOWN_FOLDER {
                return true;
            }
            let kinds = types_offering(folders, &model.name);
            settled.extend(kinds.iter().map(|kind| ModelUse {
                folder: kind.clone(),
                by: ModelEvidence::Matched,
                ..model.clone()
            }));
            kinds.is_empty()
        });
        for found in settled {
            let known = models
                .iter_mut()
                .find(|known| known.folder == found.folder && known.name == found.name);
            match known {
                Some(known) => {
                    known.at.extend(found.at);
                    known.at.sort();
                    known.at.dedup();
                }
                None => models.push(found),
            }
        }
        models.sort();
    }

    /// Looks for the file behind each name. `failures` are the files that could not be
    /// hashed; they do not wait again.
    pub fn collect_model_facts(
        &self,
        models: &[ModelUse],
        failures: &HashMap<PathBuf, HashFailure>,
    ) -> ModelFacts {
        let mut seen = ModelFacts::default();
        let mut names: BTreeMap<(&str, &str), BTreeSet<&Digest>> = BTreeMap::new();
        for model in models {
            let claims = names.entry((&model.folder, &model.name)).or_default();
            claims.extend(&model.claims.hashes);
        }
        for ((folder, name), claims) in names {
            let mut fact = ModelFact {
                folder: folder.to_owned(),
                name: name.to_owned(),
                at: self.seen_at.to_owned(),
                ..ModelFact::default()
            };
            match self.model_folders() {
                Some(folders) => {
                    self.fill_fact(&mut fact, folders, &claims, failures, &mut seen.unhashed);
                }
                None => {
                    fact.status = ModelStatus::Missing;
                    fact.why = Some("no ComfyUI was found on this machine".to_owned());
                }
            }
            seen.facts.push(fact);
        }
        seen
    }

    fn model_folders(&self) -> Option<&ModelFolders> {
        self.installation.map(|installation| &installation.folders)
    }

    fn fill_fact(
        &self,
        fact: &mut ModelFact,
        folders: &ModelFolders,
        claims: &BTreeSet<&Digest>,
        failures: &HashMap<PathBuf, HashFailure>,
        waiting: &mut Vec<UnhashedFile>,
    ) {
        match resolve_model(folders, &fact.folder, &fact.name) {
            ModelResolution::File { taken, others } => {
                fact.also = others.iter().map(|other| self.shadowed_file(other)).collect();
                fact.search_folder = Some(taken.folder.clone());
                fact.file = Some(taken.name.clone()).filter(|name| *name != fact.name);
                fact.size = Some(taken.size);
                self.fill_file_fact(fact, &taken, claims, failures, waiting);
            }
            ModelResolution::Folder { folder, size } => {
                fact.status = ModelStatus::Folder;
                fact.search_folder = Some(folder);
                fact.size = Some(size);
                fact.why = Some("a folder of files is not hashed".to_owned());
            }
            ModelResolution::Missing => {
                fact.status = ModelStatus::Missing;
                fact.elsewhere = self.find_copies_by_digest(folders, claims);
            }
            ModelResolution::Refused(refusal) => {
                fact.status = ModelStatus::Refused;
                fact.why = Some(refusal.to_string());
            }
            ModelResolution::UnknownType => {
                fact.status = ModelStatus::Missing;
                fact.why = Some(match fact.folder.as_str() {
                    UNKNOWN_FOLDER => "no model folder has a file of this name".to_owned(),
                    _ => "ComfyUI has no model folder of this type here".to_owned(),
                });
            }
        }
    }

    fn fill_file_fact(
        &self,
        fact: &mut ModelFact,
        taken: &ModelFile,
        claims: &BTreeSet<&Digest>,
        failures: &HashMap<PathBuf, HashFailure>,
        waiting: &mut Vec<UnhashedFile>,
    ) {
        let hints = sidecar::read_hints(&taken.file);
        if let Some(hashed) = self.cached_hashes(&taken.file) {
            fact.status = ModelStatus::Hashed;
            fact.size = Some(hashed.stamp.size);
            fact.hashes = Some(ModelHashes::from(&hashed.hashes));
            fact.header = hashed.header.map(|header| header.identity).unwrap_or_default();
            let workflow = claims.iter().map(|claim| ((*claim).clone(), "workflow".to_owned()));
            let sidecars = hints.iter().flat_map(|hint| {
                hint.claims.iter().map(|claim| (claim.clone(), hint.ending.to_owned()))
            });
            let header = header_claims(&fact.header);
            let all = header.into_iter().chain(sidecars).chain(workflow);
            fact.disagrees = mismatched_claims(&hashed.hashes, all);
        } else if let Some(failure) = failures.get(&taken.file) {
            fact.status = failure.status;
            fact.why = Some(failure.why.clone());
        } else {
            fact.status = ModelStatus::Pending;
            waiting.push(UnhashedFile { file: taken.file.clone(), size: taken.size });
        }
        let told = |hint: sidecar::SidecarClaims| SidecarHint {
            from: hint.ending.to_owned(),
            hashes: hint.claims,
            url: hint.url,
        };
        fact.hints = hints.into_iter().map(told).collect();
    }

    pub(crate) fn cached_hashes(&self, file: &Path) -> Option<HashedFile> {
        let metadata = file.metadata().ok()?;
        self.cache.get(file, FileStamp::from_metadata(&metadata))
    }

    fn shadowed_file(&self, other: &ModelFile) -> ShadowedFile {
        let sha256 = self.cached_hashes(&other.file).map(|hashed| to_hex(&hashed.hashes.sha256));
        ShadowedFile { search_folder: other.folder.clone(), size: other.size, sha256 }
    }

    /// Where the bytes that a missing file should have lie under another name.
    fn find_copies_by_digest(
        &self,
        folders: &ModelFolders,
        claims: &BTreeSet<&Digest>,
    ) -> Vec<String> {
        let digests = claims.iter().filter(|claim| claim.kind() == DigestKind::Sha256);
        let files = digests.flat_map(|claim| self.cache.files_with_digest(claim));
        let inside = files.filter(|file| folders.contains(file));
        let mut found: Vec<String> = inside.filter_map(|file| folders.label_file(&file)).collect();
        found.sort();
        found.dedup();
        found
    }
}

fn header_claims(header: &BTreeMap<String, String>) -> Vec<(Digest, String)> {
    let claim = |field: &&str| {
        let digest = Digest::new(DigestKind::Tensors, header.get(*field)?).ok()?;
        Some((digest, format!("header {field}")))
    };
    HEADER_CLAIMS.iter().filter_map(claim).collect()
}

fn mismatched_claims(
    hashes: &FileHashes,
    claims: impl Iterator<Item = (Digest, String)>,
) -> BTreeMap<Digest, String> {
    claims.filter(|(claim, _)| hashes.matches(claim) == Some(false)).collect()
}
