//! Examples as preferences: each above the model's own completions of its prompt (DITTO, Shaikh et al. 2024).
//!
//! The completions are sampled before training begins, always the same ones for one seed, so that a resumed run learns
//! from the same pairs.

use super::Workplace;
use crate::failure::tell;
use crate::input::{self, Reading, Records};
use crate::report::times;
use anyhow::{Result, bail};
use nudge_data::{CandidatesRecord, DemonstrationRecord, PreferenceRecord, Prompt};
use nudge_session::options::SampleOptions;
use nudge_session::workflow::{check_examples, examples_above};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Completions of each prompt that stand below its example.
const OWN_COMPLETIONS: usize = 4;
/// Drawn at the temperature of the model, so that they are what it would say (DITTO, section 3.2).
const TEMPERATURE: f32 = 1.0;
/// Tokens of a completion, at most.
const MAX_NEW_TOKENS: usize = 160;

/// Adds the examples of `paths` to `preferences`, each above the completions of `model`, which is loaded.
///
/// # Errors
/// If an example cannot be used, or the model completes every prompt as its example does.
pub fn add_examples(
    preferences: &mut Records<PreferenceRecord>,
    paths: &[PathBuf],
    reading: &Reading,
    workplace: &Workplace,
    (model, seed): (&str, u64),
) -> Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let examples = input::demonstrations(paths, reading)?;
    let notes = check_examples(&examples.all, &[]).map_err(|error| examples.places.locate(error.into()))?;
    notes.iter().for_each(|note| tell(note));
    let candidates = sample(&examples.all, workplace, model, seed)?;
    let rankings = examples_above(&examples.all, &candidates);
    if rankings.is_empty() {
        bail!("the model completes every prompt as its example does; there is nothing to prefer");
    }
    tell(&format!("{} above the model's own completions", times(rankings.len(), "example ranks", "examples rank")));
    preferences.append(rankings.into_iter().map(PreferenceRecord::Ranking).collect(), "--examples");
    Ok(())
}

/// The model's own completions of the examples' prompts.
fn sample(
    examples: &[DemonstrationRecord],
    workplace: &Workplace,
    model: &str,
    seed: u64,
) -> Result<Vec<CandidatesRecord>> {
    let different: BTreeSet<Prompt> = examples.iter().map(|example| example.prompt.clone()).collect();
    let prompts: Vec<Prompt> = different.into_iter().collect();
    let room = workplace.session.room(model)?.context;
    let longest = MAX_NEW_TOKENS.min(room / 2).max(1);
    let options = SampleOptions {
        k: OWN_COMPLETIONS,
        draws: OWN_COMPLETIONS,
        temperature: Some(TEMPERATURE),
        max_new_tokens: longest,
        seed,
        ..SampleOptions::default()
    };
    workplace.candidates("sampling below the examples", model, prompts, options)
}
