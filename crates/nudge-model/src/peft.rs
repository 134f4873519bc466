//! PEFT's `adapter_config.json`: read as its users write it, written as PEFT does.
//!
//! Which matrices an adapter holds, and their ranks, follow from its tensors; what the file adds is their scale. What
//! would compute something else than `W + s B A` is refused by its field's name.

use crate::adapter::BaseModel;
use crate::{LoraConfig, ModelError};
use regex::Regex;
use serde_json::{Map, Value, json};

/// What `adapter_config.json` says.
#[derive(Debug, Clone)]
pub struct PeftConfig {
    /// Rank, scale and targets.
    pub lora: LoraConfig,
    /// `alpha` of the modules whose names end so.
    alpha_pattern: Vec<(Regex, f32)>,
    /// The base by name or path, as whoever trained it called it, and where Nudge wrote it by its SHA-256.
    pub base: BaseModel,
}

/// The field that Nudge adds to what PEFT writes, which PEFT does not mind.
const BASE_SHA256: &str = "base_model_sha256";

/// Longest pattern that is compiled.
const PATTERN_BYTES: usize = 1 << 16;

impl PeftConfig {
    /// For an adapter of this kind.
    pub fn new(lora: LoraConfig, base: BaseModel) -> Self {
        Self { lora, alpha_pattern: vec![], base }
    }

    /// Reads `adapter_config.json`.
    ///
    /// # Errors
    /// If it is no JSON, or asks for what is not computed here.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ModelError> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| unusable(&error.to_string()))?;
        let fields = value.as_object().ok_or_else(|| unusable("it is no JSON object"))?;
        refuse_unsupported(fields)?;
        let r = fields.get("r").map_or(Some(8), Value::as_u64).filter(|r| (1..=1 << 16).contains(r));
        let r = r.ok_or_else(|| unusable(&format!("r is {}, but a rank is a whole number from 1", value["r"])))?;
        let alpha = number(fields.get("lora_alpha"), "lora_alpha", 8.0)?;
        let target_modules = match &value["target_modules"] {
            Value::Array(names) => names.iter().filter_map(Value::as_str).map(String::from).collect(),
            _ => vec![],
        };
        let use_rslora = value["use_rslora"].as_bool().unwrap_or(false);
        let patterns = value["alpha_pattern"].as_object().into_iter().flatten();
        let alpha_pattern = patterns.map(pattern).collect::<Result<_, _>>()?;
        let text = |field: &str| value[field].as_str().map(String::from);
        Ok(Self {
            lora: LoraConfig { r: r as usize, alpha, use_rslora, target_modules },
            alpha_pattern,
            base: BaseModel { name: text("base_model_name_or_path"), sha256: text(BASE_SHA256) },
        })
    }

    /// `s` of the adapter of this weight, whose rank is `r`.
    pub fn scale(&self, weight: &str, r: usize) -> f32 {
        let module = weight.strip_suffix(".weight").unwrap_or(weight);
        let own = self.alpha_pattern.iter().find(|(pattern, _)| pattern.is_match(module));
        let alpha = own.map_or(self.lora.alpha, |(_, alpha)| *alpha);
        LoraConfig { r, alpha, ..self.lora.clone() }.scale()
    }

    /// The same file for an adapter of `strength` times the scale.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn scaled(bytes: &[u8], strength: f32) -> Result<Vec<u8>, ModelError> {
        let alpha = Self::from_json(bytes)?.lora.alpha;
        let mut value: Value = serde_json::from_slice(bytes).map_err(|error| unusable(&error.to_string()))?;
        value["lora_alpha"] = json!(alpha * strength);
        for alpha in value["alpha_pattern"].as_object_mut().into_iter().flat_map(Map::values_mut) {
            *alpha = json!(alpha.as_f64().unwrap_or(0.0) as f32 * strength);
        }
        serde_json::to_vec_pretty(&value).map_err(|error| unusable(&error.to_string()))
    }

    /// Writes `adapter_config.json`; `targets` are the last parts of the adapted modules' names, `is_reward` says
    /// whether a head of one label is saved beside them.
    pub fn to_json(&self, targets: &[&str], is_reward: bool) -> Vec<u8> {
        let mut value = json!({
            "peft_type": "LORA",
            "task_type": if is_reward { "SEQ_CLS" } else { "CAUSAL_LM" },
            "base_model_name_or_path": self.base.name,
            "r": self.lora.r,
            "lora_alpha": self.lora.alpha,
            "lora_dropout": 0.0,
            "use_rslora": self.lora.use_rslora,
            "use_dora": false,
            "target_modules": targets,
            "modules_to_save": if is_reward { json!(["score"]) } else { Value::Null },
            "rank_pattern": {},
            "alpha_pattern": {},
            "bias": "none",
            "fan_in_fan_out": false,
            "init_lora_weights": true,
            "inference_mode": true,
        });
        if let Some(sha256) = &self.base.sha256 {
            value[BASE_SHA256] = json!(sha256);
        }
        let mut bytes = serde_json::to_vec_pretty(&value).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

fn unusable(reason: &str) -> ModelError {
    ModelError::AdapterConfig(reason.into())
}

/// Names the first field that asks for something else than low-rank matrices beside frozen ones.
fn refuse_unsupported(fields: &Map<String, Value>) -> Result<(), ModelError> {
    let is_set =
        |field: &str| fields.get(field).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)));
    match fields.get("peft_type").and_then(Value::as_str) {
        Some("LORA") => {}
        other => return Err(unusable(&format!("peft_type is {other:?}; only \"LORA\" is supported"))),
    }
    if let Some(field) = ["use_dora", "fan_in_fan_out", "layer_replication", "trainable_token_indices"]
        .into_iter()
        .find(|field| is_set(field))
    {
        return Err(unusable(&format!("{field} is {}, which is not supported", fields[field])));
    }
    let bias = fields.get("bias").and_then(Value::as_str).unwrap_or("none");
    if bias != "none" {
        return Err(unusable(&format!("bias is \"{bias}\"; only \"none\" is supported")));
    }
    // PEFT itself lists the names that heads go by.
    let heads = ["score", "classifier"];
    let saved = fields.get("modules_to_save").and_then(Value::as_array).into_iter().flatten();
    match saved.filter_map(Value::as_str).find(|module| !heads.contains(module)) {
        Some(module) => {
            Err(unusable(&format!("modules_to_save has \"{module}\"; only a reward model's \"score\" is read")))
        }
        None => Ok(()),
    }
}

