//! What the benchmarks share: programs that see nothing of this machine's settings, and
//! times in columns that are compared as ratios.

#![allow(dead_code, reason = "every benchmark takes the part it needs")]

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Prepares a program that reads no other configuration than `home/.gitconfig`.
pub(crate) fn isolated<A: AsRef<OsStr>>(
    home: &Path,
    program: &str,
    at: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(at)
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", home.join(".gitconfig"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// Runs a program that has to succeed, and says how long it took.
pub(crate) fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status().unwrap();
    let time = start.elapsed();
    assert!(status.success(), "{command:?}");
    time
}

/// The times of one thing under several conditions, one column each.
#[derive(Default)]
pub(crate) struct Table(Vec<Vec<f64>>);

impl Table {
    pub(crate) fn row(&mut self, times: &[Duration]) {
        self.0.push(times.iter().map(Duration::as_secs_f64).collect());
    }

    pub(crate) fn median(&self, of: impl Fn(&[f64]) -> f64) -> f64 {
        let mut all: Vec<f64> = self.0.iter().map(|row| of(row)).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }

    /// One line: a column against another, as medians and as the median of their ratios.
    pub(crate) fn tell(&self, what: &str, column: usize, against: usize, promise: &str) {
        let ratio = self.median(|row| row[column] / row[against]);
        let (time, base) = (self.median(|row| row[column]), self.median(|row| row[against]));
        println!(
            "{what:<40} {:>8.1} ms  against {:>8.1} ms  = {ratio:.2}  {promise}",
            time * 1e3,
            base * 1e3
        );
    }
}
