//! One rollout and two updates of PPO on tiny models: TRL's numbers from the first log-probability to the last weight,
//! by the very code that trains ([`Ppo`]). Given are the models, the completions and their raw scores.

use burn::tensor::{Device, Tensor};
use futures_lite::future::block_on;
use nudge_data::{Prompt, Tokenizer, tokenizer::MIN_VOCAB_SIZE};
use nudge_model::{Decoder, DecoderConfig, Optimizer, Parameters, ScalarModel};
use nudge_rlhf::{LossAggregation, MissingEos, ScoreIndex, Variance};
use nudge_session::finetuning::FinetuningOptions;
use nudge_session::method::offline::OfflineOptions;
use nudge_session::method::online::prompts::Prompts;
use nudge_session::method::online::scores::Scorer;
use nudge_session::method::online::{Completions, Estimated, Layout, Minibatch, OnlineOptions};
use nudge_session::method::ppo::{self, Ppo, PpoOptions};
use nudge_session::method::{EncodedRankings, Material};
use nudge_session::rollout::SampledCompletion;
use nudge_session::trainer::{Measured, Trainer};
use nudge_session::{Metrics, SessionError};
use serde_json::Value;

use super::adamw::options as optimizer_options;
use super::{
    VALUE_TOLERANCE, assert_close, assert_summaries, assert_values, number, numbers, read, rows, training_device,
    values, weights,
};

const JSON: &str = include_str!("ppo_update.json");
const PAD: u32 = 0;
const EOS: u32 = 1;

fn config(reference: &Value) -> DecoderConfig {
    DecoderConfig::from_json(reference["start"]["config"].to_string().as_bytes()).expect("a Llama configuration")
}

fn decoder(reference: &Value, name: &str) -> Decoder {
    let tensors = weights(&reference["start"][name]);
    Decoder::from_tensors(&config(reference), &tensors, &Device::flex()).expect("transformers' names and shapes")
}

fn value_model(reference: &Value) -> ScalarModel {
    let tensors = weights(&reference["start"]["value_model"]);
    let score = tensors.matrix("score.weight", [1, config(reference).hidden_size], &Device::flex());
    ScalarModel::with_score(decoder(reference, "value_model"), score.expect("a head"))
}

/// TRL's options.
fn options(reference: &Value) -> PpoOptions {
    let option = |name: &str| number(&reference["options"][name]);
    let completions = rows::<u32>(&reference["rollout"]["answers"]);
    PpoOptions {
        value_learning_rate: Some(option("learning_rate")),
        score_index: ScoreIndex::AfterEos,
        whiten_variance: Variance::Unbiased,
        gamma: option("gamma"),
        lambda: option("lam"),
        cliprange: option("cliprange"),
        cliprange_value: option("cliprange_value"),
        vf_coef: option("vf_coef"),
        online: OnlineOptions {
            batch_size: completions.len(),
            learning_rate: Some(option("learning_rate")),
            max_new_tokens: completions[0].len(),
            temperature: Some(option("temperature")),
            kl_coef: option("kl_coef"),
            adaptive_kl: None,
            missing_eos: MissingEos::Subtract(option("missing_eos_penalty")),
            num_iterations: 1,
            num_mini_batches: 1,
            warmup_ratio: 0.0,
            normalize_scores: false,
            ..Default::default()
        },
        ..Default::default()
    }
}

/// Models and completions that are given.
struct Given {
    reference: Value,
    tokenizer: Tokenizer,
}

impl Given {
    fn completions(&self) -> Completions {
        let given = &self.reference["rollout"];
        let real = |row: Vec<u32>| row.into_iter().filter(|token| *token != PAD).collect::<Vec<_>>();
        let prompts: Vec<Vec<u32>> = rows::<u32>(&given["prompts"]).into_iter().map(real).collect();
        let completion = |tokens: Vec<u32>| {
            let ended = tokens.contains(&EOS);
            SampledCompletion::given(tokens, ended)
        };
        let completions = rows::<u32>(&given["answers"]).into_iter().map(real).map(completion).collect();
        Completions { places: (0..prompts.len()).collect(), prompts, completions }
    }
}

