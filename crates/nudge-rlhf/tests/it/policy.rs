//! The policy losses: of tokens under every aggregation, and of whole completions.

use nudge_rlhf::loss::masked::{masked_row_mean, masked_row_sum};
use nudge_rlhf::*;
use proptest::prelude::*;

use crate::common::*;
use crate::restated::{self, check, wide};

const AGGREGATIONS: [LossAggregation; 3] =
    [LossAggregation::TokenMean, LossAggregation::SequenceMean, LossAggregation::FixedLength];

const MASK: [bool; 8] = [true, true, false, false, true, true, true, true];
const NEW_LOGPROBS: [f32; 8] = [-0.8, -0.7, -1.7, -0.1, -0.6, -1.1, -0.4, -0.9];
// Ratios inside and outside the clip range, with advantages of both signs.
const LOGPROBS: [f32; 8] = [-1.0, -0.5, -2.0, -0.1, -0.3, -1.2, -0.7, -0.9];
const ADVANTAGES: [f32; 8] = [1.4, 1.38, 3.0, 3.0, -0.54, -0.46, -0.82, -0.96];

#[test]
fn three_means_of_the_same_tokens() {
    let device = device();
    let values = tensor2(&[1.0, 2.0, f32::NAN, 3.0, 4.0, 5.0, 7.0, f32::INFINITY, f32::NAN], 3, &device);
    let mask = mask2(&[true, true, false, true, true, true, true, false, false], 3, &device);
    let of = |aggregation| number(aggregate(values.clone(), mask.clone(), aggregation));
    assert_close("tokens", of(LossAggregation::TokenMean), 22.0 / 6.0, 1e-6);
    assert_close("completions", of(LossAggregation::SequenceMean), (1.5 + 4.0 + 7.0) / 3.0, 1e-6);
    assert_close("slots", of(LossAggregation::FixedLength), 22.0 / 9.0, 1e-6);
    assert_eq!(numbers(masked_row_mean(values, mask)), [1.5, 4.0, 7.0]);
}

#[test]
fn a_completion_without_tokens_adds_zero() {
    let device = device().autodiff();
    let values = tensor2(&[1.0, 2.0, f32::NAN, f32::NAN], 2, &device).require_grad();
    let mask = mask2(&[true, true, false, false], 2, &device);
    for (aggregation, expected) in AGGREGATIONS.into_iter().zip([1.5, 0.75, 0.75]) {
        let loss = aggregate(values.clone(), mask.clone(), aggregation);
        assert_eq!(number(loss.clone()), expected, "{aggregation:?}");
        let gradient = numbers(values.grad(&loss.backward()).expect("a gradient"));
        assert!(gradient[..2].iter().all(|g| *g > 0.0), "{gradient:?}");
        assert_eq!(gradient[2..], [0.0, 0.0], "{aggregation:?}");
    }
    let none = mask2(&[false; 4], 2, &device);
    assert_eq!(AGGREGATIONS.map(|aggregation| number(aggregate(values.clone(), none.clone(), aggregation))), [0.0; 3]);
    assert_eq!(numbers(masked_row_mean(values, mask)), [1.5, 0.0]);
}

#[test]
fn policy_under_every_aggregation() {
    for aggregation in AGGREGATIONS {
        check(
            "policy",
            &NEW_LOGPROBS,
            |new_logprobs, device| {
                policy_loss(
                    new_logprobs.reshape([2, 4]),
                    tensor2(&LOGPROBS, 4, device),
                    tensor2(&ADVANTAGES, 4, device),
                    mask2(&MASK, 4, device),
                    0.2,
                    aggregation,
                )
                .loss
            },
            |new_logprobs| {
                let (logprobs, advantages) = (wide(&LOGPROBS), wide(&ADVANTAGES));
                let token = |i: usize| restated::clipped(new_logprobs[i] - logprobs[i], advantages[i], 0.2);
                restated::aggregate(&(0..8).map(token).collect::<Vec<_>>(), &MASK, 4, aggregation)
            },
        );
    }
}

