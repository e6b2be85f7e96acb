//! git's long-running filter protocol, version 2: one process for all files of a git
//! command (`gitattributes(5)`, "Long Running Filter Process").
//!
//! The conversation is read with gix's half of it. Each answer leaves in one write: git
//! waits for it, and every write wakes git up. Content is no reason for `status=error`:
//! a file that is none of ours comes back as it was. A layout that cannot be kept is one.
//!
//! In a checkout git offers not to wait for each file (`can-delay`): then the files are
//! worked on at the same time (`ahead`).
//!
//! git sends a whole file before it reads the answer. So a file beyond the limit cannot be
//! handed through while it arrives; it goes through a file on disk instead of memory.

pub mod ahead;

use std::fs::File;
use std::io;
use std::io::{BufRead, Read, Seek, SeekFrom, Write};

use ahead::Ahead;
use gix::filter::plumbing::driver::process::Server;

use super::filter::{Checkout, Filter, Target};
use super::keeping;
use crate::platform::git::{Error, ObjectId, RepoPath, Repository, Result};

/// The most bytes of one packet.
const PACKET: usize = 65516;

/// A buffer that grew beyond this is not kept for the next file.
const KEPT: usize = 4 << 20;

/// What the filter is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Filter.
    On,
    /// Let everything pass (`GIT_COMFY=0`).
    Off,
}

/// Serves git on standard input and output until it has no more files. `warn` is given
/// each line for the person.
pub fn serve(
    repository: Option<&Repository>,
    power: Power,
    warn: &mut dyn FnMut(&str),
) -> Result<()> {
    // Whether git would delay a file also tells whether it is for the work tree.
    let capabilities: &[&str] = match power {
        Power::On => &["clean", "smudge", "delay"],
        Power::Off => &["clean", "smudge"],
    };
    let mut server = Server::handshake(
        io::stdin(),
        io::stdout(),
        "git-filter",
        &mut |versions| versions.contains(&2).then_some(2),
        capabilities,
    )
    .map_err(|error| broken(&error))?;
    let mut out = standard_output().map_err(|error| broken(&error))?;
    let mut service = Service {
        filter: None,
        repository,
        power,
        input: Vec::new(),
        answer: Vec::new(),
        ahead: Ahead::default(),
        failures: Vec::new(),
    };
    while let Some(mut request) = server.next_request().map_err(|error| broken(&error))? {
        let question = Question::of(&request.command, &request.meta);
        let done = match &question {
            Question::WhichAreDone => service.tell_done(&mut out),
            Question::About(ask) => service.answer(ask, &mut request.as_read(), &mut out),
        };
        done.map_err(|e| broken(&e))?;
        service.after(warn);
    }
    if let Some(filter) = &mut service.filter {
        filter.settle(None);
    }
    service.after(warn);
    Ok(())
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::Library { doing: "talking to git", message: error.to_string() }
}

/// Standard output without the line buffer that belongs to `print!`.
#[cfg(unix)]
fn standard_output() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// Standard output without the line buffer that belongs to `print!`.
#[cfg(windows)]
fn standard_output() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    io::stdout().as_handle().try_clone_to_owned().map(File::from)
}

/// What git wants.
#[derive(Debug)]
enum Question {
    /// Something with the content that follows.
    About(Ask),
    /// To know which of the delayed files can be fetched. No content follows.
    WhichAreDone,
}

#[derive(Debug)]
enum Ask {
    Clean(RepoPath),
    Smudge { path: RepoPath, checkout: Checkout, can_delay: bool },
    Unknown,
}

impl Question {
    fn of<V: AsRef<[u8]>>(command: &str, meta: &[(String, V)]) -> Question {
        let value = |key| meta.iter().find(|(name, _)| name == key).map(|(_, v)| v.as_ref());
        let path = RepoPath::new(value("pathname").unwrap_or_default());
        Question::About(match command {
            "clean" => Ask::Clean(path),
            "smudge" => Ask::Smudge {
                path,
                checkout: Checkout {
                    blob: value("blob").and_then(ObjectId::from_hex),
                    treeish: value("treeish").and_then(ObjectId::from_hex),
                    has_ref: value("ref").is_some(),
                    target: match value("can-delay") {
                        Some(_) => Target::WorkTree,
                        None => Target::Anybody,
                    },
                },
                can_delay: value("can-delay") == Some(b"1".as_slice()),
            },
            "list_available_blobs" => return Question::WhichAreDone,
            _ => Ask::Unknown,
        })
    }
}

struct Service<'r> {
    filter: Option<Filter<'r>>,
    repository: Option<&'r Repository>,
    power: Power,
    input: Vec<u8>,
    answer: Vec<u8>,
    ahead: Ahead,
    failures: Vec<String>,
}

