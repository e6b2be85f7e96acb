//! What the original needed, compared with what is here.

use std::collections::BTreeSet;

use super::available_files::{
    LocalFile, LocalInput, LocalMachine, LocalModel, LocalPack, RestoreSource,
};
use super::check_findings::{
    EnvironmentPart, EnvironmentPartCheck, EnvironmentPartState, InputCheck, InputState,
    ModelCheck, ModelState, PackCheck, PackState, ReproductionCheck, ReproductionVerdict,
};
use super::command_lines;
use super::requirements::{
    FactSource, RequiredInput, RequiredModel, RequiredPack, Requirements, SourcedFact,
};
use crate::platform::hex;
use crate::platform::machine::{Digest, DigestKind, FileHashes};
use crate::records::dependencies::UNKNOWN_FOLDER;
use crate::records::{self, ComfyEnvironment, PackKind};

/// Compares what is required with what is here, and judges it.
pub(crate) fn check_requirements(wanted: &Requirements, here: &LocalMachine) -> ReproductionCheck {
    let nothing = LocalModel::default();
    let at = |at: usize| here.models.get(at).unwrap_or(&nothing);
    let models = wanted.models.iter().enumerate();
    let packs = wanted.packs.iter().enumerate();
    let no_input = LocalInput::default();
    let inputs = wanted.inputs.iter().enumerate();
    let mut check = ReproductionCheck {
        verdict: ReproductionVerdict::Same,
        comfyui_found: here.has_comfyui,
        models: models.map(|(n, model)| check_model(model, at(n))).collect(),
        packs: packs
            .map(|(n, pack)| check_pack(pack, here.packs.get(n).and_then(Option::as_ref)))
            .collect(),
        unplaced: wanted.unplaced.difference(&here.provided_classes).cloned().collect(),
        environment: check_environment(wanted.environment.as_ref(), here),
        environment_by: wanted.environment.as_ref().map(|fact| fact.source.clone()),
        inputs: inputs
            .map(|(n, input)| check_input(input, here.inputs.get(n).unwrap_or(&no_input)))
            .collect(),
    };
    check.verdict = check.compute_verdict();
    check
}

fn check_model(wanted: &RequiredModel, here: &LocalModel) -> ModelCheck {
    let mut digests = wanted.digests.clone();
    if digests.is_none()
        && let Some(remembered) = &here.remembered
    {
        let what = remembered.digest(DigestKind::Sha256).into_iter().collect();
        digests = Some(SourcedFact { value: what, source: FactSource::Machine });
    }
    ModelCheck {
        folder: wanted.folder.clone(),
        name: wanted.name.clone(),
        nodes: wanted.nodes.clone(),
        state: model_state(wanted, digests.as_ref().map(|fact| &fact.value), here),
        recorded: digests.as_ref().map(|fact| fact.value.clone()).unwrap_or_default(),
        recorded_by: digests.map(|fact| fact.source),
        sources: wanted.sources.clone(),
    }
}

fn model_state(
    wanted: &RequiredModel,
    digests: Option<&BTreeSet<Digest>>,
    here: &LocalModel,
) -> ModelState {
    let unknown = |why: &str| ModelState::Unknown { why: why.to_owned() };
    match &here.found {
        LocalFile::Folder => match wanted.is_folder {
            true => unknown("it is a folder of files, which are not hashed"),
            false => unknown("it is a folder of files now"),
        },
        LocalFile::Unread(why) if digests.is_some() => unknown(why),
        LocalFile::Hashed(_) | LocalFile::Unread(_) if digests.is_none() => {
            unknown("a file of this name is here; nobody recorded which bytes it had")
        }
        LocalFile::Hashed(hashes) => match any_digest_matches(digests, hashes) {
            Some(true) => ModelState::Same,
            Some(false) => state_of_copies(wanted, here)
                .unwrap_or_else(|| ModelState::Replaced { sha256: hex::to_hex(&hashes.sha256) }),
            None => unknown("the kind of digest that was recorded is not known of the file here"),
        },
        LocalFile::Refused(why) => {
            let copies = state_of_copies(wanted, here);
            copies.unwrap_or_else(|| ModelState::Refused { why: why.clone() })
        }
        LocalFile::Nothing | LocalFile::Unread(_) => {
            state_of_copies(wanted, here).unwrap_or(ModelState::Missing)
        }
    }
}

/// The same bytes under another name or in another folder, where there are any.
fn state_of_copies(wanted: &RequiredModel, here: &LocalModel) -> Option<ModelState> {
    let is_usable = wanted.folder == UNKNOWN_FOLDER;
    let copy = here.copies.iter().find(|copy| is_usable || copy.folder == wanted.folder);
    if let Some(copy) = copy {
        return Some(ModelState::Renamed { to: copy.name.clone(), place: copy.place.clone() });
    }
    let at: Vec<String> = here.copies.iter().map(|copy| copy.place.clone()).collect();
    (!at.is_empty()).then_some(ModelState::Misplaced { at })
}

