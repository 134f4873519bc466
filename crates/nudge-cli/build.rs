//! Tells the program which commit and features it is built from.

use std::env;
use std::fs;
use std::process::Command;

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