impl<'r> Service<'r> {
    fn filter(&mut self) -> &mut Filter<'r> {
        self.filter.get_or_insert_with(|| Filter::new(self.repository))
    }

    fn answer(
        &mut self,
        question: &Ask,
        content: &mut dyn BufRead,
        out: &mut File,
    ) -> io::Result<()> {
        self.input.clear();
        let limit = self.filter().max_file_size();
        loop {
            let chunk = content.fill_buf()?;
            let length = chunk.len();
            if length == 0 {
                break;
            }
            self.input.extend_from_slice(chunk);
            content.consume(length);
            if self.input.len() as u64 > limit {
                return self.hand_through(content, out);
            }
        }
        if self.power == Power::Off {
            return reply(&mut self.answer, &self.input, out);
        }
        match question {
            Ask::Clean(path) => {
                let input = std::mem::take(&mut self.input);
                let answered = match self.filter().clean(path, &input) {
                    Ok(passed) => reply(&mut self.answer, passed.or(&input), out),
                    Err(error) => self.fail(path, &error, out),
                };
                self.input = input;
                answered
            }
            Ask::Smudge { path, checkout, can_delay } => {
                self.smudge(path, *checkout, *can_delay, out)
            }
            Ask::Unknown => out.write_all(&packet_line(b"status=abort")),
        }
    }

    fn smudge(
        &mut self,
        path: &RepoPath,
        checkout: Checkout,
        can_delay: bool,
        out: &mut File,
    ) -> io::Result<()> {
        // git asks again for what was delayed, and sends no content.
        if !can_delay
            && self.input.is_empty()
            && let Some(done) = self.ahead.fetch(path)?
        {
            return reply(&mut self.answer, &done, out);
        }
        let input = std::mem::take(&mut self.input);
        match self.filter().errand(path, checkout, input) {
            Ok(errand) if can_delay && ahead::is_worthwhile() && Ahead::takes(&errand) => {
                self.ahead.take(path.clone(), errand)?;
                out.write_all(&[&packet_line(b"status=delayed"), &b"0000"[..]].concat())
            }
            Ok(errand) => {
                let content = self.filter().finish(path, errand.run());
                reply(&mut self.answer, &content, out)
            }
            Err(input) => reply(&mut self.answer, &input, out),
        }
    }

    /// Tells git that a file cannot be filtered, and the person why.
    fn fail(&mut self, path: &RepoPath, error: &Error, out: &mut File) -> io::Result<()> {
        let remedy = keeping::remedy(error);
        self.failures.push(format!("{path}: its layout cannot be kept: {error}; {remedy}"));
        out.write_all(&[&packet_line(b"status=error"), &b"0000"[..]].concat())
    }

    /// Answers `list_available_blobs`.
    fn tell_done(&mut self, out: &mut File) -> io::Result<()> {
        self.answer.clear();
        let filter = self.filter.get_or_insert_with(|| Filter::new(self.repository));
        for path in self.ahead.available(&mut |path, smudged| filter.finish(path, smudged))? {
            let line = [b"pathname=", path.as_bytes()].concat();
            self.answer.extend_from_slice(&packet_line(&line));
        }
        self.answer.extend_from_slice(b"0000");
        self.answer.extend_from_slice(&packet_line(b"status=success"));
        self.answer.extend_from_slice(b"0000");
        out.write_all(&self.answer)
    }

    fn after(&mut self, warn: &mut dyn FnMut(&str)) {
        for buffer in [&mut self.input, &mut self.answer] {
            if buffer.capacity() > KEPT {
                *buffer = Vec::new();
            }
        }
        let remarks = self.filter.iter_mut().flat_map(Filter::take_remarks);
        for remark in remarks.chain(self.failures.drain(..)) {
            warn(&remark);
        }
    }

    /// Gives a file back that is longer than what is looked at.
    fn hand_through(&mut self, content: &mut dyn BufRead, out: &mut File) -> io::Result<()> {
        let mut aside = tempfile::tempfile()?;
        aside.write_all(&self.input)?;
        self.input = Vec::new();
        io::copy(content, &mut aside)?;
        aside.seek(SeekFrom::Start(0))?;
        out.write_all(&packet_line(b"status=success"))?;
        out.write_all(b"0000")?;
        let mut chunk = vec![0; PACKET];
        loop {
            let length = aside.read(&mut chunk)?;
            if length == 0 {
                return out.write_all(b"00000000");
            }
            out.write_all(&[format!("{:04x}", length + 4).as_bytes(), &chunk[..length]].concat())?;
        }
    }
}

fn packet_line(text: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{:04x}", text.len() + 5).into_bytes();
    bytes.extend_from_slice(text);
    bytes.push(b'\n');
    bytes
}

/// Says that all went well and gives the content, in one write.
fn reply(buffer: &mut Vec<u8>, content: &[u8], out: &mut File) -> io::Result<()> {
    buffer.clear();
    buffer.reserve(content.len() + content.len() / PACKET * 4 + 64);
    buffer.extend_from_slice(&packet_line(b"status=success"));
    buffer.extend_from_slice(b"0000");
    for chunk in content.chunks(PACKET) {
        buffer.extend_from_slice(format!("{:04x}", chunk.len() + 4).as_bytes());
        buffer.extend_from_slice(chunk);
    }
    // The end of the content, and that the status still holds.
    buffer.extend_from_slice(b"00000000");
    out.write_all(buffer)
}
