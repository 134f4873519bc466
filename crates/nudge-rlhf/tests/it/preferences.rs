//! The losses that learn from preferences without a reward model: DPO and its kin, KTO, ORPO.

use burn::tensor::{Device, Tensor};
use nudge_rlhf::*;
use proptest::prelude::*;

use crate::common::*;
use crate::restated::{self, bradley_terry, check, log_odds, sigmoid, wide};

const VARIANTS: [DpoVariant; 4] = [DpoVariant::Sigmoid, DpoVariant::Hinge, DpoVariant::Ipo, DpoVariant::Robust];

/// Of pairs given as `[chosen, rejected, ref_chosen, ref_rejected]`, with beta one half.
fn dpo(pairs: &[[f32; 4]], label_smoothing: f32, variant: DpoVariant) -> DpoLoss {
    let [chosen, rejected, ref_chosen, ref_rejected] =
        [0, 1, 2, 3].map(|i| tensor1(&pairs.iter().map(|pair| pair[i]).collect::<Vec<_>>(), &device()));
    dpo_loss(chosen, rejected, ref_chosen, ref_rejected, 0.5, label_smoothing, variant)
}

/// `Δ = 3`, so `h = 1.5`.
const RIGHT: [f32; 4] = [-10.0, -20.0, -12.0, -19.0];
/// `Δ = -1`, so `h = -.5`.
const WRONG: [f32; 4] = [-11.0, -20.0, -12.0, -22.0];

#[test]
fn dpo_variants_by_hand() {
    // (variant, label smoothing, loss of the right pair, of the wrong pair)
    let table = [
        (DpoVariant::Sigmoid, 0.0, 0.201_413_3, 0.974_077),
        (DpoVariant::Sigmoid, 0.1, 0.351_413_3, 0.924_077),
        (DpoVariant::Robust, 0.0, 0.201_413_3, 0.974_077),
        (DpoVariant::Robust, 0.1, 0.013_913_3, 1.036_577),
        (DpoVariant::Hinge, 0.0, 0.0, 1.5),
        (DpoVariant::Hinge, 0.1, 0.0, 1.5),
        // (3 - 1)² and (-1 - 1)²
        (DpoVariant::Ipo, 0.0, 4.0, 4.0),
        (DpoVariant::Ipo, 0.1, 4.0, 4.0),
    ];
    for (variant, label_smoothing, right, wrong) in table {
        let of = |pairs: &[[f32; 4]]| number(dpo(pairs, label_smoothing, variant).loss);
        let name = format!("{variant:?} with {label_smoothing}");
        assert_close(&name, of(&[RIGHT]), right, 2e-6);
        assert_close(&name, of(&[WRONG]), wrong, 2e-6);
        assert_close(&name, of(&[RIGHT, WRONG]), (right + wrong) / 2.0, 2e-6);
    }
}

#[test]
fn dpo_statistics_are_the_same_for_every_variant() {
    for variant in VARIANTS {
        let out = dpo(&[RIGHT, WRONG, RIGHT, [-1.0; 4]], 0.1, variant);
        // Log-ratios 2, 1, 2, 0 and -1, 2, -1, 0; pairs right, wrong, right, undecided.
        assert_close("chosen", number(out.chosen_rewards), 0.625, 1e-6);
        assert_close("rejected", number(out.rejected_rewards), 0.0, 1e-6);
        assert_close("accuracy", number(out.accuracy), 2.5 / 4.0, 1e-6);
    }
}

#[test]
fn dpo_values_and_gradients() {
    // Margins on both sides of every bend: beyond the hinge, before it, and the wrong way round.
    let point = [-3.0, -4.0, -1.0, -5.0, -3.5, -6.0];
    let ref_logprobs = [-3.5, -3.0, -2.0, -4.0, -4.0, -2.5];
    let (beta, smoothing) = (0.5, f64::from(0.2f32));
    for (variant, label_smoothing) in VARIANTS.into_iter().flat_map(|variant| [(variant, 0.0), (variant, smoothing)]) {
        let loss = |logprobs: Tensor<1>, device: &Device| {
            let (chosen, rejected) = (logprobs.clone().slice(0..3), logprobs.slice(3..6));
            let [ref_chosen, ref_rejected] = [0, 3].map(|i| tensor1(&ref_logprobs[i..i + 3], device));
            dpo_loss(chosen, rejected, ref_chosen, ref_rejected, 0.5, label_smoothing as f32, variant).loss
        };
        check(&format!("{variant:?} with {label_smoothing}"), &point, loss, |logprobs| {
            let ratio = |i: usize| logprobs[i] - f64::from(ref_logprobs[i]);
            restated::mean((0..3).map(|i| {
                let margin = ratio(i) - ratio(i + 3);
                let h = beta * margin;
                let (right, flipped) = (bradley_terry(h), bradley_terry(-h));
                match variant {
                    DpoVariant::Sigmoid => (1.0 - label_smoothing) * right + label_smoothing * flipped,
                    DpoVariant::Robust => {
                        ((1.0 - label_smoothing) * right - label_smoothing * flipped) / (1.0 - 2.0 * label_smoothing)
                    }
                    DpoVariant::Hinge => (1.0 - h).max(0.0),
                    DpoVariant::Ipo => (margin - 1.0 / (2.0 * beta)).powi(2),
                }
            }))
        });
    }
}

