"""Losses of a reward model and their gradients in the rewards.

Bradley-Terry with margin and centring runs the lines of TRL's reward trainer on all pairs of one ranking, whose mean is
InstructGPT's 1 / C(K, 2); rankings weigh the same. Best-of-K is torch's cross-entropy, Plackett-Luce a product of
softmaxes over what is left to choose from.
"""

import itertools
import types

import torch
import torch.nn.functional as F
from trl import RewardTrainer

from .common import close, f64, normal, numbers, run_lines, trained


def trl_loss(winners, losers, margins, center_rewards_coefficient):
    args = types.SimpleNamespace(center_rewards_coefficient=center_rewards_coefficient)
    names = {
        "self": types.SimpleNamespace(args=args),
        "inputs": {} if margins is None else {"margin": margins},
        "rewards_chosen": winners,
        "rewards_rejected": losers,
    }
    return run_lines(RewardTrainer.compute_loss, "# Calculate loss", 'if mode == "train"', names)["loss"]


def pairs_of(ranking):
    """(winner, loser) of a ranking of groups, best first; answers of one group are tied and make no pair."""
    return [
        (winner, loser)
        for better, worse in itertools.combinations(ranking, 2)
        for winner, loser in itertools.product(better, worse)
    ]


def pairwise(name, rewards, rankings, margins=None, center=None):
    (leaf,) = trained(rewards)
    pairs = [pairs_of(ranking) for ranking in rankings]
    flat_margins = None if margins is None else iter(margins.tolist())
    losses = []
    for of_ranking in pairs:
        winners, losers = torch.tensor(of_ranking).T
        margin = None if margins is None else f64([next(flat_margins) for _ in of_ranking])
        losses.append(trl_loss(leaf[winners], leaf[losers], margin, center))
    loss = torch.stack(losses).mean()
    loss.backward()
    gaps = torch.stack([torch.stack([rewards[w] - rewards[l] for w, l in of_ranking]).mean() for of_ranking in pairs])
    right = [
        sum((rewards[w] > rewards[l]) + 0.5 * (rewards[w] == rewards[l]) for w, l in of_ranking) / len(of_ranking)
        for of_ranking in pairs
    ]
    return {
        "name": name,
        "rewards": numbers(rewards),
        "pairs": pairs,
        "margins": None if margins is None else numbers(margins),
        "center_rewards_coefficient": center or 0.0,
        "loss": loss.item(),
        "gradient": numbers(leaf.grad),
        "accuracy": float(sum(right) / len(right)),
        "margin": gaps.mean().item(),
    }


def choice(rewards, rankings, loss_of_ranking):
    """Mean over rankings of a loss of one."""
    (leaf,) = trained(rewards)
    loss = torch.stack([loss_of_ranking(leaf, ranking) for ranking in rankings]).mean()
    loss.backward()
    return {"rewards": numbers(rewards), "rankings": rankings, "loss": loss.item(), "gradient": numbers(leaf.grad)}


def chosen_among(rewards, chosen, answers):
    """Cross-entropy of one answer against all `answers`, itself among them."""
    target = torch.tensor([answers.index(chosen)])
    return F.cross_entropy(rewards[torch.tensor(answers)][None], target)


def best_of_k(rewards, ranking):
    """The best answer among all; several best share the label, as a soft target."""
    answers = sum(ranking, [])
    target = torch.zeros(1, len(answers), dtype=rewards.dtype)
    target[0, : len(ranking[0])] = 1 / len(ranking[0])
    return F.cross_entropy(rewards[torch.tensor(answers)][None], target)


def plackett_luce(rewards, ranking):
    """Each answer among all that are not better. The last tier makes no choice."""
    losses = []
    for place, tier in enumerate(ranking[:-1]):
        left = sum(ranking[place:], [])
        losses += [chosen_among(rewards, answer, left) for answer in tier]
    return torch.stack(losses).sum()


def plackett_luce_is_a_distribution():
    """The probabilities of all orders of four answers sum to 1."""
    rewards = normal(4)
    orders = itertools.permutations([[0], [1], [2], [3]])
    close(sum(torch.exp(-plackett_luce(rewards, list(order))) for order in orders), 1.0)


def make():
    torch.manual_seed(51)
    plackett_luce_is_a_distribution()
    one = f64([2.0, 0.5, 0.4, -1.0])
    many = normal(9, scale=1.5)
    in_order = [[[0], [1], [2], [3]]]
    # Four answers without ties; three with the first two tied; a pair. Places are not in order.
    rankings = [[[2], [0], [3], [1]], [[4, 6], [5]], [[8], [7]]]
    count = sum(len(pairs_of(ranking)) for ranking in rankings)
    return {
        "pairwise": [
            pairwise("one ranking", one, in_order),
            pairwise("three rankings", many, rankings),
            pairwise("margin", many, rankings, margins=normal(count).abs()),
            pairwise("centring", many, rankings, center=0.01),
            pairwise("margin and centring", many, rankings, margins=normal(count).abs(), center=0.1),
            # The sigmoid saturates: the loss is the difference itself, or zero.
            pairwise("far apart", f64([120.0, -120.0, 60.0]), [[[0], [1]], [[1], [2]]]),
        ],
        "best_of_k": [choice(one, in_order, best_of_k), choice(many, rankings, best_of_k)],
        "plackett_luce": [choice(one, in_order, plackett_luce), choice(many, rankings, plackett_luce)],
    }
