//! The doubts of an import plan: put into words, and asked about in the terminal.

use std::io::{BufRead, IsTerminal};

use crate::error::Result;
use crate::import::model::{Choice, Plan, Remark};
use crate::platform::text::sanitize;
use crate::ui::Ui;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Settled,
    /// The person wants no import at all.
    Stopped,
}

pub(crate) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks about each doubt in turn and applies the answers to the plan. The end of `answers`
/// stops, as `q` does.
pub(crate) fn settle(
    plan: &mut Plan,
    remarks: &[Remark],
    answers: &mut dyn BufRead,
    ui: Ui,
) -> Result<End> {
    for (at, remark) in remarks.iter().enumerate() {
        let more = format!("({} of {})", at + 1, remarks.len());
        let choices = remark.choices();
        let mut text = format!("{} {more}\n", told(remark));
        for (number, choice) in choices.iter().enumerate() {
            text.push_str(&format!("  {}  {}\n", number + 1, words(remark, *choice)));
        }
        ui.warn(text.trim_end());
        let choice = loop {
            ui.ask(&format!("1-{}, Enter for 1, q to stop: ", choices.len()));
            let mut line = String::new();
            if answers.read_line(&mut line)? == 0 {
                return Ok(End::Stopped);
            }
            match answer(line.trim(), choices) {
                Answer::Choice(choice) => break choice,
                Answer::Stop => return Ok(End::Stopped),
                Answer::Unclear => {}
            }
        };
        plan.decide(remark, choice);
    }
    Ok(End::Settled)
}

enum Answer {
    Choice(Choice),
    Stop,
    Unclear,
}

fn answer(text: &str, choices: &[Choice]) -> Answer {
    let chosen = |number: usize| choices.get(number.checked_sub(1)?).copied();
    match text {
        "" => Answer::Choice(Choice::AsPlanned),
        "q" | "Q" => Answer::Stop,
        text => text.parse().ok().and_then(chosen).map_or(Answer::Unclear, Answer::Choice),
    }
}

fn words(remark: &Remark, choice: Choice) -> String {
    let line = |text: &str| sanitize::line(text).into_owned();
    match (remark, choice) {
        (_, Choice::LeftOut) => "leave it out".to_owned(),
        (_, Choice::ByDate) => "the dates decide for all its versions".to_owned(),
        (Remark::Clock { .. }, _) => "the names decide".to_owned(),
        (Remark::SameVersion { one, other }, Choice::Swapped) => {
            format!("{} is older than {}", line(other), line(one))
        }
        (Remark::SameVersion { one, other }, _) => {
            format!("{} is older than {}", line(one), line(other))
        }
        (Remark::OtherGraph { line: name, .. }, Choice::Together) => {
            format!("it is a version of {}", line(name))
        }
        (Remark::OtherGraph { own, .. }, _) => {
            format!("it is a workflow of its own, {}", line(own))
        }
        (Remark::ByGraph { .. }, Choice::Apart) => "it is a workflow of its own".to_owned(),
        (Remark::ByGraph { line: name, .. }, _) => format!("it is a version of {}", line(name)),
        (Remark::Alike { other, .. }, Choice::Together) => {
            format!("they are versions of {}", line(other))
        }
        (Remark::Alike { .. }, _) => "they are two workflows".to_owned(),
    }
}

/// The doubt, and how the plan resolves it, in a sentence.
pub(crate) fn told(remark: &Remark) -> String {
    let line = |text: &str| sanitize::line(text).into_owned();
    match remark {
        Remark::Clock { earlier, later } => format!(
            "{} comes after {} by its name, but was saved before it; the names decide",
            line(later),
            line(earlier)
        ),
        Remark::OtherGraph { from, line: name, own } => format!(
            "{} has the name of {} but another graph, so it becomes {}",
            line(from),
            line(name),
            line(own)
        ),
        Remark::ByGraph { from, line: name } => format!(
            "{} is a version of {} by its graph; its name says nothing",
            line(from),
            line(name)
        ),
        Remark::Alike { line: name, other } => format!(
            "{} may go on from {}: ComfyUI gave both one id; their names keep them apart",
            line(name),
            line(other)
        ),
        Remark::SameVersion { one, other } => format!(
            "{} and {} say they are the same version; the dates decide",
            line(one),
            line(other)
        ),
    }
}
