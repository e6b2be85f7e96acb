//! The colours of ComfyUI's canvas in its dark and its light palette, and those of changes.
//!
//! Must not know shapes.

use comfy_graph::graph::{Node, NodeMode};
use comfy_graph::json::Value;

use crate::drawing::{ChangeMark, Color, Dash, Paint, Stroke};

pub(crate) const CANVAS: Paint = Paint::new(0x181818, 0xd9d9d9);
pub(crate) const NODE_TITLE: Paint = Paint::new(0x333333, 0xf7f7f7);
pub(crate) const NODE_BODY: Paint = Paint::new(0x353535, 0xf5f5f5);
pub(crate) const NODE_EDGE: Paint = Paint::new(0x4e4e4e, 0xa8a8a8);
pub(crate) const TITLE_TEXT: Paint = Paint::new(0xdddddd, 0x222222);
pub(crate) const SLOT_TEXT: Paint = Paint::new(0xb4b4b4, 0x4a4a4a);
pub(crate) const WIDGET_BODY: Paint = Paint::new(0x222222, 0xdedede);
pub(crate) const WIDGET_EDGE: Paint = Paint::new(0x666666, 0x999999);
pub(crate) const WIDGET_NAME: Paint = Paint::new(0xa9a9a9, 0x505050);
pub(crate) const WIDGET_VALUE: Paint = Paint::new(0xe2e2e2, 0x1c1c1c);
pub(crate) const MUTED_TEXT: Paint = Paint::new(0x9a9a9a, 0x5e5e5e);
pub(crate) const NOTE_LINK: Paint = Paint::new(0x9ecbff, 0x0b5cad);
pub(crate) const BADGE_TEXT: Paint = Paint::new(0x111111, 0xffffff);
const BYPASS: u32 = 0xff00ff;
/// Where neither the link nor its ends say what it carries.
const UNKNOWN_TYPE: Paint = Paint::new(0x9a9a9a, 0x6b6b6b);

/// Types with a colour of their own: type, dark, light.
const TYPE_COLORS: [(&str, u32, u32); 22] = [
    ("AUDIO", 0x8fbf9f, 0x3f7d55),
    ("CLIP", 0xffd500, 0xb07c00),
    ("CLIP_VISION", 0xa8dadc, 0x37787c),
    ("CLIP_VISION_OUTPUT", 0xad7452, 0x8d6e63),
    ("CONDITIONING", 0xffa931, 0xc05f00),
    ("CONTROL_NET", 0x6ee7b7, 0x2e8b57),
    ("FLOAT", 0x7fd18b, 0x2f7d3b),
    ("GUIDER", 0x66ffff, 0x0f8a8a),
    ("IMAGE", 0x64b5f6, 0x1e6fb8),
    ("INT", 0x29b6a8, 0x10736a),
    ("LATENT", 0xff9cf9, 0xab47bc),
    ("MASK", 0x81c784, 0x3e8e41),
    ("MODEL", 0xb39ddb, 0x7e57c2),
    ("NOISE", 0xb0b0b0, 0x616161),
    ("SAMPLER", 0xecb4b4, 0xa94a4a),
    ("SIGMAS", 0xcdffcd, 0x4c8a4c),
    ("STRING", 0x77a7ff, 0x2f5fc4),
    ("STYLE_MODEL", 0xc2ffae, 0x5c8a1e),
    ("TAESD", 0xdcc274, 0x8a6d1a),
    ("UPSCALE_MODEL", 0xd9a6ff, 0x8035b8),
    ("VAE", 0xff6e6e, 0xd0402b),
    ("VIDEO", 0x4dd0e1, 0x0c7c8c),
];

/// The colour of what a slot or link carries.
pub(crate) fn type_color(kind: &str) -> Paint {
    match TYPE_COLORS.binary_search_by(|(name, ..)| (*name).cmp(kind)) {
        Ok(at) => Paint::new(TYPE_COLORS[at].1, TYPE_COLORS[at].2),
        Err(_) => UNKNOWN_TYPE,
    }
}

/// Title bar and body of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NodeColors {
    pub(crate) title: Paint,
    pub(crate) body: Paint,
    /// How much of its texts and slots is seen.
    pub(crate) ink: u8,
}

