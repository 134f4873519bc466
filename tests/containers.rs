//! Models in other containers than one safetensors file: what opens computes the same, what cannot be opened is named.

use std::collections::BTreeMap;

use nudge_model::container::Encoding;
use nudge_session::export::{to_folder, to_gguf};
use nudge_session::folder::Folder;
use nudge_session::{Files, Session};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};

use crate::support::{empty_session, reward_model, sft};

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

fn folder(files: &Files) -> Folder {
    Folder::open("mine", files).expect("the model is whole")
}

/// What opening says of files that cannot be used.
fn refusal(files: &Files) -> String {
    let mut session: Session = empty_session();
    session.put_model("mine", files.clone()).expect_err("is refused").to_string()
}

/// The numbers of all tensors by name.
fn numbers(files: &Files) -> BTreeMap<String, Vec<f32>> {
    let tensors = folder(files).tensors;
    tensors.names().map(|name| (name.to_string(), tensors.stored(name).expect("is whole").numbers())).collect()
}

#[test]
fn a_model_goes_through_gguf_with_its_tokenizer_and_back_into_a_folder() {
    let before = folder(sft());
    let gguf = to_gguf(&before, "tiny.gguf", Encoding::F32).expect("a Llama can be written");
    assert!(gguf["Modelfile"].starts_with(b"FROM ./tiny.gguf\nPARAMETER stop \"<|endoftext|>\"\n"));
    let mut session = empty_session();
    let info = session.put_model("tiny", gguf.clone()).expect("opens");
    assert!(info.chat && info.note.is_none());
    assert_eq!(numbers(&gguf), numbers(sft()));
    let after = folder(&gguf);
    assert_eq!(after.config, before.config);
    let prompt =
        |folder: &Folder| folder.tokenizer.encode_demonstration(&"Tell a story.".into(), "Once.").expect("encodes");
    assert_eq!(prompt(&after), prompt(&before));
    assert_eq!(after.tokenizer.end_ids(), before.tokenizer.end_ids());
    let merged = to_folder(&after, nudge_model::Precision::F32).expect("can be written");
    assert_eq!(numbers(&merged), numbers(sft()));
    let config: Value = serde_json::from_slice(&merged["config.json"]).expect("JSON");
    assert_eq!((&config["torch_dtype"], &config["model_type"]), (&json!("float32"), &json!("llama")));
}

/// A GGUF of the browser's tests, and the same in three files as `reference/split_gguf.py` writes them.
fn whole_and_split() -> (Files, Files) {
    let whole = include_bytes!("browser/fixtures/tiny.gguf");
    let split: [(&str, &[u8]); 3] = [
        ("tiny-00001-of-00003.gguf", include_bytes!("reference/split/tiny-00001-of-00003.gguf")),
        ("tiny-00002-of-00003.gguf", include_bytes!("reference/split/tiny-00002-of-00003.gguf")),
        ("tiny-00003-of-00003.gguf", include_bytes!("reference/split/tiny-00003-of-00003.gguf")),
    ];
    let split = split.into_iter().map(|(name, bytes)| (name.to_string(), bytes.into()));
    (Files::from([("tiny.gguf".to_string(), whole.as_slice().into())]), split.collect())
}

#[test]
fn a_gguf_in_several_files_is_the_model_in_one() {
    let (whole, split) = whole_and_split();
    assert_eq!(numbers(&split), numbers(&whole));
    let (one, other) = (folder(&split), folder(&whole));
    assert_eq!(one.config, other.config);
    assert_eq!(one.tokenizer.end_ids(), other.tokenizer.end_ids());
    // A reader may have given the files names of their own.
    let renamed = split.into_values().zip(["c.gguf", "a.gguf", "b.gguf"]);
    assert_eq!(numbers(&renamed.map(|(bytes, name)| (name.to_string(), bytes)).collect()), numbers(&whole));
}

#[test]
fn parts_of_a_gguf_that_do_not_fit_together_are_named() {
    let (whole, split) = whole_and_split();
    let refused = |change: &dyn Fn(&mut Files), parts: &[&str]| {
        let mut files = split.clone();
        change(&mut files);
        let message = refusal(&files);
        parts.iter().for_each(|part| assert!(message.contains(part), "`{part}` is not in: {message}"));
    };
    let second = "tiny-00002-of-00003.gguf";
    let put = |files: &mut Files, name: &str, bytes: Vec<u8>| drop(files.insert(name.into(), bytes.into()));
    refused(&|files| drop(files.remove(second)), &["split.count", second, "is not there", "all files of the model"]);
    refused(&|files| files.retain(|name, _| name.contains("00003-of")), &["tiny-00001-of-00003.gguf is not there"]);
    refused(&|files| put(files, "copy.gguf", split[second].to_vec()), &["split.no", "copy.gguf", second, "once"]);
    let renamed = |files: &mut Files| {
        let bytes = files.remove(second).expect("it is there");
        files.insert("other-00002-of-00003.gguf".into(), bytes);
    };
    refused(&renamed, &["`tiny`", "`other`", "different models"]);
    refused(&|files| files.extend(whole.clone()), &["tiny.gguf", "1 of 1", "1 of 3", "different models"]);
    refused(&|files| put(files, second, split[second][..9000].to_vec()), &[second, "truncated"]);
    // The number of all tensors in the first file, a little less than there are.
    let miscounted = |files: &mut Files| {
        let first = "tiny-00001-of-00003.gguf";
        let mut bytes = split[first].to_vec();
        let key = b"split.tensors.count";
        let at = bytes.windows(key.len()).position(|window| window == key).expect("it is there") + key.len() + 4;
        bytes[at] -= 1;
        put(files, first, bytes);
    };
    refused(&miscounted, &["split.tensors.count", "is 19", "hold 20"]);
    let two = Files::from([("a.gguf".to_string(), whole["tiny.gguf"].clone()), whole.into_iter().next().expect("one")]);
    assert!(refusal(&two).contains("open one model at a time"), "{}", refusal(&two));
}

