//! `nudge sft --stories`: demonstrations mined by rule from raw stories stand beside those that people wrote.
//!
//! The same stories and the same seed give the same demonstrations, so a run that goes on sees the ones that it
//! started with.

use crate::args::Sft;
use crate::failure::tell;
use crate::files::read_texts;
use crate::input::Records;
use anyhow::{Result, bail};
use nudge_data::{DemonstrationRecord, MixtureOptions, built_in_tasks, mine, mix};
use nudge_session::Session;
use std::path::PathBuf;

/// Adds to `records` what the stories of `arguments` give: `cap` demonstrations of a task and `mined` in all, at most,
/// and none of the tasks and clusters of `without`.
pub fn add(records: &mut Records<DemonstrationRecord>, arguments: &Sft, seed: u64, session: &Session) -> Result<()> {
    if arguments.stories.is_empty() {
        return Ok(());
    }
    let written = records.all.len();
    let mut mined = mine(&stories_of(&arguments.stories)?, built_in_tasks(), "train", seed);
    let names = || arguments.stories.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    if mined.is_empty() {
        bail!(
            "no demonstration can be mined from {}; give stories of seven sentences or more, each ended by <|endoftext|>",
            names()
        );
    }
    let room = session.room(&arguments.model)?;
    mined.retain(|record| room.fits(&record.prompt, &record.completion));
    if mined.is_empty() {
        bail!("the demonstrations mined from {} are all longer than the model's context of {}", names(), room.context);
    }
    let options = MixtureOptions { cap: arguments.cap, size: None, held_out: arguments.without.clone(), seed };
    let mixture = mix(mined, &options);
    if let Some(name) = mixture.report.unknown.first() {
        bail!("no demonstration mined from {} belongs to the cluster or task `{name}` of --without", names());
    }
    let mut mined = mixture.records;
    if mined.is_empty() {
        bail!("--without leaves no demonstration mined from {}; name fewer clusters and tasks", names());
    }
    mined.truncate(arguments.mined.unwrap_or(usize::MAX));
    tell(&format!("demonstrations: {written} written, {} mined from stories", mined.len()));
    records.append(mined, "the demonstrations mined from --stories");
    Ok(())
}

/// The text of some files of stories.
pub fn stories_of(paths: &[PathBuf]) -> Result<String> {
    // A record ends where its file ends.
    Ok(read_texts(paths)?.join("\n<|endoftext|>\n"))
}
