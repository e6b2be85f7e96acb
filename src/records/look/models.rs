//! The model files behind a commit's names.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::Look;
use crate::platform::machine::comfyui::folders::ModelFolders;
use crate::platform::machine::hash::{Hashed, Stamp};
use crate::platform::machine::models::{Candidate, Resolved, kinds_with, resolve};
use crate::platform::machine::{Digest, DigestKind, Hashes, hash, sidecar, to_hex};
use crate::records::named::UNKNOWN_FOLDER;
use crate::records::{AlsoThere, Evidence, ModelFact, ModelHashes, ModelUse, SidecarHint, Status};

/// Header fields that claim a digest of the tensors.
const HEADER_CLAIMS: &[&str] = &["modelspec.hash_sha256", "sshs_model_hash"];

/// A file whose digests are not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The file, without links in its path.
    pub file: PathBuf,
    /// Bytes.
    pub size: u64,
}

/// Why a file could not be hashed, as a record tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What becomes of the model.
    pub status: Status,
    /// Why; without any path of this machine.
    pub why: String,
}

impl Failure {
    /// The failure behind an error of hashing.
    pub fn of(error: &hash::Error) -> Failure {
        let (status, why) = match error {
            hash::Error::Unfinished { why, .. } => (Status::Unfinished, why.to_string()),
            hash::Error::NotAFile(_) => (Status::Refused, "it is no ordinary file".to_owned()),
            hash::Error::Io { error, .. } => (Status::Unreadable, error.kind().to_string()),
            hash::Error::Stopped => (Status::Pending, "stopped".to_owned()),
        };
        Failure { status, why }
    }
}

/// What a look at the models found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelsSeen {
    /// One fact for each name.
    pub facts: Vec<ModelFact>,
    /// The files to hash.
    pub waiting: Vec<Waiting>,
}

impl Look<'_> {
    /// Gives names whose type nobody knows the types in whose folders such a file lies.
    pub fn settle_unknown(&self, models: &mut Vec<ModelUse>) {
        let Some(folders) = self.folders() else { return };
        let mut settled = Vec::new();
        models.retain(|model| {
            if model.folder != UNKNOWN_FOLDER {
                return true;
            }
            let kinds = kinds_with(folders, &model.name);
            settled.extend(kinds.iter().map(|kind| ModelUse {
                folder: kind.clone(),
                by: Evidence::Matched,
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
    pub fn models(&self, models: &[ModelUse], failures: &HashMap<PathBuf, Failure>) -> ModelsSeen {
        let mut seen = ModelsSeen::default();
        let mut names: BTreeMap<(&str, &str), BTreeSet<&Digest>> = BTreeMap::new();
        for model in models {
            let claims = names.entry((&model.folder, &model.name)).or_default();
            claims.extend(&model.claims.hashes);
        }
        for ((folder, name), claims) in names {
            let mut fact = ModelFact {
                folder: folder.to_owned(),
                name: name.to_owned(),
                at: self.at.to_owned(),
                ..ModelFact::default()
            };
            match self.folders() {
                Some(folders) => {
                    self.fill(&mut fact, folders, &claims, failures, &mut seen.waiting);
                }
                None => {
                    fact.status = Status::Missing;
                    fact.why = Some("no ComfyUI was found on this machine".to_owned());
                }
            }
            seen.facts.push(fact);
        }
        seen
    }

    fn folders(&self) -> Option<&ModelFolders> {
        self.installation.map(|installation| &installation.folders)
    }

    fn fill(
        &self,
        fact: &mut ModelFact,
        folders: &ModelFolders,
        claims: &BTreeSet<&Digest>,
        failures: &HashMap<PathBuf, Failure>,
        waiting: &mut Vec<Waiting>,
    ) {
        match resolve(folders, &fact.folder, &fact.name) {
            Resolved::File { taken, others } => {
                fact.also = others.iter().map(|other| self.also(other)).collect();
                fact.place = Some(taken.folder.clone());
                fact.file = Some(taken.name.clone()).filter(|name| *name != fact.name);
                fact.size = Some(taken.size);
                self.fill_file(fact, &taken, claims, failures, waiting);
            }
            Resolved::Folder { folder, size } => {
                fact.status = Status::Folder;
                fact.place = Some(folder);
                fact.size = Some(size);
                fact.why = Some("a folder of files is not hashed".to_owned());
            }
            Resolved::Missing => {
                fact.status = Status::Missing;
                fact.elsewhere = self.elsewhere(folders, claims);
            }
            Resolved::Refused(refusal) => {
                fact.status = Status::Refused;
                fact.why = Some(refusal.to_string());
            }
            Resolved::UnknownType => {
                fact.status = Status::Missing;
                fact.why = Some(match fact.folder.as_str() {
                    UNKNOWN_FOLDER => "no model folder has a file of this name".to_owned(),
                    _ => "ComfyUI has no model folder of this type here".to_owned(),
                });
            }
        }
    }

    fn fill_file(
        &self,
        fact: &mut ModelFact,
        taken: &Candidate,
        claims: &BTreeSet<&Digest>,
        failures: &HashMap<PathBuf, Failure>,
        waiting: &mut Vec<Waiting>,
    ) {
        let hints = sidecar::hints(&taken.file);
        if let Some(hashed) = self.known(&taken.file) {
            fact.status = Status::Hashed;
            fact.size = Some(hashed.stamp.size);
            fact.hashes = Some(ModelHashes::from(&hashed.hashes));
            fact.header = hashed.header.map(|header| header.identity).unwrap_or_default();
            let workflow = claims.iter().map(|claim| ((*claim).clone(), "workflow".to_owned()));
            let sidecars = hints.iter().flat_map(|hint| {
                hint.claims.iter().map(|claim| (claim.clone(), hint.from.to_owned()))
            });
            let header = header_claims(&fact.header);
            let all = header.into_iter().chain(sidecars).chain(workflow);
            fact.disagrees = disagreeing(&hashed.hashes, all);
        } else if let Some(failure) = failures.get(&taken.file) {
            fact.status = failure.status;
            fact.why = Some(failure.why.clone());
        } else {
            fact.status = Status::Pending;
            waiting.push(Waiting { file: taken.file.clone(), size: taken.size });
        }
        let told = |hint: sidecar::Hint| SidecarHint {
            from: hint.from.to_owned(),
            hashes: hint.claims,
            url: hint.url,
        };
        fact.hints = hints.into_iter().map(told).collect();
    }

    pub(crate) fn known(&self, file: &Path) -> Option<Hashed> {
        let metadata = file.metadata().ok()?;
        self.cache.get(file, Stamp::of(&metadata))
    }

    fn also(&self, other: &Candidate) -> AlsoThere {
        let sha256 = self.known(&other.file).map(|hashed| to_hex(&hashed.hashes.sha256));
        AlsoThere { place: other.folder.clone(), size: other.size, sha256 }
    }

    /// Where the bytes that a missing file should have lie under another name.
    fn elsewhere(&self, folders: &ModelFolders, claims: &BTreeSet<&Digest>) -> Vec<String> {
        let digests = claims.iter().filter(|claim| claim.kind() == DigestKind::Sha256);
        let files = digests.flat_map(|claim| self.cache.files_with_digest(claim));
        let inside = files.filter(|file| folders.contains(file));
        let mut found: Vec<String> = inside.filter_map(|file| folders.describe(&file)).collect();
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

fn disagreeing(
    hashes: &Hashes,
    claims: impl Iterator<Item = (Digest, String)>,
) -> BTreeMap<Digest, String> {
    claims.filter(|(claim, _)| hashes.agrees(claim) == Some(false)).collect()
}
