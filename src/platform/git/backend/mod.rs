//! The two ways into a repository: in this process through a library, and through git's
//! own plumbing where the library does not know the format (SHA-256, reftable, an
//! extension newer than the library).
//!
//! Both do the same few things with raw objects; everything made of objects (trees,
//! commits, notes) is built above, once. Must not know what a workflow is.

pub(crate) mod library;
pub(crate) mod pack;
pub(crate) mod plumbing;
#[cfg(test)]
mod tests;

pub(crate) use library::LibraryBackend;
pub(crate) use plumbing::PlumbingBackend;

use super::error::Result;
use super::id::{CommitId, ObjectId, ObjectKind, RefName, RepoPath};
use super::objects::{ObjectBatch, Signature};

/// A batch with at least so many objects is written as one pack, as git does on fetch
/// (`transfer.unpackLimit`): thousands of small files cost more than their content.
const MIN_PACK_OBJECTS: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawObject {
    pub(crate) kind: ObjectKind,
    pub(crate) content: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefSwap {
    Done,
    /// Another process moved it first, or holds its lock.
    Raced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkOrder {
    /// Newest first; never a parent before all of its children.
    Newest,
    /// Oldest first; never a child before all of its parents.
    Oldest,
}

/// From which commits to walk, and where to stop.
#[derive(Debug, Clone)]
pub struct HistoryWalk {
    pub from: Vec<CommitId>,
    pub exclude: Vec<CommitId>,
    pub order: WalkOrder,
}

/// When attributes are asked for, as git does it: from the work tree's files on the way
/// in, from the index on the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeDirection {
    Checkin,
    Checkout,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeState {
    /// No pattern names the attribute.
    Unspecified,
    /// `name`.
    Set,
    /// `-name`.
    Unset,
    /// `name=value`.
    Value(String),
}

/// What a repository is read and written through.
pub(crate) trait GitBackend {
    /// Whether a question costs no call of another program.
    fn is_in_process(&self) -> bool;
    /// Reads an object; `None` where there is none.
    fn read_object(&self, id: ObjectId) -> Result<Option<RawObject>>;
    /// The kind and size of an object, without reading it; `None` where there is none.
    fn object_header(&self, id: ObjectId) -> Result<Option<(ObjectKind, u64)>>;
    /// Writes objects. When this returns they are there, all of them.
    fn write_objects(&self, batch: &ObjectBatch) -> Result<()>;
    /// What a revision names, in git's syntax.
    fn resolve(&self, revision: &str) -> Result<Option<ObjectId>>;
    /// The object a ref points at, symbolic refs followed.
    fn reference(&self, name: &RefName) -> Result<Option<ObjectId>>;
    /// All refs that begin with a prefix that ends at a `/`, in order of name.
    fn references(&self, prefix: &str) -> Result<Vec<(RefName, ObjectId)>>;
    /// Why `HEAD` is where it is, in the words of its log (`commit (amend): …`); nothing where
    /// none is kept.
    fn last_reflog_message(&self) -> Result<String>;
    /// Moves a ref (or deletes it, or creates it) if it still has the expected value.
    fn swap_ref(
        &self,
        name: &RefName,
        expected: Option<ObjectId>,
        new: Option<ObjectId>,
        message: &str,
    ) -> Result<RefSwap>;
    /// Commits of a history, found as the iterator goes on.
    fn walk_history<'a>(
        &'a self,
        walk: &HistoryWalk,
    ) -> Result<Box<dyn Iterator<Item = Result<CommitId>> + 'a>>;
    /// Whether `ancestor` is `commit` or reachable from it.
    fn is_ancestor(&self, ancestor: CommitId, commit: CommitId) -> Result<bool>;
    /// A commit from which both go on; none if they have nothing in common.
    fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>>;
    fn attribute(
        &self,
        path: &RepoPath,
        name: &str,
        when: AttributeDirection,
    ) -> Result<AttributeState>;
    /// All settings whose name begins with `prefix`, in the order git reads them, names in
    /// lower case apart from a middle part. A name that stands alone is `true`.
    fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>>;
    /// Who commits, as git would have it; `None` where git would ask.
    fn committer(&self) -> Result<Option<Signature>>;
}
