//! Log-probabilities: against the CPU, and against themselves on every road that PPO takes to them.

use super::report::{Check, largest, largest_difference};
use super::subject::{self, TEMPERATURE, left_padded, logprobs, token_batch};
use crate::SessionError;
use crate::readback::{read, read_tokens};
use crate::trainer::training_device;
use burn::tensor::Device;
use nudge_data::{PaddedBatch, Rng};
use nudge_model::{Decoder, Generation, Parameters, SamplingOptions};

/// Nats, and logits. Leaves room for products in TF32; a wrong mask or position is off by tenths.
const LIMIT: f64 = 1e-2;
const EXACT: f64 = 0.0;
/// Tokens sampled for each prompt.
const NEW_TOKENS: usize = 7;

/// Log-probabilities, the first PPO ratio, sampling, and padding.
pub(super) async fn checks(device: &Device, cpu: &Device) -> Result<Vec<Check>, SessionError> {
    let rows = subject::rows();
    let batch = left_padded(&rows);
    let (here, there) = (subject::model(device), subject::model(cpu));
    let old = logprobs(&here.frozen(), &batch, device).await?;
    let on_cpu = logprobs(&there.frozen(), &batch, cpu).await?;
    let new = logprobs(&here.tracked(), &batch, &training_device(device)).await?;
    let padding = padding_difference(&here, &batch, &rows).await?;
    let mut checks = vec![
        Check::new("log-probabilities", largest_difference(&old, &on_cpu), LIMIT),
        Check::new("first PPO ratio", ratio_error(&new, &old), EXACT),
    ];
    checks.extend(sampling_checks(device).await?);
    checks.push(Check::new("left padding", padding, LIMIT));
    Ok(checks)
}

/// Sampling alone.
pub(super) async fn sampling_checks(device: &Device) -> Result<Vec<Check>, SessionError> {
    let (model, rows) = (subject::model(device), subject::rows());
    let sampled = sample(&model, &rows, &[]).await?;
    Ok(vec![
        Check::new("sampling log-probabilities", sampling_difference(&model, &sampled).await?, LIMIT),
        Check::new("rows that end", difference_by_ends(&model, &rows, &sampled).await?, EXACT),
    ])
}

/// How far the ratios `exp(new_logprobs - logprobs)` are from 1. Before the first update they are exactly 1: both
/// come from the same forward pass over the same rows, one recording a graph and one not.
fn ratio_error(new_logprobs: &[f32], logprobs: &[f32]) -> f64 {
    if new_logprobs.len() != logprobs.len() {
        return f64::NAN;
    }
    let log_ratios = new_logprobs.iter().zip(logprobs).map(|(new, old)| f64::from(*new) - f64::from(*old));
    largest(log_ratios.map(|log_ratio| log_ratio.exp() - 1.0))
}

/// Completions as sampling gave them.
struct Sampled {
    /// `[prompt | completion]`, one row a prompt.
    rows: Vec<Vec<u32>>,
    /// Of the completions' tokens, `[batch, NEW_TOKENS]`.
    logprobs: Vec<f32>,
}

/// Continues left-padded prompts with the key-value cache; the tokens `ends` end a row.
async fn sample(model: &Decoder, prompts: &[Vec<u32>], ends: &[u32]) -> Result<Sampled, SessionError> {
    let batch = left_padded(prompts);
    let options = SamplingOptions { temperature: TEMPERATURE, ..Default::default() };
    let (tokens, mask, rows) = (&batch.tokens, &batch.mask, batch.batch);
    let mut generation = Generation::new(model.frozen(), tokens, mask, rows, NEW_TOKENS, ends, options);
    let mut rng = Rng::new(5);
    for _ in 0..NEW_TOKENS {
        let noise: Vec<f32> = prompts.iter().map(|_| rng.uniform()).collect();
        generation.step(&noise);
    }
    let Some((tokens, logprobs)) = generation.drain() else {
        return Err(SessionError::Device("sampling drew no tokens".into()));
    };
    let (tokens, logprobs) = read_tokens(tokens, logprobs).await?;
    let completions = tokens.chunks(NEW_TOKENS);
    Ok(Sampled {
        rows: prompts.iter().zip(completions).map(|(prompt, completion)| [prompt, completion].concat()).collect(),
        logprobs,
    })
}

/// Samples the same again, ended by what each other row drew early: the largest difference of a log-probability,
/// infinite where a token differs. Rows that have ended leave the batch, which must not be felt by those beside them.
async fn difference_by_ends(model: &Decoder, prompts: &[Vec<u32>], whole: &Sampled) -> Result<f64, SessionError> {
    let completions = |sampled: &Sampled| -> Vec<Vec<u32>> {
        sampled.rows.iter().zip(prompts).map(|(row, prompt)| row[prompt.len()..].to_vec()).collect()
    };
    let ends: Vec<u32> =
        completions(whole).iter().enumerate().step_by(2).map(|(row, completion)| completion[1 + row % 3]).collect();
    let ended = sample(model, prompts, &ends).await?;
    let mut differences = Vec::new();
    for (row, (expected, found)) in completions(whole).iter().zip(completions(&ended)).enumerate() {
        let until = expected.iter().position(|token| ends.contains(token)).map_or(NEW_TOKENS, |end| end + 1);
        for at in 0..until {
            let place = row * NEW_TOKENS + at;
            let difference = f64::from(whole.logprobs[place] - ended.logprobs[place]).abs();
            differences.push(if expected[at] == found[at] { difference } else { f64::INFINITY });
        }
    }
    Ok(largest(differences))
}

