//! `nudge calibrate`: how far a reward model can be trusted, measured on rankings.

use super::Workplace;
use crate::args::Calibrate;
use crate::input;
use crate::picture::Page;
use crate::report;
use crate::runner::{Listen, drive};
use crate::table::Table;
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
    let mut accuracy = Table::new(
        ["pairs", "count", "right", "95 % interval"],
        "right: how often the reward model puts a pair into the order that it was ranked in; margin: how far apart the \
         two scores are.",
    );
    let slices = [&calibration.overall].into_iter().chain(&calibration.by_margin).chain(&calibration.by_length);
    for AccuracySlice { name, pairs, accuracy: right, low, high } in slices {
        let [right, low, high] = [right, low, high].map(|share| format!("{:.1}", 100.0 * share));
        match pairs {
            0 => accuracy.row([name.clone(), "0".into(), "-".into(), "-".into()]),
            _ => accuracy.row([name.clone(), pairs.to_string(), format!("{right} %"), format!("{low} to {high} %")]),
        }
    }
    let explanation = format!(
        "certain: how sure the model is on average, right: how often it is; expected error, the mean distance of the \
         two: {:.3}.",
        calibration.expected_calibration_error
    );
    let mut certainty = Table::new(["it says", "pairs", "certain", "right"], &explanation);
    for bin in calibration.bins.iter().filter(|bin| bin.pairs > 0) {
        certainty.row([
            format!("{:.0} to {:.0} %", bin.low * 100.0, bin.high * 100.0),
            bin.pairs.to_string(),
            format!("{:.1} %", bin.confidence * 100.0),
            format!("{:.1} %", bin.accuracy * 100.0),
        ]);
    }
    format!("{}\n\n{}", accuracy.text(), certainty.text())
}
