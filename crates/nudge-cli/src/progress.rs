//! Progress on standard error: a bar where that is a terminal, else a line every ten seconds, also within a long step.

use crate::failure::tell;
use crate::report::duration;
use crate::terminal;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use nudge_session::{Event, Metrics};
use std::fmt;
use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Numbers that say how training goes, most telling first.
pub const TELLING: [&str; 8] = [
    "loss",
    "eval_loss",
    "accuracy",
    "eval_accuracy",
    "rewards/margins",
    "eval_rewards/accuracies",
    "objective/scores",
    "objective/kl",
];
/// What else has a place beside the bar.
const BESIDE: [&str; 2] = ["nats_per_token", "tokens_per_second"];
/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The progress of one run.
pub struct Progress {
    bar: ProgressBar,
    label: String,
    /// Steps made before this run, for the time that is left.
    first: Arc<AtomicU64>,
    standing: Arc<Mutex<Standing>>,
    /// Dropped, it ends the thread that prints lines.
    _lines: Option<Sender<()>>,
}

/// How far a run has come.
#[derive(Default)]
struct Standing {
    first: usize,
    step: usize,
    total: usize,
    numbers: String,
}

impl Progress {
    /// The progress of what is called `label`.
    pub fn new(label: &str) -> Self {
        let bar = ProgressBar::no_length();
        let bar_width = if terminal::stderr_width().is_some_and(|width| width < 60) { 8 } else { 24 };
        // The numbers get what is left of the line.
        let template = format!("{{prefix}} {{bar:{bar_width}}} {{pos}}/{{len}} {{left}} {{wide_msg}}");
        let first = Arc::<AtomicU64>::default();
        if let Ok(style) = ProgressStyle::with_template(&template) {
            let before = Arc::clone(&first);
            let left = move |state: &ProgressState, out: &mut dyn fmt::Write| {
                let (total, at, first) = (state.len().unwrap_or_default(), state.pos(), before.load(Ordering::Relaxed));
                let left = seconds_left(at.saturating_sub(first), total.saturating_sub(at), state.elapsed());
                let _ = out.write_str(&left.map_or("-".into(), roughly));
            };
            bar.set_style(style.with_key("left", left));
        }
        bar.set_prefix(label.to_string());
        bar.enable_steady_tick(Duration::from_millis(500));
        let standing = Arc::<Mutex<Standing>>::default();
        let lines = (!stderr().is_terminal()).then(|| print_lines(label.into(), Arc::clone(&standing)));
        Self { bar, label: label.into(), first, standing, _lines: lines }
    }

    /// Moves the bar; prints warnings.
    pub fn show(&self, event: &Event) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { step, total_steps, .. } => {
                (standing.first, standing.step, standing.total) = (*step, *step, *total_steps);
                self.bar.set_length(*total_steps as u64);
                self.bar.set_position(*step as u64);
                self.first.store(*step as u64, Ordering::Relaxed);
                self.bar.reset_elapsed();
                if *step > 0 {
                    let label = &self.label;
                    self.bar.suspend(|| tell(&format!("{label}: going on after step {step} of {total_steps}")));
                }
            }
            Event::Progress { step, metrics, .. } => {
                (standing.step, standing.numbers) = (*step, numbers(metrics));
                self.bar.set_position(*step as u64);
                self.bar.set_message(standing.numbers.clone());
            }
            Event::Ranked { .. } | Event::Scored { .. } => {
                standing.step += 1;
                self.bar.inc(1);
            }
            Event::Warning { message } => self.bar.suspend(|| tell(&format!("warning: {message}"))),
            _ => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Prints a line every ten seconds until the sender is dropped.
fn print_lines(label: String, standing: Arc<Mutex<Standing>>) -> Sender<()> {
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        let started = Instant::now();
        while ended.recv_timeout(LINE_EVERY) == Err(RecvTimeoutError::Timeout) {
            let standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
            tell(&line(&label, &standing, started.elapsed()));
        }
    });
    sender
}

/// How far, for how long, and how long still.
fn line(label: &str, standing: &Standing, elapsed: Duration) -> String {
    let Standing { first, step, total, numbers } = standing;
    let [made, open] = [step.saturating_sub(*first), total.saturating_sub(*step)].map(|steps| steps as u64);
    let left =
        seconds_left(made, open, elapsed).map_or(String::new(), |left| format!(", about {} left", roughly(left)));
    let numbers = if numbers.is_empty() { String::new() } else { format!("  {numbers}") };
    format!("{label}: {step} of {total} after {}{left}{numbers}", duration(elapsed.as_secs_f64()))
}

/// Seconds that the `open` steps will take, if each takes as long as those `made` did on average: the last few alone would
/// let the number jump, as steps that measure take longer.
fn seconds_left(made: u64, open: u64, elapsed: Duration) -> Option<f64> {
    (made > 0).then(|| elapsed.as_secs_f64() / made as f64 * open as f64)
}

/// A time that is only known roughly.
fn roughly(seconds: f64) -> String {
    if seconds < 90.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}

/// The numbers of a step that fit beside a bar.
fn numbers(metrics: &Metrics) -> String {
    let shown = TELLING.iter().chain(&BESIDE).filter_map(|name| metrics.get(*name).map(|value| (*name, *value)));
    let texts: Vec<String> = shown
        .map(|(name, value)| match name {
            "tokens_per_second" => format!("{value:.0} tokens/s"),
            _ => format!("{name} {value:.3}"),
        })
        .collect();
    texts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_and_how_long_still() {
        let standing = Standing { first: 2, step: 4, total: 10, numbers: "loss 0.500".into() };
        let seconds = Duration::from_secs;
        assert_eq!(line("dpo", &standing, seconds(20)), "dpo: 4 of 10 after 20.0 s, about 60 s left  loss 0.500");
        assert_eq!(line("dpo", &standing, seconds(80)), "dpo: 4 of 10 after 80.0 s, about 4 min left  loss 0.500");
        let begun = Standing { total: 10, ..Standing::default() };
        assert_eq!(line("dpo", &begun, seconds(10)), "dpo: 0 of 10 after 10.0 s");
    }
}
