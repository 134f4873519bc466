//! Options of the stages: defaults, then the TOML file of `--config`, then flags, each over the one before.
//!
//! Flags and keys bear the names of the fields in `nudge_session::options`, which own defaults and meaning.

use crate::files::read_text;
use crate::flags::{PpoAlgorithmFlags, PpoFlags};
use anyhow::{Context, Result, bail};
use nudge_rlhf::PpoPreset;
use nudge_session::options::PpoStageOptions;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::Path;

/// Options of a stage from defaults, file and flags.
pub fn resolve<O>(flags: &impl Serialize, config: Option<&Path>) -> Result<O>
where
    O: Default + Serialize + DeserializeOwned,
{
    let file = config.map(read_config).transpose()?.unwrap_or_default();
    if let Some(path) = config {
        check_file::<O>(path, &file)?;
    }
    let mut options = object(&O::default())?;
    options.extend(file);
    options.extend(object(flags)?);
    Ok(serde_json::from_value(options.into())?)
}

/// The same from two sets of flags.
pub fn resolve_both<O>(flags: &impl Serialize, more: &impl Serialize, config: Option<&Path>) -> Result<O>
where
    O: Default + Serialize + DeserializeOwned,
{
    let mut both = object(flags)?;
    both.extend(object(more)?);
    resolve(&both, config)
}

/// Options of PPO: a preset, from the flag or the file's key `preset`, takes the place of the algorithm's defaults.
pub fn resolve_ppo(
    preset: Option<PpoPreset>,
    stage: &PpoFlags,
    algorithm: &PpoAlgorithmFlags,
    config: Option<&Path>,
) -> Result<PpoStageOptions> {
    let mut file = config.map(read_config).transpose()?.unwrap_or_default();
    let named = match (file.remove("preset"), config) {
        (Some(name), Some(path)) => {
            let name = name.as_str().unwrap_or_default().to_string();
            Some(name.parse::<PpoPreset>().with_context(|| path.display().to_string())?)
        }
        _ => None,
    };
    if let Some(path) = config {
        check_file::<PpoStageOptions>(path, &file)?;
    }
    let mut ppo = object(&preset.or(named).unwrap_or_default().options())?;
    if let Some(Value::Object(table)) = file.remove("ppo") {
        ppo.extend(table);
    }
    ppo.extend(object(algorithm)?);
    let mut options = object(&PpoStageOptions::default())?;
    options.extend(file);
    options.extend(object(stage)?);
    options.insert("ppo".into(), ppo.into());
    Ok(serde_json::from_value(options.into())?)
}

/// A struct as an object. By way of text, because that writes an `f32` as people do: 0.004, not 0.0040000001.
pub fn object(value: &impl Serialize) -> Result<Map<String, Value>> {
    Ok(serde_json::from_str(&serde_json::to_string(value)?)?)
}

/// The keys of a TOML file; `learning-rate` is `learning_rate`.
fn read_config(path: &Path) -> Result<Map<String, Value>> {
    let text = read_text(path)?;
    let table: toml::Table = toml::from_str(&text)
        .map_err(|error| anyhow::anyhow!("{}: {}", path.display(), error.to_string().trim_end()))?;
    Ok(underscored(object(&table)?))
}

fn underscored(table: Map<String, Value>) -> Map<String, Value> {
    let convert = |value| match value {
        Value::Object(inner) => Value::Object(underscored(inner)),
        other => other,
    };
    table.into_iter().map(|(key, value)| (key.replace('-', "_"), convert(value))).collect()
}

/// An error that names the file if a key or value is not one of the options.
fn check_file<O: DeserializeOwned>(path: &Path, file: &Map<String, Value>) -> Result<()> {
    match serde_json::from_value::<O>(Value::Object(file.clone())) {
        Ok(_) => Ok(()),
        Err(error) => bail!("{}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::{SftFlags, adaptive_kl, missing_eos};
    use nudge_session::options::SftOptions;
    use std::io::Write;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn flags_beat_the_file_and_the_file_beats_defaults() {
        let config = file("epochs = 5\nlearning-rate = 0.25\n");
        let flags = SftFlags { epochs: Some(2.0), ..Default::default() };
        let options: SftOptions = resolve(&flags, Some(config.path())).unwrap();
        assert_eq!(options, SftOptions { epochs: 2.0, learning_rate: 0.25, ..Default::default() });
    }

    #[test]
    fn an_unknown_key_is_named_with_its_file() {
        for text in ["epoch = 5", "[ppo]\nkl_coeff = 1.0"] {
            let config = file(text);
            let error = resolve_ppo(None, &PpoFlags::default(), &PpoAlgorithmFlags::default(), Some(config.path()));
            let error = error.unwrap_err().to_string();
            let key = if text.starts_with('[') { "kl_coeff" } else { "epoch" };
            assert!(error.contains(&format!("`{key}`")) && error.contains("expected one of"), "{error}");
            assert!(error.starts_with(&config.path().display().to_string()), "{error}");
        }
    }

    #[test]
    fn a_preset_lies_under_table_and_flags() {
        let config = file("preset = \"stiennon\"\nepisodes = 64\n[ppo]\nmissing_eos = { subtract = 2.0 }\n");
        let algorithm = PpoAlgorithmFlags { kl_coef: Some(0.5), ..Default::default() };
        let options = resolve_ppo(None, &PpoFlags::default(), &algorithm, Some(config.path())).unwrap();
        let mut expected = PpoPreset::Stiennon.options();
        expected.kl_coef = 0.5;
        expected.missing_eos = nudge_rlhf::MissingEos::Subtract(2.0);
        assert_eq!(options.ppo, expected);
        assert_eq!(options.episodes, 64);
        let flag = resolve_ppo(Some(PpoPreset::Trl), &PpoFlags::default(), &algorithm, Some(config.path())).unwrap();
        assert_eq!(flag.ppo.whiten_variance, nudge_rlhf::Variance::Unbiased);
    }

    #[test]
    fn rules_on_the_command_line_are_those_of_the_options() {
        let read = |flags: PpoAlgorithmFlags| resolve_ppo(None, &PpoFlags::default(), &flags, None).unwrap().ppo;
        let flags = PpoAlgorithmFlags {
            missing_eos: Some(missing_eos("replace:-1").unwrap()),
            adaptive_kl: Some(adaptive_kl("6:10000").unwrap()),
            ..Default::default()
        };
        let ppo = read(flags);
        assert_eq!(ppo.missing_eos, nudge_rlhf::MissingEos::Replace(-1.0));
        assert_eq!(ppo.adaptive_kl, Some(nudge_rlhf::AdaptiveKl { target: 6.0, horizon: 10_000.0 }));
        assert!(missing_eos("replace").is_err() && missing_eos("subtract:x").is_err() && adaptive_kl("6").is_err());
    }
}
