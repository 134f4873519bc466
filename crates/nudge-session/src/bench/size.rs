//! The named shapes, and how much arithmetic and memory traffic each phase has at least.

use nudge_model::DecoderConfig;

/// A named shape: Llama architecture, f32, the embedding tied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 32 wide, 2 layers.
    Test,
    /// 128 wide, 4 layers.
    Tiny,
    /// The built-in model's shape.
    Builtin,
    /// 256 wide, 6 layers.
    Small,
    /// 576 wide, 30 layers, as SmolLM2-135M.
    Medium,
}

/// Prompts of a PPO iteration, and of a rollout where no other number is asked for.
pub const PROMPTS: usize = 32;
/// Tokens of each.
pub const PROMPT_TOKENS: usize = 32;
/// Tokens sampled behind each.
pub const NEW_TOKENS: usize = 64;
/// Passes over a rollout.
pub const PPO_EPOCHS: usize = 4;
/// Completions of a minibatch.
pub const MINIBATCH: usize = 8;
/// Pairs of a reward step.
pub const PAIRS: usize = 64;
/// Tokens of each of their completions, the prompt among them.
pub const PAIR_TOKENS: usize = 96;

/// Bytes of an `f32`.
const FLOAT: f64 = 4.0;
/// AdamW reads weight, gradient and two moments and writes three of them; backward writes the gradient, forward and
/// backward read the weight.
const TRAFFIC_OF_TRAINING: f64 = 10.0;

/// What a step of a phase does at least.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    /// Tokens trained on, or sampled.
    pub tokens: f64,
    /// Floating-point operations of matrix products.
    pub operations: f64,
    /// Bytes of weights, gradients, moments and caches that move.
    pub bytes: f64,
}

impl Work {
    fn plus(self, other: Self) -> Self {
        Self { tokens: self.tokens, operations: self.operations + other.operations, bytes: self.bytes + other.bytes }
    }

    fn times(self, times: f64) -> Self {
        Self { tokens: self.tokens, operations: self.operations * times, bytes: self.bytes * times }
    }
}

