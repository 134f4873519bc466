//! Finds a Rust toolchain that compiles for `wasm32-unknown-unknown`, or gets one.
//!
//! Threads need a standard library compiled with atomics, which nobody ships: cargo compiles it along, from its sources.
//! So what is on the machine comes first: the sources in the toolchain in use, then Debian's compiler, which comes with
//! them. Where neither is, rustup adds the sources, or, where its server cannot be reached, `apt-get` installs Debian's
//! compiler. Where that cannot be either, the target of the toolchain in use does, without threads.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process::{can_install_packages, find_program, install_packages, output, run_within};

/// The platform of a browser tab.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The standard library takes half a minute to download on a slow line; beyond this there is no line.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(90);

/// The oldest compiler that builds the workspace, `rust-version` in `Cargo.toml`.
const MINIMUM_MINOR: u32 = 95;

const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const DEBIAN_LINKER: &str = "lld-22";
const DEBIAN_CLIPPY: &str = "rust-web-clippy";

/// Why there are no threads.
const NO_THREADS: &str = "the sources of the standard library are missing (rustup component add rust-src).";

/// A toolchain with [`TARGET`].
#[derive(Debug, PartialEq)]
pub enum Toolchain {
    /// The toolchain that runs this program, with the sources of the standard library.
    Sources,
    /// The toolchain that runs this program, with the target's standard library as it is shipped: without threads.
    Compiled,
    /// Debian's compiler, which comes with the sources.
    Debian {
        /// A WebAssembly linker; Debian's compiler comes without one.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Finds a toolchain, or installs what is missing.
    ///
    /// # Errors
    /// Says what to install when nothing could be found or fetched.
    pub fn find_or_install() -> Result<Self> {
        if sources_are_installed() {
            return Ok(Self::Sources);
        }
        if let Some(debian) = Self::installed_debian() {
            return Ok(debian);
        }
        println!("No Rust toolchain on this machine compiles for {TARGET} with threads yet.");
        let rustup = find_program(&["rustup"]).is_some();
        let add = |what: &[&str]| rustup && fetched(run_within(Command::new("rustup").args(what), DOWNLOAD_LIMIT));
        if add(&["component", "add", "rust-src"]) && sources_are_installed() {
            return Ok(Self::Sources);
        }
        if can_install_packages()
            && fetched(install_debian())
            && let Some(debian) = Self::installed_debian()
        {
            return Ok(debian);
        }
        if target_is_installed() || add(&["target", "add", TARGET]) {
            println!("The page will compute on one thread: {NO_THREADS}");
            return Ok(Self::Compiled);
        }
        bail!(
            "no Rust compiler for {TARGET}. Install one of:\n  \
             - the sources of the standard library for rustup's toolchain: rustup component add rust-src\n  \
             - on Debian 12 or later, as root: apt-get install {} {DEBIAN_LINKER}",
            DEBIAN_PACKAGES.join(" ")
        )
    }

    fn installed_debian() -> Option<Self> {
        if !debian_compiler_is_installed() {
            return None;
        }
        find_linker().map(|linker| Self::Debian { linker })
    }

    /// Whether the page may compute on several threads.
    pub fn has_threads(&self) -> bool {
        *self != Self::Compiled
    }

    /// A cargo `subcommand` (`build`, `clippy`) for [`TARGET`].
    ///
    /// # Errors
    /// When `clippy` is asked for and Debian's is neither installed nor installable.
    pub fn cargo(&self, subcommand: &str) -> Result<Command> {
        let mut command = match self {
            Self::Sources | Self::Compiled => {
                let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
                command.arg(subcommand);
                command
            }
            Self::Debian { linker } => debian_cargo(subcommand, linker)?,
        };
        if self.has_threads() {
            // A stable compiler refuses -Z options without the variable.
            command.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1");
        }
        command.args(["--target", TARGET]);
        Ok(command)
    }
}

/// Whether the toolchain in use has the sources of its standard library.
fn sources_are_installed() -> bool {
    output(Command::new(rustc()).args(["--print", "sysroot"]))
        .is_ok_and(|sysroot| Path::new(&sysroot).join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file())
}

fn rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// Whether the compiler in use has the target's standard library.
fn target_is_installed() -> bool {
    output(Command::new(rustc()).args(["--print", "target-libdir", "--target", TARGET]))
        .is_ok_and(|folder| Path::new(&folder).is_dir())
}

fn debian_compiler_is_installed() -> bool {
    let compiles = output(Command::new("/usr/bin/rustc").arg("--version"))
        .is_ok_and(|version| minor_version(&version).is_some_and(|minor| minor >= MINIMUM_MINOR));
    compiles
        && Path::new("/usr/bin/cargo").is_file()
        && Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml").is_file()
}

/// The `96` of `rustc 1.96.0 (...)`.
fn minor_version(version: &str) -> Option<u32> {
    version.strip_prefix("rustc 1.")?.split('.').next()?.parse().ok()
}

fn install_debian() -> Result<()> {
    install_packages(&DEBIAN_PACKAGES)?;
    if find_linker().is_none() {
        install_packages(&[DEBIAN_LINKER])?;
    }
    Ok(())
}

/// Whether a download succeeded. Where it did not, the next way is tried, so its error is only printed.
fn fetched(download: Result<()>) -> bool {
    match download {
        Ok(()) => true,
        Err(error) => {
            println!("{error:#}");
            false
        }
    }
}

/// A linker for WebAssembly: the one inside rustup's toolchain, or one on the `PATH`.
fn find_linker() -> Option<PathBuf> {
    let libraries = output(Command::new("rustc").args(["--print", "target-libdir"])).unwrap_or_default();
    let bundled = Path::new(&libraries).with_file_name("bin").join("rust-lld");
    if bundled.is_file() {
        return Some(bundled);
    }
    find_program(&["rust-lld", "wasm-ld", "wasm-ld-22"])
}

/// Debian's cargo and compiler, kept apart from the toolchain that runs this program.
fn debian_cargo(subcommand: &str, linker: &Path) -> Result<Command> {
    let mut command = if subcommand == "clippy" {
        let clippy = Path::new("/usr/bin/cargo-clippy");
        if !clippy.is_file() && can_install_packages() {
            install_packages(&[DEBIAN_CLIPPY])?;
        }
        if !clippy.is_file() {
            bail!("clippy for {TARGET} is missing. As root: apt-get install {DEBIAN_CLIPPY}");
        }
        // Through `cargo clippy` rustup's clippy would answer, which is first on the PATH and older.
        Command::new(clippy)
    } else {
        Command::new("/usr/bin/cargo")
    };
    command
        .arg(subcommand)
        .env("CARGO", "/usr/bin/cargo")
        .env("RUSTC", "/usr/bin/rustc")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
        .env_remove("LD_LIBRARY_PATH") // cargo points it at the libraries of the toolchain that runs this program
        .env_remove("RUSTUP_TOOLCHAIN");
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_compiler_version() {
        assert_eq!(minor_version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"), Some(96));
        assert_eq!(minor_version("rustc 1.97.0-nightly (e50aa6fba 2026-05-19)"), Some(97));
        assert_eq!(minor_version("cargo 1.96.0"), None);
    }

    #[test]
    fn debian_builds_the_standard_library_with_its_own_compiler() {
        let toolchain = Toolchain::Debian { linker: "/usr/bin/wasm-ld".into() };
        let command = toolchain.cargo("build").expect("building needs no extra package");
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        assert_eq!(command.get_program(), "/usr/bin/cargo");
        assert_eq!(arguments, ["build", "-Zbuild-std=std,panic_abort", "--target", TARGET]);
        assert!(toolchain.has_threads());
    }

    #[test]
    fn a_shipped_standard_library_is_not_built() {
        let command = Toolchain::Compiled.cargo("build").expect("building needs no extra package");
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        assert_eq!(arguments, ["build", "--target", TARGET]);
        assert!(!Toolchain::Compiled.has_threads());
    }
}
