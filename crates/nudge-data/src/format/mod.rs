//! The formats of the field: from anybody's JSON values to our entries, and back.
//!
//! A [`Format`] names what one record looks like, whichever file carries it; the byte side
//! ([`source`](crate::source)) knows JSON from Parquet. [`detect`] tells the format of a file from its first records,
//! [`read`] turns every record into entries or into a drop that says why, and [`Writer`] goes the other way.
//! [`Inspection`] counts what was understood, and [`native_records`] feeds the training stages.
//!
//! It lacks downloads, tools and images in conversations, and formats of token ids.

mod alpaca;
mod candidates;
mod chatgpt;
mod conversation;
mod convert;
mod detect;
mod dolly;
mod duplicates;
mod fields;
mod held;
mod hh_rlhf;
mod histogram;
mod implicit_preference;
mod inspect;
mod messages;
mod name;
mod native;
mod oasst;
mod oasst_messages;
mod oasst_trees;
mod open_webui;
mod plain_prompts;
mod preference;
mod prompt;
mod prompt_completion;
mod question_answer;
mod ranking;
mod read;
mod reason;
mod regroup;
mod render;
mod sharegpt;
mod text;
mod thread;
mod tldr;
mod ultrafeedback;
mod unpaired;
mod write;

#[cfg(test)]
mod tests;

pub use detect::{Detected, detect};
pub use duplicates::Repeats;
pub use held::HELD_BYTES;
pub use histogram::{Bucket, Histogram};
pub use inspect::{Dropped, Inspection, Lengths, Report};
pub use name::Format;
pub use native::{EntriesFor, NativeRecords, Wanted, entries_for, native_records};
pub use plain_prompts::plain_prompts;
pub use read::{Read, Reading, read};
pub use reason::Reason;
pub use regroup::regroup;
pub use write::Writer;
