//! What is here of what an older picture needed: models by their bytes wherever they went,
//! packs by whatever identifies them.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::platform::git::remote;
use crate::platform::machine::comfyui::folders::ModelFolders;
use crate::platform::machine::models::{Resolved, resolve};
use crate::platform::machine::packs::{Kind, Pack, State};
use crate::platform::machine::{Digest, DigestKind, Hashes, packs};
use crate::records::ClassUse;
use crate::records::look::Look;
use crate::records::look::models::{Failure, Waiting};
use crate::records::look::packs::PacksSeen;
use crate::records::named::UNKNOWN_FOLDER;
use crate::reproduce::{Copy, Found, ModelHere, ModelWanted, PackHere, PackWanted};

/// The models that are here, and what must be hashed before more can be said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelsAgain {
    /// One for each that is wanted, in their order.
    pub models: Vec<ModelHere>,
    /// Files to hash: those of the names, and those of the right size.
    pub waiting: Vec<Waiting>,
}

impl Look<'_> {
    /// Looks for each model under its name, and for its bytes in all model folders: by the
    /// digests that are known, then by the files of its size, which are to be hashed.
    /// `failures` are the files that could not be; they do not wait again.
    pub fn models_again(
        &self,
        wanted: &[ModelWanted],
        failures: &HashMap<PathBuf, Failure>,
    ) -> ModelsAgain {
        let mut again = ModelsAgain::default();
        for model in wanted {
            let here = match self.installation {
                Some(found) => {
                    self.model_again(model, &found.folders, failures, &mut again.waiting)
                }
                None => ModelHere::default(),
            };
            again.models.push(here);
        }
        again.waiting.sort_by(|a, b| a.file.cmp(&b.file));
        again.waiting.dedup();
        again
    }

    fn model_again(
        &self,
        model: &ModelWanted,
        folders: &ModelFolders,
        failures: &HashMap<PathBuf, Failure>,
        waiting: &mut Vec<Waiting>,
    ) -> ModelHere {
        let mut here = ModelHere::default();
        let mut sizes = model.sizes.clone();
        match resolve(folders, &model.folder, &model.name) {
            Resolved::File { taken, .. } => {
                here.found = if let Some(hashed) = self.known(&taken.file) {
                    Found::Hashed(Box::new(hashed.hashes))
                } else if let Some(failure) = failures.get(&taken.file) {
                    Found::Unread(failure.why.clone())
                } else {
                    if model.digests.is_some() {
                        waiting.push(Waiting { file: taken.file, size: taken.size });
                    }
                    Found::Unread("it is not hashed".to_owned())
                };
            }
            Resolved::Folder { .. } => here.found = Found::Folder,
            Resolved::Refused(refusal) => here.found = Found::Refused(refusal.to_string()),
            Resolved::Missing | Resolved::UnknownType => {
                if model.digests.is_none()
                    && let Some((hashes, size)) = self.remembered(folders, model)
                {
                    sizes.insert(size);
                    here.remembered = Some(Box::new(hashes));
                }
            }
        }
        let mut digests: BTreeSet<Digest> =
            model.digests.iter().flat_map(|fact| fact.what.iter().cloned()).collect();
        if let Some(remembered) = &here.remembered {
            digests.extend(remembered.digest(DigestKind::Sha256));
        }
        if digests.is_empty() || is_same(&here.found, &digests) {
            return here;
        }
        // What waits under its own name comes first: it is the likeliest.
        let own_waits = matches!(&here.found, Found::Unread(_));
        here.copies = self.copies(folders, &digests);
        let fits = |copy: &Copy| copy.folder == model.folder || model.folder == UNKNOWN_FOLDER;
        if !here.copies.iter().any(fits) && !own_waits {
            for file in folders.files_of_sizes(&sizes) {
                if self.known(&file.0).is_none() && !failures.contains_key(&file.0) {
                    waiting.push(Waiting { file: file.0, size: file.1 });
                }
            }
        }
        here
    }

    /// What the file that had this name last held, when it was hashed.
    fn remembered(&self, folders: &ModelFolders, model: &ModelWanted) -> Option<(Hashes, u64)> {
        let kind = folders.kind(&model.folder)?;
        let parts: Vec<&str> = model.name.split(['/', '\\']).collect();
        if parts.iter().any(|part| part.is_empty() || *part == "..") {
            return None;
        }
        kind.folders.iter().find_map(|folder| {
            let mut path = folder.path.canonicalize().ok()?;
            path.extend(&parts);
            self.cache.last(&path)
        })
    }

    /// The files with these bytes, under the names by which their loaders reach them.
    fn copies(&self, folders: &ModelFolders, digests: &BTreeSet<Digest>) -> Vec<Copy> {
        let mut files: Vec<PathBuf> =
            digests.iter().flat_map(|digest| self.cache.files_with_digest(digest)).collect();
        files.sort();
        files.dedup();
        let mut copies: Vec<Copy> = Vec::new();
        for file in files.iter().filter(|file| folders.contains(file)) {
            for (kind, label, name) in folders.names_of(file) {
                let reached = matches!(
                    resolve(folders, &kind, &name),
                    Resolved::File { taken, .. } if taken.file == *file
                );
                if reached {
                    let place = format!("{label}/{name}");
                    let name = name.replace('/', std::path::MAIN_SEPARATOR_STR);
                    copies.push(Copy { folder: kind, name, place });
                }
            }
        }
        copies.sort();
        copies.dedup();
        copies
    }

    /// The installed packs that are the wanted ones, in their order.
    pub fn packs_again(&self, wanted: &[PackWanted], now: SystemTime) -> Vec<Option<PackHere>> {
        let folders = self.installation.map(|found| &found.folders);
        let installed = folders.map(|f| packs::installed(&f.custom_nodes)).unwrap_or_default();
        let again = |pack: &PackWanted| {
            let mut found: Vec<&Pack> =
                installed.iter().filter(|own| self.is_pack(pack, own)).collect();
            // Of two the one that is switched on, then the one of the same name.
            found.sort_by_key(|own| {
                (own.state == State::Disabled, !packs::same_name(&own.name, &pack.fact.name))
            });
            found.first().map(|own| self.pack_here(pack, own, now))
        };
        wanted.iter().map(again).collect()
    }

    fn is_pack(&self, wanted: &PackWanted, own: &Pack) -> bool {
        let fact = &wanted.fact;
        let named = packs::same_name(&own.name, &fact.name);
        let registered = fact.cnr_id.as_ref().is_some_and(|id| own.has_registry_id(id));
        named || registered || {
            let wanted = fact.checkout.remote.as_deref().and_then(remote::owner_and_name);
            own.kind == Kind::Git
                && wanted.is_some_and(|wanted| {
                    let own = self.repositories.remote(&own.path);
                    own.and_then(|url| remote::owner_and_name(&url))
                        .is_some_and(|own| own.eq_ignore_ascii_case(&wanted))
                })
        }
    }

    fn pack_here(&self, wanted: &PackWanted, own: &Pack, now: SystemTime) -> PackHere {
        let commit = wanted.fact.checkout.commit.as_deref();
        let git = own.kind == Kind::Git;
        let registered = own.registered(self.folder);
        // What could not be read whole may have any class.
        let classes = if registered.more { BTreeSet::new() } else { registered.classes };
        PackHere {
            fact: self.fact(own, now),
            path: own.path.display().to_string(),
            branch: git.then(|| self.repositories.branch(&own.path)).flatten(),
            has_commit: git
                && commit.is_some_and(|commit| self.repositories.has(&own.path, commit)),
            classes: classes.into_iter().collect(),
        }
    }

    /// Of some classes those that something here brings.
    pub fn brought(&self, classes: &BTreeSet<String>, now: SystemTime) -> BTreeSet<String> {
        let uses: Vec<ClassUse> = classes
            .iter()
            .map(|class| ClassUse {
                class: class.clone(),
                cnr_id: None,
                aux_id: None,
                placed_with: BTreeSet::new(),
            })
            .collect();
        let PacksSeen { unplaced, .. } = self.packs(&uses, now);
        classes.difference(&unplaced).cloned().collect()
    }
}

