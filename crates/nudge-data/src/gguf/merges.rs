//! The merges of a SentencePiece vocabulary, which keeps scores instead.

use super::{GgufTokenizer, TokenKind};
use std::cmp::Reverse;
use std::collections::HashMap;

/// All pairs of pieces that make a piece, the pair with the best result first; longer left pieces first among equals,
/// as transformers converts such a vocabulary.
pub(super) fn from_scores(tokenizer: &GgufTokenizer) -> Vec<(&str, &str)> {
    let pieces = || {
        let ids = tokenizer.tokens.iter().zip(&tokenizer.kinds).enumerate();
        ids.filter(|(_, (_, kind))| **kind == TokenKind::Normal).map(|(id, (token, _))| (token.as_str(), id))
    };
    let known: HashMap<&str, usize> = pieces().collect();
    let mut merges = Vec::new();
    for (piece, id) in pieces() {
        let pairs = piece.char_indices().skip(1).filter_map(|(at, _)| {
            let (left, right) = piece.split_at(at);
            Some((*known.get(left)?, *known.get(right)?, left, right))
        });
        merges.extend(pairs.map(|(l, r, left, right)| (tokenizer.scores[id], id, (l, r), left, right)));
    }
    let characters = |text: &str| text.chars().count();
    merges.sort_by_cached_key(|(score, id, ids, left, right)| {
        (Reverse(Ordered(*score)), Reverse(characters(left)), Reverse(characters(right)), *id, *ids)
    });
    merges.into_iter().map(|(.., left, right)| (left, right)).collect()
}

/// A number in its total order.
#[derive(PartialEq)]
struct Ordered(f32);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
