//! Rows of plain text, epoch by epoch: what pretraining reads, and what PPO-ptx keeps from being forgotten.

use nudge_data::TokenStream;

/// An endless sequence of windows, each epoch a new order of all of them. Only the order of the current epoch is kept,
/// and it is derived: a resumed run needs only its position.
pub struct Windows {
    stream: TokenStream,
    context: usize,
    seed: u64,
    epoch: u64,
    order: Vec<usize>,
}

impl Windows {
    /// Windows of `context + 1` tokens.
    pub fn new(stream: TokenStream, context: usize, seed: u64) -> Self {
        let order = stream.epoch_order(context, seed, 0);
        Self { stream, context, seed, epoch: 0, order }
    }

    /// Tokens of the text.
    pub fn tokens(&self) -> usize {
        self.stream.len()
    }

    /// `count` windows from position `first` on, one behind the other, `[count, context + 1]`.
    pub fn rows(&mut self, first: usize, count: usize) -> Vec<u32> {
        let windows = self.stream.windows_per_epoch(self.context);
        let mut rows = Vec::with_capacity(count * (self.context + 1));
        for position in first..first + count {
            let (epoch, place) = ((position / windows) as u64, position % windows);
            if self.epoch != epoch {
                (self.epoch, self.order) = (epoch, self.stream.epoch_order(self.context, self.seed, epoch));
            }
            rows.extend_from_slice(self.stream.window(self.order[place], self.context + 1));
        }
        rows
    }
}