impl Material for Given {
    fn policy(&self, _: &FinetuningOptions, _: u64, _device: &Device) -> Result<Decoder, SessionError> {
        Ok(decoder(&self.reference, "reference"))
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn scorer(&self, _device: &Device) -> Result<Scorer, SessionError> {
        let all: Vec<Vec<u32>> = self.completions().completions.into_iter().map(|one| one.tokens).collect();
        let scores = values(&self.reference["rollout"]["raw_scores"]);
        Ok(Scorer::Rule(Box::new(move |completion| {
            let place = all.iter().position(|tokens| *tokens == completion.tokens).expect("a given completion");
            scores[place]
        })))
    }

    fn reward_model(&self, _: &FinetuningOptions, _: u64, _device: &Device) -> Result<ScalarModel, SessionError> {
        Ok(value_model(&self.reference))
    }

    fn prompts(&self, _max_new_tokens: usize) -> Result<Prompts, SessionError> {
        let prompts = self.completions().prompts;
        Ok(Prompts::encoded(vec![Prompt::from(""); prompts.len()], prompts, self.tokenizer.clone()))
    }

    fn rankings(&self, _labels: bool, _options: &OfflineOptions) -> Result<EncodedRankings, SessionError> {
        unreachable!("PPO learns from scores")
    }

    fn pretraining_texts(&self) -> &[String] {
        &[]
    }
}

/// Phases 2 to 5, each compared with TRL's.
fn estimate(ppo: &mut Ppo, completions: Completions, reference: &Value) -> Estimated {
    let given = &reference["rollout"];
    let value = ppo.value.model.frozen();
    let collected = block_on(ppo.online.collect(completions, Some(&value))).expect("the CPU gives numbers");
    let mask = collected.mask.clone();
    assert_eq!(mask, rows::<bool>(&given["mask"]).concat());
    let reward_mask = rows::<bool>(&given["reward_mask"]).concat();
    compare("log-probabilities", &collected.logprobs, &mask, &given["logprobs"]);
    compare("reference's log-probabilities", &collected.ref_logprobs, &mask, &given["ref_logprobs"]);
    compare("values", &collected.values, &reward_mask, &given["values"]);
    compare("KL", &collected.kl, &mask, &given["kl"]);
    assert_values("raw scores", &collected.raw_scores[0], &given["raw_scores"]);
    let scored = ppo.score(collected);
    assert_values("scores", &scored.scores, &given["scores"]);
    let rewards = ppo.shape_rewards(&scored);
    assert_values("rewards", &rewards, &given["rewards"]);
    let estimated = ppo.estimate_advantages(scored, &rewards);
    assert_eq!(estimated.reward_mask, reward_mask);
    assert_values("returns", &estimated.returns, &given["returns"]);
    assert_values("advantages", &estimated.advantages, &given["advantages"]);
    estimated
}

/// What stands under the mask says nothing, here as there.
fn compare(what: &str, found: &[f32], mask: &[bool], expected: &Value) {
    let kept = |values: &[f32]| -> Vec<f32> {
        values.iter().zip(mask).filter(|(_, counts)| **counts).map(|(value, _)| *value).collect()
    };
    assert_close(what, &kept(found), &kept(&values(expected)), VALUE_TOLERANCE);
}

/// The gradients of the loss that an update goes down.
fn assert_gradients<M: Parameters>(name: &str, model: &M, loss: impl FnOnce(&M) -> Measured, expected: &Value) {
    let tracked = model.tracked();
    assert_summaries(name, loss(&tracked).loss, &tracked, &expected[name]["gradients"]);
}

fn weights_of<M: Parameters>(trainer: &Trainer<M>) -> Vec<(String, Vec<f32>)> {
    trainer.model.parameters().into_iter().map(|(name, weight)| (name, numbers(weight.clone()))).collect()
}

/// By how much an update has moved each weight, in learning rates: one step of AdamW moves a weight by about one.
fn assert_moves(name: &str, before: &[(String, Vec<f32>)], after: &[(String, Vec<f32>)], lr: f32, expected: &Value) {
    for ((weight, before), (_, after)) in before.iter().zip(after) {
        let moved = |after: &[f32]| -> Vec<f32> { after.iter().zip(before).map(|(a, b)| (a - b) / lr).collect() };
        let wanted = values(&expected[name]["weights"][weight]);
        for (found, wanted) in moved(after).iter().zip(moved(&wanted)) {
            assert!((found - wanted).abs() < 1e-3, "{weight} of {name}: {found} instead of {wanted}");
        }
    }
}

fn assert_metric(metrics: &Metrics, name: &str, expected: &Value) {
    assert_close(name, &[metrics[name] as f32], &[number(expected)], VALUE_TOLERANCE);
}

#[test]
fn a_rollout_and_two_updates_of_tiny_models_are_those_of_trl() {
    let reference = read(JSON);
    let options = options(&reference);
    let tokenizer = Tokenizer::train(["."].into_iter(), MIN_VOCAB_SIZE).expect("a tokenizer");
    assert_eq!(tokenizer.pad_id(), PAD);
    let given = Given { reference: reference.clone(), tokenizer };
    let mut ppo = Ppo::new(options.clone(), &given, &Device::flex()).expect("the models are whole");
    // There the policy has moved away from the reference already, and weights decay.
    let adamw = optimizer_options(&reference["options"]["optimizer"]);
    let policy = &mut ppo.online.actor.trainer;
    policy.model = decoder(&reference, "policy");
    policy.optimizer = Optimizer::new(adamw.clone(), &policy.model);
    ppo.value.optimizer = Optimizer::new(adamw, &ppo.value.model);
    let estimated = estimate(&mut ppo, given.completions(), &reference);

    let updates = reference["updates"].as_array().expect("a list of updates");
    assert_eq!(updates.len(), 2);
    for expected in updates {
        let config = config(&reference);
        let all: Vec<usize> = (0..estimated.len()).collect();
        let batch = Minibatch::new(&estimated, &all, &config, Layout::default(), &training_device());
        let surrogate = |new: Tensor<2>| ppo::surrogate(new, &batch, options.cliprange);
        let objective = &ppo.online.actor.objective;
        assert_eq!(objective.aggregation, LossAggregation::TokenMean);
        let policy_loss = |model: &Decoder| objective.loss(model, &batch, 0.0, None, surrogate);
        assert_gradients("policy", &ppo.online.actor.trainer.model, policy_loss, expected);
        let values = batch.values(&estimated, &config);
        assert_gradients(
            "value_model",
            &ppo.value.model,
            |model| ppo::value_objective(model, &values, &options),
            expected,
        );

        let before = (weights_of(&ppo.online.actor.trainer), weights_of(&ppo.value));
        let metrics = block_on(ppo.optimise(&estimated)).expect("the CPU gives numbers");
        // Whitened advantages sum to 0, and so does the first loss: its scale is 1.
        let (loss, wanted) = (metrics["loss/policy_avg"] as f32, number(&expected["policy_loss"]));
        assert!((loss - wanted).abs() < 1e-5, "policy loss {loss} instead of {wanted}");
        assert_metric(&metrics, "val/ratio", &expected["ratio"]);
        assert_metric(&metrics, "policy/approxkl_avg", &expected["approx_kl"]);
        assert_metric(&metrics, "policy/clipfrac_avg", &expected["clipfrac"]);
        assert_metric(&metrics, "policy/grad_norm", &expected["policy"]["grad_norm"]);
        assert_metric(&metrics, "loss/value_avg", &expected["value_loss"]);
        assert_metric(&metrics, "val/clipfrac_avg", &expected["value_clipfrac"]);
        assert_metric(&metrics, "val/grad_norm", &expected["value_model"]["grad_norm"]);
        let lr = options.online.learning_rate.expect("TRL's");
        assert_moves("policy", &before.0, &weights_of(&ppo.online.actor.trainer), lr, expected);
        assert_moves("value_model", &before.1, &weights_of(&ppo.value), lr, expected);
    }
}
