//! Who may import whom, and what a library never contains: the invariants of the code map, held by force.
//!
//! What a lint can see is left to clippy (`clippy.toml` in every library). This file reads manifests and sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Every crate with the crates of ours that it may depend on, its tests included. Roots first.
const LAYERS: [(&str, &[&str]); 9] = [
    ("nudge-notices", &[]),
    ("nudge-kernels", &[]),
    ("nudge-data", &[]),
    ("nudge-rlhf", &[]),
    ("nudge-model", &["nudge-kernels"]),
    ("nudge-session", &["nudge-data", "nudge-kernels", "nudge-model", "nudge-rlhf"]),
    ("nudge-cli", &["nudge-data", "nudge-model", "nudge-notices", "nudge-rlhf", "nudge-session"]),
    ("nudge-web", &["nudge-data", "nudge-model", "nudge-rlhf", "nudge-session"]),
    ("xtask", &["nudge-notices"]),
];

/// The folders of the crates that the shells are built on.
const LIBRARIES: [&str; 5] = ["nudge-kernels", "nudge-data", "nudge-rlhf", "nudge-model", "nudge-session"];

/// Crates that belong to a shell, to a platform or to a backend.
const SHELL_CRATES: [&str; 11] = [
    "anyhow",
    "clap",
    "cubecl",
    "indicatif",
    "tokio",
    "tracing-subscriber",
    "wgpu",
    "js-sys",
    "serde-wasm-bindgen",
    "wasm-bindgen",
    "web-sys",
];

/// Features of burn that pull in a GPU stack.
const GPU_FEATURES: [&str; 8] = ["autotune", "cuda", "fusion", "metal", "rocm", "vulkan", "webgpu", "wgpu"];

/// Ways to name a backend. A library is handed a `Device`.
const BACKENDS: [&str; 10] = [
    "Device::cpu(",
    "Device::cuda(",
    "Device::default(",
    "Device::flex(",
    "Device::metal(",
    "Device::ndarray(",
    "Device::rocm(",
    "Device::vulkan(",
    "Device::webgpu(",
    "Device::wgpu",
];

/// Longer than this a file tells more than one story.
const MAX_LINES: usize = 400;

