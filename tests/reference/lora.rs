//! LoRA: logits, loss, gradients and merged weights of PEFT.

use burn::tensor::Device;
use nudge_kernels::PackedWeight;
use nudge_kernels::encoding::Encoding;
use nudge_model::peft::PeftConfig;
use nudge_model::{Adapter, BaseModel, Decoder, Matrix, Parameters};
use serde_json::Value;

use super::decoder::{assert_logits, assert_loss_and_gradients, decoder};
use super::{assert_values, numbers, read, weights};

const JSON: &str = include_str!("lora.json");

/// The model under its adapter.
fn adapted(reference: &Value) -> Decoder {
    let base = decoder(reference);
    let config = PeftConfig::from_json(reference["adapter_config"].to_string().as_bytes()).expect("PEFT's file");
    let tensors = weights(&reference["adapter"]);
    let scale = |name: &str, r| config.scale(name, r);
    let adapter = Adapter::from_tensors(config.lora.clone(), scale, &tensors, base.base(), &Device::flex());
    base.with_adapter(adapter.expect("PEFT's names and shapes"))
}

fn both(test: impl Fn(&str, &Value, Decoder)) {
    for name in ["lora", "rslora"] {
        let reference = &read(JSON)[name];
        test(name, reference, adapted(reference));
    }
}

#[test]
fn logits_and_gradients_are_those_of_peft() {
    both(|name, reference, model| {
        assert_eq!(model.trainable().len(), 28, "two matrices beside each of seven, in two layers");
        assert_logits(name, reference, &model);
        assert_loss_and_gradients(name, reference, &model);
    });
}

#[test]
fn blocks_computed_again_give_the_same_gradients() {
    both(|name, reference, model| assert_loss_and_gradients(name, reference, &model.recomputing(Some(0))));
}

#[test]
fn a_base_that_stays_as_it_came_gives_the_same() {
    both(|name, reference, model| {
        let packed = model.with_packed_base(|matrix| {
            let numbers = numbers(matrix.unpacked());
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            Matrix::Packed(PackedWeight::new(Encoding::F32, matrix.dims(), &bytes, &Device::flex()))
        });
        assert_logits(name, reference, &packed);
        assert_loss_and_gradients(name, reference, &packed.clone());
        assert_loss_and_gradients(name, reference, &packed.recomputing(Some(0)));
    });
}

#[test]
fn merged_weights_are_those_of_peft() {
    both(|name, reference, model| {
        let merged = model.merged();
        assert_logits(name, reference, &merged);
        let expected = reference["merged"].as_object().expect("weights by name");
        let found = merged.parameters().into_iter().filter(|(name, _)| expected.contains_key(name));
        let mut compared = 0;
        for (weight, found) in found {
            assert_values(&weight, &numbers(found.clone()), &expected[&weight]);
            compared += 1;
        }
        assert_eq!(compared, 7);
    });
}

#[test]
fn a_fresh_adapter_changes_nothing_and_is_all_that_is_saved() {
    both(|name, reference, model| {
        let config = model.adapter().expect("it has one").config.clone();
        let base = model.clone().without_adapter();
        let fresh = base.clone().with_fresh_adapter(config, 7, BaseModel::default());
        let rows = |model: &Decoder| {
            let batch = nudge_model::TokenBatch::new(&[4, 18, 2, 2], &[true; 4], 1, 4, &model.config, &Device::flex());
            numbers(model.logits(model.hidden(&batch)))
        };
        assert_eq!(rows(&fresh), rows(&base), "{name}");
        assert!(fresh.parameters().iter().all(|(name, _)| name.contains(".lora_")));
        assert_eq!(reference["adapter"].as_object().expect("tensors").len(), fresh.parameters().len());
    });
}