impl Size {
    /// All, the smallest first.
    pub const ALL: [Self; 5] = [Self::Test, Self::Tiny, Self::Builtin, Self::Small, Self::Medium];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Tiny => "tiny",
            Self::Builtin => "builtin",
            Self::Small => "small",
            Self::Medium => "medium",
        }
    }

    /// Its model.
    pub fn config(self) -> DecoderConfig {
        match self {
            Self::Test => DecoderConfig::new(256, 32, 2, 2, 96, 128),
            Self::Tiny => DecoderConfig::new(2048, 128, 4, 4, 352, 128),
            Self::Builtin => DecoderConfig::builtin(2048),
            Self::Small => DecoderConfig::new(4096, 256, 6, 8, 704, 128),
            Self::Medium => {
                let config = DecoderConfig::new(49_152, 576, 30, 9, 1536, 256);
                DecoderConfig { num_key_value_heads: 3, ..config }
            }
        }
    }

    /// Rows of a training step and tokens of each.
    pub fn training_rows(self) -> [usize; 2] {
        match self {
            Self::Test => [4, 32],
            Self::Tiny | Self::Builtin => [8, 128],
            Self::Small => [16, 128],
            Self::Medium => [4, 256],
        }
    }

    /// What a step of `phase` does at least; `prompts` is for the phase `rollout` alone.
    pub fn work(self, phase: &str, prompts: usize) -> Work {
        let [rows, time] = self.training_rows();
        let completions = Shape { rows: PROMPTS, time: PROMPT_TOKENS + NEW_TOKENS };
        let prompts = if phase == "rollout" { prompts } else { PROMPTS };
        let work = match phase {
            "sft" => self.training(Shape { rows, time }, time - 1),
            "reward" => self.training(Shape { rows: 2 * PAIRS, time: PAIR_TOKENS }, 0),
            "rollout" | "ppo/rollout" => self.rollout(prompts),
            "ppo/score" => self.scoring(completions),
            "ppo/update" => self.updates(completions),
            _ => self.rollout(prompts).plus(self.scoring(completions)).plus(self.updates(completions)),
        };
        let tokens = match phase {
            "sft" => (rows * time) as f64,
            "reward" => (2 * PAIRS * PAIR_TOKENS) as f64,
            _ => (prompts * NEW_TOKENS) as f64,
        };
        Work { tokens, ..work }
    }

    /// Numbers in the matrices inside the layers.
    fn layer_weights(self) -> f64 {
        let config = self.config();
        (config.parameter_count() - config.vocab_size * config.hidden_size) as f64
    }

    /// Forward through the layers, and the unembedding at `predicted` places of a row.
    fn forward(self, rows: Shape, predicted: usize) -> Work {
        let config = self.config();
        let tokens = (rows.rows * rows.time) as f64;
        let attention = rows.rows as f64
            * (rows.time * (rows.time + 1) / 2) as f64
            * (4 * config.num_hidden_layers * config.num_attention_heads * config.head_dim) as f64;
        let unembedding = 2.0 * (rows.rows * predicted * config.vocab_size * config.hidden_size) as f64;
        Work {
            operations: 2.0 * tokens * self.layer_weights() + attention + unembedding,
            bytes: FLOAT * config.parameter_count() as f64,
            ..Work::default()
        }
    }

    /// Backward is two products for each of forward.
    fn training(self, rows: Shape, predicted: usize) -> Work {
        let Work { operations, bytes, .. } = self.forward(rows, predicted);
        Work { operations: 3.0 * operations, bytes: TRAFFIC_OF_TRAINING * bytes, ..Work::default() }
    }

    /// The prompts, then a pass over weights and cache for each token.
    fn rollout(self, prompts: usize) -> Work {
        let config = self.config();
        let cache = |time: usize| {
            FLOAT
                * (2 * prompts * time * config.num_hidden_layers * config.num_key_value_heads * config.head_dim) as f64
        };
        let read = self.forward(Shape { rows: prompts, time: PROMPT_TOKENS }, 1);
        (PROMPT_TOKENS + 1..PROMPT_TOKENS + NEW_TOKENS).fold(read, |work, time| {
            let attention =
                (4 * prompts * time * config.num_hidden_layers * config.num_attention_heads * config.head_dim) as f64;
            let token = self.forward(Shape { rows: prompts, time: 0 }, 1);
            let layers = 2.0 * prompts as f64 * self.layer_weights();
            let operations = token.operations + layers + attention;
            work.plus(Work { operations, bytes: token.bytes + cache(time), ..Work::default() })
        })
    }

    /// Policy and reference give log-probabilities, value and reward model one number a place.
    fn scoring(self, rows: Shape) -> Work {
        self.forward(rows, NEW_TOKENS).times(2.0).plus(self.forward(rows, 0).times(2.0))
    }

    fn updates(self, rows: Shape) -> Work {
        let minibatch = Shape { rows: MINIBATCH, ..rows };
        let both = self.training(minibatch, NEW_TOKENS).plus(self.training(minibatch, 0));
        both.times((PPO_EPOCHS * PROMPTS / MINIBATCH) as f64)
    }
}

/// Rows of tokens.
#[derive(Debug, Clone, Copy)]
struct Shape {
    rows: usize,
    time: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_step_is_six_operations_a_weight_and_token_and_attention() {
        let work = Size::Tiny.work("sft", PROMPTS);
        let weights = Size::Tiny.config().parameter_count() as f64;
        let least = 6.0 * weights * work.tokens;
        assert!(work.operations > 0.98 * least && work.operations < 1.2 * least, "{} of {least}", work.operations);
    }

    #[test]
    fn the_parts_of_an_iteration_add_up() {
        for size in Size::ALL {
            let whole = size.work("ppo", PROMPTS).operations;
            let parts: f64 =
                ["ppo/rollout", "ppo/score", "ppo/update"].iter().map(|part| size.work(part, PROMPTS).operations).sum();
            assert!((whole / parts - 1.0).abs() < 1e-9);
        }
    }
}
