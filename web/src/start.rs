//! Runs the module's constructors, once.
//!
//! The GPU compiler beneath burn registers its operations in constructors. A WebAssembly module that never calls
//! them by name gets them called at the start of every export instead: each step of a future would register
//! thousands of operations anew, which took most of the time of a run.

use std::sync::Once;
use wasm_bindgen::prelude::wasm_bindgen;

static CONSTRUCTED: Once = Once::new();

#[allow(unsafe_code)]
unsafe extern "C" {
    /// Written by the linker.
    fn __wasm_call_ctors();
}

/// Called by the JavaScript that loads the module, before anything else, in each of its threads.
#[wasm_bindgen(start)]
#[allow(unsafe_code)]
fn start() {
    // SAFETY: nothing else calls it, and no other export has run yet.
    CONSTRUCTED.call_once(|| unsafe { __wasm_call_ctors() });
}
