//! `nudge bench`: how fast this device trains, samples and tunes models of named shapes.
//!
//! The measuring is the session's ([`nudge_session::bench`]); this file adds what only a native process can tell,
//! its memory, and prints.

use crate::args::Bench;
use crate::device;
use crate::failure::tell;
use crate::memory;
use crate::report;
use anyhow::Result;
use futures_lite::future::block_on;
use nudge_session::bench::{self, BenchOptions, Ceilings, Measurement, Meter};

/// Measures the phases at every size, a row each.
pub fn run(arguments: &Bench) -> Result<()> {
    let opened = device::open(arguments.common.device)?;
    tell(&format!("device: {}", opened.name));
    let ceilings = block_on(Ceilings::measure(&opened.device, false))?;
    tell(&format!(
        "ceilings: {:.0} GFLOP/s in a product of matrices, {:.1} GB/s in a copy",
        ceilings.gflops, ceilings.gb_per_s
    ));
    let options = BenchOptions {
        phases: arguments.phase.clone(),
        repeats: arguments.repeats,
        warm_up: arguments.warm_up,
        prompts: bench::size::PROMPTS,
        seed: arguments.seed,
    };
    let mut meter = ProcessMeter { on_host: opened.name == "cpu" };
    if !arguments.common.json {
        report::line(HEADER)?;
    }
    for size in &arguments.size {
        let tell = |row: Measurement| report::result(arguments.common.json, &row, || line(&row));
        block_on(bench::run(*size, &options, (opened.name, &opened.device), &ceilings, &mut meter, tell))?;
    }
    Ok(())
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

const HEADER: &str = "size     phase           ms a step  (low to high)       first  tokens/s   GFLOP/s  of   GB/s  of  \
                      launches  readbacks  peak MiB";

fn line(row: &Measurement) -> String {
    let share = |part: f64, whole: f64| format!("{:.0}%", 100.0 * part / whole);
    format!(
        "{:8} {:11} {:10.1}  ({:.1} to {:.1})  {:8.1}  {:8.0}  {:8.1} {:>4} {:5.1} {:>4}  {:>7}  {:9}  {:>8}",
        row.size,
        row.phase,
        row.ms,
        row.ms_low,
        row.ms_high,
        row.first_ms,
        row.tokens_per_s,
        row.gflops,
        share(row.gflops, row.gflops_ceiling),
        row.gb_per_s,
        share(row.gb_per_s, row.gb_per_s_ceiling),
        row.launches.map_or("?".into(), |launches| launches.to_string()),
        row.readbacks,
        row.peak_bytes.map_or("?".into(), |bytes| (bytes >> 20).to_string()),
    )
}
