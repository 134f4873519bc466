//! A tokenizer as a GGUF's metadata say it.

use super::{GgufTokenizer, PREFIX, TokenKind, Words};
use crate::error::DataError;
use crate::tokenizer::Tokenizer;
use crate::tokenizer_files::file_error;
use serde_json::Value;

impl Tokenizer {
    /// This tokenizer for a model with `rows` rows in its embedding; rows without a token are named and unused.
    ///
    /// # Errors
    /// [`DataError::TokenizerFile`] if it is no byte-level BPE that cuts words by rules with a name in GGUF.
    pub fn to_gguf(&self, rows: usize) -> Result<GgufTokenizer, DataError> {
        let files = self.to_files()?;
        let json: Value = serde_json::from_slice(&files[0].1).map_err(|error| refused(&error.to_string()))?;
        let words = Words::of(&json).filter(|_| json["model"]["type"] == "BPE");
        let words =
            words.ok_or_else(|| refused("only byte-level BPE with the words of GPT-2, SmolLM, Qwen2 or Llama 3"))?;
        let mut tokens: Vec<String> = (0..rows.max(self.vocab_size())).map(|id| format!("[PAD{id}]")).collect();
        let mut kinds = vec![TokenKind::Unused; tokens.len()];
        let vocabulary = json["model"]["vocab"].as_object().into_iter().flatten();
        let vocabulary = vocabulary.filter_map(|(token, id)| Some((token.as_str(), id.as_u64()?, TokenKind::Normal)));
        let added = json["added_tokens"].as_array().into_iter().flatten().filter_map(|token| {
            let kind = if token["special"] == true { TokenKind::Control } else { TokenKind::UserDefined };
            Some((token["content"].as_str()?, token["id"].as_u64()?, kind))
        });
        for (token, id, kind) in vocabulary.chain(added) {
            if let Some(place) = usize::try_from(id).ok().filter(|id| *id < tokens.len()) {
                tokens[place] = token.into();
                kinds[place] = kind;
            }
        }
        Ok(GgufTokenizer {
            model: "gpt2".into(),
            pre: words.name().into(),
            tokens,
            kinds,
            merges: merges(&json["model"]["merges"]),
            bos: Some(self.bos_id()),
            eos: Some(self.eos_id()),
            end_of_turn: self.end_ids().get(1).copied(),
            padding: Some(self.pad_id()),
            // A chat template prints what begins a text; llama.cpp would put another before it.
            add_bos: Some(false),
            chat_template: self.chat().map(|chat| chat.source().to_string()),
            ..GgufTokenizer::default()
        })
    }
}

/// Merges as lines, whether the file has pairs or lines.
fn merges(merges: &Value) -> Vec<String> {
    let line = |merge: &Value| match merge {
        Value::String(line) => Some(line.clone()),
        Value::Array(pair) => Some(format!("{} {}", pair.first()?.as_str()?, pair.get(1)?.as_str()?)),
        _ => None,
    };
    merges.as_array().into_iter().flatten().filter_map(line).collect()
}

fn refused(reason: &str) -> DataError {
    let reason = format!("{reason} can be written into a GGUF ({PREFIX}); keep the model as a folder");
    file_error("tokenizer.json", reason)
}

#[cfg(test)]
mod tests {
    use crate::Tokenizer;

    #[test]
    fn a_tokenizer_goes_through_a_gguf_unchanged() {
        let before = Tokenizer::train(["The dog ran, 12 times. The dog sat."].into_iter(), 280).expect("trains");
        let gguf = before.to_gguf(300).expect("is byte-level");
        assert_eq!((gguf.tokens.len(), gguf.pre.as_str()), (300, "gpt-2"));
        let after = gguf.open(&[]).expect("opens");
        assert_eq!(after.vocab_size(), before.vocab_size());
        for text in ["The dog ran.", "12\n\n 34", "<|user|> é 漢字"] {
            assert_eq!(after.encode(text), before.encode(text), "{text}");
            assert_eq!(after.decode(&after.encode(text)), text);
        }
        let prompt =
            |tokenizer: &Tokenizer| tokenizer.encode_demonstration(&"Who ran?".into(), "The dog.").expect("encodes");
        assert_eq!(prompt(&after), prompt(&before));
        assert_eq!((after.eos_id(), after.pad_id()), (before.eos_id(), before.pad_id()));
    }
}
