//! How far a run is, for a person who watches.

use std::collections::{BTreeMap, BTreeSet};

use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::runs::comfy_client::RunEvent;
use crate::ui::{ProgressBar, Ui};

pub(crate) struct RunProgress<'u> {
    ui: &'u Ui,
    bar: ProgressBar,
    titles: BTreeMap<String, String>,
    done_nodes: BTreeSet<String>,
    current_node: Option<String>,
    runs_ahead: Option<usize>,
}

impl<'u> RunProgress<'u> {
    pub(crate) fn new(ui: &'u Ui, titles: BTreeMap<String, String>) -> Self {
        let bar = ui.steps_bar();
        bar.set_message("queued");
        RunProgress {
            ui,
            bar,
            titles,
            done_nodes: BTreeSet::new(),
            current_node: None,
            runs_ahead: None,
        }
    }

    pub(crate) fn handle_event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Tick | RunEvent::Ended => {}
            RunEvent::Queued(ahead) => {
                if self.runs_ahead.replace(*ahead) != Some(*ahead) {
                    let others = counted(*ahead, "other run", "other runs");
                    self.bar.set_message(&format!("waits for {others}"));
                }
            }
            RunEvent::Started => self.bar.set_message("begun"),
            RunEvent::Cached(nodes) => self.done_nodes.extend(nodes.iter().cloned()),
            RunEvent::NodeStarted(node) => self.begin_node(node),
            RunEvent::NodeProgress { node, value, max } => {
                if self.current_node.as_ref() != Some(node) {
                    self.begin_node(node);
                }
                self.bar.set_position(*value, *max);
            }
            RunEvent::NodeExecuted(node) => drop(self.done_nodes.insert(node.clone())),
            RunEvent::Disconnected => {
                self.ui.info("the connection to ComfyUI broke; asking again until it answers");
            }
        }
    }

    fn begin_node(&mut self, node: &str) {
        self.done_nodes.extend(self.current_node.replace(node.to_owned()));
        let title = self.titles.get(node).map_or("node", String::as_str);
        let (at, of) =
            (self.done_nodes.len() + 1, self.titles.len().max(self.done_nodes.len() + 1));
        let text = format!("{title} #{node}, node {at} of {of}");
        self.bar.set_message(&sanitize::line(&text));
        self.bar.set_position(0, 1);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish();
    }
}
