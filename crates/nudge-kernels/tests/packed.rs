//! Products with frozen weights against products with the numbers that their bytes mean.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

mod common;

use burn::tensor::{Int, Tensor, TensorData};
use common::{assert_close, device, host, plain_device, random};
use nudge_kernels::encoding::Encoding;
use nudge_kernels::host::PackedRows;
use nudge_kernels::{PackedWeight, linear, linear_onto, unembedded_logprobs};

/// Bytes of `rows` rows; scales are small half-precision numbers.
fn bytes(encoding: Encoding, rows: usize, columns: usize) -> Vec<u8> {
    let blocks = rows * columns / encoding.block();
    let mut state = 7u32;
    let mut bytes: Vec<u8> = (0..blocks * encoding.block_bytes())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let scales: &[usize] = match encoding {
        Encoding::F32 => {
            let numbers = host(random([rows, columns], 0.3));
            return numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        }
        Encoding::F16 | Encoding::Q8_0 | Encoding::Q4_0 | Encoding::Q5_0 | Encoding::BF16 => &[0],
        Encoding::Q4_1 | Encoding::Q5_1 | Encoding::Q4_K | Encoding::Q5_K => &[0, 2],
        Encoding::Q6_K => &[208],
    };
    for block in bytes.chunks_exact_mut(encoding.block_bytes()) {
        for &at in scales {
            // 2^-7 to 2^-5 as a half, 2^-10 or so as a bfloat.
            block[at + 1] = if encoding == Encoding::BF16 { 0x3b } else { 0x20 + (block[at + 1] & 7) };
        }
    }
    bytes
}

fn weight(encoding: Encoding, rows: usize, columns: usize) -> (PackedWeight, Tensor<2>) {
    let packed = PackedWeight::new(encoding, [rows, columns], &bytes(encoding, rows, columns), &plain_device());
    let numbers = packed.unpacked();
    (packed, numbers)
}

#[test]
fn a_weight_takes_the_bytes_of_its_file_and_means_what_they_mean() {
    let with_short_rows = [(Encoding::F16, 52), (Encoding::BF16, 51)];
    for (encoding, columns) in Encoding::ALL.map(|encoding| (encoding, 512)).into_iter().chain(with_short_rows) {
        let bytes = bytes(encoding, 9, columns);
        let packed = PackedWeight::new(encoding, [9, columns], &bytes, &plain_device());
        assert_eq!(packed.bytes(), bytes.len().next_multiple_of(4), "{encoding:?}");
        let mut expected = vec![0.0; 9 * columns];
        encoding.decode(&bytes, &mut expected);
        assert_close(&format!("{encoding:?}"), &host(packed.unpacked()), &expected, 1e-6);
    }
}

#[test]
fn the_smallest_scales_are_read() {
    // Halves below 2^-14, which have no leading one.
    let mut bytes = bytes(Encoding::Q8_0, 4, 64);
    bytes.chunks_exact_mut(34).zip([1, 0x8003, 0x03ff, 0x8400u16].iter().cycle()).for_each(|(block, scale)| {
        block[..2].copy_from_slice(&scale.to_le_bytes());
    });
    let mut expected = vec![0.0; 4 * 64];
    Encoding::Q8_0.decode(&bytes, &mut expected);
    let found = host(PackedWeight::new(Encoding::Q8_0, [4, 64], &bytes, &plain_device()).unpacked());
    assert!(expected.iter().filter(|number| **number != 0.0).count() > 200);
    found.iter().zip(&expected).for_each(|(a, b)| assert!((a - b).abs() <= 1e-6 * b.abs(), "{a} against {b}"));
}

#[test]
fn products_of_one_input_lie_side_by_side() {
    let ((one, _), (other, _)) = (weight(Encoding::Q4_1, 70, 256), weight(Encoding::Q8_0, 33, 256));
    for time in [1, 3, 40] {
        let x = random([2, time, 256], 1.0).inner();
        let found = PackedWeight::linears(x.clone(), &[&one, &other]);
        let expected = Tensor::cat(vec![one.linear(x.clone()), other.linear(x)], 2);
        assert_close(&format!("{time} tokens"), &host(found), &host(expected), 1e-6);
    }
}

