//! Weights in memory, once for all models and runs that want them.

use bytes::Bytes;
use nudge_model::{Decoder, ModelError};
use std::sync::{Arc, Mutex, PoisonError};

/// Weights that have been read: a run begins with those of the run before, and models with adapters on one base share
/// it. Copies are the same bases.
#[derive(Debug, Clone, Default)]
pub struct Bases(Arc<Mutex<Vec<Base>>>);

#[derive(Debug)]
struct Base {
    /// The files that it was read from, which lie where they lie as long as this has them.
    weights: Vec<Bytes>,
    /// Whether it is kept as they store it: one that trains is another one.
    as_stored: bool,
    decoder: Decoder,
}

impl Bases {
    /// The base whose weights lie in these files, kept as they store it or not.
    pub(super) fn get_or_read(
        &self,
        weights: &[Bytes],
        as_stored: bool,
        read: impl FnOnce() -> Result<Decoder, ModelError>,
    ) -> Result<Decoder, ModelError> {
        let mut bases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = bases.iter().find(|base| base.as_stored == as_stored && are_same(&base.weights, weights));
        if let Some(base) = known {
            return Ok(base.decoder.clone());
        }
        let decoder = read()?;
        bases.push(Base { weights: weights.to_vec(), as_stored, decoder: decoder.clone() });
        Ok(decoder)
    }

    /// Lets go of all but those whose files `are_held`.
    pub fn retain(&self, are_held: impl Fn(&[Bytes]) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|base| are_held(&base.weights));
    }
}

/// Whether these are the same files: those that are shared lie at one place.
pub(super) fn are_same(a: &[Bytes], b: &[Bytes]) -> bool {
    let place = |bytes: &Bytes| (bytes.as_ptr(), bytes.len());
    a.iter().map(place).eq(b.iter().map(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use nudge_model::DecoderConfig;

    #[test]
    fn weights_are_read_once_until_nobody_holds_their_files() {
        let (bases, reads) = (Bases::default(), std::cell::Cell::new(0));
        let read = || {
            reads.set(reads.get() + 1);
            Ok(Decoder::init(&DecoderConfig::test(24), 3, &Device::flex()))
        };
        // Two files of the same content lie at two places.
        let files = [Bytes::from(vec![1, 2, 3]), Bytes::from(vec![1, 2, 3])];
        for (file, as_stored) in [(0, true), (0, true), (1, true), (0, false), (1, true)] {
            bases.clone().get_or_read(&files[file..=file], as_stored, read).expect("is read");
        }
        assert_eq!(reads.get(), 3);
        bases.retain(|weights| are_same(weights, &files[1..]));
        for file in [1, 0] {
            bases.get_or_read(&files[file..=file], true, read).expect("is read");
        }
        assert_eq!(reads.get(), 4);
    }
}
