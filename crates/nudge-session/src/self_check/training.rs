//! One step of training against the same step on the CPU, and one with a learning rate of 0, which changes nothing.

use super::report::{Check, largest, largest_difference, relative_distance};
use super::subject::{self, logprobs, parameters};
use crate::SessionError;
use crate::readback::{read, read_all};
use crate::trainer::{Trainer, training_device};
use burn::tensor::{Bool, Device, Tensor, TensorData};
use nudge_data::PaddedBatch;
use nudge_model::{Decoder, Optimizer, OptimizerOptions, Parameters};
use nudge_rlhf::{LearningRate, sft_loss};

const LEARNING_RATE: f32 = 1e-2;
/// Far above the usual 1e-8, where the first update of AdamW would depend on the sign of a gradient alone: so its
/// size and its clipping count too.
const EPS: f32 = 1e-3;
/// Nats a token. Leaves room for products in TF32.
const LOSS_LIMIT: f64 = 1e-3;
/// Relative, of each parameter: what is small among all gradients must be right too.
const GRADIENT_LIMIT: f64 = 5e-2;
/// In learning rates, of each weight.
const UPDATE_LIMIT: f64 = 1e-3;
/// Bit for bit.
const EXACT: f64 = 0.0;

/// What one step leaves.
struct Step {
    /// Before the update.
    loss: f32,
    /// One list a parameter.
    gradients: Vec<Vec<f32>>,
    /// By how much each weight moved, one list a parameter.
    changes: Vec<Vec<f32>>,
    /// Of the same rows after the update.
    loss_after: f32,
}

/// Forward, backward and update of the decoder on `device` against the same on `cpu`. The update also against the
/// formula, from the gradients of `device` itself.
pub(super) async fn step_checks(device: &Device, cpu: &Device) -> Result<Vec<Check>, SessionError> {
    Ok(compare(&step(device).await?, &step(cpu).await?))
}

fn compare(here: &Step, there: &Step) -> Vec<Check> {
    let difference = |here: f32, there: f32| f64::from(here) - f64::from(there);
    let without = here.gradients.iter().filter(|gradient| !is_alive(gradient)).count();
    let gradients = here.gradients.iter().zip(&there.gradients);
    let distances = gradients.map(|(here, there)| relative_distance(here, there));
    vec![
        Check::new("training step: loss", difference(here.loss, there.loss), LOSS_LIMIT),
        Check::new("training step: parameters without a gradient", without as f64, EXACT),
        Check::new("training step: gradients", largest(distances), GRADIENT_LIMIT),
        Check::new("training step: update", update_error(here), UPDATE_LIMIT),
        Check::new("training step: loss after the update", difference(here.loss_after, there.loss_after), LOSS_LIMIT),
    ]
}

/// How far the weights moved from where AdamW moves them first, in learning rates.
///
/// Moments start at 0, so their bias corrections leave the gradient and its square (Kingma & Ba 2015, algorithm 1):
/// `-lr * g / (|g| + eps)`, where `g` is the gradient clipped to a global norm of 1.
fn update_error(step: &Step) -> f64 {
    let gradients = step.gradients.concat();
    let norm = gradients.iter().map(|gradient| f64::from(*gradient).powi(2)).sum::<f64>().sqrt();
    let changes = step.changes.concat();
    if changes.len() != gradients.len() {
        return f64::NAN;
    }
    largest(changes.iter().zip(&gradients).map(|(change, gradient)| {
        let clipped = f64::from(*gradient) / norm.max(1.0);
        f64::from(*change) / f64::from(LEARNING_RATE) + clipped / (clipped.abs() + f64::from(EPS))
    }))
}

/// A gradient of numbers, not all of them 0.
fn is_alive(gradient: &[f32]) -> bool {
    gradient.iter().all(|number| number.is_finite()) && gradient.iter().any(|number| *number != 0.0)
}

async fn step(device: &Device) -> Result<Step, SessionError> {
    let batch = subject::right_padded(&subject::rows());
    let mut model = subject::model(device);
    let options = OptimizerOptions { eps: EPS, ..Default::default() };
    let mut optimizer = Optimizer::new(options, &model);
    let before = parameters(&model);
    let tracked = model.tracked();
    let loss = loss(&tracked, &batch, &training_device(device));
    let gradients = nudge_model::gradients(loss.clone(), &tracked);
    let of = |((_, parameter), gradient): ((String, &Tensor<2>), &Option<Tensor<2>>)| {
        // Where none arrived it counts as 0.
        gradient.clone().unwrap_or_else(|| parameter.clone().without_autodiff().zeros_like())
    };
    let kept: Vec<Tensor<2>> = tracked.trainable().into_iter().zip(&gradients).map(of).collect();
    optimizer.update(&mut model, &tracked, gradients, LEARNING_RATE);
    let changes = parameters(&model).into_iter().zip(before).map(|(after, before)| after - before).collect();
    let losses = Tensor::cat(vec![loss.without_autodiff(), self::loss(&model, &batch, device)], 0);
    let (losses, gradients) = (read(losses).await?, read_all(kept).await?);
    Ok(Step { loss: losses[0], gradients, changes: read_all(changes).await?, loss_after: losses[1] })
}

/// The loss of instruction tuning over all tokens.
fn loss(model: &Decoder, batch: &PaddedBatch, device: &Device) -> Tensor<1> {
    let rows = subject::token_batch(model, batch, device);
    let real = Tensor::<2, Bool>::from_data(TensorData::new(batch.mask.clone(), [batch.batch, batch.time]), device);
    sft_loss(model.next_token_logprobs(&rows, 1.0), real.narrow(1, 1, batch.time - 1))
}

