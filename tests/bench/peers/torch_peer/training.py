"""The training steps `sft` and `reward`, in transformers and by hand, and the optimizer that all steps share.

AdamW is PyTorch's fused one, which transformers' Trainer takes too. Deliberately absent: data loading, schedules,
accumulation; one batch of random tokens serves every step.
"""

import torch
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from .decoder import Decoder, Scalar
from .shapes import LEARNING_RATE, MAX_GRAD_NORM, PAIR_TOKENS, PAIRS


def optimizer(model):
    return torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True)


def descend(model, adamw, loss):
    """Backward, clip, step."""
    adamw.zero_grad()
    loss.backward()
    clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
    adamw.step()


def random_tokens(shape, rows, length):
    return torch.randint(shape.vocabulary, (rows, length))


def transformers_model(shape, length, scalar=False):
    """transformers' Llama of the shape, its attention as it comes."""
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

    from .shapes import DEVIATION, EPSILON, THETA

    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=length,
        rms_norm_eps=EPSILON,
        initializer_range=DEVIATION,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": THETA},
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
        num_labels=1,
    )
    return (LlamaForSequenceClassification if scalar else LlamaForCausalLM)(config)


def sft(shape, peer):
    """Next-token cross-entropy over all tokens. Gives the step and its tokens."""
    tokens = random_tokens(shape, shape.rows, shape.context)
    if peer == "transformers":
        model = transformers_model(shape, shape.context)
        loss = lambda: model(input_ids=tokens, labels=tokens, use_cache=False).loss
    else:
        model = Decoder(shape, shape.context)
        targets = tokens[:, 1:].flatten()
        loss = lambda: F.cross_entropy(model.logits(model(tokens)[:, :-1]).flatten(0, 1), targets)
    adamw = optimizer(model.train())
    return lambda: descend(model, adamw, loss()), tokens.numel()


def reward(shape, peer):
    """Bradley-Terry over pairs: the rows of the chosen, then those of the rejected; the score of the last token."""
    tokens = random_tokens(shape, 2 * PAIRS, PAIR_TOKENS)
    if peer == "transformers":
        model = transformers_model(shape, PAIR_TOKENS, scalar=True)
        # Its head finds the last token by the padding; with every row full, the decoder and the head do the same work.
        scores = lambda: model.score(model.model(input_ids=tokens, use_cache=False).last_hidden_state)[:, -1, 0]
    else:
        model = Scalar(shape, PAIR_TOKENS)
        scores = lambda: model(tokens)[:, -1]

    def loss():
        chosen, rejected = scores().chunk(2)
        return -F.logsigmoid(chosen - rejected).mean()

    adamw = optimizer(model.train())
    return lambda: descend(model, adamw, loss()), tokens.numel()
