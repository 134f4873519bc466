//! The page's TypeScript types, rendered from the Rust types and compared with the committed file.
//!
//! After a change of the protocol, `NUDGE_UPDATE=1` writes `www/src/lib/protocol.ts` anew. It lives here and not
//! among the cross-crate tests because the types derive `TS` in this crate's tests only. Options are rendered from
//! their declarations, records of `nudge-data` from one that has every field and one that has none but those it must.

use std::path::Path;

use nudge_data::{
    CandidatesRecord, Completion, DemonstrationRecord, Edit, Finish, PairRecord, PreferenceRecord, RankingRecord,
    UnpairedRecord,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use ts_rs::TS;

use crate::frontier::{Fit, Frontier, Point};
use crate::labeler::LabelerInfo;
use crate::look::{Choice, Look, NextToken, Seen, SeenToken, WeighedWord, Words};
use crate::method::{LearnsFrom, Method, MethodInfo, PresetInfo};
use crate::options::{
    BestOfOptions, CompareOptions, Declared, EvalOptions, Kind, Options, PretrainOptions, Range, RewardOptions,
    SampleOptions, SftOptions,
};
use crate::prequential::{Foretell, Foretold, Prequential};
use crate::protocol::{
    AccuracySlice, Calibration, Command, CompletionStatistics, Disagreement, Evaluation, Event, Judge, Lens,
    LensChoice, LensToken, MarginBin, Metrics, Reviewed, StageName, Usable, UsableShare, Verdict, Winner,
};
use crate::verdict::{
    Changes, Evidence, Finding, JudgeTie, JudgedPair, Level, Next, RankingCount, WordChange, Writing,
};
use crate::workflow::{ExampleNotes, Prompts};

const HEADER: &str = "\
// The contract with the trainer: commands in, events out, as plain objects.
//
// Generated from `crates/nudge-session/src/{protocol,options,method,verdict,look,frontier,prequential,workflow}`; a test of that crate compares, and writes this
// file with NUDGE_UPDATE=1. Do not edit. Model files travel beside the objects. What each field means stands there.
";

/// All types, in the order of reading.
fn rendered() -> String {
    let metrics = format!("type Metrics = {};", Metrics::inline());
    let prompt = "type Prompt = string | { role: string, content: string }[];".to_string();
    let mut types = vec![metrics, prompt];
    types.extend(records());
    types.extend([
        options::<PretrainOptions>("PretrainOptions"),
        options::<SftOptions>("SftOptions"),
        options::<SampleOptions>("SampleOptions"),
        options::<RewardOptions>("RewardOptions"),
        options::<BestOfOptions>("BestOfOptions"),
        options::<CompareOptions>("CompareOptions"),
        options::<EvalOptions>("EvalOptions"),
        Method::decl(),
        Judge::decl(),
        Command::decl(),
        Winner::decl(),
        StageName::decl(),
        CompletionStatistics::decl(),
        UsableShare::decl(),
        Usable::decl(),
        Verdict::decl(),
        Evaluation::decl(),
        AccuracySlice::decl(),
        Calibration::decl(),
        MarginBin::decl(),
        Disagreement::decl(),
        Reviewed::decl(),
        LensChoice::decl(),
        LensToken::decl(),
        Lens::decl(),
        Event::decl(),
        LabelerInfo::decl(),
        Range::decl(),
        Declared::decl(),
        LearnsFrom::decl(),
        PresetInfo::decl(),
        MethodInfo::decl(),
        RankingCount::decl(),
        JudgedPair::decl(),
        JudgeTie::decl(),
        Evidence::decl(),
        Level::decl(),
        Next::decl(),
        Finding::decl(),
        Writing::decl(),
        WordChange::decl(),
        Changes::decl(),
        Point::decl(),
        Fit::decl(),
        Frontier::decl(),
        Look::decl(),
        Choice::decl(),
        SeenToken::decl(),
        NextToken::decl(),
        WeighedWord::decl(),
        Words::decl(),
        Seen::decl(),
        Foretell::decl(),
        Foretold::decl(),
        Prequential::decl(),
        Prompts::decl(),
        ExampleNotes::decl(),
    ]);
    let named = |declaration: &str| declaration.replace(&format!(": {}", Metrics::inline()), ": Metrics");
    types.iter().fold(HEADER.to_string(), |text, one| text + "\nexport " + &laid_out(&named(one)) + "\n")
}

/// Options of a method are known at run time, from [`MethodInfo`].
impl TS for Method {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn name() -> String {
        "Method".into()
    }

    fn inline() -> String {
        "{ method: string, options: Record<string, unknown>, }".into()
    }

    fn inline_flattened() -> String {
        Self::inline()
    }

    fn decl() -> String {
        format!("type Method = {};", Self::inline())
    }

    fn decl_concrete() -> String {
        Self::decl()
    }
}

/// The type of a set of options.
fn options<O: Options>(name: &str) -> String {
    let field = |option: Declared| {
        let kind = match option.kind {
            Kind::Whole | Kind::Number => "number".to_string(),
            Kind::Flag => "boolean".into(),
            Kind::Choice { names } => names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" | "),
            Kind::Name => "string | null".into(),
            Kind::Rule { .. } => "unknown".into(),
        };
        format!("{}: {kind}", option.name)
    };
    let fields: Vec<String> = O::declared().into_iter().map(field).collect();
    format!("type {name} = {{ {} }};", fields.join(", "))
}

