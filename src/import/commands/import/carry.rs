//! Carries a plan out: reports each version line, and makes the commits.

use std::path::Path;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::Workflow;
use jiff::Zoned;

use super::plan::Line;
use super::source::bytes_of;
use super::steps::{Before, Fate, Outlook};
use crate::differences::compared::compare;
use crate::differences::content::{self, Content};
use crate::differences::text::terminal::{self, Look, WordDiff};
use crate::differences::text::{Layout, one_line, story};
use crate::differences::widget_names;
use crate::error::Result;
use crate::import::history::{self, Chain, State};
use crate::layouts::Filter;
use crate::platform::git::{ObjectId, Person, RepoPath, Repository, commit_range};
use crate::platform::text::{Colour, sanitize};
use crate::runs::run_store::Shelf;
use crate::session::Session;

const SUBJECT: usize = 72;
const BODY: usize = 100;
const MOST_LINES: usize = 40;
/// Below this many versions no bar is shown.
const MANY: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Telling,
    Committing,
}

#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Commits made, or to be made.
    pub(crate) commits: usize,
    /// Versions that were in the history already.
    pub(crate) known: usize,
    /// `HEAD` before the import, as a short id.
    pub(crate) before: Option<String>,
}

/// Reports each version line and commits what is new: the versions of all lines by date, each
/// line in its own order. The run store, where there is one, knows the graphs of blobs that
/// are in the history. One version is in memory at a time.
pub(crate) fn carry_out(
    lines: &[Line],
    folder: &Path,
    doing: Doing,
    known: (&Repository, Option<&Shelf>),
    session: &Session,
) -> Result<Done> {
    let (repository, shelf) = known;
    let before = Before::of(repository, lines, shelf)?;
    let head = repository.head()?.map(commit_range::short);
    let mut done = Done { before: head, ..Done::default() };
    let mut work = Work {
        folder,
        repository,
        filter: Filter::new(Some(repository)),
        chain: match doing {
            Doing::Committing => Some(Chain::begin(repository)?),
            Doing::Telling => None,
        },
        naming: widget_names::of(repository),
        person: repository.committer()?,
    };
    let mut threads = Vec::with_capacity(lines.len());
    for line in lines {
        let outlook = before.outlook(line, folder, &mut work.filter)?;
        done.known += outlook.known;
        threads.push(Thread::of(line, outlook));
    }
    done.commits = work.all(&mut threads, session)?;
    for thread in &threads {
        session.ui.out(&thread.told())?;
    }
    session.tell_remarks(&work.filter.take_remarks());
    if let Some(chain) = work.chain {
        chain.finish()?;
    }
    Ok(done)
}

/// A version line while its versions are imported.
struct Thread<'l> {
    line: &'l Line,
    outlook: Outlook,
    /// The blob of the file after the versions so far.
    last: Option<ObjectId>,
    /// The version that blob is from; none: it is that of the last commit.
    from: Option<usize>,
    /// A line of text for each version.
    text: String,
}

