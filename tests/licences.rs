//! Every crate that is built in comes under a licence that `deny.toml` allows, and from the registry.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

/// Crates that name a file in the place of a licence, read by hand: what it is.
const READ: [(&str, &str); 1] = [("cfg_block", "Apache-2.0")];

fn packages() -> Vec<Value> {
    let found = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .expect("cargo runs");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let metadata: Value = serde_json::from_slice(&found.stdout).expect("cargo prints JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn allowed() -> Vec<String> {
    let text = include_str!("../deny.toml");
    let deny: toml::Table = toml::from_str(text).expect("deny.toml is TOML");
    let allowed = deny["licenses"]["allow"].as_array().expect("a list");
    allowed.iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
}

#[test]
fn every_licence_is_allowed() {
    let allowed = allowed();
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        let read = READ.iter().find(|(read, _)| *read == name).map(|(_, licence)| *licence);
        let licence = package["license"].as_str().or(read).unwrap_or_else(|| panic!("{name} names no licence"));
        let expression = Expression::parse_mode(licence, ParseMode::LAX);
        let expression = expression.unwrap_or_else(|error| panic!("{name}: {licence}: {error}"));
        let fine = expression.evaluate(|asked| allowed.contains(&asked.to_string()));
        assert!(fine, "{name} comes under {licence}, which deny.toml does not allow");
    }
}

#[test]
fn every_crate_comes_from_the_registry_or_from_here() {
    for package in packages() {
        let source = package["source"].as_str();
        let known = source.is_none_or(|source| source.starts_with("registry+https://github.com/rust-lang/crates.io"));
        assert!(known, "{} comes from {source:?}", package["name"]);
    }
}
