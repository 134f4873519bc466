//! KTO, which learns from single completions, and ORPO, which has no reference model.

use nudge_rlhf::*;
use proptest::prelude::*;

use crate::common::*;
use crate::restated::{self, bradley_terry, check, log_odds, sigmoid, wide};

/// With beta .1 and the point of reference one half.
fn kto(log_ratios: &[f32], desirable: &[bool], weights: [f32; 2]) -> KtoLoss {
    let device = device();
    let ref_logprobs: Vec<f32> = (0..log_ratios.len()).map(|i| -3.0 - i as f32).collect();
    let logprobs: Vec<f32> = log_ratios.iter().zip(&ref_logprobs).map(|(ratio, logprob)| ratio + logprob).collect();
    let (logprobs, ref_logprobs) = (tensor1(&logprobs, &device), tensor1(&ref_logprobs, &device));
    kto_loss(logprobs, ref_logprobs, desirable, tensor1(&[0.5], &device), 0.1, weights[0], weights[1])
}

#[test]
fn kto_by_hand() {
    let out = kto(&[2.0, 0.8, -1.0], &[true, false, false], [1.0, 2.0]);
    // 1 - σ(.15), twice 1 - σ(-.03), twice 1 - σ(.15)
    assert_close("loss", number(out.loss), (0.462_570_15 + 2.0 * 0.507_499_4 + 2.0 * 0.462_570_15) / 3.0, 1e-6);
    assert_close("chosen", number(out.chosen_rewards), 0.2, 1e-6);
    assert_close("rejected", number(out.rejected_rewards), -0.01, 1e-6);
}

#[test]
fn kto_of_one_kind_has_no_reward_of_the_other() {
    let good = kto(&[2.0, 1.0], &[true, true], [1.0, 1.0]);
    assert_close("chosen", number(good.chosen_rewards), 0.15, 1e-6);
    assert_eq!(number(good.rejected_rewards), 0.0);
    let bad = kto(&[2.0, 1.0], &[false, false], [1.0, 1.0]);
    assert_close("rejected", number(bad.rejected_rewards), 0.15, 1e-6);
    assert_eq!(number(bad.chosen_rewards), 0.0);
}

#[test]
fn kto_value_and_gradient() {
    let ref_logprobs = [-3.5, -3.0, -2.0, -4.0];
    let desirable = [true, false, false, true];
    let (kl, beta, good, bad) = (0.7f32, 0.5f32, 1.25f32, 0.75f32);
    check(
        "kto",
        &[-3.0, -4.5, -1.0, -4.6],
        |logprobs, device| {
            let (ref_logprobs, kl) = (tensor1(&ref_logprobs, device), tensor1(&[kl], device));
            kto_loss(logprobs, ref_logprobs, &desirable, kl, beta, good, bad).loss
        },
        |logprobs| {
            let (ref_logprobs, kl, beta) = (wide(&ref_logprobs), f64::from(kl), f64::from(beta));
            let completion = |i: usize| {
                let log_ratio = logprobs[i] - ref_logprobs[i];
                match desirable[i] {
                    true => f64::from(good) * (1.0 - sigmoid(beta * (log_ratio - kl))),
                    false => f64::from(bad) * (1.0 - sigmoid(beta * (kl - log_ratio))),
                }
            };
            restated::mean((0..4).map(completion))
        },
    );
}

#[test]
fn the_point_of_reference_is_a_kl_and_data() {
    let device = device().autodiff();
    let of = |logprobs: &[f32]| number(kto_kl(tensor1(logprobs, &device), tensor1(&[-2.0, -4.0], &device)));
    assert_close("kl", of(&[-1.0, -3.5]), 0.75, 1e-6);
    assert_close("kl", of(&[-4.0, -1.0]), 0.5, 1e-6);
    assert_eq!(of(&[-2.0, -4.5]), 0.0);

    // Neither itself nor the reference takes part in the gradient.
    let tensor = |values: &[f32]| tensor1(values, &device).require_grad();
    let (logprobs, ref_logprobs) = (tensor(&[-3.0, -4.0]), tensor(&[-3.5, -3.0]));
    let (others, ref_others) = (tensor(&[-1.0, -3.5]), tensor(&[-2.0, -4.0]));
    let kl = kto_kl(others.clone(), ref_others.clone());
    let gradients = (kl.clone() + tensor(&[1.0])).backward();
    assert!(others.grad(&gradients).is_none() && ref_others.grad(&gradients).is_none());
    let free = tensor(&[0.75]);
    for (kl, others) in [(kl, vec![others, ref_others]), (free.clone(), vec![free])] {
        let out = kto_loss(logprobs.clone(), ref_logprobs.clone(), &[true, false], kl, 0.1, 1.0, 1.0);
        let gradients = out.loss.backward();
        assert!(logprobs.grad(&gradients).is_some() && ref_logprobs.grad(&gradients).is_none());
        assert!(others.iter().all(|other| other.grad(&gradients).is_none()));
    }
}

