//! AdamW and Muon over a list of matrices, with clipping by the global norm and moments that can be saved.
//!
//! Nothing is read back: the gradient norm stays a tensor, the clip factor is applied on the device.
//! Deliberately absent: schedules (the caller gives the learning rate of each step), parameter groups by name patterns.

use crate::{ModelError, Parameters, Tensors};
use burn::tensor::{Device, Tensor};
use nudge_kernels::{AdamWState, AdamWStep, adamw_update, linear, sum_of_squares};
use serde::{Deserialize, Serialize};

/// Which rule updates the matrices inside the layers. Embeddings, norms and heads always follow AdamW.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019), as `torch.optim.AdamW`.
    AdamW,
    /// Momentum made orthogonal by Newton-Schulz (Jordan et al. 2024), scaled to AdamW's update size
    /// by 0.2 sqrt(max(rows, columns)) (Liu et al. 2025) so that both share one learning rate.
    Muon,
}

/// Constants of the update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OptimizerOptions {
    /// The rule.
    pub kind: OptimizerKind,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled weight decay; matrices only, never norms.
    pub weight_decay: f32,
    /// Gradients are scaled down to this global norm; 0 turns clipping off.
    pub max_grad_norm: f32,
}

impl Default for OptimizerOptions {
    fn default() -> Self {
        Self { kind: OptimizerKind::AdamW, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.0, max_grad_norm: 1.0 }
    }
}

/// Momentum of Muon (Jordan et al. 2024).
const MUON_MOMENTUM: f32 = 0.95;

/// An optimizer and its moments, one pair a parameter that trains, in the order of [`Parameters::trainable`].
#[derive(Debug, Clone)]
pub struct Optimizer {
    options: OptimizerOptions,
    /// Updates made so far.
    pub step: usize,
    first: Vec<Tensor<2>>,
    second: Vec<Tensor<2>>,
}

/// Which rule a parameter follows.
#[derive(Clone, Copy)]
enum Rule {
    /// AdamW with weight decay.
    Decayed,
    /// AdamW without.
    Undecayed,
    Muon,
}

/// A parameter about to be updated.
struct Turn<'a> {
    /// Its place among those that train.
    index: usize,
    parameter: &'a mut Tensor<2>,
    gradient: Tensor<2>,
}

impl Optimizer {
    /// Zero moments for `model`.
    pub fn new(options: OptimizerOptions, model: &impl Parameters) -> Self {
        let zeros = || model.trainable().into_iter().map(|(_, p)| p.clone().without_autodiff().zeros_like()).collect();
        Self { options, step: 0, first: zeros(), second: zeros() }
    }

    /// One update of `model` by [`gradients`](crate::gradients) of `tracked`, its copy. Returns the norm of all
    /// gradients together before clipping, `[1]`.
    ///
    /// # Panics
    /// If a parameter received no gradient: the loss does not depend on it, which is a bug in the caller.
    pub fn update<M: Parameters>(
        &mut self,
        model: &mut M,
        tracked: &M,
        gradients: Vec<Option<Tensor<2>>>,
        lr: f32,
    ) -> Tensor<1> {
        self.step += 1;
        let named = tracked.trainable();
        let of_parameters = named.into_iter().zip(gradients);
        let mut turns: [Vec<Turn>; 3] = Default::default();
        for (index, (parameter, ((name, _), gradient))) in
            model.trainable_mut().into_iter().zip(of_parameters).enumerate()
        {
            let gradient = gradient.unwrap_or_else(|| panic!("no gradient reached `{name}`"));
            turns[self.rule(&name, parameter) as usize].push(Turn { index, parameter, gradient });
        }
        let norm = global_norm(&mut turns);
        let clip = self.clip_factor(&norm);
        let [decayed, undecayed, hidden] = turns;
        for Turn { index, parameter, gradient } in hidden {
            self.muon(index, parameter, gradient.mul(clip.clone().unsqueeze()), lr);
        }
        self.adamw(decayed, clip.clone(), lr, self.options.weight_decay);
        self.adamw(undecayed, clip, lr, 0.0);
        norm
    }

    fn rule(&self, name: &str, parameter: &Tensor<2>) -> Rule {
        if self.options.kind == OptimizerKind::Muon && name.ends_with("_proj.weight") {
            return Rule::Muon;
        }
        // Without weight decay all parameters are one list, which is one launch.
        let is_vector = parameter.dims()[0] == 1 && self.options.weight_decay != 0.0;
        if is_vector { Rule::Undecayed } else { Rule::Decayed }
    }

