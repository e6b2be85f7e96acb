//! `git comfy import`: exported workflows become history.
//!
//! First a plan (`record::past`), which is shown; then one commit for each version. Files
//! are only read. What is in the history already is left out, so that bringing the same
//! folder in again adds only what is new.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned, civil};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::commits;
use super::compared::compare;
use super::content::{self, Content};
use super::folder::{self, Links};
use super::{naming, whole_file};
use crate::canon::{self, Mode, Outcome};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::git::past::{self, State};
use crate::git::{CommitId, Filter, Kind, ObjectId, Person, RepoPath, Repository};
use crate::graph::Workflow;
use crate::json;
use crate::record::past::{Day, Export, Line, Plan, Portrait, Remark, Version, plan};
use crate::render::{Layout, one_line, sanitize};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  git comfy import ~/exports --dry-run       what would become of these files?
  git comfy import ~/exports                 one commit for each version
  git comfy import ~/exports --write-plan plan.json
  git comfy import ~/exports --plan plan.json    after editing it

Names such as portrait-v7-final-2026-02-20.json, `portrait (1).json` and `portrait copy 2.json`
are versions of portrait.json. Nothing is deleted, and nothing is committed twice.";

/// Turn saved exports into history, a commit for each version.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder with the exports.
    folder: PathBuf,
    /// Only show what would be done.
    #[arg(long)]
    dry_run: bool,
    /// The folder of the repository that the workflows go into; else the one you are in.
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// Write the plan into a file, to be edited, and do nothing else.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    write_plan: Option<PathBuf>,
    /// Do what the plan in this file says.
    #[arg(long, value_name = "FILE", conflicts_with = "write_plan")]
    plan: Option<PathBuf>,
}

/// The longest subject of a commit.
const SUBJECT: usize = 72;

