#!/usr/bin/env python3
"""Checks the demonstrations of the built-in story model before anything is trained on them.

    tests/models/check_demonstrations.py --stories STORIES*.txt

An answer may use only words that the stories use (five times or more), ends like a sentence, and has the length
of its kind. No two answers may share half of their runs of four words, no opening of three words may start more than
3 % of the answers, no prompt may come twice, and the held-out file may not overlap with the training file. Prints what
is wrong and exits with 1, or prints the counts by task. Standard library only.
"""

import argparse
import collections
import json
import pathlib
import re
import sys

EXAMPLES = pathlib.Path(__file__).parents[2] / "www" / "public" / "examples"
LEAST_USES = 5
SHARED_RUNS = 0.5
SAME_OPENING = 0.03
# Words in an answer, by task; a title or a sentence is short by nature.
LENGTHS = collections.defaultdict(lambda: (20, 60), title=(2, 8), next_sentence=(5, 25))


def words(text):
    """The words of a text as written, with the apostrophes inside them."""
    return re.findall(r"[A-Za-z]+(?:'[a-z]+)?", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def dictionary(paths):
    """How often each lower-cased word is used in the files, those held out aside."""
    uses = collections.Counter()
    for path in paths:
        if "heldout" not in path.name:
            uses.update(word.lower() for word in words(path.read_text(encoding="utf-8")))
    return uses


def known(word, uses):
    word = word.lower()
    return uses[word] >= LEAST_USES or word.endswith("'s") and uses[word[:-2]] >= LEAST_USES


def runs(text):
    """The runs of four words of a text."""
    lower = [word.lower() for word in words(text)]
    return {tuple(lower[start : start + 4]) for start in range(len(lower) - 3)}


def faults_of(record, uses):
    """What is wrong with one demonstration by itself."""
    answer, task = record["completion"], record["task"]
    unknown = [word for word in words(answer) if not known(word, uses)]
    if unknown:
        yield f"no story has the words {', '.join(unknown)}"
    low, high = LENGTHS[task]
    if not low <= len(answer.split()) <= high:
        yield f"{len(answer.split())} words, not {low} to {high}"
    if task != "title" and not re.search(r'[.!?]"?$', answer):
        yield "it does not end like a sentence"
    if answer.count('"') % 2:
        yield "a quotation mark is missing"
    if not answer.isascii():
        yield "it has other characters than ASCII"


def near_duplicates(records):
    """Pairs of demonstrations whose answers share too many runs of words."""
    of_run = collections.defaultdict(list)
    all_runs = [runs(record["completion"]) for record in records]
    for index, own in enumerate(all_runs):
        shared = collections.Counter(other for run in own for other in of_run[run])
        for other, count in shared.items():
            if count >= SHARED_RUNS * min(len(own), len(all_runs[other])):
                yield records[other], records[index]
        for run in own:
            of_run[run].append(index)


def faults(records, uses):
    for record in records:
        for fault in faults_of(record, uses):
            yield f"{record['prompt']!r}: {fault}"
    for one, other in near_duplicates(records):
        yield f"{one['prompt']!r} and {other['prompt']!r}: nearly the same answer"
    for prompt, count in collections.Counter(record["prompt"] for record in records).items():
        if count > 1:
            yield f"{prompt!r}: {count} times"
    openings = collections.Counter(" ".join(record["completion"].split()[:3]) for record in records)
    for opening, count in openings.items():
        if count > SAME_OPENING * len(records):
            yield f"{count} answers begin with {opening!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=pathlib.Path, nargs="+", required=True, help="stories to take the words from")
    arguments = parser.parse_args()
    uses = dictionary(arguments.stories)
    records = []
    for split in ("train", "heldout"):
        lines = (EXAMPLES / f"demonstrations.{split}.jsonl").read_text(encoding="utf-8").splitlines()
        own = [json.loads(line) for line in lines]
        tasks = collections.Counter(record["task"] for record in own)
        print(
            f"{split}: {len(own)} demonstrations;",
            ", ".join(f"{task} {count}" for task, count in sorted(tasks.items())),
        )
        records += own
    found = list(faults(records, uses))
    print("\n".join(found) or "no fault found")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
