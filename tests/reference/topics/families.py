"""Logits, loss, gradients and greedy text of a tiny random model of every family that is not Llama's or Qwen2's plain kind.

Each has what its family alone has, in numbers that make it matter within a dozen tokens: windows of three tokens, two
rotary bases, frequencies stretched from a context of 32, layers without positions, a query scale that is not the width
of a head.
"""

import torch
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SmolLM3Config,
    SmolLM3ForCausalLM,
)

from .common import numbers, summary
from .decoder import PAD, forward
from .generation import continuations

SIZES = {
    "vocab_size": 19,
    "hidden_size": 16,
    "intermediate_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": PAD,
    "bos_token_id": None,
    "eos_token_id": None,
}


def random_weights(model):
    """Two digits after the point are enough, and make a small file. Norms multiply by about one."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            is_scale = parameter.ndim == 1 and not name.endswith("bias")
            above_one = isinstance(model, Gemma3ForCausalLM)
            mean = 1.0 if is_scale and not above_one else 0.0
            parameter.copy_((torch.randn_like(parameter) * 0.3 + mean).mul(100).round().div(100))
    return model


def llama():
    """Llama 3's stretched frequencies: of four, one is kept, one lies between, two are divided."""
    scaling = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
    rope = {"rope_type": "llama3", "rope_theta": 100.0, **scaling}
    return LlamaForCausalLM(LlamaConfig(**SIZES, head_dim=8, rope_parameters=rope, tie_word_embeddings=True))


def mistral():
    return MistralForCausalLM(MistralConfig(**SIZES, sliding_window=3, rms_norm_eps=1e-5))


def qwen3():
    rope = {"rope_type": "default", "rope_theta": 1e6}
    return Qwen3ForCausalLM(Qwen3Config(**SIZES, head_dim=6, rope_parameters=rope, tie_word_embeddings=True))


def smollm3():
    sizes = {**SIZES, "num_hidden_layers": 3}
    return SmolLM3ForCausalLM(SmolLM3Config(**sizes, no_rope_layer_interval=2, tie_word_embeddings=True))


def gemma3():
    sizes = {**SIZES, "num_hidden_layers": 3}
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    rope = {
        "sliding_attention": {"rope_type": "default", "rope_theta": 50.0},
        "full_attention": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0},
    }
    config = Gemma3TextConfig(
        **sizes, head_dim=6, query_pre_attn_scalar=9, sliding_window=3, layer_types=kinds, rope_parameters=rope
    )
    return Gemma3ForCausalLM(config)


def gpt2():
    special = {"pad_token_id": PAD, "bos_token_id": None, "eos_token_id": None}
    sizes = {"vocab_size": 19, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 32, "n_inner": None}
    dropout = {"attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0}
    return GPT2LMHeadModel(GPT2Config(**sizes, **special, **dropout))


def reference(make_model, seed):
    torch.manual_seed(seed)
    model = random_weights(make_model())
    found = forward(model)
    # Matrices of GPT-2 are kept as [in, out]; here all are as a product with their transpose has them.
    parameters = dict(model.named_parameters())
    turned = [name for name in parameters if name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight"))]
    found["weights"].update({name: numbers(parameters[name].T) for name in turned})
    found["gradients"].update(summary({name: parameters[name].grad.T for name in turned}))
    return {"forward": found, "generation": continuations(model)}


def make():
    # Seeds whose greedy tokens lead everywhere.
    seeds = {llama: 31, mistral: 32, qwen3: 31, smollm3: 31, gemma3: 32, gpt2: 32}
    return {make_model.__name__: reference(make_model, seed) for make_model, seed in seeds.items()}