/// A plan as a file.
#[derive(Debug, Serialize, Deserialize)]
struct PlanFile {
    git_comfy_import: u32,
    lines: Vec<PlanLine>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlanLine {
    /// The file in the repository, from its top.
    file: String,
    versions: Vec<PlanVersion>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlanVersion {
    /// The export, below the folder.
    from: String,
    /// When it was saved, as RFC 3339 with the zone's offset.
    date: String,
}

/// A version that is to be committed.
struct Step {
    path: RepoPath,
    from: String,
    date: Zoned,
    content: Vec<u8>,
}

/// What becomes of one line.
enum Fate {
    /// These versions are new.
    New {
        /// What is to be committed, oldest first.
        steps: Vec<Step>,
        /// Versions that are older than one in the history already.
        late: Vec<String>,
    },
    /// It stays as it is, because …
    Not(String),
}

/// Plans, shows and commits.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    repository.require_work_tree()?;
    if !args.folder.is_dir() {
        let name = args.folder.to_string_lossy();
        return Err(Failure::new(format!("{} is no folder", sanitize::line(&name))));
    }
    let (lines, remarks) = match &args.plan {
        Some(file) => (read_plan(file)?, Vec::new()),
        None => planned(args, session, &repository)?,
    };
    if let Some(file) = &args.write_plan {
        return write_plan(file, lines, &remarks, session);
    }
    let mut filter = Filter::new(Some(&repository));
    let mut text = String::new();
    let mut states = Vec::new();
    let mut known = 0;
    for line in &lines {
        let fate = fate(line, &args.folder, &repository, &mut filter, &mut known)?;
        match fate {
            Fate::New { steps, late } => {
                tell_line(line, steps, &repository, &mut text, &mut states)?;
                for from in late {
                    let (from, file) = (sanitize::line(&from), sanitize::line(&line.file));
                    text.push_str(&format!(
                        "note: {from} is left out: {file} is in the history in a newer version\n"
                    ));
                }
            }
            Fate::Not(why) => {
                text.push_str(&format!("{}\n  left as it is: {why}\n", sanitize::line(&line.file)));
            }
        }
    }
    remarks.iter().for_each(|remark| text.push_str(&format!("note: {}\n", told(remark))));
    session.ui.out(&text)?;
    let count = states.len();
    let before = if known > 0 { format!("; {known} in history already") } else { String::new() };
    if args.dry_run || count == 0 {
        session.ui.say(&format!("{}{before}", would(count)));
        return Ok(Exit::Done);
    }
    past::commit_states(&repository, &states)?;
    let commits = if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") };
    session.ui.say(&format!("{commits} made{before}; the exports lie where they were"));
    Ok(Exit::Done)
}

fn would(count: usize) -> String {
    match count {
        0 => "nothing new to commit".to_owned(),
        1 => "1 commit would be made".to_owned(),
        count => format!("{count} commits would be made"),
    }
}

/// The plan for a folder, its files named from the top of the repository.
fn planned(
    args: &Args,
    session: &Session,
    repository: &Repository,
) -> Result<(Vec<PlanLine>, Vec<Remark>)> {
    let into = match &args.into {
        Some(folder) => session.cwd.join(folder),
        None => session.cwd.clone(),
    };
    let top = past_place(repository, &into)?;
    let Plan { lines, remarks } = plan(exports(&args.folder)?);
    let place = |line: Line| PlanLine {
        file: format!("{top}{}", line.file),
        versions: line
            .versions
            .iter()
            .map(|version| PlanVersion {
                from: version.export.from.clone(),
                date: moment(version).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            })
            .collect(),
    };
    Ok((lines.into_iter().map(place).collect(), remarks))
}

/// A folder of the work tree from its top, with a slash behind; empty for the top.
fn past_place(repository: &Repository, folder: &Path) -> Result<String> {
    let outside = || {
        let name = folder.to_string_lossy();
        Failure::new(format!("{} is not in the work tree", sanitize::line(&name)))
    };
    std::fs::create_dir_all(folder)?;
    let place = crate::git::merging::path_of(repository, &folder.join("x")).ok_or_else(outside)?;
    let text = String::from_utf8(place.as_bytes().to_vec()).map_err(|_| outside())?;
    Ok(text.strip_suffix('x').unwrap_or_default().to_owned())
}

/// The moment of a version, in the zone of this machine: that of the file where the name
/// does not speak of another day, else noon of that day.
fn moment(version: &Version) -> Zoned {
    let zone = TimeZone::system();
    let Day { year, month, day } = version.day();
    let noon = || {
        let date = civil::Date::new(year.cast_signed(), month.cast_signed(), day.cast_signed());
        date.ok()?.at(12, 0, 0, 0).to_zoned(zone.clone()).ok()
    };
    let saved = Timestamp::from_second(version.saved().unwrap_or(version.export.saved));
    let saved = saved.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    if version.saved().is_some() { saved } else { noon().unwrap_or(saved) }
}

/// The workflows below a folder.
fn exports(folder: &Path) -> Result<Vec<Export>> {
    let mut exports = Vec::new();
    for path in folder::files(folder, Links::None, &folder::is_json)?.files {
        let Some(from) = below(folder, &path) else { continue };
        let Some(bytes) = whole_file::read(&path)? else { continue };
        let Ok(value) = json::parse(&bytes) else { continue };
        let Ok(workflow) = Workflow::from_value(value) else { continue };
        let content = match canon::clean(&bytes, Mode::Strip) {
            Outcome::Cleaned(cleaned) => cleaned.content,
            Outcome::Untouched(_) => bytes,
        };
        let saved = saved(&path)?;
        let at = saved.to_zoned(TimeZone::system());
        exports.push(Export {
            from,
            content: crate::record::to_hex(&Sha256::digest(&content)),
            portrait: Portrait::of(&workflow),
            saved: saved.as_second(),
            saved_on: Day {
                year: at.year().cast_unsigned(),
                month: at.month().cast_unsigned(),
                day: at.day().cast_unsigned(),
            },
        });
    }
    Ok(exports)
}

/// A file's path below a folder, with `/`; nothing if it is no text.
fn below(folder: &Path, file: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        file.strip_prefix(folder).ok()?.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

fn saved(path: &Path) -> Result<Timestamp> {
    let time = path.metadata()?.modified()?;
    let now = Timestamp::now();
    // A clock that ran ahead must not put commits into the future.
    Ok(Timestamp::try_from(time).unwrap_or(now).min(now.saturating_add(1.hour()).unwrap_or(now)))
}

/// What is new of a line, or why it cannot be brought in.
fn fate(
    line: &PlanLine,
    folder: &Path,
    repository: &Repository,
    filter: &mut Filter<'_>,
    known: &mut usize,
) -> Result<Fate> {
    let path = RepoPath::new(line.file.as_bytes());
    let states = past::states_of(repository, &path)?;
    let now = match repository.head()? {
        Some(head) => entry(repository, head, &path)?,
        None => None,
    };
    let (mut steps, mut late): (Vec<Step>, Vec<String>) = Default::default();
    let mut blobs = Vec::new();
    for version in &line.versions {
        let content = bytes_of(folder, &version.from)?;
        let blob = repository.format().id_of(Kind::Blob, &past::cleaned(filter, &path, &content));
        if states.contains(&blob) {
            *known += 1;
            late.extend(steps.drain(..).map(|step| step.from));
        } else if blobs.last() != Some(&blob) {
            let (path, from) = (path.clone(), version.from.clone());
            steps.push(Step { path, from, date: date(version)?, content });
        }
        blobs.push(blob);
    }
    if steps.is_empty() {
        return Ok(Fate::New { steps, late });
    }
    let here = repository.require_work_tree()?.join(path.to_path());
    Ok(match now {
        Some(now) if blobs.contains(&now) => Fate::New { steps, late },
        Some(_) => Fate::Not(
            "it is in the history with content that is none of these versions; a plan can give \
             the line another `file`, or bring them in with --into"
                .into(),
        ),
        None if here.symlink_metadata().is_ok() => {
            Fate::Not("such a file lies there and is not committed: commit it or move it".into())
        }
        None => Fate::New { steps, late },
    })
}

fn entry(repository: &Repository, commit: CommitId, path: &RepoPath) -> Result<Option<ObjectId>> {
    let Some(commit) = repository.commit(commit)? else { return Ok(None) };
    Ok(repository.entry_at(commit.tree, path)?.map(|entry| entry.id))
}

fn date(version: &PlanVersion) -> Result<Zoned> {
    let bad = |_| {
        let (date, from) = (sanitize::line(&version.date), sanitize::line(&version.from));
        Failure::new(format!("the date of {from} is no date: {date}"))
            .hint("as in 2026-02-20T18:30:00+01:00")
    };
    let parts = jiff::fmt::temporal::DateTimeParser::new();
    let pieces = parts.parse_pieces(&version.date).map_err(bad)?;
    let stamp: Timestamp = version.date.parse().map_err(bad)?;
    let offset = match pieces.to_numeric_offset() {
        Some(offset) => TimeZone::fixed(offset),
        None => TimeZone::system(),
    };
    Ok(stamp.to_zoned(offset))
}

/// An export's bytes. A plan may come from anywhere: it names files below the folder only.
fn bytes_of(folder: &Path, from: &str) -> Result<Vec<u8>> {
    let name = sanitize::line(from);
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']);
    if !from.split('/').all(plain) {
        return Err(Failure::new(format!("{name} is no file below the folder")));
    }
    whole_file::read(&folder.join(from))?.ok_or_else(|| Failure::new(format!("{name} is too long")))
}

/// A line's new versions in the plan's text, and as states to commit.
fn tell_line(
    line: &PlanLine,
    steps: Vec<Step>,
    repository: &Repository,
    text: &mut String,
    states: &mut Vec<State>,
) -> Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let naming = naming::of(repository);
    text.push_str(&format!("{}\n", sanitize::line(&line.file)));
    let committed = match repository.head()? {
        Some(head) => entry(repository, head, &steps[0].path)?,
        None => None,
    };
    let committed = committed.map(|id| repository.blob(id)).transpose()?.flatten();
    let mut before = committed.unwrap_or_default();
    let person = repository.committer()?;
    for step in steps {
        let new = content::read(step.content.clone());
        let name = line.file.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
        let room = SUBJECT.saturating_sub(name.chars().count() + 2).max(20);
        let change = match (before.is_empty(), new) {
            (true, Content::Graph(value)) => {
                let count = Workflow::from_value(value).map_or(0, |w| w.nodes().count());
                format!("new workflow: {}", commits::nodes(count))
            }
            (_, new) => compare(content::read(before), new, &naming)
                .map(|compared| one_line(&compared.story(Layout::Folded), room))
                .unwrap_or_default(),
        };
        let subject = format!("{}: {change}", sanitize::line(name));
        text.push_str(&format!(
            "  {}  {}  {change}\n",
            step.date.strftime("%Y-%m-%d %H:%M"),
            sanitize::line(&step.from)
        ));
        states.push(State {
            path: step.path,
            author: Person {
                seconds: step.date.timestamp().as_second(),
                offset: step.date.offset().seconds() / 60,
                ..person.clone()
            },
            message: format!("{subject}\n\nImported from {}\n", sanitize::line(&step.from)),
            content: step.content.clone(),
        });
        before = step.content;
    }
    Ok(())
}

fn told(remark: &Remark) -> String {
    let line = |text: &str| sanitize::line(text).to_string();
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
        Remark::ByGraph { from, line: name } => {
            format!(
                "{} is a version of {} by its graph; its name says nothing",
                line(from),
                line(name)
            )
        }
        Remark::SameVersion { one, other } => {
            format!(
                "{} and {} say they are the same version; the dates decide",
                line(one),
                line(other)
            )
        }
    }
}

