//! How text is cut into words before bytes are merged, by the names that GGUF has for it.

use serde_json::{Value, json};

/// One set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// GPT-2's expression, which the byte-level pre-tokenizer has built in.
    Gpt2,
    /// Every digit by itself, then GPT-2's.
    SmolLm,
    /// Qwen2's expression after NFC.
    Qwen2,
    /// Llama 3's expression: digits in threes; a word that is a token is not merged.
    Llama3,
}

/// The names of each, the usual one first.
const NAMES: [(Words, &[&str]); 4] = [
    (Words::Gpt2, &["gpt-2", "default", "phi-2", "mpt", "olmo", "jina-es", "jina-de"]),
    (Words::SmolLm, &["smollm", "starcoder", "refact", "command-r", "codeshell"]),
    (Words::Qwen2, &["qwen2", "deepseek-r1-qwen", "kormo", "megrez"]),
    (Words::Llama3, &["llama-bpe", "llama3", "llama-v3", "falcon3"]),
];

/// Expressions of words.
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

impl Words {
    /// The rules that a GGUF calls `pre`; one without a name has GPT-2's.
    pub fn named(pre: &str) -> Option<Self> {
        let pre = if pre.is_empty() { "default" } else { pre };
        NAMES.into_iter().find(|(_, names)| names.contains(&pre)).map(|(words, _)| words)
    }

    /// The usual names of all.
    pub fn known() -> String {
        NAMES.map(|(_, names)| format!("`{}`", names[0])).join(", ")
    }

    /// The usual name in a GGUF.
    pub fn name(self) -> &'static str {
        NAMES.into_iter().find(|(words, _)| *words == self).map_or("default", |(_, names)| names[0])
    }

    /// The rules that a `tokenizer.json` spells out.
    pub fn of(tokenizer: &Value) -> Option<Self> {
        NAMES.into_iter().map(|(words, _)| words).find(|words| words.cuts_as(&tokenizer["pre_tokenizer"]))
    }

    /// Whether `pre_tokenizer` has these rules: the same steps with the same expression, whatever else it says.
    fn cuts_as(self, pre_tokenizer: &Value) -> bool {
        let steps = |value: &Value| match value["pretokenizers"].as_array() {
            Some(steps) => steps.clone(),
            None => vec![value.clone()],
        };
        let essence = |step: &Value| {
            let own_words = step["type"] == "ByteLevel" && step["use_regex"] != false;
            (step["type"].clone(), step["pattern"].clone(), own_words, step["add_prefix_space"] == true)
        };
        let essence = |value: &Value| steps(value).iter().map(essence).collect::<Vec<_>>();
        essence(&self.pre_tokenizer()) == essence(pre_tokenizer)
    }

    /// Whether a word that is a token is taken whole, without merging.
    pub fn whole_words_first(self) -> bool {
        self == Self::Llama3
    }

    pub fn normalizer(self) -> Value {
        match self {
            Self::Qwen2 => json!({"type": "NFC"}),
            Self::Gpt2 | Self::SmolLm | Self::Llama3 => Value::Null,
        }
    }

    pub fn pre_tokenizer(self) -> Value {
        let bytes = |own_words: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": own_words});
        let sequence = |first: Value, second: Value| json!({"type": "Sequence", "pretokenizers": [first, second]});
        let split = |expression: &str| json!({"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": false});
        match self {
            Self::Gpt2 => bytes(true),
            Self::SmolLm => sequence(json!({"type": "Digits", "individual_digits": true}), bytes(true)),
            Self::Qwen2 => sequence(split(QWEN2), bytes(false)),
            Self::Llama3 => sequence(split(LLAMA3), bytes(false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_apart_by_what_they_spell_out() {
        for (words, names) in NAMES {
            assert_eq!(Words::of(&json!({"pre_tokenizer": words.pre_tokenizer()})), Some(words));
            assert!(names.iter().all(|name| Words::named(name) == Some(words)));
            assert_eq!(Words::named(words.name()), Some(words));
        }
        assert_eq!(Words::of(&json!({"pre_tokenizer": {"type": "Metaspace"}})), None);
        assert_eq!(Words::of(&json!({"pre_tokenizer": null})), None);
        assert_eq!(Words::named(""), Some(Words::Gpt2));
    }
}
