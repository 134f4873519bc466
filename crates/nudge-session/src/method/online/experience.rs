//! What is learnt from, in three states, each made of the one before: a rollout that the models have read
//! ([`Collected`]), with its scores ([`Scored`]), with its advantages ([`Estimated`]).
//!
//! Rows are `[prompt | completion]`: prompts padded on the left to one width, completions on the right to another, so
//! that completions start at the same column.

use super::OnlineOptions;
use super::prompts::Completions;
use super::scores::Scorer;
use crate::SessionError;
use crate::protocol::Metrics;
use crate::readback::{finite, read_all};
use burn::tensor::{Device, Int, Tensor, TensorData};
use nudge_data::{PaddedBatch, bucket};
use nudge_model::{Decoder, DecoderConfig, Frozen, ScalarModel, TokenBatch};
use nudge_rlhf::loss::kl::full_kl;
use nudge_rlhf::{KlEstimator, KlPlacement, masked_mean, per_token_kl};
use std::ops::Deref;

/// Prompt widths are rounded up to this, so that few shapes occur.
const PROMPT_STEP: usize = 16;

/// The models that read a rollout, none with a graph.
pub struct Models<'a> {
    /// The policy that sampled it.
    pub policy: &'a Frozen<Decoder>,
    /// Where the policy started.
    pub reference: &'a Frozen<Decoder>,
    /// Predicts the score from an unfinished completion; methods without one have no values.
    pub value: Option<&'a Frozen<ScalarModel>>,
    /// Scores a completion.
    pub scorer: &'a Scorer,
}

/// How a rollout is measured.
#[derive(Debug, Clone, Copy)]
pub struct Collecting {
    /// Columns of completions.
    pub time: usize,
    /// Divides the logits.
    pub temperature: f32,
    /// Of the KL to the reference.
    pub kl_estimator: KlEstimator,
}

/// A rollout that the models have read. Numbers are `[batch, time]` over the tokens of the completions.
pub struct Collected {
    /// What was sampled.
    pub completions: Completions,
    /// Where it lies in rows.
    pub(super) rows: Rows,
    /// Tokens of the completions.
    pub mask: Vec<bool>,
    /// Of the policy that sampled, by the training forward.
    pub logprobs: Vec<f32>,
    /// Of the reference.
    pub ref_logprobs: Vec<f32>,
    entropy: Vec<f32>,
    /// To the reference at every token, in nats; 0 where nothing was sampled.
    pub kl: Vec<f32>,
    /// Values before each token; empty without a value model.
    pub values: Vec<f32>,
    /// The numbers of each reward model, `[members][batch]`.
    pub raw_scores: Vec<Vec<f32>>,
}

/// A rollout with its scores.
pub struct Scored {
    /// What it was made of.
    pub collected: Collected,
    /// After gain, bias, the ensemble's rule and the missing-EOS rule, `[batch]`.
    pub scores: Vec<f32>,
}

/// A rollout with its advantages.
pub struct Estimated {
    /// What it was made of.
    pub scored: Scored,
    /// What each token is learnt by, `[batch, time]`.
    pub advantages: Vec<f32>,
    /// Targets of the value model, `[batch, time]`; empty without one.
    pub returns: Vec<f32>,
    /// Where values and rewards count, `[batch, time]`.
    pub reward_mask: Vec<bool>,
}

impl Deref for Scored {
    type Target = Collected;

    fn deref(&self) -> &Collected {
        &self.collected
    }
}

impl Deref for Estimated {
    type Target = Scored;

    fn deref(&self) -> &Scored {
        &self.scored
    }
}

/// Prompts and completions side by side, `[batch, prompt_width + time]`.
pub(super) struct Rows {
    pub tokens: Vec<u32>,
    pub mask: Vec<bool>,
    pub prompt_width: usize,
    pub time: usize,
}

