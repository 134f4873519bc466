//! Known faults in what the builds take from registries, where the tools and the network are there: `cargo deny` for
//! crates, `npm audit` for the page and its tests. What cannot be asked is said and is no failure.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::page::node_program;
use crate::process::{find_program, run};
use crate::workspace::Workspace;

/// Levels that are a failure.
const GRAVE: [&str; 2] = ["high", "critical"];

/// Asks both.
///
/// # Errors
/// When something that is built in has a known grave fault, or a licence or source that `deny.toml` does not allow.
pub fn audit(workspace: &Workspace) -> Result<()> {
    crates(workspace)?;
    packages(workspace)
}

/// Licences and sources are also tests of the workspace; advisories need the tool.
fn crates(workspace: &Workspace) -> Result<()> {
    if find_program(&["cargo-deny"]).is_none() {
        println!("cargo-deny is missing (cargo install cargo-deny --locked); advisories on crates are not looked up.");
        return Ok(());
    }
    run(workspace.cargo().args(["deny", "--offline", "check", "--hide-inclusion-graph"]))
}

/// What a visitor gets: the dependencies of the page, without those that build it.
fn packages(workspace: &Workspace) -> Result<()> {
    let mut command = node_program("npm", &workspace.www())?;
    let output = command.args(["audit", "--json", "--omit=dev"]).output().context("cannot start npm")?;
    match grave(&output.stdout) {
        Some(count) => ensure!(count == 0, "{count} packages of the page have grave known faults; see `npm audit`"),
        None => println!("npm's registry cannot be asked; advisories on packages are not looked up."),
    }
    Ok(())
}

/// How many grave faults npm tells of; nothing where it could not ask.
fn grave(told: &[u8]) -> Option<u64> {
    let told: Value = serde_json::from_slice(told).ok()?;
    let counts = told["metadata"]["vulnerabilities"].as_object()?;
    Some(GRAVE.iter().filter_map(|level| counts.get(*level)?.as_u64()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_asked_is_no_number() {
        assert_eq!(grave(br#"{"metadata": {"vulnerabilities": {"low": 3, "high": 1, "critical": 2}}}"#), Some(3));
        assert_eq!(grave(br#"{"error": {"code": "ENOTFOUND"}}"#), None);
        assert_eq!(grave(b""), None);
    }
}
