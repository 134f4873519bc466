//! One completion of a rollout, token by token: what each number of the phases was for it.

use super::{Estimated, Online};
use crate::SessionError;
use crate::protocol::{Lens, LensChoice, LensToken};
use crate::readback::{read, read_all};
use burn::tensor::Tensor;
use nudge_kernels::host::{Distribution, probabilities};
use nudge_model::{Decoder, Frozen};

/// The row that is told.
const ROW: usize = 0;
/// Tokens told that could have stood at a place.
const CHOICES: usize = 5;
/// Logits held at a time; a real model has 100,000 of them at each place.
const LOGITS_HELD: usize = 1 << 20;

impl Online {
    /// The first completion of the rollout, after the updates; nothing unless the options want it. `rewards` are those of
    /// each token, `[batch, time]`, where the method forms them.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn look_into(
        &self,
        estimated: &Estimated,
        rewards: Option<&[f32]>,
        cliprange: Option<f32>,
    ) -> Result<Option<Lens>, SessionError> {
        if !self.options.lens {
            return Ok(None);
        }
        let (scored, time) = (&estimated.scored, estimated.scored.time());
        let policy = self.actor.policy();
        let told = &scored.completions.completions[ROW];
        let (hidden, targets) = scored.hidden_of(ROW, &policy, &self.device);
        let (ref_hidden, _) = scored.hidden_of(ROW, self.actor.reference(), &self.device);
        let temperature = self.actor.objective.temperature;
        let new_logprobs = read(policy.logprobs(hidden.clone(), targets, temperature)).await?;
        let mut choices = self.choices(&policy, [hidden, ref_hidden], told.tokens.len()).await?.into_iter();
        let tokenizer = self.prompts.tokenizer();
        let at = |values: &[f32], token: usize| values.get(ROW * time + token).copied();
        let token = |(place, id): (usize, &u32)| {
            let (logprob, advantage) = (scored.logprobs[ROW * time + place], estimated.advantages[ROW * time + place]);
            let ratio = (new_logprobs[place] - logprob).exp();
            LensToken {
                text: tokenizer.decode(&[*id]),
                probability: logprob.exp(),
                ref_probability: scored.ref_logprobs[ROW * time + place].exp(),
                new_probability: new_logprobs[place].exp(),
                kl: scored.kl[ROW * time + place],
                reward: rewards.and_then(|rewards| at(rewards, place)),
                value: at(&scored.values, place),
                advantage,
                ratio,
                objective: cliprange
                    .map(|range| (ratio * advantage).min(ratio.clamp(1.0 - range, 1.0 + range) * advantage)),
                // Where the minimum of the objective takes the clipped term: it pulls no further.
                clipped: cliprange.is_some_and(|range| match advantage > 0.0 {
                    true => ratio > 1.0 + range,
                    false => ratio < 1.0 - range,
                }),
                choices: choices.next().unwrap_or_default(),
            }
        };
        let kl_coef = super::price(&self.options, self.kl_coef());
        Ok(Some(Lens {
            step: self.state.step,
            prompt: self.prompts.text_of(scored.completions.places[ROW]).clone(),
            score: scored.scores[ROW],
            kl: scored.kl_of(ROW),
            kl_coef,
            new_kl_coef: kl_coef,
            cliprange,
            tokens: told.tokens.iter().enumerate().map(token).collect(),
        }))
    }

    /// What could have stood at each of the first `count` places, from the hidden states of the policy and of the
    /// reference there, `[1, time, hidden]` each.
    async fn choices(
        &self,
        policy: &Frozen<Decoder>,
        [hidden, ref_hidden]: [Tensor<3>; 2],
        count: usize,
    ) -> Result<Vec<Vec<LensChoice>>, SessionError> {
        let distribution = Distribution { temperature: self.actor.objective.temperature, top_k: 0, top_p: 1.0 };
        let held = (LOGITS_HELD / policy.config.vocab_size).max(1);
        let mut told = Vec::with_capacity(count);
        for from in (0..count).step_by(held) {
            let piece = |hidden: &Tensor<3>| hidden.clone().narrow(1, from, held.min(count - from));
            let logits = vec![policy.logits(piece(&hidden)), self.actor.reference().logits(piece(&ref_hidden))];
            let mut both = read_all(logits).await?;
            for logits in &mut both {
                logits.chunks_mut(policy.config.vocab_size).for_each(|row| probabilities(row, distribution));
            }
            let rows = |which: usize| both[which].chunks(policy.config.vocab_size);
            told.extend(rows(0).zip(rows(1)).map(|(new, reference)| self.likeliest(new, reference)));
        }
        Ok(told)
    }

    /// The likeliest tokens under the policy.
    fn likeliest(&self, new: &[f32], reference: &[f32]) -> Vec<LensChoice> {
        let mut order: Vec<usize> = (0..new.len()).collect();
        order.sort_by(|one, other| new[*other].total_cmp(&new[*one]));
        let choice = |id: &usize| LensChoice {
            text: self.prompts.tokenizer().decode(&[*id as u32]),
            ref_probability: reference[*id],
            new_probability: new[*id],
        };
        order.iter().take(CHOICES).map(choice).collect()
    }
}
