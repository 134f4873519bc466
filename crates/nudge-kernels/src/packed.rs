//! Weights that stay as they came: frozen matrices in half precision or in the blocks of GGUF, and what is multiplied
//! with them.
//!
//! Nothing here moves: gradients go through a product to its input and never to its weight. On the CPU the bytes of
//! the file are the only copy, read a piece at a time. On other devices the numbers are laid out in `f32` once.

use burn::backend::Dispatch;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::encoding::Encoding;
use crate::ops::{PackedOps, PackedUntrackedOps};
use crate::{is_flex, linear, linear_onto, unembedded_logprobs};

/// What the bytes of a matrix mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Form {
    pub encoding: Encoding,
    pub rows: usize,
    pub columns: usize,
}

impl Form {
    /// Bytes of a row, which is whole blocks.
    pub fn row_bytes(self) -> usize {
        self.columns / self.encoding.block() * self.encoding.block_bytes()
    }
}

/// A frozen matrix `[rows, columns]`.
#[derive(Debug, Clone)]
pub struct PackedWeight {
    form: Form,
    store: Store,
}

#[derive(Debug, Clone)]
enum Store {
    /// The bytes of the file, filled up to whole words.
    Words(Tensor<1, Int>),
    /// What they mean.
    Numbers(Tensor<2>),
}

impl PackedWeight {
    /// A matrix from the bytes of its rows, one behind the other.
    ///
    /// # Panics
    /// If the rows are not whole blocks, or the bytes are others in number.
    pub fn new(encoding: Encoding, [rows, columns]: [usize; 2], bytes: &[u8], device: &Device) -> Self {
        let form = Form { encoding, rows, columns };
        assert!(
            columns.is_multiple_of(encoding.block()) && bytes.len() == rows * form.row_bytes(),
            "{} bytes of {encoding:?} are no matrix [{rows}, {columns}]",
            bytes.len()
        );
        let store = if is_flex(device) {
            let mut words = bytes.to_vec();
            words.resize(bytes.len().next_multiple_of(4), 0);
            let shape = [words.len() / 4];
            let data = TensorData::from_bytes_vec(words, shape, DType::I32);
            Store::Words(Tensor::from_data(data, (device, DType::I32)))
        } else {
            let mut numbers = vec![0.0; rows * columns];
            encoding.decode(bytes, &mut numbers);
            Store::Numbers(Tensor::from_data(TensorData::new(numbers, [rows, columns]), device))
        };
        Self { form, store }
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
            Store::Words(words) => 4 * words.dims()[0],
            Store::Numbers(numbers) => 4 * numbers.dims().iter().product::<usize>(),
        }
    }

    /// The device it lives on.
    pub fn device(&self) -> Device {
        match &self.store {
            Store::Words(words) => words.device(),
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
            Store::Words(words) => Tensor::from_dispatch(Dispatch::unpacked(words.clone().into_dispatch(), self.form)),
            Store::Numbers(numbers) => numbers.clone(),
        }
    }

    /// `x Wᵀ`: `x: [batch, time, columns]` to `[batch, time, rows]`.
    pub fn linear(&self, x: Tensor<3>) -> Tensor<3> {
        self.assert_columns("linear", x.dims()[2]);
        match &self.store {
            Store::Words(words) => {
                let words = words.clone().into_dispatch();
                Tensor::from_dispatch(Dispatch::packed_linear(x.into_dispatch(), words, self.form))
            }
            Store::Numbers(numbers) => linear(x, numbers.clone()),
        }
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
            Store::Words(words) => {
                let rows = Dispatch::packed_rows(words.clone().into_dispatch(), ids.into_dispatch(), self.form);
                Tensor::from_dispatch(rows)
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
            Store::Words(words) => words.clone().into_dispatch(),
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

    /// The words and what they mean, where it is kept so.
    pub(crate) fn words(&self) -> Option<(&Tensor<1, Int>, Form)> {
        match &self.store {
            Store::Words(words) => Some((words, self.form)),
            Store::Numbers(_) => None,
        }
    }

    fn assert_columns(&self, operation: &str, width: usize) {
        assert_eq!(width, self.form.columns, "{operation}: rows of {width}, weight {:?}", self.dims());
    }
}
