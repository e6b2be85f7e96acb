//! The conflict copies of one folder: which they are, what merging each gives, and doing
//! it. `git comfy conflicts` and whoever watches a folder settle copies by this and by
//! nothing else.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use comfy_graph::canon::{self, Mode, Outcome};
use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Kind, kind};
use comfy_graph::json;
use comfy_graph::merge::{Cards, Labels, Strategies};

use super::ancestor::{self, Origin, ancestor, distance};
use super::aside::Aside;
use crate::differences::compared::compare;
use crate::differences::text::{Layout, one_line};
use crate::differences::{content, widget_names};
use crate::error::Result;
use crate::import::model::{CopyName, copy_of, numbered};
use crate::layouts::Handling;
use crate::layouts::status::conflicts_in;
use crate::merging::merge_files::{self, Frame, Inputs};
use crate::platform::git::Repository;
use crate::platform::machine::folder_argument::{self, Links};
use crate::platform::machine::write_file;
use crate::session::Session;

/// Columns that tell what merging a copy changes.
const COLUMNS: usize = 72;

/// A copy and the file it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copy {
    /// The service that made it.
    pub(crate) service: &'static str,
    pub(crate) copy: PathBuf,
    pub(crate) file: PathBuf,
}

/// What would become, or became, of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
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
        from: Origin,
    },
    /// It is left where it is, because …
    Left(String),
}

/// What merging a copy gives, with the bytes that were read for it.
pub(crate) struct Looked {
    pub(crate) fate: Fate,
    ours: Vec<u8>,
    theirs: Vec<u8>,
}

/// A folder with copies, and what is needed to settle them.
pub(crate) struct Synced {
    folder: PathBuf,
    repository: Option<Repository>,
    naming: Catalog,
    strategies: Strategies,
    aside: Aside,
    /// The clean form of copies that turned out to be the ancestor of others.
    beginnings: RefCell<Vec<Vec<u8>>>,
}

impl Synced {
    /// The folder, in whatever repository it lies.
    pub(crate) fn of(session: &Session, folder: &Path) -> Synced {
        let repository = Repository::at(folder).ok();
        Synced {
            naming: repository.as_ref().map_or_else(Catalog::core, widget_names::of),
            strategies: merge_files::strategies(session, repository.as_ref()),
            aside: Aside::of(folder, repository.as_ref()),
            folder: folder.to_owned(),
            beginnings: RefCell::default(),
            repository,
        }
    }

    pub(crate) fn aside(&self) -> &Aside {
        &self.aside
    }

    /// All copies below the folder, those of one file together, the newest of them first:
    /// an older one may be what the others began with.
    pub(crate) fn copies(&self) -> Result<Vec<Copy>> {
        let below = folder_argument::files(&self.folder, Links::None, &folder_argument::is_json)?;
        let mut copies: Vec<Copy> =
            below.files.iter().filter_map(|file| self.copy_at(file)).collect();
        copies.sort_by_cached_key(|copy| {
            (copy.file.clone(), Reverse(saved(&copy.copy)), copy.copy.clone())
        });
        Ok(copies)
    }

    /// What a file is a copy of, if its name is one of a copy.
    pub(crate) fn copy_at(&self, path: &Path) -> Option<Copy> {
        let name = path.file_name()?.to_str()?;
        let first = copy_of(name).or_else(|| numbered(name).filter(|_| is_numbering(path)))?;
        let service = first.service;
        let original = root(path, first)?;
        Some(Copy { service, copy: path.to_owned(), file: path.with_file_name(original) })
    }

    /// What merging a copy gives; touches nothing. `ours` is what the file holds by then,
    /// where that is not what it holds now.
    pub(crate) fn look(&self, copy: &Copy, ours: Option<&[u8]>) -> Result<Looked> {
        let left = |why: &str| Looked {
            fate: Fate::Left(why.to_owned()),
            ours: Vec::new(),
            theirs: Vec::new(),
        };
        if !copy.file.symlink_metadata().is_ok_and(|about| about.is_file()) {
            return Ok(left("the file is not here; give the copy its name if it is the one"));
        }
        let ours = match ours {
            Some(ours) => Some(ours.to_owned()),
            None => write_file::read(&copy.file)?,
        };
        let (Some(ours), Some(theirs)) = (ours, write_file::read(&copy.copy)?) else {
            return Ok(left("it is too long"));
        };
        let fate = self.fate(copy, &ours, &theirs)?;
        Ok(Looked { fate, ours, theirs })
    }

    /// Applies a preview: sets both files aside, writes the merged file, and removes the copy,
    /// in that order, so that whatever stops it, all is still there. A file that changed since
    /// the preview is left alone.
    pub(crate) fn settle(&self, copy: &Copy, looked: Looked) -> Result<Fate> {
        let Looked { fate, ours, theirs } = looked;
        if matches!(fate, Fate::Left(_)) {
            return Ok(fate);
        }
        let is_still = |file: &Path, known: &[u8]| -> Result<bool> {
            Ok(write_file::read(file)?.as_deref() == Some(known))
        };
        if !is_still(&copy.file, &ours)? || !is_still(&copy.copy, &theirs)? {
            return Ok(Fate::Left("it changed just now; look again".to_owned()));
        }
        self.aside.keep(&copy.copy, &theirs)?;
        if let Fate::Merged { content, .. } = &fate {
            self.aside.keep(&copy.file, &ours)?;
            self.aside.note(copy, content)?;
            write_file::write(&copy.file, content)?;
        } else {
            self.aside.note(copy, &ours)?;
        }
        std::fs::remove_file(&copy.copy)?;
        Ok(fate)
    }

