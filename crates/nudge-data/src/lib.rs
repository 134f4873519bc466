//! Text in and out: tokenizer, chat template, datasets, rankings, padded batches.
//!
//! Everything before the first tensor and after the last one lives here: strings become token ids
//! ([`Tokenizer`], [`ChatTemplate`]), files become checked records ([`records`], [`read_jsonl`]),
//! rankings become comparisons ([`comparisons_from`]), and ragged rows become rectangles
//! ([`PaddedBatch`], [`TokenStream`]).
//!
//! What it lacks on purpose: tensors, a model, files, threads and clocks. It takes and returns
//! strings, bytes and plain vectors, so that it runs unchanged in a browser and its tests build in
//! seconds.

pub mod batch;
pub mod chat;
pub mod conversation;
pub mod decode;
pub mod error;
pub mod format;
pub mod gguf;
pub mod jsonl;
pub mod mine;
pub mod mixture;
pub mod packing;
pub mod prompt;
pub mod rankings;
pub mod records;
pub mod rng;
pub mod sitting;
pub mod source;
pub mod split;
pub mod story;
pub mod stream;
pub mod task;
pub mod text;
pub mod tokenizer;

mod rewriting;
mod roles;
mod special;
mod template;
mod tokenizer_files;

pub use batch::{PaddedBatch, bucket};
pub use chat::{ChatTemplate, Date, EncodedDemonstration, Message, NUDGE_CHAT_TEMPLATE, PromptStyle};
pub use decode::StreamDecoder;
pub use error::DataError;
pub use format::Format;
pub use gguf::{GgufTokenizer, TokenKind};
pub use jsonl::{read_jsonl, read_jsonl_checked, write_jsonl};
pub use mine::{mine, mine_demonstrations};
pub use mixture::{
    Mixture, MixtureOptions, MixtureReport, TaskShare, cap_for, mix, remove_prompts_of, split_demonstrations_by_prompt,
};
pub use packing::{PackedRow, Segment, length_grouped, pack, packed_rows};
pub use prompt::Prompt;
pub use rankings::{
    Comparison, PreferenceRecord, comparisons_from, judgements_from, labels, preferences_from, ranking_to_pairs,
    rankings_from,
};
pub use records::{
    CandidatesRecord, Completion, ConversationRecord, DemonstrationRecord, EDITED, Edit, Entry, Finish, PairRecord,
    PromptRecord, RankingRecord, TextRecord, UnpairedRecord, demonstrations_from, is_edited, prompts_from,
};
pub use rng::Rng;
pub use sitting::{Choice, ChoiceRule, Sitting};
pub use source::{Compression, Found, Layout, Limits, Source, SourceOptions};
pub use split::{SplitLines, held_out_prompts, split_by_prompt, split_lines};
pub use stream::TokenStream;
pub use task::{Check, Task, built_in_tasks, check_of, read_tasks};
pub use text::{deduplicate, split_records};
pub use tokenizer::Tokenizer;
