"""One iteration of PPO by hand, as "The N+ Implementation Details of RLHF with PPO" has it: rollout, scores, update.

Four separate models of one shape: policy, reference, value, reward. The step answers with the seconds of its three
parts. Tokens of a row are those of the answers, in the update once an epoch. Deliberately absent: text, end tokens and
what follows from them (all answers have 64 tokens), statistics, early stopping.
"""

import copy

import torch

from .clock import now
from .decoder import Decoder, Scalar
from .rollout import LENGTH, sample
from .shapes import (
    CLIP,
    EPOCHS,
    GAMMA,
    KL_COEFFICIENT,
    LAMBDA,
    MINIBATCH,
    NEW_TOKENS,
    PROMPT_TOKENS,
    PROMPTS,
    TEMPERATURE,
    VALUE_CLIP,
    VALUE_COEFFICIENT,
)
from .training import descend, optimizer, random_tokens

# The position before a token predicts it.
ANSWER = slice(PROMPT_TOKENS - 1, LENGTH - 1)


def answer_logprobs(model, rows):
    """Of the answers' tokens, `[batch, time]`."""
    logits = model.logits(model(rows)[:, ANSWER]) / TEMPERATURE
    return torch.log_softmax(logits, dim=-1).gather(2, rows[:, PROMPT_TOKENS:, None]).squeeze(2)


def advantages_and_returns(rewards, values):
    """GAE, then whitened advantages."""
    last, advantages = torch.zeros(len(rewards)), torch.empty_like(rewards)
    for place in reversed(range(NEW_TOKENS)):
        following = values[:, place + 1] if place + 1 < NEW_TOKENS else 0.0
        last = rewards[:, place] + GAMMA * following - values[:, place] + GAMMA * LAMBDA * last
        advantages[:, place] = last
    returns = advantages + values
    return (advantages - advantages.mean()) * torch.rsqrt(advantages.var() + 1e-8), returns


def policy_loss(logprobs, old_logprobs, advantages):
    ratio = (logprobs - old_logprobs).exp()
    clipped = ratio.clamp(1 - CLIP, 1 + CLIP)
    return torch.max(-advantages * ratio, -advantages * clipped).mean()


def value_loss(values, old_values, returns):
    clipped = torch.clamp(values, old_values - VALUE_CLIP, old_values + VALUE_CLIP)
    return VALUE_COEFFICIENT * 0.5 * torch.max((values - returns) ** 2, (clipped - returns) ** 2).mean()


class Iteration:
    def __init__(self, shape):
        self.shape = shape
        self.prompts = random_tokens(shape, PROMPTS, PROMPT_TOKENS)
        self.policy, self.value = Decoder(shape, LENGTH), Scalar(shape, LENGTH)
        self.reference = copy.deepcopy(self.policy).requires_grad_(False)
        self.reward = Scalar(shape, LENGTH).requires_grad_(False)
        self.policy_adamw, self.value_adamw = optimizer(self.policy), optimizer(self.value)

    @torch.no_grad()
    def score(self, rows):
        """Old log-probabilities, old values, advantages, returns, in minibatches as the update has them."""
        parts = []
        for part in rows.split(MINIBATCH):
            logprobs, reference = answer_logprobs(self.policy, part), answer_logprobs(self.reference, part)
            rewards = -KL_COEFFICIENT * (logprobs - reference)
            rewards[:, -1] += self.reward(part)[:, -1]
            parts.append((logprobs, self.value(part)[:, ANSWER], rewards))
        logprobs, values, rewards = (torch.cat(column) for column in zip(*parts))
        return (logprobs, values, *advantages_and_returns(rewards, values))

    def update(self, rows, scores):
        for _ in range(EPOCHS):
            for chosen in torch.randperm(len(rows)).split(MINIBATCH):
                part = rows[chosen]
                old_logprobs, old_values, advantages, returns = (column[chosen] for column in scores)
                loss = policy_loss(answer_logprobs(self.policy, part), old_logprobs, advantages)
                descend(self.policy, self.policy_adamw, loss)
                loss = value_loss(self.value(part)[:, ANSWER], old_values, returns)
                descend(self.value, self.value_adamw, loss)

    def step(self):
        marks = [now()]
        # A tensor of inference mode cannot stand in a graph; its copy can.
        rows = sample(self.policy, self.shape, self.prompts).clone()
        marks.append(now())
        scores = self.score(rows)
        marks.append(now())
        self.update(rows, scores)
        marks.append(now())
        rollout, score, update = (end - start for start, end in zip(marks, marks[1:]))
        return {"rollout": rollout, "score": score, "update": update}


def ppo(shape, peer):
    """Gives the step and its new tokens."""
    if peer == "trl":
        from .trl_ppo import ppo

        return ppo(shape)
    return Iteration(shape).step, PROMPTS * NEW_TOKENS
