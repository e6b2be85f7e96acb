//! What a check finds: of each thing what became of it, and what that means.

use std::collections::BTreeSet;

use serde::Serialize;

use super::requirements::FactSource;
use crate::platform::machine::Digest;

/// Whether the picture can be made again here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReproductionVerdict {
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
pub(crate) enum FindingEffect {
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
pub(crate) enum ModelState {
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
pub(crate) struct ModelCheck {
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
    pub recorded_by: Option<FactSource>,
    /// Where it can be got.
    pub sources: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum PackState {
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
pub(crate) struct PackCheck {
    pub name: String,
    /// The classes of the original that it brings.
    pub classes: BTreeSet<String>,
    pub was: String,
    #[serde(flatten)]
    pub state: PackState,
    /// Who recorded what it was.
    pub recorded_by: FactSource,
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
pub(crate) enum EnvironmentPart {
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
pub(crate) enum EnvironmentPartState {
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
pub(crate) struct EnvironmentPartCheck {
    pub part: EnvironmentPart,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<String>,
    #[serde(flatten)]
    pub state: EnvironmentPartState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum InputState {
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
pub(crate) struct InputCheck {
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
pub(crate) struct ReproductionCheck {
    pub verdict: ReproductionVerdict,
    /// Whether a ComfyUI was found here at all.
    pub comfyui_found: bool,
    pub models: Vec<ModelCheck>,
    pub packs: Vec<PackCheck>,
    /// Node classes that nothing here is known to bring.
    pub unplaced: BTreeSet<String>,
    /// ComfyUI and what it runs on.
    pub environment: Vec<EnvironmentPartCheck>,
    /// Who recorded what that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_by: Option<FactSource>,
    pub inputs: Vec<InputCheck>,
}

impl ReproductionCheck {
    pub(crate) fn compute_verdict(&self) -> ReproductionVerdict {
        let effects = self.models.iter().map(ModelCheck::effect);
        let effects = effects.chain(self.packs.iter().map(PackCheck::effect));
        // What runs Python and what computes is often not to be seen, then or now.
        let parts = self.environment.iter().map(|part| match part.effect() {
            FindingEffect::Unknown if part.part != EnvironmentPart::Comfyui => FindingEffect::Fine,
            effect => effect,
        });
        let effects = effects.chain(parts);
        let effects = effects.chain(self.inputs.iter().map(InputCheck::effect));
        let loose = self.unplaced.iter().map(|_| FindingEffect::Blocks);
        let bare = (!self.comfyui_found).then_some(FindingEffect::Blocks);
        match effects.chain(loose).chain(bare).max().unwrap_or(FindingEffect::Fine) {
            FindingEffect::Fine => ReproductionVerdict::Same,
            FindingEffect::Blocks => ReproductionVerdict::NotHere,
            _ => ReproductionVerdict::Repairable,
        }
    }
}

impl ModelCheck {
    pub(crate) fn effect(&self) -> FindingEffect {
        match self.state {
            ModelState::Same => FindingEffect::Fine,
            ModelState::Renamed { .. } => FindingEffect::Repaired,
            ModelState::Misplaced { .. } => FindingEffect::Fixable,
            ModelState::Replaced { .. } | ModelState::Missing | ModelState::Refused { .. } => {
                FindingEffect::Blocks
            }
            ModelState::Unknown { .. } => FindingEffect::Unknown,
        }
    }
}

impl PackCheck {
    pub(crate) fn effect(&self) -> FindingEffect {
        match self.state {
            PackState::Same => FindingEffect::Fine,
            PackState::Other { .. } | PackState::Dirty { .. } | PackState::Disabled { .. } => {
                FindingEffect::Fixable
            }
            PackState::Missing { .. } => FindingEffect::Blocks,
            PackState::Unknown { .. } if !self.gone.is_empty() => FindingEffect::Blocks,
            PackState::Unknown { .. } => FindingEffect::Unknown,
        }
    }
}

impl EnvironmentPartCheck {
    pub(crate) fn effect(&self) -> FindingEffect {
        match self.state {
            EnvironmentPartState::Same => FindingEffect::Fine,
            EnvironmentPartState::Other { .. } => FindingEffect::Differs,
            EnvironmentPartState::Unknown => FindingEffect::Unknown,
        }
    }
}

impl InputCheck {
    pub(crate) fn effect(&self) -> FindingEffect {
        match self.state {
            InputState::Same => FindingEffect::Fine,
            InputState::Moved { .. } => FindingEffect::Repaired,
            InputState::Restorable { .. } => FindingEffect::Fixable,
            InputState::Replaced | InputState::Missing => FindingEffect::Blocks,
            InputState::Unknown { .. } => FindingEffect::Unknown,
        }
    }
}
