"""What replaces the value model in GRPO and RLOO: advantages from a group of answers, and the losses that use them.

All numbers come from the lines of TRL's trainers.
"""

import types

import torch
from trl import GRPOTrainer, RLOOTrainer

from .common import f64, normal, numbers, rounded, run_lines, trained

GROUP = 4
TIME = 6


def grpo_advantages(rewards, scale_rewards):
    names = {
        "self": types.SimpleNamespace(scale_rewards=scale_rewards),
        "rewards": rewards,
        "num_generations": GROUP,
    }
    first = "mean_grouped_rewards = torch.nanmean(rewards.view"
    out = run_lines(GRPOTrainer._generate_and_score_completions, first, "is_std_zero =", names)
    return numbers(out["advantages"])


def rloo_advantages(rewards):
    return numbers(
        run_lines(
            RLOOTrainer._generate_and_score_completions,
            "grouped_rewards = rewards.view(-1, num_generations)",
            "# Normalize advantages",
            {"rewards": rewards, "num_generations": GROUP},
        )["advantages"]
    )


def advantages():
    # The middle group says nothing: all its answers score the same.
    rewards = torch.cat([normal(GROUP, scale=2.0), f64([0.3] * GROUP), f64([1.0, 0.0, 0.0, 1.0])])
    return {
        "group": GROUP,
        "rewards": numbers(rewards),
        "grpo": {scale: grpo_advantages(rewards, scale) for scale in ["group", "batch", "none"]},
        "rloo": rloo_advantages(rewards),
    }


def loss_inputs():
    lengths = torch.tensor([6, 2, 1, 4])
    mask = (torch.arange(TIME) < lengths[:, None]).double()
    old = rounded(-normal(4, TIME).abs() - 0.1)
    # Ratios on both sides of the clip range.
    new = rounded(old + normal(4, TIME, scale=0.3))
    return {"mask": mask, "old": old, "new": new, "ref": rounded(old + normal(4, TIME, scale=0.4))}


def grpo_loss(inputs, advantages, loss_type, beta):
    (new,) = trained(inputs["new"])
    settings = types.SimpleNamespace(
        importance_sampling_level="token",
        off_policy_mask_threshold=None,
        beta=beta,
        epsilon_low=0.2,
        epsilon_high=0.2,
        loss_type=loss_type,
        use_vllm=False,
        current_gradient_accumulation_steps=1,
        max_completion_length=TIME,
        args=types.SimpleNamespace(delta=None, use_bias_correction_kl=False),
        model=types.SimpleNamespace(training=True),
    )
    names = {
        "self": settings,
        "inputs": {"ref_per_token_logps": inputs["ref"]},
        "mask": inputs["mask"],
        "advantages": advantages[:, None],
        "per_token_logps": new,
        "old_per_token_logps": inputs["old"],
        "entropy_mask": None,
    }
    first = "log_ratio = per_token_logps - old_per_token_logps"
    loss = run_lines(GRPOTrainer._compute_loss, first, "# Entropy bonus:", names)["loss"]
    loss.backward()
    return {"loss": loss.item(), "gradient": numbers(new.grad)}


def rloo_loss(inputs, advantages):
    (new,) = trained(inputs["new"])
    names = {
        "self": types.SimpleNamespace(epsilon_low=0.2, epsilon_high=0.2),
        "inputs": {"old_logps": (inputs["old"] * inputs["mask"]).sum(1), "advantages": advantages},
        "completion_mask": inputs["mask"],
        "per_token_logps": new,
    }
    first = "logps = (per_token_logps * completion_mask).sum(1)"
    loss = run_lines(RLOOTrainer._compute_loss, first, "# Log the metrics", names)["loss"]
    loss.backward()
    return {"loss": loss.item(), "gradient": numbers(new.grad)}


def losses():
    inputs, advantages = loss_inputs(), f64([1.3, -1.6, -0.7, 0.9])
    aggregations = {"sequence_mean": "grpo", "token_mean": "bnpo", "fixed_length": "dr_grpo"}
    return {
        "mask": inputs["mask"].bool().tolist(),
        "logprobs": numbers(inputs["old"]),
        "new_logprobs": numbers(inputs["new"]),
        "ref_logprobs": numbers(inputs["ref"]),
        "advantages": numbers(advantages),
        "cliprange": 0.2,
        "kl_coef": 0.04,
        "grpo": {name: grpo_loss(inputs, advantages, trl, 0.0) for name, trl in aggregations.items()},
        "grpo_with_kl": {name: grpo_loss(inputs, advantages, trl, 0.04) for name, trl in aggregations.items()},
        "rloo": rloo_loss(inputs, advantages),
    }


def make():
    torch.manual_seed(71)
    return {"advantages": advantages(), "losses": losses()}
