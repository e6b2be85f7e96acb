//! A record for a person: what the workflows of a commit were made with, and what could
//! not be found.
//!
//! Several machines may have seen the same commit; where they agree they are told as one.
//! Text from files is sanitized here. Must not print.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::schema::{
    ComfyEnvironment, CommitRecord, EnvironmentSource, MachineObservation, ModelFact, ModelStatus,
    ModelUse, PackFact, PackKind, WidgetSite, WorkflowUse,
};
use crate::platform::git::foreign_checkout::Checkout;
use crate::platform::text::plural::counted;
use crate::platform::text::{Colour, sanitize};

const HEADING: Style = AnsiColor::Cyan.on_default();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const WAITS: Style = AnsiColor::Yellow.on_default();
const MUTED: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// How much is told of each model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DetailLevel {
    /// The identity and what is wrong.
    Short,
    /// Every digest, header field and hint.
    Full,
}

/// How a record is shown, and which machine's facts come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DescribeOptions<'a> {
    /// This machine, whose facts are told where it has any.
    pub machine: &'a str,
    pub detail: DetailLevel,
    pub colour: Colour,
}

/// Shows a record, ending in a line end.
pub(crate) fn describe_record(record: &CommitRecord, viewer: DescribeOptions<'_>) -> String {
    let mut shown = RecordPrinter { out: String::new(), options: viewer };
    let machine = preferred_machine(record, viewer.machine);
    let seen = machine.and_then(|machine| record.seen.get(machine));
    for workflow in &record.workflows {
        shown.write_workflow(workflow, seen);
    }
    match seen {
        Some(seen) => shown.write_machine(seen),
        None => shown.write_line("", &[(WAITS, "nothing was looked at on any machine yet")]),
    }
    for (other, seen) in &record.seen {
        if Some(other.as_str()) != machine {
            shown.write_other_machine(
                other,
                seen,
                machine.and_then(|machine| record.seen.get(machine)),
            );
        }
    }
    shown.out
}

/// The machine whose facts are told: this one, else the one that knows most.
fn preferred_machine<'r>(record: &'r CommitRecord, machine_id: &str) -> Option<&'r str> {
    let known = |seen: &MachineObservation| {
        seen.models.iter().filter(|fact| fact.status == ModelStatus::Hashed).count()
    };
    let best = record.seen.iter().max_by_key(|(_, seen)| (known(seen), seen.at.clone()));
    let own = record.seen.get_key_value(machine_id);
    own.or(best).map(|(machine, _)| machine.as_str())
}

struct RecordPrinter<'a> {
    out: String,
    options: DescribeOptions<'a>,
}

