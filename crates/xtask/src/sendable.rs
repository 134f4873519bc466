//! Lets wgpu's handles be `Send` in a module with threads.
//!
//! They are `Send` in a browser only where a module has no atomics, because a JavaScript object belongs to the thread that
//! made it; burn asks for `Send` in any case. Here one thread alone touches the GPU: the trainer's, while the others see
//! nothing but numbers. So `wgpu` is compiled with the condition that makes its handles `Send` ([`FLAGS`]), and
//! `wgpu-types`, which asks about atomics itself and has none of its own, without them: cargo calls this program in the
//! compiler's place, which leaves that one flag out of that one crate.

use std::env;
use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

/// The condition in `wgpu`, and that the linker takes the crate that lacks what all others have.
pub const FLAGS: [&str; 2] = ["--cfg=send_sync", "-Clink-arg=--no-check-features"];

/// Set where this program stands in for the compiler.
const VARIABLE: &str = "NUDGE_CALLS_COMPILER";

/// Has cargo call this program where it would call the compiler.
///
/// # Errors
/// If this program does not know where it lies.
pub fn prepare(cargo: &mut Command) -> Result<()> {
    cargo.env("RUSTC_WRAPPER", env::current_exe()?).env(VARIABLE, "1");
    Ok(())
}

/// Calls the compiler if this program was called in its place.
pub fn compile() -> Option<Result<ExitCode>> {
    env::var_os(VARIABLE)?;
    Some(call(env::args_os().skip(1)))
}

fn call(words: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let words: Vec<OsString> = words.collect();
    let (compiler, arguments) = words.split_first().context("cargo named no compiler")?;
    let status = Command::new(compiler).args(flags(arguments)).status()?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}

/// The flags for a crate.
fn flags(arguments: &[OsString]) -> impl Iterator<Item = &OsStr> {
    let is_wgpu_types = arguments.windows(2).any(|words| words[0] == "--crate-name" && words[1] == "wgpu_types");
    let brings_atomics =
        move |word: &&OsString| is_wgpu_types && word.to_string_lossy().starts_with("-Ctarget-feature=+atomics");
    arguments.iter().filter(move |word| !brings_atomics(word)).map(OsString::as_os_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_crate_is_compiled_without_atomics() {
        let of = |name: &str| -> Vec<String> {
            let line = format!("--crate-name {name} -Ctarget-feature=+simd128 -Ctarget-feature=+atomics,+bulk-memory");
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            flags(&words).map(|word| word.to_string_lossy().into_owned()).collect()
        };
        assert_eq!(of("wgpu_types"), ["--crate-name", "wgpu_types", "-Ctarget-feature=+simd128"]);
        assert_eq!(of("wgpu").len(), 4);
    }
}
