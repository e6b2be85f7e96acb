//! Many files, read in several threads and taken in by one.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, mpsc};

use crate::error::Result;
use crate::ui::ProgressBar;

/// Files that wait between the readers and whoever takes them in: what they carry is in
/// memory.
const QUEUE_LENGTH: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutputCandidate {
    pub(crate) base: PathBuf,
    pub(crate) path: PathBuf,
}

/// Looks at each file in some thread, and hands what was seen to `take` in this one. Ends
/// with its first failure.
pub(crate) fn read_in_parallel<T: Send>(
    files: Vec<OutputCandidate>,
    bar: Option<&ProgressBar>,
    look: &(dyn Fn(&Path) -> T + Sync),
    take: &mut dyn FnMut(OutputCandidate, T) -> Result<()>,
) -> Result<()> {
    if let Some(bar) = bar {
        bar.extend(files.len() as u64);
    }
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let queue = Mutex::new(VecDeque::from(files));
    let (sender, receiver) = mpsc::sync_channel::<(OutputCandidate, T)>(QUEUE_LENGTH);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (queue, sender) = (&queue, sender.clone());
            scope.spawn(move || {
                loop {
                    let next = queue.lock().ok().and_then(|mut queue| queue.pop_front());
                    let Some(found) = next else { return };
                    let seen = look(&found.path);
                    if sender.send((found, seen)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        // The receiver goes with a failure, and the readers with it.
        receiver.into_iter().try_for_each(|(found, seen)| {
            if let Some(bar) = bar {
                bar.advance(1);
            }
            take(found, seen)
        })
    })
}
