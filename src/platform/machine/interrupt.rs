//! Being asked to stop: Ctrl-C, a service that is ended, a terminal that is closed.

/// Calls this when the person or the system asks this process to stop, instead of ending it
/// on the spot. False: it cannot be arranged, and the process ends as usual.
pub(crate) fn on_interrupt(tell: impl Fn() + Send + 'static) -> bool {
    ctrlc::set_handler(tell).is_ok()
}