#[test]
fn policy_gradient_at_ratio_one_is_the_plain_policy_gradient() {
    // Each token's share: 1/6 of all tokens; half of 1/2 and of 1/4; 1/8 of all slots.
    let shares = [[1.0 / 6.0; 2], [0.25, 0.125], [0.125; 2]];
    for (aggregation, shares) in AGGREGATIONS.into_iter().zip(shares) {
        let device = device().autodiff();
        let logprobs = tensor2(&NEW_LOGPROBS, 4, &device);
        let (advantages, mask) = (tensor2(&ADVANTAGES, 4, &device), mask2(&MASK, 4, &device));
        let new_logprobs = logprobs.clone().require_grad();
        let loss = policy_loss(new_logprobs.clone(), logprobs, advantages, mask, 0.2, aggregation);
        let actual = numbers(new_logprobs.grad(&loss.loss.backward()).expect("a gradient"));
        let expected: [f32; 8] = std::array::from_fn(|i| if MASK[i] { -ADVANTAGES[i] * shares[i / 4] } else { 0.0 });
        assert_all_close("gradient", &actual, &expected, 1e-6);
    }
}

#[test]
fn statistics_are_means_over_tokens_whatever_the_loss_is() {
    let device = device();
    let statistics = AGGREGATIONS.map(|aggregation| {
        let [new_logprobs, logprobs, advantages] =
            [NEW_LOGPROBS, LOGPROBS, ADVANTAGES].map(|values| tensor2(&values, 4, &device));
        let out = policy_loss(new_logprobs, logprobs, advantages, mask2(&MASK, 4, &device), 0.2, aggregation);
        [out.ratio, out.approx_kl, out.clipfrac].map(number)
    });
    assert_eq!(statistics[1], statistics[0]);
    assert_eq!(statistics[2], statistics[0]);
}

#[test]
fn a_whole_completion_is_one_action() {
    let device = device();
    // Log-ratios: .1 + .2 = .3, outside the clip range; -.1 + .05 = -.05, inside.
    let out = sequence_policy_loss(
        tensor2(&[-0.9, -0.3, 0.0, -1.1, -0.45, 0.0], 3, &device),
        tensor2(&[-1.0, -0.5, 9.0, -1.0, -0.5, f32::NAN], 3, &device),
        tensor1(&[2.0, -1.0], &device),
        mask2(&[true, true, false, true, true, false], 3, &device),
        0.2,
    );
    // -2 * 1.2 and exp(-.05)
    assert_close("loss", number(out.loss), (-2.4 + 0.951_229_4) / 2.0, 1e-6);
    assert_close("ratio", number(out.ratio), (1.349_858_8 + 0.951_229_4) / 2.0, 1e-6);
    assert_close("approx_kl", number(out.approx_kl), (0.09 + 0.0025) / 4.0, 1e-6);
    assert_eq!(number(out.clipfrac), 0.5);
}

#[test]
fn sequence_policy() {
    // Log-ratios of the completions: 0 and -.1 + .2; then .5, whose gain is clipped, and the same as a loss.
    let new_logprobs = [NEW_LOGPROBS, NEW_LOGPROBS].concat();
    let logprobs: Vec<f32> = [LOGPROBS, LOGPROBS.map(|logprob| logprob - 0.25)].concat();
    let mask = [MASK, MASK].concat();
    for advantages in [[1.5, -0.7, 0.8, -2.0], [-1.5, 0.7, -0.8, 2.0]] {
        check(
            "sequence policy",
            &new_logprobs,
            |new_logprobs, device| {
                let (logprobs, mask) = (tensor2(&logprobs, 4, device), mask2(&mask, 4, device));
                sequence_policy_loss(new_logprobs.reshape([4, 4]), logprobs, tensor1(&advantages, device), mask, 0.2)
                    .loss
            },
            |new_logprobs| {
                let new = restated::row_sums(new_logprobs, &mask, 4);
                let old = restated::row_sums(&wide(&logprobs), &mask, 4);
                let completion = |i: usize| restated::clipped(new[i] - old[i], f64::from(advantages[i]), 0.2);
                restated::mean((0..4).map(completion))
            },
        );
    }
}

