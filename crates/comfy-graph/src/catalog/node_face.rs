//! What a node shows on the canvas: its title, rows of sockets, widgets; and how much room
//! they take at least. Mirrors LiteGraph and ComfyUI's widgets, as measured on the real
//! frontends 1.49.6 and 1.58.1.
//!
//! Must not know where a node stands, nor how it is painted.

use std::borrow::Cow;

use compact_str::CompactString;

use super::expected_widgets::widget_role;
use super::{Catalog, InputSpec, UploadKind};
use crate::graph::{
    Node, NodeId, Slot, SubgraphDefinition, Widget, WidgetNaming, WidgetRole, Workflow,
};
use crate::json::Value;

/// Height of a title bar, which lies above a node's `pos`.
pub const TITLE_HEIGHT: f64 = 30.0;
/// Height of a row of sockets.
pub const SLOT_HEIGHT: f64 = 20.0;
/// Room between widgets, which is counted to the upper one.
pub const WIDGET_GAP: f64 = 4.0;
/// Room for a picture under the widgets: ComfyUI makes it once there is a picture.
const PICTURE_HEIGHT: f64 = 220.0;

/// How deep instances within instances are followed for the value of a promoted widget.
const MAX_INSTANCE_DEPTH: usize = 8;

/// What a node shows.
#[derive(Debug, Clone)]
pub struct NodeFace<'w> {
    /// What stands in its title bar.
    pub title: &'w str,
    /// Rows of sockets that are no widget's.
    pub rows: usize,
    /// Its widgets from top to bottom.
    pub widgets: Vec<FaceWidget<'w>>,
    /// Whether a picture is shown below them.
    pub shows_picture: bool,
    class: &'w str,
    /// Names of sockets, side by side: the wider of the rows.
    sockets_width: f64,
}

/// A widget as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceWidget<'w> {
    /// Its name.
    pub name: CompactString,
    /// What it holds.
    pub value: Cow<'w, Value>,
    /// What it is for.
    pub role: WidgetRole,
    /// What it looks like.
    pub form: WidgetForm,
}

/// What a widget looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WidgetForm {
    /// A line with name and value.
    Line,
    /// A box for several lines of text.
    TextBox,
    /// The text of a note, which fills it.
    Note,
    /// A box for what a run says.
    RunText,
    /// A player of sounds.
    Player,
    /// A view of a 3D model, a painting, a curve.
    View,
}

impl WidgetForm {
    /// The least height, the room below it included.
    pub fn least_height(self) -> f64 {
        match self {
            WidgetForm::Line => 24.0,
            WidgetForm::TextBox | WidgetForm::Player => 54.0,
            WidgetForm::Note => 78.0,
            WidgetForm::RunText => 64.0,
            WidgetForm::View => 54.0,
        }
    }

    /// Whether it takes what room there is.
    pub fn grows(self) -> bool {
        matches!(
            self,
            WidgetForm::TextBox | WidgetForm::Note | WidgetForm::RunText | WidgetForm::View
        )
    }
}

impl<'w> NodeFace<'w> {
    /// Reads what a node shows.
    pub fn read(workflow: &'w Workflow, node: &'w Node, catalog: &'w Catalog) -> NodeFace<'w> {
        let sockets = node.inputs().filter(|input| input.widget().is_none());
        let outputs = node.outputs();
        let names = |slots: Vec<Slot<'_>>| slots.iter().map(|slot| socket_chars(*slot)).max();
        let widest = names(sockets.clone().collect()).unwrap_or(0)
            + names(outputs.clone().collect()).unwrap_or(0);
        NodeFace {
            title: node_title(workflow, node, catalog),
            rows: sockets.count().max(outputs.count()).max(declared_outputs(node, catalog)),
            widgets: shown_widgets(workflow, node, catalog, 0),
            shows_picture: shows_picture(node, catalog),
            class: node.class(),
            sockets_width: widest as f64 * 7.0 + 50.0,
        }
    }

    /// Where the first widget begins, below the title bar.
    pub fn widgets_top(&self) -> f64 {
        match self.rows {
            0 => 2.0,
            rows => SLOT_HEIGHT * rows as f64 + 6.0,
        }
    }

    /// The least height below the title bar, without a picture: less ComfyUI grows on opening.
    pub fn least_height(&self) -> f64 {
        if self.widgets.is_empty() {
            return SLOT_HEIGHT * self.rows as f64 + 6.0;
        }
        let widgets: f64 = self.widgets.iter().map(|widget| widget.form.least_height()).sum();
        self.widgets_top() + widgets + 8.0
    }

    /// Width and height of a node whose size nobody chose, with room for its texts and for the
    /// picture that a run will show.
    pub fn preferred_size(&self) -> (f64, f64) {
        match self.class {
            "Note" | "MarkdownNote" => return note_size(self.widgets.first()),
            "Reroute" => return (80.0, 30.0),
            _ => {}
        }
        let has_box = self.widgets.iter().any(|widget| widget.form.grows());
        let title = 60.0 + 8.0 * self.title.chars().take(40).count() as f64;
        let least_width = match (has_box, self.widgets.is_empty()) {
            (true, _) => 400.0,
            (false, false) => 270.0,
            (false, true) => 180.0,
        };
        let texts: f64 = self.widgets.iter().map(FaceWidget::preferred_growth).sum();
        let picture = if self.shows_picture { PICTURE_HEIGHT } else { 0.0 };
        let width = title.max(self.sockets_width.min(500.0)).max(least_width);
        let width = if self.shows_picture { width.max(300.0) } else { width };
        (width, self.least_height() + texts + picture)
    }
}

impl FaceWidget<'_> {
    /// How much higher than the least its box should be, for what it holds.
    fn preferred_growth(&self) -> f64 {
        match (self.form, self.value.as_str()) {
            (WidgetForm::TextBox, Some(text)) => {
                (text_lines(text, 60) as f64 * 15.0 - 40.0).clamp(40.0, 240.0)
            }
            (WidgetForm::TextBox, None) => 40.0,
            (WidgetForm::View, _) => 346.0,
            _ => 0.0,
        }
    }
}

