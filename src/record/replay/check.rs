//! What the original needed held against what is here.

use std::collections::BTreeSet;

use serde::Serialize;

use super::super::digest::{Digest, DigestKind, Hashes};
use super::super::named::UNKNOWN_FOLDER;
use super::super::schema::{Environment, PackKind};
use super::here::{Found, Here, InputHere, ModelHere, PackHere, Restorable};
use super::line;
use super::wanted::{By, Fact, InputWanted, ModelWanted, PackWanted, Wanted};

/// Whether the picture can be made again here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything is here as it was recorded.
    Same,
    /// It runs here once what is listed is repaired, and differs as listed.
    Repairable,
    /// Something that it needs is not here.
    NotHere,
}

/// What a finding means for making the picture again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing.
    Fine,
    /// The repaired workflow sees to it.
    Repaired,
    /// Nobody recorded enough to tell.
    Unknown,
    /// The picture may differ.
    Differs,
    /// A person can put it right.
    Fixable,
    /// It cannot be made here.
    Blocks,
}

/// What became of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ModelState {
    /// The file of its name has its bytes.
    Same,
    /// Its bytes lie under another name that its loader offers.
    Renamed {
        /// The name.
        to: String,
        /// Where that is.
        place: String,
    },
    /// Its bytes lie where its loader does not look.
    Misplaced {
        /// Where that is.
        at: Vec<String>,
    },
    /// Its name leads to other bytes.
    Replaced {
        /// The SHA-256 of those.
        sha256: String,
    },
    /// It is not here.
    Missing,
    /// Its name leads to something that must not be opened.
    Refused {
        /// Why.
        why: String,
    },
    /// A file of its name is here, and whether it is the same cannot be said.
    Unknown {
        /// Why.
        why: String,
    },
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelCheck {
    /// The folder type.
    pub folder: String,
    /// Its name in the original.
    pub name: String,
    /// The nodes that load it.
    pub nodes: Vec<String>,
    /// What became of it.
    #[serde(flatten)]
    pub state: ModelState,
    /// The digests that were recorded.
    pub recorded: BTreeSet<Digest>,
    /// Who recorded them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<By>,
    /// Where it can be got.
    pub sources: BTreeSet<String>,
}

/// What became of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PackState {
    /// The same release or commit, without changes.
    Same,
    /// Another one.
    Other {
        /// Which.
        here: String,
        /// Gets the recorded one.
        #[serde(skip_serializing_if = "Option::is_none")]
        get: Option<String>,
        /// Goes back to what is here now.
        #[serde(skip_serializing_if = "Option::is_none")]
        back: Option<String>,
        /// The recorded commit is in the repository here, so that nothing need be fetched.
        held: bool,
        /// Files of it were changed here.
        dirty: bool,
    },
    /// The same commit, with files changed.
    Dirty {
        /// Puts the changes aside.
        get: String,
        /// Brings them back.
        back: String,
    },
    /// It is switched off.
    Disabled {
        /// Where it lies.
        at: String,
    },
    /// It is not here.
    Missing {
        /// Gets it.
        #[serde(skip_serializing_if = "Option::is_none")]
        get: Option<String>,
    },
    /// It is here, and whether it is the same cannot be said.
    Unknown {
        /// What is here.
        here: String,
        /// Why.
        why: String,
    },
}

/// A node pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackCheck {
    /// Its name.
    pub name: String,
    /// The classes of the original that it brings.
    pub classes: BTreeSet<String>,
    /// What it was.
    pub was: String,
    /// What became of it.
    #[serde(flatten)]
    pub state: PackState,
    /// Who recorded what it was.
    pub recorded_by: By,
    /// Where it lies here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The commit that was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// A part of what it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// ComfyUI.
    Comfyui,
    /// Python.
    Python,
    /// PyTorch.
    Torch,
    /// What it computes on.
    Device,
    /// The flags it was started with.
    Flags,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PartState {
    /// The same.
    Same,
    /// Another one.
    Other {
        /// Gets the recorded one.
        #[serde(skip_serializing_if = "Option::is_none")]
        get: Option<String>,
        /// Goes back to what is here now.
        #[serde(skip_serializing_if = "Option::is_none")]
        back: Option<String>,
    },
    /// Nobody recorded it, or nobody knows what is here.
    Unknown,
}

/// ComfyUI, Python, torch, graphics card, flags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartCheck {
    /// Which.
    pub part: Part,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub state: PartState,
}

