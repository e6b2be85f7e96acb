//! `git comfy doctor`: what is wrong, and how it is mended.

use serde_json::json;

use crate::error::Result;
use crate::exit::Exit;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::setup::doctor::{DoctorContext, DoctorFinding, FindingHealth, recorder};
use crate::setup::{SetupState, doctor};

/// Check every link of the chain between a workflow and git.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Changes no setting. Leaves with 0 when everything works, and with 1 when something is broken; \
`mend` says what to do about it. The schema of --json is in docs/doctor.md.")]
pub struct DoctorArgs {
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

pub(crate) fn run(args: &DoctorArgs, session: &Session) -> Result<Exit> {
    let environment = &session.environment;
    let repository = session.up_to_date_repository();
    let context = DoctorContext {
        folder: session.cwd.clone(),
        state: SetupState::read(&session.cwd, environment.config_home.as_deref())?,
        program: environment.program.clone(),
        path: environment.path.clone(),
        switched_off: environment.switched_off,
    };
    let mut findings = doctor::run_checks(&context)?;
    if let Ok(repository) = repository {
        findings.extend(recorder::check_recorder(session, &repository)?);
    }
    let text =
        if args.json { format_json(&context, &findings) } else { format_text(&context, &findings) };
    session.ui.print(&text)?;
    let broken = findings.iter().any(|finding| finding.health == FindingHealth::Broken);
    Ok(if broken { Exit::Negative } else { Exit::Done })
}

fn format_text(context: &DoctorContext, findings: &[DoctorFinding]) -> String {
    let mut text = match &context.state.work_tree {
        Some(place) => format!("{}\n", sanitize::path(&place.top)),
        None => "not in a repository: only this machine was looked at\n".to_owned(),
    };
    for finding in findings {
        let (mark, style) = match finding.health {
            FindingHealth::Good => ("ok    ", anstyle::AnsiColor::Green),
            FindingHealth::Note => ("note  ", anstyle::AnsiColor::Yellow),
            FindingHealth::Broken => ("broken", anstyle::AnsiColor::Red),
        };
        let style = style.on_default();
        text += &format!("{style}{mark}{style:#}  {}\n", sanitize::line(&finding.what));
        if let Some(mend) = &finding.mend {
            text += &format!("        mend: {}\n", sanitize::line(mend));
        }
    }
    let broken = findings.iter().filter(|finding| finding.health == FindingHealth::Broken).count();
    text += &match broken {
        0 => "everything works\n".to_owned(),
        count => format!("{} broken\n", counted(count, "thing is", "things are")),
    };
    text
}

fn format_json(context: &DoctorContext, findings: &[DoctorFinding]) -> String {
    let findings: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check,
                "health": finding.health.name(),
                "what": finding.what,
                "mend": finding.mend,
            })
        })
        .collect();
    let place = context.state.work_tree.as_ref();
    let report = json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "git": context.state.version.to_string(),
        "repository": place.map(|place| place.top.display().to_string()),
        "healthy": findings.iter().all(|finding| finding["health"] != "broken"),
        "findings": findings,
    });
    format!("{report:#}\n")
}
