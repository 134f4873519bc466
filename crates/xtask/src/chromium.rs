//! Finds the browser for the browser tests, or gets one.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::page::node_program;
use crate::process::{can_install_packages, find_program, install_packages, run_within};

/// Names under which package systems install Chromium and Chrome.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Where the installers of macOS and Windows put Chrome.
const APPLICATIONS: [&str; 3] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/// The variable that names the browser's program, read here and by the tests' configuration.
pub const VARIABLE: &str = "NUDGE_CHROMIUM";

/// The browser that runs the tests.
#[derive(Debug, PartialEq)]
pub enum Chromium {
    /// A program on this machine.
    Program(PathBuf),
    /// The one that Playwright downloaded and finds by itself.
    Playwright,
}

/// Finds a browser: the one named by `NUDGE_CHROMIUM`, an installed one, Debian's package, Playwright's download.
///
/// `tests` is the folder with Playwright's configuration.
pub fn find_or_install(tests: &Path) -> Result<Chromium> {
    if let Some(program) = env::var_os(VARIABLE).filter(|name| !name.is_empty()) {
        let program = PathBuf::from(program);
        if !program.is_file() {
            bail!("{VARIABLE} names {}, which is not a file", program.display());
        }
        return Ok(Chromium::Program(program));
    }
    if let Some(program) = find() {
        return Ok(Chromium::Program(program));
    }
    println!("No Chromium on this machine yet.");
    if can_install_packages() {
        match install_packages(&["chromium"]) {
            Ok(()) => {
                return Ok(Chromium::Program(find().unwrap_or_else(|| "/usr/bin/chromium".into())));
            }
            Err(error) => println!("Its package could not be installed: {error:#}"),
        }
    }
    let mut download = node_program("npx", tests)?;
    download.args(["playwright", "install", "chromium"]);
    match run_within(&mut download, Duration::from_secs(300)) {
        Ok(()) => Ok(Chromium::Playwright),
        Err(error) => bail!(
            "the browser tests need Chromium or Chrome. Install one, or set {VARIABLE} to its program. \
             Playwright's own download failed: {error:#}"
        ),
    }
}

fn find() -> Option<PathBuf> {
    let installed = || APPLICATIONS.iter().map(PathBuf::from).find(|program| program.is_file());
    find_program(&PROGRAMS).or_else(installed)
}
