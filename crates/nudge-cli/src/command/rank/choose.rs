//! Which prompts are shown first, and how many: those on whose completions several reward models disagree most, or any
//! by seed as the control.
//!
//! Christiano et al. (2017, section 2.2.4) choose what people compare by the variance of an ensemble's predictions, and
//! report that on some tasks it does worse than chance; so measure it against `--choose random`. Every reward model
//! scores every completion once, before the first screen.

use crate::args::{Choose, Rank};
use crate::command::Workplace;
use crate::options::object;
use crate::runner::{Listen, drive};
use anyhow::{Context, Result, bail};
use nudge_data::{CandidatesRecord, Choice, ChoiceRule, Rng, Sitting};
use nudge_rlhf::preference_disagreement;
use nudge_session::{Command, Event};
use serde_json::{Map, Value};

/// The stream of the seed that orders prompts at random; `schedule` uses those near its two ends.
const ORDER: u64 = u64::MAX - 1;

/// Puts candidates into the order in which they are ranked, notes why, and cuts off what is too much.
pub fn choose(arguments: &Rank, candidates: Vec<CandidatesRecord>) -> Result<Vec<CandidatesRecord>> {
    let rule = arguments.choose.or((!arguments.reward.is_empty()).then_some(Choose::Disagreement));
    if rule == Some(Choose::Disagreement) && arguments.reward.len() < 2 {
        bail!(
            "--choose disagreement needs two or more reward models to disagree, and --reward names {}; train some with \
             `nudge reward --seed 1`, `--seed 2`, ..., or use --choose random",
            arguments.reward.len()
        );
    }
    if arguments.limit == Some(0) {
        bail!("--limit 0 leaves nothing to rank; give 1 or more");
    }
    let disagreements = match arguments.reward.len() {
        0 | 1 => vec![None; candidates.len()],
        _ => disagreements(arguments, &candidates)?,
    };
    let mut chosen: Vec<(CandidatesRecord, Option<f64>)> = candidates.into_iter().zip(disagreements).collect();
    let by = match rule {
        None => None,
        Some(Choose::Disagreement) => {
            // Descending, and stable: of equal ones the first in the file comes first.
            chosen.sort_by(|(_, one), (_, other)| other.unwrap_or(0.0).total_cmp(&one.unwrap_or(0.0)));
            Some(ChoiceRule::Disagreement)
        }
        Some(Choose::Random) => {
            Rng::with_stream(arguments.seed, ORDER).shuffle(&mut chosen);
            Some(ChoiceRule::Random)
        }
    };
    chosen.truncate(arguments.limit.unwrap_or(usize::MAX));
    let noted = |(mut record, disagreement): (CandidatesRecord, Option<f64>)| {
        if let Some(by) = by {
            Sitting { choice: Some(Choice { by, disagreement }), ..Sitting::default() }.write(&mut record.extra);
        }
        record
    };
    Ok(chosen.into_iter().map(noted).collect())
}

/// How far the reward models disagree about each record.
fn disagreements(arguments: &Rank, candidates: &[CandidatesRecord]) -> Result<Vec<Option<f64>>> {
    let mut workplace = Workplace::open(arguments.device)?;
    let records = candidates.iter().map(object).collect::<Result<Vec<_>>>()?;
    let mut members: Vec<Vec<Vec<f32>>> = Vec::new();
    for reward in &arguments.reward {
        workplace.load(reward)?;
        members.push(scores(&workplace, reward, records.clone())?);
    }
    let of_record = |record: usize| {
        let scores: Vec<Vec<f32>> = members.iter().map(|member| member[record].clone()).collect();
        let disagreement = preference_disagreement(&scores);
        match disagreement.is_finite() {
            true => Ok(Some(disagreement)),
            false => bail!(
                "a reward model gives no finite score to a completion of `{}`; train it again",
                candidates[record].id
            ),
        }
    };
    (0..candidates.len()).map(of_record).collect()
}

/// One reward model's scores of every completion, record by record.
fn scores(workplace: &Workplace, reward: &str, records: Vec<Map<String, Value>>) -> Result<Vec<Vec<f32>>> {
    let command = Command::Score { reward: reward.to_string(), records };
    let run = workplace.session.start(command, None)?;
    let mut all = Vec::new();
    let listen = |event: Event| {
        if let Event::Scored { mut record } = event {
            let scores = record.remove("scores").unwrap_or_default();
            all.push(serde_json::from_value(scores).context("a record was scored without scores")?);
        }
        Ok(())
    };
    drive(run, &format!("scoring with {reward}"), &mut Listen(listen))?;
    Ok(all)
}
