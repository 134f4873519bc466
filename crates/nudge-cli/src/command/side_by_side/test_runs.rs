//! Runs for tests, as if they had been read.

use super::run::Run;
use crate::provenance::RunRecord;
use nudge_session::Metrics;
use serde_json::json;

/// A run of PPO with a price of KL; each step has a loss, and a score that it was paid for with KL.
pub fn run(name: &str, seed: u64, kl_coef: f64, losses: &[f64]) -> Run {
    let options = json!({ "seed": { "value": seed, "from": "flag" }, "kl_coef": { "value": kl_coef, "from": "flag" } });
    let numbers = |(step, loss): (usize, &f64)| {
        let step = step as f64;
        let numbers =
            [("loss", *loss), ("objective/kl", step * step), ("objective/scores", 1.0 + step), ("seconds", 2.0)];
        (step + 1.0, Metrics::from(numbers.map(|(name, value)| (name.to_string(), value))))
    };
    Run {
        name: name.into(),
        record: RunRecord {
            command: "ppo".into(),
            options: options.as_object().cloned().unwrap_or_default(),
            ..RunRecord::default()
        },
        steps: losses.iter().enumerate().map(numbers).collect(),
        card: None,
        compared: vec![],
    }
}
