//! Every rule of a verdict and its threshold. What is judged by the numbers of training stands in [`training`], what by
//! a comparison and its completions in [`comparing`].
//!
//! Thresholds come from `nudge-rlhf/src/metrics.md`, which says of each number what is healthy and why, from the papers
//! named here, or from the recorded runs that `nudge-cli/tests/cli/verdict.rs` replays; where that is so it says
//! "measured".

mod comparing;
mod training;

use super::{Evidence, Finding, Level, Next};
use crate::method::Method;
use crate::protocol::Metrics;
use serde_json::Value;

/// A mean margin of rewards above which pairs are known by heart (metrics.md, `rewards/margins`, `margin`): the sigmoid
/// of 5 is 0.993.
const MARGIN: f64 = 5.0;
/// A preference loss below which nothing is left to learn: the sigmoid is 0.98.
const LOSS_OF_PAIRS: f64 = 0.02;
/// Nats a completion from where it started: metrics.md, `objective/kl`, for methods that are on a leash.
const KL_ON_A_LEASH: f64 = 10.0;
/// The same for methods that learn from given completions; good DPO runs end at 12 to 15 (measured, tests/README.md).
const KL_WITHOUT_A_LEASH: f64 = 20.0;
/// A loss that ends above twice its start and one nat more has diverged (measured: SFT at a learning rate of 10).
const LOSS_GROWTH: (f64, f64) = (2.0, 1.0);
/// Share of prompts answered with one opening, and how many times as many as before (measured).
const OPENINGS: (f64, f64) = (0.3, 2.0);
/// From this share on it is a collapse, if the completions also lost variety or what was asked (measured).
const COLLAPSE: f64 = 0.5;
/// Variety and words of the prompt may fall to this part of what they were (metrics.md, `completions/distinct_1`).
const FALL: f64 = 0.6;
/// Share of completions that refuse or apologise, or that repeat a sentence, and how many times as many as before.
const SPOILED_SHARE: (f64, f64) = (0.25, 2.0);
/// Share of different completions of different prompts that is still healthy (measured).
const DISTINCT: f64 = 0.7;
/// Completions become so many times longer or shorter before it is said.
const LENGTH: f64 = 1.3;
/// The longer (or the shorter) one wins so often that length alone explains it (Singhal et al. 2023 find that length
/// alone explains most of what reward models learn).
const LENGTH_WINS: f64 = 0.9;
/// Fewer prompts, or decided pairs, say nothing about openings and lengths.
const FEW_PROMPTS: usize = 8;
/// Rankings and ordered pairs below which the held-out numbers cannot tell a preference from noise (measured; with 100
/// held-out pairs the interval is 0.1 to each side, metrics.md, `eval_pairs`).
const FEW_RANKINGS: (usize, usize) = (20, 40);
/// Rankings below which a run is more chance than preference; between the two numbers of rankings it is only worth knowing.
const VERY_FEW_RANKINGS: usize = 10;
/// No default learning rate is above it: pretraining has 4e-3.
const HIGHEST_RATE: f64 = 4e-3;
/// Circles of preferences for each prompt.
const CIRCLES: f64 = 0.05;
/// Accuracy in training and on held-out pairs between which a reward model has learnt by heart.
const BY_HEART: (f64, f64) = (0.98, 0.7);
/// Margins below which a policy has hardly moved, and from which it has (metrics.md, `rewards/margins`: 0.1 to 2).
const STILL: f64 = 0.02;
const MOVED: f64 = 0.1;
/// Nats by which the held-out loss may rise above its best.
const HELD_OUT_RISE: f64 = 0.1;
/// Accuracy may differ so much between pairs whose better completion is the shorter and the longer one.
const LENGTH_BIAS: f64 = 0.3;
/// The share of completions that end by themselves may fall by so much (measured: a taste for long ones costs 0.4).
const ENDS: f64 = 0.5;

type Rule = fn(&Evidence) -> Option<Finding>;

/// All rules.
pub const ALL: &[Rule] = &[
    training::diverged,
    comparing::collapsed,
    comparing::empty,
    comparing::refuses,
    training::held_out,
    comparing::worse,
    training::known_by_heart,
    comparing::kl_too_large,
    comparing::same_openings,
    comparing::variety_lost,
    comparing::repeats,
    comparing::prompt_forgotten,
    comparing::length_alone,
    comparing::never_ends,
    comparing::partial_judge,
    training::too_few,
    training::contradictory,
    training::not_carried_over,
    training::held_out_rises,
    training::over_optimised,
    training::length_bias,
    training::hardly_moved,
    comparing::undecided,
    comparing::won,
];

fn finding(
    code: &str,
    level: Level,
    numbers: impl IntoIterator<Item = (&'static str, f64)>,
    sentence: String,
    next: Option<Next>,
) -> Option<Finding> {
    let numbers: Metrics = numbers.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
    Some(Finding { code: code.into(), level, numbers, sentence, next })
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// The same again with some options at a part of what they were.
fn again(evidence: &Evidence, parts: &[(&str, f64)]) -> Option<Next> {
    let scaled = |(name, part): &(&str, f64)| {
        let given = evidence.options.get(*name)?.as_f64();
        // Where it follows from the model, the log has its peak.
        let value = given.or_else(|| evidence.values(name).into_iter().reduce(f64::max))? * part;
        // Three digits are what a person would type.
        let value: f64 = format!("{value:.2e}").parse().ok()?;
        Some((name.to_string(), Value::from(value)))
    };
    let options: Vec<(String, Value)> = parts.iter().filter_map(scaled).collect();
    (!options.is_empty()).then_some(Next::Again { options })
}

/// The same again with a smaller learning rate: a tenth, or, where that is still above every default, the default,
/// which null stands for.
fn with_smaller_rate(evidence: &Evidence) -> Option<Next> {
    let given = evidence.options.get("learning_rate").and_then(Value::as_f64);
    match given.is_some_and(|given| 0.1 * given > HIGHEST_RATE) {
        true => Some(Next::Again { options: vec![("learning_rate".into(), Value::Null)] }),
        false => again(evidence, &[("learning_rate", 0.1)]),
    }
}

/// What trained the model in question: of a comparison the method that tuned it, where that is known.
fn training(evidence: &Evidence) -> &str {
    evidence.method.as_ref().unwrap_or(&evidence.task)
}

fn method(evidence: &Evidence) -> Option<Method> {
    Method::named(training(evidence))
}
