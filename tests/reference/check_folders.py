"""Opens model folders and GGUF files with transformers and compares tokens and logits with Nudge's own.

    cargo build --workspace --example logits
    python check_folders.py MODEL_DIR|FILE.gguf...

A decoder is opened by AutoModelForCausalLM, a reward model by AutoModelForSequenceClassification, the tokenizer by
AutoTokenizer; a GGUF by the same, which widen it to f32. Everything is computed in f32. Exits with 1 if a folder differs by more than the tolerance.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import numpy
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

TOLERANCE = 1e-4
ROOT = pathlib.Path(__file__).parents[2]
TEXTS = [
    "Once upon a time there was a little dog.",
    "Write a story about a boat. Make it short, please!",
    "<|endoftext|> is only text here; naïve cafés, 12 345, tabs\tand emoji 🐸",
    "A",
]


def nudge(binary, folder):
    """What Nudge computes: {"kind", "rows": [{"text", "tokens", "numbers"}]}."""
    run = subprocess.run(
        [binary, folder], input="\n".join(TEXTS), capture_output=True, text=True
    )
    if run.returncode != 0:
        raise SystemExit(f"{folder}: {run.stderr.strip()}")
    return json.loads(run.stdout)


def largest_difference(folder, own):
    """The largest difference of two logits or rewards, as a share of the largest of transformers' own."""
    path = pathlib.Path(folder)
    gguf = {"gguf_file": path.name} if path.is_file() else {}
    folder = path.parent if gguf else path
    tokenizer = AutoTokenizer.from_pretrained(folder, **gguf)
    reward = own["kind"] == "reward"
    auto = AutoModelForSequenceClassification if reward else AutoModelForCausalLM
    model, loading = auto.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, **gguf)
    for problem in ["missing_keys", "unexpected_keys", "mismatched_keys"]:
        if loading[problem]:
            raise SystemExit(f"{folder}: {problem}: {sorted(loading[problem])}")
    largest = 0.0
    for row in own["rows"]:
        ids = tokenizer(row["text"], split_special_tokens=True, add_special_tokens=False)["input_ids"]
        if ids != row["tokens"]:
            raise SystemExit(f"{folder}: {row['text']!r} is {row['tokens']} in Nudge and {ids} in transformers")
        with torch.no_grad():
            theirs = model(input_ids=torch.tensor([ids])).logits[0].numpy()
        ours = numpy.array(row["numbers"]["rewards"][-1:] if reward else row["numbers"]["logits"])
        scale = max(1.0, float(numpy.abs(theirs).max()))
        largest = max(largest, float(numpy.abs(theirs - ours).max()) / scale)
    return largest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", metavar="MODEL")
    parser.add_argument("--logits", default=ROOT / "target/debug/examples/logits", help="the example's binary")
    options = parser.parse_args()
    worst = 0.0
    for folder in options.folders:
        own = nudge(options.logits, folder)
        difference = largest_difference(folder, own)
        print(f"{folder}: {own['kind']}, largest difference {difference:.2e}")
        worst = max(worst, difference)
    sys.exit(worst > TOLERANCE)


if __name__ == "__main__":
    main()
