//! A bar that shows how far reading has come, on a terminal and nowhere else.

use std::io::IsTerminal as _;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use sanchar_producer::Progress;

/// A bar on standard error; `None` where that is no terminal.
pub(crate) fn bar() -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let template = "{bar:40} {percent:>3} %  {msg}  {binary_bytes_per_sec}  {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    Some(ProgressBar::new(0).with_style(style))
}

/// Shows progress on a bar.
pub(crate) fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.bytes_total);
    bar.set_position(progress.bytes);
    bar.set_message(format!("rows: {}", progress.rows));
}

/// A function that shows progress on a bar.
pub(crate) fn observer(bar: ProgressBar) -> Arc<dyn Fn(Progress) + Send + Sync> {
    Arc::new(move |progress| {
        show(&bar, progress);
        if progress.bytes == progress.bytes_total && progress.bytes > 0 {
            bar.tick();
        }
    })
}
