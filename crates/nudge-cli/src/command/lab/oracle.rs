//! `nudge lab oracle`: how far trained policies end from the exact answer, a row a method and beta.
//!
//! A policy that ends too far away fails the command, after all rows have been printed.

use crate::args::LabOracle;
use crate::command::Workplace;
use crate::failure::tell;
use crate::picture::Page;
use crate::report;
use crate::runner::{Listen, drive};
use crate::svg::Curve;
use crate::table::Table;
use anyhow::{Context, Result, bail};
use futures_lite::future::block_on;
use nudge_session::Event;
use nudge_session::method::Method;
use nudge_session::oracle::{self, BETAS, Measurement, Oracle, TOLERANCE};
use std::path::Path;

/// Trains with every method at every beta.
pub fn run(arguments: &LabOracle) -> Result<()> {
    let workplace = Workplace::open(arguments.common.device)?;
    let toy = block_on(Oracle::new(arguments.seed, workplace.session.device()))?;
    let methods = if arguments.method.is_empty() { oracle::methods() } else { arguments.method.clone() };
    let betas = if arguments.beta.is_empty() { BETAS.to_vec() } else { arguments.beta.clone() };
    let mut rows = Vec::new();
    for method in methods {
        for beta in &betas {
            let row = measure(&toy, &method, *beta)?;
            match arguments.common.json {
                true => report::json(&row)?,
                false => tell(&format!("{} at beta {beta}: tv {:.4}", row.method, row.tv)),
            }
            rows.push(row);
        }
    }
    arguments.report.iter().try_for_each(|path| write(path, &rows))?;
    if !arguments.common.json {
        report::line(&table(&rows).text())?;
    }
    conclude(&rows)
}

/// Trains and measures.
pub(super) fn measure(toy: &Oracle, method: &Method, beta: f32) -> Result<Measurement> {
    let mut model = None;
    let mut keep = Listen(|event| {
        if let Event::Model { files, .. } = event {
            model = Some(files);
        }
        Ok(())
    });
    drive(toy.run(method, beta)?, &format!("{} {beta}", method.info().name), &mut keep)?;
    let model = model.context("the run ended without a model")?;
    Ok(toy.measure(method, beta, &block_on(toy.policy(&model))?)?)
}

/// A NaN does not reach anything.
fn reaches(row: &Measurement) -> bool {
    row.tv <= TOLERANCE
}

fn table(rows: &[Measurement]) -> Table {
    let explanation = format!(
        "tv: how much probability the trained policy puts elsewhere than the exact answer (total variation, 0 to 1), \
         reached below {TOLERANCE}; untrained: the same before training; kl and reward: of the trained policy."
    );
    let head = ["method", "beta", "tv", "untrained", "kl", "reward", "result", "target"];
    let mut table = Table::new(head, &explanation);
    for row in rows {
        table.row([
            row.method.to_string(),
            row.beta.to_string(),
            format!("{:.4}", row.tv),
            format!("{:.3}", row.tv_reference),
            format!("{:.3}", row.kl),
            format!("{:.3}", row.reward),
            if reaches(row) { "reached" } else { "MISSED" }.into(),
            row.target.name().into(),
        ]);
    }
    table
}

/// The table, and how far from the answer each method ends, over beta.
fn write(path: &Path, rows: &[Measurement]) -> Result<()> {
    let mut page = Page::new("Trained policies against the exact optimum of a toy");
    page.table(&table(rows));
    for of_method in rows.chunk_by(|one, next| one.method == next.method) {
        let points = of_method.iter().map(|row| (f64::from(row.beta), row.tv)).collect();
        page.curve(&Curve { name: format!("{}: tv over beta", of_method[0].method), points });
    }
    page.write(path)
}

fn conclude(rows: &[Measurement]) -> Result<()> {
    let missed: Vec<String> =
        rows.iter().filter(|row| !reaches(row)).map(|row| format!("{} at beta {}", row.method, row.beta)).collect();
    if missed.is_empty() {
        return Ok(());
    }
    bail!("not within a total variation of {TOLERANCE} of the target: {}", missed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_session::method::Target;

    fn row(tv: f64) -> Measurement {
        let (method, target) = ("grpo", Target::GrpoFixedPoint);
        Measurement { method, beta: 0.5, target, tv, tv_reference: 0.25, kl: 0.125, reward: -0.5, answers: 40 }
    }

    #[test]
    fn a_row_is_a_line_or_an_object() {
        let text = table(&[row(0.03), row(0.06), row(f64::NAN)]).text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "method  beta      tv  untrained     kl  reward  result   target");
        assert_eq!(lines[1], "grpo     0.5  0.0300      0.250  0.125  -0.500  reached  grpo fixed point");
        assert!(lines[2].contains("  MISSED ") && lines[3].contains("  MISSED "), "{text}");
        assert!(lines[4].starts_with("tv: "), "{text}");
        let json = serde_json::to_value(row(0.03)).unwrap();
        let expected = serde_json::json!({"method": "grpo", "beta": 0.5, "target": "grpo fixed point", "tv": 0.03,
            "tv_reference": 0.25, "kl": 0.125, "reward": -0.5, "answers": 40});
        assert_eq!(json, expected);
    }

    #[test]
    fn a_row_that_misses_fails_the_command() {
        assert!(conclude(&[row(0.05)]).is_ok());
        let error = conclude(&[row(0.04), row(0.06)]).unwrap_err().to_string();
        assert_eq!(error, "not within a total variation of 0.05 of the target: grpo at beta 0.5");
    }
}
