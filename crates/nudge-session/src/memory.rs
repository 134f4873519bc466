//! How much memory a command takes, told before it begins: from the sizes of models and records, without reading a
//! weight. About: within a third of what a run was measured to hold.

use crate::finetuning::{FinetuningOptions, is_large};
use crate::folder::Folder;
use crate::imitation::batch_size;
use crate::options::Options;
use crate::platform::activations_held;
use crate::protocol::Command;
use crate::stage::sample::draws;
use nudge_data::Prompt;
use nudge_model::{DecoderConfig, LoraConfig, Tensors, activation_bytes};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Bytes, by what they are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// The program, and a model's weights as they are kept.
    pub weights: usize,
    /// What trains, with its gradients, moments and the copy that did best.
    pub training: usize,
    /// Intermediate results of one forward and backward pass.
    pub activations: usize,
    /// Keys and values of the completions that are sampled at a time.
    pub cache: usize,
}

/// What a command does with its main model.
#[derive(Debug, Clone, Default)]
pub struct Use {
    /// How it trains, where it does.
    pub finetuning: Option<FinetuningOptions>,
    /// Models that train: PPO has a value model beside the policy.
    pub trained: usize,
    /// Tokens of one forward and backward pass.
    pub pass: usize,
    /// Tokens that are sampled at a time, with their prompts.
    pub rollout: usize,
}

/// The program without any model.
pub(crate) const PROGRAM: usize = 48 << 20;
/// Numbers for each that trains: itself, its gradient, two moments, and the copy that did best.
const NUMBERS_OF_TRAINED: usize = 5;
/// Characters of a token, at least; tokens that a chat template adds.
const CHARACTERS: usize = 3;
const TEMPLATE: usize = 40;

impl Needs {
    /// What `usage` of the model in `folder` takes.
    pub fn of(folder: &Folder, usage: &Use) -> Self {
        let config = &folder.config;
        let numbers = size_of::<f32>();
        let trains = match &usage.finetuning {
            None => 0,
            Some(finetuning) if finetuning.adapts(config, folder.has_adapter()) => {
                lora_numbers(&folder.tensors, &finetuning.lora())
            }
            Some(_) => config.parameter_count(),
        };
        let base = if is_large(config) { folder.stored_bytes() } else { numbers * config.parameter_count() };
        let held = is_large(config).then(activations_held);
        Self {
            weights: PROGRAM + base,
            training: usage.trained * trains * NUMBERS_OF_TRAINED * numbers,
            activations: if usage.trained > 0 { activation_bytes(config, usage.pass, held) } else { 0 },
            cache: usage.rollout.saturating_mul(cache_bytes(config)),
        }
    }

    /// Bytes in all.
    pub fn total(&self) -> usize {
        (self.weights + self.training + self.activations).saturating_add(self.cache)
    }

    /// Bytes that it takes even if the estimate is too high by as much as it may be.
    pub fn surely(&self) -> usize {
        self.total() / 3 * 2
    }

    /// What to do where it is too much.
    pub fn advice(&self) -> &'static str {
        let parts = [
            (self.weights, "take a smaller model, or the same in Q8_0 or Q4_0"),
            (self.training, "take finetuning lora, or a smaller lora_r"),
            (
                self.activations,
                "take a smaller batch_size with more gradient_accumulation_steps, or a smaller max_length",
            ),
            (self.cache, "take a smaller k or batch_size, or fewer max_new_tokens"),
        ];
        parts.into_iter().max_by_key(|(bytes, _)| *bytes).map_or("", |(_, advice)| advice)
    }
}

/// Numbers of the adapters of all matrices that `lora` adapts.
fn lora_numbers(tensors: &Tensors, lora: &LoraConfig) -> usize {
    let layout = |name| Some((name, <[usize; 2]>::try_from(tensors.layout(name)?.0).ok()?));
    let adapted = tensors.names().filter_map(layout).filter(|(name, shape)| lora.adapts(name, *shape));
    lora.r * adapted.map(|(_, [rows, columns])| rows + columns).sum::<usize>()
}

/// Keys and values of one token in all layers.
fn cache_bytes(config: &DecoderConfig) -> usize {
    2 * size_of::<f32>() * config.num_hidden_layers * config.num_key_value_heads * config.head_dim
}

/// Tokens of a prompt and its completion, about.
fn tokens(prompt: &Prompt, completion: &str, config: &DecoderConfig) -> usize {
    let characters = prompt.to_string().chars().count() + completion.chars().count();
    (characters / CHARACTERS + TEMPLATE).min(config.max_position_embeddings)
}

