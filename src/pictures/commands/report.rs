//! `git comfy report`: how something was made, as a sheet to print or to pass on.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use comfy_graph::catalog::Catalog;
use comfy_media::Container;
use comfy_media::picture::make_thumbnail;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::picture_args::{PictureArgs, PictureFormat};
use crate::pictures::picture_file::{deliver, require_destination};
use crate::pictures::provenance_sheet::{ProvenanceSheet, SheetPicture};
use crate::pictures::sheet_html::render_sheet_html;
use crate::pictures::sheet_markdown::render_sheet_markdown;
use crate::platform::files::read_up_to;
use crate::platform::git::{CommitId, Repository};
use crate::platform::text::{sanitize, terminal_picture};
use crate::records::collect_record::touched_workflows;
use crate::records::{self, CommitRecord, record_notes};
use crate::runs::find_run::find_run;
use crate::runs::media_file::MAX_WHOLE_READ;
use crate::runs::output_folders::OutputFolders;
use crate::runs::pick_up::find_commit_runs;
use crate::runs::run_branches;
use crate::runs::run_data::{OutputFile, Run, run_from_payload};
use crate::runs::run_store::RunStore;
use crate::runs::runs_ref::{self, RunPath};
use crate::session::Session;

const EXAMPLES: &str = "\
Tells what is recorded of a commit, a run or a picture: thumbnails, models with hashes and
sources, node packs, seeds, the environment, what it was made from. A page to be printed, or
Markdown. Prompts and file names are in it: read it before you pass it on.

Examples:
  git comfy report --open                  the last commit
  git comfy report ComfyUI_00042_.png -o fox.html
  git comfy report v1.0 --markdown         to standard output
  git comfy report 5f0c7a31 --markdown --without-prompts";

/// Sheets show no more pictures than this.
const MAX_PICTURES: usize = 24;
/// The longer side of a small picture, in pixels.
const THUMBNAIL_SIDE: u32 = 320;

/// Tell how a commit, a run or a picture was made, as a sheet to print.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    /// A revision, a run (its id or the beginning of it) or an output file [default: HEAD].
    #[arg(value_name = "REV|RUN|IMAGE")]
    what: Option<String>,
    /// Markdown instead of a page.
    #[arg(long, conflicts_with_all = ["html", "svg", "png", "open"])]
    markdown: bool,
    /// Leave out the texts of prompts.
    #[arg(long)]
    without_prompts: bool,
    #[command(flatten)]
    picture: PictureArgs,
}

pub fn run(args: &ReportArgs, session: &Session) -> Result<Exit> {
    if matches!(args.picture.chosen_format(), Some(PictureFormat::Svg | PictureFormat::Png)) {
        return Err(CommandError::user("a report is a page or Markdown")
            .with_hint("a page can be printed; --markdown is plain text"));
    }
    let is_markdown = args.markdown || args.picture.has_ending("md");
    if !is_markdown {
        require_destination(&args.picture, session)?;
    }
    let mut sheet = gather(args, session)?;
    if args.without_prompts {
        sheet.texts.clear();
    }
    let text = if is_markdown { render_sheet_markdown(&sheet) } else { render_sheet_html(&sheet) };
    deliver(text.as_bytes(), &args.picture, session)?;
    Ok(Exit::Done)
}

fn gather(args: &ReportArgs, session: &Session) -> Result<ProvenanceSheet> {
    let what = args.what.as_deref().unwrap_or("HEAD");
    let file = Some(session.cwd.join(what)).filter(|file| file.is_file());
    let repository = match (session.up_to_date_repository(), &file) {
        (Ok(repository), _) => repository,
        (Err(_), Some(file)) => return lone_file_sheet(what, file),
        (Err(error), None) => return Err(error.into()),
    };
    let commit = if file.is_some() { None } else { repository.resolve_commit(what)? };
    match commit {
        Some(commit) => commit_sheet(session, &repository, commit),
        None => run_sheet(session, &repository, what, file.as_deref()),
    }
}

/// A file outside of any repository: what it carries is all that is known.
fn lone_file_sheet(what: &str, file: &Path) -> Result<ProvenanceSheet> {
    let mut sheet = ProvenanceSheet { title: what.to_owned(), ..ProvenanceSheet::default() };
    let run = run_in_file(file, &Catalog::core()).ok_or_else(|| no_output(what))?;
    sheet.add_run(&run, None);
    sheet.pictures.push(SheetPicture { caption: what.to_owned(), png: thumbnail(file) });
    Ok(sheet)
}

fn no_output(what: &str) -> CommandError {
    let what = sanitize::line(what);
    CommandError::user(format!("{what} carries nothing of how it was made"))
        .with_hint("a report is of a commit, a run or an output file")
}

