//! One rollout and two updates of PPO on tiny models: TRL's numbers from the first log-probability to the last weight.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use nudge_model::{Decoder, DecoderConfig, Optimizer, Parameters, ScalarModel, TokenBatch};
use nudge_rlhf::{
    KlEstimator, LossAggregation, MissingEos, ScoreIndex, Variance, gae, per_token_kl, policy_loss, shaped_rewards,
    value_loss, whiten,
};
use serde_json::Value;

use super::adamw::options as optimizer_options;
use super::{
    assert_close, assert_summaries, assert_value, assert_values, number, numbers, read, rows, training_device, values,
    weights,
};

const JSON: &str = include_str!("ppo_update.json");
const PAD: u32 = 0;
const EOS: u32 = 1;

/// The given rollout, and what is computed from it, `[batch, time]`.
struct Rollout {
    tokens: Vec<u32>, // [batch, prompt_width + time]
    answers: Vec<Vec<u32>>,
    prompt_width: usize,
    time: usize,
    mask: Vec<bool>,
    reward_mask: Vec<bool>,
    logprobs: Vec<f32>,
    values: Vec<f32>,
    advantages: Vec<f32>,
    returns: Vec<f32>,
}

fn config(reference: &Value) -> DecoderConfig {
    DecoderConfig::from_json(reference["start"]["config"].to_string().as_bytes()).expect("a Llama configuration")
}

fn decoder(reference: &Value, name: &str) -> Decoder {
    let tensors = weights(&reference["start"][name]);
    Decoder::from_tensors(&config(reference), &tensors, &Device::flex()).expect("transformers' names and shapes")
}

fn value_model(reference: &Value) -> ScalarModel {
    let tensors = weights(&reference["start"]["value_model"]);
    ScalarModel::from_tensors(&config(reference), &tensors, &Device::flex()).expect("transformers' names and shapes")
}

impl Rollout {
    /// Tokens and masks.
    fn given(reference: &Value) -> Self {
        let given = &reference["rollout"];
        let (prompts, answers) = (rows::<u32>(&given["prompts"]), rows::<u32>(&given["answers"]));
        let time = answers[0].len();
        let mask: Vec<bool> = answers.concat().iter().map(|token| *token != PAD).collect();
        let this = Self {
            tokens: prompts.iter().zip(&answers).flat_map(|(prompt, answer)| [&prompt[..], answer].concat()).collect(),
            prompt_width: prompts[0].len(),
            time,
            reward_mask: ScoreIndex::AfterEos.reward_mask(&mask, time),
            mask,
            answers,
            logprobs: vec![],
            values: vec![],
            advantages: vec![],
            returns: vec![],
        };
        assert_eq!(this.mask, rows::<bool>(&given["mask"]).concat());
        assert_eq!(this.reward_mask, rows::<bool>(&given["reward_mask"]).concat());
        this
    }

    fn shape(&self) -> [usize; 2] {
        [self.answers.len(), self.time]
    }

    fn batch(&self, config: &DecoderConfig, device: &Device) -> TokenBatch {
        let mask: Vec<bool> = self.tokens.iter().map(|token| *token != PAD).collect();
        TokenBatch::new(&self.tokens, &mask, self.answers.len(), self.prompt_width + self.time, config, device)
    }

    /// Of the answer tokens.
    fn logprobs(&self, model: &Decoder, temperature: f32, device: &Device) -> Tensor<2> {
        let hidden = model.hidden(&self.batch(&model.config, device)).narrow(1, self.prompt_width - 1, self.time);
        let targets = nudge_model::generation::token_rows(&self.answers.concat(), self.shape(), device);
        model.logprobs(hidden, targets, temperature)
    }

    /// Before each answer token.
    fn values(&self, model: &ScalarModel, device: &Device) -> Tensor<2> {
        let batch = self.batch(&model.decoder.config, device);
        model.values(&batch).narrow(1, self.prompt_width - 1, self.time)
    }

    /// Steps 2 to 5 of PPO, each compared with TRL's.
    fn estimate(&mut self, reference: &Value) {
        let (given, options, device) = (&reference["rollout"], &reference["options"], Device::flex());
        let option = |name: &str| number(&options[name]);
        let models = ["policy", "reference"].map(|name| decoder(reference, name));
        let [logprobs, ref_logprobs] =
            models.map(|model| numbers(self.logprobs(&model, option("temperature"), &device)));
        compare("log-probabilities", &logprobs, &self.mask, &given["logprobs"]);
        compare("reference's log-probabilities", &ref_logprobs, &self.mask, &given["ref_logprobs"]);
        let values = numbers(self.values(&value_model(reference), &device));
        compare("values", &values, &self.reward_mask, &given["values"]);

        let missing_eos = MissingEos::Subtract(option("missing_eos_penalty"));
        let raw_scores = super::values(&given["raw_scores"]);
        let scores: Vec<f32> = raw_scores
            .iter()
            .zip(&self.answers)
            .map(|(score, answer)| missing_eos.apply(*score, answer.contains(&EOS)))
            .collect();
        assert_values("scores", &scores, &given["scores"]);
        let kl = per_token_kl(KlEstimator::K1, &logprobs, &ref_logprobs, &self.mask);
        compare("KL", &kl, &self.mask, &given["kl"]);
        let rewards = shaped_rewards(&kl, &scores, &self.mask, self.time, option("kl_coef"), ScoreIndex::AfterEos);
        assert_values("rewards", &rewards, &given["rewards"]);
        let found = gae(&rewards, &values, &self.reward_mask, self.time, option("gamma"), option("lam"));
        assert_values("returns", &found.returns, &given["returns"]);
        self.advantages = whiten(&found.advantages, &self.mask, Variance::Unbiased, true);
        assert_values("advantages", &self.advantages, &given["advantages"]);
        (self.logprobs, self.values, self.returns) = (logprobs, values, found.returns);
    }

