//! What PPO learns from: one rollout, scored, with log-probabilities and values of the training forward.
//!
//! Rows are `[prompt | answer]`: prompts padded on the left to one width, answers on the right to another, so
//! that answers start at the same column. Deliberately absent: sampling, gradients, optimizers.

use crate::SessionError;
use crate::protocol::Metrics;
use crate::readback::read_all;
use crate::rollout::Row;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use nudge_data::{PaddedBatch, Tokenizer, bucket};
use nudge_model::{Decoder, DecoderConfig, Frozen, ScalarModel, TokenBatch};
use nudge_rlhf::{
    GaeScope, PpoOptions, RewardNormalization, entropy, explained_variance, gae, masked_mean, per_token_kl,
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
    /// Predicts the score from an unfinished answer.
    pub value: &'a Frozen<ScalarModel>,
    /// Scores an answer.
    pub reward_model: &'a Frozen<ScalarModel>,
}

/// One rollout. All vectors are `[batch, time]` over answer tokens unless said otherwise.
pub struct Experience {
    tokens: Vec<u32>,      // [batch, prompt_width + time]
    token_mask: Vec<bool>, // [batch, prompt_width + time]
    prompt_width: usize,
    time: usize,
    mask: Vec<bool>,
    reward_mask: Vec<bool>,
    ended: Vec<bool>, // [batch]
    logprobs: Vec<f32>,
    ref_logprobs: Vec<f32>,
    sampled_logprobs: Vec<f32>,
    entropy: Vec<f32>,
    /// Values before each token.
    pub values: Vec<f32>,
    /// The reward model's numbers, `[batch]`.
    pub raw_scores: Vec<f32>,
    /// Normalised, after the missing-EOS rule, `[batch]`.
    pub scores: Vec<f32>,
    kl: Vec<f32>,
    rewards: Vec<f32>,
    advantages: Vec<f32>,
    returns: Vec<f32>,
}

impl Experience {
    /// Scores the answers and recomputes log-probabilities and values, in one readback.
    pub async fn collect(
        models: &Models<'_>,
        prompts: &[Vec<u32>],
        rows: &[Row],
        time: usize,
        options: &PpoOptions,
        tokenizer: &Tokenizer,
        device: &Device,
    ) -> Result<Self, SessionError> {
        let mut this = Self::laid_out(prompts, rows, time, options, tokenizer, &models.policy.config);
        let batch = this.token_batch(&models.policy.config, device);
        let targets = this.targets(device);
        let at = |hidden: Tensor<3>| hidden.narrow(1, this.prompt_width - 1, time);
        let hidden = at(models.policy.hidden(&batch));
        let entropy = entropy(models.policy.logits(hidden.clone()).div_scalar(options.temperature));
        let logprobs = models.policy.logprobs(hidden, targets.clone(), options.temperature);
        let ref_hidden = at(models.reference.hidden(&batch));
        let ref_logprobs = models.reference.logprobs(ref_hidden, targets, options.temperature);
        // The value and the reward model may be of another size than the policy; positions depend on it.
        let batch = this.token_batch(&models.value.decoder.config, device);
        let values = models.value.values(&batch).narrow(1, this.prompt_width - 1, time);
        let scores = models.reward_model.score_at(&batch, this.last_tokens(device)).reshape([rows.len(), 1]);
        let read = read_all(vec![logprobs, ref_logprobs, values, scores, entropy]).await?;
        let mut read = read.into_iter();
        let mut next = || read.next().unwrap_or_default();
        this.logprobs = next();
        this.ref_logprobs = next();
        this.values = next();
        this.raw_scores = next();
        this.entropy = next();
        this.kl = per_token_kl(options.kl_estimator, &this.logprobs, &this.ref_logprobs, &this.mask);
        Ok(this)
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

    /// Scores from raw scores: gain and bias, then the missing-EOS rule.
    pub fn apply_normalization(&mut self, normalization: RewardNormalization, options: &PpoOptions) {
        let score = |(raw, ended): (&f32, &bool)| options.missing_eos.apply(normalization.apply(*raw), *ended);
        self.scores = self.raw_scores.iter().zip(&self.ended).map(score).collect();
    }

    /// KL at every token, the score at the last.
    pub fn shape_rewards(&mut self, options: &PpoOptions, kl_coef: f32) {
        self.rewards = shaped_rewards(&self.kl, &self.scores, &self.mask, self.time, kl_coef, options.score_index);
        if options.whiten_rewards {
            self.rewards = whiten(&self.rewards, &self.reward_mask, options.whiten_variance, false);
        }
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

    /// Mean over answers of the KL to the reference, in nats.
    pub fn mean_kl(&self) -> f32 {
        self.kl.iter().sum::<f32>() / self.len() as f32
    }

    /// KL of one answer to the reference, in nats.
    pub fn kl_of(&self, row: usize) -> f32 {
        self.kl[row * self.time..(row + 1) * self.time].iter().sum()
    }

    /// What the rollout itself tells, by TRL's names.
    pub fn metrics(&self, kl_coef: f32) -> Metrics {
        let answers = self.len() as f64;
        let sum = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>();
        let kl = sum(&self.kl) / answers;
        let non_score = -f64::from(kl_coef) * kl;
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
            ("sampling/logp_difference".into(), masked_mean(&difference, &self.mask).into()),
        ]);
        if let Some(explained) = explained_variance(&self.values, &self.returns, &self.reward_mask) {
            metrics.insert("val/var_explained".into(), explained.into());
        }
        metrics
    }