/// Whether any recorded digest is the file's; none where no kind of digest is known of both.
fn any_digest_matches(digests: Option<&BTreeSet<Digest>>, hashes: &FileHashes) -> Option<bool> {
    let matches: Vec<bool> = digests?.iter().filter_map(|digest| hashes.matches(digest)).collect();
    (!matches.is_empty()).then(|| matches.contains(&true))
}

/// A pack as people name its state: release, tag or commit.
fn describe_pack(fact: &records::PackFact) -> String {
    let commit = fact.checkout.commit.as_ref().map(|id| id.chars().take(10).collect::<String>());
    let named = fact.checkout.tag.clone().or_else(|| fact.version.clone());
    let mut text = match (named, commit) {
        (Some(named), Some(commit)) => format!("{named} @ {commit}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => match &fact.sha256 {
            Some(digest) => format!("sha256 {}", digest.chars().take(10).collect::<String>()),
            None => String::new(),
        },
    };
    if fact.checkout.dirty == Some(true) {
        text += ", changed";
    }
    text
}

fn check_pack(wanted: &RequiredPack, here: Option<&LocalPack>) -> PackCheck {
    let mut was = describe_pack(&wanted.fact);
    if was.is_empty() && !wanted.placed_with.is_empty() {
        let versions: Vec<&str> = wanted.placed_with.iter().map(String::as_str).collect();
        was = format!("placed with {}", versions.join(", "));
    }
    PackCheck {
        name: wanted.fact.name.clone(),
        classes: wanted.fact.classes.keys().cloned().collect(),
        was,
        state: pack_state(wanted, here),
        recorded_by: wanted.source.clone(),
        path: here.map(|here| here.path.clone()),
        commit: wanted.fact.checkout.commit.clone(),
        gone: here.map(|here| missing_classes(wanted, here)).unwrap_or_default(),
    }
}

/// The wanted classes that a pack does not register any more, where all it registers could
/// be read.
fn missing_classes(wanted: &RequiredPack, here: &LocalPack) -> BTreeSet<String> {
    let classes = wanted.fact.classes.keys();
    let lost = classes.filter(|class| !here.classes.is_empty() && !here.classes.contains(*class));
    lost.cloned().collect()
}

fn pack_state(wanted: &RequiredPack, here: Option<&LocalPack>) -> PackState {
    let Some(here) = here else {
        return PackState::Missing { get: command_lines::install_command(&wanted.fact) };
    };
    if here.fact.disabled && !wanted.fact.disabled {
        return PackState::Disabled { at: here.path.clone() };
    }
    let (was, is) = (&wanted.fact, &here.fact);
    let unknown = |why: &str| PackState::Unknown { here: describe_pack(is), why: why.to_owned() };
    let dirty = is.checkout.dirty == Some(true);
    if let (Some(commit), Some(now)) = (&was.checkout.commit, &is.checkout.commit) {
        if commit != now {
            let back = here.branch.as_deref().unwrap_or(now);
            return PackState::Other {
                here: describe_pack(is),
                get: Some(command_lines::checkout_command(&here.path, commit, here.has_commit)),
                back: Some(command_lines::checkout_command(&here.path, back, true)),
                held: here.has_commit,
                dirty,
            };
        }
        let path = command_lines::quote_word(&here.path);
        return match (was.checkout.dirty, is.checkout.dirty) {
            (Some(true), _) => unknown("its files were changed when it was recorded"),
            (_, Some(true)) => PackState::Dirty {
                get: format!("git -C {path} stash"),
                back: format!("git -C {path} stash pop"),
            },
            (_, None) => unknown("whether its files are changed cannot be read"),
            _ => PackState::Same,
        };
    }
    if was.kind == PackKind::File && was.sha256.is_some() {
        let other = || PackState::Other {
            here: describe_pack(is),
            get: None,
            back: None,
            held: false,
            dirty: false,
        };
        return if was.sha256 == is.sha256 { PackState::Same } else { other() };
    }
    match (&was.version, &is.version) {
        (Some(a), Some(b)) if a == b && was.kind == is.kind => PackState::Same,
        (Some(version), Some(now)) if version != now => {
            let id = was.cnr_id.as_ref().or(is.cnr_id.as_ref());
            PackState::Other {
                here: describe_pack(is),
                get: id.map(|id| command_lines::registry_install_command(id, Some(version))),
                back: id.map(|id| command_lines::registry_install_command(id, Some(now))),
                held: false,
                dirty,
            }
        }
        (None, _) => unknown("nobody recorded which version ran"),
        _ => unknown("it was installed in another way"),
    }
}

