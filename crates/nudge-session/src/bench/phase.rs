//! The phases: each keeps its models between two steps and makes the next step when asked.
//!
//! SFT and reward steps are the trainer's own on random rows; rollouts and PPO iterations are the stages' own code.

use super::size::{MINIBATCH, NEW_TOKENS, PAIR_TOKENS, PAIRS, PPO_EPOCHS, PROMPT_TOKENS, PROMPTS};
use super::{BenchOptions, Clock, Measured, Meter, Size};
use crate::SessionError;
use crate::finetuning::FinetuningOptions;
use crate::method::offline::OfflineOptions;
use crate::method::online::prompts::Prompts;
use crate::method::online::scores::Scorer;
use crate::method::online::{Completions, Estimated, OnlineOptions};
use crate::method::ppo::{Ppo, PpoOptions};
use crate::method::{EncodedRankings, Material};
use crate::rollout::Rollout;
use crate::trainer::{Trainer, training_device};
use burn::tensor::{Device, Tensor};
use nudge_data::{Prompt, Rng, Tokenizer, tokenizer::MIN_VOCAB_SIZE};
use nudge_model::{Decoder, OptimizerOptions, SamplingOptions, ScalarModel, TokenBatch};
use nudge_rlhf::{LearningRate, pairwise_loss};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A step of instruction tuning: next-token loss, backward, clipping, AdamW.
    Sft,
    /// A step of the reward model on 64 pairs of 96 tokens.
    Reward,
    /// Prompts of 32 tokens answered with 64 tokens each.
    Rollout,
    /// That rollout, its scores, four passes of minibatches of 8; policy, value, reference and reward model separate.
    Ppo,
}

impl Phase {
    /// All, in the order of the recipe.
    pub const ALL: [Self; 4] = [Self::Sft, Self::Reward, Self::Rollout, Self::Ppo];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sft => "sft",
            Self::Reward => "reward",
            Self::Rollout => "rollout",
            Self::Ppo => "ppo",
        }
    }
}

/// A phase under way; one lives at a time.
#[allow(clippy::large_enum_variant)]
pub(super) enum Subject {
    Sft { trainer: Trainer<Decoder>, rows: TokenBatch },
    Reward { trainer: Trainer<ScalarModel>, rows: TokenBatch, pairs: Pairs },
    Rollout { model: Decoder, prompts: Vec<Vec<u32>>, tokenizer: Tokenizer, rng: Rng },
    Ppo(Box<Ppo>),
}

/// Which completions are compared, and where each one's last token stands.
pub(super) struct Pairs {
    last: Tensor<1, burn::tensor::Int>,
    winners: Tensor<1, burn::tensor::Int>,
    losers: Tensor<1, burn::tensor::Int>,
    weights: Tensor<1>,
}

const LEARNING_RATE: f64 = 1e-4;

impl Subject {
    pub(super) fn new(phase: Phase, size: Size, options: &BenchOptions, device: &Device) -> Result<Self, SessionError> {
        let (config, seed) = (size.config(), options.seed);
        let mut rng = Rng::new(seed);
        let model = Decoder::init(&config, seed, device);
        let schedule = LearningRate::new(LEARNING_RATE, usize::MAX);
        let mut rows = |batch: usize, time: usize| {
            let tokens = random_tokens(&mut rng, batch * time, config.vocab_size);
            TokenBatch::new(&tokens, &vec![true; batch * time], batch, time, &config, &training_device(device))
        };
        Ok(match phase {
            Phase::Sft => {
                let [batch, time] = size.training_rows();
                let rows = rows(batch, time);
                let trainer = Trainer::new(model, OptimizerOptions::default(), schedule, "SFT");
                Self::Sft { trainer, rows }
            }
            Phase::Reward => {
                let rows = rows(2 * PAIRS, PAIR_TOKENS);
                let model = ScalarModel::on(&model, seed);
                let trainer = Trainer::new(model, OptimizerOptions::default(), schedule, "reward");
                Self::Reward { trainer, rows, pairs: Pairs::new(&training_device(device)) }
            }
            Phase::Rollout => {
                let prompts = random_prompts(&mut rng, options.prompts, config.vocab_size);
                Self::Rollout { model, prompts, tokenizer: tokenizer()?, rng }
            }
            Phase::Ppo => Self::Ppo(Box::new(ppo(model, seed, device)?)),
        })
    }

    /// One step, in its parts; the first part is the whole.
    pub(super) async fn step(&mut self, clock: &Clock<'_, impl Meter>) -> Result<Vec<Measured>, SessionError> {
        match self {
            Self::Sft { trainer, rows } => {
                let step = trainer.step(|model| model.next_token_logprobs(rows, 1.0).mean().neg());
                Ok(vec![clock.measure("sft", step).await?.1])
            }
            Self::Reward { trainer, rows, pairs } => {
                let step = trainer.step(|model| pairs.loss(model, rows));
                Ok(vec![clock.measure("reward", step).await?.1])
            }
            Self::Rollout { model, prompts, tokenizer, rng } => {
                let seeds: Vec<u64> = prompts.iter().map(|_| rng.next_u64()).collect();
                let completions = async {
                    let options = SamplingOptions::default();
                    let rollout = Rollout::new(&model.frozen(), tokenizer, prompts, seeds, NEW_TOKENS, options);
                    rollout.at_full_length().finish().await
                };
                Ok(vec![clock.measure("rollout", completions).await?.1])
            }
            Self::Ppo(ppo) => {
                let (completions, rollout) = clock.measure("ppo/rollout", ppo.online.sample(1)).await?;
                let (estimated, score) = clock.measure("ppo/score", estimated(ppo, completions)).await?;
                let (_, update) = clock.measure("ppo/update", ppo.optimise(&estimated)).await?;
                Ok(vec![whole("ppo", &[rollout, score, update]), rollout, score, update])
            }
        }
    }
}

