//! One gradient step, as every training stage makes it: forward on a tracked copy, backward, clip, update, one readback.

use crate::SessionError;
use crate::readback::read_all;
use burn::tensor::{Device, Tensor};
use nudge_model::{Optimizer, OptimizerOptions, Parameters};
use nudge_rlhf::LearningRate;

/// A model, its optimizer and its learning-rate schedule.
pub struct Trainer<M> {
    /// The weights, without a graph.
    pub model: M,
    /// Its moments.
    pub optimizer: Optimizer,
    schedule: LearningRate,
    stage: &'static str,
}

/// The numbers of one step.
pub struct StepNumbers {
    /// The loss before the update.
    pub loss: f32,
    /// Global gradient norm before clipping.
    pub grad_norm: f32,
    /// Learning rate of the update.
    pub learning_rate: f64,
    /// What the loss function gave along with the loss.
    pub extra: Vec<f32>,
}

impl<M: Parameters> Trainer<M> {
    /// Zero moments for `model`; `stage` names it in errors.
    pub fn new(model: M, options: OptimizerOptions, schedule: LearningRate, stage: &'static str) -> Self {
        let optimizer = Optimizer::new(options, &model);
        Self { model, optimizer, schedule, stage }
    }

    /// Forward, backward, update. `loss` gets a tracked copy and gives the loss `[1]` and further numbers `[1]` each.
    pub async fn step(
        &mut self,
        loss: impl FnOnce(&M) -> (Tensor<1>, Vec<Tensor<1>>),
    ) -> Result<StepNumbers, SessionError> {
        let numbers = StepOnDevice::wait(vec![self.step_on_device(loss)]).await?;
        Ok(numbers.into_iter().next().expect("one step has one set of numbers"))
    }

    /// The same without waiting for the numbers.
    pub fn step_on_device(&mut self, loss: impl FnOnce(&M) -> (Tensor<1>, Vec<Tensor<1>>)) -> StepOnDevice {
        let learning_rate = self.schedule.at(self.optimizer.step);
        let tracked = self.model.tracked();
        let (loss, extra) = loss(&tracked);
        let gradients = loss.backward();
        let grad_norm = self.optimizer.update(&mut self.model, &tracked, gradients, learning_rate as f32);
        let mut numbers = vec![loss.without_autodiff(), grad_norm];
        numbers.extend(extra.into_iter().map(Tensor::without_autodiff));
        StepOnDevice { stage: self.stage, step: self.optimizer.step, learning_rate, numbers: Tensor::cat(numbers, 0) }
    }
}

/// A step whose numbers have not been read.
pub struct StepOnDevice {
    stage: &'static str,
    step: usize,
    /// Learning rate of the update.
    pub learning_rate: f64,
    numbers: Tensor<1>, // loss, grad_norm, extra...
}

impl StepOnDevice {
    /// Waits for several steps once.
    ///
    /// # Errors
    /// If a device fails, or a step had a loss or gradient that is not finite: the first of them.
    pub async fn wait(steps: Vec<Self>) -> Result<Vec<StepNumbers>, SessionError> {
        let read = read_all(steps.iter().map(|step| step.numbers.clone()).collect()).await?;
        steps.iter().zip(read).map(|(step, numbers)| step.checked(numbers)).collect()
    }

    fn checked(&self, numbers: Vec<f32>) -> Result<StepNumbers, SessionError> {
        let mut numbers = numbers.into_iter();
        let (loss, grad_norm) = (numbers.next().unwrap_or(f32::NAN), numbers.next().unwrap_or(f32::NAN));
        for (what, value) in [("loss", loss), ("grad_norm", grad_norm)] {
            if !value.is_finite() {
                return Err(SessionError::Diverged { stage: self.stage, step: self.step, what, value });
            }
        }
        Ok(StepNumbers { loss, grad_norm, learning_rate: self.learning_rate, extra: numbers.collect() })
    }
}

/// The device on which tensors of a tracked model's batch must live.
pub fn training_device(device: &Device) -> Device {
    device.clone().autodiff()
}
