//! The conflict copies of one folder: which they are, what merging each gives, and doing
//! it. `git comfy conflicts` and whoever watches a folder settle copies by this and by
//! nothing else.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use comfy_graph::catalog::Catalog;
use comfy_graph::clean::{self, CleanOutcome, LayoutMode};
use comfy_graph::graph::{DocumentKind, document_kind};
use comfy_graph::json;
use comfy_graph::merge::{CardVisibility, MergeStrategies, SideLabels};

use super::ancestor::{
    self, AncestorCandidate, AncestorOrigin, count_differences, nearest_ancestor,
};
use super::set_aside::SetAsideFiles;
use crate::differences::content;
use crate::differences::graph_diff::compare_contents;
use crate::differences::text::{LayoutDetail, one_line_summary};
use crate::error::Result;
use crate::import::model::{CopyName, parse_copy_name, parse_numbered_name};
use crate::layouts::Handling;
use crate::layouts::status::conflicts_in;
use crate::merging::merge_files::{self, FileMergeContext, MergeInputs};
use crate::platform::file_argument;
use crate::platform::folder_argument::{self, LinkPolicy};
use crate::platform::git::Repository;
use crate::platform::machine::node_catalog;
use crate::session::Session;

/// Columns that tell what merging a copy changes.
const CHANGE_COLUMNS: usize = 72;

/// A copy and the file it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConflictCopy {
    /// The service that made it.
    pub(crate) service: &'static str,
    pub(crate) copy: PathBuf,
    pub(crate) file: PathBuf,
}

/// What would become, or became, of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CopyOutcome {
    /// Both have the same clean form.
    Same,
    /// The copy is an earlier state of the file.
    Older,
    Merged {
        /// What the file is to hold.
        content: Vec<u8>,
        /// How many conflicts are left in it for a person to resolve.
        conflicts: usize,
        /// What it changes in the file, in a line.
        change: String,
        /// Where their common ancestor is known from.
        origin: AncestorOrigin,
    },
    /// It is left where it is, because …
    Skipped(String),
}

/// What merging a copy gives, with the bytes that were read for it.
pub(crate) struct CopyPreview {
    pub(crate) outcome: CopyOutcome,
    ours: Vec<u8>,
    theirs: Vec<u8>,
}

/// A folder with copies, and what is needed to settle them.
pub(crate) struct SyncedFolder {
    folder: PathBuf,
    repository: Option<Repository>,
    catalog: Catalog,
    strategies: MergeStrategies,
    set_aside: SetAsideFiles,
    /// The clean form of copies that turned out to be the ancestor of others.
    ancestor_copies: RefCell<Vec<Vec<u8>>>,
}

impl SyncedFolder {
    /// The folder, in whatever repository it lies.
    pub(crate) fn open(session: &Session, folder: &Path) -> SyncedFolder {
        let repository = Repository::open_at(folder).ok();
        SyncedFolder {
            catalog: repository.as_ref().map_or_else(Catalog::core, node_catalog::load_catalog),
            strategies: merge_files::load_strategies(session, repository.as_ref()),
            set_aside: SetAsideFiles::new(folder, repository.as_ref()),
            folder: folder.to_owned(),
            ancestor_copies: RefCell::default(),
            repository,
        }
    }

    pub(crate) fn set_aside(&self) -> &SetAsideFiles {
        &self.set_aside
    }

    /// All copies below the folder, those of one file together, the newest of them first:
    /// an older one may be what the others began with.
    pub(crate) fn find_copies(&self) -> Result<Vec<ConflictCopy>> {
        let below = folder_argument::list_files(
            &self.folder,
            LinkPolicy::Skip,
            &folder_argument::has_json_ending,
        )?;
        let mut copies: Vec<ConflictCopy> =
            below.files.iter().filter_map(|file| self.identify_copy(file)).collect();
        copies.sort_by_cached_key(|copy| {
            (copy.file.clone(), Reverse(modified_time(&copy.copy)), copy.copy.clone())
        });
        Ok(copies)
    }

    /// What a file is a copy of, if its name is one of a copy.
    pub(crate) fn identify_copy(&self, path: &Path) -> Option<ConflictCopy> {
        let name = path.file_name()?.to_str()?;
        let first = parse_copy_name(name)
            .or_else(|| parse_numbered_name(name).filter(|_| is_in_numbering_service(path)))?;
        let service = first.service;
        let original = original_of_chain(path, first)?;
        Some(ConflictCopy { service, copy: path.to_owned(), file: path.with_file_name(original) })
    }

