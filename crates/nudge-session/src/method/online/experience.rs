//! What is learnt from: one rollout, scored, with log-probabilities and values of the training forward.
//!
//! Rows are `[prompt | answer]`: prompts padded on the left to one width, answers on the right to another, so
//! that answers start at the same column. Deliberately absent: sampling, gradients, optimizers,
//! advantages without a value model, which each method forms by itself.

use super::prompts::Answers;
use super::scores::{Normalizations, Scorer, scores};
use crate::SessionError;
use crate::protocol::Metrics;
use crate::readback::read_all;
use crate::rollout::Row;
use burn::tensor::{Device, Int, Tensor, TensorData};
use nudge_data::{PaddedBatch, Tokenizer, bucket};
use nudge_model::{Decoder, DecoderConfig, Frozen, ScalarModel, TokenBatch};
use nudge_rlhf::loss::kl::full_kl;
use nudge_rlhf::{
    EnsembleRule, GaeScope, KlEstimator, KlPlacement, PpoOptions, explained_variance, gae, masked_mean, per_token_kl,
    shaped_rewards, whiten,
};

/// Prompt widths are rounded up to this, so that few shapes occur.
const PROMPT_STEP: usize = 16;

/// The models that judge a rollout, none with a graph.
pub struct Models<'a> {
    /// The policy that sampled it.
    pub policy: &'a Frozen<Decoder>,
    /// Where the policy started.
    pub reference: &'a Frozen<Decoder>,
    /// Predicts the score from an unfinished answer; methods without one have no values.
    pub value: Option<&'a Frozen<ScalarModel>>,
    /// Scores an answer.
    pub scorer: &'a Scorer,
}

/// One rollout. All vectors are `[batch, time]` over answer tokens unless said otherwise.
pub struct Experience {
    pub(super) tokens: Vec<u32>,      // [batch, prompt_width + time]
    pub(super) token_mask: Vec<bool>, // [batch, prompt_width + time]
    pub(super) prompt_width: usize,
    pub(super) time: usize,
    /// Tokens of the answers.
    pub mask: Vec<bool>,
    pub(super) reward_mask: Vec<bool>,
    ended: Vec<bool>, // [batch]
    pub(super) logprobs: Vec<f32>,
    pub(super) ref_logprobs: Vec<f32>,
    sampled_logprobs: Vec<f32>,
    entropy: Vec<f32>,
    /// Values before each token; empty without a value model.
    pub values: Vec<f32>,
    /// The numbers of each reward model, `[members][batch]`.
    pub raw_scores: Vec<Vec<f32>>,
    /// Normalised, after the missing-EOS rule, `[batch]`.
    pub scores: Vec<f32>,
    kl: Vec<f32>,
    rewards: Vec<f32>,
    /// What each token is learnt by.
    pub advantages: Vec<f32>,
    pub(super) returns: Vec<f32>,
}

impl Experience {
    /// Scores the answers and recomputes log-probabilities and values, in one readback.
    pub async fn collect(
        models: &Models<'_>,
        answers: &Answers,
        time: usize,
        options: &PpoOptions,
        tokenizer: &Tokenizer,
        device: &Device,
    ) -> Result<Self, SessionError> {
        let Answers { prompts, rows, .. } = answers;
        let mut this = Self::laid_out(prompts, rows, time, options, tokenizer, &models.policy.config);
        let batch = this.token_batch(&models.policy.config, device);
        let targets = this.targets(device);
        let at = |hidden: Tensor<3>| hidden.narrow(1, this.prompt_width - 1, time);
        let hidden = at(models.policy.hidden(&batch));
        let (logprobs, entropy) =
            models.policy.logprobs_and_entropy(hidden.clone(), targets.clone(), options.temperature);
        let ref_hidden = at(models.reference.hidden(&batch));
        let mut wanted = vec![logprobs, entropy];
        if options.kl_estimator == KlEstimator::Full {
            let logits = models.policy.logits(hidden).div_scalar(options.temperature);
            let ref_logits = models.reference.logits(ref_hidden.clone()).div_scalar(options.temperature);
            wanted.push(full_kl(logits, ref_logits));
        }
        wanted.push(models.reference.logprobs(ref_hidden, targets, options.temperature));
        // Value and reward models may be of another size than the policy; positions depend on it.
        if let Some(value) = models.value {
            let batch = this.token_batch(&value.decoder.config, device);
            wanted.push(value.values(&batch).narrow(1, this.prompt_width - 1, time));
        }
        let rows_for = |model: &ScalarModel| this.token_batch(&model.decoder.config, device);
        wanted.extend(models.scorer.on_device(rows_for, &this.last_tokens(device)));
        let mut read = read_all(wanted).await?.into_iter();
        let mut next = || read.next().unwrap_or_default();
        (this.logprobs, this.entropy) = (next(), next());
        let full = (options.kl_estimator == KlEstimator::Full).then(&mut next);
        this.ref_logprobs = next();
        this.kl = this.kl_by(options.kl_estimator, full);
        if models.value.is_some() {
            this.values = next();
        }
        this.raw_scores = models.scorer.on_host(rows).map_or_else(|| read.collect(), |scores| vec![scores]);
        Ok(this)
    }

