//! What a person may say about a picture: its form, where it goes, its colours. All commands
//! that draw take the same.

use std::path::PathBuf;

/// Options of every command that draws.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct PictureArgs {
    /// Draw a page to look around in: one file, without network.
    #[arg(long, help_heading = "Pictures", conflicts_with_all = ["svg", "png"])]
    html: bool,
    /// Draw an SVG file.
    #[arg(long, help_heading = "Pictures", conflicts_with = "png")]
    svg: bool,
    /// Draw a PNG file, where neither of the others can be shown.
    #[arg(long, help_heading = "Pictures")]
    png: bool,
    /// Show the picture in the browser.
    #[arg(long, help_heading = "Pictures")]
    pub(crate) open: bool,
    /// Write the picture to this file [its ending chooses the form].
    #[arg(short, long, value_name = "FILE", help_heading = "Pictures")]
    pub(crate) output: Option<PathBuf>,
    /// Write also over a file that is there.
    #[arg(long, requires = "output", help_heading = "Pictures")]
    pub(crate) force: bool,
    /// The colours of the canvas [default: dark; a page follows the browser].
    #[arg(long, value_name = "THEME", help_heading = "Pictures")]
    pub(crate) theme: Option<ThemeChoice>,
}

/// The two sets of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ThemeChoice {
    /// As ComfyUI starts.
    Dark,
    /// ComfyUI's light palette.
    Light,
}

/// What a picture is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    Html,
    Svg,
    Png,
}

impl PictureFormat {
    /// How the names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            PictureFormat::Html => "html",
            PictureFormat::Svg => "svg",
            PictureFormat::Png => "png",
        }
    }
}

impl PictureArgs {
    /// The form that was asked for: by its option, else by the ending of the file's name.
    pub fn chosen_format(&self) -> Option<PictureFormat> {
        let by_option = [
            (self.html, PictureFormat::Html),
            (self.svg, PictureFormat::Svg),
            (self.png, PictureFormat::Png),
        ];
        let by_option = by_option.into_iter().find(|(asked, _)| *asked).map(|(_, format)| format);
        by_option.or_else(|| self.format_by_ending())
    }

    /// Whether the file that was named ends so.
    pub fn has_ending(&self, ending: &str) -> bool {
        self.ending().as_deref() == Some(ending)
    }

    fn ending(&self) -> Option<String> {
        Some(self.output.as_ref()?.extension()?.to_str()?.to_ascii_lowercase())
    }

    fn format_by_ending(&self) -> Option<PictureFormat> {
        let ending = self.ending()?;
        match ending.as_str() {
            "html" | "htm" => Some(PictureFormat::Html),
            "svg" => Some(PictureFormat::Svg),
            "png" => Some(PictureFormat::Png),
            _ => None,
        }
    }

    /// Whether a picture is wanted where a command tells in words otherwise.
    pub fn is_wanted(&self) -> bool {
        self.open || self.output.is_some() || self.chosen_format().is_some()
    }

    /// The form, a page where nothing was said.
    pub fn format(&self) -> PictureFormat {
        self.chosen_format().unwrap_or(PictureFormat::Html)
    }
}
