//! What a GGUF's metadata say of a model, in the words of Hugging Face's `config.json`.

use super::{ContainerError, Gguf};
use serde_json::{Value as Json, json};

/// Every fourth block of SmolLM3 has no positions; its GGUF does not say so.
const SMOLLM3_INTERVAL: usize = 4;

impl Gguf {
    /// `config.json` of the model.
    ///
    /// # Errors
    /// [`ContainerError::Metadata`] if a size is absent, is none, or does not fit the tensors.
    pub fn config(&self) -> Result<Json, ContainerError> {
        let architecture = self.architecture;
        let [vocab, hidden] = self.embedding()?;
        let (layers, heads) = (self.layers()?, self.own_size("attention.head_count")?);
        let context = self.own_size("context_length")?;
        let head = match self.own("attention.key_length").or_else(|| self.own("rope.dimension_count")) {
            Some(head) => head,
            None => hidden.checked_div(heads).unwrap_or_default(),
        };
        let mut config = json!({
            "model_type": architecture.model_type,
            "vocab_size": vocab,
            "hidden_size": hidden,
            "intermediate_size": self.own_size("feed_forward_length")?,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": self.own("attention.head_count_kv").unwrap_or(heads),
            "head_dim": head,
            "max_position_embeddings": context,
            "rope_theta": self.own_number("rope.freq_base").unwrap_or(10_000.0),
            "rms_norm_eps": rounded(self.own_number("attention.layer_norm_rms_epsilon").unwrap_or(1e-6)),
            "tie_word_embeddings": !self.tensors.contains_key("output.weight"),
        });
        let biased = self.tensors.contains_key("blk.0.attn_q.bias");
        match architecture.name {
            "llama" => config["attention_bias"] = biased.into(),
            "smollm3" => {
                let rotary = |layer: usize| u8::from(!(layer + 1).is_multiple_of(SMOLLM3_INTERVAL));
                config["no_rope_layers"] = (0..layers).map(rotary).collect();
                config["no_rope_layer_interval"] = SMOLLM3_INTERVAL.into();
            }
            "gemma3" => self.gemma3(&mut config, layers, head),
            _ => {}
        }
        if let Some(scaling) = self.rope_scaling(head)? {
            config["rope_scaling"] = scaling;
        }
        for (field, key) in [("bos_token_id", "bos"), ("eos_token_id", "eos"), ("pad_token_id", "padding")] {
            if let Some(id) = self.size(&format!("tokenizer.ggml.{key}_token_id")) {
                config[field] = id.into();
            }
        }
        Ok(config)
    }

    /// Rows and columns of the embedding: what the metadata say of them may be larger.
    fn embedding(&self) -> Result<[usize; 2], ContainerError> {
        let name = "token_embd.weight";
        let shape = self.tensors.get(name).map(|entry| entry.shape.as_slice());
        let hidden = self.own_size("embedding_length")?;
        match shape {
            Some(&[vocab, columns]) if columns == hidden => Ok([vocab, columns]),
            Some(shape) => {
                Err(self.of_tensor(name, format!("has shape {shape:?}, but {hidden} columns are announced")))
            }
            None => Err(self.of_tensor(name, "is not there".into())),
        }
    }

    /// How many blocks there are; the last of them has tensors.
    fn layers(&self) -> Result<usize, ContainerError> {
        let layers = self.own_size("block_count")?;
        let last = format!("blk.{}.", layers - 1);
        match self.tensors.keys().any(|name| name.starts_with(&last)) && layers <= self.tensors.len() {
            true => Ok(layers),
            false => {
                Err(self.of_key(&self.own_key("block_count"), format!("is {layers}, but `{last}` has no tensors")))
            }
        }
    }

    /// A key of the architecture's.
    pub(super) fn own_key(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture.name)
    }

    pub(super) fn own(&self, key: &str) -> Option<usize> {
        self.size(&self.own_key(key))
    }

    pub(super) fn own_number(&self, key: &str) -> Option<f64> {
        self.number(&self.own_key(key)).map(rounded)
    }

    /// A size that must be there.
    fn own_size(&self, key: &str) -> Result<usize, ContainerError> {
        self.own(key).filter(|size| *size > 0).ok_or_else(|| {
            let reason = match self.get(&self.own_key(key)) {
                None => "is not there".to_string(),
                Some(value) => format!("is {value:?}, but must be a number from 1"),
            };
            self.of_key(&self.own_key(key), reason)
        })
    }
}

/// The decimal number that an `f32` was written as: 1e-5, not 9.999999747e-6.
fn rounded(number: f64) -> f64 {
    (number as f32).to_string().parse().unwrap_or(number)
}
