//! What the merging commands have in common: strategies from the configuration, the merge of
//! three documents into the bytes of one file, and git's merge of texts for what is no JSON.

use std::path::{Path, PathBuf};

use comfy_graph::catalog::Catalog;
use comfy_graph::clean::{
    self, CleanOutcome, LayoutMode, LayoutRelation, MergeSideLayout, PlaceMatches,
};
use comfy_graph::json::{self, JsonStyle, Value};
use comfy_graph::merge::{
    self, CardVisibility, ChangeClass, Conflict, EmbedResult, MergeOptions, MergePlace,
    MergeResult, MergeRule, MergeSide, MergeStrategies, SideLabels,
};

use super::describe;
use crate::error::Result;
use crate::layouts::Handling;
use crate::layouts::raw_files::extract_layout;
use crate::platform::file_argument::{self, MAX_WHOLE_FILE};
use crate::platform::git::Repository;
use crate::platform::git::command::GitCommand;
use crate::platform::git::conflict_markers::{self, DEFAULT_MARKER_SIZE, MarkedPart};
use crate::platform::machine::node_catalog;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::session::Session;

/// The strategies of a merge: `comfy.merge.<class>` and `GIT_COMFY_FAVOR`. An invalid value
/// is reported and has no effect.
pub(crate) fn load_strategies(
    session: &Session,
    repository: Option<&Repository>,
) -> MergeStrategies {
    let mut strategies = MergeStrategies::default();
    let settings = repository.map(|r| r.settings("comfy.merge.")).and_then(|s| s.ok());
    for (name, value) in settings.unwrap_or_default() {
        let class = name.strip_prefix("comfy.merge.").and_then(ChangeClass::from_key);
        match (class, value.parse::<MergeRule>()) {
            (Some(class), Ok(rule)) => strategies.set_rule(class, rule),
            (Some(_), Err(error)) => {
                session.print_remarks(&[format!("{name} is not understood: {error}")]);
            }
            (None, _) => {
                let known: Vec<&str> = ChangeClass::all().map(ChangeClass::key).collect();
                let known = known.join(", ");
                session.print_remarks(&[format!("{name} is not known; there are {known}")]);
            }
        }
    }
    match session.environment.favour.as_deref() {
        Some("ours") => strategies.favour_side(MergeSide::Ours),
        Some("theirs") => strategies.favour_side(MergeSide::Theirs),
        Some(other) => session.print_remarks(&[format!(
            "GIT_COMFY_FAVOR={other} is not understood: use ours or theirs"
        )]),
        None => {}
    }
    strategies
}

pub(crate) struct MergeInputs {
    pub(crate) base: Vec<u8>,
    pub(crate) ours: Vec<u8>,
    pub(crate) theirs: Vec<u8>,
}

impl MergeInputs {
    pub(crate) fn read(base: &Path, ours: &Path, theirs: &Path) -> Result<MergeInputs> {
        let read =
            |file: &Path| file_argument::read_bounded(file, &sanitize::path(file), MAX_WHOLE_FILE);
        Ok(MergeInputs { base: read(base)?, ours: read(ours)?, theirs: read(theirs)? })
    }

    /// The documents of base, ours and theirs; `None` if ours or theirs is no JSON that can be
    /// printed back. A base that is no JSON was another kind of file and counts as none.
    pub(crate) fn parse(&self) -> Option<(Option<Value>, Value, Value)> {
        let base = json::parse(&self.base).ok();
        Some((base, json::parse(&self.ours).ok()?, json::parse(&self.theirs).ok()?))
    }
}

/// How a file is merged and written.
pub(crate) struct FileMergeContext<'a> {
    pub(crate) repository: Option<&'a Repository>,
    /// Whether positions are stripped from the result.
    pub(crate) handling: Handling,
    pub(crate) labels: SideLabels,
    pub(crate) cards: CardVisibility,
    pub(crate) strategies: &'a MergeStrategies,
}

pub(crate) struct MergedFile {
    pub(crate) merged: MergeResult,
    /// The bytes to write; `None` if conflicts have no place in the document and git has to
    /// merge the texts.
    pub(crate) content: Option<Vec<u8>>,
}

