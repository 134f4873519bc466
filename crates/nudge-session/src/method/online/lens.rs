//! One completion of a rollout, token by token: what each number of the phases was for it.

use super::{Estimated, Online};
use crate::SessionError;
use crate::protocol::{Lens, LensToken};
use crate::readback::read;

/// The row that is told.
const ROW: usize = 0;

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
        let new_logprobs = read(scored.logprobs_of(ROW, &policy, self.options.temperature, &self.device)).await?;
        let told = &scored.completions.completions[ROW];
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
}
