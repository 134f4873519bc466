//! Python environments of pinned packages, below the target folder.
//!
//! One for each folder of scripts: their pins may part.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{find_program, run};
use crate::workspace::Workspace;

/// Installs the packages of `scripts/requirements.txt` into the environment `name`; gives its Python.
pub fn environment(workspace: &Workspace, name: &str, scripts: &Path) -> Result<PathBuf> {
    let environment = workspace.target.join(name);
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.is_file() {
        let system = find_program(&["python3", "python"]).context("Python is missing; it must be 3.10 or newer")?;
        run(Command::new(system).args(["-m", "venv"]).arg(&environment))?;
    }
    let requirements = scripts.join("requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))?;
    Ok(python)
}
