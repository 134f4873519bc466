"""The training steps with PEFT. One batch of random tokens, every row full, serves every step.

Deliberately absent: data loading, schedules, accumulation.
"""

import torch
from torch.nn import functional as F

from .model import descend, optimizer, random_tokens, with_adapter
from .work import DPO_BETA, DPO_PAIRS, DPO_TOKENS, REWARD_ROWS, REWARD_TOKENS, SFT_ROWS, SFT_TOKENS


def sft(arguments, precision):
    """Next-token cross-entropy as transformers computes it. Gives the step and its tokens."""
    model = with_adapter(arguments, precision)
    tokens = random_tokens(model, SFT_ROWS, SFT_TOKENS)
    adamw = optimizer(model)
    loss = lambda: model(input_ids=tokens, labels=tokens, use_cache=False).loss
    return lambda: descend(model, adamw, loss()), tokens.numel()


def dpo(arguments, precision):
    """The sigmoid loss on logits of the answers alone; the reference is the base without the adapter, in the same step."""
    model = with_adapter(arguments, precision)
    tokens = random_tokens(model, 2 * DPO_PAIRS, DPO_TOKENS)
    answer = DPO_TOKENS // 2
    adamw = optimizer(model)

    def logprobs():
        logits = model(input_ids=tokens, use_cache=False, logits_to_keep=answer + 1).logits[:, :-1]
        labels = tokens[:, -answer:].flatten()
        return -F.cross_entropy(logits.float().flatten(0, 1), labels, reduction="none").view(-1, answer).sum(1)

    def loss():
        with torch.no_grad(), model.disable_adapter():
            reference = logprobs()
        chosen, rejected = (logprobs() - reference).chunk(2)
        return -F.logsigmoid(DPO_BETA * (chosen - rejected)).mean()

    return lambda: descend(model, adamw, loss()), tokens.numel()


def reward(arguments, precision):
    """Bradley-Terry over pairs: the rows of the chosen, then those of the rejected."""
    model = with_adapter(arguments, precision, scalar=True)
    tokens = random_tokens(model, REWARD_ROWS, REWARD_TOKENS)
    adamw = optimizer(model)

    def loss():
        chosen, rejected = model(input_ids=tokens, use_cache=False).logits.float()[:, 0].chunk(2)
        return -F.logsigmoid(chosen - rejected).mean()

    return lambda: descend(model, adamw, loss()), tokens.numel()
