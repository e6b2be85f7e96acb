//! `git comfy diff`: how workflows differ, in words, for everything that `git diff` compares
//! and for two files, or a picture and a commit.

use std::path::Path;

use comfy_graph::catalog::Catalog;
use comfy_graph::diff::schema;
use comfy_graph::json;
use comfy_graph::json::{Object, Style, Value};

use crate::differences::compared::compare;
use crate::differences::content::{self, Content};
use crate::differences::file_diff::Sheet;
use crate::differences::operands::{self, Among, Document, Named};
use crate::differences::patch::{PatchColour, hunks};
use crate::differences::revisions::{FileChange, How, Version};
use crate::differences::text::Layout;
use crate::differences::text::terminal::{Look, WordDiff};
use crate::differences::{revisions, widget_names};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::layouts::{self, Change};
use crate::platform::git::{self, RepoPath, Repository, plumbing};
use crate::platform::text::{Colour, sanitize};
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::ui::Listener;

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
  git comfy diff HEAD --format markdown for a review comment
  git comfy diff HEAD --format json     for programs; `git comfy apply` replays it";

/// Tell how workflows differ: files, revisions, pictures.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
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
    format: Form,
    /// One line for each file.
    #[arg(long, conflicts_with = "format")]
    stat: bool,
    /// Leave with 1 if anything but the layout differs, else with 0.
    #[arg(long)]
    exit_code: bool,
    /// How changed words of a prompt are marked.
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true,
          default_missing_value = "plain")]
    word_diff: Option<WordMode>,
    /// Spell out every move and resize.
    #[arg(long)]
    layout: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// The forms a difference can be told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people.
    Terminal,
    /// For programs: docs/diff-schema.md.
    Json,
    /// For review comments.
    Markdown,
}

/// git's choices for `--word-diff`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum WordMode {
    /// By colour alone.
    Color,
    /// `[-gone-]{+new+}`
    Plain,
    /// The whole old text and the whole new text.
    None,
}

enum Wish {
    /// What `git diff` compares with these arguments.
    Git(Vec<String>),
    Two(Box<[Document; 2]>),
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let layout = if args.layout { Layout::Spelled } else { Layout::Folded };
    let naming = widget_names::cached(session);
    let wish = wish(args, session)?;
    let mut screen = Screen::open(session, &args.screen, "diff");
    let machine = args.format != Form::Terminal;
    let colour = if machine { Colour::Off } else { screen.colour };
    let words = match args.word_diff {
        Some(WordMode::Color) | None => WordDiff::Auto,
        Some(WordMode::Plain) => WordDiff::Plain,
        Some(WordMode::None) => WordDiff::None,
    };
    let look = Look { colour, words, width: screen.width };
    let sheets: Box<dyn Iterator<Item = Result<Sheet>>> = match wish {
        Wish::Two(two) => {
            let sheet = two_documents(session, *two, &naming, look.colour)?;
            if !sheet.differs(Layout::Spelled) {
                let [one, other] = sheet.names.each_ref().map(|name| name.as_deref());
                let (one, other) = (one.unwrap_or_default(), other.unwrap_or_default());
                session.ui.say(&format!("{one} and {other} do not differ"));
            }
            Box::new(std::iter::once(Ok(sheet)))
        }
        Wish::Git(arguments) => {
            let comparing = Comparing { repository: session.repository()?, arguments, layout };
            let changes = comparing.changes(session)?;
            let sheets = changes
                .into_iter()
                .map(move |change| comparing.sheet(session, change, &naming, look.colour));
            Box::new(sheets)
        }
    };
    let found = show(args, &mut screen, sheets, look, layout)?;
    let code = if args.exit_code && found == Found::Difference { Exit::Found } else { Exit::Done };
    Ok(code)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Difference,
}

fn show(
    args: &Args,
    screen: &mut Screen,
    sheets: Box<dyn Iterator<Item = Result<Sheet>> + '_>,
    look: Look,
    layout: Layout,
) -> Result<Found> {
    let mut found = Found::Nothing;
    let mut kept = Vec::new();
    for sheet in sheets {
        let sheet = sheet?;
        if sheet.differs(layout) {
            found = Found::Difference;
        }
        let heard = match args.format {
            Form::Terminal if args.stat => {
                kept.push(sheet);
                continue;
            }
            Form::Terminal => screen.put(&sheet.terminal(look, layout))?,
            Form::Markdown => screen.put(sheet.markdown(layout).as_bytes())?,
            Form::Json => {
                kept.push(sheet);
                continue;
            }
        };
        if heard == Listener::Gone {
            break;
        }
    }
    if args.format == Form::Json {
        screen.put(document(&kept).as_bytes())?;
    } else if args.stat {
        let names = kept.iter().map(Sheet::name_columns).max().unwrap_or(0).min(look.width / 2);
        for sheet in &kept {
            screen.put(sheet.line(look, names, layout).as_bytes())?;
        }
    }
    Ok(found)
}

