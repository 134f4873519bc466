//! The kinds of values that options have: how each is told from words on a command line, and what of it is allowed.
//!
//! A value that is more than one number is a rule: `off`, a name, or a name with its numbers, `replace:-1`.

use super::declare::{FRACTION, Kind, NON_NEGATIVE, POSITIVE, Range};
use super::{Batching, SessionError};
use crate::finetuning::Finetuning;
use nudge_model::{OptimizerKind, Precision};
use nudge_rlhf::{
    AdaptiveKl, Decay, DpoVariant, EnsembleRule, GaeScope, KlEstimator, KlPlacement, LossAggregation, MissingEos,
    RewardLoss, ScaleRewards, ScoreIndex, ValueInit, Variance,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// A value that an option can have.
pub trait OptionValue: Serialize + DeserializeOwned {
    /// What kind it is of.
    fn kind() -> Kind;

    /// As JSON, from words on a command line.
    ///
    /// # Errors
    /// What to write instead.
    fn from_words(words: &str) -> Result<Value, String> {
        words_of(&Self::kind(), words)
    }

    /// Whether it lies in `range`.
    ///
    /// # Errors
    /// What is outside.
    fn check(&self, _range: &Range) -> Result<(), Wrong> {
        Ok(())
    }
}

/// A value outside its range.
pub struct Wrong {
    /// Which number of several it is, such as `.target`; empty where there is one.
    part: &'static str,
    value: String,
    expected: &'static str,
}

impl Wrong {
    /// The error about the option called `name`.
    pub fn of(self, name: &str) -> SessionError {
        SessionError::option(format!("{name}{}", self.part), self.value, self.expected)
    }
}

fn check(part: &'static str, value: f32, range: &Range) -> Result<(), Wrong> {
    match range.holds(value.into()) {
        true => Ok(()),
        false => Err(Wrong { part, value: value.to_string(), expected: range.words }),
    }
}

/// The value that words stand for, for an option of this kind; rules have words of their own.
///
/// # Errors
/// What to write instead.
pub fn words_of(kind: &Kind, words: &str) -> Result<Value, String> {
    match kind {
        Kind::Whole => words.parse::<u64>().map(Value::from).map_err(|_| format!("`{words}` is no whole number")),
        Kind::Number => number(words),
        Kind::Flag => words.parse::<bool>().map(Value::from).map_err(|_| "give true or false".into()),
        Kind::Choice { names } if !names.iter().any(|name| name == words) => {
            Err(format!("`{words}` is none of {}", names.join(", ")))
        }
        Kind::Choice { .. } | Kind::Name => Ok(words.into()),
        Kind::Rule { form } => rule(form, words),
    }
}

macro_rules! whole {
    ($($type:ty),*) => {$(
        impl OptionValue for $type {
            fn kind() -> Kind {
                Kind::Whole
            }

            fn check(&self, range: &Range) -> Result<(), Wrong> {
                match range.holds(*self as f64) {
                    true => Ok(()),
                    false => Err(Wrong { part: "", value: self.to_string(), expected: range.words }),
                }
            }
        }
    )*};
}

whole!(usize, u64);

impl OptionValue for f32 {
    fn kind() -> Kind {
        Kind::Number
    }

    fn check(&self, range: &Range) -> Result<(), Wrong> {
        check("", *self, range)
    }
}

impl OptionValue for bool {
    fn kind() -> Kind {
        Kind::Flag
    }
}

impl OptionValue for Option<String> {
    fn kind() -> Kind {
        Kind::Name
    }
}

/// Choices by the names that they have in files.
macro_rules! choices {
    ($($type:ty: $($choice:expr),*;)*) => {$(
        impl OptionValue for $type {
            fn kind() -> Kind {
                let names = [$(json!($choice)),*];
                Kind::Choice { names: names.iter().filter_map(|name| name.as_str().map(String::from)).collect() }
            }
        }
    )*};
}

choices! {
    Finetuning: Finetuning::Auto, Finetuning::Full, Finetuning::Lora;
    Batching: Batching::Packed, Batching::Padded, Batching::LengthGrouped;
    OptimizerKind: OptimizerKind::AdamW, OptimizerKind::Muon;
    Precision: Precision::F32, Precision::F16, Precision::BF16;
    RewardLoss: RewardLoss::BradleyTerry, RewardLoss::BestOfK, RewardLoss::PlackettLuce;
    DpoVariant: DpoVariant::Sigmoid, DpoVariant::SigmoidNorm, DpoVariant::Hinge, DpoVariant::Ipo, DpoVariant::Robust;
    KlEstimator: KlEstimator::K1, KlEstimator::K2, KlEstimator::K3, KlEstimator::Full;
    KlPlacement: KlPlacement::Reward, KlPlacement::Loss;
    ScoreIndex: ScoreIndex::OnEos, ScoreIndex::AfterEos;
    GaeScope: GaeScope::Rollout, GaeScope::Minibatch;
    ValueInit: ValueInit::RewardModel, ValueInit::ZeroHead;
    Variance: Variance::Biased, Variance::Unbiased;
    ScaleRewards: ScaleRewards::Group, ScaleRewards::Batch, ScaleRewards::None;
    LossAggregation: LossAggregation::TokenMean, LossAggregation::SequenceMean, LossAggregation::FixedLength;
}

const OPTIONAL_NUMBER: &str = "off, or a number";
const OPTIONAL_WHOLE: &str = "off, or a whole number";
const ADAPTIVE_KL: &str = "off, or TARGET:HORIZON";
const MISSING_EOS: &str = "off, replace:SCORE or subtract:PENALTY";
const DECAY: &str = "constant, linear or cosine:FLOOR";
const ENSEMBLE: &str = "mean, min or mean_minus_variance:FACTOR";

/// The value of a rule, by its form.
fn rule(form: &'static str, words: &str) -> Result<Value, String> {
    let (name, numbers) = words.split_once(':').map_or((words, None), |(name, numbers)| (name, Some(numbers)));
    let wrong = || format!("`{words}` is not {form}");
    match (form, name, numbers) {
        (OPTIONAL_NUMBER | OPTIONAL_WHOLE | ADAPTIVE_KL, "off", None) => Ok(Value::Null),
        (OPTIONAL_NUMBER, words, None) => number(words).map_err(|_| wrong()),
        (OPTIONAL_WHOLE, words, None) => words.parse::<u64>().map(Value::from).map_err(|_| wrong()),
        (ADAPTIVE_KL, target, Some(horizon)) => Ok(json!({ "target": number(target)?, "horizon": number(horizon)? })),
        (MISSING_EOS, "off", None) | (DECAY, "constant" | "linear", None) | (ENSEMBLE, "mean" | "min", None) => {
            Ok(name.into())
        }
        (MISSING_EOS, "replace" | "subtract", Some(value))
        | (DECAY, "cosine", Some(value))
        | (ENSEMBLE, "mean_minus_variance", Some(value)) => Ok(json!({ name: number(value)? })),
        _ => Err(wrong()),
    }
}

fn number(words: &str) -> Result<Value, String> {
    // Rust reads `nan` and `inf`, which no option can mean.
    let number = words.parse().ok().filter(|number: &f32| number.is_finite());
    number.map(|number| super::declare::json(&number)).ok_or_else(|| format!("`{words}` is no number"))
}

/// Rules, with the numbers in each that have ranges.
macro_rules! rules {
    ($($type:ty: $form:ident, |$self:ident, $range:ident| $check:expr;)*) => {$(
        impl OptionValue for $type {
            fn kind() -> Kind {
                Kind::Rule { form: $form }
            }

            fn check(&$self, $range: &Range) -> Result<(), Wrong> {
                $check
            }
        }
    )*};
}

rules! {
    Option<f32>: OPTIONAL_NUMBER, |self, range| self.map_or(Ok(()), |value| check("", value, range));
    Option<usize>: OPTIONAL_WHOLE, |self, range| self.map_or(Ok(()), |value| value.check(range));
    Option<AdaptiveKl>: ADAPTIVE_KL, |self, _range| self.map_or(Ok(()), |AdaptiveKl { target, horizon }| {
        check(".target", target, &POSITIVE)?;
        check(".horizon", horizon, &POSITIVE)
    });
    MissingEos: MISSING_EOS, |self, range| match *self {
        MissingEos::Replace(score) => check(".replace", score, range),
        MissingEos::Subtract(penalty) => check(".subtract", penalty, &NON_NEGATIVE),
        MissingEos::Off => Ok(()),
    };
    Decay: DECAY, |self, _range| match *self {
        Decay::Cosine(floor) => check(".cosine", floor as f32, &FRACTION),
        Decay::Constant | Decay::Linear => Ok(()),
    };
    EnsembleRule: ENSEMBLE, |self, _range| match *self {
        EnsembleRule::MeanMinusVariance(factor) => check(".mean_minus_variance", factor, &NON_NEGATIVE),
        EnsembleRule::Mean | EnsembleRule::Min => Ok(()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_rules_are_their_values() {
        assert_eq!(MissingEos::from_words("replace:-1"), Ok(json!(MissingEos::Replace(-1.0))));
        assert_eq!(<Option<f32>>::from_words("off"), Ok(Value::Null));
        assert_eq!(<Option<f32>>::from_words("0.5"), Ok(json!(0.5)));
        assert_eq!(<Option<usize>>::from_words("4"), Ok(json!(4)));
        let steered = AdaptiveKl { target: 6.0, horizon: 10_000.0 };
        assert_eq!(<Option<AdaptiveKl>>::from_words("6:10000"), Ok(json!(steered)));
        assert_eq!(Decay::from_words("cosine:0.5"), Ok(json!(Decay::Cosine(0.5))));
        assert_eq!(Decay::from_words("cosine:0.1"), Ok(json!({"cosine": 0.1})), "as written, not as the f32 beside it");
        assert_eq!(EnsembleRule::from_words("mean_minus_variance:2"), Ok(json!(EnsembleRule::MeanMinusVariance(2.0))));
        for (wrong, found) in [
            ("replace", MissingEos::from_words("replace")),
            ("subtract:x", MissingEos::from_words("subtract:x")),
            ("4.5", <Option<usize>>::from_words("4.5")),
            ("6", <Option<AdaptiveKl>>::from_words("6")),
            ("cosine", Decay::from_words("cosine")),
            ("nan", <Option<f32>>::from_words("nan")),
            ("inf", f32::from_words("inf")),
        ] {
            assert!(found.is_err(), "{wrong}: {found:?}");
        }
        assert_eq!(KlEstimator::from_words("k4"), Err("`k4` is none of k1, k2, k3, full".into()));
    }
}
