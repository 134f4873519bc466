//! Instruction tuning: a base model becomes an assistant by imitating demonstrations.
//!
//! 1. Encode prompt, answer and end token; the loss sees the answer and its end token only.
//! 2. Set some prompts aside to measure on.
//! 3. Step: several demonstrations to a row, each blind to the others; cross-entropy on the answers, update.
//! 4. After every pass, measure the loss on the prompts set aside.
//! 5. Save the model folder, now with a chat template.
//!
//! Deliberately absent: mixtures, which come as records; how rows are laid out and steps are filled (`batching`).

use crate::SessionError;
use crate::checks;
use crate::folder::{self, Folder, Kind};
use crate::options::{Batching, SftOptions};
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Metrics, Stage};
use crate::readback::read;
use crate::room::longest_row;
use crate::snapshot::{Snapshot, SnapshotWriter, StepState};
use crate::stage::batching::{DemonstrationBatch, Steps};
use crate::trainer::{Trainer, training_device};
use burn::tensor::Device;
use nudge_data::{EncodedDemonstration, Rng, Tokenizer, demonstrations_from};
use nudge_model::{Decoder, OptimizerOptions};
use nudge_rlhf::{Decay, LearningRate};

/// An instruction-tuning run.
pub struct Sft {
    options: SftOptions,
    fingerprint: String,
    tokenizer: Tokenizer,
    train: Vec<EncodedDemonstration>,
    held_out: Vec<EncodedDemonstration>,
    trainer: Trainer<Decoder>,
    steps: Steps,
    total_steps: usize,
    device: Device,
    clock: Stopwatch,
    saved: bool,
}

impl Sft {
    /// Reads and encodes the demonstrations.
    pub fn new(
        folder: Folder,
        demonstrations: &str,
        options: SftOptions,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        check(&options)?;
        let model = folder.decoder(device)?;
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
        let mut trainer = Trainer::new(model, optimizer, schedule, "instruction tuning");
        if let Some(files) = resume {
            let snapshot = Snapshot::<StepState>::open(files, &fingerprint)?;
            snapshot.trainer("", &mut trainer, snapshot.state.step, device)?;
        }
        let (device, clock) = (device.clone(), Stopwatch::start());
        let saved = false;
        Ok(Self { options, fingerprint, tokenizer, train, held_out, trainer, steps, total_steps, device, clock, saved })
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: Stage::Sft,
            step: self.trainer.optimizer.step,
            total_steps: self.total_steps,
            parameters: self.trainer.model.config.parameter_count(),
        }
    }

    /// One step, or the model, or nothing more.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        if self.saved {
            return Ok(None);
        }
        if self.trainer.optimizer.step < self.total_steps {
            return self.step().await.map(Some);
        }
        // 5. The model folder.
        self.saved = true;
        let model = &self.trainer.model;
        let files = folder::save(model, &model.config, Kind::Decoder, &self.tokenizer, self.options.precision).await?;
        Ok(Some(Event::Model { name: "sft".into(), files }))
    }

    // 3. Cross-entropy on the answers.
    async fn step(&mut self) -> Result<Event, SessionError> {
        let clock = Stopwatch::start();
        let places = self.steps.demonstrations(self.trainer.optimizer.step);
        let demonstrations: Vec<_> = places.into_iter().map(|place| &self.train[place]).collect();
        let batch = self.batch(&demonstrations, &training_device(&self.device));
        let numbers = self.trainer.step(|model| (batch.loss(model), vec![])).await?;
        let step = self.trainer.optimizer.step;
        let mut metrics = Metrics::from([
            ("loss".into(), numbers.loss.into()),
            ("grad_norm".into(), numbers.grad_norm.into()),
            ("learning_rate".into(), numbers.learning_rate),
            ("epoch".into(), self.steps.epochs_after(step)),
        ]);
        // 4. After every pass and at the end.
        let measure = self.steps.ends_epoch(step) || step == self.total_steps;
        if measure && !self.held_out.is_empty() {
            metrics.insert("eval_loss".into(), self.held_out_loss().await?);
        }
        let seconds = clock.seconds();
        metrics.insert("tokens_per_second".into(), batch.tokens as f64 / seconds);
        Ok(Event::Progress { stage: Stage::Sft, step, total_steps: self.total_steps, metrics, seconds })
    }

    fn batch(&self, demonstrations: &[&EncodedDemonstration], device: &Device) -> DemonstrationBatch {
        let lay_out = match self.options.batching {
            Batching::Packed => DemonstrationBatch::packed,
            Batching::Padded | Batching::LengthGrouped => DemonstrationBatch::padded,
        };
        lay_out(demonstrations, self.tokenizer.pad_id(), &self.trainer.model.config, device)
    }

    async fn held_out_loss(&self) -> Result<f64, SessionError> {
        let mut sum = 0.0;
        for rows in self.held_out.chunks(self.options.batch_size) {
            let batch = self.batch(&rows.iter().collect::<Vec<_>>(), &self.device);
            let loss = read(batch.loss(&self.trainer.model)).await?;
            sum += f64::from(loss[0]) * rows.len() as f64;
        }
        Ok(sum / self.held_out.len() as f64)
    }

    /// A checkpoint between two steps.
    pub async fn save(&self) -> Result<Files, SessionError> {
        let state = StepState { step: self.trainer.optimizer.step };
        SnapshotWriter::default().trainer("", &self.trainer).finish(&self.fingerprint, state).await
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Sft, seconds: self.clock.seconds() }
    }
}

fn encode(text: &str, tokenizer: &Tokenizer, context: usize) -> Result<Vec<EncodedDemonstration>, SessionError> {
    let records = demonstrations_from("demonstrations", text)?;
    if records.is_empty() {
        return Err(SessionError::Nothing("there is no demonstration to imitate".into()));
    }
    let encode = |(index, record): (usize, nudge_data::DemonstrationRecord)| {
        let encoded = tokenizer.encode_demonstration(&record.prompt, &record.completion)?;
        if encoded.tokens.len() > longest_row(context) {
            let reason = format!(
                "the demonstration has {} tokens, more than the model's context of {context}. Shorten or remove it",
                encoded.tokens.len()
            );
            return Err(SessionError::Prompt { index: index + 1, reason });
        }
        Ok(encoded)
    };
    records.into_iter().enumerate().map(encode).collect()
}

fn split(
    mut all: Vec<EncodedDemonstration>,
    held_out: f32,
    seed: u64,
) -> (Vec<EncodedDemonstration>, Vec<EncodedDemonstration>) {
    Rng::new(seed).shuffle(&mut all);
    let count = ((all.len() as f32 * held_out) as usize).min(all.len() - 1);
    let train = all.split_off(count);
    (train, all)
}

fn check(options: &SftOptions) -> Result<(), SessionError> {
    checks::at_least_one([("batch_size", options.batch_size)])?;
    checks::learning_rates([("learning_rate", options.learning_rate)])?;
    checks::epochs(options.epochs)?;
    checks::held_out(options.held_out)
}
