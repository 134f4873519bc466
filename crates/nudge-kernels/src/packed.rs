//! Weights that stay as they came: frozen matrices in half precision or in the blocks of GGUF, and what is multiplied
//! with them.
//!
//! Nothing here moves: gradients go through a product to its input and never to its weight. On the CPU and on GPUs the
//! bytes of the file are the only copy, read a piece at a time. Where there are no kernels for a device, the numbers are
//! laid out in `f32` once.

use burn::backend::Dispatch;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::encoding::Encoding;
use crate::ops::{PackedOps, PackedUntrackedOps};
use crate::tensor_list::Words;
use crate::{is_flex, linear, linear_onto, unembedded_logprobs};

/// Bytes of a buffer on a GPU, unless one row alone has more: 128 MiB, what WebGPU promises of a buffer that a kernel
/// reads.
const LONGEST: usize = 1 << 27;

/// What the bytes of a matrix mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Form {
    pub encoding: Encoding,
    pub rows: usize,
    pub columns: usize,
    /// Rows of a part, whose words are one buffer: the last has what is left.
    pub rows_of_part: usize,
}

impl Form {
    /// Bytes of a row, which is whole blocks.
    pub fn row_bytes(self) -> usize {
        self.columns / self.encoding.block() * self.encoding.block_bytes()
    }

    /// How many parts there are.
    #[cfg(feature = "gpu")]
    pub fn parts(self) -> usize {
        self.rows.div_ceil(self.rows_of_part)
    }
}

/// A frozen matrix `[rows, columns]`.
#[derive(Debug, Clone)]
pub struct PackedWeight {
    form: Form,
    store: Store,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // One a matrix, beside which a few hundred bytes are nothing.
enum Store {
    /// The bytes of the file, those of each part filled up to whole words.
    Words(Vec<Tensor<1, Int>>),
    /// What they mean.
    Numbers(Tensor<2>),
}

impl PackedWeight {
    /// A matrix from the bytes of its rows, one behind the other.
    ///
    /// # Panics
    /// If the rows are not whole blocks, or the bytes are others in number.
    pub fn new(encoding: Encoding, [rows, columns]: [usize; 2], bytes: &[u8], device: &Device) -> Self {
        Self::in_parts(encoding, [rows, columns], bytes, device, LONGEST)
    }

    /// The same in parts of at most `longest` bytes, or a row, on a GPU.
    fn in_parts(
        encoding: Encoding,
        [rows, columns]: [usize; 2],
        bytes: &[u8],
        device: &Device,
        longest: usize,
    ) -> Self {
        let form = Form { encoding, rows, columns, rows_of_part: rows };
        assert!(
            columns.is_multiple_of(encoding.block()) && bytes.len() == rows * form.row_bytes(),
            "{} bytes of {encoding:?} are no matrix [{rows}, {columns}]",
            bytes.len()
        );
        if is_flex(device) {
            return Self { form, store: Store::Words(vec![words(bytes, device)]) };
        }
        // Plain `f32` is multiplied as any other matrix.
        if cfg!(not(feature = "gpu")) || encoding == Encoding::F32 {
            let mut numbers = vec![0.0; rows * columns];
            encoding.decode(bytes, &mut numbers);
            let numbers = Tensor::from_data(TensorData::new(numbers, [rows, columns]), device);
            return Self { form, store: Store::Numbers(numbers) };
        }
        let rows_of_part = (longest / form.row_bytes()).max(1);
        let parts = bytes.chunks(rows_of_part * form.row_bytes()).map(|bytes| words(bytes, device));
        Self { form: Form { rows_of_part, ..form }, store: Store::Words(parts.collect()) }
    }

    /// `[rows, columns]`.
    pub fn dims(&self) -> [usize; 2] {
        [self.form.rows, self.form.columns]
    }

    /// How its file stores it.
    pub fn encoding(&self) -> Encoding {
        self.form.encoding
    }

