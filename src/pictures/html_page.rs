//! The page around a drawing: tool bar, canvas, lists, help. One file that loads nothing.
//! Pure.

use comfy_draw::drawing::{ChangeMark, ItemKind};
use comfy_draw::{Drawing, Item, drawing_to_json};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::scripts::{STYLE, content_policy, page_script};
use crate::picture_args::ThemeChoice;
use crate::platform::text::sanitize;

/// What a page shows.
#[derive(Debug)]
pub struct PageContent {
    /// The file or the revisions.
    pub title: String,
    pub theme: Option<ThemeChoice>,
    pub shows: PageKind,
    pub files: Vec<PageFile>,
    /// Files that differ and hold no workflow.
    pub others: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// One state.
    Workflow,
    /// Two states as one.
    Difference,
}

/// One drawing with what stands beside it.
#[derive(Debug)]
pub struct PageFile {
    pub name: String,
    pub drawing: Drawing,
    /// Its lists.
    pub beside: Markup,
    pub marks: Vec<(ChangeMark, usize)>,
    /// What is to be known of the drawing: that it is arranged, by what rule it is compared.
    pub remarks: Vec<String>,
}

/// Browsers lay out only the parts of a long list that are seen.
const NODES_IN_PART: usize = 100;

/// Lists the nodes of a drawing: what can be read without seeing it.
pub fn node_list(drawing: &Drawing) -> Markup {
    html! {
        @for canvas in &drawing.canvases {
            @let nodes = canvas.items.iter().filter(|item| {
                matches!(item.kind, ItemKind::Node | ItemKind::Note)
            });
            @if !canvas.scope.is_empty() {
                h3 {
                    button type="button" class="go" data-scope=(canvas.scope) {
                        "Subgraph " bdi { (sanitize::line(&canvas.title)) }
                    }
                }
            }
            @let nodes: Vec<&Item> = nodes.collect();
            @for part in nodes.chunks(NODES_IN_PART) {
                ol class={ "nodes" @if part.len() == NODES_IN_PART { " long" } } {
                    @for item in part {
                        li {
                            button type="button" class="go" data-scope=(canvas.scope)
                                data-node=(item.id) data-side="after" {
                                bdi { (sanitize::line(&item.name)) }
                                span class="id" { " #" (sanitize::line(&item.id)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The page as text.
pub fn render_page(content: &PageContent) -> String {
    let script = page_script();
    let policy = content_policy(Some(&script), STYLE);
    let is_diff = content.shows == PageKind::Difference;
    let theme = content.theme.map(|theme| match theme {
        ThemeChoice::Dark => "dark",
        ThemeChoice::Light => "light",
    });
    let title = sanitize::line(&content.title);
    let page = html! {
        (DOCTYPE)
        html lang="en" data-page=(if is_diff { "diff" } else { "view" }) data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) " \u{2013} git comfy" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header_markup(&title, is_diff))
                (stages_markup(is_diff))
                (aside_markup(content, is_diff))
                (help_markup(is_diff))
                @for file in &content.files {
                    // Escaped by comfy_draw for this very place.
                    script type="application/json" class="drawing" {
                        (PreEscaped(drawing_to_json(&file.drawing)))
                    }
                }
                script { (PreEscaped(&script)) }
            }
        }
    };
    page.into_string()
}

fn header_markup(title: &str, is_diff: bool) -> Markup {
    let tool = |name: &str, label: &str, key: &str| {
        html! {
            button type="button" data-do=(name) title={ (label) " (" (key) ")" } { (label) }
        }
    };
    html! {
        header {
            h1 dir="auto" title=(title) { (title) }
            nav aria-label="Where you are" { ol id="path" {} }
            @if is_diff { (view_tools()) }
            div class="tools" role="group" aria-label="Look" {
                input id="search" type="search" placeholder="Search nodes  /"
                    aria-label="Search nodes by title, id, type or value" autocomplete="off"
                    spellcheck="false";
                span id="found" role="status" {}
                (tool("fit", "Fit", "f"))
                button type="button" data-do="further" title="Further (-)"
                    aria-label="Further" { "\u{2212}" }
                button type="button" data-do="closer" title="Closer (+)" aria-label="Closer" { "+" }
                button type="button" data-do="map" title="Map (m)" aria-pressed="true" { "Map" }
                (tool("theme", "Dark/light", "t"))
                (tool("help", "Help", "?"))
            }
        }
    }
}

fn view_tools() -> Markup {
    let views = [
        ("both", "Both", "1"),
        ("before", "Before", "2"),
        ("after", "After", "3"),
        ("sides", "Side by side", "4"),
        ("stacked", "Top and bottom", "5"),
        ("swipe", "Slider", "6"),
    ];
    html! {
        div class="tools" role="group" aria-label="Views" {
            @for (name, label, key) in views {
                button type="button" data-arrangement=(name) aria-pressed="false"
                    title={ (label) " (" (key) ")" } { (label) }
            }
        }
        div class="tools" role="group" aria-label="Changes" {
            button type="button" data-do="previous" title="Previous change (p)" { "Previous" }
            button type="button" data-do="next" title="Next change (n)" { "Next" }
            button type="button" data-toggle="greyed" aria-pressed="false"
                title="Grey out what did not change (c)" { "Changed only" }
            button type="button" data-toggle="traces" aria-pressed="true"
                title="Show where moved nodes lay (v)" { "Moves" }
            button type="button" data-toggle="locked" aria-pressed="true"
                title="Both views move together (l)" { "Together" }
        }
    }
}

/// What a screen reader says of the canvas behind its name.
const STAGE_LABEL: &str =
    ". Arrow keys move, plus and minus zoom, f fits; the list beside it says the same.";

fn stages_markup(is_diff: bool) -> Markup {
    let stage = |name: &str, hidden: bool| {
        html! {
            div class="stage" tabindex="0" role="group" hidden[hidden] data-label=""
                aria-label={ (name) (STAGE_LABEL) } {
                canvas aria-hidden="true" {}
            }
        }
    };
    html! {
        main id="stages" aria-label="Canvas" {
            (stage("Canvas", false))
            @if is_diff { (stage("Canvas of the later state", true)) }
            canvas id="map" aria-hidden="true" {}
            @if is_diff {
                input id="swipe" type="range" min="0" max="100" value="50" hidden
                    aria-label="From before, on the left, to after, on the right";
            }
        }
    }
}

fn aside_markup(content: &PageContent, is_diff: bool) -> Markup {
    html! {
        aside aria-label=(if is_diff { "Changes" } else { "Nodes" }) {
            noscript {
                p {
                    "The canvas needs JavaScript, which this browser does not run here. "
                    "The list below says the same."
                }
            }
            @if content.files.len() > 1 {
                h2 { "Files" }
                ul class="files" {
                    @for (at, file) in content.files.iter().enumerate() {
                        li {
                            button type="button" data-open-file=(at) {
                                bdi { (sanitize::line(&file.name)) }
                                span class="id" { (marks_text(&file.marks)) }
                            }
                        }
                    }
                }
            }
            @for (at, file) in content.files.iter().enumerate() {
                section class="file" data-file=(at) hidden[at > 0] {
                    @if content.files.len() > 1 { h2 dir="auto" { (sanitize::line(&file.name)) } }
                    @for remark in &file.remarks { p class="aside" { (sanitize::line(remark)) } }
                    @if is_diff { (legend(&file.marks)) }
                    (file.beside)
                }
            }
            @if !content.others.is_empty() {
                h2 { "Other files" }
                ul {
                    @for name in &content.others {
                        li class="aside" { bdi { (sanitize::line(name)) } }
                    }
                }
            }
            section id="details" aria-label="Selected node" aria-live="polite" tabindex="0"
                hidden {}
        }
    }
}

fn marks_text(marks: &[(ChangeMark, usize)]) -> String {
    let parts: Vec<String> =
        marks.iter().map(|(mark, count)| format!("{}{count}", mark.sign())).collect();
    parts.join(" ")
}

/// What the marks mean: with those that occur, how often.
fn legend(marks: &[(ChangeMark, usize)]) -> Markup {
    html! {
        p class="legend" {
            @for (mark, count) in marks {
                span {
                    span class={ "sign " (mark.word()) } aria-hidden="true" { (mark.sign()) }
                    (count) " " (mark.word())
                }
            }
        }
    }
}

fn help_markup(is_diff: bool) -> Markup {
    let common = [
        ("drag, arrow keys", "move"),
        ("wheel, + −", "closer and further"),
        ("f, 0", "fit; true size"),
        ("/", "search; Enter for the next, Shift+Enter for the one before"),
        ("click", "what is known of a node"),
        ("double click, Enter", "open a subgraph"),
        ("Backspace", "back out of it"),
        ("m", "map"),
        ("t", "dark or light"),
        ("Escape", "let go of search and selection"),
    ];
    let diff = [
        ("n, p", "next and previous change"),
        ("1 … 6", "both in one, before, after, side by side, top and bottom, slider"),
        ("b", "flip between before and after"),
        ("c", "grey out what did not change"),
        ("v", "where moved nodes lay"),
        ("l", "both views move together, or each by itself"),
    ];
    html! {
        dialog id="help" aria-labelledby="help-title" {
            h2 id="help-title" { "Keys" }
            dl {
                @for (key, does) in common { dt { kbd { (key) } } dd { (does) } }
                @if is_diff { @for (key, does) in diff { dt { kbd { (key) } } dd { (does) } } }
            }
            @if is_diff {
                h2 { "Marks" }
                ul class="legend" {
                    @for mark in ChangeMark::ALL {
                        li {
                            span class={ "sign " (mark.word()) } aria-hidden="true" {
                                (mark.sign())
                            }
                            (mark.word())
                        }
                    }
                }
            }
            form method="dialog" { button { "Close" } }
        }
    }
}
