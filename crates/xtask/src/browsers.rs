//! Finds the browsers for the browser tests, or gets them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::page::node_program;
use crate::process::{can_install_packages, find_program, install_packages, run_within};

/// How a browser is found.
struct Browser {
    name: &'static str,
    /// The variable that names its program, read here and by the tests.
    variable: &'static str,
    /// Names under which package systems install it.
    programs: &'static [&'static str],
    /// Where the installers of macOS and Windows put it.
    applications: &'static [&'static str],
    /// Debian's package.
    package: &'static str,
}

const CHROMIUM: Browser = Browser {
    name: "Chromium",
    variable: "NUDGE_CHROMIUM",
    programs: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    applications: &[
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    ],
    package: "chromium",
};

const FIREFOX: Browser = Browser {
    name: "Firefox",
    variable: "NUDGE_FIREFOX",
    programs: &["firefox-esr", "firefox"],
    applications: &[
        "/Applications/Firefox.app/Contents/MacOS/firefox",
        "C:\\Program Files\\Mozilla Firefox\\firefox.exe",
    ],
    package: "firefox-esr",
};

/// Names Chromium's program to a command, unless it is to use the one that Playwright downloaded and finds by itself.
///
/// `tests` is the folder with Playwright's configuration.
///
/// # Errors
/// If there is none, and none can be fetched.
pub fn give_chromium(command: &mut Command, tests: &Path) -> Result<()> {
    if CHROMIUM.give(command)? {
        return Ok(());
    }
    let mut download = node_program("npx", tests)?;
    download.args(["playwright", "install", "chromium"]);
    if let Err(error) = run_within(&mut download, Duration::from_secs(300)) {
        bail!(
            "the browser tests need Chromium or Chrome. Install one, or set {} to its program. \
             Playwright's own download failed: {error:#}",
            CHROMIUM.variable
        );
    }
    Ok(())
}

/// Names Firefox's program to a command. Says whether there is one.
///
/// # Errors
/// If `NUDGE_FIREFOX` names none.
pub fn give_firefox(command: &mut Command) -> Result<bool> {
    FIREFOX.give(command)
}

impl Browser {
    fn give(&self, command: &mut Command) -> Result<bool> {
        let Some(program) = self.find_or_install()? else { return Ok(false) };
        println!("{} is {}.", self.name, program.display());
        command.env(self.variable, program);
        Ok(true)
    }

    /// The one that the variable names, an installed one, Debian's package.
    fn find_or_install(&self) -> Result<Option<PathBuf>> {
        if let Some(program) = env::var_os(self.variable).filter(|name| !name.is_empty()) {
            let program = PathBuf::from(program);
            if !program.is_file() {
                bail!("{} names {}, which is not a file", self.variable, program.display());
            }
            return Ok(Some(program));
        }
        if let Some(program) = self.find() {
            return Ok(Some(program));
        }
        println!("No {} on this machine yet.", self.name);
        if can_install_packages()
            && let Err(error) = install_packages(&[self.package])
        {
            println!("Its package could not be installed: {error:#}");
        }
        Ok(self.find())
    }

    fn find(&self) -> Option<PathBuf> {
        let installed = || self.applications.iter().map(PathBuf::from).find(|program| program.is_file());
        find_program(self.programs).or_else(installed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_the_path_is_looked_for_among_the_applications() {
        const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let nowhere = Browser { programs: &["no-such-browser"], applications: &["/no/such/browser"], ..FIREFOX };
        assert_eq!(nowhere.find(), None);
        let installed = Browser { applications: &["/no/such/browser", FILE], ..nowhere };
        assert_eq!(installed.find(), Some(FILE.into()));
    }
}
