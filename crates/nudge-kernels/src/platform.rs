//! The one place that knows whether there are threads: rayon natively, a plain loop in WebAssembly.
//!
//! Work is split by the caller into items whose number does not depend on the thread count, so
//! sums formed item by item are the same on every number of threads.

/// Runs `work` on every item.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Send + Sync) {
    use rayon::prelude::*;
    items.into_par_iter().for_each(work);
}

/// Runs `work` on every item.
#[cfg(target_family = "wasm")]
pub(crate) fn for_each<T>(items: Vec<T>, work: impl Fn(T)) {
    items.into_iter().for_each(work);
}

/// Runs `work` on every item; results come in the order of the items.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    use rayon::prelude::*;
    items.into_par_iter().map(work).collect()
}

/// Runs `work` on every item; results come in the order of the items.
#[cfg(target_family = "wasm")]
pub(crate) fn map<T, R>(items: Vec<T>, work: impl Fn(T) -> R) -> Vec<R> {
    items.into_iter().map(work).collect()
}

/// Threads for one large matrix product: all of rayon's.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn gemm_threads() -> gemm::Parallelism {
    gemm::Parallelism::Rayon(0)
}

/// Threads for one large matrix product: none.
#[cfg(target_family = "wasm")]
pub(crate) fn gemm_threads() -> gemm::Parallelism {
    gemm::Parallelism::None
}

/// How many items of [`for_each`] run at a time.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}

/// How many items of [`for_each`] run at a time.
#[cfg(target_family = "wasm")]
pub(crate) fn threads() -> usize {
    1
}

/// Multiplications up to which a product on a GPU is our own. Beyond, arithmetic counts more than launches, and burn's
/// product, which tries its programs out natively, is worth its preparation.
#[cfg(all(feature = "gpu", not(target_family = "wasm")))]
pub(crate) const LARGEST_OWN_PRODUCT: usize = 1 << 28;

/// Multiplications up to which a product on a GPU is our own: in a browser all, whose burn cannot try programs out, and
/// whose download is smaller without them.
#[cfg(all(feature = "gpu", target_family = "wasm"))]
pub(crate) const LARGEST_OWN_PRODUCT: usize = usize::MAX;