#[test]
fn products_and_their_gradients_are_those_of_the_numbers() {
    let with_short_rows = [(Encoding::F16, 52), (Encoding::BF16, 51)];
    let all = Encoding::ALL.map(|encoding| (encoding, 256)).into_iter().chain(with_short_rows);
    // A row, more than are multiplied at a time, and so many that the weight is unpacked.
    for ((encoding, columns), time) in all.flat_map(|weight| [1, 5, 40].map(|time| (weight, time))) {
        let (packed, numbers) = weight(encoding, 70, columns);
        let added = random([2, time, 70], 0.5);
        let run = |product: &dyn Fn(Tensor<3>) -> Tensor<3>| {
            let x = random([2, time, columns], 1.0).require_grad();
            let y = product(x.clone());
            let gradients = (y.clone() * random(y.dims(), 1.0)).sum().backward();
            (host(y), host(x.grad(&gradients).unwrap()))
        };
        let (found, found_gradient) = run(&|x| packed.linear_onto(x, added.clone()));
        let (expected, expected_gradient) = run(&|x| linear_onto(x, numbers.clone().autodiff(), added.clone()));
        assert_close(&format!("{encoding:?}"), &found, &expected, 1e-5);
        assert_close(&format!("gradient, {encoding:?}"), &found_gradient, &expected_gradient, 1e-4);
    }
}

#[test]
fn log_probabilities_and_their_gradients_are_those_of_the_numbers() {
    let (packed, numbers) = weight(Encoding::Q4_1, 300, 64);
    let targets: Vec<i32> = (0..14).map(|i| i * 21).collect();
    let targets: Tensor<2, Int> = Tensor::from_data(TensorData::new(targets, [2, 7]), &device());
    for held in [1, 5 * 300, usize::MAX] {
        let run = |logprobs: &dyn Fn(Tensor<3>) -> Tensor<2>| {
            let x = random([2, 7, 64], 1.0).require_grad();
            let y = logprobs(x.clone());
            let gradients = (y.clone() * random(y.dims(), 1.0)).sum().backward();
            (host(y), host(x.grad(&gradients).unwrap()))
        };
        let (found, found_gradient) = run(&|x| packed.logprobs(x, targets.clone(), held));
        let of_numbers = |x| unembedded_logprobs(x, numbers.clone().autodiff(), targets.clone(), usize::MAX);
        let (expected, expected_gradient) = run(&of_numbers);
        assert_close("logprobs", &found, &expected, 1e-5);
        assert_close("gradient of logprobs", &found_gradient, &expected_gradient, 1e-4);
        let untracked = packed.logprobs(random([2, 7, 64], 1.0).inner(), targets.clone().inner(), held);
        assert_close("without autodiff", &host(untracked), &expected, 1e-5);
    }
}

#[test]
fn rows_are_those_of_the_numbers() {
    for encoding in Encoding::ALL {
        let (packed, numbers) = weight(encoding, 9, 256);
        let ids: Tensor<2, Int> = Tensor::from_data(TensorData::new(vec![3, 8, 0, 3], [2, 2]), &plain_device());
        let expected = host(nudge_kernels::embedding(numbers, ids.clone()));
        assert_eq!(host(packed.embedding(ids)), expected, "{encoding:?}");
    }
}

#[cfg(not(feature = "wgpu"))]
#[test]
fn few_rows_are_multiplied_where_the_weight_lies() {
    for encoding in Encoding::ALL {
        let (packed, numbers) = weight(encoding, 37, 512);
        let rows = PackedRows::of(&packed).unwrap();
        assert_eq!((rows.outputs(), rows.inputs()), (37, 512));
        for count in [1, 2, 3, 4, 5, 9] {
            let x = random([1, count, 512], 1.0).inner();
            let expected = host(linear(x.clone(), numbers.clone()));
            let mut y = vec![9.0; count * 37];
            rows.multiply(&host(x.clone()), &mut y, false);
            assert_close(&format!("{encoding:?}, {count} rows"), &y, &expected, 1e-5);
            let before = y.clone();
            rows.multiply(&host(x), &mut y, true);
            y.iter().zip(before).for_each(|(y, before)| assert_eq!(*y, 2.0 * before));
        }
        let mut row = vec![0.0; 512];
        rows.row(5, &mut row);
        assert_eq!(row, host(numbers.narrow(0, 5, 1)));
    }
}
