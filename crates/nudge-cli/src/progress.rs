//! The progress bar on standard error. It shows nothing where standard error is no terminal.

use crate::failure::tell;
use indicatif::{ProgressBar, ProgressStyle};
use nudge_session::{Event, Metrics};
use std::time::Duration;

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

/// A bar for one run.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar that says `label`.
    pub fn new(label: &str) -> Self {
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {eta} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(label.to_string());
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar }
    }

    /// Moves the bar; prints warnings.
    pub fn show(&self, event: &Event) {
        match event {
            Event::Started { step, total_steps, .. } => {
                self.bar.set_length(*total_steps as u64);
                self.bar.set_position(*step as u64);
                self.bar.reset_eta();
                if *step > 0 {
                    let label = self.bar.prefix();
                    self.bar.suspend(|| tell(&format!("{label}: going on after step {step} of {total_steps}")));
                }
            }
            Event::Progress { step, metrics, .. } => {
                self.bar.set_position(*step as u64);
                self.bar.set_message(numbers(metrics));
            }
            Event::Ranked { .. } | Event::Scored { .. } => self.bar.inc(1),
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
