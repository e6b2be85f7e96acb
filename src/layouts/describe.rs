//! Layouts in words: what was moved, and where everything lies.
//!
//! Must not know where layouts are kept.

use comfy_graph::canon::{Moves, Place, PlaceKind, PlaceName, PlaceTitles};
use unicode_width::UnicodeWidthStr;

use crate::platform::text::sanitize;

/// What a person calls things: the titles that fit best first.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a>(pub &'a [PlaceTitles]);

impl<'a> Names<'a> {
    /// A thing, safe to show: `KSampler #3`, `group Sampling`.
    pub fn of(self, name: &PlaceName) -> String {
        let title = sanitize::excerpt(&self.title(name), TITLE);
        let number = match name.id.as_str() {
            "" => String::new(),
            id => format!(" #{}", sanitize::line(id)),
        };
        let told = match name.kind {
            PlaceKind::Node if title.is_empty() => format!("node{number}"),
            PlaceKind::Node => format!("{title}{number}"),
            PlaceKind::Group if title.is_empty() => format!("group{number}"),
            PlaceKind::Group => format!("group {title}"),
            PlaceKind::Reroute => format!("reroute{number}"),
            PlaceKind::Boundary if name.is_entrance() => "the inputs".to_owned(),
            PlaceKind::Boundary => "the outputs".to_owned(),
        };
        match self.subgraph(name) {
            Some(subgraph) if name.kind == PlaceKind::Boundary => format!("{told} of {subgraph}"),
            Some(subgraph) => format!("{told} in {subgraph}"),
            None => told,
        }
    }

    /// The type of a node; of an instance of a subgraph, the name of that.
    fn class(self, name: &'a PlaceName) -> &'a str {
        let known = self.0.iter().find_map(|titles| titles.of_subgraph(&name.class));
        known.unwrap_or(&name.class)
    }

    fn title(self, name: &PlaceName) -> String {
        let known = self.0.iter().find_map(|titles| titles.of_place(name));
        known.unwrap_or(&name.class).to_owned()
    }

    fn subgraph(self, name: &PlaceName) -> Option<String> {
        if name.scope.is_empty() {
            return None;
        }
        let known = self.0.iter().find_map(|titles| titles.of_subgraph(&name.scope));
        Some(sanitize::excerpt(known.unwrap_or("a subgraph"), TITLE))
    }
}

/// The columns that a title may take.
const TITLE: usize = 40;

/// What was moved, in one line: `moved KSampler #3, 2 more and group Sampling`.
pub fn told(moves: &Moves, names: Names<'_>) -> String {
    let mut parts = Vec::new();
    for (verb, list) in [
        ("moved", &moves.moved),
        ("placed", &moves.placed),
        ("resized", &moves.resized),
        ("folded or pinned", &moves.restyled),
    ] {
        if !list.is_empty() {
            parts.push(format!("{verb} {}", all_of(list, names)));
        }
    }
    match (parts.is_empty(), moves.arranged) {
        (_, 0) => {}
        (true, _) => parts.push("arranged".to_owned()),
        (false, count) => parts.push(format!("{count} arranged")),
    }
    match parts.as_slice() {
        [] if moves.has_other_view => "view only".to_owned(),
        [] => "nothing moved".to_owned(),
        parts => parts.join("; "),
    }
}

fn all_of(list: &[PlaceName], names: Names<'_>) -> String {
    let of = |kind: PlaceKind| -> Vec<&PlaceName> {
        list.iter().filter(|name| name.kind == kind).collect()
    };
    let mut parts = Vec::new();
    for (kind, word) in [
        (PlaceKind::Node, "more"),
        (PlaceKind::Group, "more groups"),
        (PlaceKind::Reroute, "more reroutes"),
        (PlaceKind::Boundary, "more ends"),
    ] {
        match of(kind).as_slice() {
            [] => {}
            [one] => parts.push(names.of(one)),
            [one, rest @ ..] => {
                let word = if rest.len() == 1 { word.trim_end_matches('s') } else { word };
                parts.push(format!("{}, {} {word}", names.of(one), rest.len()));
            }
        }
    }
    parts.join(" and ")
}

/// Since when a thing lies where it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// When it was moved.
    pub when: String,
    /// By whom.
    pub by: String,
}

/// All places as a table.
pub fn table<'a>(places: &'a [Place], names: Names<'a>, since: &dyn Fn(&Place) -> Since) -> String {
    let head = ["what", "type", "x", "y", "w", "h", "moved", "by"].map(str::to_owned);
    let row = |place: &'a Place| {
        let name = &place.name;
        let class = match name.kind {
            PlaceKind::Node => sanitize::excerpt(names.class(name), TITLE),
            PlaceKind::Group => "group".to_owned(),
            PlaceKind::Reroute => "reroute".to_owned(),
            PlaceKind::Boundary => "subgraph".to_owned(),
        };
        let pair = |pair: Option<(f64, f64)>| match pair {
            Some((a, b)) => [number(a), number(b)],
            None => ["-".to_owned(), "-".to_owned()],
        };
        let ([x, y], [w, h]) = (pair(place.at), pair(place.extent));
        let Since { when, by } = since(place);
        let by = sanitize::excerpt(&by, TITLE);
        [names.of(name), class, x, y, w, h, when, by]
    };
    let rows: Vec<[String; 8]> = std::iter::once(head).chain(places.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: [usize; 8] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let space = " ".repeat(widths[column].saturating_sub(cell.width()));
            let is_number = (2..6).contains(&column);
            line += &if is_number { format!("{space}{cell}") } else { format!("{cell}{space}") };
            line += "  ";
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A number of pixels without the noise of scaling.
fn number(pixels: f64) -> String {
    let text = format!("{:.1}", pixels);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