    /// KL at every token of the answers, `[batch, time]`: estimated, or `full` where it is exact.
    fn kl_by(&self, estimator: KlEstimator, full: Option<Vec<f32>>) -> Vec<f32> {
        match full {
            Some(kl) => kl.into_iter().zip(&self.mask).map(|(kl, real)| if *real { kl } else { 0.0 }).collect(),
            None => per_token_kl(estimator, &self.logprobs, &self.ref_logprobs, &self.mask),
        }
    }

    /// Tokens and masks, before any model has seen them.
    fn laid_out(
        prompts: &[Vec<u32>],
        rows: &[Row],
        time: usize,
        options: &PpoOptions,
        tokenizer: &Tokenizer,
        config: &DecoderConfig,
    ) -> Self {
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(1);
        let prompt_width = bucket(longest, PROMPT_STEP).min(config.max_position_embeddings - time).max(longest);
        let prompts = PaddedBatch::left(prompts, tokenizer.pad_id(), prompt_width);
        let answers: Vec<Vec<u32>> = rows.iter().map(|row| row.tokens.clone()).collect();
        let answers = PaddedBatch::right(&answers, tokenizer.pad_id(), time);
        let join = |row: usize| (row * prompt_width..(row + 1) * prompt_width, row * time..(row + 1) * time);
        let (mut tokens, mut token_mask) = (Vec::new(), Vec::new());
        for (prompt, answer) in (0..rows.len()).map(join) {
            tokens.extend_from_slice(&prompts.tokens[prompt.clone()]);
            tokens.extend_from_slice(&answers.tokens[answer.clone()]);
            token_mask.extend_from_slice(&prompts.mask[prompt]);
            token_mask.extend_from_slice(&answers.mask[answer]);
        }
        let sampled = rows.iter().flat_map(|row| {
            let padding = std::iter::repeat_n(0.0, time - row.logprobs.len());
            row.logprobs.iter().copied().chain(padding).collect::<Vec<f32>>()
        });
        Self {
            tokens,
            token_mask,
            prompt_width,
            time,
            reward_mask: options.score_index.reward_mask(&answers.mask, time),
            mask: answers.mask,
            ended: rows.iter().map(|row| row.ended).collect(),
            sampled_logprobs: sampled.collect(),
            logprobs: vec![],
            ref_logprobs: vec![],
            entropy: vec![],
            values: vec![],
            raw_scores: vec![],
            scores: vec![],
            kl: vec![],
            rewards: vec![],
            advantages: vec![],
            returns: vec![],
        }
    }

    /// Number of answers.
    pub fn len(&self) -> usize {
        self.ended.len()
    }

    /// Whether there is no answer.
    pub fn is_empty(&self) -> bool {
        self.ended.is_empty()
    }

    fn width(&self) -> usize {
        self.prompt_width + self.time
    }

    fn token_batch(&self, config: &DecoderConfig, device: &Device) -> TokenBatch {
        TokenBatch::new(&self.tokens, &self.token_mask, self.len(), self.width(), config, device)
    }

    /// Answer tokens, `[batch, time]`.
    fn targets(&self, device: &Device) -> Tensor<2, Int> {
        let answers: Vec<i32> = self
            .tokens
            .chunks(self.width())
            .flat_map(|row| row[self.prompt_width..].iter().map(|token| *token as i32))
            .collect();
        Tensor::from_data(TensorData::new(answers, [self.len(), self.time]), device)
    }

    /// Column of each row's last real token, `[batch]`.
    fn last_tokens(&self, device: &Device) -> Tensor<1, Int> {
        let last: Vec<i32> = self
            .token_mask
            .chunks(self.width())
            .map(|row| row.iter().rposition(|real| *real).unwrap_or(0) as i32)
            .collect();
        Tensor::from_data(last.as_slice(), device)
    }