    /// What merging a copy gives; touches nothing. `ours` is what the file holds by then,
    /// where that is not what it holds now.
    pub(crate) fn preview(&self, copy: &ConflictCopy, ours: Option<&[u8]>) -> Result<CopyPreview> {
        let left = |why: &str| CopyPreview {
            outcome: CopyOutcome::Skipped(why.to_owned()),
            ours: Vec::new(),
            theirs: Vec::new(),
        };
        if !copy.file.symlink_metadata().is_ok_and(|about| about.is_file()) {
            return Ok(left("the file is not here; give the copy its name if it is the one"));
        }
        let ours = match ours {
            Some(ours) => Some(ours.to_owned()),
            None => file_argument::read_limited(&copy.file)?,
        };
        let (Some(ours), Some(theirs)) = (ours, file_argument::read_limited(&copy.copy)?) else {
            return Ok(left("it is too long"));
        };
        let outcome = self.decide_outcome(copy, &ours, &theirs)?;
        Ok(CopyPreview { outcome, ours, theirs })
    }

    /// Applies a preview: sets both files aside, writes the merged file, and removes the copy,
    /// in that order, so that whatever stops it, all is still there. A file that changed since
    /// the preview is left alone.
    fn apply_preview(&self, copy: &ConflictCopy, preview: CopyPreview) -> Result<CopyOutcome> {
        let CopyPreview { outcome, ours, theirs } = preview;
        if matches!(outcome, CopyOutcome::Skipped(_)) {
            return Ok(outcome);
        }
        let is_still = |file: &Path, known: &[u8]| -> Result<bool> {
            Ok(file_argument::read_limited(file)?.as_deref() == Some(known))
        };
        if !is_still(&copy.file, &ours)? || !is_still(&copy.copy, &theirs)? {
            return Ok(CopyOutcome::Skipped("it changed just now; look again".to_owned()));
        }
        self.set_aside.store_file(&copy.copy, &theirs)?;
        if let CopyOutcome::Merged { content, .. } = &outcome {
            self.set_aside.store_file(&copy.file, &ours)?;
            self.set_aside.log_outcome(copy, content)?;
            file_argument::replace_file(&copy.file, content)?;
        } else {
            self.set_aside.log_outcome(copy, &ours)?;
        }
        std::fs::remove_file(&copy.copy)?;
        Ok(outcome)
    }

    /// Previews a copy and applies that at once.
    pub(crate) fn merge_copy(&self, copy: &ConflictCopy) -> Result<CopyOutcome> {
        self.apply_preview(copy, self.preview(copy, None)?)
    }

    fn decide_outcome(
        &self,
        copy: &ConflictCopy,
        ours: &[u8],
        theirs: &[u8],
    ) -> Result<CopyOutcome> {
        let left = |why: &str| Ok(CopyOutcome::Skipped(why.to_owned()));
        let (Some(clean_ours), Some(clean_theirs)) = (clean_form(ours), clean_form(theirs)) else {
            return left("one of the two is no workflow");
        };
        if conflicts_in(ours) + conflicts_in(theirs) > 0 {
            return left("it holds conflicts; settle them first");
        }
        if clean_ours == clean_theirs {
            return Ok(CopyOutcome::Same);
        }
        let mut states = self.known_states(copy)?;
        let is_known = states.iter().any(|state| state.content == clean_theirs);
        if is_known || self.ancestor_copies.borrow().contains(&clean_theirs) {
            return Ok(CopyOutcome::Older);
        }
        if states.is_empty()
            && let Some(content) = self.find_common_older_copy(copy, &clean_ours, &clean_theirs)
        {
            self.ancestor_copies.borrow_mut().push(content.clone());
            states.push(AncestorCandidate { content, origin: AncestorOrigin::OlderCopy });
        }
        let base = nearest_ancestor(states, &clean_theirs, &self.catalog);
        let AncestorCandidate { content: base, origin } = base.unwrap_or_else(|| {
            AncestorCandidate { content: Vec::new(), origin: AncestorOrigin::Unknown }
        });
        let inputs = MergeInputs { base, ours: ours.to_owned(), theirs: theirs.to_owned() };
        self.compute_merge(copy, inputs, origin)
    }

