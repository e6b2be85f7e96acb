//! The node packs behind a commit's classes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::MachineView;
use crate::platform::git::remote;
use crate::platform::hex::to_hex;
use crate::platform::machine::hash::{DigestSelection, HashThreads};
use crate::platform::machine::packs::{NodePack, PackActivation, PackInstallKind};
use crate::platform::machine::{hash, packs};
use crate::records::{ClassUse, PackEvidence, PackFact, PackKind};

/// Class and Python module, as a server's `/object_info` tells.
pub type ClassModules = HashMap<String, String>;

/// What a look at the packs found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackFacts {
    /// The packs that bring one of the classes.
    pub facts: Vec<PackFact>,
    /// Classes no installed pack is known for.
    pub unplaced: BTreeSet<String>,
}

/// The pack that brings a class. Packs are named by their indices among the installed ones.
struct ClassProvider {
    pack: usize,
    evidence: PackEvidence,
    /// Other packs that bring the class, too.
    others: Vec<usize>,
}

impl ClassProvider {
    fn new(pack: usize, evidence: PackEvidence) -> ClassProvider {
        ClassProvider { pack, evidence, others: Vec::new() }
    }
}

impl MachineView<'_> {
    /// Looks for the pack of each class.
    pub fn collect_pack_facts(
        &self,
        classes: &[ClassUse],
        now: std::time::SystemTime,
    ) -> PackFacts {
        let mut seen = PackFacts::default();
        let folders = self.installation.map(|installation| &installation.folders);
        let installed = folders.map(|f| packs::list_installed(&f.custom_nodes)).unwrap_or_default();
        let mut found: BTreeMap<usize, PackFact> = BTreeMap::new();
        for class in merge_class_uses(classes) {
            if self.is_built_in(&class.class) {
                continue;
            }
            let Some(provider) = self.find_pack(&class, &installed) else {
                seen.unplaced.insert(class.class);
                continue;
            };
            let Some(pack) = installed.get(provider.pack) else { continue };
            let fact = found.entry(provider.pack).or_insert_with(|| self.pack_fact(pack, now));
            fact.classes.insert(class.class, provider.evidence);
            let others = provider.others.iter().filter_map(|at| installed.get(*at));
            fact.also.extend(others.map(|pack| pack.name.clone()));
        }
        seen.facts = found.into_values().collect();
        seen.facts.sort();
        seen
    }

    /// A server counts the class among ComfyUI's own: newer than the built-in table.
    fn is_built_in(&self, class: &str) -> bool {
        let module = self.class_modules.get(class).map(String::as_str);
        module.is_some_and(|module| !module.starts_with("custom_nodes"))
    }

    fn find_pack(&self, class: &ClassUse, installed: &[NodePack]) -> Option<ClassProvider> {
        let all = || installed.iter().enumerate();
        if let Some(module) = self.class_modules.get(&class.class)
            && let Some((at, _)) = all()
                .find(|(_, pack)| pack.state == PackActivation::Enabled && pack.is_module(module))
        {
            return Some(ClassProvider::new(at, PackEvidence::Server));
        }
        let registers = |pack: &NodePack| {
            let registered = pack.registered_classes(self.pack_cache_folder);
            (registered.classes.contains(&class.class), registered.is_partial)
        };
        let claimed = all().find(|(_, pack)| self.is_claimed_pack(class, pack)).map(|(at, _)| at);
        if let Some(at) = claimed {
            let sure = installed.get(at).is_some_and(|pack| registers(pack).0);
            let by = if sure { PackEvidence::Source } else { PackEvidence::Claimed };
            return Some(ClassProvider::new(at, by));
        }
        let mut found: Vec<usize> =
            all().filter(|(_, pack)| registers(pack).0).map(|(at, _)| at).collect();
        // Of two that bring it, the one that is switched on.
        found.sort_by_key(|at| {
            installed.get(*at).is_none_or(|p| p.state == PackActivation::Disabled)
        });
        let (first, others) = found.split_first()?;
        Some(ClassProvider {
            others: others.to_vec(),
            ..ClassProvider::new(*first, PackEvidence::Source)
        })
    }

    fn is_claimed_pack(&self, class: &ClassUse, pack: &NodePack) -> bool {
        if let Some(id) = &class.cnr_id {
            return pack.has_registry_id(id);
        }
        let Some(aux) = &class.aux_id else { return false };
        let named =
            aux.rsplit('/').next().is_some_and(|name| packs::is_same_pack_name(name, &pack.name));
        // The folder nearly always has the repository's name; only then is git asked.
        pack.kind == PackInstallKind::Git
            && named
            && self
                .checkouts
                .remote(&pack.path)
                .and_then(|url| remote::owner_and_name(&url))
                .is_some_and(|own| own.eq_ignore_ascii_case(aux))
    }

    pub(crate) fn pack_fact(&self, pack: &NodePack, now: std::time::SystemTime) -> PackFact {
        let project = pack.project.as_ref();
        PackFact {
            name: pack.name.clone(),
            at: self.seen_at.to_owned(),
            kind: match pack.kind {
                PackInstallKind::Git => PackKind::Git,
                PackInstallKind::Registry => PackKind::Registry,
                PackInstallKind::Folder => PackKind::Folder,
                PackInstallKind::File => PackKind::File,
            },
            version: project.and_then(|project| project.version.clone()),
            cnr_id: pack.registry_id.clone(),
            checkout: match pack.kind {
                PackInstallKind::Git => self.checkouts.checkout(&pack.path).unwrap_or_default(),
                _ => Default::default(),
            },
            sha256: match pack.kind {
                PackInstallKind::File => {
                    let one = HashThreads::One;
                    // A file edited this moment is still a few kilobytes in one write.
                    let now = now + hash::SETTLING_TIME * 2;
                    hash::hash_file(
                        &pack.path,
                        DigestSelection::Sha256,
                        one,
                        now,
                        &hash::NoHashProgress,
                    )
                    .ok()
                    .map(|hashed| to_hex(&hashed.hashes.sha256))
                }
                _ => None,
            },
            disabled: pack.state == PackActivation::Disabled,
            ..PackFact::default()
        }
    }
}

/// One entry for each class: the claims of several nodes of one class are joined, the
/// first of each kind counts.
fn merge_class_uses(classes: &[ClassUse]) -> Vec<ClassUse> {
    let mut all: BTreeMap<&str, ClassUse> = BTreeMap::new();
    for class in classes {
        let known = all.entry(&class.class).or_insert_with(|| class.clone());
        known.cnr_id = known.cnr_id.take().or_else(|| class.cnr_id.clone());
        known.aux_id = known.aux_id.take().or_else(|| class.aux_id.clone());
    }
    all.into_values().collect()
}
