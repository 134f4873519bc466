//! One file a stage. Each has the same four verbs: `started`, `next`, `save`, `finished`.

pub mod compare;
pub mod dpo;
pub mod eval;
pub mod experience;
pub mod ppo;
pub mod pretrain;
pub mod rank;
pub mod reward;
pub mod sample;
pub mod score;
pub mod sft;

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

#[cfg(test)]
mod tests {
    use super::epoch_places;

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
