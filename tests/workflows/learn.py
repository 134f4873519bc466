"""How many answers are usable after what a person gave: examples, edits, rankings, alone and together.

    python3 learn.py --nudge target/release/nudge --model MODEL --out learnt
    python3 learn.py ... --workflows customer_reply --rows examples-12 edits-12 --sft "--learning-rate 5e-4"

Each row gives the model something, tunes it, lets it answer the held-out prompts twice, and counts the usable answers by
the rule of `usable.py`, which was fixed before. Examples are gold answers of the first prompts in an order drawn from the
seed; edits are what `usable.py judge --edit` makes of the model's best completion to the prompts after them; rankings are
those of the same program. A row goes on from what the rows before it made, and what is done is not done again.

Of each row: the share with its interval over prompts, seconds of tuning and of an answer, and the most memory of a
process. The answers lie in `ROW.answers.jsonl`: a share says nothing of what they are like, so read them.
"""

import argparse
import json
import random
import shlex
import subprocess
import sys
from pathlib import Path

from measure import HERE, WORKFLOWS, timed
from usable import count_usable

ROWS = [
    "start", "prompt-12", "rankings-30", "examples-4", "examples-8", "examples-12", "examples-24",
    "examples-12-dpo", "edits-12",
]
ANSWERS = 2
MAX_NEW_TOKENS = 160


