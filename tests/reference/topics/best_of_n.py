"""Best-of-n by exhaustion: its expected score over all subsets of the answers drawn, and its KL by summing up.

KL: for a policy over m equally likely answers without ties, the best of n independent draws has the distribution
`(i/m)^n - ((i-1)/m)^n`. As m grows its KL to the uniform one approaches `log n - (n - 1) / n`.
"""

import itertools
import math

import torch

from .common import close, normal, numbers

NS = [1, 2, 4, 8, 16, 64, 256]


def expected_score(proxy, gold, n):
    """Mean gold score of the answer with the highest proxy reward, over all subsets of size n."""
    subsets = list(itertools.combinations(range(len(proxy)), n))
    return sum(gold[max(subset, key=lambda answer: proxy[answer])] for subset in subsets) / len(subsets)


def kl_by_summing(n, m=200_000):
    upper = torch.arange(1, m + 1, dtype=torch.float64) / m
    share = upper**n - (upper - 1 / m) ** n
    return float(torch.special.xlogy(share, share * m).sum())


def make():
    torch.manual_seed(81)
    proxy, gold = normal(9), normal(9)
    kl = [math.log(n) - (n - 1) / n for n in NS]
    close([kl_by_summing(n) for n in NS], kl, 1e-4)
    return {
        "n": NS,
        "kl": kl,
        "proxy": numbers(proxy),
        "gold": numbers(gold),
        "expected_score": [expected_score(proxy.tolist(), gold.tolist(), n) for n in range(1, 10)],
    }
