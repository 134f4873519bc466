//! What a model had and keeps when it is tuned: its special tokens, its template, its settings of generation, and what
//! its configuration says beside its shape.
//!
//! A stage writes what it knows. Here the small files of the model that it began with come back around that.

use super::open::{Opened, Vocabulary};
use super::{CHAT_TEMPLATE, CONFIG, GENERATION_CONFIG, TOKENIZER, TOKENIZER_CONFIG};
use crate::protocol::Files;
use crate::words::{WORDS, Words};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The small files of a model, as they came.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    config: Map<String, Value>,
    /// `tokenizer.json`, where there is one.
    tokenizer: Option<Bytes>,
    tokenizer_config: Map<String, Value>,
    template: Option<Bytes>,
    generation: Map<String, Value>,
    words: Option<Bytes>,
}

/// Ids that a model gives the roles of special tokens.
const ROLES: [&str; 3] = ["bos_token_id", "eos_token_id", "pad_token_id"];

impl Origin {
    /// The words that the model's corpus has, where it says so.
    pub fn words(&self) -> Option<Words> {
        self.words.as_ref().map(|words| Words::of(&String::from_utf8_lossy(words)))
    }

    /// Puts back what the model came with, where a stage has written its own.
    pub fn restore(&self, files: &mut Files) {
        rewrite(files, CONFIG, |config| {
            config.retain(|field, _| !ROLES.contains(&field.as_str()) || !self.config.contains_key(field));
            add_missing(config, &self.config);
        });
        rewrite(files, GENERATION_CONFIG, |own| {
            let ends = [&self.generation, &*own].into_iter().flat_map(|fields| ids(&fields["eos_token_id"]));
            let ends =
                ends.fold(Vec::new(), |ends, id| if ends.contains(&id) { ends } else { [ends, vec![id]].concat() });
            if !self.generation.is_empty() {
                *own = self.generation.clone();
                let ends = if let [only] = ends[..] { json!(only) } else { json!(ends) };
                own.insert("eos_token_id".into(), ends);
            }
        });
        if files.contains_key(TOKENIZER) {
            files.extend(self.tokenizer.clone().map(|tokenizer| (TOKENIZER.to_string(), tokenizer)));
            files.extend(self.words.clone().map(|words| (WORDS.to_string(), words)));
        }
        rewrite(files, TOKENIZER_CONFIG, |own| {
            let mut kept = self.tokenizer_config.clone();
            // A template that the stage added is the model's from now on; one that has a file stays there.
            if self.template.is_none() {
                add_missing(&mut kept, own);
            }
            *own = kept;
        });
        if let Some(template) = self.template.clone().filter(|_| files.contains_key(TOKENIZER_CONFIG)) {
            files.insert(CHAT_TEMPLATE.into(), template);
        }
    }
}

impl From<Opened> for Origin {
    fn from(opened: Opened) -> Self {
        let fields =
            |bytes: Option<&Bytes>| bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        Self {
            config: fields(Some(&opened.config)),
            tokenizer_config: fields(opened.tokenizer_config.as_ref()),
            generation: fields(opened.generation.as_ref()),
            words: opened.words,
            tokenizer: match opened.tokenizer {
                Vocabulary::File(json) => Some(json),
                Vocabulary::Lists(_) => None,
            },
            template: opened.template,
        }
    }
}

/// Changes the fields of a JSON file, if it is there.
pub(super) fn rewrite(files: &mut Files, file: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let fields = files.get(file).and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(bytes).ok());
    if let Some(mut fields) = fields {
        change(&mut fields);
        let mut bytes = serde_json::to_vec_pretty(&fields).unwrap_or_default();
        bytes.push(b'\n');
        files.insert(file.into(), bytes.into());
    }
}

fn add_missing(fields: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (field, value) in more {
        fields.entry(field).or_insert_with(|| value.clone());
    }
}

/// An id, or a list of such.
fn ids(value: &Value) -> Vec<u64> {
    let listed = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    listed.iter().filter_map(Value::as_u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(of: &[(&str, Value)]) -> Files {
        of.iter().map(|(name, value)| (name.to_string(), value.to_string().into_bytes().into())).collect()
    }

    fn read(files: &Files, file: &str) -> Value {
        serde_json::from_slice(&files[file]).unwrap()
    }

    fn origin(template: Option<&'static [u8]>) -> Origin {
        Origin::from(Opened {
            config: json!({"hidden_size": 8, "bos_token_id": 1, "eos_token_id": [2, 3], "rope_scaling": {"a": 1}})
                .to_string()
                .into(),
            tokenizer: Vocabulary::File(Bytes::from_static(b"{\"as\": \"it came\"}")),
            tokenizer_config: Some(json!({"eos_token": "<e>", "pad_token": "<e>"}).to_string().into()),
            template: template.map(Bytes::from_static),
            words: Some(Bytes::from_static(b"cat\nsaw\n")),
            generation: Some(json!({"temperature": 0.6, "top_p": 0.9, "eos_token_id": [2, 3]}).to_string().into()),
            tensors: Default::default(),
        })
    }

    fn written() -> Files {
        files(&[
            (
                CONFIG,
                json!({"architectures": ["L"], "hidden_size": 8, "bos_token_id": 7, "eos_token_id": 7, "pad_token_id": 0, "rope_scaling": null}),
            ),
            (GENERATION_CONFIG, json!({"temperature": 1.0, "max_new_tokens": 80, "eos_token_id": 7})),
            (TOKENIZER, json!({})),
            (TOKENIZER_CONFIG, json!({"eos_token": "<e>", "pad_token": "<p>", "chat_template": "{{ x }}"})),
        ])
    }

    #[test]
    fn what_a_model_came_with_comes_back() {
        let mut files = written();
        origin(None).restore(&mut files);
        let config = read(&files, CONFIG);
        assert_eq!((&config["bos_token_id"], &config["eos_token_id"]), (&json!(1), &json!([2, 3])));
        assert_eq!((&config["pad_token_id"], &config["architectures"]), (&json!(0), &json!(["L"])));
        let generation = read(&files, GENERATION_CONFIG);
        assert_eq!(generation, json!({"temperature": 0.6, "top_p": 0.9, "eos_token_id": [2, 3, 7]}));
        assert_eq!(files[TOKENIZER], "{\"as\": \"it came\"}");
        let tokenizer = read(&files, TOKENIZER_CONFIG);
        assert_eq!(tokenizer, json!({"eos_token": "<e>", "pad_token": "<e>", "chat_template": "{{ x }}"}));
        assert!(!files.contains_key(CHAT_TEMPLATE));
    }

    #[test]
    fn a_template_stays_where_it_was() {
        let mut files = written();
        origin(Some(b"{{ y }}")).restore(&mut files);
        assert_eq!(files[CHAT_TEMPLATE], "{{ y }}");
        assert_eq!(read(&files, TOKENIZER_CONFIG).get("chat_template"), None);
    }

    #[test]
    fn an_adapter_gets_no_files_that_it_did_not_have() {
        let mut files = files(&[("adapter_config.json", json!({}))]);
        origin(Some(b"{{ y }}")).restore(&mut files);
        assert_eq!(files.len(), 1);
    }
}
