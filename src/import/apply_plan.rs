//! Carries a plan out: reports each version line, and makes the commits.

use std::path::Path;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::Workflow;
use jiff::Zoned;

use super::line_status::{ExistingHistory, LineDecision, LineStatus};
use super::plan_file::PlanLine;
use super::version_source::read_version_bytes;
use crate::differences::content::{self, FileContent};
use crate::differences::graph_diff::compare_contents;
use crate::differences::text::terminal::{self, TerminalStyle, WordDiff};
use crate::differences::text::{LayoutDetail, diff_description, one_line_summary};
use crate::error::Result;
use crate::import::history::{self, CommitChain, ImportedState};
use crate::layouts::Filter;
use crate::platform::git::{ObjectId, RepoPath, Repository, Signature, commit_text};
use crate::platform::machine::node_catalog;
use crate::platform::text::plural::counted;
use crate::platform::text::{Colour, sanitize};
use crate::runs::run_store::RunStore;
use crate::session::Session;

const MAX_SUBJECT_CHARS: usize = 72;
const BODY_WIDTH: usize = 100;
const MAX_BODY_LINES: usize = 40;
/// Below this many versions no bar is shown.
const PROGRESS_BAR_THRESHOLD: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportMode {
    DryRun,
    Commit,
}

#[derive(Debug, Default)]
pub(crate) struct ImportSummary {
    /// Commits made, or to be made.
    pub(crate) commits: usize,
    /// Versions that were in the history already.
    pub(crate) already_known: usize,
    /// `HEAD` before the import, as a short id.
    pub(crate) previous_head: Option<String>,
}

/// Reports each version line and commits what is new: the versions of all lines by date, each
/// line in its own order. The run store, where there is one, knows the graphs of blobs that
/// are in the history. One version is in memory at a time.
pub(crate) fn apply_plan(
    lines: &[PlanLine],
    folder: &Path,
    mode: ImportMode,
    repository: &Repository,
    run_store: Option<&RunStore>,
    session: &Session,
) -> Result<ImportSummary> {
    let before = ExistingHistory::load(repository, lines, run_store)?;
    let head = repository.head()?.map(commit_text::short_id);
    let mut summary = ImportSummary { previous_head: head, ..ImportSummary::default() };
    let mut importer = VersionImporter {
        folder,
        repository,
        filter: Filter::new(Some(repository)),
        chain: match mode {
            ImportMode::Commit => Some(CommitChain::begin(repository)?),
            ImportMode::DryRun => None,
        },
        catalog: node_catalog::load_catalog(repository),
        person: repository.committer()?,
    };
    let mut imports = Vec::with_capacity(lines.len());
    for line in lines {
        let status = before.line_status(line, folder, &mut importer.filter)?;
        summary.already_known += status.already_known;
        imports.push(LineImport::new(line, status));
    }
    summary.commits = importer.import_all(&mut imports, session)?;
    for import in &imports {
        session.ui.print(&import.describe())?;
    }
    session.print_remarks(&importer.filter.take_remarks());
    if let Some(chain) = importer.chain {
        chain.finish()?;
    }
    Ok(summary)
}

/// A version line while its versions are imported.
struct LineImport<'l> {
    line: &'l PlanLine,
    status: LineStatus,
    /// The blob of the file after the versions so far.
    current_blob: Option<ObjectId>,
    /// The version that blob is from; none: it is that of the last commit.
    current_version: Option<usize>,
    /// A line of text for each version.
    report: String,
}

