"""Measures `nudge` on a machine's GPU beside PyTorch on the same GPU, and writes one table.

    cargo build --release -p nudge-cli --features wgpu,cuda
    cargo xtask models --derived
    pip install -r tests/bench/peers/requirements.txt peft==0.21.2
    python tests/bench/gpu/measure.py --out measured

On each device: the self-check, the steps of `nudge bench` and its peers, the same for adapters on SmolLM2-135M, `nudge demo`,
and DPO on one of the workflows of tests/workflows. What matters most comes first, and everything has a limit: a step that
fails or takes too long is a row that says why, and after --minutes nothing more is begun. `table.md` and `rows.json` in --out
are whole after every step.

A device that `nudge` was not built for is a row. PyTorch is measured on CUDA where it has it, else on the CPU; without
PyTorch there are no ratios. Without the model files of `cargo xtask models --derived` the rows of SmolLM2 say so.

Deliberately absent: TRL, llama.cpp, several GPUs, torch.compile.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS, WORKFLOWS, ROOT = HERE.parent / "peers", HERE.parents[1] / "workflows", HERE.parents[2]
MODELS = Path("~/.cache/nudge/models").expanduser()
GGUF, FOLDER = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf", MODELS / "smollm2-135m"

# Of one step, in seconds.
SHORT, LONG = 180, 420
BENCH_PHASES = ["sft", "reward", "rollout", "ppo"]
BENCH_PEERS = {"sft": "pytorch", "reward": "pytorch", "rollout": "pytorch-kv", "ppo": "pytorch"}
ADAPTER_PHASES = ["sft", "dpo", "sample"]


def parse():
    parser = argparse.ArgumentParser(description="Measure nudge on this machine's GPU beside PyTorch.")
    parser.add_argument("--out", required=True, type=Path, help="folder for table.md and rows.json")
    parser.add_argument("--minutes", type=float, default=25, help="after which nothing more is begun, and everything stops")
    parser.add_argument("--devices", nargs="+", choices=["wgpu", "cuda", "cpu"], default=["wgpu", "cuda"])
    parser.add_argument("--nudge", type=Path, default=ROOT / "target/release/nudge", help="the program")
    parser.add_argument("--quick", action="store_true", help="the smallest shapes alone, to see that all of it runs")
    return parser.parse_args()


class Failed(Exception):
    """Why a step has no numbers."""


class Table:
    """The rows, in files after each of them."""

    def __init__(self, out, head):
        self.out, self.head, self.rows = out, head, []
        out.mkdir(parents=True, exist_ok=True)

    def add(self, what, device, figure=None, unit="", why="", peer=None, raw=None):
        """`peer` names the row of `what` that PyTorch has, whose time over ours is the ratio."""
        row = {"what": what, "device": device, "figure": figure, "unit": unit, "why": why, "peer": peer, "raw": raw}
        self.rows.append(row)
        print(f"{what}, {device}: {why if figure is None else f'{show(figure)} {unit}'}", flush=True)
        self.write()

    def ratio(self, row):
        times = [other["figure"] for other in self.rows if other["what"] == row["what"] and other["device"] == row["peer"]]
        return times[0] / row["figure"] if times and times[0] and row["figure"] else None

    def write(self):
        rows = [row | {"ratio": self.ratio(row)} for row in self.rows]
        keep(self.out / "rows.json", json.dumps({"machine": self.head, "rows": rows}, indent=1))
        lines = [self.head, "", "| what | device | figure | unit | ratio to PyTorch |", "|---|---|---|---|---|"]
        for row in rows:
            figure = row["why"] if row["figure"] is None else show(row["figure"])
            ratio = f"{row['ratio']:.2f}x" if row["ratio"] else "-"
            lines.append(f"| {row['what']} | {row['device']} | {figure.replace('|', '/')} | {row['unit']} | {ratio} |")
        lines += ["", "Ratio: PyTorch's time over that of the row, in f32 on both sides unless the row says otherwise; more than 1 is faster."]
        keep(self.out / "table.md", "\n".join(lines) + "\n")


def keep(path, text):
    """Whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def show(figure):
    return figure if isinstance(figure, str) else f"{figure:.3g}" if abs(figure) < 100 else f"{figure:,.0f}"


