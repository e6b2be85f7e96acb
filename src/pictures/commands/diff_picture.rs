//! `git comfy diff --html`, `--svg`, `--png`, `--open`: differences as a picture, in the words
//! of the terminal beside it.

use comfy_draw::comparison::count_marks;
use comfy_draw::drawing::ChangeMark;
use comfy_draw::{Canvas, render_svg_stack};
use comfy_graph::catalog::Catalog;

use super::view::theme;
use crate::differences::compare_files::{DiffTargets, collect_drawable_diffs};
use crate::differences::file_diff::FileDiff;
use crate::differences::text::LayoutDetail;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::picture_args::{PictureArgs, PictureFormat};
use crate::pictures::diff_drawing::{DiffDrawing, draw_difference};
use crate::pictures::html_page::{PageContent, PageFile, PageKind, render_page};
use crate::pictures::picture_file::{deliver, require_destination};
use crate::pictures::rasterize::rasterize;
use crate::pictures::sentences::description_markup;
use crate::platform::machine::node_catalog;
use crate::session::Session;

/// `is_asked` is whether the exit code is to tell that something differs.
pub(crate) fn run(
    targets: &DiffTargets<'_>,
    picture: &PictureArgs,
    is_asked: bool,
    session: &Session,
) -> Result<Exit> {
    require_destination(picture, session)?;
    let catalog = node_catalog::catalog_for_session(session);
    let diffs = collect_drawable_diffs(targets, session)?;
    let mut drawn = Vec::new();
    let mut others = Vec::new();
    let differs = diffs.iter().any(|diff| diff.differs(LayoutDetail::Counted));
    for diff in diffs {
        match draw_file(&diff, &catalog) {
            Some(drawing) => drawn.push((diff, drawing)),
            None => others.push(diff.display_names()),
        }
    }
    if drawn.is_empty() {
        let why = CommandError::user("there is no difference of workflows to draw");
        return Err(match others.first() {
            Some(name) => why.with_hint(format!("{name} is no workflow: git diff shows it")),
            None => why,
        });
    }
    let drawing = match picture.format() {
        PictureFormat::Html => page(targets, picture, drawn, others).into_bytes(),
        PictureFormat::Svg => stack(picture, &drawn).into_bytes(),
        PictureFormat::Png => rasterize(&stack(picture, &drawn))?,
    };
    deliver(&drawing, picture, session)?;
    Ok(if is_asked && differs { Exit::Negative } else { Exit::Done })
}

fn draw_file(diff: &FileDiff, catalog: &Catalog) -> Option<DiffDrawing> {
    let compared = diff.graph_diff.as_ref()?;
    if compared.script.is_empty() && diff.change.is_some() {
        return None;
    }
    draw_difference(compared.documents.as_deref()?, &compared.script, catalog)
}

fn page(
    targets: &DiffTargets<'_>,
    picture: &PictureArgs,
    drawn: Vec<(FileDiff, DiffDrawing)>,
    others: Vec<String>,
) -> String {
    let title = match drawn.as_slice() {
        [(diff, _)] => diff.display_names(),
        many => {
            let what = targets.words();
            let what = if what.is_empty() { "working tree".to_owned() } else { what };
            format!("{what}: {} workflows", many.len())
        }
    };
    let file = |(diff, drawing): (FileDiff, DiffDrawing)| {
        let description = diff.graph_diff.as_ref().map(|diff| diff.describe(LayoutDetail::Counted));
        PageFile {
            name: diff.display_names(),
            beside: description_markup(&description.unwrap_or_default()),
            marks: count_marks(&drawing.drawing),
            remarks: remarks(drawing.is_arranged),
            drawing: drawing.drawing,
        }
    };
    render_page(&PageContent {
        title,
        theme: picture.theme,
        shows: PageKind::Difference,
        files: drawn.into_iter().map(file).collect(),
        others,
    })
}

fn remarks([before, after]: [bool; 2]) -> Vec<String> {
    match (before, after) {
        (_, true) => vec!["Nobody placed these nodes: they are arranged.".to_owned()],
        _ => Vec::new(),
    }
}

/// All canvases on which something changed, each under its heading.
fn stack(picture: &PictureArgs, drawn: &[(FileDiff, DiffDrawing)]) -> String {
    let mut titled: Vec<(String, &Canvas)> = Vec::new();
    let mut totals: Vec<(ChangeMark, usize)> = Vec::new();
    for (diff, drawing) in drawn {
        let is_marked = |canvas: &Canvas| canvas.items.iter().any(|item| item.mark.is_some());
        for (at, canvas) in drawing.drawing.canvases.iter().enumerate() {
            if at > 0 && !is_marked(canvas) {
                continue;
            }
            let name = diff.display_names();
            let title = if at == 0 { name } else { format!("{name} \u{203a} {}", canvas.title) };
            titled.push((title, canvas));
        }
        for (mark, count) in count_marks(&drawing.drawing) {
            match totals.iter_mut().find(|(known, _)| *known == mark) {
                Some((_, total)) => *total += count,
                None => totals.push((mark, count)),
            }
        }
    }
    totals.sort_by_key(|(mark, _)| *mark);
    let canvases: Vec<(&str, &Canvas)> =
        titled.iter().map(|(title, canvas)| (title.as_str(), *canvas)).collect();
    render_svg_stack(&canvases, &totals, theme(picture.theme))
}
