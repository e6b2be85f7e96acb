//! What the merging commands have in common: strategies from the configuration, the merge of
//! three documents into the bytes of one file, and git's merge of texts for what is no JSON.

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

/// The strategies of a merge: `comfy.merge.<class>` and `GIT_COMFY_FAVOR`. An invalid value
/// is reported and has no effect.
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

pub(crate) struct Inputs {
    pub(crate) base: Vec<u8>,
    pub(crate) ours: Vec<u8>,
    pub(crate) theirs: Vec<u8>,
}

impl Inputs {
    pub(crate) fn read(base: &Path, ours: &Path, theirs: &Path) -> Result<Inputs> {
        let read = |file: &Path| {
            std::fs::read(file).map_err(|error| {
                let name = file.to_string_lossy();
                Failure::new(format!("{} cannot be read: {error}", sanitize::line(&name)))
            })
        };
        Ok(Inputs { base: read(base)?, ours: read(ours)?, theirs: read(theirs)? })
    }

    /// The documents of base, ours and theirs; `None` if ours or theirs is no JSON that can be
    /// printed back. A base that is no JSON was another kind of file and counts as none.
    pub(crate) fn documents(&self) -> Option<(Option<Value>, Value, Value)> {
        let base = json::parse(&self.base).ok();
        Some((base, json::parse(&self.ours).ok()?, json::parse(&self.theirs).ok()?))
    }
}

/// How a file is merged and written.
pub(crate) struct Frame<'a> {
    pub(crate) repository: Option<&'a Repository>,
    /// Whether positions are stripped from the result.
    pub(crate) handling: Handling,
    pub(crate) labels: Labels,
    pub(crate) cards: Cards,
    pub(crate) strategies: &'a Strategies,
}

pub(crate) struct Product {
    pub(crate) merged: Merged,
    /// The bytes to write; `None` if conflicts have no place in the document and git has to
    /// merge the texts.
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
        // A merged graph is in clean form; embedding conflicts adds cards, which are not.
        let clean = match merged.conflicts.is_empty() {
            true => Some(canon::print(&merged.document)),
            false => with_conflicts(&merged, frame),
        };
        let content = clean.map(|clean| placed(inputs, clean, &merged, frame));
        return Product { merged, content };
    }
    // Other JSON keeps its formatting: a result that equals one side is not printed anew.
    let style = || Style::sniff(&String::from_utf8_lossy(&inputs.ours));
    let content = match merged.conflicts.is_empty() {
        false => None,
        true if merged.document == ours => Some(inputs.ours.clone()),
        true if merged.document == theirs => Some(inputs.theirs.clone()),
        true => Some(json::print(&merged.document, &style()).into_bytes()),
    };
    Product { merged, content }
}

fn has_graphs(document: &Value) -> bool {
    use comfy_graph::graph::{Kind, kind};
    matches!(kind(document), Kind::Graph(_) | Kind::Wrapped(_))
}

/// The clean content with its conflicts embedded; `None` if one of them has no place in it.
fn with_conflicts(merged: &Merged, frame: &Frame<'_>) -> Option<Vec<u8>> {
    let document = merged.document.clone();
    let Embedded { mut document, homeless } =
        merge::embed(document, &merged.conflicts, &frame.labels, frame.cards);
    canon::strip(&mut document);
    homeless.is_empty().then(|| canon::print(&document))
}

/// Gives a merged graph the positions that the sides have in their files, unless positions
/// are stripped.
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

/// Three texts of other JSON that differ in nothing but the conflicts, so that a merge of
/// texts puts markers there alone.
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

pub(crate) struct TextMerge {
    pub(crate) content: Vec<u8>,
    pub(crate) conflicts: bool,
}

/// Merges texts with `git merge-file`, as git does without a driver.
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
    // `git merge-file` leaves with the number of conflicts, at most 127, or 255 for an error.
    match answer.code {
        0 => Ok(TextMerge { content: answer.out, conflicts: false }),
        1..=127 => Ok(TextMerge { content: answer.out, conflicts: true }),
        // Binary files: ours and a conflict, as git does.
        _ => Ok(TextMerge { content: inputs.ours.clone(), conflicts: true }),
    }
}

/// For other JSON: git's merge of the lines, if it parses to the same document. It keeps the
/// white space of both sides.
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

/// The most lines of a kind that are printed after a merge.
const MOST_LINES: usize = 8;

/// Prints decisions, doubts and conflicts in a few lines on standard error.
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

pub(crate) fn count(conflicts: usize) -> String {
    match conflicts {
        1 => "1 conflict".to_owned(),
        count => format!("{count} conflicts"),
    }
}
