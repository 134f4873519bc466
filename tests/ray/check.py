"""Runs the rows of a small measurement on a cluster of two nodes on this machine, and kills one of them in the middle.

    pip install "ray[default]"
    python check.py --nudge target/debug/nudge

All rows must be there and none twice, at least one must have been begun twice, and table and report must be those of a
single run, byte for byte. The nodes talk on loopback addresses, but Ray listens on the others too; where nothing may:

    unshare --user --map-root-user --net sh -c 'ip link set lo up && python check.py --nudge target/debug/nudge'
"""

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

import rows_on_ray

MODEL = Path(__file__).resolve().parents[2] / "www" / "public" / "model" / "test-size" / "sft"
# The shapes that a model of test size can be measured on.
WORDS = ["lab", "shapes", "--quick", "--only", "1", "5", "11", "--seeds", "5", "--device", "cpu", "--model", str(MODEL)]
# A machine is lost when so many rows have come.
LOST_AT = 3
# Loopback, but not 127.0.0.1, which Ray takes for a name of this machine's address outside.
HEAD, OTHER = "127.0.0.2", "127.0.0.3"


def noting(nudge, folder):
    """A program that notes when a row begins and ends, and is `nudge` in between."""
    program, notes = folder / "noting", folder / "notes"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *--lines*) ;; *) exec {nudge} "$@";; esac\n'
        f'echo begun >> {notes}\n{nudge} "$@"\ncode=$?\necho ended >> {notes}\nexit $code\n'
    )
    program.chmod(0o755)
    return str(program), lambda what: notes.read_text().split().count(what)


def check(nudge, folder):
    nudge, noted = noting(shutil.which(nudge) or str(Path(nudge).resolve()), folder)
    single = subprocess.run([nudge, *WORDS, "--report", str(folder / "single.html")], check=True, capture_output=True)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "node_ip_address": HEAD})
    other = cluster.add_node(num_cpus=1, node_ip_address=OTHER)
    ray.init(address=cluster.address, log_to_driver=False, _node_ip_address=HEAD)
    came = []

    def lost(row):
        came.append(row)
        if len(came) == LOST_AT:
            # Each node has one core: where two rows are under way, one is on the node that is killed.
            while noted("begun") - noted("ended") < 2:
                time.sleep(0.01)
            cluster.remove_node(other, allow_graceful=False)

    kept = folder / "rows.jsonl"
    try:
        rows_on_ray.run(nudge, WORDS, kept, 1, lost)
        alive = [node for node in ray.nodes() if node["Alive"]]
    finally:
        ray.shutdown()
        cluster.shutdown()
    rows = [json.loads(line)["row"] for line in kept.read_text().splitlines()]
    wanted = list(rows_on_ray.rows_of(nudge, WORDS))
    begun = noted("begun")
    assert len(alive) == 1, alive
    assert sorted(rows) == sorted(wanted) and len(set(rows)) == len(rows), (rows, wanted)
    assert begun > len(rows), "no row was under way on the node that was killed"
    words = [nudge, *WORDS, "--report", str(folder / "ray.html"), "--from", str(kept)]
    merged = subprocess.run(words, check=True, capture_output=True)
    assert merged.stdout == single.stdout
    assert (folder / "ray.html").read_bytes() == (folder / "single.html").read_bytes()
    print(f"{len(rows)} rows, each once, of {begun} begun; one of two nodes was killed after {LOST_AT}")
    print("table and report are those of a single run, byte for byte")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nudge", default="nudge", help="the program")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check(arguments.nudge, Path(folder))


if __name__ == "__main__":
    main()
