//! Token ids back to text while they are still arriving.
//!
//! A byte-level token may end in the middle of a character. What is shown must never contain half a
//! character, so text is withheld until the character is complete.

use crate::tokenizer::Tokenizer;

/// What a decoder prints for bytes that are no character (yet).
const REPLACEMENT: char = '\u{fffd}';

/// Decodes one sequence token by token.
///
/// The pieces from [`StreamDecoder::push`] and [`StreamDecoder::finish`], put together, are what
/// [`Tokenizer::decode`] gives for the whole sequence.
#[derive(Debug, Clone, Default)]
pub struct StreamDecoder {
    /// The ids of the last piece given out (decoders look at the neighbour to the left), then those
    /// withheld.
    ids: Vec<u32>,
    /// How many of `ids` were given out.
    given: usize,
}

impl StreamDecoder {
    /// A decoder at the beginning of a sequence.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next token and returns the text that it completes, often one token's worth,
    /// sometimes none.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> String {
        self.ids.push(id);
        let text = self.withheld(tokenizer);
        if text.is_empty() || text.ends_with(REPLACEMENT) {
            return String::new();
        }
        self.ids.drain(..self.given);
        self.given = self.ids.len();
        text
    }

    /// Ends the sequence and returns what was withheld; bytes that form no character become U+FFFD.
    pub fn finish(&mut self, tokenizer: &Tokenizer) -> String {
        let text = self.withheld(tokenizer);
        *self = Self::default();
        text
    }

    fn withheld(&self, tokenizer: &Tokenizer) -> String {
        let before = tokenizer.decode(&self.ids[..self.given]);
        let mut all = tokenizer.decode(&self.ids);
        all.split_off(all.floor_char_boundary(before.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// One token a byte: every character beyond ASCII arrives in parts.
    static BYTES: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer::train(std::iter::empty(), 260).expect("trains"));

    fn stream(ids: &[u32]) -> Vec<String> {
        let mut decoder = StreamDecoder::new();
        let mut pieces: Vec<String> = ids.iter().map(|&id| decoder.push(&BYTES, id)).collect();
        pieces.push(decoder.finish(&BYTES));
        pieces
    }

    #[test]
    fn a_character_waits_for_its_last_byte() {
        let pieces = stream(&BYTES.encode("aé🙂b"));
        assert_eq!(pieces, ["a", "", "é", "", "", "", "🙂", "b", ""]);
    }

    #[test]
    fn a_broken_end_is_given_out_at_last() {
        let ids = BYTES.encode("a🙂");
        assert_eq!(stream(&ids[..3]), ["a", "", "", "\u{fffd}"]);
    }

    proptest! {
        #[test]
        fn pieces_add_up(ids in prop::collection::vec(0u32..260, 0..40)) {
            prop_assert_eq!(stream(&ids).concat(), BYTES.decode(&ids));
        }

        #[test]
        fn text_streams_without_replacement(text: String) {
            let pieces = stream(&BYTES.encode(&text));
            prop_assert_eq!(pieces.concat(), text);
        }
    }
}
