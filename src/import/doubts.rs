//! The doubts of an import plan: put into words, and asked about in the terminal.

use std::io::{BufRead, IsTerminal};

use crate::error::Result;
use crate::import::model::{ImportChoice, ImportDoubt, ImportPlan};
use crate::platform::text::sanitize;
use crate::ui::Ui;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DoubtsOutcome {
    Settled,
    /// The person wants no import at all.
    Stopped,
}

pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks about each doubt in turn and applies the answers to the plan. The end of `answers`
/// stops, as `q` does.
pub(crate) fn ask_about_doubts(
    plan: &mut ImportPlan,
    remarks: &[ImportDoubt],
    answers: &mut dyn BufRead,
    ui: Ui,
) -> Result<DoubtsOutcome> {
    for (at, remark) in remarks.iter().enumerate() {
        let more = format!("({} of {})", at + 1, remarks.len());
        let choices = remark.choices();
        let mut text = format!("{} {more}\n", describe_doubt(remark));
        for (number, choice) in choices.iter().enumerate() {
            text.push_str(&format!("  {}  {}\n", number + 1, describe_choice(remark, *choice)));
        }
        ui.warn(text.trim_end());
        let choice = loop {
            ui.prompt(&format!("1-{}, Enter for 1, q to stop: ", choices.len()));
            let mut line = String::new();
            if answers.read_line(&mut line)? == 0 {
                return Ok(DoubtsOutcome::Stopped);
            }
            match parse_answer(line.trim(), choices) {
                DoubtAnswer::Choice(choice) => break choice,
                DoubtAnswer::Stop => return Ok(DoubtsOutcome::Stopped),
                DoubtAnswer::Unclear => {}
            }
        };
        plan.apply_choice(remark, choice);
    }
    Ok(DoubtsOutcome::Settled)
}

enum DoubtAnswer {
    Choice(ImportChoice),
    Stop,
    Unclear,
}

fn parse_answer(text: &str, choices: &[ImportChoice]) -> DoubtAnswer {
    let chosen = |number: usize| choices.get(number.checked_sub(1)?).copied();
    match text {
        "" => DoubtAnswer::Choice(ImportChoice::AsPlanned),
        "q" | "Q" => DoubtAnswer::Stop,
        text => {
            text.parse().ok().and_then(chosen).map_or(DoubtAnswer::Unclear, DoubtAnswer::Choice)
        }
    }
}

fn describe_choice(remark: &ImportDoubt, choice: ImportChoice) -> String {
    let line = |text: &str| sanitize::line(text).into_owned();
    match (remark, choice) {
        (_, ImportChoice::LeaveOut) => "leave it out".to_owned(),
        (_, ImportChoice::OrderByDate) => "the dates decide for all its versions".to_owned(),
        (ImportDoubt::DateContradictsName { .. }, _) => "the names decide".to_owned(),
        (ImportDoubt::SameVersion { one, other }, ImportChoice::SwapOrder) => {
            format!("{} is older than {}", line(other), line(one))
        }
        (ImportDoubt::SameVersion { one, other }, _) => {
            format!("{} is older than {}", line(one), line(other))
        }
        (ImportDoubt::UnrelatedGraph { line: name, .. }, ImportChoice::JoinLine) => {
            format!("it is a version of {}", line(name))
        }
        (ImportDoubt::UnrelatedGraph { own, .. }, _) => {
            format!("it is a workflow of its own, {}", line(own))
        }
        (ImportDoubt::PlacedByGraph { .. }, ImportChoice::SeparateLine) => {
            "it is a workflow of its own".to_owned()
        }
        (ImportDoubt::PlacedByGraph { line: name, .. }, _) => {
            format!("it is a version of {}", line(name))
        }
        (ImportDoubt::SharedWorkflowId { other, .. }, ImportChoice::JoinLine) => {
            format!("they are versions of {}", line(other))
        }
        (ImportDoubt::SharedWorkflowId { .. }, _) => "they are two workflows".to_owned(),
    }
}

/// The doubt, and how the plan resolves it, in a sentence.
pub(crate) fn describe_doubt(remark: &ImportDoubt) -> String {
    let line = |text: &str| sanitize::line(text).into_owned();
    match remark {
        ImportDoubt::DateContradictsName { earlier, later } => format!(
            "{} comes after {} by its name, but was saved before it; the names decide",
            line(later),
            line(earlier)
        ),
        ImportDoubt::UnrelatedGraph { from, line: name, own } => format!(
            "{} has the name of {} but another graph, so it becomes {}",
            line(from),
            line(name),
            line(own)
        ),
        ImportDoubt::PlacedByGraph { from, line: name } => format!(
            "{} is a version of {} by its graph; its name says nothing",
            line(from),
            line(name)
        ),
        ImportDoubt::SharedWorkflowId { line: name, other } => format!(
            "{} may go on from {}: ComfyUI gave both one id; their names keep them apart",
            line(name),
            line(other)
        ),
        ImportDoubt::SameVersion { one, other } => format!(
            "{} and {} say they are the same version; the dates decide",
            line(one),
            line(other)
        ),
    }
}