    fn floats(&self, values: &[f32]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), self.shape()), &training_device())
    }

    fn booleans(&self, values: &[bool]) -> Tensor<2, Bool> {
        Tensor::from_data(TensorData::new(values.to_vec(), self.shape()), &training_device())
    }
}

/// What stands under the mask says nothing, here as there.
fn compare(what: &str, found: &[f32], mask: &[bool], expected: &Value) {
    let kept = |values: &[f32]| -> Vec<f32> {
        values.iter().zip(mask).filter(|(_, counts)| **counts).map(|(value, _)| *value).collect()
    };
    assert_close(what, &kept(found), &kept(&values(expected)), super::VALUE_TOLERANCE);
}

/// A model in training, and what it is compared with.
struct Learner<M> {
    model: M,
    optimizer: Optimizer,
    name: &'static str,
}

impl<M: Parameters> Learner<M> {
    fn new(model: M, name: &'static str, reference: &Value) -> Self {
        let optimizer = Optimizer::new(optimizer_options(&reference["options"]["optimizer"]), &model);
        Self { model, optimizer, name }
    }

    /// One step down the loss of `tracked`: gradients, their norm and the new weights.
    fn step(&mut self, tracked: &M, loss: Tensor<1>, lr: f32, expected: &Value) {
        let expected = &expected[self.name];
        let gradients = loss.backward();
        assert_summaries(self.name, tracked.parameters(), &gradients, &expected["gradients"]);
        let before: Vec<Vec<f32>> = self.model.parameters().iter().map(|(_, p)| numbers((*p).clone())).collect();
        let norm = numbers(self.optimizer.update(&mut self.model, tracked, gradients, lr));
        assert_values("gradient norm", &norm, &expected["grad_norm"]);
        for ((name, parameter), before) in self.model.parameters().into_iter().zip(before) {
            let moved = |after: &[f32]| -> Vec<f32> { after.iter().zip(&before).map(|(a, b)| (a - b) / lr).collect() };
            // In learning rates: one step of AdamW moves a weight by about one.
            let (found, wanted) = (moved(&numbers(parameter.clone())), moved(&values(&expected["weights"][&name])));
            for (found, wanted) in found.iter().zip(&wanted) {
                assert!((found - wanted).abs() < 1e-3, "{name} of {}: {found} instead of {wanted}", self.name);
            }
        }
    }
}

#[test]
fn a_rollout_and_two_updates_of_tiny_models_are_those_of_trl() {
    let reference = read(JSON);
    let option = |name: &str| number(&reference["options"][name]);
    let mut rollout = Rollout::given(&reference);
    rollout.estimate(&reference);

    let mut policy = Learner::new(decoder(&reference, "policy"), "policy", &reference);
    let mut value = Learner::new(value_model(&reference), "value_model", &reference);
    let updates = reference["updates"].as_array().expect("a list of updates");
    assert_eq!(updates.len(), 2);
    for expected in updates {
        let tracked = policy.model.tracked();
        let terms = policy_loss(
            rollout.logprobs(&tracked, option("temperature"), &training_device()),
            rollout.floats(&rollout.logprobs),
            rollout.floats(&rollout.advantages),
            rollout.booleans(&rollout.mask),
            option("cliprange"),
            LossAggregation::TokenMean,
        );
        // Whitened advantages sum to 0, and so does the first loss: its scale is 1.
        let (loss, wanted) = (numbers(terms.loss.clone().inner())[0], number(&expected["policy_loss"]));
        assert!((loss - wanted).abs() < 1e-5, "policy loss {loss} instead of {wanted}");
        assert_value("ratio", terms.ratio.inner(), &expected["ratio"]);
        assert_value("approximate KL", terms.approx_kl.inner(), &expected["approx_kl"]);
        assert_value("clipfrac", terms.clipfrac.inner(), &expected["clipfrac"]);
        policy.step(&tracked, terms.loss, option("learning_rate"), expected);

        let tracked = value.model.tracked();
        let terms = value_loss(
            rollout.values(&tracked, &training_device()),
            rollout.floats(&rollout.values),
            rollout.floats(&rollout.returns),
            rollout.booleans(&rollout.reward_mask),
            option("cliprange_value"),
        );
        assert_value("value loss", terms.loss.clone().inner(), &expected["value_loss"]);
        assert_value("value clipfrac", terms.clipfrac.inner(), &expected["value_clipfrac"]);
        value.step(&tracked, terms.loss.mul_scalar(option("vf_coef")), option("learning_rate"), expected);
    }
}
