"""Measures PEFT, TRL, transformers and llama.cpp at tuning and sampling SmolLM2-135M-Instruct: one JSON object a row.

    cargo xtask models --derived
    pip install -r requirements.txt -r requirements-adapters.txt
    python adapters.py --models ~/.cache/nudge/models --phases sft dpo reward --repeats 5

The work, with LoRA of rank 16 on all linear layers of the decoder:

    sft      one step on 4 rows of 256 tokens, cross-entropy of all of them
    dpo      one step on 4 pairs of rows of 128 tokens, the second half of them the answer
    reward   one step on 16 rows of 128 tokens, 8 pairs
    ppo      one iteration: 16 prompts of 64 tokens, 64 new tokens, 2 epochs of minibatches of 8
    prompt   reading a prompt of 1,600 tokens, to the logits behind its last
    sample   4 answers of 64 tokens to one prompt
    decode   128 tokens of one stream behind a prompt
    open     from the file to the first token of an answer

Each peer runs each phase in a process of its own, so that the peak of resident memory is that of the phase with Python
and its libraries. A phase that fails says so on stderr and leaves no row; the exit code tells.

On --device cuda the peak is that of the GPU's memory; TRL and llama.cpp stay on the CPU.

Deliberately absent: torch.compile, several GPUs, quality.
"""

import argparse
import os
import subprocess
import sys

PEERS = {
    "sft": ["peft-f32", "peft-bf16"],
    "dpo": ["peft-f32", "peft-bf16"],
    "reward": ["peft-f32", "peft-bf16"],
    "ppo": ["trl-f32"],
    "prompt": ["transformers-f32", "transformers-bf16"],
    "sample": ["transformers-f32", "transformers-bf16"],
    "decode": ["llama.cpp-Q4_1", "llama.cpp-Q8_0"],
    "open": ["llama.cpp-Q4_1", "llama.cpp-Q8_0"],
}


def parse(words):
    parser = argparse.ArgumentParser(description="Measure PEFT, TRL, transformers and llama.cpp with a real model.")
    parser.add_argument("--models", default="~/.cache/nudge/models", help="the folder of `cargo xtask models`")
    parser.add_argument("--phases", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--peers", nargs="+", choices=sorted(set(sum(PEERS.values(), []))), help="default: all")
    parser.add_argument("--repeats", type=int, default=5, help="measured steps")
    parser.add_argument("--warm-up", type=int, default=1, help="steps before the measured ones")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where PyTorch computes")
    parser.add_argument(
        "--checkpointing", action="store_true", help="recompute activations block by block, as TRL does"
    )
    parser.add_argument("--passive", action="store_true", help="threads sleep while they wait: for a busy machine")
    parser.add_argument("--here", action="store_true", help="run in this process: one phase and peer")
    arguments = parser.parse_args(words)
    arguments.models = os.path.expanduser(arguments.models)
    if arguments.repeats < 1 or arguments.warm_up < 0:
        parser.error("--repeats must be at least 1, --warm-up at least 0")
    return arguments


def rows(arguments):
    for phase in arguments.phases:
        for peer in PEERS[phase]:
            if not arguments.peers or peer in arguments.peers:
                yield phase, peer


def run(arguments, phase, peer):
    """In a process of its own; gives its exit code."""
    numbers = ["--repeats", arguments.repeats, "--warm-up", arguments.warm_up, "--threads", arguments.threads]
    numbers += ["--device", arguments.device]
    words = ["--here", "--models", arguments.models, "--phases", phase, "--peers", peer, *map(str, numbers)]
    words += ["--checkpointing"] if arguments.checkpointing else []
    environment = os.environ | ({"OMP_WAIT_POLICY": "passive"} if arguments.passive else {})
    code = subprocess.run([sys.executable, __file__, *words], env=environment).returncode
    if code:
        print(f"{peer} {phase} ended with exit code {code}", file=sys.stderr)
    return code


def main():
    arguments = parse(sys.argv[1:])
    if arguments.here:
        from adapter_peer.measure import measure

        for phase, peer in rows(arguments):
            measure(phase, peer, arguments)
    else:
        codes = [run(arguments, *row) for row in rows(arguments)]
        sys.exit(1 if any(codes) else 0)


if __name__ == "__main__":
    main()
