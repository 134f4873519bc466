//! The licences of what a program or page was built from, as one text that travels with it.
//!
//! Most licences allow nearly everything, if their text goes along. [`Notices`] collects the texts that lie in the packages
//! themselves, each once with the packages that come under it; a package without one is named with its licence and where
//! it lies. Used when something is built: by the build script of the command line, and by the build of the page.
//!
//! Deliberately absent: whether a licence is allowed. `deny.toml` says that, and a test holds it.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::{fs, io};

/// How the names of files begin that hold a licence or must be handed on with it.
const FILES: [&str; 6] = ["license", "licence", "copying", "copyright", "notice", "unlicense"];

/// Why there are no notices.
#[derive(Debug, thiserror::Error)]
pub enum NoticesError {
    /// `cargo metadata` could not be run.
    #[error("cannot run cargo metadata: {0}")]
    Cargo(io::Error),
    /// It ended with a complaint.
    #[error("cargo metadata: {0}")]
    Metadata(String),
    /// What it printed is not what cargo documents.
    #[error("cargo metadata printed something else than its JSON")]
    Format,
    /// A folder of packages cannot be read.
    #[error("cannot read {0}: {1}")]
    Folder(String, io::Error),
}

/// Licences by text.
#[derive(Debug, Default)]
pub struct Notices {
    /// Packages under each text.
    texts: BTreeMap<String, BTreeSet<String>>,
    /// Packages that bring no text: name, licence and place.
    without: BTreeSet<String>,
}

impl Notices {
    /// Those of everything that the crate in `folder` is built from on `target`, itself and its build scripts left out.
    /// Crates of other members of its workspace that were never fetched are fetched for it.
    ///
    /// # Errors
    /// If cargo does not tell what they are.
    pub fn of_crate(cargo: &str, folder: &Path, target: &str) -> Result<Self, NoticesError> {
        let metadata =
            metadata(cargo, folder, target, &["--offline"]).or_else(|_| metadata(cargo, folder, target, &[]))?;
        let mut notices = Self::default();
        let used = built_from(&metadata, folder).ok_or(NoticesError::Format)?;
        for package in metadata["packages"].as_array().ok_or(NoticesError::Format)? {
            let text = |field: &str| package[field].as_str().unwrap_or("unknown");
            // Packages of this project have no source.
            if package["source"].is_string() && used.contains(text("id")) {
                let folder = Path::new(text("manifest_path")).parent().ok_or(NoticesError::Format)?;
                notices.add(
                    folder,
                    &format!("{} {}", text("name"), text("version")),
                    text("license"),
                    text("repository"),
                );
            }
        }
        Ok(notices)
    }

    /// Adds the npm packages of these names, installed in `node_modules`.
    ///
    /// # Errors
    /// If one is not installed.
    pub fn add_npm(&mut self, node_modules: &Path, names: &[&str]) -> Result<(), NoticesError> {
        for name in names {
            let folder = node_modules.join(name);
            let manifest = folder.join("package.json");
            let refused = |error| NoticesError::Folder(manifest.display().to_string(), error);
            let package: Value = serde_json::from_slice(&fs::read(&manifest).map_err(refused)?)
                .map_err(|error| refused(error.into()))?;
            let text = |field: &str| package[field].as_str().unwrap_or("unknown");
            self.add(&folder, &format!("{name} {}", text("version")), text("license"), text("homepage"));
        }
        Ok(())
    }

    /// Adds one package that lies in `folder`.
    fn add(&mut self, folder: &Path, name: &str, licence: &str, place: &str) {
        let texts = licence_texts(folder);
        if texts.is_empty() {
            self.without.insert(format!("{name}: {licence}, {place}"));
        }
        for text in texts {
            self.texts.entry(text).or_default().insert(name.into());
        }
    }

    /// All of it, to be read.
    pub fn to_text(&self) -> String {
        let line = "-".repeat(80);
        let under = |(text, packages): (&String, &BTreeSet<String>)| {
            format!("{}\n\n{text}\n\n{line}\n", packages.iter().cloned().collect::<Vec<_>>().join(", "))
        };
        let texts: String = self.texts.iter().map(under).collect();
        let without: String = self.without.iter().map(|package| format!("{package}\n")).collect();
        format!("{line}\n{texts}Packages that bring no text of their licence along:\n\n{without}")
    }
}

/// What cargo tells of a workspace.
fn metadata(cargo: &str, folder: &Path, target: &str, flags: &[&str]) -> Result<Value, NoticesError> {
    let words = ["metadata", "--format-version", "1", "--filter-platform", target];
    let output =
        Command::new(cargo).args(words).args(flags).current_dir(folder).output().map_err(NoticesError::Cargo)?;
    if !output.status.success() {
        return Err(NoticesError::Metadata(String::from_utf8_lossy(&output.stderr).trim().into()));
    }
    serde_json::from_slice(&output.stdout).map_err(|_| NoticesError::Format)
}

/// Texts of the files in `folder` that hold a licence.
fn licence_texts(folder: &Path) -> Vec<String> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let is_licence = |name: &str| FILES.iter().any(|beginning| name.to_lowercase().starts_with(beginning));
    let mut paths: Vec<_> = files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.is_file() && path.file_name().and_then(|name| name.to_str()).is_some_and(is_licence))
        .collect();
    paths.sort();
    let read = |path| Some(String::from_utf8_lossy(&fs::read(path).ok()?).replace("\r\n", "\n").trim().to_string());
    paths.iter().filter_map(read).collect()
}

/// Ids of the packages that the one in `folder` is built from, through dependencies that end up in it.
fn built_from(metadata: &Value, folder: &Path) -> Option<BTreeSet<String>> {
    let manifest = folder.join("Cargo.toml").canonicalize().ok()?;
    let is_root = |package: &&Value| package["manifest_path"].as_str().map(Path::new) == Some(&manifest);
    let root = metadata["packages"].as_array()?.iter().find(is_root)?["id"].as_str()?;
    let nodes = metadata["resolve"]["nodes"].as_array()?;
    let mut waiting = vec![root.to_string()];
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !found.insert(id.clone()) {
            continue;
        }
        let node = nodes.iter().find(|node| node["id"] == id.as_str())?;
        for dependency in node["deps"].as_array()? {
            // Kind null: neither for tests nor for building.
            if dependency["dep_kinds"].as_array()?.iter().any(|kind| kind["kind"].is_null()) {
                waiting.push(dependency["pkg"].as_str()?.into());
            }
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What this crate itself is built from, with this machine's cargo.
    fn own() -> Notices {
        Notices::of_crate(env!("CARGO"), Path::new(env!("CARGO_MANIFEST_DIR")), "x86_64-unknown-linux-gnu").unwrap()
    }

    #[test]
    fn every_package_stands_there_with_its_text_or_by_name() {
        let text = own().to_text();
        assert!(text.contains("serde_json 1.") && text.contains("Permission is hereby granted"), "{text}");
        assert!(!text.contains("nudge"), "what is ours comes under the licence beside the program");
        assert!(!text.contains("tempfile"), "what tests alone use is not built in");
    }

    #[test]
    fn one_text_of_many_packages_stands_there_once() {
        let notices = own();
        let apache = notices.texts.iter().filter(|(text, _)| text.contains("Apache License")).collect::<Vec<_>>();
        assert!(apache.iter().any(|(_, packages)| packages.len() > 1), "{apache:?}");
    }

    #[test]
    fn a_package_that_is_not_installed_is_named() {
        let error = own().add_npm(Path::new("nowhere"), &["left-pad"]).unwrap_err();
        assert!(error.to_string().contains("left-pad"), "{error}");
    }
}