impl<'l> LineImport<'l> {
    fn new(line: &'l PlanLine, status: LineStatus) -> LineImport<'l> {
        let current_blob = status.committed;
        LineImport { line, status, current_blob, current_version: None, report: String::new() }
    }

    fn describe(&self) -> String {
        let file = sanitize::line(&self.line.file);
        let mut text = match &self.status.decision {
            LineDecision::Blocked(why) => format!("{file}\n  left as it is: {why}\n"),
            LineDecision::New(_) if self.report.is_empty() => String::new(),
            LineDecision::New(_) => format!("{file}\n{}", self.report),
        };
        for at in &self.status.outdated {
            let from = sanitize::line(&self.line.versions[*at].from);
            text.push_str(&format!(
                "note: {from} is left out: {file} is in the history in a newer version\n"
            ));
        }
        text
    }
}

/// All new versions by date, with the index of their line and their own in it. A version with
/// a date before the one that it follows comes right behind that one.
fn order_by_date(imports: &[LineImport<'_>]) -> Result<Vec<(Zoned, usize, usize)>> {
    let mut queue = Vec::new();
    for (number, import) in imports.iter().enumerate() {
        let LineDecision::New(new) = &import.status.decision else { continue };
        let mut newest = None;
        for at in new {
            let date = import.line.versions[*at].parse_date()?;
            newest = newest.max(Some(date.timestamp()));
            queue.push((newest, (date, number, *at)));
        }
    }
    queue.sort_by_key(|(moment, (_, import, at))| (*moment, *import, *at));
    Ok(queue.into_iter().map(|(_, version)| version).collect())
}

struct VersionImporter<'r> {
    folder: &'r Path,
    repository: &'r Repository,
    filter: Filter<'r>,
    chain: Option<CommitChain<'r>>,
    catalog: Catalog,
    person: Signature,
}

impl VersionImporter<'_> {
    /// Imports all new versions. Gives how many changed their file.
    fn import_all(&mut self, imports: &mut [LineImport<'_>], session: &Session) -> Result<usize> {
        let queue = order_by_date(imports)?;
        let bar = (queue.len() >= PROGRESS_BAR_THRESHOLD)
            .then(|| session.ui.count_bar("comparing versions"));
        if let Some(bar) = &bar {
            bar.extend(queue.len() as u64);
        }
        let mut count = 0;
        for (date, import, at) in &queue {
            count += usize::from(self.import_version(&mut imports[*import], *at, date)?);
            if let Some(bar) = &bar {
                bar.advance(1);
            }
        }
        if let Some(bar) = &bar {
            bar.finish();
        }
        Ok(count)
    }

    /// Imports one version. Gives whether it differs from the one before.
    fn import_version(
        &mut self,
        import: &mut LineImport<'_>,
        at: usize,
        date: &Zoned,
    ) -> Result<bool> {
        let path = RepoPath::new(import.line.file.as_bytes());
        let name = import.line.file.rsplit('/').next().unwrap_or_default();
        let name = name.trim_end_matches(".json");
        let saved = &import.line.versions[at];
        let bytes = read_version_bytes(self.folder, &saved.from)?;
        let clean = history::clean_file(&mut self.filter, self.repository.format(), &path, &bytes);
        if import.current_blob == Some(clean.blob) {
            return Ok(false);
        }
        let before = self.previous_content(import, &path)?;
        let description = describe_change(
            name,
            before,
            content::parse_content(clean.content.to_vec()),
            &self.catalog,
        );
        (import.current_blob, import.current_version) = (Some(clean.blob), Some(at));
        let (from, shown) = (sanitize::line(&saved.from), date.strftime("%Y-%m-%d %H:%M"));
        import.report.push_str(&format!("  {shown}  {from}  {}\n", description.change));
        if let Some(chain) = &mut self.chain {
            chain.add_commit(ImportedState {
                path,
                content: clean,
                author: author_at_date(&self.person, date),
                message: format!(
                    "{}\n\n{}Imported from {from}\n",
                    description.subject, description.body
                ),
            })?;
        }
        Ok(true)
    }

    fn previous_content(
        &mut self,
        import: &LineImport<'_>,
        path: &RepoPath,
    ) -> Result<FileContent> {
        Ok(match (import.current_version, import.current_blob) {
            (Some(at), _) => {
                let bytes = read_version_bytes(self.folder, &import.line.versions[at].from)?;
                let format = self.repository.format();
                let clean = history::clean_file(&mut self.filter, format, path, &bytes);
                content::parse_content(clean.content.into_owned())
            }
            (None, Some(id)) => {
                content::parse_content(self.repository.blob(id)?.unwrap_or_default())
            }
            (None, None) => FileContent::ABSENT,
        })
    }
}

/// Whoever commits now, at the moment of the export.
fn author_at_date(person: &Signature, date: &Zoned) -> Signature {
    Signature {
        seconds: date.timestamp().as_second(),
        offset: date.offset().seconds() / 60,
        ..person.clone()
    }
}

/// The parts of the message of a commit.
struct CommitDescription {
    subject: String,
    change: String,
    /// The whole change, where the subject has no room for it; then it ends in an empty line.
    body: String,
}

fn describe_change(
    name: &str,
    before: FileContent,
    now: FileContent,
    catalog: &Catalog,
) -> CommitDescription {
    let name = sanitize::line(name);
    let room = MAX_SUBJECT_CHARS.saturating_sub(name.chars().count() + 2).max(20);
    let is_first = matches!(&before, FileContent::Other(bytes) if bytes.is_empty());
    let (change, body) = match now {
        FileContent::Graph(value) if is_first => {
            let prompt = value.as_object().map_or(0, comfy_graph::json::Object::len);
            let count = Workflow::from_value(value).map_or(prompt, |w| w.nodes().count());
            (format!("new workflow: {}", counted(count, "node", "nodes")), String::new())
        }
        now => match compare_contents(before, now, catalog) {
            Some(compared) => {
                let diff = compared.describe(LayoutDetail::Counted);
                (one_line_summary(&diff, room), message_body(&diff, room))
            }
            None => ("new content".to_owned(), String::new()),
        },
    };
    CommitDescription { subject: format!("{name}: {change}"), change, body }
}

/// The whole change, if the subject has no room for it; else empty.
fn message_body(diff: &diff_description::DiffDescription, room: usize) -> String {
    if one_line_summary(diff, usize::MAX) == one_line_summary(diff, room) {
        return String::new();
    }
    let style = TerminalStyle { colour: Colour::Off, words: WordDiff::Plain, width: BODY_WIDTH };
    let text = terminal::render_for_terminal(diff, style);
    let mut body = String::new();
    for line in text.lines().take(MAX_BODY_LINES) {
        // A line that begins with `#` would be a comment to git's editor.
        body.push_str(line.strip_prefix('#').map_or(line, str::trim_start));
        body.push('\n');
    }
    let more = text.lines().count().saturating_sub(MAX_BODY_LINES);
    if more > 0 {
        body.push_str(&format!("… {more} more lines\n"));
    }
    body.push('\n');
    body
}
