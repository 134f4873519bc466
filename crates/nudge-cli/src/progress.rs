//! Progress on standard error: a bar where that is a terminal, else a line every ten seconds, also within a long step.

use crate::failure::tell;
use crate::report::duration;
use crate::terminal;
use indicatif::{ProgressBar, ProgressStyle};
use nudge_session::{Event, Metrics};
use std::io::{IsTerminal, stderr};
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
        let template = format!("{{prefix}} {{bar:{bar_width}}} {{pos}}/{{len}} {{eta}} {{wide_msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_prefix(label.to_string());
        bar.enable_steady_tick(Duration::from_millis(500));
        let standing = Arc::<Mutex<Standing>>::default();
        let lines = (!stderr().is_terminal()).then(|| print_lines(label.into(), Arc::clone(&standing)));
        Self { bar, label: label.into(), standing, _lines: lines }
    }

    /// Moves the bar; prints warnings.
    pub fn show(&self, event: &Event) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { step, total_steps, .. } => {
                (standing.first, standing.step, standing.total) = (*step, *step, *total_steps);
                self.bar.set_length(*total_steps as u64);
                self.bar.set_position(*step as u64);
                self.bar.reset_eta();
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
            tell(&line(&label, &standing, started.elapsed().as_secs_f64()));
        }
    });
    sender
}

/// How far, for how long, and how long still.
fn line(label: &str, standing: &Standing, seconds: f64) -> String {
    let Standing { first, step, total, numbers } = standing;
    let made = step.saturating_sub(*first);
    let left = match made {
        0 => String::new(),
        _ => format!(", about {} left", duration(seconds / made as f64 * total.saturating_sub(*step) as f64)),
    };
    let numbers = if numbers.is_empty() { String::new() } else { format!("  {numbers}") };
    format!("{label}: {step} of {total} after {}{left}{numbers}", duration(seconds))
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
        assert_eq!(line("dpo", &standing, 20.0), "dpo: 4 of 10 after 20.0 s, about 60.0 s left  loss 0.500");
        let begun = Standing { total: 10, ..Standing::default() };
        assert_eq!(line("dpo", &begun, 10.0), "dpo: 0 of 10 after 10.0 s");
    }
}
