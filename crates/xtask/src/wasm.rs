//! Rust to WebAssembly: compiles `nudge-web` for the browser and writes the JavaScript that calls it.
//!
//! The result lies in `www/src/wasm`, where the page's worker imports it: `nudge_web.js`, its types `nudge_web.d.ts`, and
//! the module twice, of which the worker fetches the one that the browser takes: `nudge_web_bg.wasm`, and
//! `nudge_web_unfused.wasm` for a browser without relaxed SIMD ([`unfused`]). The folder hides itself from git.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::run;
use crate::toolchain::{TARGET, Toolchain};
use crate::unfused::unfused;
use crate::workspace::Workspace;
use crate::wrapper;

const PACKAGE: &str = "nudge-web";
const LIBRARY: &str = "nudge_web";

/// The profile in `Cargo.toml` that keeps the module small.
const PROFILE: &str = "page";

/// SIMD makes burn's CPU path more than twice as fast and every browser with WebGPU has it. Without the `cfg` the
/// `getrandom` crate refuses to compile for this target.
const COMPILER_FLAGS: [&str; 2] = ["-Ctarget-feature=+simd128", "--cfg=getrandom_backend=\"wasm_js\""];

/// Memory that threads share: as much as a WebAssembly memory can hold, made by the page, and what binding needs to know to
/// give each thread a stack and variables of its own.
const SHARED_MEMORY: [&str; 9] = [
    "-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals",
    "-Clink-arg=--shared-memory",
    "-Clink-arg=--import-memory",
    "-Clink-arg=--max-memory=4294967296",
    "-Clink-arg=--export=__wasm_init_tls",
    "-Clink-arg=--export=__tls_size",
    "-Clink-arg=--export=__tls_align",
    "-Clink-arg=--export=__tls_base",
    "-Clink-arg=--export=__heap_base",
];

/// Compiles and binds. Does nothing when nothing has changed.
///
/// `debug` keeps the names of functions, which doubles the file.
pub fn build(workspace: &Workspace, debug: bool) -> Result<()> {
    let toolchain = Toolchain::find_or_install()?;
    run(&mut cargo(workspace, &toolchain, "build")?)?;
    let module = target_folder(workspace).join(TARGET).join(PROFILE).join(format!("{LIBRARY}.wasm"));
    bind(&module, &workspace.www().join("src/wasm"), debug)
}

/// Lints `nudge-web`, which has no code on any other platform.
pub fn clippy(workspace: &Workspace) -> Result<()> {
    let toolchain = Toolchain::find_or_install()?;
    run(cargo(workspace, &toolchain, "clippy")?.args(["--", "--deny", "warnings"]))
}

/// A folder apart: a native build and this one may run at the same time.
fn target_folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("wasm")
}

fn cargo(workspace: &Workspace, toolchain: &Toolchain, subcommand: &str) -> Result<Command> {
    let mut command = toolchain.cargo(subcommand)?;
    command
        .args(["--package", PACKAGE, "--lib", "--profile", PROFILE])
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", target_folder(workspace))
        .env("CARGO_ENCODED_RUSTFLAGS", compiler_flags(toolchain.has_threads()).join("\x1f"));
    if toolchain.has_threads() {
        wrapper::prepare(&mut command)?;
    }
    Ok(command)
}

/// [`COMPILER_FLAGS`] and, for threads, [`SHARED_MEMORY`], and that messages name a dependency's file without the folder
/// that cargo keeps it in on this machine.
fn compiler_flags(threads: bool) -> Vec<String> {
    let mut flags = COMPILER_FLAGS.map(str::to_owned).to_vec();
    if threads {
        flags.extend(SHARED_MEMORY.map(str::to_owned));
        flags.extend(wrapper::FLAGS.map(str::to_owned));
    }
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    flags.extend(cargo_home.map(|home| format!("--remap-path-prefix={}/=", home.join("registry/src").display())));
    flags
}

/// Writes the module and its JavaScript into `folder`.
fn bind(module: &Path, folder: &Path, debug: bool) -> Result<()> {
    let stamp = stamp(module, debug)?;
    let stamp_file = folder.join("stamp");
    if fs::read_to_string(&stamp_file).is_ok_and(|written| written == stamp) {
        return Ok(());
    }
    println!("Binding {} to JavaScript.", module.display());
    // Without its stamp a folder that was written half way is written again.
    if stamp_file.exists() {
        fs::remove_file(&stamp_file)?;
    }
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .typescript(true)
        .web(true)?
        .keep_debug(debug)
        .remove_name_section(!debug)
        .generate(folder)?;
    let fused = folder.join(format!("{LIBRARY}_bg.wasm"));
    fs::write(folder.join(format!("{LIBRARY}_unfused.wasm")), unfused(&fs::read(&fused)?)?)?;
    fs::write(folder.join(".gitignore"), "*\n")?;
    fs::write(stamp_file, stamp)?;
    let size = fs::metadata(fused)?.len();
    println!("Wrote {} ({:.1} MB).", folder.display(), size as f64 / 1e6);
    Ok(())
}

/// Tells one compiled module from another without reading it.
fn stamp(module: &Path, debug: bool) -> Result<String> {
    let metadata = fs::metadata(module).with_context(|| format!("the build did not write {}", module.display()))?;
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH)?;
    Ok(format!("{} bytes, {} ns, debug {debug}", metadata.len(), modified.as_nanos()))
}
