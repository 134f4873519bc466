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
    /// Tokens that this machine reads in a second, measured on one text. What a step takes does not follow from it: that
    /// depends on its batch.
    tokens_read_per_second: f64,
    stages: Vec<Stage>,
}

/// What one stage takes.
#[derive(Serialize)]
struct Stage {
    name: &'static str,
    /// What a step does.
    step: String,
    needs: Needs,
}

/// Prints what the model is and needs.
pub fn run(arguments: &InspectModel) -> Result<()> {
    let folder = Folder::open(&arguments.model, &read_model(&arguments.model)?)?;
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.model)?;
    let found = found(&folder, arguments, tokens_per_second(&workplace, arguments)?);
    report::result(arguments.common.json, &found, || text(&arguments.model, &found))
}

/// Tokens that are read in a second, measured on a text.
fn tokens_per_second(workplace: &Workplace, arguments: &InspectModel) -> Result<f64> {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(20);
    let command = Command::Eval { model: arguments.model.clone(), text, options: Default::default() };
    let events = workplace.pull("probe", command)?;
    let seconds: f64 =
        events.iter().map(|event| if let Event::Progress { seconds, .. } = event { *seconds } else { 0.0 }).sum();
    let tokens = events.iter().find_map(|event| match event {
        Event::Evaluated { evaluation } => Some(evaluation.tokens),
        _ => None,
    });
    Ok(tokens.unwrap_or_default() as f64 / seconds.max(1e-9))
}

fn found(folder: &Folder, arguments: &InspectModel, tokens_read_per_second: f64) -> Found {
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
        tokens_read_per_second,
        stages: stages(folder, arguments),
    }
}

/// Demonstrations that a person writes, about.
const FEW: usize = 12;

/// What the stages that train do at their defaults.
fn stages(folder: &Folder, arguments: &InspectModel) -> Vec<Stage> {
    let length = arguments.tokens.min(folder.config.max_position_embeddings);
    let few = Imitation::of(FEW, &SftOptions::default(), &folder.config);
    let (sft, rankings) = (few.batch_size, RewardOptions::default().batch_size);
    let online = PpoOptions::default().online;
    let minibatch = online.batch_size / online.num_mini_batches;
    let rows = [
        ("sft", format!("{sft} demonstrations; {} steps over {FEW}", few.steps), sft, 0),
        ("reward", format!("{rankings} rankings of {RANKED}"), rankings * RANKED, 0),
        ("dpo", format!("{rankings} rankings of {RANKED}"), rankings * RANKED, 0),
        (
            "ppo",
            format!("{} completions, {} passes", online.batch_size, online.num_iterations),
            minibatch,
            online.batch_size,
        ),
    ];
    let finetuning = FinetuningOptions { lora_r: arguments.lora_r, ..Default::default() };
    let stage = |(name, step, rows, rollout): (&'static str, String, usize, usize)| {
        let trained = if rollout > 0 { 2 } else { 1 };
        let usage =
            Use { finetuning: Some(finetuning.clone()), trained, pass: rows * length, rollout: rollout * length };
        Stage { name, step, needs: Needs::of(folder, &usage) }
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
        format!("  reads about {:.0} tokens a second here", found.tokens_read_per_second),
    ];
    let free = found.free_bytes.map_or(String::new(), |free| format!("; {:.1} GiB are free here", gib(free as usize)));
    let explanation = format!("Memory is an estimate of what a step takes{free}.");
    let mut table = Table::new(["stage", "a step", "memory"], &explanation);
    for stage in &found.stages {
        let memory = format!("{:.2} GiB", gib(stage.needs.total()));
        table.row([stage.name.into(), stage.step.clone(), memory]);
    }
    lines.push(table.text());
    lines.join("\n")
}