/// A note large enough for most of its text.
fn note_size(text: Option<&FaceWidget<'_>>) -> (f64, f64) {
    let text = text.and_then(|widget| widget.value.as_str()).unwrap_or_default();
    let width = if text.chars().nth(400).is_some() { 420.0 } else { 300.0 };
    let lines = text_lines(text, if width > 400.0 { 62 } else { 42 }) as f64;
    (width, (lines * 18.0 + 30.0).clamp(88.0, 600.0))
}

/// About how many lines a text fills, up to a hundred.
fn text_lines(text: &str, columns: usize) -> usize {
    let lines = text.lines().take(100).map(|line| line.chars().take(6000).count() / columns + 1);
    lines.sum::<usize>().min(100)
}

fn socket_chars(slot: Slot<'_>) -> usize {
    slot.display_name().chars().take(60).count()
}

/// The frontend adds outputs that a class got since the file was written.
fn declared_outputs(node: &Node, catalog: &Catalog) -> usize {
    catalog.class(node.class()).map_or(0, |class| class.outputs.len())
}

/// The title in the file, else the name of the subgraph, else what the class is called.
pub fn node_title<'w>(workflow: &'w Workflow, node: &'w Node, catalog: &'w Catalog) -> &'w str {
    let shown = workflow.display_name(node);
    let is_class = shown == node.class() && node.title().is_none();
    match catalog.class_title(node.class()) {
        Some(title) if is_class && !title.is_empty() => title,
        _ => shown,
    }
}

/// Node classes that show a picture, by what their names contain.
const PICTURE_CLASSES: [&str; 5] =
    ["LoadImage", "LoadVideo", "PreviewImage", "SaveImage", "SaveVideo"];

fn shows_picture(node: &Node, catalog: &Catalog) -> bool {
    let is_filled = |key: &str| {
        node.property(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    let proxies = node.property("proxyWidgets").and_then(Value::as_array).unwrap_or_default();
    let shows_inner = proxies.iter().any(|proxy| {
        proxy.get_index(1).and_then(Value::as_str).is_some_and(|name| name.starts_with("$$"))
    });
    let class = node.class();
    let uploads = catalog.class(class).is_some_and(|class| {
        class
            .inputs
            .iter()
            .any(|input| matches!(input.upload, Some(UploadKind::Image | UploadKind::Video)))
    });
    is_filled("previewExposures")
        || shows_inner
        || uploads
        || PICTURE_CLASSES.iter().any(|name| class.contains(name))
}

fn shown_widgets<'w>(
    workflow: &'w Workflow,
    node: &'w Node,
    catalog: &'w Catalog,
    depth: usize,
) -> Vec<FaceWidget<'w>> {
    if depth > MAX_INSTANCE_DEPTH {
        return Vec::new();
    }
    if let Some(definition) = workflow.definition_of(node)
        && node.widget_values().is_empty()
    {
        let inside = InnerWidgets { workflow, definition, catalog, depth };
        let proxies = node.property("proxyWidgets").and_then(Value::as_array).unwrap_or_default();
        return match proxies {
            [] => inside.promoted(),
            proxies => proxies.iter().filter_map(|proxy| inside.proxied(proxy)).collect(),
        };
    }
    let class = catalog.class(node.class());
    let mut shown: Vec<FaceWidget<'w>> = Vec::new();
    for widget in catalog.widgets(workflow, node) {
        let name = CompactString::from(widget.name.to_string());
        let spec = class.and_then(|class| class.input(&name));
        if is_shown(&widget) {
            let form = match &*name {
                "audioUI" => WidgetForm::Player,
                _ => widget_form(node, widget.role, spec, widget.value),
            };
            let value = Cow::Borrowed(widget.value);
            shown.push(FaceWidget { name, value, role: widget.role, form });
        }
    }
    for (name, value) in catalog.unset_widgets(node) {
        let Some(spec) = class.and_then(|class| class.input(&name)) else { continue };
        let is_residue = widget_role(spec, &name) == WidgetRole::Residue;
        if is_residue || shown.iter().any(|widget| widget.name == name) {
            continue;
        }
        let form = if spec.multiline { WidgetForm::TextBox } else { WidgetForm::Line };
        let value = Cow::Owned(value);
        shown.push(FaceWidget { name, value, role: WidgetRole::Plain, form });
    }
    push_frontend_widgets(node.class(), &mut shown);
    shown
}

