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
    /// The score of one completion out of one score a member. A NaN anywhere gives NaN: a member that
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

/// The ensemble's score of every completion, `[completions]`.
///
/// `members[m][completion]` is the score that member `m` gives.
///
/// # Panics
/// If there is no member, or members scored different numbers of completions.
pub fn ensemble_scores(members: &[Vec<f32>], rule: EnsembleRule) -> Vec<f32> {
    let completions = same_completions(members);
    (0..completions).map(|one| rule.combine(members.iter().map(|member| f64::from(member[one]))) as f32).collect()
}

/// How far reward models disagree about the order of one prompt's completions: the mean over all pairs of completions
/// of the variance over members of `sigmoid(r_i - r_j)`, the probability that they give to `i` being better than `j`.
///
/// Christiano et al. (2017, section 2.2.4) ask people about the pairs where the predictions of an ensemble have the
/// highest variance. It lies in `[0, 0.25]`: 0 where all members say the same, 0.25 where half are certain of the one
/// order and half of the other. The divisor is the number of members. A shift of a member's rewards changes nothing.
///
/// `members[m][completion]` is the reward that member `m` gives. Fewer than two completions, or one member, give 0; a
/// reward that is NaN gives NaN.
///
/// # Panics
/// If there is no member, or members scored different numbers of completions.
pub fn preference_disagreement(members: &[Vec<f32>]) -> f64 {
    let completions = same_completions(members);
    let (mut sum, mut pairs) = (0.0, 0.0);
    for i in 0..completions {
        for j in i + 1..completions {
            let probability = |member: &Vec<f32>| 1.0 / (1.0 + (f64::from(member[j]) - f64::from(member[i])).exp());
            let mean = members.iter().map(probability).sum::<f64>() / members.len() as f64;
            sum +=
                members.iter().map(|member| (probability(member) - mean).powi(2)).sum::<f64>() / members.len() as f64;
            pairs += 1.0;
        }
    }
    if pairs == 0.0 { 0.0 } else { sum / pairs }
}

/// The number of completions that every member scored.
fn same_completions(members: &[Vec<f32>]) -> usize {
    let Some(first) = members.first() else {
        panic!("an ensemble of 0 reward models has no score");
    };
    for (index, member) in members.iter().enumerate() {
        assert!(
            member.len() == first.len(),
            "member {index} scored {} completions but member 0 scored {}",
            member.len(),
            first.len()
        );
    }
    first.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disagreement_by_hand() {
        // Probabilities 0.75 and 0.25 of the one pair: variance 0.0625.
        let (up, down) = (3.0f32.ln(), -(3.0f32.ln()));
        assert!((preference_disagreement(&[vec![up, 0.0], vec![down, 0.0]]) - 0.0625).abs() < 1e-7);
        // A third one on which both agree with the first member's order of 1 and 2: pairs (0, 1), (0, 2), (1, 2).
        let far = 40.0;
        let members = [vec![up, 0.0, -far], vec![down + 5.0, 5.0, 5.0 - far]];
        assert!((preference_disagreement(&members) - 0.0625 / 3.0).abs() < 1e-7);
        // Certain and opposite.
        assert!((preference_disagreement(&[vec![far, -far], vec![-far, far]]) - 0.25).abs() < 1e-9);
    }

    #[test]
    fn who_says_the_same_does_not_disagree() {
        assert_eq!(preference_disagreement(&[vec![1.0, 2.0, 5.0], vec![-1.0, 0.0, 3.0]]), 0.0);
        assert_eq!(preference_disagreement(&[vec![1.0, 9.0]]), 0.0);
        assert_eq!(preference_disagreement(&[vec![1.0], vec![2.0]]), 0.0);
        assert!(preference_disagreement(&[vec![1.0, f32::NAN], vec![2.0, 0.0]]).is_nan());
    }

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
    fn no_completions_no_scores() {
        assert!(ensemble_scores(&[vec![], vec![]], EnsembleRule::Min).is_empty());
    }

    #[test]
    #[should_panic(expected = "an ensemble of 0 reward models has no score")]
    fn nobody_has_no_score() {
        ensemble_scores(&[], EnsembleRule::Mean);
    }

    #[test]
    #[should_panic(expected = "member 1 scored 1 completions but member 0 scored 2")]
    fn a_member_that_missed_a_completion_is_named() {
        ensemble_scores(&[vec![1.0, 2.0], vec![1.0]], EnsembleRule::Mean);
    }
}