fn check_environment(
    was: Option<&SourcedFact<ComfyEnvironment>>,
    here: &LocalMachine,
) -> Vec<EnvironmentPartCheck> {
    let nothing = ComfyEnvironment::default();
    // A lock names what is needed, and nothing of the machine it was made on.
    let is_lock = was.is_some_and(|fact| fact.source == FactSource::Lock);
    let was = was.map_or(&nothing, |fact| &fact.value);
    let is = &here.environment;
    let part = |part, was: Option<String>, is: Option<String>| {
        let state = match (&was, &is) {
            (Some(a), Some(b)) if a == b => EnvironmentPartState::Same,
            (Some(_), Some(_)) => EnvironmentPartState::Other { get: None, back: None },
            _ => EnvironmentPartState::Unknown,
        };
        EnvironmentPartCheck { part, was, here: is, state }
    };
    let list = |all: &Vec<String>| (!all.is_empty()).then(|| all.join(", "));
    let mut parts = vec![
        check_comfyui(was, is, here),
        part(EnvironmentPart::Python, was.python.clone(), is.python.clone()),
        part(EnvironmentPart::Torch, was.torch.clone(), is.torch.clone()),
        part(EnvironmentPart::Device, list(&was.devices), list(&is.devices)),
    ];
    // Only a running server tells its flags.
    let server = records::EnvironmentSource::Server;
    if was.from == Some(server) && is.from == Some(server) {
        let flags = |all: &ComfyEnvironment| Some(all.flags.join(" "));
        parts.push(part(EnvironmentPart::Flags, flags(was), flags(is)));
    }
    parts.retain(|part| !is_lock || part.was.is_some());
    parts
}

fn check_comfyui(
    was: &ComfyEnvironment,
    is: &ComfyEnvironment,
    here: &LocalMachine,
) -> EnvironmentPartCheck {
    let state = match (source_commit(was), source_commit(is)) {
        (Some(a), Some(b)) if a == b => EnvironmentPartState::Same,
        (Some(wanted), Some(now)) => {
            let back = here.branch.as_deref().unwrap_or(now);
            let path = here.source.as_deref();
            EnvironmentPartState::Other {
                get: path
                    .map(|path| command_lines::checkout_command(path, wanted, here.has_commit)),
                back: path.map(|path| command_lines::checkout_command(path, back, true)),
            }
        }
        _ => match (&was.comfyui, &is.comfyui) {
            (Some(a), Some(b)) if a == b => EnvironmentPartState::Same,
            (Some(_), Some(_)) => EnvironmentPartState::Other { get: None, back: None },
            _ => EnvironmentPartState::Unknown,
        },
    };
    let (was, is) = (describe_comfyui(was), describe_comfyui(is));
    EnvironmentPartCheck { part: EnvironmentPart::Comfyui, was, here: is, state }
}

fn source_commit(environment: &ComfyEnvironment) -> Option<&str> {
    environment.source.as_ref()?.commit.as_deref()
}

/// Release and commit, as far as they are known.
fn describe_comfyui(environment: &ComfyEnvironment) -> Option<String> {
    let short = source_commit(environment).map(|id| id.chars().take(10).collect::<String>());
    match (environment.comfyui.clone(), short) {
        (Some(version), Some(commit)) => Some(format!("{version} @ {commit}")),
        (version, commit) => version.or(commit),
    }
}

fn check_input(wanted: &RequiredInput, here: &LocalInput) -> InputCheck {
    InputCheck {
        node: wanted.node.clone(),
        input: wanted.input.clone(),
        name: wanted.name.clone(),
        sha256: wanted.sha256.clone(),
        state: input_state(wanted, here),
    }
}

fn input_state(wanted: &RequiredInput, here: &LocalInput) -> InputState {
    let unknown = |why: &str| InputState::Unknown { why: why.to_owned() };
    let Some(recorded) = &wanted.sha256 else {
        return match (&here.sha256, &here.refused) {
            (_, Some(why)) => unknown(why),
            (Some(_), None) => unknown("a file of this name is here; nobody recorded its bytes"),
            (None, None) => InputState::Missing,
        };
    };
    if here.sha256.as_ref() == Some(recorded) {
        return InputState::Same;
    }
    if let Some(to) = here.copies.first() {
        return InputState::Moved { to: to.clone() };
    }
    match &here.restore_source {
        Some(RestoreSource::Git(place)) => InputState::Restorable { from: place.clone() },
        Some(RestoreSource::Output(path)) => InputState::Restorable { from: path.clone() },
        None if here.refused.is_some() => unknown(here.refused.as_deref().unwrap_or_default()),
        None if here.sha256.is_some() => InputState::Replaced,
        None => InputState::Missing,
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
