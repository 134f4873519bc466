"""Hands runs over to other trainers and sees whether these take them.

    pip install trl==1.16.0 peft==0.21.2 datasets
    python check.py --nudge target/debug/nudge

TRL is run: reward model, DPO and GRPO for four steps on two processes without a GPU (gloo), from test-size models. The
first loss of DPO must be ln 2. Of OpenRLHF and verl, which want GPUs to be installed whole, the published wheel is
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
PACK = PUBLIC / "examples" / "packs" / "politeness.jsonl"
PROMPTS = PUBLIC / "examples" / "prompts.jsonl"
CPU = "--use_cpu true --bf16 false --ddp_backend gloo --report_to none --max_steps 4 --logging_steps 1".split()
WHEELS = {"openrlhf": "openrlhf==0.11.2", "verl": "verl==0.9.1"}


class Place:
    """A folder, and `nudge` in it."""

    def __init__(self, nudge, folder):
        self.nudge, self.folder = shutil.which(nudge) or str(Path(nudge).resolve()), Path(folder)

    def run(self, *words):
        subprocess.run([self.nudge, *map(str, words)], cwd=self.folder, check=True)

    def hand_over(self, trainer, method):
        """The folder for this trainer."""
        out = self.folder / f"{trainer}-{method}"
        words = ["hand-over", "--to", trainer, "--method", method, "--policy", MODEL, "--out", out]
        learns = ["--comparisons", PACK] if method in ("reward", "dpo") else ["--prompts", PROMPTS, "--reward", "reward"]
        self.run(*words, *learns)
        return out


def launched(folder, *words):
    """Runs the script on two processes; gives TRL's log."""
    environment = os.environ | {"GPUS": "2", "OMP_NUM_THREADS": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", "launch.sh", *CPU, *words], cwd=folder, env=environment, check=True)
    states = sorted(folder.glob("out/**/trainer_state.json"))
    return json.loads(states[-1].read_text())["log_history"]


def trl(place):
    dpo = [entry["loss"] for entry in launched(place.hand_over("trl", "dpo")) if "loss" in entry]
    assert abs(dpo[0] - math.log(2)) < 1e-3, dpo
    reward = [entry["loss"] for entry in launched(place.hand_over("trl", "reward")) if "loss" in entry]
    grpo = [entry for entry in launched(place.hand_over("trl", "grpo"), "--max_completion_length", "8") if "reward" in entry]
    assert len(reward) == 4 and all(map(math.isfinite, reward)), reward
    assert grpo and all(math.isfinite(entry["reward"]) for entry in grpo), grpo
    print(f"trl: losses of DPO {dpo}, of the reward model {reward}; rewards of GRPO {[e['reward'] for e in grpo]}")


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
