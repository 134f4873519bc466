"""Measures `nudge` at the work of adapters.py, by the commands that a user types: one JSON object a row.

    cargo xtask models --derived
    python nudge_adapters.py --nudge target/release/nudge --models ~/.cache/nudge/models --phases sft dpo

Training is timed by the `seconds` of the steps in the command's own log, without the first; sampling by what the command
says of itself; opening by the whole command with one new token. Memory is the most that the process ever held, which
with `ppo` is all four models. Nothing but Python is needed.

Deliberately absent: what the texts are. They are common words in random order, each one token, so that lengths are exact.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from adapter_peer import work

WORDS = (
    "time people way water day part place work year name help line turn much mean move right boy old same tell does set "
    "three want air well also play small end put home read hand port large add land here must big high such follow act"
).split()
# What the ChatML template of SmolLM2 with its system prompt adds around a prompt, and around a completion.
AROUND_PROMPT, AROUND_COMPLETION = 30, 2
PHASES = ["sft", "dpo", "reward", "ppo", "prompt", "sample", "decode", "open"]


def parse():
    parser = argparse.ArgumentParser(description="Measure nudge's commands with a real model.")
    parser.add_argument("--nudge", default="nudge", help="the program")
    parser.add_argument("--models", default="~/.cache/nudge/models", help="the folder of `cargo xtask models`")
    parser.add_argument("--precisions", nargs="+", default=["Q4_1"], choices=["Q4_1", "Q8_0"])
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=PHASES)
    parser.add_argument("--repeats", type=int, default=5, help="measured steps, or runs of sampling and opening")
    parser.add_argument("--device", choices=["cpu", "wgpu", "cuda"], default="cpu", help="where nudge computes")
    return parser.parse_args()


class Bench:
    """One model, and a folder for what its commands read and write."""

    def __init__(self, arguments, precision, folder):
        self.arguments, self.precision, self.folder = arguments, precision, folder
        self.model = Path(arguments.models).expanduser() / work.GGUF.format(precision)

    def file(self, name, records):
        path = self.folder / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return path

    def run(self, *words):
        """Gives what the command printed as JSON, its seconds and its peak."""
        line = [self.arguments.nudge, *map(str, words), "--device", self.arguments.device, "--json"]
        started = time.perf_counter()
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        printed, complaint = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status):
            sys.exit(f"{line}: {complaint}")
        results = [json.loads(text) for text in printed.splitlines() if text.startswith("{")]
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return (results[-1] if results else {}), time.perf_counter() - started, peak

    def steps(self, command, *words):
        """Seconds of the steps of a training command, and its peak."""
        out = self.folder / command
        _, _, peak = self.run(command, *words, "--out", out, "--force")
        log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        return [line["seconds"] for line in log if "seconds" in line][1:], peak

    def sft(self):
        completion = work.SFT_TOKENS - AROUND_PROMPT - AROUND_COMPLETION - 1
        count = work.SFT_ROWS * (self.arguments.repeats + 1)
        records = [{"prompt": text(1), "completion": text(completion)} for _ in range(count)]
        data = self.file("sft.jsonl", records)
        words = ["--model", self.model, "--data", data, "--batch-size", work.SFT_ROWS, "--epochs", 1, "--held-out", 0]
        return *self.steps("sft", *words), work.SFT_ROWS * work.SFT_TOKENS

    def pairs(self, name, tokens, pairs):
        """Pairs that share a prompt of half their tokens, as two answers to one question do."""
        half = tokens // 2
        prompt, rest = half - AROUND_PROMPT, half - AROUND_COMPLETION
        pair = lambda: {"prompt": text(prompt), "chosen": text(rest), "rejected": text(rest)}
        return self.file(name, [pair() for _ in range(pairs * (self.arguments.repeats + 1))])

    def dpo(self):
        data = self.pairs("pairs.jsonl", work.DPO_TOKENS, work.DPO_PAIRS)
        words = ["--policy", self.model, "--comparisons", data, "--batch-size", work.DPO_PAIRS, "--epochs", 1]
        return *self.steps("dpo", *words, "--held-out", 0), 2 * work.DPO_PAIRS * work.DPO_TOKENS

    def reward(self):
        data = self.pairs("rewarded.jsonl", work.REWARD_TOKENS, work.REWARD_ROWS // 2)
        words = ["--model", self.model, "--comparisons", data, "--batch-size", work.REWARD_ROWS // 2, "--epochs", 1]
        return *self.steps("reward", *words, "--held-out", 0), work.REWARD_ROWS * work.REWARD_TOKENS

    def ppo(self):
        self.reward()
        prompts = [{"prompt": text(work.PROMPT_TOKENS - AROUND_PROMPT)} for _ in range(work.PROMPTS)]
        words = ["--policy", self.model, "--reward", f"{self.model}+{self.folder / 'reward'}"]
        words += ["--prompts", self.file("prompts.jsonl", prompts), "--batch-size", work.PROMPTS]
        words += ["--episodes", work.PROMPTS * (self.arguments.repeats + 1), "--num-iterations", work.EPOCHS]
        words += ["--num-mini-batches", work.PROMPTS // work.MINIBATCH, "--max-new-tokens", work.NEW_TOKENS]
        seconds, peak = self.steps("ppo", *words)
        return seconds, peak, work.PROMPTS * work.NEW_TOKENS

    def sampled(self, answers, tokens):
        """Seconds of sampling alone: those of the command less those of the same for one token."""
        prompts = self.file("question.jsonl", [{"prompt": work.QUESTION}])
        words = ["sample", "--model", self.model, "--prompts", prompts, "--temperature", work.TEMPERATURE]
        # As many as are asked for: of a real model `nudge` draws three times as many otherwise, and keeps the best.
        words += ["--k", answers, "--draws", answers, "--out", self.folder / "sampled.jsonl", "--force"]
        seconds, peaks = [], []
        for _ in range(self.arguments.repeats):
            _, short, _ = self.run(*words, "--max-new-tokens", 1)
            _, long, peak = self.run(*words, "--max-new-tokens", tokens)
            seconds.append(long - short)
            peaks.append(peak)
        return seconds, max(peaks), answers * (tokens - 1)

    def prompt(self):
        """Seconds of reading alone: those of the command less those of the same with a prompt of one word."""
        short, long = (
            self.file(f"{words}.jsonl", [{"prompt": text(words)}])
            for words in (1, work.LONG_PROMPT_TOKENS - AROUND_PROMPT)
        )
        words = ["sample", "--model", self.model, "--k", 1, "--draws", 1, "--max-new-tokens", 1]
        words += ["--out", self.folder / "read.jsonl", "--force"]
        seconds, peaks = [], []
        for _ in range(self.arguments.repeats):
            _, without, _ = self.run(*words, "--prompts", short)
            _, whole, peak = self.run(*words, "--prompts", long)
            seconds.append(whole - without)
            peaks.append(peak)
        return seconds, max(peaks), work.LONG_PROMPT_TOKENS

    def sample(self):
        return self.sampled(work.ANSWERS, work.ANSWER_TOKENS)

    def decode(self):
        return self.sampled(1, work.STREAM_TOKENS)

    def open(self):
        prompts = self.file("question.jsonl", [{"prompt": work.QUESTION}])
        words = ["sample", "--model", self.model, "--prompts", prompts, "--k", 1, "--max-new-tokens", 1]
        runs = [self.run(*words, "--out", self.folder / "one.jsonl", "--force") for _ in range(self.arguments.repeats)]
        return [seconds for _, seconds, _ in runs], max(peak for *_, peak in runs), 1

    def measure(self, phase):
        seconds, peak, tokens = getattr(self, phase)()
        median = statistics.median(seconds)
        row = {"peer": f"nudge-{self.precision}", "size": work.SIZE, "phase": phase, "device": self.arguments.device}
        row |= {"ms": 1e3 * median, "ms_low": 1e3 * min(seconds), "ms_high": 1e3 * max(seconds)}
        print(json.dumps(row | {"tokens_per_s": tokens / median, "peak_bytes": peak, "repeats": len(seconds)}), flush=True)


def text(words):
    return " ".join(random.choices(WORDS, k=words))


def main():
    arguments = parse()
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        for precision in arguments.precisions:
            for phase in arguments.phases:
                Bench(arguments, precision, Path(folder)).measure(phase)


if __name__ == "__main__":
    main()
