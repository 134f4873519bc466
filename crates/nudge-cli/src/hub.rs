//! Models by their name on a hub: `hub:OWNER/NAME`, `hub:OWNER/NAME@REVISION`, `hub:OWNER/NAME/FILE.gguf`.
//!
//! They lie in the cache that Hugging Face's own tools use, so that nothing is fetched twice: `HF_HOME` says where it is,
//! `HF_ENDPOINT` which hub is asked, and a token that was stored there is sent. All files are of one commit. A download
//! that was cut short goes on where it stopped; where the hub cannot be reached, the copy in the cache is taken.

use crate::failure::tell;
use crate::model_files::MODEL_FILES;
use anyhow::{Context, Result, anyhow, bail};
use hf_hub::api::RepoInfo;
use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};
use nudge_model::container::gguf::parts_of;
use nudge_session::folder::{ADAPTER_WEIGHTS, INDEX, WEIGHTS, shards_of};
use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What the name of a model on a hub starts with.
pub const PREFIX: &str = "hub:";

/// How often a download that breaks off is tried again before the command ends.
const RETRIES: usize = 3;

const NAMES: &str = "a model on a hub is named hub:OWNER/NAME, hub:OWNER/NAME@REVISION or hub:OWNER/NAME/FILE.gguf";

/// What a name asks for.
#[derive(Debug, PartialEq)]
struct Wanted {
    /// `OWNER/NAME`.
    repo: String,
    revision: String,
    /// One file, where it is named.
    file: Option<String>,
}