fn number(value: Option<&Value>, field: &str, default: f32) -> Result<f32, ModelError> {
    match value {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value
            .as_f64()
            .map(|number| number as f32)
            .filter(|number| number.is_finite())
            .ok_or_else(|| unusable(&format!("{field} is {value}, but must be a number"))),
    }
}

/// A key of `alpha_pattern`, which matches the end of a module's name, with its number.
fn pattern((key, value): (&String, &Value)) -> Result<(Regex, f32), ModelError> {
    let whole = format!(r"^(.*\.)?({key})$");
    let compiled = regex::RegexBuilder::new(&whole).size_limit(PATTERN_BYTES).build();
    let compiled = compiled.map_err(|error| unusable(&format!("alpha_pattern \"{key}\": {error}")))?;
    Ok((compiled, number(Some(value), &format!("alpha_pattern \"{key}\""), 0.0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PeftConfig, String> {
        PeftConfig::from_json(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_least_that_peft_writes_is_read() {
        let config = read(r#"{"peft_type":"LORA","r":2,"lora_alpha":6,"target_modules":["q_proj","v_proj"]}"#).unwrap();
        assert_eq!(config.scale("model.layers.0.self_attn.q_proj.weight", 2), 3.0);
        let config = read(r#"{"peft_type":"LORA","target_modules":"all-linear","use_rslora":true}"#).unwrap();
        assert_eq!((config.lora.r, config.scale("x.weight", 16)), (8, 2.0));
    }

    #[test]
    fn alpha_may_differ_by_module() {
        let config =
            read(r#"{"peft_type":"LORA","r":4,"lora_alpha":4,"alpha_pattern":{"layers\\.1\\..*q_proj":8}}"#).unwrap();
        assert_eq!(config.scale("model.layers.1.self_attn.q_proj.weight", 4), 2.0);
        assert_eq!(config.scale("model.layers.11.self_attn.k_proj.weight", 4), 1.0);
    }

    #[test]
    fn a_scaled_adapter_has_so_much_of_the_scale_everywhere() {
        let whole =
            r#"{"peft_type":"LORA","r":4,"lora_alpha":4,"alpha_pattern":{"q_proj":8},"base_model_sha256":"ab"}"#;
        let half = PeftConfig::from_json(&PeftConfig::scaled(whole.as_bytes(), 0.5).unwrap()).unwrap();
        assert_eq!(half.scale("model.layers.1.self_attn.q_proj.weight", 4), 1.0);
        assert_eq!(half.scale("model.layers.1.self_attn.k_proj.weight", 4), 0.5);
        assert_eq!(half.base.sha256.as_deref(), Some("ab"));
        assert!(PeftConfig::scaled(b"{}", 0.5).is_err());
    }

    #[test]
    fn what_is_not_computed_is_refused_by_name() {
        for (text, word) in [
            (r#"{"peft_type":"IA3"}"#, "IA3"),
            (r#"{"peft_type":"LORA","r":0}"#, "r is 0"),
            (r#"{"peft_type":"LORA","r":-3}"#, "r is -3"),
            (r#"{"peft_type":"LORA","use_dora":true}"#, "use_dora"),
            (r#"{"peft_type":"LORA","bias":"all"}"#, "bias"),
            (r#"{"peft_type":"LORA","modules_to_save":["lm_head"]}"#, "lm_head"),
            (r#"{"peft_type":"LORA","alpha_pattern":{"(":1}}"#, "alpha_pattern \"(\""),
            (r#"{"peft_type":"LORA","alpha_pattern":{"((a{1000}){1000}){1000}":1}}"#, "size"),
            (r#"{"peft_type":"LORA","lora_alpha":"x"}"#, "lora_alpha"),
            ("[]", "object"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let lora = LoraConfig { r: 4, alpha: 8.0, use_rslora: true, target_modules: vec!["q_proj".into()] };
        let base = BaseModel { name: Some("base".into()), sha256: Some("ab".into()) };
        let written = PeftConfig::new(lora.clone(), base.clone()).to_json(&["q_proj"], true);
        let config = PeftConfig::from_json(&written).unwrap();
        assert_eq!((config.lora, config.base), (lora, base));
    }
}
