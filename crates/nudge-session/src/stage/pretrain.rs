//! Pretraining: plain text into a tokenizer and a base model that continues it.
//!
//! 1. Split the texts into records, drop duplicates, train the tokenizer.
//! 2. Lay all records into one stream; cut it into windows, in a new order each epoch.
//! 3. Step: predict every next token, cross-entropy, update.
//! 4. Save the model folder.
//!
//! Deliberately absent: dropout (repeated text is met by weight decay), evaluation (that is a stage of its own).

use crate::SessionError;
use crate::batch::windows::Windows;
use crate::folder::{self, Kind};
use crate::options::{Options, PretrainOptions};
use crate::protocol::{Event, StageName};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::{Stage, Standing, StepState, Told};
use crate::trainer::{Trainer, training_device};
use burn::tensor::Device;
use nudge_data::{TokenStream, Tokenizer, deduplicate, split_records};
use nudge_model::{Decoder, DecoderConfig, OptimizerOptions, TokenBatch};
use nudge_rlhf::{Decay, LearningRate};

/// A pretraining run.
pub struct Pretrain {
    options: PretrainOptions,
    tokenizer: Tokenizer,
    windows: Windows,
    trainer: Trainer<Decoder>,
    total_steps: usize,
    device: Device,
}

impl Pretrain {
    /// Reads the texts, makes the weights. A run that goes on brings its `tokenizer`; otherwise one is trained.
    ///
    /// # Errors
    /// If an option is wrong, or the texts do not fill one row.
    pub fn new(
        texts: &[String],
        tokenizer: Option<Tokenizer>,
        options: PretrainOptions,
        device: &Device,
    ) -> Result<Self, SessionError> {
        check(&options)?;
        // 1. Records and tokenizer.
        let records = deduplicate(texts.iter().flat_map(|text| split_records(text)).collect());
        if records.is_empty() {
            return Err(SessionError::Nothing("the texts hold no record; nothing can be learnt from them".into()));
        }
        let mut tokenizer = match tokenizer {
            Some(tokenizer) => tokenizer,
            None => Tokenizer::train(records.iter().copied(), options.vocab_size)?.without_chat_template(),
        };
        tokenizer.set_model_max_length(options.max_position_embeddings);
        // 2. One stream.
        let stream = TokenStream::build(&records, &tokenizer, options.seed);
        let windows = stream.windows_per_epoch(options.context);
        if windows == 0 {
            return Err(SessionError::Nothing(format!(
                "the texts hold {} tokens, fewer than one row of {}; give more text or a smaller context",
                stream.len(),
                options.context
            )));
        }
        let total_steps = ((options.epochs * windows as f32 / options.batch_size as f32).ceil() as usize).max(1);
        let trainer = trainer(&options, &tokenizer, total_steps, device);
        let windows = Windows::new(stream, options.context, options.seed);
        Ok(Self { options, tokenizer, windows, trainer, total_steps, device: device.clone() })
    }
}

/// The tokenizer of the run that made a checkpoint.
///
/// # Errors
/// If the checkpoint has none.
pub fn tokenizer_of(snapshot: &Snapshot) -> Result<Tokenizer, SessionError> {
    let config = snapshot.file(folder::TOKENIZER_CONFIG)?;
    Ok(Tokenizer::from_files(snapshot.file(folder::TOKENIZER)?, Some(config))?)
}

impl Stage for Pretrain {
    type State = StepState;

    const NAME: StageName = StageName::Pretrain;

    fn standing(&self) -> Standing {
        Standing {
            step: self.trainer.optimizer.step,
            total_steps: self.total_steps,
            parameters: self.trainer.model.config.parameter_count(),
        }
    }

    // 3. Predict every next token.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let (rows, time) = (self.options.batch_size, self.options.context + 1);
        let tokens = self.windows.rows(self.trainer.optimizer.step * rows, rows);
        let config = self.trainer.model.config.clone();
        let mask = vec![true; tokens.len()];
        let batch = TokenBatch::new(&tokens, &mask, rows, time, &config, &training_device(&self.device));
        let numbers = self.trainer.step(|model| model.next_token_logprobs(&batch, 1.0).mean().neg()).await?;
        let (step, seen) = (self.trainer.optimizer.step, rows * self.options.context);
        let mut metrics = numbers.metrics();
        metrics.insert("num_tokens".into(), (seen * step) as f64);
        metrics.insert("epoch".into(), (seen * step) as f64 / self.windows.tokens() as f64);
        told.progress(metrics, "tokens_per_second", seen);
        Ok(())
    }

    // 4. The model folder.
    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        let model = &self.trainer.model;
        let files = folder::save(model, &model.config, Kind::Decoder, &self.tokenizer, self.options.precision).await?;
        Ok(vec![Event::Model { name: "base".into(), files }])
    }

    fn state(&self) -> StepState {
        StepState { step: self.trainer.optimizer.step }
    }

    fn save(&self, writer: SnapshotWriter) -> Result<SnapshotWriter, SessionError> {
        let writer = writer.trainer("", &self.trainer);
        Ok(self.tokenizer.to_files()?.into_iter().fold(writer, |writer, (name, bytes)| writer.file(&name, bytes)))
    }

    fn restore(&mut self, state: StepState, snapshot: &Snapshot) -> Result<(), SessionError> {
        snapshot.trainer("", &mut self.trainer, state.step, &self.device)
    }
}

fn trainer(options: &PretrainOptions, tokenizer: &Tokenizer, total_steps: usize, device: &Device) -> Trainer<Decoder> {
    let config = DecoderConfig::new(
        tokenizer.vocab_size(),
        options.hidden_size,
        options.num_hidden_layers,
        options.num_attention_heads,
        options.intermediate_size,
        options.max_position_embeddings,
    );
    let model = Decoder::init(&config, options.seed, device);
    let schedule = LearningRate::new(options.learning_rate.into(), total_steps)
        .warmup(options.warmup_steps.min(total_steps / 2))
        .decay(Decay::Linear);
    let optimizer =
        OptimizerOptions { kind: options.optimizer, weight_decay: options.weight_decay, ..Default::default() };
    Trainer::new(model, optimizer, schedule, "pretraining")
}

fn check(options: &PretrainOptions) -> Result<(), SessionError> {
    options.check_ranges()?;
    let PretrainOptions { context, hidden_size, .. } = *options;
    if context > options.max_position_embeddings {
        return Err(SessionError::option("context", context, "between 1 and max_position_embeddings"));
    }
    if !hidden_size.is_multiple_of(2 * options.num_attention_heads) {
        return Err(SessionError::option("hidden_size", hidden_size, "a multiple of 2 x num_attention_heads"));
    }
    Ok(())
}
