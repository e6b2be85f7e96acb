//! All access to git: repositories, configuration, notes, refs, processes of git itself.
//!
//! Three ways lead to git, and each question has one of them:
//!
//! - **git2** (`backend/library`) in this process, for what every filtered file and every hook
//!   asks: objects, refs, history, attributes, settings. It answers as git does, but reads no
//!   SHA-256, no reftable and no sparse index.
//! - **gix** where it is the better library: the index, of which it reads every form and hands
//!   out all entries without a copy (`index`, `index_changes`), with its bitmap of what a monitor
//!   saw (`fsmonitor`); folders of other people's repositories, which it opens without trusting
//!   their configuration (`foreign_checkout`); the last line of a reflog, which it reads from the
//!   end (`backend/library`); the ids and compressed bodies of new objects, which two cores make
//!   while git2 looks at the next file (`backend/pack`); names as git quotes them
//!   (`quoted_path`); and the packet lines of the filter protocol (`layouts/filter_process`).
//! - **git itself** (`command`, the only place that starts it) where nothing but git will do:
//!   repositories that git2 cannot read (`backend/plumbing`), the network with its credentials,
//!   writing the configuration or the index, hooks and their folder, the text of diffs.
//!
//! Hands out plain data; no type of `git2` or `gix` leaves this folder.

pub(crate) mod backend;
pub(crate) mod changes;
pub(crate) mod command;
pub(crate) mod commit_text;
pub(crate) mod config;
pub(crate) mod conflict_markers;
pub(crate) mod error;
pub(crate) mod fetch_head;
pub(crate) mod file_history;
pub mod foreign_checkout;
pub(crate) mod fsmonitor;
pub(crate) mod id;
pub(crate) mod index;
pub(crate) mod index_changes;
pub(crate) mod notes;
pub(crate) mod objects;
pub(crate) mod operation_in_progress;
pub(crate) mod pager;
pub(crate) mod program_settings;
pub(crate) mod push_dry_run;
pub(crate) mod quoted_path;
pub(crate) mod remote;
pub(crate) mod repository;
pub(crate) mod shared_refs;
pub(crate) mod shell;
pub(crate) mod tree;
pub(crate) mod version;

pub(crate) use backend::{AttributeDirection, AttributeState, HistoryWalk, RefSwap, WalkOrder};
pub(crate) use error::{GitError, Result};
pub use id::{CommitId, ObjectFormat, ObjectId, ObjectKind, RefName, RepoPath};
pub(crate) use objects::{Commit, EntryKind, ObjectBatch, Signature, TreeEntry};
pub(crate) use quoted_path::unquote_path;
pub use repository::{GitEnvironment, Repository};
