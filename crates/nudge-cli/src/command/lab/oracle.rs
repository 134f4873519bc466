//! `nudge lab oracle`: how far trained policies end from the exact answer, a line a method and beta.
//!
//! A policy that ends too far away fails the command, after all lines have been printed.

use crate::args::LabOracle;
use crate::command::Workplace;
use crate::report;
use crate::runner::{Listen, drive};
use anyhow::{Context, Result, bail};
use futures_lite::future::block_on;
use nudge_session::Event;
use nudge_session::method::Method;
use nudge_session::oracle::{self, BETAS, Measurement, Oracle, TOLERANCE};

/// Trains with every method at every beta.
pub fn run(arguments: &LabOracle) -> Result<()> {
    let workplace = Workplace::open(arguments.common.device)?;
    let toy = block_on(Oracle::new(arguments.seed, workplace.session.device()))?;
    let methods = if arguments.method.is_empty() { oracle::methods() } else { arguments.method.clone() };
    let betas = if arguments.beta.is_empty() { BETAS.to_vec() } else { arguments.beta.clone() };
    let (mut missed, mut above) = (Vec::new(), Some(head()));
    for method in methods {
        for beta in &betas {
            let row = measure(&toy, &method, *beta)?;
            report::result(arguments.common.json, &row, || {
                above.take().into_iter().chain([line(&row)]).collect::<Vec<_>>().join("\n")
            })?;
            if !reaches(&row) {
                missed.push(format!("{} at beta {beta}", row.method));
            }
        }
    }
    conclude(&missed)
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

fn head() -> String {
    format!("{:9}  {:>5}  {:>6}  {:>9}  {:>6}  {:>6}  target", "method", "beta", "tv", "untrained", "kl", "reward")
}

fn line(row: &Measurement) -> String {
    let Measurement { method, beta, target, tv, tv_reference, kl, reward, .. } = row;
    let verdict = if reaches(row) { "" } else { "  MISSED" };
    let target = target.name();
    format!("{method:9}  {beta:>5}  {tv:>6.4}  {tv_reference:>9.3}  {kl:>6.3}  {reward:>6.3}  {target}{verdict}")
}

fn conclude(missed: &[String]) -> Result<()> {
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
        assert_eq!(head(), "method      beta      tv  untrained      kl  reward  target");
        assert_eq!(line(&row(0.03)), "grpo         0.5  0.0300      0.250   0.125  -0.500  grpo fixed point");
        assert!(line(&row(0.06)).ends_with("  MISSED") && line(&row(f64::NAN)).ends_with("  MISSED"));
        let json = serde_json::to_value(row(0.03)).unwrap();
        let expected = serde_json::json!({"method": "grpo", "beta": 0.5, "target": "grpo fixed point", "tv": 0.03,
            "tv_reference": 0.25, "kl": 0.125, "reward": -0.5, "answers": 40});
        assert_eq!(json, expected);
    }

    #[test]
    fn a_row_that_misses_fails_the_command() {
        assert!(conclude(&[]).is_ok());
        let error = conclude(&["ppo at beta 0.2".into()]).unwrap_err().to_string();
        assert_eq!(error, "not within a total variation of 0.05 of the target: ppo at beta 0.2");
    }
}
