//! What happens when a run is interrupted from the keyboard (SIGINT) or asked to end (SIGTERM): it removes what it made and ends.

use crate::output::scratch::Scratch;
use crate::terminal;
use std::sync::{Arc, Mutex, PoisonError};

/// Removes what a run has made in its output folder when it is interrupted, and ends the process with 128 and the signal's number. A
/// run that is just publishing finishes that first.
pub fn tidy_on_interrupt(scratch: Arc<Mutex<Scratch>>) {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGINT, SIGTERM};
        // Where signals cannot be watched they end the process as ever, and the next run tidies up.
        let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else { return };
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                // Locked to the end, so that nothing is written any more.
                let mut scratch = scratch.lock().unwrap_or_else(PoisonError::into_inner);
                scratch.remove();
                terminal::say("convscope: interrupted");
                std::process::exit(128 + signal);
            }
        });
    }
}
