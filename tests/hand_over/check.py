"""Hands runs over to other trainers and sees whether these take them.

    pip install trl==1.16.0 peft==0.21.2 datasets
    python check.py --nudge target/debug/nudge

TRL is run: reward model, DPO, KTO and GRPO for four steps on two processes without a GPU (gloo), from test-size models. On
the same batch of all rows the losses must be Nudge's own within 1e-4: the first two of DPO, so that one is behind a step
of the optimizer; the first of KTO, with unequal weights; that of a reward model by the scores that Nudge gives; and the
first of GRPO, which is 0 in both as advantages of a group cancel out. Of OpenRLHF and verl, which want GPUs to be installed whole, the published wheel is
fetched by pip: every flag of the launch script must be one that its parser declares, every override a key of its
configuration. NeMo-RL is not on PyPI and is not checked.
"""

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PUBLIC = Path(__file__).resolve().parents[2] / "www" / "public"
MODEL = PUBLIC / "model" / "test-size" / "sft"
PACK = PUBLIC / "examples" / "packs" / "dialogue.jsonl"
PROMPTS = PUBLIC / "examples" / "prompts.jsonl"
CPU = "--use_cpu true --bf16 false --ddp_backend gloo --report_to none --max_steps 4 --logging_steps 1".split()
# Weight of the mean squared sum of two rewards.
CENTRING = 0.02
WHEELS = {"openrlhf": "openrlhf==0.11.2", "verl": "verl==0.9.1"}


class Place:
    """A folder, and `nudge` in it."""

    def __init__(self, nudge, folder):
        self.nudge, self.folder = shutil.which(nudge) or str(Path(nudge).resolve()), Path(folder)

    def run(self, *words):
        subprocess.run([self.nudge, *map(str, words)], cwd=self.folder, check=True)

    def hand_over(self, trainer, method, *more):
        """The folder for this trainer."""
        out = self.folder / f"{trainer}-{method}"
        words = ["hand-over", "--to", trainer, "--method", method, "--policy", MODEL, "--out", out]
        learns = ["--comparisons", PACK] if method in ("reward", "dpo", "kto") else ["--prompts", PROMPTS, "--reward", "reward"]
        self.run(*words, *learns, *more)
        return out