impl Wanted {
    /// From a name behind its prefix.
    fn parse(whole: &str) -> Result<Self> {
        let mut parts = whole.splitn(3, '/');
        let (owner, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (name, revision) = name.split_once('@').unwrap_or((name, "main"));
        let is_plain = |part: &str| {
            !part.is_empty() && !part.starts_with('.') && part.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
        };
        let file = parts.next().map(String::from);
        let leaves = file.as_deref().is_some_and(|file| file.split('/').any(|part| part.is_empty() || part == ".."));
        if ![owner, name, revision].into_iter().all(is_plain) || leaves {
            bail!("`{PREFIX}{whole}` names no model; {NAMES}");
        }
        Ok(Self { repo: format!("{owner}/{name}"), revision: revision.into(), file })
    }

    fn at(&self, revision: &str) -> Repo {
        Repo::with_revision(self.repo.clone(), RepoType::Model, revision.into())
    }
}

/// `OWNER/NAME` of what stands behind the prefix.
pub fn repo_of(name: &str) -> Option<String> {
    Wanted::parse(name).ok().map(|wanted| wanted.repo)
}

/// Where the model that `name` stands for lies on this disk: a folder, or a `.gguf`. It is fetched if it is not there. A
/// command asks the hub about a name once.
///
/// # Errors
/// If the name is none, or the hub has no such model, wants a token for it, or cannot be reached before the model is here.
pub fn fetch(name: &str) -> Result<PathBuf> {
    static FETCHED: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut fetched = FETCHED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = fetched.get(name) {
        return Ok(place.clone());
    }
    let place = ask(name)?;
    fetched.insert(name.into(), place.clone());
    Ok(place)
}

/// The same from the hub, or from what it gave before.
fn ask(name: &str) -> Result<PathBuf> {
    let wanted = Wanted::parse(name.strip_prefix(PREFIX).unwrap_or(name))?;
    let api = ApiBuilder::from_env().with_retries(RETRIES).with_progress(stderr().is_terminal()).build();
    let api = api.context("the hub cannot be asked")?;
    let cache = Cache::from_env();
    let commit = match api.repo(wanted.at(&wanted.revision)).info() {
        Ok(info) => {
            fetch_files(&api, &wanted, &info)?;
            cache
                .repo(wanted.at(&wanted.revision))
                .create_ref(&info.sha)
                .context("the hub's cache cannot be written")?;
            info.sha
        }
        Err(error) => {
            let known = cache.path().join(wanted.at("").folder_name()).join("refs").join(&wanted.revision);
            let commit = fs::read_to_string(known).map_err(|_| {
                anyhow!(error).context(format!(
                    "the hub gives no model {} at {}: look at the name, at the network, and whether it wants a token \
                     (HF_TOKEN, or `hf auth login`)",
                    wanted.repo, wanted.revision
                ))
            })?;
            tell(&format!("the hub was not reached: taking {} as it was fetched before", wanted.repo));
            commit
        }
    };
    let folder = cache.repo(wanted.at(&commit)).pointer_path(commit.trim());
    Ok(wanted.file.map_or(folder.clone(), |file| folder.join(file)))
}

/// Fetches the files of a model that are not in the cache.
fn fetch_files(api: &Api, wanted: &Wanted, info: &RepoInfo) -> Result<()> {
    let repo = api.repo(wanted.at(&info.sha));
    let get = |file: &str| {
        if !stderr().is_terminal() {
            tell(&format!("{}: {file}", wanted.repo));
        }
        repo.get(file).with_context(|| {
            format!("{file} of {} cannot be fetched; the same command goes on where it stopped", wanted.repo)
        })
    };
    let files = files_of(wanted, info)?;
    for file in &files {
        let path = get(file)?;
        if file == INDEX {
            let index = fs::read(&path).with_context(|| path.display().to_string())?;
            for shard in shards_of(INDEX, &index)? {
                get(&shard)?;
            }
        }
    }
    Ok(())
}

/// Which files of a repository make up the model.
fn files_of(wanted: &Wanted, info: &RepoInfo) -> Result<Vec<String>> {
    let there: Vec<&str> = info.siblings.iter().map(|file| file.rfilename.as_str()).collect();
    let ggufs: Vec<&str> = there.iter().copied().filter(|file| file.ends_with(".gguf")).collect();
    if let Some(file) = &wanted.file {
        return match there.contains(&file.as_str()) {
            // Of a model in several files, all that are there; which are missing says whoever opens it.
            true => Ok(parts_of(file).map_or(vec![file.clone()], |mut parts| {
                parts.retain(|part| there.contains(&part.as_str()));
                parts
            })),
            false => bail!("{} has no file {file}; it has {}", wanted.repo, there.join(", ")),
        };
    }
    let whole = there.contains(&WEIGHTS);
    let model = MODEL_FILES.into_iter().chain((!whole).then_some(INDEX)).filter(|file| there.contains(file));
    let files: Vec<String> = model.map(String::from).collect();
    if [WEIGHTS, INDEX, ADAPTER_WEIGHTS].iter().any(|weights| files.iter().any(|file| file == weights)) {
        return Ok(files);
    }
    match ggufs.as_slice() {
        [] => bail!("{} holds no weights that Nudge reads: neither {WEIGHTS}, {INDEX} nor a .gguf", wanted.repo),
        ggufs => bail!(
            "{} has GGUF files; name one of them: {PREFIX}{}/{} (it has {})",
            wanted.repo,
            wanted.repo,
            ggufs[0],
            ggufs.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hf_hub::api::Siblings;

    fn parsed(name: &str) -> Option<(String, String, Option<String>)> {
        Wanted::parse(name).ok().map(|wanted| (wanted.repo, wanted.revision, wanted.file))
    }

    #[test]
    fn names_are_owner_name_revision_and_file() {
        let whole = |repo: &str, revision: &str, file: Option<&str>| {
            Some((repo.into(), revision.into(), file.map(String::from)))
        };
        assert_eq!(parsed("a/b-1.5"), whole("a/b-1.5", "main", None));
        assert_eq!(parsed("a/b@v2"), whole("a/b", "v2", None));
        assert_eq!(parsed("a/b/sub/m.gguf"), whole("a/b", "main", Some("sub/m.gguf")));
        for wrong in ["", "a", "a/", "/b", "a/b@", "../b", "a/..", "a/b/", "a/b/../../c", "a b/c", "a/b@../x"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_model_is_its_weights_and_what_describes_them() {
        let files = |there: &[&str]| {
            let siblings = there.iter().map(|file| Siblings { rfilename: (*file).into() }).collect();
            let info = RepoInfo { siblings, sha: "1".into() };
            files_of(&Wanted::parse("a/b").unwrap(), &info).map_err(|error| error.to_string())
        };
        let of_several = Wanted::parse("a/b/m-00001-of-00002.gguf").unwrap();
        let siblings = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "m.gguf"];
        let siblings = siblings.map(|name| Siblings { rfilename: name.into() }).to_vec();
        let found = files_of(&of_several, &RepoInfo { siblings, sha: "1".into() }).unwrap();
        assert_eq!(found, ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]);
        let plain = ["README.md", "config.json", "model.safetensors", "onnx/model.onnx", "tokenizer.json"];
        assert_eq!(files(&plain).unwrap(), ["config.json", "tokenizer.json", "model.safetensors"]);
        let sharded = ["config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"];
        assert_eq!(files(&sharded).unwrap(), ["config.json", "model.safetensors.index.json"]);
        assert_eq!(files(&["adapter_config.json", "adapter_model.safetensors"]).unwrap().len(), 2);
        assert!(files(&["m.Q4_K_M.gguf", "m.Q8_0.gguf"]).unwrap_err().contains("hub:a/b/m.Q4_K_M.gguf"));
        assert!(files(&["config.json", "pytorch_model.bin"]).unwrap_err().contains("no weights"));
    }
}
