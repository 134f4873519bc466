"""Logits, loss and gradients of Llama models of transformers with random weights.

Grouped-query attention, a rotary base and a head width that are not the defaults, tied and untied embeddings. One row
has padding on the left, one on the right, so that positions must come from the mask.
"""

import json

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from .common import numbers, summary

PAD = 0


def random_weights(model, scale=0.3):
    """Fresh weights are so small that attention is flat; larger ones make every part matter."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.randn_like(parameter) * scale + (1.0 if "norm" in name else 0.0))
    return model


def model(tied):
    torch.manual_seed(11 + tied)
    config = LlamaConfig(
        vocab_size=19,
        hidden_size=12,
        intermediate_size=20,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=6,
        max_position_embeddings=32,
        rms_norm_eps=1e-4,
        tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
        pad_token_id=PAD,
    )
    return random_weights(LlamaForCausalLM(config))


def shape_and_weights(model):
    """What Nudge needs to build the same model."""
    return {
        "config": json.loads(model.config.to_json_string(use_diff=False)),
        "weights": {name: numbers(parameter) for name, parameter in model.named_parameters()},
    }


def positions(mask):
    """The first real token of a row has position 0."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def forward(model):
    """Shape, weights, logits, loss and gradients of a model."""
    tokens = torch.tensor([[0, 0, 0, 5, 9, 14, 3, 7], [4, 18, 2, 2, 11, 6, 1, 8], [13, 1, 17, 10, 16, 0, 0, 0]])
    mask = tokens != PAD
    logits = model(input_ids=tokens, attention_mask=mask.long(), position_ids=positions(mask)).logits
    # A next token counts where it and the token before it are real.
    scored = mask[:, 1:] & mask[:, :-1]
    logprobs = logits[:, :-1].log_softmax(2).gather(2, tokens[:, 1:, None])[:, :, 0]
    loss = -logprobs[scored].mean()
    loss.backward()
    return {
        **shape_and_weights(model),
        "tokens": tokens.tolist(),
        "mask": mask.tolist(),
        "logits": numbers(logits),
        "loss": loss.item(),
        "gradients": summary({name: parameter.grad for name, parameter in model.named_parameters()}),
    }


def make():
    return {"untied": forward(model(False)), "tied": forward(model(True))}
