//! `git comfy diff`: how workflows differ, in words, for everything that `git diff` compares
//! and for two files, or a picture and a commit.

use std::path::Path;

use comfy_graph::catalog::Catalog;

use crate::differences::changed_files;
use crate::differences::changed_files::{FileChange, FileChangeKind, FileVersion};
use crate::differences::content::{self, FileContent};
use crate::differences::file_diff::{FileDiff, diffs_to_json};
use crate::differences::graph_diff::{KeepDocuments, compare_and_keep};
use crate::differences::operands::{self, Operand, OperandKind, SourceScope};
use crate::differences::patch::git_hunks;
use crate::differences::text::LayoutDetail;
use crate::differences::text::terminal::{TerminalStyle, WordDiff};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts::{self, WorkflowChange};
use crate::picture_args::PictureArgs;
use crate::platform::git::{self, RepoPath, Repository};
use crate::platform::machine::node_catalog;
use crate::platform::text::Colour;
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::ui::OutputPipe;

const EXAMPLES: &str = "\
Takes what `git diff` takes, and two files, pictures or REVISION:FILE in any combination.
A picture alone, or with a revision, is compared with the file whose workflow made it.
What is no workflow is shown as git shows it.

Examples:
  git comfy diff                        what you changed and did not stage
  git comfy diff HEAD~3 portrait.json   the same file, three commits ago and now
  git comfy diff main..sketch --stat    two branches, a line for each file
  git comfy diff a.json b.json          two files
  git comfy diff a.json a_api.json      a workflow and an API prompt
  git comfy diff ComfyUI_00042_.png     how was this picture made differently from what
                                        I have now?
  git comfy diff ComfyUI_00042_.png HEAD~10
  git comfy diff one.png two.png        how were two pictures made differently?
  git comfy diff main..sketch --open     as a page, before and after on the canvas
  git comfy diff HEAD --format markdown for a review comment
  git comfy diff HEAD --format json     for programs; `git comfy apply` replays it";

/// Tell how workflows differ: files, revisions, pictures.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DiffArgs {
    /// Files, pictures, revisions, ranges (`A..B`, `A...B`), `REVISION:FILE`; `-` reads
    /// standard input.
    #[arg(value_name = "WHAT")]
    what: Vec<String>,
    /// Only these files and folders.
    #[arg(last = true, value_name = "PATHS")]
    paths: Vec<String>,
    /// What is staged for the next commit.
    #[arg(long, visible_alias = "staged")]
    cached: bool,
    /// How to tell it.
    #[arg(long, value_name = "FORM", default_value = "terminal")]
    format: DiffFormat,
    /// One line for each file.
    #[arg(long, conflicts_with = "format")]
    stat: bool,
    /// Leave with 1 if anything but the layout differs, else with 0.
    #[arg(long)]
    exit_code: bool,
    /// How changed words of a prompt are marked.
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true,
          default_missing_value = "plain")]
    word_diff: Option<WordDiffMode>,
    /// Spell out every move and resize.
    #[arg(long)]
    layout: bool,
    #[command(flatten)]
    pub(crate) picture: PictureArgs,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// The forms a difference can be told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum DiffFormat {
    /// For people.
    Terminal,
    /// For programs: docs/diff-schema.md.
    Json,
    /// For review comments.
    Markdown,
}

/// git's choices for `--word-diff`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum WordDiffMode {
    /// By colour alone.
    Color,
    /// `[-gone-]{+new+}`
    Plain,
    /// The whole old text and the whole new text.
    None,
}

impl DiffArgs {
    /// Whether the exit code is to tell that something differs.
    pub(crate) fn wants_exit_code(&self) -> bool {
        self.exit_code
    }

    /// What is compared, in the person's words.
    pub(crate) fn compared_words(&self) -> String {
        let staged = self.cached.then(|| "staged".to_owned());
        let words = staged.into_iter().chain(self.what.iter().cloned());
        words.chain(self.paths.iter().cloned()).collect::<Vec<_>>().join(" ")
    }
}

enum DiffRequest {
    /// What `git diff` compares with these arguments.
    Git(Vec<String>),
    Operands(Box<[Operand; 2]>),
}

