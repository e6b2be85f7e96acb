//! `--apply`: what is put back is shown, the person is asked, and it is done.

use std::io::{BufRead, IsTerminal};

use super::ReproduceArgs;
use crate::error::{CommandError, Result};
use crate::platform::text::sanitize;
use crate::reproduce::apply::{ApplyStep, collect_steps};
use crate::reproduce::plan::PreparedReproduction;
use crate::session::Session;

/// Shows what can be done, asks, and does it. Gives whether anything was.
pub(crate) fn apply_steps(
    session: &Session,
    ready: &PreparedReproduction,
    args: &ReproduceArgs,
) -> Result<bool> {
    let steps = collect_steps(&ready.plan);
    if steps.is_empty() {
        session.ui.info("there is nothing to apply");
        return Ok(false);
    }
    for step in &steps {
        session.ui.warn(&format!("  {}", sanitize::line(&step.describe())));
    }
    if !args.yes && !confirm_steps(session)? {
        session.ui.info("nothing was changed");
        return Ok(false);
    }
    let repository = session.repository()?;
    for step in &steps {
        step.apply(&repository)?;
    }
    if steps.iter().any(|step| matches!(step, ApplyStep::CheckOutPack { .. })) {
        session.ui.info("restart ComfyUI, so that it loads the packs as they are now");
    }
    Ok(true)
}

fn confirm_steps(session: &Session) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(
            CommandError::user("nobody is here to ask").with_hint("--yes does it without asking")
        );
    }
    session.ui.warn("Do this? [y/N]");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
