//! `nudge report`: training runs side by side, for a browser or for the tools that somebody has.
//!
//! 1. Read the runs, each as it lies on the disk ([`run`]); refuse what does not belong together.
//! 2. Put those together that differ in their seed alone ([`group`]).
//! 3. Draw what they logged and where they went ([`pictures`]); say what differs ([`tables`]).
//! 4. Write it: a page, pictures, a table, or event files.

mod event_files;
mod group;
mod numbers;
mod page;
mod pictures;
mod run;
mod tables;
#[cfg(test)]
mod test_runs;

use crate::args::{ReportFormat, SideBySide};
use crate::disk::{write_atomic, write_folder};
use crate::report;
use crate::svg;
use anyhow::{Result, bail};
use group::Group;
use run::Run;
use serde::Serialize;
use std::path::Path;

/// What was written.
#[derive(Serialize)]
struct Summary {
    out: String,
    /// Curves that are one: runs that differ in their seed alone.
    groups: Vec<Together>,
    /// Pictures on the page or in the folder.
    pictures: Vec<String>,
}

#[derive(Serialize)]
struct Together {
    name: String,
    runs: Vec<String>,
}

/// Writes `--out`.
pub fn run(arguments: &SideBySide) -> Result<()> {
    let out = arguments.out.as_path();
    if out.exists() {
        bail!("{} exists already; give another --out, or move it away", out.display());
    }
    // 1. to 3.
    let runs = run::all(&arguments.runs)?;
    let groups = group::of(&runs)?;
    let pictures = pictures::of(&groups);
    // 4.
    match arguments.format {
        ReportFormat::Html => write_atomic(out, page::of(&groups, &pictures).html().as_bytes())?,
        ReportFormat::Svg => write_pictures(out, &pictures)?,
        ReportFormat::Csv => write_atomic(out, numbers::table(&groups)?.as_bytes())?,
        ReportFormat::Tensorboard => event_files::write(out, &groups)?,
    }
    let summary = Summary {
        out: out.display().to_string(),
        groups: groups.iter().map(together).collect(),
        pictures: pictures.into_iter().map(|picture| picture.name).collect(),
    };
    report::result(arguments.json, &summary, || {
        let runs = report::times(runs.len(), "run", "runs");
        format!(
            "report: {}, {runs}, {}",
            summary.out,
            report::times(groups.len(), "curve a picture", "curves a picture")
        )
    })
}

fn together(group: &Group) -> Together {
    Together { name: group.name(), runs: group.runs.iter().map(|run| run.name.clone()).collect() }
}

/// A file a picture, under its name without what a file's name cannot have.
fn write_pictures(out: &Path, pictures: &[svg::Chart]) -> Result<()> {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    let file = |chart: &svg::Chart| {
        let name: String = chart.name.chars().map(plain).collect();
        (format!("{name}.svg"), svg::file(chart).into_bytes().into())
    };
    write_folder(out, &pictures.iter().map(file).collect())
}
