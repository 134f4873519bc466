//! Configurations: out and in again, and what is refused.

use super::*;

#[test]
fn round_trips_through_config_json() {
    let config = DecoderConfig::builtin(2048);
    let bytes = config.to_json("ForCausalLM", 1, 0);
    assert_eq!(DecoderConfig::from_json(&bytes).unwrap(), config);
}

#[test]
fn names_the_field_it_refuses() {
    let mut value: serde_json::Value =
        serde_json::from_slice(&DecoderConfig::test(64).to_json("ForCausalLM", 1, 0)).unwrap();
    value["rope_scaling"] = serde_json::json!({"type": "dynamic", "factor": 2.0});
    let error = DecoderConfig::from_json(value.to_string().as_bytes()).unwrap_err();
    assert!(error.to_string().contains("rope_scaling"), "{error}");
    value["rope_scaling"] = serde_json::Value::Null;
    value["num_key_value_heads"] = 3.into();
    value["num_attention_heads"] = 4.into();
    assert!(DecoderConfig::from_json(value.to_string().as_bytes()).is_err());
    assert!(DecoderConfig::from_json(b"{").is_err());
}

#[test]
fn a_family_that_is_not_known_is_refused_with_those_that_are() {
    let mut value: serde_json::Value =
        serde_json::from_slice(&DecoderConfig::test(64).to_json("ForCausalLM", 1, 0)).unwrap();
    assert_eq!(value["architectures"][0], "LlamaForCausalLM");
    value["model_type"] = "mamba".into();
    let error = DecoderConfig::from_json(value.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("`mamba`") && error.contains("`llama`"), "{error}");
    value["model_type"] = "llama".into();
    value["mlp_bias"] = true.into();
    let error = DecoderConfig::from_json(value.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("mlp_bias is true"), "{error}");
}

#[test]
fn the_rotary_base_is_read_where_transformers_5_writes_it() {
    let mut value: serde_json::Value =
        serde_json::from_slice(&DecoderConfig::test(64).to_json("ForCausalLM", 1, 0)).unwrap();
    value.as_object_mut().unwrap().remove("rope_theta");
    value["head_dim"] = serde_json::Value::Null;
    value["rope_parameters"] = serde_json::json!({"rope_type": "default", "rope_theta": 100_000.0});
    let config = DecoderConfig::from_json(value.to_string().as_bytes()).unwrap();
    assert_eq!(config, DecoderConfig { rope_theta: 100_000.0, ..DecoderConfig::test(64) });
    value["rope_parameters"]["rope_type"] = "yarn".into();
    let error = DecoderConfig::from_json(value.to_string().as_bytes()).unwrap_err();
    assert!(error.to_string().contains("yarn"), "{error}");
}

#[test]
fn the_builtin_shape_stays_within_six_million_parameters() {
    assert!(DecoderConfig::builtin(2048).parameter_count() < 6_000_000);
}