/// Merges three documents and prints the result.
pub(crate) fn merge_documents(
    inputs: &MergeInputs,
    documents: (Option<Value>, Value, Value),
    context: &FileMergeContext<'_>,
) -> MergedFile {
    let (base, ours, theirs) = documents;
    let catalog = context.repository.map_or_else(Catalog::core, node_catalog::load_catalog);
    let options = MergeOptions { strategies: context.strategies, naming: &catalog };
    let merged = merge::merge_documents(base.as_ref(), &ours, &theirs, options);
    let before = String::from_utf8_lossy(&inputs.ours);
    if contains_graph(&merged.document) {
        // A merged graph is in clean form; embedding conflicts adds cards, which are not.
        let clean = match merged.conflicts.is_empty() {
            true => Some(clean::print_clean(&merged.document)),
            false => embed_conflicts(&merged, context),
        };
        let content = clean.map(|clean| place_nodes(inputs, clean, &merged, context));
        let content = content.map(|content| match context.handling {
            Handling::Off => in_our_hand(content, &before),
            Handling::Clean(_) => content,
        });
        return MergedFile { merged, content };
    }
    let content = match merged.conflicts.is_empty() {
        false => None,
        true if merged.document == ours => Some(inputs.ours.clone()),
        true if merged.document == theirs => Some(inputs.theirs.clone()),
        true => Some(json::reprint(&merged.document, &before).into_bytes()),
    };
    MergedFile { merged, content }
}

/// A merged file that is written as our side writes: what did not change stands as it stood,
/// and the nodes and links in their order.
pub(super) fn in_our_hand(content: Vec<u8>, before: &str) -> Vec<u8> {
    let (Ok(mut merged), Ok(ours)) = (json::parse(&content), json::parse_text(before)) else {
        return content;
    };
    clean::take_over_unmerged(&mut merged, &ours);
    json::reprint(&merged, before).into_bytes()
}

fn contains_graph(document: &Value) -> bool {
    use comfy_graph::graph::{DocumentKind, document_kind};
    matches!(document_kind(document), DocumentKind::Graph(_) | DocumentKind::Wrapped(_))
}

/// The clean content with its conflicts embedded; `None` if one of them has no place in it, or
/// cannot be read back out of it.
fn embed_conflicts(merged: &MergeResult, context: &FileMergeContext<'_>) -> Option<Vec<u8>> {
    let document = merged.document.clone();
    let EmbedResult { mut document, unplaceable } =
        merge::embed_conflicts(document, &merged.conflicts, &context.labels, context.cards);
    clean::strip_layout(&mut document);
    if !unplaceable.is_empty() {
        return None;
    }
    let content = clean::print_clean(&document);
    let carried = merge::read_conflicts(&json::parse(&content).ok()?);
    let found: usize = carried.iter().map(|graph| graph.conflicts.len()).sum();
    (found == merged.conflicts.len()).then_some(content)
}

/// Gives a merged graph the positions that the sides have in their files, unless positions
/// are stripped.
fn place_nodes(
    inputs: &MergeInputs,
    content: Vec<u8>,
    merged: &MergeResult,
    context: &FileMergeContext<'_>,
) -> Vec<u8> {
    if context.handling == Handling::Clean(LayoutMode::Strip) {
        return content;
    }
    let (ours, theirs) = (extract_layout(&inputs.ours), extract_layout(&inputs.theirs));
    if ours.is_none() && theirs.is_none() {
        return content;
    }
    let base = extract_layout(&inputs.base);
    let renumbered = PlaceMatches::from_renumbering(&merged.renumbered.nodes);
    let ours = ours.as_deref().map(|line| MergeSideLayout { line, pairs: LayoutRelation::ById });
    let pairs = LayoutRelation::Matched(&renumbered);
    let theirs = theirs.as_deref().map(|line| MergeSideLayout { line, pairs });
    let composed = clean::compose_merged_file(&content, base.as_deref(), ours, theirs);
    let laid_out = composed.map_or(content, |composed| composed.bytes);
    match context.handling {
        Handling::Clean(mode) => match clean::clean_document(&laid_out, mode) {
            CleanOutcome::Cleaned(cleaned) => cleaned.content,
            CleanOutcome::Untouched(_) => laid_out,
        },
        Handling::Off => laid_out,
    }
}

/// The file with conflict markers, where conflicts have no place in the document: around the
/// conflicts alone if texts can show every one of them, else around the whole file.
pub(crate) fn content_with_markers(
    session: &Session,
    inputs: &MergeInputs,
    merged: &MergeResult,
    labels: [&str; 3],
    marker_size: Option<&str>,
) -> Result<Vec<u8>> {
    let [our_label, _, their_label] = labels;
    let size = marker_size.and_then(|size| size.parse().ok()).unwrap_or(DEFAULT_MARKER_SIZE);
    let around_all = || {
        let (ours, theirs) = ((&inputs.ours[..], our_label), (&inputs.theirs[..], their_label));
        conflict_markers::around_all(ours, theirs, size)
    };
    let is_about_all = |conflict: &Conflict| {
        conflict.at.0.is_empty() && conflict.place() == Some(&MergePlace::Document)
    };
    if merged.conflicts.iter().any(is_about_all) {
        return Ok(around_all());
    }
    let texts = conflict_texts(inputs, merged);
    let text = merge_texts(session, &texts, labels, marker_size)?;
    let shows_all = |side: MarkedPart, expected: &[u8]| {
        let chosen = conflict_markers::choose_side(&text.content, side, size);
        json::parse(&chosen).is_ok_and(|chosen| Ok(chosen) == json::parse(expected))
    };
    if text.conflicts
        && shows_all(MarkedPart::Ours, &texts.ours)
        && shows_all(MarkedPart::Theirs, &texts.theirs)
    {
        return Ok(text.content);
    }
    Ok(around_all())
}

