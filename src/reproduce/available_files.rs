//! What is here, as whoever looked at the machine says it. One entry for each thing that
//! is wanted, in the same order.

use std::collections::BTreeSet;

use crate::platform::machine::FileHashes;
use crate::records::{ComfyEnvironment, PackFact};

/// A file with the bytes that are wanted, under the name by which ComfyUI would load it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModelCopy {
    /// The folder type whose loaders offer it.
    pub folder: String,
    /// Its name there, as this machine's ComfyUI spells it.
    pub name: String,
    /// Where that is, for a person: `models/loras/film.safetensors`.
    pub place: String,
}

/// What a name leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LocalFile {
    #[default]
    Nothing,
    /// Something that must not be opened, and why.
    Refused(String),
    Folder,
    /// A file whose bytes are known.
    Hashed(Box<FileHashes>),
    /// A file whose bytes are not, and why.
    Unread(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalModel {
    /// What its name leads to.
    pub found: LocalFile,
    /// Files elsewhere with the wanted bytes.
    pub copies: Vec<ModelCopy>,
    /// What this machine remembers of the file that had its name.
    pub remembered: Option<Box<FileHashes>>,
}

/// A pack that may be the one that is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalPack {
    pub fact: PackFact,
    pub path: String,
    pub branch: Option<String>,
    /// Its repository has the wanted commit: nothing need be fetched.
    pub has_commit: bool,
    /// Classes it registers; none where that cannot be read.
    pub classes: BTreeSet<String>,
}

/// Where lost bytes can be had from again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestoreSource {
    /// A file of a commit: `REV:PATH`.
    Git(String),
    /// An output of a run, by its path on this machine.
    Output(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalInput {
    /// SHA-256 of what lies under its name; none: nothing does.
    pub sha256: Option<String>,
    /// Why what lies there was not read.
    pub refused: Option<String>,
    /// Other names below its folder that hold the wanted bytes.
    pub copies: Vec<String>,
    /// Where else the wanted bytes are.
    pub restore_source: Option<RestoreSource>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LocalMachine {
    /// Whether there is a ComfyUI at all.
    pub has_comfyui: bool,
    /// The folder of its program.
    pub source: Option<String>,
    /// The branch its repository has checked out.
    pub branch: Option<String>,
    /// Its repository has the wanted commit: nothing need be fetched.
    pub has_commit: bool,
    /// What it runs on.
    pub environment: ComfyEnvironment,
    pub models: Vec<LocalModel>,
    /// None where no pack here may be the one.
    pub packs: Vec<Option<LocalPack>>,
    /// Of the classes of unknown origin those that something here brings.
    pub provided_classes: BTreeSet<String>,
    pub inputs: Vec<LocalInput>,
}
