//! `git comfy diff`: how workflows differ, in words, for everything that `git diff` compares
//! and for two files, or a picture and a commit.

use crate::differences::compare_files::{DiffRequest, DiffTargets, GitComparison, diff_operands};
use crate::differences::file_diff::{FileDiff, diffs_to_json};
use crate::differences::graph_diff::KeepDocuments;
use crate::differences::text::LayoutDetail;
use crate::differences::text::terminal::{TerminalStyle, WordDiff};
use crate::error::Result;
use crate::exit::Exit;
use crate::picture_args::PictureArgs;
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
    pub(crate) exit_code: bool,
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
    pub(crate) fn targets(&self) -> DiffTargets<'_> {
        DiffTargets { what: &self.what, paths: &self.paths, cached: self.cached }
    }
}

pub fn run(args: &DiffArgs, session: &Session) -> Result<Exit> {
    let layout = if args.layout { LayoutDetail::Full } else { LayoutDetail::Counted };
    let catalog = node_catalog::catalog_for_session(session);
    let request = args.targets().resolve(session)?;
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
    let code = if args.exit_code && found == DiffOutcome::Difference {
        Exit::Negative
    } else {
        Exit::Done
    };
    Ok(code)
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
