//! Flags of the compiler that one crate alone has or lacks: cargo calls this program in the compiler's place.
//!
//! - wgpu's handles are `Send` in a browser only where a module has no atomics, because a JavaScript object belongs to the
//!   thread that made it; burn asks for `Send` in any case. Here one thread alone touches the GPU: the trainer's, while the
//!   others see nothing but numbers. So `wgpu` is compiled with the condition that makes its handles `Send` ([`FLAGS`]),
//!   and `wgpu-types`, which asks about atomics itself and has none of its own, without them.
//! - `nudge-kernels` multiplies and adds in one instruction of relaxed SIMD. Not every crate compiles with that.

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

/// The condition in `wgpu`, and that the linker takes crates that lack what others have.
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
fn flags(arguments: &[OsString]) -> Vec<OsString> {
    let is = |name: &str| arguments.windows(2).any(|words| words[0] == "--crate-name" && words[1] == name);
    let mut flags = arguments.to_vec();
    if is("wgpu_types") {
        flags.retain(|flag| !flag.to_string_lossy().starts_with("-Ctarget-feature=+atomics"));
    }
    if is("nudge_kernels") {
        flags.push("-Ctarget-feature=+relaxed-simd".into());
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_crates_have_flags_of_their_own() {
        let of = |name: &str| -> Vec<String> {
            let line = format!("--crate-name {name} -Ctarget-feature=+simd128 -Ctarget-feature=+atomics,+bulk-memory");
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            flags(&words).into_iter().map(|word| word.to_string_lossy().into_owned()).collect()
        };
        assert_eq!(of("wgpu_types"), ["--crate-name", "wgpu_types", "-Ctarget-feature=+simd128"]);
        assert_eq!(of("wgpu").len(), 4);
        assert_eq!(of("nudge_kernels")[2..].last().map(String::as_str), Some("-Ctarget-feature=+relaxed-simd"));
    }
}
