//! `git comfy catalog`: stores the node classes of a ComfyUI in this clone, so that widgets of
//! custom nodes are shown by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use comfy_graph::catalog::Catalog;
use comfy_graph::json;

use crate::differences::learn_names;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::file_argument;
use crate::platform::machine::node_catalog;
use crate::platform::machine::server::{AddressSource, ComfyServer, ServerAddress};
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::session::Session;

/// Learn the names of widgets from a ComfyUI.
#[derive(Debug, clap::Args)]
pub struct CatalogArgs {
    /// What to do.
    #[command(subcommand)]
    action: CatalogCommand,
}

#[derive(Debug, clap::Subcommand)]
enum CatalogCommand {
    /// Ask a running ComfyUI which node classes it has, and keep the answer in this clone.
    Update(CatalogUpdateArgs),
    /// Learn from the workflows and pictures of this repository and its history. After a
    /// commit it is done by itself.
    Learn,
}

#[derive(Debug, clap::Args)]
struct CatalogUpdateArgs {
    /// The address of the ComfyUI.
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    server: Option<String>,
    /// A saved answer of `/object_info` instead of a server's.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Larger answers than this are refused; a ComfyUI with 3,000 classes gives 6 MB.
const MAX_ANSWER_SIZE: u64 = 256 << 20;
/// ComfyUI may be busy loading a model.
const SERVER_TIMEOUT: Duration = Duration::from_secs(20);

pub fn run(args: &CatalogArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let update = match &args.action {
        CatalogCommand::Update(update) => update,
        CatalogCommand::Learn => {
            let classes = learn_names::learn_from_history(&repository)?;
            let classes = counted(classes, "node class", "node classes");
            session.ui.report(&format!("names of widgets of {classes} are known from here"))?;
            return Ok(Exit::Done);
        }
    };
    let (answer, from) = match &update.file {
        Some(file) => (read_answer_file(file)?, file.display().to_string()),
        None => fetch_object_info(update.server.as_deref())?,
    };
    let document = json::parse_lenient(&answer).map_err(|error| {
        CommandError::user(error).with_context(format!("{from} did not give node classes"))
    })?;
    let table = node_catalog::keep_server_classes(&repository, &document)?;
    let count = Catalog::with_object_info(&document).class_names().len()
        - Catalog::core().class_names().len();
    if table.is_empty() {
        return Err(CommandError::user(format!("{from} did not give any node class"))
            .with_hint("the answer of a ComfyUI server to /object_info is needed"));
    }
    let all = table.lines().count();
    session.ui.info(&format!("{all} node classes from {from}, {count} of them not built in"));
    Ok(Exit::Done)
}

fn read_answer_file(file: &Path) -> Result<Vec<u8>> {
    file_argument::read_bounded(file, &sanitize::path(file), MAX_ANSWER_SIZE)
}

fn fetch_object_info(server: Option<&str>) -> Result<(Vec<u8>, String)> {
    let address = match server {
        Some(text) => ServerAddress::parse(text, AddressSource::Person)?,
        None => ServerAddress::default_local(),
    };
    let from = address.to_string();
    let answer = ComfyServer::new(address, SERVER_TIMEOUT).object_info().map_err(|error| {
        CommandError::from(error)
            .with_hint("start ComfyUI, or name it with --server http://127.0.0.1:8188")
            .with_hint("--file takes an answer that was saved from /object_info")
    })?;
    Ok((answer, from))
}
