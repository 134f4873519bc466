//! Means of what the updates of one step measured, by TRL's names.
//!
//! An update's numbers stay on the device until somebody wants them: a GPU that is waited for after every update idles
//! while the next is prepared.

use crate::SessionError;
use crate::protocol::Metrics;
use crate::trainer::StepOnDevice;

/// Sums by name, and how many updates went into each.
#[derive(Default)]
pub struct Learning {
    sums: Vec<(&'static str, f64, usize)>,
    ratios: Vec<f64>,
    /// Updates still on the device, with the name of their gradient norm.
    updates: Vec<(StepOnDevice, &'static str)>,
    /// Learning rate of the last update.
    pub learning_rate: f64,
}

impl Learning {
    /// Takes an update in; `grad_norm` names its gradient norm.
    pub fn push(&mut self, step: StepOnDevice, grad_norm: &'static str) {
        self.updates.push((step, grad_norm));
    }

    /// Waits for the updates taken in since the last time, once for all. Gives the last value of the number `of`.
    ///
    /// # Errors
    /// If the device fails or an update diverged.
    pub async fn settle(&mut self, of: &str) -> Result<Option<f32>, SessionError> {
        let (steps, grad_norms): (Vec<_>, Vec<_>) = std::mem::take(&mut self.updates).into_iter().unzip();
        let mut last = None;
        for (numbers, grad_norm) in StepOnDevice::wait(steps).await?.into_iter().zip(grad_norms) {
            for (name, number) in numbers.numbers {
                self.add(name, number);
                last = if name == of { Some(number) } else { last };
            }
            self.add(grad_norm, numbers.grad_norm);
        }
        Ok(last)
    }

    /// Takes a number of one update in.
    fn add(&mut self, name: &'static str, number: f32) {
        let number = f64::from(number);
        if name == "val/ratio" {
            self.ratios.push(number);
        }
        match self.sums.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, sum, count)) => {
                *sum += number;
                *count += 1;
            }
            None => self.sums.push((name, number, 1)),
        }
    }

    /// The means; of the ratio also the variance and the first, which must be 1.
    pub fn metrics(&self) -> Metrics {
        let means = self.sums.iter().map(|(name, sum, count)| (name.to_string(), sum / *count as f64));
        let mut metrics: Metrics = means.collect();
        let count = self.ratios.len().max(1) as f64;
        let mean = self.ratios.iter().sum::<f64>() / count;
        let variance = self.ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / count;
        metrics.insert("val/ratio_var".into(), variance);
        metrics.insert("val/first_ratio".into(), self.ratios.first().copied().unwrap_or(1.0));
        metrics.insert("lr".into(), self.learning_rate);
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_averaged_over_the_updates_that_had_them() {
        let mut learning = Learning::default();
        for (ratio, kl) in [(1.0, Some(0.5)), (1.2, None), (0.8, Some(1.5))] {
            learning.add("val/ratio", ratio);
            kl.into_iter().for_each(|kl| learning.add("loss/kl_avg", kl));
        }
        let metrics = learning.metrics();
        assert!((metrics["val/ratio"] - 1.0).abs() < 1e-7);
        assert!((metrics["val/ratio_var"] - 0.08 / 3.0).abs() < 1e-7);
        assert_eq!(metrics["val/first_ratio"], 1.0);
        assert_eq!(metrics["loss/kl_avg"], 1.0);
    }
}
