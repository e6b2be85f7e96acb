//! Layouts in words: what was moved, and where everything lies.
//!
//! Must not know where layouts are kept.

use comfy_graph::clean::{LayoutChanges, PlaceKind, PlaceName, PlaceTitles, PlacedItem};
use unicode_width::UnicodeWidthStr;

use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;

/// What a person calls things: the titles that fit best first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlaceLabels<'a>(pub(crate) &'a [PlaceTitles]);

impl<'a> PlaceLabels<'a> {
    /// A thing, safe to show: `KSampler #3`, `group Sampling`.
    pub(crate) fn label_of(self, name: &PlaceName) -> String {
        let title = sanitize::excerpt(&self.title(name), TITLE_COLUMNS);
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
    fn node_type(self, name: &'a PlaceName) -> &'a str {
        let known = self.0.iter().find_map(|titles| titles.subgraph_name(&name.class));
        known.unwrap_or(&name.class)
    }

    fn title(self, name: &PlaceName) -> String {
        let known = self.0.iter().find_map(|titles| titles.place_title(name));
        known.unwrap_or(&name.class).to_owned()
    }

    fn subgraph(self, name: &PlaceName) -> Option<String> {
        if name.scope.is_empty() {
            return None;
        }
        let known = self.0.iter().find_map(|titles| titles.subgraph_name(&name.scope));
        Some(sanitize::excerpt(known.unwrap_or("a subgraph"), TITLE_COLUMNS))
    }
}

/// The columns that a title may take.
const TITLE_COLUMNS: usize = 40;

/// What was moved, in one line: `moved KSampler #3, 2 more and group Sampling`.
pub(crate) fn describe_moves(moves: &LayoutChanges, names: PlaceLabels<'_>) -> String {
    let mut parts = Vec::new();
    for (verb, list) in [
        ("moved", &moves.moved),
        ("placed", &moves.placed),
        ("resized", &moves.resized),
        ("folded or pinned", &moves.restyled),
    ] {
        if !list.is_empty() {
            parts.push(format!("{verb} {}", list_places(list, names)));
        }
    }
    match (parts.is_empty(), moves.arranged.len()) {
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

fn list_places(list: &[PlaceName], names: PlaceLabels<'_>) -> String {
    let of = |kind: PlaceKind| -> Vec<&PlaceName> {
        list.iter().filter(|name| name.kind == kind).collect()
    };
    let mut parts = Vec::new();
    for (kind, one_more, more) in [
        (PlaceKind::Node, "more", "more"),
        (PlaceKind::Group, "more group", "more groups"),
        (PlaceKind::Reroute, "more reroute", "more reroutes"),
        (PlaceKind::Boundary, "more end", "more ends"),
    ] {
        match of(kind).as_slice() {
            [] => {}
            [one] => parts.push(names.label_of(one)),
            [one, rest @ ..] => {
                let rest = counted(rest.len(), one_more, more);
                parts.push(format!("{}, {rest}", names.label_of(one)));
            }
        }
    }
    parts.join(" and ")
}

/// Since when a thing lies where it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastMove {
    /// When it was moved.
    pub(crate) when: String,
    /// By whom.
    pub(crate) by: String,
}

pub(crate) fn places_table<'a>(
    places: &'a [PlacedItem],
    names: PlaceLabels<'a>,
    since: &dyn Fn(&PlacedItem) -> LastMove,
) -> String {
    let head = ["what", "type", "x", "y", "w", "h", "moved", "by"].map(str::to_owned);
    let row = |place: &'a PlacedItem| {
        let name = &place.name;
        let class = match name.kind {
            PlaceKind::Node => sanitize::excerpt(names.node_type(name), TITLE_COLUMNS),
            PlaceKind::Group => "group".to_owned(),
            PlaceKind::Reroute => "reroute".to_owned(),
            PlaceKind::Boundary => "subgraph".to_owned(),
        };
        let pair = |pair: Option<(f64, f64)>| match pair {
            Some((a, b)) => [format_pixels(a), format_pixels(b)],
            None => ["-".to_owned(), "-".to_owned()],
        };
        let ([x, y], [w, h]) = (pair(place.position), pair(place.extent));
        let LastMove { when, by } = since(place);
        let by = sanitize::excerpt(&by, TITLE_COLUMNS);
        [names.label_of(name), class, x, y, w, h, when, by]
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
fn format_pixels(pixels: f64) -> String {
    let text = format!("{:.1}", pixels);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
