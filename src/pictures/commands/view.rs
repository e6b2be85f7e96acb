//! `git comfy view`: a workflow as a picture.

use comfy_draw::{Canvas, Drawing, Theme, draw_workflow, render_svg};
use comfy_graph::catalog::Catalog;
use comfy_graph::clean::{self, ArrangeExtent};
use comfy_graph::graph::Workflow;
use comfy_graph::json::Value;

use crate::differences::content::FileContent;
use crate::differences::operands::{self, Operand, OperandKind};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts;
use crate::picture_args::{PictureArgs, PictureFormat, ThemeChoice};
use crate::pictures::drawn_document::{DrawnDocument, drawable_document};
use crate::pictures::html_page::{PageContent, PageFile, PageKind, node_list, render_page};
use crate::pictures::picture_file::{deliver, require_destination};
use crate::pictures::rasterize::rasterize;
use crate::platform::git::RepoPath;
use crate::platform::machine::node_catalog;
use crate::platform::text::sanitize;
use crate::session::Session;

const EXAMPLES: &str = "\
Draws the workflow in a file, a revision or a picture as ComfyUI shows it: a page to look around
in (drag, zoom, search, open subgraphs), an SVG or a PNG file. A version out of git lies as its
layout says; what has none is arranged.

Examples:
  git comfy view portrait.json --open      in the browser
  git comfy view HEAD~3:portrait.json -o then.html
  git comfy view ComfyUI_00042_.png --open the workflow inside a picture
  git comfy view portrait.json -o portrait.svg --theme light
  git comfy view portrait.json --subgraph Upscale -o upscale.png";

/// Draw a workflow: a page, an SVG or a PNG file.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ViewArgs {
    /// A file, `REVISION:FILE` or a picture [default: the workflow saved last].
    #[arg(value_name = "FILE|REV:FILE|IMAGE")]
    what: Option<String>,
    /// Arrange it anew instead of drawing it as it lies.
    #[arg(long)]
    arranged: bool,
    /// Draw the inside of this subgraph, by name or uuid (SVG and PNG; a page has all).
    #[arg(long, value_name = "NAME")]
    subgraph: Option<String>,
    #[command(flatten)]
    picture: PictureArgs,
}

pub fn run(args: &ViewArgs, session: &Session) -> Result<Exit> {
    require_destination(&args.picture, session)?;
    let what = match &args.what {
        Some(what) => what.clone(),
        None => last_saved_workflow(session)?,
    };
    let catalog = node_catalog::catalog_for_session(session);
    let (name, document) = read_document(session, &what)?;
    let document = if args.arranged { arranged(document) } else { document };
    let drawn = drawable_document(&document, &catalog).ok_or_else(|| no_workflow(&name))?;
    let picture = draw(args, &name, &drawn, &catalog)?;
    deliver(&picture, &args.picture, session)?;
    Ok(Exit::Done)
}

fn draw(args: &ViewArgs, name: &str, drawn: &DrawnDocument, catalog: &Catalog) -> Result<Vec<u8>> {
    let drawing = draw_workflow(&drawn.workflow, catalog);
    let format = args.picture.format();
    if format == PictureFormat::Html {
        return Ok(page(args, name, drawing, drawn.is_arranged || args.arranged).into_bytes());
    }
    let canvas = chosen_canvas(args, name, &drawing, &drawn.workflow)?;
    let svg = render_svg(canvas, theme(args.picture.theme));
    match format {
        PictureFormat::Png => rasterize(&svg),
        _ => Ok(svg.into_bytes()),
    }
}

fn page(args: &ViewArgs, name: &str, drawing: Drawing, is_arranged: bool) -> String {
    let mut remarks = Vec::new();
    if is_arranged {
        remarks.push("Nobody placed these nodes: they are arranged.".to_owned());
    }
    let file = PageFile {
        name: name.to_owned(),
        beside: node_list(&drawing),
        drawing,
        marks: Vec::new(),
        remarks,
    };
    render_page(&PageContent {
        title: name.to_owned(),
        theme: args.picture.theme,
        shows: PageKind::Workflow,
        files: vec![file],
        others: Vec::new(),
    })
}

