//! Means of what the updates of one step measured, by TRL's names.

use crate::protocol::Metrics;

/// Sums by name, and how many updates went into each.
#[derive(Default)]
pub struct Learning {
    sums: Vec<(&'static str, f64, usize)>,
    ratios: Vec<f64>,
    /// Learning rate of the last update.
    pub learning_rate: f64,
}

impl Learning {
    /// Takes a number of one update in.
    pub fn add(&mut self, name: &'static str, number: f32) {
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
