//! Best-of-n: draw `n` completions, keep the one with the highest reward. The baseline that needs no
//! training, and the yardstick for what a reward model is worth.

/// KL in nats between best-of-n and the policy it draws from: `ln n - (n - 1) / n`
/// (Stiennon et al. 2020, appendix G).
///
/// # Panics
/// If `n` is 0.
pub fn best_of_n_kl(n: usize) -> f64 {
    assert!(n > 0, "best of 0 completions is not defined");
    let n = n as f64;
    n.ln() - (n - 1.0) / n
}

/// The score to expect from best-of-n, estimated from all `N >= n` drawn completions at once.
///
/// - `proxy`: the rewards that choose, `[N]`
/// - `gold`: the scores that are reported, `[N]`
///
/// With the completions sorted by `proxy`, completion `i` of `N` is the best of a random `n` with
/// probability `C(i-1, n-1) / C(N, n)`; the estimate is the `gold` mean under these weights.
/// It is unbiased and wastes no draw (Nakano et al. 2021, appendix I). Completions of equal `proxy` share
/// their weights evenly, so the order of the input does not matter.
///
/// # Panics
/// If the lengths differ, or `n` is 0 or more than `N`.
pub fn best_of_n_score(proxy: &[f32], gold: &[f32], n: usize) -> f64 {
    let total = proxy.len();
    assert!(gold.len() == total, "{total} proxy rewards but {} gold scores", gold.len());
    assert!((1..=total).contains(&n), "best of {n} cannot be estimated from {total} completions");

    let mut best_first: Vec<(f32, f64)> =
        proxy.iter().zip(gold).map(|(&proxy, &gold)| (proxy, f64::from(gold))).collect();
    best_first.sort_by(|a, b| b.0.total_cmp(&a.0));

    let mut weights = best_first_weights(total, n);
    best_first
        .chunk_by(|a, b| a.0 == b.0)
        .map(|equal| {
            let weight: f64 = weights.by_ref().take(equal.len()).sum();
            weight * equal.iter().map(|(_, gold)| gold).sum::<f64>() / equal.len() as f64
        })
        .sum()
}

/// `C(i-1, n-1) / C(N, n)` for `i = N, N-1, ..., 1`.
///
/// Neighbours differ by the factor `(i-n) / (i-1)`, so no binomial is ever formed: they overflow.
fn best_first_weights(total: usize, n: usize) -> impl Iterator<Item = f64> {
    let mut weight = n as f64 / total as f64;
    (1..=total).rev().map(move |i| {
        let current = weight;
        weight *= i.saturating_sub(n) as f64 / (i - 1).max(1) as f64;
        current
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: [f32; 4] = [0.1, 0.5, 0.3, 0.9];
    const GOLD: [f32; 4] = [1.0, 2.0, 0.0, -1.0];

    #[test]
    fn kl_matches_the_table() {
        let table = [
            (1, 0.0),
            (2, 0.1931),
            (4, 0.6363),
            (8, 1.2044),
            (16, 1.8351),
            (64, 3.1745),
            (256, 4.5491),
            (1024, 5.9324),
            (4096, 7.3180),
        ];
        for (n, kl) in table {
            assert!((best_of_n_kl(n) - kl).abs() < 6e-5, "n = {n}");
        }
    }

    #[test]
    fn estimator_matches_hand_calculation() {
        for (n, expected) in [(1, 0.5), (2, 1.0 / 6.0), (4, -1.0)] {
            let actual = best_of_n_score(&PROXY, &GOLD, n);
            assert!((actual - expected).abs() < 1e-12, "n = {n}: {actual}");
        }
    }

    #[test]
    fn estimator_equals_the_mean_over_all_subsets() {
        // All C(4, 3) triples, the best of each by proxy.
        let mut sum = 0.0;
        for left_out in 0..4 {
            let best = (0..4)
                .filter(|&i| i != left_out)
                .max_by(|&a, &b| PROXY[a].total_cmp(&PROXY[b]))
                .expect("three completions");
            sum += f64::from(GOLD[best]);
        }
        assert!((best_of_n_score(&PROXY, &GOLD, 3) - sum / 4.0).abs() < 1e-12);
    }

    #[test]
    fn weights_add_up_for_many_completions() {
        let sum: f64 = best_first_weights(5000, 1000).sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }

    #[test]
    fn order_of_equal_rewards_does_not_matter() {
        let one = best_of_n_score(&[1.0, 1.0, 0.0], &[5.0, 1.0, 0.0], 2);
        let other = best_of_n_score(&[1.0, 0.0, 1.0], &[1.0, 0.0, 5.0], 2);
        assert_eq!(one, other);
        assert!((one - 3.0).abs() < 1e-12);
    }

    #[test]
    #[should_panic(expected = "best of 5 cannot be estimated from 4 completions")]
    fn more_than_there_are_is_refused() {
        best_of_n_score(&PROXY, &GOLD, 5);
    }
}
