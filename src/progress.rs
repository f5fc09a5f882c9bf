//! A progress bar on long work, when stderr is a terminal.

use crate::text;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how far the work is; draws nothing when quiet or when stderr is no terminal. May be shared by threads.
pub struct Progress(MultiProgress);

impl Progress {
    /// Progress that is shown unless `quiet`.
    pub fn new(quiet: bool) -> Progress {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Progress(MultiProgress::with_draw_target(target))
    }

    /// A bar for `total` steps of one kind of work; it disappears when dropped.
    pub fn bar(&self, total: usize, what: &str) -> Bar {
        let bar = self.0.add(ProgressBar::new(total as u64).with_message(text::line(what)));
        if let Ok(style) = ProgressStyle::with_template("{msg:32!} {wide_bar} {pos}/{len}, {eta} left") {
            bar.set_style(style);
        }
        Bar(bar)
    }
}

/// One kind of work under way.
pub struct Bar(ProgressBar);

impl Bar {
    /// Says that `steps` more steps are done.
    pub fn advance(&self, steps: usize) {
        self.0.inc(steps as u64);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
