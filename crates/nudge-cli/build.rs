//! Tells the program which commit and features it is built from, and the licences of what it is built from.

use nudge_notices::{Notices, NoticesError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const FEATURES: [&str; 3] = ["parquet", "wgpu", "cuda"];

fn main() {
    let on = |feature: &&str| env::var_os(format!("CARGO_FEATURE_{}", feature.to_uppercase())).is_some();
    let features: Vec<&str> =
        std::iter::once("cpu").chain(FEATURES.into_iter().filter(|feature| on(feature))).collect();
    println!("cargo::rustc-env=NUDGE_FEATURES={}", features.join(" "));
    println!("cargo::rustc-env=NUDGE_COMMIT={}", commit().unwrap_or("unknown".into()));
    // A new commit moves this log.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let notices = PathBuf::from(variable("OUT_DIR")).join("licences.txt");
    // Somebody without a network still gets their program.
    let text = licences().unwrap_or_else(|error| {
        let error = format!("the licences of what nudge is built from are not in it: {error}");
        println!("cargo::warning={}", error.replace('\n', " "));
        error
    });
    fs::write(&notices, text).unwrap_or_else(|error| panic!("{}: {error}", notices.display()));
}

/// The licences of all crates that this one is built from; they change with the lock file.
fn licences() -> Result<String, NoticesError> {
    let folder = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    for lock in folder.ancestors().map(|folder| folder.join("Cargo.lock")).filter(|lock| lock.is_file()) {
        println!("cargo::rerun-if-changed={}", lock.display());
    }
    Ok(Notices::of_crate(&variable("CARGO"), Path::new(&folder), &variable("TARGET"))?.to_text())
}

/// What cargo tells a build script.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("cargo sets {name}: {error}"))
}

/// A package from a registry says its commit in a file of cargo's; it may lie inside somebody else's repository.
fn commit() -> Option<String> {
    let Ok(published) = fs::read_to_string(".cargo_vcs_info.json") else {
        return git(&["rev-parse", "--short=12", "HEAD"]);
    };
    let (_, rest) = published.split_once("\"sha1\": \"")?;
    rest.get(..12).map(Into::into)
}

fn git(words: &[&str]) -> Option<String> {
    let output = Command::new("git").args(words).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_string())
}
