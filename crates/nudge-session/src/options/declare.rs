//! How options are declared: each once, with what it means, what it may be and what it is where nobody says.
//!
//! [`options!`](crate::options!) makes a struct of such declarations. What shells need follows from them: flags with
//! their help, keys of TOML files, controls of a page, the messages about a value outside its range. An option that
//! several methods have stands in a group that they share, and only its default may differ.

use crate::SessionError;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// A set of options.
pub trait Options: Default + Clone + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned + 'static {
    /// Its declarations in the order of reading, those of a shared group last.
    fn declared() -> Vec<Declared>;

    /// Gives the option called `name` a value.
    ///
    /// # Errors
    /// [`SetError`] if nothing is called so, or the value is of another kind.
    fn set(&mut self, name: &str, value: Value) -> Result<(), SetError>;

    /// Checks every option against its range.
    ///
    /// # Errors
    /// [`SessionError::Option`] for the first that is outside.
    fn check_ranges(&self) -> Result<(), SessionError>;

    /// The defaults with some options `given`.
    ///
    /// # Errors
    /// As [`Options::set`].
    fn with(given: Map<String, Value>) -> Result<Self, SetError> {
        let mut options = Self::default();
        given.into_iter().try_for_each(|(name, value)| options.set(&name, value))?;
        Ok(options)
    }
}

/// One option as shells show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Declared {
    /// Its name in files and on the wire, such as `kl_coef`.
    pub name: &'static str,
    /// What it means, in a sentence or two, with its source.
    pub doc: String,
    /// What values it has.
    #[serde(flatten)]
    pub kind: Kind,
    /// Which of them are allowed.
    pub range: Range,
    /// Its value where nobody says otherwise.
    #[cfg_attr(test, ts(type = "unknown"))]
    pub default: Value,
}

/// What values an option has.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// One of several names.
    Choice {
        /// All of them.
        names: Vec<String>,
    },
    /// A name, or nothing.
    Name,
    /// A name with its numbers, in words such as `off, or TARGET:HORIZON`.
    Rule {
        /// The words.
        form: &'static str,
    },
}

/// Which numbers are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Range {
    /// In words, to stand behind "must be".
    pub words: &'static str,
    /// The least, or what every number is above.
    pub low: Option<f64>,
    /// The greatest, or what every number is below.
    pub high: Option<f64>,
    /// Whether `low` itself is allowed.
    pub with_low: bool,
    /// Whether `high` itself is allowed.
    pub with_high: bool,
}

/// Anything.
pub const ANY: Range = Range { words: "a number", low: None, high: None, with_low: true, with_high: true };
/// `0..`
pub const NON_NEGATIVE: Range = Range { words: "0 or more", low: Some(0.0), ..ANY };
/// Above 0.
pub const POSITIVE: Range = Range { words: "more than 0", low: Some(0.0), with_low: false, ..ANY };
/// `0..=1`
pub const FRACTION: Range = Range { words: "between 0 and 1", low: Some(0.0), high: Some(1.0), ..ANY };
/// `0..1`
pub const BELOW_ONE: Range =
    Range { words: "at least 0 and less than 1", low: Some(0.0), high: Some(1.0), with_high: false, ..ANY };
/// `0..0.5`
pub const BELOW_HALF: Range =
    Range { words: "at least 0 and less than 0.5", low: Some(0.0), high: Some(0.5), with_high: false, ..ANY };
/// Above 0 and at most 1.
pub const SHARE: Range =
    Range { words: "more than 0 and at most 1", low: Some(0.0), high: Some(1.0), with_low: false, ..ANY };
/// `1..`
pub const AT_LEAST_ONE: Range = Range { words: "1 or more", low: Some(1.0), ..ANY };
/// As many tokens as an embedding may have rows: room for all of them is made before the first is found.
pub const VOCABULARY: Range = Range { words: "1 to 2097152", low: Some(1.0), high: Some(2_097_152.0), ..ANY };
/// `1..` and less than the context of the model that samples; whoever knows the model checks that.
pub const NEW_TOKENS: Range = Range {
    words: "at least 1 and less than the model's context (max_position_embeddings in its config.json)",
    low: Some(1.0),
    ..ANY
};

