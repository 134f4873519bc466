//! The JSON between the trainer and its shells, pinned: a change of a name or a shape shows here first.
//!
//! `data/protocol.json` holds one of everything. After a change that is meant, `NUDGE_UPDATE=1` writes it anew.

use std::collections::BTreeSet;
use std::path::Path;

use nudge_data::{
    CandidatesRecord, Completion, DemonstrationRecord, Finish, PairRecord, PreferenceRecord, RankingRecord,
    UnpairedRecord,
};
use nudge_rlhf::CalibrationBin;
use nudge_session::options::{
    BestOfOptions, CompareOptions, EvalOptions, PretrainOptions, RewardOptions, SampleOptions, SftOptions,
};
use nudge_session::protocol::{
    AccuracySlice, Calibration, Disagreement, Evaluation, Lens, LensChoice, LensToken, MarginBin, Reviewed,
};
use nudge_session::{Command, Event, Files, Judge, Method, Metrics, Session, StageName, Verdict, Winner};
use serde_json::{Map, Value, json};

fn completion(text: &str) -> Completion {
    Completion {
        seed: Some(9_007_199_254_740_991),
        logprob: Some(-3.5),
        finish: Some(Finish::Eos),
        ..Completion::from_text(text)
    }
}

/// A field that Nudge does not know; it stays.
fn extra() -> Map<String, Value> {
    Map::from_iter([("note".to_string(), json!("kept"))])
}

fn demonstration() -> DemonstrationRecord {
    let (prompt, completion) = ("Hi.".into(), "Hello.".into());
    DemonstrationRecord { prompt, completion, task: Some("greeting".into()), split: None, extra: extra() }
}

fn candidates() -> CandidatesRecord {
    let completions = vec![completion("A dog."), completion("A cat.")];
    CandidatesRecord { id: "1-0".into(), prompt: "Hi.".into(), completions, extra: extra() }
}

fn ranking() -> RankingRecord {
    let CandidatesRecord { id, prompt, completions, extra } = candidates();
    let (labeler, seconds) = (Some("simulated:shorter".into()), Some(0.0));
    RankingRecord { id, prompt, completions, ranking: vec![vec![1], vec![0]], labeler, seconds, edit: None, extra }
}

/// One of every kind.
fn preferences() -> Vec<PreferenceRecord> {
    let pair = PairRecord { prompt: "Hi.".into(), chosen: "A.".into(), rejected: "B.".into(), extra: extra() };
    let unpaired = UnpairedRecord { prompt: "Hi.".into(), completion: "A.".into(), label: true, extra: extra() };
    vec![PreferenceRecord::Ranking(ranking()), PreferenceRecord::Pair(pair), PreferenceRecord::Unpaired(unpaired)]
}

fn scored(record: Value) -> Map<String, Value> {
    record.as_object().expect("a record is an object").clone()
}

/// One command of every kind, with every option and every method, and every kind of judge.
fn commands() -> Vec<Command> {
    let compare = |judge| Command::Compare {
        a: "policy".into(),
        b: "sft".into(),
        prompts: vec!["Tell me about a dog.".into()],
        judge,
        best_of_reward: None,
        options: CompareOptions::default(),
    };
    let tune = |method| Command::Tune {
        method,
        policy: "sft".into(),
        rewards: vec!["reward".into(), "another".into()],
        prompts: vec!["Hi.".into()],
        preferences: preferences(),
        pretraining_texts: vec!["A dog ran.".into()],
    };
    let mut commands = vec![
        Command::Pretrain { texts: vec!["A dog ran.".into()], options: PretrainOptions::default() },
        Command::Sft { model: "base".into(), demonstrations: vec![demonstration()], options: SftOptions::default() },
        Command::Sample { model: "sft".into(), prompts: vec!["Hi.".into()], options: SampleOptions::default() },
        Command::Rank { candidates: vec![candidates()], labeler: "shorter".into() },
        Command::Reward {
            model: "sft".into(),
            preferences: preferences(),
            demonstrations: vec![demonstration()],
            options: RewardOptions::default(),
        },
        Command::BestOf {
            policy: "sft".into(),
            rewards: vec!["reward".into()],
            prompts: vec!["Hi.".into()],
            options: BestOfOptions { gold_labeler: Some("shorter".into()), ..BestOfOptions::default() },
        },
        compare(Judge::Person),
        compare(Judge::Labeler { name: "shorter".into() }),
        compare(Judge::Reward { model: "reward".into() }),
        Command::Score {
            reward: "reward".into(),
            records: vec![scored(json!({"prompt": "Hi.", "completion": "A dog."}))],
        },
        Command::Calibrate { reward: "reward".into(), preferences: preferences() },
        Command::Review { reward: "reward".into(), preferences: preferences(), options: RewardOptions::default() },
        Command::Eval { model: "base".into(), text: "A dog ran.".into(), options: EvalOptions::default() },
    ];
    commands.extend(Method::all().into_iter().map(tune));
    commands
}

