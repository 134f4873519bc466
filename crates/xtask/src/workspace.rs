//! Where things lie: the checkout, cargo's target folder, what the build writes.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The checkout and the folder that cargo builds into.
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder. In CI it lies in the user's cache, so that a fresh checkout finds burn already compiled.
    pub target: PathBuf,
}

impl Workspace {
    /// Reads the environment: cargo names this package's folder, `CARGO_TARGET_DIR` and `CI` decide the target folder.
    pub fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root =
            Path::new(&package).ancestors().nth(2).context("crates/xtask has no folder two levels up")?.to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => env::current_dir()?.join(folder),
            None if in_ci() => home()?.join(".cache/nudge/target"),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The page's sources.
    pub fn www(&self) -> PathBuf {
        self.root.join("www")
    }

    /// The built page.
    pub fn dist(&self) -> PathBuf {
        self.root.join("www/dist")
    }

    /// The browser tests.
    pub fn browser_tests(&self) -> PathBuf {
        self.root.join("tests/browser")
    }

    /// The cargo that runs this program, at work on the native side of the workspace.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        command
    }
}

/// Whether a continuous-integration service runs this, by the variable that all of them set.
pub fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// The user's folder.
pub fn home() -> Result<PathBuf> {
    let variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let folder: OsString = env::var_os(variable).with_context(|| format!("{variable} is not set"))?;
    Ok(folder.into())
}
