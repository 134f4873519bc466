//! The same in a browser: the page beside TensorFlow.js and jax-js, each in a fresh tab of Chromium.

use anyhow::Result;

use super::Bench;
use crate::browsers;
use crate::page;
use crate::wasm;
use crate::workspace::Workspace;

/// Builds the page and runs the script that opens it and the peers' pages.
pub fn measure(workspace: &Workspace, repeats: u32, bench: &mut Bench) -> Result<()> {
    wasm::build(workspace, false)?;
    page::build(workspace, false)?;
    let folder = workspace.root.join("tests/bench/peers/browser");
    page::install(&folder)?;
    let mut command = page::node_program("node", &folder)?;
    command.args(["bench.mjs", "--repeats", &repeats.to_string(), "--dist"]).arg(workspace.dist());
    browsers::give_chromium(&mut command, &workspace.browser_tests())?;
    bench.turn(&mut command);
    Ok(())
}
