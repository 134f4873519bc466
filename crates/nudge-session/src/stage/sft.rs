//! Instruction tuning: a base model becomes an assistant by imitating demonstrations.
//!
//! 1. Encode prompt, completion and end token; the loss sees the completion and its end token only.
//! 2. Set some prompts aside to measure on, with all their demonstrations.
//! 3. Step: several demonstrations to a row, each blind to the others; cross-entropy on the completions, update.
//! 4. After every pass, measure the loss on the prompts set aside.
//! 5. Save the model folder, now with a chat template.

use crate::SessionError;
use crate::batch::demonstrations::{DemonstrationBatch, Steps};
use crate::folder::{self, Folder, Kind};
use crate::options::{Batching, Options, SftOptions};
use crate::protocol::{Event, StageName};
use crate::readback::read;
use crate::room::longest_row;
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::{Stage, Standing, StepState, Told};
use crate::trainer::{Trainer, training_device};
use burn::tensor::Device;
use nudge_data::{DemonstrationRecord, EncodedDemonstration, Prompt, Rng, Tokenizer};
use nudge_model::{Decoder, OptimizerOptions};
use nudge_rlhf::{Decay, LearningRate};
use std::collections::HashSet;

/// An instruction-tuning run.
pub struct Sft {
    options: SftOptions,
    tokenizer: Tokenizer,
    train: Vec<EncodedDemonstration>,
    held_out: Vec<EncodedDemonstration>,
    trainer: Trainer<Decoder>,
    steps: Steps,
    total_steps: usize,
    device: Device,
}

impl Sft {
    /// Encodes the demonstrations.
    ///
    /// # Errors
    /// If an option is wrong, there is no demonstration, or one cannot be used.
    pub fn new(
        folder: Folder,
        demonstrations: &[DemonstrationRecord],
        options: SftOptions,
        device: &Device,
    ) -> Result<Self, SessionError> {
        options.check_ranges()?;
        let model = folder.trainable(&options.finetuning, options.seed, device)?;
        let tokenizer = folder.chat_tokenizer()?;
        // 1. and 2.
        let all = encode(demonstrations, &tokenizer, model.config.max_position_embeddings)?;
        let (train, held_out) = split(all, options.held_out, options.seed);
        let steps = Steps::new(&train, &options);
        let total_steps = steps.total(options.epochs);
        let schedule = LearningRate::new(options.learning_rate.into(), total_steps)
            .warmup((total_steps / 20).min(20))
            .decay(Decay::Linear);
        let optimizer = OptimizerOptions { weight_decay: options.weight_decay, ..Default::default() };
        let trainer = Trainer::new(model, optimizer, schedule, "instruction tuning");
        Ok(Self { options, tokenizer, train, held_out, trainer, steps, total_steps, device: device.clone() })
    }

    fn batch(&self, demonstrations: &[&EncodedDemonstration], device: &Device) -> DemonstrationBatch {
        let lay_out = match self.options.batching {
            Batching::Packed => DemonstrationBatch::packed,
            Batching::Padded | Batching::LengthGrouped => DemonstrationBatch::padded,
        };
        lay_out(demonstrations, self.tokenizer.pad_id(), &self.trainer.model.config, device)
    }

    /// Nats per token of the completions set aside.
    async fn held_out_loss(&self) -> Result<f64, SessionError> {
        let (mut nats, mut tokens) = (0.0, 0);
        for rows in self.held_out.chunks(self.options.batch_size) {
            let batch = self.batch(&rows.iter().collect::<Vec<_>>(), &self.device);
            let loss = read(batch.loss(&self.trainer.model)).await?;
            nats += f64::from(loss[0]) * batch.targets as f64;
            tokens += batch.targets;
        }
        Ok(nats / tokens as f64)
    }
}

impl Stage for Sft {
    type State = StepState;

    const NAME: StageName = StageName::Sft;

    fn standing(&self) -> Standing {
        Standing {
            step: self.trainer.optimizer.step,
            total_steps: self.total_steps,
            parameters: self.trainer.model.config.parameter_count(),
        }
    }

