//! Products of a decoder on host slices: of weights that train, laid out for few rows, and of frozen ones where they lie.

use crate::Matrix;
use crate::weights::{Linear, Lora};
use burn::tensor::Tensor;
use nudge_kernels::host::{PackedRows, PanelMatrix};

/// How many rows of its input a product sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The tokens of one prompt.
    Prompt,
    /// One token of each of a few rows; a row's numbers do not depend on the rows beside it.
    Tokens,
}

/// A product: its weight, its bias `[out]`, what an adapter adds.
pub(crate) struct HostLinear {
    weight: HostWeight,
    bias: Option<Vec<f32>>,
    /// `A` and `s B`.
    lora: Option<[PanelMatrix; 2]>,
}

/// A weight `[out, in]`.
enum HostWeight {
    /// In the layout for few rows.
    Panels(PanelMatrix),
    /// As its file stores it.
    Packed(PackedRows),
}

impl From<Linear> for HostLinear {
    fn from(Linear { weight, bias, lora }: Linear) -> Self {
        let lora = lora.map(|Lora { a, b }| [panels(a), panels(b)]);
        Self { weight: weight.into(), bias: bias.map(numbers), lora }
    }
}

impl From<Matrix> for HostWeight {
    fn from(weight: Matrix) -> Self {
        match packed(&weight) {
            Some(rows) => Self::Packed(rows),
            None => Self::Panels(panels(weight.unpacked())),
        }
    }
}

impl HostWeight {
    fn dims(&self) -> [usize; 2] {
        match self {
            Self::Panels(weight) => [weight.outputs(), weight.inputs()],
            Self::Packed(weight) => [weight.outputs(), weight.inputs()],
        }
    }

    fn multiply(&self, x: &[f32], y: &mut [f32], add: bool, reading: Reading) {
        match (self, reading) {
            (Self::Panels(weight), _) => weight.multiply(x, y, add),
            (Self::Packed(weight), Reading::Tokens) => weight.multiply(x, y, add),
            (Self::Packed(weight), Reading::Prompt) => weight.multiply_many(x, y, add),
        }
    }
}

impl HostLinear {
    /// Numbers of a row that come out.
    pub fn outputs(&self) -> usize {
        self.weight.dims()[0]
    }

    /// Whether the product itself is spread over the threads.
    pub fn is_packed(&self) -> bool {
        matches!(self.weight, HostWeight::Packed(_))
    }

    /// The product of every row of `x`, `[rows, in]`.
    pub fn of(&self, x: &[f32], reading: Reading) -> Vec<f32> {
        let [outputs, inputs] = self.weight.dims();
        let mut y = vec![0.0; x.len() / inputs * outputs];
        self.weight.multiply(x, &mut y, false, reading);
        self.add_lora_and_bias(x, &mut y);
        y
    }

    /// `y` and the product.
    pub fn onto(&self, x: &[f32], y: &mut [f32], reading: Reading) {
        self.weight.multiply(x, y, true, reading);
        self.add_lora_and_bias(x, y);
    }

    fn add_lora_and_bias(&self, x: &[f32], y: &mut [f32]) {
        if let Some([a, b]) = &self.lora {
            let mut small = vec![0.0; x.len() / a.inputs() * a.outputs()];
            a.multiply(x, &mut small, false);
            b.multiply(&small, y, true);
        }
        if let Some(bias) = &self.bias {
            for row in y.chunks_exact_mut(bias.len()) {
                row.iter_mut().zip(bias).for_each(|(y, bias)| *y += bias);
            }
        }
    }
}

/// Several products of one input: as few as they can be put together to.
pub(crate) struct HostLinears(Vec<HostLinear>);

impl From<Vec<Linear>> for HostLinears {
    fn from(linears: Vec<Linear>) -> Self {
        let together = match Linear::beside(&linears) {
            Some(linear) => vec![linear],
            None => linears,
        };
        Self(together.into_iter().map(HostLinear::from).collect())
    }
}

impl HostLinears {
    /// The products of every row of `x`, `[rows, in]`, side by side.
    pub fn of(&self, x: &[f32], reading: Reading) -> Vec<f32> {
        let mut products: Vec<Vec<f32>> = self.0.iter().map(|linear| linear.of(x, reading)).collect();
        if products.len() == 1 {
            return products.remove(0);
        }
        let width = self.outputs();
        let mut beside = vec![0.0; products.iter().map(Vec::len).sum()];
        let mut first = 0;
        for (product, linear) in products.iter().zip(&self.0) {
            let outputs = linear.outputs();
            for (row, product) in beside.chunks_exact_mut(width).zip(product.chunks_exact(outputs)) {
                row[first..first + outputs].copy_from_slice(product);
            }
            first += outputs;
        }
        beside
    }

    /// Numbers of a row that come out.
    pub fn outputs(&self) -> usize {
        self.0.iter().map(HostLinear::outputs).sum()
    }
}

/// The embedding of every token, `[vocab, width]`.
pub(crate) enum HostEmbedding {
    /// In `f32`.
    Numbers { values: Vec<f32>, width: usize },
    /// As its file stores it.
    Packed(PackedRows),
}

impl From<Matrix> for HostEmbedding {
    fn from(weight: Matrix) -> Self {
        match packed(&weight) {
            Some(rows) => Self::Packed(rows),
            None => Self::Numbers { width: weight.dims()[1], values: numbers(weight.unpacked()) },
        }
    }
}

impl HostEmbedding {
    /// Rows of these tokens, `[tokens, width]`.
    pub fn of(&self, tokens: &[u32]) -> Vec<f32> {
        match self {
            Self::Numbers { values, width } => {
                tokens.iter().flat_map(|token| &values[*token as usize * width..][..*width]).copied().collect()
            }
            Self::Packed(rows) => {
                let mut out = vec![0.0; tokens.len() * rows.inputs()];
                for (token, out) in tokens.iter().zip(out.chunks_exact_mut(rows.inputs())) {
                    rows.row(*token as usize, out);
                }
                out
            }
        }
    }
}

/// A weight where it lies, if it is frozen as its file stores it.
fn packed(weight: &Matrix) -> Option<PackedRows> {
    match weight {
        Matrix::Packed(weight) => PackedRows::of(weight),
        Matrix::Dense(_) => None,
    }
}

fn panels(matrix: Tensor<2>) -> PanelMatrix {
    let inputs = matrix.dims()[1];
    PanelMatrix::new(&[&numbers(matrix)], inputs)
}

/// Elements of a parameter on the CPU.
// Reading blocks and panics in a browser where a GPU holds the numbers; here they are in this process's own memory.
#[allow(clippy::disallowed_methods)]
pub(crate) fn numbers(parameter: Tensor<2>) -> Vec<f32> {
    let data = parameter.into_data();
    data.try_into_vec().unwrap_or_else(|error| panic!("a parameter on the CPU is not f32: {error:?}"))
}
