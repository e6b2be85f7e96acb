//! `git-comfy textconv`: a workflow, or the one embedded in a picture, as lines of text.
//! git calls it for `log -p`, `show`, `blame` and `stash show -p`, and keeps the answers
//! (`diff.comfy.cachetextconv`).
//!
//! git throws its kept answers away when the configured command changes. So the command
//! names the form of the text and, behind it, the names that were learned (`--form=3.1f0c`);
//! a program that speaks another form, or knows other names, brings the configuration up to
//! date.
//!
//! For the same reason `GIT_COMFY=0` changes nothing here: git would keep the bare file as
//! if it were the text. `git log -p --no-textconv` shows bare files.

use std::path::PathBuf;

use crate::differences::content::FileContent;
use crate::differences::{content, text};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::files;
use crate::platform::git::command::GitCommand;
use crate::platform::git::program_settings::update_textconv_setting;
use crate::platform::machine::node_catalog::{self, catalog_key};
use crate::platform::text::sanitize;
use crate::session::Session;

/// Tell a workflow, or the one embedded in a picture, as lines of text.
#[derive(Debug, clap::Args)]
pub struct TextconvArgs {
    /// The form of the text that git has kept answers in, and a key of the names in it.
    #[arg(long, value_name = "NUMBER[.KEY]", hide = true)]
    form: Option<String>,
    /// The file.
    file: PathBuf,
}

/// Whether the configured command names another form of the text, or other names than are
/// known. One for all repositories of a person names none.
fn is_outdated(given: &str, names: &str) -> bool {
    let (form, key) = given.split_once('.').map_or((given, None), |(form, key)| (form, Some(key)));
    form != text::OUTLINE_FORMAT.to_string() || key.is_some_and(|key| key != names)
}

/// Prints the text; a file without a workflow is printed as it is.
pub fn run(args: &TextconvArgs, session: &Session) -> Result<Exit> {
    let unread = |error| {
        CommandError::system(error)
            .with_context(format!("{} cannot be read", sanitize::path(&args.file)))
    };
    let content = content::read_content(&args.file).map_err(unread)?;
    let names = session.repository().map(|repository| catalog_key(&repository.state_dir()));
    let names = names.unwrap_or_default();
    if args.form.as_ref().is_some_and(|given| is_outdated(given, &names)) {
        // If the configuration cannot be written now, the next call tries again.
        let _ = update_textconv_setting(&GitCommand::in_folder(&session.cwd), &names);
    }
    let catalog = node_catalog::catalog_for_session(session);
    let Some(content) = content else {
        let (mut file, _) = files::open_ordinary(&args.file).map_err(unread)?;
        session.ui.print_stream(&mut file)?;
        return Ok(Exit::Done);
    };
    match content {
        FileContent::Graph(document) => {
            let text = text::outline(document, &catalog).unwrap_or_default();
            session.ui.print_bytes(text.as_bytes())?;
        }
        FileContent::Output(output) => {
            let text = output.graph().cloned().and_then(|graph| text::outline(graph, &catalog));
            let told = format!("{}\n{}", output.description, text.unwrap_or_default());
            session.ui.print_bytes(told.as_bytes())?;
        }
        FileContent::Other(bytes) => session.ui.print_bytes(&bytes)?,
    }
    Ok(Exit::Done)
}