#[test]
fn crates_depend_only_on_the_layers_below() {
    let allowed: BTreeMap<_, _> = LAYERS.into_iter().collect();
    for package in packages() {
        let name = text(&package, "name");
        if name == "nudge-tests" {
            continue;
        }
        let allowed = allowed.get(name).unwrap_or_else(|| panic!("{name} has no place in LAYERS"));
        for dependency in dependencies(&package) {
            let dependency = text(dependency, "name");
            let ours = dependency.starts_with("nudge-") || dependency == "xtask";
            assert!(!ours || allowed.contains(&dependency), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn libraries_depend_on_no_shell_platform_or_backend() {
    for package in libraries() {
        let name = text(&package, "name");
        for dependency in dependencies(&package).filter(|dependency| dependency["kind"] != "dev") {
            let other = text(dependency, "name");
            assert!(!SHELL_CRATES.contains(&other), "{name} must not depend on {other}");
            for feature in dependency["features"].as_array().expect("a list of features") {
                let feature = feature.as_str().expect("a feature is a string");
                assert!(
                    other != "burn" || !GPU_FEATURES.contains(&feature),
                    "{name} must not choose burn's feature {feature}: the shells choose a backend"
                );
            }
        }
    }
}

#[test]
fn data_never_reaches_burn() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let lock: toml::Table = lock.parse().expect("Cargo.lock is TOML");
    let packages = lock["package"].as_array().expect("a list of packages");
    let mut reached = BTreeSet::new();
    let mut open = vec!["nudge-data"];
    while let Some(name) = open.pop() {
        if !reached.insert(name) {
            continue;
        }
        for package in packages.iter().filter(|package| package["name"].as_str() == Some(name)) {
            let dependencies = package.get("dependencies").and_then(toml::Value::as_array);
            // "name", or "name version" where the lock file holds several versions.
            let names = dependencies.into_iter().flatten().filter_map(|entry| entry.as_str()?.split(' ').next());
            open.extend(names);
        }
    }
    assert!(reached.contains("tokenizers"), "the walk through Cargo.lock found no dependency");
    for name in reached {
        let tensors = ["burn", "cubecl", "wgpu"].iter().any(|prefix| name.starts_with(prefix));
        assert!(!tensors, "nudge-data reaches {name}");
    }
}

#[test]
fn libraries_name_no_backend() {
    for file in LIBRARIES.iter().flat_map(|name| rust_files(&root().join("crates").join(name).join("src"))) {
        for (number, line) in shipped_lines(&file) {
            for backend in BACKENDS {
                assert!(
                    !line.contains(backend),
                    "{}:{number}: a library names a backend ({backend}..)",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn files_are_short() {
    let folders = ["crates", "web", "tests"].map(|folder| root().join(folder));
    let long: Vec<_> = folders
        .iter()
        .flat_map(|folder| rust_files(folder))
        .map(|file| (shipped_lines(&file).len(), file))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, file)| format!("{} has {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "more than {MAX_LINES} lines of code before the tests:\n{}", long.join("\n"));
}

#[test]
fn libraries_share_their_lints() {
    let folders = LIBRARIES.map(|name| root().join("crates").join(name));
    let read = |folder: &Path| fs::read_to_string(folder.join("clippy.toml")).expect("a clippy.toml");
    let first = read(&folders[0]);
    assert!(first.contains("burn_tensor::Tensor::into_data\""), "the lints do not ban blocking reads");
    for folder in folders.iter().chain([&root().join("web")]) {
        assert_eq!(read(folder), first, "{} differs from the others", folder.join("clippy.toml").display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

/// Libraries that take compiled modules apart and put them together again.
const MODULE_EDITORS: [&str; 6] = ["parity-wasm", "walrus", "wasm-encoder", "wasm-metadata", "wasm-opt", "wasmparser"];

/// What may use them: `xtask` makes the module for browsers without relaxed SIMD of the other one and validates it, and
/// the browser tests train with both.
const MAKES_THE_SECOND_MODULE: (&str, [&str; 2]) = ("xtask", ["walrus", "wasmparser"]);

#[test]
fn a_compiled_module_is_shipped_as_it_was_tested() {
    for package in packages() {
        for dependency in dependencies(&package) {
            let (name, editor) = (text(&package, "name"), text(dependency, "name"));
            if name == MAKES_THE_SECOND_MODULE.0 && MAKES_THE_SECOND_MODULE.1.contains(&editor) {
                continue;
            }
            assert!(
                !MODULE_EDITORS.contains(&editor),
                "{name} must not depend on {editor}: what a page does not need is left out by features, before it is compiled"
            );
        }
    }
}

/// The manifests of the workspace's crates, as cargo understands them.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    metadata["packages"].as_array().expect("a list of packages").clone()
}

fn libraries() -> Vec<Value> {
    let libraries: Vec<_> =
        packages().into_iter().filter(|package| LIBRARIES.contains(&text(package, "name"))).collect();
    assert_eq!(libraries.len(), LIBRARIES.len(), "a library of LIBRARIES is not in the workspace");
    libraries
}

fn dependencies(package: &Value) -> impl Iterator<Item = &Value> {
    package["dependencies"].as_array().expect("a list of dependencies").iter()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// All Rust files below a folder, without build output and npm's packages.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            let skipped = ["target", "node_modules"].iter().any(|name| path.ends_with(name));
            files.extend(if skipped { Vec::new() } else { rust_files(&path) });
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The numbered lines of a file without its tests and comments. A file of tests has none.
fn shipped_lines(file: &Path) -> Vec<(usize, String)> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if name == "tests" || name.ends_with("_tests") {
        return Vec::new();
    }
    let source = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut lines = source.lines().enumerate();
    let mut shipped = Vec::new();
    while let Some((index, line)) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            // `mod tests;` is one line, `mod tests {` is the rest of the file.
            let tests = lines.by_ref().map(|(_, line)| line).find(|line| !line.starts_with("#["));
            if tests.is_some_and(|line| line.ends_with('{')) {
                break;
            }
        } else if !line.trim_start().starts_with("//") {
            shipped.push((index + 1, line.to_owned()));
        }
    }
    shipped
}
