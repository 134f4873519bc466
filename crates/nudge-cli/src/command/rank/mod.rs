//! `nudge rank`: candidates become rankings, by a simulated labeler or by the person at the terminal.

use super::rank_person;
use crate::args::Rank;
use crate::device::{self, DeviceChoice};
use crate::input::Records;
use crate::record_file::record;
use anyhow::{Result, bail};

use nudge_data::{CandidatesRecord, read_jsonl_checked};
use nudge_session::{Command, Session};

/// Ranks into `--out`.
pub fn run(arguments: &Rank) -> Result<()> {
    let check = |name: &str, text: &str| read_jsonl_checked(name, text, can_be_ranked);
    let (records, candidates) = Records::own(std::slice::from_ref(&arguments.candidates), check)?;
    let candidates: Vec<CandidatesRecord> = candidates.into_iter().flatten().collect();
    if candidates.is_empty() {
        bail!("{} holds no candidates; sample some first", arguments.candidates.display());
    }
    match &arguments.labeler {
        Some(labeler) => {
            // A rule needs no device; a session wants one.
            let session = Session::new(device::open(DeviceChoice::Cpu)?.device);
            let command = Command::Rank { candidates: records.text, labeler: labeler.clone() };
            record(&session, command, "rank", &arguments.output, None, arguments.json)
        }
        None => rank_person::run(arguments, &candidates),
    }
}

fn can_be_ranked(record: &CandidatesRecord) -> Result<(), String> {
    match record.completions.len() {
        0 | 1 => Err(format!(
            "candidates `{}` have {} answer(s), and a ranking needs two or more. Sample with --k 2 or more",
            record.id,
            record.completions.len()
        )),
        _ => Ok(()),
    }
}
