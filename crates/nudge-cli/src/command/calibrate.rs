//! `nudge calibrate`: how far a reward model can be trusted, measured on rankings.

use super::Workplace;
use crate::args::Calibrate;
use crate::input;
use crate::picture::Page;
use crate::report::{self, percent};
use crate::runner::{Listen, drive};
use crate::usage::given;
use crate::verdicts::{Verdicts, into_json};
use anyhow::{Context, Result};
use nudge_session::protocol::{AccuracySlice, Calibration};
use nudge_session::verdict::{Evidence, Next};
use nudge_session::{Command, Event};

/// Measures and prints the tables.
pub fn run(arguments: &Calibrate) -> Result<()> {
    let records = input::preferences(&arguments.comparisons, false, &arguments.reading)?;
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.reward)?;
    let command = Command::Calibrate { reward: arguments.reward.clone(), preferences: records.all };
    let run = workplace.session.start(command, None).map_err(|error| records.places.locate(error.into()))?;
    let mut found = None;
    let listen = |event: Event| {
        if let Event::Calibrated { calibration } = event {
            found = Some(calibration);
        }
        Ok(())
    };
    drive(run, "calibrate", &mut Listen(listen))?;
    let calibration = found.context("the measurement ended without numbers")?;
    let evidence = Evidence { task: "calibrate".into(), calibration: Some(calibration.clone()), ..Evidence::default() };
    let verdicts = Verdicts::new(&evidence, &given(), Some(Next::Tune));
    verdicts.tell();
    if let Some(path) = &arguments.report {
        let mut page = Page::new(&format!("How far {} can be trusted", arguments.reward));
        page.verdicts(&verdicts);
        page.calibration(&calibration);
        page.write(path)?;
    }
    report::result(arguments.common.json, &into_json(&calibration, &verdicts)?, || text(&calibration))
}

fn text(calibration: &Calibration) -> String {
    let mut lines = vec!["accuracy".to_string(), line(&calibration.overall)];
    lines.extend(calibration.by_margin.iter().map(line));
    lines.extend(calibration.by_length.iter().map(line));
    lines.push(format!("calibration: expected error {:.3}", calibration.expected_calibration_error));
    for bin in calibration.bins.iter().filter(|bin| bin.pairs > 0) {
        lines.push(format!(
            "  {:<24} {:>6} pairs  certain {:>5.1} %  right {:>5.1} %",
            format!("{:.0} to {:.0} % certain", bin.low * 100.0, bin.high * 100.0),
            bin.pairs,
            bin.confidence * 100.0,
            bin.accuracy * 100.0
        ));
    }
    lines.join("\n")
}

fn line(slice: &AccuracySlice) -> String {
    let AccuracySlice { name, pairs, accuracy, low, high } = slice;
    match pairs {
        0 => format!("  {name:<24} no pairs"),
        _ => format!("  {name:<24} {pairs:>6} pairs  {}", percent(*accuracy, *low, *high)),
    }
}
