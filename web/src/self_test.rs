//! Does this device compute what the CPU computes? Three training steps of a tiny model on both.
//!
//! A WebGPU shader that fails validation is skipped in silence and leaves zeros behind; this finds it before a
//! person's time is spent. Deliberately absent: speed.

use burn::tensor::Device;
use nudge_session::options::PretrainOptions;
use nudge_session::{Command, Event, Session, SessionError};
use serde::Serialize;

const TEXT: &str = "Once upon a time there was a little dog. The dog ran and ran in the big park with a red ball.\
<|endoftext|>Lily had a cat. The cat sat on a mat. Lily said, \"Hello, cat!\" and the cat was very happy.<|endoftext|>";

/// What a person sees.
#[derive(Serialize)]
pub struct Report {
    ok: bool,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    value: f64,
    limit: f64,
}

impl Check {
    fn new(name: &'static str, value: f64, limit: f64) -> Self {
        // A NaN is never within a limit.
        Self { name, ok: value.abs() <= limit, value, limit }
    }
}

/// Runs the same three steps on `device` and on the CPU.
pub async fn run(device: Device) -> Result<Report, SessionError> {
    let here = steps(device).await?;
    let cpu = steps(Device::flex()).await?;
    let difference = |step: usize, name: &str| number(&here, step, name) - number(&cpu, step, name);
    let checks = vec![
        Check::new("first loss against the CPU", difference(0, "loss"), 1e-3),
        Check::new("first gradient norm against the CPU", difference(0, "grad_norm"), 1e-2),
        Check::new("loss after two updates against the CPU", difference(2, "loss"), 1e-2),
        Check::new("the loss falls", if number(&here, 2, "loss") < number(&here, 0, "loss") { 0.0 } else { 1.0 }, 0.0),
    ];
    Ok(Report { ok: checks.iter().all(|check| check.ok), checks })
}

fn number(steps: &[nudge_session::Metrics], step: usize, name: &str) -> f64 {
    steps.get(step).and_then(|metrics| metrics.get(name)).copied().unwrap_or(f64::NAN)
}

async fn steps(device: Device) -> Result<Vec<nudge_session::Metrics>, SessionError> {
    let options = PretrainOptions {
        vocab_size: 272,
        hidden_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 64,
        max_position_embeddings: 32,
        context: 16,
        batch_size: 2,
        epochs: 1.0,
        learning_rate: 3e-3,
        warmup_steps: 0,
        ..Default::default()
    };
    let mut run = Session::new(device).start(Command::Pretrain { texts: vec![TEXT.into()], options }, None)?;
    let mut steps = Vec::new();
    while let Some(event) = run.next().await? {
        if let Event::Progress { metrics, .. } = event {
            steps.push(metrics);
        }
        if steps.len() == 3 {
            break;
        }
    }
    Ok(steps)
}
