//! `git comfy inspect`: all that is embedded in a file, without a repository.

use std::fs::File;
use std::io;
use std::io::{Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};

use comfy_graph::json;
use comfy_graph::json::JsonStyle;
use comfy_media::{EmbeddedMetadata, Payload};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::output_argument::OutputArgs;
use crate::platform::text::sanitize;
use crate::runs::finite_json::replace_non_finite;
use crate::runs::text::inspect::InspectReport;
use crate::session::Session;

/// Show the workflow, prompt and settings embedded in images, videos and other outputs.
#[derive(Debug, clap::Args)]
pub struct InspectArgs {
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
    target: OutputArgs,
}

/// Standard input is read whole; more than this is refused.
const MAX_STDIN: u64 = 1 << 30;

pub(crate) fn run(args: &InspectArgs, session: &Session) -> Result<Exit> {
    let extracts = args.raw.is_some() || args.workflow || args.prompt;
    if extracts && args.files.len() > 1 {
        return Err(CommandError::user("one file at a time can be taken apart")
            .with_hint("--json gives the workflows and prompts of many files"));
    }
    if args.target.output.is_some() && !extracts {
        return Err(CommandError::user("-o needs --workflow, --prompt or --raw NAME"));
    }
    let mut exit = Exit::Done;
    for file in &args.files {
        let done = read_embedded(file).and_then(|embedded| {
            if extracts {
                print_extract(args, session, file, &embedded)
            } else {
                print_report(args, session, file, &embedded)
            }
        });
        if let Err(failure) = done {
            session.ui.print_error(&failure);
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

fn display_name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

fn read_embedded(file: &Path) -> Result<EmbeddedMetadata> {
    let name = sanitize::line(&display_name(file)).into_owned();
    let unread = |error: io::Error| CommandError::system(error).with_context(name.clone());
    let read = if file == Path::new("-") {
        let mut bytes = vec![];
        let stdin = io::stdin().lock();
        stdin.take(MAX_STDIN + 1).read_to_end(&mut bytes).map_err(unread)?;
        if bytes.len() as u64 > MAX_STDIN {
            return Err(CommandError::user(format!("{name}: more than 1 GiB"))
                .with_hint("name the file instead of piping it"));
        }
        comfy_media::read(&mut Cursor::new(bytes))
    } else {
        // A pipe would block on opening, a folder opens and cannot be read.
        if !std::fs::metadata(file).map_err(unread)?.is_file() {
            return Err(CommandError::user(format!("{name}: this is not a file")));
        }
        comfy_media::read(&mut File::open(file).map_err(unread)?)
    };
    read.map_err(|error| CommandError::user(error).with_context(name.clone()))
}

fn print_report(
    args: &InspectArgs,
    session: &Session,
    file: &Path,
    embedded: &EmbeddedMetadata,
) -> Result<()> {
    let (payload, name) = (embedded.payload(), display_name(file));
    let inspected = InspectReport { file: &name, embedded, payload: &payload };
    let text = if args.json {
        format!("{}\n", sanitize::json(&inspected.to_json().to_string()))
    } else {
        inspected.to_text()
    };
    Ok(session.ui.print(&text)?)
}

fn print_extract(
    args: &InspectArgs,
    session: &Session,
    file: &Path,
    embedded: &EmbeddedMetadata,
) -> Result<()> {
    let text = match &args.raw {
        Some(keyword) => raw_text(file, embedded, keyword)?,
        None => extract_document(args, file, &embedded.payload())?,
    };
    if args.target.write_if_named(&text)?.is_some() {
        return Ok(());
    }
    if !io::stdout().is_terminal() {
        return Ok(session.ui.print_bytes(text.as_bytes())?);
    }
    // A terminal would act on what it is sent; a pipe gets every byte.
    let text = text.trim_end();
    let shown = if args.raw.is_some() { sanitize::block(text) } else { sanitize::json(text) };
    Ok(session.ui.print(&format!("{shown}\n"))?)
}

fn raw_text(file: &Path, embedded: &EmbeddedMetadata, keyword: &str) -> Result<String> {
    if let Some(entry) = embedded.entry(keyword) {
        return Ok(entry.text.clone());
    }
    let names: Vec<&str> = embedded.entries.iter().map(|e| e.keyword.as_str()).collect();
    let missing = CommandError::user(format!(
        "{}: no text named {keyword:?} is embedded",
        sanitize::line(&display_name(file))
    ));
    Err(if names.is_empty() {
        missing
    } else {
        missing.with_hint(format!("there are: {}", sanitize::line(&names.join(", "))))
    })
}

/// The workflow or prompt as a file of its own.
fn extract_document(args: &InspectArgs, file: &Path, payload: &Payload) -> Result<String> {
    let (wanted, other, what) = if args.workflow {
        (&payload.workflow, &payload.prompt, "workflow")
    } else {
        (&payload.prompt, &payload.workflow, "prompt")
    };
    let Some(value) = wanted else {
        let missing = CommandError::user(format!(
            "{}: no {what} is embedded",
            sanitize::line(&display_name(file))
        ));
        return Err(match (args.workflow, other) {
            (true, Some(_)) => {
                missing.with_hint("the executed prompt is there: --prompt writes it")
            }
            (false, Some(_)) => missing.with_hint("the workflow is there: --workflow writes it"),
            (_, None) if payload.parameters.is_some() => {
                missing.with_hint("only A1111 parameters are there: --raw parameters prints them")
            }
            _ => missing,
        });
    };
    let mut value = value.clone();
    replace_non_finite(&mut value);
    Ok(json::print(&value, &JsonStyle { final_newline: true, ..JsonStyle::EXPORT }))
}
