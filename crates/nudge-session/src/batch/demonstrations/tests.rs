//! Packed rows against each demonstration alone, widths by hand, and which demonstrations a step takes.

use super::*;
use nudge_data::Rng;
use nudge_model::Parameters;

const PAD: u32 = 0;
const VOCAB: usize = 40;

/// Demonstrations of random tokens, the completion being the second half. `whole`: the prompt counts too.
fn demonstrations(lengths: &[usize], whole: bool) -> Vec<EncodedDemonstration> {
    let mut rng = Rng::new(7);
    let mut of = |length: usize| EncodedDemonstration {
        tokens: (0..length).map(|_| rng.below(VOCAB) as u32).collect(),
        loss_mask: (0..length).map(|at| whole || at >= length / 2).collect(),
    };
    lengths.iter().map(|&length| of(length)).collect()
}

/// With weights so large that attention is sharp and a token that leaks is seen.
fn model(device: &Device) -> Decoder {
    let mut config = DecoderConfig::test(VOCAB);
    config.max_position_embeddings = 256;
    Decoder::init(&config, 3, device).map_parameters(|weight| weight.mul_scalar(3.0))
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().expect("floats")
}

/// A loss, and its gradient of each parameter.
fn loss_and_gradients(loss: impl Fn(&Decoder) -> Tensor<1>) -> (f32, Vec<Vec<f32>>) {
    let tracked = model(&Device::flex()).tracked();
    let loss = loss(&tracked);
    let gradients = loss.backward();
    let of = |(_, weight): (String, &Tensor<2>)| host(weight.grad(&gradients).expect("every weight is used"));
    (host(loss)[0], tracked.parameters().into_iter().map(of).collect())
}

/// The loss of a step by its definition: each demonstration in an unpadded row of its own, forward and backward, and
/// the mean over all tokens that count.
fn alone(demonstrations: &[EncodedDemonstration]) -> (f32, Vec<Vec<f32>>) {
    let device = Device::flex().autodiff();
    let counted = |one: &EncodedDemonstration| one.loss_mask[1..].iter().filter(|counts| **counts).count();
    let all: usize = demonstrations.iter().map(counted).sum();
    let mut total = (0.0, Vec::<Vec<f32>>::new());
    for one in demonstrations {
        let time = one.tokens.len();
        let (loss, gradients) = loss_and_gradients(|model| {
            let rows = TokenBatch::new(&one.tokens, &vec![true; time], 1, time, &model.config, &device);
            let counts: Vec<f32> = one.loss_mask[1..].iter().map(|&counts| counts.into()).collect();
            let counts = Tensor::<2>::from_data(TensorData::new(counts, [1, time - 1]), &device);
            (model.next_token_logprobs(&rows, 1.0) * counts).sum().div_scalar(-(all as f32))
        });
        total.0 += loss;
        if total.1.is_empty() {
            total.1 = gradients;
        } else {
            let sums = total.1.iter_mut().flatten().zip(gradients.iter().flatten());
            sums.for_each(|(sum, gradient)| *sum += gradient);
        }
    }
    total
}

type LayOut = fn(&[&EncodedDemonstration], u32, &DecoderConfig, &Device) -> DemonstrationBatch;

#[test]
fn loss_and_gradients_are_those_of_each_demonstration_alone() {
    let lengths = [40, 3, 130, 64, 2, 33, 90, 7, 21, 55];
    for whole in [false, true] {
        let demonstrations = demonstrations(&lengths, whole);
        let (expected, expected_gradients) = alone(&demonstrations);
        let largest = expected_gradients.iter().flatten().fold(0.0f32, |a, b| a.max(b.abs()));
        assert!(largest > 0.01, "gradients of {largest} say nothing");
        for (name, lay_out) in
            [("packed", DemonstrationBatch::packed as LayOut), ("padded", DemonstrationBatch::padded)]
        {
            let (loss, gradients) = loss_and_gradients(|model| {
                let rows: Vec<_> = demonstrations.iter().collect();
                lay_out(&rows, PAD, &model.config, &Device::flex().autodiff()).loss(model)
            });
            assert!((loss - expected).abs() < 1e-5, "{name}: {loss} instead of {expected}");
            for (index, (found, expected)) in gradients.iter().zip(&expected_gradients).enumerate() {
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() < 1e-5, "{name}, parameter {index}: {found}, {expected}");
                }
            }
        }
    }
}