pub(crate) fn document(sheets: &[Sheet]) -> String {
    let mut root = Object::default();
    root.insert("schema", "git-comfy/diff");
    root.insert("version", schema::VERSION);
    let files: Vec<Value> = sheets.iter().map(Sheet::json).collect();
    root.insert("files", files);
    let text = json::print(&Value::Object(root), &Style { final_newline: true, ..Style::EXPORT });
    // Everything is escaped that a terminal would act on; the values stay the same.
    sanitize::json(&text).into_owned()
}

fn wish(args: &Args, session: &Session) -> Result<Wish> {
    let mut arguments: Vec<String> = Vec::new();
    if args.cached {
        arguments.push("--cached".to_owned());
    }
    arguments.extend(args.what.iter().cloned());
    arguments.push("--".to_owned());
    arguments.extend(args.paths.iter().cloned());
    if args.cached || !args.paths.is_empty() {
        return Ok(Wish::Git(arguments));
    }
    // Without `--` git itself tells revisions from paths.
    arguments.pop();
    let words: Vec<&str> = args.what.iter().map(String::as_str).collect();
    if words.is_empty() || words.len() > 2 {
        return Ok(Wish::Git(arguments));
    }
    let named: Vec<Named> =
        words.iter().map(|word| operands::named(session, word)).collect::<Result<_>>()?;
    let read = |at: usize| operands::read(session, words[at], &named[at]);
    let two = match named.as_slice() {
        [Named::File(_) | Named::Blob(_), Named::File(_) | Named::Blob(_)] => {
            Some([read(0)?, read(1)?])
        }
        [Named::File(file), Named::Revision(id)] => {
            Some(flipped(at_revision(session, read(0)?, file, *id)?))
        }
        [Named::Revision(id), Named::File(file)] => {
            Some(at_revision(session, read(1)?, file, *id)?)
        }
        [Named::Blob(_)] => {
            let path = words[0].rsplit(':').next().unwrap_or_default();
            let top = session.repository()?.require_work_tree()?.join(path);
            let now = operands::read(session, path, &Named::File(top))?;
            Some([read(0)?, now])
        }
        [Named::File(file)] if words[0] != "-" => alone(session, read(0)?, file)?,
        _ => None,
    };
    Ok(two.map_or(Wish::Git(arguments), |two| Wish::Two(Box::new(two))))
}

fn flipped([one, other]: [Document; 2]) -> [Document; 2] {
    [other, one]
}

/// A file as it was at a revision, and as it is; for a picture that was not there, the
/// workflow it was made with.
fn at_revision(
    session: &Session,
    document: Document,
    file: &Path,
    revision: git::ObjectId,
) -> Result<[Document; 2]> {
    let repository = session.repository()?;
    let path = operands::repo_path(&repository, file);
    let blob = match &path {
        Some(path) => operands::blob_in(&repository, revision, path)?,
        None => None,
    };
    let was = match (blob, &document.content) {
        (Some(blob), _) => {
            let name = format!("{}:{}", &revision.to_hex()[..7], document.name);
            operands::read(session, &name, &Named::Blob(blob))?
        }
        (None, Content::Output(_)) => {
            operands::origin_of(session, &document, Among::Revision(revision))?
        }
        (None, _) => {
            let short = &revision.to_hex()[..7];
            return Err(Failure::new(format!("{} is not there in {short}", document.name))
                .hint(format!("name what it is to be compared with: {short}:FILE")));
        }
    };
    Ok([was, document])
}

/// A single file: `None` if git tracks it; a picture that it does not track is compared with
/// the workflow it was made with.
fn alone(session: &Session, document: Document, file: &Path) -> Result<Option<[Document; 2]>> {
    let Ok(repository) = session.repository() else {
        return Err(Failure::new(format!("{} alone cannot be compared", document.name))
            .hint("name a second file"));
    };
    let is_tracked = |path: &RepoPath| {
        let spec = [b":(top,literal)".as_slice(), path.as_bytes()].concat();
        let spec = String::from_utf8_lossy(&spec).into_owned();
        let told = plumbing::Git::at(&session.cwd).run(["ls-files", "--", &spec]);
        told.is_ok_and(|told| !told.is_empty())
    };
    let tracked = operands::repo_path(&repository, file).is_some_and(|path| is_tracked(&path));
    match &document.content {
        _ if tracked => Ok(None),
        Content::Output(_) => {
            let now = operands::origin_of(session, &document, Among::WorkTree)?;
            Ok(Some([document, now]))
        }
        _ => Err(Failure::new(format!("git does not know {}", document.name))
            .hint("name a second file to compare it with")),
    }
}