class Steps:
    """Runs programs within the time that is left."""

    def __init__(self, minutes):
        self.end = time.monotonic() + 60 * minutes

    def run(self, line, limit):
        """Gives the JSON objects that a program prints; what it started ends with it."""
        left = self.end - time.monotonic()
        limit, cut = min(limit, left), left < limit
        if limit < 5:
            raise Failed("not begun: the time is up")
        with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complaints:
            try:
                process = subprocess.Popen([str(word) for word in line], stdout=said, stderr=complaints, start_new_session=True)
            except OSError as error:
                raise Failed(f"{line[0]}: {error.strerror}") from error
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            said.seek(0)
            complaints.seek(0)
            objects = [json.loads(text) for text in said if text.startswith("{")]
            if code == 0:
                return objects
            last = [text.strip() for text in complaints if text.strip()][-1:] or ["no word"]
            late = f"stopped after {limit:.0f} s, when the time was up" if cut else f"longer than {limit:.0f} s"
            raise Failed(late if code is None else f"exit code {code}: {last[0][:160]}")


class Measuring:
    def __init__(self, arguments):
        self.arguments = arguments
        self.steps = Steps(arguments.minutes)
        self.torch, self.torch_says = pytorch()
        self.peer = f"{self.torch}, PyTorch" if self.torch else None
        self.table = Table(arguments.out, machine(self.torch_says))
        self.sizes = ["test"] if arguments.quick else ["medium", "small", "tiny"]
        self.repeats = ["--repeats", 1, "--warm-up", 1] if arguments.quick else ["--repeats", 5, "--warm-up", 2]
        self.folder = Path(tempfile.mkdtemp(prefix="nudge-gpu-"))

    def nudge(self, device, *words, limit=SHORT):
        return self.steps.run([self.arguments.nudge, *words, "--device", device, "--json"], limit)

    def guarded(self, what, device, step):
        """Gives whether the step did not fail."""
        try:
            step()
            return True
        except Failed as failed:
            self.table.add(what, device, why=str(failed))
            return False

    def all(self):
        # A device that computes wrongly is not worth measuring.
        opened = [device for device in self.arguments.devices if self.guarded("self-check", device, lambda: self.check(device))]
        for size in self.sizes:
            for phase in BENCH_PHASES:
                if (size, phase) != ("test", "reward"):
                    self.bench(size, phase, opened)
        self.adapters(opened)
        for device in opened:
            self.guarded("nudge demo", device, lambda: self.demo(device))
        for device in opened:
            self.guarded("DPO on customer_reply", device, lambda: self.workflow(device))

    def check(self, device):
        report = self.nudge(device, "self-check")[-1]
        checks = report["checks"]
        good = sum(check["ok"] for check in checks)
        self.table.add("self-check", device, f"{good} of {len(checks)}", "checks hold", raw=report)

    def bench(self, size, phase, devices):
        what = f"{size}, {phase}"

        def ours(device):
            rows = self.nudge(device, "bench", "--size", size, "--phase", phase, *self.repeats)
            row = next(row for row in rows if row["phase"] == phase)
            self.table.add(what, device, row["ms"], "ms a step", peer=self.peer, raw=row)
            if (size, phase) == (self.sizes[0], "sft"):
                self.table.add("product of matrices, at best", device, row["gflops_ceiling"], "GFLOP/s")
                self.table.add("copy of memory, at best", device, row["gb_per_s_ceiling"], "GB/s")

        def theirs():
            line = [sys.executable, PEERS / "pytorch.py", "--sizes", size, "--phases", phase, "--device", self.torch]
            row = self.steps.run([*line, "--peers", BENCH_PEERS[phase], *self.repeats], SHORT)[0]
            self.table.add(what, self.peer, row["ms"], "ms a step", raw=row)

        if self.peer:
            self.guarded(what, self.peer, theirs)
        for device in devices:
            self.guarded(what, device, lambda: ours(device))

    def adapters(self, devices):
        """The same for SmolLM2: as its users load it there, in f32 and in bf16."""
        repeats = ["--repeats", 2 if self.arguments.quick else 5]
        for phase in ADAPTER_PHASES[:1] if self.arguments.quick else ADAPTER_PHASES:
            what = f"SmolLM2-135M, {phase}"
            program = "transformers" if phase == "sample" else "peft"

            def theirs(precision, name):
                if not FOLDER.exists():
                    raise Failed(f"{FOLDER.name} is missing: cargo xtask models --derived")
                line = [sys.executable, PEERS / "adapters.py", "--phases", phase, "--device", self.torch, *repeats]
                row = self.steps.run([*line, "--peers", f"{program}-{precision}"], SHORT)[0]
                self.table.add(what, name, row["ms"], "ms a step", peer=self.peer, raw=row)

            def ours(device):
                line = [sys.executable, PEERS / "nudge_adapters.py", "--nudge", self.arguments.nudge, "--phases", phase]
                row = self.steps.run([*line, "--device", device, *repeats], SHORT)[0]
                self.table.add(what, device, row["ms"], "ms a step", peer=self.peer, raw=row)

            if self.peer:
                for precision, name in [("f32", self.peer), ("bf16", f"{self.peer} in bf16")]:
                    self.guarded(what, name, lambda: theirs(precision, name))
            for device in devices:
                self.guarded(what, device, lambda: ours(device))

    def demo(self, device):
        quick = ["--quick"] if self.arguments.quick else []
        report = self.nudge(device, "demo", *quick, limit=LONG)[-1]
        self.table.add("nudge demo, the whole loop", device, report["seconds"], "s", raw=report)
        rate = 100 * report["verdict"]["win_rate"]
        self.table.add("nudge demo, tuned over start", device, rate, "% won")

    def workflow(self, device):
        if self.arguments.quick:
            return
        if not GGUF.exists():
            raise Failed(f"{GGUF.name} is missing: cargo xtask models")
        out = self.folder / device
        commands = ["sample", "rank", "reward", "calibrate", "dpo", "compare", "eval"]
        line = [sys.executable, WORKFLOWS / "measure.py", "--nudge", self.arguments.nudge, "--model", GGUF, "--out", out]
        line += ["--workflows", "customer_reply", "--seeds", 1, "--methods", "dpo"]
        self.steps.run([*line, "--flags", *(f"{command}=--device {device}" for command in commands)], LONG)
        run = json.loads((out / "results.json").read_text())["rows"][0]
        seconds = {name: stage["seconds"] for name, stage in run["stages"].items()}
        for stage in ["sample-train", "dpo", "compare-dpo"]:
            self.table.add(f"DPO on customer_reply, {stage}", device, seconds[stage], "s")
        rate = 100 * run["methods"]["dpo"]["win_rate"]
        self.table.add("DPO on customer_reply, tuned over start", device, rate, "% won", raw=run)


def pytorch():
    """Its device, if there is one, and what it says of itself. In a process of its own, which holds no memory afterwards."""
    script = "import torch; gpu = torch.cuda.is_available(); print('cuda' if gpu else 'cpu', torch.__version__)"
    try:
        said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return None, "PyTorch does not start"
    if said.returncode:
        return None, "no PyTorch"
    device, version = said.stdout.split()
    return device, f"PyTorch {version} on {device}"


def machine(torch_says):
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    gpu = subprocess.run(query, capture_output=True, text=True).stdout.strip() if shutil.which(query[0]) else "no NVIDIA GPU"
    return f"{gpu}; {os.cpu_count()} cores, {platform.system()} {platform.machine()}; {torch_says}"


def main():
    arguments = parse()
    measuring = Measuring(arguments)
    try:
        measuring.all()
    finally:
        shutil.rmtree(measuring.folder, ignore_errors=True)
    print(f"\n{(arguments.out / 'table.md').read_text()}")


if __name__ == "__main__":
    main()