impl<'l> Thread<'l> {
    fn of(line: &'l Line, outlook: Outlook) -> Thread<'l> {
        let last = outlook.committed;
        Thread { line, outlook, last, from: None, text: String::new() }
    }

    fn told(&self) -> String {
        let file = sanitize::line(&self.line.file);
        let mut text = match &self.outlook.fate {
            Fate::Not(why) => format!("{file}\n  left as it is: {why}\n"),
            Fate::New(_) if self.text.is_empty() => String::new(),
            Fate::New(_) => format!("{file}\n{}", self.text),
        };
        for at in &self.outlook.late {
            let from = sanitize::line(&self.line.versions[*at].from);
            text.push_str(&format!(
                "note: {from} is left out: {file} is in the history in a newer version\n"
            ));
        }
        text
    }
}

/// All new versions by date, with the index of their line and their own in it. A version with
/// a date before the one that it follows comes right behind that one.
fn in_order(threads: &[Thread<'_>]) -> Result<Vec<(Zoned, usize, usize)>> {
    let mut queue = Vec::new();
    for (number, thread) in threads.iter().enumerate() {
        let Fate::New(new) = &thread.outlook.fate else { continue };
        let mut newest = None;
        for at in new {
            let date = thread.line.versions[*at].date()?;
            newest = newest.max(Some(date.timestamp()));
            queue.push((newest, (date, number, *at)));
        }
    }
    queue.sort_by_key(|(moment, (_, thread, at))| (*moment, *thread, *at));
    Ok(queue.into_iter().map(|(_, version)| version).collect())
}

struct Work<'r> {
    folder: &'r Path,
    repository: &'r Repository,
    filter: Filter<'r>,
    chain: Option<Chain<'r>>,
    naming: Catalog,
    person: Person,
}

impl Work<'_> {
    /// Imports all new versions. Gives how many changed their file.
    fn all(&mut self, threads: &mut [Thread<'_>], session: &Session) -> Result<usize> {
        let queue = in_order(threads)?;
        let bar = (queue.len() >= MANY).then(|| session.ui.count_bar("comparing versions"));
        if let Some(bar) = &bar {
            bar.extend(queue.len() as u64);
        }
        let mut count = 0;
        for (date, thread, at) in &queue {
            count += usize::from(self.version(&mut threads[*thread], *at, date)?);
            if let Some(bar) = &bar {
                bar.advance(1);
            }
        }
        if let Some(bar) = &bar {
            bar.finish();
        }
        Ok(count)
    }

    /// Imports one version. Gives whether it differs from the one before.
    fn version(&mut self, thread: &mut Thread<'_>, at: usize, date: &Zoned) -> Result<bool> {
        let path = RepoPath::new(thread.line.file.as_bytes());
        let name = thread.line.file.rsplit('/').next().unwrap_or_default();
        let name = name.trim_end_matches(".json");
        let saved = &thread.line.versions[at];
        let bytes = bytes_of(self.folder, &saved.from)?;
        let clean = history::cleaned(&mut self.filter, self.repository.format(), &path, &bytes);
        if thread.last == Some(clean.blob) {
            return Ok(false);
        }
        let before = self.before(thread, &path)?;
        let told = told(name, before, content::read(clean.content.to_vec()), &self.naming);
        (thread.last, thread.from) = (Some(clean.blob), Some(at));
        let (from, shown) = (sanitize::line(&saved.from), date.strftime("%Y-%m-%d %H:%M"));
        thread.text.push_str(&format!("  {shown}  {from}  {}\n", told.change));
        if let Some(chain) = &mut self.chain {
            chain.add(State {
                path,
                content: clean,
                author: author(&self.person, date),
                message: format!("{}\n\n{}Imported from {from}\n", told.subject, told.body),
            })?;
        }
        Ok(true)
    }

    fn before(&mut self, thread: &Thread<'_>, path: &RepoPath) -> Result<Content> {
        Ok(match (thread.from, thread.last) {
            (Some(at), _) => {
                let bytes = bytes_of(self.folder, &thread.line.versions[at].from)?;
                let format = self.repository.format();
                let clean = history::cleaned(&mut self.filter, format, path, &bytes);
                content::read(clean.content.into_owned())
            }
            (None, Some(id)) => content::read(self.repository.blob(id)?.unwrap_or_default()),
            (None, None) => Content::NOTHING,
        })
    }
}

/// Whoever commits now, at the moment of the export.
fn author(person: &Person, date: &Zoned) -> Person {
    Person {
        seconds: date.timestamp().as_second(),
        offset: date.offset().seconds() / 60,
        ..person.clone()
    }
}

/// The parts of the message of a commit.
struct Told {
    subject: String,
    change: String,
    /// The whole change, where the subject has no room for it; then it ends in an empty line.
    body: String,
}

fn told(name: &str, before: Content, now: Content, naming: &Catalog) -> Told {
    let name = sanitize::line(name);
    let room = SUBJECT.saturating_sub(name.chars().count() + 2).max(20);
    let is_first = matches!(&before, Content::Other(bytes) if bytes.is_empty());
    let (change, body) = match now {
        Content::Graph(value) if is_first => {
            let prompt = value.as_object().map_or(0, comfy_graph::json::Object::len);
            let count = Workflow::from_value(value).map_or(prompt, |w| w.nodes().count());
            (format!("new workflow: {}", commit_range::nodes(count)), String::new())
        }
        now => match compare(before, now, naming) {
            Some(compared) => {
                let story = compared.story(Layout::Folded);
                (one_line(&story, room), body(&story, room))
            }
            None => ("new content".to_owned(), String::new()),
        },
    };
    Told { subject: format!("{name}: {change}"), change, body }
}

/// The whole change, if the subject has no room for it; else empty.
fn body(story: &story::Story, room: usize) -> String {
    if one_line(story, usize::MAX) == one_line(story, room) {
        return String::new();
    }
    let look = Look { colour: Colour::Off, words: WordDiff::Plain, width: BODY };
    let text = terminal::show(story, look);
    let mut body = String::new();
    for line in text.lines().take(MOST_LINES) {
        // A line that begins with `#` would be a comment to git's editor.
        body.push_str(line.strip_prefix('#').map_or(line, str::trim_start));
        body.push('\n');
    }
    let more = text.lines().count().saturating_sub(MOST_LINES);
    if more > 0 {
        body.push_str(&format!("… {more} more lines\n"));
    }
    body.push('\n');
    body
}
