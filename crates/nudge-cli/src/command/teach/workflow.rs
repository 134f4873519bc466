//! The folder of a workflow, the same for everybody who reads it:
//!
//! ```text
//! workflow.json            what was asked for
//! prompts.jsonl            prompts to learn from; prompts.to_rank.jsonl: those whose completions are ranked, unless it is all
//! held_out.jsonl           prompts to compare on; nothing is learnt from them
//! demonstrations.jsonl     examples to imitate; empty where the person gave none
//! candidates.jsonl         sampled completions
//! rankings.jsonl           who preferred what
//! runs/sft, reward, METHOD models and adapters, each with its run.json, its log and its model card
//! judgements.jsonl         before and after, judged; judgements.verdict.json: the count
//! report.html, report.json what came out
//! ```

use crate::args::Teach;
use crate::builtin;
use crate::command::rank::ME;
use crate::disk::{LOCK, Lock, create_folder, write_atomic};
use crate::failure::tell;
use crate::files::read_text;
use crate::input;
use crate::provenance::sha256_of;
use anyhow::{Context, Result, bail};
use nudge_data::{Prompt, write_jsonl};
use nudge_session::workflow::{Division, EXAMPLES, Prompts, check_examples, divide};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::{IsTerminal, stdin};
use std::path::PathBuf;

/// What `workflow.json` and the files beside it are like.
const VERSION: u32 = 1;
/// What the workflow of a built-in model says, and the page's: which one that is ([`builtin::release`]).
const BUILT_IN: &str = "built-in";

/// An open workflow.
pub struct Workflow {
    folder: PathBuf,
    /// Prompts that the person answers first.
    pub examples: usize,
    _lock: Lock,
}

/// What `workflow.json` says.
#[derive(Serialize, Deserialize)]
struct Asked {
    version: u32,
    /// The options, and SHA-256 of the files, by the names of their flags.
    asked: Map<String, Value>,
    /// What the page says of a workflow that was made there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<Value>,
}

#[derive(Serialize)]
struct PromptLine<'a> {
    prompt: &'a Prompt,
}

impl Workflow {
    /// Makes the folder and splits the prompts, or checks that the same is asked for as before.
    pub fn open(arguments: &Teach) -> Result<Self> {
        let folder = arguments.out.clone();
        let examples = examples(arguments)?;
        let asked = Asked { version: VERSION, asked: asked(arguments, examples)?, page: None };
        // A run that was cut off before it had split the prompts left its lock.
        let ours = ["workflow.json", LOCK].iter().any(|file| folder.join(file).exists());
        if !ours && fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
            bail!("{} is not empty and no workflow; choose another --out", folder.display());
        }
        create_folder(&folder)?;
        let workflow = Self { _lock: Lock::folder(&folder)?, folder, examples };
        if !workflow.file("workflow.json").exists() {
            workflow.fill(arguments)?;
            workflow.write(&asked)?;
        } else if let Some(page) = workflow.check(&asked)? {
            workflow.write(&Asked { page: Some(page), ..asked })?;
        }
        Ok(workflow)
    }

    fn write(&self, asked: &Asked) -> Result<()> {
        let text = format!("{}\n", serde_json::to_string_pretty(asked)?);
        write_atomic(&self.file("workflow.json"), text.as_bytes())
    }

    /// A file of it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// How many prompts' completions are ranked.
    pub fn count_to_rank(&self) -> Result<usize> {
        Ok(read_text(&self.to_rank())?.lines().count())
    }

    /// The prompts whose completions are ranked.
    pub fn to_rank(&self) -> PathBuf {
        let some = self.file("prompts.to_rank.jsonl");
        if some.exists() { some } else { self.file("prompts.jsonl") }
    }

    /// The folder of a run.
    pub fn run(&self, name: &str) -> PathBuf {
        self.folder.join("runs").join(name)
    }

    /// Refuses what was begun otherwise. Gives what the page says where it made the workflow: there nobody asked for
    /// anything, so the first command that goes on with it decides.
    fn check(&self, now: &Asked) -> Result<Option<Value>> {
        let (path, name) = (self.file("workflow.json"), self.folder.display());
        let before: Asked = serde_json::from_str(&read_text(&path)?)
            .with_context(|| format!("{} is no workflow that this Nudge reads", path.display()))?;
        if before.version != VERSION {
            bail!("{name} is a workflow of version {}, and this Nudge reads version {VERSION}", before.version);
        }
        let value = |asked: &Asked, key: &str| asked.asked.get(key).cloned().unwrap_or_default();
        let keys: BTreeSet<&String> = before.asked.keys().chain(now.asked.keys()).collect();
        let first = before.asked.is_empty();
        let built_in = match &before.page {
            Some(page) if first => page["base"].is_null().then(|| page[BUILT_IN].clone()),
            _ => (value(&before, "model") == value(now, "model")).then(|| value(&before, BUILT_IN)),
        };
        let release = value(now, BUILT_IN);
        if !release.is_null() && built_in.is_some_and(|before| before != release) {
            bail!(
                "{name} was begun with a built-in model that has been replaced since: its rankings are of the other one's \
                 completions. All that it made is still there, and a finished model of it can be taught further (nudge \
                 teach --model {name}/runs/...); begin anew with another --out"
            );
        }
        let changed: Vec<String> = keys
            .into_iter()
            .filter(|key| !first && value(&before, key) != value(now, key))
            .map(|key| format!("{key} was {} and is {}", value(&before, key), value(now, key)))
            .collect();
        if !changed.is_empty() {
            bail!(
                "{name} was begun otherwise: {}. Repeat what it was begun with, or choose another --out",
                changed.join("; ")
            );
        }
        for file in ["prompts.jsonl", "held_out.jsonl"] {
            if !self.file(file).exists() {
                bail!("{name} is not whole: it has no {file}; copy all of it, or choose another --out");
            }
        }
        Ok(before.page.filter(|_| first))
    }

    /// Whether there are examples to imitate.
    pub fn has_examples(&self) -> bool {
        fs::metadata(self.file("demonstrations.jsonl")).is_ok_and(|file| file.len() > 0)
    }

    /// 1. Prompts to learn from and prompts to compare on, each once.
    fn fill(&self, arguments: &Teach) -> Result<()> {
        let read = input::prompts(&arguments.prompts, &Default::default())?;
        let examples = arguments.demonstrations.iter().cloned().collect::<Vec<_>>();
        let examples = input::demonstrations(&examples, &Default::default())?;
        let Teach { held_out, compared, rankings, seed, .. } = *arguments;
        let division = Division { held_out, compared, shown: self.examples, ranked: rankings, seed };
        let Prompts { learn, ranked, held_out } =
            divide(read.all, &examples.all, division).with_context(|| arguments.prompts.display().to_string())?;
        if ranked.len() < rankings {
            tell(&format!("{} prompts are left to rank, not {rankings}", ranked.len()));
        }
        if !examples.all.is_empty() {
            let notes =
                check_examples(&examples.all, &held_out).map_err(|error| examples.places.locate(error.into()))?;
            notes.iter().for_each(|note| tell(note));
            write_atomic(&self.file("demonstrations.jsonl"), write_jsonl(&examples.all).as_bytes())?;
        }
        let some = (ranked != learn).then_some(("prompts.to_rank.jsonl", ranked));
        for (name, prompts) in [("prompts.jsonl", learn), ("held_out.jsonl", held_out)].into_iter().chain(some) {
            let lines: Vec<PromptLine> = prompts.iter().map(|prompt| PromptLine { prompt }).collect();
            write_atomic(&self.file(name), write_jsonl(&lines).as_bytes())?;
        }
        Ok(())
    }
}

