//! All completions of a small vocabulary as a tree: a completion ends with its end token or at the longest length.
//!
//! A place is a token behind a prefix, `prefix * vocabulary + token`: a list of one number a place holds a whole
//! policy, without any network.

/// The tree.
#[derive(Debug, Clone)]
pub struct CompletionTree {
    /// Number of tokens to choose from at each step.
    pub vocabulary: usize,
    /// Tokens of each completion, the end token included.
    pub completions: Vec<Vec<u32>>,
    /// Places of each completion's tokens.
    pub paths: Vec<Vec<usize>>,
    /// Prefixes that are not completions yet, the empty one among them.
    pub prefixes: usize,
}

impl CompletionTree {
    /// All completions of at most `longest` tokens.
    pub fn new(vocabulary: usize, longest: usize, eos: u32) -> Self {
        let (mut completions, mut paths) = (Vec::new(), Vec::new());
        let mut prefixes: Vec<(Vec<u32>, Vec<usize>)> = vec![Default::default()];
        let mut next = 0;
        while next < prefixes.len() {
            let (prefix, path) = prefixes[next].clone();
            for token in 0..vocabulary {
                let tokens = [prefix.as_slice(), &[token as u32]].concat();
                let places = [path.as_slice(), &[next * vocabulary + token]].concat();
                if token as u32 == eos || tokens.len() == longest {
                    completions.push(tokens);
                    paths.push(places);
                } else {
                    prefixes.push((tokens, places));
                }
            }
            next += 1;
        }
        Self { vocabulary, completions, paths, prefixes: prefixes.len() }
    }

    /// Number of places.
    pub fn places(&self) -> usize {
        self.prefixes * self.vocabulary
    }

    /// One number a place from one number a token of each completion; completions with a prefix in common share them.
    pub fn by_place(&self, by_token: &[Vec<f64>]) -> Vec<f64> {
        let mut places = vec![f64::NAN; self.places()];
        for (path, numbers) in self.paths.iter().zip(by_token) {
            path.iter().zip(numbers).for_each(|(place, number)| places[*place] = *number);
        }
        places
    }

    /// The probability of each completion from the probability of each token behind its prefix.
    pub fn distribution(&self, tokens: &[f64]) -> Vec<f64> {
        self.paths.iter().map(|path| path.iter().map(|place| tokens[*place]).product()).collect()
    }

    /// For each place, the sum over the completions through it of one number a completion.
    pub fn sum_through(&self, by_completion: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.places()];
        for (path, number) in self.paths.iter().zip(by_completion) {
            path.iter().for_each(|place| sums[*place] += number);
        }
        sums
    }

    /// Probabilities of tokens from logits, prefix by prefix.
    pub fn softmax(&self, logits: &[f64]) -> Vec<f64> {
        let of_prefix = |logits: &[f64]| {
            let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = logits.iter().map(|logit| (logit - highest).exp()).collect();
            let sum: f64 = weights.iter().sum();
            weights.into_iter().map(move |weight| weight / sum)
        };
        logits.chunks(self.vocabulary).flat_map(of_prefix).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_completion_is_listed_once() {
        let tree = CompletionTree::new(3, 2, 1);
        let expected: [&[u32]; 7] = [&[1], &[0, 0], &[0, 1], &[0, 2], &[2, 0], &[2, 1], &[2, 2]];
        assert_eq!(tree.completions, expected);
        assert_eq!(tree.prefixes, 3);
        assert_eq!(tree.paths[4], [2, 6]);
        // 1 + 3 + 9 that end, 27 that are cut off.
        assert_eq!(CompletionTree::new(4, 3, 1).completions.len(), 1 + 3 + 9 + 27);
    }

    #[test]
    fn probabilities_of_tokens_make_a_distribution_over_completions() {
        let tree = CompletionTree::new(3, 2, 1);
        let tokens = tree.softmax(&[0.0, 1.0, -1.0, 0.5, 0.0, 0.0, 2.0, 1.0, -3.0]);
        let shares = tree.distribution(&tokens);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((shares[2] - tokens[0] * tokens[4]).abs() < 1e-15);
        let through = tree.sum_through(&shares);
        assert!((through[0] - tokens[0]).abs() < 1e-12 && (through[7] - shares[5]).abs() < 1e-15);
    }
}
