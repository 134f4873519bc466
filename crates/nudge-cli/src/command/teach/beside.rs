//! A person ranks while a thread samples the completions of the next prompts, which are shown once they are on the disk.

use super::read;
use crate::args::Command;
use crate::command::{rank, sample};
use crate::failure::Interrupted;
use crate::live_records::{CutOff, audience};
use anyhow::{Result, bail};
use std::panic::resume_unwind;
use std::thread;

/// Runs both commands, `sample` in the background. It stops where the person does, and the same command goes on with it.
pub fn run(sample: &[String], rank: &[String], count: usize) -> Result<()> {
    let (audience, arrivals) = audience();
    let words = sample.to_vec();
    let sampling = thread::spawn(move || match read(words)?.command {
        Command::Sample(arguments) => sample::run_for(&arguments, audience),
        _ => bail!("this samples nothing"),
    });
    let ranked = match read(rank.to_vec())?.command {
        Command::Rank(arguments) => rank::run_beside(&arguments, arrivals, count),
        _ => bail!("this ranks nothing"),
    };
    let sampled = sampling.join().unwrap_or_else(|panic| resume_unwind(panic));
    match (ranked, sampled) {
        // Who is left by a person is interrupted.
        (Ok(()), Err(error)) if !error.is::<Interrupted>() => Err(error),
        // Whoever sampled knows why there were no more.
        (Err(error), Err(why)) if error.is::<CutOff>() => Err(why),
        (ranked, _) => ranked,
    }
}
