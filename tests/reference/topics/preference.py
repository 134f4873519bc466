"""Losses that learn from preferences without a reward model: DPO and its relatives, KTO, ORPO.

All numbers come from the lines of TRL's trainers, with their gradients in the policy's log-probabilities.
"""

import math
import types

import torch
from trl import DPOTrainer, KTOTrainer
from trl.experimental.orpo import ORPOTrainer

from .common import close, f64, normal, numbers, rounded, run_lines, trained

PAIRS = 5
BETA, LABEL_SMOOTHING = 0.3, 0.1


def dpo(logprobs, loss_type, label_smoothing=0.0, lengths=None):
    """Loss and gradients. `lengths` are those of the chosen, then of the rejected answers."""
    names = {
        "self": types.SimpleNamespace(
            f_divergence_type="reverse_kl",
            loss_types=[loss_type],
            loss_weights=[1.0],
            beta=BETA,
            label_smoothing=label_smoothing,
            use_weighting=False,
        )
    }
    if lengths is not None:
        names["completion_mask"] = (torch.arange(int(lengths.max())) < lengths.flatten()[:, None]).long()
    chosen, rejected = trained(logprobs["chosen"], logprobs["rejected"])
    names |= {"chosen_logps": chosen, "rejected_logps": rejected}
    names |= {f"ref_{name}_logps": logprobs[f"ref_{name}"] for name in ["chosen", "rejected"]}
    first = "# Get the log ratios for the chosen and rejected responses"
    loss = run_lines(DPOTrainer._compute_loss, first, "if self.aux_loss_enabled", names)["loss"]
    loss.backward()
    return {"loss": loss.item(), "chosen_gradient": numbers(chosen.grad), "rejected_gradient": numbers(rejected.grad)}


def conservative(logprobs):
    """DPO with label smoothing. TRL has it left for `aot` only, which for one pair is the same."""
    pairs = [{name: value[[pair]] for name, value in logprobs.items()} for pair in range(PAIRS)]
    single = [dpo(pair, "aot", LABEL_SMOOTHING) for pair in pairs]
    return {
        "loss": sum(one["loss"] for one in single) / PAIRS,
        **{
            name: numbers(f64([one[name][0] for one in single]) / PAIRS)
            for name in ["chosen_gradient", "rejected_gradient"]
        },
    }


def with_lengths(logprobs):
    """IPO averages over tokens: Nudge is given the averages, so gradients are those in the averages."""
    lengths = torch.tensor([[3, 7, 1, 4, 2], [5, 2, 2, 6, 1]])
    out = dpo(logprobs, "ipo", lengths=lengths)
    both = dict(zip(["chosen", "rejected"], lengths))
    return {
        "loss": out["loss"],
        **{f"{name}_lengths": both[name].tolist() for name in both},
        **{f"{name}_gradient": numbers(f64(out[f"{name}_gradient"]) * both[name]) for name in both},
    }


def all_dpo():
    names = ["chosen", "rejected", "ref_chosen", "ref_rejected"]
    logprobs = {name: normal(PAIRS, scale=3.0, offset=-15.0) for name in names}
    equal = {name: logprobs[name.removeprefix("ref_")] for name in logprobs}
    close(dpo(equal, "sigmoid")["loss"], math.log(2))
    hinge = dpo(logprobs, "hinge")
    # Some pairs are far enough apart, some are not.
    assert 0 < hinge["chosen_gradient"].count(0.0) < PAIRS
    return {
        "beta": BETA,
        "label_smoothing": LABEL_SMOOTHING,
        "logprobs": {name: numbers(value) for name, value in logprobs.items()},
        "first_step": dpo(equal, "sigmoid"),
        "sigmoid": dpo(logprobs, "sigmoid"),
        "conservative": conservative(logprobs),
        "hinge": hinge,
        "ipo": with_lengths(logprobs),
        "robust": dpo(logprobs, "robust", LABEL_SMOOTHING),
    }


def kto():
    """The batch has three good answers and two bad ones; `mismatched` gives the point of reference."""
    names = ["logprobs", "ref_logprobs", "mismatched", "ref_mismatched"]
    inputs = dict(zip(names, [normal(PAIRS, scale=2.0, offset=-9.0) for _ in names]))
    desirable = torch.tensor([True, False, True, True, False])

    def case(mismatched):
        (logprobs,) = trained(inputs["logprobs"])
        out = run_lines(
            KTOTrainer._compute_loss,
            "bool_labels = torch.as_tensor(",
            'self._metrics[mode]["kl"]',
            {
                "self": types.SimpleNamespace(
                    precompute_ref_logps=True,
                    calculate_KL=True,
                    loss_type="kto",
                    beta=BETA,
                    desirable_weight=1.0,
                    undesirable_weight=1.4,
                    accelerator=types.SimpleNamespace(gather_for_metrics=lambda tensor: tensor),
                ),
                "batch": {
                    "label": desirable,
                    "ref_logps": inputs["ref_logprobs"],
                    "ref_KL_logps": inputs["ref_mismatched"],
                },
                "device": "cpu",
                "completion_logps": logprobs,
                "KL_logps": mismatched,
            },
        )
        # The line after the metrics.
        loss = out["losses"].nanmean()
        loss.backward()
        return {
            "mismatched": numbers(mismatched),
            "kl": out["kl"].item(),
            "loss": loss.item(),
            "gradient": numbers(logprobs.grad),
        }

    above, below = inputs["ref_mismatched"] + 0.5, inputs["ref_mismatched"] - 0.5
    cases = [case(rounded(mismatched)) for mismatched in [above, below]]
    # A negative KL counts as none.
    assert cases[0]["kl"] > 0 and cases[1]["kl"] == 0
    return {
        "beta": BETA,
        "desirable": desirable.tolist(),
        "desirable_weight": 1.0,
        "undesirable_weight": 1.4,
        **{name: numbers(inputs[name]) for name in ["logprobs", "ref_logprobs", "ref_mismatched"]},
        "cases": cases,
    }


def log_odds(logprobs):
    return logprobs - torch.log(-torch.expm1(logprobs))


def orpo(chosen, rejected):
    """Log-probabilities are means over tokens. TRL's function computes in f32; the same in f64 must agree."""
    chosen, rejected, nll = trained(chosen, rejected, f64(0.875))
    ratio = torch.nn.functional.logsigmoid(log_odds(chosen) - log_odds(rejected))
    trainer = types.SimpleNamespace(beta=BETA, accelerator=types.SimpleNamespace(device="cpu"))
    losses, _, _, log_odds_ratio, log_odds_chosen = ORPOTrainer.odds_ratio_loss(trainer, chosen, rejected)
    close(losses, BETA * ratio, 1e-5)
    loss = nll - BETA * ratio.mean()
    loss.backward()
    return {
        "beta": BETA,
        "chosen": numbers(chosen),
        "rejected": numbers(rejected),
        "nll": nll.item(),
        "loss": loss.item(),
        "log_odds_ratio": log_odds_ratio.item(),
        "log_odds_chosen": log_odds_chosen.item(),
        "chosen_gradient": numbers(chosen.grad),
        "rejected_gradient": numbers(rejected.grad),
        "nll_gradient": nll.grad.item(),
    }


def make():
    torch.manual_seed(93)
    usual = [rounded(-normal(PAIRS).abs() - 0.05) for _ in range(2)]
    # Nearly certain against nearly impossible, and the other way round.
    extreme = [f64([-0.001, -9.0]), f64([-9.0, -0.001])]
    return {"dpo": all_dpo(), "kto": kto(), "orpo": [orpo(*usual), orpo(*extreme)]}