impl Collected {
    /// Lets the models read the completions, in one readback. `pad` fills rows.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn new(
        models: &Models<'_>,
        completions: Completions,
        options: Collecting,
        pad: u32,
        device: &Device,
    ) -> Result<Self, SessionError> {
        let Collecting { time, temperature, kl_estimator } = options;
        let (rows, mask) = Rows::new(&completions, time, pad, &models.policy.config);
        let batch = rows.token_batch(&models.policy.config, device);
        let targets = rows.targets(device);
        let at = |hidden: Tensor<3>| hidden.narrow(1, rows.prompt_width - 1, time);
        let hidden = at(models.policy.hidden(&batch));
        let (logprobs, entropy) = models.policy.logprobs_and_entropy(hidden.clone(), targets.clone(), temperature);
        let ref_hidden = at(models.reference.hidden(&batch));
        let mut wanted = vec![logprobs, entropy];
        let exact = kl_estimator == KlEstimator::Full;
        if exact {
            let logits = models.policy.logits(hidden).div_scalar(temperature);
            let ref_logits = models.reference.logits(ref_hidden.clone()).div_scalar(temperature);
            wanted.push(full_kl(logits, ref_logits));
        }
        wanted.push(models.reference.logprobs(ref_hidden, targets, temperature));
        // Value and reward models may be of another size than the policy; positions depend on it.
        if let Some(value) = models.value {
            let batch = rows.token_batch(&value.decoder.config, device);
            wanted.push(value.values(&batch).narrow(1, rows.prompt_width - 1, time));
        }
        let rows_for = |model: &ScalarModel| rows.token_batch(&model.decoder.config, device);
        wanted.extend(models.scorer.on_device(rows_for, &rows.last_tokens(device)));
        let mut read = read_all(wanted).await?.into_iter();
        let mut next = || read.next().unwrap_or_default();
        let (logprobs, entropy) = (next(), next());
        let exact_kl = exact.then(&mut next);
        let ref_logprobs = next();
        let kl = match exact_kl {
            Some(kl) => kl.into_iter().zip(&mask).map(|(kl, real)| if *real { kl } else { 0.0 }).collect(),
            None => per_token_kl(kl_estimator, &logprobs, &ref_logprobs, &mask),
        };
        let values = if models.value.is_some() { next() } else { vec![] };
        let raw_scores: Vec<_> =
            models.scorer.on_host(&completions.completions).map_or_else(|| read.collect(), |scores| vec![scores]);
        let raw_scores = raw_scores.into_iter().map(|scores| finite("a reward", scores)).collect::<Result<_, _>>()?;
        Ok(Self { completions, rows, mask, logprobs, ref_logprobs, entropy, kl, values, raw_scores })
    }

    /// Number of completions.
    pub fn len(&self) -> usize {
        self.completions.completions.len()
    }

    /// Whether there is no completion.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Columns of completions.
    pub fn time(&self) -> usize {
        self.rows.time
    }

    /// Whether each completion has its end token.
    pub fn ended(&self) -> impl Iterator<Item = &bool> {
        self.completions.completions.iter().map(|completion| &completion.ended)
    }

    /// The hidden states before one completion's tokens under `policy` as it stands, `[1, time, hidden]`, and the
    /// tokens, `[1, time]`.
    pub(super) fn hidden_of(
        &self,
        row: usize,
        policy: &Frozen<Decoder>,
        device: &Device,
    ) -> (Tensor<3>, Tensor<2, Int>) {
        let (rows, width) = (&self.rows, self.rows.width());
        let row = row * width..(row + 1) * width;
        let one = Rows {
            tokens: rows.tokens[row.clone()].to_vec(),
            mask: rows.mask[row].to_vec(),
            prompt_width: rows.prompt_width,
            time: rows.time,
        };
        let hidden = policy.hidden(&one.token_batch(&policy.config, device));
        (hidden.narrow(1, rows.prompt_width - 1, rows.time), one.targets(device))
    }

    /// Mean over completions of the KL to the reference, in nats.
    pub fn mean_kl(&self) -> f32 {
        self.kl.iter().sum::<f32>() / self.len() as f32
    }

    /// KL of one completion to the reference, in nats.
    pub fn kl_of(&self, row: usize) -> f32 {
        self.kl[row * self.time()..(row + 1) * self.time()].iter().sum()
    }
}

