"""Runs the loop over the workflows by the command line and writes what came of it into one JSON file.

    python3 measure.py --nudge target/release/nudge --model MODEL --out measured
    python3 measure.py ... --workflows customer_reply --seeds 1 --flags dpo="--learning-rate 2e-5 --epochs 1"

For each workflow and seed: 30 of the 60 prompts answered four times, ranked by the workflow's simulated labeler, a
reward model on the rankings, its accuracy on ranked answers to the held-out prompts, each method on rankings or
reward model, and each tuned model against the start on the held-out prompts, judged by the labeler. Of each tuned
model's answers: nats per character under the start, and the share of the prompt's content words that appear, beside
those of the start's answers (nats on the first words, as many as both have). Of each stage: seconds and the most
memory its process ever held.

A stage that is done stands in `stages.json` of its run and is not done again; one that was cut short is continued by
the command line's own --resume, and its seconds (`resumed`) are those of the last part alone. Other flags than last
time do not undo what is done: take another --out.

Deliberately absent: people. What the answers are like must be read: `compare-METHOD.jsonl` has them side by side.
"""

import argparse
import json
import math
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKFLOWS = ["customer_reply", "three_bullets", "plain_product"]
# These sample and need a reward model; all others learn from the rankings.
ONLINE = ["ppo", "grpo", "rloo", "reinforce", "online-dpo"]
RANKED, ANSWERS = 30, 4


