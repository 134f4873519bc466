//! All answers of a small vocabulary as a tree: an answer ends with its end token or at the longest length.
//!
//! A place is a token behind a prefix, `prefix * vocabulary + token`: a list of one number a place holds a whole
//! policy, without any network.

/// The tree.
#[derive(Debug, Clone)]
pub struct AnswerTree {
    /// Number of tokens to choose from at each step.
    pub vocabulary: usize,
    /// Tokens of each answer, the end token included.
    pub answers: Vec<Vec<u32>>,
    /// Places of each answer's tokens.
    pub paths: Vec<Vec<usize>>,
    /// Prefixes that are not answers yet, the empty one among them.
    pub prefixes: usize,
}

impl AnswerTree {
    /// All answers of at most `longest` tokens.
    pub fn new(vocabulary: usize, longest: usize, eos: u32) -> Self {
        let (mut answers, mut paths) = (Vec::new(), Vec::new());
        let mut prefixes: Vec<(Vec<u32>, Vec<usize>)> = vec![Default::default()];
        let mut next = 0;
        while next < prefixes.len() {
            let (prefix, path) = prefixes[next].clone();
            for token in 0..vocabulary {
                let tokens = [prefix.as_slice(), &[token as u32]].concat();
                let places = [path.as_slice(), &[next * vocabulary + token]].concat();
                if token as u32 == eos || tokens.len() == longest {
                    answers.push(tokens);
                    paths.push(places);
                } else {
                    prefixes.push((tokens, places));
                }
            }
            next += 1;
        }
        Self { vocabulary, answers, paths, prefixes: prefixes.len() }
    }

    /// Number of places.
    pub fn places(&self) -> usize {
        self.prefixes * self.vocabulary
    }

    /// One number a place from one number a token of each answer; answers with a prefix in common share them.
    pub fn by_place(&self, by_token: &[Vec<f64>]) -> Vec<f64> {
        let mut places = vec![f64::NAN; self.places()];
        for (path, numbers) in self.paths.iter().zip(by_token) {
            path.iter().zip(numbers).for_each(|(place, number)| places[*place] = *number);
        }
        places
    }

    /// The probability of each answer from the probability of each token behind its prefix.
    pub fn distribution(&self, tokens: &[f64]) -> Vec<f64> {
        self.paths.iter().map(|path| path.iter().map(|place| tokens[*place]).product()).collect()
    }

    /// For each place, the sum over the answers through it of one number an answer.
    pub fn sum_through(&self, by_answer: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.places()];
        for (path, number) in self.paths.iter().zip(by_answer) {
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
    fn every_answer_is_listed_once() {
        let tree = AnswerTree::new(3, 2, 1);
        let expected: [&[u32]; 7] = [&[1], &[0, 0], &[0, 1], &[0, 2], &[2, 0], &[2, 1], &[2, 2]];
        assert_eq!(tree.answers, expected);
        assert_eq!(tree.prefixes, 3);
        assert_eq!(tree.paths[4], [2, 6]);
        // 1 + 3 + 9 that end, 27 that are cut off.
        assert_eq!(AnswerTree::new(4, 3, 1).answers.len(), 1 + 3 + 9 + 27);
    }

    #[test]
    fn probabilities_of_tokens_make_a_distribution_over_answers() {
        let tree = AnswerTree::new(3, 2, 1);
        let tokens = tree.softmax(&[0.0, 1.0, -1.0, 0.5, 0.0, 0.0, 2.0, 1.0, -3.0]);
        let answers = tree.distribution(&tokens);
        assert!((answers.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((answers[2] - tokens[0] * tokens[4]).abs() < 1e-15);
        let through = tree.sum_through(&answers);
        assert!((through[0] - tokens[0]).abs() < 1e-12 && (through[7] - answers[5]).abs() < 1e-15);
    }
}
