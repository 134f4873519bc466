//! The rules of verdicts on recorded runs: good ones, which nothing may be said against, and runs that were spoiled on purpose.
//!
//! Each line of `recorded.jsonl` is the evidence of a run of the built-in model: logged steps (a dozen of each log, and
//! those with held-out numbers), rankings counted, a comparison with the beginnings of its completions. `expect` names
//! the findings that say how it was spoiled.

use nudge_data::PreferenceRecord;
use nudge_session::verdict::{Evidence, Finding, JudgedPair, Level, Next, RankingCount, verdict, worst};
use serde::Deserialize;
use std::cmp::Reverse;

#[derive(Deserialize)]
struct Recorded {
    name: String,
    expect: Vec<String>,
    evidence: Evidence,
}

fn recorded() -> Vec<Recorded> {
    include_str!("../recorded.jsonl").lines().map(|line| serde_json::from_str(line).expect("evidence")).collect()
}

/// What weighs against a run.
fn accusations(findings: &[Finding]) -> Vec<&str> {
    findings.iter().filter(|finding| finding.level >= Level::Warning).map(|finding| finding.code.as_str()).collect()
}

#[test]
fn good_runs_are_not_accused_and_spoiled_ones_are_caught() {
    let (mut table, mut wrong) = (String::new(), Vec::new());
    for Recorded { name, expect, evidence } in recorded() {
        let findings = verdict(&evidence);
        let found: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        let accused = accusations(&findings);
        table += &format!("{name}: {found:?}\n");
        let missed = expect.iter().filter(|code| !found.contains(&code.as_str())).cloned();
        wrong.extend(missed.map(|code| format!("{name}: {code} is not found")));
        if expect.is_empty() {
            wrong.extend(accused.iter().map(|code| format!("{name}: falsely {code}")));
        }
    }
    assert!(wrong.is_empty(), "{}\n\n{table}", wrong.join("\n"));
    println!("{table}");
}

#[test]
fn a_spoiled_run_is_not_praised_and_the_gravest_comes_first() {
    let collapsed =
        recorded().into_iter().find(|run| run.expect.contains(&"collapsed".to_string())).expect("it is there");
    let findings = verdict(&collapsed.evidence);
    assert!(findings.is_sorted_by_key(|finding| Reverse(finding.level)), "{findings:?}");
    assert_eq!((worst(&findings), findings[0].code.as_str()), (Level::Bad, "collapsed"));
    // Its judge preferred it, and that is not said.
    assert!(
        collapsed.evidence.comparison.expect("it is there").low > 0.5
            && findings.iter().all(|found| found.code != "won")
    );
}

#[test]
fn a_verdict_crosses_a_border_and_what_is_absent_is_not_judged() {
    assert_eq!(verdict(&Evidence::default()), []);
    for run in recorded() {
        let json = serde_json::to_string(&verdict(&run.evidence)).expect("it is there");
        assert_eq!(serde_json::from_str::<Vec<Finding>>(&json).expect("it is there"), verdict(&run.evidence));
    }
}

#[test]
fn the_next_step_changes_an_option_by_what_it_was() {
    let still = recorded().into_iter().find(|run| run.expect == ["hardly_moved"]).expect("it is there");
    let rate = still.evidence.options["learning_rate"].as_f64().expect("it is there");
    let findings = verdict(&still.evidence);
    let found = findings.iter().find(|finding| finding.code == "hardly_moved").expect("it is found");
    let Some(Next::Again { options }) = &found.next else { panic!("{findings:?}") };
    let (name, value) = &options[0];
    assert_eq!(name, "learning_rate");
    assert!((value.as_f64().expect("it is there") / rate - 4.0).abs() < 0.05, "{options:?}");
}

fn codes(evidence: &Evidence) -> Vec<(String, Level)> {
    verdict(evidence).into_iter().map(|found| (found.code, found.level)).collect()
}

/// A comparison of ten prompts, of which the first `spoiled` are answered with `text` and their number.
fn spoiled(spoiled: usize, text: &str) -> Evidence {
    let healthy = |index: usize| format!("Here is answer {index}, about the thing {index} that was asked.");
    let pair = |index: usize| JudgedPair {
        prompt: format!("Tell me about the thing {index}."),
        a: if index < spoiled { format!("{text} {index}.") } else { healthy(index) },
        b: healthy(index + 20),
        preference: None,
    };
    Evidence {
        task: "compare".into(),
        method: Some("dpo".into()),
        pairs: (0..10).map(pair).collect(),
        ..Evidence::default()
    }
}

#[test]
fn refusals_and_repetitions_are_noticed_however_they_begin() {
    let refusals = codes(&spoiled(6, "As an AI language model I cannot speak of the thing"));
    assert!(refusals.contains(&("refuses".into(), Level::Bad)), "{refusals:?}");
    let some = codes(&spoiled(3, "I'm sorry for any confusion about the thing"));
    assert!(some.contains(&("refuses".into(), Level::Warning)), "{some:?}");
    let repeated = codes(&spoiled(3, "The thing is very fine. The thing is very fine. Number"));
    assert!(repeated.contains(&("repeats".into(), Level::Warning)), "{repeated:?}");
    let healthy = codes(&spoiled(1, "I'm sorry for any confusion about the thing"));
    assert!(healthy.iter().all(|(code, _)| code != "refuses" && code != "repeats"), "{healthy:?}");
}

#[test]
fn who_imitates_writes_for_no_judge() {
    let mut far = recorded().into_iter().find(|run| run.expect == ["kl_too_large"]).expect("it is there").evidence;
    assert!(codes(&far).iter().any(|(code, _)| code == "kl_too_large"));
    far.method = Some("sft".into());
    assert!(codes(&far).iter().all(|(code, _)| code != "kl_too_large"));
}

#[test]
fn after_a_divergence_no_rate_above_every_default_is_proposed() {
    let next = |rate: f64| {
        let mut run = recorded().into_iter().find(|run| run.expect == ["diverged"]).expect("it is there").evidence;
        run.options.insert("learning_rate".into(), rate.into());
        verdict(&run).into_iter().find(|found| found.code == "diverged").and_then(|found| found.next)
    };
    let options = |value: serde_json::Value| Some(Next::Again { options: vec![("learning_rate".into(), value)] });
    assert_eq!(next(1.0), options(serde_json::Value::Null));
    assert_eq!(next(1e-3), options(1e-4.into()));
}

#[test]
fn ten_rankings_are_worth_a_note_and_fewer_a_warning() {
    let level = |rankings: usize| {
        let count = RankingCount { rankings, pairs: 3 * rankings, prompts: rankings, circles: 0 };
        let evidence = Evidence { task: "reward".into(), rankings: Some(count), ..Evidence::default() };
        codes(&evidence).into_iter().find(|(code, _)| code == "too_few_rankings").map(|(_, level)| level)
    };
    assert_eq!([4, 10, 30].map(level), [Some(Level::Warning), Some(Level::Note), None]);
}

#[test]
fn rankings_that_turn_each_other_round_are_counted() {
    let pair = |chosen: &str, rejected: &str| -> PreferenceRecord {
        serde_json::from_value(serde_json::json!({ "prompt": "p", "chosen": chosen, "rejected": rejected }))
            .expect("it is there")
    };
    let count = RankingCount::of(&[pair("a", "b"), pair("b", "a"), pair("c", "d")]);
    assert_eq!(count, RankingCount { rankings: 3, pairs: 3, prompts: 1, circles: 1 });
}
