//! Options of the stages and methods: defaults, then the file of `--config` (TOML, or the `run.json` of a run that is
//! repeated), then flags, each over the one before.
//!
//! Flags and keys bear the names of the options as they are declared, with `-` or `_`.

use crate::files::read_text;
use crate::flags::Flags;
use crate::provenance::RunRecord;
use anyhow::{Context, Result, anyhow, bail};
use nudge_session::method::Method;
use nudge_session::options::{Options, SetError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::Path;

/// Options of a stage from defaults, file and flags.
pub fn resolve<O: Options, S>(flags: &Flags<O, S>, config: Option<&Path>) -> Result<O> {
    let mut options = O::default();
    let file = config.map(File::read).transpose()?;
    set_all(file, &flags.given, |name, value| options.set(name, value))?;
    Ok(options)
}

/// The same of a method: a preset, from the flag or the file's key `preset`, takes the place of its defaults.
pub fn resolve_method(
    method: &Method,
    preset: Option<&str>,
    flags: &Map<String, Value>,
    config: Option<&Path>,
) -> Result<Method> {
    let mut file = config.map(File::read).transpose()?;
    let in_file = file.as_mut().map(|file| file.preset_of(method)).transpose()?.flatten();
    let mut method = match preset {
        Some(name) => method.preset(name).with_context(|| no_preset(method, name))?,
        None => in_file.unwrap_or_else(|| method.clone()),
    };
    set_all(file, flags, |name, value| method.set(name, value))?;
    Ok(method)
}

fn set_all(
    file: Option<File>,
    flags: &Map<String, Value>,
    mut set: impl FnMut(&str, Value) -> Result<(), SetError>,
) -> Result<()> {
    if let Some(File { path, keys }) = file {
        for (name, value) in keys {
            set(&name, value).map_err(|error| anyhow!("{}: {error}", path.display()))?;
        }
    }
    Ok(flags.iter().try_for_each(|(name, value)| set(name, value.clone()))?)
}

/// The file of `--config`.
struct File<'a> {
    path: &'a Path,
    /// `learning-rate` is `learning_rate`.
    keys: Map<String, Value>,
}

impl<'a> File<'a> {
    /// TOML, or the `run.json` of a run that is repeated.
    fn read(path: &'a Path) -> Result<Self> {
        if path.extension().is_some_and(|extension| extension == "json") {
            let record: RunRecord = serde_json::from_str(&read_text(path)?)
                .map_err(|error| anyhow!("{}: {error}; give the run.json of a run, or a TOML file", path.display()))?;
            return Ok(Self { path, keys: record.values() });
        }
        let table: toml::Table = toml::from_str(&read_text(path)?)
            .map_err(|error| anyhow!("{}: {}", path.display(), error.to_string().trim_end()))?;
        let keys = object(&table)?.into_iter().map(|(key, value)| (key.replace('-', "_"), value)).collect();
        Ok(Self { path, keys })
    }

    /// Takes the key `preset` out of the file of a method that has presets.
    fn preset_of(&mut self, method: &Method) -> Result<Option<Method>> {
        let (path, info) = (self.path.display(), method.info());
        if self.keys.get(info.name).is_some_and(Value::is_object) {
            bail!("{path}: there is no table [{}] any more; its keys stand at the top, above every table", info.name);
        }
        if info.presets.is_empty() {
            return Ok(None);
        }
        let Some(value) = self.keys.shift_remove("preset") else { return Ok(None) };
        let name = value.as_str().map_or_else(|| value.to_string(), String::from);
        let preset = method.preset(&name).ok_or_else(|| anyhow!("{path}: {}", no_preset(method, &name)))?;
        Ok(Some(preset))
    }
}

fn no_preset(method: &Method, name: &str) -> String {
    let known: Vec<&str> = method.info().presets.iter().map(|preset| preset.name).collect();
    format!("preset is {name}, but must be one of {}", known.join(", "))
}

/// Options with where each comes from: `{"value", "from"}`, `from` being `flag`, `file`, `preset` or `default`.
/// `defaults` are those that a preset takes the place of.
pub fn sourced(
    options: Map<String, Value>,
    defaults: &Map<String, Value>,
    flags: &Map<String, Value>,
    config: Option<&Path>,
) -> Result<Map<String, Value>> {
    let file = config.map(File::read).transpose()?.map(|file| file.keys).unwrap_or_default();
    let from = |name: &str, value: &Value| match () {
        () if flags.contains_key(name) => "flag",
        () if file.contains_key(name) => "file",
        () if defaults.get(name).is_some_and(|default| default != value) => "preset",
        () => "default",
    };
    let sourced = |(name, value): (String, Value)| {
        let from = from(&name, &value);
        (name, serde_json::json!({ "value": value, "from": from }))
    };
    Ok(options.into_iter().map(sourced).collect())
}