/// One event of every kind, and every stage and preference.
fn events() -> Vec<Event> {
    use StageName::{BestOf, Calibrate, Compare, Eval, Pretrain, Rank, Review, Reward, Sample, Score, Sft, Tune};
    let stages = [Pretrain, Sft, Sample, Rank, Reward, Tune, BestOf, Compare, Score, Calibrate, Review, Eval];
    let pair = |preference: Option<Winner>| Event::Pair {
        index: 0,
        prompt: "Hi.".into(),
        a: "A.".into(),
        b: "B.".into(),
        preference,
        scores: preference.map(|_| (0.5, -0.25)),
    };
    let verdict: Verdict = Session::verdict(&[Winner::A, Winner::Tie, Winner::B], "simulated:shorter", true);
    let record = scored(json!({"prompt": "Hi.", "completion": "A dog.", "scores": [0.5]}));
    let mut events: Vec<Event> =
        stages.map(|stage| Event::Started { stage, step: 0, total_steps: 2, parameters: 1000 }).into();
    events.extend([
        Event::Progress {
            stage: Tune,
            step: 1,
            total_steps: 2,
            metrics: Metrics::from([("objective/kl".into(), 0.125)]),
            seconds: 0.5,
        },
        Event::Partial { prompt: 0, completion: 1, text: "A d".into() },
        Event::Candidates { index: 0, id: "1-0".into(), prompt: "Hi.".into(), completions: vec![completion("A dog.")] },
        Event::Ranked { record: ranking() },
        Event::Scored { record },
        Event::Completion { prompt: "Hi.".into(), completion: "A dog.".into(), score: 0.5, kl: 0.25 },
        pair(None),
        pair(Some(Winner::A)),
        pair(Some(Winner::B)),
        pair(Some(Winner::Tie)),
        Event::Verdict { verdict },
        Event::Evaluated { evaluation: Evaluation { nats_per_token: 2.5, nats_per_char: 0.75, tokens: 10, chars: 40 } },
        Event::Calibrated { calibration: calibration() },
        Event::Reviewed { review: reviewed() },
        Event::Lens { lens: lens() },
        Event::Model { name: "policy".into(), files: Files::new() },
        Event::Warning { message: "Something.".into() },
        Event::Finished { stage: Tune, seconds: 1.5 },
    ]);
    events
}

fn calibration() -> Calibration {
    let slice = AccuracySlice { name: "all pairs".into(), pairs: 8, accuracy: 0.75, low: 0.5, high: 1.0 };
    Calibration {
        overall: slice.clone(),
        expected_calibration_error: 0.125,
        bins: vec![CalibrationBin { low: 0.5, high: 1.0, pairs: 8, confidence: 0.875, accuracy: 0.75 }],
        by_margin: vec![slice.clone()],
        by_length: vec![slice],
    }
}

fn reviewed() -> Reviewed {
    let disagreement =
        Disagreement { prompt: "Hi.".into(), better: "A.".into(), worse: "B.".into(), margin: -0.5, held_out: true };
    Reviewed {
        pairs: 8,
        held_out: 2,
        margins: vec![MarginBin { low: -0.5, high: 0.5, trained: 6, held_out: 2 }],
        calibration: calibration(),
        wrong: 1,
        disagreements: vec![disagreement],
    }
}

fn lens() -> Lens {
    let token = LensToken {
        text: "A".into(),
        probability: 0.5,
        ref_probability: 0.25,
        new_probability: 0.75,
        kl: 0.5,
        reward: Some(-0.125),
        value: None,
        advantage: 1.0,
        ratio: 1.5,
        objective: Some(1.25),
        clipped: true,
        choices: vec![LensChoice { text: "A".into(), ref_probability: 0.25, new_probability: 0.75 }],
    };
    let (cliprange, tokens) = (Some(0.25), vec![token]);
    Lens { step: 0, prompt: "Hi.".into(), score: 0.5, kl: 0.5, kl_coef: 0.25, new_kl_coef: 0.25, cliprange, tokens }
}

