//! Rows in which each token is computed once: no padding, and once for all sequences that begin alike.
//!
//! A decoder reads a token behind those before it alone. So the four completions of one prompt need that prompt once,
//! and whatever else they begin with in common. What a block does to each token by itself runs over the *distinct*
//! tokens, side by side in one row; attention alone sees the rows, where each query stands behind its own sequence.

use burn::tensor::{Device, Int, Tensor, TensorData};

/// Distinct tokens are a multiple of this many: a GPU prepares kernels for a new shape.
const STEP: usize = 64;

/// Where the distinct tokens of rows `[batch, time]` stand.
#[derive(Debug, Clone)]
pub(crate) struct SharedTokens {
    /// The place of the rows at which each distinct token stands first, `[distinct]`.
    pub first: Vec<usize>,
    /// Those on the device.
    places: Tensor<1, Int>,
    /// At every place of the rows, the number of its distinct token, `[batch * time]`; at padding, any.
    numbers: Tensor<1, Int>,
    /// `[batch, time]`.
    rows: [usize; 2],
}

impl SharedTokens {
    /// Those of rows whose sequences are the runs of one number in `segments`; 0 is padding. Nothing where it saves less
    /// than an eighth of the places.
    pub fn of_rows(tokens: &[u32], segments: &[u32], rows: [usize; 2], device: &Device) -> Option<Self> {
        let (mut first, numbers) = distinct(tokens, segments, rows[1]);
        // Nobody asks for the numbers of those that fill up.
        first.resize(first.len().next_multiple_of(STEP), 0);
        let saves = 8 * first.len() <= 7 * tokens.len();
        saves.then(|| Self { places: on_device(&first, device), numbers: on_device(&numbers, device), first, rows })
    }

    /// What `values` holds for the distinct tokens alone.
    pub fn choose<T: Copy>(&self, values: &[T]) -> Vec<T> {
        self.first.iter().map(|&place| values[place]).collect()
    }

    /// The distinct ones of `tokens`, `[batch, time]`, as `[1, distinct]`.
    pub fn gather_tokens(&self, tokens: Tensor<2, Int>) -> Tensor<2, Int> {
        let [batch, time] = tokens.dims();
        tokens.reshape([batch * time]).select(0, self.places.clone()).unsqueeze()
    }

    /// Distinct tokens `[1, distinct, width]` as rows `[batch, time, width]`.
    pub fn spread(&self, x: Tensor<3>) -> Tensor<3> {
        let ([_, distinct, width], [batch, time]) = (x.dims(), self.rows);
        x.reshape([distinct, width]).select(0, self.numbers.clone()).reshape([batch, time, width])
    }

    /// Rows `[batch, time, width]` as distinct tokens `[1, distinct, width]`.
    pub fn gather(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, time, width] = x.dims();
        x.reshape([batch * time, width]).select(0, self.places.clone()).unsqueeze()
    }
}

/// The first place of every distinct token, and of every place the number of its token: a sequence shares what it
/// begins with in common with the sequence before it.
fn distinct(tokens: &[u32], segments: &[u32], time: usize) -> (Vec<usize>, Vec<usize>) {
    let (mut first, mut numbers) = (Vec::new(), vec![0; tokens.len()]);
    let mut before = 0..0;
    for (row, segments) in segments.chunks(time.max(1)).enumerate() {
        let mut end = row * time;
        for run in segments.chunk_by(|a, b| a == b) {
            let sequence = end..end + run.len();
            end = sequence.end;
            if run[0] == 0 {
                continue;
            }
            let alike = before.clone().zip(sequence.clone()).take_while(|(a, b)| tokens[*a] == tokens[*b]).count();
            for (at, place) in sequence.clone().enumerate() {
                numbers[place] = if at < alike { numbers[before.start + at] } else { first.len() };
                if at >= alike {
                    first.push(place);
                }
            }
            before = sequence;
        }
    }
    (first, numbers)
}

fn on_device(values: &[usize], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.iter().map(|&value| value as i32).collect();
    Tensor::from_data(TensorData::from(values.as_slice()), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, DecoderConfig, LayerAttention, Parameters, TokenBatch, gradients};

    #[test]
    fn a_sequence_shares_what_it_begins_with_and_padding_is_nobody() {
        let tokens = [7, 8, 1, 0, 7, 8, 2, 3, 0, 7, 8, 2, 9, 9, 5, 0];
        let segments = [1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 2, 0];
        let (first, numbers) = distinct(&tokens, &segments, 4);
        assert_eq!(first, [0, 1, 2, 6, 7, 12, 13, 14]);
        assert_eq!(numbers, [0, 1, 2, 0, 0, 1, 3, 4, 0, 0, 1, 3, 5, 6, 7, 0]);
    }

    /// Eight sequences of two prompts, the first four behind padding, the others before it.
    fn rows() -> (Vec<u32>, Vec<u32>, [usize; 2]) {
        let (mut tokens, mut segments) = (Vec::new(), Vec::new());
        for row in 0..8u32 {
            let prompt = (0..20).map(|at| 1 + (at + row / 4) % 7);
            let completion = (0..6 + row).map(|at| 1 + (at * (row + 3)) % 11);
            let sequence: Vec<u32> = prompt.chain(completion).collect();
            let padding = vec![0; 40 - sequence.len()];
            let real = vec![1; sequence.len()];
            let (in_front, behind) = if row < 4 { (padding, vec![]) } else { (vec![], padding) };
            tokens.extend([&in_front[..], &sequence, &behind].concat());
            segments.extend([&in_front[..], &real, &behind].concat());
        }
        (tokens, segments, [8, 40])
    }

    /// Log-probabilities of the real tokens, and the gradients of a loss on them.
    fn numbers(model: &Decoder, batch: &TokenBatch, real: Tensor<2>) -> Vec<Vec<f32>> {
        let tracked = model.tracked();
        let logprobs = tracked.next_token_logprobs(batch, 1.0) * real;
        let of = |tensor: Tensor<2>| tensor.to_data().try_to_vec().unwrap();
        let gradients = gradients((logprobs.clone() * logprobs.clone()).mean(), &tracked);
        [of(logprobs)].into_iter().chain(gradients.into_iter().flatten().map(of)).collect()
    }

    #[test]
    fn what_is_computed_once_is_what_every_row_computes() {
        let device = Device::flex().autodiff();
        let (tokens, segments, shape) = rows();
        let real: Vec<f32> =
            segments.chunks(40).flat_map(|row| row.windows(2)).map(|two| (two[0] * two[1]) as f32).collect();
        let real = || Tensor::from_data(TensorData::new(real.clone(), [8, 39]), &device);
        let window = |window| LayerAttention { rotary: Some(DecoderConfig::test(12).rotary()), window };
        for (family, attention) in [("llama", vec![]), ("gpt2", vec![]), ("llama", vec![window(Some(9)), window(None)])]
        {
            let config = DecoderConfig { model_type: family.into(), attention, ..DecoderConfig::test(12) };
            let model = Decoder::init(&config, 1, &Device::flex());
            let lay_out = |shared| TokenBatch::laid_out(&tokens, &segments, shape, shared, &config, &device);
            let shared = SharedTokens::of_rows(&tokens, &segments, shape, &device).expect("most is shared");
            assert_eq!(shared.first.len(), 128);
            let (expected, found) =
                (numbers(&model, &lay_out(None), real()), numbers(&model, &lay_out(Some(shared)), real()));
            for (expected, found) in expected.iter().flatten().zip(found.iter().flatten()) {
                assert!((expected - found).abs() < 1e-5, "{family}: {found} for {expected}");
            }
        }
    }
}
