//! `git comfy arrange`: gives the nodes of a workflow, or some of them, other places. That is a
//! move like any other: `git comfy layout undo` takes it back.

use comfy_graph::clean::{ArrangeExtent, arrange_again};
use comfy_graph::graph::{GraphScope, NodeKey, Workflow};
use comfy_graph::json::{self, JsonStyle};

use super::layout::{inspect_file, resolve_path};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts::restore_layout::{LayoutWorkspace, RestoreOutcome};
use crate::platform::git::shell;
use crate::platform::text::sanitize;
use crate::session::Session;

const EXAMPLES: &str = "\
Nodes read from left to right, loaders stand beside what they load for, long chains go on in a
second row; what lies in a group stays in it. Nothing but places changes.

Examples:
  git comfy arrange portrait.json
  git comfy arrange portrait.json --selected 3,6,'CLIP Text Encode'
  git comfy layout undo portrait.json      as it lay before

ComfyUI does not notice that a file changed on disk: reload the page.";

/// Arrange the nodes of a workflow anew.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ArrangeArgs {
    /// The workflow.
    #[arg(value_name = "FILE")]
    file: String,
    /// Only these nodes, by id or title, separated by commas; they stay about where they are.
    #[arg(long, value_name = "NODES", value_delimiter = ',')]
    selected: Vec<String>,
}

pub fn run(args: &ArrangeArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let mut workspace = LayoutWorkspace::open(&repository)?;
    let path = resolve_path(session, &repository, &args.file)?;
    let shown = sanitize::line(&args.file).into_owned();
    let file = inspect_file(session, &repository, &mut workspace, &path)?;
    let file = file.ok_or_else(|| {
        if session.cwd.join(&args.file).exists() {
            CommandError::user(format!("{shown} was committed with its positions"))
                .with_hint("git comfy init --renormalize takes positions out of commits")
        } else {
            CommandError::user(format!("there is no {shown}"))
        }
    })?;
    let text = String::from_utf8_lossy(file.bytes()).into_owned();
    let mut document = json::parse(file.bytes())?;
    let workflow = Workflow::from_value(document.clone())
        .map_err(|error| CommandError::user(error).with_context(shown.clone()))?;
    let selected = find_nodes(&workflow, &args.selected, &shown)?;
    let extent = match args.selected.is_empty() {
        true => ArrangeExtent::All,
        false => ArrangeExtent::Nodes(&selected),
    };
    arrange_again(&mut document, extent);
    let arranged = json::print(&document, &JsonStyle::detect(&text));
    let typed = shell::quote_path_from(&repository, &session.cwd, &path);
    match workspace.rewrite(&file, arranged.as_bytes())? {
        RestoreOutcome::Done => {
            let what = match selected.len() {
                0 => "arranged".to_owned(),
                1 => "1 node arranged".to_owned(),
                count => format!("{count} nodes arranged"),
            };
            session.ui.report(&format!("{shown}: {what}"))?;
            session.ui.info(&format!("git comfy layout undo {typed} takes it back"));
            Ok(Exit::Done)
        }
        RestoreOutcome::SavedMeanwhile => {
            Err(CommandError::user(format!("{shown} was saved just now; nothing was changed"))
                .with_hint("try again"))
        }
        RestoreOutcome::Unchanged | RestoreOutcome::Missing => {
            session.ui.report(&format!("nothing to do: {shown} lies so already"))?;
            Ok(Exit::Done)
        }
    }
}

/// The nodes that a person named, by id or title.
fn find_nodes(workflow: &Workflow, names: &[String], file: &str) -> Result<Vec<NodeKey>> {
    let mut found = Vec::new();
    for name in names {
        let bare = name.trim().trim_start_matches('#');
        let matches = |(scope, node): &(GraphScope, &comfy_graph::graph::Node)| {
            let by_id = *scope == GraphScope::Root && node.id().to_string() == bare;
            by_id || workflow.display_name(node).eq_ignore_ascii_case(name.trim())
        };
        let before = found.len();
        let all = workflow.nodes().filter(matches);
        found.extend(all.map(|(scope, node)| NodeKey { scope, id: node.id().clone() }));
        if found.len() == before {
            return Err(CommandError::user(format!("{file} has no node {}", sanitize::line(name)))
                .with_hint("git comfy show --full FILE lists them"));
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}
