//! What a check finds: of each thing what became of it, and what that means.

use std::collections::BTreeSet;

use serde::Serialize;

use super::wanted::By;
use crate::platform::machine::Digest;

/// Whether the picture can be made again here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every model, pack, input file and ComfyUI is here as it was recorded, and nothing
    /// else that was recorded differs.
    Same,
    /// It runs here once what is listed is repaired, and differs as listed.
    Repairable,
    /// Something that it needs is not here.
    NotHere,
}

/// What a finding means for making the picture again. Graver ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ModelState {
    /// The file of its name has its bytes.
    Same,
    /// Its bytes lie under another name that its loader offers.
    Renamed {
        to: String,
        place: String,
    },
    /// Its bytes lie where its loader does not look.
    Misplaced {
        at: Vec<String>,
    },
    /// Its name leads to other bytes.
    Replaced {
        /// The SHA-256 of those.
        sha256: String,
    },
    Missing,
    /// Its name leads to something that must not be opened.
    Refused {
        why: String,
    },
    /// A file of its name is here, and whether it is the same cannot be said.
    Unknown {
        why: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelCheck {
    /// The folder type.
    pub folder: String,
    /// Its name in the original.
    pub name: String,
    /// The nodes that load it.
    pub nodes: Vec<String>,
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PackState {
    /// The same release or commit, without changes.
    Same,
    Other {
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
    Disabled {
        at: String,
    },
    Missing {
        #[serde(skip_serializing_if = "Option::is_none")]
        get: Option<String>,
    },
    /// It is here, and whether it is the same cannot be said.
    Unknown {
        here: String,
        why: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackCheck {
    pub name: String,
    /// The classes of the original that it brings.
    pub classes: BTreeSet<String>,
    pub was: String,
    #[serde(flatten)]
    pub state: PackState,
    /// Who recorded what it was.
    pub recorded_by: By,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The commit that was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Classes of the original that what is here does not bring any more.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub gone: BTreeSet<String>,
}

/// A part of what it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Comfyui,
    Python,
    Torch,
    /// What it computes on.
    Device,
    /// The flags it was started with.
    Flags,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PartState {
    Same,
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
    pub part: Part,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<String>,
    #[serde(flatten)]
    pub state: PartState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum InputState {
    /// The same bytes.
    Same,
    /// Its bytes lie under another name.
    Moved {
        to: String,
    },
    /// Its bytes are somewhere else, and can be put back.
    Restorable {
        /// Where they are.
        from: String,
    },
    /// Its name leads to other bytes.
    Replaced,
    Missing,
    /// Whether it is the same cannot be said.
    Unknown {
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
    #[serde(flatten)]
    pub state: InputState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub verdict: Verdict,
    /// Whether a ComfyUI was found here at all.
    pub comfyui_found: bool,
    pub models: Vec<ModelCheck>,
    pub packs: Vec<PackCheck>,
    /// Node classes that nothing here is known to bring.
    pub unplaced: BTreeSet<String>,
    /// ComfyUI and what it runs on.
    pub environment: Vec<PartCheck>,
    /// Who recorded what that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_by: Option<By>,
    pub inputs: Vec<InputCheck>,
}

impl Check {
    pub(crate) fn judge(&self) -> Verdict {
        let effects = self.models.iter().map(ModelCheck::effect);
        let effects = effects.chain(self.packs.iter().map(PackCheck::effect));
        // What runs Python and what computes is often not to be seen, then or now.
        let parts = self.environment.iter().map(|part| match part.effect() {
            Effect::Unknown if part.part != Part::Comfyui => Effect::Fine,
            effect => effect,
        });
        let effects = effects.chain(parts);
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
    pub fn effect(&self) -> Effect {
        match self.state {
            PackState::Same => Effect::Fine,
            PackState::Other { .. } | PackState::Dirty { .. } | PackState::Disabled { .. } => {
                Effect::Fixable
            }
            PackState::Missing { .. } => Effect::Blocks,
            PackState::Unknown { .. } if !self.gone.is_empty() => Effect::Blocks,
            PackState::Unknown { .. } => Effect::Unknown,
        }
    }
}

impl PartCheck {
    pub fn effect(&self) -> Effect {
        match self.state {
            PartState::Same => Effect::Fine,
            PartState::Other { .. } => Effect::Differs,
            PartState::Unknown => Effect::Unknown,
        }
    }
}

impl InputCheck {
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