#[test]
fn robust_sees_through_wrong_labels() {
    // A share of labels is wrong: the mean over both readings of a pair is the loss of the right one.
    let flipped = [RIGHT[1], RIGHT[0], RIGHT[3], RIGHT[2]];
    let of = |pair| number(dpo(&[pair], 0.2, DpoVariant::Robust).loss);
    assert_close("robust", 0.8 * of(RIGHT) + 0.2 * of(flipped), 0.201_413_3, 2e-6);
}

#[test]
#[should_panic(expected = "label_smoothing is 0.5, but must lie in [0, 0.5)")]
fn labels_that_say_nothing_are_refused() {
    dpo(&[RIGHT], 0.5, DpoVariant::Robust);
}

#[test]
fn variants_have_their_names_in_files() {
    let names = VARIANTS.map(|variant| serde_json::to_string(&variant).expect("plain data"));
    assert_eq!(names, ["\"sigmoid\"", "\"hinge\"", "\"ipo\"", "\"robust\""]);
    assert_eq!(DpoVariant::default(), DpoVariant::Sigmoid);
}

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
            let answer = |i: usize| {
                let log_ratio = logprobs[i] - ref_logprobs[i];
                match desirable[i] {
                    true => f64::from(good) * (1.0 - sigmoid(beta * (log_ratio - kl))),
                    false => f64::from(bad) * (1.0 - sigmoid(beta * (kl - log_ratio))),
                }
            };
            restated::mean((0..4).map(answer))
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

/// Pairs of log-probabilities and log-ratios.
fn pairs() -> impl Strategy<Value = Vec<[f32; 4]>> {
    prop::collection::vec(prop::array::uniform4(-4.0f32..-0.1), 1..6)
}

fn kto_of(pairs: &[[f32; 4]], good: bool) -> f32 {
    // A pair becomes two answers of opposite kinds.
    let ratios: Vec<f32> = pairs
        .iter()
        .flat_map(|[chosen, rejected, ref_chosen, ref_rejected]| [chosen - ref_chosen, rejected - ref_rejected])
        .collect();
    let desirable: Vec<bool> = (0..ratios.len()).map(|i| (i % 2 == 0) == good).collect();
    number(kto(&ratios, &desirable, [1.0, 1.0]).loss)
}

fn orpo_of(pairs: &[[f32; 4]]) -> f32 {
    let device = device();
    let side = |i: usize| tensor1(&pairs.iter().map(|pair| pair[i]).collect::<Vec<_>>(), &device);
    number(orpo_loss(side(0), side(1), tensor1(&[0.0], &device), 1.0).loss)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn the_order_of_pairs_does_not_matter(pairs in pairs()) {
        let back: Vec<[f32; 4]> = pairs.iter().rev().copied().collect();
        for variant in VARIANTS {
            let [one, other] = [&pairs, &back].map(|pairs| number(dpo(pairs, 0.1, variant).loss));
            prop_assert!((one - other).abs() < 1e-5 * one.abs().max(1.0), "{variant:?}: {one} {other}");
        }
        prop_assert!((kto_of(&pairs, true) - kto_of(&back, true)).abs() < 1e-5);
        prop_assert!((orpo_of(&pairs) - orpo_of(&back)).abs() < 1e-5);
    }

    #[test]
    fn the_other_label_is_the_other_loss(pairs in pairs()) {
        let flipped: Vec<[f32; 4]> = pairs.iter().map(|&[c, r, ref_c, ref_r]| [r, c, ref_r, ref_c]).collect();
        let h = restated::mean(pairs.iter().map(|[c, r, ref_c, ref_r]| 0.5 * f64::from((c - ref_c) - (r - ref_r)))) as f32;
        let of = |pairs: &[[f32; 4]], smoothing, variant| number(dpo(pairs, smoothing, variant).loss);
        // ln σ(h) - ln σ(-h) = h
        let difference = of(&flipped, 0.0, DpoVariant::Sigmoid) - of(&pairs, 0.0, DpoVariant::Sigmoid);
        prop_assert!((difference - h).abs() < 1e-5);
        let difference = of(&flipped, 0.2, DpoVariant::Robust) - of(&pairs, 0.2, DpoVariant::Robust);
        prop_assert!((difference - h / 0.6).abs() < 1e-5);
        // (Δ + 1)² - (Δ - 1)² = 4Δ
        let difference = of(&flipped, 0.0, DpoVariant::Ipo) - of(&pairs, 0.0, DpoVariant::Ipo);
        prop_assert!((difference - 8.0 * h).abs() < 1e-4);
        // 1 - σ(z) and σ(z) make 1.
        prop_assert!((kto_of(&pairs, true) + kto_of(&pairs, false) - 1.0).abs() < 1e-5);
        let odds = |logprob: f32| log_odds(f64::from(logprob));
        let h = restated::mean(pairs.iter().map(|pair| odds(pair[0]) - odds(pair[1]))) as f32;
        prop_assert!((orpo_of(&flipped) - orpo_of(&pairs) - h).abs() < 1e-4);
    }

    #[test]
    fn what_the_reference_shares_cancels(pairs in pairs(), shift in -4.0f32..4.0) {
        let moved: Vec<[f32; 4]> =
            pairs.iter().map(|&[c, r, ref_c, ref_r]| [c + shift, r - shift, ref_c + shift, ref_r - shift]).collect();
        for variant in VARIANTS {
            let [one, other] = [&pairs, &moved].map(|pairs| number(dpo(pairs, 0.1, variant).loss));
            prop_assert!((one - other).abs() < 1e-4 * one.abs().max(1.0), "{variant:?}: {one} {other}");
        }
    }
}