fn read_plan(file: &Path) -> Result<Vec<PlanLine>> {
    let name = file.to_string_lossy();
    let name = sanitize::line(&name);
    let bytes =
        whole_file::read(file)?.ok_or_else(|| Failure::new(format!("{name} is too long")))?;
    let plan: PlanFile = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(format!("{name} is no plan: {error}")))?;
    if plan.git_comfy_import != 1 {
        return Err(Failure::new(format!("{name} is a plan of another version of git-comfy")));
    }
    for line in &plan.lines {
        let plain = |part: &str| !matches!(part, "" | "." | ".." | ".git");
        if !line.file.split('/').all(plain) || line.file.contains('\\') {
            let file = sanitize::line(&line.file);
            return Err(Failure::new(format!("{name}: {file} is no path in the repository")));
        }
    }
    Ok(plan.lines)
}

fn write_plan(
    file: &Path,
    lines: Vec<PlanLine>,
    remarks: &[Remark],
    session: &Session,
) -> Result<Exit> {
    let plan = PlanFile { git_comfy_import: 1, lines };
    let mut text = serde_json::to_string_pretty(&plan)
        .map_err(|error| Failure::new(format!("the plan cannot be written: {error}")))?;
    text.push('\n');
    whole_file::write(file, text.as_bytes())?;
    for remark in remarks {
        session.ui.say(&format!("note: {}", told(remark)));
    }
    let name = file.to_string_lossy();
    session.ui.say(&format!(
        "edit {0}, then: git comfy import --plan {0} <the folder>",
        sanitize::line(&name)
    ));
    Ok(Exit::Done)
}
