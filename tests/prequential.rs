//! What a reward model so far would have said: better than a coin after a few rankings, on the built-in model itself.

use burn::tensor::Device;
use futures_lite::future::block_on;
use nudge_data::RankingRecord;
use nudge_session::export::unpacked;
use nudge_session::prequential::{Foretell, Prequential};
use nudge_session::{Event, Files, Session, SessionError};
use serde_json::json;
use std::path::Path;

use crate::support::{candidates, events_of, records, session_with, sft};

/// The page's own instruct model.
fn built_in() -> Session {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../www/public/model");
    let mut files = Files::new();
    for model in ["base", "sft"] {
        for entry in std::fs::read_dir(folder.join(model)).expect("it is committed") {
            let entry = entry.expect("it can be listed");
            let bytes = std::fs::read(entry.path()).expect("it can be read");
            files.insert(entry.file_name().to_string_lossy().into_owned(), bytes.into());
        }
    }
    let mut session = Session::new(Device::flex());
    session.put_model("sft", unpacked("sft", &files).expect("the model is whole")).expect("the model is whole");
    session
}

/// Rankings of the page's prompts by a simulated labeler, as the page samples them.
fn ranked(session: &Session, labeler: &str, count: usize) -> Vec<RankingRecord> {
    let prompts = records(include_str!("../www/public/examples/prompts.jsonl"));
    let prompts: Vec<_> = prompts.into_iter().take(2 * count).map(|record| record["prompt"].clone()).collect();
    let sample =
        json!({"command": "sample", "model": "sft", "prompts": prompts, "options": {"k": 4, "max_new_tokens": 64}});
    let candidates = candidates(&events_of(session, sample));
    let rank = json!({"command": "rank", "candidates": candidates, "labeler": labeler});
    let ranked = events_of(session, rank).into_iter().filter_map(|event| match event {
        Event::Ranked { record } if record.ranking.len() > 1 => Some(record),
        _ => None,
    });
    ranked.take(count).collect()
}

/// Asks until everything is read.
fn foretell(session: &Session, rankings: &[RankingRecord]) -> Result<Prequential, SessionError> {
    loop {
        let foretold = vec![true; rankings.len()];
        let asked = Foretell { model: "sft".into(), rankings: rankings.to_vec(), foretold };
        let told = block_on(session.foretell(asked)?.told())?;
        if told.unread == 0 {
            return Ok(told);
        }
    }
}

#[test]
fn a_labelers_rankings_are_foretold_better_than_by_a_coin() {
    let session = built_in();
    for labeler in ["happier", "shorter", "more_dialogue"] {
        let rankings = ranked(&session, labeler, 30);
        assert_eq!(rankings.len(), 30);
        let told = foretell(&session, &rankings).expect("they can be read");
        let agreement = &told.agreement;
        assert!(agreement.low > 0.5, "{labeler}: {agreement:?}");
        let last = told.last.expect("the thirtieth was foretold");
        assert_eq!(last.order.len(), 4);
        assert!(last.agreed <= last.pairs);
    }
}

#[test]
fn every_ranking_is_read_once_and_told_as_if_all_were_read_anew() {
    let session = session_with(&[("sft", sft())]);
    let rankings = crate::support::rankings(&session, "shorter", 8);
    let step = |session: &Session, count: usize| foretell(session, &rankings[..count]).expect("they can be read");
    assert_eq!(step(&session, 3).last, None);
    let one_by_one: Vec<_> = (4..=rankings.len()).map(|count| step(&session, count)).collect();
    assert!(one_by_one[0].last.is_some());
    let anew = step(&session_with(&[("sft", sft())]), rankings.len());
    assert_eq!(one_by_one.last(), Some(&anew));
    // One is taken back, and given again.
    assert_eq!(step(&session, 5), one_by_one[1]);
    assert_eq!(step(&session, rankings.len()), anew);
    let unknown = Foretell { model: "nobody".into(), rankings: vec![], foretold: vec![] };
    assert!(matches!(session.foretell(unknown), Err(SessionError::UnknownModel(_))));
}