/// What became of an input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum InputState {
    /// The same bytes.
    Same,
    /// Its bytes lie under another name.
    Moved {
        /// The name.
        to: String,
    },
    /// Its bytes are somewhere else, and can be put back.
    Restorable {
        /// Where they are.
        from: String,
    },
    /// Its name leads to other bytes.
    Replaced,
    /// It is not here.
    Missing,
    /// Whether it is the same cannot be said.
    Unknown {
        /// Why.
        why: String,
    },
}

/// A file that the original reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputCheck {
    /// The node that reads it.
    pub node: String,
    /// The input of that node.
    pub input: String,
    /// Its name in the original.
    pub name: String,
    /// The recorded SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub state: InputState,
}

/// Everything, and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it comes to.
    pub verdict: Verdict,
    /// Whether a ComfyUI was found here at all.
    pub comfyui_found: bool,
    /// The models.
    pub models: Vec<ModelCheck>,
    /// The packs.
    pub packs: Vec<PackCheck>,
    /// Node classes that nothing here is known to bring.
    pub unplaced: BTreeSet<String>,
    /// ComfyUI and what it runs on.
    pub environment: Vec<PartCheck>,
    /// The files it reads.
    pub inputs: Vec<InputCheck>,
}

/// Holds what is wanted against what is here.
pub fn check(wanted: &Wanted, here: &Here) -> Check {
    let nothing = ModelHere::default();
    let at = |at: usize| here.models.get(at).unwrap_or(&nothing);
    let models = wanted.models.iter().enumerate();
    let packs = wanted.packs.iter().enumerate();
    let no_input = InputHere::default();
    let inputs = wanted.inputs.iter().enumerate();
    let mut check = Check {
        verdict: Verdict::Same,
        comfyui_found: here.has_comfyui,
        models: models.map(|(n, model)| model_check(model, at(n))).collect(),
        packs: packs
            .map(|(n, pack)| pack_check(pack, here.packs.get(n).and_then(Option::as_ref)))
            .collect(),
        unplaced: wanted.loose.difference(&here.brought).cloned().collect(),
        environment: environment(wanted.environment.as_ref(), here),
        inputs: inputs
            .map(|(n, input)| input_check(input, here.inputs.get(n).unwrap_or(&no_input)))
            .collect(),
    };
    check.verdict = check.judge();
    check
}

impl Check {
    fn judge(&self) -> Verdict {
        let effects = self.models.iter().map(ModelCheck::effect);
        let effects = effects.chain(self.packs.iter().map(PackCheck::effect));
        let effects = effects.chain(self.environment.iter().map(PartCheck::effect));
        let effects = effects.chain(self.inputs.iter().map(InputCheck::effect));
        let loose = self.unplaced.iter().map(|_| Effect::Blocks);
        let bare = (!self.comfyui_found).then_some(Effect::Blocks);
        match effects.chain(loose).chain(bare).max().unwrap_or(Effect::Fine) {
            Effect::Fine => Verdict::Same,
            Effect::Blocks => Verdict::NotHere,
            _ => Verdict::Repairable,
        }
    }
}

impl ModelCheck {
    /// What it means.
    pub fn effect(&self) -> Effect {
        match self.state {
            ModelState::Same => Effect::Fine,
            ModelState::Renamed { .. } => Effect::Repaired,
            ModelState::Misplaced { .. } => Effect::Fixable,
            ModelState::Replaced { .. } | ModelState::Missing | ModelState::Refused { .. } => {
                Effect::Blocks
            }
            ModelState::Unknown { .. } => Effect::Unknown,
        }
    }
}

impl PackCheck {
    /// What it means.
    pub fn effect(&self) -> Effect {
        match self.state {
            PackState::Same => Effect::Fine,
            PackState::Other { .. } | PackState::Dirty { .. } | PackState::Disabled { .. } => {
                Effect::Fixable
            }
            PackState::Missing { .. } => Effect::Blocks,
            PackState::Unknown { .. } => Effect::Unknown,
        }
    }
}

impl PartCheck {
    /// What it means.
    pub fn effect(&self) -> Effect {
        match self.state {
            PartState::Same => Effect::Fine,
            PartState::Other { .. } => Effect::Differs,
            PartState::Unknown => Effect::Unknown,
        }
    }
}

impl InputCheck {
    /// What it means.
    pub fn effect(&self) -> Effect {
        match self.state {
            InputState::Same => Effect::Fine,
            InputState::Moved { .. } => Effect::Repaired,
            InputState::Restorable { .. } => Effect::Fixable,
            InputState::Replaced | InputState::Missing => Effect::Blocks,
            InputState::Unknown { .. } => Effect::Unknown,
        }
    }
}

