"""SimPO (Meng et al. 2024), by the lines of TRL's CPOTrainer, with its gradients in the policy's log-probabilities."""

import types

import torch
from trl.experimental.cpo import CPOTrainer

from .common import close, normal, numbers, trained

PAIRS = 5
BETA, GAMMA = 2.0, 1.6


def simpo(chosen, rejected):
    """Log-probabilities are means over tokens, as the trainer forms them for this loss."""
    chosen, rejected = trained(chosen, rejected)
    trainer = types.SimpleNamespace(
        accelerator=types.SimpleNamespace(device="cpu"),
        alpha=0.0,
        beta=BETA,
        label_smoothing=0.0,
        loss_type="simpo",
        simpo_gamma=GAMMA,
    )
    losses, chosen_rewards, rejected_rewards = CPOTrainer.cpo_loss(trainer, chosen, rejected)
    close(losses, -torch.nn.functional.logsigmoid(BETA * (chosen - rejected) - GAMMA), 1e-6)
    loss = losses.mean()
    loss.backward()
    return {
        "beta": BETA,
        "gamma": GAMMA,
        "chosen": numbers(chosen),
        "rejected": numbers(rejected),
        "loss": loss.item(),
        "chosen_rewards": chosen_rewards.mean().item(),
        "rejected_rewards": rejected_rewards.mean().item(),
        "chosen_gradient": numbers(chosen.grad),
        "rejected_gradient": numbers(rejected.grad),
    }


def make():
    torch.manual_seed(94)
    return simpo(*[normal(PAIRS, scale=0.8, offset=-2.0) for _ in range(2)])