/// Log-probabilities as sampled against those of the training forward over the finished rows.
async fn sampling_difference(model: &Decoder, sampled: &Sampled) -> Result<f64, SessionError> {
    let all = logprobs(&model.frozen(), &left_padded(&sampled.rows), &model.device()).await?;
    let mut trained = Vec::new();
    let mut rest = all.as_slice();
    for row in &sampled.rows {
        let (this, next) = rest.split_at(row.len() - 1);
        trained.extend_from_slice(&this[this.len() - NEW_TOKENS..]);
        rest = next;
    }
    Ok(largest_difference(&sampled.logprobs, &trained))
}

/// Logits of each row alone against those of the same row inside `batch`.
async fn padding_difference(model: &Decoder, batch: &PaddedBatch, rows: &[Vec<u32>]) -> Result<f64, SessionError> {
    let padded = logits(model, batch).await?;
    let mut differences = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let alone = logits(model, &PaddedBatch::left(std::slice::from_ref(row), 0, row.len())).await?;
        let end = (index + 1) * batch.time * model.config.vocab_size;
        differences.push(largest_difference(&padded[end - alone.len()..end], &alone));
    }
    Ok(largest(differences))
}

/// `[batch, time, vocab]`
async fn logits(model: &Decoder, batch: &PaddedBatch) -> Result<Vec<f32>, SessionError> {
    let model = model.frozen();
    read(model.logits(model.hidden(&token_batch(&model, batch, &model.device())))).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    fn model() -> Decoder {
        subject::model(&Device::flex())
    }

    /// The same model with one number of one parameter moved.
    fn other(amount: f32) -> Decoder {
        let mut other = model();
        other.parameters_mut()[2].inplace(|weight| {
            let one = weight.clone().narrow(0, 3, 1).narrow(1, 4, 1).add_scalar(amount);
            weight.slice_assign([3..4, 4..5], one)
        });
        other
    }

    #[test]
    fn the_ratio_is_exactly_one_or_the_check_fails() {
        assert_eq!(ratio_error(&[-1.0, -2.0], &[-1.0, -2.0]), 0.0);
        let next = f32::from_bits((-2.0f32).to_bits() + 1);
        assert!(!Check::new("ratio", ratio_error(&[-1.0, next], &[-1.0, -2.0]), EXACT).ok, "one bit");
        assert!((ratio_error(&[2.0f32.ln()], &[0.0]) - 1.0).abs() < 1e-6);
        assert!(ratio_error(&[f32::NAN, -2.0], &[-1.0, -2.0]).is_nan());
        assert!(ratio_error(&[-1.0], &[-1.0, -2.0]).is_nan());
        let device = Device::flex();
        let batch = left_padded(&subject::rows());
        let old = block_on(logprobs(&model().frozen(), &batch, &device)).unwrap();
        let new = block_on(logprobs(&other(1e-3).tracked(), &batch, &training_device(&device))).unwrap();
        assert!(ratio_error(&new, &old) > EXACT, "an update moves the ratio");
    }

    #[test]
    fn sampling_by_another_model_or_temperature_fails() {
        let (model, rows) = (model(), subject::rows());
        let sampled = block_on(sample(&model, &rows, &[])).unwrap();
        let difference = |model: &Decoder| block_on(sampling_difference(model, &sampled)).unwrap();
        assert!(difference(&model) <= LIMIT);
        assert!(difference(&other(2.0)) > LIMIT);
        let tempered = model.clone().map_parameters(|parameter| parameter.mul_scalar(1.01));
        assert!(difference(&tempered) > LIMIT);
        let mut shifted = Sampled { rows: sampled.rows.clone(), logprobs: sampled.logprobs.clone() };
        shifted.logprobs.rotate_right(1);
        assert!(block_on(sampling_difference(&model, &shifted)).unwrap() > LIMIT);
        shifted.logprobs[0] = f32::NAN;
        assert!(block_on(sampling_difference(&model, &shifted)).unwrap().is_nan());
    }

    #[test]
    fn a_row_that_feels_another_end_fails() {
        let (model, rows) = (model(), subject::rows());
        let mut sampled = block_on(sample(&model, &rows, &[])).unwrap();
        let difference = |sampled: &Sampled| block_on(difference_by_ends(&model, &rows, sampled)).unwrap();
        assert_eq!(difference(&sampled), EXACT);
        sampled.logprobs[0] += 1e-3;
        assert!(difference(&sampled) > EXACT);
        sampled.logprobs[0] -= 1e-3;
        let first = sampled.rows[1].len() - NEW_TOKENS;
        sampled.rows[1][first] ^= 1;
        assert!(difference(&sampled) > EXACT);
    }

    #[test]
    fn padding_that_is_seen_fails() {
        let rows = subject::rows();
        let batch = left_padded(&rows);
        assert!(block_on(padding_difference(&model(), &batch, &rows)).unwrap() <= LIMIT);
        let mut seen = batch.clone();
        seen.mask.fill(true);
        assert!(block_on(padding_difference(&model(), &seen, &rows)).unwrap() > 10.0 * LIMIT);
        // One pad token too many, in one row.
        let mut seen = batch;
        let last_pad = seen.mask.iter().rposition(|real| !real).unwrap();
        seen.mask[last_pad] = true;
        assert!(block_on(padding_difference(&model(), &seen, &rows)).unwrap() > 10.0 * LIMIT);
    }

    #[test]
    fn log_probabilities_of_another_model_fail() {
        let batch = left_padded(&subject::rows());
        let of = |model: Decoder| block_on(logprobs(&model.frozen(), &batch, &Device::flex())).unwrap();
        let expected: usize = subject::rows().iter().map(|row| row.len() - 1).sum();
        assert_eq!(of(model()).len(), expected);
        assert!(largest_difference(&of(other(2.0)), &of(model())) > LIMIT);
    }
}
