"""Logits, loss, gradients and greedy text of a Qwen2 model of transformers with random weights.

Its queries, keys and values have biases that its configuration does not mention. As in Qwen2.5 the embedding is tied,
the rotary base is a million, and a sliding window is named but not used. The head width is left to follow from the
others.
"""

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from .decoder import PAD, forward, random_weights
from .generation import continuations


def model():
    torch.manual_seed(18)
    config = Qwen2Config(
        vocab_size=19,
        hidden_size=16,
        intermediate_size=20,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32,
        rms_norm_eps=1e-6,
        tie_word_embeddings=True,
        use_sliding_window=False,
        sliding_window=4,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        pad_token_id=PAD,
        eos_token_id=None,
    )
    return random_weights(Qwen2ForCausalLM(config))


def make():
    qwen = model()
    return {"forward": forward(qwen), "generation": continuations(qwen)}
