//! `git comfy runs tree`: runs and what was made of them.

use crate::error::Result;
use crate::exit::Exit;
use crate::runs::find_run::find_run;
use crate::runs::run_families::{find_oldest_ancestor, newest_families, read_family};
use crate::runs::run_store::RunStore;
use crate::runs::text::tree::{format_tree, tree_json};
use crate::session::Session;

/// Which runs to show.
#[derive(Debug, clap::Args)]
pub(crate) struct RunsTreeArgs {
    /// A run or a picture; the whole family it belongs to is shown. None: the newest
    /// families.
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// How many families.
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(crate) number: usize,
    /// One JSON object for each family.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(args: &RunsTreeArgs, session: &Session) -> Result<Exit> {
    let run_store = RunStore::open(session)?;
    let (roots, asked_id) = match &args.run {
        Some(name) => {
            let run = find_run(session, &run_store, name)?.stored.run;
            (vec![find_oldest_ancestor(&run_store, &run.id)?], Some(run.id))
        }
        None => (newest_families(&run_store, args.number)?, None),
    };
    for id in &roots {
        let tree = read_family(&run_store, id)?;
        let shown =
            if args.json { tree_json(&tree) } else { format_tree(&tree, asked_id.as_deref()) };
        session.ui.print(&shown)?;
    }
    if roots.is_empty() {
        session.ui.info(
            "no run was made from another yet: git comfy vary and git comfy reproduce --run do",
        );
    }
    Ok(Exit::Done)
}
