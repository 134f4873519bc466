//! How varied completions are. A policy that has found one trick writes it again and again.
//!
//! The completions are sequences of anything that can be compared: tokens, words, characters. Splitting
//! text is not this module's business.

use std::collections::HashSet;
use std::hash::Hash;

/// Distinct n-grams over all n-grams of all completions, in `(0, 1]` (Li et al. 2016).
///
/// 1 if no n-gram occurs twice, within a completion or across completions. 0 if every completion is shorter than
/// `n`. More text repeats more, so only equally many completions of similar length can be compared.
///
/// # Panics
/// If `n` is 0.
pub fn distinct_n<T: Eq + Hash>(completions: &[Vec<T>], n: usize) -> f64 {
    assert!(n > 0, "0-grams cannot be counted");
    let ngrams = || completions.iter().flat_map(|completion| completion.windows(n));
    let distinct: HashSet<&[T]> = ngrams().collect();
    distinct.len() as f64 / ngrams().count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        text.split(' ').collect()
    }

    #[test]
    fn repeated_words_and_pairs_by_hand() {
        let completions = [words("the cat saw the cat"), words("the dog")];
        // the, cat, saw, dog of 7 words; the cat, cat saw, saw the, the dog of 5 pairs.
        assert_eq!(distinct_n(&completions, 1), 4.0 / 7.0);
        assert_eq!(distinct_n(&completions, 2), 4.0 / 5.0);
    }

    #[test]
    fn ngrams_do_not_cross_completions() {
        assert_eq!(distinct_n(&[vec![1, 2], vec![3, 4], vec![2, 3]], 2), 1.0);
        assert_eq!(distinct_n(&[vec![1], vec![2]], 2), 0.0);
    }

    #[test]
    fn one_trick_again_and_again() {
        assert_eq!(distinct_n(&vec![vec![5, 6, 7]; 10], 3), 0.1);
        assert_eq!(distinct_n(&[vec!['s'; 9]], 1), 1.0 / 9.0);
    }

    #[test]
    fn nothing_is_not_varied() {
        assert_eq!(distinct_n::<u32>(&[], 1), 0.0);
        assert_eq!(distinct_n::<u32>(&[vec![]], 1), 0.0);
    }

    #[test]
    #[should_panic(expected = "0-grams")]
    fn zero_grams_are_refused() {
        distinct_n(&[vec![1]], 0);
    }
}
