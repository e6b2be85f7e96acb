//! The only place that prints.
//!
//! Results go to standard output, everything said to the person to standard error. Text
//! that comes out of a file must have passed `platform::text::sanitize` before it gets here.

use std::io::{self, IsTerminal, Write};

use crate::error::Failure;

/// The two streams of the program, with colour where the person sees it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ui {
    quiet: bool,
}

/// Whether standard output is still read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    There,
    /// The reader closed the pipe (`| head`, `q` in a pager).
    Gone,
}

impl Ui {
    /// `quiet` drops all but results, warnings and errors.
    pub const fn new(quiet: bool) -> Self {
        Ui { quiet }
    }

    /// Writes a result to standard output as it is; ANSI colours are dropped where they
    /// would not be seen. A closed pipe (`| head`) is success.
    pub fn out(&self, text: &str) -> io::Result<()> {
        let mut stdout = anstream::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Prints what was done, as the command's result; silent where the person
    /// asked for quiet.
    pub fn tell(&self, text: &str) -> io::Result<()> {
        if self.quiet { Ok(()) } else { self.out(&format!("{text}\n")) }
    }

    /// A bar for work that is counted in bytes; seen only where a person watches.
    pub fn bytes_bar(&self) -> Bar {
        self.bar("hashing {wide_bar} {bytes} of {total_bytes}, {eta} left")
    }

    /// A bar for work that is counted in things; seen only where a person watches.
    pub fn count_bar(&self, doing: &str) -> Bar {
        self.bar(&format!("{doing} {{wide_bar}} {{pos}} of {{len}}, {{eta}} left"))
    }

    /// A bar for steps that each have a name; seen only where a person
    /// watches.
    pub fn steps_bar(&self) -> Bar {
        let bar = self.bar("{spinner} {msg} {wide_bar} {pos}/{len} {elapsed}");
        bar.0.enable_steady_tick(std::time::Duration::from_millis(200));
        bar
    }

    fn bar(&self, form: &str) -> Bar {
        if self.quiet {
            return Bar(indicatif::ProgressBar::hidden());
        }
        let bar = indicatif::ProgressBar::no_length();
        if let Ok(style) = indicatif::ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        Bar(bar)
    }

    /// Writes bytes to standard output untouched.
    pub fn out_bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Writes a piece of a long result to standard output untouched, and tells whether
    /// anyone still reads.
    pub fn out_piece(&self, bytes: &[u8]) -> io::Result<Listener> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Listener::Gone),
            result => result.map(|()| Listener::There),
        }
    }

    pub fn is_seen(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// The columns of the terminal that standard output is, if it is one.
    pub fn columns(&self) -> Option<usize> {
        terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
    }

    /// Copies a stream to standard output untouched.
    pub fn out_from(&self, stream: &mut impl io::Read) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match io::copy(stream, &mut stdout).and_then(|_| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Prints a remark to standard error, unless the person asked for quiet.
    pub fn say(&self, text: &str) {
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
    pub fn ask(&self, text: &str) {
        let mut stderr = anstream::stderr().lock();
        let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
    }

    /// Prints a failure and its hints to standard error.
    pub fn fail(&self, failure: &Failure) {
        self.warn(&format!("git-comfy: {failure}"));
        for hint in failure.hints() {
            self.warn(&format!("  hint: {hint}"));
        }
    }
}

#[derive(Debug, Clone)]
pub struct Bar(indicatif::ProgressBar);

impl Bar {
    /// Adds to the amount that is to be done.
    pub fn extend(&self, amount: u64) {
        self.0.set_length(self.0.length().unwrap_or(0) + amount);
    }

    /// Adds to the amount that is done.
    pub fn advance(&self, amount: u64) {
        self.0.inc(amount);
    }

    /// Shows a word for the present step.
    pub fn say(&self, doing: &str) {
        self.0.set_message(doing.to_owned());
    }

    /// Sets the amount done, and the amount to be done.
    pub fn at(&self, done: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(done.min(of));
    }

    /// Clears the bar from the terminal.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