pub fn run(args: &DiffArgs, session: &Session) -> Result<Exit> {
    let layout = if args.layout { LayoutDetail::Full } else { LayoutDetail::Counted };
    let catalog = node_catalog::catalog_for_session(session);
    let request = parse_request(args, session)?;
    let mut screen = Screen::open(session, &args.screen, "diff");
    let machine = args.format != DiffFormat::Terminal;
    let colour = if machine { Colour::Off } else { screen.colour };
    let words = match args.word_diff {
        Some(WordDiffMode::Color) | None => WordDiff::Auto,
        Some(WordDiffMode::Plain) => WordDiff::Plain,
        Some(WordDiffMode::None) => WordDiff::None,
    };
    let style = TerminalStyle { colour, words, width: screen.width };
    let file_diffs: Box<dyn Iterator<Item = Result<FileDiff>>> = match request {
        DiffRequest::Operands(two) => {
            let file_diff =
                diff_operands(session, *two, &catalog, style.colour, KeepDocuments::No)?;
            if !file_diff.differs(LayoutDetail::Full) {
                let [one, other] = file_diff.names.each_ref().map(|name| name.as_deref());
                let (one, other) = (one.unwrap_or_default(), other.unwrap_or_default());
                session.ui.info(&format!("{one} and {other} do not differ"));
            }
            Box::new(std::iter::once(Ok(file_diff)))
        }
        DiffRequest::Git(arguments) => {
            let comparing = GitComparison {
                repository: session.repository()?,
                arguments,
                layout,
                keep: KeepDocuments::No,
            };
            let changes = comparing.list_changes(session)?;
            let file_diffs = changes
                .into_iter()
                .map(move |change| comparing.diff_file(session, change, &catalog, style.colour));
            Box::new(file_diffs)
        }
    };
    let found = print_diffs(args, &mut screen, file_diffs, style, layout)?;
    let code =
        if args.exit_code && found == DiffOutcome::Difference { Exit::Found } else { Exit::Done };
    Ok(code)
}