/// The theme of a file that cannot ask its viewer.
pub(crate) fn theme(choice: Option<ThemeChoice>) -> Theme {
    match choice {
        Some(ThemeChoice::Light) => Theme::Light,
        Some(ThemeChoice::Dark) | None => Theme::Dark,
    }
}

fn chosen_canvas<'d>(
    args: &ViewArgs,
    name: &str,
    drawing: &'d Drawing,
    workflow: &Workflow,
) -> Result<&'d Canvas> {
    let Some(wanted) = &args.subgraph else {
        return drawing.canvases.first().ok_or_else(|| no_workflow(name));
    };
    let mut inner = drawing.canvases.iter().skip(1);
    let found = inner.find(|canvas| canvas.title == *wanted || canvas.scope == *wanted);
    found.ok_or_else(|| {
        let shown = sanitize::line(wanted);
        let names: Vec<String> = workflow
            .definitions
            .values()
            .map(|definition| sanitize::line(definition.name()).into_owned())
            .collect();
        let failure = CommandError::user(format!("{name} has no subgraph {shown}"));
        if names.is_empty() {
            failure.with_hint("it has none at all")
        } else {
            failure.with_hint(format!("it has {}", names.join(", ")))
        }
    })
}

fn no_workflow(name: &str) -> CommandError {
    CommandError::user(format!("{name} holds no workflow"))
}

/// The name and the document that a word of the command line stands for, as it lies.
fn read_document(session: &Session, what: &str) -> Result<(String, Value)> {
    let named = operands::classify_operand(session, what)?;
    if matches!(named, OperandKind::Revision(_) | OperandKind::Other) {
        let shown = sanitize::line(what);
        return Err(CommandError::user(format!("{shown} is no file"))
            .with_hint(format!("a version of a file: {shown}:FILE")));
    }
    let Operand { name, content, .. } = operands::read_operand(session, what, &named)?;
    let document = match content {
        FileContent::Graph(value) => value,
        FileContent::Output(output) => {
            let graph = output.workflow.or(output.prompt);
            return graph.map(|graph| (name.clone(), graph)).ok_or_else(|| no_workflow(&name));
        }
        FileContent::Other(_) => return Err(no_workflow(&name)),
    };
    let OperandKind::Blob(blob) = named else { return Ok((name, document)) };
    // A blob out of git lies as the layout that is kept beside it says.
    let repository = session.repository()?;
    let path = what.split_once(':').map(|(_, path)| path).unwrap_or_default();
    let path = match path.starts_with("./") || path.starts_with("../") {
        true => repository.path_of(&session.cwd.join(path)),
        false => Some(RepoPath::new(path.as_bytes().to_vec())),
    };
    let Some((path, bytes)) = path.zip(repository.blob_up_to(blob, u64::MAX)?) else {
        return Ok((name, document));
    };
    let laid_out = layouts::with_committed_layout(&repository, &path, blob, bytes);
    Ok((name, comfy_graph::json::parse(&laid_out).unwrap_or(document)))
}

/// The document with other places; what lies in a group stays in it.
fn arranged(mut document: Value) -> Value {
    clean::arrange_again(&mut document, ArrangeExtent::All);
    document
}

/// The workflow of this folder, or of the repository it is in, that was saved last.
fn last_saved_workflow(session: &Session) -> Result<String> {
    let mut newest: Option<(std::time::SystemTime, String)> = None;
    for entry in std::fs::read_dir(&session.cwd)?.flatten() {
        let path = entry.path();
        let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        let saved = entry.metadata().ok().filter(std::fs::Metadata::is_file);
        let saved = saved.and_then(|metadata| metadata.modified().ok());
        if let (true, Some(saved), Some(name)) = (is_json, saved, entry.file_name().to_str())
            && newest.as_ref().is_none_or(|(time, _)| saved > *time)
            && operands::read_file(&path).is_ok_and(|bytes| holds_workflow(&bytes))
        {
            newest = Some((saved, name.to_owned()));
        }
    }
    newest.map(|(_, name)| name).ok_or_else(|| {
        CommandError::user("there is no workflow in this folder")
            .with_hint("name one: git comfy view FILE")
    })
}

fn holds_workflow(bytes: &[u8]) -> bool {
    comfy_graph::json::parse(bytes).is_ok_and(|value| value.get("nodes").is_some())
}
