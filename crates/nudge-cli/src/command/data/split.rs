//! `nudge data split`: records of any kind in two files without a prompt in common.

use super::check_free;
use crate::args::Split;
use crate::disk::write_atomic;
use crate::files::read_text;
use crate::report::{self, times};
use anyhow::{Result, bail};
use nudge_data::split_lines;
use std::path::{Path, PathBuf};

/// Writes both files.
pub fn run(arguments: &Split) -> Result<()> {
    if !(0.0..=1.0).contains(&arguments.held_out) {
        bail!("--held-out {} is no share of the prompts; give a number from 0 to 1", arguments.held_out);
    }
    if arguments.train == arguments.test {
        bail!("--train and --test are both {}; give two files", arguments.train.display());
    }
    check_free(&arguments.train, arguments.force, &arguments.data)?;
    check_free(&arguments.test, arguments.force, &arguments.data)?;
    let records = records(&arguments.data)?;
    let split = split_lines("the records", &records, arguments.held_out, arguments.seed)?;
    if split.train_prompts + split.held_out_prompts < 2 && arguments.held_out > 0.0 {
        let prompts = times(split.train_prompts, "prompt", "prompts");
        let records = times(split.train_records + split.held_out_records, "record", "records");
        bail!("there is only {prompts} in {records}; a split needs two or more");
    }
    write_atomic(&arguments.test, split.held_out.as_bytes())?;
    write_atomic(&arguments.train, split.train.as_bytes())?;
    let side = |records: usize, prompts: usize| serde_json::json!({ "records": records, "prompts": prompts });
    let summary = serde_json::json!({
        "command": "data split",
        "train": side(split.train_records, split.train_prompts),
        "test": side(split.held_out_records, split.held_out_prompts),
    });
    report::result(arguments.json, &summary, || {
        let line = |name: &str, records, prompts, path: &Path| {
            let (records, prompts) = (times(records, "record", "records"), times(prompts, "prompt", "prompts"));
            format!("{name}: {records} of {prompts} -> {}", path.display())
        };
        [
            line("train", split.train_records, split.train_prompts, &arguments.train),
            line("test", split.held_out_records, split.held_out_prompts, &arguments.test),
        ]
        .join("\n")
    })
}

/// The lines of all files; each file is checked by itself, so that a message names it.
fn records(paths: &[PathBuf]) -> Result<String> {
    let lines = |path: &PathBuf| Ok(split_lines(&path.display().to_string(), &read_text(path)?, 0.0, 0)?.train);
    paths.iter().map(lines).collect()
}
