//! The one place that knows of threads: rayon's, which in a browser are workers that share one memory, and where there
//! are none the thread that asks.
//!
//! Work is split by the caller into items that do not depend on the thread count, so sums formed item by item are the
//! same on every number of threads.

use rayon::prelude::*;

/// Parts of a large product, about: enough for sixteen threads, and for fewer to end together.
pub(crate) const PARTS: usize = 16;

/// Runs `work` on every item.
pub(crate) fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Send + Sync) {
    match items.len() {
        // Not worth asking another thread.
        0 | 1 => items.into_iter().for_each(work),
        _ => items.into_par_iter().for_each(work),
    }
}

/// Runs `work` on every item; results come in the order of the items.
pub(crate) fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    items.into_par_iter().map(work).collect()
}

/// How many items of [`for_each`] run at a time.
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}

/// Whether a product on a GPU of this many multiplications is burn's: arithmetic counts more than launches in it, and
/// burn tries its programs out, which is worth its time.
#[cfg(all(feature = "gpu", not(target_family = "wasm")))]
pub(crate) fn is_product_for_burn(multiplications: usize) -> bool {
    multiplications > 1 << 28
}

/// Whether a product on a GPU is burn's: never in a browser, where burn cannot try programs out, and whose download is
/// smaller without them.
#[cfg(all(feature = "gpu", target_family = "wasm"))]
pub(crate) fn is_product_for_burn(_: usize) -> bool {
    false
}