#[test]
fn the_end_of_one_demonstration_does_not_predict_the_next() {
    // All tokens count, but the first of each has nothing before it.
    let demonstrations = demonstrations(&[5, 3, 4], true);
    let rows: Vec<_> = demonstrations.iter().collect();
    let batch = DemonstrationBatch::packed(&rows, PAD, &DecoderConfig::test(VOCAB), &Device::flex());
    let counts: Vec<f32> = host(batch.loss_mask.clone().float());
    // Longest first: 5, 4 and 3 tokens in one row of 64 columns; entry t is about token t + 1.
    let mut expected = vec![0.0; 63];
    for target in [1, 2, 3, 4, 6, 7, 8, 10, 11] {
        expected[target - 1] = 1.0;
    }
    assert_eq!(counts, expected);
    assert_eq!((batch.tokens, batch.targets), (12, 9));
}

#[test]
fn rows_are_as_wide_as_leaves_the_least_padding() {
    // One row of 192 holds 100 + 92; rows of 128 would be two.
    assert_eq!(packed_width(&[100, 92], 512), 192);
    // Two rows of 128 and one of 256 are equal: the narrower.
    assert_eq!(packed_width(&[100, 100, 28, 28], 512), 128);
    // Never narrower than the longest, never wider than the context, unless the longest asks for it.
    assert_eq!(packed_width(&[65], 512), 128);
    assert_eq!(packed_width(&[30; 16], 100), 64);
    assert_eq!(packed_width(&[90, 90], 100), 128);
}

fn steps(lengths: &[usize], batching: Batching) -> Steps {
    Steps::new(&demonstrations(lengths, true), 4, &SftOptions { batching, ..Default::default() })
}

#[test]
fn packed_steps_take_what_padded_ones_take() {
    let lengths = [9, 2, 5, 7, 3, 8, 4, 6, 10, 11];
    let [packed, padded] = [Batching::Packed, Batching::Padded].map(|batching| steps(&lengths, batching));
    assert_eq!([&packed, &padded].map(|steps| (steps.pass().items, steps.pass().batch)), [(10, 4); 2]);
    for step in 0..7 {
        assert_eq!(packed.demonstrations(step), padded.demonstrations(step));
        assert_eq!(packed.demonstrations(step).len(), 4);
    }
}

#[test]
fn grouped_steps_take_neighbours_in_length_and_each_demonstration_once_an_epoch() {
    let lengths = [9, 2, 5, 7, 3, 8, 4, 6, 10, 11];
    let steps = steps(&lengths, Batching::LengthGrouped);
    assert_eq!((steps.pass().items, steps.pass().batch), (3, 1), "batches");
    for epoch in 0..2 {
        let mut seen: Vec<usize> = (0..3).flat_map(|batch| steps.demonstrations(epoch * 3 + batch)).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }
    for step in 0..6 {
        let lengths: Vec<usize> = steps.demonstrations(step).into_iter().map(|place| lengths[place]).collect();
        let (shortest, longest) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
        assert!(longest - shortest <= 3, "a batch of lengths {lengths:?}");
    }
}

#[test]
fn packing_never_takes_more_columns_than_padding() {
    let mut rng = Rng::new(5);
    for count in 1..60 {
        let lengths: Vec<usize> = (0..count).map(|_| 2 + rng.below(300)).collect();
        let (width, longest) = (packed_width(&lengths, 512), *lengths.iter().max().unwrap());
        assert!(width >= longest);
        assert!(pack(&lengths, width).len() * width <= count * bucket(longest, PACKED_STEP), "{lengths:?}");
    }
}
