//! Instruction tuning: a base model becomes an assistant by imitating demonstrations.
//!
//! 1. Encode prompt, completion and end token; the loss sees the completion and its end token only.
//! 2. Set some prompts aside to measure on, with all their demonstrations.
//! 3. Step: several demonstrations to a row, each blind to the others; cross-entropy on the completions, update.
//! 4. After every pass, measure the loss on the prompts set aside.
//! 5. Save the model folder, now with a chat template.

use crate::SessionError;
use crate::batch::demonstrations::{DemonstrationBatch, Steps};
use crate::finetuning::Peak;
use crate::folder::{self, Folder, Kind};
use crate::options::{Batching, Options, SftOptions};
use crate::passes::{Passes, PassesState};
use crate::protocol::{Event, StageName};
use crate::readback::read;
use crate::room::Length;
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::{Stage, Standing, Told};
use crate::trainer::training_device;
use burn::tensor::Device;
use nudge_data::{DemonstrationRecord, EncodedDemonstration, Prompt, Rng, Tokenizer};
use nudge_model::{Decoder, OptimizerOptions};
use std::collections::HashSet;

/// Peak learning rates. That of adapters is LoRA's usual one for instructions (Hu et al. 2021, appendix D).
const PEAK: Peak = Peak { small: 6e-4, adapters: 2e-4, large: 2e-5 };

/// An instruction-tuning run.
pub struct Sft {
    options: SftOptions,
    tokenizer: Tokenizer,
    train: Vec<EncodedDemonstration>,
    held_out: Vec<EncodedDemonstration>,
    passes: Passes<Decoder>,
    steps: Steps,
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
        let model = folder.trainable(&options.passes.finetuning, options.seed, device)?;
        let tokenizer = folder.chat_tokenizer()?;
        // 1. and 2.
        let room = Length { context: model.config.max_position_embeddings, longest: options.passes.max_length };
        let all = encode(demonstrations, &tokenizer, room)?;
        let (train, held_out) = split(all, options.held_out, options.seed);
        let steps = Steps::new(&train, &options);
        let learning_rate = PEAK.of(options.learning_rate, &model);
        let optimizer = OptimizerOptions { weight_decay: options.weight_decay, ..Default::default() };
        let pass = (options.epochs, steps.pass());
        let passes = Passes::new(model, optimizer, pass, learning_rate, &options.passes, "instruction tuning");
        Ok(Self { options, tokenizer, train, held_out, passes, steps, device: device.clone() })
    }

    fn batch(&self, demonstrations: &[&EncodedDemonstration], device: &Device) -> DemonstrationBatch {
        let lay_out = match self.options.batching {
            Batching::Packed => DemonstrationBatch::packed,
            Batching::Padded | Batching::LengthGrouped => DemonstrationBatch::padded,
        };
        lay_out(demonstrations, self.tokenizer.pad_id(), &self.model().config, device)
    }

    fn model(&self) -> &Decoder {
        &self.passes.trainer.model
    }

    /// Nats per token of the completions set aside.
    async fn held_out_loss(&self) -> Result<f64, SessionError> {
        let (mut nats, mut tokens) = (0.0, 0);
        for rows in self.held_out.chunks(self.options.batch_size) {
            let batch = self.batch(&rows.iter().collect::<Vec<_>>(), &self.device);
            let loss = read(batch.loss(self.model())).await?;
            nats += f64::from(loss[0]) * batch.targets as f64;
            tokens += batch.targets;
        }
        Ok(nats / tokens as f64)
    }
}

impl Stage for Sft {
    type State = PassesState;

    const NAME: StageName = StageName::Sft;

    fn standing(&self) -> Standing {
        self.passes.standing(self.model().config.parameter_count())
    }

    // 3. Cross-entropy on the completions.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let device = training_device(&self.device);
        let batch = |number| {
            let places = self.steps.demonstrations(number);
            self.batch(&places.into_iter().map(|place| &self.train[place]).collect::<Vec<_>>(), &device)
        };
        let batches: Vec<_> = self.passes.batches().map(batch).collect();
        let losses = batches.iter().map(|batch| (batch.targets as f32, |model: &Decoder| batch.loss(model)));
        let mut metrics = self.passes.step(losses).await?;
        // 4. After every pass and at the end.
        if self.passes.ends_pass() && !self.held_out.is_empty() {
            let loss = self.held_out_loss().await?;
            metrics.insert("eval_loss".into(), loss);
            told.warning(self.passes.measured(loss)?);
        }
        told.progress(metrics, "tokens_per_second", batches.iter().map(|batch| batch.tokens).sum());
        Ok(())
    }

    // 5. The model folder.
    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        let model = self.passes.model();
        let precision = self.options.passes.finetuning.precision;
        let files = folder::save(model, &model.config, Kind::Decoder, &self.tokenizer, precision).await?;
        Ok([Event::Model { name: "sft".into(), files }].into_iter().chain(self.passes.told()).collect())
    }

    fn state(&self) -> PassesState {
        self.passes.state()
    }

    fn save(&self, writer: SnapshotWriter) -> Result<SnapshotWriter, SessionError> {
        Ok(self.passes.save(writer))
    }

    fn restore(&mut self, state: PassesState, snapshot: &Snapshot) -> Result<(), SessionError> {
        self.passes.restore(state, snapshot, &self.device)
    }
}

type Demonstration<'a> = (&'a Prompt, EncodedDemonstration);

fn encode<'a>(
    records: &'a [DemonstrationRecord],
    tokenizer: &Tokenizer,
    room: Length,
) -> Result<Vec<Demonstration<'a>>, SessionError> {
    if records.is_empty() {
        return Err(SessionError::Nothing("there is no demonstration to imitate".into()));
    }
    let encode = |(index, record): (usize, &'a DemonstrationRecord)| {
        let wrong = |reason| SessionError::Record { index: index + 1, reason };
        record.check().map_err(wrong)?;
        let encoded = tokenizer.encode_demonstration(&record.prompt, &record.completion);
        let encoded = encoded.map_err(|error| wrong(error.to_string()))?;
        let fitting = room.fit(encoded).map_err(|reason| wrong(format!("the demonstration {reason}")))?;
        Ok((&record.prompt, fitting))
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
