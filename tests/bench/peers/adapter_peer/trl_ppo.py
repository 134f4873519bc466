"""One iteration of TRL's `PPOTrainer` with PEFT: its own loop, its own generation.

The policy has an adapter, its reference is the base without it. TRL wraps the policy alone; the value model gets the
same LoRA by PEFT's injection, which leaves its class as TRL wants it. The reward model is frozen. Three copies of the
base are in memory. The trainer is given 16 prompts as one batch and asked for 16 episodes, so that a call of `train`
is one iteration. Answers are as long as they may be: the end token cannot be drawn.
"""

import contextlib
import io
import os
import tempfile
import warnings

import torch

from .model import PRECISIONS, folder, load, lora, optimizer, random_tokens
from .work import (
    CLIP,
    EPOCHS,
    GAMMA,
    KL_COEFFICIENT,
    LAMBDA,
    LEARNING_RATE,
    MINIBATCH,
    NEW_TOKENS,
    PROMPT_TOKENS,
    PROMPTS,
    TEMPERATURE,
    VALUE_CLIP,
    VALUE_COEFFICIENT,
)


def config(output):
    from trl.experimental.ppo import PPOConfig

    return PPOConfig(
        output_dir=output,
        per_device_train_batch_size=PROMPTS,
        gradient_accumulation_steps=1,
        num_mini_batches=PROMPTS // MINIBATCH,
        local_rollout_forward_batch_size=MINIBATCH,
        num_ppo_epochs=EPOCHS,
        total_episodes=PROMPTS,
        response_length=NEW_TOKENS,
        temperature=TEMPERATURE,
        kl_coef=KL_COEFFICIENT,
        gamma=GAMMA,
        lam=LAMBDA,
        cliprange=CLIP,
        cliprange_value=VALUE_CLIP,
        vf_coef=VALUE_COEFFICIENT,
        learning_rate=LEARNING_RATE,
        num_sample_generations=0,
        missing_eos_penalty=None,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )


def value_model(arguments, precision):
    """With LoRA and a trained head."""
    from peft import inject_adapter_in_model

    model = inject_adapter_in_model(lora(scalar=True), load(arguments, precision, scalar=True))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name or name.startswith("score"))
    return model


def ppo(arguments, precision):
    """Gives the step and its new tokens."""
    from datasets import Dataset
    from transformers import AutoTokenizer

    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    from trl.experimental.ppo import PPOTrainer

    warnings.filterwarnings("ignore")
    assert precision in PRECISIONS
    policy, value = load(arguments, precision), value_model(arguments, precision)
    # No answer ends early: the trainer takes the model's own generation settings for what it does not set.
    policy.generation_config.suppress_tokens = [policy.config.eos_token_id]
    policy.generation_config.eos_token_id = None
    tokenizer = AutoTokenizer.from_pretrained(folder(arguments), padding_side="left")
    # A token that no prompt holds.
    tokenizer.pad_token = "<|endoftext|>"
    trainer = PPOTrainer(
        config(tempfile.mkdtemp()),
        tokenizer,
        policy,
        None,
        load(arguments, precision, scalar=True).requires_grad_(False),
        Dataset.from_dict({"input_ids": random_tokens(policy, PROMPTS, PROMPT_TOKENS).tolist()}),
        value,
        peft_config=lora(),
    )
    adamw = optimizer(trainer.model)
    trainer.optimizer, trainer.lr_scheduler = adamw, torch.optim.lr_scheduler.ConstantLR(adamw, 1.0)

    def step():
        # What it prints of an iteration would stand among the rows.
        with contextlib.redirect_stdout(io.StringIO()):
            trainer.train()

    return step, PROMPTS * NEW_TOKENS
