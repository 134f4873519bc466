//! The page's TypeScript types, rendered from the Rust types and compared with the committed file.
//!
//! After a change of the protocol, `NUDGE_UPDATE=1` writes `www/src/lib/protocol.ts` anew. It lives here and not
//! among the cross-crate tests because the types derive `TS` in this crate's tests only.

use std::path::Path;

use ts_rs::TS;

use crate::labeler::LabelerInfo;
use crate::options::{
    BestOfOptions, CompareOptions, DpoOptions, EvalOptions, GrpoOptions, KtoOptions, OrpoOptions, PpoStageOptions,
    PretrainOptions, ReinforceOptions, RewardOptions, RlooOptions, SampleOptions, SftOptions,
};
use crate::protocol::{
    AccuracySlice, Answer, AnswerStatistics, Calibration, Command, Evaluation, Event, Judge, Metrics, Preference,
    Stage, Verdict,
};

const HEADER: &str = "\
// The contract with the trainer: commands in, events out, as JSON.
//
// Generated from `crates/nudge-session/src/{protocol,options}/`; a test of that crate compares, and writes this
// file with NUDGE_UPDATE=1. Do not edit. Model files travel beside the JSON. What each field means stands there.
";

/// All types, in the order of reading.
fn rendered() -> String {
    let metrics = format!("type Metrics = {};", Metrics::inline());
    let prompt = "type Prompt = string | { role: string, content: string }[];".to_string();
    let types = [
        metrics,
        prompt,
        PretrainOptions::decl(),
        SftOptions::decl(),
        SampleOptions::decl(),
        RewardOptions::decl(),
        PpoStageOptions::decl(),
        GrpoOptions::decl(),
        RlooOptions::decl(),
        ReinforceOptions::decl(),
        DpoOptions::decl(),
        KtoOptions::decl(),
        OrpoOptions::decl(),
        BestOfOptions::decl(),
        CompareOptions::decl(),
        EvalOptions::decl(),
        Judge::decl(),
        Command::decl(),
        Preference::decl(),
        Stage::decl(),
        Answer::decl(),
        AnswerStatistics::decl(),
        Verdict::decl(),
        Evaluation::decl(),
        AccuracySlice::decl(),
        Calibration::decl(),
        Event::decl(),
        LabelerInfo::decl(),
    ];
    let named = |declaration: &str| declaration.replace(&format!(": {}", Metrics::inline()), ": Metrics");
    types.iter().fold(HEADER.to_string(), |text, one| text + "\nexport " + &laid_out(&named(one)) + "\n")
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
    let code = ["command", "event", "judge"]
        .iter()
        .fold(code, |code, tag| code.replace(&format!("\"{tag}\":"), &format!("{tag}:")));
    let code = code.replace('"', "'");
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
