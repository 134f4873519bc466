//! The JSON between the trainer and its shells, pinned: a change of a name or a shape shows here first.
//!
//! `data/protocol.json` holds one of everything. After a change that is meant, `NUDGE_UPDATE=1` writes it anew.

use std::collections::BTreeSet;
use std::path::Path;

use nudge_rlhf::CalibrationBin;
use nudge_session::options::{
    BestOfOptions, CompareOptions, DpoOptions, EvalOptions, GrpoOptions, KtoOptions, OrpoOptions, PpoStageOptions,
    PretrainOptions, ReinforceOptions, RewardOptions, RlooOptions, SampleOptions, SftOptions,
};
use nudge_session::protocol::{AccuracySlice, Answer, Calibration, Evaluation};
use nudge_session::{Command, Event, Files, Judge, Metrics, Preference, Session, Stage, Verdict};
use serde_json::{Value, json};

/// One command of every kind, with every option, and every kind of judge.
fn commands() -> Vec<Command> {
    let compare = |judge| Command::Compare {
        a: "policy".into(),
        b: "sft".into(),
        prompts: vec!["Tell me about a dog.".into()],
        judge,
        best_of_reward: None,
        options: CompareOptions::default(),
    };
    vec![
        Command::Pretrain { texts: vec!["A dog ran.".into()], options: PretrainOptions::default() },
        Command::Sft { model: "base".into(), demonstrations: "{}\n".into(), options: SftOptions::default() },
        Command::Sample { model: "sft".into(), prompts: vec!["Hi.".into()], options: SampleOptions::default() },
        Command::Rank { candidates: "{}\n".into(), labeler: "shorter".into() },
        Command::Reward {
            model: "sft".into(),
            comparisons: "{}\n".into(),
            demonstrations: "{}\n".into(),
            options: RewardOptions::default(),
        },
        Command::Ppo {
            policy: "sft".into(),
            reward: "reward".into(),
            reward_ensemble: vec!["another".into()],
            prompts: vec!["Hi.".into()],
            pretraining_texts: vec!["A dog ran.".into()],
            options: PpoStageOptions { gold_labeler: Some("shorter".into()), ..PpoStageOptions::default() },
        },
        Command::Grpo {
            policy: "sft".into(),
            reward: "reward".into(),
            reward_ensemble: vec![],
            prompts: vec!["Hi.".into()],
            options: GrpoOptions::default(),
        },
        Command::Rloo {
            policy: "sft".into(),
            reward: "reward".into(),
            reward_ensemble: vec![],
            prompts: vec!["Hi.".into()],
            options: RlooOptions::default(),
        },
        Command::Reinforce {
            policy: "sft".into(),
            reward: "reward".into(),
            reward_ensemble: vec![],
            prompts: vec!["Hi.".into()],
            options: ReinforceOptions::default(),
        },
        Command::Dpo { policy: "sft".into(), comparisons: "{}\n".into(), options: DpoOptions::default() },
        Command::Kto { policy: "sft".into(), comparisons: "{}\n".into(), options: KtoOptions::default() },
        Command::Orpo { policy: "sft".into(), comparisons: "{}\n".into(), options: OrpoOptions::default() },
        Command::BestOf {
            policy: "sft".into(),
            reward: "reward".into(),
            reward_ensemble: vec![],
            prompts: vec!["Hi.".into()],
            options: BestOfOptions::default(),
        },
        compare(Judge::Person),
        compare(Judge::Labeler { name: "shorter".into() }),
        compare(Judge::Reward { model: "reward".into() }),
        Command::Score { reward: "reward".into(), records: "{}\n".into() },
        Command::Calibrate { reward: "reward".into(), comparisons: "{}\n".into() },
        Command::Eval { model: "base".into(), text: "A dog ran.".into(), options: EvalOptions::default() },
    ]
}

