"""The model as its users load it: from the folder, in one precision, with LoRA where it is tuned.

PEFT keeps adapters in f32 over a base in bf16, as its default is. Deliberately absent: quantised bases, which PEFT has
on CUDA only.
"""

import os

import torch

from .work import ALPHA, FOLDER, LEARNING_RATE, MAX_GRAD_NORM, RANK

PRECISIONS = {"f32": torch.float32, "bf16": torch.bfloat16}


def folder(arguments):
    return os.path.join(arguments.models, FOLDER)


def load(arguments, precision, scalar=False):
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    kind, labels = (AutoModelForSequenceClassification, {"num_labels": 1}) if scalar else (AutoModelForCausalLM, {})
    return kind.from_pretrained(folder(arguments), dtype=PRECISIONS[precision], **labels)


def lora(scalar=False):
    from peft import LoraConfig, TaskType

    task = TaskType.SEQ_CLS if scalar else TaskType.CAUSAL_LM
    return LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules="all-linear", task_type=task)


def with_adapter(arguments, precision, scalar=False):
    from peft import get_peft_model

    model = get_peft_model(load(arguments, precision, scalar), lora(scalar))
    if arguments.checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model.train()


def optimizer(model):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(trained, lr=LEARNING_RATE, fused=True)


def descend(model, adamw, loss):
    """Backward, clip, step."""
    adamw.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(
        [parameter for parameter in model.parameters() if parameter.requires_grad], MAX_GRAD_NORM
    )
    adamw.step()


def random_tokens(model, rows, length):
    """No special ones: those stand at the beginning of the vocabulary."""
    return torch.randint(100, model.config.vocab_size, (rows, length))