    /// Bytes that it takes on its device.
    pub fn bytes(&self) -> usize {
        match &self.store {
            Store::Words(parts) => parts.iter().map(|words| 4 * words.dims()[0]).sum(),
            Store::Numbers(numbers) => 4 * numbers.dims().iter().product::<usize>(),
        }
    }

    /// The device it lives on.
    pub fn device(&self) -> Device {
        match &self.store {
            Store::Words(parts) => parts[0].device(),
            Store::Numbers(numbers) => numbers.device(),
        }
    }

    /// Its numbers where its device holds them in `f32`.
    pub fn numbers(&self) -> Option<&Tensor<2>> {
        match &self.store {
            Store::Words(_) => None,
            Store::Numbers(numbers) => Some(numbers),
        }
    }

    /// What it means, as a matrix of its own, `[rows, columns]`.
    pub fn unpacked(&self) -> Tensor<2> {
        match &self.store {
            Store::Words(parts) => Tensor::from_dispatch(Dispatch::unpacked(list(parts), self.form)),
            Store::Numbers(numbers) => numbers.clone(),
        }
    }

    /// `x Wᵀ`: `x: [batch, time, columns]` to `[batch, time, rows]`.
    pub fn linear(&self, x: Tensor<3>) -> Tensor<3> {
        self.assert_columns("linear", x.dims()[2]);
        match &self.store {
            Store::Words(parts) => {
                Tensor::from_dispatch(Dispatch::packed_linear(x.into_dispatch(), list(parts), self.form))
            }
            Store::Numbers(numbers) => linear(x, numbers.clone()),
        }
    }

    /// `x Wᵀ` of each weight, side by side, without autodiff: what decoding reads of one input. On a GPU each is written
    /// where it belongs.
    pub fn linears(x: Tensor<3>, weights: &[&Self]) -> Tensor<3> {
        let stored: Option<Vec<_>> = weights.iter().map(|weight| weight.words()).collect();
        let Some(stored) = stored else {
            return Tensor::cat(weights.iter().map(|weight| weight.linear(x.clone())).collect(), 2);
        };
        weights.iter().for_each(|weight| weight.assert_columns("linears", x.dims()[2]));
        let (parts, forms): (Vec<_>, Vec<_>) = stored.into_iter().unzip();
        Tensor::from_dispatch(Dispatch::packed_linears(x.into_dispatch(), list(&parts.concat()), forms))
    }

    /// `added + x Wᵀ` with `added: [batch, time, rows]`.
    pub fn linear_onto(&self, x: Tensor<3>, added: Tensor<3>) -> Tensor<3> {
        match &self.store {
            Store::Words(_) => added + self.linear(x),
            Store::Numbers(numbers) => linear_onto(x, numbers.clone(), added),
        }
    }

    /// Rows at `ids: [batch, time]`, giving `[batch, time, columns]` without autodiff.
    pub fn embedding(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        let ids = ids.without_autodiff();
        match &self.store {
            Store::Words(parts) => {
                Tensor::from_dispatch(Dispatch::packed_rows(list(parts), ids.into_dispatch(), self.form))
            }
            Store::Numbers(numbers) => crate::embedding(numbers.clone(), ids),
        }
    }

    /// Log-probability of each target under the logits `x Wᵀ`, as [`unembedded_logprobs`]; of the logits at most `held`
    /// exist at a time.
    ///
    /// As the weight is frozen, what backward needs of a row is one vector, `W[target] - softmax(x Wᵀ) W`, which forward
    /// makes on the way: no logits are computed twice.
    pub fn logprobs(&self, x: Tensor<3>, targets: Tensor<2, Int>, held: usize) -> Tensor<2> {
        self.assert_columns("logprobs", x.dims()[2]);
        let ([batch, time, width], vocab) = (x.dims(), self.form.rows);
        let words = match &self.store {
            Store::Words(parts) => list(parts),
            Store::Numbers(numbers) => return unembedded_logprobs(x, numbers.clone(), targets, held),
        };
        let rows = batch * time;
        let logprobs = Tensor::<2>::from_dispatch(Dispatch::packed_logprobs(
            x.reshape([1, rows, width]).into_dispatch(),
            words,
            targets.reshape([1, rows]).into_dispatch(),
            self.form,
            (held / vocab).clamp(1, rows.max(1)),
        ));
        logprobs.reshape([batch, time])
    }