/// The types of the records of `nudge-data`.
fn records() -> Vec<String> {
    let (text, extra) = (String::new, Map::new);
    let prompt = || "".into();
    let completion =
        Completion { seed: Some(1), logprob: Some(0.0), finish: Some(Finish::Eos), ..Completion::from_text("") };
    let demonstration =
        DemonstrationRecord { prompt: prompt(), completion: text(), task: None, split: None, extra: extra() };
    let told = DemonstrationRecord { task: Some(text()), split: Some(text()), ..demonstration.clone() };
    let completions = vec![completion.clone()];
    let candidates =
        CandidatesRecord { id: text(), prompt: prompt(), completions: completions.clone(), extra: extra() };
    let ranking = RankingRecord {
        id: text(),
        prompt: prompt(),
        completions,
        ranking: vec![vec![0]],
        labeler: None,
        seconds: None,
        edit: None,
        extra: extra(),
    };
    let anew = Edit { of: None, text: text() };
    let edit = Edit { of: Some(0), ..anew.clone() };
    let whole =
        RankingRecord { labeler: Some(text()), seconds: Some(0.0), edit: Some(edit.clone()), ..ranking.clone() };
    let pair = PairRecord { prompt: prompt(), chosen: text(), rejected: text(), extra: extra() };
    let unpaired = UnpairedRecord { prompt: prompt(), completion: text(), label: true, extra: extra() };
    // A kind of preference that has no type below does not compile.
    let name_of = |record: PreferenceRecord| match record {
        PreferenceRecord::Ranking(_) => "RankingRecord",
        PreferenceRecord::Pair(_) => "PairRecord",
        PreferenceRecord::Unpaired(_) => "UnpairedRecord",
    };
    let preferences = [
        PreferenceRecord::Ranking(ranking.clone()),
        PreferenceRecord::Pair(pair.clone()),
        PreferenceRecord::Unpaired(unpaired.clone()),
    ];
    vec![
        record("Completion", &completion, &Completion::from_text("")),
        record("DemonstrationRecord", &told, &demonstration),
        record("CandidatesRecord", &candidates, &candidates),
        record("Edit", &edit, &anew),
        record("RankingRecord", &whole, &ranking),
        record("PairRecord", &pair, &pair),
        record("UnpairedRecord", &unpaired, &unpaired),
        format!("type PreferenceRecord = {};", preferences.map(name_of).join(" | ")),
    ]
}

/// The type of a record: the fields of `whole`, of which those that `least` lacks are optional.
fn record(name: &str, whole: &impl Serialize, least: &impl Serialize) -> String {
    let (whole, least) = (json!(whole), json!(least));
    let field = |(field, value): (&String, &Value)| {
        let optional = if least.get(field).is_none() { "?" } else { "" };
        format!("{field}{optional}: {}", type_of(field, value))
    };
    let fields: Vec<String> = whole.as_object().unwrap().iter().map(field).collect();
    format!("type {name} = {{ {} }};", fields.join(", "))
}

fn type_of(field: &str, value: &Value) -> String {
    match (field, value) {
        ("prompt", _) => "Prompt".into(),
        ("completions", _) => "Completion[]".into(),
        ("edit", _) => "Edit".into(),
        ("finish", _) => {
            [Finish::Eos, Finish::Length, Finish::Stopped].map(|finish| json!(finish).to_string()).join(" | ")
        }
        (_, Value::Number(_)) => "number".into(),
        (_, Value::String(_)) => "string".into(),
        (_, Value::Bool(_)) => "boolean".into(),
        (_, Value::Array(items)) => type_of("", &items[0]) + "[]",
        other => panic!("no type is known for {other:?}"),
    }
}

/// One declaration without its comments, on lines that can be read.
fn laid_out(declaration: &str) -> String {
    let mut code = String::new();
    let mut rest = declaration;
    while let Some((before, after)) = rest.split_once("/**") {
        code += before;
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    code += rest;
    let code = words(&code).join(" ").replace(", }", " }");
    let code = ["command", "event", "judge", "kind", "next", "look", "seen"]
        .iter()
        .fold(code, |code, tag| code.replace(&format!("\"{tag}\":"), &format!("{tag}:")));
    let code = code.replace('"', "'");
    if let Some((shared, kinds)) = code.split_once(" & ({") {
        return format!("{shared} & (\n  | {{{}", kinds.replace("} | {", "}\n  | {"));
    }
    if code.contains("} | {") {
        return code.replace("} | {", "}\n  | {").replacen("= {", "=\n  | {", 1);
    }
    match code.split_once(" = { ") {
        Some((name, fields)) if code.len() > 100 => {
            let fields = fields.trim_end_matches(';').trim_end_matches('}').trim_end();
            format!("{name} = {{\n  {};\n}};", fields.replace(", ", ";\n  "))
        }
        _ => code,
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn the_pages_types_are_the_trainers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../www/src/lib/protocol.ts");
    let rendered = rendered();
    if std::env::var_os("NUDGE_UPDATE").is_some() {
        std::fs::write(&path, &rendered).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        words(&committed) == words(&rendered),
        "www/src/lib/protocol.ts is not what the Rust types say; run this test with NUDGE_UPDATE=1. It would be:\n{rendered}"
    );
}