def parse():
    parser = argparse.ArgumentParser(description="Measure the loop on three workflows.")
    parser.add_argument("--nudge", default="nudge", help="the program")
    parser.add_argument("--model", required=True, help="where every run starts: a folder, or a GGUF file")
    parser.add_argument("--out", required=True, type=Path, help="folder for everything; results.json is its summary")
    parser.add_argument("--workflows", nargs="+", choices=WORKFLOWS, default=WORKFLOWS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--methods", nargs="*", default=["dpo", "ppo"])
    parser.add_argument("--max-new-tokens", type=int, default=160, help="at 96 most replies are cut off")
    parser.add_argument("--pairs-per-prompt", type=int, default=2, help="held-out comparisons of each prompt")
    parser.add_argument("--flags", nargs="*", default=[], metavar="COMMAND=FLAGS", help="further flags of a command")
    arguments = parser.parse_args()
    arguments.flags = dict(flags.split("=", 1) for flags in arguments.flags)
    return arguments


class Workflow:
    """One workflow with one seed: a folder of what its stages made."""

    def __init__(self, arguments, name, seed):
        self.arguments, self.name, self.seed = arguments, name, seed
        self.folder = arguments.out / name / f"seed-{seed}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stages_file = self.folder / "stages.json"
        self.stages = json.loads(self.stages_file.read_text()) if self.stages_file.exists() else {}

    def path(self, name):
        return self.folder / name

    def tuned(self, folder):
        """What was trained, as the command line takes it: an adapter is named behind its base."""
        adapter = (self.path(folder) / "adapter_config.json").exists()
        return f"{self.arguments.model}+{self.path(folder)}" if adapter else str(self.path(folder))

    def stage(self, stage, command, *words, out=None):
        """Runs a command unless that was done before; keeps what it printed, its seconds and its peak.

        `out` is the flag and the file or folder that the command writes; what lies there was cut short.
        """
        if stage not in self.stages:
            line = [self.arguments.nudge, command, *map(str, words), "--json"]
            line += shlex.split(self.arguments.flags.get(command, ""))
            if out:
                line += [out[0], str(self.path(out[1]))]
            print(f"{self.name} seed {self.seed}: {stage}", flush=True)
            self.keep(stage, self.run(line, self.path(out[1]) if out else None))
        return self.stages[stage]

    def run(self, line, out):
        if out and out.exists():
            try:
                return timed(line + ["--resume"], self.folder) | {"resumed": True}
            except subprocess.CalledProcessError:
                # Cut short before its first checkpoint.
                shutil.rmtree(out) if out.is_dir() else out.unlink()
        return timed(line, self.folder)

    def keep(self, stage, result):
        """Whole or not at all."""
        self.stages[stage] = result
        unfinished = self.stages_file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self.stages, indent=1))
        os.replace(unfinished, self.stages_file)

    def measure(self):
        held_out = HERE / self.name / "held_out.jsonl"
        prompts = HERE / self.name / "prompts.jsonl"
        self.rank("train", self.choose(prompts))
        self.stage(
            "reward",
            "reward",
            "--model",
            self.arguments.model,
            "--comparisons",
            self.path("train-rankings.jsonl"),
            "--seed",
            self.seed,
            out=("--out", "reward"),
        )
        self.rank("held-out", held_out)
        self.stage(
            "calibrate",
            "calibrate",
            "--reward",
            self.tuned("reward"),
            "--comparisons",
            self.path("held-out-rankings.jsonl"),
        )
        for method in self.arguments.methods:
            self.tune(method, prompts)
            self.compare(method, held_out)
        return self.row()

    def choose(self, prompts):
        """The prompts that are ranked: other ones for each seed."""
        lines = prompts.read_text(encoding="utf-8").splitlines()
        chosen = self.path("ranked-prompts.jsonl")
        chosen.write_text(
            "".join(f"{line}\n" for line in random.Random(self.seed).sample(lines, RANKED)), encoding="utf-8"
        )
        return chosen

    def rank(self, part, prompts):
        candidates, rankings = f"{part}-candidates.jsonl", f"{part}-rankings.jsonl"
        self.stage(
            f"sample-{part}",
            "sample",
            "--model",
            self.arguments.model,
            "--prompts",
            prompts,
            "--k",
            ANSWERS,
            "--max-new-tokens",
            self.arguments.max_new_tokens,
            "--seed",
            1000 * self.seed,
            out=("--out", candidates),
        )
        self.stage(
            f"rank-{part}",
            "rank",
            "--candidates",
            self.path(candidates),
            "--labeler",
            self.name,
            out=("--out", rankings),
        )

    def tune(self, method, prompts):
        words = ["--policy", self.arguments.model, "--seed", self.seed]
        if method in ONLINE:
            words += ["--reward", self.tuned("reward"), "--prompts", prompts, "--gold-labeler", self.name]
            words += ["--max-new-tokens", self.arguments.max_new_tokens]
        else:
            words += ["--comparisons", self.path("train-rankings.jsonl")]
        self.stage(method, method, *words, out=("--out", method))

    def compare(self, method, held_out):
        """Against the start; then what both wrote."""
        pairs = f"compare-{method}.jsonl"
        self.stage(
            f"compare-{method}",
            "compare",
            "--a",
            self.tuned(method),
            "--b",
            self.arguments.model,
            "--prompts",
            held_out,
            "--labeler",
            self.name,
            "--max-new-tokens",
            self.arguments.max_new_tokens,
            "--pairs-per-prompt",
            self.arguments.pairs_per_prompt,
            "--seed",
            self.seed,
            out=("--pairs", pairs),
        )
        both = [json.loads(line) for line in self.path(pairs).read_text(encoding="utf-8").splitlines()]
        for side in ("a", "b"):
            texts = [of_equal_length(pair["a"], pair["b"])[side] for pair in both]
            written = self.path(f"answers-{method}-{side}.txt")
            texts = [text for text in texts if text.strip()]
            written.write_text("<|endoftext|>".join(texts), encoding="utf-8")
            if texts:
                self.stage(f"eval-{method}-{side}", "eval", "--model", self.arguments.model, "--text", written)

    def row(self):
        """What is asked of a run, in one object."""
        done = lambda stage: self.stages[stage]["result"]
        return {
            "workflow": self.name,
            "seed": self.seed,
            "reward": {"held_out": done("calibrate")["overall"], "training": done("reward")},
            "methods": {method: self.of_method(method) for method in self.arguments.methods},
            "stages": {
                name: {key: stage[key] for key in ("seconds", "peak_bytes", "resumed") if key in stage}
                for name, stage in self.stages.items()
            },
        }

    def of_method(self, method):
        verdict = self.stages[f"compare-{method}"]["result"]
        # A model that writes nothing has no stage of this name.
        evaluated = {side: self.stages.get(f"eval-{method}-{side}", {"result": {}})["result"] for side in ("a", "b")}
        nats = {side: result.get("nats_per_char", math.nan) for side, result in evaluated.items()}
        pairs = [
            json.loads(line) for line in self.path(f"compare-{method}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        spoken = {side: mean(share_spoken_of(pair["prompt"], pair[side]) for pair in pairs) for side in ("a", "b")}
        return verdict | {
            "nats_per_char": {"tuned": nats["a"], "start": nats["b"], "ratio": nats["a"] / nats["b"]},
            "content_words": {"tuned": spoken["a"], "start": spoken["b"]},
        }


def timed(line, folder):
    """Runs a command; gives its last JSON line, its seconds and its peak. Its complaints go into a file."""
    started = time.monotonic()
    with open(folder / "stderr.log", "a") as complaints:
        complaints.write(f"$ {shlex.join(line)}\n")
        complaints.flush()
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=complaints, text=True)
        printed = process.stdout.read()
        # Not wait(): this tells what the process used.
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, line)
    results = [json.loads(text) for text in printed.splitlines() if text.startswith("{")]
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "seconds": round(time.monotonic() - started, 1),
        "peak_bytes": usage.ru_maxrss * unit,
        "result": results[-1] if results else {},
        "command": shlex.join(line),
    }


