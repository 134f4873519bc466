//! One score out of several reward models.
//!
//! Where reward models that saw different data or different seeds disagree, the score is a guess, and
//! a policy that is tuned on it finds the guesses that are too high (Coste et al. 2023). How the
//! members are trained is not this module's business. They must share a scale before they are
//! combined: see [`super::normalize`].

use serde::{Deserialize, Serialize};

/// How the members' scores become one (Coste et al. 2023).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnsembleRule {
    /// Their mean.
    #[default]
    Mean,
    /// The lowest: worst-case optimisation. No member can be fooled alone.
    Min,
    /// Their mean minus this coefficient times their variance over members (divisor: the number of
    /// members): uncertainty-weighted optimisation. The unit of the coefficient is 1 / score.
    MeanMinusVariance(f32),
}

impl EnsembleRule {
    /// The score of one answer out of one score a member. A NaN anywhere gives NaN: a member that
    /// says nothing must not pass for one that agrees.
    fn combine(self, scores: impl Iterator<Item = f64> + Clone) -> f64 {
        let count = scores.clone().count() as f64;
        let mean = scores.clone().sum::<f64>() / count;
        match self {
            Self::Mean => mean,
            // `f64::min` would step over a NaN.
            Self::Min => scores.fold(f64::INFINITY, |low, s| if s < low || s.is_nan() { s } else { low }),
            Self::MeanMinusVariance(coefficient) => {
                let variance = scores.map(|score| (score - mean).powi(2)).sum::<f64>() / count;
                mean - f64::from(coefficient) * variance
            }
        }
    }
}

/// The ensemble's score of every answer, `[answers]`.
///
/// `members[m][answer]` is the score that member `m` gives.
///
/// # Panics
/// If there is no member, or members scored different numbers of answers.
pub fn ensemble_scores(members: &[Vec<f32>], rule: EnsembleRule) -> Vec<f32> {
    let Some(first) = members.first() else {
        panic!("an ensemble of 0 reward models has no score");
    };
    for (index, member) in members.iter().enumerate() {
        assert!(
            member.len() == first.len(),
            "member {index} scored {} answers but member 0 scored {}",
            member.len(),
            first.len()
        );
    }
    (0..first.len()).map(|answer| rule.combine(members.iter().map(|member| f64::from(member[answer]))) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Vec<Vec<f32>> {
        vec![vec![1.0, -2.0], vec![2.0, 4.0], vec![6.0, 4.0]]
    }

    #[test]
    fn every_rule_by_hand() {
        assert_eq!(ensemble_scores(&members(), EnsembleRule::Mean), [3.0, 2.0]);
        assert_eq!(ensemble_scores(&members(), EnsembleRule::Min), [1.0, -2.0]);
        // Variances (4 + 1 + 9) / 3 and (16 + 4 + 4) / 3.
        let weighted = ensemble_scores(&members(), EnsembleRule::MeanMinusVariance(0.5));
        for (actual, expected) in weighted.iter().zip([3.0 - 7.0 / 3.0, 2.0 - 4.0]) {
            assert!((actual - expected).abs() < 1e-6, "{weighted:?}");
        }
    }

    #[test]
    fn one_nan_is_not_outvoted() {
        for rule in [EnsembleRule::Mean, EnsembleRule::Min, EnsembleRule::MeanMinusVariance(0.1)] {
            for members in [vec![vec![f32::NAN], vec![1.0]], vec![vec![1.0], vec![f32::NAN]]] {
                assert!(ensemble_scores(&members, rule)[0].is_nan(), "{rule:?}");
            }
        }
    }

    #[test]
    fn rules_in_json() {
        let rules = [EnsembleRule::Mean, EnsembleRule::Min, EnsembleRule::MeanMinusVariance(0.5)];
        let json = serde_json::to_string(&rules).expect("plain data");
        assert_eq!(json, r#"["mean","min",{"mean_minus_variance":0.5}]"#);
        assert_eq!(serde_json::from_str::<[EnsembleRule; 3]>(&json).expect("own output"), rules);
    }

    #[test]
    fn no_answers_no_scores() {
        assert!(ensemble_scores(&[vec![], vec![]], EnsembleRule::Min).is_empty());
    }

    #[test]
    #[should_panic(expected = "an ensemble of 0 reward models has no score")]
    fn nobody_has_no_score() {
        ensemble_scores(&[], EnsembleRule::Mean);
    }

    #[test]
    #[should_panic(expected = "member 1 scored 1 answers but member 0 scored 2")]
    fn a_member_that_missed_an_answer_is_named() {
        ensemble_scores(&[vec![1.0, 2.0], vec![1.0]], EnsembleRule::Mean);
    }
}