fn is_same(found: &Found, digests: &BTreeSet<Digest>) -> bool {
    let Found::Hashed(hashes) = found else { return false };
    digests.iter().any(|digest| hashes.agrees(digest) == Some(true))
}

impl ModelFolders {
    /// The types that offer a file without links in its path: type, label of the search
    /// folder, name below it with forward slashes.
    pub fn names_of(&self, real: &Path) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        for (kind, folder_type) in self.kinds() {
            for folder in &folder_type.folders {
                let below = folder.path.canonicalize().ok();
                let below =
                    below.and_then(|folder| Some(real.strip_prefix(folder).ok()?.to_owned()));
                let parts = below.as_ref().and_then(|below| {
                    below.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>()
                });
                if let Some(name) = parts.map(|parts| parts.join("/"))
                    && folder_type.offered.offers(&name)
                {
                    found.push((kind.to_owned(), folder.label.clone(), name));
                }
            }
        }
        found
    }

    /// The files in the model folders that have one of these sizes in bytes, without links
    /// in their paths, each once.
    pub fn files_of_sizes(&self, sizes: &BTreeSet<u64>) -> Vec<(PathBuf, u64)> {
        let mut found = Vec::new();
        if sizes.is_empty() {
            return found;
        }
        for (_, kind) in self.kinds() {
            for folder in &kind.folders {
                self.visit(&folder.path, kind, &mut |_, path, metadata| {
                    let size = metadata.len();
                    if sizes.contains(&size)
                        && let Ok(real) = path.canonicalize()
                        && self.contains(&real)
                    {
                        found.push((real, size));
                    }
                });
            }
        }
        found.sort();
        found.dedup();
        found
    }
}