    /// Some rows as tensors on an autodiff device.
    pub fn minibatch(
        &self,
        rows: &[usize],
        policy: &DecoderConfig,
        value: &DecoderConfig,
        options: &PpoOptions,
        device: &Device,
    ) -> Minibatch {
        let width = self.width();
        let mask = pick(&self.mask, rows, self.time);
        let mut advantages = pick(&self.advantages, rows, self.time);
        if options.gae_scope == GaeScope::Minibatch {
            advantages = whiten(&advantages, &mask, options.whiten_variance, true);
        }
        let shape = [rows.len(), self.time];
        let floats = |values: Vec<f32>| -> Tensor<2> { Tensor::from_data(TensorData::new(values, shape), device) };
        let bools =
            |values: Vec<bool>| -> Tensor<2, Bool> { Tensor::from_data(TensorData::new(values, shape), device) };
        let (tokens, token_mask) = (pick(&self.tokens, rows, width), pick(&self.token_mask, rows, width));
        let targets: Vec<i32> =
            tokens.chunks(width).flat_map(|row| row[self.prompt_width..].iter().map(|t| *t as i32)).collect();
        let batch = |config| TokenBatch::new(&tokens, &token_mask, rows.len(), width, config, device);
        Minibatch {
            policy_rows: batch(policy),
            value_rows: batch(value),
            targets: Tensor::from_data(TensorData::new(targets, shape), device),
            first: self.prompt_width - 1,
            time: self.time,
            old_logprobs: floats(pick(&self.logprobs, rows, self.time)),
            old_values: floats(pick(&self.values, rows, self.time)),
            advantages: floats(advantages),
            returns: floats(pick(&self.returns, rows, self.time)),
            mask: bools(mask),
            reward_mask: bools(pick(&self.reward_mask, rows, self.time)),
        }
    }
}

/// Rows of a `[batch, width]` slice.
fn pick<T: Copy>(values: &[T], rows: &[usize], width: usize) -> Vec<T> {
    rows.iter().flat_map(|row| values[row * width..(row + 1) * width].to_vec()).collect()
}

/// Some rows of a rollout as tensors; shapes `[rows, time]`.
pub struct Minibatch {
    policy_rows: TokenBatch,
    value_rows: TokenBatch,
    targets: Tensor<2, Int>,
    first: usize,
    time: usize,
    /// Of the policy that sampled.
    pub old_logprobs: Tensor<2>,
    /// Of the value model at the rollout.
    pub old_values: Tensor<2>,
    /// Whitened.
    pub advantages: Tensor<2>,
    /// Targets of the value model.
    pub returns: Tensor<2>,
    /// Answer tokens.
    pub mask: Tensor<2, Bool>,
    /// Where values count.
    pub reward_mask: Tensor<2, Bool>,
}

impl Minibatch {
    /// Log-probabilities of the answer tokens under `policy`.
    pub fn logprobs(&self, policy: &Decoder, temperature: f32) -> Tensor<2> {
        let hidden = policy.hidden(&self.policy_rows).narrow(1, self.first, self.time);
        policy.logprobs(hidden, self.targets.clone(), temperature)
    }

    /// Values before each answer token.
    pub fn values(&self, value: &ScalarModel) -> Tensor<2> {
        value.values(&self.value_rows).narrow(1, self.first, self.time)
    }
}
