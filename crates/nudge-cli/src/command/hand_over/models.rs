//! The models of a run that is handed over, and where its data lie.

use super::rows::Kind;
use crate::args::HandOver;
use crate::builtin;
use crate::disk::{create_folder, write_atomic};
use crate::files::read_text;
use crate::hub;
use crate::model_files::{has_weights, read_model};
use crate::runner::quoted;
use anyhow::{Context, Result, bail};
use nudge_model::Precision;
use nudge_session::export::to_folder;
use nudge_session::finetuning::FinetuningOptions;
use nudge_session::folder::{ADAPTER_CONFIG, Folder};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What a run is made of.
pub struct Material {
    policy: String,
    reward: Option<String>,
    pub comparisons: Vec<PathBuf>,
    /// Where the method samples.
    pub prompts: Option<PathBuf>,
    /// What the method learns from.
    pub kind: Kind,
}

impl Material {
    /// What is given, or what the workflow holds.
    ///
    /// # Errors
    /// If something that the method learns from is missing.
    pub fn of(arguments: &HandOver, kind: Kind) -> Result<Self> {
        let samples = kind == Kind::Prompts;
        let mut all = match &arguments.workflow {
            Some(folder) => Self::of_workflow(folder)?,
            None => Self {
                policy: String::new(),
                reward: None,
                comparisons: arguments.comparisons.clone(),
                prompts: arguments.prompts.clone(),
                kind,
            },
        };
        all.kind = kind;
        all.reward = arguments.reward.clone().or(all.reward).filter(|_| samples);
        if let Some(policy) = &arguments.policy {
            all.policy = policy.clone();
        }
        all.prompts = all.prompts.filter(|_| samples);
        let method = &arguments.method;
        if samples && (all.prompts.is_none() || all.reward.is_none()) {
            bail!("{method} samples and is told how good that is: give --prompts FILE and --reward M");
        }
        if !samples && all.comparisons.is_empty() {
            bail!("{method} learns from rankings: give --comparisons FILE");
        }
        Ok(all)
    }

    fn of_workflow(folder: &Path) -> Result<Self> {
        let file = folder.join("workflow.json");
        let asked: Value = serde_json::from_str(&read_text(&file)?).with_context(|| file.display().to_string())?;
        let Some(policy) = asked["asked"]["model"].as_str().map(String::from) else {
            bail!("{} does not say which model was taught; give it as --policy M", file.display());
        };
        let there = |name: &str| Some(folder.join(name)).filter(|path| path.exists());
        let Some(rankings) = there("rankings.jsonl") else {
            bail!("{} has no rankings yet; go on with nudge teach", folder.display());
        };
        let reward = there("runs/reward").map(|path| path.display().to_string());
        Ok(Self { policy, reward, comparisons: vec![rankings], prompts: there("prompts.jsonl"), kind: Kind::Pairs })
    }

    /// Whether adapters are trained of the policy where nobody says what trains. A hub's model is not fetched to be asked.
    ///
    /// # Errors
    /// If the policy cannot be read.
    pub fn is_large_or_adapted(&self) -> Result<bool> {
        if self.policy.starts_with(hub::PREFIX) {
            return Ok(true);
        }
        let folder = Folder::open(&self.policy, &read_model(&self.policy)?)?;
        Ok(FinetuningOptions::default().adapts(&folder.config, folder.has_adapter()))
    }

    /// Refuses models whose place a shell would not take literally without quotes.
    ///
    /// # Errors
    /// Names the first such place.
    pub fn check_plain_names(&self) -> Result<()> {
        for model in std::iter::once(&self.policy).chain(&self.reward) {
            if let Some(place) = as_it_is(model)?.filter(|place| quoted(place) != *place) {
                bail!(
                    "{place} has characters that a shell reads as more than a name, and Ray passes the command through \
                     a second shell; rename the folder, or move it"
                );
            }
        }
        Ok(())
    }

    /// Writes what transformers cannot open into `out`; gives where the models are by the variables of `launch.sh`.
    ///
    /// # Errors
    /// If a model cannot be read or written.
    pub fn write_models(&self, out: &Path) -> Result<Vec<(&'static str, String)>> {
        let mut places = vec![("POLICY", place(&self.policy, out, "policy")?)];
        if let Some(reward) = &self.reward {
            places.push(("REWARD", place(reward, out, "reward")?));
        }
        Ok(places)
    }
}

/// Where transformers finds the model as it is: under a hub's name, or in its own folder.
fn as_it_is(model: &str) -> Result<Option<String>> {
    if let Some(repo) = model.strip_prefix(hub::PREFIX).filter(|model| !model.contains('+')).and_then(hub::repo_of) {
        return Ok(Some(repo));
    }
    let folder = Path::new(model);
    if !model.starts_with(builtin::PREFIX) && has_weights(folder) && !folder.join(ADAPTER_CONFIG).exists() {
        let whole = folder.canonicalize().with_context(|| model.to_string())?;
        return Ok(Some(whole.display().to_string()));
    }
    Ok(None)
}

/// The same, or a copy with everything merged in `out/name`.
fn place(model: &str, out: &Path, name: &str) -> Result<String> {
    if let Some(place) = as_it_is(model)? {
        return Ok(place);
    }
    let opened = Folder::open(model, &read_model(model)?)?;
    create_folder(&out.join(name))?;
    for (file, bytes) in &to_folder(&opened, Precision::BF16)? {
        write_atomic(&out.join(name).join(file), bytes)?;
    }
    Ok(name.into())
}
