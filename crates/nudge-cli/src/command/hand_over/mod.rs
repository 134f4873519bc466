//! `nudge hand-over`: the same run for a trainer that has many GPUs.
//!
//! 1. What is handed over: method, options, models, data.
//! 2. The trainer's own words for it ([`Trainer`], one file each): rows, command, requirements.
//! 3. A folder: `data/train.jsonl`, models that only Nudge reads as folders that transformers reads, `launch.sh`,
//!    `requirements.txt`, and a README that says what does not carry over.

mod carried;
mod models;
mod nemo_rl;
mod openrlhf;
mod rows;
mod script;
mod trl;
mod verl;

use crate::args::HandOver;
use crate::disk::{create_folder, write_atomic};
use crate::failure::tell;
use crate::flags::Flags;
use crate::options::{object, resolve, resolve_method};
use crate::provenance::RUN;
use anyhow::{Context, Result, bail};
use carried::{Carried, targets_in};
use nudge_session::method::{LearnsFrom, Method};
use nudge_session::options::RewardOptions;
use rows::{Kind, Rows};
use script::Words;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// What is trained, where it is no method.
const REWARD: &str = "reward";

/// A trainer that a run can be handed to.
struct Trainer {
    name: &'static str,
    /// What of ours it trains.
    methods: &'static [&'static str],
    /// `requirements.txt`, of the version whose words these are.
    requirements: &'static str,
    /// A line of its data.
    row: fn(&rows::Row, usize) -> Value,
    /// The command that starts it, behind the variables of `launch.sh`.
    command: fn(&mut Run) -> Vec<Words>,
    /// Methods whose command a second shell reads, that of a cluster: no quotes hold there.
    resubmits: &'static [&'static str],
    /// How it runs on more machines, and what is otherwise than here.
    notes: &'static [&'static str],
}

const TRAINERS: [&Trainer; 4] = [&trl::TRAINER, &openrlhf::TRAINER, &verl::TRAINER, &nemo_rl::TRAINER];

/// A run that is handed over.
struct Run {
    method: String,
    options: Carried,
    /// How many rows a ranking gave on average.
    rows_of_ranking: f64,
    /// Rows of the data.
    rows: usize,
}

/// How large a rollout is.
struct Rollout {
    /// Completions of a prompt.
    k: f64,
    /// Completions.
    batch: f64,
    minibatches: f64,
    /// Completions of the whole run.
    episodes: f64,
}

impl Run {
    /// Rows of a step, where ours counts rankings.
    fn rows_of_step(&mut self) -> Option<f64> {
        let rankings = self.options.number("batch_size")?;
        Some((rankings * self.rows_of_ranking).round().max(1.0))
    }

    /// Of a method that samples.
    fn rollout(&mut self) -> Option<Rollout> {
        let options = &mut self.options;
        let [k, minibatches] = ["k", "num_mini_batches"].map(|name| options.number(name).unwrap_or(1.0));
        Some(Rollout { k, batch: options.number("batch_size")?, minibatches, episodes: options.number("episodes")? })
    }
}

/// Writes `--out`.
pub fn run(arguments: &HandOver) -> Result<()> {
    if arguments.out.exists() {
        bail!("{} exists already; give another folder in --out", arguments.out.display());
    }
    // 1. What is handed over.
    let trainer = trainer_of(arguments)?;
    let (mut options, kind) = options_of(arguments)?;
    let material = models::Material::of(arguments, kind)?;
    options.settle_finetuning(|| material.is_large_or_adapted())?;
    if trainer.resubmits.contains(&arguments.method.as_str()) {
        material.check_plain_names()?;
    }
    let rows = Rows::read(&material, &arguments.reading)?;
    // 2. In the trainer's words.
    let mut run = Run {
        method: arguments.method.clone(),
        options,
        rows_of_ranking: rows.rows_of_ranking(),
        rows: rows.all.len(),
    };
    let command = (trainer.command)(&mut run);
    let data: String = rows.all.iter().enumerate().map(|(n, row)| format!("{}\n", (trainer.row)(row, n))).collect();
    // 3. The folder.
    create_folder(&arguments.out)?;
    let write = |name: &str, text: &str| write_atomic(&arguments.out.join(name), text.as_bytes());
    create_folder(&arguments.out.join("data"))?;
    write("data/train.jsonl", &data)?;
    let places = material.write_models(&arguments.out)?;
    write("launch.sh", &script::launch(&places, &command))?;
    write("requirements.txt", trainer.requirements)?;
    write("README.md", &readme(trainer, &run, &rows))?;
    tell(&format!(
        "wrote {}: {} rows for {}; start it with sh launch.sh",
        arguments.out.display(),
        run.rows,
        trainer.name
    ));
    Ok(())
}