impl RecordPrinter<'_> {
    fn write_line(&mut self, indent: &str, parts: &[(Style, &str)]) {
        self.out.push_str(indent);
        for (style, text) in parts {
            let text = sanitize::line(text);
            match self.options.colour {
                Colour::On if !text.is_empty() && *style != Style::new() => {
                    let _ = write!(self.out, "{style}{text}{style:#}");
                }
                _ => self.out.push_str(&text),
            }
        }
        self.out.push('\n');
    }

    fn write_workflow(&mut self, workflow: &WorkflowUse, seen: Option<&MachineObservation>) {
        self.write_line("", &[(HEADING, &workflow.path)]);
        for model in workflow.distinct_models() {
            let fact = seen.and_then(|seen| {
                seen.models.iter().find(|f| f.folder == model.folder && f.name == model.name)
            });
            self.write_model(model, fact);
        }
        if workflow.models.is_empty() {
            self.write_line("  ", &[(MUTED, "names no models")]);
        }
    }

    fn write_model(&mut self, model: &ModelUse, fact: Option<&ModelFact>) {
        let name = format!("{}/{}", model.folder, model.name);
        let (style, state) = fact.map_or((WAITS, "not looked for".to_owned()), describe_status);
        self.write_line("  ", &[(BOLD, &name), (Style::new(), "  "), (style, &state)]);
        let sites: Vec<String> = model.at.iter().take(4).map(describe_site).collect();
        let more = model.at.len().saturating_sub(4);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        self.write_line("      ", &[(MUTED, &format!("for {}{more}", sites.join(", ")))]);
        let Some(fact) = fact else { return };
        for other in &fact.also {
            let text = format!(
                "ambiguous: {} has one too ({})",
                other.search_folder,
                format_size(other.size)
            );
            self.write_line("      ", &[(WAITS, &text)]);
        }
        for (claim, who) in &fact.disagrees {
            self.write_line("      ", &[(BAD, &format!("{who} claims {claim}"))]);
        }
        for place in &fact.elsewhere {
            self.write_line("      ", &[(WAITS, &format!("the same bytes lie at {place}"))]);
        }
        let hinted = fact.hints.iter().filter_map(|hint| hint.url.as_ref());
        let from: std::collections::BTreeSet<&String> =
            model.claims.urls.iter().chain(hinted).collect();
        for url in from {
            self.write_line("      ", &[(MUTED, &format!("from {url}"))]);
        }
        if self.options.detail == DetailLevel::Full {
            self.write_digests(fact);
        }
    }

    fn write_digests(&mut self, fact: &ModelFact) {
        if let Some(hashes) = &fact.hashes {
            let all = [
                ("sha256", Some(&hashes.sha256)),
                ("blake3", hashes.blake3.as_ref()),
                ("autov2", Some(&hashes.autov2)),
                ("autov3", hashes.autov3.as_ref()),
                ("crc32", hashes.crc32.as_ref()),
            ];
            for (kind, hex) in all {
                if let Some(hex) = hex {
                    self.write_line("      ", &[(MUTED, &format!("{kind:<7} {hex}"))]);
                }
            }
        }
        for (field, value) in &fact.header {
            self.write_line("      ", &[(MUTED, &format!("{field}: {value}"))]);
        }
    }

    fn write_machine(&mut self, seen: &MachineObservation) {
        for pack in &seen.packs {
            let name = format!("pack {}", pack.name);
            let state = describe_pack(pack);
            self.write_line("", &[(HEADING, &name), (Style::new(), "  "), (Style::new(), &state)]);
            let classes: Vec<&str> = pack.classes.keys().map(String::as_str).collect();
            self.write_line("      ", &[(MUTED, &format!("for {}", classes.join(", ")))]);
            if pack.disabled {
                self.write_line("      ", &[(BAD, "it is switched off")]);
            }
            for other in &pack.also {
                self.write_line("      ", &[(WAITS, &format!("{other} brings one of these too"))]);
            }
        }
        for class in &seen.unplaced {
            self.write_line("", &[(BAD, &format!("no installed pack brings {class}"))]);
        }
        match &seen.environment {
            Some(environment) => self.write_environment(environment),
            None => self.write_line("", &[(MUTED, "nothing is known of ComfyUI")]),
        }
        if !seen.is_complete() {
            self.write_line(
                "",
                &[(WAITS, "not complete yet: git comfy status tells how far it is")],
            );
        }
        self.write_line("", &[(MUTED, &format!("seen {}", seen.at))]);
    }

    fn write_environment(&mut self, environment: &ComfyEnvironment) {
        let version = environment.comfyui.as_deref().unwrap_or("of unknown version");
        let source = environment.source.as_ref().map(describe_checkout).unwrap_or_default();
        let from = match environment.from {
            Some(EnvironmentSource::Server) => "  (running)",
            _ => "",
        };
        let head = format!("ComfyUI {version}");
        self.write_line("", &[(HEADING, &head), (Style::new(), &source), (MUTED, from)]);
        let named = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{name} {value}"))
        };
        let runs = [
            named("Python", &environment.python),
            named("torch", &environment.torch),
            named("frontend", &environment.frontend),
            environment.os.clone(),
        ];
        let devices = environment.devices.iter().cloned().map(Some);
        let parts: Vec<String> =
            runs.into_iter().chain(devices).chain([environment.driver.clone()]).flatten().collect();
        if !parts.is_empty() {
            self.write_line("  ", &[(Style::new(), &parts.join(", "))]);
        }
        if !environment.flags.is_empty() {
            self.write_line(
                "  ",
                &[(MUTED, &format!("started with {}", environment.flags.join(" ")))],
            );
        }
    }

    /// What another machine saw differently.
    fn write_other_machine(
        &mut self,
        machine: &str,
        seen: &MachineObservation,
        observations: Option<&MachineObservation>,
    ) {
        let key = |fact: &ModelFact| (fact.folder.clone(), fact.name.clone());
        let known: BTreeMap<_, &ModelFact> = observations
            .iter()
            .flat_map(|seen| &seen.models)
            .map(|fact| (key(fact), fact))
            .collect();
        self.write_line("", &[(MUTED, &format!("machine {machine} saw {}", seen.at))]);
        let mut same = 0;
        for fact in &seen.models {
            let ours = known.get(&key(fact));
            let digest =
                |fact: &ModelFact| fact.hashes.as_ref().map(|hashes| hashes.sha256.clone());
            if ours.is_some_and(|ours| digest(ours) == digest(fact) && ours.status == fact.status) {
                same += 1;
                continue;
            }
            let (style, state) = describe_status(fact);
            let name = format!("{}/{}", fact.folder, fact.name);
            self.write_line("  ", &[(BOLD, &name), (Style::new(), "  "), (style, &state)]);
        }
        if same > 0 {
            let text = format!("{} the same", counted(same, "model is", "models are"));
            self.write_line("  ", &[(MUTED, &text)]);
        }
    }
}

