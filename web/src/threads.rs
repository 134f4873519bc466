//! The threads of the page: workers that share this module's memory and make up rayon's pool.
//!
//! The page makes the workers, because it hears of one that dies even while the trainer waits for it. Each loads this
//! module and calls [`work`], which waits for a place in the pool; [`start_threads`] hands the places out. The trainer's
//! own worker is one of the pool, so that nobody only waits.

use crate::thrown::Thrown;
use rayon::{ThreadBuilder, ThreadPoolBuilder};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use wasm_bindgen::prelude::wasm_bindgen;

/// Places in the pool that no worker has taken yet.
static PLACES: Mutex<Vec<ThreadBuilder>> = Mutex::new(Vec::new());
/// There is another place.
static OFFERED: Condvar = Condvar::new();

/// Makes the calling worker one of the pool's threads. Does not return.
#[wasm_bindgen]
pub fn work() {
    let mut places = places();
    let place = loop {
        match places.pop() {
            Some(place) => break place,
            None => places = OFFERED.wait(places).unwrap_or_else(PoisonError::into_inner),
        }
    };
    drop(places);
    place.run();
}

/// Computes on `count` threads from now on: the caller, and `count - 1` workers that have called [`work`] or are about
/// to. To be called once, before anything is computed.
#[wasm_bindgen]
pub fn start_threads(count: usize) -> Result<(), Thrown> {
    let offer = |place| {
        places().push(place);
        OFFERED.notify_one();
        Ok(())
    };
    let pool = ThreadPoolBuilder::new().num_threads(count).use_current_thread().spawn_handler(offer);
    pool.build_global().map_err(|error| Thrown::device(format!("{count} threads could not be started: {error}")))
}

fn places() -> MutexGuard<'static, Vec<ThreadBuilder>> {
    PLACES.lock().unwrap_or_else(PoisonError::into_inner)
}
