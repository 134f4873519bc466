//! One gradient step, as every training stage makes it: forward on a tracked copy, backward, clip, update, one readback.

use crate::SessionError;
use crate::readback::read;
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
        let (learning_rate, tensors) = self.step_on_device(loss);
        let mut numbers = read(tensors).await?.into_iter();
        let (loss, grad_norm) = (numbers.next().unwrap_or(f32::NAN), numbers.next().unwrap_or(f32::NAN));
        for (what, value) in [("loss", loss), ("grad_norm", grad_norm)] {
            if !value.is_finite() {
                return Err(SessionError::Diverged { stage: self.stage, step: self.optimizer.step, what, value });
            }
        }
        Ok(StepNumbers { loss, grad_norm, learning_rate, extra: numbers.collect() })
    }

    /// The same without waiting: gives the learning rate and `[loss, grad_norm, extra...]` as one tensor.
    pub fn step_on_device(&mut self, loss: impl FnOnce(&M) -> (Tensor<1>, Vec<Tensor<1>>)) -> (f64, Tensor<1>) {
        let learning_rate = self.schedule.at(self.optimizer.step);
        let tracked = self.model.tracked();
        let (loss, extra) = loss(&tracked);
        let gradients = loss.backward();
        let grad_norm = self.optimizer.update(&mut self.model, &tracked, gradients, learning_rate as f32);
        let mut numbers = vec![loss.without_autodiff(), grad_norm];
        numbers.extend(extra.into_iter().map(Tensor::without_autodiff));
        (learning_rate, Tensor::cat(numbers, 0))
    }
}

/// The device on which tensors of a tracked model's batch must live.
pub fn training_device(device: &Device) -> Device {
    device.clone().autodiff()
}
