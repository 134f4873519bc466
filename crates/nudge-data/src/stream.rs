//! A corpus as one long row of token ids, cut into windows for pretraining.
//!
//! The stream begins with the end token and every record is followed by it, so that each record is
//! read after an end token, as a plain prompt is at sampling time. Windows run across records: no
//! token is wasted on padding.

use crate::rng::Rng;
use crate::tokenizer::Tokenizer;

/// The tokens of a corpus in training order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenStream {
    tokens: Vec<u32>,
}

impl TokenStream {
    /// Encodes the records in an order that `seed` shuffles.
    pub fn build(records: &[&str], tokenizer: &Tokenizer, seed: u64) -> Self {
        let mut order: Vec<&str> = records.to_vec();
        Rng::new(seed).shuffle(&mut order);
        let mut tokens = vec![tokenizer.eos_id()];
        for record in order {
            tokens.extend(tokenizer.encode(record));
            tokens.push(tokenizer.eos_id());
        }
        Self { tokens }
    }

    /// All tokens.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// True if there is nothing to learn: no record was given.
    pub fn is_empty(&self) -> bool {
        self.tokens.len() < 2
    }

    /// `len` tokens from `start`.
    ///
    /// # Panics
    ///
    /// If the stream ends before the window does.
    pub fn window(&self, start: usize, len: usize) -> &[u32] {
        assert!(
            start.checked_add(len).is_some_and(|end| end <= self.len()),
            "window {start}..+{len} of a stream of {} tokens",
            self.len()
        );
        &self.tokens[start..start + len]
    }

    /// How many windows of `context + 1` tokens an epoch has; neighbours share one token, which is
    /// the target of the one and the input of the other. Zero if the stream is shorter than one.
    ///
    /// # Panics
    ///
    /// If `context` is zero.
    pub fn windows_per_epoch(&self, context: usize) -> usize {
        assert!(context > 0, "a window needs a context > 0");
        (self.len() - 1) / context
    }

    /// Where the windows of an epoch start, in training order; each is to be read with
    /// [`TokenStream::window`]`(start, context + 1)`.
    ///
    /// Each epoch has its own order, and its own small offset where the last window leaves tokens
    /// over. The same seed and epoch give the same order, so an epoch number and a place in it are
    /// all that a checkpoint needs.
    ///
    /// # Panics
    ///
    /// If `context` is zero.
    pub fn epoch_order(&self, context: usize, seed: u64, epoch: u64) -> Vec<usize> {
        let windows = self.windows_per_epoch(context);
        let left_over = (self.len() - 1) % context;
        let mut rng = Rng::with_stream(seed, epoch);
        let offset = rng.below(left_over + 1);
        let mut starts: Vec<usize> = (0..windows).map(|index| offset + index * context).collect();
        rng.shuffle(&mut starts);
        starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static BYTES: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer::train(std::iter::empty(), 260).expect("trains"));

    #[test]
    fn every_record_stands_between_end_tokens() {
        let stream = TokenStream::build(&["ab", "c", "def"], &BYTES, 1);
        let mut records: Vec<String> =
            stream.tokens().split(|&id| id == BYTES.eos_id()).map(|record| BYTES.decode(record)).collect();
        assert_eq!(records.remove(0), "");
        assert_eq!(records.pop().as_deref(), Some(""));
        records.sort();
        assert_eq!(records, ["ab", "c", "def"]);
        assert_eq!(stream.len(), 1 + 3 + 2 + 4);
    }

    #[test]
    fn order_follows_the_seed() {
        let records: Vec<String> = (0..20).map(|i| format!("record {i}")).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let build = |seed| TokenStream::build(&records, &BYTES, seed);
        assert_eq!(build(1), build(1));
        assert_ne!(build(1), build(2));
        let stream = build(1);
        assert_eq!(stream.epoch_order(8, 5, 0), stream.epoch_order(8, 5, 0));
        assert_ne!(stream.epoch_order(8, 5, 0), stream.epoch_order(8, 5, 1));
        assert_ne!(stream.epoch_order(8, 5, 0), stream.epoch_order(8, 6, 0));
    }

    #[test]
    fn a_short_stream_has_no_window() {
        let stream = TokenStream::build(&[], &BYTES, 1);
        assert!(stream.is_empty());
        assert!(stream.epoch_order(4, 1, 0).is_empty());
    }

    #[test]
    #[should_panic(expected = "window 2..+3 of a stream of 4 tokens")]
    fn a_window_beyond_the_end_is_a_mistake() {
        TokenStream::build(&["ab"], &BYTES, 1).window(2, 3);
    }

    proptest! {
        #[test]
        fn an_epoch_sees_each_target_once(text in "[a-z]{0,80}", context in 1usize..12, epoch: u64) {
            let stream = TokenStream::build(&[&text], &BYTES, 1);
            let mut starts = stream.epoch_order(context, 3, epoch);
            prop_assert_eq!(starts.len(), stream.windows_per_epoch(context));
            for &start in &starts {
                prop_assert_eq!(stream.window(start, context + 1).len(), context + 1);
            }
            starts.sort_unstable();
            prop_assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == context));
            prop_assert!(starts.first().is_none_or(|&first| first < context));
        }
    }
}
