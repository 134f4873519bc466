//! A number over several seeds: its mean, with the 95 % interval of that mean (Student).

use nudge_rlhf::t_interval;

/// Mean and half width of its 95 % interval; no half width for a single seed.
pub fn mean_over_seeds(values: &[f64]) -> (f64, Option<f64>) {
    let (mean, half_width) = t_interval(values);
    (mean, half_width.is_finite().then_some(half_width))
}

/// A share for people, such as `79.1 ± 4.9 %`.
pub fn percent_over_seeds(mean: f64, half_width: Option<f64>, digits: usize) -> String {
    match half_width {
        Some(half_width) => format!("{:.digits$} ± {:.digits$} %", 100.0 * mean, 100.0 * half_width),
        None => format!("{:.digits$} %", 100.0 * mean),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_has_no_interval() {
        let of = |values: &[f64], digits| {
            let (mean, half_width) = mean_over_seeds(values);
            percent_over_seeds(mean, half_width, digits)
        };
        assert_eq!(of(&[0.5], 0), "50 %");
        // Student's quantile for two degrees of freedom, 4.303, times 0.01 / sqrt 3.
        assert_eq!(of(&[0.79, 0.80, 0.81], 1), "80.0 ± 2.5 %");
    }
}