    fn compute_merge(
        &self,
        copy: &ConflictCopy,
        inputs: MergeInputs,
        origin: AncestorOrigin,
    ) -> Result<CopyOutcome> {
        let Some(documents) = inputs.parse() else {
            return Ok(CopyOutcome::Skipped("one of the two is no JSON".to_owned()));
        };
        let frame = FileMergeContext {
            repository: self.repository.as_ref(),
            handling: Handling::Off,
            labels: SideLabels {
                ours: Some(file_name(&copy.file)),
                theirs: Some(file_name(&copy.copy)),
            },
            cards: CardVisibility::Shown,
            strategies: &self.strategies,
        };
        let product = merge_files::merge_documents(&inputs, documents, &frame);
        let Some(content) = product.content else {
            return Ok(CopyOutcome::Skipped("what differs has no place in a workflow".to_owned()));
        };
        let compared = compare_contents(
            content::parse_content(inputs.ours),
            content::parse_content(content.clone()),
            &self.catalog,
        );
        let change = compared.map(|compared| {
            one_line_summary(&compared.describe(LayoutDetail::Counted), CHANGE_COLUMNS)
        });
        let change = change.filter(|change| !change.is_empty());
        Ok(CopyOutcome::Merged {
            content,
            conflicts: product.merged.conflicts.len(),
            change: change.unwrap_or_else(|| "the file has it all".to_owned()),
            origin,
        })
    }

    /// Another copy that is what the file and this one began with: it was saved before both,
    /// and what leads from one to the other leads over it.
    fn find_common_older_copy(
        &self,
        copy: &ConflictCopy,
        ours: &[u8],
        theirs: &[u8],
    ) -> Option<Vec<u8>> {
        let distance = count_differences(ours, theirs, &self.catalog)?;
        let states = self
            .older_copies(copy)?
            .into_iter()
            .filter_map(|other| clean_form(&file_argument::read_limited(&other).ok()??));
        states.into_iter().find(|state| {
            let to_ours = count_differences(state, ours, &self.catalog);
            let to_theirs = count_differences(state, theirs, &self.catalog);
            to_ours.zip(to_theirs).is_some_and(|(one, other)| one + other <= distance)
        })
    }

    /// The other copies of a file that were saved before both it and this one.
    fn older_copies(&self, copy: &ConflictCopy) -> Option<Vec<PathBuf>> {
        let first = modified_time(&copy.file)?.min(modified_time(&copy.copy)?);
        let entries = std::fs::read_dir(copy.file.parent()?).ok()?;
        let others = entries.flatten().map(|entry| entry.path()).filter(|other| {
            *other != copy.copy
                && self.identify_copy(other).is_some_and(|known| known.file == copy.file)
                && modified_time(other).is_some_and(|saved| saved < first)
        });
        Some(others.collect())
    }

    /// The states a file is known to have had, newest first, in their clean form.
    fn known_states(&self, copy: &ConflictCopy) -> Result<Vec<AncestorCandidate>> {
        let mut states = Vec::new();
        if let Some(repository) = &self.repository {
            ancestor::add_committed_states(repository, &copy.file, &mut states)?;
        }
        ancestor::add_set_aside_states(&self.set_aside, copy, &mut states);
        ancestor::add_service_versions(&copy.file, &mut states);
        Ok(states)
    }
}

/// The file at the beginning of a chain of copies of copies: the first that is there and
/// none itself; else what the chain begins with, unless a person may have named it so.
fn original_of_chain(path: &Path, first: CopyName) -> Option<String> {
    let mut copy = first;
    while let Some(next) = parse_copy_name(&copy.original) {
        copy = next;
    }
    let is_there = path.with_file_name(&copy.original).symlink_metadata().is_ok();
    (is_there || !copy.is_ambiguous).then_some(copy.original)
}

fn modified_time(file: &Path) -> Option<SystemTime> {
    file.symlink_metadata().ok()?.modified().ok()
}

/// Whether a file lies in a folder of a service that numbers what arrives twice.
fn is_in_numbering_service(path: &Path) -> bool {
    path.iter().any(|part| {
        let part = part.to_string_lossy().to_lowercase();
        part.starts_with("googledrive") || part == "google drive" || part == "my drive"
    })
}

/// The name of a file without its folder.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The clean form of a workflow; nothing for anything else.
pub(crate) fn clean_form(bytes: &[u8]) -> Option<Vec<u8>> {
    let value = json::parse(bytes).ok()?;
    if !matches!(document_kind(&value), DocumentKind::Graph(_) | DocumentKind::Wrapped(_)) {
        return None;
    }
    Some(match clean::clean_document(bytes, LayoutMode::Strip) {
        CleanOutcome::Cleaned(cleaned) => cleaned.content,
        CleanOutcome::Untouched(_) => bytes.to_vec(),
    })
}