def launched(folder, *words):
    """Runs the script on two processes; gives TRL's log."""
    environment = os.environ | {"GPUS": "2", "OMP_NUM_THREADS": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", "launch.sh", *CPU, *words], cwd=folder, env=environment, check=True)
    states = sorted(folder.glob("out/**/trainer_state.json"))
    return json.loads(states[-1].read_text())["log_history"]


def logged(file, name):
    return [entry[name] for entry in map(json.loads, file.read_text().splitlines()) if name in entry]


def close(name, theirs, ours):
    assert len(theirs) == len(ours) and all(abs(a - b) < 1e-4 for a, b in zip(theirs, ours)), (name, theirs, ours)
    print(f"trl {name}: losses {theirs}, here {ours}")


def offline(place, method, policy, *words):
    """TRL's losses of a run that is handed over by what it was made of, each of whose steps sees all rows; and ours."""
    ours = place.folder / f"ours-{method}"
    rows = len((place.folder / "pairs.jsonl").read_text().splitlines())
    place.run(method, "--policy", policy, "--comparisons", "pairs.jsonl", "--finetuning", "full", "--batch-size", rows,
              "--epochs", 4, "--held-out", 0, "--learning-rate", 1e-3, "--lr-decay", "constant", "--warmup-ratio", 0,
              "--stop-margin", "off", "--out", ours, *words)
    handed = place.folder / f"trl-{method}"
    place.run("hand-over", "--to", "trl", "--method", method, "--policy", policy, "--comparisons", "pairs.jsonl", "--config", ours / "run.json", "--out", handed)
    return [entry["loss"] for entry in launched(handed) if "loss" in entry], logged(ours / "log.jsonl", "loss")


def reward_loss(place):
    """The first loss of TRL from a reward model that has learnt something, and what Nudge's scores of the pairs make of it."""
    handed = place.folder / "trl-reward"
    words = ["--policy", place.folder / "reward", "--comparisons", "pairs.jsonl", "--config", "whole.toml"]
    (place.folder / "whole.toml").write_text(f"batch_size = 1000\nfinetuning = \"full\"\ncenter_rewards_coefficient = {CENTRING}\n")
    place.run("hand-over", "--to", "trl", "--method", "reward", *words, "--out", handed)
    theirs = [entry["loss"] for entry in launched(handed) if "loss" in entry]
    assert len(theirs) == 4 and all(map(math.isfinite, theirs)), theirs
    pairs = [json.loads(line) for line in (place.folder / "pairs.jsonl").read_text().splitlines()]
    rows = [{"prompt": pair["prompt"], "completion": pair[side]} for pair in pairs for side in ("chosen", "rejected")]
    (place.folder / "sides.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    place.run("score", "--reward", "reward", "--data", "sides.jsonl", "--out", "scored.jsonl")
    scores = [score[0] for score in logged(place.folder / "scored.jsonl", "scores")]
    losses = [math.log1p(math.exp(lost - won)) + CENTRING * (won + lost) ** 2 for won, lost in zip(scores[::2], scores[1::2])]
    return theirs[:1], [sum(losses) / len(losses)]


def trl(place):
    # One pair of each ranking: a ranking of more is one element of a batch here, and a row a pair there.
    rankings = [json.loads(line) for line in PACK.read_text().splitlines()[:8]]
    text = lambda ranking, tier: ranking["completions"][ranking["ranking"][tier][0]]["text"]
    pairs = [{"prompt": one["prompt"], "chosen": text(one, 0), "rejected": text(one, -1)} for one in rankings]
    (place.folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    theirs, ours = offline(place, "dpo", MODEL)
    close("dpo", theirs[:2], ours[:2])
    theirs, ours = offline(place, "kto", MODEL, "--desirable-weight", 1.5)
    assert len(theirs) == 4 and all(map(math.isfinite, theirs)), theirs
    close("kto", theirs[:1], ours[:1])
    close("reward", *reward_loss(place))
    # One update of a rollout, every completion of which counts alike.
    (place.folder / "grpo.toml").write_text('loss_aggregation = "sequence_mean"\nnum_mini_batches = 1\nnum_iterations = 1\nepisodes = 256\n')
    handed = place.hand_over("trl", "grpo", "--config", "grpo.toml")
    grpo = [entry for entry in launched(handed, "--max_completion_length", "8") if "reward" in entry]
    assert grpo and all(math.isfinite(entry["reward"]) for entry in grpo), grpo
    words = ["--policy", MODEL, "--reward", "reward", "--prompts", PROMPTS, "--max-new-tokens", 8, "--out", "ours-grpo"]
    place.run("grpo", *words, "--config", "grpo.toml")
    close("grpo", [grpo[0]["loss"]], logged(place.folder / "ours-grpo" / "log.jsonl", "loss/policy_avg")[:1])


def wheel(place, trainer):
    """The files of a published package, as text by their paths."""
    folder = place.folder / "wheels"
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEELS[trainer]], check=True)
    with zipfile.ZipFile(next(folder.glob(f"{trainer}-*.whl"))) as files:
        return {name: files.read(name).decode() for name in files.namelist() if name.endswith((".py", ".yaml"))}


def openrlhf(place):
    files = wheel(place, "openrlhf")
    for method, cli in [("reward", "train_rm"), ("dpo", "train_dpo"), *((method, "train_ppo_ray") for method in ("ppo", "grpo", "rloo", "reinforce"))]:
        script = (place.hand_over("openrlhf", method) / "launch.sh").read_text()
        parser = next(text for name, text in files.items() if name.endswith(f"cli/{cli}.py"))
        known = set(re.findall(r'add_argument\(\s*f?"(--[^"]+)"', parser))
        known |= {flag.replace("{prefix}", role) for flag in known for role in ("actor", "critic")}
        asked = set(re.findall(r"(?<= )--[a-z][\w.]+", script.split(cli)[1]))
        assert asked and asked <= known, f"{method}: {sorted(asked - known)}"
        print(f"openrlhf {method}: its parser declares all {len(asked)} flags")


def verl(place):
    import yaml

    files = wheel(place, "verl")
    whole = yaml.safe_load(next(text for name, text in files.items() if name.endswith("/_generated_ppo_trainer.yaml")))
    for method in ("ppo", "grpo", "rloo"):
        script = (place.hand_over("verl", method) / "launch.sh").read_text()
        asked = re.findall(r"(?<= )([a-z][\w.]+)=", script.split("main_ppo")[1])
        for key in asked:
            at = whole
            for part in key.split("."):
                assert part in at, f"{method}: {key} is no key of its configuration"
                at = at[part]
        print(f"verl {method}: its configuration has all {len(asked)} keys")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nudge", default="nudge", help="the program")
    parser.add_argument("--trainers", nargs="+", default=["trl", "openrlhf", "verl"], choices=["trl", "openrlhf", "verl"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(arguments.nudge, folder)
        place.run("reward", "--model", MODEL, "--comparisons", PACK, "--epochs", 1, "--out", "reward")
        for trainer in arguments.trainers:
            globals()[trainer](place)


if __name__ == "__main__":
    main()