/// Names of all kinds. The matches have no wildcard, so that a new kind does not compile before it has a place here.
fn kind_of_command(command: &Command) -> &'static str {
    match command {
        Command::Pretrain { .. } => "pretrain",
        Command::Sft { .. } => "sft",
        Command::Sample { .. } => "sample",
        Command::Rank { .. } => "rank",
        Command::Reward { .. } => "reward",
        Command::Tune { .. } => "tune",
        Command::BestOf { .. } => "best_of",
        Command::Compare { .. } => "compare",
        Command::Score { .. } => "score",
        Command::Calibrate { .. } => "calibrate",
        Command::Review { .. } => "review",
        Command::Eval { .. } => "eval",
    }
}

fn kind_of_event(event: &Event) -> &'static str {
    match event {
        Event::Started { .. } => "started",
        Event::Progress { .. } => "progress",
        Event::Partial { .. } => "partial",
        Event::Candidates { .. } => "candidates",
        Event::Ranked { .. } => "ranked",
        Event::Scored { .. } => "scored",
        Event::Completion { .. } => "completion",
        Event::Pair { .. } => "pair",
        Event::Verdict { .. } => "verdict",
        Event::Evaluated { .. } => "evaluated",
        Event::Calibrated { .. } => "calibrated",
        Event::Reviewed { .. } => "reviewed",
        Event::Lens { .. } => "lens",
        Event::Model { .. } => "model",
        Event::Warning { .. } => "warning",
        Event::Finished { .. } => "finished",
    }
}

#[test]
fn the_json_of_commands_and_events_is_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/protocol.json");
    let found = json!({"commands": commands(), "events": events()});
    if std::env::var_os("NUDGE_UPDATE").is_some() {
        let text = serde_json::to_string_pretty(&found).expect("plain JSON") + "\n";
        std::fs::write(&path, text).expect("the file can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("data/protocol.json");
    let committed: Value = serde_json::from_str(&committed).expect("it is JSON");
    for side in ["commands", "events"] {
        let (found, committed) = (&found[side], &committed[side]);
        for (found, committed) in
            found.as_array().into_iter().zip(committed.as_array()).flat_map(|(a, b)| a.iter().zip(b))
        {
            assert_eq!(found, committed);
        }
        assert_eq!(found, committed, "{side}");
    }
}

#[test]
fn what_is_written_is_read() {
    for command in commands() {
        let json = serde_json::to_value(&command).expect("plain JSON");
        assert_eq!(json["command"], kind_of_command(&command));
        assert_eq!(serde_json::from_value::<Command>(json).expect("own output"), command);
    }
    for event in events() {
        let json = serde_json::to_value(&event).expect("plain JSON");
        assert_eq!(json["event"], kind_of_event(&event));
        assert_eq!(serde_json::from_value::<Event>(json).expect("own output"), event);
    }
    let kinds: BTreeSet<_> = commands().iter().map(kind_of_command).collect();
    assert_eq!(kinds.len(), 12, "a command has no example");
    let kinds: BTreeSet<_> = events().iter().map(kind_of_event).collect();
    assert_eq!(kinds.len(), 16, "an event has no example");
}

#[test]
fn options_may_be_left_out_and_files_never_stand_in_the_json() {
    let short: Command = serde_json::from_value(json!({"command": "sft", "model": "base", "demonstrations": []}))
        .expect("options have defaults");
    let Command::Sft { options, .. } = short else { panic!("another command was read") };
    assert_eq!(options, SftOptions::default());
    let files = Files::from([("model.safetensors".to_string(), vec![1, 2, 3].into())]);
    let json = serde_json::to_value(Event::Model { name: "sft".into(), files }).expect("plain JSON");
    assert_eq!(json, json!({"event": "model", "name": "sft"}));
}

#[test]
fn a_command_tunes_by_any_method_and_names_what_it_does_not_know() {
    for method in Method::all() {
        let name = method.info().name;
        let value = json!({"command": "tune", "method": name, "options": {}, "policy": "sft"});
        let read: Command = serde_json::from_value(value).expect("options have defaults");
        let Command::Tune { method: found, rewards, .. } = read else { panic!("another command was read") };
        assert_eq!((found, rewards.len()), (method, 0));
    }
    let refused = |method: &str, options: Value| {
        let value = json!({"command": "tune", "method": method, "options": options, "policy": "sft"});
        serde_json::from_value::<Command>(value).expect_err("is refused").to_string()
    };
    let message = refused("dpo", json!({"betta": 0.1}));
    assert!(message.contains("`betta`") && message.contains("`beta`"), "{message}");
    let message = refused("dpoo", json!({}));
    assert!(message.contains("`dpoo`") && message.contains("`dpo`"), "{message}");
}
