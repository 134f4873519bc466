//! Where GRPO comes to rest, which is not `pi_ref exp(r / beta) / Z`.
//!
//! The surrogate's gradient pulls at every token of a completion `y` by the completion's advantage `A(y)`, and k3 in
//! the loss pushes at token `a` behind prefix `s` by `beta (1 - ref(a|s) / pi(a|s))`, since
//! `d/dθ (ref/pi - 1 - ln(ref/pi)) = (1 - ref/pi) d/dθ ln pi`. Tokens are averaged within a completion (Shao et al.
//! 2024, eq. 3), so both have the weight `1 / |y|`. On the policy's own samples the expected gradient with respect to
//! `ln pi(a|s)` is
//!
//! ```text
//! G(s, a) = Σ_{y through (s, a)} pi(y) / |y| * (A(y) - beta (1 - ref(a|s) / pi(a|s)))
//! ```
//!
//! and the policy rests where the gradient with respect to the logits is 0: with `q(s, a) = G(s, a) / pi(s, a)`, where
//! `pi(s, a)` is the probability to come through the place, all `q(s, .)` behind a prefix are equal.
//!
//! With two completions to a prompt, `r` and `r'`, the mean is between them and the unbiased deviation is
//! `|r - r'| / √2`, so an advantage knows which of the two rewards is higher and nothing else:
//!
//! ```text
//! A(y) = E_{y' ~ pi} [(r - r') / 2 / (|r - r'| / √2 + 1e-4)]  ≈  (P(r' < r) - P(r' > r)) / √2
//! ```
//!
//! If all completions had one length, the solution could be written as
//! `pi(a|s) = ref(a|s) / (1 - (Q(s, a) - V(s)) / beta)` with `Q` the mean of `A` behind the token and `V` behind the
//! prefix: k3 as a loss is the leash `KL(ref || pi)`, whose optimum has the tail of a hyperbola where that of
//! `KL(pi || ref)` has an exponential.

use super::tree::CompletionTree;

/// Completions to each prompt for which the advantage above holds.
pub const GROUP: usize = 2;

/// Largest inequality of `q` behind a prefix that counts as rest.
const RESIDUAL: f64 = 1e-9;
const MOST_STEPS: usize = 200_000;

/// The probability of each completion where GRPO rests, by ascent along `q` from the reference; `None` if too slow.
///
/// - `reference`: probability of each token behind its prefix, one a place of `tree`
/// - `rewards`: one a completion
/// - `beta`: weight of k3 in the loss
pub fn fixed_point(tree: &CompletionTree, reference: &[f64], rewards: &[f64], beta: f64) -> Option<Vec<f64>> {
    let mut logits: Vec<f64> = reference.iter().map(|p| p.ln()).collect();
    let pairs = pair_advantages(rewards);
    // The steepest slope of q over a logit is beta * ref / pi, and that is at most beta + √2 at rest.
    let step = 1.0 / (beta + 2.0);
    for _ in 0..MOST_STEPS {
        let policy = tree.softmax(&logits);
        let pull = pull(tree, reference, &policy, &pairs, beta);
        if pull.iter().all(|pull| pull.abs() < RESIDUAL) {
            return Some(tree.distribution(&policy));
        }
        logits.iter_mut().zip(pull).for_each(|(logit, pull)| *logit += step * pull);
    }
    None
}

/// `q` minus its mean behind each prefix, one number a place.
fn pull(tree: &CompletionTree, reference: &[f64], policy: &[f64], pairs: &[Vec<f64>], beta: f64) -> Vec<f64> {
    let shares = tree.distribution(policy);
    let advantages = expected_advantages(&shares, pairs);
    let weights: Vec<f64> = shares.iter().zip(&tree.completions).map(|(p, tokens)| p / tokens.len() as f64).collect();
    let weighted: Vec<f64> = weights.iter().zip(&advantages).map(|(weight, advantage)| weight * advantage).collect();
    let (through, weight, advantage) =
        (tree.sum_through(&shares), tree.sum_through(&weights), tree.sum_through(&weighted));
    let q: Vec<f64> = (0..tree.places())
        .map(|at| (advantage[at] - weight[at] * beta * (1.0 - reference[at] / policy[at])) / through[at])
        .collect();
    let centred = |(q, policy): (&[f64], &[f64])| {
        let mean: f64 = q.iter().zip(policy).map(|(q, p)| q * p).sum();
        q.iter().map(|q| q - mean).collect::<Vec<f64>>()
    };
    q.chunks(tree.vocabulary).zip(policy.chunks(tree.vocabulary)).flat_map(centred).collect()
}

/// Mean over the second completion of a group of the advantage of the first.
fn expected_advantages(shares: &[f64], pairs: &[Vec<f64>]) -> Vec<f64> {
    pairs.iter().map(|pairs| pairs.iter().zip(shares).map(|(advantage, p)| advantage * p).sum()).collect()
}

/// The advantage of the first of two completions, for all pairs.
fn pair_advantages(rewards: &[f64]) -> Vec<Vec<f64>> {
    let advantage = |difference: f64| 0.5 * difference / (difference.abs() / 2f64.sqrt() + 1e-4);
    rewards.iter().map(|reward| rewards.iter().map(|other| advantage(reward - other)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_completions_of_one_token_rest_where_a_quadratic_says() {
        // One prefix, tokens 0 and 1 of which 1 ends and 0 is cut off: p = pi(0), reference 1/2, reward of 0 higher.
        // q(0) = (1 - p) / √2 - beta (1 - 1 / 2p), q(1) = -p / √2 - beta (1 - 1 / 2(1 - p)); equal where
        // 1 / √2 = beta (1 / 2(1 - p) - 1 / 2p), hence with c = √2 beta: p (1 - p) = c (p - 1/2).
        let tree = CompletionTree::new(2, 1, 1);
        for beta in [0.2, 1.0, 5.0] {
            let c = 2f64.sqrt() * beta;
            let p = (1.0 - c + (1.0 + c * c).sqrt()) / 2.0;
            let policy = fixed_point(&tree, &[0.5, 0.5], &[1e3, 0.0], beta).unwrap();
            assert!((policy[0] - p).abs() < 1e-6, "beta {beta}: {policy:?} is not {p}");
        }
    }

    #[test]
    fn equal_rewards_leave_the_reference_and_their_scale_does_not_matter() {
        let tree = CompletionTree::new(3, 2, 1);
        let reference = tree.softmax(&[0.0, 1.0, -1.0, 0.5, 0.0, 0.0, 2.0, 1.0, -1.0]);
        let rest = |rewards: [f64; 7]| fixed_point(&tree, &reference, &rewards, 0.5).unwrap();
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close(&rest([3.0; 7]), &tree.distribution(&reference)));
        let rewards = [1.0, 20.0, 300.0, -4.0, 50.0, 600.0, 7.0].map(|reward| 1e3 * reward);
        let ranks = [2.0, 4.0, 6.0, 1.0, 5.0, 7.0, 3.0].map(|reward| 1e5 * reward);
        assert!(close(&rest(rewards), &rest(ranks)), "only the order counts");
        assert!(!close(&rest(rewards), &rest(rewards.map(|reward| -reward))));
    }
}
