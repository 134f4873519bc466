//! Which Nudge this is: version, commit, features, machine.

use serde_json::{Value, json};

/// The commit it was built from; `unknown` outside a checkout.
const COMMIT: &str = env!("NUDGE_COMMIT");

/// What `--version` prints behind the program's name.
pub const LONG: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("NUDGE_COMMIT"), "; features: ", env!("NUDGE_FEATURES"), ")");

/// The same for machines, with the machine.
pub fn record() -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commit": COMMIT,
        "features": env!("NUDGE_FEATURES").split(' ').collect::<Vec<_>>(),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
    })
}
