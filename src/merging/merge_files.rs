//! What the merging commands have in common: rules from the configuration, three documents
//! into one file's bytes, and git's own merge of texts for whatever is no JSON.

use std::path::{Path, PathBuf};

use comfy_graph::canon::{self, Matches, MergedSide, Mode, Outcome, Pairs};
use comfy_graph::catalog::Catalog;
use comfy_graph::json::{self, Style, Value};
use comfy_graph::merge::{
    self, Cards, Class, Embedded, Labels, Merged, Options, Rule, Side, Strategies,
};

use super::{driver, text};
use crate::differences::widget_names;
use crate::error::{Failure, Result};
use crate::layouts::Handling;
use crate::platform::git::Repository;
use crate::platform::git::plumbing::Git;
use crate::platform::text::sanitize;
use crate::session::Session;

/// The rules of a merge: `comfy.merge.<class>` and `GIT_COMFY_FAVOR`. What cannot be
/// understood is told and has no effect.
pub(crate) fn strategies(session: &Session, repository: Option<&Repository>) -> Strategies {
    let mut strategies = Strategies::default();
    let settings = repository.map(|r| r.settings("comfy.merge.")).and_then(|s| s.ok());
    for (name, value) in settings.unwrap_or_default() {
        let class = name.strip_prefix("comfy.merge.").and_then(Class::from_key);
        match (class, value.parse::<Rule>()) {
            (Some(class), Ok(rule)) => strategies.set(class, rule),
            (Some(_), Err(error)) => {
                session.tell_remarks(&[format!("{name} is not understood: {error}")]);
            }
            (None, _) => {
                let known: Vec<&str> = Class::all().map(Class::key).collect();
                let known = known.join(", ");
                session.tell_remarks(&[format!("{name} is not known; there are {known}")]);
            }
        }
    }
    match session.environment.favour.as_deref() {
        Some("ours") => strategies.favour(Side::Ours),
        Some("theirs") => strategies.favour(Side::Theirs),
        Some(other) => session.tell_remarks(&[format!(
            "GIT_COMFY_FAVOR={other} is not understood: use ours or theirs"
        )]),
        None => {}
    }
    strategies
}

/// The three files of a merge, read.
pub(crate) struct Inputs {
    pub(crate) base: Vec<u8>,
    pub(crate) ours: Vec<u8>,
    pub(crate) theirs: Vec<u8>,
}

impl Inputs {
    /// Reads them.
    pub(crate) fn read(base: &Path, ours: &Path, theirs: &Path) -> Result<Inputs> {
        let read = |file: &Path| {
            std::fs::read(file).map_err(|error| {
                let name = file.to_string_lossy();
                Failure::new(format!("{} cannot be read: {error}", sanitize::line(&name)))
            })
        };
        Ok(Inputs { base: read(base)?, ours: read(ours)?, theirs: read(theirs)? })
    }

    /// The three documents; nothing if one of the sides is no JSON that could be given
    /// back. A base that is none was another kind of file: then there is no base.
    pub(crate) fn documents(&self) -> Option<(Option<Value>, Value, Value)> {
        let base = json::parse(&self.base).ok();
        Some((base, json::parse(&self.ours).ok()?, json::parse(&self.theirs).ok()?))
    }
}

/// What is to be done with a merged file.
pub(crate) struct Frame<'a> {
    pub(crate) repository: Option<&'a Repository>,
    /// What becomes of positions.
    pub(crate) handling: Handling,
    pub(crate) labels: Labels,
    pub(crate) cards: Cards,
    pub(crate) strategies: &'a Strategies,
}

/// A merged file.
pub(crate) struct Product {
    pub(crate) merged: Merged,
    /// The bytes to write; nothing where git's merge of texts has to do it.
    pub(crate) content: Option<Vec<u8>>,
}

/// Merges three documents and prints the result.
pub(crate) fn merge(
    inputs: &Inputs,
    documents: (Option<Value>, Value, Value),
    frame: &Frame<'_>,
) -> Product {
    let (base, ours, theirs) = documents;
    let catalog = frame.repository.map_or_else(Catalog::core, widget_names::of);
    let options = Options { strategies: frame.strategies, naming: &catalog };
    let merged = merge::merge(base.as_ref(), &ours, &theirs, options);
    if has_graphs(&merged.document) {
        // What a merge gives is in clean form; with cards in it, it has to be brought there.
        let clean = match merged.conflicts.is_empty() {
            true => Some(canon::print(&merged.document)),
            false => with_conflicts(&merged, frame),
        };
        let content = clean.map(|clean| placed(inputs, clean, &merged, frame));
        return Product { merged, content };
    }
    // Other JSON keeps its looks: only a merge that changes something has to be printed.
    let style = || Style::sniff(&String::from_utf8_lossy(&inputs.ours));
    let content = match merged.conflicts.is_empty() {
        false => None,
        true if merged.document == ours => Some(inputs.ours.clone()),
        true if merged.document == theirs => Some(inputs.theirs.clone()),
        true => Some(json::print(&merged.document, &style()).into_bytes()),
    };
    Product { merged, content }
}

