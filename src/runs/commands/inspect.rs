//! `git comfy inspect`: all that is embedded in a file, without a repository.

use std::fs::File;
use std::io::{Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};

use comfy_graph::json;
use comfy_graph::json::{Style, Value};
use comfy_media::{Embedded, Payload};

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::machine::output_file::Target;
use crate::platform::text::sanitize;
use crate::runs::text::inspect::Inspected;
use crate::session::Session;

/// Show the workflow, prompt and settings embedded in images, videos and other outputs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The files: PNG, WebP, JPEG, AVIF, MP4, WebM, FLAC, MP3, Opus, GLB, SVG, EXR,
    /// .latent and more; `-` reads standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object a line for each file.
    #[arg(long, conflicts_with_all = ["raw", "workflow", "prompt"])]
    json: bool,
    /// Print one embedded text as it is, by its name (`prompt`, `workflow`, `parameters` ...).
    #[arg(long, value_name = "NAME", conflicts_with_all = ["workflow", "prompt"])]
    raw: Option<String>,
    /// Print the workflow, ready to load in ComfyUI.
    #[arg(long, conflicts_with = "prompt")]
    workflow: bool,
    /// Print the executed prompt in API format.
    #[arg(long)]
    prompt: bool,
    #[command(flatten)]
    target: Target,
}

/// Standard input is read whole; more than this is refused.
const MAX_STDIN: u64 = 1 << 30;

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let extracts = args.raw.is_some() || args.workflow || args.prompt;
    if extracts && args.files.len() > 1 {
        return Err(Failure::new("one file at a time can be taken apart")
            .hint("--json gives the workflows and prompts of many files"));
    }
    if args.target.output.is_some() && !extracts {
        return Err(Failure::new("-o needs --workflow, --prompt or --raw NAME"));
    }
    let mut exit = Exit::Done;
    for file in &args.files {
        let told = read(file).and_then(|embedded| {
            if extracts {
                extract(args, session, file, &embedded)
            } else {
                show(args, session, file, &embedded)
            }
        });
        if let Err(failure) = told {
            session.ui.fail(&failure);
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

fn read(file: &Path) -> Result<Embedded> {
    let failed = |problem: &dyn std::fmt::Display| {
        Failure::new(format!("{}: {problem}", sanitize::line(&name(file))))
    };
    let read = if file == Path::new("-") {
        let mut bytes = vec![];
        let stdin = std::io::stdin().lock();
        stdin.take(MAX_STDIN + 1).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
        if bytes.len() as u64 > MAX_STDIN {
            return Err(failed(&"more than 1 GiB").hint("name the file instead of piping it"));
        }
        comfy_media::read(&mut Cursor::new(bytes))
    } else {
        // A pipe would block on opening, a folder opens and cannot be read.
        let metadata = std::fs::metadata(file).map_err(|e| failed(&e))?;
        if !metadata.is_file() {
            return Err(failed(&"this is not a file"));
        }
        comfy_media::read(&mut File::open(file).map_err(|e| failed(&e))?)
    };
    read.map_err(|error| failed(&error))
}

fn show(args: &Args, session: &Session, file: &Path, embedded: &Embedded) -> Result<()> {
    let (payload, name) = (embedded.payload(), name(file));
    let inspected = Inspected { file: &name, embedded, payload: &payload };
    let text = if args.json {
        format!("{}\n", sanitize::json(&inspected.json().to_string()))
    } else {
        inspected.text()
    };
    Ok(session.ui.out(&text)?)
}

fn extract(args: &Args, session: &Session, file: &Path, embedded: &Embedded) -> Result<()> {
    let text = match &args.raw {
        Some(keyword) => raw(file, embedded, keyword)?,
        None => document(args, file, &embedded.payload())?,
    };
    if args.target.write(&text)?.is_some() {
        return Ok(());
    }
    if !std::io::stdout().is_terminal() {
        return Ok(session.ui.out_bytes(text.as_bytes())?);
    }
    // A terminal would act on what it is sent; a pipe gets every byte.
    let text = text.trim_end();
    let shown = if args.raw.is_some() { sanitize::block(text) } else { sanitize::json(text) };
    Ok(session.ui.out(&format!("{shown}\n"))?)
}

fn raw(file: &Path, embedded: &Embedded, keyword: &str) -> Result<String> {
    if let Some(entry) = embedded.entry(keyword) {
        return Ok(entry.text.clone());
    }
    let names: Vec<&str> = embedded.entries.iter().map(|e| e.keyword.as_str()).collect();
    let missing = Failure::new(format!(
        "{}: no text named {keyword:?} is embedded",
        sanitize::line(&name(file))
    ));
    Err(if names.is_empty() {
        missing
    } else {
        missing.hint(format!("there are: {}", sanitize::line(&names.join(", "))))
    })
}

/// The workflow or prompt as a file of its own.
fn document(args: &Args, file: &Path, payload: &Payload) -> Result<String> {
    let (wanted, other, what) = if args.workflow {
        (&payload.workflow, &payload.prompt, "workflow")
    } else {
        (&payload.prompt, &payload.workflow, "prompt")
    };
    let Some(value) = wanted else {
        let missing =
            Failure::new(format!("{}: no {what} is embedded", sanitize::line(&name(file))));
        return Err(match (args.workflow, other) {
            (true, Some(_)) => missing.hint("the executed prompt is there: --prompt writes it"),
            (false, Some(_)) => missing.hint("the workflow is there: --workflow writes it"),
            (_, None) if payload.parameters.is_some() => {
                missing.hint("only A1111 parameters are there: --raw parameters prints them")
            }
            _ => missing,
        });
    };
    let mut value = value.clone();
    make_finite(&mut value);
    Ok(json::print(&value, &Style { final_newline: true, ..Style::EXPORT }))
}

/// JSON has no `NaN` and no `Infinity`: a file with one would not load. ComfyUI reads
/// them as null. Whole numbers of any size end in a digit.
pub(crate) fn make_finite(value: &mut Value) {
    match value {
        Value::Number(number)
            if !number.as_f64().is_finite() && number.as_str().ends_with(['N', 'y']) =>
        {
            *value = Value::Null;
        }
        Value::Array(elements) => elements.iter_mut().for_each(make_finite),
        Value::Object(object) => object.values_mut().for_each(make_finite),
        _ => {}
    }
}
