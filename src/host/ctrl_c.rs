//! Ctrl-C, where there is something to say before the program ends.

use std::sync::atomic::{AtomicUsize, Ordering};

static PRESSED: AtomicUsize = AtomicUsize::new(0);

/// The exit code of a program that was stopped at the keyboard.
const STOPPED: i32 = 130;

/// From now on the first Ctrl-C only shows in [`pressed`]; the second ends the program at
/// once. Where that cannot be had, Ctrl-C ends it as ever.
pub fn listen() {
    let _ = ctrlc::set_handler(|| {
        if PRESSED.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(STOPPED);
        }
    });
}

/// Whether it was pressed.
pub fn pressed() -> bool {
    PRESSED.load(Ordering::SeqCst) > 0
}