    /// Previews a copy and applies that at once.
    pub(crate) fn settle_copy(&self, copy: &Copy) -> Result<Fate> {
        self.settle(copy, self.look(copy, None)?)
    }

    fn fate(&self, copy: &Copy, ours: &[u8], theirs: &[u8]) -> Result<Fate> {
        let left = |why: &str| Ok(Fate::Left(why.to_owned()));
        let (Some(clean_ours), Some(clean_theirs)) = (cleaned(ours), cleaned(theirs)) else {
            return left("one of the two is no workflow");
        };
        if conflicts_in(ours) + conflicts_in(theirs) > 0 {
            return left("it holds conflicts; settle them first");
        }
        if clean_ours == clean_theirs {
            return Ok(Fate::Same);
        }
        let mut states = self.states(copy)?;
        let is_known = states.iter().any(|(state, _)| *state == clean_theirs);
        if is_known || self.beginnings.borrow().contains(&clean_theirs) {
            return Ok(Fate::Older);
        }
        if states.is_empty()
            && let Some(state) = self.beginning(copy, &clean_ours, &clean_theirs)
        {
            self.beginnings.borrow_mut().push(state.clone());
            states.push((state, Origin::OlderCopy));
        }
        let base = ancestor(states, &clean_theirs, &self.naming);
        let (base, from) = base.unwrap_or((Vec::new(), Origin::Nowhere));
        let inputs = Inputs { base, ours: ours.to_owned(), theirs: theirs.to_owned() };
        self.merged(copy, inputs, from)
    }

    fn merged(&self, copy: &Copy, inputs: Inputs, from: Origin) -> Result<Fate> {
        let Some(documents) = inputs.documents() else {
            return Ok(Fate::Left("one of the two is no JSON".to_owned()));
        };
        let frame = Frame {
            repository: self.repository.as_ref(),
            handling: Handling::Off,
            labels: Labels { ours: Some(name(&copy.file)), theirs: Some(name(&copy.copy)) },
            cards: Cards::Shown,
            strategies: &self.strategies,
        };
        let product = merge_files::merge(&inputs, documents, &frame);
        let Some(content) = product.content else {
            return Ok(Fate::Left("what differs has no place in a workflow".to_owned()));
        };
        let compared =
            compare(content::read(inputs.ours), content::read(content.clone()), &self.naming);
        let change = compared.map(|compared| one_line(&compared.story(Layout::Folded), COLUMNS));
        let change = change.filter(|change| !change.is_empty());
        Ok(Fate::Merged {
            content,
            conflicts: product.merged.conflicts.len(),
            change: change.unwrap_or_else(|| "the file has it all".to_owned()),
            from,
        })
    }

    /// Another copy that is what the file and this one began with: it was saved before both,
    /// and what leads from one to the other leads over it.
    fn beginning(&self, copy: &Copy, ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
        let first = saved(&copy.file)?.min(saved(&copy.copy)?);
        let far = distance(ours, theirs, &self.naming)?;
        let entries = std::fs::read_dir(copy.file.parent()?).ok()?;
        let others = entries.flatten().map(|entry| entry.path()).filter(|other| {
            *other != copy.copy && self.copy_at(other).is_some_and(|o| o.file == copy.file)
        });
        let older = others.filter(|other| saved(other).is_some_and(|saved| saved < first));
        let states = older.filter_map(|other| cleaned(&write_file::read(&other).ok()??));
        let is_between = |state: &Vec<u8>| {
            let (to_ours, to_theirs) =
                (distance(state, ours, &self.naming), distance(state, theirs, &self.naming));
            to_ours.zip(to_theirs).is_some_and(|(one, other)| one + other <= far)
        };
        states.into_iter().find(is_between)
    }

    /// The states a file is known to have had, newest first, in their clean form.
    fn states(&self, copy: &Copy) -> Result<Vec<(Vec<u8>, Origin)>> {
        let mut states = Vec::new();
        if let Some(repository) = &self.repository {
            ancestor::committed(repository, &copy.file, &mut states)?;
        }
        ancestor::kept(&self.aside, copy, &mut states);
        ancestor::versions(&copy.file, &mut states);
        Ok(states)
    }
}

/// The file at the beginning of a chain of copies of copies: the first that is there and
/// none itself; else what the chain begins with, unless a person may have named it so.
fn root(path: &Path, first: CopyName) -> Option<String> {
    let mut copy = first;
    while let Some(next) = copy_of(&copy.original) {
        copy = next;
    }
    let is_there = path.with_file_name(&copy.original).symlink_metadata().is_ok();
    (is_there || !copy.may_be_anything).then_some(copy.original)
}

fn saved(file: &Path) -> Option<SystemTime> {
    file.symlink_metadata().ok()?.modified().ok()
}

/// Whether a file lies in a folder of a service that numbers what arrives twice.
fn is_numbering(path: &Path) -> bool {
    path.iter().any(|part| {
        let part = part.to_string_lossy().to_lowercase();
        part.starts_with("googledrive") || part == "google drive" || part == "my drive"
    })
}

/// The name of a file without its folder.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The clean form of a workflow; nothing for anything else.
pub(crate) fn cleaned(bytes: &[u8]) -> Option<Vec<u8>> {
    let value = json::parse(bytes).ok()?;
    if !matches!(kind(&value), Kind::Graph(_) | Kind::Wrapped(_)) {
        return None;
    }
    Some(match canon::clean(bytes, Mode::Strip) {
        Outcome::Cleaned(cleaned) => cleaned.content,
        Outcome::Untouched(_) => bytes.to_vec(),
    })
}
