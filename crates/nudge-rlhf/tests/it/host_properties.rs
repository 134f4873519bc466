//! What must hold for any rewards and rankings: a common shift, the order and the names of completions
//! do not matter.

use nudge_rlhf::*;
use proptest::prelude::*;

use crate::common::assert_all_close;

const SCALES: [ScaleRewards; 3] = [ScaleRewards::Group, ScaleRewards::Batch, ScaleRewards::None];

/// `groups * k` rewards, multiples of 1/64: shifts by such numbers are exact.
fn groups() -> impl Strategy<Value = (Vec<f32>, usize)> {
    (2usize..6, 1usize..5).prop_flat_map(|(k, groups)| {
        let rewards = prop::collection::vec((-256i16..256).prop_map(|n| f32::from(n) / 64.0), k * groups);
        (rewards, Just(k))
    })
}

/// Tiers out of an order: a `true` ties a completion to the one before it.
fn tiers(order: &[usize], tied: &[bool]) -> Vec<Vec<usize>> {
    let mut tiers: Vec<Vec<usize>> = Vec::new();
    for (&completion, &tied) in order.iter().zip(tied) {
        match tiers.last_mut() {
            Some(tier) if tied => tier.push(completion),
            _ => tiers.push(vec![completion]),
        }
    }
    tiers
}

fn ranking(k: usize) -> impl Strategy<Value = Vec<Vec<usize>>> {
    let order: Vec<usize> = (0..k).collect();
    (Just(order).prop_shuffle(), prop::collection::vec(prop::bool::weighted(0.3), k))
        .prop_map(|(order, tied)| tiers(&order, &tied))
}

/// Two rankings of the same completions, and new names for the completions.
fn two_rankings() -> impl Strategy<Value = (Vec<Vec<usize>>, Vec<Vec<usize>>, Vec<usize>)> {
    (1usize..7).prop_flat_map(|k| {
        let names: Vec<usize> = (0..k).collect();
        (ranking(k), ranking(k), Just(names).prop_shuffle())
    })
}

fn pairs_among(completions: usize) -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0..completions, 0..completions).prop_filter("two completions", |(w, l)| w != l), 0..40)
}

