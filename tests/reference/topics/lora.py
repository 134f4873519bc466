"""A Llama of transformers with random weights under a LoRA of PEFT: logits, loss, gradients and the merged weights.

Every linear layer of the blocks is adapted; the ranks and scales of two kinds of matrices are others (`rank_pattern`,
`alpha_pattern`), once with the scale of rsLoRA.
"""

import json

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict

from . import decoder
from .common import numbers, summary


def adapted(use_rslora):
    base = decoder.model(True)
    shape = decoder.shape_and_weights(base)
    torch.manual_seed(31)
    config = LoraConfig(
        r=4,
        lora_alpha=6,
        target_modules="all-linear",
        use_rslora=use_rslora,
        rank_pattern={"down_proj": 2},
        alpha_pattern={"q_proj": 3},
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base, config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
    return shape, model


def make_one(use_rslora):
    shape, model = adapted(use_rslora)
    tensors = {name: numbers(tensor) for name, tensor in get_peft_model_state_dict(model).items()}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
    tokens = torch.tensor([[0, 0, 0, 5, 9, 14, 3, 7], [4, 18, 2, 2, 11, 6, 1, 8], [13, 1, 17, 10, 16, 0, 0, 0]])
    mask = tokens != decoder.PAD
    logits = model(
        input_ids=tokens, attention_mask=mask.long(), position_ids=decoder.positions(mask)
    ).logits
    scored = mask[:, 1:] & mask[:, :-1]
    loss = -logits[:, :-1].log_softmax(2).gather(2, tokens[:, 1:, None])[:, :, 0][scored].mean()
    loss.backward()
    gradients = {
        name.replace(".default", ""): parameter.grad for name, parameter in model.named_parameters() if "lora_" in name
    }
    config = model.peft_config["default"].to_dict()
    config["target_modules"] = sorted(config["target_modules"])
    kept = ["r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules", "peft_type"]
    found = {
        **shape,
        "adapter_config": json.loads(json.dumps({name: config[name] for name in kept}, default=str)),
        "adapter": tensors,
        "tokens": tokens.tolist(),
        "mask": mask.tolist(),
        "logits": numbers(logits),
        "loss": loss.item(),
        "gradients": summary(gradients),
    }
    merged = model.merge_and_unload()
    found["merged"] = {
        name: numbers(parameter) for name, parameter in merged.named_parameters() if "layers.1" in name and "proj" in name
    }
    return found


def make():
    return {"lora": make_one(False), "rslora": make_one(True)}