/// All files that differ, with their documents as they lie on the canvas: for who draws them.
///
/// # Errors
/// The arguments name nothing that can be compared.
pub(crate) fn collect_drawable_diffs(args: &DiffArgs, session: &Session) -> Result<Vec<FileDiff>> {
    let naming = node_catalog::catalog_for_session(session);
    let keep = KeepDocuments::Yes;
    match parse_request(args, session)? {
        DiffRequest::Operands(two) => {
            Ok(vec![diff_operands(session, *two, &naming, Colour::Off, keep)?])
        }
        DiffRequest::Git(arguments) => {
            let layout = LayoutDetail::Full;
            let repository = session.repository()?;
            let comparing = GitComparison { repository, arguments, layout, keep };
            let changes = comparing.list_changes(session)?;
            let diffs = changes
                .into_iter()
                .map(|change| comparing.diff_file(session, change, &naming, Colour::Off));
            diffs.collect()
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DiffOutcome {
    NoDifference,
    Difference,
}

fn print_diffs(
    args: &DiffArgs,
    screen: &mut Screen,
    file_diffs: Box<dyn Iterator<Item = Result<FileDiff>> + '_>,
    style: TerminalStyle,
    layout: LayoutDetail,
) -> Result<DiffOutcome> {
    let mut found = DiffOutcome::NoDifference;
    let mut kept = Vec::new();
    for file_diff in file_diffs {
        let file_diff = file_diff?;
        if file_diff.differs(layout) {
            found = DiffOutcome::Difference;
        }
        let output = match args.format {
            DiffFormat::Terminal if args.stat => {
                kept.push(file_diff);
                continue;
            }
            DiffFormat::Terminal => screen.write(&file_diff.render_terminal(style, layout))?,
            DiffFormat::Markdown => screen.write(file_diff.render_markdown(layout).as_bytes())?,
            DiffFormat::Json => {
                kept.push(file_diff);
                continue;
            }
        };
        if output == OutputPipe::Closed {
            break;
        }
    }
    if args.format == DiffFormat::Json {
        screen.write(diffs_to_json(&kept).as_bytes())?;
    } else if args.stat {
        let names = kept.iter().map(FileDiff::name_width).max().unwrap_or(0).min(style.width / 2);
        for file_diff in &kept {
            screen.write(file_diff.render_stat_line(style, names, layout).as_bytes())?;
        }
    }
    Ok(found)
}

fn parse_request(args: &DiffArgs, session: &Session) -> Result<DiffRequest> {
    let mut arguments: Vec<String> = Vec::new();
    if args.cached {
        arguments.push("--cached".to_owned());
    }
    arguments.extend(args.what.iter().cloned());
    arguments.push("--".to_owned());
    arguments.extend(args.paths.iter().cloned());
    if args.cached || !args.paths.is_empty() {
        return Ok(DiffRequest::Git(arguments));
    }
    // Without `--` git itself tells revisions from paths.
    arguments.pop();
    let words: Vec<&str> = args.what.iter().map(String::as_str).collect();
    if words.is_empty() || words.len() > 2 {
        return Ok(DiffRequest::Git(arguments));
    }
    let named: Vec<OperandKind> = words
        .iter()
        .map(|word| operands::classify_operand(session, word))
        .collect::<Result<_>>()?;
    let read = |at: usize| operands::read_operand(session, words[at], &named[at]);
    let two = match named.as_slice() {
        [
            OperandKind::File(_) | OperandKind::Blob(_),
            OperandKind::File(_) | OperandKind::Blob(_),
        ] => Some([read(0)?, read(1)?]),
        [OperandKind::File(file), OperandKind::Revision(id)] => {
            Some(swap(operands_at_revision(session, read(0)?, file, *id)?))
        }
        [OperandKind::Revision(id), OperandKind::File(file)] => {
            Some(operands_at_revision(session, read(1)?, file, *id)?)
        }
        [OperandKind::Blob(_)] => {
            let path = words[0].rsplit(':').next().unwrap_or_default();
            let top = session.repository()?.require_work_tree()?.join(path);
            let now = operands::read_operand(session, path, &OperandKind::File(top))?;
            Some([read(0)?, now])
        }
        [OperandKind::File(file)] if words[0] != "-" => {
            operands_for_lone_file(session, read(0)?, file)?
        }
        _ => None,
    };
    Ok(two.map_or(DiffRequest::Git(arguments), |two| DiffRequest::Operands(Box::new(two))))
}

fn swap([one, other]: [Operand; 2]) -> [Operand; 2] {
    [other, one]
}

/// A file as it was at a revision, and as it is; for a picture that was not there, the
/// workflow it was made with.
fn operands_at_revision(
    session: &Session,
    document: Operand,
    file: &Path,
    revision: git::ObjectId,
) -> Result<[Operand; 2]> {
    let repository = session.repository()?;
    let path = repository.path_of(file);
    let blob = match &path {
        Some(path) => operands::blob_at_path(&repository, revision, path)?,
        None => None,
    };
    let was = match (blob, &document.content) {
        (Some(blob), _) => {
            let name = format!("{}:{}", &revision.to_hex()[..7], document.name);
            operands::read_operand(session, &name, &OperandKind::Blob(blob))?
        }
        (None, FileContent::Output(_)) => {
            operands::find_source_workflow(session, &document, SourceScope::Revision(revision))?
        }
        (None, _) => {
            let short = &revision.to_hex()[..7];
            return Err(CommandError::user(format!("{} is not there in {short}", document.name))
                .with_hint(format!("name what it is to be compared with: {short}:FILE")));
        }
    };
    Ok([was, document])
}

/// A single file: `None` if git tracks it; a picture that it does not track is compared with
/// the workflow it was made with.
fn operands_for_lone_file(
    session: &Session,
    document: Operand,
    file: &Path,
) -> Result<Option<[Operand; 2]>> {
    let Ok(repository) = session.repository() else {
        return Err(CommandError::user(format!("{} alone cannot be compared", document.name))
            .with_hint("name a second file"));
    };
    let is_tracked = |path: &RepoPath| {
        let spec = [b":(top,literal)".as_slice(), path.as_bytes()].concat();
        let spec = String::from_utf8_lossy(&spec).into_owned();
        let told = git::command::GitCommand::in_folder(&session.cwd)
            .args(["ls-files", "--", &spec])
            .output();
        told.is_ok_and(|told| !told.is_empty())
    };
    let tracked = repository.path_of(file).is_some_and(|path| is_tracked(&path));
    match &document.content {
        _ if tracked => Ok(None),
        FileContent::Output(_) => {
            let now = operands::find_source_workflow(session, &document, SourceScope::WorkTree)?;
            Ok(Some([document, now]))
        }
        _ => Err(CommandError::user(format!("git does not know {}", document.name))
            .with_hint("name a second file to compare it with")),
    }
}

fn diff_operands(
    session: &Session,
    documents: [Operand; 2],
    catalog: &Catalog,
    colour: Colour,
    keep: KeepDocuments,
) -> Result<FileDiff> {
    let names = documents.each_ref().map(|document| Some(document.name.clone()));
    let outputs = documents
        .each_ref()
        .map(|document| document.content.output_description().map(str::to_owned));
    let [before, after] = documents;
    let has_graph = |content: &FileContent| match content {
        FileContent::Graph(_) => true,
        FileContent::Output(output) => output.graph().is_some(),
        FileContent::Other(_) => false,
    };
    let graphs = [has_graph(&before.content), has_graph(&after.content)];
    let file_diff = FileDiff { names, outputs, ..FileDiff::default() };
    match graphs {
        [true, true] => {
            let compared = compare_and_keep(before.content, after.content, catalog, keep);
            let compared = compared.ok_or_else(|| {
                CommandError::user(format!("{} and {} cannot be compared", before.name, after.name))
                    .with_hint("one of them is a graph inside other JSON, or contains itself")
            })?;
            Ok(FileDiff { graph_diff: Some(compared), ..file_diff })
        }
        [false, false] => {
            let nothing = Path::new("");
            let hunks = git_hunks(&session.cwd, nothing, &before.side, &after.side, colour)?;
            let patch = hunks.unwrap_or_else(|| b"Binary files differ\n".to_vec());
            Ok(FileDiff { patch, ..file_diff })
        }
        [first, _] => {
            let other = if first { after.name } else { before.name };
            Err(CommandError::user(format!("{other} holds no workflow")))
        }
    }
}

/// A comparison with the arguments of `git diff`.
struct GitComparison {
    repository: Repository,
    arguments: Vec<String>,
    layout: LayoutDetail,
    keep: KeepDocuments,
}

impl GitComparison {
    fn list_changes(&self, session: &Session) -> Result<Vec<FileChange>> {
        let mut found = changed_files::list_changes(&session.cwd, &self.arguments)
            .map_err(operands::git_failure)?;
        if self.layout == LayoutDetail::Full && self.arguments.iter().all(|a| a == "--") {
            found.extend(self.layout_changes(&found)?);
        }
        Ok(found)
    }

    /// Files of the work tree in which only nodes were moved, which git does not see.
    fn layout_changes(&self, known: &[FileChange]) -> Result<Vec<FileChange>> {
        let status = layouts::work_tree_status(&self.repository)?;
        let head = self.repository.head()?;
        let mut found = Vec::new();
        for file in status.files.into_iter().filter(|file| file.change == WorkflowChange::Layout) {
            let Some(head) = head.filter(|_| known.iter().all(|k| k.path() != &file.path)) else {
                continue;
            };
            let blob = operands::blob_at_path(&self.repository, head.0, &file.path)?;
            let version =
                |blob| FileVersion { path: file.path.clone(), mode: "100644".to_owned(), blob };
            let (before, after) = (Some(version(blob)), Some(version(None)));
            found.push(FileChange { kind: FileChangeKind::Modified, before, after });
        }
        Ok(found)
    }

    fn diff_file(
        &self,
        session: &Session,
        change: FileChange,
        catalog: &Catalog,
        colour: Colour,
    ) -> Result<FileDiff> {
        let versions = [&change.before, &change.after];
        let names = versions.map(|v| v.as_ref().map(|v| v.path.to_string()));
        let is_plain =
            |version: &Option<FileVersion>| version.as_ref().is_none_or(FileVersion::is_file);
        let mut file_diff = FileDiff { names, ..FileDiff::default() };
        if change.kind != FileChangeKind::Unmerged && versions.into_iter().all(is_plain) {
            let contents = [self.read_content(&change.before)?, self.read_content(&change.after)?];
            file_diff.outputs =
                contents.each_ref().map(|content| content.output_description().map(str::to_owned));
            let [before, after] = contents;
            file_diff.graph_diff = compare_and_keep(before, after, catalog, self.keep);
        }
        if file_diff.graph_diff.is_none() {
            let paths: Vec<&RepoPath> = [&change.before, &change.after]
                .into_iter()
                .flatten()
                .map(|version| &version.path)
                .collect();
            let end = self.arguments.iter().position(|argument| argument == "--");
            let revisions = &self.arguments[..end.unwrap_or(self.arguments.len())];
            let revisions = self.revision_arguments(session, revisions);
            file_diff.patch = changed_files::git_patch(&session.cwd, colour, &revisions, &paths)?;
        }
        file_diff.change = Some(change);
        Ok(file_diff)
    }

    /// The arguments without paths: the patch of one file at a time is asked for.
    fn revision_arguments(&self, session: &Session, arguments: &[String]) -> Vec<String> {
        let mut kept = arguments.to_vec();
        while let Some(last) = kept.last()
            && !last.starts_with('-')
            && !last.contains("..")
            && matches!(
                operands::classify_operand(session, last),
                Ok(OperandKind::File(_) | OperandKind::Other)
            )
        {
            kept.pop();
        }
        kept
    }

    fn read_content(&self, version: &Option<FileVersion>) -> Result<FileContent> {
        let Some(version) = version else { return Ok(FileContent::ABSENT) };
        let bytes = operands::read_version(&self.repository, version)?;
        let bytes = match (self.layout, version.blob) {
            (LayoutDetail::Full, Some(blob)) => {
                layouts::with_committed_layout(&self.repository, &version.path, blob, bytes)
            }
            _ => bytes,
        };
        Ok(content::parse_content(bytes))
    }
}
