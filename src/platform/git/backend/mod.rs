//! The two ways into a repository: in this process through a library, and through git's
//! own plumbing where the library does not know the format (SHA-256, reftable, an
//! extension newer than the library).
//!
//! Both do the same few things with raw objects; everything made of objects (trees,
//! commits, notes) is built above, once. Must not know what a workflow is.

pub mod library;
pub mod pack;
pub mod plumbing;
#[cfg(test)]
mod tests;

pub(crate) use library::Library;
pub(crate) use plumbing::Plumbing;

use super::error::Result;
use super::id::{CommitId, Kind, ObjectId, RefName, RepoPath};
use super::objects::{Batch, Person};

/// A batch with at least so many objects is written as one pack, as git does on fetch
/// (`transfer.unpackLimit`): thousands of small files cost more than their content.
const PACK_FROM: usize = 100;

/// A raw object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its content.
    pub(crate) content: Vec<u8>,
}

/// What became of an attempt to move a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// The ref has its new value.
    Done,
    /// Somebody else moved it first, or is about to.
    Raced,
}

/// In which order a history is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Newest first; never a parent before all of its children.
    Newest,
    /// Oldest first; never a child before all of its parents.
    Oldest,
}

/// From which commits to walk, and where to stop.
#[derive(Debug, Clone)]
pub struct Walk {
    /// The commits to start from.
    pub from: Vec<CommitId>,
    /// These and their ancestors are left out.
    pub without: Vec<CommitId>,
    /// The order.
    pub order: Order,
}

/// When attributes are asked for, as git does it: from the work tree's files on the way
/// in, from the index on the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into the repository.
    Checkin,
    /// Out of the repository.
    Checkout,
}

/// The state of an attribute for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// No rule says anything.
    Unspecified,
    /// `name`.
    Set,
    /// `-name`.
    Unset,
    /// `name=value`.
    Value(String),
}

/// A way into a repository.
pub(crate) trait Door {
    /// Whether a question costs no call of another program.
    fn is_direct(&self) -> bool;
    /// Reads an object; `None` where there is none.
    fn read(&self, id: ObjectId) -> Result<Option<Object>>;
    /// The kind and size of an object, without reading it; `None` where there is none.
    fn header(&self, id: ObjectId) -> Result<Option<(Kind, u64)>>;
    /// Writes objects. When this returns they are there, all of them.
    fn write(&self, batch: &Batch) -> Result<()>;
    /// What a revision names, in git's syntax.
    fn resolve(&self, revision: &str) -> Result<Option<ObjectId>>;
    /// The object a ref points at, symbolic refs followed.
    fn reference(&self, name: &RefName) -> Result<Option<ObjectId>>;
    /// All refs that begin with a prefix that ends at a `/`, in order of name.
    fn references(&self, prefix: &str) -> Result<Vec<(RefName, ObjectId)>>;
    /// Moves a ref (or deletes it, or creates it) if it still has the expected value.
    fn swap(
        &self,
        name: &RefName,
        expected: Option<ObjectId>,
        new: Option<ObjectId>,
        message: &str,
    ) -> Result<Swap>;
    /// Commits of a history, one after another.
    fn walk<'a>(&'a self, walk: &Walk) -> Result<Box<dyn Iterator<Item = Result<CommitId>> + 'a>>;
    /// Whether `ancestor` is `commit` or reachable from it.
    fn is_ancestor(&self, ancestor: CommitId, commit: CommitId) -> Result<bool>;
    /// A commit from which both go on; none if they have nothing in common.
    fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>>;
    /// An attribute of a path.
    fn attribute(&self, path: &RepoPath, name: &str, when: Direction) -> Result<Attribute>;
    /// All settings whose name begins with `prefix`, in the order git reads them, names in
    /// lower case apart from a middle part. A setting without a value is an empty string.
    fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>>;
    /// Who commits, as git would have it; `None` where git would ask.
    fn committer(&self) -> Result<Option<Person>>;
}
