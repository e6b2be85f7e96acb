//! What came of running a prompt again, for a person and for programs. Text from files is
//! sanitized here. Must not print.

use std::borrow::Cow;

use serde::Serialize;

use super::{ReproductionCheck, describe};
use crate::platform::text::sanitize;
use crate::runs::queue_session::FetchedOutput;
use crate::runs::run_data::{ComparisonVerdict, OutputComparison, RunParent};
use crate::runs::text::lineage;

/// The number of the JSON form, raised when a reader of it would break.
const SCHEMA: u32 = 1;
/// Reasons for a difference that are told.
const MAX_REASONS: usize = 6;

/// What is known to be different here, and may be why the picture is. What is missing is
/// not: the server has run it.
pub(crate) fn likely_reasons(check: &ReproductionCheck) -> Vec<String> {
    let reasons = describe::reasons(check).into_iter();
    let other = |reason: String| {
        let (word, verdict) = reason.split_once(": ")?;
        matches!(word, "other" | "changed" | "replaced").then(|| verdict.to_owned())
    };
    reasons.filter_map(other).collect()
}

/// What may be different here, as nobody knows it.
pub(crate) fn unknown_parts(check: &ReproductionCheck) -> Vec<String> {
    let reasons = describe::reasons(check).into_iter();
    let what = |reason: String| Some(reason.strip_prefix("unknown: ")?.split_once(": ")?.0.into());
    reasons.filter_map(what).collect()
}

pub(crate) struct RerunReport<'t> {
    pub(crate) id: &'t str,
    pub(crate) parent: Option<&'t RunParent>,
    pub(crate) computed: bool,
    pub(crate) compared: &'t [OutputComparison],
    /// What may be behind a difference.
    pub(crate) reasons: Vec<String>,
    /// What nobody knows enough of.
    pub(crate) unknown: Vec<String>,
}

impl RerunReport<'_> {
    pub(crate) fn to_text(&self, delivered: &[FetchedOutput]) -> String {
        let mut out = String::new();
        for made in delivered {
            out += &format!("made {}\n", sanitize::path(&made.file));
        }
        if !self.computed && !delivered.is_empty() {
            out += "  ComfyUI computed nothing: it still had the result of an earlier run \
                    (--fresh makes it forget)\n";
        }
        for found in self.compared {
            let verdict = match found.verdict {
                ComparisonVerdict::Bytes | ComparisonVerdict::Pixels => {
                    lineage::describe_verdict(found)
                }
                _ => format!("not the same: {}", lineage::describe_verdict(found)),
            };
            out += &format!("{} ({})\n", sanitize::line(&verdict), sanitize::line(&found.original));
        }
        if !self.compared.iter().all(OutputComparison::is_same) {
            for reason in self.reasons.iter().take(MAX_REASONS) {
                out += &format!("  perhaps because of {}\n", sanitize::line(reason));
            }
            if self.reasons.is_empty() && !self.compared.is_empty() {
                out += &match self.unknown.is_empty() {
                    true => "  nothing that was recorded explains it; the number of threads, \
                             for one, is recorded nowhere\n"
                        .to_owned(),
                    false => format!(
                        "  nobody recorded then, or knows now: {}\n",
                        sanitize::line(&self.unknown.join(", "))
                    ),
                };
            }
        }
        if self.compared.is_empty() {
            out += "there is nothing to compare it with\n";
        }
        out
    }

    pub(crate) fn to_json(&self, delivered: &[FetchedOutput]) -> String {
        let document = RerunDocument {
            schema: SCHEMA,
            run: self.id,
            parent: self.parent.map(|parent| parent.run.as_str()),
            computed: self.computed,
            outputs: delivered.iter().map(OutputDocument::from).collect(),
            compared: self.compared,
            reasons: &self.reasons,
            same: self.compared.iter().all(OutputComparison::is_same),
        };
        // Plain data with text keys: it always has a JSON form.
        let text = serde_json::to_string(&document).unwrap_or_default();
        format!("{}\n", sanitize::json(&text))
    }
}

/// The report as JSON: `docs/reproduce-schema.md`.
#[derive(Serialize)]
struct RerunDocument<'t> {
    schema: u32,
    run: &'t str,
    parent: Option<&'t str>,
    computed: bool,
    outputs: Vec<OutputDocument<'t>>,
    compared: &'t [OutputComparison],
    reasons: &'t [String],
    same: bool,
}

#[derive(Serialize)]
struct OutputDocument<'t> {
    path: &'t str,
    file: Cow<'t, str>,
}

impl<'t> From<&'t FetchedOutput> for OutputDocument<'t> {
    fn from(made: &'t FetchedOutput) -> OutputDocument<'t> {
        OutputDocument { path: &made.output.path, file: made.file.to_string_lossy() }
    }
}
