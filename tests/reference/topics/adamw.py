"""Ten steps of torch.optim.AdamW behind torch's clipping by the global norm."""

import math

import torch

from .common import numbers


def make():
    torch.manual_seed(5)
    options = {"beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1, "max_grad_norm": 1.0}
    matrix = torch.nn.Parameter(torch.randn(3, 4))
    vector = torch.nn.Parameter(torch.randn(1, 5))
    groups = [{"params": [matrix]}, {"params": [vector], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(
        groups,
        betas=(options["beta1"], options["beta2"]),
        eps=options["eps"],
        weight_decay=options["weight_decay"],
    )
    start = [numbers(matrix), numbers(vector)]
    steps = []
    for step in range(10):
        lr = 0.05 * math.cos(step / 8)
        # Some gradients are clipped, some are not.
        scale = 0.1 if step % 3 == 0 else 2.0
        gradients = [torch.randn(3, 4) * scale, torch.randn(1, 5) * scale]
        matrix.grad, vector.grad = [gradient.clone() for gradient in gradients]
        norm = torch.nn.utils.clip_grad_norm_([matrix, vector], options["max_grad_norm"])
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
        steps.append(
            {
                "lr": lr,
                "gradients": [numbers(gradient) for gradient in gradients],
                "grad_norm": norm.item(),
                "parameters": [numbers(matrix), numbers(vector)],
            }
        )
    return {"options": options, "start": start, "steps": steps}
