"""Online DPO (Guo et al. 2024): which of two completions is chosen, and the loss, by the lines of TRL's trainer."""

import types

import torch
from trl.experimental.online_dpo import OnlineDPOTrainer

from .common import f64, normal, numbers, rounded, run_lines, trained

PROMPTS, TIME = 3, 4
BETA = 0.3


def make():
    torch.manual_seed(95)
    # TRL's order: the first completion of every prompt, then the second of every prompt.
    logprobs, ref_logprobs = [rounded(-normal(2 * PROMPTS, TIME).abs() - 0.1) for _ in range(2)]
    # The last pair ties: the first is chosen.
    rewards = f64([0.5, -1.0, 0.25, -0.5, 2.0, 0.25])
    lengths = torch.tensor([4, 2, 3, 1, 4, 4])
    mask = torch.arange(TIME) < lengths[:, None]
    (logprobs,) = trained(logprobs)
    names = {
        "self": types.SimpleNamespace(beta=BETA, args=types.SimpleNamespace(loss_type="sigmoid")),
        "rewards": rewards,
        "batch_size": PROMPTS,
        "device": "cpu",
        "logprobs": logprobs,
        "ref_logprobs": ref_logprobs,
        "completion_mask": mask,
    }
    first, last = "# Split rewards into chosen/rejected pairs", "# Log everything"
    scope = run_lines(OnlineDPOTrainer.training_step, first, last, names)
    loss = scope["loss"]
    loss.backward()
    return {
        "beta": BETA,
        "rewards": numbers(rewards),
        "chosen": scope["chosen_indices"].tolist(),
        "logprobs": numbers(logprobs),
        "ref_logprobs": numbers(ref_logprobs),
        "mask": mask.tolist(),
        "loss": loss.item(),
        "gradient": numbers(logprobs.grad),
    }

