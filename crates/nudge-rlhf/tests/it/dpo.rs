//! DPO and its variants.

use burn::tensor::{Device, Tensor};
use nudge_rlhf::*;
use proptest::prelude::*;

use crate::common::*;
use crate::restated::{self, bradley_terry, check};

const VARIANTS: [DpoVariant; 5] =
    [DpoVariant::Sigmoid, DpoVariant::SigmoidNorm, DpoVariant::Hinge, DpoVariant::Ipo, DpoVariant::Robust];

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
        (DpoVariant::SigmoidNorm, 0.0, 0.201_413_3, 0.974_077),
        (DpoVariant::SigmoidNorm, 0.1, 0.201_413_3, 0.974_077),
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
fn dpo_starts_at_ln_2() {
    let out = dpo(&[[-12.0, -14.0, -12.0, -14.0], [-30.5, -7.0, -30.5, -7.0]], 0.0, DpoVariant::Sigmoid);
    assert_close("loss", number(out.loss), std::f32::consts::LN_2, 1e-6);
    assert_eq!([out.accuracy, out.chosen_rewards].map(number), [0.5, 0.0]);
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
                    DpoVariant::SigmoidNorm => right,
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
fn the_reference_is_data() {
    let device = device().autodiff();
    for variant in VARIANTS {
        let [chosen, rejected, ref_chosen, ref_rejected] =
            WRONG.map(|logprob| tensor1(&[logprob], &device).require_grad());
        let (ours, theirs) = ([chosen.clone(), rejected.clone()], [ref_chosen.clone(), ref_rejected.clone()]);
        let loss = dpo_loss(chosen, rejected, ref_chosen, ref_rejected, 0.5, 0.1, variant).loss;
        let gradients = loss.backward();
        assert!(ours.iter().all(|policy| policy.grad(&gradients).is_some()), "{variant:?}");
        assert!(theirs.iter().all(|reference| reference.grad(&gradients).is_none()), "{variant:?}");
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
    assert_eq!(names, ["\"sigmoid\"", "\"sigmoid_norm\"", "\"hinge\"", "\"ipo\"", "\"robust\""]);
    assert_eq!(DpoVariant::default(), DpoVariant::Sigmoid);
}

fn pairs() -> impl Strategy<Value = Vec<[f32; 4]>> {
    prop::collection::vec(prop::array::uniform4(-4.0f32..-0.1), 1..6)
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
    }

    #[test]
    fn the_other_label_is_the_other_loss(pairs in pairs()) {
        let flipped: Vec<[f32; 4]> = pairs.iter().map(|&[c, r, ref_c, ref_r]| [r, c, ref_r, ref_c]).collect();
        let h = |[c, r, ref_c, ref_r]: &[f32; 4]| 0.5 * f64::from((c - ref_c) - (r - ref_r));
        let h = restated::mean(pairs.iter().map(h)) as f32;
        let difference = |smoothing, variant| {
            number(dpo(&flipped, smoothing, variant).loss) - number(dpo(&pairs, smoothing, variant).loss)
        };
        // ln σ(h) - ln σ(-h) = h, and (Δ + 1)² - (Δ - 1)² = 4Δ = 8h.
        prop_assert!((difference(0.0, DpoVariant::Sigmoid) - h).abs() < 1e-5);
        prop_assert!((difference(0.2, DpoVariant::Sigmoid) - 0.6 * h).abs() < 1e-5);
        prop_assert!((difference(0.2, DpoVariant::Robust) - h / 0.6).abs() < 1e-5);
        prop_assert!((difference(0.0, DpoVariant::Ipo) - 8.0 * h).abs() < 1e-4);
    }

    #[test]
    fn what_the_reference_shares_cancels(pairs in pairs(), shift in -4.0f32..4.0) {
        let moved = |&[c, r, ref_c, ref_r]: &[f32; 4]| [c + shift, r - shift, ref_c + shift, ref_r - shift];
        let moved: Vec<[f32; 4]> = pairs.iter().map(moved).collect();
        for variant in VARIANTS {
            let [one, other] = [&pairs, &moved].map(|pairs| number(dpo(pairs, 0.1, variant).loss));
            prop_assert!((one - other).abs() < 1e-4 * one.abs().max(1.0), "{variant:?}: {one} {other}");
        }
    }
}
