"""Holds that the decoder by hand does the work of transformers' Llama, with and without the cache."""

import torch

from .decoder import Cache, Decoder
from .shapes import SHAPES
from .training import random_tokens, transformers_model

ROWS, LENGTH, START = 3, 24, 20


@torch.no_grad()
def difference(shape):
    """Largest differences of the logits: whole rows, then the last ones from the cache."""
    theirs, ours = transformers_model(shape, LENGTH).eval(), Decoder(shape, LENGTH).eval()
    # Norms of 1 would hide a norm that is left out.
    for parameter in theirs.parameters():
        if parameter.dim() == 1:
            parameter.uniform_(0.5, 1.5)
    ours.load_state_dict(theirs.model.state_dict())
    tokens = random_tokens(shape, ROWS, LENGTH)
    expected = theirs(input_ids=tokens).logits
    whole = ours.logits(ours(tokens))
    cache = Cache(shape, ROWS, LENGTH)
    ours(tokens[:, :START], cache)
    last = torch.cat([ours(tokens[:, place : place + 1], cache) for place in range(START, LENGTH)], dim=1)
    cached = ours.logits(last)
    return (whole - expected).abs().max().item(), (cached - expected[:, START:]).abs().max().item()


def check():
    torch.manual_seed(1)
    for size, shape in SHAPES.items():
        whole, cached = difference(shape)
        print(f"{size:8} whole rows {whole:.1e}  cached {cached:.1e}")
        assert whole < 1e-4 and cached < 1e-4, size