fn members() -> impl Strategy<Value = Vec<Vec<f32>>> {
    (1usize..5, 0usize..6).prop_flat_map(|(members, completions)| {
        prop::collection::vec(prop::collection::vec(-4.0f32..4.0, completions), members)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn a_common_shift_leaves_group_advantages((rewards, k) in groups(), shift in (-256i16..256).prop_map(f32::from)) {
        let shifted: Vec<f32> = rewards.iter().map(|reward| reward + shift).collect();
        for scale in SCALES {
            let (one, other) = (grpo_advantages(&rewards, k, scale), grpo_advantages(&shifted, k, scale));
            assert_all_close("grpo", &one, &other, 1e-5);
        }
        assert_all_close("rloo", &rloo_advantages(&rewards, k), &rloo_advantages(&shifted, k), 1e-5);
    }

    #[test]
    fn reversing_a_group_reverses_its_advantages((rewards, k) in groups()) {
        let reverse = |values: &[f32]| -> Vec<f32> {
            values.chunks_exact(k).flat_map(|group| group.iter().rev().copied().collect::<Vec<_>>()).collect()
        };
        for scale in SCALES {
            let expected = reverse(&grpo_advantages(&rewards, k, scale));
            assert_all_close("grpo", &grpo_advantages(&reverse(&rewards), k, scale), &expected, 1e-5);
        }
        let expected = reverse(&rloo_advantages(&rewards, k));
        assert_all_close("rloo", &rloo_advantages(&reverse(&rewards), k), &expected, 1e-5);
    }

    #[test]
    fn rloo_is_unscaled_grpo_times_k_over_k_minus_one((rewards, k) in groups()) {
        let factor = k as f32 / (k - 1) as f32;
        let grpo: Vec<f32> = grpo_advantages(&rewards, k, ScaleRewards::None).iter().map(|a| a * factor).collect();
        assert_all_close("rloo", &rloo_advantages(&rewards, k), &grpo, 1e-5);
    }

    #[test]
    fn advantages_of_a_group_add_up_to_nothing((rewards, k) in groups()) {
        for scale in SCALES {
            for group in grpo_advantages(&rewards, k, scale).chunks_exact(k) {
                prop_assert!(group.iter().sum::<f32>().abs() < 1e-4);
            }
        }
    }

    #[test]
    fn a_baseline_does_not_care_how_its_past_was_batched((rewards, k) in groups()) {
        let (mut at_once, mut in_groups) = (RewardBaseline::default(), RewardBaseline::default());
        at_once.advantages(&rewards);
        rewards.chunks_exact(k).for_each(|group| {
            in_groups.advantages(group);
        });
        prop_assert_eq!(at_once, in_groups);
    }

    #[test]
    fn equal_members_are_the_member(scores in prop::collection::vec(-4.0f32..4.0, 0..8), count in 1usize..6) {
        let members = vec![scores.clone(); count];
        for rule in [EnsembleRule::Mean, EnsembleRule::Min, EnsembleRule::MeanMinusVariance(2.0)] {
            prop_assert_eq!(&ensemble_scores(&members, rule), &scores);
        }
    }

    #[test]
    fn cautious_rules_never_score_higher_and_members_have_no_order(members in members()) {
        let mean = ensemble_scores(&members, EnsembleRule::Mean);
        let reversed: Vec<Vec<f32>> = members.iter().rev().cloned().collect();
        for rule in [EnsembleRule::Mean, EnsembleRule::Min, EnsembleRule::MeanMinusVariance(0.5)] {
            let scores = ensemble_scores(&members, rule);
            prop_assert!(scores.iter().zip(&mean).all(|(score, mean)| *score <= mean + 1e-6));
            assert_all_close("reversed", &ensemble_scores(&reversed, rule), &scores, 1e-5);
        }
    }

    #[test]
    fn relabelling_completions_leaves_agreement((one, other, names) in two_rankings()) {
        let relabel = |ranking: &[Vec<usize>]| -> Vec<Vec<usize>> {
            ranking.iter().map(|tier| tier.iter().map(|&completion| names[completion]).collect()).collect()
        };
        let agreement = ranking_agreement(&one, &other);
        prop_assert_eq!(agreement, ranking_agreement(&relabel(&one), &relabel(&other)));
        prop_assert_eq!(agreement, ranking_agreement(&other, &one));
        prop_assert_eq!(agreement.pairs + agreement.tied, names.len() * (names.len() - 1) / 2);
    }

    #[test]
    fn reversing_one_ranking_turns_agreement_round((one, other, _) in two_rankings()) {
        let reversed: Vec<Vec<usize>> = other.iter().rev().cloned().collect();
        let (straight, turned) = (ranking_agreement(&one, &other), ranking_agreement(&one, &reversed));
        prop_assert_eq!(straight.agreeing + turned.agreeing, straight.pairs as f64);
        prop_assert_eq!((straight.pairs, straight.tied), (turned.pairs, turned.tied));
    }

    #[test]
    fn every_pair_is_in_one_bin_and_one_part(
        rewards in prop::collection::vec(-4.0f32..4.0, 8),
        pairs in pairs_among(8),
        parts in 1usize..7,
    ) {
        let whole = pairwise_accuracy(&rewards, &pairs);
        let table = calibration_table(&rewards, &pairs, parts);
        prop_assert_eq!(table.iter().map(|bin| bin.pairs).sum::<usize>(), pairs.len());
        let right: f64 = table.iter().map(|bin| bin.accuracy * bin.pairs as f64).sum();
        prop_assert!((right - (whole.wins as f64 + 0.5 * whole.ties as f64)).abs() < 1e-9);
        for bin in table.iter().filter(|bin| bin.pairs > 0) {
            prop_assert!(bin.low <= bin.confidence + 1e-12 && bin.confidence <= bin.high + 1e-12);
        }

        let slices = accuracy_by_margin(&rewards, &pairs, parts);
        prop_assert_eq!(slices.iter().map(|slice| slice.accuracy.wins).sum::<usize>(), whole.wins);
        prop_assert_eq!(slices.iter().map(|slice| slice.accuracy.losses).sum::<usize>(), whole.losses);
        prop_assert!(slices.len() <= parts && slices.windows(2).all(|two| two[0].high < two[1].low));
    }

    #[test]
    fn a_model_that_knows_its_odds_is_calibrated(wins in 1usize..40, losses in 1usize..40) {
        // Of pairs with odds `wins : losses` for the same completion, that many are won.
        let (wins, losses) = (wins.max(losses), wins.min(losses));
        let rewards = [(wins as f32 / losses as f32).ln(), 0.0];
        let pairs = [vec![(0, 1); wins], vec![(1, 0); losses]].concat();
        let table = calibration_table(&rewards, &pairs, 10);
        prop_assume!(wins > losses);
        prop_assert!(expected_calibration_error(&table) < 1e-6);
    }

    #[test]
    fn a_fit_finds_the_curve_it_came_from(alpha in -2.0f64..2.0, beta in 0.05f64..2.0, count in 2usize..8) {
        let distances: Vec<f64> = (1..=count).map(|n| 0.4 * n as f64).collect();
        let points = |curve: fn(f64, f64, f64) -> f64| -> Vec<(f64, f64)> {
            distances.iter().map(|&d| (d, curve(d, alpha, beta))).collect()
        };
        for fit in [fit_best_of_n(&points(best_of_n_curve)), fit_rl(&points(rl_curve))] {
            let fit = fit.expect("two distances");
            prop_assert!((fit.alpha - alpha).abs() < 1e-7 && (fit.beta - beta).abs() < 1e-7);
        }
    }

    #[test]
    fn the_order_of_completions_leaves_their_variety(
        completions in prop::collection::vec(prop::collection::vec(0u8..5, 0..6), 0..6),
        n in 1usize..4,
    ) {
        let reversed: Vec<Vec<u8>> = completions.iter().rev().cloned().collect();
        let distinct = distinct_n(&completions, n);
        prop_assert_eq!(distinct, distinct_n(&reversed, n));
        prop_assert!((0.0..=1.0).contains(&distinct));
    }

    #[test]
    fn intervals_hold_the_mean_and_move_with_it(
        values in prop::collection::vec(-4.0f64..4.0, 2..20),
        shift in -8.0f64..8.0,
    ) {
        let (mean, half_width) = t_interval(&values);
        let (low, high) = bootstrap_interval(&values, 400, 1);
        prop_assert!(low <= mean + 1e-9 && mean <= high + 1e-9);
        let shifted: Vec<f64> = values.iter().map(|value| value + shift).collect();
        let moved = t_interval(&shifted);
        prop_assert!((moved.0 - mean - shift).abs() < 1e-9 && (moved.1 - half_width).abs() < 1e-9);
        let moved = bootstrap_interval(&shifted, 400, 1);
        prop_assert!((moved.0 - low - shift).abs() < 1e-9 && (moved.1 - high - shift).abs() < 1e-9);
    }
}
