//! A real model beside the page: what `cargo xtask models` fetched, where the page finds it, and a list that names it.
//!
//! A page that is built without it offers none: its list is empty. Nothing of this is downloaded before a reader asks.

use std::fs;

use anyhow::{Context, Result};

use crate::models::{GGUF, place};
use crate::workspace::Workspace;

/// Below `model/` of the page.
const FILE: &str = "smollm2.gguf";
/// The list that the page reads, `[{file, name, bytes, sha256, about}]`.
const LIST: &str = "served.json";

/// Puts the model into the built page, if it was fetched, and says so.
pub fn put(workspace: &Workspace) -> Result<()> {
    let source = place()?.join(GGUF.name);
    let folder = workspace.dist().join("model");
    let Ok(metadata) = fs::metadata(&source) else {
        println!("The page offers its built-in model; `cargo xtask models` fetches a real assistant for it (98 MB).");
        return Ok(());
    };
    let target = folder.join(FILE);
    if target.exists() {
        fs::remove_file(&target)?;
    }
    // A link costs no room; another disk takes a copy.
    if fs::hard_link(&source, &target).is_err() {
        fs::copy(&source, &target).with_context(|| format!("cannot copy {}", source.display()))?;
    }
    let list = serde_json::json!([{
        "file": FILE,
        "name": "SmolLM2-135M-Instruct",
        "bytes": metadata.len(),
        "sha256": GGUF.sha256,
        "about": "135 M parameters, English, Apache-2.0.",
    }]);
    fs::write(folder.join(LIST), format!("{list}\n"))?;
    // Made by the compression of the empty list.
    for copy in crate::compress::Encoding::ALL.map(|encoding| encoding.copy_of(&folder.join(LIST))) {
        if copy.exists() {
            fs::remove_file(copy)?;
        }
    }
    println!("The page offers {} ({:.0} MB), at model/{FILE}.", GGUF.name, metadata.len() as f64 / 1e6);
    Ok(())
}