/// The run that an output tells of itself; a workflow file is none.
fn run_in_file(file: &Path, catalog: &Catalog) -> Option<Run> {
    let mut reader = BufReader::new(File::open(file).ok()?);
    let found = comfy_media::read(&mut reader).ok()?;
    if found.container == Container::Json {
        return None;
    }
    Some(run_from_payload(found.payload(), catalog)?.run)
}

/// A commit: its record, and the pictures its workflows made.
fn commit_sheet(
    session: &Session,
    repository: &Repository,
    commit: CommitId,
) -> Result<ProvenanceSheet> {
    let mut sheet = ProvenanceSheet::default();
    let subject = repository.commit(commit)?.map(|c| c.subject()).unwrap_or_default();
    let id = commit.to_string();
    sheet.title = if subject.is_empty() { id.clone() } else { subject };
    sheet.facts.push(("commit".to_owned(), id));
    for path in touched_workflows(repository, commit)? {
        sheet.facts.push(("workflow".to_owned(), path.path.to_string()));
    }
    match read_record(repository, commit)? {
        Some(record) => sheet.add_record(&record),
        None => sheet.remarks.push("nothing is recorded of this commit".to_owned()),
    }
    let rows = find_commit_runs(session, commit, MAX_PICTURES)?;
    if !rows.is_empty() {
        let store = RunStore::open(session)?;
        let folders = OutputFolders::detect(session, &store.repository)?;
        let mut table = Vec::new();
        for row in rows {
            let Some(stored) = runs_ref::load_run(&store.repository, &RunPath::new(row.path))?
            else {
                continue;
            };
            let run = stored.run;
            let seeds = run.seeds.iter().map(|seed| seed.value.to_string());
            let files = run.outputs.iter().map(|file| file.path.clone());
            table.push(vec![
                run.id.chars().take(13).collect(),
                run.known_time().unwrap_or_default().to_owned(),
                seeds.collect::<Vec<_>>().join(", "),
                files.take(4).collect::<Vec<_>>().join("\n"),
            ]);
            add_pictures(&mut sheet, &run, &folders);
        }
        sheet.push_table("Runs", &["run", "when", "seeds", "files"], table);
    }
    Ok(sheet)
}

fn run_sheet(
    session: &Session,
    repository: &Repository,
    what: &str,
    file: Option<&Path>,
) -> Result<ProvenanceSheet> {
    let store = RunStore::open(session)?;
    let run = match (find_run(session, &store, what), file) {
        (Ok(named), _) => {
            let branch = run_branches::branch_of_file(&store, &named.stored, &named.selector);
            branch.unwrap_or(named.stored.run)
        }
        (Err(_), Some(file)) => run_in_file(file, &store.catalog).ok_or_else(|| no_output(what))?,
        (Err(failure), None) => {
            return Err(failure.with_hint("a report is of a commit, a run or an output file"));
        }
    };
    let folders = OutputFolders::detect(session, &store.repository)?;
    let mut sheet = ProvenanceSheet { title: what.to_owned(), ..ProvenanceSheet::default() };
    let commit = run.committed.as_ref().map(|site| repository.resolve_commit(&site.commit));
    let record = match commit.transpose()?.flatten() {
        Some(commit) => read_record(repository, commit)?,
        None => None,
    };
    sheet.add_run(&run, record.as_ref());
    match file {
        Some(file) => {
            let caption = what.to_owned();
            sheet.pictures.push(SheetPicture { caption, png: thumbnail(file) });
        }
        None => add_pictures(&mut sheet, &run, &folders),
    }
    Ok(sheet)
}

fn read_record(repository: &Repository, commit: CommitId) -> Result<Option<CommitRecord>> {
    let note = record_notes::read_note(repository, commit)?;
    Ok(note.and_then(|note| records::parse_note(&note).ok()).and_then(|parsed| parsed.record))
}

fn add_pictures(sheet: &mut ProvenanceSheet, run: &Run, folders: &OutputFolders) {
    let room = MAX_PICTURES.saturating_sub(sheet.pictures.len());
    let pictures = run.outputs.iter().take(room).map(|file: &OutputFile| SheetPicture {
        caption: file.path.clone(),
        png: folders.locate(file).and_then(|place| thumbnail(&place)),
    });
    sheet.pictures.extend(pictures);
}

/// The picture small, if the file is one that can be shown.
fn thumbnail(file: &Path) -> Option<Vec<u8>> {
    let bytes = read_up_to(file, MAX_WHOLE_READ).ok()?;
    Some(terminal_picture::encode_png(&make_thumbnail(&bytes, THUMBNAIL_SIDE).ok()?))
}