/// Whether a document is a graph or holds some.
fn has_graphs(document: &Value) -> bool {
    use comfy_graph::graph::{Kind, kind};
    matches!(kind(document), Kind::Graph(_) | Kind::Wrapped(_))
}

/// The clean content with its conflicts in it; nothing where it has no place for one.
fn with_conflicts(merged: &Merged, frame: &Frame<'_>) -> Option<Vec<u8>> {
    let document = merged.document.clone();
    let Embedded { mut document, homeless } =
        merge::embed(document, &merged.conflicts, &frame.labels, frame.cards);
    canon::strip(&mut document);
    homeless.is_empty().then(|| canon::print(&document))
}

/// A merged graph as its file is to be: clean, or with the positions that the sides had.
fn placed(inputs: &Inputs, content: Vec<u8>, merged: &Merged, frame: &Frame<'_>) -> Vec<u8> {
    if frame.handling == Handling::Clean(Mode::Strip) {
        return content;
    }
    let (ours, theirs) = (driver::own_layout(&inputs.ours), driver::own_layout(&inputs.theirs));
    if ours.is_none() && theirs.is_none() {
        return content;
    }
    let base = driver::own_layout(&inputs.base);
    let renumbered = Matches::renumbering(&merged.renumbered.nodes);
    let ours = ours.as_deref().map(|line| MergedSide { line, pairs: Pairs::ById });
    let pairs = Pairs::Matched(&renumbered);
    let theirs = theirs.as_deref().map(|line| MergedSide { line, pairs });
    let composed = canon::compose_merged(&content, base.as_deref(), ours, theirs);
    let laid_out = composed.map_or(content, |composed| composed.bytes);
    match frame.handling {
        Handling::Clean(mode) => match canon::clean(&laid_out, mode) {
            Outcome::Cleaned(cleaned) => cleaned.content,
            Outcome::Untouched(_) => laid_out,
        },
        Handling::Off => laid_out,
    }
}

/// The three texts of other JSON with conflicts: the same but for what is in conflict, so
/// that markers stand nowhere else.
pub(crate) fn contested_texts(inputs: &Inputs, merged: &Merged) -> Inputs {
    let style = Style::sniff(&String::from_utf8_lossy(&inputs.ours));
    let text = |side: Side| {
        let mut document = merged.document.clone();
        for conflict in &merged.conflicts {
            merge::write_side(&mut document, conflict, side);
        }
        json::print(&document, &style).into_bytes()
    };
    Inputs { base: text(Side::Base), ours: text(Side::Ours), theirs: text(Side::Theirs) }
}

/// What git's merge of texts made.
pub(crate) struct TextMerge {
    pub(crate) content: Vec<u8>,
    pub(crate) conflicts: bool,
}

/// Merges texts as git does where no driver is set.
pub(crate) fn merge_texts(
    session: &Session,
    inputs: &Inputs,
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
    let answer = Git::at(&session.cwd).answer(&arguments)?;
    match answer.code {
        0 => Ok(TextMerge { content: answer.out, conflicts: false }),
        1..=127 => Ok(TextMerge { content: answer.out, conflicts: true }),
        // Binary: git itself would keep ours and call it a conflict.
        _ => Ok(TextMerge { content: inputs.ours.clone(), conflicts: true }),
    }
}

/// The text of other JSON as the lines of both sides make it, where that means the same:
/// it keeps whatever a person did with white space.
pub(crate) fn in_old_looks(
    session: &Session,
    inputs: &Inputs,
    product: &Product,
    content: &[u8],
) -> Vec<u8> {
    if has_graphs(&product.merged.document) {
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

/// The most lines of a kind that are told after a merge.
const MOST_LINES: usize = 8;

/// Tells what was decided and what could not be, in a few lines on standard error.
pub(crate) fn tell(session: &Session, path: &str, merged: &Merged, way_out: &str) {
    let name = sanitize::line(path);
    let say = |lines: Vec<String>| {
        let more = lines.len().saturating_sub(MOST_LINES);
        for line in lines.into_iter().take(MOST_LINES) {
            session.ui.say(&format!("  {line}"));
        }
        if more > 0 {
            session.ui.say(&format!("  and {more} more; `git comfy merge --explain` tells all"));
        }
    };
    let notable = text::notable(merged);
    if !notable.is_empty() {
        session.ui.say(&format!("{name}: merged"));
        say(notable);
    }
    if !merged.doubts.is_empty() {
        session.ui.warn(&format!("{name}: the merge was not used; please report it:"));
        say(text::doubts(merged));
    }
    if !merged.conflicts.is_empty() {
        let count = count(merged.conflicts.len());
        session.ui.warn(&format!("{name}: {count}; {way_out}"));
        say(text::conflicts(merged));
    }
}

/// How many conflicts, in words.
pub(crate) fn count(conflicts: usize) -> String {
    match conflicts {
        1 => "1 conflict".to_owned(),
        count => format!("{count} conflicts"),
    }
}