fn two_documents(
    session: &Session,
    documents: [Document; 2],
    naming: &Catalog,
    colour: Colour,
) -> Result<Sheet> {
    let names = documents.each_ref().map(|document| Some(document.name.clone()));
    let outputs = documents.each_ref().map(|document| document.content.told().map(str::to_owned));
    let [before, after] = documents;
    let has_graph = |content: &Content| match content {
        Content::Graph(_) => true,
        Content::Output(output) => output.graph().is_some(),
        Content::Other(_) => false,
    };
    let graphs = [has_graph(&before.content), has_graph(&after.content)];
    let sheet = Sheet { names, outputs, ..Sheet::default() };
    match graphs {
        [true, true] => {
            let compared = compare(before.content, after.content, naming);
            let compared = compared.ok_or_else(|| {
                Failure::new(format!("{} and {} cannot be compared", before.name, after.name))
                    .hint("one of them is a graph inside other JSON, or contains itself")
            })?;
            Ok(Sheet { compared: Some(compared), ..sheet })
        }
        [false, false] => {
            let colour = patch_colour(colour);
            let nothing = Path::new("");
            let hunks = hunks(&session.cwd, nothing, &before.side, &after.side, colour)?;
            let patch = hunks.unwrap_or_else(|| b"Binary files differ\n".to_vec());
            Ok(Sheet { patch, ..sheet })
        }
        [first, _] => {
            let other = if first { after.name } else { before.name };
            Err(Failure::new(format!("{other} holds no workflow")))
        }
    }
}

fn patch_colour(colour: Colour) -> PatchColour {
    match colour {
        Colour::On => PatchColour::On,
        Colour::Off => PatchColour::Off,
    }
}

/// A comparison with the arguments of `git diff`.
struct Comparing {
    repository: Repository,
    arguments: Vec<String>,
    layout: Layout,
}

impl Comparing {
    fn changes(&self, session: &Session) -> Result<Vec<FileChange>> {
        let mut found =
            revisions::changes(&session.cwd, &self.arguments).map_err(operands::complaint)?;
        if self.layout == Layout::Spelled && self.arguments.iter().all(|a| a == "--") {
            found.extend(self.moved(&found)?);
        }
        Ok(found)
    }

    /// Files of the work tree in which only nodes were moved, which git does not see.
    fn moved(&self, known: &[FileChange]) -> Result<Vec<FileChange>> {
        let status = layouts::status(&self.repository)?;
        let head = self.repository.head()?;
        let mut found = Vec::new();
        for file in status.files.into_iter().filter(|file| file.change == Change::Layout) {
            let Some(head) = head.filter(|_| known.iter().all(|k| k.path() != &file.path)) else {
                continue;
            };
            let blob = operands::blob_in(&self.repository, head.0, &file.path)?;
            let version =
                |blob| Version { path: file.path.clone(), mode: "100644".to_owned(), blob };
            let (before, after) = (Some(version(blob)), Some(version(None)));
            found.push(FileChange { how: How::Modified, before, after });
        }
        Ok(found)
    }

    fn sheet(
        &self,
        session: &Session,
        change: FileChange,
        naming: &Catalog,
        colour: Colour,
    ) -> Result<Sheet> {
        let versions = [&change.before, &change.after];
        let names = versions.map(|v| v.as_ref().map(|v| v.path.to_string()));
        let is_plain = |version: &Option<Version>| version.as_ref().is_none_or(Version::is_file);
        let mut sheet = Sheet { names, ..Sheet::default() };
        if change.how != How::Unmerged && versions.into_iter().all(is_plain) {
            let contents = [self.content(&change.before)?, self.content(&change.after)?];
            sheet.outputs = contents.each_ref().map(|content| content.told().map(str::to_owned));
            let [before, after] = contents;
            sheet.compared = compare(before, after, naming);
        }
        if sheet.compared.is_none() {
            let paths: Vec<&RepoPath> = [&change.before, &change.after]
                .into_iter()
                .flatten()
                .map(|version| &version.path)
                .collect();
            let colour = patch_colour(colour);
            let end = self.arguments.iter().position(|argument| argument == "--");
            let revisions = &self.arguments[..end.unwrap_or(self.arguments.len())];
            let revisions = self.without_paths(session, revisions);
            sheet.patch = revisions::patch(&session.cwd, colour, &revisions, &paths)?;
        }
        sheet.change = Some(change);
        Ok(sheet)
    }

    /// The arguments without paths: the patch of one file at a time is asked for.
    fn without_paths(&self, session: &Session, arguments: &[String]) -> Vec<String> {
        let mut kept = arguments.to_vec();
        while let Some(last) = kept.last()
            && !last.starts_with('-')
            && !last.contains("..")
            && matches!(operands::named(session, last), Ok(Named::File(_) | Named::Other))
        {
            kept.pop();
        }
        kept
    }

    fn content(&self, version: &Option<Version>) -> Result<Content> {
        let Some(version) = version else { return Ok(Content::NOTHING) };
        let bytes = operands::version_bytes(&self.repository, version)?;
        let bytes = match (self.layout, version.blob) {
            (Layout::Spelled, Some(blob)) => {
                layouts::with_committed_layout(&self.repository, &version.path, blob, bytes)
            }
            _ => bytes,
        };
        Ok(content::read(bytes))
    }
}
