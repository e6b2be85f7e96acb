//! Output as git shows it: colours by git's rules, git's pager, the width of the terminal.

use std::io::{self, Write};

use crate::error::Result;
use crate::platform::git::command::GitCommand;
use crate::platform::git::config::parse_bool;
use crate::platform::git::pager::Pager;
use crate::platform::text::Colour;
use crate::session::Session;
use crate::ui::{OutputPipe, Ui};

/// When to show colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColourChoice {
    /// Where a person sees them, unless git's configuration says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Options that all commands share whose output can be long.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ScreenArgs {
    /// When to show colours [default: as git does].
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true,
          default_value = "auto", default_missing_value = "always", hide_default_value = true)]
    color: ColourChoice,
    /// No colours.
    #[arg(long, hide = true, conflicts_with = "color")]
    no_color: bool,
    /// Do not start a pager.
    #[arg(long)]
    no_pager: bool,
}

/// Where the output of a command goes, and how it is to look.
#[derive(Debug)]
pub(crate) struct Screen {
    pub(crate) colour: Colour,
    pub(crate) width: usize,
    ui: Ui,
    pager: Option<Pager>,
}

/// The width where the output is no terminal.
const DEFAULT_WIDTH: usize = 100;

impl Screen {
    /// Opens the output of a command, with the colour and pager settings of the git command
    /// `like`.
    pub(crate) fn open(session: &Session, args: &ScreenArgs, like: &str) -> Screen {
        let ui = session.ui;
        let width =
            session.environment.columns.or_else(|| ui.terminal_columns()).unwrap_or(DEFAULT_WIDTH);
        let wish = if args.no_color { ColourChoice::Never } else { args.color };
        let colour = match wish {
            ColourChoice::Auto => resolve_colour(session, like),
            ColourChoice::Always => Colour::On,
            ColourChoice::Never => Colour::Off,
        };
        let pager =
            (ui.is_terminal() && !args.no_pager).then(|| start_pager(session, like)).flatten();
        Screen { colour, width, ui, pager }
    }

    /// Writes a piece. On `OutputPipe::Closed` (the pager was left, the pipe is closed) there is no
    /// need to go on.
    pub(crate) fn write(&mut self, text: &[u8]) -> Result<OutputPipe> {
        let Some(pager) = &mut self.pager else { return Ok(self.ui.print_chunk(text)?) };
        match pager.write_all(text).and_then(|()| pager.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(OutputPipe::Closed),
            result => Ok(result.map(|()| OutputPipe::Open)?),
        }
    }
}

/// git's own rule: colour for a person, unless the configuration says otherwise.
/// `like` names git's command, whose own setting comes first.
pub(crate) fn resolve_colour(session: &Session, like: &str) -> Colour {
    let sees = session.environment.pager_in_use || session.ui.is_terminal();
    let settings = session.repository().and_then(|repository| repository.settings("color."));
    let settings = settings.unwrap_or_else(|_| read_user_settings(session, "^color\\."));
    let last = |key: &str| {
        let mut all = settings.iter().rev();
        all.find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    };
    let on = match last(&format!("color.{like}")).or_else(|| last("color.ui")) {
        Some("always") => true,
        Some("never") => false,
        Some(value) if parse_bool(value) == Some(false) => false,
        _ => sees && !session.environment.no_colour,
    };
    if on { Colour::On } else { Colour::Off }
}

fn start_pager(session: &Session, like: &str) -> Option<Pager> {
    let variables = &session.environment.pager;
    let settings = match session.repository() {
        Ok(repository) => {
            let mut all = repository.settings("pager.").unwrap_or_default();
            all.extend(repository.settings("core.").unwrap_or_default());
            all
        }
        Err(_) => read_user_settings(session, "^(pager\\.|core\\.pager$)"),
    };
    let last = |key: &str| {
        let mut all = settings.iter().rev();
        all.find(|(name, _)| name == key).map(|(_, value)| value.clone())
    };
    // A truth value, or a pager for this command alone.
    if let Some(own) = last(&format!("pager.{like}")) {
        match parse_bool(&own) {
            Some(true) => {}
            Some(false) => return None,
            None => return Pager::start(&own, &variables.defaults),
        }
    }
    let line = variables.git_pager.clone().or_else(|| last("core.pager"));
    let line = line.or_else(|| variables.pager.clone());
    Pager::start(line.as_deref().unwrap_or("less"), &variables.defaults)
}

/// The user's settings, outside of any repository.
fn read_user_settings(session: &Session, pattern: &str) -> Vec<(String, String)> {
    let listing = GitCommand::in_folder(&session.cwd)
        .args(["config", "-z", "--get-regexp", pattern])
        .output_if_found();
    let listing = listing.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&listing);
    let pair =
        |entry: &str| entry.split_once('\n').map(|(key, value)| (key.to_owned(), value.to_owned()));
    text.split('\0').filter_map(pair).collect()
}