/// How many prompts the person answers first: as asked for, as the workflow was begun, or what is usual here.
fn examples(arguments: &Teach) -> Result<usize> {
    let path = arguments.out.join("workflow.json");
    let is_person = arguments.judge_command.is_none() && arguments.labeler == ME;
    Ok(match arguments.examples {
        Some(examples) => examples,
        None if path.exists() => {
            let begun: Value = serde_json::from_str(&read_text(&path)?)
                .with_context(|| format!("{} is no workflow that this Nudge reads", path.display()))?;
            begun["asked"]["examples"].as_u64().unwrap_or_default() as usize
        }
        None if is_person && arguments.demonstrations.is_none() && stdin().is_terminal() => EXAMPLES,
        None => 0,
    })
}

/// What decides about the outcome.
fn asked(arguments: &Teach, examples: usize) -> Result<Map<String, Value>> {
    let hash = |path: &Option<PathBuf>| -> Result<Value> {
        let Some(path) = path else { return Ok(Value::Null) };
        let (_, sha256) = sha256_of(path).map_err(|error| crate::files::io_error("read", path, error))?;
        Ok(sha256.into())
    };
    let asked = json!({
        "model": arguments.model,
        "prompts": hash(&Some(arguments.prompts.clone()))?,
        "demonstrations": hash(&arguments.demonstrations)?,
        "options": hash(&arguments.options)?,
        "rankings": arguments.rankings,
        "completions": arguments.completions,
        "method": arguments.method,
        "labeler": if arguments.judge_command.is_some() { Value::Null } else { arguments.labeler.clone().into() },
        "judge-command": arguments.judge_command,
        "held-out": arguments.held_out,
        "compared": arguments.compared,
        "max-new-tokens": arguments.max_new_tokens,
        "seed": arguments.seed,
    });
    let mut asked = asked.as_object().cloned().unwrap_or_default();
    // The program may bring another model of the same name one day.
    if arguments.model.starts_with(builtin::PREFIX) {
        asked.insert(BUILT_IN.into(), builtin::release().into());
    }
    // Workflows that were begun before examples could be asked for do not name them.
    if examples > 0 {
        asked.insert("examples".into(), examples.into());
    }
    Ok(asked)
}
