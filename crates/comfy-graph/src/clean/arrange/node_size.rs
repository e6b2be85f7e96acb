//! How large ComfyUI will draw a node whose size nobody knows. ComfyUI grows what is too
//! small on load, so a guess should err on the large side: what is drawn larger than
//! planned would cover its neighbour.
//!
//! Must not know positions.

use crate::json::Value;

/// Height of a row of sockets, and of a widget with its gap (LiteGraph's constants).
const SLOT_HEIGHT: f64 = 20.0;
const WIDGET_HEIGHT: f64 = 26.0;
/// A text box as ComfyUI first draws it.
const TEXT_BOX_HEIGHT: f64 = 110.0;
/// Room for a picture under the widgets.
const PICTURE_HEIGHT: f64 = 240.0;

/// Node types that show a picture, by what their names contain.
const PICTURE_CLASSES: &[&str] = &["LoadImage", "SaveImage", "PreviewImage", "Load3D", "Preview3D"];

/// Width and height without the title bar.
pub(super) fn estimate_node_size(node: &Value) -> (f64, f64) {
    let kind = node.get("type").and_then(Value::as_str).unwrap_or_default();
    if matches!(kind, "Note" | "MarkdownNote") {
        return (300.0, 200.0);
    }
    if kind == "Reroute" {
        return (80.0, 30.0);
    }
    let list = |key| node.get(key).and_then(Value::as_array).unwrap_or_default();
    let sockets = list("inputs").iter().filter(|input| input.get("widget").is_none()).count();
    let rows = sockets.max(list("outputs").len());
    let is_text = |value: &Value| value.as_str().is_some_and(|t| t.len() > 60 || t.contains('\n'));
    let widgets = list("widgets_values");
    let text_boxes = widgets.iter().filter(|value| is_text(value)).count();
    let height = SLOT_HEIGHT * rows as f64
        + WIDGET_HEIGHT * (widgets.len() - text_boxes) as f64
        + TEXT_BOX_HEIGHT * text_boxes as f64
        + if PICTURE_CLASSES.iter().any(|name| kind.contains(name)) { PICTURE_HEIGHT } else { 0.0 }
        + 20.0;
    let title = node.get("title").and_then(Value::as_str).unwrap_or(kind);
    let width = 60.0 + 8.5 * title.chars().take(50).count() as f64;
    let least = if text_boxes > 0 { 400.0 } else { 280.0 };
    (width.max(least), height)
}
