//! Weights that stay as their files store them: products, log-probabilities and rows on the device against the same of
//! their numbers on the CPU, in every encoding.

use super::kernels::{BATCH, TIME, compare, flat, results};
use super::report::Check;
use crate::SessionError;
use burn::tensor::{Device, Int, Tensor, TensorData};
use nudge_data::Rng;
use nudge_kernels::encoding::Encoding;
use nudge_kernels::{PackedWeight, primitive};

const ROWS: usize = 45;
const COLUMNS: usize = 256;
/// Tokens of a row: few are multiplied with the words, many with numbers that are unpacked.
const TIMES: [usize; 2] = [1, TIME];
/// Logits that exist at a time: of a few of the tokens.
const HELD: usize = 7 * ROWS;

/// A check an operation.
pub(super) async fn checks(device: &Device, cpu: &Device) -> Result<Vec<Check>, SessionError> {
    let products = of_all([device, cpu], |weight, x| weight.linear(x), |numbers, x| primitive::linear(x, numbers));
    let logprobs = of_all(
        [device, cpu],
        |weight, x| weight.logprobs(x.clone(), tokens(&x), HELD).unsqueeze_dim(2),
        |numbers, x| primitive::token_logprobs(primitive::linear(x.clone(), numbers), tokens(&x)).unsqueeze_dim(2),
    );
    let rows = Encoding::ALL.map(|encoding| {
        let ids = |device: &Device| tokens(&Tensor::zeros([BATCH, TIME, 1], device));
        let found = weight(encoding, device).embedding(ids(device));
        (flat(found), flat(primitive::embedding(numbers(encoding, cpu), ids(cpu))))
    });
    let rows = rows.into_iter().unzip();
    Ok(vec![
        compare("kernel packed products", products.0, products.1).await?,
        compare("kernel packed log-probabilities", logprobs.0, logprobs.1).await?,
        compare("kernel packed rows", rows.0, rows.1).await?,
    ])
}

type Found = fn(PackedWeight, Tensor<3>) -> Tensor<3>;
type Expected = fn(Tensor<2>, Tensor<3>) -> Tensor<3>;
type Results = Vec<Tensor<1>>;

/// Values and gradients on the device, and those expected.
fn of_all([device, cpu]: [&Device; 2], found: Found, expected: Expected) -> (Results, Results) {
    let mut both = (Results::new(), Results::new());
    for (encoding, time) in Encoding::ALL.into_iter().flat_map(|encoding| TIMES.map(|time| (encoding, time))) {
        let shape = [[BATCH, time, COLUMNS]];
        both.0.extend(results(device, &shape, &|_, x| found(weight(encoding, device), x[0].clone())));
        both.1.extend(results(cpu, &shape, &|tracked, x| expected(numbers(encoding, tracked), x[0].clone())));
    }
    both
}

/// A row of the weight for every token of `x: [batch, time, _]`.
fn tokens(x: &Tensor<3>) -> Tensor<2, Int> {
    let [batch, time, _] = x.dims();
    let tokens: Vec<i32> = (0..batch * time).map(|i| (i * 7 % ROWS) as i32).collect();
    Tensor::from_data(TensorData::new(tokens, [batch, time]), &x.device())
}

fn weight(encoding: Encoding, device: &Device) -> PackedWeight {
    PackedWeight::new(encoding, [ROWS, COLUMNS], &bytes(encoding), device)
}

fn numbers(encoding: Encoding, device: &Device) -> Tensor<2> {
    let mut numbers = vec![0.0; ROWS * COLUMNS];
    encoding.decode(&bytes(encoding), &mut numbers);
    Tensor::from_data(TensorData::new(numbers, [ROWS, COLUMNS]), device)
}

/// Any blocks whose numbers are of the size of a weight's.
fn bytes(encoding: Encoding) -> Vec<u8> {
    let mut rng = Rng::new(12);
    let count = ROWS * COLUMNS / encoding.block() * encoding.block_bytes();
    let mut bytes: Vec<u8> = (0..count).map(|_| (rng.uniform() * 256.0) as u8).collect();
    // The upper bytes of the scales: 2^-11 to 2^-8 as halves, 2^-10 of numbers that are plain.
    let (scales, upper): (&[usize], u8) = match encoding {
        Encoding::F32 => (&[3], 0x3a),
        Encoding::BF16 => (&[1], 0x3a),
        Encoding::F16 | Encoding::Q8_0 | Encoding::Q4_0 | Encoding::Q5_0 => (&[1], 0x10),
        Encoding::Q4_1 | Encoding::Q5_1 | Encoding::Q4_K | Encoding::Q5_K => (&[1, 3], 0x10),
        Encoding::Q6_K => (&[209], 0x10),
    };
    for block in bytes.chunks_exact_mut(encoding.block_bytes()) {
        scales.iter().for_each(|&at| block[at] = upper | (block[at] & 0x87));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    #[test]
    fn packed_weights_are_their_numbers_on_the_cpu() {
        let cpu = Device::flex();
        for check in block_on(checks(&cpu, &cpu)).unwrap() {
            assert!(check.ok, "{check:?}");
        }
    }

    #[test]
    fn a_wrong_bit_of_every_block_fails() {
        let cpu = Device::flex();
        let of = |weight: PackedWeight| vec![flat(weight.unpacked())];
        for encoding in Encoding::ALL {
            let mut bytes = bytes(encoding);
            let last = encoding.block_bytes() - 1;
            bytes.chunks_exact_mut(encoding.block_bytes()).for_each(|block| block[last] ^= 0x04);
            let wrong = PackedWeight::new(encoding, [ROWS, COLUMNS], &bytes, &cpu);
            assert!(!block_on(compare("packed", of(wrong), of(weight(encoding, &cpu)))).unwrap().ok, "{encoding:?}");
        }
    }
}