    /// `min(1, max_grad_norm / norm)`, `[1]`.
    fn clip_factor(&self, norm: &Tensor<1>) -> Tensor<1> {
        let limit = self.options.max_grad_norm;
        if limit <= 0.0 {
            return norm.ones_like();
        }
        norm.clone().add_scalar(1e-6).recip().mul_scalar(limit).clamp_max(1.0)
    }

    /// One step of all `turns` at once.
    fn adamw(&mut self, mut turns: Vec<Turn>, clip: Tensor<1>, lr: f32, weight_decay: f32) {
        if turns.is_empty() {
            return;
        }
        let OptimizerOptions { beta1, beta2, eps, .. } = self.options;
        let step = AdamWStep { lr, beta1, beta2, eps, weight_decay, step: self.step };
        let state = AdamWState {
            params: turns.iter_mut().map(|turn| turn.parameter.extract()).collect(),
            m: turns.iter().map(|turn| self.first[turn.index].extract()).collect(),
            v: turns.iter().map(|turn| self.second[turn.index].extract()).collect(),
        };
        let indices: Vec<usize> = turns.iter().map(|turn| turn.index).collect();
        let (parameters, gradients): (Vec<_>, Vec<_>) =
            turns.into_iter().map(|turn| (turn.parameter, turn.gradient)).unzip();
        let updated = adamw_update(state, gradients, clip, &step);
        for (parameter, updated) in parameters.into_iter().zip(updated.params) {
            *parameter = updated;
        }
        for (index, (m, v)) in indices.into_iter().zip(updated.m.into_iter().zip(updated.v)) {
            (self.first[index], self.second[index]) = (m, v);
        }
    }

    fn muon(&mut self, index: usize, parameter: &mut Tensor<2>, gradient: Tensor<2>, lr: f32) {
        let momentum = self.first[index].extract().mul_scalar(MUON_MOMENTUM).add(gradient.clone());
        self.first[index] = momentum.clone();
        let direction = orthogonal(gradient.add(momentum.mul_scalar(MUON_MOMENTUM)));
        let [rows, columns] = parameter.dims();
        let scale = 0.2 * (rows.max(columns) as f32).sqrt();
        let decayed = parameter.extract().mul_scalar(1.0 - lr * self.options.weight_decay);
        *parameter = decayed.sub(direction.mul_scalar(lr * scale));
    }

    /// The moments with their names in a checkpoint: `optimizer.first.<parameter>` and `optimizer.second.<parameter>`.
    pub fn moments(&self, model: &impl Parameters) -> Vec<(String, Tensor<2>)> {
        let names = model.trainable().into_iter().map(|(name, _)| name);
        names
            .zip(self.first.iter().zip(&self.second))
            .flat_map(|(name, (first, second))| {
                [
                    (format!("optimizer.first.{name}"), first.clone()),
                    (format!("optimizer.second.{name}"), second.clone()),
                ]
            })
            .collect()
    }

    /// Takes back what [`Optimizer::moments`] gave out.
    pub fn restore(
        &mut self,
        model: &impl Parameters,
        tensors: &Tensors,
        prefix: &str,
        step: usize,
        device: &Device,
    ) -> Result<(), ModelError> {
        for (index, (name, parameter)) in model.trainable().into_iter().enumerate() {
            let shape = parameter.dims();
            self.first[index] = tensors.matrix(&format!("{prefix}optimizer.first.{name}"), shape, device)?;
            self.second[index] = tensors.matrix(&format!("{prefix}optimizer.second.{name}"), shape, device)?;
        }
        self.step = step;
        Ok(())
    }
}

/// The Euclidean norm of all gradients together, `[1]`. On a GPU it leaves those of a rule side by side.
fn global_norm(turns: &mut [Vec<Turn>]) -> Tensor<1> {
    let sums = turns.iter_mut().filter(|turns| !turns.is_empty()).map(|turns| {
        let (sum, gradients) = sum_of_squares(turns.iter_mut().map(|turn| turn.gradient.extract()).collect());
        for (turn, gradient) in turns.iter_mut().zip(gradients) {
            turn.gradient = gradient;
        }
        sum
    });
    sums.reduce(|all, sum| all + sum).expect("a model has parameters").sqrt()
}

