//! `nudge sft --stories`: demonstrations mined by rule from raw stories stand beside those that people wrote.
//!
//! The same stories and the same seed give the same demonstrations, so a run that goes on sees the ones that it
//! started with. Deliberately absent: the rules, which are `nudge_data::mine`'s.

use crate::args::Sft;
use crate::failure::tell;
use crate::files::read_text;
use crate::input::Records;
use anyhow::{Result, bail};
use nudge_data::{DemonstrationRecord, Tokenizer, mine_demonstrations, write_jsonl};
use nudge_session::Session;
use nudge_session::folder::Folder;

/// Tokens that a chat template and the padding of a row may take.
const ROOM: usize = 64;

/// Adds to `records` what the stories of `arguments` give, `arguments.mined` demonstrations at most.
pub fn add(records: &mut Records, arguments: &Sft, seed: u64, session: &Session) -> Result<()> {
    let Some(files) = session.model_files(&arguments.model).filter(|_| !arguments.stories.is_empty()) else {
        return Ok(());
    };
    let model = Folder::open(&arguments.model, files)?;
    let written = records.len();
    let texts = arguments.stories.iter().map(|path| read_text(path)).collect::<Result<Vec<_>>>()?;
    // A record ends where its file ends.
    let text = texts.join("\n<|endoftext|>\n");
    let mut mined = mine_demonstrations(&text, usize::MAX, seed);
    let names = || arguments.stories.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    if mined.is_empty() {
        bail!(
            "no demonstration can be mined from {}; give stories of seven sentences or more, each ended by <|endoftext|>",
            names()
        );
    }
    let context = model.config.max_position_embeddings;
    mined.retain(|record| tokens(record, &model.tokenizer) + ROOM <= context);
    if mined.is_empty() {
        bail!("the demonstrations mined from {} are all longer than the model's context of {context}", names());
    }
    mined.truncate(arguments.mined);
    records.append(&write_jsonl(&mined), "the demonstrations mined from --stories");
    tell(&format!("demonstrations: {written} written, {} mined from stories", mined.len()));
    Ok(())
}

fn tokens(record: &DemonstrationRecord, tokenizer: &Tokenizer) -> usize {
    tokenizer.encode(&record.prompt.to_string()).len() + tokenizer.encode(&record.completion).len()
}