    /// Scores from raw scores: gain and bias of each reward model, the ensemble's rule, then the missing-EOS rule.
    pub fn apply_normalizations(&mut self, normalizations: &Normalizations, rule: EnsembleRule, options: &PpoOptions) {
        let scores = scores(&self.raw_scores, normalizations, rule);
        let apply = |(score, ended): (f32, &bool)| options.missing_eos.apply(score, *ended);
        self.scores = scores.into_iter().zip(&self.ended).map(apply).collect();
    }

    /// KL at every token (unless it stands in the loss), the score at the last.
    pub fn shape_rewards(&mut self, options: &PpoOptions, kl_coef: f32) {
        let kl_coef = price(options, kl_coef);
        self.rewards = shaped_rewards(&self.kl, &self.scores, &self.mask, self.time, kl_coef, options.score_index);
        if options.whiten_rewards {
            self.rewards = whiten(&self.rewards, &self.reward_mask, options.whiten_variance, false);
        }
    }

    /// The reward of each answer as one action: its score minus the price of its KL, `[batch]`.
    pub fn answer_rewards(&self, options: &PpoOptions, kl_coef: f32) -> Vec<f32> {
        let kl_coef = price(options, kl_coef);
        self.scores.iter().enumerate().map(|(row, score)| score - kl_coef * self.kl_of(row)).collect()
    }

    /// GAE; whitened here unless that is done for each minibatch.
    pub fn estimate_advantages(&mut self, options: &PpoOptions) {
        let estimate = gae(&self.rewards, &self.values, &self.reward_mask, self.time, options.gamma, options.lambda);
        self.returns = estimate.returns;
        self.advantages = match options.gae_scope {
            GaeScope::Rollout => whiten(&estimate.advantages, &self.mask, options.whiten_variance, true),
            GaeScope::Minibatch => estimate.advantages,
        };
    }

    /// The step stops here if the policy has left the numbers: `name` and `step` (from 0) are for the error.
    pub fn check_kl(&self, name: &'static str, step: usize) -> Result<(), SessionError> {
        let value = self.mean_kl();
        match value.is_finite() {
            true => Ok(()),
            false => Err(SessionError::Diverged { stage: name, step: step + 1, what: "objective/kl", value }),
        }
    }

    /// Mean over answers of the KL to the reference, in nats.
    pub fn mean_kl(&self) -> f32 {
        self.kl.iter().sum::<f32>() / self.len() as f32
    }

    /// KL of one answer to the reference, in nats.
    pub fn kl_of(&self, row: usize) -> f32 {
        self.kl[row * self.time..(row + 1) * self.time].iter().sum()
    }

    /// What the rollout itself tells, by TRL's names.
    pub fn metrics(&self, options: &PpoOptions, kl_coef: f32) -> Metrics {
        let answers = self.len() as f64;
        let sum = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>();
        let kl = sum(&self.kl) / answers;
        let non_score = -f64::from(price(options, kl_coef)) * kl;
        let scores = sum(&self.scores) / answers;
        let real = self.mask.iter().filter(|real| **real).count() as f64;
        let difference: Vec<f32> =
            self.logprobs.iter().zip(&self.sampled_logprobs).map(|(a, b)| (a - b).abs()).collect();
        let negative_logprobs: Vec<f32> = self.logprobs.iter().map(|logprob| -logprob).collect();
        let mut metrics = Metrics::from([
            ("objective/kl".into(), kl),
            ("objective/sqrt_kl".into(), kl.max(0.0).sqrt()),
            ("objective/kl_coef".into(), kl_coef.into()),
            ("objective/entropy".into(), f64::from(masked_mean(&negative_logprobs, &self.mask)) * real / answers),
            ("objective/non_score_reward".into(), non_score),
            ("objective/scores".into(), scores),
            ("objective/rlhf_reward".into(), scores + non_score),
            ("policy/entropy_avg".into(), masked_mean(&self.entropy, &self.mask).into()),
            ("val/num_eos_tokens".into(), self.ended.iter().filter(|ended| **ended).count() as f64),
            ("completions/mean_length".into(), real / answers),
            ("completions/clipped_ratio".into(), self.ended.iter().filter(|ended| !**ended).count() as f64 / answers),
            ("sampling/logp_difference".into(), masked_mean(&difference, &self.mask).into()),
        ]);
        let values = (!self.values.is_empty()).then_some(&self.values);
        let explained = values.and_then(|values| explained_variance(values, &self.returns, &self.reward_mask));
        metrics.extend(explained.map(|explained| ("val/var_explained".to_string(), explained.into())));
        metrics
    }
}

/// What a nat of KL costs in reward.
fn price(options: &PpoOptions, kl_coef: f32) -> f32 {
    match options.kl_placement {
        KlPlacement::Reward => kl_coef,
        KlPlacement::Loss => 0.0,
    }
}