/// The nearest half-orthogonal matrix of `matrix` by five quintic Newton-Schulz steps (Jordan et al. 2024).
fn orthogonal(matrix: Tensor<2>) -> Tensor<2> {
    const COEFFICIENTS: (f32, f32, f32) = (3.4445, -4.7750, 2.0315);
    let [rows, columns] = matrix.dims();
    let tall = rows > columns;
    let mut x = if tall { matrix.transpose() } else { matrix };
    let norm = x.clone().square().sum().sqrt().add_scalar(1e-7).reshape([1, 1]);
    x = x.div(norm);
    let (a, b, c) = COEFFICIENTS;
    for _ in 0..5 {
        let gram = times_transposed(x.clone(), x.clone());
        // The matrix is its own transpose.
        let polynomial = gram.clone().mul_scalar(b) + times_transposed(gram.clone(), gram).mul_scalar(c);
        x = x.clone().mul_scalar(a) + times_transposed(polynomial, x.transpose());
    }
    if tall { x.transpose() } else { x }
}

/// `a bᵀ`.
fn times_transposed(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    linear(a.unsqueeze(), b).squeeze_dim(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, DecoderConfig, TokenBatch};

    #[test]
    fn orthogonal_brings_singular_values_near_one() {
        let device = Device::flex();
        let mut noise = crate::weights::Noise(3);
        let values: Vec<f32> = (0..24 * 40).map(|_| noise.normal()).collect();
        for shape in [[24, 40], [40, 24]] {
            let x = orthogonal(Tensor::from_data(burn::tensor::TensorData::new(values.clone(), shape), &device));
            let small =
                if shape[0] < shape[1] { x.clone().matmul(x.transpose()) } else { x.clone().transpose().matmul(x) };
            let gram: Vec<f32> = small.to_data().try_to_vec().unwrap();
            let trace: f32 = (0..24).map(|i| gram[i * 25]).sum::<f32>() / 24.0;
            assert!((0.5..1.3).contains(&trace), "mean squared singular value {trace}");
        }
    }

    #[test]
    fn only_what_trains_moves_and_has_moments() {
        let device = Device::flex();
        let config = DecoderConfig::test(16);
        let trains = |name: &str| name.contains(".mlp.");
        let before = Decoder::init(&config, 1, &device).training(trains);
        let (mut model, mut optimizer) = (before.clone(), Optimizer::new(OptimizerOptions::default(), &before));
        let tracked = model.tracked();
        let batch = TokenBatch::new(&[1, 5, 3, 9], &[true; 4], 1, 4, &config, &device.clone().autodiff());
        let loss = tracked.next_token_logprobs(&batch, 1.0).mean().neg();
        optimizer.update(&mut model, &tracked, crate::gradients(loss, &tracked), 1e-3);
        for ((name, after), (_, before)) in model.parameters().into_iter().zip(before.parameters()) {
            let moved = after.to_data() != before.to_data();
            assert_eq!(moved, trains(&name), "{name}");
        }
        assert_eq!(optimizer.moments(&model).len(), 2 * 2 * 3);
    }

    #[test]
    fn both_rules_learn_a_repeated_row_and_learning_rate_zero_changes_nothing() {
        let device = Device::flex();
        let config = DecoderConfig::test(16);
        let tokens = vec![1, 5, 3, 9, 2, 7, 4, 8];
        for (kind, lr, falls) in
            [(OptimizerKind::AdamW, 3e-3, true), (OptimizerKind::Muon, 3e-3, true), (OptimizerKind::AdamW, 0.0, false)]
        {
            let mut model = Decoder::init(&config, 1, &device);
            let mut optimizer = Optimizer::new(OptimizerOptions { kind, ..Default::default() }, &model);
            let mut losses = Vec::new();
            for _ in 0..12 {
                let tracked = model.tracked();
                let batch = TokenBatch::new(&tokens, &[true; 8], 1, 8, &config, &device.clone().autodiff());
                let loss = tracked.next_token_logprobs(&batch, 1.0).mean().neg();
                losses.push(loss.clone().inner().into_scalar::<f32>());
                let norm = optimizer.update(&mut model, &tracked, crate::gradients(loss, &tracked), lr);
                assert!(norm.into_scalar::<f32>() > 0.0);
            }
            let fell = losses[11] < 0.8 * losses[0];
            assert_eq!(fell, falls, "{kind:?} at {lr}: {losses:?}");
            assert!(falls || losses.iter().all(|loss| *loss == losses[0]));
        }
    }
}
