"""Greedy continuations by transformers' `generate`, with its cache: tokens, and the log-probability of each.

The model is the untied one of decoder.json. `noise` lies in the middle of the share that the greedy token has of the
cumulative distribution, so a sampler that inverts it at temperature 1 must draw just these tokens.
"""

import torch

from .common import numbers
from .decoder import PAD, model as llama

PROMPTS = [[5, 9, 14, 3, 7], [4, 18], [2, 11, 6]]
NEW_TOKENS = 8


def generate(model, rows):
    """Greedy tokens of left-padded rows and the logits they were taken from."""
    width = max(len(row) for row in rows)
    tokens = torch.tensor([[PAD] * (width - len(row)) + row for row in rows])
    out = model.generate(
        tokens,
        attention_mask=(tokens != PAD).long(),
        do_sample=False,
        max_new_tokens=NEW_TOKENS,
        min_new_tokens=NEW_TOKENS,
        return_dict_in_generate=True,
        output_logits=True,
    )
    return tokens, out.sequences[:, width:], torch.stack(out.logits, 1)


@torch.no_grad()
def continuations(model):
    """Greedy tokens behind the prompts, their log-probabilities, and noise that draws them."""
    model = model.eval()
    prompts, tokens, logits = generate(model, PROMPTS)
    best = logits.topk(2, dim=2)
    # No coin flips: the greedy token leads everywhere.
    assert (best.values[..., 0] - best.values[..., 1]).min() > 0.01
    assert torch.equal(best.indices[..., 0], tokens)
    for row, prompt in enumerate(PROMPTS):
        _, alone, alone_logits = generate(model, [prompt])
        assert torch.equal(alone[0], tokens[row])
        assert torch.allclose(alone_logits[0], logits[row], atol=1e-5)
    logprobs = logits.double().log_softmax(2)
    probabilities = logprobs.exp()
    chosen = tokens[..., None]
    below = probabilities.cumsum(2).gather(2, chosen) - probabilities.gather(2, chosen)
    noise = below + probabilities.gather(2, chosen) / 2
    return {
        "prompts": prompts.tolist(),
        "mask": (prompts != PAD).tolist(),
        "tokens": tokens.tolist(),
        "logprobs": numbers(logprobs.gather(2, chosen)[..., 0]),
        "noise": numbers(noise[..., 0]),
    }


def make():
    return continuations(llama(False))
