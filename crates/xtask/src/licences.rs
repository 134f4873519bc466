//! The licences of what the page is built from, beside it: `licences.txt`, to which its *About* leads.

use std::fs;
#[cfg(test)]
use std::path::Path;

use anyhow::{Context, Result};
use nudge_notices::Notices;

use crate::workspace::Workspace;

/// npm's packages whose code reaches the reader.
const NPM: [&str; 3] = ["svelte", "uplot", "fflate"];

/// Writes them into the built page.
pub fn put(workspace: &Workspace) -> Result<()> {
    let file = workspace.dist().join("licences.txt");
    let text = of_page(workspace)?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn of_page(workspace: &Workspace) -> Result<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut notices = Notices::of_crate(&cargo, &workspace.root.join("web"), "wasm32-unknown-unknown")?;
    notices.add_npm(&workspace.www().join("node_modules"), &NPM)?;
    Ok(notices.to_text())
}

/// Packages that a page of these sources may contain: what its `package.json` asks for, and Svelte, whose runtime is
/// compiled in.
#[cfg(test)]
fn asked_for(www: &Path) -> Vec<String> {
    let text = fs::read_to_string(www.join("package.json")).expect("package.json");
    let package: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let dependencies = package["dependencies"].as_object().expect("dependencies");
    dependencies.keys().cloned().chain(["svelte".into()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_of_npm_that_reaches_the_reader_is_named() {
        let www = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../www");
        let mut asked = asked_for(&www);
        asked.sort();
        let mut named = NPM.map(String::from).to_vec();
        named.sort();
        assert_eq!(named, asked);
    }
}
