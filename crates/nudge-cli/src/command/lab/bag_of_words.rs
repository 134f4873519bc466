//! A reward model that knows words and nothing else: the baseline that a reward model has to beat.
//!
//! The reward of a completion is a weighted count of its words, `r(x) = Σ w(word)`, and the weights maximise the
//! Bradley-Terry likelihood of the pairs (Bradley & Terry 1952 with linear features), by AdaGrad (Duchi et al. 2011).

use nudge_data::{Comparison, Rng};
use std::collections::{BTreeMap, HashMap};

const EPOCHS: usize = 20;
const LEARNING_RATE: f64 = 0.1;
/// Pull of every weight to 0, in each step that touches it.
const DECAY: f64 = 1e-3;

/// The weights of the words.
pub struct BagOfWords {
    weights: HashMap<String, Weight>,
}

#[derive(Default, Clone, Copy)]
struct Weight {
    value: f64,
    squares: f64,
}

impl BagOfWords {
    /// Learns from all pairs of `comparisons`, in an order that `seed` draws.
    pub fn train(comparisons: &[Comparison], seed: u64) -> Self {
        let mut this = Self { weights: HashMap::new() };
        let mut pairs: Vec<Vec<(String, f64)>> = comparisons.iter().flat_map(differences).collect();
        let mut rng = Rng::new(seed);
        for _ in 0..EPOCHS {
            rng.shuffle(&mut pairs);
            pairs.iter().for_each(|difference| this.step(difference));
        }
        this
    }

    /// One pair: the gradient of `-log sigmoid(r(winner) - r(loser))`.
    fn step(&mut self, difference: &[(String, f64)]) {
        let margin: f64 = difference.iter().map(|(word, count)| count * self.weight(word)).sum();
        let wrong = 1.0 / (1.0 + margin.exp());
        for (word, count) in difference {
            let weight = self.weights.entry(word.clone()).or_default();
            let gradient = -wrong * count + DECAY * weight.value;
            weight.squares += gradient * gradient;
            if weight.squares > 0.0 {
                weight.value -= LEARNING_RATE * gradient / weight.squares.sqrt();
            }
        }
    }

    fn weight(&self, word: &str) -> f64 {
        self.weights.get(word).map_or(0.0, |weight| weight.value)
    }

    /// The reward of a completion. Words that were never seen count nothing.
    pub fn reward(&self, completion: &str) -> f64 {
        counts(completion).iter().map(|(word, count)| count * self.weight(word)).sum()
    }
}

/// For every pair, how often each word occurs more in the better completion than in the worse one.
fn differences(comparison: &Comparison) -> Vec<Vec<(String, f64)>> {
    let counts: Vec<_> = comparison.completions.iter().map(|completion| counts(completion)).collect();
    let difference = |(winner, loser): &(usize, usize)| {
        let mut difference = counts[*winner].clone();
        for (word, count) in &counts[*loser] {
            *difference.entry(word.clone()).or_default() -= count;
        }
        difference.into_iter().filter(|(_, count)| *count != 0.0).collect()
    };
    comparison.pairs.iter().map(difference).collect()
}

/// In the order of the alphabet: sums of floats must not differ from run to run.
fn counts(completion: &str) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for word in completion.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|word| !word.is_empty()) {
        *counts.entry(word.to_lowercase()).or_default() += 1.0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(better: &str, worse: &str) -> Comparison {
        Comparison {
            prompt: "p".into(),
            completions: vec![better.into(), worse.into()],
            pairs: vec![(0, 1)],
            tiers: vec![vec![0], vec![1]],
            margin: None,
            label: None,
        }
    }

    #[test]
    fn a_word_that_wins_is_worth_more() {
        let comparisons = [pair("A kind dog.", "A rude dog."), pair("The kind cat", "The rude cat")];
        let model = BagOfWords::train(&comparisons, 1);
        assert!(model.reward("kind") > 0.5, "{}", model.reward("kind"));
        assert!(model.reward("Rude!") < -0.5);
        // What both sides say tells nothing, and neither does what was never said.
        assert_eq!(model.reward("dog"), 0.0);
        assert_eq!(model.reward("whale"), 0.0);
        assert_eq!(model.reward("kind"), BagOfWords::train(&comparisons, 1).reward("kind"));
    }

    #[test]
    fn a_step_follows_the_gradient_by_hand() {
        let mut model = BagOfWords { weights: HashMap::new() };
        model.step(&differences(&pair("yes yes", "no"))[0]);
        // At weights 0 the gradient is -1/2 for every count: AdaGrad's first step is the rate, whatever its size.
        assert!((model.weight("yes") - 0.1).abs() < 1e-12);
        assert!((model.weight("no") + 0.1).abs() < 1e-12);
        assert!((model.reward("yes yes no") - 0.1).abs() < 1e-12);
    }
}
