"""Sampling: 32 prompts of 32 random tokens, 64 new tokens each, without an end token.

`transformers` is its `generate`; `pytorch-kv` is a loop by hand around the static cache. Deliberately absent: top-k,
top-p, beams, log-probabilities (the phase `ppo` recomputes them with the training forward).
"""

import torch

from .decoder import Cache, Decoder
from .shapes import NEW_TOKENS, PROMPT_TOKENS, PROMPTS, TEMPERATURE
from .training import random_tokens, transformers_model

LENGTH = PROMPT_TOKENS + NEW_TOKENS


@torch.inference_mode()
def sample(model, shape, prompts):
    """Prompts and answers as whole rows."""
    cache = Cache(shape, len(prompts), LENGTH)
    rows = torch.empty(len(prompts), LENGTH, dtype=torch.long)
    rows[:, :PROMPT_TOKENS] = prompts
    hidden = model(prompts, cache)
    for place in range(PROMPT_TOKENS, LENGTH):
        chances = torch.softmax(model.logits(hidden[:, -1]) / TEMPERATURE, dim=-1)
        token = torch.multinomial(chances, 1)
        rows[:, place : place + 1] = token
        if place + 1 < LENGTH:
            hidden = model(token, cache)
    return rows


@torch.inference_mode()
def generate(model, prompts):
    rows = model.generate(
        input_ids=prompts,
        attention_mask=torch.ones_like(prompts),
        do_sample=True,
        temperature=TEMPERATURE,
        top_k=0,
        top_p=1.0,
        max_new_tokens=NEW_TOKENS,
        use_cache=True,
    )
    assert rows.shape == (PROMPTS, LENGTH), rows.shape
    return rows


def rollout(shape, peer):
    """Gives the step and its new tokens."""
    prompts = random_tokens(shape, PROMPTS, PROMPT_TOKENS)
    tokens = PROMPTS * NEW_TOKENS
    if peer == "transformers":
        model = transformers_model(shape, LENGTH).eval()
        return lambda: generate(model, prompts), tokens
    model = Decoder(shape, LENGTH).eval()
    return lambda: sample(model, shape, prompts), tokens
