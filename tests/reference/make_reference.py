"""Writes the numbers that Nudge is tested against, one JSON file a topic.

    cargo xtask reference

or, in an environment of one's own,

    pip install -r requirements.txt
    python make_reference.py [TOPIC...]

Each topic is a script of its own in `topics/`, whose `make()` calls PyTorch, transformers and TRL. The Rust tests in
this folder read the JSON files, those of nudge-data the one of the chat templates.
"""

import importlib
import os
import sys

import torch

from topics.common import write

TOPICS = [
    "adamw",
    "advantages",
    "best_of_n",
    "chat_templates",
    "decoder",
    "families",
    "generation",
    "gguf_blocks",
    "group",
    "kernels",
    "kl",
    "lora",
    "online_dpo",
    "ppo_examples",
    "ppo_update",
    "preference",
    "qwen2",
    "reward",
    "simpo",
]


def main():
    # TRL asks before each of its experimental parts is used.
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    torch.set_num_threads(1)
    for name in sys.argv[1:] or TOPICS:
        write(name, importlib.import_module(f"topics.{name}").make())


if __name__ == "__main__":
    main()