#[test]
fn sequence_policy_starts_as_reinforce() {
    let device = device().autodiff();
    let advantages = [1.5, -0.7];
    let gradient = |loss: &dyn Fn(burn::tensor::Tensor<2>) -> burn::tensor::Tensor<1>| {
        let new_logprobs = tensor2(&NEW_LOGPROBS, 4, &device).require_grad();
        numbers(new_logprobs.grad(&loss(new_logprobs.clone()).backward()).expect("a gradient"))
    };
    let mask = mask2(&MASK, 4, &device);
    let ppo = gradient(&|new_logprobs| {
        let (logprobs, advantages) = (tensor2(&NEW_LOGPROBS, 4, &device), tensor1(&advantages, &device));
        let out = sequence_policy_loss(new_logprobs, logprobs, advantages, mask.clone(), 0.2);
        assert_eq!([out.ratio, out.approx_kl, out.clipfrac].map(number), [1.0, 0.0, 0.0]);
        out.loss
    });
    let reinforce = gradient(&|new_logprobs| {
        (masked_row_sum(new_logprobs, mask.clone()) * tensor1(&advantages, &device)).mean().neg()
    });
    assert_all_close("gradient", &ppo, &reinforce, 1e-7);
    assert_all_close("gradient", &ppo, &[-0.75, -0.75, 0.0, 0.0, 0.35, 0.35, 0.35, 0.35], 1e-6);
}

#[test]
fn advantages_of_completions_are_data() {
    let device = device().autodiff();
    let [new_logprobs, logprobs] = [NEW_LOGPROBS, LOGPROBS].map(|values| tensor2(&values, 4, &device).require_grad());
    let advantages = tensor1(&[1.5, -0.7], &device).require_grad();
    let mask = mask2(&MASK, 4, &device);
    let out = sequence_policy_loss(new_logprobs.clone(), logprobs.clone(), advantages.clone(), mask, 0.2);
    let gradients = out.loss.backward();
    assert!(new_logprobs.grad(&gradients).is_some());
    assert!(logprobs.grad(&gradients).is_none() && advantages.grad(&gradients).is_none());
}

#[test]
fn a_completion_without_tokens_is_no_action() {
    let device = device().autodiff();
    let new_logprobs = tensor2(&[-0.9, -0.3, f32::NAN, f32::INFINITY], 2, &device).require_grad();
    let out = sequence_policy_loss(
        new_logprobs.clone(),
        tensor2(&[-1.0, -0.3, 0.0, f32::NAN], 2, &device),
        tensor1(&[2.0, f32::NAN], &device),
        mask2(&[true, true, false, false], 2, &device),
        0.2,
    );
    let gradient = numbers(new_logprobs.grad(&out.loss.backward()).expect("a gradient"));
    assert_close("loss", number(out.loss), -1.105_170_9, 1e-6);
    assert_close("ratio", number(out.ratio), 1.105_170_9, 1e-6);
    assert_all_close("gradient", &gradient, &[-1.105_170_9, -1.105_170_9, 0.0, 0.0], 1e-6);
}

#[test]
#[should_panic(expected = "advantages has shape [3] but the completions has shape [2]")]
fn an_advantage_too_many_is_named() {
    let device = device();
    let logprobs = tensor2(&[0.0; 4], 2, &device);
    let advantages = tensor1(&[0.0; 3], &device);
    sequence_policy_loss(logprobs.clone(), logprobs, advantages, mask2(&[true; 4], 2, &device), 0.2);
}

