//! `nudge bench`: tokens per second of each stage on a model of a named size with random weights.
//!
//! The first steps warm up caches, compilers and tuners and do not count. A row is the median of the steps after
//! them, with the fastest and the slowest as spread. Deliberately absent: quality, which random weights do not have.

use super::Workplace;
use crate::args::Bench;
use crate::builtin;
use crate::report;
use crate::runner::{Listen, drive};
use anyhow::{Context, Result};
use futures_lite::future::block_on;
use nudge_data::{Prompt, Tokenizer, prompts_from};
use nudge_model::{Decoder, DecoderConfig, Precision};
use nudge_session::folder::{self, Kind, TOKENIZER, TOKENIZER_CONFIG};
use nudge_session::options::{PpoStageOptions, RewardOptions, SampleOptions, SftOptions};
use nudge_session::{Command, Event, Metrics};
use serde::Serialize;
use serde_json::json;

/// Steps before the measured ones.
const WARM_UP: usize = 2;
const MODEL: &str = "bench";
const REWARD: &str = "bench-reward";

/// A named shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Size {
    /// 32 wide, 2 blocks: for tests.
    Tiny,
    /// The built-in model's shape.
    Builtin,
    /// 512 wide, 8 blocks.
    Small,
    /// 576 wide, 30 blocks, as SmolLM2-135M.
    Medium,
}

impl Size {
    fn name(self) -> &'static str {
        match self {
            Size::Tiny => "tiny",
            Size::Builtin => "builtin",
            Size::Small => "small",
            Size::Medium => "medium",
        }
    }

    fn config(self, vocab_size: usize) -> DecoderConfig {
        match self {
            Size::Tiny => DecoderConfig::new(vocab_size, 32, 2, 2, 96, 512),
            Size::Builtin => DecoderConfig::builtin(vocab_size),
            Size::Small => DecoderConfig::new(vocab_size, 512, 8, 8, 1376, 512),
            Size::Medium => DecoderConfig::new(vocab_size, 576, 30, 9, 1536, 512),
        }
    }
}

/// One phase, measured.
#[derive(Serialize)]
struct Row {
    size: &'static str,
    phase: &'static str,
    device: &'static str,
    /// Median time of a step.
    ms: f64,
    /// The fastest step.
    ms_low: f64,
    /// The slowest step.
    ms_high: f64,
    /// Median over the steps.
    tokens_per_s: f64,
    /// Steps measured.
    repeats: usize,
    parameters: usize,
}

/// A measured step.
struct Step {
    seconds: f64,
    tokens_per_second: f64,
}

/// Measures all phases, a row each.
pub fn run(arguments: &Bench) -> Result<()> {
    let mut workplace = Workplace::open(arguments.common.device)?;
    let parameters = put_model(&mut workplace, arguments)?;
    let steps = arguments.repeats.max(1) + WARM_UP;
    for (phase, command) in commands(steps, arguments.seed)? {
        let measured = measure(&mut workplace, phase, command)?;
        let row = Row { size: arguments.size.name(), device: workplace.device, parameters, ..row(phase, &measured) };
        report::result(arguments.common.json, &row, || {
            format!(
                "{:8} {:9} {:5} {:9.1} ms a step ({:.1} to {:.1})  {:9.0} tokens/s",
                row.size, row.phase, row.device, row.ms, row.ms_low, row.ms_high, row.tokens_per_s
            )
        })?;
    }
    Ok(())
}

/// A random model of the size with the built-in tokenizer; gives its number of parameters.
fn put_model(workplace: &mut Workplace, arguments: &Bench) -> Result<usize> {
    let files = builtin::model("builtin:sft").context("the built-in model is missing")?;
    let tokenizer = Tokenizer::from_files(&files[TOKENIZER], files.get(TOKENIZER_CONFIG).map(Vec::as_slice))?;
    let config = arguments.size.config(tokenizer.vocab_size());
    let model = Decoder::init(&config, arguments.seed, workplace.session.device());
    let files = block_on(folder::save(&model, &config, Kind::Decoder, &tokenizer, Precision::F32))?;
    Ok(workplace.session.put_model(MODEL, files)?.parameters)
}