/// A step with learning rate 0, by the trainer of the stages, leaves every weight and every log-probability as it was.
pub(super) async fn learning_rate_zero_checks(device: &Device) -> Result<Vec<Check>, SessionError> {
    let (before, after) = around_a_step(0.0, device).await?;
    Ok(vec![
        Check::new("learning rate 0: weights changed", changed(&before.weights, &after.weights) as f64, EXACT),
        Check::new("learning rate 0: log-ratio", largest_difference(&after.logprobs, &before.logprobs), EXACT),
    ])
}

/// A model, read.
struct Read {
    weights: Vec<f32>,
    logprobs: Vec<f32>,
}

/// The model before and after one step.
async fn around_a_step(learning_rate: f64, device: &Device) -> Result<(Read, Read), SessionError> {
    let batch = subject::right_padded(&subject::rows());
    let schedule = LearningRate::new(learning_rate, 1);
    let mut trainer = Trainer::new(subject::model(device), OptimizerOptions::default(), schedule, "the self-check");
    let before = read_model(&trainer.model, &batch, device).await?;
    let training = training_device(device);
    trainer.step_on_device(|model| loss(model, &batch, &training));
    let after = read_model(&trainer.model, &batch, device).await?;
    Ok((before, after))
}

async fn read_model(model: &Decoder, batch: &PaddedBatch, device: &Device) -> Result<Read, SessionError> {
    let weights = read_all(parameters(model)).await?.concat();
    Ok(Read { weights, logprobs: logprobs(&model.frozen(), batch, device).await? })
}

/// Numbers that differ in any bit, or are no numbers.
fn changed(before: &[f32], after: &[f32]) -> usize {
    let differs = |(before, after): (&f32, &f32)| before.to_bits() != after.to_bits() || after.is_nan();
    before.iter().zip(after).filter(|pair| differs(*pair)).count() + before.len().abs_diff(after.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    fn cpu_step() -> Step {
        block_on(step(&Device::flex())).unwrap()
    }

    /// The names of the checks that fail when `wrong` happens to a right step.
    fn failing(wrong: impl Fn(&mut Step)) -> Vec<&'static str> {
        let (mut here, there) = (cpu_step(), cpu_step());
        wrong(&mut here);
        let checks = compare(&here, &there).into_iter();
        checks.filter(|check| !check.ok).map(|check| check.name).collect()
    }

    #[test]
    fn a_step_like_the_cpus_passes_and_the_loss_falls() {
        assert_eq!(failing(|_| ()), [""; 0]);
        let step = cpu_step();
        assert!(step.loss_after < step.loss - 10.0 * LOSS_LIMIT as f32, "{} to {}", step.loss, step.loss_after);
    }

    #[test]
    fn every_wrong_part_of_a_step_fails_its_check() {
        assert_eq!(failing(|step| step.loss += 2e-3), ["training step: loss"]);
        assert_eq!(failing(|step| step.loss = f32::NAN), ["training step: loss"]);
        assert_eq!(failing(|step| step.loss_after = f32::NAN), ["training step: loss after the update"]);
        let forgotten = cpu_step().loss;
        assert_eq!(failing(|step| step.loss_after = forgotten), ["training step: loss after the update"]);
        let update = ["training step: update"];
        assert_eq!(failing(|step| step.changes[2][5] = f32::NAN), update);
        assert_eq!(failing(|step| step.changes[2].rotate_right(1)), update);
        assert_eq!(failing(|step| step.changes[2].iter_mut().for_each(|x| *x = -*x)), update);
        assert_eq!(failing(|step| step.changes.iter_mut().flatten().for_each(|x| *x *= 1.01)), update);
        assert_eq!(failing(|step| step.gradients[0].rotate_right(1))[0], "training step: gradients");
        for broken in [0.0, f32::NAN] {
            let names = failing(|step| step.gradients[3].fill(broken));
            assert_eq!(names[..2], ["training step: parameters without a gradient", "training step: gradients"]);
        }
    }

    #[test]
    fn no_parameter_is_too_small_to_be_checked() {
        let count = cpu_step().gradients.len();
        assert_eq!(count, subject::model(&Device::flex()).parameters().len());
        for index in 0..count {
            let names = failing(|step| step.gradients[index].iter_mut().for_each(|x| *x *= 1.1));
            assert!(names.contains(&"training step: gradients"), "gradient {index}: {names:?}");
            let names = failing(|step| step.changes[index].fill(0.0));
            assert_eq!(names, ["training step: update"], "change {index}");
        }
        assert!(is_alive(&[0.0, 1e-30]) && !is_alive(&[0.0, 0.0]) && !is_alive(&[1.0, f32::NAN]) && !is_alive(&[]));
    }

    #[test]
    fn a_learning_rate_above_0_changes_what_0_does_not() {
        let checks = block_on(learning_rate_zero_checks(&Device::flex())).unwrap();
        assert!(checks.iter().all(|check| check.ok && check.value == 0.0), "{checks:?}");
        let (before, after) = block_on(around_a_step(1e-6, &Device::flex())).unwrap();
        assert!(changed(&before.weights, &after.weights) > before.weights.len() / 2);
        assert!(largest_difference(&after.logprobs, &before.logprobs) > EXACT);
        assert_eq!(changed(&[0.0, 1.0, 2.0], &[-0.0, 1.0, f32::NAN]), 2);
        assert_eq!(changed(&[1.0], &[1.0, 1.0]), 1);
        assert_eq!(changed(&[f32::NAN], &[f32::NAN]), 1);
    }
}