fn model_check(wanted: &ModelWanted, here: &ModelHere) -> ModelCheck {
    let mut digests = wanted.digests.clone();
    if digests.is_none()
        && let Some(remembered) = &here.remembered
    {
        let what = remembered.digest(DigestKind::Sha256).into_iter().collect();
        digests = Some(Fact { what, by: By::Machine });
    }
    ModelCheck {
        folder: wanted.folder.clone(),
        name: wanted.name.clone(),
        nodes: wanted.nodes.clone(),
        state: model_state(wanted, digests.as_ref().map(|fact| &fact.what), here),
        recorded: digests.as_ref().map(|fact| fact.what.clone()).unwrap_or_default(),
        recorded_by: digests.map(|fact| fact.by),
        sources: wanted.sources.clone(),
    }
}

fn model_state(
    wanted: &ModelWanted,
    digests: Option<&BTreeSet<Digest>>,
    here: &ModelHere,
) -> ModelState {
    let unknown = |why: &str| ModelState::Unknown { why: why.to_owned() };
    let elsewhere = || {
        let fits = |folder: &str| folder == wanted.folder || wanted.folder == UNKNOWN_FOLDER;
        if let Some(copy) = here.copies.iter().find(|copy| fits(&copy.folder)) {
            let (to, place) = (copy.name.clone(), copy.place.clone());
            return Some(ModelState::Renamed { to, place });
        }
        let at: Vec<String> = here.copies.iter().map(|copy| copy.place.clone()).collect();
        (!at.is_empty()).then_some(ModelState::Misplaced { at })
    };
    match &here.found {
        Found::Folder => match wanted.is_folder {
            true => unknown("it is a folder of files, which are not hashed"),
            false => unknown("it is a folder of files now"),
        },
        Found::Unread(why) if digests.is_some() => unknown(why),
        Found::Hashed(_) | Found::Unread(_) if digests.is_none() => {
            unknown("a file of this name is here; nobody recorded which bytes it had")
        }
        Found::Hashed(hashes) => match agrees(digests, hashes) {
            Some(true) => ModelState::Same,
            Some(false) => elsewhere().unwrap_or_else(|| ModelState::Replaced {
                sha256: super::super::to_hex(&hashes.sha256),
            }),
            None => unknown("the kind of digest that was recorded is not known of the file here"),
        },
        Found::Refused(why) => {
            elsewhere().unwrap_or_else(|| ModelState::Refused { why: why.clone() })
        }
        Found::Nothing | Found::Unread(_) => elsewhere().unwrap_or(ModelState::Missing),
    }
}

/// Whether any recorded digest is the file's.
fn agrees(digests: Option<&BTreeSet<Digest>>, hashes: &Hashes) -> Option<bool> {
    let told: Vec<bool> = digests?.iter().filter_map(|digest| hashes.agrees(digest)).collect();
    (!told.is_empty()).then(|| told.contains(&true))
}

/// A pack as people name its state: release, tag or commit.
fn told(fact: &super::super::schema::PackFact) -> String {
    let commit = fact.checkout.commit.as_ref().map(|id| id.chars().take(10).collect::<String>());
    let named = fact.checkout.tag.clone().or_else(|| fact.version.clone());
    let mut told = match (named, commit) {
        (Some(named), Some(commit)) => format!("{named} @ {commit}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => match &fact.sha256 {
            Some(digest) => format!("sha256 {}", digest.chars().take(10).collect::<String>()),
            None => String::new(),
        },
    };
    if fact.checkout.dirty == Some(true) {
        told += ", changed";
    }
    told
}

fn pack_check(wanted: &PackWanted, here: Option<&PackHere>) -> PackCheck {
    let mut was = told(&wanted.fact);
    if was.is_empty() && !wanted.placed_with.is_empty() {
        let versions: Vec<&str> = wanted.placed_with.iter().map(String::as_str).collect();
        was = format!("placed with {}", versions.join(", "));
    }
    PackCheck {
        name: wanted.fact.name.clone(),
        classes: wanted.fact.classes.keys().cloned().collect(),
        was,
        state: pack_state(wanted, here),
        recorded_by: wanted.by.clone(),
        path: here.map(|here| here.path.clone()),
        commit: wanted.fact.checkout.commit.clone(),
    }
}

