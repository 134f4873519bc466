//! Every family: logits, loss, gradients and greedy text of tiny models of transformers, and configurations out and in.

use nudge_model::{DecoderConfig, ModelError, Parameters};
use serde_json::{Value, json};

use super::decoder::{assert_logits, assert_loss_and_gradients, decoder};
use super::generation::Fixture;
use super::read;

const JSON: &str = include_str!("families.json");

/// Name in the file, `model_type`, class in transformers.
const FAMILIES: [(&str, &str, &str); 6] = [
    ("llama", "llama", "LlamaForCausalLM"),
    ("mistral", "mistral", "MistralForCausalLM"),
    ("qwen3", "qwen3", "Qwen3ForCausalLM"),
    ("smollm3", "smollm3", "SmolLM3ForCausalLM"),
    ("gemma3", "gemma3_text", "Gemma3ForCausalLM"),
    ("gpt2", "gpt2", "GPT2LMHeadModel"),
];

fn open(config: &Value) -> Result<DecoderConfig, ModelError> {
    DecoderConfig::from_json(config.to_string().as_bytes())
}

#[test]
fn logits_loss_and_gradients_are_those_of_transformers() {
    let json = read(JSON);
    for (name, ..) in FAMILIES {
        let reference = &json[name]["forward"];
        let model = decoder(reference);
        assert_logits(name, reference, &model);
        assert_loss_and_gradients(name, reference, &model);
    }
}

#[test]
fn greedy_text_is_that_of_transformers_behind_padding_alone_in_one_pass_and_on_the_host() {
    let json = read(JSON);
    for (name, ..) in FAMILIES {
        let fixture = Fixture::new(json[name]["generation"].clone(), decoder(&json[name]["forward"]));
        fixture.assert_continued();
        fixture.assert_rows_alone();
        fixture.assert_continued_on_the_host();
    }
}

#[test]
fn configurations_go_out_and_in_again_and_every_weight_is_counted() {
    let json = read(JSON);
    for (name, model_type, class) in FAMILIES {
        let model = decoder(&json[name]["forward"]);
        let numbers: usize = model.parameters().iter().map(|(_, weight)| weight.dims().iter().product::<usize>()).sum();
        assert_eq!(numbers, model.config.parameter_count(), "{name}");
        let bytes = model.config.to_json("ForCausalLM", 1, 0);
        assert_eq!(DecoderConfig::from_json(&bytes).expect("own output"), model.config, "{name}");
        let written: Value = serde_json::from_slice(&bytes).expect("own output");
        assert_eq!((&written["model_type"], &written["architectures"][0]), (&json!(model_type), &json!(class)));
    }
}

#[test]
fn older_words_mean_the_same() {
    let json = read(JSON);
    let config = |name: &str| json[name]["forward"]["config"].clone();
    let moved = |config: &mut Value, field: &str| {
        let fields = config.as_object_mut().expect("an object");
        fields.remove(field).expect("a field")
    };
    let mut llama = config("llama");
    let expected = open(&llama).expect("a known configuration");
    let mut rope = moved(&mut llama, "rope_parameters");
    llama["rope_theta"] = moved(&mut rope, "rope_theta");
    llama["rope_scaling"] = rope;
    assert_eq!(open(&llama).expect("older words"), expected);

    let mut gemma = config("gemma3");
    let mut expected = open(&gemma).expect("a known configuration");
    let mut rope = moved(&mut gemma, "rope_parameters");
    gemma["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"].take();
    gemma["rope_theta"] = rope["full_attention"]["rope_theta"].take();
    gemma["rope_scaling"] = json!({"type": "linear", "factor": 4.0});
    assert_eq!(open(&gemma).expect("older words"), expected);
    moved(&mut gemma, "layer_types");
    gemma["sliding_window_pattern"] = 2.into();
    let found = open(&gemma).expect("older words");
    expected.own = found.own.clone();
    assert_eq!(found, expected);
}

#[test]
fn what_a_family_does_not_compute_is_refused_by_the_name_of_its_field() {
    let json = read(JSON);
    let wrong = [
        ("llama", "attention_bias", json!(true)),
        ("llama", "hidden_act", json!("gelu")),
        ("llama", "rope_parameters", json!({"rope_type": "yarn", "factor": 2.0})),
        ("llama", "rms_norm_eps", json!(0)),
        ("llama", "rms_norm_eps", json!("small")),
        ("llama", "tie_word_embeddings", json!("yes")),
        ("mistral", "sliding_window", json!(0)),
        ("mistral", "sliding_window", json!("wide")),
        ("qwen3", "use_sliding_window", json!(true)),
        ("qwen3", "head_dim", json!(7)),
        ("smollm3", "no_rope_layers", json!([1, 0])),
        ("smollm3", "no_rope_layers", json!(4)),
        ("gemma3", "layer_types", json!(["full_attention"])),
        ("gemma3", "layer_types", json!(["full_attention", "linear_attention", "full_attention"])),
        ("gemma3", "query_pre_attn_scalar", json!(0)),
        ("gemma3", "final_logit_softcapping", json!(30.0)),
        ("gemma3", "hidden_activation", json!("silu")),
        ("gpt2", "activation_function", json!("relu")),
        ("gpt2", "scale_attn_by_inverse_layer_idx", json!(true)),
        ("gpt2", "n_embd", json!(18)),
    ];
    for (name, field, value) in wrong {
        let mut config = json[name]["forward"]["config"].clone();
        config[field] = value;
        let error = open(&config).expect_err(field).to_string();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn a_thousand_million_of_anything_is_refused() {
    let json = read(JSON);
    for (name, ..) in FAMILIES {
        let config = &json[name]["forward"]["config"];
        let sizes = config.as_object().expect("an object").iter().filter(|(field, value)| {
            let about_tokens = field.ends_with("token_id") || ["max_window_layers", "n_ctx"].contains(&field.as_str());
            value.as_u64().is_some_and(|size| size > 0) && !about_tokens
        });
        let mut refused = 0;
        for (field, _) in sizes {
            for size in [json!(1_000_000_000), json!(u64::MAX), json!(1e19), json!(-1)] {
                let mut config = config.clone();
                config[field] = size;
                match open(&config) {
                    Err(error) => {
                        assert!(error.to_string().contains(field.as_str()), "{name}: {error}");
                        refused += 1;
                    }
                    // What is no size of anything: a window beyond the context.
                    Ok(config) => assert!(config.parameter_count() < 10_000, "{name}: {field}"),
                }
            }
        }
        assert!(refused >= 5 * 4, "{name}: {refused}");
    }
}
