//! The only place that prints.
//!
//! Results go to standard output, everything said to the person to standard error. Text
//! that comes out of a file must have passed `platform::text::sanitize` before it gets here.

use std::io::{self, IsTerminal, Write};

use crate::error::{CommandError, ErrorKind};

/// The two streams of the program, with colour where the person sees it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ui {
    quiet: bool,
}

/// Whether standard output is still read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputPipe {
    Open,
    /// The reader closed the pipe (`| head`, `q` in a pager).
    Closed,
}

impl Ui {
    /// `quiet` drops all but results, warnings and errors.
    pub const fn new(quiet: bool) -> Self {
        Ui { quiet }
    }

    /// Writes a result to standard output as it is; ANSI colours are dropped where they
    /// would not be seen. A closed pipe (`| head`) is success.
    pub fn print(&self, text: &str) -> io::Result<()> {
        let mut stdout = anstream::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Prints what was done, as the command's result; silent where the person
    /// asked for quiet.
    pub fn report(&self, text: &str) -> io::Result<()> {
        if self.quiet { Ok(()) } else { self.print(&format!("{text}\n")) }
    }

    /// A bar for work that is counted in bytes; seen only where a person watches.
    pub fn bytes_bar(&self) -> ProgressBar {
        self.new_bar("hashing {wide_bar} {bytes} of {total_bytes}, {eta} left")
    }

    /// A bar for work that is counted in things; seen only where a person watches.
    pub fn count_bar(&self, doing: &str) -> ProgressBar {
        self.new_bar(&format!("{doing} {{wide_bar}} {{pos}} of {{len}}, {{eta}} left"))
    }

    /// A bar for steps that each have a name; seen only where a person
    /// watches.
    pub fn steps_bar(&self) -> ProgressBar {
        let bar = self.new_bar("{spinner} {msg} {wide_bar} {pos}/{len} {elapsed}");
        bar.0.enable_steady_tick(std::time::Duration::from_millis(200));
        bar
    }

    fn new_bar(&self, form: &str) -> ProgressBar {
        if self.quiet {
            return ProgressBar(indicatif::ProgressBar::hidden());
        }
        let bar = indicatif::ProgressBar::no_length();
        if let Ok(style) = indicatif::ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        ProgressBar(bar)
    }

    /// Writes bytes to standard output untouched.
    pub fn print_bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Writes a piece of a long result to standard output untouched, and tells whether
    /// anyone still reads.
    pub fn print_chunk(&self, bytes: &[u8]) -> io::Result<OutputPipe> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(OutputPipe::Closed),
            result => result.map(|()| OutputPipe::Open),
        }
    }

    pub fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// The columns of the terminal that standard output is, if it is one.
    pub fn terminal_columns(&self) -> Option<usize> {
        terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
    }

    /// Copies a stream to standard output untouched.
    pub fn print_stream(&self, stream: &mut impl io::Read) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match io::copy(stream, &mut stdout).and_then(|_| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Prints a remark to standard error, unless the person asked for quiet.
    pub fn info(&self, text: &str) {
        if !self.quiet {
            self.warn(text);
        }
    }

    /// Prints to standard error also when quiet. A standard error that is gone is no reason
    /// to fail.
    pub fn warn(&self, text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// Prints a question to standard error, without a line end: the answer is typed behind it.
    pub fn prompt(&self, text: &str) {
        let mut stderr = anstream::stderr().lock();
        let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
    }

    /// Prints a failure and its hints to standard error.
    pub fn print_error(&self, failure: &CommandError) {
        self.warn(&format!("git-comfy: {failure}"));
        for hint in failure.hints() {
            self.warn(&format!("  hint: {hint}"));
        }
        if failure.kind() == ErrorKind::Internal {
            self.warn("  this is a fault in git-comfy; please report it, and what led to it");
        }
    }
}

#[derive(Debug, Clone)]
pub struct ProgressBar(indicatif::ProgressBar);

impl ProgressBar {
    /// Adds to the amount that is to be done.
    pub fn extend(&self, amount: u64) {
        self.0.set_length(self.0.length().unwrap_or(0) + amount);
    }

    /// Adds to the amount that is done.
    pub fn advance(&self, amount: u64) {
        self.0.inc(amount);
    }

    /// Shows a word for the present step.
    pub fn set_message(&self, doing: &str) {
        self.0.set_message(doing.to_owned());
    }

    /// Sets the amount done, and the amount to be done.
    pub fn set_position(&self, done: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(done.min(of));
    }

    /// Clears the bar from the terminal.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
