//! git's long-running filter protocol, version 2: one process for all files of a git
//! command (`gitattributes(5)`, "Long Running Filter Process").
//!
//! Each answer leaves in one write: git waits for it, and every write wakes git up. Content is
//! no reason for `status=error`: a file that is none of ours comes back as it was. A layout that
//! cannot be kept is one.
//!
//! In a checkout git offers not to wait for each file (`can-delay`): then the files are
//! worked on at the same time (`delayed_smudge`).
//!
//! git sends a whole file before it reads the answer. So a file beyond the limit cannot be
//! handed through while it arrives; it goes through a file on disk instead of memory.

pub(crate) mod delayed_smudge;
mod packets;

use std::fs::File;
use std::io;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};

use delayed_smudge::DelayedSmudges;
use packets::{FLUSH, PacketReader, push_content, push_text};

use super::drag_marks;
use super::filter::{Filter, SmudgeRequest, SmudgeStart, SmudgeTarget};
use super::storage_check;
use crate::platform::git::{GitError, ObjectId, RepoPath, Repository, Result};

/// What git sends of a request in one go fits in.
const INPUT_BUFFER: usize = 64 << 10;

/// A buffer that grew beyond this is not kept for the next file.
const MAX_KEPT_BUFFER: usize = 4 << 20;

/// What the filter is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilterSwitch {
    On,
    /// Let everything pass (`GIT_COMFY=0`).
    Off,
}

/// Serves git on standard input and output until it has no more files. `warn` is given
/// each line for the person.
pub(crate) fn serve_git(
    repository: Option<&Repository>,
    switch: FilterSwitch,
    warn: &mut dyn FnMut(&str),
) -> Result<()> {
    // Whether git would delay a file also tells whether it is for the work tree.
    let capabilities: &[&str] = match switch {
        FilterSwitch::On => &["clean", "smudge", "delay"],
        FilterSwitch::Off => &["clean", "smudge"],
    };
    let mut input = PacketReader::new(BufReader::with_capacity(INPUT_BUFFER, io::stdin().lock()));
    let mut out = standard_output().map_err(protocol_error)?;
    packets::agree_as_server(&mut input, &mut out, "git-filter", capabilities)
        .map_err(protocol_error)?;
    let mut service = FilterService {
        filter: None,
        repository,
        switch,
        input: Vec::new(),
        answer: Vec::new(),
        delayed: DelayedSmudges::default(),
        failures: Vec::new(),
    };
    while let Some(texts) = input.read_texts().map_err(protocol_error)? {
        let done = match &GitRequest::parse(&texts) {
            GitRequest::ListDelayed => service.reply_available(&mut out),
            GitRequest::Filter(wanted) => service.answer_request(wanted, &mut input, &mut out),
        };
        done.map_err(protocol_error)?;
        service.finish_request(warn);
    }
    if let Some(filter) = &mut service.filter {
        filter.record_confirmed_writes(None);
    }
    service.finish_request(warn);
    Ok(())
}

fn protocol_error(error: io::Error) -> GitError {
    GitError::Protocol(Box::new(error))
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
enum GitRequest {
    /// Something with the content that follows.
    Filter(FilterRequest),
    /// To know which of the delayed files can be fetched. No content follows.
    ListDelayed,
}

#[derive(Debug)]
enum FilterRequest {
    Clean(RepoPath),
    Smudge { path: RepoPath, request: SmudgeRequest, can_delay: bool },
    Unknown,
}

impl GitRequest {
    fn parse(texts: &[Vec<u8>]) -> GitRequest {
        let value = |key: &str| {
            let mut values = texts.iter().filter_map(|text| text.strip_prefix(key.as_bytes()));
            values.find_map(|text| text.strip_prefix(b"="))
        };
        let path = RepoPath::new(value("pathname").unwrap_or_default());
        GitRequest::Filter(match value("command").unwrap_or_default() {
            b"clean" => FilterRequest::Clean(path),
            b"smudge" => FilterRequest::Smudge {
                path,
                request: SmudgeRequest {
                    blob: value("blob").and_then(ObjectId::from_hex),
                    treeish: value("treeish").and_then(ObjectId::from_hex),
                    has_ref: value("ref").is_some(),
                    target: match value("can-delay") {
                        Some(_) => SmudgeTarget::WorkTree,
                        None => SmudgeTarget::Anybody,
                    },
                },
                can_delay: value("can-delay") == Some(b"1".as_slice()),
            },
            b"list_available_blobs" => return GitRequest::ListDelayed,
            _ => FilterRequest::Unknown,
        })
    }
}

struct FilterService<'r> {
    filter: Option<Filter<'r>>,
    repository: Option<&'r Repository>,
    switch: FilterSwitch,
    input: Vec<u8>,
    answer: Vec<u8>,
    delayed: DelayedSmudges,
    failures: Vec<String>,
}