impl Range {
    /// Whether `number` is allowed.
    pub fn holds(&self, number: f64) -> bool {
        let above = self.low.is_none_or(|low| number > low || self.with_low && number == low);
        let below = self.high.is_none_or(|high| number < high || self.with_high && number == high);
        number.is_finite() && above && below
    }
}

/// Why an option cannot have a value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SetError {
    /// Nothing is called so.
    #[error("unknown option `{name}`, expected one of {}", quoted(.known))]
    Unknown {
        /// What was named.
        name: String,
        /// All names.
        known: Vec<&'static str>,
    },
    /// The value is of another kind.
    #[error("{name}: {reason}")]
    Value {
        /// The option.
        name: &'static str,
        /// What is wrong with the value.
        reason: String,
    },
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Comment lines as one text.
pub fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// A value as JSON, by way of text, because that writes an `f32` as people do: 0.004, not 0.0040000001.
pub fn json(value: &impl Serialize) -> Value {
    serde_json::to_string(value).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// Declares a set of options.
///
/// ```text
/// options! {
///     /// Options of the method.
///     MethodOptions {
///         /// What it means (source).
///         beta: f32 = 0.1, POSITIVE;
///         ..shared: SharedOptions = SharedOptions { batch_size: 8, ..Default::default() };
///     }
/// }
/// ```
#[macro_export]
macro_rules! options {
    ($(
        $(#[doc = $about:literal])*
        $name:ident {
            $($(#[doc = $doc:literal])* $field:ident: $type:ty = $default:expr $(, $range:expr)?;)*
            $(..$group:ident: $group_type:ty = $group_default:expr;)?
        }
    )*) => {$(
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        pub struct $name {
            $($(#[doc = $doc])* pub $field: $type,)*
            $(
                /// What it shares with others.
                #[serde(flatten)]
                pub $group: $group_type,
            )?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* $($group: $group_default,)? }
            }
        }

        impl $crate::options::Options for $name {
            fn declared() -> Vec<$crate::options::Declared> {
                let options = Self::default();
                #[allow(unused_mut)]
                let mut declared = vec![$($crate::options::Declared {
                    name: stringify!($field),
                    doc: $crate::options::declare::joined(&[$($doc),*]),
                    kind: <$type as $crate::options::OptionValue>::kind(),
                    range: $crate::options!(@range $($range)?),
                    default: $crate::options::declare::json(&options.$field),
                }),*];
                $(
                    let defaults = $crate::options::declare::json(&options.$group);
                    declared.extend(<$group_type as $crate::options::Options>::declared().into_iter().map(|mut one| {
                        one.default = defaults[one.name].clone();
                        one
                    }));
                )?
                declared
            }

            fn set(&mut self, name: &str, value: serde_json::Value) -> Result<(), $crate::options::SetError> {
                match name {
                    $(stringify!($field) => {
                        self.$field = serde_json::from_value(value).map_err(|error| $crate::options::SetError::Value {
                            name: stringify!($field),
                            reason: error.to_string(),
                        })?;
                        Ok(())
                    })*
                    _ => $crate::options!(@other self name value $($group)?),
                }
            }

            fn check_ranges(&self) -> Result<(), $crate::SessionError> {
                $($crate::options::OptionValue::check(&self.$field, &$crate::options!(@range $($range)?))
                    .map_err(|wrong| wrong.of(stringify!($field)))?;)*
                $($crate::options::Options::check_ranges(&self.$group)?;)?
                Ok(())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let given = serde_json::Map::deserialize(deserializer)?;
                <Self as $crate::options::Options>::with(given).map_err(serde::de::Error::custom)
            }
        }
    )*};
    (@range) => { $crate::options::declare::ANY };
    (@range $range:expr) => { $range };
    (@other $self:ident $name:ident $value:ident $group:ident) => {
        $crate::options::Options::set(&mut $self.$group, $name, $value).map_err(|error| match error {
            $crate::options::SetError::Unknown { name, .. } => $crate::options::declare::unknown::<Self>(name),
            wrong => wrong,
        })
    };
    (@other $self:ident $name:ident $value:ident) => {{
        drop($value);
        Err($crate::options::declare::unknown::<Self>($name.to_string()))
    }};
}

/// The error about a name that `O` does not have.
pub fn unknown<O: Options>(name: String) -> SetError {
    SetError::Unknown { name, known: O::declared().into_iter().map(|option| option.name).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_rlhf::{AdaptiveKl, KlEstimator};
    use serde_json::json;

    options! {
        /// Shared.
        SharedOptions {
            /// Items of a step.
            size: usize = 4, AT_LEAST_ONE;
            /// The estimator.
            kl_estimator: KlEstimator = KlEstimator::K1;
            /// A steered one.
            adaptive_kl: Option<AdaptiveKl> = None;
        }

        /// A method's own.
        OwnOptions {
            /// Its weight, which stands
            /// on two lines.
            weight: f32 = 0.004, POSITIVE;
            ..shared: SharedOptions = SharedOptions { size: 8, ..Default::default() };
        }
    }

    #[test]
    fn a_declaration_tells_what_shells_show() {
        let declared = OwnOptions::declared();
        let names: Vec<&str> = declared.iter().map(|option| option.name).collect();
        assert_eq!(names, ["weight", "size", "kl_estimator", "adaptive_kl"]);
        assert_eq!(declared[0].doc, "Its weight, which stands on two lines.");
        assert_eq!(declared[0].default, json!(0.004));
        assert_eq!(declared[1].default, json!(8), "the default of the set, not of the group");
        assert_eq!(declared[2].kind, Kind::Choice { names: ["k1", "k2", "k3", "full"].map(String::from).into() });
        assert_eq!(
            json!(declared[0]),
            json!({"name": "weight", "doc": "Its weight, which stands on two lines.", "kind": "number",
                "range": {"words": "more than 0", "low": 0.0, "high": null, "with_low": false, "with_high": true},
                "default": 0.004})
        );
    }

    #[test]
    fn a_flat_object_takes_the_rest_from_the_defaults_of_the_set() {
        let options: OwnOptions =
            serde_json::from_value(json!({"kl_estimator": "k3", "adaptive_kl": {"target": 6.0, "horizon": 10.0}}))
                .unwrap();
        let shared = SharedOptions {
            size: 8,
            kl_estimator: KlEstimator::K3,
            adaptive_kl: Some(AdaptiveKl { target: 6.0, horizon: 10.0 }),
        };
        assert_eq!(options, OwnOptions { weight: 0.004, shared });
        let again = serde_json::from_value::<OwnOptions>(json!(options)).unwrap();
        assert_eq!(again, options);
    }

    #[test]
    fn a_wrong_name_or_value_is_named_with_what_is_known() {
        let refused = |value: Value| serde_json::from_value::<OwnOptions>(value).unwrap_err().to_string();
        assert_eq!(
            refused(json!({"sise": 1})),
            "unknown option `sise`, expected one of `weight`, `size`, `kl_estimator`, `adaptive_kl`"
        );
        assert!(refused(json!({"size": "many"})).starts_with("size: invalid type: string"));
        let wrong = |value: Value| serde_json::from_value::<OwnOptions>(value).unwrap().check_ranges();
        assert!(wrong(json!({})).is_ok());
        assert_eq!(wrong(json!({"weight": 0})).unwrap_err().to_string(), "weight is 0, but must be more than 0");
        assert_eq!(wrong(json!({"size": 0})).unwrap_err().to_string(), "size is 0, but must be 1 or more");
        let steered = json!({"adaptive_kl": {"target": -1.0, "horizon": 1.0}});
        assert_eq!(wrong(steered).unwrap_err().to_string(), "adaptive_kl.target is -1, but must be more than 0");
    }
}
