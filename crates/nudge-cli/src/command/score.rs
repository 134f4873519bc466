//! `nudge score`: every input record with the reward model's numbers added, one a completion.

use super::Workplace;
use crate::args::Score;
use crate::input::Records;
use crate::provenance::RunRecord;
use crate::record_file::record;
use crate::usage::given;
use anyhow::Result;
use nudge_session::Command;
use serde_json::{Map, Value};

/// Scores into `--out`.
pub fn run(arguments: &Score) -> Result<()> {
    let records = Records::own(std::slice::from_ref(&arguments.data), nudge_data::read_jsonl::<Map<String, Value>>)?;
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.reward)?;
    let run = RunRecord::begin(&given(), Map::new(), workplace.device, &records.places.counts())?;
    let command = Command::Score { reward: arguments.reward.clone(), records: records.all };
    record(&workplace.session, command, run, &arguments.output, None, arguments.common.json)
        .map_err(|error| records.places.locate(error))
}