impl Scored {
    /// What the rollout itself tells, by TRL's names.
    pub fn metrics(&self, options: &OnlineOptions, kl_coef: f32) -> Metrics {
        let count = self.len() as f64;
        let sum = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>();
        let kl = sum(&self.kl) / count;
        let non_score = -f64::from(price(options, kl_coef)) * kl;
        let scores = sum(&self.scores) / count;
        let real = self.mask.iter().filter(|real| **real).count() as f64;
        let ended = self.ended().filter(|ended| **ended).count() as f64;
        let negative_logprobs: Vec<f32> = self.logprobs.iter().map(|logprob| -logprob).collect();
        Metrics::from([
            ("objective/kl".into(), kl),
            ("objective/sqrt_kl".into(), kl.max(0.0).sqrt()),
            ("objective/kl_coef".into(), kl_coef.into()),
            ("objective/entropy".into(), f64::from(masked_mean(&negative_logprobs, &self.mask)) * real / count),
            ("objective/non_score_reward".into(), non_score),
            ("objective/scores".into(), scores),
            ("objective/rlhf_reward".into(), scores + non_score),
            ("policy/entropy_avg".into(), masked_mean(&self.entropy, &self.mask).into()),
            ("val/num_eos_tokens".into(), ended),
            ("completions/mean_length".into(), real / count),
            ("completions/clipped_ratio".into(), (count - ended) / count),
            ("sampling/logp_difference".into(), masked_mean(&self.logprob_differences(), &self.mask).into()),
        ])
    }

    /// Between the log-probabilities of the training forward and those of sampling, which should be rounding.
    fn logprob_differences(&self) -> Vec<f32> {
        let sampled = self.completions.completions.iter().flat_map(|completion| {
            let padding = std::iter::repeat_n(0.0, self.time() - completion.logprobs.len());
            completion.logprobs.iter().copied().chain(padding)
        });
        self.logprobs.iter().zip(sampled).map(|(a, b)| (a - b).abs()).collect()
    }
}

/// What a nat of KL costs in reward.
pub fn price(options: &OnlineOptions, kl_coef: f32) -> f32 {
    match options.kl_placement {
        KlPlacement::Reward => kl_coef,
        KlPlacement::Loss => 0.0,
    }
}

impl Rows {
    /// Prompts and completions side by side, and the mask of the completions, `[batch, time]`.
    fn new(completions: &Completions, time: usize, pad: u32, config: &DecoderConfig) -> (Self, Vec<bool>) {
        let Completions { prompts, completions, .. } = completions;
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(1);
        let prompt_width = bucket(longest, PROMPT_STEP).min(config.max_position_embeddings - time).max(longest);
        let prompts = PaddedBatch::left(prompts, pad, prompt_width);
        let written: Vec<Vec<u32>> = completions.iter().map(|completion| completion.tokens.clone()).collect();
        let written = PaddedBatch::right(&written, pad, time);
        let mut this = Self { tokens: vec![], mask: vec![], prompt_width, time };
        for row in 0..completions.len() {
            let (prompt, completion) = (row * prompt_width..(row + 1) * prompt_width, row * time..(row + 1) * time);
            this.tokens.extend_from_slice(&prompts.tokens[prompt.clone()]);
            this.tokens.extend_from_slice(&written.tokens[completion.clone()]);
            this.mask.extend_from_slice(&prompts.mask[prompt]);
            this.mask.extend_from_slice(&written.mask[completion]);
        }
        (this, written.mask)
    }

    pub fn width(&self) -> usize {
        self.prompt_width + self.time
    }

    fn len(&self) -> usize {
        self.tokens.len() / self.width()
    }

    fn token_batch(&self, config: &DecoderConfig, device: &Device) -> TokenBatch {
        TokenBatch::new(&self.tokens, &self.mask, self.len(), self.width(), config, device)
    }

    /// Tokens of the completions, `[batch, time]`.
    fn targets(&self, device: &Device) -> Tensor<2, Int> {
        let tokens = self.tokens.chunks(self.width());
        let targets: Vec<i32> =
            tokens.flat_map(|row| row[self.prompt_width..].iter().map(|token| *token as i32)).collect();
        Tensor::from_data(TensorData::new(targets, [self.len(), self.time]), device)
    }

    /// Column of each row's last real token, `[batch]`.
    fn last_tokens(&self, device: &Device) -> Tensor<1, Int> {
        let last = self.mask.chunks(self.width()).map(|row| row.iter().rposition(|real| *real).unwrap_or(0) as i32);
        Tensor::from_data(last.collect::<Vec<_>>().as_slice(), device)
    }
}