fn trainer_of(arguments: &HandOver) -> Result<&'static Trainer> {
    let Some(trainer) = TRAINERS.into_iter().find(|trainer| trainer.name == arguments.to) else {
        let known: Vec<&str> = TRAINERS.iter().map(|trainer| trainer.name).collect();
        bail!("there is no trainer {}; --to is one of {}", arguments.to, known.join(", "));
    };
    let method = arguments.method.as_str();
    if !trainer.methods.contains(&method) {
        let others: Vec<&str> =
            TRAINERS.iter().filter(|other| other.methods.contains(&method)).map(|other| other.name).collect();
        let elsewhere = match others.is_empty() {
            true => "and none of the others does".into(),
            false => format!("but {} does", others.join(", ")),
        };
        bail!("{} does not train {method} ({}), {elsewhere}", trainer.name, trainer.methods.join(", "));
    }
    Ok(trainer)
}

/// The options by name, and what the method learns from.
fn options_of(arguments: &HandOver) -> Result<(Carried, Kind)> {
    let own = own_run(arguments);
    let config = arguments.config.as_deref().or(own.as_deref());
    if arguments.method == REWARD {
        let options = resolve(&Flags::<RewardOptions>::new(Default::default()), config)?;
        let options = object(&options)?;
        check_targets(&options)?;
        return Ok((Carried::new(options), Kind::Pairs));
    }
    let method =
        Method::named(&arguments.method).with_context(|| format!("there is no method {}", arguments.method))?;
    let kind = match method.info().learns_from {
        LearnsFrom::Rewards => Kind::Prompts,
        LearnsFrom::Labels => Kind::Labels,
        LearnsFrom::Rankings => Kind::Pairs,
    };
    let method = resolve_method(&method, None, &Default::default(), config)?;
    let options = match object(&method)?.remove("options") {
        Some(Value::Object(options)) => options,
        _ => Default::default(),
    };
    check_targets(&options)?;
    Ok((Carried::new(options), kind))
}

/// The `run.json` of a workflow that was tuned by this method: it is handed over as it was run here.
fn own_run(arguments: &HandOver) -> Option<PathBuf> {
    let run = arguments.workflow.as_ref()?.join("runs").join(arguments.method.replace('_', "-")).join(RUN);
    run.exists().then_some(run)
}

/// The other trainer takes the names of matrices as words of its command, so they must be names.
fn check_targets(options: &Map<String, Value>) -> Result<()> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    let is_name = |target: &String| !target.starts_with('-') && target.chars().all(is_part);
    let targets = options.get("lora_target_modules").and_then(Value::as_str).map(targets_in).unwrap_or_default();
    match targets.into_iter().find(|target| !is_name(target)) {
        Some(odd) => bail!(
            "lora_target_modules names `{odd}`, which cannot be a matrix: names have letters, digits, _, . and - only. \
             Give names as q_proj,v_proj"
        ),
        None => Ok(()),
    }
}

/// `README.md`.
fn readme(trainer: &Trainer, run: &Run, rows: &Rows) -> String {
    let mut text = format!(
        "# {} for {}\n\n    pip install -r requirements.txt\n    sh launch.sh                        # GPUS=8 sh launch.sh\n\n",
        run.method, trainer.name
    );
    text += &format!("{} rows in `data/train.jsonl`.{}\n", run.rows, rows.said());
    trainer.notes.iter().for_each(|note| text += &format!("{note}\n"));
    text +=
        "What it writes is a folder, or an adapter: `nudge compare --a THAT --b MODEL ...` judges it like any other.\n";
    let left = run.options.left();
    if !left.is_empty() {
        text += "\nThese options have no word there, and do not carry over:\n\n";
        left.iter().for_each(|(name, value)| text += &format!("- `{name}` = {value}\n"));
    }
    text
}