/// What `command` does with its main model, whose shape is `config`; nothing for commands without one.
pub fn usage(command: &Command, config: &DecoderConfig) -> Option<Use> {
    let longest = |rows: &mut dyn Iterator<Item = usize>| rows.max().unwrap_or(0);
    Some(match command {
        Command::Sft { demonstrations, options, .. } => {
            let rows = &mut demonstrations.iter().map(|one| tokens(&one.prompt, &one.completion, config));
            let pass = batch_size(options, config) * cut(longest(rows), options.passes.max_length);
            Use { finetuning: Some(options.passes.finetuning.clone()), trained: 1, pass, rollout: 0 }
        }
        Command::Reward { preferences, options, .. } => {
            let rows = &mut preferences.iter().filter_map(|one| ranking_tokens(one.comparison().ok()??, config));
            let pass = options.batch_size * longest(rows);
            Use { finetuning: Some(options.passes.finetuning.clone()), trained: 1, pass, rollout: 0 }
        }
        Command::Tune { method, prompts, preferences, .. } => {
            let options = json!(method)["options"].as_object().cloned().unwrap_or_default();
            let number = |name: &str| options.get(name).and_then(Value::as_u64).unwrap_or(0) as usize;
            let prompts = &mut prompts.iter().map(|prompt| tokens(prompt, "", config));
            let rows = &mut preferences.iter().filter_map(|one| ranking_tokens(one.judgement().ok()??, config));
            let rollout = number("batch_size") * (longest(prompts) + number("max_new_tokens"));
            let online = number("max_new_tokens") > 0;
            let pass =
                if online { rollout / number("num_mini_batches").max(1) } else { number("batch_size") * longest(rows) };
            let trained = if method.has("value_learning_rate") { 2 } else { 1 };
            Use { finetuning: Some(finetuning(options)), trained, pass, rollout: if online { rollout } else { 0 } }
        }
        Command::Sample { prompts, options, .. } => {
            let prompts = &mut prompts.iter().map(|prompt| tokens(prompt, "", config));
            // The completions of one prompt are sampled together.
            let rows = options.batch_size.max(draws(options, config, false).ok()?);
            Use { rollout: rows.saturating_mul(longest(prompts) + options.max_new_tokens), ..Use::default() }
        }
        _ => return None,
    })
}

fn cut(tokens: usize, longest: usize) -> usize {
    if longest == 0 { tokens } else { tokens.min(longest) }
}

/// Tokens of all completions of a ranking, padded to the longest.
fn ranking_tokens(ranking: nudge_data::Comparison, config: &DecoderConfig) -> Option<usize> {
    let rows = ranking.completions.iter().map(|completion| tokens(&ranking.prompt, completion, config));
    Some(rows.max()? * ranking.completions.len())
}

/// How a method trains, of its options.
fn finetuning(options: Map<String, Value>) -> FinetuningOptions {
    let own = FinetuningOptions::declared();
    let options = options.into_iter().filter(|(name, _)| own.iter().any(|option| option.name == name)).collect();
    FinetuningOptions::with(options).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of matrices that hold nothing but zeros.
    fn matrices(shapes: &[(&str, [usize; 2])]) -> Tensors {
        let (mut header, mut end) = (Map::new(), 0);
        for (name, shape) in shapes {
            let start = end;
            end += 4 * shape[0] * shape[1];
            header.insert((*name).into(), json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] }));
        }
        let header = Value::from(header).to_string();
        let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; end]].concat();
        Tensors::from_safetensors("model.safetensors", file.into()).unwrap()
    }

    #[test]
    fn adapters_count_where_they_are_asked_for() {
        let tensors = matrices(&[
            ("model.embed_tokens.weight", [50, 8]),
            ("model.layers.0.self_attn.q_proj.weight", [6, 8]),
            ("model.layers.0.mlp.up_proj.weight", [20, 8]),
            ("model.layers.0.input_layernorm.weight", [1, 8]),
        ]);
        let numbers = |targets: Option<&str>| {
            let options =
                FinetuningOptions { lora_r: 3, lora_target_modules: targets.map(String::from), ..Default::default() };
            lora_numbers(&tensors, &options.lora())
        };
        assert_eq!(numbers(None), 3 * (6 + 8 + 20 + 8));
        assert_eq!(numbers(Some("q_proj")), 3 * (6 + 8));
        assert_eq!(numbers(Some("mlp.up_proj, q_proj")), numbers(None));
    }
}
