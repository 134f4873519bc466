//! Pretraining: plain text into a tokenizer and a base model that continues it.
//!
//! 1. Split the texts into records, drop duplicates, train the tokenizer.
//! 2. Lay all records into one stream; cut it into windows, in a new order each epoch.
//! 3. Step: predict every next token, cross-entropy, update.
//! 4. Save the model folder.
//!
//! Deliberately absent: dropout (repeated text is met by weight decay), evaluation (that is a stage of its own).

use crate::SessionError;
use crate::checks;
use crate::folder::{self, Kind};
use crate::options::PretrainOptions;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Metrics, Stage};
use crate::snapshot::{Snapshot, SnapshotWriter, StepState};
use crate::stage::windows::Windows;
use crate::trainer::{Trainer, training_device};
use burn::tensor::Device;
use nudge_data::{TokenStream, Tokenizer, deduplicate, split_records};
use nudge_model::{Decoder, DecoderConfig, OptimizerOptions, TokenBatch};
use nudge_rlhf::{Decay, LearningRate};

/// A pretraining run.
pub struct Pretrain {
    options: PretrainOptions,
    fingerprint: String,
    tokenizer: Tokenizer,
    windows: Windows,
    trainer: Trainer<Decoder>,
    total_steps: usize,
    device: Device,
    clock: Stopwatch,
    saved: bool,
}

impl Pretrain {
    /// Reads the texts, trains or takes back the tokenizer, makes or takes back the weights.
    pub fn new(
        texts: &[String],
        options: PretrainOptions,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        check(&options)?;
        // 1. Records and tokenizer.
        let records = deduplicate(texts.iter().flat_map(|text| split_records(text)).collect());
        if records.is_empty() {
            return Err(SessionError::Nothing("the texts hold no record; nothing can be learnt from them".into()));
        }
        let snapshot = resume.map(|files| Snapshot::<StepState>::open(files, &fingerprint)).transpose()?;
        let mut tokenizer = match &snapshot {
            Some(snapshot) => {
                let config = snapshot.file(folder::TOKENIZER_CONFIG)?;
                Tokenizer::from_files(snapshot.file(folder::TOKENIZER)?, Some(config))?
            }
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
        let mut trainer = trainer(&options, &tokenizer, total_steps, device);
        if let Some(snapshot) = &snapshot {
            snapshot.trainer("", &mut trainer, snapshot.state.step, device)?;
        }
        let windows = Windows::new(stream, options.context, options.seed);
        let clock = Stopwatch::start();
        let device = device.clone();
        Ok(Self { options, fingerprint, tokenizer, windows, trainer, total_steps, device, clock, saved: false })
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: Stage::Pretrain,
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
        if self.trainer.optimizer.step >= self.total_steps {
            self.saved = true;
            let files = self.model_files().await?;
            return Ok(Some(Event::Model { name: "base".into(), files }));
        }
        self.step().await.map(Some)
    }

    // 3. Predict every next token.
    async fn step(&mut self) -> Result<Event, SessionError> {
        let clock = Stopwatch::start();
        let (rows, time) = (self.options.batch_size, self.options.context + 1);
        let tokens = self.windows.rows(self.trainer.optimizer.step * rows, rows);
        let config = self.trainer.model.config.clone();
        let mask = vec![true; tokens.len()];
        let batch = TokenBatch::new(&tokens, &mask, rows, time, &config, &training_device(&self.device));
        let numbers = self.trainer.step(|model| (model.next_token_logprobs(&batch, 1.0).mean().neg(), vec![])).await?;
        let seconds = clock.seconds();
        let step = self.trainer.optimizer.step;
        let seen = (rows * self.options.context) as f64;
        let metrics = Metrics::from([
            ("loss".into(), numbers.loss.into()),
            ("grad_norm".into(), numbers.grad_norm.into()),
            ("learning_rate".into(), numbers.learning_rate),
            ("num_tokens".into(), seen * step as f64),
            ("tokens_per_second".into(), seen / seconds),
            ("epoch".into(), seen * step as f64 / self.windows.tokens() as f64),
        ]);
        Ok(Event::Progress { stage: Stage::Pretrain, step, total_steps: self.total_steps, metrics, seconds })
    }

    // 4. The model folder.
    async fn model_files(&self) -> Result<Files, SessionError> {
        let model = &self.trainer.model;
        folder::save(model, &model.config, Kind::Decoder, &self.tokenizer, self.options.precision).await
    }

    /// A checkpoint between two steps.
    pub async fn save(&self) -> Result<Files, SessionError> {
        let writer = SnapshotWriter::default().trainer("", &self.trainer);
        let writer = self.tokenizer.to_files()?.into_iter().fold(writer, |w, (name, bytes)| w.file(&name, bytes));
        writer.finish(&self.fingerprint, StepState { step: self.trainer.optimizer.step }).await
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Pretrain, seconds: self.clock.seconds() }
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
    let wrong = |option, value: String, expected| Err(SessionError::Option { option, value, expected });
    if options.context > options.max_position_embeddings || options.context == 0 {
        return wrong("context", options.context.to_string(), "between 1 and max_position_embeddings");
    }
    checks::at_least_one([
        ("batch_size", options.batch_size),
        ("hidden_size", options.hidden_size),
        ("num_attention_heads", options.num_attention_heads),
        ("num_hidden_layers", options.num_hidden_layers),
        ("intermediate_size", options.intermediate_size),
    ])?;
    if !options.hidden_size.is_multiple_of(2 * options.num_attention_heads) {
        return wrong("hidden_size", options.hidden_size.to_string(), "a multiple of 2 x num_attention_heads");
    }
    checks::learning_rates([("learning_rate", options.learning_rate)])?;
    checks::epochs(options.epochs)
}
