"""Measures PyTorch, transformers and TRL at the work of `nudge bench`: one JSON object a row.

    cargo xtask bench --peers

or, in an environment of one's own,

    pip install -r requirements.txt
    python pytorch.py --sizes tiny small --phases sft rollout
    python pytorch.py --check

Each peer runs each phase of each size in a process of its own, so that the peak of resident memory is that of the phase
with Python and its libraries. This process imports none of them: a child begins with the peak of its parent.
A phase that fails says so on stderr and leaves no row; the exit code tells. On a machine that does other work too,
PyTorch's threads wait for each other in busy loops and take several times as long as their share of the cores explains;
with --passive they sleep. On --device cuda the peak is that of the GPU's memory; TRL's PPO stays on the CPU.

Deliberately absent: torch.compile (nudge's rows compile nothing ahead either), mixed precision, several GPUs, quality.
"""

import argparse
import os
import subprocess
import sys

SIZES = ["test", "tiny", "small", "medium"]
PEERS = {
    "sft": ["pytorch", "transformers"],
    "reward": ["pytorch", "transformers"],
    "rollout": ["pytorch-kv", "transformers"],
    "ppo": ["pytorch", "trl"],
}


def parse(words):
    parser = argparse.ArgumentParser(description="Measure PyTorch, transformers and TRL at the work of `nudge bench`.")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["tiny"])
    parser.add_argument("--phases", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--peers", nargs="+", choices=sorted(set(sum(PEERS.values(), []))), help="default: all")
    parser.add_argument("--repeats", type=int, default=5, help="measured steps")
    parser.add_argument("--warm-up", type=int, default=2, help="steps before the measured ones")
    parser.add_argument("--threads", type=int, default=0, help="threads of a step; 0 takes what PyTorch takes: all cores")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where PyTorch computes")
    parser.add_argument("--passive", action="store_true", help="threads sleep while they wait: for a busy machine")
    parser.add_argument("--check", action="store_true", help="compare the hand-written decoder with transformers")
    parser.add_argument("--here", action="store_true", help="run in this process: one size, phase and peer")
    arguments = parser.parse_args(words)
    if arguments.repeats < 1 or arguments.warm_up < 0:
        parser.error("--repeats must be at least 1, --warm-up at least 0")
    return arguments


def rows(arguments):
    for size in arguments.sizes:
        for phase in arguments.phases:
            for peer in PEERS[phase]:
                if not arguments.peers or peer in arguments.peers:
                    yield size, phase, peer


def run(arguments, size, phase, peer):
    """In a process of its own; gives its exit code."""
    numbers = ["--repeats", arguments.repeats, "--warm-up", arguments.warm_up, "--threads", arguments.threads]
    numbers += ["--device", arguments.device]
    words = ["--here", "--sizes", size, "--phases", phase, "--peers", peer, *map(str, numbers)]
    environment = os.environ | ({"OMP_WAIT_POLICY": "passive"} if arguments.passive else {})
    code = subprocess.run([sys.executable, __file__, *words], env=environment).returncode
    if code:
        print(f"{peer} {phase} at {size} ended with exit code {code}", file=sys.stderr)
    return code


def main():
    arguments = parse(sys.argv[1:])
    if arguments.check:
        from torch_peer.check import check

        check()
    elif arguments.here:
        from torch_peer.measure import measure

        for size, phase, peer in rows(arguments):
            measure(size, phase, peer, arguments)
    else:
        codes = [run(arguments, *row) for row in rows(arguments)]
        sys.exit(1 if any(codes) else 0)


if __name__ == "__main__":
    main()