    /// The words of its parts and what they mean, where it is kept so.
    pub(crate) fn words(&self) -> Option<(&[Tensor<1, Int>], Form)> {
        match &self.store {
            Store::Words(parts) => Some((parts, self.form)),
            Store::Numbers(_) => None,
        }
    }

    fn assert_columns(&self, operation: &str, width: usize) {
        assert_eq!(width, self.form.columns, "{operation}: rows of {width}, weight {:?}", self.dims());
    }
}

/// Bytes as the words of a tensor, filled up to whole ones.
fn words(bytes: &[u8], device: &Device) -> Tensor<1, Int> {
    let mut words = bytes.to_vec();
    words.resize(bytes.len().next_multiple_of(4), 0);
    let shape = [words.len() / 4];
    Tensor::from_data(TensorData::from_bytes_vec(words, shape, DType::I32), (device, DType::I32))
}

/// The words of all parts as an operation takes them.
fn list(parts: &[Tensor<1, Int>]) -> Words<Dispatch> {
    Words(parts.iter().map(|words| words.clone().into_dispatch()).collect())
}

#[cfg(test)]
#[cfg(feature = "wgpu")]
mod tests {
    use super::*;
    use burn::tensor::DeviceKind;

    #[test]
    fn a_weight_in_parts_is_the_same_weight() {
        let device = Device::wgpu(DeviceKind::DefaultDevice);
        let bytes: Vec<u8> = (0..70 * 68u32).map(|i| if i % 34 == 1 { 0x20 } else { (i * 31 % 251) as u8 }).collect();
        let of = |longest| PackedWeight::in_parts(Encoding::Q8_0, [70, 64], &bytes, &device, longest);
        // Rows of 68 bytes: eleven of them a part.
        let (parts, whole) = (of(800), of(LONGEST));
        assert_eq!(parts.words().unwrap().0.len(), 7);
        assert_eq!((parts.bytes(), whole.bytes()), (bytes.len(), bytes.len()));
        let numbers = |x: Tensor<1>| -> Vec<f32> { x.into_data().try_to_vec().unwrap() };
        let flat = |weight: &PackedWeight, time: usize| {
            let x: Vec<f32> = (0..time * 64).map(|i| (i as f32 * 0.37).sin()).collect();
            let x =
                Tensor::<3>::from_data(TensorData::new(x, [1, time, 64]), &device.clone().autodiff()).require_grad();
            let ids: Vec<i32> = (0..time as i32).map(|i| i * 29 % 70).collect();
            let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [1, time]), &device.clone().autodiff());
            let rows = weight.embedding(ids.clone());
            let y = weight.linear(x.clone());
            let beside = PackedWeight::linears(x.clone().inner(), &[weight, weight]);
            assert_eq!(
                numbers(beside.clone().flatten(0, 2)),
                numbers(Tensor::cat(vec![y.clone().inner(); 2], 2).flatten(0, 2))
            );
            let logprobs = weight.logprobs(x.clone(), ids, 16 * 70);
            let gradients = (y.clone().powi_scalar(2).sum() + logprobs.clone().sum()).backward();
            let results = [rows.flatten(0, 2), y.inner().flatten(0, 2), logprobs.inner().flatten(0, 1)];
            let results = results.into_iter().chain([x.grad(&gradients).unwrap().flatten(0, 2)]);
            results.map(numbers).collect::<Vec<_>>()
        };
        for time in [3, 40] {
            for (found, expected) in flat(&parts, time).into_iter().zip(flat(&whole, time)) {
                let largest = expected.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
                found.iter().zip(&expected).for_each(|(a, b)| assert!((a - b).abs() <= 1e-5 * largest, "{a}, {b}"));
            }
        }
        assert_eq!(numbers(parts.unpacked().flatten(0, 1)), numbers(whole.unpacked().flatten(0, 1)));
    }
}
