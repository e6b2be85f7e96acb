//! How far a run is, for a person who watches.

use std::collections::{BTreeMap, BTreeSet};

use crate::platform::text::sanitize;
use crate::runs::queue::Event;
use crate::ui::{Bar, Ui};

pub(crate) struct Progress<'u> {
    ui: &'u Ui,
    bar: Bar,
    titles: BTreeMap<String, String>,
    done: BTreeSet<String>,
    now: Option<String>,
    waits: Option<usize>,
}

impl<'u> Progress<'u> {
    pub(crate) fn new(ui: &'u Ui, titles: BTreeMap<String, String>) -> Self {
        let bar = ui.steps_bar();
        bar.say("queued");
        Progress { ui, bar, titles, done: BTreeSet::new(), now: None, waits: None }
    }

    pub(crate) fn tell(&mut self, event: &Event) {
        match event {
            Event::Waiting | Event::Ends => {}
            Event::Queued(ahead) => {
                if self.waits.replace(*ahead) != Some(*ahead) {
                    self.bar.say(&match ahead {
                        1 => "waits for 1 other run".to_owned(),
                        ahead => format!("waits for {ahead} other runs"),
                    });
                }
            }
            Event::Started => self.bar.say("begun"),
            Event::Cached(nodes) => self.done.extend(nodes.iter().cloned()),
            Event::Node(node) => self.begin(node),
            Event::Step { node, value, max } => {
                if self.now.as_ref() != Some(node) {
                    self.begin(node);
                }
                self.bar.at(*value, *max);
            }
            Event::Made(node) => drop(self.done.insert(node.clone())),
            Event::Dropped => {
                self.ui.say("the connection to ComfyUI broke; asking again until it answers");
            }
        }
    }

    fn begin(&mut self, node: &str) {
        self.done.extend(self.now.replace(node.to_owned()));
        let title = self.titles.get(node).map_or("node", String::as_str);
        let (at, of) = (self.done.len() + 1, self.titles.len().max(self.done.len() + 1));
        let text = format!("{title} #{node}, node {at} of {of}");
        self.bar.say(&sanitize::line(&text));
        self.bar.at(0, 1);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish();
    }
}
