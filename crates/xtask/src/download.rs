//! What a visitor downloads: a table of sizes after the build, and the budget that the WebAssembly must keep.
//!
//! Deliberately absent: a budget for the model. Its size is chosen where it is trained.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::compress::{Encoding, compress_folder, originals};
use crate::workspace::Workspace;

/// The most that the module may take in brotli, in bytes.
const WASM_BUDGET: u64 = 3_500_000;

/// Files smaller than this share one line of the table.
const LISTED: u64 = 20_000;

/// Writes the compressed copies of the built page and prints what the page weighs.
pub fn compress(workspace: &Workspace) -> Result<()> {
    println!("Compressing {}.", workspace.dist().display());
    compress_folder(&workspace.dist(), &workspace.target.join("compressed"))?;
    println!("\n{}", table(&sizes(&workspace.dist())?));
    Ok(())
}

/// Fails when the module has outgrown its budget.
pub fn check(workspace: &Workspace) -> Result<()> {
    compress(workspace)?;
    within(&sizes(&workspace.dist())?, WASM_BUDGET)
}

fn within(sizes: &[Size], budget: u64) -> Result<()> {
    let modules = || sizes.iter().filter(|size| size.name.ends_with(".wasm"));
    ensure!(modules().count() > 0, "the page has no WebAssembly");
    // A visitor downloads one of them (`unfused.rs`).
    let bytes = modules().map(Size::brotli).max().unwrap_or_default();
    ensure!(
        bytes <= budget,
        "the WebAssembly takes {} MB in brotli, more than its budget of {} MB. A new dependency or a new feature of one \
         may have brought code that the page does not call.",
        megabytes(bytes),
        megabytes(budget)
    );
    Ok(())
}

/// A file of the page and its copies.
struct Size {
    name: String,
    raw: u64,
    gzip: Option<u64>,
    brotli: Option<u64>,
}

impl Size {
    /// What is sent to a browser that takes brotli.
    fn brotli(&self) -> u64 {
        self.brotli.unwrap_or(self.raw)
    }

    fn gzip(&self) -> u64 {
        self.gzip.unwrap_or(self.raw)
    }
}

fn sizes(dist: &Path) -> Result<Vec<Size>> {
    let length = |path: &Path| fs::metadata(path).map(|metadata| metadata.len());
    let mut sizes = Vec::new();
    for file in originals(dist)? {
        sizes.push(Size {
            name: file.strip_prefix(dist)?.display().to_string(),
            raw: length(&file).with_context(|| format!("cannot read {}", file.display()))?,
            gzip: length(&Encoding::Gzip.copy_of(&file)).ok(),
            brotli: length(&Encoding::Brotli.copy_of(&file)).ok(),
        });
    }
    sizes.sort_by_key(|size| std::cmp::Reverse(size.raw));
    Ok(sizes)
}

/// Sizes in MB, large files by name.
fn table(sizes: &[Size]) -> String {
    let (large, small): (Vec<&Size>, Vec<&Size>) = sizes.iter().partition(|size| size.raw >= LISTED);
    let rest = Size {
        name: format!("{} smaller files", small.len()),
        raw: small.iter().map(|size| size.raw).sum(),
        gzip: Some(small.iter().map(|size| size.gzip()).sum()),
        brotli: Some(small.iter().map(|size| size.brotli()).sum()),
    };
    let rows: Vec<&Size> = large.into_iter().chain([&rest]).collect();
    let width = rows.iter().map(|size| size.name.len()).max().unwrap_or_default();
    let mut table = format!("{:width$}  {:>8}  {:>8}  {:>8}\n", "MB", "raw", "gzip", "brotli");
    for size in rows {
        let columns = [size.raw, size.gzip(), size.brotli()].map(megabytes);
        table += &format!("{:width$}  {:>8}  {:>8}  {:>8}\n", size.name, columns[0], columns[1], columns[2]);
    }
    table
}

fn megabytes(bytes: u64) -> String {
    format!("{:.3}", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(name: &str, raw: u64, brotli: Option<u64>) -> Size {
        Size { name: name.to_owned(), raw, gzip: None, brotli }
    }

    #[test]
    fn the_budget_counts_what_is_sent() {
        let module = size("assets/nudge.wasm", 9_000_000, Some(2_000_000));
        let model = size("model/base/model.safetensors", 4_000_000, None);
        let page = [module, model];
        assert!(within(&page, 2_000_000).is_ok());
        let error = within(&page, 1_999_999).expect_err("one byte too much").to_string();
        assert!(error.starts_with("the WebAssembly takes 2.000 MB in brotli"), "{error}");
        assert!(within(&page[1..], 2_000_000).is_err());
    }

    #[test]
    fn the_table_names_large_files() {
        let table = table(&[size("nudge.wasm", 9_000_000, Some(2_000_000)), size("icon.svg", 500, None)]);
        let lines: Vec<_> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        assert_eq!(lines[0], ["MB", "raw", "gzip", "brotli"]);
        assert_eq!(lines[1], ["nudge.wasm", "9.000", "9.000", "2.000"]);
        assert_eq!(lines[2], ["1", "smaller", "files", "0.001", "0.001", "0.001"]);
    }
}