#[test]
fn orpo_by_hand() {
    let device = device();
    let out = orpo_loss(tensor1(&[-0.5], &device), tensor1(&[-1.2], &device), tensor1(&[2.3], &device), 0.1);
    assert_close("loss", number(out.loss), 2.324_655_3, 1e-6);
    assert_close("log odds ratio", number(out.log_odds_ratio), -0.246_553_1, 1e-6);
    assert_close("log odds", number(out.log_odds_chosen), 1.274_369_7, 1e-6);
    assert_close("chosen", number(out.chosen_rewards), -0.05, 1e-6);
    assert_close("rejected", number(out.rejected_rewards), -0.12, 1e-6);
    assert_eq!(number(out.accuracy), 1.0);
    // The same pair twice: statistics are means.
    let both = orpo_loss(tensor1(&[-0.5; 2], &device), tensor1(&[-1.2; 2], &device), tensor1(&[2.3], &device), 0.1);
    assert_close("mean log odds", number(both.log_odds_chosen), 1.274_369_7, 1e-6);
    let tied =
        orpo_loss(tensor1(&[-0.5; 3], &device), tensor1(&[-0.5, -0.4, -0.1], &device), tensor1(&[0.0], &device), 0.1);
    assert_close("accuracy", number(tied.accuracy), 0.5 / 3.0, 1e-6);
}

#[test]
fn orpo_value_and_gradient() {
    // Three chosen, three rejected, then the loss of supervised fine-tuning.
    check(
        "orpo",
        &[-0.05, -0.7, -3.0, -0.9, -0.6, -0.01, 2.3],
        |point, _| {
            let part = |range: std::ops::Range<usize>| point.clone().slice(range);
            orpo_loss(part(0..3), part(3..6), part(6..7), 0.25).loss
        },
        |point| {
            let pair = |i: usize| bradley_terry(log_odds(point[i]) - log_odds(point[i + 3]));
            point[6] + 0.25 * restated::mean((0..3).map(pair))
        },
    );
}

#[test]
fn odds_keep_their_digits_from_certain_to_impossible() {
    let device = device();
    // The odds of ln(1/2) are even: what is left is the log odds of the other.
    let even = -std::f32::consts::LN_2;
    let odds = |logprob: f32| {
        let out = orpo_loss(tensor1(&[logprob], &device), tensor1(&[even], &device), tensor1(&[0.0], &device), 1.0);
        number(out.log_odds_chosen)
    };
    // x - ln(1 - exp x), with expm1 and log1p in f64
    for logprob in [-3e-7f32, -1e-6, -1e-4, -1e-3, -0.1, -0.49, -0.51, -0.6, -0.69, -0.7, -1.5, -5.0, -20.0, -80.0] {
        let exact = f64::from(logprob);
        let expected = exact - (-exact.exp_m1()).ln();
        let actual = f64::from(odds(logprob));
        assert!((actual - expected).abs() <= 1e-6 * expected.abs().max(0.2), "{logprob}: {actual} is not {expected}");
    }
}

#[test]
fn orpo_survives_certainty() {
    let device = device().autodiff();
    for (chosen, rejected) in [(0.0, -1.0), (-1.0, 0.0), (0.0, 0.0), (-1e-9, -200.0), (-200.0, -1e-9)] {
        let leaf = tensor1(&[chosen, rejected], &device).require_grad();
        let out = orpo_loss(leaf.clone().slice(0..1), leaf.clone().slice(1..2), tensor1(&[0.0], &device), 0.1);
        let gradient = numbers(leaf.grad(&out.loss.backward()).expect("a gradient"));
        assert!(number(out.loss).is_finite() && gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
    }
}

fn kto_of(log_ratios: &[f32], desirable: &[bool]) -> f32 {
    number(kto(log_ratios, desirable, [1.0, 1.0]).loss)
}

fn orpo_of(pairs: &[[f32; 2]]) -> f32 {
    let device = device();
    let side = |i: usize| tensor1(&pairs.iter().map(|pair| pair[i]).collect::<Vec<_>>(), &device);
    number(orpo_loss(side(0), side(1), tensor1(&[0.0], &device), 1.0).loss)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn kto_knows_no_order_and_the_other_label_is_the_rest(
        completions in prop::collection::vec((-4.0f32..4.0, any::<bool>()), 1..8),
    ) {
        let (log_ratios, desirable): (Vec<f32>, Vec<bool>) = completions.iter().copied().unzip();
        let (back, back_desirable): (Vec<f32>, Vec<bool>) = completions.iter().rev().copied().unzip();
        let flipped: Vec<bool> = desirable.iter().map(|good| !good).collect();
        let loss = kto_of(&log_ratios, &desirable);
        prop_assert!((loss - kto_of(&back, &back_desirable)).abs() < 1e-5);
        // 1 - σ(z) and σ(z) make 1.
        prop_assert!((loss + kto_of(&log_ratios, &flipped) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn orpo_knows_no_order_and_the_other_label_is_the_other_loss(
        pairs in prop::collection::vec(prop::array::uniform2(-4.0f32..-0.1), 1..6),
    ) {
        let back: Vec<[f32; 2]> = pairs.iter().rev().copied().collect();
        prop_assert!((orpo_of(&pairs) - orpo_of(&back)).abs() < 1e-5);
        let flipped: Vec<[f32; 2]> = pairs.iter().map(|&[chosen, rejected]| [rejected, chosen]).collect();
        let odds = |pair: &[f32; 2]| log_odds(f64::from(pair[0])) - log_odds(f64::from(pair[1]));
        // ln σ(x) - ln σ(-x) = x
        let expected = restated::mean(pairs.iter().map(odds)) as f32;
        prop_assert!((orpo_of(&flipped) - orpo_of(&pairs) - expected).abs() < 1e-4);
    }
}
