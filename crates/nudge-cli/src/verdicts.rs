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
        Self::with_training(evidence, given, given, usual)
    }

    /// The same of a model that another command, `training`, has made: that is what is done again.
    pub fn with_training(evidence: &Evidence, given: &Given, training: &Given, usual: Option<Next>) -> Self {
        let findings = verdict(evidence);
        let told =
            findings.iter().filter(|finding| finding.level >= Level::Warning).find_map(|found| found.next.as_ref());
        let any = findings.iter().find_map(|finding| finding.next.as_ref());
        let next = told.or(usual.as_ref()).or(any).and_then(|next| command(next, given, training));
        Self { findings, next }
    }

    /// Says it on standard error.
    pub fn tell(&self) {
        if !self.findings.is_empty() {
            tell(&format!("\nVerdict\n{}", self.text(terminal::stderr_width())));
        }
        // Within a larger command, that says what comes next.
        if let Some(next) = self.next.as_ref().filter(|_| !Aside::is_on()) {
            tell(&format!("\nNext:\n  {next}"));
        }
    }

    /// The findings, each behind its mark, in lines that fit a terminal of so many columns.
    pub fn text(&self, width: Option<usize>) -> String {
        let width = width.map_or(WIDTH, |width| width.min(WIDTH));
        let text = |finding: &Finding| {
            let mark = match finding.level {
                Level::Good => "  good        ",
                Level::Note => "  note        ",
                Level::Warning => "  suspicious  ",
                Level::Bad => "  SPOILED     ",
            };
            let options = textwrap::Options::new(width).initial_indent(mark).subsequent_indent("              ");
            textwrap::fill(&finding.sentence, options)
        };
        self.findings.iter().map(text).collect::<Vec<_>>().join("\n")
    }

    /// Whether what came out is of no use.
    pub fn diverged(&self) -> bool {
        worst(&self.findings) == Level::Bad && self.findings.iter().any(|finding| finding.code == "diverged")
    }
}

/// The command that does what comes next; names in capitals are for the user to fill in.
fn command(next: &Next, given: &Given, training: &Given) -> Option<String> {
    let first = |flag: &str| given.flags.get(flag).and_then(|values| values.first()).map(String::as_str);
    let word = |flag: &str, otherwise: &str| quoted(first(flag).unwrap_or(otherwise));
    let start = ["model", "policy", "b"].iter().find_map(|flag| first(flag)).unwrap_or("MODEL");
    Some(match next {
        // Nobody knows how it was trained.
        Next::Again { .. } if training.command.is_empty() => return None,
        Next::Again { options } => {
            let mut again = training.clone();
            for (name, value) in options {
                let flag = name.replace('_', "-");
                match value {
                    // The default.
                    Value::Null => drop(again.flags.remove(&flag)),
                    value => drop(again.flags.insert(flag, vec![word_of(value)])),
                }
            }
            if let Some(out) = training.flags.get("out").and_then(|values| values.first()) {
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

/// The value of an option as a command line has it.
fn word_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "off".into(),
        // A rule: its numbers, behind its name where it has several forms.
        Value::Object(rule) => match (rule.get("target"), rule.get("horizon"), rule.iter().next()) {
            (Some(target), Some(horizon), _) => format!("{target}:{horizon}"),
            (_, _, Some((name, number))) => format!("{name}:{number}"),
            _ => value.to_string(),
        },
        value => value.to_string(),
    }
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

/// The run that made a model, where its folder says so.
pub fn run_of(model: &str) -> Option<RunRecord> {
    RunRecord::read(Path::new(model.rsplit('+').next()?))
}

/// What a run was given: its arguments, and the options that were flags.
pub fn given_of(run: &RunRecord) -> Given {
    let as_flag = |(name, option): (&String, &Value)| (name.replace('_', "-"), vec![word_of(&option["value"])]);
    let flags = run.options.iter().filter(|(_, option)| option["from"] == "flag").map(as_flag);
    Given { command: run.command.clone(), flags: run.arguments.clone().into_iter().chain(flags).collect() }
}

/// A summary with the findings behind its own fields.
pub fn into_json(summary: &impl Serialize, verdicts: &Verdicts) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(summary)?;
    if let (Value::Object(fields), Value::Object(more)) = (&mut value, serde_json::to_value(verdicts)?) {
        fields.extend(more);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_comparison_is_mended_by_the_training_that_it_judges() {
        let flags = |flags: &[(&str, &str)]| {
            flags.iter().map(|(flag, value)| (flag.to_string(), vec![value.to_string()])).collect()
        };
        let options = json!({
            "learning_rate": { "value": 0.5, "from": "default" },
            "missing_eos": { "value": { "replace": -1.0 }, "from": "flag" },
        });
        let run = RunRecord {
            command: "ppo".into(),
            arguments: flags(&[("out", "nowhere/ppo"), ("policy", "my model")]),
            options: options.as_object().unwrap().clone(),
            ..RunRecord::default()
        };
        let compare = Given { command: "compare".into(), flags: flags(&[("a", "nowhere/ppo")]) };
        let next = Next::Again { options: vec![("learning_rate".into(), json!(0.25))] };
        assert_eq!(
            command(&next, &compare, &given_of(&run)).unwrap(),
            "nudge ppo --learning-rate 0.25 --missing-eos replace:-1.0 --out nowhere/ppo-2 --policy 'my model'"
        );
        assert_eq!(command(&next, &compare, &Given::default()), None);
        let given = Given { command: "dpo".into(), flags: flags(&[("learning-rate", "1"), ("out", "nowhere/x")]) };
        let by_default = Next::Again { options: vec![("learning_rate".into(), Value::Null)] };
        assert_eq!(command(&by_default, &given, &given).unwrap(), "nudge dpo --out nowhere/x-2");
    }
}