    // 3. Cross-entropy on the completions.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let places = self.steps.demonstrations(self.trainer.optimizer.step);
        let demonstrations: Vec<_> = places.into_iter().map(|place| &self.train[place]).collect();
        let batch = self.batch(&demonstrations, &training_device(&self.device));
        let numbers = self.trainer.step(|model| batch.loss(model)).await?;
        let step = self.trainer.optimizer.step;
        let mut metrics = numbers.metrics();
        metrics.insert("epoch".into(), self.steps.epochs_after(step));
        // 4. After every pass and at the end.
        let measure = self.steps.ends_epoch(step) || step == self.total_steps;
        if measure && !self.held_out.is_empty() {
            metrics.insert("eval_loss".into(), self.held_out_loss().await?);
        }
        told.progress(metrics, "tokens_per_second", batch.tokens);
        Ok(())
    }

    // 5. The model folder.
    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        let model = &self.trainer.model;
        let files = folder::save(model, &model.config, Kind::Decoder, &self.tokenizer, self.options.precision).await?;
        Ok(vec![Event::Model { name: "sft".into(), files }])
    }

    fn state(&self) -> StepState {
        StepState { step: self.trainer.optimizer.step }
    }

    fn save(&self, writer: SnapshotWriter) -> Result<SnapshotWriter, SessionError> {
        Ok(writer.trainer("", &self.trainer))
    }

    fn restore(&mut self, state: StepState, snapshot: &Snapshot) -> Result<(), SessionError> {
        snapshot.trainer("", &mut self.trainer, state.step, &self.device)
    }
}

type Demonstration<'a> = (&'a Prompt, EncodedDemonstration);

fn encode<'a>(
    records: &'a [DemonstrationRecord],
    tokenizer: &Tokenizer,
    context: usize,
) -> Result<Vec<Demonstration<'a>>, SessionError> {
    if records.is_empty() {
        return Err(SessionError::Nothing("there is no demonstration to imitate".into()));
    }
    let encode = |(index, record): (usize, &'a DemonstrationRecord)| {
        let wrong = |reason| SessionError::Record { index: index + 1, reason };
        record.check().map_err(wrong)?;
        let encoded = tokenizer.encode_demonstration(&record.prompt, &record.completion);
        let encoded = encoded.map_err(|error| wrong(error.to_string()))?;
        if encoded.tokens.len() > longest_row(context) {
            return Err(wrong(format!(
                "the demonstration has {} tokens, more than the model's context of {context}. Shorten or remove it",
                encoded.tokens.len()
            )));
        }
        Ok((&record.prompt, encoded))
    };
    records.iter().enumerate().map(encode).collect()
}

/// A random order, of whose different prompts the first are set aside with all their demonstrations: to train on, to
/// measure on.
fn split(
    mut all: Vec<Demonstration<'_>>,
    held_out: f32,
    seed: u64,
) -> (Vec<EncodedDemonstration>, Vec<EncodedDemonstration>) {
    Rng::new(seed).shuffle(&mut all);
    let mut seen = HashSet::new();
    let prompts: Vec<&Prompt> = all.iter().map(|(prompt, _)| *prompt).filter(|prompt| seen.insert(*prompt)).collect();
    let count = ((prompts.len() as f32 * held_out) as usize).min(prompts.len() - 1);
    let aside: HashSet<&Prompt> = prompts[..count].iter().copied().collect();
    let (held_out, train): (Vec<_>, Vec<_>) = all.into_iter().partition(|(prompt, _)| aside.contains(prompt));
    let encoded = |side: Vec<Demonstration<'_>>| side.into_iter().map(|(_, encoded)| encoded).collect();
    (encoded(train), encoded(held_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens of each side of a split of demonstrations of these prompts, numbered in their order.
    fn split_of(prompts: &[Prompt], held_out: f32) -> (Vec<u32>, Vec<u32>) {
        let numbered = (0..)
            .zip(prompts)
            .map(|(number, prompt)| (prompt, EncodedDemonstration { tokens: vec![number], loss_mask: vec![true] }));
        let (train, held_out) = split(numbered.collect(), held_out, 1);
        let numbers = |side: Vec<EncodedDemonstration>| side.iter().map(|one| one.tokens[0]).collect();
        (numbers(train), numbers(held_out))
    }

    #[test]
    fn no_prompt_is_on_both_sides() {
        let prompts: Vec<Prompt> = (0..60).map(|number| format!("prompt {}", number % 20).as_str().into()).collect();
        let (train, held_out) = split_of(&prompts, 0.25);
        assert_eq!((train.len(), held_out.len()), (45, 15), "a quarter of the prompts, not of the records");
        let of = |side: &[u32]| side.iter().map(|number| number % 20).collect::<HashSet<_>>();
        assert!(of(&train).is_disjoint(&of(&held_out)));
    }

    #[test]
    fn prompts_that_do_not_repeat_are_set_aside_from_the_front_of_a_random_order() {
        let prompts: Vec<Prompt> = (0..10).map(|number| format!("prompt {number}").as_str().into()).collect();
        let mut order: Vec<u32> = (0..10).collect();
        Rng::new(1).shuffle(&mut order);
        assert_eq!(split_of(&prompts, 0.35), (order[3..].to_vec(), order[..3].to_vec()));
        assert_eq!(split_of(&prompts, 0.0), (order.clone(), vec![]));
        assert_eq!(split_of(&vec!["one".into(); 10], 0.9), (order, vec![]), "a single prompt stays in training");
    }
}
