//! What several stages demand of their options. A wrong one is named with its value and what it may be.
//!
//! Deliberately absent: demands that only one stage makes; they stand beside it.

use crate::SessionError;
use nudge_rlhf::EnsembleRule;

fn demand(holds: bool, option: &'static str, value: impl ToString, expected: &'static str) -> Result<(), SessionError> {
    if holds { Ok(()) } else { Err(SessionError::Option { option, value: value.to_string(), expected }) }
}

/// Each of the named counts is 1 or more.
pub fn at_least_one<const N: usize>(counts: [(&'static str, usize); N]) -> Result<(), SessionError> {
    counts.into_iter().try_for_each(|(option, count)| demand(count > 0, option, count, "1 or more"))
}

/// Each of the named learning rates is a number and not negative. 0 is allowed: it changes nothing, which tests use.
pub fn learning_rates<const N: usize>(rates: [(&'static str, f32); N]) -> Result<(), SessionError> {
    rates.into_iter().try_for_each(|(option, rate)| demand(rate >= 0.0 && rate.is_finite(), option, rate, "0 or more"))
}

/// There is something to train for.
pub fn epochs(epochs: f32) -> Result<(), SessionError> {
    demand(epochs > 0.0 && epochs.is_finite(), "epochs", epochs, "more than 0")
}

/// Something is left to train on.
pub fn held_out(share: f32) -> Result<(), SessionError> {
    demand((0.0..1.0).contains(&share), "held_out", share, "at least 0 and less than 1")
}

/// The weight of a leash that must be there.
pub fn beta(beta: f32) -> Result<(), SessionError> {
    demand(beta > 0.0 && beta.is_finite(), "beta", beta, "more than 0")
}

/// A distance that a loss over pairs can ask for.
pub fn margin(margin: f32, pairs: bool) -> Result<(), SessionError> {
    demand(margin >= 0.0 && margin.is_finite(), "margin", margin, "0 or more")?;
    demand(pairs || margin == 0.0, "margin", margin, "0 unless loss is bradley_terry")
}

/// 0 takes the likeliest token.
pub fn temperature(temperature: f32) -> Result<(), SessionError> {
    demand(temperature >= 0.0 && temperature.is_finite(), "temperature", temperature, "0 or more")
}

/// Some probability is left to draw from.
pub fn top_p(top_p: f32) -> Result<(), SessionError> {
    demand(top_p > 0.0 && top_p <= 1.0, "top_p", top_p, "more than 0 and at most 1")
}

/// Minibatches of one size.
pub fn mini_batches(num_mini_batches: usize, batch_size: usize) -> Result<(), SessionError> {
    let divides = num_mini_batches > 0 && batch_size.is_multiple_of(num_mini_batches);
    demand(divides, "num_mini_batches", num_mini_batches, "a divisor of batch_size: all minibatches have one size")
}

/// What several reward models say together is a number.
pub fn ensemble(rule: EnsembleRule) -> Result<(), SessionError> {
    match rule {
        EnsembleRule::MeanMinusVariance(factor) => {
            demand(factor >= 0.0 && factor.is_finite(), "ensemble.mean_minus_variance", factor, "0 or more")
        }
        EnsembleRule::Mean | EnsembleRule::Min => Ok(()),
    }
}
