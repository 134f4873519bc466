"""Masked statistics, whitening and generalised advantage estimation: TRL's functions and lines.

GAE is TRL's code path on left-aligned answers; a plain loop over each answer alone must agree with it.
"""

import torch
from trl.experimental.ppo import PPOTrainer
from trl.experimental.ppo.ppo_trainer import masked_mean, masked_var, masked_whiten

from .common import close, normal, numbers, run_lines

LENGTHS = [6, 3, 1, 5]
TIME = 6


def answers():
    """True on the tokens of answers of `LENGTHS`."""
    return torch.arange(TIME) < torch.tensor(LENGTHS)[:, None]


def statistics():
    values, mask = normal(4, TIME, scale=2.0, offset=1.0), answers()
    mean = masked_mean(values, mask)
    out = {"values": numbers(values), "mask": mask.tolist(), "mean": mean.item()}
    for name, unbiased in [("biased", False), ("unbiased", True)]:
        variance = masked_var(values, mask, unbiased=unbiased)
        # TRL divides two integers in between, which torch does in f32.
        close(variance, values[mask].var(unbiased=unbiased), 1e-7)
        centred = (values - mean) * torch.rsqrt(variance + 1e-8)
        if unbiased:
            close(centred, masked_whiten(values, mask))
            close(centred + mean, masked_whiten(values, mask, shift_mean=False))
        out[name] = {
            "variance": variance.item(),
            "whitened": numbers(centred.masked_fill(~mask, 0)),
            "whitened_keeping_mean": numbers((centred + mean).masked_fill(~mask, 0)),
        }
    return out


def trl_gae(rewards, values, gamma, lam):
    """Raw advantages and returns by the lines of TRL's trainer. Rewards and values are 0 after an answer's end."""

    class args:
        pass

    args.gamma, args.lam = gamma, lam
    names = {"args": args, "rewards": rewards, "values": values, "responses": rewards}
    out = run_lines(PPOTrainer.train, "lastgaelam = 0", "advantages = masked_whiten", names)
    return out["advantages"], out["returns"]


def loop_gae(rewards, values, gamma, lam):
    """One answer, one float after the other."""
    advantages, advantage, next_value = [], 0.0, 0.0
    for reward, value in zip(reversed(rewards), reversed(values)):
        advantage = reward + gamma * next_value - value + gamma * lam * advantage
        next_value = value
        advantages.insert(0, advantage)
    return advantages


def gae():
    mask = answers()
    rewards, values = [normal(4, TIME).masked_fill(~mask, 0) for _ in range(2)]
    cases = []
    for gamma, lam in [(1.0, 0.95), (0.9, 0.8), (1.0, 0.0), (0.99, 1.0)]:
        advantages, returns = trl_gae(rewards, values, gamma, lam)
        for row, length in enumerate(LENGTHS):
            alone = loop_gae(rewards[row, :length].tolist(), values[row, :length].tolist(), gamma, lam)
            close(advantages[row, :length], alone)
        cases.append(
            {"gamma": gamma, "lambda": lam, "advantages": numbers(advantages), "returns": numbers(returns)}
        )
    return {"rewards": numbers(rewards), "values": numbers(values), "mask": mask.tolist(), "cases": cases}


def make():
    torch.manual_seed(41)
    return {"statistics": statistics(), "gae": gae()}