/// A node's own colours, shaded as ComfyUI shades muted and bypassed nodes.
pub(crate) fn node_colors(node: &Node) -> NodeColors {
    let own = |key: &str| node.raw().get(key).and_then(Value::as_str).and_then(parse_color);
    let title = own("color").map_or(NODE_TITLE, custom_paint);
    let body = own("bgcolor").map_or(NODE_BODY, custom_paint);
    match node.mode() {
        NodeMode::Bypass => {
            let shaded = |paint: Paint| Paint {
                dark: mix(mix(paint.dark, CANVAS.dark, 0.6), Color::new(BYPASS), 0.26),
                light: mix(mix(paint.light, CANVAS.light, 0.3), Color::new(BYPASS), 0.22),
            };
            NodeColors { title: shaded(title), body: shaded(body), ink: 225 }
        }
        NodeMode::Mute => {
            let faded = |paint: Paint| Paint {
                dark: mix(paint.dark, CANVAS.dark, 0.65),
                light: mix(paint.light, CANVAS.light, 0.65),
            };
            NodeColors { title: faded(title), body: faded(body), ink: 175 }
        }
        _ => NodeColors { title, body, ink: 255 },
    }
}

/// A group's colour.
pub(crate) fn group_color(color: Option<&str>) -> Paint {
    let rgb = color.and_then(parse_color).unwrap_or(0x3f789e);
    Paint::new(rgb, rgb)
}

/// A colour that a person chose on dark: on light it is brightened, as ComfyUI does.
pub(crate) fn custom_paint(rgb: u32) -> Paint {
    let dark = Color::new(rgb);
    Paint { dark, light: mix(dark, Color::new(0xffffff), 0.62) }
}

/// Dark letters on bright grounds and bright ones on dark.
pub(crate) fn readable_on(ground: Paint) -> Paint {
    let pick =
        |ground: Color| Color::new(if luminance(ground.rgb) > 0.32 { 0x161616 } else { 0xe8e8e8 });
    Paint { dark: pick(ground.dark), light: pick(ground.light) }
}

fn luminance(rgb: u32) -> f64 {
    let channel = |shift: u32| {
        let value = f64::from((rgb >> shift) & 0xff) / 255.0;
        if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
}

fn mix(from: Color, to: Color, share: f64) -> Color {
    let channel = |shift: u32| {
        let (a, b) = (f64::from((from.rgb >> shift) & 0xff), f64::from((to.rgb >> shift) & 0xff));
        ((a + (b - a) * share).round() as u32) << shift
    };
    Color::new(channel(16) | channel(8) | channel(0))
}

/// `#rgb` and `#rrggbb`; anything else is a stranger's and no colour.
fn parse_color(text: &str) -> Option<u32> {
    let hex = text.trim().strip_prefix('#')?;
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(hex.get(..6).unwrap_or(hex), 16).ok()?;
    match hex.len() {
        3 => {
            let double = |digit: u32| (digit << 4) | digit;
            let digit = |shift: u32| double((value >> shift) & 0xf);
            Some((digit(8) << 16) | (digit(4) << 8) | digit(0))
        }
        6 | 8 => Some(value),
        _ => None,
    }
}

/// The colour of a change.
pub(crate) fn mark_color(mark: ChangeMark) -> Paint {
    match mark {
        ChangeMark::Added => Paint::new(0x3fb950, 0x1a7f37),
        ChangeMark::Removed => Paint::new(0xff6b62, 0xc21e1e),
        ChangeMark::Changed => Paint::new(0xe3b341, 0x8a5a00),
        ChangeMark::Rewired => Paint::new(0x58b5ff, 0x0b62c4),
        ChangeMark::Moved => Paint::new(0xb8a1ff, 0x6b3fc0),
    }
}

/// The line around what changed: each kind has its own.
pub(crate) fn mark_stroke(mark: ChangeMark) -> Stroke {
    let (width, dash) = match mark {
        ChangeMark::Added => (4.0, Dash::Solid),
        ChangeMark::Removed => (4.0, Dash::Dashed),
        ChangeMark::Changed => (3.0, Dash::Solid),
        ChangeMark::Rewired => (3.0, Dash::DashDot),
        ChangeMark::Moved => (3.0, Dash::Dotted),
    };
    Stroke { paint: mark_color(mark), width, dash }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_nothing_else() {
        assert_eq!(parse_color("#3f789e"), Some(0x3f789e));
        assert_eq!(parse_color("#432"), Some(0x443322));
        assert_eq!(parse_color("#3f789eff"), Some(0x3f789e));
        for text in ["red", "#12", "url(x)", "#é12", "#12345g", "", "#+12345"] {
            assert_eq!(parse_color(text), None, "{text}");
        }
    }

    #[test]
    fn types_are_in_order() {
        assert!(TYPE_COLORS.is_sorted_by_key(|(name, ..)| *name));
    }
}
