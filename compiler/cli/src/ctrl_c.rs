//! Ctrl-C: the first asks the work to stop, the second ends the process.

use crate::output::SIGINT;
use crate::progress;
use qnn::engine::CancelToken;

/// The first Ctrl-C asks the run to stop, the second ends the process.
pub fn interruptible(cancel: &CancelToken, done: &'static str) {
    let cancel = cancel.clone();
    // Where no handler can be set, Ctrl-C ends the process at once, as it does by default.
    let _ = ctrlc::set_handler(move || {
        if cancel.is_cancelled() {
            progress::clear();
            std::process::exit(SIGINT);
        }
        cancel.cancel();
        progress::note(&format!("stopping: {done} follows (Ctrl-C again ends at once)"));
    });
}