/// What the frontend adds to some classes, whatever the file says.
fn push_frontend_widgets(class: &str, shown: &mut Vec<FaceWidget<'_>>) {
    let added = |name: &'static str, form| FaceWidget {
        name: CompactString::const_new(name),
        value: Cow::Owned(Value::from("")),
        role: WidgetRole::Residue,
        form,
    };
    match class {
        "PreviewAny" | "SaveText" => {
            shown.retain(|widget| !widget.name.starts_with("preview"));
            shown.push(added("preview_text", WidgetForm::RunText));
            shown.push(added("preview_mode", WidgetForm::Line));
        }
        "Load3D" | "Preview3D" | "Preview3DAdvanced" | "Save3DAdvanced" | "SaveGLB" => {
            shown.push(added("image", WidgetForm::View));
        }
        "ImageCropV2" => {
            shown.extend(["x", "y", "width", "height"].map(|name| added(name, WidgetForm::Line)));
        }
        "LoadAudio" => {
            shown.retain(|widget| !matches!(&*widget.name, "audioUI" | "upload"));
            shown.push(added("audioUI", WidgetForm::Player));
            shown.push(added("upload", WidgetForm::Line));
        }
        "ImageCompare" => shown.push(added("compare_view", WidgetForm::View)),
        class if class.starts_with("SaveAudio") || class == "PreviewAudio" => {
            shown.push(added("audioUI", WidgetForm::Player));
        }
        _ => {}
    }
}

/// The inside of an instance that holds no values of its own.
struct InnerWidgets<'w> {
    workflow: &'w Workflow,
    definition: &'w SubgraphDefinition,
    catalog: &'w Catalog,
    depth: usize,
}

impl<'w> InnerWidgets<'w> {
    fn promoted(&self) -> Vec<FaceWidget<'w>> {
        let promoted = self.definition.promoted_widgets();
        let shown = promoted.into_iter().filter_map(|promoted| {
            let inner = self.widget_of(promoted.node, promoted.widget)?;
            Some(FaceWidget { name: CompactString::new(promoted.input.name()), ..inner })
        });
        shown.collect()
    }

    /// An entry of `proxyWidgets`: the id of a node inside and the name of its widget; the id
    /// -1 stands for an input on the boundary.
    fn proxied(&self, proxy: &Value) -> Option<FaceWidget<'w>> {
        let name = proxy.get_index(1)?.as_str()?;
        let inner = NodeId::from_value(proxy.get_index(0)?)?;
        if inner == NodeId::NOWHERE {
            let promoted = self.definition.promoted_widgets();
            let promoted = promoted.into_iter().find(|p| p.input.name() == name)?;
            let inner = self.widget_of(promoted.node, promoted.widget)?;
            return Some(FaceWidget { name: CompactString::new(name), ..inner });
        }
        self.widget_of(self.definition.graph.nodes.get(&inner)?, name)
    }

    fn widget_of(&self, inner: &'w Node, name: &str) -> Option<FaceWidget<'w>> {
        let all = shown_widgets(self.workflow, inner, self.catalog, self.depth + 1);
        all.into_iter().find(|widget| widget.name == name)
    }
}

/// Pictures and views that a run left behind leave no trace, nor do holes.
fn is_shown(widget: &Widget<'_>) -> bool {
    match widget.role {
        WidgetRole::Residue => false,
        WidgetRole::Button => true,
        _ => !widget.value.is_null(),
    }
}

fn widget_form(
    node: &Node,
    role: WidgetRole,
    spec: Option<&InputSpec>,
    value: &Value,
) -> WidgetForm {
    let looks_long = || value.as_str().is_some_and(|text| text.len() > 60 || text.contains('\n'));
    if matches!(node.class(), "Note" | "MarkdownNote") {
        return WidgetForm::Note;
    }
    let is_text = role == WidgetRole::Text || spec.map_or_else(looks_long, |spec| spec.multiline);
    match (is_text, role) {
        (true, role) if role != WidgetRole::Button => WidgetForm::TextBox,
        _ => WidgetForm::Line,
    }
}
