//! The text of a run in git: one JSON document, laid out so that it can be read.

use comfy_graph::json::{DeserializeError, Value};
use serde::Deserialize;

use super::schema::{Run, RunOutcome, SCHEMA};
use crate::records::note_format::print_document;

/// The longest document that is read, in bytes.
const MAX_RUN_SIZE: usize = 16 << 20;

/// Why a run must be left alone.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A newer git-comfy wrote it.
    #[error("the run has schema {0}, this git-comfy knows up to {SCHEMA}")]
    Newer(u64),
    /// Larger than any run has reason to be.
    #[error("the document of the run is {0} bytes long, more than any run needs")]
    TooLarge(usize),
    /// It is no JSON.
    #[error("this is no document of a run: {0}")]
    Damaged(#[from] serde_json::Error),
    /// It is JSON, and no run.
    #[error("this is no document of a run: {0}")]
    NoRun(#[from] DeserializeError),
}

/// Prints a run, with its summary made anew and a final newline.
pub fn print_run(run: &Run) -> String {
    let mut run = run.clone().normalized();
    run.summary = summarize_run(&run);
    print_document(&run)
}

/// Reads the document of a run.
pub fn parse_run(text: &[u8]) -> Result<Run, RunError> {
    if text.len() > MAX_RUN_SIZE {
        return Err(RunError::TooLarge(text.len()));
    }
    let value: Value = serde_json::from_slice(text)?;
    let schema = value.get("comfy_run").and_then(Value::as_u64).unwrap_or_default();
    if schema > u64::from(SCHEMA) {
        return Err(RunError::Newer(schema));
    }
    Ok(Run::deserialize(&value)?)
}

/// Two documents of one run as one; the rule by which clones' runs are merged. Of texts
/// that are not ours to understand the greater one stays, so that clones agree.
pub fn join_run_texts(ours: &[u8], theirs: &[u8]) -> Vec<u8> {
    match (parse_run(ours), parse_run(theirs)) {
        (Ok(mut run), Ok(other)) => {
            run.join(other);
            print_run(&run).into_bytes()
        }
        // A newer schema's document knows more than what we could make of both.
        (Err(RunError::Newer(_)), Ok(_)) => ours.to_vec(),
        (Ok(_), Err(RunError::Newer(_))) => theirs.to_vec(),
        (Ok(_), Err(_)) => ours.to_vec(),
        (Err(_), Ok(_)) => theirs.to_vec(),
        (Err(_), Err(_)) => ours.max(theirs).to_vec(),
    }
}

/// What a run was, in words.
fn summarize_run(run: &Run) -> String {
    let mut parts = Vec::new();
    match run.outcome {
        RunOutcome::Error => parts.push("failed".to_owned()),
        RunOutcome::Interrupted => parts.push("stopped".to_owned()),
        RunOutcome::Success | RunOutcome::Unknown => {}
    }
    match run.outputs.len() {
        0 if run.reused.is_empty() => parts.push("no files".to_owned()),
        0 => parts.push("nothing new".to_owned()),
        1 => parts.push(run.outputs[0].path.clone()),
        count => parts.push(format!("{} and {} more", run.outputs[0].path, count - 1)),
    }
    if let Some(seed) = run.seeds.first() {
        parts.push(format!("seed {}", seed.value));
    }
    if let Some(model) = run.models.first() {
        parts.push(model.name.clone());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::run_data::OutputFile;

    #[test]
    fn a_run_goes_there_and_back_with_what_nobody_knows() {
        let text = r#"{"comfy_run":1,"id":"a","content":"c","outputs":[{"path":"a.png","in":"output"}],"later":{"x":1}}"#;
        let run = parse_run(text.as_bytes()).unwrap();
        assert_eq!(run.rest.get("later").map(Value::to_string).as_deref(), Some(r#"{"x":1}"#));
        let printed = print_run(&run);
        assert_eq!(print_run(&parse_run(printed.as_bytes()).unwrap()), printed);
        assert!(printed.contains(r#""summary": "a.png""#), "{printed}");
    }

    #[test]
    fn documents_are_joined_and_none_is_lost() {
        let run = |path: &str| Run {
            id: "a".to_owned(),
            outputs: vec![OutputFile { path: path.to_owned(), ..OutputFile::default() }],
            ..Run::default()
        };
        let (one, two) = (print_run(&run("1.png")), print_run(&run("2.png")));
        let joined = join_run_texts(one.as_bytes(), two.as_bytes());
        assert_eq!(parse_run(&joined).unwrap().outputs.len(), 2);
        assert_eq!(joined, join_run_texts(two.as_bytes(), one.as_bytes()));
        let newer = br#"{"comfy_run":2}"#;
        assert_eq!(join_run_texts(one.as_bytes(), newer), newer);
        assert_eq!(join_run_texts(newer, one.as_bytes()), newer);
        assert_eq!(join_run_texts(b"junk", one.as_bytes()), one.as_bytes());
    }
}
