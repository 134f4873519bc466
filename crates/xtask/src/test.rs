//! Every check, in the order in which they fail fastest, with a table of what passed and how long it took.
//!
//! A check that fails does not stop the others, so that one run shows all there is to mend. A check that
//! builds on a failed one is skipped.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::audit;
use crate::browsers;
use crate::download;
use crate::packages;
use crate::page;
use crate::process::{find_program, run};
use crate::wasm;
use crate::workspace::Workspace;

/// Runs the checks. `quick` leaves out WebAssembly and the page, `filter` runs only the tests whose name contains it.
///
/// # Errors
/// When any check failed, after all have run.
pub fn test(workspace: &Workspace, quick: bool, filter: Option<&str>) -> Result<()> {
    let mut report = Report::default();
    let lint = filter.is_none();
    if lint {
        report.check("format", || run(workspace.cargo().args(["fmt", "--all", "--check"])));
        report.check("lints", || lints(workspace));
    }
    // A filter may mean a browser test alone.
    let may_be_none = filter.is_some() && !quick;
    report.check("Rust tests", || rust_tests(workspace, filter, may_be_none));
    if lint {
        report.check("packages", || packages::check(workspace));
    }
    if !quick {
        if lint {
            report.check("examples in the documentation", || documentation_tests(workspace));
            report.check("lints for WebAssembly", || wasm::clippy(workspace));
        }
        let built = report.check("WebAssembly", || wasm::build(workspace, false))
            && report.check("page", || page::build(workspace, false));
        if built {
            if lint {
                report.check_as_far_as_possible("known faults", || audit::audit(workspace));
                report.check("types of the page", || page::check(workspace));
                report.check("size of the download", || download::check(workspace));
            }
            report.check_as_far_as_possible("browser tests", || browser_tests(workspace, filter));
        } else {
            report.skip("browser tests");
        }
    }
    report.finish()
}

fn lints(workspace: &Workspace) -> Result<()> {
    run(workspace.cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

/// With nextest, which runs each test in a process of its own, or with cargo's runner where it is missing.
fn rust_tests(workspace: &Workspace, filter: Option<&str>, may_be_none: bool) -> Result<()> {
    // The licences are those of every crate in the lock file, also of the ones that only other platforms build.
    run(workspace.cargo().args(["fetch", "--locked"]))?;
    let mut command = workspace.cargo();
    if find_program(&["cargo-nextest"]).is_some() {
        command.args(["nextest", "run", "--workspace"]);
        command.args(may_be_none.then_some("--no-tests=pass"));
    } else {
        println!("cargo-nextest is missing (cargo install cargo-nextest --locked); using cargo's test runner.");
        command.args(["test", "--workspace", "--all-targets"]);
    }
    run(command.args(filter))
}

/// nextest leaves these out.
fn documentation_tests(workspace: &Workspace) -> Result<()> {
    run(workspace.cargo().args(["test", "--workspace", "--doc"]))
}

/// Playwright with Chromium, to run tests of the built page.
///
/// # Errors
/// If Node, npm or Chromium is missing and cannot be fetched.
pub fn playwright(workspace: &Workspace) -> Result<Command> {
    let folder = workspace.browser_tests();
    page::install(&folder)?;
    let mut command = page::node_program("npx", &folder)?;
    command.args(["playwright", "test"]);
    browsers::give_chromium(&mut command, &folder)?;
    Ok(command)
}

/// Gives what was left out: a machine without Firefox, and without its package, tests the page in Chromium alone.
fn browser_tests(workspace: &Workspace, filter: Option<&str>) -> Result<Vec<&'static str>> {
    let mut command = playwright(workspace)?;
    let has_firefox = browsers::give_firefox(&mut command)?;
    if !has_firefox {
        println!("The page is not tested in Firefox. Install it, or set NUDGE_FIREFOX to its program.");
    }
    if let Some(filter) = filter {
        command.args(["--pass-with-no-tests", "--grep", filter]);
    }
    run(&mut command)?;
    Ok(if has_firefox { vec![] } else { vec!["Firefox"] })
}

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Passed,
    /// Nothing failed, but this was not looked at.
    Incomplete(Vec<&'static str>),
    Failed,
    Skipped,
}

/// What has run so far.
#[derive(Default)]
struct Report {
    checks: Vec<(&'static str, Outcome, Duration)>,
}

impl Report {
    /// Runs a check, prints its error if it has one, and says whether it passed.
    fn check(&mut self, name: &'static str, check: impl FnOnce() -> Result<()>) -> bool {
        self.check_as_far_as_possible(name, || check().map(|()| vec![]))
    }

    /// The same of a check that tells what it left out.
    fn check_as_far_as_possible(
        &mut self,
        name: &'static str,
        check: impl FnOnce() -> Result<Vec<&'static str>>,
    ) -> bool {
        println!("\n== {name}");
        let started = Instant::now();
        let outcome = match check() {
            Ok(missing) if missing.is_empty() => Outcome::Passed,
            Ok(missing) => Outcome::Incomplete(missing),
            Err(error) => {
                eprintln!("{name}: {error:#}");
                Outcome::Failed
            }
        };
        let has_passed = outcome != Outcome::Failed;
        self.checks.push((name, outcome, started.elapsed()));
        has_passed
    }

    fn skip(&mut self, name: &'static str) {
        self.checks.push((name, Outcome::Skipped, Duration::ZERO));
    }

    fn table(&self) -> String {
        let width = self.checks.iter().map(|(name, ..)| name.len()).max().unwrap_or_default();
        let mut table = String::new();
        for (name, outcome, time) in &self.checks {
            let word = match outcome {
                Outcome::Passed => "passed",
                Outcome::Incomplete(_) => "partly",
                Outcome::Failed => "FAILED",
                Outcome::Skipped => "skipped",
            };
            let missing = match outcome {
                Outcome::Incomplete(missing) => format!("  left out: {}", missing.join(", ")),
                _ => String::new(),
            };
            table += &format!("{name:width$}  {word:7}  {:7.1} s{missing}\n", time.as_secs_f64());
        }
        table
    }

    fn finish(self) -> Result<()> {
        println!("\n{}", self.table());
        let failed: Vec<&str> =
            self.checks.iter().filter(|(_, outcome, _)| *outcome == Outcome::Failed).map(|(name, ..)| *name).collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join(", "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_the_run_after_the_rest_has_run() {
        let mut report = Report::default();
        assert!(!report.check("first", || bail!("broken")));
        assert!(report.check("second", || Ok(())));
        report.skip("third");
        assert!(report.check_as_far_as_possible("fourth", || Ok(vec!["advisories on crates"])));
        let outcomes: Vec<_> = report.checks.iter().map(|(_, outcome, _)| outcome.clone()).collect();
        let incomplete = Outcome::Incomplete(vec!["advisories on crates"]);
        assert_eq!(outcomes, [Outcome::Failed, Outcome::Passed, Outcome::Skipped, incomplete]);
        let table = report.table();
        assert!(table.lines().nth(3).is_some_and(|line| line.ends_with("left out: advisories on crates")), "{table}");
        assert!(report.table().starts_with("first   FAILED "), "{}", report.table());
        assert_eq!(report.finish().expect_err("first failed").to_string(), "failed: first");
    }
}
