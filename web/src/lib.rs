//! The page's way in: one class over a session, for a worker that owns WebAssembly and the GPU.
//!
//! Commands, events and records cross as JavaScript objects, model files as byte arrays; token ids and tensors never do.
//! Deliberately absent: storage, drawing, any formula. The crate is empty off wasm32, so that a native build of
//! the workspace compiles no GPU stack.

#[cfg(target_arch = "wasm32")]
mod bench;
#[cfg(target_arch = "wasm32")]
mod border;
#[cfg(target_arch = "wasm32")]
mod data;
#[cfg(target_arch = "wasm32")]
mod device;
#[cfg(target_arch = "wasm32")]
mod export;
#[cfg(target_arch = "wasm32")]
mod files;
#[cfg(target_arch = "wasm32")]
mod nudge;
#[cfg(target_arch = "wasm32")]
mod prompts;
#[cfg(target_arch = "wasm32")]
mod start;
#[cfg(target_arch = "wasm32")]
mod threads;
#[cfg(target_arch = "wasm32")]
mod thrown;

#[cfg(target_arch = "wasm32")]
pub use files::IncomingFiles;
#[cfg(target_arch = "wasm32")]
pub use nudge::Nudge;
#[cfg(target_arch = "wasm32")]
pub use threads::{start_threads, work};