/// Parts one behind the other as one.
fn whole(phase: &'static str, parts: &[Measured]) -> Measured {
    Measured {
        phase,
        seconds: parts.iter().map(|part| part.seconds).sum(),
        launches: parts.iter().map(|part| part.launches).sum(),
        submits: parts.iter().map(|part| part.submits).sum(),
        readbacks: parts.iter().map(|part| part.readbacks).sum(),
    }
}

impl Pairs {
    fn new(device: &Device) -> Self {
        let indices = |of: &dyn Fn(i32) -> i32, count: usize| -> Tensor<1, burn::tensor::Int> {
            Tensor::from_data((0..count as i32).map(of).collect::<Vec<_>>().as_slice(), device)
        };
        Self {
            last: indices(&|_| PAIR_TOKENS as i32 - 1, 2 * PAIRS),
            winners: indices(&|pair| 2 * pair, PAIRS),
            losers: indices(&|pair| 2 * pair + 1, PAIRS),
            weights: Tensor::full([PAIRS], 1.0 / PAIRS as f32, device),
        }
    }

    fn loss(&self, model: &ScalarModel, rows: &TokenBatch) -> Tensor<1> {
        let rewards = model.score_at(rows, self.last.clone());
        let (winners, losers, weights) = (self.winners.clone(), self.losers.clone(), self.weights.clone());
        pairwise_loss(rewards, winners, losers, weights, None, 0.0).loss
    }
}

/// Phases 2 to 5 of PPO.
async fn estimated(ppo: &mut Ppo, completions: Completions) -> Result<Estimated, SessionError> {
    let collected = ppo.online.collect(completions, Some(&ppo.value.model.frozen())).await?;
    let scored = ppo.score(collected);
    let rewards = ppo.shape_rewards(&scored);
    Ok(ppo.estimate_advantages(scored, &rewards))
}

/// A PPO run from random models whose completions have their full length.
fn ppo(start: Decoder, seed: u64, device: &Device) -> Result<Ppo, SessionError> {
    let online = OnlineOptions {
        num_iterations: PPO_EPOCHS,
        num_mini_batches: PROMPTS / MINIBATCH,
        episodes: PROMPTS << 20,
        batch_size: PROMPTS,
        max_new_tokens: NEW_TOKENS,
        seed,
        ..PpoOptions::default().online
    };
    let options = PpoOptions { online, ..PpoOptions::default() };
    Ppo::new(options, &RandomModels { start, tokenizer: tokenizer()?, seed }, device)
}

/// Models of random weights, and prompts of random tokens.
struct RandomModels {
    start: Decoder,
    tokenizer: Tokenizer,
    seed: u64,
}

impl Material for RandomModels {
    fn policy(&self, _: &FinetuningOptions, _: u64, _device: &Device) -> Result<Decoder, SessionError> {
        Ok(self.start.clone())
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn scorer(&self, _device: &Device) -> Result<Scorer, SessionError> {
        Ok(Scorer::RewardModels(vec![ScalarModel::on(&self.start, self.seed + 1).frozen()]))
    }

    fn reward_model(&self, _: &FinetuningOptions, _: u64, _device: &Device) -> Result<ScalarModel, SessionError> {
        Ok(ScalarModel::on(&self.start, self.seed + 2))
    }

    fn prompts(&self, _max_new_tokens: usize) -> Result<Prompts, SessionError> {
        let encoded = random_prompts(&mut Rng::new(self.seed), PROMPTS, self.start.config.vocab_size);
        let texts = vec![Prompt::from(""); encoded.len()];
        Ok(Prompts::encoded(texts, encoded, self.tokenizer.clone()).at_full_length())
    }

    fn rankings(&self, _labels: bool, _options: &OfflineOptions) -> Result<EncodedRankings, SessionError> {
        Ok(Default::default())
    }

    fn pretraining_texts(&self) -> &[String] {
        &[]
    }
}

/// For its pad token alone.
fn tokenizer() -> Result<Tokenizer, SessionError> {
    Ok(Tokenizer::train(["."].into_iter(), MIN_VOCAB_SIZE)?)
}

fn random_prompts(rng: &mut Rng, count: usize, vocab_size: usize) -> Vec<Vec<u32>> {
    (0..count).map(|_| random_tokens(rng, PROMPT_TOKENS, vocab_size)).collect()
}

fn random_tokens(rng: &mut Rng, count: usize, vocab_size: usize) -> Vec<u32> {
    (0..count).map(|_| (rng.next_u64() % vocab_size as u64) as u32).collect()
}
