//! The reference numbers: PyTorch, transformers and TRL in a Python environment of their own.
//!
//! Not part of the checks: the numbers are committed, and the packages take 6 GB.

use std::process::Command;

use anyhow::Result;

use crate::process::run;
use crate::python;
use crate::workspace::Workspace;

/// Installs the pinned packages under the target folder and rewrites the JSON files of `topics`, or all.
pub fn reference(workspace: &Workspace, topics: &[String]) -> Result<()> {
    let scripts = workspace.root.join("tests/reference");
    let python = python::environment(workspace, "reference-python", &scripts)?;
    run(Command::new(&python).arg(scripts.join("make_reference.py")).args(topics))
}
