//! Ctrl-C and SIGTERM: the first asks the run to save and stop after its step, the second ends the process.
//! While the program waits for a person to type, the first one ends it: nothing is half done then.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
static WAITING: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Starts listening. A system that refuses leaves the default: the signal ends the process.
pub fn listen() {
    for signal in [SIGINT, SIGTERM] {
        // In this order, so that the first signal does not see the request that it makes itself.
        for condition in [&WAITING, &REQUESTED] {
            let _ = flag::register_conditional_shutdown(signal, 130, Arc::clone(condition));
        }
        let _ = flag::register(signal, Arc::clone(&REQUESTED));
    }
}

/// Whether somebody asked to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Does something that waits for a person.
pub fn while_waiting<T>(wait: impl FnOnce() -> T) -> T {
    WAITING.store(true, Ordering::Relaxed);
    let result = wait();
    WAITING.store(false, Ordering::Relaxed);
    result
}
