//! `git comfy catalog`: stores the node classes of a ComfyUI in this clone, so that widgets of
//! custom nodes are shown by name.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use comfy_graph::catalog::{Catalog, table_of};
use comfy_graph::json;

use crate::differences::widget_names;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git::plumbing::Git;
use crate::platform::machine::server::{Address, NamedBy, Server};
use crate::session::Session;

/// Learn the names of widgets from a ComfyUI.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Ask a running ComfyUI which node classes it has, and keep the answer in this clone.
    Update(Update),
}

#[derive(Debug, clap::Args)]
struct Update {
    /// The address of the ComfyUI.
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    server: Option<String>,
    /// A saved answer of `/object_info` instead of a server's.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Larger answers than this are refused; a ComfyUI with 3,000 classes gives 6 MB.
const MOST_BYTES: u64 = 256 << 20;
/// ComfyUI may be busy loading a model.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let Action::Update(update) = &args.action;
    let repository = session.repository()?;
    let (answer, from) = match &update.file {
        Some(file) => (read(file)?, file.display().to_string()),
        None => fetch(update.server.as_deref())?,
    };
    let document = json::parse_lenient(&answer)
        .map_err(|error| Failure::new(format!("{from} did not give node classes: {error}")))?;
    let table = table_of(&document);
    let count = Catalog::with_object_info(&document).names().len() - Catalog::core().names().len();
    if table.is_empty() {
        return Err(Failure::new(format!("{from} did not give any node class"))
            .hint("the answer of a ComfyUI server to /object_info is needed"));
    }
    let folder = repository.state_dir();
    std::fs::create_dir_all(&folder)?;
    let mut file = tempfile::NamedTempFile::new_in(&folder)?;
    file.write_all(table.as_bytes())?;
    file.persist(widget_names::table_file(&folder)).map_err(|error| error.error)?;
    forget_kept_texts(session);
    let all = table.lines().count();
    session.ui.say(&format!("{all} node classes from {from}, {count} of them not built in"));
    Ok(Exit::Done)
}

/// Deletes git's textconv cache: the cached texts have the old widget names.
fn forget_kept_texts(session: &Session) {
    // The ref need not exist.
    let arguments = ["update-ref", "-d", "refs/notes/textconv/comfy"];
    let _ = Git::at(&session.cwd).answer(arguments);
}

fn read(file: &PathBuf) -> Result<Vec<u8>> {
    let unreadable = |e| Failure::new(format!("{} cannot be read: {e}", file.display()));
    let length = std::fs::metadata(file).map_err(unreadable)?.len();
    if length > MOST_BYTES {
        return Err(Failure::new(format!("{} is no answer of a server", file.display())));
    }
    std::fs::read(file).map_err(unreadable)
}

fn fetch(server: Option<&str>) -> Result<(Vec<u8>, String)> {
    let address = match server {
        Some(text) => Address::parse(text, NamedBy::Person)?,
        None => Address::usual(),
    };
    let from = address.to_string();
    let answer = Server::new(address, PATIENCE).object_info().map_err(|error| {
        Failure::from(error)
            .hint("start ComfyUI, or name it with --server http://127.0.0.1:8188")
            .hint("--file takes an answer that was saved from /object_info")
    })?;
    Ok((answer, from))
}