/// The same of options that no preset is for.
pub fn sourced_of(
    options: &impl Serialize,
    flags: &Map<String, Value>,
    config: Option<&Path>,
) -> Result<Map<String, Value>> {
    let options = object(options)?;
    sourced(options.clone(), &options, flags, config)
}

/// Whether options say where long completions are cut, so that none is too long.
pub fn cuts(options: &Map<String, Value>) -> bool {
    options.get("max_length").and_then(Value::as_u64).is_some_and(|length| length > 0)
}

/// A struct as an object. By way of text, because that writes an `f32` as people do: 0.004, not 0.0040000001.
pub fn object(value: &impl Serialize) -> Result<Map<String, Value>> {
    Ok(serde_json::from_str(&serde_json::to_string(value)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_session::options::SftOptions;
    use serde_json::json;
    use std::io::Write;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn given(flags: Value) -> Map<String, Value> {
        flags.as_object().unwrap().clone()
    }

    /// The options of PPO from a file and flags.
    fn ppo(preset: Option<&str>, flags: Value, config: &str) -> Result<Map<String, Value>> {
        let file = file(config);
        let method = Method::named("ppo").unwrap();
        let method = resolve_method(&method, preset, &given(flags), Some(file.path())).map_err(|error| {
            // Every message about a file begins with its name.
            anyhow!("{}", error.to_string().strip_prefix(&format!("{}: ", file.path().display())).unwrap())
        })?;
        Ok(object(&method)?["options"].as_object().unwrap().clone())
    }

    #[test]
    fn flags_beat_the_file_and_the_file_beats_defaults() {
        let config = file("epochs = 5\nlearning-rate = 0.25\n");
        let flags: Flags<SftOptions> = Flags::new(given(json!({"epochs": 2.0})));
        let options = resolve(&flags, Some(config.path())).unwrap();
        assert_eq!(options, SftOptions { epochs: Some(2.0), learning_rate: Some(0.25), ..Default::default() });
    }

    #[test]
    fn an_unknown_key_is_named_with_its_file() {
        let error = ppo(None, json!({}), "kl_coeff = 1.0").unwrap_err().to_string();
        assert!(error.contains("`kl_coeff`") && error.contains("expected one of"), "{error}");
        let config = file("epoch = 5");
        let error = resolve(&Flags::<SftOptions>::new(Map::new()), Some(config.path())).unwrap_err().to_string();
        assert!(error.contains("`epoch`") && error.contains("expected one of"), "{error}");
        assert!(error.starts_with(&config.path().display().to_string()), "{error}");
    }

    #[test]
    fn keys_of_a_method_stand_at_the_top() {
        let error = ppo(None, json!({}), "episodes = 64\n[ppo]\nkl_coef = 1.0").unwrap_err().to_string();
        assert!(error.contains("[ppo]") && error.contains("at the top"), "{error}");
    }

    #[test]
    fn a_preset_lies_under_file_and_flags() {
        let config = "preset = \"stiennon\"\nepisodes = 64\nmissing_eos = { subtract = 2.0 }\n";
        let options = ppo(None, json!({"kl_coef": 0.5}), config).unwrap();
        let stiennon = Method::named("ppo").unwrap().preset("stiennon").unwrap();
        let mut expected = object(&stiennon).unwrap()["options"].clone();
        for (name, value) in
            [("episodes", json!(64)), ("missing_eos", json!({"subtract": 2.0})), ("kl_coef", json!(0.5))]
        {
            assert_ne!(expected[name], value, "{name}");
            expected[name] = value;
        }
        assert_eq!(Value::Object(options), expected);
        let trl = ppo(Some("trl"), json!({}), config).unwrap();
        assert_eq!((&trl["whiten_variance"], &trl["episodes"]), (&json!("unbiased"), &json!(64)));
        let error = ppo(None, json!({}), "preset = \"best\"").unwrap_err().to_string();
        assert!(error.starts_with("preset is best, but must be one of lm-human-preferences, "), "{error}");
    }
}