/// What became of a model, in words.
fn describe_status(fact: &ModelFact) -> (Style, String) {
    let why = fact.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
    let place = fact.search_folder.as_ref().map_or(String::new(), |place| format!(" in {place}"));
    let large = fact.size.map_or(String::new(), |bytes| format!("{}  ", format_size(bytes)));
    match fact.status {
        ModelStatus::Hashed => {
            let digits = fact.hashes.as_ref().map_or("", |hashes| hashes.autov2.as_str());
            (GOOD, format!("{large}sha256 {digits}…{place}"))
        }
        ModelStatus::Pending => (WAITS, format!("{large}not hashed yet{place}{why}")),
        ModelStatus::Unfinished => (WAITS, format!("{large}unfinished{place}{why}")),
        ModelStatus::Unreadable => (BAD, format!("cannot be read{place}{why}")),
        ModelStatus::Missing => (BAD, format!("missing{why}")),
        ModelStatus::Refused => (BAD, format!("refused{why}")),
        ModelStatus::Folder => (Style::new(), format!("{large}a folder{place}, not hashed")),
    }
}

fn describe_site(site: &WidgetSite) -> String {
    let scope = if site.subgraph.is_some() { " in a subgraph" } else { "" };
    let off = site.off.as_ref().map_or(String::new(), |off| format!(", {off}"));
    let input = if site.input.is_empty() { String::new() } else { format!(".{}", site.input) };
    format!("{}{input} #{}{scope}{off}", site.class, site.node)
}

fn describe_pack(pack: &PackFact) -> String {
    let kind = match pack.kind {
        PackKind::Git => "",
        PackKind::Registry => "  from the registry",
        PackKind::File => "  a single file",
        PackKind::Folder => "  of unknown origin",
    };
    let digits: String = pack.sha256.iter().flat_map(|hex| hex.chars().take(10)).collect();
    let digest = if digits.is_empty() { digits } else { format!("  sha256 {digits}…") };
    format!(
        "{}{}{kind}{digest}",
        pack.version.as_deref().unwrap_or_default(),
        describe_checkout(&pack.checkout)
    )
    .trim_start()
    .to_owned()
}

/// ` @ 3f2a1b9c04 (v1.2)  changed locally  https://…`
fn describe_checkout(checkout: &Checkout) -> String {
    let mut text = String::new();
    if let Some(commit) = &checkout.commit {
        let short: String = commit.chars().take(10).collect();
        let _ = write!(text, " @ {short}");
    }
    if let Some(tag) = &checkout.tag {
        let _ = write!(text, " ({tag})");
    }
    if checkout.dirty == Some(true) {
        text.push_str("  changed locally");
    }
    if let Some(remote) = &checkout.remote {
        let _ = write!(text, "  {remote}");
    }
    text
}