#[test]
fn aggregations_have_their_names_in_files() {
    let names = ["\"token_mean\"", "\"sequence_mean\"", "\"fixed_length\""];
    for (aggregation, name) in AGGREGATIONS.into_iter().zip(names) {
        assert_eq!(serde_json::to_string(&aggregation).expect("plain data"), name);
    }
    assert_eq!(LossAggregation::default(), LossAggregation::TokenMean);
}

const TIME: usize = 4;

/// Rows of new and old log-probabilities, advantages, and their lengths, which may be 0.
fn batches() -> impl Strategy<Value = (Vec<usize>, [Vec<f32>; 3])> {
    (1usize..5).prop_flat_map(|batch| {
        let values = || prop::collection::vec(-1.0f32..1.0, batch * TIME);
        (prop::collection::vec(0..=TIME, batch), [values(), values(), values()])
    })
}

/// All four losses, with rows of `time >= TIME`; NaN fills what is added.
fn losses(lengths: &[usize], inputs: &[Vec<f32>; 3], time: usize) -> [f32; 4] {
    let device = device();
    let widen = |values: &Vec<f32>| -> Vec<f32> {
        let row = |row: &[f32]| (0..time).map(|t| row.get(t).copied().unwrap_or(f32::NAN)).collect::<Vec<_>>();
        values.chunks_exact(TIME).flat_map(row).collect()
    };
    let mask: Vec<bool> = lengths.iter().flat_map(|&length| (0..time).map(move |t| t < length)).collect();
    let mask = mask2(&mask, time, &device);
    let [new_logprobs, logprobs, advantages] = inputs.each_ref().map(|values| tensor2(&widen(values), time, &device));
    let completions: Vec<f32> = inputs[2].chunks_exact(TIME).map(|row| row[0]).collect();
    let of = |aggregation| {
        policy_loss(new_logprobs.clone(), logprobs.clone(), advantages.clone(), mask.clone(), 0.2, aggregation).loss
    };
    let [tokens, completion_means, slots] = AGGREGATIONS.map(of);
    let whole =
        sequence_policy_loss(new_logprobs.clone(), logprobs.clone(), tensor1(&completions, &device), mask.clone(), 0.2);
    [tokens, completion_means, slots, whole.loss].map(number)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn longer_rows_change_only_the_fixed_length((lengths, inputs) in batches(), extra in 1usize..4) {
        let time = TIME + extra;
        let (mut short, long) = (losses(&lengths, &inputs, TIME), losses(&lengths, &inputs, time));
        short[2] *= TIME as f32 / time as f32;
        for (a, b) in long.iter().zip(short) {
            prop_assert!((a - b).abs() < 1e-5, "{long:?} {short:?}");
        }
    }

    #[test]
    fn rows_without_tokens_change_only_what_counts_completions((lengths, inputs) in batches(), extra in 1usize..4) {
        let batch = lengths.len();
        let more = inputs.clone().map(|values| [values, vec![f32::NAN; extra * TIME]].concat());
        let with_more = losses(&[lengths.clone(), vec![0; extra]].concat(), &more, TIME);
        let mut expected = losses(&lengths, &inputs, TIME);
        expected[1..].iter_mut().for_each(|loss| *loss *= batch as f32 / (batch + extra) as f32);
        for (a, b) in with_more.iter().zip(expected) {
            prop_assert!((a - b).abs() < 1e-5, "{with_more:?} {expected:?}");
        }
    }

    #[test]
    fn the_order_of_the_completions_does_not_matter((lengths, inputs) in batches()) {
        let back = |values: Vec<f32>| -> Vec<f32> { values.chunks_exact(TIME).rev().flatten().copied().collect() };
        let reversed: Vec<usize> = lengths.iter().rev().copied().collect();
        let (forth, back) = (losses(&lengths, &inputs, TIME), losses(&reversed, &inputs.map(back), TIME));
        for (a, b) in forth.iter().zip(back) {
            prop_assert!((a - b).abs() < 1e-5, "{forth:?} {back:?}");
        }
    }
}
