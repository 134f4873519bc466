//! `nudge bench`: how fast this device trains, samples and tunes models of named shapes.
//!
//! The measuring is the session's ([`nudge_session::bench`]); this file adds what only a native process can tell,
//! its memory, and prints.

use crate::args::Bench;
use crate::device;
use crate::failure::tell;
use crate::memory;
use crate::picture::Page;
use crate::report;
use crate::table::Table;
use anyhow::{Result, bail};
use futures_lite::future::block_on;
use nudge_session::bench::{self, BenchOptions, Ceilings, Measurement, Meter};
use std::path::Path;

/// Measures the phases at every size, a row each.
pub fn run(arguments: &Bench) -> Result<()> {
    let opened = device::open(arguments.common.device)?;
    tell(&format!("device: {}", opened.name));
    let ceilings = block_on(Ceilings::measure(&opened.device, false))?;
    let reached = format!(
        "ceilings: {:.0} GFLOP/s in a product of matrices, {:.1} GB/s in a copy",
        ceilings.gflops, ceilings.gb_per_s
    );
    tell(&reached);
    let options = BenchOptions {
        phases: arguments.phase.clone(),
        repeats: arguments.repeats,
        warm_up: arguments.warm_up,
        prompts: bench::size::PROMPTS,
        seed: arguments.seed,
    };
    let mut meter = ProcessMeter { on_host: opened.name == "cpu" };
    let mut rows = Vec::new();
    for size in &arguments.size {
        let found = |row: Measurement| {
            match arguments.common.json {
                true => report::json(&row)?,
                false => tell(&format!("{} {}: {:.1} ms a step", row.size, row.phase, row.ms)),
            }
            rows.push(row);
            anyhow::Ok(())
        };
        block_on(bench::run(*size, &options, (opened.name, &opened.device), &ceilings, &mut meter, found))?;
    }
    if rows.is_empty() {
        bail!("nothing was measured: the size test is too small for the phase reward; choose another --size");
    }
    arguments.report.iter().try_for_each(|path| write(path, opened.name, &reached, &rows))?;
    match arguments.common.json {
        true => Ok(()),
        false => report::line(&format!("{}\n\n{}", speed(&rows).text(), use_of_device(&rows).text())),
    }
}

/// What a native process can count.
struct ProcessMeter {
    /// Whether tensors live in the process's own memory and nothing is launched.
    on_host: bool,
}

impl Meter for ProcessMeter {
    fn launches(&self) -> Option<u64> {
        self.on_host.then_some(0)
    }

    fn submits(&self) -> Option<u64> {
        self.on_host.then_some(0)
    }

    fn reset_peak(&mut self) {
        memory::reset_peak();
    }

    fn peak_bytes(&self) -> Option<u64> {
        memory::peak_bytes()
    }
}

/// How long a step takes.
fn speed(rows: &[Measurement]) -> Table {
    let mut table = Table::new(
        ["size", "phase", "ms a step", "low to high", "first", "tokens/s"],
        "ms a step: the median of the measured steps, low to high the fastest and the slowest; first: the very \
         first, with everything that a device does once.",
    );
    for row in rows {
        table.row([
            row.size.to_string(),
            row.phase.to_string(),
            format!("{:.1}", row.ms),
            format!("{:.1} to {:.1}", row.ms_low, row.ms_high),
            format!("{:.1}", row.first_ms),
            format!("{:.0}", row.tokens_per_s),
        ]);
    }
    table
}

/// What a step makes of the device.
fn use_of_device(rows: &[Measurement]) -> Table {
    let mut table = Table::new(
        ["size", "phase", "GFLOP/s", "of max", "GB/s", "of max", "launches", "readbacks", "MiB"],
        "of max: beside what this device reaches in one product of matrices (GFLOP/s) and in one copy of memory (GB/s); \
         more than 100 % of the latter means numbers that stay in caches; MiB: most memory that was taken.",
    );
    let share = |part: f64, whole: f64| format!("{:.0}%", 100.0 * part / whole);
    let count = |number: Option<u64>| number.map_or("?".into(), |number| number.to_string());
    for row in rows {
        table.row([
            row.size.to_string(),
            row.phase.to_string(),
            format!("{:.1}", row.gflops),
            share(row.gflops, row.gflops_ceiling),
            format!("{:.1}", row.gb_per_s),
            share(row.gb_per_s, row.gb_per_s_ceiling),
            count(row.launches),
            row.readbacks.to_string(),
            count(row.peak_bytes.map(|bytes| bytes >> 20)),
        ]);
    }
    table
}

/// Both tables, and the time of each phase as a bar.
fn write(path: &Path, device: &str, ceilings: &str, rows: &[Measurement]) -> Result<()> {
    let mut page = Page::new(&format!("How fast {device} is"));
    page.text(ceilings);
    page.table(&speed(rows));
    let bars: Vec<(String, f64)> = rows.iter().map(|row| (format!("{} {}", row.size, row.phase), row.ms)).collect();
    page.bars("milliseconds a step", &bars);
    page.table(&use_of_device(rows));
    page.write(path)
}