#[test]
fn a_reward_model_has_no_place_in_a_gguf() {
    let error = to_gguf(&folder(reward_model()), "tiny.gguf", Encoding::F16).expect_err("is refused").to_string();
    assert!(error.contains("head of one number") && error.contains("folder"), "{error}");
}

#[test]
fn a_model_without_a_template_says_what_is_used_instead() {
    let mut files = sft().clone();
    let mut config: Value = serde_json::from_slice(&files["tokenizer_config.json"]).expect("JSON");
    config.as_object_mut().expect("an object").remove("chat_template");
    files.insert("tokenizer_config.json".into(), config.to_string().into());
    let note = empty_session().put_model("mine", files).expect("opens").note.expect("a note");
    assert!(note.contains("no chat template") && note.contains("plain text"), "{note}");
}

/// The tuned model with its tensors in two files, the first of which also holds `also`.
fn sharded(also: Option<&str>) -> Files {
    let mut files = sft().clone();
    let weights = files.remove(WEIGHTS).expect("weights");
    let file = SafeTensors::deserialize(&weights).expect("whole weights");
    let names: Vec<String> = file.names().into_iter().map(String::from).collect();
    let (first, second) = names.split_at(names.len() / 2);
    let mut map = BTreeMap::new();
    for (shard, names) in [("one.safetensors", first), ("two.safetensors", second)] {
        let also = also.filter(|_| shard.starts_with("one") && !first.iter().any(|name| Some(name.as_str()) == also));
        let held = names.iter().map(String::as_str).chain(also);
        let views = held.map(|name| {
            let view = file.tensor(name).expect("the tensor");
            (name, TensorView::new(Dtype::F32, view.shape().to_vec(), view.data()).expect("fits"))
        });
        files.insert(shard.into(), safetensors::serialize(views, None).expect("can be written").into());
        map.extend(names.iter().map(|name| (name.clone(), shard)));
    }
    files.insert(INDEX.into(), json!({"metadata": {}, "weight_map": map}).to_string().into());
    files
}

#[test]
fn shards_are_one_model_and_each_that_is_missing_or_doubled_is_named() {
    assert_eq!(numbers(&sharded(None)), numbers(sft()));
    let mut files = sharded(None);
    files.remove("two.safetensors");
    let message = refusal(&files);
    assert!(message.contains(INDEX) && message.contains("`two.safetensors`"), "{message}");
    let names = folder(sft()).tensors.names().map(String::from).collect::<Vec<_>>();
    let twice = names.iter().find_map(|name| {
        let files = sharded(Some(name));
        Folder::open("mine", &files).err().map(|error| (name, error.to_string()))
    });
    let (name, message) = twice.expect("one of them is in the second");
    assert!(message.contains(name.as_str()) && message.contains("both in"), "{message}");
    let mut files = sharded(None);
    files.insert(INDEX.into(), json!({"weight_map": {"a": "../secret"}}).to_string().into());
    assert!(refusal(&files).contains("not the name of a file beside it"));
    files.insert(INDEX.into(), b"{}".as_slice().into());
    assert!(refusal(&files).contains(INDEX));
}

#[test]
fn a_pointer_of_git_lfs_is_called_one() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    for file in [WEIGHTS, "tokenizer.json"] {
        let mut files = sft().clone();
        files.insert(file.into(), pointer.into());
        let message = refusal(&files);
        assert!(message.contains(file) && message.contains("git lfs pull"), "{message}");
    }
    let message = refusal(&Files::from([("model.gguf".to_string(), pointer.into())]));
    assert!(message.contains("model.gguf") && message.contains("Git-LFS pointer"), "{message}");
}

#[test]
fn a_configuration_that_asks_for_billions_is_refused_before_anything_is_made() {
    let fields =
        ["hidden_size", "vocab_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "head_dim"];
    for field in fields {
        for size in [1_000_000_000u64, u64::MAX >> 1] {
            let mut files = sft().clone();
            let mut config: Value = serde_json::from_slice(&files["config.json"]).expect("JSON");
            config[field] = size.into();
            files.insert("config.json".into(), config.to_string().into());
            let message = refusal(&files);
            assert!(message.contains("config.json"), "{field} {size}: {message}");
        }
    }
}
