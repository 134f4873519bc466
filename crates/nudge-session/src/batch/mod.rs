//! Records as tensors: what several stages and methods lay out alike.
//!
//! - [`demonstrations`]: prompts with completions to imitate, padded or packed, and which of them a step takes;
//! - [`preferences`]: rankings as pairs and tiers, split by prompt, and how many of them a reward model puts in order;
//! - [`scored`]: completions whose last token a reward model scores;
//! - [`windows`]: rows of plain text.

pub mod demonstrations;
pub mod preferences;
pub mod scored;
pub mod windows;

use nudge_data::Rng;

/// Which of `len` items stand at positions `first..first + count` of an endless sequence of epochs, each a new
/// order of all items. Stateless: a resumed run needs only its step.
pub(crate) fn epoch_places(len: usize, first: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut places = Vec::with_capacity(count);
    let mut epoch: Option<(usize, Vec<usize>)> = None;
    for position in first..first + count {
        let current = position / len;
        if epoch.as_ref().is_none_or(|(number, _)| *number != current) {
            let mut order: Vec<usize> = (0..len).collect();
            Rng::with_stream(seed, current as u64).shuffle(&mut order);
            epoch = Some((current, order));
        }
        places.extend(epoch.as_ref().map(|(_, order)| order[position % len]));
    }
    places
}

/// Steps of `size` items that make up `epochs` passes over `len` items.
pub(crate) fn steps_of_epochs(epochs: f32, len: usize, size: usize) -> usize {
    let steps_per_epoch = len as f32 / size as f32;
    ((epochs * steps_per_epoch).ceil() as usize).max(1)
}

/// Whether a pass over `len` items ends within step number `step`, counted from 1.
pub(crate) fn ends_epoch(step: usize, size: usize, len: usize) -> bool {
    step * size / len > (step - 1) * size / len
}

#[cfg(test)]
mod tests {
    use super::{ends_epoch, epoch_places, steps_of_epochs};

    #[test]
    fn an_epoch_ends_with_the_step_that_reaches_its_last_item() {
        assert_eq!(
            (1..=7).map(|step| ends_epoch(step, 4, 10)).collect::<Vec<_>>(),
            [false, false, true, false, true, false, false]
        );
        assert_eq!(steps_of_epochs(2.0, 10, 4), 5);
        assert_eq!(steps_of_epochs(0.1, 3, 4), 1);
    }

    #[test]
    fn every_epoch_shows_every_item_once_in_a_new_order() {
        let all = epoch_places(5, 0, 15, 3);
        for epoch in all.chunks(5) {
            let mut sorted = epoch.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4]);
        }
        assert_ne!(all[..5], all[5..10]);
        assert_eq!(all[3..9], epoch_places(5, 3, 6, 3));
    }
}