/// A size as people compare downloads: `3.97 GiB`.
pub(crate) fn format_size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let unit_name = UNITS.get(unit).copied().unwrap_or_default();
    match unit {
        0 => format!("{bytes} B"),
        _ if value >= 100.0 => format!("{value:.0} {unit_name}"),
        _ if value >= 10.0 => format!("{value:.1} {unit_name}"),
        _ => format!("{value:.2} {unit_name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> CommitRecord {
        serde_json::from_value(serde_json::json!({
            "comfy_record": 1,
            "workflows": [{"path": "a\u{1b}[31m.json", "blob": "11", "models": [
                {"folder": "checkpoints", "name": "sd15.safetensors", "by": "catalog",
                 "at": [{"node": "4", "class": "CheckpointLoaderSimple", "input": "ckpt_name"}],
                 "claims": {"urls": ["https://huggingface.co/o/r"]}},
                {"folder": "loras", "name": "gone.safetensors", "by": "catalog",
                 "at": [{"node": "5", "class": "LoraLoader", "input": "lora_name", "off": "muted"}]},
            ]}],
            "seen": {
                "aaaaaaaaaaaa": {
                    "at": "2026-11-22T10:00:00Z",
                    "environment": {
                        "comfyui": "0.33.0", "python": "3.12.4", "torch": "2.7.0+cu128",
                        "devices": ["NVIDIA GeForce RTX 4090"], "from": "server",
                        "source": {"commit": "2222222222222222", "dirty": true},
                        "flags": ["--cpu"]},
                    "models": [
                        {"folder": "checkpoints", "name": "sd15.safetensors", "status": "hashed",
                         "in": "models/checkpoints", "size": 4_265_146_304u64,
                         "hashes": {"sha256": "ab".repeat(32), "autov2": "ababababab"},
                         "also": [{"in": "output/checkpoints", "size": 7}],
                         "disagrees": {"autov2:0123456789": "workflow"}},
                        {"folder": "loras", "name": "gone.safetensors", "status": "missing"}],
                    "packs": [{"name": "Fancy", "kind": "git", "version": "1.2.0",
                        "commit": "3333333333333333", "tag": "v1.2.0", "dirty": false,
                        "remote": "https://github.com/o/Fancy", "classes": {"Fancy Node": "source"}}],
                    "unplaced": ["Other Node"]},
                "bbbbbbbbbbbb": {
                    "at": "2026-11-23T10:00:00Z", "pending": ["models"],
                    "models": [
                        {"folder": "checkpoints", "name": "sd15.safetensors", "status": "hashed",
                         "hashes": {"sha256": "cd".repeat(32), "autov2": "cdcdcdcdcd"}},
                        {"folder": "loras", "name": "gone.safetensors", "status": "missing"}]},
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_record_tells_what_stands_behind_the_names() {
        let viewer = DescribeOptions {
            machine: "aaaaaaaaaaaa",
            detail: DetailLevel::Short,
            colour: Colour::Off,
        };
        insta::assert_snapshot!(describe_record(&record(), viewer), @r#"
        a\x1b[31m.json
          checkpoints/sd15.safetensors  3.97 GiB  sha256 ababababab… in models/checkpoints
              for CheckpointLoaderSimple.ckpt_name #4
              ambiguous: output/checkpoints has one too (7 B)
              workflow claims autov2:0123456789
              from https://huggingface.co/o/r
          loras/gone.safetensors  missing
              for LoraLoader.lora_name #5, muted
        pack Fancy  1.2.0 @ 3333333333 (v1.2.0)  https://github.com/o/Fancy
              for Fancy Node
        no installed pack brings Other Node
        ComfyUI 0.33.0 @ 2222222222  changed locally  (running)
          Python 3.12.4, torch 2.7.0+cu128, NVIDIA GeForce RTX 4090
          started with --cpu
        seen 2026-11-22T10:00:00Z
        machine bbbbbbbbbbbb saw 2026-11-23T10:00:00Z
          checkpoints/sd15.safetensors  sha256 cdcdcdcdcd…
          1 model is the same
        "#);
    }

    #[test]
    fn sizes_are_told_as_people_compare_them() {
        let sizes: Vec<String> =
            [0, 1023, 1024, 150_000, 4_265_146_304, u64::MAX].map(format_size).into();
        assert_eq!(sizes, ["0 B", "1023 B", "1.00 KiB", "146 KiB", "3.97 GiB", "16777216 TiB"]);
    }
}
