//! What several stages demand of their options. A wrong one is named with its value and what it may be.
//!
//! Deliberately absent: demands that only one stage makes; they stand beside it.

use crate::SessionError;

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

/// 0 takes the likeliest token.
pub fn temperature(temperature: f32) -> Result<(), SessionError> {
    demand(temperature >= 0.0 && temperature.is_finite(), "temperature", temperature, "0 or more")
}
