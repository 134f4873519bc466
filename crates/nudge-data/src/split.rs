//! Comparisons for training and comparisons for measuring.
//!
//! The two must not share a prompt: answers to one prompt resemble each other, and a reward model
//! that has seen some of them is not measured by the others.

use std::collections::HashSet;

use crate::prompt::Prompt;
use crate::rankings::Comparison;
use crate::rng::Rng;

/// Sets some prompts aside with all their comparisons: `(train, held_out)`, each in the given order.
///
/// `held_out_fraction` counts prompts, not comparisons. A fraction above zero holds out at least
/// one prompt and leaves at least one, if there are two or more; a single prompt stays in training.
/// The same input and seed give the same split.
///
/// # Panics
///
/// If `held_out_fraction` is not in `[0, 1]`.
pub fn split_by_prompt(
    comparisons: Vec<Comparison>,
    held_out_fraction: f32,
    seed: u64,
) -> (Vec<Comparison>, Vec<Comparison>) {
    assert!((0.0..=1.0).contains(&held_out_fraction), "held_out_fraction is {held_out_fraction}, outside [0, 1]");
    let prompts = comparisons.iter().map(|comparison| &comparison.prompt);
    let held_out = held_out_prompts(prompts, held_out_fraction, seed);
    comparisons.into_iter().partition(|comparison| !held_out.contains(&comparison.prompt))
}

/// The prompts of a `fraction` of all different ones, drawn by `seed`.
pub(crate) fn held_out_prompts<'a>(
    prompts: impl Iterator<Item = &'a Prompt>,
    fraction: f32,
    seed: u64,
) -> HashSet<Prompt> {
    let mut seen = HashSet::new();
    let mut prompts: Vec<&Prompt> = prompts.filter(|prompt| seen.insert(*prompt)).collect();
    if fraction == 0.0 || prompts.len() < 2 {
        return HashSet::new();
    }
    let wanted = (prompts.len() as f32 * fraction).round() as usize;
    let count = wanted.clamp(1, prompts.len() - 1);
    Rng::new(seed).shuffle(&mut prompts);
    prompts[..count].iter().map(|&prompt| prompt.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn comparison(prompt: &str) -> Comparison {
        let completions = vec!["a".to_owned(), "b".to_owned()];
        let tiers = vec![vec![0], vec![1]];
        Comparison { prompt: prompt.into(), completions, pairs: vec![(0, 1)], tiers, margin: None, label: None }
    }

    #[test]
    fn a_split_never_empties_the_training_side() {
        let sizes = |prompts: &[&str], fraction| {
            let comparisons = prompts.iter().map(|prompt| comparison(prompt)).collect();
            let (train, held_out) = split_by_prompt(comparisons, fraction, 1);
            (train.len(), held_out.len())
        };
        assert_eq!(sizes(&["a"], 0.5), (1, 0));
        assert_eq!(sizes(&["a", "b"], 0.01), (1, 1));
        assert_eq!(sizes(&["a", "b"], 1.0), (1, 1));
        assert_eq!(sizes(&["a", "b", "c"], 0.0), (3, 0));
        assert_eq!(sizes(&[], 0.5), (0, 0));
    }

    proptest! {
        #[test]
        fn no_prompt_is_on_both_sides(
            prompts in prop::collection::vec("[a-d]{1,2}", 0..40),
            fraction in 0.0f32..=1.0,
            seed: u64,
        ) {
            let comparisons: Vec<Comparison> = prompts.iter().map(|p| comparison(p)).collect();
            let (train, held_out) = split_by_prompt(comparisons.clone(), fraction, seed);
            prop_assert_eq!(train.len() + held_out.len(), comparisons.len());
            let train_prompts: HashSet<&Prompt> = train.iter().map(|c| &c.prompt).collect();
            prop_assert!(held_out.iter().all(|c| !train_prompts.contains(&c.prompt)));
            prop_assert_eq!(split_by_prompt(comparisons, fraction, seed), (train, held_out));
        }
    }
}
