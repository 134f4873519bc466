//! What a check says, and how two lists of numbers are compared: any NaN fails.
//!
//! `f64::max` passes over a NaN and a comparison with one is false, so both would let a broken device through.

use serde::Serialize;

/// One number that must not be further from 0 than its limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What was checked, for a person.
    pub name: &'static str,
    /// Whether the value is a number and within the limit.
    pub ok: bool,
    /// A difference from what it should be, or a count of what is wrong. Not finite is `null` in JSON.
    pub value: f64,
    /// The largest `value` that is still right.
    pub limit: f64,
}

impl Check {
    /// A NaN is never within a limit.
    pub fn new(name: &'static str, value: f64, limit: f64) -> Self {
        Self { name, ok: value.abs() <= limit, value, limit }
    }
}

/// What a device is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Whether every check is ok and there is at least one.
    pub ok: bool,
    /// One by one, in the order in which they ran.
    pub checks: Vec<Check>,
}

impl Report {
    /// The checks with their common verdict.
    pub fn new(checks: Vec<Check>) -> Self {
        Self { ok: !checks.is_empty() && checks.iter().all(|check| check.ok), checks }
    }
}

/// The largest absolute difference; NaN if the lengths differ or any difference is NaN.
pub(super) fn largest_difference(found: &[f32], expected: &[f32]) -> f64 {
    if found.len() != expected.len() {
        return f64::NAN;
    }
    let differences = found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b));
    largest(differences)
}

/// `‖found - expected‖ / ‖expected‖`; NaN if the lengths differ, a number is NaN, or `expected` is nothing but zeros.
pub(super) fn relative_distance(found: &[f32], expected: &[f32]) -> f64 {
    if found.len() != expected.len() {
        return f64::NAN;
    }
    let pairs = || found.iter().zip(expected).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    let distance: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
    let length: f64 = pairs().map(|(_, b)| b.powi(2)).sum();
    if length == 0.0 { f64::NAN } else { (distance / length).sqrt() }
}

/// The largest absolute value, 0 of nothing; NaN if any is NaN.
pub(super) fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    let larger = |largest: f64, value: f64| if value.abs() <= largest { largest } else { value.abs() };
    // `<=` is false for a NaN, which so replaces what was there; nothing replaces a NaN.
    values.into_iter().fold(0.0, |so_far: f64, value| if so_far.is_nan() { so_far } else { larger(so_far, value) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_passes_up_to_its_limit_and_nothing_else_does() {
        for (value, ok) in [(0.0, true), (0.5, true), (-0.5, true), (0.51, false), (-0.51, false)] {
            assert_eq!(Check::new("a check", value, 0.5).ok, ok, "{value}");
        }
        for broken in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!Check::new("a check", broken, 1e300).ok, "{broken}");
        }
        assert!(Check::new("exact", 0.0, 0.0).ok && !Check::new("exact", 1e-300, 0.0).ok);
    }

    #[test]
    fn one_failure_fails_the_report_and_no_check_is_no_pass() {
        let (right, wrong) = (Check::new("right", 0.0, 0.0), Check::new("wrong", f64::NAN, 1.0));
        assert!(Report::new(vec![right.clone(), right.clone()]).ok);
        assert!(!Report::new(vec![right.clone(), wrong, right]).ok);
        assert!(!Report::new(vec![]).ok);
    }

    #[test]
    fn a_nan_reaches_the_verdict_wherever_it_stands() {
        for values in [[f64::NAN, 1.0, 2.0], [1.0, f64::NAN, 2.0], [1.0, 2.0, f64::NAN]] {
            assert!(largest(values).is_nan(), "{values:?}");
        }
        assert_eq!(largest([1.0, -3.0, 2.0]), 3.0);
        assert_eq!(largest_difference(&[1.0, 2.0], &[1.5, 5.0]), 3.0);
        assert!(largest_difference(&[1.0, f32::NAN], &[1.0, 2.0]).is_nan());
        assert!(largest_difference(&[f32::INFINITY], &[f32::INFINITY]).is_nan());
        assert!(relative_distance(&[1.0, f32::NAN], &[1.0, 2.0]).is_nan());
    }

    #[test]
    fn distances_are_relative_and_compare_like_with_like() {
        // The difference is (0, 5) beside (3, 4): 5 of 5.
        assert_eq!(relative_distance(&[3.0, 9.0], &[3.0, 4.0]), 1.0);
        assert!(relative_distance(&[0.0], &[0.0]).is_nan(), "nothing but zeros proves nothing");
        assert!(largest_difference(&[1.0], &[1.0, 2.0]).is_nan() && relative_distance(&[1.0], &[1.0, 2.0]).is_nan());
    }

    #[test]
    fn a_nan_is_null_in_json() {
        let json = serde_json::to_string(&Report::new(vec![Check::new("c", f64::NAN, 1e-3)])).unwrap();
        assert_eq!(json, r#"{"ok":false,"checks":[{"name":"c","ok":false,"value":null,"limit":0.001}]}"#);
    }
}
