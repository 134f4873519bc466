//! Options of the stages: defaults, then the TOML file of `--config`, then flags, each over the one before.
//!
//! Flags and keys bear the names of the fields in `nudge_session::options`, which own defaults and meaning.

use crate::files::read_text;
use anyhow::{Context, Result, bail};
use nudge_rlhf::PpoPreset;
use nudge_session::options::PpoStageOptions;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::Path;

/// Structs of optional flags, each named like the field that it sets.
macro_rules! flags {
    ($($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$outer])*
        #[derive(Debug, Default, clap::Args, Serialize)]
        pub struct $name {
            $(
                $(#[$inner])*
                #[arg(long, help_heading = "Options")]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }
    )*};
}

flags! {
    /// Flags of `nudge pretrain`.
    PretrainFlags {
        /// Tokens of the vocabulary, specials included
        vocab_size: usize,
        /// Width of the residual stream
        hidden_size: usize,
        /// Number of blocks
        num_hidden_layers: usize,
        /// Number of heads
        num_attention_heads: usize,
        /// Width of the SwiGLU hidden layer
        intermediate_size: usize,
        /// Longest sequence of the model, in tokens
        max_position_embeddings: usize,
        /// Tokens of one training row
        context: usize,
        /// Rows of one step
        batch_size: usize,
        /// Passes over the text
        epochs: f32,
        /// Peak learning rate
        learning_rate: f32,
        /// Steps of linear warm-up
        warmup_steps: usize,
        /// Decoupled weight decay
        weight_decay: f32,
        /// Update rule for the layers' matrices
        #[arg(value_parser = ["adamw", "muon"])]
        optimizer: String,
        /// How the finished model's numbers are stored
        #[arg(value_parser = ["f32", "f16"])]
        precision: String,
        /// Seed of weights and order
        seed: u64,
    }

    /// Flags of `nudge sft`.
    SftFlags {
        /// Passes over the demonstrations
        epochs: f32,
        /// Demonstrations of one step
        batch_size: usize,
        /// Peak learning rate; falls linearly to 0
        learning_rate: f32,
        /// Decoupled weight decay
        weight_decay: f32,
        /// Share of prompts kept out of training to measure on
        held_out: f32,
        /// How the finished model's numbers are stored
        #[arg(value_parser = ["f32", "f16"])]
        precision: String,
        /// Seed of the order and the split
        seed: u64,
    }

    /// Flags of `nudge sample`.
    SampleFlags {
        /// Answers to each prompt
        k: usize,
        /// Logits are divided by it; 0 takes the likeliest token
        temperature: f32,
        /// Only the likeliest tokens can be drawn; 0 allows all
        top_k: usize,
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Rows sampled at once
        batch_size: usize,
        /// Seed of the first answer; each further one has the next seed
        seed: u64,
    }

    /// Flags of `nudge chat`.
    ChatFlags {
        /// Logits are divided by it; 0 takes the likeliest token
        temperature: f32,
        /// Only the likeliest tokens can be drawn; 0 allows all
        top_k: usize,
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Seed of the first answer; each further one has the next seed
        seed: u64,
    }

    /// Flags of `nudge reward`.
    RewardFlags {
        /// Passes over the rankings
        epochs: f32,
        /// Rankings of one step
        batch_size: usize,
        /// Peak learning rate; falls linearly to 0
        learning_rate: f32,
        /// Decoupled weight decay
        weight_decay: f32,
        /// Weight of the mean squared sum of two rewards, which keeps them around 0
        center_rewards_coefficient: f32,
        /// Share of prompts kept out of training to measure accuracy on
        held_out: f32,
        /// Seed of the head, the order and the split
        seed: u64,
    }

    /// Flags of `nudge ppo` beside the algorithm's.
    PpoFlags {
        /// Answers sampled in all
        episodes: usize,
        /// Answers of one rollout
        batch_size: usize,
        /// Learning rate of the policy
        learning_rate: f32,
        /// Learning rate of the value model
        value_learning_rate: f32,
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Whether scores are brought to mean 0 and variance 1 on the first rollout
        normalize_scores: bool,
        /// Simulated labeler whose score is logged as objective/gold_score; it never trains
        gold_labeler: String,
        /// Seed of prompts, noise and minibatches
        seed: u64,
    }

    /// Flags of the algorithm of `nudge ppo`; table `[ppo]` in a file.
    PpoAlgorithmFlags {
        /// The token that receives the score
        #[arg(value_parser = ["on_eos", "after_eos"])]
        score_index: String,
        /// Divisor of the variance in whitening
        #[arg(value_parser = ["biased", "unbiased"])]
        whiten_variance: String,
        /// Rule for answers that were cut off: off, replace:SCORE or subtract:PENALTY
        #[arg(value_parser = missing_eos, allow_hyphen_values = true)]
        missing_eos: Value,
        /// Estimator of the KL in the rewards
        #[arg(value_parser = ["k1", "k2", "k3"])]
        kl_estimator: String,
        /// Whether rewards are scaled to variance 1 before advantages are formed
        whiten_rewards: bool,
        /// The tokens over which whitening averages
        #[arg(value_parser = ["rollout", "minibatch"])]
        gae_scope: String,
        /// Price of one nat of KL, in units of score
        kl_coef: f32,
        /// Steers kl_coef: off, or TARGET:HORIZON in nats and episodes
        #[arg(value_parser = adaptive_kl)]
        adaptive_kl: Value,
        /// Discount of later rewards
        gamma: f32,
        /// Decay of later surprises in generalised advantage estimation
        lambda: f32,
        /// The ratio counts only within 1 ± cliprange
        cliprange: f32,
        /// A value counts only within ± cliprange_value of its value at the rollout
        cliprange_value: f32,
        /// Factor on the value loss
        vf_coef: f32,
        /// Passes over each rollout
        num_ppo_epochs: usize,
        /// Optimizer steps in each pass
        num_mini_batches: usize,
        /// Divides the logits wherever a distribution is formed
        temperature: f32,
    }

    /// Flags of `nudge compare`.
    CompareFlags {
        /// Logits are divided by it; 0 takes the likeliest token
        temperature: f32,
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Prompts answered at once
        batch_size: usize,
        /// Answer pairs for each prompt
        pairs_per_prompt: usize,
        /// Seed of the noise, the same for both models
        seed: u64,
    }

    /// Flags of `nudge eval`.
    EvalFlags {
        /// Windows scored at once
        batch_size: usize,
    }
}

/// `off`, `replace:SCORE`, `subtract:PENALTY`.
fn missing_eos(text: &str) -> Result<Value, String> {
    let number = |text: &str| text.parse::<f32>().map_err(|_| format!("`{text}` is no number"));
    match text.split_once(':') {
        None if text == "off" => Ok("off".into()),
        Some((rule @ ("replace" | "subtract"), score)) => Ok(serde_json::json!({ rule: number(score)? })),
        _ => Err("give off, replace:SCORE or subtract:PENALTY".into()),
    }
}

/// `off`, `TARGET:HORIZON`.
fn adaptive_kl(text: &str) -> Result<Value, String> {
    let number = |text: &str| text.parse::<f32>().map_err(|_| format!("`{text}` is no number"));
    match text.split_once(':') {
        None if text == "off" => Ok(Value::Null),
        Some((target, horizon)) => Ok(serde_json::json!({ "target": number(target)?, "horizon": number(horizon)? })),
        None => Err("give off or TARGET:HORIZON, such as 6:10000".into()),
    }
}

/// Options of a stage from defaults, file and flags.
pub fn resolve<O>(flags: &impl Serialize, config: Option<&Path>) -> Result<O>
where
    O: Default + Serialize + DeserializeOwned,
{
    let file = config.map(read_config).transpose()?.unwrap_or_default();
    if let Some(path) = config {
        check_file::<O>(path, &file)?;
    }
    let mut options = object(&O::default())?;
    options.extend(file);
    options.extend(object(flags)?);
    Ok(serde_json::from_value(options.into())?)
}

/// Options of PPO: a preset, from the flag or the file's key `preset`, takes the place of the algorithm's defaults.
pub fn resolve_ppo(
    preset: Option<PpoPreset>,
    stage: &PpoFlags,
    algorithm: &PpoAlgorithmFlags,
    config: Option<&Path>,
) -> Result<PpoStageOptions> {
    let mut file = config.map(read_config).transpose()?.unwrap_or_default();
    let named = match (file.remove("preset"), config) {
        (Some(name), Some(path)) => {
            let name = name.as_str().unwrap_or_default().to_string();
            Some(name.parse::<PpoPreset>().with_context(|| path.display().to_string())?)
        }
        _ => None,
    };
    if let Some(path) = config {
        check_file::<PpoStageOptions>(path, &file)?;
    }
    let mut ppo = object(&preset.or(named).unwrap_or_default().options())?;
    if let Some(Value::Object(table)) = file.remove("ppo") {
        ppo.extend(table);
    }
    ppo.extend(object(algorithm)?);
    let mut options = object(&PpoStageOptions::default())?;
    options.extend(file);
    options.extend(object(stage)?);
    options.insert("ppo".into(), ppo.into());
    Ok(serde_json::from_value(options.into())?)
}

/// A struct as an object. By way of text, because that writes an `f32` as people do: 0.004, not 0.0040000001.
pub fn object(value: &impl Serialize) -> Result<Map<String, Value>> {
    Ok(serde_json::from_str(&serde_json::to_string(value)?)?)
}

/// The keys of a TOML file; `learning-rate` is `learning_rate`.
fn read_config(path: &Path) -> Result<Map<String, Value>> {
    let text = read_text(path)?;
    let table: toml::Table = toml::from_str(&text)
        .map_err(|error| anyhow::anyhow!("{}: {}", path.display(), error.to_string().trim_end()))?;
    Ok(underscored(object(&table)?))
}

fn underscored(table: Map<String, Value>) -> Map<String, Value> {
    let convert = |value| match value {
        Value::Object(inner) => Value::Object(underscored(inner)),
        other => other,
    };
    table.into_iter().map(|(key, value)| (key.replace('-', "_"), convert(value))).collect()
}

/// An error that names the file if a key or value is not one of the options.
fn check_file<O: DeserializeOwned>(path: &Path, file: &Map<String, Value>) -> Result<()> {
    match serde_json::from_value::<O>(Value::Object(file.clone())) {
        Ok(_) => Ok(()),
        Err(error) => bail!("{}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_session::options::SftOptions;
    use std::io::Write;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn flags_beat_the_file_and_the_file_beats_defaults() {
        let config = file("epochs = 5\nlearning-rate = 0.25\n");
        let flags = SftFlags { epochs: Some(2.0), ..Default::default() };
        let options: SftOptions = resolve(&flags, Some(config.path())).unwrap();
        assert_eq!(options, SftOptions { epochs: 2.0, learning_rate: 0.25, ..Default::default() });
    }

    #[test]
    fn an_unknown_key_is_named_with_its_file() {
        for text in ["epoch = 5", "[ppo]\nkl_coeff = 1.0"] {
            let config = file(text);
            let error = resolve_ppo(None, &PpoFlags::default(), &PpoAlgorithmFlags::default(), Some(config.path()));
            let error = error.unwrap_err().to_string();
            let key = if text.starts_with('[') { "kl_coeff" } else { "epoch" };
            assert!(error.contains(&format!("`{key}`")) && error.contains("expected one of"), "{error}");
            assert!(error.starts_with(&config.path().display().to_string()), "{error}");
        }
    }

    #[test]
    fn a_preset_lies_under_table_and_flags() {
        let config = file("preset = \"stiennon\"\nepisodes = 64\n[ppo]\nmissing_eos = { subtract = 2.0 }\n");
        let algorithm = PpoAlgorithmFlags { kl_coef: Some(0.5), ..Default::default() };
        let options = resolve_ppo(None, &PpoFlags::default(), &algorithm, Some(config.path())).unwrap();
        let mut expected = PpoPreset::Stiennon.options();
        expected.kl_coef = 0.5;
        expected.missing_eos = nudge_rlhf::MissingEos::Subtract(2.0);
        assert_eq!(options.ppo, expected);
        assert_eq!(options.episodes, 64);
        let flag = resolve_ppo(Some(PpoPreset::Trl), &PpoFlags::default(), &algorithm, Some(config.path())).unwrap();
        assert_eq!(flag.ppo.whiten_variance, nudge_rlhf::Variance::Unbiased);
    }

    #[test]
    fn rules_on_the_command_line_are_those_of_the_options() {
        let read = |flags: PpoAlgorithmFlags| resolve_ppo(None, &PpoFlags::default(), &flags, None).unwrap().ppo;
        let flags = PpoAlgorithmFlags {
            missing_eos: Some(missing_eos("replace:-1").unwrap()),
            adaptive_kl: Some(adaptive_kl("6:10000").unwrap()),
            ..Default::default()
        };
        let ppo = read(flags);
        assert_eq!(ppo.missing_eos, nudge_rlhf::MissingEos::Replace(-1.0));
        assert_eq!(ppo.adaptive_kl, Some(nudge_rlhf::AdaptiveKl { target: 6.0, horizon: 10_000.0 }));
        assert!(missing_eos("replace").is_err() && missing_eos("subtract:x").is_err() && adaptive_kl("6").is_err());
    }
}
