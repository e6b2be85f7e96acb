//! Small pictures beside runs, in terminals that show any. Shared by
//! the commands that tell of runs.

use std::path::PathBuf;

use comfy_media::picture::make_thumbnail;

use crate::error::Result;
use crate::platform::hex::sha256_hex;
use crate::platform::text::terminal_picture::PictureProtocol;
use crate::runs::index::RunRow;
use crate::runs::media_file::MAX_WHOLE_READ;
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_data::{OutputBase, OutputFile};
use crate::runs::run_store::RunStore;
use crate::session::Session;

/// When to show small pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ThumbnailMode {
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
    thumbnails: Option<ThumbnailMode>,
}

/// Small pictures, where they are shown.
pub(crate) struct Thumbnails<'s> {
    session: &'s Session,
    protocol: Option<PictureProtocol>,
    folders: Option<OutputFolders>,
}

impl<'s> Thumbnails<'s> {
    /// As the person wants them. To anything but a terminal none are written.
    pub(crate) fn new(
        session: &'s Session,
        run_store: &RunStore,
        args: ThumbnailArgs,
    ) -> Result<Thumbnails<'s>> {
        let seen = session.ui.is_terminal();
        let protocol = if seen { choose_protocol(session, run_store, args)? } else { None };
        let folders =
            protocol.map(|_| OutputFolders::detect(session, &run_store.repository)).transpose()?;
        Ok(Thumbnails { session, protocol, folders })
    }

    /// The first picture of a run that is still there as it was made.
    pub(crate) fn print_first(&self, run_store: &RunStore, row: &RunRow) -> Result<()> {
        let (Some(protocol), Some(folders)) = (self.protocol, &self.folders) else { return Ok(()) };
        for path in row.paths.iter().take(1) {
            let Some(digest) = run_store.index.output_digest(row, path)? else { continue };
            for place in candidate_paths(folders, path) {
                if let Some(text) = render_thumbnail(&place, &digest, protocol) {
                    self.session.ui.print_bytes(text.as_bytes())?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn choose_protocol(
    session: &Session,
    run_store: &RunStore,
    args: ThumbnailArgs,
) -> Result<Option<PictureProtocol>> {
    let configured = run_store.repository.setting("comfy.thumbnails")?;
    let configured =
        configured.and_then(|text| <ThumbnailMode as clap::ValueEnum>::from_str(&text, true).ok());
    Ok(match args.thumbnails.or(configured).unwrap_or(ThumbnailMode::Auto) {
        ThumbnailMode::Auto => session.environment.picture_protocol,
        ThumbnailMode::Kitty => Some(PictureProtocol::Kitty),
        ThumbnailMode::Iterm => Some(PictureProtocol::ITerm),
        ThumbnailMode::Blocks => Some(PictureProtocol::Blocks),
        ThumbnailMode::Never => None,
    })
}

/// Where a file of that name may lie.
fn candidate_paths(folders: &OutputFolders, path: &str) -> Vec<PathBuf> {
    let at = |origin| {
        folders.locate(&OutputFile { path: path.to_owned(), base: origin, ..OutputFile::default() })
    };
    [OutputBase::Output, OutputBase::Repository].into_iter().filter_map(at).collect()
}

/// The picture, if the file is still the one that was made.
fn render_thumbnail(
    place: &std::path::Path,
    digest: &str,
    protocol: PictureProtocol,
) -> Option<String> {
    let metadata = std::fs::metadata(place).ok().filter(std::fs::Metadata::is_file)?;
    if metadata.len() > MAX_WHOLE_READ {
        return None;
    }
    let bytes = std::fs::read(place).ok()?;
    if sha256_hex(&bytes) != digest {
        return None;
    }
    Some(crate::platform::text::terminal_picture::encode_picture(
        &make_thumbnail(&bytes, protocol.max_side()).ok()?,
        protocol,
    ))
}
