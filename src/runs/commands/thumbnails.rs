//! Small pictures beside runs, in terminals that show any. Shared by commands; no command
//! itself.

use std::path::PathBuf;

use comfy_media::picture::thumbnail;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::platform::machine::to_hex;
use crate::platform::text::thumbnail::Way;
use crate::runs::file::WHOLE;
use crate::runs::folders::Folders;
use crate::runs::index::Row;
use crate::runs::model::{Origin, Output};
use crate::runs::run_store::Shelf;
use crate::session::Session;

/// When to show small pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Wish {
    /// Where the terminal is known to show pictures.
    Auto,
    /// As kitty takes them.
    Kitty,
    /// As iTerm2 takes them.
    Iterm,
    /// Out of coloured letters.
    Blocks,
    /// Never.
    Never,
}

/// The option that all commands share which tell of runs.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct ThumbnailArgs {
    /// How to show the pictures of a run [default: as the terminal can, or git config
    /// comfy.thumbnails].
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true,
          default_missing_value = "blocks")]
    thumbnails: Option<Wish>,
}

/// Small pictures, where they are shown.
pub(crate) struct Thumbnails<'s> {
    session: &'s Session,
    way: Option<Way>,
    folders: Option<Folders>,
}

impl<'s> Thumbnails<'s> {
    /// As the person wants them. To anything but a terminal none are written.
    pub(crate) fn of(
        session: &'s Session,
        shelf: &Shelf,
        args: ThumbnailArgs,
    ) -> Result<Thumbnails<'s>> {
        let seen = session.ui.is_seen();
        let way = if seen { way(session, shelf, args)? } else { None };
        let folders = way.map(|_| Folders::of(session, &shelf.repository)).transpose()?;
        Ok(Thumbnails { session, way, folders })
    }

    /// The first picture of a run that is still there as it was made.
    pub(crate) fn show(&self, shelf: &Shelf, row: &Row) -> Result<()> {
        let (Some(way), Some(folders)) = (self.way, &self.folders) else { return Ok(()) };
        for path in row.paths.iter().take(1) {
            let Some(digest) = shelf.index.digest_of(row, path)? else { continue };
            for place in places(folders, path) {
                if let Some(text) = picture(&place, &digest, way) {
                    self.session.ui.out_bytes(text.as_bytes())?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn way(session: &Session, shelf: &Shelf, args: ThumbnailArgs) -> Result<Option<Way>> {
    let told = shelf.repository.settings("comfy.thumbnails")?.pop().map(|(_, value)| value);
    let told = told.and_then(|text| <Wish as clap::ValueEnum>::from_str(&text, true).ok());
    Ok(match args.thumbnails.or(told).unwrap_or(Wish::Auto) {
        Wish::Auto => session.environment.pictures,
        Wish::Kitty => Some(Way::Kitty),
        Wish::Iterm => Some(Way::ITerm),
        Wish::Blocks => Some(Way::Blocks),
        Wish::Never => None,
    })
}

/// Where a file of that name may lie.
fn places(folders: &Folders, path: &str) -> Vec<PathBuf> {
    let at = |origin| folders.file(&Output { path: path.to_owned(), origin, ..Output::default() });
    [Origin::Output, Origin::Repository].into_iter().filter_map(at).collect()
}

/// The picture, if the file is still the one that was made.
fn picture(place: &std::path::Path, digest: &str, way: Way) -> Option<String> {
    let metadata = std::fs::metadata(place).ok().filter(std::fs::Metadata::is_file)?;
    if metadata.len() > WHOLE {
        return None;
    }
    let bytes = std::fs::read(place).ok()?;
    if to_hex(&Sha256::digest(&bytes)) != digest {
        return None;
    }
    Some(crate::platform::text::thumbnail::thumbnail(&thumbnail(&bytes, way.side()).ok()?, way))
}