impl<'r> FilterService<'r> {
    fn filter(&mut self) -> &mut Filter<'r> {
        self.filter.get_or_insert_with(|| {
            if let Some(repository) = self.repository {
                // git writes these files, or adds them: it looks at them by itself then.
                drag_marks::expect_unmarked(repository);
            }
            let mut filter = Filter::new(self.repository);
            if self.switch == FilterSwitch::On && delayed_smudge::has_spare_core() {
                filter.clean_ahead();
            }
            filter
        })
    }

    fn answer_request(
        &mut self,
        wanted: &FilterRequest,
        packets: &mut PacketReader<impl BufRead>,
        out: &mut File,
    ) -> io::Result<()> {
        self.input.clear();
        let limit = self.filter().max_file_size();
        while packets.read(&mut self.input)? {
            if self.input.len() as u64 > limit {
                return self.pass_through(packets, out);
            }
        }
        if self.switch == FilterSwitch::Off {
            return reply_content(&mut self.answer, &self.input, out);
        }
        match wanted {
            FilterRequest::Clean(path) => {
                let input = std::mem::take(&mut self.input);
                let answered = match self.filter().clean(path, &input) {
                    Ok(outcome) => reply_content(&mut self.answer, outcome.bytes_or(&input), out),
                    Err(error) => self.reply_failure(path, &error, out),
                };
                self.input = input;
                self.filter().look_ahead();
                answered
            }
            FilterRequest::Smudge { path, request, can_delay } => {
                self.smudge(path, *request, *can_delay, out)
            }
            FilterRequest::Unknown => reply_status(b"status=abort", out),
        }
    }

    fn smudge(
        &mut self,
        path: &RepoPath,
        request: SmudgeRequest,
        can_delay: bool,
        out: &mut File,
    ) -> io::Result<()> {
        // git asks again for what was delayed, and sends no content.
        if !can_delay
            && self.input.is_empty()
            && let Some(done) = self.delayed.take_result(path)?
        {
            return reply_content(&mut self.answer, &done, out);
        }
        let input = std::mem::take(&mut self.input);
        if can_delay
            && delayed_smudge::has_spare_core()
            && DelayedSmudges::accepts(&input)
            && !self.is_merged_anew(path, request)
        {
            if request.treeish.is_none() {
                self.filter().find_deleted_early();
            }
            // First, so that git goes on with the next file meanwhile.
            reply_status(b"status=delayed", out)?;
            return self.delay(path, request, input);
        }
        match self.filter().prepare_smudge(path, request, input) {
            SmudgeStart::Untouched(input) => reply_content(&mut self.answer, &input, out),
            SmudgeStart::Pending(pending) => {
                let content = self.filter().finish_smudge(path, pending.run());
                reply_content(&mut self.answer, &content, out)
            }
        }
    }

    /// Whether git makes the file of an unsettled merge again (`git checkout -m FILE`). It
    /// looks for a delayed one in the index afterwards, finds it under no settled entry, and
    /// crashes (2.47).
    fn is_merged_anew(&mut self, path: &RepoPath, request: SmudgeRequest) -> bool {
        request.treeish.is_none() && self.filter().is_unsettled(path)
    }

    /// Begins with a file that git does not wait for.
    fn delay(
        &mut self,
        path: &RepoPath,
        request: SmudgeRequest,
        content: Vec<u8>,
    ) -> io::Result<()> {
        match self.filter().prepare_smudge(path, request, content) {
            SmudgeStart::Pending(pending) => self.delayed.submit(path.clone(), pending),
            SmudgeStart::Untouched(content) => self.delayed.add_result(path.clone(), content),
        }
    }

    /// Tells git that a file cannot be filtered, and the person why.
    fn reply_failure(
        &mut self,
        path: &RepoPath,
        error: &GitError,
        out: &mut File,
    ) -> io::Result<()> {
        let remedy = storage_check::remedy(error);
        self.failures.push(format!("{path}: its layout cannot be kept: {error}; {remedy}"));
        reply_status(b"status=error", out)
    }

    /// Answers `list_available_blobs`.
    fn reply_available(&mut self, out: &mut File) -> io::Result<()> {
        self.answer.clear();
        self.filter();
        let Some(filter) = &mut self.filter else { return Ok(()) };
        for path in
            self.delayed.available(&mut |path, smudged| filter.finish_smudge(path, smudged))?
        {
            let line = [b"pathname=", path.as_bytes()].concat();
            push_text(&line, &mut self.answer);
        }
        self.answer.extend_from_slice(FLUSH);
        push_text(b"status=success", &mut self.answer);
        self.answer.extend_from_slice(FLUSH);
        out.write_all(&self.answer)
    }

    fn finish_request(&mut self, warn: &mut dyn FnMut(&str)) {
        for buffer in [&mut self.input, &mut self.answer] {
            if buffer.capacity() > MAX_KEPT_BUFFER {
                *buffer = Vec::new();
            }
        }
        let remarks = self.filter.iter_mut().flat_map(Filter::take_remarks);
        for remark in remarks.chain(self.failures.drain(..)) {
            warn(&remark);
        }
    }

    /// Gives a file back that is longer than what is looked at.
    fn pass_through(
        &mut self,
        packets: &mut PacketReader<impl BufRead>,
        out: &mut File,
    ) -> io::Result<()> {
        let mut aside = tempfile::tempfile()?;
        let mut chunk = std::mem::take(&mut self.input);
        loop {
            aside.write_all(&chunk)?;
            chunk.clear();
            if !packets.read(&mut chunk)? {
                break;
            }
        }
        aside.seek(SeekFrom::Start(0))?;
        reply_status(b"status=success", out)?;
        chunk = vec![0; packets::MAX_CONTENT];
        loop {
            let length = aside.read(&mut chunk)?;
            if length == 0 {
                return out.write_all(&[FLUSH, FLUSH].concat());
            }
            self.answer.clear();
            push_content(&chunk[..length], &mut self.answer);
            out.write_all(&self.answer)?;
        }
    }
}

fn reply_status(status: &[u8], out: &mut File) -> io::Result<()> {
    let mut answer = Vec::new();
    push_text(status, &mut answer);
    answer.extend_from_slice(FLUSH);
    out.write_all(&answer)
}

/// Says that all went well and gives the content, in one write.
fn reply_content(buffer: &mut Vec<u8>, content: &[u8], out: &mut File) -> io::Result<()> {
    buffer.clear();
    push_text(b"status=success", buffer);
    buffer.extend_from_slice(FLUSH);
    push_content(content, buffer);
    // The end of the content, and that the status still holds.
    buffer.extend_from_slice(&[FLUSH, FLUSH].concat());
    out.write_all(buffer)
}