class Learning:
    """One workflow with one seed: a folder of what its rows made."""

    def __init__(self, arguments, name):
        self.arguments, self.name = arguments, name
        self.folder = arguments.out / name / f"seed-{arguments.seed}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rows_file = self.folder / "rows.json"
        self.rows = json.loads(self.rows_file.read_text()) if self.rows_file.exists() else {}
        gold = [json.loads(line) for line in (HERE / name / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
        prompts = {json.loads(line)["prompt"] for line in (HERE / name / "prompts.jsonl").open(encoding="utf-8")}
        self.gold = [one for one in gold if one["prompt"] in prompts]
        random.Random(arguments.seed).shuffle(self.gold)

    def path(self, name):
        return self.folder / name

    def run(self, command, *words, out):
        """A command that leaves `out`, unless it has; its seconds and the most memory it held."""
        (flag, target) = out
        done = self.path(f"{target}.done.json")
        if not done.exists():
            line = [self.arguments.nudge, command, *map(str, words), flag, str(self.path(target)), "--json"]
            print(f"{self.name}: {shlex.join(line)}", flush=True)
            went_on = ["--resume"] if self.path(target).exists() else []
            result = timed(line + went_on, self.folder)
            done.write_text(json.dumps({key: result[key] for key in ("seconds", "peak_bytes", "command")}))
        return json.loads(done.read_text())

    def write(self, name, records):
        path = self.path(name)
        path.write_text("".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records), encoding="utf-8")
        return path

    def tuned(self, folder):
        return f"{self.arguments.model}+{self.path(folder)}"

    def examples(self, count):
        return self.write(f"examples-{count}.jsonl", self.gold[:count])

    def sft(self, count):
        words = shlex.split(self.arguments.sft)
        data = self.examples(count)
        return self.run("sft", "--model", self.arguments.model, "--data", data, *words, out=("--out", f"sft-{count}"))

    def dpo(self, policy, out, *words):
        return self.run(
            "dpo", "--policy", policy, *words, "--held-out", 0, *shlex.split(self.arguments.dpo), out=("--out", out)
        )

    def ranked(self, model, name, prompts, *words):
        """The program's rankings of four completions by `model`."""
        file = self.write(f"{name}.prompts.jsonl", [{"prompt": one["prompt"]} for one in prompts])
        made = [
            self.run("sample", "--model", model, "--prompts", file, "--k", 4, "--max-new-tokens", MAX_NEW_TOKENS,
                     out=("--out", f"{name}.candidates.jsonl")),
            self.run("rank", "--candidates", self.path(f"{name}.candidates.jsonl"), "--judge-command",
                     shlex.join([sys.executable, str(HERE / "usable.py"), "judge", self.name, *words]),
                     out=("--out", f"{name}.jsonl")),
        ]
        return self.path(f"{name}.jsonl"), made

    def made(self, row):
        """What the row's model is, its held-out prompts, and what was run for it."""
        held_out = HERE / self.name / "held_out.jsonl"
        if row == "start":
            return self.arguments.model, held_out, []
        if row == "prompt-12":
            turns = [turn for one in self.gold[:12] for turn in as_turns(one["prompt"], one["completion"])]
            lines = [json.loads(line) for line in held_out.read_text(encoding="utf-8").splitlines()]
            prompts = [{"prompt": turns + as_turns(line["prompt"])} for line in lines]
            return self.arguments.model, self.write("prompt-12.prompts.jsonl", prompts), []
        kind, *rest = row.split("-")
        count = int(rest[0])
        if kind == "rankings":
            rankings, made = self.ranked(self.arguments.model, row, self.gold[:count])
            return self.tuned(row), held_out, [*made, self.dpo(self.arguments.model, row, "--comparisons", rankings)]
        if kind == "examples" and len(rest) == 1:
            return self.tuned(f"sft-{count}"), held_out, [self.sft(count)]
        made = [self.sft(12)]
        words = ["--examples", self.examples(12)]
        if kind == "edits":
            rankings, ranked = self.ranked(self.tuned("sft-12"), row, self.gold[12 : 12 + count], "--edit")
            made += ranked
            words += ["--comparisons", rankings]
        return self.tuned(row), held_out, [*made, self.dpo(self.tuned("sft-12"), row, *words)]

    def measure(self, row):
        if row in self.rows:
            return
        model, prompts, made = self.made(row)
        answered = self.run(
            "sample", "--model", model, "--prompts", prompts, "--k", ANSWERS, "--draws", ANSWERS, "--max-new-tokens",
            MAX_NEW_TOKENS, "--seed", 1000 + self.arguments.seed, out=("--out", f"{row}.answers.jsonl"),
        )
        answers = [json.loads(line) for line in self.path(f"{row}.answers.jsonl").open(encoding="utf-8")]
        # Examples in the prompt are no part of what is asked.
        asked = [{**one, "prompt": one["prompt"] if isinstance(one["prompt"], str) else one["prompt"][-1]["content"]}
                 for one in answers]
        found = count_usable(self.write(f"{row}.read.jsonl", asked), self.name, None)
        self.rows[row] = {
            "usable": found["share"], "low": found["low"], "high": found["high"], "answers": found["answers"],
            "failed": found["failed"],
            "seconds": round(sum(one["seconds"] for one in made), 1),
            "seconds_an_answer": round(answered["seconds"] / found["answers"], 2),
            "peak_bytes": max(one["peak_bytes"] for one in [*made, answered]),
        }
        self.rows_file.write_text(json.dumps(self.rows, indent=1))
        print(f"{self.name} {row}: {json.dumps(self.rows[row])}", flush=True)


def as_turns(prompt, completion=None):
    turns = [{"role": "user", "content": prompt}]
    return turns + ([{"role": "assistant", "content": completion}] if completion else [])


def main():
    parser = argparse.ArgumentParser(description="Measure what a person's examples, edits and rankings teach.")
    parser.add_argument("--nudge", default="nudge", help="the program")
    parser.add_argument("--model", required=True, help="where every row starts: a folder, or a GGUF file")
    parser.add_argument("--out", required=True, type=Path, help="folder for everything")
    parser.add_argument("--workflows", nargs="+", choices=WORKFLOWS, default=WORKFLOWS)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sft", default="", help="further flags of nudge sft")
    parser.add_argument("--dpo", default="", help="further flags of nudge dpo")
    arguments = parser.parse_args()
    for name in arguments.workflows:
        learning = Learning(arguments, name)
        for row in arguments.rows:
            try:
                learning.measure(row)
            except subprocess.CalledProcessError as error:
                sys.exit(f"{error}; what it said is in {learning.path('stderr.log')}")


if __name__ == "__main__":
    main()