fn pack_state(wanted: &PackWanted, here: Option<&PackHere>) -> PackState {
    let Some(here) = here else {
        return PackState::Missing { get: line::install(&wanted.fact) };
    };
    if here.fact.disabled && !wanted.fact.disabled {
        return PackState::Disabled { at: here.path.clone() };
    }
    let (was, is) = (&wanted.fact, &here.fact);
    let unknown = |why: &str| PackState::Unknown { here: told(is), why: why.to_owned() };
    let dirty = is.checkout.dirty == Some(true);
    if let (Some(commit), Some(now)) = (&was.checkout.commit, &is.checkout.commit) {
        if commit != now {
            let back = here.branch.as_deref().unwrap_or(now);
            return PackState::Other {
                here: told(is),
                get: Some(line::checkout(&here.path, commit, here.has_commit)),
                back: Some(line::checkout(&here.path, back, true)),
                held: here.has_commit,
                dirty,
            };
        }
        let path = line::word(&here.path);
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
            here: told(is),
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
                here: told(is),
                get: id.map(|id| line::registry(id, Some(version))),
                back: id.map(|id| line::registry(id, Some(now))),
                held: false,
                dirty,
            }
        }
        (None, _) => unknown("nobody recorded which version ran"),
        _ => unknown("it was installed in another way"),
    }
}

fn environment(was: Option<&Fact<Environment>>, here: &Here) -> Vec<PartCheck> {
    let nothing = Environment::default();
    // A lock names what is needed, and nothing of the machine it was made on.
    let is_lock = was.is_some_and(|fact| fact.by == By::Lock);
    let was = was.map_or(&nothing, |fact| &fact.what);
    let is = &here.environment;
    let part = |part, was: Option<String>, is: Option<String>| {
        let state = match (&was, &is) {
            (Some(a), Some(b)) if a == b => PartState::Same,
            (Some(_), Some(_)) => PartState::Other { get: None, back: None },
            _ => PartState::Unknown,
        };
        PartCheck { part, was, here: is, state }
    };
    let list = |all: &Vec<String>| (!all.is_empty()).then(|| all.join(", "));
    let mut parts = vec![
        comfyui(was, is, here),
        part(Part::Python, was.python.clone(), is.python.clone()),
        part(Part::Torch, was.torch.clone(), is.torch.clone()),
        part(Part::Device, list(&was.devices), list(&is.devices)),
    ];
    // Only a running server tells its flags.
    let server = super::super::schema::Origin::Server;
    if was.from == Some(server) && is.from == Some(server) {
        let flags = |all: &Environment| Some(all.flags.join(" "));
        parts.push(part(Part::Flags, flags(was), flags(is)));
    }
    parts.retain(|part| !is_lock || part.was.is_some());
    parts
}

fn comfyui(was: &Environment, is: &Environment, here: &Here) -> PartCheck {
    let commit = |of: &Environment| of.source.as_ref().and_then(|source| source.commit.clone());
    let named = |of: &Environment| {
        let short = commit(of).map(|id| id.chars().take(10).collect::<String>());
        match (of.comfyui.clone(), short) {
            (Some(version), Some(commit)) => Some(format!("{version} @ {commit}")),
            (one, other) => one.or(other),
        }
    };
    let state = match (commit(was), commit(is)) {
        (Some(a), Some(b)) if a == b => PartState::Same,
        (Some(wanted), Some(now)) => {
            let back = here.branch.clone().unwrap_or(now);
            let path = here.source.as_deref();
            PartState::Other {
                get: path.map(|path| line::checkout(path, &wanted, here.has_commit)),
                back: path.map(|path| line::checkout(path, &back, true)),
            }
        }
        _ => match (&was.comfyui, &is.comfyui) {
            (Some(a), Some(b)) if a == b => PartState::Same,
            (Some(_), Some(_)) => PartState::Other { get: None, back: None },
            _ => PartState::Unknown,
        },
    };
    PartCheck { part: Part::Comfyui, was: named(was), here: named(is), state }
}

fn input_check(wanted: &InputWanted, here: &InputHere) -> InputCheck {
    InputCheck {
        node: wanted.node.clone(),
        input: wanted.input.clone(),
        name: wanted.name.clone(),
        sha256: wanted.sha256.clone(),
        state: input_state(wanted, here),
    }
}

fn input_state(wanted: &InputWanted, here: &InputHere) -> InputState {
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
    match &here.restorable {
        Some(Restorable::Git(place)) => InputState::Restorable { from: place.clone() },
        Some(Restorable::Output(path)) => InputState::Restorable { from: path.clone() },
        None if here.refused.is_some() => unknown(here.refused.as_deref().unwrap_or_default()),
        None if here.sha256.is_some() => InputState::Replaced,
        None => InputState::Missing,
    }
}
