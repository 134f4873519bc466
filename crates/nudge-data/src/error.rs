//! What can go wrong with text that somebody handed in.
//!
//! Every message says what was wrong, where, and what to do about it, because it is shown to the
//! person who wrote the file. Mistakes of the calling code (a row that does not fit its batch) are
//! assertions instead and do not appear here.

/// An error caused by the content of a file or by a request that the content can not meet.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
pub enum DataError {
    /// One line of a JSONL file can not be used.
    #[error("{source_name}, line {line}: {reason}")]
    Line {
        /// The file's name, as the user knows it.
        source_name: String,
        /// Line number, counted from 1, blank lines included.
        line: usize,
        /// What is wrong with the line and how to mend it.
        reason: String,
    },

    /// A task definition can not be used, or a record does not fit it.
    #[error("{source_name}{}: {reason}", named_task(.task))]
    Task {
        /// The file's name, as the user knows it.
        source_name: String,
        /// The task's name; empty where the file as a whole is wrong.
        task: String,
        /// What is wrong and how to mend it.
        reason: String,
    },

    /// A file as a whole can not be read or written.
    #[error("{source_name}: {reason}")]
    Source {
        /// The file's name, as the user knows it.
        source_name: String,
        /// What is wrong with the file and how to mend it.
        reason: String,
    },

    /// A ranking does not order its completions.
    #[error("ranking {id:?}: {reason}")]
    Ranking {
        /// The record's `id`.
        id: String,
        /// What is wrong with the ranking and how to mend it.
        reason: String,
    },

    /// A vocabulary too small to hold the special tokens and every byte was asked for.
    #[error(
        "a vocabulary of {requested} tokens is too small: the special tokens and the 256 bytes need \
         {minimum}; ask for at least that many"
    )]
    VocabularyTooSmall {
        /// The size asked for.
        requested: usize,
        /// The smallest size that works.
        minimum: usize,
    },

    /// Training the tokenizer failed.
    #[error("the tokenizer could not be trained: {reason}")]
    TokenizerTraining {
        /// The trainer's message.
        reason: String,
    },

    /// A file of the tokenizer can not be read or written.
    #[error("{file}: {reason}")]
    TokenizerFile {
        /// `tokenizer.json` or `tokenizer_config.json`.
        file: &'static str,
        /// What is wrong with it and how to mend it.
        reason: String,
    },

    /// The tokenizer has no token for a role that training needs.
    #[error("the tokenizer has no {role} token: {reason}")]
    MissingToken {
        /// `eos_token` or `pad_token`.
        role: &'static str,
        /// What was looked for and how to mend it.
        reason: String,
    },

    /// A chat prompt was asked of a tokenizer without a chat template.
    #[error(
        "this tokenizer has no chat template, so a prompt can not be told from its completion; add a \
         `chat_template` to tokenizer_config.json, or treat the model as a base model that \
         continues plain text"
    )]
    NoChatTemplate,

    /// The chat template does not compile, fails while rendering, or drops the message.
    #[error("the chat template can not be used: {reason}")]
    ChatTemplate {
        /// The template engine's message, or what the template fails to do.
        reason: String,
    },
}

fn named_task(task: &str) -> String {
    if task.is_empty() { String::new() } else { format!(", task {task:?}") }
}