/// One event of every kind, and every stage and preference.
fn events() -> Vec<Event> {
    use Stage::{
        BestOf, Calibrate, Compare, Dpo, Eval, Grpo, Kto, Orpo, Ppo, Pretrain, Rank, Reinforce, Reward, Rloo, Sample,
        Score, Sft,
    };
    let stages = [
        Pretrain, Sft, Sample, Rank, Reward, Ppo, Grpo, Rloo, Reinforce, Dpo, Kto, Orpo, BestOf, Compare, Score,
        Calibrate, Eval,
    ];
    let pair = |preference: Option<Preference>| Event::Pair {
        index: 0,
        prompt: "Hi.".into(),
        a: "A.".into(),
        b: "B.".into(),
        preference,
        scores: preference.map(|_| (0.5, -0.25)),
    };
    let answer = Answer { text: "A dog.".into(), seed: 9_007_199_254_740_991, logprob: -3.5, finish: "eos".into() };
    let verdict: Verdict =
        Session::verdict(&[Preference::A, Preference::Tie, Preference::B], "simulated:shorter", true);
    let mut events: Vec<Event> =
        stages.map(|stage| Event::Started { stage, step: 0, total_steps: 2, parameters: 1000 }).into();
    events.extend([
        Event::Progress {
            stage: Ppo,
            step: 1,
            total_steps: 2,
            metrics: Metrics::from([("objective/kl".into(), 0.125)]),
            seconds: 0.5,
        },
        Event::Partial { prompt: 0, answer: 1, text: "A d".into() },
        Event::Candidates { index: 0, id: "1-0".into(), prompt: "Hi.".into(), completions: vec![answer] },
        Event::Ranked { record: "{}".into() },
        Event::Scored { record: "{}".into() },
        Event::Rollout { prompt: "Hi.".into(), answer: "A dog.".into(), score: 0.5, kl: 0.25 },
        pair(None),
        pair(Some(Preference::A)),
        pair(Some(Preference::B)),
        pair(Some(Preference::Tie)),
        Event::Verdict { verdict },
        Event::Evaluated { evaluation: Evaluation { nats_per_token: 2.5, nats_per_char: 0.75, tokens: 10, chars: 40 } },
        Event::Calibrated { calibration: calibration() },
        Event::Model { name: "policy".into(), files: Files::new() },
        Event::Warning { message: "Something.".into() },
        Event::Finished { stage: Ppo, seconds: 1.5 },
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

/// Names of all kinds. The matches have no wildcard, so that a new kind does not compile before it has a place here.
fn kind_of_command(command: &Command) -> &'static str {
    match command {
        Command::Pretrain { .. } => "pretrain",
        Command::Sft { .. } => "sft",
        Command::Sample { .. } => "sample",
        Command::Rank { .. } => "rank",
        Command::Reward { .. } => "reward",
        Command::Ppo { .. } => "ppo",
        Command::Grpo { .. } => "grpo",
        Command::Rloo { .. } => "rloo",
        Command::Reinforce { .. } => "reinforce",
        Command::Dpo { .. } => "dpo",
        Command::Kto { .. } => "kto",
        Command::Orpo { .. } => "orpo",
        Command::BestOf { .. } => "best_of",
        Command::Compare { .. } => "compare",
        Command::Score { .. } => "score",
        Command::Calibrate { .. } => "calibrate",
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
        Event::Rollout { .. } => "rollout",
        Event::Pair { .. } => "pair",
        Event::Verdict { .. } => "verdict",
        Event::Evaluated { .. } => "evaluated",
        Event::Calibrated { .. } => "calibrated",
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
    assert_eq!(kinds.len(), 17, "a command has no example");
    let kinds: BTreeSet<_> = events().iter().map(kind_of_event).collect();
    assert_eq!(kinds.len(), 14, "an event has no example");
}

#[test]
fn options_may_be_left_out_and_files_never_stand_in_the_json() {
    let short: Command = serde_json::from_value(json!({"command": "sft", "model": "base", "demonstrations": ""}))
        .expect("options have defaults");
    let Command::Sft { options, .. } = short else { panic!("another command was read") };
    assert_eq!(options, SftOptions::default());
    let files = Files::from([("model.safetensors".to_string(), vec![1, 2, 3])]);
    let json = serde_json::to_value(Event::Model { name: "sft".into(), files }).expect("plain JSON");
    assert_eq!(json, json!({"event": "model", "name": "sft"}));
}
