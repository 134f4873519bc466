//! `nudge inspect`: what a model is, and what each stage would take of this device.

use super::Workplace;
use crate::args::InspectModel;
use crate::memory;
use crate::model_files::read_model;
use crate::report;
use crate::table::Table;
use anyhow::Result;
use nudge_session::finetuning::FinetuningOptions;
use nudge_session::folder::Folder;
use nudge_session::imitation::Imitation;
use nudge_session::memory::{Needs, Use};
use nudge_session::method::ppo::PpoOptions;
use nudge_session::options::{RewardOptions, SftOptions};
use nudge_session::outlook::{FORWARDS, FORWARDS_OF_PPO};
use nudge_session::{Command, Event};
use serde::Serialize;

/// Completions of a ranking, as the page shows them.
const RANKED: usize = 4;

/// What is said of a model.
#[derive(Serialize)]
struct Found {
    kind: &'static str,
    family: String,
    parameters: usize,
    stored_as: String,
    stored_bytes: usize,
    vocab_size: usize,
    context: usize,
    template: &'static str,
    ends: Vec<String>,
    adapter: bool,
    /// Bytes that this machine has free, where it tells.
    free_bytes: Option<u64>,
    stages: Vec<Stage>,
}

/// What one stage takes.
#[derive(Serialize)]
struct Stage {
    name: &'static str,
    /// What a step does.
    step: String,
    needs: Needs,
    /// Seconds of a step, about.
    seconds: f64,
}

/// Prints what the model is and needs.
pub fn run(arguments: &InspectModel) -> Result<()> {
    let folder = Folder::open(&arguments.model, &read_model(&arguments.model)?)?;
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.model)?;
    let forward = seconds_of_a_token(&workplace, arguments)?;
    let found = found(&folder, arguments, forward);
    report::result(arguments.common.json, &found, || text(&arguments.model, &found))
}

/// Seconds that one token takes in a forward pass, by reading a text once.
fn seconds_of_a_token(workplace: &Workplace, arguments: &InspectModel) -> Result<f64> {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(20);
    let command = Command::Eval { model: arguments.model.clone(), text, options: Default::default() };
    let events = workplace.pull("probe", command)?;
    let seconds: f64 =
        events.iter().map(|event| if let Event::Progress { seconds, .. } = event { *seconds } else { 0.0 }).sum();
    let tokens = events.iter().find_map(|event| match event {
        Event::Evaluated { evaluation } => Some(evaluation.tokens),
        _ => None,
    });
    Ok(seconds / tokens.unwrap_or(1).max(1) as f64)
}

fn found(folder: &Folder, arguments: &InspectModel, forward: f64) -> Found {
    let config = &folder.config;
    Found {
        kind: folder.kind.name(),
        family: config.model_type.clone(),
        parameters: config.parameter_count(),
        stored_as: folder.tensors.encoding().map_or("nothing".into(), |encoding| format!("{encoding:?}")),
        stored_bytes: folder.stored_bytes(),
        vocab_size: config.vocab_size,
        context: config.max_position_embeddings,
        template: if folder.tokenizer.chat().is_some() { "its own" } else { "none: prompts are continued" },
        ends: folder.tokenizer.end_tokens(),
        adapter: folder.has_adapter(),
        free_bytes: memory::available_bytes(),
        stages: stages(folder, arguments, forward),
    }
}

/// Demonstrations that a person writes, about.
const FEW: usize = 12;

/// What the stages that train do at their defaults.
fn stages(folder: &Folder, arguments: &InspectModel, forward: f64) -> Vec<Stage> {
    let length = arguments.tokens.min(folder.config.max_position_embeddings);
    let few = Imitation::of(FEW, &SftOptions::default(), &folder.config);
    let (sft, rankings) = (few.batch_size, RewardOptions::default().batch_size);
    let online = PpoOptions::default().online;
    let minibatch = online.batch_size / online.num_mini_batches;
    let rows = [
        ("sft", format!("{sft} demonstrations; {} steps over {FEW}", few.steps), sft, 0, FORWARDS),
        ("reward", format!("{rankings} rankings of {RANKED}"), rankings * RANKED, 0, FORWARDS),
        ("dpo", format!("{rankings} rankings of {RANKED}"), rankings * RANKED, 0, FORWARDS),
        (
            "ppo",
            format!("{} completions, {} passes", online.batch_size, online.num_iterations),
            minibatch,
            online.batch_size,
            FORWARDS_OF_PPO,
        ),
    ];
    let finetuning = FinetuningOptions { lora_r: arguments.lora_r, ..Default::default() };
    let stage = |(name, step, rows, rollout, forwards): (&'static str, String, usize, usize, f64)| {
        let trained = if rollout > 0 { 2 } else { 1 };
        let usage =
            Use { finetuning: Some(finetuning.clone()), trained, pass: rows * length, rollout: rollout * length };
        let seconds = forwards * forward * (rows.max(rollout) * length) as f64;
        Stage { name, step, needs: Needs::of(folder, &usage), seconds }
    };
    rows.into_iter().map(stage).collect()
}

fn text(model: &str, found: &Found) -> String {
    let gib = |bytes: usize| bytes as f64 / (1u64 << 30) as f64;
    let adapter = if found.adapter { ", with an adapter" } else { "" };
    let mut lines = vec![
        format!("{model}: a {} of the family {}{adapter}", found.kind, found.family),
        format!(
            "  {} parameters, mostly {}, {:.1} MB; {} tokens, context {}",
            report::count(found.parameters),
            found.stored_as,
            found.stored_bytes as f64 / 1e6,
            found.vocab_size,
            found.context
        ),
        format!("  chat template: {}; a completion ends with {}", found.template, found.ends.join(" or ")),
    ];
    let free = found.free_bytes.map_or(String::new(), |free| format!("; {:.1} GiB are free here", gib(free as usize)));
    let explanation = format!("Memory and time are estimates of what a step takes{free}.");
    let mut table = Table::new(["stage", "a step", "memory", "time"], &explanation);
    for stage in &found.stages {
        let memory = format!("{:.2} GiB", gib(stage.needs.total()));
        table.row([stage.name.into(), stage.step.clone(), memory, report::duration(stage.seconds)]);
    }
    lines.push(table.text());
    lines.join("\n")
}
