//! What is here of what an older picture needed: models by their bytes wherever they went,
//! packs by whatever identifies them.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::platform::git::remote;
use crate::platform::machine::comfyui::folders::{ModelFolders, OfferedName};
use crate::platform::machine::models::{ModelResolution, resolve_model};
use crate::platform::machine::packs::{NodePack, PackActivation, PackInstallKind};
use crate::platform::machine::{Digest, DigestKind, FileHashes, packs};
use crate::records::ClassUse;
use crate::records::dependencies::UNKNOWN_FOLDER;
use crate::records::machine_evidence::MachineView;
use crate::records::machine_evidence::models::{HashFailure, UnhashedFile};
use crate::records::machine_evidence::packs::PackFacts;
use crate::reproduce::{LocalFile, LocalModel, LocalPack, ModelCopy, RequiredModel, RequiredPack};

/// The models that are here, and what must be hashed before more can be said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundModels {
    /// One for each that is wanted, in their order.
    pub models: Vec<LocalModel>,
    /// Files to hash: those of the names, and those of the right size.
    pub unhashed: Vec<UnhashedFile>,
}

impl MachineView<'_> {
    /// Looks for each model under its name, and for its bytes in all model folders: by the
    /// digests that are known, then by the files of its size, which are to be hashed.
    /// `failures` are the files that could not be; they do not wait again.
    pub fn find_models(
        &self,
        wanted: &[RequiredModel],
        failures: &HashMap<PathBuf, HashFailure>,
    ) -> FoundModels {
        let mut found = FoundModels::default();
        for model in wanted {
            let local = match self.installation {
                Some(installation) => {
                    let folders = &installation.folders;
                    self.find_model(model, folders, failures, &mut found.unhashed)
                }
                None => LocalModel::default(),
            };
            found.models.push(local);
        }
        found.unhashed.sort_by(|a, b| a.file.cmp(&b.file));
        found.unhashed.dedup();
        found
    }

    fn find_model(
        &self,
        model: &RequiredModel,
        folders: &ModelFolders,
        failures: &HashMap<PathBuf, HashFailure>,
        waiting: &mut Vec<UnhashedFile>,
    ) -> LocalModel {
        let mut local = LocalModel::default();
        let mut sizes = model.sizes.clone();
        match resolve_model(folders, &model.folder, &model.name) {
            ModelResolution::File { taken, .. } => {
                local.found = if let Some(hashed) = self.cached_hashes(&taken.file) {
                    LocalFile::Hashed(Box::new(hashed.hashes))
                } else if let Some(failure) = failures.get(&taken.file) {
                    LocalFile::Unread(failure.why.clone())
                } else {
                    if model.digests.is_some() {
                        waiting.push(UnhashedFile { file: taken.file, size: taken.size });
                    }
                    LocalFile::Unread("it is not hashed".to_owned())
                };
            }
            ModelResolution::Folder { .. } => local.found = LocalFile::Folder,
            ModelResolution::Refused(refusal) => {
                local.found = LocalFile::Refused(refusal.to_string())
            }
            ModelResolution::Missing | ModelResolution::UnknownType => {
                if model.digests.is_none()
                    && let Some((hashes, size)) = self.last_known_hashes(folders, model)
                {
                    sizes.insert(size);
                    local.remembered = Some(Box::new(hashes));
                }
            }
        }
        let mut digests: BTreeSet<Digest> =
            model.digests.iter().flat_map(|fact| fact.value.iter().cloned()).collect();
        if let Some(remembered) = &local.remembered {
            digests.extend(remembered.digest(DigestKind::Sha256));
        }
        if digests.is_empty() || has_any_digest(&local.found, &digests) {
            return local;
        }
        // What waits under its own name comes first: it is the likeliest.
        let own_waits = matches!(&local.found, LocalFile::Unread(_));
        local.copies = self.find_copies(folders, &digests);
        let fits = |copy: &ModelCopy| copy.folder == model.folder || model.folder == UNKNOWN_FOLDER;
        if !local.copies.iter().any(fits) && !own_waits {
            for file in folders.files_of_sizes(&sizes) {
                if self.cached_hashes(&file.0).is_none() && !failures.contains_key(&file.0) {
                    waiting.push(UnhashedFile { file: file.0, size: file.1 });
                }
            }
        }
        local
    }

    /// What the file that had this name last held, when it was hashed.
    fn last_known_hashes(
        &self,
        folders: &ModelFolders,
        model: &RequiredModel,
    ) -> Option<(FileHashes, u64)> {
        let kind = folders.folder_type(&model.folder)?;
        let parts: Vec<&str> = model.name.split(['/', '\\']).collect();
        if parts.iter().any(|part| part.is_empty() || *part == "..") {
            return None;
        }
        kind.folders.iter().find_map(|folder| {
            let mut path = folder.path.canonicalize().ok()?;
            path.extend(&parts);
            self.cache.last_known(&path)
        })
    }

    /// The files with these bytes, under the names by which their loaders reach them.
    fn find_copies(&self, folders: &ModelFolders, digests: &BTreeSet<Digest>) -> Vec<ModelCopy> {
        let mut files: Vec<PathBuf> =
            digests.iter().flat_map(|digest| self.cache.files_with_digest(digest)).collect();
        files.sort();
        files.dedup();
        let mut copies: Vec<ModelCopy> = Vec::new();
        for file in files.iter().filter(|file| folders.contains(file)) {
            for OfferedName { folder_type, label, name } in folders.names_of_file(file) {
                let reached = matches!(
                    resolve_model(folders, &folder_type, &name),
                    ModelResolution::File { taken, .. } if taken.file == *file
                );
                if reached {
                    let place = format!("{label}/{name}");
                    let name = name.replace('/', std::path::MAIN_SEPARATOR_STR);
                    copies.push(ModelCopy { folder: folder_type, name, place });
                }
            }
        }
        copies.sort();
        copies.dedup();
        copies
    }

    /// The installed packs that are the wanted ones, in their order.
    pub fn find_packs(&self, wanted: &[RequiredPack], now: SystemTime) -> Vec<Option<LocalPack>> {
        let folders = self.installation.map(|found| &found.folders);
        let installed = folders.map(|f| packs::list_installed(&f.custom_nodes)).unwrap_or_default();
        let again = |pack: &RequiredPack| {
            let mut found: Vec<&NodePack> =
                installed.iter().filter(|own| self.is_same_pack(pack, own)).collect();
            // Of two the one that is switched on, then the one of the same name.
            found.sort_by_key(|own| {
                (
                    own.state == PackActivation::Disabled,
                    !packs::is_same_pack_name(&own.name, &pack.fact.name),
                )
            });
            found.first().map(|own| self.describe_installed_pack(pack, own, now))
        };
        wanted.iter().map(again).collect()
    }

    fn is_same_pack(&self, wanted: &RequiredPack, own: &NodePack) -> bool {
        let fact = &wanted.fact;
        let named = packs::is_same_pack_name(&own.name, &fact.name);
        let registered = fact.cnr_id.as_ref().is_some_and(|id| own.has_registry_id(id));
        named || registered || {
            let wanted = fact.checkout.remote.as_deref().and_then(remote::owner_and_name);
            own.kind == PackInstallKind::Git
                && wanted.is_some_and(|wanted| {
                    let own = self.checkouts.remote(&own.path);
                    own.and_then(|url| remote::owner_and_name(&url))
                        .is_some_and(|own| own.eq_ignore_ascii_case(&wanted))
                })
        }
    }

    fn describe_installed_pack(
        &self,
        wanted: &RequiredPack,
        own: &NodePack,
        now: SystemTime,
    ) -> LocalPack {
        let commit = wanted.fact.checkout.commit.as_deref();
        let git = own.kind == PackInstallKind::Git;
        let registered = own.registered_classes(self.pack_cache_folder);
        // What could not be read whole may have any class.
        let classes = if registered.is_partial { BTreeSet::new() } else { registered.classes };
        LocalPack {
            fact: self.pack_fact(own, now),
            path: own.path.display().to_string(),
            branch: git.then(|| self.checkouts.branch(&own.path)).flatten(),
            has_commit: git
                && commit.is_some_and(|commit| self.checkouts.has_commit(&own.path, commit)),
            classes: classes.into_iter().collect(),
        }
    }

    /// Of some classes those that something here brings.
    pub fn available_classes(
        &self,
        classes: &BTreeSet<String>,
        now: SystemTime,
    ) -> BTreeSet<String> {
        let uses: Vec<ClassUse> = classes
            .iter()
            .map(|class| ClassUse {
                class: class.clone(),
                cnr_id: None,
                aux_id: None,
                placed_with: BTreeSet::new(),
            })
            .collect();
        let PackFacts { unplaced, .. } = self.collect_pack_facts(&uses, now);
        classes.difference(&unplaced).cloned().collect()
    }
}

fn has_any_digest(found: &LocalFile, digests: &BTreeSet<Digest>) -> bool {
    let LocalFile::Hashed(hashes) = found else { return false };
    digests.iter().any(|digest| hashes.matches(digest) == Some(true))
}
