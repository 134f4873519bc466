"""Runs the rows of a measurement on a Ray cluster and prints the table that a single run would have printed.

    pip install "ray[default]"
    python rows_on_ray.py --rows shapes.jsonl -- lab shapes --seeds 5 --report shapes.html

Behind `--` stands what `nudge` would be given. Its rows do not depend on each other: each is a command of its own
(`nudge lab ... --rows`), which prints one line. Lines are kept in `--rows` as they come; what is there is not run again, so
that the same command goes on after an end in the middle. Where a machine is lost, its row runs again on another. The
program and the files that the command names must lie at the same places on all machines.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import ray

# A row whose machine was lost is begun again so often.
RETRIES = 5


@ray.remote(max_retries=RETRIES)
def measured(command, folder):
    """The line of a row, from whatever machine this runs on."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def rows_of(nudge, words):
    """The commands of the rows by their names."""
    listed = subprocess.run([nudge, *words, "--rows", "--json"], check=True, stdout=subprocess.PIPE, text=True)
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    return {row["row"]: [nudge, *row["command"][1:]] for row in rows}


def run(nudge, words, kept, cpus, came=lambda row: None):
    """Measures the rows that `kept` lacks, on the cluster that Ray is connected to."""
    rows = rows_of(nudge, words)
    there = {json.loads(line)["row"] for line in kept.read_text().splitlines()} if kept.exists() else set()
    task = measured.options(num_cpus=cpus)
    waiting = {task.remote(command, os.getcwd()): row for row, command in rows.items() if row not in there}
    while waiting:
        [done], _ = ray.wait(list(waiting))
        row = waiting.pop(done)
        code, line, told = ray.get(done)
        if code != 0:
            sys.exit(f"{row} failed; the others are kept in {kept}, and the same command goes on with it:\n{told}")
        with kept.open("a") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        print(f"{row}: done, {len(waiting)} to come", file=sys.stderr)
        came(row)


def table(nudge, words, kept):
    """What `nudge` makes of all rows."""
    return subprocess.run([nudge, *words, "--from", str(kept)]).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=Path, required=True, help="file that keeps the rows as they come")
    parser.add_argument("--nudge", default="nudge", help="the program, at the same place on all machines")
    parser.add_argument("--address", default="auto", help="the cluster; `local` starts one on this machine")
    parser.add_argument("--cpus", type=float, default=2, help="cores that a row takes")
    parser.add_argument("words", nargs="+", help="-- and what nudge is given, without --out")
    arguments = parser.parse_args()
    ray.init(address=arguments.address, log_to_driver=False)
    run(arguments.nudge, arguments.words, arguments.rows, arguments.cpus)
    sys.exit(table(arguments.nudge, arguments.words, arguments.rows))


if __name__ == "__main__":
    main()
