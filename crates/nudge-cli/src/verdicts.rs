//! Verdicts in the terminal: what the session's rules found, in sentences on standard error, and the next command.

use crate::failure::tell;
use crate::provenance::{Given, RunRecord, model_sha256};
use crate::report::Aside;
use crate::runner::quoted;
use crate::terminal;
use nudge_session::verdict::{Evidence, Finding, JudgeTie, Level, Next, verdict, worst};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Columns of a sentence.
const WIDTH: usize = 80;

/// What the rules found, and what to type next.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Verdicts {
    /// The gravest first.
    pub findings: Vec<Finding>,
    /// A command to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Verdicts {
    /// Judges; `usual` is what to do next where no finding says otherwise.
    pub fn new(evidence: &Evidence, given: &Given, usual: Option<Next>) -> Self {
        let findings = verdict(evidence);
        let told =
            findings.iter().filter(|finding| finding.level >= Level::Warning).find_map(|found| found.next.as_ref());
        let any = findings.iter().find_map(|finding| finding.next.as_ref());
        let next = told.or(usual.as_ref()).or(any).and_then(|next| command(next, given));
        Self { findings, next }
    }

    /// Says it on standard error.
    pub fn tell(&self) {
        if !self.findings.is_empty() {
            tell("\nVerdict");
        }
        let width = terminal::stderr_width().map_or(WIDTH, |width| width.min(WIDTH));
        for finding in &self.findings {
            let mark = match finding.level {
                Level::Good => "  good        ",
                Level::Note => "  note        ",
                Level::Warning => "  suspicious  ",
                Level::Bad => "  SPOILED     ",
            };
            let options = textwrap::Options::new(width).initial_indent(mark).subsequent_indent("              ");
            tell(&textwrap::fill(&finding.sentence, options));
        }
        // Within a larger command, that says what comes next.
        if let Some(next) = self.next.as_ref().filter(|_| !Aside::is_on()) {
            tell(&format!("\nNext:\n  {next}"));
        }
    }

    /// Whether what came out is of no use.
    pub fn diverged(&self) -> bool {
        worst(&self.findings) == Level::Bad && self.findings.iter().any(|finding| finding.code == "diverged")
    }
}

/// The command that does what comes next; names in capitals are for the user to fill in.
fn command(next: &Next, given: &Given) -> Option<String> {
    let first = |flag: &str| given.flags.get(flag).and_then(|values| values.first()).map(String::as_str);
    let word = |flag: &str, otherwise: &str| quoted(first(flag).unwrap_or(otherwise));
    let start = ["model", "policy", "b"].iter().find_map(|flag| first(flag)).unwrap_or("MODEL");
    Some(match next {
        Next::Again { options } => {
            let mut again = given.clone();
            for (name, value) in options {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_string);
                again.flags.insert(name.replace('_', "-"), vec![value]);
            }
            if let Some(out) = first("out") {
                again.flags.insert("out".into(), vec![free_name(out)]);
            }
            words_of(&again)
        }
        Next::RankMore => format!(
            "nudge sample --model {} --prompts MORE.jsonl --k 4 --out more.jsonl\n  \
             nudge rank --candidates more.jsonl --out more-rankings.jsonl",
            quoted(start)
        ),
        Next::Agreement => {
            let files = given.flags.get("comparisons").cloned().unwrap_or_else(|| vec!["RANKINGS.jsonl".into()]);
            let files: Vec<String> = files.iter().map(|file| quoted(file)).collect();
            format!("nudge agreement --rankings {}", files.join(" "))
        }
        Next::Compare => format!(
            "nudge compare --a {} --b {} --prompts HELD_OUT.jsonl --labeler me --pairs judged.jsonl",
            word("out", "TUNED"),
            quoted(start)
        ),
        Next::JudgeYourself => {
            let mut again = given.clone();
            ["reward", "labeler", "judge-command", "pairs", "json", "report"]
                .iter()
                .for_each(|flag| drop(again.flags.remove(*flag)));
            again.flags.insert("labeler".into(), vec!["me".into()]);
            let pairs = "judged.jsonl".to_string();
            let pairs = if Path::new(&pairs).exists() { free_name(&pairs) } else { pairs };
            again.flags.insert("pairs".into(), vec![pairs]);
            again.command = "compare".into();
            words_of(&again)
        }
        Next::Calibrate => format!("nudge calibrate --reward {} --comparisons HELD_OUT.jsonl", word("out", "REWARD")),
        Next::Tune => format!(
            "nudge ppo --policy {} --reward {} --prompts PROMPTS.jsonl --out tuned",
            quoted(start),
            word("out", first("reward").unwrap_or("REWARD"))
        ),
        Next::MorePairs { pairs_per_prompt } => {
            let mut again = given.clone();
            again.flags.insert("pairs-per-prompt".into(), vec![pairs_per_prompt.to_string()]);
            if let Some(pairs) = first("pairs") {
                again.flags.insert("pairs".into(), vec![free_name(pairs)]);
            }
            words_of(&again)
        }
    })
}

/// A command line; what was forced or resumed is begun anew.
fn words_of(given: &Given) -> String {
    let mut words = vec!["nudge".to_string(), given.command.clone()];
    for (flag, values) in given.flags.iter().filter(|(flag, _)| !["force", "resume", "json"].contains(&flag.as_str())) {
        words.push(format!("--{flag}"));
        words.extend(values.iter().map(|value| quoted(value)));
    }
    words.join(" ")
}

/// The name with a number behind it that nothing bears yet.
fn free_name(name: &str) -> String {
    let path = Path::new(name);
    let extension = path.extension().map_or(String::new(), |extension| format!(".{}", extension.to_string_lossy()));
    let stem = name.strip_suffix(&extension).unwrap_or(name).trim_end_matches('/');
    let numbered = |number: usize| format!("{stem}-{number}{extension}");
    (2..).map(numbered).find(|name| !Path::new(name).exists()).unwrap_or_else(|| numbered(2))
}

/// What a reward model that judges has to do with the training of the model `tuned`.
pub fn judge_tie(tuned: &str, judge: &str) -> JudgeTie {
    let folder_of = |name: &str| Path::new(name.rsplit('+').next().unwrap_or(name)).to_path_buf();
    let (Some(run), sha256) = (RunRecord::read(&folder_of(tuned)), model_sha256(judge).unwrap_or_default()) else {
        return JudgeTie::UnknownRewardModel;
    };
    if run.models_of("reward").any(|model| model == sha256) {
        return JudgeTie::TrainedAgainst;
    }
    let learnt = RunRecord::read(&folder_of(judge)).unwrap_or_default();
    match run.data_of("comparisons").any(|file| learnt.data_of("comparisons").any(|other| other == file)) {
        true => JudgeTie::SameRankings,
        false => JudgeTie::UnknownRewardModel,
    }
}

/// The method that tuned a model, where its folder says so.
pub fn method_of(tuned: &str) -> Option<String> {
    let folder = Path::new(tuned.rsplit('+').next()?).to_path_buf();
    Some(RunRecord::read(&folder)?.command.replace('-', "_"))
}

/// A summary with the findings behind its own fields.
pub fn into_json(summary: &impl Serialize, verdicts: &Verdicts) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(summary)?;
    if let (Value::Object(fields), Value::Object(more)) = (&mut value, serde_json::to_value(verdicts)?) {
        fields.extend(more);
    }
    Ok(value)
}
