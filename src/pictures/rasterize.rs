//! SVG to PNG, for where neither a page nor SVG can be shown.

use crate::error::{CommandError, Result};

#[cfg(not(feature = "png-pictures"))]
pub(super) fn rasterize(_: &str) -> Result<Vec<u8>> {
    Err(CommandError::user("this git-comfy was built without PNG pictures")
        .with_hint("--svg draws the same; a browser or rsvg-convert makes a PNG of it"))
}

#[cfg(feature = "png-pictures")]
pub(super) use with_resvg::rasterize;

#[cfg(feature = "png-pictures")]
mod with_resvg {
    use std::sync::Arc;

    use resvg::tiny_skia::{Pixmap, Transform};
    use resvg::usvg::{Options, Tree, fontdb};

    use super::{CommandError, Result};

    /// No picture is wider or higher, in pixels: larger ones are drawn smaller.
    const MAX_SIDE: f32 = 8192.0;
    /// Fonts that read well small, the best first.
    const GOOD_FAMILIES: [&str; 7] =
        ["Inter", "Arial", "Helvetica", "Liberation Sans", "DejaVu Sans", "Noto Sans", "Segoe UI"];

    /// Draws an SVG of our own as PNG.
    ///
    /// # Errors
    /// There is no font on this machine, or the picture is out of bounds.
    pub(in crate::pictures) fn rasterize(svg: &str) -> Result<Vec<u8>> {
        let options = Options { fontdb: Arc::new(system_fonts()?), ..Options::default() };
        let tree = Tree::from_str(svg, &options).map_err(CommandError::internal)?;
        let size = tree.size();
        let scale = (MAX_SIDE / size.width().max(size.height())).min(2.0);
        let [width, height] =
            [size.width(), size.height()].map(|side| (side * scale).ceil() as u32);
        let mut pixels = Pixmap::new(width.max(1), height.max(1))
            .ok_or_else(|| CommandError::user("the picture is too large to be drawn as PNG"))?;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        pixels.encode_png().map_err(CommandError::internal)
    }

    /// The fonts of this machine, with one that stands for all that are not there.
    fn system_fonts() -> Result<fontdb::Database> {
        let mut fonts = fontdb::Database::new();
        fonts.load_system_fonts();
        let names = |face: &fontdb::FaceInfo| face.families.first().map(|(name, _)| name.clone());
        let good = GOOD_FAMILIES.iter().find(|family| {
            fonts.faces().any(|face| face.families.iter().any(|(name, _)| name == *family))
        });
        let family = match good {
            Some(family) => Some((*family).to_owned()),
            None => fonts.faces().find(|face| !face.monospaced).and_then(names),
        };
        let family = family.ok_or_else(|| {
            CommandError::system("there is no font on this machine to draw letters with")
                .with_hint("install one (Debian: apt-get install fonts-dejavu-core), or use --svg")
        })?;
        fonts.set_sans_serif_family(&family);
        fonts.set_serif_family(family);
        Ok(fonts)
    }
}
