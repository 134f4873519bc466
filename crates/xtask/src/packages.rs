//! What `cargo install nudge-cli` needs once the crates are published: each can be packaged, and every file that its
//! source includes lies in its own package.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::{output, run};
use crate::workspace::Workspace;

/// The largest package that crates.io takes.
const MAX_BYTES: u64 = 10 << 20;

/// A crate that is published.
struct Package {
    name: String,
    version: String,
    folder: PathBuf,
}

/// Packages the crates, without building them again, and looks for what their sources include.
///
/// # Errors
/// When a crate cannot be packaged or is too large, or an included file is not in its package.
pub fn check(workspace: &Workspace) -> Result<()> {
    let packages = published(workspace)?;
    let mut command = workspace.cargo();
    command.args(["package", "--no-verify", "--offline", "--allow-dirty"]);
    run(command.args(packages.iter().flat_map(|package| ["--package", &package.name])))?;
    let mut left_out = Vec::new();
    for package in &packages {
        let packed = workspace.target.join(format!("package/{}-{}.crate", package.name, package.version));
        let bytes = fs::metadata(&packed).with_context(|| packed.display().to_string())?.len();
        ensure!(bytes <= MAX_BYTES, "{} takes {bytes} bytes as a package, of {MAX_BYTES}", package.name);
        let files = packed_files(workspace, package)?;
        for source in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
            let text = fs::read_to_string(package.folder.join(source))?;
            let missing = included(&text).into_iter().filter(|name| !is_packed(source, name, &files));
            left_out.extend(missing.map(|name| format!("{}/{}: {name}", package.name, source.display())));
        }
    }
    ensure!(left_out.is_empty(), "included, but not in the package:\n  {}", left_out.join("\n  "));
    Ok(())
}

/// The members of the workspace that may be published.
fn published(workspace: &Workspace) -> Result<Vec<Package>> {
    let metadata = output(workspace.cargo().args(["metadata", "--no-deps", "--offline", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let members = metadata["packages"].as_array().context("cargo names no packages")?;
    members.iter().filter(|member| member["publish"].is_null()).map(package).collect()
}

fn package(member: &Value) -> Result<Package> {
    let text = |key: &str| member[key].as_str().with_context(|| format!("a package without {key}"));
    for key in ["description", "license", "readme", "repository"] {
        ensure!(member[key].is_string(), "{} has no {key} in its Cargo.toml", text("name")?);
    }
    let folder = Path::new(text("manifest_path")?).parent().context("a manifest without a folder")?;
    Ok(Package { name: text("name")?.into(), version: text("version")?.into(), folder: folder.into() })
}

/// The files of a package, as paths below its crate's folder.
fn packed_files(workspace: &Workspace, package: &Package) -> Result<Vec<PathBuf>> {
    let words = ["package", "--list", "--offline", "--allow-dirty", "--package", &package.name];
    Ok(output(workspace.cargo().args(words))?.lines().map(PathBuf::from).collect())
}

/// What a source includes; of a name that is put together, how it starts. What stands below the mark of its tests is
/// compiled by nobody who installs.
fn included(source: &str) -> Vec<&str> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    source.split("include_").skip(1).filter_map(first_name).collect()
}

/// The text between the first quotes of `str!("...")` or `bytes!(concat!("...", ...))`.
fn first_name(rest: &str) -> Option<&str> {
    let (kind, argument) = rest.split_once("!(")?;
    let argument = argument.trim_start();
    let argument = argument.strip_prefix("concat!(").unwrap_or(argument).trim_start();
    let quoted = argument.strip_prefix('"').filter(|_| ["str", "bytes"].contains(&kind))?;
    quoted.split('"').next()
}

/// Whether a package holds the file that `source` names, or files that start so.
fn is_packed(source: &Path, name: &str, files: &[PathBuf]) -> bool {
    let beside = source.parent().unwrap_or(Path::new(""));
    plain(&beside.join(name)).is_some_and(|wanted| files.iter().any(|file| file.starts_with(&wanted)))
}

/// The path without `..`; nothing where it leaves the package. Links are not followed: cargo packages what they lead to.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => plain.pop().then_some(())?,
            part => plain.push(part),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_crate_is_in_no_package() {
        let source = "const A: &str = include_str!(\"../a.txt\");\n#![doc = include_str!(\"metrics.md\")]\n\
                      include_bytes!(concat!(\"../model/\", $file));\nconst B: &str = include_str!(\"../../b/b.txt\");\n\
                      #[cfg(test)]\nmod tests { const C: &str = include_str!(\"../../c.txt\"); }";
        assert_eq!(included(source), ["../a.txt", "metrics.md", "../model/", "../../b/b.txt"]);
        let files: Vec<PathBuf> = ["src/lib.rs", "a.txt", "model/config.json"].map(PathBuf::from).to_vec();
        let found = included(source).into_iter().map(|name| is_packed(Path::new("src/lib.rs"), name, &files));
        assert_eq!(found.collect::<Vec<_>>(), [true, false, true, false]);
    }
}
