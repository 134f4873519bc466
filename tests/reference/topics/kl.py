"""KL divergence between a policy and its reference: estimators from sampled tokens, and over a whole vocabulary.

k1 and k3 are the lines of TRL's PPO trainer, with the gradients torch gives them. Near zero, k3 comes from `decimal`:
the formula as TRL writes it loses all digits there.
"""

import decimal

import torch
import torch.nn.functional as F
from trl.experimental.ppo import PPOTrainer

from .common import close, f64, normal, numbers, run_lines, trained

NEAR_ZERO = [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7]


def trl_estimate(estimator, logprobs, ref_logprobs):
    class args:
        kl_estimator = estimator

    names = {"args": args, "logprobs": logprobs, "ref_logprobs": ref_logprobs}
    return run_lines(PPOTrainer.train, "logr = ref_logprobs - logprobs", "non_score_reward =", names)["kl"]


def estimators():
    logprobs = -normal(2, 4).abs()
    ref_logprobs = -normal(2, 4).abs()
    upstream = normal(2, 4)
    formulas = {
        "k1": lambda logprobs: trl_estimate("k1", logprobs, ref_logprobs),
        "k2": lambda logprobs: (logprobs - ref_logprobs).square() / 2,
        "k3": lambda logprobs: trl_estimate("k3", logprobs, ref_logprobs),
    }
    out = {"logprobs": numbers(logprobs), "ref_logprobs": numbers(ref_logprobs), "upstream": numbers(upstream)}
    for name, formula in formulas.items():
        (leaf,) = trained(logprobs)
        kl = formula(leaf)
        (kl * upstream).sum().backward()
        out[name] = {"kl": numbers(kl), "gradient": numbers(leaf.grad)}
    return out


def k3_exactly(d):
    """exp(-d) - 1 + d in 60 digits."""
    with decimal.localcontext() as context:
        context.prec = 60
        d = decimal.Decimal(d)
        return float((-d).exp() - 1 + d)


def k3_near_zero():
    """k3 of one token whose log-probability is `logprob` under the policy and 0 under the reference, and mirrored."""
    logprobs = [f64(-d).item() for d in NEAR_ZERO]
    close(k3_exactly(-1.0), trl_estimate("k3", f64([-1.0]), f64([0.0]))[0])
    return {
        "logprobs": numbers(f64(logprobs)),
        "policy_below": [k3_exactly(logprob) for logprob in logprobs],
        "reference_below": [k3_exactly(-logprob) for logprob in logprobs],
    }


def full_vocabulary():
    """KL(policy || reference) from logits, `[batch, time]`, and its gradient in the policy's logits."""
    logits, ref_logits, upstream = normal(2, 3, 7, scale=2.0), normal(2, 3, 7, scale=2.0), normal(2, 3)
    (leaf,) = trained(logits)
    # torch's argument order: kl_div(log q, log p) is KL(p || q).
    kl = F.kl_div(ref_logits.log_softmax(2), leaf.log_softmax(2), reduction="none", log_target=True).sum(2)
    distribution = torch.distributions.Categorical
    close(kl, torch.distributions.kl_divergence(distribution(logits=leaf), distribution(logits=ref_logits)))
    (kl * upstream).sum().backward()
    return {
        "logits": numbers(logits),
        "ref_logits": numbers(ref_logits),
        "upstream": numbers(upstream),
        "kl": numbers(kl),
        "gradient": numbers(leaf.grad),
    }


def make():
    torch.manual_seed(31)
    return {"estimators": estimators(), "k3_near_zero": k3_near_zero(), "full_vocabulary": full_vocabulary()}
