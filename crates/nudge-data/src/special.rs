//! Special tokens: which ones Nudge has, and where a rendered template names them.
//!
//! The tokenizer itself is told to read no special token in text at all, so that a user who types
//! one has typed characters. Templates are the one place where the names count, and this scan finds
//! them there.

/// Fills the unused places of a batch; never learnt, never sampled.
pub const PAD: &str = "<|pad|>";
/// Ends a record and a completion, and stands before the first record.
pub const END_OF_TEXT: &str = "<|endoftext|>";
/// Begins the user's turn.
pub const USER: &str = "<|user|>";
/// Begins the assistant's turn.
pub const ASSISTANT: &str = "<|assistant|>";

/// The special tokens of a trained tokenizer; the place is the id.
pub const SPECIAL_TOKENS: [&str; 4] = [PAD, END_OF_TEXT, USER, ASSISTANT];

/// The special tokens of a tokenizer.
#[derive(Debug, Clone)]
pub(crate) struct SpecialTokens {
    /// `(name, id)`, longest name first, so that the first match is the longest.
    tokens: Vec<(String, u32)>,
    /// Which bytes begin a name: lets the scan skip all others.
    first_bytes: [bool; 256],
}

/// A stretch of a template's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Plain text.
    Text(&'t str),
    /// The id of a special token that the text names.
    Special(u32),
}

impl SpecialTokens {
    pub(crate) fn new(tokens: impl IntoIterator<Item = (String, u32)>) -> Self {
        let mut tokens: Vec<_> = tokens.into_iter().filter(|(name, _)| !name.is_empty()).collect();
        tokens.sort_by(|(a, a_id), (b, b_id)| b.len().cmp(&a.len()).then(a_id.cmp(b_id)));
        let mut first_bytes = [false; 256];
        for (name, _) in &tokens {
            first_bytes[usize::from(name.as_bytes()[0])] = true;
        }
        Self { tokens, first_bytes }
    }

    /// Cuts `text` at the special tokens that it names, leftmost first, longest first.
    pub(crate) fn split<'t>(&self, text: &'t str) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        let (mut start, mut at) = (0, 0);
        while at < text.len() {
            let Some((name, id)) = self.at(&text.as_bytes()[at..]) else {
                at += 1;
                continue;
            };
            if start < at {
                pieces.push(Piece::Text(&text[start..at]));
            }
            pieces.push(Piece::Special(id));
            at += name.len();
            start = at;
        }
        if start < text.len() {
            pieces.push(Piece::Text(&text[start..]));
        }
        pieces
    }

    /// The name of a special token.
    pub(crate) fn name(&self, id: u32) -> Option<&str> {
        self.tokens.iter().find(|(_, of)| *of == id).map(|(name, _)| name.as_str())
    }

    /// A special token whose name could come from `text` after something was cut out of it: the text holds the first
    /// or the second half of the name, or three characters of it if that is more.
    pub(crate) fn partly_in(&self, text: &str) -> Option<&str> {
        self.tokens.iter().map(|(name, _)| name.as_str()).find(|name| {
            let characters: Vec<(usize, char)> = name.char_indices().collect();
            let half = characters.len().div_ceil(2).max(3).min(characters.len());
            let head = characters.get(half).map_or(name.len(), |(at, _)| *at);
            let tail = characters[characters.len() - half].0;
            text.contains(&name[..head]) || text.contains(&name[tail..])
        })
    }

    /// The special token that `bytes` begin with. A name is valid UTF-8, so it can match only where
    /// a character of the text begins.
    fn at(&self, bytes: &[u8]) -> Option<(&str, u32)> {
        if !self.first_bytes[usize::from(bytes[0])] {
            return None;
        }
        self.tokens.iter().find(|(name, _)| bytes.starts_with(name.as_bytes())).map(|(name, id)| (name.as_str(), *id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_wins_and_text_stays_whole() {
        let specials = SpecialTokens::new([("<e>".to_owned(), 1), ("<e><f>".to_owned(), 2), ("<ü>".to_owned(), 3)]);
        assert_eq!(
            specials.split("é<e><f><e>< e>ü<ü>"),
            [Piece::Text("é"), Piece::Special(2), Piece::Special(1), Piece::Text("< e>ü"), Piece::Special(3)]
        );
        assert!(specials.split("").is_empty());
    }

    #[test]
    fn half_a_name_is_found() {
        let specials = SpecialTokens::new([("<|end|>".to_owned(), 1), ("</s>".to_owned(), 2)]);
        for text in ["a<|en", "nd|>b", "<|end|>", "x</s", "/s>"] {
            assert!(specials.partly_in(text).is_some(), "{text}");
        }
        for text in ["", "<|e", "d|>", "</think>", "< /s >", "end"] {
            assert_eq!(specials.partly_in(text), None, "{text}");
        }
        assert_eq!((specials.name(2), specials.name(3)), (Some("</s>"), None));
    }
}