/// Three texts that differ in nothing but the conflicts, so that a merge of texts puts markers
/// there alone.
fn conflict_texts(inputs: &MergeInputs, merged: &MergeResult) -> MergeInputs {
    let before = String::from_utf8_lossy(&inputs.ours);
    let text = |side: MergeSide| {
        let mut document = merged.document.clone();
        for conflict in &merged.conflicts {
            merge::write_side(&mut document, conflict, side, &Catalog::core());
        }
        in_our_hand(json::print(&document, &JsonStyle::CANONICAL).into_bytes(), &before)
    };
    MergeInputs {
        base: text(MergeSide::Base),
        ours: text(MergeSide::Ours),
        theirs: text(MergeSide::Theirs),
    }
}

pub(crate) struct TextMerge {
    pub(crate) content: Vec<u8>,
    pub(crate) conflicts: bool,
}

/// Merges texts with `git merge-file`, as git does without a driver.
pub(crate) fn merge_texts(
    session: &Session,
    inputs: &MergeInputs,
    labels: [&str; 3],
    marker_size: Option<&str>,
) -> Result<TextMerge> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, content: &[u8]| -> Result<PathBuf> {
        let file = folder.path().join(name);
        std::fs::write(&file, content)?;
        Ok(file)
    };
    let files = [
        write("ours", &inputs.ours)?,
        write("base", &inputs.base)?,
        write("theirs", &inputs.theirs)?,
    ];
    let mut arguments: Vec<std::ffi::OsString> =
        vec!["merge-file".into(), "-p".into(), "-q".into()];
    if let Some(size) = marker_size {
        arguments.push(format!("--marker-size={size}").into());
    }
    for label in labels {
        arguments.push("-L".into());
        arguments.push(label.into());
    }
    arguments.extend(files.iter().map(|file| file.as_os_str().to_owned()));
    let answer = GitCommand::in_folder(&session.cwd).args(&arguments).answer()?;
    // `git merge-file` leaves with the number of conflicts, at most 127, or 255 for an error.
    match answer.code {
        0 => Ok(TextMerge { content: answer.stdout, conflicts: false }),
        1..=127 => Ok(TextMerge { content: answer.stdout, conflicts: true }),
        // Binary files: ours and a conflict, as git does.
        _ => Ok(TextMerge { content: inputs.ours.clone(), conflicts: true }),
    }
}

/// For other JSON: git's merge of the lines, if it parses to the same document. It keeps the
/// white space of both sides.
pub(crate) fn keep_formatting(
    session: &Session,
    inputs: &MergeInputs,
    product: &MergedFile,
    content: &[u8],
) -> Vec<u8> {
    if contains_graph(&product.merged.document) {
        return content.to_vec();
    }
    match merge_texts(session, inputs, ["ours", "base", "theirs"], None) {
        Ok(TextMerge { content: text, conflicts: false })
            if json::parse(&text).is_ok_and(|value| value == product.merged.document) =>
        {
            text
        }
        _ => content.to_vec(),
    }
}

/// The most lines of a kind that are printed after a merge.
const MAX_LINES: usize = 8;

/// Prints decisions, doubts and conflicts in a few lines on standard error.
pub(crate) fn report_merge(session: &Session, path: &str, merged: &MergeResult, way_out: &str) {
    let name = sanitize::line(path);
    let say = |lines: Vec<String>| {
        let more = lines.len().saturating_sub(MAX_LINES);
        for line in lines.into_iter().take(MAX_LINES) {
            session.ui.info(&format!("  {line}"));
        }
        if more > 0 {
            session.ui.info(&format!("  and {more} more; `git comfy merge --explain` tells all"));
        }
    };
    let notable = describe::notable_decisions(merged);
    if !notable.is_empty() {
        session.ui.info(&format!("{name}: merged"));
        say(notable);
    }
    if !merged.audit_findings.is_empty() {
        session.ui.warn(&format!("{name}: the merge was not used; please report it:"));
        say(describe::doubt_lines(merged));
    }
    if !merged.conflicts.is_empty() {
        let count = describe_count(merged.conflicts.len());
        session.ui.warn(&format!("{name}: {count}; {way_out}"));
        say(describe::conflict_lines(merged));
    }
}

pub(crate) fn describe_count(conflicts: usize) -> String {
    counted(conflicts, "conflict", "conflicts")
}