/// The phases in order; PPO needs the reward model of the one before.
fn commands(steps: usize, seed: u64) -> Result<[(&'static str, Command); 4]> {
    let prompts: Vec<Prompt> =
        prompts_from("the built-in prompts", builtin::PROMPTS)?.into_iter().map(|record| record.prompt).collect();
    let prompt = |index: usize| prompts[index % prompts.len()].clone();
    // Text of a usual length, made of what is there.
    let answer = |index: usize| (0..4).map(|part| prompt(index + 7 * part).to_string()).collect::<Vec<_>>().join(" ");
    let model = || MODEL.to_string();
    let sft = SftOptions { epochs: 1.0, held_out: 0.0, seed, ..Default::default() };
    let demonstrations = (0..steps * sft.batch_size)
        .map(|index| json!({ "prompt": prompt(index), "completion": answer(index) }).to_string() + "\n");
    let sample = SampleOptions { max_new_tokens: 64, seed, ..Default::default() };
    let asked = (0..steps * sample.batch_size / sample.k).map(prompt);
    let reward = RewardOptions { epochs: 1.0, held_out: 0.0, seed, ..Default::default() };
    let comparisons = (0..steps * reward.batch_size).map(|index| {
        let completions: Vec<_> = (0..4).map(|place| json!({ "text": answer(index + 13 * place) })).collect();
        let ranking = [[0], [1], [2], [3]];
        json!({ "id": index.to_string(), "prompt": prompt(index), "completions": completions, "ranking": ranking })
            .to_string()
            + "\n"
    });
    let defaults = PpoStageOptions::default();
    let ppo = PpoStageOptions { episodes: steps * defaults.batch_size, seed, ..defaults };
    Ok([
        ("sft", Command::Sft { model: model(), demonstrations: demonstrations.collect(), options: sft }),
        ("sampling", Command::Sample { model: model(), prompts: asked.collect(), options: sample }),
        (
            "reward",
            Command::Reward {
                model: model(),
                comparisons: comparisons.collect(),
                demonstrations: String::new(),
                options: reward,
            },
        ),
        (
            "ppo",
            Command::Ppo {
                policy: model(),
                reward: REWARD.into(),
                reward_ensemble: vec![],
                prompts: prompts.clone(),
                pretraining_texts: vec![],
                options: ppo,
            },
        ),
    ])
}

/// Runs a phase; gives its steps after the warm-up.
fn measure(workplace: &mut Workplace, phase: &str, command: Command) -> Result<Vec<Step>> {
    let (mut steps, mut model) = (Vec::new(), None);
    let run = workplace.session.start(command, None)?;
    let mut listen = Listen(|event| {
        match event {
            Event::Progress { metrics, seconds, .. } => {
                steps.push(Step { seconds, tokens_per_second: tokens_per_second(&metrics) });
            }
            Event::Model { files, .. } => model = Some(files),
            _ => {}
        }
        Ok(())
    });
    drive(run, phase, &mut listen)?;
    if let (Some(files), "reward") = (model, phase) {
        workplace.session.put_model(REWARD, files)?;
    }
    Ok(steps.split_off(WARM_UP.min(steps.len().saturating_sub(1))))
}

/// PPO counts episodes; its tokens are those of the answers.
fn tokens_per_second(metrics: &Metrics) -> f64 {
    let number = |name: &str| metrics.get(name).copied();
    let episodes = || Some(number("eps")? * number("completions/mean_length")?);
    number("tokens_per_second").or_else(episodes).unwrap_or(f64::NAN)
}

fn row(phase: &'static str, steps: &[Step]) -> Row {
    let ms: Vec<f64> = steps.iter().map(|step| 1e3 * step.seconds).collect();
    Row {
        size: "",
        phase,
        device: "",
        ms: median(ms.clone()),
        ms_low: ms.iter().copied().fold(f64::INFINITY, f64::min),
        ms_high: ms.iter().copied().fold(0.0, f64::max),
        tokens_per_s: median(steps.iter().map(|step| step.tokens_per_second).collect()),
        repeats: steps.len(),
        parameters: 0,
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => numbers[count / 2],
        count => (numbers[count / 2 - 1] + numbers[count / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
