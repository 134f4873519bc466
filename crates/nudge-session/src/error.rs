//! What can go wrong in a session, said so that a person knows what to do.

use nudge_data::DataError;
use nudge_model::ModelError;

/// Why a command cannot start or a run cannot go on. Nothing stored before is lost by it.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// A text, record or tokenizer is wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model `name` cannot be used.
    #[error("model `{name}`: {source}")]
    Model {
        /// Its name in the session, or the folder it came from.
        name: String,
        /// What is wrong with it.
        source: ModelError,
    },
    /// A file of a model folder or checkpoint is absent.
    #[error("`{folder}` has no file `{file}`: is this a whole {kind}?")]
    MissingFile {
        /// The model's or checkpoint's name.
        folder: String,
        /// The absent file.
        file: String,
        /// `model folder` or `checkpoint`.
        kind: &'static str,
    },
    /// A command names a model that the session does not hold.
    #[error("no model is called `{0}`; load it first")]
    UnknownModel(String),
    /// An adapter came without the model that it was made for.
    #[error("`{name}` is an adapter on {base}, which is not loaded; load that model first")]
    NoBase {
        /// The adapter's name in the session.
        name: String,
        /// Its base, as far as it says.
        base: String,
    },
    /// A reward model where a language model belongs, or the other way round.
    #[error("`{name}` is a {found}, but this needs a {needed}")]
    WrongKind {
        /// The model's name.
        name: String,
        /// What it is.
        found: &'static str,
        /// What was needed.
        needed: &'static str,
    },
    /// The tokenizer has more tokens than the embedding has rows.
    #[error(
        "model `{name}`: the tokenizer has {tokens} tokens but the weights know {rows}; tokenizer.json and model.safetensors do not belong together"
    )]
    TokenizerMismatch {
        /// The model's name.
        name: String,
        /// Tokens of the tokenizer.
        tokens: usize,
        /// Rows of the embedding.
        rows: usize,
    },
    /// Two models that must share a tokenizer do not.
    #[error("`{a}` and `{b}` have different tokenizers; train the reward model from the same model as the policy")]
    DifferentTokenizers {
        /// One of them.
        a: String,
        /// The other.
        b: String,
    },
    /// Nobody is called so.
    #[error("no simulated labeler is called `{name}`; choose one of: {known}")]
    UnknownLabeler {
        /// What was asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// An option outside its range.
    #[error("{option} is {value}, but must be {expected}")]
    Option {
        /// Its name.
        option: String,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// A prompt is empty or longer than the context allows.
    #[error("prompt {index}: {reason}")]
    Prompt {
        /// Its number in the list, from 1.
        index: usize,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A record cannot be used.
    #[error("record {index}: {reason}")]
    Record {
        /// Its number among all records of the command, from 1: preferences first, demonstrations behind them.
        index: usize,
        /// What is wrong and what to do.
        reason: String,
    },
    /// There is nothing to work on.
    #[error("{0}")]
    Nothing(String),
    /// A checkpoint does not fit the command.
    #[error("the checkpoint cannot be continued: {0}")]
    Checkpoint(String),
    /// Another version of Nudge made a checkpoint.
    #[error(
        "the checkpoint cannot be continued: it is of version {found}, and this is a Nudge that reads version {known}. Finish the run with the Nudge that began it, or start anew in another folder"
    )]
    CheckpointVersion {
        /// That of the checkpoint.
        found: u32,
        /// That of this program.
        known: u32,
    },
    /// KL, loss or gradient stopped being a number; the first that did is named.
    #[error(
        "{stage} diverged at step {step}: {what} is {value}, the first number to leave the finite ones. A smaller learning rate helps"
    )]
    Diverged {
        /// Which stage.
        stage: &'static str,
        /// Step, from 1.
        step: usize,
        /// `objective/kl`, `loss`, `grad_norm` or `eval_loss`.
        what: &'static str,
        /// Its value.
        value: f32,
    },
    /// Training left weights that are not numbers; nothing of them is stored.
    #[error(
        "the training diverged: its last update left the weight `{weight}` NaN or infinite. A smaller learning rate helps"
    )]
    DivergedWeights {
        /// Its name in the file.
        weight: String,
    },
    /// The weights of a model are numbers, but what it computes with them is not.
    #[error(
        "{what} is NaN or infinite: the model's weights are of no use, as after training that diverged. Take weights from before that, or train again with a smaller learning rate"
    )]
    NotFinite {
        /// What the model computed.
        what: &'static str,
    },
    /// It would take more memory than there is.
    #[error("this needs about {needed:.1} GiB of memory, and {free:.1} GiB are free: {advice}")]
    Memory {
        /// Estimated GiB.
        needed: f64,
        /// GiB that there are.
        free: f64,
        /// What to do.
        advice: &'static str,
    },
    /// The device failed.
    #[error("the device failed to give numbers back: {0}. Choose the CPU, or reload")]
    Device(String),
}

impl SessionError {
    /// An option outside its range: its name, what was given, what is allowed.
    pub fn option(option: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Self {
        Self::Option { option: option.into(), value: value.to_string(), expected: expected.into() }
    }

    /// The same about the record with this number, from 1.
    pub(crate) fn of_record(self, index: usize) -> Self {
        Self::Record { index, reason: self.to_string() }
    }
}

/// Attaches a model's name to what is wrong with it.
pub(crate) fn named(name: &str) -> impl FnOnce(ModelError) -> SessionError {
    let name = name.to_string();
    move |source| SessionError::Model { name, source }
}
