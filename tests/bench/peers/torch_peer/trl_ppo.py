"""One iteration of TRL's `PPOTrainer` at the work of `ppo`: its own loop, its own generation, four models of one shape.

The trainer is given 32 prompts as one batch of four minibatches and asked for 32 episodes, so that a call of `train` is
one iteration. Its padding token is one that no model can produce. Deliberately absent: the parts of an iteration, which
TRL does not time, and clipping of gradients, which its loop does not do.
"""

import contextlib
import copy
import io
import os
import tempfile
import warnings

from .rollout import LENGTH
from .shapes import (
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
from .training import optimizer, random_tokens, transformers_model


def tokenizer(vocabulary):
    """Words that stand for their numbers; the padding is behind the last."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {str(token): token for token in range(vocabulary)} | {"<pad>": vocabulary}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="0")), pad_token="<pad>", eos_token="<pad>"
    )


def config(folder):
    from trl.experimental.ppo import PPOConfig

    return PPOConfig(
        output_dir=folder,
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


def ppo(shape):
    """Gives the step and its new tokens."""
    import torch
    from datasets import Dataset

    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    from trl.experimental.ppo import PPOTrainer

    warnings.filterwarnings("ignore")
    policy = transformers_model(shape, LENGTH)
    value, reward = (transformers_model(shape, LENGTH, scalar=True) for _ in range(2))
    adamw = optimizer(torch.nn.ModuleList([policy, value]))
    trainer = PPOTrainer(
        config(tempfile.mkdtemp()),
        tokenizer(shape.vocabulary),
        policy,
        copy.deepcopy(policy),
        reward,
        Dataset.from_dict({"input_ids": random_tokens(shape, PROMPTS, PROMPT_TOKENS).tolist()}),
        value,
        optimizers=(adamw, torch.optim.lr_scheduler.ConstantLR(adamw, 1.0)),
    )

    def step():
        # What it prints of an iteration would stand among the rows.
        with contextlib.redirect_stdout(io.StringIO()):
            trainer.train()

    return step, PROMPTS * NEW_TOKENS
