//! Bases of models, in memory once each.

use bytes::Bytes;
use nudge_model::{Decoder, ModelError};
use std::sync::{Arc, Mutex, PoisonError};

/// Bases in memory, so that models with adapters on one base hold it once.
#[derive(Debug, Clone, Default)]
pub struct Bases(Arc<Mutex<Vec<(Key, Decoder)>>>);

/// Where the files of a base lie in memory and how long they are, and whether it is kept as they store it: one that
/// trains is another one.
type Key = (Vec<(usize, usize)>, bool);

impl Bases {
    /// The base whose weights lie in these files, kept as they store it or not.
    pub(super) fn get_or_read(
        &self,
        weights: &[Bytes],
        as_stored: bool,
        read: impl FnOnce() -> Result<Decoder, ModelError>,
    ) -> Result<Decoder, ModelError> {
        // Files that are shared lie at one place.
        let place = weights.iter().map(|bytes| (bytes.as_ptr() as usize, bytes.len())).collect();
        let key: Key = (place, as_stored);
        let mut bases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, base)) = bases.iter().find(|(other, _)| *other == key) {
            return Ok(base.clone());
        }
        let base = read()?;
        bases.push((key, base.clone()));
        Ok(base)
    }
}
