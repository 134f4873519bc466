//! Options as flags: one for each option, made of its declaration. A flag that is not given says nothing.

use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgMatches, Command, Error, FromArgMatches};
use nudge_session::options::{Declared, Kind, Options, words_of};
use serde_json::{Map, Value};
use std::marker::PhantomData;

/// The options of `O` that were given as flags; `S` says which have one.
pub struct Flags<O, S = All> {
    /// Values by the names of their options.
    pub given: Map<String, Value>,
    of: PhantomData<(O, S)>,
}

/// Which options have a flag.
pub trait Shown {
    /// Those that have none, as the command sets them itself.
    const HIDDEN: &'static [&'static str] = &[];
}

/// Every option has a flag.
pub struct All;

impl Shown for All {}

impl<O, S> Flags<O, S> {
    /// Flags that set these options.
    pub fn new(given: Map<String, Value>) -> Self {
        Self { given, of: PhantomData }
    }
}

fn declared<O: Options, S: Shown>() -> Vec<Declared> {
    O::declared().into_iter().filter(|option| !S::HIDDEN.contains(&option.name)).collect()
}

impl<O: Options, S: Shown> clap::Args for Flags<O, S> {
    fn augment_args(command: Command) -> Command {
        add(command, &declared::<O, S>())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<O: Options, S: Shown> FromArgMatches for Flags<O, S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self::new(given(matches, &declared::<O, S>())))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.given.extend(given(matches, &declared::<O, S>()));
        Ok(())
    }
}

/// A command with a flag for each of `options`.
pub fn add(command: Command, options: &[Declared]) -> Command {
    command.args(options.iter().map(flag))
}

/// Those of `options` whose flags were given.
pub fn given(matches: &ArgMatches, options: &[Declared]) -> Map<String, Value> {
    let value = |option: &Declared| Some((option.name.to_string(), matches.get_one::<Value>(option.name)?.clone()));
    options.iter().filter_map(value).collect()
}

fn flag(option: &Declared) -> Arg {
    let kind = option.kind.clone();
    let parser = match &option.kind {
        Kind::Choice { names } => ValueParser::new(PossibleValuesParser::new(names.clone()).map(Value::from)),
        _ => ValueParser::new(move |words: &str| words_of(&kind, words)),
    };
    let value_name = match option.kind {
        Kind::Whole => "N",
        Kind::Number => "X",
        Kind::Flag => "BOOL",
        Kind::Rule { .. } => "RULE",
        Kind::Choice { .. } | Kind::Name => "NAME",
    };
    Arg::new(option.name)
        .long(option.name.replace('_', "-"))
        .value_name(value_name)
        .value_parser(parser)
        .allow_negative_numbers(true)
        .help(help(option))
}

fn help(option: &Declared) -> String {
    let mut help = option.doc.trim_end_matches('.').to_string();
    if let Kind::Rule { form } = option.kind {
        help = format!("{help}: {form}");
    }
    match words(&option.kind, &option.default) {
        Some(words) => format!("{help} [default: {words}]"),
        None => help,
    }
}

/// A value in the words that its flag reads; nothing where it is nobody's name.
fn words(kind: &Kind, value: &Value) -> Option<String> {
    Some(match value {
        Value::Null if *kind == Kind::Name => return None,
        Value::Null => "off".into(),
        Value::String(words) => words.clone(),
        // A name with its number, or several numbers.
        Value::Object(rule) => match rule.iter().next() {
            Some((name, number)) if rule.len() == 1 => format!("{name}:{number}"),
            _ => rule.values().map(Value::to_string).collect::<Vec<_>>().join(":"),
        },
        value => value.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_session::method::Method;
    use serde_json::json;

    /// What a command line sets of the options of the method called so.
    fn read(method: &str, words: &str) -> Result<Value, Error> {
        let options = Method::named(method).unwrap().info().options;
        let command = add(Command::new("nudge").no_binary_name(true), &options);
        Ok(Value::Object(given(&command.try_get_matches_from(words.split_whitespace())?, &options)))
    }

    #[test]
    fn a_flag_that_is_not_given_says_nothing() {
        assert_eq!(read("dpo", "").unwrap(), json!({}));
        assert_eq!(read("dpo", "--beta 0.3 --loss ipo").unwrap(), json!({"beta": 0.3, "loss": "ipo"}));
    }

    #[test]
    fn numbers_may_be_negative_but_must_be_numbers() {
        let rules = "--missing-eos replace:-1 --kl-coef -0.5 --target-kl -1";
        let expected = json!({"missing_eos": {"replace": -1.0}, "kl_coef": -0.5, "target_kl": -1.0});
        assert_eq!(read("ppo", rules).unwrap(), expected);
        for wrong in ["--kl-coef nan", "--kl-coef inf", "--target-kl nan", "--missing-eos replace:inf", "--seed -1"] {
            assert!(read("ppo", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_default_is_shown_in_words_that_the_flag_reads() {
        for option in Method::all().iter().flat_map(|method| method.info().options) {
            let Some(words) = words(&option.kind, &option.default) else { continue };
            assert_eq!(words_of(&option.kind, &words), Ok(option.default.clone()), "{}", option.name);
            assert!(help(&option).ends_with(&format!("[default: {words}]")));
        }
    }
}
