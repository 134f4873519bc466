//! What a GGUF calls the tensors of a model, and what Hugging Face calls them.

/// An architecture of GGUF that Nudge knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Architecture {
    /// `general.architecture`.
    pub name: &'static str,
    /// `model_type` of `config.json`.
    pub model_type: &'static str,
    /// Whether the rows of queries and keys are interleaved: llama.cpp turns neighbours, transformers halves.
    pub interleaved: bool,
    /// Whether norms are stored with 1 added.
    pub norms_one_more: bool,
    /// The parts of a block that it names otherwise than others or alone has.
    parts: &'static [(&'static str, &'static str)],
}

/// All of them.
pub(super) const ARCHITECTURES: [Architecture; 5] = [
    Architecture {
        name: "llama",
        model_type: "llama",
        interleaved: true,
        norms_one_more: false,
        parts: &[("ffn_norm", "post_attention_layernorm")],
    },
    Architecture {
        name: "qwen2",
        model_type: "qwen2",
        interleaved: false,
        norms_one_more: false,
        parts: &[("ffn_norm", "post_attention_layernorm")],
    },
    Architecture {
        name: "qwen3",
        model_type: "qwen3",
        interleaved: false,
        norms_one_more: false,
        parts: &[
            ("ffn_norm", "post_attention_layernorm"),
            ("attn_q_norm", "self_attn.q_norm"),
            ("attn_k_norm", "self_attn.k_norm"),
        ],
    },
    Architecture {
        name: "smollm3",
        model_type: "smollm3",
        interleaved: true,
        norms_one_more: false,
        parts: &[("ffn_norm", "post_attention_layernorm")],
    },
    Architecture {
        name: "gemma3",
        model_type: "gemma3_text",
        interleaved: false,
        norms_one_more: true,
        parts: &[
            ("ffn_norm", "pre_feedforward_layernorm"),
            ("post_attention_norm", "post_attention_layernorm"),
            ("post_ffw_norm", "post_feedforward_layernorm"),
            ("attn_q_norm", "self_attn.q_norm"),
            ("attn_k_norm", "self_attn.k_norm"),
        ],
    },
];

/// Tensors outside the blocks.
const OUTSIDE: [(&str, &str); 3] = [
    ("token_embd.weight", "model.embed_tokens.weight"),
    ("output_norm.weight", "model.norm.weight"),
    ("output.weight", "lm_head.weight"),
];

/// Parts of a block that all architectures have.
const PARTS: [(&str, &str); 8] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

impl Architecture {
    /// The architecture of this name in a GGUF.
    pub fn named(name: &str) -> Option<Self> {
        ARCHITECTURES.into_iter().find(|known| known.name == name)
    }

    /// The architecture of this `model_type`. Mistral is written as a Llama, as llama.cpp does.
    pub fn of_model_type(model_type: &str) -> Option<Self> {
        let model_type = if model_type == "mistral" { "llama" } else { model_type };
        ARCHITECTURES.into_iter().find(|known| known.model_type == model_type)
    }

    fn parts(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        PARTS.iter().chain(self.parts).copied()
    }

    /// Hugging Face's name of the tensor that a GGUF calls `name`.
    pub fn to_hugging_face(self, name: &str) -> Option<String> {
        if let Some((_, outside)) = OUTSIDE.iter().find(|(gguf, _)| *gguf == name) {
            return Some((*outside).into());
        }
        let (block, part) = name.strip_prefix("blk.")?.split_once('.')?;
        let block: usize = block.parse().ok()?;
        let (part, kind) = part.rsplit_once('.').filter(|(_, kind)| ["weight", "bias"].contains(kind))?;
        let (_, part) = self.parts().find(|(gguf, _)| *gguf == part)?;
        Some(format!("model.layers.{block}.{part}.{kind}"))
    }

    /// A GGUF's name of the tensor that Hugging Face calls `name`.
    pub fn to_gguf(self, name: &str) -> Option<String> {
        if let Some((outside, _)) = OUTSIDE.iter().find(|(_, theirs)| *theirs == name) {
            return Some((*outside).into());
        }
        let (block, part) = name.strip_prefix("model.layers.")?.split_once('.')?;
        let block: usize = block.parse().ok()?;
        let (part, kind) = part.rsplit_once('.').filter(|(_, kind)| ["weight", "bias"].contains(kind))?;
        let (part, _) = self.parts().find(|(_, theirs)| *theirs == part)?;
        Some(format!("blk.{block}.{part}.{kind}"))
    }
}

/// Whether a tensor of Hugging Face's holds rows of queries (`q_proj`) or of keys (`k_proj`), and which.
pub(super) fn turned(name: &str) -> Option<Turned> {
    let module = name.rsplit_once('.')?.0;
    match module.rsplit_once('.')?.1 {
        "q_proj" => Some(Turned::Queries),
        "k_proj" => Some(Turned::Keys),
        _ => None,
    }
}

/// What positions turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// Rows of query heads.
    Queries,
    /// Rows of key heads.
    Keys,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for architecture in ARCHITECTURES {
            let blocks = architecture.parts().map(|(gguf, _)| format!("blk.12.{gguf}.weight"));
            for name in blocks.chain(OUTSIDE.iter().map(|(gguf, _)| (*gguf).to_string())) {
                let theirs = architecture.to_hugging_face(&name).unwrap();
                assert_eq!(architecture.to_gguf(&theirs).as_deref(), Some(name.as_str()), "{theirs}");
            }
        }
        let gemma = Architecture::named("gemma3").unwrap();
        assert_eq!(
            gemma.to_hugging_face("blk.3.ffn_norm.weight").unwrap(),
            "model.layers.3.pre_feedforward_layernorm.weight"
        );
        assert_eq!(gemma.to_hugging_face("blk.3.ffn_gate_exps.weight"), None);
        assert_eq!(gemma.to_hugging_face("blk.x.ffn_norm.weight"), None);
    }
}
