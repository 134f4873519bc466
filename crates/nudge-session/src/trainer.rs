//! One gradient step, as every training stage makes it: forward on a tracked copy, backward, clip, update, one readback.

use crate::SessionError;
use crate::protocol::Metrics;
use crate::readback::read_all;
use burn::tensor::{Device, Tensor};
use nudge_model::{Optimizer, OptimizerOptions, Parameters, add_gradient};
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

/// A loss `[1]`, and what else a step measures on the way, each `[1]` and by its published name.
pub struct Measured {
    /// Differentiable.
    pub loss: Tensor<1>,
    /// Names and numbers.
    pub numbers: Vec<(&'static str, Tensor<1>)>,
}

impl Measured {
    /// A loss with further numbers.
    pub fn new(loss: Tensor<1>, numbers: impl IntoIterator<Item = (&'static str, Tensor<1>)>) -> Self {
        Self { loss, numbers: numbers.into_iter().collect() }
    }
}

impl From<Tensor<1>> for Measured {
    fn from(loss: Tensor<1>) -> Self {
        Self::new(loss, [])
    }
}

/// The numbers of one step.
pub struct StepNumbers {
    /// The loss before the update.
    pub loss: f32,
    /// Global gradient norm before clipping.
    pub grad_norm: f32,
    /// Learning rate of the update.
    pub learning_rate: f64,
    /// What the loss function measured along with the loss, by name.
    pub numbers: Vec<(&'static str, f32)>,
}

impl StepNumbers {
    /// Everything that is logged of a step, by TRL's names.
    pub fn metrics(&self) -> Metrics {
        let measured = self.numbers.iter().map(|(name, number)| (name.to_string(), f64::from(*number)));
        let own = [
            ("loss".to_string(), self.loss.into()),
            ("grad_norm".to_string(), self.grad_norm.into()),
            ("learning_rate".to_string(), self.learning_rate),
        ];
        measured.chain(own).collect()
    }
}

impl<M: Parameters> Trainer<M> {
    /// Zero moments for `model`; `stage` names it in errors.
    pub fn new(model: M, options: OptimizerOptions, schedule: LearningRate, stage: &'static str) -> Self {
        let optimizer = Optimizer::new(options, &model);
        Self { model, optimizer, schedule, stage }
    }

    /// Refuses a number that the updates so far led to, if it is not finite.
    ///
    /// # Errors
    /// [`SessionError::Diverged`], with the name `what` of the number.
    pub fn check(&self, what: &'static str, value: f32) -> Result<(), SessionError> {
        check(self.stage, self.optimizer.step, what, value)
    }

    /// Forward, backward, update. `loss` gets a tracked copy.
    pub async fn step<L: Into<Measured>>(&mut self, loss: impl FnOnce(&M) -> L) -> Result<StepNumbers, SessionError> {
        self.step_on_device(loss).numbers().await
    }

    /// The same without waiting for the numbers.
    pub fn step_on_device<L: Into<Measured>>(&mut self, loss: impl FnOnce(&M) -> L) -> StepOnDevice {
        self.accumulated_on_device([(1.0, loss)])
    }

    /// The same by the mean of several `losses` with their weights. The graph of one is dropped before the next is run.
    pub fn accumulated_on_device<L: Into<Measured>>(
        &mut self,
        losses: impl IntoIterator<Item = (f32, impl FnOnce(&M) -> L)>,
    ) -> StepOnDevice {
        let learning_rate = self.schedule.at(self.optimizer.step);
        let tracked = self.model.tracked();
        let losses: Vec<_> = losses.into_iter().collect();
        let total: f32 = losses.iter().map(|(weight, _)| weight).sum();
        let (mut names, mut numbers, mut gradients) = (Vec::new(), None, Vec::new());
        for (weight, loss) in losses {
            let Measured { loss, numbers: measured } = loss(&tracked).into();
            let share = |number: Tensor<1>| if weight == total { number } else { number.mul_scalar(weight / total) };
            let loss = share(loss);
            let of_loss = nudge_model::gradients(loss.clone(), &tracked);
            gradients.resize(of_loss.len(), None);
            gradients.iter_mut().zip(of_loss).for_each(|(sum, gradient)| add_gradient(sum, gradient));
            let (its_names, measured): (_, Vec<_>) = measured.into_iter().unzip();
            let measured = measured.into_iter().map(|number| share(number.without_autodiff()));
            let all = Tensor::cat([loss.without_autodiff()].into_iter().chain(measured).collect(), 0);
            names = its_names;
            numbers = Some(numbers.map_or(all.clone(), |sum: Tensor<1>| sum + all));
        }
        let grad_norm = self.optimizer.update(&mut self.model, &tracked, gradients, learning_rate as f32);
        let numbers = Tensor::cat([grad_norm].into_iter().chain(numbers).collect(), 0);
        StepOnDevice { stage: self.stage, step: self.optimizer.step, learning_rate, names, numbers }
    }
}

/// A step whose numbers have not been read.
pub struct StepOnDevice {
    stage: &'static str,
    step: usize,
    /// Learning rate of the update.
    pub learning_rate: f64,
    names: Vec<&'static str>,
    numbers: Tensor<1>, // grad_norm, loss, then one for each of `names`
}

impl StepOnDevice {
    /// Waits for the numbers.
    ///
    /// # Errors
    /// As [`StepOnDevice::wait`].
    pub async fn numbers(self) -> Result<StepNumbers, SessionError> {
        let numbers = Self::wait(vec![self]).await?;
        Ok(numbers.into_iter().next().expect("one step has one set of numbers"))
    }

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
        let (grad_norm, loss) = (numbers.next().unwrap_or(f32::NAN), numbers.next().unwrap_or(f32::NAN));
        for (what, value) in [("loss", loss), ("grad_norm", grad_norm)] {
            check(self.stage, self.step, what, value)?;
        }
        let numbers = self.names.iter().copied().zip(numbers).collect();
        Ok(StepNumbers { loss, grad_norm, learning_rate: self.learning_rate, numbers })
    }
}

fn check(stage: &'static str, step: usize, what: &'static str, value: f32) -> Result<(), SessionError> {
    if value.is_finite() { Ok(()) } else { Err(SessionError::Diverged { stage, step, what, value }) }
}

/// The device on which tensors of a tracked model's batch must live.
pub fn training_device(device: &Device) -> Device {
    device.clone().autodiff()
}
