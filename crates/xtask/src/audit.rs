//! Known faults in what the builds take from registries, where the tools and the network are there: `cargo deny` for
//! crates, `npm audit` for the page and its tests. What cannot be asked is no failure, and no success either: the summary
//! of all checks names it.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::page::node_program;
use crate::process::{find_program, run};
use crate::workspace::Workspace;

/// Levels that are a failure.
const GRAVE: [&str; 2] = ["high", "critical"];

/// Asks both; gives what was not looked up.
///
/// # Errors
/// When something that is built in has a known grave fault, or a licence or source that `deny.toml` does not allow.
pub fn audit(workspace: &Workspace) -> Result<Vec<&'static str>> {
    let looked_up = [("advisories on crates", crates(workspace)?), ("advisories on packages", packages(workspace)?)];
    Ok(looked_up.into_iter().filter(|(_, looked_up)| !looked_up).map(|(what, _)| what).collect())
}

/// Licences and sources are also tests of the workspace; advisories need the tool. Says whether it was asked.
fn crates(workspace: &Workspace) -> Result<bool> {
    if find_program(&["cargo-deny"]).is_none() {
        println!("cargo-deny is missing (cargo install cargo-deny --locked); advisories on crates are not looked up.");
        return Ok(false);
    }
    run(workspace.cargo().args(["deny", "--offline", "check", "--hide-inclusion-graph"]))?;
    Ok(true)
}

/// What a visitor gets: the dependencies of the page, without those that build it. Says whether npm could ask.
fn packages(workspace: &Workspace) -> Result<bool> {
    let mut command = node_program("npm", &workspace.www())?;
    let output = command.args(["audit", "--json", "--omit=dev"]).output().context("cannot start npm")?;
    let Some(count) = grave(&output.stdout) else {
        println!("npm's registry cannot be asked; advisories on packages are not looked up.");
        return Ok(false);
    };
    ensure!(count == 0, "{count} packages of the page have grave known faults; see `npm audit`");
    Ok(true)
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
