//! The reference numbers: PyTorch, transformers and TRL in a Python environment of their own.
//!
//! Not part of the checks: the numbers are committed, and the packages take 6 GB.

use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{find_program, run};
use crate::workspace::Workspace;

/// Installs the pinned packages under the target folder and rewrites the JSON files of `topics`, or all.
pub fn reference(workspace: &Workspace, topics: &[String]) -> Result<()> {
    let scripts = workspace.root.join("tests/reference");
    let environment = workspace.target.join("reference-python");
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.is_file() {
        let system = find_program(&["python3", "python"]).context("Python is missing; it must be 3.10 or newer")?;
        run(Command::new(system).args(["-m", "venv"]).arg(&environment))?;
    }
    let requirements = scripts.join("requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))?;
    run(Command::new(&python).arg(scripts.join("make_reference.py")).args(topics))
}
