//! The numbers of one AdamW step, and the scalars both bodies derive from them.

/// Hyperparameters of one AdamW step. Names are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWStep {
    /// Learning rate of this step.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the denominator, outside the square root.
    pub eps: f32,
    /// Decoupled weight decay: the parameter shrinks by `lr * weight_decay`.
    pub weight_decay: f32,
    /// Number of this step, counted from 1.
    pub step: usize,
}

impl AdamWStep {
    /// Factor of the decoupled weight decay on the parameter.
    pub(crate) fn decay(&self) -> f32 {
        (1.0 - f64::from(self.lr) * f64::from(self.weight_decay)) as f32
    }

    /// Learning rate over the bias correction of the first moment.
    pub(crate) fn step_size(&self) -> f32 {
        (f64::from(self.lr) / bias_correction(self.beta1, self.step)) as f32
    }

    /// `1 / sqrt` of the bias correction of the second moment.
    pub(crate) fn inverse_sqrt_correction2(&self) -> f32 {
        (1.0 / bias_correction(self.beta2, self.step).sqrt()) as f32
    }
}

/// `1 - beta^step` (Kingma & Ba 2015, §3).
fn bias_correction(beta: f32, step: usize) -> f64 {
    assert!(step > 0, "AdamW counts steps from 1");
    // `powi` takes an i32; beyond its range the power is 0 for any beta below 1.
    1.0 - f64::from(beta).powi(i32::try_from(step).unwrap_or(i32::MAX))
}