def of_equal_length(a, b):
    """Both cut to the words of the shorter: the first words of any text are dear, and what repeats itself is cheap."""
    words = min(len(a.split()), len(b.split()))
    cut = lambda text: "".join(re.findall(r"\s*\S+", text)[:words])
    return {"a": cut(a), "b": cut(b)}


def content_words(text):
    """Numbers, and words of four letters or more cut to five, without the commonest."""
    words = re.findall(r"\d[\d.,:]*\d|\d|[^\W\d_]{4,}", text.lower())
    return {word[:5] for word in words if word not in COMMON}


COMMON = frozenset(
    "about after again been before being both could does doing done down each every from have having here into just "
    "more most much only other over same should some such than that their them then there these they this those "
    "through under until very want were what when where which while whom will with would your yours".split()
)


def share_spoken_of(prompt, answer):
    """Of the content words of the longest paragraph, which is what the prompt is about."""
    asked = content_words(max(prompt.split("\n\n"), key=len))
    return len(asked & content_words(answer)) / len(asked) if asked else 1.0


def mean(numbers):
    numbers = list(numbers)
    return sum(numbers) / len(numbers)


def main():
    arguments = parse()
    rows = []
    for name in arguments.workflows:
        for seed in arguments.seeds:
            try:
                rows.append(Workflow(arguments, name, seed).measure())
            except subprocess.CalledProcessError as error:
                sys.exit(f"{error}; what it said is in stderr.log of {arguments.out / name / f'seed-{seed}'}")
            summary = {"model": arguments.model, "flags": arguments.flags, "rows": rows}
            (arguments.out / "results.json").write_text(json.dumps(summary, indent=1))
    for row in rows:
        for method, result in row["methods"].items():
            nats, spoken = result["nats_per_char"], result["content_words"]
            print(
                f"{row['workflow']:15} seed {row['seed']} {method:5} wins {result['win_rate']:.2f} "
                f"[{result['low']:.2f}, {result['high']:.2f}]  nats x{nats['ratio']:.2f}  "
                f"content words {spoken['start']:.2f} -> {spoken['tuned']:.2f}"
            )


if __name__ == "__main__":
    main()
