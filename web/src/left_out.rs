//! What stands in for the code that `cargo xtask` takes out of the compiled module, because no page reaches it.
//!
//! Should a page reach it all the same, it ends as any other panic does: with a message, and on the CPU again.

/// Called by what was taken out. The build finds it by this name and takes it off the exports.
#[unsafe(no_mangle)]
#[allow(unsafe_code)]
pub extern "C" fn nudge_left_out() {
    panic!("this operation was left out of the page to keep its download small; please report what led here");
}
