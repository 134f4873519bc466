"""Writes the numbers that the decoder and the optimizer are tested against: decoder.json and adamw.json.

    pip install -r requirements.txt
    python make_reference.py

The decoders are Llama models of transformers with random weights: grouped-query attention, a rotary base and a head
width that are not the defaults, tied and untied embeddings. One row has padding on the left, one on the right, so
that positions must come from the mask. The optimizer is torch.optim.AdamW behind torch's clipping by the global norm.
"""

import json
import math
import pathlib

import numpy
import torch
from transformers import LlamaConfig, LlamaForCausalLM

HERE = pathlib.Path(__file__).parent
PAD = 0


def numbers(tensor):
    """Nested lists of the shortest decimals that give the same f32."""
    return json.loads(json.dumps(tensor.detach().numpy().tolist(), default=float), parse_float=shortest)


def shortest(text):
    return float(numpy.format_float_positional(numpy.float32(text), unique=True, trim="0"))


def projection(gradient):
    """Sum of g_i cos(i): unlike a norm it sees signs and order."""
    flat = gradient.flatten().double()
    return float((flat * torch.arange(len(flat)).double().cos()).sum())


def decoder(tied):
    torch.manual_seed(11 + tied)
    config = LlamaConfig(
        vocab_size=19,
        hidden_size=12,
        intermediate_size=20,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=6,
        max_position_embeddings=32,
        rms_norm_eps=1e-4,
        tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
        pad_token_id=PAD,
    )
    model = LlamaForCausalLM(config)
    # Fresh weights are so small that attention is flat; larger ones make every part matter.
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3 + (1.0 if "norm" in name else 0.0))
    tokens = torch.tensor([[0, 0, 0, 5, 9, 14, 3, 7], [4, 18, 2, 2, 11, 6, 1, 8], [13, 1, 17, 10, 16, 0, 0, 0]])
    mask = tokens != PAD
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    logits = model(input_ids=tokens, attention_mask=mask.long(), position_ids=positions).logits
    # A next token counts where it and the token before it are real.
    scored = mask[:, 1:] & mask[:, :-1]
    logprobs = logits[:, :-1].log_softmax(2).gather(2, tokens[:, 1:, None])[:, :, 0]
    loss = -logprobs[scored].mean()
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    return {
        "config": json.loads(config.to_json_string(use_diff=False)),
        "weights": {name: numbers(parameter) for name, parameter in model.named_parameters()},
        "tokens": tokens.tolist(),
        "mask": mask.tolist(),
        "logits": numbers(logits),
        "loss": loss.item(),
        "gradients": {
            name: {"norm": gradient.norm().item(), "projection": projection(gradient)}
            for name, gradient in gradients.items()
        },
    }


def adamw():
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


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write("decoder.json", {"untied": decoder(False), "tied": decoder(True)})
    write("adamw.json", adamw())
